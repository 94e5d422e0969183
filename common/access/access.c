/* SPDX-License-Identifier: ISC */
#include "common/access/access.h"

#include "common/access/assertion.h"
#include "common/access/parts.h"
#include "common/base/file.h"
#include "common/base/leftover.h"
#include "common/base/memory.h"
#include "common/crypto/digest.h"
#include "common/policy/permission.h"
#include "common/policy/site.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { MAX_SOURCE = 1 << 30 };

struct access {
	struct engine engine;
	struct arena arena;
	struct json_keys *keys;
	struct json json;
	struct request_reader reader;
	struct assertions assertions;
	struct request request;
	struct verdict verdict;
	struct buffer out;
	struct buffer basis; /* members of every answer: the digests of what was loaded */
	int64_t max_skew;
	struct instant now;
	struct search search;
	bool public_only;
	bool explain;
	struct tally *tally;
	uint16_t key_assertion, key_evaluations, key_options, key_semantic;
	char digest[DIGEST_TEXT]; /* of the request line */
};

struct loading {
	struct access *a;
	const struct access_sources *s;
	struct json_write basis;
	struct fault *fault;
	struct access_reader reader;
};

static bool
read_source(struct loading *l, struct arena *arena, const char *path, struct bytes *text)
{
	l->reader.file = path;
	return site_read(arena, path, MAX_SOURCE, text, l->fault);
}

static bool
load_policy(struct loading *l)
{
	struct engine *e = &l->a->engine;
	struct access_reader *r = &l->reader;

	/* The names of levels are the words 1 and on, so a label's word is its rank. */
	for (unsigned i = 0; i < e->policy->levels; i++)
		(void)intern_add(&e->words, e->policy->level[i].name);
	if (!roles_read(&e->roles, r) || !layers_read(&e->layers, r) || !clearances_read(&e->clearances, r) ||
	    !permission_longest(l->s->policy, "assertions", &l->a->assertions.longest, l->fault))
		return false;
	if (!e->layers.any[e->outbound_only ? LAYER_OUTBOUND : LAYER_ORGANIZATION])
		return fault_at(l->fault, arena_format(&e->policy->arena, "%s/authz", e->policy->directory),
		    NULL,
		    "no file with layer: %s, so nothing could be permitted; ehr-policy new writes the files "
		    "of authz/",
		    e->outbound_only ? "outbound" : "organization");
	moments_sort(&e->moments);
	attributes_ready(&e->attributes, &l->a->arena);
	json_write_member_word(&l->basis, "policy", bytes_of(e->policy->digest));
	return true;
}

static bool
load_directive_file(struct loading *l, const char *path, struct digest *digest)
{
	struct engine *e = &l->a->engine;
	struct moments own = { 0 };
	struct buffer file;
	bool good;

	buffer_init(&file, MAX_SOURCE);
	good = file_read(path, &file) || fault_unread(l->fault, path, errno);
	file.limit = BUFFER_UNLIMITED;
	if (good && json_slack(&file)) {
		digest_add(digest, buffer_bytes(&file));
		l->reader.moments = &own;
		good = directives_read(&e->directives, &l->reader, path, buffer_bytes(&file)) &&
		       !l->fault->text[0];
		l->reader.moments = &e->moments;
	}
	moments_release(&own);
	buffer_release(&file);
	return good;
}

static bool
load_directive_folder(struct loading *l, const char *folder, struct digest *digest)
{
	struct buffer names;
	size_t count = 0;
	bool good;
	const char *name;

	buffer_init(&names, MAX_SOURCE);
	good = file_list_at(AT_FDCWD, folder, &names, &count) || fault_unread(l->fault, folder, errno);
	name = names.at;
	for (size_t i = 0; i < count && good; i++) {
		/* In the policy's arena: a fault names the path after the access is freed. */
		const char *path = arena_format(&l->a->engine.policy->arena, "%s/%s", folder, name);

		if (leftover_of(name) != NULL)
			good = fault_at(l->fault, path, NULL, "%s", leftover_of(name));
		else
			good = load_directive_file(l, path, digest);
		name += strlen(name) + 1;
	}
	buffer_release(&names);
	return good;
}

