/* SPDX-License-Identifier: ISC */
/*
 * A line in exactly the form in which ehr-seal writes it is split by position, without an index: ehr-notify
 * and ehr-select read hundreds of thousands of lines a second, most of whose bytes are ciphertext.  read_any
 * reads every other line, and it alone refuses, so that the reasons are found in one order.
 */
#include "common/line/sealed_line.h"

#include "common/base/base64url.h"
#include "common/base/diag.h"
#include "common/base/memory.h"

#include <stdlib.h>

enum { KEY_CHARS = 54, IV_CHARS = 16, TAG_CHARS = 22, LEAST_CIPHERTEXT = 2 };
enum { MARK_CHARS = 24, THUMBPRINT_CHARS = 43, POLICY_CHARS = 71, KID_TAIL = 8 };

struct sealed_line_reader {
	struct json line;
	struct json header;
	unsigned char decoded[SEALED_LINE_HEADER_MOST + JSON_SLACK];
};

/* What the caller reads. */
struct sealed_line_form {
	bool message;
	bool tags_only;
};

struct sealed_line_reader *
sealed_line_reader_new(unsigned max_depth)
{
	struct sealed_line_reader *r = memory_zeros(1, sizeof *r);

	json_init(&r->line, NULL, max_depth);
	json_init(&r->header, NULL, max_depth);
	return r;
}

void
sealed_line_reader_free(struct sealed_line_reader *r)
{
	if (r == NULL)
		return;
	json_release(&r->line);
	json_release(&r->header);
	free(r);
}

const struct json *
sealed_line_header_index(const struct sealed_line_reader *r)
{
	return &r->header;
}

static bool
refuse(struct sealed_line *s, enum reason reason)
{
	s->reason = reason;
	s->byte = 0;
	return false;
}

static bool
parts_are_base64url(const struct sealed_line *s)
{
	return base64url_valid(s->encrypted_key) && base64url_valid(s->iv) &&
	       base64url_valid(s->ciphertext) && base64url_valid(s->tag);
}

static bool
decode_header(struct sealed_line_reader *r, struct sealed_line *s)
{
	size_t size;

	if (BASE64URL_BYTES(s->protected_text.size) > SEALED_LINE_HEADER_MOST ||
	    !base64url_decode(r->decoded, &size, s->protected_text))
		return false;
	memset(r->decoded + size, 0, JSON_SLACK);
	s->header = (struct bytes){ (const char *)r->decoded, size };
	return true;
}

bool
sealed_line_is_marked(struct bytes tag, const char *prefix)
{
	return tag.size == MARK_CHARS && memcmp(tag.at, prefix, 2) == 0 &&
	       base64url_valid(bytes_behind(tag, 2));
}

bool
sealed_line_is_policy(struct bytes tag)
{
	unsigned other = 0;

	if (tag.size != POLICY_CHARS || !bytes_begin(tag, "sha256:"))
		return false;
	/* without a branch, so that the compiler takes many characters at once */
	for (size_t i = 7; i < POLICY_CHARS; i++)
		other |= (unsigned)((unsigned char)(tag.at[i] - '0') > 9) &
			 (unsigned)((unsigned char)(tag.at[i] - 'a') > 5);
	return other == 0;
}

static bool
is_name(struct bytes tag)
{
	return tag.size > 0 && memchr(tag.at, '/', tag.size) == NULL;
}

static bool
is_thumbprint(struct bytes tag)
{
	return tag.size == THUMBPRINT_CHARS && base64url_valid(tag);
}

