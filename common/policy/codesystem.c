/* SPDX-License-Identifier: ISC */
#include "common/policy/codes_table.h"

#include "common/base/hash.h"
#include "common/base/memory.h"

#include <stdlib.h>

struct codesystem_name {
	struct bytes key; /* the bare name; empty: a free place */
	unsigned system;
};

static const struct {
	struct bytes name;
	enum codesystem_fold fold;
	bool canonical;
} table[] = {
#define SYSTEM(uri, fold) { BYTES(uri), FOLD_##fold, true },
#define NAME(name) { BYTES(name), FOLD_EXACT, false },
#include "common/policy/codesystem.def"
#undef SYSTEM
#undef NAME
};

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

/* A SNOMED CT name may end in an edition.  All editions are one system, since they share their concepts. */
static void
drop_edition(struct bytes *name)
{
	static const char system[] = "snomed.info/sct";
	struct bytes rest = *name;

	if (take_prefix(&rest, system) && rest.size > 0 && rest.at[0] == '/')
		name->size = sizeof system - 1;
}

/*
 * The part of NAME that all its spellings share (except for case): without blanks around it, scheme, version
 * (|...), query, fragment, and slash at the end.
 */
static struct bytes
bare(struct bytes name)
{
	while (name.size > 0 && is_blank(name.at[0]))
		name = (struct bytes){ name.at + 1, name.size - 1 };
	for (size_t i = 0; i < name.size; i++)
		if (name.at[i] == '|' || name.at[i] == '?' || name.at[i] == '#')
			name.size = i;
	while (name.size > 0 && is_blank(name.at[name.size - 1]))
		name.size--;
	if (!take_prefix(&name, "http://") && !take_prefix(&name, "https://"))
		(void)take_prefix(&name, "urn:oid:");
	drop_edition(&name);
	while (name.size > 0 && name.at[name.size - 1] == '/')
		name.size--;
	return name;
}

static uint32_t
hash_of(struct bytes key)
{
	uint64_t hash = hash_key[0];

	for (size_t i = 0; i < key.size; i++)
		hash = (hash ^ (unsigned char)ascii_lower(key.at[i])) * (hash_key[1] | 1);
	return (uint32_t)(hash >> 32);
}

static struct codesystem_name *
place(const struct codesystems *s, struct bytes key)
{
	unsigned i = hash_of(key) & (s->name_room - 1);

	while (s->name[i].key.size > 0 && !bytes_equal_folded(s->name[i].key, key))
		i = (i + 1) & (s->name_room - 1);
	return &s->name[i];
}

static void
grow_names(struct codesystems *s)
{
	struct codesystems old = *s;

	s->name_room = old.name_room > 0 ? 2 * old.name_room : 256;
	s->name = memory_zeros(s->name_room, sizeof *s->name);
	for (unsigned i = 0; i < old.name_room; i++)
		if (old.name[i].key.size > 0)
			*place(s, old.name[i].key) = old.name[i];
	free(old.name);
}

static void
add_name(struct codesystems *s, struct bytes name, unsigned system)
{
	struct bytes key = bare(name);

	if (2 * (s->names + 1) > s->name_room)
		grow_names(s);
	*place(s, key) = (struct codesystem_name){ key, system };
	s->names++;
}

static unsigned
add_system(struct codesystems *s, struct bytes uri, enum codesystem_fold fold)
{
	if (s->count + 1 >= s->room) {
		s->room = s->room > 0 ? 2 * s->room : 64;
		s->at = memory_grow(s->at, s->room, sizeof *s->at);
	}
	s->count++;
	s->at[s->count] = (struct codesystem){ uri, fold };
	add_name(s, uri, s->count);
	return s->count;
}

void
codesystems_init(struct codesystems *s)
{
	*s = (struct codesystems){ 0 };
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		if (table[i].canonical)
			(void)add_system(s, table[i].name, table[i].fold);
		else
			add_name(s, table[i].name, s->count);
	}
}

void
codesystems_release(struct codesystems *s)
{
	free(s->at);
	free(s->name);
	*s = (struct codesystems){ 0 };
}

unsigned
codesystems_find(const struct codesystems *s, struct bytes name)
{
	struct bytes key = bare(name);

	return key.size > 0 ? place(s, key)->system : CODESYSTEM_NONE;
}

bool
codesystems_same(struct bytes name, struct bytes uri)
{
	struct bytes key = bare(name), canonical = bare(uri);
	bool here = false;

	if (bytes_equal_folded(key, canonical))
		return true;
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		if (table[i].canonical)
			here = bytes_equal_folded(bare(table[i].name), canonical);
		if (here && bytes_equal_folded(bare(table[i].name), key))
			return true;
	}
	return false;
}

bool
codesystems_is_nameless(struct bytes name)
{
	return bare(name).size == 0;
}

unsigned
codesystems_add(struct codesystems *s, struct bytes uri)
{
	unsigned system = codesystems_find(s, uri);

	if (system != CODESYSTEM_NONE || bare(uri).size == 0 || s->count == CODESYSTEM_MAX)
		return system;
	return add_system(s, uri, FOLD_EXACT);
}
