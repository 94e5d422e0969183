/* SPDX-License-Identifier: ISC */
#include "common/line/cure.h"

#include "common/json/json.h"

#include <stdio.h>

/* How formats begin.  Of two that fit, the first counts. */
static const struct format {
	size_t at;
	struct bytes mark;
	const char *cure;
} formats[] = {
	{ 0, BYTES("\x1f\x8b"), "this is gzip: put zcat before" },
	{ 0, BYTES("\x28\xb5\x2f\xfd"), "this is zstd: put zstdcat before" },
	{ 0, BYTES("BZh"), "this is bzip2: put bzcat before" },
	{ 0, BYTES("\xfd\x37zXZ"), "this is xz: put xzcat before" },
	{ 0, BYTES("\x04\x22\x4d\x18"), "this is lz4: put lz4cat before" },
	{ 0, BYTES("PK\x03\x04"), "this is a ZIP file: unpack it before" },
	{ 0, BYTES("7z\xbc\xaf"), "this is a 7z file: unpack it before" },
	{ 257, BYTES("ustar"), "this is a tar file: unpack it before" },
	{ 0, BYTES("\xff\xfe\0\0"), "this is UTF-32: put iconv -f UTF-32 -t UTF-8 before" },
	{ 0, BYTES("\0\0\xfe\xff"), "this is UTF-32: put iconv -f UTF-32 -t UTF-8 before" },
	{ 0, BYTES("\xff\xfe"), "this is UTF-16: put iconv -f UTF-16 -t UTF-8 before" },
	{ 0, BYTES("\xfe\xff"), "this is UTF-16: put iconv -f UTF-16 -t UTF-8 before" },
	{ 0, BYTES("{\0"), "this is UTF-16: put iconv -f UTF-16LE -t UTF-8 before" },
	{ 0, BYTES("[\0"), "this is UTF-16: put iconv -f UTF-16LE -t UTF-8 before" },
	{ 0, BYTES("\0{"), "this is UTF-16: put iconv -f UTF-16BE -t UTF-8 before" },
	{ 0, BYTES("\0["), "this is UTF-16: put iconv -f UTF-16BE -t UTF-8 before" },
	{ 128, BYTES("DICM"), "this is DICOM: records are JSON" },
	{ 0, BYTES("%PDF-"), "this is a PDF file: records are JSON" },
	{ 0, BYTES("\x89PNG"), "this is an image: records are JSON" },
	{ 0, BYTES("\xff\xd8\xff"), "this is an image: records are JSON" },
	{ 0, BYTES("{\\rtf"), "this is RTF: records are JSON" },
	{ 0, BYTES("SQLite format 3"), "this is an SQLite file: export its rows as JSON before" },
	{ 0, BYTES("PAR1"), "this is Parquet: export its rows as JSON before" },
	{ 0, BYTES("Obj\x01"), "this is Avro: export its rows as JSON before" },
	{ 0, BYTES("MSH|"), "this is HL7 v2: translate it into FHIR JSON before" },
	{ 0, BYTES("\x0bMSH|"), "this is HL7 v2: translate it into FHIR JSON before" },
	{ 0, BYTES("FHS|"), "this is HL7 v2: translate it into FHIR JSON before" },
	{ 0, BYTES("BHS|"), "this is HL7 v2: translate it into FHIR JSON before" },
	{ 0, BYTES("ISA*"), "this is X12: translate it into JSON before" },
	{ 0, BYTES("UNA:+"), "this is EDIFACT: translate it into JSON before" },
	{ 0, BYTES("UNB+"), "this is EDIFACT: translate it into JSON before" },
	{ 0, BYTES("@prefix"), "this is RDF: translate it into FHIR JSON before" },
	{ 0, BYTES("---"), "this is YAML: translate it into JSON before" },
	{ 0, BYTES("<"), "this is XML: translate it into FHIR JSON before" },
};

enum rank { BEFORE_ALL, RECORD, LABELLED, VERSION, SEALED, OPENED, ASIDE };

/* Which lines there are, and who reads them. */
static const struct stage {
	struct bytes word;
	enum rank rank;
	const char *is;
} stages[] = {
	{ BYTES("ingested"), RECORD, "an ingested record, which ehr-classify reads" },
	{ BYTES("labelled"), LABELLED, "a labelled line, which ehr-redact reads" },
	{ BYTES("version"), VERSION, "a version, which ehr-seal reads" },
	{ BYTES("deleted"), VERSION, "a deletion, which ehr-seal reads" },
	{ BYTES("sealed"), SEALED, "a sealed line, which ehr-notify, ehr-select and ehr-open read" },
	{ BYTES("opened"), OPENED, "an opened line: jq .record gives the record" },
	{ BYTES("refused"), ASIDE, "a line of a quarantine: jq -r .record gives the record" },
};

