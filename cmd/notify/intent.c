/* SPDX-License-Identifier: ISC */
#include "cmd/notify/intent.h"

#include "common/base/base32.h"
#include "common/crypto/digest.h"
#include "common/json/json_write.h"

#include <inttypes.h>
#include <stdio.h>

#define ID_BYTES 16
/* A sealed line that is longer is not put into an intent; the reference is. */
#define SEALED_MOST ((size_t)64 << 10)

static const char *const kinds[] = {
	[INTENT_DATA] = "data",
	[INTENT_FLOOR] = "floor",
	[INTENT_LAST_RESORT] = "last-resort",
	[INTENT_ALARM] = "alarm",
	[INTENT_NOTICE] = "notice",
};

/* Every text in these lines is a word or a digest and needs no escape. */
static void
put_word(struct json_write *w, const char *name, struct bytes value)
{
	json_write_member_word(w, name, value);
}

static void
put_open(struct json_write *w, const char *name)
{
	json_write_name(w, name);
	json_write_open(w, '{');
}

/* "PT1M30S" (ISO 8601): hours, minutes, seconds; parts that are zero are left out. */
static void
put_duration(struct json_write *w, const char *name, int64_t seconds)
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
	put_word(w, name, (struct bytes){ text, used });
}

/* PREFIX and the first 16 bytes of SHA-256 over the parts, which a zero byte separates. */
static void
make_id(char *id, const char *prefix, const struct bytes *part, size_t parts)
{
	unsigned char digest[DIGEST_SIZE];
	struct buffer text;

	buffer_init(&text, 8192);
	for (size_t i = 0; i < parts; i++)
		if ((i > 0 && !buffer_append(&text, "", 1)) ||
		    !buffer_append(&text, part[i].at, part[i].size))
			diag_bug("an id longer than 8 KiB of text");
	digest_sha256(buffer_bytes(&text), digest);
	buffer_release(&text);
	memcpy(id, prefix, 2);
	id[2 + base32_encode(id + 2, digest, ID_BYTES)] = '\0';
}

void
intent_event_id(char id[EVENT_ID + 1], const struct version_group *g)
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

static void
put_marks(struct json_write *w, const struct version_group *g)
{
	char level[129];

	for (unsigned i = 0; i < g->count; i++) {
		const struct tags *t = &g->version[i]->tags;

		if (t->mark.size == 0)
			continue;
		(void)snprintf(level, sizeof level, "%.*s", (int)t->rl.size, t->rl.at);
		put_word(w, level, t->mark);
	}
}

/* {"ehr":{"v":1,"stage":STAGE,"id":ID: the beginning of every line. */
static struct json_write
begin_line(struct buffer *out, const char *stage, const char *id)
{
	struct json_write w = json_write_to(out);

	json_write_open(&w, '{');
	put_open(&w, "ehr");
	json_write_member_number(&w, "v", 1);
	put_word(&w, "stage", bytes_of(stage));
	put_word(&w, "id", bytes_of(id));
	return w;
}

static bool
end_line(struct json_write *w)
{
	json_write_close(w, '}');
	json_write_raw(w, (struct bytes)BYTES("\n"));
	return json_write_whole(w);
}

static void
put_subject(struct json_write *w, const struct tags *t)
{
	if (t->subject.size > 0)
		put_word(w, "subject", t->subject);
}

bool
intent_write_event(struct buffer *out, const struct version_group *g, const char *event)
{
	const struct tags *t = &g->version[0]->tags;
	struct json_write w = begin_line(out, "event", event);

	put_word(&w, "record", t->id);
	put_subject(&w, t);
	put_word(&w, "criticality", g->plan->word[g->top]);
	put_word(&w, "domain", t->domain);
	put_word(&w, "batch", t->batch);
	json_write_name(&w, "seq");
	json_write_natural(&w, t->seq);
	put_word(&w, "policy", t->policy);
	if (t->deleted)
		json_write_member_value(&w, "deleted", (struct bytes)BYTES("true"));
	json_write_close(&w, '}');
	put_open(&w, "marks");
	put_marks(&w, g);
	json_write_close(&w, '}');
	return end_line(&w);
}

