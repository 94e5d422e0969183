/* SPDX-License-Identifier: ISC */
#include "tests/lib/fuzz.h"
#include "tests/lib/hospital.h"

/* Directives and Consents are read, or a fault or a warning names the file. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const files[] = { "c.json", "c.ndjson" };
	char *text = calloc(1, size + JSON_SLACK);

	hold(text != NULL);
	memcpy(text, data, size);
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		struct arena arena = { 0 };
		struct moments moments = { 0 };
		struct directives all;
		struct fault fault = { 0 };
		struct access_reader r = hospital_reader(&arena, &fault);
		bool good;

		r.moments = &moments;
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
