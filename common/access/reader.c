/* SPDX-License-Identifier: ISC */
#include "common/access/reader.h"

#include "common/json/json_write.h"

bool
reader_open(struct access_reader *r, const struct yaml_node *root, struct yaml_map *m)
{
	const struct yaml_node *version;
	uint64_t number;

	if (!yaml_open(m, r->file, root, r->fault))
		return false;
	version = yaml_need(m, "ehr_authz");
	return version && yaml_integer(r->file, version, 1, 1, &number, r->fault);
}

bool
reader_word(struct access_reader *r, const struct yaml_node *node, uint32_t *word)
{
	struct bytes text;

	if (!yaml_string(r->file, node, &text, r->fault))
		return false;
	if (text.size == 0)
		return fault_at(r->fault, r->file, node, "an empty name");
	*word = intern_add(r->words, text);
	return true;
}

struct bytes
reader_patient(struct bytes patient)
{
	while (bytes_begin(patient, "Patient/"))
		patient = bytes_behind(patient, strlen("Patient/"));
	return patient;
}

struct bytes
reader_escaped(struct access_reader *r, struct bytes text)
{
	struct buffer out;
	struct bytes copy;
	size_t plain = 0;

	while (plain < text.size && (unsigned char)text.at[plain] >= ' ' && text.at[plain] != '"' &&
	       text.at[plain] != '\\')
		plain++;
	if (plain == text.size)
		return text;
	buffer_init(&out, BUFFER_UNLIMITED);
	(void)json_write_string(&out, text);
	copy = arena_copy(r->arena, (struct bytes){ out.at + 1, out.used - 2 });
	buffer_release(&out);
	return copy;
}

struct bytes
reader_json(struct access_reader *r, struct bytes text)
{
	struct bytes inside = reader_escaped(r, text);
	char *at = arena_take(r->arena, inside.size + 3);

	at[0] = at[inside.size + 1] = '"';
	if (inside.size > 0)
		memcpy(at + 1, inside.at, inside.size);
	return (struct bytes){ at, inside.size + 2 };
}

bool
reader_duration(struct access_reader *r, const struct yaml_node *node, int64_t *seconds)
{
	struct bytes text;

	if (!node || !yaml_string(r->file, node, &text, r->fault))
		return false;
	return (clock_parse_duration(text, seconds) && *seconds > 0) ||
	       fault_at(r->fault, r->file, node, "expected a duration, such as 60s, 5m, 4h or 30d");
}

void
reader_offer(const struct access_reader *r, struct closest *c, const uint32_t *at, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		closest_offer(c, intern_text(r->words, at[i]));
}

bool
reader_unknown(struct access_reader *r, const struct yaml_node *node, const char *what, const char *where,
    struct closest near)
{
	char text[CLOSEST_ROOM];

	if (r->is_record)
		return fault_at(r->fault, r->file, node, "unknown %s, expected one of %s%s", what, where,
		    closest_text(&near, "", text));
	return fault_at(r->fault, r->file, node, "unknown %s '%.*s', expected one of %s%s", what,
	    (int)near.word.size, near.word.at, where, closest_text(&near, "", text));
}

void
ndjson_init(struct ndjson *n, struct access_reader *r, const struct json_keys *keys, struct bytes text)
{
	*n = (struct ndjson){ .reader = r, .rest = text };
	json_init(&n->json, keys, JSON_MAX_DEPTH);
	buffer_init(&n->room, BUFFER_UNLIMITED);
	buffer_init(&n->renamed, BUFFER_UNLIMITED);
}

void
ndjson_release(struct ndjson *n)
{
	json_release(&n->json);
	buffer_release(&n->room);
	buffer_release(&n->renamed);
}

static bool
fault_here(struct ndjson *n, size_t byte, const char *text)
{
	struct yaml_node place = { .line = n->line, .column = (unsigned)byte };

	return fault_at(n->reader->fault, n->reader->file, &place, "%s", text);
}

bool
ndjson_fault(struct ndjson *n, uint32_t node, const char *text)
{
	return fault_here(n, n->json.nodes[node].start + 1, text);
}

/* Gives the key that the index found twice another name, of the same length.  False if there is none left. */
static bool
rename_repeat(struct ndjson *n)
{
	static const char marks[] = "~!#$%&*+";
	size_t at = n->json.byte - 1;

	if (n->json.reason != REASON_DUPLICATE_KEY || n->repeats == NDJSON_REPEATS)
		return false;
	if (n->repeats == 0) {
		n->renamed.used = 0;
		buffer_add(&n->renamed, n->stored.at, n->stored.size);
		if (!json_slack(&n->renamed))
			return false;
	}
	if ((unsigned char)n->stored.at[at + 1] >= 0x80 || n->stored.at[at + 1] == '"')
		return false;
	n->renamed.at[at + 1] = marks[n->repeats];
	n->repeat[n->repeats++] = at;
	return true;
}

