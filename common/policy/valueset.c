/* SPDX-License-Identifier: ISC */
#include "common/policy/valueset.h"

#include "common/base/clock.h"
#include "common/base/utf8.h"
#include "common/json/json.h"

#include <stdarg.h>
#include <stdio.h>

enum { MAX_CODE = 255, MAX_PREFIX = 63, SECONDS_A_DAY = 86400 };

static const char columns[] = "system\tcode\tdisplay\tcategory\tfrom\tuntil";

struct valueset_reader {
	const struct policy_file *file;
	struct arena *arena;
	struct fault *fault;
	bool (*row)(void *context, const struct valueset_row *row);
	void *context;
};

bool
valueset_fault(struct fault *f, const struct policy_file *file, const char *at, const char *format, ...)
{
	unsigned line = 1;
	const char *start = file->text.at;
	char text[sizeof f->text];
	va_list list;

	for (const char *c = start; c < at; c++) {
		if (*c == '\n') {
			line++;
			start = c + 1;
		}
	}
	va_start(list, format);
	(void)vsnprintf(text, sizeof text, format, list);
	va_end(list);
	return fault_line(f, file->shown, line, (unsigned)(at - start) + 1, "%s", text);
}

static bool
wrong(const struct valueset_reader *r, const char *at, const char *what)
{
	return valueset_fault(r->fault, r->file, at, "%s", what);
}

bool
valueset_is_json(const struct policy_file *file)
{
	return bytes_end(file->name, ".json");
}

static size_t
count_of(struct bytes text, char mark)
{
	const char *at = text.at, *end = at + text.size;
	size_t count = 0;

	while (at < end && (at = memchr(at, mark, (size_t)(end - at))) != NULL) {
		count++;
		at++;
	}
	return count;
}

/* Each line of TSV has a line end, each further code a comma; each row of JSON has an opening brace. */
size_t
valueset_most_rows(const struct policy_file *file)
{
	if (valueset_is_json(file))
		return count_of(file->text, '{') + 1;
	return count_of(file->text, '\n') + count_of(file->text, ',') + 1;
}

/* Takes the trailing * off.  The size limits are those of the table in which codes are folded. */
static bool
take_code(const struct valueset_reader *r, struct valueset_row *row)
{
	size_t most = MAX_CODE;

	row->is_prefix = row->code.size > 0 && row->code.at[row->code.size - 1] == '*';
	if (row->is_prefix) {
		row->code.size--;
		most = MAX_PREFIX;
	} else if (row->code.size == 0) {
		return wrong(r, row->at, "a row without a code");
	}
	if (row->code.size > most)
		return wrong(r, row->at,
		    row->is_prefix ? "a prefix of more than 63 bytes" : "a code of more than 255 bytes");
	return true;
}

static bool
take_date(const struct valueset_reader *r, struct bytes text, int32_t *day)
{
	struct period p;
	enum date_precision precision;

	if (text.size == 0)
		return true;
	if (!clock_parse_date(text, &p, &precision) || precision != DATE_DAY)
		return wrong(r, text.at, "expected a date YYYY-MM-DD or nothing");
	/* Rounds down: days before 1970 are negative. */
	*day = (int32_t)((p.from.seconds - (p.from.seconds < 0 ? SECONDS_A_DAY - 1 : 0)) / SECONDS_A_DAY);
	return true;
}

bool
valueset_split(
    const struct policy_file *file, struct fault *f, struct bytes text, struct bytes field[VALUESET_COLUMNS])
{
	const char *at = text.at;
	const char *end = text.at + text.size;

	for (unsigned i = 0; i < VALUESET_COLUMNS; i++) {
		const char *tab = at < end ? memchr(at, '\t', (size_t)(end - at)) : NULL;

		if ((tab != NULL) != (i + 1 < VALUESET_COLUMNS))
			return valueset_fault(f, file, at, "expected six columns");
		field[i] = (struct bytes){ at, (size_t)((tab != NULL ? tab : end) - at) };
		at = tab != NULL ? tab + 1 : end;
	}
	return true;
}

