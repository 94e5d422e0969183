/* SPDX-License-Identifier: ISC */
#include "common/crypto/jws_sign.h"
#include "common/policy/grants.h"
#include "tests/lib/fuzz.h"
#include "tests/lib/signers.h"

#include <sanitizer/lsan_interface.h>

enum { LIFETIME = 100000 };

static struct private_key *key;
static struct signers *signers;

static void
begin(void)
{
	unsigned char signature[64];

	__lsan_disable();
	key = keyref_draw();
	keyref_sign(key, bytes_of("x"), signature);
	signers = signers_of(key, "hospital");
	hold(signers != NULL);
	__lsan_enable();
}

/* What holds of all grants, whoever signed them. */
static void
check(const struct grants *g)
{
	for (size_t i = 0; i < g->count; i++) {
		const struct grant *x = &g->grant[i];
		const struct grant *first = grants_find(g, x->jti);

		hold(i == 0 || bytes_compare(g->grant[i - 1].jti, x->jti) <= 0);
		hold(first != NULL && bytes_equal(first->jti, x->jti) && first->fault <= x->fault);
		if (x->fault == GRANT_BAD)
			continue;
		hold(x->fault == GRANT_GOOD && x->jti.size > 0 && x->sub.size > 0 && x->al <= 99);
		hold(x->exp != 0 && x->exp - x->nbf <= LIFETIME && grants_end(g));
		hold(grants_in_time(g, x, (struct instant){ .seconds = x->exp + 3600 }) != GRANT_GOOD);
		for (size_t k = 0; k < x->subjects.count; k++)
			hold(x->subjects.at[k].size > 0 && x->subjects.at[k].at[0] == '@'
				 ? true
				 : grants_cover(g, x, x->subjects.at[k]));
		for (size_t k = 0; k < x->purposes.count; k++)
			hold(grants_purpose(x, x->purposes.at[k]));
	}
}

/* The text in no signed form: nothing of it counts. */
static void
try_text(struct bytes in)
{
	struct grants g;

	grants_init(&g);
	grants_read(&g, signers, in, LIFETIME);
	grants_ready(&g);
	hold(g.panels == 0);
	for (size_t i = 0; i < g.count; i++)
		hold(g.grant[i].fault == GRANT_BAD && g.grant[i].sub.size == 0 && g.grant[i].al == 0);
	check(&g);
	grants_release(&g);
}

/* The claims as one message of a type: it gives what its type gives, or is bad. */
static void
try_claims(struct bytes claims, const char *typ)
{
	struct grants g;
	struct buffer token;

	buffer_init(&token, 1 << 20);
	hold(jws_sign(&token, key, typ, false, claims));
	grants_init(&g);
	grants_read(&g, signers, buffer_bytes(&token), LIFETIME);
	grants_ready(&g);
	hold(g.bad <= 1 && g.count <= 1 && g.panels <= 1);
	if (strcmp(typ, "ehr-grant+jwt") == 0)
		hold(g.panels == 0 && g.count + g.bad >= 1);
	else
		hold(g.count == 0 || g.grant[0].fault == GRANT_BAD);
	if (strcmp(typ, "ehr-panel+jwt") == 0)
		hold(g.panels + g.bad == 1);
	check(&g);
	grants_release(&g);
	buffer_release(&token);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = { (const char *)data, size };

	if (key == NULL)
		begin();
	try_text(in);
	try_claims(in, "ehr-grant+jwt");
	try_claims(in, "ehr-panel+jwt");
	try_claims(in, "ehr-revoked+jwt");
	return 0;
}
