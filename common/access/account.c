/* SPDX-License-Identifier: ISC */
#include "common/access/parts.h"

struct account {
	struct buffer *out;
	struct engine *e;
	const struct verdict *v;
};

static void
put(const struct account *a, const char *text)
{
	buffer_add(a->out, text, strlen(text));
}

static void
put_bytes(const struct account *a, struct bytes text)
{
	buffer_add(a->out, text.at, text.size);
}

static void
put_number(const struct account *a, unsigned number)
{
	struct json_write w = json_write_to(a->out);

	json_write_natural(&w, number);
}

/* TEXT is escaped as inside a JSON string. */
static void
put_sentence(const struct account *a, struct bytes text)
{
	for (size_t i = 0; i < text.size; i++) {
		if (text.at[i] == '\\' && i + 1 < text.size &&
		    (text.at[i + 1] == '"' || text.at[i + 1] == '\\'))
			i++;
		buffer_add(a->out, text.at + i, 1);
	}
}

static void
put_rule(const struct account *a, const char *before, const struct access_rule *rule)
{
	put(a, "  ");
	put(a, before);
	put_sentence(a, rule->sentence);
	put(a, "\n");
}

static bool
is_overriding(const struct verdict *v, const struct access_rule *rule)
{
	for (uint32_t i = 0; i < v->consent.overrides; i++)
		if (v->consent.overriding[i] == rule)
			return true;
	return false;
}

/* The rules of a layer that the answer rests on. */
static void
put_outcome(const struct account *a, const struct layer_outcome *o)
{
	for (uint32_t i = 0; o->state && i < o->file->rules; i++) {
		const struct access_rule *rule = &o->file->rule[i];
		bool withholds = rule->effect == EFFECT_DENY && a->v->permitted;

		if (!layer_rule_acts(o, i) || (!a->v->permitted && !a->v->denied[o->layer]))
			continue;
		put_rule(a,
		    withholds                   ? "a part is withheld by "
		    : is_overriding(a->v, rule) ? "against the patient's consent by "
						: "",
		    rule);
	}
}

static void
put_consent(const struct account *a)
{
	const struct consent *c = &a->v->consent;

	if (!c->applies || (a->v->permitted ? c->overrides > 0 : !a->v->denied[LAYER_CONSENT]))
		return;
	for (uint32_t i = 0; i < c->speaks; i++)
		if (c->spoken[i]->rule)
			put_rule(a, "", c->spoken[i]->rule);
}

/* How far a permit goes, and what whoever enforces the answer must do. */
static void
put_terms(const struct account *a)
{
	struct verdict v = *a->v;
	const struct answer_frame frame = {
		.engine = a->e, .scratch = &a->e->scratch, .request = "", .item = -1
	};
	struct json_write w = json_write_to(a->out);
	size_t before = a->out->used;
	const char *at;

	v.ends = false;
	v.level_owed = false;
	v.cleared = false;
	answer_terms_write(&w, &frame, &v);
	at = memchr(a->out->at + before, '[', a->out->used - before);
	if (at && at[1] != ']') {
		struct bytes list = { at, a->out->used - (size_t)(at - a->out->at) };
		struct bytes copy = { scratch_take(&a->e->scratch, list.size), list.size };

		memcpy((char *)(uintptr_t)copy.at, list.at, list.size);
		a->out->used = before;
		put(a, "  obligations: ");
		put_bytes(a, copy);
		put(a, "\n");
		return;
	}
	a->out->used = before;
}

static void
put_row(const struct account *a, const char *what, const struct clearance_row *row)
{
	if (!row)
		return;
	put(a, what);
	put_number(a, row->al);
	put(a, " by ");
	put(a, a->e->clearances.file);
	put(a, ":");
	put_number(a, row->node->line);
	put(a, "\n");
}

static void
put_undone(const struct account *a)
{
	struct buffer lines;
	struct bytes rest, line;

	buffer_init(&lines, BUFFER_UNLIMITED);
	(void)undone_write(&lines, a->v);
	rest = buffer_bytes(&lines);
	while (bytes_line(&rest, &line)) {
		put(a, "  cannot be carried out: ");
		put_bytes(a, line);
		put(a, "\n");
	}
	buffer_release(&lines);
}

static bool
rests_on_rules(const struct verdict *v)
{
	for (int i = 0; i < LAYER_CONSENT; i++)
		for (uint32_t k = 0; v->outcome[i].state && k < v->outcome[i].file->rules; k++)
			if (layer_rule_acts(&v->outcome[i], k) &&
			    (v->permitted || v->decided_by == (enum layer)i))
				return true;
	return v->decided_by == LAYER_CONSENT && v->consent.speaks > 0 && !v->consent.by_default &&
	       v->consent.spoken[v->consent.speaks - 1]->rule;
}

