/* SPDX-License-Identifier: ISC */
#ifndef EHR_KEYS_ORDER_H
#define EHR_KEYS_ORDER_H

#include "cmd/keys/decision.h"

/*
 * order: what somebody wants an authority to do with its keys (enrol, rotate, revoke, destroy, command),
 * asked of ehr-authz and carried out only with its decision, as a release is.  --ask prints the request;
 * --decision carries it out if it answers that very request, is fresh and was not taken before.
 *
 *	struct order_file f;
 *	enum diag_exit status;
 *	if (order_read(&f, s, a, &status)) {                 before the lock is taken
 *		k = store_open(.., order_store(s), ..);
 *		if (k != NULL && order_obeys(&f, k, &order, &status))
 *			carry it out
 *	}
 *	order_end(&f);
 */
struct order {
	const char *action; /* "rotate" */
	const char *type;   /* of the resource */
	const char *id;     /* the same */
	/*
	 * Write more properties of the resource, and of the action, as it is asked at TIME; NULL: there are
	 * none.
	 */
	void (*resource)(struct json_write *w, const void *context);
	void (*how)(struct json_write *w, const void *context, struct instant time);
	const void *context;
	unsigned
	    people; /* how many must have decided, each another; 0: one if the directory wants decisions */
};

struct order_file {
	const struct verb_settings *settings;
	struct verb_answer *answer;
	struct buffer context;
	struct decision_file *decisions; /* NULL: there are none */
	struct decision_limits limits;
	struct buffer people; /* who decided, a JSON list, once the order is obeyed */
	/* Of the last decision: its digest, its AL and who asked. */
	char digest[DIGEST_TEXT];
	uint64_t al;
	char subject[129];
};

/* Reads what the command line names.  False with a fault and its status. */
bool order_read(
    struct order_file *f, const struct verb_settings *s, struct verb_answer *a, enum diag_exit *status);
void order_end(struct order_file *f);

/* How the key directory is to be opened (enum store_how): --ask changes nothing, so it takes no lock. */
unsigned order_store(const struct verb_settings *s);

/*
 * True if the order is to be carried out.  Else the verb ends with *STATUS: the request was printed
 * (EXIT_DONE), or there is a fault.
 */
bool order_obeys(struct order_file *f, struct keys *k, const struct order *o, enum diag_exit *status);

#endif
