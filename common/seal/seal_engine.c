/* SPDX-License-Identifier: ISC */
#include "common/seal/seal_engine.h"

#include "common/base/diag.h"
#include "common/base/memory.h"
#include "common/crypto/jwe_seal.h"
#include "common/crypto/jws_sign.h"
#include "common/crypto/pseudonym.h"
#include "common/crypto/secret.h"
#include "common/line/manifest.h"
#include "common/line/sealed_line.h"
#include "common/line/version_line.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORD_MOST = 128, REKEY_LINES = 65536 };

/* A level of the policy. */
struct target {
	struct jwe_seal *seal; /* NULL until the first line of the level */
	const struct level_key *key;
};

/* The last id or subject and its pseudonym: versions of a record are adjacent. */
struct last {
	char value[WORD_MOST];
	size_t size;
	char tag[PSEUDONYM_SIZE + 1];
};

struct seal_engine {
	struct seal_engine_setup setup;
	struct version_line_reader *reader;
	struct json check;
	struct target level[POLICY_MAX_LEVELS];
	struct jwe_seal *to;
	struct mac *id_key;
	struct mac *subject_key;
	struct last id;
	struct last subject;
	uint64_t seq;
	struct buffer tags;    /* of the line at hand */
	struct buffer words;   /* its member tags */
	struct buffer token;   /* the record with its signature */
	struct buffer several; /* records that were gathered: an array without its end */
	unsigned gathered;
	/* with a manifest */
	struct sink line;
	struct buffer listed;
	struct manifest_counts counts;
};

__attribute__((format(printf, 3, 4))) static bool
fail(struct seal_fault *f, enum diag_exit status, const char *format, ...)
{
	va_list list;

	f->status = status;
	va_start(list, format);
	(void)vsnprintf(f->text, sizeof f->text, format, list);
	va_end(list);
	return false;
}

/* WHAT cannot be used at the time of the run. */
static bool
fail_time(const struct seal_engine *r, const char *what, struct seal_fault *f)
{
	if (r->setup.now == NULL)
		return fail(
		    f, EXIT_USAGE, "now-missing: the %s was released for a time: needs --now TIME", what);
	return fail(f, EXIT_KEYS,
	    "key-not-valid: the %s is for another time: give such a --now, or ask for a new key", what);
}

/* KEY may seal now. */
static bool
check_key(const struct seal_engine *r, const struct level_key *key, const char *what, struct seal_fault *f)
{
	if (revoked_has(&r->setup.revoked, REVOKED_KIDS, bytes_of(key->kid)))
		return fail(
		    f, EXIT_KEYS, "key-revoked: the %s is on the revocation list: ehr-keys rotate", what);
	return level_key_in_time(key, r->setup.now) || fail_time(r, what, f);
}

static bool
find_level_keys(struct seal_engine *r, struct seal_fault *f)
{
	const struct seal_engine_setup *s = &r->setup;
	char what[200];

	for (unsigned i = 0; i < s->policy->levels; i++) {
		const struct policy_level *level = &s->policy->level[i];
		const struct level_key *key = keys_level(s->keys, level->name, s->epoch);

		r->level[i].key = key;
		(void)snprintf(what, sizeof what, "key of level %.*s, al %u, epoch %" PRIu32,
		    (int)level->name.size, level->name.at, level->al, s->epoch);
		if (key == NULL || key->al != level->al)
			return fail(f, EXIT_KEYS, "no-level-key: there is no %s", what);
		if (!check_key(r, key, what, f))
			return false;
	}
	return true;
}

static bool
check_pseudonym_key(const struct seal_engine *r, const char *name, struct seal_fault *f)
{
	char what[160];

	if (revoked_has(&r->setup.revoked, REVOKED_KIDS, bytes_of(keys_mac_kid(r->setup.keys, name))))
		return fail(f, EXIT_KEYS, "key-revoked: the key %s is on the revocation list", name);
	(void)snprintf(what, sizeof what, "key %s", name);
	return keys_mac_in_time(r->setup.keys, name, r->setup.now) || fail_time(r, what, f);
}

