/* SPDX-License-Identifier: ISC */
#include "common/access/difference.h"

#include <stdlib.h>

#define PATIENT "the-patient"

/*
 * What the patient has said.  A request that any directive lets through is let through where the directive
 * permits all; what overrides a directive shows where it denies all.
 */
enum said { SAID_NOTHING, SAID_PERMITS, SAID_DENIES, SAID_ACKNOWLEDGES, SAID_DRAFT, SAID_COUNT };

enum { RULE_WORDS = 16 };

/* The rules and rows of clearances that spoke in one policy alone: a bit each. */
struct rule_set {
	uint64_t bits[RULE_WORDS];
};

/* How two verdicts differ. */
struct clash {
	bool there;
	enum difference_kind kind;
	struct rule_set rules;
	/* Where no rule tells them apart: why the one denies, or how far both permit. */
	const char *reason;
	unsigned al[2];
};

/* A clash, and the choices of the request that shows it. */
struct seen {
	struct clash clash;
	unsigned at, at_consent;
	uint32_t *choice; /* by dimension */
	unsigned said;    /* attributes that the request has */
	size_t number;    /* in the order of finding */
	struct seen *next;
};

struct hunt {
	struct differences *d;
	const struct changes *changes;
	struct engine *e[2];
	struct space *s[2];
	struct verdict v[2];
	struct buffer terms[2];
	struct bytes *id; /* of all rules */
	unsigned ids;
	const struct clearance_row **row; /* of both policies; a row that stands in both is there once */
	unsigned rows;
	struct directive one[SAID_COUNT];
	struct directives table[SAID_COUNT];
	struct bytes text[SAID_COUNT];
	const struct criteria **partner[LAYER_CONSENT + 1]; /* permits of a layer; last: rows of clearances */
	unsigned *partner_side[LAYER_CONSENT + 1];
	size_t partners[LAYER_CONSENT + 1];
	struct seen *seen;
	size_t seens;
	struct arena arena;
	uint64_t random;
};

/* xorshift64: the same numbers in every run. */
static uint32_t
dice(struct hunt *h, uint32_t sides)
{
	h->random ^= h->random << 13;
	h->random ^= h->random >> 7;
	h->random ^= h->random << 17;
	return (uint32_t)(h->random >> 32) % sides;
}

static unsigned
rule_number(const struct hunt *h, struct bytes id)
{
	unsigned i = 0;

	while (i < h->ids && !bytes_equal(h->id[i], id))
		i++;
	return i;
}

static unsigned
row_number(const struct hunt *h, const struct clearance_row *row)
{
	unsigned i = 0;

	while (i < h->rows && !yaml_same(h->row[i]->node, row->node))
		i++;
	return i;
}

static void
flip(struct rule_set *set, unsigned number)
{
	unsigned bit = number % (64 * RULE_WORDS);

	set->bits[bit / 64] ^= UINT64_C(1) << bit % 64;
}

static void
mark_rules(const struct hunt *h, const struct verdict *v, struct rule_set *set)
{
	for (int i = 0; i < LAYER_CONSENT; i++) {
		const struct layer_outcome *o = &v->outcome[i];

		for (uint32_t k = 0; o->state && k < o->file->rules; k++)
			if (layer_rule_acts(o, k))
				flip(set, rule_number(h, o->file->rule[k].id));
	}
	if (v->cleared && v->clearance.row)
		flip(set, h->ids + row_number(h, v->clearance.row));
	if (v->cleared && v->clearance.cap)
		flip(set, h->ids + row_number(h, v->clearance.cap));
}

static bool
is_empty(const struct rule_set *a)
{
	for (int i = 0; i < RULE_WORDS; i++)
		if (a->bits[i] != 0)
			return false;
	return true;
}

static bool
is_within(const struct rule_set *a, const struct rule_set *b)
{
	for (int i = 0; i < RULE_WORDS; i++)
		if (a->bits[i] & ~b->bits[i])
			return false;
	return true;
}

