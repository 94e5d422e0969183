/* SPDX-License-Identifier: ISC */
#include "common/access/parts.h"

#include "common/json/json_write.h"

#include <stdlib.h>

struct item *
rule_item(const struct access_rule *rule, const struct criteria *c, unsigned data, struct scratch *scratch)
{
	struct item *item = scratch_take(scratch, sizeof *item);

	item->rule = rule;
	item->whole = data == 0;
	for (unsigned i = 0; i < DATA_COUNT; i++)
		if (data >> i & 1)
			item->scope.first[i] = c->data[i];
	return item;
}

const struct item **
rule_item_append(const struct item **end, const struct item *item, struct scratch *scratch)
{
	struct item *copy = scratch_take(scratch, sizeof *copy);

	*copy = *item;
	copy->next = NULL;
	*end = copy;
	return &copy->next;
}

static void
add_exception(struct item *item, const struct access_rule *rule, const struct criteria *c, unsigned data,
    struct scratch *scratch)
{
	struct scope *all = scratch_array(scratch, item->excepts + 1, sizeof *all);

	if (item->excepts > 0)
		memcpy(all, item->except, item->excepts * sizeof *all);
	all[item->excepts++] = rule_item(rule, c, data, scratch)->scope;
	item->except = all;
}

/*
 * What says which records are meant.  It stays in an item beside what a request leaves open, though the
 * request settles it.  It tells which references go, and a narrower request would give those that a wider one
 * does not.
 */
static unsigned
named_data(const struct criteria *c)
{
	static const unsigned named[] = { ATTRIBUTE_CLASS - DATA_FIRST, ATTRIBUTE_INSTANCE - DATA_FIRST };
	unsigned data = 0;

	for (size_t i = 0; i < sizeof named / sizeof named[0]; i++)
		if (c->data[named[i]])
			data |= 1U << named[i];
	return data;
}

/* An exception that is unknown is ignored by a deny and makes a permit unknown. */
struct rule_state
rule_judge(const struct access_rule *rule, struct situation *s, struct scratch *scratch)
{
	struct rule_state state = { .holding = RULE_NO };
	unsigned data = 0;
	enum truth t = criteria_judge(rule->criteria, s, &data, &state.missing);
	struct item *item = NULL;
	bool unsure = t == TRUTH_UNKNOWN;

	if (t == TRUTH_FALSE)
		return state;
	if (data != 0 && rule->effect == EFFECT_DENY)
		data |= named_data(rule->criteria);
	for (uint32_t i = 0; i < rule->excepts; i++) {
		struct attribute_set missing = { 0 };
		unsigned open = 0;
		enum truth e = criteria_judge(&rule->except[i], s, &open, &missing);

		if (e == TRUTH_TRUE && open == 0)
			return state;
		if (e == TRUTH_UNKNOWN && rule->effect == EFFECT_PERMIT) {
			unsure = true;
			for (size_t k = 0; k < sizeof missing.bits / sizeof missing.bits[0]; k++)
				state.missing.bits[k] |= missing.bits[k];
		}
		if (e != TRUTH_TRUE)
			continue;
		if (!item)
			item = rule_item(rule, rule->criteria, data, scratch);
		add_exception(item, rule, &rule->except[i], open, scratch);
	}
	if (s->suspects && rule->effect == EFFECT_DENY && !rule->skip_missing && data != 0)
		unsure = false;
	state.holding = unsure ? RULE_UNKNOWN : RULE_HOLDS;
	if (!unsure)
		state.item = item ? item : rule_item(rule, rule->criteria, data, scratch);
	return state;
}

static bool
read_id(struct access_reader *r, const struct yaml_node *node, struct bytes *id)
{
	if (!yaml_string(r->file, node, id, r->fault))
		return false;
	for (size_t i = 0; i < id->size; i++)
		if (!ascii_is_alnum(id->at[i]) && id->at[i] != '.' && id->at[i] != '_' && id->at[i] != '-')
			return fault_at(
			    r->fault, r->file, node, "an id is made of letters, digits, '.', '_' and '-'");
	return id->size > 0 || fault_at(r->fault, r->file, node, "an empty id");
}

