/* SPDX-License-Identifier: ISC */
#include "common/redact/token.h"
#include "common/redact/walk.h"

#include <string.h>

/* ---- paths ---- */

/* WHERE of a transform, on the root that the node stands in; only true counts. */
static bool
holds(struct walk *w, const struct scheme_transform *t, uint32_t root)
{
	if (t->where == NULL)
		return true;
	w->asked.root = root;
	return condition_judge(t->where, &w->asked, w->roots.at[root].node) == TRUTH_TRUE;
}

static void
add_pick(struct walk *w, struct view *v, const struct scheme_place *place, uint64_t *taken)
{
	const struct scheme_transform *t = &w->s->transform[place->transform];
	uint64_t bits = place->bits & ~*taken;

	if (bits == 0 || (t->types != NULL && !t->types[v->type]) || !holds(w, t, v->root))
		return;
	w->pick[w->picks++] = (struct pick){ place->transform, bits };
	*taken |= bits;
}

/* What redact.yaml says of a node in STATE. */
static void
match(struct walk *w, struct view *v, uint32_t state)
{
	size_t count;
	const uint32_t *number;
	uint64_t taken = 0;

	w->picks = 0;
	if (state == PATHS_DEAD)
		return;
	number = paths_matched(w->s->paths, state, &count);
	for (size_t i = 0; i < count; i++) {
		const struct scheme_place *place = &w->s->place[number[i]];

		switch (place->use) {
		case USE_KEEP:
			if (place->type == 0 || place->type == v->type)
				v->kept |= place->bits;
			break;
		case USE_EXCEPT:
			view_blame(v, WHY_PLACE, place->bits);
			break;
		case USE_TRANSFORM:
			add_pick(w, v, place, &taken);
			break;
		}
	}
}

uint64_t
view_changes(struct walk *w, uint32_t state, uint32_t root, unsigned type)
{
	struct view v = { .root = root, .type = type };
	struct pick held[SCHEME_MAX_VERSIONS]; /* of the node around, which is not done with yet */
	unsigned holds = w->picks;
	uint64_t changes = 0;

	memcpy(held, w->pick, sizeof held);
	match(w, &v, state);
	for (unsigned i = 0; i < w->picks; i++)
		if (!operation_keeps(&w->s->transform[w->pick[i].transform].operation))
			changes |= w->pick[i].bits;
	memcpy(w->pick, held, sizeof held);
	w->picks = holds;
	return changes;
}

/* ---- keep ---- */

/* A kept subtree does not bring along what may name or repeat somebody. */
static bool
stops_keep(const struct walk *w, const struct frame *f, const struct view *v)
{
	char first;

	if (v->kind == MEMBER_TEXT || v->kind == MEMBER_DISPLAY || v->kind == MEMBER_CONTAINED ||
	    v->kind == MEMBER_IDENTIFIER)
		return true;
	if (v->kind == MEMBER_EXTENSION && f->view.around != AROUND_EXTENSION)
		return true;
	if (v->kind == MEMBER_ID && f->view.around != AROUND_ROOT)
		return true;
	if (v->kind == MEMBER_VALUE && f->view.around == AROUND_IDENTIFIER)
		return true;
	if (!w->s->is_fhir || v->member == v->value)
		return false;
	first = w->json->text.at[w->json->nodes[v->member].start + 1];
	return first == '_' || first == '\\';
}

/* ---- places with rules of their own ---- */
static uint8_t
around_of(const struct frame *f, const struct view *v)
{
	bool element = v->member == v->value;

	if (v->is_root)
		return AROUND_ROOT;
	if (element && f->view.around == AROUND_EXTENSIONS)
		return AROUND_EXTENSION;
	if (element && f->view.around == AROUND_META)
		return AROUND_META;
	if (element)
		return f->view.around == AROUND_IDENTIFIER ? AROUND_IDENTIFIER : AROUND_PLAIN;
	if (v->kind == MEMBER_META)
		return AROUND_META;
	if (v->kind == MEMBER_SECURITY && f->view.around == AROUND_META)
		return AROUND_SECURITY;
	if (v->kind == MEMBER_EXTENSION && f->view.around != AROUND_EXTENSION)
		return AROUND_EXTENSIONS;
	return v->kind == MEMBER_IDENTIFIER ? AROUND_IDENTIFIER : AROUND_PLAIN;
}

