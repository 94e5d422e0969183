/* SPDX-License-Identifier: ISC */
#include "common/access/fhir_parts.h"

#include "common/policy/codes.h"
#include "common/policy/vocabulary.h"

#include <string.h>

/* How deep provisions may stand in the root's. */
enum { DEEPEST = 2 };

enum effect_word { DENIES, PERMITS };

static const char *const effect_words[] = { "deny", "permit" };

/* The value of the extension URL of an element; *TEXT stays as it is if there is none. */
static bool
extension(struct fhir_reading *r, uint32_t at, const char *url, struct bytes *text)
{
	uint32_t name = json_kind(r->json, at) == JSON_OBJECT ? fhir_member(r, at, K_url) : 0;

	if (name == 0 || !json_is(r->json, name, bytes_of(url)))
		return true;
	return fhir_string_member(r, at, K_valueString, text);
}

/* -1 after a fault. */
static int
effect_of(struct fhir_reading *r, uint32_t node)
{
	for (int e = DENIES; e <= PERMITS; e++)
		if (json_is(r->json, node, bytes_of(effect_words[e])))
			return e;
	(void)fhir_fault(r, node, "expected deny or permit");
	return -1;
}

/* Where a provision stands: in which one, and as which of how many. */
struct spot {
	struct bytes id; /* of the rule around it, or of the Consent */
	enum effect_word inside;
	unsigned number;
	unsigned depth;
	bool r5; /* a nested provision has no type: it is the exception to what it stands in */
};

static bool put_provisions(
    struct fhir_reading *r, struct yaml_node *map, uint32_t node, const struct spot *around);

static bool
put_names(
    struct fhir_reading *r, struct yaml_node *rule, uint32_t node, const struct spot *s, struct bytes *id)
{
	struct bytes say = { "", 0 }, own = { "", 0 };
	uint32_t extensions = fhir_member(r, node, K_extension);

	if (!fhir_string_member(r, node, K_id, &own))
		return false;
	*id = fhir_is_id(own)
		  ? own
		  : bytes_of(arena_format(r->arena, "%.*s-%u", (int)s->id.size, s->id.at, s->number));
	if (extensions != 0)
		FHIR_EACH(r, at, extensions)
	if (!extension(r, at, FHIR_CONSENT_SAY, &say))
		return false;
	if (say.size == 0)
		say = bytes_of(
		    s->depth > 1 ? "A nested provision of the Consent." : "A provision of the Consent.");
	fhir_put(r, rule, "id", fhir_text(r, *id, node), node);
	fhir_put(r, rule, "say", fhir_text(r, say, node), node);
	return true;
}

/* NOLINTNEXTLINE(misc-no-recursion): two deep */
static bool
put_provision(struct fhir_reading *r, struct yaml_node *list, uint32_t node, const struct spot *s)
{
	struct yaml_node *rule = fhir_map(r, node);
	uint32_t type = fhir_member(r, node, K_type), nested = fhir_member(r, node, K_provision);
	int effect = s->inside == DENIES ? PERMITS : DENIES;
	struct spot here = { .depth = s->depth + 1, .r5 = s->r5 };

	if (s->depth > DEEPEST)
		return fhir_fault(r, node, "provisions more than two deep below the root");
	if (!fhir_only_known(r, node, PROVISION) || !put_names(r, rule, node, s, &here.id))
		return false;
	if (type == 0 && !s->r5)
		return fhir_fault(r, node, "a nested provision without type");
	if (type != 0 && (effect = effect_of(r, type)) < 0)
		return false;
	if (s->r5 && effect == (int)s->inside)
		return fhir_fault(
		    r, type, "R4 and R5 in one Consent: an exception with the type of its rule");
	here.inside = (enum effect_word)effect;
	fhir_put(r, rule, "effect", fhir_text(r, bytes_of(effect_words[effect]), node), type ? type : node);
	fhir_append(list, rule);
	return fhir_put_criteria(r, rule, node, "when") &&
	       (nested == 0 || put_provisions(r, rule, nested, &here));
}

