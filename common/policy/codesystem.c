/* SPDX-License-Identifier: ISC */
#include "common/policy/codes_table.h"

#include "common/base/hash.h"
#include "common/base/memory.h"

#include <stdlib.h>

struct codesystem_name {
	struct bytes key;  /* the bare name, or a word; empty: a free place */
	unsigned system;   /* CODESYSTEM_NONE: no name, though a shorter beginning is */
	bool is_beginning; /* of any longer name */
	bool is_word;
};

enum row_kind { ROW_SYSTEM, ROW_PLAIN, ROW_NAMES, ROW_ALSO, ROW_NAME, ROW_WORD, ROW_NOT };

static const struct {
	enum row_kind kind;
	struct bytes name;
	enum codesystem_fold fold;
	enum codeform form;
} table[] = {
#define SYSTEM(uri, fold, form) { ROW_SYSTEM, BYTES(uri), FOLD_##fold, CODEFORM_##form },
#define PLAIN(uri) { ROW_PLAIN, BYTES(uri), FOLD_EXACT, CODEFORM_ANY },
#define NAMES(name) { ROW_NAMES, BYTES(name), FOLD_UPPER, CODEFORM_ANY },
#define ALSO(uri) { ROW_ALSO, BYTES(uri), FOLD_EXACT, CODEFORM_ANY },
#define NAME(name) { ROW_NAME, BYTES(name), FOLD_EXACT, CODEFORM_ANY },
#define WORD(name) { ROW_WORD, BYTES(name), FOLD_EXACT, CODEFORM_ANY },
#define NOT(name) { ROW_NOT, BYTES(name), FOLD_EXACT, CODEFORM_ANY },
#include "common/policy/codesystem.def"
#undef SYSTEM
#undef PLAIN
#undef NAMES
#undef ALSO
#undef NAME
#undef WORD
#undef NOT
};

enum { ROWS = sizeof table / sizeof table[0], MAX_WORD = 32 };

static bool
take_prefix(struct bytes *name, const char *prefix)
{
	size_t size = strlen(prefix);

	if (name->size < size)
		return false;
	for (size_t i = 0; i < size; i++)
		if (ascii_lower(name->at[i]) != prefix[i])
			return false;
	name->at += size;
	name->size -= size;
	return true;
}

static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/*
 * The part of NAME that all its spellings share (except for case): without blanks around it, scheme and www.,
 * version (|...), query, fragment, and slash at the end.
 */
static struct bytes
bare(struct bytes name)
{
	while (name.size > 0 && is_blank(name.at[0]))
		name = bytes_behind(name, 1);
	for (size_t i = 0; i < name.size; i++)
		if (name.at[i] == '|' || name.at[i] == '?' || name.at[i] == '#')
			name.size = i;
	if (take_prefix(&name, "http://") || take_prefix(&name, "https://"))
		(void)take_prefix(&name, "www.");
	else if (!take_prefix(&name, "urn:oid:"))
		(void)take_prefix(&name, "oid:");
	while (name.size > 0 && (name.at[name.size - 1] == '/' || is_blank(name.at[name.size - 1])))
		name.size--;
	return name;
}

static uint64_t
hash_byte(uint64_t hash, char c)
{
	return (hash ^ (unsigned char)ascii_lower(c)) * (hash_key[1] | 1);
}

static uint64_t
hash_of(struct bytes key)
{
	uint64_t hash = hash_key[0];

	for (size_t i = 0; i < key.size; i++)
		hash = hash_byte(hash, key.at[i]);
	return hash;
}

static struct codesystem_name *
place(const struct codesystems *s, struct bytes key, uint64_t hash)
{
	unsigned i = (unsigned)(hash >> 32) & (s->name_room - 1);

	while (s->name[i].key.size > 0 && !bytes_equal_folded(s->name[i].key, key))
		i = (i + 1) & (s->name_room - 1);
	return &s->name[i];
}

static void
grow_names(struct codesystems *s)
{
	struct codesystems old = *s;

	s->name_room = old.name_room > 0 ? 2 * old.name_room : 1024;
	s->name = memory_zeros(s->name_room, sizeof *s->name);
	for (unsigned i = 0; i < old.name_room; i++)
		if (old.name[i].key.size > 0)
			*place(s, old.name[i].key, hash_of(old.name[i].key)) = old.name[i];
	free(old.name);
}

/* NAME may end in *. */
static void
add_name(struct codesystems *s, struct bytes name, unsigned system, bool is_word)
{
	struct codesystem_name new = { .system = system, .is_word = is_word };

	new.is_beginning = name.at[name.size - 1] == '*';
	name.size -= new.is_beginning;
	new.key = bare(name);
	/* A slash before the * belongs to the beginning. */
	if (new.is_beginning)
		new.key.size = (size_t)(name.at + name.size - new.key.at);
	if (2 * (s->names + 1) > s->name_room)
		grow_names(s);
	*place(s, new.key, hash_of(new.key)) = new;
	s->names++;
}

