/* SPDX-License-Identifier: ISC */
#include "common/label/coding.h"

uint32_t
coding_holder(const struct coding_hit *hit)
{
	if (hit->reference != 0)
		return hit->reference;
	return hit->concept != 0 ? hit->concept : hit->coding;
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

/* A row may be valid for some years only.  Few codes have one, so the record's time is read after that. */
static bool
find_at_time(const struct condition_record *r, unsigned system, struct bytes text, struct codes_match *match)
{
	struct codes_match any = { 0 };
	struct period time;

	if (!find(r->codes, system, text, NULL, &any))
		return false;
	if (shape_time(r->shape, r->json, r->roots->at[r->root].node, &time))
		return find(r->codes, system, text, &time, match);
	*match = any;
	return true;
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
	return find_at_time(r, IN_TEXT, coding_decoded(json_string(r->json, node, r->room), r->room), match);
}

static unsigned
number_of(const struct condition_record *r, struct bytes name)
{
	const size_t places = sizeof r->memo->at / sizeof r->memo->at[0];
	size_t place = name.size;

	if (r->memo == NULL || name.size == 0 || name.size > sizeof r->memo->at[0].name)
		return codes_system(r->codes, name);
	/* Systems differ in their ends. */
	for (size_t i = name.size > 16 ? name.size - 16 : 0; i < name.size; i++)
		place = place * 31 + (unsigned char)name.at[i];
	place = (place ^ place >> 7) % places;
	if (r->memo->at[place].size != name.size ||
	    memcmp(r->memo->at[place].name, name.at, name.size) != 0) {
		memcpy(r->memo->at[place].name, name.at, name.size);
		r->memo->at[place].size = name.size;
		r->memo->at[place].number = codes_system(r->codes, name);
	}
	return r->memo->at[place].number;
}

bool
coding_look_up(const struct condition_members *m, const struct condition_record *r, uint32_t code,
    uint32_t system, unsigned *number, struct codes_match *match)
{
	*number = CODES_ANY_SYSTEM;
	if (system != 0 && json_kind(r->json, system) != JSON_NULL)
		*number = number_of(r, json_string(r->json, system, r->room));
	if ((*number == CODES_UNKNOWN_SYSTEM || *number == CODES_ANY_SYSTEM) && !m->no_system_matches)
		return false;
	return find_at_time(r, *number, json_string(r->json, code, r->room), match);
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
	unsigned number;

	if (code == 0 || json_kind(r->json, code) == JSON_NULL)
		return TRUTH_FALSE;
	if (!is_readable(r->json, code, system))
		return is_element || system != 0 || json_kind(r->json, code) == JSON_STRING ? TRUTH_UNKNOWN
											    : TRUTH_FALSE;
	if (!coding_look_up(m, r, code, system, &number, &match))
		return TRUTH_FALSE;
	return code_bits_meet(sets, &match.sets) ? TRUTH_TRUE : TRUTH_FALSE;
}

static enum truth
elements_in(const struct condition_members *m, const struct condition_record *r, uint32_t holder,
    const struct code_bits *sets)
{
	uint32_t list = json_member_key(r->json, holder, m->coding);
	enum truth truth = TRUTH_FALSE;

	if (list == 0 || json_kind(r->json, list) != JSON_ARRAY)
		return TRUTH_FALSE;
	for (uint32_t i = list + 1; i < r->json->nodes[list].next; i = r->json->nodes[i].next)
		truth = truth_or(truth, one_in(m, r, i, true, sets));
	return truth;
}

size_t
coding_first_in(const struct coding_hits *hits, const struct json *j, uint32_t node)
{
	size_t low = 0;
	size_t high = hits->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (j->nodes[hits->at[middle].coding].next <= node)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
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
