/* SPDX-License-Identifier: ISC */
#include "cmd/policy/new_files.h"

#include "common/json/json_write.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
new_put(struct buffer *out, const char *format, ...)
{
	char text[4096];
	va_list list;

	va_start(list, format);
	int size = vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	if (size < 0 || (size_t)size >= sizeof(text) || !buffer_append(out, text, (size_t)size))
		diag_bug("a line of a policy is longer than its room");
}

void
new_put_key(struct buffer *out, struct bytes key)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._";

	for (size_t i = 0; i < key.size; i++) {
		if (memchr(plain, key.at[i], sizeof(plain) - 1) != NULL)
			continue;
		(void)json_write_string(out, key);
		return;
	}
	(void)buffer_append(out, key.at, key.size);
}

const char *
new_top(const struct sample *s)
{
	return s->survey.is_fhir ? "V" : "restricted";
}

const char *
new_middle(const struct sample *s)
{
	return s->survey.is_fhir ? "N" : "internal";
}

const char *
new_bottom(const struct sample *s)
{
	return s->survey.is_fhir ? "U" : "public";
}

void
new_redact(struct buffer *out, const struct sample *s, const char *policy)
{
	new_put(out,
	    "# What a reader of each level sees of a record of %s: what classify.yaml\n"
	    "# puts at that level or below.\n"
	    "redact: 1\n"
	    "above: remove # how what is above goes: remove, absent or mask\n"
	    "withheld: none # if nothing is left: none (no line) or stub (that there is something)\n"
	    "presence: hidden # can a reader tell that something is missing? hidden: no; shown: yes\n"
	    "versions: # lowest first, the highest level last\n"
	    "  - rl: %s\n"
	    "    say: Those who work with it every day.\n"
	    "    # Here only what is named, whatever its level:\n"
	    "    # keep: {\"*\": [%s]}\n"
	    "    # Less exact values:\n"
	    "    # transforms:\n"
	    "    #   - {id: day, say: The day may be known., at: .time, do: {truncate: day}}\n"
	    "  - rl: %s\n"
	    "    say: The record as it came.\n",
	    policy, new_middle(s), s->survey.is_fhir ? ".resourceType, .id, .status" : ".id, .status",
	    new_top(s));
}

void
new_seal(struct buffer *out, const struct sample *s, const char *policy)
{
	(void)s;
	new_put(out,
	    "# How versions are sealed for the service layer.\n"
	    "seal: 1\n"
	    "domain: %s # in the name of every key and on every sealed line\n"
	    "pseudonyms: {id: stable, subject: stable}\n"
	    "padding: 4096 # bytes; records below that all look alike in length\n",
	    policy);
}

void
new_notify(struct buffer *out, const struct sample *s, const char *policy)
{
	(void)policy;
	new_put(out,
	    "# Who is told what, and how fast. A secondary notification, never the only alarm.\n"
	    "notify: 1\n"
	    "grants: {max_lifetime: 365d, revocation: optional}\n"
	    "payload: [empty, reference]\n"
	    "responders: # class -> roles of authz/roles.yaml that may belong to it\n"
	    "  team: [%s]\n"
	    "tiers: # every word of criticality has one\n"
	    "  routine: {dispatch: 12h, expires: 72h, steps: [{to: [team]}]}\n"
	    "  urgent: {dispatch: 60s, ack: 15m, expires: 12h, steps: [{to: [team]}]}\n",
	    s->survey.is_fhir ? "physician, nurse" : "staff");
}

void
new_pipeline(struct buffer *out, const struct sample *s, const char *policy)
{
	(void)s;
	(void)policy;
	new_put(out, "# What ehr-batch runs over an upload.\n"
		     "pipeline: 1\n"
		     "stages: # one pipe; each gets policy, site and time by itself\n"
		     "  - ehr-ingest\n"
		     "  - ehr-classify\n"
		     "  - ehr-redact\n"
		     "  - ehr-seal\n"
		     "output: sealed.ndjson\n"
		     "then: # over what is sealed\n"
		     "  - {run: ehr-notify, output: intents.ndjson}\n"
		     "on_error: quarantine # a refused record is set aside, and the others go on\n"
		     "limits: {refused: 50%%, size: 16G}\n"
		     "archive: false # true keeps each upload\n");
}
