/* SPDX-License-Identifier: ISC */
#include "cmd/keys/proof.h"

#include "cmd/keys/message.h"
#include "cmd/keys/store.h"
#include "common/access/assertion.h"
#include "common/access/intern.h"
#include "common/base/base64url.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/crypto/key_release.h"
#include "common/crypto/secret.h"
#include "common/line/tags.h"
#include "common/policy/site.h"

#include <stdlib.h>

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

/* nonces.log.  Of two lines of one nonce the later counts, and what one of them has spent is spent. */
struct challenges {
	struct challenge *at; /* by the number of the nonce, from 1 */
	struct intern nonces;
	struct arena arena;
};

static void
add_challenge(struct challenges *all, const struct challenge *c)
{
	uint32_t before = all->nonces.count, number = intern_add(&all->nonces, bytes_of(c->nonce));
	bool spent = number <= before && all->at[number - 1].spent;

	all->at = memory_grow(all->at, all->nonces.count, sizeof *all->at);
	all->at[number - 1] = *c;
	all->at[number - 1].spent = c->spent || spent;
}

static bool
take_challenge(void *context, const struct json *j)
{
	struct challenge c;

	if (!get_challenge(j, &c))
		return false;
	add_challenge(context, &c);
	return true;
}

/* False with a fault (EXIT_KEYS). */
static bool
read_challenges(struct challenges *all, const struct keys *k, struct verb_answer *a)
{
	struct buffer text;
	size_t unfinished;
	bool good;

	*all = (struct challenges){ .at = NULL };
	intern_init(&all->nonces, &all->arena);
	buffer_init(&text, TEXT_MOST);
	good = store_whole(keys_directory(k), "nonces.log", &text, a);
	unfinished = good ? store_unfinished(buffer_bytes(&text)) : 0;
	text.used -= unfinished;
	if (unfinished > 0) /* a challenge that is not there is answered by nobody */
		verb_note(a, "nonces.log: the last line is unfinished and does not count");
	good =
	    good && store_each(buffer_bytes(&text), "nonces.log", "not a challenge", take_challenge, all, a);
	buffer_release(&text);
	return good;
}

static void
end_challenges(struct challenges *all)
{
	intern_release(&all->nonces);
	arena_release(&all->arena);
	free(all->at);
}

/* Replaces nonces.log by what has not ended.  False with a fault (EXIT_IO). */
static bool
write_challenges(
    const struct challenges *all, const struct keys *k, struct instant now, struct verb_answer *a)
{
	struct buffer kept;
	bool good;

	buffer_init(&kept, TEXT_MOST);
	for (uint32_t i = 0; i < all->nonces.count; i++)
		if (all->at[i].end > (uint64_t)now.seconds)
			put_challenge(&kept, &all->at[i]);
	good = file_replace_at(keys_directory(k), "nonces.log", buffer_bytes(&kept), 0600) ||
	       verb_io_fault(a, "nonces.log");
	buffer_release(&kept);
	return good;
}

struct proof_reader {
	const struct keys *keys;
	const struct verb_settings *settings;
	struct verb_answer *answer;
	struct key_release_reader *sealed;
	struct key_release_to to;
	struct jws_reader *jws;
	struct signers *signers; /* the devices, each for its id */
	struct devices devices;
	struct challenges challenges;
	struct signers *issuers; /* NULL: not read yet */
	int64_t longest;         /* seconds from a token's iat to its exp */
};

struct proof_reader *
proof_reader_new(struct keys *k, int64_t longest, const struct verb_settings *s, struct verb_answer *a,
    enum diag_exit *status)
{
	struct proof_reader *r = memory_zeros(1, sizeof *r);

	r->keys = k;
	r->longest = longest;
	r->settings = s;
	r->answer = a;
	r->sealed = key_release_reader_new();
	r->to = (struct key_release_to){ .enc = keys_private(k), .domain = keys_domain(k) };
	r->jws = jws_reader_new();
	r->signers = device_signers(k, s, a, status);
	if (r->signers != NULL) {
		*status = EXIT_KEYS;
		if (devices_read(&r->devices, k, s, a) && read_challenges(&r->challenges, k, a))
			return r;
	}
	proof_reader_free(r);
	return NULL;
}

void
proof_reader_free(struct proof_reader *r)
{
	if (r == NULL)
		return;
	key_release_reader_free(r->sealed);
	jws_reader_free(r->jws);
	signers_free(r->signers);
	signers_free(r->issuers);
	devices_end(&r->devices);
	end_challenges(&r->challenges);
	free(r);
}

