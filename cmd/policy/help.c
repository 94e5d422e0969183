/* SPDX-License-Identifier: ISC */
/* ehr-policy help: what the manual pages of section 5 say of a key. */
#include "cmd/policy/print.h"
#include "cmd/policy/verbs.h"
#include "common/base/arena.h"
#include "common/base/closest.h"
#include "common/base/file.h"
#include "common/base/installed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	PAGE_MOST = 1 << 20,
	MOST_DEPTH = 8, /* of lists in lists */
	WIDTH = 78,
	INDENT = 4,
	EXAMPLE_MOST = 8, /* lines */
};

static const struct option_manual manual = {
	.program = "ehr-policy help",
	.operands = "KEY ...",
	.purpose = "Prints what the manual says of keys of a policy, a site, a message or a line.",
};

/* An item of a list with all in it, or a paragraph outside of lists. */
struct part {
	struct bytes page;    /* ehr-policy.5 */
	struct bytes section; /* its last heading */
	struct bytes head;    /* of an item: what stands behind .It; else empty */
	uint32_t parent;      /* the item around it, counted from 1; 0: none */
	uint32_t first, end;  /* its lines */
};

struct line {
	struct bytes text;
	uint32_t owner; /* the innermost part, counted from 1; 0: none */
	bool literal;   /* stands in an example */
};

struct pages {
	struct arena arena;
	struct buffer lines; /* struct line */
	struct buffer parts; /* struct part */
	/* while a page is read */
	struct bytes page, section;
	uint32_t open[MOST_DEPTH + 1]; /* the open part of each depth; at 0 the paragraph */
	unsigned depth;
	bool literal;
};

static struct part *
part_at(const struct pages *p, uint32_t number)
{
	return (struct part *)(void *)p->parts.at + (number - 1);
}

static struct line *
line_at(const struct pages *p, uint32_t i)
{
	return (struct line *)(void *)p->lines.at + i;
}

static uint32_t
count_lines(const struct pages *p)
{
	return (uint32_t)(p->lines.used / sizeof(struct line));
}

static uint32_t
count_parts(const struct pages *p)
{
	return (uint32_t)(p->parts.used / sizeof(struct part));
}

static void
close_part(struct pages *p, unsigned depth)
{
	if (p->open[depth] != 0)
		part_at(p, p->open[depth])->end = count_lines(p);
	p->open[depth] = 0;
}

static void
open_part(struct pages *p, struct bytes head)
{
	const struct part new = { .page = p->page,
		.section = p->section,
		.head = head,
		.parent = p->depth > 1 ? p->open[p->depth - 1] : 0,
		.first = count_lines(p),
		.end = count_lines(p) };

	close_part(p, p->depth);
	buffer_add(&p->parts, &new, sizeof new);
	p->open[p->depth] = count_parts(p);
}

static void
open_paragraph(struct pages *p)
{
	if (p->depth == 0)
		open_part(p, (struct bytes){ "", 0 });
}

static void
read_line(struct pages *p, struct bytes text)
{
	struct line line = { .text = text };

	if (bytes_begin(text, ".Ed"))
		p->literal = false;
	line.literal = p->literal;
	if (!p->literal && (bytes_begin(text, ".Sh ") || bytes_begin(text, ".Ss "))) {
		p->section = bytes_behind(text, 4);
		open_paragraph(p);
	} else if (!p->literal && bytes_begin(text, ".Bl") && p->depth < MOST_DEPTH) {
		p->depth++;
	} else if (!p->literal && bytes_begin(text, ".El") && p->depth > 0) {
		close_part(p, p->depth--);
		open_paragraph(p);
	} else if (!p->literal && bytes_begin(text, ".It ")) {
		open_part(p, bytes_behind(text, 4));
	} else if (!p->literal && bytes_are(text, ".Pp")) {
		open_paragraph(p);
	}
	for (unsigned d = p->depth + 1; line.owner == 0 && d-- > 0;)
		line.owner = p->open[d];
	buffer_add(&p->lines, &line, sizeof line);
	if (bytes_begin(text, ".Bd"))
		p->literal = true;
}

