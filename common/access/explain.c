/* SPDX-License-Identifier: ISC */
#include "common/access/parts.h"

#include <string.h>

/* What is lacking, and where it is written.  W NULL: it is only counted. */
struct lacking {
	struct json_write *w;
	const struct engine *e;
	struct situation *s;
	uint32_t count;
};

static void
put_name(const struct lacking *l, const char *member, unsigned attribute)
{
	json_write_member_word(l->w, member, l->e->attributes.at[attribute].name);
}

static void
put_word_of(const struct lacking *l, uint32_t word)
{
	json_write_text(l->w, intern_text(&l->e->words, word));
}

static void
put_end(const struct lacking *l, const char *name, bool has, struct instant t)
{
	char text[32];

	if (!has)
		return;
	clock_format(t, text);
	json_write_member_word(l->w, name, bytes_of(text));
}

static void
put_listed(const struct lacking *l, const struct criterion *c)
{
	static const char *const modes[] = {
		[CRITERION_ANY] = "any", [CRITERION_NOT] = "not", [CRITERION_ALL] = "all"
	};

	put_name(l, "attribute", c->attribute);
	json_write_name(l->w, modes[c->mode]);
	json_write_open(l->w, '[');
	for (uint32_t i = 0; i < c->listed; i++) {
		if (c->list[i].value.kind == VALUE_STRING)
			json_write_text(l->w, c->list[i].value.text);
		else
			json_write_value(l->w, c->list[i].value.text);
	}
	json_write_close(l->w, ']');
}

static void
put_relation(const struct lacking *l, const struct criterion *c)
{
	json_write_name(l->w, "relation");
	json_write_open(l->w, '[');
	for (uint32_t i = 0; i < c->words.count; i++)
		put_word_of(l, c->words.at[i]);
	json_write_close(l->w, ']');
	put_name(l, "to", c->other);
}

static void
put_same(const struct lacking *l, const struct criterion *c)
{
	json_write_name(l->w, "same");
	json_write_open(l->w, '[');
	json_write_word(l->w, l->e->attributes.at[c->attribute].name);
	json_write_word(l->w, l->e->attributes.at[c->other].name);
	json_write_close(l->w, ']');
}

static void
put_criterion(const struct lacking *l, const struct criterion *c)
{
	if (c->text.size > 0) {
		json_write_members(l->w, c->text);
		return;
	}
	switch (c->kind) {
	case CRITERION_PRESENT:
		put_name(l, "attribute", c->attribute);
		json_write_name(l->w, "present");
		json_write_bool(l->w, c->flag);
		break;
	case CRITERION_PERIOD:
		put_name(l, "attribute", ATTRIBUTE_TIME);
		put_end(l, "from", c->interval.has_from, c->interval.from);
		put_end(l, "until", c->interval.has_until, c->interval.until);
		break;
	case CRITERION_SAME:
		put_same(l, c);
		break;
	case CRITERION_RELATION:
		put_relation(l, c);
		break;
	case CRITERION_ACR:
		put_name(l, "attribute", c->attribute);
		json_write_name(l->w, c->flag ? "at_least" : "below");
		put_word_of(l, l->e->roles.acr[c->rank]);
		break;
	case CRITERION_VALUES:
	case CRITERION_LABEL:
	case CRITERION_DATE:
		put_listed(l, c);
		break;
	}
}

/* An exception, by its place in the rule, from 1; NULL C: it. */
static void
lack(struct lacking *l, const struct criterion *c, uint32_t exception, enum truth is)
{
	static const char *const words[] = {
		[TRUTH_FALSE] = "false", [TRUTH_UNKNOWN] = "missing", [TRUTH_TRUE] = "true"
	};

	l->count++;
	if (!l->w)
		return;
	json_write_open(l->w, '{');
	if (c)
		put_criterion(l, c);
	else
		json_write_member_number(l->w, "except", exception);
	json_write_member_word(l->w, "is", bytes_of(words[is]));
	json_write_close(l->w, '}');
}

