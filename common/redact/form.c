/* SPDX-License-Identifier: ISC */
#include "common/redact/form.h"

#include "common/base/clock.h"
#include "common/base/decimal.h"
#include "common/policy/codeform.h"
#include "common/policy/elements.h"
#include "common/policy/vocabulary.h"
#include "common/redact/token.h"

#include <string.h>

static bool
read_list(struct bytes **list, size_t *count, struct arena *a, const struct yaml_map *m,
    const struct yaml_node *node)
{
	if (node == NULL)
		return true;
	*count = yaml_strings(node);
	if (*count == 0)
		return fault_at(m->fault, m->file, node, "expected at least one");
	*list = arena_array(a, *count, sizeof **list);
	for (size_t i = 0; i < *count; i++)
		if (!yaml_item_string(m->file, node, i, &(*list)[i], m->fault))
			return false;
	return true;
}

static bool
read_reference(struct form *form, struct arena *a, const struct yaml_map *m, const struct yaml_node *node)
{
	form->kind = FORM_REFERENCE;
	if (!read_list(&form->list, &form->count, a, m, node))
		return false;
	for (size_t i = 0; i < form->count; i++)
		if (vocabulary_find(VOCABULARY_RESOURCE_TYPE, form->list[i]) == NULL)
			return fault_at(m->fault, m->file, node, "unknown type '%.*s'",
			    (int)form->list[i].size, form->list[i].at);
	return true;
}

bool
form_read(struct form *form, struct arena *a, struct yaml_map *m, struct fault *f)
{
	static const char *const words[] = { "date", "number", "boolean", "text", NULL };
	static const enum form_kind kinds[] = { FORM_DATE, FORM_NUMBER, FORM_BOOLEAN, FORM_TEXT };
	const struct yaml_node *word = yaml_take(m, "form");
	const struct yaml_node *codes = yaml_take(m, "codes");
	const struct yaml_node *system = yaml_take(m, "system");
	const struct yaml_node *reference = yaml_take(m, "reference");
	unsigned position = 0;

	*form = (struct form){ .kind = FORM_FREE };
	if ((word != NULL) + (codes != NULL || system != NULL) + (reference != NULL) != 1)
		return fault_at(f, m->file, m->node,
		    "expected one of `form`, `codes`, `system` and `reference` beside `at` (`codes` may "
		    "stand "
		    "beside `system`)");
	if (word != NULL) {
		if (!yaml_word(m->file, word, words, &position, f))
			return false;
		form->kind = kinds[position];
		return true;
	}
	if (reference != NULL)
		return read_reference(form, a, m, reference);
	form->kind = system != NULL ? FORM_SYSTEM : FORM_CODES;
	if (system == NULL)
		return read_list(&form->list, &form->count, a, m, codes);
	return read_list(&form->list, &form->count, a, m, system) &&
	       read_list(&form->codes, &form->code_count, a, m, codes);
}

static void
split(struct form *form, struct arena *a, struct bytes text, char stop)
{
	form->count = text.size > 0;
	for (size_t i = 0; i < text.size; i++)
		form->count += text.at[i] == stop;
	form->list = arena_array(a, form->count + 1, sizeof form->list[0]);
	for (size_t i = 0; i < form->count; i++) {
		const char *end = memchr(text.at, stop, text.size);
		size_t size = end != NULL ? (size_t)(end - text.at) : text.size;

		form->list[i] = (struct bytes){ text.at, size };
		size += size < text.size;
		text = bytes_behind(text, size);
	}
}

void
form_of_type(struct form *form, struct arena *a, struct bytes type)
{
	static const struct {
		const char *type;
		enum form_kind kind;
	} kinds[] = {
		{ "boolean", FORM_BOOLEAN },
		{ "date", FORM_DATE },
		{ "dateTime", FORM_DATE },
		{ "decimal", FORM_NUMBER },
		{ "id", FORM_ID },
		{ "instant", FORM_DATE },
		{ "integer", FORM_INTEGER },
		{ "positiveInt", FORM_INTEGER },
		{ "time", FORM_TIME },
		{ "unsignedInt", FORM_INTEGER },
	};
	struct bytes codes;

	*form = (struct form){ .kind = FORM_FREE };
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (bytes_are(type, kinds[i].type))
			form->kind = kinds[i].kind;
	if (!bytes_begin(type, "code("))
		return;
	codes = elements_codes(elements_bound(type));
	form->kind = codes.size > 0 ? FORM_CODES : FORM_FREE;
	split(form, a, codes, ' ');
}

void
form_types(struct form *form, struct arena *a, struct bytes bound)
{
	*form = (struct form){ .kind = FORM_REFERENCE };
	if (!bytes_are(bound, "Resource"))
		split(form, a, bound, '|');
}

static bool
listed(const struct bytes *list, size_t count, struct bytes text)
{
	for (size_t i = 0; i < count; i++)
		if (bytes_equal(list[i], text))
			return true;
	return false;
}

static bool
is_time(struct bytes text)
{
	static const char shape[] = "00:00:00.000000000";

	if (text.size < 8 || text.size > sizeof shape - 1 || text.size == 9)
		return false;
	for (size_t i = 0; i < text.size; i++)
		if (shape[i] == '0' ? !ascii_is_digit(text.at[i]) : text.at[i] != shape[i])
			return false;
	return true;
}

/* A date whose fraction of a second says no more than nine digits can. */
static bool
is_date(struct bytes text)
{
	struct period period;
	enum date_precision precision;

	return text.size <= sizeof "2026-03-02T09:00:00.123456789+01:00" - 1 &&
	       clock_parse_date(text, &period, &precision);
}