/* What each program reads; `other` is said of a record by one that reads none. */
static const struct program {
	const char *name;
	enum rank reads;
	const char *other;
} programs[] = {
	{ "ehr-ingest", BEFORE_ALL, NULL },
	{ "ehr-policy", BEFORE_ALL, NULL },
	{ "ehr-classify", RECORD, NULL },
	{ "ehr-redact", LABELLED, NULL },
	{ "ehr-seal", VERSION, NULL },
	{ "ehr-notify", SEALED, NULL },
	{ "ehr-select", SEALED, NULL },
	{ "ehr-open", SEALED, NULL },
	{ "ehr-authz", ASIDE, "a record: requests for access are read" },
	{ "ehr-deliver", ASIDE, "a record: intents of ehr-notify are read" },
	{ "ehr-consent", ASIDE, "a record: events of negotiations are read" },
};

/* What lies between a line of the first rank and a reader of the second. */
static const char *const between[SEALED + 1][SEALED + 1] = {
	[RECORD] = {
		[LABELLED] = "a bare record: put ehr-classify before",
		[VERSION] = "a bare record: put ehr-classify and ehr-redact before",
		[SEALED] = "a bare record: put ehr-classify, ehr-redact and ehr-seal before",
	},
	[LABELLED] = {
		[VERSION] = "a labelled line: put ehr-redact before",
		[SEALED] = "a labelled line: put ehr-redact and ehr-seal before",
	},
	[VERSION] = { [SEALED] = "a version: put ehr-seal before" },
};

static const char *
format_of(struct bytes head)
{
	for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
		const struct format *f = &formats[i];

		if (head.size >= f->at + f->mark.size &&
		    memcmp(head.at + f->at, f->mark.at, f->mark.size) == 0)
			return f->cure;
	}
	return NULL;
}

static bool
is_separator(char c)
{
	return c == ',' || c == ';' || c == '\t' || c == '|';
}

/* True if a first field is plain words, or a string in quotes, and a separator stands behind it. */
static bool
is_columns(struct bytes head)
{
	size_t i = 0;

	if (head.size > 0 && head.at[0] == '"') {
		for (i = 1; i < head.size && head.at[i] != '"'; i++)
			continue;
		i++;
	} else {
		while (i < head.size && !is_separator(head.at[i])) {
			char c = head.at[i++];

			if (!ascii_is_alnum(c) && c != '_' && c != '-' && c != '.' && c != ' ')
				return false;
		}
	}
	return i > 0 && i < head.size && is_separator(head.at[i]);
}

/* True if it begins with a plain name and a colon, or with the dash of a list. */
static bool
is_yaml(struct bytes head)
{
	size_t i = 0;

	if (bytes_at(head, 0) == '-')
		i = 1;
	else {
		while (ascii_is_alnum(bytes_at(head, i)) || (i > 0 && bytes_at(head, i) == '-') ||
		       bytes_at(head, i) == '_')
			i++;
		if (i == 0 || bytes_at(head, i++) != ':')
			return false;
	}
	return i == head.size || json_blank((struct bytes){ head.at + i, 1 });
}

static struct bytes
trimmed(struct bytes text)
{
	while (text.size > 0 && json_blank((struct bytes){ text.at, 1 })) {
		text.at++;
		text.size--;
	}
	while (text.size > 0 && json_blank((struct bytes){ text.at + text.size - 1, 1 }))
		text.size--;
	return text;
}

/* A text that goes on in the next line ends behind a bracket, a comma or a colon. */
static bool
goes_on(struct bytes head)
{
	struct bytes text = trimmed(head);
	char last = bytes_at(text, text.size - 1);

	return last == '{' || last == '[' || last == ',' || last == ':';
}

static const struct program *
program_of(const char *name)
{
	static const struct program none = { "", ASIDE, NULL };

	for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
		if (strcmp(programs[i].name, name) == 0)
			return &programs[i];
	return &none;
}

/* The user has said how records are told apart, and the bytes show another way. */
static const char *
framing_cure(const struct cure_case *c, char first, char there)
{
	if (first == '\x1e')
		return "this is a JSON text sequence: leave out --from";
	if (c->reason == REASON_TRUNCATED && goes_on(c->head))
		return "a text of several lines: leave out --from";
	if (c->reason == REASON_TRAILING_DATA && (there == '{' || there == '['))
		return "several texts: leave out --from";
	if (c->reason == REASON_BAD_SYNTAX && c->byte == 1 && (there == '{' || there == '['))
		return "no record separator stands before it: leave out --from";
	return NULL;
}

