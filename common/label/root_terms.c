/* SPDX-License-Identifier: ISC */
#include "common/label/parts.h"

#include "common/base/base64url.h"
#include "common/base/utf8.h"

/* The members from a string outwards, elements of arrays left out: its own is 0; see find_way. */
struct way {
	const struct root_frame *frame; /* the innermost one */
	const struct root_frame *outermost;
	uint16_t key; /* of the string */
};

void
root_terms_init(struct root_terms *t, struct current_root *root, struct apply *apply)
{
	t->root = root;
	t->apply = apply;
	t->terms = codes_terms(root->set->codes);
	t->display = json_keys_add(root->set->keys, (struct bytes)BYTES("display"));
	silent_texts_init(&t->silent);
	fold_init(&t->fold);
	buffer_init(&t->text, BUFFER_UNLIMITED);
	buffer_init(&t->code, BUFFER_UNLIMITED);
	buffer_init(&t->plain, BUFFER_UNLIMITED);
}

void
root_terms_release(struct root_terms *t)
{
	silent_texts_release(&t->silent);
	fold_release(&t->fold);
	buffer_release(&t->text);
	buffer_release(&t->code);
	buffer_release(&t->plain);
}

/* The object around FRAME or FRAME itself, arrays left out. */
static const struct root_frame *
object_of(const struct root_frame *frame, const struct root_frame *outermost)
{
	while (frame->is_array && frame != outermost)
		frame--;
	return frame;
}

/* Whether the members from KEY, which stands in OBJECT, outwards are PLACE's. */
static bool
is_place(const struct terms_place *place, uint16_t key, const struct root_frame *object,
    const struct root_frame *outermost)
{
	for (unsigned i = 0; i < place->keys; i++) {
		if (key == 0 || key != place->key[i])
			return false;
		key = object == outermost ? 0 : object->key;
		if (object != outermost)
			object = object_of(object - 1, outermost);
	}
	return true;
}

static bool
stands_at(const struct terms_places *places, uint16_t key, const struct root_frame *object,
    const struct root_frame *outermost)
{
	for (size_t i = 0; i < places->count; i++)
		if (is_place(&places->at[i], key, object, outermost))
			return true;
	return false;
}

/* Whether the string or something around it stands at one of PLACES. */
static bool
stands_in(const struct terms_places *places, const struct way *w)
{
	const struct root_frame *object = object_of(w->frame, w->outermost);
	uint16_t key = w->key;

	for (;;) {
		if (stands_at(places, key, object, w->outermost))
			return true;
		if (object == w->outermost)
			return false;
		key = object->key;
		object = object_of(object - 1, w->outermost);
	}
}

/* The type that the reference TEXT names: "Patient" of "https://x.example/Patient/1". */
static struct bytes
referred_type(struct bytes text)
{
	const char *end = text.at + text.size;
	const char *id = memrchr(text.at, '/', text.size);
	const char *type = id;

	if (id == NULL)
		return (struct bytes){ end, 0 };
	while (type > text.at && type[-1] != '/')
		type--;
	return (struct bytes){ type, (size_t)(id - type) };
}

/* The display of a reference to a person is a name. */
static bool
is_name(const struct root_terms *t, const struct way *w)
{
	const struct terms_rules *rules = &t->root->set->terms;
	const struct json *j = t->root->record.json;
	uint32_t object = object_of(w->frame, w->outermost)->node;
	uint32_t reference = json_member(j, object, (struct bytes)BYTES("reference"));
	uint32_t type = json_member(j, object, (struct bytes)BYTES("type"));
	struct bytes named = { "", 0 };

	if (w->key != t->display)
		return false;
	if (reference != 0 && json_kind(j, reference) == JSON_STRING)
		named = referred_type(json_inside(j, reference));
	if (named.size == 0 && type != 0 && json_kind(j, type) == JSON_STRING)
		named = json_inside(j, type);
	for (size_t i = 0; i < rules->persons; i++)
		if (bytes_equal(named, rules->person[i]))
			return true;
	return false;
}

