/* SPDX-License-Identifier: ISC */
#include "common/line/tags.h"
#include "tests/lib/tap.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct buffer out;

static bool
wrote(const char *text)
{
	bool good = bytes_are(buffer_bytes(&out), text);

	if (!good)
		printf("# %.*s\n# not %s\n", (int)out.used, out.at, text);
	out.used = 0;
	return good;
}

/*
 * Every tag that a sealed line may have, in the table's order; al and seq stand there with the value 0, too.
 */
static void
check_write(void)
{
	struct tags t = { .stage = STAGE_SEALED,
		.id = BYTES("r_1"),
		.subject = BYTES("s_1"),
		.rl = BYTES("U"),
		.n = 1,
		.of = 99,
		.criticality = BYTES("low"),
		.domain = BYTES("hospital"),
		.epoch = 2147483647,
		.to = BYTES("t"),
		.batch = BYTES("b_1"),
		.policy = BYTES("sha256:0"),
		.mark = BYTES("m_1"),
		.view = BYTES("w"),
		.tags = BYTES("{\"a\":\"b\"}"),
		.deleted = true };

	check(tags_write(&out, &t));
	check(wrote(
	    "{\"v\":2,\"stage\":\"sealed\",\"id\":\"r_1\",\"subject\":\"s_1\",\"rl\":\"U\",\"al\":0,\"n\":1,"
	    "\"of\":99,\"criticality\":\"low\",\"domain\":\"hospital\",\"epoch\":2147483647,\"to\":\"t\","
	    "\"batch\":\"b_1\",\"seq\":0,\"policy\":\"sha256:0\",\"mark\":\"m_1\",\"view\":\"w\","
	    "\"tags\":{\"a\":\"b\"},\"deleted\":true}"));
	t = (struct tags){ .stage = STAGE_DELETED, .id = BYTES("x"), .al = 7, .seq = UINT64_MAX };
	check(tags_write(&out, &t) && wrote("{\"v\":1,\"stage\":\"deleted\",\"id\":\"x\"}"));
	t = (struct tags){ .stage = STAGE_OPENED, .batch = BYTES("b"), .seq = UINT64_MAX };
	check(tags_write(&out, &t));
	check(wrote("{\"v\":1,\"stage\":\"opened\",\"batch\":\"b\",\"seq\":18446744073709551615}"));
}

static void
check_members(void)
{
	struct tags_writer w = tags_open(&out, STAGE_LABELLED);

	json_write_text(tags_member(&w, TAG_ID), bytes_of("a\"b"));
	json_write_word(tags_member(&w, TAG_LEVEL), bytes_of("N"));
	json_write_value(tags_member(&w, TAG_SENSITIVITY), bytes_of("[]"));
	check(tags_close(&w));
	check(wrote("{\"v\":1,\"stage\":\"labelled\",\"id\":\"a\\\"b\",\"level\":\"N\",\"sensitivity\":[]}"));
	w = tags_open(&out, STAGE_INGESTED);
	check(tags_close(&w) && wrote("{\"v\":1,\"stage\":\"ingested\"}"));
}

/* Whatever does not fit is said at the end, and nothing is written behind it. */
static void
check_full(void)
{
	static const char whole[] = "{\"v\":1,\"stage\":\"labelled\",\"id\":\"x\"}";

	for (size_t limit = 0; limit < sizeof whole + 16; limit++) {
		struct buffer small;
		struct tags_writer w;

		buffer_init(&small, limit);
		w = tags_open(&small, STAGE_LABELLED);
		json_write_word(tags_member(&w, TAG_ID), bytes_of("x"));
		if (tags_close(&w))
			check(bytes_are(buffer_bytes(&small), whole));
		else
			check(limit < sizeof whole + 16 &&
			      memcmp(small.at != NULL ? small.at : "", whole, small.used) == 0);
		buffer_release(&small);
	}
}

/* The status of a process that writes FIRST and then SECOND into an ehr of STAGE. */
static int
status_of(enum stage stage, enum tag first, enum tag second)
{
	pid_t child = fork();
	int status = -1;

	if (child == 0) {
		struct tags_writer w = tags_open(&out, stage);

		(void)close(STDERR_FILENO);
		json_write_word(tags_member(&w, first), bytes_of("x"));
		json_write_word(tags_member(&w, second), bytes_of("y"));
		_exit(0);
	}
	(void)waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
check_misuse(void)
{
	check(status_of(STAGE_LABELLED, TAG_ID, TAG_LEVEL) == 0);
	check(status_of(STAGE_LABELLED, TAG_LEVEL, TAG_ID) == EXIT_BUG);
	check(status_of(STAGE_LABELLED, TAG_ID, TAG_ID) == EXIT_BUG);
	check(status_of(STAGE_LABELLED, TAG_ID, TAG_MARK) == EXIT_BUG);
	check(status_of(STAGE_INGESTED, TAG_ID, TAG_FLOOR) == EXIT_BUG);
}

static void
check_copy(void)
{
	const struct tags from = { .stage = STAGE_LABELLED,
		.id = BYTES("i"),
		.subject = BYTES("s"),
		.level = BYTES("N"),
		.criticality = BYTES("low"),
		.policy = BYTES("p") };
	struct tags to = { .stage = STAGE_VERSION, .n = 2, .policy = BYTES("q") };

	tags_copy(&to, &from);
	check(to.stage == STAGE_VERSION && to.n == 2 && bytes_are(to.policy, "q"));
	check(bytes_are(to.id, "i") && bytes_are(to.subject, "s"));
	check(to.level.size == 0 && to.criticality.size == 0);
}

int
main(void)
{
	buffer_init(&out, BUFFER_UNLIMITED);
	check_write();
	check_members();
	check_full();
	check_misuse();
	check_copy();
	buffer_release(&out);
	return tap_end();
}
