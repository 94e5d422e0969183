/* SPDX-License-Identifier: ISC */
#include "common/base/clock.h"
#include "tests/lib/tap.h"

#include <stdlib.h>

static bool
instant_is(const char *text, int64_t seconds, int32_t nano)
{
	struct instant t;

	return clock_parse_instant(bytes_of(text), &t) && t.seconds == seconds && t.nano == nano;
}

static bool
refused(const char *text)
{
	struct instant t;

	return !clock_parse_instant(bytes_of(text), &t);
}

static bool
formats(const char *text)
{
	struct instant t;
	char out[32];

	if (!clock_parse_instant(bytes_of(text), &t))
		return false;
	clock_format(t, out);
	return bytes_are(bytes_of(text), out);
}

/* TEXT covers FROM up to and without UNTIL. */
static bool
covers(const char *text, enum date_precision precision, const char *from, const char *until)
{
	struct period p;
	struct instant a;
	struct instant b;
	enum date_precision got;

	return clock_parse_date(bytes_of(text), &p, &got) && got == precision &&
	       clock_parse_instant(bytes_of(from), &a) && clock_parse_instant(bytes_of(until), &b) &&
	       instant_compare(p.from, a) == 0 && instant_compare(p.until, b) == 0;
}

static bool
no_date(const char *text)
{
	struct period p;
	enum date_precision precision;

	return !clock_parse_date(bytes_of(text), &p, &precision);
}

/* The day of a date, counted from 1970-01-01. */
static int64_t
days_of(int year, unsigned month, unsigned day)
{
	char text[32];
	struct period p;
	enum date_precision precision;

	(void)snprintf(text, sizeof text, "%04d-%02u-%02u", year, month, day);
	return clock_parse_date(bytes_of(text), &p, &precision) ? p.from.seconds / 86400 : INT64_MAX;
}

static void
check_calendar(void)
{
	bool same = true;
	int64_t before = days_of(1, 1, 1) - 1;

	/* Every day of the years 1 to 9999, there and back, none missing. */
	for (int64_t day = before + 1; day <= days_of(9999, 12, 31); day++) {
		int year;
		unsigned month;
		unsigned of_month;

		clock_date(day, &year, &month, &of_month);
		same = same && days_of(year, month, of_month) == day;
	}
	check(same);
	check(days_of(1970, 1, 1) == 0);
	check(days_of(2000, 3, 1) == 11017);
	check(days_of(1, 1, 1) == -719162);
}

static void
check_durations(void)
{
	int64_t s;

	check(clock_parse_duration(bytes_of("60s"), &s) && s == 60);
	check(clock_parse_duration(bytes_of("4h"), &s) && s == 14400);
	check(clock_parse_duration(bytes_of("30d"), &s) && s == 2592000);
	check(!clock_parse_duration(bytes_of("5"), &s));
	check(!clock_parse_duration(bytes_of("m"), &s));
	check(!clock_parse_duration(bytes_of("5 m"), &s));
	check(clock_parse_duration(bytes_of("36525d"), &s) && s == INT64_C(3155760000));
	check(!clock_parse_duration(bytes_of("36526d"), &s));
	check(!clock_parse_duration(bytes_of("3155760001s"), &s));
	check(!clock_parse_duration(bytes_of("99999999999999d"), &s));
	check(!clock_parse_duration(bytes_of("99999999999999999999d"), &s));
}

static const char *zone;

/* Whether the hours FROM to UNTIL in which NOW lies end at END. */
static bool
hours_end(int from, int until, const char *now, const char *end)
{
	struct instant at, expected = { 0 };

	if (!clock_parse_instant(bytes_of(now), &at) ||
	    (end != NULL && !clock_parse_instant(bytes_of(end), &expected)))
		return false;
	return clock_hours_end(from, until, zone, at.seconds) == expected.seconds;
}

