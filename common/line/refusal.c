/* SPDX-License-Identifier: ISC */
#include "common/line/refusal.h"

#include "common/base/base64url.h"
#include "common/base/memory.h"
#include "common/base/utf8.h"
#include "common/json/json_write.h"
#include "common/line/cure.h"

#include <stdio.h>
#include <string.h>

/* So many messages of one reason are printed. */
#define MESSAGES 20
#define PLACE_ROOM (JSON_PLACE_ROOM + 32)

void
refusals_init(struct refusals *r, enum on_error on_error, int quarantine, const char *name,
    void (*digest)(struct bytes text, char hex[65]))
{
	*r = (struct refusals){ .on_error = on_error, .digest = digest, .policy = "" };
	buffer_init(&r->text, BUFFER_UNLIMITED);
	if (quarantine < 0)
		return;
	sink_init_take(&r->quarantine, quarantine, name);
	r->quarantining = true;
}

void
refusals_policy(struct refusals *r, const char *digest)
{
	r->policy = digest;
}

/* A file name may be no UTF-8, but a quarantine line is. */
static struct bytes
printable(const char *name)
{
	struct bytes text = bytes_of(name);

	return utf8_valid(text) ? text : bytes_of("?");
}

/* In base64url with its padding: jq -r .base64 | basenc -d --base64url gives the record back. */
static void
write_padded(struct json_write *w, struct bytes record)
{
	size_t size = BASE64URL_SIZE(record.size);

	json_write_name(w, "base64");
	json_write_raw(w, (struct bytes)BYTES("\""));
	if (buffer_reserve(w->out, size))
		w->out->used += base64url_encode(w->out->at + w->out->used, record);
	json_write_raw(w, bytes_of(&"===\""[size % 4 == 0 ? 3 : size % 4 - 1]));
}

static void
write_ehr(struct json_write *w, const struct refusals *r, const struct refused *what)
{
	char hex[65];

	json_write_open(w, '{');
	json_write_member_number(w, "v", 1);
	json_write_member_word(w, "stage", bytes_of("refused"));
	json_write_member(w, "program", printable(diag_name()));
	if (r->policy[0] != '\0')
		json_write_member_word(w, "policy", bytes_of(r->policy));
	json_write_member(w, "source", printable(what->source));
	json_write_name(w, "line");
	json_write_natural(w, what->line);
	if (what->byte > 0) {
		json_write_name(w, "byte");
		json_write_natural(w, what->byte);
	}
	json_write_member_word(w, "reason", bytes_of(reason_code(what->reason)));
	if (what->record.size > 0 && r->digest != NULL) {
		r->digest(what->record, hex);
		json_write_member_word(w, "sha256", bytes_of(hex));
	}
	json_write_close(w, '}');
}

/* The line is on disk before the next record is read. */
static bool
set_aside(struct refusals *r, const struct refused *what)
{
	struct json_write w = json_write_to(&r->text);

	r->text.used = 0;
	json_write_open(&w, '{');
	json_write_name(&w, "ehr");
	write_ehr(&w, r, what);
	if (what->record.size > 0 && utf8_valid(what->record))
		json_write_member(&w, "record", what->record);
	else if (what->record.size > 0)
		write_padded(&w, what->record);
	json_write_close(&w, '}');
	if (!json_write_whole(&w))
		memory_missing(r->text.used);
	return sink_line(&r->quarantine, buffer_bytes(&r->text)) && sink_flush(&r->quarantine);
}

/* " in the object at /entry/0", for a key that is there twice; nothing for the outermost object. */
static void
say_place(const struct refusals *r, const struct refused *what, char text[PLACE_ROOM])
{
	char place[JSON_PLACE_ROOM];

	text[0] = '\0';
	if (what->reason != REASON_DUPLICATE_KEY || what->byte == 0 || what->byte > what->record.size)
		return;
	json_place(what->record, what->byte, r->names, place);
	if (place[0] != '\0')
		(void)snprintf(text, PLACE_ROOM, " in the object at %s", place);
}

static void
say(const struct refusals *r, const struct refused *what)
{
	const char *code = reason_code(what->reason);
	const char *text = reason_text(what->reason);
	char place[PLACE_ROOM], cure[CURE_ROOM] = "";

	if (what->first || r->by_reason[what->reason] == 1)
		(void)cure_of(&(struct cure_case){ .program = diag_name(),
				  .reason = what->reason,
				  .head = what->record.size > 0 ? what->record : what->head,
				  .byte = what->byte,
				  .first = what->first,
				  .framed = r->framed },
		    cure);
	say_place(r, what, place);
	if (what->byte > 0)
		diag_warn("%s:%zu: %s: %s at byte %zu%s%s", what->source, what->line, code, text, what->byte,
		    place, cure);
	else
		diag_warn("%s:%zu: %s: %s%s", what->source, what->line, code, text, cure);
}

enum diag_exit
refuse_record(struct refusals *r, const struct refused *what)
{
	r->count++;
	if (++r->by_reason[what->reason] <= MESSAGES || r->on_error == ON_ERROR_FAIL)
		say(r, what);
	if (r->on_error == ON_ERROR_FAIL)
		return reason_status(what->reason);
	if (r->quarantining && !set_aside(r, what)) {
		diag_warn("%s: %s", r->quarantine.name, strerror(r->quarantine.error));
		return EXIT_IO;
	}
	if (r->max_refused > 0 && r->count > r->max_refused) {
		diag_warn("more than %llu records refused", (unsigned long long)r->max_refused);
		return EXIT_BAD_RECORD;
	}
	return EXIT_REFUSED;
}

bool
refusals_end(struct refusals *r)
{
	bool whole = true;

	for (size_t i = 0; r->on_error != ON_ERROR_FAIL && i < REASON_COUNT; i++)
		if (r->by_reason[i] > MESSAGES)
			diag_warn("... and %llu more: %s", (unsigned long long)(r->by_reason[i] - MESSAGES),
			    reason_code((enum reason)i));
	if (r->quarantining && !sink_close(&r->quarantine)) {
		diag_warn("%s: %s", r->quarantine.name, strerror(r->quarantine.error));
		whole = false;
	}
	r->quarantining = false;
	buffer_release(&r->text);
	return whole;
}
