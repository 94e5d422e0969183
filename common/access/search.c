/* SPDX-License-Identifier: ISC */
#include "common/access/parts.h"

#include "common/base/base64url.h"
#include "common/base/bisect.h"

#include <stdlib.h>

static int
by_bytes(const void *a, const void *b)
{
	return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

static void
sort(struct search *s)
{
	uint32_t unique = 0;

	if (s->keys > 1)
		qsort(s->key, s->keys, sizeof *s->key, by_bytes);
	for (uint32_t i = 0; i < s->keys; i++)
		if (unique == 0 || !bytes_equal(s->key[unique - 1], s->key[i]))
			s->key[unique++] = s->key[i];
	s->keys = unique;
}

/* The words of SET, which LIST has room for; LIST NULL: they are only counted. */
static void
add_words(struct bytes *list, uint32_t *count, const struct engine *e, struct intern_set set)
{
	for (uint32_t i = 0; i < set.count; i++, (*count)++)
		if (list)
			list[*count] = intern_text(&e->words, set.at[i]);
}

static void
add_actions_of(struct bytes *list, uint32_t *count, const struct engine *e, const struct criteria *c)
{
	for (uint32_t i = 0; i < c->count; i++)
		for (uint32_t k = 0; c->at[i].attribute == ATTRIBUTE_ACTION_NAME && k < c->at[i].listed; k++)
			add_words(list, count, e, c->at[i].list[k].words);
}

/* The actions that rules name, and those of authz/roles.yaml. */
static uint32_t
add_actions(struct bytes *list, const struct engine *e)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < e->roles.groups[GROUP_ACTION]; i++)
		add_words(list, &count, e, e->roles.group[GROUP_ACTION][i].all);
	for (uint32_t i = 0; i < e->layers.files; i++)
		for (uint32_t k = 0; k < e->layers.file[i].rules; k++) {
			const struct access_rule *rule = &e->layers.file[i].rule[k];

			add_actions_of(list, &count, e, rule->criteria);
			for (uint32_t n = 0; n < rule->excepts; n++)
				add_actions_of(list, &count, e, &rule->except[n]);
		}
	return count;
}

void
search_prepare(struct search *s, const struct engine *e, struct arena *arena)
{
	if (s->attribute == ATTRIBUTE_ACTION_NAME) {
		s->keys = add_actions(NULL, e);
		s->key = arena_array(arena, s->keys, sizeof *s->key);
		(void)add_actions(s->key, e);
	} else if (e->entities) {
		s->keys = entities_count(e->entities);
		s->key = arena_array(arena, s->keys, sizeof *s->key);
		for (uint32_t i = 0; i < s->keys; i++)
			s->key[i] = entities_key(e->entities, i);
	}
	sort(s);
}

static bool
read_limit(struct bytes digits, uint64_t *limit)
{
	*limit = 0;
	for (size_t i = 0; i < digits.size && i < 10; i++) {
		if (!ascii_is_digit(digits.at[i]))
			return false;
		*limit = 10 * *limit + (uint64_t)(digits.at[i] - '0');
	}
	return digits.size < 10 && *limit > 0;
}

/* A token is the last id of the page before, in base64url. */
static bool
read_token(struct search_page *p, struct bytes token, struct scratch *scratch)
{
	char *id = scratch_take(scratch, BASE64URL_BYTES(token.size) + 1);
	size_t size;

	if (!base64url_decode(id, &size, token))
		return false;
	p->after = (struct bytes){ id, size };
	return true;
}

const char *
search_page_read(struct search_page *p, const struct json *j, struct scratch *scratch)
{
	uint32_t page = json_member(j, 0, bytes_of("page")), limit, token;

	*p = (struct search_page){ .asked = page != 0 };
	if (!page)
		return NULL;
	if (json_kind(j, page) != JSON_OBJECT)
		return "page is not an object";
	limit = json_member(j, page, bytes_of("limit"));
	token = json_member(j, page, bytes_of("token"));
	if (limit && (json_kind(j, limit) != JSON_NUMBER || !read_limit(json_span(j, limit), &p->limit)))
		return "page.limit is not a number from 1 to 999999999";
	if (token && (json_kind(j, token) != JSON_STRING || !read_token(p, json_inside(j, token), scratch)))
		return "page.token is not from an answer";
	return NULL;
}

/* What is searched for begins with PREFIX; the place of the first that stands behind AFTER. */
static uint32_t
first_key(const struct search *s, struct bytes prefix, struct bytes after, struct scratch *scratch)
{
	char *text = scratch_take(scratch, prefix.size + after.size + 1);
	struct bytes key = { text, prefix.size + after.size };
	struct bisect b = { .high = s->keys };

	if (prefix.size > 0)
		memcpy(text, prefix.at, prefix.size);
	if (after.size > 0)
		memcpy(text + prefix.size, after.at, after.size);
	while (bisect_more(&b))
		bisect_step(&b, bytes_compare(s->key[b.middle], key) <= 0);
	return (uint32_t)b.low;
}

