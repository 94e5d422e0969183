/* SPDX-License-Identifier: ISC */
#include "cmd/policy/new.h"

#include <string.h>

/* {a: {b: VALUE}} of .a.b, without the outer braces.  False: the path has a step that is no plain name. */
static bool
put_member(struct buffer *out, struct bytes path, const char *value)
{
	size_t depth = 0;

	if (path.size < 2 || memchr(path.at, '"', path.size) != NULL ||
	    memchr(path.at, '[', path.size) != NULL)
		return false;
	for (size_t at = 1; at < path.size; depth++) {
		const char *dot = memchr(path.at + at, '.', path.size - at);
		size_t size = dot != NULL ? (size_t)(dot - path.at) - at : path.size - at;
		print_into(out, "%s%.*s: ", depth > 0 ? "{" : "", (int)size, path.at + at);
		at += size + 1;
	}
	print_into(out, "%s", value);
	while (depth-- > 1)
		print_into(out, "}");
	return true;
}

/* What makes a record one of type T: "resourceType: Observation, ". */
static void
put_type(struct buffer *out, const struct sample *s, const struct survey_type *t)
{
	struct bytes path = s->survey.is_fhir ? (struct bytes)BYTES(".resourceType") : s->type;

	if (path.size > 0 && put_member(out, path, t->name.at))
		print_into(out, ", ");
}

static const struct survey_place *
first_place(const struct sample *s, const struct survey_type *t)
{
	for (size_t i = 0; i < t->places; i++) {
		const struct survey_place *p = &t->place[i];
		bool is_type = bytes_are(p->path, ".resourceType") || bytes_equal(p->path, s->type);
		if (!is_type && p->values > 0 && memchr(p->path.at, '"', p->path.size) == NULL &&
		    memchr(p->path.at + 1, '.', p->path.size - 1) == NULL &&
		    memchr(p->path.at, '[', p->path.size) == NULL && !bytes_are(p->path, ".id"))
			return p;
	}
	return NULL;
}

static void
put_case(struct buffer *out, const struct sample *s, const struct survey_type *t)
{
	const struct survey_place *p = first_place(s, t);

	print_into(
	    out, "  - name: \"%s: what nobody has named stays at the top\"\n    record: {", t->name.at);
	put_type(out, s, t);
	print_into(out,
	    "unheard_of: Zzmade}\n    expect: {level: %s, versions: {%s: {lacks: [Zzmade]}, %s: {is: "
	    "whole}}}\n",
	    new_top(s), new_middle(s), new_top(s));
	if (p == NULL)
		return;
	print_into(out,
	    "  - name: \"%s: %s is for the top alone (change this when you lower it)\"\n    record: {",
	    t->name.at, p->path.at);
	put_type(out, s, t);
	(void)put_member(out, p->path, "Zzmade");
	print_into(out, "}\n    expect: {versions: {%s: {lacks: [Zzmade]}, %s: {has: [Zzmade]}}}\n",
	    new_middle(s), new_top(s));
}

void
new_record_tests(struct buffer *out, const struct sample *s, const char *policy)
{
	print_into(out,
	    "# What must come out of made-up records: ehr-policy test -P DIR. Each rule deserves\n"
	    "# two cases, one that it meets and one that it just misses:\n"
	    "#\n"
	    "#	ehr-policy test -P DIR --mutate\n"
	    "#\n"
	    "# names the rules of %s that no case would miss.\n"
	    "cases:\n",
	    policy);
	for (size_t i = 0; i < s->survey.types; i++)
		put_case(out, s, &s->survey.type[i]);
}

static const char fhir_access[] =
    "# Who may read. p1 has a directive (access/p1.yaml), p2 has none; dr-lee treats both\n"
    "# (access/facts.ndjson).\n"
    "consents: [access/p1.yaml]\n"
    "facts: access/facts.ndjson\n"
    "cases:\n"
    "  - name: who treats the patient reads\n"
    "    request:\n"
    "      subject: {type: user, id: dr-lee, properties: {structural_role: physician}}\n"
    "      action: {name: read}\n"
    "      resource: {type: patient, id: p1, properties: {patient: p1}}\n"
    "      context: {purpose: TREAT, time: \"2026-03-02T09:00:00Z\", acr: loa2}\n"
    "    expect: {decision: true, rl: R}\n"
    "  - name: not without the patient's directive\n"
    "    request:\n"
    "      subject: {type: user, id: dr-lee, properties: {structural_role: physician}}\n"
    "      action: {name: read}\n"
    "      resource: {type: patient, id: p2, properties: {patient: p2}}\n"
    "      context: {purpose: TREAT, time: \"2026-03-02T09:00:00Z\", acr: loa2}\n"
    "    expect: {decision: false}\n"
    "  - name: not without treating the patient\n"
    "    request:\n"
    "      subject: {type: user, id: dr-ruiz, properties: {structural_role: physician}}\n"
    "      action: {name: read}\n"
    "      resource: {type: patient, id: p1, properties: {patient: p1}}\n"
    "      context: {purpose: TREAT, time: \"2026-03-02T09:00:00Z\", acr: loa2}\n"
    "    expect: {decision: false}\n";

static const char own_access[] =
    "# Who may read.\n"
    "cases:\n"
    "  - name: staff read for their work\n"
    "    request:\n"
    "      subject: {type: user, id: ada, properties: {structural_role: staff}}\n"
    "      action: {name: read}\n"
    "      resource: {type: record, id: r1}\n"
    "      context: {purpose: HOPERAT, time: \"2026-03-02T09:00:00Z\", acr: loa2}\n"
    "    expect: {decision: true, rl: internal}\n"
    "  - name: for nothing else\n"
    "    request:\n"
    "      subject: {type: user, id: ada, properties: {structural_role: staff}}\n"
    "      action: {name: read}\n"
    "      resource: {type: record, id: r1}\n"
    "      context: {purpose: HMARKT, time: \"2026-03-02T09:00:00Z\", acr: loa2}\n"
    "    expect: {decision: false}\n";

const struct new_text new_access_tests = { fhir_access, own_access };

const struct new_text new_access_consent = { "ehr_authz: 1\n"
					     "consent: c-p1\n"
					     "patient: p1\n"
					     "status: active\n"
					     "date: 2026-02-11\n"
					     "base: permit\n",
	NULL };

#define TREATING(id, patient)                                                                                \
	"{\"fact\":\"" id "\",\"relation\":\"treating\",\"subject\":\"dr-lee\",\"patient\":\"" patient "\"," \
	"\"from\":\"2026-03-01T08:00:00Z\",\"until\":\"2026-03-15T08:00:00Z\",\"by\":\"dr-lee\","            \
	"\"at\":\"2026-03-01T07:58:10Z\"}\n"

const struct new_text new_access_facts = { TREATING("f-1", "p1") TREATING("f-2", "p2"), NULL };
