/* SPDX-License-Identifier: ISC */
#include "common/label/coding.h"

#include "common/base/bisect.h"
#include "common/base/guard.h"
#include "common/base/hash.h"

uint32_t
coding_holder(const struct coding_hit *hit)
{
	if (hit->reference != 0)
		return hit->reference;
	return hit->concept != 0 ? hit->concept : hit->coding;
}

bool
coding_has_code(const struct json *j, uint32_t node)
{
	return node != 0 && json_kind(j, node) == JSON_STRING && bytes_trim(json_inside(j, node)).size > 0;
}

enum { IN_TEXT = CODES_UNKNOWN_SYSTEM + 1 };

static bool
find(const struct codes *c, unsigned system, struct bytes text, const struct period *time,
    struct codes_match *match)
{
	if (system == IN_TEXT)
		return codes_find_in(c, text, time, match);
	return codes_find(c, system, text, time, match);
}

/*
 * A row may be valid for some years only.  Few codes have one, so the record's time is read after that.
 * MATCH->is_dated is set in any case, the rest if true.
 */
static bool
find_at_time(const struct condition_record *r, unsigned system, struct bytes text, struct codes_match *match)
{
	struct codes_match any = { 0 };
	struct period time;
	bool found;

	match->is_dated = false;
	if (!find(r->codes, system, text, NULL, &any))
		return false;
	*match = any;
	if (!any.is_dated || !shape_time(r->shape, r->json, r->roots->at[r->root].node, &time))
		return true;
	*match = (struct codes_match){ 0 };
	found = find(r->codes, system, text, &time, match);
	match->is_dated = true;
	return found;
}

static int
hex_value(char c)
{
	int lower = c | 0x20;

	if (c >= '0' && c <= '9')
		return c - '0';
	return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

struct bytes
coding_decoded(struct bytes text, struct buffer *room)
{
	size_t size = 0;

	if (text.size == 0 || memchr(text.at, '%', text.size) == NULL)
		return text;
	if (text.at != room->at) {
		room->used = 0;
		(void)buffer_append(room, text.at, text.size);
	}
	for (size_t i = 0; i < text.size; i++) {
		int high = room->at[i] == '%' && i + 2 < text.size ? hex_value(room->at[i + 1]) : -1;
		int low = high >= 0 ? hex_value(room->at[i + 2]) : -1;

		if (low >= 0)
			i += 2;
		room->at[size] = room->at[i];
		if (low >= 0)
			((unsigned char *)room->at)[size] = (unsigned char)(high * 16 + low);
		size++;
	}
	return (struct bytes){ room->at, size };
}

bool
coding_look_in(const struct condition_record *r, uint32_t node, struct codes_match *match)
{
	struct bytes text = json_inside(r->json, node);
	struct text_memo_entry *e = r->memo == NULL ? NULL : text_memo_place(&r->memo->texts, text);
	bool found;

	if (e != NULL && text_memo_has(e, text)) {
		if (e->is_found)
			*match = e->match;
		return e->is_found;
	}
	found = find_at_time(r, IN_TEXT, coding_decoded(json_string(r->json, node, r->room), r->room), match);
	if (e != NULL && !match->is_dated)
		text_memo_put(e, text, found, match);
	return found;
}

/* Mixes WORD into HASH. */
static uint64_t
mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 32;
}

/* Systems differ in their ends. */
static size_t
place_of_system(struct bytes name)
{
	uint64_t end[2] = { 0 };
	size_t size = name.size < sizeof end ? name.size : sizeof end;

	memcpy(end, name.at + name.size - size, size);
	return mix(mix(hash_key[0] ^ name.size, end[0]), end[1]) % CODING_SYSTEMS;
}

static bool
is_system(const struct coding_system *s, struct bytes name)
{
	return s->size == name.size && memcmp(s->name, name.at, name.size) == 0;
}

static unsigned
number_of(const struct condition_record *r, struct bytes name)
{
	struct coding_system *first, *second;
	size_t place;

	if (r->memo == NULL || name.size == 0 || name.size > sizeof first->name)
		return codes_system(r->codes, name);
	place = place_of_system(name);
	first = &r->memo->system[place];
	second = &r->memo->system[place ^ 1];
	if (is_system(first, name))
		return first->number;
	if (is_system(second, name))
		return second->number;
	*second = *first;
	memcpy(first->name, name.at, name.size);
	first->size = name.size;
	first->number = codes_system(r->codes, name);
	return first->number;
}

static bool
look_up(const struct condition_record *r, struct bytes code, struct coding_facts *facts,
    struct codes_match *match)
{
	bool found;

	code = coding_decoded(code, r->room);
	found = find_at_time(r, facts->system, code, match);
	facts->fits = found || codes_fit(r->codes, facts->system, code);
	return found;
}

/* As look_up, from the memo if it can. */
static bool
recall(const struct condition_record *r, struct bytes code, struct coding_facts *facts,
    struct codes_match *match)
{
	struct coding_memo *memo = r->memo;
	union coding_key key = { .word = { 0 } };
	size_t place;

	if (memo == NULL || code.size > sizeof key.of.code)
		return look_up(r, code, facts, match);
	memcpy(key.of.code, code.at, code.size);
	key.of.size = (uint8_t)code.size;
	key.of.system = (uint16_t)facts->system;
	key.of.is_used = true;
	place = mix(mix(mix(hash_key[0], key.word[0]), key.word[1]), key.word[2]) % CODING_SEEN;
	if (memcmp(&memo->seen[place].key, &key, sizeof key) == 0) {
		facts->fits = memo->seen[place].fits;
		if (memo->seen[place].is_found)
			*match = memo->match[place];
		return memo->seen[place].is_found;
	}
	bool found = look_up(r, code, facts, match);

