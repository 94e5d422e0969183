/* SPDX-License-Identifier: ISC */
#include "common/access/entries.h"
#include "common/access/layer.h"

static bool
read_default(struct reader *r, struct yaml_map *m, struct layer_file *f)
{
	static const char *const words[] = { "deny", "permit", "pass", NULL };
	static const char *const law[] = { "pass", NULL };
	static const enum result results[] = { RESULT_DENY, RESULT_PERMIT, RESULT_NOT_APPLICABLE };
	const struct yaml_node *node = yaml_need(m, "default");
	unsigned which;

	if (!node)
		return false;
	if (f->layer == LAYER_JURISDICTION) {
		f->fallback = RESULT_NOT_APPLICABLE;
		return yaml_word(r->file, node, law, &which, r->fault);
	}
	if (!yaml_word(r->file, node, words, &which, r->fault))
		return false;
	f->fallback = results[which];
	return which < 2 || fault_at(r->fault, r->file, node,
				"default: pass is for the jurisdiction: expected deny or permit");
}

/* `{domain: D, outbound: elsewhere, structural_role: [..]}`: what may be said of D's users. */
static bool
read_limits(struct reader *r, const struct yaml_node *node, struct yaml_map *m, struct trust *t)
{
	t->limit = arena_array(r->arena, node->count, sizeof *t->limit);
	for (size_t i = 0; i < node->count; i++) {
		struct bytes key = node->key[i]->text;
		int attribute = attributes_find(r->attributes, PLACE_SUBJECT, key);

		if (bytes_are(key, "domain") || bytes_are(key, "outbound"))
			continue;
		if (attribute < 0 || r->attributes->at[attribute].kind == ATTRIBUTE_TOP)
			return entries_unknown(
			    r, node->key[i], "attribute", "the standard ones and those in authz/roles.yaml");
		(void)yaml_take(m, arena_copy(r->arena, key).at);
		if (!entries_read(r, node->item[i], (unsigned)attribute, &t->limit[t->limits++]))
			return false;
	}
	return true;
}

static bool
read_trust(struct reader *r, const struct yaml_node *node, struct trust *t)
{
	static const char *const words[] = { "elsewhere", "here", NULL };
	struct yaml_map m;
	const struct yaml_node *domain, *outbound;
	unsigned which;

	if (node->kind != YAML_MAP)
		return reader_word(r, node, &t->domain);
	if (!yaml_open(&m, r->file, node, r->fault))
		return false;
	domain = yaml_need(&m, "domain");
	outbound = yaml_take(&m, "outbound");
	if (!domain || !reader_word(r, domain, &t->domain))
		return false;
	if (outbound) {
		if (!yaml_word(r->file, outbound, words, &which, r->fault))
			return false;
		t->enforces_outbound = which == 0;
	}
	return read_limits(r, node, &m, t) && yaml_close(&m);
}

static bool
read_trusts(struct reader *r, const struct yaml_node *node, struct layer_file *f)
{
	if (!node)
		return true;
	if (node->kind != YAML_LIST)
		return fault_at(r->fault, r->file, node, "expected a list of domains");
	f->trust = arena_array(r->arena, node->count, sizeof *f->trust);
	for (size_t i = 0; i < node->count; i++) {
		struct trust *t = &f->trust[i];

		if (!read_trust(r, node->item[i], t))
			return false;
		if (layer_trust(f, t->domain))
			return fault_at(r->fault, r->file, node->item[i], "a domain that is there twice");
		f->trusts++;
	}
	return true;
}

static bool
read_no_patient(struct reader *r, const struct yaml_node *node, struct layer_file *f)
{
	uint32_t *at;

	if (!node)
		return true;
	if (node->kind != YAML_LIST)
		return fault_at(r->fault, r->file, node, "expected a list of resource types");
	at = arena_array(r->arena, node->count, sizeof *at);
	for (size_t i = 0; i < node->count; i++)
		if (!reader_word(r, node->item[i], &at[i]))
			return false;
	f->no_patient = word_set_of(at, (uint32_t)node->count);
	return true;
}

