/* SPDX-License-Identifier: ISC */
#include "common/policy/codes_text.h"

#include "common/base/block.h"
#include "common/policy/codes_table.h"

#include <string.h>

enum {
	LOOK_BACK = 80,    /* bytes before a code in which its system may be named */
	OTHER_WORDS = 2,   /* words before a code, of which one says that it is none; the same behind one */
	NAMING_WORDS = 8,  /* before one, for the name of its system */
	PATIENT_WORDS = 4, /* words before "with" and a code, of which one speaks of a patient */
	YEAR_DIGITS = 4,   /* of a year behind "since" */
	SHORTEST_ID = 8,   /* digits of an id of SNOMED CT without its name */
	LOINC_DIGITS = 5,  /* before the hyphen, likewise */
	LONGEST_CODE = 20, /* of a text that is a code alone */
	SUBSTANCE = 7,     /* of ATC */
};

/* Letters, digits, and what stands inside of codes. */
static inline bool
is_word(char c)
{
	return ascii_is_alnum(c) || c == '.' || c == '-' || c == '_' || ((unsigned char)c & 0x80) != 0;
}

static inline block
digits(const char *at)
{
	return block_from(block_at(at), '0', '9');
}

/* The bytes of the block at AT at which ICD or DSM stands in any case. */
static inline block
names_at(const char *at)
{
	block first = block_lower(block_at(at));
	block second = block_lower(block_at(at + 1));
	block third = block_lower(block_at(at + 2));

	return (block_is(first, 'i') & block_is(second, 'c') & block_is(third, 'd')) |
	       (block_is(first, 'd') & block_is(second, 's') & block_is(third, 'm'));
}

/* Those with a letter and two digits, five digits, or four, a hyphen and a digit; TWO: digits behind. */
static inline block
codes_at(const char *at, block two)
{
	block four = two & digits(at) & digits(at + 3);
	block fifth = block_at(at + 4);

	return (two & block_letters(block_at(at))) |
	       (four & (block_from(fifth, '0', '9') | (block_is(fifth, '-') & digits(at + 5))));
}

/* The bytes of the block at I of TEXT, as bits, at which a word begins. */
static inline uint32_t
word_begins(struct bytes text, size_t i)
{
	block b = block_at(text.at + i);
	uint32_t words = block_bits(
	    b | block_letters(b) | block_from(b, '0', '9') | block_from(b, '-', '.') | block_is(b, '_'));

	return words & ~(words << 1 | (i > 0 && is_word(text.at[i - 1]) ? 1 : 0));
}

/*
 * The next place in TEXT from FROM on where a code may begin: at the beginning of a word a letter and two
 * digits, five digits, or four, a hyphen and a digit.  Or, with *IS_NAME, where ICD or DSM stands.  The end
 * of TEXT: none.  Nearly all blocks have neither such a name nor two digits side by side, and cost no more.
 */
static size_t
candidate(struct bytes text, size_t from, bool *is_name)
{
	for (size_t i = from; i < text.size; i += BLOCK_SIZE) {
		block names = names_at(text.at + i);
		block two = digits(text.at + i + 1) & digits(text.at + i + 2);
		uint32_t inside = block_inside(text.size - i);
		uint32_t found;

		if ((block_bits(names | two) & inside) == 0)
			continue;
		found = block_bits(names);
		found |= block_bits(codes_at(text.at + i, two)) & word_begins(text, i);
		found &= inside;
		if (found != 0) {
			unsigned first = (unsigned)__builtin_ctz(found);

			*is_name = (block_bits(names) >> first & 1) != 0;
			return i + first;
		}
	}
	return text.size;
}

bool
codes_text_may(struct bytes text)
{
	bool is_name;

	return candidate(text, 0, &is_name) < text.size;
}

struct looking {
	const struct codes *codes;
	struct bytes text;
	struct codes_match *match;
};

