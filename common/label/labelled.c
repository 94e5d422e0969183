/* SPDX-License-Identifier: ISC */
#include "common/label/parts.h"

#include "common/base/memory.h"
#include "common/json/json_write.h"

/* The labels of a long line are written in pieces of this size. */
enum { PIECE_SIZE = 64 * 1024 };

/* Indexes of concepts by the text of their codes: the order in which codes are written. */
static void
sort_vocabulary(enum vocabulary v, uint8_t order[64])
{
	size_t count = vocabulary_size(v);

	for (size_t i = 0; i < count; i++) {
		size_t to = i;

		for (; to > 0 &&
		       bytes_compare(vocabulary_at(v, i)->code, vocabulary_at(v, order[to - 1])->code) < 0;
		     to--)
			order[to] = order[to - 1];
		order[to] = (uint8_t)i;
	}
}

/* Equal ids have equal ranks. */
static void
rank_origins(struct labelled *l)
{
	const struct ruleset *s = l->set;

	for (size_t i = 0; i < s->origins; i++)
		for (size_t n = 0; s->origin[i].is_reason && n < s->origins; n++)
			l->origin_rank[i] += bytes_compare(s->origin[n].id, s->origin[i].id) < 0;
}

void
labelled_init(struct labelled *l, struct ruleset *set)
{
	*l = (struct labelled){
		.set = set,
		.cursor = pointer_cursor_new(),
		.origin_rank = arena_array(&set->arena, set->origins, sizeof *l->origin_rank),
	};
	buffer_init(&l->line, BUFFER_UNLIMITED);
	buffer_init(&l->texts, BUFFER_UNLIMITED);
	sort_vocabulary(VOCABULARY_SENSITIVITY, l->sensitivity_order);
	sort_vocabulary(VOCABULARY_PRIVACY_LAW, l->basis_order);
	rank_origins(l);
}

void
labelled_release(struct labelled *l)
{
	pointer_cursor_free(l->cursor);
	buffer_release(&l->line);
	buffer_release(&l->texts);
}

/* The codes in MASK, in the order of their texts. */
static void
write_codes(struct json_write *w, enum vocabulary v, const uint8_t order[64], uint64_t mask)
{
	size_t count = mask == 0 ? 0 : vocabulary_size(v);

	json_write_open(w, '[');
	for (size_t i = 0; i < count; i++)
		if ((mask >> order[i] & 1) != 0)
			json_write_word(w, vocabulary_at(v, order[i])->code);
	json_write_close(w, ']');
}

static struct bytes
level_name(const struct labelled *l, int level)
{
	return l->set->policy->level[level].name;
}

static struct bytes
text_of(const struct labelled *l, uint32_t number)
{
	return ((const struct bytes *)(const void *)l->texts.at)[number - 1];
}

static void
write_label(struct labelled *l, const struct label *label, struct json_write *w)
{
	json_write_comma(w);
	if (label->written != 0) {
		json_write_raw(w, text_of(l, label->written));
		return;
	}
	json_write_raw(w, (struct bytes)BYTES("{\"at\":\""));
	w->full |= !pointer_cursor_write(l->cursor, label->node, w->out);
	/* Most labels are base labels, and the rest of such a label is always the same. */
	if (label->kind == LABEL_BASE) {
		json_write_raw(w, l->set->origin[label->origin].tail);
		return;
	}
	json_write_raw(w, (struct bytes)BYTES("\""));
	if (label->level != LABEL_NONE)
		json_write_member_word(w, "level", level_name(l, label->level));
	if (label->sensitivity != 0) {
		json_write_name(w, "sensitivity");
		write_codes(w, VOCABULARY_SENSITIVITY, l->sensitivity_order, label->sensitivity);
	}
	if (label->basis != 0) {
		json_write_name(w, "basis");
		write_codes(w, VOCABULARY_PRIVACY_LAW, l->basis_order, label->basis);
	}
	if (label->criticality != LABEL_NONE)
		json_write_member_word(w, "criticality", l->set->criticality.word[label->criticality]);
	json_write_member_word(w, "rule", l->set->origin[label->origin].id);
	if (label->kind == LABEL_RELEASE && label->was != LABEL_NONE)
		json_write_member_word(w, "was", level_name(l, label->was));
	json_write_close(w, '}');
}

