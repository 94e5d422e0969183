/* SPDX-License-Identifier: ISC */
/*
 * ehr-policy check: reads the directory with the loaders of the programs, then compares the rules with each
 * other.  Prints a message for each finding, and the digest if there is no error.
 */
#include "cmd/policy/dry_run.h"
#include "cmd/policy/lint.h"
#include "cmd/policy/print.h"
#include "cmd/policy/recovery.h"
#include "cmd/policy/verbs.h"
#include "common/access/access.h"
#include "common/label/shape.h"
#include "common/policy/batch_policy.h"
#include "common/policy/delivery.h"
#include "common/policy/notify_policy.h"
#include "common/policy/seal_policy.h"
#include "common/policy/site.h"
#include "common/policy/trust.h"

#include <unistd.h>

struct settings {
	const char *policy, *site;
};

static const struct option_entry table[] = {
	VERB_POLICY(struct settings),
	{ OPTION_TEXT(struct settings, site), 'S', false, "site", "DIR",
	    "its register, facts, directives and subscriptions, too" },
};

static const struct option_manual manual = {
	.program = "ehr-policy check",
	.operands = "",
	.purpose = "Looks for faults in a policy: each with its place and what was expected. Prints the "
		   "policy's digest.",
	.table = table,
	.count = sizeof(table) / sizeof(table[0]),
};

/* For the loaders of a policy that needs --now. */
static const char some_time[] = "2000-01-01T00:00:00Z";

static bool
load_records(struct lint *l, struct fault *fault)
{
	struct dry_run run;
	struct fault f = { 0 };
	enum dry_run_outcome outcome = dry_run_load(&run, l->policy, NULL, false, &f);

	if (outcome == DRY_RUN_NEEDS_NOW) {
		dry_run_release(&run);
		lint_warn(l, arena_format(&l->policy->arena, "%s/redact.yaml", l->policy->directory), NULL,
		    "needs-now", "ages are computed: ehr-redact wants --now");
		outcome = dry_run_load(&run, l->policy, some_time, false, &f);
	}
	dry_run_release(&run);
	*fault = f;
	return outcome == DRY_RUN_READY;
}

enum { MAX_FAULTS = 100 };

/* A loader, again and again without what was at fault. */
static bool
check_all(struct lint *l, struct recovery *out, bool (*load)(struct lint *l, struct fault *fault))
{
	struct fault f = { 0 };
	size_t faults = 0;

	while (!load(l, &f)) {
		if (!recovery_caused(out, &f))
			lint_fault(l, &f, false);
		if (++faults == MAX_FAULTS || !recovery_leave_out(out, &f))
			break;
		f = (struct fault){ 0 };
	}
	return faults == 0;
}

static bool
has_folder(const struct policy *p, const char *folder)
{
	for (size_t i = 0; i < p->files; i++)
		if (bytes_begin(p->file[i].name, folder))
			return true;
	return false;
}

/* policy.yaml, with where a record says what it is. */
static bool
load_policy(struct lint *l, struct fault *fault)
{
	struct json_keys *keys = json_keys_new();
	struct shape *shape = policy_read(l->policy, fault) ? shape_load(l->policy, keys, fault) : NULL;
	bool good = shape != NULL;

	if (good)
		shape_free(shape);
	json_keys_free(keys);
	return good;
}

static void
warn(void *context, const struct fault *f)
{
	lint_fault(context, f, true);
}

static bool
load_access(struct lint *l, struct fault *fault)
{
	struct access_sources sources = { .policy = l->policy };
	const struct fault *warning;

	if (!has_folder(l->policy, "authz/")) {
		lint_warn(l, l->policy->directory, NULL, "no-authz",
		    "ehr-authz cannot decide by this policy, so nobody is given keys; ehr-policy new writes "
		    "a first authz/");
		return true;
	}
	struct access *access = access_load(&sources, fault);
	if (access == NULL)
		return false;
	for (size_t i = 0; (warning = access_warning(access, i)) != NULL; i++)
		lint_fault(l, warning, true);
	if (policy_file(l->policy, "authz/clearances.yaml") == NULL)
		lint_warn(l, l->policy->directory, NULL, "no-clearances",
		    "without authz/clearances.yaml decisions name no level, and no program gives anything "
		    "by them unless it is told one");
	access_advise(access, warn, l);
	lint_duties(l);
	access_free(access);
	return true;
}

