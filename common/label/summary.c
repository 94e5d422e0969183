/* SPDX-License-Identifier: ISC */
#include "common/label/parts.h"

/*
 * A summary has the highest level of those labels in its root that somebody may retell: labels that came with
 * the record, and those of rules without `retold: no`.  Base levels and opaque parts are no news: a report
 * does not lose its conclusion because it has a PDF.  A narrative repeats all of the object around it, so it
 * has the highest level of any label in there, but for those in `meta`.  The
 * display of a reference to another entry of the Bundle has the level of that entry.
 */
struct summary {
	uint32_t node;
	uint32_t around;
	uint32_t root;   /* index */
	uint32_t target; /* of a display: index of the root or group that it tells of; else 0 */
	bool is_narrative;
	bool retells; /* a display also tells of parts of its target */
};

/* What may be told of a root and of the roots in it. */
struct summary_told {
	struct label_standing retold; /* by a summary */
	struct label_standing all;    /* by a narrative; of a group, what stands on the roots themselves */
};

void
summary_init(struct summary_list *s, const struct current_root *root, struct label_list *labels,
    struct entry_names *names)
{
	struct json_keys *keys = root->set->keys;

	*s = (struct summary_list){
		.root = root,
		.labels = labels,
		.names = names,
		.meta = json_keys_add(keys, (struct bytes)BYTES("meta")),
	};
	buffer_init(&s->items, BUFFER_UNLIMITED);
	buffer_init(&s->told, BUFFER_UNLIMITED);
}

void
summary_release(struct summary_list *s)
{
	buffer_release(&s->items);
	buffer_release(&s->told);
}

void
summary_start(struct summary_list *s)
{
	s->items.used = 0;
	s->is_needed = false;
}

void
summary_add(struct summary_list *s, uint32_t node, uint32_t around, bool is_narrative)
{
	s->is_needed |= is_narrative;
	*(struct summary *)buffer_more(&s->items, sizeof(struct summary)) = (struct summary){ .node = node,
		.around = around,
		.root = (uint32_t)s->root->record.root,
		.is_narrative = is_narrative };
}

void
summary_display(struct summary_list *s, uint32_t display, uint32_t index, bool retells)
{
	s->is_needed = true;
	*(struct summary *)buffer_more(&s->items, sizeof(struct summary)) = (struct summary){
		.node = display, .root = (uint32_t)s->root->record.root, .target = index, .retells = retells
	};
}

static struct summary_told *
told_of(const struct summary_list *s, size_t root)
{
	return (struct summary_told *)(void *)s->told.at + root;
}

static void
add(struct label_standing *to, const struct label_standing *from)
{
	to->level = from->level > to->level ? from->level : to->level;
	to->sensitivity |= from->sensitivity;
	to->basis |= from->basis;
}

/* Adds LABEL to what is told of root INDEX, whose `meta` is node META. */
static void
tell(struct summary_list *s, size_t index, const struct label *label, uint32_t meta)
{
	const struct json *j = s->labels->json;
	struct label_standing by_label = { label->level < 0 ? 0 : (unsigned)label->level, label->sensitivity,
		label->basis };

	if (label->kind == LABEL_URGENCY)
		return;
	if (meta == 0 || label->node < meta || label->node >= j->nodes[meta].next)
		add(&told_of(s, index)->all, &by_label);
	if (s->root->set->origin[label->origin].shown.is_retold)
		add(&told_of(s, index)->retold, &by_label);
}

/* Labels and roots are in document order: a label is in the last root before it, or in a root around that. */
static void
tell_labels(struct summary_list *s)
{
	const struct json *j = s->labels->json;
	const struct roots *r = s->root->record.roots;
	const struct label *label = label_list_at(s->labels);
	size_t count = label_list_count(s->labels);
	uint32_t last = 0;
	uint32_t known = UINT32_MAX; /* the root that META belongs to */
	uint32_t meta = 0;

	for (size_t i = 0; i < count; i++) {
		uint32_t at;

		while (last + 1 < r->count && r->at[last + 1].node <= label[i].node)
			last++;
		for (at = last; j->nodes[r->at[at].node].next <= label[i].node; at = r->at[at].parent)
			;
		if (at != known)
			meta = json_member_key(j, r->at[at].node, s->meta);
		known = at;
		tell(s, at, &label[i], meta);
	}
}

