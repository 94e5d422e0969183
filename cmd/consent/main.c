/* SPDX-License-Identifier: ISC */
#include "cmd/consent/negotiation.h"
#include "cmd/consent/verbs.h"
#include "common/base/closest.h"
#include "common/base/start.h"
#include "common/crypto/digest.h"
#include "common/line/filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct settings {
	const char *now;
};

static const struct option_entry table[] = {
	{ OPTION_TEXT(struct settings, now), 0, false, "now", "TIME", "only events up to this time count" },
	FILTER_OPTIONS,
};

static const struct option_manual manual = {
	.program = "ehr-consent",
	.example = "ehr-consent events.ndjson >states.ndjson",
	.operands = "[file ...]",
	.purpose =
	    "Tells from the events of a negotiation how far each directive is: events in, states out.\n\n"
	    "verbs, each with a --help of its own (a file of such a name is ./form):\n"
	    "  render    what directives permit and forbid, in plain sentences\n"
	    "  form      the house rules and options that a patient is asked about\n"
	    "  import    Consents of FHIR as directives in the project's own form\n"
	    "  export    directives as Consents of FHIR R4",
	.table = table,
	.count = sizeof table / sizeof table[0],
};

struct run {
	struct settings set;
	struct instant now;
	struct negotiations *all;
	struct json json;
};

static const struct {
	const char *name;
	int (*run)(int argc, char *argv[]);
} verbs[] = { { "render", verb_render }, { "form", verb_form }, { "import", verb_import },
	{ "export", verb_export } };

static enum filter_outcome
take_event(void *context, struct filter *f, struct bytes line)
{
	struct run *run = context;
	enum reason reason;
	uint32_t node;

	if (!json_parse(&run->json, line))
		return filter_no(f, run->json.reason, run->json.byte);
	reason = negotiations_take(run->all, &run->json, &node);
	if (reason != REASON_NONE)
		return filter_no(f, reason, (size_t)run->json.nodes[node].start + 1);
	return FILTER_DONE;
}

static enum filter_outcome
write_states(void *context, struct filter *f)
{
	const struct run *run = context;
	struct buffer text;
	struct json_write w;
	bool good = true;

	buffer_init(&text, BUFFER_UNLIMITED);
	for (uint32_t i = 0; good; i++) {
		text.used = 0;
		w = json_write_to(&text);
		if (!negotiations_write(run->all, i, &w))
			break;
		if (text.used == 0)
			continue;
		f->written++;
		good = sink_line(&f->out, buffer_bytes(&text));
	}
	buffer_release(&text);
	return good ? FILTER_DONE : filter_stop(f, EXIT_IO);
}

/* A verb that is mistyped looks like a file. */
static void
check_verb(const struct options *o)
{
	const char *name = o->operands > 0 ? o->operand[0] : "-";
	struct closest near = closest_to(bytes_of(name));
	char text[CLOSEST_ROOM];
	struct stat s;

	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
		closest_offer(&near, bytes_of(verbs[i].name));
	if (strchr(name, '/') == NULL && closest_text(&near, "", text)[0] != '\0' && lstat(name, &s) != 0 &&
	    errno == ENOENT)
		options_unknown(o, "neither a verb nor a file", name, &near, "");
}

int
main(int argc, char *argv[])
{
	static struct run run;
	const struct filter_engine engine = { .context = &run, .record = take_event, .end = write_states };
	struct filter f;
	struct options o;
	int id, status;

	start_program("ehr-consent");
	for (size_t i = 0; argc > 1 && i < sizeof verbs / sizeof verbs[0]; i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			return verbs[i].run(argc - 1, argv + 1);
	options_init(&o, &manual, argc, argv);
	options_into(&o, &run.set);
	filter_init(&f);
	while ((id = options_next(&o)) != OPTIONS_END)
		if (!filter_option(&f, &o, id))
			diag_bug("an option without a case");
	check_verb(&o);
	if (run.set.now && !clock_parse_instant(bytes_of(run.set.now), &run.now))
		options_misuse(&o, "not a time such as 2026-03-02T09:00:00Z", run.set.now);
	json_init(&run.json, NULL, f.max_depth);
	run.all = negotiations_new(run.set.now ? &run.now : NULL);
	filter_start(&f, &o, digest_hex);
	status = filter_run(&f, &o, &engine);
	negotiations_free(run.all);
	json_release(&run.json);
	return status;
}
