/* SPDX-License-Identifier: ISC */
#include "common/policy/jq.h"

#include "common/base/bisect.h"
#include "common/base/buffer.h"
#include "common/base/diag.h"
#include "common/base/memory.h"
#include "common/policy/jq_child.h"
#include "common/policy/jq_text.h"

#include <jq.h>
#include <stdlib.h>
#include <string.h>

/*
 * jq_compile of libjq 1.6 takes 21 ms, since it reads its library of functions each time; a run takes
 * microseconds.  So each program is compiled once, and a policy without jq never calls libjq.  libjq binds
 * variables when it compiles; the values that vary from record to record therefore stand beside the root in
 * an array, which is the input of the program.
 *
 * Programs are compiled here and run in the child (jq_child.h), which is forked at the first run after the
 * last compilation and has them all.  It gets the text of the root, other roots replaced by null, and
 * builds libjq's copy from that.
 *
 * A path() that ends with an error in the middle of an object leaks one key inside libjq, about 20 bytes a
 * record.  An `at:` with ? cannot fail and leaks nothing.
 *
 * Every jv has one owner.  A comment marks each call that takes a jv other than a temporary.
 */
enum { MAX_NUMBER = 1000, MILLISECONDS = 5000, MEGABYTE = 1 << 20 };
enum { DEPTH_MOST = 10001 }; /* of any record; --max-depth allows 10000 */

/* libjq takes up to 130 times the text, for empty objects; of records as they occur, 15 times. */
enum { MEMORY = 256 * MEGABYTE, MEMORY_PER_BYTE = 64 };

struct jq_program {
	jq_state *jq;
	bool has_now;
	struct buffer room;
};

static const char not_understood[] = "jq does not understand this expression";

static void
swallow(void *context, jv message) /* takes MESSAGE */
{
	(void)context;
	jv_free(message);
}

static void
die_of_memory(void *context)
{
	(void)context;
	memory_missing(0);
}

/* The line end closes a comment in TEXT.  The brackets in TEXT pair, so it cannot close those around it. */
static void
write_program(struct buffer *out, struct bytes text, enum jq_use use, bool has_now)
{
	static const struct bytes head = BYTES(". as [$type, $id, $subject, ");
	static const struct bytes with = BYTES("$now, ");
	static const struct bytes rest = BYTES("$__ehr_root] | $__ehr_root | ");
	static const struct bytes path = BYTES("path");

	buffer_add(out, head.at, head.size);
	if (has_now)
		buffer_add(out, with.at, with.size);
	buffer_add(out, rest.at, rest.size);
	if (use == JQ_PATH)
		buffer_add(out, path.at, path.size);
	buffer_add(out, "(", 1);
	buffer_add(out, text.at, text.size);
	buffer_add(out, "\n)", 3); /* and the NUL */
}

/* libjq begins each program with ~/.jq, by HOME or the password file: code that no digest names. */
static void
leave_home(void)
{
	if (setenv("HOME", "/dev/null", 1) != 0)
		memory_missing(0);
}

struct jq_program *
jq_compile_text(struct bytes text, enum jq_use use, bool has_now, size_t *byte, const char **why)
{
	struct jq_program *p;
	struct buffer source;
	bool good;

	if (!jq_text_is_allowed(text, has_now, byte, why))
		return NULL;
	jq_child_stop();
	leave_home();
	jv_nomem_handler(die_of_memory, NULL);
	p = memory_zeros(1, sizeof *p);
	p->jq = jq_init();
	if (p->jq == NULL)
		memory_missing(0);
	jq_set_error_cb(p->jq, swallow, NULL);
	jq_set_nomem_handler(p->jq, die_of_memory, NULL);
	p->has_now = has_now;
	buffer_init(&p->room, BUFFER_UNLIMITED);
	buffer_init(&source, BUFFER_UNLIMITED);
	write_program(&source, text, use, has_now);
	good = jq_compile(p->jq, source.at) != 0;
	buffer_release(&source);
	if (good)
		return p;
	*byte = 0;
	*why = not_understood;
	jq_program_free(p);
	return NULL;
}

void
jq_program_free(struct jq_program *p)
{
	if (p == NULL)
		return;
	jq_child_stop();
	jq_teardown(&p->jq);
	buffer_release(&p->room);
	free(p);
}

