/* SPDX-License-Identifier: ISC */
#include "common/crypto/key_release.h"

#include "common/base/diag.h"
#include "common/base/memory.h"
#include "common/crypto/jwe_open.h"
#include "common/crypto/secret.h"

#include <stdlib.h>

enum { DEPTH = 16, LINE_MOST = 1 << 22 };

struct key_release_reader {
	struct sealed_line_reader *sealed;
	struct jwe_open *open;
	struct jws_reader *jws;
	struct buffer line;
	unsigned index; /* differs for each message: none shares a content key */
};

struct key_release_reader *
key_release_reader_new(void)
{
	struct key_release_reader *r = memory_zeros(1, sizeof *r);

	r->sealed = sealed_line_reader_new(DEPTH);
	r->open = jwe_open_new();
	r->jws = jws_reader_new();
	buffer_init(&r->line, LINE_MOST);
	return r;
}

void
key_release_reader_free(struct key_release_reader *r)
{
	if (r == NULL)
		return;
	sealed_line_reader_free(r->sealed);
	jwe_open_free(r->open);
	jws_reader_free(r->jws);
	buffer_release(&r->line);
	free(r);
}

static bool
fail(const char **why, const char *text)
{
	*why = text;
	return false;
}

static struct bytes
without_end(struct bytes line)
{
	while (line.size > 0 && (line.at[line.size - 1] == '\n' || line.at[line.size - 1] == '\r'))
		line.size--;
	return line;
}

bool
key_release_unseal(struct key_release_reader *r, struct bytes line, const struct key_release_to *to,
    const char *stage, struct bytes *token, const char **why)
{
	struct sealed_line s;

	line = without_end(line);
	r->line.used = 0;
	if (!buffer_append(&r->line, line.at, line.size) || !json_slack(&r->line))
		return fail(why, "too long");
	if (!sealed_line_read_message(r->sealed, buffer_bytes(&r->line), &s) || !bytes_are(s.stage, stage))
		return fail(why, bytes_are(bytes_of(stage), "release") ? "not a release message"
								       : "not a message of this kind");
	if (!bytes_are(s.tags.domain, to->domain))
		return fail(why, "of another domain");
	if (!bytes_are(s.tags.to, keyref_public(to->enc)->jkt))
		return fail(why, "sealed to another key");
	if (!jwe_open_by_private(
		r->open, &s, sealed_line_header_index(r->sealed), r->index++, to->enc, token))
		return fail(why, "does not authenticate");
	return true;
}

static bool
is_ours(const struct jws *jws, const struct key_release_to *to)
{
	uint32_t cnf = json_member(jws->claims, 0, (struct bytes)BYTES("cnf"));
	uint32_t jkt = cnf == 0 ? 0 : json_member(jws->claims, cnf, (struct bytes)BYTES("jkt"));

	return jkt != 0 && json_is(jws->claims, jkt, bytes_of(to->sig_jkt)) &&
	       bytes_are(jws->iss, to->domain);
}

bool
key_release_open_other(struct key_release_reader *r, struct bytes line, const struct key_release_to *to,
    struct key_release_kind kind, struct jws *out, const char **why)
{
	struct bytes token;

	if (!key_release_unseal(r, line, to, kind.stage, &token, why))
		return false;
	if (jws_verify(r->jws, to->authority, token, kind.typ, out) != JWS_GOOD)
		return fail(why, "not signed by the authority");
	return bytes_are(out->iss, to->domain) || fail(why, "of another domain");
}

bool
key_release_open(struct key_release_reader *r, struct bytes line, const struct key_release_to *to,
    struct key_release *out, const char **why)
{
	const struct key_release_kind release = { "release", "ehr-release+jwt" };

	*out = (struct key_release){ 0 };
	if (!key_release_open_other(r, line, to, release, &out->jws, why))
		return false;
	if (!is_ours(&out->jws, to))
		return fail(why, "for another device");
	out->keys = json_member(out->jws.claims, 0, (struct bytes)BYTES("keys"));
	if (!jws_number(&out->jws, "al", &out->al) || out->keys == 0 ||
	    json_kind(out->jws.claims, out->keys) != JSON_ARRAY)
		return fail(why, "incomplete");
	return true;
}
