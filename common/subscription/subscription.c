/* SPDX-License-Identifier: ISC */
#include "common/subscription/subscription.h"

#include "common/subscription/fhir_subscription.h"
#include "common/subscription/subscription_delivery.h"

enum { ID_MOST = 64, CLAIMED_NONE = 100 };

/* Members that are compared with the grant and then not needed again. */
struct wanted {
	struct bytes party;
	struct bytes grant;
	uint64_t claimed; /* AL, or CLAIMED_NONE */
	const char *why;  /* NULL, or what the policy does not allow */
	bool is_fhir;     /* and then: */
	struct fhir_wish fhir;
};

static bool
read_id(const struct subscription_source *r, const struct yaml_node *node, struct subscription *sub)
{
	if (node == NULL || !yaml_string(r->file, node, &sub->id, r->fault))
		return false;
	bool good = sub->id.size >= 1 && sub->id.size <= ID_MOST;

	for (size_t i = 0; good && i < sub->id.size; i++)
		good = sub->id.at[i] != '\0' &&
		       strchr("abcdefghijklmnopqrstuvwxyz0123456789._-", sub->id.at[i]) != NULL;
	if (good)
		return true;
	sub->id = (struct bytes){ "", 0 };
	return fault_at(r->fault, r->file, node, "expected an id: 1 to 64 of a-z 0-9 . _ -");
}

static bool
read_words(const struct subscription_source *r, const struct yaml_node *node, struct grant_words *w)
{
	size_t count = yaml_strings(node);
	struct bytes *list;

	if (count == 0)
		return fault_at(r->fault, r->file, node, "expected a list of words");
	list = arena_array(r->arena, count, sizeof *list);
	for (size_t i = 0; i < count; i++)
		if (!yaml_item_string(r->file, node, i, &list[i], r->fault))
			return false;
	*w = grant_words_sort(list, count);
	return true;
}

static bool
read_subjects(const struct subscription_source *r, const struct yaml_node *node, struct subscription *sub)
{
	if (node == NULL || !read_words(r, node, &sub->subjects))
		return false;
	for (size_t i = 0; i < sub->subjects.count; i++)
		sub->everyone = sub->everyone || bytes_are(sub->subjects.at[i], "*");
	return true;
}

/* Adds to the tags that are there; all must fit. */
static bool
read_tags(const struct subscription_source *r, const struct yaml_node *node, struct subscription *sub)
{
	struct tag_choice *choices;

	if (node == NULL)
		return true;
	if (!seal_policy_choice(&r->plan->seal, r->file, node, r->fault))
		return false;
	if (sub->tag_count + node->count > SUBSCRIPTION_TAGS_MOST)
		return fault_at(r->fault, r->file, node, "more than %d tags", SUBSCRIPTION_TAGS_MOST);
	choices = arena_array(r->arena, sub->tag_count + node->count, sizeof *choices);
	if (sub->tag_count > 0)
		memcpy(choices, sub->tags, sub->tag_count * sizeof *choices);
	sub->tags = choices;
	choices += sub->tag_count;
	for (size_t i = 0; i < node->count; i++) {
		choices[i] = (struct tag_choice){ .tag = node->key[i]->text };
		if (!read_words(r, node->item[i], &choices[i].words))
			return false;
	}
	sub->tag_count = (uint8_t)(sub->tag_count + node->count);
	return true;
}

static bool
read_when(const struct subscription_source *r, const struct yaml_node *node, struct subscription *sub)
{
	struct bytes text;
	const char *why;
	size_t byte;

	if (node == NULL)
		return true;
	if (!yaml_string(r->file, node, &text, r->fault))
		return false;
	sub->when = conditions_get(r->conditions, r->pool, text, &byte, &why);
	return sub->when != NULL || fault_at(r->fault, r->file, node, "bad-jq: %s (byte %zu)", why, byte);
}

/* Subjects stand in the resource, in `select`, or in both: then the resource may only name some of those. */
static bool
join_fhir(const struct subscription_source *r, const struct fhir_wish *w, struct subscription *sub)
{
	const struct fhir_topic *t = w->topic;

	for (size_t i = 0; sub->subjects.count > 0 && !sub->everyone && i < w->subjects.count; i++)
		if (!grant_words_have(&sub->subjects, w->subjects.at[i]))
			return fault_at(r->fault, r->file, w->resource,
			    "fhir-subject: a patient whom select.subjects does not name");
	if (w->subjects.count > 0) {
		sub->subjects = w->subjects;
		sub->everyone = false;
	}
	if (sub->subjects.count == 0)
		return fault_at(
		    r->fault, r->file, w->resource, "fhir-subject: it names no patient; select.subjects may");
	if (t->least > sub->min_criticality)
		sub->min_criticality = (uint8_t)t->least;
	sub->payload = (uint8_t)w->payload;
	return read_tags(r, t->tags, sub);
}

