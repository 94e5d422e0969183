/* SPDX-License-Identifier: ISC */
#include "common/label/parts.h"

/* How often a text is undone that was encoded more than once. */
enum { UNDONE = 3 };

/* The members from a string outwards, elements of arrays left out: its own is 0; see find_way. */
struct way {
	struct root_frame *frame; /* the innermost one */
	struct root_frame *outermost;
	uint16_t key; /* of the string */
	bool tells;   /* it is searched for codes, too */
	bool names;   /* it is the name of a member */
};

void
root_terms_init(
    struct root_terms *t, struct current_root *root, struct apply *apply, const struct naming *naming)
{
	t->root = root;
	t->apply = apply;
	t->naming = naming;
	t->terms = codes_terms(root->set->codes);
	t->tells = root->set->words.tells;
	t->display = json_keys_add(root->set->keys, (struct bytes)BYTES("display"));
	silent_texts_init(&t->silent[false]);
	silent_texts_init(&t->silent[true]);
	fold_init(&t->fold);
	buffer_init(&t->text, BUFFER_UNLIMITED);
	disguise_init(&t->disguise);
	buffer_init(&t->undone[0], BUFFER_UNLIMITED);
	buffer_init(&t->undone[1], BUFFER_UNLIMITED);
}

void
root_terms_release(struct root_terms *t)
{
	silent_texts_release(&t->silent[false]);
	silent_texts_release(&t->silent[true]);
	fold_release(&t->fold);
	buffer_release(&t->text);
	disguise_release(&t->disguise);
	buffer_release(&t->undone[0]);
	buffer_release(&t->undone[1]);
}

/* The object around FRAME or FRAME itself, arrays left out. */
static struct root_frame *
object_of(struct root_frame *frame, struct root_frame *outermost)
{
	while (frame->is_array && frame != outermost)
		frame--;
	return frame;
}

/* Whether the members from KEY, which stands in OBJECT, outwards are PLACE's. */
static bool
is_place(const struct root_terms *t, const struct terms_place *place, uint16_t key, struct root_frame *object,
    struct root_frame *outermost)
{
	const struct json *j = t->root->record.json;
	bool at_root = false;

	for (unsigned i = 0; i < place->keys; i++) {
		if (key == 0 || key != place->key[i])
			return false;
		at_root = object == outermost;
		key = at_root ? 0 : object->key;
		if (!at_root)
			object = object_of(object - 1, outermost);
	}
	return place->type.size == 0 ||
	       (at_root && bytes_equal(shape_type(t->root->set->shape, j, outermost->node), place->type));
}

static bool
stands_at(const struct root_terms *t, const struct terms_places *places, uint16_t key,
    struct root_frame *object, struct root_frame *outermost)
{
	for (size_t i = 0; i < places->count; i++)
		if (is_place(t, &places->at[i], key, object, outermost))
			return true;
	return false;
}