static bool
load_settled(struct loading *l)
{
	struct engine *e = &l->a->engine;
	struct bytes text;
	char digest[DIGEST_TEXT];

	if (!l->s->consent_state)
		return true;
	if (!read_source(l, &l->a->arena, l->s->consent_state, &text))
		return false;
	digest_text(text, digest);
	json_write_member_word(&l->basis, "consent_state", bytes_of(digest));
	e->directives.settled = e->settled = settled_read(&l->reader, text);
	return e->settled != NULL;
}

static bool
load_directives(struct loading *l)
{
	struct digest *digest = digest_new();
	char text[DIGEST_TEXT];
	bool good = true;

	for (size_t i = 0; i < l->s->consents_count && good; i++) {
		const char *path = l->s->consents[i];
		struct stat st;

		if (stat(path, &st) != 0)
			good = fault_unread(l->fault, path, errno);
		else if (S_ISDIR(st.st_mode))
			good = load_directive_folder(l, path, digest);
		else
			good = load_directive_file(l, path, digest);
	}
	digest_end_text(digest, text);
	if (l->s->consents_count > 0)
		json_write_member_word(&l->basis, "consents", bytes_of(text));
	digest_free(digest);
	return good;
}

static bool
take_facts(struct loading *l, struct bytes text)
{
	size_t *unfinished = l->s->appends_facts ? &l->a->engine.unfinished : NULL;

	l->a->engine.facts = facts_read(&l->reader, text, unfinished);
	return l->a->engine.facts != NULL;
}

static bool
take_entities(struct loading *l, struct bytes text)
{
	l->a->engine.entities = entities_read(&l->reader, text);
	return l->a->engine.entities != NULL;
}

static bool
take_used(struct loading *l, struct bytes text)
{
	return used_read(&l->a->engine.used, &l->reader, text);
}

static bool
load_lines(struct loading *l)
{
	const struct {
		const char *name, *path;
		bool (*take)(struct loading *l, struct bytes text);
	} files[] = { { "facts", l->s->facts, take_facts }, { "entities", l->s->entities, take_entities },
		{ "used", l->s->used, take_used } };

	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		struct bytes text;
		char digest[DIGEST_TEXT];

		if (!files[i].path)
			continue;
		if (!read_source(l, &l->a->arena, files[i].path, &text))
			return false;
		digest_text(text, digest);
		json_write_member_word(&l->basis, files[i].name, bytes_of(digest));
		if (!files[i].take(l, text) || l->fault->text[0])
			return false;
	}
	return true;
}

static bool
load(struct access *a, const struct access_sources *s, struct fault *f)
{
	struct engine *e = &a->engine;
	struct loading l = { .a = a, .s = s, .basis = json_write_to(&a->basis), .fault = f };

	l.reader = (struct access_reader){ .arena = &a->arena,
		.words = &e->words,
		.attributes = &e->attributes,
		.roles = &e->roles,
		.policy = e->policy,
		.moments = &e->moments,
		.fault = f };
	intern_init(&e->words, &a->arena);
	attributes_init(&e->attributes, a->keys);
	directives_init(&e->directives, &a->arena);
	used_init(&e->used, &a->arena);
	if (!load_policy(&l) || !load_settled(&l) || !load_directives(&l) || !load_lines(&l) ||
	    !directives_ready(&e->directives, &l.reader, e->entities))
		return false;
	if (s->tally)
		tally_begin(s->tally, e);
	if (a->search.attribute)
		search_prepare(&a->search, e, &a->arena);
	return true;
}

