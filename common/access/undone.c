/* SPDX-License-Identifier: ISC */
#include "common/access/parts.h"

/* What is written: where OUT is NULL it is only counted. */
struct undone {
	struct buffer *out;
	const struct verdict *v;
	uint32_t count;
};

/* True if the attribute lists WORD or is missing. */
static bool
lists(const struct verdict *v, unsigned attribute, struct bytes word)
{
	const struct values *all = situation_values(&v->situation, attribute);

	return !all->present || values_have(all, word);
}

static bool
can(const struct verdict *v, struct bytes type, struct bytes action)
{
	return lists(v, ATTRIBUTE_SUPPORTED_OBLIGATIONS, type) &&
	       lists(v, ATTRIBUTE_SUPPORTED_ACTIONS, action);
}

static void
put(struct undone *x, struct bytes text)
{
	buffer_add(x->out, text.at, text.size);
}

/* True if the action, of type custom, has to be named. */
static bool
begins(struct undone *x, const char *action)
{
	if (can(x->v, bytes_of("custom"), bytes_of(action)))
		return false;
	x->count++;
	if (!x->out)
		return false;
	put(x, bytes_of(action));
	return true;
}

static void
put_scope(struct undone *x, const struct scope *s)
{
	bool any = false;

	put(x, bytes_of(" {"));
	for (unsigned i = 0; i < DATA_COUNT; i++) {
		const struct criterion *of[] = { s->first[i], s->second[i] };

		for (unsigned k = 0; k < 2; k++) {
			if (!of[k])
				continue;
			put(x, bytes_of(any ? "," : ""));
			put(x, of[k]->text);
			any = true;
		}
	}
	put(x, bytes_of("}"));
}

static bool
lists_rule(const struct item *list, const struct access_rule *rule)
{
	while (list && list->rule != rule)
		list = list->next;
	return list != NULL;
}

/* By whom: a rule, of a directive or of a layer; without RULE the directive whose list ITEM begins. */
static void
put_origin(struct undone *x, const struct item *item)
{
	const struct consent *c = &x->v->consent;
	const struct access_rule *rule = item ? item->rule : NULL;

	put(x, bytes_of(" by"));
	if (rule) {
		put(x, bytes_of(" "));
		put(x, rule->id);
	}
	for (uint32_t i = 0; item && i < c->opinions; i++) {
		const struct opinion *o = &c->opinion[i];

		if (rule ? !lists_rule(o->redact, rule) && !lists_rule(o->keep.items, rule)
			 : o->keep.items != item)
			continue;
		put(x, bytes_of(rule ? " of directive " : " directive "));
		put(x, o->directive->id);
		return;
	}
	if (!rule)
		put(x, bytes_of(" the policy"));
}

static void
put_redact(struct undone *x, const struct item *item)
{
	if (!begins(x, "redact"))
		return;
	put_scope(x, &item->scope);
	put_origin(x, item);
	put(x, bytes_of("\n"));
}

static void
put_keep(struct undone *x, const struct keep *keep)
{
	if (!begins(x, "keep-only"))
		return;
	for (const struct item *item = keep->items; item; item = item->next)
		put_scope(x, &item->scope);
	put_origin(x, keep->items);
	put(x, bytes_of("\n"));
}

static void
put_owed(struct undone *x, const struct owed *owed)
{
	if (can(x->v, owed->duty->type, owed->duty->action))
		return;
	x->count++;
	if (!x->out)
		return;
	put(x, owed->duty->action);
	put(x, bytes_of(" by "));
	put(x, owed->rule->id);
	put(x, bytes_of("\n"));
}

bool
undone_write(struct buffer *out, const struct verdict *v)
{
	struct undone x = { .out = out, .v = v };
	bool denied = v->denied[LAYER_OBLIGATIONS];
	const struct owed *owed = denied ? v->unmet : v->owed;
	uint32_t owes = denied ? v->unmets : v->owes;

	if (v->level_owed && begins(&x, "level"))
		put(&x, bytes_of(" by the clearances\n"));
	for (uint32_t i = 0; i < v->redacts; i++)
		put_redact(&x, v->redact[i]);
	for (uint32_t i = 0; i < v->keeps; i++)
		put_keep(&x, &v->keep[i]);
	if (v->narrowing.there && begins(&x, "keep-only"))
		put(&x, bytes_of(" what the request asks for\n"));
	for (uint32_t i = 0; i < owes; i++)
		put_owed(&x, &owed[i]);
	return x.count > 0;
}
