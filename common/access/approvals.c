/* SPDX-License-Identifier: ISC */
#include "common/access/parts.h"

enum { MAX_APPROVERS = 1000 };

static bool
has_role(const struct situation *s, struct bytes user, unsigned attribute)
{
	const struct values *v = entities_user(s->entities, user, attribute);

	for (uint32_t i = 0; i < v->count; i++)
		if (v->at[i].kind == VALUE_STRING && roles_has(s->roles, v->at[i].word))
			return true;
	return false;
}

static bool
share_value(const struct values *a, const struct values *b)
{
	for (uint32_t i = 0; i < a->count; i++)
		for (uint32_t k = 0; k < b->count; k++)
			if (request_same_value(&a->at[i], &b->at[k]))
				return true;
	return false;
}

/* One whom the register puts into another domain than the resource's has no role here. */
static bool
is_of_house(const struct situation *s, struct bytes user)
{
	const struct values *domain = entities_user(s->entities, user, ATTRIBUTE_SUBJECT_DOMAIN);
	const struct values *here = &s->request->at[ATTRIBUTE_RESOURCE_DOMAIN];

	return !domain->present || !here->present || share_value(domain, here);
}

static bool
may_approve(const struct situation *s, const struct value *by)
{
	return by->kind == VALUE_STRING &&
	       (has_role(s, by->text, ATTRIBUTE_STRUCTURAL_ROLE) ||
		   has_role(s, by->text, ATTRIBUTE_FUNCTIONAL_ROLE)) &&
	       is_of_house(s, by->text);
}

/* A ref may name an organization or a team, too, which are of several people. */
static bool
names_person(const struct value *ref)
{
	static const char *const types[] = { "Practitioner/", "Person/", "Patient/", "RelatedPerson/" };

	for (size_t i = 0; ref->kind == VALUE_STRING && i < sizeof types / sizeof types[0]; i++)
		if (bytes_begin(ref->text, types[i]))
			return true;
	return false;
}

/* Whether A and B, names of two users, are those of one person. */
static bool
share_person(const struct values *a, const struct values *b)
{
	for (uint32_t i = 0; i < a->count; i++)
		for (uint32_t k = 0; names_person(&a->at[i]) && k < b->count; k++)
			if (request_same_value(&a->at[i], &b->at[k]))
				return true;
	return false;
}

/* The requester herself, by this id or another, or whoever she acts for. */
static bool
is_requester(const struct situation *s, const struct value *by, const struct values *names)
{
	const struct request *q = s->request;
	const struct values alone = { by, 1, true, false };

	return bytes_equal(by->text, request_string(q, ATTRIBUTE_SUBJECT_ID)) ||
	       share_value(&alone, &q->at[ATTRIBUTE_ON_BEHALF_OF]) ||
	       share_person(names, &q->at[ATTRIBUTE_REF]);
}

unsigned
approvals_count(const struct situation *s, unsigned enough, struct scratch *scratch)
{
	const struct values *by = situation_values(s, ATTRIBUTE_APPROVED_BY);
	struct values names[MAX_APPROVERS];
	const struct value *counted[MAX_APPROVERS];
	unsigned count = 0;

	for (uint32_t i = 0; s->entities && i < by->count && i < MAX_APPROVERS && count < enough; i++) {
		if (!may_approve(s, &by->at[i]))
			continue;
		names[count] = entities_names(s->entities, by->at[i].text, scratch);
		bool new = !is_requester(s, &by->at[i], &names[count]);

		for (unsigned k = 0; new &&k < count; k++)
			new = !request_same_value(&by->at[i], counted[k]) &&
			      !share_person(&names[count], &names[k]);
		counted[count] = &by->at[i];
		count += new;
	}
	return count;
}
