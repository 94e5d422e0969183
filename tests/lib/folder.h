/* SPDX-License-Identifier: ISC */
#ifndef EHR_TESTS_FOLDER_H
#define EHR_TESTS_FOLDER_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* folder: a folder in /tmp for the files of one test program.  What fails ends the program with 99. */
static char folder_name[] = "/tmp/ehr-test-XXXXXX";

enum { FOLDER_PATH = 256 };

static inline void
folder_make(void)
{
	if (mkdtemp(folder_name) == NULL)
		exit(99);
}

/* Writes the path of the file NAME to PATH, and returns it. */
static inline char *
folder_path(char path[FOLDER_PATH], const char *name)
{
	(void)snprintf(path, FOLDER_PATH, "%s/%s", folder_name, name);
	return path;
}

static inline void
folder_write(const char *name, const char *text)
{
	char path[FOLDER_PATH];
	FILE *file = fopen(folder_path(path, name), "we");

	if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0)
		exit(99);
}

static inline int
folder_remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

/* Removes the folder with all in it. */
static inline void
folder_remove(void)
{
	(void)nftw(folder_name, folder_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
