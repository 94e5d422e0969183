/* SPDX-License-Identifier: ISC */
#include "cmd/select/permission.h"

#include "common/json/json.h"

struct reading {
	struct json json;
	struct buffer room;
	struct permission *permission;
	const struct instant *now;
	const char *why;
	bool needs_now;
};

static bool
deny(struct reading *r, const char *why)
{
	r->why = why;
	return false;
}

/* The member NAME of NODE; 0 if it is absent or NODE is 0. */
static uint32_t
member(const struct reading *r, uint32_t node, const char *name)
{
	return node ? json_member(&r->json, node, bytes_of(name)) : 0;
}

static bool
is(const struct reading *r, uint32_t node, const char *text)
{
	return node != 0 && json_is(&r->json, node, bytes_of(text));
}

/* The time in NODE is an end; now must be before it. */
static bool
read_end(struct reading *r, uint32_t node)
{
	struct instant end;

	if (json_kind(&r->json, node) != JSON_STRING ||
	    !clock_parse_instant(json_string(&r->json, node, &r->room), &end))
		return deny(r, "the decision does not say when it ends");
	if (!r->now) {
		r->needs_now = true;
		return false;
	}
	return instant_compare(*r->now, end) < 0 || deny(r, "the decision has ended");
}

/* Only obligations that ask nothing of the data: redact and keep-only are for the application server. */
static bool
read_obligation(struct reading *r, uint32_t node)
{
	uint32_t properties = member(r, node, "properties"), action = member(r, properties, "action"), at;

	if (!is(r, member(r, node, "type"), "custom") || !is(r, member(r, properties, "vendor"), "ehr"))
		return deny(r, "the decision has an obligation that ehr-select cannot carry out");
	/* the decision's al is the level; the log is the decider's */
	if (is(r, action, "level") || is(r, action, "audit"))
		return true;
	if (!is(r, action, "expire"))
		return deny(r, "the decision has an obligation that ehr-select cannot carry out");
	at = member(r, properties, "at");
	return at ? read_end(r, at) : deny(r, "the decision does not say when it ends");
}

static bool
read_obligations(struct reading *r, uint32_t list)
{
	const struct json_node *nodes = r->json.nodes;

	if (!list || json_kind(&r->json, list) != JSON_ARRAY)
		return deny(r, "the decision has no list of obligations");
	for (uint32_t i = list + 1; i < nodes[list].next; i = nodes[i].next)
		if (!read_obligation(r, i))
			return false;
	return true;
}

static bool
read_about(struct reading *r, uint32_t about)
{
	static const char *const actions[] = { "read", "search", "subscribe" };
	uint32_t action = member(r, about, "action"), subject = member(r, about, "pseudonym");
	bool shows = false;

	for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
		shows = shows || is(r, action, actions[i]);
	if (!shows)
		return deny(r, "the decision is about an action that shows no record");
	if (!subject)
		subject = member(r, about, "patient");
	if (!subject || json_kind(&r->json, subject) != JSON_STRING)
		return deny(r, "the decision is about no patient");
	r->permission->subject = arena_copy(&r->permission->arena, json_string(&r->json, subject, &r->room));
	return r->permission->subject.size > 0 || deny(r, "the decision is about no patient");
}

static bool
read_decision(struct reading *r, struct bytes text)
{
	uint32_t context, decision, until;
	uint64_t al;

	if (!json_parse(&r->json, text) || json_kind(&r->json, 0) != JSON_OBJECT)
		return deny(r, "it is not one decision");
	context = json_member(&r->json, 0, bytes_of("context"));
	decision = json_member(&r->json, 0, bytes_of("decision"));
	if (!decision || json_kind(&r->json, decision) != JSON_TRUE)
		return deny(r, "the decision is not true");
	if (!read_about(r, member(r, context, "about")) ||
	    !read_obligations(r, member(r, context, "obligations")))
		return false;
	if (!member(r, context, "al") || !json_integer(&r->json, member(r, context, "al"), &al) || al > 99)
		return deny(r, "the decision names no authorization level");
	r->permission->al = (unsigned)al;
	until = member(r, context, "valid_until");
	return !until || read_end(r, until);
}

enum permission_outcome
permission_of_decision(struct permission *p, struct bytes text, const struct instant *now, const char **why)
{
	struct reading r = { .permission = p, .now = now };
	bool given;

	*p = (struct permission){ 0 };
	json_init(&r.json, NULL, JSON_MAX_DEPTH);
	buffer_init(&r.room, SIZE_MAX / 2);
	given = read_decision(&r, text);
	json_release(&r.json);
	buffer_release(&r.room);
	*why = r.why;
	if (given)
		return PERMISSION_GIVEN;
	return r.needs_now ? PERMISSION_NEEDS_NOW : PERMISSION_DENIED;
}

enum permission_outcome
permission_of_grant(struct permission *p, const struct grants *g, const struct instant *now, const char **why)
{
	enum grant_fault fault;

	*p = (struct permission){ .grants = g };
	*why = "it is not one grant that verifies";
	if (g->count != 1 || g->bad > 0)
		return PERMISSION_DENIED;
	p->grant = &g->grant[0];
	p->al = p->grant->al;
	fault = p->grant->fault;
	if (fault == GRANT_GOOD)
		fault = grants_revoked(g, p->grant);
	if (fault == GRANT_GOOD && !now)
		return PERMISSION_NEEDS_NOW;
	if (fault == GRANT_GOOD)
		fault = grants_in_time(g, p->grant, *now);
	*why = grant_fault_word(fault);
	return fault == GRANT_GOOD ? PERMISSION_GIVEN : PERMISSION_DENIED;
}

bool
permission_covers(const struct permission *p, struct bytes subject)
{
	if (subject.size == 0)
		return false;
	return p->grant ? grants_cover(p->grants, p->grant, subject) : bytes_equal(p->subject, subject);
}

void
permission_release(struct permission *p)
{
	arena_release(&p->arena);
	*p = (struct permission){ 0 };
}
