/* SPDX-License-Identifier: ISC */
#include "cmd/keys/decision.h"

#include "cmd/keys/store.h"
#include "common/access/assertion.h"
#include "common/base/memory.h"
#include "common/crypto/signed_line.h"
#include "common/line/cure.h"
#include "common/line/tags.h"
#include "common/policy/deciders.h"

#include <stdlib.h>

enum { DEPTH = 64, TEXT_MOST = 1 << 26 };

struct decision_file {
	struct buffer text;
	struct bytes rest; /* of text: not read yet */
	struct buffer line;
	struct json json;
	struct arena arena;
	struct deciders deciders;
	const char *shown;
};

/* True if the keys that sign decisions are read, or none are named. */
static bool
read_deciders(
    struct decision_file *d, const struct verb_settings *s, struct verb_answer *a, enum diag_exit *status)
{
	struct fault f = { 0 };

	*status = deciders_load(&d->deciders, &d->arena, s->site, s->deciders, &f);
	if (*status != EXIT_DONE)
		(void)verb_fault(a, *status, "%s: %s", f.file, f.text);
	return *status == EXIT_DONE;
}

static struct decision_file *
new_file(const char *shown)
{
	struct decision_file *d = memory_zeros(1, sizeof *d);

	d->shown = shown;
	buffer_init(&d->text, TEXT_MOST);
	buffer_init(&d->line, TEXT_MOST);
	json_init(&d->json, NULL, DEPTH);
	return d;
}

struct decision_file *
decision_file_of(
    struct bytes text, const struct verb_settings *s, struct verb_answer *a, enum diag_exit *status)
{
	struct decision_file *d = new_file("a decision");

	buffer_add(&d->text, text.at, text.size);
	d->rest = buffer_bytes(&d->text);
	if (read_deciders(d, s, a, status))
		return d;
	decision_file_free(d);
	return NULL;
}

struct decision_file *
decision_file_read(const struct verb_settings *s, struct verb_answer *a, enum diag_exit *status)
{
	struct decision_file *d = new_file(strcmp(s->decision, "-") == 0 ? "<stdin>" : s->decision);

	if (read_deciders(d, s, a, status)) {
		if (store_read(s->decision, &d->text, a)) {
			d->rest = buffer_bytes(&d->text);
			return d;
		}
		*status = EXIT_IO;
	}
	decision_file_free(d);
	return NULL;
}

bool
decision_limits(
    const struct verb_settings *s, struct decision_limits *l, struct verb_answer *a, enum diag_exit *status)
{
	struct policy p = { 0 };
	struct fault f = { 0 };
	bool good = true;

	*l = (struct decision_limits){ .max_age = PERMISSION_AGE, .longest = ASSERTION_LONGEST };
	if (s->policy != NULL) {
		good = trust_load(&p, s->policy, &s->trust, &f) && permission_max_age(&p, &l->max_age, &f) &&
		       permission_longest(&p, "assertions", &l->longest, &f);
		if (!good)
			*status = verb_policy_fault(a, &f);
		policy_release(&p);
	}
	return good;
}

void
decision_file_free(struct decision_file *d)
{
	if (d == NULL)
		return;
	buffer_release(&d->text);
	buffer_release(&d->line);
	json_release(&d->json);
	deciders_release(&d->deciders);
	arena_release(&d->arena);
	free(d);
}

static bool
deny(struct verb_answer *a, enum diag_exit *status, const char *why)
{
	*status = verb_fault(a, EXIT_DENIED, "decision-denied: %s", why);
	return false;
}

/* The next line that is not blank. */
static bool
next_line(struct decision_file *d, struct bytes *line)
{
	while (bytes_line(&d->rest, line)) {
		if (line->size > 0 && line->at[line->size - 1] == '\r')
			line->size--;
		if (!json_blank(*line))
			return true;
	}
	return false;
}

static struct bytes
text_of(const struct json *j, uint32_t node, const char *name)
{
	uint32_t at = node == 0 ? 0 : json_member(j, node, bytes_of(name));

	if (at == 0 || json_kind(j, at) != JSON_STRING || (j->nodes[at].flags & JSON_ESCAPED) != 0)
		return (struct bytes){ "", 0 };
	return json_inside(j, at);
}

