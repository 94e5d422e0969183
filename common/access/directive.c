/* SPDX-License-Identifier: ISC */
#include "common/access/fhir_consent.h"
#include "common/access/parts.h"
#include "common/base/hash.h"
#include "common/base/memory.h"
#include "common/crypto/digest.h"

#include <stdio.h>
#include <stdlib.h>

/* False if the patient of NEW has a directive of this id already. */
static bool
note_id(struct directives *d, const struct directive *new)
{
	uint32_t before = d->ids.count;
	bool fresh = intern_add(&d->ids, intern_pair(&d->scratch, new->patient, new->id)) > before;

	scratch_reset(&d->scratch);
	return fresh;
}

static void
warn(struct directives *d, struct fault *f, const char *code)
{
	char text[sizeof f->text];

	if (d->warnings == d->warning_room) {
		d->warning_room = d->warning_room ? 2 * d->warning_room : 8;
		d->warning = memory_grow(d->warning, d->warning_room, sizeof *d->warning);
	}
	memcpy(text, f->text, sizeof text);
	d->warning[d->warnings] = *f;
	(void)snprintf(
	    d->warning[d->warnings++].text, sizeof text, "%s: %.*s", code, (int)(sizeof text - 32), text);
	f->text[0] = '\0';
}

/* Which of two counts cannot be told: neither, and the patient's consent is undecided. */
static void
spoil_twins(struct directive *first, struct directive *new)
{
	for (struct directive *d = first; d; d = d->next)
		if (!d->unsettled && bytes_equal(d->id, new->id)) {
			d->unreadable = true;
			d->status = DIRECTIVE_ACTIVE;
		}
}

/*
 * Of a directive that is negotiated only the bytes that are in force have an effect.  DIGEST is that of these
 * bytes; empty for one in a list of a YAML file, which has none of its own.
 */
static void
settle(const struct directives *all, struct directive *d, const char *digest)
{
	const struct settlement *s = all->settled ? settled_find(all->settled, d->patient, d->id) : NULL;

	if (!s)
		return;
	d->listed = true;
	if (s->in_force.size > 0 && bytes_are(s->in_force, digest))
		return;
	d->unsettled = true;
	d->status = s->over ? DIRECTIVE_WITHOUT_EFFECT : DIRECTIVE_SETTLING;
}

