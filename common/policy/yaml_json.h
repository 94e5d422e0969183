/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_YAML_JSON_H
#define EHR_POLICY_YAML_JSON_H

#include "common/json/json.h"
#include "common/policy/yaml.h"

/*
 * yaml_json: a JSON value as the tree that YAML gives, so that one reader serves both forms of a file.  The
 * line is the caller's (of an NDJSON file), the column the byte in the text.  Strings are copied, unescaped,
 * into the arena.
 */
struct yaml_node *yaml_of_json(struct arena *a, const struct json *j, uint32_t node, unsigned line);

#endif
