/* SPDX-License-Identifier: ISC */
/* list: what is here, one JSON object a line, and never the bytes of a key. */
#include "cmd/keys/device.h"
#include "cmd/keys/store.h"
#include "common/crypto/write.h"

#include <inttypes.h>

static void
must(bool fits)
{
	if (!fits)
		diag_bug("a list longer than it can be");
}

static void
list_levels(const struct keys *k, struct buffer *out)
{
	size_t count;
	const struct level_key *const *level = keys_levels(k, &count);

	for (size_t i = 0; i < count; i++) {
		const struct level_key *key = level[i];
		const char *state = keys_epoch(k) == 0 || key->epoch == keys_epoch(k) ? "current" : "retired";

		must(write_text(out, "{\"kid\":\"") && write_text(out, key->kid) && write_text(out, "\"") &&
		     write_member(out, "rl", bytes_of(key->rl)) && write_member_number(out, "al", key->al) &&
		     write_member_number(out, "epoch", key->epoch) &&
		     write_member(out, "state", bytes_of(state)) &&
		     (key->nbf == 0 || write_member_number(out, "nbf", key->nbf)) &&
		     (key->exp == 0 || write_member_number(out, "exp", key->exp)) && write_text(out, "}\n"));
	}
}

static void
put_public(struct buffer *out, const char *name, const struct point *p)
{
	must(write_text(out, ",\"") && write_text(out, name) && write_text(out, "\":{\"jkt\":\"") &&
	     write_text(out, p->jkt) && write_text(out, "\",\"jwk\":") && write_point(out, p) &&
	     write_text(out, "}"));
}

static void
list_self(struct keys *k, struct buffer *out)
{
	const struct keys_self *self = keys_self(k);

	must(write_text(out, "{\"id\":\"") && write_text(out, self->id) && write_text(out, "\"") &&
	     write_member(out, "kind", bytes_of(self->kind)) &&
	     write_member(out, "domain", bytes_of(self->domain)) &&
	     write_member(out, "env", bytes_of(self->env)));
	put_public(out, "sig", keyref_public(keys_signing(k)));
	put_public(out, "enc", keyref_public(keys_private(k)));
	must(write_text(out, "}\n"));
}

struct devices {
	struct buffer *out;
	const struct revoked *revoked;
};

static void
list_device(void *context, const struct device *d)
{
	struct devices *all = context;
	struct buffer *out = all->out;

	must(write_text(out, "{\"device\":\"") && write_text(out, d->id) && write_text(out, "\"") &&
	     write_member(out, "kind", bytes_of(d->kind)) && write_member(out, "env", bytes_of(d->env)) &&
	     write_member_number(out, "al_cap", (int64_t)d->al_cap) &&
	     write_member_number(out, "exp", d->exp) && write_member(out, "sig", bytes_of(d->sig.jkt)) &&
	     write_member(out, "enc", bytes_of(d->enc.jkt)));
	if (revoked_has(all->revoked, REVOKED_DEVICES, bytes_of(d->sig.jkt)))
		must(write_text(out, ",\"revoked\":true"));
	must(write_text(out, "}\n"));
}

static enum diag_exit
list_devices(const struct keys *k, struct answer *a)
{
	struct revoked r;
	struct devices all = { &a->out, &r };
	bool good;

	if (!revoked_read(k, &r, a))
		return EXIT_KEYS;
	good = device_each(k, list_device, &all, a);
	revoked_free(&r);
	return good ? EXIT_DONE : EXIT_KEYS;
}

enum diag_exit
verb_list(const struct settings *s, struct answer *a)
{
	enum diag_exit status = EXIT_DONE;
	struct keys *k;

	if (s->self && s->devices)
		return answer_fault(a, EXIT_USAGE, "--self or --devices, not both");
	k = store_open(s, s->self ? KEYS_SIGN : s->devices ? 0 : KEYS_LEVELS, a, &status);
	if (k == NULL)
		return status;
	status = EXIT_DONE;
	if (s->self)
		list_self(k, &a->out);
	else if (s->devices)
		status = list_devices(k, a);
	else
		list_levels(k, &a->out);
	keys_close(k);
	return status;
}
