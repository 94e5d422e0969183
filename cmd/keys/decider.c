/* SPDX-License-Identifier: ISC */
#include "cmd/keys/decider.h"

#include "common/access/access.h"
#include "common/access/assertion.h"
#include "common/crypto/signed_line.h"
#include "common/policy/site.h"

#include <fcntl.h>

enum { TEXT_MOST = 1 << 26 };

bool
decider_ready(const struct verb_settings *s, struct verb_answer *a)
{
	if (s->policy != NULL && s->site != NULL)
		return true;
	(void)verb_fault(a, EXIT_USAGE, "by what policy, and where? expected -P DIR and -S DIR");
	return false;
}

struct asking {
	const struct verb_settings *settings;
	struct verb_answer *answer;
	struct policy policy;
	struct arena arena;
	struct access *access;
	struct signers *signers; /* of assertions; NULL: --user is believed */
	struct private_key *key; /* signs decisions; NULL: they are not signed */
	struct buffer decisions;
};

/* Who may say who asks.  False with a fault. */
static bool
load_signers(struct asking *q, enum diag_exit *status)
{
	const char *path =
	    site_path_if_there(&q->arena, q->settings->site, SITE_ASSERTIONS, q->settings->assertions);
	struct fault f = { 0 };

	*status = EXIT_USAGE;
	if ((path != NULL) != (q->settings->audience != NULL)) {
		(void)verb_fault(q->answer, EXIT_USAGE,
		    path ? "for whom are assertions? expected --audience NAME"
			 : "who signs assertions? expected --assertions JWKS");
		return false;
	}
	if (path == NULL)
		return true;
	q->signers = assertion_signers(&q->arena, path, &f, status);
	if (q->signers == NULL)
		(void)verb_fault(q->answer, *status, "%s: %s", f.file, f.text);
	return q->signers != NULL;
}

static bool
load(struct asking *q, enum diag_exit *status)
{
	const char *site = q->settings->site,
		   *consents = site_path_if_there(&q->arena, site, SITE_CONSENTS, NULL), *why = NULL;
	struct access_sources from = { .policy = &q->policy,
		.consents = &consents,
		.consents_count = consents != NULL,
		.consent_state = q->settings->consent_state,
		.facts = site_path_if_there(&q->arena, site, SITE_FACTS, NULL),
		.appends_facts = true,
		.entities = site_path_if_there(&q->arena, site, SITE_ENTITIES, NULL) };
	const struct keyref_access access = { .pin_file = q->settings->pin_file,
		.parent_pin_file = q->settings->parent_pin_file };
	struct fault f = { 0 };

	if (!load_signers(q, status))
		return false;
	from.signers = q->signers;
	from.audience = bytes_of(q->settings->audience ? q->settings->audience : "");
	if (trust_load(&q->policy, q->settings->policy, &q->settings->trust, &f))
		q->access = access_load(&from, &f);
	if (q->access == NULL) {
		*status = verb_policy_fault(q->answer, &f);
		return false;
	}
	if (access_unfinished(q->access) > 0)
		verb_note(q->answer, "facts.ndjson: the last line is unfinished and does not count");
	if (q->settings->sign == NULL)
		return true;
	q->key = keyref_open(AT_FDCWD, q->settings->sign, &access, &why);
	if (q->key == NULL)
		*status = verb_fault(
		    q->answer, EXIT_KEYS, "key-invalid: %s: %s", keyref_shown(q->settings->sign), why);
	return q->key != NULL;
}

static void
show(const struct asking *q, const char *what, struct bytes line)
{
	struct buffer *notes = &q->answer->notes;

	if (!q->settings->verbose)
		return;
	buffer_add(notes, what, strlen(what));
	buffer_add(notes, line.at, line.size);
	buffer_add(notes, "\n", 1);
}

/*
 * What the message does not say of a denial: who is unknown, which directive cannot be read, what cannot be
 * carried out.
 */
static void
tell(const struct asking *q, const char *code)
{
	const struct fault *w;
	struct buffer undone;
	struct bytes rest, line;
	const char *user = q->settings->user;

	if (strcmp(code, "default-deny") == 0 && user != NULL && !access_has_user(q->access, bytes_of(user)))
		verb_note(q->answer,
		    "%s/entities.ndjson: no user %s, and no rule permits anything to somebody of whom "
		    "nothing "
		    "is known",
		    q->settings->site, user);
	for (size_t i = 0; strcmp(code, "consent-unreadable") == 0; i++) {
		w = access_warning(q->access, i);
		if (w == NULL)
			break;
		verb_note(q->answer, "%s:%u:%u: %s", w->file, w->line, w->column, w->text);
	}
	buffer_init(&undone, BUFFER_UNLIMITED);
	access_undone(q->access, &undone);
	rest = buffer_bytes(&undone);
	while (bytes_line(&rest, &line))
		verb_note(q->answer, "cannot be carried out: %.*s", (int)line.size, line.at);
	if (undone.used > 0)
		verb_note(q->answer, "level keys and grants open whole levels: who may see a part of a level "
				     "gets it sealed to her "
				     "device, as share/examples/disclose.sh --kept does");
	buffer_release(&undone);
}

static bool
decide(struct asking *q, struct buffer *line, enum diag_exit *status)
{
	struct access_decision d;
	struct bytes request = buffer_bytes(line);

	if (!json_slack(line))
		diag_bug("a request longer than it can be");
	request.at = line->at;
	access_decide(q->access, request, &d);
	show(q, "request: ", request);
	show(q, "decision: ", d.text);
	if (!d.permitted) {
		tell(q, d.code ? d.code : "");
		*status = verb_fault(q->answer, EXIT_DENIED,
		    "decision-denied: %s: %s (-v shows request and decision; ehr-policy explain --request "
		    "says what is missing)",
		    d.decided_by ? d.decided_by : "request", d.code ? d.code : "ill-formed");
		return false;
	}
	if (q->key != NULL)
		signed_line_sign(&q->decisions, q->key, d.text);
	else
		buffer_add(&q->decisions, d.text.at, d.text.size);
	buffer_add(&q->decisions, "\n", 1);
	return true;
}

static bool
decide_all(struct asking *q, struct bytes requests, enum diag_exit *status)
{
	struct buffer one; /* a line with JSON_SLACK bytes behind it */
	struct bytes line;
	bool good = true;

	buffer_init(&one, TEXT_MOST);
	while (good && bytes_line(&requests, &line)) {
		one.used = 0;
		buffer_add(&one, line.at, line.size);
		good = decide(q, &one, status);
	}
	buffer_release(&one);
	return good;
}

struct decision_file *
decider_ask(
    const struct verb_settings *s, struct bytes requests, struct verb_answer *a, enum diag_exit *status)
{
	struct asking q = { .settings = s, .answer = a };
	struct decision_file *all = NULL;

	buffer_init(&q.decisions, TEXT_MOST);
	if (load(&q, status) && decide_all(&q, requests, status))
		all = decision_file_of(buffer_bytes(&q.decisions), s, a, status);
	access_free(q.access);
	signers_free(q.signers);
	keyref_free(q.key);
	policy_release(&q.policy);
	arena_release(&q.arena);
	buffer_release(&q.decisions);
	return all;
}
