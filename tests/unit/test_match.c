/* SPDX-License-Identifier: ISC */
#include "cmd/notify/match.h"
#include "common/crypto/jws_sign.h"
#include "tests/lib/signers.h"
#include "tests/lib/tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define POLICY "testdata/policies/notify"

static struct policy policy;
static struct notify_policy plan;
static struct grants grants;
static struct subscriptions subscriptions;
static struct match match;
static struct version_group group;
static struct private_key *key;
static struct buffer tokens;
static struct buffer list; /* of subscriptions, NDJSON */
static struct buffer out;
static struct buffer stopped;
static char refusals[4096];

static void
grant(const char *typ, const char *claims)
{
	if (!jws_sign(&tokens, key, typ, false, bytes_of(claims)) || !buffer_append(&tokens, "\n", 1))
		check(false);
}

#define GRANT(jti, sub, roles, al, subjects, more)                                                           \
	grant("ehr-grant+jwt", "{\"v\":1,\"iss\":\"hospital\",\"jti\":\"" jti "\",\"sub\":\"" sub            \
			       "\",\"roles\":[\"" roles "\"],\"al\":" al ",\"subjects\":[" subjects          \
			       "],\"purposes\":[\"TREAT\"],\"domain\":\"hospital\"," more                    \
			       "\"iat\":1000,\"nbf\":1000,\"exp\":2000}")

static void
subscribe(const char *line)
{
	if (!buffer_append(&list, line, strlen(line)) || !buffer_append(&list, "\n", 1))
		check(false);
}

#define SUBSCRIPTION(id, party, grant, class, subjects, more)                                                \
	subscribe("{\"id\":\"" id "\",\"party\":\"" party "\",\"grant\":\"" grant                            \
		  "\",\"responder\":\"" class "\",\"select\":{\"subjects\":[" subjects "]" more              \
					      "},\"purpose\":\"TREAT\"}")

static void
note(void *context, const struct subscription_refusal *what)
{
	size_t used = strlen(refusals);

	(void)context;
	(void)snprintf(
	    refusals + used, sizeof refusals - used, "%.*s %s\n", (int)what->id.size, what->id.at, what->why);
}

/* Loads what was granted and subscribed since the last load. */
static void
load(const struct instant *now)
{
	char path[] = "/tmp/ehr-match-XXXXXX.ndjson";
	struct signers *signers = signers_of(key, "hospital");
	int fd = mkstemps(path, 7);

	check(fd >= 0 && write(fd, list.at, list.used) == (ssize_t)list.used && close(fd) == 0);
	grants_init(&grants);
	grants_read(&grants, signers, buffer_bytes(&tokens), plan.max_lifetime);
	grants_ready(&grants);
	signers_free(signers);
	refusals[0] = '\0';
	subscriptions_init(&subscriptions, &plan, &grants, now);
	check(subscriptions_read(&subscriptions, path, note, NULL));
	subscriptions_ready(&subscriptions, note, NULL);
	check(unlink(path) == 0);
	match_init(&match, &plan, &grants, &subscriptions, now);
	match.suppressed = &stopped;
	tokens.used = 0;
	list.used = 0;
}

static void
unload(void)
{
	match_release(&match);
	subscriptions_release(&subscriptions);
	grants_release(&grants);
}

/* One version as the reader of sealed lines would give it. */
static enum version_group_outcome
version(const char *id, unsigned n, unsigned of, const char *rl, unsigned al, const char *criticality,
    enum reason *reason)
{
	static char text[1024 + JSON_SLACK];
	struct sealed_line s = { 0 };
	struct json j;

	int size = snprintf(text, 1024,
	    "{\"v\":1,\"stage\":\"sealed\",\"id\":\"%s\",\"subject\":\"s_9f31\",\"rl\":\"%s\",\"al\":%u,"
	    "\"n\":%u,"
	    "\"of\":%u,\"criticality\":\"%s\",\"domain\":\"hospital\",\"epoch\":1,\"batch\":\"b_01\",\"seq\":"
	    "17,"
	    "\"policy\":\"sha256:00\",\"mark\":\"m_%s\",\"tags\":{\"topic\":\"vitals\"}}",
	    id, rl, al, n, of, criticality, rl);
	s.ehr = (struct bytes){ text, (size_t)size };
	json_init(&j, NULL, 8);
	check(json_parse(&j, s.ehr) && tags_read(&s.tags, &j, 0, &s.reason));
	json_release(&j);
	return version_group_add(&group, &s, s.ehr, "in", n, reason);
}

