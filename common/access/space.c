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
	s->dimension[s->dimensions] = (struct space_dimension){ .attribute = attribute };
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

static void
add_instant(struct space *s, struct instant t)
{
	char text[32];

	clock_format(t, text);
	add_text(s, dimension_of(s, ATTRIBUTE_TIME), bytes_of(text));
}

static void
add_interval(struct space *s, const struct interval *i)
{
	if (i->has_from)
		add_instant(s, i->from);
	if (i->has_until)
		add_instant(s, instant_add(i->until, -1));
	if (i->has_until)
		add_instant(s, i->until);
	if (i->has_from)
		add_instant(s, instant_add(i->from, -1));
}

static bool
is_group(const struct space *s, uint32_t word)
{
	for (int kind = 0; word != 0 && kind < GROUP_KINDS; kind++)
		if (roles_find_group(&s->engine->roles, (enum roles_group_kind)kind, word))
			return true;
	return false;
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

		if (!is_group(s, all[i].word))
			add_values(s, d, &all[i], 1);
		for (uint32_t k = 0; k < words->count && c->attribute != ATTRIBUTE_LABEL; k++)
			if (!is_group(s, words->at[k]))
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
add_relations(struct space *s, const struct criterion *c)
{
	size_t most = sizeof s->relation / sizeof s->relation[0];

	for (uint32_t i = 0; i < c->words.count; i++) {
		bool known = false;

		for (unsigned k = 0; k < s->relations; k++)
			known = known || s->relation[k] == c->words.at[i];
		if (!known && s->relations < most)
			s->relation[s->relations++] = c->words.at[i];
	}
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
	case CRITERION_DATE:
		(void)dimension_of(s, c->attribute);
		return;
	case CRITERION_PERIOD:
		add_interval(s, &c->interval);
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
	space_add_criteria(s, &rule->criteria);
	for (uint32_t i = 0; i < rule->excepts; i++)
		space_add_criteria(s, &rule->except[i]);
	for (uint32_t i = 0; i < rule->nests; i++)
		space_add_rule(s, &rule->nested[i]);
}

void
space_add_directive(struct space *s, const struct directive *d)
{
	space_add_criteria(s, &d->root);
	space_add_criteria(s, &d->what);
	add_interval(s, &d->period);
	for (uint32_t i = 0; i < d->rules; i++)
		space_add_rule(s, &d->rule[i]);
}

static void
settle(struct space *s, unsigned attribute, struct bytes text)
{
	struct space_dimension *d = dimension_of(s, attribute);

	if (text.size > 0)
		add_text(s, d, text);
	d->closed = true;
}

void
space_begin(struct space *s, struct engine *e, const struct layer_file *house, struct bytes patient)
{
	struct bytes domain = house->domain ? intern_text(&e->words, house->domain) : bytes_of("");

	*s = (struct space){ .engine = e, .patient = patient, .before = e->facts };
	settle(s, ATTRIBUTE_RESOURCE_PATIENT, patient);
	settle(s, ATTRIBUTE_RESOURCE_DOMAIN, domain);
	settle(s, ATTRIBUTE_SUBJECT_DOMAIN, domain);
}

/* What a request has that no rule at hand asks for. */
static void
add_usual(struct space *s)
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
		settle(s, usual[i].attribute, bytes_of(usual[i].text));
	for (unsigned i = 0; i < s->dimensions; i++) {
		struct space_dimension *d = &s->dimension[i];

		if (d->closed)
			continue;
		add_text(s, d, bytes_of(OTHER));
		add_values(s, d, NULL, 0);
	}
}

