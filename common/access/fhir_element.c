/* SPDX-License-Identifier: ISC */
#include "common/access/fhir_parts.h"

#include "common/base/clock.h"
#include "common/policy/codes.h"
#include "common/policy/vocabulary.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	unsigned places;
} keys[] = { { "", 0 },
#define KEY(name, places) { #name, places },
	KEYS(KEY)
#undef KEY
};

enum { ID_ROOM = 128 };

/* A map of the tree has at most so many keys. */
enum { MAP_ROOM = 16 };

struct json_keys *
fhir_consent_keys(void)
{
	struct json_keys *k = json_keys_new();

	for (unsigned i = 1; i < K_COUNT; i++)
		if (json_keys_add(k, bytes_of(keys[i].name)) != i)
			diag_bug("keys of a Consent that are numbered otherwise");
	return k;
}

bool
fhir_fault(struct fhir_reading *r, uint32_t node, const char *text)
{
	return fault_line(r->fault, r->file, r->line, r->json->nodes[node].start + 1, "%s", text);
}

/* The text of a string without its escapes; empty if NODE is none. */
static struct bytes
unescaped(struct arena *a, const struct json *j, uint32_t node)
{
	struct bytes text;
	struct buffer room;

	if (json_kind(j, node) != JSON_STRING)
		return (struct bytes){ "", 0 };
	if ((j->nodes[node].flags & JSON_ESCAPED) == 0)
		return json_inside(j, node);
	buffer_init(&room, BUFFER_UNLIMITED);
	text = arena_copy(a, json_string(j, node, &room));
	buffer_release(&room);
	return text;
}

struct bytes
fhir_text_of(const struct fhir_reading *r, uint32_t node)
{
	return unescaped(r->arena, r->json, node);
}

bool
fhir_string(struct fhir_reading *r, uint32_t node, struct bytes *text)
{
	if (json_kind(r->json, node) != JSON_STRING)
		return fhir_fault(r, node, "expected a string");
	*text = fhir_text_of(r, node);
	return text->size > 0 || fhir_fault(r, node, "an empty string");
}

/* The string member KEY; *TEXT stays as it is if there is none. */
bool
fhir_string_member(struct fhir_reading *r, uint32_t node, unsigned key, struct bytes *text)
{
	uint32_t value = fhir_member(r, node, key);

	return value == 0 || fhir_string(r, value, text);
}

struct yaml_node *
fhir_node(const struct fhir_reading *r, enum yaml_kind kind, uint32_t at)
{
	struct yaml_node *n = arena_take(r->arena, sizeof *n);

	n->kind = kind;
	n->line = r->line;
	n->column = r->json->nodes[at].start + 1;
	return n;
}

struct yaml_node *
fhir_text(const struct fhir_reading *r, struct bytes text, uint32_t at)
{
	struct yaml_node *n = fhir_node(r, YAML_STRING, at);

	n->text = text;
	return n;
}

struct yaml_node *
fhir_map(const struct fhir_reading *r, uint32_t at)
{
	struct yaml_node *n = fhir_node(r, YAML_MAP, at);

	n->key = arena_array(r->arena, (size_t)2 * MAP_ROOM, sizeof(struct yaml_node *));
	n->item = n->key + MAP_ROOM;
	return n;
}

void
fhir_put(const struct fhir_reading *r, struct yaml_node *map, const char *key, struct yaml_node *value,
    uint32_t at)
{
	if (map->count == MAP_ROOM)
		diag_bug("a map of the tree with more keys than room");
	map->key[map->count] = fhir_text(r, bytes_of(key), at);
	map->item[map->count++] = value;
}

struct yaml_node *
fhir_list(const struct fhir_reading *r, uint32_t at, size_t room)
{
	struct yaml_node *n = fhir_node(r, YAML_LIST, at);

	n->item = arena_array(r->arena, room, sizeof(struct yaml_node *));
	return n;
}