/* The receiver, by subscription and person; addresses are not in the line. */
static void
put_to(struct json_write *w, const struct notify_policy *plan, const struct intent *i)
{
	const struct subscription *to = i->to;

	put_open(w, "to");
	if (to == NULL) {
		json_write_member_value(w, "last_resort", (struct bytes)BYTES("true"));
		if (!i->uncovered)
			json_write_member_number(w, "step", i->step);
	} else {
		put_word(w, "subscription", to->id);
		put_word(w, "party", to->grant->sub);
		if (to->class >= 0)
			put_word(w, "class", plan->class[to->class].name);
		if (to->grant->jkt.size > 0)
			put_word(w, "device", to->grant->jkt);
		json_write_member_number(w, "step", i->step);
	}
	json_write_close(w, '}');
}

/* Lengths of time, which begin when ehr-deliver takes the intent: this program has no clock. */
static void
put_deadline(struct json_write *w, const struct notify_policy *plan, const struct intent *i)
{
	const struct notify_tier *tier = &plan->tier[i->criticality];

	if (!plan->has_tiers)
		return;
	put_open(w, "deadline");
	put_duration(w, "after", i->uncovered ? 0 : tier->step[i->step].after);
	put_duration(w, "dispatch", tier->dispatch);
	if (tier->ack != 0 && i->kind != INTENT_NOTICE)
		put_duration(w, "ack", tier->ack);
	put_duration(w, "expires", tier->expires);
	json_write_close(w, '}');
}

static void
put_tags(struct json_write *w, const struct notify_policy *plan, const struct version_group *g,
    const char *event, const struct intent *i)
{
	const struct tags *t = &g->version[0]->tags;
	const struct sealed_version *v = i->version;

	put_word(w, "event", bytes_of(event));
	if (v != NULL)
		put_word(w, "record", t->id);
	put_subject(w, t);
	if (v != NULL) {
		put_word(w, "rl", v->tags.rl);
		json_write_member_number(w, "al", v->al);
	}
	put_word(w, "criticality", plan->word[i->criticality]);
	put_word(w, "policy", t->policy);
	json_write_close(w, '}');
}

/* "ref": record and level, by the names that the service layer knows them by. */
static void
put_reference(struct json_write *w, const struct sealed_version *v)
{
	json_write_name(w, "ref");
	json_write_raw(w, (struct bytes)BYTES("\""));
	json_write_raw(w, v->tags.id);
	json_write_raw(w, (struct bytes)BYTES("/"));
	json_write_value(w, v->tags.rl);
	json_write_raw(w, (struct bytes)BYTES("\""));
}

static void
put_content(struct json_write *w, const struct intent *i)
{
	static const char *const payloads[] = { "empty", "reference", "sealed" };
	const struct sealed_version *v = i->version;
	enum notify_payload payload = (enum notify_payload)i->to->payload;

	if (payload == PAYLOAD_SEALED && v->whole.used > SEALED_MOST)
		payload = PAYLOAD_REFERENCE;
	if (payload != PAYLOAD_EMPTY)
		put_reference(w, v);
	put_word(w, "payload", bytes_of(payloads[payload]));
}

static void
put_break_glass(struct json_write *w, const struct notify_policy *plan)
{
	if (plan->floor != FLOOR_OFFER_BREAK_GLASS)
		return;
	put_open(w, "break_glass");
	put_word(w, "purpose", plan->break_glass_purpose);
	put_duration(w, "for", plan->break_glass_for);
	json_write_close(w, '}');
}

static void
put_obligations(struct json_write *w, const struct notify_policy *plan, const struct sealed_version *v)
{
	const struct yaml_node *all = v != NULL ? plan->obligations : NULL;

	json_write_name(w, "obligations");
	json_write_open(w, '[');
	for (size_t i = 0; all != NULL && i < all->count; i++)
		for (size_t k = 0;
		     bytes_equal(all->key[i]->text, v->tags.rl) && k < yaml_strings(all->item[i]); k++)
			json_write_word(w, all->item[i]->kind == YAML_LIST ? all->item[i]->item[k]->text
									   : all->item[i]->text);
	json_write_close(w, ']');
}

static void
put_sealed(struct json_write *w, const struct intent *i)
{
	const struct sealed_version *v = i->version;

	if (v != NULL && i->to != NULL && i->to->payload == PAYLOAD_SEALED && v->whole.used <= SEALED_MOST)
		json_write_member_value(w, "sealed", buffer_bytes(&v->whole));
}

