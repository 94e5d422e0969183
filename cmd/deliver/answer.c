/* SPDX-License-Identifier: ISC */
#include "cmd/deliver/answer.h"

#include "common/json/json.h"

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

bool
answer_find(struct bytes answers, struct bytes id, bool only, int *status, int64_t *retry_after)
{
	struct bytes line;
	struct json j;
	struct buffer text;
	uint64_t number;
	bool found = false;

	json_init(&j, NULL, 8);
	buffer_init(&text, 8192);
	while (!found && bytes_line(&answers, &line)) {
		uint32_t node;

		text.used = 0;
		if (!buffer_append(&text, line.at, line.size) || !json_slack(&text) ||
		    !json_parse(&j, buffer_bytes(&text)) || json_kind(&j, 0) != JSON_OBJECT)
			continue;
		node = json_member(&j, 0, (struct bytes)BYTES("id"));
		found = node == 0 ? only : json_is(&j, node, id);
		if (!found)
			continue;
		if ((node = json_member(&j, 0, (struct bytes)BYTES("code"))) != 0 &&
		    json_integer(&j, node, &number) && number < 256)
			*status = (int)number;
		if ((node = json_member(&j, 0, (struct bytes)BYTES("retry_after"))) != 0 &&
		    json_integer(&j, node, &number) && number < 86400)
			*retry_after = (int64_t)number;
	}
	buffer_release(&text);
	json_release(&j);
	return found;
}
