/* SPDX-License-Identifier: ISC */
#include "common/base/reason.h"

static const struct {
	const char *code;
	enum diag_exit status;
	const char *text;
} list[] = {
	[REASON_NONE] = { "none", EXIT_BUG, "not refused" },
#define REASON(name, code, status, text) [REASON_##name] = { code, status, text },
#include "common/base/reasons.def"
#undef REASON
};

const char *
reason_code(enum reason reason)
{
	return list[reason].code;
}

const char *
reason_text(enum reason reason)
{
	return list[reason].text;
}

enum diag_exit
reason_status(enum reason reason)
{
	return list[reason].status;
}
