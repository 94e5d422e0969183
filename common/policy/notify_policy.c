/* SPDX-License-Identifier: ISC */
#include "common/policy/notify_policy.h"

#include "common/base/closest.h"
#include "common/line/tags.h"
#include "common/policy/vocabulary.h"

#include <string.h>

#define LAST_RESORT "last-resort"

struct notify_reader {
	struct notify_policy *notify;
	const char *file;
	struct policy *policy;
	const struct yaml_node *known; /* authz/roles.yaml; NULL: the policy has none */
	struct fault *fault;
};

int
notify_policy_word(const struct notify_policy *notify, struct bytes word)
{
	for (unsigned i = 0; i < notify->words; i++)
		if (bytes_equal(notify->word[i], word))
			return (int)i;
	return -1;
}

int
notify_policy_class(const struct notify_policy *notify, struct bytes name)
{
	for (unsigned i = 0; i < notify->classes; i++)
		if (bytes_equal(notify->class[i].name, name))
			return (int)i;
	return -1;
}

int
notify_policy_step_of(const struct notify_tier *tier, unsigned class)
{
	for (unsigned i = 0; i < tier->steps; i++)
		if ((tier->step[i].classes & UINT32_C(1) << class) != 0)
			return (int)i;
	return -1;
}

/* Sections of ehr-deliver and the words that they may hold.  delivery.c reads what they mean. */
static const struct {
	const char *section;
	const char *words; /* a blank after each; "": any word; NULL: not a map */
} others[] = {
	{ "order", "slots reserved " },
	{ "spool", "keep " },
	{ "retry", "" },
	{ "drain_every", NULL },
};

static bool
has_word(const char *words, struct bytes word)
{
	for (; *words != '\0'; words += strcspn(words, " ") + 1)
		if (bytes_equal(word, (struct bytes){ words, strcspn(words, " ") }))
			return true;
	return false;
}

static bool
unknown_key(const struct notify_reader *r, const struct yaml_node *node, const char *words)
{
	struct closest near = closest_to(node->text);
	char text[CLOSEST_ROOM];

	for (; *words != '\0'; words += strcspn(words, " ") + 1)
		closest_offer(&near, (struct bytes){ words, strcspn(words, " ") });
	return fault_at(r->fault, r->file, node, "unknown key '%.*s'%s", (int)node->text.size, node->text.at,
	    closest_text(&near, "", text));
}

static bool
read_keys(const struct notify_reader *r, const struct yaml_node *node, const char *words)
{
	if (node == NULL || words == NULL)
		return true;
	if (node->kind != YAML_MAP)
		return fault_at(r->fault, r->file, node, "expected a map");
	for (size_t i = 0; i < node->count && words[0] != '\0'; i++)
		if (!has_word(words, node->key[i]->text))
			return unknown_key(r, node->key[i], words);
	return true;
}

static bool
read_channels(const struct notify_reader *r, const struct yaml_node *node)
{
	if (node == NULL)
		return true;
	if (node->kind != YAML_MAP)
		return fault_at(r->fault, r->file, node, "expected a map from channel to what it is");
	for (size_t i = 0; i < node->count; i++)
		if (!read_keys(r, node->item[i], "command sha256 mode timeout slots many secret allow "))
			return false;
	r->notify->channels = node;
	return true;
}

/* The lists of authz/roles.yaml that name roles: two of names, and a map whose keys are groups. */
static bool
is_role(const struct yaml_node *known, struct bytes role, struct closest *near)
{
	static const char *const lists[] = { "structural_roles", "functional_roles", "roles" };

	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
		const struct yaml_node *list = yaml_find(known, lists[i]);
		bool is_map = list != NULL && list->kind == YAML_MAP;

		for (size_t k = 0; list != NULL && k < list->count; k++) {
			struct bytes name = is_map ? list->key[k]->text : list->item[k]->text;

			if (bytes_equal(name, role))
				return true;
			closest_offer(near, name);
		}
	}
	return false;
}

/* A misspelt role would belong to nobody, so the class would have no responder. */
static bool
read_class_role(const struct notify_reader *r, const struct yaml_node *roles, size_t i)
{
	const struct yaml_node *node = roles->kind == YAML_LIST ? roles->item[i] : roles;
	char text[CLOSEST_ROOM];
	struct bytes role;

	if (!yaml_item_string(r->file, roles, i, &role, r->fault))
		return false;
	struct closest near = closest_to(role);

	return r->known == NULL || is_role(r->known, role, &near) ||
	       fault_at(r->fault, r->file, node,
		   "unknown role '%.*s', expected one of the roles and groups in authz/roles.yaml%s",
		   (int)role.size, role.at, closest_text(&near, "", text));
}