/* Of the child. */
struct jq_builder {
	struct jq_program *program;
	const struct json *j;
};

static jv build(const struct jq_builder *b, uint32_t node);

static jv
build_string(const struct jq_builder *b, uint32_t node)
{
	struct bytes text = json_string(b->j, node, &b->program->room);

	return jv_string_sized(text.size > 0 ? text.at : "", (int)text.size);
}

/* strtod needs a NUL behind the number. */
static jv
build_number(const struct jq_builder *b, uint32_t node)
{
	struct bytes text = json_span(b->j, node);
	char copy[MAX_NUMBER + 1];

	if (!bytes_string(text, copy, sizeof copy))
		diag_bug("a number is longer than an index allows");
	return jv_number(strtod(copy, NULL));
}

static jv
build_array(const struct jq_builder *b, uint32_t node) // NOLINT(misc-no-recursion): as deep as the index
{
	jv array = jv_array();

	for (uint32_t at = node + 1; at < b->j->nodes[node].next; at = b->j->nodes[at].next)
		array = jv_array_append(array, build(b, at)); /* takes both */
	return array;
}

static jv
build_object(const struct jq_builder *b, uint32_t node) // NOLINT(misc-no-recursion): as deep as the index
{
	jv object = jv_object();

	for (uint32_t key = node + 1; key < b->j->nodes[node].next; key = b->j->nodes[key].next) {
		jv name = build_string(b, key);

		object = jv_object_set(object, name, build(b, key + 1)); /* takes all three */
	}
	return object;
}

/* The caller owns the result. */
static jv
build(const struct jq_builder *b, uint32_t node) // NOLINT(misc-no-recursion): as deep as the index
{
	switch (json_kind(b->j, node)) {
	case JSON_NULL:
		return jv_null();
	case JSON_FALSE:
		return jv_false();
	case JSON_TRUE:
		return jv_true();
	case JSON_NUMBER:
		return build_number(b, node);
	case JSON_STRING:
		return build_string(b, node);
	case JSON_ARRAY:
		return build_array(b, node);
	case JSON_OBJECT:
		return build_object(b, node);
	case JSON_KEY:
		break;
	}
	diag_bug("a key where a value belongs");
}

enum { TYPE, ID, SUBJECT, NOW, VARIABLES };

/* What the child is asked; the variables that are not null follow, then the text of the root. */
struct request {
	struct jq_program *program;
	size_t size[VARIABLES];
	bool is_null[VARIABLES];
	bool wants_paths;
};

/* What it answers; the nodes follow, by the index of the text that was sent. */
struct answer {
	enum jq_outcome outcome;
};

static struct bytes
cut(struct bytes *from, size_t size)
{
	struct bytes piece = { from->at, size };

	from->at += size;
	from->size -= size;
	return piece;
}

/* Starts the program on [type, id, subject, now?, root]. */
static void
start(const struct jq_builder *b, const struct request *r, struct bytes *rest)
{
	jv input = jv_array();

	for (size_t i = 0; i < VARIABLES; i++) {
		struct bytes text = cut(rest, r->size[i]);

		if (i != NOW || b->program->has_now)
			input = jv_array_append(
			    input, r->is_null[i] ? jv_null() : jv_string_sized(text.at, (int)text.size));
	}
	input = jv_array_append(input, build(b, 0));
	jq_start(b->program->jq, input, 0); /* takes INPUT */
}

/* Frees the values of the run. */
static void
stop(const struct jq_program *p)
{
	jq_start(p->jq, jv_null(), 0);
}

static enum jq_outcome
first_truth(const struct jq_program *p)
{
	enum jq_outcome outcome = JQ_UNKNOWN;
	jv output = jq_next(p->jq);

	if (jv_is_valid(output)) {
		jv_kind kind = jv_get_kind(output);

		outcome = kind == JV_KIND_NULL || kind == JV_KIND_FALSE ? JQ_FALSE : JQ_TRUE;
	}
	jv_free(output);
	return outcome;
}

