/* SPDX-License-Identifier: ISC */
#include "cmd/ingest/subject.h"

#include "cmd/ingest/members.h"
#include "common/base/bisect.h"

#include <stdlib.h>

void
subjects_init(struct subjects *s)
{
	struct buffer *all[] = { &s->names, &s->one, &s->two, &s->text };

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		buffer_init(all[i], BUFFER_UNLIMITED);
}

void
subjects_release(struct subjects *s)
{
	struct buffer *all[] = { &s->names, &s->one, &s->two, &s->text };

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		buffer_release(all[i]);
}

void
subjects_start(struct subjects *s, const struct json *j)
{
	s->json = j;
	s->names.used = 0;
	s->sorted = false;
}

void
subjects_add(struct subjects *s, const struct subject_entry *e)
{
	if (e->url != 0)
		buffer_add(&s->names, e, sizeof *e);
}

static int
compare_name(struct subjects *s, const struct subject_entry *n, uint32_t bundle, struct bytes url)
{
	if (n->bundle != bundle)
		return n->bundle < bundle ? -1 : 1;
	return bytes_compare(json_string(s->json, n->url, &s->two), url);
}

/* By Bundle, then by url.  Of equal names the first in the Bundle comes first. */
static int
order(const void *x, const void *y, void *context)
{
	struct subjects *s = context;
	const struct subject_entry *n = x;
	const struct subject_entry *m = y;
	int by_name = compare_name(s, n, m->bundle, json_string(s->json, m->url, &s->one));

	return by_name != 0 ? by_name : (n->url > m->url) - (n->url < m->url);
}

/* The entry that URL, not in s->two, names in BUNDLE; NULL if none. */
static const struct subject_entry *
resolve(struct subjects *s, uint32_t bundle, struct bytes url)
{
	const struct subject_entry *names = (const struct subject_entry *)(void *)s->names.at;
	size_t count = s->names.used / sizeof *names;
	struct bisect b = { .high = count };

	while (bisect_more(&b))
		bisect_step(&b, compare_name(s, &names[b.middle], bundle, url) < 0);
	return b.low < count && compare_name(s, &names[b.low], bundle, url) == 0 ? &names[b.low] : NULL;
}

/* What stands behind the last slash or colon. */
static struct bytes
last_part(struct bytes url)
{
	size_t at = url.size;

	while (at > 0 && url.at[at - 1] != '/' && url.at[at - 1] != ':')
		at--;
	return (struct bytes){ url.at + at, url.size - at };
}

/*
 * The id of a resource: its own, else that of the url it is put at, else that of its fullUrl.  In s->one.
 */
static struct bytes
id_of(struct subjects *s, const struct subject_entry *e)
{
	uint32_t id = members_text(s->json, e->resource, KEY_ID);
	struct bytes url;

	if (id != 0)
		return json_string(s->json, id, &s->one);
	if (e->request != 0) {
		url = json_string(s->json, e->request, &s->one);
		if (memchr(url.at, '?', url.size) == NULL && memchr(url.at, '/', url.size) != NULL)
			return last_part(url);
	}
	if (e->url != 0)
		return last_part(json_string(s->json, e->url, &s->one));
	return (struct bytes){ 0 };
}

static struct bytes
typed(struct subjects *s, const struct subject_entry *e)
{
	uint32_t type = members_text(s->json, e->resource, KEY_RESOURCE_TYPE);
	struct bytes id = id_of(s, e);
	struct bytes name;

	if (type == 0 || id.size == 0)
		return (struct bytes){ 0 };
	name = json_string(s->json, type, &s->two);
	s->text.used = 0;
	buffer_add(&s->text, name.at, name.size);
	buffer_add(&s->text, "/", 1);
	buffer_add(&s->text, id.at, id.size);
	return buffer_bytes(&s->text);
}

static bool
is_patient(const struct json *j, uint32_t resource)
{
	uint32_t type = members_text(j, resource, KEY_RESOURCE_TYPE);

	return type != 0 && json_is(j, type, (struct bytes)BYTES("Patient"));
}

/* The entry that the Reference at NODE names; NULL if it is none of this Bundle. */
static const struct subject_entry *
refers_to(struct subjects *s, uint32_t bundle, uint32_t node)
{
	uint32_t reference = members_text(s->json, node, KEY_REFERENCE);

	return reference == 0 ? NULL : resolve(s, bundle, json_string(s->json, reference, &s->one));
}

/*
 * Of NODE, a Reference or a list, or of the member INNER of each: the first Reference to a patient of
 * BUNDLE.
 */
static const struct subject_entry *
patient_at(struct subjects *s, uint32_t bundle, uint32_t node, enum ingest_key inner)
{
	const struct json *j = s->json;
	bool is_list = json_kind(j, node) == JSON_ARRAY;
	uint32_t end = j->nodes[node].next;

	for (uint32_t i = is_list ? node + 1 : node; i < end; i = j->nodes[i].next) {
		uint32_t reference = inner == 0 ? i : json_member_key(j, i, (uint16_t)inner);
		const struct subject_entry *e = reference == 0 ? NULL : refers_to(s, bundle, reference);

		if (e != NULL && is_patient(j, e->resource))
			return e;
	}
	return NULL;
}

/* Where a record names its patient beside subject, patient, beneficiary, individual and for. */
static const struct {
	enum ingest_key outer, inner;
} places[] = {
	{ KEY_PARTICIPANT, KEY_ACTOR },
	{ KEY_ACTOR, 0 },
	{ KEY_CANDIDATE, 0 },
	{ KEY_SUBSCRIBER, 0 },
	{ KEY_POLICY_HOLDER, 0 },
	{ KEY_ENTITY, KEY_WHAT },
	{ KEY_ENTITY, KEY_REFERENCE },
	{ KEY_AGENT, KEY_WHO },
	{ KEY_TARGET, 0 },
	{ KEY_RECIPIENT, 0 },
};

static const struct subject_entry *
find(struct subjects *s, const struct subject_entry *e)
{
	const struct json *j = s->json;
	uint32_t subject = 0;

	for (uint16_t key = KEY_SUBJECT; key <= KEY_FOR && subject == 0; key++)
		subject = json_member_key(j, e->resource, key);
	if (subject != 0)
		return json_kind(j, subject) == JSON_ARRAY ? patient_at(s, e->bundle, subject, 0)
							   : refers_to(s, e->bundle, subject);
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		uint32_t node = json_member_key(j, e->resource, (uint16_t)places[i].outer);
		const struct subject_entry *found =
		    node == 0 ? NULL : patient_at(s, e->bundle, node, places[i].inner);

		if (found != NULL)
			return found;
	}
	return NULL;
}

/* Whether the reference by which SUBJECT is named ends in its id: then every later program finds it. */
static bool
says_itself(struct subjects *s, const struct subject_entry *subject)
{
	struct bytes id = id_of(s, subject);

	return bytes_equal(last_part(json_string(s->json, subject->url, &s->two)), id);
}

struct bytes
subjects_of(struct subjects *s, const struct subject_entry *e)
{
	const struct subject_entry *subject;

	if (is_patient(s->json, e->resource))
		return members_text(s->json, e->resource, KEY_ID) == 0 ? typed(s, e) : (struct bytes){ 0 };
	if (s->names.used == 0)
		return (struct bytes){ 0 };
	if (!s->sorted)
		qsort_r(s->names.at, s->names.used / sizeof *e, sizeof *e, order, s);
	s->sorted = true;
	subject = find(s, e);
	return subject != NULL && !says_itself(s, subject) ? typed(s, subject) : (struct bytes){ 0 };
}