/* NOLINTNEXTLINE(misc-no-recursion) */
static bool
put_provisions(struct fhir_reading *r, struct yaml_node *map, uint32_t node, const struct spot *around)
{
	struct yaml_node *list = fhir_list(r, node, fhir_room(r, node));
	struct spot s = *around;

	if (!fhir_objects(r, node))
		return false;
	fhir_put(r, map, "rules", list, node);
	s.number = 0;
	FHIR_EACH(r, at, node)
	{
		s.number++;
		if (!put_provision(r, list, at, &s))
			return false;
	}
	return true;
}

/* True unless the coding says another system than v3-ActCode. */
static bool
is_act_code(const struct fhir_reading *r, uint32_t coding)
{
	uint32_t system = fhir_member(r, coding, K_system);

	return system == 0 ||
	       (json_kind(r->json, system) == JSON_STRING &&
		   codes_same_system(fhir_text_of(r, system), vocabulary_system(VOCABULARY_SENSITIVITY)));
}

/* The effect that a code of v3-ActCode has as policyRule: -1 none, -2 after a fault. */
static int
rule_effect(struct fhir_reading *r, uint32_t node)
{
	static const struct {
		const char *code;
		enum effect_word effect;
	} codes[] = { { "OPTIN", PERMITS }, { "OPTINR", PERMITS }, { "OPTOUT", DENIES },
		{ "OPTOUTE", DENIES }, { "EMRGONLY", DENIES } };
	uint32_t list;
	int effect = -1;

	if (node == 0)
		return -1;
	list = json_kind(r->json, node) == JSON_OBJECT ? fhir_member(r, node, K_coding) : node;
	if (list == 0)
		return -1;
	if (list == node || !fhir_objects(r, list)) {
		(void)fhir_fault(r, node, "expected an object with codings");
		return -2;
	}
	FHIR_EACH(r, at, list)
	{
		uint32_t code = fhir_member(r, at, K_code);

		for (size_t i = 0; code != 0 && i < sizeof codes / sizeof codes[0]; i++) {
			if (!json_is(r->json, code, bytes_of(codes[i].code)) || !is_act_code(r, at))
				continue;
			if (effect >= 0 && effect != (int)codes[i].effect) {
				(void)fhir_fault(r, at, "policyRule opts in and out");
				return -2;
			}
			effect = (int)codes[i].effect;
		}
	}
	return effect;
}

static bool
has_criteria(const struct fhir_reading *r, uint32_t provision)
{
	static const unsigned elements[] = { K_actor, K_action, K_securityLabel, K_purpose, K_class, K_code,
		K_documentType, K_resourceType, K_dataPeriod, K_data };

	for (size_t i = 0; i < sizeof elements / sizeof elements[0]; i++)
		if (fhir_member(r, provision, elements[i]) != 0)
			return true;
	return false;
}

/* What holds where no rule does: -1 after a fault.  PROVISION is the root of R4, 0 if there is none. */
static int
base_of(struct fhir_reading *r, uint32_t node, uint32_t provision)
{
	uint32_t type = provision ? fhir_member(r, provision, K_type) : 0,
		 policy = fhir_member(r, node, K_policyRule);
	uint32_t decision = fhir_member(r, node, K_decision);
	int effect, by_rule = rule_effect(r, policy);

	if (by_rule == -2)
		return -1;
	if (type == 0)
		type = decision;
	if (type == 0 && by_rule < 0) {
		(void)fhir_fault(r, provision ? provision : node,
		    "neither a type nor an opt-in or opt-out as policyRule: nobody knows what holds");
		return -1;
	}
	if (type == 0 && provision && has_criteria(r, provision)) {
		(void)fhir_fault(
		    r, provision, "a root with criteria and without type: an exception of unknown direction");
		return -1;
	}
	effect = type ? effect_of(r, type) : by_rule;
	if (effect < 0 || by_rule < 0 || effect == by_rule)
		return effect;
	(void)fhir_fault(r, type, "type and policyRule contradict each other");
	return -1;
}

