/* SPDX-License-Identifier: ISC */
#include "cmd/ingest/members.h"

#include "common/base/diag.h"

static const char *const key_names[KEY_END] = {
	[KEY_EHR] = "ehr",
	[KEY_RESOURCE_TYPE] = "resourceType",
	[KEY_ENTRY] = "entry",
	[KEY_RESOURCE] = "resource",
	[KEY_CONTENT] = "content",
	[KEY_CATEGORY] = "category",
	[KEY_TERM] = "term",
	[KEY_SCHEME] = "scheme",
	[KEY_DELETED] = "deleted",
	[KEY_FULL_URL] = "fullUrl",
	[KEY_REQUEST] = "request",
	[KEY_RESPONSE] = "response",
	[KEY_OUTCOME] = "outcome",
	[KEY_METHOD] = "method",
	[KEY_LAST_MODIFIED] = "lastModified",
	[KEY_ETAG] = "etag",
	[KEY_LAST_UPDATED] = "lastUpdated",
	[KEY_VERSION_ID] = "versionId",
	[KEY_TYPE] = "type",
	[KEY_URL] = "url",
	[KEY_META] = "meta",
	[KEY_SECURITY] = "security",
	[KEY_TAG] = "tag",
	[KEY_EXTENSION] = "extension",
	[KEY_VALUE_CODING] = "valueCoding",
	[KEY_VALUE_CONCEPT] = "valueCodeableConcept",
	[KEY_CONFIDENTIALITY] = "confidentiality",
	[KEY_ON_CONFIDENTIALITY] = "_confidentiality",
	[KEY_SECURITY_LABEL] = "securityLabel",
	[KEY_SECTION] = "section",
	[KEY_MASTER_IDENTIFIER] = "masterIdentifier",
	[KEY_IDENTIFIER] = "identifier",
	[KEY_VALUE] = "value",
	[KEY_SYSTEM] = "system",
	[KEY_CODE] = "code",
	[KEY_ID] = "id",
	[KEY_REFERENCE] = "reference",
	[KEY_SUBJECT] = "subject",
	[KEY_PATIENT] = "patient",
	[KEY_BENEFICIARY] = "beneficiary",
	[KEY_INDIVIDUAL] = "individual",
	[KEY_FOR] = "for",
	[KEY_PARTICIPANT] = "participant",
	[KEY_ACTOR] = "actor",
	[KEY_CANDIDATE] = "candidate",
	[KEY_SUBSCRIBER] = "subscriber",
	[KEY_POLICY_HOLDER] = "policyHolder",
	[KEY_TARGET] = "target",
	[KEY_RECIPIENT] = "recipient",
	[KEY_AGENT] = "agent",
	[KEY_WHO] = "who",
	[KEY_WHAT] = "what",
	[KEY_ENTITY] = "entity",
};

struct json_keys *
members_keys(void)
{
	struct json_keys *keys = json_keys_new();

	for (unsigned i = 1; i < KEY_END; i++)
		if (json_keys_add(keys, bytes_of(key_names[i])) != i)
			diag_bug("a key with another number");
	return keys;
}
