/* SPDX-License-Identifier: ISC */
#ifndef EHR_BASE_CLOCK_H
#define EHR_BASE_CLOCK_H

#include "common/base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * clock: times.  An instant is nanoseconds since 1970-01-01T00:00:00Z, years 0001 to 9999 (outside
 * of 1678..2262 the nanoseconds do not fit: such an instant is kept in seconds, see struct instant).
 * A FHIR date may be partial: it is the interval that it covers, half-open.
 * The clock itself is read only for keys, logs and -v: no output of a filter depends on it.
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

/* RFC 3339 date-time with offset ("2026-03-02T09:00:00Z", "..+01:00", fractions); second 60 is taken as 59.
 */
bool clock_parse_instant(struct bytes text, struct instant *t);

/* FHIR date, dateTime or instant (R4 2.24.0.1): "2020", "2020-03", "2020-03-02", with time and offset. */
bool clock_parse_date(struct bytes text, struct period *p, enum date_precision *precision);

int instant_compare(struct instant a, struct instant b);
struct instant instant_add(struct instant t, int64_t seconds);

/* "2026-03-02T09:00:00Z", with fraction only if there is one; at most 31 bytes with NUL. */
void clock_format(struct instant t, char text[32]);

/* The proleptic Gregorian date of a day, counted from 1970-01-01. */
void clock_date(int64_t days, int *year, unsigned *month, unsigned *day);

/* "60s" "5m" "4h" "30d" -> seconds; false for anything else. */
bool clock_parse_duration(struct bytes text, int64_t *seconds);

/* Now, from the system: only for ehr-keys and logs. */
struct instant clock_now(void);

/* Seconds of a clock that never goes back, for -v. */
double clock_running(void);

#endif
