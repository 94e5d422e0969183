/* SPDX-License-Identifier: ISC */
#include "common/crypto/keys.h"

#include "common/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

enum { FILE_MOST = 1 << 22, DEPTH = 4 };

static const char own[] = "revoked.jwt";

bool
keys_counters(const struct keys *k, struct buffer *text, struct json *j)
{
	buffer_init(text, FILE_MOST);
	json_init(j, NULL, DEPTH);
	if (!file_read_private_at(keys_directory(k), "counters.json", text)) {
		if (errno != ENOENT)
			return false;
		buffer_add(text, "{}", 2);
	}
	if (!json_slack(text))
		return false;
	errno = 0;
	return json_parse(j, buffer_bytes(text)) && json_kind(j, 0) == JSON_OBJECT;
}

/* The serial of the newest list that this device has accepted, 0 if there is none. */
static bool
accepted_serial(const struct keys *k, uint64_t *serial)
{
	struct buffer text;
	struct json j;
	bool good = keys_counters(k, &text, &j);
	uint32_t node = good ? json_member(&j, 0, (struct bytes)BYTES("revoked")) : 0;

	*serial = 0;
	good = good && (node == 0 || json_integer(&j, node, serial));
	json_release(&j);
	buffer_release(&text);
	return good;
}

static enum diag_exit
fail(struct keys_fault *f, const char *name, const struct revoked_fault *why)
{
	char text[300];

	if (why->error == ENOENT) {
		(void)snprintf(f->text, sizeof f->text, "%s: %s", name, why->why);
		return EXIT_IO;
	}
	revoked_message(text, why);
	/* a name that is too long is left out */
	if ((size_t)snprintf(f->text, sizeof f->text, "%s: %s", name, text) >= sizeof f->text)
		memcpy(f->text, text, sizeof text);
	return EXIT_KEYS;
}

static enum diag_exit
fail_own(const struct keys *k, struct keys_fault *f, const struct revoked_fault *why)
{
	char path[300];

	(void)snprintf(path, sizeof path, "%s: %s", keys_name(k), own);
	return fail(f, path, why);
}

static enum diag_exit
read_own(const struct keys *k, const struct revoked_by *by, struct revoked *r, struct keys_fault *f)
{
	struct revoked_fault why = { 0 };

	if (revoked_read_at(r, by, keys_directory(k), own, true, &why))
		return EXIT_DONE;
	return fail_own(k, f, &why);
}

/* The newest list of the directory and the site is not older than one that was accepted or made here. */
static enum diag_exit
check_serial(const struct keys *k, const struct revoked *r, struct keys_fault *f)
{
	struct revoked_fault why = { 0 };
	uint64_t serial;

	if (!accepted_serial(k, &serial))
		why.why = "counters.json is not an object of numbers that is closed to others; put back a "
			  "copy of it, "
			  "with no number lower than what was accepted or sent since";
	else if (r->serial < serial)
		why.why =
		    r->is_there ? "older than one that was accepted" : "one was accepted, and it is gone";
	return why.why == NULL ? EXIT_DONE : fail_own(k, f, &why);
}

/* The site's own list counts if it is the newer one; the directory's may be, after ehr-keys accept. */
static enum diag_exit
read_site(const char *name, const struct revoked_by *by, struct revoked *r, struct keys_fault *f)
{
	struct revoked_fault why = { 0 };
	struct revoked list = { 0 };

	if (!revoked_read_at(&list, by, AT_FDCWD, name, true, &why))
		return fail(f, name, &why);
	if (list.is_there && (!r->is_there || list.serial > r->serial)) {
		revoked_free(r);
		*r = list;
	} else {
		revoked_free(&list);
	}
	return EXIT_DONE;
}

static enum diag_exit
check_end(const char *name, const struct revoked *r, const struct instant *now, struct keys_fault *f)
{
	if (!r->is_there || now == NULL || now->seconds < r->next)
		return EXIT_DONE;
	(void)snprintf(f->text, sizeof f->text,
	    "%s: revocation-stale: at this time the list has ended, expected the authority's newest one "
	    "(ehr-keys revoke makes the next)",
	    name);
	return EXIT_KEYS;
}

static enum diag_exit
read_lists(const struct keys *k, const struct keys_lists *from, struct revoked *r, struct keys_fault *f)
{
	const struct revoked_by by = { keys_authority(k), bytes_of(keys_domain(k)) };
	struct revoked_fault why = { 0 };
	enum diag_exit status = read_own(k, &by, r, f);

	if (status == EXIT_DONE && from->site != NULL)
		status = read_site(from->site, &by, r, f);
	if (status == EXIT_DONE)
		status = check_serial(k, r, f);
	if (status == EXIT_DONE && from->given != NULL &&
	    !revoked_read_at(r, &by, AT_FDCWD, from->given, false, &why))
		status = fail(f, from->given, &why);
	return status == EXIT_DONE ? check_end(keys_name(k), r, from->now, f) : status;
}

enum diag_exit
keys_revoked(const struct keys *k, const struct keys_lists *from, struct revoked *r, struct keys_fault *f)
{
	enum diag_exit status = read_lists(k, from, r, f);

	if (status != EXIT_DONE)
		revoked_free(r);
	return status;
}

enum diag_exit
keys_revoked_alone(const char *name, const struct signers *authority, const struct instant *now,
    struct revoked *r, struct keys_fault *f)
{
	const struct revoked_by by = { .keys = authority };
	struct revoked_fault why = { 0 };
	enum diag_exit status;

	if (!revoked_read_at(r, &by, AT_FDCWD, name, false, &why))
		return fail(f, name, &why);
	status = check_end(name, r, now, f);
	if (status != EXIT_DONE)
		revoked_free(r);
	return status;
}
