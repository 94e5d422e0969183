/* SPDX-License-Identifier: ISC */
#include "cmd/consent/negotiation.h"

#include "common/base/memory.h"

#include <stdlib.h>

enum state {
	STATE_NONE,
	STATE_DRAFT,
	STATE_CLEAR,
	STATE_CONFLICT,
	STATE_SHOWN,
	STATE_NOTIFIED,
	STATE_NEGOTIATING,
	STATE_EVALUATING,
	STATE_AGREED,
	STATE_ACTIVE,
	STATE_INACTIVE,
	STATE_CLOSED,
	STATES
};

static const char *const state_names[STATES] = { "none", "draft", "clear", "conflict", "shown",
	"officer-notified", "negotiating", "evaluating", "agreed", "active", "inactive", "closed" };

enum party { PATIENT = 1, REGISTRAR = 2, CHECKER = 4, OFFICER = 8 };

static const struct {
	const char *role;
	enum party party;
} parties[] = { { "patient", PATIENT }, { "registrar", REGISTRAR }, { "checker", CHECKER },
	{ "privacy-officer", OFFICER } };

/* Options a to e: those before CHOSEN_BEFORE can be chosen, d is an event of its own, e is to close. */
enum { OPTIONS = 5, CHOSEN_BEFORE = 3, OPTION_NONE = 'e' - 'a' };

enum { DIGEST_SIZE = 7 + 64 };

struct digests {
	struct bytes directive, policy; /* empty: not known, or unchanged */
};

struct negotiation {
	struct bytes patient, directive;
	enum state state;
	struct instant since, last;
	struct digests at_hand;
	struct bytes first_policy; /* of the first check */
	struct bytes in_force;
	struct bytes ending; /* why it was closed */
	struct digests offer[OPTIONS];
	bool offered[OPTIONS];
	bool patient_agreed, officer_agreed;
};

struct negotiations {
	struct arena arena;
	struct scratch scratch;
	struct intern names; /* patient NUL directive */
	struct negotiation *at;
	uint32_t room;
	struct buffer text;
	struct instant now;
	bool has_now;
};

/* The event at hand. */
struct event {
	struct negotiations *all;
	const struct json *j;
	uint32_t *node; /* what a refusal is about */
	struct instant at;
	enum party by;
	struct digests says;
};

struct negotiations *
negotiations_new(const struct instant *now)
{
	struct negotiations *all = memory_zeros(1, sizeof *all);

	intern_init(&all->names, &all->arena);
	buffer_init(&all->text, BUFFER_UNLIMITED);
	if (now) {
		all->now = *now;
		all->has_now = true;
	}
	return all;
}

void
negotiations_free(struct negotiations *all)
{
	if (!all)
		return;
	intern_release(&all->names);
	scratch_release(&all->scratch);
	buffer_release(&all->text);
	arena_release(&all->arena);
	free(all->at);
	free(all);
}

static enum reason
wrong(const struct event *e, uint32_t node, enum reason reason)
{
	*e->node = node;
	return reason;
}

/* The string member NAME of NODE, in the arena; empty if there is none. */
static struct bytes
string(const struct event *e, uint32_t node, const char *name)
{
	uint32_t value = json_member(e->j, node, bytes_of(name));

	if (value == 0 || json_kind(e->j, value) != JSON_STRING)
		return (struct bytes){ "", 0 };
	return arena_copy(&e->all->arena, json_string(e->j, value, &e->all->text));
}

static bool
is_digest(struct bytes text)
{
	if (text.size != DIGEST_SIZE || !bytes_begin(text, "sha256:"))
		return false;
	for (size_t i = 7; i < text.size; i++)
		if (!ascii_is_digit(text.at[i]) && (text.at[i] < 'a' || text.at[i] > 'f'))
			return false;
	return true;
}

