/* SPDX-License-Identifier: ISC */
#include "cmd/deliver/channel.h"

#include "common/base/file.h"
#include "common/base/frozen.h"
#include "common/base/installed.h"
#include "common/base/memory.h"
#include "common/crypto/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

enum {
	PROGRAM_MOST = 64 << 20,
	SECRET_MOST = 64 << 10,
	ANSWER_MOST = 4096,
	SAID_MOST = 1024,
	GRACE = 2000, /* milliseconds from SIGTERM to SIGKILL */
	SECRET_FD = 3,
	PROGRAM_FD = 10, /* in the child, where a script's interpreter finds it */
	HIGH_FD = 32,    /* copies stand from here on, under numbers that no child uses */
	PATH_ROOM = DELIVERY_PATH,
	INTERPRETER = 3, /* its name, one argument, the script */
};

struct channel {
	const struct delivery_channel *policy;
	int program; /* a sealed copy in memory */
	int secret;  /* the same; -1: none */
	int directory;
	char interpreter[PATH_ROOM]; /* of a script: its first line */
	char path[PATH_ROOM + 64];   /* of the environment */
	const char *argument[DELIVERY_MAX_ARGUMENTS + INTERPRETER + 2];
};

struct call {
	const struct channel *channel;
	pid_t process;
	int handle; /* pidfd */
	int out;
	int err;
	int64_t deadline;
	int64_t kill_at; /* 0: not told to end yet */
	int status;
	bool timed_out;
	struct buffer answers;
	struct buffer said;
};

/* "#!/bin/sh -e": the interpreter and one argument, as the kernel reads them. */
static void
find_interpreter(struct channel *c, struct bytes program)
{
	struct bytes line;
	size_t used = 0;
	char *blank;

	if (!bytes_begin(program, "#!") || !bytes_line(&program, &line))
		return;
	line.at += 2, line.size -= 2;
	while (line.size > 0 && (*line.at == ' ' || *line.at == '\t'))
		line.at++, line.size--;
	if (!bytes_string(line, c->interpreter, sizeof c->interpreter))
		return;
	c->argument[used++] = c->interpreter;
	blank = c->interpreter + strcspn(c->interpreter, " \t");
	if (*blank != '\0') {
		*blank = '\0';
		c->argument[used++] = blank + 1;
	}
}

static void
set_arguments(struct channel *c)
{
	static const char program[] = "/proc/self/fd/10";
	size_t used = 0;

	while (c->argument[used] != NULL)
		used++;
	c->argument[used] = used > 0 ? program : c->policy->argument[0];
	used++;
	for (size_t i = 1; c->policy->argument[i] != NULL; i++)
		c->argument[used++] = c->policy->argument[i];
}

static bool
copy_program(struct channel *c, char why[256])
{
	char path[DELIVERY_PATH], hex[DIGEST_HEX];
	struct buffer text;

	buffer_init(&text, PROGRAM_MOST);
	switch (delivery_program_read(c->policy, path, &text, hex)) {
	case DELIVERY_PROGRAM_MISSING:
		(void)snprintf(why, 256, "channel-missing: %.150s%s%s", path, errno == 0 ? "" : ": ",
		    errno == 0 ? " is neither in share/ehr nor in share" : file_read_fault(errno));
		break;
	case DELIVERY_PROGRAM_OTHER:
		(void)snprintf(why, 256,
		    "channel-digest: %.150s is not the file that notify.yaml names; if it is meant: "
		    "ehr-deliver "
		    "check --digests",
		    path);
		break;
	case DELIVERY_PROGRAM_GOOD:
		find_interpreter(c, buffer_bytes(&text));
		set_arguments(c);
		c->program = frozen_copy("channel", buffer_bytes(&text), HIGH_FD);
		if (c->program < 0)
			(void)snprintf(why, 256, "%.150s: %s", path, strerror(errno));
		break;
	}
	buffer_release(&text);
	return c->program >= 0;
}

