/* SPDX-License-Identifier: ISC */
#include "common/subscription/fhir_subscription.h"

#include "common/line/tags.h"

#define BACKPORT "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"

enum { SUBJECTS_MOST = 1024 };

struct fhir_reader {
	const struct subscription_source *r;
	struct fhir_wish *wish;
	struct bytes type; /* of the channel: rest-hook, email, ... */
	const struct yaml_node *content;
	bool topic_based;
};

static bool
no(const struct fhir_reader *f, const struct yaml_node *node, const char *text)
{
	return fault_at(f->r->fault, f->r->file, node, "%s", text);
}

/* What is read, and what says nothing about who is told what; a blank after each. */
static const char r4_members[] =
    "resourceType id meta language text contact reason status end criteria _criteria channel ";
static const char r5_members[] =
    "resourceType id meta language text identifier name contact reason status end topic filterBy channelType "
    "endpoint parameter heartbeatPeriod timeout contentType content maxCount ";
static const char channel_members[] = "type _type endpoint payload _payload header extension ";

/* The first member of MAP that is not in WORDS; NULL if all are. */
static const struct yaml_node *
unknown_member(const struct yaml_node *map, const char *words)
{
	for (size_t i = 0; i < map->count; i++) {
		const struct bytes name = map->key[i]->text;
		const char *at = words;

		while (*at != '\0' && !bytes_equal(name, (struct bytes){ at, strcspn(at, " ") }))
			at += strcspn(at, " ") + 1;
		if (*at == '\0')
			return map->key[i];
	}
	return NULL;
}

/* The extensions of MAP; NULL if there is none.  False: it has other members. */
static bool
extensions(const struct fhir_reader *f, const struct yaml_node *map, const struct yaml_node **list)
{
	*list = NULL;
	if (map == NULL)
		return true;
	if (map->kind != YAML_MAP || unknown_member(map, "extension ") != NULL)
		return no(f, map, "fhir-member: expected extensions");
	*list = yaml_find(map, "extension");
	return *list == NULL || (*list)->kind == YAML_LIST ||
	       no(f, *list, "fhir-member: expected extensions");
}

/* The value NAME of an extension with the address BACKPORT URL; NULL if it is another one. */
static const struct yaml_node *
extension_value(const struct yaml_node *node, const char *url, const char *name)
{
	const struct yaml_node *at = yaml_find(node, "url");

	if (at == NULL || node->count != 2 || at->kind != YAML_STRING || !bytes_begin(at->text, BACKPORT) ||
	    !bytes_are(bytes_behind(at->text, strlen(BACKPORT)), url))
		return NULL;
	return yaml_find(node, name);
}

static bool
read_status(struct fhir_reader *f, const struct yaml_node *node)
{
	static const struct {
		const char *code;
		enum subscription_idle idle;
	} codes[] = { { "active", SUBSCRIPTION_RUNS }, { "requested", SUBSCRIPTION_REQUESTED },
		{ "off", SUBSCRIPTION_OFF }, { "error", SUBSCRIPTION_OFF },
		{ "entered-in-error", SUBSCRIPTION_OFF } };

	for (size_t i = 0; node != NULL && i < sizeof codes / sizeof codes[0]; i++)
		if (node->kind == YAML_STRING && bytes_are(node->text, codes[i].code)) {
			f->wish->idle = codes[i].idle;
			return true;
		}
	return no(f, node != NULL ? node : f->wish->resource,
	    "fhir-status: expected requested, active, error or off");
}

/* "Patient/s_1,Patient/s_2" or "s_1": pseudonyms, as the tags have them. */
static bool
read_patients(
    const struct fhir_reader *f, const struct yaml_node *node, struct bytes text, struct grant_words *w)
{
	struct bytes *list = arena_array(f->r->arena, SUBJECTS_MOST, sizeof *list);
	struct bytes rest = text;

	size_t count = 0;

	for (;;) {
		const char *end = rest.size > 0 ? memchr(rest.at, ',', rest.size) : NULL;
		struct bytes one = { rest.at, end != NULL ? (size_t)(end - rest.at) : rest.size };

		if (bytes_begin(one, "Patient/"))
			one = bytes_behind(one, 8);
		if (count == SUBJECTS_MOST || !tag_is_word(one) || one.at[0] == '@' ||
		    memchr(one.at, '/', one.size) != NULL)
			return no(
			    f, node, "fhir-subject: expected patients by their pseudonyms, as Patient/s_...");
		list[count++] = one;
		if (end == NULL) {
			*w = grant_words_sort(list, count);
			return true;
		}
		rest = (struct bytes){ end + 1, rest.size - one.size - (size_t)(one.at - rest.at) - 1 };
	}
}

