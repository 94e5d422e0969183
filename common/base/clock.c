/* SPDX-License-Identifier: ISC */
#include "common/base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DAY_SECONDS 86400
#define ZONE_MOST 64
#define DURATION_MOST ((int64_t)36525 * DAY_SECONDS)

/* Counts in eras of 400 years whose years begin on 1 March, so that a leap day is the last of its year. */
int64_t
clock_days(int year, unsigned month, unsigned day)
{
	int64_t y = (int64_t)year - (month <= 2);
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + (int64_t)day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * 146097 + day_of_era - 719468;
}

void
clock_date(int64_t days, int *year, unsigned *month, unsigned *day)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t day_of_era = z - era * 146097;
	int64_t year_of_era =
	    (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t shifted = (5 * day_of_year + 2) / 153;

	*day = (unsigned)(day_of_year - (153 * shifted + 2) / 5 + 1);
	*month = (unsigned)(shifted < 10 ? shifted + 3 : shifted - 9);
	*year = (int)(year_of_era + era * 400 + (*month <= 2));
}

static bool
digits(struct bytes *text, size_t count, int *value)
{
	if (text->size < count)
		return false;
	*value = 0;
	for (size_t i = 0; i < count; i++) {
		unsigned d = (unsigned char)text->at[i] - (unsigned)'0';

		if (d > 9)
			return false;
		*value = *value * 10 + (int)d;
	}
	text->at += count;
	text->size -= count;
	return true;
}

static bool
one_of(struct bytes *text, char c)
{
	if (text->size == 0 || text->at[0] != c)
		return false;
	text->at++;
	text->size--;
	return true;
}

static unsigned
month_days(int year, unsigned month)
{
	static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

struct civil {
	int year, month, day;
};

static bool
parse_day(struct bytes *text, struct civil *c, enum date_precision *precision)
{
	*c = (struct civil){ .month = 1, .day = 1 };
	*precision = DATE_YEAR;
	if (!digits(text, 4, &c->year) || c->year == 0)
		return false;
	if (!one_of(text, '-'))
		return true;
	*precision = DATE_MONTH;
	if (!digits(text, 2, &c->month) || c->month < 1 || c->month > 12)
		return false;
	if (!one_of(text, '-'))
		return true;
	*precision = DATE_DAY;
	return digits(text, 2, &c->day) && c->day >= 1 &&
	       (unsigned)c->day <= month_days(c->year, (unsigned)c->month);
}

/* ".123" -> nanoseconds.  Digits after the ninth are ignored.  *STEP is what the last digit is worth. */
static bool
parse_fraction(struct bytes *text, int32_t *nano, int32_t *step)
{
	int32_t worth = 1000000000;
	size_t count = 0;

	*nano = 0;
	*step = worth;
	if (!one_of(text, '.'))
		return true;
	for (; text->size > 0 && text->at[0] >= '0' && text->at[0] <= '9';
	     text->at++, text->size--, count++) {
		worth /= 10;
		*nano += (text->at[0] - '0') * worth;
		if (worth > 0)
			*step = worth;
	}
	return count > 0;
}

/* "Z", "+01:00" -> seconds east of Greenwich. */
static bool
parse_offset(struct bytes *text, int *east)
{
	int hours;
	int minutes;
	bool west;

	*east = 0;
	if (one_of(text, 'Z') || one_of(text, 'z'))
		return true;
	west = one_of(text, '-');
	if (!west && !one_of(text, '+'))
		return false;
	if (!digits(text, 2, &hours) || !one_of(text, ':') || !digits(text, 2, &minutes) || hours > 23 ||
	    minutes > 59)
		return false;
	*east = (hours * 60 + minutes) * (west ? -60 : 60);
	return true;
}

static bool
parse_time(struct bytes *text, const struct civil *c, struct instant *t, int32_t *step)
{
	int hour;
	int minute;
	int second;
	int east;

	if (!digits(text, 2, &hour) || !one_of(text, ':') || !digits(text, 2, &minute) ||
	    !one_of(text, ':') || !digits(text, 2, &second) || hour > 23 || minute > 59 || second > 60)
		return false;
	if (second == 60)
		second = 59;
	if (!parse_fraction(text, &t->nano, step) || !parse_offset(text, &east) || text->size > 0)
		return false;
	t->seconds = clock_days(c->year, (unsigned)c->month, (unsigned)c->day) * DAY_SECONDS +
		     ((int64_t)hour * 60 + minute) * 60 + second - east;
	return true;
}

bool
clock_parse_instant(struct bytes text, struct instant *t)
{
	struct civil c;
	enum date_precision precision;
	int32_t step;

	return parse_day(&text, &c, &precision) && precision == DATE_DAY &&
	       (one_of(&text, 'T') || one_of(&text, 't')) && parse_time(&text, &c, t, &step);
}

static struct instant
midnight(int year, int month, int day)
{
	return (struct instant){ clock_days(year, (unsigned)month, (unsigned)day) * DAY_SECONDS, 0 };
}

bool
clock_parse_date(struct bytes text, struct period *p, enum date_precision *precision)
{
	struct civil c;

	if (!parse_day(&text, &c, precision))
		return false;
	p->from = midnight(c.year, c.month, c.day);
	if (*precision == DATE_DAY && one_of(&text, 'T')) {
		int32_t step;

		*precision = DATE_TIME;
		if (!parse_time(&text, &c, &p->from, &step))
			return false;
		p->until = p->from;
		p->until.nano += step;
		if (p->until.nano >= 1000000000) {
			p->until.nano -= 1000000000;
			p->until.seconds++;
		}
		return true;
	}
	if (*precision == DATE_YEAR)
		p->until = midnight(c.year + 1, 1, 1);
	else if (*precision == DATE_MONTH)
		p->until = c.month == 12 ? midnight(c.year + 1, 1, 1) : midnight(c.year, c.month + 1, 1);
	else
		p->until = instant_add(p->from, DAY_SECONDS);
	return text.size == 0;
}

int
instant_compare(struct instant a, struct instant b)
{
	if (a.seconds != b.seconds)
		return a.seconds < b.seconds ? -1 : 1;
	return (a.nano > b.nano) - (a.nano < b.nano);
}

struct instant
instant_add(struct instant t, int64_t seconds)
{
	t.seconds += seconds;
	return t;
}

/* NUMBER below 100 as two digits; the place after them. */
static char *
put_two(char *at, unsigned number)
{
	at[0] = (char)('0' + number / 10);
	at[1] = (char)('0' + number % 10);
	return at + 2;
}

/* Without the Z; the place after it.  A year that four digits cannot hold is left to printf. */
static char *
put_seconds(char *at, int year, unsigned month, unsigned day, unsigned second)
{
	const unsigned parts[] = { month, day, second / 3600, second / 60 % 60, second % 60 };

	if (year < 0 || year > 9999) {
		int size = snprintf(at, 21, "%04d-%02u-%02uT%02u:%02u:%02u", year, parts[0], parts[1],
		    parts[2], parts[3], parts[4]);

		return size < 0 || size > 20 ? at : at + size;
	}
	at = put_two(put_two(at, (unsigned)year / 100), (unsigned)year % 100);
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		*at = "--T::"[i];
		at = put_two(at + 1, parts[i]);
	}
	return at;
}