static unsigned
add_system(struct codesystems *s, struct bytes uri, enum codesystem_fold fold, enum codeform form)
{
	if (s->count + 1 >= s->room) {
		s->room = s->room > 0 ? 2 * s->room : 64;
		s->at = memory_grow(s->at, s->room, sizeof *s->at);
	}
	s->count++;
	s->at[s->count] = (struct codesystem){ .uri = uri, .fold = fold, .form = form };
	add_name(s, uri, s->count, false);
	return s->count;
}

/* Once all systems are there, since two may look into each other's rows. */
static void
add_also(struct codesystems *s)
{
	unsigned system = 0;

	for (size_t i = 0; i < ROWS; i++) {
		system +=
		    table[i].kind == ROW_SYSTEM || table[i].kind == ROW_PLAIN || table[i].kind == ROW_NAMES;
		if (table[i].kind == ROW_ALSO) {
			uint16_t *also = s->at[system].also;

			also[also[0] != CODESYSTEM_NONE] = (uint16_t)codesystems_find(s, table[i].name);
		}
	}
}

void
codesystems_init(struct codesystems *s)
{
	*s = (struct codesystems){ 0 };
	for (size_t i = 0; i < ROWS; i++) {
		switch (table[i].kind) {
		case ROW_SYSTEM:
		case ROW_PLAIN:
		case ROW_NAMES:
			(void)add_system(s, table[i].name, table[i].fold, table[i].form);
			s->at[s->count].is_plain = table[i].kind != ROW_SYSTEM;
			s->at[s->count].is_names = table[i].kind == ROW_NAMES;
			break;
		case ROW_NAME:
		case ROW_WORD:
			add_name(s, table[i].name, s->count, table[i].kind == ROW_WORD);
			break;
		case ROW_NOT:
			add_name(s, table[i].name, CODESYSTEM_NONE, false);
			break;
		case ROW_ALSO:
			break;
		}
	}
	add_also(s);
}

void
codesystems_release(struct codesystems *s)
{
	free(s->at);
	free(s->name);
	*s = (struct codesystems){ 0 };
}

/* A part of a path that counts versions: 2024, 20200731, v3.1, 2.16. */
static bool
is_version(struct bytes part)
{
	(void)take_prefix(&part, "v");
	for (size_t i = 0; i < part.size; i++)
		if (!ascii_is_digit(part.at[i]) && part.at[i] != '.' && part.at[i] != '-' &&
		    part.at[i] != '_')
			return false;
	return part.size > 0;
}

/* The last part of NAME, behind the last of SEPARATORS. */
static struct bytes
last_part(struct bytes name, const char *separators)
{
	size_t i = name.size;

	while (i > 0 && strchr(separators, name.at[i - 1]) == NULL)
		i--;
	return bytes_behind(name, i);
}

/* The longest beginning of KEY that stands for any longer name; NULL: none does. */
static const struct codesystem_name *
find_beginning(const struct codesystems *s, struct bytes key)
{
	const struct codesystem_name *found = NULL;
	uint64_t hash = hash_key[0];

	for (size_t i = 0; i < key.size; i++) {
		const struct codesystem_name *name = place(s, (struct bytes){ key.at, i }, hash);

		if (i > 0 && name->key.size > 0 && name->is_beginning)
			found = name;
		hash = hash_byte(hash, key.at[i]);
	}
	return found;
}

/* The system that PART names as a word: ICD-10-CM is icd10cm, and so are v3-icd10CM and ICD10CM_2024. */
static unsigned
find_word(const struct codesystems *s, struct bytes part)
{
	char text[MAX_WORD];
	struct bytes word = { text, 0 };
	const struct codesystem_name *name;

	if (!take_prefix(&part, "v3-"))
		(void)take_prefix(&part, "v2-");
	for (size_t i = 0; i < part.size; i++) {
		char c = part.at[i];

		/* Trade marks, parentheses and hyphens of any kind count no more than blanks. */
		if (!ascii_is_digit(c) && !((c | 0x20) >= 'a' && (c | 0x20) <= 'z'))
			continue;
		if (word.size == MAX_WORD)
			return CODESYSTEM_NONE;
		text[word.size++] = c;
	}
	if (word.size == 0)
		return CODESYSTEM_NONE;
	name = place(s, word, hash_of(word));
	if (name->is_word)
		return name->system;
	if (word.size <= 4 || !is_version((struct bytes){ word.at + word.size - 4, 4 }))
		return CODESYSTEM_NONE;
	word.size -= 4;
	name = place(s, word, hash_of(word));
	return name->is_word ? name->system : CODESYSTEM_NONE;
}

