/* SPDX-License-Identifier: ISC */
#include "cmd/consent/sentences.h"

#include "common/access/request.h"
#include "common/policy/vocabulary.h"

#include <stdio.h>
#include <string.h>

static void
put(const struct sentences *s, struct bytes text)
{
	(void)buffer_append(s->out, text.at, text.size);
}

void
sentences_say(const struct sentences *s, const char *en, const char *de)
{
	put(s, bytes_of(s->language == SENTENCES_EN ? en : de));
}

/* The bytes of the character of TEXT at AT if names and URIs have it, or it is a Latin letter; else 0. */
static size_t
name_character(struct bytes text, size_t at)
{
	unsigned char c = (unsigned char)text.at[at];

	if (c < 0x80)
		return ascii_is_alnum((char)c) || strchr("-._/:|#+@", c) ? 1 : 0;
	return c >= 0xc3 && c <= 0xc9 && at + 1 < text.size ? 2 : 0;
}

/*
 * A value of the directive.  If all of it is not characters of a name, it stands in quotation marks, and what
 * could end these or move the cursor is escaped: it could pass for words of the sentence.
 */
static void
put_name(const struct sentences *s, struct bytes text)
{
	size_t size, at = 0;
	char escape[8];

	while (at < text.size && (size = name_character(text, at)) > 0)
		at += size;
	if (at == text.size && at > 0) {
		put(s, text);
		return;
	}
	put(s, bytes_of("\""));
	for (at = 0; at < text.size; at += size) {
		unsigned char c = (unsigned char)text.at[at];

		size = name_character(text, at);
		if (size == 0 && c >= ' ' && c < 0x7f && c != '"' && c != '\\')
			size = 1;
		if (size > 0) {
			put(s, (struct bytes){ text.at + at, size });
			continue;
		}
		(void)snprintf(escape, sizeof escape, "\\x%02x", c);
		put(s, bytes_of(escape));
		size = 1;
	}
	put(s, bytes_of("\""));
}

/* What stands below the purpose, too, where that is an emergency. */
static void
put_emergencies(const struct sentences *s, const struct concept *purpose)
{
	static const struct {
		const char *code, *en, *de;
	} below[] = { { "ETREAT", ", emergencies included", ", Notfälle eingeschlossen" },
		{ "BTG", ", breaking the glass included", ", Durchbrechen der Sperre eingeschlossen" } };

	for (size_t i = 0; i < sizeof below / sizeof below[0]; i++) {
		const struct concept *c = vocabulary_find(VOCABULARY_PURPOSE, bytes_of(below[i].code));

		if (c != purpose && vocabulary_below(VOCABULARY_PURPOSE, c, purpose))
			sentences_say(s, below[i].en, below[i].de);
	}
}

static void
put_meaning(const struct sentences *s, const struct concept *c, bool purpose)
{
	if (!c || c->display.size == 0)
		return;
	put(s, bytes_of(" ("));
	put(s, c->display);
	if (purpose)
		put_emergencies(s, c);
	put(s, bytes_of(")"));
}

/* A code as it is compared, with its meaning; a level with its direction; any other value as it stands. */
static void
put_value(const struct sentences *s, const char *key, struct bytes value, bool permit)
{
	if (strcmp(key, "why") == 0) {
		value = request_code(ATTRIBUTE_PURPOSE, value);
		put_name(s, value);
		put_meaning(s, vocabulary_find(VOCABULARY_PURPOSE, value), true);
	} else if (strcmp(key, "label") == 0) {
		value = request_code(ATTRIBUTE_LABEL, value);
		put_name(s, value);
		if (policy_level(s->policy, value) >= 0)
			sentences_say(s, permit ? " or lower" : " or higher",
			    permit ? " oder niedriger" : " oder höher");
		else
			put_meaning(s, vocabulary_find(VOCABULARY_SENSITIVITY, value), false);
	} else {
		put_name(s, strcmp(key, "class") == 0 ? request_code(ATTRIBUTE_CLASS, value) : value);
	}
}

static void
put_list(const struct sentences *s, const char *key, const struct yaml_node *node, bool permit, bool all)
{
	size_t count = node->kind == YAML_LIST ? node->count : 1;

	for (size_t i = 0; i < count; i++) {
		const struct yaml_node *item = node->kind == YAML_LIST ? node->item[i] : node;

		if (i > 0)
			sentences_say(s, all ? " and " : " or ", all ? " und " : " oder ");
		put_value(s, key, item->text, permit);
	}
}

static const struct {
	const char *word, *en, *de;
} operators[] = { { "not", "none of ", "keines von " }, { "all", "all of ", "alle von " },
	{ "at_least", "at least ", "mindestens " }, { "below", "below ", "unter " } };

