/* SPDX-License-Identifier: ISC */
#include "common/access/space.h"

#include <stdio.h>

/*
 * What an officer should look at in the rules of layers: they are no faults, but seldom meant.
 */

/* Enough for the criteria of one rule. */
enum { RULE_LIMIT = 200000 };

static bool
is_of_asker(const struct engine *e, unsigned attribute)
{
	return e->attributes.at[attribute].place == PLACE_SUBJECT;
}

static bool
asks_who(const struct engine *e, const struct criterion *c)
{
	return c->kind == CRITERION_RELATION || is_of_asker(e, c->attribute) ||
	       (c->kind == CRITERION_SAME && is_of_asker(e, c->other));
}

static bool
names_asker(const struct engine *e, const struct access_rule *rule)
{
	for (uint32_t i = 0; i < rule->criteria->count; i++)
		if (asks_who(e, &rule->criteria->at[i]))
			return true;
	return false;
}

/* The request at hand, as the custodian sees it. */
static struct situation
situation_of(const struct space *s)
{
	return (struct situation){ .request = &s->request,
		.attributes = &s->engine->attributes,
		.roles = &s->engine->roles,
		.facts = s->engine->facts,
		.custodian = true,
		.levels = s->engine->policy->levels };
}

static struct rule_state
judge(const struct access_rule *rule, const struct space *s)
{
	struct situation at = situation_of(s);

	return rule_judge(rule, &at, &s->engine->scratch);
}

/* False if no request meets the rule.  A search that ends at its limit says nothing. */
static bool
can_hold(struct engine *e, const struct layer_file *f, const struct access_rule *rule)
{
	struct space s;
	bool holds = false;

	space_begin(&s, e, f, bytes_of("someone"));
	space_add_rule(&s, rule);
	while (!holds && s.tried < RULE_LIMIT && space_next(&s))
		holds = judge(rule, &s).holding == RULE_HOLDS;
	holds = holds || !s.exhausted;
	space_end(&s);
	return holds;
}

static void
advise(const struct advice *a, const char *file, const struct yaml_node *node, const char *code,
    const char *text)
{
	struct fault fault = { 0 };

	(void)fault_at(&fault, file, node, "%s: %s", code, text);
	a->tell(a->context, &fault);
}

/* True if what RULE says of the request at hand is said by OTHER, or undone by it. */
static bool
is_covered(const struct access_rule *rule, const struct access_rule *other, const struct space *s)
{
	struct rule_state state = judge(rule, s), by;

	if (state.holding == RULE_NO ||
	    (state.holding == RULE_UNKNOWN && (rule->effect == EFFECT_PERMIT || rule->skip_missing)))
		return true;
	by = judge(other, s);
	if (by.holding == RULE_HOLDS)
		return item_is_all(by.item);
	return by.holding == RULE_UNKNOWN && other->effect == EFFECT_DENY && !other->skip_missing &&
	       (rule->effect == EFFECT_PERMIT || state.holding == RULE_UNKNOWN);
}

/* Only what a rule says beside its effect: obligations, and how it stands to consent. */
static bool
may_stand_for(const struct access_rule *other, const struct access_rule *rule)
{
	if (other == rule || (other->effect == EFFECT_PERMIT && rule->effect == EFFECT_DENY))
		return false;
	if (other->effect == EFFECT_DENY && rule->effect == EFFECT_PERMIT)
		return true;
	return rule->duties == 0 && (rule->override == OVERRIDE_NO || rule->override == other->override) &&
	       (!rule->names_btg || other->names_btg);
}

/* After requests that space_meet() made: all of them, from the first. */
static void
begin_again(struct space *s)
{
	for (unsigned i = 0; i < s->dimensions; i++)
		s->dimension[i].at = 0;
	s->at = 0;
	s->tried = 0;
}

/* True if every request that can be told apart by both rules is covered.  A few near RULE are tried first. */
static bool
stands_for(struct engine *e, const struct layer_file *f, const struct access_rule *other,
    const struct access_rule *rule)
{
	struct space s;
	bool covered = true;

	space_begin(&s, e, f, bytes_of("the-patient"));
	s.lists = true;
	space_add_rule(&s, rule);
	space_add_rule(&s, other);
	(void)space_next(&s);
	for (uint32_t i = 0; i < 8 && covered; i++) {
		(void)space_meet(&s, rule->criteria, i);
		covered = is_covered(rule, other, &s);
	}
	begin_again(&s);
	while (covered && s.tried < RULE_LIMIT && space_next(&s))
		covered = is_covered(rule, other, &s);
	covered = covered && s.exhausted;
	space_end(&s);
	return covered;
}

