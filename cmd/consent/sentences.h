/* SPDX-License-Identifier: ISC */
#ifndef EHR_CONSENT_SENTENCES_H
#define EHR_CONSENT_SENTENCES_H

#include "common/base/buffer.h"
#include "common/policy/policy.h"
#include "common/policy/yaml.h"

/*
 * sentences: a directive, or a rule, in plain sentences of one language.  They are made of the criteria,
 * never of `say`: a patient agrees to what is enforced, not to what somebody says of it.  The same directive
 * gives the same bytes, whatever the form of its file.
 */
enum sentences_language { SENTENCES_EN, SENTENCES_DE };

struct sentences {
	const struct policy *policy; /* its ladder: which labels are levels */
	enum sentences_language language;
	struct buffer *out;
};

/* A directive that is valid: paragraphs, each a line. */
void sentences_directive(const struct sentences *s, const struct yaml_node *directive);

/* One rule and what stands in it. */
void sentences_rule(const struct sentences *s, const struct yaml_node *rule);

/* TEXT in the language of S. */
void sentences_say(const struct sentences *s, const char *en, const char *de);

#endif
