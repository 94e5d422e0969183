/* SPDX-License-Identifier: ISC */
#include "common/crypto/keys.h"

#include "common/base/diag.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/crypto/key_release.h"
#include "common/crypto/secret.h"
#include "common/line/tags.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH = 8, FILE_MOST = 1 << 22 };

struct named_mac {
	char name[129];
	char kid[KID_SIZE];
	int64_t nbf, exp;    /* of the message that it came in; 0: none */
	struct mac_key *key; /* with KEYS_BYTES, in secret memory */
	struct mac *mac;
};

struct keys {
	const char *directory; /* for messages */
	unsigned want;
	int fd;
	struct keys_self self;
	struct private_key *enc;
	struct private_key *sig;
	struct signers *authority;
	uint32_t epoch;
	struct level_key **level; /* each in secret memory */
	size_t levels;
	struct named_mac *mac;
	size_t macs;
	struct buffer text; /* of the file at hand */
	struct json index;
	struct key_release_reader *reader;
	struct buffer names;  /* of the files in releases/ */
	const char **pending; /* names of level keys that are not open; NULL: it is */
	size_t pendings;      /* elements of pending */
	size_t pending_count; /* names in it */
};

__attribute__((format(printf, 3, 4))) static bool
fail(const struct keys *k, struct keys_fault *f, const char *format, ...)
{
	int n = snprintf(f->text, sizeof f->text, "%s: ", k->directory);
	va_list list;

	if (n < 0 || (size_t)n >= sizeof f->text)
		return false;
	va_start(list, format);
	(void)vsnprintf(f->text + n, sizeof f->text - (size_t)n, format, list);
	va_end(list);
	return false;
}