/* The texts of a rule stand in one piece: "ID" in quotes, then ID: SAY.  An id needs no escape. */
static bool
read_say(struct access_reader *r, const struct yaml_node *node, struct bytes id, struct access_rule *rule)
{
	struct bytes say;
	size_t size = id.size;
	char *at;

	if (!yaml_string(r->file, node, &say, r->fault))
		return false;
	if (say.size == 0)
		return fault_at(r->fault, r->file, node, "an empty sentence");
	say = reader_escaped(r, say);
	at = arena_take(r->arena, 2 * size + say.size + 5);
	at[0] = at[size + 1] = '"';
	memcpy(at + 1, id.at, size);
	memcpy(at + size + 2, id.at, size);
	at[2 * size + 2] = ':';
	at[2 * size + 3] = ' ';
	memcpy(at + 2 * size + 4, say.at, say.size);
	rule->id = (struct bytes){ at + 1, size };
	rule->id_text = (struct bytes){ at, size + 2 };
	rule->sentence = (struct bytes){ at + size + 2, size + 2 + say.size };
	return true;
}

/* `{do: notify, to: privacy-officer}`: the rule's sentence is the message. */
static bool
notification(struct access_reader *r, struct yaml_map *m, const struct access_rule *rule, struct bytes say,
    struct json_write *w)
{
	const struct yaml_node *to = yaml_need(m, "to");
	struct bytes whom;

	if (!to || !yaml_string(r->file, to, &whom, r->fault))
		return false;
	json_write_member(w, "to", whom);
	json_write_member_value(w, "topic", rule->id_text);
	json_write_member(w, "body", say);
	return true;
}

/* The other members of an obligation, which must be scalars, go into the decision as they stand. */
static bool
parameters(struct access_reader *r, const struct yaml_node *node, struct yaml_map *m, struct json_write *w)
{
	for (size_t i = 0; i < node->count; i++) {
		const struct yaml_node *value = node->item[i];
		struct bytes key = node->key[i]->text;

		if (bytes_are(key, "do"))
			continue;
		if (bytes_are(key, "vendor") || bytes_are(key, "action") || bytes_are(key, "rule") ||
		    bytes_are(key, "at"))
			return fault_at(r->fault, r->file, node->key[i], "this member is the decision's own");
		if (value->kind == YAML_LIST || value->kind == YAML_MAP || value->kind == YAML_NULL)
			return fault_at(r->fault, r->file, value, "expected a string, number or boolean");
		(void)yaml_take(m, arena_copy(r->arena, key).at);
		json_write_key(w, key);
		if (value->kind == YAML_STRING)
			json_write_text(w, value->text);
		else
			json_write_value(w, value->text);
	}
	return true;
}

/* A word that resembles a known one, but is none, is a misspelling; other words are the site's own. */
static bool
check_spelling(
    struct access_reader *r, const struct yaml_node *node, const char *what, const char *const *words)
{
	struct closest near = closest_to(node->text);
	char text[CLOSEST_ROOM];

	for (; *words; words++) {
		if (bytes_are(node->text, *words))
			return true;
		closest_offer(&near, bytes_of(*words));
	}
	return closest_text(&near, "", text)[0] == '\0' ||
	       fault_at(r->fault, r->file, node, "unknown %s '%.*s'%s", what, (int)node->text.size,
		   node->text.at, text);
}

static bool
check_duty(struct access_reader *r, const struct yaml_node *node, const struct yaml_node *action)
{
	static const char *const words[] = { "audit", "expire", "notify", "level", "redact", "keep-only",
		"step-up", NULL };
	static const char *const members[] = { "do", "level", NULL };

	if (!check_spelling(r, action, "obligation", words))
		return false;
	for (size_t i = 0; bytes_are(action->text, "audit") && i < node->count; i++)
		if (!check_spelling(r, node->key[i], "key", members))
			return false;
	return true;
}

static bool
read_duty(struct access_reader *r, const struct yaml_node *node, const struct access_rule *rule,
    struct bytes say, struct duty *duty)
{
	struct yaml_map m;
	const struct yaml_node *action;
	struct buffer out;
	struct json_write w;
	bool notifies, good;