static enum match_coverage
decide(void)
{
	enum match_coverage coverage;

	out.used = 0;
	stopped.used = 0;
	check(match_group(&match, &group, &out, &coverage));
	version_group_drop(&group);
	return coverage;
}

static size_t
count(const struct buffer *b, const char *text)
{
	size_t found = 0;
	const char *at = b->at;
	size_t left = b->used;
	const char *hit;

	while (left > 0 && (hit = memmem(at, left, text, strlen(text))) != NULL) {
		found++;
		left -= (size_t)(hit + 1 - at);
		at = hit + 1;
	}
	return found;
}

/* The lines of the contract, byte for byte, with the ids that it gives. */
static void
check_lines(void)
{
	static const char want[] =
	    "{\"ehr\":{\"v\":1,\"stage\":\"event\",\"id\":\"e_vdjil56vsfn2ufpzyogsxohite\",\"record\":\"r_"
	    "k3m1\","
	    "\"subject\":\"s_9f31\",\"criticality\":\"critical\",\"domain\":\"hospital\",\"batch\":\"b_01\","
	    "\"seq\":17,"
	    "\"policy\":\"sha256:00\"},\"marks\":{\"L\":\"m_L\",\"N\":\"m_N\"}}\n"
	    "{\"ehr\":{\"v\":1,\"stage\":\"intent\",\"id\":\"n_aucs4fn7vkvzuwdalkncaqhsme\",\"event\":"
	    "\"e_vdjil56vsfn2ufpzyogsxohite\",\"record\":\"r_k3m1\",\"subject\":\"s_9f31\",\"rl\":\"N\","
	    "\"al\":3,"
	    "\"criticality\":\"critical\",\"policy\":\"sha256:00\"},\"kind\":\"data\",\"to\":{"
	    "\"subscription\":"
	    "\"nurse-17-vitals\",\"party\":\"u_17\",\"class\":\"care-team\",\"device\":\"dev17\",\"step\":0},"
	    "\"deadline\":"
	    "{\"after\":\"PT0S\",\"dispatch\":\"PT5S\",\"ack\":\"PT1M\",\"expires\":\"PT4H\"},\"ref\":\"r_"
	    "k3m1/N\","
	    "\"payload\":\"reference\",\"purpose\":\"TREAT\",\"grant\":\"g_17\",\"obligations\":[]}\n";
	enum reason reason;

	GRANT("g_17", "u_17", "nurse", "3", "\"s_9f31\"", "\"cnf\":{\"jkt\":\"dev17\"},");
	SUBSCRIPTION("nurse-17-vitals", "u_17", "g_17", "care-team", "\"s_9f31\"", "");
	load(NULL);
	check(version("r_k3m1", 1, 2, "L", 1, "routine", &reason) == VERSION_GROUP_OPEN);
	check(version("r_k3m1", 2, 2, "N", 3, "critical", &reason) == VERSION_GROUP_WHOLE);
	check(decide() == MATCH_COVERED);
	/* The last resort's step comes behind. */
	check(out.used > sizeof want && memcmp(out.at, want, sizeof want - 1) == 0);
	check(count(&out, "\n") == 3 && count(&out, "\"kind\":\"last-resort\",\"why\":\"step\"") == 1);
	check(count(&out, "\"after\":\"PT5M\"") == 1);
	unload();
}

