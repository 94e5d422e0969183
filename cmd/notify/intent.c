/* SPDX-License-Identifier: ISC */
#include "cmd/notify/intent.h"

#include "common/base/base32.h"
#include "common/crypto/digest.h"

#include <inttypes.h>
#include <stdio.h>

#define ID_BYTES 16
/* A sealed line larger than this does not travel inside an intent: the reference does. */
#define SEALED_MOST ((size_t)64 << 10)

static const char *const kinds[] = {
	[INTENT_DATA] = "data",
	[INTENT_FLOOR] = "floor",
	[INTENT_LAST_RESORT] = "last-resort",
	[INTENT_NOTICE] = "notice",
};

static bool
put(struct buffer *out, const char *text)
{
	return buffer_append(out, text, strlen(text));
}

/* "NAME": with a comma before it unless an object has just begun. */
static bool
put_name(struct buffer *out, const char *name)
{
	bool first = out->used > 0 && out->at[out->used - 1] == '{';

	return (first || put(out, ",")) && put(out, "\"") && put(out, name) && put(out, "\":");
}

/* Nothing of what stands in these lines needs an escape. */
static bool
put_text(struct buffer *out, const char *name, struct bytes value)
{
	return put_name(out, name) && put(out, "\"") && buffer_append(out, value.at, value.size) &&
	       put(out, "\"");
}

static bool
put_number(struct buffer *out, const char *name, uint64_t value)
{
	char text[24];

	return snprintf(text, sizeof text, "%" PRIu64, value) > 0 && put_name(out, name) && put(out, text);
}

/* "NAME":{ */
static bool
put_open(struct buffer *out, const char *name)
{
	return put_name(out, name) && put(out, "{");
}

/* "PT1M30S" (ISO 8601): hours, minutes, seconds, what is zero left out. */
static bool
put_duration(struct buffer *out, const char *name, int64_t seconds)
{
	const struct {
		int64_t count;
		char unit;
	} parts[] = { { seconds / 3600, 'H' }, { seconds / 60 % 60, 'M' }, { seconds % 60, 'S' } };
	char text[64];
	size_t used = 2;

	text[0] = 'P';
	text[1] = 'T';
	for (size_t i = 0; i < 3; i++)
		if (parts[i].count != 0 || (i == 2 && used == 2))
			used += (size_t)snprintf(
			    text + used, sizeof text - used, "%" PRId64 "%c", parts[i].count, parts[i].unit);
	return put_text(out, name, (struct bytes){ text, used });
}

/* PREFIX and the first 16 bytes of SHA-256 over the parts with a zero byte between each two. */
static void
make_id(char *id, const char *prefix, const struct bytes *part, size_t parts)
{
	unsigned char digest[DIGEST_SIZE];
	struct buffer text;

	buffer_init(&text, 8192);
	for (size_t i = 0; i < parts; i++)
		if ((i > 0 && !buffer_append(&text, "", 1)) ||
		    !buffer_append(&text, part[i].at, part[i].size))
			diag_bug("an id of too many bytes");
	digest_sha256(buffer_bytes(&text), digest);
	buffer_release(&text);
	memcpy(id, prefix, 2);
	id[2 + base32_encode(id + 2, digest, ID_BYTES)] = '\0';
}

void
intent_event_id(char id[EVENT_ID + 1], const struct group *g)
{
	const struct tags *t = &g->version[0]->tags;
	char seq[24];
	int size = snprintf(seq, sizeof seq, "%" PRIu64, t->seq);
	const struct bytes parts[] = { BYTES("ehr-event/1"), t->domain, t->batch, t->id,
		{ seq, (size_t)size } };

	make_id(id, "e_", parts, sizeof parts / sizeof parts[0]);
}

static void
intent_id(
    char id[INTENT_ID + 1], const char *event, struct bytes subscription, const char *kind, unsigned step)
{
	char number[16];
	int size = snprintf(number, sizeof number, "%u", step);
	const struct bytes parts[] = { BYTES("ehr-intent/1"), bytes_of(event), subscription, bytes_of(kind),
		{ number, (size_t)size } };

	make_id(id, "n_", parts, sizeof parts / sizeof parts[0]);
}

static bool
put_marks(struct buffer *out, const struct group *g)
{
	char level[129];

	for (unsigned i = 0; i < g->count; i++) {
		const struct tags *t = &g->version[i]->tags;

		if (t->mark.size == 0)
			continue;
		(void)snprintf(level, sizeof level, "%.*s", (int)t->rl.size, t->rl.at);
		if (!put_text(out, level, t->mark))
			return false;
	}
	return true;
}

bool
intent_write_event(struct buffer *out, const struct group *g, const char *event)
{
	const struct tags *t = &g->version[0]->tags;
	struct bytes criticality = g->plan->word[g->top];

	return put(out, "{\"ehr\":{\"v\":1,\"stage\":\"event\"") && put_text(out, "id", bytes_of(event)) &&
	       put_text(out, "record", t->id) &&
	       (t->subject.size == 0 || put_text(out, "subject", t->subject)) &&
	       put_text(out, "criticality", criticality) && put_text(out, "domain", t->domain) &&
	       put_text(out, "batch", t->batch) && put_number(out, "seq", t->seq) &&
	       put_text(out, "policy", t->policy) && (!t->deleted || put(out, ",\"deleted\":true")) &&
	       put(out, "}") && put_open(out, "marks") && put_marks(out, g) && put(out, "}}\n");
}

