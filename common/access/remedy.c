/* SPDX-License-Identifier: ISC */
#include "common/access/parts.h"

#include <stdlib.h>

/*
 * Where a layer denies, what it lacks is put into a copy of the request, which is decided anew.  If another
 * layer denies then, its lack is put in as well, and so on.
 */
enum { MOST_STEPS = 4, MOST_CHANGES = 16, MOST_TRIALS = 4000, MOST_TOLD = 3, MOST_FOUND = 64 };

struct change {
	struct bytes text;  /* "subject.functional_role were nurse" */
	unsigned cost;      /* the less likely the change is in the world, the more */
	unsigned attribute; /* that it sets; 0: none */
	bool open;          /* to any value but some: a later change may say to which */
};

struct found {
	struct bytes text;
	unsigned cost;
	struct change change[MOST_CHANGES];
	unsigned changes;
};

struct remedy {
	struct engine *e;
	const struct request *asked;
	struct request request; /* with the changes at hand */
	struct situation situation;
	struct change change[MOST_CHANGES];
	unsigned changes;
	struct found found[MOST_FOUND];
	unsigned founds;
	unsigned steps; /* layers that may be helped in turn */
	unsigned trials;
	struct directive consented;
	struct directives permits;
	struct arena arena;
};

/* What to go back to after a change was tried. */
struct before {
	struct request request;
	struct change change[MOST_CHANGES];
	unsigned changes;
	size_t facts;
	struct directives directives;
};

static struct bytes
name_of(const struct remedy *r, unsigned attribute)
{
	return r->e->attributes.at[attribute].name;
}

static unsigned
cost_of(const struct remedy *r, unsigned attribute)
{
	switch (attribute) {
	case ATTRIBUTE_SUBJECT_DOMAIN:
	case ATTRIBUTE_SUBJECT_PATIENT:
	case ATTRIBUTE_REF:
		return 5;
	case ATTRIBUTE_STRUCTURAL_ROLE:
		return 3;
	case ATTRIBUTE_PURPOSE:
		return 4;
	default:
		return r->e->attributes.at[attribute].kind == ATTRIBUTE_TOP ? 5 : 1;
	}
}

static bool
is_stated(const struct remedy *r, unsigned attribute)
{
	return r->asked->at[attribute].present;
}

/*
 * Nobody becomes somebody else, no record another, and what is asked stays what is asked.  What somebody is
 * can be stated where the request leaves it out; only whoever has no role may turn out to be the patient.
 */
static bool
is_fixed(const struct remedy *r, unsigned attribute)
{
	const struct attribute *a = &r->e->attributes.at[attribute];

	switch (attribute) {
	case ATTRIBUTE_RESOURCE_PATIENT:
	case ATTRIBUTE_RESOURCE_DOMAIN:
	case ATTRIBUTE_PSEUDONYM:
	case ATTRIBUTE_EPOCH:
	case ATTRIBUTE_DEVICE:
	case ATTRIBUTE_REF:
		return true;
	case ATTRIBUTE_SUBJECT_PATIENT:
		return is_stated(r, attribute) || is_stated(r, ATTRIBUTE_STRUCTURAL_ROLE) ||
		       is_stated(r, ATTRIBUTE_FUNCTIONAL_ROLE);
	case ATTRIBUTE_SUBJECT_DOMAIN:
	case ATTRIBUTE_ORGANIZATION:
	case ATTRIBUTE_STRUCTURAL_ROLE:
		return is_stated(r, attribute);
	default:
		return a->kind == ATTRIBUTE_TOP ||
		       ((a->kind == ATTRIBUTE_DATA || a->place == PLACE_ACTION) && is_stated(r, attribute));
	}
}

/* Room for one more change; NULL if there is none, or if another one has set ATTRIBUTE (0: none). */
static struct change *
change_of(struct remedy *r, unsigned attribute)
{
	for (unsigned i = 0; attribute > 0 && i < r->changes; i++)
		if (r->change[i].attribute == attribute)
			return r->change[i].open ? &r->change[i] : NULL;
	return r->changes < MOST_CHANGES ? &r->change[r->changes++] : NULL;
}

static bool
note(struct remedy *r, unsigned cost, const char *text)
{
	struct change *c = change_of(r, 0);

	if (c)
		*c = (struct change){ .text = bytes_of(text), .cost = cost };
	return c != NULL;
}