static void
insert(struct directives *d, struct access_reader *r, struct directive *new, const struct yaml_node *node,
    const char *digest)
{
	uint64_t hash = hash_bytes(new->patient);
	struct directive_slot *slot;
	struct directive **first;

	settle(d, new, digest);
	slot = directives_slot(d, new->patient, hash);
	slot->hash = hash;
	first = &slot->first;
	d->patients += *first == NULL;
	d->any = d->any || new->status != DIRECTIVE_WITHOUT_EFFECT;
	if (*first && !(*first)->next && !(*first)->unsettled)
		(void)note_id(d, *first);
	new->next = *first;
	if (*first && !new->unsettled && !note_id(d, new)) {
		(void)fault_at(r->fault, r->file, node, "a directive that is there twice for its patient");
		warn(d, r->fault, "consent-unreadable");
		spoil_twins(new, new);
	}
	*first = new;
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

/* A directive of a patient whom the register knows by an identifier. */
struct pending_directive {
	struct directive *directive; /* its patient is the identifier */
	const char *file;
	struct yaml_node place;
	char digest[DIGEST_TEXT];
};

static void
wait_for_register(struct directives *d, const struct access_reader *r, struct directive *new,
    const struct yaml_node *node, const char *digest)
{
	struct pending_directive *p;

	if (d->pendings == d->pending_room) {
		d->pending_room = d->pending_room ? 2 * d->pending_room : 8;
		d->pending = memory_grow(d->pending, d->pending_room, sizeof *d->pending);
	}
	p = &d->pending[d->pendings++];
	*p = (struct pending_directive){ .directive = new, .file = r->file, .place = *node };
	(void)snprintf(p->digest, sizeof p->digest, "%s", digest);
}

bool
directives_ready(struct directives *d, struct access_reader *r, const struct entities *entities)
{
	for (size_t i = 0; i < d->pendings; i++) {
		const struct pending_directive *p = &d->pending[i];
		struct bytes patient =
		    entities ? entities_patient(entities, p->directive->patient) : (struct bytes){ "", 0 };

		r->file = p->file;
		if (patient.size == 0)
			return fault_at(r->fault, p->file, &p->place,
			    "the register has no patient, or two, of the identifier in patient");
		p->directive->patient = arena_copy(r->arena, patient);
		insert(d, r, p->directive, &p->place, p->digest);
	}
	d->pendings = 0;
	for (uint32_t i = 0; i < d->room; i++)
		sort_list(d, &d->slot[i].first);
	return true;
}

void
directives_init(struct directives *d, struct arena *arena)
{
	*d = (struct directives){ .keys = fhir_consent_keys() };
	intern_init(&d->ids, arena);
	criteria_shelf_init(&d->shelf, arena);
}

void
directives_release(struct directives *d)
{
	intern_release(&d->ids);
	criteria_shelf_release(&d->shelf);
	scratch_release(&d->scratch);
	arena_release(&d->tree);
	json_keys_free(d->keys);
	free(d->pending);
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
	d->status_word = words[which];
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

	if (node && node->kind == YAML_MAP && node->count == 0)
		return fault_at(r->fault, r->file, node, "expected from, until or both");
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

/* Whether a directive applies must not hang on an attribute that its asker may leave out. */
static bool
check_root(struct access_reader *r, const struct yaml_map *m, const struct directive *d)
{
	for (uint32_t i = 0; i < d->root->count; i++)
		if (d->root->at[i].kind == CRITERION_PRESENT)
			return fault_at(r->fault, r->file, m->node,
			    "present would let a missing attribute help: beside base it may not stand");
	return true;
}

/* What a directive is about, and the requests that it applies to. */
static bool
read_applies(struct access_reader *r, struct yaml_map *m, struct directive *d)
{
	const struct criteria *what = criteria_shared(r, m, SIDE_PERMIT, CRITERIA_WHAT | CRITERIA_DATA);
	const struct criteria *root =
	    what ? criteria_shared(r, m, d->base_permit ? SIDE_PERMIT : SIDE_DENY, CRITERIA_REQUEST) : NULL;

	d->what = what ? what : &criteria_none;
	d->root = root ? root : &criteria_none;
	return root && check_root(r, m, d);
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
	if (!yaml_boolean(r->file, yaml_take(m, "verified"), &d->verified, r->fault))
		return false;
	return read_applies(r, m, d) && read_date(r, yaml_take(m, "date"), d) &&
	       read_period(r, yaml_take(m, "period"), d) &&
	       read_acknowledged(r, yaml_take(m, "acknowledges"), d) &&
	       rules_read(r, rules, HOME_DIRECTIVE, &d->rule, &d->rules) && yaml_close(m);
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

static struct directive *
new_directive(struct access_reader *r, struct bytes patient, struct bytes id)
{
	struct directive *d = arena_take(r->arena, sizeof *d);

	d->root = d->what = &criteria_none;
	d->patient = arena_copy(r->arena, reader_patient(patient));
	d->id_text = reader_json(r, id);
	d->id = d->id_text.size == id.size + 2 ? (struct bytes){ d->id_text.at + 1, id.size }
					       : arena_copy(r->arena, id);
	return d;
}

/* The digest of a directive's OWN bytes, where anybody asks for it. */
static const char *
digest_of(const struct directives *all, struct bytes own, char text[DIGEST_TEXT])
{
	text[0] = '\0';
	if (all->settled && own.size > 0)
		digest_text(own, text);
	return text;
}

static bool
read_directive(
    struct directives *all, struct access_reader *r, const struct yaml_node *node, struct bytes own)
{
	char digest[DIGEST_TEXT];
	const struct yaml_node *patient, *id;
	struct bytes patient_text, id_text;
	struct directive *d;
	struct yaml_map m;

	if (!yaml_open(&m, r->file, node, r->fault))
		return false;
	patient = yaml_need(&m, "patient");
	id = yaml_need(&m, "consent");
	if (!patient || !id || !yaml_string(r->file, patient, &patient_text, r->fault) ||
	    !yaml_string(r->file, id, &id_text, r->fault))
		return false;
	if (reader_patient(patient_text).size == 0 || id_text.size == 0)
		return fault_at(r->fault, r->file, node, "an empty patient or consent");
	d = new_directive(r, patient_text, id_text);
	d->unreadable = !read_content(r, &m, d);
	if (d->unreadable)
		warn(all, r->fault, "consent-unreadable");
	take_moments(r, d);
	insert(all, r, d, node, digest_of(all, own, digest));
	return true;
}

/* A fault of a Consent says which element it is about. */
static void
warn_at_element(struct directives *all, struct ndjson *n, const char *code)
{
	struct fault *f = n->reader->fault;
	char place[JSON_PLACE_ROOM], text[sizeof f->text];

	/* Of an object or array that begins at the column, not of the one around it. */
	json_place(n->json.text, f->column + (n->json.text.at[f->column - 1] != '"'), all->keys, place);
	if (place[0] != '\0') {
		memcpy(text, f->text, sizeof text);
		(void)snprintf(
		    f->text, sizeof f->text, "%.*s: %.*s", 200, place, (int)(sizeof text - 240), text);
	}
	warn(all, f, code);
}

/* A root that denies all data must say of which in words that can be read, though they change nothing. */
static bool
read_ignored(struct access_reader *r, const struct yaml_node *data)
{
	struct yaml_map m;

	return !data || (yaml_open(&m, r->file, data, r->fault) &&
			    criteria_shared(r, &m, SIDE_PERMIT, CRITERIA_WHAT | CRITERIA_DATA) != NULL);
}

/* A Consent that cannot be read has no effect either if its status can be, and says so. */
static bool
read_tree(struct access_reader *r, const struct fhir_consent *c, struct directive *d)
{
	struct yaml_map m;

	if (!yaml_open(&m, r->file, c->tree, r->fault))
		return false;
	if (c->kind == FHIR_CONSENT_READ)
		return yaml_need(&m, "patient") && yaml_need(&m, "consent") && read_content(r, &m, d) &&
		       read_ignored(r, c->data);
	(void)(yaml_find(c->tree, "status") && read_status(r, &m, d));
	return false;
}

static bool
read_consent(struct directives *all, struct ndjson *n, uint32_t node, struct arena *tree, struct bytes own)
{
	char digest[DIGEST_TEXT];
	struct access_reader *r = n->reader;
	struct yaml_node place = { .line = n->line, .column = n->json.nodes[node].start + 1 };
	struct fhir_consent c;
	struct directive *d;

	fhir_consent_read(tree, n, node, all->names, &c);
	if (c.kind == FHIR_CONSENT_NONE || c.kind == FHIR_CONSENT_NOBODY)
		return c.kind == FHIR_CONSENT_NOBODY || ndjson_fault(n, node, "expected a Consent");
	all->others += c.kind == FHIR_CONSENT_OTHER;
	if (c.kind == FHIR_CONSENT_OTHER)
		return true;
	d = new_directive(r, c.patient, c.id);
	r->is_record = true;
	d->unreadable = !read_tree(r, &c, d);
	r->is_record = false;
	if (d->unreadable) {
		warn_at_element(all, n, "consent-unreadable");
	} else if (c.data) {
		(void)ndjson_fault(n, node, "a root that denies some data denies all of it");
		warn_at_element(all, n, "root-data");
	}
	take_moments(r, d);
	if (c.logical)
		wait_for_register(all, r, d, &place, digest_of(all, own, digest));
	else
		insert(all, r, d, &place, digest_of(all, own, digest));
	return true;
}

/*
 * False if a key stands twice where the directive NODE says whose it is, or what it is: then nobody knows
 * whose consent to stop.
 */
static bool
says_whose(const struct ndjson *n, uint32_t node)
{
	static const char *const owners[] = { "patient", "subject", "resourceType" };
	const struct json_node *nodes = n->json.nodes;

	for (uint32_t k = node + 1; k < nodes[node].next; k = nodes[k].next) {
		struct bytes name = { n->stored.at + nodes[k].start + 1, nodes[k].end - nodes[k].start - 2 };
		bool repeats = ndjson_repeats(n, k), escaped = memchr(name.at, '\\', name.size) != NULL;

		if (repeats && escaped)
			return false;
		for (size_t i = 0; i < sizeof owners / sizeof owners[0]; i++)
			if (bytes_are(name, owners[i]) && (repeats || ndjson_repeats(n, k + 1)))
				return false;
	}
	return true;
}

/* How many keys that stand twice are in NODE.  Notes the fault of the first. */
static unsigned
repeats_in(struct ndjson *n, uint32_t node)
{
	const struct json_node *at = &n->json.nodes[node];
	struct yaml_node place = { .line = n->line };
	unsigned count = 0;

	for (unsigned i = 0; i < n->repeats; i++) {
		if (n->repeat[i] < at->start || n->repeat[i] >= at->end)
			continue;
		if (count++ == 0)
			place.column = (unsigned)n->repeat[i] + 1;
	}
	if (count > 0)
		(void)fault_at(
		    n->reader->fault, n->reader->file, &place, "%s", reason_text(REASON_DUPLICATE_KEY));
	return count;
}

/* Whose directive NODE is, and its id; false if that is not told. */
static bool
read_owner(
    const struct directives *all, struct ndjson *n, uint32_t node, struct arena *tree, struct fhir_consent *c)
{
	uint32_t patient = json_member(&n->json, node, bytes_of("patient"));
	uint32_t id = json_member(&n->json, node, bytes_of("consent"));

	if (json_member(&n->json, node, bytes_of("resourceType")) != 0) {
		fhir_consent_read(tree, n, node, all->names, c);
		return c->kind == FHIR_CONSENT_READ || c->kind == FHIR_CONSENT_UNREADABLE;
	}
	*c = (struct fhir_consent){ .kind = FHIR_CONSENT_UNREADABLE };
	if (patient == 0 || id == 0 || json_kind(&n->json, patient) != JSON_STRING ||
	    json_kind(&n->json, id) != JSON_STRING)
		return false;
	c->patient = arena_copy(tree, json_string(&n->json, patient, &n->room));
	c->id = arena_copy(tree, json_string(&n->json, id, &n->room));
	return reader_patient(c->patient).size > 0 && c->id.size > 0;
}

/* Of a directive with a key that stands twice only the patient counts: nobody knows what it says of her. */
static bool
read_spoilt(struct directives *all, struct ndjson *n, uint32_t node, struct arena *tree, struct bytes own)
{
	char digest[DIGEST_TEXT];
	struct access_reader *r = n->reader;
	struct yaml_node place = { .line = n->line, .column = n->json.nodes[node].start + 1 };
	bool known = says_whose(n, node);
	struct fhir_consent c;
	struct directive *d;

	known = known && read_owner(all, n, node, tree, &c);
	r->fault->text[0] = '\0';
	(void)repeats_in(n, node);
	if (!known)
		return false;
	warn(all, r->fault, "consent-unreadable");
	d = new_directive(r, c.patient, c.id);
	d->unreadable = true;
	if (c.logical)
		wait_for_register(all, r, d, &place, digest_of(all, own, digest));
	else
		insert(all, r, d, &place, digest_of(all, own, digest));
	return true;
}

/* A directive is copied out of its tree, so the next one takes its place. */
static bool
read_value(struct directives *d, struct ndjson *n, uint32_t node)
{
	struct arena *tree = &d->tree;
	struct bytes own = json_span(&n->json, node);
	bool is_object = json_kind(&n->json, node) == JSON_OBJECT;
	bool good;

	own.at = n->stored.at + (own.at - n->json.text.at);
	if (node == 0)
		own = n->stored;
	if (is_object && ndjson_repeats(n, node))
		good = read_spoilt(d, n, node, tree, own);
	else if (is_object && json_member(&n->json, node, bytes_of("resourceType")) != 0)
		good = read_consent(d, n, node, tree, own);
	else
		good = read_directive(d, n->reader, yaml_of_json(tree, &n->json, node, n->line), own);
	arena_reset(tree);
	return good && !n->reader->fault->text[0];
}

static bool
read_objects(struct directives *d, struct access_reader *r, struct bytes text)
{
	struct ndjson n;

	ndjson_init(&n, r, d->keys, text);
	n.forgives = true;
	while (ndjson_next(&n))
		if (!read_value(d, &n, 0))
			break;
	ndjson_release(&n);
	return !r->fault->text[0];
}

/* The Consents in the list ENTRIES of a Bundle; resources of other types are not looked at. */
static bool
read_entries(struct directives *d, struct ndjson *n, uint32_t entries)
{
	unsigned repeats = n->repeats;

	for (uint32_t i = entries + 1; i < n->json.nodes[entries].next; i = n->json.nodes[i].next) {
		uint32_t resource = json_member(&n->json, i, bytes_of("resource"));

		if (resource == 0)
			continue;
		if (json_kind(&n->json, resource) != JSON_OBJECT ||
		    json_member(&n->json, resource, bytes_of("resourceType")) == 0 ||
		    fhir_consent_is(&n->json, resource, "Bundle"))
			return ndjson_fault(n, resource, "an entry whose Consents nobody would find");
		if (!fhir_consent_is(&n->json, resource, "Consent"))
			continue;
		if (!read_value(d, n, resource))
			return false;
		repeats -= repeats_in(n, resource);
		n->reader->fault->text[0] = '\0';
	}
	return repeats == 0 || repeats_in(n, 0) == 0;
}

static bool
read_bundle(struct directives *d, struct ndjson *n)
{
	uint32_t entries = json_member(&n->json, 0, bytes_of("entry"));
	struct fhir_names names;
	bool good;

	if (entries == 0 || json_kind(&n->json, entries) != JSON_ARRAY)
		return ndjson_fault(n, 0, "a Bundle without entries");
	fhir_names_of(&names, n->reader->arena, n, entries);
	d->names = &names;
	good = read_entries(d, n, entries);
	d->names = NULL;
	return good;
}

static bool
read_json(struct directives *d, struct access_reader *r, struct bytes text)
{
	struct ndjson n;
	bool good;

	ndjson_init(&n, r, d->keys, text);
	n.forgives = true;
	good = ndjson_whole(&n);
	if (good && json_kind(&n.json, 0) == JSON_ARRAY) {
		for (uint32_t i = 1; i < n.json.nodes[0].next && good; i = n.json.nodes[i].next)
			good = read_value(d, &n, i);
	} else if (good) {
		good = fhir_consent_is(&n.json, 0, "Bundle") ? read_bundle(d, &n) : read_value(d, &n, 0);
	}
	ndjson_release(&n);
	return good;
}

/* True if KEY stands in MAP once, which an alias would hide, and has a string. */
static bool
is_plain(const struct yaml_node *map, const char *key)
{
	const struct yaml_node *value = yaml_find(map, key);
	size_t count = 0;

	for (size_t i = 0; value && i < map->count; i++) {
		if (map->key[i]->refused && !bytes_are(map->key[i]->text, "<<"))
			return false;
		count += bytes_are(map->key[i]->text, key);
	}
	return count == 1 && !value->refused && value->kind == YAML_STRING && value->text.size > 0;
}

/* An item of YAML; of one that yaml_sound() refuses only the patient counts. */
static bool
read_item(struct directives *all, struct access_reader *r, const struct yaml_node *item, struct bytes own)
{
	char digest[DIGEST_TEXT];
	struct directive *d;
	struct bytes patient;

	if (yaml_sound(r->file, item, r->fault))
		return read_directive(all, r, item, own);
	if (!is_plain(item, "patient") || !is_plain(item, "consent"))
		return false;
	patient = yaml_find(item, "patient")->text;
	if (reader_patient(patient).size == 0)
		return false;
	warn(all, r->fault, "consent-unreadable");
	d = new_directive(r, patient, yaml_find(item, "consent")->text);
	d->unreadable = true;
	insert(all, r, d, item, digest_of(all, own, digest));
	return true;
}

static bool
read_yaml(struct directives *d, struct access_reader *r, struct bytes text)
{
	struct bytes rest = text;
	unsigned lines = 0;
	bool good;

	do {
		struct arena tree = { 0 };
		const struct yaml_node *root = reader_part(&tree, r->file, &rest, &lines, r->fault);

		good = root != NULL;
		if (good && root->kind == YAML_LIST)
			for (size_t i = 0; i < root->count && good; i++)
				good = read_item(d, r, root->item[i], (struct bytes){ "", 0 });
		else if (good)
			good = read_item(d, r, root, text);
		arena_release(&tree);
	} while (good && rest.size > 0);
	return good;
}

bool
directives_read(struct directives *d, struct access_reader *r, const char *path, struct bytes text)
{
	static const struct {
		const char *ending;
		bool (*read)(struct directives *d, struct access_reader *r, struct bytes text);
	} forms[] = { { ".ndjson", read_objects }, { ".json", read_json }, { ".yaml", read_yaml },
		{ ".yml", read_yaml } };
	struct bytes name = bytes_of(path);

	r->file = path;
	r->shelf = &d->shelf;
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
		if (name.size > strlen(forms[i].ending) && bytes_end(name, forms[i].ending))
			return forms[i].read(d, r, text);
	return fault_at(r->fault, path, NULL, "expected a name that ends with .yaml, .yml, .json or .ndjson");
}
