/* SPDX-License-Identifier: ISC */
#include "common/crypto/revoked.h"

#include "common/base/bisect.h"
#include "common/base/file.h"
#include "common/crypto/keys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { TEXT_MOST = 1 << 28, HEAD = KEYS_ID_SIZE - 2 };

static const char type[] = "ehr-revoked+jwt";

const char *
revoked_name(enum revoked_kind kind)
{
	static const char *const names[] = { [REVOKED_GRANTS] = "grants",
		[REVOKED_PARTIES] = "parties",
		[REVOKED_DEVICES] = "devices",
		[REVOKED_KIDS] = "kids" };

	return names[kind];
}

static int
compare(const void *a, const void *b)
{
	return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

/* A list that is absent is empty. */
static bool
read_words(struct arena *a, const struct json *j, uint32_t list, struct revoked_words *w)
{
	size_t count = 0;

	*w = (struct revoked_words){ 0 };
	if (list == 0)
		return true;
	if (json_kind(j, list) != JSON_ARRAY)
		return false;
	for (uint32_t n = list + 1; n < j->nodes[list].next; n = j->nodes[n].next, count++)
		if (json_kind(j, n) != JSON_STRING || (j->nodes[n].flags & JSON_ESCAPED) != 0)
			return false;
	w->at = arena_array(a, count + 1, sizeof *w->at);
	w->sorted = arena_array(a, count + 1, sizeof *w->sorted);
	for (uint32_t n = list + 1; n < j->nodes[list].next; n = j->nodes[n].next)
		w->at[w->count++] = arena_copy(a, json_inside(j, n));
	memcpy(w->sorted, w->at, count * sizeof *w->at);
	qsort(w->sorted, count, sizeof *w->sorted, compare);
	return true;
}

static bool
read_list(struct revoked *r, const struct jws *jws)
{
	uint64_t next = 0;

	if (!jws_number(jws, "serial", &r->serial) || !jws_number(jws, "next", &next))
		return false;
	r->is_there = true;
	r->iat = jws->iat;
	r->next = (int64_t)next;
	for (unsigned i = 0; i < REVOKED_KINDS; i++)
		if (!read_words(&r->arena, jws->claims,
			json_member(jws->claims, 0, bytes_of(revoked_name((enum revoked_kind)i))),
			&r->list[i]))
			return false;
	return true;
}

static const char *
verify(struct revoked *list, const struct revoked_by *by, struct bytes token, struct jws_reader *reader)
{
	struct jws jws;
	enum jws_fault fault = jws_verify(reader, by->keys, token, type, &jws);

	if (fault != JWS_GOOD)
		return jws_fault_word(fault);
	if (by->domain.size > 0 && !bytes_equal(jws.iss, by->domain))
		return "of another domain";
	return read_list(list, &jws) ? NULL : "without serial, next or its lists";
}

/* Owns LIST. */
static void
keep_newer(struct revoked *r, struct revoked *list)
{
	if (r->is_there && list->serial <= r->serial) {
		revoked_free(list);
		return;
	}
	revoked_free(r);
	*r = *list;
}

const char *
revoked_take(struct revoked *r, const struct revoked_by *by, struct bytes token, struct jws_reader *reader)
{
	struct revoked list = { 0 };
	const char *why = verify(&list, by, token, reader);

	if (why == NULL)
		keep_newer(r, &list);
	else
		revoked_free(&list);
	return why;
}

/* The newest list of TEXT into R, which is empty. */
static bool
read_lines(struct revoked *r, const struct revoked_by *by, struct bytes text, struct revoked_fault *f)
{
	struct jws_reader *reader = jws_reader_new();
	struct bytes line;

	*f = (struct revoked_fault){ 0 };
	while (f->why == NULL && bytes_line(&text, &line)) {
		f->line++;
		if (line.size > 0 && line.at[line.size - 1] == '\r')
			line.size--;
		if (line.size > 0)
			f->why = revoked_take(r, by, line, reader);
	}
	jws_reader_free(reader);
	if (f->why == NULL)
		*f = (struct revoked_fault){ .why = r->is_there ? NULL : "the file has no list" };
	return f->why == NULL;
}

/* Lists one a line: see revoked_read_at(). */
static bool
read_text(struct revoked *r, const struct revoked_by *by, struct bytes text, struct revoked_fault *f)
{
	struct revoked list = { 0 };

	if (read_lines(&list, by, text, f) && r->is_there && list.serial < r->serial)
		*f = (struct revoked_fault){ .why = "older than another list that is known here" };
	if (f->why == NULL)
		keep_newer(r, &list);
	else
		revoked_free(&list);
	return f->why == NULL;
}

bool
revoked_read_at(struct revoked *r, const struct revoked_by *by, int dirfd, const char *name, bool optional,
    struct revoked_fault *f)
{
	struct buffer text;
	bool good = true;

	buffer_init(&text, TEXT_MOST);
	errno = 0;
	if (file_read_at(dirfd, name, &text)) {
		good = read_text(r, by, buffer_bytes(&text), f);
	} else if (!optional || errno != ENOENT) {
		*f = (struct revoked_fault){ .why = file_read_fault(errno), .error = errno };
		good = false;
	}
	buffer_release(&text);
	return good;
}

void
revoked_message(char text[300], const struct revoked_fault *f)
{
	char place[40] = "";

	if (f->line > 0)
		(void)snprintf(place, sizeof place, "line %u: ", f->line);
	(void)snprintf(
	    text, 300, "revocation-invalid: %s%s, expected the authority's newest list", place, f->why);
}

bool
revoked_has(const struct revoked *r, enum revoked_kind kind, struct bytes word)
{
	const struct revoked_words *w = &r->list[kind];

	return w->count > 0 && bsearch(&word, w->sorted, w->count, sizeof *w->sorted, compare) != NULL;
}

/* Whether the thumbprint is listed whose id is NAME: it begins with what follows the "d_". */
static bool
has_thumbprint_of(const struct revoked_words *w, struct bytes name)
{
	const struct bytes head = { name.at + 2, HEAD };
	struct bisect b = { .high = w->count };

	while (bisect_more(&b))
		bisect_step(&b, bytes_compare(w->sorted[b.middle], head) < 0);
	for (; b.low < w->count && w->sorted[b.low].size >= HEAD &&
	       memcmp(w->sorted[b.low].at, head.at, HEAD) == 0;
	     b.low++)
		if (w->sorted[b.low].size == JKT_SIZE)
			return true;
	return false;
}

bool
revoked_has_device(const struct revoked *r, struct bytes name)
{
	char id[KEYS_ID_SIZE] = "d_";

	if (revoked_has(r, REVOKED_DEVICES, name))
		return true;
	if (name.size == KEYS_ID_SIZE && memcmp(name.at, id, 2) == 0)
		return has_thumbprint_of(&r->list[REVOKED_DEVICES], name);
	if (name.size != JKT_SIZE)
		return false;
	memcpy(id + 2, name.at, HEAD);
	return revoked_has(r, REVOKED_DEVICES, (struct bytes){ id, sizeof id });
}

void
revoked_free(struct revoked *r)
{
	arena_release(&r->arena);
	*r = (struct revoked){ 0 };
}
