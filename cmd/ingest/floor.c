/* SPDX-License-Identifier: ISC */
#include "cmd/ingest/floor.h"

#include "cmd/ingest/members.h"
#include "common/base/bisect.h"
#include "common/label/shape.h"
#include "common/policy/codes_table.h"

#include <stdlib.h>

/* Labels that were gathered once: COUNT numbers in `kept`. */
struct floor_range {
	size_t first;
	size_t count;
};

/* A Bundle, this one or one inside it. */
struct floor_bundle {
	struct floor_place at;
	uint32_t composition; /* of a document: node, 0 if it has none yet */
	bool document;
	bool tells;                 /* a Composition is among its records */
	bool confidential;          /* a label of its own has a code of Confidentiality */
	struct floor_range around;  /* what its records have of it and of the Bundles around it */
	struct floor_range without; /* the same without the labels of its Composition */
	struct floor_range beside;  /* in `held` */
};

/* A record with this id, or at this address, has these labels. */
struct floor_named {
	size_t name; /* where it begins in `names` */
	size_t size;
	struct floor_range labels;
};

/* A label of a record of a Bundle with a Composition. */
struct floor_held {
	uint32_t bundle;
	uint32_t label;  /* number */
	uint32_t holder; /* node of the record, 0 if several have it */
};

/* A label, by its number: equal texts are one label. */
struct floor_label {
	uint32_t node; /* the first of them */
	uint32_t turn; /* when it was gathered last */
};

/* A section with labels, and where it ends. */
struct floor_section {
	uint32_t end;
	struct floor_range labels;
};

enum { FLOOR_BUFFERS = 11 };

static void
find_buffers(struct floors *f, struct buffer *at[FLOOR_BUFFERS])
{
	struct buffer *all[FLOOR_BUFFERS] = { &f->bundles, &f->records, &f->named, &f->names, &f->held,
		&f->sections, &f->labels, &f->gathered, &f->kept, &f->text, &f->name };

	memcpy(at, all, sizeof all);
}

void
floors_init(struct floors *f)
{
	struct buffer *at[FLOOR_BUFFERS];

	*f = (struct floors){ 0 };
	find_buffers(f, at);
	for (size_t i = 0; i < FLOOR_BUFFERS; i++)
		buffer_init(at[i], BUFFER_UNLIMITED);
}

void
floors_release(struct floors *f)
{
	struct buffer *at[FLOOR_BUFFERS];

	find_buffers(f, at);
	for (size_t i = 0; i < FLOOR_BUFFERS; i++)
		buffer_release(at[i]);
	intern_release(&f->intern);
	arena_release(&f->texts);
}

void
floors_start(struct floors *f, const struct json *j)
{
	struct buffer *at[FLOOR_BUFFERS];

	find_buffers(f, at);
	for (size_t i = 0; i < FLOOR_BUFFERS; i++)
		at[i]->used = 0;
	f->json = j;
	f->is_over = false;
	f->turn = 0;
	intern_release(&f->intern);
	arena_reset(&f->texts);
	intern_init(&f->intern, &f->texts);
}

/* Begins to gather labels. */
static void
gather(struct floors *f)
{
	f->gathered.used = 0;
	f->turn++;
}

static void
add_number(struct floors *f, uint32_t number)
{
	struct floor_label *label = (struct floor_label *)(void *)f->labels.at + (number - 1);

	if (label->turn == f->turn)
		return;
	label->turn = f->turn;
	buffer_add(&f->gathered, &number, sizeof number);
}

static void
add_label(struct floors *f, uint32_t node)
{
	uint32_t number = intern_add(&f->intern, json_span(f->json, node));

	if (number > f->labels.used / sizeof(struct floor_label))
		buffer_add(&f->labels, &(struct floor_label){ .node = node }, sizeof(struct floor_label));
	add_number(f, number);
}

