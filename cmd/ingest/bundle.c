/* SPDX-License-Identifier: ISC */
#include "cmd/ingest/bundle.h"

#include "common/base/diag.h"
#include "common/base/memory.h"
#include "common/line/tags.h"

#include <stdlib.h>

#define NONE UINT32_MAX
#define URN "urn:uuid:"

/* A Bundle, this one or one inside it. */
struct nested_bundle {
	uint32_t outer;    /* the Bundle around it, NONE for the outermost */
	uint32_t security; /* node of the array, 0 if absent */
	bool confidential; /* SECURITY has a code of Confidentiality */
};

/* A record, or the deletion of one. */
struct piece {
	uint32_t node; /* the record; of a deletion its url */
	uint32_t url;  /* node of fullUrl, 0 if absent */
	uint32_t bundle;
	bool deletion;
};

/* A resource by its urn:uuid:, which is known within its Bundle. */
struct name {
	uint32_t bundle;
	uint32_t url;
	uint32_t resource;
};

static const char *const key_names[KEY_END] = {
	[KEY_EHR] = "ehr",
	[KEY_RESOURCE_TYPE] = "resourceType",
	[KEY_ENTRY] = "entry",
	[KEY_RESOURCE] = "resource",
	[KEY_FULL_URL] = "fullUrl",
	[KEY_REQUEST] = "request",
	[KEY_RESPONSE] = "response",
	[KEY_OUTCOME] = "outcome",
	[KEY_METHOD] = "method",
	[KEY_URL] = "url",
	[KEY_META] = "meta",
	[KEY_SECURITY] = "security",
	[KEY_SYSTEM] = "system",
	[KEY_CODE] = "code",
	[KEY_ID] = "id",
	[KEY_REFERENCE] = "reference",
	[KEY_SUBJECT] = "subject",
	[KEY_PATIENT] = "patient",
	[KEY_BENEFICIARY] = "beneficiary",
	[KEY_INDIVIDUAL] = "individual",
	[KEY_FOR] = "for",
};

struct json_keys *
bundle_keys(void)
{
	struct json_keys *keys = json_keys_new();

	for (unsigned i = 1; i < KEY_END; i++)
		if (json_keys_add(keys, bytes_of(key_names[i])) != i)
			diag_bug("a key with another number");
	return keys;
}

void
bundle_init(struct bundle *b)
{
	*b = (struct bundle){ 0 };
	buffer_init(&b->bundles, BUFFER_UNLIMITED);
	buffer_init(&b->pieces, BUFFER_UNLIMITED);
	buffer_init(&b->names, BUFFER_UNLIMITED);
	buffer_init(&b->one, BUFFER_UNLIMITED);
	buffer_init(&b->two, BUFFER_UNLIMITED);
}

