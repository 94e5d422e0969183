/* SPDX-License-Identifier: ISC */
#include "common/base/fold.h"
#include "tests/lib/tap.h"

#include <stdio.h>

static struct fold fold;

static bool
folds(const char *text, const char *lower)
{
	fold_text(&fold, bytes_of(text));
	return bytes_are(buffer_bytes(&fold.lower), lower) && fold.cased.used == fold.lower.used;
}

static bool
markup(const char *text, const char *lower)
{
	fold_markup(&fold, bytes_of(text));
	return bytes_are(buffer_bytes(&fold.lower), lower);
}

static void
check_letters(void)
{
	check(folds("", " "));
	check(folds("HIV", " hiv "));
	check(bytes_are(buffer_bytes(&fold.cased), " HIV "));
	check(folds("Mérieux Łódź Straße Œuvre Ærø", " merieux lodz strasse oeuvre aero "));
	/* An accent of its own, as macOS writes it. */
	check(folds("Schu\xcc\x88tteltrauma", " schutteltrauma "));
	check(folds("\xef\xbc\xa8\xef\xbc\xa9\xef\xbc\xb6", " hiv "));
	check(folds("\xd0\x92\xd0\x98\xd0\xa7", " b\xd0\x98\xd0\xa7 "));
	check(folds("\xf0\x9f\x92\x8a x", " \xf0\x9f\x92\x8a x "));
	/* Where words have no blanks between them, each letter is one. */
	check(folds("HIV感染a", " hiv 感 染 a "));
	check(folds("エイズ", " エ イ ズ "));
	check(folds("에이즈 B", " 에 이 즈 b "));
	check(folds("a感b染c病d", " a 感 b 染 c 病 d "));
	check(folds("\xf0\xa0\x80\x80x", " \xf0\xa0\x80\x80 x "));
}

static void
check_gaps(void)
{
	check(folds(" HIV \t\r\n - positive  ", " hiv positive "));
	check(folds("non-binary non\xe2\x80\x91"
		    "binary non\xe2\x80\x93"
		    "binary non_binary",
	    " non binary non binary non binary non binary "));
	check(folds("a\xc2\xa0"
		    "b\xe3\x80\x80"
		    "c",
	    " a b c "));
	/* Soft hyphen, blank without width, byte order mark. */
	check(folds("H\xc2\xad"
		    "I\xe2\x80\x8bV\xef\xbb\xbf",
	    " hiv "));
	check(folds("women\xe2\x80\x99s (a/b) \xe2\x80\x9cx\xe2\x80\x9d", " women's (a/b) .x. "));
	check(folds("a\x01"
		    "b",
	    " a b "));
}

/* Each of the characters, which differ from it in nothing that people see, is folded to the letter. */
static void
check_alike(void)
{
	static const char *const h[] = { "\u0126", "\u1e24", "\u041d", "\u0397", "\u2c67", "\u029c", "\u02b0",
		"\u210b", "\u210c", "\u210d", "\u24bd", "\u24d7", "\u24a3", "\U0001d407", "\U0001d5a7",
		"\U0001d677", "\U0001f117", "\U0001f137", "\U0001f157", "\U0001f177", "\U0001f1ed", "\uff28",
		"H\u0302", "H\u034f", "H\u115f", "H\u3164", "H\uffa0", "H\ufff9", "H\u180e", "H\ufe20",
		"H\U000e0061", "H\U000e0100" };

	for (size_t i = 0; i < sizeof h / sizeof h[0]; i++)
		check(folds(h[i], " h "));
	check(folds("\u2163 \u2173 \u2167 \ufb03 \u1e9e \U0001d7d8 \u2462", " iv iv \u2167 ffi ss 0 3 "));
	check(folds("\u03bc\u03b2\u0416 \u4e2d", " \u03bc\u03b2\u0416 \u4e2d "));
}

static bool
joins(const char *text, const char *cased)
{
	fold_text(&fold, bytes_of(text));
	return fold_join(&fold) == (strcmp(text, cased) != 0) && fold.lower.used == fold.cased.used &&
	       fold.cased.used == strlen(cased) + 2 && memcmp(fold.cased.at + 1, cased, strlen(cased)) == 0;
}

static void
check_spelled(void)
{
	check(joins("H/I/V", "HIV") && joins("an H I V test", "an HIV test") &&
	      joins("x (H*I*V) y", "x (HIV) y"));
	check(joins("P/T/S/D, A B", "PTSD, A B"));
	check(joins("A/B", "A/B") && joins("A/B C", "A/B C") && joins("a/b/cd", "a/b/cd") &&
	      joins("1/2/3", "1/2/3"));
	fold_text(&fold, bytes_of("H-I_V \u2010 H\u2011I\u2011V"));
	check(fold_join(&fold) && bytes_are(buffer_bytes(&fold.lower), " hivhiv "));
	/* Joined first and then split, the text is longest; 4096 bytes are the first room of a buffer. */
	char longest[4064];
	for (size_t i = 0; i + 2 < sizeof longest; i += 2)
		memcpy(longest + i, i < 3000 ? "H/" : "aB", 3);
	fold_release(&fold);
	fold_init(&fold);
	fold_text(&fold, bytes_of(longest));
	check(fold_join(&fold) && fold_split(&fold, FOLD_CAMEL) && fold.lower.used > sizeof longest + 400 &&
	      fold.lower.used + FOLD_SLACK <= fold.lower.room &&
	      fold.cased.used + FOLD_SLACK <= fold.cased.room);
	fold_text(&fold, bytes_of("aB C/D/E"));
	check(fold_join(&fold) && fold_split(&fold, FOLD_CAMEL) &&
	      bytes_are(buffer_bytes(&fold.cased), " a B C/D/E "));
}

