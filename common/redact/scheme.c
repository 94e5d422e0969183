/* SPDX-License-Identifier: ISC */
#include "common/redact/scheme.h"

#include "common/policy/elements.h"
#include "common/policy/notify_policy.h"
#include "common/policy/seal_policy.h"
#include "common/redact/scheme_read.h"

#include <stdio.h>
#include <string.h>

static bool
read_mark(struct scheme_read *r, const struct yaml_node *node, const struct yaml_node **except)
{
	struct scheme *s = r->s;
	struct yaml_map m;
	struct seal_policy sealing;
	bool reads;

	if (node == NULL)
		return true;
	if (!yaml_open(&m, s->file, node, r->fault) || (r->mark = yaml_need(&m, "key")) == NULL)
		return false;
	*except = yaml_take(&m, "except");
	if (!yaml_close(&m) || !notify_policy_reads_marks(s->policy, &reads, r->fault))
		return false;
	if (!reads)
		return scheme_read_listed(r, r->mark, r->fault);
	if ((s->mark = scheme_read_key(r, r->mark, r->fault)) == NULL)
		return false;
	s->mark_excepts = *except != NULL;
	if (!seal_policy_load(&sealing, s->policy, r->fault))
		return false;
	s->domain = sealing.domain;
	return true;
}

/* Paths that no mark needs are read, so that a fault in them is found, and forgotten. */
static bool
check_except(struct scheme_read *r, const struct yaml_node *except)
{
	struct scheme_place place = { .use = SCHEME_EXCEPT };
	struct paths *paths = r->s->paths;
	size_t places = r->s->places;
	bool good;

	r->s->paths = paths_new(r->keys);
	good = scheme_read_paths(r, except, &place);
	paths_free(r->s->paths);
	r->s->paths = paths;
	r->s->places = places;
	return good;
}

static bool
add_except(struct scheme_read *r, const struct yaml_node *except)
{
	struct scheme_place place = { .use = SCHEME_EXCEPT };

	if (except == NULL)
		return true;
	if (r->s->mark == NULL)
		return check_except(r, except);
	for (unsigned i = 0; i < r->s->versions; i++)
		place.bits |= scheme_mark_bit(i);
	r->s->has_except = place.bits;
	return scheme_read_paths(r, except, &place);
}

static bool
read_criticality(struct scheme_read *r)
{
	struct scheme *s = r->s;
	const char *shown;
	const struct yaml_node *classify = policy_yaml(s->policy, "classify.yaml", &shown, r->fault);

	if (classify == NULL)
		return false;
	const struct yaml_node *map = yaml_find(classify, "criticality");
	const struct yaml_node *order = map != NULL ? yaml_find(map, "order") : NULL;
	const struct yaml_node *fallback = map != NULL ? yaml_find(map, "default") : NULL;
	if (order == NULL || fallback == NULL || yaml_strings(order) == 0)
		return fault_at(r->fault, shown, map != NULL ? map : classify,
		    "versions carry a criticality: expected `criticality:` with `order` and `default`");
	s->criticalities = (unsigned)yaml_strings(order);
	s->criticality = arena_array(r->arena, s->criticalities, sizeof s->criticality[0]);
	s->criticality_default = s->criticalities;
	for (unsigned i = 0; i < s->criticalities; i++) {
		if (!yaml_item_string(shown, order, i, &s->criticality[i], r->fault))
			return false;
		if (!tag_is_word(s->criticality[i]))
			return fault_at(r->fault, shown, order, "a criticality is one word");
		if (bytes_equal(s->criticality[i], fallback->text))
			s->criticality_default = i;
	}
	if (s->criticality_default == s->criticalities)
		return fault_at(r->fault, shown, fallback, "the default is not in `order`");
	return true;
}

/* "resourceType" for ".resourceType"; empty for a longer path. */
static struct bytes
member_of(const struct yaml_node *record, const char *key)
{
	const struct yaml_node *node = record != NULL ? yaml_find(record, key) : NULL;
	struct bytes path = { NULL, 0 };

	if (node == NULL || node->kind != YAML_STRING || node->text.size < 2 || node->text.at[0] != '.')
		return path;
	path = bytes_behind(node->text, 1);
	for (size_t i = 0; i < path.size; i++)
		if (strchr(".[]|,()\"? ", path.at[i]) != NULL)
			return (struct bytes){ NULL, 0 };
	return path;
}

