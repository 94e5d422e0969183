/* SPDX-License-Identifier: ISC */
#include "common/redact/parts.h"

#include "common/base/truth.h"
#include "common/policy/vocabulary.h"

#include <string.h>

/* A container on the way to the node at hand. */
struct limiter_frame {
	uint32_t node;
	uint32_t next;  /* the child to look at */
	uint32_t root;  /* index of the root around it, or its own */
	uint32_t index; /* children seen */
	uint32_t state; /* of the automaton of entries */
	size_t context; /* offset in l->contexts */
	size_t own;     /* how much of l->contexts stays when it is left */
	uint64_t categories;
	uint8_t base, raise;
	uint8_t verdict;
	bool in_entry;
	bool shown; /* something in it is shown */
};

/* The byte of a node. */
enum { PART_GONE, PART_SHOWN, PART_CARRIED, PART_MASK = 3, PART_ENTRY = 4 };

static bool
names_records(const struct demands *s)
{
	return s->of[DEMAND_CLASS].there || s->of[DEMAND_INSTANCE].there;
}

/* True if they speak of references: an exception of a redaction spares records, and no reference to them. */
static bool
names_references(const struct obligations *o)
{
	bool names = false;

	for (const struct obligation_item *i = o->redact; i != NULL; i = i->next)
		names |= names_records(i->wanted);
	for (const struct obligation_keep *k = o->keep; k != NULL; k = k->next)
		for (const struct obligation_item *i = k->items; i != NULL; i = i->next) {
			names |= names_records(i->wanted);
			for (uint32_t e = 0; e < i->excepts; e++)
				names |= names_records(i->except[e]);
		}
	return names;
}

void
limiter_init(struct limiter *l, const struct obligations *o, const struct scheme *s, struct json_keys *keys)
{
	struct buffer *all[] = { &l->codings, &l->parts, &l->frames, &l->contexts, &l->room };

	*l = (struct limiter){ .obligations = obligations_any(o) ? o : NULL };
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		buffer_init(all[i], BUFFER_UNLIMITED);
	if (l->obligations == NULL)
		return;
	l->entries = paths_new(keys);
	if (shape_is_fhir(s->shape))
		paths_vary(l->entries);
	for (uint32_t i = 0; i < shape_entry_types(s->shape); i++)
		shape_add_entries(s->shape, shape_entry_type(s->shape, i), l->entries, i);
	shape_add_entries(s->shape, (struct bytes)BYTES("*"), l->entries, UINT16_MAX);
	l->refuses = names_references(o);
}

void
limiter_release(struct limiter *l)
{
	struct buffer *all[] = { &l->codings, &l->parts, &l->frames, &l->contexts, &l->room };

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		buffer_release(all[i]);
	paths_free(l->entries);
}

static struct limiter_frame *
top(const struct limiter *l)
{
	return (struct limiter_frame *)(void *)(l->frames.at + l->frames.used) - 1;
}

static uint8_t *
part(const struct limiter *l, uint32_t node)
{
	return (uint8_t *)l->parts.at + (node - l->outline->record);
}

static bool
is_container(const struct json *j, uint32_t node)
{
	return json_kind(j, node) == JSON_OBJECT || json_kind(j, node) == JSON_ARRAY;
}

/* True if STATE is that of an entry of the type of the root. */
static bool
is_entry(struct limiter *l, uint32_t state, uint32_t root)
{
	const struct outline *out = l->outline;
	size_t count;
	const uint32_t *number = paths_matched(l->entries, state, &count);

	for (size_t i = 0; i < count; i++)
		if (number[i] == UINT16_MAX ||
		    bytes_equal(shape_entry_type(out->s->shape, number[i]),
			shape_type(out->s->shape, out->json, out->roots.at[root].node)))
			return true;
	return false;
}

/* The state of the automaton at the child of F; roots inside begin anew. */
static uint32_t
child_state(struct limiter *l, const struct limiter_frame *f, uint32_t member, uint32_t root)
{
	const struct json *j = l->outline->json;
	uint32_t value = member + (j->nodes[member].kind == JSON_KEY);

	if (root != f->root)
		return paths_root(l->entries, j, value, (unsigned)(l->frames.used / sizeof *f));
	if (f->state == PATHS_DEAD)
		return PATHS_DEAD;
	return value != member ? paths_member(l->entries, f->state, j, member)
			       : paths_element(l->entries, f->state, j, member, f->index - 1);
}

