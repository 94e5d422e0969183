/* SPDX-License-Identifier: ISC */
#include "common/redact/operation.h"

#include "common/base/bisect.h"
#include "common/json/json_write.h"
#include "common/redact/coding.h"
#include "common/redact/shift.h"
#include "common/redact/token.h"

#include <stdio.h>
#include <string.h>

struct operation_entry {
	const char *name;
	/* NODE stands behind the name.  M is NODE if is_map, else the map around it.  NULL: a bare word. */
	bool (*read)(struct operation *o, const struct operation_words *w, struct yaml_map *m,
	    const struct yaml_node *node, struct fault *f);
	enum operation_outcome (*apply)(
	    const struct operation *o, const struct operation_value *v, struct buffer *out);
	enum fhir_labels_done done; /* what the result is called; FHIR_LABELS_DONE: nothing */
	bool is_map;
};

static bool
read_scope(
    struct operation *o, const struct operation_words *w, const struct yaml_node *list, struct fault *f)
{
	static const char *const words[] = { "subject", "type", "year", "month", "batch", NULL };
	unsigned scope = 0;

	if (list != NULL && list->kind != YAML_LIST) {
		if (!yaml_word(w->file, list, words, &scope, f))
			return false;
		o->scope[scope] = true;
	}
	for (size_t i = 0; list != NULL && list->kind == YAML_LIST && i < list->count; i++) {
		if (!yaml_word(w->file, list->item[i], words, &scope, f))
			return false;
		o->scope[scope] = true;
	}
	return true;
}

static bool
read_hash(struct operation *o, const struct operation_words *w, struct yaml_map *m,
    const struct yaml_node *node, struct fault *f)
{
	const struct yaml_node *key = yaml_need(m, "key");

	(void)node;
	return key != NULL && (o->key = w->key(w->context, key, f)) != NULL &&
	       read_scope(o, w, yaml_take(m, "scope"), f);
}

static bool
read_shift(struct operation *o, const struct operation_words *w, struct yaml_map *m,
    const struct yaml_node *node, struct fault *f)
{
	const struct yaml_node *key = yaml_need(m, "key");
	const struct yaml_node *scope = yaml_take(m, "scope");

	(void)node;
	o->days = 365;
	o->scope[OPERATION_SUBJECT] = scope == NULL;
	return key != NULL && (o->key = w->key(w->context, key, f)) != NULL &&
	       yaml_integer(w->file, yaml_take(m, "days"), 1, 36500, &o->days, f) &&
	       read_scope(o, w, scope, f);
}

static bool
read_zip(struct operation *o, const struct operation_words *w, struct yaml_map *m,
    const struct yaml_node *node, struct fault *f)
{
	const struct yaml_node *digits = yaml_need(m, "digits");
	const struct yaml_node *set = yaml_take(m, "restricted");

	(void)node;
	o->restricted = -1;
	if (digits == NULL || !yaml_integer(w->file, digits, 1, 5, &o->characters, f) ||
	    (set != NULL && (o->codes = w->codes(w->context)) == NULL))
		return false;
	if (set != NULL && (o->restricted = codes_set(o->codes, set->text)) < 0)
		return fault_at(f, w->file, set, "unknown-set: no value set of that name in classify.yaml");
	return true;
}

/* Five digits, or nine with or without a hyphen behind the fifth. */
static bool
is_zip(struct bytes text)
{
	size_t digits = 0;

	for (size_t i = 0; i < text.size; i++) {
		if (text.at[i] == '-' && i == 5 && text.size == 10)
			continue;
		if (!ascii_is_digit(text.at[i]))
			return false;
		digits++;
	}
	return digits == 9 || (digits == 5 && text.size == 5);
}

/* Whether DIGITS or the first of them are restricted: a list of three digits holds for five. */
static bool
is_restricted(const struct operation *o, struct bytes digits)
{
	struct codes_match match = { 0 };

	for (; digits.size > 0 && o->restricted >= 0; digits.size--)
		if (codes_find(o->codes, CODES_ANY_SYSTEM, digits, NULL, &match) &&
		    code_bits_has(&match.sets, (unsigned)o->restricted))
			return true;
	return false;
}

