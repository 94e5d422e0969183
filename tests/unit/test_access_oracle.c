/* SPDX-License-Identifier: ISC */
/*
 * Decisions on random policies and requests, compared byte for byte with those of an oracle that shares no
 * source with the program (tests/lib/oracle.h).  Then the oracle makes one mistake after the other, and the
 * comparison must find each.
 */
#include "tests/lib/authz_world.h"
#include "tests/lib/oracle.h"

enum { WORLDS = 1000, QUESTIONS = 100 };

static struct text wanted;

static unsigned long asked, permitted, denied, limited, open;
static unsigned different;

static void
count(const struct oracle_verdict *v)
{
	asked++;
	permitted += v->permitted;
	denied += !v->permitted;
	limited += v->permitted && (v->redacts > 0 || v->keeps > 0 || v->owes > 0 || v->level_owed);
	open += strcmp(v->reason, "missing-attribute") == 0 || strcmp(v->reason, "consent-several") == 0;
}

/* What a request about one entry adds for its narrowing is not compared, nor what it takes away. */
static bool
agrees(const struct world *w, const struct question *q, struct oracle_verdict *v)
{
	bool allowed = authz_ask(q, "\"decided_by\":", ",\"reason_user\":");

	oracle_decide(v, w, q);
	oracle_say(&wanted, v, w, q);
	if (!q->narrowed)
		return strcmp(wanted.at, authz_answer.at) == 0;
	if (v->denied[0] || v->denied[1] || v->denied[2] || v->denied[3])
		return strcmp(wanted.at, authz_answer.at) == 0 || (!allowed && v->step_up);
	return v->permitted || !allowed;
}

static void
compare(const struct world *w)
{
	static struct oracle_verdict v;

	for (int i = 0; i < QUESTIONS; i++) {
		struct question q;

		world_question(&q, w, world_draw(5) == 0);
		if (!agrees(w, &q, &v) && different++ < 3)
			printf("# %s\n# want %s\n# got  %s\n", authz_request.at, wanted.at, authz_answer.at);
		count(&v);
	}
}

/* True if a mistake of the oracle shows. */
static bool
finds(int fault)
{
	static struct world w;
	static struct oracle_verdict v;
	bool found = false;

	for (int i = 0; i < WORLDS && !found; i++) {
		world_make(&w);
		authz_load(&w, false);
		oracle_fault = fault;
		for (int k = 0; k < QUESTIONS && !found; k++) {
			struct question q;

			world_question(&q, &w, world_draw(5) == 0);
			found = !agrees(&w, &q, &v);
		}
		oracle_fault = 0;
	}
	return found;
}

int
main(void)
{
	static struct world w;
	int found = 0;

	authz_make_world();
	for (int i = 0; i < WORLDS; i++) {
		world_make(&w);
		authz_load(&w, false);
		compare(&w);
	}
	printf("# %lu decisions: %lu permits, %lu denials, %lu permits with obligations, %lu undecided\n",
	    asked, permitted, denied, limited, open);
	check(different == 0);
	check(asked >= 100000);
	check(permitted * 100 >= asked * 20);
	check(denied * 100 >= asked * 20);
	check(limited * 100 >= asked * 10);
	check(open * 100 >= asked * 5);
	for (int i = 1; i <= ORACLE_FAULTS && different == 0; i++) {
		bool one = finds(i);

		found += one;
		if (!one)
			printf("# fault %d is not found\n", i);
	}
	check(found == ORACLE_FAULTS);
	authz_end();
	return tap_end();
}
