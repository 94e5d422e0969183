/* SPDX-License-Identifier: ISC */
/*
 * Properties that hold for every record, tried on some thousands that a seed makes up.  A record is a tree of
 * the test's own, with the levels that its labels give; what a version may hold follows from the tree without
 * the engine under test.
 *
 *	P1  values above a version's level do not change a byte of it, tags and mark included
 *	P2  where presence is hidden, neither does it matter whether anything above the level is there
 *	P3  no value above the level is in it
 *	P4  what a version shows, each higher one shows
 *	P7  what is not redacted is as it came; without FHIR's places a version is exactly what the tree says
 *	P12 a record's versions depend on nothing that came before
 */
#include "common/redact/redactor.h"

#include "tests/lib/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NODES = 400, TEXT = 1 << 17, LEVELS = 4, ROUNDS = 1500, NO_LABEL = 0xff };

static char directory[] = "/tmp/test_redact_properties.XXXXXX";

/* ---- chance ---- */
static uint64_t state = 1;

static uint32_t
chance(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)((state >> 16) % below);
}

/* ---- records ---- */
enum kind { SCALAR, ARRAY, OBJECT };

struct node {
	enum kind kind;
	char key[24];
	char text[104]; /* of a scalar: JSON */
	unsigned child[24];
	unsigned children;
	unsigned char base;
	unsigned char raise;
	unsigned number; /* of its value: unique in the record */
};

static struct node nodes[NODES];
static unsigned count;
static unsigned numbers;

#define INLINE "\"http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-inline-sec-label\""
#define NO_NUMBER 100000u

static const char *const plain_keys[] = { "a", "b", "c", "d", "e", "f", "g", "h" };
static const char *const fhir_keys[] = { "code", "text", "display", "value", "note", "subject", "reference",
	"extension", "contained", "meta", "security", "birthDate", "_birthDate", "given", "_given",
	"identifier", "data", "url" };

static void
fill_scalar(struct node *n)
{
	n->number = numbers++;
	switch (chance(4)) {
	case 0:
		(void)snprintf(n->text, sizeof n->text, "7%04u.%02u0", n->number, chance(100));
		break;
	default:
		(void)snprintf(
		    n->text, sizeof n->text, "\"v%04uq%.*s\"", n->number, (int)chance(9), "\\u00e9\\n");
		if (strchr(n->text, '\\') != NULL && strchr(strchr(n->text, '\\'), 'n') == NULL)
			(void)snprintf(n->text, sizeof n->text, "\"v%04uq\"", n->number);
	}
}

static void
fill_label(struct node *n)
{
	n->base = chance(6) == 0 ? (unsigned char)chance(LEVELS) : NO_LABEL;
	n->raise = chance(7) == 0 ? (unsigned char)chance(LEVELS) : NO_LABEL;
}

static bool
has_key(const struct node *parent, const char *key)
{
	for (unsigned i = 0; i < parent->children; i++)
		if (strcmp(nodes[parent->child[i]].key, key) == 0)
			return true;
	return false;
}

static unsigned
add_scalar(struct node *parent, const char *key, const char *text)
{
	unsigned at = count++;

	nodes[at] = (struct node){ .kind = SCALAR, .base = NO_LABEL, .raise = NO_LABEL, .number = NO_NUMBER };
	(void)snprintf(nodes[at].key, sizeof nodes[at].key, "%s", key);
	(void)snprintf(nodes[at].text, sizeof nodes[at].text, "%s", text);
	parent->child[parent->children++] = at;
	return at;
}

/* What makes an object a root, a Reference or an extension. */
static void
add_shape(struct node *n, const char *key)
{
	char id[16];

	if (strcmp(key, "contained[]") == 0 || strcmp(key, "resource") == 0) {
		(void)add_scalar(n, "resourceType", chance(2) == 0 ? "\"Observation\"" : "\"Group\"");
		(void)snprintf(id, sizeof id, "\"x%u\"", chance(4));
		(void)add_scalar(n, "id", id);
	}
	if (strcmp(key, "subject") == 0) {
		(void)snprintf(id, sizeof id, "\"#x%u\"", chance(4));
		/* Who sees anything of a Reference sees where it leads, or the lower of two versions would
		 * show more. */
		nodes[add_scalar(n, "reference", id)].base = 0;
	}
	if (strcmp(key, "extension[]") == 0)
		fill_label(&nodes[add_scalar(n, "url", chance(2) == 0 ? "\"http://e/listed\"" : INLINE)]);
}

