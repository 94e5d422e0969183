/* SPDX-License-Identifier: ISC */
#include "cmd/consent/negotiation.h"
#include "tests/lib/fuzz.h"

/* The states of all directives. */
static void
states(const struct negotiations *all, struct buffer *text)
{
	struct json_write w = json_write_to(text);

	text->used = 0;
	for (uint32_t i = 0; negotiations_write(all, i, &w); i++)
		w.comma = false;
}

/* A line is an event, or is refused and changes nothing. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct negotiations *all = negotiations_new(NULL);
	struct buffer before, after;
	struct json json;
	struct bytes rest = { (const char *)data, size }, line;

	json_init(&json, NULL, JSON_MAX_DEPTH);
	buffer_init(&before, BUFFER_UNLIMITED);
	buffer_init(&after, BUFFER_UNLIMITED);
	while (bytes_line(&rest, &line)) {
		char *text = calloc(1, line.size + JSON_SLACK);
		uint32_t node = 0;

		hold(text != NULL);
		memcpy(text, line.at, line.size);
		states(all, &before);
		if (json_parse(&json, (struct bytes){ text, line.size }) &&
		    negotiations_take(all, &json, &node) != REASON_NONE) {
			hold(node < json.count);
			states(all, &after);
			hold(bytes_equal(buffer_bytes(&before), buffer_bytes(&after)));
		}
		free(text);
	}
	buffer_release(&before);
	buffer_release(&after);
	json_release(&json);
	negotiations_free(all);
	return 0;
}
