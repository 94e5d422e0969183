/* SPDX-License-Identifier: ISC */
#ifndef EHR_TESTS_AUTHZ_WORLD_H
#define EHR_TESTS_AUTHZ_WORLD_H

#include "tests/lib/authz.h"
#include "tests/lib/tap.h"
#include "tests/lib/world_text.h"

/*
 * authz_world: the worlds of world.h, loaded as ehr-authz does, and their questions asked.
 */
static struct access *authz_engine;
static struct policy authz_policy;

static inline void
authz_write_world(const struct world *w)
{
	static struct text t;

	say_house(&t, w);
	folder_write("P/authz/house.yaml", t.at);
	say_layer(&t, "outbound", "A", w->outbound_permits ? "permit" : "deny", &w->of_a);
	folder_write("P/authz/a.yaml", w->outbound ? t.at : "");
	say_layer(&t, "jurisdiction", w->domains ? "B" : NULL, "pass", &w->of_law);
	folder_write("P/authz/law.yaml", w->law ? t.at : "");
	t.used = 0;
	say(&t, "ehr_authz: 1\n");
	say_rows(&t, "clearances", w->row, w->rows);
	say_rows(&t, "caps", w->cap, w->caps);
	folder_write("P/authz/clearances.yaml", w->cleared ? t.at : "");
	say_facts(&t, w);
	folder_write("f.ndjson", t.at);
	for (int i = 0; i < w->consents; i++) {
		char name[24];

		(void)snprintf(name, sizeof name, "%d.yaml", i);
		say_consent(&t, &w->consent[i]);
		folder_write(name, t.at);
	}
}

static inline void
authz_remove_empty(const char *name)
{
	char path[256];
	struct stat st;

	(void)snprintf(path, sizeof path, "%s/P/authz/%s", folder_name, name);
	if (stat(path, &st) == 0 && st.st_size == 0)
		(void)unlink(path);
}

static inline void
authz_load(const struct world *w, bool public_only)
{
	static char path[6][FOLDER_PATH];
	const char *consents[3];
	struct access_sources s = {
		.policy = &authz_policy, .consents = consents, .facts = path[1], .public_only = public_only
	};
	struct fault fault = { 0 };

	access_free(authz_engine);
	policy_release(&authz_policy);
	authz_write_world(w);
	authz_remove_empty("a.yaml");
	authz_remove_empty("law.yaml");
	authz_remove_empty("clearances.yaml");
	(void)folder_path(path[0], "P");
	(void)folder_path(path[1], "f.ndjson");
	for (int i = 0; i < w->consents; i++) {
		(void)snprintf(path[2 + i], sizeof path[0], "%s/%d.yaml", folder_name, w->consents - 1 - i);
		consents[i] = path[2 + i];
	}
	s.consents_count = (size_t)w->consents;
	authz_engine = policy_load(&authz_policy, path[0], &fault) ? access_load(&s, &fault) : NULL;
	if (authz_engine && !access_warning(authz_engine, 0))
		return;
	if (authz_engine)
		fault = *access_warning(authz_engine, 0);
	printf("# %s:%u:%u: %s\n", fault.file, fault.line, fault.column, fault.text);
	check(false);
	exit(tap_end());
}

/* The names that worlds are made of. */
static inline void
authz_make_world(void)
{
	authz_make();
	folder_write("P/authz/roles.yaml",
	    "ehr_authz: 1\nstructural_roles: [physician, nurse, pharmacist]\nfunctional_roles: [charge, "
	    "responder]\n"
	    "roles: {clinician: [physician, pharmacist]}\npermissions: {p1: One., p2: Two.}\n"
	    "relations: {treating: {object: patient}, delegate-of: {object: subject}}\n"
	    "actions: {access: [read, search]}\nacr: [loa1, loa2, loa3]\n"
	    "attributes: {subject: [ward], resource: [ward]}\n");
	folder_write("P/authz/classes.yaml",
	    "ehr_authz: 1\nclasses: {medication: [MedicationRequest, MedicationStatement]}\n");
}

static struct text authz_request, authz_answer;

/* Asks; the answer, or what stands in it from FROM on before TO, is left in authz_answer. */
static inline bool
authz_ask(const struct question *q, const char *from, const char *to)
{
	struct access_decision d;
	const char *begin, *end;

	say_question(&authz_request, q);
	memset(authz_request.at + authz_request.used, 0, JSON_SLACK);
	access_decide(authz_engine, (struct bytes){ authz_request.at, authz_request.used }, &d);
	authz_answer.used = 0;
	say(&authz_answer, "%.*s", (int)d.text.size, d.text.at);
	begin = strstr(authz_answer.at, from);
	end = begin ? strstr(begin, to) : NULL;
	if (!begin || !end) {
		printf("# %s\n# %s\n", authz_request.at, authz_answer.at);
		exit(1);
	}
	authz_answer.used = (size_t)(end - begin);
	memmove(authz_answer.at, begin, authz_answer.used);
	authz_answer.at[authz_answer.used] = '\0';
	return d.permitted;
}

static inline void
authz_end(void)
{
	access_free(authz_engine);
	policy_release(&authz_policy);
	folder_remove();
}

#endif