/* What stands before a code. */
enum told {
	TOLD_NOTHING,
	TOLD_OTHER,     /* it is the number of something else */
	TOLD_CODE,      /* "code" alone */
	TOLD_DIAGNOSIS, /* "Dx" */
	TOLD_ICD,       /* of no edition */
	TOLD_SYSTEM,
};

/* Words of English and German, with a blank on both sides of each. */
static const char diagnosis[] =
    " dx dg diag diagn diagnosis diagnoses diagnose diagnosen diagnosecode diagnosekode dxcode "
    "diagnoseschl\xc3\xbcssel diagnoseschluessel hauptdiagnose nebendiagnose entlassdiagnose "
    "aufnahmediagnose ";
/* Close before a code, and close behind one. */
static const char of_patient[] =
    " history hx known suspected confirmed verdacht v.a zustand z.n bekannt bekannte bekannter bekannten "
    "gesichert gesicherte gesicherter ";
static const char diagnosed[] =
    " infection infektion disease erkrankung disorder syndrome gesichert diagnosed diagnostiziert positive ";
static const char since[] = " since seit ";
/* What has such numbers, behind one. */
static const char machine[] =
    " lead leads elektrode error errors fehler fault alarm door t\xc3\xbcr key taste button knopf "
    "port channel cable kabel connector stecker sensor battery batterie pump display screen paper "
    "film steel model version firmware menu men\xc3\xbc cover ";
/* Before such a number: somebody or something is there, or comes from there. */
static const char places[] = " in im at am to into from nach aus auf zu zum via by per bed ";
/* "patient with B20", "suffers from B20", "wegen B20". */
static const char with[] = " with w mit has hat have had having ";
static const char patient[] =
    " patient patients patientin patienten pt pts pat client klient klientin man woman male female "
    "mother father child boy girl he she i who mann frau kind junge mutter vater er "
    "sie ich ";
static const char of_illness[] = " for from to of with f\xc3\xbcr an mit ";
static const char ill[] =
    " suffers suffering suffered leidet litt treated treatment therapy therapie behandelt "
    "behandlung admitted admission aufgenommen aufnahme hospitalized hospitalised diagnosed "
    "diagnostiziert secondary due living lives lebt ill krank erkrankt ";
static const char because[] = " wegen aufgrund ";
static const char code_words[] = " code codes kode ";
static const char icd[] = " icd cie dsm dsm-iv dsm-5 dsm-v dsm-iv-tr dsm-5-tr ";
static const char other[] =
    " room rooms raum zimmer ward wards station bed beds bett bay haus house building geb\xc3\xa4ude floor "
    "etage unit suite gate seat desk slot locker drawer shelf cabinet lot charge batch serial model "
    "version type typ part section abschnitt chapter kapitel figure fig abbildung abb table tabelle page "
    "seite form formular item key press taste port channel error fehler fault alarm door apt apartment "
    "office box well grid pin zip plz postal "
    "product access area country phone tel telephone telefon fax mobile mrn account konto invoice rechnung "
    "order ticket case fall fallnummer ref reference route bus flight line linie size vitamin vit ventilator "
    "pump monitor machine device display screen ";

static bool
is_one_of(struct bytes word, const char *words)
{
	char room[32] = " ";

	if (word.size > sizeof room - 3)
		return false;
	for (size_t i = 0; i < word.size; i++)
		room[i + 1] = ascii_lower(word.at[i]);
	room[word.size + 1] = ' ';
	return strstr(words, room) != NULL;
}

/* WORD without what belongs to the sentence. */
static struct bytes
trim(struct bytes word)
{
	while (word.size > 0 && (word.at[0] == '.' || word.at[0] == '-' || word.at[0] == '_'))
		word = (struct bytes){ word.at + 1, word.size - 1 };
	while (word.size > 0 && strchr(".-_", word.at[word.size - 1]) != NULL)
		word.size--;
	return word;
}

