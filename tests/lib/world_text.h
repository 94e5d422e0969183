/* SPDX-License-Identifier: ISC */
#ifndef EHR_TESTS_WORLD_TEXT_H
#define EHR_TESTS_WORLD_TEXT_H

#include "tests/lib/world.h"

#include <stdarg.h>

/*
 * world_text: a world and its questions as the files and lines that ehr-authz reads.
 */
struct text {
	size_t used;
	char at[1 << 16];
};

__attribute__((format(printf, 2, 3))) static inline void
say(struct text *t, const char *form, ...)
{
	va_list list;

	va_start(list, form);
	t->used += (size_t)vsnprintf(t->at + t->used, sizeof t->at - t->used, form, list);
	va_end(list);
}

static inline void
say_hour(struct text *t, int hour)
{
	say(t, "2026-03-%02dT%02d:00:00Z", 1 + hour / 24, hour % 24);
}

static inline void
say_words(struct text *t, const struct crit *c)
{
	static const char *const close[] = { "]", "]}" };

	say(t, "%s", c->mode == '!' ? "{not: [" : c->mode == '&' ? "{all: [" : "[");
	for (int i = 0; i < c->values; i++)
		say(t, "%s%s", i ? ", " : "", c->value[i]);
	say(t, "%s", close[c->mode != '=']);
}

static inline void
say_crit(struct text *t, const struct crit *c)
{
	switch (c->kind) {
	case LIST:
		say_words(t, c);
		break;
	case PRESENT:
		say(t, "{present: %s}", c->flag ? "true" : "false");
		break;
	case ACR:
		say(t, "{%s: %s}", c->flag ? "at_least" : "below", c->value[0]);
		break;
	case RELATION:
		if (strcmp(c->other, "resource.patient") == 0)
			say(t, "%s", c->value[0]);
		else
			say(t, "{%s: %s}", c->value[0], c->other);
		break;
	case WHEN:
	case DATE:
	case SAME:
		break;
	}
}

static inline void
say_span(struct text *t, const struct crit *c)
{
	bool hours = c->kind == WHEN, from = hours ? c->from >= 0 : c->from > 0;

	say(t, "{");
	if (from && hours)
		say(t, "from: "), say_hour(t, c->from);
	else if (from)
		say(t, "from: %d", c->from);
	if (hours ? c->until >= 0 : c->until > 0) {
		say(t, "%suntil: ", from ? ", " : "");
		if (hours)
			say_hour(t, c->until);
		else
			say(t, "%d", c->until);
	}
	say(t, "}");
}

/* The words of a set, each with ", " in front but for the first. */
static inline void
say_set(struct text *t, const struct set *s, bool first)
{
	static const struct {
		const char *word, *place;
	} maps[] = { { "who", "subject." }, { "what", "resource." }, { "where", "context." } };

	for (size_t m = 0; m < sizeof maps / sizeof maps[0]; m++) {
		bool open = false;

		for (int i = 0; i < s->count; i++) {
			const struct crit *c = &s->at[i];
			size_t size = strlen(maps[m].place);
			bool relation = c->kind == RELATION;

			if (c->kind == SAME || c->kind == WHEN ||
			    strcmp(c->attribute, "context.purpose") == 0 ||
			    (relation ? m != 0 : strncmp(c->attribute, maps[m].place, size) != 0))
				continue;
			if (open)
				say(t, ", ");
			else
				say(t, "%s%s: {", first ? "" : ", ", maps[m].word);
			first = false;
			open = true;
			say(t, "%s: ", relation ? "relation" : c->attribute + size);
			if (c->kind == DATE)
				say_span(t, c);
			else
				say_crit(t, c);
		}
		if (open)
			say(t, "}");
	}
	for (int i = 0; i < s->count; i++) {
		const struct crit *c = &s->at[i];

		if (c->kind == SAME)
			say(t,
			    "%s"
			    "same: [[%s, %s]]",
			    first ? "" : ", ", c->attribute, c->other);
		else if (c->kind == WHEN)
			say(t, "%swhen: ", first ? "" : ", "), say_span(t, c);
		else if (strcmp(c->attribute, "context.purpose") == 0)
			say(t, "%swhy: ", first ? "" : ", "), say_words(t, c);
		else if (strcmp(c->attribute, "action.name") == 0)
			say(t, "%sdoes: ", first ? "" : ", "), say_words(t, c);
		else
			continue;
		first = false;
	}
}

