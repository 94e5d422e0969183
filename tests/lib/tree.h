/* SPDX-License-Identifier: ISC */
#ifndef EHR_TESTS_TREE_H
#define EHR_TESTS_TREE_H

#include "common/json/json.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * tree: random records as trees of the test's own, with the levels that their labels give.  What a version
 * may hold follows from the tree, without the engine under test.
 *
 *	tree_make(fhir);
 *	tree_find_levels(fhir);
 *	tree_write();           the labelled line is tree_line, tree_size bytes
 */
enum { TREE_NODES = 400, TREE_TEXT = 1 << 17, TREE_LEVELS = 4, TREE_NO_LABEL = 0xff };

static uint64_t tree_state = 1;

static inline uint32_t
tree_chance(uint32_t below)
{
	tree_state ^= tree_state << 13;
	tree_state ^= tree_state >> 7;
	tree_state ^= tree_state << 17;
	return (uint32_t)((tree_state >> 16) % below);
}

enum tree_kind { TREE_SCALAR, TREE_ARRAY, TREE_OBJECT };

struct tree_node {
	enum tree_kind kind;
	char key[24];
	char text[104]; /* of a scalar: JSON */
	unsigned child[24];
	unsigned children;
	unsigned char base;
	unsigned char raise;
	unsigned number; /* of its value: unique in the record */
};

static struct tree_node tree[TREE_NODES];
static unsigned tree_count;
static unsigned tree_numbers;

#define TREE_INLINE                                                                                          \
	"\"http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-inline-sec-label\""
#define TREE_NO_NUMBER 100000u /* a scalar that every version may show */

static const char *const tree_plain_keys[] = { "a", "b", "c", "d", "e", "f", "g", "h" };
static const char *const tree_fhir_keys[] = { "code", "text", "display", "value", "note", "subject",
	"reference", "extension", "contained", "meta", "security", "birthDate", "_birthDate", "given",
	"_given", "identifier", "data", "url" };

static inline void
tree_fill_scalar(struct tree_node *n)
{
	n->number = tree_numbers++;
	switch (tree_chance(4)) {
	case 0:
		(void)snprintf(n->text, sizeof n->text, "7%04u.%02u0", n->number, tree_chance(100));
		break;
	default:
		(void)snprintf(
		    n->text, sizeof n->text, "\"v%04uq%.*s\"", n->number, (int)tree_chance(9), "\\u00e9\\n");
		if (strchr(n->text, '\\') != NULL && strchr(strchr(n->text, '\\'), 'n') == NULL)
			(void)snprintf(n->text, sizeof n->text, "\"v%04uq\"", n->number);
	}
}

static inline void
tree_fill_label(struct tree_node *n)
{
	n->base = tree_chance(6) == 0 ? (unsigned char)tree_chance(TREE_LEVELS) : TREE_NO_LABEL;
	n->raise = tree_chance(7) == 0 ? (unsigned char)tree_chance(TREE_LEVELS) : TREE_NO_LABEL;
}

static inline bool
tree_has_key(const struct tree_node *parent, const char *key)
{
	for (unsigned i = 0; i < parent->children; i++)
		if (strcmp(tree[parent->child[i]].key, key) == 0)
			return true;
	return false;
}

static inline unsigned
tree_add_scalar(struct tree_node *parent, const char *key, const char *text)
{
	unsigned at = tree_count++;

	tree[at] = (struct tree_node){
		.kind = TREE_SCALAR, .base = TREE_NO_LABEL, .raise = TREE_NO_LABEL, .number = TREE_NO_NUMBER
	};
	(void)snprintf(tree[at].key, sizeof tree[at].key, "%s", key);
	(void)snprintf(tree[at].text, sizeof tree[at].text, "%s", text);
	parent->child[parent->children++] = at;
	return at;
}

/* The members that make an object a root, a Reference or an extension. */
static inline void
tree_add_shape(struct tree_node *n, const char *key)
{
	char id[16];

	if (strcmp(key, "contained[]") == 0 || strcmp(key, "resource") == 0) {
		(void)tree_add_scalar(
		    n, "resourceType", tree_chance(2) == 0 ? "\"Observation\"" : "\"Group\"");
		(void)snprintf(id, sizeof id, "\"x%u\"", tree_chance(4));
		(void)tree_add_scalar(n, "id", id);
	}
	if (strcmp(key, "subject") == 0) {
		(void)snprintf(id, sizeof id, "\"#x%u\"", tree_chance(4));
		/* Every version sees where a Reference leads.  Otherwise a lower version, which may not know
		 * that its target is gone, would show more than a higher one. */
		tree[tree_add_scalar(n, "reference", id)].base = 0;
	}
	if (strcmp(key, "extension[]") == 0)
		tree_fill_label(&tree[tree_add_scalar(
		    n, "url", tree_chance(2) == 0 ? "\"http://e/listed\"" : TREE_INLINE)]);
}