static void
add_range(struct floors *f, struct floor_range range)
{
	for (size_t i = range.first; i < range.first + range.count; i++)
		add_number(f, ((const uint32_t *)(const void *)f->kept.at)[i]);
}

static size_t
size_of(const struct floors *f, uint32_t number)
{
	return intern_text(&f->intern, number).size;
}

/* Labels on NODE pass the limit. */
static void
pass_limit(struct floors *f, uint32_t node)
{
	if (!f->is_over)
		f->over = node;
	f->is_over = true;
}

/* Keeps what was gathered on NODE for many records; nothing if that passes the limit. */
static struct floor_range
keep(struct floors *f, uint32_t node)
{
	const uint32_t *number = (const uint32_t *)(const void *)f->gathered.at;
	struct floor_range range = { f->kept.used / sizeof *number, f->gathered.used / sizeof *number };
	size_t bytes = 0;

	for (size_t i = 0; i < range.count; i++)
		bytes += size_of(f, number[i]);
	if (bytes > FLOOR_BYTES_MAX) {
		pass_limit(f, node);
		return (struct floor_range){ 0 };
	}
	buffer_add(&f->kept, number, f->gathered.used);
	return range;
}

static struct floor_bundle *
bundle_at(const struct floors *f, uint32_t i)
{
	return (struct floor_bundle *)(void *)f->bundles.at + i;
}

static bool
is_system(struct floors *f, uint32_t coding, enum ingest_key key, const char *uri)
{
	uint32_t system = members_text(f->json, coding, key);

	return system != 0 && codesystems_same(json_string(f->json, system, &f->text), bytes_of(uri));
}

static const char confidentiality[] = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
static const char act_code[] = "http://terminology.hl7.org/CodeSystem/v3-ActCode";

/* The first element of a list, or the one that stands without a list. */
static uint32_t
first_of(const struct json *j, uint32_t list)
{
	return json_kind(j, list) == JSON_ARRAY ? list + 1 : list;
}

/* Whether one of the labels in LIST, a list or one, has a code of Confidentiality. */
static bool
has_confidentiality(struct floors *f, uint32_t list)
{
	const struct json *j = f->json;

	for (uint32_t i = first_of(j, list); list != 0 && i < j->nodes[list].next; i = j->nodes[i].next)
		if (members_text(j, i, KEY_CODE) != 0 && is_system(f, i, KEY_SYSTEM, confidentiality))
			return true;
	return false;
}

/* The member KEY of the meta of RESOURCE.  What is malformed stays in the record; ehr-classify refuses it. */
static uint32_t
of_meta(const struct json *j, uint32_t resource, enum ingest_key key)
{
	uint32_t meta = json_member_key(j, resource, KEY_META);

	return meta == 0 ? 0 : json_member_key(j, meta, (uint16_t)key);
}

/* What DSTU1 calls labels, beside those with a code of Confidentiality or ActCode. */
static bool
is_label_scheme(struct floors *f, uint32_t category)
{
	uint32_t scheme = members_text(f->json, category, KEY_SCHEME);

	return scheme != 0 && (bytes_end(json_string(f->json, scheme, &f->text), "security") ||
				  is_system(f, category, KEY_SCHEME, confidentiality) ||
				  is_system(f, category, KEY_SCHEME, act_code));
}

/* Tags and categories say many things. */
static bool
is_label(struct floors *f, uint32_t node)
{
	if (members_text(f->json, node, KEY_TERM) != 0)
		return is_label_scheme(f, node);
	return members_text(f->json, node, KEY_CODE) != 0 &&
	       (is_system(f, node, KEY_SYSTEM, confidentiality) || is_system(f, node, KEY_SYSTEM, act_code));
}

/* Adds the objects and texts of LIST, which may be one without a list; IS_MIXED: those that are labels. */
static void
add_list(struct floors *f, uint32_t list, bool is_mixed)
{
	const struct json *j = f->json;

	for (uint32_t i = first_of(j, list); list != 0 && i < j->nodes[list].next; i = j->nodes[i].next)
		if (is_mixed ? json_kind(j, i) == JSON_OBJECT && is_label(f, i)
			     : json_kind(j, i) == JSON_OBJECT || json_kind(j, i) == JSON_STRING)
			add_label(f, i);
}

