/* SPDX-License-Identifier: ISC */
#include "common/access/facts.h"

#include "common/access/roles.h"
#include "common/base/bisect.h"
#include "common/base/hash.h"
#include "common/base/memory.h"

#include <stdlib.h>

static void
add(struct moments *m, struct instant t)
{
	if (m->count == m->room) {
		m->room = m->room ? 2 * m->room : 8;
		m->at = memory_grow(m->at, m->room, sizeof *m->at);
	}
	m->at[m->count++] = t;
}

void
moments_add(struct moments *m, const struct interval *i)
{
	if (i->has_from)
		add(m, i->from);
	if (i->has_until)
		add(m, i->until);
}

static int
by_time(const void *a, const void *b)
{
	return instant_compare(*(const struct instant *)a, *(const struct instant *)b);
}

void
moments_sort(struct moments *m)
{
	if (m->count > 1)
		qsort(m->at, m->count, sizeof *m->at, by_time);
}

void
moments_next(const struct moments *m, struct instant t, struct instant *next, bool *found)
{
	struct bisect b = { .high = m->count };

	while (bisect_more(&b))
		bisect_step(&b, instant_compare(m->at[b.middle], t) <= 0);
	if (b.low == m->count || (*found && instant_compare(*next, m->at[b.low]) <= 0))
		return;
	*next = m->at[b.low];
	*found = true;
}

void
moments_release(struct moments *m)
{
	free(m->at);
	*m = (struct moments){ 0 };
}

struct fact {
	uint32_t relation;
	uint32_t subject, object; /* words of people */
	struct interval interval;
	struct bytes domain; /* the subject's; empty: any */
	uint32_t next;       /* of the same relation, subject and object: number of the fact, 0: none */
};

struct early_end {
	struct bytes fact;
	struct instant at;
	unsigned line, column;
};

enum { MOST_ASSUMED = 8 };

struct assumed {
	uint32_t relation;
	struct bytes subject, object;
};

struct facts {
	struct intern people;
	struct intern ids;
	struct fact *fact; /* by word of its id */
	uint32_t count, room;
	struct early_end *end;
	uint32_t ends, end_room;
	uint32_t *slot; /* open addressing by relation, subject, object: number of the first fact, 0: none */
	uint32_t slots;
	struct assumed assumed[MOST_ASSUMED];
	size_t assumptions;
	struct moments *moments; /* by word of the subject */
	uint32_t subjects;
};

static void *
grown(void *old, uint32_t count, uint32_t *room, size_t size)
{
	if (count < *room)
		return old;
	*room = *room ? 2 * *room : 64;
	return memory_grow(old, *room, size);
}

/* A misspelt `until` would leave a fact without an end. */
static bool
has_only(struct ndjson *n, const struct bytes *known, size_t count, const char *expected)
{
	const struct json *j = &n->json;

	for (uint32_t k = 1; k < j->nodes[0].next; k = j->nodes[k].next) {
		size_t i = 0;

		while (i < count && !json_is(j, k, known[i]))
			i++;
		if (i == count)
			return ndjson_fault(n, k, expected);
	}
	return true;
}

static bool
has_members_of_end(struct ndjson *n)
{
	static const struct bytes known[] = { BYTES("end"), BYTES("at"), BYTES("by"), BYTES("decision") };

	return has_only(
	    n, known, sizeof known / sizeof known[0], "unknown member, expected end, at, by or decision");
}

static bool
has_members_of_fact(struct ndjson *n)
{
	static const struct bytes known[] = { BYTES("fact"), BYTES("relation"), BYTES("subject"),
		BYTES("domain"), BYTES("patient"), BYTES("object"), BYTES("from"), BYTES("until"),
		BYTES("by"), BYTES("at"), BYTES("decision") };

	return has_only(n, known, sizeof known / sizeof known[0],
	    "unknown member, expected fact, relation, subject, domain, patient, object, from, until, by, at "
	    "or decision");
}

