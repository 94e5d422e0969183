/* SPDX-License-Identifier: ISC */
#include "common/base/installed.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

/* Where /proc is not mounted: the path that was executed, without links.  realpath() takes a PATH so long. */
static ssize_t
executed(char path[INSTALLED_PATH])
{
	const char *name = (const char *)(uintptr_t)getauxval(AT_EXECFN);

	return name != NULL && realpath(name, path) != NULL ? (ssize_t)strlen(path) : 0;
}

size_t
installed_folder(char path[INSTALLED_PATH])
{
	ssize_t size = readlink("/proc/self/exe", path, INSTALLED_PATH - 1);
	char *slash;

	if (size <= 0)
		size = executed(path);
	if (size <= 0)
		return 0;
	path[size] = '\0';
	slash = strrchr(path, '/');
	return slash == NULL ? 0 : (size_t)(slash + 1 - path);
}

/* The size of the first SIZE bytes of PATH, a folder, without the last UP parts.  The path has no links. */
static size_t
above(const char *path, size_t size, unsigned up)
{
	while (up-- > 0 && size > 1)
		for (size--; path[size - 1] != '/';)
			size--;
	return size;
}

bool
installed_find(const char *name, char path[INSTALLED_PATH])
{
	static const struct {
		unsigned up;
		const char *folder;
	} places[] = { { 1, "share/ehr/" }, { 3, "share/" }, { 3, "" } };
	char own[INSTALLED_PATH];
	size_t size = installed_folder(own);

	for (size_t i = 0; size > 0 && i < sizeof places / sizeof places[0]; i++)
		if ((size_t)snprintf(path, INSTALLED_PATH, "%.*s%s%s", (int)above(own, size, places[i].up),
			own, places[i].folder, name) < INSTALLED_PATH &&
		    access(path, R_OK) == 0)
			return true;
	return false;
}