static uint32_t
list_of(const struct json *j, uint32_t node, const char *name)
{
	uint32_t at = node == 0 ? 0 : json_member(j, node, bytes_of(name));

	return at != 0 && json_kind(j, at) == JSON_ARRAY ? at : 0;
}

/* Takes the member NAME as an end, if it is there; false if it is not a time. */
static bool
end_at(struct decision *d, uint32_t node, const char *name)
{
	struct instant t;
	uint32_t at = json_member(d->json, node, bytes_of(name));

	if (at == 0)
		return true;
	if (!clock_parse_instant(text_of(d->json, node, name), &t))
		return false;
	if (!d->ends || instant_compare(t, d->end) < 0)
		d->end = t;
	d->ends = true;
	return true;
}

/* The lower of the decision's AL and the obligation's counts. */
static bool
lower_al(struct decision *d, uint32_t properties)
{
	uint32_t node = json_member(d->json, properties, (struct bytes)BYTES("al"));
	uint64_t al;

	if (node == 0 || !json_integer(d->json, node, &al))
		return false;
	if (al < d->al)
		d->al = al;
	return true;
}

/* The member NAME of NODE is absent or reads TEXT. */
static bool
is_or_absent(const struct json *j, uint32_t node, const char *name, const char *text)
{
	uint32_t at = json_member(j, node, bytes_of(name));

	return at == 0 || json_is(j, at, bytes_of(text));
}

/* Only level, audit and expire are understood; of others nothing is carried out. */
static bool
read_obligation(struct decision *d, uint32_t node, struct bytes *action)
{
	const struct json *j = d->json;
	uint32_t properties =
	    json_kind(j, node) == JSON_OBJECT ? json_member(j, node, (struct bytes)BYTES("properties")) : 0;

	if (properties == 0 || json_kind(j, properties) != JSON_OBJECT)
		return false;
	*action = text_of(j, properties, "action");
	if (!is_or_absent(j, node, "type", "custom") || !is_or_absent(j, properties, "vendor", "ehr"))
		return false;
	if (bytes_are(*action, "expire"))
		return json_member(j, properties, (struct bytes)BYTES("at")) != 0 &&
		       end_at(d, properties, "at");
	return bytes_are(*action, "level") ? lower_al(d, properties) : bytes_are(*action, "audit");
}

/* False with the action of the obligation that is not carried out; empty if there is no list. */
static bool
read_obligations(struct decision *d, struct bytes *action)
{
	const struct json *j = d->json;
	uint32_t list = list_of(j, d->context, "obligations");

	if (list == 0)
		return false;
	for (uint32_t o = list + 1; o < j->nodes[list].next; o = j->nodes[o].next)
		if (!read_obligation(d, o, action))
			return false;
	return true;
}

/* The action is named if it is a word. */
static bool
deny_obligation(struct verb_answer *a, enum diag_exit *status, struct bytes action)
{
	*status =
	    tag_is_word(action)
		? verb_fault(a, EXIT_DENIED,
		      "decision-denied: it asks for what cannot be carried out here: %.*s", (int)action.size,
		      action.at)
		: verb_fault(a, EXIT_DENIED, "decision-denied: it asks for what cannot be carried out here");
	return false;
}

static void
read_about(struct decision *d)
{
	uint32_t about = json_member(d->json, d->context, (struct bytes)BYTES("about"));

	d->about = about;
	d->subject = text_of(d->json, about, "subject");
	d->action = text_of(d->json, about, "action");
	d->patient = text_of(d->json, about, "patient");
	d->pseudonym = text_of(d->json, about, "pseudonym");
	d->device = text_of(d->json, about, "device");
	d->request = text_of(d->json, about, "request");
	d->domain = text_of(d->json, about, "domain");
	d->relation = text_of(d->json, about, "relation");
	d->until = text_of(d->json, about, "until");
	d->stated_time = text_of(d->json, about, "time");
	uint32_t epoch = about == 0 ? 0 : json_member(d->json, about, (struct bytes)BYTES("epoch"));
	if (epoch == 0 || !json_integer(d->json, epoch, &d->epoch))
		d->epoch = 0;
	d->purpose = list_of(d->json, about, "purpose");
	d->roles = list_of(d->json, about, "roles");
}

