/* SPDX-License-Identifier: ISC */
#include "common/policy/number_forms.h"

#include <string.h>

static unsigned
value(const char *s, size_t from, size_t digits)
{
	unsigned n = 0;

	for (size_t i = from; i < from + digits; i++)
		n = 10 * n + (unsigned)(s[i] - '0');
	return n;
}

static bool
is_day(unsigned month, unsigned day)
{
	return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

/* ISO/IEC 7812-1 annex B. */
static bool
luhn(const char *s, size_t size)
{
	unsigned sum = 0;

	for (size_t i = 0; i < size; i++) {
		unsigned digit = (unsigned)(s[size - 1 - i] - '0');

		digit *= 1 + (unsigned)(i % 2);
		sum += digit > 9 ? digit - 9 : digit;
	}
	return sum % 10 == 0;
}

static unsigned
weighed(const char *s, const char *weights)
{
	unsigned sum = 0;

	for (size_t i = 0; weights[i] != '\0'; i++)
		sum += (unsigned)(s[i] - '0') * (unsigned)(weights[i] - '0');
	return sum;
}

/* The rest of the number by 97, letters as 10 to 35 (ISO/IEC 7064). */
static unsigned
rest_97(const char *s, size_t from, size_t size)
{
	unsigned rest = 0;

	for (size_t i = from; i < from + size; i++) {
		if (ascii_is_digit(s[i]))
			rest = (10 * rest + (unsigned)(s[i] - '0')) % 97;
		else
			rest = (100 * rest + (unsigned)(s[i] - 'A') + 10) % 97;
	}
	return rest;
}

static bool
is_us_ssn(const char *s, size_t size)
{
	unsigned area = value(s, 0, 3);

	(void)size;
	return area != 0 && area != 666 && value(s, 3, 2) != 0 && value(s, 5, 4) != 0;
}

static bool
is_us_medicare(const char *s, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (strchr("SLOIBZ", s[i]) != NULL)
			return false;
	return s[0] != '0';
}

static bool
is_uk_nhs(const char *s, size_t size)
{
	unsigned rest = 0;

	for (size_t i = 0; i + 1 < size; i++)
		rest += (unsigned)(s[i] - '0') * (unsigned)(10 - i);
	return (11 - rest % 11) % 11 == (unsigned)(s[9] - '0');
}

/* Telephone numbers begin with 0; of Scotland's numbers the first digits are a date of birth. */
static bool
is_uk_nhs_plain(const char *s, size_t size)
{
	return (s[0] > '3' || is_day(value(s, 2, 2), value(s, 0, 2))) && is_uk_nhs(s, size);
}

static bool
is_uk_insurance(const char *s, size_t size)
{
	static const char *const never[] = { "BG", "GB", "KN", "NK", "NT", "TN", "ZZ" };

	for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
		if (memcmp(s, never[i], 2) == 0)
			return false;
	return strchr("DFIQUV", s[0]) == NULL && strchr("DFIOQUV", s[1]) == NULL && s[size - 1] <= 'D';
}

/* ISO/IEC 7812: the issuers of cards for payment begin so. */
static bool
is_card(const char *s, size_t size)
{
	unsigned begin = value(s, 0, 4);
	bool is_amex = begin / 100 == 34 || begin / 100 == 37;
	bool is_other = begin / 1000 == 4 || (begin >= 5100 && begin < 5600) ||
			(begin >= 2221 && begin < 2721) || begin == 6011 || begin / 100 == 65 ||
			(begin >= 3528 && begin < 3590);

	return (size == 15 ? is_amex : is_other) && luhn(s, size);
}

/* A time of twelve digits is no number. */
static bool
is_swedish(const char *s, size_t size)
{
	const char *last = s + size - 10;
	unsigned day = value(last, 4, 2);
	bool is_time = size == 12 && value(last, 6, 2) < 24 && value(last, 8, 2) < 60;

	return !is_time && is_day(value(last, 2, 2), day > 60 ? day - 60 : day) && luhn(last, 10) &&
	       (size == 10 || (value(s, 0, 2) >= 18 && value(s, 0, 2) <= 20));
}

static bool
is_swedish_dashed(const char *s, size_t size)
{
	const char *last = s + size - 10;
	unsigned day = value(last, 4, 2);

	return is_day(value(last, 2, 2), day > 60 ? day - 60 : day) && luhn(last, 10);
}

static bool
is_finnish(const char *s, size_t size)
{
	char digits[10];

	memcpy(digits, s, 6);
	memcpy(digits + 6, s + size - 4, 3);
	return is_day(value(s, 2, 2), value(s, 0, 2)) &&
	       (size == 10 || strchr("ABCDEFUVWXY", s[6]) != NULL) &&
	       "0123456789ABCDEFHJKLMNPRSTUVWXY"[value(digits, 0, 9) % 31] == s[size - 1];
}

/* Since 2007 the check digit need not be right. */
static bool
is_danish(const char *s, size_t size)
{
	(void)size;
	return is_day(value(s, 2, 2), value(s, 0, 2));
}

static bool
is_danish_checked(const char *s, size_t size)
{
	return is_danish(s, size) && weighed(s, "4327654321") % 11 == 0;
}

static bool
is_norwegian(const char *s, size_t size)
{
	unsigned day = value(s, 0, 2);

	(void)size;
	return is_day(value(s, 2, 2), day > 40 ? day - 40 : day) && weighed(s, "37618945210") % 11 == 0 &&
	       weighed(s, "54327654321") % 11 == 0;
}

static bool
is_belgian(const char *s, size_t size)
{
	char born_later[10] = "2";
	unsigned month = value(s, 2, 2) % 20;

	(void)size;
	memcpy(born_later + 1, s, 9);
	return value(s, 2, 2) < 60 && is_day(month, value(s, 4, 2)) &&
	       (97 - rest_97(s, 0, 9) == value(s, 9, 2) || 97 - rest_97(born_later, 0, 10) == value(s, 9, 2));
}

static bool
is_polish(const char *s, size_t size)
{
	(void)size;
	return is_day(value(s, 2, 2) % 20, value(s, 4, 2)) && weighed(s, "13791379131") % 10 == 0;
}

/* Of Corsica the department is 2A or 2B, which counts as 19 or 18. */
static bool
is_french(const char *s, size_t size)
{
	char plain[15] = { 0 };
	unsigned month = value(s, 3, 2);

	for (size_t i = 0; i < size; i++)
		plain[i] = s[i];
	if (!ascii_is_digit(s[6])) {
		if (s[5] != '2' || (s[6] != 'A' && s[6] != 'B'))
			return false;
		plain[5] = '1';
		plain[6] = s[6] == 'A' ? '9' : '8';
	}
	return (s[0] == '1' || s[0] == '2') && ((month >= 1 && month <= 12) || month >= 20) &&
	       97 - rest_97(plain, 0, 13) == value(plain, 13, 2);
}

/* Ministerial decree of 23 December 1976: odd places, the first among them, count by a table of their own. */
static bool
is_italian(const char *s, size_t size)
{
	static const unsigned char odd[] = { 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12,
		14, 16, 10, 22, 25, 24, 23 };
	unsigned sum = 0;

	for (size_t i = 0; i + 1 < size; i++) {
		unsigned place = (unsigned)(ascii_is_digit(s[i]) ? s[i] - '0' : s[i] - 'A');

		sum += i % 2 == 0 ? odd[place] : place;
	}
	return strchr("ABCDEHLMPRST", s[8]) != NULL && (unsigned)(s[size - 1] - 'A') == sum % 26;
}

static bool
is_spanish(const char *s, size_t size)
{
	unsigned number = value(s, size - 8, 7);

	/* A foreigner's begins with X, Y or Z, which count as 0, 1 and 2. */
	if (!ascii_is_digit(s[0])) {
		if (s[0] < 'X')
			return false;
		number += (unsigned)(s[0] - 'X') * 10000000;
	} else
		number = value(s, 0, 8);
	return "TRWAGMYFPDXBNJZSQVHLCKE"[number % 23] == s[size - 1];
}

/* GS1 General Specifications 7.9. */
static bool
is_swiss(const char *s, size_t size)
{
	(void)size;
	return weighed(s, "1313131313131") % 10 == 0;
}

static bool
is_austrian(const char *s, size_t size)
{
	(void)size;
	return s[0] != '0' && value(s, 6, 2) >= 1 && value(s, 6, 2) <= 15 && is_day(1, value(s, 4, 2)) &&
	       weighed(s, "3790584216") % 11 == (unsigned)(s[3] - '0');
}

static bool
is_german_insured(const char *s, size_t size)
{
	unsigned letter = (unsigned)(s[0] - 'A') + 1;
	unsigned sum = 0;
	char digits[11] = { (char)('0' + letter / 10), (char)('0' + letter % 10) };

	memcpy(digits + 2, s + 1, size - 1);
	for (unsigned i = 0; i < 10; i++) {
		unsigned digit = (unsigned)(digits[i] - '0') * (1 + i % 2);

		sum += digit > 9 ? digit - 9 : digit;
	}
	return sum % 10 == (unsigned)(digits[10] - '0');
}

/* ISO/IEC 7064 MOD 11,10; of the first ten digits one stands there two or three times. */
static bool
is_german_tax(const char *s, size_t size)
{
	unsigned seen[10] = { 0 };
	unsigned repeated = 0;
	unsigned product = 10;

	for (size_t i = 0; i + 1 < size; i++) {
		unsigned sum = ((unsigned)(s[i] - '0') + product) % 10;

		product = 2 * (sum == 0 ? 10 : sum) % 11;
		if (++seen[s[i] - '0'] > 3)
			return false;
	}
	for (size_t i = 0; i < 10; i++)
		repeated += seen[i] > 1;
	return s[0] != '0' && repeated == 1 && (11 - product) % 10 == (unsigned)(s[10] - '0');
}

static bool
is_german_pension(const char *s, size_t size)
{
	unsigned letter = (unsigned)(s[8] - 'A') + 1;
	unsigned sum = 0;
	char digits[13];

	(void)size;
	for (size_t i = 0; i < 8; i++)
		digits[i] = s[i];
	digits[8] = (char)('0' + letter / 10);
	digits[9] = (char)('0' + letter % 10);
	memcpy(digits + 10, s + 9, 3);
	for (size_t i = 0; i < 12; i++) {
		unsigned product = (unsigned)(digits[i] - '0') * (unsigned)("212571212121"[i] - '0');

		sum += product / 10 + product % 10;
	}
	return is_day(value(s, 4, 2), value(s, 2, 2)) && sum % 10 == (unsigned)(digits[12] - '0');
}

static bool
is_brazilian(const char *s, size_t size)
{
	unsigned first = 0, second = 0;

	(void)size;
	for (unsigned i = 0; i < 9; i++)
		first += (unsigned)(s[i] - '0') * (10 - i);
	for (unsigned i = 0; i < 10; i++)
		second += (unsigned)(s[i] - '0') * (11 - i);
	return first * 10 % 11 % 10 == (unsigned)(s[9] - '0') &&
	       second * 10 % 11 % 10 == (unsigned)(s[10] - '0');
}

static bool
is_brazilian_card(const char *s, size_t size)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < size; i++)
		sum += (unsigned)(s[i] - '0') * (15 - i);
	return strchr("12789", s[0]) != NULL && sum % 11 == 0;
}

