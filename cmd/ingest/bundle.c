/* SPDX-License-Identifier: ISC */
#include "cmd/ingest/bundle.h"

#include "cmd/ingest/members.h"
#include "common/base/diag.h"
#include "common/base/memory.h"
#include "common/line/tags.h"

#include <stdlib.h>

/* A record, or the deletion of one. */
struct piece {
	struct subject_entry entry; /* of a deletion its url stands in `request` */
	uint32_t around;            /* node of the Bundle's entry */
	uint32_t response;          /* node, 0 if absent */
	bool deletion;
};

void
bundle_init(struct bundle *b)
{
	*b = (struct bundle){ 0 };
	buffer_init(&b->pieces, BUFFER_UNLIMITED);
	floors_init(&b->floors);
	history_init(&b->history);
	subjects_init(&b->subjects);
	buffer_init(&b->one, BUFFER_UNLIMITED);
	buffer_init(&b->two, BUFFER_UNLIMITED);
	buffer_init(&b->three, BUFFER_UNLIMITED);
}

void
bundle_release(struct bundle *b)
{
	buffer_release(&b->pieces);
	floors_release(&b->floors);
	history_release(&b->history);
	subjects_release(&b->subjects);
	buffer_release(&b->one);
	buffer_release(&b->two);
	buffer_release(&b->three);
}

static bool
fail(struct bundle *b, enum reason reason, uint32_t node)
{
	b->reason = reason;
	b->byte = (size_t)b->json->nodes[node].start + 1;
	return false;
}

/* The member KEY of NODE in *VALUE, 0 if it is absent; false if it is there and of another kind. */
static bool
member(struct bundle *b, uint32_t node, enum ingest_key key, enum json_kind kind, uint32_t *value)
{
	*value = json_member_key(b->json, node, (uint16_t)key);
	if (*value == 0 || json_kind(b->json, *value) == kind)
		return true;
	return fail(b, REASON_BAD_BUNDLE, *value);
}

bool
bundle_is(const struct json *j, uint32_t node)
{
	uint32_t type = json_member_key(j, node, KEY_RESOURCE_TYPE);

	return type != 0 && json_is(j, type, (struct bytes)BYTES("Bundle"));
}

/* Type/id at the end of the url of a deletion.  Another url, such as a condition, does not name a record. */
static bool
deleted_id(struct bytes url, struct bytes *id)
{
	size_t slashes = 0;
	size_t at = url.size;
	size_t idle = 0;

	while (at > 0 && (url.at[at - 1] != '/' || ++slashes < 2))
		at--;
	*id = (struct bytes){ url.at + at, url.size - at };
	while (idle < id->size && ascii_is_letter(id->at[idle]))
		idle++;
	if (idle == 0 || idle == id->size || id->at[idle] != '/')
		return false;
	size_t size = id->size - idle - 1;

	for (size_t i = idle + 1; i < id->size; i++)
		if (!ascii_is_alnum(id->at[i]) && id->at[i] != '-' && id->at[i] != '.')
			return false;
	return size > 0 && size <= 64 && id->at[0] < 'a';
}

/* KEY of NODE, a request or an entry, is the url. */
static bool
read_deletion(struct bundle *b, uint32_t node, enum ingest_key key, const struct piece *of)
{
	struct piece p = { .entry.bundle = of->entry.bundle, .response = of->response, .deletion = true };
	struct bytes id;

	if (!member(b, node, key, JSON_STRING, &p.entry.request))
		return false;
	if (p.entry.request == 0)
		return fail(b, REASON_BAD_BUNDLE, node);
	if (!deleted_id(json_string(b->json, p.entry.request, &b->one), &id))
		return fail(b, REASON_BAD_BUNDLE, p.entry.request);
	buffer_add(&b->pieces, &p, sizeof p);
	return true;
}

static bool read_bundle(struct bundle *b, const struct floor_place *at, unsigned depth);

static struct floor_place
place_of(const struct piece *p)
{
	return (struct floor_place){ .bundle = p->entry.bundle,
		.entry = p->around,
		.resource = p->entry.resource,
		.url = p->entry.url };
}