/* Who keeps watch over breaking the glass hears that it was offered: of the offer's id, and of no patient. */
static bool
write_notice(struct buffer *out, const struct notify_policy *plan, const struct version_group *g,
    const char *event, const struct intent *i)
{
	char id[INTENT_ID + 1], offer[INTENT_ID + 1];
	struct json_write w;

	intent_id(id, event, i->to->id, kinds[i->kind], i->step);
	intent_id(offer, event, i->to->id, kinds[INTENT_FLOOR], i->step);
	w = begin_line(out, "intent", id);
	put_word(&w, "event", bytes_of(event));
	put_word(&w, "criticality", plan->word[i->criticality]);
	put_word(&w, "policy", g->version[0]->tags.policy);
	json_write_close(&w, '}');
	put_word(&w, "kind", bytes_of(kinds[i->kind]));
	put_word(&w, "why", (struct bytes)BYTES("break-glass-offered"));
	put_open(&w, "to");
	put_word(&w, "class", plan->class[plan->break_glass_tell].name);
	json_write_close(&w, '}');
	put_deadline(&w, plan, i);
	put_word(&w, "about", bytes_of(offer));
	json_write_member_value(&w, "obligations", (struct bytes)BYTES("[]"));
	return end_line(&w);
}

bool
intent_write(struct buffer *out, const struct notify_policy *plan, const struct version_group *g,
    const char *event, const struct intent *i)
{
	char id[INTENT_ID + 1];
	struct json_write w;

	if (i->kind == INTENT_NOTICE)
		return write_notice(out, plan, g, event, i);
	intent_id(id, event, i->to != NULL ? i->to->id : bytes_of(""), kinds[i->kind], i->step);
	w = begin_line(out, "intent", id);
	put_tags(&w, plan, g, event, i);
	put_word(&w, "kind", bytes_of(kinds[i->kind]));
	if (i->to == NULL)
		put_word(&w, "why", bytes_of(i->uncovered ? "uncovered" : "step"));
	put_to(&w, plan, i);
	put_deadline(&w, plan, i);
	if (i->version != NULL && i->to != NULL)
		put_content(&w, i);
	if (i->to != NULL) {
		put_word(&w, "purpose", i->to->purpose);
		put_word(&w, "grant", i->to->grant->jti);
	}
	put_obligations(&w, plan, i->version);
	if (i->kind == INTENT_FLOOR)
		put_break_glass(&w, plan);
	put_sealed(&w, i);
	return end_line(&w);
}

/* The same mistake has the same id, so that it is told once. */
static void
alarm_id(char id[INTENT_ID + 1], const struct subscription_refusal *what)
{
	char line[24];
	int size = snprintf(line, sizeof line, "%u", what->line);
	const struct bytes parts[] = { BYTES("ehr-alarm/1"), bytes_of(what->file), { line, (size_t)size },
		what->id, bytes_of(what->why) };

	make_id(id, "n_", parts, sizeof parts / sizeof parts[0]);
}

bool
intent_write_alarm(struct buffer *out, const struct notify_policy *plan, const char *digest,
    const struct subscription_refusal *what)
{
	const struct intent i = {
		.kind = INTENT_ALARM, .criticality = plan->words > 0 ? plan->words - 1 : 0, .uncovered = true
	};
	char id[INTENT_ID + 1];
	struct json_write w;

	alarm_id(id, what);
	w = begin_line(out, "intent", id);
	if (plan->words > 0)
		put_word(&w, "criticality", plan->word[i.criticality]);
	put_word(&w, "policy", bytes_of(digest));
	json_write_close(&w, '}');
	put_word(&w, "kind", bytes_of(kinds[i.kind]));
	put_word(&w, "why", (struct bytes)BYTES("subscription-refused"));
	put_to(&w, plan, &i);
	put_deadline(&w, plan, &i);
	json_write_member(&w, "file", bytes_of(what->file));
	if (what->line > 0)
		json_write_member_number(&w, "line", what->line);
	if (what->id.size > 0)
		put_word(&w, "subscription", what->id);
	put_word(&w, "reason", bytes_of(what->code));
	json_write_member_value(&w, "obligations", (struct bytes)BYTES("[]"));
	return end_line(&w);
}

bool
intent_write_suppressed(struct buffer *out, const char *event, const struct subscription *to,
    const char *kind, unsigned step, const char *reason)
{
	char id[INTENT_ID + 1];
	struct json_write w;

	intent_id(id, event, to->id, kind, step);
	w = begin_line(out, "suppressed", id);
	put_word(&w, "event", bytes_of(event));
	json_write_close(&w, '}');
	put_open(&w, "to");
	put_word(&w, "subscription", to->id);
	put_word(&w, "party", to->grant->sub);
	json_write_close(&w, '}');
	put_word(&w, "reason", bytes_of(reason));
	return end_line(&w);
}