/* Adds the inline label that the object NODE is, if it is one. */
static void
add_inline(struct floors *f, uint32_t node)
{
	const struct json *j = f->json;
	uint32_t url = json_kind(j, node) == JSON_OBJECT ? members_text(j, node, KEY_URL) : 0;
	uint32_t value;

	if (url == 0 || !shape_may_be_label(json_inside(j, url)) ||
	    !shape_is_inline_label(json_string(j, url, &f->text)))
		return;
	value = json_member_key(j, node, KEY_VALUE_CODING);
	if (value == 0)
		value = json_member_key(j, node, KEY_VALUE_CONCEPT);
	if (value == 0 || json_kind(j, value) != JSON_OBJECT)
		value = node;
	add_label(f, value);
}

/* The members of a Bundle and of an entry that hold records, which have their labels themselves. */
static bool
holds_records(uint16_t key)
{
	return key == KEY_ENTRY || key == KEY_RESOURCE || key == KEY_CONTENT || key == KEY_OUTCOME;
}

/* Adds the inline labels in NODE, a Bundle or an entry, but for those of its records. */
static void
add_inline_around(struct floors *f, uint32_t node)
{
	const struct json *j = f->json;
	uint32_t end = j->nodes[node].next;

	for (uint32_t i = node + 1; i < end;) {
		if (json_kind(j, i) == JSON_KEY && holds_records(j->nodes[i].key)) {
			i = j->nodes[i].next;
			continue;
		}
		add_inline(f, i++);
	}
}

/* Adds the inline labels on RESOURCE as a whole. */
static void
add_inline_of(struct floors *f, uint32_t resource)
{
	static const enum ingest_key keys[] = { KEY_EXTENSION, KEY_META, KEY_ON_CONFIDENTIALITY };
	const struct json *j = f->json;

	for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
		uint32_t node = json_member_key(j, resource, (uint16_t)keys[k]);

		for (uint32_t i = node; node != 0 && i < j->nodes[node].next; i++)
			add_inline(f, i);
	}
}

/* Adds the labels that the resource says of itself. */
static void
add_own(struct floors *f, uint32_t resource)
{
	const struct json *j = f->json;

	add_list(f, of_meta(j, resource, KEY_SECURITY), false);
	add_list(f, of_meta(j, resource, KEY_TAG), true);
}

/* Adds the labels of the document that RESOURCE stands for. */
static void
add_of_document(struct floors *f, uint32_t resource)
{
	add_own(f, resource);
	add_list(f, json_member_key(f->json, resource, KEY_CONFIDENTIALITY), false);
	add_list(f, json_member_key(f->json, resource, KEY_SECURITY_LABEL), false);
	add_inline_of(f, resource);
}

static void
add_on_entry(struct floors *f, uint32_t entry)
{
	if (entry == 0)
		return;
	add_inline_around(f, entry);
	add_list(f, json_member_key(f->json, entry, KEY_CATEGORY), true);
}

/* What stands behind the last slash or colon of a reference or address, without version or query. */
static struct bytes
last_part(struct bytes url)
{
	const char *history = memmem(url.at, url.size, "/_history", 9);
	size_t at = history == NULL ? url.size : (size_t)(history - url.at);

	url.size = at;
	for (size_t i = 0; i < at; i++)
		if (url.at[i] == '?' || url.at[i] == '|')
			url.size = at = i;
	while (at > 0 && strchr("/:#", url.at[at - 1]) == NULL)
		at--;
	return (struct bytes){ url.at + at, url.size - at };
}