	if (match->is_dated)
		return found;
	memo->seen[place].key = key;
	memo->seen[place].is_found = found;
	memo->seen[place].fits = facts->fits;
	if (found)
		memo->match[place] = *match;
	return found;
}

bool
coding_look_up(const struct condition_members *m, const struct condition_record *r, uint32_t code,
    uint32_t system, struct coding_facts *facts, struct codes_match *match)
{
	*facts = (struct coding_facts){ CODES_ANY_SYSTEM, true };
	if (system != 0 && json_kind(r->json, system) != JSON_NULL)
		facts->system = number_of(r, json_string(r->json, system, r->room));
	if ((facts->system == CODES_UNKNOWN_SYSTEM || facts->system == CODES_ANY_SYSTEM) &&
	    !(m->no_system_matches && GUARD(codes_without_system)))
		return false;
	return recall(r, json_string(r->json, code, r->room), facts, match);
}

bool
coding_identifies(
    const struct condition_record *r, uint32_t value, uint32_t system, struct codes_match *match)
{
	struct coding_facts facts = { .fits = true };

	if (system == 0 || json_kind(r->json, value) != JSON_STRING ||
	    json_kind(r->json, system) != JSON_STRING)
		return false;
	facts.system = number_of(r, json_string(r->json, system, r->room));
	return facts.system != CODES_ANY_SYSTEM && facts.system != CODES_UNKNOWN_SYSTEM &&
	       codes_system_rows(r->codes, facts.system) > 0 &&
	       recall(r, json_string(r->json, value, r->room), &facts, match);
}

/* False if code or system has a type that no Coding has. */
static bool
is_readable(const struct json *j, uint32_t code, uint32_t system)
{
	return json_kind(j, code) == JSON_STRING &&
	       (system == 0 || json_kind(j, system) == JSON_STRING || json_kind(j, system) == JSON_NULL);
}

/* IS_ELEMENT: NODE stands in `coding`, so it is a Coding even if its code cannot be read. */
static enum truth
one_in(const struct condition_members *m, const struct condition_record *r, uint32_t node, bool is_element,
    const struct code_bits *sets)
{
	uint32_t code = json_member_key(r->json, node, m->code);
	uint32_t system = json_member_key(r->json, node, m->system);
	struct codes_match match = { 0 };
	struct coding_facts facts;

	if (code == 0 || json_kind(r->json, code) == JSON_NULL)
		return TRUTH_FALSE;
	if (!is_readable(r->json, code, system))
		return is_element || system != 0 || json_kind(r->json, code) == JSON_STRING ? TRUTH_UNKNOWN
											    : TRUTH_FALSE;
	if (!coding_look_up(m, r, code, system, &facts, &match))
		return TRUTH_FALSE;
	return code_bits_meet(sets, &match.sets) ? TRUTH_TRUE : TRUTH_FALSE;
}

static enum truth
elements_in(const struct condition_members *m, const struct condition_record *r, uint32_t holder,
    const struct code_bits *sets)
{
	uint32_t list = json_member_key(r->json, holder, m->coding);
	enum truth truth = TRUTH_FALSE;

	if (list == 0)
		return TRUTH_FALSE;
	if (json_kind(r->json, list) == JSON_OBJECT)
		return one_in(m, r, list, true, sets);
	if (json_kind(r->json, list) != JSON_ARRAY)
		return TRUTH_FALSE;
	for (uint32_t i = list + 1; i < r->json->nodes[list].next; i = r->json->nodes[i].next)
		truth = truth_or(truth, one_in(m, r, i, true, sets));
	return truth;
}

size_t
coding_first_in(const struct coding_hits *hits, const struct json *j, uint32_t node)
{
	struct bisect b = { .high = hits->count };

	while (bisect_more(&b))
		bisect_step(&b, j->nodes[hits->at[b.middle].coding].next <= node);
	return b.low;
}

static enum truth
hits_in(const struct coding_hits *hits, const struct json *j, uint32_t node, const struct code_bits *sets)
{
	enum truth truth = TRUTH_FALSE;
	uint32_t end = j->nodes[node].next;

	for (size_t i = coding_first_in(hits, j, node); i < hits->count; i++) {
		const struct coding_hit *h = &hits->at[i];

		if (j->nodes[h->coding].next > end)
			break;
		if (h->coding != node && h->concept != node && h->reference != node)
			continue;
		if (h->is_unreadable)
			truth = truth_or(truth, TRUTH_UNKNOWN);
		else if (code_bits_meet(sets, &h->match.sets))
			truth = TRUTH_TRUE;
	}
	return truth;
}

enum truth
coding_in(const struct condition_members *m, const struct condition_record *r, uint32_t node,
    const struct code_bits *sets)
{
	uint32_t concept;
	enum truth truth;

	if (r->hits != NULL)
		return hits_in(r->hits, r->json, node, sets);
	if (json_kind(r->json, node) != JSON_OBJECT)
		return TRUTH_FALSE;
	truth = truth_or(one_in(m, r, node, false, sets), elements_in(m, r, node, sets));
	concept = json_member_key(r->json, node, m->concept);
	if (concept != 0 && truth != TRUTH_TRUE)
		truth = truth_or(truth, elements_in(m, r, concept, sets));
	return truth;
}
