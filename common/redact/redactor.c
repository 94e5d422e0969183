/* SPDX-License-Identifier: ISC */
#include "common/redact/redactor.h"

#include "common/base/base64url.h"
#include "common/base/diag.h"
#include "common/base/memory.h"
#include "common/redact/parts.h"

#include <stdlib.h>
#include <string.h>

enum { MARK_BYTES = 16, MARK_SIZE = 2 + BASE64URL_SIZE(MARK_BYTES) };
enum { LABEL_DEPTH = 4 }; /* the line, its labels, a label, its categories */

struct redactor_version {
	enum redactor_state state;
	struct tags tags;
	char mark[MARK_SIZE];
};

struct redactor {
	struct scheme scheme;
	struct json_keys *keys;
	struct json json;
	struct notes notes;
	struct walk walk;
	struct envelope envelope;
	struct redactor_version version[SCHEME_MAX_VERSIONS];
	bool other_policy;
	const struct redactor_decision *decision; /* NULL: none */
	size_t max_record;
	unsigned max_depth;
	uint32_t record; /* node */
	struct buffer head;
	struct redactor_fate *fates;
	size_t fate_room;
	bool explains;
	uint64_t failed;
	bool writes_fhir;
	struct version_labels labels; /* if so */
};

/* The tags that are the same in every record. */
static void
start_tags(struct redactor *r)
{
	const struct scheme *s = &r->scheme;

	for (unsigned i = 0; i < s->versions; i++) {
		const struct policy_level *level = &s->policy->level[s->version[i].level];

		r->version[i].tags = (struct tags){ .rl = level->name,
			.al = level->al,
			.view = s->version[i].view,
			.policy = bytes_of(s->policy->digest) };
	}
}

/*
 * Leaves the one version that the decision gives.  What its obligations take out is missing from the highest
 * version, too.  False if there is no version so low.
 */
static bool
choose_decided(struct scheme *s, const struct redactor_decision *d)
{
	uint64_t chosen = 0;

	for (unsigned i = 0; i < s->versions; i++)
		if (s->version[i].level <= d->level)
			chosen = s->version[i].bits;
	s->asked = chosen;
	if (obligations_any(d->obligations))
		s->always_whole = 0;
	return chosen != 0;
}

enum redactor_start
redactor_load(struct redactor **loaded, struct policy *p, const struct redactor_settings *settings,
    struct redactor_problem *problem)
{
	struct redactor *r = memory_zeros(1, sizeof *r);
	enum redactor_start start;

	*loaded = NULL;
	r->keys = json_keys_new();
	start = scheme_load(&r->scheme, p, r->keys, settings, problem);
	if (start == REDACTOR_READY && settings->decision != NULL &&
	    !choose_decided(&r->scheme, settings->decision))
		start = REDACTOR_NO_VERSION;
	if (start == REDACTOR_READY && settings->fhir_labels &&
	    (!r->scheme.is_fhir || p->code_system.size == 0))
		start = REDACTOR_NO_FHIR;
	if (start != REDACTOR_READY) {
		scheme_release(&r->scheme);
		json_keys_free(r->keys);
		free(r);
		return start;
	}
	start_tags(r);
	r->decision = settings->decision;
	walk_init(&r->walk, &r->scheme, r->decision != NULL ? r->decision->obligations : NULL, r->keys);
	r->walk.decisions.batch = settings->batch;
	r->walk.decisions.now = settings->now;
	notes_init(&r->notes);
	r->notes.wants_categories =
	    settings->fhir_labels ||
	    (r->decision != NULL && r->decision->obligations != NULL && r->decision->obligations->on_labels);
	json_init(
	    &r->json, r->keys, settings->max_depth < LABEL_DEPTH ? LABEL_DEPTH : settings->max_depth + 1);
	r->max_depth = settings->max_depth;
	buffer_init(&r->head, BUFFER_UNLIMITED);
	r->writes_fhir = settings->fhir_labels;
	if (r->writes_fhir)
		version_labels_init(&r->labels, &r->scheme, r->keys, r->json.max_depth);
	r->other_policy = settings->other_policy;
	r->max_record = settings->max_record;
	*loaded = r;
	return start;
}

