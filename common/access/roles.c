/* SPDX-License-Identifier: ISC */
#include "common/access/roles.h"

#include "common/access/request.h"

static const char *const group_keys[GROUP_KINDS] = { "roles", "actions", "classes" };

static struct roles_group *
find_group(const struct roles *roles, enum roles_group_kind kind, uint32_t word)
{
	for (uint32_t i = 0; i < roles->groups[kind]; i++)
		if (roles->group[kind][i].word == word)
			return &roles->group[kind][i];
	return NULL;
}

const struct roles_group *
roles_find_group(const struct roles *roles, enum roles_group_kind kind, uint32_t word)
{
	return find_group(roles, kind, word);
}

bool
roles_has(const struct roles *roles, uint32_t word)
{
	return word != 0 &&
	       (intern_set_has(roles->structural, word) || intern_set_has(roles->functional, word) ||
		   find_group(roles, GROUP_ROLE, word) != NULL);
}

bool
roles_name_any(const struct roles *roles)
{
	return roles->structural.count > 0 || roles->functional.count > 0;
}

const struct relation *
roles_relation(const struct roles *roles, uint32_t word)
{
	for (uint32_t i = 0; i < roles->relations; i++)
		if (roles->relation[i].word == word)
			return &roles->relation[i];
	return NULL;
}

int
roles_acr(const struct roles *roles, uint32_t word)
{
	for (uint32_t i = 0; i < roles->acrs; i++)
		if (roles->acr[i] == word)
			return (int)i;
	return -1;
}

struct closest
roles_near(const struct roles *roles, const struct access_reader *r, struct bytes text)
{
	struct closest c = closest_to(text);

	reader_offer(r, &c, roles->structural.at, roles->structural.count);
	reader_offer(r, &c, roles->functional.at, roles->functional.count);
	for (uint32_t i = 0; i < roles->groups[GROUP_ROLE]; i++)
		reader_offer(r, &c, &roles->group[GROUP_ROLE][i].word, 1);
	return c;
}

struct closest
roles_near_relation(const struct roles *roles, const struct access_reader *r, struct bytes text)
{
	struct closest c = closest_to(text);

	for (uint32_t i = 0; i < roles->relations; i++)
		reader_offer(r, &c, &roles->relation[i].word, 1);
	return c;
}

static bool
read_list(struct access_reader *r, const struct yaml_node *node, uint32_t **at, uint32_t *count)
{
	*count = 0;
	if (!node)
		return true;
	if (node->kind != YAML_LIST)
		return fault_at(r->fault, r->file, node, "expected a list of names");
	*at = arena_array(r->arena, node->count, sizeof **at);
	for (size_t i = 0; i < node->count; i++)
		if (!reader_word(r, node->item[i], &(*at)[(*count)++]))
			return false;
	return true;
}

static bool
read_set(struct access_reader *r, const struct yaml_node *node, struct intern_set *set)
{
	uint32_t *at = NULL, count;

	if (!read_list(r, node, &at, &count))
		return false;
	*set = intern_set_of(at, count);
	return true;
}

/* `permissions: {PRD-006: what it allows}`.  The text is only for people. */
static bool
read_permissions(struct access_reader *r, const struct yaml_node *node, struct intern_set *set)
{
	uint32_t *at;
	struct bytes text;

	if (!node)
		return true;
	if (node->kind != YAML_MAP)
		return fault_at(r->fault, r->file, node, "expected a map from permission to what it allows");
	at = arena_array(r->arena, node->count, sizeof *at);
	for (size_t i = 0; i < node->count; i++) {
		at[i] = intern_add(r->words, node->key[i]->text);
		if (!yaml_string(r->file, node->item[i], &text, r->fault))
			return false;
	}
	*set = intern_set_of(at, (uint32_t)node->count);
	return true;
}

/* Only a person's relation to a patient is told by the person; one between persons is the house's to tell. */
static bool
read_longest(struct access_reader *r, const struct yaml_node *node, struct relation *relation)
{
	if (!node)
		return true;
	if (!relation->to_patient)
		return fault_at(r->fault, r->file, node, "only a relation to a patient may be declared");
	return reader_duration(r, node, &relation->longest);
}

static bool
read_relation(struct access_reader *r, const struct yaml_node *node, struct relation *relation)
{
	static const char *const objects[] = { "patient", "subject", NULL };
	static const char *const needs[] = { "required", NULL };
	struct yaml_map m;
	const struct yaml_node *object, *until;
	unsigned position;

	if (!yaml_open(&m, r->file, node, r->fault))
		return false;
	object = yaml_need(&m, "object");
	if (!object || !yaml_word(r->file, object, objects, &position, r->fault))
		return false;
	relation->to_patient = position == 0;
	until = yaml_take(&m, "until");
	if (until && !yaml_word(r->file, until, needs, &position, r->fault))
		return false;
	relation->until_required = until != NULL;
	return read_longest(r, yaml_take(&m, "longest"), relation) && yaml_close(&m);
}

