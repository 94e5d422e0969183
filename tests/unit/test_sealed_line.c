/* SPDX-License-Identifier: ISC */
#include "common/base/base64url.h"
#include "common/base/file.h"
#include "common/line/sealed_line.h"
#include "tests/lib/tap.h"

#include <stdlib.h>

#define ID "\"id\":\"r_BvlmSzyvP1M027IoIBZy4A\""
#define SUBJECT "\"subject\":\"s_Mf7mNuZAzrF87d0zrxizog\""
#define BATCH "\"batch\":\"b_iuaay2PAnboKK3LizsigSg\""
#define POLICY "\"policy\":\"sha256:a82c6814cba6a785b51929375d3aa03dedba3030898ad6568600bb266d9f6a08\""
#define LEVEL                                                                                                \
	"\"rl\":\"N\",\"al\":3,\"n\":2,\"of\":4,\"criticality\":\"low\",\"domain\":\"example\",\"epoch\":37"
#define EHR "{\"v\":1,\"stage\":\"sealed\"," ID "," SUBJECT "," LEVEL "," BATCH ",\"seq\":1," POLICY "}"
#define EHR_2 "{\"v\":2,\"stage\":\"sealed\"," ID "," SUBJECT "," LEVEL "," BATCH ",\"seq\":1," POLICY "}"
#define HEAD "\"alg\":\"A256KW\",\"enc\":\"A256GCM\",\"typ\":\"ehr-sealed\",\"cty\":\"json\""
#define KID "\"kid\":\"example/N/37/3KcmZ5gY\""
#define JKT "NB9pmL933d6K6aystdGbZ5MJykVqFCyDNwIeqWy2d-0"
#define TO_EHR "{\"v\":1,\"stage\":\"sealed\",\"domain\":\"example\",\"to\":\"" JKT "\"," BATCH ",\"seq\":0}"
#define TO_EHR_2                                                                                             \
	"{\"v\":2,\"stage\":\"sealed\",\"domain\":\"example\",\"to\":\"" JKT "\"," BATCH ",\"seq\":0}"
#define TO_HEAD                                                                                              \
	"\"alg\":\"ECDH-ES+A256KW\",\"enc\":\"A256GCM\",\"typ\":\"ehr-sealed\",\"cty\":\"json\",\"kid\":"    \
	"\"" JKT "\""
#define EPK "\"epk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"eA\",\"y\":\"eQ\"}"
#define APU "\"apu\":\"ZXhhbXBsZQ\""
#define APV "\"apv\":\"TkI5cG1MOTMzZDZLNmF5c3RkR2JaNU1KeWtWcUZDeUROd0llcVd5MmQtMA\""
#define KEY "XBDNFHF15MsppfMR1jEjk9y7Osns8Hm37Ka2WrjXJKWicfwS0v1JcA"
#define IV "IDVbGF0upembagQA"
#define TEXT "mMGxmzPvl"
#define TAG "I59uJ-5FuitkRTGo65dQKw"
#define PARTS                                                                                                \
	",\"encrypted_key\":\"" KEY "\",\"iv\":\"" IV "\",\"ciphertext\":\"" TEXT "Q\",\"tag\":\"" TAG "\"}"

static struct sealed_line_reader *reader;
static struct sealed_line s;

/* A line of these tags, this header, in version 1 with ehr as its last member, else NULL, and these parts. */
static struct bytes
line_of(const char *ehr, const char *header, const char *header_ehr, const char *parts)
{
	static char text[8192 + JSON_SLACK], raw[4096];
	int size = snprintf(raw, sizeof raw, "{%s%s%s}", header,
	    header_ehr == NULL ? "" : ",\"ehr\":", header_ehr == NULL ? "" : header_ehr);
	char *at = text + sprintf(text, "{\"ehr\":%s,\"protected\":\"", ehr);

	at += base64url_encode(at, (struct bytes){ raw, (size_t)size });
	at += sprintf(at, "\"%s", parts);
	return (struct bytes){ text, (size_t)(at - text) };
}