void
account_verdict(struct buffer *out, struct engine *e, const struct verdict *v)
{
	const struct account a = { .out = out, .e = e, .v = v };

	put(&a, v->permitted ? "permitted" : "denied by ");
	if (!v->permitted)
		put(&a, answer_layer_name(v->decided_by));
	if (v->permitted && v->cleared && v->level >= 0) {
		put(&a, ", to level ");
		put_bytes(&a, e->policy->level[v->level].name);
		put(&a, " (AL ");
		put_number(&a, v->al);
		put(&a, ")");
	}
	if (!rests_on_rules(v) && answer_reason_sentence(v->reason)) {
		put(&a, ": ");
		put(&a, answer_reason_sentence(v->reason));
	}
	put(&a, "\n");
	for (int i = 0; i < LAYER_CONSENT; i++)
		put_outcome(&a, &v->outcome[i]);
	put_consent(&a);
	if (v->cleared && (v->permitted || v->denied[LAYER_CLEARANCE])) {
		put_row(&a, "  AL ", v->clearance.row);
		put_row(&a, "  lowered to AL ", v->clearance.cap);
	}
	put_terms(&a);
	if (v->denied[LAYER_OBLIGATIONS])
		put_undone(&a);
}

static void
put_name(const struct account *a, unsigned attribute)
{
	put_bytes(a, a->e->attributes.at[attribute].name);
}

static void
put_value(const struct account *a, const struct value *v)
{
	if (v->kind == VALUE_TRUE || v->kind == VALUE_FALSE)
		put(a, v->kind == VALUE_TRUE ? "true" : "false");
	else
		put_bytes(a, v->text);
}

static void
put_listed(const struct account *a, const struct criterion *c)
{
	static const char *const must[] = { [CRITERION_ANY] = " must be ",
		[CRITERION_NOT] = " must not be ",
		[CRITERION_ALL] = " must have " };

	put_name(a, c->attribute);
	put(a, must[c->mode]);
	for (uint32_t i = 0; i < c->listed; i++) {
		if (i > 0)
			put(a, i + 1 < c->listed ? ", " : c->mode == CRITERION_ALL ? " and " : " or ");
		put_value(a, &c->list[i].value);
	}
}

static void
put_instant(const struct account *a, const char *before, bool has, struct instant t)
{
	char text[32];

	if (!has)
		return;
	clock_format(t, text);
	put(a, before);
	put(a, text);
}

static void
put_relation(const struct account *a, const struct criterion *c)
{
	put(a, "a fact must tell of ");
	for (uint32_t i = 0; i < c->words.count; i++) {
		put(a, i == 0 ? "" : " or ");
		put_bytes(a, intern_text(&a->e->words, c->words.at[i]));
	}
	put(a, " to ");
	put_name(a, c->other);
}

static void
put_criterion(const struct account *a, const struct criterion *c)
{
	switch (c->kind) {
	case CRITERION_PRESENT:
		put_name(a, c->attribute);
		put(a, c->flag ? " must be stated" : " must not be stated");
		break;
	case CRITERION_PERIOD:
	case CRITERION_DATE:
		put_name(a, c->kind == CRITERION_DATE ? c->attribute : ATTRIBUTE_TIME);
		put(a, " must be");
		put_instant(a, " from ", c->interval.has_from, c->interval.from);
		put_instant(a, " until ", c->interval.has_until, c->interval.until);
		break;
	case CRITERION_SAME:
		put_name(a, c->attribute);
		put(a, " and ");
		put_name(a, c->other);
		put(a, " must have a value in common");
		break;
	case CRITERION_RELATION:
		put_relation(a, c);
		break;
	case CRITERION_ACR:
		put_name(a, c->attribute);
		put(a, c->flag ? " must be at least " : " must be below ");
		put_bytes(a, intern_text(&a->e->words, a->e->roles.acr[c->rank]));
		break;
	case CRITERION_VALUES:
	case CRITERION_LABEL:
		put_listed(a, c);
		break;
	}
}

/* What the request has there; nothing for a relation. */
static void
put_present(const struct account *a, const struct criterion *c)
{
	const struct values *v = situation_values(&a->v->situation, c->attribute);

	if (c->kind == CRITERION_RELATION || c->kind == CRITERION_SAME)
		return;
	if (c->kind == CRITERION_PERIOD)
		v = situation_values(&a->v->situation, ATTRIBUTE_TIME);
	put(a, v->present ? "; it is " : "; it is missing");
	for (uint32_t i = 0; v->present && i < v->count; i++) {
		put(a, i == 0 ? "" : ", ");
		put_value(a, &v->at[i]);
	}
}

static void
put_lacks(const struct account *a, const struct criteria *c, struct situation *s)
{
	struct attribute_set missing = { 0 };
	unsigned data;

	for (uint32_t i = 0; i < c->count; i++) {
		const struct criteria one = { .at = &c->at[i], .count = 1 };
		enum truth t = criteria_judge(&one, s, &data, &missing);

		if (t == TRUTH_TRUE)
			continue;
		put(a, "      ");
		put_criterion(a, one.at);
		put_present(a, one.at);
		put(a, "\n");
	}
}