bool
fhir_objects(struct fhir_reading *r, uint32_t node)
{
	uint32_t count = 0;

	FHIR_EACH(r, at, node)
	{
		if (json_kind(r->json, at) != JSON_OBJECT)
			return fhir_fault(r, at, "expected an object");
		count++;
	}
	return count > 0 || fhir_fault(r, node, "a criterion that names nothing");
}

bool
fhir_only_known(struct fhir_reading *r, uint32_t node, unsigned place)
{
	for (uint32_t k = node + 1; k < r->json->nodes[node].next; k = r->json->nodes[k].next) {
		struct bytes name = json_inside(r->json, k);

		if (keys[r->json->nodes[k].key].places & place)
			continue;
		if (bytes_begin(name, "_") &&
		    json_member(r->json, node, (struct bytes){ name.at + 1, name.size - 1 }) != 0)
			continue;
		return fhir_fault(r, k, "a member that could be a condition and is not understood");
	}
	return true;
}

static bool
is_element(struct fhir_reading *r, uint32_t node, unsigned place)
{
	if (json_kind(r->json, node) != JSON_OBJECT)
		return fhir_fault(r, node, "expected an object");
	return fhir_only_known(r, node, place);
}

static struct bytes
code_text(const struct fhir_reading *r, struct bytes system, struct bytes code)
{
	char *at;

	if (system.size == 0)
		return code;
	at = arena_array(r->arena, system.size + code.size + 1, 1);
	memcpy(at, system.at, system.size);
	at[system.size] = '|';
	memcpy(at + system.size + 1, code.at, code.size);
	return (struct bytes){ at, system.size + code.size + 1 };
}

/* SYSTEMLESS: a code without a system is one of the criterion's own table; else it would match nothing. */
static bool
coding(struct fhir_reading *r, uint32_t node, bool systemless, struct yaml_node *list)
{
	struct bytes system = { "", 0 }, code = { "", 0 };

	if (!is_element(r, node, CODING) || !fhir_string_member(r, node, K_system, &system) ||
	    !fhir_string_member(r, node, K_code, &code))
		return false;
	if (code.size == 0)
		return fhir_fault(r, node, "a criterion that names nothing: a coding without code");
	if (system.size == 0 && !systemless)
		return fhir_fault(r, node, "a coding without system");
	fhir_append(list, fhir_text(r, code_text(r, system, code), node));
	return true;
}

/* Coding[], or Coding. */
static bool
codings(struct fhir_reading *r, uint32_t node, bool systemless, struct yaml_node *list)
{
	if (!fhir_objects(r, node))
		return false;
	FHIR_EACH(r, at, node)
	if (!coding(r, at, systemless, list))
		return false;
	return true;
}

/* CodeableConcept[], or CodeableConcept: all codings of all concepts. */
static bool
concepts(struct fhir_reading *r, uint32_t node, bool systemless, struct yaml_node *list)
{
	if (!fhir_objects(r, node))
		return false;
	FHIR_EACH(r, at, node)
	{
		uint32_t inner = fhir_member(r, at, K_coding);

		if (!fhir_only_known(r, at, CONCEPT))
			return false;
		if (inner == 0)
			return fhir_fault(r, at, "a criterion that names nothing: a concept without coding");
		if (!codings(r, inner, systemless, list))
			return false;
	}
	return true;
}

/* Codes of SYSTEM are the criterion's own words: they stand bare. */
static void
make_bare(struct yaml_node *map, const char *key, const char *system)
{
	const struct yaml_node *list = yaml_find(map, key);
	size_t size = strlen(system);

	for (size_t i = 0; list && i < list->count; i++) {
		struct bytes *text = &list->item[i]->text;

		if (bytes_begin(*text, system))
			*text = (struct bytes){ text->at + size, text->size - size };
	}
}

static bool
put_codes(struct fhir_reading *r, struct yaml_node *map, const char *key, uint32_t node, bool of_concepts,
    bool systemless)
{
	struct yaml_node *list;

	if (node == 0)
		return true;
	list = fhir_list(r, node, fhir_room(r, node));
	fhir_put(r, map, key, list, node);
	return of_concepts ? concepts(r, node, systemless, list) : codings(r, node, systemless, list);
}