static bool
read_relations(struct roles *roles, struct access_reader *r, const struct yaml_node *node)
{
	if (!node)
		return true;
	if (node->kind != YAML_MAP)
		return fault_at(r->fault, r->file, node, "expected a map of relations");
	roles->relation = arena_array(r->arena, node->count, sizeof *roles->relation);
	for (size_t i = 0; i < node->count; i++) {
		struct relation *relation = &roles->relation[roles->relations++];

		relation->word = intern_add(r->words, node->key[i]->text);
		if (!read_relation(r, node->item[i], relation))
			return false;
	}
	return true;
}

static bool
read_attributes(struct access_reader *r, const struct yaml_node *node)
{
	static const struct {
		const char *key;
		enum request_place place;
	} places[] = { { "subject", PLACE_SUBJECT }, { "action", PLACE_ACTION },
		{ "resource", PLACE_RESOURCE }, { "context", PLACE_CONTEXT } };
	struct yaml_map m;
	struct bytes key;

	if (!node)
		return true;
	if (!yaml_open(&m, r->file, node, r->fault))
		return false;
	for (size_t p = 0; p < sizeof places / sizeof places[0]; p++) {
		const struct yaml_node *list = yaml_take(&m, places[p].key);

		for (size_t i = 0; list && i < yaml_strings(list); i++) {
			if (!yaml_item_string(r->file, list, i, &key, r->fault))
				return false;
			if (!attributes_add(r->attributes, r->arena, places[p].place, key))
				return fault_at(
				    r->fault, r->file, list, "more than %d attributes", ATTRIBUTES_MAX);
		}
	}
	return yaml_close(&m);
}

/* Attributes with a table of their own, and those that hold no words. */
static bool
takes_values(const struct attributes *attributes, unsigned attribute)
{
	switch (attribute) {
	case ATTRIBUTE_STRUCTURAL_ROLE:
	case ATTRIBUTE_FUNCTIONAL_ROLE:
	case ATTRIBUTE_PERMISSIONS:
	case ATTRIBUTE_ACTION_NAME:
	case ATTRIBUTE_PURPOSE:
	case ATTRIBUTE_ACR:
	case ATTRIBUTE_RELATION:
	case ATTRIBUTE_UNTIL:
	case ATTRIBUTE_TIME:
	case ATTRIBUTE_CLAIMED_AL:
		return false;
	default:
		return attributes->at[attribute].kind != ATTRIBUTE_DATA;
	}
}

/* `values: {context.route: [on-site, vpn]}`.  Without a list a misspelt value would match nothing, unsaid. */
static bool
read_values(struct roles *roles, struct access_reader *r, const struct yaml_node *node)
{
	if (!node)
		return true;
	if (node->kind != YAML_MAP)
		return fault_at(r->fault, r->file, node, "expected a map from attribute to its values");
	roles->values = arena_array(r->arena, ATTRIBUTES_MAX, sizeof *roles->values);
	for (size_t i = 0; i < node->count; i++) {
		int attribute = attributes_named(r->attributes, node->key[i]->text);

		if (attribute < 0)
			return reader_unknown(r, node->key[i], "attribute", READER_ATTRIBUTES,
			    attributes_near(r->attributes, PLACE_COUNT, node->key[i]->text));
		if (!takes_values(r->attributes, (unsigned)attribute))
			return fault_at(
			    r->fault, r->file, node->key[i], "this attribute has no list of values");
		if (!read_set(r, node->item[i], &roles->values[attribute]))
			return false;
	}
	return true;
}

/* A group may hold a later one, so groups are written out once all are known. */
static bool
note_groups(
    struct roles *roles, struct access_reader *r, enum roles_group_kind kind, const struct yaml_node *node)
{
	if (!node)
		return true;
	if (node->kind != YAML_MAP)
		return fault_at(r->fault, r->file, node, "expected a map of groups");
	roles->group[kind] = arena_array(r->arena, node->count, sizeof *roles->group[kind]);
	for (size_t i = 0; i < node->count; i++) {
		if (node->item[i]->kind == YAML_LIST && node->item[i]->count == 0)
			return fault_at(r->fault, r->file, node->item[i],
			    "a group of nothing, so that a deny for it never holds: name its members, or "
			    "take it out");
		roles->group[kind][roles->groups[kind]++] =
		    (struct roles_group){ .word = intern_add(r->words, node->key[i]->text),
			    .members = node->item[i] };
	}
	return true;
}

struct gathering {
	uint32_t *all, *leaf;
	uint32_t total, leaves, room;
};