void
redactor_free(struct redactor *r)
{
	if (r == NULL)
		return;
	if (r->writes_fhir)
		version_labels_release(&r->labels);
	walk_release(&r->walk);
	notes_release(&r->notes);
	json_release(&r->json);
	buffer_release(&r->head);
	scheme_release(&r->scheme);
	json_keys_free(r->keys);
	free(r->fates);
	free(r);
}

struct pieces {
	const struct redactor *r;
	bool (*put)(void *context, struct bytes piece);
	void *context;
};

/* The record of VERSION, or of its mark: BIT is either. */
static bool
each_piece(const struct pieces *p, unsigned version, uint64_t bit)
{
	const struct redactor *r = p->r;
	const struct json_node *n = &r->json.nodes[r->record];

	if (r->version[version].state == VERSION_STUB || r->envelope.tags.stage == STAGE_DELETED)
		return p->put(p->context, bytes_of("{}"));
	if ((r->walk.active & bit) == 0)
		return p->put(p->context, json_span(&r->json, r->record));
	if ((r->walk.stays & bit) == 0)
		return p->put(p->context, bytes_of("{}"));
	return edits_each(&(struct edited){ &r->walk.decisions.edits[__builtin_ctzll(bit)], r->json.text.at,
			      n->start, n->end, r->walk.decisions.texts.at },
	    p->put, p->context);
}

static bool
put_mac(void *context, struct bytes piece)
{
	mac_add(context, piece);
	return true;
}

/*
 * "m_" and half of HMAC-SHA-256("ehr-mark/1" 00 domain 00 id 00 rl 00 criticality 00 record'), where
 * record' is the version without the places of `mark.except`.
 */
static void
make_mark(struct redactor *r, unsigned i)
{
	const struct scheme *s = &r->scheme;
	struct redactor_version *v = &r->version[i];
	struct bytes parts[] = { BYTES("ehr-mark/1"), s->domain, v->tags.id, v->tags.rl,
		v->tags.criticality };
	struct pieces pieces = { r, put_mac, s->mark };
	unsigned char digest[DIGEST_SIZE];

	if (s->mark == NULL)
		return;
	for (size_t p = 0; p < sizeof parts / sizeof parts[0]; p++) {
		mac_add(s->mark, parts[p]);
		mac_add(s->mark, (struct bytes){ "", 1 });
	}
	(void)each_piece(&pieces, i, s->mark_excepts ? scheme_mark_bit(i) : scheme_bit(i));
	mac_end(s->mark, digest);
	memcpy(v->mark, "m_", 2);
	(void)base64url_encode(v->mark + 2, (struct bytes){ (const char *)digest, MARK_BYTES });
	v->tags.mark = (struct bytes){ v->mark, MARK_SIZE };
}

/* True if BIT leaves NODE out for its category or one around it. */
static bool
left_out(const struct redactor *r, uint32_t node, uint64_t bit)
{
	const struct notes *n = &r->notes;

	for (uint32_t i = 0; (n->left_out & bit) != 0 && i < n->count && n->labelled[i] <= node; i++)
		if ((notes_of(n, n->labelled[i])->left_out & bit) != 0 &&
		    node < r->json.nodes[n->labelled[i]].next)
			return true;
	return false;
}

/* True if a decision took something out of NODE: what was read from the whole may tell of it. */
static bool
is_incomplete(const struct redactor *r, uint32_t node, uint64_t bit)
{
	const struct notes *n = &r->notes;
	uint32_t end = r->json.nodes[node].next;

	if (r->walk.viewer.outline.root[0].limited == 0)
		return false;
	for (uint32_t i = 0; i < n->count && n->labelled[i] < end; i++)
		if (n->labelled[i] > node && (notes_of(n, n->labelled[i])->dropped & bit) != 0)
			return true;
	return false;
}