static enum reason
reason_of(struct bytes line, bool tags_only)
{
	return sealed_line_read(reader, line, tags_only, &s) ? REASON_NONE : s.reason;
}

static enum reason
reason_of_text(const char *line)
{
	static char text[256 + JSON_SLACK];

	return reason_of((struct bytes){ text, (size_t)snprintf(text, 256, "%s", line) }, false);
}

static bool
gives(enum reason want, const char *ehr, const char *header, const char *header_ehr, const char *parts)
{
	enum reason got = reason_of(line_of(ehr, header, header_ehr, parts), false);

	if (got != want)
		printf("# %s, not %s\n", got == 0 ? "accepted" : reason_code(got),
		    want == 0 ? "accepted" : reason_code(want));
	return got == want;
}

#define level(want, ehr, header) check(gives(REASON_##want, (ehr), (header), (ehr), PARTS))
#define parts(want, text) check(gives(REASON_##want, EHR, HEAD "," KID, EHR, text))
#define to(want, ehr, header) check(gives(REASON_##want, (ehr), (header), (ehr), PARTS))

static struct bytes
file(const char *name)
{
	static struct buffer text;
	char path[512];

	buffer_release(&text);
	buffer_init(&text, 1 << 20);
	(void)snprintf(path, sizeof path, "%s/testdata/sealed/v1/%s",
	    getenv("EHR_ROOT") == NULL ? "." : getenv("EHR_ROOT"), name);
	if (!file_read(path, &text) || !buffer_reserve(&text, JSON_SLACK))
		return (struct bytes){ "", 0 };
	return (struct bytes){ text.at, text.used - 1 };
}

static void
check_examples(void)
{
	struct bytes line = file("level.ndjson");

	check(sealed_line_read(reader, line, false, &s));
	check(s.tags.epoch == 37 && s.tags.al == 3 && s.tags.n == 2 && s.tags.of == 4 && s.tags.seq == 1);
	check(bytes_are(s.kid, "example/N/37/3KcmZ5gY") && bytes_are(s.iv, IV) && bytes_are(s.tag, TAG));
	check(
	    bytes_are(s.tags.id, "r_BvlmSzyvP1M027IoIBZy4A") && !s.to_recipient && s.ciphertext.size == 271);
	line = file("recipient.ndjson");
	check(sealed_line_read(reader, line, false, &s));
	check(s.to_recipient && s.epk > 0 && bytes_are(s.tags.to, JKT) && bytes_are(s.apu, "ZXhhbXBsZQ"));
	check(json_kind(sealed_line_header_index(reader), s.epk) == JSON_OBJECT);
}

/* Blanks and another order of the members: the general way, and the same answer. */
static void
check_any_form(void)
{
	static char text[4096 + JSON_SLACK];
	struct bytes line = line_of(EHR, HEAD "," KID, EHR, PARTS);
	int size = snprintf(
	    text, sizeof text, " { \"tag\":\"" TAG "\",%.*s } ", (int)(line.size - 2 - 31), line.at + 1);

	check(reason_of(line, false) == REASON_NONE);
	check(reason_of((struct bytes){ text, (size_t)size }, false) == REASON_NONE);
	check(bytes_are(s.tag, TAG) && bytes_are(s.kid, "example/N/37/3KcmZ5gY") && s.tags.of == 4);
	level(NONE, EHR, KID "," HEAD);
	level(NONE, "{\"stage\":\"sealed\",\"v\":1," ID "," LEVEL "," POLICY "," BATCH ",\"seq\":0}",
	    HEAD "," KID);
}

