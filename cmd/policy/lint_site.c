/* SPDX-License-Identifier: ISC */
#include "cmd/policy/lint.h"

#include "common/access/reader.h"
#include "common/base/file.h"
#include "common/base/leftover.h"
#include "common/policy/site.h"
#include "common/subscription/subscriptions.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

/* A register that has one mistake often has it a thousand times. */
enum { FINDINGS_MOST = 100, FILE_LIMIT = 1 << 30, YAML_LIMIT = 16 << 20, DEPTH = 64 };

struct site_check {
	struct lint *lint;
	struct access *access;
	const char *site;
	struct arena *arena;  /* the policy's: findings name files when the check is over */
	struct intern people; /* users and devices of the register */
	struct intern patients, named, ended;
	struct intern names; /* what directives may call them: Type/id, references, identifiers, groups */
	bool register_there;
	/* the file at hand */
	const char *file;
	unsigned line, found;
};

static void
find(struct site_check *c, const struct yaml_node *node, const char *code, const char *text)
{
	struct yaml_node place = { .line = c->line, .column = 1 };

	if (++c->found < FINDINGS_MOST)
		lint_warn(c->lint, c->file, node != NULL ? node : &place, code, "%s", text);
	else if (c->found == FINDINGS_MOST)
		lint_warn(c->lint, c->file, NULL, "more", "this file has more findings");
}

/* The file has been read by its loader, so a fault here is one that the loader has told. */
static void
each_line(struct site_check *c, const char *path, void (*take)(struct site_check *c, const struct json *j))
{
	struct arena arena = { 0 };
	struct fault f = { 0 };
	struct bytes text, line;
	struct buffer one;
	struct json j;

	if (path == NULL || !site_read(&arena, path, FILE_LIMIT, &text, &f)) {
		arena_release(&arena);
		return;
	}
	buffer_init(&one, FILE_LIMIT);
	json_init(&j, NULL, DEPTH);
	c->file = path;
	c->line = c->found = 0;
	while (bytes_line(&text, &line)) {
		c->line++;
		one.used = 0;
		buffer_add(&one, line.at, line.size);
		if (json_slack(&one) && json_parse(&j, (struct bytes){ one.at, line.size }) &&
		    json_kind(&j, 0) == JSON_OBJECT)
			take(c, &j);
	}
	json_release(&j);
	buffer_release(&one);
	arena_release(&arena);
}

/* The string AT without its escapes, by which the loaders compare it, too. */
static struct bytes
unescaped(struct site_check *c, const struct json *j, uint32_t at)
{
	struct bytes text;
	struct buffer room;

	buffer_init(&room, FILE_LIMIT);
	text = json_string(j, at, &room);
	if (room.used > 0)
		text = arena_copy(c->arena, text);
	buffer_release(&room);
	return text;
}

static struct bytes
text_of(struct site_check *c, const struct json *j, uint32_t node, const char *name)
{
	uint32_t at = node < j->nodes[0].next ? json_member(j, node, bytes_of(name)) : 0;

	return at != 0 && json_kind(j, at) == JSON_STRING ? unescaped(c, j, at) : (struct bytes){ "", 0 };
}

/* A member that says something: not null, "" or []. */
static bool
says(const struct json *j, uint32_t node, const char *name)
{
	uint32_t at = json_member(j, node, bytes_of(name));

	if (at == 0 || json_kind(j, at) == JSON_NULL)
		return false;
	return json_kind(j, at) == JSON_ARRAY ? json_count(j, at) > 0 : json_inside(j, at).size > 0;
}

static void
take_user(struct site_check *c, const struct json *j, uint32_t properties)
{
	if (!says(j, properties, "structural_role") && !says(j, properties, "functional_role"))
		find(c, NULL, "no-role",
		    "this user has no role, so rules for roles are not for her: give her structural_role");
	if (!says(j, properties, "domain"))
		find(c, NULL, "no-domain",
		    "this user has no domain, so the person with this id in another domain counts as her");
}

