/* SPDX-License-Identifier: ISC */
#include "cmd/policy/leave_out.h"

#include "common/json/json.h"

#include <stdio.h>
#include <string.h>

enum {
	MAX_NAMES = 32,
	SHORTEST = 3, /* a shorter name may be a word of the fault itself */
};

void
leave_out_init(struct leave_out *l, struct policy *p)
{
	*l = (struct leave_out){ .policy = p };
	l->saved = arena_array(&p->arena, p->files + 1, sizeof(*l->saved));
	for (size_t i = 0; i < p->files; i++)
		l->saved[i] = p->file[i];
}

void
leave_out_end(struct leave_out *l)
{
	for (size_t i = 0; i < l->policy->files; i++)
		l->policy->file[i].text = l->saved[i].text;
}

bool
leave_out_caused(const struct leave_out *l, const struct fault *f)
{
	for (unsigned i = 0; i < l->count; i++) {
		size_t size = strlen(l->names[i]);
		for (const char *at = f->text; (at = strstr(at, l->names[i])) != NULL; at++) {
			const char *before = at == f->text ? " " : at - 1;
			char after = at[size];
			bool quoted = *before == '\'' && after == '\'';
			bool whole = !ascii_is_letter(*before) && !ascii_is_letter(after) && *before != '-' &&
				     after != '-';
			if (quoted || (whole && size >= SHORTEST))
				return true;
		}
	}
	return false;
}

/* The line from START on: its indentation; -1 of a blank one. */
static int
indentation(const char *text, size_t size, size_t start)
{
	size_t at = start;

	while (at < size && text[at] == ' ')
		at++;
	return at == size || text[at] == '\n' ? -1 : (int)(at - start);
}

static size_t
next_line(const char *text, size_t size, size_t start)
{
	const char *end = memchr(text + start, '\n', size - start);

	return end != NULL ? (size_t)(end - text) + 1 : size;
}

/* Keeps the first word of the line, and that behind `id:`. */
static void
note_names(struct leave_out *l, const char *line, size_t size)
{
	char word[64];
	char text[256];

	(void)snprintf(text, sizeof(text), "%.*s", (int)size, line);
	const char *id = strstr(text, "id: ");
	const char *starts[] = { text + strspn(text, " -{"), id != NULL ? id + 4 : NULL };
	for (size_t i = 0; i < 2; i++)
		if (starts[i] != NULL && l->count < MAX_NAMES &&
		    sscanf(starts[i], "%63[A-Za-z0-9_-]", word) == 1 && strcmp(word, "id") != 0)
			memcpy(l->names[l->count++], word, sizeof(word));
}

/* Blanks the line at START and all that is indented more deeply behind it. */
static void
blank_block(char *text, size_t size, size_t start)
{
	int indent = indentation(text, size, start);
	size_t at = start;

	do {
		size_t end = next_line(text, size, at);
		for (; at < end; at++)
			if (text[at] != '\n')
				text[at] = ' ';
	} while (at < size && (indentation(text, size, at) < 0 || indentation(text, size, at) > indent));
}

/* The line before START that is indented less; START if there is none. */
static size_t
enclosing(const char *text, size_t size, size_t start)
{
	int indent = indentation(text, size, start);

	for (size_t at = start; at > 0;) {
		size_t line = at - 1;
		while (line > 0 && text[line - 1] != '\n')
			line--;
		int here = indentation(text, size, line);
		if (here >= 0 && here < indent)
			return line;
		at = line;
	}
	return start;
}

static struct policy_file *
file_of(const struct leave_out *l, const struct fault *f)
{
	for (size_t i = 0; i < l->policy->files; i++)
		if (strcmp(l->policy->file[i].shown, f->file) == 0 &&
		    bytes_end(l->policy->file[i].name, ".yaml"))
			return &l->policy->file[i];
	return NULL;
}

/*
 * A key of the file as a whole is needed, so its value becomes the last that the fault offers.  False: it
 * offers none.
 */
static bool
take_offer(struct leave_out *l, struct policy_file *file, const struct fault *f, size_t start)
{
	const char *offer = strstr(f->text, "expected one of ");
	struct bytes word = bytes_of(offer != NULL ? strrchr(offer, ' ') + 1 : "");
	size_t at = start + f->column - 1;
	size_t end = at;

	if (word.size == 0 || strstr(f->text, "unknown key") != NULL || at >= file->text.size)
		return false;
	while (end < file->text.size && strchr(",}]# \n", file->text.at[end]) == NULL)
		end++;
	size_t size = file->text.size - (end - at) + word.size;
	char *text = arena_take(&l->policy->arena, size + JSON_SLACK);
	memset(text, 0, size + JSON_SLACK);
	memcpy(text, file->text.at, at);
	memcpy(text + at, word.at, word.size);
	memcpy(text + at + word.size, file->text.at + end, file->text.size - end);
	file->text = (struct bytes){ text, size };
	return true;
}

bool
leave_out_fault(struct leave_out *l, const struct fault *f)
{
	struct policy_file *file = file_of(l, f);
	size_t start = 0;

	if (file == NULL || f->line == 0)
		return false;
	size_t size = file->text.size;
	for (unsigned line = 1; line < f->line && start < size; line++)
		start = next_line(file->text.at, size, start);
	if (indentation(file->text.at, size, start) == 0 && take_offer(l, file, f, start))
		return true;
	for (;;) {
		struct fault syntax = { 0 };
		char *text = arena_take(&l->policy->arena, size + JSON_SLACK);
		memcpy(text, file->text.at, size + JSON_SLACK);
		if (start >= size || indentation(text, size, start) < 0 ||
		    (indentation(text, size, start) == 0 && leave_out_caused(l, f)))
			return false;
		note_names(l, text + start, next_line(text, size, start) - start);
		size_t outer = enclosing(text, size, start);
		blank_block(text, size, start);
		if (yaml_read(&l->policy->arena, file->shown, (struct bytes){ text, size }, &syntax) !=
		    NULL) {
			file->text = (struct bytes){ text, size };
			return true;
		}
		if (outer == start)
			return false;
		start = outer;
	}
}