/* A text that is written with each record which names this one. */
static bool
is_long(const struct json *j, uint32_t node)
{
	return node != 0 && json_inside(j, node).size > BUNDLE_NAME_MAX;
}

/* The type and id by which other records of the Bundle name P. */
static bool
has_long_name(const struct json *j, const struct piece *p)
{
	return p->entry.url != 0 &&
	       (is_long(j, p->entry.request) || is_long(j, members_text(j, p->entry.resource, KEY_ID)) ||
		   is_long(j, members_text(j, p->entry.resource, KEY_RESOURCE_TYPE)));
}

/* A resource or outcome: a record, or a Bundle of records. */
static bool
read_resource(struct bundle *b, const struct piece *p, unsigned depth)
{
	const struct floor_place at = place_of(p);
	uint32_t reserved = json_member_key(b->json, at.resource, KEY_EHR);

	if (reserved != 0)
		return fail(b, REASON_RESERVED_MEMBER, reserved - 1);
	if (bundle_is(b->json, at.resource))
		return read_bundle(b, &at, depth + 1);
	if (!b->is_kept && has_long_name(b->json, p))
		return fail(b, REASON_BAD_BUNDLE, at.resource);
	buffer_add(&b->pieces, p, sizeof *p);
	floors_record(&b->floors, &at);
	subjects_add(&b->subjects, &p->entry);
	return true;
}

/* True if all that KEY, a member of an entry, holds is in the output. */
static bool
travels(const struct json *j, uint32_t key, bool deletion)
{
	uint32_t value = key + 1;

	switch (j->nodes[key].key) {
	case KEY_FULL_URL:
	case KEY_CATEGORY:
	case KEY_DELETED:
		return true;
	case KEY_RESOURCE:
	case KEY_CONTENT:
		return !deletion;
	case KEY_REQUEST:
		return deletion;
	case KEY_RESPONSE:
		return value + 1 < j->nodes[value].next && j->nodes[value + 1].key == KEY_OUTCOME &&
		       j->nodes[value + 1].next == j->nodes[value].next;
	default:
		return false;
	}
}

static void
count_dropped(struct bundle *b, uint32_t entry, bool deletion)
{
	const struct json *j = b->json;

	for (uint32_t k = entry + 1; k < j->nodes[entry].next; k = j->nodes[k].next)
		b->dropped += !travels(j, k, deletion);
}

/* The members of DSTU1: content, with the entry's id as address, or the time of a deletion. */
static bool
read_old_members(struct bundle *b, uint32_t entry, struct piece *p, uint32_t *deleted)
{
	*deleted = 0;
	if (p->entry.resource != 0)
		return true;
	if (!member(b, entry, KEY_CONTENT, JSON_OBJECT, &p->entry.resource) ||
	    !member(b, entry, KEY_DELETED, JSON_STRING, deleted))
		return false;
	if (p->entry.resource != 0 && p->entry.url == 0)
		p->entry.url = members_text(b->json, entry, KEY_ID);
	return true;
}

static bool
read_entry(struct bundle *b, uint32_t entry, uint32_t bundle, unsigned depth)
{
	struct piece p = { .entry.bundle = bundle, .around = entry };
	struct piece answer = p;
	uint32_t request, deleted;
	uint32_t method = 0;

	if (json_kind(b->json, entry) != JSON_OBJECT)
		return fail(b, REASON_BAD_BUNDLE, entry);
	if (!member(b, entry, KEY_RESOURCE, JSON_OBJECT, &p.entry.resource) ||
	    !member(b, entry, KEY_FULL_URL, JSON_STRING, &p.entry.url) ||
	    !member(b, entry, KEY_REQUEST, JSON_OBJECT, &request) ||
	    !member(b, entry, KEY_RESPONSE, JSON_OBJECT, &p.response) ||
	    !read_old_members(b, entry, &p, &deleted))
		return false;
	if (request != 0 && !member(b, request, KEY_METHOD, JSON_STRING, &method))
		return false;
	if (p.response != 0 && !member(b, p.response, KEY_OUTCOME, JSON_OBJECT, &answer.entry.resource))
		return false;
	bool deletion =
	    deleted != 0 || (method != 0 && json_is(b->json, method, (struct bytes)BYTES("DELETE")));

	if (method != 0 && json_is(b->json, method, (struct bytes)BYTES("PUT")))
		p.entry.request = members_text(b->json, request, KEY_URL);
	count_dropped(b, entry, deletion);
	b->empty += !deletion && p.entry.resource == 0 && answer.entry.resource == 0;
	if (deletion &&
	    !read_deletion(b, deleted != 0 ? entry : request, deleted != 0 ? KEY_ID : KEY_URL, &p))
		return false;
	if (!deletion && p.entry.resource != 0 && !read_resource(b, &p, depth))
		return false;
	return answer.entry.resource == 0 || read_resource(b, &answer, depth);
}

