/* SPDX-License-Identifier: ISC */
#include "common/access/space.h"

#include <string.h>

static void
write_values(const struct values *v, struct json_write *w)
{
	bool list = v->count != 1;

	if (list)
		json_write_open(w, '[');
	for (uint32_t i = 0; i < v->count; i++)
		if (v->at[i].kind == VALUE_STRING)
			json_write_text(w, v->at[i].text);
		else if (v->at[i].kind == VALUE_NUMBER)
			json_write_value(w, v->at[i].text);
		else
			json_write_bool(w, v->at[i].kind == VALUE_TRUE);
	if (list)
		json_write_close(w, ']');
}

/* The value of one that the engine does not know, and the request has in PLACE; NULL if D is none. */
static const struct values *
foreign(const struct space_dimension *d, enum request_place place)
{
	const struct values *v = d->choices > 0 ? &d->choice[d->at].values : NULL;

	return d->attribute == ATTRIBUTES_MAX && d->what->place == place && v && v->present ? v : NULL;
}

static bool
has_part(const struct space *s, enum request_place place)
{
	const struct attributes *a = &s->engine->attributes;

	for (unsigned i = 0; i < a->count; i++)
		if (a->at[i].place == place && a->at[i].kind != ATTRIBUTE_TOP && s->request.at[i].present)
			return true;
	for (unsigned i = 0; i < s->dimensions; i++)
		if (foreign(&s->dimension[i], place))
			return true;
	return false;
}

static void
write_part(const struct space *s, struct json_write *w, enum request_place place, bool properties)
{
	const struct attributes *a = &s->engine->attributes;

	for (unsigned i = 0; i < a->count; i++) {
		const struct values *v = &s->request.at[i];
		bool inside = place != PLACE_CONTEXT && a->at[i].kind != ATTRIBUTE_TOP;

		if (a->at[i].place != place || !v->present || inside != properties)
			continue;
		json_write_key(w, a->at[i].key);
		write_values(v, w);
	}
	for (unsigned i = 0; i < s->dimensions; i++) {
		const struct values *v = foreign(&s->dimension[i], place);

		if (!v || properties != (place != PLACE_CONTEXT))
			continue;
		json_write_key(w, s->dimension[i].what->key);
		write_values(v, w);
	}
}

void
space_write_request(const struct space *s, struct json_write *w)
{
	static const char *const names[PLACE_COUNT] = { "subject", "action", "resource", "context" };

	json_write_open(w, '{');
	for (int p = 0; p < PLACE_COUNT; p++) {
		json_write_name(w, names[p]);
		json_write_open(w, '{');
		write_part(s, w, (enum request_place)p, false);
		if (p != PLACE_CONTEXT && has_part(s, (enum request_place)p)) {
			json_write_name(w, "properties");
			json_write_open(w, '{');
			write_part(s, w, (enum request_place)p, true);
			json_write_close(w, '}');
		}
		json_write_close(w, '}');
	}
	json_write_close(w, '}');
}

/* Those of the person who asks; the others' change nothing. */
void
space_write_facts(const struct space *s, struct json_write *w)
{
	struct bytes rest = s->text[s->at];
	struct bytes who = request_string(&s->request, ATTRIBUTE_SUBJECT_ID);

	json_write_open(w, '[');
	while (rest.size > 0) {
		const char *end = memchr(rest.at, '\n', rest.size);
		struct bytes line = { rest.at, (size_t)(end - rest.at) };
		const char *subject = memmem(line.at, line.size, "\"subject\":\"", 11);

		if (subject && line.size - (size_t)(subject + 11 - line.at) > who.size &&
		    memcmp(subject + 11, who.at, who.size) == 0 && subject[11 + who.size] == '"')
			json_write_value(w, line);
		rest.size -= line.size + 1;
		rest.at = end + 1;
	}
	json_write_close(w, ']');
}
