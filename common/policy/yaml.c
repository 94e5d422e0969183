/* SPDX-License-Identifier: ISC */
/*
 * Design rationale.  libyaml's events are used, not its documents: only events tell a tag, an anchor or a
 * second document apart from what they stand for, and they come one at a time, so depth and size are bounded
 * before anything is built.  libyaml reads YAML 1.1 and forgives some things that YAML 1.2 calls errors; what
 * the YAML test suite shows of them is refused by a look at the raw text (yaml_text.c).
 */
#include "common/policy/yaml.h"

#include "common/base/buffer.h"
#include "common/base/diag.h"
#include "common/policy/yaml_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum {
	MAX_DEPTH = 64,
	MAX_TEXT = 16 << 20,      /* far above any policy; policy.h bounds the directory */
	POINTER = sizeof(void *), /* one node in a list of those that wait */
	SHOWN = 80,               /* so much of a policy's own text stands in a message */
};

/* ---- faults --------------------------------------------------------------------------- */

void
fault_print(const struct fault *f)
{
	if (f->line == 0)
		diag_warn("%s: %s", f->file, f->text);
	else
		diag_warn("%s:%u:%u: %s", f->file, f->line, f->column, f->text);
}

_Noreturn void
fault_exit(const struct fault *f)
{
	fault_print(f);
	exit((int)fault_status(f));
}

enum diag_exit
fault_status(const struct fault *f)
{
	return f->error != 0 ? EXIT_IO : EXIT_POLICY;
}

__attribute__((format(printf, 5, 0))) static void
fault_write(
    struct fault *f, const char *file, unsigned line, unsigned column, const char *format, va_list list)
{
	if (f->text[0] != '\0')
		return;
	f->file = file;
	f->line = line;
	f->column = column;
	(void)vsnprintf(f->text, sizeof(f->text), format, list);
}

bool
fault_at(struct fault *f, const char *file, const struct yaml_node *node, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	fault_write(f, file, node != NULL ? node->line : 0, node != NULL ? node->column : 0, format, list);
	va_end(list);
	return false;
}

bool
fault_line(struct fault *f, const char *file, unsigned line, unsigned column, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	fault_write(f, file, line, column, format, list);
	va_end(list);
	return false;
}

/* ---- from events to a tree -------------------------------------------------------------- */

struct builder {
	struct arena *arena;
	const char *file;
	struct fault *fault;
	yaml_parser_t parser;
	struct yaml_cursor cursor;
	struct buffer pending; /* struct yaml_node *: children of the open lists and maps */
	struct {
		struct yaml_node *node;
		size_t first; /* its first child in pending */
		bool flow;    /* written with brackets or braces */
		long block;   /* column, from 0, of the innermost list or map that is not */
	} open[MAX_DEPTH];
	unsigned depth;
	struct yaml_node *root;
	bool documents; /* one was seen */
};

static bool
refuse(struct builder *b, const yaml_event_t *e, const char *what)
{
	return fault_line(b->fault, b->file, (unsigned)e->start_mark.line + 1,
	    (unsigned)e->start_mark.column + 1, "%s", what);
}

static size_t
pending_count(const struct builder *b)
{
	return b->pending.used / POINTER;
}

static struct yaml_node *
pending_at(const struct builder *b, size_t i)
{
	struct yaml_node *node;

	memcpy(&node, b->pending.at + i * POINTER, POINTER);
	return node;
}

static bool
in_key_place(const struct builder *b)
{
	return b->depth > 0 && b->open[b->depth - 1].node->kind == YAML_MAP &&
	       (pending_count(b) - b->open[b->depth - 1].first) % 2 == 0;
}

static struct yaml_node *
add_node(struct builder *b, const yaml_event_t *e, enum yaml_kind kind)
{
	struct yaml_node *node = arena_take(b->arena, sizeof(*node));

	node->kind = kind;
	node->line = (unsigned)e->start_mark.line + 1;
	node->column = (unsigned)e->start_mark.column + 1;
	if (b->depth == 0)
		b->root = node;
	else if (!buffer_append(&b->pending, &node, sizeof(struct yaml_node *)))
		diag_bug("more nodes than bytes");
	return node;
}

/* The number grammar of RFC 8259 section 6. */
static bool
is_number(struct bytes t)
{
	size_t i = 0;
	size_t digits;

#define DIGITS()                                                                                             \
	for (digits = 0; i < t.size && t.at[i] >= '0' && t.at[i] <= '9'; i++)                                \
		digits++;
	if (i < t.size && t.at[i] == '-')
		i++;
	size_t first = i;
	DIGITS()
	if (digits == 0 || (digits > 1 && t.at[first] == '0'))
		return false;
	if (i < t.size && t.at[i] == '.') {
		i++;
		DIGITS()
		if (digits == 0)
			return false;
	}
	if (i < t.size && (t.at[i] == 'e' || t.at[i] == 'E')) {
		i++;
		if (i < t.size && (t.at[i] == '+' || t.at[i] == '-'))
			i++;
		DIGITS()
		if (digits == 0)
			return false;
	}
#undef DIGITS
	return i == t.size;
}