/* The highest criticality whose label the readers of a version may know of. */
static unsigned
criticality_of(const struct redactor *r, unsigned i)
{
	unsigned highest = 0;
	bool any = false;

	for (uint32_t u = 0; u < r->notes.urgencies; u++) {
		const struct notes_urgency *urgent = &r->notes.urgent[u];

		if (urgent->level > r->scheme.version[i].level || left_out(r, urgent->node, scheme_bit(i)) ||
		    is_incomplete(r, urgent->node, scheme_bit(i)))
			continue;
		highest = urgent->criticality > highest ? urgent->criticality : highest;
		any = true;
	}
	return any ? highest : r->scheme.criticality_default;
}

/* True if BIT removes all from FROM to TO.  *EDIT is the first edit that may; it moves on with FROM. */
static bool
is_removed(const struct edits *e, uint32_t *edit, uint32_t from, uint32_t to)
{
	while (*edit < e->count && e->at[*edit].to <= from)
		++*edit;
	return *edit < e->count && e->at[*edit].from <= from && e->at[*edit].to >= to &&
	       e->at[*edit].size == 0;
}

/* True if a written version shows no member of the record but its type: there is nothing to read in it. */
static bool
is_empty(const struct redactor *r, unsigned i)
{
	const struct json *j = &r->json;
	const struct edits *edits = &r->walk.decisions.edits[i];
	const struct edits none = { NULL, 0, 0 };
	uint32_t edit = 0;

	if (r->version[i].state == VERSION_STUB)
		return true;
	if (r->version[i].state == VERSION_WHOLE)
		edits = &none;
	for (uint32_t k = r->record + 1; k < j->nodes[r->record].next; k = j->nodes[k].next)
		if (!json_is(j, k, r->scheme.type_member) &&
		    !is_removed(edits, &edit, j->nodes[k].start, j->nodes[k + 1].end))
			return false;
	return true;
}

static void
fill_tags(struct redactor *r, unsigned i, unsigned n, unsigned of)
{
	const struct scheme *s = &r->scheme;
	struct tags *tags = &r->version[i].tags;
	bool deleted = r->envelope.tags.stage == STAGE_DELETED;

	tags->stage = deleted ? STAGE_DELETED : STAGE_VERSION;
	tags_copy(tags, &r->envelope.tags);
	tags->n = n;
	tags->of = of;
	tags->empty = !deleted && is_empty(r, i);
	tags->criticality = s->criticality[deleted ? s->criticality_default : criticality_of(r, i)];
	make_mark(r, i);
}

static bool
refuse(struct redaction *result, enum reason reason, size_t byte)
{
	result->reason = reason;
	result->byte = byte;
	return false;
}

/* True if the subject of the line is the decision's, with or without its type. */
static bool
is_decided(const struct redactor *r)
{
	const struct yaml_node *record = r->scheme.policy->record;
	const struct yaml_node *node = record != NULL ? yaml_find(record, "subject_type") : NULL;
	struct bytes type = node != NULL ? node->text : bytes_of("Patient");
	struct bytes subject = r->envelope.tags.subject, decided = r->decision->subject;

	if (subject.size == 0 || bytes_equal(subject, decided))
		return subject.size > 0;
	return subject.size == type.size + 1 + decided.size && memcmp(subject.at, type.at, type.size) == 0 &&
	       subject.at[type.size] == '/' &&
	       memcmp(subject.at + type.size + 1, decided.at, decided.size) == 0;
}

/* The first node of the record that nests too deep, or 0.  The index must allow the depth of labels. */
static uint32_t
find_too_deep(const struct redactor *r)
{
	const struct json *j = &r->json;
	uint32_t end[LABEL_DEPTH + 1];
	unsigned depth = 0;

	for (uint32_t i = r->record; r->max_depth < LABEL_DEPTH && i < j->nodes[r->record].next; i++) {
		while (depth > 0 && i >= end[depth - 1])
			depth--;
		if (json_kind(j, i) != JSON_OBJECT && json_kind(j, i) != JSON_ARRAY)
			continue;
		if (depth == r->max_depth)
			return i;
		end[depth++] = j->nodes[i].next;
	}
	return 0;
}

