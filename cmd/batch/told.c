/* SPDX-License-Identifier: ISC */
#include "cmd/batch/told.h"

#include "cmd/batch/program.h"
#include "common/base/file.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { FIRST = 8, LAST = 4, LINES = FIRST + LAST, MOST = 600 };

/* The first lines, then the last ones, which go round. */
struct kept {
	char line[LINES][MOST];
	size_t size[LINES];
	size_t count, used; /* bytes of the line that is not whole yet */
};

static size_t
place_of(size_t line)
{
	return line < FIRST ? line : FIRST + (line - FIRST) % LAST;
}

static void
keep(struct kept *k, const char *at, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		size_t place = place_of(k->count);

		if (at[i] != '\n' && k->used < MOST)
			k->line[place][k->used++] = at[i];
		if (at[i] != '\n' || k->used == 0)
			continue;
		k->size[place] = k->used;
		k->used = 0;
		k->count++;
	}
}

static void
answer(const struct kept *k, int to)
{
	size_t from = k->count > LINES ? k->count - LAST : FIRST;

	for (size_t i = 0; i < k->count; i++) {
		size_t place = place_of(i);

		if (i >= FIRST && i < from)
			continue;
		(void)(file_write_fd(to, (struct bytes){ k->line[place], k->size[place] }) &&
		       file_write_fd(to, bytes_of("\n")));
	}
}

static _Noreturn void
pass_on(int from, int to)
{
	const int own[] = { from, to };
	static struct kept kept;
	static char block[64 << 10];
	/* A line of progress goes before others are written. */
	bool clears = isatty(STDERR_FILENO) != 0;
	ssize_t n;

	(void)signal(SIGPIPE, SIG_IGN);
	program_close_others(own, sizeof own / sizeof own[0]);
	while ((n = file_read_some(from, block, sizeof block)) > 0) {
		if (clears)
			(void)file_write_fd(STDERR_FILENO, bytes_of("\r\033[K"));
		(void)file_write_fd(STDERR_FILENO, (struct bytes){ block, (size_t)n });
		keep(&kept, block, (size_t)n);
	}
	answer(&kept, to);
	_exit(0);
}

void
told_start(struct told *t)
{
	int text[2] = { -1, -1 }, back[2] = { -1, -1 };

	*t = (struct told){ .own = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3), .answer = -1 };
	if (t->own >= 0 && pipe2(text, O_CLOEXEC) == 0 && pipe2(back, O_CLOEXEC) == 0) {
		t->process = program_fork();
		if (t->process == 0)
			pass_on(text[0], back[1]);
	}
	if (t->process > 0 && dup2(text[1], STDERR_FILENO) >= 0) {
		t->answer = back[0];
		back[0] = -1;
		program_speaks(t->own);
	}
	for (int i = 0; i < 2; i++) {
		if (text[i] >= 0)
			(void)close(text[i]);
		if (back[i] >= 0)
			(void)close(back[i]);
	}
}

struct bytes
told_end(struct told *t, char text[TOLD_ROOM])
{
	size_t used = 0;
	ssize_t n;

	program_speaks(-1);
	if (t->own >= 0) {
		(void)dup2(t->own, STDERR_FILENO);
		(void)close(t->own);
	}
	while (t->answer >= 0 && (n = file_read_some(t->answer, text + used, TOLD_ROOM - used)) > 0)
		used += (size_t)n;
	if (t->answer >= 0)
		(void)close(t->answer);
	if (t->process > 0)
		(void)program_wait(t->process);
	return (struct bytes){ text, used };
}
