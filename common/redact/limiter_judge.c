/* SPDX-License-Identifier: ISC */
#include "common/redact/parts.h"

#include "common/base/bisect.h"
#include "common/base/truth.h"
#include "common/policy/codes.h"
#include "common/redact/token.h"

#include <string.h>

/* How a code of a demand is found; a code without its system, or written otherwise, is like it only. */
enum {
	CODE_LIKE = 1,
	CODE_SAME = 2,
	CODE_ANYWHERE = 2, /* shift: anywhere in the root, else where the context is about */
	CODE_OWN = 4,      /* shift: in the entry itself */
};

/* The byte behind the codes: what has codes at all. */
enum { HAS_SCOPE = 1, HAS_ROOT = 2, HAS_OWN = 4 };

size_t
limiter_context_size(const struct obligations *o)
{
	return (size_t)o->count * DEMAND_COUNT + o->codes + 1;
}

static uint8_t *
codes_of(const struct obligations *o, uint8_t *context)
{
	return context + (size_t)o->count * DEMAND_COUNT;
}

static bool
same_folded(struct bytes a, struct bytes b)
{
	size_t k = 0;

	for (size_t i = 0; i < a.size; i++) {
		if (a.at[i] == '.' || a.at[i] == ' ')
			continue;
		while (k < b.size && (b.at[k] == '.' || b.at[k] == ' '))
			k++;
		if (k == b.size || ascii_lower(a.at[i]) != ascii_lower(b.at[k++]))
			return false;
	}
	while (k < b.size && (b.at[k] == '.' || b.at[k] == ' '))
		k++;
	return k == b.size;
}

/* Whether node CODE, under the system at node SYSTEM if that is not 0, is the code of V. */
static unsigned
match_code(struct limiter *l, const struct demand_value *v, uint32_t code, uint32_t system)
{
	const struct json *j = l->outline->json;
	bool is_system = system != 0 && json_kind(j, system) == JSON_STRING;
	struct bytes text;

	if (json_kind(j, code) != JSON_STRING)
		return CODE_LIKE;
	if (is_system && v->system.size > 0 &&
	    !codes_same_system(json_string(j, system, &l->room), v->system))
		return 0;
	text = json_string(j, code, &l->room);
	if (!same_folded(text, v->code))
		return 0;
	return bytes_equal(text, v->code) && (is_system || v->system.size == 0) ? CODE_LIKE | CODE_SAME
										: CODE_LIKE;
}

static void
add_coding(struct limiter *l, uint8_t *context, uint32_t coding, unsigned shifts)
{
	const struct outline *out = l->outline;
	const struct obligations *o = l->obligations;
	uint8_t *codes = codes_of(o, context);
	uint32_t code = json_member_key(out->json, coding, out->places.code);
	uint32_t system = json_member_key(out->json, coding, out->places.system);

	for (uint32_t i = 0; i < o->count; i++)
		for (int kind = DEMAND_CLASS; kind <= DEMAND_CODE; kind += DEMAND_CODE - DEMAND_CLASS) {
			const struct demand *d = &o->demands[i]->of[kind];

			for (uint32_t k = 0; k < d->values; k++) {
				const struct demand_value *v = &d->value[k];
				unsigned found;

				if (kind == DEMAND_CLASS && (v->system.size == 0 || v->by_content))
					continue;
				found = match_code(l, v, code, system);
				for (unsigned s = 0; s <= CODE_OWN; s += 2)
					if ((shifts >> s) & 1)
						codes[v->number] |= (uint8_t)(found << s);
			}
		}
}

static enum truth
found_code(uint8_t codes, unsigned shift)
{
	unsigned found = (unsigned)codes >> shift;

	return (found & CODE_SAME) != 0 ? TRUTH_TRUE : (found & CODE_LIKE) != 0 ? TRUTH_UNKNOWN : TRUTH_FALSE;
}

/* The truth of a list by those of its values. */
struct tally {
	enum truth any, all;
};

static const struct tally nothing = { TRUTH_FALSE, TRUTH_TRUE };

static void
count_in(struct tally *t, enum truth value)
{
	t->any = truth_or(t->any, value);
	t->all = truth_and(t->all, value);
}

