/* SPDX-License-Identifier: ISC */
#include "common/access/known.h"

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

bool
known_class(const struct policy *p, struct bytes word)
{
	return p->code_system.size == 0 || vocabulary_find(VOCABULARY_RESOURCE_TYPE, word) != NULL ||
	       says_system(word);
}

bool
known_action(const struct roles *roles, uint32_t word, struct bytes text)
{
	static const char *const standard[] = { "read", "search", "subscribe", "notify", "create", "update",
		"attest", "send-command", "release-keys", "enrol", "revoke", "rotate", "grant" };

	for (size_t i = 0; i < sizeof standard / sizeof standard[0]; i++)
		if (bytes_are(text, standard[i]))
			return true;
	for (uint32_t i = 0; i < roles->groups[GROUP_ACTION]; i++)
		if (intern_set_has(roles->group[GROUP_ACTION][i].all, word))
			return true;
	return false;
}

static bool
all_known(const struct values *v, unsigned attribute, const struct policy *p, const struct roles *roles)
{
	for (uint32_t i = 0; v->present && i < v->count; i++) {
		const struct value *one = &v->at[i];
		bool known = one->kind == VALUE_STRING;

		if (known && attribute == ATTRIBUTE_PURPOSE)
			known = known_purpose(one->text);
		else if (known && attribute == ATTRIBUTE_LABEL)
			known = known_label(p, one->text);
		else if (known)
			known = known_class(p, one->text) ||
				(one->word != 0 && roles_find_group(roles, GROUP_CLASS, one->word) != NULL);
		if (!known)
			return false;
	}
	return true;
}

const char *
known_refusal(const struct request *q, const struct policy *p, const struct roles *roles)
{
	static const struct {
		unsigned attribute;
		const char *reason;
	} checked[] = { { ATTRIBUTE_PURPOSE, "unknown-purpose" }, { ATTRIBUTE_LABEL, "unknown-label" },
		{ ATTRIBUTE_CLASS, "unknown-class" } };

	for (size_t i = 0; i < sizeof checked / sizeof checked[0]; i++)
		if (!all_known(&q->at[checked[i].attribute], checked[i].attribute, p, roles))
			return checked[i].reason;
	return NULL;
}