/* Verhoeff's check (1969) by the dihedral group of order ten. */
static bool
is_indian(const char *s, size_t size)
{
	static const char *const times[] = { "0123456789", "1234067895", "2340178956", "3401289567",
		"4012395678", "5987604321", "6598710432", "7659821043", "8765932104", "9876543210" };
	static const char *const turn[] = { "0123456789", "1576283094", "5803796142", "8916043527",
		"9453126870", "4286573901", "2793806415", "7046913258" };
	unsigned sum = 0;

	for (size_t i = 0; i < size; i++)
		sum = (unsigned)(times[sum][turn[i % 8][s[size - 1 - i] - '0'] - '0'] - '0');
	return s[0] >= '2' && sum == 0;
}

static bool
is_australian(const char *s, size_t size)
{
	(void)size;
	return s[0] >= '2' && s[0] <= '6' && weighed(s, "13791379") % 10 == (unsigned)(s[8] - '0');
}

static bool
is_australian_health(const char *s, size_t size)
{
	return luhn(s, size);
}

static bool
is_canadian(const char *s, size_t size)
{
	return s[0] != '0' && luhn(s, size < 10 ? size : 10);
}

/* ISO 13616-1: each country has one length. */
static const char account_lengths[] =
    "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BR29BY28CH21CR22CY28CZ24DE22DK18DO28EE20EG29ES24FI18FO18FR27GB22"
    "GE22GI23GL18GR27GT28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22"
    "MK19MR27MT31MU30NL18NO15PK24PL28PS29PT25QA29RO24RS22SA24SC31SE24SI19SK24SM27ST25SV28TL23TN24TR26UA29"
    "VA22VG24XK20";