static enum operation_outcome
apply_zip(const struct operation *o, const struct operation_value *v, struct buffer *out)
{
	struct json_write w = json_write_to(out);
	struct bytes text;

	if (json_kind(v->json, v->node) != JSON_STRING)
		return OPERATION_REMOVE;
	text = json_string(v->json, v->node, v->room);
	if (!is_zip(text))
		return OPERATION_REMOVE;
	text.size = o->characters;
	if (is_restricted(o, text))
		text = (struct bytes){ "00000", o->characters };
	json_write_text(&w, text);
	return json_write_whole(&w) ? OPERATION_REPLACE : OPERATION_REMOVE;
}

static bool
read_code(struct operation *o, const struct operation_words *w, struct yaml_map *m,
    const struct yaml_node *node, struct fault *f)
{
	const struct yaml_node *characters = yaml_need(m, "characters");

	(void)node;
	return characters != NULL && yaml_integer(w->file, characters, 1, 7, &o->characters, f) &&
	       (o->codes = w->codes(w->context)) != NULL;
}

static bool
read_display(struct operation *o, const struct operation_words *w, struct yaml_map *m,
    const struct yaml_node *node, struct fault *f)
{
	static const char *const words[] = { "from_value_set", NULL };
	unsigned word;

	(void)m;
	return yaml_word(w->file, node, words, &word, f) && (o->codes = w->codes(w->context)) != NULL;
}

static bool
read_replace(struct operation *o, const struct operation_words *w, struct yaml_map *m,
    const struct yaml_node *node, struct fault *f)
{
	struct buffer text;
	bool good;

	(void)m;
	switch (node->kind) {
	case YAML_BOOLEAN:
	case YAML_NUMBER:
		o->constant = node->text;
		return true;
	case YAML_NULL:
		o->constant = bytes_of("null");
		return true;
	case YAML_STRING:
		buffer_init(&text, 6 * node->text.size + 2);
		good = json_write_string(&text, node->text);
		o->constant = arena_copy(w->arena, buffer_bytes(&text));
		buffer_release(&text);
		return good;
	case YAML_LIST:
	case YAML_MAP:
		break;
	}
	return fault_at(f, w->file, node, "expected one scalar");
}

static enum operation_outcome
apply_replace(const struct operation *o, const struct operation_value *v, struct buffer *out)
{
	(void)v;
	return buffer_append(out, o->constant.at, o->constant.size) ? OPERATION_REPLACE : OPERATION_REMOVE;
}

static enum operation_outcome
apply_keep(const struct operation *o, const struct operation_value *v, struct buffer *out)
{
	(void)o, (void)v, (void)out;
	return OPERATION_KEEP;
}

static enum operation_outcome
apply_remove(const struct operation *o, const struct operation_value *v, struct buffer *out)
{
	(void)o, (void)v, (void)out;
	return OPERATION_REMOVE;
}

static enum operation_outcome
apply_absent(const struct operation *o, const struct operation_value *v, struct buffer *out)
{
	(void)o, (void)v, (void)out;
	return OPERATION_ABSENT;
}

/* A mask does not tell the length of the value. */
static enum operation_outcome
apply_mask(const struct operation *o, const struct operation_value *v, struct buffer *out)
{
	(void)o;
	if (json_kind(v->json, v->node) != JSON_STRING)
		return OPERATION_REMOVE;
	return buffer_append(out, "\"***\"", 5) ? OPERATION_REPLACE : OPERATION_REMOVE;
}

static bool
read_truncate(struct operation *o, const struct operation_words *w, struct yaml_map *m,
    const struct yaml_node *node, struct fault *f)
{
	static const char *const words[] = { "year", "month", "day", "hour", NULL };

	return yaml_word(w->file, node, words, &o->precision, f) &&
	       yaml_integer(w->file, yaml_take(m, "drop_over_age"), 1, 200, &o->over_age, f);
}

