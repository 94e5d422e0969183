/* SPDX-License-Identifier: ISC */
#include "common/line/sealed_line.h"
#include "tests/lib/fuzz.h"

static bool
same(struct bytes a, struct bytes b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.at, b.at, a.size) == 0);
}

/* A blank in front sends a line the general way: both ways must say the same of it. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sealed_line_reader *one, *other;
	struct sealed_line fast, slow;
	char *text = malloc(2 * size + 1 + (size_t)2 * JSON_SLACK);
	char *blank = text + size + JSON_SLACK;
	bool good;

	if (one == NULL) {
		one = sealed_line_reader_new(16);
		other = sealed_line_reader_new(16);
	}
	hold(text != NULL);
	memcpy(text, data, size);
	memset(text + size, 0, JSON_SLACK);
	*blank = ' ';
	memcpy(blank + 1, data, size);
	memset(blank + 1 + size, 0, JSON_SLACK);
	good = sealed_line_read(one, (struct bytes){ text, size }, false, &fast);
	hold(good == sealed_line_read(other, (struct bytes){ blank, size + 1 }, false, &slow));
	if (good) {
		hold(same(fast.ehr, slow.ehr) && same(fast.header, slow.header) && same(fast.kid, slow.kid));
		hold(same(fast.ciphertext, slow.ciphertext) && same(fast.tag, slow.tag) &&
		     same(fast.iv, slow.iv));
		hold(same(fast.encrypted_key, slow.encrypted_key) && fast.tags.seq == slow.tags.seq);
		hold(fast.tags.al == slow.tags.al && fast.tags.epoch == slow.tags.epoch);
		hold(same(fast.tags.id, slow.tags.id) && same(fast.tags.tags, slow.tags.tags));
	} else {
		hold(fast.reason == slow.reason && fast.reason != REASON_NONE);
	}
	(void)sealed_line_read(one, (struct bytes){ text, size }, true, &fast);
	(void)sealed_line_read_message(one, (struct bytes){ text, size }, &fast);
	free(text);
	return 0;
}