/* The obligations as they are written, without the end, which depends on the clock. */
static bool
same_terms(struct hunt *h)
{
	for (unsigned side = 0; side < 2; side++) {
		struct verdict v = h->v[side];
		const struct answer_frame frame = {
			.engine = h->e[side], .scratch = &h->e[side]->scratch, .request = "", .item = -1
		};
		struct json_write w = json_write_to(&h->terms[side]);

		v.ends = false;
		h->terms[side].used = 0;
		answer_terms_write(&w, &frame, &v);
	}
	return bytes_equal(buffer_bytes(&h->terms[0]), buffer_bytes(&h->terms[1]));
}

static struct bytes
level_of(const struct hunt *h, unsigned side)
{
	const struct verdict *v = &h->v[side];

	return v->cleared && v->level >= 0 ? h->e[side]->policy->level[v->level].name
					   : (struct bytes){ "", 0 };
}

/* False if both verdicts come to the same. */
static bool
kind_of(struct hunt *h, enum difference_kind *kind)
{
	const struct verdict *a = &h->v[0], *b = &h->v[1];

	if (a->permitted != b->permitted) {
		*kind = b->permitted ? DIFFERENCE_PERMITTED : DIFFERENCE_DENIED;
		return true;
	}
	*kind = DIFFERENCE_LEVEL;
	if (a->permitted &&
	    (a->cleared != b->cleared || a->al != b->al || !bytes_equal(level_of(h, 0), level_of(h, 1))))
		return true;
	*kind = DIFFERENCE_TERMS;
	return (a->permitted || a->owes > 0 || b->owes > 0) && !same_terms(h);
}

/* Decides the request at hand in both. */
static struct clash
compare(struct hunt *h)
{
	struct clash c = { .there = false };

	for (unsigned side = 0; side < 2; side++)
		decide_trial(h->e[side], &h->s[side]->request, &h->v[side]);
	h->d->tried++;
	c.there = kind_of(h, &c.kind);
	for (unsigned side = 0; c.there && side < 2; side++) {
		mark_rules(h, &h->v[side], &c.rules);
		c.al[side] = h->v[side].al;
	}
	c.reason = h->v[c.kind == DIFFERENCE_DENIED].reason;
	return c;
}

/* True if whoever has read of A learns nothing from B. */
static bool
tells_all_of(const struct clash *a, const struct clash *b)
{
	if (a->kind != b->kind || !is_within(&a->rules, &b->rules))
		return false;
	if (!is_empty(&a->rules))
		return true;
	if (a->kind == DIFFERENCE_LEVEL)
		return a->al[0] == b->al[0] && a->al[1] == b->al[1];
	return a->kind == DIFFERENCE_TERMS || strcmp(a->reason, b->reason) == 0;
}

static bool
is_told(const struct hunt *h, const struct clash *c)
{
	for (const struct seen *s = h->seen; s; s = s->next)
		if (tells_all_of(&s->clash, c))
			return true;
	return false;
}

/* Takes the request of the choices in the old policy's space. */
static void
both_take(struct hunt *h)
{
	space_take(h->s[0]);
	space_follow(h->s[1], h->s[0]);
}

/* True if the request at hand differs in the way of C, or for fewer rules. */
static bool
still(struct hunt *h, const struct clash *c)
{
	struct clash now;

	both_take(h);
	now = compare(h);
	return now.there && tells_all_of(&now, c);
}

static bool
is_domain(const struct space_dimension *d)
{
	return d->attribute == ATTRIBUTE_SUBJECT_DOMAIN || d->attribute == ATTRIBUTE_RESOURCE_DOMAIN;
}

static bool
shrink_dimension(struct hunt *h, struct space_dimension *d, const struct clash *c)
{
	uint32_t before = d->at;

	for (uint32_t pass = 0; pass < 2; pass++)
		for (uint32_t i = 0; i < d->choices && (pass == 0 || i < before); i++) {
			if (pass == 0 && (d->choice[i].values.present || i == before || is_domain(d)))
				continue;
			d->at = i;
			if (still(h, c))
				return true;
		}
	d->at = before;
	return false;
}

