/* SPDX-License-Identifier: ISC */
#include "cmd/deliver/intent_form.h"

enum { TEXT_MOST = 256, OBLIGATIONS_MOST = 64 };

enum receiver { TO_SUBSCRIPTION, TO_LAST_RESORT, TO_CLASS };

static const struct {
	const char *kind;
	enum receiver to;
	bool version;
} forms[] = {
	{ "data", TO_SUBSCRIPTION, true },
	{ "floor", TO_SUBSCRIPTION, false },
	{ "resolved", TO_SUBSCRIPTION, false },
	{ "resolved", TO_LAST_RESORT, false },
	{ "last-resort", TO_LAST_RESORT, false },
	{ "alarm", TO_LAST_RESORT, false },
	{ "notice", TO_CLASS, false },
};

struct bytes
intent_word(const struct json *j, uint32_t object, const char *name)
{
	uint32_t node = json_member(j, object, bytes_of(name));

	if (node == 0 || json_kind(j, node) != JSON_STRING || !tag_is_word(json_inside(j, node)))
		return (struct bytes){ NULL, 0 };
	return json_inside(j, node);
}

struct bytes
intent_subscription(const struct json *j)
{
	return intent_word(j, json_member(j, 0, (struct bytes)BYTES("to")), "subscription");
}

static bool
is_text(const struct json *j, uint32_t node)
{
	return json_kind(j, node) == JSON_STRING && json_inside(j, node).size <= TEXT_MOST;
}

/* What a message copies as it stands: short texts, so that no record rides along. */
static bool
texts_good(const struct json *j)
{
	static const char *const names[] = { "why", "about", "purpose" };
	uint32_t offer = json_member(j, 0, (struct bytes)BYTES("break_glass"));
	uint32_t duties = json_member(j, 0, (struct bytes)BYTES("obligations"));
	bool good = true;

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		uint32_t node = json_member(j, 0, bytes_of(names[i]));

		good = good && (node == 0 || is_text(j, node));
	}
	if (offer != 0)
		good = good && json_kind(j, offer) == JSON_OBJECT && json_count(j, offer) == 2 &&
		       intent_word(j, offer, "purpose").at != NULL && intent_word(j, offer, "for").at != NULL;
	if (duties != 0) {
		good =
		    good && json_kind(j, duties) == JSON_ARRAY && json_count(j, duties) <= OBLIGATIONS_MOST;
		for (uint32_t i = duties + 1; good && i < j->nodes[duties].next; i = j->nodes[i].next)
			good = is_text(j, i);
	}
	return good;
}

static bool
receiver_good(const struct json *j, enum receiver receiver)
{
	uint32_t to = json_member(j, 0, (struct bytes)BYTES("to"));
	bool subscription = json_member(j, to, (struct bytes)BYTES("subscription")) != 0;
	uint32_t last = json_member(j, to, (struct bytes)BYTES("last_resort"));

	if (to == 0 || json_kind(j, to) != JSON_OBJECT || subscription != (receiver == TO_SUBSCRIPTION) ||
	    (last != 0) != (receiver == TO_LAST_RESORT))
		return false;
	switch (receiver) {
	case TO_SUBSCRIPTION:
		return intent_word(j, to, "subscription").at != NULL &&
		       intent_word(j, to, "party").at != NULL;
	case TO_LAST_RESORT:
		return json_kind(j, last) == JSON_TRUE;
	case TO_CLASS:
		break;
	}
	return intent_word(j, to, "class").at != NULL;
}

/* "r_a1/N" */
static bool
ref_good(const struct json *j, uint32_t ref, struct bytes record, struct bytes rl)
{
	struct bytes text;

	if (ref == 0)
		return true;
	text = json_inside(j, ref);
	return json_kind(j, ref) == JSON_STRING && text.size == record.size + 1 + rl.size &&
	       bytes_equal((struct bytes){ text.at, record.size }, record) && text.at[record.size] == '/' &&
	       bytes_equal((struct bytes){ text.at + record.size + 1, rl.size }, rl);
}

/* The sealed line is the version that the intent names, and nothing else. */
static bool
sealed_good(const struct json *j, struct sealed_line_reader *reader, uint32_t ehr, uint64_t al)
{
	uint32_t node = json_member(j, 0, (struct bytes)BYTES("sealed"));
	struct bytes subject = intent_word(j, ehr, "subject");
	struct sealed_line s;

	if (node == 0)
		return true;
	return sealed_line_read(reader, json_span(j, node), false, &s) && !s.to_recipient &&
	       bytes_equal(s.tags.id, intent_word(j, ehr, "record")) &&
	       bytes_equal(s.tags.rl, intent_word(j, ehr, "rl")) && bytes_equal(s.tags.subject, subject) &&
	       s.tags.al <= al;
}

static bool
version_good(const struct json *j, struct sealed_line_reader *reader, uint32_t ehr, bool version)
{
	uint32_t al = json_member(j, ehr, (struct bytes)BYTES("al"));
	uint32_t ref = json_member(j, 0, (struct bytes)BYTES("ref"));
	struct bytes rl = intent_word(j, ehr, "rl"), record = intent_word(j, ehr, "record");
	uint64_t number;

	if (!version)
		return al == 0 && ref == 0 && json_member(j, ehr, (struct bytes)BYTES("rl")) == 0 &&
		       json_member(j, 0, (struct bytes)BYTES("sealed")) == 0;
	return al != 0 && json_integer(j, al, &number) && rl.at != NULL && record.at != NULL &&
	       ref_good(j, ref, record, rl) && sealed_good(j, reader, ehr, number);
}

bool
intent_form_good(const struct json *j, struct sealed_line_reader *sealed)
{
	uint32_t ehr = json_member(j, 0, (struct bytes)BYTES("ehr"));
	uint32_t subject = json_member(j, ehr, (struct bytes)BYTES("subject"));
	struct bytes kind = intent_word(j, 0, "kind");

	if (ehr == 0 || (subject != 0 && intent_word(j, ehr, "subject").at == NULL) || kind.at == NULL)
		return false;
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
		if (bytes_are(kind, forms[i].kind) && receiver_good(j, forms[i].to))
			return version_good(j, sealed, ehr, forms[i].version) && texts_good(j);
	return false;
}
