/* SPDX-License-Identifier: ISC */
#include "common/label/ruleset.h"
#include "common/policy/terms.h"

/* What the walk knows of members by their names alone: S->key. */

/* Members of FHIR R4 under which a CodeableConcept tells of somebody's health. */
static const char *const concepts[] = { "code", "reasonCode", "valueCodeableConcept",
	"medicationCodeableConcept", "conclusionCode", "diagnosisCodeableConcept", "procedureCodeableConcept",
	"productOrService", "vaccineCode", "manifestation", "substance", "substanceCodeableConcept",
	"itemCodeableConcept", "outcomeCode", "outcomeCodeableConcept", "serviceType", "reason", "condition",
	"detailCodeableConcept", "targetDisease", "prognosisCodeableConcept", "addresses",
	"productCodeableConcept" };

/* Members of FHIR whose name says what their value is, of all its versions. */
static const struct {
	const char *name;
	uint8_t about;
} abouts[] = {
	{ "valueBase64Binary", ABOUT_BASE64 },
	{ "blob", ABOUT_BASE64 },
	{ "extension", ABOUT_EXTENSION },
	{ "modifierExtension", ABOUT_EXTENSION },
	{ "reference", ABOUT_SEARCH },
	{ "fullUrl", ABOUT_SEARCH },
	{ "url", ABOUT_SEARCH },
	{ "ifNoneExist", ABOUT_SEARCH },
};

enum { ABOUTS = sizeof abouts / sizeof abouts[0] };

/* Room in the tables by key for the member NAME. */
static void
note_key(struct ruleset *s, struct bytes name)
{
	size_t key = json_keys_add(s->keys, name);

	s->keyed = key >= s->keyed ? key + 1 : s->keyed;
}

/* The last members of PLACES.  Before there is a table, room for them. */
static void
note_places(struct ruleset *s, const struct terms_places *places, enum about_terms about)
{
	for (size_t i = 0; i < places->count; i++) {
		const struct terms_place *place = &places->at[i];

		if (s->key == NULL)
			s->keyed = place->key[0] >= s->keyed ? place->key[0] + 1U : s->keyed;
		else if (about == TERMS_BASE64 || (place->keys == 1 && place->type.size == 0))
			s->key[place->key[0]].terms |= (uint8_t)about;
	}
}

/* `codes_in`: names of members. */
static bool
read_codes_in(struct ruleset_loader *l, void (*use)(struct ruleset *s, struct bytes name))
{
	const struct yaml_node *list = l->set->codes_in;
	struct bytes name;

	for (size_t i = 0; list != NULL && list->kind != YAML_NULL && i < yaml_strings(list); i++) {
		if (!yaml_item_string(l->file, list, i, &name, l->fault))
			return false;
		use(l->set, name);
	}
	return list == NULL || list->kind == YAML_NULL || yaml_strings(list) > 0 ||
	       fault_at(l->fault, l->file, list, "expected names of members");
}

static void
holds_codes(struct ruleset *s, struct bytes name)
{
	s->key[json_keys_find(s->keys, name)].about |= ABOUT_CODES;
}

/* `references:`: by type, the members in which a reference without a type means that one. */
static bool
read_references(struct ruleset_loader *l, bool is_ready)
{
	const struct yaml_node *map = l->set->references;
	struct bytes name;

	if (map != NULL && (map->kind != YAML_MAP || map->count > UINT8_MAX))
		return fault_at(l->fault, l->file, map, "expected a map from types to names of members");
	for (size_t i = 0; map != NULL && i < map->count; i++) {
		if (yaml_strings(map->item[i]) == 0)
			return fault_at(l->fault, l->file, map->item[i], "expected names of members");
		for (size_t n = 0; n < yaml_strings(map->item[i]); n++) {
			if (!yaml_item_string(l->file, map->item[i], n, &name, l->fault))
				return false;
			if (is_ready)
				l->set->key[json_keys_find(l->set->keys, name)].meant = (uint8_t)(i + 1);
			else
				note_key(l->set, name);
		}
	}
	return true;
}

bool
key_roles_load(struct ruleset_loader *l, const struct yaml_node *summaries)
{
	static const char *const names[ROLE_COUNT] = {
		[ROLE_CODE] = "code",
		[ROLE_SYSTEM] = "system",
		[ROLE_CODING] = "coding",
		[ROLE_CONCEPT] = "concept",
		[ROLE_DATA] = "data",
		[ROLE_CONTENT_TYPE] = "contentType",
		[ROLE_URL] = "url",
		[ROLE_TYPE] = "type",
		[ROLE_VALUE] = "value",
		[ROLE_DISPLAY] = "display",
		[ROLE_BESIDE_DISPLAY] = "_display",
		[ROLE_TEXT] = "text",
	};
	struct ruleset *s = l->set;
	size_t known = shape_is_fhir(s->shape) ? sizeof concepts / sizeof concepts[0] : 0;

	for (unsigned i = ROLE_NONE + 1; i < ROLE_COUNT; i++)
		note_key(s, bytes_of(names[i]));
	note_key(s, (struct bytes)BYTES("_value"));
	for (size_t i = 0; i < known; i++)
		note_key(s, bytes_of(concepts[i]));
	for (size_t i = 0; i < ABOUTS; i++)
		note_key(s, bytes_of(abouts[i].name));
	for (size_t i = 0; summaries != NULL && summaries->kind == YAML_LIST && i < summaries->count; i++)
		if (path_is_name(summaries->item[i]->text))
			note_key(s, summaries->item[i]->text);
	if (!read_codes_in(l, note_key) || !read_references(l, false))
		return false;
	note_places(s, &s->terms.base64, TERMS_BASE64);
	note_places(s, &s->terms.skip, TERMS_SKIPPED);
	note_places(s, &s->terms.no_code, TERMS_NO_CODE);
	s->key = arena_array(&s->arena, s->keyed, sizeof *s->key);
	note_places(s, &s->terms.base64, TERMS_BASE64);
	note_places(s, &s->terms.skip, TERMS_SKIPPED);
	note_places(s, &s->terms.no_code, TERMS_NO_CODE);
	(void)read_references(l, true);
	for (unsigned i = ROLE_NONE + 1; i < ROLE_COUNT; i++)
		s->key[json_keys_find(s->keys, bytes_of(names[i]))].role = (uint8_t)i;
	s->key[json_keys_find(s->keys, (struct bytes)BYTES("_value"))].role = ROLE_VALUE;
	for (size_t i = 0; i < known; i++)
		s->key[json_keys_find(s->keys, bytes_of(concepts[i]))].about = ABOUT_CONCEPT;
	for (size_t i = 0; shape_is_fhir(s->shape) && i < ABOUTS; i++)
		s->key[json_keys_find(s->keys, bytes_of(abouts[i].name))].about |= abouts[i].about;
	return read_codes_in(l, holds_codes);
}

/* The table by key reaches to KEY. */
static void
reach(struct ruleset *s, size_t key)
{
	struct ruleset_key *old = s->key;

	if (key < s->keyed)
		return;
	s->key = arena_array(&s->arena, key + 1, sizeof *s->key);
	memcpy(s->key, old, s->keyed * sizeof *old);
	s->keyed = key + 1;
}

void
key_roles_note_names(struct ruleset *s)
{
	const struct terms *terms = codes_terms(s->codes);
	struct bytes name;

	for (uint16_t key = 1; terms != NULL && (name = json_keys_named(s->keys, key)).at != NULL; key++) {
		if (!terms_may(terms, name))
			continue;
		reach(s, key);
		s->key[key].terms |= TERMS_NAMED;
	}
}
