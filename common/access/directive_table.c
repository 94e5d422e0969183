/* SPDX-License-Identifier: ISC */
#include "common/access/parts.h"
#include "common/base/hash.h"
#include "common/base/memory.h"

#include <stdlib.h>

/* The slot of the patient, or the free one where it would stand. */
static struct directive_slot *
find_slot(const struct directives *d, struct bytes patient, uint64_t hash)
{
	uint32_t at = (uint32_t)hash & (d->room - 1);

	while (d->slot[at].first &&
	       (d->slot[at].hash != hash || !bytes_equal(d->slot[at].first->patient, patient)))
		at = (at + 1) & (d->room - 1);
	return &d->slot[at];
}

static void
grow(struct directives *d)
{
	struct directive_slot *old = d->slot;
	uint32_t olds = d->room;

	d->room = olds ? 2 * olds : 64;
	d->slot = memory_zeros(d->room, sizeof *d->slot);
	for (uint32_t i = 0; i < olds; i++) {
		uint32_t at = (uint32_t)old[i].hash & (d->room - 1);

		while (old[i].first && d->slot[at].first)
			at = (at + 1) & (d->room - 1);
		if (old[i].first)
			d->slot[at] = old[i];
	}
	free(old);
}

struct directive_slot *
directives_slot(struct directives *d, struct bytes patient, uint64_t hash)
{
	if (4 * (d->patients + 1) > 3 * d->room)
		grow(d);
	return find_slot(d, patient, hash);
}

const struct directive *
directives_of(const struct directives *d, struct bytes patient)
{
	patient = reader_patient(patient);
	return d->room ? find_slot(d, patient, hash_bytes(patient))->first : NULL;
}

void
directives_alone(struct directives *alone, struct directive *one)
{
	alone->room = 2;
	alone->slot = memory_zeros(alone->room, sizeof *alone->slot);
	*find_slot(alone, one->patient, hash_bytes(one->patient)) =
	    (struct directive_slot){ hash_bytes(one->patient), one };
	alone->patients = 1;
}

void
directives_expect(const struct directives *d, struct bytes patient)
{
	if (d->room)
		__builtin_prefetch(&d->slot[(uint32_t)hash_bytes(reader_patient(patient)) & (d->room - 1)]);
}

/* A directive, its texts and its first rule stand one behind the other in the arena. */
enum { FETCHED = 512, CACHE_LINE = 64 };

/* The hash alone tells which it is: to compare the patient would be to wait for it. */
void
directives_fetch(const struct directives *d, struct bytes patient)
{
	uint64_t hash = hash_bytes(reader_patient(patient));

	for (uint32_t at = (uint32_t)hash; d->room && d->slot[at & (d->room - 1)].first; at++) {
		const struct directive_slot *slot = &d->slot[at & (d->room - 1)];

		for (size_t i = 0; slot->hash == hash && i < FETCHED; i += CACHE_LINE)
			__builtin_prefetch((const char *)slot->first + i);
		if (slot->hash == hash)
			return;
	}
}
