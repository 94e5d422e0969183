/* SPDX-License-Identifier: ISC */
#include "common/access/difference.h"

struct comparing {
	struct changes *c;
	struct engine *e[2];
	struct fault *fault;
	bool other; /* something changed that every rule may rest on */
};

static const char *
become(unsigned side)
{
	return side == 0 ? "gone" : "new";
}

static void
tell(struct comparing *x, const char *file, const struct yaml_node *node, const char *what, struct bytes name,
    const char *is)
{
	struct fault f = { 0 };

	(void)fault_at(&f, file, node, "%s%.*s is %s", what, (int)name.size, name.at, is);
	x->c->tell(x->c->context, &f);
	x->c->any = true;
}

static void
aim(struct comparing *x, unsigned side, const struct criteria *c, const struct access_rule *rule)
{
	x->c->at[x->c->count++] = (struct change){ .side = side, .criteria = c, .rule = rule };
	x->c->any = true;
}

static struct bytes
domain_of(const struct engine *e, const struct layer_file *f)
{
	return f->domain ? intern_text(&e->words, f->domain) : (struct bytes){ "", 0 };
}

/* The only file of LAYER; NULL if there are none or several. */
static const struct layer_file *
only_file(const struct layers *all, enum layer layer)
{
	const struct layer_file *only = NULL;

	for (uint32_t i = 0; i < all->files; i++)
		if (all->file[i].layer == layer) {
			if (only)
				return NULL;
			only = &all->file[i];
		}
	return only;
}

/*
 * The file of the same layer and domain in the other policy.  Where each has one file alone, they belong
 * together: it was given another domain.
 */
static const struct layer_file *
counterpart(const struct comparing *x, unsigned side, const struct layer_file *f)
{
	const struct layers *all = &x->e[!side]->layers;

	for (uint32_t i = 0; i < all->files; i++)
		if (all->file[i].layer == f->layer &&
		    bytes_equal(domain_of(x->e[!side], &all->file[i]), domain_of(x->e[side], f)))
			return &all->file[i];
	return only_file(&x->e[side]->layers, f->layer) ? only_file(all, f->layer) : NULL;
}

static const struct access_rule *
rule_of(const struct layer_file *f, struct bytes id)
{
	for (uint32_t i = 0; f && i < f->rules; i++)
		if (bytes_equal(f->rule[i].id, id))
			return &f->rule[i];
	return NULL;
}

static void
compare_rules(struct comparing *x, unsigned side, const struct layer_file *f, const struct layer_file *other)
{
	for (uint32_t i = 0; i < f->rules; i++) {
		const struct access_rule *rule = &f->rule[i], *like = rule_of(other, rule->id);

		if (like && yaml_same(rule->node, like->node))
			continue;
		aim(x, side, rule->criteria, rule);
		if (!like || side == 1)
			tell(x, f->file, rule->node, "rule ", rule->id, like ? "changed" : become(side));
	}
}

/* SKIP: keys whose items are compared apart, with NULL behind the last. */
static void
compare_keys(struct comparing *x, unsigned side, const char *file, const struct yaml_node *root,
    const struct yaml_node *other, const char *const *skip)
{
	for (size_t i = 0; i < root->count; i++) {
		char key[64];
		const struct yaml_node *like;
		bool skipped = !bytes_string(root->key[i]->text, key, sizeof key);

		for (size_t k = 0; !skipped && skip[k]; k++)
			skipped = strcmp(skip[k], key) == 0;
		if (skipped)
			continue;
		like = yaml_find(other, key);
		if (like && (side == 0 || yaml_same(root->item[i], like)))
			continue;
		x->other = true;
		tell(x, file, root->key[i], "", root->key[i]->text, like ? "changed" : become(side));
	}
}

static bool
root_of(
    struct comparing *x, unsigned side, const char *name, const char **file, const struct yaml_node **root)
{
	struct policy *p = x->e[side]->policy;

	*root = NULL;
	if (!policy_file(p, name))
		return true;
	*root = policy_yaml(p, name, file, x->fault);
	return *root != NULL;
}

/* The name of a file within its policy. */
static const char *
name_of(const struct engine *e, const char *shown)
{
	for (size_t i = 0; i < e->policy->files; i++)
		if (e->policy->file[i].shown == shown)
			return e->policy->file[i].name.at;
	return shown;
}