static inline unsigned tree_grow(unsigned depth, bool fhir, const char *key);

/* A Bundle, whose entries are roots. */
static inline unsigned
tree_grow_bundle(void)
{
	unsigned at = tree_count++;
	unsigned list;

	tree[at] = (struct tree_node){ .kind = TREE_OBJECT, .base = TREE_NO_LABEL, .raise = TREE_NO_LABEL };
	(void)tree_add_scalar(&tree[at], "resourceType", "\"Bundle\"");
	(void)tree_add_scalar(&tree[at], "total", "3");
	list = tree_count++;
	tree[list] = (struct tree_node){
		.kind = TREE_ARRAY, .key = "entry", .base = TREE_NO_LABEL, .raise = TREE_NO_LABEL
	};
	tree[at].child[tree[at].children++] = list;
	for (unsigned wanted = 1 + tree_chance(4); wanted > 0; wanted--) {
		unsigned entry = tree_count++;
		unsigned root;

		tree[entry] =
		    (struct tree_node){ .kind = TREE_OBJECT, .base = TREE_NO_LABEL, .raise = TREE_NO_LABEL };
		(void)tree_add_scalar(&tree[entry], "fullUrl", "\"urn:uuid:0\"");
		tree[list].child[tree[list].children++] = entry;
		root = tree_grow(3, true, "resource");
		(void)snprintf(tree[root].key, sizeof tree[root].key, "resource");
		tree[entry].child[tree[entry].children++] = root;
	}
	return at;
}

static inline unsigned
tree_grow(unsigned depth, bool fhir, const char *key)
{
	unsigned at = tree_count++;
	struct tree_node *n = &tree[at];

	*n = (struct tree_node){ .kind = depth > 4 || tree_count > TREE_NODES / 2
					     ? TREE_SCALAR
					     : (enum tree_kind)tree_chance(3) };
	if (depth == 0 || (fhir && (strchr(key, ']') != NULL || strcmp(key, "resource") == 0)))
		n->kind = TREE_OBJECT;
	else if (fhir && (strcmp(key, "contained") == 0 || strcmp(key, "extension") == 0))
		n->kind = TREE_ARRAY;
	tree_fill_label(n);
	if (n->kind == TREE_SCALAR) {
		tree_fill_scalar(n);
		return at;
	}
	if (fhir && n->kind == TREE_OBJECT)
		tree_add_shape(n, key);
	for (unsigned wanted = tree_chance(6); wanted > 0 && tree_count < TREE_NODES - 50; wanted--) {
		const char *name = fhir ? tree_fhir_keys[tree_chance(18)] : tree_plain_keys[tree_chance(8)];
		char below[24] = "";

		if (n->kind == TREE_OBJECT && tree_has_key(n, name))
			continue;
		if (n->kind == TREE_OBJECT)
			(void)snprintf(below, sizeof below, "%s", name);
		else if (strcmp(key, "contained") == 0 || strcmp(key, "extension") == 0)
			(void)snprintf(below, sizeof below, "%s[]", key);
		unsigned child = tree_grow(depth + 1, fhir, below);
		(void)snprintf(
		    tree[child].key, sizeof tree[child].key, "%s", n->kind == TREE_OBJECT ? name : "");
		n->child[n->children++] = child;
	}
	return at;
}

static inline void
tree_make(bool fhir)
{
	tree_count = tree_numbers = 0;
	(void)(fhir && tree_chance(4) == 0 ? tree_grow_bundle() : tree_grow(0, fhir, ""));
	tree[0].base = (unsigned char)tree_chance(TREE_LEVELS);
}

static char tree_line[TREE_TEXT + JSON_SLACK];
static size_t tree_size;
static bool tree_spaced; /* white space between the pieces */

static inline void
tree_put(const char *text)
{
	size_t length = strlen(text);

	if (tree_size + length >= TREE_TEXT)
		exit(99);
	memcpy(tree_line + tree_size, text, length + 1);
	tree_size += length;
}

static const char tree_levels[TREE_LEVELS][2] = { "L", "N", "R", "V" };