static void
check_members(void)
{
	parts(SEALED_MEMBERS, ",\"iv\":\"" IV "\",\"ciphertext\":\"" TEXT "\",\"tag\":\"" TAG "\"}");
	parts(SEALED_MEMBERS, ",\"header\":{}" PARTS);
	parts(SEALED_MEMBERS, ",\"unprotected\":{}" PARTS);
	parts(SEALED_MEMBERS, ",\"recipients\":[]" PARTS);
	parts(SEALED_MEMBERS, ",\"aad\":\"\"" PARTS);
	parts(SEALED_MEMBERS,
	    ",\"encrypted_key\":null,\"iv\":\"" IV "\",\"ciphertext\":\"" TEXT "\",\"tag\":\"" TAG "\"}");
	parts(DUPLICATE_KEY, ",\"iv\":\"" IV "\"" PARTS);
	parts(TRUNCATED, ",\"iv\":\"" IV "\"");
	level(UNKNOWN_VERSION, "{\"v\":3,\"stage\":\"sealed\"}", HEAD "," KID);
	level(UNKNOWN_VERSION, "{\"v\":\"2\",\"stage\":\"sealed\"}", HEAD "," KID);
	level(UNKNOWN_VERSION, "{\"v\":2.0,\"stage\":\"sealed\"}", HEAD "," KID);
	level(WRONG_STAGE, "{\"v\":1,\"stage\":\"version\"}", HEAD "," KID);
	check(reason_of_text("[]") == REASON_NOT_AN_OBJECT);
	check(reason_of_text("{\"record\":{}}") == REASON_SEALED_MEMBERS);
}

#define PART(key, iv, text, tag)                                                                             \
	",\"encrypted_key\":\"" key "\",\"iv\":\"" iv "\",\"ciphertext\":\"" text "\",\"tag\":\"" tag "\"}"

static void
check_parts(void)
{
	parts(SEALED_BASE64, PART(KEY, IV, TEXT "=", TAG));
	parts(SEALED_BASE64, PART(KEY, IV, TEXT "\\n", TAG));
	parts(SEALED_BASE64, PART(KEY, IV, TEXT " ", TAG));
	parts(SEALED_BASE64, PART(KEY, IV, "mMGx+zPv", TAG));
	parts(SEALED_BASE64, PART(KEY, IV, "mMGx/zPv", TAG));
	parts(SEALED_BASE64, PART(KEY, IV, "mMGxm", TAG));  /* a length of 1 modulo 4 */
	parts(SEALED_BASE64, PART(KEY, IV, "mMGxmz", TAG)); /* unused bits set */
	parts(SEALED_BASE64, PART(KEY, IV, "mMGxmQ", "I59uJ-5FuitkRTGo65dQKx"));
	parts(SEALED_LENGTH, PART(KEY, IV, "", TAG));
	parts(SEALED_LENGTH, PART(KEY, IV, "mA", TAG));
	parts(SEALED_LENGTH, PART(KEY, "IDVbGF0upembagQ", "mMGxmQ", TAG));
	parts(SEALED_LENGTH, PART(KEY, "IDVbGF0upembagQAAA", "mMGxmQ", TAG));
	parts(SEALED_LENGTH, PART("", IV, "mMGxmQ", TAG));
	parts(SEALED_LENGTH, PART("XBDNFHF15MsppfMR1jEjk9y7Osns8Hm37Ka2WrjXJKWicfwS0v1J", IV, "mMGxmQ", TAG));
	parts(SEALED_LENGTH, PART(KEY KEY, IV, "mMGxmQ", TAG));
	parts(SEALED_LENGTH, PART(KEY, IV, "mMGxmQ", "I59uJ-5FuitkRTGo65dQ"));
	parts(SEALED_LENGTH, PART(KEY, IV, "mMGxmQ", "I59uJw"));
}