void
bundle_release(struct bundle *b)
{
	buffer_release(&b->bundles);
	buffer_release(&b->pieces);
	buffer_release(&b->names);
	buffer_release(&b->one);
	buffer_release(&b->two);
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

static bool
read_deletion(struct bundle *b, uint32_t request, uint32_t bundle)
{
	struct piece p = { .bundle = bundle, .deletion = true };
	struct bytes id;

	if (!member(b, request, KEY_URL, JSON_STRING, &p.node))
		return false;
	if (p.node == 0)
		return fail(b, REASON_BAD_BUNDLE, request);
	if (!deleted_id(json_string(b->json, p.node, &b->one), &id))
		return fail(b, REASON_BAD_BUNDLE, p.node);
	buffer_add(&b->pieces, &p, sizeof p);
	return true;
}

static bool read_bundle(struct bundle *b, uint32_t node, uint32_t outer, unsigned depth);

/* A resource or outcome at NODE: a record, or a Bundle of records. */
static bool
read_resource(struct bundle *b, uint32_t node, uint32_t url, uint32_t bundle, unsigned depth)
{
	struct piece p = { .node = node, .url = url, .bundle = bundle };
	struct name n = { .bundle = bundle, .url = url, .resource = node };
	uint32_t reserved = json_member_key(b->json, node, KEY_EHR);

	if (reserved != 0)
		return fail(b, REASON_RESERVED_MEMBER, reserved - 1);
	if (bundle_is(b->json, node))
		return read_bundle(b, node, bundle, depth + 1);
	buffer_add(&b->pieces, &p, sizeof p);
	if (url != 0 && bytes_begin(json_string(b->json, url, &b->one), URN))
		buffer_add(&b->names, &n, sizeof n);
	return true;
}

/* True if all that KEY, a member of an entry, holds is in the output. */
static bool
travels(const struct json *j, uint32_t key, bool deletion)
{
	uint32_t value = key + 1;

	switch (j->nodes[key].key) {
	case KEY_FULL_URL:
		return true;
	case KEY_RESOURCE:
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

static bool
read_entry(struct bundle *b, uint32_t entry, uint32_t bundle, unsigned depth)
{
	uint32_t resource, url, request, response;
	uint32_t method = 0;
	uint32_t outcome = 0;

	if (json_kind(b->json, entry) != JSON_OBJECT)
		return fail(b, REASON_BAD_BUNDLE, entry);
	if (!member(b, entry, KEY_RESOURCE, JSON_OBJECT, &resource) ||
	    !member(b, entry, KEY_FULL_URL, JSON_STRING, &url) ||
	    !member(b, entry, KEY_REQUEST, JSON_OBJECT, &request) ||
	    !member(b, entry, KEY_RESPONSE, JSON_OBJECT, &response))
		return false;
	if (request != 0 && !member(b, request, KEY_METHOD, JSON_STRING, &method))
		return false;
	if (response != 0 && !member(b, response, KEY_OUTCOME, JSON_OBJECT, &outcome))
		return false;
	bool deletion = method != 0 && json_is(b->json, method, (struct bytes)BYTES("DELETE"));

	count_dropped(b, entry, deletion);
	b->empty += !deletion && resource == 0 && outcome == 0;
	if (deletion && !read_deletion(b, request, bundle))
		return false;
	if (!deletion && resource != 0 && !read_resource(b, resource, url, bundle, depth))
		return false;
	return outcome == 0 || read_resource(b, outcome, 0, bundle, depth);
}

static bool
read_bundle(struct bundle *b, uint32_t node, uint32_t outer, unsigned depth)
{
	const struct json *j = b->json;
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
	return true;
}

bool
bundle_read(struct bundle *b, const struct json *j, uint32_t node)
{
	uint64_t dropped = b->dropped;
	uint64_t empty = b->empty;

	b->json = j;
	b->bundles.used = b->pieces.used = b->names.used = 0;
	b->sorted = false;
	bool good = read_bundle(b, node, NONE, 1);

	b->records = good ? b->pieces.used / sizeof(struct piece) : 0;
	/* the counts are of Bundles that are written */
	if (!good) {
		b->dropped = dropped;
		b->empty = empty;
	}
	return good;
}

static int
compare_name(struct bundle *b, const struct name *n, uint32_t bundle, struct bytes url)
{
	if (n->bundle != bundle)
		return n->bundle < bundle ? -1 : 1;
	return bytes_compare(json_string(b->json, n->url, &b->two), url);
}

/* By Bundle, then by url.  Of equal names the first in the Bundle comes first. */
static int
order(const void *x, const void *y, void *context)
{
	struct bundle *b = context;
	const struct name *n = x;
	const struct name *m = y;
	int by_name = compare_name(b, n, m->bundle, json_string(b->json, m->url, &b->one));

	return by_name != 0 ? by_name : (n->url > m->url) - (n->url < m->url);
}

static void
sort_names(struct bundle *b)
{
	if (!b->sorted && b->names.used > 0)
		qsort_r(b->names.at, b->names.used / sizeof(struct name), sizeof(struct name), order, b);
	b->sorted = true;
}

/* The resource that URL, not in b->two, names in BUNDLE; 0 if none.  Names must be sorted. */
static uint32_t
resolve(struct bundle *b, uint32_t bundle, struct bytes url)
{
	const struct name *names = (const struct name *)(void *)b->names.at;
	size_t low = 0;
	size_t high = b->names.used / sizeof *names;
	size_t count = high;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_name(b, &names[middle], bundle, url) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && compare_name(b, &names[low], bundle, url) == 0 ? names[low].resource : 0;
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
	uint32_t url;  /* node, 0 if not needed */
	uint32_t type; /* nodes of the subject's resourceType and id, 0 if not needed */
	uint32_t id;
	uint32_t floor; /* the Bundle whose labels it takes, NONE if not needed */
};

static uint32_t
text_member(const struct json *j, uint32_t node, enum ingest_key key)
{
	uint32_t value = json_member_key(j, node, (uint16_t)key);

	return value != 0 && json_kind(j, value) == JSON_STRING ? value : 0;
}

static bool
ends_in_id(struct bundle *b, uint32_t url, uint32_t resource)
{
	uint32_t id = text_member(b->json, resource, KEY_ID);

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

/* The subject, if the record names it by a urn:uuid: and the resource of that name has another id. */
static void
wrap_subject(struct bundle *b, const struct piece *p, struct wrap *w)
{
	const struct json *j = b->json;
	uint32_t subject = 0;

	for (uint16_t key = KEY_SUBJECT; key < KEY_END && subject == 0; key++)
		subject = json_member_key(j, p->node, key);
	uint32_t reference = subject == 0 ? 0 : text_member(j, subject, KEY_REFERENCE);

	if (reference == 0 || b->names.used == 0)
		return;
	sort_names(b);
	struct bytes url = json_string(j, reference, &b->one);

	if (!bytes_begin(url, URN))
		return;
	uint32_t resource = resolve(b, p->bundle, url);
	uint32_t id = resource == 0 ? 0 : text_member(j, resource, KEY_ID);

	if (id == 0)
		return;
	w->type = text_member(j, resource, KEY_RESOURCE_TYPE);
	url.at += sizeof URN - 1;
	url.size -= sizeof URN - 1;
	w->id = w->type == 0 || bytes_equal(url, json_string(j, id, &b->two)) ? 0 : id;
}

/*
 * The innermost Bundle around the record that has labels, unless the record has a confidentiality of its own.
 */
static uint32_t
wrap_floor(const struct bundle *b, const struct piece *p)
{
	uint32_t bundle = p->bundle;

	if (has_confidentiality(b->json, security_of(b->json, p->node)))
		return NONE;
	for (; bundle != NONE; bundle = nested_at(b, bundle)->outer) {
		uint32_t security = nested_at(b, bundle)->security;

		if (security != 0 && b->json->nodes[security].next > security + 1)
			return bundle;
	}
	return NONE;
}

/* The labels of BUNDLE and of those around it, up to the first that has a confidentiality. */
static bool
put_floor(const struct bundle *b, uint32_t bundle, struct sink *out)
{
	const struct json *j = b->json;
	const char *before = "";

	for (; bundle != NONE; bundle = nested_at(b, bundle)->outer) {
		uint32_t security = nested_at(b, bundle)->security;

		for (uint32_t i = security + 1; security != 0 && i < j->nodes[security].next;
		     i = j->nodes[i].next) {
			if (!sink_put(out, bytes_of(before)) || !bundle_put_value(out, j, i))
				return false;
			before = ",";
		}
		if (nested_at(b, bundle)->confidential)
			break;
	}
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
	if (w->id != 0) {
		struct json_write *subject = tags_member(&tags, TAG_SUBJECT);

		json_write_raw(subject, (struct bytes)BYTES("\""));
		json_write_raw(subject, json_inside(j, w->type));
		json_write_raw(subject, (struct bytes)BYTES("/"));
		json_write_raw(subject, json_inside(j, w->id));
		json_write_raw(subject, (struct bytes)BYTES("\""));
	}
	if (w->floor != NONE)
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

	if (w->floor != NONE)
		whole = whole && put_floor(b, w->floor, out) && sink_put(out, (struct bytes)BYTES("]}"));
	return whole && sink_put(out, (struct bytes)BYTES(TAGS_LINE_RECORD)) &&
	       bundle_put_value(out, b->json, p->node) && sink_put(out, (struct bytes)BYTES(TAGS_LINE_END));
}

static bool
put_deletion(struct bundle *b, const struct piece *p, struct sink *out)
{
	struct tags tags = { .stage = STAGE_DELETED };

	if (!deleted_id(json_string(b->json, p->node, &b->one), &tags.id))
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
	const struct piece *p = (const struct piece *)(void *)b->pieces.at + i;
	struct wrap w = { 0 };

	if (p->deletion)
		return put_deletion(b, p, out);
	if (p->url != 0 && json_inside(b->json, p->url).size > 0 && !ends_in_id(b, p->url, p->node))
		w.url = p->url;
	wrap_subject(b, p, &w);
	w.floor = wrap_floor(b, p);
	if (w.url != 0 || w.id != 0 || w.floor != NONE)
		return put_wrapped(b, p, &w, out);
	return bundle_put_value(out, b->json, p->node) && sink_put(out, bytes_of("\n"));
}
