/* SPDX-License-Identifier: ISC */
#include "common/base/disguise.h"
#include "tests/lib/tap.h"

#include <stdio.h>
#include <string.h>

static struct disguise disguise;
static struct buffer out;

/* Whether TEXT undone TIMES over holds WANT. */
static bool
gives(const char *text, unsigned times, const char *want)
{
	struct buffer room[2];
	bool holds;

	for (unsigned i = 0; i < 2; i++)
		buffer_init(&room[i], BUFFER_UNLIMITED);
	(void)buffer_append(&room[0], text, strlen(text));
	for (unsigned i = 0; i < times; i++) {
		size_t used = room[i % 2].used;

		memset(buffer_more(&room[i % 2], DISGUISE_SLACK), 0, DISGUISE_SLACK);
		if (!disguise_undo(&disguise, (struct bytes){ room[i % 2].at, used }, &room[(i + 1) % 2]))
			room[(i + 1) % 2].used = 0;
	}
	holds = memmem(room[times % 2].at, room[times % 2].used, want, strlen(want)) != NULL;
	for (unsigned i = 0; i < 2; i++)
		buffer_release(&room[i]);
	return holds;
}

static const struct {
	const char *text;
	unsigned times;
	const char *want;
} undone[] = {
	{ "is%20%48%49%56", 1, "is HIV" },
	{ "data:,%48%49%56 and more", 1, "data:,HIV and more" },
	{ "%2548%2549%2556", 2, "HIV" },
	{ "caf%C3%A9", 1, "caf\xc3\xa9" },
	{ "&amp;#72;IV", 1, "&#72;IV" },
	{ "&amp;amp;#72;IV", 2, "&#72;IV" },
	{ "a &lt;b&gt;H&lt;/b&gt;IV", 1, "a <b>H</b>IV" },
	{ "\\u0048\\u0049\\u0056", 1, "HIV" },
	{ "\\x48\\x49\\x56", 1, "HIV" },
	{ "\\110\\111\\126", 1, "HIV" },
	{ "{\\rtf1 H\\'49V}", 1, "HIV" },
	{ "=48=49=56", 1, "HIV" },
	{ "schizo=\nphrenia", 1, "schizophrenia" },
	{ "schizo=\r\nphrenia", 1, "schizophrenia" },
	{ "schizo-\n  phrenia", 1, "schizophrenia" },
	{ "schizo- phrenia", 1, "schizophrenia" },
	{ "says H . I . V now", 1, "says H.I.V now" },
	{ "0x484956206f6620", 1, "HIV of " },
	{ "key 48495620706F73 end", 1, "key HIV pos end" },
	{ "says 0x48 0x49 0x56 now", 1, "says HIV now" },
	{ "0x48,0x49,0x56", 1, "HIV" },
	{ "0x484956", 1, "HIV" },
	{ "is \\X484956\\ pos", 1, "is HIV pos" },
	{ "so [H][I][V] it", 1, "so [HIV] it" },
	{ "(H)(I)(V)", 1, "(HIV)" },
	{ "SElWIHBvc2l0aXZl", 1, "HIV positive" },
	{ "U0VsV0lIQnZjMmwwYVhabA==", 2, "HIV positive" },
	{ "SABJAFYAIABwAG8AcwA=", 1, "HIV pos" },
	{ "//5IAEkAVgAgAHAAbwBzAA==", 1, "HIV pos" },
	{ "AEgASQBWACAAcABvAHM=", 1, "HIV pos" },
};

static const char *const plain[] = {
	"",
	"100 %",
	"50% of 20",
	"c < d &amp; &lt; 5",
	"x=1&y=2",
	"id=48",
	"C:\\home",
	"well-known - and so on",
	"2026-11-28",
	"deadbeefcafe",
	"6f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f9",
	"484956",
	"port 0x48, 5",
	"20x30",
	"\\X48",
	"[see][1][2]",
	"f(a)(bc)",
	"a b c",
	"camelCase",
	"%ff%fe",
	"%00",
};

/* A beginning whose base64 depends on what follows it may be a text; one that is none already may not. */
static void
check_going_on(void)
{
	static const struct {
		const char *text;
		bool may;
	} begins[] = {
		{ "Encounter/", false },
		{ "MedicationRequest/", false },
		{ "urn:uuid:", false },
		{ "https://x.example/fhir/ServiceRequest/", false },
		{ "SElWIHBvc2l0aXY/", true },
		{ "x SElWIHBvc2l0/", true },
		{ "aBc/", true },
		{ "Encounter/aBc:", false },
		{ "Encounter:aBc:", true },
	};

	for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++) {
		char room[128] = { 0 };

		(void)snprintf(room, sizeof room - DISGUISE_SLACK, "%s", begins[i].text);
		check(disguise_may_go_on(bytes_of(room)) == begins[i].may);
		if (disguise_may_go_on(bytes_of(room)) != begins[i].may)
			printf("# %s\n", room);
	}
}

int
main(void)
{
	disguise_init(&disguise);
	buffer_init(&out, BUFFER_UNLIMITED);
	for (size_t i = 0; i < sizeof undone / sizeof undone[0]; i++) {
		check(gives(undone[i].text, undone[i].times, undone[i].want));
		if (!gives(undone[i].text, undone[i].times, undone[i].want))
			printf("# %s\n", undone[i].text);
	}
	for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
		char room[128] = { 0 };

		(void)snprintf(room, sizeof room - DISGUISE_SLACK, "%s", plain[i]);
		check(!disguise_undo(&disguise, bytes_of(room), &out));
		if (out.used > 0)
			printf("# %s: %.*s\n", room, (int)out.used, out.at);
	}
	/* At any place of a block. */
	for (int before = 0; before < 40; before++) {
		char text[64];

		(void)snprintf(text, sizeof text, "%*s%%48IV", before, "");
		check(gives(text, 1, "HIV"));
	}
	check_going_on();
	disguise_release(&disguise);
	buffer_release(&out);
	return tap_end();
}