/* The digests in NODE, each of which may be absent.  False if one is none. */
static bool
read_digests(const struct event *e, uint32_t node, struct digests *d)
{
	struct {
		const char *name;
		struct bytes *to;
	} members[] = { { "directive_sha256", &d->directive }, { "policy", &d->policy } };

	for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
		uint32_t value = json_member(e->j, node, bytes_of(members[i].name));

		*members[i].to = string(e, node, members[i].name);
		if (value != 0 && !is_digest(*members[i].to))
			return wrong(e, value, REASON_BAD_EVENT) == REASON_NONE;
	}
	return true;
}

/* What would result: an object with one digest or both. */
static bool
read_result(const struct event *e, struct digests *d)
{
	uint32_t node = json_member(e->j, 0, bytes_of("result"));

	*d = (struct digests){ { "", 0 }, { "", 0 } };
	return node == 0 || (json_kind(e->j, node) == JSON_OBJECT && read_digests(e, node, d));
}

/* Other bytes are at hand from now on: what was agreed about the ones before is void. */
static void
take_draft(struct negotiation *n, const struct digests *new)
{
	if (new->directive.size > 0)
		n->at_hand.directive = new->directive;
	n->at_hand.policy = new->policy;
	n->patient_agreed = n->officer_agreed = false;
	memset(n->offered, 0, sizeof n->offered);
}

static enum reason
take_proposed(const struct event *e, struct negotiation *n)
{
	struct digests new = { .directive = e->says.directive, .policy = { "", 0 } };

	if (new.directive.size == 0)
		return REASON_BAD_EVENT;
	take_draft(n, &new);
	return REASON_NONE;
}

/* True if nothing in FINDINGS speaks against the directive. */
static bool
read_findings(const struct event *e, bool *clear)
{
	static const struct {
		const char *kind;
		bool clear;
	} kinds[] = { { "conflict", false }, { "shadowed", false }, { "dead", false }, { "settled", true },
		{ "overridable", true } };
	uint32_t list = json_member(e->j, 0, bytes_of("findings"));

	*clear = true;
	if (list == 0 || json_kind(e->j, list) != JSON_ARRAY)
		return false;
	for (uint32_t i = list + 1; i < e->j->nodes[list].next; i = e->j->nodes[i].next) {
		struct bytes kind = string(e, i, "kind");
		bool known = false;

		for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
			if (bytes_are(kind, kinds[k].kind)) {
				known = true;
				*clear = *clear && kinds[k].clear;
			}
		if (!known)
			return wrong(e, i, REASON_BAD_EVENT) == REASON_NONE;
	}
	return true;
}

static enum reason
take_checked(const struct event *e, struct negotiation *n)
{
	bool clear;

	if (e->says.directive.size == 0 || e->says.policy.size == 0 || !read_findings(e, &clear))
		return REASON_BAD_EVENT;
	n->at_hand.policy = e->says.policy;
	if (n->first_policy.size == 0)
		n->first_policy = e->says.policy;
	n->state = clear ? STATE_CLEAR : STATE_CONFLICT;
	return REASON_NONE;
}

static enum reason
take_shown(const struct event *e, struct negotiation *n)
{
	uint32_t rules = json_member(e->j, 0, bytes_of("rules"));

	(void)n;
	if (json_count(e->j, rules) == 0 || json_kind(e->j, rules) != JSON_ARRAY ||
	    !is_digest(string(e, 0, "text_sha256")) || string(e, 0, "language").size == 0)
		return REASON_BAD_EVENT;
	return REASON_NONE;
}

/* The option of an event, -1: none that there is. */
static int
read_option(const struct event *e)
{
	struct bytes option = string(e, 0, "option");

	return option.size == 1 && option.at[0] >= 'a' && option.at[0] < 'a' + OPTIONS ? option.at[0] - 'a'
										       : -1;
}

static enum reason
take_offered(const struct event *e, struct negotiation *n)
{
	int option = read_option(e);
	struct digests result;

	if (option < 0 || string(e, 0, "consequence").size == 0 || !read_result(e, &result))
		return REASON_BAD_EVENT;
	if (option < CHOSEN_BEFORE && result.directive.size == 0 && result.policy.size == 0)
		return REASON_BAD_EVENT;
	n->offered[option] = true;
	n->offer[option] = result;
	return REASON_NONE;
}

