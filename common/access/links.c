/* SPDX-License-Identifier: ISC */
#include "common/access/links.h"

#include "common/base/memory.h"

#include <stdlib.h>

struct link {
	uint32_t to;   /* a name's number */
	uint32_t next; /* link + 1 of the same name, 0: none */
};

/* One of these for each name, by its number - 1. */
struct linked {
	uint32_t first; /* link + 1, 0: none */
	uint32_t word;  /* of the name in the policy's words, 0: none */
	uint32_t seen;  /* the round in which links_follow() came here */
};

struct links {
	const struct intern *words;
	struct intern names;
	struct linked *linked;
	uint32_t room;
	struct link *link;
	uint32_t links, links_room;
	uint32_t round;
	struct intern identifiers;
	struct bytes *patient; /* by identifier; empty: of two */
	uint32_t patients_room;
};

struct links *
links_new(struct arena *arena, const struct intern *words)
{
	struct links *l = memory_zeros(1, sizeof *l);

	l->words = words;
	intern_init(&l->names, arena);
	intern_init(&l->identifiers, arena);
	return l;
}

void
links_free(struct links *l)
{
	if (!l)
		return;
	intern_release(&l->names);
	intern_release(&l->identifiers);
	free(l->linked);
	free(l->link);
	free(l->patient);
	free(l);
}

static uint32_t
name_of(struct links *l, struct bytes text)
{
	uint32_t before = l->names.count, number = intern_add(&l->names, text);

	if (number <= before)
		return number;
	if (number > l->room) {
		l->room = l->room ? 2 * l->room : 64;
		l->linked = memory_grow(l->linked, l->room, sizeof *l->linked);
	}
	l->linked[number - 1] = (struct linked){ .word = intern_find(l->words, text) };
	return number;
}

void
links_add(struct links *l, struct bytes from, struct bytes to)
{
	uint32_t at = name_of(l, from), target = name_of(l, to);

	if (l->links == l->links_room) {
		l->links_room = l->links_room ? 2 * l->links_room : 64;
		l->link = memory_grow(l->link, l->links_room, sizeof *l->link);
	}
	l->link[l->links++] = (struct link){ .to = target, .next = l->linked[at - 1].first };
	l->linked[at - 1].first = l->links;
}

/* Puts the name NUMBER into the queue unless it is there. */
static void
visit(struct links *l, uint32_t *queue, uint32_t *count, uint32_t number)
{
	if (l->linked[number - 1].seen == l->round)
		return;
	l->linked[number - 1].seen = l->round;
	queue[(*count)++] = number;
}

struct values
links_follow(struct links *l, const struct values *v, struct scratch *scratch)
{
	struct values all = *v;
	uint32_t *queue, count = 0, given;
	struct value *at;

	if (!v->present || l->names.count == 0)
		return all;
	l->round++;
	queue = scratch_array(scratch, l->names.count, sizeof *queue);
	for (uint32_t i = 0; i < v->count; i++) {
		uint32_t number = v->at[i].kind == VALUE_STRING ? intern_find(&l->names, v->at[i].text) : 0;

		if (number != 0)
			visit(l, queue, &count, number);
	}
	given = count;
	for (uint32_t i = 0; i < count; i++)
		for (uint32_t k = l->linked[queue[i] - 1].first; k != 0; k = l->link[k - 1].next)
			visit(l, queue, &count, l->link[k - 1].to);
	if (count == given)
		return all;
	at = scratch_array(scratch, v->count + count - given, sizeof *at);
	memcpy(at, v->at, v->count * sizeof *at);
	for (uint32_t i = given; i < count; i++)
		at[all.count++] = (struct value){ .kind = VALUE_STRING,
			.text = intern_text(&l->names, queue[i]),
			.word = l->linked[queue[i] - 1].word };
	all.at = at;
	return all;
}

void
links_identify(struct links *l, struct bytes identifier, struct bytes id)
{
	uint32_t before = l->identifiers.count, number = intern_add(&l->identifiers, identifier);

	if (number > l->patients_room) {
		l->patients_room = l->patients_room ? 2 * l->patients_room : 64;
		l->patient = memory_grow(l->patient, l->patients_room, sizeof *l->patient);
	}
	if (number > before)
		l->patient[number - 1] = id;
	else if (!bytes_equal(l->patient[number - 1], id))
		l->patient[number - 1] = (struct bytes){ "", 0 };
}

struct bytes
links_patient(const struct links *l, struct bytes identifier)
{
	uint32_t number = intern_find(&l->identifiers, identifier);

	return number ? l->patient[number - 1] : (struct bytes){ "", 0 };
}
