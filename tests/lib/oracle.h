/* SPDX-License-Identifier: ISC */
#ifndef EHR_TESTS_ORACLE_H
#define EHR_TESTS_ORACLE_H

#include "tests/lib/oracle_decide.h"
#include "tests/lib/world_text.h"

#include <stdlib.h>

/*
 * oracle: a second evaluator of the policies and requests of world.h, with which a test compares ehr-authz.
 * It goes through all rules for every request, without an index, and shares no source with the program.  It
 * writes the members of a decision from "decided_by" to "valid_until", byte for byte as ehr-authz does.
 */
static inline void
oracle_say_missing(struct text *t, const char *id, const struct oracle_missing *m)
{
	say(t, "{");
	if (id)
		say(t, "\"rule\":\"%s\",", id);
	say(t, "\"missing\":[");
	for (int i = 0; i < m->count; i++)
		say(t, "%s\"%s\"", i ? "," : "", m->name[i]);
	say(t, "]}");
}

static inline void
oracle_say_unknown(struct text *t, const struct oracle_layer *l, bool permit, const char *name)
{
	bool open = false;

	for (int i = 0; l->rules && i < l->rules->count; i++) {
		if (l->rules->at[i].permit != permit || l->state[i].holds != 'u' || l->rules->at[i].skip)
			continue;
		say(t, open ? "," : ",\"%s\":[", name);
		open = true;
		oracle_say_missing(t, l->rules->at[i].id, &l->state[i].missing);
	}
	if (open)
		say(t, "]");
}

static const char *const oracle_results[] = { "NotApplicable", "Permit", "Deny", "Indeterminate" };

static inline void
oracle_say_layer(struct text *t, const char *name, const struct oracle_layer *l, bool *any)
{
	bool first = true;

	if (!l->applies)
		return;
	say(t, "%s{\"layer\":\"%s\",", *any ? "," : "", name);
	*any = true;
	if (l->domain[0])
		say(t, "\"domain\":\"%s\",", l->domain);
	say(t, "\"result\":\"%s\",\"rules\":[", oracle_results[l->result]);
	for (int i = 0; l->rules && i < l->rules->count; i++)
		if (oracle_rule_spoke(l, i)) {
			say(t, "%s\"%s\"", first ? "" : ",", l->rules->at[i].id);
			first = false;
		}
	say(t, "]");
	if (l->by_default)
		say(t, ",\"default\":true");
	if (oracle_refuses(l->result))
		say(t, ",\"reason\":\"%s\"", l->reason);
	if (l->result != ORACLE_PERMIT)
		oracle_say_unknown(t, l, true, "near_miss");
	oracle_say_unknown(t, l, false, "unknown");
	if (!l->rules && l->result == ORACLE_OPEN) {
		say(t, ",\"unknown\":[");
		oracle_say_missing(t, NULL, &l->missing);
		say(t, "]");
	}
	say(t, "}");
}

static inline int
oracle_by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static inline void
oracle_say_consent(struct text *t, const struct oracle_verdict *v)
{
	const struct oracle_consent *c = &v->consent;
	const char *ids[72];
	size_t count = 0;
	bool open = false;

	say(t, ",{\"layer\":\"consent\",\"result\":\"%s\",\"rules\":[", oracle_results[c->result]);
	for (int i = 0; i < c->opinions; i++)
		for (int k = 0; k < c->opinion[i].ids && c->opinion[i].result == c->result; k++)
			ids[count++] = c->opinion[i].id[k];
	qsort(ids, count, sizeof ids[0], oracle_by_text);
	for (size_t i = 0; i < count; i++)
		if (i == 0 || !oracle_same(ids[i - 1], ids[i]))
			say(t, "%s\"%s\"", i ? "," : "", ids[i]);
	say(t, "]");
	if (c->by_default)
		say(t, ",\"default\":true");
	if (oracle_refuses(c->result))
		say(t, ",\"reason\":\"%s\"", c->reason);
	for (int i = 0; i < c->overrides; i++)
		say(t, "%s\"%s\"", i ? "," : ",\"overridden_by\":[",
		    v->layer[ORACLE_HOUSE].rules->at[c->override[i]].id);
	if (c->overrides > 0)
		say(t, "]");
	for (int i = 0; i < c->opinions; i++)
		for (int k = 0; k < c->opinion[i].notes; k++) {
			say(t, open ? "," : ",\"unknown\":[");
			open = true;
			oracle_say_missing(t, c->opinion[i].note[k].id, &c->opinion[i].note[k].missing);
		}
	if (c->note.missing.count > 0) {
		say(t, ",\"unknown\":[");
		open = true;
		oracle_say_missing(t, NULL, &c->note.missing);
	}
	say(t, open ? "]}" : "}");
}

static inline void
oracle_say_values(struct text *t, const struct crit *c, const struct crit *other)
{
	bool any = false;

	for (int i = 0; i < c->values; i++) {
		const char *leaves[] = { c->value[i], NULL, NULL };
		struct crit one = { .values = 1 };

		if (oracle_same(c->value[i], "medication"))
			leaves[0] = "MedicationRequest", leaves[1] = "MedicationStatement";
		one.value[0] = c->value[i];
		if (other && oracle_apart(&one, other))
			continue;
		for (int k = 0; leaves[k]; k++) {
			say(t, "%s\"%s\"", any ? "," : "", leaves[k]);
			any = true;
		}
	}
}