static uint64_t
gone_with_target(struct walk *w, struct bytes text, uint32_t root, uint64_t hidden)
{
	struct targets_query q = { &w->places, w->json, &w->roots, w->s->shape, w->known, hidden, &w->room };
	struct bytes type, id;
	uint64_t gone = targets_gone(&w->targets, &q, text, root);

	if ((w->s->drops & w->referring) != 0 && token_reference(text, &type, &id))
		gone |= w->s->drops & w->s->type_gone[scheme_type(w->s, type)];
	return gone;
}

/*
 * The bits that may know the child TEXT of a node; none if it is not there.  What a place is made of is
 * decided by values; one that a version may not know must not decide what else it shows.
 */
static uint64_t
seen(const struct walk *w, const struct view *v, uint32_t text)
{
	const struct note *note = &w->notes->of[text];
	uint8_t level = note->base != NOTE_NO_BASE ? note->base : v->base;

	if (text == 0)
		return 0;
	level = v->raise > level ? v->raise : level;
	level = note->raise > level ? note->raise : level;
	return ~(w->s->over[level] | v->out | note->out);
}

/* A Reference whose target is gone, or a canonical `#x` in a member of its own. */
static void
see_reference(struct walk *w, struct view *v)
{
	const struct json *j = w->json;
	uint32_t text = v->value;

	if ((v->active & w->referring) == 0)
		return;
	if (json_kind(j, v->value) == JSON_OBJECT)
		text = json_member_key(j, v->value, w->places.reference);
	if (text == 0 || json_kind(j, text) != JSON_STRING)
		return;
	if (text == v->value &&
	    (!w->has_gone || v->kind == MEMBER_REFERENCE || json_inside(j, text).size < 2 ||
		(json_inside(j, text).at[0] != '#' && json_inside(j, text).at[0] != '\\')))
		return;
	struct bytes reference = json_string(j, text, &w->room);
	if (text != v->value || bytes_begin(reference, "#"))
		view_blame(v, WHY_REFERENCE,
		    (text == v->value ? UINT64_MAX : seen(w, v, text)) &
			gone_with_target(w, reference, v->root, text != v->value ? w->s->hidden : 0) &
			w->referring);
}

static void
see_places(struct walk *w, const struct frame *f, struct view *v)
{
	const struct json *j = w->json;
	uint64_t gone = 0;

	if (f->view.around == AROUND_ROOT) {
		if (v->kind == MEMBER_TEXT)
			gone |= w->narrative;
		if (v->kind == MEMBER_BUNDLE && w->root[f->view.root].is_bundle)
			gone |= w->s->below;
	}
	if (f->view.around == AROUND_SECURITY && (w->security & v->active) != 0) {
		gone |= w->security;
		if (places_harmless(&w->places, j, v->value, &w->room))
			gone &= ~(seen(w, v, json_member_key(j, v->value, w->places.code)) &
				  seen(w, v, json_member_key(j, v->value, w->places.system)));
	}
	if (v->around == AROUND_EXTENSION && ((w->security | f->view.offer) & v->active) != 0) {
		uint64_t known = seen(w, v, json_member_key(j, v->value, w->places.url));

		if (places_inline_label(&w->places, j, v->value, &w->room))
			known &= ~w->security;
		gone |= w->security & ~known;
		v->kept |= f->view.offer & known & places_listed(&w->places, w->s, j, v->value, &w->room);
	}
	if (v->around == AROUND_EXTENSIONS)
		v->offer = (f->view.around == AROUND_ROOT ? w->s->keeps : f->view.kept) & w->s->extends;
	view_blame(v, WHY_PLACE, gone);
	see_reference(w, v);
}

/* ---- roots ---- */

/* Inside a root the allow-list of its type holds, where the root around it names the place at all. */
static void
enter_root(struct walk *w, struct view *v, unsigned depth)
{
	const struct scheme *s = w->s;

	view_blame(v, WHY_NOT_KEPT, s->keeps & ~v->kept);
	v->kept = 0;
	v->root = w->next_root;
	v->type = w->root[v->root].type;
	view_blame(v, WHY_TYPE, s->type_gone[v->type]);
	v->state = paths_root(s->paths, w->json, v->value, depth);
	match(w, v, v->state);
}