static bool
unknown_class(const struct notify_reader *r, const struct yaml_node *node, struct bytes name)
{
	struct closest near = closest_to(name);
	char text[CLOSEST_ROOM];

	for (unsigned i = 0; i < r->notify->classes; i++)
		closest_offer(&near, r->notify->class[i].name);
	closest_offer(&near, bytes_of(LAST_RESORT));
	return fault_at(r->fault, r->file, node, "unknown class '%.*s'%s", (int)name.size, name.at,
	    closest_text(&near, "", text));
}

static bool
unknown_criticality(const struct notify_reader *r, const struct yaml_node *node)
{
	struct closest near = closest_to(node->text);
	char text[CLOSEST_ROOM];

	for (unsigned i = 0; i < r->notify->words; i++)
		closest_offer(&near, r->notify->word[i]);
	return fault_at(r->fault, r->file, node, "unknown criticality '%.*s'%s", (int)node->text.size,
	    node->text.at, closest_text(&near, "", text));
}

static bool
read_responders(const struct notify_reader *r, const struct yaml_node *node)
{
	struct notify_policy *notify = r->notify;

	if (node == NULL)
		return true;
	if (node->kind != YAML_MAP)
		return fault_at(r->fault, r->file, node, "expected a map from class to roles");
	if (node->count > NOTIFY_MAX_CLASSES)
		return fault_at(
		    r->fault, r->file, node, "more than %d classes of responders", NOTIFY_MAX_CLASSES);
	for (size_t i = 0; i < node->count; i++) {
		if (bytes_are(node->key[i]->text, LAST_RESORT) || !tag_is_word(node->key[i]->text))
			return fault_at(r->fault, r->file, node->key[i], "not a name for a class");
		if (yaml_strings(node->item[i]) == 0)
			return fault_at(r->fault, r->file, node->item[i], "expected the roles of this class");
		for (size_t k = 0; k < yaml_strings(node->item[i]); k++)
			if (!read_class_role(r, node->item[i], k))
				return false;
		notify->class[notify->classes++] =
		    (struct notify_class){ .name = node->key[i]->text, .roles = node->item[i] };
	}
	return true;
}

static bool
read_classes(const struct notify_reader *r, const struct yaml_node *node, struct notify_step *step)
{
	struct bytes name;
	uint8_t place = 0;

	if (yaml_strings(node) == 0)
		return fault_at(r->fault, r->file, node, "expected classes of responders");
	for (size_t i = 0; i < yaml_strings(node); i++) {
		if (!yaml_item_string(r->file, node, i, &name, r->fault))
			return false;
		int class = notify_policy_class(r->notify, name);
		if (bytes_are(name, LAST_RESORT))
			step->last_resort = true;
		else if (class < 0)
			return unknown_class(r, node->kind == YAML_LIST ? node->item[i] : node, name);
		else if ((step->classes & UINT32_C(1) << class) == 0)
			step->place[class] = place++, step->classes |= UINT32_C(1) << class;
	}
	return true;
}

static bool
read_deadline(const struct notify_reader *r, const struct yaml_node *node, int64_t *seconds)
{
	return yaml_duration(r->file, node, seconds, r->fault) &&
	       (*seconds <= NOTIFY_LONGEST ||
		   fault_at(r->fault, r->file, node,
		       "longer than ehr-deliver takes from an intent: give 366d or less"));
}

static bool
read_step(const struct notify_reader *r, const struct yaml_node *node, struct notify_tier *tier)
{
	struct notify_step *step = &tier->step[tier->steps];
	struct yaml_map m;

	if (tier->steps == NOTIFY_MAX_STEPS)
		return fault_at(r->fault, r->file, node, "more than %d steps", NOTIFY_MAX_STEPS);
	if (!yaml_open(&m, r->file, node, r->fault))
		return false;
	const struct yaml_node *to = yaml_need(&m, "to");
	const struct yaml_node *after = yaml_take(&m, "after");
	if (!yaml_close(&m) || !read_classes(r, to, step) || !read_deadline(r, after, &step->after))
		return false;
	if (tier->steps > 0 && step->after <= step[-1].after)
		return fault_at(r->fault, r->file, node, "after must rise from step to step");
	tier->classes |= step->classes;
	tier->steps++;
	return true;
}