struct searching {
	struct json_write *w;
	const struct answer_frame *a;
	struct engine *e;
	const struct search *s;
	struct bytes type; /* of what is searched for, but of an action */
};

/* Tries the request with ID in place of what is searched for, and writes a result if it is permitted. */
static bool
try_one(const struct searching *x, const struct request *asked, struct bytes id)
{
	struct scratch *scratch = x->a->scratch;
	struct request *q = scratch_take(scratch, sizeof *q);
	struct value *value = scratch_take(scratch, sizeof *value);
	struct verdict *v = scratch_take(scratch, sizeof *v);

	*q = *asked;
	*value = (struct value){ .kind = VALUE_STRING, .text = id, .word = intern_find(&x->e->words, id) };
	q->at[x->s->attribute] = (struct values){ .at = value, .count = 1, .present = true };
	if (x->e->entities)
		entities_apply(x->e->entities, q, scratch);
	decide_trial(x->e, q, v);
	if (!v->permitted)
		return false;
	json_write_open(x->w, '{');
	if (x->s->attribute == ATTRIBUTE_ACTION_NAME) {
		json_write_member(x->w, "name", id);
	} else {
		json_write_member(x->w, "type", x->type);
		json_write_member(x->w, "id", id);
	}
	json_write_name(x->w, "context");
	json_write_open(x->w, '{');
	answer_terms_write(x->w, x->a, v);
	json_write_close(x->w, '}');
	json_write_close(x->w, '}');
	return true;
}

static void
put_page(struct json_write *w, struct bytes next, uint32_t found)
{
	json_write_name(w, "page");
	json_write_open(w, '{');
	json_write_member_base64url(w, "next_token", next.at, next.size);
	json_write_member_number(w, "count", (int64_t)found);
	json_write_close(w, '}');
}

static void
put_context(const struct searching *x, const struct request *q, struct bytes id)
{
	char time[32];

	json_write_name(x->w, "context");
	json_write_open(x->w, '{');
	if (id.size > 0)
		json_write_member_value(x->w, "id", id);
	json_write_member_word(x->w, "request", bytes_of(x->a->request));
	if (q->timed) {
		clock_format(q->time, time);
		json_write_member_word(x->w, "time", bytes_of(time));
	}
	if (!x->a->public_only)
		json_write_members(x->w, x->a->basis);
	json_write_close(x->w, '}');
}

static bool
begins(struct bytes key, struct bytes prefix)
{
	return key.size >= prefix.size && memcmp(key.at, prefix.at, prefix.size) == 0;
}

/* Writes a page of results.  Returns how many, and in *LAST the id of the last if more may follow. */
static uint32_t
put_results(
    const struct searching *x, const struct request *q, const struct search_page *page, struct bytes *last)
{
	struct scratch *scratch = x->a->scratch;
	struct bytes prefix = intern_pair(scratch, x->type, (struct bytes){ "", 0 });
	uint32_t found = 0, i;

	prefix.size = x->s->attribute == ATTRIBUTE_ACTION_NAME ? 0 : prefix.size;
	i = first_key(x->s, prefix, page->after, scratch);
	for (; i < x->s->keys && begins(x->s->key[i], prefix); i++) {
		struct scratch_mark mark = scratch_mark(scratch);
		struct bytes id = { x->s->key[i].at + prefix.size, x->s->key[i].size - prefix.size };

		if ((page->limit > 0 && found == page->limit) || x->w->out->used > ANSWER_MOST)
			return found;
		if (try_one(x, q, id)) {
			found++;
			*last = id;
		}
		scratch_back(scratch, mark);
	}
	last->size = 0;
	return found;
}

uint32_t
search_write(struct json_write *w, const struct answer_frame *a, const struct search *s, struct engine *e,
    struct request *q, const struct search_page *page)
{
	struct searching x = { .w = w, .a = a, .e = e, .s = s, .type = { "", 0 } };
	struct bytes last = { "", 0 };
	uint32_t found;

	if (s->attribute == ATTRIBUTE_SUBJECT_ID)
		x.type = request_string(q, ATTRIBUTE_SUBJECT_TYPE);
	else if (s->attribute == ATTRIBUTE_RESOURCE_ID)
		x.type = request_string(q, ATTRIBUTE_RESOURCE_TYPE);
	json_write_open(w, '{');
	json_write_name(w, "results");
	json_write_open(w, '[');
	found = put_results(&x, q, page, &last);
	json_write_close(w, ']');
	if (page->asked || last.size > 0)
		put_page(w, last, found);
	put_context(&x, q, page->id);
	json_write_close(w, '}');
	return found;
}
