/* SPDX-License-Identifier: ISC */
#include "common/label/run.h"

/*
 * urgent: criticality.  A value is judged by the bands of its sign's rules, the sender's own judgement counts
 * as evidence, and what should have been judged and could not is said to be so.  How much may be known of an
 * urgency is the level of what it was read from, so its label waits until the levels are known.
 */

static struct urgency *
urgencies(const struct run *run)
{
	return (struct urgency *)(void *)run->urgencies.at;
}

static size_t
urgency_count(const struct run *run)
{
	return run->urgencies.used / sizeof(struct urgency);
}

static uint32_t
because_count(const struct run *run)
{
	return (uint32_t)(run->because.used / sizeof(struct because));
}

void
urgent_because(struct run *run, uint32_t node)
{
	*(struct because *)buffer_more(&run->because, sizeof(struct because)) =
	    (struct because){ node, true };
}

/* NODE itself counts and not what else stands in it. */
static void
because_at(struct run *run, uint32_t node)
{
	*(struct because *)buffer_more(&run->because, sizeof(struct because)) =
	    (struct because){ node, false };
}

/* What was noted as the reason since the last close is this urgency's. */
void
urgent_add(struct run *run, uint32_t node, unsigned criticality, unsigned origin, int level)
{
	struct urgency *u = buffer_more(&run->urgencies, sizeof *u);

	*u = (struct urgency){
		.node = node,
		.because = run->because_open,
		.because_count = because_count(run) - run->because_open,
		.criticality = criticality,
		.origin = origin,
		.level = level,
	};
}

void
urgent_close(struct run *run)
{
	run->because_open = because_count(run);
}

/* ---- evidence --------------------------------------------------------------------------------------------
 */

/* A word at NODE that says how urgent something is; several of them are labels of their own, as not all may
 * be known to everybody. */
static void
look_at_word(struct run *run, const struct ruleset_evidence *e, uint32_t holder, uint32_t node)
{
	bool found = false;
	unsigned criticality = 0;

	if (node == 0 || json_kind(run_json(run), node) != JSON_STRING)
		return;
	for (size_t i = 0; i < e->words; i++)
		if (json_is(run_json(run), node, e->word[i].word) &&
		    (!found || e->word[i].criticality > criticality)) {
			criticality = e->word[i].criticality;
			found = true;
		}
	if (!found)
		return;
	because_at(run, node);
	urgent_add(run, run_entry(run, holder), criticality, ORIGIN_EVIDENCE, LABEL_NONE);
	urgent_close(run);
}

/* A word as it stands, or the code of a Coding or of a CodeableConcept's codings. */
void
urgent_evidence(struct run *run, uint32_t node, uint32_t evidence)
{
	const struct ruleset_evidence *e = &run->set.criticality.evidence[evidence];
	const struct json *j = run_json(run);
	const struct condition_members *m = run->set.words.members;
	uint32_t list = json_member_key(j, node, m->coding);

	look_at_word(run, e, node, node);
	look_at_word(run, e, node, json_member_key(j, node, m->code));
	if (list == 0 || json_kind(j, list) != JSON_ARRAY)
		return;
	for (uint32_t i = list + 1; i < j->nodes[list].next; i = j->nodes[i].next)
		look_at_word(run, e, node, json_member_key(j, i, m->code));
}

/* ---- signs -----------------------------------------------------------------------------------------------
 */

/* How the rules of one sign judge a value. */
enum judgement { JUDGED, OTHER_UNIT, NO_VALUE, OPEN };

static const unsigned unreadable_origin[] = {
	[OTHER_UNIT] = ORIGIN_UNIT,
	[NO_VALUE] = ORIGIN_VALUE,
	[OPEN] = ORIGIN_COMPARATOR,
};

static enum judgement
judge_reading(const struct ruleset_rule *rule, const struct quantity *reading, unsigned *criticality)
{
	for (unsigned i = 0; i < rule->cuts; i++)
		switch (quantity_within(reading, &rule->cut[i])) {
		case TRUTH_TRUE:
			*criticality = rule->band[i];
			return JUDGED;
		case TRUTH_UNKNOWN:
			return OPEN;
		case TRUTH_FALSE:
			break;
		}
	*criticality = rule->band[rule->cuts];
	return JUDGED;
}

static enum judgement
judge_quantity(const struct run *run, const struct ruleset_rule *rule, uint32_t node, unsigned *criticality)
{
	struct quantity reading;

	if (node == 0 || json_kind(run_json(run), node) != JSON_OBJECT)
		return NO_VALUE;
	switch (quantity_read(run->set.words.members, &run->record, node, rule->unit, &reading)) {
	case QUANTITY_GOOD:
		return judge_reading(rule, &reading, criticality);
	case QUANTITY_NO_UNIT:
		return OTHER_UNIT;
	case QUANTITY_NO_VALUE:
		break;
	}
	return NO_VALUE;
}

