/* SPDX-License-Identifier: ISC */
#include "common/policy/yaml.h"

#include "common/base/buffer.h"
#include "common/base/file.h"
#include "tests/lib/tap.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A tree in one line: strings in quotes, everything else as it was written. */
static void
show(const struct yaml_node *n, char *out, size_t room)
{
	size_t used = strlen(out);

	if (n->kind == YAML_NULL)
		(void)snprintf(out + used, room - used, "null");
	else if (n->kind == YAML_STRING)
		(void)snprintf(out + used, room - used, "'%.*s'", (int)n->text.size, n->text.at);
	else if (n->kind == YAML_BOOLEAN)
		(void)snprintf(out + used, room - used, "%s", n->truth ? "true" : "false");
	else if (n->kind == YAML_NUMBER)
		(void)snprintf(out + used, room - used, "%.*s", (int)n->text.size, n->text.at);
	else {
		(void)snprintf(out + used, room - used, n->kind == YAML_LIST ? "[" : "{");
		for (size_t i = 0; i < n->count; i++) {
			used = strlen(out);
			(void)snprintf(out + used, room - used, "%s", i > 0 ? "," : "");
			used = strlen(out);
			if (n->kind == YAML_MAP)
				(void)snprintf(out + used, room - used, "%.*s:", (int)n->key[i]->text.size,
				    n->key[i]->text.at);
			show(n->item[i], out, room);
		}
		used = strlen(out);
		(void)snprintf(out + used, room - used, n->kind == YAML_LIST ? "]" : "}");
	}
}

