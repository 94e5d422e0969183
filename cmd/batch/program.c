/* SPDX-License-Identifier: ISC */
#include "cmd/batch/program.h"

#include "common/base/file.h"
#include "common/base/frozen.h"
#include "common/base/installed.h"
#include "common/crypto/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	EXECUTABLE_MOST = 256 << 20,
	PATH_ROOM = INSTALLED_PATH,
	COPY_FD = 10, /* in the child, where the interpreter of a script finds it */
	SIGNALLED = 128,
	NOT_STARTED = 126,
};

static int kept = -1, speaks = -1;

static bool
copy_executable(struct program *p, struct bytes sha256, char why[PROGRAM_WHY])
{
	struct buffer text;
	char hex[DIGEST_HEX] = "";
	bool good;

	buffer_init(&text, EXECUTABLE_MOST);
	good = file_read(p->path, &text);
	if (!good)
		(void)snprintf(why, PROGRAM_WHY, "%.200s: %s", p->path, file_read_fault(errno));
	if (good) {
		digest_hex(buffer_bytes(&text), hex);
		good = bytes_are(sha256, hex);
		if (!good)
			(void)snprintf(why, PROGRAM_WHY,
			    "%.100s is not the file that pipeline.yaml names; if it is meant, its sha256 is "
			    "%s",
			    p->path, hex);
	}
	if (good) {
		p->copy = frozen_copy("stage", buffer_bytes(&text), 0);
		good = p->copy >= 0;
		if (!good)
			(void)snprintf(why, PROGRAM_WHY, "%.200s: %s", p->path, strerror(errno));
	}
	buffer_release(&text);
	return good;
}

bool
program_find(struct program *p, const struct batch_command *c, struct arena *a, char why[PROGRAM_WHY])
{
	char own[PATH_ROOM];
	const char *slash = strrchr(c->word[0], '/');

	*p = (struct program){ .name = slash != NULL ? slash + 1 : c->word[0], .copy = -1 };
	if (c->sha256.size > 0) {
		p->path = c->word[0];
		return copy_executable(p, c->sha256, why);
	}
	size_t folder = installed_folder(own);

	p->path = arena_format(a, "%.*s%s", (int)folder, own, c->word[0]);
	errno = ENOENT;
	if (folder > 0 && access(p->path, X_OK) == 0)
		return true;
	(void)snprintf(
	    why, PROGRAM_WHY, "%.200s: %s: the programs lie in one folder", p->path, strerror(errno));
	return false;
}

bool
program_find_system(struct program *p, const char *name, char why[PROGRAM_WHY])
{
	static const struct {
		const char *name, *path;
	} places[] = {
		{ "gzip", "/usr/bin/gzip" },
		{ "gzip", "/bin/gzip" },
		{ "zstd", "/usr/bin/zstd" },
		{ "zstd", "/bin/zstd" },
	};

	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		if (strcmp(places[i].name, name) != 0 || access(places[i].path, X_OK) != 0)
			continue;
		*p = (struct program){ .name = places[i].name, .path = places[i].path, .copy = -1 };
		return true;
	}
	(void)snprintf(why, PROGRAM_WHY, "packed with %s, which is not in /usr/bin", name);
	return false;
}

void
program_keep(int fd)
{
	kept = fd;
}

void
program_speaks(int fd)
{
	speaks = fd;
}

/*
 * A file that is sealed cannot be opened for writing, so the child reads and runs exactly what was
 * checked.
 */
static void
run_child(const struct program *p, const char *const *argument, int in, int out)
{
	char *const *words = (char *const *)(uintptr_t)argument;

	if (kept >= 0 && fcntl(kept, F_SETFD, 0) != 0)
		return;
	if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
		return;
	if (p->copy < 0) {
		(void)execv(p->path, words);
		return;
	}
	if (speaks >= 0 && dup2(speaks, STDERR_FILENO) < 0)
		return;
	if (dup2(p->copy, COPY_FD) == COPY_FD)
		(void)execv("/proc/self/fd/10", words);
}

pid_t
program_fork(void)
{
	pid_t parent = getpid();
	pid_t process = fork();

	if (process != 0)
		return process;
	(void)signal(SIGPIPE, SIG_DFL);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(NOT_STARTED);
	return 0;
}

pid_t
program_start(const struct program *p, const char *const *argument, int in, int out)
{
	pid_t process = program_fork();

	if (process != 0)
		return process;
	run_child(p, argument, in, out);
	diag_warn("%s: %s", p->path, strerror(errno));
	_exit(NOT_STARTED);
}

void
program_close_others(const int *fds, size_t count)
{
	unsigned from = 3;

	for (size_t done = 0; done <= count + 1; done++) {
		unsigned next = ~0U;

		for (size_t i = 0; i <= count; i++) {
			int fd = i == count ? kept : fds[i];

			if (fd >= (int)from && (unsigned)fd < next)
				next = (unsigned)fd;
		}
		if (next == ~0U) {
			(void)syscall(SYS_close_range, from, ~0U, 0U);
			return;
		}
		if (next > from)
			(void)syscall(SYS_close_range, from, next - 1, 0U);
		from = next + 1;
	}
}

int
program_wait(pid_t process)
{
	int status = 0;

	while (waitpid(process, &status, 0) < 0)
		if (errno != EINTR)
			return NOT_STARTED;
	return WIFSIGNALED(status) ? SIGNALLED + WTERMSIG(status) : WEXITSTATUS(status);
}

/* In a child: runs the program, and then looks whether it left something of IN. */
static _Noreturn void
run_and_look(const struct program *p, const char *const *argument, int in, int out)
{
	pid_t process = program_start(p, argument, in, out);
	int status;
	char byte;

	program_close_others(&in, 1);
	status = process < 0 ? NOT_STARTED : program_wait(process);
	if (status == EXIT_DONE && file_read_some(in, &byte, 1) != 0) {
		diag_warn("%s: ended with 0 and left a part of its input unread", p->name);
		status = EXIT_BAD_RECORD;
	}
	_exit(status);
}

pid_t
program_start_whole(const struct program *p, const char *const *argument, int in, int out)
{
	pid_t process = program_fork();

	if (process == 0)
		run_and_look(p, argument, in, out);
	return process;
}