void
clock_format(struct instant t, char text[32])
{
	int year;
	unsigned month;
	unsigned day;
	int64_t days = t.seconds / DAY_SECONDS - (t.seconds % DAY_SECONDS < 0);
	unsigned second = (unsigned)(t.seconds - days * DAY_SECONDS);

	clock_date(days, &year, &month, &day);
	char *end = put_seconds(text, year, month, day, second);

	if (t.nano != 0) {
		end += snprintf(end, 12, ".%09d", (int)(t.nano % 1000000000));
		while (end[-1] == '0')
			end--;
	}
	*end++ = 'Z';
	*end = '\0';
}

bool
clock_parse_duration(struct bytes text, int64_t *seconds)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', DAY_SECONDS } };
	int64_t value = 0;
	size_t i = 0;

	for (; i < text.size && text.at[i] >= '0' && text.at[i] <= '9'; i++) {
		value = value * 10 + (text.at[i] - '0');
		if (value > DURATION_MOST)
			return false;
	}
	if (i == 0 || i + 1 != text.size)
		return false;
	for (size_t u = 0; u < sizeof units / sizeof units[0]; u++)
		if (units[u].unit == text.at[i]) {
			*seconds = value * units[u].seconds;
			return *seconds <= DURATION_MOST;
		}
	return false;
}

struct instant
clock_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (struct instant){ now.tv_sec, (int32_t)now.tv_nsec };
}

/* The C library takes a name without a file for UTC, and a path for a file anywhere. */
bool
clock_has_zone(struct bytes name)
{
	char path[32 + ZONE_MOST], magic[4];
	FILE *file;
	bool found;

	for (size_t i = 0; i < name.size; i++)
		if (!ascii_continues_name(name.at[i]) &&
		    (i == 0 || (name.at[i] != '+' && name.at[i] != '-' && name.at[i] != '/')))
			return false;
	if (name.size == 0 || name.size > ZONE_MOST)
		return false;
	(void)snprintf(path, sizeof path, "/usr/share/zoneinfo/%.*s", (int)name.size, name.at);
	file = fopen(path, "re");
	if (file == NULL)
		return false;
	found = fread(magic, sizeof magic, 1, file) == 1 && memcmp(magic, "TZif", sizeof magic) == 0;
	(void)fclose(file);
	return found;
}

/* By the zone that TZ names. */
static int64_t
hours_end(int from, int until, int64_t now)
{
	time_t at = (time_t)now, end;
	struct tm tm;
	int minute;

	tzset();
	if (localtime_r(&at, &tm) == NULL)
		return 0;
	minute = tm.tm_hour * 60 + tm.tm_min;
	if (from < until ? minute < from || minute >= until : minute < from && minute >= until)
		return 0;
	tm.tm_mday += minute >= until;
	tm.tm_hour = until / 60;
	tm.tm_min = until % 60;
	tm.tm_sec = 0;
	tm.tm_isdst = -1;
	end = mktime(&tm);
	return end > at ? (int64_t)end : 0;
}

int64_t
clock_hours_end(int from, int until, const char *zone, int64_t now)
{
	const char *given = secure_getenv("TZ"); /* put back behind it */
	char own[256] = "";
	int64_t end;

	if (zone == NULL)
		return hours_end(from, until, now);
	if (!clock_has_zone(bytes_of(zone)) ||
	    (given != NULL && snprintf(own, sizeof own, "%s", given) >= (int)sizeof own) ||
	    setenv("TZ", zone, 1) != 0)
		return 0;
	end = hours_end(from, until, now);
	(void)(given != NULL ? setenv("TZ", own, 1) : unsetenv("TZ"));
	return end;
}

double
clock_running(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}