static void
put_values(const struct sentences *s, const char *key, const struct yaml_node *node, bool permit)
{
	if (node->kind != YAML_MAP) {
		put_list(s, key, node, permit, false);
		return;
	}
	for (size_t i = 0; i < node->count; i++) {
		bool negated = bytes_are(node->key[i]->text, "not");

		for (size_t k = 0; k < sizeof operators / sizeof operators[0]; k++)
			if (bytes_are(node->key[i]->text, operators[k].word))
				sentences_say(s, operators[k].en, operators[k].de);
		if (bytes_are(node->key[i]->text, "present"))
			sentences_say(s, node->item[i]->truth ? "stated" : "not stated",
			    node->item[i]->truth ? "angegeben" : "nicht angegeben");
		else
			put_list(
			    s, key, node->item[i], permit != negated, bytes_are(node->key[i]->text, "all"));
	}
}

/* How a criterion is said, by its map and key; a key NULL stands for all others, and is named. */
static const struct phrase {
	const char *map, *key, *en, *de;
} phrases[] = {
	{ "who", "id", "by ", "durch " },
	{ "who", "ref", "by ", "durch " },
	{ "who", "structural_role", "by people of the role ", "durch Personen der Rolle " },
	{ "who", "functional_role", "by people with the task ", "durch Personen mit der Aufgabe " },
	{ "who", "relation", "by people in the relation ", "durch Personen in der Beziehung " },
	{ "who", NULL, "by those whose ", "durch die, deren " },
	{ "how", NULL, "where the action's ", "wo an der Handlung " },
	{ "what", "label", "data labelled ", "Daten mit dem Label " },
	{ "what", "class", "records of the type ", "Einträge der Art " },
	{ "what", "code", "data coded ", "Daten mit dem Code " },
	{ "what", "author", "data written by ", "Daten, verfasst von " },
	{ "what", "related", "data related to ", "Daten, die gehören zu " },
	{ "what", "instance", "the entries ", "die Einträge " },
	{ "what", NULL, "where the record's ", "wo an der Akte " },
	{ "where", NULL, "where ", "wo " },
	{ "when", NULL, "where ", "wo " },
};

static const struct phrase *
find_phrase(const char *map, struct bytes key)
{
	for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++)
		if (strcmp(phrases[i].map, map) == 0 && (!phrases[i].key || bytes_are(key, phrases[i].key)))
			return &phrases[i];
	return NULL;
}

/* WHOLE: of dates, the last of which is meant, too; else of instants. */
static void
put_period(const struct sentences *s, const struct yaml_node *map, bool whole)
{
	const struct yaml_node *from = yaml_find(map, "from"), *until = yaml_find(map, "until");

	if (from) {
		sentences_say(s, "from ", "ab ");
		put(s, from->text);
	}
	if (from && until)
		put(s, bytes_of(" "));
	if (until) {
		sentences_say(
		    s, whole ? "up to and including " : "until ", whole ? "bis einschließlich " : "bis ");
		put(s, until->text);
	}
}

/* `relation: {supervises: resource.author}` */
static void
put_relations(const struct sentences *s, const struct yaml_node *map)
{
	for (size_t i = 0; i < map->count; i++) {
		if (i > 0)
			sentences_say(s, " and ", " und ");
		put(s, map->key[i]->text);
		sentences_say(s, " to ", " zu ");
		put(s, map->item[i]->text);
	}
}

static void
put_pairs(const struct sentences *s, const struct yaml_node *pairs)
{
	for (size_t i = 0; i < pairs->count; i++) {
		sentences_say(s, i > 0 ? "; where " : "where ", i > 0 ? "; wo " : "wo ");
		put(s, pairs->item[i]->item[0]->text);
		sentences_say(s, " equals ", " gleich ist mit ");
		put(s, pairs->item[i]->item[1]->text);
	}
}

static void
put_member(const struct sentences *s, const char *map, const struct yaml_node *key,
    const struct yaml_node *value, bool permit)
{
	const struct phrase *p = find_phrase(map, key->text);
	char name[32];

	if (bytes_are(key->text, "date")) {
		sentences_say(s, "data ", "Daten ");
		put_period(s, value, true);
		return;
	}
	sentences_say(s, p ? p->en : "", p ? p->de : "");
	if (!p || !p->key) {
		put(s, key->text);
		sentences_say(s, " is ", " gleich ");
	}
	if (bytes_are(key->text, "relation") && value->kind == YAML_MAP)
		put_relations(s, value);
	else if (bytes_string(key->text, name, sizeof name))
		put_values(s, name, value, permit);
}

static void
separate(const struct sentences *s, bool *any)
{
	if (*any)
		put(s, bytes_of("; "));
	*any = true;
}