/* The first of COUNT tables that still shows the difference. */
static void
shrink_table(struct hunt *h, unsigned *at, const struct clash *c)
{
	unsigned before = *at;

	for (*at = 0; *at < before; ++*at)
		if (still(h, c))
			return;
}

static struct space_dimension *
dimension_of_type(struct space *s)
{
	unsigned i = 0;

	while (s->dimension[i].attribute != ATTRIBUTE_RESOURCE_TYPE)
		i++;
	return &s->dimension[i];
}

/* A request that says no more than it must. */
static struct clash
shrink(struct hunt *h, struct clash c)
{
	struct space *s = h->s[0];
	struct space before = *s;

	/* Of all records, and a patient who permits, most people have a picture. */
	dimension_of_type(s)->at = 0;
	s->at_consent = SAID_PERMITS;
	if (!still(h, &c))
		*s = before;
	for (int pass = 0; pass < 2; pass++) {
		shrink_table(h, &s->at_consent, &c);
		shrink_table(h, &s->at, &c);
		for (unsigned i = 0; i < s->dimensions; i++)
			if (s->dimension[i].choices > 0 &&
			    s->dimension[i].choice[s->dimension[i].at].values.present)
				(void)shrink_dimension(h, &s->dimension[i], &c);
	}
	both_take(h);
	return compare(h);
}

static void
keep(struct hunt *h, const struct clash *c)
{
	const struct space *s = h->s[0];
	struct seen *seen = arena_take(&h->arena, sizeof *seen);

	*seen = (struct seen){ .clash = *c, .at = s->at, .at_consent = s->at_consent, .next = h->seen };
	seen->choice = arena_array(&h->arena, s->dimensions + 1, sizeof *seen->choice);
	for (unsigned i = 0; i < s->dimensions; i++) {
		const struct space_dimension *d = &s->dimension[i];

		seen->choice[i] = d->at;
		seen->said += d->choices > 0 ? d->choice[d->at].values.count : 0;
	}
	seen->number = h->seens++;
	h->seen = seen;
}

static void
take_again(struct hunt *h, const struct seen *seen)
{
	struct space *s = h->s[0];

	for (unsigned i = 0; i < s->dimensions; i++)
		s->dimension[i].at = seen->choice[i];
	s->at = seen->at;
	s->at_consent = seen->at_consent;
	both_take(h);
}

/* Looks at the request at hand, which stays at hand. */
static void
judge(struct hunt *h)
{
	struct clash c = compare(h);
	struct space before;

	if (!c.there || is_told(h, &c))
		return;
	before = *h->s[0];
	c = shrink(h, c);
	keep(h, &c);
	*h->s[0] = before;
}

/* By kind, then the shortest first, then in the order of finding. */
static int
by_kind(const void *a, const void *b)
{
	const struct seen *left = *(struct seen *const *)a, *right = *(struct seen *const *)b;

	if (left->clash.kind != right->clash.kind)
		return left->clash.kind < right->clash.kind ? -1 : 1;
	if (left->said != right->said)
		return left->said < right->said ? -1 : 1;
	return left->number < right->number ? -1 : 1;
}

/* Tells what was found, but for what another one tells as well.  False if FOUND stops. */
static bool
tell_all(struct hunt *h)
{
	struct seen **all = arena_array(&h->arena, h->seens + 1, sizeof(void *));
	size_t count = 0;
	bool good = true;

	for (struct seen *s = h->seen; s; s = s->next)
		all[count++] = s;
	if (count > 1)
		qsort(all, count, sizeof(void *), by_kind);
	for (size_t i = 0; i < count && good; i++) {
		struct difference d = { .kind = all[i]->clash.kind,
			.old = h->s[0],
			.new = h->s[1],
			.consent = h->text[all[i]->at_consent] };
		bool known = false;

		for (size_t k = 0; k < count && !known; k++)
			known = k != i && tells_all_of(&all[k]->clash, &all[i]->clash) &&
				(k < i || !tells_all_of(&all[i]->clash, &all[k]->clash));
		if (known)
			continue;
		take_again(h, all[i]);
		good = h->d->found(h->d->context, &d);
	}
	return good;
}

