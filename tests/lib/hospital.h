/* SPDX-License-Identifier: ISC */
#ifndef EHR_TESTS_HOSPITAL_H
#define EHR_TESTS_HOSPITAL_H

#include "common/access/parts.h"

#include <stdlib.h>

/* hospital: readers of directives, facts and entities that know the words of policies/hospital. */
static struct intern hospital_words;

/* A reader whose results stand in ARENA.  The first call loads the policy; both are borrowed. */
static inline struct access_reader
hospital_reader(struct arena *arena, struct fault *fault)
{
	static struct policy policy;
	static struct attributes attributes;
	static struct roles roles;
	static struct arena own;
	struct access_reader r = { .arena = &own,
		.words = &hospital_words,
		.attributes = &attributes,
		.roles = &roles,
		.policy = &policy,
		.fault = fault };

	if (roles.relations == 0) {
		if (!policy_load(&policy, "policies/hospital", fault))
			abort();
		intern_init(&hospital_words, &own);
		attributes_init(&attributes, json_keys_new());
		if (!roles_read(&roles, &r))
			abort();
		attributes_ready(&attributes, &own);
	}
	r.arena = arena;
	return r;
}

#endif
