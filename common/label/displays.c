/* SPDX-License-Identifier: ISC */
#include "common/label/parts.h"

/*
 * The display of a reference repeats what another record says, which no rule sees from here.  A rule with
 * `refers_to` labels it by the type of that record.  The display of a reference to another entry of the same
 * Bundle has the level of that entry instead.  A reference to a contained resource goes with it.
 *
 * The display of a Coding without a code says what a text would say: it is a summary.
 */

void
displays_init(struct displays *d, const struct current_root *root, struct label_list *labels,
    struct entry_names *names, struct summary_list *summaries)
{
	struct json_keys *keys = root->set->keys;

	*d = (struct displays){
		.root = root,
		.labels = labels,
		.names = names,
		.summaries = summaries,
		.reference = json_keys_add(keys, (struct bytes)BYTES("reference")),
	};
	buffer_init(&d->text, BUFFER_UNLIMITED);
	for (uint32_t i = 0; i < root->set->rules; i++)
		if (root->set->rule[i].refers_to != NULL)
			d->rule[d->rules++] = i;
}

void
displays_release(struct displays *d)
{
	buffer_release(&d->text);
}

static bool
is_about(const struct ruleset_rule *rule, struct bytes type)
{
	for (size_t i = 0; type.size > 0 && i < yaml_strings(rule->refers_to); i++)
		if (bytes_equal(rule->refers_to->kind == YAML_LIST ? rule->refers_to->item[i]->text
								   : rule->refers_to->text,
			type))
			return true;
	return type.size == 0;
}

static void
find_type(const struct displays *d, struct bytes name, struct display_type *type)
{
	type->is_known = shape_knows_type(d->root->set->shape, name);
	type->rules = 0;
	for (unsigned i = 0; i < d->rules; i++)
		if (is_about(&d->root->set->rule[d->rule[i]], name))
			type->rules |= UINT64_C(1) << i;
}

/* What is known of NAME as a type; remembered, since the next reference mostly has the same. */
static const struct display_type *
type_of(struct displays *d, struct bytes name)
{
	size_t slot = name.size == 0
			  ? 0
			  : name.size * 5 + (unsigned char)name.at[0] + (unsigned char)name.at[name.size - 1];
	struct display_type *type = &d->type[slot % DISPLAY_TYPES];

	if (name.size > 0 && type->size == name.size && memcmp(type->name, name.at, name.size) == 0)
		return type;
	type->size = name.size <= sizeof type->name ? name.size : 0;
	if (type->size > 0)
		memcpy(type->name, name.at, name.size);
	find_type(d, name, type);
	return type;
}

/* The last segment of a reference that is a type: of `http://h/Patient/p1/_history/2`, of `Patient?x=y`. */
static struct bytes
type_in(struct displays *d, struct bytes reference)
{
	size_t end = reference.size;
	const char *stop;

	if (end > 0 && (stop = memchr(reference.at, '?', end)) != NULL)
		end = (size_t)(stop - reference.at);
	if (end > 0 && (stop = memchr(reference.at, '|', end)) != NULL)
		end = (size_t)(stop - reference.at);
	while (end > 0) {
		const char *slash = memrchr(reference.at, '/', end);
		size_t from = slash == NULL ? 0 : (size_t)(slash - reference.at) + 1;
		struct bytes segment = { reference.at + from, end - from };

		/* Types begin with a capital letter, and ids mostly do not. */
		if (segment.size > 0 && ascii_lower(segment.at[0]) != segment.at[0] &&
		    type_of(d, segment)->is_known)
			return segment;
		end = from == 0 ? 0 : from - 1;
	}
	return (struct bytes){ 0 };
}

static struct bytes
string_at(struct displays *d, uint32_t node)
{
	const struct json *j = current_root_json(d->root);

	if (node == 0 || json_kind(j, node) != JSON_STRING)
		return (struct bytes){ 0 };
	return json_string(j, node, &d->text);
}

/* The type that a reference states; it may be the address of its definition (FHIR R4 Reference.type). */
static struct bytes
stated(struct displays *d, uint32_t node)
{
	struct bytes type = string_at(d, node);
	const char *slash = type.size > 0 ? memrchr(type.at, '/', type.size) : NULL;

	return slash == NULL ? type : bytes_behind(type, (size_t)(slash - type.at) + 1);
}

/* What a reference under KEY means if it names no type itself; empty: nobody knows. */
static struct bytes
meant(const struct displays *d, uint16_t key)
{
	const struct ruleset *s = d->root->set;

	unsigned type = ruleset_key(s, key).meant;

	return type != 0 ? s->references->key[type - 1]->text : (struct bytes){ 0 };
}

