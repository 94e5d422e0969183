/* SPDX-License-Identifier: ISC */
#include "common/line/tags_table.h"

#include <stddef.h>
#include <string.h>

static const char *const stages[] = {
	[STAGE_RAW] = "",
	[STAGE_INGESTED] = "ingested",
	[STAGE_LABELLED] = "labelled",
	[STAGE_VERSION] = "version",
	[STAGE_SEALED] = "sealed",
	[STAGE_OPENED] = "opened",
	[STAGE_DELETED] = "deleted",
	[STAGE_OTHER] = "other",
};

const char *
stage_name(enum stage s)
{
	return stages[s];
}

static enum stage
stage_of(struct bytes name)
{
	for (size_t i = STAGE_INGESTED; i < STAGE_OTHER; i++)
		if (bytes_are(name, stages[i]))
			return (enum stage)i;
	return STAGE_OTHER;
}

/* Letters, digits and . _ : / @ + - */
#define IN(c)                                                                                                \
	(((c) >= 'a' && (c) <= 'z') || ((c) >= '-' && (c) <= ':') || ((c) >= '@' && (c) <= 'Z') ||           \
	    (c) == '_' || (c) == '+')
#define IN_4(c) IN(c), IN((c) + 1), IN((c) + 2), IN((c) + 3)
#define IN_16(c) IN_4(c), IN_4((c) + 4), IN_4((c) + 8), IN_4((c) + 12)
#define IN_64(c) IN_16(c), IN_16((c) + 16), IN_16((c) + 32), IN_16((c) + 48)

const bool tags_in_word[256] = { IN_64(0), IN_64(64) };

bool
tag_is_word(struct bytes text)
{
	bool all = true;

	if (text.size == 0 || text.size > TAGS_WORD_MOST)
		return false;
	const unsigned char *at = (const unsigned char *)text.at;
	const unsigned char *end = at + text.size;

	for (; end - at >= 4; at += 4)
		all &= tags_in_word[at[0]] & tags_in_word[at[1]] & tags_in_word[at[2]] & tags_in_word[at[3]];
	for (; at < end; at++)
		all &= tags_in_word[*at];
	return all;
}