/* The element INDEX of ARRAY (counted from the end if negative), 0 if there is none. */
static uint32_t
element(const struct json *j, uint32_t array, double index)
{
	uint32_t node = array + 1, count;

	if (json_kind(j, array) != JSON_ARRAY)
		return 0;
	count = json_count(j, array);
	index = index < 0 ? index + count : index;
	if (!(index >= 0 && index < count))
		return 0;
	for (uint32_t left = (uint32_t)index; left > 0; left--)
		node = j->nodes[node].next;
	return node;
}

/* Moves *NODE one step; takes STEP.  False for a slice, which is no node. */
static bool
follow(const struct json *j, jv step, uint32_t *node)
{
	jv_kind kind = jv_get_kind(step);
	bool good = true;

	if (kind == JV_KIND_STRING) {
		struct bytes name = { jv_string_value(step), (size_t)jv_string_length_bytes(jv_copy(step)) };

		*node = json_member(j, *node, name);
	} else if (kind == JV_KIND_NUMBER) {
		*node = element(j, *node, jv_number_value(step));
	} else {
		good = false;
	}
	jv_free(step);
	return good;
}

enum jq_place { PLACE_FOUND, PLACE_ABSENT, PLACE_NONE };

/* Follows PATH, an array of steps; takes it. */
static enum jq_place
resolve(const struct json *j, jv path, uint32_t *node)
{
	enum jq_place place = PLACE_FOUND;
	int steps = jv_get_kind(path) == JV_KIND_ARRAY ? jv_array_length(jv_copy(path)) : 0;

	*node = 0;
	for (int i = 0; i < steps && place == PLACE_FOUND; i++) {
		if (!follow(j, jv_array_get(jv_copy(path), i), node))
			place = PLACE_NONE;
		else if (*node == 0)
			place = PLACE_ABSENT;
	}
	jv_free(path);
	return place;
}

/* Appends the nodes to REPLY. */
static enum jq_outcome
all_paths(const struct jq_builder *b, struct buffer *reply)
{
	enum jq_outcome outcome = JQ_FALSE;
	jv output;

	while (jv_is_valid(output = jq_next(b->program->jq))) {
		uint32_t node;
		enum jq_place place = resolve(b->j, output, &node); /* takes OUTPUT */

		if (place == PLACE_NONE)
			outcome = JQ_UNKNOWN;
		if (place != PLACE_FOUND)
			continue;
		buffer_add(reply, &node, sizeof node);
		if (outcome == JQ_FALSE)
			outcome = JQ_TRUE;
	}
	if (jv_invalid_has_msg(output)) /* takes OUTPUT */
		outcome = JQ_UNKNOWN;
	return outcome;
}

/* Runs in the child. */
static void
serve(struct bytes text, struct buffer *reply)
{
	static struct json j;
	struct answer a = { 0 };
	struct request r;
	struct jq_builder b;
	struct bytes rest = text;

	if (j.text.at == NULL)
		json_init(&j, NULL, DEPTH_MOST);
	memcpy(&r, cut(&rest, sizeof r).at, sizeof r);
	text = rest;
	for (size_t i = 0; i < VARIABLES; i++)
		(void)cut(&text, r.size[i]);
	if (!json_parse(&j, text))
		diag_bug("a root is not JSON on its own");
	b = (struct jq_builder){ r.program, &j };
	start(&b, &r, &rest);
	buffer_add(reply, &a, sizeof a);
	a.outcome = r.wants_paths ? all_paths(&b, reply) : first_truth(b.program);
	memcpy(reply->at, &a, sizeof a);
	stop(b.program);
}

/*
 * The text of the root as it is sent.  Node n of the root's tree has another number there if subtrees
 * before it were replaced by null.
 */
struct gap {
	uint32_t node;  /* of a null, in the text that is sent */
	uint32_t shift; /* of all nodes behind it, up to the next gap */
};

static struct buffer request, reply, gaps;

static void
add_root(const struct json *j, uint32_t root, const struct path_wall *wall)
{
	struct bytes all = json_span(j, root);
	const char *from = all.at;
	uint32_t shift = root;

	gaps.used = 0;
	for (uint32_t i = root + 1; i < j->nodes[root].next; i++) {
		struct bytes span;
		struct gap *gap;

		if (json_kind(j, i) == JSON_KEY || !path_walled(wall, i))
			continue;
		span = json_span(j, i);
		buffer_add(&request, from, (size_t)(span.at - from));
		buffer_add(&request, "null", 4);
		from = span.at + span.size;
		gap = buffer_more(&gaps, sizeof *gap);
		gap->node = i - shift;
		shift += j->nodes[i].next - i - 1;
		gap->shift = shift;
		i = j->nodes[i].next - 1;
	}
	buffer_add(&request, from, (size_t)(all.at + all.size - from));
}

