/* SPDX-License-Identifier: ISC */
#include "common/policy/seal_policy.h"

#include "tests/lib/folder.h"
#include "tests/lib/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool
load(struct policy *p, struct seal_policy *s, struct fault *f, const char *text)
{
	*f = (struct fault){ 0 };
	folder_write("seal.yaml", text);
	return policy_load(p, folder_name, f) && seal_policy_load(s, p, f);
}

static bool
fault_is(const char *text, unsigned line, unsigned column, const char *want)
{
	struct policy p;
	struct seal_policy s;
	struct fault f;
	bool good = !load(&p, &s, &f, text) && f.line == line && f.column == column &&
		    strncmp(f.text, want, strlen(want)) == 0;

	if (!good)
		printf("# %u:%u: %s\n", f.line, f.column, f.text);
	policy_release(&p);
	return good;
}

int
main(void)
{
	struct policy p;
	struct seal_policy s;
	struct fault f;

	folder_make();
	folder_write("policy.yaml", "policy: 1\nname: x\nserial: 1\nlevels: [{name: a, al: 1}]\n");
	check(load(&p, &s, &f, "seal: 1\ndomain: ward\npadding: none\n"));
	check(bytes_are(s.domain, "ward") && s.padding == PADDING_NONE && s.rekey_lines == 65536);
	check(
	    !s.id_per_epoch && !s.subject_per_epoch && !seal_policy_allows(&s, bytes_of("a"), bytes_of("b")));
	policy_release(&p);
	check(load(&p, &s, &f,
	    "seal: 1\ndomain: ward\npadding: 4096\nrekey_lines: 7\npseudonyms: {subject: epoch}\n"
	    "tags: {topic: [vitals, labs], ward: [icu]}\n"));
	check(s.padding == PADDING_BLOCK && s.block == 4096 && s.rekey_lines == 7);
	check(!s.id_per_epoch && s.subject_per_epoch);
	check(seal_policy_allows(&s, bytes_of("topic"), bytes_of("labs")));
	check(!seal_policy_allows(&s, bytes_of("topic"), bytes_of("icu")));
	check(!seal_policy_allows(&s, bytes_of("Topic"), bytes_of("labs")));
	policy_release(&p);
	check(load(&p, &s, &f, "seal: 1\ndomain: ward\npadding: padme\n") && s.padding == PADDING_PADME);
	policy_release(&p);
	check(load(&p, &s, &f, "seal: 1\ndomain: ward\npadding: [16, 64, 65536]\n") && s.steps == 3);
	check(s.padding == PADDING_BLOCK && s.step[1] == 64 && s.block == 65536);
	policy_release(&p);
	check(fault_is("seal: 1\ndomain: w\npadding: []\n", 3, 10, "expected 1 to 8 sizes"));
	check(fault_is("seal: 1\ndomain: w\npadding: [64, 64]\n", 3, 15, "expected a size above"));
	check(fault_is("seal: 1\ndomain: w\npadding: [8]\n", 3, 11, "expected a whole number from 16"));
	check(fault_is("seal: 1\ndomain: w\npadding: [16, padme]\n", 3, 15, "expected a whole number"));
	check(fault_is("seal: 2\ndomain: w\npadding: none\n", 1, 7, "expected the number 1"));
	check(fault_is("seal: 1\ndomain: w\n", 1, 1, "'padding' is missing"));
	check(fault_is("seal: 1\ndomain: a/b\npadding: none\n", 2, 9, "not a name for a domain"));
	check(fault_is("seal: 1\ndomain: a b\npadding: none\n", 2, 9, "not a name for a domain"));
	check(fault_is("seal: 1\ndomain: w\npadding: 8\n", 3, 10, "expected a whole number from 16"));
	check(fault_is("seal: 1\ndomain: w\npadding: some\n", 3, 10, "unknown word 'some'"));
	check(fault_is("seal: 1\ndomain: w\npadding: none\nrekey_lines: 0\n", 4, 14, "expected a whole"));
	check(fault_is("seal: 1\ndomain: w\npadding: none\ntags: {a: []}\n", 4, 11, "expected a list"));
	check(fault_is(
	    "seal: 1\ndomain: w\npadding: none\ntags: {a: [b c]}\n", 4, 12, "not a value for a tag"));
	check(fault_is(
	    "seal: 1\ndomain: w\npadding: none\ntags: {a: [b], 7: [c]}\n", 4, 16, "a name of digits alone"));
	check(fault_is(
	    "seal: 1\ndomain: w\npadding: none\ntags: {\"0\": [c]}\n", 4, 8, "a name of digits alone"));
	check(load(&p, &s, &f, "seal: 1\ndomain: w\npadding: none\ntags: {w7: [\"7\"], 7-a: [c]}\n"));
	policy_release(&p);
	check(fault_is("seal: 1\ndomain: w\npadding: none\npad: 1\n", 4, 1, "unknown key 'pad'"));
	check(fault_is(
	    "seal: 1\ndomain: w\npadding: none\npseudonyms: {id: daily}\n", 4, 18, "unknown word 'daily'"));
	folder_remove();
	return tap_end();
}
