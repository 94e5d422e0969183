/* SPDX-License-Identifier: ISC */
#include "common/access/space.h"

#include <stdio.h>
#include <string.h>

#define SOMEONE "someone"
#define OTHER "other"
#define NOW "2026-01-01T00:00:00Z"

static struct space_dimension *
dimension_of(struct space *s, unsigned attribute)
{
	for (unsigned i = 0; i < s->dimensions; i++)
		if (s->dimension[i].attribute == attribute)
			return &s->dimension[i];
	s->dimension[s->dimensions] =
	    (struct space_dimension){ .attribute = attribute, .what = &s->engine->attributes.at[attribute] };
	return &s->dimension[s->dimensions++];
}

/* The one of an attribute that another engine knows. */
static struct space_dimension *
dimension_like(struct space *s, const struct attribute *what)
{
	int known = attributes_named(&s->engine->attributes, what->name);

	if (known >= 0)
		return dimension_of(s, (unsigned)known);
	for (unsigned i = 0; i < s->dimensions; i++)
		if (bytes_equal(s->dimension[i].what->name, what->name))
			return &s->dimension[i];
	s->dimension[s->dimensions] = (struct space_dimension){ .attribute = ATTRIBUTES_MAX, .what = what };
	return &s->dimension[s->dimensions++];
}

static bool
same_values(const struct values *a, const struct values *b)
{
	if (a->present != b->present || a->count != b->count)
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (!request_same_value(&a->at[i], &b->at[i]))
			return false;
	return true;
}

static void
add_values(struct space *s, struct space_dimension *d, const struct value *at, uint32_t count)
{
	struct space_choice c = { .values = { .at = at, .count = count, .present = count > 0 } };

	if (d->attribute == ATTRIBUTE_TIME && count > 0 && !clock_parse_instant(at[0].text, &c.time))
		return;
	for (uint32_t i = 0; i < d->choices; i++)
		if (same_values(&d->choice[i].values, &c.values))
			return;
	if (d->choices == d->room) {
		struct space_choice *old = d->choice;

		d->room = d->room ? 2 * d->room : 8;
		d->choice = arena_array(&s->arena, d->room, sizeof *d->choice);
		if (d->choices > 0)
			memcpy(d->choice, old, d->choices * sizeof *old);
	}
	d->choice[d->choices++] = c;
}

static void
add_text(struct space *s, struct space_dimension *d, struct bytes text)
{
	struct value *v = arena_take(&s->arena, sizeof *v);

	*v = (struct value){ .kind = VALUE_STRING,
		.text = arena_copy(&s->arena, text),
		.word = intern_find(&s->engine->words, text) };
	add_values(s, d, v, 1);
}

void
space_add_text(struct space *s, unsigned attribute, struct bytes text)
{
	add_text(s, dimension_of(s, attribute), text);
}

static void
add_instant(struct space *s, unsigned attribute, struct instant t)
{
	char text[32];

	clock_format(t, text);
	add_text(s, dimension_of(s, attribute), bytes_of(text));
}

static void
add_interval(struct space *s, unsigned attribute, const struct interval *i)
{
	if (i->has_from)
		add_instant(s, attribute, i->from);
	if (i->has_until)
		add_instant(s, attribute, instant_add(i->until, -1));
	if (i->has_until)
		add_instant(s, attribute, i->until);
	if (i->has_from)
		add_instant(s, attribute, instant_add(i->from, -1));
}

static bool
is_group(const struct space *s, const struct criterion *c, uint32_t word)
{
	return criteria_group(&s->engine->roles, c->attribute, word) != NULL;
}

/* What a group stands for comes before its name, so that a witness names a role and no group. */
static void
add_listed(struct space *s, struct space_dimension *d, const struct criterion *c)
{
	struct value *all = arena_array(&s->arena, c->listed + 1, sizeof *all);

	for (uint32_t i = 0; i < c->listed; i++)
		all[i] = c->list[i].value;
	if (c->mode == CRITERION_ALL)
		add_values(s, d, all, c->listed);
	for (uint32_t i = 0; i < c->listed; i++) {
		const struct intern_set *words = &c->list[i].words;

		if (!is_group(s, c, all[i].word))
			add_values(s, d, &all[i], 1);
		for (uint32_t k = 0; k < words->count && c->attribute != ATTRIBUTE_LABEL; k++)
			if (!is_group(s, c, words->at[k]))
				add_text(s, d, intern_text(&s->engine->words, words->at[k]));
	}
	for (uint32_t i = 0; i < c->listed; i++)
		add_values(s, d, &all[i], 1);
}

