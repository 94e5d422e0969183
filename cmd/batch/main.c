/* SPDX-License-Identifier: ISC */
#include "cmd/batch/upload.h"
#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/options.h"
#include "common/base/start.h"
#include "common/policy/site.h"
#include "common/policy/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_JOBS = 64, DEFAULT_JOBS = 1 };

struct settings {
	const char *policy, *site, *now, *jobs, *metrics;
	bool piped, verbose;
	struct trust_demand trust;
};

static const struct option_entry table[] = {
	{ OPTION_TEXT(struct settings, policy), 'P', false, "policy", "DIR",
	    "the policy, whose pipeline.yaml runs" },
	{ OPTION_TEXT(struct settings, site), 'S', false, "site", "DIR", "the site" },
	{ OPTION_TEXT(struct settings, now), 0, false, "now", "TIME",
	    "the time of every upload (the system's, for each)" },
	{ OPTION_TEXT(struct settings, jobs), 0, false, "jobs", "N",
	    "so many processes label, redact and seal (1)" },
	{ OPTION_FLAG(struct settings, piped), 0, false, "piped", NULL,
	    "run every stage as a process of its own" },
	{ OPTION_TEXT(struct settings, metrics), 0, false, "metrics", "FILE",
	    "write what became of the uploads for Prometheus" },
	TRUST_OPTIONS(struct settings),
	{ OPTION_FLAG(struct settings, verbose), 'v', false, "verbose", NULL, "say more" },
};

static const struct option_manual manual = {
	.program = "ehr-batch",
	.example = "ehr-batch -S site upload.ndjson store",
	.operands = "IN OUT",
	.purpose = "Takes uploads through the pipeline of a policy: a file, a folder of files, or - for "
		   "standard input.",
	.table = table,
	.count = sizeof table / sizeof table[0],
};

struct run {
	struct settings set;
	struct arena paths;
	struct policy policy;
	struct batch_policy batch;
	struct flow_plan plan;
	struct uploads uploads;
	const char *operand_in;
	char now[32];
	double began;
};

static void
read_options(struct run *r, struct options *o)
{
	struct settings *s = &r->set;
	struct instant now;
	uint64_t jobs = DEFAULT_JOBS;

	options_into(o, s);
	while (options_next(o) != OPTIONS_END)
		continue;
	if (o->operands != 2)
		options_needs(o, "two operands, IN and OUT");
	r->operand_in = o->operand[0];
	trust_options(o, &s->trust);
	trust_policy(o, &s->policy, s->site);
	s->trust.site = s->site;
	s->trust.keys = site_path(&r->paths, s->site, SITE_KEYS, NULL);
	s->trust.now = s->now;
	if (s->now != NULL && !clock_parse_instant(bytes_of(s->now), &now))
		options_misuse(o, "not a time such as 2026-11-21T10:00:00Z", s->now);
	if (s->jobs != NULL && (!options_number(s->jobs, MOST_JOBS, &jobs) || jobs == 0))
		options_misuse(o, "not a number from 1 to 64", s->jobs);
	if (s->jobs != NULL && s->piped)
		options_misuse(o, "not together with --piped", "--jobs");
	r->plan.jobs = s->piped ? 0 : (unsigned)jobs;
	r->uploads.verbose = s->verbose;
	r->uploads.shows_progress = isatty(STDERR_FILENO) != 0;
}

static void
load(struct run *r)
{
	struct fault fault = { 0 };
	char why[PROGRAM_WHY];

	if (!site_check(r->set.site, &fault) ||
	    !trust_load(&r->policy, r->set.policy, &r->set.trust, &fault) ||
	    !batch_policy_load(&r->batch, &r->policy, &fault))
		fault_exit(&fault);
	if (r->set.verbose && r->policy.has_changed)
		diag_warn(TRUST_HAS_CHANGED, r->policy.directory, r->policy.digest);
	r->plan.batch = &r->batch;
	r->plan.policy = &r->policy;
	r->plan.site = r->set.site;
	r->plan.ca = r->set.trust.ca;
	r->plan.crl = r->set.trust.crl;
	r->uploads.plan = &r->plan;
	if (!flow_open(&r->plan, &r->policy.arena, why))
		diag_die(EXIT_NOT_LAUNCHED, "%s", why);
}