static unsigned grow(unsigned depth, bool fhir, const char *key);

/* A Bundle that was kept: its entries are roots. */
static unsigned
grow_bundle(void)
{
	unsigned at = count++;
	unsigned list;

	nodes[at] = (struct node){ .kind = OBJECT, .base = NO_LABEL, .raise = NO_LABEL };
	(void)add_scalar(&nodes[at], "resourceType", "\"Bundle\"");
	(void)add_scalar(&nodes[at], "total", "3");
	list = count++;
	nodes[list] = (struct node){ .kind = ARRAY, .key = "entry", .base = NO_LABEL, .raise = NO_LABEL };
	nodes[at].child[nodes[at].children++] = list;
	for (unsigned wanted = 1 + chance(4); wanted > 0; wanted--) {
		unsigned entry = count++;
		unsigned root;

		nodes[entry] = (struct node){ .kind = OBJECT, .base = NO_LABEL, .raise = NO_LABEL };
		(void)add_scalar(&nodes[entry], "fullUrl", "\"urn:uuid:0\"");
		nodes[list].child[nodes[list].children++] = entry;
		root = grow(3, true, "resource");
		(void)snprintf(nodes[root].key, sizeof nodes[root].key, "resource");
		nodes[entry].child[nodes[entry].children++] = root;
	}
	return at;
}

static unsigned
grow(unsigned depth, bool fhir, const char *key)
{
	unsigned at = count++;
	struct node *n = &nodes[at];

	*n = (struct node){ .kind = depth > 4 || count > NODES / 2 ? SCALAR : (enum kind)chance(3) };
	if (depth == 0 || (fhir && (strchr(key, ']') != NULL || strcmp(key, "resource") == 0)))
		n->kind = OBJECT;
	else if (fhir && (strcmp(key, "contained") == 0 || strcmp(key, "extension") == 0))
		n->kind = ARRAY;
	fill_label(n);
	if (n->kind == SCALAR) {
		fill_scalar(n);
		return at;
	}
	if (fhir && n->kind == OBJECT)
		add_shape(n, key);
	for (unsigned wanted = chance(6); wanted > 0 && count < NODES - 50; wanted--) {
		const char *name = fhir ? fhir_keys[chance(18)] : plain_keys[chance(8)];
		char below[24] = "";

		if (n->kind == OBJECT && has_key(n, name))
			continue;
		if (n->kind == OBJECT)
			(void)snprintf(below, sizeof below, "%s", name);
		else if (strcmp(key, "contained") == 0 || strcmp(key, "extension") == 0)
			(void)snprintf(below, sizeof below, "%s[]", key);
		unsigned child = grow(depth + 1, fhir, below);
		(void)snprintf(
		    nodes[child].key, sizeof nodes[child].key, "%s", n->kind == OBJECT ? name : "");
		n->child[n->children++] = child;
	}
	return at;
}

static void
make_record(bool fhir)
{
	count = numbers = 0;
	(void)(fhir && chance(4) == 0 ? grow_bundle() : grow(0, fhir, ""));
	nodes[0].base = (unsigned char)chance(LEVELS);
}

/* ---- a labelled line of it ---- */
static char line[TEXT + JSON_SLACK];
static size_t size;
static char space[4];

static void
put(const char *text)
{
	size_t length = strlen(text);

	if (size + length >= TEXT)
		exit(99);
	memcpy(line + size, text, length + 1);
	size += length;
}

static const char level_names[LEVELS][2] = { "L", "N", "R", "V" };