static void
meet(struct hunt *h, unsigned side, const struct criteria *c)
{
	(void)space_meet(h->s[side], c, dice(h, 1 << 16));
	space_follow(h->s[!side], h->s[side]);
}

static void
meet_partner(struct hunt *h, int layer)
{
	size_t count = h->partners[layer];

	if (count > 0) {
		uint32_t i = dice(h, (uint32_t)count);

		meet(h, h->partner_side[layer][i], h->partner[layer][i]);
	}
}

static void
scatter(struct hunt *h)
{
	struct space *s = h->s[0];

	s->at = dice(h, 4) ? 0 : dice(h, s->tables);
	s->at_consent = dice(h, SAID_COUNT);
	for (unsigned i = 0; i < s->dimensions; i++) {
		struct space_dimension *d = &s->dimension[i];

		d->at = d->choices == 0                             ? 0
			: (d->closed || is_domain(d)) && dice(h, 2) ? 0
								    : dice(h, d->choices);
	}
	both_take(h);
}

/* A request that comes near to what changed, and by which the other layers let pass. */
static void
aim(struct hunt *h, const struct change *c)
{
	scatter(h);
	meet_partner(h, LAYER_OUTBOUND);
	meet_partner(h, LAYER_CONSENT);
	if (dice(h, 4))
		meet_partner(h, LAYER_ORGANIZATION);
	if (!c)
		return;
	meet(h, c->side, c->criteria);
	if (c->rule && c->rule->excepts > 0 && dice(h, 2))
		meet(h, c->side, &c->rule->except[dice(h, c->rule->excepts)]);
	if (c->criteria->count > 0 && dice(h, 2) == 0) {
		const struct criterion *t = &c->criteria->at[dice(h, c->criteria->count)];
		struct space *s = h->s[c->side];

		for (unsigned i = 0; i < s->dimensions; i++)
			if (s->dimension[i].attribute == t->attribute && s->dimension[i].choices > 0)
				s->dimension[i].at = dice(h, s->dimension[i].choices);
		if (t->kind == CRITERION_RELATION)
			s->at = dice(h, s->tables);
		space_take(s);
		space_follow(h->s[!c->side], s);
	}
}

/* How many requests there are; MOST if there are more. */
static uint64_t
size_of(const struct space *s, uint64_t most)
{
	uint64_t size = (uint64_t)s->tables * SAID_COUNT;

	for (unsigned i = 0; i < s->dimensions && size < most; i++)
		size *= s->dimension[i].choices > 1 ? s->dimension[i].choices : 1;
	return size;
}

static void
search(struct hunt *h)
{
	h->d->all = !h->changes->any || size_of(h->s[0], h->d->limit + 1) <= h->d->limit;
	if (!h->changes->any)
		return;
	while (h->d->all && space_next(h->s[0])) {
		space_follow(h->s[1], h->s[0]);
		judge(h);
	}
	for (size_t i = 0; !h->d->all && h->d->tried < h->d->limit; i++) {
		aim(h, h->changes->count > 0 ? &h->changes->at[i % h->changes->count] : NULL);
		judge(h);
	}
}

static struct bytes
word(const struct engine *e, uint32_t number)
{
	return intern_text(&e->words, number);
}

static void
add_commands(struct space *s, const struct engine *e)
{
	for (uint32_t i = 0; i < e->clearances.commands; i++)
		space_add_text(s, ATTRIBUTE_COMMAND, word(e, e->clearances.command[i].word));
	if (e->clearances.commands > 0) {
		space_add_text(s, ATTRIBUTE_COMMAND_ID, bytes_of("AAAAAAAAAAAAAAAAAAAAAA"));
		space_add_text(s, ATTRIBUTE_ISSUED, bytes_of("2026-01-01T00:00:00Z"));
	}
}