static bool
find_pseudonym_keys(struct seal_engine *r, struct seal_fault *f)
{
	const char *const names[] = { pseudonym_key(PSEUDONYM_ID), pseudonym_key(PSEUDONYM_SUBJECT) };

	r->id_key = keys_mac(r->setup.keys, names[0]);
	r->subject_key = keys_mac(r->setup.keys, names[1]);
	if (r->id_key == NULL || r->subject_key == NULL)
		return fail(
		    f, EXIT_KEYS, "no-level-key: there is no key for pseudonyms (tag.id, tag.subject)");
	return check_pseudonym_key(r, names[0], f) && check_pseudonym_key(r, names[1], f);
}

/* A device is revoked by the thumbprint of its signing key, a key by its own. */
static bool
check_recipient(const struct seal_engine *r, struct seal_fault *f)
{
	const struct bytes jkt = bytes_of(r->setup.recipient->jkt);

	if (revoked_has(&r->setup.revoked, REVOKED_KIDS, jkt) || revoked_has_device(&r->setup.revoked, jkt))
		return fail(f, EXIT_KEYS, "key-revoked: the recipient's key is on the revocation list");
	return r->to != NULL ||
	       fail(f, EXIT_KEYS, "key-invalid: the recipient's key is not a point of P-256");
}

static unsigned
rekey_lines(const struct seal_engine *r)
{
	return r->setup.sealing != NULL ? r->setup.sealing->rekey_lines : REKEY_LINES;
}

static bool
prepare(struct seal_engine *r, struct seal_fault *f)
{
	const struct seal_engine_setup *s = &r->setup;

	if (s->keys != NULL && !find_pseudonym_keys(r, f))
		return false;
	if (s->recipient == NULL)
		return find_level_keys(r, f);
	r->to = jwe_seal_for_recipient(
	    s->recipient, s->domain, s->signer != NULL ? JWE_SIGNED : JWE_LINE, rekey_lines(r), NULL);
	return check_recipient(r, f);
}

/* Moves what was listed to the manifest, whose sink main() checks when it closes it. */
static void
put_listed(struct seal_engine *r)
{
	(void)sink_put(r->setup.manifest, buffer_bytes(&r->listed));
	r->listed.used = 0;
}

static void
begin_manifest(struct seal_engine *r)
{
	const struct seal_engine_setup *s = &r->setup;
	const struct manifest_head head = { .domain = s->domain,
		.epoch = s->epoch,
		.to = s->recipient != NULL ? bytes_of(s->recipient->jkt) : (struct bytes){ 0 },
		.batch = bytes_of(s->batch),
		.policy = s->policy != NULL ? bytes_of(s->policy->digest) : (struct bytes){ 0 },
		.prev = s->prev };

	if (s->manifest == NULL)
		return;
	manifest_write_head(&r->listed, &head);
	put_listed(r);
}

/* The line that was sealed into memory: into the manifest and out. */
static void
list_line(struct seal_engine *r, struct bytes rl, struct filter *f)
{
	struct bytes line = sink_held(&r->line);
	char hex[DIGEST_HEX];

	digest_hex(line, hex);
	manifest_write_line(&r->listed, r->seq - 1, rl, hex, &r->counts);
	put_listed(r);
	(void)sink_put(&f->out, line);
	sink_drop(&r->line);
}

static void
end_manifest(struct seal_engine *r)
{
	if (r->setup.manifest == NULL)
		return;
	manifest_write_end(&r->listed, &r->counts);
	put_listed(r);
}

struct seal_engine *
seal_engine_begin(const struct seal_engine_setup *setup, struct seal_fault *f)
{
	struct seal_engine *r = memory_zeros(1, sizeof *r);

	r->setup = *setup;
	r->seq = setup->seq;
	r->reader = version_line_reader_new(setup->max_depth);
	json_init(&r->check, NULL, setup->max_depth);
	buffer_init(&r->tags, BUFFER_UNLIMITED);
	buffer_init(&r->words, BUFFER_UNLIMITED);
	buffer_init(&r->token, BUFFER_UNLIMITED);
	buffer_init(&r->several, BUFFER_UNLIMITED);
	buffer_init(&r->listed, BUFFER_UNLIMITED);
	sink_init_memory(&r->line);
	begin_manifest(r);
	if (prepare(r, f))
		return r;
	seal_engine_end(r);
	return NULL;
}

