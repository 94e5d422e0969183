/* SPDX-License-Identifier: ISC */
#include "common/base/hash.h"
#include "common/base/memory.h"
#include "common/label/ruleset.h"

#include <stdlib.h>

/* Fewer triggers are judged faster one after the other. */
enum { MANY = 8 };

/* A trigger, and one of the strings that it asks for. */
struct state_word {
	struct bytes text; /* at NULL: a free slot */
	uint32_t trigger;
};

struct state_words {
	uint32_t *other; /* what stays of the plan's numbers */
	size_t mask;
	struct state_word slot[]; /* open addressing by the string */
};

static const struct ruleset_trigger *
trigger_of(const struct ruleset *s, uint32_t number)
{
	if ((enum path_number)(number >> PATH_INDEX_BITS) != PATH_TRIGGER)
		return NULL;
	return (const struct ruleset_trigger *)(const void *)s->triggers.at + (number & PATH_INDEX);
}

/* How many strings the trigger asks for; 0 if it asks for anything else. */
static size_t
strings_of(const struct ruleset_trigger *t)
{
	const struct condition_test *test;

	if (t == NULL || t->some->tests != 1 || t->some->test[0].kind != CONDITION_TEST_IS)
		return 0;
	test = &t->some->test[0];
	for (size_t i = 0; i < test->scalars; i++)
		if (test->scalar[i].kind != JSON_STRING)
			return 0;
	return test->scalars;
}

static void
add(struct state_words *w, struct bytes text, uint32_t trigger)
{
	size_t at = hash_bytes(text) & w->mask;

	while (w->slot[at].text.at != NULL)
		at = (at + 1) & w->mask;
	w->slot[at] = (struct state_word){ text, trigger };
}

static void
fill(const struct ruleset *s, struct state_plan *plan, struct state_words *w)
{
	size_t kept = 0;

	for (size_t i = 0; i < plan->numbers; i++) {
		const struct ruleset_trigger *t = trigger_of(s, plan->number[i]);
		size_t strings = strings_of(t);

		for (size_t n = 0; n < strings; n++)
			add(w, t->some->test[0].scalar[n].text, plan->number[i] & PATH_INDEX);
		if (strings == 0)
			w->other[kept++] = plan->number[i];
	}
	plan->number = w->other;
	plan->numbers = kept;
}

void
state_words_make(const struct ruleset *s, struct state_plan *plan)
{
	size_t triggers = 0;
	size_t strings = 0;
	size_t slots = 16;
	struct state_words *w;

	for (size_t i = 0; i < plan->numbers; i++) {
		size_t more = strings_of(trigger_of(s, plan->number[i]));

		triggers += more > 0;
		strings += more;
	}
	if (triggers < MANY)
		return;
	while (slots < 2 * strings)
		slots *= 2;
	w = memory_zeros(1, sizeof *w + slots * sizeof w->slot[0]);
	w->other = memory_zeros(plan->numbers, sizeof *w->other);
	w->mask = slots - 1;
	fill(s, plan, w);
	plan->words = w;
}

void
state_words_free(struct state_words *w)
{
	if (w != NULL)
		free(w->other);
	free(w);
}

void
state_words_find(const struct state_words *w, struct bytes text,
    void (*found)(void *context, uint32_t trigger), void *context)
{
	for (size_t at = hash_bytes(text) & w->mask; w->slot[at].text.at != NULL; at = (at + 1) & w->mask)
		if (bytes_equal(w->slot[at].text, text))
			found(context, w->slot[at].trigger);
}