/* The tags are words; this checks the forms that some have in a sealed line. */
static bool
tags_are_sealed(const struct tags *t)
{
	return t->stage == STAGE_SEALED && (t->id.size == 0 || sealed_line_is_marked(t->id, "r_")) &&
	       (t->subject.size == 0 || sealed_line_is_marked(t->subject, "s_")) &&
	       (t->mark.size == 0 || sealed_line_is_marked(t->mark, "m_")) &&
	       sealed_line_is_marked(t->batch, "b_") &&
	       (t->policy.size == 0 || sealed_line_is_policy(t->policy)) && is_name(t->domain) &&
	       (t->rl.size == 0 || is_name(t->rl)) && (t->to.size == 0 || is_thumbprint(t->to));
}

/* Inline, so that comparing with a constant is an instruction or two. */
static inline __attribute__((always_inline)) bool
take(struct bytes *rest, const char *text, size_t size)
{
	if (rest->size < size || memcmp(rest->at, text, size) != 0)
		return false;
	rest->at += size;
	rest->size -= size;
	return true;
}

#define TAKE(rest, text) take((rest), (text), sizeof(text) - 1)

static bool
take_size(struct bytes *rest, size_t size, struct bytes *to)
{
	if (rest->size < size)
		return false;
	*to = (struct bytes){ rest->at, size };
	rest->at += size;
	rest->size -= size;
	return true;
}

static bool
take_epoch(struct bytes *rest, uint32_t epoch)
{
	char digits[10];
	size_t n = sizeof digits;

	for (; epoch > 0; epoch /= 10)
		digits[--n] = (char)('0' + epoch % 10);
	return take(rest, digits + n, sizeof digits - n);
}

/* The kid of a level's key: domain/rl/epoch/ and the first characters of a thumbprint. */
static bool
kid_is_levels(const struct sealed_line *s)
{
	struct bytes rest = s->kid;
	const struct tags *t = &s->tags;

	return t->rl.size > 0 && take(&rest, t->domain.at, t->domain.size) && TAKE(&rest, "/") &&
	       take(&rest, t->rl.at, t->rl.size) && TAKE(&rest, "/") && take_epoch(&rest, t->epoch) &&
	       TAKE(&rest, "/") && rest.size == KID_TAIL && base64url_valid(rest);
}

/* Splits the six members.  Only the end of the header has to be searched for. */
static bool
split_exact(struct bytes rest, struct sealed_line *s)
{
	static const char tail[] = SEALED_LINE_TAG;
	const char *quote;
	size_t end;

	if (!TAKE(&rest, TAGS_LINE_BEGIN) || !tags_scan(rest, &s->tags, &end) ||
	    !take_size(&rest, end, &s->ehr) || s->ehr.size > SEALED_LINE_TAGS_MOST ||
	    !TAKE(&rest, SEALED_LINE_PROTECTED) || (quote = memchr(rest.at, '"', rest.size)) == NULL ||
	    !take_size(&rest, (size_t)(quote - rest.at), &s->protected_text) ||
	    !TAKE(&rest, SEALED_LINE_KEY) || !take_size(&rest, KEY_CHARS, &s->encrypted_key) ||
	    !TAKE(&rest, SEALED_LINE_IV) || !take_size(&rest, IV_CHARS, &s->iv) ||
	    !TAKE(&rest, SEALED_LINE_CIPHERTEXT))
		return false;
	end = sizeof tail - 1 + TAG_CHARS + 2;
	return rest.size > end && take_size(&rest, rest.size - end, &s->ciphertext) && TAKE(&rest, tail) &&
	       take_size(&rest, TAG_CHARS, &s->tag) && bytes_are(rest, SEALED_LINE_END);
}

/* Reads the header of a line sealed for a level.  In version 1 its ehr is that of the line, byte for byte. */
static bool
header_exact(struct sealed_line *s)
{
	struct bytes rest = s->header;

	if (!TAKE(&rest, "{\"alg\":\"A256KW\",\"enc\":\"A256GCM\",\"typ\":\"ehr-sealed\",\"cty\":\"json\","
			 "\"kid\":\"") ||
	    !take_size(&rest, tags_word_size(rest), &s->kid) || !TAKE(&rest, "\""))
		return false;
	s->tags_twice = bytes_begin(s->ehr, TAGS_HEAD_SEALED_1);
	if (s->tags_twice && (!TAKE(&rest, ",\"ehr\":") || !take(&rest, s->ehr.at, s->ehr.size)))
		return false;
	return bytes_are(rest, "}");
}

