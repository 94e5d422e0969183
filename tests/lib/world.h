/* SPDX-License-Identifier: ISC */
#ifndef EHR_TESTS_WORLD_H
#define EHR_TESTS_WORLD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/*
 * world: random policies, directives, facts and requests, as structures for the oracle (oracle.h) and
 * as the text that ehr-authz reads (world_text.h).  These headers include nothing of the project, so a
 * mistake of the project's sources is not in them.
 *
 * Instants are hours of March 2026, from 0.  All values are strings.
 */
enum { LIST_MOST = 4, SET_MOST = 5, RULES_MOST = 6, HOURS = 28 * 24 };

enum crit_kind { LIST, PRESENT, SAME, RELATION, ACR, WHEN, DATE };

struct crit {
	enum crit_kind kind;
	const char *attribute; /* "subject.ward" */
	const char *other;     /* SAME: the second; RELATION: whose value is the object */
	char mode;             /* LIST: '=' any, '!' none, '&' all */
	bool flag;             /* PRESENT: true; ACR: at least */
	int values;
	const char *value[LIST_MOST];
	int from, until; /* WHEN: hours, -1: open; DATE: years, 0: open */
};

struct set {
	int count;
	struct crit at[SET_MOST];
};

struct rule {
	char id[24];
	bool permit, skip;
	int override; /* 1: acknowledged, 2: always */
	bool audits, expires;
	struct set set;
	int excepts;
	struct set except[2];
	int nests;
	const struct rule *nest;
};

struct rules {
	int count;
	struct rule at[RULES_MOST]; /* by id */
};

struct consent_form {
	char id[12];
	const char *patient, *status;
	int date;        /* day, 0: none */
	int from, until; /* hours, -1: open */
	struct set root;
	bool permit;
	struct set what;
	int acknowledged;
	const char *acknowledges[3];
	struct rules rules;
};

struct row {
	int al;
	struct set set;
};

struct fact_line {
	const char *relation, *subject, *object;
	int from, until;
};

struct world {
	bool domains; /* two domains, A asks B */
	bool outbound, law, elsewhere, trusts_roles;
	bool house_permits, outbound_permits;
	struct rules of_a, of_law, of_house;
	const char *no_consent, *on_several;
	bool service;
	int consents;
	struct consent_form consent[3]; /* by id */
	bool cleared;
	int rows, caps;
	struct row row[4], cap[2];
	int facts;
	struct fact_line fact[6];
};

struct ask {
	const char *attribute;
	int values; /* 0: a list without values */
	const char *value[LIST_MOST];
};

struct question {
	int count;
	struct ask at[24];
	int time;    /* hours, -1: none */
	int claimed; /* -1: none */
	bool narrowed;
};

static uint64_t world_seed = UINT64_C(0x2545f4914f6cdd1d);

static inline unsigned
world_draw(unsigned below)
{
	world_seed ^= world_seed << 13;
	world_seed ^= world_seed >> 7;
	world_seed ^= world_seed << 17;
	return (unsigned)(world_seed >> 33) % below;
}

#define WORLD_PICK(...)                                                                                      \
	(((const char *const[]){                                                                             \
	    __VA_ARGS__ })[world_draw(sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))])

/* What a list of an attribute may hold; DATA tells of records. */
static const struct vocabulary_of {
	const char *attribute;
	bool data, plain; /* PLAIN: any of a list alone */
	int values;
	const char *value[8];
} world_words[] = {
	{ "subject.structural_role", false, false, 4, { "physician", "nurse", "pharmacist", "clinician" } },
	{ "context.purpose", false, true, 4, { "TREAT", "ETREAT", "BTG", "HPAYMT" } },
	{ "subject.functional_role", false, false, 2, { "charge", "responder" } },
	{ "subject.permissions", false, false, 2, { "p1", "p2" } },
	{ "subject.ward", false, false, 2, { "w1", "w2" } },
	{ "subject.id", false, false, 2, { "u1", "u2" } },
	{ "action.name", false, true, 4, { "access", "read", "search", "create" } },
	{ "resource.status", false, false, 2, { "proposed", "final" } },
	{ "context.route", false, false, 2, { "on-site", "internet" } },
	{ "context.acr", false, false, 3, { "loa1", "loa2", "loa3" } },
	{ "resource.class", true, false, 3, { "Observation", "Claim", "medication" } },
	{ "resource.label", true, false, 7, { "L", "N", "R", "V", "HIV", "SUD", "ETHUD" } },
	{ "resource.author", true, false, 2, { "u1", "u2" } },
	{ "resource.instance", true, false, 2, { "Observation/1", "Claim/7" } },
};

