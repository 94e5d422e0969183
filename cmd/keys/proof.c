/* SPDX-License-Identifier: ISC */
#include "cmd/keys/proof.h"

#include "cmd/keys/message.h"
#include "cmd/keys/store.h"
#include "common/access/assertion.h"
#include "common/base/base64url.h"
#include "common/base/file.h"
#include "common/crypto/secret.h"
#include "common/line/tags.h"
#include "common/policy/site.h"

enum { TEXT_MOST = 1 << 26, NONCE_BYTES = 32, TTL = 300, LONGEST = 72 * 3600 };

static bool
deny(struct verb_answer *a, enum diag_exit *status, const char *why)
{
	*status = verb_fault(a, EXIT_DENIED, "%s", why);
	return false;
}

/* A challenge as nonces.log has it: {"nonce":..,"device":..,"end":..,"spent":..}; device: "*" or an id */
struct challenge {
	char nonce[PROOF_NONCE + 1];
	char device[KEYS_ID_SIZE + 1];
	uint64_t end;
	bool spent;
};

static void
put_challenge(struct buffer *out, const struct challenge *c)
{
	struct json_write w = verb_line_begin(out);

	json_write_member(&w, "nonce", bytes_of(c->nonce));
	json_write_member(&w, "device", bytes_of(c->device));
	json_write_member_number(&w, "end", (int64_t)c->end);
	json_write_member_value(
	    &w, "spent", c->spent ? (struct bytes)BYTES("true") : (struct bytes)BYTES("false"));
	verb_line_end(&w);
}

static bool
copy_text(const struct json *j, const char *name, char *to, size_t room)
{
	uint32_t at = json_member(j, 0, bytes_of(name));

	return at != 0 && json_kind(j, at) == JSON_STRING && bytes_string(json_inside(j, at), to, room);
}

static bool
get_challenge(const struct json *j, struct challenge *c)
{
	uint32_t end = json_member(j, 0, (struct bytes)BYTES("end")),
		 spent = json_member(j, 0, (struct bytes)BYTES("spent"));

	*c = (struct challenge){ .spent = spent == 0 || json_kind(j, spent) != JSON_FALSE };
	return end != 0 && json_integer(j, end, &c->end) &&
	       copy_text(j, "nonce", c->nonce, sizeof c->nonce) &&
	       copy_text(j, "device", c->device, sizeof c->device);
}

struct walk {
	const struct keys *keys;
	struct instant now;
	const char *nonce;       /* which challenge is looked for; "": none */
	bool spend;              /* it is spent from now on */
	struct buffer *kept;     /* what has not ended; NULL: not kept */
	struct challenge *found; /* an empty nonce: not found */
	struct verb_answer *answer;
};

static bool
walk_line(void *context, const struct json *j)
{
	const struct walk *w = context;
	struct challenge c;

	if (!get_challenge(j, &c))
		return false;
	if (strcmp(c.nonce, w->nonce) == 0) {
		*w->found = c;
		c.spent = c.spent || w->spend;
	}
	if (w->kept != NULL && c.end > (uint64_t)w->now.seconds)
		put_challenge(w->kept, &c);
	return true;
}

/* Goes through nonces.log.  False with a fault (EXIT_KEYS). */
static bool
walk(struct walk *w)
{
	struct buffer text;
	bool good;

	buffer_init(&text, TEXT_MOST);
	good = store_whole(keys_directory(w->keys), "nonces.log", &text, w->answer) &&
	       store_each(buffer_bytes(&text), "nonces.log", "not a challenge", walk_line, w, w->answer);
	buffer_release(&text);
	return good;
}

static bool
check_challenge(const struct proof *p, const struct keys *k, const struct verb_settings *s,
    struct verb_answer *a, enum diag_exit *status)
{
	struct challenge found = { .nonce = "" };
	struct walk w = { k, s->now, p->nonce, false, NULL, &found, a };

	*status = EXIT_KEYS;
	if (!walk(&w))
		return false;
	if (found.nonce[0] == '\0')
		return deny(a, status, "nonce-unknown: no such challenge was given, or it ended long ago");
	if (found.spent)
		return deny(a, status, "nonce-spent: the challenge was answered before; ask for another one");
	if (found.end <= (uint64_t)s->now.seconds)
		return deny(a, status, "challenge-expired: ask for another one");
	if (strcmp(found.device, "*") != 0 && strcmp(found.device, p->device.id) != 0)
		return deny(a, status, "nonce-unknown: the challenge was given to another device");
	return true;
}

