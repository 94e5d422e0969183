/* SPDX-License-Identifier: ISC */
#include "common/access/fhir_write.h"

#include "common/access/fhir_parts.h"
#include "common/base/clock.h"
#include "common/policy/vocabulary.h"

#include <string.h>

/* How deep groups of record types may stand in one another; the loader refuses cycles. */
enum { GROUPS_DEEP = 64 };

static const char actions[] = "http://terminology.hl7.org/CodeSystem/consentaction";

static bool
cannot(const struct fhir_writing *f, const struct yaml_node *node, const char *what)
{
	return fault_at(f->fault, f->file, node, "a Consent cannot say this: %s", what);
}

/* Each key of MAP is one of WORDS, which end with NULL. */
static bool
only(const struct fhir_writing *f, const struct yaml_node *map, const char *const *words, const char *what)
{
	for (size_t i = 0; i < map->count; i++) {
		const char *const *w = words;

		while (*w && !bytes_are(map->key[i]->text, *w))
			w++;
		if (!*w)
			return cannot(f, map->key[i], what);
	}
	return true;
}

/* VALUES is a value or a list of them, and names something. */
static bool
is_plain(const struct fhir_writing *f, const struct yaml_node *values)
{
	if (values->kind == YAML_MAP)
		return cannot(f, values, "a criterion that does not list what is meant");
	if (values->kind == YAML_LIST && values->count == 0)
		return cannot(f, values, "a criterion that names nothing");
	return true;
}

static size_t
count_of(const struct yaml_node *values)
{
	return values->kind == YAML_LIST ? values->count : 1;
}

static const struct yaml_node *
value_at(const struct yaml_node *values, size_t i)
{
	return values->kind == YAML_LIST ? values->item[i] : values;
}

/* Parts TEXT at its first bar; false if there is none or a part is empty. */
static bool
part(struct bytes text, struct bytes *system, struct bytes *code)
{
	const char *bar = text.size > 0 ? memchr(text.at, '|', text.size) : NULL;

	if (!bar)
		return false;
	*system = (struct bytes){ text.at, (size_t)(bar - text.at) };
	*code = (struct bytes){ bar + 1, text.size - system->size - 1 };
	return system->size > 0 && code->size > 0;
}

/* SYSTEM may be empty: the code is one of the site's own. */
static void
put_coding(struct json_write *w, struct bytes system, struct bytes code)
{
	json_write_open(w, '{');
	if (system.size > 0)
		json_write_member(w, "system", system);
	json_write_member(w, "code", code);
	json_write_close(w, '}');
}

static struct bytes
system_of(struct bytes code, const enum vocabulary *in, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (vocabulary_find(in[i], code))
			return vocabulary_system(in[i]);
	return (struct bytes){ "", 0 };
}

static bool
put_label(struct fhir_writing *f, struct json_write *w, const struct yaml_node *value)
{
	static const enum vocabulary in[] = { VOCABULARY_CONFIDENTIALITY, VOCABULARY_SENSITIVITY,
		VOCABULARY_PRIVACY_LAW, VOCABULARY_HANDLING };
	bool level = policy_level(f->policy, value->text) >= 0;
	/* HIV is a sensitivity and a retired level; a level of the ladder is a confidentiality or nothing. */
	struct bytes system = level ? system_of(value->text, in, 1)
				    : system_of(value->text, in + 1, sizeof in / sizeof in[0] - 1);

	if (system.size == 0)
		return cannot(f, value, "a label of the site's own");
	put_coding(w, system, value->text);
	return true;
}

static bool
put_purpose(struct fhir_writing *f, struct json_write *w, const struct yaml_node *value)
{
	static const enum vocabulary in[] = { VOCABULARY_PURPOSE };
	struct bytes system = system_of(value->text, in, 1);

	if (system.size == 0)
		return cannot(f, value, "a purpose of no code system");
	put_coding(w, system, value->text);
	return true;
}

static bool
put_code(struct fhir_writing *f, struct json_write *w, const struct yaml_node *value)
{
	(void)w;
	return cannot(f, value, "a code of no code system");
}