/* The challenge with this nonce, or NULL. */
static struct challenge *
find_challenge(const struct proof_reader *r, const char *nonce)
{
	uint32_t number = intern_find(&r->challenges.nonces, bytes_of(nonce));

	return number == 0 ? NULL : &r->challenges.at[number - 1];
}

static bool
check_challenge(const struct proof_reader *r, const struct proof *p, enum diag_exit *status)
{
	const struct challenge *c = find_challenge(r, p->nonce);

	if (c == NULL)
		return deny(
		    r->answer, status, "nonce-unknown: no such challenge was given, or it ended long ago");
	if (c->spent)
		return deny(
		    r->answer, status, "nonce-spent: the challenge was answered before; ask for another one");
	if (c->end <= (uint64_t)r->settings->now.seconds)
		return deny(r->answer, status, "challenge-expired: ask for another one");
	if (strcmp(c->device, "*") != 0 && strcmp(c->device, p->device.id) != 0)
		return deny(r->answer, status, "nonce-unknown: the challenge was given to another device");
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
check_user(const struct proof_reader *r, struct proof *p, const struct jws *jws)
{
	const char *domain = keys_domain(r->keys);
	uint32_t cnf = json_member(jws->claims, 0, (struct bytes)BYTES("cnf"));
	uint32_t jkt = cnf == 0 ? 0 : json_member(jws->claims, cnf, (struct bytes)BYTES("jkt"));
	uint32_t nonce = json_member(jws->claims, 0, (struct bytes)BYTES("nonce"));

	if (jws->exp == 0 || !jws_in_time(jws, r->settings->now))
		return "user-invalid: the user's token has ended, or has not begun";
	if (!jws_lives_within(jws, r->longest))
		return "user-invalid: the user's token ends later after its iat than assertions.longest of "
		       "the policy allows; -P DIR names the policy";
	if (!names(jws, "aud", domain))
		return "user-invalid: the user's token is for another domain";
	if (!bytes_are(jws->iss, domain))
		return "user-invalid: the user's token is of another domain";
	if (!tag_is_word(jws_text(jws, "sub")) ||
	    !bytes_string(jws_text(jws, "sub"), p->user, sizeof p->user))
		return "user-invalid: the user's token names nobody";
	if (jkt == 0 || !json_is(jws->claims, jkt, bytes_of(p->device.sig.jkt)))
		return "user-not-bound: the user's token is bound to another device, or none";
	if (nonce != 0 && !json_is(jws->claims, nonce, bytes_of(p->nonce)))
		return "user-not-bound: the user's token answers another challenge";
	if (revoked_has(&r->devices.revoked, REVOKED_PARTIES, bytes_of(p->user)))
		return "party-revoked: this person is on the revocation list";
	return NULL;
}

/* Those whose word on users counts.  False with a fault and its status. */
static bool
read_issuers(struct proof_reader *r, enum diag_exit *status)
{
	struct arena arena = { 0 };
	const char *path =
	    site_path_if_there(&arena, r->settings->site, SITE_ASSERTIONS, r->settings->assertions);
	struct buffer set;

	if (r->issuers != NULL)
		return true;
	buffer_init(&set, 1 << 20);
	*status = EXIT_IO;
	if (path == NULL)
		*status =
		    verb_fault(r->answer, EXIT_USAGE, "whose word on the user? expected --assertions JWKS");
	else if (store_read(path, &set, r->answer)) {
		r->issuers = signers_read(buffer_bytes(&set));
		if (r->issuers == NULL || !signers_have_domains(r->issuers)) {
			*status = verb_fault(
			    r->answer, EXIT_KEYS, "%s: not a set of keys, each with its domain", path);
			signers_free(r->issuers);
			r->issuers = NULL;
		}
	}
	arena_release(&arena);
	buffer_release(&set);
	return r->issuers != NULL;
}

static bool
read_user(struct proof_reader *r, struct proof *p, enum diag_exit *status)
{
	const char *why;
	struct jws jws;

	if (!read_issuers(r, status))
		return false;
	if (jws_verify(r->jws, r->issuers, buffer_bytes(&p->token), ASSERTION_TYPE, &jws) != JWS_GOOD)
		why = "user-invalid: the user's token is not signed by an issuer that counts here";
	else
		why = check_user(r, p, &jws);
	return why == NULL || deny(r->answer, status, why);
}

static bool
read_claims(const struct proof_reader *r, struct proof *p, const struct jws *jws)
{
	struct bytes token = jws_text(jws, "user");
	bool named = json_member(jws->claims, 0, (struct bytes)BYTES("user")) != 0;

	if (!bytes_are(jws_text(jws, "aud"), keys_domain(r->keys)) || jws->exp == 0 ||
	    !jws_in_time(jws, r->settings->now) || !bytes_equal(jws_text(jws, "device"), jws->iss) ||
	    jws_text(jws, "jti").size == 0 || jws_text(jws, "nonce").size != PROOF_NONCE ||
	    !bytes_string(jws_text(jws, "nonce"), p->nonce, sizeof p->nonce) || named != (token.size > 0))
		return false;
	buffer_add(&p->token, token.at, token.size);
	return true;
}

/* A proof comes sealed to the authority's key, or only signed, as a device without prove may make it. */
static bool
unseal(struct proof_reader *r, struct bytes text, struct bytes *token, enum diag_exit *status)
{
	const char *why, *stage = message_stage(MESSAGE_PROOF);

	while (text.size > 0 && (text.at[text.size - 1] == '\n' || text.at[text.size - 1] == '\r'))
		text.size--;
	*token = text;
	if (text.size > 0 && text.at[0] != '{')
		return true;
	return key_release_unseal(r->sealed, text, &r->to, stage, token, &why) ||
	       deny(r->answer, status, "proof-invalid: not a proof that is sealed to this authority");
}

/* The proof verifies under the signing key of a device that is enrolled. */
static bool
read_device(struct proof_reader *r, struct proof *p, struct bytes text, enum diag_exit *status)
{
	enum jws_fault fault;
	struct bytes token;
	struct jws jws;

	if (!unseal(r, text, &token, status))
		return false;
	fault = jws_verify(r->jws, r->signers, token, message_type(MESSAGE_PROOF), &jws);
	if (fault == JWS_SIGNER)
		return deny(r->answer, status, "device-unknown: not enrolled, or no longer");
	if (fault != JWS_GOOD || !read_claims(r, p, &jws))
		return deny(r->answer, status, "proof-invalid: not a proof for this domain and of now");
	return devices_find(&r->devices, bytes_of(jws.kid), &p->device, r->answer, status) &&
	       (p->token.used > 0 || device_seals(p->device.kind) ||
		   deny(r->answer, status, "proof-invalid: it names no user"));
}

bool
proof_read(struct proof_reader *r, struct proof *p, struct bytes text, enum diag_exit *status)
{
	*p = (struct proof){ .user = "" };
	buffer_init(&p->token, 1 << 16);
	return read_device(r, p, text, status) && check_challenge(r, p, status) &&
	       (p->token.used == 0 || read_user(r, p, status));
}

void
proof_spend(struct proof_reader *r, const struct proof *p)
{
	find_challenge(r, p->nonce)->spent = true;
}

bool
proof_commit(const struct proof_reader *r)
{
	return write_challenges(&r->challenges, r->keys, r->settings->now, r->answer);
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
	json_write_name(&m.claims, "seal_to");
	point_write(&m.claims, keyref_public(keys_private(k)));
	message_sign(&m, &a->out, keys_signing(k), "ehr-challenge+jwt", false);
	message_end(&m);
}

/* The challenge is on disk before it is printed. */
static enum diag_exit
challenge(struct keys *k, const char *device, const struct verb_settings *s, struct verb_answer *a)
{
	unsigned char random[NONCE_BYTES];
	struct challenge c = { .spent = false };
	struct challenges all;
	enum diag_exit status = EXIT_KEYS;

	public_random(random, sizeof random);
	(void)base64url_encode(c.nonce, (struct bytes){ (const char *)random, sizeof random });
	(void)bytes_string(bytes_of(device), c.device, sizeof c.device);
	c.end = (uint64_t)(s->now.seconds + (s->ttl > 0 ? s->ttl : TTL));
	if (read_challenges(&all, k, a)) {
		add_challenge(&all, &c);
		status = write_challenges(&all, k, s->now, a) ? EXIT_DONE : EXIT_IO;
	}
	if (status == EXIT_DONE)
		say_challenge(k, &c, s, a);
	end_challenges(&all);
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