static void
put_map(const struct sentences *s, const struct yaml_node *rule, const char *name, bool permit, bool *any)
{
	const struct yaml_node *map = yaml_find(rule, name);
	bool period = map && (strcmp(name, "when") == 0 || strcmp(name, "where") == 0) &&
		      (yaml_find(map, "from") || yaml_find(map, "until"));

	for (size_t i = 0; map && i < map->count; i++) {
		if (period && (bytes_are(map->key[i]->text, "from") || bytes_are(map->key[i]->text, "until")))
			continue;
		separate(s, any);
		put_member(s, name, map->key[i], map->item[i], permit);
	}
	if (period) {
		separate(s, any);
		put_period(s, map, false);
	}
}

/* All criteria of a rule, an exception or a directive; false if there are none. */
static bool
put_criteria(const struct sentences *s, const struct yaml_node *rule, bool permit)
{
	const struct yaml_node *does = yaml_find(rule, "does"), *why = yaml_find(rule, "why");
	const struct yaml_node *same = yaml_find(rule, "same");
	bool any = false;

	put_map(s, rule, "who", permit, &any);
	if (does) {
		separate(s, &any);
		sentences_say(s, "to ", "um zu: ");
		put_values(s, "does", does, permit);
	}
	put_map(s, rule, "how", permit, &any);
	put_map(s, rule, "what", permit, &any);
	if (why) {
		separate(s, &any);
		sentences_say(s, "for the purpose ", "zum Zweck ");
		put_values(s, "why", why, permit);
	}
	put_map(s, rule, "where", permit, &any);
	put_map(s, rule, "when", permit, &any);
	if (same && same->count > 0) {
		separate(s, &any);
		put_pairs(s, same);
	}
	return any;
}

static void
put_rule(const struct sentences *s, const struct yaml_node *rule, bool *permit)
{
	const struct yaml_node *except = yaml_find(rule, "except");

	*permit = bytes_are(yaml_find(rule, "effect")->text, "permit");
	sentences_say(s, *permit ? "Permitted: " : "Forbidden: ", *permit ? "Erlaubt: " : "Verboten: ");
	if (!put_criteria(s, rule, *permit))
		sentences_say(s, "everything, to everybody", "alles, allen");
	put(s, bytes_of("."));
	if (yaml_find(rule, "if_missing"))
		sentences_say(s, " Where a request leaves open whether this applies, it does not.",
		    " Wo eine Anfrage offen lässt, ob das zutrifft, gilt es nicht.");
	for (size_t i = 0; except && i < except->count; i++) {
		sentences_say(s, " Not so: ", " Nicht so: ");
		(void)put_criteria(s, except->item[i], !*permit);
		put(s, bytes_of("."));
	}
	put(s, bytes_of("\n"));
}

void
sentences_rule(const struct sentences *s, const struct yaml_node *rule)
{
	const struct yaml_node *nested = yaml_find(rule, "rules");
	bool permit, inner;

	put_rule(s, rule, &permit);
	for (size_t i = 0; nested && i < nested->count; i++) {
		sentences_say(s, "   But: ", "   Aber: ");
		put_rule(s, nested->item[i], &inner);
	}
}

static void
put_acknowledged(const struct sentences *s, const struct yaml_node *list)
{
	if (!list)
		return;
	sentences_say(s, "Rules of the house that go before this: ", "Regeln des Hauses, die dem vorgehen: ");
	put_list(s, "", list, true, true);
	put(s, bytes_of(".\n"));
}

void
sentences_directive(const struct sentences *s, const struct yaml_node *d)
{
	const struct yaml_node *period = yaml_find(d, "period"), *rules = yaml_find(d, "rules");
	const struct yaml_node *status = yaml_find(d, "status");
	bool permit = bytes_are(yaml_find(d, "base")->text, "permit");
	size_t before;

	sentences_say(s, "Directive ", "Verfügung ");
	put_name(s, yaml_find(d, "consent")->text);
	sentences_say(s, " of ", " von ");
	put_name(s, yaml_find(d, "patient")->text);
	if (!bytes_are(status->text, "active")) {
		sentences_say(s, ", without effect as it is ", ", ohne Wirkung, da ");
		put(s, status->text);
	}
	if (period) {
		sentences_say(s, ", ", ", ");
		put_period(s, period, false);
	}
	put(s, bytes_of(".\n"));
	sentences_say(s,
	    permit ? "In general permitted, as far as the house's own rules permit it"
		   : "In general forbidden",
	    permit ? "Allgemein erlaubt, soweit die Regeln des Hauses es erlauben" : "Allgemein verboten");
	before = s->out->used;
	put(s, bytes_of(": "));
	if (!put_criteria(s, d, permit))
		s->out->used = before;
	put(s, bytes_of(".\n"));
	for (size_t i = 0; rules && i < rules->count; i++) {
		put(s, bytes_of("- "));
		sentences_rule(s, rules->item[i]);
	}
	put_acknowledged(s, yaml_find(d, "acknowledges"));
}