static enum truth
outcome(const struct demand *d, struct tally t)
{
	return d->mode == DEMAND_ANY ? t.any : d->mode == DEMAND_ALL ? t.all : truth_not(t.any);
}

static enum truth
judge_codes(const struct obligations *o, uint8_t *context, const struct demands *s, unsigned has)
{
	const struct demand *d = &s->of[DEMAND_CODE];
	const uint8_t *codes = codes_of(o, context);
	bool own = s->lenient && d->mode == DEMAND_NOT && (codes[o->codes] & HAS_OWN) != 0;
	struct tally t = nothing;

	if ((codes[o->codes] & has) == 0)
		return TRUTH_UNKNOWN;
	for (uint32_t i = 0; i < d->values; i++)
		count_in(&t, found_code(codes[d->value[i].number], own ? CODE_OWN : 0));
	return outcome(d, t);
}

/* `type/subtype` of a content type, without its parameters. */
static struct bytes
without_parameters(struct bytes text)
{
	const char *end = text.size > 0 ? memchr(text.at, ';', text.size) : NULL;

	return bytes_trim((struct bytes){ text.at, end ? (size_t)(end - text.at) : text.size });
}

/* The name of a format that content types share: xml of `text/xml`, `application/xml` and `x/y+xml`. */
static struct bytes
format_of(struct bytes type)
{
	const char *at = type.size > 0 ? memrchr(type.at, '/', type.size) : NULL;
	const char *plus = type.size > 0 ? memrchr(type.at, '+', type.size) : NULL;

	if (plus && (!at || plus > at))
		at = plus;
	return at ? (struct bytes){ at + 1, type.size - (size_t)(at + 1 - type.at) } : type;
}

/* One of the two may be the other's format alone: whoever says text/xml may carry a CDA document. */
static enum truth
same_content_type(struct bytes a, struct bytes b)
{
	static const struct bytes any = BYTES("application/octet-stream");

	if (bytes_equal_folded(a, b))
		return TRUTH_TRUE;
	if (a.size == 0 || bytes_equal_folded(a, any) || bytes_equal_folded(b, any))
		return TRUTH_UNKNOWN;
	if (memchr(a.at, '+', a.size) != NULL && memchr(b.at, '+', b.size) != NULL)
		return TRUTH_FALSE;
	return bytes_equal_folded(format_of(a), format_of(b)) ? TRUTH_UNKNOWN : TRUTH_FALSE;
}

static bool
is_named_attachment(const struct limiter *l, uint32_t object)
{
	const struct json_node *before = &l->outline->json->nodes[object - 1];

	return before->kind == JSON_KEY && before->key == l->outline->places.attachment;
}

/* What the object says of its content; FALSE if it is no Attachment and no Binary. */
static enum truth
carries(struct limiter *l, uint32_t object, const struct demand_value *v)
{
	const struct json *j = l->outline->json;
	const struct places *p = &l->outline->places;
	uint32_t type = json_member_key(j, object, p->content_type);
	uint32_t data = json_member_key(j, object, p->data);

	if (type != 0 && json_kind(j, type) == JSON_STRING)
		return same_content_type(without_parameters(json_string(j, type, &l->room)), v->code);
	/* The `data` of a SampledData, which has an origin, are numbers. */
	if (type != 0 || is_named_attachment(l, object) ||
	    (data != 0 && json_kind(j, data) == JSON_STRING && json_member_key(j, object, p->origin) == 0))
		return TRUTH_UNKNOWN;
	if (json_member_key(j, object, p->url) == 0)
		return TRUTH_FALSE;
	return json_member_key(j, object, p->hash) != 0 || json_member_key(j, object, p->size) != 0 ||
		       json_member_key(j, object, p->title) != 0
		   ? TRUTH_UNKNOWN
		   : TRUTH_FALSE;
}

/* What the root, without the roots inside of it, carries of the content type V. */
static enum truth
judge_content(struct limiter *l, uint32_t root, const struct demand_value *v)
{
	const struct outline *out = l->outline;
	const struct json *j = out->json;
	uint32_t first = out->roots.at[root].node, end = j->nodes[first].next;
	enum truth found = TRUTH_FALSE;

	for (uint32_t i = first; i < end && found != TRUTH_TRUE; i++) {
		if (json_kind(j, i) != JSON_OBJECT)
			continue;
		if (i != first && roots_inner(&out->roots, i) != 0)
			i = j->nodes[i].next - 1;
		else
			found = truth_or(found, carries(l, i, v));
	}
	return found;
}