/* Both attributes get a value that they can have in common. */
static void
add_same(struct space *s, unsigned a, unsigned b)
{
	unsigned patient = a == ATTRIBUTE_RESOURCE_PATIENT ? b : b == ATTRIBUTE_RESOURCE_PATIENT ? a : 0;

	if (patient) {
		add_text(s, dimension_of(s, patient), s->patient);
		return;
	}
	add_text(s, dimension_of(s, a), bytes_of(OTHER));
	add_text(s, dimension_of(s, b), bytes_of(OTHER));
}

static void
add_relation(struct space *s, struct bytes name)
{
	for (unsigned k = 0; k < s->relations; k++)
		if (bytes_equal(s->relation[k], name))
			return;
	if (s->relations < SPACE_RELATIONS)
		s->relation[s->relations++] = name;
}

static void
add_relations(struct space *s, const struct criterion *c)
{
	for (uint32_t i = 0; i < c->words.count; i++)
		add_relation(s, intern_text(&s->engine->words, c->words.at[i]));
	if (c->other != 0 && c->other != ATTRIBUTE_RESOURCE_PATIENT)
		add_text(s, dimension_of(s, c->other), bytes_of(OTHER));
}

static void
add_acrs(struct space *s)
{
	for (uint32_t i = s->engine->roles.acrs; i > 0; i--)
		add_text(s, dimension_of(s, ATTRIBUTE_ACR),
		    intern_text(&s->engine->words, s->engine->roles.acr[i - 1]));
}

static void
add_criterion(struct space *s, const struct criterion *c)
{
	switch (c->kind) {
	case CRITERION_VALUES:
	case CRITERION_LABEL:
		if (c->attribute != ATTRIBUTE_RESOURCE_PATIENT)
			add_listed(s, dimension_of(s, c->attribute), c);
		return;
	case CRITERION_PRESENT:
		(void)dimension_of(s, c->attribute);
		return;
	case CRITERION_DATE:
		add_interval(s, c->attribute, &c->interval);
		return;
	case CRITERION_PERIOD:
		add_interval(s, ATTRIBUTE_TIME, &c->interval);
		return;
	case CRITERION_SAME:
		add_same(s, c->attribute, c->other);
		return;
	case CRITERION_RELATION:
		add_relations(s, c);
		return;
	case CRITERION_ACR:
		add_acrs(s);
		return;
	}
}

void
space_add_criteria(struct space *s, const struct criteria *c)
{
	for (uint32_t i = 0; i < c->count; i++)
		add_criterion(s, &c->at[i]);
}

void
space_add_rule(struct space *s, const struct access_rule *rule) /* NOLINT(misc-no-recursion): two deep */
{
	space_add_criteria(s, rule->criteria);
	for (uint32_t i = 0; i < rule->excepts; i++)
		space_add_criteria(s, &rule->except[i]);
	for (uint32_t i = 0; i < rule->nests; i++)
		space_add_rule(s, &rule->nested[i]);
}

void
space_add_directive(struct space *s, const struct directive *d)
{
	space_add_criteria(s, d->root);
	space_add_criteria(s, d->what);
	add_interval(s, ATTRIBUTE_TIME, &d->period);
	for (uint32_t i = 0; i < d->rules; i++)
		space_add_rule(s, &d->rule[i]);
}

void
space_settle(struct space *s, unsigned attribute, struct bytes text)
{
	struct space_dimension *d = dimension_of(s, attribute);

	if (text.size > 0)
		add_text(s, d, text);
	d->closed = true;
}

void
space_begin(struct space *s, struct engine *e, const struct layer_file *house, struct bytes patient)
{
	struct bytes domain = house && house->domain ? intern_text(&e->words, house->domain) : bytes_of("");

	*s = (struct space){ .engine = e, .patient = patient, .before = e->facts, .own = e->directives };
	space_settle(s, ATTRIBUTE_RESOURCE_PATIENT, patient);
	space_settle(s, ATTRIBUTE_RESOURCE_DOMAIN, domain);
	space_settle(s, ATTRIBUTE_SUBJECT_DOMAIN, domain);
}

/*
 * All values that are named, up to eight, as one list: a rule may ask for one of them, another rule for all.
 */
static void
add_list(struct space *s, struct space_dimension *d)
{
	struct value *all = arena_array(&s->arena, 8, sizeof *all);
	uint32_t count = 0;

	for (uint32_t i = 0; i < d->choices && count < 8; i++)
		if (d->choice[i].values.count == 1)
			all[count++] = d->choice[i].values.at[0];
	if (count > 1)
		add_values(s, d, all, count);
}

void
space_usual(struct space *s)
{
	static const struct {
		unsigned attribute;
		const char *text;
	} usual[] = {
		{ ATTRIBUTE_SUBJECT_TYPE, "user" },
		{ ATTRIBUTE_SUBJECT_ID, SOMEONE },
		{ ATTRIBUTE_ACTION_NAME, "read" },
		{ ATTRIBUTE_RESOURCE_TYPE, "record" },
		{ ATTRIBUTE_RESOURCE_ID, "witness" },
		{ ATTRIBUTE_TIME, NOW },
	};

	for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
		space_settle(s, usual[i].attribute, bytes_of(usual[i].text));
}