static enum yaml_kind
plain_kind(struct bytes t)
{
	if (bytes_are(t, "true") || bytes_are(t, "false"))
		return YAML_BOOLEAN;
	if (t.size == 0 || bytes_are(t, "null") || bytes_are(t, "~"))
		return YAML_NULL;
	return is_number(t) ? YAML_NUMBER : YAML_STRING;
}

/* The column that later lines of a value here must stand right of; -1 outside of every block. */
static long
block_column(const struct builder *b)
{
	return b->depth > 0 ? b->open[b->depth - 1].block : -1;
}

/* What libyaml lets pass: see yaml_text.h. */
static bool
check_place(struct builder *b, const yaml_event_t *e)
{
	size_t from = yaml_cursor_byte(&b->cursor, e->start_mark.index);
	size_t until = yaml_cursor_byte(&b->cursor, e->end_mark.index);
	const char *why = yaml_cursor_gap(&b->cursor, from, e->type == YAML_SCALAR_EVENT ? until : from);

	if (why != NULL)
		return refuse(b, e, why);
	bool begins = e->type == YAML_SCALAR_EVENT || e->type == YAML_SEQUENCE_START_EVENT ||
		      e->type == YAML_MAPPING_START_EVENT;
	if (begins && b->depth > 0 && b->open[b->depth - 1].flow &&
	    (long)e->start_mark.column <= block_column(b))
		return refuse(b, e, "not indented deeper than the block that it stands in");
	if (e->type != YAML_SCALAR_EVENT)
		return true;
	bool block = e->data.scalar.style == YAML_LITERAL_SCALAR_STYLE ||
		     e->data.scalar.style == YAML_FOLDED_SCALAR_STYLE;
	if (block ? !yaml_text_head(b->cursor.text, from)
		  : !yaml_text_indented(b->cursor.text, from, until, block_column(b)))
		return refuse(b, e,
		    block ? "a comment without a blank before it"
			  : "a line of this text is not indented deeper than its block");
	return true;
}

static bool
add_scalar(struct builder *b, const yaml_event_t *e)
{
	struct bytes text = { (const char *)e->data.scalar.value, e->data.scalar.length };
	bool plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	bool key = in_key_place(b);

	if (e->data.scalar.anchor != NULL)
		return refuse(b, e, "anchors are not part of a policy's YAML: write the value again");
	if (e->data.scalar.tag != NULL)
		return refuse(b, e, "tags are not part of a policy's YAML");
	if (memchr(text.at, '\0', text.size) != NULL)
		return refuse(b, e, "a NUL in a string");
	if (key && plain && bytes_are(text, "<<"))
		return refuse(b, e, "merge keys are not part of a policy's YAML: write the values again");
	if (key && plain && text.size == 0)
		return refuse(b, e, "an empty key, expected a word");
	struct yaml_node *node = add_node(b, e, plain && !key ? plain_kind(text) : YAML_STRING);
	node->text = arena_copy(b->arena, text);
	node->truth = node->kind == YAML_BOOLEAN && text.at[0] == 't';
	return true;
}

static bool
open_node(struct builder *b, const yaml_event_t *e, enum yaml_kind kind, bool flow)
{
	const yaml_char_t *anchor =
	    kind == YAML_LIST ? e->data.sequence_start.anchor : e->data.mapping_start.anchor;
	const yaml_char_t *tag = kind == YAML_LIST ? e->data.sequence_start.tag : e->data.mapping_start.tag;

	if (anchor != NULL)
		return refuse(b, e, "anchors are not part of a policy's YAML: write the value again");
	if (tag != NULL)
		return refuse(b, e, "tags are not part of a policy's YAML");
	if (in_key_place(b))
		return refuse(b, e, "a list or map as a key, expected a word");
	if (b->depth == MAX_DEPTH)
		return refuse(b, e, "nested more than 64 deep");
	long column = flow ? block_column(b) : (long)e->start_mark.column;
	struct yaml_node *node = add_node(b, e, kind);
	b->open[b->depth].node = node;
	b->open[b->depth].first = pending_count(b);
	b->open[b->depth].flow = flow;
	b->open[b->depth].block = column;
	b->depth++;
	return true;
}

static int
key_order(const void *a, const void *b)
{
	const struct yaml_node *const *left = a;
	const struct yaml_node *const *right = b;
	int order = bytes_compare((*left)->text, (*right)->text);

	if (order != 0)
		return order;
	if ((*left)->line != (*right)->line)
		return (*left)->line < (*right)->line ? -1 : 1;
	return ((*left)->column > (*right)->column) - ((*left)->column < (*right)->column);
}

