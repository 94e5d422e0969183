/* SPDX-License-Identifier: ISC */
#include "cmd/ingest/history.h"

#include "common/base/clock.h"

#include <stdlib.h>

struct history_entry {
	size_t id; /* in the texts */
	size_t id_size;
	struct instant modified;
	uint64_t version;
	uint32_t place;
	bool has_modified, has_version;
	uint32_t at; /* the entry that comes at this place */
};

/* What the versions of one record are put in order by. */
enum history_order { BY_MODIFIED, BY_VERSION, BY_PLACE };

void
history_init(struct history *h)
{
	buffer_init(&h->entries, BUFFER_UNLIMITED);
	buffer_init(&h->texts, BUFFER_UNLIMITED);
	buffer_init(&h->places, BUFFER_UNLIMITED);
}

void
history_release(struct history *h)
{
	buffer_release(&h->entries);
	buffer_release(&h->texts);
	buffer_release(&h->places);
}

void
history_start(struct history *h)
{
	h->entries.used = 0;
	h->texts.used = 0;
}

static struct history_entry *
entries(const struct history *h)
{
	return (struct history_entry *)(void *)h->entries.at;
}

static size_t
count(const struct history *h)
{
	return h->entries.used / sizeof(struct history_entry);
}

static struct bytes
id_of(const struct history *h, const struct history_entry *e)
{
	return (struct bytes){ h->texts.at + e->id, e->id_size };
}

static bool
read_number(struct bytes text, uint64_t *number)
{
	*number = 0;
	for (size_t i = 0; i < text.size; i++) {
		if (!ascii_is_digit(text.at[i]))
			return false;
		*number = *number * 10 + (uint64_t)(text.at[i] - '0');
	}
	return text.size > 0 && text.size <= 18;
}

void
history_add(struct history *h, struct bytes id, struct bytes modified, struct bytes version)
{
	struct history_entry e = { .id = h->texts.used, .id_size = id.size };
	struct period when;
	enum date_precision precision;

	e.place = e.at = (uint32_t)count(h);
	e.has_modified = clock_parse_date(modified, &when, &precision);
	if (e.has_modified)
		e.modified = when.from;
	e.has_version = read_number(version, &e.version);
	buffer_add(&h->texts, id.at, id.size);
	buffer_add(&h->entries, &e, sizeof e);
}

static int
by_id(const void *x, const void *y, void *context)
{
	const struct history *h = context;
	const struct history_entry *a = x;
	const struct history_entry *b = y;
	int order = bytes_compare(id_of(h, a), id_of(h, b));

	return order != 0 ? order : (a->place > b->place) - (a->place < b->place);
}

static int
compare(const struct history_entry *a, const struct history_entry *b, enum history_order order)
{
	if (order == BY_MODIFIED) {
		int by_time = instant_compare(a->modified, b->modified);

		if (by_time != 0)
			return by_time;
		if (!a->has_version || !b->has_version)
			return 0;
	}
	if (order != BY_PLACE)
		return (a->version > b->version) - (a->version < b->version);
	return 0;
}

/* Of versions that nothing else tells apart the last entry is the oldest. */
static int
oldest_first(const void *x, const void *y, void *context)
{
	const struct history_entry *a = x;
	const struct history_entry *b = y;
	int order = compare(a, b, *(const enum history_order *)context);

	return order != 0 ? order : (a->place < b->place) - (a->place > b->place);
}

static enum history_order
order_of(const struct history_entry *e, size_t versions)
{
	bool modified = true;
	bool version = true;

	for (size_t i = 0; i < versions; i++) {
		modified &= e[i].has_modified;
		version &= e[i].has_version;
	}
	return modified ? BY_MODIFIED : version ? BY_VERSION : BY_PLACE;
}

/*
 * E has VERSIONS entries of one record, in the order of the Bundle.  Returns how many stand behind a newer
 * one.
 */
static size_t
sort_versions(struct history_entry *e, size_t versions, uint32_t *places)
{
	enum history_order order = order_of(e, versions);
	size_t newest = 0;
	size_t behind = 0;

	for (size_t i = 0; i < versions; i++) {
		int against = compare(&e[i], &e[newest], order);

		behind += against < 0;
		newest = against >= 0 ? i : newest;
		places[i] = e[i].place;
	}
	qsort_r(e, versions, sizeof *e, oldest_first, &order);
	for (size_t i = 0; i < versions; i++) {
		e[i].at = e[i].place;
		e[i].place = places[i];
	}
	return behind;
}

static int
by_place(const void *x, const void *y)
{
	const struct history_entry *a = x;
	const struct history_entry *b = y;

	return (a->place > b->place) - (a->place < b->place);
}

size_t
history_sort(struct history *h)
{
	struct history_entry *e = entries(h);
	size_t all = count(h);
	size_t behind = 0;
	uint32_t *places;

	if (all == 0)
		return 0;
	h->places.used = 0;
	places = buffer_more(&h->places, all * sizeof *places);
	qsort_r(e, all, sizeof *e, by_id, h);
	for (size_t first = 0, next; first < all; first = next) {
		for (next = first + 1; next < all && bytes_equal(id_of(h, &e[next]), id_of(h, &e[first]));
		     next++)
			;
		if (next > first + 1 && e[first].id_size > 0)
			behind += sort_versions(&e[first], next - first, places);
	}
	qsort(e, all, sizeof *e, by_place);
	return behind;
}

uint32_t
history_at(const struct history *h, uint32_t place)
{
	return entries(h)[place].at;
}
