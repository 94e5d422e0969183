/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_SOURCES_H
#define EHR_ACCESS_SOURCES_H

#include "common/access/access.h"
#include "common/access/decide.h"

/*
 * sources: everything that decisions rest on, read once: the policy's authz/, directives, facts, register and
 * used commands.  Each file is digested as it is read.
 */

/* Fills E, whose policy is set, and adds the digests to BASIS as members: ,"policy":"sha256:..",... */
enum access_outcome sources_read(struct engine *e, const struct access_sources *s, struct arena *arena,
    struct json_keys *keys, struct buffer *basis, struct fault *f);

void sources_release(struct engine *e);

#endif