enum { WORDS = sizeof world_words / sizeof world_words[0], FIRST_DATA = 10 };

/* Draws COUNT different values. */
static inline int
world_values(const struct vocabulary_of *v, int count, const char **to)
{
	unsigned first = world_draw((unsigned)v->values);
	int drawn = 0;

	for (; drawn < count && drawn < v->values; drawn++)
		to[drawn] = v->value[(first + (unsigned)drawn) % (unsigned)v->values];
	return drawn;
}

static inline bool
world_has(const struct set *s, const char *attribute, enum crit_kind kind)
{
	for (int i = 0; i < s->count; i++)
		if (strcmp(s->at[i].attribute, attribute) == 0 ||
		    (kind == RELATION && s->at[i].kind == RELATION))
			return true;
	return false;
}

static inline struct crit
world_list(const struct vocabulary_of *v)
{
	struct crit c = { .kind = LIST, .attribute = v->attribute };

	c.values = world_values(v, 1 + (int)world_draw(2), c.value);
	c.mode = v->plain ? '=' : "===!&"[world_draw(5)];
	if (v->data && c.mode == '&')
		c.mode = '!';
	return c;
}

static inline struct crit
world_special(bool permit_side)
{
	struct crit c = { .from = -1, .until = -1 };

	switch (world_draw(6)) {
	case 0:
		c.kind = PRESENT;
		c.attribute = permit_side ? "context.justification" : "subject.ward";
		c.flag = permit_side;
		break;
	case 1:
		c.kind = SAME;
		c.attribute = "subject.ward";
		c.other = "resource.ward";
		break;
	case 2:
		c.kind = ACR;
		c.attribute = "context.acr";
		c.flag = world_draw(2);
		c.value[c.values++] = WORLD_PICK("loa2", "loa3");
		break;
	case 3:
		c.kind = WHEN;
		c.attribute = "context.time";
		c.from = world_draw(3) ? (int)world_draw(HOURS) : -1;
		c.until = c.from < 0 || world_draw(2) ? (int)world_draw(HOURS) : -1;
		if (c.until >= 0 && c.until <= c.from)
			c.until = -1;
		break;
	default:
		c.kind = RELATION;
		c.attribute = "relation";
		c.other = WORLD_PICK("resource.patient", "resource.patient", "subject.on_behalf_of");
		c.value[c.values++] = strcmp(c.other, "resource.patient") == 0 ? "treating" : "delegate-of";
	}
	return c;
}

static inline void
world_add(struct set *s, struct crit c)
{
	if (s->count < SET_MOST && !world_has(s, c.attribute, c.kind))
		s->at[s->count++] = c;
}

/* DATA: data criteria may stand in the set, too. */
static inline void
world_criteria(struct set *s, bool permit_side, bool data, unsigned most)
{
	for (unsigned i = world_draw(most + 1); i > 0; i--)
		if (world_draw(3) == 0)
			world_add(s, world_special(permit_side));
		else
			world_add(s, world_list(&world_words[world_draw(world_draw(2) ? 2 : FIRST_DATA)]));
	if (data && world_draw(3) == 0)
		world_add(s, world_list(&world_words[FIRST_DATA + world_draw(WORDS - FIRST_DATA)]));
	if (data && world_draw(8) == 0) {
		struct crit c = { .kind = DATE, .attribute = "resource.date" };

		c.from = world_draw(3) ? 2018 + (int)world_draw(4) : 0;
		c.until = c.from == 0 || world_draw(2) ? 2022 + (int)world_draw(3) : 0;
		world_add(s, c);
	}
}

static inline void
world_exceptions(struct rule *r)
{
	for (unsigned i = world_draw(4) ? 0 : 1 + world_draw(2); i > 0; i--) {
		struct set *s = &r->except[r->excepts];

		world_criteria(s, !r->permit, true, 1);
		r->excepts += s->count > 0;
	}
}

static inline struct rule
world_rule(const char *prefix, int number, bool permit)
{
	struct rule r = { .permit = permit, .skip = !permit && world_draw(12) == 0 };

	(void)snprintf(r.id, sizeof r.id, "%.12s%d", prefix, number);
	world_criteria(&r.set, permit, true, permit ? 2 : 3);
	world_exceptions(&r);
	return r;
}

