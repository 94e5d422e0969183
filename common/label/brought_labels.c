/* SPDX-License-Identifier: ISC */
#include "common/label/parts.h"

/*
 * Brought labels are never lowered, except by what the policy releases by name.  A label that cannot be read
 * refuses the record.
 */

/* A security code: of meta.security, an inline label, or `floor`. */
struct security_code {
	struct bytes code;
	unsigned system; /* CODES_ANY_SYSTEM: none given */
};

/* What a code means.  Without a level it means nothing: a purpose, an obligation, a note on integrity. */
struct meaning {
	int level;
	uint64_t sensitivity;
	uint64_t basis;
	bool is_foreign; /* nobody knows the code */
};

void
brought_labels_init(struct brought_labels *b, const struct current_root *root, struct label_list *labels)
{
	const struct ruleset *s = root->set;

	*b = (struct brought_labels){
		.root = root,
		.labels = labels,
		.cursor = pointer_cursor_new(),
		.confidentiality = codes_system(s->codes, vocabulary_system(VOCABULARY_CONFIDENTIALITY)),
		.act_code = codes_system(s->codes, vocabulary_system(VOCABULARY_SENSITIVITY)),
		.act_reason = codes_system(s->codes, vocabulary_system(VOCABULARY_PURPOSE)),
		.observation_value = codes_system(s->codes,
		    (struct bytes)BYTES("http://terminology.hl7.org/CodeSystem/v3-ObservationValue")),
		.value_coding = json_keys_add(s->keys, (struct bytes)BYTES("valueCoding")),
		.value_concept = json_keys_add(s->keys, (struct bytes)BYTES("valueCodeableConcept")),
		.term = json_keys_add(s->keys, (struct bytes)BYTES("term")),
		.scheme = json_keys_add(s->keys, (struct bytes)BYTES("scheme")),
		.of_term = {
			json_keys_add(s->keys, (struct bytes)BYTES("classification")),
			json_keys_add(s->keys, (struct bytes)BYTES("category")),
			json_keys_add(s->keys, (struct bytes)BYTES("control")),
		},
	};
	buffer_init(&b->text, BUFFER_UNLIMITED);
}

void
brought_labels_release(struct brought_labels *b)
{
	buffer_release(&b->text);
	pointer_cursor_free(b->cursor);
}

/* Always false. */
static bool
refuse(struct brought_labels *b, enum reason reason, uint32_t node)
{
	b->reason = reason;
	b->refused = node;
	return false;
}

/* A term of Atom that is an address ends with the code: http://hl7.org/fhir/v3/Confidentiality#R */
static struct bytes
last_part(struct bytes term)
{
	size_t from = term.size;

	while (from > 0 && strchr("#/|:", term.at[from - 1]) == NULL)
		from--;
	return (struct bytes){ term.at + from, term.size - from };
}

/* The members of NODE that say a code and its system.  True if NODE is a category of Atom, as in DSTU1. */
static bool
find_members(const struct brought_labels *b, uint32_t node, uint32_t *code, uint32_t *system)
{
	const struct json *j = current_root_json(b->root);

	*code = json_member_key(j, node, b->root->set->words.members->code);
	*system = json_member_key(j, node, b->root->set->words.members->system);
	if (*code != 0 || json_member_key(j, node, b->term) == 0)
		return false;
	*code = json_member_key(j, node, b->term);
	*system = json_member_key(j, node, b->scheme);
	return true;
}

/* NODE is a Coding, a category of Atom, or a code alone. */
static bool
read_code(struct brought_labels *b, uint32_t node, struct security_code *out)
{
	const struct json *j = current_root_json(b->root);
	uint32_t code, system;
	bool is_atom = find_members(b, node, &code, &system);

	*out = (struct security_code){ .system = CODES_ANY_SYSTEM };
	if (json_kind(j, node) == JSON_STRING) {
		out->code = json_string(j, node, &b->text);
		return true;
	}
	if (json_kind(j, node) != JSON_OBJECT || code == 0 || json_kind(j, code) != JSON_STRING)
		return refuse(b, REASON_BAD_LABEL, node);
	if (system != 0 && json_kind(j, system) != JSON_STRING)
		return refuse(b, REASON_BAD_LABEL, system);
	if (system != 0)
		out->system = codes_system(b->root->set->codes, json_string(j, system, &b->text));
	out->code = json_string(j, code, &b->text);
	if (is_atom) {
		/* The scheme of DSTU1 says what a tag is for, and the term names the system of its code. */
		if (out->system != b->confidentiality && out->system != b->act_code)
			out->system = CODES_ANY_SYSTEM;
		out->code = last_part(out->code);
	}
	return true;
}

