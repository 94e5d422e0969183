/* SPDX-License-Identifier: ISC */
#include "cmd/keys/order.h"

#include "cmd/keys/device.h"
#include "cmd/keys/request.h"
#include "cmd/keys/store.h"
#include "cmd/keys/taken.h"
#include "common/line/tags.h"

enum { PEOPLE_MOST = 8, NAME_ROOM = 129, LIST_MOST = 2048 };

bool
order_read(struct order_file *f, const struct verb_settings *s, struct verb_answer *a, enum diag_exit *status)
{
	*f = (struct order_file){ .settings = s, .answer = a };
	buffer_init(&f->context, REQUEST_MOST / 2);
	buffer_init(&f->people, LIST_MOST);
	*status = EXIT_USAGE;
	if (s->ask && s->decision != NULL)
		(void)verb_fault(a, EXIT_USAGE, "--ask or --decision FILE, one of them");
	else if (s->ask && (s->user == NULL || !tag_is_word(bytes_of(s->user))))
		(void)verb_fault(a, EXIT_USAGE, "who asks? expected --user ID");
	else {
		*status = EXIT_IO;
		return request_context(s, &f->context, a) &&
		       (s->decision == NULL || decision_limits(s, &f->limits, a, status)) &&
		       (s->decision == NULL || (f->decisions = decision_file_read(s, a, status)) != NULL);
	}
	return false;
}

void
order_end(struct order_file *f)
{
	decision_file_free(f->decisions);
	buffer_release(&f->context);
	buffer_release(&f->people);
}

unsigned
order_store(const struct verb_settings *s)
{
	return STORE_AUTHORITY | (s->ask ? 0 : STORE_LOCK);
}

static bool
write_request(struct buffer *out, const struct order_file *f, struct keys *k, const struct order *o,
    const char *user, struct instant time)
{
	struct verb_settings who = *f->settings;

	who.user = user;
	const struct asking q = { k, NULL, &who, &f->context, { "", 0 }, false, f->answer };

	return request_order(out, &q, o, time);
}

static bool
deny(const struct order_file *f, enum diag_exit *status, const char *why)
{
	*status = verb_fault(f->answer, EXIT_DENIED, "%s", why);
	return false;
}

/* The request of this person at the time of the decision must be the one that the decision answers. */
static bool
answers(
    const struct order_file *f, struct keys *k, const struct order *o, const struct decision *d, bool *good)
{
	char digest[DIGEST_TEXT], user[NAME_ROOM];
	struct buffer text;

	*good = bytes_string(d->subject, user, sizeof user) && tag_is_word(d->subject);
	if (!*good)
		return true;
	buffer_init(&text, (size_t)REQUEST_MOST);
	if (!write_request(&text, f, k, o, user, d->time)) {
		buffer_release(&text);
		return false;
	}
	digest_text(buffer_bytes(&text), digest);
	*good = bytes_are(d->request, digest);
	buffer_release(&text);
	return true;
}

struct people {
	char name[PEOPLE_MOST][NAME_ROOM];
	unsigned count;
};

static bool
add_person(struct people *p, struct bytes name)
{
	for (unsigned i = 0; i < p->count; i++)
		if (bytes_are(name, p->name[i]))
			return false;
	return p->count < PEOPLE_MOST && bytes_string(name, p->name[p->count++], NAME_ROOM);
}

static bool
take_one(struct order_file *f, struct keys *k, const struct order *o, struct taken *t, struct people *p,
    enum diag_exit *status)
{
	struct decision d;
	bool good;

	if (!decision_file_next(f->decisions, o->action, f->settings->now, &d, f->answer, status)) {
		if (*status == EXIT_DONE)
			(void)deny(f, status, "decision-missing: too few people have decided on it");
		return false;
	}
	if (!device_party_counts(k, f->settings, d.subject, f->answer, status))
		return false;
	*status = EXIT_BAD_RECORD;
	if (!answers(f, k, o, &d, &good))
		return false;
	if (!good)
		return deny(f, status,
		    "decision-mismatch: it answers another request; give the same as with --ask, --context "
		    "too");
	if (!add_person(p, d.subject))
		return deny(f, status, "decision-missing: it takes two people, and this is one twice");
	*status = EXIT_DENIED;
	if (!taken_add(t, &d, f->limits.max_age, f->answer))
		return false;
	memcpy(f->digest, d.digest, sizeof f->digest);
	memcpy(f->subject, p->name[p->count - 1], NAME_ROOM);
	f->al = d.al;
	return true;
}

static void
list_people(struct order_file *f, const struct people *p)
{
	struct json_write w = json_write_to(&f->people);

	json_write_open(&w, '[');
	for (unsigned i = 0; i < p->count; i++)
		json_write_text(&w, bytes_of(p->name[i]));
	json_write_close(&w, ']');
	verb_written(&w);
}

/* Before anything is done, the decisions are spent. */
static bool
take_all(struct order_file *f, struct keys *k, const struct order *o, unsigned needed, enum diag_exit *status)
{
	struct taken *t = taken_begin(k, f->settings->now, f->answer);
	struct people people = { .count = 0 };

	*status = EXIT_KEYS;
	if (t == NULL)
		return false;
	while (people.count < needed)
		if (!take_one(f, k, o, t, &people, status)) {
			taken_free(t);
			return false;
		}
	list_people(f, &people);
	*status = EXIT_IO;
	return taken_commit(t, f->answer);
}

bool
order_obeys(struct order_file *f, struct keys *k, const struct order *o, enum diag_exit *status)
{
	unsigned needed = o->people > 0 ? o->people : f->decisions != NULL || keys_self(k)->decided;

	if (f->settings->ask) {
		*status = EXIT_BAD_RECORD;
		if (write_request(&f->answer->out, f, k, o, f->settings->user, f->settings->now)) {
			buffer_add(&f->answer->out, "\n", 1);
			*status = EXIT_DONE;
		}
		return false;
	}
	*status = EXIT_DONE;
	if (needed == 0)
		return true;
	if (f->decisions == NULL)
		return deny(f, status,
		    needed > 1
			? "decision-missing: it takes the decisions of two people: --ask, --decision FILE"
			: "decision-missing: this directory wants one: --ask, --decision FILE");
	return take_all(f, k, o, needed, status);
}
