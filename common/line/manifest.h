/* SPDX-License-Identifier: ISC */
#ifndef EHR_LINE_MANIFEST_H
#define EHR_LINE_MANIFEST_H

#include "common/base/buffer.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * manifest: the list of the lines that one batch consists of, written by ehr-seal, signed, and held against
 * the lines by ehr-open.  It shows where lines come from, that none is missing, and their order.
 *
 *	{"ehr":{"v":1,"stage":"manifest","domain":"hospital","epoch":37,"batch":"b_..","policy":"sha256:..",
 *	 "prev":"sha256:.."}}
 *	{"seq":0,"rl":"L","sha256":"<hex, of the line with its LF>"}
 *	{"end":{"lines":1,"versions":{"L":1}}}
 *
 * `epoch` is `to`, the recipient's thumbprint, if the batch was sealed to one; `policy` and `rl` may be
 * absent.  `prev` is the digest of the manifest before, or of zeros.  Where several runs sealed the parts of
 * a batch, the manifest is their manifests one behind the other, in order: all begin with the same line, and
 * `seq` rises over all.  Inside a part `seq` has no gap.
 *
 * The reader takes these bytes and no other form of the same JSON.
 */
enum { MANIFEST_DIGEST = 32, MANIFEST_LEVELS = 64, MANIFEST_HEX = 2 * MANIFEST_DIGEST };

/* Absent members are empty, epoch 0. */
struct manifest_head {
	struct bytes domain, to, batch, policy, prev;
	uint64_t epoch;
};

/* Lines per level, in the order in which the levels came. */
struct manifest_counts {
	uint64_t lines;
	size_t levels;
	struct manifest_level {
		char name[32];
		size_t size;
		uint64_t lines;
	} level[MANIFEST_LEVELS];
};

/* Each appends a line.  RL is empty for a line without a level. */
void manifest_write_head(struct buffer *out, const struct manifest_head *h);
void manifest_write_line(struct buffer *out, uint64_t seq, struct bytes rl, const char hex[MANIFEST_HEX],
    struct manifest_counts *c);
void manifest_write_end(struct buffer *out, const struct manifest_counts *c);

/* Adds the lines of PART, which come behind those of ALL. */
void manifest_add(struct manifest_counts *all, const struct manifest_counts *part);

/* Whether TEXT begins as a manifest does. */
bool manifest_is(struct bytes text);

struct manifest;

/*
 * NULL with *LINE and *WHY, a constant, if TEXT is no whole manifest.  TEXT is not needed afterwards.  A line
 * takes 40 bytes.
 */
struct manifest *manifest_read(struct bytes text, size_t *line, const char **why);
void manifest_free(struct manifest *m);

enum manifest_answer {
	MANIFEST_HOLDS,
	MANIFEST_FOREIGN, /* it is of another batch, has another digest, or has no such seq */
	MANIFEST_ORDER,   /* it came before, or a later one did */
};

/* Takes the next line of the input.  Lines may be left out. */
enum manifest_answer manifest_take(
    struct manifest *m, struct bytes batch, uint64_t seq, const unsigned char digest[MANIFEST_DIGEST]);

/* How many lines it has, and how many of them were not taken. */
uint64_t manifest_lines(const struct manifest *m);
uint64_t manifest_missing(const struct manifest *m);

#endif
