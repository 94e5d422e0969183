/* SPDX-License-Identifier: ISC */
#include "common/policy/policy.h"

#include "tests/lib/folder.h"
#include "tests/lib/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char good[] = "policy: 1\n"
			   "name: ward\n"
			   "serial: 2026-11-01\n"
			   "levels: [{name: low, al: 0}, {name: mid, al: 3}, {name: high, al: 4}]\n"
			   "record: {type: .type}\n";

/* Valid until the next call. */
static const char *
path(const char *name)
{
	static char text[FOLDER_PATH];

	return folder_path(text, name);
}

/* The fault of loading the directory as it is, without the directory's name; "" if it loads. */
static const char *
fault_now(void)
{
	static char text[1200];
	struct policy p;
	struct fault f = { 0 };
	size_t skip = strlen(folder_name);

	text[0] = '\0';
	if (!policy_load(&p, folder_name, &f))
		(void)snprintf(text, sizeof(text), "%s:%u:%u: %s",
		    f.file + (strlen(f.file) > skip ? skip + 1 : 0), f.line, f.column, f.text);
	policy_release(&p);
	return text;
}

static bool
fault_is(const char *want)
{
	const char *got = fault_now();
	bool same = strncmp(got, want, strlen(want)) == 0 && (want[0] != '\0' || got[0] == '\0');

	if (!same)
		printf("# got %s\n# want %s\n", got, want);
	return same;
}

static void
test_good(void)
{
	struct policy p;
	struct fault f = { 0 };
	char slash[64];
	unsigned level = 9;
	const char *shown;

	folder_write("policy.yaml", good);
	(void)snprintf(slash, sizeof(slash), "%s//", folder_name);
	check(policy_load(&p, slash, &f));
	check(strcmp(p.directory, folder_name) == 0 && p.files == 1);
	check(bytes_are(p.name, "ward") && bytes_are(p.serial, "2026-11-01") && p.code_system.size == 0);
	check(p.levels == 3 && bytes_are(p.level[1].name, "mid") && p.level[1].al == 3);
	check(p.record != NULL && yaml_find(p.record, "type") != NULL);
	check(policy_level(&p, bytes_of("high")) == 2 && policy_level(&p, bytes_of("High")) == -1);
	check(policy_level_for(&p, 0) == 0 && policy_level_for(&p, 2) == 0);
	check(policy_level_for(&p, 3) == 1 && policy_level_for(&p, 99) == 2);
	const struct policy_file *file = policy_file(&p, "policy.yaml");
	check(file != NULL && bytes_are(file->text, good) && policy_file(&p, "policy.yam") == NULL);
	unsigned sum = 0;
	for (int i = 0; file != NULL && i < 64; i++)
		sum += (unsigned char)file->text.at[file->text.size + (size_t)i];
	check(sum == 0);
	check(
	    policy_yaml(&p, "seal.yaml", &shown, &f) == NULL && strcmp(f.text, "this file is missing") == 0);
	f = (struct fault){ 0 };
	struct yaml_node node = { .kind = YAML_STRING, .line = 4, .column = 2, .text = BYTES("secrt") };
	check(!policy_level_node(&p, "x", &node, &level, &f) && f.line == 4 && f.column == 2);
	check(strcmp(f.text, "unknown level 'secrt', expected one of low mid high") == 0);
	f = (struct fault){ 0 };
	node.text = (struct bytes)BYTES("mid");
	check(policy_level_node(&p, "x", &node, &level, &f) && level == 1);
	check(!policy_level_node(&p, "x", NULL, &level, &f));
	policy_release(&p);
	policy_release(&p);
}

/* sha256sum says of the one file below: the listing is its line. */
static void
test_digest(void)
{
	struct policy p;
	struct fault f = { 0 };
	char before[72];

	folder_write("policy.yaml", good);
	check(policy_load(&p, folder_name, &f));
	check(strlen(p.digest) == 71 && strncmp(p.digest, "sha256:", 7) == 0);
	memcpy(before, p.digest, sizeof(before));
	policy_release(&p);
	folder_write("policy.p7s", "a signature is not part of what it signs");
	check(policy_load(&p, folder_name, &f) && strcmp(p.digest, before) == 0);
	check(policy_file(&p, "policy.p7s") == NULL);
	policy_release(&p);
	folder_write("more.tsv", "");
	check(policy_load(&p, folder_name, &f) && strcmp(p.digest, before) != 0 && p.files == 2);
	policy_release(&p);
	(void)unlink(path("more.tsv"));
	(void)unlink(path("policy.p7s"));
}

