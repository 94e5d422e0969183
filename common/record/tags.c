/* SPDX-License-Identifier: ISC */
#include "common/record/tags.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define WORD_MOST 128
#define VERSIONS_MOST 99
#define AL_MOST 99
#define EPOCH_MOST 2147483647
#define TAGS_MOST 16

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

/* ASCII letters, digits and . _ : / @ + - : the bits of 64 bytes each. */
static const uint64_t word_bytes[4] = {
	[0] = UINT64_C(0x07ffe80000000000), /* + - . / 0-9 : */
	[1] = UINT64_C(0x07fffffe87ffffff), /* @ A-Z _ a-z */
};

bool
tag_is_word(struct bytes text)
{
	if (text.size == 0 || text.size > WORD_MOST)
		return false;
	for (size_t i = 0; i < text.size; i++) {
		unsigned char c = (unsigned char)text.at[i];

		if ((word_bytes[c / 64] >> (c % 64) & 1) == 0)
			return false;
	}
	return true;
}

/*
 * The members of ehr in the order in which they stand: what kind of value, where it goes, and in which stages
 * it must be there and may be there.  (1 << stage.)  A name that comes from a record (id, subject, url) is
 * any string until it is sealed.
 */
enum kind { WORD, NAME, SMALL, EPOCH, LARGE, TRUTH, TAGS, LIST };

#define AT(field) offsetof(struct tags, field)
#define IN(stage) (1u << STAGE_##stage)
#define TAGGED (IN(VERSION) | IN(SEALED) | IN(OPENED) | IN(DELETED))
#define CLOSED (IN(SEALED) | IN(OPENED))
#define ANY (~0u)

static const struct member {
	const char *name;
	enum kind kind;
	unsigned may;
	size_t at;
} members[] = {
	{ "url", NAME, IN(INGESTED), AT(url) },
	{ "id", NAME, ANY & ~IN(INGESTED), AT(id) },
	{ "subject", NAME, ANY, AT(subject) },
	{ "level", WORD, IN(LABELLED), AT(level) },
	{ "sensitivity", LIST, IN(LABELLED), 0 },
	{ "floor", LIST, IN(INGESTED), AT(floor) },
	{ "rl", WORD, TAGGED, AT(rl) },
	{ "al", SMALL, TAGGED, AT(al) },
	{ "n", SMALL, TAGGED, AT(n) },
	{ "of", SMALL, TAGGED, AT(of) },
	{ "criticality", WORD, TAGGED | IN(LABELLED), AT(criticality) },
	{ "reasons", LIST, IN(LABELLED), 0 },
	{ "domain", WORD, CLOSED, AT(domain) },
	{ "epoch", EPOCH, CLOSED, AT(epoch) },
	{ "to", WORD, CLOSED, AT(to) },
	{ "batch", WORD, CLOSED, AT(batch) },
	{ "seq", LARGE, CLOSED, AT(seq) },
	{ "policy", WORD, TAGGED | IN(LABELLED), AT(policy) },
	{ "mark", WORD, TAGGED, AT(mark) },
	{ "view", WORD, TAGGED, AT(view) },
	{ "tags", TAGS, TAGGED, AT(tags) },
	{ "deleted", TRUTH, CLOSED, AT(deleted) },
};
#define MEMBERS (sizeof members / sizeof members[0])

/* What a line of a stage cannot do without. */
static const struct {
	enum stage stage;
	const char *names; /* each with a blank behind it */
} needed[] = {
	{ STAGE_LABELLED, "id level criticality policy " },
	{ STAGE_VERSION, "id rl al n of criticality policy " },
	{ STAGE_DELETED, "id " },
};

#define LEVEL_SEALED "id rl al n of criticality domain epoch batch seq policy "
#define RECIPIENT_SEALED "domain to batch seq "

