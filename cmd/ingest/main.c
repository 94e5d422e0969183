/* SPDX-License-Identifier: ISC */
#include "cmd/ingest/ingest.h"
#include "common/base/start.h"
#include "common/crypto/digest.h"

#include <string.h>

enum { FROM = 1, BUNDLE, PLACES };

static const struct option_entry table[] = {
	{ FROM, 0, false, "from", "auto|lines|json|seq", "how records are told apart (auto)" },
	{ BUNDLE, 0, false, "bundle", "split|keep", "what becomes of a FHIR Bundle (split)" },
	{ PLACES, 0, false, "places", "FILE", "note from which line of the input each line comes" },
	FILTER_OPTIONS,
};

static const struct option_manual manual = {
	.program = "ehr-ingest",
	.example = "ehr-ingest <upload.json >records.ndjson",
	.operands = "[file ...]",
	.purpose = "Turns any JSON text into one record a line, and changes no token.",
	.table = table,
	.count = sizeof table / sizeof table[0],
};

static enum framing
framing_word(const struct options *o)
{
	static const char *const words[] = {
		[FRAMING_AUTO] = "auto",
		[FRAMING_LINES] = "lines",
		[FRAMING_JSON] = "json",
		[FRAMING_SEQ] = "seq",
		NULL,
	};

	return (enum framing)options_word(o, words);
}

static bool
keep_word(const struct options *o)
{
	static const char *const words[] = { "split", "keep", NULL };

	return options_word(o, words) == 1;
}

int
main(int argc, char *argv[])
{
	struct options o;
	struct filter f;
	struct ingest i;
	enum framing framing = FRAMING_AUTO;
	bool keep = false;
	const char *places = NULL;
	struct sink noted;
	int id;

	start_program("ehr-ingest");
	options_init(&o, &manual, argc, argv);
	filter_init(&f);
	while ((id = options_next(&o)) != OPTIONS_END) {
		if (filter_option(&f, &o, id))
			continue;
		if (id == FROM)
			framing = framing_word(&o);
		else if (id == BUNDLE)
			keep = keep_word(&o);
		else
			places = o.value;
	}
	filter_start(&f, &o, digest_hex);
	ingest_init(&i, framing, keep, f.max_depth);
	f.refusals.names = i.keys;
	f.refusals.framed = framing != FRAMING_AUTO;
	if (places != NULL) {
		filter_create(&f, &o, places, &noted);
		i.places = &noted;
	}
	const struct filter_engine engine = {
		.context = &i, .record = ingest_record, .summary = ingest_summary
	};
	int status = filter_run_files(&f, &o, &engine, ingest_file);

	if (i.lost && f.refusals.on_error != ON_ERROR_FAIL)
		diag_warn(
		    "%s: stopped: behind an error in texts that are not one a line nothing can be told apart",
		    f.source);
	if (i.bundle.behind > 0)
		diag_warn("older-version: %llu records stand behind a newer version of themselves in one "
			  "Bundle, so "
			  "that a store keeps the older one",
		    (unsigned long long)i.bundle.behind);
	if (places != NULL && !sink_close(&noted)) {
		diag_warn("%s: %s", places, strerror(noted.error));
		status = (int)diag_worse((enum diag_exit)status, EXIT_IO);
	}
	ingest_release(&i);
	return status;
}
