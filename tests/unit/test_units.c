/* SPDX-License-Identifier: ISC */
#include "common/policy/units.h"
#include "tests/lib/tap.h"

#include <stdio.h>
#include <string.h>

/* VALUE in the record's UNIT against BOUND in a rule's; 99: no comparison. */
static int
compare(const char *value, const char *unit, const char *bound, const char *bound_unit)
{
	struct decimal v, b;
	const struct unit *rule = unit_find(bytes_of(bound_unit));
	const struct unit *record = rule != NULL ? unit_beside(rule, bytes_of(unit)) : NULL;

	if (record == NULL || !decimal_parse(bytes_of(value), &v) || !decimal_parse(bytes_of(bound), &b))
		return 99;
	return unit_bound(&b) ? unit_compare(&v, record, &b, rule) : 98;
}

static void
check_conversion(void)
{
	check(compare("98.6", "[degF]", "37.0", "Cel") == 0);
	check(compare("98.60000000000000000000000000000000000001", "[degF]", "37", "Cel") > 0);
	check(compare("98.59999999999999999999999999999999999999", "[degF]", "37", "Cel") < 0);
	check(compare("-40", "[degF]", "-40", "Cel") == 0);
	check(compare("-40.1", "[degF]", "-40", "Cel") < 0);
	check(compare("37", "Cel", "98.6", "[degF]") == 0);
	check(compare("310.15", "K", "98.6", "[degF]") == 0);
	check(compare("310.15", "K", "37", "Cel") == 0);
	check(compare("0", "K", "-273.15", "Cel") == 0);
	check(compare("0.92", "1", "92", "%") == 0);
	check(compare("92", "%", "0.92", "1") == 0);
	check(compare("0.9199999", "1", "92", "%") < 0);
	check(compare("5000", "W.h", "5", "kWh") == 0);
	check(compare("18", "MJ", "5", "kW.h") == 0);
	check(compare("18.0000000001", "MJ", "5", "kW.h") > 0);
	check(compare("133.322", "kPa", "1000", "mm[Hg]") == 0);
	check(compare("60", "/min", "1", "/s") == 0);
	check(compare("1", "[lb_av]", "16", "[oz_av]") == 0);
	check(compare("453.59237", "g", "1", "lb") == 0);
	check(compare("0.3048", "m", "12", "in") == 0);
}

/* Values that no double holds, and far from every bound. */
static void
check_extremes(void)
{
	char third[] =
	    "0.33333333333333333333333333333333333333333333333333333333333333333333333333333333333";

	check(compare("1e999999", "[degF]", "37", "Cel") > 0);
	check(compare("-1e999999", "[degF]", "37", "Cel") < 0);
	check(compare("1e-999999", "[degF]", "-160e0", "Cel") > 0);
	check(compare("1e-999999", "K", "-273.15", "Cel") > 0);
	check(compare("-1e-999999", "K", "-273.15", "Cel") < 0);
	check(compare("1e999999", "%", "92", "%") > 0);
	check(compare("0e999999", "[degF]", "0", "K") > 0);
	check(compare("1e30", "kg", "1e30", "kg") == 0);
	check(compare("1e30", "kg", "1e31", "kg") == 98);
	check(compare("1", "kg", third, "kg") == 98);
	check(compare("1e300", "ug", "1e30", "kg") > 0);
	check(compare("1e-300", "kg", "1e-30", "ug") < 0);
}

static void
check_names(void)
{
	check(compare("37", "C", "37", "Cel") == 0);
	check(compare("37",
		  "\xc2\xb0"
		  "C",
		  "37", "Cel") == 0);
	check(unit_find(bytes_of("C")) == unit_find(bytes_of("Cel")));
	check(compare("5", "C", "5", "A") == 99);
	check(compare("5", "mmol/L", "5", "mg/dL") == 99);
	check(compare("60", "{beats}/min", "60", "/min") == 0);
	check(compare("60", "/min{beats}", "60", "/min") == 0);
	check(compare("1", "{unitless}", "100", "%") == 0);
	check(compare("1", "{score}", "1", "%") == 99);
	check(compare("1", "{cells}/uL", "1", "/uL") == 0);
	check(compare("60", "{min", "60", "/min") == 99 && compare("60", "/min}", "60", "/min") == 99);
	check(compare("60", "", "60", "/min") == 99);
	check(compare("60", "/MIN", "60", "/min") == 99);
	check(compare("4", "rpm", "4", "/min") == 0 && compare("4", "resp/min", "4", "/min") == 0);
	check(compare("39", "per minute", "39", "/min") == 0);
	check(compare("89", "MM[HG]", "89", "mm[Hg]") == 0);
	check(unit_find(bytes_of("")) == NULL && unit_find(bytes_of("furlong")) == NULL);
	check(unit_find(bytes_of("|")) == NULL && unit_find(bytes_of("sec|second")) == NULL);
	check(unit_find(bytes_of("mmHg")) == unit_find(bytes_of("mm[Hg]")));
	check(bytes_are(unit_dimension(unit_find(bytes_of("mmHg"))), "pressure"));
}

int
main(void)
{
	check_conversion();
	check_extremes();
	check_names();
	return tap_end();
}