/* use case, normal flow 8 (T6): who may read any version hears, and of the highest that she may read. */
static void
check_levels(void)
{
	static const char *const levels[] = { "U", "L", "M", "N", "R", "V" };
	enum reason reason;
	size_t told = 0;
	size_t held = 0;
	bool highest = true;

	GRANT("g0", "u_0", "nurse", "0", "\"s_9f31\"", "");
	GRANT("g1", "u_1", "nurse", "1", "\"s_9f31\"", "");
	GRANT("g2", "u_2", "nurse", "2", "\"s_9f31\"", "");
	GRANT("g3", "u_3", "nurse", "3", "\"s_9f31\"", "");
	GRANT("g4", "u_4", "nurse", "4", "\"s_9f31\"", "");
	GRANT("g5", "u_5", "nurse", "5", "\"s_9f31\"", "");
	SUBSCRIPTION("p0", "u_0", "g0", "care-team", "\"s_9f31\"", "");
	SUBSCRIPTION("p1", "u_1", "g1", "care-team", "\"s_9f31\"", "");
	SUBSCRIPTION("p2", "u_2", "g2", "care-team", "\"s_9f31\"", "");
	SUBSCRIPTION("p3", "u_3", "g3", "care-team", "\"s_9f31\"", "");
	SUBSCRIPTION("p4", "u_4", "g4", "care-team", "\"s_9f31\"", "");
	SUBSCRIPTION("p5", "u_5", "g5", "care-team", "\"s_9f31\"", "");
	load(NULL);
	for (unsigned low = 0; low < 6; low++) {
		for (unsigned al = low; al < 6; al++)
			check(version("r_x", al - low + 1, 6 - low, levels[al], al, "medium", &reason) ==
			      (al == 5 ? VERSION_GROUP_WHOLE : VERSION_GROUP_OPEN));
		(void)decide();
		told += count(&out, "\"kind\":\"data\"");
		held += count(&stopped, "\"reason\":\"al\"");
		for (unsigned al = low; al < 6; al++) {
			char pair[128];

			(void)snprintf(pair, sizeof pair,
			    "\"rl\":\"%s\",\"al\":%u,\"criticality\":\"medium\"", levels[al], al);
			highest = highest && count(&out, pair) == 1;
		}
	}
	check(told == 21);
	check(held == 15);
	check(highest);
	unload();
}

/* What is urgent above her level reaches a responder as a floor notice: no reference, no level, no record. */
static void
check_floor(void)
{
	enum reason reason;

	GRANT("g1", "u_1", "paramedic", "1", "\"s_9f31\"", "");
	GRANT("g2", "u_2", "family", "1", "\"s_9f31\"", "");
	SUBSCRIPTION("first", "u_1", "g1", "first-responder", "\"s_9f31\"", "");
	SUBSCRIPTION("sister", "u_2", "g2", "family", "\"s_9f31\"", "");
	load(NULL);
	check(version("r_x", 1, 2, "L", 1, "routine", &reason) == VERSION_GROUP_OPEN);
	check(version("r_x", 2, 2, "R", 4, "critical", &reason) == VERSION_GROUP_WHOLE);
	check(decide() == MATCH_BY_FLOOR);
	check(count(&out, "\"kind\":\"floor\"") == 1 && count(&out, "\"kind\":\"data\"") == 0);
	check(count(&out, "\"subscription\":\"first\"") == 1 && count(&out, "sister") == 0);
	check(count(&out, "\"ref\"") == 0 && count(&out, "\"rl\"") == 0);
	/* Nobody who may know: the last resort, at once. */
	unload();
	GRANT("g2", "u_2", "family", "1", "\"s_9f31\"", "");
	SUBSCRIPTION("sister", "u_2", "g2", "family", "\"s_9f31\"", "");
	load(NULL);
	check(version("r_x", 1, 1, "R", 4, "critical", &reason) == VERSION_GROUP_WHOLE);
	check(decide() == MATCH_UNCOVERED);
	check(
	    count(&out, "\"kind\":\"last-resort\",\"why\":\"uncovered\",\"to\":{\"last_resort\":true}") == 1);
	check(count(&out, "\"after\":\"PT0S\"") == 1);
	unload();
}

