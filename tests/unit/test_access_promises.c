/* SPDX-License-Identifier: ISC */
/*
 * What decisions promise, on random policies and requests (tests/lib/world.h):
 *
 *	outvoted   a layer that denies or is undecided denies, but for a consent that is overridden
 *	named      a Permit names a rule in each layer that permits, or says that it is the default
 *	reasons    reason_user is one of two constants
 *	order      the order of rules, directives and facts changes no byte
 *	public     a denial reads like any other where it goes to another domain
 *	inactive   a directive that is not active changes no byte
 *	deny       one more deny, or one more directive where one applies, never permits more
 *	missing    an attribute that is left out never permits more
 *	instants   a decision is the same at each instant until valid_until
 *	claim      a lower claimed level never gives a higher one
 */
#include "tests/lib/authz_world.h"

enum { WORLDS = 1000, QUESTIONS = 100 };

enum promise { OUTVOTED, NAMED, REASONS, ORDER, PUBLIC, INACTIVE, DENY, MISSING, INSTANTS, CLAIM, PROMISES };

static const char *const names[] = { "outvoted", "named", "reasons", "order", "public", "inactive", "deny",
	"missing", "instants", "claim" };

static unsigned long tried[PROMISES];
static unsigned broken[PROMISES];

static void
promise(enum promise p, bool kept)
{
	tried[p]++;
	if (!kept && broken[p]++ < 3)
		printf("# %s: %s\n# %s\n", names[p], authz_request.at, authz_answer.at);
}

/* A question, and what came of it first. */
static struct asked {
	uint64_t hash;
	struct question question;
	int until;                  /* hours, -1: none */
	char level[2];              /* empty: none */
	bool permitted, by_default; /* BY_DEFAULT: no directive applied */
} asked[QUESTIONS];

static uint64_t
hash(const char *text)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * UINT64_C(1099511628211);
	return h;
}

/* From the rules to the end: what must be the same is all of it. */
static bool
ask(const struct question *q)
{
	return authz_ask(q, "\"decided_by\":", ",\"reason_admin\":");
}

static int
hour_of(const char *member)
{
	static const char before[] = ",\"valid_until\":\"2026-03-";
	int day, hour;

	if (!member)
		return -1;
	day = (int)strtol(member + sizeof before - 1, NULL, 10);
	hour = (int)strtol(member + sizeof before - 1 + strlen("02T"), NULL, 10);
	return (day - 1) * 24 + hour;
}

/* A layer may permit what no rule denies, and a clearance has no rules. */
static bool
grants_by_default(const struct world *w, const char *layer)
{
	return (w->house_permits && strstr(layer, "\"layer\":\"organization\"")) ||
	       (w->outbound_permits && strstr(layer, "\"layer\":\"outbound\"")) ||
	       strstr(layer, "\"layer\":\"clearance\"");
}

/* The layers of the answer, one by one. */
static void
look_at_layers(const struct world *w, bool permitted)
{
	char *layers = strstr(authz_answer.at, "\"layers\":["),
	     *end = strstr(authz_answer.at, "],\"obligations\"");
	static struct text one;

	for (char *at = layers; at && at < end;) {
		char *next = strstr(at + 1, "{\"layer\":\"");
		char *level = strstr(at, "],\"al\":");
		bool refuses, overridden;

		if (!next || next > end)
			next = level ? level : end;
		one.used = 0;
		say(&one, "%.*s", (int)(next - at), at);
		at = next == end || next == level ? NULL : next;
		if (!strstr(one.at, "\"layer\":"))
			continue;
		refuses =
		    strstr(one.at, "\"result\":\"Deny\"") || strstr(one.at, "\"result\":\"Indeterminate\"");
		overridden =
		    strstr(one.at, "\"layer\":\"consent\"") && strstr(one.at, "\"overridden_by\":[\"");
		promise(OUTVOTED, !permitted || !refuses || overridden);
		if (permitted && !grants_by_default(w, one.at) && strstr(one.at, "\"result\":\"Permit\""))
			promise(NAMED, strstr(one.at, "\"rules\":[\"") || strstr(one.at, "\"default\":true"));
	}
}

static void
ask_first(struct asked *a, const struct world *w)
{
	char *consent, *level;

	world_question(&a->question, w, world_draw(5) == 0);
	a->permitted = ask(&a->question);
	a->hash = hash(authz_answer.at);
	a->until = hour_of(strstr(authz_answer.at, ",\"valid_until\":"));
	consent = strstr(authz_answer.at, "{\"layer\":\"consent\"");
	a->by_default = !consent || strstr(consent, "\"default\":true") != NULL;
	level = strstr(authz_answer.at, "\"rl\":\"");
	a->level[0] = '\0';
	if (level)
		memcpy(a->level, level + 6, 1);
	promise(REASONS, strcmp(strstr(authz_answer.at, ",\"reason_user\":"),
			     a->permitted ? ",\"reason_user\":{\"en\":\"Allowed.\"}"
					  : ",\"reason_user\":{\"en\":\"Not allowed.\"}") == 0);
	look_at_layers(w, a->permitted);
}

static void
ask_again(enum promise p)
{
	for (int i = 0; i < QUESTIONS; i++) {
		bool permitted = ask(&asked[i].question);

		promise(p, permitted == asked[i].permitted && hash(authz_answer.at) == asked[i].hash);
	}
}