const struct tags_row tags_rows[TAG_COUNT] = {
#define TAG(tag, name, kind, may, must)                                                                      \
	{ BYTES(#name), ",\"" #name "\":", TAGS_KIND_##kind, may, offsetof(struct tags, name) },
#define TAG_WITH(tag, name, kind, may, must, other) TAG(tag, name, kind, may, must)
#include "common/line/tags.def"
};

#define TAG(tag, name, kind, may, must)                                                                      \
	_Static_assert(sizeof(",\"" #name "\":") <= TAGS_LEAD, "a name too long for a row");
#define TAG_WITH(tag, name, kind, may, must, other) TAG(tag, name, kind, may, must)
#include "common/line/tags.def"
_Static_assert(TAG_COUNT <= 32, "more tags than a set has bits");

static bool
read_words(const struct json *j, uint32_t node)
{
	unsigned count = 0;

	if (json_kind(j, node) != JSON_OBJECT)
		return false;
	for (uint32_t k = node + 1; k < j->nodes[node].next; k = j->nodes[k].next)
		if (++count > TAGS_WORDS_MOST || !tag_is_word(json_inside(j, k)) ||
		    json_kind(j, k + 1) != JSON_STRING || !tag_is_word(json_inside(j, k + 1)))
			return false;
	return count > 0;
}

static bool
read_string(struct bytes *to, const struct json *j, uint32_t node, bool word)
{
	if (json_kind(j, node) != JSON_STRING)
		return false;
	*to = json_inside(j, node);
	return to->size > 0 && (!word || tag_is_word(*to));
}

static bool
read_number(uint64_t *to, const struct json *j, uint32_t node, uint64_t most)
{
	return json_integer(j, node, to) && *to <= most;
}

static bool
read_member(struct tags *t, const struct tags_row *m, const struct json *j, uint32_t node)
{
	void *to = (char *)t + m->at;
	bool closed = t->stage == STAGE_SEALED || t->stage == STAGE_OPENED;
	uint64_t number = 0;

	switch (m->kind) {
	case TAGS_KIND_WORD:
	case TAGS_KIND_NAME:
		return read_string(to, j, node, m->kind == TAGS_KIND_WORD || closed);
	case TAGS_KIND_SMALL:
		if (!read_number(&number, j, node, TAGS_SMALL_MOST))
			return false;
		*(unsigned *)to = (unsigned)number;
		return true;
	case TAGS_KIND_EPOCH:
		if (!read_number(&number, j, node, TAGS_EPOCH_MOST) || number == 0)
			return false;
		*(uint32_t *)to = (uint32_t)number;
		return true;
	case TAGS_KIND_LARGE:
		return read_number(to, j, node, UINT64_MAX);
	case TAGS_KIND_TRUTH:
		*(bool *)to = true;
		return json_kind(j, node) == JSON_TRUE;
	case TAGS_KIND_WORDS:
		*(struct bytes *)to = json_span(j, node);
		return read_words(j, node);
	case TAGS_KIND_LIST:
		*(uint32_t *)to = node;
		return json_kind(j, node) == JSON_ARRAY;
	}
	return false;
}

/* The tags that lines of SET need.  Inline, so that a constant SET gives a constant. */
static inline __attribute__((always_inline)) uint32_t
needed(unsigned set)
{
	return 0
#define TAG(tag, name, kind, may, must) | (((must)&set) != 0 ? TAGS_BIT(TAG_##tag) : 0)
#define TAG_WITH(tag, name, kind, may, must, other) TAG(tag, name, kind, may, must)
#include "common/line/tags.def"
	    ;
}

/* The tags that lines of SET may have. */
static inline __attribute__((always_inline)) uint32_t
allowed(unsigned set)
{
	return 0
#define TAG(tag, name, kind, may, must) | (((may)&set) != 0 ? TAGS_BIT(TAG_##tag) : 0)
#define TAG_WITH(tag, name, kind, may, must, other) TAG(tag, name, kind, may, must)
#include "common/line/tags.def"
	    ;
}

static bool
between(uint32_t least, uint32_t seen, uint32_t most)
{
	return (least & ~seen) == 0 && (seen & ~most) == 0;
}

bool
tags_complete(const struct tags *t, uint32_t seen)
{
	if (t->of > TAGS_SMALL_MOST || t->n > t->of || (t->of > 0 && t->n == 0))
		return false;
	switch (t->stage) {
	case STAGE_INGESTED:
		return between(needed(TAGS_INGESTED), seen, allowed(TAGS_INGESTED));
	case STAGE_LABELLED:
		return between(needed(TAGS_LABELLED), seen, allowed(TAGS_LABELLED));
	case STAGE_VERSION:
		return between(needed(TAGS_VERSION), seen, allowed(TAGS_VERSION));
	case STAGE_DELETED:
		return between(needed(TAGS_DELETED), seen, allowed(TAGS_DELETED));
	case STAGE_SEALED:
	case STAGE_OPENED:
		/* Epoch and recipient each say which key: never both. */
		if (t->to.size > 0)
			return t->epoch == 0 &&
			       between(needed(TAGS_TO_RECIPIENT), seen, allowed(TAGS_CLOSED));
		return between(needed(TAGS_TO_LEVEL), seen, allowed(TAGS_CLOSED));
	case STAGE_RAW:
	case STAGE_OTHER:
		break;
	}
	return false;
}

void
tags_copy(struct tags *to, const struct tags *from)
{
#define TAG(tag, name, kind, may, must)                                                                      \
	if (((may)&TAGS_COPIED) != 0)                                                                        \
		to->name = from->name;
#define TAG_WITH(tag, name, kind, may, must, other) TAG(tag, name, kind, may, must)
#include "common/line/tags.def"
}

/* Looks for v and stage first, wherever they stand, because the other tags depend on them. */
static bool
read_head(struct tags *t, const struct json *j, uint32_t ehr, enum reason *reason)
{
	uint32_t v = json_member(j, ehr, (struct bytes)BYTES("v"));
	uint32_t stage = json_member(j, ehr, (struct bytes)BYTES("stage"));

	*reason = REASON_BAD_ENVELOPE;
	if (json_kind(j, ehr) != JSON_OBJECT)
		return false;
	*reason = REASON_UNKNOWN_VERSION;
	if (v == 0 || !(bytes_are(json_span(j, v), "1") || bytes_are(json_span(j, v), "2")))
		return false;
	*reason = REASON_BAD_ENVELOPE;
	if (stage == 0 || json_kind(j, stage) != JSON_STRING)
		return false;
	t->stage = stage_of(json_inside(j, stage));
	*reason = REASON_UNKNOWN_VERSION;
	return t->stage == STAGE_SEALED || bytes_are(json_span(j, v), "1");
}

bool
tags_read(struct tags *t, const struct json *j, uint32_t ehr, enum reason *reason)
{
	uint32_t seen = 0;
	size_t last = 0;

	*t = (struct tags){ 0 };
	if (!read_head(t, j, ehr, reason))
		return false;
	if (t->stage == STAGE_OTHER)
		return true;
	*reason = REASON_TAGS_INVALID;
	for (uint32_t k = ehr + 1; k < j->nodes[ehr].next; k = j->nodes[k].next) {
		struct bytes name = json_inside(j, k);
		size_t i;

		if (bytes_equal(name, (struct bytes)BYTES("v")) ||
		    bytes_equal(name, (struct bytes)BYTES("stage")))
			continue;
		/* tags stand in the table's order, so the search goes on from the last one */
		for (i = 0; i < TAG_COUNT && !bytes_equal(name, tags_rows[(last + i) % TAG_COUNT].name); i++)
			continue;
		last = (last + i) % TAG_COUNT;
		if (i == TAG_COUNT || !read_member(t, &tags_rows[last], j, k + 1))
			return false;
		seen |= TAGS_BIT(last);
	}
	if (!tags_complete(t, seen))
		return false;
	*reason = REASON_NONE;
	return true;
}

static bool
read_parts(struct envelope *e, const struct json *j)
{
	for (uint32_t k = 1; k < j->nodes[0].next; k = j->nodes[k].next) {
		if (json_is(j, k, (struct bytes)BYTES("record")))
			e->record = k + 1;
		else if (json_is(j, k, (struct bytes)BYTES("labels")))
			e->labels = k + 1;
		else if (k + 1 != e->ehr)
			return false;
	}
	if (e->record == 0 || (e->labels != 0) != (e->tags.stage == STAGE_LABELLED))
		return false;
	return e->labels == 0 || json_kind(j, e->labels) == JSON_ARRAY;
}

bool
envelope_read(struct envelope *e, const struct json *j)
{
	*e = (struct envelope){ 0 };
	e->reason = REASON_NOT_AN_OBJECT;
	if (json_kind(j, 0) != JSON_OBJECT)
		return false;
	e->ehr = json_member(j, 0, (struct bytes)BYTES("ehr"));
	e->reason = REASON_NONE;
	if (e->ehr == 0)
		return true;
	if (!tags_read(&e->tags, j, e->ehr, &e->reason))
		return false;
	/* The members of these lines are for their own readers. */
	if (e->tags.stage == STAGE_SEALED || e->tags.stage == STAGE_OTHER)
		return true;
	e->reason = REASON_BAD_ENVELOPE;
	if (!read_parts(e, j))
		return false;
	e->reason = REASON_NOT_AN_OBJECT;
	if (json_kind(j, e->record) != JSON_OBJECT)
		return false;
	e->reason = REASON_NONE;
	return true;
}
