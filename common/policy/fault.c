/* SPDX-License-Identifier: ISC */
#include "common/policy/fault.h"

#include "common/base/file.h"
#include "common/policy/yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
fault_print(const struct fault *f)
{
	if (f->line == 0)
		diag_warn("%s: %s", f->file, f->text);
	else
		diag_warn("%s:%u:%u: %s", f->file, f->line, f->column, f->text);
}

_Noreturn void
fault_exit(const struct fault *f)
{
	if (f->line == 0)
		diag_die(fault_status(f), "%s: %s", f->file, f->text);
	diag_die(fault_status(f), "%s:%u:%u: %s", f->file, f->line, f->column, f->text);
}

enum diag_exit
fault_status(const struct fault *f)
{
	return f->error != 0 ? file_fault_status(f->error) : EXIT_POLICY;
}

__attribute__((format(printf, 5, 0))) static void
fault_write(
    struct fault *f, const char *file, unsigned line, unsigned column, const char *format, va_list list)
{
	if (f->text[0] != '\0')
		return;
	f->file = file;
	f->line = line;
	f->column = column;
	(void)vsnprintf(f->text, sizeof(f->text), format, list);
}

bool
fault_at(struct fault *f, const char *file, const struct yaml_node *node, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	fault_write(f, file, node != NULL ? node->line : 0, node != NULL ? node->column : 0, format, list);
	va_end(list);
	return false;
}

bool
fault_line(struct fault *f, const char *file, unsigned line, unsigned column, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	fault_write(f, file, line, column, format, list);
	va_end(list);
	return false;
}

bool
fault_unread(struct fault *f, const char *file, int error)
{
	if (f->text[0] == '\0')
		f->error = error;
	return fault_at(f, file, NULL, "%s", file_read_fault(error));
}
