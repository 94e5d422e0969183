/* SPDX-License-Identifier: ISC */
#ifndef EHR_LINE_SEALED_LINE_H
#define EHR_LINE_SEALED_LINE_H

#include "common/line/tags.h"

/*
 * sealed_line: reads a sealed line without keys: a JWE in flattened JSON serialization (RFC 7516 section
 * 7.2.2) and the readable tags beside it.  A program without keys so refuses a malformed line with the reason
 * that a program with keys gives.  The reasons are found in this order: JSON, version and stage, members,
 * base64url, lengths, the header's members, algorithms, header against tags, tags, kid.
 *
 * The additional data of AES-GCM has the tags in it, so that no tag changes unnoticed:
 *
 *	v 2	protected, a dot, and the bytes of ehr in base64url: what RFC 7516 computes where a JWE
 *		has the member aad.  The line leaves it out, because it says only what ehr says.
 *	v 1	protected alone, whose header has the member ehr once more, byte for byte.  Programs wrote
 *		this form earlier; it is read for ever.
 */
/* What ehr-seal writes between the values, after TAGS_LINE_BEGIN and the tags. */
#define SEALED_LINE_PROTECTED ",\"protected\":\""
#define SEALED_LINE_KEY "\",\"encrypted_key\":\""
#define SEALED_LINE_IV "\",\"iv\":\""
#define SEALED_LINE_CIPHERTEXT "\",\"ciphertext\":\""
#define SEALED_LINE_TAG "\",\"tag\":\""
#define SEALED_LINE_END "\"}"

/* The most bytes that a header and the tags have. */
enum { SEALED_LINE_HEADER_MOST = 4096, SEALED_LINE_TAGS_MOST = 2048 };

/* The type of the JWS around a record that a device has signed, and cty of its line. */
#define SEALED_LINE_SIGNED "ehr-signed"

struct sealed_line {
	struct tags tags;
	struct bytes ehr;            /* the object as it stands in the line */
	bool tags_twice;             /* version 1 */
	struct bytes protected_text; /* the base64url text of the header */
	struct bytes header;         /* decoded, in the reader */
	struct bytes kid;
	bool to_recipient;     /* ECDH-ES+A256KW */
	bool is_signed;        /* cty ehr-signed */
	struct bytes stage;    /* of a message: release, provision, command, proof */
	uint32_t epk;          /* node in the index of the header, 0 if absent */
	struct bytes apu, apv; /* base64url texts */
	/* base64url texts; empty in a line of ehr and protected alone */
	struct bytes encrypted_key, iv, ciphertext, tag;
	enum reason reason;
	size_t byte;
};

struct sealed_line_reader;

struct sealed_line_reader *sealed_line_reader_new(unsigned max_depth);
void sealed_line_reader_free(struct sealed_line_reader *r);

/*
 * Reads LINE, with JSON_SLACK readable bytes behind it.  TAGS_ONLY also accepts a line of ehr and protected
 * alone.  All spans live until the next call.  False: reason and byte are set (byte 0: none to name).
 */
bool sealed_line_read(struct sealed_line_reader *r, struct bytes line, bool tags_only, struct sealed_line *s);

/*
 * The same for a message between key directories (typ ehr-message).  It is sealed to a recipient, and its
 * tags are v, stage, domain and to alone.
 */
bool sealed_line_read_message(struct sealed_line_reader *r, struct bytes line, struct sealed_line *s);

/* PREFIX ("r_") and 16 bytes in base64url: the form of id, subject, batch and mark in a sealed line. */
bool sealed_line_is_marked(struct bytes tag, const char *prefix);

/* "sha256:" and 64 digits of lower-case hex. */
bool sealed_line_is_policy(struct bytes tag);

/* The index of the decoded header, for epk. */
const struct json *sealed_line_header_index(const struct sealed_line_reader *r);

#endif
