/* SPDX-License-Identifier: ISC */
/*
 * measure: runs a command and prints what it took, on one line of standard error's place, file descriptor 3:
 *
 *	wall-milliseconds cpu-milliseconds peak-kilobytes exit-status
 *
 * The peak is that of the largest single process, as the kernel accounts it.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double
milliseconds(struct timeval t)
{
	return (double)t.tv_sec * 1e3 + (double)t.tv_usec / 1e3;
}

int
main(int argc, char *argv[])
{
	struct timespec before;
	struct timespec after;
	struct rusage used;
	int status;

	if (argc < 2)
		return 2;
	(void)clock_gettime(CLOCK_MONOTONIC, &before);
	pid_t child = fork();
	if (child == 0) {
		(void)close(3);
		(void)execvp(argv[1], argv + 1);
		_exit(127);
	}
	if (child < 0 || wait4(child, &status, 0, &used) != child)
		return 4;
	(void)clock_gettime(CLOCK_MONOTONIC, &after);
	(void)dprintf(3, "%.3f %.3f %ld %d\n",
	    (double)(after.tv_sec - before.tv_sec) * 1e3 + (double)(after.tv_nsec - before.tv_nsec) / 1e6,
	    milliseconds(used.ru_utime) + milliseconds(used.ru_stime), used.ru_maxrss,
	    WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	return 0;
}
