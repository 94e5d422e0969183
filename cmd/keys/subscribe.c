/* SPDX-License-Identifier: ISC */
/*
 * subscribe: request, decision, grant and subscription in one.  The answer is the subscription.  It stands in
 * the site's folder of subscriptions, in a file with its id as name.  A person whom the policy lets
 * follow only some of the patients gets nothing, so that nobody believes to be told of the others.
 */
#include "cmd/keys/decider.h"
#include "cmd/keys/grant.h"
#include "cmd/keys/request.h"
#include "cmd/keys/store.h"
#include "common/base/file.h"
#include "common/line/tags.h"
#include "common/policy/site.h"
#include "common/subscription/subscription.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>

enum { ID_SIZE = 26 }; /* "sub-" and 22 hex digits */
enum { WISH_MOST = 1 << 16, TEXT_MOST = 1 << 26, DEPTH = 16 };

struct subscribing {
	const struct verb_settings *settings;
	struct verb_answer *answer;
	struct buffer context; /* --context */
	struct buffer wish;    /* the operand: what the person wants to be told */
	struct buffer text;    /* the subscription */
	char id[ID_SIZE + 1];
};

static struct decision_file *
decide(void *context, struct keys *k, enum diag_exit *status)
{
	struct subscribing *x = context;
	const struct verb_settings *s = x->settings;
	struct decision_file *all = NULL;
	struct buffer requests;
	struct device device;
	bool good = device_find(k, bytes_of(s->device.item[0]), s, &device, x->answer, status);
	const struct asking q = { k, &device, s, &x->context, { "", 0 }, false, x->answer };

	buffer_init(&requests, TEXT_MOST);
	for (size_t i = 0; good && i < s->patient.count; i++) {
		good = request_subscribe(&requests, &q, s->patient.item[i], s->now);
		*status = EXIT_BAD_RECORD;
		buffer_add(&requests, "\n", 1);
	}
	if (good)
		all = decider_ask(s, buffer_bytes(&requests), x->answer, status);
	buffer_release(&requests);
	return all;
}

/*
 * Copies the members of NODE, but not SELECT, which is one of them or 0.  False if one has a name in OWN,
 * which are set here.
 */
static bool
copy_members(
    struct json_write *w, const struct json *j, uint32_t node, uint32_t select, const char *const *own)
{
	for (uint32_t m = node + 1; m < j->nodes[node].next; m = j->nodes[m].next) {
		if (m + 1 == select)
			continue;
		for (size_t i = 0; own[i] != NULL; i++)
			if (json_is(j, m, bytes_of(own[i])))
				return false;
		json_write_copy(w, j, m);
	}
	return true;
}

static void
write_words(struct json_write *w, const char *name, const struct grant_words *words)
{
	json_write_name(w, name);
	json_write_open(w, '[');
	for (size_t i = 0; i < words->count; i++)
		json_write_text(w, words->at[i]);
	json_write_close(w, ']');
}

/* The subscription that G carries, and of the wish what the grant leaves open. */
static bool
write_subscription(struct subscribing *x, const struct grant *g, const struct json *wish)
{
	static const char *const own[] = { "id", "party", "grant", "claims", "purpose", NULL };
	static const char *const own_select[] = { "subjects", NULL };
	struct json_write w = json_write_to(&x->text);
	uint32_t select = json_member(wish, 0, (struct bytes)BYTES("select"));
	bool good = true;

	json_write_open(&w, '{');
	json_write_member(&w, "id", bytes_of(x->id));
	json_write_member(&w, "party", g->sub);
	json_write_member(&w, "grant", g->jti);
	json_write_name(&w, "select");
	json_write_open(&w, '{');
	write_words(&w, "subjects", &g->subjects);
	if (select != 0)
		good =
		    json_kind(wish, select) == JSON_OBJECT && copy_members(&w, wish, select, 0, own_select);
	json_write_close(&w, '}');
	if (g->purposes.count > 0)
		json_write_member(&w, "purpose", g->purposes.at[0]);
	good = good && copy_members(&w, wish, 0, select, own);
	json_write_close(&w, '}');
	verb_written(&w);
	return good;
}