static enum reason
take_chosen(const struct event *e, struct negotiation *n)
{
	int option = read_option(e);
	struct digests result;

	if (option < 0)
		return REASON_BAD_EVENT;
	if (option >= CHOSEN_BEFORE || !n->offered[option])
		return REASON_BAD_TRANSITION;
	result = n->offer[option];
	take_draft(n, &result);
	return REASON_NONE;
}

static enum reason
take_alternative(const struct event *e, struct negotiation *n)
{
	struct digests own;

	(void)n;
	if (!read_result(e, &own) || (own.directive.size == 0 && string(e, 0, "words").size == 0))
		return REASON_BAD_EVENT;
	return REASON_NONE;
}

static enum reason
take_accepted(const struct event *e, struct negotiation *n)
{
	struct digests result;

	if (!read_result(e, &result) || (result.directive.size == 0 && result.policy.size == 0))
		return REASON_BAD_EVENT;
	take_draft(n, &result);
	return REASON_NONE;
}

static enum reason
take_rejected(const struct event *e, struct negotiation *n)
{
	(void)n;
	return string(e, 0, "why").size > 0 ? REASON_NONE : REASON_BAD_EVENT;
}

/* The officer's word is needed for a policy that the house did not have when it first checked. */
static bool
needs_officer(const struct negotiation *n)
{
	return !bytes_equal(n->at_hand.policy, n->first_policy);
}

static enum reason
take_agreed(const struct event *e, struct negotiation *n)
{
	bool *agreed = e->by == PATIENT ? &n->patient_agreed : &n->officer_agreed;

	if ((e->by == PATIENT ? e->says.directive : e->says.policy).size == 0)
		return REASON_BAD_EVENT;
	if (*agreed)
		return REASON_BAD_TRANSITION;
	*agreed = true;
	n->state = STATE_AGREED;
	if (!n->patient_agreed || (needs_officer(n) && !n->officer_agreed))
		return REASON_NONE;
	n->state = STATE_ACTIVE;
	n->in_force = n->at_hand.directive;
	return REASON_NONE;
}

static enum reason
take_withdrawn(const struct event *e, struct negotiation *n)
{
	(void)e;
	n->in_force.size = 0;
	n->patient_agreed = n->officer_agreed = false;
	memset(n->offered, 0, sizeof n->offered);
	if (n->state != STATE_CLOSED)
		n->state = STATE_INACTIVE;
	return REASON_NONE;
}

static enum reason
take_closed(const struct event *e, struct negotiation *n)
{
	struct bytes ending = string(e, 0, "reason");

	if (!bytes_are(ending, "no-agreement") && !bytes_are(ending, "moved"))
		return REASON_BAD_EVENT;
	n->ending = ending;
	return REASON_NONE;
}

#define IN(state) (1U << STATE_##state)
#define ANYWHERE (((1U << STATES) - 1) & ~IN(NONE) & ~IN(CLOSED))

static const struct step {
	const char *event;
	unsigned from, by;
	enum state to; /* STATE_NONE: take() says it */
	enum reason (*take)(const struct event *e, struct negotiation *n);
} steps[] = {
	{ "proposed", ANYWHERE | IN(NONE), PATIENT | REGISTRAR, STATE_DRAFT, take_proposed },
	{ "checked", IN(DRAFT), CHECKER, STATE_NONE, take_checked },
	{ "shown", IN(CONFLICT), REGISTRAR, STATE_SHOWN, take_shown },
	{ "refused", IN(SHOWN), PATIENT, STATE_NOTIFIED, NULL },
	{ "contacted", IN(NOTIFIED), OFFICER, STATE_NEGOTIATING, NULL },
	{ "offered", IN(NEGOTIATING), OFFICER, STATE_NEGOTIATING, take_offered },
	{ "chosen", IN(NEGOTIATING), PATIENT, STATE_DRAFT, take_chosen },
	{ "alternative", IN(NEGOTIATING), PATIENT, STATE_EVALUATING, take_alternative },
	{ "accepted", IN(EVALUATING), OFFICER, STATE_DRAFT, take_accepted },
	{ "rejected", IN(EVALUATING), OFFICER, STATE_NEGOTIATING, take_rejected },
	{ "agreed", IN(CLEAR) | IN(AGREED), PATIENT | OFFICER, STATE_NONE, take_agreed },
	{ "withdrawn", ANYWHERE | IN(NONE) | IN(CLOSED), PATIENT, STATE_NONE, take_withdrawn },
	{ "closed", ANYWHERE, PATIENT | OFFICER, STATE_CLOSED, take_closed },
};