/*
 * A deny that is limited to some data denies all: what the root leaves open is nobody's permit.  What the
 * limit says is told apart, since it has to be readable.
 */
static void
part_what(struct fhir_reading *r, struct yaml_node *map, uint32_t node)
{
	size_t kept = 0;

	for (size_t i = 0; i < map->count; i++) {
		if (bytes_are(map->key[i]->text, "what")) {
			r->out->data = fhir_map(r, node);
			fhir_put(r, r->out->data, "what", map->item[i], node);
			continue;
		}
		map->key[kept] = map->key[i];
		map->item[kept++] = map->item[i];
	}
	map->count = kept;
}

/* R4's one root, or R5's list of exceptions to its decision. */
static bool
put_body(struct fhir_reading *r, struct yaml_node *map, uint32_t node)
{
	uint32_t provision = fhir_member(r, node, K_provision), nested = provision;
	uint32_t decision = fhir_member(r, node, K_decision);
	bool root = provision != 0 && json_kind(r->json, provision) == JSON_OBJECT;
	struct spot s = { .id = r->out->id, .depth = 1, .r5 = provision != 0 && !root };
	int base;

	/* Of R5 one object would be an exception to the decision, of R4 a limit of what its type says. */
	if (provision && root == (decision != 0))
		return fhir_fault(r, provision,
		    root ? "R4 and R5 in one Consent" : "a list of provisions without decision");

	if (root && !fhir_only_known(r, provision, PROVISION))
		return false;
	base = base_of(r, node, root ? provision : 0);
	if (base < 0)
		return false;
	s.inside = (enum effect_word)base;
	fhir_put(r, map, "base", fhir_text(r, bytes_of(effect_words[base]), node), node);
	if (!fhir_put_period(r, map, "period", fhir_member(r, node, K_period)) ||
	    !fhir_put_references(r, map, fhir_member(r, node, K_grantee)))
		return false;
	if (root) {
		if ((fhir_member(r, node, K_period) && fhir_member(r, provision, K_period)) ||
		    (fhir_member(r, node, K_grantee) && fhir_member(r, provision, K_actor)))
			return fhir_fault(r, provision, "R4 and R5 in one Consent");
		if (!fhir_put_criteria(r, map, provision, "period"))
			return false;
		nested = fhir_member(r, provision, K_provision);
	}
	if (base == DENIES)
		part_what(r, map, node);
	return nested == 0 || put_provisions(r, map, nested, &s);
}

static bool
put_status(struct fhir_reading *r, struct yaml_node *map, uint32_t node)
{
	static const char *const words[][2] = { { "active", "active" }, { "draft", "draft" },
		{ "proposed", "proposed" }, { "rejected", "rejected" }, { "inactive", "inactive" },
		{ "not-done", "inactive" }, { "entered-in-error", "entered-in-error" } };
	uint32_t status = fhir_member(r, node, K_status);

	if (status == 0)
		return fhir_fault(r, node, "status is missing");
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (json_is(r->json, status, bytes_of(words[i][0]))) {
			fhir_put(r, map, "status", fhir_text(r, bytes_of(words[i][1]), status), status);
			return true;
		}
	return fhir_fault(r, status, "an unknown status");
}

static bool
put_date(struct fhir_reading *r, struct yaml_node *map, uint32_t node)
{
	uint32_t date = fhir_member(r, node, K_dateTime);
	struct bytes text;

	if (date == 0)
		date = fhir_member(r, node, K_date);
	if (date == 0)
		return true;
	if (!fhir_string(r, date, &text))
		return false;
	fhir_put(r, map, "date", fhir_text(r, text, date), date);
	return true;
}

static bool
put_acknowledged(struct fhir_reading *r, struct yaml_node *map, uint32_t node)
{
	uint32_t extensions = fhir_member(r, node, K_extension);
	struct yaml_node *list;

	if (extensions == 0)
		return true;
	list = fhir_list(r, extensions, fhir_room(r, extensions));
	FHIR_EACH(r, at, extensions)
	{
		struct bytes text = { "", 0 };

		if (!extension(r, at, FHIR_CONSENT_ACKNOWLEDGES, &text))
			return false;
		if (text.size > 0)
			fhir_append(list, fhir_text(r, text, at));
	}
	if (list->count > 0)
		fhir_put(r, map, "acknowledges", list, extensions);
	return true;
}