static bool
read_tier(const struct notify_reader *r, const struct yaml_node *node, struct notify_tier *tier)
{
	struct yaml_map m;
	uint64_t remind;
	int64_t reack;

	if (!yaml_open(&m, r->file, node, r->fault))
		return false;
	const struct yaml_node *dispatch = yaml_need(&m, "dispatch");
	const struct yaml_node *expires = yaml_need(&m, "expires");
	const struct yaml_node *ack = yaml_take(&m, "ack");
	const struct yaml_node *reminders = yaml_take(&m, "remind");
	const struct yaml_node *again = yaml_take(&m, "reack");
	const struct yaml_node *steps = yaml_need(&m, "steps");
	if (!yaml_close(&m) || !read_deadline(r, dispatch, &tier->dispatch) ||
	    !read_deadline(r, expires, &tier->expires) || !read_deadline(r, ack, &tier->ack) ||
	    !yaml_duration(r->file, again, &reack, r->fault) ||
	    !yaml_integer(r->file, reminders, 0, 100, &remind, r->fault))
		return false;
	if (steps->kind != YAML_LIST || steps->count == 0)
		return fault_at(r->fault, r->file, steps, "expected a list of steps");
	for (size_t i = 0; i < steps->count; i++)
		if (!read_step(r, steps->item[i], tier))
			return false;
	tier->known = true;
	return true;
}

static bool
read_tiers(const struct notify_reader *r, const struct yaml_node *node)
{
	struct notify_policy *notify = r->notify;

	if (node == NULL)
		return true;
	if (node->kind != YAML_MAP)
		return fault_at(r->fault, r->file, node, "expected a map from criticality to tier");
	notify->has_tiers = true;
	for (size_t i = 0; i < node->count; i++) {
		int word = notify_policy_word(notify, node->key[i]->text);

		if (word < 0)
			return unknown_criticality(r, node->key[i]);
		if (!read_tier(r, node->item[i], &notify->tier[word]))
			return false;
	}
	for (unsigned i = 0; i < notify->words; i++)
		if (!notify->tier[i].known)
			return fault_at(r->fault, r->file, node,
			    "criticality-gap: no tier for criticality '%.*s'", (int)notify->word[i].size,
			    notify->word[i].at);
	return true;
}

static bool
read_coverage(const struct notify_reader *r, const struct yaml_node *node)
{
	static const char *const words[] = { "none", "warn", "require", NULL };

	if (node == NULL)
		return true;
	if (node->kind != YAML_MAP || !r->notify->has_tiers)
		return fault_at(
		    r->fault, r->file, node, "expected a map from criticality to coverage, and tiers");
	for (size_t i = 0; i < node->count; i++) {
		int word = notify_policy_word(r->notify, node->key[i]->text);
		unsigned coverage;

		if (word < 0)
			return unknown_criticality(r, node->key[i]);
		if (!yaml_word(r->file, node->item[i], words, &coverage, r->fault))
			return false;
		if (coverage == COVERAGE_REQUIRE && !r->notify->has_last_resort)
			return fault_at(r->fault, r->file, node->item[i], "require without a last_resort");
		r->notify->tier[word].coverage = (enum notify_coverage)coverage;
	}
	return true;
}

static bool
read_payload(const struct notify_reader *r, const struct yaml_node *node)
{
	static const char *const words[] = { "empty", "reference", "sealed", NULL };

	/* The default is safe: only the holder of a key can use a reference. */
	r->notify->payload[PAYLOAD_EMPTY] = r->notify->payload[PAYLOAD_REFERENCE] = node == NULL;
	if (node == NULL)
		return true;
	if (node->kind != YAML_LIST || node->count == 0)
		return fault_at(r->fault, r->file, node, "expected a list of empty, reference, sealed");
	for (size_t i = 0; i < node->count; i++) {
		unsigned kind;

		if (!yaml_word(r->file, node->item[i], words, &kind, r->fault))
			return false;
		r->notify->payload[kind] = true;
	}
	return true;
}

static bool
read_grants(const struct notify_reader *r, const struct yaml_node *node)
{
	static const char *const words[] = { "require", "optional", NULL };
	struct yaml_map m;
	unsigned revocation = 1;

	if (node == NULL)
		return true;
	if (!yaml_open(&m, r->file, node, r->fault))
		return false;
	const struct yaml_node *lifetime = yaml_take(&m, "max_lifetime");
	const struct yaml_node *list = yaml_take(&m, "revocation");
	if (!yaml_close(&m) || !yaml_duration(r->file, lifetime, &r->notify->max_lifetime, r->fault) ||
	    (list != NULL && !yaml_word(r->file, list, words, &revocation, r->fault)))
		return false;
	r->notify->revocation_required = revocation == 0;
	return true;
}