static bool
splits(const char *text, enum fold_split how, const char *cased)
{
	fold_text(&fold, bytes_of(text));
	return fold_split(&fold, how) == (strcmp(text, cased) != 0) && fold.lower.used == fold.cased.used &&
	       fold.cased.used == strlen(cased) + 2 && memcmp(fold.cased.at + 1, cased, strlen(cased)) == 0;
}

/* TEXT behind 1 to 40 letters is split to CASED behind them, at any place of a block of bytes. */
static bool
splits_anywhere(const char *text, enum fold_split how, const char *cased)
{
	char before[128], after[128];
	bool all = true;

	for (size_t pad = 1; pad <= 40; pad++) {
		memset(before, 'x', pad);
		memset(after, 'x', pad);
		memcpy(before + pad, text, strlen(text) + 1);
		memcpy(after + pad, cased, strlen(cased) + 1);
		all = all && splits(before, how, after);
	}
	return all;
}

static void
check_words(void)
{
	check(splits_anywhere(" aHIVTest bC", FOLD_CAMEL, " a HIV Test bC"));
	check(splits_anywhere(" HIVpos ABCDef aHIVTest", FOLD_CAPITALS, " HIV pos ABCDef a HIVT est"));
	check(splits("HIVpositive", FOLD_CAMEL, "HI Vpositive") && fold_split(&fold, FOLD_CAPITALS) &&
	      memcmp(fold.lower.at, " hiv positive ", fold.lower.used) == 0 && fold.lower.used == 14);
	check(splits("hivStatus", FOLD_CAMEL, "hiv Status") && splits("aHIVTest", FOLD_CAMEL, "a HIV Test"));
	check(splits("HIVpositive", FOLD_CAPITALS, "HIV positive") && splits("HIVs", FOLD_CAPITALS, "HIVs"));
	check(splits("Hive", FOLD_CAMEL, "Hive") && splits("HIV1", FOLD_CAMEL, "HIV1"));
	check(folds("H.I.V. i.e. z.B.", " hiv ie zb ") && folds("H. I. V., p. o.", " hiv, po "));
	check(folds("a.b2 v1.2.3 e. coli x.", " a.b2 v1.2.3 e. coli x. "));
}

static void
check_markup(void)
{
	check(markup("<div><b>H</b>IV<br/>positive</div>", " hiv positive "));
	check(markup("<td>HIV</td><td>positive</td>", " hiv positive "));
	check(markup("Sch&uuml;ttel&shy;trauma &#228;&#xE4; &amp; &lt;x&gt; &unknown; &",
	    " schutteltrauma aa & .x. . . "));
	check(markup("a<!-- <b>hidden</b> -->b 1 < 2 <", " ab 1 . 2 . "));
	check(markup("H<!---->I<?x y?>V H<ins>I</ins><x-y>V</x-y> a<td>b<blockquote>c", " hiv hiv a b c "));
	check(markup("&#72IV &#x00048;&#73V H&zwnj;I&ZeroWidthSpace;V &Hcirc;&Iopf;&Vfr; a & b;",
	    " hiv hiv hiv hiv a . b; "));
	check(fold_is_markup(bytes_of("&#72IV")) && fold_is_markup(bytes_of("a<?x?>")) &&
	      !fold_is_markup(bytes_of("a &b c; &#")));
	check(markup("a<b title=\"x", " a "));
	check(fold_is_markup(bytes_of("a&#72;")) && fold_is_markup(bytes_of("a<b")) &&
	      fold_is_markup(bytes_of("</")));
	check(!fold_is_markup(bytes_of("A&E 1 < 2 & 3; <")));
	check(markup("&#0; &#x110000; &#12345678901;", " . . . "));
}

/* Every kind of character at every place of the blocks that are folded at once. */
static void
check_places(void)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzabcdefghijklmn";
	char text[80], lower[80];
	size_t wrong = 0;

	for (int before = 0; before < 40; before++) {
		(void)snprintf(text, sizeof text, "%.*sAz[@`{ -_\x7f\x1f.\xc3\x89T&<Z", before, letters);
		(void)snprintf(lower, sizeof lower, " %.*saz[@`{ .et&<z ", before, letters);
		wrong += !folds(text, lower);
		(void)snprintf(text, sizeof text, "%.*sB&amp;<br>_&uuml;<", before, letters);
		(void)snprintf(lower, sizeof lower, " %.*sb& u. ", before, letters);
		wrong += !markup(text, lower);
		(void)snprintf(text, sizeof text, "%.*s,H.I.V. v1.2 x.", before, letters);
		(void)snprintf(lower, sizeof lower, " %.*s,hiv v1.2 x. ", before, letters);
		wrong += !folds(text, lower) || !markup(text, lower);
	}
	check(wrong == 0);
}

int
main(void)
{
	fold_init(&fold);
	check_letters();
	check_alike();
	check_spelled();
	check_gaps();
	check_markup();
	check_words();
	check_places();
	fold_release(&fold);
	return tap_end();
}
