/* SPDX-License-Identifier: ISC */
#include "cmd/launch/launch.h"

#include "common/base/file.h"
#include "common/base/frozen.h"
#include "common/base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PROGRAM_MOST = 1 << 30, SIGNATURE_MOST = 1 << 16 };

static bool
refuse(struct launch_refusal *r, const char *file, const char *reason, const char *text)
{
	r->file = file;
	(void)snprintf(
	    r->text, sizeof r->text, "%s%s%s", reason, *reason != '\0' && *text != '\0' ? ": " : "", text);
	return false;
}

static bool
refuse_errno(struct launch_refusal *r, const char *file)
{
	return refuse(r, file, "", file_read_fault(errno));
}

static int
open_program(const char *path, struct launch_refusal *r)
{
	/* Opening a FIFO would wait for a writer. */
	int from = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

	if (from < 0)
		(void)(errno == ELOOP ? refuse(r, path, "not-regular", "a link, expected a file")
				      : refuse_errno(r, path));
	return from;
}

static bool
refuse_script(struct launch_refusal *r, const char *path)
{
	return refuse(r, path, "is-script",
	    "its interpreter would read the file anew: verify it with --verify-only before");
}

/* What can be seen without the copy, which takes as much memory as the program; the copy is checked anew. */
static bool
is_worth_copying(int from, bool run, const char *path, struct launch_refusal *r)
{
	struct stat about = { 0 };
	char begin[2];

	if (fstat(from, &about) != 0 || !S_ISREG(about.st_mode))
		return refuse(r, path, "not-regular", "expected a file");
	if (about.st_size > PROGRAM_MOST) {
		errno = EFBIG;
		return refuse_errno(r, path);
	}
	if (run && pread(from, begin, sizeof begin, 0) == sizeof begin &&
	    memcmp(begin, "#!", sizeof begin) == 0)
		return refuse_script(r, path);
	return true;
}

struct signature {
	const char *file;
	struct bytes text;
};

static bool
read_signature(const char *path, struct buffer *to, struct launch_refusal *r)
{
	if (file_read(path, to))
		return true;
	return errno == ENOENT ? refuse(r, path, "signature-missing", "there is no signature of this program")
			       : refuse_errno(r, path);
}

static bool
verify(struct bytes program, const struct signature *by, const struct launch_settings *s,
    struct launch_refusal *r)
{
	struct detached_verdict v;

	if (!detached_check(program, by->text, DETACHED_CODE, &s->trust, &v))
		return refuse(r, by->file, v.reason, v.text);
	if (s->has_after && (!v.has_time || instant_compare(v.signed_at, s->after) < 0))
		return refuse(r, by->file, "signed-before", "signed before the time of --signed-after");
	return true;
}

/* The copy as the kernel will run it. */
static bool
check_copy(int fd, bool run, const char *path, const struct signature *by, const struct launch_settings *s,
    struct launch_refusal *r)
{
	struct stat about;
	void *at;
	bool good;

	if (fstat(fd, &about) != 0)
		return refuse_errno(r, path);
	if (about.st_size == 0)
		return refuse(r, path, "signature-invalid", "the file is empty");
	at = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (at == MAP_FAILED)
		return refuse_errno(r, path);
	struct bytes program = { at, (size_t)about.st_size };
	if (run && bytes_begin(program, "#!"))
		good = refuse_script(r, path);
	else
		good = verify(program, by, s, r) &&
		       (!run || bytes_begin(program, "\177ELF") ||
			   refuse(r, path, "is-script",
			       "not a program in ELF, so the kernel would start an interpreter for it"));
	(void)munmap(at, program.size);
	return good;
}

static int
copy(int from, bool run, const char *path, const struct launch_settings *s, struct launch_refusal *r)
{
	static char beside[4096 + 8];
	const char *file = s->signature != NULL ? s->signature : beside;
	struct buffer signature;
	int fd = -1;

	if (snprintf(beside, sizeof beside, "%s.p7s", path) >= (int)sizeof beside) {
		(void)refuse(r, path, "", "the name is too long");
		return -1;
	}
	buffer_init(&signature, SIGNATURE_MOST);
	if (read_signature(file, &signature, r) && (fd = frozen_copy_of("program", from, PROGRAM_MOST)) < 0)
		(void)refuse_errno(r, path);
	if (fd >= 0 &&
	    !check_copy(fd, run, path, &(struct signature){ file, buffer_bytes(&signature) }, s, r)) {
		(void)close(fd);
		fd = -1;
	}
	buffer_release(&signature);
	return fd;
}

int
launch_copy(const char *path, bool run, const struct launch_settings *s, struct launch_refusal *r)
{
	int from = open_program(path, r), fd = -1;

	if (from < 0)
		return -1;
	if (is_worth_copying(from, run, path, r))
		fd = copy(from, run, path, s, r);
	(void)close(from);
	return fd;
}

/* NAME up to '=' matches PATTERN, whose last character may be '*'. */
static bool
matches(struct bytes name, const char *pattern)
{
	size_t size = strlen(pattern);

	if (pattern[size - 1] == '*')
		return name.size >= size - 1 && memcmp(name.at, pattern, size - 1) == 0;
	return bytes_are(name, pattern);
}

static bool
is_listed(struct bytes name, const char *const *list)
{
	while (*list != NULL && !matches(name, *list))
		list++;
	return *list != NULL;
}

bool
launch_may_keep(const char *name)
{
	/* They choose libraries, modules, configuration or scripts: code that nobody has verified. */
	static const char *const never[] = { "PATH", "LD_*", "GCONV_PATH", "GLIBC_TUNABLES", "LOCPATH",
		"OPENSSL_*", "PKCS11_MODULE_PATH", "SOFTHSM2_CONF", "TPM2OPENSSL_*", "BASH_ENV", "ENV",
		NULL };

	return strchr(name, '=') == NULL && !is_listed(bytes_of(name), never);
}

char **
launch_environment(char *const *ours, const char *const *keep, size_t keeps)
{
	static const char *const harmless[] = { "HOME", "USER", "LOGNAME", "LANG", "LC_*", "TZ", "TERM",
		"CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", NULL };
	static char path[] = "PATH=/usr/local/bin:/usr/bin:/bin";
	size_t count = 0, used = 0;

	while (ours[count] != NULL)
		count++;
	char **made = memory_zeros(count + 2, sizeof *made);
	made[used++] = path;
	for (size_t i = 0; i < count; i++) {
		const char *end = strchr(ours[i], '=');
		struct bytes name = { ours[i], end != NULL ? (size_t)(end - ours[i]) : 0 };
		bool kept = is_listed(name, harmless);

		for (size_t k = 0; k < keeps; k++)
			kept = kept || bytes_are(name, keep[k]);
		if (kept && name.size > 0)
			made[used++] = ours[i];
	}
	return made;
}