static void
tell_roots(struct summary_list *s)
{
	const struct roots *r = s->root->record.roots;

	s->told.used = 0;
	for (size_t i = 0; i < r->count; i++) {
		struct summary_told *told = buffer_more(&s->told, sizeof *told);

		told->all = label_list_standing(s->labels, r->at[i].node);
	}
	tell_labels(s);
	for (size_t i = r->count; i-- > 1;) {
		add(&told_of(s, r->at[i].parent)->retold, &told_of(s, i)->retold);
		add(&told_of(s, r->at[i].parent)->all, &told_of(s, i)->all);
	}
}

/* Takes from TOLD what the readers of CODING may not know. */
static void
cap_by(const struct summary_list *s, uint32_t coding, struct label_standing *told)
{
	const struct json *j = s->labels->json;
	uint32_t code = json_member_key(j, coding, s->root->set->words.members->code);
	struct label_standing coded;

	if (json_kind(j, coding) != JSON_OBJECT || code == 0 || json_kind(j, code) != JSON_STRING ||
	    json_inside(j, code).size == 0)
		return;
	coded = label_list_standing(s->labels, code);
	told->level = coded.level < told->level ? coded.level : told->level;
	told->sensitivity &= coded.sensitivity;
}

/* Beside codes, or with codes in it, a summary says no more than the codes do. */
static void
cap(const struct summary_list *s, uint32_t concept, struct label_standing *told)
{
	const struct json *j = s->labels->json;
	uint32_t coding = 0;

	if (json_kind(j, concept) == JSON_OBJECT)
		coding = json_member_key(j, concept, s->root->set->words.members->coding);
	if (coding == 0)
		return;
	if (json_kind(j, coding) != JSON_ARRAY)
		cap_by(s, coding, told);
	else
		for (uint32_t i = coding + 1; i < j->nodes[coding].next; i = j->nodes[i].next)
			cap_by(s, i, told);
}

/* False if the node has all that TOLD says already. */
static bool
label(struct summary_list *s, const struct summary *item, const struct label_standing *told)
{
	struct label_standing now = label_list_standing(s->labels, item->node);
	struct label *label;

	if (told->level <= now.level && (told->sensitivity & ~now.sensitivity) == 0)
		return false;
	if ((item->is_narrative && !GUARD(narratives)) || (!item->is_narrative && !GUARD(summaries)))
		return false;
	label = label_list_add(
	    s->labels, item->node, LABEL_RAISE, item->is_narrative ? ORIGIN_NARRATIVE : ORIGIN_SUMMARY);
	label->level = (int8_t)(told->level > now.level ? told->level : now.level);
	label->sensitivity = told->sensitivity;
	return true;
}

static bool
is_of_root(const struct summary_list *s, const struct summary *item)
{
	return item->is_narrative && item->around == s->root->record.roots->at[item->root].node;
}

static struct bytes
string_of(const struct json *j, uint32_t node, struct bytes name)
{
	uint32_t value = json_member(j, node, name);

	if (value == 0 || json_kind(j, value) != JSON_STRING)
		return (struct bytes){ "", 0 };
	return json_inside(j, value);
}

/* What is told of ROOT, or of the group of roots that it stands for. */
static const struct summary_told *
told_of_named(struct summary_list *s, uint32_t root)
{
	const struct root *at = s->root->record.roots->at;
	const struct entry_group *group;

	/* The groups are known when the first reference is looked up, so they follow the roots. */
	for (size_t more; (more = s->told.used / sizeof(struct summary_told)) <= root;) {
		struct summary_told told = { .retold = { 0 } };

		group = entry_names_group(s->names, (uint32_t)more);
		for (size_t i = 0; i < group->count; i++) {
			uint32_t member = entry_names_member(s->names, group, i);
			struct label_standing own = label_list_standing(s->labels, at[member].node);

			add(&told.all, &own);
			add(&told.retold, &told_of(s, member)->retold);
		}
		buffer_add(&s->told, &told, sizeof told);
	}
	return told_of(s, root);
}