/* When a verification was; false if it does not say so with one date. */
static bool
verified_at(const struct fhir_reading *r, uint32_t node, struct period *p)
{
	uint32_t date = fhir_member(r, node, K_verificationDate);
	enum date_precision precision;

	return date != 0 && clock_parse_date(fhir_text_of(r, date), p, &precision);
}

static bool
says_verified(const struct fhir_reading *r, uint32_t node)
{
	uint32_t verified = json_kind(r->json, node) == JSON_OBJECT ? fhir_member(r, node, K_verified) : 0;

	return verified != 0 && json_kind(r->json, verified) == JSON_TRUE;
}

/* A verification that failed counts until a later one holds; one of the two without a date is not later. */
static bool
is_verified(const struct fhir_reading *r, uint32_t list)
{
	bool any = false, dated = false;
	struct instant last = { 0 };
	struct period p;

	FHIR_EACH(r, at, list)
	{
		if (!says_verified(r, at))
			continue;
		any = true;
		if (verified_at(r, at, &p) && (!dated || instant_compare(p.from, last) > 0)) {
			dated = true;
			last = p.from;
		}
	}
	FHIR_EACH(r, at, list)
	if (!says_verified(r, at) && (!dated || json_kind(r->json, at) != JSON_OBJECT ||
					 !verified_at(r, at, &p) || instant_compare(p.until, last) > 0))
		return false;
	return any;
}

static void
put_verified(struct fhir_reading *r, struct yaml_node *map, uint32_t node)
{
	uint32_t list = fhir_member(r, node, K_verification);
	struct yaml_node *n;

	if (list == 0 || !is_verified(r, list))
		return;
	n = fhir_node(r, YAML_BOOLEAN, list);
	n->truth = true;
	n->text = bytes_of("true");
	fhir_put(r, map, "verified", n, list);
}

static bool
modifies(struct fhir_reading *r, uint32_t node)
{
	for (uint32_t i = node; i < r->json->nodes[node].next; i++)
		if (json_kind(r->json, i) == JSON_KEY && (r->json->nodes[i].key == K_modifierExtension ||
							     r->json->nodes[i].key == K_implicitRules))
			return !fhir_fault(r, i, "modifierExtension or implicitRules: it may mean anything");
	return false;
}

/* R4 has `patient`, R5 `subject`.  0: neither, or both. */
static uint32_t
patient_of(const struct fhir_reading *r, uint32_t node)
{
	uint32_t patient = fhir_member(r, node, K_patient), subject = fhir_member(r, node, K_subject);

	return patient == 0 || subject == 0 ? patient + subject : 0;
}

static bool
put_all(struct fhir_reading *r, uint32_t node)
{
	struct fhir_consent *c = r->out;
	struct yaml_node *map = fhir_map(r, node), *version = fhir_node(r, YAML_NUMBER, node);

	version->text = bytes_of("1");
	fhir_put(r, map, "ehr_authz", version, node);
	fhir_put(r, map, "consent", fhir_text(r, c->id, node), node);
	fhir_put(r, map, "patient", fhir_text(r, c->patient, node), node);
	c->tree = map;
	if (modifies(r, node) || !put_status(r, map, node) || !fhir_only_known(r, node, ROOT) ||
	    !fhir_only_known(r, patient_of(r, node), REFERENCE) || !put_date(r, map, node) ||
	    !put_acknowledged(r, map, node))
		return false;
	put_verified(r, map, node);
	return put_body(r, map, node);
}