static const char *
text_of(struct remedy *r, const struct values *v, const char *between)
{
	const char *text = "";

	for (uint32_t i = 0; i < v->count; i++)
		text = arena_format(&r->arena, "%s%s%.*s", text, i == 0 ? "" : between,
		    (int)v->at[i].text.size, v->at[i].text.at);
	return text;
}

static void
put_values(struct remedy *r, unsigned attribute, const struct value *at, uint32_t count)
{
	r->request.at[attribute] = (struct values){ .at = at, .count = count, .present = count > 0 };
	if (attribute == ATTRIBUTE_TIME) {
		r->request.timed = clock_parse_instant(at[0].text, &r->request.time);
		r->request.time_stated = true;
	}
}

static bool
set_to(struct remedy *r, unsigned attribute, const struct value *at, uint32_t count, const char *text)
{
	struct change *c = is_fixed(r, attribute) ? NULL : change_of(r, attribute);

	if (!c)
		return false;
	put_values(r, attribute, at, count);
	*c = (struct change){ .text = bytes_of(arena_format(&r->arena, "%.*s were %s",
				  (int)name_of(r, attribute).size, name_of(r, attribute).at, text)),
		.cost = cost_of(r, attribute),
		.attribute = attribute };
	return true;
}

static bool
set(struct remedy *r, unsigned attribute, const struct value *at, uint32_t count)
{
	return set_to(r, attribute, at, count,
	    text_of(r, &(struct values){ .at = at, .count = count, .present = true }, " and "));
}

static struct value *
value_of(struct remedy *r, struct bytes text)
{
	struct value *v = arena_take(&r->arena, sizeof *v);

	*v = (struct value){ .kind = VALUE_STRING, .text = text, .word = intern_find(&r->e->words, text) };
	return v;
}

/* A member of a group rather than the group's name. */
static struct value
plain(struct remedy *r, unsigned attribute, const struct value *v)
{
	const struct roles_group *g =
	    v->kind == VALUE_STRING ? criteria_group(&r->e->roles, attribute, v->word) : NULL;

	return g && g->leaves > 0 ? *value_of(r, intern_text(&r->e->words, g->leaf[0])) : *v;
}

/* A value that C does not list. */
static bool
set_other(struct remedy *r, const struct criterion *c)
{
	struct value *all = arena_array(&r->arena, c->listed + 1, sizeof *all);
	struct values listed = { .at = all, .count = c->listed, .present = true };
	const char *text;

	for (uint32_t i = 0; i < c->listed; i++)
		all[i] = c->list[i].value;
	text = arena_format(&r->arena, "other than %s", text_of(r, &listed, " or "));
	if (!set_to(r, c->attribute, value_of(r, bytes_of("other")), 1, text))
		return false;
	for (unsigned i = 0; i < r->changes; i++)
		r->change[i].open = r->change[i].open || r->change[i].attribute == c->attribute;
	return true;
}

/* Whoever must have all keeps what she has. */
static bool
meet_all(struct remedy *r, const struct criterion *c)
{
	const struct values *had = situation_values(&r->situation, c->attribute);
	struct value *all = arena_array(&r->arena, had->count + c->listed + 1, sizeof *all);
	uint32_t count = 0;

	for (uint32_t i = 0; i < had->count; i++)
		all[count++] = had->at[i];
	for (uint32_t i = 0; i < c->listed; i++) {
		bool has = false;

		all[count] = plain(r, c->attribute, &c->list[i].value);
		for (uint32_t k = 0; k < count && !has; k++)
			has = request_same_value(&all[k], &all[count]);
		count += !has;
	}
	return set(r, c->attribute, all, count);
}

static bool
meet_values(struct remedy *r, const struct criterion *c)
{
	struct value *one = arena_take(&r->arena, sizeof *one);

	if (c->mode == CRITERION_NOT)
		return set_other(r, c);
	if (c->mode == CRITERION_ALL)
		return meet_all(r, c);
	if (c->listed == 0)
		return false;
	*one = plain(r, c->attribute, &c->list[0].value);
	return set(r, c->attribute, one, 1);
}

