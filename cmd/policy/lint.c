/* SPDX-License-Identifier: ISC */
#include "cmd/policy/lint.h"

#include "common/base/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
lint_init(struct lint *l, struct policy *p)
{
	*l = (struct lint){ .policy = p };
}

void
lint_release(struct lint *l)
{
	free(l->finding);
	*l = (struct lint){ 0 };
}

void
lint_fault(struct lint *l, const struct fault *f, bool is_warning)
{
	for (size_t i = 0; i < l->count; i++) {
		const struct fault *other = &l->finding[i].fault;
		/* Two loaders that read one file find one fault twice. */
		if (other->line == f->line && other->column == f->column &&
		    strcmp(other->file, f->file) == 0 && strcmp(other->text, f->text) == 0)
			return;
	}
	if (l->count == l->room) {
		l->room = l->room > 0 ? l->room * 2 : 16;
		struct finding *larger = reallocarray(l->finding, l->room, sizeof(*larger));
		if (larger == NULL)
			diag_die(EXIT_IO, "out of memory");
		l->finding = larger;
	}
	l->finding[l->count++] = (struct finding){ *f, is_warning };
}

static void __attribute__((format(printf, 3, 0)))
add(struct lint *l, struct finding *finding, const char *format, va_list list)
{
	struct fault *f = &finding->fault;
	size_t used = strlen(f->text);

	(void)vsnprintf(f->text + used, sizeof(f->text) - used, format, list);
	lint_fault(l, f, finding->is_warning);
}

void
lint_error(
    struct lint *l, const char *file, const struct yaml_node *node, const char *code, const char *format, ...)
{
	struct finding finding = { 0 };
	va_list list;

	(void)fault_at(&finding.fault, file, node, "%s: ", code);
	va_start(list, format);
	add(l, &finding, format, list);
	va_end(list);
}

void
lint_warn(
    struct lint *l, const char *file, const struct yaml_node *node, const char *code, const char *format, ...)
{
	struct finding finding = { .is_warning = true };
	va_list list;

	(void)fault_at(&finding.fault, file, node, "%s: ", code);
	va_start(list, format);
	add(l, &finding, format, list);
	va_end(list);
}

static int
by_place(const void *a, const void *b)
{
	const struct fault *left = &((const struct finding *)a)->fault;
	const struct fault *right = &((const struct finding *)b)->fault;
	int order = strcmp(left->file, right->file);

	if (order != 0)
		return order;
	if (left->line != right->line)
		return left->line < right->line ? -1 : 1;
	if (left->column != right->column)
		return left->column < right->column ? -1 : 1;
	return strcmp(left->text, right->text);
}

void
lint_sort(struct lint *l)
{
	if (l->count > 1)
		qsort(l->finding, l->count, sizeof(*l->finding), by_place);
}

bool
lint_holds(const struct yaml_node *node, struct bytes text)
{
	if (node == NULL)
		return false;
	if (node->kind == YAML_STRING)
		return bytes_equal(node->text, text);
	for (size_t i = 0; node->kind == YAML_LIST && i < node->count; i++)
		if (bytes_equal(node->item[i]->text, text))
			return true;
	return false;
}
