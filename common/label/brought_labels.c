/* SPDX-License-Identifier: ISC */
#include "common/label/run.h"

/*
 * floors: labels that came with a record.  They are never lowered, but for what the policy releases by name;
 * a label that cannot be read refuses the record.
 */

/* A security code, wherever it came from. */
struct security_code {
	struct bytes code;
	unsigned system; /* CODES_ANY_SYSTEM: none given */
};

/* What it means: nothing, if it is neither a level nor a sensitivity. */
struct meaning {
	int level;
	uint64_t sensitivity;
	bool is_confidentiality;
};

static bool
read_code(struct run *run, uint32_t node, struct security_code *out)
{
	const struct json *j = run_json(run);
	uint32_t code = json_member_key(j, node, run->set.words.members->code);
	uint32_t system = json_member_key(j, node, run->set.words.members->system);

	if (json_kind(j, node) != JSON_OBJECT || code == 0 || json_kind(j, code) != JSON_STRING)
		return run_refuse(run, REASON_BAD_LABEL, node);
	if (system != 0 && json_kind(j, system) != JSON_STRING)
		return run_refuse(run, REASON_BAD_LABEL, system);
	out->system = CODES_ANY_SYSTEM;
	if (system != 0)
		out->system = codes_system(run->set.codes, json_string(j, system, &run->text));
	out->code = json_string(j, code, &run->text);
	return true;
}

/* HL7's codes are written in capitals, and a sender who did not has meant them all the same. */
static struct bytes
in_capitals(struct bytes code, char *room, size_t size)
{
	if (code.size > size)
		return code;
	for (size_t i = 0; i < code.size; i++) {
		room[i] = code.at[i];
		if (room[i] >= 'a' && room[i] <= 'z')
			room[i] = (char)(room[i] - 'a' + 'A');
	}
	return (struct bytes){ room, code.size };
}

/* A code of the ladder's system that the ladder does not have is as high as can be. */
static struct meaning
mean(const struct run *run, const struct security_code *c)
{
	const struct ruleset *s = &run->set;
	struct meaning m = { .level = LABEL_NONE };
	const struct concept *category = NULL;
	char room[16];
	struct bytes upper = in_capitals(c->code, room, sizeof room);
	int level = policy_level(s->policy, c->code);

	if (level < 0 && s->policy->code_system.size > 0 && c->system == CODES_ANY_SYSTEM)
		level = policy_level(s->policy, upper);

	if (c->system == run->confidentiality || (c->system == CODES_ANY_SYSTEM && level >= 0)) {
		m.is_confidentiality = true;
		m.level = level >= 0 && s->policy->code_system.size > 0 ? level : (int)s->top;
		return m;
	}
	if (c->system == run->act_code || c->system == CODES_ANY_SYSTEM)
		category = vocabulary_find(VOCABULARY_SENSITIVITY, upper);
	if (category != NULL) {
		m.level = s->category_level[category->index];
		m.sensitivity = UINT64_C(1) << category->index;
	}
	return m;
}

/* The release for this code, if the policy has one that certainly holds for the root at hand. */
static const struct ruleset_declassify *
find_release(const struct run *run, struct bytes code)
{
	struct condition_record all = run->record;
	uint32_t root = run->roots.at[run->record.root].node;

	/* Not all codings of the root may be known yet. */
	all.hits = NULL;
	for (size_t i = 0; i < run->set.releases; i++) {
		const struct ruleset_declassify *r = &run->set.release[i];

		if (bytes_equal(r->code, code) &&
		    (r->where == NULL || condition_judge(r->where, &all, root) == TRUTH_TRUE))
			return r;
	}
	return NULL;
}

static void
add_floor(struct run *run, uint32_t node, const struct security_code *c, const struct meaning *m)
{
	const struct ruleset_declassify *release = run->set.releases == 0 ? NULL : find_release(run, c->code);
	struct label *label;

	if (m->level == LABEL_NONE)
		return;
	if (release != NULL && (int)release->to < m->level) {
		label = run_add(run, node, LABEL_RELEASE, release->origin);
		label->level = (int)release->to;
		label->was = m->level;
		return;
	}
	label = run_add(run, node, LABEL_RAISE, ORIGIN_FLOOR);
	label->level = m->level;
	label->sensitivity = m->sensitivity;
}