static bool
read_organization(struct reader *r, struct yaml_map *m, struct layer_file *f)
{
	static const char *const consents[] = { "deny", "permit", "break-glass-only", "ignore", NULL };
	static const char *const several[] = { "deny-overrides", "newest", "refuse", NULL };
	const struct yaml_node *node = yaml_need(m, "no_consent");
	unsigned which;

	if (!node || !yaml_word(r->file, node, consents, &which, r->fault))
		return false;
	f->no_consent = (enum no_consent)which;
	node = yaml_take(m, "on_several");
	if (node) {
		if (!yaml_word(r->file, node, several, &which, r->fault))
			return false;
		f->on_several = (enum on_several)which;
	}
	return yaml_boolean(r->file, yaml_take(m, "service_requires_consent"), &f->service_requires_consent,
		   r->fault) &&
	       read_no_patient(r, yaml_take(m, "no_patient"), f) && read_trusts(r, yaml_take(m, "trusts"), f);
}

static bool
read_file(struct reader *r, const struct yaml_node *root, struct layer_file *f)
{
	static const char *const words[] = { "outbound", "jurisdiction", "organization", NULL };
	struct yaml_map m;
	const struct yaml_node *layer, *domain;
	unsigned which;

	if (!reader_open(r, root, &m))
		return false;
	layer = yaml_need(&m, "layer");
	if (!layer || !yaml_word(r->file, layer, words, &which, r->fault))
		return false;
	f->layer = (enum layer)which;
	domain = yaml_take(&m, "domain");
	if (domain && !reader_word(r, domain, &f->domain))
		return false;
	if (domain)
		f->domain_text = reader_json(r, intern_text(r->words, f->domain));
	f->file = r->file;
	return read_default(r, &m, f) && (f->layer != LAYER_ORGANIZATION || read_organization(r, &m, f)) &&
	       rules_read(r, yaml_need(&m, "rules"), (enum rule_home)which, &f->rule, &f->rules) &&
	       !r->fault->text[0] && yaml_close(&m);
}

/* Two files may not claim one domain, and one without a domain stands alone. */
static bool
check_alone(
    struct reader *r, const struct layers *l, const struct layer_file *new, const struct yaml_node *root)
{
	for (uint32_t i = 0; i < l->files; i++) {
		const struct layer_file *f = &l->file[i];

		if (f->layer == new->layer &&
		    (f->domain == 0 || new->domain == 0 || f->domain == new->domain))
			return fault_at(
			    r->fault, r->file, root, "%s serves the same domain in this layer", f->file);
	}
	return true;
}

/* Ids are unique in the policy: an answer names its rule without the layer's help. */
static bool
check_ids(struct reader *r, const struct layers *l, const struct layer_file *new)
{
	for (uint32_t i = 0; i < l->files; i++)
		for (uint32_t k = 0; k < l->file[i].rules; k++)
			for (uint32_t n = 0; n < new->rules; n++)
				if (bytes_equal(l->file[i].rule[k].id, new->rule[n].id))
					return fault_at(r->fault, r->file, new->rule[n].node,
					    "id '%.*s' is in %s already", (int)new->rule[n].id.size,
					    new->rule[n].id.at, l->file[i].file);
	return true;
}

static bool
is_layer_file(struct bytes name)
{
	static const char *const others[] = { "authz/roles.yaml", "authz/classes.yaml",
		"authz/clearances.yaml" };

	if (!bytes_begin(name, "authz/") || name.size < 5 || memcmp(name.at + name.size - 5, ".yaml", 5) != 0)
		return false;
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		if (bytes_are(name, others[i]))
			return false;
	return true;
}

bool
layers_read(struct layers *l, struct reader *r)
{
	*l = (struct layers){ .file = arena_array(r->arena, r->policy->files, sizeof *l->file) };
	for (size_t i = 0; i < r->policy->files; i++) {
		const struct yaml_node *root;
		struct layer_file *f = &l->file[l->files];

		if (!is_layer_file(r->policy->file[i].name))
			continue;
		root = policy_yaml(
		    r->policy, arena_copy(r->arena, r->policy->file[i].name).at, &r->file, r->fault);
		if (!root || !read_file(r, root, f) || !check_alone(r, l, f, root) || !check_ids(r, l, f))
			return false;
		l->any[f->layer] = true;
		l->files++;
	}
	return true;
}