static bool
put_action(struct fhir_writing *f, struct json_write *w, const struct yaml_node *value)
{
	static const char *const words[] = { "collect", "access", "use", "disclose", "correct" };

	(void)f;
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (bytes_are(value->text, words[i])) {
			put_coding(w, bytes_of(actions), value->text);
			return true;
		}
	put_coding(w, (struct bytes){ "", 0 }, value->text);
	return true;
}

/* The members of the group NAME of authz/classes.yaml; NULL if it is none. */
static const struct yaml_node *
group_of(struct fhir_writing *f, struct bytes name)
{
	struct fault none = { 0 };
	const char *shown;
	const struct yaml_node *root = policy_file(f->policy, "authz/classes.yaml")
					   ? policy_yaml(f->policy, "authz/classes.yaml", &shown, &none)
					   : NULL;
	const struct yaml_node *groups = root ? yaml_find(root, "classes") : NULL;

	for (size_t i = 0; groups && i < groups->count; i++)
		if (bytes_equal(groups->key[i]->text, name))
			return groups->item[i];
	return NULL;
}

/* AT is where the directive says it. NOLINTNEXTLINE(misc-no-recursion): bounded */
static bool
put_class_of(struct fhir_writing *f, struct json_write *w, struct bytes class, const struct yaml_node *at,
    unsigned depth)
{
	const struct yaml_node *group = group_of(f, class);
	struct bytes system, code;

	for (size_t i = 0; group && i < count_of(group); i++)
		if (depth == GROUPS_DEEP || !put_class_of(f, w, value_at(group, i)->text, at, depth + 1))
			return cannot(f, at, "this group of record types");
	if (group)
		return true;
	if (part(class, &system, &code))
		put_coding(w, system, code);
	else if (vocabulary_find(VOCABULARY_RESOURCE_TYPE, class))
		put_coding(w, bytes_of("http://hl7.org/fhir/resource-types"), class);
	else
		return cannot(f, at, "a record type of no code system");
	return true;
}

static bool
put_class(struct fhir_writing *f, struct json_write *w, const struct yaml_node *value)
{
	return put_class_of(f, w, value->text, value, 0);
}

/* A criterion that is a list of codes.  CONCEPTS: each coding stands in a CodeableConcept. */
static bool
put_codes(struct fhir_writing *f, struct json_write *w, const char *element, const struct yaml_node *values,
    bool (*bare)(struct fhir_writing *f, struct json_write *w, const struct yaml_node *value), bool concepts)
{
	struct bytes system, code;

	if (!values)
		return true;
	if (!is_plain(f, values))
		return false;
	json_write_name(w, element);
	json_write_open(w, '[');
	for (size_t i = 0; i < count_of(values); i++) {
		const struct yaml_node *value = value_at(values, i);

		if (concepts) {
			json_write_open(w, '{');
			json_write_name(w, "coding");
			json_write_open(w, '[');
		}
		if (part(value->text, &system, &code))
			put_coding(w, system, code);
		else if (!bare(f, w, value))
			return false;
		if (concepts) {
			json_write_close(w, ']');
			json_write_close(w, '}');
		}
	}
	json_write_close(w, ']');
	return true;
}

/* A Reference: literal, or by an identifier. */
static bool
put_reference(const struct fhir_writing *f, struct json_write *w, const struct yaml_node *value, bool literal)
{
	struct bytes text = value->text, system = { "", 0 }, code = text;
	bool identifier = !fhir_is_literal(text);

	if (identifier && (literal || text.size == 0))
		return cannot(f, value, "a reference that is not of the form Type/id");
	if (identifier && memchr(text.at, '|', text.size) && !part(text, &system, &code))
		return cannot(f, value, "an identifier without system or value");
	json_write_open(w, '{');
	if (!identifier) {
		json_write_member(w, "reference", text);
	} else {
		json_write_name(w, "identifier");
		json_write_open(w, '{');
		if (system.size > 0)
			json_write_member(w, "system", system);
		json_write_member(w, "value", code);
		json_write_close(w, '}');
	}
	json_write_close(w, '}');
	return true;
}

