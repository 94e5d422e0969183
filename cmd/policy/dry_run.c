/* SPDX-License-Identifier: ISC */
#include "cmd/policy/dry_run.h"

#include "common/base/clock.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MAX_RECORD = 64 << 20 };

/* A key that anyone can compute from its name, for tests and pictures only. */
static struct mac *
test_key(void *context, struct bytes name)
{
	static const char said[] = "ehr-policy: a key for tests, which protects nothing";
	struct dry_run *l = context;
	unsigned char key[DIGEST_SIZE];

	for (unsigned i = 0; i < l->macs; i++)
		if (bytes_equal(l->name[i], name))
			return l->mac[i];
	if (l->macs == sizeof(l->mac) / sizeof(l->mac[0]))
		return NULL;
	struct digest *d = digest_new();
	digest_add(d, bytes_of(said));
	digest_add(d, name);
	digest_end(d, key);
	digest_free(d);
	l->name[l->macs] = arena_copy(&l->policy->arena, name);
	l->mac[l->macs] = mac_new((struct bytes){ (const char *)key, sizeof(key) });
	return l->mac[l->macs++];
}

static enum dry_run_outcome
load_redactor(struct dry_run *l, const char *now, struct fault *f)
{
	struct redactor_problem problem = { 0 };
	struct redactor_settings settings = {
		.batch = BYTES("test"),
		.max_depth = JSON_MAX_DEPTH,
		.max_record = MAX_RECORD,
		.key = test_key,
		.context = l,
	};

	if (now != NULL && !clock_parse_instant(bytes_of(now), &l->now)) {
		(void)fault_at(f, l->policy->directory, NULL, "a malformed time");
		return DRY_RUN_FAULT;
	}
	settings.now = now != NULL ? &l->now : NULL;
	switch (redactor_load(&l->redactor, l->policy, &settings, &problem)) {
	case REDACTOR_READY:
		return DRY_RUN_READY;
	case REDACTOR_NEEDS_NOW:
		return DRY_RUN_NEEDS_NOW;
	case REDACTOR_NO_KEY:
		(void)fault_at(f, arena_format(&l->policy->arena, "%s/redact.yaml", l->policy->directory),
		    NULL, "needs-key: more keys than a policy may use, or one that `keys:` does not name");
		return DRY_RUN_FAULT;
	case REDACTOR_FAULT:
	case REDACTOR_NEEDS_BATCH:
	case REDACTOR_UNKNOWN_LEVEL:
	case REDACTOR_NO_FHIR:
	case REDACTOR_NO_VERSION:
	default:
		*f = problem.fault;
		return DRY_RUN_FAULT;
	}
}

enum dry_run_outcome
dry_run_load(struct dry_run *l, struct policy *p, const char *now, bool explain, struct fault *f)
{
	*l = (struct dry_run){ .policy = p, .fd = -1 };
	l->keys = json_keys_new();
	buffer_init(&l->text, (size_t)MAX_RECORD + JSON_SLACK);
	buffer_init(&l->labelled, 4 * (size_t)MAX_RECORD);
	l->classifier = classifier_load(p, l->keys, now, f);
	if (l->classifier == NULL)
		return DRY_RUN_FAULT;
	enum dry_run_outcome outcome = load_redactor(l, now, f);
	if (outcome != DRY_RUN_READY)
		return outcome;
	if (explain)
		redactor_explain(l->redactor);
	json_init(&l->json, l->keys, JSON_MAX_DEPTH);
	l->fd = memfd_create("labelled", MFD_CLOEXEC);
	if (l->fd < 0)
		diag_die(EXIT_IO, "labelled line: %s", strerror(errno));
	return DRY_RUN_READY;
}

void
dry_run_release(struct dry_run *l)
{
	if (l->redactor != NULL)
		redactor_free(l->redactor);
	if (l->classifier != NULL)
		classifier_free(l->classifier);
	for (unsigned i = 0; i < l->macs; i++)
		mac_free(l->mac[i]);
	json_release(&l->json);
	if (l->keys != NULL)
		json_keys_free(l->keys);
	buffer_release(&l->text);
	buffer_release(&l->labelled);
	if (l->fd >= 0)
		(void)close(l->fd);
	*l = (struct dry_run){ .fd = -1 };
}

static bool
read_back(struct dry_run *l)
{
	off_t size = lseek(l->fd, 0, SEEK_END);

	l->labelled.used = 0;
	if (size <= 0 || !buffer_reserve(&l->labelled, (size_t)size + JSON_SLACK))
		return false;
	memset(l->labelled.at + size, 0, JSON_SLACK);
	for (size_t at = 0; at < (size_t)size;) {
		ssize_t n = pread(l->fd, l->labelled.at + at, (size_t)size - at, (off_t)at);
		if (n <= 0)
			return false;
		at += (size_t)n;
	}
	l->labelled.used = (size_t)size;
	/* Without the line end. */
	l->line = (struct bytes){ l->labelled.at, (size_t)size - 1 };
	return true;
}

static bool
write_line(struct dry_run *l)
{
	struct sink out;
	int fd = dup(l->fd);

	if (fd < 0 || ftruncate(l->fd, 0) != 0 || lseek(l->fd, 0, SEEK_SET) != 0)
		diag_die(EXIT_IO, "labelled line: %s", strerror(errno));
	sink_init_take(&out, fd, "labelled line");
	bool good = classifier_write(l->classifier, &l->json, &l->labels, &out);
	return sink_close(&out) && good && read_back(l);
}

bool
dry_run(struct dry_run *l, struct bytes record)
{
	l->line = (struct bytes){ 0 };
	l->text.used = 0;
	if (!buffer_append(&l->text, record.at, record.size) || !json_slack(&l->text)) {
		l->reason = REASON_TOO_LONG;
		l->byte = 0;
		return false;
	}
	bool good = json_parse(&l->json, buffer_bytes(&l->text));
	l->reason = l->json.reason;
	l->byte = l->json.byte;
	if (good) {
		good = classifier_run(l->classifier, &l->json, &l->labels);
		l->reason = l->labels.reason;
		l->byte = l->labels.byte;
	}
	if (!good)
		return false;
	if (!write_line(l))
		diag_die(EXIT_IO, "labelled line: %s", strerror(errno));
	good = redactor_run(l->redactor, l->line, &l->redaction);
	l->reason = l->redaction.reason;
	l->byte = l->redaction.byte;
	return good;
}

uint32_t
dry_run_node(const struct dry_run *l, uint32_t node)
{
	return node - l->labels.record;
}
