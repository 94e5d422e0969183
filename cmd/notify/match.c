/* SPDX-License-Identifier: ISC */
#include "cmd/notify/match.h"

#include "common/base/memory.h"

#include <limits.h>
#include <stdlib.h>

void
match_init(struct match *m, const struct notify_policy *plan, const struct grants *grants,
    const struct subscriptions *subscriptions, const struct instant *now)
{
	size_t most = subscriptions->count + 1;

	*m = (struct match){ .plan = plan, .grants = grants, .subscriptions = subscriptions, .now = now };
	/* for each candidate data, a floor notice and a notice of its offer; a last resort for each step */
	m->room = 3 * most + NOTIFY_MAX_STEPS;
	m->candidates = memory_zeros(most, sizeof *m->candidates);
	m->intents = memory_zeros(m->room, sizeof *m->intents);
	m->is_endless = memory_zeros(most, sizeof *m->is_endless);
	m->has_ended = memory_zeros(most, sizeof *m->has_ended);
	buffer_init(&m->endless_whens, BUFFER_UNLIMITED);
	json_init(&m->tags, NULL, 8);
}

void
match_release(struct match *m)
{
	json_release(&m->tags);
	free(m->candidates);
	free(m->intents);
	free(m->is_endless);
	free(m->has_ended);
	buffer_release(&m->endless_whens);
	*m = (struct match){ 0 };
}

/* The event id is computed on first use, because most records match no subscription. */
static const char *
event_id(struct match *m, const struct version_group *g)
{
	if (m->event[0] == '\0')
		intent_event_id(m->event, g);
	return m->event;
}

static const char *const idle_word[] = {
	[SUBSCRIPTION_OFF] = "off",
	[SUBSCRIPTION_REQUESTED] = "requested",
	[SUBSCRIPTION_ENDED] = "ended",
};

/* The highest version that AL opens, NULL if there is none. */
static const struct sealed_version *
readable(const struct version_group *g, unsigned al)
{
	for (unsigned i = g->count; i-- > 0;)
		if (g->version[i]->al <= al)
			return g->version[i];
	return NULL;
}

/* The first step of the criticality's tier that has the subscription's class, -1 if none has. */
static int
step_in(const struct match *m, unsigned criticality, const struct subscription *sub)
{
	if (!m->plan->has_tiers)
		return 0;
	return sub->class < 0 ? -1 : notify_policy_step_of(&m->plan->tier[criticality], (unsigned)sub->class);
}

/* The index of the version's tags.  They were parsed when the line was read. */
static const struct json *
index_tags(struct match *m, const struct sealed_version *v)
{
	if (m->indexed != v && !json_parse(&m->tags, v->ehr))
		diag_bug("tags that do not parse a second time");
	m->indexed = v;
	return &m->tags;
}

static bool
tags_fit(struct match *m, const struct subscription *sub, const struct sealed_version *v)
{
	if (sub->tag_count == 0)
		return true;
	const struct json *j = index_tags(m, v);
	uint32_t tags = json_member(j, 0, (struct bytes)BYTES("tags"));

	for (size_t i = 0; i < sub->tag_count; i++) {
		uint32_t value = tags != 0 ? json_member(j, tags, sub->tags[i].tag) : 0;

		/* an absent tag matches no word */
		if (value == 0 || !grant_words_have(&sub->tags[i].words, json_inside(j, value)))
			return false;
	}
	return true;
}

/* Subscriptions with the same text share a program. */
struct endless_when {
	const struct jq_program *program;
	enum jq_limit_passed passed;
};

static enum jq_limit_passed
when_passed(const struct match *m, const struct jq_program *when)
{
	const struct endless_when *at = (const void *)m->endless_whens.at;

	for (size_t i = 0; i < m->endless_whens.used / sizeof *at; i++)
		if (at[i].program == when)
			return at[i].passed;
	return JQ_LIMIT_KEPT;
}

/*
 * A `when` without end costs its limit once, not once a line.  It is the subscriber's own, so it stops
 * nobody else.
 */
static bool
when_holds(struct match *m, const struct subscription *sub, const struct sealed_version *v)
{
	size_t index = (size_t)(sub - m->subscriptions->at);
	struct jq_limit limit = { .milliseconds = m->milliseconds };
	const struct jq_context context = { .limit = &limit };

	if (sub->when == NULL)
		return true;
	if (m->is_endless[index])
		return false;
	jq_limit_start(&limit);
	if (when_passed(m, sub->when) == JQ_LIMIT_KEPT &&
	    jq_test(sub->when, index_tags(m, v), 0, NULL, &context) == JQ_TRUE)
		return true;
	if (limit.passed != JQ_LIMIT_KEPT)
		*(struct endless_when *)buffer_more(&m->endless_whens, sizeof(struct endless_when)) =
		    (struct endless_when){ sub->when, limit.passed };
	if (when_passed(m, sub->when) != JQ_LIMIT_KEPT) {
		m->is_endless[index] = true;
		m->endless(m->endless_context, sub, when_passed(m, sub->when) == JQ_LIMIT_CRASH);
	}
	return false;
}