static inline void say_rules(struct text *t, const struct rule *r, int count, const char *indent);

static inline void
say_rule(struct text *t, const struct rule *r, const char *indent)
{
	say(t, "%s- {id: %s, say: Rule., effect: %s", indent, r->id, r->permit ? "permit" : "deny");
	say_set(t, &r->set, false);
	if (r->excepts > 0) {
		say(t, ", except: [");
		for (int i = 0; i < r->excepts; i++) {
			say(t, "%s{", i ? ", " : "");
			say_set(t, &r->except[i], true);
			say(t, "}");
		}
		say(t, "]");
	}
	if (r->skip)
		say(t, ", if_missing: skip");
	if (r->override == 1)
		say(t, ", overrides_consent: acknowledged");
	if (r->override == 2)
		say(t, ", overrides_consent: always%s",
		    world_names(&r->set, "BTG", "ETREAT") ? "" : ", law: true");
	if (r->audits || r->expires)
		say(t, ", obligations: [%s%s%s]", r->audits ? "{do: audit, level: high}" : "",
		    r->audits && r->expires ? ", " : "", r->expires ? "{do: expire, after: 4h}" : "");
	if (r->nests > 0) {
		say(t, ", rules: [\n");
		say_rules(t, r->nest, r->nests, NULL);
		say(t, "  ]");
	}
	say(t, "}");
}

/* From a random place on, for the order never matters.  INDENT NULL: inside a list in brackets. */
static inline void
say_rules(struct text *t, const struct rule *r, int count, const char *indent)
{
	unsigned first = count > 0 ? world_draw((unsigned)count) : 0;

	for (int i = 0; i < count; i++) {
		struct text *to = t;
		const struct rule *one = &r[((unsigned)i + first) % (unsigned)count];

		if (indent) {
			say_rule(to, one, indent);
			say(to, "\n");
		} else {
			static struct text inner;

			inner.used = 0;
			say_rule(&inner, one, "");
			say(to, "    %s%s\n", inner.at + 2, i + 1 < count ? "," : "");
		}
	}
}

static inline void
say_layer(struct text *t, const char *layer, const char *domain, const char *fallback, const struct rules *r)
{
	t->used = 0;
	say(t, "ehr_authz: 1\nlayer: %s\n", layer);
	if (domain)
		say(t, "domain: %s\n", domain);
	say(t, "default: %s\nrules:\n", fallback);
	say_rules(t, r->at, r->count, "  ");
}

static inline void
say_house(struct text *t, const struct world *w)
{
	say_layer(
	    t, "organization", w->domains ? "B" : NULL, w->house_permits ? "permit" : "deny", &w->of_house);
	say(t, "no_consent: %s\non_several: %s\nservice_requires_consent: %s\n", w->no_consent, w->on_several,
	    w->service ? "true" : "false");
	if (w->domains)
		say(t, "trusts: [{domain: A%s%s}]\n", w->elsewhere ? ", outbound: elsewhere" : "",
		    w->trusts_roles ? ", structural_role: [physician]" : "");
}