static void
take_names(struct site_check *c, const struct json *j, uint32_t properties)
{
	static const char *const members[] = { "ref", "member", "practitioner", "organization",
		"identifier" };

	for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
		uint32_t node = json_member(j, properties, bytes_of(members[i]));
		bool list = node != 0 && json_kind(j, node) == JSON_ARRAY;

		for (uint32_t at = list ? node + 1 : node; node != 0 && at < j->nodes[node].next;
		     at = j->nodes[at].next)
			if (json_kind(j, at) == JSON_STRING)
				(void)intern_add(&c->names, unescaped(c, j, at));
	}
}

static void
take_entity(struct site_check *c, const struct json *j)
{
	struct bytes type = text_of(c, j, 0, "type"), id = text_of(c, j, 0, "id");
	uint32_t properties = json_member(j, 0, bytes_of("properties"));

	if (properties == 0 || json_kind(j, properties) != JSON_OBJECT)
		return;
	(void)intern_add(&c->names,
	    bytes_of(arena_format(c->arena, "%.*s/%.*s", (int)type.size, type.at, (int)id.size, id.at)));
	take_names(c, j, properties);
	if (!bytes_are(type, "patient") && !bytes_are(type, "Patient")) {
		(void)intern_add(&c->people, id);
		if (bytes_are(type, "user"))
			take_user(c, j, properties);
		return;
	}
	(void)intern_add(&c->patients, reader_patient(id));
	if (!says(j, properties, "pseudonym"))
		find(c, NULL, "no-pseudonym",
		    "this patient has no pseudonym, so no decision finds sealed lines: ehr-keys pseudonym "
		    "--entities");
}

static void
take_end(struct site_check *c, const struct json *j)
{
	if (text_of(c, j, 0, "end").size > 0)
		(void)intern_add(&c->ended, text_of(c, j, 0, "end"));
}

static void
take_fact(struct site_check *c, const struct json *j)
{
	struct bytes patient = reader_patient(text_of(c, j, 0, "patient"));
	struct bytes subject = text_of(c, j, 0, "subject");

	if (subject.size == 0)
		return;
	if (json_member(j, 0, bytes_of("until")) == 0 && !intern_find(&c->ended, text_of(c, j, 0, "fact")))
		find(c, NULL, "open-ended", "this fact has no end: state `until`, or end it by a line");
	if (!c->register_there)
		return;
	if (!intern_find(&c->people, subject) && !intern_find(&c->patients, subject))
		find(c, NULL, "unknown-person",
		    "this fact is about somebody whom the register does not know: register her, or end it");
	if (patient.size > 0 && !intern_find(&c->patients, patient))
		find(c, NULL, "unknown-patient",
		    "this fact is about a patient whom the register does not know: ehr-keys pseudonym "
		    "--entities");
	if (patient.size > 0)
		(void)intern_add(&c->named, patient);
}

/* `Type/id` at the end of a reference, without a version; a text that is none as it stands. */
static struct bytes
reference_end(struct bytes text)
{
	static const char history[] = "/_history/";
	const char *version = text.size > 0 ? memmem(text.at, text.size, history, sizeof history - 1) : NULL;
	const char *slash, *before;

	if (version != NULL)
		text.size = (size_t)(version - text.at);
	slash = text.size > 0 ? memrchr(text.at, '/', text.size) : NULL;
	before = slash != NULL ? memrchr(text.at, '/', (size_t)(slash - text.at)) : NULL;
	if (before != NULL)
		text = (struct bytes){ before + 1, text.size - (size_t)(before + 1 - text.at) };
	return text;
}

/* The values of a criterion: one, a list, or those of `not` and `all`. */
static const struct yaml_node *
values_of(const struct yaml_node *node)
{
	return node != NULL && node->kind == YAML_MAP && node->count == 1 ? node->item[0] : node;
}