/* What the settings of a layer's file ask of a request. */
static void
add_file(struct space *s, const struct engine *e, const struct layer_file *f)
{
	if (f->domain) {
		space_add_text(s, ATTRIBUTE_SUBJECT_DOMAIN, word(e, f->domain));
		if (f->layer == LAYER_ORGANIZATION)
			space_add_text(s, ATTRIBUTE_RESOURCE_DOMAIN, word(e, f->domain));
	}
	for (uint32_t i = 0; i < f->trusts; i++)
		space_add_text(s, ATTRIBUTE_SUBJECT_DOMAIN, word(e, f->trust[i].domain));
	for (uint32_t i = 0; i < f->no_patient.count; i++)
		space_add_text(s, ATTRIBUTE_RESOURCE_TYPE, word(e, f->no_patient.at[i]));
	for (uint32_t i = 0; i < f->rules; i++)
		space_add_rule(s, &f->rule[i]);
}

static void
fill(struct hunt *h, unsigned side)
{
	struct engine *e = h->e[side];
	struct space *s = h->s[side];

	space_begin(s, e, NULL, bytes_of(PATIENT));
	s->lists = true;
	/* Nobody's domain, and none, are tried as well. */
	for (unsigned i = 0; i < s->dimensions; i++)
		s->dimension[i].closed = s->dimension[i].closed && !is_domain(&s->dimension[i]);
	space_usual(s);
	for (int layer = LAYER_ORGANIZATION; layer >= LAYER_OUTBOUND; layer--)
		for (uint32_t i = 0; i < e->layers.files; i++)
			if (e->layers.file[i].layer == (enum layer)layer)
				add_file(s, e, &e->layers.file[i]);
	for (uint32_t i = 0; i < e->clearances.rows; i++)
		space_add_criteria(s, &e->clearances.row[i].criteria);
	for (uint32_t i = 0; i < e->clearances.caps; i++)
		space_add_criteria(s, &e->clearances.cap[i].criteria);
	for (unsigned i = 0; e->clearances.there && i < e->policy->levels; i++)
		space_add_text(s, ATTRIBUTE_LABEL, e->policy->level[i].name);
	add_commands(s, e);
	s->consent = h->table;
	s->consents = SAID_COUNT;
}

static void
add_partner(struct hunt *h, int layer, unsigned side, const struct criteria *c)
{
	h->partner[layer][h->partners[layer]] = c;
	h->partner_side[layer][h->partners[layer]++] = side;
}

static size_t
count_rules(const struct engine *e)
{
	size_t count = 0;

	for (uint32_t i = 0; i < e->layers.files; i++)
		count += e->layers.file[i].rules;
	return count;
}

static void
list_rows(struct hunt *h, const struct clearance_row *row, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (row_number(h, &row[i]) == h->rows)
			h->row[h->rows++] = &row[i];
}

static void
list_rules(struct hunt *h)
{
	size_t most = count_rules(h->e[0]) + count_rules(h->e[1]) + 1;

	for (unsigned side = 0; side < 2; side++)
		most += h->e[side]->clearances.rows + h->e[side]->clearances.caps;
	h->row = arena_array(&h->arena, most, sizeof(void *));

	h->id = arena_array(&h->arena, most, sizeof *h->id);
	for (int i = 0; i <= LAYER_CONSENT; i++) {
		h->partner[i] = arena_array(&h->arena, most, sizeof(void *));
		h->partner_side[i] = arena_array(&h->arena, most, sizeof(unsigned));
	}
	for (unsigned side = 0; side < 2; side++) {
		const struct engine *e = h->e[side];

		for (uint32_t i = 0; i < e->layers.files; i++)
			for (uint32_t k = 0; k < e->layers.file[i].rules; k++) {
				const struct access_rule *rule = &e->layers.file[i].rule[k];

				if (rule_number(h, rule->id) == h->ids)
					h->id[h->ids++] = rule->id;
				if (rule->effect == EFFECT_PERMIT)
					add_partner(h, (int)e->layers.file[i].layer, side, rule->criteria);
			}
		for (uint32_t i = 0; i < e->clearances.rows; i++)
			add_partner(h, LAYER_CONSENT, side, &e->clearances.row[i].criteria);
		list_rows(h, e->clearances.row, e->clearances.rows);
		list_rows(h, e->clearances.cap, e->clearances.caps);
	}
}