static void
advise_shadow(const struct advice *a, struct engine *e, const struct layer_file *f,
    const struct access_rule *rule, const struct layer_file *by)
{
	for (uint32_t i = 0; i < by->rules; i++) {
		const struct access_rule *other = &by->rule[i];
		struct fault fault = { 0 };

		/* Of two that say the same the later one is told of. */
		if (!may_stand_for(other, rule) || !stands_for(e, f, other, rule) ||
		    (by == f && i > (uint32_t)(rule - f->rule) && may_stand_for(rule, other) &&
			stands_for(e, f, rule, other)))
			continue;
		(void)fault_at(&fault, f->file, rule->node,
		    other->effect == rule->effect
			? "shadowed: '%.*s' holds wherever this rule does: take this rule out, or narrow "
			  "the other"
			: "shadowed: '%.*s' denies whatever this rule permits: narrow it, or take this "
			  "rule out",
		    (int)other->id.size, other->id.at);
		a->tell(a->context, &fault);
		return;
	}
}

/* Those of whom a rule lists a role, a kind or a relation; BY NULL: all whom it is for. */
struct asker {
	const struct criterion *by;
	uint32_t word;
};

/* True if C, which a row of clearances asks of WHO, says no more of her than RULE does. */
static bool
is_said(const struct access_rule *rule, const struct criterion *c, const struct asker *who)
{
	/* Whoever has a functional role has a structural one, too. */
	if (c->attribute == ATTRIBUTE_STRUCTURAL_ROLE && who->by->kind == CRITERION_VALUES &&
	    who->by->attribute == ATTRIBUTE_FUNCTIONAL_ROLE)
		return true;
	for (uint32_t i = 0; i < rule->criteria->count; i++) {
		const struct criterion *said = &rule->criteria->at[i];

		if (c->kind != CRITERION_RELATION && said->kind != CRITERION_RELATION &&
		    said->attribute == c->attribute)
			return true;
		/* Of several relations that the rule lists, WHO has one. */
		for (uint32_t k = 0; c->kind == CRITERION_RELATION && k < c->words.count; k++)
			if (said->kind == CRITERION_RELATION && said != who->by &&
			    intern_set_has(said->words, c->words.at[k]))
				return true;
	}
	return false;
}

/* True if ROW names WHO, or asks nothing of her that RULE does not. */
static bool
is_for(const struct engine *e, const struct clearance_row *row, const struct access_rule *rule,
    const struct asker *who)
{
	bool others = false;

	for (uint32_t i = 0; who->by && i < row->criteria.count; i++) {
		const struct criterion *c = &row->criteria.at[i];

		if (c->kind == who->by->kind && intern_set_has(c->words, who->word) &&
		    (c->kind == CRITERION_RELATION ||
			(c->kind == CRITERION_VALUES && c->attribute == who->by->attribute)))
			return true;
		others = others || (asks_who(e, c) && !is_said(rule, c, who));
	}
	return !others;
}

static bool
is_cleared(const struct access_rule *rule, const struct clearance_row *row, const struct asker *who,
    const struct space *s)
{
	bool named = who->by && who->by->kind == CRITERION_VALUES;
	const struct values *v = named ? &s->request.at[who->by->attribute] : NULL;
	struct situation at = situation_of(s);
	struct attribute_set missing = { 0 };
	unsigned data = 0;

	return (!v || (v->count == 1 && v->at[0].word == who->word)) &&
	       judge(rule, s).holding == RULE_HOLDS &&
	       criteria_judge(&row->criteria, &at, &data, &missing) == TRUTH_TRUE;
}

