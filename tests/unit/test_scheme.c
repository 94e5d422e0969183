/* SPDX-License-Identifier: ISC */
#include "tests/lib/redact.h"
#include "tests/lib/tap.h"

/* A document of faults.yaml begins with a comment: how redactor_load ends, and a piece of its message. */
static void
check_fault(char *document)
{
	static const struct {
		const char *word;
		enum redactor_start start;
	} starts[] = {
		{ "fault", REDACTOR_FAULT },
		{ "no-key", REDACTOR_NO_KEY },
		{ "needs-now", REDACTOR_NEEDS_NOW },
		{ "needs-batch", REDACTOR_NEEDS_BATCH },
	};
	struct redactor_settings settings = { .other_policy = true };
	char start[16] = "", text[128] = "";
	size_t i = 0;

	(void)sscanf(document, "# %15[^:]:%127[^\n]", start, text);
	while (i < sizeof starts / sizeof starts[0] && strcmp(start, starts[i].word) != 0)
		i++;
	if (i == sizeof starts / sizeof starts[0])
		exit(99);
	folder_write("redact.yaml", document);
	bool good = redact_load_folder(settings) == starts[i].start &&
		    strstr(redact.problem.fault.text, text[0] == ' ' ? text + 1 : text) != NULL;
	if (!good)
		printf("# %s# %s\n", document, redact.problem.fault.text);
	check(good);
}

static void
check_faults(void)
{
	static char text[1 << 14];
	unsigned documents = 0;
	char *end;

	redact_read("faults.yaml", text, sizeof text);
	for (char *at = text; at != NULL; at = end) {
		end = strstr(at, "---\n");
		if (end != NULL) {
			*end = '\0';
			end += 4;
		}
		check_fault(at);
		documents++;
	}
	check(documents == 41);
}

static void
check_levels(void)
{
	struct redactor_settings settings = { .levels = "N,R", .other_policy = true };

	check(redact_load_with("shown", settings) == REDACTOR_READY);
	check(redact_run(BASE, "{\"k\":1}") && redact.result.written == 2);
	settings.levels = "N,Q";
	check(redact_load_with("shown", settings) == REDACTOR_UNKNOWN_LEVEL);
	check(strcmp(redact.problem.text, "Q") == 0);
}

int
main(void)
{
	redact_begin();
	check_faults();
	check_levels();
	redact_end();
	return tap_end();
}
