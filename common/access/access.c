/* SPDX-License-Identifier: ISC */
#include "common/access/access.h"

#include "common/access/answer.h"
#include "common/access/put.h"
#include "common/access/sources.h"
#include "common/base/diag.h"
#include "common/crypto/digest.h"

#include <errno.h>
#include <stdlib.h>

struct access {
	struct engine engine;
	struct arena arena;
	struct json_keys *keys;
	struct json json;
	struct request_reader reader;
	struct request request;
	struct verdict verdict;
	struct buffer out;
	struct buffer basis;
	struct instant now;
	bool public_only;
	uint16_t key_evaluations, key_options, key_semantic;
	char digest[DIGEST_TEXT];
};

/* A request at hand, single or an item of a batch. */
struct query {
	struct request_parts parts;
	struct bytes id;
	int item;
};

enum semantic { EXECUTE_ALL, DENY_ON_FIRST_DENY, PERMIT_ON_FIRST_PERMIT, SEMANTICS };

static const char *const semantics[SEMANTICS] = { "execute_all", "deny_on_first_deny",
	"permit_on_first_permit" };

static void
prepare_requests(struct access *a, const struct access_sources *s)
{
	a->reader = (struct request_reader){ .attributes = &a->engine.attributes,
		.words = &a->engine.words,
		.scratch = &a->engine.scratch,
		.json = &a->json };
	if (s->now) {
		a->now = *s->now;
		a->reader.now = &a->now;
	}
	request_keys(&a->reader, a->keys);
	a->key_evaluations = json_keys_add(a->keys, bytes_of("evaluations"));
	a->key_options = json_keys_add(a->keys, bytes_of("options"));
	a->key_semantic = json_keys_add(a->keys, bytes_of("evaluations_semantic"));
	json_init(&a->json, a->keys, s->max_depth ? s->max_depth : JSON_MAX_DEPTH);
	buffer_init(&a->out, SIZE_MAX / 2);
	a->public_only = s->public_only;
}

struct access *
access_load(const struct access_sources *s, enum access_outcome *outcome, struct fault *f)
{
	struct access *a = calloc(1, sizeof *a);
	int failed;

	if (!a)
		diag_die(EXIT_IO, "out of memory");
	a->engine.policy = s->policy;
	a->keys = json_keys_new();
	buffer_init(&a->basis, SIZE_MAX / 2);
	prepare_requests(a, s);
	*outcome = sources_read(&a->engine, s, &a->arena, a->keys, &a->basis, f);
	if (*outcome == ACCESS_LOADED) {
		(void)buffer_append(&a->basis, "", 1);
		return a;
	}
	failed = errno;
	access_free(a);
	errno = failed;
	return NULL;
}

void
access_free(struct access *a)
{
	if (!a)
		return;
	sources_release(&a->engine);
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

/* The member id of an object, as it stands. */
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
ill_formed(struct access *a, struct access_decision *d, struct bytes id, enum reason reason, size_t byte,
    const char *message)
{
	*d = (struct access_decision){ .ill_formed = true, .reason = reason, .byte = byte, .level = -1 };
	answer_error(&a->out, id, message);
}

/* Decides one query and writes its answer.  NULL, or what is wrong with it: then nothing is written. */
static const char *
answer_query(struct access *a, const struct query *q, struct access_decision *d)
{
	struct engine *e = &a->engine;
	const struct answer answer = { .engine = e,
		.out = &a->out,
		.public_only = a->public_only,
		.request = a->digest,
		.item = q->item,
		.basis = a->basis.at };
	const char *wrong = request_read(&a->reader, &q->parts, &a->request);

	if (wrong)
		return wrong;
	if (e->entities)
		entities_apply(e->entities, &a->request);
	decide(e, &a->request, &a->verdict);
	answer_write(&answer, &a->verdict, q->id);
	d->permitted = a->verdict.permitted;
	d->decided_by = answer_layer(a->verdict.decided_by);
	d->code = a->verdict.reason;
	d->level = a->verdict.permitted && a->verdict.cleared ? a->verdict.level : -1;
	d->al = a->verdict.al;
	return NULL;
}

/* How a batch is to be gone through; false if it is said in a word that is not known. */
static bool
read_semantic(const struct access *a, enum semantic *semantic)
{
	uint32_t options = json_member_key(&a->json, 0, a->key_options);
	uint32_t node = options ? json_member_key(&a->json, options, a->key_semantic) : 0;

	*semantic = EXECUTE_ALL;
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
answer_item(struct access *a, uint32_t node, struct query query, struct access_decision *d)
{
	const char *wrong;

	d->permitted = false;
	if (json_kind(&a->json, node) != JSON_OBJECT) {
		answer_error(&a->out, query.id, "an item of evaluations is not an object");
		return;
	}
	request_parts_read(&a->reader, node, &query.parts);
	if (id_of(a, node).size > 0)
		query.id = id_of(a, node);
	wrong = answer_query(a, &query, d);
	if (wrong)
		answer_error(&a->out, query.id, wrong);
}

static void
answer_batch(struct access *a, uint32_t list, struct query query, struct access_decision *d)
{
	const struct json_node *nodes = a->json.nodes;
	enum semantic semantic;
	bool all = true;

	if (!read_semantic(a, &semantic)) {
		ill_formed(a, d, query.id, REASON_BAD_REQUEST, 0, "unknown options.evaluations_semantic");
		return;
	}
	put(&a->out, "{\"evaluations\":[");
	for (uint32_t i = list + 1; i < nodes[list].next; i = nodes[i].next) {
		if (query.item++ >= 0)
			put(&a->out, ",");
		answer_item(a, i, query, d);
		all = all && d->permitted;
		if ((semantic == DENY_ON_FIRST_DENY && !d->permitted) ||
		    (semantic == PERMIT_ON_FIRST_PERMIT && d->permitted))
			break;
	}
	put(&a->out, "]}");
	d->permitted = all;
}

static void
answer_line(struct access *a, struct access_decision *d)
{
	struct query query = { .item = -1, .id = id_of(a, 0) };
	uint32_t list = json_member_key(&a->json, 0, a->key_evaluations);
	const char *wrong;

	request_parts_read(&a->reader, 0, &query.parts);
	if (list && json_kind(&a->json, list) != JSON_ARRAY) {
		ill_formed(a, d, query.id, REASON_BAD_REQUEST, 0, "evaluations is not an array");
		return;
	}
	if (list && a->json.nodes[list].next > list + 1) {
		answer_batch(a, list, query, d);
		return;
	}
	wrong = answer_query(a, &query, d);
	if (wrong)
		ill_formed(a, d, query.id, REASON_BAD_REQUEST, 0, wrong);
}

void
access_decide(struct access *a, struct bytes request, struct access_decision *d)
{
	struct bytes none = { "", 0 };

	*d = (struct access_decision){ .level = -1 };
	a->out.used = 0;
	scratch_reset(&a->engine.scratch);
	digest_text(request, a->digest);
	if (!json_parse(&a->json, request))
		ill_formed(a, d, none, a->json.reason, a->json.byte, reason_text(a->json.reason));
	else if (json_kind(&a->json, 0) != JSON_OBJECT)
		ill_formed(a, d, none, REASON_NOT_AN_OBJECT, 1, "a request is a JSON object");
	else
		answer_line(a, d);
	d->text = buffer_bytes(&a->out);
}

void
access_refuse(struct access *a, enum reason reason, struct access_decision *d)
{
	a->out.used = 0;
	ill_formed(a, d, (struct bytes){ "", 0 }, reason, 0, reason_text(reason));
	d->text = buffer_bytes(&a->out);
}