void
seal_engine_end(struct seal_engine *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < POLICY_MAX_LEVELS; i++)
		jwe_seal_free(r->level[i].seal);
	jwe_seal_free(r->to);
	version_line_reader_free(r->reader);
	json_release(&r->check);
	buffer_release(&r->tags);
	buffer_release(&r->words);
	secret_wipe(r->token.at, r->token.room);
	secret_wipe(r->several.at, r->several.room);
	buffer_release(&r->token);
	buffer_release(&r->several);
	buffer_release(&r->listed);
	buffer_release(&r->line.block);
	free(r);
}

void
seal_engine_part(struct seal_engine *r, uint64_t seq)
{
	r->seq = seq;
	r->counts = (struct manifest_counts){ 0 };
}

const struct manifest_counts *
seal_engine_listed(const struct seal_engine *r)
{
	return &r->counts;
}

static struct bytes
pseudonym(struct seal_engine *r, enum pseudonym_kind kind, struct bytes value)
{
	bool id = kind == PSEUDONYM_ID;
	struct last *last = id ? &r->id : &r->subject;
	const struct seal_policy *s = r->setup.sealing;
	uint32_t epoch = s != NULL && (id ? s->id_per_epoch : s->subject_per_epoch) ? r->setup.epoch : 0;

	if (value.size == 0 || last->size != value.size || memcmp(last->value, value.at, value.size) != 0) {
		pseudonym_make(
		    id ? r->id_key : r->subject_key, kind, r->setup.domain, epoch, value, last->tag);
		last->size = value.size <= sizeof last->value ? value.size : 0;
		memcpy(last->value, value.at, last->size);
	}
	return (struct bytes){ last->tag, PSEUDONYM_SIZE };
}

/* A line that was opened has pseudonyms already.  Without keys a line gets none. */
static struct bytes
name(struct seal_engine *r, enum pseudonym_kind kind, enum stage stage, struct bytes value)
{
	if (value.size == 0 || r->setup.keys == NULL)
		return (struct bytes){ "", 0 };
	return stage == STAGE_OPENED ? value : pseudonym(r, kind, value);
}

/*
 * TAGS as one object without white space.  False unless the policy lists each name and value: a closed
 * vocabulary, through which no text of a record leaks.
 */
static bool
allow_tags(struct seal_engine *r, struct bytes *tags)
{
	struct json_write w = json_write_to(&r->words);
	const char *at = tags->at, *end = tags->at + tags->size, *quote;
	struct bytes word[2] = { { "", 0 }, { "", 0 } };
	size_t n = 0;

	if (tags->size == 0)
		return true;
	if (r->setup.sealing == NULL)
		return false;
	r->words.used = 0;
	json_write_open(&w, '{');
	/* words only, so every quote begins or ends one */
	while ((at = memchr(at, '"', (size_t)(end - at))) != NULL) {
		quote = memchr(at + 1, '"', (size_t)(end - at) - 1);
		if (quote == NULL)
			return false;
		word[n % 2] = (struct bytes){ at + 1, (size_t)(quote - at) - 1 };
		at = quote + 1;
		if (n++ % 2 == 0)
			continue;
		if (!seal_policy_allows(r->setup.sealing, word[0], word[1]))
			return false;
		json_write_key(&w, word[0]);
		json_write_word(&w, word[1]);
	}
	json_write_close(&w, '}');
	*tags = buffer_bytes(&r->words);
	return true;
}

/* The tags that H's line has when it is sealed, in r->tags.  False if one is not allowed. */
static bool
make_tags(struct seal_engine *r, struct version_line *h)
{
	const struct seal_engine_setup *s = &r->setup;
	struct tags *t = &h->tags;

	t->deleted = t->deleted || t->stage == STAGE_DELETED;
	t->empty = t->empty && (s->sealing == NULL || !s->sealing->hides_empty);
	t->id = name(r, PSEUDONYM_ID, t->stage, t->id);
	t->subject = name(r, PSEUDONYM_SUBJECT, t->stage, t->subject);
	if (!allow_tags(r, &t->tags))
		return false;
	t->stage = STAGE_SEALED;
	t->domain = s->domain;
	t->epoch = s->recipient != NULL ? 0 : s->epoch;
	t->to = s->recipient != NULL ? bytes_of(s->recipient->jkt) : (struct bytes){ 0 };
	t->batch = bytes_of(s->batch);
	t->seq = r->seq;
	r->tags.used = 0;
	return tags_write(&r->tags, t) && r->tags.used <= SEALED_LINE_TAGS_MOST;
}