static void
check_names(struct site_check *c, const struct yaml_node *names, const struct intern *known)
{
	bool list = names != NULL && names->kind == YAML_LIST;

	for (size_t i = 0; names != NULL && i < (list ? names->count : 1); i++) {
		const struct yaml_node *one = list ? names->item[i] : names;

		if (one->kind == YAML_STRING && !intern_find(known, reference_end(one->text)) &&
		    !intern_find(known, one->text) && !intern_find(&c->patients, one->text))
			find(c, one, "unknown-person",
			    "this directive names somebody whom the register does not know, so a deny of her "
			    "withholds nothing: name her as the register does, or register her");
	}
}

/* References of FHIR, each a literal or the identifier that requests state as `system|value`. */
static void
check_reference(struct site_check *c, const struct yaml_node *reference)
{
	const struct yaml_node *literal, *identifier, *system, *value;
	struct yaml_node one;

	if (reference == NULL || reference->kind != YAML_MAP)
		return;
	literal = yaml_find(reference, "reference");
	identifier = yaml_find(reference, "identifier");
	check_names(c, literal, &c->names);
	if (literal != NULL || identifier == NULL || identifier->kind != YAML_MAP)
		return;
	system = yaml_find(identifier, "system");
	value = yaml_find(identifier, "value");
	if (value == NULL || value->kind != YAML_STRING)
		return;
	one = *value;
	if (system != NULL && system->kind == YAML_STRING)
		one.text = bytes_of(arena_format(c->arena, "%.*s|%.*s", (int)system->text.size,
		    system->text.at, (int)value->text.size, value->text.at));
	check_names(c, &one, &c->names);
}

/* Actors have a reference each; the grantees of R5 are references. */
static void
check_actors(struct site_check *c, const struct yaml_node *actors, bool grantees)
{
	for (size_t i = 0; actors != NULL && actors->kind == YAML_LIST && i < actors->count; i++) {
		const struct yaml_node *one = actors->item[i];

		check_reference(c, grantees || one->kind != YAML_MAP ? one : yaml_find(one, "reference"));
	}
}

/* The people in a directive and in its rules: `who` of the own form, actors and grantees of a Consent. */
/* NOLINTBEGIN(misc-no-recursion): DEPTH deep */
static void
check_people(struct site_check *c, const struct yaml_node *node, unsigned depth)
{
	static const char *const inside[] = { "rules", "except", "provision" };
	const struct yaml_node *who;

	if (depth == DEPTH)
		return;
	for (size_t i = 0; node->kind == YAML_LIST && i < node->count; i++)
		check_people(c, node->item[i], depth + 1);
	if (node->kind != YAML_MAP)
		return;
	who = yaml_find(node, "who");
	if (who != NULL && who->kind == YAML_MAP) {
		check_names(c, values_of(yaml_find(who, "id")), &c->people);
		check_names(c, values_of(yaml_find(who, "ref")), &c->names);
	}
	check_actors(c, yaml_find(node, "actor"), false);
	check_actors(c, yaml_find(node, "grantee"), true);
	for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++)
		if (yaml_find(node, inside[i]) != NULL)
			check_people(c, yaml_find(node, inside[i]), depth + 1);
}
/* NOLINTEND(misc-no-recursion) */

/* Whose it is, an id or of a FHIR Consent a reference, and what it says to her. */
static void
check_directive(struct site_check *c, const struct yaml_node *directive)
{
	bool is_map = directive->kind == YAML_MAP;
	const struct yaml_node *patient = is_map ? yaml_find(directive, "patient") : NULL;
	const struct yaml_node *own;
	struct bytes id;

	if (is_map && patient == NULL)
		patient = yaml_find(directive, "subject");
	if (c->register_there)
		check_people(c, directive, 0);
	if (patient != NULL && patient->kind == YAML_MAP)
		patient = yaml_find(patient, "reference");
	if (patient == NULL || patient->kind != YAML_STRING || bytes_begin(patient->text, "urn:"))
		return;
	id = reference_end(patient->text);
	if (bytes_begin(id, "Patient/"))
		id = bytes_behind(id, 8);
	if (c->register_there && !intern_find(&c->patients, id) && !intern_find(&c->named, id))
		find(c, patient, "unknown-patient",
		    "this directive is of a patient whom neither the register nor a fact knows");
	own = yaml_find(directive, yaml_find(directive, "consent") != NULL ? "consent" : "id");
	if (own != NULL && own->kind == YAML_STRING && access_hides(c->access, id, own->text))
		find(c, own, "hides-from-patient",
		    "this directive stops the patient herself: "
		    "`except: [{same: [[subject.patient, resource.patient]]}]` spares her");
}

