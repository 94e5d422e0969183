/* SPDX-License-Identifier: ISC */
#include "cmd/open/opening.h"

#include "common/base/memory.h"
#include "common/crypto/digest.h"
#include "common/crypto/jwe_open.h"
#include "common/line/manifest.h"
#include "common/line/sealed_line.h"

#include <inttypes.h>
#include <stdlib.h>

enum { PADDING_MOST = 65536, TAGS_MOST = 4096 };

/* Where a level key is: the directory, and the key's place in keys_levels(). */
struct place {
	size_t directory;
	size_t level;
};

struct opening {
	struct opening_setup setup;
	struct keys **directory;
	size_t directories;
	struct revoked *revoked; /* all lists */
	size_t lists;
	struct private_key **private; /* of directories and files */
	bool *owned;                  /* private[i] is of a file and freed here */
	size_t privates;
	struct sealed_line_reader *reader;
	struct jwe_open *unseal;
	struct jws_reader *jws;
	struct json check;
	struct buffer tags;
	struct digest *digest; /* of lines */
	struct place last;     /* of the level key used last, which is tried first */
	bool told_epoch;       /* that all keys are of other epochs than a line */
};

struct opening *
opening_new(const struct opening_setup *setup)
{
	struct opening *o = memory_zeros(1, sizeof *o);

	o->setup = *setup;
	o->reader = sealed_line_reader_new(setup->max_depth);
	o->unseal = jwe_open_new();
	o->jws = jws_reader_new();
	json_init(&o->check, NULL, setup->max_depth);
	buffer_init(&o->tags, TAGS_MOST);
	o->digest = digest_new();
	return o;
}

void
opening_free(struct opening *o)
{
	if (o == NULL)
		return;
	jwe_open_free(o->unseal);
	jws_reader_free(o->jws);
	sealed_line_reader_free(o->reader);
	json_release(&o->check);
	buffer_release(&o->tags);
	digest_free(o->digest);
	for (size_t i = 0; i < o->privates; i++)
		if (o->owned[i])
			keyref_free(o->private[i]);
	for (size_t i = 0; i < o->directories; i++)
		keys_close(o->directory[i]);
	for (size_t i = 0; i < o->lists; i++)
		revoked_free(&o->revoked[i]);
	free(o->directory);
	free(o->revoked);
	free(o->private);
	free(o->owned);
	free(o);
}

static void
add_private(struct opening *o, struct private_key *key, bool owned)
{
	o->private = memory_grow(o->private, o->privates + 1, sizeof(void *));
	o->owned = memory_grow(o->owned, o->privates + 1, sizeof *o->owned);
	o->private[o->privates] = key;
	o->owned[o->privates++] = owned;
}

void
opening_add_private(struct opening *o, struct private_key *key)
{
	add_private(o, key, true);
}

void
opening_add_revoked(struct opening *o, const struct revoked *revoked)
{
	o->revoked = memory_grow(o->revoked, o->lists + 1, sizeof *o->revoked);
	o->revoked[o->lists++] = *revoked;
}

void
opening_add_directory(struct opening *o, struct keys *keys)
{
	o->directory = memory_grow(o->directory, o->directories + 1, sizeof(void *));
	o->directory[o->directories++] = keys;
	add_private(o, keys_private(keys), false);
}

/* The line names KEY, and its tags have the domain, level, epoch and AL of KEY. */
static bool
fits(const struct level_key *key, const struct sealed_line *s)
{
	return bytes_are(s->kid, key->kid) && bytes_are(s->tags.domain, key->domain) &&
	       bytes_are(s->tags.rl, key->rl) && s->tags.epoch == key->epoch && s->tags.al == key->al;
}

/* The level key that opens the line, among those that are open; NULL if there is none. */
static const struct level_key *
search(struct opening *o, const struct sealed_line *s)
{
	for (size_t d = 0; d < o->directories; d++) {
		size_t at = (o->last.directory + d) % o->directories, count;
		const struct level_key *const *level = keys_levels(o->directory[at], &count);

		for (size_t i = 0; i < count; i++) {
			size_t l = d == 0 ? (o->last.level + i) % count : i;

			if (fits(level[l], s)) {
				o->last = (struct place){ at, l };
				return level[l];
			}
		}
	}
	return NULL;
}