static bool
meet_period(struct remedy *r, const struct criterion *c)
{
	const struct interval *i = &c->interval;
	struct instant t = i->has_from ? i->from : instant_add(i->until, -1);
	char *text = arena_take(&r->arena, 32);

	/* Time does not go back. */
	if (r->asked->timed && (!i->has_from || instant_compare(i->from, r->asked->time) < 0))
		return false;
	clock_format(t, text);
	return set(r, ATTRIBUTE_TIME, value_of(r, bytes_of(text)), 1);
}

static bool
meet_same(struct remedy *r, const struct criterion *c)
{
	const struct values *a = situation_values(&r->situation, c->attribute);
	const struct values *b = situation_values(&r->situation, c->other);
	struct bytes left = name_of(r, c->attribute), right = name_of(r, c->other);

	if (b->present && !is_fixed(r, c->attribute))
		return set(r, c->attribute, b->at, b->count);
	if (a->present && !is_fixed(r, c->other))
		return set(r, c->other, a->at, a->count);
	if (is_fixed(r, c->attribute) || is_fixed(r, c->other))
		return false;
	put_values(r, c->attribute, value_of(r, bytes_of("the-same")), 1);
	put_values(r, c->other, value_of(r, bytes_of("the-same")), 1);
	return note(r, 1,
	    arena_format(&r->arena, "%.*s and %.*s were the same", (int)left.size, left.at, (int)right.size,
		right.at));
}

static bool
meet_relation(struct remedy *r, const struct criterion *c)
{
	const struct values *object = situation_values(&r->situation, c->other);
	struct bytes who = request_string(&r->request, ATTRIBUTE_SUBJECT_ID), word;

	if (c->words.count == 0 || !object->present || object->count == 0)
		return false;
	word = intern_text(&r->e->words, c->words.at[0]);
	if (!facts_assume(r->e->facts, c->words.at[0], who, object->at[0].text))
		return false;
	return note(r, 1,
	    arena_format(&r->arena, "a fact told of %.*s to %.*s", (int)word.size, word.at,
		(int)name_of(r, c->other).size, name_of(r, c->other).at));
}

static bool
meet_acr(struct remedy *r, const struct criterion *c, bool at_least)
{
	int rank = at_least ? c->rank : c->rank - 1;

	return rank >= 0 &&
	       set(r, c->attribute, value_of(r, intern_text(&r->e->words, r->e->roles.acr[rank])), 1);
}

static bool
meet_one(struct remedy *r, const struct criterion *c)
{
	switch (c->kind) {
	case CRITERION_VALUES:
	case CRITERION_LABEL:
		return meet_values(r, c);
	case CRITERION_PRESENT:
		return c->flag && set(r, c->attribute, value_of(r, bytes_of("stated")), 1);
	case CRITERION_PERIOD:
		return meet_period(r, c);
	case CRITERION_SAME:
		return meet_same(r, c);
	case CRITERION_RELATION:
		return meet_relation(r, c);
	case CRITERION_ACR:
		return meet_acr(r, c, c->flag);
	case CRITERION_DATE:
		break;
	}
	return false;
}

/* Makes C false. */
static bool
escape(struct remedy *r, const struct criterion *c)
{
	switch (c->kind) {
	case CRITERION_VALUES:
		if (c->mode == CRITERION_NOT && c->listed > 0) {
			struct value *one = arena_take(&r->arena, sizeof *one);

			*one = plain(r, c->attribute, &c->list[0].value);
			return set(r, c->attribute, one, 1);
		}
		return set_other(r, c);
	case CRITERION_ACR:
		return meet_acr(r, c, !c->flag);
	case CRITERION_PRESENT:
		return !c->flag && set(r, c->attribute, value_of(r, bytes_of("stated")), 1);
	case CRITERION_PERIOD:
	case CRITERION_SAME:
	case CRITERION_RELATION:
	case CRITERION_LABEL:
	case CRITERION_DATE:
		break;
	}
	return false;
}

/* Puts in whatever of C does not hold.  False if that cannot be, or nothing of it fails. */
static bool
meet(struct remedy *r, const struct criteria *c)
{
	unsigned before = r->changes;

	r->situation.request = &r->request;
	for (uint32_t i = 0; i < c->count; i++) {
		const struct criteria one = { .at = &c->at[i], .count = 1 };
		struct attribute_set missing = { 0 };
		unsigned data = 0;

		r->situation.facts = r->e->facts;
		if (criteria_judge(&one, &r->situation, &data, &missing) != TRUTH_TRUE &&
		    !meet_one(r, one.at))
			return false;
	}
	return r->changes > before;
}