/* The root that NODE is, or ROOT, which is around it.  Nodes come in document order. */
static uint32_t
root_at(struct limiter *l, uint32_t node, uint32_t root)
{
	const struct roots *r = &l->outline->roots;

	while (l->next_root < r->count && r->at[l->next_root].node < node)
		l->next_root++;
	return l->next_root < r->count && r->at[l->next_root].node == node ? l->next_root : root;
}

/* Takes the next child of the innermost container; 0 if there is none, and then the container is left. */
static uint32_t
next_child(struct limiter *l)
{
	struct limiter_frame *f = top(l);
	const struct json_node *nodes = l->outline->json->nodes;
	uint32_t member = f->next;

	if (member >= nodes[f->node].next)
		return 0;
	f->next = nodes[member].next;
	f->index++;
	return member;
}

static struct limiter_frame *
push(struct limiter *l, const struct limiter_frame *f)
{
	buffer_add(&l->frames, f, sizeof *f);
	f = top(l);
	top(l)->next = f->node + 1;
	top(l)->index = 0;
	return top(l);
}

static void
start(struct limiter *l)
{
	const struct outline *out = l->outline;
	const struct json *j = out->json;

	l->frames.used = l->contexts.used = 0;
	l->next_root = l->next_category = 0;
	(void)push(l, &(struct limiter_frame){
			  .node = out->record, .state = paths_root(l->entries, j, out->record, 0) });
}

/* Finds the Codings, and the outermost entry around each. */
static void
find_codings(struct limiter *l)
{
	const struct outline *out = l->outline;
	const struct json *j = out->json;

	start(l);
	while (l->frames.used > 0) {
		struct limiter_frame *f = top(l), child;
		uint32_t member = next_child(l), code;

		if (member == 0) {
			l->frames.used -= sizeof *f;
			continue;
		}
		child = *f;
		child.node = member + (j->nodes[member].kind == JSON_KEY);
		if (!is_container(j, child.node))
			continue;
		child.root = root_at(l, child.node, f->root);
		child.state = child_state(l, f, member, child.root);
		if (child.root != f->root)
			child.context = 0;
		else if (child.context == 0 && is_entry(l, child.state, child.root)) {
			child.context = child.node; /* the entry */
			*part(l, child.node) |= PART_ENTRY;
		}
		code = json_kind(j, child.node) == JSON_OBJECT
			   ? json_member_key(j, child.node, out->places.code)
			   : 0;
		if (code != 0 && !is_container(j, code))
			buffer_add(&l->codings,
			    &(struct limiter_coding){ child.node, (uint32_t)child.context, child.root },
			    sizeof(struct limiter_coding));
		(void)push(l, &child);
	}
}

/* Whose part the root is: of a root around it that is no Bundle. */
static bool
is_part(const struct outline *o, uint32_t root)
{
	return root != 0 && !o->root[o->roots.at[root].parent].is_bundle;
}

static void
enter_root(struct limiter *l, const struct limiter_frame *f, struct limiter_frame *child)
{
	size_t size = limiter_context_size(l->obligations);
	const uint8_t *parent = NULL;

	child->own = l->contexts.used;
	child->context = l->contexts.used;
	(void)buffer_more(&l->contexts, size);
	if (f != NULL && is_part(l->outline, child->root))
		parent = (const uint8_t *)l->contexts.at + f->context;
	child->in_entry = false;
	limiter_judge_root(l, (uint8_t *)l->contexts.at + child->context, parent, child->root);
}

static void
enter_entry(struct limiter *l, const struct limiter_frame *f, struct limiter_frame *child)
{
	size_t size = limiter_context_size(l->obligations);

	child->own = l->contexts.used;
	child->context = l->contexts.used;
	(void)buffer_more(&l->contexts, size);
	memcpy(l->contexts.at + child->context, l->contexts.at + f->context, size);
	child->in_entry = true;
	limiter_judge_entry(l, (uint8_t *)l->contexts.at + child->context, child->root, child->node);
}

/* Adds the notes on the node.  True if there are some. */
static bool
add_notes(struct limiter *l, struct limiter_frame *child)
{
	const struct notes *n = l->outline->notes;
	const struct notes_node *note = notes_of(n, child->node);
	bool any = note->base != NOTES_NO_BASE || note->raise > child->raise;

	if (note->base != NOTES_NO_BASE)
		child->base = note->base;
	if (note->raise > child->raise)
		child->raise = note->raise;
	while (l->next_category < n->categories && n->category[l->next_category].node < child->node)
		l->next_category++;
	for (; l->next_category < n->categories && n->category[l->next_category].node == child->node;
	     l->next_category++) {
		child->categories |= n->category[l->next_category].categories;
		any = true;
	}
	return any;
}