/* The claim NAME is TEXT, or a list that has it (RFC 7519 4.1.3). */
static bool
names(const struct jws *jws, const char *name, const char *text)
{
	const struct json *j = jws->claims;
	uint32_t at = json_member(j, 0, bytes_of(name));

	if (at == 0 || json_kind(j, at) != JSON_ARRAY)
		return at != 0 && json_is(j, at, bytes_of(text));
	for (uint32_t n = at + 1; n < j->nodes[at].next; n = j->nodes[n].next)
		if (json_is(j, n, bytes_of(text)))
			return true;
	return false;
}

/* The token counts together with the key that signed the proof, and no other (RFC 7800). */
static const char *
check_user(struct proof *p, const struct jws *jws, const struct keys *k, const struct verb_settings *s)
{
	uint32_t cnf = json_member(jws->claims, 0, (struct bytes)BYTES("cnf"));
	uint32_t jkt = cnf == 0 ? 0 : json_member(jws->claims, cnf, (struct bytes)BYTES("jkt"));
	uint32_t nonce = json_member(jws->claims, 0, (struct bytes)BYTES("nonce"));

	if (jws->exp == 0 || !jws_in_time(jws, s->now))
		return "user-invalid: the user's token has ended, or has not begun";
	if (!names(jws, "aud", keys_domain(k)))
		return "user-invalid: the user's token is for another domain";
	if (!bytes_are(jws->iss, keys_domain(k)))
		return "user-invalid: the user's token is of another domain";
	if (!tag_is_word(jws_text(jws, "sub")) ||
	    !bytes_string(jws_text(jws, "sub"), p->user, sizeof p->user))
		return "user-invalid: the user's token names nobody";
	if (jkt == 0 || !json_is(jws->claims, jkt, bytes_of(p->device.sig.jkt)))
		return "user-not-bound: the user's token is bound to another device, or none";
	if (nonce != 0 && !json_is(jws->claims, nonce, bytes_of(p->nonce)))
		return "user-not-bound: the user's token answers another challenge";
	return NULL;
}

static bool
read_user(struct proof *p, const struct keys *k, const struct verb_settings *s, struct verb_answer *a,
    enum diag_exit *status)
{
	struct jws_reader *reader = jws_reader_new();
	struct signers *issuers = NULL;
	struct arena arena = { 0 };
	const char *path = site_path_if_there(&arena, s->site, SITE_ASSERTIONS, s->assertions), *why = NULL;
	struct buffer set;
	struct jws jws;

	buffer_init(&set, 1 << 20);
	*status = EXIT_IO;
	if (path == NULL)
		*status = verb_fault(a, EXIT_USAGE, "whose word on the user? expected --assertions JWKS");
	else if (store_read(path, &set, a)) {
		issuers = signers_read(buffer_bytes(&set));
		if (issuers == NULL || !signers_have_domains(issuers))
			*status =
			    verb_fault(a, EXIT_KEYS, "%s: not a set of keys, each with its domain", path);
		else if (jws_verify(reader, issuers, buffer_bytes(&p->token), ASSERTION_TYPE, &jws) !=
			 JWS_GOOD)
			why = "user-invalid: the user's token is not signed by an issuer that counts here";
		else
			why = check_user(p, &jws, k, s);
		if (why != NULL)
			(void)deny(a, status, why);
		else if (p->user[0] != '\0')
			*status = EXIT_DONE;
	}
	signers_free(issuers);
	arena_release(&arena);
	buffer_release(&set);
	jws_reader_free(reader);
	return *status == EXIT_DONE;
}

static bool
read_claims(struct proof *p, const struct jws *jws, const struct keys *k, const struct verb_settings *s)
{
	struct bytes token = jws_text(jws, "user");
	bool named = json_member(jws->claims, 0, (struct bytes)BYTES("user")) != 0;

	if (!bytes_are(jws_text(jws, "aud"), keys_domain(k)) || jws->exp == 0 || !jws_in_time(jws, s->now) ||
	    !bytes_equal(jws_text(jws, "device"), jws->iss) || jws_text(jws, "jti").size == 0 ||
	    jws_text(jws, "nonce").size != PROOF_NONCE ||
	    !bytes_string(jws_text(jws, "nonce"), p->nonce, sizeof p->nonce) || named != (token.size > 0))
		return false;
	buffer_add(&p->token, token.at, token.size);
	return true;
}

/* The proof verifies under the signing key of a device that is enrolled. */
static bool
read_proof(struct proof *p, const struct keys *k, const struct verb_settings *s, struct bytes text,
    struct verb_answer *a, enum diag_exit *status)
{
	struct jws_reader *reader = jws_reader_new();
	struct signers *devices = device_signers(k, s, a, status);
	enum jws_fault fault = JWS_SIGNER;
	struct jws jws;
	bool good = false;

