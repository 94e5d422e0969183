/* SPDX-License-Identifier: ISC */
#include "common/redact/parts.h"

#include "common/policy/elements.h"
#include "common/policy/vocabulary.h"
#include "common/redact/token.h"

#include <string.h>

void
view_init(struct viewer *w, const struct scheme *s, const struct obligations *o, struct json_keys *keys)
{
	*w = (struct viewer){ .next_label = 0 };
	outline_init(&w->outline, s, keys);
	limiter_init(&w->limiter, o, s, keys);
	targets_init(&w->targets);
	json_named_init(&w->named);
}

void
view_release(struct viewer *w)
{
	outline_release(&w->outline);
	limiter_release(&w->limiter);
	targets_release(&w->targets);
	json_named_release(&w->named);
}

static void
match(struct viewer *w, struct view *v)
{
	w->matches.picks = 0;
	w->matches.summary = 0;
	if (v->state == PATHS_DEAD)
		return;
	matches_find(&w->matches, &w->outline, v->state, v->root, v->type);
	v->in_keep |= w->matches.in_keep;
	v->formed |= w->matches.formed;
	view_blame(v, WHY_PLACE, w->matches.excepted);
}

/*
 * True if the node is not kept although the node around it is.  Free text, displays, extensions,
 * identifiers and inner ids name a person or repeat what another place holds, so `keep` must name them
 * itself.
 */
static bool
stops_keep(const struct outline *o, const struct view_frame *f, const struct view *v)
{
	if (v->kind == PLACE_TEXT || v->kind == PLACE_DISPLAY || v->kind == PLACE_CONTAINED ||
	    v->kind == PLACE_IDENTIFIER)
		return true;
	if (v->kind == PLACE_EXTENSION && f->view.around != AROUND_EXTENSION)
		return true;
	if (v->kind == PLACE_ID && f->view.around != AROUND_ROOT)
		return true;
	if (v->kind == PLACE_VALUE && f->view.around == AROUND_IDENTIFIER)
		return true;
	return o->s->is_fhir && v->member != v->value && primitive_siblings_is(o->json, v->member);
}

static uint8_t
around_of(const struct view_frame *f, const struct view *v)
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
	if (v->kind == PLACE_META)
		return AROUND_META;
	if (v->kind == PLACE_SECURITY && f->view.around == AROUND_META)
		return AROUND_SECURITY;
	if (v->kind == PLACE_EXTENSION && f->view.around != AROUND_EXTENSION)
		return AROUND_EXTENSIONS;
	return v->kind == PLACE_IDENTIFIER ? AROUND_IDENTIFIER : AROUND_PLAIN;
}

/* Type and id of a reference; of a search (`Patient?identifier=..`) the type and no id. */
static bool
read_reference(struct bytes reference, struct bytes *type, struct bytes *id)
{
	const char *mark = memchr(reference.at, '?', reference.size);
	const char *slash;

	if (mark == NULL)
		return token_reference(reference, type, id);
	*type = (struct bytes){ reference.at, (size_t)(mark - reference.at) };
	slash = memrchr(type->at, '/', type->size);
	if (slash != NULL)
		*type = (struct bytes){ slash + 1, (size_t)(mark - slash) - 1 };
	*id = (struct bytes){ "", 0 };
	return true;
}

/* The bits that lose what names a record of TYPE, whose ID may be empty: it is not known. */
static uint64_t
refused(struct viewer *w, struct bytes type, struct bytes id)
{
	const struct scheme *s = w->outline.s;
	uint64_t bits = s->drops_references & s->type_gone[scheme_type(s, type)];

	return w->limiter.refuses && limiter_refuses(&w->limiter, type, id) ? bits | s->asked : bits;
}

/* The bits that lose what may name any record. */
static uint64_t
refused_any(const struct viewer *w)
{
	return w->outline.s->drops_references | (w->limiter.refuses ? w->outline.s->asked : 0);
}

/* The element of FHIR R4 that V, a child of F, is.  False if it is none. */
static bool
find_element(struct viewer *w, const struct view_frame *f, const struct view *v, struct elements *room,
    struct element *found)
{
	struct outline *o = &w->outline;
	uint32_t key[8];
	unsigned keys = 0;
	struct bytes kind = shape_type(o->s->shape, o->json, o->roots.at[v->root].node);

