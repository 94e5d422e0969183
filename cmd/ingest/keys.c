/* SPDX-License-Identifier: ISC */
#include "cmd/ingest/keys.h"

#include "common/base/diag.h"

static const char *const names[KEY_END] = {
	[KEY_EHR] = "ehr",
	[KEY_RESOURCE_TYPE] = "resourceType",
	[KEY_ENTRY] = "entry",
	[KEY_RESOURCE] = "resource",
	[KEY_FULL_URL] = "fullUrl",
	[KEY_REQUEST] = "request",
	[KEY_RESPONSE] = "response",
	[KEY_OUTCOME] = "outcome",
	[KEY_METHOD] = "method",
	[KEY_URL] = "url",
	[KEY_META] = "meta",
	[KEY_SECURITY] = "security",
	[KEY_SYSTEM] = "system",
	[KEY_CODE] = "code",
	[KEY_ID] = "id",
	[KEY_REFERENCE] = "reference",
	[KEY_SUBJECT] = "subject",
	[KEY_PATIENT] = "patient",
	[KEY_BENEFICIARY] = "beneficiary",
	[KEY_INDIVIDUAL] = "individual",
	[KEY_FOR] = "for",
};

struct json_keys *
keys_new(void)
{
	struct json_keys *keys = json_keys_new();

	for (unsigned i = 1; i < KEY_END; i++)
		if (json_keys_add(keys, bytes_of(names[i])) != i)
			diag_bug("a key with another number");
	return keys;
}
