/* SPDX-License-Identifier: ISC */
#include "cmd/ingest/put.h"

/* The text from *FROM on, up to TO, which is outside of all tokens from AT on: written up to the last white
 * space. */
static bool
put_gap(struct sink *out, const char *text, size_t *from, size_t at, size_t to)
{
	for (; at < to; at++) {
		if (text[at] > ' ')
			continue;
		if (!sink_put(out, (struct bytes){ text + *from, at - *from }))
			return false;
		while (at + 1 < to && text[at + 1] <= ' ')
			at++;
		*from = at + 1;
	}
	return true;
}

bool
put_value(struct sink *out, const struct json *j, uint32_t node)
{
	const struct json_node *n = &j->nodes[node];
	size_t from = n->start;
	size_t at = from;

	if (!j->spaced)
		return sink_put(out, json_span(j, node));
	for (uint32_t i = node; i < n->next; i++) {
		bool container = j->nodes[i].kind == JSON_ARRAY || j->nodes[i].kind == JSON_OBJECT;

		if (!put_gap(out, j->text.at, &from, at, j->nodes[i].start))
			return false;
		at = container ? j->nodes[i].start : j->nodes[i].end;
	}
	return put_gap(out, j->text.at, &from, at, n->end) &&
	       sink_put(out, (struct bytes){ j->text.at + from, n->end - from });
}