/* The node of the record's index that is node SENT of the text that was sent. */
static uint32_t
node_of(uint32_t root, uint32_t sent)
{
	const struct gap *gap = (const struct gap *)(const void *)gaps.at;
	struct bisect b = { .high = gaps.used / sizeof *gap };

	while (bisect_more(&b))
		bisect_step(&b, gap[b.middle].node < sent);
	return sent + (b.low > 0 ? gap[b.low - 1].shift : root);
}

void
jq_limit_start(struct jq_limit *limit)
{
	static uint64_t tasks;

	limit->task = ++tasks;
	limit->passed = JQ_LIMIT_KEPT;
}

static const enum jq_limit_passed passed_by[] = {
	[JQ_CHILD_ANSWERED] = JQ_LIMIT_KEPT,
	[JQ_CHILD_TIME] = JQ_LIMIT_TIME,
	[JQ_CHILD_MEMORY] = JQ_LIMIT_MEMORY,
	[JQ_CHILD_CRASH] = JQ_LIMIT_CRASH,
};

/* Leaves the answer in `reply`. */
static enum jq_outcome
ask(struct request *r, const struct json *j, uint32_t root, const struct path_wall *wall,
    const struct jq_context *context)
{
	const struct bytes variable[VARIABLES] = { context->type, context->id, context->subject,
		context->now };
	struct jq_limit own = { 0 }, *limit = context->limit;
	struct jq_child_limit most;
	struct answer a = { 0 };

	if (limit == NULL) {
		limit = &own;
		jq_limit_start(limit);
	}
	reply.used = 0;
	if (limit->passed != JQ_LIMIT_KEPT)
		return JQ_UNKNOWN;
	if (request.limit == 0) {
		buffer_init(&request, BUFFER_UNLIMITED);
		buffer_init(&reply, BUFFER_UNLIMITED);
		buffer_init(&gaps, BUFFER_UNLIMITED);
	}
	request.used = 0;
	for (size_t i = 0; i < VARIABLES; i++) {
		r->size[i] = variable[i].size;
		r->is_null[i] = variable[i].at == NULL;
	}
	buffer_add(&request, r, sizeof *r);
	for (size_t i = 0; i < VARIABLES; i++)
		buffer_add(&request, variable[i].at, variable[i].size);
	add_root(j, root, wall);
	most = (struct jq_child_limit){ .task = limit->task,
		.milliseconds = (limit->milliseconds > 0 ? limit->milliseconds : MILLISECONDS) *
				(1 + j->text.size / MEGABYTE),
		.bytes = MEMORY + MEMORY_PER_BYTE * (uint64_t)request.used };
	limit->passed = passed_by[jq_child_ask(&most, buffer_bytes(&request), &reply, serve)];
	if (limit->passed != JQ_LIMIT_KEPT) {
		reply.used = 0;
		return JQ_UNKNOWN;
	}
	memcpy(&a, reply.at, sizeof a);
	return a.outcome;
}

enum jq_outcome
jq_test(struct jq_program *p, const struct json *j, uint32_t root, const struct path_wall *wall,
    const struct jq_context *context)
{
	struct request r = { .program = p };

	return ask(&r, j, root, wall, context);
}

enum jq_outcome // NOLINTNEXTLINE(readability-function-size): where, seen how, and whom to tell are two each
jq_paths(struct jq_program *p, const struct json *j, uint32_t root, const struct path_wall *wall,
    const struct jq_context *context, void (*found)(void *context, uint32_t node), void *found_context)
{
	struct request r = { .program = p, .wants_paths = true };
	enum jq_outcome outcome = ask(&r, j, root, wall, context);

	for (size_t at = sizeof(struct answer); at < reply.used; at += sizeof(uint32_t)) {
		uint32_t node;

		memcpy(&node, reply.at + at, sizeof node);
		found(found_context, node_of(root, node));
	}
	return outcome;
}
