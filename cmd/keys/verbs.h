/* SPDX-License-Identifier: ISC */
#ifndef EHR_KEYS_VERBS_H
#define EHR_KEYS_VERBS_H

#include "common/base/clock.h"
#include "common/base/diag.h"
#include "common/crypto/keys.h"
#include "common/policy/policy.h"

/*
 * verbs: what ehr-keys can be asked to do.  Each takes the settings of the command line and answers with a
 * text for standard output or with a fault; main() prints.
 */
enum { LIST_MOST = 64 };

struct list {
	const char *item[LIST_MOST];
	size_t count;
};

/* What is absent is NULL, 0 or empty. */
struct settings {
	const char *policy;
	const char *site;
	const char *keys;
	const char *kind;
	const char *authority;
	const char *expect;
	const char *user;
	const char *decision;
	const char *context;
	const char *scope;
	int64_t ttl; /* seconds */
	unsigned al_cap;
	bool al_cap_given;
	bool offline;
	bool ask;
	bool self;
	bool devices;
	bool allow_test_keys;
	struct list device;
	struct list party;
	struct list grant;
	struct list kid;
	struct instant now;
	char **operand;
	int operands;
};

struct answer {
	struct buffer out; /* for standard output */
	char fault[640];   /* for standard error */
};

typedef enum diag_exit verb_run(const struct settings *s, struct answer *a);

verb_run verb_make, verb_rotate, verb_enrol, verb_release, verb_accept, verb_grant, verb_revoke, verb_list,
    verb_pseudonym;

/* Notes why; returns STATUS, so that a verb can return it. */
enum diag_exit answer_fault(struct answer *a, enum diag_exit status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for a policy's fault (EXIT_POLICY). */
enum diag_exit answer_policy_fault(struct answer *a, const struct fault *f);

#endif
