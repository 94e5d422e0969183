/* SPDX-License-Identifier: ISC */
#include "common/access/facts.h"
#include "tests/lib/tap.h"

static struct interval
between(int64_t from, int64_t until)
{
	struct interval i = { .from = { .seconds = from }, .until = { .seconds = until } };

	i.has_from = from != 0;
	i.has_until = until != 0;
	return i;
}

static int64_t
next(const struct moments *m, int64_t t)
{
	struct instant next = { 0 };
	bool found = false;

	moments_next(m, (struct instant){ .seconds = t }, &next, &found);
	return found ? next.seconds : -1;
}

static void
check_intervals(void)
{
	const struct interval whole = between(10, 20), open = between(10, 0), ends = between(0, 20),
			      none = between(0, 0);
	const struct instant at9 = { .seconds = 9, .nano = 999999999 }, at10 = { .seconds = 10 },
			     at19 = { .seconds = 19, .nano = 999999999 }, at20 = { .seconds = 20 };

	check(!interval_holds(&whole, at9) && interval_holds(&whole, at10));
	check(interval_holds(&whole, at19) && !interval_holds(&whole, at20));
	check(!interval_holds(&open, at9) && interval_holds(&open, at20));
	check(interval_holds(&ends, at9) && !interval_holds(&ends, at20));
	check(interval_holds(&none, at9) && !interval_dated(&none));
	check(interval_dated(&whole) && interval_dated(&open) && interval_dated(&ends));
}

static void
check_next(void)
{
	struct moments m = { 0 };
	struct instant sooner = { .seconds = 15 };
	bool found = true;

	check(next(&m, 0) == -1);
	for (int64_t i = 100; i > 0; i--) {
		struct interval one = between(i * 10, i * 10 + 5);

		moments_add(&m, &one);
	}
	moments_sort(&m);
	check(next(&m, 0) == 10 && next(&m, 10) == 15 && next(&m, 14) == 15 && next(&m, 15) == 20);
	check(next(&m, 1004) == 1005 && next(&m, 1005) == -1);
	moments_next(&m, (struct instant){ .seconds = 15 }, &sooner, &found);
	check(sooner.seconds == 15);
	sooner.seconds = 30;
	moments_next(&m, (struct instant){ .seconds = 15 }, &sooner, &found);
	check(sooner.seconds == 20);
	moments_release(&m);
	moments_release(&m);
}

int
main(void)
{
	check_intervals();
	check_next();
	return tap_end();
}
