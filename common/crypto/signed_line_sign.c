/* SPDX-License-Identifier: ISC */
#include "common/base/diag.h"
#include "common/crypto/jws_sign.h"
#include "common/crypto/signed_line.h"

void
signed_line_sign(struct buffer *to, struct private_key *key, struct bytes line)
{
	buffer_add(to, line.at, line.size - 1);
	buffer_add(to, SIGNED_LINE_MEMBER, sizeof SIGNED_LINE_MEMBER - 1);
	if (!jws_sign_detached(to, key, SIGNED_LINE_TYPE, line))
		diag_bug("a buffer of signed lines is too small");
	buffer_add(to, "\"}", 2);
}
