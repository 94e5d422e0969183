/* SPDX-License-Identifier: ISC */
#ifndef EHR_BASE_CLOCK_H
#define EHR_BASE_CLOCK_H

#include "common/base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * clock: instants from the year 0001 to 9999, dates and durations.  A FHIR date may be partial ("2020-03"):
 * it is read as the half-open period that it covers.  The system's clock is read only for keys, logs and -v,
 * so the output of a filter never depends on it.
 */
struct instant {
	int64_t seconds; /* since 1970, UTC, no leap seconds */
	int32_t nano;    /* 0..999999999 */
};

struct period {
	struct instant from;  /* included */
	struct instant until; /* not included */
};

enum date_precision { DATE_YEAR, DATE_MONTH, DATE_DAY, DATE_TIME };

/*
 * RFC 3339 date-time with an offset: "2026-03-02T09:00:00Z", "2026-03-02T10:00:00.5+01:00".  Second 60 is
 * read as 59, because the count of seconds has no leap seconds.
 */
bool clock_parse_instant(struct bytes text, struct instant *t);

/*
 * FHIR date, dateTime or instant (R4 2.24.0.1): "2020", "2020-03", "2020-03-02", "2020-03-02T09:00:00Z".  The
 * period of a time is as long as its last digit is worth, at most a second.
 */
bool clock_parse_date(struct bytes text, struct period *p, enum date_precision *precision);

int instant_compare(struct instant a, struct instant b);
struct instant instant_add(struct instant t, int64_t seconds);

/* "2026-03-02T09:00:00Z", with a fraction only if it is not 0; at most 31 bytes with NUL. */
void clock_format(struct instant t, char text[32]);

/* The proleptic Gregorian date of a day, counted from 1970-01-01. */
void clock_date(int64_t days, int *year, unsigned *month, unsigned *day);

/* And back: the day of a date that the calendar has. */
int64_t clock_days(int year, unsigned month, unsigned day);

/*
 * "60s", "5m", "4h", "30d" -> seconds; false for anything else, and for more than 36,525 days, so that sums
 * with times and their milliseconds do not overflow.
 */
bool clock_parse_duration(struct bytes text, int64_t *seconds);

/* The system's time, for ehr-keys and logs alone. */
struct instant clock_now(void);

/*
 * Hours that come back each day by the clock of ZONE, such as "Europe/Berlin" (NULL: of the machine): from
 * the minute FROM of the day to the minute UNTIL, which may be one of the next day.  The end of those in
 * which NOW lies, in seconds since 1970; 0: in none, or the machine does not have the zone.
 */
int64_t clock_hours_end(int from, int until, const char *zone, int64_t now);

/* True if the machine has a file for the zone of this name (tzset(3)). */
bool clock_has_zone(struct bytes name);

/* Seconds of a clock that never goes back; for the summary of -v. */
double clock_running(void);

#endif
