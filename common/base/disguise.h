/* SPDX-License-Identifier: ISC */
#ifndef EHR_BASE_DISGUISE_H
#define EHR_BASE_DISGUISE_H

#include "common/base/buffer.h"

/*
 * disguise: what a text says once a reader, or a program of hers, has undone how it was written for a wire, a
 * page or a line:
 *
 *	%48%49%56           percent-encoding, as in addresses and data: URLs
 *	&amp;#72; &lt;b&gt; entities whose sign is one, and tags written with entities
 *	\u0048 \x48 \110    escapes of programs, \'48 of RTF, \X484956\ of HL7 v2
 *	=48=49=56           quoted-printable; its soft line ends
 *	schizo-<LF>phrenia  a word that goes on in the next line
 *	H . I . V           letters of a word with a sign and blanks between them
 *	[H][I][V]           letters of a word in brackets of their own
 *	484956206f          hexadecimal, six characters or more of text
 *	0x48 0x49           bytes in hexadecimal, two or more
 *	SElWIHBvcw          base64 and base64url, in a word of small letters and capitals
 *
 * Whoever wants what was encoded twice undoes it again.
 */
struct disguise {
	struct buffer code;  /* base64 without line ends */
	struct buffer plain; /* what it decodes to */
};

enum { DISGUISE_SLACK = 32 }; /* bytes behind a text that are read */

void disguise_init(struct disguise *d);
void disguise_release(struct disguise *d);

/*
 * What TEXT, base64 or base64url with or without line ends, decodes to, with DISGUISE_SLACK zeros behind it;
 * empty if that is no text.  UTF-16 is read, and bytes that are no UTF-8 are taken for ISO 8859-1.  Bits left
 * over at the end are dropped.  Good until the next call.
 */
struct bytes disguise_decode(struct disguise *d, struct bytes text);

/*
 * OUT becomes what TEXT says when all of the above is undone once, piece by piece, with DISGUISE_SLACK zeros
 * behind it.  False if there is nothing to undo.  OUT does not hold TEXT.
 */
bool disguise_undo(struct disguise *d, struct bytes text, struct buffer *out);

/*
 * Whether TEXT, which ends with no letter and no digit, holds a piece that may be base64 of a text, depending
 * on what follows TEXT.  Reads DISGUISE_SLACK bytes behind TEXT.
 */
bool disguise_may_go_on(struct bytes text);

#endif