/* Whether the string or something around it stands at one of PLACES. */
static bool
stands_in(const struct root_terms *t, const struct terms_places *places, const struct way *w)
{
	struct root_frame *object = object_of(w->frame, w->outermost);
	uint16_t key = w->key;

	for (;;) {
		if (stands_at(t, places, key, object, w->outermost))
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
	uint32_t object, reference, type;
	struct bytes named = { "", 0 };

	if (w->key != t->display)
		return false;
	object = object_of(w->frame, w->outermost)->node;
	reference = json_member(j, object, (struct bytes)BYTES("reference"));
	type = json_member(j, object, (struct bytes)BYTES("type"));
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
	struct root_frame *object = object_of(w->frame, w->outermost);

	if (w->key != t->root->set->words.members->code)
		return false;
	for (unsigned i = 0; i <= 2 && object != w->outermost; i++) {
		uint32_t url = root_frame_url(object, j);

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
	return stands_in(t, &t->root->set->terms.skip, w) || is_name(t, w) || is_inline_code(t, w);
}

/*
 * The entry or root that the string speaks for as a whole, by the member of it in which it stands.  Where
 * that member is an entry itself, as reasonCode[] of an Encounter, it is that entry.
 */
static struct root_frame *
whole_of(const struct root_terms *t, const struct way *w)
{
	struct root_frame *object = object_of(w->frame, w->outermost);
	uint16_t key = w->key;

	for (;;) {
		if ((object == w->outermost || object->is_entry) &&
		    stands_at(t, &t->root->set->terms.entry, key, object, w->outermost))
			return object;
		if (object == w->outermost)
			return NULL;
		key = object->key;
		struct root_frame *outer = object_of(object - 1, w->outermost);

		if (object->is_entry && stands_at(t, &t->root->set->terms.entry, key, outer, w->outermost))
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
is_coding(const struct root_terms *t, struct root_frame *object)
{
	return (object->is_element && has_role(t->root->set, object, ROLE_CODING)) ||
	       root_frame_has_code(object, t->root->record.json, t->root->set->words.members->code);
}

/*
 * What a term in the string NODE labels: the entry, where the string stands for it; of a Coding the concept;
 * where it stands at a place of `around` the object around it; else the string alone.
 */
static uint32_t
place_of(const struct root_terms *t, const struct way *w, uint32_t node)
{
	const struct ruleset *s = t->root->set;
	struct root_frame *whole = whole_of(t, w);
	struct root_frame *object = w->frame;

	if (whole != NULL)
		return whole->node;
	if (object->is_array || object == w->outermost)
		return node;
	if (!is_coding(t, object) && !stands_at(t, &s->terms.around, w->key, object, w->outermost))
		return node;
	if (object->is_element && has_role(s, object, ROLE_CODING) && object - w->outermost >= 2)
		object -= 2;
	if (!object->is_element && has_role(s, object, ROLE_CONCEPT) && object - w->outermost >= 1)
		object -= 1;
	return object == w->outermost ? node : object->node;
}

/* An address that `skip_uris` names, and no system with a code behind it. */
static bool
is_no_text(const struct root_terms *t, struct bytes text, bool tells)
{
	return root_terms_skips(&t->root->set->terms, text) &&
	       !(tells && memchr(text.at, '|', text.size) != NULL);
}

/* Notes that TEXT says nothing.  One that could be a code says one at some places. */
static void
note_silent(struct root_terms *t, struct bytes text, bool tells)
{
	if (!tells || !codes_text_is_one(text) || !codes_text_may(text))
		silent_texts_put(&t->silent[tells], text, SILENT_WHOLE);
}

/* Whether TEXT says a term, if it HAS_TERM that may be one, or a code; its sets and groups become *MATCH. */
static bool
says(struct root_terms *t, struct bytes text, bool has_term, bool tells, struct codes_match *match)
{
	const struct codes *codes = t->root->set->codes;
	bool may_tell = t->tells && GUARD(codes_in_texts) && codes_text_may(text);
	struct text_memo_entry *e = may_tell && !tells ? NULL : text_memo_place(&t->memo, text);
	bool found;

	if (e != NULL && text_memo_has(e, text)) {
		if (e->is_found)
			*match = e->match;
		return e->is_found;
	}
	found = has_term && codes_say(codes, text, &t->fold, match);
	if (may_tell && tells)
		found |= codes_text_find(codes, text, match);
	if (e != NULL)
		text_memo_put(e, text, found, match);
	return found;
}

/* Whether TEXT as a whole may be a code where it stands. */
static bool
may_be_code(const struct root_terms *t, const struct way *w, struct bytes text)
{
	const struct ruleset *s = t->root->set;
	bool names = w->names || (ruleset_key(s, w->key).about & ABOUT_CODES) != 0;

	/* Members and questions are named by letters and numbers of any length, too. */
	return names ? text.size == 3 || ascii_is_digit(text.at[0])
		     : stands_at(t, &s->terms.code, w->key, object_of(w->frame, w->outermost), w->outermost);
}

/* The same for TEXT as a whole. */
static bool
is_code(struct root_terms *t, const struct way *w, struct bytes text, struct codes_match *match)
{
	return w->tells && codes_text_is_one(text) && GUARD(codes_in_texts) && may_be_code(t, w, text) &&
	       codes_text_find_one(t->root->set->codes, text, match);
}

/* True if TEXT, part of the string NODE, says something, also where that does not count. */
static bool
search(struct root_terms *t, const struct way *w, uint32_t node, struct bytes text, bool has_term)
{
	struct term_hit hit = { .string = node };
	bool found;

	if (is_no_text(t, text, w->tells))
		return false;
	found = says(t, text, has_term, w->tells, &hit.match);
	found |= is_code(t, w, text, &hit.match);
	if (!found || is_skipped_place(t, w))
		return found;
	hit.place = place_of(t, w, node);
	current_root_add_term(t->root, &hit);
	apply_match(t->apply, &hit.match);
	return true;
}

/*
 * Notes that TEXT says nothing, for all texts that differ from it in the UUID at their end, unless another
 * one may say something.  TEXT HAS_WORDS that were asked for terms and disguise.
 */
static void
note_before_uuid(struct root_terms *t, struct bytes text, bool has_words)
{
	struct bytes begin = { text.at, text.size - UUID_SIZE };
	bool is_silent = has_words ? !terms_may_before_uuid(t->terms, text) && !disguise_may_go_on(begin)
				   : root_terms_skips(&t->root->set->terms, begin);

	if (is_silent)
		silent_texts_put(&t->silent[false], begin, SILENT_BEGIN);
}

enum text_worth
root_terms_news(struct root_terms *t, struct bytes text, bool tells)
{
	bool has_words = !is_no_text(t, text, tells);

	if (has_words) {
		if (terms_may(t->terms, text))
			return WORTH_TERM;
		if ((tells && codes_text_may(text)) || disguise_undo(&t->disguise, text, &t->undone[0]))
			return WORTH_NO_TERM;
	}
	if (!tells && uuid_ends(text))
		note_before_uuid(t, text, has_words);
	else
		note_silent(t, text, tells);
	return WORTH_NOTHING;
}

/* As search, of a TEXT of which nothing is known. */
static bool
search_fresh(struct root_terms *t, const struct way *w, uint32_t node, struct bytes text)
{
	bool has_term = text.size > 2 && terms_may(t->terms, text);

	return (has_term || (text.size > 2 && w->tells && codes_text_may(text))) &&
	       search(t, w, node, text, has_term);
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
	    stands_at(
		t, &t->root->set->terms.base64, w->key, object_of(w->frame, w->outermost), w->outermost))
		return text;
	return (struct bytes){ "", 0 };
}

/* What people may read of TEXT, whose base64 is CODED: what stands before it, or words that look like it. */
static struct bytes
beside_base64(struct bytes text, struct bytes coded)
{
	enum { LONGEST_WORDS = 256 }; /* without a blank */

	if (coded.at > text.at)
		return (struct bytes){ text.at, (size_t)(coded.at - text.at) };
	if (text.size > LONGEST_WORDS && memchr(text.at, ' ', text.size) == NULL)
		return (struct bytes){ "", 0 };
	return text;
}

/* Searches what TEXT says in disguise. */
static bool
search_undone(struct root_terms *t, const struct way *w, uint32_t node, struct bytes text)
{
	bool found = false;

	for (unsigned i = 0; i < UNDONE && disguise_undo(&t->disguise, text, &t->undone[i % 2]); i++) {
		text = buffer_bytes(&t->undone[i % 2]);
		found |= search_fresh(t, w, node, text);
	}
	return found;
}

void
root_terms_look(struct root_terms *t, struct root_frame *outermost, struct root_frame *frame, uint32_t node,
    uint16_t key, enum text_worth worth)
{
	const struct json *j = t->root->record.json;
	bool tells = t->tells && (ruleset_key(t->root->set, key).terms & TERMS_NO_CODE) == 0;
	const struct way w = { frame, outermost, key, .tells = tells };
	struct bytes text = json_inside(j, node);
	struct bytes coded, decoded;
	bool found = false;

	if (!GUARD(words))
		return;
	if ((j->nodes[node].flags & JSON_ESCAPED) != 0) {
		text = json_string(j, node, &t->text);
		buffer_slack(&t->text, TERMS_SLACK);
		text.at = t->text.at;
	}
	coded = base64_in(t, &w, text);
	if (coded.size > 0 && (decoded = disguise_decode(&t->disguise, coded)).size > 0) {
		found = search_fresh(t, &w, node, beside_base64(text, coded));
		text = decoded;
	}
	if (worth == WORTH_LOOK)
		found |= search_fresh(t, &w, node, text);
	else if (worth == WORTH_TERM || (tells && codes_text_may(text)))
		found = search(t, &w, node, text, worth == WORTH_TERM);
	found |= search_undone(t, &w, node, text);
	/* Not before: what says nothing as it stands may say something in disguise. */
	if (!found && worth != WORTH_LOOK)
		note_silent(t, text, tells);
}

/* Adds the hit of what NAMING has for TEXT, the name of the member with the value NODE. */
static bool
find_name(struct root_terms *t, uint32_t node, struct bytes text)
{
	struct coding_hit hit = { .coding = node };

	if (t->naming == NULL || !naming_member(t->naming, text, &hit.match))
		return false;
	current_root_add_hit(t->root, &hit);
	apply_hit(t->apply, &hit);
	return true;
}

/* NAME in the room for texts, with blanks for its underscores, which stand in codes. */
static struct bytes
name_of(struct root_terms *t, uint32_t name)
{
	struct bytes text = json_string(t->root->record.json, name, &t->text);

	if (t->text.used == 0)
		(void)buffer_append(&t->text, text.at, text.size);
	for (size_t i = 0; i < t->text.used; i++)
		if (t->text.at[i] == '_')
			t->text.at[i] = ' ';
	buffer_slack(&t->text, TERMS_SLACK);
	return buffer_bytes(&t->text);
}

/* TEXT in one word: a name parts what German writes together, as in alkohol_abhaengigkeit. */
static struct bytes
one_word(struct root_terms *t, struct bytes text)
{
	struct buffer *room = &t->undone[0];

	room->used = 0;
	for (size_t i = 0; i < text.size; i++)
		if (text.at[i] != ' ' && text.at[i] != '-')
			(void)buffer_append(room, &text.at[i], 1);
	buffer_slack(room, TERMS_SLACK);
	return buffer_bytes(room);
}

void
root_terms_look_at_name(
    struct root_terms *t, struct root_frame *outermost, struct root_frame *frame, uint32_t name)
{
	const struct way w = { frame, outermost, .tells = t->tells, .names = true };
	struct bytes text = name_of(t, name);
	bool found;

	if (!GUARD(names))
		return;
	found = find_name(t, name + 1, text);
	found |= search_fresh(t, &w, name + 1, text);
	found |= search_fresh(t, &w, name + 1, one_word(t, text));
	found |= search_undone(t, &w, name + 1, text);
	if (!found)
		silent_texts_put(&t->silent[true], json_inside(t->root->record.json, name), SILENT_NAME);
}
