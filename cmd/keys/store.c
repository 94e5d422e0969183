/* SPDX-License-Identifier: ISC */
#include "cmd/keys/store.h"

#include "cmd/keys/lock.h"
#include "cmd/keys/message.h"
#include "common/base/file.h"
#include "common/crypto/secret.h"
#include "common/policy/site.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEXT_MOST = 1 << 24, LINE_DEPTH = 8 };

const char *
store_path(const struct verb_settings *s, struct arena *arena)
{
	return site_path(arena, s->site, SITE_KEYS, s->keys);
}

struct keys *
store_open(
    const struct verb_settings *s, unsigned want, unsigned how, struct verb_answer *a, enum diag_exit *status)
{
	static struct arena arena; /* the keys borrow their path until the process ends */
	struct keys_fault fault;
	const char *path = store_path(s, &arena);
	bool authority = (how & STORE_AUTHORITY) != 0;
	struct keys *k;

	if (path == NULL) {
		*status = verb_fault(a, EXIT_USAGE, "which keys? expected -S DIR or --keys DIR");
		return NULL;
	}
	if ((how & STORE_LOCK) != 0 && !lock_take(path, s->wait, a, status))
		return NULL;
	k = keys_open(path, authority ? want | KEYS_SIGN : want, s->allow_test_keys, &fault);
	if (k == NULL) {
		*status = verb_fault(a, EXIT_KEYS, "%s", fault.text);
		return NULL;
	}
	if (!authority || strcmp(keys_self(k)->kind, "authority") == 0)
		return k;
	*status = verb_fault(a, EXIT_KEYS, "not the authority's keys, but those of a %s", keys_self(k)->kind);
	keys_close(k);
	return NULL;
}

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

bool
store_append(int dirfd, const char *name, struct bytes lines, struct verb_answer *a)
{
	size_t cut;
	bool good = file_append_at(dirfd, name, lines, 0600, &cut) || verb_io_fault(a, base_name(name));

	if (cut > 0)
		verb_note(a,
		    "%s: an unfinished last line of %zu bytes is cut off, left by a run that was killed",
		    base_name(name), cut);
	return good;
}

bool
store_whole(int dirfd, const char *name, struct buffer *text, struct verb_answer *a)
{
	if (file_read_private_at(dirfd, name, text) || errno == ENOENT)
		return true;
	(void)verb_fault(a, EXIT_KEYS, "%s: %s", name,
	    errno == EPERM ? "open to others, or somebody else's, expected mode 0600"
			   : file_read_fault(errno));
	return false;
}

bool
store_lines(int dirfd, const char *name, struct buffer *text, struct verb_answer *a)
{
	struct bytes whole;

	if (!store_whole(dirfd, name, text, a))
		return false;
	whole = buffer_bytes(text);
	if (bytes_unfinished(&whole) > 0)
		verb_note(a, "%s: the last line is unfinished and does not count", name);
	text->used = whole.size;
	return true;
}

bool
store_object(struct buffer *one, struct json *j, struct bytes line)
{
	one->used = 0;
	buffer_add(one, line.at, line.size);
	if (!json_slack(one))
		diag_bug("a line longer than its file");
	return json_parse(j, buffer_bytes(one)) && json_kind(j, 0) == JSON_OBJECT;
}

size_t
store_unfinished(struct bytes text)
{
	const struct bytes all = text;
	const size_t size = bytes_unfinished(&text);
	struct buffer one;
	struct json j;
	bool counts;

	buffer_init(&one, size + JSON_SLACK);
	json_init(&j, NULL, LINE_DEPTH);
	counts = size > 0 && store_object(&one, &j, bytes_behind(all, all.size - size));
	json_release(&j);
	buffer_release(&one);
	return counts ? 0 : size;
}

bool
store_each(struct bytes text, const char *name, const char *what,
    bool (*each)(void *context, const struct json *j), void *context, struct verb_answer *a)
{
	struct buffer one;
	struct bytes line;
	struct json j;
	size_t number = 0;
	bool good = true;

	buffer_init(&one, text.size + JSON_SLACK);
	json_init(&j, NULL, LINE_DEPTH);
	while (good && bytes_line(&text, &line)) {
		number++;
		good = store_object(&one, &j, line) && each(context, &j);
	}
	if (!good)
		(void)verb_fault(a, EXIT_KEYS, "%s:%zu: %s", name, number, what);
	json_release(&j);
	buffer_release(&one);
	return good;
}

bool
store_put(const struct store *n, const char *name, struct bytes content, mode_t mode, struct verb_answer *a)
{
	return file_replace_at(n->fd, name, content, mode) || verb_io_fault(a, name);
}

static void
beside(const struct store *n, char path[4100])
{
	(void)snprintf(path, 4100, "%s.new", n->path);
}