/* A document whose kind no Coding tells may be of any kind; a Binary never tells. */
static enum truth
kind_untold(const struct limiter *l, uint32_t node, struct bytes type)
{
	static const char *const documents[] = { "Composition", "DocumentReference", "DocumentManifest" };
	const struct json *j = l->outline->json;
	uint32_t kind = json_member_key(j, node, l->outline->places.type);

	if (bytes_are(type, "Binary"))
		return TRUTH_UNKNOWN;
	kind = kind != 0 && json_kind(j, kind) == JSON_OBJECT
		   ? json_member_key(j, kind, l->outline->places.coding)
		   : 0;
	for (size_t i = 0; kind == 0 && i < sizeof documents / sizeof documents[0]; i++)
		if (bytes_are(type, documents[i]))
			return TRUTH_UNKNOWN;
	return TRUTH_FALSE;
}

static enum truth
judge_class(struct limiter *l, uint8_t *context, const struct demand *d, uint32_t root, struct bytes type)
{
	const uint8_t *codes = codes_of(l->obligations, context);
	uint32_t node = l->outline->roots.at[root].node;
	struct tally t = nothing;

	for (uint32_t i = 0; i < d->values; i++) {
		const struct demand_value *v = &d->value[i];

		if (v->by_content)
			count_in(&t, judge_content(l, root, v));
		else if (v->system.size > 0)
			count_in(&t, truth_or(found_code(codes[v->number], CODE_ANYWHERE),
					 kind_untold(l, node, type)));
		else
			count_in(&t, type.size == 0               ? TRUTH_UNKNOWN
				     : bytes_equal(type, v->code) ? TRUTH_TRUE
								  : TRUTH_FALSE);
	}
	return outcome(d, t);
}

static enum truth
judge_date(struct limiter *l, const struct demand *d, uint32_t root, bool *absent)
{
	struct period time;
	enum truth told = shape_span(l->outline->s->shape, l->outline->json, root, &time);

	*absent = told == TRUTH_FALSE;
	if (told != TRUTH_TRUE)
		return TRUTH_UNKNOWN;
	if (instant_compare(time.until, d->period.from) <= 0 ||
	    instant_compare(d->period.until, time.from) <= 0)
		return TRUTH_FALSE;
	return instant_compare(d->period.from, time.from) <= 0 &&
		       instant_compare(time.until, d->period.until) <= 0
		   ? TRUTH_TRUE
		   : TRUTH_UNKNOWN;
}

/* The reference TEXT against one value.  What leads to no type and id may be anything. */
static enum truth
refers_to(struct bytes text, const struct demand_value *v)
{
	struct bytes type, id;

	if (bytes_equal(text, v->text))
		return TRUTH_TRUE;
	if (bytes_begin(text, "urn:uuid:"))
		return bytes_equal(bytes_behind(text, 9), v->id) ? TRUTH_TRUE : TRUTH_UNKNOWN;
	/* Whom an identifier names, a type and an id do not tell. */
	if (bytes_begin(text, "#") || memchr(v->text.at, '|', v->text.size) ||
	    !token_reference(text, &type, &id))
		return TRUTH_UNKNOWN;
	if (!bytes_equal(id, v->id))
		return TRUTH_FALSE;
	return v->type.size == 0 || bytes_equal(type, v->type) ? TRUTH_TRUE : TRUTH_FALSE;
}

/* True if the object names somebody, if only by a display. */
static bool
is_name(const struct limiter *l, uint32_t object)
{
	static const char *const members[] = { "reference", "identifier", "display" };

	for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
		if (json_member(l->outline->json, object, bytes_of(members[i])) != 0)
			return true;
	return false;
}

