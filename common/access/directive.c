/* SPDX-License-Identifier: ISC */
#include "common/access/parts.h"

#include "common/base/hash.h"
#include "common/base/memory.h"

#include <stdlib.h>

static struct directive **
find_slot(const struct directives *d, struct bytes patient)
{
	uint32_t at = (uint32_t)hash_bytes(patient) & (d->room - 1);

	while (d->slot[at] && !bytes_equal(d->slot[at]->patient, patient))
		at = (at + 1) & (d->room - 1);
	return &d->slot[at];
}

static void
grow(struct directives *d)
{
	struct directive **old = d->slot;
	uint32_t olds = d->room;

	d->room = olds ? 2 * olds : 64;
	d->slot = memory_zeros(d->room, sizeof(struct directive *));
	for (uint32_t i = 0; i < olds; i++)
		if (old[i])
			*find_slot(d, old[i]->patient) = old[i];
	free(old);
}

/* False if the patient of NEW has a directive of this id already. */
static bool
note_id(struct directives *d, const struct directive *new)
{
	uint32_t before = d->ids.count;
	bool fresh = intern_add(&d->ids, intern_pair(&d->scratch, new->patient, new->id)) > before;

	scratch_reset(&d->scratch);
	return fresh;
}

static bool
insert(struct directives *d, struct access_reader *r, struct directive *new, const struct yaml_node *node)
{
	struct directive **first;

	if (2 * (d->patients + 1) > d->room)
		grow(d);
	first = find_slot(d, new->patient);
	d->patients += *first == NULL;
	if (*first && !(*first)->next)
		(void)note_id(d, *first);
	if (*first && !note_id(d, new))
		return fault_at(r->fault, r->file, node, "a directive that is there twice for its patient");
	new->next = *first;
	*first = new;
	return true;
}

static int
by_id(const void *a, const void *b)
{
	const struct directive *const *left = a, *const *right = b;

	return bytes_compare((*left)->id, (*right)->id);
}

static void
sort_list(struct directives *d, struct directive **first)
{
	struct directive **at, **link = first;
	size_t count = 0;

	for (const struct directive *one = *first; one; one = one->next)
		count++;
	if (count < 2)
		return;
	at = scratch_array(&d->scratch, count, sizeof(struct directive *));
	count = 0;
	for (struct directive *one = *first; one; one = one->next)
		at[count++] = one;
	qsort(at, count, sizeof(struct directive *), by_id);
	for (size_t i = 0; i < count; i++) {
		*link = at[i];
		link = &at[i]->next;
	}
	*link = NULL;
	scratch_reset(&d->scratch);
}

void
directives_ready(struct directives *d)
{
	for (uint32_t i = 0; i < d->room; i++)
		sort_list(d, &d->slot[i]);
}

const struct directive *
directives_of(const struct directives *d, struct bytes patient)
{
	return d->room ? *find_slot(d, patient) : NULL;
}

void
directives_init(struct directives *d, struct arena *arena)
{
	*d = (struct directives){ 0 };
	intern_init(&d->ids, arena);
}

void
directives_release(struct directives *d)
{
	intern_release(&d->ids);
	scratch_release(&d->scratch);
	free(d->slot);
	free(d->warning);
	*d = (struct directives){ 0 };
}

static bool
read_status(struct access_reader *r, struct yaml_map *m, struct directive *d)
{
	static const char *const words[] = { "active", "draft", "negotiating", "proposed", "rejected",
		"inactive", "entered-in-error", NULL };
	const struct yaml_node *node = yaml_need(m, "status");
	unsigned which;

	if (!node || !yaml_word(r->file, node, words, &which, r->fault))
		return false;
	d->status = which == 0   ? DIRECTIVE_ACTIVE
		    : which <= 2 ? DIRECTIVE_SETTLING
				 : DIRECTIVE_WITHOUT_EFFECT;
	return true;
}

static bool
read_date(struct access_reader *r, const struct yaml_node *node, struct directive *d)
{
	struct period p;
	enum date_precision precision;

	if (!node)
		return true;
	d->dated = (node->kind == YAML_STRING || node->kind == YAML_NUMBER) &&
		   clock_parse_date(node->text, &p, &precision);
	if (d->dated)
		d->date = p.from;
	return d->dated || fault_at(r->fault, r->file, node, "expected a date, such as 2026-02-11");
}

static bool
read_period(struct access_reader *r, const struct yaml_node *node, struct directive *d)
{
	struct yaml_map m;

	return !node || (yaml_open(&m, r->file, node, r->fault) && criteria_interval(r, &m, &d->period) &&
			    yaml_close(&m));
}

static bool
read_acknowledged(struct access_reader *r, const struct yaml_node *node, struct directive *d)
{
	if (!node)
		return true;
	d->acknowledged = (uint32_t)yaml_strings(node);
	d->acknowledges = arena_array(r->arena, d->acknowledged, sizeof *d->acknowledges);
	for (uint32_t i = 0; i < d->acknowledged; i++) {
		if (!yaml_item_string(r->file, node, i, &d->acknowledges[i], r->fault))
			return false;
		d->acknowledges[i] = arena_copy(r->arena, d->acknowledges[i]);
	}
	return true;
}

