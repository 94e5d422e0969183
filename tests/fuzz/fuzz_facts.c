/* SPDX-License-Identifier: ISC */
#include "common/access/sources.h"

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

static struct engine engine;

/* The names of the hospital's policy. */
static void
load(struct arena *arena)
{
	static struct policy policy;
	struct access_sources s = { .policy = &policy };
	struct json_keys *keys = json_keys_new();
	struct buffer basis;
	struct fault fault = { 0 };

	hold(policy_load(&policy, "policies/hospital", &fault));
	engine.policy = &policy;
	buffer_init(&basis, SIZE_MAX / 2);
	hold(sources_read(&engine, &s, arena, keys, &basis, &fault) == ACCESS_LOADED);
	buffer_release(&basis);
}

/* Facts are read or a fault names line and byte; and the same text is read as register, too. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct arena names;
	struct arena arena = { 0 };
	struct fault fault = { 0 };
	struct reader r = { .arena = &arena,
		.words = &engine.words,
		.attributes = &engine.attributes,
		.names = &engine.names,
		.file = "facts",
		.fault = &fault };
	char *text = calloc(1, size + JSON_SLACK);
	struct facts *facts;
	struct entities *entities;

	if (!engine.policy)
		load(&names);
	hold(text != NULL);
	memcpy(text, data, size);
	facts = facts_read(&r, (struct bytes){ text, size });
	hold((facts == NULL) == (fault.text[0] != '\0'));
	hold(facts || fault.line > 0);
	if (facts) {
		const struct instant t = { .seconds = 1772442000 };
		uint32_t treating = intern_find(&engine.words, bytes_of("treating"));

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