/* True if some request of WHO meets both. */
static bool
leads_to(struct engine *e, const struct layer_file *f, const struct access_rule *rule,
    const struct clearance_row *row, const struct asker *who)
{
	bool cleared = false;
	struct space s;

	space_begin(&s, e, f, bytes_of("the-patient"));
	space_add_rule(&s, rule);
	space_add_criteria(&s, &row->criteria);
	(void)space_next(&s);
	for (uint32_t i = 0; i < 8 && !cleared; i++) {
		(void)(space_meet(&s, rule->criteria, i) && space_meet(&s, &row->criteria, i));
		cleared = is_cleared(rule, row, who, &s);
	}
	begin_again(&s);
	while (!cleared && s.tried < RULE_LIMIT && space_next(&s))
		cleared = is_cleared(rule, row, who, &s);
	cleared = cleared || !s.exhausted;
	space_end(&s);
	return cleared;
}

static bool
has_row(struct engine *e, const struct layer_file *f, const struct access_rule *rule, const struct asker *who)
{
	for (uint32_t i = 0; i < e->clearances.rows; i++)
		if (is_for(e, &e->clearances.row[i], rule, who) &&
		    leads_to(e, f, rule, &e->clearances.row[i], who))
			return true;
	return false;
}

static bool
names_role(const struct criteria *c)
{
	for (uint32_t i = 0; i < c->count; i++)
		if (c->at[i].kind == CRITERION_VALUES && (c->at[i].attribute == ATTRIBUTE_STRUCTURAL_ROLE ||
							     c->at[i].attribute == ATTRIBUTE_FUNCTIONAL_ROLE))
			return true;
	return false;
}

/* True if C asks for the relation WORD of somebody with a role. */
static bool
is_of_staff(const struct criteria *c, uint32_t word)
{
	for (uint32_t i = 0; i < c->count; i++)
		if (c->at[i].kind == CRITERION_RELATION && intern_set_has(c->at[i].words, word))
			return names_role(c);
	return false;
}

/* True if a rule or row has the relation WORD together with a role, by which its people may be known. */
static bool
is_relation_of_staff(const struct engine *e, uint32_t word)
{
	bool staff = false;

	for (uint32_t i = 0; i < e->clearances.rows && !staff; i++)
		staff = is_of_staff(&e->clearances.row[i].criteria, word);
	for (uint32_t i = 0; i < e->layers.files && !staff; i++)
		for (uint32_t k = 0; k < e->layers.file[i].rules && !staff; k++)
			staff = is_of_staff(e->layers.file[i].rule[k].criteria, word);
	return staff;
}

/* A role, a kind of asker other than a person, who may be whoever has a role, or a relation alone. */
static bool
lists_askers(const struct criteria *all, const struct criterion *c)
{
	if (c->kind == CRITERION_RELATION)
		return !names_role(all);
	return c->kind == CRITERION_VALUES && c->mode != CRITERION_NOT &&
	       (c->attribute == ATTRIBUTE_STRUCTURAL_ROLE || c->attribute == ATTRIBUTE_FUNCTIONAL_ROLE ||
		   c->attribute == ATTRIBUTE_SUBJECT_TYPE);
}

/* Adds to NAMES those whom C lists and for whom no row is. */
static void
list_rowless(struct engine *e, const struct layer_file *f, const struct access_rule *rule,
    const struct criterion *c, struct buffer *names)
{
	for (uint32_t i = 0; i < c->words.count; i++) {
		struct asker who = { .by = c, .word = c->words.at[i] };
		struct bytes name = intern_text(&e->words, who.word);

		if (c->kind == CRITERION_RELATION
			? is_relation_of_staff(e, who.word)
			: criteria_group(&e->roles, c->attribute, who.word) || bytes_are(name, "user"))
			continue;
		if (has_row(e, f, rule, &who))
			continue;
		if (names->used > 0)
			buffer_add(names, ", ", 2);
		buffer_add(names, name.at, name.size);
	}
}

/* What a rule permits to somebody without a row of clearances is denied. */
static void
advise_rows(
    const struct advice *a, struct engine *e, const struct layer_file *f, const struct access_rule *rule)
{
	struct buffer names;
	struct fault fault = { 0 };

	if (f->layer != LAYER_ORGANIZATION || rule->effect != EFFECT_PERMIT || !e->clearances.there)
		return;
	buffer_init(&names, BUFFER_UNLIMITED);
	for (uint32_t i = 0; i < rule->criteria->count; i++)
		if (lists_askers(rule->criteria, &rule->criteria->at[i]))
			list_rowless(e, f, rule, &rule->criteria->at[i], &names);
	if (names.used == 0 && !has_row(e, f, rule, &(struct asker){ 0 }))
		buffer_add(&names, "those", 5);
	if (names.used > 0) {
		(void)fault_at(&fault, f->file, rule->node,
		    "no-row: this permits %.*s, for whom %s has no row that gives an AL, so it comes to "
		    "nothing: "
		    "add a row",
		    (int)(names.used < 120 ? names.used : 120), names.at, e->clearances.file);
		a->tell(a->context, &fault);
	}
	buffer_release(&names);
}

