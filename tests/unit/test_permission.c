/* SPDX-License-Identifier: ISC */
#include "common/crypto/jws_sign.h"
#include "common/crypto/keyref.h"
#include "common/policy/permission.h"
#include "tests/lib/signers.h"
#include "tests/lib/tap.h"

#include <stdio.h>

static struct private_key *key;
static struct grants grants;
static struct permission permission;
static const char *why;

#define CLAIMS(jti, al, subjects)                                                                            \
	"{\"v\":1,\"iss\":\"hospital\",\"jti\":\"" jti                                                       \
	"\",\"sub\":\"u_17\",\"roles\":[\"nurse\"],\"al\":" al ",\"subjects\":[" subjects                    \
	"],\"purposes\":[\"TREAT\"],\"domain\":\"hospital\",\"cnf\":{\"jkt\":\"d\"},"                        \
	"\"iat\":1000,\"nbf\":1000,\"exp\":2000}"

/* Tokens of the types and claims given, NULL behind the last, and what they permit at T (NULL: no time). */
static enum permission_outcome
permit(const char *const tokens[][2], const struct instant *t)
{
	struct signers *signers = signers_of(key, "hospital");
	struct buffer text;
	enum permission_outcome outcome;

	buffer_init(&text, 1 << 20);
	grants_release(&grants);
	grants_init(&grants);
	for (int i = 0; tokens[i][0]; i++) {
		text.used = 0;
		check(jws_sign(&text, key, tokens[i][0], false, bytes_of(tokens[i][1])));
		grants_read(&grants, signers, buffer_bytes(&text), 0);
	}
	grants_ready(&grants);
	outcome = permission_of_grant(&permission, &grants, t, &why);
	signers_free(signers);
	buffer_release(&text);
	return outcome;
}

static void
check_grants(void)
{
	static const char *const one[][2] = { { "ehr-grant+jwt", CLAIMS("g_1", "3", "\"s_ann\"") }, { 0 } };
	static const char *const two[][2] = { { "ehr-grant+jwt", CLAIMS("g_1", "3", "\"s_ann\"") },
		{ "ehr-grant+jwt", CLAIMS("g_2", "5", "\"s_ann\"") }, { 0 } };
	static const char *const none[][2] = { { 0 } };
	static const char *const panel[][2] = { { "ehr-grant+jwt", CLAIMS("g_1", "4", "\"@ward\"") },
		{ "ehr-panel+jwt", "{\"v\":1,\"iss\":\"hospital\",\"panel\":\"@ward\",\"serial\":1,"
				   "\"subjects\":[\"s_ann\",\"s_tom\"],"
				   "\"iat\":1000,\"exp\":2000}" },
		{ 0 } };
	static const char *const revoked[][2] = { { "ehr-grant+jwt", CLAIMS("g_1", "3", "\"s_ann\"") },
		{ "ehr-revoked+jwt", "{\"v\":1,\"iss\":\"hospital\",\"serial\":1,\"iat\":1000,\"next\":5000,"
				     "\"grants\":[\"g_1\"],"
				     "\"parties\":[],\"devices\":[],\"kids\":[]}" },
		{ 0 } };
	const struct instant early = { .seconds = 900 }, good = { .seconds = 1500 },
			     late = { .seconds = 2100 };

	check(permit(one, &good) == PERMISSION_GIVEN && permission.al == 3);
	check(permission_covers(&permission, bytes_of("s_ann")));
	check(!permission_covers(&permission, bytes_of("s_tom")));
	check(!permission_covers(&permission, bytes_of("")));
	check(permit(one, NULL) == PERMISSION_NEEDS_NOW);
	check(permit(one, &early) == PERMISSION_DENIED && strcmp(why, "grant-early") == 0);
	check(permit(one, &late) == PERMISSION_DENIED && strcmp(why, "grant-expired") == 0);
	check(permit(none, &good) == PERMISSION_DENIED);
	check(permit(two, &good) == PERMISSION_DENIED);
	check(permit(revoked, &good) == PERMISSION_DENIED && strcmp(why, "revoked") == 0);
	check(permit(panel, &good) == PERMISSION_GIVEN && permission.al == 4);
	check(permission_covers(&permission, bytes_of("s_tom")));
	check(!permission_covers(&permission, bytes_of("s_eve")));
}

/* A grant that another key signed is none. */
static void
check_forged(void)
{
	struct private_key *other = keyref_draw();
	struct signers *signers = signers_of(key, "hospital");
	const struct instant now = { .seconds = 1500 };
	struct buffer text;

	buffer_init(&text, 1 << 20);
	check(jws_sign(&text, other, "ehr-grant+jwt", false, bytes_of(CLAIMS("g_1", "5", "\"s_ann\""))));
	grants_release(&grants);
	grants_init(&grants);
	grants_read(&grants, signers, buffer_bytes(&text), 0);
	grants_ready(&grants);
	check(permission_of_grant(&permission, &grants, &now, &why) == PERMISSION_DENIED);
	signers_free(signers);
	buffer_release(&text);
	keyref_free(other);
}

static enum permission_outcome
decide(const char *text)
{
	char room[1024] = { 0 };

	(void)snprintf(room, sizeof room - JSON_SLACK, "%s", text);
	permission_release(&permission);
	return permission_of_decision(&permission, bytes_of(room), &(struct permission_terms){ 0 }, &why);
}

static void
check_decisions(void)
{
	check(decide("{\"decision\":true,\"context\":{\"about\":{\"action\":\"read\",\"patient\":\"s_ann\"},"
		     "\"obligations\":[],\"al\":4}}") == PERMISSION_GIVEN);
	check(permission.al == 4 && permission_covers(&permission, bytes_of("s_ann")));
	check(!permission_covers(&permission, bytes_of("s_anna")) &&
	      !permission_covers(&permission, bytes_of("")));
	check(decide("{\"decision\":true,\"context\":{\"about\":{\"action\":\"read\",\"patient\":\"\"},"
		     "\"obligations\":[],\"al\":4}}") == PERMISSION_DENIED);
	check(decide("{\"decision\":true,\"context\":{\"about\":{\"action\":\"read\",\"patient\":\"s_ann\"},"
		     "\"obligations\":[],\"al\":-4}}") == PERMISSION_DENIED);
	check(decide("{\"decision\":true,\"context\":{\"about\":{\"action\":\"read\",\"patient\":\"s_ann\"},"
		     "\"obligations\":[],\"al\":4,\"valid_until\":7}}") == PERMISSION_DENIED);
	check(decide("true") == PERMISSION_DENIED);
	check(decide("") == PERMISSION_DENIED);
}

int
main(void)
{
	key = keyref_draw();
	check(key != NULL);
	grants_init(&grants);
	check_grants();
	check_forged();
	check_decisions();
	permission_release(&permission);
	grants_release(&grants);
	keyref_free(key);
	return tap_end();
}
