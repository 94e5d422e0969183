/* SPDX-License-Identifier: ISC */
#include "common/label/naming.h"

#include <string.h>

enum { MAX_WORDS = 32, MAX_PHRASE = 4, MAX_TEXT = 256 };

void
naming_init(struct naming *n, struct json_keys *keys, const struct codes *codes)
{
	*n = (struct naming){
		.codes = codes,
		.systems = codes_system(codes, (struct bytes)BYTES("identifier-system")),
		.types = codes_system(codes, (struct bytes)BYTES("identifier-type")),
		.words = codes_system(codes, (struct bytes)BYTES("name-words")),
		.table_0203 =
		    codes_system(codes, (struct bytes)BYTES("http://terminology.hl7.org/CodeSystem/v2-0203")),
		.display = json_keys_add(keys, (struct bytes)BYTES("display")),
		.text = json_keys_add(keys, (struct bytes)BYTES("text")),
		.coding = json_keys_add(keys, (struct bytes)BYTES("coding")),
		.code = json_keys_add(keys, (struct bytes)BYTES("code")),
		.system = json_keys_add(keys, (struct bytes)BYTES("system")),
	};
	buffer_init(&n->room, BUFFER_UNLIMITED);
	buffer_init(&n->uri, BUFFER_UNLIMITED);
}

bool
naming_is_asked(const struct naming *n)
{
	return codes_system_rows(n->codes, n->systems) + codes_system_rows(n->codes, n->types) +
		   codes_system_rows(n->codes, n->words) >
	       0;
}

void
naming_release(struct naming *n)
{
	buffer_release(&n->room);
	buffer_release(&n->uri);
}

/* The words of a text or a name, in one piece with blanks between them. */
struct words {
	char text[MAX_TEXT];
	size_t size;
	size_t start[MAX_WORDS], end[MAX_WORDS];
	size_t count;
};

static bool
is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

/* Letters of other scripts are letters as they stand. */
static bool
is_letter(char c)
{
	return is_upper(c) || (c >= 'a' && c <= 'z') || ((unsigned char)c & 0x80) != 0;
}

static bool
is_word_byte(char c)
{
	return is_letter(c) || ascii_is_digit(c);
}

/* genderIdentity and UKCoreEthnic are written as one word each, and are two and three. */
static bool
begins_word(struct bytes text, size_t i)
{
	if (!is_upper(text.at[i]))
		return false;
	/* A letter beside it that is not of ASCII may be a capital: EMŠO is one word. */
	return (!is_upper(text.at[i - 1]) && ((unsigned char)text.at[i - 1] & 0x80) == 0) ||
	       (i + 1 < text.size && text.at[i + 1] >= 'a' && text.at[i + 1] <= 'z');
}

static void
split(struct bytes text, struct words *w)
{
	bool in_word = false;

	w->size = 0;
	w->count = 0;
	for (size_t i = 0; i < text.size && w->size + 2 < MAX_TEXT; i++) {
		char c = text.at[i];

		if (c == '\'')
			continue;
		if (!is_word_byte(c)) {
			in_word = false;
			continue;
		}
		if (!in_word || begins_word(text, i)) {
			if (w->count == MAX_WORDS)
				return;
			if (w->count > 0)
				w->text[w->size++] = ' ';
			w->start[w->count++] = w->size;
			in_word = true;
		}
		w->text[w->size++] = c;
		w->end[w->count - 1] = w->size;
	}
}

/* A phrase of the value sets is up to four words. */
static bool
find_words(const struct naming *n, struct bytes text, struct codes_match *match)
{
	struct words w;
	bool found = false;

	split(text, &w);
	for (size_t i = 0; i < w.count; i++)
		for (size_t k = i; k < w.count && k < i + MAX_PHRASE; k++)
			found |= codes_find_name(n->codes, n->words,
			    (struct bytes){ w.text + w.start[i], w.end[k] - w.start[i] }, match);
	return found;
}

/* Digits and dots. */
static bool
is_oid(struct bytes text)
{
	size_t dots = 0;

	for (size_t i = 0; i < text.size; i++) {
		if (text.at[i] != '.' && !ascii_is_digit(text.at[i]))
			return false;
		dots += text.at[i] == '.';
	}
	return dots > 2;
}

static bool
begins(struct bytes text, const char *with)
{
	size_t size = strlen(with);

	return text.size >= size && bytes_equal_folded((struct bytes){ text.at, size }, bytes_of(with));
}

/* URI as the rows write it: http:// or urn:oid: in front, no version and no slash at the end. */
static struct bytes
in_one_form(struct naming *n, struct bytes uri)
{
	const char *front = "";
	const char *bar = memchr(uri.at, '|', uri.size);

	if (bar != NULL)
		uri.size = (size_t)(bar - uri.at);
	uri = bytes_trim(uri);
	while (uri.size > 0 && uri.at[uri.size - 1] == '/')
		uri.size--;
	if (begins(uri, "https://")) {
		front = "http://";
		uri = (struct bytes){ uri.at + 8, uri.size - 8 };
	} else if (begins(uri, "http://")) {
		front = "http://";
		uri = (struct bytes){ uri.at + 7, uri.size - 7 };
	} else if (begins(uri, "oid:")) {
		front = "urn:";
	} else if (is_oid(uri)) {
		front = "urn:oid:";
	}
	if (front[0] == 'h' && begins(uri, "www."))
		uri = (struct bytes){ uri.at + 4, uri.size - 4 };
	n->uri.used = 0;
	(void)buffer_append(&n->uri, front, strlen(front));
	(void)buffer_append(&n->uri, uri.at, uri.size);
	return buffer_bytes(&n->uri);
}