/* The criterion of `why`; NULL if there is none. */
static const struct criterion *
why_of(const struct criteria *c)
{
	for (uint32_t i = 0; i < c->count; i++)
		if (c->at[i].kind == CRITERION_VALUES && c->at[i].attribute == ATTRIBUTE_PURPOSE)
			return &c->at[i];
	return NULL;
}

static bool
lists(const struct criterion *why, const char *code)
{
	for (uint32_t i = 0; why && i < why->listed; i++)
		if (bytes_are(why->list[i].value.text, code))
			return true;
	return false;
}

/* True if CODE is listed or lies below what is. */
static bool
reaches(const struct engine *e, const struct criterion *why, const char *code)
{
	uint32_t word = intern_find(&e->words, bytes_of(code));

	return lists(why, code) || (why && word != 0 && intern_set_has(why->words, word));
}

static bool
excepts(const struct access_rule *rule, const char *code)
{
	for (uint32_t i = 0; i < rule->excepts; i++)
		if (lists(why_of(&rule->except[i]), code))
			return true;
	return false;
}

static void
advise_purpose(
    const struct advice *a, struct engine *e, const struct layer_file *f, const struct access_rule *rule)
{
	const struct criterion *why = why_of(rule->criteria);
	bool any = why && why->mode == CRITERION_ANY;

	if (any && lists(why, "PurposeOfUse"))
		advise(a, f->file, rule->node, "abstract",
		    "PurposeOfUse means every purpose: list those that are meant, or leave `why` out");
	if (any && rule->effect == EFFECT_DENY && reaches(e, why, "ETREAT") && !lists(why, "ETREAT") &&
	    !excepts(rule, "ETREAT") && !excepts(rule, "BTG"))
		advise(a, f->file, rule->node, "stops-emergency",
		    "this deny also stops ETREAT and BTG, which lie below its purpose: "
		    "`except: [{why: [ETREAT]}]` spares them");
	if (rule->effect == EFFECT_DENY && excepts(rule, "ETREAT") && !excepts(rule, "BTG"))
		advise(a, f->file, rule->node, "spares-btg",
		    "an exception for ETREAT holds for whoever says BTG, too: what makes it strong is "
		    "`acr` and `justification`");
}

/* True if a rule is there for breaking the glass. */
static bool
breaks_glass(const struct engine *e)
{
	for (uint32_t i = 0; i < e->layers.files; i++)
		for (uint32_t k = 0; k < e->layers.file[i].rules; k++)
			if (e->layers.file[i].rule[k].effect == EFFECT_PERMIT &&
			    e->layers.file[i].rule[k].names_btg)
				return true;
	return false;
}

/*
 * Permits that BTG reaches unnamed, where another rule is there for it: one remark a file, for it is often
 * meant.
 */
static void
advise_btg(const struct advice *a, struct engine *e, const struct layer_file *f)
{
	const struct access_rule *first = NULL;
	bool more = false;
	struct fault fault = { 0 };

	for (uint32_t i = 0; i < f->rules && breaks_glass(e); i++) {
		const struct access_rule *rule = &f->rule[i];
		const struct criterion *why = why_of(rule->criteria);

		if (rule->effect != EFFECT_PERMIT || rule->names_btg || !why || why->mode != CRITERION_ANY ||
		    !reaches(e, why, "BTG") || excepts(rule, "BTG"))
			continue;
		more = first != NULL;
		first = first && first->node->line <= rule->node->line ? first : rule;
	}
	if (!first)
		return;
	(void)fault_at(&fault, f->file, first->node,
	    "admits-btg: this permit%s also admits who asks for BTG, which lies below its purpose: "
	    "`except: [{why: [BTG]}]` keeps it out",
	    more ? ", like others of this file," : "");
	a->tell(a->context, &fault);
}

