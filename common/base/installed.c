/* SPDX-License-Identifier: ISC */
#include "common/base/installed.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

size_t
installed_folder(char path[INSTALLED_PATH])
{
	ssize_t size = readlink("/proc/self/exe", path, INSTALLED_PATH - 1);
	char *slash;

	if (size <= 0)
		return 0;
	path[size] = '\0';
	slash = strrchr(path, '/');
	return slash == NULL ? 0 : (size_t)(slash + 1 - path);
}

bool
installed_find(const char *name, char path[INSTALLED_PATH])
{
	static const char *const folders[] = { "../share/ehr/", "../../../share/", "../../../" };
	char own[INSTALLED_PATH];
	size_t size = installed_folder(own);

	for (size_t i = 0; size > 0 && i < sizeof folders / sizeof folders[0]; i++)
		if ((size_t)snprintf(path, INSTALLED_PATH, "%.*s%s%s", (int)size, own, folders[i], name) <
			INSTALLED_PATH &&
		    access(path, R_OK) == 0)
			return true;
	return false;
}
