/* SPDX-License-Identifier: ISC */
#include "common/access/parts.h"

/* What the administrator reads where no rule has a sentence. */
static const struct {
	const char *reason;
	const char *sentence;
} sentences[] = {
	{ "permitted", "Nothing in the policy or in the patient's consent stands against it." },
	{ "default-deny", "No rule permits this, and what no rule permits is denied." },
	{ "missing-attribute", "Something that the rules ask for is missing from the request." },
	{ "no-policy", "There is no policy for the domain of the resource." },
	{ "no-outbound-policy", "There is no outbound policy for the domain of the requester." },
	{ "not-outbound", "The request stays within one domain, so no outbound policy speaks of it." },
	{ "untrusted-domain", "The domain of the requester is not trusted here." },
	{ "consent-deny", "The patient's consent does not permit this." },
	{ "no-consent", "No consent of the patient applies." },
	{ "consent-not-settled", "The patient's consent is not settled yet." },
	{ "consent-unverified", "The patient's consent was not verified, as the organization asks." },
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
	{ "unknown-purpose", "The request has a purpose that v3-ActReason does not have." },
	{ "unknown-label", "The request has a label that neither the ladder nor v3-ActCode has." },
	{ "unknown-class", "The request has a class that is no resource type and no group." },
	{ "unknown-role", "The request has a role that authz/roles.yaml does not name." },
	{ "unknown-relation",
	    "The request tells of a relation that authz/roles.yaml does not let people declare." },
	{ "relation-patient", "The request tells of a relation and names no patient." },
	{ "relation-until",
	    "The relation has no end, or one that is over or later than authz/roles.yaml allows." },
	{ "time-skew", "The time of the request is not that of the decider." },
	{ "assertion-missing", "The request does not prove who asks." },
	{ "assertion-malformed", "The assertion of who asks is no signed token, or lacks a claim." },
	{ "assertion-type", "The assertion of who asks is a message of another type." },
	{ "assertion-algorithm", "The assertion of who asks is signed with an algorithm that is refused." },
	{ "assertion-signer", "The assertion of who asks is signed by nobody whose assertions count." },
	{ "assertion-signature", "The signature of the assertion of who asks does not hold." },
	{ "assertion-time", "The assertion of who asks has ended, has not begun, or says no end." },
	{ "assertion-life", "The assertion of who asks ends later after its iat than assertions.longest of "
			    "the policy allows." },
	{ "assertion-audience", "The assertion of who asks is for somebody else." },
	{ "assertion-subject", "The assertion is about another than the one who asks." },
	{ "assertion-device", "The assertion of who asks is bound to another device." },
	{ "assertion-domain", "The register knows who asks as a member of another domain." },
	{ "unsupported-obligation", "The enforcement point cannot carry out what it would have to." },
};

const char *
answer_reason_sentence(const char *reason)
{
	for (size_t i = 0; i < sizeof sentences / sizeof sentences[0]; i++)
		if (strcmp(sentences[i].reason, reason) == 0)
			return sentences[i].sentence;
	return NULL;
}

/* SENTENCE after a space, unless it is the first.  It is escaped already. */
static void
put_sentence(struct json_write *w, struct bytes sentence, bool *any)
{
	if (*any)
		json_write_raw(w, (struct bytes)BYTES(" "));
	json_write_raw(w, sentence);
	*any = true;
}

/* The sentences of the rules of O that decided. */
static bool
put_file_sentences(struct json_write *w, const struct verdict *v, const struct layer_outcome *o)
{
	bool any = false, overridden = v->permitted && v->consent.overrides > 0;

	for (uint32_t i = 0; !overridden && o->state && i < o->file->rules; i++)
		if (layer_rule_spoke(o, i))
			put_sentence(w, o->file->rule[i].sentence, &any);
	for (uint32_t i = 0; overridden && i < v->consent.overrides; i++)
		put_sentence(w, v->consent.overriding[i]->sentence, &any);
	return any;
}

static bool
put_consent_sentences(struct json_write *w, const struct verdict *v)
{
	bool any = false;

	for (uint32_t i = 0; i < v->consent.opinions; i++) {
		const struct opinion *o = &v->consent.opinion[i];

		for (const struct consent_spoken *s = o->result == v->consent.result ? o->spoken : NULL; s;
		     s = s->next)
			if (s->rule && (v->permitted || s->rule->effect == EFFECT_DENY))
				put_sentence(w, s->rule->sentence, &any);
	}
	return any;
}

void
answer_reason_write(struct json_write *w, const struct verdict *v, bool public_only)
{
	bool said = false;

	json_write_member_value(
	    w, "reason_user", bytes_of(v->permitted ? "{\"en\":\"Allowed.\"}" : "{\"en\":\"Not allowed.\"}"));
	if (public_only)
		return;
	json_write_name(w, "reason_admin");
	json_write_raw(w, (struct bytes)BYTES("{\"en\":\""));
	if (v->decided_by < LAYER_CONSENT)
		said = put_file_sentences(w, v, &v->outcome[v->decided_by]);
	else if (v->decided_by == LAYER_CONSENT)
		said = put_consent_sentences(w, v);
	if (!said && answer_reason_sentence(v->reason))
		put_sentence(w, bytes_of(answer_reason_sentence(v->reason)), &said);
	json_write_raw(w, (struct bytes)BYTES("\""));
	json_write_close(w, '}');
}
