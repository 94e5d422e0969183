/* SPDX-License-Identifier: ISC */
#include "common/policy/numbers.h"
#include "tests/lib/tap.h"

#include <stdio.h>

static struct numbers all;

static bool
stands(const char *before, const char *number, const char *after)
{
	char text[256] = { 0 };

	(void)snprintf(text, sizeof text - NUMBERS_SLACK, "%s%s%s", before, number, after);
	return numbers_in(&all, bytes_of(text)) != 0;
}

/* Each kind in a second form, which the rows of the hospital's list do not show. */
static const char *const others[] = {
	"1eg4te5mk73",
	"AB123456C",
	"AB 12 34 56 D",
	"4111111111111111",
	"378282246310005",
	"3782 822463 10005",
	"DE89370400440532013000",
	"DE89 3704 0044 0532 0130 00",
	"NO93 8601 1117 947",
	"19811218-9876",
	"811218+9876",
	"811278-9873",
	"131052A308T",
	"151086 95088",
	"85073003328",
	"00012556777",
	"185057800608491",
	"1 85 05 2A 006 084 35",
	"rssmra85t10a562s",
	"X1234567L",
	"X-1234567-L",
	"7569217076985",
	"756 9217 0769 85",
	"15070649C103",
	"86 095 742 719",
	"8003608166690123",
	"9876 543 217",
};

/* Numbers of the same length that are no such number, and numbers that belong to something longer. */
static const char *const ordinary[] = {
	"1234567890",
	"0205569273",
	"5551234567",
	"12345678",
	"123456789",
	"1234567890123456",
	"20130512153035",
	"201305121530",
	"2013-05-12T15:30:00Z",
	"2013-05-12",
	"15:30:00.123456789",
	"123-45-6789-0",
	"urn:oid:1.2.840.113549.1.4111111111111111",
	"f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
	"Patient/811218-9876",
	"v2.123-45-6789",
	"x_123-45-6789",
	"123-45-6789/7",
	"4111 1111 1111 1111 1111",
	"97 943 476 5919",
	"(01)00844588003288(17)141120(10)7654321D(21)10987654d321",
	"8867-4",
	"10.1016/j.1234567890",
	"DE89 3704 0044 0532 0130",
	"XX89370400440532013000",
	"2041 2043 2037 2035 2036",
	"A123456780",
	"9434765919",
	"+31 20 556 9273",
	"1-800-555-0199",
	"ISBN 978-3-16-148410-0",
	"000-12-3456",
	"666-12-3456",
};

static bool
is_time(const char *text)
{
	char room[64 + NUMBERS_SLACK] = { 0 };
	size_t size = strlen(text);

	memcpy(room, text, size);
	return numbers_is_time((struct bytes){ room, size });
}

static void
check_times(void)
{
	check(is_time("2020-01-31") && is_time("2020-01-31T00:00Z") && is_time("2020-01-31T00:00:00") &&
	      is_time("2020-01-31T00:00:00.123456789-11:30"));
	check(!is_time("2020-01") && !is_time("2020-HI-V1") && !is_time("1HIV-01-31") &&
	      !is_time("2020-01-31T") && !is_time("2020-01-31 HIV"));
	check(!is_time("2020-01-31T00:HIV") && !is_time("2020-01-31T00:00:00Z HIV") &&
	      !is_time("2020-01-31T00:00ZZ") && !is_time("2020-01-31T00:00:00.000000000000000+01:00"));
}

int
main(void)
{
	numbers_add(&all, (UINT64_C(1) << NUMBERS_KINDS) - 1);
	check(numbers_in(&all, (struct bytes){ "", 0 }) == 0);
	check_times();
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		if (!stands("", others[i], ""))
			printf("# %s\n", others[i]);
		check(stands("", others[i], "") && stands("No.:", others[i], ".") &&
		      stands("(", others[i], ")") && stands("since 2020, ", others[i], ", 3 times"));
		check(!stands("9", others[i], "") && !stands("x-", others[i], "") &&
		      !stands("", others[i], "9") && !stands("/", others[i], "") &&
		      !stands("", others[i], "-7"));
	}
	for (size_t i = 0; i < sizeof ordinary / sizeof ordinary[0]; i++) {
		if (stands("", ordinary[i], ""))
			printf("# %s\n", ordinary[i]);
		check(!stands("", ordinary[i], ""));
	}
	check(stands("old no. ", "9434765919", "") && stands("KV ", "A123456780", ""));
	check(!stands("old no. ", "9434765918", "") && !stands("phone ", "0434765911", ""));
	/* What begins as a time is one only if nothing else follows. */
	check(
	    stands("2020-01-31T10:00:00Z ", "123-45-6789", "") && stands("2020-01-31, ", "123-45-6789", ""));
	return tap_end();
}
