/* SPDX-License-Identifier: ISC */
#include "common/policy/jq_child.h"

#include "common/base/diag.h"
#include "common/base/memory.h"
#include "common/json/json.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REPLY_MOST = 16 << 20, OTHER_MEMORY = 16 << 20, DESCRIPTORS_MOST = 1024 };

/* Memory checkers reserve terabytes of addresses, which the kernel would count. */
#if defined(__SANITIZE_ADDRESS__)
#define MEMORY_IS_CHECKED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MEMORY_IS_CHECKED 1
#endif
#endif
#ifndef MEMORY_IS_CHECKED
#define MEMORY_IS_CHECKED 0
#endif

/* The one child of this process. */
static struct {
	pid_t process; /* 0: there is none */
	int socket;
	uint64_t answers;
} child;

struct message {
	struct jq_child_limit limit;
	uint64_t size; /* of the bytes that follow */
};

static bool
send_all(int fd, const void *from, size_t size)
{
	const char *at = from;

	while (size > 0) {
		ssize_t n = send(fd, at, size, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		size -= (size_t)n;
	}
	return true;
}

static bool
receive_all(int fd, void *to, size_t size)
{
	char *at = to;

	while (size > 0) {
		ssize_t n = recv(fd, at, size, MSG_WAITALL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		size -= (size_t)n;
	}
	return true;
}

/* Makes SIZE bytes of B, with JSON_SLACK zeros behind them, and fills them. */
static bool
receive_bytes(int fd, struct buffer *b, size_t size)
{
	b->used = 0;
	(void)buffer_more(b, size + JSON_SLACK);
	b->used = size;
	return receive_all(fd, b->at, size);
}

static bool
send_message(int fd, const struct jq_child_limit *limit, struct bytes body)
{
	struct message m = { .size = body.size };

	if (limit != NULL)
		m.limit = *limit;
	return send_all(fd, &m, sizeof m) && send_all(fd, body.at, body.size);
}

/* The child must not hold open what others wait on, such as standard output. */
static void
close_others(int socket)
{
	if ((socket == 0 || close_range(0, (unsigned)socket - 1, 0) == 0) &&
	    close_range((unsigned)socket + 1, ~0U, 0) == 0)
		return;
	for (int fd = 0; fd < DESCRIPTORS_MOST; fd++)
		if (fd != socket)
			(void)close(fd);
}

/* At the limit of time the kernel sends SIGPROF, which ends the process. */
static void
leave_signals(void)
{
	sigset_t none;

	(void)sigemptyset(&none);
	(void)signal(SIGPROF, SIG_DFL);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void
limit_memory(uint64_t base, uint64_t bytes)
{
	struct rlimit limit;

	if (MEMORY_IS_CHECKED || getrlimit(RLIMIT_DATA, &limit) != 0)
		return;
	limit.rlim_cur = base + bytes < limit.rlim_max ? base + bytes : limit.rlim_max;
	(void)setrlimit(RLIMIT_DATA, &limit);
}

static struct timeval
time_of(uint64_t milliseconds)
{
	return (struct timeval){ .tv_sec = (time_t)(milliseconds / 1000),
		.tv_usec = (suseconds_t)(milliseconds % 1000 * 1000) };
}

/* Answers until the other process ends. */
static _Noreturn void
serve_all(int socket, void (*serve)(struct bytes request, struct buffer *reply))
{
	struct mallinfo2 held = mallinfo2();
	uint64_t base = held.arena + held.hblkhd + OTHER_MEMORY;
	static const struct itimerval off;
	struct itimerval left = off;
	uint64_t task = 0;
	struct buffer request;
	struct buffer reply;
	struct message m;

	buffer_init(&request, BUFFER_UNLIMITED);
	buffer_init(&reply, REPLY_MOST);
	while (receive_all(socket, &m, sizeof m)) {
		limit_memory(base, m.limit.bytes);
		if (!receive_bytes(socket, &request, m.size))
			break;
		if (m.limit.task != task)
			left = (struct itimerval){ .it_value = time_of(m.limit.milliseconds) };
		task = m.limit.task;
		reply.used = 0;
		(void)setitimer(ITIMER_PROF, &left, NULL);
		serve(buffer_bytes(&request), &reply);
		(void)setitimer(ITIMER_PROF, &off, &left);
		if (!send_message(socket, NULL, buffer_bytes(&reply)))
			break;
	}
	_exit(0);
}

/* A program that cannot fork lacks memory or processes; its conditions cannot be judged, so it ends. */
static void
start_child(void (*serve)(struct bytes request, struct buffer *reply))
{
	pid_t parent = getpid();
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		memory_missing(0);
	child.process = fork();
	if (child.process < 0)
		memory_missing(0);
	if (child.process == 0) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != parent)
			_exit(0);
		close_others(ends[1]);
		leave_signals();
		serve_all(ends[1], serve);
	}
	(void)close(ends[1]);
	child.socket = ends[0];
	child.answers = 0;
}

/* Ends the child, if it has not ended, and returns how it ended: 0 if nobody knows. */
static int
end_child(void)
{
	int status = 0;

	if (child.process == 0)
		return 0;
	(void)close(child.socket);
	(void)kill(child.process, SIGKILL);
	while (waitpid(child.process, &status, 0) < 0)
		if (errno != EINTR) {
			status = 0;
			break;
		}
	child.process = 0;
	return status;
}

void
jq_child_stop(void)
{
	(void)end_child();
}

static bool
ask_once(const struct jq_child_limit *limit, struct bytes request, struct buffer *reply,
    void (*serve)(struct bytes request, struct buffer *reply))
{
	struct message m;

	if (child.process == 0)
		start_child(serve);
	if (!send_message(child.socket, limit, request) || !receive_all(child.socket, &m, sizeof m) ||
	    !receive_bytes(child.socket, reply, m.size))
		return false;
	child.answers++;
	return true;
}

/*
 * memory_missing() ends a process with EXIT_IO, also when libjq lacks memory (jv_nomem_handler).  The kernel
 * ends one with SIGKILL where the machine has no memory left.
 */
static enum jq_child_end
end_of(int status)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGPROF)
		return JQ_CHILD_TIME;
	if ((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) ||
	    (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_IO))
		return JQ_CHILD_MEMORY;
	return JQ_CHILD_CRASH;
}

enum jq_child_end
jq_child_ask(const struct jq_child_limit *limit, struct bytes request, struct buffer *reply,
    void (*serve)(struct bytes request, struct buffer *reply))
{
	enum jq_child_end end;
	bool was_used;

	if (ask_once(limit, request, reply, serve))
		return JQ_CHILD_ANSWERED;
	was_used = child.answers > 0;
	end = end_of(end_child());
	/*
	 * libjq leaks a little.  A child that ended after many answers may have lost its memory to those,
	 * so a new one is asked once more.
	 */
	if (end == JQ_CHILD_TIME || !was_used)
		return end;
	return ask_once(limit, request, reply, serve) ? JQ_CHILD_ANSWERED : end_of(end_child());
}
