/* SPDX-License-Identifier: ISC */
#include "cmd/policy/recovery.h"

#include "cmd/policy/verbs.h"
#include "common/json/json.h"

#include <stdio.h>
#include <string.h>

#define PLACEHOLDER "left-out"
#define GUESS ", did you mean '"

enum {
	MAX_NAMES = 32,
	SHORTEST = 3, /* a shorter name may be a word of the fault itself */
};

void
recovery_begin(struct recovery *l, struct policy *p)
{
	*l = (struct recovery){ .policy = p };
	l->saved = arena_array(&p->arena, p->files + 1, sizeof(*l->saved));
	for (size_t i = 0; i < p->files; i++)
		l->saved[i] = p->file[i];
	buffer_init(&l->text, BUFFER_UNLIMITED);
	buffer_add(&l->text, PLACEHOLDER " ", sizeof(PLACEHOLDER));
}

void
recovery_end(struct recovery *l)
{
	for (size_t i = 0; i < l->policy->files; i++)
		l->policy->file[i].text = l->saved[i].text;
	buffer_release(&l->text);
}

/* Takes the next text in quotes off *AT; false if there is none. */
static bool
next_quoted(const char **at, struct bytes *word)
{
	const char *start = strchr(*at, '\'');
	const char *end = start != NULL ? strchr(start + 1, '\'') : NULL;

	if (end == NULL)
		return false;
	*word = (struct bytes){ start + 1, (size_t)(end - start) - 1 };
	*at = end + 1;
	return true;
}