/* Several filters on the patient hold together, so they have to name the same patients. */
static bool
take_patients(struct fhir_reader *f, const struct yaml_node *node, const struct bytes *value, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct grant_words w = { 0 }, *have = &f->wish->subjects;

		if (!read_patients(f, node, value[i], &w))
			return false;
		if (have->count == 0)
			*have = w;
		bool same = w.count == have->count;
		for (size_t k = 0; same && k < w.count; k++)
			same = grant_words_have(have, w.at[k]) && grant_words_have(&w, have->at[k]);
		if (!same)
			return no(f, node, "fhir-subject: two filters name different patients");
	}
	return true;
}

/* A, BETWEEN, B; without A only B. */
static struct bytes
join(const struct fhir_reader *f, struct bytes a, char between, struct bytes b)
{
	char *text = arena_take(f->r->arena, a.size + 1 + b.size);

	if (a.size == 0)
		return b;
	memcpy(text, a.at, a.size);
	text[a.size] = between;
	if (b.size > 0)
		memcpy(text + a.size + 1, b.at, b.size);
	return (struct bytes){ text, a.size + 1 + b.size };
}

/* A filter by topic: only the patient can be asked for; `Encounter.patient=` is an older form of it. */
static bool
read_filter(struct fhir_reader *f, const struct yaml_node *node, struct bytes text)
{
	const char *dot = text.size > 0 ? memchr(text.at, '.', text.size) : NULL;
	const char *equals = text.size > 0 ? memchr(text.at, '=', text.size) : NULL;
	struct fhir_query q;

	if (dot != NULL && equals != NULL && dot < equals && memchr(text.at, '?', text.size) == NULL)
		text = join(f, (struct bytes){ text.at, (size_t)(dot - text.at) }, '?',
		    (struct bytes){ dot + 1, text.size - (size_t)(dot + 1 - text.at) });
	if (!fhir_query_read(text, &q) || q.others > 0)
		return no(f, node, "fhir-filter: only a filter on the patient can be carried out");
	return take_patients(f, node, q.patient, q.patients);
}

static bool
find_topic(struct fhir_reader *f, const struct yaml_node *node)
{
	if (node->kind != YAML_STRING)
		return no(f, node, "fhir-topic: expected a string");
	f->topic_based = true;
	f->wish->topic = fhir_topics_by_topic(&f->r->plan->fhir, node->text);
	return f->wish->topic != NULL || no(f, node, "fhir-topic: `fhir` of notify.yaml has no such topic");
}

static bool
is_search(struct bytes text)
{
	size_t letters = 0;

	while (letters < text.size && ascii_is_letter(text.at[letters]))
		letters++;
	return letters > 0 && (letters == text.size || text.at[letters] == '?');
}

/* R4: a search, or the canonical of a topic with filters as extensions. */
static bool
read_criteria(struct fhir_reader *f, const struct yaml_node *node, const struct yaml_node *more)
{
	const struct yaml_node *list;
	struct fhir_query q = { .type = node->text };

	if (!extensions(f, more, &list))
		return false;
	if (node->kind == YAML_STRING && is_search(node->text)) {
		if (memchr(node->text.at, '?', node->text.size) != NULL && !fhir_query_read(node->text, &q))
			return no(f, node, "fhir-filter: a search with an escape, a modifier or a chain");
		f->wish->topic = fhir_topics_by_query(&f->r->plan->fhir, &q);
		if (f->wish->topic == NULL)
			return no(f, node, "fhir-topic: `fhir` of notify.yaml has no such search");
		return (list == NULL || no(f, list, "fhir-filter: filters beside a search")) &&
		       take_patients(f, node, q.patient, q.patients);
	}
	if (!find_topic(f, node))
		return false;
	for (size_t i = 0; list != NULL && i < list->count; i++) {
		const struct yaml_node *filter =
		    extension_value(list->item[i], "backport-filter-criteria", "valueString");

		if (filter == NULL || filter->kind != YAML_STRING)
			return no(f, list->item[i], "fhir-member: an extension that is not known here");
		if (!read_filter(f, filter, filter->text))
			return false;
	}
	return true;
}

/* R5: {"resourceType","filterParameter","value"}; a comparator or modifier other than equality is refused. */
static bool
read_filters(struct fhir_reader *f, const struct yaml_node *list)
{
	if (list == NULL)
		return true;
	if (list->kind != YAML_LIST)
		return no(f, list, "fhir-filter: expected a list");
	for (size_t i = 0; i < list->count; i++) {
		const struct yaml_node *node = list->item[i];
		struct bytes type = { "", 0 }, name = { "", 0 }, value = { "", 0 }, equals = BYTES("eq");

		if (node->kind != YAML_MAP ||
		    unknown_member(node, "resourceType filterParameter comparator value ") != NULL ||
		    !yaml_string(f->r->file, yaml_find(node, "resourceType"), &type, f->r->fault) ||
		    !yaml_string(f->r->file, yaml_find(node, "filterParameter"), &name, f->r->fault) ||
		    !yaml_string(f->r->file, yaml_find(node, "value"), &value, f->r->fault) ||
		    !yaml_string(f->r->file, yaml_find(node, "comparator"), &equals, f->r->fault) ||
		    !bytes_are(equals, "eq"))
			return no(f, node, "fhir-filter: only a filter on the patient can be carried out");
		if (!read_filter(f, node, join(f, type, '?', join(f, name, '=', value))))
			return false;
	}
	return true;
}

