/* SPDX-License-Identifier: ISC */
#include "common/access/parts.h"

#include "common/access/known.h"

#include <stdlib.h>

static const char *const layer_names[LAYER_COUNT] = { "outbound", "jurisdiction", "organization", "consent",
	"clearance", "command", "obligations", "request" };

struct writing {
	struct json_write *w;
	const struct answer_frame *a;
	const struct verdict *v;
	unsigned duties; /* obligations that were written */
};

static const struct bytes nothing = { "", 0 };

const char *
answer_layer_name(enum layer layer)
{
	return layer_names[layer];
}

static void
put_word(struct json_write *w, const char *name, const char *word)
{
	json_write_member_word(w, name, bytes_of(word));
}

static void
put_instant(struct json_write *w, const char *name, struct instant t)
{
	char text[32];

	clock_format(t, text);
	put_word(w, name, text);
}

static void
open_list(struct json_write *w, const char *name)
{
	json_write_name(w, name);
	json_write_open(w, '[');
}

/* Opens the list NAME before its first element: a list without elements is not written. */
static void
open_list_once(struct json_write *w, const char *name, bool *open)
{
	if (!*open)
		open_list(w, name);
	*open = true;
}

static void
close_list_if(struct json_write *w, bool open)
{
	if (open)
		json_write_close(w, ']');
}

static void
open_answer(struct json_write *w, bool decision, struct bytes id)
{
	json_write_open(w, '{');
	json_write_name(w, "decision");
	json_write_bool(w, decision);
	json_write_name(w, "context");
	json_write_open(w, '{');
	if (id.size > 0)
		json_write_member_value(w, "id", id);
}

static void
close_answer(struct json_write *w)
{
	json_write_close(w, '}');
	json_write_close(w, '}');
}

void
answer_error(struct json_write *w, struct bytes id, const char *message)
{
	open_answer(w, false, id);
	json_write_name(w, "error");
	json_write_open(w, '{');
	json_write_member_number(w, "status", 400);
	json_write_member(w, "message", bytes_of(message));
	json_write_close(w, '}');
	close_answer(w);
}

static void
put_values(struct json_write *w, const struct values *all)
{
	static const char *const words[] = { [VALUE_TRUE] = "true", [VALUE_FALSE] = "false" };

	for (uint32_t i = 0; i < all->count; i++) {
		const struct value *v = &all->at[i];

		if (v->kind == VALUE_STRING)
			json_write_text(w, v->text);
		else
			json_write_value(w, v->kind == VALUE_NUMBER ? v->text : bytes_of(words[v->kind]));
	}
}

static void
put_if(struct json_write *w, const char *name, struct bytes text)
{
	if (text.size > 0)
		json_write_member(w, name, text);
}

/* The one value of an attribute, if it is a string or a number; else nothing is written. */
static void
put_one(struct json_write *w, const char *name, const struct values *v)
{
	if (!v->present || v->count != 1)
		return;
	if (v->at[0].kind == VALUE_STRING)
		put_if(w, name, v->at[0].text);
	else if (v->at[0].kind == VALUE_NUMBER)
		json_write_member_value(w, name, v->at[0].text);
}

/*
 * What the decision is bound to.  Whoever carries it out compares: the request is the SHA-256 of the
 * request line's bytes without its newline, so a decision can be told from one for another device or
 * epoch.
 */