static inline void
oracle_say_scope(struct text *t, const struct oracle_scope *s, bool *any)
{
	for (int i = 0; oracle_data[i]; i++) {
		const struct crit *c = s->first[i];

		if (!c)
			continue;
		say(t, "%s\"%s\":", *any ? "," : "", oracle_data[i] + strlen("resource."));
		*any = true;
		if (c->kind == DATE) {
			say(t, "{");
			if (c->from > 0)
				say(t, "\"from\":\"%d\"", c->from);
			if (c->until > 0)
				say(t, "%s\"until\":\"%d\"", c->from > 0 ? "," : "", c->until);
			say(t, "}");
			continue;
		}
		say(t, c->mode == '!' ? "{\"not\":[" : "[");
		oracle_say_values(t, c, s->second[i]);
		say(t, c->mode == '!' ? "]}" : "]");
	}
}

static inline void
oracle_say_item(struct text *t, const struct oracle_item *item, bool any)
{
	oracle_say_scope(t, &item->scope, &any);
	for (int i = 0; i < item->excepts; i++) {
		bool none = false;

		say(t, "%s", i ? ",{" : any ? ",\"except\":[{" : "\"except\":[{");
		oracle_say_scope(t, &item->except[i], &none);
		say(t, "}");
	}
	if (item->excepts > 0)
		say(t, "]");
}

static inline void
oracle_say_duty(struct text *t, int *number, const char *action)
{
	say(t, "%s{\"id\":\"ob-%d\",\"type\":\"%s\",\"properties\":{\"vendor\":\"ehr\",\"action\":\"%s\"",
	    *number ? "," : "", *number + 1, oracle_same(action, "step-up") ? "step-up" : "custom", action);
	(*number)++;
}

static inline void
oracle_say_keeps(struct text *t, const struct oracle_verdict *v, int *number)
{
	static struct text one[ORACLE_LIMITS];

	for (int i = 0; i < v->keeps; i++) {
		bool before = false;

		one[i].used = 0;
		say(&one[i], "\"any_of\":[");
		for (int k = 0; k < v->keep[i].count; k++) {
			say(&one[i], k ? ",{" : "{");
			oracle_say_item(&one[i], &v->keep[i].at[k], false);
			say(&one[i], "}");
		}
		say(&one[i], "]");
		for (int k = 0; k < i; k++)
			before = before || oracle_same(one[k].at, one[i].at);
		if (before)
			continue;
		oracle_say_duty(t, number, "keep-only");
		say(t, ",%s}}", one[i].at);
	}
}

static inline void
oracle_say_duties(struct text *t, const struct oracle_verdict *v, const struct question *q)
{
	int number = 0;

	say(t, ",\"obligations\":[");
	if (v->permitted && v->level_owed) {
		oracle_say_duty(t, &number, "level");
		say(t, ",\"rl\":\"%c\",\"al\":%d}}", "ULMNRV"[v->level], v -> al);
	}
	for (int i = 0; v->permitted && i < v->redacts; i++) {
		oracle_say_duty(t, &number, "redact");
		say(t, ",\"rule\":\"%s\"", v->redact[i].rule);
		oracle_say_item(t, &v->redact[i], true);
		say(t, "}}");
	}
	if (v->permitted)
		oracle_say_keeps(t, v, &number);
	for (int i = 0; i < v->owes; i++) {
		if (v->owed[i]->audits) {
			oracle_say_duty(t, &number, "audit");
			say(t, ",\"rule\":\"%s\",\"level\":\"high\"}}", v->owed[i]->id);
		}
		if (!v->owed[i]->expires)
			continue;
		oracle_say_duty(t, &number, "expire");
		say(t, ",\"rule\":\"%s\",\"after\":\"4h\"", v->owed[i]->id);
		if (q->time >= 0)
			say(t, ",\"at\":\""), say_hour(t, q->time + 4), say(t, "\"");
		say(t, "}}");
	}
	if (v->step_up) {
		oracle_say_duty(t, &number, "step-up");
		say(t, ",\"acr_value\":\"%s\"}}", v->step_up);
	}
	say(t, "]");
}

/* The members from "decided_by" to "valid_until". */
static inline void
oracle_say(struct text *t, const struct oracle_verdict *v, const struct world *w, const struct question *q)
{
	static const char *const names[] = { "jurisdiction", "organization", "consent", "outbound",
		"clearance", "obligations" };
	bool any = false;

	t->used = 0;
	say(t, "\"decided_by\":\"%s\",", v->decided_by);
	for (int i = 0; i < 6; i++)
		if (v->denied[i]) {
			say(t, any ? ",\"%s\"" : "\"denied_by\":[\"%s\"", names[i]);
			any = true;
		}
	say(t, "%s\"reason\":\"%s\",\"layers\":[", any ? "]," : "", v->reason);
	any = false;
	oracle_say_layer(t, "outbound", &v->layer[ORACLE_OUT], &any);
	oracle_say_layer(t, "jurisdiction", &v->layer[ORACLE_LAW], &any);
	oracle_say_layer(t, "organization", &v->layer[ORACLE_HOUSE], &any);
	if (v->consent.applies)
		oracle_say_consent(t, v);
	if (w->cleared && v->why_not)
		say(t, ",{\"layer\":\"clearance\",\"result\":\"Deny\",\"rules\":[],\"reason\":\"%s\"}",
		    v->why_not);
	else if (w->cleared)
		say(t, ",{\"layer\":\"clearance\",\"result\":\"Permit\",\"rules\":[]}");
	say(t, "]");
	if (v->permitted && w->cleared)
		say(t, ",\"al\":%d,\"rl\":\"%c\",\"assessed_al\":%d", v->al, "ULMNRV"[v->level],
		    v -> assessed);
	oracle_say_duties(t, v, q);
	if (v->valid_until >= 0)
		say(t, ",\"valid_until\":\""), say_hour(t, v->valid_until), say(t, "\"");
}

#endif
