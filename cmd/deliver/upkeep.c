/* SPDX-License-Identifier: ISC */
/* ehr-deliver check, backup, prune. */
#include "cmd/deliver/channel.h"
#include "cmd/deliver/key.h"
#include "cmd/deliver/steady.h"
#include "cmd/deliver/verbs.h"
#include "common/base/file.h"
#include "common/crypto/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

struct settings {
	struct verb_files files;
	const char *secrets;
	bool digests;
};

static const struct option_entry check_table[] = {
	VERB_POLICY,
	{ OPTION_TEXT(struct settings, secrets), 0, false, "secrets", "DIR",
	    "secrets of channels, each a file" },
	{ OPTION_FLAG(struct settings, digests), 0, false, "digests", NULL,
	    "write the digests of the channels as they are now into notify.yaml, and do no more" },
};

static const struct option_manual check_manual = {
	.program = "ehr-deliver check",
	.operands = "",
	.purpose = "Checks the policy's part, starts every channel with --check, reads the whole spool.",
	.table = check_table,
	.count = sizeof check_table / sizeof check_table[0],
};

static bool
check_channel(const struct delivery_channel *policy, const char *secrets, int directory)
{
	char why[256], said[256];
	struct channel *c = channel_open(policy, secrets, directory, why);
	int status;

	if (c == NULL) {
		diag_warn("channel %.*s: %s", (int)policy->name.size, policy->name.at, why);
		return false;
	}
	status = channel_check(c, verb_now(), said);
	channel_close(c);
	if (status != 0)
		diag_warn("channel %.*s: --check ends with %d%s%s", (int)policy->name.size, policy->name.at,
		    status, said[0] == '\0' ? "" : ": ", said);
	return status == 0;
}

/* The digits of the digest NODE in the file's text, from the line on in which it stands. */
static char *
find_digits(struct buffer *text, const struct yaml_node *node)
{
	char *at = text->at, *end = text->at + text->used;

	for (unsigned line = 1; at != NULL && line < node->line; line++)
		at = (at = memchr(at, '\n', (size_t)(end - at))) == NULL ? NULL : at + 1;
	return at == NULL ? NULL : memmem(at, (size_t)(end - at), node->text.at, node->text.size);
}

/* An administrator who has changed a channel says so by one command. */
static enum diag_exit
write_digests(struct policy *p, const struct delivery_policy *d)
{
	const struct policy_file *file = policy_file(p, "notify.yaml");
	enum diag_exit status = EXIT_DONE;
	char path[DELIVERY_PATH], hex[DIGEST_HEX];
	struct buffer text, program;
	struct stat st;
	bool changed = false;

	buffer_init(&text, BUFFER_UNLIMITED);
	buffer_init(&program, BUFFER_UNLIMITED);
	buffer_add(&text, file->text.at, file->text.size);
	for (unsigned i = 0; i < d->channels; i++) {
		const struct delivery_channel *c = &d->channel[i];
		enum delivery_program found = delivery_program_read(c, path, &program, hex);
		char *digits = find_digits(&text, c->sha256);

		program.used = 0;
		if (found == DELIVERY_PROGRAM_GOOD)
			continue;
		if (found == DELIVERY_PROGRAM_MISSING || digits == NULL) {
			diag_warn("channel %.*s: channel-missing: %s", (int)c->name.size, c->name.at, path);
			status = EXIT_REFUSED;
			continue;
		}
		diag_warn("channel %.*s: %s: sha256 is now %s", (int)c->name.size, c->name.at, path, hex);
		memcpy(digits, hex, DELIVERY_DIGEST);
		changed = true;
	}
	if (changed && (stat(file->shown, &st) != 0 ||
			   !file_replace_at(AT_FDCWD, file->shown, buffer_bytes(&text), st.st_mode & 0777)))
		diag_die(EXIT_IO, "%s: %s", file->shown, strerror(errno));
	buffer_release(&text);
	buffer_release(&program);
	return status;
}