static bool
read_break_glass(const struct notify_reader *r, const struct yaml_node *node)
{
	struct notify_policy *notify = r->notify;
	struct yaml_map m;
	struct bytes tell = { "", 0 };

	notify->break_glass_tell = -1;
	if (node == NULL)
		return notify->floor != FLOOR_OFFER_BREAK_GLASS ||
		       fault_at(
			   r->fault, r->file, NULL, "critical_floor: offer-break-glass without break_glass");
	if (!yaml_open(&m, r->file, node, r->fault))
		return false;
	const struct yaml_node *purpose = yaml_need(&m, "purpose");
	const struct yaml_node *lasts = yaml_need(&m, "offer_for");
	const struct yaml_node *class = yaml_take(&m, "tell");
	if (!yaml_close(&m) || !yaml_string(r->file, purpose, &notify->break_glass_purpose, r->fault) ||
	    !yaml_duration(r->file, lasts, &notify->break_glass_for, r->fault) ||
	    !yaml_string(r->file, class, &tell, r->fault))
		return false;
	if (vocabulary_find(VOCABULARY_PURPOSE, notify->break_glass_purpose) == NULL)
		return fault_at(r->fault, r->file, purpose, "unknown-code: no purpose of use");
	if (class != NULL && (notify->break_glass_tell = notify_policy_class(notify, tell)) < 0)
		return unknown_class(r, class, tell);
	return true;
}

static bool
read_floor(const struct notify_reader *r, const struct yaml_node *node)
{
	static const char *const words[] = { "suppress", "notify-empty", "offer-break-glass", NULL };
	unsigned floor = FLOOR_SUPPRESS;

	if (node != NULL && !yaml_word(r->file, node, words, &floor, r->fault))
		return false;
	r->notify->floor = (enum notify_floor)floor;
	return true;
}

/* Without `channels` the deliverer alone knows the names. */
static bool
check_channel(const struct notify_reader *r, const struct yaml_node *node)
{
	const struct yaml_node *channels = r->notify->channels;
	struct bytes name = { "", 0 };
	char text[CLOSEST_ROOM];

	if (node == NULL || channels == NULL)
		return true;
	if (!yaml_string(r->file, node, &name, r->fault))
		return false;
	struct closest near = closest_to(name);

	for (size_t i = 0; i < channels->count; i++) {
		if (bytes_equal(channels->key[i]->text, name))
			return true;
		closest_offer(&near, channels->key[i]->text);
	}
	return fault_at(r->fault, r->file, node, "unknown channel '%.*s'%s", (int)name.size, name.at,
	    closest_text(&near, "", text));
}

static bool
read_last_resort(const struct notify_reader *r, const struct yaml_node *node)
{
	r->notify->has_last_resort = node != NULL;
	return read_keys(r, node, "channel to ") && check_channel(r, yaml_find(node, "channel"));
}

static bool
read_visible_change(const struct notify_reader *r, const struct yaml_node *node)
{
	r->notify->visible_change = node != NULL;
	return read_keys(r, node, "keep max ");
}

static bool
read_authority(const struct notify_reader *r, const struct yaml_node *node)
{
	struct bytes name;

	if (node == NULL)
		return true;
	if (!yaml_string(r->file, node, &name, r->fault))
		return false;
	r->notify->authority = policy_file(r->policy, arena_copy(&r->policy->arena, name).at);
	return r->notify->authority != NULL ||
	       fault_at(r->fault, r->file, node, "no such file in the policy");
}

static bool
read_fhir(const struct notify_reader *r, const struct yaml_node *node)
{
	struct fhir_topics *t = &r->notify->fhir;
	const struct fhir_topics_source from = { &r->policy->arena, r->file, r->notify->word,
		r->notify->words, r->fault };

	if (!fhir_topics_read(t, &from, node))
		return false;
	for (size_t i = 0; i < t->count; i++)
		if (t->at[i].tags != NULL &&
		    !seal_policy_choice(&r->notify->seal, r->file, t->at[i].tags, r->fault))
			return false;
	for (size_t i = 0; t->channels != NULL && i < t->channels->count; i++)
		if (!check_channel(r, t->channels->item[i]))
			return false;
	return true;
}

