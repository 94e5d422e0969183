/* SPDX-License-Identifier: ISC */
#include "cmd/policy/records.h"

#include "common/base/diag.h"
#include "common/base/file.h"
#include "common/line/cure.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { MAX_FILE = 1 << 30 };

bool
records_read(struct records *r, const char *path)
{
	static const char mark[] = "\xef\xbb\xbf";
	bool is_input = strcmp(path, "-") == 0;
	int fd = is_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);

	*r = (struct records){ .next_line = 1 };
	buffer_init(&r->text, MAX_FILE);
	json_init(&r->whole, NULL, JSON_MAX_DEPTH);
	if (fd < 0)
		return false;
	bool good = file_read_fd(fd, &r->text);
	int error = errno;
	if (!is_input)
		(void)close(fd);
	errno = error;
	if (!good)
		return false;
	if (bytes_begin(buffer_bytes(&r->text), mark))
		buffer_drop(&r->text, sizeof(mark) - 1);
	if (!json_slack(&r->text))
		return false;
	r->is_one = json_parse(&r->whole, buffer_bytes(&r->text));
	r->is_array = r->is_one && json_kind(&r->whole, 0) == JSON_ARRAY;
	r->element = 1;
	return true;
}

void
records_release(struct records *r)
{
	buffer_release(&r->text);
	json_release(&r->whole);
}

static size_t
line_of(const struct records *r, size_t byte)
{
	size_t line = 1;

	for (size_t i = 0; i < byte; i++)
		line += r->text.at[i] == '\n';
	return line;
}

static bool
next_line(struct records *r, struct bytes *record)
{
	while (r->at < r->text.used) {
		const char *start = r->text.at + r->at;
		const char *end = memchr(start, '\n', r->text.used - r->at);
		size_t size = end != NULL ? (size_t)(end - start) : r->text.used - r->at;
		r->at += size + 1;
		r->line = r->next_line++;
		*record = (struct bytes){ start, size };
		if (!json_blank(*record))
			return true;
	}
	return false;
}

bool
records_next(struct records *r, struct bytes *record)
{
	uint32_t node = r->is_array ? r->element : 0;

	if (!r->is_one)
		return next_line(r, record);
	if (node >= r->whole.nodes[0].next || (!r->is_array && r->at > 0))
		return false;
	r->at = 1;
	r->element = r->whole.nodes[node].next;
	r->line = line_of(r, r->whole.nodes[node].start);
	*record = json_span(&r->whole, node);
	return true;
}

void
records_rewind(struct records *r)
{
	r->element = 1;
	r->at = 0;
	r->next_line = 1;
}

void
records_say(const struct records *r, const char *shown, struct bytes record, enum reason reason, size_t byte,
    bool first)
{
	const struct cure_case c = {
		.program = diag_name(), .reason = reason, .head = record, .byte = byte, .first = true
	};
	char cure[CURE_ROOM] = "";

	if (first)
		(void)cure_of(&c, cure);
	diag_warn("%s:%zu: %s: %s at byte %zu%s", shown, r->line, reason_code(reason), reason_text(reason),
	    byte, cure);
}