/* F is the frame around the child; NULL: the child is the record. */
static void
judge(struct limiter *l, const struct limiter_frame *f, struct limiter_frame *child)
{
	const struct outline *out = l->outline;
	bool is_root = f == NULL || child->root != f->root;
	bool again = add_notes(l, child) || is_root;
	const uint8_t *context;

	child->own = SIZE_MAX;
	if (is_root)
		enter_root(l, f, child);
	else if (!child->in_entry && (*part(l, child->node) & PART_ENTRY) != 0) {
		enter_entry(l, f, child);
		again = true;
	}
	if (!again)
		return;
	context = (const uint8_t *)l->contexts.at + child->context;
	if (is_root && out->root[child->root].is_bundle)
		child->verdict = (uint8_t)limiter_judge_bundle(l, context);
	else
		child->verdict = (uint8_t)limiter_judge(
		    l, context, child->base > child->raise ? child->base : child->raise, child->categories);
}

/* Of a Bundle with entries one must be shown. */
static bool
shows(const struct limiter *l, const struct limiter_frame *f)
{
	const struct outline *out = l->outline;
	const struct roots *r = &out->roots;
	uint32_t end = out->json->nodes[f->node].next;
	size_t i = (size_t)f->root + 1;

	if (r->at[f->root].node != f->node || !out->root[f->root].is_bundle || i >= r->count ||
	    r->at[i].node >= end)
		return f->shown;
	for (; i < r->count && r->at[i].node < end; i++)
		if (r->at[i].parent == f->root && (*part(l, r->at[i].node) & PART_MASK) != PART_GONE)
			return true;
	return false;
}

static void
leave(struct limiter *l)
{
	struct limiter_frame f = *top(l);
	bool shown = shows(l, &f);

	if (shown)
		*part(l, f.node) |= PART_SHOWN;
	if (f.own != SIZE_MAX)
		l->contexts.used = f.own;
	l->frames.used -= sizeof f;
	if (l->frames.used == 0)
		return;
	/* What is contained in a root that is not kept cannot stand alone. */
	if (top(l)->root == f.root || !is_part(l->outline, f.root) || top(l)->verdict == LIMIT_NONE)
		top(l)->shown |= shown;
}

/* True if MEMBER is type or id of a root: it goes along with any part of it. */
static bool
is_basic(const struct outline *o, const struct limiter_frame *f, uint32_t member)
{
	uint8_t kind = o->places.of_key[o->json->nodes[member].key];

	return o->json->nodes[member].kind == JSON_KEY && o->roots.at[f->root].node == f->node &&
	       (kind == PLACE_BASIC || kind == PLACE_ID);
}

static void
visit(struct limiter *l, uint32_t member)
{
	const struct outline *out = l->outline;
	const struct json *j = out->json;
	struct limiter_frame *f = top(l), child = *f;

	child.node = member + (j->nodes[member].kind == JSON_KEY);
	child.shown = false;
	if (is_container(j, child.node))
		child.root = root_at(l, child.node, f->root);
	judge(l, f, &child);
	if (f->verdict == LIMIT_NOT_KEPT && is_basic(out, f, member))
		*part(l, child.node) |= PART_CARRIED;
	if (child.verdict == LIMIT_GONE) {
		if (child.own != SIZE_MAX)
			l->contexts.used = child.own;
		return;
	}
	if (is_container(j, child.node) && j->nodes[child.node].next > child.node + 1) {
		(void)push(l, &child);
		return;
	}
	if (child.own != SIZE_MAX)
		l->contexts.used = child.own;
	if (child.verdict == LIMIT_NONE) {
		*part(l, child.node) |= PART_SHOWN;
		f->shown = true;
	}
}

void
limiter_mark(struct outline *o, size_t root, uint64_t bits)
{
	while (root != 0) {
		o->root[root].limited |= bits;
		root = o->roots.at[root].parent;
	}
	o->root[0].limited |= bits;
}

/* The root around NODE, of which it is a part but not the whole. */
static size_t
root_around(const struct outline *o, uint32_t node)
{
	const struct roots *r = &o->roots;
	size_t root = roots_from(r, node);

	while (root > 0 && o->json->nodes[r->at[--root].node].next <= node)
		continue;
	return root;
}