static bool
read_line(struct redactor *r, struct bytes line, struct redaction *result)
{
	const struct tags *tags = &r->envelope.tags;

	if (!json_parse(&r->json, line))
		return refuse(result, r->json.reason, r->json.byte);
	if (!envelope_read(&r->envelope, &r->json))
		return refuse(result, r->envelope.reason, 1);
	if (tags->stage != STAGE_LABELLED && tags->stage != STAGE_DELETED)
		return refuse(result, REASON_WRONG_STAGE, 1);
	if ((tags->stage == STAGE_LABELLED || tags->policy.size > 0) && !r->other_policy &&
	    !bytes_are(tags->policy, r->scheme.policy->digest))
		return refuse(result, REASON_OTHER_POLICY, r->json.nodes[r->envelope.ehr].start + 1);
	if (tags->stage == STAGE_LABELLED && r->decision != NULL && !is_decided(r))
		return refuse(result, REASON_NOT_DECIDED, r->json.nodes[r->envelope.ehr].start + 1);
	r->record = r->envelope.record;
	if (json_span(&r->json, r->record).size > r->max_record)
		return refuse(result, REASON_TOO_LONG, r->json.nodes[r->record].start + r->max_record + 1);
	if (find_too_deep(r) != 0)
		return refuse(result, REASON_TOO_DEEP, r->json.nodes[find_too_deep(r)].start + 1);
	return true;
}

static void
start_fates(struct redactor *r)
{
	size_t count = (size_t)r->json.count * r->scheme.versions;

	if (!r->explains)
		return;
	if (count > r->fate_room) {
		free(r->fates);
		r->fates = memory_zeros(count, sizeof r->fates[0]);
		r->fate_room = count;
	}
	memset(r->fates, 0, count * sizeof r->fates[0]);
	r->walk.decisions.fates = r->fates;
}

static bool
find_edits(struct redactor *r)
{
	bool found;

	start_fates(r);
	r->walk.decisions.subject = r->envelope.tags.subject;
	found = walk_run(&r->walk, &r->json, &r->notes, r->record);
	r->failed += r->walk.decisions.failed;
	return found;
}

/* True if a decision took something out of the record: a stub would tell that there was something. */
static bool
is_limited(const struct redactor *r)
{
	const struct viewer *w = &r->walk.viewer;

	return w->limiter.record_gone || w->outline.root[0].limited != 0;
}

/*
 * How many versions are written.  An empty version becomes a stub if a lower version is written, because a
 * gap in the ladder would tell that the record holds something above.
 */
static unsigned
choose(struct redactor *r)
{
	const struct scheme *s = &r->scheme;
	const struct walk *w = &r->walk;
	unsigned written = 0;

	for (unsigned i = 0; i < s->versions; i++) {
		struct redactor_version *v = &r->version[i];
		uint64_t bit = scheme_bit(i) & s->asked;

		v->state = VERSION_NONE;
		if (bit == 0 || w->viewer.limiter.record_gone)
			continue;
		if ((w->active & bit) == 0)
			v->state = VERSION_WHOLE;
		else if ((w->stays & bit) != 0)
			v->state = w->decisions.edits[i].count > 0 ? VERSION_REDACTED : VERSION_WHOLE;
		else if ((s->version[i].stub || written > 0) && !is_limited(r))
			v->state = VERSION_STUB;
		written += v->state != VERSION_NONE;
	}
	return written;
}

/* A deleted record becomes one line at the lowest level that is asked for. */
static void
write_tombstone(struct redactor *r, struct redaction *result)
{
	bool first = true;

	for (unsigned i = 0; i < r->scheme.versions; i++) {
		bool chosen = (r->scheme.asked & scheme_bit(i)) != 0;

		r->version[i].state = chosen && first ? VERSION_STUB : VERSION_NONE;
		if (chosen && first)
			fill_tags(r, i, 1, 1);
		first &= !chosen;
	}
	result->written = 1;
}