static uint64_t
age_at(struct instant birth, struct instant now)
{
	int year[2];
	unsigned month[2], day[2];

	for (int i = 0; i < 2; i++) {
		int64_t seconds = i == 0 ? birth.seconds : now.seconds;

		clock_date(seconds / 86400 - (seconds % 86400 < 0), &year[i], &month[i], &day[i]);
	}
	int years = year[1] - year[0] - (month[1] < month[0] || (month[1] == month[0] && day[1] < day[0]));
	return years > 0 ? (uint64_t)years : 0;
}

static bool
write_hour(struct json_write *w, struct bytes text)
{
	size_t zone = text.size;

	if (text.size < 20)
		return false;
	for (size_t i = 19; i < text.size && zone == text.size; i++)
		if (text.at[i] == 'Z' || text.at[i] == 'z' || text.at[i] == '+' || text.at[i] == '-')
			zone = i;
	if (zone == text.size)
		return false;
	json_write_raw(w, (struct bytes){ text.at, 13 });
	json_write_raw(w, (struct bytes)BYTES(":00:00"));
	json_write_raw(w, bytes_behind(text, zone));
	return true;
}

static enum operation_outcome
apply_truncate(const struct operation *o, const struct operation_value *v, struct buffer *out)
{
	static const size_t length[] = { [DATE_YEAR] = 4, [DATE_MONTH] = 7, [DATE_DAY] = 10 };
	struct json_write w = json_write_to(out);
	struct period period;
	enum date_precision precision;
	struct bytes text;

	if (json_kind(v->json, v->node) != JSON_STRING)
		return OPERATION_REMOVE;
	text = json_string(v->json, v->node, v->room);
	if (!clock_parse_date(text, &period, &precision))
		return OPERATION_REMOVE;
	if (o->over_age > 0 && age_at(period.from, *v->now) > o->over_age)
		return OPERATION_HIDE;
	json_write_raw(&w, (struct bytes)BYTES("\""));
	if ((unsigned)precision < o->precision)
		json_write_raw(&w, text);
	else if (o->precision < DATE_TIME)
		json_write_raw(&w, (struct bytes){ text.at, length[o->precision] });
	else if (!write_hour(&w, text))
		return OPERATION_REMOVE;
	json_write_raw(&w, (struct bytes)BYTES("\""));
	return json_write_whole(&w) ? OPERATION_REPLACE : OPERATION_REMOVE;
}

static bool
read_number(const struct operation_words *w, const struct yaml_node *node, struct decimal *d, struct fault *f)
{
	if (node->kind != YAML_NUMBER || !decimal_parse(node->text, d))
		return fault_at(f, w->file, node, "expected a number");
	return true;
}

static bool
read_step(const struct operation_words *w, const struct yaml_node *node, struct decimal *d, struct fault *f)
{
	if (!read_number(w, node, d, f))
		return false;
	if (d->count == 0 || d->negative || d->count > 30 || d->scale > 30 || d->scale < -30)
		return fault_at(f, w->file, node, "expected a number above 0 of at most 30 digits");
	return true;
}

static bool
read_round(struct operation *o, const struct operation_words *w, struct yaml_map *m,
    const struct yaml_node *node, struct fault *f)
{
	uint64_t digits = 0;
	char step[32] = "1";
	const struct yaml_node *to = yaml_take(m, "to");
	const struct yaml_node *places = yaml_take(m, "digits");

	if ((to == NULL) == (places == NULL))
		return fault_at(f, w->file, node, "expected either `to` or `digits`");
	if (to != NULL)
		return read_step(w, to, &o->step, f);
	if (!yaml_integer(w->file, places, 0, 20, &digits, f))
		return false;
	if (digits > 0)
		(void)snprintf(step, sizeof step, "0.%0*d", (int)digits, 1);
	return decimal_parse(arena_copy(w->arena, bytes_of(step)), &o->step);
}

static bool
read_value(const struct operation_value *v, struct decimal *d)
{
	return json_kind(v->json, v->node) == JSON_NUMBER && decimal_parse(json_span(v->json, v->node), d);
}

