/* SPDX-License-Identifier: ISC */
#include "common/access/answer.h"

#include "common/access/answer_duties.h"
#include "common/access/answer_layers.h"
#include "common/access/put.h"
#include "common/json/json_write.h"

static const char *const layer_names[LAYER_COUNT] = { "outbound", "jurisdiction", "organization", "consent",
	"clearance", "command", "obligations" };

/* What an administrator reads where no rule's own sentence says it. */
static const struct {
	const char *reason;
	const char *sentence;
} sentences[] = {
	{ "permitted", "Nothing in the policy or in the patient's consent stands against it." },
	{ "default-deny", "No rule permits this, and what no rule permits is denied." },
	{ "missing-attribute", "Something that the rules ask for is missing from the request." },
	{ "no-policy", "There is no policy for the domain of the resource." },
	{ "no-outbound-policy", "There is no outbound policy for the domain of the requester." },
	{ "untrusted-domain", "The domain of the requester is not trusted here." },
	{ "consent-deny", "The patient's consent does not permit this." },
	{ "no-consent", "No consent of the patient applies." },
	{ "consent-not-settled", "The patient's consent is not settled yet." },
	{ "consent-unreadable", "The patient's consent cannot be read." },
	{ "consent-several", "The patient's directives do not say which of them counts." },
	{ "no-clearance", "No clearance gives this user an authorization level." },
	{ "clearance", "The authorization level is too low for what was asked for." },
	{ "claimed-al", "The claimed authorization level is none or above the assessed one." },
	{ "command-type", "The policy does not know this command." },
	{ "command-al", "The authorization level is too low for this command." },
	{ "command-stale", "The command is undated, too old, or from the future." },
	{ "command-id", "The command has no id of 128 random bits." },
	{ "command-replay", "The command's id was used before." },
	{ "command-approval", "Too few other people approved the command." },
	{ "unsupported-obligation", "The enforcement point cannot carry out what it would have to." },
};

const char *
answer_layer(enum layer layer)
{
	return layer_names[layer];
}

static void
put_id(struct buffer *out, struct bytes id)
{
	if (id.size == 0)
		return;
	put(out, "\"id\":");
	put_bytes(out, id);
	put(out, ",");
}

void
answer_error(struct buffer *out, struct bytes id, const char *message)
{
	put(out, "{\"decision\":false,\"context\":{");
	put_id(out, id);
	put(out, "\"error\":{\"status\":400,\"message\":");
	(void)json_write_string(out, bytes_of(message));
	put(out, "}}}");
}

static void
put_value(struct buffer *out, const struct value *v)
{
	static const char *const words[] = { [VALUE_TRUE] = "true", [VALUE_FALSE] = "false" };

	if (v->kind == VALUE_STRING)
		(void)json_write_string(out, v->text);
	else if (v->kind == VALUE_NUMBER)
		put_bytes(out, v->text);
	else
		put(out, words[v->kind]);
}

static void
put_list(struct buffer *out, const char *name, const struct values *a, const struct values *b)
{
	bool comma = false;

	put(out, name);
	for (uint32_t i = 0; i < a->count + (b ? b->count : 0); i++) {
		if (comma)
			put(out, ",");
		put_value(out, i < a->count ? &a->at[i] : &b->at[i - a->count]);
		comma = true;
	}
	put(out, "]");
}

/* A single string of the request, if it is there. */
static void
put_member(struct buffer *out, const char *name, struct bytes text)
{
	if (text.size == 0)
		return;
	put(out, name);
	(void)json_write_string(out, text);
}

static void
put_about(const struct answer *a, const struct verdict *v)
{
	const struct request *q = v->request;
	const struct situation *s = &v->situation;
	struct buffer *out = a->out;
	struct bytes patient = request_string(q, ATTRIBUTE_RESOURCE_PATIENT);
	struct bytes action = request_string(q, ATTRIBUTE_ACTION_NAME);

	put(out, "\"about\":{\"subject\":");
	(void)json_write_string(out, request_string(q, ATTRIBUTE_SUBJECT_ID));
	put(out, ",\"action\":");
	(void)json_write_string(out, action);
	put(out, ",\"resource\":{\"type\":");
	(void)json_write_string(out, request_string(q, ATTRIBUTE_RESOURCE_TYPE));
	put(out, ",\"id\":");
	(void)json_write_string(out, request_string(q, ATTRIBUTE_RESOURCE_ID));
	put(out, "}");
	put_member(out, ",\"patient\":", patient);
	if (a->engine->entities)
		put_member(out, ",\"pseudonym\":", entities_pseudonym(a->engine->entities, patient));
	if (situation_values(s, ATTRIBUTE_PURPOSE)->present)
		put_list(out, ",\"purpose\":[", situation_values(s, ATTRIBUTE_PURPOSE), NULL);
	if (decide_is_command(q))
		put_member(out, ",\"command\":", request_string(q, ATTRIBUTE_COMMAND));
	if (bytes_are(action, "subscribe")) {
		put_list(out, ",\"roles\":[", situation_values(s, ATTRIBUTE_STRUCTURAL_ROLE),
		    situation_values(s, ATTRIBUTE_FUNCTIONAL_ROLE));
		put_member(out, ",\"device\":", request_string(q, ATTRIBUTE_DEVICE));
	}
	put(out, "}");
}