static bool
read_exact(struct sealed_line_reader *r, struct bytes line, struct sealed_line *s)
{
	return split_exact(line, s) && BASE64URL_BYTES(s->ciphertext.size) >= LEAST_CIPHERTEXT &&
	       decode_header(r, s) && header_exact(s) && s->tags.epoch > 0 && tags_are_sealed(&s->tags) &&
	       kid_is_levels(s) && parts_are_base64url(s);
}

/* v and stage.  A line of another version or stage is refused for that, whatever else it holds. */
static bool
read_head(const struct json *j, uint32_t ehr, const struct sealed_line_form *form, struct sealed_line *s)
{
	uint32_t v = json_member(j, ehr, (struct bytes)BYTES("v"));
	uint32_t stage = json_member(j, ehr, (struct bytes)BYTES("stage"));

	s->tags_twice = v != 0 && bytes_are(json_span(j, v), TAGS_SEALED_V_1);
	if (v == 0 || !(s->tags_twice || bytes_are(json_span(j, v), TAGS_SEALED_V)))
		return refuse(s, REASON_UNKNOWN_VERSION);
	if (stage == 0 || json_kind(j, stage) != JSON_STRING)
		return refuse(s, REASON_WRONG_STAGE);
	s->stage = json_inside(j, stage);
	if (form->message)
		return bytes_are(s->stage, "release") || bytes_are(s->stage, "provision") ||
		       bytes_are(s->stage, "command") || bytes_are(s->stage, "proof") ||
		       refuse(s, REASON_WRONG_STAGE);
	return bytes_are(s->stage, "sealed") || refuse(s, REASON_WRONG_STAGE);
}

static struct bytes *
part(struct sealed_line *s, struct bytes name)
{
	if (bytes_are(name, "protected"))
		return &s->protected_text;
	if (bytes_are(name, "encrypted_key"))
		return &s->encrypted_key;
	if (bytes_are(name, "iv"))
		return &s->iv;
	if (bytes_are(name, "ciphertext"))
		return &s->ciphertext;
	return bytes_are(name, "tag") ? &s->tag : NULL;
}

/* Exactly the six members, or with tags_only also exactly two of them (*CUT). */
static bool
read_members(const struct json *j, const struct sealed_line_form *form, struct sealed_line *s, bool *cut)
{
	unsigned count = 0;

	for (uint32_t k = 1; k < j->nodes[0].next; k = j->nodes[k].next, count++) {
		struct bytes name = json_inside(j, k), *to = part(s, name);

		if (bytes_are(name, "ehr"))
			continue;
		if (to == NULL || json_kind(j, k + 1) != JSON_STRING)
			return refuse(s, REASON_SEALED_MEMBERS);
		*to = json_inside(j, k + 1);
	}
	*cut = form->tags_only && count == 2 && s->protected_text.at != NULL;
	return count == 6 || *cut || refuse(s, REASON_SEALED_MEMBERS);
}

static bool
check_parts(struct sealed_line_reader *r, struct sealed_line *s, bool cut)
{
	if (!base64url_valid(s->protected_text) || (!cut && !parts_are_base64url(s)))
		return refuse(s, REASON_SEALED_BASE64);
	if (!decode_header(r, s))
		return refuse(s, REASON_SEALED_LENGTH);
	if (!cut && (s->encrypted_key.size != KEY_CHARS || s->iv.size != IV_CHARS ||
			s->tag.size != TAG_CHARS || BASE64URL_BYTES(s->ciphertext.size) < LEAST_CIPHERTEXT))
		return refuse(s, REASON_SEALED_LENGTH);
	return true;
}

