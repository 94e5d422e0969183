/* SPDX-License-Identifier: ISC */
#include "common/base/decimal.h"
#include "common/policy/units.h"
#include "tests/lib/fuzz.h"

/* What is rounded stays as it is when rounded again, and it is on the right side of what it came from. */
static void
check_rounding(const struct decimal *value, const struct decimal *step)
{
	struct buffer first, second;
	struct decimal rounded;

	buffer_init(&first, 1 << 16);
	buffer_init(&second, 1 << 16);
	if (decimal_round(value, step, &first) && decimal_parse(buffer_bytes(&first), &rounded)) {
		hold(decimal_round(&rounded, step, &second));
		hold(bytes_equal(buffer_bytes(&first), buffer_bytes(&second)));
		hold(!rounded.negative || value->negative);
	}
	buffer_release(&first);
	buffer_release(&second);
}

/* Two numbers with a line end between them. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
	const struct unit *celsius = unit_find(bytes_of("Cel"));
	const struct unit *fahrenheit = unit_find(bytes_of("[degF]"));
	struct decimal a, b;
	int order;

	if (end == NULL || !decimal_parse((struct bytes){ (const char *)data, (size_t)(end - data) }, &a))
		return 0;
	hold(decimal_compare(&a, &a) == 0);
	if (!decimal_parse((struct bytes){ (const char *)end + 1, size - (size_t)(end - data) - 1 }, &b))
		return 0;
	order = decimal_compare(&a, &b);
	hold(order == -decimal_compare(&b, &a));
	check_rounding(&a, &b);
	if (!unit_bound(&b))
		return 0;
	(void)unit_compare(&a, celsius, &b, fahrenheit);
	hold(unit_compare(&a, fahrenheit, &b, fahrenheit) == order);
	if (unit_bound(&a))
		hold(unit_compare(&a, celsius, &b, fahrenheit) == -unit_compare(&b, fahrenheit, &a, celsius));
	return 0;
}