/* A directive, or the Consents of a Bundle. */
static void
check_value(struct site_check *c, const struct yaml_node *value)
{
	const struct yaml_node *entries = value->kind == YAML_MAP ? yaml_find(value, "entry") : NULL;

	if (entries == NULL)
		check_directive(c, value);
	for (size_t i = 0; entries != NULL && entries->kind == YAML_LIST && i < entries->count; i++) {
		const struct yaml_node *resource =
		    entries->item[i]->kind == YAML_MAP ? yaml_find(entries->item[i], "resource") : NULL;
		const struct yaml_node *type = resource != NULL && resource->kind == YAML_MAP
						   ? yaml_find(resource, "resourceType")
						   : NULL;

		if (type != NULL && bytes_are(type->text, "Consent"))
			check_directive(c, resource);
	}
}

static void
take_directive(struct site_check *c, const struct json *j)
{
	struct arena tree = { 0 };

	check_directive(c, yaml_of_json(&tree, j, 0, c->line));
	arena_release(&tree);
}

/* The value NODE of a long file, which stands on LINE.  It is read again, so that columns begin with it. */
static void
check_item(struct site_check *c, const struct json *all, uint32_t node, unsigned line)
{
	struct bytes span = json_span(all, node);
	struct arena tree = { 0 };
	struct buffer one;
	struct json j;

	buffer_init(&one, FILE_LIMIT);
	buffer_add(&one, span.at, span.size);
	json_init(&j, NULL, DEPTH);
	if (json_slack(&one) && json_parse(&j, (struct bytes){ one.at, span.size }))
		check_value(c, yaml_of_json(&tree, &j, 0, line));
	json_release(&j);
	buffer_release(&one);
	arena_release(&tree);
}

/* JSON that is too long to be read as YAML, whose places are exact: a value, or a list. */
static void
check_long(struct site_check *c, const char *path, struct bytes text)
{
	struct fault f = { 0 };
	const char *seen = text.at;
	unsigned line = 1;
	struct json j;

	json_init(&j, NULL, DEPTH);
	if (!json_parse(&j, text)) {
		(void)fault_at(&f, path, NULL, "%s", reason_text(j.reason));
		lint_fault(c->lint, &f, true);
	} else {
		for (uint32_t i = json_kind(&j, 0) == JSON_ARRAY; i < j.nodes[0].next; i = j.nodes[i].next) {
			for (const char *at = json_span(&j, i).at; seen < at; seen++)
				line += *seen == '\n';
			check_item(c, &j, i, line);
		}
	}
	json_release(&j);
}

static void
check_directives(struct site_check *c, const char *path)
{
	struct arena arena = { 0 };
	struct fault f = { 0 };
	struct bytes text;
	unsigned lines = 0;
	bool good;

	if (bytes_end(bytes_of(path), ".ndjson")) {
		each_line(c, path, take_directive);
		return;
	}
	c->file = path;
	c->found = 0;
	good = site_read(&arena, path, FILE_LIMIT, &text, &f);
	if (good && text.size > YAML_LIMIT && bytes_end(bytes_of(path), ".json")) {
		check_long(c, path, text);
		text.size = 0;
	}
	while (good && text.size > 0) {
		struct arena tree = { 0 };
		const struct yaml_node *root = reader_part(&tree, path, &text, &lines, &f);

		good = root != NULL;
		if (good && root->kind == YAML_LIST)
			for (size_t i = 0; i < root->count; i++)
				check_value(c, root->item[i]);
		else if (good)
			check_value(c, root);
		arena_release(&tree);
	}
	if (!good)
		lint_fault(c->lint, &f, true);
	arena_release(&arena);
}