/*
 * Why nobody is told: the subscription is idle, or what of the grant depends on time or record; NULL.  A list
 * of revocations that is past its time stops data, and no floor notice, which shows none.
 */
static const char *
stopped_by(const struct match *m, const struct subscription *sub, enum intent_kind kind, struct bytes subject)
{
	enum grant_fault fault;

	if (sub->idle != SUBSCRIPTION_RUNS)
		return idle_word[sub->idle];
	fault = m->now != NULL ? grants_in_time(m->grants, sub->grant, *m->now) : GRANT_GOOD;
	if (fault == GRANT_REVOCATION_STALE && kind == INTENT_FLOOR)
		fault = GRANT_GOOD;
	if (fault == GRANT_GOOD &&
	    (subject.size == 0 ? !grant_words_have(&sub->grant->subjects, bytes_of("*"))
			       : !grants_cover(m->grants, sub->grant, subject)))
		fault = GRANT_SUBJECT;
	return fault != GRANT_GOOD ? grant_fault_word(fault) : NULL;
}

/* A class stands where the policy names it in the step; the last resort comes behind all classes. */
static unsigned
place_of(const struct notify_policy *plan, const struct intent *i)
{
	unsigned class = NOTIFY_MAX_CLASSES;

	if (i->to != NULL)
		class = i->to->class < 0 ? 0 : plan->tier[i->criticality].step[i->step].place[i->to->class];
	return i->step * (NOTIFY_MAX_CLASSES + 1) + class;
}

static void
add(struct match *m, const struct intent *i)
{
	if (m->count == m->room)
		diag_bug("more than three intents a candidate");
	m->intents[m->count] = *i;
	m->intents[m->count++].place = place_of(m->plan, i);
}

static void
count_ended(struct match *m, const struct subscription *sub)
{
	bool *before = &m->has_ended[sub - m->subscriptions->at];

	m->ended++;
	if (!*before)
		m->ended_carriers++;
	*before = true;
}

static bool
suppress(struct match *m, const struct version_group *g, const struct subscription *sub,
    enum intent_kind kind, unsigned step, const char *reason)
{
	if (sub->idle != SUBSCRIPTION_RUNS)
		reason = idle_word[sub->idle];
	m->stopped++;
	if (reason == grant_fault_word(GRANT_EXPIRED))
		count_ended(m, sub);
	return m->suppressed == NULL || intent_write_suppressed(m->suppressed, event_id(m, g), sub,
					    kind == INTENT_FLOOR ? "floor" : "data", step, reason);
}

/*
 * Picks the version that the subscriber may read, then checks tier, criticality, tags, grant and
 * `when`, in this order.  A version that shows nothing is no data.  A subscriber whom the record does
 * not concern is skipped; one whom only the grant or the AL stops is reported as suppressed.
 */
static bool
match_data(struct match *m, const struct version_group *g, const struct subscription *sub)
{
	const struct sealed_version *v = readable(g, sub->al);

	if (v == NULL) {
		int step = step_in(m, g->top, sub);

		return step < 0 ||
		       suppress(m, g, sub, INTENT_DATA, (unsigned)step, grant_fault_word(GRANT_AL));
	}
	int step = step_in(m, v->criticality, sub);
	if (v->tags.empty || step < 0 || v->criticality < sub->min_criticality || !tags_fit(m, sub, v))
		return true;
	const char *why = stopped_by(m, sub, INTENT_DATA, g->version[0]->tags.subject);
	if (why != NULL)
		return suppress(m, g, sub, INTENT_DATA, (unsigned)step, why);
	if (!when_holds(m, sub, v))
		return true;
	add(m, &(struct intent){ .kind = INTENT_DATA,
		   .to = sub,
		   .version = v,
		   .criticality = v->criticality,
		   .step = (unsigned)step });
	m->data++;
	return true;
}

/*
 * The floor notice: a version of the highest criticality exists, and this responder may not read it or
 * can see nothing in it.
 */
