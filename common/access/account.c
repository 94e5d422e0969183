/* SPDX-License-Identifier: ISC */
#include "common/access/parts.h"

struct account {
	struct buffer *out;
	const char *indent;
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
	put(a, a->indent);
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
		put(a, a->indent);
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
	put(a, a->indent);
	put(a, what);
	put_number(a, row->al);
	put(a, " by ");
	put(a, a->e->clearances.file);
	put(a, ":");
	put_number(a, row->node->line);
	put(a, "\n");
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
account_verdict(struct buffer *out, const char *indent, struct engine *e, const struct verdict *v)
{
	const struct account a = { .out = out, .indent = indent, .e = e, .v = v };

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
}