static void
check_hours(void)
{
	enum { TEN = 22 * 60, SIX = 6 * 60, HALF = 30 };

	(void)setenv("TZ", "UTC", 1);
	check(hours_end(TEN, SIX, "2026-11-30T22:00:00Z", "2026-12-01T06:00:00Z"));
	check(hours_end(TEN, SIX, "2026-12-31T23:59:59Z", "2027-01-01T06:00:00Z"));
	check(hours_end(TEN, SIX, "2026-11-30T05:59:59Z", "2026-11-30T06:00:00Z"));
	check(hours_end(TEN, SIX, "2026-11-30T06:00:00Z", NULL));
	check(hours_end(TEN, SIX, "2026-11-30T21:59:59Z", NULL));
	check(hours_end(SIX, TEN, "2026-11-30T06:00:00Z", "2026-11-30T22:00:00Z"));
	check(hours_end(SIX, TEN, "2026-11-30T22:00:00Z", NULL));
	check(hours_end(SIX, TEN, "2026-11-30T05:59:00Z", NULL));
	check(hours_end(0, HALF, "2026-11-30T00:00:00Z", "2026-11-30T00:30:00Z"));
	check(hours_end(TEN, 0, "2026-11-30T23:00:00Z", "2026-12-01T00:00:00Z"));
	/* Both nights in which the clock changes: the hours end by the clock on the wall. */
	(void)setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	check(hours_end(TEN, SIX, "2026-11-30T21:00:00Z", "2026-12-01T05:00:00Z"));
	check(hours_end(TEN, SIX, "2026-11-30T20:59:59Z", NULL));
	check(hours_end(TEN, SIX, "2027-03-27T23:00:00Z", "2027-03-28T04:00:00Z"));
	check(hours_end(TEN, SIX, "2026-10-24T21:00:00Z", "2026-10-25T05:00:00Z"));
	/* 02:30 is not there in the one night, and comes twice in the other: never a time that has passed. */
	check(clock_hours_end(TEN, 150, NULL, 1806181200) > 1806181200);
	for (int64_t now = 1792882800; now < 1792882800 + 86400; now += 60) {
		int64_t end = clock_hours_end(TEN, 150, NULL, now);

		if (end != 0 && (end <= now || end > now + 6 * 3600))
			check(false);
	}
	/* The zone of a subscription, by the system's files, in both nights again; the machine's stays. */
	(void)setenv("TZ", "XXX-11", 1);
	if (clock_has_zone(bytes_of("Europe/Berlin"))) {
		zone = "Europe/Berlin";
		check(hours_end(TEN, SIX, "2026-11-30T21:00:00Z", "2026-12-01T05:00:00Z"));
		check(hours_end(TEN, SIX, "2026-11-30T20:59:59Z", NULL));
		check(hours_end(TEN, SIX, "2027-03-27T23:00:00Z", "2027-03-28T04:00:00Z"));
		check(hours_end(TEN, SIX, "2026-10-24T21:00:00Z", "2026-10-25T05:00:00Z"));
	}
	check(strcmp(getenv("TZ"), "XXX-11") == 0);
	(void)unsetenv("TZ");
	zone = "Europe/Berln";
	check(hours_end(TEN, SIX, "2026-11-30T23:00:00Z", NULL) && getenv("TZ") == NULL);
	zone = NULL;
	check(!clock_has_zone(bytes_of("")) && !clock_has_zone(bytes_of("Europe")) &&
	      !clock_has_zone(bytes_of("../zoneinfo/UTC")) && !clock_has_zone(bytes_of("/etc/localtime")) &&
	      !clock_has_zone(bytes_of("zone.tab")) && !clock_has_zone(bytes_of(":UTC")));
}

int
main(void)
{
	check(instant_is("1970-01-01T00:00:00Z", 0, 0));
	check(instant_is("2026-03-02T10:00:00+01:00", 1772442000, 0));
	check(instant_is("2026-03-02T09:00:00.120Z", 1772442000, 120000000));
	check(instant_is("1969-12-31T23:59:59Z", -1, 0));
	check(instant_is("2016-12-31T23:59:60Z", 1483228799, 0));
	check(refused("2026-02-29T00:00:00Z"));
	check(refused("2026-03-02T09:00:00"));
	check(refused("2026-03-02T24:00:00Z"));
	check(refused("2026-03-02T09:00:00.Z"));
	check(refused("2026-03-02T09:00:00Z "));
	check(refused("0000-03-02T09:00:00Z"));
	check(formats("2026-03-02T09:00:00Z"));
	check(formats("2026-03-02T09:00:00.12Z"));
	check(formats("0001-01-01T00:00:00Z"));
	check(formats("9999-12-31T23:59:59.999999999Z"));
	check(covers("2020", DATE_YEAR, "2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z"));
	check(covers("2020-12", DATE_MONTH, "2020-12-01T00:00:00Z", "2021-01-01T00:00:00Z"));
	check(covers("2020-02-29", DATE_DAY, "2020-02-29T00:00:00Z", "2020-03-01T00:00:00Z"));
	check(covers("2020-02-29T10:00:00Z", DATE_TIME, "2020-02-29T10:00:00Z", "2020-02-29T10:00:01Z"));
	check(
	    covers("2020-02-29T10:00:00.5Z", DATE_TIME, "2020-02-29T10:00:00.5Z", "2020-02-29T10:00:00.6Z"));
	check(no_date("2020-13"));
	check(no_date("2020-02-30"));
	check(no_date("20200229"));
	check(no_date("2020-02-29T10:00:00"));
	check(no_date(""));
	check_calendar();
	check_durations();
	check_hours();
	return tap_end();
}
