/* SPDX-License-Identifier: ISC */
#include "common/redact/shift.h"

#include "common/json/json_write.h"
#include "common/redact/token.h"

#include <stdio.h>

/* False if the record lacks a value of the scope. */
static bool
find_offset(const struct operation *o, const struct operation_value *v, int64_t *days)
{
	unsigned char digest[DIGEST_SIZE];
	uint64_t number = 0;

	if (!token_digest(o, v, "date_shift", (struct bytes){ NULL, 0 }, digest))
		return false;
	for (size_t i = 0; i < 8; i++)
		number = number << 8 | digest[i];
	*days = (int64_t)(number % (2 * o->days)) - (int64_t)o->days;
	*days += *days >= 0;
	return true;
}

static int
number_in(struct bytes text, size_t from, size_t size)
{
	int number = 0;

	for (size_t i = from; i < from + size; i++)
		number = number * 10 + (text.at[i] - '0');
	return number;
}

/*
 * The days since 1970 of DATE, of that PRECISION.  A partial one is taken in its middle; but the start of a
 * Period is taken as early and its end as late as it can be, so that the end stays behind the start.
 */
static int64_t
find_day(const struct operation_value *v, struct bytes date, enum date_precision precision,
    const struct period *period)
{
	int year = number_in(date, 0, 4);
	bool is_end = json_member(v->json, v->around, (struct bytes)BYTES("end")) == v->node;
	bool is_start = json_member(v->json, v->around, (struct bytes)BYTES("start")) == v->node;

	if (precision >= DATE_DAY)
		return clock_days(year, (unsigned)number_in(date, 5, 2), (unsigned)number_in(date, 8, 2));
	if (is_start)
		return period->from.seconds / 86400 - (period->from.seconds % 86400 < 0);
	if (is_end)
		return period->until.seconds / 86400 - (period->until.seconds % 86400 < 0) - 1;
	return precision == DATE_MONTH ? clock_days(year, (unsigned)number_in(date, 5, 2), 15)
				       : clock_days(year, 7, 1);
}

enum operation_outcome
shift_apply(const struct operation *o, const struct operation_value *v, struct buffer *out)
{
	static const size_t length[] = {
		[DATE_YEAR] = 4, [DATE_MONTH] = 7, [DATE_DAY] = 10, [DATE_TIME] = 10
	};
	struct json_write w = json_write_to(out);
	struct period period;
	enum date_precision precision;
	int64_t offset, day;
	char text[16];
	struct bytes date;
	int year;
	unsigned month, of_month;

	if (json_kind(v->json, v->node) != JSON_STRING)
		return OPERATION_REMOVE;
	date = json_string(v->json, v->node, v->room);
	if (!clock_parse_date(date, &period, &precision) || !find_offset(o, v, &offset))
		return OPERATION_REMOVE;
	day = find_day(v, date, precision, &period) + offset;
	if (day < clock_days(1, 1, 1) || day > clock_days(9999, 12, 31))
		return OPERATION_REMOVE;
	clock_date(day, &year, &month, &of_month);
	(void)snprintf(text, sizeof text, "%04d-%02u-%02u", year, month % 100, of_month % 100);
	json_write_raw(&w, (struct bytes)BYTES("\""));
	json_write_raw(&w, (struct bytes){ text, length[precision] });
	json_write_raw(&w, bytes_behind(date, length[precision]));
	json_write_raw(&w, (struct bytes)BYTES("\""));
	return json_write_whole(&w) ? OPERATION_REPLACE : OPERATION_REMOVE;
}
