/* SPDX-License-Identifier: ISC */
#include "common/policy/fhir_topics.h"

#include <stdlib.h>
#include <string.h>

/* Bytes of names and values; %, + and : would be escapes, blanks and modifiers or ports. */
static bool
is_plain(struct bytes text, const char *more)
{
	for (size_t i = 0; i < text.size; i++)
		if (!ascii_is_alnum(text.at[i]) && (text.at[i] == '\0' || strchr(more, text.at[i]) == NULL))
			return false;
	return text.size > 0;
}

static int
compare_texts(const void *a, const void *b)
{
	return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

/* FHIR R4 search parameters that name the patient of a record (3.2.1.2.2). */
static bool
names_patient(struct bytes type, struct bytes name)
{
	return bytes_are(name, "patient") || bytes_are(name, "subject") ||
	       (bytes_are(type, "Patient") && (bytes_are(name, "_id") || bytes_are(name, "id")));
}

static bool
read_parameter(struct bytes text, struct fhir_query *q)
{
	const char *equals = memchr(text.at, '=', text.size);
	struct bytes name, value;

	if (equals == NULL)
		return false;
	name = (struct bytes){ text.at, (size_t)(equals - text.at) };
	value = (struct bytes){ equals + 1, text.size - name.size - 1 };
	if (!is_plain(name, "_-") || !is_plain(value, "_-./,|:@"))
		return false;
	if (q->patients + q->others == FHIR_QUERY_MOST)
		return false;
	if (names_patient(q->type, name))
		q->patient[q->patients++] = value;
	else
		q->other[q->others++] = text;
	return true;
}

bool
fhir_query_read(struct bytes text, struct fhir_query *q)
{
	const char *mark = text.size > 0 ? memchr(text.at, '?', text.size) : NULL;
	struct bytes rest = text;

	*q = (struct fhir_query){ .type = { "", 0 } };
	if (mark != NULL) {
		q->type = (struct bytes){ text.at, (size_t)(mark - text.at) };
		rest = (struct bytes){ mark + 1, text.size - q->type.size - 1 };
		if (!is_plain(q->type, ""))
			return false;
	}
	for (;;) {
		const char *end = rest.size > 0 ? memchr(rest.at, '&', rest.size) : NULL;
		size_t size = end != NULL ? (size_t)(end - rest.at) : rest.size;

		if (size == 0 || !read_parameter((struct bytes){ rest.at, size }, q))
			return false;
		if (end == NULL)
			break;
		rest = (struct bytes){ end + 1, rest.size - size - 1 };
	}
	qsort(q->other, q->others, sizeof q->other[0], compare_texts);
	return true;
}

/* "Observation" alone is a search, too: of all of them. */
static bool
read_criteria(const struct fhir_topics_source *r, const struct yaml_node *node, struct fhir_query *q)
{
	struct bytes text = { "", 0 };

	if (node == NULL)
		return true;
	if (!yaml_string(r->file, node, &text, r->fault))
		return false;
	if (is_plain(text, "")) {
		q->type = text;
		return true;
	}
	return (fhir_query_read(text, q) && q->type.size > 0 && q->patients == 0) ||
	       fault_at(r->fault, r->file, node,
		   "expected a search such as Observation?category=vital-signs, without a patient");
}

static bool
read_least(const struct fhir_topics_source *r, const struct yaml_node *node, unsigned *least)
{
	struct bytes text;

	if (node == NULL)
		return true;
	if (!yaml_string(r->file, node, &text, r->fault))
		return false;
	for (*least = 0; *least < r->words; ++*least)
		if (bytes_equal(r->word[*least], text))
			return true;
	return fault_at(r->fault, r->file, node, "unknown criticality '%.*s'", (int)text.size, text.at);
}

static bool
read_topic(const struct fhir_topics_source *r, const struct yaml_node *node, const struct fhir_topics *all,
    struct fhir_topic *t)
{
	struct yaml_map m;

	*t = (struct fhir_topic){ .topic = { "", 0 } };
	if (!yaml_open(&m, r->file, node, r->fault))
		return false;
	const struct yaml_node *topic = yaml_take(&m, "topic");
	const struct yaml_node *criteria = yaml_take(&m, "criteria");
	const struct yaml_node *least = yaml_take(&m, "min_criticality");

	t->tags = yaml_take(&m, "tags");
	if (!yaml_close(&m) || !yaml_string(r->file, topic, &t->topic, r->fault) ||
	    !read_criteria(r, criteria, &t->criteria) || !read_least(r, least, &t->least))
		return false;
	if (topic == NULL && criteria == NULL)
		return fault_at(r->fault, r->file, node, "expected topic, criteria or both");
	if ((topic != NULL && fhir_topics_by_topic(all, t->topic) != NULL) ||
	    (criteria != NULL && fhir_topics_by_query(all, &t->criteria) != NULL))
		return fault_at(r->fault, r->file, node, "a row before says what this topic or search means");
	return true;
}

static bool
read_topics(const struct fhir_topics_source *r, const struct yaml_node *node, struct fhir_topics *t)
{
	if (node == NULL)
		return true;
	if (node->kind != YAML_LIST || node->count > FHIR_TOPICS_MOST)
		return fault_at(
		    r->fault, r->file, node, "expected a list of at most %d topics", FHIR_TOPICS_MOST);
	t->at = arena_array(r->arena, node->count + 1, sizeof *t->at);
	for (; t->count < node->count; t->count++)
		if (!read_topic(r, node->item[t->count], t, &t->at[t->count]))
			return false;
	return true;
}

static bool
read_channels(const struct fhir_topics_source *r, const struct yaml_node *node, struct fhir_topics *t)
{
	struct bytes name;

	if (node != NULL && node->kind != YAML_MAP)
		return fault_at(r->fault, r->file, node, "expected a map from FHIR's types to channels");
	for (size_t i = 0; node != NULL && i < node->count; i++)
		if (!yaml_string(r->file, node->item[i], &name, r->fault))
			return false;
	t->channels = node;
	return true;
}

bool
fhir_topics_read(struct fhir_topics *t, const struct fhir_topics_source *from, const struct yaml_node *node)
{
	struct yaml_map m;

	*t = (struct fhir_topics){ 0 };
	if (node == NULL)
		return true;
	if (!yaml_open(&m, from->file, node, from->fault))
		return false;
	const struct yaml_node *topics = yaml_take(&m, "topics");
	const struct yaml_node *channels = yaml_take(&m, "channels");

	return yaml_close(&m) && read_topics(from, topics, t) && read_channels(from, channels, t);
}

const struct fhir_topic *
fhir_topics_by_topic(const struct fhir_topics *t, struct bytes topic)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->at[i].topic.size > 0 && bytes_equal(t->at[i].topic, topic))
			return &t->at[i];
	return NULL;
}

const struct fhir_topic *
fhir_topics_by_query(const struct fhir_topics *t, const struct fhir_query *q)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct fhir_query *own = &t->at[i].criteria;
		bool same = own->type.size > 0 && bytes_equal(own->type, q->type) && own->others == q->others;

		for (size_t k = 0; same && k < q->others; k++)
			same = bytes_equal(own->other[k], q->other[k]);
		if (same)
			return &t->at[i];
	}
	return NULL;
}

struct bytes
fhir_topics_channel(const struct fhir_topics *t, struct bytes type)
{
	const struct yaml_node *channels = t->channels;

	for (size_t i = 0; channels != NULL && i < channels->count; i++)
		if (bytes_equal(channels->key[i]->text, type))
			return channels->item[i]->text;
	if (bytes_are(type, "rest-hook"))
		return bytes_of("webhook");
	return bytes_of(bytes_are(type, "email") ? "mail" : "");
}