static void
prepare_requests(struct access *a, const struct access_sources *s)
{
	static const unsigned searched[] = { [ACCESS_SEARCH_SUBJECT] = ATTRIBUTE_SUBJECT_ID,
		[ACCESS_SEARCH_RESOURCE] = ATTRIBUTE_RESOURCE_ID,
		[ACCESS_SEARCH_ACTION] = ATTRIBUTE_ACTION_NAME };

	a->reader = (struct request_reader){ .attributes = &a->engine.attributes,
		.words = &a->engine.words,
		.scratch = &a->engine.scratch,
		.json = &a->json,
		.searched = s->search ? searched[s->search] : 0 };
	a->search.attribute = a->reader.searched;
	if (s->now) {
		a->now = *s->now;
		a->reader.now = &a->now;
		a->reader.max_skew = s->max_skew ? &a->max_skew : NULL;
		a->max_skew = s->max_skew ? *s->max_skew : 0;
	}
	request_keys(&a->reader, a->keys);
	a->key_assertion = json_keys_add(a->keys, bytes_of("assertion"));
	a->key_evaluations = json_keys_add(a->keys, bytes_of("evaluations"));
	a->key_options = json_keys_add(a->keys, bytes_of("options"));
	a->key_semantic = json_keys_add(a->keys, bytes_of("evaluations_semantic"));
	json_init(&a->json, a->keys, s->max_depth ? s->max_depth : JSON_MAX_DEPTH);
	buffer_init(&a->out, BUFFER_UNLIMITED);
	a->public_only = s->public_only;
	a->explain = s->explain;
	a->tally = s->tally;
	assertions_init(&a->assertions, s->signers, s->audience);
}

struct access *
access_load(const struct access_sources *s, struct fault *f)
{
	struct access *a = memory_zeros(1, sizeof *a);

	a->engine.policy = s->policy;
	a->engine.outbound_only = s->outbound_only;
	a->keys = json_keys_new();
	buffer_init(&a->basis, BUFFER_UNLIMITED);
	prepare_requests(a, s);
	if (load(a, s, f))
		return a;
	access_free(a);
	return NULL;
}

static void
release_engine(struct engine *e)
{
	intern_release(&e->words);
	directives_release(&e->directives);
	settled_free(e->settled);
	facts_free(e->facts);
	entities_free(e->entities);
	used_release(&e->used);
	moments_release(&e->moments);
	scratch_release(&e->scratch);
}

void
access_free(struct access *a)
{
	if (!a)
		return;
	release_engine(&a->engine);
	assertions_release(&a->assertions);
	json_release(&a->json);
	json_keys_free(a->keys);
	buffer_release(&a->out);
	buffer_release(&a->basis);
	arena_release(&a->arena);
	free(a);
}

const struct fault *
access_warning(const struct access *a, size_t i)
{
	return i < a->engine.directives.warnings ? &a->engine.directives.warning[i] : NULL;
}

size_t
access_unfinished(const struct access *a)
{
	return a->engine.unfinished;
}

bool
access_negotiates(const struct access *a)
{
	const struct layers *l = &a->engine.layers;

	for (uint32_t i = 0; i < l->files; i++)
		if (l->file[i].negotiated)
			return true;
	return false;
}

uint64_t
access_others(const struct access *a)
{
	return a->engine.directives.others;
}

bool
access_reads(const struct access *a, struct bytes patient, struct bytes directive)
{
	bool any = false;

	for (const struct directive *d = directives_of(&a->engine.directives, patient); d; d = d->next) {
		if (!bytes_equal(d->id, directive))
			continue;
		if (d->unreadable)
			return false;
		any = true;
	}
	return any;
}

bool
access_has_user(const struct access *a, struct bytes id)
{
	return a->engine.entities && entities_has(a->engine.entities, (struct bytes)BYTES("user"), id);
}

struct bytes
access_patient(const struct access *a, struct bytes identifier)
{
	return a->engine.entities ? entities_patient(a->engine.entities, identifier)
				  : (struct bytes){ "", 0 };
}

struct query {
	struct request_parts parts;
	struct bytes id;
	int item; /* -1: no batch */
};

enum semantic { EXECUTE_ALL, DENY_ON_FIRST_DENY, PERMIT_ON_FIRST_PERMIT, SEMANTICS };

static const char *const semantics[SEMANTICS] = { "execute_all", "deny_on_first_deny",
	"permit_on_first_permit" };

/* The member id of an object, as it stands; empty if it is neither string nor number. */
static struct bytes
id_of(const struct access *a, uint32_t node)
{
	uint32_t id = json_member_key(&a->json, node, a->reader.key_id);
	enum json_kind kind = id ? json_kind(&a->json, id) : JSON_NULL;

	if (kind != JSON_STRING && kind != JSON_NUMBER)
		return (struct bytes){ "", 0 };
	return json_span(&a->json, id);
}

static void
put_error(struct json_write *w, struct access_decision *d, struct bytes id, enum reason reason, size_t byte,
    const char *message)
{
	*d = (struct access_decision){ .ill_formed = true, .reason = reason, .byte = byte, .level = -1 };
	answer_error(w, id, message);
}

