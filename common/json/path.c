/* SPDX-License-Identifier: ISC */
#include "common/json/path.h"

#include "common/json/pathcode.h"

/*
 * One expression as an automaton.  A state is a set of at most 64 instructions, so it is one word and needs
 * no table.
 */
enum { MAX_CODE = 64 };

static const char too_many_steps[] = "path of more than 63 steps";

struct path {
	struct path_instruction *at;
	struct path_select *select;
	uint64_t behind[MAX_CODE + 1]; /* instruction i and those that its jumps reach */
	uint64_t tests;                /* the PATH_SELECTs */
	uint64_t each;                 /* the PATH_EACHs */
	bool vary;
	unsigned count;
};

bool
path_is_name(struct bytes text)
{
	for (size_t i = 0; i < text.size; i++)
		if (!ascii_continues_name(text.at[i]))
			return false;
	return text.size > 0;
}

/* Backwards, because jumps go forward alone. */
static void
close_over(struct path *path)
{
	for (unsigned i = path->count; i-- > 0;) {
		struct path_instruction at = path->at[i];

		path->behind[i] = UINT64_C(1) << i;
		if (at.op == PATH_SPLIT)
			path->behind[i] = path->behind[i + 1] | path->behind[i + at.value];
		else if (at.op == PATH_JUMP)
			path->behind[i] = path->behind[i + at.value];
		else if (at.op == PATH_DESCEND)
			path->behind[i] |= path->behind[i + 1];
		else if (at.op == PATH_SELECT)
			path->tests |= path->behind[i];
		else if (at.op == PATH_EACH)
			path->each |= path->behind[i];
	}
}

enum path_outcome
path_compile(struct arena *a, struct json_keys *keys, struct bytes expression, struct path **path,
    size_t *byte, const char **fault)
{
	struct path_code code = { .arena = a, .keys = keys };
	enum path_outcome outcome = pathcode_add(&code, expression, 0, byte);

	*fault = code.fault;
	if (outcome != PATH_PLAIN)
		return outcome;
	if (code.count > MAX_CODE) {
		*byte = 1;
		*fault = too_many_steps;
		return PATH_FAULT;
	}
	*path = arena_take(a, sizeof **path);
	(*path)->at = code.at;
	(*path)->select = code.select;
	(*path)->count = (unsigned)code.count;
	close_over(*path);
	return PATH_PLAIN;
}

void
path_vary(struct path *path)
{
	path->vary = true;
}

struct path_walk {
	const struct path *path;
	const struct json *j;
	const struct path_wall *wall;
	bool (*found)(void *context, uint32_t node);
	void *context;
};

/* Settles the selects of STATE at NODE.  Behind one stand only later ones, so the loop ends. */
static uint64_t
settle(const struct path_walk *w, uint64_t state, uint32_t node, bool as_null)
{
	const struct path *path = w->path;
	uint64_t open;

	while ((open = state & path->tests) != 0) {
		unsigned i = (unsigned)__builtin_ctzll(open);

		state &= ~(UINT64_C(1) << i);
		if (pathcode_holds(&path->select[path->at[i].value], w->j, node, as_null, w->wall))
			state |= path->behind[i + 1];
	}
	return state;
}

/* One step down from STATE: to the member of key WHICH, or to the element WHICH. */
static uint64_t
step(const struct path *path, uint64_t state, bool member, uint32_t which)
{
	uint64_t below = 0;

	for (; state != 0; state &= state - 1) {
		unsigned i = (unsigned)__builtin_ctzll(state);
		struct path_instruction at = path->at[i];

		if (at.op == PATH_DESCEND || (at.op == PATH_MEMBER && !member && path->vary))
			below |= path->behind[i];
		else if (at.op == PATH_EACH ||
			 (at.op == (member ? PATH_MEMBER : PATH_ELEMENT) && at.value == which))
			below |= path->behind[i + 1];
	}
	return below;
}

/* BELOW at a value that is no array, where shapes vary.  Jumps go forward, so one round is enough. */
static uint64_t
stay(const struct path *path, uint64_t below)
{
	for (uint64_t each = below & path->each; each != 0; each &= each - 1)
		below |= path->behind[__builtin_ctzll(each) + 1];
	return below;
}

/* The last instruction is the match.  The recursion is as deep as the text, and json_init limits that. */
static bool
visit(const struct path_walk *w, uint64_t state, uint32_t node, bool as_null) // NOLINT(misc-no-recursion)
{
	const struct json_node *nodes = w->j->nodes;
	uint64_t match = UINT64_C(1) << (w->path->count - 1);
	bool members = nodes[node].kind == JSON_OBJECT;
	uint32_t index = 0;

	state = settle(w, state, node, as_null);
	if ((state & match) != 0 && !w->found(w->context, node))
		return false;
	state &= ~match;
	if (state == 0 || as_null || !(members || nodes[node].kind == JSON_ARRAY))
		return true;
	for (uint32_t child = node + 1; child < nodes[node].next; child = nodes[child].next, index++) {
		uint32_t value = members ? child + 1 : child;
		uint64_t below = step(w->path, state, members, members ? nodes[child].key : index);

		if (w->path->vary && members && nodes[value].kind != JSON_ARRAY)
			below = stay(w->path, below);
		if (below != 0 && !visit(w, below, value, path_walled(w->wall, value)))
			return false;
	}
	return true;
}

bool
path_each(const struct path *path, const struct json *j, uint32_t root, const struct path_wall *wall,
    bool (*found)(void *context, uint32_t node), void *context)
{
	struct path_walk w = { path, j, wall, found, context };

	return visit(&w, path->behind[0], root, false);
}

static bool
keep_first(void *context, uint32_t node)
{
	*(uint32_t *)context = node;
	return false;
}

bool
path_first(const struct path *path, const struct json *j, uint32_t root, const struct path_wall *wall,
    uint32_t *node)
{
	return !path_each(path, j, root, wall, keep_first, node);
}
