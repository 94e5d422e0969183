/* SPDX-License-Identifier: ISC */
#include "common/access/parts.h"

const struct layer_file *
layers_find(const struct layers *l, enum layer layer, uint32_t domain)
{
	for (uint32_t i = 0; i < l->files; i++)
		if (l->file[i].layer == layer && (l->file[i].domain == 0 || l->file[i].domain == domain))
			return &l->file[i];
	return NULL;
}

const struct trust *
layer_trust(const struct layer_file *f, uint32_t domain)
{
	for (uint32_t i = 0; domain != 0 && i < f->trusts; i++)
		if (f->trust[i].domain == domain)
			return &f->trust[i];
	return NULL;
}

struct layer_tally {
	bool denied;  /* a deny holds for the whole record */
	bool unknown; /* a deny may hold */
	bool permitted;
	bool spoke; /* a deny holds */
};

static void
count_rule(const struct access_rule *rule, const struct rule_state *state, struct layer_tally *t)
{
	if (rule->effect == EFFECT_PERMIT) {
		t->permitted = t->permitted || state->holding == RULE_HOLDS;
		return;
	}
	t->spoke = t->spoke || state->holding == RULE_HOLDS;
	t->denied = t->denied || (state->holding == RULE_HOLDS && item_is_all(state->item));
	t->unknown = t->unknown || (state->holding == RULE_UNKNOWN && !rule->skip_missing);
}

/* The items of the rules that hold: denies redact, permits keep.  The permits count only with Permit. */
static void
gather(struct layer_outcome *o, struct scratch *scratch)
{
	const struct item **redact = &o->redact, **keep = &o->keep.items;

	o->keep.everything = o->result != RESULT_PERMIT || o->file->fallback == RESULT_PERMIT;
	for (uint32_t i = 0; i < o->file->rules; i++) {
		const struct access_rule *rule = &o->file->rule[i];
		const struct item *item = o->state[i].item;

		if (o->state[i].holding != RULE_HOLDS)
			continue;
		if (rule->effect == EFFECT_DENY) {
			redact = rule_item_append(redact, item, scratch);
			continue;
		}
		keep = rule_item_append(keep, item, scratch);
		o->keep.everything = o->keep.everything || item_is_all(item);
	}
}

struct layer_outcome
layer_decide(const struct layer_file *f, struct situation *s, struct scratch *scratch)
{
	struct layer_outcome o = { .layer = f->layer, .applies = true, .file = f };
	struct rule_state *state = scratch_array(scratch, f->rules, sizeof *state);
	struct layer_tally t = { 0 };

	for (uint32_t i = 0; i < f->rules; i++) {
		state[i] = rule_judge(&f->rule[i], s, scratch);
		count_rule(&f->rule[i], &state[i], &t);
	}
	o.state = state;
	if (t.denied) {
		o.result = RESULT_DENY;
		o.reason = "deny-rule";
	} else if (t.unknown) {
		o.result = RESULT_INDETERMINATE;
		o.reason = "missing-attribute";
	} else if (t.permitted) {
		o.result = RESULT_PERMIT;
	} else {
		o.result = f->fallback;
		o.by_default = !t.spoke;
		o.reason = f->fallback == RESULT_DENY ? "default-deny" : NULL;
	}
	gather(&o, scratch);
	return o;
}

bool
layer_rule_spoke(const struct layer_outcome *o, uint32_t i)
{
	const struct rule_state *state = &o->state[i];

	if (state->holding != RULE_HOLDS)
		return false;
	if (o->file->rule[i].effect == EFFECT_PERMIT)
		return o->result == RESULT_PERMIT;
	return o->result == RESULT_DENY && item_is_all(state->item);
}

bool
layer_rule_acts(const struct layer_outcome *o, uint32_t i)
{
	bool withholds = o->file->rule[i].effect == EFFECT_DENY && o->state[i].holding == RULE_HOLDS &&
			 o->result != RESULT_DENY && o->result != RESULT_INDETERMINATE;

	return withholds || layer_rule_spoke(o, i);
}

static bool
read_default(struct access_reader *r, struct yaml_map *m, struct layer_file *f)
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

