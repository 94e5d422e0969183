/* SPDX-License-Identifier: ISC */
#include "cmd/deliver/message.h"

#include "common/base/base32.h"
#include "common/base/clock.h"
#include "common/base/diag.h"
#include "common/crypto/digest.h"
#include "common/json/json_write.h"

#include <stdio.h>

enum { TOKEN_BYTES = 16 };

/* A member of the intent as it stands there, if it is there. */
static void
copy(struct json_write *w, const struct json *j, uint32_t object, const char *name)
{
	uint32_t node = json_member(j, object, bytes_of(name));

	if (node != 0)
		json_write_member_value(w, name, json_span(j, node));
}

/* To the millisecond. */
static void
put_time(struct json_write *w, const char *name, int64_t milliseconds)
{
	char text[32], whole[48];

	clock_format((struct instant){ .seconds = milliseconds / 1000 }, text);
	(void)snprintf(whole, sizeof whole, "%.19s.%03dZ", text, (int)(milliseconds % 1000));
	json_write_member_word(w, name, bytes_of(whole));
}

static void
put_ehr(struct json_write *w, const struct message_parts *m)
{
	uint32_t ehr = json_member(m->intent, 0, (struct bytes)BYTES("ehr"));

	json_write_name(w, "ehr");
	json_write_open(w, '{');
	json_write_member_number(w, "v", 1);
	json_write_member_word(w, "stage", (struct bytes)BYTES("message"));
	json_write_member_word(w, "id", m->id);
	if (!m->no_subject)
		copy(w, m->intent, ehr, "subject");
	if (!m->no_version)
		copy(w, m->intent, ehr, "rl");
	copy(w, m->intent, ehr, "criticality");
	json_write_close(w, '}');
}

static void
put_refs(struct json_write *w, const struct message_parts *m)
{
	if (m->no_version || m->payload == PAYLOAD_EMPTY)
		return;
	if (m->ref_count == 0) {
		copy(w, m->intent, 0, "ref");
		return;
	}
	json_write_name(w, "refs");
	json_write_open(w, '[');
	for (size_t i = 0; i < m->ref_count; i++)
		json_write_word(w, m->refs[i]);
	json_write_close(w, ']');
}

static void
put_acknowledgement(struct json_write *w, const struct message_parts *m)
{
	if (m->trouble.size > 0)
		json_write_member_word(w, "case", m->trouble);
	if (m->ack_by != 0) {
		json_write_member_word(w, "ack", bytes_of(m->token));
		put_time(w, "ack_by", m->ack_by);
	}
	put_time(w, "expires", m->expires);
}

/* What a version's disclosure demands tells of the version, so a message that names none says none of it. */
static void
put_notices(struct json_write *w, const struct message_parts *m)
{
	uint32_t ehr = json_member(m->intent, 0, (struct bytes)BYTES("ehr"));
	uint32_t notices = json_member(m->intent, 0, (struct bytes)BYTES("obligations"));
	bool version = !m->no_version && json_member(m->intent, ehr, (struct bytes)BYTES("rl")) != 0;

	if (notices != 0)
		json_write_member_value(
		    w, "notices", version ? json_span(m->intent, notices) : (struct bytes)BYTES("[]"));
}

void
message_write(struct buffer *out, const struct message_parts *m)
{
	struct json_write w = json_write_to(out);

	json_write_open(&w, '{');
	put_ehr(&w, m);
	json_write_member_word(&w, "kind", bytes_of(m->kind));
	copy(&w, m->intent, 0, "why");
	copy(&w, m->intent, 0, "about");
	put_refs(&w, m);
	json_write_member(&w, "to", m->to);
	if (m->subscription.size > 0)
		json_write_member_word(&w, "subscription", m->subscription);
	if (m->number != 0)
		json_write_member_number(&w, "number", m->number);
	json_write_member_number(&w, "try", m->tries);
	put_time(&w, "at", m->at);
	if (m->purpose.size > 0 && json_member(m->intent, 0, (struct bytes)BYTES("purpose")) != 0)
		json_write_member_word(&w, "purpose", m->purpose);
	copy(&w, m->intent, 0, "break_glass");
	put_acknowledgement(&w, m);
	put_notices(&w, m);
	if (m->ref_count == 0 && !m->no_version && m->payload == PAYLOAD_SEALED)
		copy(&w, m->intent, 0, "sealed");
	json_write_close(&w, '}');
	json_write_raw(&w, (struct bytes)BYTES("\n"));
	if (!json_write_whole(&w))
		diag_bug("a message longer than its buffer");
}

void
message_token(struct mac *key, struct bytes intent, char token[MESSAGE_TOKEN + 1])
{
	unsigned char digest[DIGEST_SIZE];

	mac_add(key, intent);
	mac_end(key, digest);
	memcpy(token, "t_", 2);
	token[2 + base32_encode(token + 2, digest, TOKEN_BYTES)] = '\0';
}