/* If the string at NODE names a record, that record has LABELS. */
static void
note_name(struct floors *f, uint32_t node, struct floor_range labels)
{
	struct bytes name = last_part(json_string(f->json, node, &f->text));
	struct floor_named named = { .name = f->names.used, .size = name.size, .labels = labels };

	if (name.size == 0)
		return;
	buffer_add(&f->names, name.at, name.size);
	buffer_add(&f->named, &named, sizeof named);
}

/* Whether NODE is the key of a string that may name a record. */
static bool
may_name(const struct json *j, uint32_t node)
{
	uint16_t key = j->nodes[node].kind == JSON_KEY ? j->nodes[node].key : 0;

	return (key == KEY_REFERENCE || key == KEY_URL || key == KEY_VALUE) &&
	       json_kind(j, node + 1) == JSON_STRING;
}

/* What the texts in NODE name has LABELS. */
static void
note_named(struct floors *f, uint32_t node, struct floor_range labels)
{
	uint32_t end = node == 0 ? 0 : f->json->nodes[node].next;

	for (uint32_t i = node + 1; i < end; i++)
		if (may_name(f->json, i))
			note_name(f, i + 1, labels);
}

/* The innermost section with labels around node I; NULL if there is none. */
static const struct floor_section *
section_around(struct floors *f, uint32_t i)
{
	struct floor_section *s;

	for (; f->sections.used > 0; f->sections.used -= sizeof *s) {
		s = (struct floor_section *)(void *)(f->sections.at + f->sections.used) - 1;
		if (i < s->end)
			return s;
	}
	return NULL;
}

/* If the object NODE has labels, they and those of AROUND hold of all that stands in it. */
static void
enter_section(struct floors *f, uint32_t node, const struct floor_section *around)
{
	const struct json *j = f->json;
	uint32_t extension = json_member_key(j, node, KEY_EXTENSION);
	struct floor_section s = { .end = j->nodes[node].next };

	gather(f);
	for (uint32_t k = extension; extension != 0 && k < j->nodes[extension].next; k++)
		add_inline(f, k);
	if (f->gathered.used == 0)
		return;
	if (around != NULL)
		add_range(f, around->labels);
	s.labels = keep(f, node);
	buffer_add(&f->sections, &s, sizeof s);
}

/* The sections of a Composition with a label: what their entries name has it, too. */
static void
note_sections(struct floors *f, uint32_t composition)
{
	const struct json *j = f->json;
	uint32_t sections = json_member_key(j, composition, KEY_SECTION);
	uint32_t end = sections == 0 ? 0 : j->nodes[sections].next;

	f->sections.used = 0;
	for (uint32_t i = sections; i < end; i++) {
		const struct floor_section *around = section_around(f, i);

		if (json_kind(j, i) == JSON_OBJECT)
			enter_section(f, i, around);
		else if (around != NULL && may_name(j, i))
			note_name(f, i + 1, around->labels);
	}
}

static void
note_document(struct floors *f, uint32_t resource)
{
	struct floor_range labels;

	gather(f);
	add_of_document(f, resource);
	if (f->gathered.used == 0)
		return;
	labels = keep(f, resource);
	note_named(f, json_member_key(f->json, resource, KEY_CONTENT), labels);
	note_named(f, json_member_key(f->json, resource, KEY_MASTER_IDENTIFIER), labels);
}

uint32_t
floors_bundle(struct floors *f, const struct floor_place *at, uint32_t *bad)
{
	const struct json *j = f->json;
	struct floor_bundle b = { .at = *at };
	uint32_t meta = json_member_key(j, at->resource, KEY_META);
	uint32_t security = of_meta(j, at->resource, KEY_SECURITY);
	uint32_t type = members_text(j, at->resource, KEY_TYPE);

	*bad = meta != 0 && json_kind(j, meta) != JSON_OBJECT ? meta : 0;
	for (uint32_t i = first_of(j, security); security != 0 && i < j->nodes[security].next;
	     i = j->nodes[i].next)
		if (*bad == 0 && json_kind(j, i) != JSON_OBJECT)
			*bad = i;
	b.confidential = has_confidentiality(f, security);
	b.document = type != 0 && json_is(j, type, (struct bytes)BYTES("document"));
	buffer_add(&f->bundles, &b, sizeof b);
	return (uint32_t)(f->bundles.used / sizeof b) - 1;
}

