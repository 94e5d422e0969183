/* SPDX-License-Identifier: ISC */
#include "common/access/known.h"

#include "common/policy/codes.h"
#include "common/policy/vocabulary.h"

static bool
says_system(struct bytes word)
{
	const char *bar = word.size > 0 ? memchr(word.at, '|', word.size) : NULL;

	return bar != NULL && bar != word.at && bar + 1 != word.at + word.size;
}

bool
known_purpose(struct bytes word)
{
	return vocabulary_find(VOCABULARY_PURPOSE, word) != NULL || says_system(word);
}

bool
known_label(const struct policy *p, struct bytes word)
{
	return policy_level(p, word) >= 0 || vocabulary_find(VOCABULARY_SENSITIVITY, word) != NULL ||
	       vocabulary_find(VOCABULARY_PRIVACY_LAW, word) != NULL ||
	       vocabulary_find(VOCABULARY_HANDLING, word) != NULL || says_system(word);
}

/* For a word that says a system. */
static bool
is_shown(struct bytes word)
{
	size_t size = (size_t)((const char *)memchr(word.at, '|', word.size) - word.at);

	return codes_class_shown((struct bytes){ word.at, size },
		   (struct bytes){ word.at + size + 1, word.size - size - 1 }) != CLASS_NOT_SHOWN;
}

bool
known_class(const struct policy *p, struct bytes word)
{
	const struct concept *type = vocabulary_find(VOCABULARY_RESOURCE_TYPE, word);

	/* No record is of an abstract type, so a deny of one would withhold nothing. */
	if (p->code_system.size == 0 || (type != NULL && type->status != CONCEPT_ABSTRACT))
		return true;
	return says_system(word) && is_shown(word);
}

static const char *const actions[] = { "read", "search", "subscribe", "notify", "create", "update", "attest",
	"send-command", "release-keys", "enrol", "revoke", "rotate", "destroy", "grant", "declare-relation",
	"end-relation", NULL };

static const char *const subject_types[] = { "user", "device", "service", NULL };

static bool
is_listed(const char *const *list, struct bytes text)
{
	for (; *list; list++)
		if (bytes_are(text, *list))
			return true;
	return false;
}

bool
known_action(const struct roles *roles, uint32_t word, struct bytes text)
{
	if (is_listed(actions, text))
		return true;
	for (uint32_t i = 0; i < roles->groups[GROUP_ACTION]; i++)
		if (intern_set_has(roles->group[GROUP_ACTION][i].all, word))
			return true;
	return false;
}

bool
known_value(const struct access_reader *r, unsigned attribute, uint32_t word, struct bytes text)
{
	struct intern_set values = r->roles->values ? r->roles->values[attribute] : (struct intern_set){ 0 };

	if (attribute == ATTRIBUTE_RELATION)
		return roles_relation(r->roles, word) != NULL;
	if (values.count > 0)
		return intern_set_has(values, word);
	return attribute != ATTRIBUTE_SUBJECT_TYPE || is_listed(subject_types, text);
}

/* `Type/id`, or an identifier or URL, which has a colon. */
static bool
names_record(struct bytes text)
{
	const char *slash = memchr(text.at, '/', text.size);
	const struct concept *type;
	struct bytes id;

	if (memchr(text.at, ':', text.size) != NULL)
		return true;
	if (slash == NULL)
		return false;
	type =
	    vocabulary_find(VOCABULARY_RESOURCE_TYPE, (struct bytes){ text.at, (size_t)(slash - text.at) });
	id = (struct bytes){ slash + 1, text.size - (size_t)(slash - text.at) - 1 };
	return type != NULL && type->status != CONCEPT_ABSTRACT && id.size > 0 &&
	       memchr(id.at, '/', id.size) == NULL;
}

const char *
known_never(const struct access_reader *r, unsigned attribute, const struct value *v)
{
	if (r->attributes->at[attribute].kind == ATTRIBUTE_ORDINARY)
		return NULL;
	if (v->kind != VALUE_STRING)
		return "true or false, expected a string (in quotes)";
	if (v->text.size == 0)
		return "an empty string, which nothing is called";
	if (r->policy->code_system.size == 0)
		return NULL;
	if (attribute == ATTRIBUTE_CODE && !says_system(v->text))
		return "a code without its system, expected system|code, such as http://loinc.org|8867-4";
	if ((attribute == ATTRIBUTE_INSTANCE || attribute == ATTRIBUTE_RELATED) && !names_record(v->text))
		return "no name of a record, expected Type/id, such as Composition/1";
	return NULL;
}

static void
offer_list(struct closest *c, const char *const *list)
{
	for (; *list; list++)
		closest_offer(c, bytes_of(*list));
}

static void
offer_groups(struct closest *c, const struct access_reader *r, enum roles_group_kind kind)
{
	for (uint32_t i = 0; i < r->roles->groups[kind]; i++)
		reader_offer(r, c, r->roles->group[kind][i].all.at, r->roles->group[kind][i].all.count);
}

