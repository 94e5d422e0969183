/* SPDX-License-Identifier: ISC */
#ifndef EHR_DELIVER_VERBS_H
#define EHR_DELIVER_VERBS_H

#include "cmd/deliver/gate.h"
#include "cmd/deliver/spool.h"
#include "common/base/options.h"
#include "common/line/sink.h"
#include "common/policy/delivery.h"
#include "common/policy/trust.h"

/* verbs: the verbs of ehr-deliver, each with the arguments from its own name on, and what they share. */
typedef int verb_function(int argc, char *argv[]);

verb_function verb_init, verb_enqueue, verb_run, verb_status, verb_list, verb_show, verb_dead, verb_events,
    verb_ack, verb_resolve, verb_hold, verb_release, verb_retry, verb_drop, verb_reactivate, verb_check,
    verb_backup, verb_prune, verb_sign;

/* Where the spool is: --spool DIR, or the folder `spool` of the site. */
struct verb_place {
	const char *spool;
	const char *site;
};

/* The rows of both; TYPE is the settings of the verb, with a member `place`. */
#define VERB_PLACE(type)                                                                                     \
	{ OPTION_TEXT(type, place.spool), 0, false, "spool", "DIR", "the spool (spool/ of the site)" },      \
	{                                                                                                    \
		OPTION_TEXT(type, place.site), 'S', false, "site", "DIR", "the site"                         \
	}

/* Where a verb finds the policy and what the gate asks.  Settings of such a verb begin with it. */
struct verb_files {
	struct verb_place place;
	const char *policy;
	const char *subscriptions;
	const char *grants;
	const char *revoked;
	const char *authority;
	struct trust_demand trust;
};

/* The rows of verbs that read the policy, and of those that ask the gate, too. */
#define VERB_POLICY                                                                                          \
	{ OPTION_TEXT(struct verb_files, policy), 'P', false, "policy", "DIR", "the policy" },               \
	    TRUST_OPTIONS(struct verb_files), VERB_PLACE(struct verb_files)
#define VERB_GATE VERB_POLICY, SUBSCRIPTIONS_OPTIONS(struct verb_files)

/* The policy as verbs read it. */
struct verb_policy {
	struct policy policy;
	struct notify_policy plan;
	struct delivery_policy delivery;
};

/* Loads the policy into P, which policy_release(&p->policy) releases; the program ends if it cannot. */
void verb_policy_load(struct verb_policy *p, const struct options *o, struct verb_files *files);

/* The gate of that policy, as of NOW; the program ends if it cannot be opened. */
struct gate *verb_gate(
    struct verb_policy *p, const struct options *o, const struct verb_files *files, struct instant now);

/* The path of the spool; the program ends if neither is given. */
const char *verb_spool_path(const struct options *o, const struct verb_place *place);

/* The spool there; if it cannot be opened, the program ends. */
struct spool *verb_open(const struct options *o, const struct verb_place *place);

/* Says what is wrong, and ends the program with the fault's status. */
_Noreturn void verb_die(const struct spool_fault *f);

/* Commits, or ends the program. */
void verb_commit(struct spool *s);

/* Inside a transaction that writes: from now on the spool knows the policy's channels. */
void verb_channels(struct spool *s, const struct delivery_policy *d);

/* Milliseconds since 1970, by the system's clock. */
int64_t verb_now(void);

/* The account of whoever runs the program, for the table act. */
struct bytes verb_account(void);

/* Reads a command line of options that are all stored. */
void verb_read(struct options *o, const struct option_manual *manual, void *settings, int argc, char *argv[]);

/*
 * Does ONE with each operand in one transaction, and, if MORE, once with NULL, for what the options name.
 * Returns the worst status.  ONE says why it cannot.
 */
typedef enum diag_exit verb_one(struct spool *s, const void *context, const char *name);
int verb_each(
    const struct options *o, const struct verb_place *place, verb_one *one, const void *context, bool more);

/* Says why the verb cannot do it with NAME; returns STATUS. */
enum diag_exit verb_no(enum diag_exit status, const char *name, const char *why);

/* Closes the output.  The worse of STATUS and the status of closing. */
int verb_finish(struct sink *out, enum diag_exit status);

#endif
