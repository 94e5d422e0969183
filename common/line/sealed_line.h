/* SPDX-License-Identifier: ISC */
#ifndef EHR_LINE_SEALED_LINE_H
#define EHR_LINE_SEALED_LINE_H

#include "common/line/tags.h"

/*
 * sealed_line: the form of a sealed line, without keys: a JWE in flattened JSON serialization (RFC 7516
 * section 7.2.2) and the readable tags beside it.  Steps 2 to 10 of opening; a program that holds no key
 * refuses what one with a key would refuse for its form, with the same reason.
 */
struct sealed_line {
	struct tags tags;
	struct bytes ehr;            /* the tags as they stand in the line */
	struct bytes protected_text; /* base64url text of the header: the additional data */
	struct bytes header;         /* decoded, in a buffer of the reader */
	struct bytes kid;
	bool to_recipient;     /* ECDH-ES+A256KW */
	bool is_signed;        /* cty ehr-signed */
	struct bytes stage;    /* of a message: release, provision, command */
	uint32_t epk;          /* node in header_index, 0 if absent */
	struct bytes apu, apv; /* base64url texts */
	/* base64url texts; empty in a line cut down to ehr and protected */
	struct bytes encrypted_key, iv, ciphertext, tag;
	enum reason reason;
	size_t byte;
};

struct sealed_line_reader;

struct sealed_line_reader *sealed_line_reader_new(unsigned max_depth);
void sealed_line_reader_free(struct sealed_line_reader *r);

/*
 * Reads LINE (JSON_SLACK behind it).  TAGS_ONLY also accepts a line that has ehr and protected alone.
 * All spans live until the next call.  False: reason and byte are set (byte 0: none to name).
 */
bool sealed_line_read(struct sealed_line_reader *r, struct bytes line, bool tags_only, struct sealed_line *s);

/*
 * The same for a message between key directories (typ ehr-message), which is sealed to a recipient and has
 * the tags v, stage, domain and to alone.
 */
bool sealed_line_read_message(struct sealed_line_reader *r, struct bytes line, struct sealed_line *s);

/* PREFIX ("r_") and 16 bytes in base64url: what id, subject, batch and mark are when sealed. */
bool sealed_line_is_marked(struct bytes tag, const char *prefix);

/* "sha256:" and 64 digits of lower-case hex. */
bool sealed_line_is_policy(struct bytes tag);

/* The index of the decoded header, for epk. */
const struct json *sealed_line_header_index(const struct sealed_line_reader *r);

#endif