static bool
parse(struct ndjson *n, struct bytes text)
{
	bool good = json_parse(&n->json, text);

	n->stored = text;
	n->repeats = 0;
	while (!good && n->forgives && rename_repeat(n))
		good = json_parse(&n->json, (struct bytes){ n->renamed.at, text.size });
	return good || fault_here(n, n->json.byte, reason_text(n->json.reason));
}

bool
ndjson_repeats(const struct ndjson *n, uint32_t node)
{
	const struct json_node *at = &n->json.nodes[node];

	for (unsigned i = 0; i < n->repeats; i++)
		if (n->repeat[i] >= at->start && n->repeat[i] < at->end)
			return true;
	return false;
}

static bool
parse_object(struct ndjson *n, struct bytes text)
{
	return parse(n, text) &&
	       (json_kind(&n->json, 0) == JSON_OBJECT || fault_here(n, 1, "expected an object"));
}

/* Half of an object.  A whole one without its newline may be of a hand. */
static bool
leave_out(struct ndjson *n, struct bytes line)
{
	if (!n->is_appended || json_parse(&n->json, line))
		return false;
	n->unfinished = line.size;
	return true;
}

bool
ndjson_next(struct ndjson *n)
{
	while (n->rest.size > 0) {
		const char *end = memchr(n->rest.at, '\n', n->rest.size);
		struct bytes line = { n->rest.at, end ? (size_t)(end - n->rest.at) : n->rest.size };
		size_t used = line.size + (end != NULL);

		n->rest = (struct bytes){ n->rest.at + used, n->rest.size - used };
		n->line++;
		if (json_blank(line))
			continue;
		if (end == NULL && leave_out(n, line))
			return false;
		return end != NULL ? parse_object(n, line)
				   : fault_here(n, line.size + 1,
					 "the last line is unfinished: its writer is not done or was "
					 "killed; finish it with a newline, or cut it off");
	}
	return false;
}

bool
ndjson_whole(struct ndjson *n)
{
	n->line = 1;
	return parse(n, n->rest);
}

bool
ndjson_string(struct ndjson *n, const char *key, struct bytes *text)
{
	uint32_t node = json_member(&n->json, 0, bytes_of(key));

	if (node == 0)
		return fault_here(n, 1, arena_format(n->reader->arena, "missing member '%s'", key));
	if (json_kind(&n->json, node) != JSON_STRING)
		return ndjson_fault(n, node, "expected a string");
	*text = arena_copy(n->reader->arena, json_string(&n->json, node, &n->room));
	return text->size > 0 || ndjson_fault(n, node, "an empty string");
}

bool
ndjson_instant(struct ndjson *n, const char *key, struct instant *t, bool *has)
{
	uint32_t node = json_member(&n->json, 0, bytes_of(key));

	*has = node != 0;
	if (node == 0)
		return true;
	if (json_kind(&n->json, node) == JSON_STRING &&
	    clock_parse_instant(json_string(&n->json, node, &n->room), t))
		return true;
	return ndjson_fault(n, node, "expected a date-time with offset, such as 2026-03-01T00:00:00Z");
}

enum { PART = 256 << 10 }; /* of a list, which may be as long as a site's patients are many */

/*
 * The size of the next part of TEXT.  What is inside an item of a list is indented, or the part ends inside
 * it and is refused.
 */
static size_t
part_of(struct bytes text)
{
	struct bytes rest = text, line;
	bool begun = false;

	while (bytes_line(&rest, &line)) {
		bool item = bytes_begin(line, "- ") || bytes_are(line, "-");

		if (item && begun && (size_t)(line.at - text.at) >= PART)
			return (size_t)(line.at - text.at);
		begun = begun || item;
		if (!item && line.size > 0 && strchr(" #\r", line.at[0]) == NULL)
			break;
	}
	return text.size;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as yaml_read() allows */
static void
move_down(struct yaml_node *node, unsigned lines)
{
	node->line += lines;
	for (size_t i = 0; node->kind >= YAML_LIST && i < node->count; i++)
		move_down(node->item[i], lines);
	for (size_t i = 0; node->kind == YAML_MAP && i < node->count; i++)
		move_down(node->key[i], lines);
}

const struct yaml_node *
reader_part(struct arena *tree, const char *file, struct bytes *rest, unsigned *lines, struct fault *f)
{
	struct bytes part = { rest->at, part_of(*rest) }, line;
	struct yaml_node *root = yaml_read_list(tree, file, part, f);

	if (root)
		move_down(root, *lines);
	else if (f->line > 0)
		f->line += *lines;
	*rest = bytes_behind(*rest, part.size);
	while (bytes_line(&part, &line))
		++*lines;
	return root;
}
