/* SPDX-License-Identifier: ISC */
#include "common/policy/trust.h"

#include "common/base/diag.h"
#include "common/base/file.h"
#include "common/crypto/detached.h"
#include "common/json/json.h"
#include "common/json/json_write.h"
#include "common/policy/site.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PEM_MOST = 16 << 20, SIGNATURE_MOST = 1 << 16, SERIALS_MOST = 1 << 20 };

static const char serials[] = "trust.serial";

void
trust_options(const struct options *o, const struct trust_demand *t)
{
	if (t->crl != NULL && t->ca == NULL)
		options_misuse(o, "only together with --trust CA", "--crl");
}

bool
trust_read(struct arena *a, const char *ca, const char *crl, const char *now, struct detached_trust *t,
    struct fault *f)
{
	struct bytes certificates, lists = { 0 };

	*t = (struct detached_trust){ .now = clock_now() };
	if (now != NULL && !clock_parse_instant(bytes_of(now), &t->now))
		return fault_at(f, "--now", NULL, "not a time such as 2026-11-21T10:00:00Z");
	if (!site_read(a, ca, PEM_MOST, &certificates, f) ||
	    (crl != NULL && !site_read(a, crl, PEM_MOST, &lists, f)))
		return false;
	if (!detached_read_ca(t, certificates))
		return fault_at(f, ca, NULL, "not the certificate of a CA in PEM");
	if (crl == NULL || detached_read_crl(t, lists))
		return true;
	detached_release(t);
	return fault_at(f, crl, NULL,
	    "crl-missing: not a revocation list in PEM, which openssl ca -gencrl "
	    "writes");
}

static bool
read_signature(struct policy *p, const char *shown, struct bytes *signature, struct fault *f)
{
	struct buffer b;
	bool good;

	buffer_init(&b, SIGNATURE_MOST);
	good = file_read(shown, &b);
	if (!good && errno == ENOENT)
		(void)fault_at(f, shown, NULL,
		    "policy-signature: signature-missing: this policy is not signed, and it must be: "
		    "ehr-policy "
		    "sign");
	else if (!good)
		(void)fault_unread(f, shown, errno);
	else
		*signature = arena_copy(&p->arena, buffer_bytes(&b));
	buffer_release(&b);
	return good;
}

static bool
check_signature(struct policy *p, const char *ca, const char *crl, const char *now, struct fault *f)
{
	const char *shown = arena_format(&p->arena, "%s/policy.p7s", p->directory);
	struct detached_trust trust;
	struct detached_verdict v;
	struct bytes signature;
	bool good;

	if (!trust_read(&p->arena, ca, crl, now, &trust, f))
		return false;
	good = read_signature(p, shown, &signature, f);
	if (good && !detached_check(p->listing, signature, DETACHED_CODE, &trust, &v))
		good = fault_at(f, shown, NULL, "policy-signature: %s: %s (CA: %s)", v.reason, v.text, ca);
	detached_release(&trust);
	return good;
}

/* What DIRECTORY demands. */
static bool
check_demand(struct policy *p, const char *directory, const char *now, struct fault *f)
{
	const char *ca = site_path_if_there(&p->arena, directory, SITE_TRUST, NULL);
	const char *crl = site_path_if_there(&p->arena, directory, SITE_TRUST_CRL, NULL);

	if (ca == NULL && crl != NULL)
		return fault_at(f, crl, NULL, "policy-signature: trust.pem is missing beside this file");
	return ca == NULL || check_signature(p, ca, crl, now, f);
}

/* What a line of trust.serial says. */
struct seen {
	struct bytes name, serial, digest;
};

static bool
take_member(struct arena *a, const struct json *j, const char *name, struct bytes *to)
{
	uint32_t node = json_member(j, 0, bytes_of(name));
	struct buffer room;

	if (node == 0 || json_kind(j, node) != JSON_STRING)
		return false;
	buffer_init(&room, SERIALS_MOST);
	*to = arena_copy(a, json_string(j, node, &room));
	buffer_release(&room);
	return true;
}

/* LINE ends with LF or the text's end; JSON_SLACK bytes stand behind the text. */
static bool
read_seen(struct arena *a, struct bytes line, struct seen *s)
{
	struct json j;
	bool good;

	json_init(&j, NULL, 2);
	good = json_parse(&j, line) && take_member(a, &j, "policy", &s->name) &&
	       take_member(a, &j, "serial", &s->serial) && take_member(a, &j, "digest", &s->digest);
	json_release(&j);
	return good;
}