/* use case, prior authorization (T9): each refusal with its reason, and none is loaded. */
static void
check_gate(void)
{
	GRANT("good", "u_1", "nurse", "3", "\"s_9f31\"", "");
	GRANT("role", "u_2", "family", "3", "\"s_9f31\"", "");
	grant("ehr-grant+jwt",
	    "{\"v\":1,\"iss\":\"hospital\",\"jti\":\"long\",\"sub\":\"u_3\",\"roles\":[\"nurse\"],"
	    "\"al\":3,\"subjects\":[\"s_9f31\"],\"purposes\":[\"TREAT\"],\"iat\":1,\"nbf\":1,\"exp\":"
	    "99999999}");
	grant("ehr-grant+jwt",
	    "{\"v\":1,\"iss\":\"elsewhere\",\"jti\":\"issuer\",\"sub\":\"u_4\",\"roles\":[\"nurse\"],"
	    "\"al\":3,\"subjects\":[\"s_9f31\"],\"purposes\":[\"TREAT\"],\"iat\":1,\"nbf\":1,\"exp\":9}");
	GRANT("gone", "u_5", "nurse", "3", "\"s_9f31\"", "");
	GRANT("device", "u_6", "nurse", "3", "\"s_9f31\"", "\"cnf\":{\"jkt\":\"lost\"},");
	grant("ehr-panel+jwt", "{\"v\":1,\"iss\":\"hospital\",\"panel\":\"@ward\",\"serial\":2,\"subjects\":["
			       "\"s_zz\",\"s_9f31\",\"s_aa\"],"
			       "\"iat\":1000,\"exp\":2000}");
	grant("ehr-panel+jwt",
	    "{\"v\":1,\"iss\":\"hospital\",\"panel\":\"@ward\",\"serial\":1,\"subjects\":[\"s_old\"],"
	    "\"iat\":1000,\"exp\":2000}");
	GRANT("panel", "u_7", "nurse", "3", "\"s_zz\",\"@none\",\"@ward\",\"s_bb\"", "");
	grant("ehr-revoked+jwt",
	    "{\"v\":1,\"iss\":\"hospital\",\"serial\":9,\"iat\":1000,\"next\":3000,\"grants\":[],"
	    "\"parties\":[\"u_5\"],\"devices\":[\"lost\"],\"kids\":[]}");
	SUBSCRIPTION("a-good", "u_1", "good", "care-team", "\"s_9f31\"", "");
	subscribe("{\"id\":\"b-claims\",\"party\":\"u_1\",\"grant\":\"good\",\"responder\":\"care-team\","
		  "\"claims\":"
		  "{\"al\":4},\"select\":{\"subjects\":[\"s_9f31\"]},\"purpose\":\"TREAT\"}");
	SUBSCRIPTION("c-missing", "u_1", "none", "care-team", "\"s_9f31\"", "");
	SUBSCRIPTION("d-party", "u_2", "good", "care-team", "\"s_9f31\"", "");
	SUBSCRIPTION("e-role", "u_2", "role", "care-team", "\"s_9f31\"", "");
	SUBSCRIPTION("f-long", "u_3", "long", "care-team", "\"s_9f31\"", "");
	SUBSCRIPTION("g-issuer", "u_4", "issuer", "care-team", "\"s_9f31\"", "");
	SUBSCRIPTION("h-subject", "u_1", "good", "care-team", "\"s_77aa\"", "");
	SUBSCRIPTION("i-all", "u_1", "good", "care-team", "\"*\"", "");
	subscribe("{\"id\":\"j-purpose\",\"party\":\"u_1\",\"grant\":\"good\",\"responder\":\"care-team\","
		  "\"select\":"
		  "{\"subjects\":[\"s_9f31\"]},\"purpose\":\"HMARKT\"}");
	SUBSCRIPTION("k-party-gone", "u_5", "gone", "care-team", "\"s_9f31\"", "");
	SUBSCRIPTION("l-device-gone", "u_6", "device", "care-team", "\"s_9f31\"", "");
	subscribe("{\"id\":\"m-payload\",\"party\":\"u_1\",\"grant\":\"good\",\"responder\":\"care-team\","
		  "\"select\":"
		  "{\"subjects\":[\"s_9f31\"]},\"purpose\":\"ETREAT\",\"payload\":\"sealed\"}");
	SUBSCRIPTION("n-panel", "u_7", "panel", "care-team", "\"@ward\"", "");
	SUBSCRIPTION("o-through-panel", "u_7", "panel", "care-team", "\"s_9f31\"", "");
	SUBSCRIPTION("p-old-panel", "u_7", "panel", "care-team", "\"s_old\"", "");
	load(NULL);
	check(bytes_are(bytes_of(refusals),
	    "b-claims al\nc-missing grant-missing\nd-party grant-party\ne-role grant-role\n"
	    "f-long grant-bad\ng-issuer grant-bad\nh-subject grant-subject\n"
	    "i-all grant-subject\nj-purpose grant-purpose\nk-party-gone revoked\n"
	    "l-device-gone revoked\nm-payload payload\np-old-panel grant-subject\n"));
	check(subscriptions.count == 3);
	unload();
}

/* Dates count as of --now, and not at all without it. */
static void
check_dates(void)
{
	static const struct {
		int64_t now;
		const char *reason;
	} cases[] = { { 999, "grant-early" }, { 1000, NULL }, { 1999, NULL }, { 2000, "grant-expired" } };
	enum reason reason;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct instant now = { .seconds = cases[i].now };

		GRANT("g1", "u_1", "nurse", "3", "\"s_9f31\"", "");
		SUBSCRIPTION("nurse", "u_1", "g1", "care-team", "\"s_9f31\"", "");
		load(&now);
		check(version("r_x", 1, 1, "N", 3, "medium", &reason) == VERSION_GROUP_WHOLE);
		(void)decide();
		check(count(&out, "\"kind\":\"data\"") == (cases[i].reason == NULL));
		check(cases[i].reason == NULL || count(&stopped, cases[i].reason) == 1);
		unload();
	}
}