static void
put_labels(unsigned at, char *pointer)
{
	const struct node *n = &nodes[at];
	size_t length = strlen(pointer);

	for (int rule = 0; rule < 2; rule++) {
		unsigned char level = rule == 0 ? n->base : n->raise;

		if (level == NO_LABEL)
			continue;
		put(line[size - 1] == '[' ? "{\"at\":\"" : ",{\"at\":\"");
		put(pointer);
		put("\",\"level\":\"");
		put(level_names[level]);
		put(rule == 0 ? "\",\"rule\":\"base\"}" : "\",\"rule\":\"r\"}");
	}
	for (unsigned i = 0; i < n->children; i++) {
		if (n->kind == OBJECT)
			(void)snprintf(pointer + length, 512 - length, "/%s", nodes[n->child[i]].key);
		else
			(void)snprintf(pointer + length, 512 - length, "/%u", i);
		put_labels(n->child[i], pointer);
		pointer[length] = '\0';
	}
}

static void
put_blank(void)
{
	static const char *const blanks[] = { "", " ", "\t", "  " };

	if (space[0] != '\0')
		put(blanks[chance(4)]);
}

static void
put_node(unsigned at)
{
	const struct node *n = &nodes[at];

	if (n->kind == SCALAR) {
		put(n->text);
		return;
	}
	put(n->kind == OBJECT ? "{" : "[");
	for (unsigned i = 0; i < n->children; i++) {
		put(i > 0 ? "," : "");
		put_blank();
		if (n->kind == OBJECT) {
			put("\"");
			put(nodes[n->child[i]].key);
			put("\":");
			put_blank();
		}
		put_node(n->child[i]);
		put_blank();
	}
	put(n->kind == OBJECT ? "}" : "]");
}

static void
make_line(void)
{
	char pointer[512] = "";

	size = 0;
	put("{\"ehr\":{\"v\":1,\"stage\":\"labelled\",\"id\":\"X/1\",\"level\":\"N\",\"criticality\":\"low\","
	    "\"policy\":\"sha256:0\"},\"labels\":[");
	put_labels(0, pointer);
	put("],\"record\":");
	put_node(0);
	put("}");
}

/* ---- the engine ---- */
static struct policy policy;
static struct mac *mark;
static struct redactor *redactor;
static struct redaction result;

static void
write_file(const char *name, const char *text)
{
	char path[512];
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/%s", directory, name);
	f = fopen(path, "w");
	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0)
		exit(99);
}

static struct mac *
find_key(void *context, struct bytes name)
{
	(void)context;
	(void)name;
	return mark;
}

static void
unload(void)
{
	redactor_free(redactor);
	redactor = NULL;
	policy_release(&policy);
}

static void
load(bool fhir, const char *habits)
{
	struct redactor_settings settings = {
		.other_policy = true, .max_depth = 64, .max_record = TEXT, .key = find_key
	};
	struct redactor_problem problem = { .text = "" };
	char text[1024];

	unload();
	(void)snprintf(text, sizeof text,
	    "policy: 1\nname: trial\nserial: 1\nlevels: [{name: L, al: 1}, {name: N, al: 3}, {name: R, al: "
	    "4}, {name: V, al: 5}]\n"
	    "record: {type: %s, id: .id%s}\n",
	    fhir ? ".resourceType" : "{const: X}", fhir ? ", roots: fhir" : "");
	write_file("policy.yaml", text);
	write_file("classify.yaml", "classify: 1\ncriticality: {order: [low, high], default: low}\n");
	write_file("seal.yaml", "seal: 1\ndomain: trial\npadding: none\n");
	(void)snprintf(text, sizeof text,
	    "redact: 1\nkeys: [mark]\nmark: {key: mark}\n%s  - {rl: N}\n  - {rl: R}\n  - {rl: V}\n", habits);
	write_file("redact.yaml", text);
	if (!policy_load(&policy, directory, &problem.fault) ||
	    redactor_load(&redactor, &policy, &settings, &problem) != REDACTOR_READY) {
		printf("# %s\n", problem.fault.text);
		exit(99);
	}
}

/* A version as it will be written, tags and record; empty if there is none. */
struct text {
	char at[TEXT];
	size_t size;
};

static void
take_version(unsigned i, struct text *t)
{
	struct buffer out;
	const struct tags *tags = redactor_tags(redactor, i);

	buffer_init(&out, TEXT - 1);
	if (redactor_state(redactor, i) != VERSION_NONE &&
	    (!redactor_record(redactor, i, &out) || !buffer_append(&out, " ", 1) || !tags_write(&out, tags)))
		exit(99);
	if (out.used > 0)
		memcpy(t->at, out.at, out.used);
	t->at[out.used] = '\0';
	t->size = out.used;
	buffer_release(&out);
}