/* Notes the outermost nodes that are not shown. */
static void
note_gone(struct limiter *l, uint64_t bits)
{
	struct outline *out = l->outline;
	const struct json *j = out->json;
	uint32_t end = j->nodes[out->record].next;
	uint32_t i = out->record + 1;

	l->record_gone = (*part(l, out->record) & PART_MASK) == PART_GONE;
	if (l->record_gone)
		return;
	while (i < end) {
		uint32_t value = i + (j->nodes[i].kind == JSON_KEY);

		if ((*part(l, value) & PART_MASK) != PART_GONE) {
			i = value + 1;
			continue;
		}
		notes_drop(out->notes, value, bits);
		limiter_mark(out, root_around(out, value), bits);
		i = j->nodes[value].next;
	}
	notes_drops_end(out->notes);
}

void
limiter_run(struct limiter *l, struct outline *out, uint64_t bits)
{
	const struct json *j = out->json;
	struct limiter_frame record = { .node = out->record };

	l->outline = out;
	l->record_gone = false;
	l->codings.used = l->parts.used = 0;
	memset(buffer_more(&l->parts, j->nodes[out->record].next - out->record), 0,
	    j->nodes[out->record].next - out->record);
	if (l->obligations->codes > 0)
		find_codings(l);
	start(l);
	judge(l, NULL, &record);
	*top(l) = record;
	top(l)->next = out->record + 1;
	if (record.verdict == LIMIT_GONE)
		l->frames.used = 0;
	while (l->frames.used > 0) {
		uint32_t member = next_child(l);

		if (member == 0)
			leave(l);
		else
			visit(l, member);
	}
	note_gone(l, bits);
}

static bool
names_class(const struct demands *s, struct bytes type)
{
	const struct demand *d = &s->of[DEMAND_CLASS];
	bool found = false;

	for (uint32_t i = 0; i < d->values; i++)
		found |= d->value[i].system.size > 0 || bytes_equal(d->value[i].code, type);
	return found != (d->mode == DEMAND_NOT);
}

static enum truth
names_instance(const struct demands *s, struct bytes type, struct bytes id)
{
	const struct demand *d = &s->of[DEMAND_INSTANCE];
	enum truth found = TRUTH_FALSE;

	for (uint32_t i = 0; i < d->values; i++) {
		if (d->value[i].type.size > 0 && !bytes_equal(d->value[i].type, type))
			continue;
		if (id.size == 0)
			found = truth_or(found, TRUTH_UNKNOWN);
		else if (bytes_equal(d->value[i].id, id))
			found = TRUTH_TRUE;
	}
	return d->mode == DEMAND_NOT ? truth_not(found) : found;
}

/* Of what a reference does not say the demands may be met. */
static bool
may_mean(const struct demands *s, struct bytes type, struct bytes id)
{
	if (!names_records(s))
		return false;
	return (!s->of[DEMAND_CLASS].there || names_class(s, type)) &&
	       (!s->of[DEMAND_INSTANCE].there || names_instance(s, type, id) != TRUTH_FALSE);
}

/*
 * A list of what is kept says nothing of actors that its entries refer to, unless it names those that are not
 * kept.  Other records that it does not name may be what a request for more would withhold.
 */
static bool
keeps_out(const struct obligation_item *item, struct bytes type, struct bytes id)
{
	const struct demands *s = item->wanted;
	const struct demand *class = &s->of[DEMAND_CLASS], *instance = &s->of[DEMAND_INSTANCE];
	bool free = type.size == 0 || vocabulary_is_actor(type);

	if (class->there && (class->mode == DEMAND_NOT || !free) && !names_class(s, type))
		return true;
	if (instance->there && (instance->mode == DEMAND_NOT || !free) &&
	    names_instance(s, type, id) != TRUTH_TRUE)
		return true;
	for (uint32_t i = 0; i < item->excepts; i++)
		if (may_mean(item->except[i], type, id))
			return true;
	return false;
}

bool
limiter_refuses(const struct limiter *l, struct bytes type, struct bytes id)
{
	for (const struct obligation_item *i = l->obligations->redact; i != NULL; i = i->next)
		if (may_mean(i->wanted, type, id))
			return true;
	for (const struct obligation_keep *k = l->obligations->keep; k != NULL; k = k->next) {
		const struct obligation_item *i = k->items;

		while (i != NULL && keeps_out(i, type, id))
			i = i->next;
		if (i == NULL && k->items != NULL)
			return true;
	}
	return false;
}
