/* SPDX-License-Identifier: ISC */
#include "common/label/fhir_labels.h"

#include "common/base/memory.h"
#include "common/json/json_write.h"
#include "common/label/fhir_labels_parts.h"
#include "common/label/shape.h"
#include "common/policy/vocabulary.h"

#include <stdlib.h>

#define INLINE_URL "http://" SHAPE_INLINE_LABEL
#define BASIS_URL "http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-sec-label-basis"
#define OBSERVATION_VALUE "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"

/* A span of the text and what stands there instead. */
struct splice {
	uint32_t from, to;
	size_t text, size; /* among the texts */
};

void
fhir_labels_init(struct fhir_labels *l, const struct policy *p)
{
	*l = (struct fhir_labels){ .policy = p };
	buffer_init(&l->frames, BUFFER_UNLIMITED);
	buffer_init(&l->parts, BUFFER_UNLIMITED);
	buffer_init(&l->splices, BUFFER_UNLIMITED);
	buffer_init(&l->text, BUFFER_UNLIMITED);
	buffer_init(&l->room, BUFFER_UNLIMITED);
}

void
fhir_labels_release(struct fhir_labels *l)
{
	buffer_release(&l->frames);
	buffer_release(&l->parts);
	buffer_release(&l->splices);
	buffer_release(&l->text);
	buffer_release(&l->room);
}

static bool
has_text(const struct fhir_labels *l, uint32_t node, const char *name, struct bytes text)
{
	uint32_t value = fhir_labels_member(l, node, name);

	return value != 0 && json_kind(l->json, value) == JSON_STRING && json_is(l->json, value, text);
}

/* What is written from TEXT on stands in place of FROM..TO. */
static void
add_splice(struct fhir_labels *l, uint32_t from, uint32_t to, size_t text)
{
	struct splice *s = buffer_more(&l->splices, sizeof *s);

	*s = (struct splice){ from, to, text, l->text.used - text };
}

static void
write_coding(struct json_write *w, struct bytes system, struct bytes code, struct bytes display)
{
	json_write_open(w, '{');
	json_write_member(w, "system", system);
	json_write_member(w, "code", code);
	if (display.size > 0)
		json_write_member(w, "display", display);
}

static void
write_concept(struct json_write *w, enum vocabulary v, const struct concept *c)
{
	write_coding(w, vocabulary_system(v), c->code, c->display);
	json_write_close(w, '}');
}

/* The code of a root's level, with the privacy laws that it rests on. */
static void
write_confidentiality(const struct fhir_labels *l, struct json_write *w, const struct fhir_labels_sum *m)
{
	struct bytes name = l->policy->level[m->level].name;
	const struct concept *level = vocabulary_find(VOCABULARY_CONFIDENTIALITY, name);

	write_coding(w, l->policy->code_system, name, level != NULL ? level->display : (struct bytes){ 0 });
	if (m->basis != 0) {
		json_write_name(w, "extension");
		json_write_open(w, '[');
		for (uint64_t left = m->basis; left != 0; left &= left - 1) {
			json_write_open(w, '{');
			json_write_member(w, "url", bytes_of(BASIS_URL));
			json_write_name(w, "valueCoding");
			write_concept(w, VOCABULARY_PRIVACY_LAW,
			    vocabulary_at(VOCABULARY_PRIVACY_LAW, (size_t)__builtin_ctzll(left)));
			json_write_close(w, '}');
		}
		json_write_close(w, ']');
	}
	json_write_close(w, '}');
}

/* One Coding, or the list of them. */
struct codes_there {
	uint32_t first, end;
};

static struct codes_there
codes_there(const struct json *j, uint32_t security)
{
	if (security == 0)
		return (struct codes_there){ 0, 0 };
	if (json_kind(j, security) == JSON_ARRAY)
		return (struct codes_there){ security + 1, j->nodes[security].next };
	return (struct codes_there){ security, security + 1 };
}

static bool
is_there(const struct fhir_labels *l, struct codes_there there, struct bytes system, struct bytes code)
{
	for (uint32_t i = there.first; i < there.end; i = l->json->nodes[i].next)
		if (has_text(l, i, "system", system) && has_text(l, i, "code", code))
			return true;
	return false;
}

