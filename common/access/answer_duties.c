/* SPDX-License-Identifier: ISC */
#include "common/access/answer_duties.h"

#include "common/access/put.h"
#include "common/json/json_write.h"

static void
begin(const struct answer *a, unsigned *number)
{
	put(a->out, *number == 0 ? "{\"id\":\"ob-" : ",{\"id\":\"ob-");
	put_number(a->out, ++*number);
	put(a->out, "\",");
}

static void
begin_custom(const struct answer *a, unsigned *number, const char *action)
{
	begin(a, number);
	put(a->out, "\"type\":\"custom\",\"properties\":{\"vendor\":\"ehr\",\"action\":\"");
	put(a->out, action);
	put(a->out, "\"");
}

/* Two lists of one criterion: what stands in both. */
static void
put_common(const struct answer *a, const struct test *first, const struct test *second)
{
	struct buffer *out = a->out;
	bool any = false;

	(void)json_write_string(out, a->engine->attributes.at[first->attribute].key);
	put(out, ":[");
	for (uint32_t i = 0; i < first->entries; i++)
		for (uint32_t k = 0; k < second->entries; k++)
			if (bytes_equal(first->entry[i].value.text, second->entry[k].value.text)) {
				put(out, any ? "," : "");
				(void)json_write_string(out, first->entry[i].value.text);
				any = true;
				break;
			}
	put(out, "]");
}

/* "class":[..],"label":[..]; true if anything was written. */
static bool
put_scope(const struct answer *a, const struct scope *s, bool comma)
{
	for (unsigned i = 0; i < DATA_COUNT; i++) {
		if (!s->first[i])
			continue;
		put(a->out, comma ? "," : "");
		if (s->second[i])
			put_common(a, s->first[i], s->second[i]);
		else
			put_bytes(a->out, s->first[i]->text);
		comma = true;
	}
	return comma;
}

static void
put_item(const struct answer *a, const struct item *item, bool comma)
{
	comma = put_scope(a, &item->scope, comma);
	if (item->excepts == 0)
		return;
	put(a->out, comma ? ",\"except\":[" : "\"except\":[");
	for (uint32_t i = 0; i < item->excepts; i++) {
		put(a->out, i > 0 ? ",{" : "{");
		(void)put_scope(a, &item->except[i], false);
		put(a->out, "}");
	}
	put(a->out, "]");
}

static void
put_level(const struct answer *a, const struct verdict *v, unsigned *number)
{
	begin_custom(a, number, "level");
	put(a->out, ",\"rl\":");
	(void)json_write_string(a->out, a->engine->policy->level[v->level].name);
	put(a->out, ",\"al\":");
	put_number(a->out, v->al);
	put(a->out, "}}");
}

static void
put_redact(const struct answer *a, const struct item *item, unsigned *number)
{
	begin_custom(a, number, "redact");
	if (!a->public_only) {
		put(a->out, ",\"rule\":");
		put_bytes(a->out, item->rule->id_text);
	}
	put_item(a, item, true);
	put(a->out, "}}");
}

static void
put_any_of(const struct answer *a, const struct keep *keep)
{
	put(a->out, "\"any_of\":[");
	for (const struct item *item = keep->items; item; item = item->next) {
		put(a->out, item == keep->items ? "{" : ",{");
		put_item(a, item, false);
		put(a->out, "}");
	}
	put(a->out, "]}}");
}

/* Was the same list written by an earlier one?  They are told apart by what would be written. */
static bool
is_repeated(const struct answer *a, const struct verdict *v, uint32_t at)
{
	struct buffer *out = a->out;
	size_t start = out->used, end;
	bool found = false;

	put_any_of(a, &v->keep[at]);
	end = out->used;
	for (uint32_t i = 0; i < at && !found; i++) {
		put_any_of(a, &v->keep[i]);
		found = out->used - end == end - start &&
			memcmp(out->at + start, out->at + end, end - start) == 0;
		out->used = end;
	}
	out->used = start;
	return found;
}

static void
put_owed(const struct answer *a, const struct owed *owed, unsigned *number)
{
	char at[32];

	begin(a, number);
	put_bytes(a->out, a->public_only ? owed->duty->text_public : owed->duty->text);
	if (owed->timed) {
		clock_format(owed->at, at);
		put(a->out, ",\"at\":\"");
		put(a->out, at);
		put(a->out, "\"");
	}
	put(a->out, "}}");
}

static void
put_step_up(const struct answer *a, const struct verdict *v, unsigned *number)
{
	begin(a, number);
	put(a->out,
	    "\"type\":\"step-up\",\"properties\":{\"vendor\":\"ehr\",\"action\":\"step-up\",\"acr_value\":");
	(void)json_write_string(a->out, intern_text(&a->engine->words, v->step_up));
	put(a->out, "}}");
}

void
answer_duties(const struct answer *a, const struct verdict *v)
{
	unsigned number = 0;

	/* What a denial asks for would tell an outsider why it was denied. */
	if (a->public_only && !v->permitted)
		return;
	if (v->permitted) {
		if (v->level_owed)
			put_level(a, v, &number);
		for (uint32_t i = 0; i < v->redacts; i++)
			put_redact(a, v->redact[i], &number);
		for (uint32_t i = 0; i < v->keeps; i++) {
			if (is_repeated(a, v, i))
				continue;
			begin_custom(a, &number, "keep-only");
			put(a->out, ",");
			put_any_of(a, &v->keep[i]);
		}
	}
	for (uint32_t i = 0; i < v->owes; i++)
		put_owed(a, &v->owed[i], &number);
	if (v->step_up)
		put_step_up(a, v, &number);
}