	if (!yaml_open(&m, r->file, node, r->fault))
		return false;
	action = yaml_need(&m, "do");
	if (!action || !read_id(r, action, &duty->action) || !check_duty(r, node, action))
		return false;
	notifies = bytes_are(duty->action, "notify");
	duty->type = bytes_of(notifies ? "notification" : "custom");
	duty->expires = bytes_are(duty->action, "expire");
	if (duty->expires && !reader_duration(r, yaml_need(&m, "after"), &duty->after))
		return false;
	buffer_init(&out, BUFFER_UNLIMITED);
	w = json_write_to(&out);
	good = notifies ? notification(r, &m, rule, say, &w) : parameters(r, node, &m, &w);
	duty->members = arena_copy(r->arena, buffer_bytes(&out));
	buffer_release(&out);
	return good && yaml_close(&m);
}

static bool
read_duties(struct access_reader *r, const struct yaml_node *node, struct bytes say, struct access_rule *rule)
{
	if (!node)
		return true;
	if (node->kind != YAML_LIST)
		return fault_at(r->fault, r->file, node, "expected a list of obligations");
	rule->duty = arena_array(r->arena, node->count, sizeof *rule->duty);
	for (size_t i = 0; i < node->count; i++)
		if (!read_duty(r, node->item[i], rule, say, &rule->duty[rule->duties++]))
			return false;
	return true;
}

static bool
read_exceptions(struct access_reader *r, const struct yaml_node *node, struct access_rule *rule)
{
	enum criteria_side side = rule->effect == EFFECT_PERMIT ? SIDE_DENY : SIDE_PERMIT;

	if (!node)
		return true;
	if (node->kind != YAML_LIST)
		return fault_at(r->fault, r->file, node, "expected a list of criteria");
	rule->except = arena_array(r->arena, node->count, sizeof *rule->except);
	for (size_t i = 0; i < node->count; i++) {
		struct yaml_map m;

		if (!yaml_open(&m, r->file, node->item[i], r->fault) ||
		    !criteria_read(r, &m, side, CRITERIA_REQUEST | CRITERIA_WHAT | CRITERIA_DATA,
			&rule->except[rule->excepts++]) ||
		    !yaml_close(&m))
			return false;
		if (rule->except[i].count == 0)
			return fault_at(r->fault, r->file, node->item[i],
			    "an exception without criteria: the rule could never hold");
	}
	return true;
}

/* True if a plain list of purposes holds BTG or ALSO (NULL: no other). */
static bool
names_btg(const struct access_reader *r, const struct criteria *c, const char *also)
{
	uint32_t btg = intern_find(r->words, bytes_of("BTG"));
	uint32_t other = also ? intern_find(r->words, bytes_of(also)) : 0;

	for (uint32_t i = 0; i < c->count; i++) {
		const struct criterion *t = &c->at[i];

		for (uint32_t k = 0;
		     t->attribute == ATTRIBUTE_PURPOSE && t->mode == CRITERION_ANY && k < t->listed; k++)
			if (t->list[k].value.word == btg || (other && t->list[k].value.word == other))
				return true;
	}
	return false;
}

static bool
read_override(struct access_reader *r, struct yaml_map *m, enum rule_home home, struct access_rule *rule)
{
	static const char *const words[] = { "acknowledged", "always", NULL };
	const struct yaml_node *node = yaml_take(m, "overrides_consent"), *law = yaml_take(m, "law");
	unsigned which;
	bool by_law = false;

	if (!yaml_boolean(r->file, law, &by_law, r->fault))
		return false;
	if (!node)
		return !law || fault_at(r->fault, r->file, law, "law belongs to overrides_consent");
	if (home != HOME_ORGANIZATION || rule->effect != EFFECT_PERMIT)
		return fault_at(
		    r->fault, r->file, node, "only a permit of the organization may override consent");
	if (!yaml_word(r->file, node, words, &which, r->fault))
		return false;
	rule->override = which == 0 ? OVERRIDE_ACKNOWLEDGED : OVERRIDE_ALWAYS;
	if (rule->override == OVERRIDE_ALWAYS && !by_law && !names_btg(r, rule->criteria, "ETREAT"))
		return fault_at(r->fault, r->file, node,
		    "override-too-wide: a rule that always overrides names BTG or ETREAT in why, or says "
		    "law: true");
	return true;
}

static bool
read_effect(
    struct access_reader *r, const struct yaml_node *node, enum rule_home home, struct access_rule *rule)
{
	static const char *const effects[] = { "deny", "permit", NULL };
	unsigned which;