/* HL7's codes have capitals only.  A code in small letters is taken as the same code. */
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

/* A code that asks whoever has the record to do something, or says what it may be used for. */
static bool
is_instruction(const struct brought_labels *b, unsigned system, struct bytes code)
{
	const struct concept *refrain =
	    vocabulary_find(VOCABULARY_HANDLING, (struct bytes)BYTES("RefrainPolicy"));
	const struct concept *c = NULL;

	if (system == b->act_reason || system == b->observation_value)
		return true;
	if (system == b->act_code || system == CODES_ANY_SYSTEM)
		c = vocabulary_find(VOCABULARY_HANDLING, code);
	if (c != NULL)
		return !vocabulary_below(VOCABULARY_HANDLING, c, refrain);
	return system == CODES_ANY_SYSTEM && vocabulary_find(VOCABULARY_PURPOSE, code) != NULL;
}

/*
 * A policy that forbids disclosure, a law, and a code that nobody knows mean the level of any category.  A
 * code that nobody knows means more if it is the name of a higher level.
 */
static void
mean_policy(const struct brought_labels *b, const struct security_code *c, int level, struct meaning *m)
{
	const struct concept *law = NULL;
	const struct concept *handling = NULL;

	if (c->system == b->act_code || c->system == CODES_ANY_SYSTEM) {
		law = vocabulary_find(VOCABULARY_PRIVACY_LAW, c->code);
		handling = vocabulary_find(VOCABULARY_HANDLING, c->code);
	}
	m->level = b->root->set->category_rest;
	m->is_foreign = law == NULL && handling == NULL;
	if (law != NULL)
		m->basis = UINT64_C(1) << law->index;
	if (m->is_foreign && level > m->level)
		m->level = level;
}

/* A confidentiality code that is no level of the policy means the highest level. */
static struct meaning
mean(const struct brought_labels *b, const struct security_code *c)
{
	const struct ruleset *s = b->root->set;
	struct meaning m = { .level = LABEL_NONE };
	const struct concept *category = NULL;
	char room[16];
	struct bytes upper = in_capitals(c->code, room, sizeof room);
	int level = policy_level(s->policy, c->code);

	if (level < 0 && s->policy->code_system.size > 0 && c->system != b->confidentiality)
		level = policy_level(s->policy, upper);

	if (c->system == b->confidentiality || (c->system == CODES_ANY_SYSTEM && level >= 0)) {
		m.level = level >= 0 && s->policy->code_system.size > 0 ? level : (int)s->top;
		return m;
	}
	if (c->system == b->act_code || c->system == CODES_ANY_SYSTEM)
		category = vocabulary_find(VOCABULARY_SENSITIVITY, upper);
	if (category != NULL) {
		m.level = s->category_level[category->index];
		m.sensitivity = UINT64_C(1) << category->index;
	} else if (!is_instruction(b, c->system, c->code)) {
		mean_policy(b, c, level, &m);
	}
	return m;
}

/* The release of this code that holds for the current root; NULL if none does, or none is certain. */
static const struct ruleset_declassify *
find_release(const struct brought_labels *b, struct bytes code)
{
	struct condition_record all = b->root->record;
	uint32_t root = current_root_node(b->root);

	/* The walk has not seen all Codings of the root yet. */
	all.hits = NULL;
	all.terms = NULL;
	for (size_t i = 0; i < b->root->set->releases; i++) {
		const struct ruleset_declassify *r = &b->root->set->release[i];

		if (bytes_equal(r->code, code) &&
		    (r->where == NULL || condition_judge(r->where, &all, root) == TRUTH_TRUE))
			return r;
	}
	return NULL;
}

