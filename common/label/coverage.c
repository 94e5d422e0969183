/* SPDX-License-Identifier: ISC */
#include "common/label/parts.h"

#include <inttypes.h>
#include <stdio.h>

enum system_coverage { COVERED, COVERED_IN_PART, NOT_COVERED };

static uint8_t
coverage_of(const struct codes *codes, unsigned system)
{
	if (codes_system_plain(codes, system))
		return COVERED;
	if (codes_system_rows(codes, system) == 0)
		return NOT_COVERED;
	return codes_system_complete(codes, system) ? COVERED : COVERED_IN_PART;
}

void
coverage_init(struct coverage_count *c, struct ruleset *s)
{
	*c = (struct coverage_count){ .set = s };
	c->systems = codes_systems(s->codes);
	c->type_count = arena_array(&s->arena, vocabulary_size(VOCABULARY_RESOURCE_TYPE), sizeof(uint64_t));
	c->system_count = arena_array(&s->arena, c->systems + 1, sizeof(uint64_t));
	c->system_seen = arena_array(&s->arena, c->systems + 1, sizeof(uint64_t));
	c->system_coverage = arena_take(&s->arena, c->systems + 1);
	for (unsigned i = 1; i <= c->systems; i++)
		c->system_coverage[i] = coverage_of(s->codes, i);
	/* 0 stands for all systems that no table has. */
	c->system_coverage[0] = NOT_COVERED;
}

void
coverage_start(struct coverage_count *c)
{
	c->records++;
}

void
coverage_type(struct coverage_count *c, const struct current_root *root)
{
	struct bytes type;
	const struct concept *concept;

	if (root->plan->has_base)
		return;
	if (root->plan->is_unknown) {
		c->unknown_types++;
		return;
	}
	type = shape_type(c->set->shape, current_root_json(root), current_root_node(root));
	concept = shape_is_fhir(c->set->shape) ? vocabulary_find(VOCABULARY_RESOURCE_TYPE, type) : NULL;
	if (concept != NULL)
		c->type_count[concept->index]++;
	else
		c->other_types++;
}

bool
coverage_system(struct coverage_count *c, unsigned system)
{
	unsigned place = system == CODES_UNKNOWN_SYSTEM ? 0 : system;

	if (c->system_coverage[place] == COVERED)
		return false;
	if (c->system_seen[place] != c->records) {
		c->system_seen[place] = c->records;
		c->system_count[place]++;
	}
	return c->set->uncovered != LABEL_NONE && c->system_coverage[place] == NOT_COVERED;
}

bool
coverage_lacks(const struct coverage_count *c, unsigned system)
{
	return system != CODES_UNKNOWN_SYSTEM && system != CODES_ANY_SYSTEM &&
	       c->system_coverage[system] == NOT_COVERED;
}

static bool
tally(const struct coverage_count *c, struct coverage_tally *t)
{
	t->records += t->seen != c->records;
	t->seen = c->records;
	return c->set->uncovered != LABEL_NONE;
}

bool
coverage_no_code(struct coverage_count *c)
{
	return tally(c, &c->no_code);
}

bool
coverage_no_such_code(struct coverage_count *c)
{
	return tally(c, &c->no_such_code);
}

/* One after another: the I-th of those whose count is above 0. */
struct picking {
	size_t left;
	unsigned place;
	struct coverage *fact;
};

static bool
pick(struct picking *p, enum coverage_kind kind, struct bytes name, uint64_t records, size_t rows)
{
	unsigned place = p->place++;

	if (records == 0 || p->left-- > 0)
		return false;
	*p->fact = (struct coverage){ kind, name, records, rows, place };
	return true;
}

static bool
pick_type(const struct coverage_count *c, struct picking *p)
{
	if (pick(p, COVERAGE_UNKNOWN_TYPE, shape_has(c->set->shape), c->unknown_types, 0) ||
	    pick(p, COVERAGE_NO_BASE, (struct bytes)BYTES("other types"), c->other_types, 0))
		return true;
	for (size_t i = 0; i < vocabulary_size(VOCABULARY_RESOURCE_TYPE); i++)
		if (pick(p, COVERAGE_NO_BASE, vocabulary_at(VOCABULARY_RESOURCE_TYPE, i)->code,
			c->type_count[i], 0))
			return true;
	return false;
}

