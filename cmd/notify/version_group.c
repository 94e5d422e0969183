/* SPDX-License-Identifier: ISC */
#include "cmd/notify/version_group.h"

#include "common/base/memory.h"

#include <stdlib.h>

#define TAGS_LIMIT ((size_t)64 << 10)

void
version_group_init(
    struct version_group *g, const struct notify_policy *plan, const struct policy *policy, bool keep_lines)
{
	*g = (struct version_group){ .plan = plan, .policy = policy, .keep_lines = keep_lines, .source = "" };
}

void
version_group_release(struct version_group *g)
{
	for (unsigned i = 0; i < VERSION_GROUP_MAX && g->version[i] != NULL; i++) {
		buffer_release(&g->version[i]->text);
		buffer_release(&g->version[i]->whole);
		free(g->version[i]);
	}
	*g = (struct version_group){ 0 };
}

void
version_group_drop(struct version_group *g)
{
	g->count = 0;
}

/* The place for the next version.  Places are kept from group to group. */
static struct sealed_version *
place(struct version_group *g)
{
	struct sealed_version *v = g->version[g->count];

	if (v == NULL) {
		v = memory_zeros(1, sizeof *v);
		buffer_init(&v->text, TAGS_LIMIT);
		buffer_init(&v->whole, BUFFER_UNLIMITED);
		g->version[g->count] = v;
	}
	v->text.used = 0;
	v->whole.used = 0;
	return v;
}

/* Lets the spans of T, which point into FROM, point into the copy of FROM at TO. */
static void
move_spans(struct tags *t, struct bytes from, const char *to)
{
	struct bytes *const spans[] = { &t->id, &t->subject, &t->rl, &t->criticality, &t->domain, &t->batch,
		&t->policy, &t->mark, &t->view, &t->tags };

	for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++) {
		if (spans[i]->size == 0)
			continue;
		if (spans[i]->at < from.at || spans[i]->at + spans[i]->size > from.at + from.size)
			diag_bug("a tag outside of its object");
		spans[i]->at = to + (spans[i]->at - from.at);
	}
}

/* Checks a line by itself; fills in AL and criticality of V. */
static enum reason
judge(const struct version_group *g, const struct tags *t, struct sealed_version *v)
{
	int level = policy_level(g->policy, t->rl);
	int criticality = notify_policy_word(g->plan, t->criticality);

	if (t->to.size > 0)
		return REASON_WRONG_STAGE;
	if (level < 0)
		return REASON_UNKNOWN_LEVEL;
	if (criticality < 0)
		return REASON_UNKNOWN_CRITICALITY;
	if (!bytes_equal(t->domain, g->plan->seal.domain))
		return REASON_OTHER_DOMAIN;
	/* A policy that became stricter after sealing counts at once. */
	v->al = t->al > g->policy->level[level].al ? t->al : g->policy->level[level].al;
	v->criticality = (unsigned)criticality;
	return REASON_NONE;
}

/* Checks a line as the next version of the group. */
static enum reason
judge_order(const struct version_group *g, const struct tags *t, unsigned al)
{
	const struct sealed_version *last = g->version[g->count - 1];

	if (!bytes_equal(t->id, last->tags.id) || !bytes_equal(t->batch, last->tags.batch))
		return REASON_VERSIONS_ORDER;
	/* Who is told goes by the first, so another subject's, or a deleted one, would go with it. */
	if (!bytes_equal(t->subject, last->tags.subject) || t->deleted != last->tags.deleted)
		return REASON_VERSIONS_ORDER;
	if (t->of != g->of || t->n != g->count + 1)
		return REASON_VERSIONS_INCOMPLETE;
	return al > last->al ? REASON_NONE : REASON_VERSIONS_ORDER;
}

enum version_group_outcome
version_group_add(struct version_group *g, const struct sealed_line *s, struct bytes text, const char *source,
    size_t line, enum reason *reason)
{
	struct sealed_version judged = { 0 };
	struct sealed_version *v;

	*reason = judge(g, &s->tags, &judged);
	if (*reason != REASON_NONE)
		return VERSION_GROUP_REFUSED;
	if (g->count > 0 && s->tags.n == 1)
		return VERSION_GROUP_BROKEN;
	if (g->count == 0 && s->tags.n != 1)
		*reason = REASON_VERSIONS_INCOMPLETE;
	else if (g->count > 0)
		*reason = judge_order(g, &s->tags, judged.al);
	if (*reason != REASON_NONE)
		return VERSION_GROUP_REFUSED;
	v = place(g);
	v->tags = s->tags;
	v->al = judged.al;
	v->criticality = judged.criticality;
	v->line = line;
	if (!buffer_append(&v->text, s->ehr.at, s->ehr.size) || !json_slack(&v->text))
		diag_bug("tags larger than tags can be");
	v->ehr = buffer_bytes(&v->text);
	move_spans(&v->tags, s->ehr, v->text.at);
	if (g->keep_lines)
		buffer_add(&v->whole, text.at, text.size);
	if (g->count == 0) {
		g->of = s->tags.of;
		g->source = source;
		g->top = 0;
	}
	if (v->criticality > g->top)
		g->top = v->criticality;
	g->count++;
	return g->count == g->of ? VERSION_GROUP_WHOLE : VERSION_GROUP_OPEN;
}