/* The node of a name: a Reference, or a string. */
static enum truth
names(struct limiter *l, uint32_t node, const struct demand_value *v)
{
	const struct json *j = l->outline->json;
	const struct places *p = &l->outline->places;
	uint32_t text = node;

	if (json_kind(j, node) == JSON_OBJECT)
		text = json_member_key(j, node, p->reference);
	if (text != 0 && json_kind(j, text) == JSON_STRING)
		return text == node ? (json_is(j, text, v->text) ? TRUTH_TRUE : TRUTH_FALSE)
				    : refers_to(json_string(j, text, &l->room), v);
	if (json_kind(j, node) != JSON_OBJECT)
		return TRUTH_UNKNOWN;
	text = json_member(j, node, (struct bytes)BYTES("identifier"));
	text = text == 0 ? 0 : json_member(j, text, (struct bytes)BYTES("value"));
	return text != 0 && (json_is(j, text, v->text) || json_is(j, text, v->code)) ? TRUTH_TRUE
										     : TRUTH_UNKNOWN;
}

struct naming {
	struct limiter *l;
	const struct demand_value *value;
	enum truth found;
	bool any;
};

static bool
see_name(void *context, uint32_t node)
{
	struct naming *n = context;
	const struct json *j = n->l->outline->json;

	if (json_kind(j, node) == JSON_NULL || (json_kind(j, node) == JSON_OBJECT && !is_name(n->l, node)))
		return true;
	if (json_kind(j, node) == JSON_ARRAY) {
		for (uint32_t i = node + 1; i < j->nodes[node].next; i = j->nodes[i].next)
			(void)see_name(context, i);
		return true;
	}
	n->any = true;
	n->found = truth_or(n->found, names(n->l, node, n->value));
	return true;
}

struct wall {
	const struct roots *roots;
	uint32_t inside; /* index of the root that is no wall */
};

static bool
is_wall(void *context, uint32_t node)
{
	const struct wall *w = context;
	size_t root = roots_inner(w->roots, node);

	return root != 0 && root != w->inside;
}

/* All References of the root, those in the roots inside of it left out. */
static void
each_reference(struct limiter *l, uint32_t root, struct naming *n)
{
	const struct outline *out = l->outline;
	const struct json *j = out->json;
	uint32_t end = j->nodes[out->roots.at[root].node].next;

	for (uint32_t i = out->roots.at[root].node + 1; i < end; i++) {
		if (json_kind(j, i) != JSON_OBJECT)
			continue;
		if (roots_inner(&out->roots, i) != 0)
			i = j->nodes[i].next - 1;
		else if (json_member_key(j, i, out->places.reference) != 0)
			(void)see_name(n, i);
	}
}

static enum truth
is_instance(struct limiter *l, uint32_t root, const struct demand_value *v, bool *absent)
{
	const struct outline *out = l->outline;
	struct bytes id = shape_id(out->s->shape, out->json, root);

	*absent = id.size == 0;
	if (id.size == 0)
		return TRUTH_UNKNOWN;
	if (!bytes_equal(id, v->id))
		return TRUTH_FALSE;
	return v->type.size == 0                                                  ? TRUTH_UNKNOWN
	       : bytes_equal(shape_type(out->s->shape, out->json, root), v->type) ? TRUTH_TRUE
										  : TRUTH_FALSE;
}

/* Author, related, instance. */
static enum truth
judge_names(struct limiter *l, const struct demands *s, enum demand_kind kind, uint32_t root, bool *absent)
{
	const struct outline *out = l->outline;
	const struct demand *d = &s->of[kind];
	struct wall inside = { &out->roots, root };
	const struct path_wall wall = { is_wall, &inside };
	uint32_t node = out->roots.at[root].node;
	struct tally t = nothing;
	bool anonymous = false;

	*absent = false;
	for (uint32_t i = 0; i < d->values; i++) {
		struct naming n = { l, &d->value[i], TRUTH_FALSE, false };

		if (kind == DEMAND_INSTANCE || (kind == DEMAND_RELATED && s->lenient))
			n.found = is_instance(l, node, &d->value[i], &anonymous);
		if (kind == DEMAND_INSTANCE)
			*absent |= anonymous;
		else if (n.found != TRUTH_TRUE)
			n.found = TRUTH_FALSE;
		if (kind == DEMAND_AUTHOR)
			(void)shape_each_author(out->s->shape, out->json, node, &wall, see_name, &n);
		if (kind == DEMAND_RELATED)
			each_reference(l, root, &n);
		if (kind != DEMAND_INSTANCE && !n.any && n.found != TRUTH_TRUE) {
			*absent = true;
			n.found = TRUTH_UNKNOWN;
		}
		count_in(&t, n.found);
	}
	return outcome(d, t);
}

