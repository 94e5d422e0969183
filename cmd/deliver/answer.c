/* SPDX-License-Identifier: ISC */
#include "cmd/deliver/answer.h"

#include <string.h>
#include <sysexits.h>

enum verdict
answer_judge(int status)
{
	static const struct {
		int status;
		enum verdict verdict;
	} rows[] = { { 0, VERDICT_ACCEPTED }, { 64, VERDICT_DEAD }, { 65, VERDICT_DEAD },
		{ 67, VERDICT_NOBODY }, { 68, VERDICT_NOBODY }, { 69, VERDICT_AGAIN }, { 70, VERDICT_AGAIN },
		{ 71, VERDICT_AGAIN }, { 74, VERDICT_AGAIN }, { 75, VERDICT_AGAIN }, { 76, VERDICT_AGAIN },
		{ 77, VERDICT_DEAD }, { 78, VERDICT_DEAD }, { 126, VERDICT_DEAD }, { 127, VERDICT_DEAD } };

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].status == status)
			return rows[i].verdict;
	return VERDICT_UNKNOWN;
}

enum { ANSWER_LINE = 8192, ANSWER_DEPTH = 8, DAY = 86400 };

void
answers_init(struct answers *a, struct bytes text)
{
	*a = (struct answers){ .text = text, .left = text };
	json_init(&a->json, NULL, ANSWER_DEPTH);
	buffer_init(&a->line, ANSWER_LINE);
}

void
answers_release(struct answers *a)
{
	json_release(&a->json);
	buffer_release(&a->line);
}

/* The line is an answer to the message ID. */
static bool
is_for(struct answers *a, struct bytes line, struct bytes id, bool only)
{
	uint32_t node;

	if (!only && memmem(line.at, line.size, id.at, id.size) == NULL)
		return false;
	a->line.used = 0;
	if (!buffer_append(&a->line, line.at, line.size) || !json_slack(&a->line) ||
	    !json_parse(&a->json, buffer_bytes(&a->line)) || json_kind(&a->json, 0) != JSON_OBJECT)
		return false;
	node = json_member(&a->json, 0, (struct bytes)BYTES("id"));
	return node == 0 ? only : json_is(&a->json, node, id);
}

/* A number below MOST; NUMBER stays if there is none, and is OR_ELSE if it is something else. */
static void
read_number(const struct json *j, const char *name, uint64_t most, int64_t or_else, int64_t *number)
{
	uint32_t node = json_member(j, 0, bytes_of(name));
	uint64_t found;

	if (node != 0)
		*number = json_integer(j, node, &found) && found < most ? (int64_t)found : or_else;
}

bool
answers_find(struct answers *a, struct bytes id, bool only, int *status, int64_t *retry_after)
{
	struct bytes from = a->left, line;
	int64_t code = *status;
	bool again = from.size < a->text.size;

	for (;;) {
		if (!bytes_line(&a->left, &line)) {
			if (!again)
				break;
			/* Once around: what stands before the place where the search began. */
			a->left = (struct bytes){ a->text.at, a->text.size - from.size };
			again = false;
			continue;
		}
		if (!is_for(a, line, id, only))
			continue;
		read_number(&a->json, "code", 256, EX_TEMPFAIL, &code);
		*status = (int)code;
		read_number(&a->json, "retry_after", DAY, 0, retry_after);
		a->left = (struct bytes){ a->left.at, (size_t)(a->text.at + a->text.size - a->left.at) };
		return true;
	}
	a->left = from;
	return false;
}
