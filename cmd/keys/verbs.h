/* SPDX-License-Identifier: ISC */
#ifndef EHR_KEYS_VERBS_H
#define EHR_KEYS_VERBS_H

#include "common/base/clock.h"
#include "common/base/diag.h"
#include "common/crypto/keys.h"
#include "common/json/json_write.h"
#include "common/policy/policy.h"
#include "common/policy/trust.h"

/*
 * verbs: the verbs of ehr-keys.  Each takes the settings of the command line, and answers with a text for
 * standard output or with a fault.  main() prints both.
 */
enum { VERB_NAMES_MOST = 64 };

struct verb_names {
	const char *item[VERB_NAMES_MOST];
	size_t count;
};

/* What the command line leaves out is NULL, 0 or empty. */
struct verb_settings {
	const char *policy;
	const char *site;
	const char *keys;
	const char *kind;
	const char *authority;
	const char *expect;
	const char *user;
	const char *decision;
	const char *deciders;
	const char *context;
	const char *assertions;
	const char *audience;
	const char *consent_state;
	const char *scope;
	const char *holders;
	const char *domain;
	const char *sign;
	const char *sig;
	const char *enc;
	const char *pin_file;
	const char *parent_pin_file;
	const char *tcti;
	const char *code;
	const char *ca;
	const char *certificate;
	const char *commands;
	const char *proof;
	const char *assertion;
	const char *ack;
	const char *device_answer;
	struct trust_demand trust; /* whole */
	int64_t ttl;               /* seconds */
	int64_t wait;              /* seconds, for the lock */
	uint32_t epoch;            /* 0: the current one */
	unsigned al_cap;
	bool al_cap_given;
	bool offline;
	bool decided;
	bool no_clock;
	bool ask;
	bool end;
	bool self;
	bool entities;
	bool devices;
	bool digests;
	bool allow_test_keys;
	bool verbose;
	struct verb_names device;
	struct verb_names patient;
	struct verb_names party;
	struct verb_names grant;
	struct verb_names kid;
	struct instant now;
	char **operand;
	int operands;
};

struct verb_answer {
	struct buffer out;     /* for standard output */
	struct buffer notes;   /* for standard error: each with an LF behind it */
	struct buffer remarks; /* the same, of what was done: left out if nothing was */
	char fault[640];       /* for standard error */
	/* Called at the end, if it is set; GOOD: all went well, so there is nothing to undo. */
	void (*undo)(void *context, bool good);
	void *undo_context;
	bool again; /* EXIT_IO means EXIT_AGAIN: another program held a file */
	bool kept;  /* what was done holds, even if it cannot be printed or a later step fails */
};

typedef enum diag_exit verb_run(const struct verb_settings *s, struct verb_answer *a);

verb_run verb_make, verb_rotate, verb_enrol, verb_release, verb_accept, verb_grant, verb_revoke, verb_list,
    verb_pseudonym, verb_signer, verb_challenge, verb_prove, verb_provision, verb_command, verb_answers,
    verb_destroy, verb_assert, verb_give, verb_subscribe, verb_declare;

/* Sets the fault.  Returns STATUS, so that a verb can return it. */
enum diag_exit verb_fault(struct verb_answer *a, enum diag_exit status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Says something on standard error that is no fault. */
void verb_note(struct verb_answer *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same of what was done, as of a key that was given: it is said only if the verb does it in the end. */
void verb_remark(struct verb_answer *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same for a fault of the policy (EXIT_POLICY or EXIT_IO). */
enum diag_exit verb_policy_fault(struct verb_answer *a, const struct fault *f);

/* "NAME: " and the text of errno.  Always false, so that a function can return it; its status is EXIT_IO. */
bool verb_io_fault(struct verb_answer *a, const char *name);

/*
 * Appends the reference by which lines are tagged: a patient may be named by the id alone, to which the
 * policy's subject_type is added.
 */
void verb_reference(const struct policy *p, struct bytes patient, struct buffer *to);

/* A JSON object on a line of its own at the end of OUT: begins it, and ends it with its LF. */
struct json_write verb_line_begin(struct buffer *out);
void verb_line_end(struct json_write *w);

/* The buffers that verbs write JSON to are larger than any text that they write: a full one is a bug. */
void verb_written(const struct json_write *w);

#endif