	for (const struct view *at = v; !at->is_root; at = &f--->view) {
		if (at->member == at->value)
			continue;
		if (keys == sizeof key / sizeof key[0])
			return false;
		key[keys++] = at->member;
	}
	if (keys == 0)
		return false;
	while (keys > 0) {
		if (!elements_find(room, kind, json_string(o->json, key[--keys], &o->room), found))
			return false;
		kind = elements_bare(found->type);
	}
	return true;
}

/* References to whom, where and in which stay tell little of the record that they name. */
static bool
is_circumstance(struct bytes type)
{
	return vocabulary_is_actor(type) || bytes_are(type, "CareTeam") || bytes_are(type, "Encounter") ||
	       bytes_are(type, "EpisodeOfCare");
}

/*
 * The bits that lose the Reference V though it does not say a type: it may name any record.  Where FHIR R4
 * lets it name nothing but circumstances, those bits that would lose one of them.
 */
static uint64_t
refused_by_place(struct viewer *w, const struct view_frame *f, const struct view *v, bool is_reference)
{
	struct elements room;
	struct element found;
	struct bytes types, type;
	uint64_t bits = 0;

	if (!find_element(w, f, v, &room, &found))
		return is_reference ? refused_any(w) : 0;
	if (!bytes_are(elements_bare(found.type), "Reference"))
		return 0;
	types = elements_bound(found.type);
	if (types.size == 0)
		return refused_any(w);
	while (types.size > 0) {
		const char *bar = memchr(types.at, '|', types.size);

		type = (struct bytes){ types.at, bar != NULL ? (size_t)(bar - types.at) : types.size };
		types.at += type.size + (bar != NULL);
		types.size -= type.size + (bar != NULL);
		if (!is_circumstance(type))
			return refused_any(w);
		bits |= refused(w, type, (struct bytes){ "", 0 });
	}
	return bits;
}

/* The bits that lose the Reference V, whose address says no type: by the one it states, or by its place. */
static uint64_t
refused_untyped(struct viewer *w, const struct view_frame *f, const struct view *v, bool is_reference)
{
	const struct outline *o = &w->outline;
	uint32_t type = json_kind(o->json, v->value) == JSON_OBJECT
			    ? json_member_key(o->json, v->value, o->places.type)
			    : 0;

	if (type == 0 || json_kind(o->json, type) != JSON_STRING)
		return refused_by_place(w, f, v, is_reference);
	return refused(w, json_string(o->json, type, &w->outline.room), (struct bytes){ "", 0 });
}

/* The bits that lose the Reference V by what it says beside its address, or without one. */
static uint64_t
refused_name(struct viewer *w, const struct view_frame *f, const struct view *v)
{
	const struct outline *o = &w->outline;
	const struct json *j = o->json;
	uint32_t identifier = json_member_key(j, v->value, o->places.identifier);
	bool has_display = json_member(j, v->value, (struct bytes)BYTES("display")) != 0;
	bool has_code = json_member_key(j, v->value, o->places.code) != 0 ||
			json_member_key(j, v->value, o->places.system) != 0;

	if (v->is_root || (identifier == 0 && !has_display))
		return 0;
	return refused_untyped(w, f, v,
	    !has_code && (has_display || (identifier != 0 && json_kind(j, identifier) == JSON_OBJECT)));
}

/* True if some bits lose references by what they name. */
static bool
refuses(const struct viewer *w)
{
	return (refused_any(w) & w->turn.references) != 0;
}

/*
 * The bits that lose the Reference V, a child of F, with that text.  Those that lost all roots that it can
 * mean do, and those that do not have what it names.  For LOCAL a #x that leads nowhere is lost too.
 */
static uint64_t
lost_target(struct viewer *w, const struct view_frame *f, const struct view *v, struct bytes reference,
    uint64_t local)
{
	struct outline *o = &w->outline;
	struct targets_query q = { &o->roots, o->gone_before, local };
	struct bytes type, id;
	bool is_here;
	uint64_t gone = targets_gone(&w->targets, &q, reference, v->root, &is_here);

	if (!refuses(w) || bytes_begin(reference, "#"))
		return gone;
	if (read_reference(reference, &type, &id))
		return gone | refused(w, type, id);
	return is_here ? gone : gone | refused_untyped(w, f, v, true);
}