static bool
brought_code(struct run *run, uint32_t node, uint32_t coding, bool *is_confidentiality)
{
	struct security_code code = { 0 };
	struct meaning meaning;

	if (!read_code(run, coding, &code))
		return false;
	meaning = mean(run, &code);
	if (is_confidentiality != NULL && meaning.is_confidentiality)
		*is_confidentiality = true;
	add_floor(run, node, &code, &meaning);
	return true;
}

bool
brought_security(struct run *run, uint32_t node)
{
	const struct json *j = run_json(run);
	uint32_t root = run->roots.at[run->record.root].node;
	bool *own = run->record.root == 0 ? &run->has_own_level : NULL;

	if (json_kind(j, node) != JSON_ARRAY)
		return run_refuse(run, REASON_BAD_LABEL, node);
	for (uint32_t i = node + 1; i < j->nodes[node].next; i = j->nodes[i].next)
		if (!brought_code(run, root, i, own))
			return false;
	return true;
}

/* ---- inline labels ---------------------------------------------------------------------------------------
 */

/* The value of member _NAME of OBJECT without its underscore; 0 if the node is no such value. */
static uint32_t
twin_of(const struct json *j, uint32_t object, uint32_t value)
{
	struct bytes key = json_inside(j, value - 1);

	if (key.size < 2 || key.at[0] != '_')
		return 0;
	return json_member(j, object, (struct bytes){ key.at + 1, key.size - 1 });
}

static uint32_t
element_at(const struct json *j, uint32_t list, uint32_t index)
{
	uint32_t i = list + 1;

	if (list == 0 || json_kind(j, list) != JSON_ARRAY)
		return 0;
	while (i < j->nodes[list].next && index-- > 0)
		i = j->nodes[i].next;
	return i < j->nodes[list].next ? i : 0;
}

/* What HOLDER, the object around `extension`, speaks of: _x of x, an element of _x of that element of x. */
static uint32_t
spoken_of(const struct run *run, const struct frame *holder)
{
	const struct json *j = run_json(run);
	const struct frame *outer = holder - 1;
	bool has_outer = holder != (const struct frame *)(const void *)run->frames.at;
	uint32_t twin = 0;

	if (!has_outer)
		return holder->node;
	if (!holder->is_element)
		twin = twin_of(j, outer->node, holder->node);
	else if (outer != (const struct frame *)(const void *)run->frames.at && !outer->is_element)
		twin = element_at(j, twin_of(j, (outer - 1)->node, outer->node), outer->index - 1);
	return twin != 0 ? twin : holder->node;
}

bool
brought_inline(struct run *run, const struct frame *holder, uint32_t extension)
{
	uint32_t coding = json_member_key(run_json(run), extension, run->value_coding);

	if (coding == 0)
		return run_refuse(run, REASON_BAD_LABEL, extension);
	return brought_code(run, spoken_of(run, holder), coding, NULL);
}

/* ---- what a line brings ----------------------------------------------------------------------------------
 */

/* `floor` of an ingested line: the Bundle's codes.  A level of the record's own takes the place of theirs. */
bool
brought_envelope(struct run *run)
{
	const struct json *j = run_json(run);
	uint32_t list = run->envelope.tags.floor;
	uint32_t root = run->roots.at[0].node;

	if (list == 0)
		return true;
	run->record.root = 0;
	for (uint32_t i = list + 1; i < j->nodes[list].next; i = j->nodes[i].next) {
		struct security_code code = { .system = CODES_ANY_SYSTEM };
		struct meaning meaning;

		if (json_kind(j, i) == JSON_STRING)
			code.code = json_string(j, i, &run->text);
		else if (!read_code(run, i, &code))
			return false;
		meaning = mean(run, &code);
		if (!meaning.is_confidentiality || !run->has_own_level)
			add_floor(run, root, &code, &meaning);
	}
	return true;
}

