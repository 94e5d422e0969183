/* SPDX-License-Identifier: ISC */
#include "common/base/fold_letters.h"

enum fold_range_kind {
	FOLD_OUT,  /* left out */
	FOLD_TEXT, /* all become TO */
	FOLD_EACH, /* each becomes its byte of TO, which begins again at its end; ? stays as it is */
};

struct fold_range {
	unsigned first, last;
	enum fold_range_kind kind;
	const char *to;
};

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz";
static const char capitals[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/* Ascending.  What stands in no range stays. */
static const struct fold_range ranges[] = {
	{ 0x80, 0xa0, FOLD_TEXT, " " }, { 0xa1, 0xac, FOLD_TEXT, "." },
	{ 0xad, 0xad, FOLD_OUT, "" }, /* soft hyphen */
	{ 0xae, 0xbf, FOLD_TEXT, "." },
	{ 0x180, 0x24f, FOLD_EACH, /* Latin, more letters */
	    "bBBb???Cc?DDd?E??FfG???IKkl??NnOOo??Pp?????tTtTUu?VYyZz??????????????d??l??n?AaI"
	    "iOoUuUuUuUuUu?AaAa??GgGgKkOoOo??j?d?Gg??NnAa??OoAaAaEeEeIiIiOoOoRrRrUuUuSsTt??Hh"
	    "Nd??ZzAaEeOoOoOoOoYylntj??ACcLTsz??B??EeJj?qRrYy" },
	{ 0x250, 0x2af, FOLD_EACH, /* phonetic, small capitals */
	    "???b?cdde??????jggg???h?i?illl???mnnn???????rrrrr?s?j???t??v???yzz???????b?ghj?l"
	    "q???????????????" },
	{ 0x2b0, 0x2b8, FOLD_EACH, "hhjr???wy" }, { 0x2e1, 0x2e3, FOLD_EACH, "lsx" },
	{ 0x300, 0x36f, FOLD_OUT, "" }, /* combining marks */
	{ 0x370, 0x3ff, FOLD_EACH,      /* Greek letters that look like Latin ones */
	    "???????????????J??????A?EHI?O?Y??AB??EZH?IK?MN?O?P??TY?X??IYaeni?a?y?e?n?ik??v?o"
	    "?p??tu?x?wiuou????????????????????????????????????cj?????C??????" },
	{ 0x400, 0x482, FOLD_EACH, /* Cyrillic ones */
	    "?E???SIIJ???????A?B??E????K?MHO?PCTY?X??????????a?b??e????k?mho?pcty?x??????????"
	    "?e???siij???????????????????????????Vv?????????????" },
	{ 0x483, 0x489, FOLD_OUT, "" }, /* combining marks */
	{ 0x4ae, 0x4af, FOLD_TEXT, "y" }, { 0x4ba, 0x4bb, FOLD_TEXT, "h" }, { 0x4c0, 0x4c0, FOLD_TEXT, "I" },
	{ 0x4cf, 0x4cf, FOLD_TEXT, "l" }, { 0x500, 0x501, FOLD_TEXT, "d" },
	{ 0x51a, 0x51d, FOLD_EACH, "QqWw" }, { 0x61c, 0x61c, FOLD_OUT, "" }, /* direction */
	{ 0x115f, 0x1160, FOLD_OUT, "" },                                    /* fillers */
	{ 0x1680, 0x1680, FOLD_TEXT, " " }, { 0x17b4, 0x17b5, FOLD_OUT, "" },
	{ 0x180b, 0x180f, FOLD_OUT, "" }, { 0x1ab0, 0x1aff, FOLD_OUT, "" }, /* combining marks */
	{ 0x1d00, 0x1dbf, FOLD_EACH, /* phonetic, small capitals, exponents */
	    "a???cd?e??jklmno????????pr?tu???vwz?????????A?B?DEEGHIJKLMNNO?PRTUWa???bde???g?k"
	    "m?o???ptu??v??????iruv??????bdfmnprrstz??g???p??bdfgklmnprs?vxza?de???i??u??cc??"
	    "fjg?i?iijlllm?nnn??s?t??uv?zzz??" },
	{ 0x1dc0, 0x1dff, FOLD_OUT, "" }, /* combining marks */
	{ 0x1e00, 0x1e9d, FOLD_EACH,      /* Latin, more accents */
	    "AaBbBbBbCcDdDdDdDdDdEeEeEeEeEeFfGgHhHhHhHhHhIiIiKkKkKkLlLlLlLlMmMmMmNnNnNnNnOoOo"
	    "OoOoPpPpRrRrRrRrSsSsSsSsSsTtTtTtTtUuUuUuUuUuVvVvWwWwWwWwWwXxXxYyZzZzZzhtwyasss" },
	{ 0x1e9e, 0x1e9e, FOLD_TEXT, "SS" },
	{ 0x1ea0, 0x1eff, FOLD_EACH,
	    "AaAaAaAaAaAaAaAaAaAaAaAaEeEeEeEeEeEeEeEeIiIiOoOoOoOoOoOoOoOoOoOoOoOoUuUuUuUuUuUu"
	    "UuYyYyYyYy????Yy" },
	{ 0x2000, 0x200a, FOLD_TEXT, " " }, /* blanks */
	{ 0x200b, 0x200f, FOLD_OUT, "" },   /* no width; directions */
	{ 0x2010, 0x2015, FOLD_TEXT, " " }, /* hyphens and dashes */
	{ 0x2016, 0x2017, FOLD_TEXT, "." }, { 0x2018, 0x201b, FOLD_TEXT, "'" },
	{ 0x201c, 0x2027, FOLD_TEXT, "." }, { 0x2028, 0x2029, FOLD_TEXT, " " }, /* ends of lines */
	{ 0x202a, 0x202e, FOLD_OUT, "" },                                       /* directions */
	{ 0x202f, 0x202f, FOLD_TEXT, " " }, { 0x2030, 0x205e, FOLD_TEXT, "." },
	{ 0x205f, 0x205f, FOLD_TEXT, " " }, { 0x2060, 0x206f, FOLD_OUT, "" }, /* no width */
	{ 0x2071, 0x209c, FOLD_EACH, "i?????????????n????????????????aeox?hklmnpst" },
	{ 0x20d0, 0x20ff, FOLD_OUT, "" }, /* combining marks */
	{ 0x2100, 0x214f, FOLD_EACH,      /* double-struck, script, black-letter */
	    "??C???????gHHHh?IILl?N???PQRRR??????Z???Z?KABC?eEF?Mo????i???????????Ddeij??????" },
	{ 0x2160, 0x2160, FOLD_TEXT, "I" }, /* Roman numbers; those of four signs would take more room */
	{ 0x2161, 0x2161, FOLD_TEXT, "II" }, { 0x2162, 0x2162, FOLD_TEXT, "III" },
	{ 0x2163, 0x2163, FOLD_TEXT, "IV" }, { 0x2164, 0x2164, FOLD_TEXT, "V" },
	{ 0x2165, 0x2165, FOLD_TEXT, "VI" }, { 0x2166, 0x2166, FOLD_TEXT, "VII" },
	{ 0x2168, 0x2168, FOLD_TEXT, "IX" }, { 0x2169, 0x2169, FOLD_TEXT, "X" },
	{ 0x216c, 0x216f, FOLD_EACH, "LCDM" }, { 0x2170, 0x2170, FOLD_TEXT, "i" },
	{ 0x2171, 0x2171, FOLD_TEXT, "ii" }, { 0x2172, 0x2172, FOLD_TEXT, "iii" },
	{ 0x2173, 0x2173, FOLD_TEXT, "iv" }, { 0x2174, 0x2174, FOLD_TEXT, "v" },
	{ 0x2175, 0x2175, FOLD_TEXT, "vi" }, { 0x2176, 0x2176, FOLD_TEXT, "vii" },
	{ 0x2178, 0x2178, FOLD_TEXT, "ix" }, { 0x2179, 0x2179, FOLD_TEXT, "x" },
	{ 0x217c, 0x217f, FOLD_EACH, "lcdm" }, { 0x2190, 0x2211, FOLD_TEXT, "." },
	{ 0x2212, 0x2212, FOLD_TEXT, " " },                                          /* minus */
	{ 0x2213, 0x245f, FOLD_TEXT, "." },                                          /* signs */
	{ 0x2460, 0x2468, FOLD_EACH, "123456789" },                                  /* in circles */
	{ 0x2469, 0x249b, FOLD_TEXT, "." }, { 0x249c, 0x24b5, FOLD_EACH, alphabet }, /* in parentheses */
	{ 0x24b6, 0x24cf, FOLD_EACH, capitals },                                     /* in circles */
	{ 0x24d0, 0x24e9, FOLD_EACH, alphabet },
	{ 0x24ea, 0x2bff, FOLD_TEXT, "." }, /* signs, lines, pictures */
	{ 0x2c60, 0x2c7f, FOLD_EACH, "LlLPRatHhKkZz?M??vWwv???e?o?jVSZ" }, { 0x3000, 0x3000, FOLD_TEXT, " " },
	{ 0x3164, 0x3164, FOLD_OUT, "" }, { 0xfb00, 0xfb00, FOLD_TEXT, "ff" }, /* ligatures */
	{ 0xfb01, 0xfb01, FOLD_TEXT, "fi" }, { 0xfb02, 0xfb02, FOLD_TEXT, "fl" },
	{ 0xfb03, 0xfb03, FOLD_TEXT, "ffi" }, { 0xfb04, 0xfb04, FOLD_TEXT, "ffl" },
	{ 0xfb05, 0xfb06, FOLD_TEXT, "st" }, { 0xfe00, 0xfe0f, FOLD_OUT, "" }, /* variants */
	{ 0xfe20, 0xfe2f, FOLD_OUT, "" },                                      /* combining marks */
	{ 0xfe58, 0xfe58, FOLD_TEXT, " " }, { 0xfe63, 0xfe63, FOLD_TEXT, " " },
	{ 0xfeff, 0xfeff, FOLD_OUT, "" }, { 0xffa0, 0xffa0, FOLD_OUT, "" }, { 0xfff0, 0xfffb, FOLD_OUT, "" },
	{ 0x1d173, 0x1d17a, FOLD_OUT, "" },
	{ 0x1d400, 0x1d6a3, FOLD_EACH, /* the mathematical alphabets */
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" },
	{ 0x1d7ce, 0x1d7ff, FOLD_EACH, "0123456789" },
	{ 0x1f110, 0x1f129, FOLD_EACH, capitals }, /* in parentheses, squares and circles */
	{ 0x1f130, 0x1f149, FOLD_EACH, capitals }, { 0x1f150, 0x1f169, FOLD_EACH, capitals },
	{ 0x1f170, 0x1f189, FOLD_EACH, capitals }, { 0x1f1e6, 0x1f1ff, FOLD_EACH, capitals }, /* of flags */
	{ 0xe0000, 0xe0fff, FOLD_OUT, "" }, /* tags and variants */
};

bool
fold_letters(unsigned c, char room[FOLD_LETTERS_ROOM], struct bytes *to)
{
	size_t low = 0;
	size_t high = sizeof ranges / sizeof ranges[0];
	const struct fold_range *r;

	while (low + 1 < high) {
		size_t middle = low + (high - low) / 2;

		if (ranges[middle].first <= c)
			low = middle;
		else
			high = middle;
	}
	r = &ranges[low];
	if (c < r->first || c > r->last)
		return false;
	*to = bytes_of(r->to);
	if (r->kind == FOLD_EACH) {
		room[0] = r->to[(c - r->first) % to->size];
		*to = (struct bytes){ room, 1 };
	}
	return r->kind != FOLD_EACH || room[0] != '?';
}
