/* SPDX-License-Identifier: ISC */
#include "common/line/tags.h"

#include <stddef.h>
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

enum { LEAD_MOST = 16 };
#define MEMBER(name) BYTES(name), ",\"" name "\":"

static const struct member {
	struct bytes name;
	char lead[LEAD_MOST]; /* what stands before the value, as it is written */
	enum kind kind;
	unsigned may;
	size_t at;
} members[] = {
	{ MEMBER("url"), NAME, IN(INGESTED), AT(url) },
	{ MEMBER("id"), NAME, ANY & ~IN(INGESTED), AT(id) },
	{ MEMBER("subject"), NAME, ANY, AT(subject) },
	{ MEMBER("level"), WORD, IN(LABELLED), AT(level) },
	{ MEMBER("sensitivity"), LIST, IN(LABELLED), 0 },
	{ MEMBER("floor"), LIST, IN(INGESTED), AT(floor) },
	{ MEMBER("rl"), WORD, TAGGED, AT(rl) },
	{ MEMBER("al"), SMALL, TAGGED, AT(al) },
	{ MEMBER("n"), SMALL, TAGGED, AT(n) },
	{ MEMBER("of"), SMALL, TAGGED, AT(of) },
	{ MEMBER("criticality"), WORD, TAGGED | IN(LABELLED), AT(criticality) },
	{ MEMBER("reasons"), LIST, IN(LABELLED), 0 },
	{ MEMBER("domain"), WORD, CLOSED, AT(domain) },
	{ MEMBER("epoch"), EPOCH, CLOSED, AT(epoch) },
	{ MEMBER("to"), WORD, CLOSED, AT(to) },
	{ MEMBER("batch"), WORD, CLOSED, AT(batch) },
	{ MEMBER("seq"), LARGE, CLOSED, AT(seq) },
	{ MEMBER("policy"), WORD, TAGGED | IN(LABELLED), AT(policy) },
	{ MEMBER("mark"), WORD, TAGGED, AT(mark) },
	{ MEMBER("view"), WORD, TAGGED, AT(view) },
	{ MEMBER("tags"), TAGS, TAGGED, AT(tags) },
	{ MEMBER("deleted"), TRUTH, CLOSED, AT(deleted) },
};
#define MEMBERS (sizeof members / sizeof members[0])

/* What a line cannot do without. */
struct need {
	enum stage stage;
	const char *names; /* each with a blank behind it */
	uint32_t bits;     /* members; 0: not looked up yet */
};

static struct need needed[] = {
	{ STAGE_LABELLED, "id level criticality policy ", 0 },
	{ STAGE_VERSION, "id rl al n of criticality policy ", 0 },
	{ STAGE_DELETED, "id ", 0 },
};

/* Sealed and opened lines: for a level, for a recipient. */
static struct need level_needed = { STAGE_SEALED, "id rl al n of criticality domain epoch batch seq policy ",
	0 };
static struct need recipient_needed = { STAGE_SEALED, "domain to batch seq ", 0 };

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

/* The members of NAMES, each a bit. */
static uint32_t
bits_of(const char *names)
{
	uint32_t bits = 0;

	for (; *names != '\0'; names += strcspn(names, " ") + 1) {
		struct bytes name = { names, strcspn(names, " ") };

		for (size_t i = 0; i < MEMBERS; i++)
			if (bytes_equal(name, members[i].name))
				bits |= 1u << i;
	}
	return bits;
}

/* The bits of NAMES are looked up once. */
static bool
has_all(uint32_t seen, struct need *need)
{
	if (need->bits == 0)
		need->bits = bits_of(need->names);
	return (need->bits & ~seen) == 0;
}