/* The codes of M that are not THERE, but for the confidentiality code. */
static void
write_codes(const struct fhir_labels *l, struct json_write *w, struct codes_there there,
    const struct fhir_labels_sum *m, bool has_inline)
{
	static const struct {
		const char *code, *display;
	} done[FHIR_LABELS_DONE] = {
		[FHIR_LABELS_REDACTED] = { "REDACTED", "redacted" },
		[FHIR_LABELS_MASKED] = { "MASKED", "masked" },
		[FHIR_LABELS_PSEUDED] = { "PSEUDED", "pseudonymized" },
		[FHIR_LABELS_ABSTRED] = { "ABSTRED", "abstracted" },
	};
	struct bytes act_code = vocabulary_system(VOCABULARY_SENSITIVITY);
	struct bytes inside = BYTES("PROCESSINLINELABEL");

	for (uint64_t left = m->sensitivity; left != 0; left &= left - 1) {
		const struct concept *c =
		    vocabulary_at(VOCABULARY_SENSITIVITY, (size_t)__builtin_ctzll(left));

		if (!is_there(l, there, act_code, c->code))
			write_concept(w, VOCABULARY_SENSITIVITY, c);
	}
	if (has_inline && !is_there(l, there, act_code, inside))
		write_concept(w, VOCABULARY_HANDLING, vocabulary_find(VOCABULARY_HANDLING, inside));
	for (size_t i = 0; i < FHIR_LABELS_DONE; i++)
		if ((m->done >> i & 1) != 0 &&
		    !is_there(l, there, bytes_of(OBSERVATION_VALUE), bytes_of(done[i].code))) {
			write_coding(w, bytes_of(OBSERVATION_VALUE), bytes_of(done[i].code),
			    bytes_of(done[i].display));
			json_write_close(w, '}');
		}
}

/* True if the confidentiality code at NODE says M already. */
static bool
says(const struct fhir_labels *l, uint32_t node, const struct fhir_labels_sum *m)
{
	return m->basis == 0 && has_text(l, node, "code", l->policy->level[m->level].name);
}

/*
 * Puts the root's confidentiality code in place of the one there.  Of several the others go with the comma
 * before them, or say the same where elements may not move.  False: there is none.
 */
static bool
replace_confidentiality(
    struct fhir_labels *l, struct codes_there there, const struct fhir_labels_sum *m, bool has_pointers)
{
	const struct json_node *n = l->json->nodes;
	uint32_t before = 0;
	bool found = false;

	for (uint32_t i = there.first; i < there.end; before = i, i = n[i].next) {
		struct json_write w = json_write_to(&l->text);
		size_t text = l->text.used;

		if (!has_text(l, i, "system", l->policy->code_system))
			continue;
		if (found && !has_pointers) {
			add_splice(l, n[before].end, n[i].end, text);
		} else if (!says(l, i, m)) {
			write_confidentiality(l, &w, m);
			add_splice(l, n[i].start, n[i].end, text);
		}
		found = true;
	}
	return found;
}

/* What comes behind the last child of NODE, whose comma is written, too. */
static struct json_write
write_behind(struct fhir_labels *l, uint32_t node)
{
	struct json_write w = json_write_to(&l->text);

	w.comma = l->json->nodes[node].next > node + 1;
	return w;
}

static void
splice_security(struct fhir_labels *l, uint32_t security, const struct fhir_labels_sum *m, bool has_inline,
    bool has_pointers)
{
	const struct json_node *n = &l->json->nodes[security];
	struct codes_there there = codes_there(l->json, security);
	bool is_list = json_kind(l->json, security) == JSON_ARRAY;
	bool has_level = replace_confidentiality(l, there, m, has_pointers);
	struct json_write w = write_behind(l, security);
	size_t text;

	if (!is_list) {
		text = l->text.used;
		buffer_add(&l->text, "[", 1);
		add_splice(l, n->start, n->start, text);
		w.comma = true;
	}
	text = l->text.used;
	if (!has_level)
		write_confidentiality(l, &w, m);
	write_codes(l, &w, there, m, has_inline);
	if (!is_list)
		json_write_raw(&w, (struct bytes)BYTES("]"));
	if (l->text.used > text)
		add_splice(l, n->end - is_list, n->end - is_list, text);
}

