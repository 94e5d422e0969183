/* SPDX-License-Identifier: ISC */
#include "common/access/entities.h"
#include "common/access/facts.h"
#include "tests/lib/fuzz.h"
#include "tests/lib/hospital.h"

/* Facts are read, or a fault names line and byte.  The same text is read as entities, too. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { 0 };
	struct fault fault = { 0 };
	struct access_reader r = hospital_reader(&arena, &fault);
	char *text = calloc(1, size + JSON_SLACK);
	struct facts *facts;
	size_t unfinished;
	struct entities *entities;

	r.file = "facts";
	hold(text != NULL);
	memcpy(text, data, size);
	facts = facts_read(&r, (struct bytes){ text, size }, size % 2 == 1 ? &unfinished : NULL);
	hold((facts == NULL) == (fault.text[0] != '\0'));
	hold(facts || fault.line > 0);
	if (facts) {
		const struct instant t = { .seconds = 1772442000 };
		const struct fact_subject lee = { bytes_of("dr-lee"), bytes_of("clinic"), size % 2 == 0 };
		uint32_t treating = intern_find(&hospital_words, bytes_of("treating"));

		(void)facts_ask(facts, treating, &lee, bytes_of("ann"), &t);
		(void)facts_ask(facts, treating, &lee, bytes_of("ann"), NULL);
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
