/* SPDX-License-Identifier: ISC */
#include "common/label/labelled.h"

#include "common/json/json_write.h"

#include <string.h>

/* Most pieces are short and of a constant size: worth no call. */
static inline void
put(struct buffer *b, struct bytes text)
{
	if (b->room - b->used < text.size && !buffer_reserve(b, text.size))
		diag_die(EXIT_IO, "out of memory");
	memcpy(b->at + b->used, text.at, text.size);
	b->used += text.size;
}

#define PUT(b, constant) put((b), (struct bytes)BYTES(constant))

static void
put_string(struct buffer *b, struct bytes text)
{
	if (!json_write_string(b, text))
		diag_die(EXIT_IO, "out of memory");
}

/* [..] of the codes in MASK, in the order of their texts. */
static void
put_codes(struct buffer *b, enum vocabulary v, const uint8_t order[64], uint64_t mask)
{
	const char *between = "[\"";

	if (mask == 0) {
		PUT(b, "[]");
		return;
	}
	for (size_t i = 0; i < vocabulary_size(v); i++) {
		if ((mask >> order[i] & 1) == 0)
			continue;
		put(b, bytes_of(between));
		put(b, vocabulary_at(v, order[i])->code);
		between = "\",\"";
	}
	PUT(b, "\"]");
}

/* ---- labels ----------------------------------------------------------------------------------------------
 */

static void
put_level(const struct run *run, struct buffer *b, struct bytes name, int level)
{
	if (level == LABEL_NONE)
		return;
	put(b, name);
	put(b, run->set.policy->level[level].name);
	PUT(b, "\"");
}

static void
put_label(struct run *run, const struct label *l, struct buffer *b)
{
	if (l->written.size > 0) {
		put(b, l->written);
		return;
	}
	PUT(b, "{\"at\":\"");
	if (!pointer_cursor_write(run->cursor, l->node, b))
		diag_die(EXIT_IO, "out of memory");
	/* The commonest by far, and always the same behind its place. */
	if (l->kind == LABEL_BASE) {
		put(b, run->set.origin[l->origin].tail);
		return;
	}
	PUT(b, "\"");
	put_level(run, b, (struct bytes)BYTES(",\"level\":\""), l->level);
	if (l->sensitivity != 0) {
		PUT(b, ",\"sensitivity\":");
		put_codes(b, VOCABULARY_SENSITIVITY, run->sensitivity_order, l->sensitivity);
	}
	if (l->basis != 0) {
		PUT(b, ",\"basis\":");
		put_codes(b, VOCABULARY_PRIVACY_LAW, run->basis_order, l->basis);
	}
	if (l->criticality != LABEL_NONE) {
		PUT(b, ",\"criticality\":\"");
		put(b, run->set.criticality.word[l->criticality]);
		PUT(b, "\"");
	}
	PUT(b, ",\"rule\":\"");
	put(b, run->set.origin[l->origin].id);
	PUT(b, "\"");
	if (l->kind == LABEL_RELEASE)
		put_level(run, b, (struct bytes)BYTES(",\"was\":\""), l->was);
	PUT(b, "}");
}

struct bytes
labelled_base(struct run *run, uint32_t node, unsigned origin)
{
	struct buffer *b = &run->line;

	b->used = 0;
	PUT(b, "{\"at\":\"");
	if (!pointer_write(run_json(run), run->out->record, node, b))
		diag_die(EXIT_IO, "out of memory");
	put(b, run->set.origin[origin].tail);
	return arena_copy(&run->set.arena, buffer_bytes(b));
}

static void
put_labels(struct run *run, const struct json *j, const struct labels *labels, struct buffer *b)
{
	pointer_cursor_start(run->cursor, j, labels->record);
	for (size_t i = 0; i < labels->count; i++) {
		if (i > 0)
			PUT(b, ",");
		put_label(run, &labels->at[i], b);
	}
}

/* ---- ehr -------------------------------------------------------------------------------------------------
 */

/* Ids of the origins that are reasons: sorted, each once. */
static void
put_reasons(struct run *run, const struct labels *labels, struct buffer *b)
{
	const struct ruleset_origin *origin = run->set.origin;
	const char *between = "\"";
	uint64_t next = 0; /* the least rank that may still come */

	PUT(b, "[");
	for (;;) {
		const struct label *found = NULL;

		for (size_t i = 0; i < labels->count; i++) {
			const struct label *l = &labels->at[i];

			if (origin[l->origin].is_reason && run->origin_rank[l->origin] >= next &&
			    (found == NULL || run->origin_rank[l->origin] < run->origin_rank[found->origin]))
				found = l;
		}
		if (found == NULL)
			break;
		next = (uint64_t)run->origin_rank[found->origin] + 1;
		put(b, bytes_of(between));
		put(b, origin[found->origin].id);
		PUT(b, "\"");
		between = ",\"";
	}
	PUT(b, "]");
}

static void
put_subject(const struct labels *labels, struct buffer *b)
{
	if (labels->subject.size == 0)
		return;
	PUT(b, ",\"subject\":");
	if (!labels->subject_is_escaped) {
		put_string(b, labels->subject);
		return;
	}
	PUT(b, "\"");
	put(b, labels->subject);
	PUT(b, "\"");
}

static void
put_ehr(struct run *run, const struct labels *labels, struct buffer *b)
{
	PUT(b, "{\"ehr\":{\"v\":1,\"stage\":\"labelled\",\"id\":");
	put_string(b, labels->id);
	put_subject(labels, b);
	put_level(run, b, (struct bytes)BYTES(",\"level\":\""), (int)labels->level);
	PUT(b, ",\"sensitivity\":");
	put_codes(b, VOCABULARY_SENSITIVITY, run->sensitivity_order, labels->sensitivity);
	PUT(b, ",\"criticality\":\"");
	put(b, run->set.criticality.word[labels->criticality]);
	PUT(b, "\",\"reasons\":");
	put_reasons(run, labels, b);
	PUT(b, ",\"policy\":\"");
	put(b, bytes_of(run->set.policy->digest));
	PUT(b, "\"},\"labels\":[");
}

bool
labelled_write(struct run *run, const struct json *j, const struct labels *labels, struct sink *out)
{
	struct buffer *b = &run->line;

	b->used = 0;
	put_ehr(run, labels, b);
	put_labels(run, j, labels, b);
	PUT(b, "],\"record\":");
	return sink_put(out, buffer_bytes(b)) && sink_put(out, json_span(j, labels->record)) &&
	       sink_put(out, (struct bytes)BYTES("}\n"));
}