int
verb_check(int argc, char *argv[])
{
	static struct verb_policy p;
	struct settings set = { 0 };
	struct spool_fault f = { 0 };
	enum diag_exit status = EXIT_DONE;
	struct options o;
	struct spool *s;
	struct mac *key;

	verb_read(&o, &check_manual, &set, argc, argv);
	verb_policy_load(&p, &o, &set.files);
	if (set.digests) {
		status = write_digests(&p.policy, &p.delivery);
		policy_release(&p.policy);
		return (int)status;
	}
	s = verb_open(&o, &set.files.place);
	for (unsigned i = 0; i < p.delivery.channels; i++)
		if (!check_channel(&p.delivery.channel[i], set.secrets, spool_directory(s)))
			status = EXIT_REFUSED;
	key = key_read(s, &f);
	if (key == NULL || !spool_check(s, &f))
		verb_die(&f);
	mac_free(key);
	spool_close(s);
	policy_release(&p.policy);
	return (int)status;
}

static const struct option_entry place_table[] = { VERB_PLACE(struct verb_files) };

static const struct option_manual backup_manual = {
	.program = "ehr-deliver backup",
	.operands = "FILE",
	.purpose = "Copies the spool's database to a new file while others use it.",
	.table = place_table,
	.count = sizeof place_table / sizeof place_table[0],
};

int
verb_backup(int argc, char *argv[])
{
	struct settings set = { 0 };
	struct spool_fault f = { 0 };
	struct options o;
	struct spool *s;

	verb_read(&o, &backup_manual, &set, argc, argv);
	if (o.operands != 1)
		options_needs(&o, "one FILE");
	s = verb_open(&o, &set.files.place);
	if (!spool_backup(s, o.operand[0], &f))
		verb_die(&f);
	spool_close(s);
	return EXIT_DONE;
}

static const struct option_entry prune_table[] = {
	VERB_POLICY,
};

static const struct option_manual prune_manual = {
	.program = "ehr-deliver prune",
	.operands = "",
	.purpose = "Takes out what ended longer ago than the policy keeps it (spool: keep).",
	.table = prune_table,
	.count = sizeof prune_table / sizeof prune_table[0],
};

/* In steps, so that nobody waits long. */
static void
prune_intents(struct spool *s, int64_t before)
{
	int64_t gone;

	do {
		spool_begin(s);
		(void)spool_do(s,
		    "DELETE FROM attempt WHERE intent IN (SELECT seq FROM intent WHERE ended < ? ORDER BY "
		    "ended LIMIT 1000)",
		    "i", before);
		(void)spool_do(s,
		    "DELETE FROM intent WHERE seq IN (SELECT seq FROM intent WHERE ended < ? ORDER BY ended "
		    "LIMIT 1000)",
		    "i", before);
		gone = spool_changed(s);
		verb_commit(s);
	} while (gone > 0);
}

int
verb_prune(int argc, char *argv[])
{
	static struct verb_policy p;
	struct settings set = { 0 };
	int64_t now;
	struct options o;
	struct spool *s;

	verb_read(&o, &prune_manual, &set, argc, argv);
	verb_policy_load(&p, &o, &set.files);
	s = verb_open(&o, &set.files.place);
	spool_begin(s);
	now = steady_time(s, NULL);
	verb_commit(s);
	prune_intents(s, now - 1000 * p.delivery.keep);
	spool_begin(s);
	(void)spool_do(s,
	    "DELETE FROM trouble WHERE closed < ?1 AND NOT EXISTS (SELECT 1 FROM intent WHERE trouble = "
	    "trouble.id)",
	    "i", now - 1000 * p.delivery.keep);
	if (p.delivery.mark_keep > 0) {
		(void)spool_do(s, "DELETE FROM mark WHERE seen < ?", "i", now - 1000 * p.delivery.mark_keep);
		(void)spool_do(s, "DELETE FROM event WHERE seen > -?1 AND seen < ?1", "i",
		    now - 1000 * p.delivery.mark_keep);
		(void)spool_do(s,
		    "DELETE FROM mark WHERE (record, level) IN (SELECT record, level FROM mark ORDER BY seen "
		    "DESC LIMIT -1"
		    " OFFSET ?)",
		    "i", (int64_t)p.delivery.mark_most);
	}
	verb_commit(s);
	spool_close(s);
	policy_release(&p.policy);
	return EXIT_DONE;
}
