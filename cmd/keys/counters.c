/* SPDX-License-Identifier: ISC */
#include "cmd/keys/counters.h"

#include "cmd/keys/store.h"
#include "common/base/memory.h"

#include <errno.h>
#include <stdlib.h>

static bool
damaged(struct verb_answer *a, const char *what)
{
	(void)verb_fault(a, EXIT_KEYS,
	    "counters.json: %s; put back a copy of it, with no number lower than what was accepted or sent "
	    "since, or make and enrol a device anew",
	    what);
	return false;
}

bool
counters_begin(struct counters *c, const struct keys *k, struct verb_answer *a)
{
	*c = (struct counters){ .keys = k };
	intern_init(&c->names, &c->arena);
	if (keys_counters(k, &c->text, &c->json))
		return true;
	if (errno != 0)
		return verb_io_fault(a, "counters.json");
	return damaged(a, "not a JSON object");
}

void
counters_end(struct counters *c)
{
	json_release(&c->json);
	buffer_release(&c->text);
	intern_release(&c->names);
	arena_release(&c->arena);
	free(c->value);
	c->value = NULL;
}

bool
counters_get(const struct counters *c, const char *name, uint64_t *value, struct verb_answer *a)
{
	uint32_t number = intern_find(&c->names, bytes_of(name)), node;

	*value = 0;
	if (number != 0) {
		*value = c->value[number - 1];
		return true;
	}
	node = json_member(&c->json, 0, bytes_of(name));
	if (node == 0 || json_integer(&c->json, node, value))
		return true;
	return damaged(a, "a counter that is no number");
}

void
counters_set(struct counters *c, const char *name, uint64_t value)
{
	uint32_t number = intern_add(&c->names, bytes_of(name));

	c->value = memory_grow(c->value, c->names.count, sizeof *c->value);
	c->value[number - 1] = value;
}

/* Those that were set, and behind them the others as they were. */
bool
counters_write(const struct counters *c, struct verb_answer *a)
{
	const struct json *j = &c->json;
	struct store_note note;

	store_note_begin(&note);
	for (uint32_t number = c->names.count; number > 0; number--) {
		json_write_key(&note.line, intern_text(&c->names, number));
		json_write_natural(&note.line, c->value[number - 1]);
	}
	for (uint32_t m = 1; m < j->nodes[0].next; m = j->nodes[m].next)
		if (intern_find(&c->names, json_inside(j, m)) == 0)
			json_write_copy(&note.line, j, m);
	return store_note_put(&note, keys_directory(c->keys), "counters.json", 0600, a);
}

bool
counter_read(const struct keys *k, const char *name, uint64_t *value, struct verb_answer *a)
{
	struct counters c;
	bool good = counters_begin(&c, k, a) && counters_get(&c, name, value, a);

	counters_end(&c);
	return good;
}

bool
counter_write(const struct keys *k, const char *name, uint64_t value, struct verb_answer *a)
{
	struct counters c;
	bool good = counters_begin(&c, k, a);

	if (good) {
		counters_set(&c, name, value);
		good = counters_write(&c, a);
	}
	counters_end(&c);
	return good;
}