static bool
put_actors(const struct fhir_writing *f, struct json_write *w, const struct yaml_node *who)
{
	static const char *const words[] = { "ref", NULL };
	static const struct bytes role = BYTES("{\"coding\":[{\"system\":\"http://terminology.hl7.org/"
					       "CodeSystem/v3-ParticipationType\",\"code\":\"IRCP\"}]}");
	const struct yaml_node *refs = who ? yaml_find(who, "ref") : NULL;

	if (!who)
		return true;
	if (!only(f, who, words, "it names people by who.ref alone, as who: {ref: Practitioner/ID} does"))
		return false;
	if (!refs)
		return cannot(f, who, "a criterion that names nothing");
	if (!is_plain(f, refs))
		return false;
	json_write_name(w, "actor");
	json_write_open(w, '[');
	for (size_t i = 0; i < count_of(refs); i++) {
		json_write_open(w, '{');
		json_write_member_value(w, "role", role);
		json_write_name(w, "reference");
		if (!put_reference(f, w, value_at(refs, i), false))
			return false;
		json_write_close(w, '}');
	}
	json_write_close(w, ']');
	return true;
}

/* An instant of seconds, BACK of them earlier. */
static bool
put_instant(const struct fhir_writing *f, struct json_write *w, const char *name,
    const struct yaml_node *node, int64_t back)
{
	struct instant t;
	char text[32];

	if (!node)
		return true;
	if (!clock_parse_instant(node->text, &t) || t.nano != 0)
		return cannot(f, node, "a moment between two seconds");
	t.seconds -= back;
	clock_format(t, text);
	if (strncmp(text, "9999", 4) == 0)
		return cannot(f, node, "the year 9999, which stands for ever");
	json_write_member(w, name, bytes_of(text));
	return true;
}

/* FHIR's end is included (FHIR R4 2.24.0.13). */
static bool
put_period(const struct fhir_writing *f, struct json_write *w, const struct yaml_node *period)
{
	static const char *const words[] = { "from", "until", NULL };

	if (!period)
		return true;
	if (!only(f, period, words, "it has no other criterion of time than a period"))
		return false;
	if (period->count == 0)
		return cannot(f, period, "a criterion that names nothing");
	json_write_name(w, "period");
	json_write_open(w, '{');
	if (!put_instant(f, w, "start", yaml_find(period, "from"), 0) ||
	    !put_instant(f, w, "end", yaml_find(period, "until"), 1))
		return false;
	json_write_close(w, '}');
	return true;
}

static bool
put_data_period(const struct fhir_writing *f, struct json_write *w, const struct yaml_node *date)
{
	const struct yaml_node *from = date ? yaml_find(date, "from") : NULL;
	const struct yaml_node *until = date ? yaml_find(date, "until") : NULL;

	if (!date)
		return true;
	if (date->kind != YAML_MAP || (!from && !until))
		return cannot(f, date, "a criterion that names nothing");
	json_write_name(w, "dataPeriod");
	json_write_open(w, '{');
	if (from)
		json_write_member(w, "start", from->text);
	if (until)
		json_write_member(w, "end", until->text);
	json_write_close(w, '}');
	return true;
}

static bool
put_data(const struct fhir_writing *f, struct json_write *w, const struct yaml_node *what)
{
	static const char *const meanings[][2] = { { "instance", "instance" }, { "related", "dependents" },
		{ "author", "authoredby" } };
	bool any = false;

	for (size_t k = 0; k < sizeof meanings / sizeof meanings[0]; k++) {
		const struct yaml_node *values = yaml_find(what, meanings[k][0]);

		if (!values)
			continue;
		if (any)
			return cannot(f, values, "instance, author and related are alternatives in it");
		any = true;
		if (!is_plain(f, values))
			return false;
		json_write_name(w, "data");
		json_write_open(w, '[');
		for (size_t i = 0; i < count_of(values); i++) {
			json_write_open(w, '{');
			json_write_member(w, "meaning", bytes_of(meanings[k][1]));
			json_write_name(w, "reference");
			if (!put_reference(f, w, value_at(values, i), true))
				return false;
			json_write_close(w, '}');
		}
		json_write_close(w, ']');
	}
	return true;
}