/* Whom it is for: never an address. */
static bool
put_to(struct buffer *out, const struct notify_policy *plan, const struct intent *i)
{
	const struct subscription *to = i->to;

	if (to == NULL)
		return put(out, ",\"to\":{\"last_resort\":true}");
	if (!put_open(out, "to") || !put_text(out, "subscription", to->id) ||
	    !put_text(out, "party", to->grant->sub))
		return false;
	if (to->class >= 0 && !put_text(out, "class", plan->class[to->class].name))
		return false;
	if (to->grant->jkt.size > 0 && !put_text(out, "device", to->grant->jkt))
		return false;
	return put_number(out, "step", i->step) && put(out, "}");
}

/* From the moment at which ehr-deliver takes it on: this program has no clock. */
static bool
put_deadline(struct buffer *out, const struct notify_policy *plan, const struct intent *i)
{
	const struct notify_tier *tier = &plan->tier[i->criticality];

	if (!plan->has_tiers)
		return true;
	return put_open(out, "deadline") &&
	       put_duration(out, "after", i->uncovered ? 0 : tier->step[i->step].after) &&
	       put_duration(out, "dispatch", tier->dispatch) &&
	       (tier->ack == 0 || put_duration(out, "ack", tier->ack)) &&
	       put_duration(out, "expires", tier->expires) && put(out, "}");
}

static bool
put_tags(struct buffer *out, const struct notify_policy *plan, const struct group *g, const char *event,
    const char *id, const struct intent *i)
{
	const struct tags *t = &g->version[0]->tags;
	const struct version *v = i->version;

	return put(out, "{\"ehr\":{\"v\":1,\"stage\":\"intent\"") && put_text(out, "id", bytes_of(id)) &&
	       put_text(out, "event", bytes_of(event)) && (v == NULL || put_text(out, "record", t->id)) &&
	       (t->subject.size == 0 || put_text(out, "subject", t->subject)) &&
	       (v == NULL || (put_text(out, "rl", v->tags.rl) && put_number(out, "al", v->al))) &&
	       put_text(out, "criticality", plan->word[i->criticality]) &&
	       put_text(out, "policy", t->policy) && put(out, "}");
}

/* The reference: which record at which level, both as the service layer knows them. */
static bool
put_reference(struct buffer *out, const struct version *v)
{
	return put(out, ",\"ref\":\"") && buffer_append(out, v->tags.id.at, v->tags.id.size) &&
	       put(out, "/") && buffer_append(out, v->tags.rl.at, v->tags.rl.size) && put(out, "\"");
}

static bool
put_content(struct buffer *out, const struct intent *i)
{
	static const char *const payloads[] = { "empty", "reference", "sealed" };
	const struct version *v = i->version;
	enum notify_payload payload = i->to->payload;

	if (payload == PAYLOAD_SEALED && v->whole.used > SEALED_MOST)
		payload = PAYLOAD_REFERENCE;
	return (payload == PAYLOAD_EMPTY || put_reference(out, v)) &&
	       put_text(out, "payload", bytes_of(payloads[payload]));
}

static bool
put_break_glass(struct buffer *out, const struct notify_policy *plan)
{
	if (plan->floor != FLOOR_OFFER_BREAK_GLASS)
		return true;
	return put_open(out, "break_glass") && put_text(out, "purpose", plan->break_glass_purpose) &&
	       put_duration(out, "for", plan->break_glass_for) && put(out, "}");
}

static bool
put_sealed(struct buffer *out, const struct intent *i)
{
	const struct version *v = i->version;

	if (v == NULL || i->to == NULL || i->to->payload != PAYLOAD_SEALED || v->whole.used > SEALED_MOST)
		return true;
	return put(out, ",\"sealed\":") && buffer_append(out, v->whole.at, v->whole.used);
}

bool
intent_write(struct buffer *out, const struct notify_policy *plan, const struct group *g, const char *event,
    const struct intent *i)
{
	char id[INTENT_ID + 1];
	struct bytes subscription = i->to != NULL ? i->to->id : bytes_of("");

	intent_id(id, event, subscription, kinds[i->kind], i->step);
	if (!put_tags(out, plan, g, event, id, i) || !put_text(out, "kind", bytes_of(kinds[i->kind])))
		return false;
	if (i->to == NULL && !put_text(out, "why", bytes_of(i->uncovered ? "uncovered" : "step")))
		return false;
	if (!put_to(out, plan, i) || !put_deadline(out, plan, i) ||
	    (i->version != NULL && i->to != NULL && !put_content(out, i)))
		return false;
	if (i->to != NULL &&
	    (!put_text(out, "purpose", i->to->purpose) || !put_text(out, "grant", i->to->grant->jti)))
		return false;
	return put(out, ",\"obligations\":[]") && (i->kind != INTENT_FLOOR || put_break_glass(out, plan)) &&
	       put_sealed(out, i) && put(out, "}\n");
}

bool
intent_write_suppressed(struct buffer *out, const char *event, const struct subscription *to,
    const char *kind, unsigned step, const char *reason)
{
	char id[INTENT_ID + 1];

	intent_id(id, event, to->id, kind, step);
	return put(out, "{\"ehr\":{\"v\":1,\"stage\":\"suppressed\"") && put_text(out, "id", bytes_of(id)) &&
	       put_text(out, "event", bytes_of(event)) && put(out, "}") && put_open(out, "to") &&
	       put_text(out, "subscription", to->id) && put_text(out, "party", to->grant->sub) &&
	       put(out, "}") && put_text(out, "reason", bytes_of(reason)) && put(out, "}\n");
}