/* The code of an inline label, which is a floor of its element already; its display is searched. */
static bool
is_inline_code(const struct root_terms *t, const struct way *w)
{
	const struct json *j = t->root->record.json;
	const struct root_frame *object = object_of(w->frame, w->outermost);

	if (w->key != t->root->set->words.members->code)
		return false;
	for (unsigned i = 0; i <= 2 && object != w->outermost; i++) {
		uint32_t url = json_member(j, object->node, (struct bytes)BYTES("url"));

		if (url != 0)
			return json_kind(j, url) == JSON_STRING &&
			       shape_is_inline_label(json_string(j, url, t->root->record.room));
		object = object_of(object - 1, w->outermost);
	}
	return false;
}

static bool
is_skipped_place(const struct root_terms *t, const struct way *w)
{
	return stands_in(&t->root->set->terms.skip, w) || is_name(t, w) || is_inline_code(t, w);
}

/*
 * The entry or root that the string speaks for as a whole, by the member of it in which it stands.  Where
 * that member is an entry itself, as reasonCode[] of an Encounter, it is that entry.
 */
static const struct root_frame *
whole_of(const struct root_terms *t, const struct way *w)
{
	const struct root_frame *object = object_of(w->frame, w->outermost);
	uint16_t key = w->key;

	for (;;) {
		if ((object == w->outermost || object->is_entry) &&
		    stands_at(&t->root->set->terms.entry, key, object, w->outermost))
			return object;
		if (object == w->outermost)
			return NULL;
		key = object->key;
		const struct root_frame *outer = object_of(object - 1, w->outermost);

		if (object->is_entry && stands_at(&t->root->set->terms.entry, key, outer, w->outermost))
			return object;
		object = outer;
	}
}

static bool
has_role(const struct ruleset *s, const struct root_frame *frame, enum member_role role)
{
	return ruleset_key(s, frame->key).role == role;
}

static bool
is_coding(const struct root_terms *t, const struct root_frame *object)
{
	return (object->is_element && has_role(t->root->set, object, ROLE_CODING)) ||
	       json_member_key(t->root->record.json, object->node, t->root->set->words.members->code) != 0;
}

/*
 * What a term in the string NODE labels: the entry, where the string stands for it; of a Coding the concept;
 * where it stands at a place of `around` the object around it; else the string alone.
 */
static uint32_t
place_of(const struct root_terms *t, const struct way *w, uint32_t node)
{
	const struct ruleset *s = t->root->set;
	const struct root_frame *whole = whole_of(t, w);
	const struct root_frame *object = w->frame;

	if (whole != NULL)
		return whole->node;
	if (object->is_array || object == w->outermost)
		return node;
	if (!is_coding(t, object) && !stands_at(&s->terms.around, w->key, object, w->outermost))
		return node;
	if (object->is_element && has_role(s, object, ROLE_CODING) && object - w->outermost >= 2)
		object -= 2;
	if (!object->is_element && has_role(s, object, ROLE_CONCEPT) && object - w->outermost >= 1)
		object -= 1;
	return object == w->outermost ? node : object->node;
}

/* Notes that TEXT says no term. */
static void
note_silent(struct root_terms *t, struct bytes text)
{
	if (text.size > 0 && text.size <= SILENT_TEXTS_BYTES)
		silent_texts_put(silent_texts_place(&t->silent, text), text);
}

bool
root_terms_is_news(struct root_terms *t, struct bytes text)
{
	bool may = !root_terms_skips(&t->root->set->terms, text) && root_terms_may(t, text);

	if (!may)
		note_silent(t, text);
	return may;
}

/* Whether TEXT says a term; its sets and groups become *MATCH, which is zeros. */
static bool
says(struct root_terms *t, struct bytes text, struct codes_match *match)
{
	struct text_memo_entry *e = text_memo_place(&t->memo, text);
	bool found;

	if (e != NULL && text_memo_has(e, text)) {
		if (e->is_found)
			*match = e->match;
		return e->is_found;
	}
	found = codes_say(t->root->set->codes, text, &t->fold, match);
	if (!found)
		note_silent(t, text);
	if (e != NULL)
		text_memo_put(e, text, found, match);
	return found;
}

static void
search(struct root_terms *t, const struct way *w, uint32_t node, struct bytes text)
{
	struct term_hit hit = { .string = node };

	if (root_terms_skips(&t->root->set->terms, text) || !says(t, text, &hit.match) ||
	    is_skipped_place(t, w))
		return;
	hit.place = place_of(t, w, node);
	current_root_add_term(t->root, &hit);
	apply_match(t->apply, &hit.match);
}