static inline void
say_consent(struct text *t, const struct consent_form *c)
{
	t->used = 0;
	say(t, "ehr_authz: 1\nconsent: %s\npatient: %s\nstatus: %s\nbase: %s\n", c->id, c->patient, c->status,
	    c->permit ? "permit" : "deny");
	if (c->date > 0)
		say(t, "date: 2026-01-%02d\n", c->date);
	if (c->from >= 0 || c->until >= 0) {
		const struct crit period = { .kind = WHEN, .from = c->from, .until = c->until };

		say(t, "period: ");
		say_span(t, &period);
		say(t, "\n");
	}
	if (c->root.count > 0)
		say_set(t, &c->root, true), say(t, "\n");
	if (c->what.count > 0)
		say_set(t, &c->what, true), say(t, "\n");
	say(t, "acknowledges: [");
	for (int i = 0; i < c->acknowledged; i++)
		say(t, "%s%s", i ? ", " : "", c->acknowledges[i]);
	say(t, "]\n");
	if (c->rules.count > 0) {
		say(t, "rules:\n");
		say_rules(t, c->rules.at, c->rules.count, "  ");
	}
}

static inline void
say_rows(struct text *t, const char *name, const struct row *rows, int count)
{
	if (count == 0)
		return;
	say(t, "%s:\n", name);
	for (int i = 0; i < count; i++) {
		say(t, "  - {al: %d", rows[i].al);
		say_set(t, &rows[i].set, false);
		say(t, "}\n");
	}
}

static inline void
say_facts(struct text *t, const struct world *w)
{
	t->used = 0;
	for (int i = 0; i < w->facts; i++) {
		const struct fact_line *f = &w->fact[i];

		say(t, "{\"fact\":\"f%d\",\"relation\":\"%s\",\"subject\":\"%s\",\"%s\":\"%s\"", i,
		    f->relation, f->subject, strcmp(f->relation, "treating") == 0 ? "patient" : "object",
		    f->object);
		if (f->from >= 0)
			say(t, ",\"from\":\""), say_hour(t, f->from), say(t, "\"");
		if (f->until >= 0)
			say(t, ",\"until\":\""), say_hour(t, f->until), say(t, "\"");
		say(t, "}\n");
	}
}

static inline void
say_ask(struct text *t, const struct ask *a, const char *key, bool *any)
{
	say(t, "%s\"%s\":", *any ? "," : "", key);
	*any = true;
	if (a->values != 1)
		say(t, "[");
	for (int i = 0; i < a->values; i++)
		say(t, "%s\"%s\"", i ? "," : "", a->value[i]);
	if (a->values != 1)
		say(t, "]");
}

/* TOP: the members of the object itself, else its properties. */
static inline void
say_part(struct text *t, const struct question *q, const char *place, bool top)
{
	bool any = false;

	for (int i = 0; i < q->count; i++) {
		size_t size = strlen(place);
		const char *key = q->at[i].attribute + size;
		bool is_top =
		    strcmp(place, "context.") != 0 &&
		    (strcmp(key, "id") == 0 || strcmp(key, "type") == 0 || strcmp(key, "name") == 0);

		if (strncmp(q->at[i].attribute, place, size) == 0 && is_top == top)
			say_ask(t, &q->at[i], key, &any);
	}
	if (strcmp(place, "context.") != 0 || top)
		return;
	if (q->time >= 0) {
		say(t, "%s\"time\":\"", any ? "," : "");
		say_hour(t, q->time);
		say(t, "\"");
		any = true;
	}
	if (q->claimed >= 0)
		say(t, "%s\"claimed_al\":%d", any ? "," : "", q->claimed);
}

static inline void
say_question(struct text *t, const struct question *q)
{
	t->used = 0;
	say(t, "{\"subject\":{");
	say_part(t, q, "subject.", true);
	say(t, ",\"properties\":{");
	say_part(t, q, "subject.", false);
	say(t, "}},\"action\":{");
	say_part(t, q, "action.", true);
	say(t, "},\"resource\":{");
	say_part(t, q, "resource.", true);
	say(t, ",\"properties\":{");
	say_part(t, q, "resource.", false);
	say(t, "}},\"context\":{");
	say_part(t, q, "context.", false);
	say(t, "}}");
}

#endif
