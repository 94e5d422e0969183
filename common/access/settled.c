/* SPDX-License-Identifier: ISC */
#include "common/access/settled.h"

#include "common/base/memory.h"

#include <stdlib.h>

struct settled {
	struct intern names; /* patient NUL directive */
	struct settlement *at;
	uint32_t room;
	struct scratch scratch;
};

static bool
is_state(struct bytes word)
{
	static const char *const states[] = { "draft", "clear", "conflict", "shown", "officer-notified",
		"negotiating", "evaluating", "agreed", "active", "inactive", "closed" };

	for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
		if (bytes_are(word, states[i]))
			return true;
	return false;
}

static bool
read_line(struct settled *s, struct ndjson *n)
{
	struct bytes patient, directive, state, in_force = { "", 0 };
	uint32_t node = json_member(&n->json, 0, bytes_of("in_force")), before = s->names.count, number;

	if (!ndjson_string(n, "patient", &patient) || !ndjson_string(n, "directive", &directive) ||
	    !ndjson_string(n, "state", &state))
		return false;
	if (node == 0)
		return ndjson_fault(n, 0, "missing member 'in_force'");
	if (json_kind(&n->json, node) != JSON_NULL && !ndjson_string(n, "in_force", &in_force))
		return false;
	if (!is_state(state))
		return ndjson_fault(n, 0, "an unknown state");
	if (in_force.size > 0 && bytes_are(state, "inactive"))
		return ndjson_fault(n, 0, "an inactive directive that is in force");
	number = intern_add(&s->names, intern_pair(&s->scratch, reader_patient(patient), directive));
	scratch_reset(&s->scratch);
	if (number <= before)
		return ndjson_fault(n, 0, "a directive that is there twice");
	if (number > s->room) {
		s->room = s->room ? 2 * s->room : 64;
		s->at = memory_grow(s->at, s->room, sizeof *s->at);
	}
	s->at[number - 1] = (struct settlement){ .in_force = in_force,
		.over = bytes_are(state, "closed") || bytes_are(state, "inactive") };
	return true;
}

struct settled *
settled_read(struct access_reader *r, struct bytes text)
{
	struct settled *s = memory_zeros(1, sizeof *s);
	struct ndjson n;

	intern_init(&s->names, r->arena);
	ndjson_init(&n, r, NULL, text);
	while (ndjson_next(&n))
		if (!read_line(s, &n))
			break;
	ndjson_release(&n);
	if (!r->fault->text[0])
		return s;
	settled_free(s);
	return NULL;
}

void
settled_free(struct settled *s)
{
	if (!s)
		return;
	intern_release(&s->names);
	scratch_release(&s->scratch);
	free(s->at);
	free(s);
}

const struct settlement *
settled_find(struct settled *s, struct bytes patient, struct bytes directive)
{
	uint32_t number = intern_find(&s->names, intern_pair(&s->scratch, patient, directive));

	scratch_reset(&s->scratch);
	return number ? &s->at[number - 1] : NULL;
}
