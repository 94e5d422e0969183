/* SPDX-License-Identifier: ISC */
#include "cmd/keys/verbs.h"

#include "common/base/file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

enum diag_exit
verb_fault(struct verb_answer *a, enum diag_exit status, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	(void)vsnprintf(a->fault, sizeof a->fault, format, list);
	va_end(list);
	return status;
}

__attribute__((format(printf, 2, 0))) static void
add_line(struct buffer *to, const char *format, va_list list)
{
	char line[640];

	(void)vsnprintf(line, sizeof line, format, list);
	buffer_add(to, line, strlen(line));
	buffer_add(to, "\n", 1);
}

void
verb_note(struct verb_answer *a, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	add_line(&a->notes, format, list);
	va_end(list);
}

void
verb_remark(struct verb_answer *a, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	add_line(&a->remarks, format, list);
	va_end(list);
}

enum diag_exit
verb_policy_fault(struct verb_answer *a, const struct fault *f)
{
	if (f->line > 0)
		return verb_fault(a, fault_status(f), "%s:%u:%u: %s", f->file, f->line, f->column, f->text);
	return verb_fault(a, fault_status(f), "%s: %s", f->file, f->text);
}

bool
verb_io_fault(struct verb_answer *a, const char *name)
{
	a->again = file_fault_status(errno) == EXIT_AGAIN;
	(void)verb_fault(a, EXIT_IO, "%s: %s", name, file_read_fault(errno));
	return false;
}

void
verb_reference(const struct policy *p, struct bytes patient, struct buffer *to)
{
	const struct yaml_node *type = p->record == NULL ? NULL : yaml_find(p->record, "subject_type");

	if (memchr(patient.at, '/', patient.size) == NULL && type != NULL) {
		buffer_add(to, type->text.at, type->text.size);
		buffer_add(to, "/", 1);
	}
	buffer_add(to, patient.at, patient.size);
}

struct json_write
verb_line_begin(struct buffer *out)
{
	struct json_write w = json_write_to(out);

	json_write_open(&w, '{');
	return w;
}

void
verb_line_end(struct json_write *w)
{
	json_write_close(w, '}');
	json_write_raw(w, (struct bytes)BYTES("\n"));
	verb_written(w);
}

void
verb_written(const struct json_write *w)
{
	if (!json_write_whole(w))
		diag_bug("a text longer than its buffer");
}
