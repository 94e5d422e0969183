/* SPDX-License-Identifier: ISC */
#include "common/policy/elements.h"

#include "common/base/bisect.h"

#include <string.h>

enum base { Element, BackboneElement, Resource, DomainResource };

static const struct bytes base_members[] = {
	[Element] = BYTES("id:id extension*:Extension"),
	[BackboneElement] = BYTES("id:id extension*:Extension modifierExtension*:Extension"),
	[Resource] = BYTES("id:id meta:Meta implicitRules:uri language:code"),
	[DomainResource] = BYTES("id:id meta:Meta implicitRules:uri language:code text:Narrative "
				 "contained*:Resource extension*:Extension modifierExtension*:Extension"),
};

/* Of any type, as the value of an extension. */
static const struct bytes any_type = BYTES(
    "base64Binary|boolean|canonical|code|date|dateTime|decimal|id|instant|integer|markdown|oid|positiveInt|"
    "string|time|unsignedInt|uri|url|uuid|Address|Age|Annotation|Attachment|CodeableConcept|Coding|"
    "ContactPoint|Count|Distance|Duration|HumanName|Identifier|Money|Period|Quantity|Range|Ratio|Reference|"
    "SampledData|Signature|Timing|ContactDetail|Contributor|DataRequirement|Expression|ParameterDefinition|"
    "RelatedArtifact|TriggerDefinition|UsageContext|Dosage|Meta");

static const struct {
	struct bytes name;
	struct bytes members;
	enum base base;
} kinds[] = {
#define KIND(name, base, members) { BYTES(name), BYTES(members), base },
#include "common/policy/elements.def"
};
#undef KIND
_Static_assert(sizeof kinds / sizeof kinds[0] == ELEMENTS_KINDS, "kinds are numbered");

static const struct {
	struct bytes name;
	struct bytes codes;
} value_sets[] = {
#undef CODES
#define CODES(name, codes) { BYTES(name), BYTES(codes) },
#include "common/policy/elements.def"
};
#define VALUE_SETS (sizeof value_sets / sizeof value_sets[0])

unsigned
elements_kind(struct bytes name)
{
	struct bisect b = { .high = ELEMENTS_KINDS };

	while (bisect_more(&b))
		bisect_step(&b, bytes_compare(kinds[b.middle].name, name) < 0);
	if (b.low == ELEMENTS_KINDS || !bytes_equal(kinds[b.low].name, name))
		return ELEMENTS_KINDS;
	return (unsigned)b.low;
}

struct bytes
elements_name(unsigned kind)
{
	return kinds[kind].name;
}

/* The number of the backbone element at a member of a kind. */
static unsigned
find_backbone(struct bytes kind, struct bytes member)
{
	char room[96];

	if (kind.size + member.size + 1 > sizeof room)
		return ELEMENTS_KINDS;
	memcpy(room, kind.at, kind.size);
	room[kind.size] = '.';
	memcpy(room + kind.size + 1, member.at, member.size);
	return elements_kind((struct bytes){ room, kind.size + 1 + member.size });
}

bool
elements_open(struct elements *e, struct bytes kind)
{
	unsigned at = elements_kind(kind);

	*e = (struct elements){ .base = DomainResource + 1 };
	if (at == ELEMENTS_KINDS)
		return false;
	e->kind = kinds[at].name;
	e->rest = kinds[at].members;
	e->base = kinds[at].base;
	return true;
}

/* Takes the text before STOP, or all; the rest begins behind it.  STOP in brackets does not count. */
static struct bytes
take(struct bytes *text, char stop)
{
	struct bytes piece = { text->at, 0 };
	unsigned depth = 0;

	while (piece.size < text->size && (depth > 0 || text->at[piece.size] != stop)) {
		depth += text->at[piece.size] == '(';
		depth -= text->at[piece.size] == ')';
		piece.size++;
	}
	size_t used = piece.size + (piece.size < text->size);
	text->at += used;
	text->size -= used;
	return piece;
}

/* valueQuantity of value and Quantity(...). */
static void
name_choice(struct elements *e, struct element *found)
{
	struct bytes type = elements_bare(found->type);

	memcpy(e->room, e->at.stem.at, e->at.stem.size);
	memcpy(e->room + e->at.stem.size, type.at, type.size);
	if (e->room[e->at.stem.size] >= 'a')
		e->room[e->at.stem.size] = (char)(e->room[e->at.stem.size] - 'a' + 'A');
	found->name = (struct bytes){ e->room, e->at.stem.size + type.size };
}

static bool
next_choice(struct elements *e, struct element *found)
{
	*found = e->at;
	found->type = take(&e->choices, '|');
	name_choice(e, found);
	return true;
}

/* Takes a sign from the end of the name. */
static bool
ends(struct bytes *name, const char *sign)
{
	bool there = bytes_end(*name, sign);

	if (there)
		name->size -= strlen(sign);
	return there;
}

bool
elements_next(struct elements *e, struct element *found)
{
	struct bytes member, name;
	unsigned backbone;

	if (e->choices.size > 0)
		return next_choice(e, found);
	if (e->rest.size == 0) {
		if (e->base > DomainResource)
			return false;
		e->rest = base_members[e->base];
		e->base = DomainResource + 1;
	}
	member = take(&e->rest, ' ');
	name = take(&member, ':');
	e->at = (struct element){ .type = member };
	e->at.is_required = ends(&name, "!");
	e->at.is_list = ends(&name, "*");
	if (ends(&name, "[x]")) {
		e->at.stem = name;
		e->choices = bytes_are(member, "*") ? any_type : member;
		return next_choice(e, found);
	}
	e->at.name = name;
	if (bytes_are(member, "+") && (backbone = find_backbone(e->kind, name)) < ELEMENTS_KINDS)
		e->at.type = kinds[backbone].name;
	*found = e->at;
	return true;
}

bool
elements_find(struct elements *e, struct bytes kind, struct bytes name, struct element *found)
{
	if (!elements_open(e, kind))
		return false;
	while (elements_next(e, found))
		if (bytes_equal(found->name, name))
			return true;
	return false;
}

struct bytes
elements_bare(struct bytes type)
{
	return take(&type, '(');
}

struct bytes
elements_bound(struct bytes type)
{
	(void)take(&type, '(');
	if (type.size > 0)
		type.size--;
	return type;
}

struct bytes
elements_codes(struct bytes value_set)
{
	for (size_t i = 0; i < VALUE_SETS; i++)
		if (bytes_equal(value_sets[i].name, value_set))
			return value_sets[i].codes;
	return (struct bytes){ NULL, 0 };
}