static void
add_floor(struct brought_labels *b, uint32_t node, const struct security_code *c, const struct meaning *m)
{
	const struct ruleset_declassify *release =
	    b->root->set->releases == 0 ? NULL : find_release(b, c->code);
	struct label *label;

	if (m->level == LABEL_NONE)
		return;
	if (release != NULL && (int)release->to < m->level) {
		label = label_list_add(b->labels, node, LABEL_RELEASE, release->origin);
		label->level = (int8_t)release->to;
		label->was = (int8_t)m->level;
		return;
	}
	label = label_list_add(b->labels, node, LABEL_RAISE, ORIGIN_FLOOR);
	label->level = (int8_t)m->level;
	label->sensitivity = m->sensitivity;
	label->basis = m->basis;
}

/* A label without a code says that there is one, and not which. */
static void
unreadable_label(struct brought_labels *b, uint32_t node)
{
	struct label *label = label_list_add(b->labels, node, LABEL_RAISE, ORIGIN_FLOOR);

	label->level = (int8_t)b->root->set->category_rest;
}

static bool
brought_code(struct brought_labels *b, uint32_t node, uint32_t coding)
{
	struct security_code code = { 0 };
	struct meaning meaning;
	uint32_t name, system;

	(void)find_members(b, coding, &name, &system);
	if (json_kind(current_root_json(b->root), coding) == JSON_OBJECT && name == 0) {
		unreadable_label(b, node);
		return true;
	}
	if (!read_code(b, coding, &code))
		return false;
	meaning = mean(b, &code);
	add_floor(b, node, &code, &meaning);
	return true;
}

/* VALUE is a code, a Coding, or a CodeableConcept. */
static bool
brought_value(struct brought_labels *b, uint32_t node, uint32_t value)
{
	const struct json *j = current_root_json(b->root);
	uint32_t coding = json_member_key(j, value, b->root->set->words.members->coding);
	uint32_t end;

	if (!GUARD(brought_labels))
		return true;
	if (json_kind(j, value) != JSON_OBJECT || coding == 0)
		return brought_code(b, node, value);
	if (json_kind(j, coding) != JSON_ARRAY)
		return brought_code(b, node, coding);
	end = j->nodes[coding].next;
	if (coding + 1 == end)
		unreadable_label(b, node);
	for (uint32_t i = coding + 1; i < end; i = j->nodes[i].next)
		if (!brought_code(b, node, i))
			return false;
	return true;
}

/* Some write one label without the list around it. */
static bool
brought_values(struct brought_labels *b, uint32_t node, uint32_t values)
{
	const struct json *j = current_root_json(b->root);

	if (json_kind(j, values) != JSON_ARRAY)
		return brought_value(b, node, values);
	for (uint32_t i = values + 1; i < j->nodes[values].next; i = j->nodes[i].next)
		if (!brought_value(b, node, i))
			return false;
	return true;
}

/* Whether the scheme of a category of Atom says that it is a label, as in DSTU1. */
static bool
is_label_scheme(struct brought_labels *b, uint32_t scheme)
{
	struct bytes name;
	unsigned system;

	if (scheme == 0)
		return false;
	name = json_string(current_root_json(b->root), scheme, &b->text);
	system = codes_system(b->root->set->codes, name);
	return system == b->confidentiality || system == b->act_code || bytes_end(name, "security");
}

/*
 * Tags say many things.  Those that nobody knows, and those that cannot be read, are no labels; of Atom those
 * count whose scheme is that of labels.
 */
static void
brought_tag(struct brought_labels *b, uint32_t node, uint32_t coding)
{
	const struct json *j = current_root_json(b->root);
	struct security_code code = { 0 };
	struct meaning meaning;
	uint32_t name, system;
	bool is_atom = find_members(b, coding, &name, &system);

	if (name == 0 || json_kind(j, name) != JSON_STRING ||
	    (system != 0 && json_kind(j, system) != JSON_STRING) || !read_code(b, coding, &code))
		return;
	if (is_atom && !is_label_scheme(b, system))
		return;
	if (!is_atom && code.system != b->confidentiality && code.system != b->act_code)
		return;
	meaning = mean(b, &code);
	if (is_atom || !meaning.is_foreign)
		add_floor(b, node, &code, &meaning);
}

