/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_EXPECT_H
#define EHR_POLICY_EXPECT_H

#include "common/json/json.h"
#include "common/policy/yaml.h"

#include <stdbool.h>

/*
 * expect: what a test of a policy wants, in YAML, against what came out, in JSON.  Maps need hold what is
 * wanted and may hold more; lists must be the same, one by one; numbers are compared as written.
 */
bool expect_same(const struct yaml_node *want, const struct json *j, uint32_t node);

/* A YAML tree as JSON on one line: numbers as written. */
void expect_write(const struct yaml_node *node, struct buffer *out);

/* The node that POINTER (RFC 6901) names below ROOT; false if it names nothing. */
bool expect_find(const struct json *j, uint32_t root, struct bytes pointer, uint32_t *node);

#endif
