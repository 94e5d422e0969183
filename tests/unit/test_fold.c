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
	check(folds("\xd0\x92\xd0\x98\xd0\xa7", " \xd0\x92\xd0\x98\xd0\xa7 "));
	check(folds("\xf0\x9f\x92\x8a x", " \xf0\x9f\x92\x8a x "));
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
	check(markup("a<!-- <b>hidden</b> -->b 1 < 2 <", " a b 1 . 2 . "));
	check(markup("a<b title=\"x", " a "));
	check(fold_is_markup(bytes_of("a&#72;")) && fold_is_markup(bytes_of("a<b")) &&
	      fold_is_markup(bytes_of("</")));
	check(!fold_is_markup(bytes_of("A&E 1 < 2 & 3; <")));
	check(markup("&#0; &#x110000; &#12345678901;", " . . .#12345678901; "));
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
	check_gaps();
	check_markup();
	check_words();
	check_places();
	fold_release(&fold);
	return tap_end();
}