static void
put_about(const struct writing *x)
{
	const struct request *q = x->v->request;
	const struct situation *s = &x->v->situation;
	const struct entities *entities = x->a->engine->entities;
	struct json_write *w = x->w;
	struct bytes patient = request_string(q, ATTRIBUTE_RESOURCE_PATIENT);
	struct bytes action = request_string(q, ATTRIBUTE_ACTION_NAME);

	json_write_name(w, "about");
	json_write_open(w, '{');
	put_word(w, "request", x->a->request);
	json_write_member(w, "subject", request_string(q, ATTRIBUTE_SUBJECT_ID));
	json_write_member(w, "action", action);
	json_write_name(w, "resource");
	json_write_open(w, '{');
	json_write_member(w, "type", request_string(q, ATTRIBUTE_RESOURCE_TYPE));
	json_write_member(w, "id", request_string(q, ATTRIBUTE_RESOURCE_ID));
	json_write_close(w, '}');
	put_if(w, "patient", patient);
	put_if(w, "time", q->stated_time);
	if (entities)
		put_if(w, "pseudonym", entities_pseudonym(entities, patient));
	if (situation_values(s, ATTRIBUTE_PURPOSE)->present) {
		open_list(w, "purpose");
		put_values(w, situation_values(s, ATTRIBUTE_PURPOSE));
		json_write_close(w, ']');
	}
	if (decide_is_command(q))
		put_if(w, "command", request_string(q, ATTRIBUTE_COMMAND));
	/* An id is a person's within her domain. */
	if (known_declares(q) || known_ends(q) || bytes_are(action, "subscribe"))
		put_if(w, "domain", request_string(q, ATTRIBUTE_SUBJECT_DOMAIN));
	if (known_declares(q) || known_ends(q))
		put_if(w, "relation", request_string(q, ATTRIBUTE_RELATION));
	if (known_declares(q))
		put_if(w, "until", request_string(q, ATTRIBUTE_UNTIL));
	if (bytes_are(action, "subscribe")) {
		open_list(w, "roles");
		put_values(w, situation_values(s, ATTRIBUTE_STRUCTURAL_ROLE));
		put_values(w, situation_values(s, ATTRIBUTE_FUNCTIONAL_ROLE));
		json_write_close(w, ']');
	}
	/* Whoever holds the record must not take this for the custodian's decision. */
	if (x->a->engine->outbound_only)
		put_word(w, "only", "outbound");
	put_one(w, "device", &q->at[ATTRIBUTE_DEVICE]);
	put_one(w, "epoch", &q->at[ATTRIBUTE_EPOCH]);
	json_write_close(w, '}');
}

/* One layer, up to its rules: those that its result rests on. */
static void
open_layer(struct json_write *w, enum layer layer, struct bytes domain, enum result result)
{
	static const char *const results[] = { "NotApplicable", "Permit", "Deny", "Indeterminate" };

	json_write_open(w, '{');
	put_word(w, "layer", layer_names[layer]);
	put_if(w, "domain", domain);
	put_word(w, "result", results[result]);
	open_list(w, "rules");
}

static void
close_rules(struct json_write *w, bool by_default, enum result result, const char *reason)
{
	json_write_close(w, ']');
	if (by_default)
		json_write_member_value(w, "default", (struct bytes)BYTES("true"));
	if (reason && (result == RESULT_DENY || result == RESULT_INDETERMINATE))
		put_word(w, "reason", reason);
}

/* {"rule":"H-2","missing":["subject.ward"]}; without a rule for the layer itself. */
static void
put_missing(const struct writing *x, struct bytes id_text, const struct attribute_set *missing)
{
	const struct attributes *all = &x->a->engine->attributes;
	struct json_write *w = x->w;

	json_write_open(w, '{');
	if (id_text.size > 0)
		json_write_member_value(w, "rule", id_text);
	open_list(w, "missing");
	for (unsigned i = 0; i < all->count; i++)
		if (attribute_set_has(missing, all->order[i]))
			json_write_word(w, all->at[all->order[i]].name);
	json_write_close(w, ']');
	json_write_close(w, '}');
}

static void
put_unknown(const struct writing *x, const struct layer_outcome *o, enum effect effect, const char *name)
{
	bool open = false;

	for (uint32_t i = 0; o->state && i < o->file->rules; i++) {
		const struct access_rule *rule = &o->file->rule[i];

		if (rule->effect != effect || o->state[i].holding != RULE_UNKNOWN || rule->skip_missing)
			continue;
		open_list_once(x->w, name, &open);
		put_missing(x, rule->id_text, &o->state[i].missing);
	}
	close_list_if(x->w, open);
}

