/* SPDX-License-Identifier: ISC */
#include "cmd/keys/device.h"

#include "common/base/file.h"

#include <errno.h>

enum { TEXT_MOST = 1 << 28 };

static bool
fault(struct verb_answer *a, const char *text)
{
	(void)verb_fault(a, EXIT_KEYS, "%s", text);
	return false;
}

static bool
copy(const struct jws *jws, const char *claim, char *to, size_t room)
{
	struct bytes text = jws_text(jws, claim);

	if (text.size == 0 || text.size >= room)
		return false;
	memcpy(to, text.at, text.size);
	to[text.size] = '\0';
	return true;
}

static bool
copy_point(const struct jws *jws, const char *claim, struct point *p)
{
	uint32_t node = json_member(jws->claims, 0, bytes_of(claim));

	return node != 0 && point_read(p, jws->claims, node, POINT_BARE);
}

static bool
read_device(const struct jws *jws, struct device *d)
{
	*d = (struct device){ .exp = jws->exp };
	return copy(jws, "device", d->id, sizeof d->id) && copy(jws, "kind", d->kind, sizeof d->kind) &&
	       copy(jws, "env", d->env, sizeof d->env) && copy_point(jws, "sig", &d->sig) &&
	       copy_point(jws, "enc", &d->enc) && jws_number(jws, "al_cap", &d->al_cap);
}

static bool
each_line(const struct keys *k, struct bytes text, struct jws_reader *reader,
    void (*found)(void *context, const struct device *d), void *context)
{
	struct bytes line;
	struct device d;
	struct jws jws;

	while (bytes_line(&text, &line)) {
		if (line.size == 0)
			continue;
		if (jws_verify(reader, keys_authority(k), line, "ehr-device+jwt", &jws) != JWS_GOOD ||
		    !read_device(&jws, &d))
			return false;
		found(context, &d);
	}
	return true;
}

bool
device_each(const struct keys *k, void (*found)(void *context, const struct device *d), void *context,
    struct verb_answer *a)
{
	struct jws_reader *reader;
	struct buffer text;
	bool good = true;

	buffer_init(&text, TEXT_MOST);
	if (!file_read_private_at(keys_directory(k), "devices.jwts", &text)) {
		good = errno == ENOENT || fault(a, "devices.jwts: cannot be read, or is open to others");
	} else {
		reader = jws_reader_new();
		good = each_line(k, buffer_bytes(&text), reader, found, context) ||
		       fault(a, "devices.jwts: a line that the authority did not sign");
		jws_reader_free(reader);
	}
	buffer_release(&text);
	return good;
}

struct search {
	struct bytes name;
	struct device *device;
	bool found;
};

static void
compare(void *context, const struct device *d)
{
	struct search *s = context;

	if (!bytes_are(s->name, d->id) && !bytes_are(s->name, d->sig.jkt))
		return;
	*s->device = *d;
	s->found = true;
}

bool
device_find(const struct keys *k, struct bytes name, struct instant now, struct device *d,
    struct verb_answer *a, enum diag_exit *status)
{
	struct search s = { .name = name, .device = d };
	struct revoked r;
	bool revoked;

	*status = EXIT_KEYS;
	if (!device_each(k, compare, &s, a) || !device_revoked(k, &r, a))
		return false;
	revoked = s.found && revoked_has(&r, REVOKED_DEVICES, bytes_of(d->sig.jkt));
	revoked_free(&r);
	if (!s.found || (d->exp != 0 && d->exp <= now.seconds))
		*status = verb_fault(a, EXIT_DENIED, "device-unknown: not enrolled, or no longer");
	else if (revoked)
		*status = verb_fault(a, EXIT_DENIED, "device-revoked: it is on the revocation list");
	else
		*status = EXIT_DONE;
	return *status == EXIT_DONE;
}

bool
device_revoked(const struct keys *k, struct revoked *r, struct verb_answer *a)
{
	const struct keys_lists none = { 0 };
	struct keys_fault f;

	*r = (struct revoked){ 0 };
	return keys_revoked(k, &none, r, &f) == EXIT_DONE || fault(a, f.text);
}