static void
put_back(struct remedy *r, const struct before *b)
{
	r->request = b->request;
	memcpy(r->change, b->change, sizeof r->change);
	r->changes = b->changes;
	facts_forget(r->e->facts, b->facts);
	r->e->directives = b->directives;
}

static struct before
before(const struct remedy *r)
{
	struct before b = { .request = r->request,
		.changes = r->changes,
		.facts = facts_assumed(r->e->facts),
		.directives = r->e->directives };

	memcpy(b.change, r->change, sizeof b.change);
	return b;
}

static void
keep(struct remedy *r)
{
	const char *text = "";
	unsigned cost = 0;

	for (unsigned i = 0; i < r->changes; i++) {
		text = arena_format(&r->arena, "%s%s%.*s", text,
		    i == 0               ? ""
		    : i + 1 < r->changes ? ", "
					 : " and ",
		    (int)r->change[i].text.size, r->change[i].text.at);
		cost += r->change[i].cost;
	}
	for (unsigned i = 0; i < r->founds; i++)
		if (bytes_are(r->found[i].text, text))
			return;
	if (r->founds < MOST_FOUND)
		r->found[r->founds++] =
		    (struct found){ .text = bytes_of(text), .cost = cost, .changes = r->changes };
	else
		return;
	memcpy(r->found[r->founds - 1].change, r->change, r->changes * sizeof r->change[0]);
}

/* True if B wants all that A wants, and more. */
static bool
wants_more(const struct found *a, const struct found *b)
{
	for (unsigned i = 0; i < a->changes; i++) {
		bool there = false;

		for (unsigned k = 0; k < b->changes && !there; k++)
			there = bytes_equal(a->change[i].text, b->change[k].text);
		if (!there)
			return false;
	}
	return b->changes > a->changes;
}

static void attempt(struct remedy *r, unsigned depth);

/* NOLINTBEGIN(misc-no-recursion): MOST_STEPS deep */
static void
try_to_meet(struct remedy *r, const struct criteria *c, unsigned depth)
{
	struct before b = before(r);

	if (meet(r, c))
		attempt(r, depth + 1);
	put_back(r, &b);
}

static void
try_to_escape(struct remedy *r, const struct criteria *c, unsigned depth)
{
	for (uint32_t i = 0; i < c->count; i++) {
		struct before b = before(r);

		if (escape(r, &c->at[i]))
			attempt(r, depth + 1);
		put_back(r, &b);
	}
}

static void
try_rule(struct remedy *r, const struct access_rule *rule, enum holding holding, unsigned depth)
{
	if (rule->effect == EFFECT_PERMIT) {
		try_to_meet(r, rule->criteria, depth);
		return;
	}
	if (holding == RULE_NO)
		return;
	try_to_escape(r, rule->criteria, depth);
	for (uint32_t i = 0; i < rule->excepts; i++)
		try_to_meet(r, &rule->except[i], depth);
}

static void
try_layer(struct remedy *r, const struct verdict *v, const struct layer_outcome *o, unsigned depth)
{
	r->situation = v->situation;
	r->situation.custodian = o->layer != LAYER_OUTBOUND;
	for (uint32_t i = 0; o->state && i < o->file->rules; i++)
		if ((o->file->rule[i].effect == EFFECT_PERMIT) == (strcmp(o->reason, "default-deny") == 0))
			try_rule(r, &o->file->rule[i], o->state[i].holding, depth);
}

static void
try_consent(struct remedy *r, const struct verdict *v, unsigned depth)
{
	const struct layer_outcome *house = &v->outcome[LAYER_ORGANIZATION];
	struct before b = before(r);

	r->situation = v->situation;
	if (v->consent.by_default && r->permits.room > 0 &&
	    note(r, 1, "the patient had a directive that permits it")) {
		r->e->directives = r->permits;
		attempt(r, depth + 1);
	}
	put_back(r, &b);
	for (uint32_t i = 0; house->state && i < house->file->rules; i++)
		if (house->file->rule[i].override != OVERRIDE_NO)
			try_rule(r, &house->file->rule[i], RULE_NO, depth);
	for (uint32_t i = 0; i < v->consent.opinions; i++) {
		const struct directive *d = v->consent.opinion[i].directive;

		for (uint32_t k = 0; k < d->rules; k++)
			try_rule(r, &d->rule[k], RULE_HOLDS, depth);
	}
}

