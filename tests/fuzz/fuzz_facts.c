/* SPDX-License-Identifier: ISC */
#include "common/access/entities.h"
#include "common/access/facts.h"
#include "common/access/roles.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
hold(bool truth)
{
	if (!truth)
		abort();
}

static struct intern words;
static struct attributes attributes;
static struct roles roles;

/* The words of the hospital's policy. */
static void
load(void)
{
	static struct policy policy;
	static struct arena arena;
	struct fault fault = { 0 };
	struct access_reader r = { .arena = &arena,
		.words = &words,
		.attributes = &attributes,
		.roles = &roles,
		.policy = &policy,
		.fault = &fault };

	hold(policy_load(&policy, "policies/hospital", &fault));
	intern_init(&words, &arena);
	attributes_init(&attributes, json_keys_new());
	hold(roles_read(&roles, &r));
	attributes_ready(&attributes, &arena);
}

/* Facts are read, or a fault names line and byte.  The same text is read as entities, too. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { 0 };
	struct fault fault = { 0 };
	struct access_reader r = { .arena = &arena,
		.words = &words,
		.attributes = &attributes,
		.roles = &roles,
		.file = "facts",
		.fault = &fault };
	char *text = calloc(1, size + JSON_SLACK);
	struct facts *facts;
	struct entities *entities;

	if (roles.relations == 0)
		load();
	hold(text != NULL);
	memcpy(text, data, size);
	facts = facts_read(&r, (struct bytes){ text, size });
	hold((facts == NULL) == (fault.text[0] != '\0'));
	hold(facts || fault.line > 0);
	if (facts) {
		const struct instant t = { .seconds = 1772442000 };
		uint32_t treating = intern_find(&words, bytes_of("treating"));

		(void)facts_ask(facts, treating, bytes_of("dr-lee"), bytes_of("ann"), &t);
		(void)facts_ask(facts, treating, bytes_of("dr-lee"), bytes_of("ann"), NULL);
		(void)facts_moments(facts, bytes_of("dr-lee"));
	}
	facts_free(facts);
	fault = (struct fault){ 0 };
	entities = entities_read(&r, (struct bytes){ text, size });
	hold((entities == NULL) == (fault.text[0] != '\0'));
	entities_free(entities);
	arena_release(&arena);
	free(text);
	return 0;
}