/* True if the line has all tags that its sealed form must have. */
static bool
is_whole(const struct tags *t, const struct bytes record)
{
	if (t->id.size == 0 || t->rl.size == 0 || t->n == 0 || t->n > t->of || t->criticality.size == 0 ||
	    (t->mark.size > 0 && !sealed_line_is_marked(t->mark, "m_")))
		return false;
	if (t->stage == STAGE_DELETED || t->deleted)
		return bytes_are(record, "{}");
	return true;
}

static bool
has_pseudonyms(const struct tags *t)
{
	return sealed_line_is_marked(t->id, "r_") &&
	       (t->subject.size == 0 || sealed_line_is_marked(t->subject, "s_"));
}

/* The policy that the line was made under must be this run's, unless another is accepted. */
static enum reason
judge_policy(const struct seal_engine_setup *s, struct bytes policy)
{
	if (s->policy != NULL && bytes_equal(policy, (struct bytes){ s->policy->digest, DIGEST_TEXT - 1 }))
		return REASON_NONE;
	if (!sealed_line_is_policy(policy))
		return REASON_TAGS_INVALID;
	return s->policy == NULL || s->other_policy ? REASON_NONE : REASON_OTHER_POLICY;
}

/* Checks the tags against the policy; *LEVEL is the index of the level. */
static enum reason
judge(const struct seal_engine *r, const struct version_line *h, int *level)
{
	const struct seal_engine_setup *s = &r->setup;
	const struct tags *t = &h->tags;
	enum reason reason;

	if (!is_whole(t, h->record) || (t->stage == STAGE_OPENED && !has_pseudonyms(t)))
		return REASON_TAGS_INVALID;
	reason = judge_policy(s, t->policy);
	if (reason != REASON_NONE || s->policy == NULL)
		return reason;
	*level = policy_level(s->policy, t->rl);
	return *level < 0 || s->policy->level[*level].al != t->al ? REASON_UNKNOWN_LEVEL : REASON_NONE;
}

static struct jwe_seal *
seal_of(struct seal_engine *r, int level)
{
	struct target *t = &r->level[level];

	if (r->to != NULL)
		return r->to;
	if (t->seal == NULL)
		t->seal = jwe_seal_for_level(t->key, rekey_lines(r), NULL);
	return t->seal;
}

static bool
check_record(struct seal_engine *r, struct bytes line, const struct version_line *h, struct filter *f)
{
	if (!r->setup.check || json_parse(&r->check, h->record))
		return true;
	(void)filter_no(f, r->check.reason, (size_t)(h->record.at - line.at) + r->check.byte);
	return false;
}

/*
 * All versions in which nothing is visible are one form, and so are all tombstones.  Where their tags say
 * which they are, their length tells nothing more.
 */
static bool
is_one_form(const struct tags *t, struct bytes plaintext)
{
	return (t->empty || t->deleted) && bytes_are(plaintext, "{}");
}

/* The size of a record of SIZE bytes after padding: the first step that it fits in, else by the last one. */
static size_t
padded_size(const struct seal_policy *s, size_t size)
{
	for (unsigned i = 0; s != NULL && i < s->steps; i++)
		if (jwe_seal_pad_block(size, s->step[i]) == s->step[i])
			return s->step[i];
	if (s == NULL || s->padding == PADDING_NONE)
		return size;
	return s->padding == PADDING_BLOCK ? jwe_seal_pad_block(size, s->block) : jwe_seal_pad_padme(size);
}

