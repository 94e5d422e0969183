/* SPDX-License-Identifier: ISC */
#include "common/json/json.h"
#include "common/label/classifier.h"
#include "tests/lib/fuzz.h"

#include <unistd.h>

/*
 * Any bytes as a record: what is labelled has its first label on the root, labels in order, no part above the
 * whole, and is a line that gives itself when it is labelled again.
 */
static struct policy policy;
static struct json_keys *keys;
static struct classifier *classifier;
static struct json json;
static char *room;
static char *again;
enum { ROOM = 1 << 20, LONGEST = 1 << 15 };

/* libjq points into the middle of its memory, which looks like a leak as long as it is there. */
static void
stop(void)
{
	classifier_free(classifier);
	policy_release(&policy);
}

static void
start(void)
{
	struct fault fault = { 0 };

	hold(policy_load(&policy, "testdata/policies/labels", &fault));
	keys = json_keys_new();
	classifier = classifier_load(&policy, keys, NULL, &fault);
	hold(classifier != NULL);
	json_init(&json, keys, JSON_MAX_DEPTH + 1);
	room = calloc(1, ROOM);
	again = calloc(1, ROOM);
	hold(room != NULL && again != NULL && atexit(stop) == 0);
}

static void
hold_labels(const struct labels *l)
{
	hold(l->count > 0 && l->at[0].node == l->record);
	for (size_t i = 0; i < l->count; i++) {
		hold(l->at[i].kind == LABEL_URGENCY || l->at[i].level <= (int)l->level);
		hold(i == 0 || l->at[i - 1].node <= l->at[i].node);
		hold(json.nodes[l->at[i].node].kind != JSON_KEY);
		hold(classifier_level(classifier, &json, l, l->at[i].node) <= l->level);
	}
}

/* The labelled line of what is indexed, in TO; its size. */
static size_t
write_line(const struct labels *l, char *to)
{
	char name[] = "/tmp/fuzz_classify.XXXXXX";
	int fd = mkstemp(name);
	struct sink sink;
	ssize_t got;

	hold(fd >= 0 && unlink(name) == 0);
	int copy = dup(fd);

	sink_init_take(&sink, copy, "line");
	hold(classifier_write(classifier, &json, l, &sink) && sink_close(&sink));
	got = pread(fd, to, ROOM - JSON_SLACK, 0);
	hold(got > 0 && to[got - 1] == '\n' && close(fd) == 0);
	memset(to + got, 0, JSON_SLACK);
	return (size_t)got - 1;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct labels labels;
	size_t first;

	if (classifier == NULL)
		start();
	if (size > LONGEST)
		return 0;
	memcpy(room, data, size);
	memset(room + size, 0, JSON_SLACK);
	if (!json_parse(&json, (struct bytes){ room, size }))
		return 0;
	if (!classifier_run(classifier, &json, &labels)) {
		hold(labels.reason != REASON_NONE && labels.byte <= size);
		return 0;
	}
	hold_labels(&labels);
	first = write_line(&labels, again);
	hold(json_parse(&json, (struct bytes){ again, first }));
	hold(classifier_run(classifier, &json, &labels));
	hold_labels(&labels);
	hold(write_line(&labels, room) == first && memcmp(room, again, first) == 0);
	return 0;
}