/* The ids of all rules of either policy that override, as JSON; also as a list for a directive. */
static void
write_acknowledged(struct hunt *h, struct json_write *w)
{
	struct directive *d = &h->one[SAID_ACKNOWLEDGES];

	d->acknowledges = arena_array(&h->arena, h->ids + 1, sizeof *d->acknowledges);
	json_write_name(w, "acknowledges");
	json_write_open(w, '[');
	for (unsigned side = 0; side < 2; side++)
		for (uint32_t i = 0; i < h->e[side]->layers.files; i++)
			for (uint32_t k = 0; k < h->e[side]->layers.file[i].rules; k++) {
				const struct access_rule *rule = &h->e[side]->layers.file[i].rule[k];
				bool known = rule->override != OVERRIDE_ACKNOWLEDGED;

				for (uint32_t n = 0; n < d->acknowledged; n++)
					known = known || bytes_equal(d->acknowledges[n], rule->id);
				if (known)
					continue;
				d->acknowledges[d->acknowledged++] = rule->id;
				json_write_value(w, rule->id_text);
			}
	json_write_close(w, ']');
}

/* A directive that was verified and settled, so that every house heeds it. */
static void
make_directive(struct hunt *h, enum said c)
{
	struct directive *d = &h->one[c];
	struct buffer text;
	struct json_write w;

	*d = (struct directive){ .id = BYTES("witness"),
		.id_text = BYTES("\"witness\""),
		.patient = BYTES(PATIENT),
		.status = c == SAID_DRAFT ? DIRECTIVE_SETTLING : DIRECTIVE_ACTIVE,
		.status_word = c == SAID_DRAFT ? "draft" : "active",
		.verified = true,
		.listed = true,
		.root = &criteria_none,
		.what = &criteria_none,
		.base_permit = c == SAID_PERMITS };
	buffer_init(&text, BUFFER_UNLIMITED);
	w = json_write_to(&text);
	json_write_open(&w, '{');
	json_write_member_number(&w, "ehr_authz", 1);
	json_write_member(&w, "consent", d->id);
	json_write_member(&w, "patient", d->patient);
	json_write_member(&w, "status", bytes_of(d->status_word));
	json_write_member(&w, "base", bytes_of(d->base_permit ? "permit" : "deny"));
	if (c == SAID_ACKNOWLEDGES)
		write_acknowledged(h, &w);
	json_write_name(&w, "rules");
	json_write_open(&w, '[');
	json_write_close(&w, ']');
	json_write_close(&w, '}');
	h->text[c] = arena_copy(&h->arena, buffer_bytes(&text));
	buffer_release(&text);
	directives_alone(&h->table[c], d);
	h->table[c].any = true;
}

bool
differences_find(struct differences *d, const struct changes *c, struct engine *old, struct engine *new)
{
	struct hunt h = { .d = d, .changes = c, .e = { old, new }, .random = UINT64_C(88172645463325252) };
	bool good;

	d->tried = 0;
	list_rules(&h);
	for (int i = SAID_PERMITS; i < SAID_COUNT; i++)
		make_directive(&h, (enum said)i);
	for (unsigned side = 0; side < 2; side++) {
		h.s[side] = arena_take(&h.arena, sizeof *h.s[side]);
		buffer_init(&h.terms[side], BUFFER_UNLIMITED);
		fill(&h, side);
	}
	space_join(h.s[0], h.s[1]);
	search(&h);
	good = tell_all(&h);
	for (unsigned side = 0; side < 2; side++) {
		space_end(h.s[side]);
		buffer_release(&h.terms[side]);
	}
	for (int i = SAID_PERMITS; i < SAID_COUNT; i++)
		free(h.table[i].slot);
	arena_release(&h.arena);
	return good;
}