static bool
is_integer(struct bytes text)
{
	struct decimal d;
	char room[] = "2147483648";
	struct decimal most;

	for (size_t i = text.size > 0 && text.at[0] == '-'; i < text.size; i++)
		if (!ascii_is_digit(text.at[i]))
			return false;
	if (!decimal_parse(text, &d) || !decimal_parse(bytes_of(room), &most))
		return false;
	d.negative = false;
	return decimal_compare(&d, &most) < 0;
}

static bool
is_type(const struct form *form, struct bytes type)
{
	return form->count > 0 ? listed(form->list, form->count, type)
			       : vocabulary_find(VOCABULARY_RESOURCE_TYPE, type) != NULL;
}

/* `Type/id`, `Type/id/_history/1`, `#id`.  A base URL says anything, and whose record it is. */
static bool
is_reference(const struct form *form, struct bytes text, bool changed)
{
	struct bytes type, id;

	if (text.size > 0 && text.at[0] == '#')
		return text.size == 1 || token_is_id(bytes_behind(text, 1));
	if (changed && bytes_begin(text, "urn:uuid:"))
		return true;
	if (!token_reference(text, &type, &id) || !is_type(form, type))
		return false;
	if (changed)
		return true;
	struct bytes rest = { id.at + id.size, text.size - (size_t)(id.at + id.size - text.at) };
	if (bytes_begin(rest, "/_history/"))
		return type.at == text.at && token_is_id(bytes_behind(rest, 10));
	return type.at == text.at && rest.size == 0;
}

static bool
holds_string(const struct form *form, struct bytes text)
{
	switch (form->kind) {
	case FORM_TEXT:
		return true;
	case FORM_DATE:
		return is_date(text);
	case FORM_TIME:
		return is_time(text);
	case FORM_ID:
		return token_is_id(text);
	case FORM_RESOURCE_TYPE:
		return vocabulary_find(VOCABULARY_RESOURCE_TYPE, text) != NULL;
	case FORM_CODES:
	case FORM_SYSTEM:
		return listed(form->list, form->count, text);
	case FORM_FREE:
	case FORM_NUMBER:
	case FORM_INTEGER:
	case FORM_BOOLEAN:
	case FORM_REFERENCE:
		break;
	}
	return false;
}

bool
form_holds(const struct form *form, const struct json *j, uint32_t node, bool changed, struct buffer *room)
{
	switch (json_kind(j, node)) {
	case JSON_STRING:
		if (form->kind == FORM_REFERENCE)
			return is_reference(form, json_string(j, node, room), changed);
		return changed || holds_string(form, json_string(j, node, room));
	case JSON_NUMBER:
		return changed || form->kind == FORM_NUMBER ||
		       (form->kind == FORM_INTEGER && is_integer(json_span(j, node)));
	case JSON_TRUE:
	case JSON_FALSE:
		return changed || form->kind == FORM_BOOLEAN;
	case JSON_NULL:
	case JSON_ARRAY:
	case JSON_OBJECT:
	case JSON_KEY:
		break;
	}
	return false;
}

/* The forms of codes of well-known systems.  A code of any other system is one word. */
static const struct {
	const char *system;
	enum codeform form;
	size_t most; /* characters */
} code_forms[] = {
	{ "http://hl7.org/fhir/sid/cvx", CODEFORM_NUMBER, 3 },
	{ "http://hl7.org/fhir/sid/icd-10", CODEFORM_ICD10, 8 },
	{ "http://hl7.org/fhir/sid/icd-10-cm", CODEFORM_ICD10, 8 },
	{ "http://hl7.org/fhir/sid/icd-9-cm", CODEFORM_ICD9, 7 },
	{ "http://loinc.org", CODEFORM_LOINC, 10 },
	{ "http://snomed.info/sct", CODEFORM_SNOMED, 18 },
	{ "http://www.ama-assn.org/go/cpt", CODEFORM_CPT, 5 },
	{ "http://www.cms.gov/Medicare/Coding/ICD10", CODEFORM_PCS, 7 },
	{ "http://www.nlm.nih.gov/research/umls/rxnorm", CODEFORM_NUMBER, 8 },
	{ "http://www.whocc.no/atc", CODEFORM_ATC, 7 },
};

static bool
is_word(struct bytes code)
{
	if (code.size == 0 || code.size > 40)
		return false;
	for (size_t i = 0; i < code.size; i++)
		if (!ascii_is_alnum(code.at[i]) &&
		    (code.at[i] == '\0' || strchr("/.*[]()%'-+^_:<>=", code.at[i]) == NULL))
			return false;
	return true;
}

static bool
is_code(struct bytes system, struct bytes code)
{
	for (size_t i = 0; i < sizeof code_forms / sizeof code_forms[0]; i++)
		if (bytes_are(system, code_forms[i].system))
			return code.size <= code_forms[i].most && codeform_fits(code_forms[i].form, code);
	return is_word(code);
}

bool
form_holds_coding(
    const struct form *form, const struct json *j, uint32_t system, uint32_t code, struct buffer *room)
{
	struct bytes uri = { NULL, 0 };
	struct bytes text;

	if (form->kind != FORM_SYSTEM || code == 0 || json_kind(j, code) != JSON_STRING)
		return false;
	if (system == 0 && form->code_count == 0)
		return false;
	if (system != 0 && json_kind(j, system) != JSON_STRING)
		return false;
	if (system != 0) {
		text = json_string(j, system, room);
		for (size_t i = 0; i < form->count; i++)
			if (bytes_equal(form->list[i], text))
				uri = form->list[i];
		if (uri.at == NULL)
			return false;
	}
	text = json_string(j, code, room);
	return form->code_count > 0 ? listed(form->codes, form->code_count, text) : is_code(uri, text);
}
