/* SPDX-License-Identifier: ISC */
#include "cmd/keys/request.h"

#include "cmd/keys/store.h"

#include <inttypes.h>
#include <stdio.h>

enum { CONTEXT_MOST = REQUEST_MOST / 2 };

/* The members of --context, which must not have `time`; false if it is not such an object. */
static bool
copy_context(struct json_write *w, struct bytes text)
{
	struct json j;
	bool good;

	json_init(&j, NULL, 16);
	good = json_parse(&j, text) && json_kind(&j, 0) == JSON_OBJECT &&
	       json_member(&j, 0, (struct bytes)BYTES("time")) == 0;
	for (uint32_t m = 1; good && m < j.nodes[0].next; m = j.nodes[m].next)
		json_write_copy(w, &j, m);
	json_release(&j);
	return good;
}

bool
request_context(const struct verb_settings *s, struct buffer *context, struct verb_answer *a)
{
	buffer_init(context, CONTEXT_MOST);
	return s->context == NULL || store_read(s->context, context, a);
}

/* SUPPORTED: what can be carried out, a list as JSON; NULL: not said. */
static bool
write_context(struct json_write *w, const struct asking *q, const char *supported, struct instant time)
{
	const char *file = q->settings->context;
	char now[32];

	clock_format(time, now);
	json_write_name(w, "context");
	json_write_open(w, '{');
	json_write_member(w, "time", bytes_of(now));
	if (supported != NULL)
		json_write_member_value(w, "supported_actions", bytes_of(supported));
	if (q->token.size > 0)
		json_write_member(w, "assertion", q->token);
	if (file != NULL && !copy_context(w, buffer_bytes(q->context))) {
		(void)verb_fault(
		    q->answer, EXIT_BAD_RECORD, "%s: not a JSON object, or one that states the time", file);
		return false;
	}
	json_write_close(w, '}');
	return true;
}

/* "NAME":{"type":TYPE,"id":ID,"properties":{"domain":DOMAIN: two braces are left open. */
static void
begin_entity(struct json_write *w, const char *name, const char *type, const char *id, const char *domain)
{
	json_write_name(w, name);
	json_write_open(w, '{');
	json_write_member(w, "type", bytes_of(type));
	json_write_member(w, "id", bytes_of(id));
	json_write_name(w, "properties");
	json_write_open(w, '{');
	json_write_member(w, "domain", bytes_of(domain));
}

static void
end_entity(struct json_write *w)
{
	json_write_close(w, '}');
	json_write_close(w, '}');
}

static void
write_person(struct json_write *w, const struct asking *q)
{
	begin_entity(w, "subject", q->itself ? "device" : "user", q->settings->user, keys_domain(q->keys));
	if (q->itself)
		json_write_member(w, "kind", bytes_of(q->device->kind));
	if (q->device != NULL) {
		json_write_member(w, "device", bytes_of(q->device->id));
		json_write_member(w, "env", bytes_of(q->device->env));
	}
	end_entity(w);
}

/* "subject":{..},"action":{"name":ACTION}: the person on the device. */
static void
write_asker(struct json_write *w, const struct asking *q, const char *action)
{
	write_person(w, q);
	json_write_name(w, "action");
	json_write_open(w, '{');
	json_write_member_word(w, "name", bytes_of(action));
	json_write_close(w, '}');
}

uint32_t
request_epoch(const struct asking *q)
{
	if (q->settings->digests)
		return 0;
	return q->settings->epoch != 0 ? q->settings->epoch : keys_epoch(q->keys);
}

bool
request_release(struct buffer *out, const struct asking *q, struct instant time)
{
	const char *domain = keys_domain(q->keys);
	struct json_write w = json_write_to(out);
	char epoch[160];
	bool good;

	(void)snprintf(epoch, sizeof epoch, "%s/%" PRIu32, domain, request_epoch(q));
	json_write_open(&w, '{');
	write_asker(&w, q, "release-keys");
	if (q->settings->digests) {
		begin_entity(&w, "resource", "digest-keys", domain, domain);
	} else {
		begin_entity(&w, "resource", "level-keys", epoch, domain);
		json_write_member_number(&w, "epoch", request_epoch(q));
	}
	end_entity(&w);
	good = write_context(&w, q, NULL, time);
	json_write_close(&w, '}');
	verb_written(&w);
	return good;
}

bool
request_subscribe(struct buffer *out, const struct asking *q, const char *patient, struct instant time)
{
	struct json_write w = json_write_to(out);
	bool good;

	json_write_open(&w, '{');
	write_asker(&w, q, "subscribe");
	begin_entity(&w, "resource", "patient", patient, keys_domain(q->keys));
	json_write_member(&w, "patient", bytes_of(patient));
	end_entity(&w);
	good = write_context(&w, q, "[\"level\",\"audit\",\"expire\"]", time);
	json_write_close(&w, '}');
	verb_written(&w);
	return good;
}

bool
request_order(struct buffer *out, const struct asking *q, const struct order *o, struct instant time)
{
	struct json_write w = json_write_to(out);
	bool good;

	json_write_open(&w, '{');
	write_person(&w, q);
	json_write_name(&w, "action");
	json_write_open(&w, '{');
	json_write_member_word(&w, "name", bytes_of(o->action));
	if (o->how != NULL) {
		json_write_name(&w, "properties");
		json_write_open(&w, '{');
		o->how(&w, o->context, time);
		json_write_close(&w, '}');
	}
	json_write_close(&w, '}');
	begin_entity(&w, "resource", o->type, o->id, keys_domain(q->keys));
	if (o->resource != NULL)
		o->resource(&w, o->context);
	end_entity(&w);
	good = write_context(&w, q, NULL, time);
	json_write_close(&w, '}');
	verb_written(&w);
	return good;
}