static void
put_outcome(const struct writing *x, const struct layer_outcome *o)
{
	struct json_write *w = x->w;
	unsigned whose = o->layer == LAYER_OUTBOUND ? ATTRIBUTE_SUBJECT_DOMAIN : ATTRIBUTE_RESOURCE_DOMAIN;

	open_layer(w, o->layer, request_string(x->v->request, whose), o->result);
	for (uint32_t i = 0; o->state && i < o->file->rules; i++)
		if (layer_rule_spoke(o, i))
			json_write_value(w, o->file->rule[i].id_text);
	close_rules(w, o->by_default, o->result, o->reason);
	if (o->result != RESULT_PERMIT)
		put_unknown(x, o, EFFECT_PERMIT, "near_miss");
	put_unknown(x, o, EFFECT_DENY, "unknown");
	if (x->a->explain)
		explain_outcome(w, x->a->engine, x->v, o);
	if (!o->state && o->result == RESULT_INDETERMINATE) {
		open_list(w, "unknown");
		put_missing(x, nothing, &o->missing);
		json_write_close(w, ']');
	}
	json_write_close(w, '}');
}

static void
put_consent(const struct writing *x)
{
	const struct consent *c = &x->v->consent;
	struct json_write *w = x->w;
	bool open = false;

	open_layer(w, LAYER_CONSENT, nothing, c->result);
	for (uint32_t i = 0; i < c->speaks; i++)
		json_write_value(w, c->spoken[i]->id_text);
	close_rules(w, c->by_default, c->result, c->reason);
	for (uint32_t i = 0; i < c->overrides; i++) {
		open_list_once(w, "overridden_by", &open);
		json_write_value(w, c->overriding[i]->id_text);
	}
	close_list_if(w, open);
	open = false;
	for (uint32_t i = 0; i <= c->opinions; i++)
		for (const struct consent_note *n = i < c->opinions ? c->opinion[i].unknown : c->unknown; n;
		     n = n->next) {
			open_list_once(w, "unknown", &open);
			put_missing(x, n->id_text, &n->missing);
		}
	close_list_if(w, open);
	if (x->a->explain)
		explain_consent(w, x->a->engine, x->v);
	json_write_close(w, '}');
}

static void
put_stage(const struct writing *x, enum layer layer)
{
	const char *reason = x->v->reasons[layer];
	enum result result = reason ? RESULT_DENY : RESULT_PERMIT;

	open_layer(x->w, layer, nothing, result);
	close_rules(x->w, false, result, reason);
	json_write_close(x->w, '}');
}

static void
put_layers(const struct writing *x)
{
	const struct verdict *v = x->v;

	open_list(x->w, "layers");
	for (int i = 0; i < LAYER_CONSENT; i++)
		if (v->outcome[i].applies)
			put_outcome(x, &v->outcome[i]);
	if (v->consent.applies)
		put_consent(x);
	if (v->cleared)
		put_stage(x, LAYER_CLEARANCE);
	if (v->commanded)
		put_stage(x, LAYER_COMMAND);
	json_write_close(x->w, ']');
}

static void
open_duty(struct writing *x, struct bytes type, struct bytes action)
{
	char id[16] = "ob-";
	struct buffer number = { .at = id, .used = 3, .room = sizeof id, .limit = sizeof id };
	struct json_write digits = json_write_to(&number);

	json_write_natural(&digits, ++x->duties);
	json_write_open(x->w, '{');
	json_write_member_word(x->w, "id", buffer_bytes(&number));
	json_write_member_word(x->w, "type", type);
	json_write_name(x->w, "properties");
	json_write_open(x->w, '{');
	put_word(x->w, "vendor", "ehr");
	json_write_member_word(x->w, "action", action);
}

static void
open_custom_duty(struct writing *x, const char *action)
{
	open_duty(x, bytes_of("custom"), bytes_of(action));
}

static void
close_duty(struct writing *x)
{
	json_write_close(x->w, '}');
	json_write_close(x->w, '}');
}

static void
put_common(const struct writing *x, const struct criterion *first, const struct criterion *second)
{
	json_write_key(x->w, x->a->engine->attributes.at[first->attribute].key);
	json_write_open(x->w, '[');
	for (uint32_t i = 0; i < first->listed; i++)
		for (uint32_t k = 0; k < second->listed; k++)
			if (bytes_equal(first->list[i].value.text, second->list[k].value.text)) {
				json_write_text(x->w, first->list[i].value.text);
				break;
			}
	json_write_close(x->w, ']');
}

static void
put_scope(const struct writing *x, const struct scope *s)
{
	for (unsigned i = 0; i < DATA_COUNT; i++) {
		if (!s->first[i])
			continue;
		if (s->second[i])
			put_common(x, s->first[i], s->second[i]);
		else
			json_write_members(x->w, s->first[i]->text);
	}
}