/* The word that ends before END; *END becomes its beginning.  Empty: none at or after FROM. */
static struct bytes
word_before(struct bytes text, size_t from, size_t *end)
{
	size_t last = *end, first;

	while (last > from && !is_word(text.at[last - 1]))
		last--;
	for (first = last; first > from && is_word(text.at[first - 1]);)
		first--;
	*end = first;
	return (struct bytes){ text.at + first, last - first };
}

static bool
is_icd_begin(struct bytes word)
{
	return word.size >= 3 && word.at[0] >= 'A' && word.at[0] <= 'Z' && ascii_is_digit(word.at[1]) &&
	       ascii_is_digit(word.at[2]);
}

/* The system that WORD names: ICD-10-GM, SNOMED, loinc.org, 2.16.840.1.113883.6.90. */
static unsigned
system_named(const struct codes *c, struct bytes word)
{
	const char *dot = memchr(word.at, '.', word.size);
	unsigned system = word.size < 3 ? CODES_ANY_SYSTEM : codes_system(c, word);

	if (system == CODES_UNKNOWN_SYSTEM && dot != NULL)
		system = codes_system(c, (struct bytes){ word.at, (size_t)(dot - word.at) });
	if (system == CODES_UNKNOWN_SYSTEM || system == CODES_ANY_SYSTEM || codes_system_plain(c, system))
		return CODES_ANY_SYSTEM;
	return system;
}

/* What stands before the code at AT; *SYSTEM is set with TOLD_SYSTEM. */
static enum told
told_before(const struct looking *l, size_t at, unsigned *system)
{
	size_t from = at > LOOK_BACK ? at - LOOK_BACK : 0;
	enum told told = TOLD_NOTHING;
	unsigned words = 0;

	while (at > from && words < NAMING_WORDS) {
		struct bytes word = trim(word_before(l->text, from, &at));

		if (word.size == 0 || is_icd_begin(word))
			continue; /* a list of codes goes on */
		if (is_one_of(word, icd))
			return TOLD_ICD;
		if (is_one_of(word, diagnosis))
			return TOLD_DIAGNOSIS;
		if (words < OTHER_WORDS && is_one_of(word, other))
			return TOLD_OTHER;
		if (words < OTHER_WORDS && is_one_of(word, of_patient))
			return TOLD_DIAGNOSIS;
		if (words == 0 && is_one_of(word, code_words))
			told = TOLD_CODE; /* unless it is an error's */
		*system = system_named(l->codes, word);
		if (*system != CODES_ANY_SYSTEM)
			return TOLD_SYSTEM;
		words++;
	}
	return told;
}

/* The word that begins behind *END, which becomes its end.  Empty: none. */
static struct bytes
word_behind(struct bytes text, size_t *end)
{
	size_t first = *end;

	while (first < text.size && !is_word(text.at[first]))
		first++;
	for (*end = first; *end < text.size && is_word(text.at[*end]);)
		++*end;
	return (struct bytes){ text.at + first, *end - first };
}

/* Whether close behind END stands what has such a number: "ICD f20 lead", "Code F10: door open". */
static bool
is_of_machine(struct bytes text, size_t end)
{
	for (unsigned i = 0; i < OTHER_WORDS; i++)
		if (is_one_of(trim(word_behind(text, &end)), machine))
			return true;
	return false;
}

/* Whether a year stands close behind END: 2019, 03/2019. */
static bool
names_year(struct bytes text, size_t end)
{
	for (unsigned i = 0; i < OTHER_WORDS; i++) {
		struct bytes word = trim(word_behind(text, &end));

		if (bytes_digits(word, 0) == YEAR_DIGITS ||
		    (word.size > YEAR_DIGITS && bytes_digits(word, word.size - YEAR_DIGITS) == YEAR_DIGITS))
			return true;
	}
	return false;
}

/* Whether the word behind END, with blanks before it, speaks of a diagnosis.  G: gesichert, in ICD-10-GM. */
static bool
is_diagnosed(struct bytes text, size_t end)
{
	size_t behind = end;
	struct bytes word = word_behind(text, &behind);

	for (size_t i = end; text.at + i < word.at; i++)
		if (text.at[i] != ' ')
			return false;
	if (bytes_are(word, "G") || is_one_of(trim(word), diagnosed))
		return true;
	return is_one_of(word, since) && names_year(text, behind);
}