static void
put_exceptions(const struct account *a, const struct access_rule *rule, struct situation *s)
{
	for (uint32_t i = 0; i < rule->excepts; i++) {
		struct attribute_set missing = { 0 };
		unsigned data = 0;
		enum truth t = criteria_judge(&rule->except[i], s, &data, &missing);

		if (t == TRUTH_FALSE || (t == TRUTH_TRUE && data != 0))
			continue;
		put(a, "      exception ");
		put_number(a, i + 1);
		put(a, t == TRUTH_TRUE ? " is taken\n"
				       : " may be taken: something that it asks for is missing\n");
	}
}

/* NOLINTNEXTLINE(misc-no-recursion): two deep */
static void
put_account(const struct account *a, const struct access_rule *rule, struct situation *s, unsigned deep)
{
	static const char *const holding[] = {
		[RULE_NO] = "no       ", [RULE_UNKNOWN] = "missing  ", [RULE_HOLDS] = "holds    "
	};

	for (unsigned i = 0; i <= deep; i++)
		put(a, "  ");
	put(a, holding[rule_judge(rule, s, &a->e->scratch).holding]);
	put(a, rule->effect == EFFECT_PERMIT ? "permit " : "deny ");
	put_sentence(a, rule->sentence);
	put(a, "\n");
	put_lacks(a, rule->criteria, s);
	put_exceptions(a, rule, s);
	for (uint32_t i = 0; i < rule->nests; i++)
		put_account(a, &rule->nested[i], s, deep + 1);
}

static const char *
result_of(enum result r)
{
	static const char *const words[] = { [RESULT_NOT_APPLICABLE] = "does not apply",
		[RESULT_PERMIT] = "permits",
		[RESULT_DENY] = "denies",
		[RESULT_INDETERMINATE] = "cannot tell" };

	return words[r];
}

static void
put_directives(const struct account *a)
{
	const struct consent *c = &a->v->consent;
	struct situation s = a->v->situation;

	if (!c->applies)
		return;
	put(a, "\nconsent ");
	put(a, c->overrides > 0 ? "is overridden" : result_of(c->result));
	if (c->by_default)
		put(a, ": no directive of the patient applies");
	put(a, "\n");
	for (uint32_t i = 0; i < c->opinions; i++) {
		const struct directive *d = c->opinion[i].directive;

		put(a, "  directive ");
		put_bytes(a, d->id);
		put(a, d->unreadable ? " cannot be read" : " ");
		put(a, d->unreadable ? "" : result_of(c->opinion[i].result));
		put(a, d->base_permit ? ", base permit\n" : "\n");
		for (uint32_t k = 0; k < d->rules; k++)
			put_account(a, &d->rule[k], &s, 1);
	}
}

static void
put_rows(const struct account *a, const char *what, const struct clearance_row *row, uint32_t count, bool cap)
{
	struct situation s = a->v->situation;

	for (uint32_t i = 0; i < count; i++) {
		struct attribute_set missing = { 0 };
		unsigned data = 0;
		enum truth t = criteria_judge(&row[i].criteria, &s, &data, &missing);

		put(a, t == TRUTH_TRUE ? "  holds    " : t == TRUTH_FALSE ? "  no       " : "  missing  ");
		put(a, what);
		put_number(a, row[i].al);
		put(a, ", line ");
		put_number(a, row[i].node->line);
		put(a, cap && t == TRUTH_UNKNOWN ? ": what is missing counts against the requester\n" : "\n");
		put_lacks(a, &row[i].criteria, &s);
	}
}

void
account_rules(struct buffer *out, struct engine *e, const struct verdict *v)
{
	const struct account a = { .out = out, .e = e, .v = v };
	struct situation s = v->situation;

	for (int i = 0; i < LAYER_CONSENT; i++) {
		const struct layer_outcome *o = &v->outcome[i];

		if (!o->applies)
			continue;
		put(&a, "\n");
		put(&a, answer_layer_name(o->layer));
		put(&a, " ");
		put(&a, result_of(o->result));
		put(&a, o->state ? ": " : "\n");
		put(&a, o->state ? o->file->file : "");
		put(&a, o->state ? "\n" : "");
		s.custodian = o->layer != LAYER_OUTBOUND;
		for (uint32_t k = 0; o->state && k < o->file->rules; k++)
			put_account(&a, &o->file->rule[k], &s, 0);
	}
	put_directives(&a);
	if (!v->cleared)
		return;
	put(&a, "\nclearance: ");
	put(&a, e->clearances.file);
	put(&a, "\n");
	put_rows(&a, "AL ", e->clearances.row, e->clearances.rows, false);
	put_rows(&a, "at most AL ", e->clearances.cap, e->clearances.caps, true);
}
