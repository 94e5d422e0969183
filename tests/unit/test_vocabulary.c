/* SPDX-License-Identifier: ISC */
#include "common/policy/vocabulary.h"
#include "tests/lib/tap.h"

static const struct concept *
find(enum vocabulary v, const char *code)
{
	return vocabulary_find(v, bytes_of(code));
}

static bool
below(const char *a, const char *b)
{
	return vocabulary_below(
	    VOCABULARY_SENSITIVITY, find(VOCABULARY_SENSITIVITY, a), find(VOCABULARY_SENSITIVITY, b));
}

/* What the search by halving and the table of places rest on. */
static void
check_tables(void)
{
	for (enum vocabulary v = 0; v < VOCABULARY_COUNT; v++) {
		bool good = vocabulary_size(v) > 0 && vocabulary_system(v).size > 0;

		for (size_t i = 0; i < vocabulary_size(v); i++) {
			const struct concept *c = vocabulary_at(v, i);

			good = good && c->index == i && vocabulary_find(v, c->code) == c;
			good = good && (i == 0 || bytes_compare(vocabulary_at(v, i - 1)->code, c->code) < 0);
			good = good && (c->parent == CONCEPT_NO_PARENT || c->parent < vocabulary_size(v));
			good = good && vocabulary_below(v, c, c);
		}
		check(good);
	}
}

static void
check_status(void)
{
	check(find(VOCABULARY_SENSITIVITY, "HIV")->status == CONCEPT_ACTIVE);
	check(find(VOCABULARY_CONFIDENTIALITY, "HIV")->status == CONCEPT_RETIRED);
	check(find(VOCABULARY_SENSITIVITY, "SICKLE")->status == CONCEPT_RETIRED);
	check(find(VOCABULARY_SENSITIVITY, "_InformationSensitivityPolicy")->status == CONCEPT_ABSTRACT);
	check(find(VOCABULARY_RESOURCE_TYPE, "Observation")->status == CONCEPT_ACTIVE);
	check(find(VOCABULARY_RESOURCE_TYPE, "DomainResource")->status == CONCEPT_ABSTRACT);
	check(find(VOCABULARY_PRIVACY_LAW, "42CFRPart2")->status == CONCEPT_ACTIVE);
	check(find(VOCABULARY_HANDLING, "REDACT") != NULL && find(VOCABULARY_PURPOSE, "TREAT") != NULL);
	check(find(VOCABULARY_SENSITIVITY, "hiv") == NULL);
	check(find(VOCABULARY_SENSITIVITY, "") == NULL);
	check(find(VOCABULARY_SENSITIVITY, "42CFRPart2") == NULL);
	check(find(VOCABULARY_RESOURCE_TYPE, "Observations") == NULL);
}

static void
check_hierarchy(void)
{
	uint64_t mask;

	check(below("OPIOIDUD", "SUD") && below("OPIOIDUD", "SPI") && below("SUD", "SUD"));
	check(!below("SUD", "OPIOIDUD") && !below("SUD", "ETH") && !below("HIV", "STD"));
	check(below("HIV", "_InformationSensitivityPolicy") && below("VIP", "_InformationSensitivityPolicy"));
	mask = vocabulary_labels_below(VOCABULARY_SENSITIVITY, find(VOCABULARY_SENSITIVITY, "SUD"));
	check(__builtin_popcountll(mask) == 3);
	check((mask >> find(VOCABULARY_SENSITIVITY, "ETHUD")->index) & 1);
	mask = vocabulary_labels_below(VOCABULARY_SENSITIVITY, find(VOCABULARY_SENSITIVITY, "ETH"));
	check(__builtin_popcountll(mask) == 1);
	mask =
	    vocabulary_labels_below(VOCABULARY_PRIVACY_LAW, find(VOCABULARY_PRIVACY_LAW, "_ActPrivacyLaw"));
	check((size_t)__builtin_popcountll(mask) == vocabulary_size(VOCABULARY_PRIVACY_LAW));
	check((mask & vocabulary_labels_below(VOCABULARY_SENSITIVITY,
			  find(VOCABULARY_SENSITIVITY, "_InformationSensitivityPolicy"))) == 0);
	mask =
	    vocabulary_labels_below(VOCABULARY_PRIVACY_LAW, find(VOCABULARY_PRIVACY_LAW, "_ActUSPrivacyLaw"));
	check((mask & vocabulary_label(VOCABULARY_PRIVACY_LAW, find(VOCABULARY_PRIVACY_LAW, "42CFRPart2"))) !=
	      0);
	check((mask & vocabulary_label(
			  VOCABULARY_PRIVACY_LAW, find(VOCABULARY_PRIVACY_LAW, "GDPRCONSENT"))) == 0);
}

int
main(void)
{
	check_tables();
	check_status();
	check_hierarchy();
	return tap_end();
}