static void
check_select(void)
{
	enum reason reason;

	GRANT("g1", "u_1", "nurse", "3", "\"s_9f31\"", "");
	SUBSCRIPTION("a-high", "u_1", "g1", "care-team", "\"s_9f31\"", ",\"min_criticality\":\"high\"");
	SUBSCRIPTION("b-labs", "u_1", "g1", "care-team", "\"s_9f31\"", ",\"tags\":{\"topic\":[\"labs\"]}");
	SUBSCRIPTION("c-vitals", "u_1", "g1", "care-team", "\"s_9f31\"", ",\"tags\":{\"topic\":\"vitals\"}");
	SUBSCRIPTION("d-when", "u_1", "g1", "care-team", "\"s_9f31\"", ",\"when\":\".al < 3\"");
	SUBSCRIPTION("e-when", "u_1", "g1", "care-team", "\"s_9f31\"", ",\"when\":\".al == 3\"");
	SUBSCRIPTION("f-unknown", "u_1", "g1", "care-team", "\"s_9f31\"", ",\"when\":\".rl / 2 > 1\"");
	load(NULL);
	check(version("r_x", 1, 1, "N", 3, "medium", &reason) == VERSION_GROUP_WHOLE);
	(void)decide();
	check(count(&out, "\"kind\":\"data\"") == 2);
	check(count(&out, "c-vitals") == 1 && count(&out, "e-when") == 1);
	unload();
}

/* Versions that are not what a record's versions must be. */
static void
check_groups(void)
{
	enum reason reason;

	check(version("r_x", 2, 2, "N", 3, "low", &reason) == VERSION_GROUP_REFUSED &&
	      reason == REASON_VERSIONS_INCOMPLETE);
	check(version("r_x", 1, 3, "L", 1, "low", &reason) == VERSION_GROUP_OPEN);
	check(version("r_y", 2, 3, "N", 3, "low", &reason) == VERSION_GROUP_REFUSED &&
	      reason == REASON_VERSIONS_ORDER);
	check(version("r_x", 3, 3, "N", 3, "low", &reason) == VERSION_GROUP_REFUSED &&
	      reason == REASON_VERSIONS_INCOMPLETE);
	check(version("r_x", 2, 3, "L", 1, "low", &reason) == VERSION_GROUP_REFUSED &&
	      reason == REASON_VERSIONS_ORDER);
	check(version("r_y", 1, 1, "N", 3, "low", &reason) == VERSION_GROUP_BROKEN);
	version_group_drop(&group);
	check(version("r_y", 1, 1, "X", 3, "low", &reason) == VERSION_GROUP_REFUSED &&
	      reason == REASON_UNKNOWN_LEVEL);
	check(version("r_y", 1, 1, "N", 3, "dire", &reason) == VERSION_GROUP_REFUSED &&
	      reason == REASON_UNKNOWN_CRITICALITY);
	/* The policy asks for more than the tag: the stricter one counts. */
	check(
	    version("r_y", 1, 1, "V", 1, "low", &reason) == VERSION_GROUP_WHOLE && group.version[0]->al == 5);
	version_group_drop(&group);
	check(
	    version("r_y", 1, 1, "L", 4, "low", &reason) == VERSION_GROUP_WHOLE && group.version[0]->al == 4);
	version_group_drop(&group);
}

int
main(void)
{
	struct fault fault = { 0 };

	buffer_init(&tokens, 1 << 20);
	buffer_init(&list, 1 << 20);
	buffer_init(&out, 1 << 20);
	buffer_init(&stopped, 1 << 20);
	key = keyref_draw();
	check(policy_load(&policy, POLICY, &fault));
	check(notify_policy_load(&plan, &policy, &fault));
	version_group_init(&group, &plan, &policy, false);
	check_groups();
	check_lines();
	check_levels();
	check_floor();
	check_gate();
	check_dates();
	check_select();
	version_group_release(&group);
	keyref_free(key);
	policy_release(&policy);
	buffer_release(&tokens);
	buffer_release(&list);
	buffer_release(&out);
	buffer_release(&stopped);
	return tap_end();
}