static bool
keys_differ(struct builder *b, const struct yaml_node *map)
{
	if (map->count < 2)
		return true;
	struct yaml_node **sorted = arena_array(b->arena, map->count, sizeof(struct yaml_node *));
	memcpy(sorted, map->key, map->count * sizeof(struct yaml_node *));
	qsort(sorted, map->count, sizeof(struct yaml_node *), key_order);
	for (size_t i = 1; i < map->count; i++) {
		const struct yaml_node *k = sorted[i];
		if (bytes_equal(sorted[i - 1]->text, k->text))
			return fault_at(b->fault, b->file, k, "key '%.*s' seen twice, first in line %u",
			    (int)(k->text.size < SHOWN ? k->text.size : SHOWN), k->text.at,
			    sorted[i - 1]->line);
	}
	return true;
}

static bool
close_node(struct builder *b)
{
	struct yaml_node *node = b->open[--b->depth].node;
	size_t first = b->open[b->depth].first;
	size_t children = pending_count(b) - first;
	size_t step = node->kind == YAML_MAP ? 2 : 1;

	node->count = children / step;
	node->item = arena_array(b->arena, node->count + 1, sizeof(struct yaml_node *));
	if (step == 2)
		node->key = arena_array(b->arena, node->count + 1, sizeof(struct yaml_node *));
	for (size_t i = 0; i < node->count; i++) {
		node->item[i] = pending_at(b, first + i * step + step - 1);
		if (step == 2)
			node->key[i] = pending_at(b, first + i * step);
	}
	b->pending.used = first * sizeof(struct yaml_node *);
	return step == 1 || keys_differ(b, node);
}

static bool
start_document(struct builder *b, const yaml_event_t *e)
{
	if (b->documents)
		return refuse(b, e, "a second document, expected the end of the file");
	if (e->data.document_start.version_directive != NULL ||
	    e->data.document_start.tag_directives.start != e->data.document_start.tag_directives.end)
		return refuse(b, e, "directives are not part of a policy's YAML");
	b->documents = true;
	return true;
}

static bool
take_event(struct builder *b, const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_SCALAR_EVENT:
		return add_scalar(b, e);
	case YAML_SEQUENCE_START_EVENT:
		return open_node(b, e, YAML_LIST, e->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE);
	case YAML_MAPPING_START_EVENT:
		return open_node(b, e, YAML_MAP, e->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return close_node(b);
	case YAML_DOCUMENT_START_EVENT:
		return start_document(b, e);
	case YAML_ALIAS_EVENT:
		return refuse(b, e, "aliases are not part of a policy's YAML: write the value again");
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		return true;
	default:
		return refuse(b, e, "not part of a policy's YAML");
	}
}

/* libyaml's problem is a constant text that quotes nothing; its mark is better than the context's. */
static bool
refuse_syntax(struct builder *b)
{
	const yaml_parser_t *p = &b->parser;
	const yaml_mark_t *mark = &p->problem_mark;

	if (p->error == YAML_MEMORY_ERROR)
		diag_die(EXIT_IO, "out of memory");
	return fault_line(b->fault, b->file, (unsigned)mark->line + 1, (unsigned)mark->column + 1, "%s%s%s",
	    p->problem != NULL ? p->problem : "not YAML", p->context != NULL ? " " : "",
	    p->context != NULL ? p->context : "");
}

static bool
read_events(struct builder *b)
{
	yaml_event_t e;
	bool good = true;
	bool ended = false;

	while (good && !ended) {
		if (!yaml_parser_parse(&b->parser, &e))
			return refuse_syntax(b);
		good = check_place(b, &e) && take_event(b, &e);
		ended = e.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&e);
	}
	return good;
}

struct yaml_node *
yaml_read(struct arena *a, const char *file, struct bytes text, struct fault *f)
{
	struct builder b = { .arena = a, .file = file, .fault = f, .cursor = { .text = text } };

	if (text.size > MAX_TEXT) {
		(void)fault_at(f, file, NULL, "longer than 16 MiB");
		return NULL;
	}
	if (!yaml_text_check(file, text, f))
		return NULL;
	if (!yaml_parser_initialize(&b.parser))
		diag_die(EXIT_IO, "out of memory");
	buffer_init(&b.pending, (text.size + 2) * 2 * sizeof(struct yaml_node *));
	yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&b.parser, (const unsigned char *)text.at, text.size);
	bool good = read_events(&b);
	yaml_parser_delete(&b.parser);
	buffer_release(&b.pending);
	if (!good)
		return NULL;
	if (b.root == NULL) {
		b.root = arena_take(a, sizeof(*b.root));
		b.root->line = b.root->column = 1;
	}
	return b.root;
}