size_t
number_forms_account(const char *s)
{
	for (size_t i = 0; i + 4 < sizeof account_lengths; i += 4)
		if (account_lengths[i] == s[0] && account_lengths[i + 1] == s[1])
			return value(account_lengths, i + 2, 2);
	return 0;
}

static bool
is_account(const char *s, size_t size)
{
	char turned[40];

	if (size != number_forms_account(s))
		return false;
	memcpy(turned, s + 4, size - 4);
	memcpy(turned + size - 4, s, 4);
	return rest_97(turned, 0, size) == 1;
}

const struct number_form number_forms[] = {
	{ US_SSN, false, "ddd-dd-dddd", is_us_ssn },
	{ US_MEDICARE, false, "dAwd-Awd-AAdd", is_us_medicare },
	{ US_MEDICARE, false, "dAwdAwdAAdd", is_us_medicare },
	{ UK_NHS, false, "ddd ddd dddd", is_uk_nhs },
	{ UK_NHS, true, "dddddddddd", is_uk_nhs_plain },
	{ UK_INSURANCE, false, "AAddddddA", is_uk_insurance },
	{ UK_INSURANCE, false, "AA dd dd dd A", is_uk_insurance },
	{ UK_INSURANCE, false, "AA dddddd A", is_uk_insurance },
	{ CARD, false, "dddddddddddddddd", is_card },
	{ CARD, false, "dddd dddd dddd dddd", is_card },
	{ CARD, false, "dddd-dddd-dddd-dddd", is_card },
	{ CARD, false, "ddddddddddddddd", is_card },
	{ CARD, false, "dddd dddddd ddddd", is_card },
	{ CARD, false, "dddd-dddddd-ddddd", is_card },
	{ ACCOUNT, false,
	    "AA"
	    "dd*",
	    is_account },
	{ SWEDISH, false, "dddddd-dddd", is_swedish_dashed },
	{ SWEDISH, false, "dddddd+dddd", is_swedish_dashed },
	{ SWEDISH, false, "dddddddd-dddd", is_swedish_dashed },
	{ SWEDISH, false, "dddddddddddd", is_swedish },
	{ SWEDISH, true, "dddddddddd", is_swedish },
	{ FINNISH, false, "dddddd-dddw", is_finnish },
	{ FINNISH, false, "dddddd+dddw", is_finnish },
	{ FINNISH, false, "ddddddAdddw", is_finnish },
	{ DANISH, false, "dddddd-dddd", is_danish },
	{ DANISH, true, "dddddddddd", is_danish_checked },
	{ NORWEGIAN, false, "ddddddddddd", is_norwegian },
	{ NORWEGIAN, false, "dddddd ddddd", is_norwegian },
	{ BELGIAN, false, "ddddddddddd", is_belgian },
	{ BELGIAN, false, "dd.dd.dd-ddd.dd", is_belgian },
	{ BELGIAN, false, "dd.dd.dd-ddd-dd", is_belgian },
	{ POLISH, false, "ddddddddddd", is_polish },
	{ FRENCH, false, "dddddddwddddddd", is_french },
	{ FRENCH, false, "d dd dd dw ddd ddd dd", is_french },
	{ ITALIAN, false, "AAAAAAwwAwwAwwwA", is_italian },
	{ SPANISH, false, "ddddddddA", is_spanish },
	{ SPANISH, false, "dddddddd-A", is_spanish },
	{ SPANISH, false, "AdddddddA", is_spanish },
	{ SPANISH, false, "A-ddddddd-A", is_spanish },
	{ SWISS, false, "756.dddd.dddd.dd", is_swiss },
	{ SWISS, false, "756 dddd dddd dd", is_swiss },
	{ SWISS, false, "756dddddddddd", is_swiss },
	{ AUSTRIAN, false, "dddd dddddd", is_austrian },
	{ AUSTRIAN, true, "dddddddddd", is_austrian },
	{ GERMAN_INSURED, true, "Addddddddd", is_german_insured },
	{ GERMAN_TAX, false, "ddddddddddd", is_german_tax },
	{ GERMAN_TAX, false, "dd ddd ddd ddd", is_german_tax },
	{ GERMAN_PENSION, false, "ddddddddAddd", is_german_pension },
	{ GERMAN_PENSION, false, "dd dddddd A ddd", is_german_pension },
	{ BRAZILIAN, false, "ddd.ddd.ddd-dd", is_brazilian },
	{ BRAZILIAN_CARD, false, "ddd dddd dddd dddd", is_brazilian_card },
	{ INDIAN, false, "dddd dddd dddd", is_indian },
	{ AUSTRALIAN, false, "dddd ddddd d", is_australian },
	{ AUSTRALIAN_HEALTH, false, "800360dddddddddd", is_australian_health },
	{ AUSTRALIAN_HEALTH, false, "8003 60dd dddd dddd", is_australian_health },
	{ CANADIAN, false, "dddd-ddd-ddd", is_canadian },
	{ CANADIAN, false, "dddd ddd ddd", is_canadian },
	{ CANADIAN, false, "dddd-ddd-ddd-AA", is_canadian },
};

const size_t number_forms_count = sizeof number_forms / sizeof number_forms[0];