static struct answer_frame
frame_of(const struct access *a, struct scratch *scratch, int item)
{
	return (struct answer_frame){ .engine = &a->engine,
		.scratch = scratch,
		.public_only = a->public_only,
		.explain = a->explain,
		.request = a->digest,
		.item = item,
		.basis = buffer_bytes(&a->basis) };
}

/* NULL, or why it is not proven who asks, or when.  Puts in what is proven. */
static const char *
prove(struct access *a, const struct query *q)
{
	const char *late = a->request.skewed ? "time-skew" : NULL;
	uint32_t node = q->parts.context ? json_member_key(&a->json, q->parts.context, a->key_assertion) : 0;
	struct request *stated;
	const char *unproven;

	if (!a->assertions.signers)
		return late;
	unproven = assertion_apply(&a->assertions, &a->reader, node, &a->request);
	if (unproven || late)
		return unproven ? unproven : late;
	a->request.foreign = assertion_is_foreign(&a->assertions, &a->request);
	if (!a->engine.entities)
		return NULL;
	stated = scratch_take(&a->engine.scratch, sizeof *stated);
	*stated = a->request;
	entities_apply(a->engine.entities, stated, &a->engine.scratch);
	if (stated->at[ATTRIBUTE_SUBJECT_DOMAIN].at != a->request.at[ATTRIBUTE_SUBJECT_DOMAIN].at)
		a->request.foreign = false;
	return assertion_domain(&a->assertions, stated);
}

/* Decides one query and writes its answer.  NULL, or what is wrong with it: then nothing is written. */
static const char *
answer_query(struct access *a, struct json_write *w, const struct query *q, struct access_decision *d)
{
	struct engine *e = &a->engine;
	const struct answer_frame frame = frame_of(a, &e->scratch, q->item);
	const char *wrong = request_read(&a->reader, &q->parts, &a->request), *unproven;

	if (wrong)
		return wrong;
	directives_expect(&e->directives, request_string(&a->request, ATTRIBUTE_RESOURCE_PATIENT));
	unproven = prove(a, q);
	if (e->entities)
		entities_apply(e->entities, &a->request, &e->scratch);
	if (unproven)
		decide_unproven(e, &a->request, unproven, &a->verdict);
	else
		decide(e, &a->request, &a->verdict);
	if (a->tally)
		tally_note(a->tally, e, &a->verdict);
	answer_write(w, &frame, &a->verdict, q->id);
	d->permitted = a->verdict.permitted;
	d->decided_by = answer_layer_name(a->verdict.decided_by);
	d->code = a->verdict.reason;
	d->level = a->verdict.permitted && a->verdict.cleared ? a->verdict.level : -1;
	d->al = a->verdict.al;
	return NULL;
}

static bool
read_semantic(const struct access *a, enum semantic *semantic)
{
	uint32_t options = json_member_key(&a->json, 0, a->key_options);
	uint32_t node = options ? json_member_key(&a->json, options, a->key_semantic) : 0;

	*semantic = EXECUTE_ALL;
	if (options && json_kind(&a->json, options) != JSON_OBJECT)
		return false;
	if (node == 0)
		return true;
	for (int i = 0; i < SEMANTICS; i++)
		if (json_is(&a->json, node, bytes_of(semantics[i]))) {
			*semantic = (enum semantic)i;
			return true;
		}
	return false;
}

static void
answer_item(
    struct access *a, struct json_write *w, uint32_t node, struct query query, struct access_decision *d)
{
	const char *wrong;

	d->permitted = false;
	/* What an item takes from the defaults is written again for each item. */
	if (a->out.used > ANSWER_MOST) {
		answer_error(w, query.id, "the answers before take 64 MB: ask in smaller batches");
		return;
	}
	if (json_kind(&a->json, node) != JSON_OBJECT) {
		answer_error(w, query.id, "an item of evaluations is not an object");
		return;
	}
	scratch_reset(&a->engine.scratch);
	request_parts_read(&a->reader, node, &query.parts);
	if (id_of(a, node).size > 0)
		query.id = id_of(a, node);
	wrong = answer_query(a, w, &query, d);
	if (wrong)
		answer_error(w, query.id, wrong);
}