/* A line for each person that a request may name, and each relation of SET. */
static struct bytes
facts_text(struct space *s, unsigned set)
{
	const struct space_dimension *who = dimension_of(s, ATTRIBUTE_SUBJECT_ID);
	static const char slack[JSON_SLACK];
	struct buffer out;
	struct bytes text;
	unsigned number = 0;

	buffer_init(&out, BUFFER_UNLIMITED);
	for (uint32_t i = 0; i < who->choices; i++)
		for (unsigned k = 0; k < s->relations; k++) {
			const struct relation *r = roles_relation(&s->engine->roles, s->relation[k]);
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
make_facts(struct space *s)
{
	struct engine *e = s->engine;

	for (unsigned set = 0; set < 1U << s->relations && s->tables < SPACE_FACTS; set++) {
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

		s->text[s->tables] = facts_text(s, set);
		s->table[s->tables] = facts_read(&r, s->text[s->tables]);
		moments_release(&own);
		s->tables++;
	}
}

static void
take_choices(struct space *s)
{
	for (unsigned i = 0; i < s->dimensions; i++) {
		const struct space_dimension *d = &s->dimension[i];
		const struct space_choice *c = &d->choice[d->at];

		if (d->choices == 0)
			continue;
		s->request.at[d->attribute] = c->values;
		if (d->attribute == ATTRIBUTE_TIME) {
			s->request.time = c->time;
			s->request.timed = true;
			s->request.time_stated = true;
		}
	}
	s->engine->facts = s->table[s->at];
	scratch_reset(&s->engine->scratch);
	s->tried++;
}

bool
space_next(struct space *s)
{
	if (!s->begun) {
		add_usual(s);
		make_facts(s);
		s->begun = true;
		take_choices(s);
		return true;
	}
	if (++s->at < s->tables) {
		take_choices(s);
		return true;
	}
	s->at = 0;
	for (unsigned i = 0; i < s->dimensions; i++) {
		struct space_dimension *d = &s->dimension[i];

		if (d->choices < 2)
			continue;
		if (++d->at < d->choices) {
			take_choices(s);
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
	arena_release(&s->arena);
}

static void
write_values(const struct values *v, struct json_write *w)
{
	bool list = v->count != 1;

	if (list)
		json_write_open(w, '[');
	for (uint32_t i = 0; i < v->count; i++)
		if (v->at[i].kind == VALUE_STRING)
			json_write_text(w, v->at[i].text);
		else if (v->at[i].kind == VALUE_NUMBER)
			json_write_value(w, v->at[i].text);
		else
			json_write_bool(w, v->at[i].kind == VALUE_TRUE);
	if (list)
		json_write_close(w, ']');
}

static bool
has_part(const struct space *s, enum request_place place)
{
	const struct attributes *a = &s->engine->attributes;

	for (unsigned i = 0; i < a->count; i++)
		if (a->at[i].place == place && a->at[i].kind != ATTRIBUTE_TOP && s->request.at[i].present)
			return true;
	return false;
}

static void
write_part(const struct space *s, struct json_write *w, enum request_place place, bool properties)
{
	const struct attributes *a = &s->engine->attributes;

	for (unsigned i = 0; i < a->count; i++) {
		const struct values *v = &s->request.at[i];
		bool inside = place != PLACE_CONTEXT && a->at[i].kind != ATTRIBUTE_TOP;

		if (a->at[i].place != place || !v->present || inside != properties)
			continue;
		json_write_key(w, a->at[i].key);
		write_values(v, w);
	}
}

void
space_write_request(const struct space *s, struct json_write *w)
{
	static const char *const names[PLACE_COUNT] = { "subject", "action", "resource", "context" };

	json_write_open(w, '{');
	for (int p = 0; p < PLACE_COUNT; p++) {
		json_write_name(w, names[p]);
		json_write_open(w, '{');
		write_part(s, w, (enum request_place)p, false);
		if (p != PLACE_CONTEXT && has_part(s, (enum request_place)p)) {
			json_write_name(w, "properties");
			json_write_open(w, '{');
			write_part(s, w, (enum request_place)p, true);
			json_write_close(w, '}');
		}
		json_write_close(w, '}');
	}
	json_write_close(w, '}');
}

/* Those of the person who asks; the others' change nothing. */
void
space_write_facts(const struct space *s, struct json_write *w)
{
	struct bytes rest = s->text[s->at];
	struct bytes who = request_string(&s->request, ATTRIBUTE_SUBJECT_ID);

	json_write_open(w, '[');
	while (rest.size > 0) {
		const char *end = memchr(rest.at, '\n', rest.size);
		struct bytes line = { rest.at, (size_t)(end - rest.at) };
		const char *subject = memmem(line.at, line.size, "\"subject\":\"", 11);

		if (subject && line.size - (size_t)(subject + 11 - line.at) > who.size &&
		    memcmp(subject + 11, who.at, who.size) == 0 && subject[11 + who.size] == '"')
			json_write_value(w, line);
		rest.size -= line.size + 1;
		rest.at = end + 1;
	}
	json_write_close(w, ']');
}