static void
find_lacking(struct lacking *l, const struct access_rule *rule)
{
	struct attribute_set missing = { 0 };
	unsigned data;

	for (uint32_t i = 0; i < rule->criteria->count; i++) {
		const struct criteria one = { .at = &rule->criteria->at[i], .count = 1 };
		enum truth t = criteria_judge(&one, l->s, &data, &missing);

		if (t != TRUTH_TRUE)
			lack(l, one.at, 0, t);
	}
	for (uint32_t i = 0; i < rule->excepts; i++) {
		enum truth t;

		data = 0;
		t = criteria_judge(&rule->except[i], l->s, &data, &missing);
		if (t == TRUTH_UNKNOWN || (t == TRUTH_TRUE && data == 0))
			lack(l, NULL, i + 1, t);
	}
}

struct explaining {
	struct lacking lacking;
	struct json_write *w;
	uint32_t fewest; /* criteria that a permit rule lacks; 0: there is no such rule */
	bool open;
};

static void
weigh(struct explaining *x, const struct access_rule *rule)
{
	struct lacking *l = &x->lacking;

	if (rule->effect != EFFECT_PERMIT)
		return;
	l->w = NULL;
	l->count = 0;
	find_lacking(l, rule);
	if (l->count > 0 && (x->fewest == 0 || l->count < x->fewest))
		x->fewest = l->count;
}

static void
put_rule(struct explaining *x, const struct access_rule *rule)
{
	struct lacking *l = &x->lacking;

	if (rule->effect != EFFECT_PERMIT)
		return;
	l->w = NULL;
	l->count = 0;
	find_lacking(l, rule);
	if (l->count != x->fewest)
		return;
	l->w = x->w;
	if (!x->open) {
		json_write_name(x->w, x->fewest == 1 ? "would_permit" : "nearest");
		json_write_open(x->w, '[');
	}
	x->open = true;
	json_write_open(x->w, '{');
	json_write_member_value(x->w, "rule", rule->id_text);
	json_write_name(x->w, "lacks");
	json_write_open(x->w, '[');
	find_lacking(l, rule);
	json_write_close(x->w, ']');
	json_write_close(x->w, '}');
}

static void
end_list(struct explaining *x)
{
	if (x->open)
		json_write_close(x->w, ']');
}

void
explain_outcome(
    struct json_write *w, const struct engine *e, const struct verdict *v, const struct layer_outcome *o)
{
	struct situation s = v->situation;
	struct explaining x = { .lacking = { .e = e, .s = &s }, .w = w };

	if (!o->state || !o->by_default || o->result != RESULT_DENY)
		return;
	s.custodian = o->layer != LAYER_OUTBOUND;
	for (uint32_t i = 0; i < o->file->rules; i++)
		weigh(&x, &o->file->rule[i]);
	for (uint32_t i = 0; x.fewest > 0 && i < o->file->rules; i++)
		put_rule(&x, &o->file->rule[i]);
	end_list(&x);
}

/* True if the directive denies because none of its rules permits. */
static bool
permits_nothing(const struct opinion *o)
{
	for (const struct item *item = o->redact; item; item = item->next)
		if (item_is_all(item))
			return false;
	return o->result == RESULT_DENY && !o->directive->unreadable;
}

void
explain_consent(struct json_write *w, const struct engine *e, const struct verdict *v)
{
	const struct consent *c = &v->consent;
	struct situation s = v->situation;
	struct explaining x = { .lacking = { .e = e, .s = &s }, .w = w };

	for (int pass = 0; pass < 2; pass++)
		for (uint32_t i = 0; i < c->opinions; i++) {
			const struct directive *d = c->opinion[i].directive;

			for (uint32_t k = 0; permits_nothing(&c->opinion[i]) && k < d->rules; k++) {
				if (pass == 0)
					weigh(&x, &d->rule[k]);
				else if (x.fewest > 0)
					put_rule(&x, &d->rule[k]);
			}
		}
	end_list(&x);
}