/* Texts of policies in messages. */
static int
short_size(struct bytes text)
{
	return (int)(text.size < 60 ? text.size : 60);
}

/* Takes the number at the start of TEXT, without leading zeros, or else one byte. */
static struct bytes
take_piece(struct bytes *text)
{
	struct bytes piece;
	size_t size = 1;

	while (text->size > 1 && text->at[0] == '0' && ascii_is_digit(text->at[1]))
		*text = bytes_behind(*text, 1);
	while (ascii_is_digit(text->at[0]) && size < text->size && ascii_is_digit(text->at[size]))
		size++;
	piece = (struct bytes){ text->at, size };
	*text = bytes_behind(*text, size);
	return piece;
}

/* Serials rise by their bytes, but a number in them as a number: 9 < 10, 2026-9-30 < 2026-10-01, r9 < r10. */
static int
compare_serials(struct bytes a, struct bytes b)
{
	while (a.size > 0 && b.size > 0) {
		struct bytes x = take_piece(&a), y = take_piece(&b);
		int order = bytes_compare(x, y);

		if (ascii_is_digit(*x.at) && ascii_is_digit(*y.at) && x.size != y.size)
			return x.size < y.size ? -1 : 1;
		if (order != 0)
			return order;
	}
	return (a.size > 0) - (b.size > 0);
}

static bool
judge_serial(const struct policy *p, const char *path, const struct seen *s, struct fault *f)
{
	int order = compare_serials(p->serial, s->serial);

	if (order < 0)
		return fault_at(f, p->directory, NULL,
		    "policy-signature: rolled-back: its serial is %.*s, and %s has seen %.*s",
		    short_size(p->serial), p->serial.at, path, short_size(s->serial), s->serial.at);
	if (order == 0 && !bytes_are(s->digest, p->digest))
		return fault_at(f, p->directory, NULL,
		    "policy-signature: rolled-back: %s has seen its serial %.*s with other files: the serial "
		    "rises with each change",
		    path, short_size(p->serial), p->serial.at);
	return true;
}

/*
 * Judges P by what DIRECTORY has seen.  The lines on other policies go to OTHERS, which may be NULL.  *KNOWN:
 * the file has a line on this very policy.
 */
static bool
check_serial(struct policy *p, const char *directory, struct buffer *others, bool *known, struct fault *f)
{
	const char *path = site_path_if_there(&p->arena, directory, SITE_TRUST_SERIAL, NULL);
	struct bytes rest = { 0 }, line;
	struct seen seen;

	*known = false;
	if (path != NULL && !site_read(&p->arena, path, SERIALS_MOST, &rest, f))
		return false;
	while (bytes_line(&rest, &line)) {
		if (!read_seen(&p->arena, line, &seen))
			return fault_at(
			    f, path, NULL, "policy-signature: a line is not as ehr-policy verify writes it");
		if (!bytes_equal(seen.name, p->name)) {
			if (others != NULL) {
				buffer_add(others, line.at, line.size);
				buffer_add(others, "\n", 1);
			}
			continue;
		}
		if (!judge_serial(p, path, &seen, f))
			return false;
		*known = bytes_are(seen.digest, p->digest);
	}
	return true;
}

/* What SITE/policy says; path.size is 0 if there is no such file. */
struct noted {
	struct bytes path, name, serial, digest;
};

static bool
read_noted(struct arena *a, const char *site, struct noted *n, struct fault *f)
{
	const char *path = site_path_if_there(a, site, SITE_POLICY, NULL);
	struct bytes text;
	struct json j;
	bool good;

	*n = (struct noted){ .path = { "", 0 } };
	if (path == NULL)
		return true;
	if (!site_read(a, path, SERIALS_MOST, &text, f))
		return false;
	json_init(&j, NULL, 2);
	good = json_parse(&j, text) && take_member(a, &j, "path", &n->path) &&
	       take_member(a, &j, "policy", &n->name) && take_member(a, &j, "serial", &n->serial) &&
	       take_member(a, &j, "digest", &n->digest) && n->path.size > 0 && n->path.at[0] == '/' &&
	       memchr(n->path.at, '\0', n->path.size) == NULL;
	json_release(&j);
	return good || fault_at(f, path, NULL,
			   "not as ehr-keys make writes it: an object with path, policy, serial and digest");
}

