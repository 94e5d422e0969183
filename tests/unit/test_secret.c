/* SPDX-License-Identifier: ISC */
#include "common/crypto/secret.h"
#include "tests/lib/tap.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* True if the system holds memory of this process locked. */
static bool
has_locked(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	unsigned long size = 0;

	while (f != NULL && fgets(line, sizeof line, f) != NULL)
		if (sscanf(line, "VmLck: %lu", &size) == 1)
			break;
	if (f != NULL)
		(void)fclose(f);
	return size > 0;
}

/* A lock does not pass to a process that is forked, and its secrets are locked all the same. */
static bool
child_locks_as_parent(bool parent)
{
	pid_t child = fork();
	int status = -1;

	if (child == 0) {
		void *secret = secret_new(32);
		bool same = has_locked() == parent;

		secret_free(secret, 32);
		secret = secret_new(64);
		same = same && has_locked() == parent;
		secret_free(secret, 64);
		_exit(same ? 0 : 1);
	}
	return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

int
main(void)
{
	static const unsigned char zeros[32];
	unsigned char *secret = secret_new(32);
	bool locked = has_locked();

	check(memcmp(secret, zeros, 32) == 0);
	/* A checker of memory may take the lock away. */
	check(secret_is_locked() || !locked);
	check(child_locks_as_parent(locked));
	secret_free(secret, 32);
	secret_free(NULL, 0);
	check(secret_equal(bytes_of("key"), bytes_of("key")));
	check(!secret_equal(bytes_of("key"), bytes_of("kez")));
	return tap_end();
}