/* What a request has that no rule at hand asks for. */
static void
add_others(struct space *s)
{
	space_usual(s);
	for (unsigned i = 0; i < s->dimensions; i++) {
		struct space_dimension *d = &s->dimension[i];

		/* A rule that names no action, and one that names them all, differ in another one alone. */
		if (s->lists && d->what->kind == ATTRIBUTE_TOP)
			add_text(s, d, bytes_of(OTHER));
		if (d->closed)
			continue;
		if (s->lists && d->what->kind != ATTRIBUTE_TOP && d->attribute != ATTRIBUTE_ACR)
			add_list(s, d);
		add_text(s, d, bytes_of(OTHER));
		add_values(s, d, NULL, 0);
	}
}

/* NULL if the engine does not know it. */
static const struct relation *
relation_of(const struct space *s, unsigned k)
{
	uint32_t word = intern_find(&s->engine->words, s->relation[k]);

	return word ? roles_relation(&s->engine->roles, word) : NULL;
}

/* A line for each person that a request may name, and each relation of SET. */
static struct bytes
facts_text(struct space *s, uint32_t set)
{
	const struct space_dimension *who = dimension_of(s, ATTRIBUTE_SUBJECT_ID);
	static const char slack[JSON_SLACK];
	struct buffer out;
	struct bytes text;
	unsigned number = 0;

	buffer_init(&out, BUFFER_UNLIMITED);
	for (uint32_t i = 0; i < who->choices; i++)
		for (unsigned k = 0; k < s->relations; k++) {
			const struct relation *r = relation_of(s, k);
			struct json_write w = json_write_to(&out);
			char id[24];

			if (!(set >> k & 1) || !r)
				continue;
			(void)snprintf(id, sizeof id, "w-%u", ++number);
			json_write_open(&w, '{');
			json_write_member(&w, "fact", bytes_of(id));
			json_write_member(&w, "relation", intern_text(&s->engine->words, r->word));
			json_write_member(&w, "subject", who->choice[i].values.at[0].text);
			json_write_member(&w, r->to_patient ? "patient" : "object",
			    r->to_patient ? s->patient : bytes_of(OTHER));
			json_write_member(&w, "from", bytes_of("0001-01-01T00:00:00Z"));
			json_write_member(&w, "until", bytes_of("9999-12-31T23:59:59Z"));
			json_write_member(&w, "by", bytes_of("witness"));
			json_write_member(&w, "at", bytes_of("0001-01-01T00:00:00Z"));
			json_write_close(&w, '}');
			json_write_raw(&w, (struct bytes)BYTES("\n"));
		}
	text.size = out.used;
	buffer_add(&out, slack, JSON_SLACK);
	text.at = arena_copy(&s->arena, buffer_bytes(&out)).at;
	buffer_release(&out);
	return text;
}

static void
make_table(struct space *s, uint32_t set)
{
	struct engine *e = s->engine;
	struct moments own = { 0 };
	struct fault fault = { 0 };
	struct access_reader r = { .arena = &s->arena,
		.words = &e->words,
		.attributes = &e->attributes,
		.roles = &e->roles,
		.policy = e->policy,
		.moments = &own,
		.file = "witness",
		.fault = &fault };

	if (s->tables == SPACE_FACTS)
		return;
	s->text[s->tables] = facts_text(s, set);
	s->table[s->tables] = facts_read(&r, s->text[s->tables], NULL);
	moments_release(&own);
	s->tables++;
}

/* Each set of relations; of many relations none, each one and each two. */
static void
make_facts(struct space *s)
{
	for (uint32_t set = 0; s->relations <= 6 && set < UINT32_C(1) << s->relations; set++)
		make_table(s, set);
	if (s->relations <= 6)
		return;
	make_table(s, 0);
	for (unsigned i = 0; i < s->relations; i++)
		make_table(s, UINT32_C(1) << i);
	for (unsigned i = 1; i < s->relations; i++)
		for (unsigned k = 0; k < i; k++)
			make_table(s, UINT32_C(1) << i | UINT32_C(1) << k);
}

static void
take_choice(struct space *s, const struct space_dimension *d)
{
	const struct space_choice *c = &d->choice[d->at];

	if (d->choices == 0 || d->attribute == ATTRIBUTES_MAX)
		return;
	s->request.at[d->attribute] = c->values;
	if (d->attribute == ATTRIBUTE_TIME) {
		s->request.time = c->time;
		s->request.timed = true;
		s->request.time_stated = true;
	}
}