/* Removes a directory and what is in it, DEPTH levels deep. */
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

/* True if all of the directory is of the kind that store_begin() and what follows it write. */
static bool
is_unfinished(int fd)
{
	static const char *const known[] = { "keys", "releases", "authority.jwks", "current", "epochs.jwts",
		"self.json", "authority.jwks.new", "current.new", "self.json.new" };
	struct buffer names;
	struct stat about;
	size_t count = 0;
	bool good;

	buffer_init(&names, 1 << 20);
	good = fstat(fd, &about) == 0 && about.st_uid == geteuid() && file_list_at(fd, ".", &names, &count);
	for (const char *name = names.at; good && count > 0; count--, name += strlen(name) + 1) {
		good = false;
		for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
			good = good || strcmp(name, known[i]) == 0;
	}
	buffer_release(&names);
	return good;
}

/* True if PATH is still the directory that FD is. */
static bool
is_still(const char *path, int fd)
{
	struct stat now, was;

	return lstat(path, &now) == 0 && fstat(fd, &was) == 0 && now.st_dev == was.st_dev &&
	       now.st_ino == was.st_ino;
}

/* Opens PATH and locks it, if it is a directory; -1 with a fault. */
static int
open_locked(const char *path, int64_t wait, struct verb_answer *a, enum diag_exit *status)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 && lock_wait(fd, path, wait, a, status))
		return fd;
	if (fd >= 0) {
		(void)close(fd);
		return -1;
	}
	*status = EXIT_IO;
	(void)verb_io_fault(a, path);
	return -1;
}

/* Removes what a killed run left at PATH, unless another run is at work there: then it waits for that. */
static bool
clear(const char *path, int64_t wait, struct verb_answer *a, enum diag_exit *status)
{
	int fd = open_locked(path, wait, a, status);
	bool good = true;

	if (fd < 0)
		return *status == EXIT_IO && errno == ENOENT;
	/* An empty one may be of a run that has not locked it yet: that run begins again. */
	if (is_still(path, fd) && rmdir(path) != 0) {
		good = is_unfinished(fd);
		if (good) {
			remove_folder(AT_FDCWD, path, 1);
			verb_note(a, "%s: left by a run that did not finish, and removed", path);
		} else {
			*status = verb_fault(
			    a, EXIT_IO, "%s: in the way, and not left by make; move it elsewhere", path);
		}
	}
	(void)close(fd);
	return good;
}

/*
 * Makes the directory and locks it.  In between another run may take it for one that a killed run left, and
 * remove it: then this begins again.
 */
static bool
make_folder(struct store *n, const char *path, int64_t wait, struct verb_answer *a, enum diag_exit *status)
{
	struct stat about;

	for (;;) {
		if (lstat(n->path, &about) == 0) {
			errno = EEXIST;
			break;
		}
		if (mkdir(path, 0700) != 0) {
			if (errno != EEXIST)
				break;
			if (!clear(path, wait, a, status))
				return false;
			continue;
		}
		n->fd = open_locked(path, wait, a, status);
		if (n->fd >= 0 && is_still(path, n->fd)) {
			/* A run that has finished since the look above made room for this folder. */
			if (lstat(n->path, &about) != 0)
				return true;
			(void)rmdir(path);
		}
		if (n->fd < 0 && *status == EXIT_AGAIN)
			return false;
		if (n->fd >= 0)
			(void)close(n->fd);
		n->fd = -1;
	}
	*status = EXIT_IO;
	return verb_io_fault(a, n->path);
}

/* Copies a path, made absolute, since the directory has another place than the shell. */
static bool
copy_path(char to[256], const char *path)
{
	char whole[PATH_MAX];

	/* A descriptor is gone when the directory is opened again. */
	if (path != NULL && strncmp(path, "/dev/fd/", 8) == 0) {
		errno = EINVAL;
		return false;
	}
	return path == NULL || (realpath(path, whole) != NULL && bytes_string(bytes_of(whole), to, 256));
}

static bool
copy_text(char to[256], const char *text)
{
	return text == NULL || bytes_string(bytes_of(text), to, 256);
}

/* Opens the key that URI names, or makes one in the directory. */
static struct private_key *
take_key(const struct store *n, const char *uri, char to[256], const char *file, struct verb_answer *a,
    enum diag_exit *status)
{
	const struct keyref_access access = { n->pin_file[0] != '\0' ? n->pin_file : NULL,
		n->parent_pin_file[0] != '\0' ? n->parent_pin_file : NULL,
		n->tcti[0] != '\0' ? n->tcti : NULL };
	const char *why = "longer than a URI may be, or no such file";
	struct private_key *key = NULL;

