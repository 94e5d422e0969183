/* SPDX-License-Identifier: ISC */
#include "common/label/classify_line.h"

void
classify_line_init(struct classify_line *c, struct classifier *classifier, const struct json_keys *keys,
    unsigned max_depth, size_t max_record)
{
	c->classifier = classifier;
	c->max_record = max_record;
	json_init(&c->json, keys, max_depth);
	json_init(&c->envelope, keys, max_depth + 1);
}

void
classify_line_release(struct classify_line *c)
{
	json_release(&c->json);
	json_release(&c->envelope);
}

/* Always false. */
static bool
refuse(struct classify_line *c, enum reason reason, size_t byte)
{
	c->reason = reason;
	c->byte = byte;
	return false;
}

/* Indexes a line.  The envelope does not count to the depth of the record in it. */
static bool
parse(struct classify_line *c, struct bytes line, const struct json **j)
{
	*j = &c->json;
	if (json_parse(&c->json, line))
		return true;
	*j = &c->envelope;
	return c->json.reason == REASON_TOO_DEEP && json_parse(&c->envelope, line) &&
	       json_member(&c->envelope, 0, (struct bytes)BYTES("ehr")) != 0;
}

static bool
is_deleted(const struct json *j)
{
	uint32_t ehr = json_member(j, 0, (struct bytes)BYTES("ehr"));
	struct envelope e;

	return ehr != 0 && envelope_read(&e, j) && e.tags.stage == STAGE_DELETED;
}

bool
classify_line_run(struct classify_line *c, struct bytes line, struct sink *out)
{
	const struct json *j;
	struct labels labels;

	if (!parse(c, line, &j))
		return refuse(c, c->json.reason, c->json.byte);
	if (!classifier_run(c->classifier, j, &labels)) {
		if (labels.reason != REASON_WRONG_STAGE || !is_deleted(j))
			return refuse(c, labels.reason, labels.byte);
		(void)sink_line(out, json_span(j, 0));
		return true;
	}
	if (json_span(j, labels.record).size > c->max_record)
		return refuse(c, REASON_TOO_LONG, 0);
	(void)classifier_write(c->classifier, j, &labels, out);
	return true;
}