static bool
copy_secret(struct channel *c, const char *secrets, char why[256])
{
	char name[256];
	struct buffer text;
	int folder;

	if (c->policy->secret.size == 0)
		return true;
	if (secrets == NULL) {
		(void)snprintf(why, 256, "channel-secret: it has a secret: give --secrets DIR");
		return false;
	}
	if (!bytes_string(c->policy->secret, name, sizeof name) || strchr(name, '/') != NULL) {
		(void)snprintf(why, 256, "channel-secret: its secret is no name of a file in --secrets DIR");
		return false;
	}
	buffer_init(&text, SECRET_MOST);
	folder = open(secrets, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder >= 0 && file_read_private_at(folder, name, &text))
		c->secret = frozen_copy("secret", buffer_bytes(&text), HIGH_FD);
	if (c->secret < 0)
		(void)snprintf(why, 256, "channel-secret: %.90s/%.60s: %s", secrets, name,
		    errno == EPERM ? "open to others, or somebody else's: chmod 600"
				   : file_read_fault(errno));
	if (folder >= 0)
		(void)close(folder);
	if (text.room > 0)
		explicit_bzero(text.at, text.room);
	buffer_release(&text);
	return c->secret >= 0;
}

struct channel *
channel_open(const struct delivery_channel *policy, const char *secrets, int directory, char why[256])
{
	struct channel *c = memory_zeros(1, sizeof *c);
	char own[DELIVERY_PATH] = "";

	c->policy = policy;
	c->program = c->secret = -1;
	c->directory = directory;
	(void)snprintf(c->path, sizeof c->path, "PATH=/usr/local/bin:/usr/bin:/bin:%.*s",
	    (int)installed_folder(own), own);
	if (copy_program(c, why) && copy_secret(c, secrets, why))
		return c;
	channel_close(c);
	return NULL;
}

void
channel_close(struct channel *c)
{
	if (c == NULL)
		return;
	if (c->program >= 0)
		(void)close(c->program);
	if (c->secret >= 0)
		(void)close(c->secret);
	free(c);
}

/* Opens what FD holds anew as TO, so that each call has a place of its own in it. */
static bool
open_again(int fd, int to)
{
	char path[32];
	int again;

	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	again = open(path, O_RDONLY);
	if (again < 0 || (again != to && (dup2(again, to) < 0 || close(again) != 0)))
		return false;
	return true;
}

/* In the child.  A failure looks like a channel that cannot be started for now. */
static _Noreturn void
run_child(const struct channel *c, const char *const *argument, int in, int out, int err)
{
	/* Without HOME, jq takes the one of the password file, and begins each program with ~/.jq. */
	const char *const environment[] = { c->path, "HOME=/nonexistent", "LC_ALL=C", "TZ=UTC", NULL };
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)setpgid(0, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0 ||
	    fchdir(c->directory) != 0 || syscall(SYS_close_range, SECRET_FD + 0U, HIGH_FD - 1U, 0U) != 0 ||
	    (c->secret >= 0 && !open_again(c->secret, SECRET_FD)) || !open_again(c->program, PROGRAM_FD) ||
	    syscall(SYS_close_range, PROGRAM_FD + 1U, ~0U, 0U) != 0)
		_exit(EX_OSERR);
	(void)execve(c->interpreter[0] != '\0' ? c->interpreter : "/proc/self/fd/10",
	    (char *const *)(uintptr_t)argument, (char *const *)(uintptr_t)environment);
	_exit(127);
}

static bool
pipe_pair(int pair[2])
{
	return pipe2(pair, O_CLOEXEC) == 0 && fcntl(pair[0], F_SETFL, O_NONBLOCK) == 0;
}

static void
close_all(const int *fd, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (fd[i] >= 0)
			(void)close(fd[i]);
}

static struct call *
start(struct channel *c, const char *const *argument, struct bytes messages, int64_t now)
{
	int fd[5] = { -1, -1, -1, -1, -1 }; /* in, out and its end here, err and its end here */
	struct call *call;
	pid_t process = -1;

	fd[0] = memfd_create("messages", MFD_CLOEXEC);
	if (fd[0] >= 0 && file_write_fd(fd[0], messages) && lseek(fd[0], 0, SEEK_SET) == 0 &&
	    pipe_pair(&fd[1]) && pipe_pair(&fd[3]))
		process = fork();
	if (process == 0)
		run_child(c, argument, fd[0], fd[2], fd[4]);
	if (process < 0) {
		close_all(fd, 5);
		return NULL;
	}
	close_all((const int[]){ fd[0], fd[2], fd[4] }, 3);
	call = memory_zeros(1, sizeof *call);
	*call = (struct call){ .channel = c,
		.process = process,
		.out = fd[1],
		.err = fd[3],
		.handle = (int)syscall(SYS_pidfd_open, process, 0U),
		.deadline = now + 1000 * c->policy->timeout };
	(void)setpgid(process, process);
	/* No answer to a message is longer than the message. */
	buffer_init(&call->answers, ANSWER_MOST + messages.size);
	buffer_init(&call->said, SAID_MOST);
	return call;
}