static bool
run(void)
{
	if (redactor_run(redactor, (struct bytes){ line, size }, &result))
		return true;
	printf("# refused %d at %zu: %.*s\n", (int)result.reason, result.byte, (int)size, line);
	return false;
}

/* ---- what the tree says ---- */
static unsigned char level_of[NODES];

static unsigned char base_of[NODES], raise_of[NODES];

/* What is said of x holds for _x, too. */
static void
join(unsigned a, unsigned b)
{
	unsigned char base = base_of[a];
	unsigned char raise = raise_of[a];

	if (base == NO_LABEL || (base_of[b] != NO_LABEL && base_of[b] > base))
		base = base_of[b];
	if (raise == NO_LABEL || (raise_of[b] != NO_LABEL && raise_of[b] > raise))
		raise = raise_of[b];
	base_of[a] = base_of[b] = base;
	raise_of[a] = raise_of[b] = raise;
}

static void
join_halves(const struct node *n)
{
	for (unsigned i = 0; i < n->children; i++)
		for (unsigned k = 0; k < n->children; k++) {
			const struct node *x = &nodes[n->child[i]];
			const struct node *half = &nodes[n->child[k]];

			if (half->key[0] != '_' || strcmp(half->key + 1, x->key) != 0)
				continue;
			join(n->child[i], n->child[k]);
			for (unsigned e = 0;
			     x->kind == ARRAY && half->kind == ARRAY && e < x->children && e < half->children;
			     e++)
				join(x->child[e], half->child[e]);
		}
}

static void
find_below(unsigned at, unsigned char base, unsigned char raise, bool fhir)
{
	const struct node *n = &nodes[at];

	base = base_of[at] != NO_LABEL ? base_of[at] : base;
	raise = raise_of[at] != NO_LABEL && raise_of[at] > raise ? raise_of[at] : raise;
	level_of[at] = base > raise ? base : raise;
	if (fhir && n->kind == OBJECT)
		join_halves(n);
	for (unsigned i = 0; i < n->children; i++)
		find_below(n->child[i], base, raise, fhir);
}

static void
find_levels(bool fhir)
{
	for (unsigned i = 0; i < count; i++) {
		base_of[i] = nodes[i].base;
		raise_of[i] = nodes[i].raise;
	}
	find_below(0, nodes[0].base, 0, fhir);
}

static char expected[TEXT];
static size_t expected_size;

static void
expect(const char *text)
{
	size_t length = strlen(text);

	memcpy(expected + expected_size, text, length + 1);
	expected_size += length;
}

/* Writes what LEVEL may know of a node; false, and nothing written, if that is nothing. */
static bool
expect_node(unsigned at, unsigned level, bool hidden)
{
	const struct node *n = &nodes[at];
	size_t start = expected_size;
	bool any = false;

	if (n->kind == SCALAR) {
		if (level_of[at] <= level)
			expect(n->text);
		return level_of[at] <= level;
	}
	expect(n->kind == OBJECT ? "{" : "[");
	for (unsigned i = 0; i < n->children; i++) {
		size_t before = expected_size;

		expect(any ? "," : "");
		if (n->kind == OBJECT) {
			expect("\"");
			expect(nodes[n->child[i]].key);
			expect("\":");
		}
		if (expect_node(n->child[i], level, hidden))
			any = true;
		else
			expected_size = before;
	}
	expect(n->kind == OBJECT ? "}" : "]");
	if (any || (n->children == 0 && level_of[at] <= level && !hidden))
		return true;
	expected_size = start;
	return false;
}

static bool
as_expected(unsigned level, bool hidden)
{
	static struct text got;
	static char whole[TEXT];
	size_t used = 0;

	take_version(level, &got);
	expected_size = 0;
	expected[0] = '\0';
	if (level + 1 == LEVELS)
		hidden = false;
	if (!expect_node(0, level, hidden) && level + 1 < LEVELS)
		return redactor_state(redactor, level) == VERSION_NONE ||
		       redactor_state(redactor, level) == VERSION_STUB;
	/* White space outside of strings is the only thing that may differ; no string here holds any. */
	for (size_t i = 0; i < got.size && strncmp(got.at + i, " {\"v\":1", 7) != 0; i++)
		if (strchr(" \t", got.at[i]) == NULL)
			whole[used++] = got.at[i];
	whole[used] = '\0';
	expected[expected_size] = '\0';
	if (strcmp(whole, expected) == 0)
		return true;
	printf(
	    "# %.*s\n# level %u is        %s\n# and should be %s\n", (int)size, line, level, whole, expected);
	return false;
}