static bool
load_seal(struct lint *l, struct fault *fault)
{
	struct seal_policy seal;

	return seal_policy_load(&seal, l->policy, fault);
}

/* A policy may be checked where it is not used, so a program that is not there is no error. */
static void
check_channel(struct lint *l, const struct delivery_channel *c)
{
	char path[DELIVERY_PATH], hex[DIGEST_HEX];
	struct buffer text;
	const char *file;

	(void)policy_yaml(l->policy, "notify.yaml", &file, &(struct fault){ 0 });
	buffer_init(&text, BUFFER_UNLIMITED);
	switch (delivery_program_read(c, path, &text, hex)) {
	case DELIVERY_PROGRAM_GOOD:
		break;
	case DELIVERY_PROGRAM_OTHER:
		lint_error(l, file, c->sha256, "channel-digest",
		    "%s is another file; if it is meant: ehr-deliver check --digests", path);
		break;
	case DELIVERY_PROGRAM_MISSING:
		lint_warn(l, file, c->sha256, "channel-missing", "%s is not there", path);
		break;
	}
	buffer_release(&text);
}

/* What a policy promises and cannot keep. */
static void
check_times(struct lint *l, const struct notify_policy *notify, const struct delivery_policy *delivery)
{
	const char *file;
	const struct yaml_node *root = policy_yaml(l->policy, "notify.yaml", &file, &(struct fault){ 0 });
	const struct yaml_node *tiers = yaml_find(root, "tiers");

	for (unsigned i = 0; tiers != NULL && i < notify->words; i++) {
		const struct notify_tier *t = &notify->tier[i];
		int word = (int)notify->word[i].size;

		if (delivery->drain_every > t->dispatch)
			lint_warn(l, file, tiers, "drain-late",
			    "'%.*s' is to be sent sooner than a job looks (drain_every)", word,
			    notify->word[i].at);
		for (unsigned k = 1; t->ack > 0 && k < t->steps; k++)
			if (t->step[k].after < t->step[k - 1].after + t->ack)
				lint_warn(l, file, tiers, "ack-late",
				    "step %u of '%.*s' is told before the one before it had its time to "
				    "answer",
				    k + 1, word, notify->word[i].at);
	}
}

static bool
load_notify(struct lint *l, struct fault *fault)
{
	static struct delivery_policy delivery;
	struct notify_policy notify;

	if (!notify_policy_load(&notify, l->policy, fault) ||
	    !delivery_policy_load(&delivery, &notify, l->policy, fault))
		return false;
	for (unsigned i = 0; i < delivery.channels; i++)
		check_channel(l, &delivery.channel[i]);
	check_times(l, &notify, &delivery);
	return true;
}

/* Only ehr-batch needs the file. */
static bool
load_batch(struct lint *l, struct fault *fault)
{
	struct batch_policy batch;

	return policy_file(l->policy, "pipeline.yaml") == NULL || batch_policy_load(&batch, l->policy, fault);
}

/* Every *.yaml must be YAML, also files that no loader reads. */
static bool
check_syntax(struct lint *l)
{
	bool good = true;

	for (size_t i = 0; i < l->policy->files; i++) {
		const struct policy_file *file = &l->policy->file[i];
		struct fault f = { 0 };
		if (!bytes_end(file->name, ".yaml") ||
		    yaml_read(&l->policy->arena, file->shown, file->text, &f) != NULL)
			continue;
		lint_fault(l, &f, false);
		good = false;
	}
	return good;
}