/* Every algorithm of RFC 7518 but the two that are written, and what only looks like one of those. */
static void
check_algorithms(void)
{
	static const char *const algs[] = { "none", "dir", "A128KW", "A192KW", "A128GCMKW", "A192GCMKW",
		"A256GCMKW", "RSA1_5", "RSA-OAEP", "RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A128KW",
		"ECDH-ES+A192KW", "HS256", "ES256", "PBES2-HS256+A128KW", "PBES2-HS512+A256KW", "a256kw",
		"A256KW ", "", "ecdh-es+a256kw" };
	static const char *const encs[] = { "A128GCM", "A192GCM", "A128CBC-HS256", "A192CBC-HS384",
		"A256CBC-HS512", "none", "a256gcm", "A256GCM ", "" };
	char header[1024];

	for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++) {
		(void)snprintf(header, sizeof header,
		    "\"alg\":\"%s\",\"enc\":\"A256GCM\",\"typ\":\"ehr-sealed\",\"cty\":\"json\"," KID,
		    algs[i]);
		check(gives(REASON_ALGORITHM_REFUSED, EHR_2, header, NULL, PARTS));
		/* with the members of a line to a recipient there are too many of them */
		(void)snprintf(header, sizeof header,
		    "\"alg\":\"%s\",\"enc\":\"A256GCM\",\"typ\":\"ehr-sealed\",\"cty\":\"json\",\"kid\":"
		    "\"" JKT "\"," EPK "," APU "," APV,
		    algs[i]);
		check(gives(REASON_HEADER_MEMBERS, TO_EHR_2, header, NULL, PARTS));
	}
	for (size_t i = 0; i < sizeof encs / sizeof encs[0]; i++) {
		(void)snprintf(header, sizeof header,
		    "\"alg\":\"A256KW\",\"enc\":\"%s\",\"typ\":\"ehr-sealed\",\"cty\":\"json\"," KID,
		    encs[i]);
		check(gives(REASON_ALGORITHM_REFUSED, EHR_2, header, NULL, PARTS));
		(void)snprintf(header, sizeof header,
		    "\"alg\":\"ECDH-ES+A256KW\",\"enc\":\"%s\",\"typ\":\"ehr-sealed\",\"cty\":\"json\","
		    "\"kid\":\"" JKT "\"," EPK "," APU "," APV,
		    encs[i]);
		check(gives(REASON_ALGORITHM_REFUSED, TO_EHR_2, header, NULL, PARTS));
	}
	/* a level's line says of no device that it has signed */
	check(gives(REASON_ALGORITHM_REFUSED, EHR_2,
	    "\"alg\":\"A256KW\",\"enc\":\"A256GCM\",\"typ\":\"ehr-sealed\",\"cty\":\"ehr-signed\"," KID, NULL,
	    PARTS));
	/* a member twice, also if one of the two is spelled with an escape */
	check(gives(REASON_DUPLICATE_KEY, EHR_2, HEAD "," KID ",\"alg\":\"dir\"", NULL, PARTS));
	check(gives(REASON_DUPLICATE_KEY, EHR_2, HEAD "," KID ",\"\\u0061lg\":\"dir\"", NULL, PARTS));
	check(gives(REASON_DUPLICATE_KEY, TO_EHR_2,
	    TO_HEAD
	    ",\"epk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"eA\",\"y\":\"eQ\",\"crv\":\"P-521\"}," APU
	    "," APV,
	    NULL, PARTS));
}