static void
check_consents(struct site_check *c, const char *path)
{
	struct buffer names;
	struct stat st;
	size_t count = 0;

	if (path == NULL || stat(path, &st) != 0)
		return;
	if (!S_ISDIR(st.st_mode)) {
		check_directives(c, path);
		return;
	}
	buffer_init(&names, (size_t)16 << 20);
	if (file_list_at(AT_FDCWD, path, &names, &count)) {
		const char *name = names.at;

		for (size_t i = 0; i < count; i++, name += strlen(name) + 1)
			if (leftover_of(name) == NULL)
				check_directives(c, arena_format(c->arena, "%s/%s", path, name));
	}
	buffer_release(&names);
}

static void
refused(void *context, const struct subscription_refusal *what)
{
	struct site_check *c = context;
	struct yaml_node place = { .line = what->line, .column = what->column > 0 ? what->column : 1 };

	c->file = arena_format(c->arena, "%s", what->file);
	if (++c->found <= FINDINGS_MOST)
		lint_warn(c->lint, c->file, what->line > 0 ? &place : NULL, "subscription-refused", "%s",
		    what->why);
}

static void
read_subscriptions(struct site_check *c, const struct notify_policy *plan, const struct grants *grants)
{
	const char *path = site_path_if_there(c->arena, c->site, SITE_SUBSCRIPTIONS, NULL);
	struct subscriptions all;

	if (path == NULL)
		return;
	c->found = 0;
	subscriptions_init(&all, plan, grants, NULL);
	if (subscriptions_read(&all, path, refused, c))
		subscriptions_ready(&all, refused, c);
	else
		lint_error(c->lint, path, NULL, "unreadable", "%s", file_read_fault(errno));
	subscriptions_release(&all);
}

static void
check_subscriptions(struct site_check *c)
{
	struct notify_policy plan;
	struct grants grants;
	struct fault f = { 0 };
	struct grants_files from = {
		.authority = site_path_if_there(c->arena, c->site, SITE_AUTHORITY, NULL),
		.grants = site_path_if_there(c->arena, c->site, SITE_GRANTS, NULL),
		.revoked = site_path_if_there(c->arena, c->site, SITE_REVOKED, NULL),
		.limit = FILE_LIMIT,
	};

	if (policy_file(c->lint->policy, "notify.yaml") == NULL ||
	    !notify_policy_load(&plan, c->lint->policy, &f))
		return;
	notify_policy_grants(&plan, NULL, &from);
	/* Whether the list has to be there, the programs say when they start. */
	from.must_revoke = false;
	if (from.authority == NULL)
		return;
	if (grants_load(&grants, &from, c->arena, &f) == EXIT_DONE)
		read_subscriptions(c, &plan, &grants);
	else
		lint_fault(c->lint, &f, false);
	grants_release(&grants);
}

void
lint_site(struct lint *l, const char *site, struct access *access)
{
	struct site_check c = { .lint = l, .access = access, .site = site, .arena = &l->policy->arena };
	struct arena names = { 0 };
	const char *entities = site_path_if_there(c.arena, site, SITE_ENTITIES, NULL);
	const char *facts = site_path_if_there(c.arena, site, SITE_FACTS, NULL);
	struct intern *all[] = { &c.people, &c.patients, &c.named, &c.ended, &c.names };

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		intern_init(all[i], &names);
	each_line(&c, entities, take_entity);
	c.register_there = c.people.texts + c.patients.texts > 0;
	if (!c.register_there)
		lint_warn(l, site, NULL, "no-register",
		    "nobody is registered, so requests are believed: write entities.ndjson");
	each_line(&c, facts, take_end);
	each_line(&c, facts, take_fact);
	check_consents(&c, site_path_if_there(c.arena, site, SITE_CONSENTS, NULL));
	check_subscriptions(&c);
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		intern_release(all[i]);
	arena_release(&names);
}
