/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_EXPECT_H
#define EHR_POLICY_EXPECT_H

#include "common/json/json.h"
#include "common/policy/yaml.h"

#include <stdbool.h>

/*
 * expect: compares what a test of a policy wants, in YAML, with what came out, in JSON.  An object may have
 * more members than the wanted map; a list must have the same elements; numbers are compared as written.
 */
bool expect_same(const struct yaml_node *want, const struct json *j, uint32_t node);

/* The node that POINTER (RFC 6901) names below ROOT; false if there is none. */
bool expect_find(const struct json *j, uint32_t root, struct bytes pointer, uint32_t *node);

#endif