/* Whether what stands before AT says that a patient has what follows. */
static bool
has_patient(struct bytes text, size_t at)
{
	size_t from = at > LOOK_BACK ? at - LOOK_BACK : 0;
	struct bytes link = trim(word_before(text, from, &at));
	struct bytes before = trim(word_before(text, from, &at));

	if (is_one_of(link, because) || (is_one_of(link, of_illness) && is_one_of(before, ill)))
		return true;
	if (!is_one_of(link, with))
		return false;
	for (unsigned i = 0; i < PATIENT_WORDS; i++) {
		if (is_one_of(before, patient) || is_one_of(before, ill))
			return true;
		before = trim(word_before(text, from, &at));
	}
	return false;
}

/* Whether somebody or something is at AT: "moved to B20". */
static bool
is_at_place(struct bytes text, size_t at)
{
	return is_one_of(trim(word_before(text, at > LOOK_BACK ? at - LOOK_BACK : 0, &at)), places);
}

/* Whether a text, or an item in it, ends at AT. */
static bool
ends_item(struct bytes text, size_t at)
{
	char c = bytes_at(text, at);

	if (c == '/' || c == '-')
		return is_icd_begin((struct bytes){ text.at + at + 1, text.size - at - 1 });
	if (c == ' ' && bytes_at(text, at + 1) == '(')
		return true;
	if (c == ' ')
		return (bytes_at(text, at + 1) == '-' || bytes_at(text, at + 1) == '=') &&
		       bytes_at(text, at + 2) == ' ';
	return c == '\0' || strchr(")]},;:|^<>*'\"\n\r\t=", c) != NULL;
}

static bool
begins_item(struct bytes text, size_t at)
{
	size_t code = at;

	if (at > 0 && (text.at[at - 1] == '/' || text.at[at - 1] == '-'))
		return at > 3 && is_icd_begin((struct bytes){ text.at + at - 4, 3 });
	while (at > 0 && text.at[at - 1] == ' ')
		at--;
	if (at > 0 && at < code && text.at[at - 1] == '#')
		return true; /* #F32 is a colour */
	if (at > 1 && text.at[at - 1] == '-' && text.at[at - 2] == ' ')
		return true;
	return at == 0 || strchr("([{,;:|^<>*'\"\n\r\t=", text.at[at - 1]) != NULL;
}

/* Whether the three characters of ICD-10 from AT to END, in a text without a name for them, are a code. */
static bool
says_illness(struct bytes text, size_t at, size_t end)
{
	if (begins_item(text, at) && ends_item(text, end))
		return true;
	return !is_of_machine(text, end) &&
	       ((is_diagnosed(text, end) && !is_at_place(text, at)) || has_patient(text, at));
}

/* Without a system: what no list of other things has.  A number that is all of its text may be anything's. */
static bool
find_by_form(const struct looking *l, struct bytes code, size_t at, size_t end)
{
	const char *hyphen = memchr(code.at, '-', code.size);
	bool is_all = at == 0 && end == l->text.size;

	if (ascii_is_digit(code.at[0]) && is_all)
		return false;
	if (ascii_is_digit(code.at[0]))
		return hyphen != NULL ? hyphen - code.at >= LOINC_DIGITS &&
					    codes_find_form(l->codes, CODEFORM_LOINC, code, l->match)
				      : code.size >= SHORTEST_ID &&
					    codes_find_form(l->codes, CODEFORM_SNOMED, code, l->match);
	if (!is_icd_begin(code))
		return false;
	if (code.size == SUBSTANCE && codeform_fits(CODEFORM_ATC, code))
		return codes_find_form(l->codes, CODEFORM_ATC, code, l->match);
	if (bytes_at(l->text, at + 3) == '.' && (code.size > 4 || bytes_at(l->text, at + 4) == '-'))
		return codes_find_form(l->codes, CODEFORM_ICD10, code, l->match);
	return code.size == 3 && !is_all && says_illness(l->text, at, end) &&
	       codes_find_form(l->codes, CODEFORM_ICD10, code, l->match);
}

