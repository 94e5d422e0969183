/* SPDX-License-Identifier: ISC */
#include "cmd/redact/permit.h"

#include "common/base/file.h"
#include "common/policy/notify_policy.h"
#include "common/policy/site.h"

#include <errno.h>
#include <string.h>

enum { FILE_LIMIT = 64 << 20 };

static bool
take(void *context, const struct json *j, uint32_t properties, const char **why)
{
	return obligations_add(context, j, properties, why);
}

static void
read_decision(struct permit *p, struct policy *policy, const struct permit_options *from,
    const struct instant *now, struct arena *a, const struct options *o)
{
	struct permission_terms terms = { .policy = policy,
		.now = now,
		.deciders = &p->deciders,
		.delivers = from->deliver != NULL,
		.program = "ehr-redact",
		.opened = true,
		.take = take,
		.context = p->obligations,
		.handled = from->handled };
	struct fault fault = { 0 };
	enum diag_exit status = deciders_load(&p->deciders, a, from->site, from->deciders, &fault);
	const char *why = NULL;
	struct bytes text;

	if (status != EXIT_DONE)
		diag_die(status, "%s: %s", fault.file, fault.text);
	if (!permission_max_age(policy, &terms.max_age, &fault) ||
	    !site_read(a, from->decision, FILE_LIMIT, &text, &fault))
		fault_exit(&fault);
	switch (permission_of_decision(&p->permission, text, &terms, &why)) {
	case PERMISSION_GIVEN:
		return;
	case PERMISSION_NEEDS_NOW:
		options_misuse(o, "needs --now TIME, for it holds for some time only", from->decision);
	case PERMISSION_DENIED:
		diag_die(EXIT_DENIED, "%s: denied: %s", from->decision, why);
	case PERMISSION_FORGED:
		diag_die(EXIT_KEYS, "%s: denied: %s", from->decision, why);
	}
}

/* A decision made before its person or device was revoked gives nothing afterwards. */
static void
check_revoked(const struct permit *p, struct policy *policy, const struct permit_options *from,
    const struct instant *now, struct arena *a, const struct options *o)
{
	struct grants_files lists = permission_lists(a, from->site, from->authority, from->revoked, NULL);
	struct notify_policy plan = { .revocation_required = false };
	struct grants grants;
	struct fault fault = { 0 };
	enum diag_exit status;
	bool revoked;

	if (!lists.revoked)
		return;
	if (policy_file(policy, "notify.yaml") && !notify_policy_load(&plan, policy, &fault))
		fault_exit(&fault);
	lists.limit = FILE_LIMIT;
	lists.now = now;
	notify_policy_grants(&plan, from->authority, &lists);
	/* A decision rests on no grant. */
	lists.must_revoke = false;
	if (!lists.authority)
		options_needs(o, "--site DIR or --authority JWKS");
	status = grants_load(&grants, &lists, a, &fault);
	if (status != EXIT_DONE)
		diag_die(status, "%s: %s", fault.file, fault.text);
	revoked = permission_is_revoked(&p->permission, &grants.revoked);
	grants_release(&grants);
	if (revoked)
		diag_die(EXIT_DENIED, "%s: denied: %s", from->decision, grant_fault_word(GRANT_REVOKED));
}

static unsigned
choose_level(
    const struct permit *p, struct policy *policy, const struct permit_options *from, const struct options *o)
{
	int allowed = p->permission.level, wanted;

	if (!from->level && allowed < 0)
		options_needs(o, "--level L: the decision names no level");
	if (!from->level)
		return (unsigned)allowed;
	wanted = policy_level(policy, bytes_of(from->level));
	if (wanted < 0) {
		struct closest near = policy_level_near(policy, bytes_of(from->level));

		options_unknown(o, "not a level of the policy", from->level, &near, "");
	}
	if (allowed >= 0 && wanted > allowed)
		diag_die(EXIT_DENIED, "%s: denied: it allows no more than level %.*s", from->decision,
		    (int)policy->level[allowed].name.size, policy->level[allowed].name.at);
	return (unsigned)wanted;
}

void
permit_load(struct permit *p, struct policy *policy, const struct permit_options *from,
    const struct instant *now, struct arena *a, const struct options *o)
{
	p->obligations = obligations_new(policy);
	read_decision(p, policy, from, now, a, o);
	check_revoked(p, policy, from, now, a, o);
	p->decision = (struct redactor_decision){ .level = choose_level(p, policy, from, o),
		.subject = p->permission.subject,
		.obligations = p->obligations };
}

void
permit_deliver(const struct permit *p, const char *path)
{
	size_t cut;
	const char *why = permission_deliver(&p->permission, path, &cut);

	if (why != NULL)
		diag_die(file_fault_status(errno), "%s: %s", path, why);
	if (cut > 0)
		diag_warn(
		    "%s: an unfinished last line of %zu bytes is cut off, left by a run that was killed",
		    path, cut);
}

void
permit_release(struct permit *p)
{
	permission_release(&p->permission);
	deciders_release(&p->deciders);
	obligations_free(p->obligations);
}