static void
check_header(void)
{
	static const char *const refused[] = { "\"crit\":[]", "\"zip\":\"DEF\"", "\"b64\":false",
		"\"jku\":\"x\"", "\"jwk\":{}", "\"x5u\":\"x\"", "\"x5c\":[]", "\"x5t\":\"x\"",
		"\"p2s\":\"x\"", "\"p2c\":1", "\"apu\":\"\"", EPK };
	char header[1024];

	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		(void)snprintf(header, sizeof header, HEAD "," KID ",%s", refused[i]);
		level(HEADER_MEMBERS, EHR, header);
	}
	level(HEADER_MEMBERS, EHR, HEAD);
	level(HEADER_MEMBERS, EHR, HEAD ",\"kid\":7");
	level(DUPLICATE_KEY, EHR, HEAD "," KID "," KID);
	level(ALGORITHM_REFUSED, EHR,
	    "\"alg\":\"dir\",\"enc\":\"A256GCM\",\"typ\":\"ehr-sealed\",\"cty\":\"json\"," KID);
	level(ALGORITHM_REFUSED, EHR,
	    "\"alg\":\"A128KW\",\"enc\":\"A256GCM\",\"typ\":\"ehr-sealed\",\"cty\":\"json\"," KID);
	level(ALGORITHM_REFUSED, EHR,
	    "\"alg\":\"A256KW\",\"enc\":\"A128GCM\",\"typ\":\"ehr-sealed\",\"cty\":\"json\"," KID);
	level(ALGORITHM_REFUSED, EHR,
	    "\"alg\":\"A256KW\",\"enc\":\"A256GCM\",\"typ\":\"ehr-message\",\"cty\":\"json\"," KID);
	level(ALGORITHM_REFUSED, EHR,
	    "\"alg\":\"A256KW\",\"enc\":\"A256GCM\",\"typ\":\"ehr-sealed\",\"cty\":\"JWT\"," KID);
	check(gives(REASON_TAG_MISMATCH, EHR, HEAD "," KID, "{\"v\":1,\"stage\":\"sealed\"}", PARTS));
	check(gives(REASON_TAG_MISMATCH, EHR, HEAD "," KID,
	    " "
	    "{\"v\":1,\"stage\":\"sealed\" }",
	    PARTS));
}

#define TAGS(id, level, batch, policy)                                                                       \
	"{\"v\":1,\"stage\":\"sealed\"," id "," level "," batch ",\"seq\":1," policy "}"
#define RL(rl, al, n, of, domain, epoch)                                                                     \
	"\"rl\":\"" rl "\",\"al\":" al ",\"n\":" n ",\"of\":" of                                             \
	",\"criticality\":\"low\",\"domain\":\"" domain "\",\"epoch\":" epoch

static void
check_tags(void)
{
	level(NONE, TAGS(ID, LEVEL, BATCH, POLICY), HEAD "," KID);
	level(TAGS_INVALID, TAGS("\"id\":\"Observation/o1\"", LEVEL, BATCH, POLICY), HEAD "," KID);
	level(TAGS_INVALID, TAGS(ID, LEVEL, "\"batch\":\"b_1\"", POLICY), HEAD "," KID);
	level(TAGS_INVALID, TAGS(ID, LEVEL, BATCH, "\"policy\":\"sha256:00\""), HEAD "," KID);
	level(TAGS_INVALID, TAGS(ID, RL("N", "100", "2", "4", "example", "37"), BATCH, POLICY), HEAD "," KID);
	level(BAD_NUMBER, TAGS(ID, RL("N", "03", "2", "4", "example", "37"), BATCH, POLICY), HEAD "," KID);
	level(TAGS_INVALID, TAGS(ID, RL("N", "3.0", "2", "4", "example", "37"), BATCH, POLICY), HEAD "," KID);
	level(TAGS_INVALID, TAGS(ID, RL("N", "3", "5", "4", "example", "37"), BATCH, POLICY), HEAD "," KID);
	level(TAGS_INVALID, TAGS(ID, RL("N", "3", "0", "4", "example", "37"), BATCH, POLICY), HEAD "," KID);
	level(TAGS_INVALID, TAGS(ID, RL("N/R", "3", "2", "4", "example", "37"), BATCH, POLICY), HEAD "," KID);
	level(TAGS_INVALID, TAGS(ID, RL("N", "3", "2", "4", "ex/ample", "37"), BATCH, POLICY), HEAD "," KID);
	level(TAGS_INVALID, TAGS(ID, RL("N", "3", "2", "4", "example", "0"), BATCH, POLICY), HEAD "," KID);
	level(TAGS_INVALID, TAGS(ID, RL("N", "3", "2", "4", "example", "2147483648"), BATCH, POLICY),
	    HEAD "," KID);
	level(TAGS_INVALID, TAGS(ID, LEVEL, BATCH, POLICY ",\"sensitivity\":\"HIV\""), HEAD "," KID);
	level(TAGS_INVALID, TAGS(ID, LEVEL, BATCH, POLICY ",\"tags\":{\"a\":1}"), HEAD "," KID);
	level(TAGS_INVALID, TAGS(ID, LEVEL, BATCH, POLICY ",\"deleted\":false"), HEAD "," KID);
	level(NONE, TAGS(ID, LEVEL, BATCH, POLICY ",\"view\":\"x\",\"tags\":{\"a\":\"b\"},\"deleted\":true"),
	    HEAD "," KID);
	level(KID_MISMATCH, TAGS(ID, RL("R", "4", "2", "4", "example", "37"), BATCH, POLICY), HEAD "," KID);
	level(KID_MISMATCH, TAGS(ID, RL("N", "3", "2", "4", "other", "37"), BATCH, POLICY), HEAD "," KID);
	level(KID_MISMATCH, TAGS(ID, RL("N", "3", "2", "4", "example", "3"), BATCH, POLICY), HEAD "," KID);
	level(KID_MISMATCH, EHR, HEAD ",\"kid\":\"example/N/37/3KcmZ5g\"");
	level(KID_MISMATCH, EHR, HEAD ",\"kid\":\"\"");
	level(KID_MISMATCH, TO_EHR, HEAD "," KID);
}