bool
redactor_run(struct redactor *r, struct bytes line, struct redaction *result)
{
	unsigned n = 0;

	*result = (struct redaction){ .reason = REASON_NONE };
	for (unsigned i = 0; i < r->scheme.versions; i++)
		r->version[i].state = VERSION_NONE;
	if (!read_line(r, line, result))
		return false;
	/* That a record was deleted tells that it was there, and no decision is about that. */
	if (r->envelope.tags.stage == STAGE_DELETED) {
		if (r->decision == NULL)
			write_tombstone(r, result);
		return true;
	}
	if (!notes_read(&r->notes, &r->scheme, &r->json, &r->envelope))
		return refuse(result, r->notes.reason, r->notes.byte);
	if (!find_edits(r))
		return refuse(result, REASON_TOO_CHAINED, r->json.nodes[r->record].start + 1);
	result->written = choose(r);
	for (unsigned i = 0; i < r->scheme.versions; i++)
		if (r->version[i].state != VERSION_NONE)
			fill_tags(r, i, ++n, result->written);
	return true;
}

static bool
put_sink(void *context, struct bytes piece)
{
	return sink_put(context, piece);
}

static bool
put_buffer(void *context, struct bytes piece)
{
	return buffer_append(context, piece.at, piece.size);
}

/* The record of a version as it is written. */
static bool
put_record(struct redactor *r, unsigned version, struct sink *out)
{
	struct pieces pieces = { r, put_sink, out };

	if (!r->writes_fhir || r->version[version].state == VERSION_STUB)
		return each_piece(&pieces, version, scheme_bit(version));
	r->labels.text.used = 0;
	(void)each_piece(&(struct pieces){ r, put_buffer, &r->labels.text }, version, scheme_bit(version));
	version_labels_find(&r->labels, &r->walk, version);
	return fhir_labels_each(&r->labels.fhir, put_sink, out);
}

bool
redactor_write(struct redactor *r, struct sink *out)
{

	for (unsigned i = 0; i < r->scheme.versions; i++) {
		if (r->version[i].state == VERSION_NONE)
			continue;
		r->head.used = 0;
		buffer_add(&r->head, TAGS_LINE_BEGIN, sizeof TAGS_LINE_BEGIN - 1);
		if (!tags_write(&r->head, &r->version[i].tags))
			diag_bug("tags that do not fit a buffer without limit");
		buffer_add(&r->head, TAGS_LINE_RECORD, sizeof TAGS_LINE_RECORD - 1);
		if (!sink_put(out, buffer_bytes(&r->head)) || !put_record(r, i, out) ||
		    !sink_put(out, (struct bytes)BYTES(TAGS_LINE_END)))
			return false;
	}
	return true;
}

unsigned
redactor_versions(const struct redactor *r)
{
	return r->scheme.versions;
}

unsigned
redactor_level(const struct redactor *r, unsigned version)
{
	return r->scheme.version[version].level;
}

enum redactor_state
redactor_state(const struct redactor *r, unsigned version)
{
	return r->version[version].state;
}

bool
redactor_record(struct redactor *r, unsigned version, struct buffer *out)
{
	struct pieces pieces = { r, put_buffer, out };

	return r->version[version].state == VERSION_NONE || each_piece(&pieces, version, scheme_bit(version));
}

const struct tags *
redactor_tags(const struct redactor *r, unsigned version)
{
	return &r->version[version].tags;
}

void
redactor_explain(struct redactor *r)
{
	r->explains = true;
}

struct redactor_fate
redactor_fate(const struct redactor *r, unsigned version, uint32_t node)
{
	return r->fates[(size_t)(r->record + node) * r->scheme.versions + version];
}

struct redactor_rule
redactor_transform(const struct redactor *r, unsigned transform)
{
	const struct scheme_transform *t = &r->scheme.transform[transform];

	return (struct redactor_rule){ t->id, t->say, r->scheme.file, t->line };
}

struct redactor_rule
redactor_version_rule(const struct redactor *r, unsigned version)
{
	const struct scheme_version *v = &r->scheme.version[version];

	return (
	    struct redactor_rule){ r->scheme.policy->level[v->level].name, v->say, r->scheme.file, v->line };
}

uint64_t
redactor_failed(const struct redactor *r)
{
	return r->failed;
}