static void
put_level(const struct answer *a, const struct verdict *v)
{
	const struct policy *p = a->engine->policy;

	if (!v->permitted || !v->cleared)
		return;
	put(a->out, ",\"al\":");
	put_number(a->out, v->al);
	put(a->out, ",\"rl\":");
	(void)json_write_string(a->out, p->level[v->level].name);
	if (a->public_only)
		return;
	put(a->out, ",\"assessed_al\":");
	put_number(a->out, v->clearance.assessed);
}

/* The sentences of the rules of FILE that decided. */
static bool
put_file_sentences(struct buffer *out, const struct verdict *v, const struct outcome *o)
{
	bool any = false;

	for (uint32_t i = 0; o->state && i < o->file->rules; i++) {
		const struct rule *rule = &o->file->rule[i];

		if (!answer_rule_spoke(o, i) || (v->consent.overrides > 0 && v->permitted))
			continue;
		put(out, any ? " " : "");
		put_bytes(out, rule->sentence);
		any = true;
	}
	for (uint32_t i = 0; v->permitted && i < v->consent.overrides; i++) {
		put(out, any ? " " : "");
		put_bytes(out, v->consent.overriding[i]->sentence);
		any = true;
	}
	return any;
}

static bool
put_consent_sentences(struct buffer *out, const struct verdict *v)
{
	bool any = false;

	for (uint32_t i = 0; i < v->consent.opinions; i++) {
		const struct opinion *o = &v->consent.opinion[i];

		for (const struct spoken *s = o->result == v->consent.result ? o->spoken : NULL; s;
		     s = s->next) {
			if (!s->rule || (!v->permitted && s->rule->effect != EFFECT_DENY))
				continue;
			put(out, any ? " " : "");
			put_bytes(out, s->rule->sentence);
			any = true;
		}
	}
	return any;
}

static void
put_reasons(const struct answer *a, const struct verdict *v)
{
	struct buffer *out = a->out;
	bool said = false;

	put(out, v->permitted ? ",\"reason_user\":{\"en\":\"Allowed.\"}"
			      : ",\"reason_user\":{\"en\":\"Not allowed.\"}");
	if (a->public_only)
		return;
	put(out, ",\"reason_admin\":{\"en\":\"");
	if (v->decided_by < LAYER_CONSENT)
		said = put_file_sentences(out, v, &v->outcome[v->decided_by]);
	else if (v->decided_by == LAYER_CONSENT)
		said = put_consent_sentences(out, v);
	for (size_t i = 0; !said && i < sizeof sentences / sizeof sentences[0]; i++)
		if (strcmp(sentences[i].reason, v->reason) == 0) {
			put(out, sentences[i].sentence);
			said = true;
		}
	put(out, "\"}");
}

static void
put_denied_by(struct buffer *out, const struct verdict *v)
{
	bool any = false;

	for (int i = 0; i < LAYER_COUNT; i++) {
		if (!v->denied[decide_order[i]])
			continue;
		put(out, any ? ",\"" : ",\"denied_by\":[\"");
		put(out, layer_names[decide_order[i]]);
		put(out, "\"");
		any = true;
	}
	put(out, any ? "]" : "");
}

static void
put_instant(struct buffer *out, const char *name, struct instant t)
{
	char text[32];

	clock_format(t, text);
	put(out, name);
	put(out, text);
	put(out, "\"");
}

void
answer_write(const struct answer *a, const struct verdict *v, struct bytes id)
{
	struct buffer *out = a->out;

	put(out, v->permitted ? "{\"decision\":true,\"context\":{" : "{\"decision\":false,\"context\":{");
	put_id(out, id);
	put(out, "\"request\":\"");
	put(out, a->request);
	put(out, "\",");
	if (a->item >= 0) {
		put(out, "\"item\":");
		put_number(out, (unsigned)a->item);
		put(out, ",");
	}
	put_about(a, v);
	if (!a->public_only) {
		put(out, ",\"decided_by\":\"");
		put(out, layer_names[v->decided_by]);
		put(out, "\"");
		put_denied_by(out, v);
		put(out, ",\"reason\":\"");
		put(out, v->reason);
		put(out, "\",\"layers\":[");
		answer_layers(a, v);
		put(out, "]");
	}
	put_level(a, v);
	put(out, ",\"obligations\":[");
	answer_duties(a, v);
	put(out, "]");
	if (v->ends)
		put_instant(out, ",\"valid_until\":\"", v->valid_until);
	put_reasons(a, v);
	if (v->request->timed)
		put_instant(out, ",\"time\":\"", v->request->time);
	if (!a->public_only)
		put(out, a->basis);
	put(out, "}}");
}