bool
fhir_is_id(struct bytes text)
{
	for (size_t i = 0; i < text.size; i++)
		if (!ascii_is_alnum(text.at[i]) && text.at[i] != '-' && text.at[i] != '.' &&
		    text.at[i] != '_')
			return false;
	return text.size > 0 && text.size < ID_ROOM;
}

/*
 * `Type/id` of a literal reference: the server in front and the version behind are cut off (FHIR R4 2.3.0.1).
 * Empty if the text is no such reference.
 */
static struct bytes
canonical(struct bytes text)
{
	static const char history[] = "/_history/";
	const char *version = text.size > 0 ? memmem(text.at, text.size, history, sizeof history - 1) : NULL;
	const char *slash, *before;
	struct bytes type, id;

	if (version)
		text.size = (size_t)(version - text.at);
	slash = text.size > 0 ? memrchr(text.at, '/', text.size) : NULL;
	if (!slash || slash == text.at)
		return (struct bytes){ "", 0 };
	before = memrchr(text.at, '/', (size_t)(slash - text.at));
	type.at = before ? before + 1 : text.at;
	type.size = (size_t)(slash - type.at);
	id = (struct bytes){ slash + 1, text.size - (size_t)(slash + 1 - text.at) };
	if (!fhir_is_id(id) || !vocabulary_find(VOCABULARY_RESOURCE_TYPE, type))
		return (struct bytes){ "", 0 };
	return (struct bytes){ type.at, type.size + 1 + id.size };
}

bool
fhir_is_literal(struct bytes text)
{
	return (bytes_begin(text, "urn:") && !memchr(text.at, '|', text.size)) ||
	       (text.size > 0 && bytes_equal(canonical(text), text));
}

struct fhir_name {
	struct bytes name;
	struct bytes text; /* Type/id; empty: the resource has no id, or another has the name, too */
};

static int
by_name(const void *a, const void *b)
{
	return bytes_compare(((const struct fhir_name *)a)->name, ((const struct fhir_name *)b)->name);
}

static struct bytes
name_of(struct arena *a, const struct json *j, uint32_t resource)
{
	uint32_t type = json_member_key(j, resource, K_resourceType), id = json_member_key(j, resource, K_id);
	struct bytes kind = type ? unescaped(a, j, type) : (struct bytes){ "", 0 };
	struct bytes own = id ? unescaped(a, j, id) : (struct bytes){ "", 0 };

	if (kind.size == 0 || !fhir_is_id(own))
		return (struct bytes){ "", 0 };
	return bytes_of(arena_format(a, "%.*s/%.*s", (int)kind.size, kind.at, (int)own.size, own.at));
}

void
fhir_names_of(struct fhir_names *names, struct arena *a, struct ndjson *n, uint32_t entries)
{
	const struct json *j = &n->json;

	names->at = arena_array(a, json_count(j, entries) + 1, sizeof *names->at);
	names->count = 0;
	for (uint32_t i = entries + 1; i < j->nodes[entries].next; i = j->nodes[i].next) {
		uint32_t url = json_member(j, i, bytes_of("fullUrl"));
		uint32_t resource = json_member(j, i, bytes_of("resource"));

		if (url == 0 || json_kind(j, url) != JSON_STRING || resource == 0)
			continue;
		names->at[names->count++] = (struct fhir_name){ arena_copy(a, json_string(j, url, &n->room)),
			name_of(a, j, resource) };
	}
	if (names->count > 1)
		qsort(names->at, names->count, sizeof *names->at, by_name);
	for (size_t i = 1; i < names->count; i++)
		if (bytes_equal(names->at[i - 1].name, names->at[i].name))
			names->at[i - 1].text = names->at[i].text = (struct bytes){ "", 0 };
}

