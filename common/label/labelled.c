/* SPDX-License-Identifier: ISC */
#include "common/label/labelled.h"

#include "common/base/memory.h"
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

/* The codes in MASK, in the order of their texts. */
static void
write_codes(struct json_write *w, enum vocabulary v, const uint8_t order[64], uint64_t mask)
{
	json_write_open(w, '[');
	for (size_t i = 0; mask != 0 && i < vocabulary_size(v); i++)
		if ((mask >> order[i] & 1) != 0)
			json_write_word(w, vocabulary_at(v, order[i])->code);
	json_write_close(w, ']');
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
	struct json_write w = json_write_to(b);

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
		write_codes(&w, VOCABULARY_SENSITIVITY, run->sensitivity_order, l->sensitivity);
	}
	if (l->basis != 0) {
		PUT(b, ",\"basis\":");
		w.comma = false;
		write_codes(&w, VOCABULARY_PRIVACY_LAW, run->basis_order, l->basis);
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

/* Ids of the origins that are reasons: sorted, each once. */
static void
write_reasons(const struct run *run, const struct labels *labels, struct json_write *w)
{
	const struct ruleset_origin *origin = run->set.origin;
	uint64_t next = 0; /* the least rank that may still come */

	json_write_open(w, '[');
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
		json_write_word(w, origin[found->origin].id);
	}
	json_write_close(w, ']');
}

static void
write_ehr(const struct run *run, const struct labels *labels, struct buffer *b)
{
	struct tags_writer w = tags_open(b, STAGE_LABELLED);

	json_write_text(tags_member(&w, TAG_ID), labels->id);
	if (labels->subject.size > 0 && labels->subject_is_escaped)
		json_write_word(tags_member(&w, TAG_SUBJECT), labels->subject);
	else if (labels->subject.size > 0)
		json_write_text(tags_member(&w, TAG_SUBJECT), labels->subject);
	json_write_word(tags_member(&w, TAG_LEVEL), run->set.policy->level[labels->level].name);
	write_codes(tags_member(&w, TAG_SENSITIVITY), VOCABULARY_SENSITIVITY, run->sensitivity_order,
	    labels->sensitivity);
	json_write_word(tags_member(&w, TAG_CRITICALITY), run->set.criticality.word[labels->criticality]);
	write_reasons(run, labels, tags_member(&w, TAG_REASONS));
	json_write_word(tags_member(&w, TAG_POLICY), bytes_of(run->set.policy->digest));
	if (!tags_close(&w))
		memory_missing(0);
}

bool
labelled_write(struct run *run, const struct json *j, const struct labels *labels, struct sink *out)
{
	struct buffer *b = &run->line;

	b->used = 0;
	PUT(b, "{\"ehr\":");
	write_ehr(run, labels, b);
	PUT(b, ",\"labels\":[");
	put_labels(run, j, labels, b);
	PUT(b, "],\"record\":");
	return sink_put(out, buffer_bytes(b)) && sink_put(out, json_span(j, labels->record)) &&
	       sink_put(out, (struct bytes)BYTES("}\n"));
}