static void
gather(struct access_reader *r, struct gathering *g, uint32_t word, bool is_leaf)
{
	if (g->total == g->room) {
		uint32_t room = g->room ? 2 * g->room : 16;
		uint32_t *all = arena_array(r->arena, room, sizeof *all);
		uint32_t *leaf = arena_array(r->arena, room, sizeof *leaf);

		if (g->total > 0) {
			memcpy(all, g->all, g->total * sizeof *all);
			memcpy(leaf, g->leaf, g->leaves * sizeof *leaf);
		}
		g->all = all;
		g->leaf = leaf;
		g->room = room;
	}
	for (uint32_t i = 0; is_leaf && i < g->leaves; i++)
		if (g->leaf[i] == word)
			return;
	g->all[g->total++] = word;
	if (is_leaf)
		g->leaf[g->leaves++] = word;
}

/* The recursion is no deeper than there are groups, because a group that holds itself is a fault. */
static bool
write_out(struct roles *roles, struct access_reader *r, enum roles_group_kind kind,
    struct roles_group *group) /* NOLINT(misc-no-recursion) */
{
	struct gathering g = { 0 };
	uint32_t *at, count;

	if (group->state == GROUP_BEING_READ)
		return fault_at(r->fault, r->file, group->members, "a group that holds itself");
	if (group->state == GROUP_READ)
		return true;
	group->state = GROUP_BEING_READ;
	if (!read_list(r, group->members, &at, &count))
		return false;
	gather(r, &g, group->word, false);
	for (uint32_t i = 0; i < count; i++) {
		struct roles_group *inner = find_group(roles, kind, at[i]);

		if (!inner) {
			gather(r, &g, at[i], true);
			continue;
		}
		if (!write_out(roles, r, kind, inner))
			return false;
		for (uint32_t k = 0; k < inner->leaves; k++)
			gather(r, &g, inner->leaf[k], true);
		for (uint32_t k = 0; k < inner->all.count; k++)
			gather(r, &g, inner->all.at[k], false);
	}
	group->all = intern_set_of(g.all, g.total);
	group->leaf = g.leaf;
	group->leaves = g.leaves;
	group->state = GROUP_READ;
	return true;
}

static bool
write_out_all(struct roles *roles, struct access_reader *r, enum roles_group_kind kind)
{
	for (uint32_t i = 0; i < roles->groups[kind]; i++)
		if (!write_out(roles, r, kind, &roles->group[kind][i]))
			return false;
	return true;
}

/* The members of a group of roles must be roles that the file names. */
static bool
check_roles(const struct roles *roles, struct access_reader *r)
{
	for (uint32_t i = 0; i < roles->groups[GROUP_ROLE]; i++) {
		const struct roles_group *g = &roles->group[GROUP_ROLE][i];

		for (uint32_t k = 0; k < g->leaves; k++)
			if (!intern_set_has(roles->structural, g->leaf[k]) &&
			    !intern_set_has(roles->functional, g->leaf[k])) {
				return reader_unknown(r, g->members, "role",
				    "the structural and functional roles and the groups",
				    roles_near(roles, r, intern_text(r->words, g->leaf[k])));
			}
	}
	return true;
}

static bool
read_roles(struct roles *roles, struct access_reader *r, const struct yaml_node *root)
{
	struct yaml_map m;

	return reader_open(r, root, &m) &&
	       read_set(r, yaml_take(&m, "structural_roles"), &roles->structural) &&
	       read_set(r, yaml_take(&m, "functional_roles"), &roles->functional) &&
	       read_permissions(r, yaml_take(&m, "permissions"), &roles->permissions) &&
	       read_relations(roles, r, yaml_take(&m, "relations")) &&
	       read_list(r, yaml_take(&m, "acr"), &roles->acr, &roles->acrs) &&
	       read_attributes(r, yaml_take(&m, "attributes")) &&
	       read_values(roles, r, yaml_take(&m, "values")) &&
	       note_groups(roles, r, GROUP_ROLE, yaml_take(&m, group_keys[GROUP_ROLE])) &&
	       note_groups(roles, r, GROUP_ACTION, yaml_take(&m, group_keys[GROUP_ACTION])) &&
	       yaml_close(&m) && write_out_all(roles, r, GROUP_ROLE) &&
	       write_out_all(roles, r, GROUP_ACTION) && check_roles(roles, r);
}

static bool
read_classes(struct roles *roles, struct access_reader *r, const struct yaml_node *root)
{
	struct yaml_map m;

	return reader_open(r, root, &m) &&
	       note_groups(roles, r, GROUP_CLASS, yaml_take(&m, group_keys[GROUP_CLASS])) && yaml_close(&m) &&
	       write_out_all(roles, r, GROUP_CLASS);
}

bool
roles_read(struct roles *roles, struct access_reader *r)
{
	static const struct {
		const char *name;
		bool (*read)(struct roles *roles, struct access_reader *r, const struct yaml_node *root);
	} files[] = { { "authz/roles.yaml", read_roles }, { "authz/classes.yaml", read_classes } };

	*roles = (struct roles){ 0 };
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		const struct yaml_node *root;

		if (!policy_file(r->policy, files[i].name))
			continue;
		root = policy_yaml(r->policy, files[i].name, &r->file, r->fault);
		if (!root || !files[i].read(roles, r, root))
			return false;
	}
	return true;
}