/* TYPE/ID of the entry that a Bundle calls NAME; the name as it stands if there is no Bundle. */
static bool
find_named(struct fhir_reading *r, uint32_t node, struct bytes name, struct bytes *text)
{
	const struct fhir_names *n = r->names;
	const struct fhir_name wanted = { .name = name }, *found;

	*text = name;
	if (n == NULL)
		return true;
	found = n->count ? bsearch(&wanted, n->at, n->count, sizeof *n->at, by_name) : NULL;
	if (found == NULL || found->text.size == 0)
		return fhir_fault(r, node, "a name that no entry of the Bundle with an id has, or two have");
	*text = found->text;
	return true;
}

bool
fhir_named(struct fhir_reading *r, uint32_t node, struct bytes *text, bool *logical)
{
	struct bytes whole = { "", 0 }, system = { "", 0 }, value = { "", 0 };
	uint32_t identifier;

	*logical = false;
	if (json_kind(r->json, node) != JSON_OBJECT)
		return fhir_fault(r, node, "expected an object");
	if (!fhir_string_member(r, node, K_reference, &whole))
		return false;
	if (bytes_begin(whole, "urn:"))
		return find_named(r, node, whole, text);
	*text = canonical(whole);
	if (text->size > 0)
		return true;
	if (whole.size > 0)
		return fhir_fault(r, node, "a reference that is not of the form Type/id");
	identifier = fhir_member(r, node, K_identifier);
	*logical = true;
	if (identifier == 0 || json_kind(r->json, identifier) != JSON_OBJECT)
		return fhir_fault(r, node, "a reference that names nobody");
	if (!fhir_string_member(r, identifier, K_system, &system) ||
	    !fhir_string_member(r, identifier, K_value, &value))
		return false;
	if (value.size == 0)
		return fhir_fault(r, node, "a reference that names nobody");
	*text = code_text(r, system, value);
	return true;
}

static bool
references(struct fhir_reading *r, uint32_t node, struct yaml_node *list)
{
	struct bytes text = { "", 0 };
	bool logical;

	if (!fhir_objects(r, node))
		return false;
	FHIR_EACH(r, at, node)
	{
		if (!fhir_named(r, at, &text, &logical) || !fhir_only_known(r, at, REFERENCE))
			return false;
		fhir_append(list, fhir_text(r, text, at));
	}
	return true;
}

static void
put_who(const struct fhir_reading *r, struct yaml_node *map, struct yaml_node *list, uint32_t node)
{
	struct yaml_node *who = fhir_map(r, node);

	fhir_put(r, who, "ref", list, node);
	fhir_put(r, map, "who", who, node);
}

bool
fhir_put_references(struct fhir_reading *r, struct yaml_node *map, uint32_t node)
{
	struct yaml_node *list;

	if (node == 0)
		return true;
	list = fhir_list(r, node, fhir_room(r, node));
	put_who(r, map, list, node);
	return references(r, node, list);
}

/*
 * False if a coding says that the actor is no one who asks for the data but its author, holder, source or the
 * like.  Of v3-ParticipationType only the recipients ask.
 */
static bool
is_asker(struct fhir_reading *r, uint32_t coding)
{
	static const char *const recipients[] = { "PRCP", "IRCP", "REFT", "TRC", "NOT" };
	static const char *const others[] = { "AUT", "CST", "INF", "SBJ", "ENT", "TRANS", "PRF", "LA", "VRF",
		"SOURCE", "COAUTH", "CONT", "PRIMAUTH", "AMENDER", "GRANTOR", "CONSENTER", "DELEGATOR",
		"REVIEWER", "VALID", "VERF", "EVTWIT", "CONSWIT", "INTPRTER", "CLASSIFIER", "DECLASSIFIER",
		"DOWNGRDER" };
	static const struct bytes participation =
	    BYTES("http://terminology.hl7.org/CodeSystem/v3-ParticipationType");
	struct bytes system = { "", 0 }, code = { "", 0 };
	bool asks = false, other = false;

	if (json_kind(r->json, coding) != JSON_OBJECT || !fhir_string_member(r, coding, K_system, &system) ||
	    !fhir_string_member(r, coding, K_code, &code))
		return false;
	for (size_t i = 0; i < sizeof recipients / sizeof recipients[0]; i++)
		asks = asks || bytes_are(code, recipients[i]);
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		other = other || bytes_are(code, others[i]);
	return system.size > 0 && codes_same_system(system, participation) ? asks : !other;
}

