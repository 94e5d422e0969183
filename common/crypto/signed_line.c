/* SPDX-License-Identifier: ISC */
#include "common/crypto/signed_line.h"

/* Between quotes a quote is escaped, so this text is a member wherever the token and "} follow. */
static const struct bytes name = BYTES(SIGNED_LINE_MEMBER);

static bool
is_token_byte(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
	       c == '_' || c == '-';
}

bool
signed_line_split(struct bytes line, struct bytes *head, struct bytes *token)
{
	size_t end = line.size < 2 ? 0 : line.size - 2, at = end;

	if (end == 0 || memcmp(line.at + end, "\"}", 2) != 0)
		return false;
	while (at > 0 && is_token_byte(line.at[at - 1]))
		at--;
	if (at < name.size || memcmp(line.at + at - name.size, name.at, name.size) != 0)
		return false;
	*head = (struct bytes){ line.at, at - name.size };
	*token = (struct bytes){ line.at + at, end - at };
	return true;
}

static struct bytes
unsigned_text(struct buffer *to, struct bytes head)
{
	buffer_init(to, BUFFER_UNLIMITED);
	buffer_add(to, head.at, head.size);
	buffer_add(to, "}", 1);
	return buffer_bytes(to);
}

enum jws_fault
signed_line_verify(struct jws_reader *r, const struct signers *s, struct bytes head, struct bytes token)
{
	struct buffer text;
	enum jws_fault fault = jws_verify_detached(r, s, token, unsigned_text(&text, head), SIGNED_LINE_TYPE);

	buffer_release(&text);
	return fault;
}

void
signed_line_digest(struct bytes line, char text[DIGEST_TEXT])
{
	struct bytes head, token;
	struct buffer whole;

	if (!signed_line_split(line, &head, &token)) {
		digest_text(line, text);
		return;
	}
	digest_text(unsigned_text(&whole, head), text);
	buffer_release(&whole);
}
