/* SPDX-License-Identifier: ISC */
#include "cmd/ingest/bundle.h"

#include "cmd/ingest/members.h"
#include "common/base/diag.h"
#include "common/base/memory.h"
#include "common/line/tags.h"

#include <stdlib.h>

#define NONE UINT32_MAX

/* A Bundle, this one or one inside it. */
struct nested_bundle {
	uint32_t outer;    /* the Bundle around it, NONE for the outermost */
	uint32_t security; /* node of the array, 0 if absent */
	uint32_t category; /* node, 0 if absent: in DSTU1 its labels are here */
	bool confidential; /* SECURITY has a code of Confidentiality */
};

/* A record, or the deletion of one. */
struct piece {
	struct subject_entry entry; /* of a deletion its url stands in `request` */
	uint32_t response;          /* node, 0 if absent */
	uint32_t category;          /* node, 0 if absent */
	bool deletion;
};

void
bundle_init(struct bundle *b)
{
	*b = (struct bundle){ 0 };
	buffer_init(&b->bundles, BUFFER_UNLIMITED);
	buffer_init(&b->pieces, BUFFER_UNLIMITED);
	buffer_init(&b->labels, BUFFER_UNLIMITED);
	history_init(&b->history);
	subjects_init(&b->subjects);
	buffer_init(&b->one, BUFFER_UNLIMITED);
	buffer_init(&b->two, BUFFER_UNLIMITED);
	buffer_init(&b->three, BUFFER_UNLIMITED);
}

void
bundle_release(struct bundle *b)
{
	buffer_release(&b->bundles);
	buffer_release(&b->pieces);
	buffer_release(&b->labels);
	history_release(&b->history);
	subjects_release(&b->subjects);
	buffer_release(&b->one);
	buffer_release(&b->two);
	buffer_release(&b->three);
}

