/* SPDX-License-Identifier: ISC */
#include "common/access/answer_layers.h"

#include "common/access/put.h"
#include "common/json/json_write.h"

static const char *const results[] = { "NotApplicable", "Permit", "Deny", "Indeterminate" };

bool
answer_rule_spoke(const struct outcome *o, uint32_t i)
{
	const struct state *state = &o->state[i];

	if (state->holding != RULE_HOLDS)
		return false;
	if (o->file->rule[i].effect == EFFECT_PERMIT)
		return o->result == RESULT_PERMIT;
	return o->result == RESULT_DENY && item_is_all(state->item);
}

/* One layer's beginning, up to the list of its rules. */
static void
begin(const struct answer *a, enum layer layer, struct bytes domain, enum result result)
{
	struct buffer *out = a->out;

	put(out, out->at[out->used - 1] == '[' ? "{\"layer\":\"" : ",{\"layer\":\"");
	put(out, answer_layer(layer));
	put(out, "\"");
	if (domain.size > 0) {
		put(out, ",\"domain\":");
		(void)json_write_string(out, domain);
	}
	put(out, ",\"result\":\"");
	put(out, results[result]);
	put(out, "\",\"rules\":[");
}

static void
put_comma(struct buffer *out)
{
	if (out->at[out->used - 1] != '[')
		put(out, ",");
}

static void
put_reason(struct buffer *out, enum result result, const char *reason)
{
	if (!reason || (result != RESULT_DENY && result != RESULT_INDETERMINATE))
		return;
	put(out, ",\"reason\":\"");
	put(out, reason);
	put(out, "\"");
}

/* {"rule":"H-2","missing":["subject.ward"]}; a layer's own note has no rule. */
static void
put_missing(const struct answer *a, struct bytes id_text, const struct attribute_set *missing)
{
	const struct attributes *all = &a->engine->attributes;
	struct buffer *out = a->out;

	put_comma(out);
	put(out, "{");
	if (id_text.size > 0) {
		put(out, "\"rule\":");
		put_bytes(out, id_text);
		put(out, ",");
	}
	put(out, "\"missing\":[");
	for (unsigned i = 0; i < all->count; i++) {
		if (!attribute_set_has(missing, all->order[i]))
			continue;
		put_comma(out);
		put(out, "\"");
		put_bytes(out, all->at[all->order[i]].name);
		put(out, "\"");
	}
	put(out, "]}");
}

static bool
is_unknown(const struct outcome *o, uint32_t i, enum effect effect)
{
	const struct rule *rule = &o->file->rule[i];

	return rule->effect == effect && o->state[i].holding == RULE_UNKNOWN && !rule->skip_missing;
}

static void
put_unknown(const struct answer *a, const struct outcome *o, enum effect effect, const char *name)
{
	bool any = false;

	for (uint32_t i = 0; o->state && i < o->file->rules; i++) {
		if (!is_unknown(o, i, effect))
			continue;
		put(a->out, any ? "" : name);
		put_missing(a, o->file->rule[i].id_text, &o->state[i].missing);
		any = true;
	}
	put(a->out, any ? "]" : "");
}

static void
put_outcome(const struct answer *a, const struct verdict *v, const struct outcome *o)
{
	struct buffer *out = a->out;
	unsigned whose = o->layer == LAYER_OUTBOUND ? ATTRIBUTE_SUBJECT_DOMAIN : ATTRIBUTE_RESOURCE_DOMAIN;

	begin(a, o->layer, request_string(v->request, whose), o->result);
	for (uint32_t i = 0; o->state && i < o->file->rules; i++)
		if (answer_rule_spoke(o, i)) {
			put_comma(out);
			put_bytes(out, o->file->rule[i].id_text);
		}
	put(out, "]");
	put(out, o->by_default ? ",\"default\":true" : "");
	put_reason(out, o->result, o->reason);
	if (o->result != RESULT_PERMIT)
		put_unknown(a, o, EFFECT_PERMIT, ",\"near_miss\":[");
	put_unknown(a, o, EFFECT_DENY, ",\"unknown\":[");
	if (!o->state && o->result == RESULT_INDETERMINATE) {
		put(out, ",\"unknown\":[");
		put_missing(a, (struct bytes){ "", 0 }, &o->missing);
		put(out, "]");
	}
	put(out, "}");
}

/* The next of all that was spoken by opinions with the layer's result, by bytes; NULL behind the last. */
static const struct spoken *
next_spoken(const struct consent *c, const struct spoken *last)
{
	const struct spoken *next = NULL;

	for (uint32_t i = 0; i < c->opinions; i++)
		for (const struct spoken *s = c->opinion[i].result == c->result ? c->opinion[i].spoken : NULL;
		     s; s = s->next)
			if ((!last || bytes_compare(s->id, last->id) > 0) &&
			    (!next || bytes_compare(s->id, next->id) < 0))
				next = s;
	return next;
}

static void
put_consent(const struct answer *a, const struct consent *c)
{
	struct buffer *out = a->out;
	bool any = false;

	begin(a, LAYER_CONSENT, (struct bytes){ "", 0 }, c->result);
	for (const struct spoken *s = next_spoken(c, NULL); s; s = next_spoken(c, s)) {
		put_comma(out);
		put_bytes(out, s->id_text);
	}
	put(out, "]");
	put(out, c->by_default ? ",\"default\":true" : "");
	put_reason(out, c->result, c->reason);
	for (uint32_t i = 0; i < c->overrides; i++) {
		put(out, i == 0 ? ",\"overridden_by\":[" : ",");
		put_bytes(out, c->overriding[i]->id_text);
	}
	put(out, c->overrides > 0 ? "]" : "");
	for (uint32_t i = 0; i <= c->opinions; i++)
		for (const struct note *n = i < c->opinions ? c->opinion[i].unknown : c->unknown; n;
		     n = n->next) {
			put(out, any ? "" : ",\"unknown\":[");
			put_missing(a, n->id_text, &n->missing);
			any = true;
		}
	put(out, any ? "]}" : "}");
}

static void
put_stage(const struct answer *a, enum layer layer, const char *reason)
{
	enum result result = reason ? RESULT_DENY : RESULT_PERMIT;

	begin(a, layer, (struct bytes){ "", 0 }, result);
	put(a->out, "]");
	put_reason(a->out, result, reason);
	put(a->out, "}");
}

void
answer_layers(const struct answer *a, const struct verdict *v)
{
	for (int i = 0; i < LAYER_CONSENT; i++)
		if (v->outcome[i].applies)
			put_outcome(a, v, &v->outcome[i]);
	if (v->consent.applies)
		put_consent(a, &v->consent);
	if (v->cleared)
		put_stage(a, LAYER_CLEARANCE, v->reasons[LAYER_CLEARANCE]);
	if (v->commanded)
		put_stage(a, LAYER_COMMAND, v->reasons[LAYER_COMMAND]);
}
