/* SPDX-License-Identifier: ISC */
#include "cmd/policy/fhir_path.h"

#include <string.h>

bool
fhir_path_next(struct bytes *rest, struct bytes *path)
{
	int depth = 0;
	size_t i = 0;

	if (rest->size == 0)
		return false;
	/* A comma binds more tightly than a pipe. */
	if (memchr(rest->at, '|', rest->size) != NULL)
		i = rest->size;
	for (; i < rest->size && (depth > 0 || rest->at[i] != ','); i++)
		depth +=
		    (rest->at[i] == '(' || rest->at[i] == '[') - (rest->at[i] == ')' || rest->at[i] == ']');
	*path = bytes_trim((struct bytes){ rest->at, i });
	i += i < rest->size;
	*rest = bytes_behind(*rest, i);
	return true;
}

/* The bytes of "[]" or "[12]" at AT; 0: neither. */
static size_t
brackets(struct bytes path, size_t at)
{
	size_t i = at + 1;

	if (at >= path.size || path.at[at] != '[')
		return 0;
	i += bytes_digits(path, i);
	return i < path.size && path.at[i] == ']' ? i + 1 - at : 0;
}

/* Members that every object or resource may have, of which the table says no more. */
static bool
is_general(struct bytes name)
{
	return bytes_are(name, "resourceType") || bytes_are(name, "id");
}

static bool
is_extension(struct bytes name)
{
	return bytes_are(name, "extension") || bytes_are(name, "modifierExtension");
}

/* Every object may have extensions.  Their definition says which value they have: none is a choice. */
static bool
find(struct elements *e, struct bytes kind, struct bytes *name, struct element *found)
{
	if (is_extension(*name)) {
		*found = (struct element){ .name = *name, .type = bytes_of("Extension"), .is_list = true };
		return true;
	}
	if (name->size > 1 && name->at[0] == '_')
		*name = bytes_behind(*name, 1);
	if (!elements_find(e, kind, *name, found))
		return false;
	if (bytes_are(kind, "Extension"))
		found->stem.size = 0;
	return true;
}

/* Steps over `| select(.url == "x") |` at AT of PATH, to the dot behind it. */
static size_t
behind_select(struct bytes path, size_t at)
{
	static const char begin[] = " | select(", end[] = ") | ";
	struct bytes rest = bytes_behind(path, at);
	const char *stop;

	if (!bytes_begin(rest, begin) || (stop = memmem(rest.at, rest.size, end, sizeof end - 1)) == NULL)
		return at;
	return (size_t)(stop - path.at) + sizeof end - 1;
}

enum fhir_path_verdict
fhir_path_follow(struct bytes kind, struct bytes path, struct fhir_path *p)
{
	struct elements room;
	struct element found = { 0 };
	bool is_twin = false; /* `_x`, which has an id and extensions alone */
	size_t at = 0;

	*p = (struct fhir_path){ .kind = kind, .type = kind };
	if (bytes_are(path, "."))
		return FHIR_PATH_KNOWN;
	while (at < path.size) {
		size_t end = at + 1;
		if (path.at[at] != '.' || end == path.size || !ascii_begins_name(path.at[end]))
			return FHIR_PATH_OPEN;
		while (end < path.size && ascii_continues_name(path.at[end]))
			end++;
		struct bytes name = { path.at + at + 1, end - at - 1 };
		bool beside = name.at[0] == '_';
		p->before = (struct bytes){ path.at, at };
		p->step = (struct bytes){ path.at + at, end - at };
		if (end < path.size && path.at[end] == '?')
			end++;
		if (bytes_are(kind, "Resource") || is_general(name))
			return FHIR_PATH_OPEN;
		if (elements_kind(kind) == ELEMENTS_KINDS && !(is_twin && is_extension(name)))
			return FHIR_PATH_VALUE;
		if (!find(&room, kind, &name, &found))
			return FHIR_PATH_MISSING;
		if (found.stem.size > 0) {
			p->stem = found.stem;
			p->choice_kind = kind;
			p->choice_before = p->before;
			p->choice_name = p->step;
		}
		p->kind = kind;
		p->type = kind = elements_bare(found.type);
		size_t index = brackets(path, end);
		end += index;
		if (end < path.size && path.at[end] == '?')
			end++;
		if (end < path.size && found.is_list && index == 0 && !beside)
			return FHIR_PATH_LIST;
		is_twin = beside;
		at = behind_select(path, end);
	}
	return FHIR_PATH_KNOWN;
}
