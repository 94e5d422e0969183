/* SPDX-License-Identifier: ISC */
#include "cmd/policy/survey.h"

#include "tests/lib/tap.h"

#include <stdio.h>
#include <string.h>

static char room[1 << 16];

static void
add(struct survey *s, struct json *j, const char *text)
{
	memset(room, 0, sizeof(room));
	memcpy(room, text, strlen(text));
	check(json_parse(j, (struct bytes){ room, strlen(text) }));
	survey_add(s, j);
}

static const struct survey_place *
find(const struct survey *s, const char *type, const char *path)
{
	for (size_t i = 0; i < s->types; i++)
		for (size_t k = 0; bytes_are(s->type[i].name, type) && k < s->type[i].places; k++)
			if (bytes_are(s->type[i].place[k].path, path))
				return &s->type[i].place[k];
	return NULL;
}

static void
test_plain(void)
{
	struct json_keys *keys = json_keys_new();
	struct json j;
	struct survey s;
	char kinds[96];

	json_init(&j, keys, 64);
	survey_init(&s, false, keys);
	add(&s, &j,
	    "{\"id\":\"a\",\"t\":\"2026-11-01\",\"m\":{\"k\":{\"x\":{\"y\":1}}},\"l\":[{\"v\":1},{\"v\":"
	    "\"2\"}],\"e\":{}}");
	add(&s, &j, "{\"id\":7,\"t\":\"later\",\"odd key\":true}");
	check(s.records == 2 && s.types == 1 && s.type[0].records == 2);
	const struct survey_place *p = find(&s, "Record", ".id");
	check(p != NULL && p->records == 2 && !p->words &&
	      strcmp(survey_kinds(p, kinds), "a number or text") == 0);
	p = find(&s, "Record", ".t");
	check(p != NULL && !p->dates);
	check(find(&s, "Record", ".m.k.x") != NULL && find(&s, "Record", ".m.k.x.y") == NULL);
	p = find(&s, "Record", ".l[].v");
	check(p != NULL && p->records == 1);
	check(find(&s, "Record", ".e") != NULL && find(&s, "Record", ".\"odd key\"") != NULL);
	survey_release(&s);
	json_release(&j);
	json_keys_free(keys);
}

/* An object with many members is a map, whose keys are data: they must not get into a policy. */
static void
test_map(void)
{
	struct json_keys *keys = json_keys_new();
	struct json j;
	struct survey s;
	char text[4096] = "{\"by\":{";

	for (int i = 0; i < 65; i++)
		(void)snprintf(
		    text + strlen(text), sizeof(text) - strlen(text), "%s\"name%d\":1", i > 0 ? "," : "", i);
	(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "}}");
	json_init(&j, keys, 64);
	survey_init(&s, false, keys);
	add(&s, &j, text);
	check(s.type[0].places == 1 && find(&s, "Record", ".by[]") != NULL);
	survey_release(&s);
	json_release(&j);
	json_keys_free(keys);
}

static void
test_fhir(void)
{
	struct json_keys *keys = json_keys_new();
	struct json j;
	struct survey s;

	json_init(&j, keys, 64);
	survey_init(&s, true, keys);
	add(&s, &j,
	    "{\"resourceType\":\"Bundle\",\"entry\":[{\"resource\":{\"resourceType\":\"Patient\",\"name\":[]}"
	    "},"
	    "{\"resource\":{\"resourceType\":\"Patient\",\"birthDate\":\"1956-03-02\"}}]}");
	check(s.records == 1 && s.types == 2);
	const struct survey_place *p = find(&s, "Patient", ".birthDate");
	check(p != NULL && p->dates && p->records == 1);
	p = find(&s, "Patient", ".resourceType");
	check(p != NULL && p->records == 2 && find(&s, "Bundle", ".entry") != NULL && s.unknown == 0);
	add(&s, &j, "{\"resourceType\":\"MeterReading\",\"v\":1}");
	add(&s, &j, "{\"resourceType\":\"Resource\",\"v\":1}");
	add(&s, &j, "{\"resourceType\":7}");
	check(s.records == 4 && s.types == 2 && s.unknown == 3);
	check(!survey_is_fhir(&j, 0));
	survey_release(&s);
	json_release(&j);
	json_keys_free(keys);
}

int
main(void)
{
	test_plain();
	test_map();
	test_fhir();
	return tap_end();
}