/* The nodes of the header's members, 0 if absent. */
struct header {
	uint32_t alg, enc, typ, cty, kid, epk, apu, apv, ehr;
};

static uint32_t *
header_place(struct header *h, struct bytes name)
{
	const struct {
		const char *name;
		uint32_t *place;
	} places[] = { { "alg", &h->alg }, { "enc", &h->enc }, { "typ", &h->typ }, { "cty", &h->cty },
		{ "kid", &h->kid }, { "epk", &h->epk }, { "apu", &h->apu }, { "apv", &h->apv },
		{ "ehr", &h->ehr } };

	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
		if (bytes_are(name, places[i].name))
			return places[i].place;
	return NULL;
}

static bool
read_header(const struct json *j, struct header *h, struct sealed_line *s)
{
	unsigned count = 0;

	if (json_kind(j, 0) != JSON_OBJECT)
		return refuse(s, REASON_HEADER_MEMBERS);
	for (uint32_t k = 1; k < j->nodes[0].next; k = j->nodes[k].next, count++) {
		uint32_t *place = header_place(h, json_inside(j, k));
		bool object = place == &h->epk || place == &h->ehr;

		if (place == NULL || json_kind(j, k + 1) != (object ? JSON_OBJECT : JSON_STRING))
			return refuse(s, REASON_HEADER_MEMBERS);
		*place = k + 1;
	}
	if (h->alg == 0 || h->enc == 0 || h->typ == 0 || h->cty == 0 || h->kid == 0 ||
	    (h->ehr != 0) != s->tags_twice)
		return refuse(s, REASON_HEADER_MEMBERS);
	s->to_recipient = json_is(j, h->alg, (struct bytes)BYTES("ECDH-ES+A256KW"));
	if (count != (s->to_recipient ? 8U : 5U) + s->tags_twice)
		return refuse(s, REASON_HEADER_MEMBERS);
	s->kid = json_inside(j, h->kid);
	if (s->to_recipient) {
		s->epk = h->epk;
		s->apu = json_inside(j, h->apu);
		s->apv = json_inside(j, h->apv);
	}
	return true;
}

static bool
is(const struct json *j, uint32_t node, const char *text)
{
	return json_is(j, node, bytes_of(text));
}

/* The algorithms and types that the programs write, and no others. */
static bool
check_algorithms(
    const struct json *j, const struct header *h, const struct sealed_line_form *form, struct sealed_line *s)
{
	bool named = is(j, h->enc, "A256GCM") && is(j, h->typ, form->message ? "ehr-message" : "ehr-sealed");

	s->is_signed = s->to_recipient && !form->message && is(j, h->cty, SEALED_LINE_SIGNED);
	named = named && (s->is_signed || is(j, h->cty, form->message ? "JWT" : "json"));
	named = named && (s->to_recipient || (!form->message && is(j, h->alg, "A256KW")));
	return named || refuse(s, REASON_ALGORITHM_REFUSED);
}

/* The four tags of a message. */
static bool
read_message_tags(const struct json *j, uint32_t ehr, struct sealed_line *s)
{
	struct tags *t = &s->tags;
	unsigned count = 0;

	t->stage = STAGE_OTHER;
	for (uint32_t k = ehr + 1; k < j->nodes[ehr].next; k = j->nodes[k].next, count++) {
		struct bytes name = json_inside(j, k), text = { "", 0 };

		if (json_kind(j, k + 1) == JSON_STRING)
			text = json_inside(j, k + 1);
		if (bytes_are(name, "domain"))
			t->domain = text;
		else if (bytes_are(name, "to"))
			t->to = text;
		else if (!bytes_are(name, "v") && !bytes_are(name, "stage"))
			return false;
	}
	return count == 4 && tag_is_word(t->domain) && is_name(t->domain) && is_thumbprint(t->to);
}

