/* SPDX-License-Identifier: ISC */
/* pseudonym: the tags of sealed lines that stand for ids or subjects, for subscriptions and decisions. */
#include "common/crypto/pseudonym.h"

#include "cmd/keys/store.h"
#include "common/base/options.h"

#include <inttypes.h>
#include <string.h>

enum { TEXT_MOST = 1 << 28 };

struct naming {
	struct keys *keys;
	enum pseudonym_kind kind;
	uint32_t epoch;
};

static void
name(const struct naming *n, struct bytes value, struct buffer *out)
{
	char tag[PSEUDONYM_SIZE + 1];

	pseudonym_make(keys_mac(n->keys, pseudonym_key(n->kind)), n->kind, bytes_of(keys_domain(n->keys)),
	    n->epoch, value, tag);
	tag[PSEUDONYM_SIZE] = '\n';
	if (!buffer_append(out, tag, sizeof tag))
		diag_bug("more pseudonyms than fit");
}

static void
name_lines(const struct naming *n, struct bytes text, struct buffer *out)
{
	struct bytes line;

	while (bytes_line(&text, &line))
		if (line.size > 0)
			name(n, line, out);
}

static bool
read_scope(const char *text, uint32_t *epoch)
{
	uint64_t value;
	bool good = options_number(text, INT32_MAX, &value);

	*epoch = (uint32_t)value;
	return good && value >= 1;
}

enum diag_exit
verb_pseudonym(const struct verb_settings *s, struct verb_answer *a)
{
	struct naming n = { .kind = PSEUDONYM_SUBJECT };
	enum diag_exit status;
	struct buffer text;

	if (s->kind != NULL && strcmp(s->kind, "id") == 0)
		n.kind = PSEUDONYM_ID;
	if (s->scope != NULL && !read_scope(s->scope, &n.epoch))
		return verb_fault(a, EXIT_USAGE, "--scope: not an epoch");
	n.keys = store_open(s, KEYS_TAGS, a, &status);
	if (n.keys == NULL)
		return status;
	status = EXIT_DONE;
	buffer_init(&text, TEXT_MOST);
	if (keys_mac(n.keys, pseudonym_key(n.kind)) == NULL)
		status = verb_fault(a, EXIT_KEYS, "there is no key for pseudonyms here");
	else if (s->operands > 0)
		for (int i = 0; i < s->operands; i++)
			name(&n, bytes_of(s->operand[i]), &a->out);
	else if (store_read("-", &text, a))
		name_lines(&n, buffer_bytes(&text), &a->out);
	else
		status = EXIT_IO;
	buffer_release(&text);
	keys_close(n.keys);
	return status;
}