/*
 * Looks for a word from the last part of KEY to the first, in a name of several words (ICD-10-CM diagnosis
 * codes) also without the last ones.  The parts before FROM are not looked at.
 */
static unsigned
find_words(const struct codesystems *s, struct bytes key, size_t from)
{
	while (key.size > from) {
		struct bytes part = last_part(key, "/:");
		size_t before = key.size - part.size;
		unsigned system;

		while (before >= from && part.size > 0) {
			if ((system = find_word(s, part)) != CODESYSTEM_NONE)
				return system;
			part.size -= last_part(part, " ").size;
			part.size -= part.size > 0;
		}
		key.size = before > 0 ? before - 1 : 0;
	}
	return CODESYSTEM_NONE;
}

/* IS_OWN: the system has this name, or one that differs in its version only. */
static unsigned
find(const struct codesystems *s, struct bytes key, bool *is_own)
{
	const struct codesystem_name *found;
	unsigned system;

	for (struct bytes cut = key; cut.size > 0;) {
		struct bytes part = last_part(cut, "/");

		found = place(s, cut, hash_of(cut));
		*is_own = found->key.size > 0;
		if (*is_own)
			return found->system;
		cut.size = is_version(part) && part.size < cut.size ? cut.size - part.size - 1 : 0;
	}
	found = find_beginning(s, key);
	system = find_words(s, key, found != NULL ? found->key.size : 0);
	return system != CODESYSTEM_NONE || found == NULL ? system : found->system;
}

unsigned
codesystems_find(const struct codesystems *s, struct bytes name)
{
	char room[CODEFORM_ROOM];
	bool is_own;

	return find(s, bare(codeform_bare(codeform_plain(name, room))), &is_own);
}

bool
codesystems_same(struct bytes name, struct bytes uri)
{
	char room[CODEFORM_ROOM];
	struct bytes key = bare(codeform_bare(codeform_plain(name, room))), canonical = bare(uri);
	bool here = false;

	if (bytes_equal_folded(key, canonical))
		return true;
	for (size_t i = 0; i < ROWS; i++) {
		if (table[i].kind == ROW_SYSTEM || table[i].kind == ROW_PLAIN)
			here = bytes_equal_folded(bare(table[i].name), canonical);
		if (here && table[i].kind == ROW_NAME && bytes_equal_folded(bare(table[i].name), key))
			return true;
	}
	return false;
}

/* True if TEXT has PART behind its scheme, whatever the case and with or without www. */
static bool
is_at(struct bytes text, const char *part)
{
	const char *colon = text.size > 0 ? memmem(text.at, text.size, "://", 3) : NULL;
	struct bytes rest = { colon ? colon + 3 : "", colon ? text.size - (size_t)(colon + 3 - text.at) : 0 };

	if (rest.size > 4 && bytes_equal_folded((struct bytes){ rest.at, 4 }, (struct bytes)BYTES("www.")))
		rest = bytes_behind(rest, 4);
	if (rest.size < strlen(part))
		return false;
	rest.size = strlen(part);
	return bytes_equal_folded(rest, bytes_of(part));
}

enum class_shown
codes_class_shown(struct bytes system, struct bytes code)
{
	static const char *const coded[] = { "hl7.org/fhir/sid/", "hl7.org/fhir/v2/", "hl7.org/fhir/v3/" };

	if (codesystems_same(system, (struct bytes)BYTES("urn:ietf:bcp:13")))
		return CLASS_BY_CONTENT_TYPE;
	if (memmem(code.at, code.size, "://", 3) != NULL)
		return CLASS_NOT_SHOWN;
	for (size_t i = 0; i < sizeof coded / sizeof coded[0]; i++)
		if (is_at(system, coded[i]))
			return CLASS_BY_CODING;
	return is_at(system, "hl7.org/fhir/") ? CLASS_NOT_SHOWN : CLASS_BY_CODING;
}

bool
codesystems_is_nameless(struct bytes name)
{
	char room[CODEFORM_ROOM];

	return bare(codeform_bare(codeform_plain(name, room))).size == 0;
}

unsigned
codesystems_add(struct codesystems *s, struct bytes uri)
{
	struct bytes key = bare(uri);
	bool is_own = false;
	unsigned system = find(s, key, &is_own);

	/* A beginning stands for many plain systems.  One of them with rows is a system of its own. */
	if (system != CODESYSTEM_NONE && !is_own && s->at[system].is_plain)
		system = CODESYSTEM_NONE;
	if (system != CODESYSTEM_NONE || key.size == 0 || s->count == CODESYSTEM_MAX)
		return system;
	return add_system(s, uri, FOLD_EXACT, CODEFORM_ANY);
}