/* ---- all of it ---- */
bool
view_has_label(const struct walk *w, const struct view *v)
{
	const struct notes *n = w->notes;

	return n->of[v->value].inside ||
	       (w->next_label < n->count && n->node[w->next_label] < w->json->nodes[v->value].next);
}

static void
weigh(struct walk *w, struct view *v)
{
	const struct scheme *s = w->s;
	uint8_t level = v->base > v->raise ? v->base : v->raise;

	view_blame(v, WHY_CATEGORY, v->out);
	v->hard &= v->active;
	v->over = s->over[level] & v->active & ~v->hard;
	v->bare = s->keeps & ~v->kept & v->active & ~v->hard;
}

static void
see_note(struct walk *w, struct view *v)
{
	const struct note *note = &w->notes->of[v->value];

	while (w->next_label < w->notes->count && w->notes->node[w->next_label] <= v->value)
		w->next_label++;
	if (note->base != NOTE_NO_BASE)
		v->base = note->base;
	if (note->raise > v->raise)
		v->raise = note->raise;
	v->out |= note->out;
	view_blame(v, WHY_PLACE, note->drop);
	v->half |= note->half;
}

static const struct view blank;

void
view_child(struct walk *w, const struct frame *f, uint32_t member, uint32_t value, struct view *v)
{
	const struct json *j = w->json;

	/* Copied, not cleared: that is how compilers move this much fastest. */
	*v = blank;
	v->member = member;
	v->value = value;
	v->root = f->view.root;
	v->type = f->view.type;
	v->base = f->view.base;
	v->raise = f->view.raise;
	v->half = f->view.half;
	v->active = f->active;
	v->out = f->view.out;
	v->kept = f->view.kept;
	v->holds = member == value && w->notes->of[f->view.value].half;
	if (member != value) {
		v->kind = w->places.of_key[j->nodes[member].key];
		if (f->view.state != PATHS_DEAD)
			v->state = paths_member(w->s->paths, f->view.state, j, member);
	} else if (f->view.state != PATHS_DEAD) {
		v->state = paths_element(w->s->paths, f->view.state, j, value, f->index - 1);
	}
	if (v->kept != 0 && stops_keep(w, f, v))
		v->kept = 0;
	match(w, v, v->state);
	see_note(w, v);
	while (w->next_root < w->roots.count && w->roots.at[w->next_root].node < value)
		w->next_root++;
	v->is_root = w->next_root < w->roots.count && w->roots.at[w->next_root].node == value;
	if (v->is_root)
		enter_root(w, v, w->depth - 1);
	v->around = around_of(f, v);
	if (w->s->is_fhir) {
		/* Before any place is judged by what it holds. */
		if (json_kind(j, value) == JSON_OBJECT && view_has_label(w, v))
			primitive_siblings_join(w, v);
		see_places(w, f, v);
	}
	weigh(w, v);
}

void
view_record(struct walk *w, struct view *v)
{
	*v = (struct view){ .member = w->record,
		.value = w->record,
		.is_root = true,
		.active = w->active,
		.kept = w->s->keeps,
		.around = AROUND_ROOT };
	w->next_root = w->next_label = 0;
	see_note(w, v);
	enter_root(w, v, 0);
	if (w->s->is_fhir && view_has_label(w, v))
		primitive_siblings_join(w, v);
	weigh(w, v);
}

uint64_t
view_undecided(const struct walk *w, const struct view *v)
{
	const struct scheme *s = w->s;
	uint64_t open = v->active & ~v->hard & ~s->over[v->raise];
	uint32_t behind = w->next_root + (v->is_root ? 1 : 0);
	bool root_inside =
	    behind < w->roots.count && w->roots.at[behind].node < w->json->nodes[v->value].next;
	uint64_t undecided;

	if (v->state != PATHS_DEAD)
		return open;
	undecided = v->offer & v->bare;  /* a listed extension may be inside */
	undecided |= s->keeps & v->kept; /* not all that is inside is kept */
	undecided |= w->search & ~s->keeps & ~v->over;
	if (view_has_label(w, v) || root_inside)
		undecided |= ~s->keeps;
	if (v->is_root)
		undecided |= w->narrative | (w->root[v->root].is_bundle ? s->below : 0);
	return undecided & open & ~(v->bare & ~v->offer);
}