/* Text, and the tree or the fault ("LINE:COLUMN: ...") that must come of it. */
static const struct {
	const char *text;
	const char *want;
} cases[] = {
	{ "", "null" },
	{ "# nothing but words\n", "null" },
	{ "---\n", "null" },
	{ "a: 1\n", "{a:1}" },
	{ "a: 1\r\nb: 2\r\n", "{a:1,b:2}" },
	{ "a: 1", "{a:1}" },
	{ "--- # one document\na: 1\n...\n", "{a:1}" },
	{ "[yes, no, on, 0x1f, 1_000, 22:30, 010, +1, .5, 1., .inf, True, NULL, 2026-11-01]",
	    "['yes','no','on','0x1f','1_000','22:30','010','+1','.5','1.','.inf','True','NULL','2026-11-01'"
	    "]" },
	{ "[true, false, null, ~, 0, -0, -12.50e+3, 7.40, 12345678901234567890]",
	    "[true,false,null,null,0,-0,-12.50e+3,7.40,12345678901234567890]" },
	{ "['true', \"null\", '1', '']", "['true','null','1','']" },
	{ "a:\nb: ~\n", "{a:null,b:null}" },
	{ "true: 1\n7: 2\n'': 3\n", "{true:1,7:2,:3}" },
	{ "a:\n- 1\n- - 2\n  - 3\n", "{a:[1,[2,3]]}" },
	{ "a: |\n  one\n  two\nb: >-\n  one\n  two\n", "{a:'one\ntwo\n',b:'one two'}" },
	{ "\"*\": {.resourceType: U, \".a[]\": V}", "{*:{.resourceType:'U',.a[]:'V'}}" },
	{ "say: A sentence\n  on two lines.\n", "{say:'A sentence on two lines.'}" },
	{ "when: .a | any(.b == \"c\") # why\n", "{when:'.a | any(.b == \"c\")'}" },
	{ "a: [1,\n  2,\n]\n", "{a:[1,2]}" },
	{ "a: \"\\u00e9\\n\\\"\"\n", "{a:'\xc3\xa9\n\"'}" },
	/* what the subset leaves out */
	{ "a: &x 1\n", "1:4: anchors" },
	{ "a: &x {b: 1}\n", "1:4: anchors" },
	{ "a: *x\n", "1:4: aliases" },
	{ "a: !!str 1\n", "1:4: tags" },
	{ "a: ! 1\n", "1:4: tags" },
	{ "a: !x [1]\n", "1:4: tags" },
	{ "<<: {a: 1}\n", "1:1: merge keys" },
	{ "%YAML 1.2\n---\na: 1\n", "1:1: " },
	{ "%TAG ! x:\n---\na: 1\n", "1:1: directives" },
	{ "a: 1\n---\nb: 2\n", "2:1: a second document" },
	{ "a: 1\nb: 2\na: 3\n", "3:1: key 'a' seen twice, first in line 1" },
	{ "{a: 1, 'a': 2}\n", "1:8: key 'a' seen twice, first in line 1" },
	{ "\"\\u0061\": 1\na: 2\n", "2:1: key 'a' seen twice, first in line 1" },
	{ "[a]: 1\n", "1:1: a list or map as a key" },
	{ "{{a: 1}: 1}\n", "1:2: a list or map as a key" },
	{ "? a\n: 1\n", "1:3: explicit keys" },
	{ "[? a : b]\n", "1:4: explicit keys" },
	{ "{ ?foo: bar }\n", "1:4: explicit keys" },
	{ "{: 1}\n", "1:2: " },
	{ "a: \"x\\0y\"\n", "1:4: a NUL" },
	{ "a: [1, 2,#x\n 3]\n", "2:2: a comment without a blank" },
	{ "a: |#x\n  b\n", "1:4: a comment without a blank" },
	{ "a: [1,\n2]\n", "2:1: not indented deeper" },
	{ "a: \"b\nc\"\n", "1:4: a line of this text is not indented" },
	{ "a: \"b\n\tc\"\n", "2:1: a tab" },
	{ "a:\n\t- b\n", "2:1: a tab" },
	{ "a: |\n  x\n  ", "3:1: blanks at the end" },
	{ "a: b\rc: d\n", "1:5: a carriage return" },
	{ "\xef\xbb\xbf"
	  "a: 1\n",
	    "1:1: a byte order mark" },
	{ "a: 1\n\xc3\xa9: \xe2\x80\xa8\n", "2:4: a Unicode line separator" },
	{ "a: \xff\n", "1:4: not UTF-8" },
	{ "a: \xc0\xaf\n", "1:4: not UTF-8" },
	{ "a: \xed\xa0\x80\n", "1:4: not UTF-8" },
	{ "a: \xe2\x80", "1:4: not UTF-8" },
	{ "a: \x01\n", "1:4: a control character" },
	/* columns are characters */
	{ "\xc3\xa9\xe2\x82\xac: &x 1\n", "1:5: anchors" },
	{ "'\xf0\x9f\x98\x80': [*x]\n", "1:7: aliases" },
	{ "a: [1\n", "2:1: " },
	{ "a: b: c\n", "1:5: " },
	{ "a: 'b\n",
	    "2:1: found unexpected end of stream while scanning a quoted scalar; a quote (' or \")" },
	/* what helps where a line is indented wrongly */
	{ "a:\n  b: 1\n c: 2\n", "3:2: did not find expected key while parsing a block mapping; is this "
				 "line, or the one above, indented" },
	{ "a: x\n  b: y\n",
	    "2:4: mapping values are not allowed in this context; is this line, or the one above," },
	{ "a:\n - 1\n  - 2\n",
	    "3:3: a '-' inside the text that begins above it: begin the line as the '-' " },
	{ "a: one\n  - two\n", "2:3: a '-' inside the text that begins above" },
	{ "a: one\n  -\n", "2:3: a '-' inside the text that begins above" },
	{ "\xc3\xa9: one\n\n  two\n  - two\n", "4:3: a '-' inside the text that begins above" },
	{ "a: one\n  -two - three\n", "{a:'one -two - three'}" },
	{ "a: \"one\n  - two\"\n", "{a:'one - two'}" },
};

static bool
as_wanted(const char *text, const char *want)
{
	struct arena a = { 0 };
	struct fault f = { 0 };
	char got[4096] = "";
	const struct yaml_node *n = yaml_read(&a, "x.yaml", bytes_of(text), &f);

	if (n != NULL)
		show(n, got, sizeof(got));
	else
		(void)snprintf(got, sizeof(got), "%u:%u: %s", f.line, f.column, f.text);
	bool good = (n == NULL) == (f.text[0] != '\0') &&
		    (n != NULL ? strcmp(got, want) == 0 : strncmp(got, want, strlen(want)) == 0);
	if (!good)
		printf("# got %s\n# want %s\n", got, want);
	arena_release(&a);
	return good;
}