static void
check_recipient(void)
{
	to(NONE, TO_EHR, TO_HEAD "," EPK "," APU "," APV);
	to(HEADER_MEMBERS, TO_EHR, TO_HEAD);
	to(HEADER_MEMBERS, TO_EHR, TO_HEAD "," EPK "," APU);
	to(HEADER_MEMBERS, TO_EHR, TO_HEAD ",\"epk\":\"x\"," APU "," APV);
	to(KID_MISMATCH, EHR, TO_HEAD "," EPK "," APU "," APV);
	to(KID_MISMATCH, TO_EHR, TO_HEAD "," EPK "," APU ",\"apv\":\"ZXhhbXBsZQ\"");
	to(KID_MISMATCH, TO_EHR,
	    TO_HEAD ",\"epk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"eA\"}," APU "," APV);
	to(KID_MISMATCH, TO_EHR,
	    TO_HEAD ",\"epk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"eA\",\"y\":\"eQ\",\"d\":\"eQ\"}," APU
		    "," APV);
}

/* Version 2: the header has no tags.  Neither version takes the form of the other. */
static void
check_second(void)
{
	static const char begin[] = "{\"v\":2,\"stage\":\"sealed\",";
	static char ehr[4096];

	check(gives(REASON_NONE, EHR_2, HEAD "," KID, NULL, PARTS) && !s.tags_twice && s.tags.seq == 1);
	check(gives(REASON_NONE, EHR_2, KID "," HEAD, NULL, PARTS) && !s.tags_twice && s.tags.al == 3);
	check(gives(REASON_NONE, TO_EHR_2, TO_HEAD "," EPK "," APU "," APV, NULL, PARTS) && !s.tags_twice);
	check(gives(REASON_NONE, EHR, HEAD "," KID, EHR, PARTS) && s.tags_twice);
	check(gives(REASON_HEADER_MEMBERS, EHR_2, HEAD "," KID, EHR_2, PARTS));
	check(gives(REASON_HEADER_MEMBERS, EHR_2, HEAD "," KID, EHR, PARTS));
	check(gives(REASON_HEADER_MEMBERS, EHR, HEAD "," KID, NULL, PARTS));
	check(gives(REASON_HEADER_MEMBERS, TO_EHR_2, TO_HEAD "," EPK "," APU "," APV, TO_EHR_2, PARTS));
	check(gives(REASON_HEADER_MEMBERS, EHR_2, HEAD "," KID ",\"crit\":[]", NULL, PARTS));
	check(gives(REASON_HEADER_MEMBERS, EHR_2, HEAD, NULL, PARTS));
	check(gives(REASON_SEALED_MEMBERS, EHR_2, HEAD "," KID, NULL, ",\"aad\":\"\"" PARTS));
	check(gives(REASON_KID_MISMATCH, EHR_2, HEAD ",\"kid\":\"example/N/38/3KcmZ5gY\"", NULL, PARTS));
	check(reason_of(line_of(EHR_2, HEAD "," KID, NULL, "}"), true) == REASON_NONE);
	check(reason_of(line_of(EHR_2, HEAD "," KID, NULL, "}"), false) == REASON_SEALED_MEMBERS);
	/* Tags of more than 2,048 bytes, in the form that ehr-seal writes and in another. */
	for (int blank = 0; blank < 2; blank++) {
		int size = snprintf(ehr, sizeof ehr,
		    "%s%s" ID "," LEVEL "," BATCH ",\"seq\":1," POLICY ",\"tags\":{", begin,
		    blank != 0 ? " " : "");

		for (int i = 0; i < 16; i++)
			size += snprintf(ehr + size, sizeof ehr - (size_t)size, "%s\"%d\":\"%0120d\"",
			    i > 0 ? "," : "", i, 0);
		(void)snprintf(ehr + size, sizeof ehr - (size_t)size, "}}");
		check(gives(REASON_TAGS_INVALID, ehr, HEAD "," KID, NULL, PARTS));
	}
}