/* Puts zeros behind TEXT, which lies in ROOM, for terms_may. */
static void
add_slack(struct buffer *room)
{
	size_t used = room->used;

	memset(buffer_more(room, TERMS_SLACK), 0, TERMS_SLACK);
	room->used = used;
}

/* Whether TEXT can be read: no control characters but those of lines. */
static bool
is_text(struct bytes text)
{
	for (size_t i = 0; i < text.size; i++)
		if ((unsigned char)text.at[i] < ' ' && (text.at[i] < '\t' || text.at[i] > '\r'))
			return false;
	return text.size > 0;
}

/* Makes UTF-8 of the bytes in FROM, taken for ISO 8859-1. */
static struct bytes
widen(struct bytes from, struct buffer *to)
{
	to->used = 0;
	for (size_t i = 0; i < from.size; i++) {
		unsigned char c = (unsigned char)from.at[i];
		char wide[2] = { (char)(0xc0 | c >> 6), (char)(0x80 | (c & 0x3f)) };

		if (c < 0x80)
			buffer_add(to, &from.at[i], 1);
		else
			buffer_add(to, wide, sizeof wide);
	}
	add_slack(to);
	return buffer_bytes(to);
}

/*
 * What TEXT, base64 or base64url with or without line ends, decodes to; empty if that is no text.  Bits that
 * are left over at the end are dropped.
 */
static struct bytes
decode(struct root_terms *t, struct bytes text)
{
	struct buffer *plain = &t->plain;
	char *to;
	size_t size = 0;

	t->code.used = 0;
	to = buffer_more(&t->code, text.size + 1);
	for (size_t i = 0; i < text.size; i++) {
		char c = text.at[i];

		if (c != '=' && c != '\n' && c != '\r' && c != ' ')
			to[size++] = (char)(c == '+' ? '-' : c == '/' ? '_' : c);
	}
	plain->used = 0;
	(void)buffer_more(plain, BASE64URL_BYTES(size) + 3);
	if (!base64url_decode(plain->at, &plain->used, (struct bytes){ to, size }) &&
	    !base64url_decode(plain->at, &plain->used, (struct bytes){ to, size / 4 * 4 }))
		return (struct bytes){ "", 0 };
	if (!is_text(buffer_bytes(plain)))
		return (struct bytes){ "", 0 };
	if (!utf8_valid(buffer_bytes(plain)))
		return widen(buffer_bytes(plain), &t->code);
	add_slack(plain);
	return buffer_bytes(plain);
}

/* The base64 in TEXT: all of it at a place of `base64`, and what follows in a data: URL. */
static struct bytes
base64_in(const struct root_terms *t, const struct way *w, struct bytes text)
{
	static const char mark[] = ";base64,";
	const char *at;

	if (bytes_begin(text, "data:") && (at = memmem(text.at, text.size, mark, sizeof mark - 1)) != NULL)
		return (struct bytes){ at + sizeof mark - 1,
			text.size - (size_t)(at - text.at) - (sizeof mark - 1) };
	if ((ruleset_key(t->root->set, w->key).terms & TERMS_BASE64) != 0 &&
	    stands_at(&t->root->set->terms.base64, w->key, object_of(w->frame, w->outermost), w->outermost))
		return text;
	return (struct bytes){ "", 0 };
}

void
root_terms_look(struct root_terms *t, const struct root_frame *outermost, const struct root_frame *frame,
    uint32_t node, uint16_t key)
{
	const struct json *j = t->root->record.json;
	const struct way w = { frame, outermost, key };
	struct bytes text = json_inside(j, node);
	struct bytes coded, decoded;

	if (!GUARD(words))
		return;
	if ((j->nodes[node].flags & JSON_ESCAPED) != 0) {
		text = json_string(j, node, &t->text);
		add_slack(&t->text);
		text.at = t->text.at;
	}
	coded = base64_in(t, &w, text);
	if (coded.size > 0 && (decoded = decode(t, coded)).size > 0)
		text = decoded;
	if (root_terms_may(t, text))
		search(t, &w, node, text);
}