/* The bits that lost the entry with the identifier that the Reference at NODE has in place of an address. */
static uint64_t
lost_identified(struct viewer *w, const struct view *v, uint32_t node)
{
	struct outline *o = &w->outline;
	struct targets_query q = { &o->roots, o->gone_before, 0 };
	uint32_t identifier = json_member_key(o->json, node, o->places.identifier);

	if (v->is_root || identifier == 0 || json_kind(o->json, identifier) != JSON_OBJECT)
		return 0;
	return targets_identified(&w->targets, &q, o->json, identifier);
}

/*
 * The concept beside the reference of a CodeableReference (FHIR R5 2.1.28.0.15): without a code that may be
 * known, its text retells the entry that the reference names.
 */
static void
see_concept(struct viewer *w, const struct view_frame *f, struct view *v)
{
	const struct outline *o = &w->outline;
	const struct json *j = o->json;
	uint32_t text = json_member_key(j, f->view.value, o->places.reference);
	uint64_t lost;

	if (text != 0 && json_kind(j, text) == JSON_OBJECT)
		text = json_member_key(j, text, o->places.reference);
	if (text == 0 || json_kind(j, text) != JSON_STRING)
		return;
	lost = lost_target(w, f, v, bytes_trim(json_string(j, text, &w->outline.room)), o->s->hidden);
	view_blame(v, WHY_REFERENCE, w->turn.references & lost & ~retelling_known(o, v, v->value));
}

/* A Reference whose target is gone or must not be named, or a member that holds a canonical `#x`. */
static void
see_reference(struct viewer *w, const struct view_frame *f, struct view *v)
{
	const struct json *j = w->outline.json;
	bool is_object = json_kind(j, v->value) == JSON_OBJECT;
	uint32_t text = v->value;
	uint64_t bits = v->active & w->turn.references;

	if (bits == 0 || !GUARD(references))
		return;
	if (is_object)
		text = json_member_key(j, v->value, w->outline.places.reference);
	if (is_object && refuses(w) &&
	    (text == 0 || json_member_key(j, v->value, w->outline.places.type) != 0))
		view_blame(v, WHY_REFERENCE, bits & refused_name(w, f, v));
	if (text == 0 && is_object)
		view_blame(v, WHY_REFERENCE, bits & lost_identified(w, v, v->value));
	if (text == 0 || json_kind(j, text) != JSON_STRING)
		return;
	if (!is_object && (!w->turn.has_gone || v->kind == PLACE_REFERENCE || json_inside(j, text).size < 2 ||
			      (json_inside(j, text).at[0] != '#' && json_inside(j, text).at[0] != '\\')))
		return;
	struct bytes reference = bytes_trim(json_string(j, text, &w->outline.room));
	if (is_object)
		view_blame(v, WHY_REFERENCE,
		    view_seen(&w->outline, v, text) & w->turn.references &
			lost_target(w, f, v, reference, w->outline.s->hidden));
	else if (bytes_begin(reference, "#"))
		view_blame(v, WHY_REFERENCE, w->turn.references & lost_target(w, f, v, reference, 0));
}

/* A Coding of meta.security. */
static uint64_t
see_security(struct viewer *w, const struct view *v)
{
	struct outline *o = &w->outline;
	uint64_t gone = w->turn.security;

	if (places_harmless(&o->places, o->json, v->value, &o->room))
		gone &= ~(view_seen(o, v, json_member_key(o->json, v->value, o->places.code)) &
			  view_seen(o, v, json_member_key(o->json, v->value, o->places.system)));
	return gone;
}

/* An extension: an inline security label goes, a listed one stays in what `keep` names. */
static uint64_t
see_extension(struct viewer *w, const struct view_frame *f, struct view *v)
{
	struct outline *o = &w->outline;
	uint64_t known = view_seen(o, v, json_member_key(o->json, v->value, o->places.url));

	if (places_inline_label(&o->places, o->json, v->value, &o->room))
		known &= ~w->turn.security;
	v->is_listed =
	    f->view.may_extend & known & places_listed(&o->places, o->s, o->json, v->value, &o->room);
	v->in_keep |= v->is_listed;
	return GUARD(inline_labels) ? w->turn.security & ~known : 0;
}