static void
advise_glass(const struct advice *a, const struct layer_file *f, struct engine *e)
{
	const struct yaml_node *root = NULL;

	for (uint32_t i = 0; i < f->rules; i++)
		if (f->rule[i].effect == EFFECT_PERMIT && f->rule[i].names_btg)
			return;
	for (size_t i = 0; i < e->policy->files; i++)
		if (e->policy->file[i].shown == f->file)
			root = e->policy->file[i].tree;
	if (f->layer == LAYER_ORGANIZATION && f->no_consent == NO_CONSENT_BREAK_GLASS)
		advise(a, f->file, root ? yaml_find(root, "no_consent") : NULL, "no-break-glass",
		    "no permit names BTG in its own `why`, so a record without a directive is never opened");
}

/* The patient asks for her own record. */
static void
ask_as_patient(struct space *s, struct engine *e, const struct layer_file *f, struct bytes patient)
{
	space_begin(s, e, f, patient);
	space_settle(s, ATTRIBUTE_SUBJECT_ID, patient);
	space_settle(s, ATTRIBUTE_SUBJECT_PATIENT, patient);
	space_settle(s, ATTRIBUTE_PURPOSE, bytes_of("PATRQT"));
	(void)space_next(s);
}

static void
advise_patient(
    const struct advice *a, struct engine *e, const struct layer_file *f, const struct access_rule *rule)
{
	struct space s;
	bool hides;

	ask_as_patient(&s, e, f, bytes_of("the-patient"));
	hides = rule->effect == EFFECT_DENY && judge(rule, &s).holding == RULE_HOLDS;
	space_end(&s);
	if (hides)
		advise(a, f->file, rule->node, "hides-from-patient",
		    "this deny stops the patient herself: "
		    "`except: [{same: [[subject.patient, resource.patient]]}]` spares her");
}

bool
advice_hides(struct engine *e, struct bytes patient, struct bytes directive)
{
	const struct directive *d = directives_of(&e->directives, patient);
	bool hides = false;

	while (d && !bytes_equal(d->id, directive))
		d = d->next;
	for (uint32_t i = 0; d && !d->unreadable && i < e->layers.files && !hides; i++) {
		struct directive alone = *d;
		struct directives table = { 0 };
		struct situation at;
		struct consent c;
		struct space s;

		if (e->layers.file[i].layer != LAYER_ORGANIZATION)
			continue;
		alone.status = DIRECTIVE_ACTIVE;
		alone.listed = alone.verified = true;
		alone.next = NULL;
		directives_alone(&table, &alone);
		ask_as_patient(&s, e, &e->layers.file[i], d->patient);
		at = situation_of(&s);
		c = consent_decide(&e->layers.file[i], &table, &at, &e->scratch);
		hides = c.opinions > 0 && (c.result == RESULT_DENY || c.opinion[0].redact);
		space_end(&s);
		directives_release(&table);
	}
	return hides;
}

static bool
names_word(const struct criteria *c, uint32_t word)
{
	for (uint32_t i = 0; i < c->count; i++) {
		const struct criterion *t = &c->at[i];

		if (intern_set_has(t->words, word))
			return true;
		for (uint32_t k = 0; k < t->listed; k++)
			if (t->list[k].value.word == word || intern_set_has(t->list[k].words, word))
				return true;
	}
	return false;
}

static bool
rule_names(const struct access_rule *rule, uint32_t word)
{
	bool names = names_word(rule->criteria, word);

	for (uint32_t i = 0; i < rule->excepts && !names; i++)
		names = names_word(&rule->except[i], word);
	return names;
}

static bool
rows_name(const struct clearance_row *row, uint32_t count, uint32_t word)
{
	for (uint32_t i = 0; i < count; i++)
		if (names_word(&row[i].criteria, word))
			return true;
	return false;
}

/* True if NAME stands anywhere in the tree, but as a key. */
/* NOLINTNEXTLINE(misc-no-recursion): as deep as yaml_read() allows */
static bool
tree_says(const struct yaml_node *node, struct bytes name)
{
	if (node->kind == YAML_STRING && bytes_equal(node->text, name))
		return true;
	for (size_t i = 0; (node->kind == YAML_MAP || node->kind == YAML_LIST) && i < node->count; i++)
		if (tree_says(node->item[i], name))
			return true;
	return false;
}