static bool
read_tags(const struct json *j, uint32_t ehr, const struct sealed_line_form *form, struct sealed_line *s)
{
	enum reason reason;
	bool good;

	if (form->message)
		good = read_message_tags(j, ehr, s);
	else
		good = tags_read(&s->tags, j, ehr, &reason) && tags_are_sealed(&s->tags);
	return (good && s->ehr.size <= SEALED_LINE_TAGS_MOST) || refuse(s, REASON_TAGS_INVALID);
}

static bool
epk_is_bare(const struct json *j, uint32_t epk)
{
	static const char *const names[] = { "kty", "crv", "x", "y" };
	unsigned count = 0, known = 0;

	for (uint32_t k = epk + 1; k < j->nodes[epk].next; k = j->nodes[k].next, count++)
		for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
			known += bytes_are(json_inside(j, k), names[i]) && json_kind(j, k + 1) == JSON_STRING;
	return count == 4 && known == 4;
}

static bool
check_kid(const struct json *j, struct sealed_line *s)
{
	char apv[THUMBPRINT_CHARS];
	size_t size;
	bool good;

	if (s->to_recipient != (s->tags.to.size > 0))
		return refuse(s, REASON_KID_MISMATCH);
	if (!s->to_recipient)
		return kid_is_levels(s) || refuse(s, REASON_KID_MISMATCH);
	good = BASE64URL_BYTES(s->apv.size) == sizeof apv && base64url_decode(apv, &size, s->apv) &&
	       bytes_equal((struct bytes){ apv, size }, s->tags.to) && bytes_equal(s->kid, s->tags.to) &&
	       base64url_valid(s->apu) && epk_is_bare(j, s->epk);
	return good || refuse(s, REASON_KID_MISMATCH);
}

static bool
check_header(
    struct sealed_line_reader *r, uint32_t ehr, const struct sealed_line_form *form, struct sealed_line *s)
{
	struct header h = { 0 };

	if (!json_parse(&r->header, s->header))
		return refuse(s, r->header.reason);
	if (!read_header(&r->header, &h, s) || !check_algorithms(&r->header, &h, form, s))
		return false;
	if (s->tags_twice && !bytes_equal(json_span(&r->header, h.ehr), s->ehr))
		return refuse(s, REASON_TAG_MISMATCH);
	return read_tags(&r->line, ehr, form, s) && check_kid(&r->header, s);
}

static bool
read_any(struct sealed_line_reader *r, struct bytes line, const struct sealed_line_form *form,
    struct sealed_line *s)
{
	uint32_t ehr;
	bool cut;

	*s = (struct sealed_line){ 0 };
	if (!json_parse(&r->line, line)) {
		s->reason = r->line.reason;
		s->byte = r->line.byte;
		return false;
	}
	if (json_kind(&r->line, 0) != JSON_OBJECT)
		return refuse(s, REASON_NOT_AN_OBJECT);
	ehr = json_member(&r->line, 0, (struct bytes)BYTES("ehr"));
	if (ehr == 0 || json_kind(&r->line, ehr) != JSON_OBJECT)
		return refuse(s, REASON_SEALED_MEMBERS);
	s->ehr = json_span(&r->line, ehr);
	return read_head(&r->line, ehr, form, s) && read_members(&r->line, form, s, &cut) &&
	       check_parts(r, s, cut) && check_header(r, ehr, form, s);
}

bool
sealed_line_read(struct sealed_line_reader *r, struct bytes line, bool tags_only, struct sealed_line *s)
{
	const struct sealed_line_form form = { .tags_only = tags_only };

	*s = (struct sealed_line){ 0 };
	return read_exact(r, line, s) || read_any(r, line, &form, s);
}

bool
sealed_line_read_message(struct sealed_line_reader *r, struct bytes line, struct sealed_line *s)
{
	const struct sealed_line_form form = { .message = true };

	return read_any(r, line, &form, s);
}
