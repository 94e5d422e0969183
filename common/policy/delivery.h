/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_DELIVERY_H
#define EHR_POLICY_DELIVERY_H

#include "common/base/buffer.h"
#include "common/base/installed.h"
#include "common/crypto/digest.h"
#include "common/policy/notify_policy.h"

/*
 * delivery: the parts of notify.yaml that ehr-deliver alone uses: channels, order, tries, the last
 * resort, how long things are kept.  Times are in seconds.
 */
enum {
	DELIVERY_MAX_CHANNELS = 16,
	DELIVERY_MAX_ARGUMENTS = 8, /* of a channel's command, its name included */
	DELIVERY_MAX_TRIES = 32,    /* of a list in `retry` */
	DELIVERY_DIGEST = 64,       /* hex digits of SHA-256 */
	DELIVERY_PATH = INSTALLED_PATH,
};

struct delivery_channel {
	struct bytes name;
	const char *argument[DELIVERY_MAX_ARGUMENTS + 1]; /* [0] is the executable, NULL behind the last */
	const struct yaml_node *sha256;                   /* of the executable, in hex */
	int64_t timeout;                                  /* of one call */
	unsigned slots;                                   /* calls at once */
	unsigned many;                                    /* messages in a call */
	struct bytes secret;                              /* a file of --secrets; empty: none */
	const struct bytes *allow;                        /* what addresses begin with; NULL: any */
	size_t allowed;                                   /* how many */
};

/* How long to wait before try I; after the last the last one again. */
struct delivery_tries {
	int64_t wait[DELIVERY_MAX_TRIES];
	unsigned count;
};

struct delivery_policy {
	struct delivery_channel channel[DELIVERY_MAX_CHANNELS];
	unsigned channels;
	struct delivery_tries retry[NOTIFY_MAX_WORDS]; /* by criticality */
	unsigned slots;                                /* calls at once, of all channels */
	unsigned reserved;   /* of each channel's slots: for the two highest criticalities */
	int64_t keep;        /* what has ended stays in the spool */
	int64_t drain_every; /* the interval of a job with run --drain; 0: none */
	int64_t mark_keep;   /* of visible_change; 0: off */
	uint64_t mark_most;
	int last_channel; /* of the last resort; -1: none */
	struct bytes last_to;
	uint64_t remind[NOTIFY_MAX_WORDS]; /* so many reminders, by criticality */
	int64_t reack[NOTIFY_MAX_WORDS];   /* a case that nobody resolved asks again; 0: never */
};

/*
 * Whether TO can be an address: 1 to 2048 bytes, no control characters (U+0000 to U+001F, U+007F to U+009F,
 * U+2028, U+2029), no '-' in front.  A channel would take a second line for a header or another message,
 * and a '-' for an option of its program.
 */
bool delivery_is_address(struct bytes to);
#define DELIVERY_ADDRESS "expected an address: at most 2048 bytes, no control characters, and no '-' in front"

/*
 * Whether a message may go to TO: it begins with one of `allow`, in which '*' is any part of a host's name.
 * Where `allow` does not say so, no address is a plain http one.
 */
bool delivery_allows(const struct delivery_channel *c, struct bytes to);

enum delivery_program {
	DELIVERY_PROGRAM_GOOD,
	DELIVERY_PROGRAM_OTHER,   /* not the file whose digest the policy names */
	DELIVERY_PROGRAM_MISSING, /* errno; 0: in none of the two folders */
};

/*
 * Reads the executable of a channel into TEXT: PATH says where it lies, HEX is its SHA-256.  A command
 * without '/' in front lies in share/ehr of the installation, or in share of the source tree.
 */
enum delivery_program delivery_program_read(
    const struct delivery_channel *c, char path[DELIVERY_PATH], struct buffer *text, char hex[DIGEST_HEX]);

/* The channel NAME; -1 if the policy has none. */
int delivery_channel_find(const struct delivery_policy *d, struct bytes name);

/* After notify_policy_load().  False with a fault.  Texts live as long as the policy. */
bool delivery_policy_load(
    struct delivery_policy *d, const struct notify_policy *notify, struct policy *p, struct fault *f);

#endif