static bool
read_end(struct facts *f, struct ndjson *n, uint32_t node)
{
	struct early_end *e;
	bool has;

	f->end = grown(f->end, f->ends, &f->end_room, sizeof *f->end);
	e = &f->end[f->ends];
	if (!has_members_of_end(n) || !ndjson_string(n, "end", &e->fact) ||
	    !ndjson_instant(n, "at", &e->at, &has))
		return false;
	if (!has)
		return ndjson_fault(n, 0, "missing member 'at'");
	e->line = n->line;
	e->column = n->json.nodes[node].start + 1;
	f->ends++;
	return true;
}

static bool
read_times(struct ndjson *n, const struct relation *relation, struct interval *i)
{
	if (!ndjson_instant(n, "from", &i->from, &i->has_from) ||
	    !ndjson_instant(n, "until", &i->until, &i->has_until))
		return false;
	if (relation->until_required && !i->has_until)
		return ndjson_fault(n, 0, "missing member 'until', which this relation requires");
	return true;
}

static bool
read_fact(struct facts *f, struct ndjson *n)
{
	struct bytes id, name, subject, object;
	const struct relation *relation;
	uint32_t word;
	struct fact *fact;

	if (!has_members_of_fact(n) || !ndjson_string(n, "fact", &id) ||
	    !ndjson_string(n, "relation", &name) || !ndjson_string(n, "subject", &subject))
		return false;
	word = intern_find(n->reader->words, name);
	relation = word ? roles_relation(n->reader->roles, word) : NULL;
	if (!relation)
		return ndjson_fault(n, json_member(&n->json, 0, bytes_of("relation")), "unknown relation");
	if (!ndjson_string(n, relation->to_patient ? "patient" : "object", &object))
		return false;
	if (relation->to_patient)
		object = reader_patient(object);
	if (intern_find(&f->ids, id))
		return ndjson_fault(
		    n, json_member(&n->json, 0, bytes_of("fact")), "a fact that is there twice");
	(void)intern_add(&f->ids, id);
	f->fact = grown(f->fact, f->count, &f->room, sizeof *f->fact);
	fact = &f->fact[f->count++];
	*fact = (struct fact){ .relation = word,
		.subject = intern_add(&f->people, subject),
		.object = intern_add(&f->people, object) };
	if (json_member(&n->json, 0, bytes_of("domain")) != 0 && !ndjson_string(n, "domain", &fact->domain))
		return false;
	return read_times(n, relation, &fact->interval);
}

static bool
apply_ends(struct facts *f, struct access_reader *r)
{
	for (uint32_t i = 0; i < f->ends; i++) {
		const struct early_end *e = &f->end[i];
		uint32_t number = intern_find(&f->ids, e->fact);
		struct yaml_node place = { .line = e->line, .column = e->column };
		struct interval *interval;

		if (number == 0)
			return fault_at(r->fault, r->file, &place, "the end of a fact that is not there");
		interval = &f->fact[number - 1].interval;
		if (!interval->has_until || instant_compare(e->at, interval->until) < 0)
			interval->until = e->at;
		interval->has_until = true;
	}
	return true;
}

static uint32_t *
find_slot(const struct facts *f, uint32_t relation, uint32_t subject, uint32_t object)
{
	uint64_t hash = ((uint64_t)subject * (hash_key[0] | 1)) ^ ((uint64_t)object * (hash_key[1] | 1)) ^
			((uint64_t)relation * UINT64_C(0x165667b19e3779f9));
	uint32_t at = (uint32_t)(hash >> 32) & (f->slots - 1);

	while (f->slot[at]) {
		const struct fact *fact = &f->fact[f->slot[at] - 1];

		if (fact->relation == relation && fact->subject == subject && fact->object == object)
			break;
		at = (at + 1) & (f->slots - 1);
	}
	return &f->slot[at];
}

