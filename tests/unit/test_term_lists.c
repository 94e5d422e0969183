/* SPDX-License-Identifier: ISC */
#include "common/policy/terms.h"
#include "tests/lib/tap.h"

#include <glob.h>
#include <stdlib.h>

/*
 * The lists of terms that ship with the policies, over themselves: each row finds its term, in small letters
 * and among other words, and finds nothing in its near misses, of which it has at least one.
 */
enum { COLUMNS = 6 };

static struct terms terms;
static struct fold room;
static struct bytes rows[4096];
static int count;
static bool row_found;

static int
number(void *context, const struct terms_row *row)
{
	(void)context;
	if (count == (int)(sizeof rows / sizeof rows[0]))
		return TERMS_FAULT;
	rows[count] = row->term;
	return count++;
}

static void
note(void *context, const struct term *term)
{
	row_found = row_found || (int)term->group == *(const int *)context;
}

/* Whether row ROW finds something in the NUL-ended TEXT, which TERMS_SLACK bytes follow. */
static bool
finds(int row, const char *text)
{
	row_found = false;
	terms_find(&terms, bytes_of(text), &room, note, &row);
	if (row_found && !terms_may(&terms, bytes_of(text)))
		return false;
	return row_found;
}

static bool
is_caps(struct bytes mode)
{
	return bytes_are(mode, "caps");
}

static void
put(char text[512], const char *before, struct bytes term, const char *after)
{
	memset(text, 0, 512);
	(void)snprintf(text, 512 - TERMS_SLACK, "%s%.*s%s", before, (int)term.size, term.at, after);
}

static bool
row_holds(int row, const struct bytes field[COLUMNS])
{
	char text[512];
	struct bytes list = field[5];

	put(text, "Known: ", field[0], ", since 2020");
	if (!finds(row, text))
		return false;
	/* Some numbers count beside other words only. */
	put(text, bytes_are(field[3], "number") ? "no " : "", field[0], "");
	for (char *c = text; !is_caps(field[3]) && *c != '\0'; c++)
		*c = ascii_lower(*c);
	if (!finds(row, text) || list.size == 0)
		return false;
	while (list.size > 0) {
		const char *end = memmem(list.at, list.size, " ; ", 3);
		size_t size = end == NULL ? list.size : (size_t)(end - list.at);

		put(text, "", (struct bytes){ list.at, size }, "");
		if (size == 0 || finds(row, text))
			return false;
		list.at += size + (end == NULL ? 0 : 3);
		list.size -= size + (end == NULL ? 0 : 3);
	}
	return true;
}

static void
check_row(int row)
{
	struct bytes field[COLUMNS];
	const char *at = rows[row].at;

	for (int i = 0; i < COLUMNS; i++) {
		size_t size = strcspn(at, "\t\r\n");

		field[i] = (struct bytes){ at, size };
		at += size + 1;
	}
	if (!row_holds(row, field))
		printf("# %.*s\n", (int)field[0].size, field[0].at);
	check(row_holds(row, field));
}

static void
check_list(const char *path)
{
	char *text = calloc(1, 1 << 20);
	FILE *file = fopen(path, "rb");
	struct fault fault = { 0 };

	if (text == NULL || file == NULL)
		exit(99);
	struct policy_file list = {
		.name = bytes_of(path), .shown = path, .text = { text, fread(text, 1, (1 << 20) - 1, file) }
	};

	(void)fclose(file);
	count = 0;
	terms_release(&terms);
	check(terms_read(&terms, &list, &fault, number, NULL));
	if (fault.line > 0)
		printf("# %s:%u:%u: %s\n", path, fault.line, fault.column, fault.text);
	for (int row = 0; row < count; row++)
		check_row(row);
	free(text);
}

int
main(void)
{
	glob_t lists;

	check(glob("policies/*/valuesets/*-words.tsv", 0, NULL, &lists) == 0 && lists.gl_pathc >= 9);
	fold_init(&room);
	for (size_t i = 0; i < lists.gl_pathc; i++)
		check_list(lists.gl_pathv[i]);
	fold_release(&room);
	terms_release(&terms);
	globfree(&lists);
	return tap_end();
}
