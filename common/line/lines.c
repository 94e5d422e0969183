/* SPDX-License-Identifier: ISC */
#include "common/line/lines.h"

#include "common/base/diag.h"
#include "common/base/file.h"
#include "common/json/json.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define READ_SIZE ((size_t)128 * 1024)
#define MARK "\xef\xbb\xbf"
#define MARK_SIZE ((size_t)3)
/* What a line may hold besides its record: a byte order mark and a CR. */
#define EXTRA (MARK_SIZE + 1)

void
lines_init(struct lines *l, int fd, const char *source, size_t limit, struct sink *flush_first)
{
	if (limit > BUFFER_UNLIMITED)
		limit = BUFFER_UNLIMITED;
	*l = (struct lines){ .source = source, .fd = fd, .limit = limit, .flush_first = flush_first };
	buffer_init(&l->text, limit + EXTRA + READ_SIZE + JSON_SLACK);
}

/* Reads once.  LINES_RECORD: there are more bytes, or the source has ended. */
static enum lines_outcome
fill(struct lines *l)
{
	ssize_t n;

	buffer_drop(&l->text, l->start);
	l->base += l->start;
	l->start = 0;
	if (l->flush_first != NULL && !sink_flush(l->flush_first))
		return LINES_FLUSH_FAILED;
	if (!buffer_reserve(&l->text, READ_SIZE + JSON_SLACK))
		diag_bug("a line beyond its limit was kept");
	do {
		n = read(l->fd, l->text.at + l->text.used, READ_SIZE);
		if (n < 0 && errno == EINTR && l->wake != NULL && *l->wake != 0)
			return LINES_WOKEN;
	} while (n < 0 && file_again(l->fd, POLLIN));
	if (n < 0) {
		l->error = errno;
		return LINES_READ_FAILED;
	}
	l->text.used += (size_t)n;
	memset(l->text.at + l->text.used, 0, JSON_SLACK);
	l->ended = n == 0;
	return LINES_RECORD;
}

static enum lines_outcome
refuse(struct lines *l, enum reason reason, size_t byte)
{
	l->reason = reason;
	l->refused_byte = byte;
	return LINES_REFUSED;
}

/* Takes the line at the front: SIZE bytes and, if it HAS_END, the LF. */
static struct bytes
take_line(struct lines *l, size_t size, bool has_end)
{
	struct bytes line = { l->text.at + l->start, size };

	l->offset = l->base + l->start;
	l->start += has_end ? size + 1 : size;
	l->scanned = 0;
	if (has_end && size > 0 && line.at[size - 1] == '\r')
		line.size--;
	if (l->offset == 0 && line.size >= MARK_SIZE && memcmp(line.at, MARK, MARK_SIZE) == 0) {
		line.at += MARK_SIZE;
		line.size -= MARK_SIZE;
		l->offset = MARK_SIZE;
	}
	return line;
}

/* False if the line is skipped. */
static bool
judge(struct lines *l, struct bytes line, enum lines_outcome *outcome)
{
	const char *nul;

	if (l->skipping) {
		l->skipping = false;
		return false;
	}
	l->number++;
	if (json_blank(line) && !l->blanks)
		return false;
	*outcome = LINES_RECORD;
	if (line.size > l->limit)
		*outcome = refuse(l, REASON_TOO_LONG, l->limit + 1);
	else if ((nul = memchr(line.at, '\0', line.size)) != NULL)
		*outcome = refuse(l, REASON_NUL_BYTE, (size_t)(nul - line.at) + 1);
	return true;
}

/* Refuses a line whose end is not read yet.  The rest of it is dropped as it comes. */
static enum lines_outcome
begin_skipping(struct lines *l)
{
	l->skipping = true;
	l->number++;
	l->offset = l->base + l->start;
	return refuse(l, REASON_TOO_LONG, l->limit + 1);
}

/* The LF of the line at the front; NULL if it is not read yet. */
static const char *
find_end(const struct lines *l)
{
	size_t from = l->start + l->scanned;

	return from < l->text.used ? memchr(l->text.at + from, '\n', l->text.used - from) : NULL;
}

enum lines_outcome
lines_next(struct lines *l, struct bytes *record)
{
	enum lines_outcome outcome;

	for (;;) {
		const char *end = find_end(l);
		size_t have = l->text.used - l->start;

		if (end != NULL || (l->ended && have > 0)) {
			size_t size = end != NULL ? (size_t)(end - l->text.at) - l->start : have;

			*record = take_line(l, size, end != NULL);
			if (judge(l, *record, &outcome))
				return outcome;
			continue;
		}
		if (l->ended)
			return LINES_END;
		if (!l->skipping && have > l->limit + EXTRA)
			return begin_skipping(l);
		if (l->skipping)
			l->start += have;
		l->scanned = l->skipping ? 0 : have;
		outcome = fill(l);
		if (outcome != LINES_RECORD)
			return outcome;
	}
}

struct bytes
lines_waiting(const struct lines *l)
{
	if (l->text.used == l->start)
		return (struct bytes){ "", 0 };
	return (struct bytes){ l->text.at + l->start, l->text.used - l->start };
}

enum lines_outcome
lines_more(struct lines *l)
{
	return l->ended ? LINES_RECORD : fill(l);
}

void
lines_take(struct lines *l, size_t size)
{
	if (size > l->text.used - l->start)
		diag_bug("more bytes taken than there are");
	l->start += size;
	l->scanned = 0;
}

uint64_t
lines_offset(const struct lines *l)
{
	return l->base + l->start;
}

void
lines_take_mark(struct lines *l)
{
	struct bytes waiting = lines_waiting(l);

	if (l->base + l->start == 0 && bytes_begin(waiting, MARK))
		lines_take(l, MARK_SIZE);
}

void
lines_release(struct lines *l)
{
	buffer_release(&l->text);
	*l = (struct lines){ .ended = true };
}