/* True if a rule or a row names it, itself or through a group. */
static bool
is_used(const struct engine *e, uint32_t word)
{
	for (uint32_t i = 0; i < e->layers.files; i++)
		for (uint32_t k = 0; k < e->layers.file[i].rules; k++)
			if (rule_names(&e->layers.file[i].rule[k], word))
				return true;
	return rows_name(e->clearances.row, e->clearances.rows, word) ||
	       rows_name(e->clearances.cap, e->clearances.caps, word);
}

/* Which roles notify.yaml tells; NULL if it does not say. */
static const struct yaml_node *
responders(struct engine *e)
{
	struct fault fault = { 0 };
	const char *file;
	const struct yaml_node *root = policy_file(e->policy, "notify.yaml")
					   ? policy_yaml(e->policy, "notify.yaml", &file, &fault)
					   : NULL;

	return root && root->kind == YAML_MAP ? yaml_find(root, "responders") : NULL;
}

/* Names that the file ROOT lists under KEY, or has as keys of a map. */
static void
advise_unused(
    const struct advice *a, struct engine *e, const char *file, const struct yaml_node *root, const char *key)
{
	const struct yaml_node *list = yaml_find(root, key), *told = responders(e);
	char names[240] = "";
	size_t used = 0;
	struct fault fault = { 0 };

	for (size_t i = 0; list && i < list->count; i++) {
		struct bytes name = list->kind == YAML_MAP ? list->key[i]->text : list->item[i]->text;
		uint32_t word = intern_find(&e->words, name);

		if ((word != 0 && is_used(e, word)) || (told && tree_says(told, name)) ||
		    used + name.size + 3 > sizeof names)
			continue;
		used += (size_t)snprintf(
		    names + used, sizeof names - used, "%s%.*s", used ? ", " : "", (int)name.size, name.at);
	}
	if (used == 0)
		return;
	(void)fault_at(&fault, file, list,
	    "unused: no rule, no clearance and no responders name these %s: %s; name them, or take them out",
	    key, names);
	a->tell(a->context, &fault);
}

static void
advise_names(const struct advice *a, struct engine *e)
{
	static const char *const keys[] = { "structural_roles", "functional_roles", "permissions", "roles",
		"relations" };
	struct fault fault = { 0 };
	const struct yaml_node *root;
	const char *file;

	if (policy_file(e->policy, "authz/roles.yaml")) {
		root = policy_yaml(e->policy, "authz/roles.yaml", &file, &fault);
		for (size_t i = 0; root && i < sizeof keys / sizeof keys[0]; i++)
			advise_unused(a, e, file, root, keys[i]);
	}
	if (policy_file(e->policy, "authz/classes.yaml")) {
		root = policy_yaml(e->policy, "authz/classes.yaml", &file, &fault);
		if (root)
			advise_unused(a, e, file, root, "classes");
	}
}

static void
advise_rule(
    const struct advice *a, struct engine *e, const struct layer_file *f, const struct access_rule *rule)
{
	const struct layer_file *law = layers_find(&e->layers, LAYER_JURISDICTION, f->domain);
	bool never = !can_hold(e, f, rule);

	if (never)
		advise(a, f->file, rule->node, "never", "no request meets this rule");
	if (rule->effect == EFFECT_PERMIT && !names_asker(e, rule))
		advise(a, f->file, rule->node, "permits-anybody", "this permit does not say who");
	if (rule->skip_missing)
		advise(a, f->file, rule->node, "fails-open",
		    "with if_missing: skip, a request that leaves an attribute out escapes this deny");
	if (!never)
		advise_shadow(a, e, f, rule, f);
	if (!never && law && f->layer == LAYER_ORGANIZATION)
		advise_shadow(a, e, f, rule, law);
	if (!never)
		advise_rows(a, e, f, rule);
	advise_purpose(a, e, f, rule);
	advise_patient(a, e, f, rule);
}

void
advice_give(const struct advice *a, struct engine *e)
{
	for (uint32_t i = 0; i < e->layers.files; i++) {
		const struct layer_file *f = &e->layers.file[i];

		for (uint32_t k = 0; k < f->rules; k++)
			advise_rule(a, e, f, &f->rule[k]);
		advise_btg(a, e, f);
		advise_glass(a, f, e);
	}
	advise_names(a, e);
}