static enum operation_outcome
apply_round(const struct operation *o, const struct operation_value *v, struct buffer *out)
{
	struct decimal d;

	return read_value(v, &d) && decimal_round(&d, &o->step, out) ? OPERATION_REPLACE : OPERATION_REMOVE;
}

static bool
read_edges(
    struct operation *o, const struct operation_words *w, const struct yaml_node *list, struct fault *f)
{
	struct decimal before = { 0 }, d;

	if (list->kind != YAML_LIST || list->count == 0)
		return fault_at(f, w->file, list, "expected a list of numbers");
	o->edge = arena_array(w->arena, list->count, sizeof o->edge[0]);
	for (o->edges = 0; o->edges < list->count; o->edges++) {
		const struct yaml_node *item = list->item[o->edges];

		if (!read_number(w, item, &d, f))
			return false;
		if (o->edges > 0 && decimal_compare(&before, &d) >= 0)
			return fault_at(f, w->file, item, "the edges of bands ascend");
		o->edge[o->edges] = item->text;
		before = d;
	}
	return true;
}

static bool
read_width(struct operation *o, const struct operation_words *w, struct yaml_map *m,
    const struct yaml_node *width, struct fault *f)
{
	const struct yaml_node *from = yaml_take(m, "from");
	const struct yaml_node *cap = yaml_take(m, "cap");
	const struct {
		const struct yaml_node *node;
		struct decimal *value;
		bool *is_there;
	} bounds[] = { { from, &o->from, &o->has_from }, { cap, &o->cap, &o->has_cap } };

	if (!read_step(w, width, &o->step, f))
		return false;
	for (size_t i = 0; i < 2; i++) {
		struct buffer text;
		struct decimal edge;

		if (bounds[i].node == NULL)
			continue;
		if (!read_number(w, bounds[i].node, bounds[i].value, f))
			return false;
		*bounds[i].is_there = true;
		/* The edges of bands are multiples of the width. */
		buffer_init(&text, 4096);
		bool good = decimal_round(bounds[i].value, &o->step, &text) &&
			    decimal_parse(buffer_bytes(&text), &edge) &&
			    decimal_compare(&edge, bounds[i].value) == 0;
		buffer_release(&text);
		if (!good)
			return fault_at(f, w->file, bounds[i].node, "not an edge of a band of that width");
	}
	if (cap != NULL)
		o->constant = cap->text;
	return true;
}

static bool
read_band(struct operation *o, const struct operation_words *w, struct yaml_map *m,
    const struct yaml_node *node, struct fault *f)
{
	const struct yaml_node *width = yaml_take(m, "width");
	const struct yaml_node *edges = yaml_take(m, "edges");

	if ((width == NULL) == (edges == NULL))
		return fault_at(f, w->file, node, "expected either `width` or `edges`");
	return width != NULL ? read_width(o, w, m, width, f) : read_edges(o, w, edges, f);
}

static enum operation_outcome
apply_edges(const struct operation *o, const struct decimal *value, struct buffer *out)
{
	struct bisect b = { .high = o->edges };

	while (bisect_more(&b)) {
		struct decimal edge;

		(void)decimal_parse(o->edge[b.middle], &edge);
		bisect_step(&b, decimal_compare(&edge, value) <= 0);
	}
	if (b.low == 0)
		return OPERATION_REMOVE;
	struct bytes edge = o->edge[b.low - 1];
	return buffer_append(out, edge.at, edge.size) ? OPERATION_REPLACE : OPERATION_REMOVE;
}

static enum operation_outcome
apply_band(const struct operation *o, const struct operation_value *v, struct buffer *out)
{
	struct decimal d;

	if (!read_value(v, &d))
		return OPERATION_REMOVE;
	if (o->edges > 0)
		return apply_edges(o, &d, out);
	if (o->has_from && decimal_compare(&d, &o->from) < 0)
		return OPERATION_REMOVE;
	if (o->has_cap && decimal_compare(&d, &o->cap) >= 0)
		return apply_replace(o, v, out);
	return decimal_floor(&d, &o->step, out) ? OPERATION_REPLACE : OPERATION_REMOVE;
}

