/* SPDX-License-Identifier: ISC */
#include "cmd/launch/launch.h"
#include "common/base/memory.h"
#include "common/base/options.h"
#include "common/base/start.h"
#include "common/policy/fault.h"
#include "common/policy/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEEP = 1, KEEP_FD, MOST = 64, FIRST = STDERR_FILENO + 1 };

struct settings {
	const char *ca, *crl, *signature, *now, *after;
	bool verify_only;
	const char *keep[MOST];
	size_t keeps;
	int fd[MOST];
	size_t fds;
	struct launch_settings launch;
};

static const struct option_entry table[] = {
	{ OPTION_TEXT(struct settings, ca), 0, false, "trust", "CA",
	    "the CA whose certificates sign programs" },
	{ OPTION_TEXT(struct settings, crl), 0, false, "crl", "FILE", "certificates that the CA revoked" },
	{ OPTION_TEXT(struct settings, signature), 0, false, "signature", "FILE",
	    "the signature, if it is not PROGRAM.p7s" },
	{ OPTION_TEXT(struct settings, now), 0, false, "now", "TIME",
	    "the time at which certificates must be valid (the clock's)" },
	{ OPTION_TEXT(struct settings, after), 0, false, "signed-after", "TIME",
	    "refuse what was signed before" },
	{ KEEP, 0, true, "keep", "NAME", "pass this variable of the environment on, too" },
	{ KEEP_FD, 0, true, "keep-fd", "N", "pass this descriptor on, too" },
	{ OPTION_FLAG(struct settings, verify_only), 0, false, "verify-only", NULL,
	    "check the signatures of files, and start nothing" },
};

static const struct option_manual manual = {
	.program = "ehr-launch",
	.example = "ehr-launch --trust ca.pem -- bin/ehr-notify -P hospital -S site",
	.operands = "-- PROGRAM [argument ...]",
	.purpose = "Starts a program if its signature holds: the very bytes that were verified.",
	.table = table,
	.count = sizeof table / sizeof table[0],
};

static void
take_option(struct settings *set, const struct options *o, int id)
{
	uint64_t number;

	if (set->keeps == MOST || set->fds == MOST)
		options_misuse(o, "more than 64 of them", o->value);
	if (id == KEEP) {
		if (!launch_may_keep(o->value))
			options_misuse(o, "it could bring code along that nobody has verified", o->value);
		set->keep[set->keeps++] = o->value;
		return;
	}
	if (!options_number(o->value, 65535, &number) || number < FIRST)
		options_misuse(o, "not a descriptor above 2", o->value);
	set->fd[set->fds++] = (int)number;
}

static void
read_time(const struct options *o, const char *text, struct instant *t)
{
	if (!clock_parse_instant(bytes_of(text), t))
		options_misuse(o, "not a time such as 2026-11-21T10:00:00Z", text);
}

static void
check_options(struct settings *set, const struct options *o)
{
	struct instant now;

	if (set->ca == NULL)
		options_needs(o, "--trust CA");
	if (set->crl == NULL)
		options_needs(o, "--crl FILE");
	if (o->operands == 0)
		options_needs(o, "a program");
	if (set->verify_only && set->signature != NULL && o->operands > 1)
		options_misuse(o, "only with one file", set->signature);
	if (set->verify_only && set->keeps + set->fds > 0)
		options_misuse(o, "starts nothing", "--verify-only");
	if (set->now != NULL)
		read_time(o, set->now, &now);
	if (set->after != NULL)
		read_time(o, set->after, &set->launch.after);
	set->launch.has_after = set->after != NULL;
	set->launch.signature = set->signature;
}

/* Before this program opens a file, whose number could be one of those. */
static void
keep_descriptors(const struct settings *set, const struct options *o)
{
	if (close_range(FIRST, ~0U, CLOSE_RANGE_CLOEXEC) != 0)
		diag_die(EXIT_NOT_LAUNCHED, "descriptors cannot be closed: %s", strerror(errno));
	for (size_t i = 0; i < set->fds; i++)
		if (fcntl(set->fd[i], F_SETFD, 0) != 0)
			options_misuse(o, "a descriptor that is not open", "--keep-fd");
}

static void
say(const struct launch_refusal *r)
{
	diag_warn("%s: %s", r->file, r->text);
}

static int
verify_all(const struct settings *set, const struct options *o)
{
	struct launch_refusal r;
	int status = EXIT_DONE, fd;

	for (int i = 0; i < o->operands; i++) {
		fd = launch_copy(o->operand[i], false, &set->launch, &r);
		if (fd < 0) {
			say(&r);
			status = EXIT_NOT_LAUNCHED;
		} else
			(void)close(fd);
	}
	return status;
}

/* Behind the operands of O stand the options. */
static char **
arguments(const struct options *o)
{
	char **all = memory_zeros((size_t)o->operands + 1, sizeof *all);

	for (int i = 0; i < o->operands; i++)
		all[i] = o->operand[i];
	return all;
}

/* Returns only if it fails. */
static int
run(const struct settings *set, const struct options *o, mode_t mask)
{
	struct launch_refusal r;
	int fd = launch_copy(o->operand[0], true, &set->launch, &r);

	if (fd < 0) {
		say(&r);
		return EXIT_NOT_LAUNCHED;
	}
	(void)umask(mask);
	(void)signal(SIGXFSZ, SIG_DFL);
	char **words = arguments(o), **kept = launch_environment(environ, set->keep, set->keeps);

	(void)fexecve(fd, words, kept);
	diag_warn("%s: %s", o->operand[0], strerror(errno));
	free(words);
	free(kept);
	return EXIT_NOT_LAUNCHED;
}

int
main(int argc, char *argv[])
{
	static struct settings set;
	mode_t mask = umask(S_IRWXG | S_IRWXO);
	struct arena arena = { 0 };
	struct fault fault = { 0 };
	struct options o;
	int id, status;

	start_program("ehr-launch");
	options_init(&o, &manual, argc, argv);
	options_into(&o, &set);
	while ((id = options_next(&o)) != OPTIONS_END)
		take_option(&set, &o, id);
	check_options(&set, &o);
	keep_descriptors(&set, &o);
	if (!trust_read(&arena, set.ca, set.crl, set.now, &set.launch.trust, &fault)) {
		fault_print(&fault);
		arena_release(&arena);
		return EXIT_NOT_LAUNCHED;
	}
	status = set.verify_only ? verify_all(&set, &o) : run(&set, &o, mask);
	detached_release(&set.launch.trust);
	arena_release(&arena);
	return status;
}