	if (uri == NULL) {
		(void)copy_text(to, file);
		key = keyref_make(n->fd, file, access.pin_file, &why);
		*status = key == NULL ? verb_fault(a, EXIT_IO, "%s: %s: %s", n->path, file, why) : EXIT_DONE;
		return key;
	}
	if (strncmp(uri, "file:", 5) == 0)
		uri += 5;
	if (strchr(uri, ':') != NULL ? copy_text(to, uri) : copy_path(to, uri))
		key = keyref_open(n->fd, to, &access, &why);
	*status =
	    key == NULL ? verb_fault(a, EXIT_KEYS, "key-invalid: %s: %s", keyref_shown(uri), why) : EXIT_DONE;
	return key;
}

static bool
make_pairs(struct store *n, const struct verb_settings *s, struct verb_answer *a, enum diag_exit *status)
{
	*status = EXIT_IO;
	if (mkdirat(n->fd, "keys", 0700) != 0 || mkdirat(n->fd, "releases", 0700) != 0)
		return verb_io_fault(a, n->path);
	if (!copy_path(n->pin_file, s->pin_file))
		return verb_io_fault(a, "--pin-file");
	if (!copy_path(n->parent_pin_file, s->parent_pin_file))
		return verb_io_fault(a, "--parent-pin-file");
	if (!copy_text(n->tcti, s->tcti))
		return verb_io_fault(a, s->tcti);
	n->sig = take_key(n, s->sig, n->sig_uri, "keys/sig.pem", a, status);
	n->enc = n->sig == NULL ? NULL : take_key(n, s->enc, n->enc_uri, "keys/enc.pem", a, status);
	if (n->enc == NULL)
		return false;
	if (strcmp(keyref_public(n->sig)->jkt, keyref_public(n->enc)->jkt) == 0) {
		*status = verb_fault(a, EXIT_KEYS, "key-invalid: one key for both signing and opening");
		return false;
	}
	keys_id(n->id, keyref_public(n->sig)->jkt);
	return true;
}

const char *
store_env(const struct store *n)
{
	const char *sig = keyref_env(n->sig);

	return strcmp(sig, keyref_env(n->enc)) == 0 ? sig : "soft";
}

enum diag_exit
store_begin(struct store *n, const struct verb_settings *s, const char *path, const char *kind,
    struct bytes domain, struct verb_answer *a)
{
	enum diag_exit status = EXIT_IO;
	char new[4100];

	*n = (struct store){ .fd = -1, .kind = kind, .decided = s->decided };
	if (strlen(path) >= sizeof n->path || domain.size >= sizeof n->domain) {
		errno = ENAMETOOLONG;
		(void)verb_io_fault(a, path);
		return EXIT_IO;
	}
	memcpy(n->domain, domain.at, domain.size);
	memcpy(n->path, path, strlen(path) + 1);
	beside(n, new);
	if (!make_folder(n, new, s->wait, a, &status))
		return status;
	(void)make_pairs(n, s, a, &status);
	return status;
}

static void
write_key_name(struct json_write *w, const char *name, const char *uri, const struct private_key *key)
{
	json_write_name(w, name);
	json_write_open(w, '{');
	json_write_member(w, "uri", bytes_of(uri));
	json_write_member(w, "jkt", bytes_of(keyref_public(key)->jkt));
	json_write_close(w, '}');
}

static void
write_given(struct json_write *w, const char *name, const char *text)
{
	if (*text != '\0')
		json_write_member(w, name, bytes_of(text));
}

static void
write_self(struct buffer *out, const struct store *n)
{
	struct json_write w = verb_line_begin(out);

	json_write_member_number(&w, "v", 1);
	json_write_member(&w, "id", bytes_of(n->id));
	json_write_member(&w, "kind", bytes_of(n->kind));
	json_write_member(&w, "domain", bytes_of(n->domain));
	json_write_member(&w, "env", bytes_of(store_env(n)));
	write_given(&w, "tcti", n->tcti);
	write_given(&w, "pin_file", n->pin_file);
	write_given(&w, "parent_pin_file", n->parent_pin_file);
	if (n->decided)
		json_write_member_value(&w, "decided", (struct bytes)BYTES("true"));
	if (n->commands.size > 0)
		json_write_member_value(&w, "commands", n->commands);
	write_key_name(&w, "sig", n->sig_uri, n->sig);
	write_key_name(&w, "enc", n->enc_uri, n->enc);
	verb_line_end(&w);
}

bool
store_commit(struct store *n, struct verb_answer *a)
{
	struct buffer self;
	char path[4100];
	bool good;

	buffer_init(&self, TEXT_MOST);
	write_self(&self, n);
	beside(n, path);
	good = store_put(n, "self.json", buffer_bytes(&self), 0600, a);
	if (good && (fsync(n->fd) != 0 || rename(path, n->path) != 0))
		good = verb_io_fault(a, n->path);
	n->committed = good;
	buffer_release(&self);
	return good;
}