/* The register, facts and directives, as ehr-authz reads them. */
static void
load_site(struct lint *l, const char *site)
{
	struct arena *a = &l->policy->arena;
	const char *consents = site_path_if_there(a, site, SITE_CONSENTS, NULL);
	const struct access_sources sources = { .policy = l->policy,
		.consents = &consents,
		.consents_count = consents != NULL,
		.facts = site_path_if_there(a, site, SITE_FACTS, NULL),
		.appends_facts = true,
		.entities = site_path_if_there(a, site, SITE_ENTITIES, NULL) };
	struct fault f = { 0 };
	const struct fault *warning;
	struct access *access = access_load(&sources, &f);

	l->in_site = true;
	if (access == NULL) {
		lint_fault(l, &f, false);
		return;
	}
	for (size_t i = 0; (warning = access_warning(access, i)) != NULL; i++)
		lint_fault(l, warning, true);
	if (access_unfinished(access) > 0)
		lint_warn(l, sources.facts, NULL, "unfinished-line",
		    "the last line is unfinished and does not count; the next ehr-keys declare cuts it off");
	lint_site(l, site, access);
	access_free(access);
}

static unsigned
report(struct lint *l)
{
	unsigned errors = 0;

	lint_sort(l);
	for (size_t i = 0; i < l->count; i++) {
		const struct lint_finding *finding = &l->finding[i];
		const struct fault *f = &finding->fault;
		const char *warning = finding->is_warning ? "warning: " : "";
		errors += !finding->is_warning;
		if (f->line == 0)
			diag_warn("%s: %s%s", f->file, warning, f->text);
		else
			diag_warn("%s:%u:%u: %s%s", f->file, f->line, f->column, warning, f->text);
	}
	return errors;
}

static enum diag_exit
check(struct policy *p, const char *site)
{
	struct lint l;
	struct recovery out;
	struct sink listing;

	lint_init(&l, p);
	/* A fault in one file does not stop the others, so that one run shows most faults. */
	bool good = check_syntax(&l);
	recovery_begin(&out, p);
	/* Levels stand in all files but these two. */
	bool has_levels = check_all(&l, &out, load_policy);
	good = good && has_levels && check_all(&l, &out, load_records);
	check_all(&l, &out, load_seal);
	check_all(&l, &out, load_notify);
	check_all(&l, &out, load_batch);
	bool decides = has_levels && check_all(&l, &out, load_access);
	recovery_end(&out);
	if (site != NULL && decides && has_folder(p, "authz/"))
		load_site(&l, site);
	l.in_site = false;
	if (good) {
		lint_classify(&l);
		lint_redact(&l);
		lint_paths(&l);
	}
	unsigned errors = report(&l);
	lint_release(&l);
	sink_init_take(&listing, STDOUT_FILENO, "<stdout>");
	if (errors == 0)
		print(&listing, "%s  %.*s %.*s\n", p->digest, (int)p->name.size, p->name.at,
		    (int)p->serial.size, p->serial.at);
	return verb_finish(&listing, errors > 0 ? EXIT_POLICY : EXIT_DONE);
}

enum diag_exit
verb_check(int argc, char *argv[])
{
	struct settings set = { 0 };
	struct policy p;
	struct fault f = { 0 };
	struct options o;

	options_init(&o, &manual, argc, argv);
	options_into(&o, &set);
	while (options_next(&o) != OPTIONS_END)
		continue;
	if (o.operands > 0)
		options_misuse(&o, "unexpected operand", o.operand[0]);
	trust_policy(&o, &set.policy, set.site);
	if (!site_check(set.site, &f))
		fault_exit(&f);
	/* What is wrong with policy.yaml is said with all the rest. */
	if (!policy_load(&p, set.policy, &f) && p.files == 0)
		fault_exit(&f);
	enum diag_exit status = check(&p, set.site);
	policy_release(&p);
	return status;
}
