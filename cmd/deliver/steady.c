/* SPDX-License-Identifier: ISC */
#include "cmd/deliver/steady.h"

#include "common/base/clock.h"

#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
	SECOND = 1000,
	DRIFT = 1000, /* a clock may gain or lose this part of the time that passed, and a second */
};

int64_t
steady_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * SECOND + t.tv_nsec / 1000000;
}

/* A number for this start of the machine; 0: it is not known. */
static int64_t
boot(void)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	char text[64];
	ssize_t size = fd >= 0 ? read(fd, text, sizeof text) : 0;
	uint64_t sum = 0;

	if (fd >= 0)
		(void)close(fd);
	for (ssize_t i = 0; i < size; i++)
		sum = sum * 31 + (unsigned char)text[i];
	return (int64_t)(sum >> 1);
}

/* By how much the clock was put since it was last seen. */
static int64_t
step_of(struct spool *s, int64_t now, int64_t seen)
{
	int64_t passed = steady_now() - spool_meta(s, "steady", 0);
	bool same_boot = passed >= 0 && spool_meta(s, "boot", -1) == boot();
	int64_t step = now - seen - (same_boot ? passed : 0);

	if (!same_boot)
		return step < 0 ? step : 0;
	return llabs(step) > SECOND + passed / DRIFT ? step : 0;
}

/*
 * All times of the spool are moved, also those of what has ended: they are compared with each other and with
 * the time of day, as when the same is not told twice, or when the next route begins.  What operators did
 * keeps the time that the clock said.
 */
static void
move_times(struct spool *s, int64_t step)
{
	(void)spool_do(s,
	    "UPDATE intent SET accepted = accepted + ?1, dispatch_by = dispatch_by + ?1, expires = expires + "
	    "?1, due = due + ?1, resume = resume + ?1, first_sent = first_sent + ?1, last_sent = last_sent + "
	    "?1, ended = ended + ?1",
	    "i", step);
	(void)spool_do(s, "UPDATE attempt SET started = started + ?1, finished = finished + ?1", "i", step);
	(void)spool_do(s,
	    "UPDATE trouble SET opened = opened + ?1, acked = acked + ?1, closed = closed + ?1, due = due + "
	    "?1",
	    "i", step);
	(void)spool_do(s, "UPDATE mark SET seen = seen + ?", "i", step);
	(void)spool_do(s, "UPDATE event SET seen = seen + ?", "i", step);
	(void)spool_do(
	    s, "UPDATE subscription SET since = since + ?1, rate_since = rate_since + ?1", "i", step);
	(void)spool_do(s,
	    "UPDATE channel SET retry_at = retry_at + ?1, held = held + ?1, error_at = error_at + ?1", "i",
	    step);
}

int64_t
steady_time(struct spool *s, int64_t *put)
{
	struct instant time = clock_now();
	int64_t now = time.seconds * SECOND + time.nano / 1000000, seen = spool_meta(s, "clock", 0);
	int64_t step = seen != 0 ? step_of(s, now, seen) : 0;

	if (put != NULL)
		*put = step;
	if (step != 0)
		move_times(s, step);
	if (step != 0 || now < seen || now - seen >= SECOND) {
		spool_meta_set(s, "clock", now);
		spool_meta_set(s, "steady", steady_now());
		spool_meta_set(s, "boot", boot());
	}
	return now;
}