static bool
read_select(
    const struct subscription_source *r, const struct yaml_node *node, bool is_fhir, struct subscription *sub)
{
	struct yaml_map m;
	struct bytes word = { "", 0 };

	if (is_fhir && node == NULL)
		return true;
	if (!yaml_open(&m, r->file, node, r->fault))
		return false;
	const struct yaml_node *subjects = is_fhir ? yaml_take(&m, "subjects") : yaml_need(&m, "subjects");
	const struct yaml_node *least = yaml_take(&m, "min_criticality");
	const struct yaml_node *tags = yaml_take(&m, "tags");
	const struct yaml_node *when = yaml_take(&m, "when");
	if (!yaml_close(&m) || (!(is_fhir && subjects == NULL) && !read_subjects(r, subjects, sub)) ||
	    !yaml_string(r->file, least, &word, r->fault) || !read_tags(r, tags, sub) ||
	    !read_when(r, when, sub))
		return false;
	int criticality = least == NULL ? 0 : notify_policy_word(r->plan, word);
	if (criticality < 0)
		return fault_at(r->fault, r->file, least, "unknown criticality");
	sub->min_criticality = (uint8_t)criticality;
	return true;
}

static bool
read_claims(const struct subscription_source *r, const struct yaml_node *node, uint64_t *al)
{
	struct yaml_map m;

	if (node == NULL)
		return true;
	return yaml_open(&m, r->file, node, r->fault) &&
	       yaml_integer(r->file, yaml_need(&m, "al"), 0, 99, al, r->fault) && yaml_close(&m);
}

/* A person may respond in a class if the grant gives her one of its roles. */
static bool
role_fits(const struct notify_class *class, const struct grant *grant)
{
	for (size_t i = 0; i < yaml_strings(class->roles); i++) {
		const struct yaml_node *role =
		    class->roles->kind == YAML_LIST ? class->roles->item[i] : class->roles;

		if (grant_words_have(&grant->roles, role->text))
			return true;
	}
	return false;
}

/* A panel or "*" must be in the grant itself; a subject may be covered by a panel. */
static bool
subjects_covered(const struct grants *grants, const struct subscription *sub)
{
	for (size_t i = 0; i < sub->subjects.count; i++)
		if (!grants_cover(grants, sub->grant, sub->subjects.at[i]))
			return false;
	return true;
}

/* The first check of the AL: the grant must carry all that the subscription wants. */
static enum grant_fault
judge(const struct subscription_source *r, struct subscription *sub, struct bytes party, uint64_t claimed)
{
	const struct grant *grant = sub->grant;

	if (grant == NULL)
		return GRANT_MISSING;
	if (grant->fault != GRANT_GOOD)
		return GRANT_BAD;
	if (grants_revoked(r->grants, grant) != GRANT_GOOD)
		return GRANT_REVOKED;
	if (!bytes_equal(grant->sub, party))
		return GRANT_PARTY;
	if (claimed != CLAIMED_NONE && claimed > grant->al)
		return GRANT_AL;
	sub->al = (uint8_t)(claimed < grant->al ? claimed : grant->al);
	if (sub->class >= 0 && !role_fits(&r->plan->class[sub->class], grant))
		return GRANT_ROLE;
	if (!grants_purpose(grant, sub->purpose))
		return GRANT_PURPOSE;
	if (!subjects_covered(r->grants, sub))
		return GRANT_SUBJECT;
	return GRANT_GOOD;
}

static bool
read_class(const struct subscription_source *r, const struct yaml_node *node, const struct yaml_node *at,
    struct subscription *sub)
{
	struct bytes name = { "", 0 };

	if (!yaml_string(r->file, node, &name, r->fault))
		return false;
	sub->class = (int8_t)notify_policy_class(r->plan, name);
	if (!r->plan->has_tiers && node == NULL)
		return true;
	if (node == NULL)
		return fault_at(r->fault, r->file, at, "'responder' is missing: a class of notify.yaml");
	return sub->class >= 0 || fault_at(r->fault, r->file, node,
				      "unknown class of responders: notify.yaml of the policy names them");
}

static bool
read_status(const struct subscription_source *r, const struct yaml_node *node, struct subscription *sub)
{
	static const char *const words[] = {
		[SUBSCRIPTION_RUNS] = "active",
		[SUBSCRIPTION_OFF] = "off",
		[SUBSCRIPTION_REQUESTED] = "requested",
		NULL,
	};
	unsigned word = SUBSCRIPTION_RUNS;

	if (node != NULL && !yaml_word(r->file, node, words, &word, r->fault))
		return false;
	sub->idle = (uint8_t)word;
	return true;
}

/* What does not run by the resource does not run. */
static bool
take_status(const struct fhir_wish *w, struct subscription *sub)
{
	if (sub->idle == SUBSCRIPTION_RUNS)
		sub->idle = (uint8_t)w->idle;
	return true;
}

/* After the status. */
static bool
read_until(const struct subscription_source *r, const struct yaml_node *node, struct subscription *sub)
{
	struct bytes text;
	struct instant end;

	if (node == NULL)
		return true;
	if (!yaml_string(r->file, node, &text, r->fault))
		return false;
	if (!clock_parse_instant(text, &end))
		return fault_at(r->fault, r->file, node, "expected a time such as 2026-12-31T23:59:59Z");
	if (sub->idle == SUBSCRIPTION_RUNS && r->now != NULL && instant_compare(*r->now, end) >= 0)
		sub->idle = SUBSCRIPTION_ENDED;
	if (end.seconds < sub->until)
		sub->until = end.seconds;
	return true;
}

