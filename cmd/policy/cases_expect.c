/* SPDX-License-Identifier: ISC */
#include "cmd/policy/cases.h"

static bool
same_list(const struct yaml_node *want, const struct json *j, uint32_t node)
{
	uint32_t at = node + 1;

	if (json_kind(j, node) != JSON_ARRAY)
		return false;
	for (size_t i = 0; i < want->count; i++, at = j->nodes[at].next)
		if (at >= j->nodes[node].next || !cases_expect(want->item[i], j, at))
			return false;
	return at >= j->nodes[node].next;
}

/* A wanted null matches a missing member too. */
static bool
same_map(const struct yaml_node *want, const struct json *j, uint32_t node)
{
	if (json_kind(j, node) != JSON_OBJECT)
		return false;
	for (size_t i = 0; i < want->count; i++) {
		uint32_t member = json_member(j, node, want->key[i]->text);
		if (member == 0 ? want->item[i]->kind != YAML_NULL : !cases_expect(want->item[i], j, member))
			return false;
	}
	return true;
}

bool
cases_expect(const struct yaml_node *want, const struct json *j, uint32_t node)
{
	switch (want->kind) {
	case YAML_NULL:
		return json_kind(j, node) == JSON_NULL;
	case YAML_BOOLEAN:
		return json_kind(j, node) == (want->truth ? JSON_TRUE : JSON_FALSE);
	case YAML_NUMBER:
		return json_kind(j, node) == JSON_NUMBER && bytes_equal(json_span(j, node), want->text);
	case YAML_STRING:
		return json_kind(j, node) == JSON_STRING && json_is(j, node, want->text);
	case YAML_LIST:
		return same_list(want, j, node);
	case YAML_MAP:
	default:
		return same_map(want, j, node);
	}
}

/* STEP, the text between two slashes, with ~0 and ~1 undone, into ROOM; false for any other ~. */
static bool
unescape(struct bytes step, struct buffer *room)
{
	room->used = 0;
	for (size_t i = 0; i < step.size; i++) {
		char c = step.at[i];
		if (c == '~') {
			if (++i >= step.size || (step.at[i] != '0' && step.at[i] != '1'))
				return false;
			c = step.at[i] == '0' ? '~' : '/';
		}
		(void)buffer_append(room, &c, 1);
	}
	return true;
}

static bool
element(const struct json *j, uint32_t array, struct bytes step, uint32_t *node)
{
	size_t index = 0;
	uint32_t at = array + 1;

	if (step.size == 0 || step.size > 9 || (step.size > 1 && step.at[0] == '0'))
		return false;
	for (size_t i = 0; i < step.size; i++) {
		if (!ascii_is_digit(step.at[i]))
			return false;
		index = index * 10 + (size_t)(step.at[i] - '0');
	}
	while (index-- > 0 && at < j->nodes[array].next)
		at = j->nodes[at].next;
	*node = at;
	return at < j->nodes[array].next;
}

bool
cases_find(const struct json *j, uint32_t root, struct bytes pointer, uint32_t *node)
{
	struct buffer room;
	bool found = pointer.size == 0 || pointer.at[0] == '/';

	buffer_init(&room, pointer.size + 1);
	*node = root;
	for (size_t at = 0; found && at < pointer.size;) {
		size_t end = ++at;
		while (end < pointer.size && pointer.at[end] != '/')
			end++;
		found = unescape((struct bytes){ pointer.at + at, end - at }, &room);
		if (found && json_kind(j, *node) == JSON_ARRAY) {
			found = element(j, *node, buffer_bytes(&room), node);
		} else if (found) {
			*node = json_member(j, *node, buffer_bytes(&room));
			found = *node != 0;
		}
		at = end;
	}
	buffer_release(&room);
	return found;
}