static void
see_places(struct viewer *w, const struct view_frame *f, struct view *v)
{
	const struct scheme *s = w->outline.s;
	uint64_t gone = 0;

	/* The narrative of a root, or of a section. */
	if (v->kind == PLACE_TEXT &&
	    (f->view.around == AROUND_ROOT || json_kind(w->outline.json, v->value) == JSON_OBJECT))
		gone |= w->turn.narrative | w->outline.root[v->root].limited;
	if (GUARD(bundle_members) && f->view.around == AROUND_ROOT && v->kind == PLACE_BUNDLE &&
	    w->outline.root[f->view.root].is_bundle)
		gone |= s->may_lack | w->turn.limited;
	if (GUARD(labels_of_levels) && f->view.around == AROUND_SECURITY &&
	    (w->turn.security & v->active) != 0)
		gone |= see_security(w, v);
	if (v->around == AROUND_EXTENSION && ((w->turn.security | f->view.may_extend) & v->active) != 0)
		gone |= see_extension(w, f, v);
	if (v->around == AROUND_EXTENSIONS)
		v->may_extend =
		    (f->view.around == AROUND_ROOT ? s->has_keep : f->view.in_keep) & s->lists_extensions;
	view_blame(v, WHY_PLACE, gone);
	see_reference(w, f, v);
	if (v->member != v->value && w->outline.json->nodes[v->member].key == w->outline.places.concept &&
	    (w->turn.references & v->active) != 0 && GUARD(references))
		see_concept(w, f, v);
}

/*
 * Inside a root the `keep` of its type counts, if the `keep` of the root around it names the place at all.
 */
static void
enter_root(struct viewer *w, struct view *v, uint32_t depth)
{
	const struct outline *o = &w->outline;
	const struct scheme *s = o->s;

	view_blame(v, WHY_NOT_KEPT, s->has_keep & ~v->in_keep);
	v->in_keep = v->formed = 0;
	v->root = w->next_root;
	v->type = o->root[v->root].type;
	v->element = o->root[v->root].element;
	view_blame(v, WHY_TYPE, s->type_gone[v->type]);
	view_blame(v, WHY_REFERENCE, o->root[v->root].orphan);
	v->state = paths_root(s->paths, o->json, v->value, depth);
	match(w, v);
}

/* True if there are notes on nodes inside. */
static bool
has_label(const struct viewer *w, const struct view *v)
{
	const struct notes *n = w->outline.notes;

	return notes_of(n, v->value)->inside ||
	       (w->next_label < n->count &&
		   n->labelled[w->next_label] < w->outline.json->nodes[v->value].next);
}

static void
see_note(struct viewer *w, struct view *v)
{
	const struct notes *n = w->outline.notes;
	const struct notes_node *note = notes_of(n, v->value);

	while (w->next_label < n->count && n->labelled[w->next_label] <= v->value)
		w->next_label++;
	if (note->base != NOTES_NO_BASE)
		v->base = note->base;
	if (note->raise > v->raise)
		v->raise = note->raise;
	v->left_out |= note->left_out;
	view_blame(v, WHY_PLACE, note->dropped);
	v->is_sibling |= note->is_sibling;
}

static void
weigh(const struct scheme *s, struct view *v)
{
	uint8_t level = v->base > v->raise ? v->base : v->raise;

	view_blame(v, WHY_CATEGORY, v->left_out);
	v->withheld_whole &= v->active;
	v->above_level = (GUARD(levels) ? s->below_level[level] : 0) & v->active & ~v->withheld_whole;
	v->not_in_keep = (GUARD(keep) ? s->has_keep : 0) & ~v->in_keep & v->active & ~v->withheld_whole;
}

static const struct view blank;

static void
inherit(const struct viewer *w, const struct view_frame *f, uint32_t member, struct view *v)
{
	const struct outline *o = &w->outline;
	const struct json *j = o->json;

	/* The fastest way to clear this much. */
	*v = blank;
	v->member = member;
	v->value = member + (j->nodes[member].kind == JSON_KEY);
	v->holder = f->view.value;
	v->root = f->view.root;
	v->type = f->view.type;
	v->base = f->view.base;
	v->raise = f->view.raise;
	v->is_sibling = f->view.is_sibling;
	v->active = f->active;
	v->left_out = f->view.left_out;
	v->in_keep = f->view.in_keep;
	v->formed = f->view.formed;
	if (v->value != member) {
		v->kind = o->places.of_key[j->nodes[member].key];
		if (f->view.element.number != KINDS_UNKNOWN)
			v->element = kinds_member(o->s->kinds, f->view.element, j->nodes[member].key);
		if (f->view.state != PATHS_DEAD)
			v->state = paths_member(o->s->paths, f->view.state, j, member);
	} else {
		v->element = f->view.element;
		v->is_element = notes_of(o->notes, f->view.value)->is_sibling;
		if (f->view.state != PATHS_DEAD)
			v->state = paths_element(o->s->paths, f->view.state, j, member, f->index - 1);
	}
}