static void
offer_labels(struct closest *c, const struct policy *p)
{
	for (unsigned i = 0; i < p->levels; i++)
		closest_offer(c, p->level[i].name);
	vocabulary_offer(VOCABULARY_SENSITIVITY, c);
	vocabulary_offer(VOCABULARY_PRIVACY_LAW, c);
	vocabulary_offer(VOCABULARY_HANDLING, c);
}

static void
offer_values(struct closest *c, const struct access_reader *r, unsigned attribute)
{
	if (r->roles->values && r->roles->values[attribute].count > 0)
		reader_offer(r, c, r->roles->values[attribute].at, r->roles->values[attribute].count);
	else if (attribute == ATTRIBUTE_SUBJECT_TYPE)
		offer_list(c, subject_types);
}

struct closest
known_near(const struct access_reader *r, unsigned attribute, struct bytes text)
{
	struct closest c = closest_to(text);

	switch (attribute) {
	case ATTRIBUTE_STRUCTURAL_ROLE:
	case ATTRIBUTE_FUNCTIONAL_ROLE:
		return roles_near(r->roles, r, text);
	case ATTRIBUTE_PERMISSIONS:
		reader_offer(r, &c, r->roles->permissions.at, r->roles->permissions.count);
		break;
	case ATTRIBUTE_ACTION_NAME:
		offer_list(&c, actions);
		offer_groups(&c, r, GROUP_ACTION);
		break;
	case ATTRIBUTE_RELATION:
		return roles_near_relation(r->roles, r, text);
	case ATTRIBUTE_PURPOSE:
		vocabulary_offer(VOCABULARY_PURPOSE, &c);
		break;
	case ATTRIBUTE_LABEL:
		offer_labels(&c, r->policy);
		break;
	case ATTRIBUTE_CLASS:
		offer_groups(&c, r, GROUP_CLASS);
		vocabulary_offer(VOCABULARY_RESOURCE_TYPE, &c);
		break;
	case ATTRIBUTE_ACR:
		reader_offer(r, &c, r->roles->acr, r->roles->acrs);
		break;
	default:
		offer_values(&c, r, attribute);
	}
	return c;
}

static bool
is_known(const struct value *one, unsigned attribute, const struct policy *p, const struct roles *roles)
{
	switch (attribute) {
	case ATTRIBUTE_PURPOSE:
		return known_purpose(one->text);
	case ATTRIBUTE_LABEL:
		return known_label(p, one->text);
	case ATTRIBUTE_CLASS:
		return known_class(p, one->text) ||
		       (one->word != 0 && roles_find_group(roles, GROUP_CLASS, one->word) != NULL);
	default:
		return roles_has(roles, one->word) || !roles_name_any(roles);
	}
}

static bool
all_known(const struct values *v, unsigned attribute, const struct policy *p, const struct roles *roles)
{
	for (uint32_t i = 0; v->present && i < v->count; i++)
		if (v->at[i].kind != VALUE_STRING || !is_known(&v->at[i], attribute, p, roles))
			return false;
	return true;
}

bool
known_declares(const struct request *q)
{
	return bytes_are(request_string(q, ATTRIBUTE_ACTION_NAME), "declare-relation");
}

bool
known_ends(const struct request *q)
{
	return bytes_are(request_string(q, ATTRIBUTE_ACTION_NAME), "end-relation");
}

bool
known_until(const struct request *q, struct instant *until)
{
	return known_declares(q) && clock_parse_instant(request_string(q, ATTRIBUTE_UNTIL), until);
}

/* NULL unless Q tells or ends a relation, and states it otherwise than the policy allows. */
static const char *
relation_refusal(const struct request *q, const struct roles *roles)
{
	const struct values *name = &q->at[ATTRIBUTE_RELATION];
	const struct relation *relation = NULL;
	struct instant until;

	if (!known_declares(q) && !known_ends(q))
		return NULL;
	if (request_string(q, ATTRIBUTE_RELATION).size > 0 && name->at[0].word != 0)
		relation = roles_relation(roles, name->at[0].word);
	if (relation == NULL || relation->longest == 0)
		return "unknown-relation";
	if (request_string(q, ATTRIBUTE_RESOURCE_PATIENT).size == 0)
		return "relation-patient";
	if (known_ends(q))
		return NULL;
	if (!q->timed || !known_until(q, &until) || instant_compare(until, q->time) <= 0 ||
	    instant_compare(until, instant_add(q->time, relation->longest)) > 0)
		return "relation-until";
	return NULL;
}

const char *
known_refusal(const struct request *q, const struct policy *p, const struct roles *roles)
{
	static const struct {
		unsigned attribute;
		const char *reason;
	} checked[] = { { ATTRIBUTE_PURPOSE, "unknown-purpose" }, { ATTRIBUTE_LABEL, "unknown-label" },
		{ ATTRIBUTE_CLASS, "unknown-class" }, { ATTRIBUTE_STRUCTURAL_ROLE, "unknown-role" },
		{ ATTRIBUTE_FUNCTIONAL_ROLE, "unknown-role" } };

	for (size_t i = 0; i < sizeof checked / sizeof checked[0]; i++)
		if (!q->at[checked[i].attribute].distrusted &&
		    !all_known(&q->at[checked[i].attribute], checked[i].attribute, p, roles))
			return checked[i].reason;
	return relation_refusal(q, roles);
}
