/* SPDX-License-Identifier: ISC */
/*
 * Design rationale.  The reader uses libyaml's events and not its documents.  Only events tell tags, anchors
 * and second documents apart from the values that they stand for.  Events also come one at a time, so depth
 * and size are bounded before a tree is built.
 *
 * libyaml reads YAML 1.1 and accepts some texts that YAML 1.2 calls errors.  The checks of the raw text below
 * refuse those that the YAML test suite shows.
 */
#include "common/policy/yaml.h"

#include "common/base/buffer.h"
#include "common/base/diag.h"
#include "common/base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum {
	MAX_DEPTH = 64,
	MAX_TEXT = 16 << 20,      /* far above any policy; policy.h bounds the directory */
	POINTER = sizeof(void *), /* a node in a list of nodes */
};

struct yaml_place {
	size_t at;
	unsigned line;
	unsigned column; /* in characters */
};

/* The size of the character at AT; 0 if it is not UTF-8. */
static unsigned
character(struct bytes text, size_t at, uint32_t *code)
{
	static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *t = (const unsigned char *)text.at + at;
	unsigned size = t[0] < 0x80   ? 1
			: t[0] < 0xc2 ? 0
			: t[0] < 0xe0 ? 2
			: t[0] < 0xf0 ? 3
			: t[0] < 0xf5 ? 4
				      : 0;

	if (size == 0 || size > text.size - at)
		return 0;
	*code = size == 1 ? t[0] : t[0] & (0x7fu >> size);
	for (unsigned i = 1; i < size; i++) {
		if ((t[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (t[i] & 0x3f);
	}
	if (*code < least[size] || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff))
		return 0;
	return size;
}

static const char *
refusal_of(uint32_t code, bool before_lf)
{
	if (code == 0xfeff)
		return "a byte order mark: save the file as UTF-8 without one";
	if (code == '\r')
		return before_lf ? NULL : "a carriage return inside a line";
	if (code == 0x85 || code == 0x2028 || code == 0x2029)
		return "a Unicode line separator, expected a line feed";
	if ((code < 0x20 && code != '\n' && code != '\t') || (code >= 0x7f && code < 0xa0))
		return "a control character";
	return NULL;
}

/* Blanks alone in the last line: libyaml drops such a line from a block scalar that should keep it. */
static bool
ends_in_blanks(struct bytes text)
{
	size_t end = text.size;

	while (end > 0 && (text.at[end - 1] == ' ' || text.at[end - 1] == '\t'))
		end--;
	return end < text.size && (end == 0 || text.at[end - 1] == '\n');
}

/*
 * Before libyaml reads: refuses all but UTF-8 with lines that end in LF or CR LF.  Unicode's other line
 * separators are refused because libyaml counts them as lines and an editor does not.
 */
static bool
check_text(const char *file, struct bytes text, struct fault *f)
{
	struct yaml_place p = { 0, 1, 1 };
	uint32_t code = 0;
	bool begins = true; /* only blanks in this line so far */

	while (p.at < text.size) {
		unsigned size = character(text, p.at, &code);
		if (size == 0)
			return fault_line(f, file, p.line, p.column, "not UTF-8");
		bool before_lf = p.at + 1 < text.size && text.at[p.at + 1] == '\n';
		const char *why = refusal_of(code, before_lf);
		if (why == NULL && code == '\t' && begins)
			why = "a tab before the first word of a line, expected blanks";
		if (why != NULL)
			return fault_line(f, file, p.line, p.column, "%s", why);
		begins = code == '\n' || (begins && code == ' ');
		p.at += size;
		p.column = code == '\n' ? 1 : p.column + 1;
		p.line += code == '\n';
	}
	if (ends_in_blanks(text))
		return fault_line(f, file, p.line, 1, "blanks at the end of the file, expected a line feed");
	return true;
}

static bool
continues(struct bytes text, size_t at)
{
	return at < text.size && ((unsigned char)text.at[at] & 0xc0) == 0x80;
}

/* A place in the text; libyaml's marks count characters. */
struct cursor {
	struct bytes text;
	size_t byte;
	size_t index; /* characters before BYTE */
	size_t seen;  /* bytes checked by cursor_gap */
};

static size_t
cursor_byte(struct cursor *c, size_t index)
{
	for (; c->index < index && c->byte < c->text.size; c->index++)
		do
			c->byte++;
		while (continues(c->text, c->byte));
	for (; c->index > index && c->byte > 0; c->index--)
		do
			c->byte--;
		while (continues(c->text, c->byte));
	return c->byte;
}

/* What is wrong before FROM, where the next value begins, or NULL.  Marks the text up to UNTIL as seen. */
static const char *
cursor_gap(struct cursor *c, size_t from, size_t until)
{
	const char *t = c->text.at;

	for (size_t at = c->seen; at < from; at++) {
		if (t[at] == '?')
			return "explicit keys ('?') are not part of a policy's YAML";
		if (t[at] != '#')
			continue;
		if (at > 0 && t[at - 1] != ' ' && t[at - 1] != '\t' && t[at - 1] != '\n')
			return "a comment without a blank before it";
		while (at < from && t[at] != '\n')
			at++;
	}
	if (until > c->seen)
		c->seen = until;
	return NULL;
}

/* Moves LINE to the next one before END: its first character that is no blank.  NULL: there is none. */
static const char *
next_word(const char **line, const char *end)
{
	const char *word = memchr(*line, '\n', (size_t)(end - *line));

	if (word == NULL)
		return NULL;
	*line = ++word;
	while (word < end && *word == ' ')
		word++;
	return word;
}

/* True if each line after the first of FROM..UNTIL is blank or begins right of COLUMN (from 0, or -1). */
static bool
is_indented(struct bytes text, size_t from, size_t until, long column)
{
	const char *end = text.at + until;
	const char *line = text.at + from, *word;

	while ((word = next_word(&line, end)) != NULL)
		if (word < end && *word != '\n' && *word != '\r' && word - line <= column)
			return false;
	return true;
}

/* Where a line after the first of FROM..UNTIL begins with the '-' of a list, or UNTIL. */
static size_t
dash_within(struct bytes text, size_t from, size_t until)
{
	const char *end = text.at + until;
	const char *line = text.at + from, *word;

	while ((word = next_word(&line, end)) != NULL)
		if (word < end && *word == '-' && (word + 1 == end || strchr(" \r\n", word[1]) != NULL))
			return (size_t)(word - text.at);
	return until;
}

/* True if a blank or a line's end follows the head ("|2-") of the block scalar at FROM. */
static bool
is_head_ended(struct bytes text, size_t from)
{
	size_t at = from + 1;

	while (at < text.size && strchr("+-0123456789", text.at[at]) != NULL && text.at[at] != '\0')
		at++;
	return at >= text.size || strchr(" \t\r\n", text.at[at]) != NULL;
}

struct yaml_builder {
	struct arena *arena;
	const char *file;
	struct fault *fault;
	yaml_parser_t parser;
	struct cursor cursor;
	struct buffer pending; /* struct yaml_node *: children of the open lists and maps */
	struct {
		struct yaml_node *node;
		size_t first; /* its first child in pending */
		bool flow;    /* written with brackets or braces */
		long block;   /* column (from 0) of the innermost list or map without brackets or braces */
	} open[MAX_DEPTH];
	unsigned depth;
	struct yaml_node *root;
	bool documents; /* a document has begun */
	bool forgives;  /* what spoils one thing alone is noted in its node */
};

static bool
refuse(struct yaml_builder *b, const yaml_event_t *e, const char *what)
{
	return fault_line(b->fault, b->file, (unsigned)e->start_mark.line + 1,
	    (unsigned)e->start_mark.column + 1, "%s", what);
}

static size_t
pending_count(const struct yaml_builder *b)
{
	return b->pending.used / POINTER;
}

static struct yaml_node *
pending_at(const struct yaml_builder *b, size_t i)
{
	struct yaml_node *node;

	memcpy(&node, b->pending.at + i * POINTER, POINTER);
	return node;
}

static bool
in_key_place(const struct yaml_builder *b)
{
	return b->depth > 0 && b->open[b->depth - 1].node->kind == YAML_MAP &&
	       (pending_count(b) - b->open[b->depth - 1].first) % 2 == 0;
}

static struct yaml_node *
add_node(struct yaml_builder *b, const yaml_event_t *e, enum yaml_kind kind)
{
	struct yaml_node *node = arena_take(b->arena, sizeof(*node));

	node->kind = kind;
	node->line = (unsigned)e->start_mark.line + 1;
	node->column = (unsigned)e->start_mark.column + 1;
	if (b->depth == 0)
		b->root = node;
	else
		buffer_add(&b->pending, &node, POINTER);
	return node;
}

/* Refuses NODE, which stands at E, or notes why it has to be. */
static bool
spoil(struct yaml_builder *b, const yaml_event_t *e, struct yaml_node *node, const char *what)
{
	node->refused = what;
	return what == NULL || b->forgives || refuse(b, e, what);
}

/* NULL, or why a value with this anchor or tag is refused. */
static const char *
named_or_typed(const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor != NULL)
		return "anchors are not part of a policy's YAML: write the value again";
	return tag != NULL ? "tags are not part of a policy's YAML" : NULL;
}

/* The number grammar of RFC 8259 section 6. */
static bool
is_number(struct bytes t)
{
	size_t i = t.size > 0 && t.at[0] == '-';
	size_t digits = bytes_digits(t, i);

	if (digits == 0 || (digits > 1 && t.at[i] == '0'))
		return false;
	i += digits;
	if (i < t.size && t.at[i] == '.') {
		digits = bytes_digits(t, ++i);
		if (digits == 0)
			return false;
		i += digits;
	}
	if (i < t.size && (t.at[i] == 'e' || t.at[i] == 'E')) {
		i++;
		i += i < t.size && (t.at[i] == '+' || t.at[i] == '-');
		digits = bytes_digits(t, i);
		if (digits == 0)
			return false;
		i += digits;
	}
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

/* Later lines of a value here must stand right of this column; -1 outside of all blocks. */
static long
block_column(const struct yaml_builder *b)
{
	return b->depth > 0 ? b->open[b->depth - 1].block : -1;
}

/* A '-' that is indented deeper than those above it is text to YAML and an item to who wrote it. */
static bool
check_dashes(struct yaml_builder *b, const yaml_event_t *e, size_t from, size_t until)
{
	const char *t = b->cursor.text.at;
	size_t dash = dash_within(b->cursor.text, from, until), line = dash;
	unsigned lines = (unsigned)e->start_mark.line + 1;

	if (e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE || dash == until)
		return true;
	while (t[line - 1] != '\n')
		line--;
	for (size_t at = from; at < line; at++)
		lines += t[at] == '\n';
	return fault_line(b->fault, b->file, lines, (unsigned)(dash - line) + 1,
	    "a '-' inside the text that begins above it: begin the line as the '-' above it begins, or put "
	    "the text in quotes");
}

/* Refuses bad text around and inside a value that libyaml accepts. */
static bool
check_place(struct yaml_builder *b, const yaml_event_t *e)
{
	size_t from = cursor_byte(&b->cursor, e->start_mark.index);
	size_t until = cursor_byte(&b->cursor, e->end_mark.index);
	const char *why = cursor_gap(&b->cursor, from, e->type == YAML_SCALAR_EVENT ? until : from);

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
	if (block ? !is_head_ended(b->cursor.text, from)
		  : !is_indented(b->cursor.text, from, until, block_column(b)))
		return refuse(b, e,
		    block ? "a comment without a blank before it"
			  : "a line of this text is not indented deeper than its block");
	return check_dashes(b, e, from, until);
}

static bool
add_scalar(struct yaml_builder *b, const yaml_event_t *e)
{
	struct bytes text = { (const char *)e->data.scalar.value, e->data.scalar.length };
	bool plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	bool key = in_key_place(b);

	const char *why = named_or_typed(e->data.scalar.anchor, e->data.scalar.tag);

	if (why == NULL && memchr(text.at, '\0', text.size) != NULL)
		why = "a NUL in a string";
	if (why == NULL && key && plain && bytes_are(text, "<<"))
		why = "merge keys are not part of a policy's YAML: write the values again";
	if (key && plain && text.size == 0)
		return refuse(b, e, "an empty key, expected a word");
	struct yaml_node *node = add_node(b, e, plain && !key ? plain_kind(text) : YAML_STRING);
	node->text = arena_copy(b->arena, text);
	node->truth = node->kind == YAML_BOOLEAN && text.at[0] == 't';
	return spoil(b, e, node, why);
}

static bool
open_node(struct yaml_builder *b, const yaml_event_t *e, enum yaml_kind kind, bool flow)
{
	const yaml_char_t *anchor =
	    kind == YAML_LIST ? e->data.sequence_start.anchor : e->data.mapping_start.anchor;
	const yaml_char_t *tag = kind == YAML_LIST ? e->data.sequence_start.tag : e->data.mapping_start.tag;

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
	return spoil(b, e, node, named_or_typed(anchor, tag));
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
keys_differ(struct yaml_builder *b, struct yaml_node *map)
{
	if (map->count < 2)
		return true;
	struct yaml_node **sorted = arena_array(b->arena, map->count, POINTER);
	memcpy(sorted, map->key, map->count * POINTER);
	qsort(sorted, map->count, POINTER, key_order);
	for (size_t i = map->count - 1; i > 0; i--)
		if (bytes_equal(sorted[i - 1]->text, sorted[i]->text))
			map->again = sorted[i];
	return map->again == NULL || b->forgives || yaml_sound(b->file, map, b->fault);
}

static bool
close_node(struct yaml_builder *b)
{
	struct yaml_node *node = b->open[--b->depth].node;
	size_t first = b->open[b->depth].first;
	size_t children = pending_count(b) - first;
	size_t step = node->kind == YAML_MAP ? 2 : 1;

	node->count = children / step;
	node->item = arena_array(b->arena, node->count + 1, POINTER);
	if (step == 2)
		node->key = arena_array(b->arena, node->count + 1, POINTER);
	for (size_t i = 0; i < node->count; i++) {
		node->item[i] = pending_at(b, first + i * step + step - 1);
		if (step == 2)
			node->key[i] = pending_at(b, first + i * step);
	}
	b->pending.used = first * POINTER;
	return step == 1 || keys_differ(b, node);
}

static bool
start_document(struct yaml_builder *b, const yaml_event_t *e)
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
take_event(struct yaml_builder *b, const yaml_event_t *e)
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
		return spoil(b, e, add_node(b, e, in_key_place(b) ? YAML_STRING : YAML_NULL),
		    "aliases are not part of a policy's YAML: write the value again");
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		return true;
	default:
		return refuse(b, e, "not part of a policy's YAML");
	}
}

/* What helps, by how libyaml's text begins. */
static const struct {
	const char *problem;
	const char *cure;
} cures[] = {
	{ "mapping values are not allowed", "; is this line, or the one above, indented as those beside it, "
					    "and a text that holds ': ' in quotes?" },
	{ "block sequence entries are not allowed", "; begin a list in the line below its key" },
	{ "did not find expected key", "; is this line, or the one above, indented as those beside it?" },
	{ "did not find expected '-' indicator",
	    "; is this line, or the one above, indented as those beside it?" },
	{ "could not find expected ':'", "; a key ends with ': ', and a text of several lines is indented" },
	{ "found character that cannot start any token", "; put the text in quotes" },
	{ "did not find expected ','", "; a brace or a bracket that is opened above is not closed" },
	{ "found unexpected end of stream",
	    "; a quote (' or \"), a brace or a bracket that is opened above is not closed" },
	{ "found unknown escape character",
	    "; write \\\\ for a backslash, or single quotes around the text" },
};

static const char *
cure_of(const char *problem)
{
	for (size_t i = 0; problem != NULL && i < sizeof(cures) / sizeof(cures[0]); i++)
		if (strncmp(problem, cures[i].problem, strlen(cures[i].problem)) == 0)
			return cures[i].cure;
	return "";
}

/* libyaml's texts are constant and quote nothing of the file. */
static bool
refuse_syntax(struct yaml_builder *b)
{
	const yaml_parser_t *p = &b->parser;
	const yaml_mark_t *mark = &p->problem_mark;

	if (p->error == YAML_MEMORY_ERROR)
		memory_missing(0);
	return fault_line(b->fault, b->file, (unsigned)mark->line + 1, (unsigned)mark->column + 1, "%s%s%s%s",
	    p->problem != NULL ? p->problem : "not YAML", p->context != NULL ? " " : "",
	    p->context != NULL ? p->context : "", cure_of(p->problem));
}

static bool
read_events(struct yaml_builder *b)
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

static struct yaml_node *
read_text(struct arena *a, const char *file, struct bytes text, bool forgives, struct fault *f)
{
	struct yaml_builder b = {
		.arena = a, .file = file, .fault = f, .cursor = { .text = text }, .forgives = forgives
	};

	if (text.size > MAX_TEXT) {
		(void)fault_at(f, file, NULL, "longer than 16 MiB");
		return NULL;
	}
	if (!check_text(file, text, f))
		return NULL;
	if (!yaml_parser_initialize(&b.parser))
		memory_missing(0);
	buffer_init(&b.pending, BUFFER_UNLIMITED);
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
	if (b.root->refused != NULL) {
		(void)fault_at(f, file, b.root, "%s", b.root->refused);
		return NULL;
	}
	return b.root;
}

struct yaml_node *
yaml_read(struct arena *a, const char *file, struct bytes text, struct fault *f)
{
	return read_text(a, file, text, false, f);
}

struct yaml_node *
yaml_read_list(struct arena *a, const char *file, struct bytes text, struct fault *f)
{
	return read_text(a, file, text, true, f);
}