/* The codes of a line, which has one or several with commas between them, as a row each. */
static bool
read_codes(const struct valueset_reader *r, struct valueset_row *row, struct bytes codes)
{
	const char *end = codes.at + codes.size;

	for (const char *at = codes.at;; at++) {
		const char *comma = at < end ? memchr(at, ',', (size_t)(end - at)) : NULL;

		row->at = at;
		row->code = (struct bytes){ at, (size_t)((comma != NULL ? comma : end) - at) };
		if (!take_code(r, row) || !r->row(r->context, row))
			return false;
		if (comma == NULL)
			return true;
		at = comma;
	}
}

static bool
read_row(const struct valueset_reader *r, struct bytes text)
{
	struct bytes field[VALUESET_COLUMNS] = { { NULL, 0 } };
	struct valueset_row row = { .from = VALUESET_FIRST_DAY, .until = VALUESET_LAST_DAY };

	if (!valueset_split(r->file, r->fault, text, field))
		return false;
	row.system = field[0];
	row.category = field[3];
	if (row.system.size == 0)
		return wrong(r, text.at, "a row without a system");
	if (row.category.size == 0)
		return wrong(r, row.category.at, "a row without a category");
	if (!take_date(r, field[4], &row.from) || !take_date(r, field[5], &row.until))
		return false;
	if (row.from > row.until)
		return wrong(r, field[5].at, "a row that ends before it begins");
	return read_codes(r, &row, field[1]);
}

static bool
read_head(const struct valueset_reader *r, struct bytes text, unsigned line)
{
	if (line == 1)
		return (text.size > 0 && text.at[0] == '#') ||
		       wrong(r, text.at, "expected '#' with source and licence");
	return bytes_are(text, columns) ||
	       wrong(r, text.at, "expected the columns system, code, display, category, from, until");
}

static bool
read_tsv(const struct valueset_reader *r)
{
	const char *at = r->file->text.at;
	const char *end = at + r->file->text.size;
	unsigned line = 0;

	if (!utf8_valid(r->file->text) || memchr(at, 0, r->file->text.size) != NULL)
		return wrong(r, at, "not UTF-8 text");
	while (at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		struct bytes text = { at, (size_t)((stop != NULL ? stop : end) - at) };

		if (text.size > 0 && text.at[text.size - 1] == '\r')
			text.size--;
		if (++line > 2 ? !read_row(r, text) : !read_head(r, text, line))
			return false;
		at += (stop != NULL ? (size_t)(stop - at) + 1 : (size_t)(end - at));
	}
	return line >= 2 || wrong(r, end, "expected a line with '#' and one with the columns");
}

struct valueset_json {
	const struct valueset_reader *reader;
	struct json json;
	struct buffer room;
};

static bool
wrong_json(const struct valueset_json *r, uint32_t node, const char *what)
{
	return wrong(r->reader, json_span(&r->json, node).at, what);
}

/* The string member NAME of OBJECT, empty if there is none. */
static bool
take_string(struct valueset_json *r, uint32_t object, const char *name, struct bytes *text)
{
	uint32_t node = json_member(&r->json, object, bytes_of(name));

	*text = (struct bytes){ "", 0 };
	if (node == 0)
		return true;
	if (json_kind(&r->json, node) != JSON_STRING)
		return wrong_json(r, node, "expected a string");
	*text = json_string(&r->json, node, &r->room);
	if ((r->json.nodes[node].flags & JSON_ESCAPED) != 0)
		*text = arena_copy(r->reader->arena, *text);
	return true;
}

/* The code of CONCEPT as a row.  A concept without a code only holds other concepts. */
static bool
read_concept(struct valueset_json *r, uint32_t concept, struct bytes system)
{
	struct valueset_row row = { .from = VALUESET_FIRST_DAY, .until = VALUESET_LAST_DAY };
	struct bytes display;

	if (json_kind(&r->json, concept) != JSON_OBJECT)
		return wrong_json(r, concept, "expected an object");
	/* The display must be a text, but nobody reads it. */
	if (!take_string(r, concept, "code", &row.code) || !take_string(r, concept, "display", &display))
		return false;
	if (row.code.size == 0)
		return true;
	if (system.size == 0)
		return wrong_json(r, concept, "a code without a system");
	row.system = system;
	row.at = json_span(&r->json, concept).at;
	if (row.code.at[row.code.size - 1] == '*')
		return wrong_json(r, concept, "a code that ends in *, which a ValueSet has no use for");
	return take_code(r->reader, &row) && r->reader->row(r->reader->context, &row);
}

