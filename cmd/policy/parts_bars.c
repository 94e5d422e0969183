/* SPDX-License-Identifier: ISC */
#include "cmd/policy/parts.h"

#include "cmd/policy/print.h"

#include <string.h>

enum {
	GAP = 2,
	INDENT = 2,
	MIN_BAR = 3,
	MAX_LABEL = 34,
};

#define NOWHERE UINT32_MAX /* the version does not have the part */

struct bars_column {
	unsigned version;
	struct json json; /* of the version's record */
	struct buffer record;
	uint32_t *node; /* part -> node of json, NOWHERE */
	uint32_t *next; /* part of an array -> its first element in json without a part so far */
	bool empty;     /* no line, or a stub */
};

struct bars {
	struct sink *out;
	const struct parts *parts;
	struct bars_column *column;
	unsigned columns;
	size_t label;       /* width of the column of names */
	size_t cell;        /* of each other */
	struct buffer name; /* of this row, after the names of the rows around it */
	size_t name_from;
	struct arena arena;
};

/* The elements that are left keep their order. */
static uint32_t
find_element(const struct parts *p, struct bars_column *c, uint32_t i)
{
	uint32_t parent = p->at[i].parent;
	uint32_t array = c->node[parent];
	uint32_t at = c->next[parent] != 0 ? c->next[parent] : array + 1;

	if (at >= c->json.nodes[array].next)
		return NOWHERE;
	c->next[parent] = c->json.nodes[at].next;
	return at;
}

static uint32_t
find_node(const struct parts *p, struct bars_column *c, uint32_t i, struct buffer *room)
{
	const struct json *j = &p->run->json;
	const struct parts_item *part = &p->at[i];

	if (parts_fate(p, c->version, i).fate == FATE_WITHHELD || c->empty)
		return NOWHERE;
	if (i == 0)
		return 0;
	uint32_t around = c->node[part->parent];
	if (around == NOWHERE)
		return NOWHERE;
	enum json_kind kind = json_kind(&c->json, around);
	if (part->key == 0)
		return kind == JSON_ARRAY ? find_element(p, c, i) : NOWHERE;
	uint32_t node = json_member(&c->json, around, json_string(j, part->key, room));
	return node != 0 ? node : NOWHERE;
}

static void
read_column(struct bars *d, struct bars_column *c, unsigned version)
{
	const struct parts *p = d->parts;
	struct redactor *r = p->run->redactor;
	enum redactor_state state = redactor_state(r, version);

	c->version = version;
	c->empty = state == VERSION_NONE || state == VERSION_STUB;
	buffer_init(&c->record, (size_t)1 << 30);
	json_init(&c->json, NULL, JSON_MAX_DEPTH);
	c->node = arena_array(&d->arena, p->count, sizeof(uint32_t));
	c->next = arena_array(&d->arena, p->count, sizeof(uint32_t));
	if (!c->empty) {
		if (!redactor_record(r, version, &c->record) || !json_slack(&c->record) ||
		    !json_parse(&c->json, buffer_bytes(&c->record)))
			diag_bug("a version is no JSON");
	}
	for (uint32_t i = 0; i < p->count; i++)
		c->node[i] = find_node(p, c, i, &d->name);
}

/* Returns the columns used. */
static size_t
draw_cell(struct bars *d, const struct bars_column *c, uint32_t i)
{
	const struct json *j = &d->parts->run->json;
	struct bytes whole = parts_value(j, d->parts->at[i].node);
	size_t used;

	if (c->node[i] == NOWHERE) {
		used = print_width(whole);
		used = used < MIN_BAR ? MIN_BAR : used > d->cell ? d->cell : used;
		print_bar(d->out, used);
	} else {
		struct bytes value = parts_value(&c->json, c->node[i]);
		bool changed = !bytes_equal(value, whole);
		if (changed)
			(void)sink_put(d->out, (struct bytes)BYTES("~"));
		used = changed + print_cut(d->out, value, d->cell - changed);
	}
	return used;
}

static void
draw_name(struct bars *d, size_t indent)
{
	struct bytes name = { d->name.at + d->name_from, d->name.used - d->name_from };

	if (indent > d->label / 2)
		indent = d->label / 2;
	if (name.size > 0 && name.at[0] == '.')
		name = bytes_behind(name, 1);
	print_blanks(d->out, indent);
	print_cell(d->out, name, d->label - indent);
}