static const struct nested_bundle *
nested_at(const struct bundle *b, uint32_t i)
{
	return (const struct nested_bundle *)(void *)b->bundles.at + i;
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

/* The names of the code system v3 Confidentiality. */
static const struct bytes confidentiality[] = {
	BYTES("http://terminology.hl7.org/CodeSystem/v3-Confidentiality"),
	BYTES("http://hl7.org/fhir/v3/Confidentiality"),
	BYTES("urn:oid:2.16.840.1.113883.5.25"),
};

static bool
is_confidentiality(const struct json *j, uint32_t coding)
{
	uint32_t system = json_member_key(j, coding, KEY_SYSTEM);
	uint32_t code = json_member_key(j, coding, KEY_CODE);

	if (system == 0 || code == 0 || json_kind(j, code) != JSON_STRING)
		return false;
	for (size_t i = 0; i < sizeof confidentiality / sizeof confidentiality[0]; i++)
		if (json_is(j, system, confidentiality[i]))
			return true;
	return false;
}

static bool
has_confidentiality(const struct json *j, uint32_t security)
{
	if (security == 0 || json_kind(j, security) != JSON_ARRAY)
		return false;
	for (uint32_t i = security + 1; i < j->nodes[security].next; i = j->nodes[i].next)
		if (is_confidentiality(j, i))
			return true;
	return false;
}

/* The labels of a resource.  Malformed ones stay in the record; ehr-classify refuses them. */
static uint32_t
security_of(const struct json *j, uint32_t resource)
{
	uint32_t meta = json_member_key(j, resource, KEY_META);

	return meta == 0 ? 0 : json_member_key(j, meta, KEY_SECURITY);
}

/* The labels of a Bundle.  No later program sees the Bundle, so malformed labels are refused here. */
static bool
read_labels(struct bundle *b, uint32_t node, uint32_t outer)
{
	const struct json *j = b->json;
	struct nested_bundle nested = { .outer = outer };
	uint32_t meta;

	if (!member(b, node, KEY_META, JSON_OBJECT, &meta))
		return false;
	if (meta != 0 && !member(b, meta, KEY_SECURITY, JSON_ARRAY, &nested.security))
		return false;
	for (uint32_t i = nested.security + 1; nested.security != 0 && i < j->nodes[nested.security].next;
	     i = j->nodes[i].next)
		if (json_kind(j, i) != JSON_OBJECT)
			return fail(b, REASON_BAD_BUNDLE, i);
	nested.confidential = has_confidentiality(j, nested.security);
	nested.category = json_member_key(j, node, KEY_CATEGORY);
	buffer_add(&b->bundles, &nested, sizeof nested);
	return true;
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
		if (!ascii_is_letter(id->at[i]) && !ascii_is_digit(id->at[i]) && id->at[i] != '-' &&
		    id->at[i] != '.')
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

static bool read_bundle(struct bundle *b, uint32_t node, uint32_t outer, unsigned depth);

/* A resource or outcome: a record, or a Bundle of records. */
static bool
read_resource(struct bundle *b, const struct piece *p, unsigned depth)
{
	uint32_t node = p->entry.resource;
	uint32_t reserved = json_member_key(b->json, node, KEY_EHR);

	if (reserved != 0)
		return fail(b, REASON_RESERVED_MEMBER, reserved - 1);
	if (bundle_is(b->json, node))
		return read_bundle(b, node, p->entry.bundle, depth + 1);
	buffer_add(&b->pieces, p, sizeof *p);
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
	p->category = json_member_key(b->json, entry, KEY_CATEGORY);
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
	struct piece p = { .entry.bundle = bundle };
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
read_bundle(struct bundle *b, uint32_t node, uint32_t outer, unsigned depth)
{
	const struct json *j = b->json;
	size_t first = b->pieces.used / sizeof(struct piece);
	uint32_t bundle = (uint32_t)(b->bundles.used / sizeof(struct nested_bundle));
	uint32_t entry;

	if (depth > BUNDLE_NESTED_MAX)
		return fail(b, REASON_TOO_NESTED, node);
	if (!read_labels(b, node, outer) || !member(b, node, KEY_ENTRY, JSON_ARRAY, &entry))
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
	b->bundles.used = b->pieces.used = 0;
	subjects_start(&b->subjects, j);
	bool good = read_bundle(b, node, NONE, 1);

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
	uint32_t url;         /* node, 0 if not needed */
	struct bytes subject; /* Type/id, empty if not needed */
	bool has_floor;       /* labels of others are labels of it, too: they stand in b->labels */
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

static void
add_labels(struct bundle *b, uint32_t security)
{
	const struct json *j = b->json;

	if (security == 0 || json_kind(j, security) != JSON_ARRAY)
		return;
	for (uint32_t i = security + 1; i < j->nodes[security].next; i = j->nodes[i].next)
		if (json_kind(j, i) == JSON_OBJECT)
			buffer_add(&b->labels, &i, sizeof i);
}

/* As the codes of Confidentiality and of ActCode are called, and what DSTU1 calls labels. */
static const char *const label_schemes[] = {
	"security",
	"Confidentiality",
	"ActCode",
	"2.16.840.1.113883.5.25",
	"2.16.840.1.113883.5.4",
};

static bool
is_label(struct bundle *b, uint32_t category)
{
	uint32_t scheme = members_text(b->json, category, KEY_SCHEME);
	struct bytes name;

	if (scheme == 0 || members_text(b->json, category, KEY_TERM) == 0)
		return false;
	name = json_string(b->json, scheme, &b->one);
	for (size_t i = 0; i < sizeof label_schemes / sizeof label_schemes[0]; i++)
		if (bytes_end(name, label_schemes[i]))
			return true;
	return false;
}

/* CATEGORY: a list, or one. */
static void
add_categories(struct bundle *b, uint32_t category)
{
	const struct json *j = b->json;
	uint32_t i = json_kind(j, category) == JSON_ARRAY ? category + 1 : category;

	for (; category != 0 && i < j->nodes[category].next; i = j->nodes[i].next)
		if (json_kind(j, i) == JSON_OBJECT && is_label(b, i))
			buffer_add(&b->labels, &i, sizeof i);
}

/* The labels of the Bundles around the record, up to the first that has a confidentiality. */
static void
add_labels_around(struct bundle *b, uint32_t bundle)
{
	for (; bundle != NONE; bundle = nested_at(b, bundle)->outer) {
		add_labels(b, nested_at(b, bundle)->security);
		add_categories(b, nested_at(b, bundle)->category);
		if (nested_at(b, bundle)->confidential)
			break;
	}
}

static int
by_text(const void *x, const void *y, void *context)
{
	const struct json *j = context;
	uint32_t a = *(const uint32_t *)x;
	uint32_t b = *(const uint32_t *)y;
	int order = bytes_compare(json_span(j, a), json_span(j, b));

	return order != 0 ? order : (a > b) - (a < b);
}

static void
add_labels_of(struct bundle *b, const struct piece *p)
{
	add_labels(b, security_of(b->json, p->entry.resource));
	add_categories(b, p->category);
}

/* A Composition tells of the entries beside it, so each of their labels is one of it. */
static void
add_labels_beside(struct bundle *b, const struct piece *p)
{
	size_t before = b->labels.used;
	uint32_t *label;
	size_t count, kept = 0;

	for (size_t i = 0; i < b->records; i++)
		if (!piece_at(b, i)->deletion && piece_at(b, i)->entry.bundle == p->entry.bundle &&
		    piece_at(b, i)->entry.resource != p->entry.resource)
			add_labels_of(b, piece_at(b, i));
	label = (uint32_t *)(void *)(b->labels.at + before);
	count = (b->labels.used - before) / sizeof *label;
	if (count == 0)
		return;
	qsort_r(label, count, sizeof *label, by_text, (void *)(uintptr_t)b->json);
	for (size_t i = 1; i < count; i++)
		if (!bytes_equal(json_span(b->json, label[i]), json_span(b->json, label[kept])))
			label[++kept] = label[i];
	b->labels.used = before + (kept + 1) * sizeof *label;
}

/* A record with a confidentiality of its own takes none of the Bundle's. */
static bool
wrap_floor(struct bundle *b, const struct piece *p)
{
	uint32_t type = members_text(b->json, p->entry.resource, KEY_RESOURCE_TYPE);

	b->labels.used = 0;
	if (!has_confidentiality(b->json, security_of(b->json, p->entry.resource)))
		add_labels_around(b, p->entry.bundle);
	add_categories(b, p->category);
	if (type != 0 && json_is(b->json, type, (struct bytes)BYTES("Composition")))
		add_labels_beside(b, p);
	return b->labels.used > 0;
}

static bool
put_floor(const struct bundle *b, struct sink *out)
{
	const uint32_t *label = (const uint32_t *)(const void *)b->labels.at;

	for (size_t i = 0; i < b->labels.used / sizeof *label; i++)
		if (!sink_put(out, bytes_of(i == 0 ? "" : ",")) || !bundle_put_value(out, b->json, label[i]))
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
	if (w->has_floor)
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

	if (w->has_floor)
		whole = whole && put_floor(b, out) && sink_put(out, (struct bytes)BYTES("]}"));
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

	if (p->deletion)
		return put_deletion(b, p, out);
	if (url != 0 && json_inside(b->json, url).size > 0 && !ends_in_id(b, url, resource))
		w.url = url;
	w.subject = subjects_of(&b->subjects, &p->entry);
	w.has_floor = wrap_floor(b, p);
	if (w.url != 0 || w.subject.size > 0 || w.has_floor)
		return put_wrapped(b, p, &w, out);
	return bundle_put_value(out, b->json, resource) && sink_put(out, bytes_of("\n"));
}
