/* SPDX-License-Identifier: ISC */
#include "common/policy/deciders.h"

#include "common/crypto/signed_line.h"
#include "common/policy/site.h"

#include <string.h>

enum { FILE_LIMIT = 1 << 22 };

enum diag_exit
deciders_load(struct deciders *d, struct arena *a, const char *site, const char *override, struct fault *f)
{
	const char *path = site_path_if_there(a, site, SITE_DECIDERS, override);
	struct bytes text;

	*d = (struct deciders){ 0 };
	if (path == NULL)
		return EXIT_DONE;
	if (!site_read(a, path, FILE_LIMIT, &text, f))
		return EXIT_IO;
	d->signers = signers_read(text);
	if (d->signers != NULL && !signers_have_test_key(d->signers)) {
		d->reader = jws_reader_new();
		return EXIT_DONE;
	}
	(void)fault_at(f, path, NULL, "%s",
	    d->signers ? "test-key: it has a key of the published examples" : "no keys of deciders");
	deciders_release(d);
	return EXIT_KEYS;
}

void
deciders_release(struct deciders *d)
{
	signers_free(d->signers);
	jws_reader_free(d->reader);
	*d = (struct deciders){ 0 };
}

enum diag_exit
deciders_check(const struct deciders *d, struct bytes line, const char **why)
{
	static const char *const faults[] = {
		[JWS_GOOD] = "",
		[JWS_MALFORMED] = "decision-forged: its signature is malformed",
		[JWS_TYPE] = "decision-forged: it is signed as another type of message",
		[JWS_ALGORITHM] = "decision-forged: the algorithm of its signature is refused",
		[JWS_SIGNER] = "decision-forged: its signer is no decider of this site",
		[JWS_SIGNATURE] = "decision-forged: its signature does not hold",
	};
	static const struct bytes member = BYTES("\"signature\"");
	struct bytes head, token;
	enum jws_fault fault;

	if (d->signers == NULL)
		return EXIT_DONE;
	*why = memmem(line.at, line.size, member.at, member.size) == NULL
		   ? "decision-unsigned: the site takes signed decisions only: ehr-authz --sign"
		   : "decision-unsigned: a signature counts only in the line as ehr-authz wrote it";
	if (!signed_line_split(line, &head, &token))
		return EXIT_DENIED;
	fault = signed_line_verify(d->reader, d->signers, head, token);
	*why = faults[fault];
	return fault == JWS_GOOD ? EXIT_DONE : EXIT_KEYS;
}
