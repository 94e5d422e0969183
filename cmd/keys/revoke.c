/* SPDX-License-Identifier: ISC */
/* revoke: the list of what no longer counts, all that stood on it before included, under the next serial. */
#include "cmd/keys/device.h"
#include "cmd/keys/message.h"
#include "cmd/keys/store.h"
#include "common/base/file.h"
#include "common/crypto/write.h"
#include "common/line/tags.h"
#include "common/policy/site.h"

#include <errno.h>
#include <fcntl.h>

enum { NEXT = 30 * 24 * 3600, LIST_ROOM = 1 << 26 };

static void
must(bool fits)
{
	if (!fits)
		diag_bug("a revocation list longer than it can be");
}

/* A device is listed by its signing key: an id may be given on the command line, the thumbprint is what
 * counts. */
static bool
resolve(struct keys *k, const struct settings *s, struct point *point, size_t i, struct answer *a,
    enum diag_exit *status)
{
	struct settings at = *s;
	struct device d;

	at.now.seconds = 0; /* also one that has ended */
	if (!device_find(k, bytes_of(s->device.item[i]), at.now, &d, a, status))
		return false;
	*point = d.sig;
	return true;
}

static bool
put_word(
    struct buffer *claims, const struct revoked *old, enum revoked_kind kind, const char *word, bool *first)
{
	if (revoked_has(old, kind, bytes_of(word)))
		return true;
	must(write_text(claims, *first ? "\"" : ",\"") && write_text(claims, word) &&
	     write_text(claims, "\""));
	*first = false;
	return true;
}

static void
put_list(struct buffer *claims, const struct revoked *old, enum revoked_kind kind, const struct list *more)
{
	bool first = true;

	must(write_text(claims, ",\"") && write_text(claims, revoked_name(kind)) &&
	     write_text(claims, "\":["));
	if (old->claims != NULL)
		for (uint32_t n = old->list[kind] + 1; n < old->claims->nodes[old->list[kind]].next;
		     n = old->claims->nodes[n].next) {
			must((first || write_text(claims, ",")) &&
			     write_bytes(claims, json_span(old->claims, n)));
			first = false;
		}
	for (size_t i = 0; i < more->count; i++)
		(void)put_word(claims, old, kind, more->item[i], &first);
	must(write_text(claims, "]"));
}

static bool
publish(struct keys *k, const struct settings *s, struct answer *a)
{
	struct arena arena = { 0 };
	const char *path = s->site == NULL ? NULL : site_path(&arena, s->site, SITE_REVOKED, NULL);
	struct bytes text = buffer_bytes(&a->out);
	bool good = file_replace_at(keys_directory(k), "revoked.jwt", text, 0644) &&
		    (path == NULL || file_replace_at(AT_FDCWD, path, text, 0644));

	if (!good)
		(void)answer_fault(a, EXIT_IO, "revoked.jwt: %s", strerror(errno));
	arena_release(&arena);
	return good;
}

static enum diag_exit
revoke(struct keys *k, const struct list *devices, const struct settings *s, struct answer *a)
{
	struct revoked old;
	struct buffer claims;
	int64_t next = s->now.seconds + (s->ttl > 0 ? s->ttl : NEXT);

	if (!revoked_read(k, &old, a))
		return EXIT_KEYS;
	buffer_init(&claims, LIST_ROOM);
	message_begin(&claims, keys_domain(k), s->now);
	must(write_member_number(&claims, "serial", (int64_t)old.serial + 1) &&
	     write_member_number(&claims, "next", next));
	put_list(&claims, &old, REVOKED_GRANTS, &s->grant);
	put_list(&claims, &old, REVOKED_PARTIES, &s->party);
	put_list(&claims, &old, REVOKED_DEVICES, devices);
	put_list(&claims, &old, REVOKED_KIDS, &s->kid);
	must(write_text(&claims, "}"));
	message_sign(&a->out, keys_signing(k), "ehr-revoked+jwt", false, &claims);
	must(write_text(&a->out, "\n"));
	buffer_release(&claims);
	revoked_free(&old);
	return publish(k, s, a) ? EXIT_DONE : EXIT_IO;
}

static bool
all_words(const struct list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (!tag_is_word(bytes_of(list->item[i])))
			return false;
	return true;
}

enum diag_exit
verb_revoke(const struct settings *s, struct answer *a)
{
	static struct point point[LIST_MOST];
	struct list devices = { .count = 0 };
	enum diag_exit status;
	struct keys *k;

	if (!all_words(&s->device) || !all_words(&s->party) || !all_words(&s->grant) || !all_words(&s->kid))
		return answer_fault(a, EXIT_USAGE, "not an id, expected A-Z a-z 0-9 . _ : / @ + -");
	k = store_open_authority(s, 0, a, &status);
	if (k == NULL)
		return status;
	status = EXIT_DONE;
	for (size_t i = 0; status == EXIT_DONE && i < s->device.count; i++)
		if (resolve(k, s, &point[i], i, a, &status))
			devices.item[devices.count++] = point[i].jkt;
	if (status == EXIT_DONE)
		status = revoke(k, &devices, s, a);
	keys_close(k);
	return status;
}
