/* SPDX-License-Identifier: ISC */
#include "common/line/sink.h"

#include "common/base/diag.h"
#include "common/base/file.h"
#include "common/json/json.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

/*
 * Large blocks, and a pipe that holds several, so that the programs of a pipeline take turns less often.
 * Where the system does not let the pipe grow, it stays as it is.
 */
#define BLOCK_SIZE ((size_t)128 * 1024)
#define PIPE_SIZE (512 * 1024)

void
sink_init_take(struct sink *s, int fd, const char *name)
{
	*s = (struct sink){ .name = name, .fd = fd };
	buffer_init(&s->block, BLOCK_SIZE);
	(void)fcntl(fd, F_SETPIPE_SZ, PIPE_SIZE);
}

void
sink_init_memory(struct sink *s)
{
	*s = (struct sink){ .fd = -1 };
	buffer_init(&s->block, BUFFER_UNLIMITED);
}

struct bytes
sink_held(struct sink *s)
{
	(void)json_slack(&s->block);
	return buffer_bytes(&s->block);
}

void
sink_drop(struct sink *s)
{
	s->block.used = 0;
}

/*
 * The reader of standard output may leave before the end, as head does, and SIGPIPE ends the program.  A
 * reader of any other output that leaves is a failed write, because what is lost there must be said.
 */
static bool
write_all(struct sink *s, struct bytes text)
{
	bool aside = s->fd != STDOUT_FILENO;
	bool whole;

	if (aside)
		(void)signal(SIGPIPE, SIG_IGN);
	whole = file_write_fd(s->fd, text);
	if (!whole)
		s->error = errno;
	if (aside)
		(void)signal(SIGPIPE, SIG_DFL);
	return whole;
}

bool
sink_flush(struct sink *s)
{
	struct bytes waiting = { s->block.at, s->block.used };

	if (s->error != 0)
		return false;
	s->block.used = 0;
	return write_all(s, waiting);
}

bool
sink_put(struct sink *s, struct bytes text)
{
	if (s->error != 0)
		return false;
	if (buffer_append(&s->block, text.at, text.size))
		return true;
	if (!sink_flush(s))
		return false;
	return buffer_append(&s->block, text.at, text.size) || write_all(s, text);
}

char *
sink_room(struct sink *s, size_t size)
{
	if (s->error != 0 || (!buffer_reserve(&s->block, size) && !sink_flush(s)))
		return NULL;
	if (!buffer_reserve(&s->block, size))
		diag_bug("more room wanted than a sink has");
	return s->block.at + s->block.used;
}

void
sink_took(struct sink *s, size_t size)
{
	s->block.used += size;
}

bool
sink_line(struct sink *s, struct bytes record)
{
	return sink_put(s, record) && sink_put(s, (struct bytes){ "\n", 1 });
}

bool
sink_close(struct sink *s)
{
	bool whole = sink_flush(s);

	if (close(s->fd) != 0 && whole) {
		s->error = errno;
		whole = false;
	}
	s->fd = -1;
	buffer_release(&s->block);
	return whole;
}