static void
answer_batch(
    struct access *a, struct json_write *w, uint32_t list, struct query query, struct access_decision *d)
{
	const struct json_node *nodes = a->json.nodes;
	enum semantic semantic;
	bool all = true;

	if (!read_semantic(a, &semantic)) {
		put_error(w, d, query.id, REASON_BAD_REQUEST, 0, "unknown options.evaluations_semantic");
		return;
	}
	json_write_open(w, '{');
	json_write_name(w, "evaluations");
	json_write_open(w, '[');
	for (uint32_t i = list + 1; i < nodes[list].next; i = nodes[i].next) {
		query.item++;
		answer_item(a, w, i, query, d);
		all = all && d->permitted;
		if ((semantic == DENY_ON_FIRST_DENY && !d->permitted) ||
		    (semantic == PERMIT_ON_FIRST_PERMIT && d->permitted))
			break;
	}
	json_write_close(w, ']');
	json_write_close(w, '}');
	d->permitted = all;
}

static const char *
answer_search(struct access *a, struct json_write *w, const struct query *query, struct access_decision *d)
{
	struct engine *e = &a->engine;
	const struct answer_frame frame = frame_of(a, &e->scratch, -1);
	/* Who is not proven finds nothing. */
	const struct search nothing = { .attribute = a->search.attribute };
	struct search_page page = { 0 };
	const char *wrong = request_read(&a->reader, &query->parts, &a->request);

	if (!wrong)
		wrong = search_page_read(&page, &a->json, &e->scratch);
	page.id = query->id;
	if (!wrong)
		d->permitted = search_write(w, &frame, prove(a, query) ? &nothing : &a->search, e,
				   &a->request, &page) > 0;
	return wrong;
}

static void
answer_line(struct access *a, struct json_write *w, struct access_decision *d)
{
	struct query query = { .item = -1, .id = id_of(a, 0) };
	uint32_t list = json_member_key(&a->json, 0, a->key_evaluations);
	const char *wrong;

	request_parts_read(&a->reader, 0, &query.parts);
	if (a->search.attribute) {
		wrong = answer_search(a, w, &query, d);
		if (wrong)
			put_error(w, d, query.id, REASON_BAD_REQUEST, 0, wrong);
		return;
	}
	if (list && json_kind(&a->json, list) != JSON_ARRAY) {
		put_error(w, d, query.id, REASON_BAD_REQUEST, 0, "evaluations is not an array");
		return;
	}
	if (list && a->json.nodes[list].next > list + 1) {
		answer_batch(a, w, list, query, d);
		return;
	}
	wrong = answer_query(a, w, &query, d);
	if (wrong)
		put_error(w, d, query.id, REASON_BAD_REQUEST, 0, wrong);
}

void
access_decide(struct access *a, struct bytes request, struct access_decision *d)
{
	struct json_write w = json_write_to(&a->out);
	struct bytes none = { "", 0 };

	*d = (struct access_decision){ .level = -1 };
	a->out.used = 0;
	scratch_reset(&a->engine.scratch);
	digest_text(request, a->digest);
	if (!json_parse(&a->json, request))
		put_error(&w, d, none, a->json.reason, a->json.byte, reason_text(a->json.reason));
	else if (json_kind(&a->json, 0) != JSON_OBJECT)
		put_error(&w, d, none, REASON_NOT_AN_OBJECT, 1, "a request is a JSON object");
	else
		answer_line(a, &w, d);
	d->text = buffer_bytes(&a->out);
}

void
access_undone(const struct access *a, struct buffer *text)
{
	if (a->verdict.denied[LAYER_OBLIGATIONS])
		(void)undone_write(text, &a->verdict);
}

void
access_refuse(struct access *a, enum reason reason, struct access_decision *d)
{
	struct json_write w = json_write_to(&a->out);

	a->out.used = 0;
	put_error(&w, d, (struct bytes){ "", 0 }, reason, 0, reason_text(reason));
	d->text = buffer_bytes(&a->out);
}

struct engine *
access_engine(struct access *a)
{
	return &a->engine;
}

const struct verdict *
access_verdict(const struct access *a)
{
	return &a->verdict;
}

bool
access_batch(const struct access *a)
{
	return json_member_key(&a->json, 0, a->key_evaluations) != 0;
}
