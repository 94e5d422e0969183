/* SPDX-License-Identifier: ISC */
#include "common/line/manifest.h"

#include "common/base/bisect.h"
#include "common/base/diag.h"
#include "common/base/memory.h"
#include "common/json/json_write.h"

#include <stdlib.h>
#include <string.h>

/* Above 2^53 numbers are not exact in every reader of JSON. */
#define SEQ_MOST ((uint64_t)1 << 53)

static const char begin[] = "{\"ehr\":{\"v\":1,\"stage\":\"manifest\",\"domain\":\"";
static const char zeros[] = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

static void
count(struct manifest_counts *c, struct bytes rl, uint64_t lines)
{
	size_t i = 0;

	c->lines += lines;
	if (rl.size == 0)
		return;
	while (i < c->levels && !bytes_equal((struct bytes){ c->level[i].name, c->level[i].size }, rl))
		i++;
	if (i == c->levels) {
		if (i == MANIFEST_LEVELS || rl.size > sizeof c->level[i].name)
			diag_bug("more levels than a policy has");
		memcpy(c->level[i].name, rl.at, rl.size);
		c->level[i].size = rl.size;
		c->level[i].lines = 0;
		c->levels++;
	}
	c->level[i].lines += lines;
}

void
manifest_add(struct manifest_counts *all, const struct manifest_counts *part)
{
	uint64_t without = part->lines;

	for (size_t i = 0; i < part->levels; i++) {
		count(all, (struct bytes){ part->level[i].name, part->level[i].size }, part->level[i].lines);
		without -= part->level[i].lines;
	}
	count(all, (struct bytes){ 0 }, without);
}

void
manifest_write_head(struct buffer *out, const struct manifest_head *h)
{
	struct json_write w = json_write_to(out);

	json_write_open(&w, '{');
	json_write_name(&w, "ehr");
	json_write_open(&w, '{');
	json_write_member_number(&w, "v", 1);
	json_write_member(&w, "stage", (struct bytes)BYTES("manifest"));
	json_write_member(&w, "domain", h->domain);
	if (h->to.size > 0)
		json_write_member(&w, "to", h->to);
	else
		json_write_member_number(&w, "epoch", (int64_t)h->epoch);
	json_write_member(&w, "batch", h->batch);
	if (h->policy.size > 0)
		json_write_member(&w, "policy", h->policy);
	json_write_member(&w, "prev", h->prev.size > 0 ? h->prev : bytes_of(zeros));
	json_write_close(&w, '}');
	json_write_close(&w, '}');
	json_write_raw(&w, (struct bytes)BYTES("\n"));
}

void
manifest_write_line(struct buffer *out, uint64_t seq, struct bytes rl, const char hex[MANIFEST_HEX],
    struct manifest_counts *c)
{
	struct json_write w = json_write_to(out);

	json_write_open(&w, '{');
	json_write_member_number(&w, "seq", (int64_t)seq);
	if (rl.size > 0)
		json_write_member(&w, "rl", rl);
	json_write_member(&w, "sha256", (struct bytes){ hex, MANIFEST_HEX });
	json_write_close(&w, '}');
	json_write_raw(&w, (struct bytes)BYTES("\n"));
	count(c, rl, 1);
}

void
manifest_write_end(struct buffer *out, const struct manifest_counts *c)
{
	struct json_write w = json_write_to(out);

	json_write_open(&w, '{');
	json_write_name(&w, "end");
	json_write_open(&w, '{');
	json_write_member_number(&w, "lines", (int64_t)c->lines);
	json_write_name(&w, "versions");
	json_write_open(&w, '{');
	for (size_t i = 0; i < c->levels; i++) {
		json_write_key(&w, (struct bytes){ c->level[i].name, c->level[i].size });
		json_write_number(&w, (int64_t)c->level[i].lines);
	}
	json_write_close(&w, '}');
	json_write_close(&w, '}');
	json_write_close(&w, '}');
	json_write_raw(&w, (struct bytes)BYTES("\n"));
}

struct entry {
	uint64_t seq;
	unsigned char digest[MANIFEST_DIGEST];
};

