/* SPDX-License-Identifier: ISC */
#ifndef EHR_LABEL_INLINE_LABEL_H
#define EHR_LABEL_INLINE_LABEL_H

#include "common/base/bytes.h"

#include <stdbool.h>

/*
 * inline_label: the extension that FHIR's DS4P guide labels an element with, by whatever scheme it is named,
 * with or without a version or a slash behind it: a label must not be lost by how its name is written.
 */
#define INLINE_LABEL "hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-inline-sec-label"

/* URL is unescaped. */
static inline bool
is_inline_label(struct bytes url)
{
	static const struct bytes name = BYTES(INLINE_LABEL);

	for (size_t i = 0; i + 2 < 9 && i + 2 < url.size; i++)
		if (url.at[i] == ':' && url.at[i + 1] == '/' && url.at[i + 2] == '/') {
			url = (struct bytes){ url.at + i + 3, url.size - i - 3 };
			break;
		}
	if (!bytes_begin(url, INLINE_LABEL))
		return false;
	return url.size == name.size || url.at[name.size] == '/' || url.at[name.size] == '|';
}

#endif