void
view_child(struct viewer *w, const struct view_frame *f, uint32_t member, uint32_t depth, struct view *v)
{
	struct outline *o = &w->outline;

	inherit(w, f, member, v);
	if ((v->in_keep | v->formed) != 0 && stops_keep(o, f, v) && GUARD(kept_places))
		v->in_keep = v->formed = 0;
	match(w, v);
	/* A key that redact.yaml and FHIR do not know is a text of the sender's: `[]` must not let it by. */
	if (v->member != v->value && o->json->nodes[v->member].key == 0)
		view_blame(v, WHY_NOT_KEPT, o->s->strict);
	see_note(w, v);
	while (w->next_root < o->roots.count && o->roots.at[w->next_root].node < v->value)
		w->next_root++;
	v->is_root = w->next_root < o->roots.count && o->roots.at[w->next_root].node == v->value;
	if (v->is_root)
		enter_root(w, v, depth);
	v->around = around_of(f, v);
	if (o->s->is_fhir) {
		/* First, because see_places asks for the labels of members. */
		if (json_kind(o->json, v->value) == JSON_OBJECT && has_label(w, v))
			primitive_siblings_join(&w->named, o, v);
		see_places(w, f, v);
	}
	if ((v->in_keep | v->formed) != 0 && GUARD(forms))
		forms_judge(w, f, v);
	if ((o->s->no_summary | (o->s->may_retell & w->turn.limited)) != 0)
		view_blame(v, WHY_PLACE, retelling_gone(w, f, v));
	weigh(o->s, v);
}

void
view_record(struct viewer *w, uint64_t active, struct view *v)
{
	struct outline *o = &w->outline;

	json_named_clear(&w->named);
	*v = (struct view){ .member = o->record,
		.value = o->record,
		.is_root = true,
		.active = active,
		.in_keep = o->s->has_keep,
		.around = AROUND_ROOT };
	w->next_root = w->next_label = 0;
	see_note(w, v);
	enter_root(w, v, 0);
	if (o->s->is_fhir && has_label(w, v))
		primitive_siblings_join(&w->named, o, v);
	weigh(o->s, v);
}

uint64_t
view_undecided(const struct viewer *w, const struct view *v)
{
	const struct outline *o = &w->outline;
	const struct scheme *s = o->s;
	uint64_t open = v->active & ~v->withheld_whole & ~s->below_level[v->raise];
	uint32_t behind = w->next_root + (v->is_root ? 1 : 0);
	bool root_inside =
	    behind < o->roots.count && o->roots.at[behind].node < o->json->nodes[v->value].next;
	uint64_t undecided;

	if (v->state != PATHS_DEAD)
		return open;
	undecided = v->may_extend & v->not_in_keep;          /* a listed extension may be inside */
	undecided |= s->has_keep & (v->in_keep | v->formed); /* and a node that stops `keep` */
	undecided |= w->turn.looks_inside & ~s->has_keep & ~v->above_level;
	if (has_label(w, v) || root_inside)
		undecided |= ~s->has_keep;
	if (v->is_root)
		undecided |= w->turn.narrative | o->root[v->root].limited |
			     (o->root[v->root].is_bundle ? s->may_lack : 0);
	return undecided & open & ~(v->not_in_keep & ~v->may_extend & ~v->formed);
}

void
view_enter(struct viewer *w, const struct view *v)
{
	struct outline *o = &w->outline;

	/* view_child and view_record have done so where there are labels inside. */
	if (o->s->is_fhir && v->active != 0 && !has_label(w, v) &&
	    json_kind(o->json, v->value) == JSON_OBJECT)
		primitive_siblings_join(&w->named, o, v);
}
