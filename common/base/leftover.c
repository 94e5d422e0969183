/* SPDX-License-Identifier: ISC */
#include "common/base/leftover.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define EDITOR "left behind by an editor: close the editor or remove the file"
#define MERGE "left behind by a patch or merge: compare, then remove it"
#define COPY "an older copy: remove it, or keep it in another folder"
#define DESKTOP "left behind by a desktop: remove it"
#define HISTORY "belongs to version control: keep these files in a folder below it"
#define PACKAGE "left behind by a package: compare, then remove it"

/* The first row that fits counts; "" fits all. */
static const struct {
	const char *begin, *end, *cure;
} rows[] = {
	{ "", "~", EDITOR },
	{ "#", "#", EDITOR },
	{ ".#", "", EDITOR },
	{ "", ".swp", EDITOR },
	{ "", ".swo", EDITOR },
	{ "", ".swn", EDITOR },
	{ "", ".swx", EDITOR },
	{ ".nfs", "", EDITOR },
	{ "", ".orig", MERGE },
	{ "", ".rej", MERGE },
	{ "", ".bak", COPY },
	{ "", ".old", COPY },
	{ "", ".save", COPY },
	{ "", ".tmp", COPY },
	{ "._", "", DESKTOP },
	{ ".DS_Store", "", DESKTOP },
	{ "Thumbs.db", "", DESKTOP },
	{ "desktop.ini", "", DESKTOP },
	{ ".directory", "", DESKTOP },
	{ ".git", "", HISTORY },
	{ ".svn", "", HISTORY },
	{ ".hg", "", HISTORY },
	{ "", ".rpmnew", PACKAGE },
	{ "", ".rpmsave", PACKAGE },
	{ "", ".rpmorig", PACKAGE },
	{ "", ".dpkg-old", PACKAGE },
	{ "", ".dpkg-new", PACKAGE },
	{ "", ".dpkg-dist", PACKAGE },
	{ "", ".dpkg-tmp", PACKAGE },
};

static bool
fits(const char *name, const char *begin, const char *end)
{
	size_t size = strlen(name), front = strlen(begin), back = strlen(end);

	return size >= front + back && size > 1 && memcmp(name, begin, front) == 0 &&
	       memcmp(name + size - back, end, back) == 0;
}

const char *
leftover_of(const char *name)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (fits(name, rows[i].begin, rows[i].end))
			return rows[i].cure;
	return NULL;
}