static bool
read_shape(const struct subscription_source *r, const struct yaml_node *node, struct subscription *sub)
{
	static const char *const payloads[] = { "empty", "reference", "sealed", NULL };
	unsigned payload = PAYLOAD_REFERENCE;

	if (node != NULL && !yaml_word(r->file, node, payloads, &payload, r->fault))
		return false;
	sub->payload = (uint8_t)payload;
	return true;
}

/* The resource; what it says does not stand beside it as well. */
static bool
read_fhir(
    const struct subscription_source *r, const struct yaml_node *node, struct yaml_map *m, struct wanted *w)
{
	static const char *const own[] = { "payload", "route" };

	if (node == NULL)
		return true;
	w->is_fhir = true;
	for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
		const struct yaml_node *twice = yaml_take(m, own[i]);

		if (twice != NULL)
			return fault_at(r->fault, r->file, twice, "'%s' stands in fhir", own[i]);
	}
	return fhir_subscription_read(r, node, &w->fhir);
}

/* What is told: `fhir` first, because it changes what else may stand there. */
static bool
read_content(
    const struct subscription_source *r, struct yaml_map *m, struct subscription *sub, struct wanted *w)
{
	const struct yaml_node *fhir = yaml_take(m, "fhir");

	return read_fhir(r, fhir, m, w) &&
	       read_select(
		   r, w->is_fhir ? yaml_take(m, "select") : yaml_need(m, "select"), w->is_fhir, sub) &&
	       read_shape(r, yaml_take(m, "payload"), sub) && (!w->is_fhir || join_fhir(r, &w->fhir, sub)) &&
	       subscription_delivery_read(r, m, w->is_fhir ? &w->fhir : NULL, sub, &w->why);
}

/* All members in order; false with a fault. */
static bool
read_members(const struct subscription_source *r, const struct yaml_node *node, struct subscription *sub,
    struct wanted *w)
{
	struct yaml_map m;

	return yaml_open(&m, r->file, node, r->fault) && read_id(r, yaml_need(&m, "id"), sub) &&
	       yaml_string(r->file, yaml_need(&m, "party"), &w->party, r->fault) &&
	       yaml_string(r->file, yaml_need(&m, "grant"), &w->grant, r->fault) &&
	       read_class(r, yaml_take(&m, "responder"), node, sub) &&
	       read_claims(r, yaml_take(&m, "claims"), &w->claimed) &&
	       yaml_string(r->file, yaml_need(&m, "purpose"), &sub->purpose, r->fault) &&
	       read_content(r, &m, sub, w) && read_status(r, yaml_take(&m, "status"), sub) &&
	       read_until(r, yaml_take(&m, "until"), sub) &&
	       (!w->is_fhir || (read_until(r, w->fhir.end, sub) && take_status(&w->fhir, sub))) &&
	       yaml_close(&m);
}

enum subscription_outcome
subscription_read(const struct subscription_source *r, const struct yaml_node *node, struct subscription *sub,
    const char **why)
{
	struct wanted w = { .claimed = CLAIMED_NONE };
	enum grant_fault gate;

	*sub =
	    (struct subscription){ .id = { "", 0 }, .file = r->file, .line = node->line, .until = INT64_MAX };
	if (!read_members(r, node, sub, &w))
		return SUBSCRIPTION_FAULT;
	sub->grant = grants_find(r->grants, w.grant);
	gate = judge(r, sub, w.party, w.claimed);
	*why = w.why;
	if (gate != GRANT_GOOD)
		*why = grant_fault_word(gate);
	else if (!r->plan->payload[sub->payload])
		*why = "payload";
	if (*why == NULL)
		return SUBSCRIPTION_GOOD;
	return sub->idle == SUBSCRIPTION_RUNS ? SUBSCRIPTION_REFUSED : SUBSCRIPTION_DROPPED;
}

static void
keep_words(const struct subscription_source *r, struct grant_words *w)
{
	w->at = pool_list(r->pool, w->at, w->count);
}

void
subscription_keep(const struct subscription_source *r, struct subscription *sub)
{
	struct tag_choice *choices;
	size_t size = sub->tag_count * sizeof *choices;

	sub->id = pool_own(r->pool, sub->id);
	sub->purpose = pool_text(r->pool, sub->purpose);
	keep_words(r, &sub->subjects);
	subscription_delivery_keep(r, sub);
	if (sub->tag_count == 0)
		return;
	choices = arena_array(r->arena, sub->tag_count, sizeof *choices);
	memcpy(choices, sub->tags, size);
	for (size_t i = 0; i < sub->tag_count; i++) {
		choices[i].tag = pool_text(r->pool, choices[i].tag);
		keep_words(r, &choices[i].words);
	}
	sub->tags = (const struct tag_choice *)(const void *)pool_text(
	    r->pool, (struct bytes){ (const char *)choices, size })
			.at;
}
