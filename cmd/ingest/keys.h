/* SPDX-License-Identifier: ISC */
#ifndef EHR_INGEST_KEYS_H
#define EHR_INGEST_KEYS_H

#include "common/json/json.h"

/* keys: the members that ehr-ingest looks at, by their number in the index. */
enum ingest_key {
	KEY_EHR = 1,
	KEY_RESOURCE_TYPE,
	KEY_ENTRY,
	KEY_RESOURCE,
	KEY_FULL_URL,
	KEY_REQUEST,
	KEY_RESPONSE,
	KEY_OUTCOME,
	KEY_METHOD,
	KEY_URL,
	KEY_META,
	KEY_SECURITY,
	KEY_SYSTEM,
	KEY_CODE,
	KEY_ID,
	KEY_REFERENCE,
	KEY_SUBJECT, /* from here on: who a record is about, the first that is there */
	KEY_PATIENT,
	KEY_BENEFICIARY,
	KEY_INDIVIDUAL,
	KEY_FOR,
	KEY_END,
};

/* Numbered as above; the caller frees it. */
struct json_keys *keys_new(void);

#endif