/* Steps through the elements of ARRAY: *NODE is 0 before the first and after the last. */
static bool
each_element(struct valueset_json *r, uint32_t array, uint32_t *node)
{
	uint32_t next = *node == 0 ? array + 1 : r->json.nodes[*node].next;

	*node = next < r->json.nodes[array].next ? next : 0;
	return *node != 0;
}

static bool
is_array(struct valueset_json *r, uint32_t node)
{
	return json_kind(&r->json, node) == JSON_ARRAY || wrong_json(r, node, "expected an array");
}

/* expansion.contains, which may be nested.  The depth limit of the index bounds the recursion. */
static bool
read_contains(struct valueset_json *r, uint32_t array) // NOLINT(misc-no-recursion)
{
	if (!is_array(r, array))
		return false;
	for (uint32_t node = 0; each_element(r, array, &node);) {
		uint32_t inner = json_member(&r->json, node, bytes_of("contains"));
		struct bytes system;

		if (!take_string(r, node, "system", &system) || !read_concept(r, node, system))
			return false;
		if (inner != 0 && !read_contains(r, inner))
			return false;
	}
	return true;
}

static bool
read_include(struct valueset_json *r, uint32_t include)
{
	static const char *const refused[] = { "filter", "valueSet" };
	uint32_t concepts = json_member(&r->json, include, bytes_of("concept"));
	struct bytes system;

	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		uint32_t node = json_member(&r->json, include, bytes_of(refused[i]));

		if (node != 0)
			return wrong_json(
			    r, node, "only a terminology server can work this out: expand it first");
	}
	if (concepts == 0)
		return wrong_json(r, include, "expected concepts, one by one");
	if (!is_array(r, concepts) || !take_string(r, include, "system", &system))
		return false;
	for (uint32_t node = 0; each_element(r, concepts, &node);)
		if (!read_concept(r, node, system))
			return false;
	return true;
}

static bool
read_compose(struct valueset_json *r, uint32_t compose)
{
	uint32_t include = json_member(&r->json, compose, bytes_of("include"));
	uint32_t exclude = json_member(&r->json, compose, bytes_of("exclude"));

	if (exclude != 0)
		return wrong_json(r, exclude, "only a terminology server can work this out: expand it first");
	if (include == 0)
		return wrong_json(r, compose, "expected an expansion or what to include");
	if (!is_array(r, include))
		return false;
	for (uint32_t node = 0; each_element(r, include, &node);)
		if (!read_include(r, node))
			return false;
	return true;
}

static bool
read_value_set(struct valueset_json *r)
{
	uint32_t type = json_member(&r->json, 0, bytes_of("resourceType"));
	uint32_t expansion = json_member(&r->json, 0, bytes_of("expansion"));
	uint32_t contains = json_member(&r->json, expansion, bytes_of("contains"));
	uint32_t compose = json_member(&r->json, 0, bytes_of("compose"));

	if (type == 0 || !json_is(&r->json, type, bytes_of("ValueSet")))
		return wrong_json(r, 0, "expected a FHIR ValueSet");
	if (expansion != 0 && contains != 0)
		return read_contains(r, contains);
	if (compose != 0)
		return read_compose(r, compose);
	return wrong_json(r, 0, "expected an expansion or what to include");
}

static bool
read_json(const struct valueset_reader *reader)
{
	struct valueset_json r = { .reader = reader };
	bool good;

	json_init(&r.json, NULL, JSON_MAX_DEPTH);
	buffer_init(&r.room, reader->file->text.size);
	good = json_parse(&r.json, reader->file->text);
	if (good)
		good = read_value_set(&r);
	else
		(void)wrong(reader, reader->file->text.at + r.json.byte - 1, reason_text(r.json.reason));
	buffer_release(&r.room);
	json_release(&r.json);
	return good;
}

bool
valueset_read(const struct policy_file *file, struct arena *arena, struct fault *f,
    bool (*row)(void *context, const struct valueset_row *row), void *context)
{
	struct valueset_reader r = { file, arena, f, row, context };

	return valueset_is_json(file) ? read_json(&r) : read_tsv(&r);
}