static struct piece *
piece_at(const struct bundle *b, size_t i)
{
	return (struct piece *)(void *)b->pieces.at + i;
}

/* Appends Type/id of a piece to b->one; nothing if it has no id. */
static struct bytes
identity(struct bundle *b, const struct piece *p)
{
	const struct json *j = b->json;
	uint32_t type = members_text(j, p->entry.resource, KEY_RESOURCE_TYPE);
	uint32_t id = members_text(j, p->entry.resource, KEY_ID);
	struct bytes part;

	b->one.used = 0;
	if (type == 0 || id == 0)
		return (struct bytes){ 0 };
	part = json_string(j, type, &b->two);
	buffer_add(&b->one, part.at, part.size);
	buffer_add(&b->one, "/", 1);
	part = json_string(j, id, &b->two);
	buffer_add(&b->one, part.at, part.size);
	return buffer_bytes(&b->one);
}

/* "3" of an etag W/"3". */
static struct bytes
unquoted(struct bytes etag)
{
	if (bytes_begin(etag, "W/"))
		etag = (struct bytes){ etag.at + 2, etag.size - 2 };
	if (etag.size >= 2 && etag.at[0] == '"' && etag.at[etag.size - 1] == '"')
		etag = (struct bytes){ etag.at + 1, etag.size - 2 };
	return etag;
}

/* Notes piece P for the order of versions. */
static void
note_version(struct bundle *b, const struct piece *p)
{
	const struct json *j = b->json;
	uint32_t meta = p->deletion ? 0 : json_member_key(j, p->entry.resource, KEY_META);
	uint32_t modified = meta == 0 ? 0 : members_text(j, meta, KEY_LAST_UPDATED);
	uint32_t version = meta == 0 ? 0 : members_text(j, meta, KEY_VERSION_ID);
	struct bytes id = { 0 };
	struct bytes when = { 0 };
	struct bytes number = { 0 };

	if (modified == 0 && p->response != 0)
		modified = members_text(j, p->response, KEY_LAST_MODIFIED);
	if (version == 0 && p->response != 0)
		version = members_text(j, p->response, KEY_ETAG);
	if (version != 0)
		number = unquoted(json_string(j, version, &b->three));
	if (!p->deletion)
		id = identity(b, p);
	else if (!deleted_id(json_string(j, p->entry.request, &b->one), &id))
		diag_bug("a deletion of nothing");
	if (modified != 0)
		when = json_string(j, modified, &b->two);
	history_add(&b->history, id, when, number);
}

/* The entries of BUNDLE are the pieces from FIRST on.  Those of a history come out oldest first. */
static void
put_in_order(struct bundle *b, uint32_t node, uint32_t bundle, size_t first)
{
	size_t count = b->pieces.used / sizeof(struct piece) - first;
	uint32_t type = members_text(b->json, node, KEY_TYPE);
	size_t behind;

	if (count < 2)
		return;
	history_start(&b->history);
	for (size_t i = 0; i < count; i++)
		if (piece_at(b, first + i)->entry.bundle == bundle)
			note_version(b, piece_at(b, first + i));
		else
			history_add(
			    &b->history, (struct bytes){ 0 }, (struct bytes){ 0 }, (struct bytes){ 0 });
	behind = history_sort(&b->history);
	if (type == 0 || !json_is(b->json, type, (struct bytes)BYTES("history"))) {
		b->behind += behind;
		return;
	}
	b->one.used = 0;
	for (size_t i = 0; i < count; i++)
		buffer_add(
		    &b->one, piece_at(b, first + history_at(&b->history, (uint32_t)i)), sizeof(struct piece));
	memcpy(piece_at(b, first), b->one.at, b->one.used);
}

