/* SPDX-License-Identifier: ISC */
#include "cmd/policy/print.h"

#include "tests/lib/tap.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char got[4096];
static struct sink out;
static int fd;

static void
begin(void)
{
	fd = memfd_create("out", 0);
	sink_init_take(&out, dup(fd), "out");
}

static bool
is(const char *want)
{
	bool good = sink_close(&out);
	ssize_t size = pread(fd, got, sizeof(got) - 1, 0);

	got[size > 0 ? size : 0] = '\0';
	(void)close(fd);
	if (strcmp(got, want) != 0)
		printf("# got %s\n", got);
	return good && strcmp(got, want) == 0;
}

static bool
cell(const char *text, size_t width, const char *want)
{
	begin();
	print_cell(&out, bytes_of(text), width);
	return is(want);
}

int
main(void)
{
	check(print_width(bytes_of("")) == 0 && print_width(bytes_of("abc")) == 3);
	check(print_width(bytes_of("\xc3\xa9\xe2\x82\xac")) == 2);     /* two letters */
	check(print_width(bytes_of("\xe4\xb8\xad\xe6\x96\x87")) == 4); /* two Chinese characters */
	check(print_width(bytes_of("e\xcc\x81")) == 1);                /* an accent of its own */
	check(print_width(bytes_of("\xf0\x9f\x98\x80")) == 2);         /* a face */
	check(cell("abc", 5, "abc  ") && cell("abc", 3, "abc") && cell("", 2, "  "));
	check(cell("abcd", 3, "ab\xe2\x80\xa6") && cell("abcd", 1, "\xe2\x80\xa6") && cell("abcd", 0, ""));
	check(cell("\xe4\xb8\xad\xe6\x96\x87", 3, "\xe4\xb8\xad\xe2\x80\xa6"));
	check(cell("\xe4\xb8\xad\xe6\x96\x87", 2, "\xe2\x80\xa6 "));
	/* escape, bell, next line, right-to-left override, zero width, byte order mark, half a character */
	check(cell("\x1b[2J\a", 8, "?[2J?   ") && cell("a\xc2\x85\xe2\x80\xae", 3, "a??"));
	check(cell("\xe2\x80\x8b\xef\xbb\xbf\xe2\x80", 4, "????"));
	begin();
	print_bar(&out, 2);
	print_blanks(&out, 2);
	print(&out, "%s %d", "x", 3);
	check(is("\xe2\x96\x88\xe2\x96\x88  x 3"));
	return tap_end();
}