static inline void
tree_put_labels(unsigned at, char *pointer)
{
	const struct tree_node *n = &tree[at];
	size_t length = strlen(pointer);

	for (int rule = 0; rule < 2; rule++) {
		unsigned char level = rule == 0 ? n->base : n->raise;

		if (level == TREE_NO_LABEL)
			continue;
		tree_put(tree_line[tree_size - 1] == '[' ? "{\"at\":\"" : ",{\"at\":\"");
		tree_put(pointer);
		tree_put("\",\"level\":\"");
		tree_put(tree_levels[level]);
		tree_put(rule == 0 ? "\",\"rule\":\"base\"}" : "\",\"rule\":\"r\"}");
	}
	for (unsigned i = 0; i < n->children; i++) {
		if (n->kind == TREE_OBJECT)
			(void)snprintf(pointer + length, 512 - length, "/%s", tree[n->child[i]].key);
		else
			(void)snprintf(pointer + length, 512 - length, "/%u", i);
		tree_put_labels(n->child[i], pointer);
		pointer[length] = '\0';
	}
}

static inline void
tree_put_blank(void)
{
	static const char *const blanks[] = { "", " ", "\t", "  " };

	if (tree_spaced)
		tree_put(blanks[tree_chance(4)]);
}

static inline void
tree_put_node(unsigned at)
{
	const struct tree_node *n = &tree[at];

	if (n->kind == TREE_SCALAR) {
		tree_put(n->text);
		return;
	}
	tree_put(n->kind == TREE_OBJECT ? "{" : "[");
	for (unsigned i = 0; i < n->children; i++) {
		tree_put(i > 0 ? "," : "");
		tree_put_blank();
		if (n->kind == TREE_OBJECT) {
			tree_put("\"");
			tree_put(tree[n->child[i]].key);
			tree_put("\":");
			tree_put_blank();
		}
		tree_put_node(n->child[i]);
		tree_put_blank();
	}
	tree_put(n->kind == TREE_OBJECT ? "}" : "]");
}

static inline void
tree_write(void)
{
	char pointer[512] = "";

	tree_size = 0;
	tree_put(
	    "{\"ehr\":{\"v\":1,\"stage\":\"labelled\",\"id\":\"X/1\",\"level\":\"N\",\"criticality\":\"low\","
	    "\"policy\":\"sha256:0\"},\"labels\":[");
	tree_put_labels(0, pointer);
	tree_put("],\"record\":");
	tree_put_node(0);
	tree_put("}");
}

static unsigned char tree_level_of[TREE_NODES];

static unsigned char tree_base_of[TREE_NODES], tree_raise_of[TREE_NODES];

/* Labels on x hold for _x too, and the other way round. */
static inline void
tree_join(unsigned a, unsigned b)
{
	unsigned char base = tree_base_of[a];
	unsigned char raise = tree_raise_of[a];

	if (base == TREE_NO_LABEL || (tree_base_of[b] != TREE_NO_LABEL && tree_base_of[b] > base))
		base = tree_base_of[b];
	if (raise == TREE_NO_LABEL || (tree_raise_of[b] != TREE_NO_LABEL && tree_raise_of[b] > raise))
		raise = tree_raise_of[b];
	tree_base_of[a] = tree_base_of[b] = base;
	tree_raise_of[a] = tree_raise_of[b] = raise;
}

static inline void
tree_join_siblings(const struct tree_node *n)
{
	for (unsigned i = 0; i < n->children; i++)
		for (unsigned k = 0; k < n->children; k++) {
			const struct tree_node *x = &tree[n->child[i]];
			const struct tree_node *sibling = &tree[n->child[k]];

			if (sibling->key[0] != '_' || strcmp(sibling->key + 1, x->key) != 0)
				continue;
			tree_join(n->child[i], n->child[k]);
			for (unsigned e = 0; x->kind == TREE_ARRAY && sibling->kind == TREE_ARRAY &&
					     e < x->children && e < sibling->children;
			     e++)
				tree_join(x->child[e], sibling->child[e]);
		}
}

static inline void
tree_find_below(unsigned at, unsigned char base, unsigned char raise, bool fhir)
{
	const struct tree_node *n = &tree[at];

	base = tree_base_of[at] != TREE_NO_LABEL ? tree_base_of[at] : base;
	raise = tree_raise_of[at] != TREE_NO_LABEL && tree_raise_of[at] > raise ? tree_raise_of[at] : raise;
	tree_level_of[at] = base > raise ? base : raise;
	if (fhir && n->kind == TREE_OBJECT)
		tree_join_siblings(n);
	for (unsigned i = 0; i < n->children; i++)
		tree_find_below(n->child[i], base, raise, fhir);
}

static inline void
tree_find_levels(bool fhir)
{
	for (unsigned i = 0; i < tree_count; i++) {
		tree_base_of[i] = tree[i].base;
		tree_raise_of[i] = tree[i].raise;
	}
	tree_find_below(0, tree[0].base, 0, fhir);
}

#endif