struct call *
channel_start(struct channel *c, struct bytes messages, int64_t now)
{
	return start(c, c->argument, messages, now);
}

int
channel_check(struct channel *c, int64_t now, char said[256])
{
	const char *argument[DELIVERY_MAX_ARGUMENTS + INTERPRETER + 3];
	struct pollfd poll_fd[CALL_POLLS];
	struct call *call;
	size_t used = 0;
	int status;

	for (; c->argument[used] != NULL; used++)
		argument[used] = c->argument[used];
	argument[used++] = "--check";
	argument[used] = NULL;
	call = start(c, argument, (struct bytes){ "", 0 }, now);
	(void)snprintf(said, 256, "could not be started");
	if (call == NULL)
		return EX_OSERR;
	while (!call_step(call, now)) {
		call_poll(call, poll_fd);
		if (poll(poll_fd, CALL_POLLS, 100) == 0)
			now += 100;
	}
	status = call_status(call);
	(void)snprintf(said, 256, "%.*s", (int)call_said(call).size, call_said(call).at);
	call_free(call);
	return status;
}

void
call_poll(const struct call *c, struct pollfd *poll_fd)
{
	poll_fd[0] = (struct pollfd){ .fd = c->handle, .events = POLLIN };
	poll_fd[1] = (struct pollfd){ .fd = c->out, .events = POLLIN };
	poll_fd[2] = (struct pollfd){ .fd = c->err, .events = POLLIN };
}

/* Reads what there is, keeps what has room, and closes at the end. */
static void
drain(int *fd, struct buffer *to)
{
	char block[4096];
	ssize_t n;

	/* A channel that writes without end is read a little at a time. */
	for (int i = 0; *fd >= 0 && i < 16; i++) {
		n = read(*fd, block, sizeof block);
		if (n > 0 && to->limit - to->used < (size_t)n)
			n = (ssize_t)(to->limit - to->used);
		else if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
			(void)close(*fd);
			*fd = -1;
		}
		if (n < 0)
			return;
		(void)buffer_append(to, block, (size_t)n);
	}
}

bool
call_step(struct call *c, int64_t now)
{
	int status;
	pid_t ended;

	drain(&c->out, &c->answers);
	drain(&c->err, &c->said);
	ended = waitpid(c->process, &status, WNOHANG);
	if (ended == c->process) {
		drain(&c->out, &c->answers);
		drain(&c->err, &c->said);
		c->status = WIFEXITED(status) && !c->timed_out ? WEXITSTATUS(status) : EX_TEMPFAIL;
		return true;
	}
	if (c->kill_at == 0 && now >= c->deadline) {
		c->timed_out = true;
		(void)kill(-c->process, SIGTERM);
		c->kill_at = now + GRACE;
	} else if (c->kill_at != 0 && now >= c->kill_at) {
		(void)kill(-c->process, SIGKILL);
	}
	return false;
}

int
call_status(const struct call *c)
{
	return c->status;
}

struct bytes
call_answers(const struct call *c)
{
	return buffer_bytes(&c->answers);
}

struct bytes
call_said(const struct call *c)
{
	struct bytes text = buffer_bytes(&c->said), line = { "", 0 };

	if (c->timed_out)
		return (struct bytes)BYTES("timeout");
	(void)bytes_line(&text, &line);
	for (size_t i = 0; i < line.size; i++)
		if ((unsigned char)line.at[i] < ' ' || line.at[i] == 0x7f)
			line.size = i;
		else if ((unsigned char)line.at[i] > 0x7f) /* it may be no UTF-8 */
			c->said.at[line.at + i - c->said.at] = '?';
	return line;
}

void
call_free(struct call *c)
{
	(void)kill(-c->process, SIGKILL);
	close_all((const int[]){ c->handle, c->out, c->err }, 3);
	buffer_release(&c->answers);
	buffer_release(&c->said);
	free(c);
}