static bool
open_directory(struct keys *k, struct keys_fault *f)
{
	struct stat about;

	k->fd = open(k->directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (k->fd < 0 || fstat(k->fd, &about) != 0)
		return fail(k, f, "key-directory: %s", strerror(errno));
	if (about.st_uid != geteuid())
		return fail(k, f, "key-directory: belongs to somebody else");
	if ((about.st_mode & 077) != 0)
		return fail(k, f, "key-directory: open to others, expected mode 0700");
	return true;
}

static bool
read_file(struct keys *k, const char *name, bool private, struct keys_fault *f)
{
	bool good;

	k->text.used = 0;
	good = private ? file_read_private_at(k->fd, name, &k->text) : file_read_at(k->fd, name, &k->text);
	if (good && json_slack(&k->text))
		return true;
	if (errno == EPERM)
		return fail(
		    k, f, "key-directory: %s: open to others, or somebody else's, expected mode 0600", name);
	return fail(k, f, "key-directory: %s: %s", name, strerror(errno));
}

static bool
read_json(struct keys *k, const char *name, bool private, struct keys_fault *f)
{
	if (!read_file(k, name, private, f))
		return false;
	if (!json_parse(&k->index, buffer_bytes(&k->text)) || json_kind(&k->index, 0) != JSON_OBJECT)
		return fail(k, f, "key-directory: %s: not a JSON object", name);
	return true;
}

static bool
copy_text(const struct json *j, uint32_t node, const char *name, char *to, size_t room)
{
	uint32_t at = json_member(j, node, bytes_of(name));
	struct bytes text;

	if (at == 0 || json_kind(j, at) != JSON_STRING || (j->nodes[at].flags & JSON_ESCAPED) != 0)
		return false;
	text = json_inside(j, at);
	return text.size > 0 && bytes_string(text, to, room);
}

static bool
copy_key(const struct json *j, const char *name, char uri[256], char jkt[JKT_SIZE + 1])
{
	uint32_t at = json_member(j, 0, bytes_of(name));

	return at != 0 && copy_text(j, at, "uri", uri, 256) && copy_text(j, at, "jkt", jkt, JKT_SIZE + 1) &&
	       strlen(jkt) == JKT_SIZE;
}

/* A member that may be absent. */
static bool
copy_optional(const struct json *j, const char *name, char to[256])
{
	return json_member(j, 0, bytes_of(name)) == 0 || copy_text(j, 0, name, to, 256);
}

static const char *const kinds_of_holders[] = { "authority", "sealer", "reader", "sensor", "actuator", NULL };

static bool
is_one_of(struct bytes text, const char *const *words)
{
	while (*words != NULL && !bytes_are(text, *words))
		words++;
	return *words != NULL;
}

static bool
is_env(struct bytes text)
{
	static const char *const envs[] = { "soft", "tpm", "hsm", NULL };

	return is_one_of(text, envs);
}

bool
keys_are_of_device(struct bytes kind, struct bytes env)
{
	return is_one_of(kind, kinds_of_holders + 1) && is_env(env);
}

void
keys_id(char id[KEYS_ID_SIZE + 1], const char *jkt)
{
	(void)snprintf(id, KEYS_ID_SIZE + 1, "d_%.22s", jkt);
}

static bool
parse_self(struct keys_self *s, const struct json *j)
{
	uint32_t v = json_member(j, 0, (struct bytes)BYTES("v")), decided;
	char id[KEYS_ID_SIZE + 1];

	if (!(v != 0 && bytes_are(json_span(j, v), "1") && copy_text(j, 0, "id", s->id, sizeof s->id) &&
		copy_text(j, 0, "kind", s->kind, sizeof s->kind) &&
		is_one_of(bytes_of(s->kind), kinds_of_holders) &&
		copy_text(j, 0, "domain", s->domain, sizeof s->domain) && tag_is_word(bytes_of(s->domain)) &&
		copy_text(j, 0, "env", s->env, sizeof s->env) && is_env(bytes_of(s->env)) &&
		copy_key(j, "sig", s->sig_uri, s->sig_jkt) && copy_key(j, "enc", s->enc_uri, s->enc_jkt) &&
		copy_optional(j, "pin_file", s->pin_file) &&
		copy_optional(j, "parent_pin_file", s->parent_pin_file) && copy_optional(j, "tcti", s->tcti)))
		return false;
	keys_id(id, s->sig_jkt);
	/* Any value but false counts as true. */
	decided = json_member(j, 0, (struct bytes)BYTES("decided"));
	s->decided = decided != 0 && json_kind(j, decided) != JSON_FALSE;
	return strcmp(s->id, id) == 0;
}

static bool
open_private(struct keys *k, const char *uri, const char *jkt, struct private_key **key, struct keys_fault *f)
{
	const struct keys_self *s = &k->self;
	const struct keyref_access access = { s->pin_file[0] != '\0' ? s->pin_file : NULL,
		s->parent_pin_file[0] != '\0' ? s->parent_pin_file : NULL,
		s->tcti[0] != '\0' ? s->tcti : NULL };
	const char *why = "";

	*key = keyref_open(k->fd, uri, &access, &why);
	if (*key == NULL)
		return fail(k, f, "key-invalid: %s: %s", keyref_shown(uri), why);
	if (strcmp(keyref_public(*key)->jkt, jkt) != 0)
		return fail(k, f, "key-invalid: %s: not the key that self.json names", keyref_shown(uri));
	return true;
}

static bool
read_self(struct keys *k, unsigned want, struct keys_fault *f)
{
	if (!read_json(k, "self.json", true, f))
		return false;
	if (!parse_self(&k->self, &k->index))
		return fail(
		    k, f, "key-directory: self.json: incomplete, or of a kind that is not known here");
	return open_private(k, k->self.enc_uri, k->self.enc_jkt, &k->enc, f) &&
	       ((want & KEYS_SIGN) == 0 || open_private(k, k->self.sig_uri, k->self.sig_jkt, &k->sig, f));
}

static bool
read_authority(struct keys *k, struct keys_fault *f)
{
	if (!read_file(k, "authority.jwks", false, f))
		return false;
	k->authority = signers_read(buffer_bytes(&k->text));
	return k->authority != NULL ||
	       fail(k, f, "key-invalid: authority.jwks: not a set of keys on P-256 that verify signatures");
}

/* A device that has received no keys yet has no file `current`. */
static bool
read_current(struct keys *k, struct keys_fault *f)
{
	char domain[129];
	uint64_t epoch = 0;
	uint32_t node;

	if (faccessat(k->fd, "current", F_OK, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT)
		return true;
	if (!read_json(k, "current", false, f))
		return false;
	node = json_member(&k->index, 0, (struct bytes)BYTES("epoch"));
	if (!copy_text(&k->index, 0, "domain", domain, sizeof domain) ||
	    strcmp(domain, k->self.domain) != 0 || node == 0 || !json_integer(&k->index, node, &epoch) ||
	    epoch < 1 || epoch > JWK_EPOCH_MOST)
		return fail(k, f, "key-directory: current: not the domain and epoch of this directory");
	k->epoch = (uint32_t)epoch;
	return true;
}

static bool
refuse_test_keys(struct keys *k, struct keys_fault *f)
{
	if (jwk_is_test_domain(k->self.domain) || jwk_is_test_thumbprint(k->self.sig_jkt) ||
	    jwk_is_test_thumbprint(k->self.enc_jkt) || signers_have_test_key(k->authority))
		return fail(k, f, "test-key: its private half is public; only with --allow-test-keys");
	return true;
}

/* The dates of a message limit those of the keys in it. */
static void
limit_dates(struct level_key *key, const struct jws *jws)
{
	if (jws->nbf > key->nbf)
		key->nbf = jws->nbf;
	if (jws->exp != 0 && (key->exp == 0 || jws->exp < key->exp))
		key->exp = jws->exp;
}

/* An end behind the other one; 0 is no end. */
static bool
is_later(int64_t a, int64_t b)
{
	return b != 0 && (a == 0 || a > b);
}

/* Owns KEY.  Of two copies of a key the one that expires later is kept. */
static void
add_level(struct keys *k, struct level_key *key)
{
	for (size_t i = 0; i < k->levels; i++) {
		struct level_key *old = k->level[i];

		if (strcmp(old->kid, key->kid) != 0)
			continue;
		if (is_later(key->exp, old->exp)) {
			k->level[i] = key;
			key = old;
		}
		secret_free(key, sizeof *key);
		return;
	}
	k->level = memory_grow(k->level, k->levels + 1, sizeof(void *));
	k->level[k->levels++] = key;
}

static bool
take_level(struct keys *k, const struct key_release *r, uint32_t node)
{
	struct level_key *key = secret_new(sizeof *key);

	if (level_key_read(key, r->jws.claims, node) && strcmp(key->domain, k->self.domain) == 0 &&
	    key->al <= r->al) {
		limit_dates(key, &r->jws);
		add_level(k, key);
		return true;
	}
	secret_free(key, sizeof *key);
	return false;
}

static struct named_mac *
find_mac(const struct keys *k, const char *name)
{
	for (size_t i = 0; i < k->macs; i++)
		if (strcmp(k->mac[i].name, name) == 0)
			return &k->mac[i];
	return NULL;
}

/* Owns KEY. */
static void
add_mac(struct keys *k, struct mac_key *key, const struct jws *jws)
{
	struct named_mac *m;

	k->mac = memory_grow(k->mac, k->macs + 1, sizeof *k->mac);
	m = &k->mac[k->macs++];
	*m = (struct named_mac){ .nbf = jws->nbf, .exp = jws->exp };
	memcpy(m->name, key->name, sizeof key->name);
	memcpy(m->kid, key->kid, sizeof key->kid);
	m->mac = mac_new((struct bytes){ (const char *)key->key, KEY_SIZE });
	if ((k->want & KEYS_BYTES) != 0)
		m->key = key;
	else
		secret_free(key, sizeof *key);
}

/*
 * Of two copies of a key the times of the one that expires later count.  Two keys of one name are refused:
 * each would name the same subject otherwise.
 */
static bool
take_mac(struct keys *k, const struct key_release *r, uint32_t node)
{
	struct mac_key *key = secret_new(sizeof *key);
	struct named_mac *old;

	if (mac_key_read(key, r->jws.claims, node) && strcmp(key->domain, k->self.domain) == 0) {
		old = find_mac(k, key->name);
		if (old == NULL) {
			add_mac(k, key, &r->jws);
			return true;
		}
		if (strcmp(old->kid, key->kid) == 0) {
			if (is_later(r->jws.exp, old->exp)) {
				old->nbf = r->jws.nbf;
				old->exp = r->jws.exp;
			}
			secret_free(key, sizeof *key);
			return true;
		}
	}
	secret_free(key, sizeof *key);
	return false;
}

/* The files in releases/ by the beginning of their names; those of levels are the first. */
static const struct {
	const char *prefix;
	unsigned want;
	bool (*take)(struct keys *k, const struct key_release *r, uint32_t node);
} kinds[] = {
	{ "level-", KEYS_LEVELS, take_level },
	{ "hmac-tag.", KEYS_TAGS, take_mac },
	{ "hmac-redact.", KEYS_REDACT, take_mac },
	{ "digests-", KEYS_TAGS | KEYS_REDACT, take_mac },
};

static bool
release_path(const struct keys *k, const char *name, char path[300], struct keys_fault *f)
{
	return (size_t)snprintf(path, 300, "releases/%s", name) < 300 ||
	       fail(k, f, "key-directory: releases: a name that is too long");
}

static bool
read_release(struct keys *k, const char *name, size_t kind, struct keys_fault *f)
{
	const struct key_release_to to = { k->enc, k->authority, k->self.domain, k->self.sig_jkt };
	const char *why = "";
	struct key_release r;
	char path[300];

	if (!release_path(k, name, path, f) || !read_file(k, path, true, f))
		return false;
	if (k->reader == NULL)
		k->reader = key_release_reader_new();
	if (!key_release_open(k->reader, buffer_bytes(&k->text), &to, &r, &why))
		return fail(k, f, "key-invalid: %s: %s", path, why);
	for (uint32_t n = r.keys + 1; n < r.jws.claims->nodes[r.keys].next; n = r.jws.claims->nodes[n].next)
		if (!kinds[kind].take(k, &r, n))
			return fail(
			    k, f, "key-invalid: %s: a key that is not what its name and domain say", path);
	return true;
}

static bool
is_of_epoch(const char *name, uint32_t epoch)
{
	char prefix[32];
	int size = snprintf(prefix, sizeof prefix, "level-%" PRIu32 "-", epoch);

	return strncmp(name, prefix, (size_t)size) == 0;
}

/* Leaves the release for keys_fetch(), if it is a file that may hold a secret; else it has a fault now. */
static bool
defer(struct keys *k, const char *name, struct keys_fault *f)
{
	struct stat about;
	char path[300];

	if (!release_path(k, name, path, f))
		return false;
	if ((fstatat(k->fd, path, &about, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(about.st_mode) ||
		about.st_uid != geteuid() || (about.st_mode & 077) != 0) &&
	    !read_file(k, path, true, f))
		return false;
	k->pending[k->pendings++] = name;
	k->pending_count++;
	return true;
}

/* A name without .jwe is left from an interrupted write. */
static bool
read_named(struct keys *k, const char *name, unsigned want, struct keys_fault *f)
{
	size_t size = strlen(name);

	if (size < 4 || strcmp(name + size - 4, ".jwe") != 0)
		return true;
	if ((want & KEYS_NOW) != 0 && strncmp(name, "level-", 6) == 0 && !is_of_epoch(name, k->epoch))
		return true;
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		if (strncmp(name, kinds[i].prefix, strlen(kinds[i].prefix)) != 0)
			continue;
		if ((want & kinds[i].want) == 0)
			return true;
		return kinds[i].want == KEYS_LEVELS && (want & KEYS_LATER) != 0 ? defer(k, name, f)
										: read_release(k, name, i, f);
	}
	return fail(k, f, "key-invalid: releases/%s: a name that says no kind of key", name);
}

static bool
read_releases(struct keys *k, unsigned want, struct keys_fault *f)
{
	size_t count = 0;
	bool good = true;
	const char *name;

	if ((want & (KEYS_LEVELS | KEYS_TAGS | KEYS_REDACT)) == 0)
		return true;
	if (!file_list_at(k->fd, "releases", &k->names, &count))
		return fail(k, f, "key-directory: releases: %s", strerror(errno));
	k->pending = memory_zeros(count + 1, sizeof *k->pending);
	name = k->names.at;
	for (size_t i = 0; good && i < count; i++, name += strlen(name) + 1)
		good = read_named(k, name, want, f);
	return good;
}

/* level-EPOCH-RL.jwe; a release to a device has its id in the place of RL. */
static bool
is_of_level(const char *name, struct bytes rl, uint32_t epoch)
{
	char whole[200];
	int size = snprintf(whole, sizeof whole, "level-%" PRIu32 "-%.*s.jwe", epoch, (int)rl.size, rl.at);

	return (size_t)size < sizeof whole && strcmp(name, whole) == 0;
}

bool
keys_fetch(struct keys *k, struct bytes rl, uint32_t epoch, enum keys_reach reach, struct keys_fault *f)
{
	for (size_t i = 0; k->pending_count > 0 && i < k->pendings; i++) {
		const char *name = k->pending[i];

		if (name == NULL || (reach == KEYS_OF_LEVEL && !is_of_level(name, rl, epoch)) ||
		    (reach == KEYS_OF_EPOCH && !is_of_epoch(name, epoch)))
			continue;
		if (!read_release(k, name, 0, f))
			return false;
		k->pending[i] = NULL;
		k->pending_count--;
	}
	return true;
}

size_t
keys_pending(const struct keys *k)
{
	return k->pending_count;
}

static int
by_epoch(const void *a, const void *b)
{
	const struct level_key *x = *(const struct level_key *const *)a,
			       *y = *(const struct level_key *const *)b;

	if (x->epoch != y->epoch)
		return x->epoch < y->epoch ? -1 : 1;
	return (x->al > y->al) - (x->al < y->al);
}

static bool
read_all(struct keys *k, unsigned want, bool allow_test_keys, struct keys_fault *f)
{
	return open_directory(k, f) && read_self(k, want, f) && read_authority(k, f) &&
	       (allow_test_keys || refuse_test_keys(k, f)) && read_current(k, f) && read_releases(k, want, f);
}

struct keys *
keys_open(const char *directory, unsigned want, bool allow_test_keys, struct keys_fault *f)
{
	struct keys *k = memory_zeros(1, sizeof *k);

	k->directory = directory;
	k->want = want;
	k->fd = -1;
	buffer_init(&k->text, FILE_MOST);
	buffer_init(&k->names, FILE_MOST);
	json_init(&k->index, NULL, DEPTH);
	if (!read_all(k, want, allow_test_keys, f)) {
		keys_close(k);
		return NULL;
	}
	if (k->levels > 0)
		qsort(k->level, k->levels, sizeof(void *), by_epoch);
	return k;
}

void
keys_close(struct keys *k)
{
	if (k == NULL)
		return;
	for (size_t i = 0; i < k->levels; i++)
		secret_free(k->level[i], sizeof *k->level[i]);
	for (size_t i = 0; i < k->macs; i++) {
		mac_free(k->mac[i].mac);
		secret_free(k->mac[i].key, sizeof *k->mac[i].key);
	}
	free(k->level);
	free(k->mac);
	free(k->pending);
	key_release_reader_free(k->reader);
	buffer_release(&k->names);
	keyref_free(k->enc);
	keyref_free(k->sig);
	signers_free(k->authority);
	json_release(&k->index);
	buffer_release(&k->text);
	if (k->fd >= 0)
		(void)close(k->fd);
	free(k);
}

const char *
keys_domain(const struct keys *k)
{
	return k->self.domain;
}

uint32_t
keys_epoch(const struct keys *k)
{
	return k->epoch;
}

const struct level_key *const *
keys_levels(const struct keys *k, size_t *count)
{
	*count = k->levels;
	return (const struct level_key *const *)k->level;
}

const struct level_key *
keys_level(const struct keys *k, struct bytes rl, uint32_t epoch)
{
	for (size_t i = 0; i < k->levels; i++)
		if (k->level[i]->epoch == epoch && bytes_are(rl, k->level[i]->rl))
			return k->level[i];
	return NULL;
}

struct mac *
keys_mac(struct keys *k, const char *name)
{
	const struct named_mac *m = find_mac(k, name);

	return m != NULL ? m->mac : NULL;
}

const char *
keys_mac_name(const struct keys *k, size_t i)
{
	return i < k->macs ? k->mac[i].name : NULL;
}

const char *
keys_mac_kid(const struct keys *k, const char *name)
{
	const struct named_mac *m = find_mac(k, name);

	return m != NULL ? m->kid : "";
}

bool
keys_mac_in_time(const struct keys *k, const char *name, const struct instant *now)
{
	const struct named_mac *m = find_mac(k, name);

	return m != NULL && jwk_in_time(m->nbf, m->exp, now);
}

const struct mac_key *
keys_mac_key(const struct keys *k, size_t i)
{
	return i < k->macs ? k->mac[i].key : NULL;
}

const char *
keys_name(const struct keys *k)
{
	return k->directory;
}

const struct keys_self *
keys_self(const struct keys *k)
{
	return &k->self;
}

struct private_key *
keys_private(struct keys *k)
{
	return k->enc;
}

struct private_key *
keys_signing(struct keys *k)
{
	return k->sig;
}

const struct signers *
keys_authority(const struct keys *k)
{
	return k->authority;
}

int
keys_directory(const struct keys *k)
{
	return k->fd;
}