uint32_t
labelled_base(struct labelled *l, const struct json *j, uint32_t record, uint32_t node, unsigned origin)
{
	struct json_write w = json_write_to(&l->line);

	l->line.used = 0;
	json_write_raw(&w, (struct bytes)BYTES("{\"at\":\""));
	w.full |= !pointer_write(j, record, node, w.out);
	json_write_raw(&w, l->set->origin[origin].tail);
	if (!json_write_whole(&w))
		memory_missing(0);
	*(struct bytes *)buffer_more(&l->texts, sizeof(struct bytes)) =
	    arena_copy(&l->set->arena, buffer_bytes(&l->line));
	return (uint32_t)(l->texts.used / sizeof(struct bytes));
}

/* The ids of the origins that are reasons, sorted, each once. */
static void
write_reasons(const struct labelled *l, const struct labels *labels, struct json_write *w)
{
	const struct ruleset_origin *origin = l->set->origin;
	uint64_t next = 0; /* the least rank that may still come */

	json_write_open(w, '[');
	for (;;) {
		const struct label *found = NULL;

		for (size_t i = 0; i < labels->count; i++) {
			const struct label *label = &labels->at[i];

			if (origin[label->origin].is_reason && l->origin_rank[label->origin] >= next &&
			    (found == NULL || l->origin_rank[label->origin] < l->origin_rank[found->origin]))
				found = label;
		}
		if (found == NULL)
			break;
		next = (uint64_t)l->origin_rank[found->origin] + 1;
		json_write_word(w, origin[found->origin].id);
	}
	json_write_close(w, ']');
}

static void
write_ehr(const struct labelled *l, const struct labels *labels, struct buffer *out)
{
	struct tags_writer w = tags_open(out, STAGE_LABELLED);

	json_write_word(tags_member(&w, TAG_ID), labels->id);
	if (labels->subject.size > 0 && labels->subject_is_escaped)
		json_write_word(tags_member(&w, TAG_SUBJECT), labels->subject);
	else if (labels->subject.size > 0)
		json_write_text(tags_member(&w, TAG_SUBJECT), labels->subject);
	json_write_word(tags_member(&w, TAG_LEVEL), level_name(l, (int)labels->level));
	write_codes(tags_member(&w, TAG_SENSITIVITY), VOCABULARY_SENSITIVITY, l->sensitivity_order,
	    labels->sensitivity);
	json_write_word(tags_member(&w, TAG_CRITICALITY), l->set->criticality.word[labels->criticality]);
	write_reasons(l, labels, tags_member(&w, TAG_REASONS));
	json_write_word(tags_member(&w, TAG_POLICY), bytes_of(l->set->policy->digest));
	if (!tags_close(&w))
		memory_missing(0);
}

static bool
put(void *out, struct bytes piece)
{
	return sink_put(out, piece);
}

bool
labelled_write(struct labelled *l, const struct json *j, const struct labels *labels,
    const struct fhir_labels *fhir, struct sink *out)
{
	struct json_write w = json_write_to(&l->line);

	l->line.used = 0;
	json_write_raw(&w, (struct bytes)BYTES(TAGS_LINE_BEGIN));
	write_ehr(l, labels, &l->line);
	json_write_raw(&w, (struct bytes)BYTES(",\"labels\":["));
	pointer_cursor_start(l->cursor, j, labels->record);
	for (size_t i = 0; i < labels->count; i++) {
		write_label(l, &labels->at[i], &w);
		if (l->line.used < PIECE_SIZE)
			continue;
		if (!sink_put(out, buffer_bytes(&l->line)))
			return false;
		l->line.used = 0;
	}
	json_write_raw(&w, (struct bytes)BYTES("]" TAGS_LINE_RECORD));
	if (!json_write_whole(&w))
		memory_missing(0);
	return sink_put(out, buffer_bytes(&l->line)) &&
	       (fhir != NULL ? fhir_labels_each(fhir, put, out)
			     : sink_put(out, json_span(j, labels->record))) &&
	       sink_put(out, (struct bytes)BYTES(TAGS_LINE_END));
}