static bool
has_type(const struct json *j, uint32_t resource, const char *name)
{
	uint32_t type = members_text(j, resource, KEY_RESOURCE_TYPE);

	return type != 0 && json_is(j, type, bytes_of(name));
}

void
floors_record(struct floors *f, const struct floor_place *at)
{
	struct floor_bundle *b = bundle_at(f, at->bundle);

	buffer_add(&f->records, at, sizeof *at);
	if (has_type(f->json, at->resource, "Composition")) {
		note_sections(f, at->resource);
		b->tells = true;
		if (b->document && b->composition == 0)
			b->composition = at->resource;
	} else if (has_type(f->json, at->resource, "DocumentReference") ||
		   has_type(f->json, at->resource, "DocumentManifest")) {
		note_document(f, at->resource);
	}
}

static struct bytes
name_of(const struct floors *f, const struct floor_named *n)
{
	return (struct bytes){ f->names.at + n->name, n->size };
}

static int
by_name(const void *x, const void *y, void *context)
{
	return bytes_compare(name_of(context, x), name_of(context, y));
}

/* Sorts what was named.  Each name once, with all its labels. */
static void
join_names(struct floors *f)
{
	struct floor_named *named = (struct floor_named *)(void *)f->named.at;
	size_t count = f->named.used / sizeof *named;
	size_t kept = 0;

	if (count > 1)
		qsort_r(named, count, sizeof *named, by_name, f);
	for (size_t i = 0, next; i < count; i = next) {
		named[kept] = named[i];
		gather(f);
		for (next = i; next < count && by_name(&named[i], &named[next], f) == 0; next++)
			add_range(f, named[next].labels);
		if (next > i + 1)
			named[kept].labels = keep(f, bundle_at(f, 0)->at.resource);
		kept++;
	}
	f->named.used = kept * sizeof *named;
}

/* Adds the labels with which NAME was named. */
static void
add_named(struct floors *f, struct bytes name)
{
	const struct floor_named *named = (const struct floor_named *)(const void *)f->named.at;
	size_t count = f->named.used / sizeof *named;
	struct bisect b = { .high = count };

	while (bisect_more(&b))
		bisect_step(&b, bytes_compare(name_of(f, &named[b.middle]), name) < 0);
	if (b.low < count && bytes_equal(name_of(f, &named[b.low]), name))
		add_range(f, named[b.low].labels);
}

/* Adds the labels with which the record or Bundle at AT was named, by its id, address or identifier. */
static void
add_by_name(struct floors *f, const struct floor_place *at)
{
	const struct json *j = f->json;
	uint32_t identifier = f->named.used == 0 ? 0 : json_member_key(j, at->resource, KEY_IDENTIFIER);
	uint32_t names[] = { members_text(j, at->resource, KEY_ID), at->url,
		identifier == 0 ? 0 : members_text(j, identifier, KEY_VALUE) };

	for (size_t i = 0; f->named.used > 0 && i < sizeof names / sizeof names[0]; i++)
		if (names[i] != 0)
			add_named(f, last_part(json_string(j, names[i], &f->name)));
}

/* What the records of B have of it and of those around it, up to the first that has a confidentiality. */
static struct floor_range
around(struct floors *f, const struct floor_bundle *b, uint32_t composition)
{
	gather(f);
	add_own(f, b->at.resource);
	add_inline_around(f, b->at.resource);
	add_list(f, json_member_key(f->json, b->at.resource, KEY_CATEGORY), true);
	add_on_entry(f, b->at.entry);
	add_by_name(f, &b->at);
	if (composition != 0)
		add_of_document(f, composition);
	if (!b->confidential && b->at.bundle != FLOOR_NO_BUNDLE)
		add_range(f, bundle_at(f, b->at.bundle)->around);
	return keep(f, b->at.resource);
}