	if (devices != NULL) {
		fault = jws_verify(reader, devices, text, "ehr-proof+jwt", &jws);
		if (fault == JWS_SIGNER)
			(void)deny(a, status, "device-unknown: not enrolled, or no longer");
		else if (fault != JWS_GOOD || !read_claims(p, &jws, k, s))
			(void)deny(a, status, "proof-invalid: not a proof for this domain and of now");
		else
			good = device_find(k, bytes_of(jws.kid), s, &p->device, a, status) &&
			       (p->token.used > 0 || device_seals(p->device.kind) ||
				   deny(a, status, "proof-invalid: it names no user"));
	}
	signers_free(devices);
	jws_reader_free(reader);
	return good;
}

bool
proof_read(struct proof *p, const struct keys *k, const struct verb_settings *s, struct bytes text,
    struct verb_answer *a, enum diag_exit *status)
{
	*p = (struct proof){ .user = "" };
	buffer_init(&p->token, 1 << 16);
	while (text.size > 0 && (text.at[text.size - 1] == '\n' || text.at[text.size - 1] == '\r'))
		text.size--;
	if (!read_proof(p, k, s, text, a, status) || !check_challenge(p, k, s, a, status))
		return false;
	return p->token.used == 0 ||
	       (read_user(p, k, s, a, status) && device_party_counts(k, s, bytes_of(p->user), a, status));
}

/* Replaces nonces.log by what has not ended, and ADDED. */
static bool
rewrite(struct walk *w, const struct challenge *added, struct verb_answer *a, enum diag_exit *status)
{
	bool good = walk(w);

	*status = EXIT_KEYS;
	if (!good)
		return false;
	if (added != NULL)
		put_challenge(w->kept, added);
	*status = EXIT_IO;
	return file_replace_at(keys_directory(w->keys), "nonces.log", buffer_bytes(w->kept), 0600) ||
	       verb_io_fault(a, "nonces.log");
}

bool
proof_spend(const struct proof *p, const struct keys *k, const struct verb_settings *s, struct verb_answer *a,
    enum diag_exit *status)
{
	struct challenge found = { .nonce = "" };
	struct buffer kept;
	struct walk w = { k, s->now, p->nonce, true, &kept, &found, a };
	bool good;

	buffer_init(&kept, TEXT_MOST);
	good = rewrite(&w, NULL, a, status);
	buffer_release(&kept);
	return good;
}

static void
say_challenge(struct keys *k, const struct challenge *c, const struct verb_settings *s, struct verb_answer *a)
{
	struct message m;

	message_begin(&m, keys_domain(k), s->now);
	json_write_member(&m.claims, "aud", bytes_of(c->device));
	json_write_member(&m.claims, "nonce", bytes_of(c->nonce));
	json_write_member(&m.claims, "purpose", (struct bytes)BYTES("release-keys"));
	json_write_member_number(&m.claims, "exp", (int64_t)c->end);
	message_sign(&m, &a->out, keys_signing(k), "ehr-challenge+jwt", false);
	message_end(&m);
}

/* The challenge is on disk before it is printed. */
static enum diag_exit
challenge(struct keys *k, const char *device, const struct verb_settings *s, struct verb_answer *a)
{
	unsigned char random[NONCE_BYTES];
	struct challenge c = { .spent = false }, found = { .nonce = "" };
	struct buffer kept;
	struct walk w = { k, s->now, "", false, &kept, &found, a };
	enum diag_exit status;

	public_random(random, sizeof random);
	(void)base64url_encode(c.nonce, (struct bytes){ (const char *)random, sizeof random });
	(void)bytes_string(bytes_of(device), c.device, sizeof c.device);
	c.end = (uint64_t)(s->now.seconds + (s->ttl > 0 ? s->ttl : TTL));
	buffer_init(&kept, TEXT_MOST);
	if (rewrite(&w, &c, a, &status)) {
		say_challenge(k, &c, s, a);
		status = EXIT_DONE;
	}
	buffer_release(&kept);
	return status;
}

enum diag_exit
verb_challenge(const struct verb_settings *s, struct verb_answer *a)
{
	struct device d = { .id = "*" };
	enum diag_exit status;
	struct keys *k;

	if (s->device.count > 1 || s->ttl > LONGEST)
		return verb_fault(a, EXIT_USAGE, "at most one --device ID, and a --ttl of at most 72h");
	k = store_open(s, 0, STORE_AUTHORITY | STORE_LOCK, a, &status);
	if (k == NULL)
		return status;
	if (s->device.count == 0 || device_find(k, bytes_of(s->device.item[0]), s, &d, a, &status))
		status = challenge(k, d.id, s, a);
	keys_close(k);
	return status;
}