static void
check_cut_down(void)
{
	struct bytes line = line_of(EHR, HEAD "," KID, EHR, "}");

	check(reason_of(line, true) == REASON_NONE && s.ciphertext.size == 0 && s.tags.al == 3);
	check(reason_of(line, false) == REASON_SEALED_MEMBERS);
	check(
	    reason_of(line_of(EHR, HEAD "," KID, EHR, ",\"iv\":\"" IV "\"}"), true) == REASON_SEALED_MEMBERS);
	check(reason_of(line_of(EHR, HEAD "," KID, TO_EHR, "}"), true) == REASON_TAG_MISMATCH);
	check(reason_of(line_of(EHR, HEAD "," KID, EHR, PARTS), true) == REASON_NONE);
}

#define MESSAGE "{\"v\":1,\"stage\":\"release\",\"domain\":\"example\",\"to\":\"" JKT "\"}"
#define MESSAGE_2 "{\"v\":2,\"stage\":\"release\",\"domain\":\"example\",\"to\":\"" JKT "\"}"
#define MESSAGE_HEAD                                                                                         \
	"\"alg\":\"ECDH-ES+A256KW\",\"enc\":\"A256GCM\",\"typ\":\"ehr-message\",\"cty\":\"JWT\",\"kid\":"    \
	"\"" JKT "\""

static void
check_message(void)
{
	struct bytes line = line_of(MESSAGE, MESSAGE_HEAD "," EPK "," APU "," APV, MESSAGE, PARTS);

	check(sealed_line_read_message(reader, line, &s) && bytes_are(s.stage, "release"));
	check(bytes_are(s.tags.to, JKT) && bytes_are(s.tags.domain, "example"));
	check(reason_of(line, false) == REASON_WRONG_STAGE);
	line = line_of(TO_EHR, TO_HEAD "," EPK "," APU "," APV, TO_EHR, PARTS);
	check(!sealed_line_read_message(reader, line, &s) && s.reason == REASON_WRONG_STAGE);
	line = line_of(MESSAGE_2, MESSAGE_HEAD "," EPK "," APU "," APV, NULL, PARTS);
	check(sealed_line_read_message(reader, line, &s) && !s.tags_twice && bytes_are(s.tags.to, JKT));
	line = line_of(MESSAGE_2, MESSAGE_HEAD "," EPK "," APU "," APV, MESSAGE_2, PARTS);
	check(!sealed_line_read_message(reader, line, &s) && s.reason == REASON_HEADER_MEMBERS);
	line = line_of(MESSAGE, TO_HEAD "," EPK "," APU "," APV, MESSAGE, PARTS);
	check(!sealed_line_read_message(reader, line, &s) && s.reason == REASON_ALGORITHM_REFUSED);
}