static size_t
pending(const struct opening *o)
{
	size_t count = 0;

	for (size_t i = 0; i < o->directories; i++)
		count += keys_pending(o->directory[i]);
	return count;
}

/*
 * Opens releases, the likely ones first, until a key opens the line now.  False after a message: a release is
 * not as it must be.
 */
static bool
find_level(struct opening *o, const struct sealed_line *s, const struct level_key **key)
{
	struct keys_fault f;

	*key = search(o, s);
	for (unsigned reach = KEYS_OF_LEVEL; reach <= KEYS_OF_ALL; reach++) {
		if ((*key != NULL && level_key_in_time(*key, o->setup.now)) || pending(o) == 0)
			return true;
		for (size_t i = 0; i < o->directories; i++)
			if (!keys_fetch(o->directory[i], s->tags.rl, (uint32_t)s->tags.epoch,
				(enum keys_reach)reach, &f)) {
				diag_warn("%s", f.text);
				return false;
			}
		*key = search(o, s);
	}
	return true;
}

static bool
find_private(const struct opening *o, const struct sealed_line *s, size_t *index)
{
	for (size_t i = 0; i < o->privates; i++)
		if (bytes_are(s->tags.to, keyref_public(o->private[i])->jkt)) {
			*index = i;
			return true;
		}
	return false;
}

static enum reason
judge(const struct opening *o, const struct sealed_line *s)
{
	const struct policy *p = o->setup.policy;
	const struct tags *t = &s->tags;
	int level;

	/* a signature cannot be checked without a list of signers */
	if (s->is_signed && o->setup.devices == NULL)
		return REASON_ALGORITHM_REFUSED;
	if (!s->is_signed && o->setup.devices != NULL)
		return REASON_NOT_SIGNED;
	if (p == NULL || t->rl.size == 0)
		return REASON_NONE;
	if (!o->setup.other_policy && !bytes_are(t->policy, p->digest))
		return REASON_OTHER_POLICY;
	level = policy_level(p, t->rl);
	return level < 0 || p->level[level].al != t->al ? REASON_UNKNOWN_LEVEL : REASON_NONE;
}

static bool
is_revoked(const struct opening *o, const struct sealed_line *s)
{
	for (size_t i = 0; i < o->lists; i++)
		if (revoked_has(&o->revoked[i], REVOKED_KIDS, s->kid))
			return true;
	return false;
}

static enum filter_outcome
check_dates(const struct opening *o, struct filter *f, const struct level_key *key)
{
	if (level_key_in_time(key, o->setup.now))
		return FILTER_DONE;
	if (o->setup.now != NULL)
		return filter_no(f, REASON_KEY_EXPIRED, 0);
	diag_warn("now-missing: the key %s was released for a time: needs --now TIME", key->kid);
	return filter_stop(f, EXIT_USAGE);
}

/* Numbers that jwe_open tells keys apart by.  Those of private keys have the highest bit. */
static unsigned
level_number(const struct opening *o)
{
	return (unsigned)(o->last.directory << 24 | o->last.level);
}

static unsigned
private_number(size_t index)
{
	return 1U << 31 | (unsigned)index;
}

/* No key is of the line's epoch, whatever its level: said once, since the reason alone does not say it. */
static void
say_epoch(struct opening *o, const struct sealed_line *s)
{
	uint32_t newest = 0;

	for (size_t i = 0; !o->told_epoch && i < o->directories; i++) {
		size_t count;
		const struct level_key *const *key = keys_levels(o->directory[i], &count);

		for (size_t k = 0; k < count; k++) {
			if (key[k]->epoch == s->tags.epoch)
				return;
			if (key[k]->epoch > newest)
				newest = key[k]->epoch;
		}
	}
	if (newest == 0)
		return;
	o->told_epoch = true;
	diag_warn("epoch %" PRIu64 ": no key of this epoch is here, the newest are of epoch %" PRIu32
		  "; the authority gives them: ehr-keys give --epoch %" PRIu64,
	    (uint64_t)s->tags.epoch, newest, (uint64_t)s->tags.epoch);
}