static bool
check_role(struct fhir_reading *r, uint32_t actor)
{
	uint32_t role = fhir_member(r, actor, K_role), codings;

	if (role == 0)
		return true;
	if (json_kind(r->json, role) != JSON_OBJECT)
		return fhir_fault(r, role, "expected an object");
	codings = fhir_member(r, role, K_coding);
	if (codings == 0)
		return true;
	FHIR_EACH(r, at, codings)
	if (!is_asker(r, at))
		return fhir_fault(r, at, "an actor who does not ask for the data but wrote or holds it");
	return true;
}

static bool
put_actors(struct fhir_reading *r, struct yaml_node *map, uint32_t node)
{
	struct yaml_node *list;

	if (node == 0)
		return true;
	list = fhir_list(r, node, fhir_room(r, node));
	put_who(r, map, list, node);
	if (!fhir_objects(r, node))
		return false;
	FHIR_EACH(r, at, node)
	{
		uint32_t inner = fhir_member(r, at, K_reference);

		if (!fhir_only_known(r, at, ACTOR) || !check_role(r, at))
			return false;
		if (inner == 0)
			return fhir_fault(r, at, "an actor without reference");
		if (!references(r, inner, list))
			return false;
	}
	return true;
}

/* An end of a period as an instant; the end of a period is included (FHIR R4 2.24.0.13). */
static bool
put_end(struct fhir_reading *r, struct yaml_node *map, const char *key, uint32_t node, bool end)
{
	struct period p;
	enum date_precision precision;
	struct bytes text = { "", 0 };
	char instant[32];

	if (node == 0)
		return true;
	if (!fhir_string(r, node, &text))
		return false;
	if (!clock_parse_date(text, &p, &precision))
		return fhir_fault(r, node, "expected a date, such as 2026-02-11");
	/* The year 9999 is how records say "for ever", and no later instant can be written. */
	if (end && bytes_begin(text, "9999"))
		return true;
	clock_format(end ? p.until : p.from, instant);
	fhir_put(r, map, key, fhir_text(r, arena_copy(r->arena, bytes_of(instant)), node), node);
	return true;
}

bool
fhir_put_period(struct fhir_reading *r, struct yaml_node *map, const char *key, uint32_t node)
{
	struct yaml_node *period;
	uint32_t start, end;

	if (node == 0)
		return true;
	if (!is_element(r, node, PERIOD))
		return false;
	start = fhir_member(r, node, K_start);
	end = fhir_member(r, node, K_end);
	if (start == 0 && end == 0)
		return fhir_fault(r, node, "a criterion that names nothing: a period without start and end");
	period = fhir_map(r, node);
	if (!put_end(r, period, "from", start, false) || !put_end(r, period, "until", end, true))
		return false;
	if (period->count > 0)
		fhir_put(r, map, key, period, node);
	return true;
}

/* The period of the data: whole dates, as they stand. */
static bool
put_data_period(struct fhir_reading *r, struct yaml_node *what, uint32_t node)
{
	static const struct {
		unsigned key;
		const char *name;
	} ends[] = { { K_start, "from" }, { K_end, "until" } };
	struct yaml_node *date;

	if (node == 0)
		return true;
	if (!is_element(r, node, PERIOD))
		return false;
	date = fhir_map(r, node);
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		uint32_t end = fhir_member(r, node, ends[i].key);
		struct bytes text = { "", 0 };

		if (end == 0)
			continue;
		if (!fhir_string(r, end, &text))
			return false;
		fhir_put(r, date, ends[i].name, fhir_text(r, text, end), end);
	}
	if (date->count == 0)
		return fhir_fault(r, node, "a criterion that names nothing: a period without start and end");
	fhir_put(r, what, "date", date, node);
	return true;
}

/*
 * The criterion that a word of consent-data-meaning stands for; NULL: none.  `dependents` are what refers to
 * the instance.  `related` is what the instance refers to (FHIR R4 consent-data-meaning): no record tells
 * which others refer to it, so a deny would withhold nothing of them.
 */