static bool
compare_layers(struct comparing *x, unsigned side)
{
	static const char *const skip[] = { "rules", "layer", NULL };
	const struct layers *all = &x->e[side]->layers;

	for (uint32_t i = 0; i < all->files; i++) {
		const struct layer_file *f = &all->file[i], *other = counterpart(x, side, f);
		const struct yaml_node *root, *like;
		const char *file, *there;

		compare_rules(x, side, f, other);
		if (!other) {
			x->other = true;
			tell(x, f->file, NULL, "this layer", (struct bytes){ "", 0 }, become(side));
			continue;
		}
		if (!root_of(x, side, name_of(x->e[side], f->file), &file, &root) ||
		    !root_of(x, !side, name_of(x->e[!side], other->file), &there, &like))
			return false;
		if (root && like)
			compare_keys(x, side, f->file, root, like, skip);
	}
	return true;
}

static bool
compare_file(struct comparing *x, unsigned side, const char *name)
{
	static const char *const skip[] = { "clearances", "caps", NULL };
	const struct yaml_node *root, *other;
	const char *file, *there;

	if (!root_of(x, side, name, &file, &root) || !root_of(x, !side, name, &there, &other))
		return false;
	if (root && other)
		compare_keys(x, side, file, root, other, skip);
	else if (root) {
		x->other = true;
		tell(x, file, NULL, "", bytes_of(name), become(side));
	}
	return true;
}

static bool
is_among(const struct yaml_node *node, const struct yaml_node *list)
{
	for (size_t i = 0; list && i < list->count; i++)
		if (yaml_same(node, list->item[i]))
			return true;
	return false;
}

static bool
compare_rows(struct comparing *x, unsigned side, const char *key)
{
	const struct clearances *c = &x->e[side]->clearances;
	const struct clearance_row *row = strcmp(key, "caps") == 0 ? c->cap : c->row;
	const struct yaml_node *root, *other, *list;
	const char *file, *there;

	if (!root_of(x, side, "authz/clearances.yaml", &file, &root) ||
	    !root_of(x, !side, "authz/clearances.yaml", &there, &other))
		return false;
	list = root ? yaml_find(root, key) : NULL;
	for (size_t i = 0; list && i < list->count; i++) {
		if (other && is_among(list->item[i], yaml_find(other, key)))
			continue;
		aim(x, side, &row[i].criteria, NULL);
		tell(x, file, list->item[i], "a row of ", bytes_of(key), become(side));
	}
	return true;
}

static void
compare_levels(struct comparing *x)
{
	const struct policy *a = x->e[0]->policy, *b = x->e[1]->policy;
	bool same = a->levels == b->levels;

	for (unsigned i = 0; same && i < a->levels; i++)
		same = a->level[i].al == b->level[i].al && bytes_equal(a->level[i].name, b->level[i].name);
	if (same)
		return;
	x->other = true;
	tell(x, policy_file(b, "policy.yaml")->shown, yaml_find(b->root, "levels"), "levels",
	    (struct bytes){ "", 0 }, "changed");
}

static size_t
criteria_count(const struct engine *e)
{
	size_t count = e->clearances.rows + e->clearances.caps;

	for (uint32_t i = 0; i < e->layers.files; i++)
		count += e->layers.file[i].rules;
	return count;
}

static void
aim_at_all(struct comparing *x, unsigned side)
{
	const struct engine *e = x->e[side];

	for (uint32_t i = 0; i < e->layers.files; i++)
		for (uint32_t k = 0; k < e->layers.file[i].rules; k++)
			aim(x, side, e->layers.file[i].rule[k].criteria, &e->layers.file[i].rule[k]);
	for (uint32_t i = 0; i < e->clearances.rows; i++)
		aim(x, side, &e->clearances.row[i].criteria, NULL);
	for (uint32_t i = 0; i < e->clearances.caps; i++)
		aim(x, side, &e->clearances.cap[i].criteria, NULL);
}

static bool
compare_side(struct comparing *x, unsigned side)
{
	static const char *const files[] = { "authz/roles.yaml", "authz/classes.yaml",
		"authz/clearances.yaml" };
	bool good = compare_layers(x, side);

	for (size_t i = 0; good && i < sizeof files / sizeof files[0]; i++)
		good = compare_file(x, side, files[i]);
	return good && compare_rows(x, side, "clearances") && compare_rows(x, side, "caps");
}

bool
changes_find(struct changes *c, struct engine *old, struct engine *new, struct arena *arena, struct fault *f)
{
	struct comparing x = { .c = c, .e = { old, new }, .fault = f };
	size_t most = criteria_count(old) + criteria_count(new);

	c->at = arena_array(arena, 2 * most + 1, sizeof *c->at);
	compare_levels(&x);
	for (unsigned side = 0; side < 2; side++)
		if (!compare_side(&x, side))
			return false;
	for (unsigned side = 0; x.other && side < 2; side++)
		aim_at_all(&x, side);
	return true;
}