static void
read_page(struct pages *p, int folder, const char *name)
{
	struct buffer text;
	struct bytes rest, line;

	buffer_init(&text, PAGE_MOST);
	if (!file_read_at(folder, name, &text))
		diag_die(EXIT_IO, "%s: %s", name, file_read_fault(errno));
	rest = arena_copy(&p->arena, buffer_bytes(&text));
	p->page = arena_copy(&p->arena, bytes_of(name));
	p->section = (struct bytes){ "", 0 };
	p->depth = 0;
	p->literal = false;
	while (bytes_line(&rest, &line))
		read_line(p, line);
	for (unsigned d = 0; d <= MOST_DEPTH; d++)
		close_part(p, d);
	buffer_release(&text);
}

/* All pages of section 5 whose name begins with ehr-. */
static void
read_pages(struct pages *p)
{
	char path[INSTALLED_PATH];
	struct buffer names;
	size_t count = 0;
	int folder = -1;

	buffer_init(&names, BUFFER_UNLIMITED);
	if (installed_find("../man/man5/ehr-policy.5", path) ||
	    installed_find("man/man5/ehr-policy.5", path)) {
		*strrchr(path, '/') = '\0';
		folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (folder < 0 || !file_list_at(folder, ".", &names, &count))
		diag_die(
		    EXIT_IO, "the manual pages are not there: make install puts them into share/man/man5");
	const char *name = names.at;
	for (size_t i = 0; i < count; i++, name += strlen(name) + 1)
		if (bytes_begin(bytes_of(name), "ehr-") && bytes_end(bytes_of(name), ".5"))
			read_page(p, folder, name);
	(void)close(folder);
	buffer_release(&names);
}

/* Macros that stand in the middle of a line, too. */
enum macro { LITERAL, FLAG, REFERENCE, PARENTHESES, QUOTES, NO_SPACE, COLUMN, PLAIN, NO_MACRO };

static enum macro
macro_of(struct bytes word)
{
	static const struct {
		const char *name;
		enum macro macro;
	} macros[] = {
		{ "Li", LITERAL },
		{ "Cm", LITERAL },
		{ "Pa", LITERAL },
		{ "Ar", LITERAL },
		{ "Em", LITERAL },
		{ "Ev", LITERAL },
		{ "Nm", LITERAL },
		{ "Sx", LITERAL },
		{ "Fl", FLAG },
		{ "Xr", REFERENCE },
		{ "Pq", PARENTHESES },
		{ "Ql", QUOTES },
		{ "Qq", QUOTES },
		{ "Ns", NO_SPACE },
		{ "Ta", COLUMN },
		{ "No", PLAIN },
	};

	for (size_t i = 0; i < sizeof macros / sizeof macros[0]; i++)
		if (bytes_are(word, macros[i].name))
			return macros[i].macro;
	return NO_MACRO;
}

/* Takes the next word of a macro line off TEXT, without the quotes around it. */
static bool
next_word(struct bytes *text, struct bytes *word)
{
	const char *end;

	*text = bytes_trim(*text);
	if (text->size == 0)
		return false;
	bool quoted = text->at[0] == '"';

	*text = bytes_behind(*text, quoted);
	end = (const char *)memchr(text->at, quoted ? '"' : ' ', text->size);
	*word = (struct bytes){ text->at, end == NULL ? text->size : (size_t)(end - text->at) };
	*text = bytes_behind(*text, word->size + (end != NULL));
	return true;
}

/* The words that a macro line marks up as literal, in turn.  *LITERALS is the state, at first false. */
static bool
next_literal(struct bytes *text, bool *literals, struct bytes *word)
{
	while (next_word(text, word)) {
		enum macro macro = macro_of(*word);

		if (macro == COLUMN)
			return false;
		if (macro == NO_MACRO && *literals)
			return true;
		if (macro != NO_MACRO && macro != PARENTHESES && macro != NO_SPACE)
			*literals = macro == LITERAL || macro == QUOTES;
	}
	return false;
}

static bool
marks_up(struct bytes text, struct bytes key)
{
	struct bytes word;
	bool literals = false;

	while (next_literal(&text, &literals, &word))
		if (verb_find_word(word, key) != NULL)
			return true;
	return false;
}

struct writer {
	struct sink out;
	struct buffer text; /* the paragraph */
	size_t indent;
	struct bytes shown; /* the page of the last example */
	bool joined;        /* the next word follows without a blank */
};

static void
add_text(struct writer *w, struct bytes text)
{
	static const struct {
		const char *escape, *means;
	} escapes[] = {
		{ "\\(dq", "\"" },
		{ "\\(en", "\xe2\x80\x93" },
		{ "\\(:a", "\xc3\xa4" },
		{ "\\(:o", "\xc3\xb6" },
		{ "\\(:u", "\xc3\xbc" },
		{ "\\&", "" },
		{ "\\e", "\\" },
		{ "\\~", " " },
	};

	for (size_t i = 0; text.size > 0; i = 0) {
		while (i < sizeof escapes / sizeof escapes[0] && !bytes_begin(text, escapes[i].escape))
			i++;
		bool is_escape = i < sizeof escapes / sizeof escapes[0];
		struct bytes means = is_escape ? bytes_of(escapes[i].means) : (struct bytes){ text.at, 1 };

		buffer_add(&w->text, means.at, means.size);
		text = bytes_behind(text, is_escape ? strlen(escapes[i].escape) : 1);
	}
}

static bool
is_closing(struct bytes word)
{
	return word.size == 1 && strchr(".,;:)", word.at[0]) != NULL;
}

static void
add_word(struct writer *w, const char *before, struct bytes word, const char *after)
{
	if (w->text.used > 0 && !w->joined && !is_closing(word))
		buffer_add(&w->text, " ", 1);
	add_text(w, bytes_of(before));
	add_text(w, word);
	add_text(w, bytes_of(after));
	w->joined = bytes_are(word, "(");
}

/* A line of macros, such as `Li id , al`, that begins with its first word. */
static void
add_macros(struct writer *w, struct bytes text)
{
	const char *close = NULL, *open = "", *flag = "";
	struct bytes word, section;

	while (next_word(&text, &word)) {
		enum macro macro = macro_of(word);

		if (macro == PARENTHESES || macro == QUOTES)
			open = macro == QUOTES ? "'" : "(", close = macro == QUOTES ? "'" : ")";
		else if (macro == NO_SPACE)
			w->joined = true;
		else if (macro == COLUMN)
			add_word(w, "", (struct bytes)BYTES("|"), "");
		else if (macro == REFERENCE && next_word(&text, &word) && next_word(&text, &section)) {
			add_word(w, open, word, "(");
			add_text(w, section);
			add_text(w, (struct bytes)BYTES(")"));
			open = "";
		} else if (macro == NO_MACRO) {
			if (close != NULL && is_closing(word) && bytes_trim(text).size == 0) {
				add_text(w, bytes_of(close));
				close = NULL;
			}
			add_word(w, open, word, "");
			open = "";
		}
		flag = macro == FLAG ? "-" : "";
		if (*flag != '\0' && next_word(&text, &word))
			add_word(w, flag, word, "");
	}
	if (close != NULL)
		add_text(w, bytes_of(close));
}

/* Writes the paragraph in lines of at most WIDTH columns. */
static void
end_paragraph(struct writer *w)
{
	struct bytes rest = bytes_trim(buffer_bytes(&w->text));
	size_t column = 0;

	while (rest.size > 0) {
		const char *end = (const char *)memchr(rest.at, ' ', rest.size);
		struct bytes word = { rest.at, end == NULL ? rest.size : (size_t)(end - rest.at) };
		size_t width = print_width(word);

		if (column > 0 && column + 1 + width > WIDTH) {
			print(&w->out, "\n");
			column = 0;
		}
		print_blanks(&w->out, column == 0 ? w->indent : 1);
		column += (column == 0 ? w->indent : 1) + width;
		(void)sink_put(&w->out, word);
		rest = bytes_trim(bytes_behind(rest, word.size));
	}
	if (column > 0)
		print(&w->out, "\n");
	w->text.used = 0;
	w->joined = false;
}

static void
put_line(struct writer *w, const struct line *line)
{
	struct bytes text = line->text;

	if (line->literal) {
		print_blanks(&w->out, w->indent);
		add_text(w, text);
		(void)sink_line(&w->out, buffer_bytes(&w->text));
		w->text.used = 0;
	} else if (!bytes_begin(text, ".")) {
		add_word(w, "", text, "");
	} else if (bytes_begin(text, ".Bl") || bytes_begin(text, ".El") || bytes_begin(text, ".It ")) {
		end_paragraph(w);
		if (bytes_begin(text, ".It ")) {
			w->indent -= INDENT;
			add_macros(w, bytes_behind(text, 4));
			end_paragraph(w);
		}
		w->indent += bytes_begin(text, ".El") ? (size_t)-INDENT : INDENT;
	} else if (bytes_begin(text, ".Pp") || bytes_begin(text, ".Bd") || bytes_begin(text, ".Ed")) {
		end_paragraph(w);
	} else if (bytes_begin(text, ".Ss ") || bytes_begin(text, ".Sh ")) {
		return; /* it stands in front */
	} else if (macro_of((struct bytes){ text.at + 1, 2 }) != NO_MACRO) {
		add_macros(w, bytes_behind(text, 1));
	}
}

/* The line of an example that gives KEY a value; only if there is none, one that has the word. */
static uint32_t
find_example(const struct pages *p, struct bytes page, struct bytes key, bool as_key)
{
	for (uint32_t i = 0; i < count_lines(p); i++) {
		const struct line *line = line_at(p, i);
		const char *at = line->text.at, *end = at + line->text.size;

		if (!line->literal || line->owner == 0 || !bytes_equal(part_at(p, line->owner)->page, page) ||
		    verb_find_word(line->text, key) == NULL)
			continue;
		if (!as_key && (bytes_begin(line->text, "$ ") || bytes_begin(line->text, "> ")))
			continue; /* a command has the word by chance */
		while ((at = (const char *)memmem(at, (size_t)(end - at), key.at, key.size)) != NULL) {
			at += key.size;
			if (!as_key || (at < end && *at == ':') ||
			    (at + 1 < end && at[0] == '"' && at[1] == ':'))
				return i;
		}
	}
	return UINT32_MAX;
}

static size_t
blanks(struct bytes text)
{
	size_t n = 0;

	while (n < text.size && (text.at[n] == ' ' || text.at[n] == '-'))
		n++;
	return n;
}

/* The line and those below it that belong to it, under the name of the file that they stand in. */
static void
put_example(struct writer *w, const struct pages *p, struct bytes page, struct bytes key)
{
	uint32_t i = find_example(p, page, key, true), top;
	size_t deep;

	if (i == UINT32_MAX)
		i = find_example(p, page, key, false);
	if (i == UINT32_MAX)
		return;
	for (top = i; top > 0 && line_at(p, top)->literal; top--)
		continue;
	struct bytes file = top > 0 ? line_at(p, top - 1)->text : (struct bytes){ "", 0 };

	if (bytes_begin(file, ".Pa ")) {
		add_macros(w, bytes_behind(file, 1));
		end_paragraph(w);
	} else {
		print_blanks(&w->out, w->indent);
		print(&w->out, "example:\n");
	}
	w->indent += INDENT;
	deep = blanks(line_at(p, i)->text);
	for (uint32_t k = i; k < i + EXAMPLE_MOST && k < count_lines(p) && line_at(p, k)->literal; k++) {
		if (k > i && blanks(line_at(p, k)->text) <= deep)
			break;
		put_line(w, line_at(p, k));
	}
	w->indent -= INDENT;
}

/* "ehr-policy(5), POLICY.YAML, record:" and the part below it. */
static void
put_part(struct writer *w, const struct pages *p, const struct part *part, struct bytes key)
{
	struct bytes page = { part->page.at, part->page.size - 2 };

	if (w->indent > 0)
		print(&w->out, "\n");
	w->indent = 0;
	add_text(w, page);
	add_text(w, (struct bytes)BYTES("(5), "));
	add_text(w, part->section);
	if (part->parent != 0) {
		add_text(w, (struct bytes)BYTES(", in "));
		w->joined = true;
		add_macros(w, part_at(p, part->parent)->head);
	}
	add_text(w, (struct bytes)BYTES(":"));
	end_paragraph(w);
	w->indent = part->head.size > 0 ? 2 * INDENT : INDENT;
	for (uint32_t i = part->first; i < part->end; i++)
		put_line(w, line_at(p, i));
	end_paragraph(w);
	w->indent = INDENT;
	/* Where a page has the key twice, nobody knows which of the two its example shows. */
	if (!bytes_equal(w->shown, part->page))
		put_example(w, p, part->page, key);
	w->shown = part->page;
}

/* Items whose head has the key. */
static bool
put_items(struct writer *w, const struct pages *p, struct bytes key)
{
	bool found = false;

	for (uint32_t i = 1; i <= count_parts(p); i++)
		if (marks_up(part_at(p, i)->head, key)) {
			put_part(w, p, part_at(p, i), key);
			found = true;
		}
	return found;
}

/* Where no item has it in its head: the innermost parts whose text marks it up. */
static bool
put_mentions(struct writer *w, const struct pages *p, struct bytes key)
{
	uint32_t last = 0;

	for (uint32_t i = 0; i < count_lines(p); i++) {
		const struct line *line = line_at(p, i);

		if (line->literal || line->owner == last || line->owner == 0 ||
		    !bytes_begin(line->text, ".") || !marks_up(bytes_behind(line->text, 1), key))
			continue;
		last = line->owner;
		put_part(w, p, part_at(p, last), key);
	}
	return last != 0;
}

static bool
put_key(struct writer *w, const struct pages *p, struct bytes key)
{
	w->shown = (struct bytes){ NULL, 0 };
	return macro_of(key) == NO_MACRO && (put_items(w, p, key) || put_mentions(w, p, key));
}

static _Noreturn void
refuse_unknown(const struct options *o, const struct pages *p, const char *key)
{
	struct closest near = closest_to(bytes_of(key));
	struct bytes word;

	for (uint32_t i = 1; i <= count_parts(p); i++) {
		struct bytes head = part_at(p, i)->head;
		bool literals = false;

		while (next_literal(&head, &literals, &word))
			closest_offer(&near, word);
	}
	options_unknown(o, "no page has this key", key, &near, "");
}

enum diag_exit
verb_help(int argc, char *argv[])
{
	struct options o;
	struct pages p = { .depth = 0 };
	struct writer w = { .indent = 0 };

	options_init(&o, &manual, argc, argv);
	while (options_next(&o) != OPTIONS_END)
		continue;
	if (o.operands == 0)
		options_needs(&o, "a KEY, such as condition_seconds");
	buffer_init(&p.lines, BUFFER_UNLIMITED);
	buffer_init(&p.parts, BUFFER_UNLIMITED);
	buffer_init(&w.text, BUFFER_UNLIMITED);
	read_pages(&p);
	sink_init_take(&w.out, STDOUT_FILENO, "<stdout>");
	for (int i = 0; i < o.operands; i++)
		if (!put_key(&w, &p, bytes_of(o.operand[i])))
			refuse_unknown(&o, &p, o.operand[i]);
	buffer_release(&w.text);
	buffer_release(&p.parts);
	buffer_release(&p.lines);
	arena_release(&p.arena);
	return verb_finish(&w.out, EXIT_DONE);
}