static inline bool
world_names(const struct set *s, const char *a, const char *b)
{
	for (int i = 0; i < s->count; i++)
		for (int k = 0; k < s->at[i].values && strcmp(s->at[i].attribute, "context.purpose") == 0;
		     k++)
			if (strcmp(s->at[i].value[k], a) == 0 || strcmp(s->at[i].value[k], b) == 0)
				return true;
	return false;
}

static inline void
world_layer(struct rules *to, const char *prefix, int count, int permits_of_four)
{
	memset(to, 0, sizeof *to);
	for (; to->count < count; to->count++) {
		struct rule *r = &to->at[to->count];

		*r = world_rule(prefix, to->count, (int)world_draw(4) < permits_of_four);
		/* Denies of all would leave nothing to look at. */
		if (!r->permit && r->set.count == 0)
			world_add(&r->set, world_list(&world_words[1 + world_draw(9)]));
		r->audits = world_draw(6) == 0;
		r->expires = world_draw(12) == 0;
		if (prefix[0] == 'H' && r->permit && world_draw(3) == 0)
			r->override = 1 + (int)world_draw(2);
	}
}

static struct rule world_nested[3 * RULES_MOST * 2];
static int world_nests;

static inline void
world_nest(struct rule *r)
{
	char prefix[16];

	(void)snprintf(prefix, sizeof prefix, "%.10sn", r->id);
	r->nest = &world_nested[world_nests];
	for (unsigned i = world_draw(3) ? 0 : 1 + world_draw(2); i > 0; i--)
		world_nested[world_nests++] = world_rule(prefix, r->nests++, !r->permit);
}

static inline void
world_consent(struct consent_form *c, int number)
{
	char prefix[32];

	memset(c, 0, sizeof *c);
	(void)snprintf(c->id, sizeof c->id, "c%d", number);
	c->patient = world_draw(6) ? "p" : "q";
	c->status = WORLD_PICK("active", "active", "active", "active", "inactive", "draft");
	c->date = (int)world_draw(4);
	c->from = world_draw(6) ? -1 : (int)world_draw(HOURS / 2);
	c->until = world_draw(6) ? -1 : HOURS / 2 + (int)world_draw(HOURS / 2);
	c->permit = world_draw(3) > 0;
	if (world_draw(5) == 0)
		world_criteria(&c->root, c->permit, false, 1);
	/* `what` of a directive is about its base, and `present` must not stand beside it. */
	if (c->root.count > 0 &&
	    (strcmp(c->root.at[0].attribute, "resource.status") == 0 || c->root.at[0].kind == PRESENT))
		c->root.count = 0;
	if (c->permit && world_draw(5) == 0)
		world_add(&c->what, world_list(&world_words[FIRST_DATA + world_draw(WORDS - FIRST_DATA)]));
	for (int i = 0; i < 3; i++)
		if (world_draw(2))
			c->acknowledges[c->acknowledged++] = ((const char *const[]){ "H0", "H1", "H2" })[i];
	(void)snprintf(prefix, sizeof prefix, "%s-", c->id);
	for (unsigned i = world_draw(4); i > 0; i--) {
		struct rule *r = &c->rules.at[c->rules.count];

		*r = world_rule(prefix, c->rules.count++, world_draw(2));
		world_nest(r);
	}
}

static inline void
world_rows(struct row *rows, int *count, int most, bool permit_side)
{
	for (*count = 0; *count < most; (*count)++) {
		struct row *r = &rows[*count];

		memset(r, 0, sizeof *r);
		r->al = (int)world_draw(permit_side ? 6 : 4);
		if (*count > 0 || !permit_side)
			world_criteria(&r->set, permit_side, false, 2);
		else
			r->al = 3 + (int)world_draw(3);
	}
}