static int
by_bundle(const void *x, const void *y)
{
	const struct floor_held *a = x;
	const struct floor_held *b = y;

	if (a->bundle != b->bundle)
		return a->bundle < b->bundle ? -1 : 1;
	return (a->label > b->label) - (a->label < b->label);
}

/* The labels of the records of Bundles with a Composition. */
static void
hold_labels(struct floors *f)
{
	const struct floor_place *record = (const struct floor_place *)(const void *)f->records.at;
	const uint32_t *number;

	for (size_t i = 0; i < f->records.used / sizeof *record; i++) {
		if (!bundle_at(f, record[i].bundle)->tells)
			continue;
		gather(f);
		add_own(f, record[i].resource);
		add_on_entry(f, record[i].entry);
		number = (const uint32_t *)(const void *)f->gathered.at;
		for (size_t k = 0; k < f->gathered.used / sizeof *number; k++)
			buffer_add(&f->held,
			    &(struct floor_held){ record[i].bundle, number[k], record[i].resource },
			    sizeof(struct floor_held));
	}
}

/* Each label of a Bundle once. */
static void
join_held(struct floors *f)
{
	struct floor_held *held = (struct floor_held *)(void *)f->held.at;
	size_t count = f->held.used / sizeof *held;
	size_t kept = 0;
	size_t bytes = 0;

	if (count > 1)
		qsort(held, count, sizeof *held, by_bundle);
	for (size_t i = 0, next; i < count; i = next) {
		struct floor_bundle *b = bundle_at(f, held[i].bundle);

		held[kept] = held[i];
		for (next = i + 1; next < count && by_bundle(&held[i], &held[next]) == 0; next++)
			held[kept].holder = 0;
		if (b->beside.count++ == 0) {
			b->beside.first = kept;
			bytes = 0;
		}
		bytes += size_of(f, held[kept++].label);
		if (bytes > FLOOR_BYTES_MAX)
			pass_limit(f, b->at.resource);
	}
}

bool
floors_end(struct floors *f, uint32_t *over)
{
	join_names(f);
	for (uint32_t i = 0; i < f->bundles.used / sizeof(struct floor_bundle); i++) {
		struct floor_bundle *b = bundle_at(f, i);

		b->around = b->without = around(f, b, 0);
		if (b->composition != 0)
			b->around = around(f, b, b->composition);
	}
	hold_labels(f);
	join_held(f);
	*over = f->over;
	return !f->is_over;
}

/* Adds the labels of the other records of a Composition's Bundle. */
static void
add_beside(struct floors *f, const struct floor_place *at)
{
	struct floor_range beside = bundle_at(f, at->bundle)->beside;
	const struct floor_held *held = (const struct floor_held *)(const void *)f->held.at;

	for (size_t i = beside.first; i < beside.first + beside.count; i++)
		if (held[i].holder != at->resource)
			add_number(f, held[i].label);
}

const uint32_t *
floors_of(struct floors *f, const struct floor_place *at, size_t *count)
{
	const struct floor_bundle *b = bundle_at(f, at->bundle);
	uint32_t *label;

	gather(f);
	if (!has_confidentiality(f, of_meta(f->json, at->resource, KEY_SECURITY)))
		add_range(f, at->resource == b->composition ? b->without : b->around);
	add_on_entry(f, at->entry);
	add_by_name(f, at);
	if (has_type(f->json, at->resource, "Composition"))
		add_beside(f, at);
	label = (uint32_t *)(void *)f->gathered.at;
	*count = f->gathered.used / sizeof *label;
	for (size_t i = 0; i < *count; i++)
		label[i] = ((const struct floor_label *)(const void *)f->labels.at)[label[i] - 1].node;
	return label;
}