static bool
nests(unsigned depth)
{
	struct arena a = { 0 };
	struct fault f = { 0 };
	char text[256];

	memset(text, '[', depth);
	memset(text + depth, ']', depth);
	bool good = yaml_read(&a, "x", (struct bytes){ text, 2 * (size_t)depth }, &f) != NULL;
	arena_release(&a);
	return good;
}

static bool
large_is_refused(void)
{
	struct arena a = { 0 };
	struct fault f = { 0 };
	size_t size = ((size_t)16 << 20) + 1;
	char *text = malloc(size);

	if (text == NULL)
		return false;
	memset(text, '\n', size);
	bool good = yaml_read(&a, "x", (struct bytes){ text, size }, &f) == NULL && f.line == 0;
	free(text);
	arena_release(&a);
	return good;
}

static const struct yaml_node *
tree(struct arena *a, const char *text)
{
	struct fault f = { 0 };

	return yaml_read(a, "x.yaml", bytes_of(text), &f);
}

static void
test_maps(void)
{
	struct arena a = { 0 };
	struct fault f = { 0 };
	struct yaml_map m;
	const struct yaml_node *n = tree(&a, "id: x\nsay: y\ntyp: z\n");

	check(yaml_open(&m, "x.yaml", n, &f));
	check(yaml_take(&m, "type") == NULL && f.text[0] == '\0');
	check(bytes_are(yaml_need(&m, "id")->text, "x") && yaml_need(&m, "say") != NULL);
	check(!yaml_close(&m) && f.line == 3 && f.column == 1);
	check(strcmp(f.text, "unknown key 'typ', expected one of type id say, did you mean 'type'?") == 0);
	check(!fault_at(&f, "y.yaml", NULL, "a later fault") && f.line == 3);
	f = (struct fault){ 0 };
	check(yaml_open(&m, "x.yaml", n, &f) && yaml_need(&m, "at") == NULL);
	check(strcmp(f.text, "'at' is missing") == 0 && f.line == 1 && !yaml_close(&m));
	f = (struct fault){ 0 };
	check(yaml_open(&m, "x.yaml", n, &f) && yaml_need(&m, "type") == NULL);
	check(strcmp(f.text, "'type' is missing; does 'typ' stand for it?") == 0);
	f = (struct fault){ 0 };
	n = tree(&a, "id: x\nsay: \n");
	check(yaml_open(&m, "x.yaml", n, &f) && yaml_need(&m, "say") == NULL);
	check(strcmp(f.text, "'say' is missing: it has no value") == 0 && f.line == 2);
	f = (struct fault){ 0 };
	check(!yaml_open(&m, "x.yaml", n->item[0], &f) && strcmp(f.text, "a string, expected a map") == 0);
	check(
	    yaml_find(n, "say") == n->item[1] && yaml_find(n, "no") == NULL && yaml_find(NULL, "a") == NULL);
	arena_release(&a);
}