static enum truth
judge_demand(struct limiter *l, uint8_t *context, const struct demands *s, enum demand_kind kind,
    uint32_t root, bool *absent)
{
	const struct outline *out = l->outline;
	uint32_t node = out->roots.at[root].node;

	*absent = false;
	switch (kind) {
	case DEMAND_CLASS:
		return judge_class(
		    l, context, &s->of[kind], root, shape_type(out->s->shape, out->json, node));
	case DEMAND_DATE:
		return judge_date(l, &s->of[kind], node, absent);
	case DEMAND_CODE:
		*absent = (codes_of(l->obligations, context)[l->obligations->codes] & HAS_ROOT) == 0;
		return judge_codes(l->obligations, context, s, HAS_ROOT);
	case DEMAND_AUTHOR:
	case DEMAND_RELATED:
	case DEMAND_INSTANCE:
		return judge_names(l, s, kind, root, absent);
	case DEMAND_LABEL:
	case DEMAND_COUNT:
		break;
	}
	return TRUTH_TRUE;
}

/* The first Coding at or behind NODE. */
static size_t
first_coding(const struct limiter *l, uint32_t node)
{
	const struct limiter_coding *coding = (const void *)l->codings.at;
	struct bisect b = { .high = l->codings.used / sizeof *coding };

	while (bisect_more(&b))
		bisect_step(&b, coding[b.middle].node < node);
	return b.low;
}

/* A Bundle that begins with a Composition is a document, of the kind that is said there. */
static void
add_document(struct limiter *l, uint8_t *context, uint32_t bundle)
{
	const struct outline *out = l->outline;
	const struct limiter_coding *coding = (const void *)l->codings.at;
	size_t codings = l->codings.used / sizeof *coding, i;
	uint32_t root = bundle + 1, kind;

	if (!out->root[bundle].is_bundle || root >= out->roots.count ||
	    out->roots.at[root].parent != bundle ||
	    !bytes_are(shape_type(out->s->shape, out->json, out->roots.at[root].node), "Composition"))
		return;
	kind = json_member_key(out->json, out->roots.at[root].node, out->places.type);
	for (i = first_coding(l, kind); kind != 0 && i < codings; i++)
		if (coding[i].node < out->json->nodes[kind].next)
			add_coding(l, context, coding[i].node, 1 << CODE_ANYWHERE);
}

/* The Codings of the root in NODE: those of the entry NODE, or all. */
static void
add_codings(struct limiter *l, uint8_t *context, uint32_t root, uint32_t node, bool is_entry)
{
	const struct limiter_coding *coding = (const void *)l->codings.at;
	size_t codings = l->codings.used / sizeof *coding;
	uint8_t *has = codes_of(l->obligations, context) + l->obligations->codes;
	uint32_t end = l->outline->json->nodes[node].next;

	for (size_t i = first_coding(l, node); i < codings && coding[i].node < end; i++) {
		unsigned shifts = 1 << CODE_ANYWHERE;

		if (coding[i].root != root)
			continue;
		*has |= HAS_ROOT;
		if (is_entry)
			shifts |= 1 | 1 << CODE_OWN;
		else if (coding[i].entry == 0)
			shifts |= 1;
		if ((shifts & 1) != 0)
			*has |= is_entry ? HAS_SCOPE | HAS_OWN : HAS_SCOPE;
		add_coding(l, context, coding[i].node, shifts);
	}
}

void
limiter_judge_root(struct limiter *l, uint8_t *context, const uint8_t *parent, uint32_t root)
{
	const struct obligations *o = l->obligations;

	memset(context, 0, limiter_context_size(o));
	add_codings(l, context, root, l->outline->roots.at[root].node, false);
	add_document(l, context, root);
	for (uint32_t i = 0; i < o->count; i++)
		for (int kind = 0; kind < DEMAND_LABEL; kind++) {
			size_t at = (size_t)i * DEMAND_COUNT + (size_t)kind;
			bool absent;

			if (!o->demands[i]->of[kind].there)
				continue;
			context[at] = (uint8_t)judge_demand(
			    l, context, o->demands[i], (enum demand_kind)kind, root, &absent);
			if (absent && parent != NULL)
				context[at] = parent[at];
		}
}