/* A header would be a secret in a file that is none. */
static bool
no_headers(const struct fhir_reader *f, const struct yaml_node *node)
{
	return node == NULL || (node->kind == YAML_LIST && node->count == 0) ||
	       no(f, node,
		   "fhir-header: headers are secrets of the channel; ehr-deliver takes those from --secrets");
}

/* A heartbeat is not sent.  A channel's own time for an attempt has to be within the one asked for. */
static bool
read_times(const struct fhir_reader *f, const struct yaml_node *heartbeat, const struct yaml_node *timeout)
{
	const struct yaml_node *channel = NULL;
	uint64_t beat = 0, most = 0;
	int64_t own = 30; /* where the policy says nothing */

	if (!yaml_integer(f->r->file, heartbeat, 0, UINT32_MAX, &beat, f->r->fault) ||
	    !yaml_integer(f->r->file, timeout, 0, UINT32_MAX, &most, f->r->fault))
		return false;
	if (beat > 0)
		return no(f, heartbeat, "fhir-heartbeat: no heartbeats are sent");
	if (timeout == NULL || f->r->plan->channels == NULL)
		return true;
	for (size_t i = 0; i < f->r->plan->channels->count; i++)
		if (bytes_equal(f->r->plan->channels->key[i]->text, f->wish->channel))
			channel = yaml_find(f->r->plan->channels->item[i], "timeout");
	if (!yaml_duration(f->r->file, channel, &own, f->r->fault))
		return false;
	return (int64_t)most >= own ||
	       no(f, timeout,
		   "fhir-timeout: an attempt of this channel may take longer (timeout in notify.yaml)");
}

static bool
read_most(const struct fhir_reader *f, const struct yaml_node *node)
{
	return yaml_integer(f->r->file, node, 1, UINT32_MAX, &f->wish->most, f->r->fault);
}

static bool
read_channel_extensions(const struct fhir_reader *f, const struct yaml_node *list)
{
	const struct yaml_node *heartbeat = NULL, *timeout = NULL, *most = NULL;

	for (size_t i = 0; list != NULL && i < list->count; i++) {
		const struct yaml_node *node = list->item[i], *value;

		if ((value = extension_value(node, "backport-heartbeat-period", "valueUnsignedInt")) != NULL)
			heartbeat = value;
		else if ((value = extension_value(node, "backport-timeout", "valueUnsignedInt")) != NULL)
			timeout = value;
		else if ((value = extension_value(node, "backport-max-count", "valuePositiveInt")) != NULL)
			most = value;
		else
			return no(f, node, "fhir-member: an extension that is not known here");
	}
	return read_times(f, heartbeat, timeout) && read_most(f, most);
}

/* R4: rest-hook, or a coding of the guide beside it, which then counts. */
static bool
read_type(struct fhir_reader *f, const struct yaml_node *type, const struct yaml_node *more)
{
	const struct yaml_node *list, *coding, *code;

	if (type == NULL || type->kind != YAML_STRING || !extensions(f, more, &list))
		return no(f, type != NULL ? type : f->wish->resource, "fhir-channel: expected a type");
	f->type = type->text;
	if (list == NULL)
		return true;
	coding =
	    list->count == 1 ? extension_value(list->item[0], "backport-channel-type", "valueCoding") : NULL;
	code = coding != NULL ? yaml_find(coding, "code") : NULL;
	if (code == NULL || code->kind != YAML_STRING)
		return no(f, list, "fhir-member: an extension that is not known here");
	f->type = code->text;
	return true;
}

static bool
read_endpoint(struct fhir_reader *f, const struct yaml_node *node)
{
	struct fhir_wish *w = f->wish;

	w->channel = fhir_topics_channel(&f->r->plan->fhir, f->type);
	if (w->channel.size == 0)
		return no(
		    f, w->resource, "fhir-channel: `fhir` of notify.yaml names no channel for this type");
	if (node == NULL || node->kind != YAML_STRING || node->text.size == 0)
		return no(f, node != NULL ? node : w->resource, "fhir-channel: expected an endpoint");
	w->to = node->text;
	if (bytes_begin(w->to, "mailto:"))
		w->to = bytes_behind(w->to, 7);
	return true;
}