/* An integer has no unit of its own: it is meant in the rule's. */
static enum judgement
judge_integer(const struct run *run, const struct ruleset_rule *rule, uint32_t node, unsigned *criticality)
{
	struct quantity reading;

	if (quantity_read(run->set.words.members, &run->record, node, NULL, &reading) != QUANTITY_GOOD)
		return NO_VALUE;
	reading.unit = rule->unit;
	return judge_reading(rule, &reading, criticality);
}

/* The graver end counts. */
static enum judgement
judge_range(const struct run *run, const struct ruleset_rule *rule, uint32_t node, unsigned *criticality)
{
	unsigned high = 0;
	enum judgement low_end =
	    judge_quantity(run, rule, json_member_key(run_json(run), node, run->low), criticality);
	enum judgement high_end =
	    judge_quantity(run, rule, json_member_key(run_json(run), node, run->high), &high);

	if (low_end != JUDGED)
		return low_end;
	if (high_end == JUDGED && high > *criticality)
		*criticality = high;
	return high_end;
}

static enum judgement
judge_value(const struct run *run, const struct ruleset_rule *rule, uint32_t holder, uint32_t *value,
    unsigned *criticality)
{
	const struct json *j = run_json(run);

	if ((*value = json_member_key(j, holder, run->value_quantity)) != 0)
		return judge_quantity(run, rule, *value, criticality);
	if ((*value = json_member_key(j, holder, run->value_integer)) != 0)
		return judge_integer(run, rule, *value, criticality);
	if ((*value = json_member_key(j, holder, run->value_range)) != 0)
		return judge_range(run, rule, *value, criticality);
	return NO_VALUE;
}

/* A sign's rule may ask for more than the sign. */
static enum truth
holds(const struct run *run, const struct ruleset_rule *rule)
{
	uint32_t root = run->roots.at[run->record.root].node;
	enum truth truth =
	    rule->where == NULL ? TRUTH_TRUE : condition_judge(rule->where, &run->record, root);

	if (truth != TRUTH_FALSE && rule->when != NULL)
		truth = truth_and(truth, condition_judge_when(rule->when, &run->record));
	return truth;
}

/* The sign and its value beside it, in a root or in a component. */
struct sight {
	uint32_t holder;
	uint32_t coding; /* that said which sign it is */
	uint32_t value;  /* 0: none */
};

/* What of a Quantity was read. */
static void
because_quantity(struct run *run, uint32_t node)
{
	const struct condition_members *m = run->set.words.members;
	const uint16_t read[] = { m->value, m->code, m->unit, m->comparator };

	because_at(run, node);
	for (size_t i = 0; i < sizeof read / sizeof read[0]; i++) {
		uint32_t member = json_member_key(run_json(run), node, read[i]);

		if (member != 0)
			because_at(run, member);
	}
}

static void
because_value(struct run *run, uint32_t value)
{
	const uint32_t end[] = { json_member_key(run_json(run), value, run->low),
		json_member_key(run_json(run), value, run->high) };

	because_quantity(run, value);
	for (size_t i = 0; i < 2; i++)
		if (end[i] != 0)
			because_quantity(run, end[i]);
}

static void
because_coding(struct run *run, uint32_t coding)
{
	const struct condition_members *m = run->set.words.members;
	uint32_t system = json_member_key(run_json(run), coding, m->system);

	because_at(run, json_member_key(run_json(run), coding, m->code));
	if (system != 0)
		because_at(run, system);
}

static void
add_sign(struct run *run, const struct sight *sight, unsigned criticality, unsigned origin, int level)
{
	because_coding(run, sight->coding);
	if (sight->value != 0)
		because_value(run, sight->value);
	else
		because_at(run, sight->holder);
	urgent_add(run, sight->holder, criticality, origin, level);
	urgent_close(run);
}