/* True if the message quotes a word that was left out, or counts rows of a value set that were. */
static bool
quotes_left_out(const struct recovery *l, const char *text)
{
	const char *at = text;
	struct bytes word;

	if (l->rows > 0 &&
	    (bytes_begin(bytes_of(at), "row-count:") || bytes_begin(bytes_of(at), "empty-set:") ||
		bytes_begin(bytes_of(at), "empty-key:")))
		return true;
	if (strstr(at, "is missing") != NULL || strstr(at, "unknown key") != NULL)
		return false;
	while (next_quoted(&at, &word))
		if (verb_find_word(buffer_bytes(&l->text), word) != NULL)
			return true;
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

static struct policy_file *
file_of(const struct recovery *l, const struct fault *f)
{
	for (size_t i = 0; i < l->policy->files; i++)
		if (strcmp(l->policy->file[i].shown, f->file) == 0)
			return &l->policy->file[i];
	return NULL;
}

static size_t
line_at(struct bytes text, unsigned line)
{
	size_t start = 0;

	for (; line > 1 && start < text.size; line--)
		start = next_line(text.at, text.size, start);
	return start;
}

/* True if what the key in the line of the fault held was left out. */
static bool
is_emptied(const struct recovery *l, const struct fault *f)
{
	const struct policy_file *file = file_of(l, f);

	if (file == NULL || f->line == 0)
		return false;
	struct bytes old = l->saved[file - l->policy->file].text;
	size_t before = line_at(old, f->line + 1);
	size_t now = line_at(file->text, f->line + 1);
	return indentation(old.at, old.size, before) > indentation(old.at, old.size, line_at(old, f->line)) &&
	       indentation(file->text.at, file->text.size, now) < 0;
}

bool
recovery_caused(const struct recovery *l, const struct fault *f)
{
	char message[sizeof(f->text)];

	/* The guess at the end of a message quotes a word that is not at fault. */
	memcpy(message, f->text, sizeof(message));
	char *guess = strstr(message, GUESS);
	if (guess != NULL)
		*guess = '\0';
	if (quotes_left_out(l, message) || is_emptied(l, f) ||
	    (l->substituted != NULL && l->line == f->line && strcmp(l->substituted->shown, f->file) == 0))
		return true;
	for (unsigned i = 0; i < l->count; i++) {
		size_t size = strlen(l->names[i]);
		for (const char *at = message; (at = strstr(at, l->names[i])) != NULL; at++) {
			const char *before = at == message ? " " : at - 1;
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

/* Keeps the name that the line gives: its key, or in a list the first value; and the value of `id:`. */
static void
note_names(struct recovery *l, const char *line, size_t size)
{
	char word[64];
	char text[256];

	(void)snprintf(text, sizeof(text), "%.*s", (int)size, line);
	const char *first = text + strspn(text, " -{");
	const char *value = strstr(first, ": ");
	const char *id = strstr(text, "id: ");
	bool is_item = text[strspn(text, " ")] == '-';
	const char *starts[] = { is_item && value != NULL ? value + 2 : first, id != NULL ? id + 4 : NULL };
	for (size_t i = 0; i < 2; i++)
		if (starts[i] != NULL && l->count < MAX_NAMES &&
		    sscanf(starts[i], "%63[A-Za-z0-9_-]", word) == 1)
			memcpy(l->names[l->count++], word, sizeof(word));
}

/* The word that may have been meant; empty if the fault knows none. */
static struct bytes
guess_of(const char *text)
{
	const char *guess = strstr(text, GUESS);

	if (guess == NULL)
		return (struct bytes){ "", 0 };
	guess += sizeof(GUESS) - 1;
	return (struct bytes){ guess, strcspn(guess, "'") };
}

/* Keeps the name of the key that was meant: it is missing now. */
static void
note_meant(struct recovery *l, const char *line, const struct fault *f)
{
	struct bytes meant = guess_of(f->text);

	if (meant.size == 0 || meant.size >= sizeof(l->names[0]) || l->count == MAX_NAMES ||
	    strspn(line, " ") + 1 != f->column)
		return;
	(void)snprintf(l->names[l->count++], sizeof(l->names[0]), "%.*s", (int)meant.size, meant.at);
}

/* Keeps TEXT, which is left out, without the words that the fault quotes: they may be wrong elsewhere. */
static void
note_text(struct recovery *l, struct bytes text, const struct fault *f)
{
	size_t start = l->text.used;
	const char *at = f->text;
	struct bytes word;
	const char *found;

	buffer_add(&l->text, text.at, text.size);
	buffer_add(&l->text, "\n", 1);
	struct bytes added = { l->text.at + start, text.size };
	while (next_quoted(&at, &word))
		while ((found = verb_find_word(added, word)) != NULL)
			memset(l->text.at + (found - l->text.at), ' ', word.size);
}

/* Blanks the line at START and all that is indented more deeply behind it.  The end of that. */
static size_t
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
	return at;
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

/* Puts WORD in place of the bytes from AT to END. */
static void
put_word(struct recovery *l, struct policy_file *file, size_t at, size_t end, struct bytes word)
{
	size_t size = file->text.size - (end - at) + word.size;
	char *text = arena_take(&l->policy->arena, size + JSON_SLACK);

	memset(text, 0, size + JSON_SLACK);
	memcpy(text, file->text.at, at);
	memcpy(text + at, word.at, word.size);
	memcpy(text + at + word.size, file->text.at + end, file->text.size - end);
	file->text = (struct bytes){ text, size };
}

/* The last of the words that the message lists, of levels the highest; else its guess. */
static struct bytes
last_offered(const char *text)
{
	static const char begin[] = "expected one of ";
	const char *offer = strstr(text, begin);
	struct bytes word = { "", 0 };

	if (offer == NULL || bytes_begin(bytes_of(offer + sizeof(begin) - 1), "th"))
		return guess_of(text);
	offer += sizeof(begin) - 1;
	for (const char *end = offer + strcspn(offer, ",("); offer < end; offer += strspn(offer, " ")) {
		word = (struct bytes){ offer, strcspn(offer, " ,(") };
		offer += word.size;
	}
	return word;
}

/*
 * Puts another value in place of the one at fault, because the loader may need the key: the last one that the
 * message offers, or each of `values` in turn.  False: the key itself is at fault, or no value fits.
 */
static bool
substitute(struct recovery *l, struct policy_file *file, const struct fault *f, size_t start)
{
	static const char *const values[] = { PLACEHOLDER, "64", "1", "1h", "true" };
	struct bytes word = last_offered(f->text);
	size_t at = start + f->column - 1;
	size_t end = at;
	bool again = l->substituted == file && l->line == f->line;

	if (f->column < 2 || strstr(f->text, "unknown key") != NULL || at >= file->text.size)
		return false;
	while (end < file->text.size && strchr(",}]#\n", file->text.at[end]) == NULL)
		end++;
	/* A key is at fault. */
	if (memmem(file->text.at + at, end - at, ": ", 2) != NULL || file->text.at[end - 1] == ':')
		return false;
	if (word.size == 0 || again) {
		bool is_all = memchr(file->text.at + start, ':', at - start) == file->text.at + at - 2 &&
			      strchr("[{", file->text.at[at]) == NULL;
		l->tried = again ? l->tried + 1 : 0;
		if (!is_all || l->tried >= sizeof(values) / sizeof(values[0]))
			return false;
		word = bytes_of(values[l->tried]);
	}
	note_names(l, file->text.at + start, end - start);
	put_word(l, file, at, end, word);
	l->substituted = file;
	l->line = f->line;
	return true;
}

/* Sets the expected number of rows to the number that is left in the value set. */
static bool
correct_rows(struct recovery *l, struct policy_file *file, const struct fault *f, size_t start)
{
	struct bytes number = { f->text + sizeof("row-count: ") - 1, 0 };
	size_t at = start + f->column - 1;
	size_t end = at;

	if (l->rows == 0 || !bytes_begin(bytes_of(f->text), "row-count: "))
		return false;
	number.size = bytes_digits(bytes_of(number.at), 0);
	end += bytes_digits(file->text, end);
	put_word(l, file, at, end, number);
	return end > at;
}

/* True if a list or map in brackets is open where the line at START begins. */
static bool
is_in_brackets(struct bytes text, size_t start)
{
	unsigned open = 0;
	char quote = '\0';

	for (size_t i = 0; i < start; i++) {
		char c = text.at[i];
		if (quote != '\0' && c != quote)
			continue;
		if (quote != '\0')
			quote = '\0';
		else if (c == '#' && (i == 0 || strchr(" \n", text.at[i - 1]) != NULL))
			i = next_line(text.at, start, i) - 1;
		else if (c == '[' || c == '{')
			open++;
		else if (c == ']' || c == '}')
			open -= open > 0;
		else if ((c == '"' || c == '\'') && i > 0 && strchr(" [{,\n", text.at[i - 1]) != NULL)
			quote = c;
	}
	return open > 0;
}

/* The field NUMBER of the line at START; empty if there is none. */
static struct bytes
field(struct bytes text, size_t start, unsigned number)
{
	size_t end = next_line(text.at, text.size, start);
	size_t at = start;

	for (; number > 0 && at < end; at++)
		number -= text.at[at] == '\t';
	size_t stop = at;
	while (stop < end && strchr("\t\r\n", text.at[stop]) == NULL)
		stop++;
	return (struct bytes){ text.at + at, stop - at };
}

/* Replaces the row of a value set at START by one that no record meets. */
static bool
leave_out_row(struct recovery *l, struct policy_file *file, const struct fault *f, size_t start)
{
	static const char terms_head[] = "term\tlanguage\t";
	struct bytes old = file->text;
	size_t head = next_line(old.at, old.size, 0);
	size_t end = next_line(old.at, old.size, start);
	bool is_terms = bytes_begin(bytes_behind(old, head), terms_head);
	unsigned column = is_terms ? 2 : 3;
	struct bytes category = field(old, start, column);
	struct buffer text;
	char row[256];

	if (f->line < 3 || end - start >= old.size)
		return false;
	/* The category itself may be at fault. */
	for (size_t at = next_line(old.at, old.size, head); at < old.size;
	     at = next_line(old.at, old.size, at)) {
		struct bytes other = field(old, at, column);
		if (at != start && other.size > 0 &&
		    (category.size == 0 || verb_find_word(bytes_of(f->text), category) != NULL))
			category = other;
	}
	(void)snprintf(row, sizeof(row),
	    is_terms ? "left out %u\ten\t%.*s\tword\t\t" : "urn:left-out\t%u\t\t%.*s\t\t", f->line,
	    (int)(category.size < 100 ? category.size : 100), category.at);
	note_text(l, (struct bytes){ old.at + start, end - start }, f);
	buffer_init(&text, BUFFER_UNLIMITED);
	buffer_add(&text, old.at, start);
	buffer_add(&text, row, strlen(row));
	buffer_add(&text, "\n", 1);
	buffer_add(&text, old.at + end, old.size - end);
	size_t size = text.used;
	(void)buffer_more(&text, JSON_SLACK);
	file->text = (struct bytes){ arena_copy(&l->policy->arena, buffer_bytes(&text)).at, size };
	buffer_release(&text);
	l->rows++;
	return true;
}

bool
recovery_leave_out(struct recovery *l, const struct fault *f)
{
	struct policy_file *file = file_of(l, f);

	if (file == NULL || f->line == 0)
		return false;
	size_t size = file->text.size;
	size_t start = line_at(file->text, f->line);
	if (bytes_end(file->name, ".tsv"))
		return start < size && leave_out_row(l, file, f, start);
	if (!bytes_end(file->name, ".yaml"))
		return false;
	if (correct_rows(l, file, f, start))
		return true;
	if (substitute(l, file, f, start))
		return true;
	while (start < size && is_in_brackets(file->text, start) &&
	       enclosing(file->text.at, size, start) < start)
		start = enclosing(file->text.at, size, start);
	for (;;) {
		struct fault syntax = { 0 };
		char *text = arena_take(&l->policy->arena, size + JSON_SLACK);
		memcpy(text, file->text.at, size + JSON_SLACK);
		if (start >= size || indentation(text, size, start) < 0 ||
		    (indentation(text, size, start) == 0 && recovery_caused(l, f)))
			return false;
		note_names(l, text + start, next_line(text, size, start) - start);
		note_meant(l, text + start, f);
		size_t outer = enclosing(text, size, start);
		size_t end = blank_block(text, size, start);
		if (yaml_read(&l->policy->arena, file->shown, (struct bytes){ text, size }, &syntax) !=
		    NULL) {
			note_text(l, (struct bytes){ file->text.at + start, end - start }, f);
			file->text = (struct bytes){ text, size };
			return true;
		}
		if (outer == start)
			return false;
		start = outer;
	}
}