static const struct step *
find_step(const struct event *e)
{
	struct bytes name = string(e, 0, "event");

	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
		if (bytes_are(name, steps[i].event))
			return &steps[i];
	return NULL;
}

/* Reads what each event has.  False: it is malformed. */
static bool
read_event(struct event *e)
{
	uint32_t by = json_member(e->j, 0, bytes_of("by")), v = json_member(e->j, 0, bytes_of("v"));
	uint64_t version;
	struct bytes role;

	if (v == 0 || !json_integer(e->j, v, &version) || version != 1 || by == 0 ||
	    json_kind(e->j, by) != JSON_OBJECT || string(e, by, "id").size == 0 ||
	    !clock_parse_instant(string(e, 0, "at"), &e->at) || !read_digests(e, 0, &e->says))
		return false;
	role = string(e, by, "role");
	for (size_t i = 0; i < sizeof parties / sizeof parties[0]; i++)
		if (bytes_are(role, parties[i].role))
			e->by = parties[i].party;
	return role.size > 0;
}

/*
 * What an event says of digests is about those at hand.  A proposal and a check bring new ones.  A withdrawal
 * may name what is in force while other bytes are at hand, or be the first that is heard of a directive.
 */
static bool
digests_match(const struct event *e, const struct step *step, const struct negotiation *n)
{
	const struct digests *says = &e->says;
	struct bytes policy = n->at_hand.policy;

	if (step->take == take_withdrawn)
		return n->state == STATE_NONE || says->directive.size == 0 ||
		       bytes_equal(says->directive, n->at_hand.directive) ||
		       bytes_equal(says->directive, n->in_force);
	if (step->to != STATE_DRAFT || step->take != take_proposed)
		if (says->directive.size > 0 && !bytes_equal(says->directive, n->at_hand.directive))
			return false;
	if (step->take == take_proposed)
		return true;
	return says->policy.size == 0 || policy.size == 0 || bytes_equal(says->policy, policy);
}

static struct negotiation *
find(struct negotiations *all, struct bytes patient, struct bytes directive)
{
	uint32_t before = all->names.count;
	uint32_t number = intern_add(&all->names, intern_pair(&all->scratch, patient, directive));

	scratch_reset(&all->scratch);
	if (number > all->room) {
		all->room = all->room ? 2 * all->room : 64;
		all->at = memory_grow(all->at, all->room, sizeof *all->at);
	}
	if (number > before)
		all->at[number - 1] = (struct negotiation){ .patient = patient, .directive = directive };
	return &all->at[number - 1];
}

static enum reason
apply(const struct event *e, const struct step *step, struct negotiation *n)
{
	struct negotiation next = *n;
	enum reason reason;

	if (n->state != STATE_NONE && instant_compare(e->at, n->last) < 0)
		return wrong(e, json_member(e->j, 0, bytes_of("at")), REASON_TIME_BACKWARDS);
	if (!(step->from >> n->state & 1))
		return wrong(e, json_member(e->j, 0, bytes_of("event")), REASON_BAD_TRANSITION);
	if (!(step->by & e->by))
		return wrong(e, json_member(e->j, 0, bytes_of("by")), REASON_WRONG_PARTY);
	if (!digests_match(e, step, n))
		return wrong(e, 0, REASON_DIGEST_MISMATCH);
	reason = step->take ? step->take(e, &next) : REASON_NONE;
	if (reason != REASON_NONE)
		return reason;
	if (step->to != STATE_NONE)
		next.state = step->to;
	next.last = e->at;
	if (next.state != n->state)
		next.since = e->at;
	*n = next;
	return REASON_NONE;
}