/*
 * The same request at the same time is the same decision, however its line is written.  Without a request the
 * line itself counts.
 */
static void
identify(struct decision *d)
{
	char time[32];
	struct buffer text;

	clock_format(d->time, time);
	struct bytes parts[] = { d->request, d->action, bytes_of(time) };
	if (d->request.size == 0) {
		memcpy(d->id, d->digest, sizeof d->id);
		return;
	}
	buffer_init(&text, TEXT_MOST);
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		buffer_add(&text, parts[i].at, parts[i].size);
		buffer_add(&text, "\n", 1);
	}
	digest_text(buffer_bytes(&text), d->id);
	buffer_release(&text);
}

static bool
read_context(
    struct decision *d, const char *action, struct instant now, struct verb_answer *a, enum diag_exit *status)
{
	const struct json *j = d->json;
	uint32_t al = json_member(j, d->context, (struct bytes)BYTES("al"));
	struct bytes action_owed = { "", 0 };

	if (!bytes_are(d->action, action) || d->subject.size == 0)
		return deny(a, status, "it is about another action");
	if (al == 0 || !json_integer(j, al, &d->al) || d->al > 99)
		return deny(a, status, "it asserts no AL");
	if (!read_obligations(d, &action_owed))
		return deny_obligation(a, status, action_owed);
	if (!end_at(d, d->context, "valid_until"))
		return deny(a, status, "its end is no time");
	if (d->ends && instant_compare(d->end, now) <= 0)
		return deny(a, status, "it has ended");
	if (!clock_parse_instant(text_of(j, d->context, "time"), &d->time)) {
		*status = verb_fault(
		    a, EXIT_DENIED, "decision-stale: it does not say of when it is; ask for another one");
		return false;
	}
	if (d->stated_time.size == 0)
		d->asked = d->time;
	else if (!clock_parse_instant(d->stated_time, &d->asked))
		return deny(a, status, "the time in the request is none");
	identify(d);
	return true;
}

/* LINE is no JSON object. */
static enum diag_exit
refuse_line(const struct decision_file *d, struct bytes line, struct verb_answer *a)
{
	const struct bytes own = { d->line.at, line.size };
	struct bytes before = { d->text.at, (size_t)(line.at - d->text.at) }, skipped;
	char cure[CURE_ROOM];
	size_t number = 1;

	while (bytes_line(&before, &skipped))
		number++;
	return verb_fault(a, EXIT_BAD_RECORD, "%s:%zu: not a decision%s", d->shown, number,
	    cure_of_decision(&d->json, own, cure));
}

bool
decision_file_next(struct decision_file *d, const char *action, struct instant now, struct decision *next,
    struct verb_answer *a, enum diag_exit *status)
{
	const struct json *j = &d->json;
	struct bytes line;
	uint32_t decision, context;
	const char *why;

	*next = (struct decision){ .json = j };
	*status = EXIT_DONE;
	if (!next_line(d, &line))
		return false;
	if (!store_object(&d->line, &d->json, line)) {
		*status = refuse_line(d, line, a);
		return false;
	}
	*status = deciders_check(&d->deciders, line, &why);
	if (*status != EXIT_DONE) {
		(void)verb_fault(a, *status, "%s", why);
		return false;
	}
	signed_line_digest(line, next->digest);
	decision = json_member(j, 0, (struct bytes)BYTES("decision"));
	context = json_member(j, 0, (struct bytes)BYTES("context"));
	if (context != 0 && json_kind(j, context) == JSON_OBJECT) {
		next->context = context;
		read_about(next);
	}
	if (decision == 0)
		return deny(a, status, "it is no decision: put the request through ehr-authz");
	if (json_kind(j, decision) != JSON_TRUE)
		return deny(a, status, "it does not permit");
	if (next->context == 0)
		return deny(a, status, "it has no context");
	return read_context(next, action, now, a, status);
}

struct bytes
decision_file_rest(const struct decision_file *d)
{
	return d->rest;
}

void
decision_file_back(struct decision_file *d, struct bytes rest)
{
	d->rest = rest;
}