static enum filter_outcome
unseal_by_level(struct opening *o, struct filter *f, const struct sealed_line *s, struct bytes *plaintext)
{
	const struct level_key *key;
	enum filter_outcome outcome;

	if (!find_level(o, s, &key))
		return filter_stop(f, EXIT_KEYS);
	if (key == NULL) {
		say_epoch(o, s);
		return filter_no(f, REASON_NO_KEY, 0);
	}
	outcome = check_dates(o, f, key);
	if (outcome != FILTER_DONE)
		return outcome;
	if (is_revoked(o, s))
		return filter_no(f, REASON_KEY_REVOKED, 0);
	return jwe_open_by_level(o->unseal, s, level_number(o), key, plaintext)
		   ? FILTER_DONE
		   : filter_no(f, REASON_NOT_AUTHENTIC, 0);
}

static enum filter_outcome
unseal(struct opening *o, struct filter *f, const struct sealed_line *s, struct bytes *plaintext)
{
	size_t index;

	if (!s->to_recipient)
		return unseal_by_level(o, f, s, plaintext);
	if (!find_private(o, s, &index))
		return filter_no(f, REASON_NO_KEY, 0);
	if (is_revoked(o, s))
		return filter_no(f, REASON_KEY_REVOKED, 0);
	return jwe_open_by_private(o->unseal, s, sealed_line_header_index(o->reader), private_number(index),
		   o->private[index], plaintext)
		   ? FILTER_DONE
		   : filter_no(f, REASON_NOT_AUTHENTIC, 0);
}

/*
 * Whether a device that counts has signed what is in the line; then the record is what it signed.  With a
 * line feed in it one record would be several lines, each of which could be taken for a record.
 */
static bool
verify(struct opening *o, struct bytes *plaintext, struct jws *jws)
{
	if (jws_verify_record(o->jws, o->setup.devices, *plaintext, SEALED_LINE_SIGNED, jws) != JWS_GOOD ||
	    memchr(jws->payload.at, '\n', jws->payload.size) != NULL)
		return false;
	for (size_t i = 0; i < o->lists; i++)
		if (revoked_has_device(&o->revoked[i], bytes_of(jws->kid)) ||
		    revoked_has(&o->revoked[i], REVOKED_KIDS, bytes_of(jws->kid)))
			return false;
	*plaintext = jws->payload;
	return true;
}

/* What a device signs is a record, or readings that share the line: ALONE, at least one, each an object. */
static bool
is_signed_form(const struct json *j, bool alone)
{
	if (!alone || json_kind(j, 0) != JSON_ARRAY)
		return json_kind(j, 0) == JSON_OBJECT;
	for (uint32_t n = 1; n < j->nodes[0].next; n = j->nodes[n].next)
		if (json_kind(j, n) != JSON_OBJECT)
			return false;
	return j->nodes[0].next > 1;
}

/* In a line the plaintext must be JSON, or it could close the line's object.  Alone it must have no NUL. */
static enum filter_outcome
check_plaintext(struct opening *o, struct filter *f, bool alone, struct jws *jws, struct bytes *plaintext)
{
	const char *nul;

	if (!jwe_open_unpad(plaintext))
		return filter_no(f, REASON_PADDING_INVALID, 0);
	if (o->setup.devices != NULL && !verify(o, plaintext, jws))
		return filter_no(f, REASON_SIGNER_UNKNOWN, 0);
	if (jws->claims != NULL && !is_signed_form(jws->claims, alone))
		return filter_no(f, REASON_NOT_AN_OBJECT, 0);
	if (plaintext->size > f->max_record)
		return filter_no(f, REASON_TOO_LONG, 0);
	if (!alone)
		return json_parse(&o->check, *plaintext) ? FILTER_DONE : filter_no(f, o->check.reason, 0);
	nul = memchr(plaintext->at, '\0', plaintext->size);
	return nul == NULL ? FILTER_DONE : filter_no(f, REASON_NUL_BYTE, 0);
}