	if (!node || !yaml_word(r->file, node, effects, &which, r->fault))
		return false;
	rule->effect = which == 0 ? EFFECT_DENY : EFFECT_PERMIT;
	if (home == HOME_JURISDICTION && rule->effect == EFFECT_PERMIT)
		return fault_at(r->fault, r->file, node, "the law limits, it does not grant: no permit here");
	return true;
}

static bool
read_if_missing(struct access_reader *r, const struct yaml_node *node, struct access_rule *rule)
{
	static const char *const words[] = { "skip", NULL };
	unsigned which;

	if (!node)
		return true;
	if (rule->effect == EFFECT_PERMIT)
		return fault_at(r->fault, r->file, node, "if_missing is for deny rules");
	rule->skip_missing = true;
	return yaml_word(r->file, node, words, &which, r->fault);
}

static bool read_rules(struct access_reader *r, const struct yaml_node *node, enum rule_home home,
    const struct access_rule *outer, struct access_rule **rules, uint32_t *count);

static bool
read_rule(struct access_reader *r, const struct yaml_node *node, enum rule_home home,
    const struct access_rule *outer, /* NOLINT(misc-no-recursion): two deep */
    struct access_rule *rule)
{
	struct yaml_map m;
	const struct yaml_node *id, *say, *nested, *effect;
	bool directive = home == HOME_DIRECTIVE;
	struct bytes name;

	rule->node = node;
	rule->criteria = &criteria_none;
	if (!yaml_open(&m, r->file, node, r->fault) || !(id = yaml_need(&m, "id")) || !read_id(r, id, &name))
		return false;
	say = yaml_need(&m, "say");
	effect = yaml_need(&m, "effect");
	if (!say || !effect || !read_say(r, say, name, rule) || !read_effect(r, effect, home, rule))
		return false;
	if (outer && outer->effect == rule->effect)
		return fault_at(r->fault, r->file, effect, "a rule inside a rule has the other effect");
	rule->criteria = criteria_shared(r, &m, rule->effect == EFFECT_PERMIT ? SIDE_PERMIT : SIDE_DENY,
	    CRITERIA_REQUEST | CRITERIA_WHAT | CRITERIA_DATA);
	if (!rule->criteria)
		return false;
	rule->names_btg = names_btg(r, rule->criteria, NULL);
	nested = directive && !outer ? yaml_take(&m, "rules") : NULL;
	return read_exceptions(r, yaml_take(&m, "except"), rule) &&
	       read_if_missing(r, yaml_take(&m, "if_missing"), rule) &&
	       (directive || (read_override(r, &m, home, rule) &&
				 read_duties(r, yaml_take(&m, "obligations"), say->text, rule))) &&
	       read_rules(r, nested, home, rule, &rule->nested, &rule->nests) && yaml_close(&m);
}

static int
by_id(const void *a, const void *b)
{
	const struct access_rule *left = a, *right = b;

	return bytes_compare(left->id, right->id);
}

static bool
read_rules(struct access_reader *r, const struct yaml_node *node, enum rule_home home,
    const struct access_rule *outer, /* NOLINT(misc-no-recursion) */
    struct access_rule **rules, uint32_t *count)
{
	*rules = NULL;
	*count = 0;
	if (!node)
		return true;
	if (node->kind != YAML_LIST)
		return fault_at(r->fault, r->file, node, "expected a list of rules");
	*rules = arena_array(r->arena, node->count, sizeof **rules);
	for (size_t i = 0; i < node->count; i++)
		if (!read_rule(r, node->item[i], home, outer, &(*rules)[(*count)++]))
			return false;
	if (*count > 1)
		qsort(*rules, *count, sizeof **rules, by_id);
	for (uint32_t i = 1; i < *count; i++)
		if (bytes_equal((*rules)[i - 1].id, (*rules)[i].id))
			return fault_at(r->fault, r->file, (*rules)[i].node, "id '%.*s' is there twice",
			    (int)(*rules)[i].id.size, (*rules)[i].id.at);
	/* A directive's tree is given back before its rules. */
	for (uint32_t i = 0; home == HOME_DIRECTIVE && i < *count; i++)
		(*rules)[i].node = NULL;
	return true;
}

bool
rules_read(struct access_reader *r, const struct yaml_node *node, enum rule_home home,
    struct access_rule **rules, uint32_t *count)
{
	return read_rules(r, node, home, NULL, rules, count);
}