/* VALUES is a list of tags, or one.  IS_ATOM: those of Atom alone. */
static void
brought_tags(struct brought_labels *b, uint32_t node, uint32_t values, bool is_atom)
{
	const struct json *j = current_root_json(b->root);
	uint32_t first = json_kind(j, values) == JSON_ARRAY ? values + 1 : values;
	uint32_t end = json_kind(j, values) == JSON_ARRAY ? j->nodes[values].next : values + 1;

	for (uint32_t i = first; i < end; i = j->nodes[i].next)
		if (json_kind(j, i) == JSON_OBJECT && (!is_atom || json_member_key(j, i, b->term) != 0))
			brought_tag(b, node, i);
}

/* The labels of a term of a Contract, one or a list; each has codes in several members. */
static bool
brought_of_term(struct brought_labels *b, uint32_t node, uint32_t values)
{
	const struct json *j = current_root_json(b->root);
	uint32_t end = json_kind(j, values) == JSON_ARRAY ? j->nodes[values].next : values + 1;
	uint32_t first = json_kind(j, values) == JSON_ARRAY ? values + 1 : values;

	for (uint32_t i = first; i < end; i = j->nodes[i].next) {
		bool any = false;

		for (size_t m = 0; m < sizeof b->of_term / sizeof b->of_term[0]; m++) {
			uint32_t value = json_member_key(j, i, b->of_term[m]);

			any = any || value != 0;
			if (value != 0 && !brought_values(b, node, value))
				return false;
		}
		if (!any)
			unreadable_label(b, node);
	}
	return true;
}

static bool
says(const struct json *j, uint32_t node, const char *name, const char *text)
{
	uint32_t value = json_member(j, node, bytes_of(name));

	return value != 0 && json_is(j, value, bytes_of(text));
}

/* What a label of NODE labels: a Composition stands for the document around it, a kept Bundle. */
static uint32_t
labelled_by(const struct brought_labels *b, uint32_t node)
{
	const struct json *j = current_root_json(b->root);
	const struct root *root = &b->root->record.roots->at[b->root->record.root];
	uint32_t around = b->root->record.roots->at[root->parent].node;

	return node == root->node && node != around && says(j, node, "resourceType", "Composition") &&
		       says(j, around, "resourceType", "Bundle") && says(j, around, "type", "document")
		   ? around
		   : node;
}

bool
brought_labels_at(struct brought_labels *b, uint32_t values, uint32_t around, enum brought_place place)
{
	uint32_t root = labelled_by(b, current_root_node(b->root));

	around = labelled_by(b, around);
	switch (place) {
	case BROUGHT_NOT:
		break;
	case BROUGHT_SECURITY:
		return brought_values(b, root, values);
	case BROUGHT_TAG:
		brought_tags(b, root, values, false);
		break;
	case BROUGHT_ATOM:
		brought_tags(b, around, values, true);
		break;
	case BROUGHT_OF_TERM:
		return brought_of_term(b, around, values);
	case BROUGHT_AROUND:
		return brought_values(b, around, values);
	}
	return true;
}

void
brought_labels_category(struct brought_labels *b, uint32_t node, uint32_t code)
{
	const struct ruleset *s = b->root->set;
	char room[16];
	const struct concept *category = vocabulary_find(VOCABULARY_SENSITIVITY,
	    in_capitals(json_string(current_root_json(b->root), code, &b->text), room, sizeof room));
	struct label *label;

	if (category == NULL || !GUARD(brought_categories))
		return;
	label = label_list_add(b->labels, node, LABEL_RAISE, ORIGIN_FLOOR);
	label->level = (int8_t)s->category_level[category->index];
	label->sensitivity = UINT64_C(1) << category->index;
}

bool
brought_labels_inline(struct brought_labels *b, uint32_t node, uint32_t extension)
{
	uint32_t value = json_member_key(current_root_json(b->root), extension, b->value_coding);

	if (value == 0)
		value = json_member_key(current_root_json(b->root), extension, b->value_concept);
	node = labelled_by(b, node);
	if (value != 0)
		return brought_value(b, node, value);
	if (GUARD(brought_labels))
		unreadable_label(b, node);
	return true;
}

/* `floor` has what stood around the record in its Bundle: codes, Codings, concepts and inline labels. */
bool
brought_labels_floor(struct brought_labels *b, uint32_t list)
{
	const struct json *j = current_root_json(b->root);
	uint32_t root = b->root->record.roots->at[0].node;

	if (list == 0 || !GUARD(bundle_floors))
		return true;
	for (uint32_t i = list + 1; i < j->nodes[list].next; i = j->nodes[i].next)
		if (!brought_value(b, root, i))
			return false;
	return true;
}