static inline void
world_make(struct world *w)
{
	memset(w, 0, sizeof *w);
	world_nests = 0;
	w->domains = world_draw(2);
	w->outbound = w->domains && world_draw(2);
	w->law = world_draw(2);
	w->elsewhere = w->domains && world_draw(4) == 0;
	w->trusts_roles = w->domains && world_draw(4) == 0;
	w->house_permits = world_draw(5) == 0;
	w->outbound_permits = world_draw(3) > 0;
	world_layer(&w->of_a, "A", 1 + (int)world_draw(2), 3);
	world_layer(&w->of_law, "J", 1, 0);
	world_layer(&w->of_house, "H", 2 + (int)world_draw(3), 3);
	w->no_consent = WORLD_PICK("permit", "permit", "deny", "break-glass-only", "ignore");
	w->on_several = WORLD_PICK("deny-overrides", "deny-overrides", "newest", "refuse");
	w->service = world_draw(2);
	w->consents = (int)world_draw(4);
	for (int i = 0; i < w->consents; i++)
		world_consent(&w->consent[i], i);
	w->cleared = world_draw(3) == 0;
	world_rows(w->row, &w->rows, 2 + (int)world_draw(2), true);
	world_rows(w->cap, &w->caps, (int)world_draw(3), false);
	for (; w->facts < 4; w->facts++) {
		struct fact_line *f = &w->fact[w->facts];

		*f = (struct fact_line){ "treating", WORLD_PICK("u1", "u2"), "p", -1, -1 };
		if (world_draw(3) == 0)
			f->relation = "delegate-of", f->object = "u2";
		f->from = world_draw(3) ? (int)world_draw(HOURS / 2) : -1;
		f->until = world_draw(3) ? HOURS / 2 + (int)world_draw(HOURS / 2) : -1;
	}
}

static inline void
world_ask(struct question *q, const char *attribute, const char *value)
{
	struct ask *a = &q->at[q->count];

	*a = (struct ask){ .attribute = attribute };
	if (value)
		a->value[a->values++] = value;
	q->count++;
}

static inline void
world_ask_words(struct question *q, const struct vocabulary_of *v)
{
	struct ask *a = &q->at[q->count++];

	*a = (struct ask){ .attribute = v->attribute };
	a->values = world_values(v, world_draw(5) ? 1 : (int)world_draw(3), a->value);
	/* Groups are words of policies. */
	for (int i = 0; i < a->values; i++)
		if (strcmp(a->value[i], "clinician") == 0)
			a->value[i] = "physician";
		else if (strcmp(a->value[i], "access") == 0)
			a->value[i] = "read";
		else if (strcmp(a->value[i], "medication") == 0)
			a->value[i] = "MedicationStatement";
}

/* NARROWED: the request says of what entry. */
static inline void
world_question(struct question *q, const struct world *w, bool narrowed)
{
	memset(q, 0, sizeof *q);
	world_ask(q, "subject.type", "user");
	world_ask(q, "subject.id", WORLD_PICK("u1", "u2"));
	world_ask(q, "action.name", WORLD_PICK("read", "read", "search", "create"));
	world_ask(q, "resource.type", "record");
	world_ask(q, "resource.id", "r");
	if (w->domains && world_draw(20) > 0)
		world_ask(q, "subject.domain", WORLD_PICK("A", "A", "A", "B", "C"));
	if (w->domains && world_draw(20) > 0)
		world_ask(q, "resource.domain", world_draw(20) ? "B" : "D");
	if (world_draw(12) > 0)
		world_ask(q, "resource.patient", world_draw(8) ? "p" : "q");
	for (int i = 0; i < FIRST_DATA; i++)
		if (i != 5 && i != 6 && world_draw(6) > 0)
			world_ask_words(q, &world_words[i]);
	if (world_draw(3) > 0)
		world_ask(q, "resource.ward", WORLD_PICK("w1", "w2"));
	if (world_draw(3) == 0)
		world_ask(q, "subject.on_behalf_of", "u2");
	if (world_draw(2))
		world_ask(q, "context.justification", WORLD_PICK("unconscious", "unconscious", ""));
	if (world_draw(10) == 0)
		world_ask(q, "context.supported_actions", WORLD_PICK("level", "redact", "keep-only"));
	if (narrowed)
		for (int i = FIRST_DATA; i < WORDS; i++)
			if (world_draw(2))
				world_ask_words(q, &world_words[i]);
	for (int i = 0; i < q->count; i++)
		for (int k = FIRST_DATA; k < WORDS; k++)
			q->narrowed =
			    q->narrowed || strcmp(q->at[i].attribute, world_words[k].attribute) == 0;
	q->time = world_draw(12) ? (int)world_draw(HOURS) : -1;
	q->claimed = world_draw(5) ? -1 : (int)world_draw(6);
}

#endif
