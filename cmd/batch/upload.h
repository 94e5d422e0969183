/* SPDX-License-Identifier: ISC */
#ifndef EHR_BATCH_UPLOAD_H
#define EHR_BATCH_UPLOAD_H

#include "cmd/batch/flow.h"

/*
 * upload: one upload from its arrival to its folder in OUT.
 *
 *	OUT/.NAME.work/   while the stages run; locked; what a killed run left in it goes
 *	OUT/NAME/         output, refused.*.ndjson, run; renamed from there when all is synced
 *	  OUTPUT          of a command of `then`: written as .OUTPUT.part and renamed
 *	IN/done/NAME      the upload, when every command of `then` is done, too
 *	IN/failed/NAME    one that is to blame itself, and NAME.reason
 *
 * A run that is killed leaves one of these states, and the next one goes on from it.  The file `run` has the
 * digest of the upload, so what is done is known again and not done twice.
 */
struct uploads {
	struct flow_plan *plan;
	const char *out; /* the folder */
	int out_fd;
	const char *in; /* the folder of uploads; NULL: there is one upload, and it stays where it is */
	int in_fd;
	bool verbose;
	bool shows_progress;
	/* counted */
	unsigned done, known, failed, left;
	uint64_t records, refused, bytes;
};

/*
 * Does the upload NAME, which FD has open, unless it is still being written.  Returns its status.  *STOP: the
 * machine or the site is at fault, and the next upload would fail as well.
 */
enum diag_exit upload_take_one(struct uploads *b, const char *name, int fd, bool *stop);

/* The same for a file of the folder of uploads. */
enum diag_exit upload_take_file(struct uploads *b, const char *name, bool *stop);

/* The same for what FD has to its end, under a name made from its digest. */
enum diag_exit upload_take_stream(struct uploads *b, int fd, bool *stop);

#endif