/* Looks at the code from AT to END. */
static bool
look_at(const struct looking *l, size_t at, size_t end)
{
	struct bytes code = trim((struct bytes){ l->text.at + at, end - at });
	unsigned system = CODES_ANY_SYSTEM;
	enum told told;
	bool found = false;

	if (code.size == 0 || code.size > LONGEST_CODE || !codes_is_listed(l->codes, code))
		return false;
	told = told_before(l, at, &system);
	if ((told == TOLD_CODE || told == TOLD_ICD) && is_of_machine(l->text, end))
		told = TOLD_NOTHING; /* ICD is also a defibrillator */
	switch (told) {
	case TOLD_OTHER:
		return false;
	case TOLD_SYSTEM:
		found = codes_find_part(l->codes, system, code, l->match);
		break;
	case TOLD_ICD:
		found = codes_find_form(l->codes, CODEFORM_ICD9, code, l->match);
		found |= codes_find_form(l->codes, CODEFORM_ICD11, code, l->match);
		found |= codes_find_form(l->codes, CODEFORM_ICD10, code, l->match);
		break;
	case TOLD_CODE:
	case TOLD_DIAGNOSIS:
		found = codes_find_form(l->codes, CODEFORM_ICD10, code, l->match);
		break;
	case TOLD_NOTHING:
		break;
	}
	return found || find_by_form(l, code, at, end);
}

/* A range such as F10-F19 is both. */
static bool
look_at_word(const struct looking *l, size_t at, size_t end)
{
	const char *text = l->text.at;
	const char *hyphen = memchr(text + at, '-', end - at);
	size_t middle = hyphen == NULL ? end : (size_t)(hyphen - text);
	bool is_range = middle + 3 < end && is_icd_begin((struct bytes){ text + at, middle - at }) &&
			is_icd_begin((struct bytes){ text + middle + 1, end - middle - 1 });
	bool found = look_at(l, at, end);

	if (is_range)
		found |= look_at(l, at, middle) | look_at(l, middle + 1, end);
	return found;
}

/* Looks at all words from AT on that begin like a code: a name before them may make one of a short number. */
static bool
look_at_rest(const struct looking *l, size_t at)
{
	bool found = false;

	for (size_t end; at < l->text.size; at = end) {
		for (end = at; end < l->text.size && is_word(l->text.at[end]);)
			end++;
		if (end - at > 2 && (ascii_is_digit(l->text.at[at]) || ascii_is_digit(l->text.at[at + 1])))
			found |= look_at_word(l, at, end);
		end += end == at;
	}
	return found;
}

bool
codes_text_find(const struct codes *c, struct bytes text, struct codes_match *match)
{
	struct looking l = { c, text, match };
	bool found = false, is_name = false;
	size_t at = 0;

	while ((at = candidate(text, at, &is_name)) < text.size && !is_name) {
		size_t end = at;

		while (end < text.size && is_word(text.at[end]))
			end++;
		found |= look_at_word(&l, at, end);
		at = end;
	}
	return (is_name && look_at_rest(&l, at)) || found;
}

bool
codes_text_is_one(struct bytes text)
{
	return text.size <= LONGEST_CODE && text.size > 2 && memchr(text.at, ' ', text.size) == NULL;
}

bool
codes_text_find_one(const struct codes *c, struct bytes text, struct codes_match *match)
{
	text = codeform_bare(text);
	if (is_icd_begin(text))
		return codes_find_form(c, CODEFORM_ICD10, text, match) |
		       codes_find_form(c, CODEFORM_ATC, text, match);
	return codes_find_form(c, CODEFORM_SNOMED, text, match) |
	       codes_find_form(c, CODEFORM_LOINC, text, match);
}
