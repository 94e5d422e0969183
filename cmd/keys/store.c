/* SPDX-License-Identifier: ISC */
#include "cmd/keys/store.h"

#include "cmd/keys/message.h"
#include "common/base/file.h"
#include "common/crypto/secret.h"
#include "common/crypto/write.h"
#include "common/policy/site.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ID_CHARS = 22, TEXT_MOST = 1 << 24 };

static void
must(bool fits)
{
	if (!fits)
		diag_bug("a file longer than it can be");
}

enum diag_exit
answer_fault(struct answer *a, enum diag_exit status, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	(void)vsnprintf(a->fault, sizeof a->fault, format, list);
	va_end(list);
	return status;
}

enum diag_exit
answer_policy_fault(struct answer *a, const struct fault *f)
{
	if (f->line > 0)
		return answer_fault(a, fault_status(f), "%s:%u:%u: %s", f->file, f->line, f->column, f->text);
	return answer_fault(a, fault_status(f), "%s: %s", f->file, f->text);
}

static bool
io_fault(struct answer *a, const char *path)
{
	(void)answer_fault(a, EXIT_IO, "%s: %s", path, strerror(errno));
	return false;
}

/* ---- directories that are there -------------------------------------------------------------- */

const char *
store_path(const struct settings *s, struct arena *arena)
{
	return site_path(arena, s->site, SITE_KEYS, s->keys);
}