/* A labelled line or a tombstone is the record, and of its tags only the names are sealed as tags. */
static bool
read_kept(struct seal_engine *r, struct bytes line, struct version_line *h)
{
	struct tags t = { 0 };
	uint32_t ehr;

	*h = (struct version_line){ .bare = true, .record = line };
	if (!json_parse(&r->check, line)) {
		h->reason = r->check.reason;
		h->byte = r->check.byte;
		return false;
	}
	h->reason = REASON_WRONG_STAGE;
	ehr = json_kind(&r->check, 0) == JSON_OBJECT ? json_member(&r->check, 0, bytes_of("ehr")) : 0;
	if (ehr == 0 || !tags_read(&t, &r->check, ehr, &h->reason))
		return false;
	h->tags = (struct tags){ .stage = STAGE_LABELLED, .id = t.id, .subject = t.subject };
	h->reason = REASON_WRONG_STAGE;
	return t.stage == STAGE_LABELLED || t.stage == STAGE_DELETED;
}

/* What is encrypted: the record, or with a signer its JWS. */
static struct bytes
plaintext_of(struct seal_engine *r, struct bytes record)
{
	if (r->setup.signer == NULL)
		return record;
	r->token.used = 0;
	if (!jws_sign(&r->token, r->setup.signer, SEALED_LINE_SIGNED, false, record))
		diag_bug("a buffer without a limit is full");
	return buffer_bytes(&r->token);
}

static enum filter_outcome
put_line(struct seal_engine *r, struct filter *f, struct version_line *h, int level)
{
	struct bytes plaintext;

	if (!make_tags(r, h))
		return filter_no(f, REASON_TAGS_INVALID, 0);
	r->seq++;
	f->written++;
	plaintext = plaintext_of(r, h->record);
	/* the filter checks the sink */
	(void)jwe_seal_line(seal_of(r, level), buffer_bytes(&r->tags), plaintext,
	    is_one_form(&h->tags, plaintext) ? plaintext.size : padded_size(r->setup.sealing, plaintext.size),
	    r->setup.manifest != NULL ? &r->line : &f->out);
	if (r->setup.manifest != NULL)
		list_line(r, h->tags.rl, f);
	return FILTER_DONE;
}

static enum filter_outcome
seal_gathered(struct seal_engine *r, struct filter *f)
{
	struct version_line h = { .bare = true };

	if (r->gathered == 0)
		return FILTER_DONE;
	buffer_add(&r->several, "]", 1);
	h.record = buffer_bytes(&r->several);
	r->gathered = 0;
	return put_line(r, f, &h, 0);
}

/* Adds a record to those that share a line, which must not become longer than one record may be. */
static enum filter_outcome
gather(struct seal_engine *r, struct filter *f, struct bytes record)
{
	enum filter_outcome outcome = FILTER_DONE;

	if (!json_parse(&r->check, record))
		return filter_no(f, r->check.reason, r->check.byte);
	if (json_kind(&r->check, 0) != JSON_OBJECT)
		return filter_no(f, REASON_NOT_AN_OBJECT, 0);
	if (r->several.used + record.size + 2 > f->max_record)
		outcome = seal_gathered(r, f);
	if (r->gathered == 0)
		r->several.used = 0;
	buffer_add(&r->several, r->gathered == 0 ? "[" : ",", 1);
	buffer_add(&r->several, record.at, record.size);
	return ++r->gathered == r->setup.gather ? seal_gathered(r, f) : outcome;
}

enum filter_outcome
seal_engine_line(void *context, struct filter *f, struct bytes line)
{
	struct seal_engine *r = context;
	enum reason reason = REASON_NONE;
	struct version_line h;
	int level = 0;

	if (!(r->setup.keep ? read_kept(r, line, &h) : version_line_read(r->reader, line, r->to != NULL, &h)))
		return filter_no(f, h.reason, h.byte);
	if (!h.bare)
		reason = judge(r, &h, &level);
	if (reason != REASON_NONE)
		return filter_no(f, reason, 0);
	if (h.record.size > f->max_record)
		return filter_no(f, REASON_TOO_LONG, f->max_record + 1);
	if (!check_record(r, line, &h, f))
		return FILTER_REFUSE;
	if (r->setup.gather > 0)
		return h.bare ? gather(r, f, h.record) : filter_no(f, REASON_WRONG_STAGE, 0);
	return put_line(r, f, &h, level);
}

enum filter_outcome
seal_engine_last(void *context, struct filter *f)
{
	struct seal_engine *r = context;
	enum filter_outcome outcome = seal_gathered(r, f);

	end_manifest(r);
	return outcome;
}