struct manifest {
	struct entry *entry;
	size_t entries;
	size_t room;
	size_t next; /* the entries before it were taken or left out */
	uint64_t taken;
	char batch[64];
	size_t batch_size;
};

/* Takes literal text off the front of a line. */
static bool
take(struct bytes *rest, const char *text)
{
	size_t size = strlen(text);

	if (!bytes_begin(*rest, text))
		return false;
	rest->at += size;
	rest->size -= size;
	return true;
}

/* A string up to its quote: no control character, no escape. */
static bool
take_word(struct bytes *rest, struct bytes *word)
{
	size_t size = 0;

	while (size < rest->size && rest->at[size] != '"' && rest->at[size] != '\\' &&
	       (unsigned char)rest->at[size] >= ' ')
		size++;
	*word = (struct bytes){ rest->at, size };
	rest->at += size;
	rest->size -= size;
	return size > 0 && take(rest, "\"");
}

static bool
take_number(struct bytes *rest, uint64_t *number)
{
	size_t size = 0;

	*number = 0;
	while (size < rest->size && ascii_is_digit(rest->at[size]) && *number <= SEQ_MOST / 10)
		*number = *number * 10 + (uint64_t)(rest->at[size++] - '0');
	if (size == 0 || (size > 1 && rest->at[0] == '0') || *number >= SEQ_MOST)
		return false;
	rest->at += size;
	rest->size -= size;
	return true;
}

static bool
read_head(struct bytes line, struct manifest_head *h)
{
	*h = (struct manifest_head){ 0 };
	if (!take(&line, begin) || !take_word(&line, &h->domain))
		return false;
	if (take(&line, ",\"to\":\"")) {
		if (!take_word(&line, &h->to))
			return false;
	} else if (!take(&line, ",\"epoch\":") || !take_number(&line, &h->epoch))
		return false;
	if (!take(&line, ",\"batch\":\"") || !take_word(&line, &h->batch))
		return false;
	if (take(&line, ",\"policy\":\"") && !take_word(&line, &h->policy))
		return false;
	return take(&line, ",\"prev\":\"") && take_word(&line, &h->prev) && take(&line, "}}") &&
	       line.size == 0;
}