bool
coverage_fact(const struct coverage_count *c, size_t i, struct coverage *fact)
{
	const struct codes *codes = c->set->codes;
	struct picking p = { .left = i, .fact = fact };

	if (pick_type(c, &p))
		return true;
	for (unsigned n = 1; n <= c->systems; n++)
		if (pick(&p, c->system_coverage[n] == NOT_COVERED ? COVERAGE_SYSTEM : COVERAGE_PART_OF_SYSTEM,
			codes_system_uri(codes, n), c->system_count[n], codes_system_rows(codes, n)))
			return true;
	return pick(&p, COVERAGE_SYSTEM, (struct bytes)BYTES("another system"), c->system_count[0], 0) ||
	       pick(&p, COVERAGE_NO_CODE, (struct bytes){ 0 }, c->no_code.records, 0) ||
	       pick(&p, COVERAGE_NO_SUCH_CODE, (struct bytes){ 0 }, c->no_such_code.records, 0);
}

enum { NOTE_MOST = 800 };

/* What the reader of a note can do about it. */
static const char *
advice(struct coverage_notes *n, enum coverage_kind kind)
{
	static const char *const texts[] = {
		[COVERAGE_UNKNOWN_TYPE] = ": they keep the highest level; none of FHIR R4 is called so (for "
					  "other records, classify.yaml may name their type in base)",
		[COVERAGE_NO_BASE] = ": give each a line of base in classify.yaml",
		[COVERAGE_SYSTEM] = ": put its sensitive codes into a value set, or set uncovered in "
				    "classify.yaml; ehr-policy survey lists what occurs",
		[COVERAGE_PART_OF_SYSTEM] = ": add rows where codes that matter are missing; ehr-policy "
					    "survey lists what occurs",
		[COVERAGE_NO_CODE] = ": terms in classify.yaml find words, and uncovered gives them a level",
		[COVERAGE_NO_SUCH_CODE] = ": tell the sender, or set uncovered in classify.yaml",
	};
	bool is_first = !n->is_advised[kind];

	n->is_advised[kind] = true;
	return is_first ? texts[kind] : "";
}

static void
say_types(struct coverage_notes *n)
{
	char text[NOTE_MOST];

	(void)snprintf(text, sizeof text, "no-base: default level for %.*s%s", (int)n->used, n->types,
	    advice(n, COVERAGE_NO_BASE));
	n->say(text);
	n->used = 0;
}

static void
add_type(struct coverage_notes *n, const struct coverage *fact)
{
	int size;

	if (n->used > sizeof n->types - 100)
		say_types(n);
	size = snprintf(n->types + n->used, sizeof n->types - n->used, "%s%.*s: %" PRIu64,
	    n->used > 0 ? ", " : "", (int)fact->name.size, fact->name.at, fact->records);
	n->used += (size_t)size;
}

void
coverage_notes_add(struct coverage_notes *n, const struct coverage *fact)
{
	static const struct {
		const char *before, *behind;
	} words[] = {
		[COVERAGE_UNKNOWN_TYPE] = { "unknown-type: ", " records of a type that nobody knows" },
		[COVERAGE_SYSTEM] = { "uncovered-system: ", " records" },
		[COVERAGE_PART_OF_SYSTEM] = { "partly-covered-system: ", " records" },
		[COVERAGE_NO_CODE] = { "no-code: ", " records with a concept that has a text alone" },
		[COVERAGE_NO_SUCH_CODE] = { "no-such-code: ",
		    " records with a code that its system cannot have" },
	};
	bool is_system = fact->kind == COVERAGE_SYSTEM || fact->kind == COVERAGE_PART_OF_SYSTEM;
	char text[NOTE_MOST], rows[40] = "";

	if (fact->kind == COVERAGE_NO_BASE) {
		add_type(n, fact);
		return;
	}
	coverage_notes_end(n);
	if (fact->kind == COVERAGE_UNKNOWN_TYPE && fact->name.size > 0) {
		(void)snprintf(text, sizeof text,
		    "unknown-type: %" PRIu64
		    " records of a type that nobody knows: they state another, or have "
		    "none of what policy.yaml (record.type.has) wants: %.*s",
		    fact->records, (int)fact->name.size, fact->name.at);
		n->say(text);
		return;
	}
	if (is_system)
		(void)snprintf(rows, sizeof rows, ", %zu rows", fact->rows);
	(void)snprintf(text, sizeof text, "%s%.*s%s%" PRIu64 "%s%s%s", words[fact->kind].before,
	    (int)fact->name.size, fact->name.at, is_system ? ": " : "", fact->records,
	    words[fact->kind].behind, rows, advice(n, fact->kind));
	n->say(text);
}

void
coverage_notes_end(struct coverage_notes *n)
{
	if (n->used > 0)
		say_types(n);
}