/* `{domain: D, outbound: elsewhere, structural_role: [..]}`: the values that D may assert of its users. */
static bool
read_limits(struct access_reader *r, const struct yaml_node *node, struct yaml_map *m, struct trust *t)
{
	t->limit = arena_array(r->arena, node->count, sizeof *t->limit);
	for (size_t i = 0; i < node->count; i++) {
		struct bytes key = node->key[i]->text;
		int attribute = attributes_find(r->attributes, PLACE_SUBJECT, key);

		if (bytes_are(key, "domain") || bytes_are(key, "outbound"))
			continue;
		if (attribute < 0 || r->attributes->at[attribute].kind == ATTRIBUTE_TOP)
			return reader_unknown(r, node->key[i], "attribute", READER_ATTRIBUTES,
			    attributes_near(r->attributes, PLACE_SUBJECT, key));
		(void)yaml_take(m, arena_copy(r->arena, key).at);
		if (!criteria_read_values(r, node->item[i], (unsigned)attribute, &t->limit[t->limits++]))
			return false;
	}
	return true;
}

static bool
read_trust(struct access_reader *r, const struct yaml_node *node, struct trust *t)
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
read_trusts(struct access_reader *r, const struct yaml_node *node, struct layer_file *f)
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
read_no_patient(struct access_reader *r, const struct yaml_node *node, struct layer_file *f)
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
	f->no_patient = intern_set_of(at, (uint32_t)node->count);
	return true;
}

static bool
read_organization(struct access_reader *r, struct yaml_map *m, struct layer_file *f)
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
	       yaml_boolean(r->file, yaml_take(m, "negotiated"), &f->negotiated, r->fault) &&
	       yaml_boolean(r->file, yaml_take(m, "require_verified"), &f->require_verified, r->fault) &&
	       read_no_patient(r, yaml_take(m, "no_patient"), f) && read_trusts(r, yaml_take(m, "trusts"), f);
}

static bool
read_file(struct access_reader *r, const struct yaml_node *root, struct layer_file *f)
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
	domain = f->domain_node = yaml_take(&m, "domain");
	if (domain && !reader_word(r, domain, &f->domain))
		return false;
	f->file = r->file;
	return read_default(r, &m, f) && (f->layer != LAYER_ORGANIZATION || read_organization(r, &m, f)) &&
	       rules_read(r, yaml_need(&m, "rules"), (enum rule_home)which, &f->rule, &f->rules) &&
	       !r->fault->text[0] && yaml_close(&m);
}

/* In a layer each domain has one file, and a file without a domain is the only one. */
static bool
check_alone(struct access_reader *r, const struct layers *l, const struct layer_file *new,
    const struct yaml_node *root)
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

/* An id is unique in the whole policy, because an obligation names its rule without the layer. */
static bool
check_ids(struct access_reader *r, const struct layers *l, const struct layer_file *new)
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

/* The domains that the organizations serve and trust, and that of seal.yaml (0: there is none). */
static bool
is_served(const struct layers *l, uint32_t domain)
{
	for (uint32_t i = 0; i < l->files; i++)
		if (l->file[i].layer == LAYER_ORGANIZATION &&
		    (l->file[i].domain == 0 || l->file[i].domain == domain))
			return true;
	return false;
}

static bool
is_known_domain(const struct layers *l, uint32_t domain, uint32_t sealing)
{
	for (uint32_t i = 0; i < l->files; i++)
		if (layer_trust(&l->file[i], domain))
			return true;
	return is_served(l, domain) || domain == sealing;
}

static void
offer_domains(const struct access_reader *r, const struct layers *l, uint32_t sealing, struct closest *c)
{
	for (uint32_t i = 0; i < l->files; i++) {
		const struct layer_file *f = &l->file[i];

		if (f->layer == LAYER_ORGANIZATION && f->domain != 0)
			reader_offer(r, c, &f->domain, 1);
		for (uint32_t k = 0; k < f->trusts; k++)
			reader_offer(r, c, &f->trust[k].domain, 1);
	}
	if (sealing != 0)
		reader_offer(r, c, &sealing, 1);
}