static bool
read_words(const struct json *j, uint32_t node)
{
	unsigned count = 0;

	if (json_kind(j, node) != JSON_OBJECT)
		return false;
	for (uint32_t k = node + 1; k < j->nodes[node].next; k = j->nodes[k].next)
		if (++count > TAGS_MOST || !tag_is_word(json_inside(j, k)) ||
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
read_member(struct tags *t, const struct member *m, const struct json *j, uint32_t node)
{
	void *to = (char *)t + m->at;
	bool closed = t->stage == STAGE_SEALED || t->stage == STAGE_OPENED;
	uint64_t number = 0;

	switch (m->kind) {
	case WORD:
	case NAME:
		return read_string(to, j, node, m->kind == WORD || closed);
	case SMALL:
		if (!read_number(&number, j, node, AL_MOST))
			return false;
		*(unsigned *)to = (unsigned)number;
		return true;
	case EPOCH:
		if (!read_number(&number, j, node, EPOCH_MOST) || number == 0)
			return false;
		*(uint32_t *)to = (uint32_t)number;
		return true;
	case LARGE:
		return read_number(to, j, node, UINT64_MAX);
	case TRUTH:
		*(bool *)to = true;
		return json_kind(j, node) == JSON_TRUE;
	case TAGS:
		*(struct bytes *)to = json_span(j, node);
		return read_words(j, node);
	case LIST:
		if (m->at != 0)
			*(uint32_t *)to = node;
		return json_kind(j, node) == JSON_ARRAY;
	}
	return false;
}

static bool
has_all(uint32_t seen, const char *names)
{
	for (; *names != '\0'; names += strcspn(names, " ") + 1) {
		struct bytes name = { names, strcspn(names, " ") };

		for (size_t i = 0; i < MEMBERS; i++)
			if (bytes_are(name, members[i].name) && (seen & (1u << i)) == 0)
				return false;
	}
	return true;
}

static bool
complete(const struct tags *t, uint32_t seen)
{
	bool closed = t->stage == STAGE_SEALED || t->stage == STAGE_OPENED;

	if (t->of > VERSIONS_MOST || t->n > t->of || (t->of > 0 && t->n == 0))
		return false;
	if (closed && !has_all(seen, t->to.size > 0 ? RECIPIENT_SEALED : LEVEL_SEALED))
		return false;
	/* One of the two says which key: never both. */
	if (t->to.size > 0 && t->epoch > 0)
		return false;
	for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
		if (needed[i].stage == t->stage && !has_all(seen, needed[i].names))
			return false;
	return true;
}

/* v and stage say what the rest means: they are looked for first, wherever they stand. */
static bool
read_head(struct tags *t, const struct json *j, uint32_t ehr, enum reason *reason)
{
	uint32_t v = json_member(j, ehr, (struct bytes)BYTES("v"));
	uint32_t stage = json_member(j, ehr, (struct bytes)BYTES("stage"));

	*reason = REASON_BAD_ENVELOPE;
	if (json_kind(j, ehr) != JSON_OBJECT)
		return false;
	*reason = REASON_UNKNOWN_VERSION;
	if (v == 0 || !bytes_are(json_span(j, v), "1"))
		return false;
	*reason = REASON_BAD_ENVELOPE;
	if (stage == 0 || json_kind(j, stage) != JSON_STRING)
		return false;
	t->stage = stage_of(json_inside(j, stage));
	return true;
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

		if (bytes_are(name, "v") || bytes_are(name, "stage"))
			continue;
		/* They stand in the table's order, so the next one is near the last one. */
		for (i = 0; i < MEMBERS && !bytes_are(name, members[(last + i) % MEMBERS].name); i++)
			continue;
		last = (last + i) % MEMBERS;
		if (i == MEMBERS || (members[last].may & (1u << t->stage)) == 0 ||
		    !read_member(t, &members[last], j, k + 1))
			return false;
		seen |= 1u << last;
	}
	if (!complete(t, seen))
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
	/* These have parts of their own: whoever reads them knows, anyone else says wrong-stage. */
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

static bool
put(struct buffer *out, struct bytes text)
{
	return buffer_append(out, text.at, text.size);
}

static bool
put_member(struct buffer *out, const char *name)
{
	return put(out, (struct bytes)BYTES(",\"")) && put(out, bytes_of(name)) &&
	       put(out, (struct bytes)BYTES("\":"));
}

static bool
put_text(struct buffer *out, const char *name, struct bytes value)
{
	return put_member(out, name) && put(out, (struct bytes)BYTES("\"")) && put(out, value) &&
	       put(out, (struct bytes)BYTES("\""));
}

static bool
put_number(struct buffer *out, const char *name, uint64_t value)
{
	char digits[24];
	int size = snprintf(digits, sizeof digits, "%" PRIu64, value);

	return put_member(out, name) && buffer_append(out, digits, (size_t)size);
}

/* A number is there if its tag is: al with rl, seq with batch. */
static bool
write_member(struct buffer *out, const struct tags *t, const struct member *m)
{
	const void *from = (const char *)t + m->at;
	const struct bytes *text = from;

	switch (m->kind) {
	case WORD:
	case NAME:
		return text->size == 0 || put_text(out, m->name, *text);
	case TAGS:
		return text->size == 0 || (put_member(out, m->name) && put(out, *text));
	case SMALL:
		if (m->at == AT(al) ? t->rl.size == 0 : *(const unsigned *)from == 0)
			return true;
		return put_number(out, m->name, *(const unsigned *)from);
	case EPOCH:
		return t->epoch == 0 || put_number(out, m->name, t->epoch);
	case LARGE:
		return t->batch.size == 0 || put_number(out, m->name, t->seq);
	case TRUTH:
		return !t->deleted || (put_member(out, m->name) && put(out, (struct bytes)BYTES("true")));
	case LIST:
		return true;
	}
	return false;
}

bool
tags_write(struct buffer *out, const struct tags *t)
{
	bool whole = put(out, (struct bytes)BYTES("{\"v\":1,\"stage\":\"")) &&
		     put(out, bytes_of(stages[t->stage])) && put(out, (struct bytes)BYTES("\""));

	for (size_t i = 0; whole && i < MEMBERS; i++)
		whole = write_member(out, t, &members[i]);
	return whole && put(out, (struct bytes)BYTES("}"));
}
