/* SPDX-License-Identifier: ISC */
#ifndef EHR_INGEST_PUT_H
#define EHR_INGEST_PUT_H

#include "common/json/json.h"
#include "common/line/sink.h"

/* put: a value as it came, but for the white space between its tokens.  False if the sink failed. */
bool put_value(struct sink *out, const struct json *j, uint32_t node);

#endif