static bool
is_json(struct bytes mime)
{
	return bytes_are(mime, "application/fhir+json") || bytes_begin(mime, "application/fhir+json;") ||
	       bytes_are(mime, "application/json");
}

/* A MIME type without a content is the whole resource in FHIR R4, and without either nothing is. */
static bool
read_payload(struct fhir_reader *f, const struct yaml_node *mime, const struct yaml_node *content)
{
	static const char *const words[] = { "empty", "id-only", "full-resource", NULL };
	unsigned payload = mime != NULL ? PAYLOAD_SEALED : PAYLOAD_EMPTY;

	if (mime != NULL && (mime->kind != YAML_STRING || !is_json(mime->text)))
		return no(f, mime, "fhir-payload: expected application/fhir+json");
	if (content != NULL && !yaml_word(f->r->file, content, words, &payload, f->r->fault))
		return false;
	f->wish->payload = (enum notify_payload)payload;
	return true;
}

static bool
read_r4_payload(struct fhir_reader *f, const struct yaml_node *mime, const struct yaml_node *more)
{
	const struct yaml_node *list, *content = NULL;

	if (!extensions(f, more, &list))
		return false;
	if (list != NULL) {
		content = list->count == 1
			      ? extension_value(list->item[0], "backport-payload-content", "valueCode")
			      : NULL;
		if (content == NULL)
			return no(f, list, "fhir-member: an extension that is not known here");
	}
	if (content == NULL && f->topic_based)
		return no(f, f->wish->resource, "fhir-payload: a topic needs a payload content");
	return read_payload(f, mime, content);
}

static bool
read_r4(struct fhir_reader *f, const struct yaml_node *resource)
{
	const struct yaml_node *channel = yaml_find(resource, "channel"), *unknown;
	const struct yaml_node *list;

	if (channel == NULL || channel->kind != YAML_MAP)
		return no(f, resource, "fhir-channel: expected a channel");
	if ((unknown = unknown_member(channel, channel_members)) != NULL)
		return no(f, unknown, "fhir-member: a member that is not known here");
	list = yaml_find(channel, "extension");
	return (list == NULL || list->kind == YAML_LIST || no(f, list, "fhir-member: expected extensions")) &&
	       read_criteria(f, yaml_find(resource, "criteria"), yaml_find(resource, "_criteria")) &&
	       no_headers(f, yaml_find(channel, "header")) &&
	       read_type(f, yaml_find(channel, "type"), yaml_find(channel, "_type")) &&
	       read_endpoint(f, yaml_find(channel, "endpoint")) && read_channel_extensions(f, list) &&
	       read_r4_payload(f, yaml_find(channel, "payload"), yaml_find(channel, "_payload"));
}

static bool
read_r5(struct fhir_reader *f, const struct yaml_node *resource)
{
	const struct yaml_node *coding = yaml_find(resource, "channelType");
	const struct yaml_node *content = yaml_find(resource, "content");

	if (content == NULL)
		return no(f, resource, "fhir-payload: a topic needs a payload content");
	return find_topic(f, yaml_find(resource, "topic")) &&
	       read_filters(f, yaml_find(resource, "filterBy")) &&
	       no_headers(f, yaml_find(resource, "parameter")) &&
	       read_type(f, coding != NULL ? yaml_find(coding, "code") : NULL, NULL) &&
	       read_endpoint(f, yaml_find(resource, "endpoint")) &&
	       read_times(f, yaml_find(resource, "heartbeatPeriod"), yaml_find(resource, "timeout")) &&
	       read_most(f, yaml_find(resource, "maxCount")) &&
	       read_payload(f, yaml_find(resource, "contentType"), content);
}

bool
fhir_subscription_read(
    const struct subscription_source *r, const struct yaml_node *resource, struct fhir_wish *w)
{
	struct fhir_reader f = { .r = r, .wish = w };
	const struct yaml_node *type, *unknown;
	bool is_r4;

	*w = (struct fhir_wish){ .resource = resource };
	if (resource->kind != YAML_MAP)
		return no(&f, resource, "expected a Subscription of FHIR");
	type = yaml_find(resource, "resourceType");
	if (type == NULL || type->kind != YAML_STRING || !bytes_are(type->text, "Subscription"))
		return no(&f, type != NULL ? type : resource, "expected a resource of type Subscription");
	is_r4 = yaml_find(resource, "criteria") != NULL;
	if (!is_r4 && yaml_find(resource, "topic") == NULL)
		return no(&f, resource, "fhir-topic: expected criteria (R4) or topic (R5)");
	if ((unknown = unknown_member(resource, is_r4 ? r4_members : r5_members)) != NULL)
		return no(&f, unknown, "fhir-member: a member that is not known here");
	w->end = yaml_find(resource, "end");
	return read_status(&f, yaml_find(resource, "status")) &&
	       (is_r4 ? read_r4(&f, resource) : read_r5(&f, resource));
}