static void
build(struct facts *f)
{
	f->slots = 16;
	while (f->slots < 2 * f->count)
		f->slots *= 2;
	f->subjects = f->people.count + 1;
	f->slot = memory_zeros(f->slots, sizeof *f->slot);
	f->moments = memory_zeros(f->subjects, sizeof *f->moments);
	for (uint32_t i = 0; i < f->count; i++) {
		struct fact *fact = &f->fact[i];
		uint32_t *slot = find_slot(f, fact->relation, fact->subject, fact->object);

		fact->next = *slot;
		*slot = i + 1;
		moments_add(&f->moments[fact->subject], &fact->interval);
	}
	for (uint32_t i = 0; i < f->subjects; i++)
		moments_sort(&f->moments[i]);
}

struct facts *
facts_read(struct access_reader *r, struct bytes text, size_t *unfinished)
{
	struct facts *f = memory_zeros(1, sizeof *f);
	struct ndjson n;

	intern_init(&f->people, r->arena);
	intern_init(&f->ids, r->arena);
	ndjson_init(&n, r, NULL, text);
	n.is_appended = unfinished != NULL;
	while (ndjson_next(&n)) {
		uint32_t end = json_member(&n.json, 0, bytes_of("end"));

		if (end ? !read_end(f, &n, end) : !read_fact(f, &n))
			break;
	}
	if (unfinished != NULL)
		*unfinished = n.unfinished;
	ndjson_release(&n);
	if (r->fault->text[0] || !apply_ends(f, r)) {
		facts_free(f);
		return NULL;
	}
	build(f);
	return f;
}

void
facts_free(struct facts *f)
{
	if (!f)
		return;
	for (uint32_t i = 0; f->moments && i < f->subjects; i++)
		moments_release(&f->moments[i]);
	intern_release(&f->people);
	intern_release(&f->ids);
	free(f->fact);
	free(f->end);
	free(f->slot);
	free(f->moments);
	free(f);
}

static enum fact_answer
ask_one(const struct fact *fact, const struct fact_subject *subject, const struct instant *t)
{
	bool unsure = fact->domain.size > 0 ? subject->domain.size == 0 : subject->foreign;

	if (fact->domain.size > 0 && !unsure && !bytes_equal(fact->domain, subject->domain))
		return FACT_NONE;
	if (interval_dated(&fact->interval) && !t)
		return FACT_UNTIMED;
	if (interval_dated(&fact->interval) && !interval_holds(&fact->interval, *t))
		return FACT_NONE;
	return unsure ? FACT_OF_SOMEBODY : FACT_HOLDS;
}

enum fact_answer
facts_ask(const struct facts *f, uint32_t relation, const struct fact_subject *subject, struct bytes object,
    const struct instant *t)
{
	uint32_t who = intern_find(&f->people, subject->id), whom = intern_find(&f->people, object);
	enum fact_answer answer = FACT_NONE;

	for (size_t i = 0; i < f->assumptions; i++)
		if (f->assumed[i].relation == relation && bytes_equal(f->assumed[i].subject, subject->id) &&
		    bytes_equal(f->assumed[i].object, object))
			return FACT_HOLDS;
	if (who == 0 || whom == 0)
		return FACT_NONE;
	for (uint32_t i = *find_slot(f, relation, who, whom); i != 0; i = f->fact[i - 1].next) {
		enum fact_answer one = ask_one(&f->fact[i - 1], subject, t);

		answer = one > answer ? one : answer;
	}
	return answer;
}

struct facts *
facts_none(struct arena *arena)
{
	struct facts *f = memory_zeros(1, sizeof *f);

	intern_init(&f->people, arena);
	intern_init(&f->ids, arena);
	build(f);
	return f;
}

bool
facts_assume(struct facts *f, uint32_t relation, struct bytes subject, struct bytes object)
{
	if (f->assumptions == MOST_ASSUMED)
		return false;
	f->assumed[f->assumptions++] = (struct assumed){ relation, subject, object };
	return true;
}

size_t
facts_assumed(const struct facts *f)
{
	return f->assumptions;
}

void
facts_forget(struct facts *f, size_t count)
{
	f->assumptions = count;
}

const struct moments *
facts_moments(const struct facts *f, struct bytes subject)
{
	uint32_t who = intern_find(&f->people, subject);

	return who ? &f->moments[who] : NULL;
}