/* A whole list of codes. */
static void
write_security(
    const struct fhir_labels *l, struct json_write *w, const struct fhir_labels_sum *m, bool has_inline)
{
	json_write_name(w, "security");
	json_write_open(w, '[');
	write_confidentiality(l, w, m);
	write_codes(l, w, (struct codes_there){ 0, 0 }, m, has_inline);
	json_write_close(w, ']');
}

/* The `meta` of a root that has none, or one that is no object. */
static void
splice_meta(
    struct fhir_labels *l, uint32_t root, uint32_t meta, const struct fhir_labels_sum *m, bool has_inline)
{
	const struct json_node *n = l->json->nodes;
	uint32_t before = fhir_labels_member(l, root, "id");
	uint32_t from, to;
	struct json_write w = json_write_to(&l->text);
	size_t text = l->text.used;

	if (before == 0)
		before = fhir_labels_member(l, root, "resourceType");
	if (meta == 0 && before == 0)
		w = write_behind(l, root);
	else
		w.comma = meta == 0;
	if (meta == 0)
		json_write_name(&w, "meta");
	else if (json_kind(l->json, meta) == JSON_ARRAY)
		w = write_behind(l, meta);
	json_write_open(&w, '{');
	write_security(l, &w, m, has_inline);
	json_write_close(&w, '}');
	if (meta == 0) {
		from = to = before != 0 ? n[before].end : n[root].end - 1;
	} else if (json_kind(l->json, meta) == JSON_ARRAY) {
		from = to = n[meta].end - 1;
	} else {
		from = n[meta].start;
		to = n[meta].end;
	}
	add_splice(l, from, to, text);
}

static void
splice_root(
    struct fhir_labels *l, uint32_t root, const struct fhir_labels_sum *m, bool has_inline, bool has_pointers)
{
	uint32_t meta = fhir_labels_member(l, root, "meta");
	uint32_t security;
	struct json_write w;
	size_t text;

	/* Some write a list where FHIR has one object. */
	if (meta != 0 && json_kind(l->json, meta) == JSON_ARRAY && l->json->nodes[meta].next > meta + 1 &&
	    json_kind(l->json, meta + 1) == JSON_OBJECT)
		meta++;
	security = meta != 0 ? fhir_labels_member(l, meta, "security") : 0;
	if (security != 0) {
		splice_security(l, security, m, has_inline, has_pointers);
		return;
	}
	if (meta == 0 || json_kind(l->json, meta) != JSON_OBJECT) {
		splice_meta(l, root, meta, m, has_inline);
		return;
	}
	text = l->text.used;
	w = write_behind(l, meta);
	write_security(l, &w, m, has_inline);
	add_splice(l, l->json->nodes[meta].end - 1, l->json->nodes[meta].end - 1, text);
}

/* True if the list EXTENSIONS has an inline label with that code. */
static bool
is_labelled(struct fhir_labels *l, uint32_t extensions, struct bytes system, struct bytes code)
{
	const struct json *j = l->json;

	for (uint32_t i = extensions + 1; extensions != 0 && i < j->nodes[extensions].next;
	     i = j->nodes[i].next) {
		uint32_t url = fhir_labels_member(l, i, "url");
		uint32_t coding = fhir_labels_member(l, i, "valueCoding");

		if (url != 0 && json_kind(j, url) == JSON_STRING && coding != 0 &&
		    shape_is_inline_label(json_string(j, url, &l->room)) &&
		    has_text(l, coding, "system", system) && has_text(l, coding, "code", code))
			return true;
	}
	return false;
}

/* Without a display, which might say a term of another category; a narrative would retell it. */
static void
write_inline_code(struct json_write *w, struct bytes system, struct bytes code)
{
	json_write_open(w, '{');
	json_write_member(w, "url", bytes_of(INLINE_URL));
	json_write_name(w, "valueCoding");
	write_coding(w, system, code, (struct bytes){ 0 });
	json_write_close(w, '}');
	json_write_close(w, '}');
}