/* What a section tells of others. */
struct named {
	struct summary_list *list;
	struct label_standing *told;
};

static void
add_retold(void *context, uint32_t root, bool is_sure)
{
	const struct named *n = context;

	(void)is_sure;
	add(n->told, &told_of_named(n->list, root)->retold);
}

/* A section of a root in a Bundle tells what its references name. */
static void
add_named(struct summary_list *s, const struct summary *item, struct label_standing *told)
{
	const struct json *j = s->labels->json;
	struct named named = { s, told };

	if (item->root == 0)
		return;
	for (uint32_t i = item->around + 1; i < j->nodes[item->around].next; i++) {
		struct bytes reference;

		if (json_kind(j, i) != JSON_OBJECT)
			continue;
		reference = string_of(j, i, (struct bytes)BYTES("reference"));
		if (reference.size > 0)
			entry_names_each(s->names, reference, item->root, add_retold, &named);
	}
}

/* ITEM has told TOLD, which the narratives around it repeat. */
static void
tell_around(struct summary_list *s, const struct summary *item, const struct label_standing *told)
{
	const struct roots *r = s->root->record.roots;

	for (uint32_t at = item->root; add(&told_of(s, at)->all, told), at != 0; at = r->at[at].parent)
		;
}

/* The narrative of a section repeats the section and what it names, and is a summary of its root. */
static void
label_section(struct summary_list *s, const struct summary *item)
{
	struct label_standing told = label_list_within(s->labels, item->around);

	add_named(s, item, &told);
	add(&told, &told_of(s, item->root)->retold);
	(void)label(s, item, &told);
	tell_around(s, item, &told);
}

static void
label_display(struct summary_list *s, const struct summary *item)
{
	bool is_group = entry_names_group(s->names, item->target) != NULL;
	struct label_standing told =
	    is_group ? told_of_named(s, item->target)->all
		     : label_list_standing(s->labels, s->root->record.roots->at[item->target].node);

	if (item->retells)
		add(&told, &told_of_named(s, item->target)->retold);
	if (label(s, item, &told))
		tell_around(s, item, &told);
}

/*
 * *AROUND is the last summary that got all that its root may retell, NO_NODE at first: those in it need no
 * label.
 */
static void
label_summary(struct summary_list *s, const struct summary *item, uint32_t *around)
{
	const struct label_standing *most = &told_of(s, item->root)->retold;
	struct label_standing told = *most;

	if (item->node >= *around && item->node < s->labels->json->nodes[*around].next)
		return;
	cap(s, item->around, &told);
	cap(s, item->node, &told);
	if (label(s, item, &told) && told.level == most->level && told.sensitivity == most->sensitivity)
		*around = item->node;
}

static void
label_items(struct summary_list *s)
{
	const struct summary *item = (const struct summary *)(const void *)s->items.at;
	size_t count = s->items.used / sizeof *item;
	uint32_t around = NO_NODE;

	for (size_t i = 0; i < count; i++)
		if (item[i].target != 0)
			label_display(s, &item[i]);
		else if (!item[i].is_narrative)
			label_summary(s, &item[i], &around);
		else if (!is_of_root(s, &item[i]))
			label_section(s, &item[i]);
	for (size_t i = 0; i < count; i++)
		if (is_of_root(s, &item[i]))
			(void)label(s, &item[i], &told_of(s, item[i].root)->all);
}

/* Most records have neither narratives nor displays of entries, nor anything that a summary may retell. */
static bool
has_news(const struct summary_list *s)
{
	const struct label *label = label_list_at(s->labels);
	size_t count = label_list_count(s->labels);
	size_t i = 0;

	while (i < count && !s->root->set->origin[label[i].origin].shown.is_retold)
		i++;
	return i < count || s->is_needed;
}

void
summary_label(struct summary_list *s)
{
	size_t count = label_list_count(s->labels);

	if (s->items.used == 0 || !has_news(s))
		return;
	label_list_link(s->labels);
	tell_roots(s);
	label_items(s);
	if (label_list_count(s->labels) > count)
		label_list_sort(s->labels);
}