/* With fewer obligations a point that can do little may be able to do all. */
static bool
can_little(const struct question *q)
{
	for (int i = 0; i < q->count; i++)
		if (strcmp(q->at[i].attribute, "context.supported_actions") == 0)
			return true;
	return false;
}

static void
ask_for_more(bool where_one_applies)
{
	for (int i = 0; i < QUESTIONS; i++)
		if ((!where_one_applies || !asked[i].by_default) && !can_little(&asked[i].question))
			promise(DENY, !ask(&asked[i].question) || asked[i].permitted);
}

static bool
must_be_there(const char *attribute)
{
	static const char *const tops[] = { "subject.type", "subject.id", "action.name", "resource.type",
		"resource.id" };

	for (size_t i = 0; i < sizeof tops / sizeof tops[0]; i++)
		if (strcmp(attribute, tops[i]) == 0)
			return true;
	return false;
}

/* A data criterion that is left out asks for more of the record: entries count there, not the decision. */
static bool
is_data(const char *attribute)
{
	for (int i = FIRST_DATA; i < WORDS; i++)
		if (strcmp(attribute, world_words[i].attribute) == 0)
			return true;
	return false;
}

static void
leave_out(const struct asked *a)
{
	struct question less = a->question;
	unsigned i = world_draw((unsigned)less.count + 1);

	if (can_little(&less))
		return;
	if (i == (unsigned)less.count)
		less.time = -1;
	else if (must_be_there(less.at[i].attribute) || is_data(less.at[i].attribute))
		return;
	else
		less.at[i] = less.at[--less.count];
	promise(MISSING, !ask(&less) || a->permitted);
}

static void
ask_later(const struct asked *a)
{
	struct question later = a->question;

	if (!a->permitted || a->until < 0)
		return;
	later.time += (int)world_draw((unsigned)(a->until - later.time));
	promise(INSTANTS, ask(&later) && (hash(authz_answer.at) == a->hash ||
					     strstr(authz_answer.at, "\"expire\"") != NULL));
}

static void
claim_less(const struct asked *a)
{
	struct question less = a->question;
	char *level;

	if (!a->permitted || !a->level[0] || less.claimed == 0)
		return;
	less.claimed = (int)world_draw(less.claimed > 0 ? (unsigned)less.claimed : 6);
	(void)ask(&less);
	level = strstr(authz_answer.at, "\"rl\":\"");
	promise(CLAIM, !level || strchr("ULMNRV", level[6]) <= strstr("ULMNRV", a->level));
}

static void
without_skip(struct rules *r)
{
	for (int i = 0; i < r->count; i++)
		r->at[i].skip = false;
}

static void
ask_public(void)
{
	static const char denial[] = "},\"obligations\":[],\"reason_user\":{\"en\":\"Not allowed.\"";

	for (int i = 0; i < QUESTIONS; i++) {
		const char *rest = authz_answer.at + sizeof denial - 1;

		if (asked[i].permitted)
			continue;
		(void)authz_ask(&asked[i].question, "},\"obligations\"", "}}");
		promise(PUBLIC, strncmp(authz_answer.at, denial, sizeof denial - 1) == 0 &&
				    (*rest == '\0' || strncmp(rest, "},\"time\":", 9) == 0));
	}
}

static void
try_world(struct world *w)
{
	int house = w->of_house.count;

	authz_load(w, false);
	for (int i = 0; i < QUESTIONS; i++)
		ask_first(&asked[i], w);
	for (int i = 0; i < QUESTIONS; i++) {
		leave_out(&asked[i]);
		ask_later(&asked[i]);
		claim_less(&asked[i]);
	}
	for (int i = 0; i < w->facts / 2; i++) {
		struct fact_line swap = w->fact[i];

		w->fact[i] = w->fact[w->facts - 1 - i];
		w->fact[w->facts - 1 - i] = swap;
	}
	authz_load(w, false);
	ask_again(ORDER);
	if (w->consents < 3) {
		struct consent_form *more = &w->consent[w->consents++];

		world_consent(more, 7);
		more->patient = "p";
		more->status = WORLD_PICK("inactive", "rejected", "entered-in-error");
		authz_load(w, false);
		ask_again(INACTIVE);
		more->status = "active";
		without_skip(&more->rules);
		authz_load(w, false);
		if (strcmp(w->on_several, "deny-overrides") == 0)
			ask_for_more(true);
		w->consents--;
	}
	if (house < RULES_MOST) {
		w->of_house.at[house] = world_rule("Z", 0, false);
		w->of_house.count++;
		authz_load(w, false);
		ask_for_more(false);
		w->of_house.count--;
	}
	authz_load(w, true);
	ask_public();
}

int
main(void)
{
	static struct world w;

	authz_make_world();
	for (int i = 0; i < WORLDS; i++) {
		world_make(&w);
		without_skip(&w.of_a);
		without_skip(&w.of_law);
		without_skip(&w.of_house);
		for (int k = 0; k < w.consents; k++)
			without_skip(&w.consent[k].rules);
		for (int k = 0; k < world_nests; k++)
			world_nested[k].skip = false;
		if (world_draw(2))
			w.on_several = "deny-overrides";
		try_world(&w);
	}
	for (int i = 0; i < PROMISES; i++) {
		printf("# %s: %lu times\n", names[i], tried[i]);
		check(broken[i] == 0);
	}
	check(tried[ORDER] >= 100000);
	authz_end();
	return tap_end();
}