static void
judge_sign(struct run *run, struct sight *sight, int sign)
{
	enum judgement worst = JUDGED;
	bool is_judged = false;
	bool is_released = true; /* by all rules that could not judge it */
	int level = LABEL_NONE;

	for (size_t i = 0; i < run->set.rules; i++) {
		const struct ruleset_rule *rule = &run->set.rule[i];
		unsigned criticality = 0;
		enum truth truth;
		enum judgement judgement;

		if (rule->sign != sign || !type_plan_applies(run->plan, i) ||
		    (truth = holds(run, rule)) == TRUTH_FALSE)
			continue;
		judgement = judge_value(run, rule, sight->holder, &sight->value, &criticality);
		if (judgement == JUDGED && truth == TRUTH_UNKNOWN)
			judgement = NO_VALUE;
		if (judgement == JUDGED) {
			is_judged = true;
			add_sign(run, sight, criticality, rule->origin, rule->level);
		} else if (worst == JUDGED || judgement > worst) {
			worst = judgement;
		}
		level = rule->level > level ? rule->level : level;
		is_released &= rule->level != LABEL_NONE;
	}
	/* One sign may have a rule for each of its units: one that could judge it is enough. */
	if (!is_judged && worst != JUDGED)
		add_sign(run, sight, run->set.criticality.unreadable, unreadable_origin[worst],
		    is_released ? level : LABEL_NONE);
}

static bool
is_first_of_sign(const struct ruleset *s, size_t rule)
{
	for (size_t i = 0; i < rule; i++)
		if (s->rule[i].sign == s->rule[rule].sign)
			return false;
	return true;
}

static void
judge_coding(struct run *run, const struct coding_hit *hit, uint32_t holder)
{
	struct sight sight = { .holder = holder, .coding = hit->coding };
	struct code_bits categories = { 0 };

	codes_matched_categories(run->set.codes, &hit->match, NULL, &categories);
	for (size_t i = 0; i < run->set.rules; i++) {
		int sign = run->set.rule[i].sign;

		if (sign != NO_SIGN && code_bits_has(&categories, (unsigned)sign) &&
		    is_first_of_sign(&run->set, i))
			judge_sign(run, &sight, sign);
	}
}

/* Of several codings each one judges: a reader may know one of them and not the other. */
void
urgent_sign(struct run *run, const struct frame *f)
{
	uint32_t code = f->member[ROLE_CODE];

	for (size_t i = f->hits; code != 0 && i < run->hit_list.count; i++) {
		const struct coding_hit *hit = &run->hit_list.at[i];

		if ((hit->coding == code || hit->concept == code) && !hit->is_unreadable)
			judge_coding(run, hit, f->node);
	}
}

/* ---- the end of a root, and of a record ------------------------------------------------------------------
 */

static bool
is_stale(struct run *run)
{
	const struct ruleset_criticality *c = &run->set.criticality;
	uint32_t root = run->roots.at[run->record.root].node;
	struct period time;

	if (c->stale_after == 0 || run->set.now.size == 0 ||
	    !shape_time(run->set.shape, run_json(run), root, &time))
		return false;
	return instant_compare(time.from, run->set.now_instant) > 0 ||
	       instant_compare(time.until, instant_add(run->set.now_instant, -c->stale_after)) <= 0;
}

void
urgent_end_root(struct run *run)
{
	const struct ruleset_criticality *c = &run->set.criticality;
	uint32_t root = run->roots.at[run->record.root].node;
	size_t before = run->root_urgencies;

	if (urgency_count(run) == before)
		return;
	if (c->ignore != NULL && condition_judge(c->ignore, &run->record, root) == TRUTH_TRUE)
		run->urgencies.used = before * sizeof(struct urgency);
	else if (is_stale(run))
		for (size_t i = before; i < urgency_count(run); i++) {
			urgencies(run)[i].criticality = c->stale;
			urgencies(run)[i].origin = ORIGIN_STALE;
		}
	run->root_urgencies = urgency_count(run);
}

static unsigned
level_of(const struct run *run, const struct urgency *u)
{
	const struct because *because = (const struct because *)(const void *)run->because.at + u->because;
	unsigned level = 0;

	if (u->level != LABEL_NONE)
		return (unsigned)u->level;
	if (u->because_count == 0)
		return levels_within(run, u->node);
	for (uint32_t i = 0; i < u->because_count; i++) {
		uint32_t node = because[i].node;
		unsigned one = because[i].whole ? levels_within(run, node) : levels_standing(run, node).level;

		level = one > level ? one : level;
	}
	return level;
}

/* An urgency of the lowest word changes nothing where that is the default. */
void
urgent_labels(struct run *run)
{
	levels_link(run);
	for (size_t i = 0; i < urgency_count(run); i++) {
		struct urgency u = urgencies(run)[i];
		struct label *label;

		if (u.criticality == 0 && run->set.criticality.usual == 0)
			continue;
		unsigned level = level_of(run, &u);

		label = run_add(run, u.node, LABEL_URGENCY, u.origin);
		label->level = (int)level;
		label->criticality = (int)u.criticality;
	}
}
