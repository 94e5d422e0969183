/* SPDX-License-Identifier: ISC */
#include "common/line/refusal.h"

#include "common/base/base64url.h"
#include "common/base/utf8.h"
#include "common/json/json.h"
#include "common/json/json_write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* So many messages with one reason; the rest are counted. */
#define MESSAGES 20
#define QUARANTINE_LIMIT (SIZE_MAX / 4)

bool
refusals_init(struct refusals *r, enum on_error on_error, const char *path,
    void (*digest)(struct bytes text, char hex[65]))
{
	*r = (struct refusals){ .on_error = on_error, .digest = digest, .policy = "" };
	buffer_init(&r->text, QUARANTINE_LIMIT);
	if (path == NULL)
		return true;
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
	if (fd < 0)
		return false;
	sink_init_take(&r->quarantine, fd, path);
	r->quarantining = true;
	return true;
}

void
refusals_policy(struct refusals *r, const char *digest)
{
	r->policy = digest;
}

static void
put(struct buffer *b, const char *text)
{
	(void)buffer_append(b, text, strlen(text));
}

static void
put_number(struct buffer *b, const char *name, uint64_t value)
{
	char text[64];
	int size = snprintf(text, sizeof text, ",\"%s\":%llu", name, (unsigned long long)value);

	(void)buffer_append(b, text, (size_t)size);
}

/* A name on this machine may be no UTF-8; a quarantine line is. */
static void
put_name(struct buffer *b, const char *name)
{
	struct bytes text = bytes_of(name);

	(void)json_write_string(b, utf8_valid(text) ? text : bytes_of("?"));
}

/*
 * The record as a string if it can be one (jq -r .record gives it back), else in base64url with its padding
 * (jq -r .base64 | basenc -d --base64url does).
 */
static void
put_record(struct buffer *b, struct bytes record)
{
	if (utf8_valid(record)) {
		put(b, ",\"record\":");
		(void)json_write_string(b, record);
		return;
	}
	size_t size = BASE64URL_SIZE(record.size);
	put(b, ",\"base64\":\"");
	if (buffer_reserve(b, size + 3))
		b->used += base64url_encode(b->at + b->used, record);
	put(b, &"==="[size % 4 == 0 ? 3 : size % 4 - 1]);
	put(b, "\"");
}

/* One line that holds all that is needed to send the record again; on disk before the next is read. */
static bool
set_aside(struct refusals *r, const struct refused *what)
{
	struct buffer *b = &r->text;
	char hex[65];

	b->used = 0;
	put(b, "{\"ehr\":{\"v\":1,\"stage\":\"refused\",\"program\":");
	put_name(b, diag_name());
	if (r->policy[0] != '\0') {
		put(b, ",\"policy\":\"");
		put(b, r->policy);
		put(b, "\"");
	}
	put(b, ",\"source\":");
	put_name(b, what->source);
	put_number(b, "line", what->line);
	if (what->byte > 0)
		put_number(b, "byte", what->byte);
	put(b, ",\"reason\":\"");
	put(b, reason_code(what->reason));
	put(b, "\"");
	if (what->record.size > 0 && r->digest != NULL) {
		r->digest(what->record, hex);
		put(b, ",\"sha256\":\"");
		put(b, hex);
		put(b, "\"");
	}
	put(b, "}");
	if (what->record.size > 0)
		put_record(b, what->record);
	put(b, "}");
	return sink_line(&r->quarantine, buffer_bytes(b)) && sink_flush(&r->quarantine);
}

static void
say(const struct refused *what)
{
	const char *code = reason_code(what->reason);
	const char *text = reason_text(what->reason);

	if (what->byte > 0)
		diag_warn("%s:%zu: %s: %s at byte %zu", what->source, what->line, code, text, what->byte);
	else
		diag_warn("%s:%zu: %s: %s", what->source, what->line, code, text);
}

enum diag_exit
refuse_record(struct refusals *r, const struct refused *what)
{
	r->count++;
	if (++r->by_reason[what->reason] <= MESSAGES || r->on_error == ON_ERROR_FAIL)
		say(what);
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