/* A label of a labelled line. */
struct brought_label {
	uint32_t node;
	int level;
	uint64_t sensitivity;
	uint64_t basis;
	bool is_urgency;
	bool is_summary;
};

static bool
read_mask(struct brought_labels *b, uint32_t list, enum vocabulary v, uint64_t *mask, int *level)
{
	const struct json *j = current_root_json(b->root);

	if (list == 0)
		return true;
	if (json_kind(j, list) != JSON_ARRAY)
		return refuse(b, REASON_BAD_LABEL, list);
	for (uint32_t i = list + 1; i < j->nodes[list].next; i = j->nodes[i].next) {
		const struct concept *c;

		if (json_kind(j, i) != JSON_STRING)
			return refuse(b, REASON_BAD_LABEL, i);
		c = vocabulary_find(v, json_string(j, i, &b->text));
		if (c != NULL)
			*mask |= UINT64_C(1) << c->index;
		else
			*level = (int)b->root->set->top; /* a category of another vocabulary */
	}
	return true;
}

static bool
read_brought(struct brought_labels *b, uint32_t node, struct brought_label *label)
{
	const struct json *j = current_root_json(b->root);
	uint32_t at = json_member(j, node, (struct bytes)BYTES("at"));
	uint32_t level = json_member(j, node, (struct bytes)BYTES("level"));
	uint32_t rule = json_member(j, node, (struct bytes)BYTES("rule"));

	*label = (struct brought_label){ .level = LABEL_NONE };
	if (json_kind(j, node) != JSON_OBJECT || at == 0 || json_kind(j, at) != JSON_STRING ||
	    (level != 0 && json_kind(j, level) != JSON_STRING) ||
	    (rule != 0 && json_kind(j, rule) != JSON_STRING))
		return refuse(b, REASON_BAD_LABEL, node);
	if (!pointer_cursor_find(b->cursor, at, &label->node))
		return refuse(b, REASON_BAD_POINTER, at);
	if (level != 0) {
		label->level = policy_level(b->root->set->policy, json_string(j, level, &b->text));
		label->level = label->level < 0 ? (int)b->root->set->top : label->level;
	}
	label->is_urgency = json_member(j, node, (struct bytes)BYTES("criticality")) != 0;
	label->is_summary = rule != 0 && (json_is(j, rule, (struct bytes)BYTES("narrative")) ||
					     json_is(j, rule, (struct bytes)BYTES("summary")));
	return read_mask(b, json_member(j, node, (struct bytes)BYTES("sensitivity")), VOCABULARY_SENSITIVITY,
		   &label->sensitivity, &label->level) &&
	       read_mask(b, json_member(j, node, (struct bytes)BYTES("basis")), VOCABULARY_PRIVACY_LAW,
		   &label->basis, &label->level);
}

/* Adds the label if it says more than the labels of this policy. */
static void
keep_brought(struct brought_labels *b, const struct brought_label *brought)
{
	struct label_standing s = label_list_standing(b->labels, brought->node);
	struct label *label;

	if (brought->level <= (int)s.level && (brought->sensitivity & ~s.sensitivity) == 0 &&
	    (brought->basis & ~s.basis) == 0)
		return;
	label = label_list_add(b->labels, brought->node, LABEL_RAISE, ORIGIN_FLOOR);
	label->level = (int8_t)brought->level;
	label->sensitivity = brought->sensitivity;
	label->basis = brought->basis;
}

/* Brought urgencies are dropped: urgency is judged anew. */
bool
brought_labels_line(struct brought_labels *b, uint32_t list, uint32_t record, bool summaries)
{
	const struct json *j = current_root_json(b->root);
	struct brought_label label;

	if (list == 0)
		return true;
	label_list_link(b->labels);
	pointer_cursor_start(b->cursor, j, record);
	for (uint32_t i = list + 1; i < j->nodes[list].next; i = j->nodes[i].next) {
		if (!read_brought(b, i, &label))
			return false;
		if (!label.is_urgency && label.is_summary == summaries)
			keep_brought(b, &label);
	}
	label_list_sort(b->labels);
	return true;
}