/* The extensions for the labels of P that the list THERE (0: none) lacks. */
static void
write_inline(struct fhir_labels *l, struct json_write *w, const struct fhir_labels_place *p, uint32_t there)
{
	struct bytes act_code = vocabulary_system(VOCABULARY_SENSITIVITY);
	struct bytes level = p->level >= 0 ? l->policy->level[p->level].name : (struct bytes){ 0 };

	if (p->level >= 0 && !is_labelled(l, there, l->policy->code_system, level))
		write_inline_code(w, l->policy->code_system, level);
	for (uint64_t left = p->sensitivity; left != 0; left &= left - 1) {
		const struct concept *c =
		    vocabulary_at(VOCABULARY_SENSITIVITY, (size_t)__builtin_ctzll(left));

		if (!is_labelled(l, there, act_code, c->code))
			write_inline_code(w, act_code, c->code);
	}
}

/* An object gets the labels of P. */
static void
splice_object(struct fhir_labels *l, const struct fhir_labels_place *p)
{
	uint32_t extensions = fhir_labels_member(l, p->node, "extension");
	uint32_t at = l->json->nodes[extensions != 0 ? extensions : p->node].end - 1;
	size_t text = l->text.used;
	struct json_write w = write_behind(l, extensions != 0 ? extensions : p->node);

	if (extensions != 0 && json_kind(l->json, extensions) != JSON_ARRAY)
		return;
	if (extensions == 0) {
		json_write_name(&w, "extension");
		json_write_open(&w, '[');
	}
	write_inline(l, &w, p, extensions);
	if (extensions == 0)
		json_write_close(&w, ']');
	if (l->text.used > text)
		add_splice(l, at, at, text);
}

/* ,"_x":{"extension":[..]} behind x, of an array one such object or null for each element up to the last. */
static void
splice_primitive(struct fhir_labels *l, const struct fhir_labels_place *p, size_t count)
{
	struct bytes name = json_inside(l->json, p->node);
	struct json_write w = json_write_to(&l->text);
	size_t text = l->text.used;
	uint32_t index = 0;

	json_write_raw(&w, (struct bytes)BYTES(",\"_"));
	json_write_raw(&w, name);
	json_write_raw(&w, (struct bytes)BYTES("\":"));
	if (p->index != FHIR_LABELS_NONE)
		json_write_open(&w, '[');
	for (size_t i = 0; i < count; i++, index++) {
		for (; p[i].index != FHIR_LABELS_NONE && index < p[i].index; index++)
			json_write_value(&w, (struct bytes)BYTES("null"));
		json_write_open(&w, '{');
		json_write_name(&w, "extension");
		json_write_open(&w, '[');
		write_inline(l, &w, &p[i], 0);
		json_write_close(&w, ']');
		json_write_close(&w, '}');
	}
	if (p->index != FHIR_LABELS_NONE)
		json_write_close(&w, ']');
	add_splice(l, l->json->nodes[p->node + 1].end, l->json->nodes[p->node + 1].end, text);
}

/* {"extension":[..]} */
static void
write_labelled_object(struct fhir_labels *l, const struct fhir_labels_place *p)
{
	struct json_write w = json_write_to(&l->text);

	json_write_open(&w, '{');
	json_write_name(&w, "extension");
	json_write_open(&w, '[');
	write_inline(l, &w, p, 0);
	json_write_close(&w, ']');
	json_write_close(&w, '}');
}

/* The array `_x` gets objects in place of nulls, and behind its end, up to the last of the COUNT indexes. */
static void
splice_siblings(struct fhir_labels *l, const struct fhir_labels_place *p, size_t count)
{
	const struct json_node *n = l->json->nodes;
	const struct json_node *array = &n[p->node];
	uint32_t element = p->node + 1;
	uint32_t index = 0;
	size_t text;

	for (; element < array->next && count > 0; element = n[element].next, index++)
		if (p->index == index) {
			text = l->text.used;
			write_labelled_object(l, p);
			add_splice(l, n[element].start, n[element].end, text);
			p++;
			count--;
		}
	text = l->text.used;
	for (; count > 0; index++) {
		buffer_add(&l->text, ",", index > 0);
		if (p->index > index) {
			buffer_add(&l->text, "null", 4);
			continue;
		}
		write_labelled_object(l, p);
		p++;
		count--;
	}
	if (l->text.used > text)
		add_splice(l, array->end - 1, array->end - 1, text);
}

static int
compare_parts(const void *a, const void *b)
{
	const struct fhir_labels_place *x = a;
	const struct fhir_labels_place *y = b;

	if (x->node != y->node)
		return (x->node > y->node) - (x->node < y->node);
	return (x->index > y->index) - (x->index < y->index);
}