/* The code of a CODING of consentscope; 0: it is of another system, or none. */
static uint32_t
scope_code(const struct fhir_reading *r, uint32_t coding)
{
	static const struct bytes scopes = BYTES("http://terminology.hl7.org/CodeSystem/consentscope");
	uint32_t system = json_kind(r->json, coding) == JSON_OBJECT ? fhir_member(r, coding, K_system) : 0;

	return system != 0 && json_is(r->json, system, scopes) ? fhir_member(r, coding, K_code) : 0;
}

/*
 * Whether a CONCEPT has a code of privacy, PRIVACY, and one of another scope, OTHER.  An extension inside of
 * it says nothing of the scope.
 */
static void
look_at_scope(const struct fhir_reading *r, uint32_t concept, bool *privacy, bool *other)
{
	static const char *const others[] = { "research", "treatment", "adr" };
	uint32_t codings = json_kind(r->json, concept) == JSON_OBJECT ? fhir_member(r, concept, K_coding) : 0;

	if (codings != 0)
		FHIR_EACH(r, at, codings)
		{
			uint32_t code = scope_code(r, at);

			*privacy = *privacy || (code && json_is(r->json, code, bytes_of("patient-privacy")));
			for (size_t i = 0; code && i < sizeof others / sizeof others[0]; i++)
				*other = *other || json_is(r->json, code, bytes_of(others[i]));
		}
}

/* Scope and category: of privacy, or of nothing that consentscope knows. */
static bool
is_of_privacy(const struct fhir_reading *r, uint32_t node)
{
	static const unsigned elements[] = { K_scope, K_category };
	bool privacy = false, other = false;

	for (size_t i = 0; i < sizeof elements / sizeof elements[0]; i++) {
		uint32_t element = fhir_member(r, node, elements[i]);

		if (element != 0)
			FHIR_EACH(r, at, element)
			{
				look_at_scope(r, at, &privacy, &other);
			}
	}
	return privacy || !other;
}

static bool
read_patient(struct fhir_reading *r, uint32_t node)
{
	uint32_t patient = patient_of(r, node);
	struct bytes text;

	if (patient == 0)
		return fhir_fault(r, node, "expected either patient or subject");
	if (!fhir_named(r, patient, &text, &r->out->logical))
		return false;
	if (!r->out->logical) {
		if (!bytes_begin(text, "Patient/"))
			return fhir_fault(r, patient, "expected a reference to a Patient");
		text = (struct bytes){ text.at + strlen("Patient/"), text.size - strlen("Patient/") };
	}
	r->out->patient = text;
	return true;
}

static void
read_id(struct fhir_reading *r, uint32_t node)
{
	uint32_t id = fhir_member(r, node, K_id);
	struct bytes text = id != 0 ? fhir_text_of(r, id) : (struct bytes){ "", 0 };

	if (fhir_is_id(text))
		r->out->id = text;
	else
		r->out->id = bytes_of(arena_format(r->arena, "line-%u", r->line));
}

bool
fhir_consent_is(const struct json *j, uint32_t node, const char *type)
{
	uint32_t name = json_kind(j, node) == JSON_OBJECT ? json_member_key(j, node, K_resourceType) : 0;

	return name != 0 && json_is(j, name, bytes_of(type));
}

void
fhir_consent_read(
    struct arena *a, struct ndjson *n, uint32_t node, const struct fhir_names *names, struct fhir_consent *c)
{
	struct fhir_reading r = { .arena = a,
		.json = &n->json,
		.line = n->line,
		.file = n->reader->file,
		.fault = n->reader->fault,
		.names = names,
		.out = c };

	*c = (struct fhir_consent){ .kind = FHIR_CONSENT_NONE };
	if (!fhir_consent_is(&n->json, node, "Consent"))
		return;
	if (!is_of_privacy(&r, node) && !ndjson_repeats(n, node)) {
		c->kind = FHIR_CONSENT_OTHER;
	} else if (!read_patient(&r, node)) {
		c->kind = FHIR_CONSENT_NOBODY;
	} else {
		read_id(&r, node);
		c->kind = put_all(&r, node) ? FHIR_CONSENT_READ : FHIR_CONSENT_UNREADABLE;
	}
}
