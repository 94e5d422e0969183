/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_ASSERTION_H
#define EHR_ACCESS_ASSERTION_H

#include "common/access/request.h"
#include "common/crypto/jws.h"
#include "common/policy/fault.h"

/*
 * assertion: who asks, and what for, as a signed token says it.  context.assertion is a compact JWS of type
 * ehr-assertion+jwt with the claims v 1, iss, iat, exp, aud and sub, signed by a key of the domain iss.
 *
 *	claim                                           attribute
 *	iss                                             subject.domain
 *	sub, and sub_type ("user" if absent)            subject.id, subject.type: the request's must be equal
 *	cnf.jkt (RFC 7800)                              subject.device: the request's must be this key's
 *	those of the name of a subject's property       that property
 *	purpose, acr, amr, justification                the same of the context
 *
 * A token that ends more than `longest` after iat proves nothing: what was true of a person ends.
 * The request's own values of these attributes count as missing, and so does its device if there is no cnf.
 * What the enforcement point knows itself stays: time, location, route, condition, what it can carry out.
 */
#define ASSERTION_TYPE "ehr-assertion+jwt"

enum { ASSERTION_LONGEST = 60 * 60 }; /* seconds, if the policy says nothing else */

/*
 * The keys of the JWKS at PATH, which may sign who asks, each for its domain.  NULL with a fault and *STATUS:
 * EXIT_IO, or EXIT_KEYS for a key of the published examples, or one without domain.
 */
struct signers *assertion_signers(struct arena *a, const char *path, struct fault *f, enum diag_exit *status);

struct assertions {
	const struct signers *signers; /* each with its domain; borrowed */
	struct bytes audience;         /* borrowed */
	int64_t longest;               /* seconds; the caller's to change */
	struct jws_reader *reader;
	/* private: the token that was verified last */
	struct buffer token;
	struct jws jws;
	enum jws_fault fault;
};

void assertions_init(struct assertions *a, const struct signers *signers, struct bytes audience);
void assertions_release(struct assertions *a);

/*
 * Replaces in Q what the token in NODE proves; NODE is 0 if there is none.  R is how Q was read.  NULL, or
 * the reason why it proves nothing: a constant, "assertion-signature".  Q is valid until the next call.
 */
const char *assertion_apply(
    struct assertions *a, const struct request_reader *r, uint32_t node, struct request *q);

/*
 * True if the site's facts, which name people by their ids, may be about another than the one who asks: the
 * token is of a domain that does not keep the record.  Q is the request after assertion_apply(); the register
 * states no domain of the person.
 */
bool assertion_is_foreign(const struct assertions *a, const struct request *q);

/*
 * NULL, or the reason if the register states another domain of the person than the one that signed: two
 * domains may have the same id for two persons.  Q is the request after entities_apply().
 */
const char *assertion_domain(const struct assertions *a, const struct request *q);

#endif
