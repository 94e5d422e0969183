/* SPDX-License-Identifier: ISC */
#ifndef EHR_INGEST_MEMBERS_H
#define EHR_INGEST_MEMBERS_H

#include "common/json/json.h"

/* The members that ehr-ingest reads, by their number in the index. */
enum ingest_key {
	KEY_EHR = 1,
	KEY_RESOURCE_TYPE,
	KEY_ENTRY,
	KEY_RESOURCE,
	KEY_CONTENT,  /* DSTU1: the resource of an entry */
	KEY_CATEGORY, /* DSTU1: labels among others, each with term and scheme, as in Atom */
	KEY_TERM,
	KEY_SCHEME,
	KEY_DELETED, /* DSTU1: when the resource that the entry's id names was deleted */
	KEY_FULL_URL,
	KEY_REQUEST,
	KEY_RESPONSE,
	KEY_OUTCOME,
	KEY_METHOD,
	KEY_LAST_MODIFIED,
	KEY_ETAG,
	KEY_LAST_UPDATED,
	KEY_VERSION_ID,
	KEY_TYPE,
	KEY_URL,
	KEY_META,
	KEY_SECURITY,
	KEY_TAG,
	KEY_EXTENSION, /* with an inline label */
	KEY_VALUE_CODING,
	KEY_VALUE_CONCEPT,
	KEY_CONFIDENTIALITY,
	KEY_ON_CONFIDENTIALITY, /* its extensions */
	KEY_SECURITY_LABEL,
	KEY_SECTION,
	KEY_MASTER_IDENTIFIER,
	KEY_IDENTIFIER,
	KEY_VALUE,
	KEY_SYSTEM,
	KEY_CODE,
	KEY_ID,
	KEY_REFERENCE,
	KEY_SUBJECT, /* KEY_SUBJECT to KEY_FOR: the first that is there is the subject of a record */
	KEY_PATIENT,
	KEY_BENEFICIARY,
	KEY_INDIVIDUAL,
	KEY_FOR,
	/*
	 * Where else a record may name its patient, alone or in a list: in a member, or in one of its
	 * elements.
	 */
	KEY_PARTICIPANT,
	KEY_ACTOR,
	KEY_CANDIDATE,
	KEY_SUBSCRIBER,
	KEY_POLICY_HOLDER,
	KEY_TARGET,
	KEY_RECIPIENT,
	KEY_AGENT,
	KEY_WHO,
	KEY_WHAT,
	KEY_ENTITY,
	KEY_END,
};

/* Numbers for the index, as above.  The caller frees it. */
struct json_keys *members_keys(void);

/* The string that the member KEY of NODE holds; 0 if there is none. */
static inline uint32_t
members_text(const struct json *j, uint32_t node, enum ingest_key key)
{
	uint32_t value = json_member_key(j, node, (uint16_t)key);

	return value != 0 && json_kind(j, value) == JSON_STRING ? value : 0;
}

#endif