/* A digit of lower-case hex, 16 for anything else. */
static unsigned
hex_digit(char c)
{
	if (ascii_is_digit(c))
		return (unsigned)(c - '0');
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

static bool
read_hex(struct bytes text, unsigned char digest[MANIFEST_DIGEST])
{
	if (text.size != MANIFEST_HEX)
		return false;
	for (size_t i = 0; i < MANIFEST_DIGEST; i++) {
		unsigned high = hex_digit(text.at[2 * i]), low = hex_digit(text.at[2 * i + 1]);

		if (high > 15 || low > 15)
			return false;
		digest[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

static bool
read_entry(struct bytes line, struct entry *e, struct bytes *rl)
{
	struct bytes hex;

	*rl = (struct bytes){ 0 };
	if (!take(&line, "{\"seq\":") || !take_number(&line, &e->seq))
		return false;
	if (take(&line, ",\"rl\":\"") && (!take_word(&line, rl) || rl->size > 32))
		return false;
	return take(&line, ",\"sha256\":\"") && take_word(&line, &hex) && read_hex(hex, e->digest) &&
	       take(&line, "}") && line.size == 0;
}

/* Where the reader stands, and what the part at hand has so far. */
struct reading {
	struct manifest *m;
	struct bytes head; /* the first line; empty before it */
	bool inside;       /* between a head and its end */
	size_t part;       /* the first entry of the part */
	struct manifest_counts counts;
	struct buffer end; /* how the part must end */
};

static const char *
take_head(struct reading *r, struct bytes line)
{
	struct manifest_head h;

	if (!read_head(line, &h))
		return "not the first line of a manifest";
	if (r->head.size > 0 && !bytes_equal(line, r->head))
		return "the parts are of different batches";
	if (h.batch.size > sizeof r->m->batch)
		return "not the first line of a manifest";
	memcpy(r->m->batch, h.batch.at, h.batch.size);
	r->m->batch_size = h.batch.size;
	r->head = line;
	r->inside = true;
	r->part = r->m->entries;
	r->counts = (struct manifest_counts){ 0 };
	return NULL;
}

static bool
knows(const struct manifest_counts *c, struct bytes rl)
{
	for (size_t i = 0; i < c->levels; i++)
		if (bytes_equal((struct bytes){ c->level[i].name, c->level[i].size }, rl))
			return true;
	return rl.size == 0 || c->levels < MANIFEST_LEVELS;
}

static const char *
take_entry(struct reading *r, struct bytes line)
{
	struct manifest *m = r->m;
	struct entry e;
	struct bytes rl;

	if (!read_entry(line, &e, &rl) || !knows(&r->counts, rl))
		return "not a line of a manifest";
	if (m->entries > r->part && e.seq != m->entry[m->entries - 1].seq + 1)
		return "seq has a gap, or does not rise";
	if (m->entries > 0 && e.seq <= m->entry[m->entries - 1].seq)
		return "the parts are not in order";
	if (m->entries == m->room) {
		m->room = m->room < 64 ? 64 : m->room * 2;
		m->entry = memory_grow(m->entry, m->room, sizeof *m->entry);
	}
	m->entry[m->entries++] = e;
	count(&r->counts, rl, 1);
	return NULL;
}

static const char *
take_line(struct reading *r, struct bytes line)
{
	if (!r->inside)
		return take_head(r, line);
	if (!bytes_begin(line, "{\"end\":"))
		return take_entry(r, line);
	r->end.used = 0;
	manifest_write_end(&r->end, &r->counts);
	r->inside = false;
	return bytes_equal(line, (struct bytes){ r->end.at, r->end.used - 1 })
		   ? NULL
		   : "its end counts other lines than stand before it";
}

bool
manifest_is(struct bytes text)
{
	return bytes_begin(text, "{\"ehr\":{\"v\":1,\"stage\":\"manifest\"");
}

struct manifest *
manifest_read(struct bytes text, size_t *number, const char **why)
{
	struct reading r = { .m = memory_zeros(1, sizeof *r.m) };
	struct bytes line;

	buffer_init(&r.end, BUFFER_UNLIMITED);
	*number = 0;
	*why = bytes_unfinished(&text) > 0 ? "cut in the middle of a line" : NULL;
	while (*why == NULL && bytes_line(&text, &line)) {
		++*number;
		*why = take_line(&r, line);
	}
	if (*why == NULL && (r.inside || *number == 0))
		*why = "cut: its end is missing";
	buffer_release(&r.end);
	if (*why == NULL)
		return r.m;
	manifest_free(r.m);
	return NULL;
}

void
manifest_free(struct manifest *m)
{
	if (m == NULL)
		return;
	free(m->entry);
	free(m);
}

/* The first entry from FROM on whose seq is not below SEQ. */
static size_t
find(const struct manifest *m, size_t from, uint64_t seq)
{
	struct bisect b = { .low = from, .high = m->entries };

	while (bisect_more(&b))
		bisect_step(&b, m->entry[b.middle].seq < seq);
	return b.low;
}

enum manifest_answer
manifest_take(
    struct manifest *m, struct bytes batch, uint64_t seq, const unsigned char digest[MANIFEST_DIGEST])
{
	size_t at = m->next < m->entries && m->entry[m->next].seq == seq ? m->next : find(m, 0, seq);

	if (!bytes_equal(batch, (struct bytes){ m->batch, m->batch_size }) || at == m->entries ||
	    m->entry[at].seq != seq || memcmp(m->entry[at].digest, digest, MANIFEST_DIGEST) != 0)
		return MANIFEST_FOREIGN;
	if (at < m->next)
		return MANIFEST_ORDER;
	m->next = at + 1;
	m->taken++;
	return MANIFEST_HOLDS;
}

uint64_t
manifest_lines(const struct manifest *m)
{
	return m->entries;
}

uint64_t
manifest_missing(const struct manifest *m)
{
	return m->entries - m->taken;
}