bool
trust_default(const char **policy, const char *site, struct fault *f)
{
	static char path[PATH_MAX];
	static struct arena a; /* a fault names a file in it */
	struct noted n;
	bool good = *policy != NULL || site == NULL;

	if (good)
		return true;
	good = read_noted(&a, site, &n, f);
	if (good && n.path.size > 0 && bytes_string(n.path, path, sizeof path))
		*policy = path;
	if (good)
		arena_release(&a);
	return good;
}

void
trust_policy(const struct options *o, const char **policy, const char *site)
{
	struct fault f = { 0 };

	if (!trust_default(policy, site, &f))
		fault_exit(&f);
	if (*policy == NULL && site != NULL && access(site, F_OK) != 0)
		diag_die(EXIT_IO, "%s: %s", site, strerror(errno));
	if (*policy == NULL)
		options_needs(
		    o, site == NULL ? "--policy DIR" : "--policy DIR, which the site does not remember");
}

/* Another folder than the one that the site remembers was chosen, and is not judged. */
static bool
check_noted(struct policy *p, const char *site, struct fault *f)
{
	struct noted n;
	char real[PATH_MAX];

	if (!read_noted(&p->arena, site, &n, f))
		return false;
	if (n.path.size == 0 || realpath(p->directory, real) == NULL || !bytes_are(n.path, real) ||
	    !bytes_equal(n.name, p->name))
		return true;
	p->has_changed = !bytes_are(n.digest, p->digest);
	return compare_serials(p->serial, n.serial) >= 0 ||
	       fault_at(f, p->directory, NULL,
		   "rolled-back: its serial is %.*s, and the site %s was made with %.*s; if it is meant, "
		   "remove %s/policy",
		   short_size(p->serial), p->serial.at, site, short_size(n.serial), n.serial.at, site);
}

bool
trust_note(struct policy *p, const char *site)
{
	struct buffer line;
	struct json_write w;
	char real[PATH_MAX];
	int folder;
	bool good;

	if (realpath(p->directory, real) == NULL)
		return false;
	folder = open(site, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return false;
	buffer_init(&line, BUFFER_UNLIMITED);
	w = json_write_to(&line);
	json_write_open(&w, '{');
	json_write_member(&w, "path", bytes_of(real));
	json_write_member(&w, "policy", p->name);
	json_write_member(&w, "serial", p->serial);
	json_write_member(&w, "digest", bytes_of(p->digest));
	json_write_close(&w, '}');
	buffer_add(&line, "\n", 1);
	good = file_replace_at(folder, "policy", buffer_bytes(&line), 0644);
	buffer_release(&line);
	(void)close(folder);
	return good;
}

bool
trust_load(struct policy *p, const char *directory, const struct trust_demand *t, struct fault *f)
{
	const char *const places[] = { t->site, t->keys };
	bool known;

	if (!policy_gather(p, directory, f))
		return false;
	if (t->ca != NULL && !check_signature(p, t->ca, t->crl, t->now, f))
		return false;
	for (size_t i = 0; i < 2; i++)
		if (places[i] != NULL && !check_demand(p, places[i], t->now, f))
			return false;
	if (!policy_read(p, f))
		return false;
	for (size_t i = 0; i < 2; i++)
		if (places[i] != NULL && !check_serial(p, places[i], NULL, &known, f))
			return false;
	return t->site == NULL || check_noted(p, t->site, f);
}

/* The whole file: the lines on other policies and one on P. */
static bool
write_serial(const struct policy *p, int folder, struct buffer *lines)
{
	struct json_write w = json_write_to(lines);

	json_write_open(&w, '{');
	json_write_member(&w, "policy", p->name);
	json_write_member(&w, "serial", p->serial);
	json_write_member(&w, "digest", bytes_of(p->digest));
	json_write_close(&w, '}');
	buffer_add(lines, "\n", 1);
	return file_replace_at(folder, serials, buffer_bytes(lines), 0644);
}

/* The lock keeps two runs from each writing what the other has not read. */
bool
trust_remember(struct policy *p, const char *directory, struct fault *f)
{
	int folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct buffer lines;
	bool known, good;

	if (folder < 0)
		return fault_unread(f, directory, errno);
	buffer_init(&lines, BUFFER_UNLIMITED);
	good = file_lock(folder, directory, "another ehr-policy", FILE_WAIT) ||
	       fault_unread(f, directory, errno);
	good = good && check_serial(p, directory, &lines, &known, f);
	if (good && !known && !write_serial(p, folder, &lines))
		good = fault_unread(f, directory, errno);
	buffer_release(&lines);
	(void)close(folder);
	return good;
}