static const char *
meaning_of(struct bytes word)
{
	static const struct {
		const char *word, *key;
	} meanings[] = { { "instance", "instance" }, { "dependents", "related" },
		{ "authoredby", "author" } };

	for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++)
		if (bytes_are(word, meanings[i].word))
			return meanings[i].key;
	return NULL;
}

/*
 * Records name what they belong to by type and id, so a deny by identifier would withhold nothing of them.
 */
static bool
are_literal(const struct fhir_reading *r, uint32_t node)
{
	FHIR_EACH(r, at, node)
	if (fhir_member(r, at, K_reference) == 0)
		return false;
	return true;
}

/* The values of one kind are alternatives, and no set of criteria says "this instance or that author". */
static bool
put_data(struct fhir_reading *r, struct yaml_node *what, uint32_t node)
{
	struct yaml_node *list;
	const char *key = "";

	if (node == 0)
		return true;
	list = fhir_list(r, node, fhir_room(r, node));
	if (!fhir_objects(r, node))
		return false;
	FHIR_EACH(r, at, node)
	{
		struct bytes meaning = { "", 0 };
		uint32_t inner = fhir_member(r, at, K_reference);
		const char *this;

		if (!fhir_only_known(r, at, DATA) || !fhir_string_member(r, at, K_meaning, &meaning))
			return false;
		this = meaning_of(meaning);
		if (!this || inner == 0)
			return fhir_fault(
			    r, at, "data without reference, or of a meaning that records do not show");
		if (key[0] != '\0' && strcmp(key, this) != 0)
			return fhir_fault(r, at, "data of two meanings in one provision");
		key = this;
		if (!are_literal(r, inner))
			return fhir_fault(r, inner, "data that is named by an identifier alone");
		if (!references(r, inner, list))
			return false;
	}
	fhir_put(r, what, key, list, node);
	return true;
}

/* `class` of R4; `documentType` and `resourceType` of R5 are alternatives of one kind, too. */
static bool
put_classes(struct fhir_reading *r, struct yaml_node *what, uint32_t provision)
{
	static const unsigned elements[] = { K_class, K_documentType, K_resourceType };
	struct yaml_node *list = NULL;

	for (size_t i = 0; i < sizeof elements / sizeof elements[0]; i++) {
		uint32_t node = fhir_member(r, provision, elements[i]);

		if (node == 0)
			continue;
		if (!list) {
			list = fhir_list(r, node, fhir_room(r, provision));
			fhir_put(r, what, "class", list, node);
		}
		if (!codings(r, node, true, list))
			return false;
	}
	make_bare(what, "class", "http://hl7.org/fhir/fhir-types|");
	return true;
}

static bool
put_what(struct fhir_reading *r, struct yaml_node *map, uint32_t node)
{
	struct yaml_node *what = fhir_map(r, node);

	if (!put_codes(r, what, "label", fhir_member(r, node, K_securityLabel), false, true) ||
	    !put_classes(r, what, node) ||
	    !put_codes(r, what, "code", fhir_member(r, node, K_code), true, false) ||
	    !put_data_period(r, what, fhir_member(r, node, K_dataPeriod)) ||
	    !put_data(r, what, fhir_member(r, node, K_data)))
		return false;
	if (what->count > 0)
		fhir_put(r, map, "what", what, node);
	return true;
}

bool
fhir_put_criteria(struct fhir_reading *r, struct yaml_node *map, uint32_t provision, const char *period)
{
	if (!put_actors(r, map, fhir_member(r, provision, K_actor)) ||
	    !put_codes(r, map, "does", fhir_member(r, provision, K_action), true, true))
		return false;
	make_bare(map, "does", "http://terminology.hl7.org/CodeSystem/consentaction|");
	return put_codes(r, map, "why", fhir_member(r, provision, K_purpose), false, true) &&
	       put_what(r, map, provision) &&
	       fhir_put_period(r, map, period, fhir_member(r, provision, K_period));
}