static bool
complete(const struct tags *t, uint32_t seen)
{
	bool closed = t->stage == STAGE_SEALED || t->stage == STAGE_OPENED;

	if (t->of > VERSIONS_MOST || t->n > t->of || (t->of > 0 && t->n == 0))
		return false;
	if (closed && !has_all(seen, t->to.size > 0 ? &recipient_needed : &level_needed))
		return false;
	/* One of the two says which key: never both. */
	if (t->to.size > 0 && t->epoch > 0)
		return false;
	for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
		if (needed[i].stage == t->stage && !has_all(seen, &needed[i]))
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

		if (bytes_equal(name, (struct bytes)BYTES("v")) ||
		    bytes_equal(name, (struct bytes)BYTES("stage")))
			continue;
		/* They stand in the table's order, so the next one is near the last one. */
		for (i = 0; i < MEMBERS && !bytes_equal(name, members[(last + i) % MEMBERS].name); i++)
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

/* ---- writing: one reservation for all of it, then bytes one behind the other ---- */
enum { NUMBER_MOST = 20 };

static char *
put(char *at, struct bytes text)
{
	memcpy(at, text.at, text.size);
	return at + text.size;
}

/* As much of it as the longest is, which takes no call; the rest is written over. */
static char *
put_lead(char *at, const struct member *m)
{
	memcpy(at, m->lead, LEAD_MOST);
	return at + m->name.size + 4;
}

static char *
put_text(char *at, const struct member *m, struct bytes value)
{
	at = put_lead(at, m);
	*at++ = '"';
	at = put(at, value);
	*at++ = '"';
	return at;
}

static char *
put_number(char *at, const struct member *m, uint64_t value)
{
	char digits[NUMBER_MOST];
	size_t first = NUMBER_MOST;

	do
		digits[--first] = (char)('0' + value % 10);
	while ((value /= 10) > 0);
	return put(put_lead(at, m), (struct bytes){ digits + first, NUMBER_MOST - first });
}

static bool
is_text(enum kind kind)
{
	return kind == WORD || kind == NAME || kind == TAGS;
}

static const struct bytes *
text_of(const struct tags *t, const struct member *m)
{
	return (const struct bytes *)(const void *)((const char *)t + m->at);
}

/* A number is there if its tag is: al with rl, seq with batch. */
static char *
write_member(char *at, const struct tags *t, const struct member *m)
{
	const void *from = (const char *)t + m->at;

	switch (m->kind) {
	case WORD:
	case NAME:
		return put_text(at, m, *text_of(t, m));
	case TAGS:
		return put(put_lead(at, m), *text_of(t, m));
	case SMALL:
		if (m->at == AT(al) ? t->rl.size == 0 : *(const unsigned *)from == 0)
			return at;
		return put_number(at, m, *(const unsigned *)from);
	case EPOCH:
		return t->epoch == 0 ? at : put_number(at, m, t->epoch);
	case LARGE:
		return t->batch.size == 0 ? at : put_number(at, m, t->seq);
	case TRUTH:
		return t->deleted ? put(put_lead(at, m), (struct bytes)BYTES("true")) : at;
	case LIST:
		return at;
	}
	return at;
}

/* The members, as bits, that T may have; no more than *MOST bytes are written for them. */
static uint32_t
find_members(const struct tags *t, size_t *most)
{
	uint32_t found = 0;

	*most = MEMBERS * (LEAD_MOST + NUMBER_MOST + 2) + 64;
	for (size_t i = 0; i < MEMBERS; i++) {
		size_t size = is_text(members[i].kind) ? text_of(t, &members[i])->size : 0;

		*most += size;
		found |= (uint32_t)(size > 0 || !is_text(members[i].kind)) << i;
	}
	return found;
}

bool
tags_write(struct buffer *out, const struct tags *t)
{
	size_t most;
	uint32_t found = find_members(t, &most);
	char *at;

	if (!buffer_reserve(out, most))
		return false;
	at = put(out->at + out->used, (struct bytes)BYTES("{\"v\":1,\"stage\":\""));
	at = put(at, bytes_of(stages[t->stage]));
	*at++ = '"';
	for (; found != 0; found &= found - 1)
		at = write_member(at, t, &members[__builtin_ctz(found)]);
	*at++ = '}';
	out->used = (size_t)(at - out->at);
	return true;
}