void
space_take(struct space *s)
{
	for (unsigned i = 0; i < s->dimensions; i++)
		take_choice(s, &s->dimension[i]);
	s->engine->facts = s->table[s->at];
	if (s->consents > 0)
		s->engine->directives = s->consent[s->at_consent];
	scratch_reset(&s->engine->scratch);
	s->tried++;
}

/* Gives TO what FROM has. */
static void
share(struct space *to, const struct space *from)
{
	for (unsigned i = 0; i < from->dimensions; i++) {
		const struct space_dimension *d = &from->dimension[i];
		struct space_dimension *like = dimension_like(to, d->what);

		like->closed = d->closed;
		for (uint32_t k = 0; k < d->choices; k++) {
			const struct values *v = &d->choice[k].values;
			struct value *copy = arena_array(&to->arena, v->count + 1, sizeof *copy);

			for (uint32_t n = 0; n < v->count; n++) {
				copy[n] = v->at[n];
				copy[n].word = intern_find(&to->engine->words, v->at[n].text);
			}
			add_values(to, like, copy, v->count);
		}
	}
	for (unsigned k = 0; k < from->relations; k++)
		add_relation(to, from->relation[k]);
}

void
space_join(struct space *a, struct space *b)
{
	share(a, b);
	add_others(a);
	b->dimensions = 0;
	b->relations = 0;
	share(b, a);
	make_facts(a);
	make_facts(b);
	a->begun = b->begun = true;
}

void
space_follow(struct space *to, const struct space *from)
{
	for (unsigned i = 0; i < from->dimensions; i++)
		to->dimension[i].at = from->dimension[i].at;
	to->at = from->at;
	to->at_consent = from->at_consent;
	space_take(to);
}

static bool
is_met(const struct space *s, const struct criterion *c)
{
	const struct criteria one = { .at = c, .count = 1 };
	struct situation at = { .request = &s->request,
		.attributes = &s->engine->attributes,
		.roles = &s->engine->roles,
		.facts = s->engine->facts,
		.levels = s->engine->policy->levels };
	struct attribute_set missing = { 0 };
	unsigned data = 0;

	return criteria_judge(&one, &at, &data, &missing) == TRUTH_TRUE;
}

static bool
meet_by(struct space *s, const struct criterion *c, unsigned attribute, uint32_t from)
{
	struct space_dimension *d = dimension_of(s, attribute);

	for (uint32_t i = 0; i < d->choices; i++) {
		d->at = (from + i) % d->choices;
		take_choice(s, d);
		if (is_met(s, c))
			return true;
	}
	return false;
}

static bool
meet_same(struct space *s, const struct criterion *c, uint32_t from)
{
	struct space_dimension *d = dimension_of(s, c->attribute);

	for (uint32_t i = 0; i < d->choices; i++) {
		d->at = (from + i) % d->choices;
		take_choice(s, d);
		if (meet_by(s, c, c->other, from))
			return true;
	}
	return false;
}

static bool
meet_relation(struct space *s, const struct criterion *c, uint32_t from)
{
	for (unsigned i = 0; i < s->tables; i++) {
		s->at = (from + i) % s->tables;
		s->engine->facts = s->table[s->at];
		if (is_met(s, c) || (c->other != ATTRIBUTE_RESOURCE_PATIENT && meet_by(s, c, c->other, from)))
			return true;
	}
	return false;
}

bool
space_meet(struct space *s, const struct criteria *c, uint32_t from)
{
	bool met = true;

	for (uint32_t i = 0; i < c->count && met; i++) {
		const struct criterion *one = &c->at[i];

		if (is_met(s, one))
			continue;
		if (one->kind == CRITERION_SAME)
			met = meet_same(s, one, from);
		else if (one->kind == CRITERION_RELATION)
			met = meet_relation(s, one, from);
		else
			met = meet_by(
			    s, one, one->kind == CRITERION_PERIOD ? ATTRIBUTE_TIME : one->attribute, from);
	}
	return met;
}

bool
space_next(struct space *s)
{
	if (s->tried == 0) {
		if (!s->begun) {
			add_others(s);
			make_facts(s);
		}
		s->begun = true;
		space_take(s);
		return true;
	}
	if (++s->at < s->tables) {
		space_take(s);
		return true;
	}
	s->at = 0;
	if (++s->at_consent < s->consents) {
		space_take(s);
		return true;
	}
	s->at_consent = 0;
	for (unsigned i = 0; i < s->dimensions; i++) {
		struct space_dimension *d = &s->dimension[i];

		if (d->choices < 2)
			continue;
		if (++d->at < d->choices) {
			space_take(s);
			return true;
		}
		d->at = 0;
	}
	s->exhausted = true;
	return false;
}

void
space_end(struct space *s)
{
	for (unsigned i = 0; i < s->tables; i++)
		facts_free(s->table[i]);
	s->engine->facts = (struct facts *)(uintptr_t)s->before;
	s->engine->directives = s->own;
	arena_release(&s->arena);
}