/* A label of a labelled line. */
struct brought {
	uint32_t node;
	int level;
	uint64_t sensitivity;
	uint64_t basis;
	bool is_urgency;
	bool is_narrative;
};

static bool
read_mask(struct run *run, uint32_t list, enum vocabulary v, uint64_t *mask, int *level)
{
	const struct json *j = run_json(run);

	if (list == 0)
		return true;
	if (json_kind(j, list) != JSON_ARRAY)
		return run_refuse(run, REASON_BAD_LABEL, list);
	for (uint32_t i = list + 1; i < j->nodes[list].next; i = j->nodes[i].next) {
		const struct concept *c;

		if (json_kind(j, i) != JSON_STRING)
			return run_refuse(run, REASON_BAD_LABEL, i);
		c = vocabulary_find(v, json_string(j, i, &run->text));
		if (c != NULL)
			*mask |= UINT64_C(1) << c->index;
		else
			*level = (int)run->set.top; /* a category that nobody here knows */
	}
	return true;
}

static bool
read_brought(struct run *run, uint32_t node, struct brought *b)
{
	const struct json *j = run_json(run);
	uint32_t at = json_member(j, node, (struct bytes)BYTES("at"));
	uint32_t level = json_member(j, node, (struct bytes)BYTES("level"));
	uint32_t rule = json_member(j, node, (struct bytes)BYTES("rule"));

	*b = (struct brought){ .level = LABEL_NONE };
	if (json_kind(j, node) != JSON_OBJECT || at == 0 || json_kind(j, at) != JSON_STRING ||
	    (level != 0 && json_kind(j, level) != JSON_STRING) ||
	    (rule != 0 && json_kind(j, rule) != JSON_STRING))
		return run_refuse(run, REASON_BAD_LABEL, node);
	if (!pointer_cursor_find(run->cursor, at, &b->node))
		return run_refuse(run, REASON_BAD_POINTER, at);
	if (level != 0) {
		b->level = policy_level(run->set.policy, json_string(j, level, &run->text));
		b->level = b->level < 0 ? (int)run->set.top : b->level;
	}
	b->is_urgency = json_member(j, node, (struct bytes)BYTES("criticality")) != 0;
	b->is_narrative = rule != 0 && json_is(j, rule, (struct bytes)BYTES("narrative"));
	return read_mask(run, json_member(j, node, (struct bytes)BYTES("sensitivity")),
		   VOCABULARY_SENSITIVITY, &b->sensitivity, &b->level) &&
	       read_mask(run, json_member(j, node, (struct bytes)BYTES("basis")), VOCABULARY_PRIVACY_LAW,
		   &b->basis, &b->level);
}

static void
keep_brought(struct run *run, const struct brought *b)
{
	struct label_standing s = levels_standing(run, b->node);
	struct label *label;

	if (b->level <= (int)s.level && (b->sensitivity & ~s.sensitivity) == 0 && (b->basis & ~s.basis) == 0)
		return;
	label = run_add(run, b->node, LABEL_RAISE, ORIGIN_FLOOR);
	label->level = b->level;
	label->sensitivity = b->sensitivity;
	label->basis = b->basis;
}

/*
 * What a labelled line says beyond what this policy says anyway.  Urgency is judged anew; a label of a
 * narrative repeats others, so it is looked at when they have their place.
 */
bool
brought_labels(struct run *run, bool narrative)
{
	const struct json *j = run_json(run);
	uint32_t list = run->envelope.labels;
	struct brought b;

	if (list == 0)
		return true;
	levels_link(run);
	pointer_cursor_start(run->cursor, j, run->out->record);
	for (uint32_t i = list + 1; i < j->nodes[list].next; i = j->nodes[i].next) {
		if (!read_brought(run, i, &b))
			return false;
		if (!b.is_urgency && b.is_narrative == narrative)
			keep_brought(run, &b);
	}
	levels_sort(run);
	return true;
}