static bool
read_bundle(struct bundle *b, const struct floor_place *at, unsigned depth)
{
	const struct json *j = b->json;
	size_t first = b->pieces.used / sizeof(struct piece);
	uint32_t node = at->resource;
	uint32_t entry, bundle, bad;

	if (depth > BUNDLE_NESTED_MAX)
		return fail(b, REASON_TOO_NESTED, node);
	bundle = floors_bundle(&b->floors, at, &bad);
	if (bad != 0)
		return fail(b, REASON_BAD_BUNDLE, bad);
	if (!member(b, node, KEY_ENTRY, JSON_ARRAY, &entry))
		return false;
	for (uint32_t k = node + 1; k < j->nodes[node].next; k = j->nodes[k].next)
		b->dropped += j->nodes[k].key != KEY_RESOURCE_TYPE && j->nodes[k].key != KEY_ENTRY;
	if (entry == 0)
		return true;
	for (uint32_t e = entry + 1; e < j->nodes[entry].next; e = j->nodes[e].next)
		if (!read_entry(b, e, bundle, depth))
			return false;
	put_in_order(b, node, bundle, first);
	return true;
}

bool
bundle_read(struct bundle *b, const struct json *j, uint32_t node)
{
	uint64_t dropped = b->dropped;
	uint64_t empty = b->empty;
	uint64_t behind = b->behind;

	b->json = j;
	b->pieces.used = 0;
	subjects_start(&b->subjects, j);
	floors_start(&b->floors, j);
	bool good = read_bundle(b, &(struct floor_place){ .bundle = FLOOR_NO_BUNDLE, .resource = node }, 1);
	uint32_t over;

	if (good && !b->is_kept && !floors_end(&b->floors, &over))
		good = fail(b, REASON_BAD_BUNDLE, over);

	b->records = good ? b->pieces.used / sizeof(struct piece) : 0;
	/* the counts are of Bundles that are written */
	if (!good) {
		b->dropped = dropped;
		b->empty = empty;
		b->behind = behind;
	}
	return good;
}

/*
 * Writes the text from *FROM up to the last white space before TO.  The text from AT to TO is outside of all
 * tokens.  *FROM becomes the byte behind that white space.
 */
static bool
put_gap(struct sink *out, const char *text, size_t *from, size_t at, size_t to)
{
	for (; at < to; at++) {
		if (text[at] > ' ')
			continue;
		if (!sink_put(out, (struct bytes){ text + *from, at - *from }))
			return false;
		while (at + 1 < to && text[at + 1] <= ' ')
			at++;
		*from = at + 1;
	}
	return true;
}

bool
bundle_put_value(struct sink *out, const struct json *j, uint32_t node)
{
	const struct json_node *n = &j->nodes[node];
	size_t from = n->start;
	size_t at = from;

	if (!j->spaced)
		return sink_put(out, json_span(j, node));
	for (uint32_t i = node; i < n->next; i++) {
		bool container = j->nodes[i].kind == JSON_ARRAY || j->nodes[i].kind == JSON_OBJECT;

		if (!put_gap(out, j->text.at, &from, at, j->nodes[i].start))
			return false;
		at = container ? j->nodes[i].start : j->nodes[i].end;
	}
	return put_gap(out, j->text.at, &from, at, n->end) &&
	       sink_put(out, (struct bytes){ j->text.at + from, n->end - from });
}

/* What the record does not say itself and the Bundle around it does. */
struct wrap {
	uint32_t url;          /* node, 0 if not needed */
	struct bytes subject;  /* Type/id, empty if not needed */
	const uint32_t *floor; /* labels of others are labels of it, too */
	size_t labels;
};

