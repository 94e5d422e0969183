/* SPDX-License-Identifier: ISC */
#include "common/access/parts.h"

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

static struct policy policy;
static struct intern words;
static struct attributes attributes;
static struct roles roles;

/* The words of the hospital's policy. */
static void
load(void)
{
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

/* Directives and Consents are read, or a fault or a warning names the file. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const files[] = { "c.json", "c.ndjson" };
	char *text = calloc(1, size + JSON_SLACK);

	if (roles.relations == 0)
		load();
	hold(text != NULL);
	memcpy(text, data, size);
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		struct arena arena = { 0 };
		struct moments moments = { 0 };
		struct directives all;
		struct fault fault = { 0 };
		struct access_reader r = { .arena = &arena,
			.words = &words,
			.attributes = &attributes,
			.roles = &roles,
			.policy = &policy,
			.moments = &moments,
			.fault = &fault };
		bool good;

		directives_init(&all, &arena);
		good = directives_read(&all, &r, files[i], (struct bytes){ text, size });
		hold(good == (fault.text[0] == '\0'));
		hold(good || fault.line > 0);
		if (good && directives_ready(&all, &r, NULL))
			(void)directives_of(&all, bytes_of("ann"));
		for (size_t k = 0; k < all.warnings; k++)
			hold(all.warning[k].line > 0);
		directives_release(&all);
		moments_release(&moments);
		arena_release(&arena);
	}
	free(text);
	return 0;
}