static void
draw_row(struct bars *d, size_t indent, uint32_t i)
{
	size_t gap = GAP;

	draw_name(d, indent);
	for (unsigned c = 0; c < d->columns; c++) {
		print_blanks(d->out, gap);
		gap = GAP + d->cell - draw_cell(d, &d->column[c], i);
	}
	(void)sink_put(d->out, (struct bytes)BYTES("\n"));
}

/*
 * An object of several members gets its own row, with its members below it.  Arrays and objects of one member
 * only extend the name of the row.
 */
static void
draw_part(struct bars *d, size_t indent, uint32_t i)
{
	const struct parts *p = d->parts;
	size_t from = d->name_from;
	size_t named = d->name.used;
	bool heads = p->at[i].children > 1 && json_kind(&p->run->json, p->at[i].node) == JSON_OBJECT;

	if (p->at[i].children == 0) {
		draw_row(d, indent, i);
		return;
	}
	if (heads && named > from) {
		draw_name(d, indent);
		(void)sink_put(d->out, (struct bytes)BYTES("\n"));
		indent += INDENT;
	}
	d->name_from = heads ? named : from;
	for (uint32_t child = i + 1; child < p->at[i].next; child = p->at[child].next) {
		d->name.used = named;
		parts_step(p, child, &d->name);
		draw_part(d, indent, child);
	}
	d->name.used = named;
	d->name_from = from;
}

static void
draw_words(struct bars *d, const char *name, struct bytes (*word)(const struct bars *d, unsigned version))
{
	size_t gap = GAP;

	print_cell(d->out, bytes_of(name), d->label);
	for (unsigned c = 0; c < d->columns; c++) {
		print_blanks(d->out, gap);
		gap = GAP + d->cell - print_cut(d->out, word(d, d->column[c].version), d->cell);
	}
	(void)sink_put(d->out, (struct bytes)BYTES("\n"));
}

static struct bytes
level_name(const struct bars *d, unsigned version)
{
	const struct dry_run *l = d->parts->run;

	return l->policy->level[redactor_level(l->redactor, version)].name;
}

static struct bytes
urgency(const struct bars *d, unsigned version)
{
	return redactor_tags(d->parts->run->redactor, version)->criticality;
}

static struct bytes
fate_of_record(const struct bars *d, unsigned version)
{
	static const char *const words[] = {
		[VERSION_WHOLE] = "whole",
		[VERSION_REDACTED] = "redacted",
		[VERSION_STUB] = "that it exists",
		[VERSION_NONE] = "nothing",
	};

	return bytes_of(words[redactor_state(d->parts->run->redactor, version)]);
}

static void
draw_rule(struct bars *d)
{
	size_t width = d->label + d->columns * (d->cell + GAP);

	while (width-- > 0)
		(void)sink_put(d->out, (struct bytes)BYTES("\xe2\x94\x80"));
	(void)sink_put(d->out, (struct bytes)BYTES("\n"));
}

static void
lay_out(struct bars *d, size_t width)
{
	if (d->columns == 0)
		diag_bug("a policy without versions");
	d->label = width / 3 < MAX_LABEL ? width / 3 : MAX_LABEL;
	d->cell = (width - d->label) / d->columns;
	d->cell = d->cell > GAP + MIN_BAR + 1 ? d->cell - GAP : MIN_BAR + 1;
}

void
parts_bars(struct sink *out, const struct parts *p, int version, size_t width)
{
	struct bars d = { .out = out, .parts = p, .columns = version < 0 ? p->versions : 1 };

	buffer_init(&d.name, (size_t)1 << 26);
	d.column = arena_array(&d.arena, d.columns, sizeof(struct bars_column));
	for (unsigned c = 0; c < d.columns; c++)
		read_column(&d, &d.column[c], version < 0 ? c : (unsigned)version);
	d.name.used = 0;
	lay_out(&d, width);
	draw_words(&d, "level", level_name);
	draw_words(&d, "criticality", urgency);
	draw_words(&d, "a reader sees", fate_of_record);
	draw_rule(&d);
	draw_part(&d, 0, 0);
	for (unsigned c = 0; c < d.columns; c++) {
		json_release(&d.column[c].json);
		buffer_release(&d.column[c].record);
	}
	buffer_release(&d.name);
	arena_release(&d.arena);
}