/* What has to be said with a message about a version of the level. */
static bool
read_obligations(const struct notify_reader *r, const struct yaml_node *node)
{
	struct bytes word;

	if (node != NULL && node->kind != YAML_MAP)
		return fault_at(r->fault, r->file, node, "expected a map from levels to words");
	for (size_t i = 0; node != NULL && i < node->count; i++) {
		const struct yaml_node *words = node->item[i];
		bool good = yaml_strings(words) > 0;

		if (policy_level(r->policy, node->key[i]->text) < 0)
			return fault_at(r->fault, r->file, node->key[i], "unknown level '%.*s'",
			    (int)node->key[i]->text.size, node->key[i]->text.at);
		for (size_t k = 0; good && k < yaml_strings(words); k++)
			good = yaml_item_string(r->file, words, k, &word, r->fault) && tag_is_word(word);
		if (!good)
			return fault_at(r->fault, r->file, words, "expected words such as part2-notice");
	}
	r->notify->obligations = node;
	return true;
}

/* Read in this order: each names only what those above it have read. */
static const struct {
	const char *key;
	bool (*read)(const struct notify_reader *r, const struct yaml_node *node);
} sections[] = {
	{ "authority", read_authority },
	{ "grants", read_grants },
	{ "payload", read_payload },
	{ "visible_change", read_visible_change },
	{ "responders", read_responders },
	{ "tiers", read_tiers },
	{ "channels", read_channels },
	{ "last_resort", read_last_resort },
	{ "fhir", read_fhir },
	{ "obligations", read_obligations },
	{ "coverage", read_coverage },
	{ "critical_floor", read_floor },
	{ "break_glass", read_break_glass },
};

static bool
read_notify(const struct notify_reader *r, const struct yaml_node *root)
{
	struct yaml_map m;
	uint64_t version;

	if (!yaml_open(&m, r->file, root, r->fault) ||
	    !yaml_integer(r->file, yaml_need(&m, "notify"), 1, 1, &version, r->fault))
		return false;
	for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++)
		if (!sections[i].read(r, yaml_take(&m, sections[i].key)))
			return false;
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		if (!read_keys(r, yaml_take(&m, others[i].section), others[i].words))
			return false;
	return yaml_close(&m);
}

static bool
read_words(struct notify_policy *notify, struct policy *p, struct fault *f)
{
	const char *shown;
	const struct yaml_node *root = policy_yaml(p, "classify.yaml", &shown, f);
	const struct yaml_node *criticality = root != NULL ? yaml_find(root, "criticality") : NULL;
	const struct yaml_node *order = criticality != NULL ? yaml_find(criticality, "order") : NULL;

	if (root == NULL)
		return false;
	if (order == NULL || order->kind != YAML_LIST || order->count == 0 || order->count > NOTIFY_MAX_WORDS)
		return fault_at(
		    f, shown, order, "expected the words of criticality: order: in `criticality:`");
	for (size_t i = 0; i < order->count; i++)
		if (!yaml_string(shown, order->item[i], &notify->word[notify->words++], f))
			return false;
	return true;
}

bool
notify_policy_load(struct notify_policy *notify, struct policy *p, struct fault *f)
{
	struct notify_reader r = { .notify = notify, .policy = p, .fault = f };

	*notify = (struct notify_policy){ .break_glass_tell = -1 };
	if (!read_words(notify, p, f) || !seal_policy_load(&notify->seal, p, f))
		return false;
	if (policy_file(p, "authz/roles.yaml") != NULL &&
	    (r.known = policy_yaml(p, "authz/roles.yaml", &r.file, f)) == NULL)
		return false;
	const struct yaml_node *root = policy_yaml(p, "notify.yaml", &r.file, f);
	return root != NULL && read_notify(&r, root);
}

void
notify_policy_grants(const struct notify_policy *notify, const char *given, struct grants_files *from)
{
	from->domain = notify->seal.domain;
	from->max_lifetime = notify->max_lifetime;
	from->must_revoke = notify->revocation_required;
	if (given != NULL) {
		from->authority = given;
	} else if (notify->authority != NULL) {
		from->authority = notify->authority->shown;
		from->keys = notify->authority->text;
	}
}

bool
notify_policy_reads_marks(struct policy *p, bool *reads, struct fault *f)
{
	const char *shown;
	const struct yaml_node *root;

	*reads = false;
	if (policy_file(p, "notify.yaml") == NULL)
		return true;
	root = policy_yaml(p, "notify.yaml", &shown, f);
	*reads = root != NULL && yaml_find(root, "visible_change") != NULL;
	return root != NULL;
}
