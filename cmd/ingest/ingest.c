/* SPDX-License-Identifier: ISC */
#include "cmd/ingest/ingest.h"

#include "cmd/ingest/members.h"

#include <inttypes.h>
#include <stdio.h>

void
ingest_init(struct ingest *i, enum framing framing, bool keep, unsigned max_depth)
{
	*i = (struct ingest){ .keys = members_keys(), .framing = framing, .keep = keep };
	json_init(&i->json, i->keys, max_depth);
	bundle_init(&i->bundle);
	i->bundle.is_kept = keep;
}

void
ingest_release(struct ingest *i)
{
	json_release(&i->json);
	bundle_release(&i->bundle);
	json_keys_free(i->keys);
	i->keys = NULL;
}

static bool
refuse(struct filter *f, enum reason reason, size_t byte)
{
	(void)filter_no(f, reason, byte);
	return false;
}

/* The next line comes from the line at hand. */
static void
note_place(struct ingest *i, const struct filter *f)
{
	uint64_t out = f->written + 1;
	char line[80];
	int size;

	if (i->places == NULL || f->line == i->in + i->step * (out - i->out))
		return;
	i->step = f->line != i->in || i->out == 0;
	i->out = out;
	i->in = f->line;
	size = snprintf(line, sizeof line, "%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", i->out, i->in, i->step);
	(void)(sink_put(i->places, (struct bytes){ line, (size_t)size }) && sink_flush(i->places));
}

static bool
write_bundle(struct ingest *i, struct filter *f)
{
	for (size_t n = 0; n < i->bundle.records; n++) {
		note_place(i, f);
		if (!bundle_write(&i->bundle, n, &f->out))
			return true;
		f->written++;
	}
	return true;
}

/* Writes the record or Bundle at NODE, all of it or nothing.  False: the reason is in F. */
static bool
pass(struct ingest *i, struct filter *f, uint32_t node)
{
	const struct json *j = &i->json;
	uint32_t reserved;

	if (json_kind(j, node) != JSON_OBJECT)
		return refuse(f, REASON_NOT_AN_OBJECT, (size_t)j->nodes[node].start + 1);
	reserved = json_member_key(j, node, KEY_EHR);
	if (reserved != 0)
		return refuse(f, REASON_RESERVED_MEMBER, (size_t)j->nodes[reserved - 1].start + 1);
	if (bundle_is(j, node)) {
		if (!bundle_read(&i->bundle, j, node))
			return refuse(f, i->bundle.reason, i->bundle.byte);
		if (!i->keep)
			return write_bundle(i, f);
	}
	note_place(i, f);
	if (bundle_put_value(&f->out, j, node) && sink_put(&f->out, (struct bytes)BYTES("\n")))
		f->written++;
	return true;
}

/* An array in one frame: each element is a record, and refused alone. */
static enum filter_outcome
pass_elements(struct ingest *i, struct filter *f)
{
	const struct json *j = &i->json;

	f->read--;
	for (uint32_t e = 1; e < j->nodes[0].next; e = j->nodes[e].next) {
		f->read++;
		if (pass(i, f, e))
			continue;
		struct refused what = { .source = f->source,
			.line = f->line,
			.reason = f->reason,
			.byte = f->byte,
			.record = json_span(j, e),
			.first = f->first };

		if (filter_refuse(f, &what) == FILTER_STOP)
			return FILTER_STOP;
	}
	return FILTER_DONE;
}

/* True if quotes and brackets are in order, so that the end of the text and the next text are known. */
static bool
framed(enum reason reason)
{
	return reason == REASON_BAD_UTF8 || reason == REASON_LONE_SURROGATE ||
	       reason == REASON_DUPLICATE_KEY || reason == REASON_TOO_DEEP;
}

enum filter_outcome
ingest_record(void *context, struct filter *f, struct bytes text)
{
	struct ingest *i = context;

	if (!json_parse(&i->json, text)) {
		i->frames.lost = i->frames.framing == FRAMING_JSON && !framed(i->json.reason);
		return filter_no(f, i->json.reason, i->json.byte);
	}
	if (json_kind(&i->json, 0) == JSON_ARRAY && i->frames.place == FRAMES_OUTSIDE)
		return pass_elements(i, f);
	return pass(i, f, 0) ? FILTER_DONE : FILTER_REFUSE;
}

void
ingest_summary(void *context, struct buffer *text)
{
	const struct bundle *b = &((const struct ingest *)context)->bundle;
	char part[128];
	int size = snprintf(part, sizeof part,
	    ", %" PRIu64 " members around records dropped, %" PRIu64 " entries without a record", b->dropped,
	    b->empty);

	if (b->dropped > 0 || b->empty > 0)
		(void)buffer_append(text, part, (size_t)size);
}

static enum lines_outcome
next(void *context, struct lines *in, struct bytes *record)
{
	return frames_next(context, in, record);
}

bool
ingest_file(void *context, struct filter *f, int fd)
{
	struct ingest *i = context;
	struct lines in;

	frames_init(&i->frames, i->framing, &i->json);
	lines_init(&in, fd, f->source, f->max_record, &f->out);
	bool going = filter_frames(f, &in, next, &i->frames);

	lines_release(&in);
	i->lost = i->frames.lost;
	if (i->lost)
		(void)filter_stop(f, EXIT_BAD_RECORD);
	return going && !i->lost;
}