static bool
match_floor(struct match *m, const struct version_group *g, const struct subscription *sub)
{
	const struct sealed_version *v = readable(g, sub->al);
	int step = step_in(m, g->top, sub);

	if (!m->plan->has_tiers || g->top + 1 != m->plan->words || step < 0 ||
	    (v != NULL && v->criticality == g->top && !v->tags.empty))
		return true;
	if (m->plan->floor == FLOOR_SUPPRESS)
		return v == NULL ||
		       suppress(m, g, sub, INTENT_FLOOR, (unsigned)step, grant_fault_word(GRANT_AL));
	const char *why = stopped_by(m, sub, INTENT_FLOOR, g->version[0]->tags.subject);
	if (why != NULL)
		return suppress(m, g, sub, INTENT_FLOOR, (unsigned)step, why);
	add(m, &(struct intent){
		   .kind = INTENT_FLOOR, .to = sub, .criticality = g->top, .step = (unsigned)step });
	m->floors++;
	if (m->plan->floor == FLOOR_OFFER_BREAK_GLASS && m->plan->break_glass_tell >= 0) {
		add(m, &(struct intent){
			   .kind = INTENT_NOTICE, .to = sub, .criticality = g->top, .step = (unsigned)step });
		m->notices++;
	}
	return true;
}

/*
 * Whether an intent tells a class in the tier of the highest criticality of all versions that something so
 * urgent is there.  Data of a version that is less urgent says that all is well.
 */
static enum match_coverage
judge_coverage(const struct match *m, const struct version_group *g)
{
	const struct notify_tier *tier = &m->plan->tier[g->top];
	bool floor = false;

	if (!m->plan->has_tiers || tier->coverage == COVERAGE_NONE)
		return MATCH_COVERED;
	for (size_t i = 0; i < m->count; i++) {
		const struct intent *in = &m->intents[i];

		if (in->kind == INTENT_NOTICE || (tier->classes & UINT32_C(1) << in->to->class) == 0)
			continue;
		if (in->kind == INTENT_DATA && in->criticality == g->top)
			return MATCH_COVERED;
		floor = floor || in->kind == INTENT_FLOOR;
	}
	if (floor)
		return MATCH_BY_FLOOR;
	return tier->coverage == COVERAGE_REQUIRE ? MATCH_UNCOVERED : MATCH_WARN;
}

/* The last resort is told at once if nobody else could be told, else at the steps that name it. */
static void
add_last_resort(struct match *m, const struct version_group *g, enum match_coverage coverage)
{
	const struct notify_tier *tier = &m->plan->tier[g->top];
	struct intent i = { .kind = INTENT_LAST_RESORT, .criticality = g->top };

	if (coverage == MATCH_UNCOVERED) {
		i.uncovered = true;
		add(m, &i);
		m->uncovered++;
		return;
	}
	for (unsigned step = 0; m->plan->has_tiers && step < tier->steps; step++)
		if (tier->step[step].last_resort) {
			i.step = step;
			add(m, &i);
		}
}

/* The lowest place of an intent that is at least FROM; UINT_MAX: there is none. */
static unsigned
next_place(const struct match *m, unsigned from)
{
	unsigned next = UINT_MAX;

	for (size_t i = 0; i < m->count; i++)
		if (m->intents[i].place >= from && m->intents[i].place < next)
			next = m->intents[i].place;
	return next;
}

/* By place.  At one place the intents have the order of the subscriptions. */
static bool
write_by_place(struct match *m, const struct version_group *g, struct buffer *out)
{
	bool whole = true;

	for (unsigned place = next_place(m, 0); whole && place != UINT_MAX; place = next_place(m, place + 1))
		for (size_t i = 0; whole && i < m->count; i++)
			if (m->intents[i].place == place)
				whole = intent_write(out, m->plan, g, event_id(m, g), &m->intents[i]);
	return whole;
}

bool
match_group(struct match *m, const struct version_group *g, struct buffer *out, enum match_coverage *coverage)
{
	const struct tags *first = &g->version[0]->tags;

	*coverage = MATCH_COVERED;
	m->count = 0;
	m->indexed = NULL;
	m->event[0] = '\0';
	if (m->plan->visible_change && !intent_write_event(out, g, event_id(m, g)))
		return false;
	/* a deleted record has nothing to read */
	if (first->deleted)
		return true;
	size_t count = subscriptions_for(m->subscriptions, first->subject, m->candidates);
	for (size_t i = 0; i < count; i++) {
		const struct subscription *sub = &m->subscriptions->at[m->candidates[i]];

		if (!match_data(m, g, sub) || !match_floor(m, g, sub))
			return false;
	}
	*coverage = judge_coverage(m, g);
	add_last_resort(m, g, *coverage);
	return write_by_place(m, g, out);
}