enum reason
negotiations_take(struct negotiations *all, const struct json *j, uint32_t *node)
{
	struct event e = { .all = all, .j = j, .node = node };
	const struct step *step;
	struct bytes patient, directive;

	*node = 0;
	if (json_kind(j, 0) != JSON_OBJECT)
		return REASON_NOT_AN_OBJECT;
	patient = string(&e, 0, "patient");
	directive = string(&e, 0, "directive");
	step = find_step(&e);
	if (!step || patient.size == 0 || directive.size == 0 || memchr(patient.at, '\0', patient.size) ||
	    !read_event(&e))
		return REASON_BAD_EVENT;
	if (all->has_now && instant_compare(e.at, all->now) > 0)
		return REASON_NONE;
	return apply(&e, step, find(all, patient, directive));
}

static void
write_digest(struct json_write *w, const char *name, struct bytes digest)
{
	if (digest.size > 0)
		json_write_member_word(w, name, digest);
	else
		json_write_member_value(w, name, (struct bytes)BYTES("null"));
}

/* The agreements that are needed before the bytes at hand are in force. */
static void
write_open(struct json_write *w, const struct negotiation *n)
{
	bool settled = n->state == STATE_ACTIVE || n->state == STATE_INACTIVE || n->state == STATE_CLOSED;

	json_write_name(w, "open");
	json_write_open(w, '[');
	if (!settled && !n->patient_agreed)
		json_write_word(w, bytes_of("patient-agreement"));
	if (!settled && n->at_hand.policy.size > 0 && needs_officer(n) && !n->officer_agreed)
		json_write_word(w, bytes_of("officer-agreement"));
	json_write_close(w, ']');
}

/* All of them until the officer has offered some; d and e need no offer. */
static void
write_options(struct json_write *w, const struct negotiation *n)
{
	json_write_name(w, "options");
	json_write_open(w, '[');
	for (int i = 0; i < OPTIONS; i++) {
		char letter = (char)('a' + i);

		if (n->state == STATE_NOTIFIED ||
		    (n->state == STATE_NEGOTIATING && (n->offered[i] || i >= CHOSEN_BEFORE)) ||
		    (n->state == STATE_EVALUATING && i == OPTION_NONE))
			json_write_word(w, (struct bytes){ &letter, 1 });
	}
	json_write_close(w, ']');
}

bool
negotiations_write(const struct negotiations *all, uint32_t i, struct json_write *w)
{
	const struct negotiation *n;
	char since[32];

	if (i >= all->names.count)
		return false;
	n = &all->at[i];
	if (n->state == STATE_NONE)
		return true;
	clock_format(n->since, since);
	json_write_open(w, '{');
	json_write_member_number(w, "v", 1);
	json_write_member(w, "directive", n->directive);
	json_write_member(w, "patient", n->patient);
	json_write_member_word(w, "state", bytes_of(state_names[n->state]));
	json_write_member_word(w, "since", bytes_of(since));
	write_digest(w, "directive_sha256", n->at_hand.directive);
	write_digest(w, "in_force", n->in_force);
	write_digest(w, "policy", n->at_hand.policy);
	write_open(w, n);
	write_options(w, n);
	if (n->state == STATE_CLOSED)
		json_write_member_word(w, "reason", n->ending);
	if (n->state == STATE_NOTIFIED)
		json_write_member_value(w, "notice",
		    (struct bytes)BYTES("{\"to\":\"privacy-officer\",\"code\":\"consent-refused\"}"));
	json_write_close(w, '}');
	return true;
}