static void
test_files_refused(void)
{
	folder_write("policy.yaml", good);
	check(symlink("policy.yaml", path("link.yaml")) == 0 && fault_is("link.yaml:0:0: a link"));
	(void)unlink(path("link.yaml"));
	check(symlink("/etc", path("folder")) == 0 && fault_is("folder:0:0: a link"));
	(void)unlink(path("folder"));
	check(mkfifo(path("pipe"), 0600) == 0 && fault_is("pipe:0:0: neither file nor folder"));
	(void)unlink(path("pipe"));
	folder_write(".hidden", "");
	check(fault_is(".hidden:0:0: not a name"));
	(void)unlink(path(".hidden"));
	folder_write("a b", "");
	check(fault_is("a b:0:0: not a name"));
	(void)unlink(path("a b"));
	check(mkdir(path("sub"), 0700) == 0);
	folder_write("sub/caf\xc3\xa9", "");
	check(fault_is("sub/caf\xc3\xa9:0:0: not a name"));
	(void)unlink(path("sub/caf\xc3\xa9"));
	check(fault_is(""));
	(void)rmdir(path("sub"));
	(void)unlink(path("policy.yaml"));
	check(fault_is("policy.yaml:0:0: this file is missing"));
}

static void
test_count_refused(void)
{
	char name[32];

	folder_write("policy.yaml", good);
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(name, sizeof(name), "f%d", i);
		folder_write(name, "");
		if (i == 998)
			check(fault_is(""));
	}
	check(fault_is("policy.yaml:0:0: over 1,000 files"));
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(name, sizeof(name), "f%d", i);
		(void)unlink(path(name));
	}
	folder_write("large", "");
	check(truncate(path("large"), (off_t)64 << 20) == 0 && fault_is("policy.yaml:0:0: over 64 MiB"));
	(void)unlink(path("large"));
}

static void
test_ladder_refused(void)
{
	static const struct {
		const char *text;
		const char *want;
	} cases[] = {
		{ "policy: 2\nname: x\nserial: 1\nlevels: [{name: a, al: 1}]\n",
		    "policy.yaml:1:9: expected the number 1" },
		{ "policy: 1\nname: x\nlevels: [{name: a, al: 1}]\n",
		    "policy.yaml:1:1: 'serial' is missing" },
		{ "policy: 1\nname: x\nserial: 1\nlevels: []\n",
		    "policy.yaml:4:9: expected a list of 1 to 64" },
		{ "policy: 1\nname: x\nserial: 1\nlevels: [{name: a, al: 1}]\nlevel: 3\n",
		    "policy.yaml:5:1: unknown key 'level', expected one of policy name serial levels" },
		{ "policy: 1\nname: x\nserial: 1\nlevels: [{name: a, al: 1}, {name: b, al: 1}]\n",
		    "policy.yaml:4:42: ladder-order: al 1, expected more than 1" },
		{ "policy: 1\nname: x\nserial: 1\nlevels: [{name: a, al: 2}, {name: b, al: 1}]\n",
		    "policy.yaml:4:42: ladder-order: " },
		{ "policy: 1\nname: x\nserial: 1\nlevels: [{name: a, al: 1}, {name: a, al: 2}]\n",
		    "policy.yaml:4:35: duplicate-id: level 'a'" },
		{ "policy: 1\nname: x\nserial: 1\nlevels: [{name: a, al: 99}, {name: b, al: 100}]\n",
		    "policy.yaml:4:43: expected a whole number from 0 to 99" },
		{ "policy: 1\nname: x\nserial: 1\nlevels: [{name: ../a, al: 1}]\n",
		    "policy.yaml:4:17: not a name for a level" },
		{ "policy: 1\nname: x\nserial: 1\nlevels: [{name: a, al: -1}]\n",
		    "policy.yaml:4:24: expected a whole" },
		{ "policy: 1\nname: x\nserial: [1]\nlevels: [{name: a, al: 1}]\n",
		    "policy.yaml:3:9: expected a word" },
		{ "[]", "policy.yaml:1:1: a list, expected a map" },
		{ "", "policy.yaml:1:1: nothing, expected a map" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		folder_write("policy.yaml", cases[i].text);
		check(fault_is(cases[i].want));
	}
}

int
main(void)
{
	struct policy p;
	struct fault f = { 0 };

	folder_make();
	check(!policy_load(&p, "/nowhere/at/all", &f) && strcmp(f.text, "No such file or directory") == 0);
	policy_release(&p);
	test_good();
	test_digest();
	test_files_refused();
	test_count_refused();
	test_ladder_refused();
	folder_remove();
	return tap_end();
}
