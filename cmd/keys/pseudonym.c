/* SPDX-License-Identifier: ISC */
/* pseudonym: the tags of sealed lines that stand for ids or subjects, for subscriptions and decisions. */
#include "common/crypto/pseudonym.h"

#include "cmd/keys/device.h"
#include "cmd/keys/store.h"
#include "common/base/options.h"
#include "common/policy/seal_policy.h"

#include <inttypes.h>
#include <string.h>

enum { TEXT_MOST = 1 << 28 };

struct naming {
	const struct verb_settings *settings;
	struct policy policy; /* with --entities */
	struct keys *keys;
	struct mac *key;
	enum pseudonym_kind kind;
	uint32_t epoch;
};

static void
name(const struct naming *n, struct bytes value, struct buffer *out)
{
	char tag[PSEUDONYM_SIZE + 1];

	pseudonym_make(n->key, n->kind, bytes_of(keys_domain(n->keys)), n->epoch, value, tag);
	tag[PSEUDONYM_SIZE] = '\n';
	if (!buffer_append(out, tag, sizeof tag))
		diag_bug("more pseudonyms than fit");
}

/* {"type":"patient","id":"ann","properties":{"pseudonym":"s_.."}}, as ehr-authz reads it. */
static void
state(const struct naming *n, struct bytes patient, struct buffer *out)
{
	struct json_write w = json_write_to(out);
	struct buffer whom;
	char tag[PSEUDONYM_SIZE + 1];

	buffer_init(&whom, BUFFER_UNLIMITED);
	verb_reference(&n->policy, patient, &whom);
	pseudonym_make(n->key, n->kind, bytes_of(keys_domain(n->keys)), n->epoch, buffer_bytes(&whom), tag);
	buffer_release(&whom);
	json_write_open(&w, '{');
	json_write_member(&w, "type", (struct bytes)BYTES("patient"));
	json_write_member(&w, "id", patient);
	json_write_name(&w, "properties");
	json_write_open(&w, '{');
	json_write_member(&w, "pseudonym", (struct bytes){ tag, PSEUDONYM_SIZE });
	json_write_close(&w, '}');
	verb_line_end(&w);
}

static void
put(const struct naming *n, struct bytes value, struct buffer *out)
{
	if (n->settings->entities)
		state(n, value, out);
	else
		name(n, value, out);
}

static void
name_lines(const struct naming *n, struct bytes text, struct buffer *out)
{
	struct bytes line;

	while (bytes_line(&text, &line))
		if (line.size > 0)
			put(n, line, out);
}

static bool
read_scope(const char *text, uint32_t *epoch)
{
	uint64_t value;
	bool good = options_number(text, INT32_MAX, &value);

	*epoch = (uint32_t)value;
	return good && value >= 1;
}

/* Whether the pseudonyms of subjects change with the epoch, and what patients are called in references. */
static bool
load_policy(struct naming *n, bool *per_epoch, struct verb_answer *a)
{
	struct seal_policy sealing;
	struct fault f = { 0 };

	if (!trust_load(&n->policy, n->settings->policy, &n->settings->trust, &f) ||
	    !seal_policy_load(&sealing, &n->policy, &f)) {
		(void)verb_policy_fault(a, &f);
		return false;
	}
	*per_epoch = sealing.subject_per_epoch;
	return true;
}

static enum diag_exit
put_all(struct naming *n, struct verb_answer *a)
{
	const struct verb_settings *s = n->settings;
	enum diag_exit status = EXIT_DONE;
	struct buffer text;

	buffer_init(&text, TEXT_MOST);
	n->key = device_pseudonym_key(n->keys, n->kind, s, a);
	if (n->key == NULL)
		status = EXIT_KEYS;
	else if (s->operands > 0)
		for (int i = 0; i < s->operands; i++)
			put(n, bytes_of(s->operand[i]), &a->out);
	else if (store_read("-", &text, a))
		name_lines(n, buffer_bytes(&text), &a->out);
	else
		status = EXIT_IO;
	buffer_release(&text);
	return status;
}

enum diag_exit
verb_pseudonym(const struct verb_settings *s, struct verb_answer *a)
{
	struct naming n = { .settings = s, .kind = PSEUDONYM_SUBJECT };
	enum diag_exit status = EXIT_POLICY;
	bool per_epoch = false;

	if (s->kind != NULL && strcmp(s->kind, "id") == 0)
		n.kind = PSEUDONYM_ID;
	if (s->scope != NULL && !read_scope(s->scope, &n.epoch))
		return verb_fault(a, EXIT_USAGE, "--scope: not an epoch");
	if (s->entities && (s->policy == NULL || n.kind == PSEUDONYM_ID))
		return verb_fault(
		    a, EXIT_USAGE, "--entities states subjects: expected -P DIR, and no --kind id");
	if ((!s->entities || load_policy(&n, &per_epoch, a)) &&
	    (n.keys = store_open(s, KEYS_TAGS, 0, a, &status)) != NULL) {
		if (per_epoch && s->scope == NULL)
			n.epoch = keys_epoch(n.keys);
		status = put_all(&n, a);
		keys_close(n.keys);
	}
	policy_release(&n.policy);
	return status;
}
