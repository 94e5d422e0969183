/* SPDX-License-Identifier: ISC */
#include "cmd/policy/cases.h"

#include "cmd/policy/expect.h"

#include <stdarg.h>
#include <stdio.h>

enum { MAX_TEXT = 64 << 20, MAX_NOTES = 1 << 20, SHOWN = 300 };

void
cases_init(struct cases *c, struct policy *p, struct fault *f)
{
	*c = (struct cases){ .policy = p, .fault = f };
	json_init(&c->line, NULL, JSON_MAX_DEPTH);
	json_init(&c->version, NULL, JSON_MAX_DEPTH);
	buffer_init(&c->text, MAX_TEXT);
	buffer_init(&c->record, MAX_TEXT);
	buffer_init(&c->notes, MAX_NOTES);
}

void
cases_release(struct cases *c)
{
	if (c->piping)
		pipeline_release(&c->pipeline);
	if (c->access != NULL)
		access_free(c->access);
	json_release(&c->line);
	json_release(&c->version);
	buffer_release(&c->text);
	buffer_release(&c->record);
	buffer_release(&c->notes);
	c->piping = false;
	c->access = NULL;
}

void
cases_note(struct cases *c, const struct yaml_node *node, const char *format, ...)
{
	char text[1000];
	va_list list;

	size_t size = (size_t)snprintf(text, sizeof(text), "# line %u: ", node->line);
	va_start(list, format);
	int more = vsnprintf(text + size, sizeof(text) - size, format, list);
	va_end(list);
	size += more > 0 ? (size_t)more : 0;
	(void)buffer_append(&c->notes, text, size < sizeof(text) ? size : sizeof(text) - 1);
	(void)buffer_append(&c->notes, "\n", 1);
}

void
cases_differ(
    struct cases *c, const struct yaml_node *want, const char *what, const struct json *j, uint32_t node)
{
	struct buffer wanted;
	struct bytes got = node != 0 ? json_span(j, node) : (struct bytes)BYTES("nothing");

	buffer_init(&wanted, MAX_NOTES);
	expect_write(want, &wanted);
	cases_note(c, want, "%s: wanted %.*s, got %.*s", what,
	    (int)(wanted.used < SHOWN ? wanted.used : SHOWN), wanted.at,
	    (int)(got.size < SHOWN ? got.size : SHOWN), got.at);
	buffer_release(&wanted);
}

bool
cases_open(struct cases *c, const char *name, struct case_file *file)
{
	struct yaml_map m;

	*file = (struct case_file){ .root = policy_yaml(c->policy, name, &c->file, c->fault) };
	if (file->root == NULL || !yaml_open(&m, c->file, file->root, c->fault))
		return false;
	/* What engines were loaded with may be another file's. */
	c->now = NULL;
	if (c->access != NULL)
		access_free(c->access);
	c->access = NULL;
	file->now = yaml_take(&m, "now");
	file->list = yaml_take(&m, "cases");
	if (file->list == NULL)
		return true;
	file->consents = yaml_take(&m, "consents");
	file->facts = yaml_take(&m, "facts");
	file->entities = yaml_take(&m, "entities");
	file->used = yaml_take(&m, "used");
	if (file->list->kind != YAML_LIST)
		return fault_at(c->fault, c->file, file->list, "expected a list of cases");
	return yaml_close(&m);
}

bool
cases_run(struct cases *c, const struct case_file *file, const struct yaml_node *node, struct bytes *name)
{
	struct yaml_map m;

	c->notes.used = 0;
	*name = (struct bytes){ 0 };
	if (!yaml_open(&m, c->file, node, c->fault))
		return false;
	const struct yaml_node *title = yaml_take(&m, "name");
	const struct yaml_node *now = yaml_take(&m, "now");
	const struct yaml_node *record = yaml_take(&m, "record");
	const struct yaml_node *request = file->list != NULL ? yaml_take(&m, "request") : NULL;
	const struct yaml_node *expect = yaml_need(&m, "expect");
	if (!yaml_close(&m) || !yaml_string(c->file, title, name, c->fault))
		return false;
	if ((record == NULL) == (request == NULL))
		return fault_at(c->fault, c->file, node, "expected either a record or a request");
	if (request != NULL && now != NULL)
		return fault_at(
		    c->fault, c->file, now, "a request has its time in context.time, or the file's");
	return request != NULL ? cases_request(c, file, request, expect)
			       : cases_record(c, now != NULL ? now : file->now, record, expect);
}

bool
cases_text(struct cases *c, const struct yaml_node *node, struct bytes *text)
{
	static const char slack[JSON_SLACK];
	char name[256];

	if (node->kind == YAML_STRING) {
		(void)snprintf(name, sizeof(name), "tests/%.*s",
		    (int)(node->text.size < 200 ? node->text.size : 200), node->text.at);
		const struct policy_file *file = policy_file(c->policy, name);
		if (file == NULL)
			return fault_at(c->fault, c->file, node, "no file '%s' in this policy", name);
		*text = file->text;
		while (
		    text->size > 0 && (text->at[text->size - 1] == '\n' || text->at[text->size - 1] == '\r'))
			text->size--;
		return true;
	}
	if (node->kind != YAML_MAP)
		return fault_at(
		    c->fault, c->file, node, "expected a map, or the name of a file below tests/");
	c->text.used = 0;
	expect_write(node, &c->text);
	size_t size = c->text.used;
	if (!buffer_append(&c->text, slack, sizeof(slack)))
		return fault_at(c->fault, c->file, node, "too long for a record");
	*text = (struct bytes){ c->text.at, size };
	return true;
}