static void
put_exception(const struct writing *x, const struct scope *s, bool *open)
{
	open_list_once(x->w, "except", open);
	json_write_open(x->w, '{');
	put_scope(x, s);
	json_write_close(x->w, '}');
}

static void
put_item(const struct writing *x, const struct item *item)
{
	bool open = false;

	put_scope(x, &item->scope);
	for (uint32_t i = 0; i < item->excepts; i++)
		put_exception(x, &item->except[i], &open);
	close_list_if(x->w, open);
}

static void
put_redact(struct writing *x, const struct item *item)
{
	open_custom_duty(x, "redact");
	if (!x->a->public_only)
		json_write_member_value(x->w, "rule", item->rule->id_text);
	put_item(x, item);
	close_duty(x);
}

static void
put_any_of(const struct writing *x, const struct keep *keep)
{
	open_list(x->w, "any_of");
	for (const struct item *item = keep->items; item; item = item->next) {
		json_write_open(x->w, '{');
		put_item(x, item);
		json_write_close(x->w, '}');
	}
	json_write_close(x->w, ']');
}

/* "date":{"from":"2020","until":"2020"}: entries of that time.  A criterion has one period. */
static void
put_date(const struct writing *x, const struct value *date)
{
	const struct values one = { .at = date, .count = 1 };

	json_write_name(x->w, "date");
	json_write_open(x->w, '{');
	json_write_name(x->w, "from");
	put_values(x->w, &one);
	json_write_name(x->w, "until");
	put_values(x->w, &one);
	json_write_close(x->w, '}');
}

static void
put_narrowed(const struct writing *x, unsigned attribute, const struct values *v)
{
	bool all = v->count > 1 && !narrowing_any(attribute);

	json_write_key(x->w, x->a->engine->attributes.at[attribute].key);
	if (all) {
		json_write_open(x->w, '{');
		json_write_name(x->w, "all");
	}
	json_write_open(x->w, '[');
	put_values(x->w, v);
	json_write_close(x->w, ']');
	if (all)
		json_write_close(x->w, '}');
}

/* One item for each date. */
static void
put_narrowing(struct writing *x)
{
	const struct narrowing *n = &x->v->narrowing;
	const struct values *dates = &n->at[ATTRIBUTE_DATE - DATA_FIRST];
	uint32_t items = dates->present ? dates->count : 1;

	open_custom_duty(x, "keep-only");
	open_list(x->w, "any_of");
	for (uint32_t i = 0; i < items; i++) {
		bool open = false;

		json_write_open(x->w, '{');
		for (unsigned k = 0; k < DATA_COUNT; k++)
			if (DATA_FIRST + k == ATTRIBUTE_DATE && dates->present)
				put_date(x, &dates->at[i]);
			else if (n->at[k].present)
				put_narrowed(x, DATA_FIRST + k, &n->at[k]);
		for (uint32_t k = 0; k < x->v->spares; k++)
			put_exception(x, x->v->spared[k], &open);
		close_list_if(x->w, open);
		json_write_close(x->w, '}');
	}
	json_write_close(x->w, ']');
	close_duty(x);
}

struct limit {
	struct bytes text;
	uint32_t number;
};

static int
by_text(const void *a, const void *b)
{
	const struct limit *left = a, *right = b;
	int order = bytes_compare(left->text, right->text);

	return order != 0 ? order : (left->number > right->number) - (left->number < right->number);
}

/*
 * The members of each keep-only, as they stand behind the others.  Of those that read the same the first
 * stays.
 */
static struct bytes *
keep_texts(const struct writing *x)
{
	const struct verdict *v = x->v;
	struct buffer *out = x->w->out;
	struct json_write before = *x->w;
	size_t start = out->used;
	struct bytes *text = scratch_array(x->a->scratch, v->keeps, sizeof *text);
	struct limit *sorted = scratch_array(x->a->scratch, v->keeps, sizeof *sorted);

	for (uint32_t i = 0; i < v->keeps; i++) {
		char *copy;

		x->w->comma = true;
		put_any_of(x, &v->keep[i]);
		copy = scratch_take(x->a->scratch, out->used - start);
		memcpy(copy, out->at + start, out->used - start);
		text[i] = (struct bytes){ copy, out->used - start };
		sorted[i] = (struct limit){ text[i], i };
		out->used = start;
	}
	*x->w = before;
	if (v->keeps > 1)
		qsort(sorted, v->keeps, sizeof *sorted, by_text);
	for (uint32_t i = 1; i < v->keeps; i++)
		if (bytes_equal(sorted[i].text, sorted[i - 1].text))
			text[sorted[i].number].size = 0;
	return text;
}