void
limiter_judge_entry(struct limiter *l, uint8_t *context, uint32_t root, uint32_t entry)
{
	const struct obligations *o = l->obligations;

	add_codings(l, context, root, entry, true);
	for (uint32_t i = 0; i < o->count; i++)
		if (o->demands[i]->of[DEMAND_CODE].there)
			context[(size_t)i * DEMAND_COUNT + DEMAND_CODE] =
			    (uint8_t)judge_codes(o, context, o->demands[i], HAS_SCOPE);
}

static enum truth
judge_label(const struct demand *d, unsigned level, uint64_t categories)
{
	struct tally t = nothing;

	for (uint32_t i = 0; i < d->values; i++) {
		const struct demand_value *v = &d->value[i];
		bool holds = (categories & v->categories) != 0;

		if (v->level >= 0)
			holds = d->up ? level >= (unsigned)v->level : level <= (unsigned)v->level;
		count_in(&t, holds ? TRUTH_TRUE : TRUTH_FALSE);
	}
	return outcome(d, t);
}

struct judged {
	const uint8_t *context;
	unsigned level;
	uint64_t categories;
};

static bool
meets(const struct demands *s, const struct judged *u)
{
	for (int kind = 0; kind < DEMAND_COUNT; kind++) {
		enum truth t = TRUTH_TRUE;

		if (!s->of[kind].there)
			continue;
		t = kind == DEMAND_LABEL
			? judge_label(&s->of[kind], u->level, u->categories)
			: (enum truth)u->context[(size_t)s->number * DEMAND_COUNT + (size_t)kind];
		if (s->lenient ? t == TRUTH_FALSE : t != TRUTH_TRUE)
			return false;
	}
	return true;
}

static bool
matches(const struct obligation_item *item, const struct judged *u)
{
	if (!meets(item->wanted, u))
		return false;
	for (uint32_t i = 0; i < item->excepts; i++)
		if (meets(item->except[i], u))
			return false;
	return true;
}

static bool
any_matches(const struct obligation_item *items, const struct judged *u)
{
	for (; items != NULL; items = items->next)
		if (matches(items, u))
			return true;
	return false;
}

/*
 * Of a list that keeps nothing here: true if it is for an exception, and no item may keep a part.  An
 * exception withholds as a redaction does, with all that is inside, whatever lower level that has.
 */
static bool
is_excepted(const struct obligation_item *items, const struct judged *u)
{
	bool found = false;

	for (; items != NULL; items = items->next) {
		bool met = meets(items->wanted, u);

		if (!met && items->wanted->on_entries)
			return false;
		found |= met;
	}
	return found;
}

enum limiter_verdict
limiter_judge(const struct limiter *l, const uint8_t *context, unsigned level, uint64_t categories)
{
	const struct judged u = { context, level, categories };
	enum limiter_verdict verdict = LIMIT_NONE;

	if (any_matches(l->obligations->redact, &u))
		return LIMIT_GONE;
	for (const struct obligation_keep *k = l->obligations->keep; k != NULL; k = k->next)
		if (!any_matches(k->items, &u)) {
			if (is_excepted(k->items, &u))
				return LIMIT_GONE;
			verdict = LIMIT_NOT_KEPT;
		}
	return verdict;
}

/* True if the demands are about classes and nothing else. */
static bool
only_class(const struct demands *s)
{
	for (int kind = 0; kind < DEMAND_COUNT; kind++)
		if (s->of[kind].there != (kind == DEMAND_CLASS))
			return false;
	return true;
}

enum limiter_verdict
limiter_judge_bundle(const struct limiter *l, const uint8_t *context)
{
	const struct judged u = { context, 0, 0 };

	for (const struct obligation_item *i = l->obligations->redact; i != NULL; i = i->next)
		if (i->excepts == 0 && only_class(i->wanted) && meets(i->wanted, &u))
			return LIMIT_GONE;
	return LIMIT_NONE;
}