static void
test_scalars(void)
{
	static const char *const words[] = { "hidden", "shown", NULL };
	struct arena a = { 0 };
	struct fault f = { 0 };
	const struct yaml_node *n =
	    tree(&a, "[true, 12, shown, [a, b], 1.5, other, 99999999999999999999, ~]");
	struct bytes text = { 0 };
	bool truth = false;
	uint64_t number = 0;
	unsigned word = 9;

	check(yaml_boolean("x", n->item[0], &truth, &f) && truth);
	check(yaml_integer("x", n->item[1], 1, 12, &number, &f) && number == 12);
	check(yaml_word("x", n->item[2], words, &word, &f) && word == 1);
	check(yaml_string("x", n->item[2], &text, &f) && bytes_are(text, "shown"));
	check(yaml_string("x", NULL, &text, &f) && yaml_integer("x", NULL, 0, 1, &number, &f));
	check(
	    yaml_strings(n->item[3]) == 2 && yaml_strings(n->item[2]) == 1 && yaml_strings(n->item[7]) == 0);
	check(yaml_item_string("x", n->item[3], 1, &text, &f) && bytes_are(text, "b"));
	check(yaml_item_string("x", n->item[2], 0, &text, &f) && bytes_are(text, "shown"));
	check(f.text[0] == '\0' && f.file == NULL);
	check(!yaml_word("x", n->item[5], words, &word, &f) &&
	      strcmp(f.text, "unknown word 'other', expected one of hidden shown") == 0);
	f = (struct fault){ 0 };
	check(!yaml_integer("x", n->item[1], 0, 11, &number, &f) && number == 12);
	check(strcmp(f.text, "expected a whole number from 0 to 11") == 0 && f.column == 8);
	f = (struct fault){ 0 };
	check(!yaml_integer("x", n->item[4], 0, 11, &number, &f));
	f = (struct fault){ 0 };
	check(!yaml_integer("x", n->item[6], 0, UINT64_MAX, &number, &f));
	f = (struct fault){ 0 };
	check(!yaml_string("x", n->item[1], &text, &f) && !yaml_boolean("x", n->item[1], &truth, &f));
	check(strcmp(f.text, "a number, expected a string (in quotes)") == 0);
	arena_release(&a);
}

static const char suite[] = "../shared/data/yaml-test-suite";

static bool
same_tree(const struct yaml_node *a, const struct yaml_node *b)
{
	if (a->kind != b->kind || a->count != b->count)
		return false;
	if (a->kind != YAML_NULL && !bytes_equal(a->text, b->text))
		return false;
	for (size_t i = 0; i < a->count; i++) {
		const struct yaml_node *other =
		    a->kind == YAML_MAP ? yaml_find(b, a->key[i]->text.at) : b->item[i];
		if (other == NULL || !same_tree(a->item[i], other))
			return false;
	}
	return true;
}

static struct yaml_node *
read_at(struct arena *a, int folder, const char *name)
{
	struct buffer text;
	struct fault f = { 0 };
	struct yaml_node *n = NULL;

	buffer_init(&text, 1 << 20);
	if (file_read_at(folder, name, &text))
		n = yaml_read(a, name, arena_copy(a, buffer_bytes(&text)), &f);
	buffer_release(&text);
	return n;
}

/* An error is refused; what is valid is refused too, or means what its JSON says. */
static bool
suite_case(int folder, const char *name, bool error)
{
	struct arena a = { 0 };
	char json[256];
	const struct yaml_node *got = read_at(&a, folder, name);
	bool good = got == NULL;

	if (!good && !error) {
		(void)snprintf(json, sizeof(json), "%.*s.json", (int)(strlen(name) - 5), name);
		const struct yaml_node *want = read_at(&a, folder, json);
		good = want != NULL && same_tree(got, want);
	}
	if (!good)
		printf("# %s\n", name);
	arena_release(&a);
	return good;
}

static unsigned
suite_folder(const char *name, bool error, unsigned *bad)
{
	struct buffer names;
	size_t count = 0;
	unsigned seen = 0;
	int root = open(suite, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int folder = openat(root, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	buffer_init(&names, 1 << 20);
	if (folder >= 0 && file_list_at(root, name, &names, &count)) {
		const char *at = names.at;
		for (size_t i = 0; i < count; i++, at += strlen(at) + 1) {
			if (strlen(at) < 5 || strcmp(at + strlen(at) - 5, ".yaml") != 0)
				continue;
			seen++;
			*bad += !suite_case(folder, at, error);
		}
	}
	(void)close(folder);
	(void)close(root);
	buffer_release(&names);
	return seen;
}

static void
test_suite(void)
{
	unsigned bad = 0;

	if (access(suite, R_OK) != 0) {
		skip("the YAML suite", "../shared/data is not there");
		return;
	}
	check(suite_folder("error", true, &bad) >= 40 && bad == 0);
	check(suite_folder("valid", false, &bad) >= 150 && bad == 0);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check(as_wanted(cases[i].text, cases[i].want));
	check(nests(64));
	check(!nests(65));
	check(large_is_refused());
	test_maps();
	test_scalars();
	test_suite();
	return tap_end();
}