static const struct operation_entry entries[] = {
	{ "keep", NULL, apply_keep, FHIR_LABELS_DONE, false },
	{ "remove", NULL, apply_remove, FHIR_LABELS_REDACTED, false },
	{ "absent", NULL, apply_absent, FHIR_LABELS_REDACTED, false },
	{ "mask", NULL, apply_mask, FHIR_LABELS_MASKED, false },
	{ "replace", read_replace, apply_replace, FHIR_LABELS_MASKED, false },
	{ "hash", read_hash, token_apply, FHIR_LABELS_PSEUDED, true },
	{ "truncate", read_truncate, apply_truncate, FHIR_LABELS_ABSTRED, false },
	{ "round", read_round, apply_round, FHIR_LABELS_ABSTRED, true },
	{ "band", read_band, apply_band, FHIR_LABELS_ABSTRED, true },
	{ "date_shift", read_shift, shift_apply, FHIR_LABELS_ABSTRED, true },
	{ "zip", read_zip, apply_zip, FHIR_LABELS_ABSTRED, true },
	{ "code", read_code, coding_cut, FHIR_LABELS_ABSTRED, true },
	{ "display", read_display, coding_display, FHIR_LABELS_DONE, false },
};
#define ENTRIES (sizeof entries / sizeof entries[0])

static bool
unknown_operation(const struct operation_words *w, const struct yaml_node *node, struct fault *f)
{
	char names[160];
	size_t used = 0;

	for (size_t i = 0; i < ENTRIES && used < sizeof names; i++)
		used += (size_t)snprintf(names + used, sizeof names - used, " %s", entries[i].name);
	return fault_at(f, w->file, node, "unknown operation, expected one of%s", names);
}

bool
operation_read(
    struct operation *o, const struct operation_words *w, const struct yaml_node *node, struct fault *f)
{
	struct yaml_map m, inner;

	*o = (struct operation){ .entry = NULL };
	if (node->kind != YAML_MAP) {
		for (size_t i = 0; i < ENTRIES; i++)
			if (node->kind == YAML_STRING && entries[i].read == NULL &&
			    bytes_are(node->text, entries[i].name))
				o->entry = &entries[i];
		return o->entry != NULL || unknown_operation(w, node, f);
	}
	if (!yaml_open(&m, w->file, node, f))
		return false;
	for (size_t i = 0; i < ENTRIES && o->entry == NULL; i++) {
		const struct yaml_node *value =
		    entries[i].read != NULL ? yaml_take(&m, entries[i].name) : NULL;

		if (value == NULL)
			continue;
		o->entry = &entries[i];
		bool is_map = entries[i].is_map;

		if ((is_map && !yaml_open(&inner, w->file, value, f)) ||
		    !entries[i].read(o, w, is_map ? &inner : &m, value, f) || (is_map && !yaml_close(&inner)))
			return false;
	}
	return o->entry != NULL ? yaml_close(&m) : unknown_operation(w, node, f);
}

bool
operation_keeps(const struct operation *o)
{
	return o->entry->apply == apply_keep;
}

bool
operation_removes(const struct operation *o)
{
	return o->entry->apply == apply_remove;
}

bool
operation_reads_coding(const struct operation *o)
{
	return o->entry->apply == coding_cut || o->entry->apply == coding_display;
}

enum fhir_labels_done
operation_done(const struct operation *o)
{
	return o->entry->done;
}

bool
operation_needs_now(const struct operation *o)
{
	return o->over_age > 0;
}

bool
operation_needs_batch(const struct operation *o)
{
	return o->scope[OPERATION_BATCH];
}

enum operation_outcome
operation_apply(const struct operation *o, const struct operation_value *v, struct buffer *out)
{
	size_t used = out->used;
	enum operation_outcome outcome = o->entry->apply(o, v, out);

	if (outcome != OPERATION_REPLACE)
		out->used = used;
	return outcome;
}
