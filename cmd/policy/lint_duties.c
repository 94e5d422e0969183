/* SPDX-License-Identifier: ISC */
#include "cmd/policy/lint.h"

#include "common/base/buffer.h"
#include "common/redact/obligations.h"

#include <string.h>

/*
 * What the rules of authz/ oblige to and no program carries out: a decision with such an obligation gives
 * nothing, though it is a permit.
 */

/* As a decision has them in `properties`.  A rule's own members are scalars. */
static bool
write_properties(const struct yaml_node *duty, struct buffer *text)
{
	bool good = buffer_append(text, "{\"action\":", 10) && yaml_to_json(yaml_find(duty, "do"), text);

	for (size_t i = 0; i < duty->count && good; i++)
		if (!bytes_are(duty->key[i]->text, "do"))
			good = buffer_append(text, ",", 1) && yaml_to_json(duty->key[i], text) &&
			       buffer_append(text, ":", 1) && yaml_to_json(duty->item[i], text);
	return good && buffer_append(text, "}", 1) && json_slack(text);
}

/* NULL, or why ehr-redact refuses the obligation, as it would in a decision. */
static const char *
why_not_redacted(const struct policy *p, const struct yaml_node *duty)
{
	struct obligations *o = obligations_new(p);
	const char *why = "it cannot be written into a decision";
	struct buffer text;
	struct json j;

	buffer_init(&text, BUFFER_UNLIMITED);
	json_init(&j, NULL, JSON_MAX_DEPTH);
	if (write_properties(duty, &text) && json_parse(&j, buffer_bytes(&text)))
		(void)obligations_add(o, &j, 0, &why);
	json_release(&j);
	buffer_release(&text);
	obligations_free(o);
	return why;
}

/* An AL, and a level of the policy if one is named. */
static const char *
why_not_lowered(const struct policy *p, const struct yaml_node *duty)
{
	const struct yaml_node *rl = yaml_find(duty, "rl");
	struct fault fault = { 0 };
	uint64_t al;

	if (yaml_find(duty, "al") == NULL ||
	    !yaml_integer("", yaml_find(duty, "al"), p->level[0].al, 99, &al, &fault))
		return "an obligation level names no authorization level that opens one";
	if (rl != NULL && (rl->kind != YAML_STRING || policy_level(p, rl->text) < 0))
		return "an obligation level names a level that the policy does not have";
	return NULL;
}

static void
check_duty(struct lint *l, const char *file, const struct yaml_node *duty)
{
	static const char *const known[] = { "audit", "expire", "notify" };
	const struct yaml_node *word = yaml_find(duty, "do");
	const char *why = NULL;

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (bytes_are(word->text, known[i]))
			return;
	if (bytes_are(word->text, "redact") || bytes_are(word->text, "keep-only"))
		why = why_not_redacted(l->policy, duty);
	else if (bytes_are(word->text, "level"))
		why = why_not_lowered(l->policy, duty);
	else
		lint_warn(l, file, word, "not-carried-out",
		    "no program knows the obligation '%.*s', so ehr-select and ehr-keys give nothing by such "
		    "a "
		    "decision, and ehr-redact only with --handled: leave it out, unless a program of the "
		    "site does it",
		    (int)word->text.size, word->text.at);
	if (why != NULL)
		lint_warn(l, file, word, "not-carried-out",
		    "%s, so no program gives anything by such a decision", why);
}

void
lint_duties(struct lint *l)
{
	for (size_t i = 0; i < l->policy->files; i++) {
		const struct yaml_node *rules, *root = l->policy->file[i].tree;

		if (root == NULL || !bytes_begin(l->policy->file[i].name, "authz/"))
			continue;
		rules = root->kind == YAML_MAP ? yaml_find(root, "rules") : NULL;
		for (size_t k = 0; rules != NULL && k < rules->count; k++) {
			const struct yaml_node *duties = yaml_find(rules->item[k], "obligations");

			for (size_t n = 0; duties != NULL && n < duties->count; n++)
				check_duty(l, l->policy->file[i].shown, duties->item[n]);
		}
	}
}