/* ---- P3 and P4 ---- */
static bool
shows(const struct text *t, const struct node *n)
{
	char value[16];

	(void)snprintf(value, sizeof value, n->text[0] == '"' ? "v%04uq" : "7%04u.", n->number);
	return strstr(t->at, value) != NULL;
}

static bool
tells_nothing(void)
{
	static struct text version[LEVELS];
	bool good = true;

	for (unsigned v = 0; v < LEVELS; v++)
		take_version(v, &version[v]);
	for (unsigned i = 0; i < count; i++) {
		if (nodes[i].kind != SCALAR || nodes[i].number == NO_NUMBER)
			continue;
		for (unsigned v = 0; v < LEVELS; v++) {
			good = good && !(level_of[i] > v && shows(&version[v], &nodes[i]));
			good = good && !(v > 0 && shows(&version[v - 1], &nodes[i]) &&
					   !shows(&version[v], &nodes[i]));
		}
		good = good && shows(&version[LEVELS - 1], &nodes[i]);
	}
	if (!good)
		printf("# %.*s\n# N: %s\n", (int)size, line, version[1].at);
	return good;
}

/* ---- P1 and P2 ---- */
static bool
same_version(unsigned v, const struct text *before)
{
	static struct text after;

	take_version(v, &after);
	if (after.size == before->size && memcmp(after.at, before->at, after.size) == 0)
		return true;
	printf("# %.*s\n# version %u was %s\n# and is now  %s\n", (int)size, line, v, before->at, after.at);
	return false;
}

/* OF_ITS_KIND: a mask tells a string from a number. */
static void
change_values(unsigned level, bool of_its_kind)
{
	for (unsigned i = 0; i < count; i++)
		if (nodes[i].kind == SCALAR && level_of[i] > level && nodes[i].number != NO_NUMBER) {
			static const char *const others[] = { "null", "true", "1e999", "\"\"", "\"#x\"",
				"\"2020\"" };

			if (of_its_kind)
				(void)snprintf(nodes[i].text, sizeof nodes[i].text,
				    nodes[i].text[0] == '"' ? "\"new\"" : "-7e5");
			else if (chance(2) == 0)
				fill_scalar(&nodes[i]);
			else
				(void)snprintf(nodes[i].text, sizeof nodes[i].text, "%s", others[chance(6)]);
		}
}

/* Adds entries above LEVEL to objects and arrays, each labelled as such. */
static void
add_entries(unsigned level)
{
	unsigned had = count;

	for (unsigned i = 0; i < had && count < NODES - 20; i++) {
		struct node *n = &nodes[i];

		/* An element more would shift those behind it against the other half of the array. */
		if (n->kind == SCALAR || n->children > 20 || chance(3) != 0 ||
		    (n->kind == ARRAY &&
			(strstr(n->key, "given") != NULL || strstr(n->key, "birthDate") != NULL)))
			continue;
		unsigned child = count++;
		unsigned place = chance(n->children + 1);

		nodes[child] = (struct node){ .kind = (enum kind)chance(3),
			.base = NO_LABEL,
			.raise = (unsigned char)(level + 1 + chance(LEVELS - 1 - level)) };
		if (n->kind == OBJECT)
			(void)snprintf(nodes[child].key, sizeof nodes[child].key, "new%u", child);
		fill_scalar(&nodes[child]);
		memmove(&n->child[place + 1], &n->child[place], (n->children - place) * sizeof n->child[0]);
		n->child[place] = child;
		n->children++;
	}
}