static bool
is_folder(int fd, const char *path)
{
	struct stat a, b;

	return path != NULL && fstat(fd, &a) == 0 && stat(path, &b) == 0 && S_ISDIR(b.st_mode) &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* The spool of a command of `then`, if an option names it; else it is in the site. */
static const char *
spool_of(const struct batch_command *c)
{
	for (unsigned i = 0; i < c->words; i++)
		if (strncmp(c->word[i], "--spool=", 8) == 0)
			return c->word[i] + 8;
	return NULL;
}

/* FD is the policy, the site or a spool. */
static bool
is_own(const struct run *r, int fd)
{
	bool found = is_folder(fd, r->policy.directory) || is_folder(fd, r->set.site);

	for (unsigned i = 0; i < r->batch.thens && !found; i++)
		found = is_folder(fd, spool_of(&r->batch.then[i]));
	return found;
}

/* FD is a folder whose files the program reads or keeps. */
static bool
is_in_use(const struct run *r, int fd)
{
	return is_own(r, fd) || is_folder(fd, r->operand_in) || is_folder(fd, r->uploads.out);
}

/* The folder FD is such a one, or lies in one, however deep. */
static bool
lies_in(const struct run *r, int fd, bool (*is_such)(const struct run *r, int fd))
{
	bool found = false;
	int up;

	fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	while (fd >= 0 && !(found = is_such(r, fd))) {
		up = is_folder(fd, "/") ? -1 : openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		(void)close(fd);
		fd = up;
	}
	if (fd >= 0)
		(void)close(fd);
	return found;
}

/* What is moved from there, or comes there, would be missing to the policy or site, or be read as theirs. */
static _Noreturn void
refuse_own(const struct options *o, const char *path)
{
	options_misuse(
	    o, "no folder for uploads or output but the policy, the site or a spool, or in one", path);
}

static void
open_out(struct run *r, const struct options *o, const char *path)
{
	bool is_new = mkdir(path, 0700) == 0;

	if (!is_new && errno != EEXIST)
		diag_die(EXIT_IO, "%s: %s", path, strerror(errno));
	r->uploads.out = path;
	r->uploads.out_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->uploads.out_fd < 0)
		diag_die(EXIT_IO, "%s: %s", path, strerror(errno));
	if (!lies_in(r, r->uploads.out_fd, is_own))
		return;
	if (is_new)
		(void)rmdir(path);
	refuse_own(o, path);
}

/* One time for the whole upload, whatever stage asks for it. */
static void
set_time(struct run *r)
{
	struct instant now = clock_now();

	now.nano = 0;
	clock_format(now, r->now);
	r->plan.now = r->set.now != NULL ? r->set.now : r->now;
}

/* A name that a sender gives a file until it is whole, or an editor a copy. */
static bool
is_partial(const char *name)
{
	static const char *const ends[] = { ".part", ".partial", ".tmp", ".temp", ".filepart", ".crdownload",
		".swp", "~" };
	size_t size = strlen(name);

	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
		if (size >= strlen(ends[i]) && strcasecmp(name + size - strlen(ends[i]), ends[i]) == 0)
			return true;
	return name[0] == '.' || (name[0] == '#' && name[size - 1] == '#');
}

static enum diag_exit
take_folder(struct run *r, const struct options *o, const char *path)
{
	struct uploads *b = &r->uploads;
	enum diag_exit worst = EXIT_DONE;
	struct buffer names;
	struct stat in, out;
	size_t count = 0;
	bool stop = false;

	b->in = path;
	b->in_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (b->in_fd < 0 || fstat(b->in_fd, &in) != 0 || fstat(b->out_fd, &out) != 0)
		diag_die(EXIT_IO, "%s: %s", path, strerror(errno));
	if (in.st_dev == out.st_dev && in.st_ino == out.st_ino)
		options_misuse(o, "uploads and output are in one folder", path);
	if (lies_in(r, b->in_fd, is_own))
		refuse_own(o, path);
	buffer_init(&names, BUFFER_UNLIMITED);
	if (!file_list_at(b->in_fd, ".", &names, &count))
		diag_die(EXIT_IO, "%s: %s", path, strerror(errno));
	const char *name = names.at;
	for (size_t i = 0; i < count && !stop; i++, name += strlen(name) + 1) {
		if (is_partial(name))
			continue;
		set_time(r);
		worst = diag_worse(worst, upload_take_file(b, name, &stop));
	}
	buffer_release(&names);
	return worst;
}

static enum diag_exit
take(struct run *r, const struct options *o, const char *path)
{
	enum diag_exit status;
	const char *name = strrchr(path, '/');
	bool stop = false;
	struct stat s;
	int fd = STDIN_FILENO;

	set_time(r);
	if (strcmp(path, "-") == 0)
		return upload_take_stream(&r->uploads, fd, &stop);
	if (stat(path, &s) != 0)
		diag_die(EXIT_IO, "%s: %s", path, strerror(errno));
	if (S_ISDIR(s.st_mode))
		return take_folder(r, o, path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		diag_die(EXIT_IO, "%s: %s", path, strerror(errno));
	if (S_ISREG(s.st_mode))
		status = upload_take_one(&r->uploads, name != NULL ? name + 1 : path, fd, &stop);
	else
		status = upload_take_stream(&r->uploads, fd, &stop);
	(void)close(fd);
	return status;
}

/* The file PATH lies in a folder that is in use.  A folder that cannot be opened takes no file. */
static bool
lies_in_use(const struct run *r, const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];
	bool found;
	int fd;

	if (slash != NULL && (size_t)(slash - path) >= sizeof folder - 1)
		return false;
	(void)snprintf(folder, sizeof folder, "%.*s", slash != NULL ? (int)(slash - path) + 1 : 1,
	    slash != NULL ? path : ".");
	fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	found = fd >= 0 && lies_in(r, fd, is_in_use);
	if (fd >= 0)
		(void)close(fd);
	return found;
}

