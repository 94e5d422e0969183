/* SPDX-License-Identifier: ISC */
#include "common/access/layer.h"

const struct layer_file *
layers_find(const struct layers *l, enum layer layer, uint32_t domain)
{
	for (uint32_t i = 0; i < l->files; i++)
		if (l->file[i].layer == layer && (l->file[i].domain == 0 || l->file[i].domain == domain))
			return &l->file[i];
	return NULL;
}

const struct trust *
layer_trust(const struct layer_file *f, uint32_t domain)
{
	for (uint32_t i = 0; domain != 0 && i < f->trusts; i++)
		if (f->trust[i].domain == domain)
			return &f->trust[i];
	return NULL;
}

/* Appends a copy of ITEM to the list that *END ends. */
static const struct item **
append(const struct item **end, const struct item *item, struct scratch *scratch)
{
	struct item *copy = scratch_take(scratch, sizeof *copy);

	*copy = *item;
	copy->next = NULL;
	*end = copy;
	return &copy->next;
}

struct tally {
	bool denied;  /* for everything */
	bool unknown; /* a deny that may hold */
	bool permitted;
	bool spoke;
};

static void
count_rule(const struct rule *rule, const struct state *state, struct tally *t)
{
	if (rule->effect == EFFECT_PERMIT) {
		t->permitted = t->permitted || state->holding == RULE_HOLDS;
		return;
	}
	t->spoke = t->spoke || state->holding == RULE_HOLDS;
	t->denied = t->denied || (state->holding == RULE_HOLDS && item_is_all(state->item));
	t->unknown = t->unknown || (state->holding == RULE_UNKNOWN && !rule->skip_missing);
}

/* The items of denies that hold, and those of permits, which count with Permit only. */
static void
gather(struct outcome *o, struct scratch *scratch)
{
	const struct item **redact = &o->redact, **keep = &o->keep.items;

	o->keep.everything = o->result != RESULT_PERMIT || o->file->fallback == RESULT_PERMIT;
	for (uint32_t i = 0; i < o->file->rules; i++) {
		const struct rule *rule = &o->file->rule[i];
		const struct item *item = o->state[i].item;

		if (o->state[i].holding != RULE_HOLDS)
			continue;
		if (rule->effect == EFFECT_DENY) {
			redact = append(redact, item, scratch);
			continue;
		}
		keep = append(keep, item, scratch);
		o->keep.everything = o->keep.everything || item_is_all(item);
	}
}

struct outcome
layer_decide(const struct layer_file *f, struct situation *s, struct scratch *scratch)
{
	struct outcome o = { .layer = f->layer, .applies = true, .file = f };
	struct state *state = scratch_array(scratch, f->rules, sizeof *state);
	struct tally t = { 0 };

	for (uint32_t i = 0; i < f->rules; i++) {
		state[i] = rule_state(&f->rule[i], s, scratch);
		count_rule(&f->rule[i], &state[i], &t);
	}
	o.state = state;
	if (t.denied) {
		o.result = RESULT_DENY;
		o.reason = "deny-rule";
	} else if (t.unknown) {
		o.result = RESULT_INDETERMINATE;
		o.reason = "missing-attribute";
	} else if (t.permitted) {
		o.result = RESULT_PERMIT;
	} else {
		o.result = f->fallback;
		o.by_default = !t.spoke;
		o.reason = f->fallback == RESULT_DENY ? "default-deny" : NULL;
	}
	gather(&o, scratch);
	return o;
}