static void
put_owed(struct writing *x, const struct owed *owed)
{
	open_duty(x, owed->duty->type, owed->duty->action);
	if (!x->a->public_only)
		json_write_member_value(x->w, "rule", owed->rule->id_text);
	json_write_members(x->w, owed->duty->members);
	if (owed->timed)
		put_instant(x->w, "at", owed->at);
	close_duty(x);
}

static void
put_keeps(struct writing *x)
{
	uint32_t keeps = x->v->keeps;
	const struct bytes *text;

	if (keeps == 0)
		return;
	text = keep_texts(x);
	for (uint32_t i = 0; i < keeps; i++) {
		if (text[i].size == 0)
			continue;
		open_custom_duty(x, "keep-only");
		json_write_raw(x->w, text[i]);
		close_duty(x);
	}
}

static void
put_limits(struct writing *x)
{
	const struct verdict *v = x->v;

	if (v->level_owed) {
		open_custom_duty(x, "level");
		json_write_member(x->w, "rl", x->a->engine->policy->level[v->level].name);
		json_write_member_number(x->w, "al", v->al);
		close_duty(x);
	}
	for (uint32_t i = 0; i < v->redacts; i++)
		put_redact(x, v->redact[i]);
	put_keeps(x);
	if (v->narrowing.there)
		put_narrowing(x);
}

static void
put_duties(struct writing *x)
{
	const struct verdict *v = x->v;

	open_list(x->w, "obligations");
	/* The obligations of a denial would tell another domain why it was denied. */
	if (v->permitted || !x->a->public_only) {
		if (v->permitted)
			put_limits(x);
		for (uint32_t i = 0; i < v->owes; i++)
			put_owed(x, &v->owed[i]);
		if (v->step_up) {
			open_duty(x, bytes_of("step-up"), bytes_of("step-up"));
			json_write_member(x->w, "acr_value", intern_text(&x->a->engine->words, v->step_up));
			close_duty(x);
		}
	}
	json_write_close(x->w, ']');
}

static void
put_denied_by(const struct writing *x)
{
	bool open = false;

	for (int i = 0; i < LAYER_COUNT; i++)
		if (x->v->denied[decide_order[i]]) {
			open_list_once(x->w, "denied_by", &open);
			json_write_word(x->w, bytes_of(layer_names[decide_order[i]]));
		}
	close_list_if(x->w, open);
}

static void
put_level(const struct writing *x)
{
	const struct verdict *v = x->v;

	if (!v->permitted || !v->cleared)
		return;
	json_write_member_number(x->w, "al", v->al);
	json_write_member(x->w, "rl", x->a->engine->policy->level[v->level].name);
	if (!x->a->public_only)
		json_write_member_number(x->w, "assessed_al", v->clearance.assessed);
}

void
answer_terms_write(struct json_write *w, const struct answer_frame *a, const struct verdict *v)
{
	struct writing x = { .w = w, .a = a, .v = v };

	put_level(&x);
	put_duties(&x);
	if (v->ends)
		put_instant(w, "valid_until", v->valid_until);
}

void
answer_write(struct json_write *w, const struct answer_frame *a, const struct verdict *v, struct bytes id)
{
	struct writing x = { .w = w, .a = a, .v = v };

	open_answer(w, v->permitted, id);
	put_word(w, "request", a->request);
	if (a->item >= 0)
		json_write_member_number(w, "item", a->item);
	put_about(&x);
	if (!a->public_only) {
		put_word(w, "decided_by", layer_names[v->decided_by]);
		put_denied_by(&x);
		put_word(w, "reason", v->reason);
		put_layers(&x);
	}
	answer_terms_write(w, a, v);
	answer_reason_write(w, v, a->public_only);
	if (v->request->timed)
		put_instant(w, "time", v->request->time);
	if (!a->public_only)
		json_write_members(w, a->basis);
	close_answer(w);
}