/* Sorts the parts.  Those of one place become one. */
static size_t
join_parts(struct fhir_labels *l)
{
	struct fhir_labels_place *p = (struct fhir_labels_place *)(void *)l->parts.at;
	size_t count = l->parts.used / sizeof *p;
	size_t kept = 0;

	if (count > 1)
		qsort(p, count, sizeof *p, compare_parts);
	for (size_t i = 1; i < count; i++)
		if (compare_parts(&p[kept], &p[i]) == 0) {
			p[kept].level = p[i].level > p[kept].level ? p[i].level : p[kept].level;
			p[kept].sensitivity |= p[i].sensitivity;
		} else {
			p[++kept] = p[i];
		}
	return count > 0 ? kept + 1 : 0;
}

static void
splice_part(struct fhir_labels *l, const struct fhir_labels_place *p, size_t count)
{
	if (json_kind(l->json, p->node) == JSON_KEY)
		splice_primitive(l, p, count);
	else if (json_kind(l->json, p->node) == JSON_ARRAY)
		splice_siblings(l, p, count);
	else
		splice_object(l, p);
}

/* The root around NODE that has a meta of its own. */
static size_t
root_around(const struct fhir_labels *l, const struct fhir_labels_tour *t, uint32_t node)
{
	const struct root *r = t->roots->at;
	size_t i = roots_from(t->roots, node + 1) - 1;

	while (i > 0 && (l->json->nodes[r[i].node].next <= node || t->is_contained[i] != 0))
		i = r[i].parent;
	return i;
}

static int
compare_splices(const void *a, const void *b)
{
	const struct splice *x = a;
	const struct splice *y = b;

	if (x->from != y->from)
		return x->from > y->from ? 1 : -1;
	if (x->to != y->to)
		return x->to > y->to ? 1 : -1;
	return (x->text > y->text) - (x->text < y->text);
}

/* HAS_INLINE: by root, whether one of them lies in it. */
static void
splice_parts(struct fhir_labels *l, const struct fhir_labels_tour *t, unsigned char *has_inline)
{
	size_t count = join_parts(l);
	const struct fhir_labels_place *p = (const struct fhir_labels_place *)(const void *)l->parts.at;

	for (size_t i = 0, of; i < count; i += of) {
		for (of = 1; i + of < count && p[i + of].node == p[i].node; of++)
			;
		splice_part(l, &p[i], of);
		has_inline[root_around(l, t, p[i].node)] = 1;
	}
}

void
fhir_labels_find(struct fhir_labels *l, const struct json *j, const struct roots *roots,
    const struct fhir_labels_wanted *wanted)
{
	struct fhir_labels_tour t = {
		.roots = roots, .part = wanted->part, .parts_end = wanted->part + wanted->parts
	};
	unsigned char *has_inline = memory_zeros(2 * roots->count, 1);

	l->json = j;
	l->record = roots->at[0].node;
	l->parts.used = l->splices.used = l->text.used = 0;
	t.is_contained = has_inline + roots->count;
	fhir_labels_tour(l, &t);
	splice_parts(l, &t, has_inline);
	for (size_t i = 0; i < roots->count; i++)
		if (t.is_contained[i] == 0)
			splice_root(
			    l, roots->at[i].node, &wanted->sum[i], has_inline[i] != 0, wanted->has_pointers);
	if (l->splices.used > 0)
		qsort(l->splices.at, l->splices.used / sizeof(struct splice), sizeof(struct splice),
		    compare_splices);
	free(has_inline);
}

bool
fhir_labels_each(const struct fhir_labels *l, bool (*put)(void *context, struct bytes piece), void *context)
{
	const struct splice *s = (const struct splice *)(const void *)l->splices.at;
	size_t count = l->splices.used / sizeof *s;
	const struct json_node *record = &l->json->nodes[l->record];
	uint32_t at = record->start;

	for (size_t i = 0; i < count; at = s[i++].to)
		if (!put(context, (struct bytes){ l->json->text.at + at, s[i].from - at }) ||
		    !put(context, (struct bytes){ l->text.at + s[i].text, s[i].size }))
			return false;
	return put(context, (struct bytes){ l->json->text.at + at, record->end - at });
}