/* With every byte value at every place, a word ends where tag_is_word says so. */
static bool
words_end_alike(void)
{
	char text[40];

	for (size_t place = 0; place < sizeof text; place++)
		for (unsigned c = 0; c < 256; c++) {
			memset(text, 'w', sizeof text);
			text[place] = (char)c;
			bool good = tag_is_word((struct bytes){ text + place, 1 });
			if (tags_word_size((struct bytes){ text, sizeof text }) !=
			    (good ? sizeof text : place))
				return false;
		}
	return true;
}

/* tags_scan and tags_read give the same tags, and tags_scan leaves what it may not take. */
static void
check_tags_scan(void)
{
	static const char *const taken[] = { EHR, TO_EHR, EHR_2, TO_EHR_2,
		"{\"v\":1,\"stage\":\"version\",\"id\":\"Observation/"
		"o1\",\"rl\":\"U\",\"al\":0,\"n\":1,\"of\":4,"
		"\"criticality\":\"low\"," POLICY
		",\"mark\":\"m_1\",\"view\":\"w\",\"tags\":{\"a\":\"b\",\"c\":\"d\"}}",
		"{\"v\":1,\"stage\":\"deleted\",\"id\":\"Observation/o1\"}" };
	static const char *const left[] = { "{\"v\":1,\"stage\":\"labelled\",\"id\":\"x\"}",
		"{\"v\":2,\"stage\":\"opened\"," ID "," LEVEL "," BATCH ",\"seq\":1," POLICY "}",
		"{\"v\":3,\"stage\":\"sealed\"," ID "," LEVEL "," BATCH ",\"seq\":1," POLICY "}",
		"{\"v\":1,\"stage\":\"version\"}", "{\"v\":1,\"stage\":\"deleted\",\"id\":\"\"}",
		"{\"v\":1,\"stage\":\"deleted\",\"id\":\"a b\"}",
		"{\"v\":1,\"stage\":\"deleted\",\"id\":\"a\",\"tags\":{\"a\":\"b\",\"a\":\"c\"}}",
		"{\"v\":1,\"stage\":\"deleted\",\"id\":\"a\",\"tags\":{}}",
		"{\"v\":1,\"stage\":\"deleted\",\"id\":\"a\"",
		"{\"v\":1,\"stage\":\"deleted\",\"id\":\"a\",\"al\":1.0}",
		"{\"v\":1,\"stage\":\"deleted\",\"id\":\"a\",\"al\":01}" };
	struct json j;
	struct tags fast, slow;
	enum reason reason;
	size_t end;

	json_init(&j, NULL, 8);
	for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
		static char text[1024 + JSON_SLACK];
		struct bytes in = { text, (size_t)snprintf(text, 1024, "%s", taken[i]) };

		check(tags_scan(in, &fast, &end) && end == in.size && json_parse(&j, in) &&
		      tags_read(&slow, &j, 0, &reason) && memcmp(&fast, &slow, sizeof fast) == 0);
		for (size_t cut = 0; cut < in.size; cut++)
			if (tags_scan((struct bytes){ text, cut }, &fast, &end))
				check(cut == in.size);
	}
	for (size_t i = 0; i < sizeof left / sizeof left[0]; i++)
		check(!tags_scan(bytes_of(left[i]), &fast, &end));
	json_release(&j);
}

int
main(void)
{
	reader = sealed_line_reader_new(16);
	check_examples();
	check_any_form();
	check_members();
	check_parts();
	check_header();
	check_algorithms();
	check_tags();
	check_recipient();
	check_second();
	check_cut_down();
	check_message();
	check_tags_scan();
	check(words_end_alike());
	sealed_line_reader_free(reader);
	sealed_line_reader_free(NULL);
	return tap_end();
}
