/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_FHIR_TOPICS_H
#define EHR_POLICY_FHIR_TOPICS_H

#include "common/policy/yaml.h"

/*
 * fhir_topics: `fhir` of notify.yaml: what the topics and searches of FHIR Subscriptions mean in tags.  A
 * sealed record shows neither its type nor its codes, so no search is carried out; it is looked up here.
 *
 *	fhir:
 *	  topics:
 *	    - {topic: http://hospital.example/topic/vitals, criteria: "Observation?category=vital-signs",
 *	       tags: {topic: [vitals]}, min_criticality: low}
 *	  channels: {rest-hook: webhook, email: mail}
 */
enum { FHIR_QUERY_MOST = 16, FHIR_TOPICS_MOST = 256 };

/*
 * A search such as "Observation?category=vital-signs&patient=Patient/s_1": its type, the parameters that name
 * the patient, and the others.
 */
struct fhir_query {
	struct bytes type;
	struct bytes patient[FHIR_QUERY_MOST]; /* values as written: Patient/s_1,Patient/s_2 */
	size_t patients;
	struct bytes other[FHIR_QUERY_MOST]; /* name=value, sorted */
	size_t others;
};

struct fhir_topic {
	struct bytes topic; /* canonical of a SubscriptionTopic; empty: none */
	struct fhir_query criteria;
	const struct yaml_node *tags; /* as it stands there, for seal_policy_choice(); NULL: any */
	unsigned least;               /* criticality */
};

struct fhir_topics {
	struct fhir_topic *at;
	size_t count;
	const struct yaml_node *channels; /* a map from types to channels; NULL: none named */
};

/*
 * Reads TEXT.  Without a type before `?` it has none, as a filter by parameter alone.  False: it is empty,
 * has more parameters than fit, an escape, a modifier or a chain, which would have to be understood.
 */
bool fhir_query_read(struct bytes text, struct fhir_query *q);

struct fhir_topics_source {
	struct arena *arena; /* where the topics live */
	const char *file;
	const struct bytes *word; /* of criticality */
	unsigned words;
	struct fault *fault;
};

/* Reads the section NODE (NULL: there is none).  False with a fault.  Texts live as long as NODE. */
bool fhir_topics_read(
    struct fhir_topics *t, const struct fhir_topics_source *from, const struct yaml_node *node);

/* NULL if no row has this topic, or the same search but for the patient. */
const struct fhir_topic *fhir_topics_by_topic(const struct fhir_topics *t, struct bytes topic);
const struct fhir_topic *fhir_topics_by_query(const struct fhir_topics *t, const struct fhir_query *q);

/* The channel for TYPE: of the policy, else `webhook` for rest-hook and `mail` for email; empty: none. */
struct bytes fhir_topics_channel(const struct fhir_topics *t, struct bytes type);

#endif