/* Reads the subscription as ehr-notify will. */
static enum diag_exit
check_subscription(struct subscribing *x, const struct notify_policy *plan, const struct grants *grants)
{
	struct arena arena = { 0 };
	struct pool pool = { 0 };
	struct conditions conditions = { 0 };
	struct fault fault = { 0 };
	const struct subscription_source from = { .plan = plan,
		.grants = grants,
		.now = &x->settings->now,
		.arena = &arena,
		.pool = &pool,
		.conditions = &conditions,
		.file = "the subscription",
		.fault = &fault };
	struct subscription sub;
	struct buffer one;
	struct json j;
	const char *why = NULL;
	enum diag_exit status = EXIT_DONE;
	enum subscription_outcome outcome = SUBSCRIPTION_FAULT;

	buffer_init(&one, TEXT_MOST);
	json_init(&j, NULL, DEPTH);
	if (store_object(&one, &j, buffer_bytes(&x->text)))
		outcome = subscription_read(&from, yaml_of_json(&arena, &j, 0, 1), &sub, &why);
	if (outcome == SUBSCRIPTION_FAULT)
		status = verb_fault(x->answer, EXIT_BAD_RECORD, "subscription-refused: %s",
		    fault.text[0] ? fault.text : "not a JSON object");
	else if (outcome != SUBSCRIPTION_GOOD)
		status = verb_fault(x->answer, EXIT_DENIED, "subscription-refused: %s", why);
	json_release(&j);
	buffer_release(&one);
	conditions_release(&conditions);
	pool_release(&pool);
	arena_release(&arena);
	return status;
}

/* Ids of subscriptions have no capitals, those of grants do. */
static void
name(struct subscribing *x, struct bytes jti)
{
	char digest[DIGEST_TEXT];

	digest_text(jti, digest);
	(void)snprintf(x->id, sizeof x->id, "sub-%.22s", strchr(digest, ':') + 1);
}

static enum diag_exit
make_subscription(struct subscribing *x, const struct notify_policy *plan, const struct grants *grants)
{
	struct buffer one;
	struct json wish;
	bool good;

	name(x, grants->grant[0].jti);
	buffer_init(&one, WISH_MOST);
	json_init(&wish, NULL, DEPTH);
	good = store_object(&one, &wish, x->wish.used > 0 ? buffer_bytes(&x->wish) : bytes_of("{}")) &&
	       write_subscription(x, &grants->grant[0], &wish);
	json_release(&wish);
	buffer_release(&one);
	if (!good)
		return verb_fault(x->answer, EXIT_BAD_RECORD,
		    "subscription-refused: the wish is no JSON object, or states what the grant does");
	return check_subscription(x, plan, grants);
}

static enum diag_exit
check(void *context, struct keys *k, const struct notify_policy *plan, struct bytes token)
{
	struct subscribing *x = context;
	struct grants grants;
	enum diag_exit status;

	grants_init(&grants);
	grants_read(&grants, keys_authority(k), token, plan->max_lifetime);
	grants_ready(&grants);
	if (grants.count != 1 || grants.grant[0].fault != GRANT_GOOD)
		status = verb_fault(x->answer, EXIT_DENIED, "subscription-refused: grant-bad");
	else
		status = make_subscription(x, plan, &grants);
	grants_release(&grants);
	return status;
}