/* Several texts on a line, or one on several. */
static const char *
shape_cure(const struct cure_case *c, enum rank reads)
{
	struct bytes text = trimmed(c->head);
	char first = bytes_at(text, 0);
	char there = bytes_at(c->head, c->byte - 1);

	if (c->reason == REASON_NOT_AN_OBJECT && first == '"' && text.size > 1 && text.at[1] == '{')
		return "JSON inside a string: put jq -r . before";
	if (c->reason == REASON_BAD_SYNTAX && there == '\'')
		return "strings stand in double quotes";
	if (reads == BEFORE_ALL)
		return c->framed ? framing_cure(c, first, there) : NULL;
	if (first == '\x1e')
		return reads == RECORD ? "this is a JSON text sequence: put ehr-ingest before"
				       : "this is a JSON text sequence: put tr -d '\\036' before";
	if (c->reason == REASON_NOT_AN_OBJECT && first == '[')
		return reads == RECORD ? "an array: put ehr-ingest before" : "an array: put jq -c .[] before";
	if (c->reason == REASON_TRAILING_DATA && there == '{')
		return reads == RECORD ? "several texts on a line: put ehr-ingest before"
				       : "several texts on a line: put each on one line, as jq -c does";
	if (c->reason == REASON_TRUNCATED && goes_on(c->head))
		return reads == RECORD ? "a text of several lines: put ehr-ingest before"
				       : "a text of several lines: put each on one line, as jq -c does";
	return NULL;
}

static const struct stage *
stage_of(const struct json *j, uint32_t ehr)
{
	uint32_t word = json_member(j, ehr, (struct bytes)BYTES("stage"));

	for (size_t i = 0; word != 0 && i < sizeof stages / sizeof stages[0]; i++)
		if (json_is(j, word, stages[i].word))
			return &stages[i];
	return NULL;
}

/* The line as a whole is JSON, but of another stage. */
static const char *
stage_cure(const struct json *j, const struct program *p)
{
	enum rank reads = p->reads;
	uint32_t ehr = json_member(j, 0, (struct bytes)BYTES("ehr"));
	const struct stage *s = ehr != 0 ? stage_of(j, ehr) : NULL;
	bool is_resource = json_member(j, 0, (struct bytes)BYTES("resourceType")) != 0;

	if (ehr == 0 && json_member(j, 0, (struct bytes)BYTES("decision")) != 0)
		return "a decision: it is given with --decision";
	if (reads == ASIDE)
		return ehr != 0 || is_resource ? p->other : NULL;
	if (ehr == 0)
		return reads > RECORD && reads <= SEALED ? between[RECORD][reads] : NULL;
	if (s == NULL || s->rank == reads)
		return NULL;
	return s->rank < reads && reads <= SEALED ? between[s->rank][reads] : s->is;
}

static bool
is_stage_reason(enum reason reason)
{
	return reason == REASON_WRONG_STAGE || reason == REASON_BAD_ENVELOPE ||
	       reason == REASON_RESERVED_MEMBER || reason == REASON_SEALED_MEMBERS ||
	       reason == REASON_TAGS_INVALID || reason == REASON_BAD_REQUEST || reason == REASON_BAD_EVENT;
}

static const char *
find_stage(const struct cure_case *c, const struct program *p)
{
	struct json j;
	const char *found = NULL;

	json_init(&j, NULL, JSON_MAX_DEPTH);
	if (json_parse(&j, c->head) && json_kind(&j, 0) == JSON_OBJECT)
		found = stage_cure(&j, p);
	json_release(&j);
	return found;
}

/* What a first line looks like that is not JSON. */
static const char *
look_of(const struct cure_case *c)
{
	bool is_syntax = c->reason == REASON_BAD_SYNTAX || c->reason == REASON_BAD_NUMBER;

	if ((is_syntax || c->reason == REASON_TRAILING_DATA) && is_columns(c->head))
		return "this looks like columns: make each row a JSON object before";
	if (is_syntax && is_yaml(c->head))
		return "this looks like YAML: translate it into JSON before";
	return NULL;
}

const char *
cure_of(const struct cure_case *c, char text[CURE_ROOM])
{
	const struct program *p = program_of(c->program);
	const char *found = c->first ? format_of(c->head) : NULL;

	if (found == NULL && c->first)
		found = format_of(trimmed(c->head));
	if (found == NULL)
		found = shape_cure(c, p->reads);
	if (found == NULL && c->first)
		found = look_of(c);
	if (found == NULL && is_stage_reason(c->reason))
		found = find_stage(c, p);
	(void)snprintf(text, CURE_ROOM, "%s%s", found != NULL ? "; " : "", found != NULL ? found : "");
	return text;
}

const char *
cure_of_decision(const struct json *j, struct bytes decision, char text[CURE_ROOM])
{
	const bool parsed = j->reason == REASON_NONE;
	const struct cure_case c = { .program = "ehr-authz",
		.reason = parsed ? REASON_NOT_AN_OBJECT : j->reason,
		.head = decision,
		.byte = parsed ? 1 : j->byte,
		.first = true };

	return cure_of(&c, text);
}