/* She may claim what she was assessed for. */
static void
try_claim(struct remedy *r, const struct verdict *v, unsigned depth)
{
	struct value *al = arena_take(&r->arena, sizeof *al);
	struct before b = before(r);

	*al = (struct value){ .kind = VALUE_NUMBER,
		.text = bytes_of(arena_format(&r->arena, "%u", v->clearance.assessed)) };
	if (is_stated(r, ATTRIBUTE_CLAIMED_AL) && set(r, ATTRIBUTE_CLAIMED_AL, al, 1))
		attempt(r, depth + 1);
	put_back(r, &b);
}

static void
try_clearance(struct remedy *r, const struct verdict *v, unsigned depth)
{
	const struct clearances *c = &r->e->clearances;

	r->situation = v->situation;
	try_claim(r, v, depth);
	for (uint32_t i = 0; i < c->rows; i++)
		if (!v->clearance.row || c->row[i].al > v->clearance.assessed)
			try_to_meet(r, &c->row[i].criteria, depth);
	if (v->clearance.cap)
		try_to_escape(r, &v->clearance.cap->criteria, depth);
}

static void
attempt(struct remedy *r, unsigned depth)
{
	struct scratch_mark mark = scratch_mark(&r->e->scratch);
	struct verdict *v = scratch_take(&r->e->scratch, sizeof *v);

	if (depth <= r->steps && r->trials++ < MOST_TRIALS) {
		decide_trial(r->e, &r->request, v);
		if (v->permitted && depth > 0)
			keep(r);
		else if (!v->permitted && v->decided_by < LAYER_CONSENT)
			try_layer(r, v, &v->outcome[v->decided_by], depth);
		else if (!v->permitted && v->decided_by == LAYER_CONSENT)
			try_consent(r, v, depth);
		else if (!v->permitted && v->decided_by == LAYER_CLEARANCE)
			try_clearance(r, v, depth);
	}
	scratch_back(&r->e->scratch, mark);
}
/* NOLINTEND(misc-no-recursion) */

static int
by_cost(const void *a, const void *b)
{
	const struct found *left = a, *right = b;

	if (left->cost != right->cost)
		return left->cost < right->cost ? -1 : 1;
	return bytes_compare(left->text, right->text);
}

static void
prepare_consent(struct remedy *r)
{
	r->consented = (struct directive){ .id = BYTES("witness"),
		.id_text = BYTES("\"witness\""),
		.patient = reader_patient(request_string(&r->request, ATTRIBUTE_RESOURCE_PATIENT)),
		.status = DIRECTIVE_ACTIVE,
		.verified = true,
		.listed = true,
		.root = &criteria_none,
		.what = &criteria_none,
		.base_permit = true };
	if (r->consented.patient.size == 0)
		return;
	directives_alone(&r->permits, &r->consented);
	r->permits.any = true;
}

void
remedy_write(struct buffer *out, struct engine *e, const struct verdict *v)
{
	struct remedy *r = scratch_take(&e->scratch, sizeof *r);
	struct facts *own = e->facts;

	*r = (struct remedy){ .e = e, .asked = v->request, .request = *v->request };
	if (!own)
		e->facts = facts_none(&r->arena);
	prepare_consent(r);
	/* First with one step, so that a long search for two does not hide it. */
	for (r->steps = 1; r->steps <= MOST_STEPS && r->founds < MOST_TOLD; r->steps++) {
		r->trials = 0;
		attempt(r, 0);
	}
	if (r->founds > 1)
		qsort(r->found, r->founds, sizeof *r->found, by_cost);
	for (unsigned i = 0, told = 0; i < r->founds && told < MOST_TOLD; i++) {
		bool needless = false;

		for (unsigned k = 0; k < r->founds && !needless; k++)
			needless = wants_more(&r->found[k], &r->found[i]);
		if (needless)
			continue;
		told++;
		buffer_add(out, "it would be permitted if ", 25);
		buffer_add(out, r->found[i].text.at, r->found[i].text.size);
		buffer_add(out, "\n", 1);
	}
	if (!own) {
		facts_free(e->facts);
		e->facts = NULL;
	}
	free(r->permits.slot);
	arena_release(&r->arena);
}
