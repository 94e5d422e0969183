/* SPDX-License-Identifier: ISC */
#include "common/line/version_line.h"
#include "tests/lib/fuzz.h"

/* Of a line that is JSON, the head says what the whole envelope says; a blank in front changes nothing. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct version_line_reader *reader;
	static struct json whole;
	char *text = malloc(size + 1 + JSON_SLACK);
	struct version_line h, again;
	struct envelope e;
	bool good;

	if (reader == NULL) {
		reader = version_line_reader_new(32);
		json_init(&whole, NULL, 32);
	}
	hold(text != NULL);
	*text = ' ';
	memcpy(text + 1, data, size);
	memset(text + 1 + size, 0, JSON_SLACK);
	good = version_line_read(reader, (struct bytes){ text + 1, size }, true, &h);
	if (good) {
		hold(h.record.size >= 2 && h.record.at > text &&
		     h.record.at + h.record.size <= text + 1 + size);
		hold(h.record.at[0] == '{' && h.record.at[h.record.size - 1] == '}');
		if (json_parse(&whole, (struct bytes){ text + 1, size }) && envelope_read(&e, &whole) &&
		    !h.bare) {
			hold(e.tags.stage == h.tags.stage && e.tags.al == h.tags.al && e.tags.n == h.tags.n);
			hold(bytes_equal(e.tags.id, h.tags.id) && bytes_equal(e.tags.tags, h.tags.tags));
			hold(bytes_equal(json_span(&whole, e.record), h.record));
		}
	}
	hold(good == version_line_read(reader, (struct bytes){ text, size + 1 }, true, &again));
	hold(good ? bytes_equal(h.record, again.record) && bytes_equal(h.tags.policy, again.tags.policy)
		  : h.reason == again.reason);
	free(text);
	return 0;
}