void
store_end(struct store *n)
{
	char path[4100];

	if (n->fd >= 0) {
		beside(n, path);
		if (!n->committed)
			remove_folder(AT_FDCWD, path, 1);
		(void)close(n->fd);
	}
	keyref_free(n->sig);
	keyref_free(n->enc);
	*n = (struct store){ .fd = -1 };
}

/* A key at rest: a release to the directory itself. */
struct rest {
	const char *name; /* of the file, without releases/ and .jwe */
	const char *domain;
	unsigned al;
};

static void
begin_rest(struct message *m, const struct rest *rest, const struct private_key *sig, struct instant now)
{
	const char *jkt = keyref_public(sig)->jkt;
	char id[KEYS_ID_SIZE + 1];

	keys_id(id, jkt);
	message_begin(m, rest->domain, now);
	json_write_member(&m->claims, "device", bytes_of(id));
	message_jti(m, "k_");
	json_write_member_number(&m->claims, "al", rest->al);
	message_cnf(m, jkt);
	json_write_name(&m->claims, "keys");
	json_write_open(&m->claims, '[');
}

static bool
end_rest(int dirfd, struct message *m, const struct rest *rest, struct private_key *sig,
    const struct point *enc, struct verb_answer *a)
{
	struct buffer out;
	char path[300];
	bool good;

	json_write_close(&m->claims, ']');
	buffer_init(&out, TEXT_MOST);
	(void)snprintf(path, sizeof path, "releases/%s.jwe", rest->name);
	const struct message_to to = { MESSAGE_RELEASE, sig, enc, rest->domain };
	if (!message_seal(m, &out, &to))
		diag_bug("a key of our own is off the curve");
	good = file_create_at(dirfd, path, buffer_bytes(&out), 0600) || verb_io_fault(a, path);
	message_end(m);
	buffer_release(&out);
	return good;
}

bool
store_level(int dirfd, struct private_key *sig, const struct point *enc, const struct level_key *key,
    struct instant now, struct verb_answer *a)
{
	char name[200];
	const struct rest rest = { name, key->domain, key->al };
	struct message m;

	(void)snprintf(name, sizeof name, "level-%" PRIu32 "-%s", key->epoch, key->rl);
	begin_rest(&m, &rest, sig, now);
	level_key_write(&m.claims, key);
	return end_rest(dirfd, &m, &rest, sig, enc, a);
}

bool
store_mac(int dirfd, struct private_key *sig, const struct point *enc, const struct mac_key *key,
    struct instant now, struct verb_answer *a)
{
	char name[200];
	const struct rest rest = { name, key->domain, 0 };
	struct message m;

	(void)snprintf(name, sizeof name, "hmac-%s", key->name);
	begin_rest(&m, &rest, sig, now);
	mac_key_write(&m.claims, key);
	return end_rest(dirfd, &m, &rest, sig, enc, a);
}

void
store_note_begin(struct store_note *note)
{
	buffer_init(&note->text, TEXT_MOST);
	note->line = verb_line_begin(&note->text);
}

bool
store_note_put(struct store_note *note, int dirfd, const char *name, mode_t mode, struct verb_answer *a)
{
	bool good;

	verb_line_end(&note->line);
	good = file_replace_at(dirfd, name, buffer_bytes(&note->text), mode) || verb_io_fault(a, name);
	buffer_release(&note->text);
	return good;
}

bool
store_current(int dirfd, const char *domain, uint32_t epoch, struct verb_answer *a)
{
	struct store_note note;

	store_note_begin(&note);
	json_write_member(&note.line, "domain", bytes_of(domain));
	json_write_member_number(&note.line, "epoch", epoch);
	return store_note_put(&note, dirfd, "current", 0644, a);
}

void
store_jwks(struct buffer *out, const struct point *sig, const char *domain)
{
	struct json_write w = verb_line_begin(out);

	json_write_name(&w, "keys");
	json_write_open(&w, '[');
	point_write(&w, sig);
	verb_written(&w);
	out->used--; /* the brace of the point: more members follow */
	json_write_member(&w, "use", bytes_of("sig"));
	json_write_member(&w, "alg", bytes_of("ES256"));
	json_write_member(&w, "kid", bytes_of(sig->jkt));
	json_write_member(&w, "domain", bytes_of(domain));
	json_write_close(&w, '}');
	json_write_close(&w, ']');
	verb_line_end(&w);
}

bool
store_read(const char *path, struct buffer *text, struct verb_answer *a)
{
	bool input = strcmp(path, "-") == 0;

	return ((input ? file_read_fd(STDIN_FILENO, text) : file_read(path, text)) && json_slack(text)) ||
	       verb_io_fault(a, input ? "<stdin>" : path);
}