static void
fill_levels(struct scheme *s)
{
	for (unsigned level = 0; level < s->policy->levels; level++)
		for (unsigned i = 0; i < s->versions; i++)
			if (s->version[i].level < level)
				s->below_level[level] |= s->version[i].bits;
}

/* False: LEVELS names a level without a version, copied to TEXT. */
static bool
choose_levels(struct scheme *s, const char *levels, char *text)
{
	uint64_t chosen = 0;

	for (const char *at = levels; levels != NULL; at++) {
		struct bytes name = { at, strcspn(at, ",") };
		unsigned i = 0;

		while (i < s->versions && !bytes_equal(s->policy->level[s->version[i].level].name, name))
			i++;
		if (i == s->versions) {
			(void)snprintf(text, 128, "%.*s", (int)(name.size < 100 ? name.size : 100), name.at);
			return false;
		}
		chosen |= s->version[i].bits;
		at += name.size;
		if (*at == '\0')
			break;
	}
	if (levels != NULL)
		s->asked = chosen;
	return true;
}

static bool
read_file(struct scheme_read *r)
{
	struct scheme *s = r->s;
	struct scheme_habits habits = { 0 };
	const struct yaml_node *except = NULL;
	struct yaml_map m;
	uint64_t version = 0;
	const struct yaml_node *root = policy_yaml(s->policy, "redact.yaml", &s->file, r->fault);

	if (root == NULL)
		return false;
	s->words.file = s->file;
	if (!yaml_open(&m, s->file, root, r->fault) ||
	    !yaml_integer(s->file, yaml_need(&m, "redact"), 1, 1, &version, r->fault) || version != 1)
		return false;
	bool strict = false; /* for ehr-policy check alone */

	if (!yaml_boolean(s->file, yaml_take(&m, "strict_fhir"), &strict, r->fault))
		return false;
	r->key_names = yaml_take(&m, "keys");
	const struct yaml_node *versions = yaml_need(&m, "versions");
	return versions != NULL && read_mark(r, yaml_take(&m, "mark"), &except) &&
	       scheme_version_habits(&m, &habits, r->fault) && yaml_close(&m) &&
	       scheme_version_all(r, versions, &habits) && add_except(r, except) && read_criticality(r) &&
	       scheme_summary_read(r);
}

/* Where a sign stands for what is withheld, the name of its member stays, which must be one of FHIR's. */
static void
know_names(struct scheme *s)
{
	struct elements elements;
	struct element e;

	if (!s->is_fhir || (s->leaves_absent | s->leaves_mask) == 0)
		return;
	s->names = json_keys_new();
	for (unsigned kind = 0; kind < ELEMENTS_KINDS; kind++) {
		(void)elements_open(&elements, elements_name(kind));
		while (elements_next(&elements, &e))
			(void)json_keys_add(s->names, e.name);
	}
}

enum redactor_start
scheme_load(struct scheme *s, struct policy *p, struct json_keys *keys,
    const struct redactor_settings *settings, struct redactor_problem *problem)
{
	struct scheme_read r = { .s = s, .arena = &p->arena, .keys = keys, .settings = settings };

	*s = (struct scheme){ .policy = p };
	*problem = (struct redactor_problem){ .text = "" };
	r.fault = &problem->fault;
	r.missing = problem->text;
	s->words =
	    (struct condition_words){ .arena = &p->arena, .keys = keys, .has_now = settings->now != NULL };
	s->shape = shape_load(p, keys, r.fault);
	if (s->shape == NULL)
		return REDACTOR_FAULT;
	s->is_fhir = shape_is_fhir(s->shape);
	s->paths = paths_new(keys);
	if (s->is_fhir)
		paths_vary(s->paths);
	if (!read_file(&r))
		return r.missing[0] != '\0' ? REDACTOR_NO_KEY : REDACTOR_FAULT;
	s->type_member = member_of(p->record, "type");
	s->id_member = member_of(p->record, "id");
	fill_levels(s);
	know_names(s);
	if (!choose_levels(s, settings->levels, problem->text))
		return REDACTOR_UNKNOWN_LEVEL;
	if (r.needs_now && settings->now == NULL)
		return REDACTOR_NEEDS_NOW;
	if (r.needs_batch && settings->batch.size == 0)
		return REDACTOR_NEEDS_BATCH;
	return REDACTOR_READY;
}

void
scheme_release(struct scheme *s)
{
	condition_words_release(&s->words);
	paths_free(s->paths);
	kinds_free(s->kinds);
	json_keys_free(s->names);
	shape_free(s->shape);
	codes_free(s->codes);
	*s = (struct scheme){ .policy = NULL };
}