static bool
read_content(struct access_reader *r, struct yaml_map *m, struct directive *d)
{
	static const char *const bases[] = { "deny", "permit", NULL };
	const struct yaml_node *version = yaml_need(m, "ehr_authz"), *base, *rules;
	uint64_t number;
	unsigned which;

	if (!version || !yaml_integer(r->file, version, 1, 1, &number, r->fault) || !read_status(r, m, d))
		return false;
	base = yaml_need(m, "base");
	if (!base || !yaml_word(r->file, base, bases, &which, r->fault))
		return false;
	d->base_permit = which == 1;
	d->has_what = yaml_find(m->node, "what") != NULL;
	if (d->has_what && !d->base_permit)
		return fault_at(r->fault, r->file, yaml_find(m->node, "what"),
		    "only base: permit may be limited by what");
	rules = yaml_take(m, "rules");
	return criteria_read(r, m, SIDE_PERMIT, CRITERIA_WHAT | CRITERIA_DATA, &d->what) &&
	       criteria_read(r, m, d->base_permit ? SIDE_PERMIT : SIDE_DENY, CRITERIA_REQUEST, &d->root) &&
	       read_date(r, yaml_take(m, "date"), d) && read_period(r, yaml_take(m, "period"), d) &&
	       read_acknowledged(r, yaml_take(m, "acknowledges"), d) &&
	       rules_read(r, rules, HOME_DIRECTIVE, &d->rule, &d->rules) && yaml_close(m);
}

static void
warn(struct directives *d, struct fault *f)
{
	if (d->warnings == d->warning_room) {
		d->warning_room = d->warning_room ? 2 * d->warning_room : 8;
		d->warning = memory_grow(d->warning, d->warning_room, sizeof *d->warning);
	}
	d->warning[d->warnings++] = *f;
	f->text[0] = '\0';
}

/* Moves the moments that were read with D from the reader's list to D. */
static void
take_moments(struct access_reader *r, struct directive *d)
{
	struct moments *m = r->moments;

	moments_sort(m);
	d->moments.at = arena_array(r->arena, m->count, sizeof *m->at);
	d->moments.count = m->count;
	if (m->count > 0)
		memcpy(d->moments.at, m->at, m->count * sizeof *m->at);
	m->count = 0;
}

static bool
read_directive(struct directives *all, struct access_reader *r, const struct yaml_node *node)
{
	struct directive *d = arena_take(r->arena, sizeof *d);
	const struct yaml_node *patient, *id;
	struct yaml_map m;

	if (!yaml_open(&m, r->file, node, r->fault))
		return false;
	patient = yaml_need(&m, "patient");
	id = yaml_need(&m, "consent");
	if (!patient || !id || !yaml_string(r->file, patient, &d->patient, r->fault) ||
	    !yaml_string(r->file, id, &d->id, r->fault))
		return false;
	if (d->patient.size == 0 || d->id.size == 0)
		return fault_at(r->fault, r->file, node, "an empty patient or consent");
	d->patient = arena_copy(r->arena, d->patient);
	d->id = arena_copy(r->arena, d->id);
	d->id_text = reader_json(r, d->id);
	d->unreadable = !read_content(r, &m, d);
	if (d->unreadable)
		warn(all, r->fault);
	take_moments(r, d);
	return insert(all, r, d, node);
}

/* A directive is copied out of its tree, so the tree is given back at once. */
static bool
read_tree(struct directives *d, struct ndjson *n)
{
	struct arena tree = { 0 };
	bool good = read_directive(d, n->reader, ndjson_tree(n, &tree));

	arena_release(&tree);
	return good;
}

static bool
read_objects(struct directives *d, struct access_reader *r, struct bytes text)
{
	struct ndjson n;

	ndjson_init(&n, r, text);
	while (ndjson_next(&n))
		if (!read_tree(d, &n))
			break;
	ndjson_release(&n);
	return !r->fault->text[0];
}

static bool
read_object(struct directives *d, struct access_reader *r, struct bytes text)
{
	struct ndjson n;
	bool good;

	ndjson_init(&n, r, text);
	good = ndjson_whole(&n) && read_tree(d, &n);
	ndjson_release(&n);
	return good;
}

static bool
read_yaml(struct directives *d, struct access_reader *r, struct bytes text)
{
	struct arena tree = { 0 };
	const struct yaml_node *root = yaml_read(&tree, r->file, text, r->fault);
	bool good = root && read_directive(d, r, root);

	arena_release(&tree);
	return good;
}

bool
directives_read(struct directives *d, struct access_reader *r, const char *path, struct bytes text)
{
	static const struct {
		const char *ending;
		bool (*read)(struct directives *d, struct access_reader *r, struct bytes text);
	} forms[] = { { ".ndjson", read_objects }, { ".json", read_object }, { ".yaml", read_yaml },
		{ ".yml", read_yaml } };
	struct bytes name = bytes_of(path);

	r->file = path;
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
		if (name.size > strlen(forms[i].ending) && bytes_end(name, forms[i].ending))
			return forms[i].read(d, r, text);
	return fault_at(r->fault, path, NULL, "expected a name that ends with .yaml, .yml, .json or .ndjson");
}