/* The display of F, else what stands beside one that is not there: that tells as much. */
static uint32_t
display_of(const struct root_frame *f)
{
	return f->member[ROLE_DISPLAY] != 0 ? f->member[ROLE_DISPLAY] : f->member[ROLE_BESIDE_DISPLAY];
}

/* The entries that a reference can mean: only those that it surely means, if there are any. */
struct meant_entries {
	struct displays *displays;
	uint32_t display;
	bool has_sure;
	bool is_adding;
};

/* Whether a display of the type of root INDEX retells: a rule raises it above the level of its record. */
static bool
retells(struct displays *d, uint32_t index)
{
	const struct ruleset *s = d->root->set;
	const struct json *j = current_root_json(d->root);
	struct bytes type = shape_type(s->shape, j, d->root->record.roots->at[index].node);
	uint64_t about = type_of(d, type)->rules;

	for (unsigned i = 0; i < d->rules; i++)
		if ((about >> i & 1) != 0 && s->rule[d->rule[i]].level > (int)s->usual)
			return true;
	return false;
}

/* The same of one of the roots that INDEX stands for. */
static bool
any_retells(struct displays *d, uint32_t index)
{
	struct entry_group *group = entry_names_group(d->names, index);

	if (group == NULL)
		return retells(d, index);
	if (group->retells == TRUTH_UNKNOWN) {
		group->retells = TRUTH_FALSE;
		for (size_t i = 0; i < group->count && group->retells == TRUTH_FALSE; i++)
			if (retells(d, entry_names_member(d->names, group, i)))
				group->retells = TRUTH_TRUE;
	}
	return group->retells == TRUTH_TRUE;
}

static void
meet_entry(void *context, uint32_t root, bool is_sure)
{
	struct meant_entries *m = context;

	m->has_sure |= is_sure;
	if (!m->is_adding || root == m->displays->root->record.root)
		return;
	if (is_sure == m->has_sure || entry_names_group(m->displays->names, root) != NULL)
		summary_display(m->displays->summaries, m->display, root, any_retells(m->displays, root));
}

/* True if REFERENCE surely names entries: the display then has their level. */
static bool
names_entries(struct displays *d, uint32_t display, struct bytes reference)
{
	struct meant_entries m = { .displays = d, .display = display };
	uint32_t from = (uint32_t)d->root->record.root;

	entry_names_each(d->names, reference, from, meet_entry, &m);
	m.is_adding = true;
	entry_names_each(d->names, reference, from, meet_entry, &m);
	return m.has_sure;
}

/* Labels the display of F, a reference to a record of TYPE. */
static void
label_by_type(struct displays *d, const struct root_frame *f, struct bytes type)
{
	const struct ruleset *s = d->root->set;
	uint64_t about = type_of(d, type)->rules;

	for (unsigned i = 0; i < d->rules; i++) {
		const struct ruleset_rule *rule = &s->rule[d->rule[i]];
		struct label *label;

		if ((about >> i & 1) == 0 || !type_plan_applies(d->root->plan, d->rule[i]))
			continue;
		if (rule->level <= (int)f->base && rule->sensitivity == 0)
			continue; /* it has that level by its place */
		label = label_list_add(d->labels, display_of(f), LABEL_RAISE, rule->origin);
		label->level = (int8_t)rule->level;
		label->sensitivity = rule->sensitivity;
		label->basis = rule->basis;
	}
}

/* Labels the display of the reference F.  True if F stands where FHIR has a Coding. */
static bool
label_reference(struct displays *d, const struct root_frame *f)
{
	const struct json *j = current_root_json(d->root);
	uint32_t reference = json_member_key(j, f->node, d->reference);
	struct bytes type;

	if (!GUARD(displays))
		return false;
	if (d->root->record.roots->count > 1 && names_entries(d, display_of(f), string_at(d, reference)))
		return false;
	type = stated(d, f->member[ROLE_TYPE]);
	if (type.size == 0 || !type_of(d, type)->is_known) {
		struct bytes name = string_at(d, reference);

		if (bytes_begin(name, "#"))
			return false;
		type = type_in(d, name);
	}
	if (type.size == 0)
		type = meant(d, f->key);
	label_by_type(d, f, type);
	return bytes_are(type, "Coding");
}

void
displays_look(struct displays *d, const struct root_frame *f, bool is_element)
{
	bool is_coding = is_element || f->member[ROLE_CODE] != 0 || f->member[ROLE_SYSTEM] != 0;

	if (!is_coding && d->rules > 0)
		is_coding = label_reference(d, f);
	if (is_coding && d->root->set->has_summaries && !d->root->plan->has_no_summary &&
	    !coding_has_code(current_root_json(d->root), f->member[ROLE_CODE]))
		summary_add(d->summaries, display_of(f), f->node, false);
}