/* The tags as they were sealed, with another stage. */
static struct bytes
opened_tags(struct opening *o, const struct sealed_line *s)
{
	static const char after[] = "{\"v\":1,\"stage\":\"opened\"";
	struct tags tags = s->tags;

	o->tags.used = 0;
	if (bytes_begin(s->ehr, TAGS_HEAD_SEALED) || bytes_begin(s->ehr, TAGS_HEAD_SEALED_1)) {
		const struct bytes rest = bytes_behind(s->ehr, sizeof TAGS_HEAD_SEALED - 1);

		(void)buffer_append(&o->tags, after, sizeof after - 1);
		(void)buffer_append(&o->tags, rest.at, rest.size);
	} else {
		tags.stage = STAGE_OPENED;
		(void)tags_write(&o->tags, &tags);
	}
	return buffer_bytes(&o->tags);
}

/* Readings that share a line come out one a line. */
static void
write_several(struct filter *f, const struct json *j)
{
	for (uint32_t n = 1; n < j->nodes[0].next; n = j->nodes[n].next) {
		f->written++;
		(void)sink_line(&f->out, json_span(j, n));
	}
}

static void
write_line(
    struct opening *o, struct filter *f, const struct sealed_line *s, bool alone, struct bytes plaintext)
{
	f->written++;
	if (alone) {
		/* the filter checks the sink */
		(void)sink_line(&f->out, plaintext);
		return;
	}
	(void)sink_put(&f->out, (struct bytes)BYTES(TAGS_LINE_BEGIN));
	(void)sink_put(&f->out, opened_tags(o, s));
	(void)sink_put(&f->out, (struct bytes)BYTES(TAGS_LINE_RECORD));
	(void)sink_put(&f->out, plaintext);
	(void)sink_put(&f->out, (struct bytes)BYTES(TAGS_LINE_END));
}

/* A line that no key here opens counts as come, too. */
static bool
is_listed(struct opening *o, struct bytes line, const struct sealed_line *s)
{
	unsigned char digest[DIGEST_SIZE];

	if (o->setup.manifest == NULL)
		return true;
	digest_add(o->digest, line);
	digest_add(o->digest, (struct bytes)BYTES("\n"));
	digest_end(o->digest, digest);
	return manifest_take(o->setup.manifest, s->tags.batch, (uint64_t)s->tags.seq, digest) ==
	       MANIFEST_HOLDS;
}

enum filter_outcome
opening_last(void *context, struct filter *f)
{
	const struct opening *o = context;
	uint64_t missing = o->setup.manifest != NULL ? manifest_missing(o->setup.manifest) : 0;

	if (missing == 0)
		return FILTER_DONE;
	diag_warn("manifest-differs: %" PRIu64 " of the %" PRIu64 " lines of the manifest did not come",
	    missing, manifest_lines(o->setup.manifest));
	return o->setup.partial ? FILTER_DONE : filter_stop(f, EXIT_KEYS);
}

enum filter_outcome
opening_line(void *context, struct filter *f, struct bytes line)
{
	struct opening *o = context;
	enum filter_outcome outcome;
	enum reason reason;
	struct bytes plaintext;
	struct sealed_line s;
	struct jws jws = { .claims = NULL };
	bool alone;

	if (!sealed_line_read(o->reader, line, false, &s))
		return filter_no(f, s.reason, s.byte);
	if (!is_listed(o, line, &s))
		return filter_no(f, REASON_MANIFEST_DIFFERS, 0);
	if (s.ciphertext.size / 4 * 3 > f->max_record + PADDING_MOST)
		return filter_no(f, REASON_TOO_LONG, 0);
	reason = judge(o, &s);
	if (reason != REASON_NONE)
		return filter_no(f, reason, 0);
	outcome = unseal(o, f, &s, &plaintext);
	if (outcome != FILTER_DONE)
		return outcome;
	/* a raw record had no tags before it was sealed */
	alone = o->setup.record_only || s.tags.rl.size == 0;
	outcome = check_plaintext(o, f, alone, &jws, &plaintext);
	if (outcome == FILTER_DONE && jws.claims != NULL && alone && json_kind(jws.claims, 0) == JSON_ARRAY)
		write_several(f, jws.claims);
	else if (outcome == FILTER_DONE)
		write_line(o, f, &s, alone, plaintext);
	return outcome;
}