/* Takes out whole entries above LEVEL, but those that something beside them belongs to. */
static void
take_entries(unsigned level)
{
	for (unsigned i = 0; i < count; i++) {
		struct node *n = &nodes[i];
		unsigned kept = 0;

		for (unsigned k = 0; k < n->children; k++) {
			const struct node *child = &nodes[n->child[k]];
			bool bound = strstr(child->key, "given") != NULL ||
				     strstr(child->key, "birthDate") != NULL ||
				     strcmp(child->key, "data") == 0 || strcmp(child->key, "resource") == 0 ||
				     strstr(n->key, "given") != NULL || strstr(n->key, "birthDate") != NULL;

			if (bound || child->raise == NO_LABEL || child->raise <= level)
				n->child[kept++] = n->child[k];
		}
		n->children = kept;
	}
}

static bool
not_interfered(bool hidden, bool masks)
{
	static struct text before;
	unsigned level = chance(LEVELS - 1);

	take_version(level, &before);
	/* of and n count versions: a higher one appears or not by what it may show */
	change_values(level, masks);
	make_line();
	if (!run() || !same_version(level, &before))
		return false;
	if (!hidden)
		return true;
	add_entries(level);
	make_line();
	if (!run() || !same_version(level, &before))
		return false;
	take_entries(level);
	make_line();
	return run() && same_version(level, &before);
}

static bool
repeats(void)
{
	static struct text before[LEVELS];
	static char first[TEXT];
	size_t first_size = size;

	for (unsigned v = 0; v < LEVELS; v++)
		take_version(v, &before[v]);
	memcpy(first, line, size);
	make_record(true);
	make_line();
	if (!run())
		return false;
	memcpy(line, first, first_size);
	size = first_size;
	if (!run())
		return false;
	for (unsigned v = 0; v < LEVELS; v++)
		if (!same_version(v, &before[v]))
			return false;
	return true;
}

static void
try_policy(const char *name, bool fhir, const char *habits, bool hidden, bool exact)
{
	bool levels = true, secret = true, still = true, again = true;

	load(fhir, habits);
	for (unsigned round = 0; round < ROUNDS; round++) {
		make_record(fhir);
		space[0] = chance(2) == 0 ? ' ' : '\0';
		find_levels(fhir);
		make_line();
		if (!run()) {
			levels = false;
			break;
		}
		for (unsigned v = 0; exact && v < LEVELS; v++)
			levels = levels && as_expected(v, hidden);
		secret = secret && tells_nothing();
		space[0] = '\0';
		make_line();
		levels = levels && run();
		if (round % 8 == 0)
			again = again && repeats();
		else
			still = still && not_interfered(hidden, strstr(habits, "mask") != NULL);
		if (!levels || !secret || !still || !again)
			break;
	}
	printf("# %s\n", name);
	check(levels);
	check(secret);
	check(still);
	check(again);
}

int
main(void)
{
	static const char *const files[] = { "policy.yaml", "classify.yaml", "seal.yaml", "redact.yaml" };
	char path[512];

	mark = mac_new((struct bytes)BYTES("a key of thirty-two bytes, no less"));
	if (mkdtemp(directory) == NULL)
		return 99;
	try_policy("shown", false, "presence: shown\nversions:\n  - {rl: L}\n", false, true);
	try_policy("hidden", false, "versions:\n  - {rl: L}\n", true, true);
	try_policy("hidden, stubs", false, "withheld: stub\nversions:\n  - {rl: L}\n", true, true);
	try_policy("FHIR, shown", true, "presence: shown\nversions:\n  - {rl: L}\n", false, false);
	try_policy("FHIR, absent", true,
	    "presence: shown\nabove: absent\nversions:\n  - {rl: L, above: mask}\n", false, false);
	try_policy("FHIR, hidden", true, "versions:\n  - {rl: L}\n", true, false);
	try_policy("FHIR, an allow-list", true,
	    "versions:\n  - rl: L\n    types: [Observation, Bundle]\n    extensions: [http://e/listed]\n"
	    "    keep: {\"*\": [.resourceType, .note, .code, .subject, \"..|.given?\"], Bundle: [.entry], "
	    "Observation: [.value, .contained]}\n",
	    true, false);
	unload();
	mac_free(mark);
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		(void)snprintf(path, sizeof path, "%s/%s", directory, files[i]);
		(void)unlink(path);
	}
	(void)rmdir(directory);
	return tap_end();
}
