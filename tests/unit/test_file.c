/* SPDX-License-Identifier: ISC */
#include "common/base/file.h"
#include "tests/lib/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int folder = -1;

static bool
holds(const char *name, const char *text)
{
	struct buffer b;
	bool same;

	buffer_init(&b, 1000000);
	same = file_read_at(folder, name, &b) && bytes_are(buffer_bytes(&b), text);
	buffer_release(&b);
	return same;
}

/* Reading NAME fails with ERROR. */
static bool
fails(const char *name, bool private, size_t limit, int error)
{
	struct buffer b;
	bool failed;

	buffer_init(&b, limit);
	failed = private ? !file_read_private_at(folder, name, &b) : !file_read_at(folder, name, &b);
	failed = failed && errno == error;
	buffer_release(&b);
	return failed;
}

/* Appending "z" to a file with TEXT cuts CUT bytes and leaves AFTER. */
static bool
heals(const char *text, size_t cut, const char *after)
{
	size_t was = 99;

	return file_replace_at(folder, "b", bytes_of(text), 0600) &&
	       file_append_at(folder, "b", (struct bytes){ "z\n", 2 }, 0600, &was) && was == cut &&
	       holds("b", after);
}

/* A lock that another has is waited for as long as is said, and a run that gives up is to be tried again. */
static bool
locks(void)
{
	int one = openat(folder, "b", O_RDONLY | O_CLOEXEC), two = openat(folder, "b", O_RDONLY | O_CLOEXEC);
	bool good = file_lock(one, "b", "another", 0) && !file_lock(two, "b", "another", 0) &&
		    errno == EWOULDBLOCK && file_fault_status(errno) == EXIT_AGAIN &&
		    file_fault_status(EIO) == EXIT_IO;

	(void)close(one);
	good = good && file_lock(two, "b", "another", 0);
	(void)close(two);
	return good;
}

/* The same with an unfinished line of SIZE bytes behind a whole one. */
static bool
heals_long(size_t size)
{
	static char text[20000];

	memset(text, 'x', sizeof text);
	memcpy(text, "one\n", 4);
	text[4 + size] = '\0';
	return heals(text, size, "one\nz\n");
}

enum { RUNS = 6, ROUNDS = 10, LONG = 1 << 16 };

enum { WROTE, FAILED, WAS_THERE };

/* One run of several: "crowd" becomes a file of its own letter, long enough that others come in between. */
static int
run_of(int run, bool replace)
{
	static char text[LONG];
	const struct bytes mine = { text, sizeof text };

	memset(text, 'a' + run, sizeof text);
	if (replace ? file_replace_at(folder, "crowd", mine, 0600)
		    : file_create_at(folder, "crowd", mine, 0600))
		return WROTE;
	return !replace && errno == EEXIST ? WAS_THERE : FAILED;
}

/* The letter of the file "crowd"; '?' if it is not whole. */
static char
writer(void)
{
	struct buffer b;
	char letter = '?';

	buffer_init(&b, 1 << 20);
	if (file_read_at(folder, "crowd", &b) && b.used == LONG && memcmp(b.at, b.at + 1, b.used - 1) == 0)
		letter = b.at[0];
	buffer_release(&b);
	return letter;
}

/* Several runs write one file at once: each writes it whole, or the one that made it says so. */
static bool
crowd(bool replace)
{
	pid_t pids[RUNS];
	int wrote = 0, status, last = -1;

	(void)unlinkat(folder, "crowd", 0);
	for (int i = 0; i < RUNS; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(run_of(i, replace));
	}
	for (int i = 0; i < RUNS; i++) {
		if (waitpid(pids[i], &status, 0) != pids[i] || !WIFEXITED(status) ||
		    WEXITSTATUS(status) == FAILED)
			return false;
		if (WEXITSTATUS(status) == WROTE) {
			wrote++;
			last = i;
		}
	}
	return replace ? wrote == RUNS && writer() != '?' : wrote == 1 && writer() == 'a' + last;
}

static bool
crowds(bool replace)
{
	for (int i = 0; i < ROUNDS; i++)
		if (!crowd(replace))
			return false;
	return unlinkat(folder, "crowd", 0) == 0 && faccessat(folder, "crowd.new", F_OK, 0) != 0;
}

int
main(void)
{
	char path[] = "/tmp/ehr-file-XXXXXX";
	struct buffer names;
	size_t count, cut;

	check(mkdtemp(path) != NULL);
	folder = open(path, O_RDONLY | O_DIRECTORY);
	check(file_replace_at(folder, "a", (struct bytes){ "one\n", 4 }, 0600) && holds("a", "one\n"));
	check(file_replace_at(folder, "a", (struct bytes){ "two\n", 4 }, 0644) && holds("a", "two\n"));
	struct stat kind;
	check(mkfifoat(folder, "pipe", 0600) == 0 &&
	      !file_replace_at(folder, "pipe", (struct bytes){ "two\n", 4 }, 0644) && errno == ENOTSUP);
	check(fstatat(folder, "pipe", &kind, 0) == 0 && S_ISFIFO(kind.st_mode) &&
	      unlinkat(folder, "pipe", 0) == 0);
	check(fails("a", true, 100, EPERM));
	check(fails("a", false, 3, EFBIG));
	check(!fails("a", false, 4, EFBIG));
	check(file_create_at(folder, "a", (struct bytes){ "three\n", 6 }, 0644) == false && errno == EEXIST);
	check(holds("a", "two\n"));
	check(file_create_at(folder, "b", (struct bytes){ "", 0 }, 0600) && holds("b", ""));
	check(file_append_at(folder, "b", (struct bytes){ "x\n", 2 }, 0600, &cut) && cut == 0);
	check(file_append_at(folder, "b", (struct bytes){ "y\n", 2 }, 0600, &cut) && cut == 0);
	check(holds("b", "x\ny\n"));
	check(heals("x\nhalf", 4, "x\nz\n") && heals("half", 4, "z\n") && heals("", 0, "z\n"));
	check(heals("\nh", 1, "\nz\n") && heals("x\n\n", 0, "x\n\nz\n"));
	check(heals_long(4095) && heals_long(4096) && heals_long(4097) && heals_long(10000));
	check(!file_append_at(folder, "sub/b", (struct bytes){ "x\n", 2 }, 0600, &cut) && errno == ENOENT);
	check(locks());
	check(crowds(true));
	check(crowds(false));
	check(!fails("b", true, 100, EPERM));
	check(fails("nowhere", false, 100, ENOENT));
	check(symlinkat("a", folder, "link") == 0 && fails("link", false, 100, ELOOP));
	check(mkdirat(folder, "sub", 0700) == 0 && fails("sub", false, 100, EISDIR));
	check(mkfifoat(folder, "fifo", 0600) == 0 && fails("fifo", false, 100, EINVAL));
	buffer_init(&names, 1000);
	check(file_list_at(folder, ".", &names, &count) && count == 5);
	check(names.used == 18 && memcmp(names.at, "a\0b\0fifo\0link\0sub", 18) == 0);
	buffer_release(&names);
	check(unlinkat(folder, "a", 0) == 0 && unlinkat(folder, "b", 0) == 0 &&
	      unlinkat(folder, "link", 0) == 0);
	check(unlinkat(folder, "fifo", 0) == 0 && unlinkat(folder, "sub", AT_REMOVEDIR) == 0 &&
	      rmdir(path) == 0);
	return tap_end();
}