/* All criteria of a rule or directive; PERIOD is its period. */
static bool
put_criteria(struct fhir_writing *f, struct json_write *w, const struct yaml_node *rule,
    const struct yaml_node *period)
{
	static const char *const words[] = { "label", "class", "code", "date", "instance", "author",
		"related", NULL };
	static const struct yaml_node none = { .kind = YAML_MAP };
	const struct yaml_node *what = yaml_find(rule, "what");

	if (what && !only(f, what, words, "it has no such criterion of data"))
		return false;
	if (what && what->count == 0)
		return cannot(f, what, "a criterion that names nothing");
	if (!what)
		what = &none;
	return put_period(f, w, period) && put_actors(f, w, yaml_find(rule, "who")) &&
	       put_codes(f, w, "action", yaml_find(rule, "does"), put_action, true) &&
	       put_codes(f, w, "securityLabel", yaml_find(what, "label"), put_label, false) &&
	       put_codes(f, w, "purpose", yaml_find(rule, "why"), put_purpose, false) &&
	       put_codes(f, w, "class", yaml_find(what, "class"), put_class, false) &&
	       put_codes(f, w, "code", yaml_find(what, "code"), put_code, true) &&
	       put_data_period(f, w, yaml_find(what, "date")) && put_data(f, w, what);
}

static bool
put_id(const struct fhir_writing *f, struct json_write *w, const struct yaml_node *id)
{
	if (!fhir_is_id(id->text))
		return cannot(f, id, "an id is made of letters, digits, '-', '.' and '_'");
	json_write_member(w, "id", id->text);
	return true;
}

static void
put_extension(struct json_write *w, const char *url, struct bytes text)
{
	json_write_open(w, '{');
	json_write_member(w, "url", bytes_of(url));
	json_write_member(w, "valueString", text);
	json_write_close(w, '}');
}

/* An exception to the deny RULE as a nested permit, which the reader names by its number. */
static bool
put_exception(struct fhir_writing *f, struct json_write *w, const struct yaml_node *rule, size_t i)
{
	static const char *const words[] = { "who", "does", "what", "why", "when", NULL };
	const struct yaml_node *except = yaml_find(rule, "except")->item[i];

	if (!only(f, except, words, "it has no such criterion"))
		return false;
	json_write_open(w, '{');
	json_write_member(w, "type", bytes_of("permit"));
	if (!put_criteria(f, w, except, yaml_find(except, "when")))
		return false;
	json_write_close(w, '}');
	return true;
}

static bool
check_exceptions(const struct fhir_writing *f, const struct yaml_node *rule, bool nested, bool permit)
{
	static const char *const others[] = { "who", "does", "why", "when" };
	const struct yaml_node *except = yaml_find(rule, "except");

	if (!except || except->count == 0)
		return true;
	if (nested || permit)
		return cannot(f, except, "an exception to a permit, or of a nested rule");
	if (yaml_find(rule, "rules"))
		return cannot(f, except, "exceptions beside nested rules");
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		if (yaml_find(rule, others[i]))
			return cannot(
			    f, except, "an exception to a rule with criteria besides those of data");
	return true;
}

static bool put_rules(
    struct fhir_writing *f, struct json_write *w, const struct yaml_node *rules, bool nested);

/* NOLINTNEXTLINE(misc-no-recursion): two deep */
static bool
put_rule(struct fhir_writing *f, struct json_write *w, const struct yaml_node *rule, bool nested)
{
	static const char *const words[] = { "id", "say", "effect", "who", "does", "what", "why", "when",
		"except", "rules", NULL };
	const struct yaml_node *except = yaml_find(rule, "except"), *effect = yaml_find(rule, "effect");

	if (!only(f, rule, words, "it has no such criterion") ||
	    !check_exceptions(f, rule, nested, bytes_are(effect->text, "permit")))
		return false;
	json_write_open(w, '{');
	if (!put_id(f, w, yaml_find(rule, "id")))
		return false;
	json_write_name(w, "extension");
	json_write_open(w, '[');
	put_extension(w, FHIR_CONSENT_SAY, yaml_find(rule, "say")->text);
	json_write_close(w, ']');
	json_write_member(w, "type", effect->text);
	if (!put_criteria(f, w, rule, yaml_find(rule, "when")))
		return false;
	if (except && except->count > 0) {
		json_write_name(w, "provision");
		json_write_open(w, '[');
		for (size_t i = 0; i < except->count; i++)
			if (!put_exception(f, w, rule, i))
				return false;
		json_write_close(w, ']');
	} else if (!put_rules(f, w, yaml_find(rule, "rules"), true)) {
		return false;
	}
	json_write_close(w, '}');
	return true;
}

