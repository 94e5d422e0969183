/* SPDX-License-Identifier: ISC */
#include "common/base/buffer.h"
#include "common/base/diag.h"
#include "common/base/memory.h"
#include "tests/lib/tap.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
static const bool sanitized = true;
#else
static const bool sanitized = false;
#endif

static void
check_memory(void)
{
	char *at = memory_zeros(3, 5), zero[15] = { 0 };

	check(memcmp(at, zero, 15) == 0);
	memset(at, 7, 15);
	at = memory_grow(at, 4000, 5);
	check(at[0] == 7 && at[14] == 7);
	free(at);
	at = memory_zeros(0, 5);
	check(at != NULL);
	free(at);
	at = memory_huge(3 << 20);
	check((uintptr_t)at % MEMORY_HUGE == 0);
	at[0] = at[(3 << 20) - 1] = 7;
	at = memory_grow(at, 9, 1 << 20);
	check(at[0] == 7 && at[(3 << 20) - 1] == 7);
	free(at);
	at = memory_grow(NULL, 2, 2);
	check(at != NULL);
	free(at);
}

static void
want_bytes(void)
{
	memory_missing(4096);
}

static void
want_unknown(void)
{
	memory_missing(0);
}

static void
grow_too_far(void)
{
	free(memory_grow(NULL, SIZE_MAX, 2));
}

static void
pass_limit(void)
{
	struct buffer b;

	buffer_init(&b, 3);
	buffer_add(&b, "four", 4);
}

static void
pass_limit_zeroed(void)
{
	struct buffer b;

	buffer_init(&b, 3);
	(void)buffer_more(&b, 4);
}

static void
say_exit(void)
{
	(void)!write(STDERR_FILENO, "atexit\n", 7);
}

/* Whether RUN, in a process of its own, ends with EXIT_IO after TEXT on standard error and nothing else. */
static bool
dies_with(void (*run)(void), const char *text)
{
	char got[256] = "";
	int status, file = memfd_create("err", MFD_CLOEXEC);
	pid_t child = fork();

	if (child == 0) {
		(void)dup2(file, STDERR_FILENO);
		diag_program("ehr-test");
		(void)atexit(say_exit);
		run();
		_exit(0);
	}
	(void)waitpid(child, &status, 0);
	if (pread(file, got, sizeof got - 1, 0) < 0)
		got[0] = '\0';
	(void)close(file);
	return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_IO && strcmp(got, text) == 0;
}

int
main(void)
{
	check_memory();
	check(dies_with(want_bytes, "ehr-test: out of memory (4096 bytes wanted)\n"));
	check(dies_with(want_unknown, "ehr-test: out of memory\n"));
	/* AddressSanitizer answers this itself, before the allocation fails. */
	if (!sanitized)
		check(dies_with(grow_too_far, "ehr-test: out of memory\n"));
	check(dies_with(pass_limit, "ehr-test: out of memory (4 bytes wanted)\n"));
	check(dies_with(pass_limit_zeroed, "ehr-test: out of memory (4 bytes wanted)\n"));
	return tap_end();
}