static struct bytes
last_part(struct bytes uri)
{
	size_t from;

	uri = bytes_trim(uri);
	while (uri.size > 0 && uri.at[uri.size - 1] == '/')
		uri.size--;
	from = uri.size;
	while (from > 0 && uri.at[from - 1] != '/' && uri.at[from - 1] != ':')
		from--;
	return (struct bytes){ uri.at + from, uri.size - from };
}

static bool
find_uri(struct naming *n, struct bytes uri, bool is_url, struct codes_match *match)
{
	bool found = !is_url && codes_find_name(n->codes, n->systems, in_one_form(n, uri), match);

	return find_words(n, last_part(uri), match) || found;
}

static void
add_match(struct codes_match *to, const struct codes_match *from)
{
	for (unsigned i = 0; i < CODE_BITS / 64; i++) {
		to->sets.word[i] |= from->sets.word[i];
		to->groups.word[i] |= from->groups.word[i];
	}
}

/* The same from memory.  IS_URL: of an extension, which is no system. */
static bool
recall(struct naming *n, struct bytes uri, bool is_url, struct codes_match *match)
{
	struct naming_memo *m;

	if (uri.size == 0 || uri.size > sizeof m->uri)
		return find_uri(n, uri, is_url, match);
	m = &n->memo[(uri.size * 7 + (unsigned char)uri.at[uri.size - 1] * (size_t)3 +
			 (unsigned char)uri.at[uri.size / 2] + is_url) %
		     (sizeof n->memo / sizeof n->memo[0])];
	if (m->size != uri.size || m->is_url != is_url || memcmp(m->uri, uri.at, uri.size) != 0) {
		memcpy(m->uri, uri.at, uri.size);
		m->size = uri.size;
		m->is_url = is_url;
		m->match = (struct codes_match){ 0 };
		m->found = find_uri(n, uri, is_url, &m->match);
	}
	if (m->found)
		add_match(match, &m->match);
	return m->found;
}

static struct bytes
string_of(struct naming *n, const struct json *j, uint32_t node)
{
	if (node == 0 || json_kind(j, node) != JSON_STRING)
		return (struct bytes){ 0 };
	return codeform_bare(codeform_plain(json_string(j, node, &n->room), n->plain));
}

/* A Coding of a type, or a type that is a code alone. */
static bool
find_code(struct naming *n, const struct json *j, uint32_t coding, struct codes_match *match)
{
	bool is_code = json_kind(j, coding) == JSON_STRING;
	struct bytes name = string_of(n, j, json_member_key(j, coding, n->system));
	unsigned system = name.size == 0 ? CODES_ANY_SYSTEM : codes_system(n->codes, name);
	bool found = false;

	if (system == CODES_ANY_SYSTEM || system == CODES_UNKNOWN_SYSTEM || system == n->table_0203)
		found = codes_find_name(n->codes, n->types,
		    string_of(n, j, is_code ? coding : json_member_key(j, coding, n->code)), match);
	return find_words(
		   n, string_of(n, j, is_code ? coding : json_member_key(j, coding, n->display)), match) ||
	       found;
}

static bool
find_type(struct naming *n, const struct json *j, uint32_t type, struct codes_match *match)
{
	uint32_t coding = json_member_key(j, type, n->coding);
	bool found;

	if (json_kind(j, type) == JSON_ARRAY)
		return type + 1 < j->nodes[type].next && json_kind(j, type + 1) != JSON_ARRAY &&
		       find_code(n, j, type + 1, match);
	found = find_words(n, string_of(n, j, json_member_key(j, type, n->text)), match);
	if (coding == 0 || json_kind(j, coding) != JSON_ARRAY)
		return find_code(n, j, coding == 0 ? type : coding, match) || found;
	for (uint32_t i = coding + 1; i < j->nodes[coding].next; i = j->nodes[i].next)
		found |= find_code(n, j, i, match);
	return found;
}

bool
naming_identifier(
    struct naming *n, const struct json *j, uint32_t system, uint32_t type, struct codes_match *match)
{
	bool found = system != 0 && recall(n, string_of(n, j, system), false, match);

	return (type != 0 && find_type(n, j, type, match)) || found;
}

bool
naming_extension(struct naming *n, const struct json *j, uint32_t url, struct codes_match *match)
{
	return recall(n, string_of(n, j, url), true, match);
}

bool
naming_member(const struct naming *n, struct bytes name, struct codes_match *match)
{
	return find_words(n, name, match);
}

/* Patient?identifier=SYSTEM|VALUE */
bool
naming_search(struct naming *n, const struct json *j, uint32_t text, struct codes_match *match)
{
	static const bool ends_name[256] = {
		['='] = true, [','] = true, ['&'] = true, ['?'] = true, ['|'] = true
	};
	struct bytes search = coding_decoded(json_string(j, text, &n->room), &n->room);
	bool found = false;
	size_t from, bar;

	for (bar = 0; bar < search.size; bar++) {
		const char *at = memchr(search.at + bar, '|', search.size - bar);

		if (at == NULL)
			break;
		bar = (size_t)(at - search.at);
		for (from = bar; from > 0 && !ends_name[(unsigned char)search.at[from - 1]];)
			from--;
		found |= recall(n, (struct bytes){ search.at + from, bar - from }, false, match);
	}
	return found;
}