/* NOLINTNEXTLINE(misc-no-recursion) */
static bool
put_rules(struct fhir_writing *f, struct json_write *w, const struct yaml_node *rules, bool nested)
{
	if (!rules || rules->count == 0)
		return true;
	json_write_name(w, "provision");
	json_write_open(w, '[');
	for (size_t i = 0; i < rules->count; i++)
		if (!put_rule(f, w, rules->item[i], nested))
			return false;
	json_write_close(w, ']');
	return true;
}

static void
put_acknowledged(struct json_write *w, const struct yaml_node *list)
{
	if (!list || count_of(list) == 0)
		return;
	json_write_name(w, "extension");
	json_write_open(w, '[');
	for (size_t i = 0; i < count_of(list); i++)
		put_extension(w, FHIR_CONSENT_ACKNOWLEDGES, value_at(list, i)->text);
	json_write_close(w, ']');
}

/* What R4 wants of any Consent of privacy, and who it is about. */
static bool
put_head(const struct fhir_writing *f, struct json_write *w, const struct yaml_node *d)
{
	static const struct bytes scope = BYTES("{\"coding\":[{\"system\":\"http://terminology.hl7.org/"
						"CodeSystem/consentscope\",\"code\":\"patient-privacy\"}]}");
	static const struct bytes category =
	    BYTES("[{\"coding\":[{\"system\":\"http://loinc.org\",\"code\":\"59284-0\"}]}]");
	struct bytes status = yaml_find(d, "status")->text,
		     patient = reader_patient(yaml_find(d, "patient")->text);
	const struct yaml_node *date = yaml_find(d, "date"), *verified = yaml_find(d, "verified");

	if (!fhir_is_id(patient))
		return cannot(
		    f, yaml_find(d, "patient"), "a patient whose id is not letters, digits, '-', '.', '_'");
	json_write_member(w, "status", bytes_are(status, "negotiating") ? bytes_of("draft") : status);
	json_write_member_value(w, "scope", scope);
	json_write_member_value(w, "category", category);
	json_write_name(w, "patient");
	json_write_open(w, '{');
	json_write_name(w, "reference");
	json_write_raw(w, (struct bytes)BYTES("\"Patient/"));
	json_write_raw(w, patient);
	json_write_raw(w, (struct bytes)BYTES("\""));
	json_write_close(w, '}');
	if (date)
		json_write_member(w, "dateTime", date->text);
	if (verified && verified->truth)
		json_write_member_value(w, "verification", (struct bytes)BYTES("[{\"verified\":true}]"));
	return true;
}

static void
put_policy_rule(struct json_write *w, struct bytes code)
{
	json_write_name(w, "policyRule");
	json_write_open(w, '{');
	json_write_name(w, "coding");
	json_write_open(w, '[');
	put_coding(w, vocabulary_system(VOCABULARY_SENSITIVITY), code);
	json_write_close(w, ']');
	json_write_close(w, '}');
}

bool
fhir_write(struct fhir_writing *f, const struct yaml_node *d, struct json_write *w)
{
	static const char *const words[] = { "ehr_authz", "consent", "patient", "status", "date", "period",
		"who", "does", "why", "what", "base", "acknowledges", "verified", "rules", NULL };
	const struct yaml_node *base = yaml_find(d, "base");
	bool permit = bytes_are(base->text, "permit");

	if (!only(f, d, words, "it has no such criterion"))
		return false;
	json_write_open(w, '{');
	json_write_member(w, "resourceType", bytes_of("Consent"));
	if (!put_id(f, w, yaml_find(d, "consent")))
		return false;
	put_acknowledged(w, yaml_find(d, "acknowledges"));
	if (!put_head(f, w, d))
		return false;
	put_policy_rule(w, bytes_of(permit ? "OPTIN" : "OPTOUT"));
	json_write_name(w, "provision");
	json_write_open(w, '{');
	json_write_member(w, "type", base->text);
	if (!put_criteria(f, w, d, yaml_find(d, "period")) || !put_rules(f, w, yaml_find(d, "rules"), false))
		return false;
	json_write_close(w, '}');
	json_write_close(w, '}');
	return true;
}