/* Held until the process ends: the descriptor is never closed. */
static bool
lock(const struct keys *k)
{
	int fd = openat(keys_directory(k), "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	return fd >= 0 && flock(fd, LOCK_EX) == 0;
}

struct keys *
store_open(const struct settings *s, unsigned want, struct answer *a, enum diag_exit *status)
{
	struct arena arena = { 0 };
	struct keys_fault fault;
	const char *path = store_path(s, &arena);
	struct keys *k = NULL;

	if (path == NULL) {
		*status = answer_fault(a, EXIT_USAGE, "which keys? expected -S DIR or --keys DIR");
	} else if ((k = keys_open(path, want, s->allow_test_keys, &fault)) == NULL) {
		*status = answer_fault(a, EXIT_KEYS, "%s", fault.text);
	} else if (!lock(k)) {
		*status = answer_fault(a, EXIT_IO, "%s/lock: %s", path, strerror(errno));
		keys_close(k);
		k = NULL;
	}
	arena_release(&arena);
	return k;
}

struct keys *
store_open_authority(const struct settings *s, unsigned want, struct answer *a, enum diag_exit *status)
{
	struct keys *k = store_open(s, want | KEYS_SIGN, a, status);

	if (k == NULL || strcmp(keys_self(k)->kind, "authority") == 0)
		return k;
	*status =
	    answer_fault(a, EXIT_KEYS, "not the authority's keys, but those of a %s", keys_self(k)->kind);
	keys_close(k);
	return NULL;
}

/* ---- counters ----------------------------------------------------------------------------------- */

static bool
read_counters(const struct keys *k, struct buffer *text, struct json *j, struct answer *a)
{
	buffer_init(text, TEXT_MOST);
	json_init(j, NULL, 4);
	if (!file_read_private_at(keys_directory(k), "counters.json", text)) {
		if (errno != ENOENT)
			return io_fault(a, "counters.json");
		must(write_text(text, "{}"));
	}
	must(buffer_reserve(text, JSON_SLACK));
	memset(text->at + text->used, 0, JSON_SLACK);
	if (json_parse(j, buffer_bytes(text)) && json_kind(j, 0) == JSON_OBJECT)
		return true;
	(void)answer_fault(a, EXIT_KEYS, "counters.json: not a JSON object");
	return false;
}

bool
store_counter(const struct keys *k, const char *name, uint64_t *value, struct answer *a)
{
	struct buffer text;
	struct json j;
	bool good = read_counters(k, &text, &j, a);
	uint32_t node = good ? json_member(&j, 0, bytes_of(name)) : 0;

	*value = 0;
	if (node != 0 && !json_integer(&j, node, value)) {
		(void)answer_fault(a, EXIT_KEYS, "counters.json: a counter that is no number");
		good = false;
	}
	json_release(&j);
	buffer_release(&text);
	return good;
}

bool
store_set_counter(const struct keys *k, const char *name, uint64_t value, struct answer *a)
{
	struct buffer text, out;
	struct json j;
	bool good = read_counters(k, &text, &j, a);

	buffer_init(&out, TEXT_MOST);
	if (good) {
		must(write_text(&out, "{\"") && write_text(&out, name) && write_text(&out, "\":") &&
		     write_number(&out, (int64_t)value));
		for (uint32_t m = 1; m < j.nodes[0].next; m = j.nodes[m].next)
			if (!json_is(&j, m, bytes_of(name)))
				must(write_text(&out, ",") && write_bytes(&out, json_span(&j, m)) &&
				     write_text(&out, ":") && write_bytes(&out, json_span(&j, m + 1)));
		must(write_text(&out, "}\n"));
		good = file_replace_at(keys_directory(k), "counters.json", buffer_bytes(&out), 0600) ||
		       io_fault(a, "counters.json");
	}
	buffer_release(&out);
	json_release(&j);
	buffer_release(&text);
	return good;
}

/* ---- new directories ------------------------------------------------------------------------------ */

bool
store_put(const struct store *n, const char *name, struct bytes content, mode_t mode, struct answer *a)
{
	return file_replace_at(n->fd, name, content, mode) || io_fault(a, name);
}

static void
beside(const struct store *n, char path[4100])
{
	(void)snprintf(path, 4100, "%s.new", n->path);
}

static bool
make_folders(struct store *n)
{
	char path[4100];

	beside(n, path);
	if (mkdir(path, 0700) != 0)
		return false;
	n->fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return n->fd >= 0 && mkdirat(n->fd, "keys", 0700) == 0 && mkdirat(n->fd, "releases", 0700) == 0;
}

bool
store_begin(struct store *n, const char *path, const char *kind, struct bytes domain, struct answer *a)
{
	struct stat about;

	*n = (struct store){ .fd = -1, .kind = kind };
	if (strlen(path) >= sizeof n->path || domain.size >= sizeof n->domain) {
		errno = ENAMETOOLONG;
		return io_fault(a, path);
	}
	memcpy(n->domain, domain.at, domain.size);
	if (lstat(path, &about) == 0) {
		errno = EEXIST;
		return io_fault(a, path);
	}
	memcpy(n->path, path, strlen(path) + 1);
	if (!make_folders(n))
		return io_fault(a, path);
	n->sig = keyref_make(n->fd, "keys/sig.pem");
	n->enc = n->sig == NULL ? NULL : keyref_make(n->fd, "keys/enc.pem");
	if (n->enc == NULL)
		return io_fault(a, path);
	(void)snprintf(n->id, sizeof n->id, "d_%.*s", ID_CHARS, keyref_public(n->sig)->jkt);
	return true;
}

static bool
write_key_name(struct buffer *out, const char *name, const struct private_key *key)
{
	return write_text(out, ",\"") && write_text(out, name) && write_text(out, "\":{\"uri\":\"keys/") &&
	       write_text(out, name) && write_text(out, ".pem\"") &&
	       write_member(out, "jkt", bytes_of(keyref_public(key)->jkt)) && write_text(out, "}");
}

bool
store_commit(struct store *n, struct answer *a)
{
	struct buffer self;
	char path[4100];
	bool good;

	buffer_init(&self, 8192);
	must(write_text(&self, "{\"v\":1") && write_member(&self, "id", bytes_of(n->id)) &&
	     write_member(&self, "kind", bytes_of(n->kind)) &&
	     write_member(&self, "domain", bytes_of(n->domain)) &&
	     write_member(&self, "env", bytes_of("soft")) && write_key_name(&self, "sig", n->sig) &&
	     write_key_name(&self, "enc", n->enc) && write_text(&self, "}\n"));
	beside(n, path);
	good = store_put(n, "self.json", buffer_bytes(&self), 0600, a);
	if (good && (fsync(n->fd) != 0 || rename(path, n->path) != 0))
		good = io_fault(a, n->path);
	if (good) {
		(void)close(n->fd);
		n->fd = -1;
	}
	buffer_release(&self);
	return good;
}

/* What an unfinished directory holds, and it. */
static void
remove_folder(int at, const char *name, int depth)
{
	struct buffer names;
	size_t count = 0;
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return;
	buffer_init(&names, 1 << 20);
	if (file_list_at(fd, ".", &names, &count)) {
		const char *entry = names.at;

		for (size_t i = 0; i < count; i++, entry += strlen(entry) + 1)
			if (unlinkat(fd, entry, 0) != 0 && depth > 0)
				remove_folder(fd, entry, depth - 1);
	}
	buffer_release(&names);
	(void)close(fd);
	(void)unlinkat(at, name, AT_REMOVEDIR);
}

void
store_end(struct store *n)
{
	char path[4100];

	if (n->fd >= 0) {
		(void)close(n->fd);
		beside(n, path);
		remove_folder(AT_FDCWD, path, 1);
	}
	keyref_free(n->sig);
	keyref_free(n->enc);
	*n = (struct store){ .fd = -1 };
}

/* ---- keys at rest ------------------------------------------------------------------------------------ */

/* Who a key at rest is released to: the directory itself. */
struct rest {
	const char *name; /* of the file, without releases/ and .jwe */
	const char *domain;
	unsigned al;
};

static void
begin_rest(struct buffer *claims, const struct rest *rest, const struct private_key *sig, struct instant now)
{
	const char *jkt = keyref_public(sig)->jkt;

	buffer_init(claims, MESSAGE_MOST);
	must(buffer_reserve(claims, 65536)); /* never moved: it holds a key */
	message_begin(claims, rest->domain, now);
	must(write_text(claims, ",\"device\":\"d_") && buffer_append(claims, jkt, ID_CHARS) &&
	     write_text(claims, "\""));
	message_jti(claims, "k_");
	must(write_member_number(claims, "al", rest->al) && write_text(claims, ",\"cnf\":{\"jkt\":\"") &&
	     write_text(claims, jkt) && write_text(claims, "\"},\"keys\":["));
}

static bool
end_rest(int dirfd, struct buffer *claims, const struct rest *rest, struct private_key *sig,
    const struct point *enc, struct answer *a)
{
	struct buffer out;
	char path[300];
	bool good;

	must(write_text(claims, "]}"));
	buffer_init(&out, MESSAGE_MOST);
	(void)snprintf(path, sizeof path, "releases/%s.jwe", rest->name);
	if (!message_seal(&out, sig, enc, rest->domain, claims))
		diag_bug("a key of our own is off the curve");
	good = file_replace_at(dirfd, path, buffer_bytes(&out), 0600) || io_fault(a, path);
	message_wipe(claims);
	buffer_release(&out);
	return good;
}

bool
store_level(int dirfd, struct private_key *sig, const struct point *enc, const struct level_key *key,
    struct instant now, struct answer *a)
{
	char name[200];
	const struct rest rest = { name, key->domain, key->al };
	struct buffer claims;

	(void)snprintf(name, sizeof name, "level-%" PRIu32 "-%s", key->epoch, key->rl);
	begin_rest(&claims, &rest, sig, now);
	must(write_level_key(&claims, key));
	return end_rest(dirfd, &claims, &rest, sig, enc, a);
}

bool
store_mac(int dirfd, struct private_key *sig, const struct point *enc, const struct mac_key *key,
    struct instant now, struct answer *a)
{
	char name[200];
	const struct rest rest = { name, key->domain, 0 };
	struct buffer claims;

	(void)snprintf(name, sizeof name, "hmac-%s", key->name);
	begin_rest(&claims, &rest, sig, now);
	must(write_mac_key(&claims, key));
	return end_rest(dirfd, &claims, &rest, sig, enc, a);
}

bool
store_current(int dirfd, const char *domain, uint32_t epoch, struct answer *a)
{
	struct buffer text;
	bool good;

	buffer_init(&text, 1024);
	must(write_text(&text, "{\"domain\":\"") && write_text(&text, domain) && write_text(&text, "\"") &&
	     write_member_number(&text, "epoch", epoch) && write_text(&text, "}\n"));
	good = file_replace_at(dirfd, "current", buffer_bytes(&text), 0644) || io_fault(a, "current");
	buffer_release(&text);
	return good;
}

void
store_jwks(struct buffer *out, const struct point *sig, const char *domain)
{
	must(write_text(out, "{\"keys\":[") && write_point(out, sig));
	out->used--; /* the brace: there is more to say of it */
	must(write_member(out, "use", bytes_of("sig")) && write_member(out, "alg", bytes_of("ES256")) &&
	     write_member(out, "kid", bytes_of(sig->jkt)) && write_member(out, "domain", bytes_of(domain)) &&
	     write_text(out, "}]}\n"));
}

bool
store_read(const char *path, struct buffer *text, struct answer *a)
{
	const char *shown = strcmp(path, "-") == 0 ? "<stdin>" : path;
	ssize_t n;

	if (strcmp(path, "-") != 0) {
		if (!file_read(path, text))
			return io_fault(a, shown);
	} else {
		do {
			errno = EFBIG;
			if (!buffer_reserve(text, 65536))
				return io_fault(a, shown);
			n = read(STDIN_FILENO, text->at + text->used, 65536);
			if (n > 0)
				text->used += (size_t)n;
		} while (n > 0 || (n < 0 && errno == EINTR));
		if (n < 0)
			return io_fault(a, shown);
	}
	errno = EFBIG;
	if (!buffer_reserve(text, JSON_SLACK))
		return io_fault(a, shown);
	memset(text->at + text->used, 0, JSON_SLACK);
	return true;
}