/* Whether the subscription in TEXT is the same person's, and about the same patients. */
static bool
is_twin(const struct subscribing *x, struct bytes text)
{
	static const struct bytes select = BYTES("select"), subjects = BYTES("subjects"),
				  party = BYTES("party");
	struct buffer own, other;
	struct json a, b;
	bool twin = false;

	buffer_init(&own, TEXT_MOST);
	buffer_init(&other, TEXT_MOST);
	json_init(&a, NULL, DEPTH);
	json_init(&b, NULL, DEPTH);
	if (store_object(&own, &a, buffer_bytes(&x->text)) && store_object(&other, &b, text)) {
		uint32_t from = json_member(&b, 0, select), who = json_member(&b, 0, party);
		uint32_t whom =
		    from != 0 && json_kind(&b, from) == JSON_OBJECT ? json_member(&b, from, subjects) : 0;

		twin = who != 0 && whom != 0 &&
		       bytes_equal(json_span(&a, json_member(&a, 0, party)), json_span(&b, who)) &&
		       bytes_equal(json_span(&a, json_member(&a, json_member(&a, 0, select), subjects)),
			   json_span(&b, whom));
	}
	json_release(&a);
	json_release(&b);
	buffer_release(&own);
	buffer_release(&other);
	return twin;
}

/* A second subscription is a second message of each record; it may be meant, as for another route. */
static void
note_twins(struct subscribing *x, const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *entry;
	struct buffer text;

	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		if (!bytes_begin(bytes_of(entry->d_name), "sub-"))
			continue;
		buffer_init(&text, TEXT_MOST);
		if (file_read_at(dirfd(folder), entry->d_name, &text) && is_twin(x, buffer_bytes(&text)))
			verb_remark(x->answer,
			    "subscribed-twice: %s/%s is about the same for this person: remove it if she is "
			    "not to be told "
			    "by both",
			    path, entry->d_name);
		buffer_release(&text);
	}
	if (folder != NULL)
		(void)closedir(folder);
}

/* The grant is kept; the subscription follows it, and is the answer. */
static enum diag_exit
keep(struct subscribing *x)
{
	struct arena arena = { 0 };
	const char *folder = site_path(&arena, x->settings->site, SITE_SUBSCRIPTIONS, NULL);
	const char *path = arena_format(&arena, "%s/%s.json", folder, x->id);
	enum diag_exit status = EXIT_DONE;

	buffer_add(&x->text, "\n", 1);
	file_sweep_at(AT_FDCWD, folder, ".json");
	note_twins(x, folder);
	if (!file_replace_at(AT_FDCWD, path, buffer_bytes(&x->text), 0644)) {
		(void)verb_io_fault(x->answer, path);
		status = EXIT_IO;
	}
	x->answer->out.used = 0;
	buffer_add(&x->answer->out, x->text.at, x->text.used);
	arena_release(&arena);
	return status;
}

static enum diag_exit
usage(const struct verb_settings *s, struct verb_answer *a)
{
	if (!decider_ready(s, a))
		return EXIT_USAGE;
	if (s->device.count != 1 || s->user == NULL || s->patient.count == 0)
		return verb_fault(
		    a, EXIT_USAGE, "who, and about whom? expected --device ID, --user ID and --patient ID");
	if (!tag_is_word(bytes_of(s->user)))
		return verb_fault(a, EXIT_USAGE, "not an id of a person, expected A-Z a-z 0-9 . _ : / @ + -");
	if (s->operands > 1)
		return verb_fault(a, EXIT_USAGE, "one file at most says what she wants to be told");
	return EXIT_DONE;
}

enum diag_exit
verb_subscribe(const struct verb_settings *s, struct verb_answer *a)
{
	struct subscribing x = { .settings = s, .answer = a };
	const struct grant_order order = { decide, check, &x };
	enum diag_exit status = usage(s, a);

	if (status != EXIT_DONE)
		return status;
	buffer_init(&x.wish, WISH_MOST);
	buffer_init(&x.text, TEXT_MOST);
	status = EXIT_IO;
	if (request_context(s, &x.context, a) && (s->operands == 0 || store_read(s->operand[0], &x.wish, a)))
		status = grant_make(s, a, &order);
	if (status == EXIT_DONE)
		status = keep(&x);
	buffer_release(&x.context);
	buffer_release(&x.wish);
	buffer_release(&x.text);
	return status;
}