/* STRICT: a domain that nobody serves is a fault; else it is one if it resembles a known domain. */
static bool
unknown_domain(struct access_reader *r, const struct layers *l, uint32_t sealing, bool strict,
    const struct yaml_node *node, struct bytes domain)
{
	struct closest near = closest_to(domain);
	char text[CLOSEST_ROOM];

	offer_domains(r, l, sealing, &near);
	if (!strict && closest_text(&near, "", text)[0] == '\0')
		return true;
	return reader_unknown(r, node, "domain", "those of the organizations, trusts and seal.yaml", near);
}

/* The values of subject.domain and resource.domain in the rules of F. */
static bool
check_rule_domains(struct access_reader *r, const struct layers *l, uint32_t sealing,
    const struct criteria *c, const struct yaml_node *node)
{
	for (uint32_t i = 0; i < c->count; i++) {
		const struct criterion *t = &c->at[i];

		if (t->kind != CRITERION_VALUES ||
		    (t->attribute != ATTRIBUTE_SUBJECT_DOMAIN && t->attribute != ATTRIBUTE_RESOURCE_DOMAIN))
			continue;
		for (uint32_t k = 0; k < t->listed; k++)
			if (!is_known_domain(l, t->list[k].value.word, sealing) &&
			    !unknown_domain(r, l, sealing, false, node, t->list[k].value.text))
				return false;
	}
	return true;
}

static bool
check_domains_of(
    struct access_reader *r, const struct layers *l, uint32_t sealing, const struct layer_file *f)
{
	bool law = f->layer == LAYER_JURISDICTION;

	r->file = f->file;
	if (f->domain != 0 && f->layer != LAYER_ORGANIZATION &&
	    !(law ? is_served(l, f->domain) : is_known_domain(l, f->domain, sealing)) &&
	    !unknown_domain(r, l, sealing, law, f->domain_node, intern_text(r->words, f->domain)))
		return false;
	if (f->layer == LAYER_ORGANIZATION && sealing != 0 && f->domain != sealing &&
	    !is_served(l, sealing)) {
		struct closest near = closest_to(intern_text(r->words, f->domain));
		char text[CLOSEST_ROOM];

		reader_offer(r, &near, &sealing, 1);
		if (closest_text(&near, "", text)[0] != '\0')
			return reader_unknown(r, f->domain_node, "domain", "those of seal.yaml", near);
	}
	for (uint32_t i = 0; i < f->rules; i++) {
		if (!check_rule_domains(r, l, sealing, f->rule[i].criteria, f->rule[i].node))
			return false;
		for (uint32_t k = 0; k < f->rule[i].excepts; k++)
			if (!check_rule_domains(r, l, sealing, &f->rule[i].except[k], f->rule[i].node))
				return false;
	}
	return true;
}

/*
 * A law for a domain that no organization serves would limit nothing.  The other layers deny where a domain
 * is misspelt, so only what resembles a known domain is a fault there.
 */
static bool
check_domains(struct access_reader *r, const struct layers *l)
{
	uint32_t sealing = 0;

	if (!l->any[LAYER_ORGANIZATION])
		return true;
	if (policy_file(r->policy, "seal.yaml")) {
		const struct yaml_node *root = policy_yaml(r->policy, "seal.yaml", &r->file, r->fault);
		const struct yaml_node *domain = yaml_find(root, "domain");

		if (!root)
			return false;
		if (domain && domain->kind == YAML_STRING && domain->text.size > 0)
			sealing = intern_add(r->words, domain->text);
	}
	for (uint32_t i = 0; i < l->files; i++)
		if (!check_domains_of(r, l, sealing, &l->file[i]))
			return false;
	return true;
}

static bool
is_layer_file(struct bytes name)
{
	static const char *const others[] = { "authz/roles.yaml", "authz/classes.yaml",
		"authz/clearances.yaml" };

	if (!bytes_begin(name, "authz/") || !bytes_end(name, ".yaml"))
		return false;
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		if (bytes_are(name, others[i]))
			return false;
	return true;
}

bool
layers_read(struct layers *l, struct access_reader *r)
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
	return check_domains(r, l);
}