static bool
ends_in_id(struct bundle *b, uint32_t url, uint32_t resource)
{
	uint32_t id = members_text(b->json, resource, KEY_ID);

	if (id == 0)
		return false;
	struct bytes whole = json_string(b->json, url, &b->one);
	struct bytes end = json_string(b->json, id, &b->two);

	if (end.size == 0 || end.size >= whole.size)
		return false;
	char before = whole.at[whole.size - end.size - 1];

	whole.at += whole.size - end.size;
	whole.size = end.size;
	return (before == '/' || before == ':') && bytes_equal(whole, end);
}

static bool
put_floor(const struct bundle *b, const struct wrap *w, struct sink *out)
{
	for (size_t i = 0; i < w->labels; i++)
		if (!sink_put(out, bytes_of(i == 0 ? "" : ",")) ||
		    !bundle_put_value(out, b->json, w->floor[i]))
			return false;
	return true;
}

/* The ehr of an ingested line, open where the elements of its floor follow. */
static struct bytes
ehr_of(struct bundle *b, const struct wrap *w)
{
	const struct json *j = b->json;
	struct tags_writer tags;

	b->one.used = 0;
	tags = tags_open(&b->one, STAGE_INGESTED);
	if (w->url != 0)
		json_write_value(tags_member(&tags, TAG_URL), json_span(j, w->url));
	if (w->subject.size > 0)
		json_write_text(tags_member(&tags, TAG_SUBJECT), w->subject);
	if (w->labels > 0)
		json_write_open(tags_member(&tags, TAG_FLOOR), '[');
	else
		(void)tags_close(&tags);
	if (!json_write_whole(&tags.json))
		memory_missing(b->one.used);
	return buffer_bytes(&b->one);
}

static bool
put_wrapped(struct bundle *b, const struct piece *p, const struct wrap *w, struct sink *out)
{
	bool whole = sink_put(out, (struct bytes)BYTES(TAGS_LINE_BEGIN)) && sink_put(out, ehr_of(b, w));

	if (w->labels > 0)
		whole = whole && put_floor(b, w, out) && sink_put(out, (struct bytes)BYTES("]}"));
	return whole && sink_put(out, (struct bytes)BYTES(TAGS_LINE_RECORD)) &&
	       bundle_put_value(out, b->json, p->entry.resource) &&
	       sink_put(out, (struct bytes)BYTES(TAGS_LINE_END));
}

static bool
put_deletion(struct bundle *b, const struct piece *p, struct sink *out)
{
	struct tags tags = { .stage = STAGE_DELETED };

	if (!deleted_id(json_string(b->json, p->entry.request, &b->one), &tags.id))
		diag_bug("a deletion of nothing");
	b->two.used = 0;
	if (!tags_write(&b->two, &tags))
		memory_missing(tags.id.size);
	return sink_put(out, (struct bytes)BYTES(TAGS_LINE_BEGIN)) && sink_put(out, buffer_bytes(&b->two)) &&
	       sink_put(out, (struct bytes)BYTES(TAGS_LINE_RECORD "{}" TAGS_LINE_END));
}

bool
bundle_write(struct bundle *b, size_t i, struct sink *out)
{
	const struct piece *p = piece_at(b, i);
	uint32_t resource = p->entry.resource;
	uint32_t url = p->entry.url;
	struct wrap w = { 0 };
	const struct floor_place at = place_of(p);

	if (p->deletion)
		return put_deletion(b, p, out);
	if (url != 0 && json_inside(b->json, url).size > 0 && !ends_in_id(b, url, resource))
		w.url = url;
	w.subject = subjects_of(&b->subjects, &p->entry);
	w.floor = floors_of(&b->floors, &at, &w.labels);
	if (w.url != 0 || w.subject.size > 0 || w.labels > 0)
		return put_wrapped(b, p, &w, out);
	return bundle_put_value(out, b->json, resource) && sink_put(out, bytes_of("\n"));
}