/* The metrics replace a file: none that is input, nor one that would be taken for an upload or output. */
static void
check_metrics(const struct run *r, const struct options *o)
{
	const char *in = r->operand_in, *path = r->set.metrics;
	const char *const inputs[] = { in, r->set.trust.ca, r->set.trust.crl };
	struct file_identity id = file_identify(path);
	bool bad = (strcmp(in, "-") == 0 && file_is_same(id, file_identify_fd(STDIN_FILENO))) ||
		   file_is_same(id, file_identify_fd(STDOUT_FILENO));

	for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++)
		bad = bad || (inputs[i] != NULL && file_is_same(id, file_identify(inputs[i])));
	if (bad || lies_in_use(r, path))
		options_misuse(
		    o, "a file that this program reads or keeps, or among such; name one elsewhere", path);
}

static void
add_metric(struct buffer *text, const char *name, const char *help, const char *label, double value)
{
	char line[400];
	int size = help == NULL ? snprintf(line, sizeof line, "%s%s %.15g\n", name, label, value)
				: snprintf(line, sizeof line, "# HELP %s %s\n# TYPE %s gauge\n%s%s %.15g\n",
				      name, help, name, name, label, value);

	buffer_add(text, line, (size_t)size);
}

/* The file is replaced as a whole, so that who collects it never reads half of it. */
static bool
write_metrics(const struct run *r, enum diag_exit status)
{
	static const char uploads[] = "ehr_batch_uploads";
	const struct uploads *b = &r->uploads;
	struct buffer text;
	bool good;

	buffer_init(&text, BUFFER_UNLIMITED);
	add_metric(
	    &text, uploads, "Uploads of the last run, by what became of them.", "{result=\"done\"}", b->done);
	add_metric(&text, uploads, NULL, "{result=\"known\"}", b->known);
	add_metric(&text, uploads, NULL, "{result=\"failed\"}", b->failed);
	add_metric(&text, uploads, NULL, "{result=\"left\"}", b->left);
	add_metric(&text, "ehr_batch_records", "Records read by the last run.", "", (double)b->records);
	add_metric(
	    &text, "ehr_batch_refused_records", "Records refused in the last run.", "", (double)b->refused);
	add_metric(&text, "ehr_batch_bytes", "Bytes of the uploads that were done.", "", (double)b->bytes);
	add_metric(&text, "ehr_batch_seconds", "How long the last run took.", "", clock_running() - r->began);
	add_metric(&text, "ehr_batch_exit_status", "The exit status of the last run.", "", status);
	add_metric(
	    &text, "ehr_batch_end_time_seconds", "When the last run ended.", "", (double)clock_now().seconds);
	good = file_replace_at(AT_FDCWD, r->set.metrics, buffer_bytes(&text), 0644);
	if (!good)
		diag_warn("%s: %s", r->set.metrics, strerror(errno));
	buffer_release(&text);
	return good;
}

static bool
print_summary(const struct run *r)
{
	const struct uploads *b = &r->uploads;

	return printf("ehr-batch: %u done, %u known, %u failed, %u left; %" PRIu64 " records, %" PRIu64
		      " refused; %.1f MB in %.1f s\n",
		   b->done, b->known, b->failed, b->left, b->records, b->refused, (double)b->bytes / 1e6,
		   clock_running() - r->began) > 0 &&
	       fflush(stdout) == 0;
}

int
main(int argc, char *argv[])
{
	static struct run r;
	struct options o;
	enum diag_exit status;

	start_program("ehr-batch");
	r.began = clock_running();
	options_init(&o, &manual, argc, argv);
	read_options(&r, &o);
	/* A stage that goes away is seen by its status. */
	(void)signal(SIGPIPE, SIG_IGN);
	load(&r);
	open_out(&r, &o, o.operand[1]);
	if (r.set.metrics != NULL)
		check_metrics(&r, &o);
	status = take(&r, &o, r.operand_in);
	if (r.set.metrics != NULL && !write_metrics(&r, status))
		status = diag_worse(status, EXIT_IO);
	if (!print_summary(&r))
		status = diag_worse(status, EXIT_IO);
	policy_release(&r.policy);
	arena_release(&r.paths);
	return (int)status;
}
