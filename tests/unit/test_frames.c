/* SPDX-License-Identifier: ISC */
#include "cmd/ingest/frames.h"
#include "tests/lib/tap.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A stream, how it is asked to be framed, and the frames: "record|", or "!reason@line:byte|". */
static const struct sample {
	enum framing framing;
	enum framing found;
	const char *text;
	const char *frames;
} samples[] = {
	{ FRAMING_AUTO, FRAMING_LINES, "{\"a\":1}\n{\"b\":2}", "{\"a\":1}|{\"b\":2}|" },
	{ FRAMING_AUTO, FRAMING_JSON, "", "" },
	{ FRAMING_AUTO, FRAMING_JSON, " \n\n", "" },
	{ FRAMING_AUTO, FRAMING_LINES, "\xef\xbb\xbf{}\n", "{}|" },
	{ FRAMING_AUTO, FRAMING_LINES, "\n{\"a\"}\n{}\n", "{\"a\"}|{}|" },
	{ FRAMING_AUTO, FRAMING_LINES, "{\"a\n{}\n", "{\"a|{}|" },
	{ FRAMING_AUTO, FRAMING_LINES, "{\"a\":1\n\n{}\n", "{\"a\":1|{}|" },
	{ FRAMING_AUTO, FRAMING_LINES, "{}]\n{}\n", "{}]|{}|" },
	{ FRAMING_AUTO, FRAMING_LINES, "[{},{}]\n", "[{},{}]|" },
	{ FRAMING_AUTO, FRAMING_JSON, "{}{}\n{}\n", "{}|{}|{}|" },
	{ FRAMING_AUTO, FRAMING_JSON, "\xef\xbb\xbf\n{\n}", "{\n}|" },
	{ FRAMING_AUTO, FRAMING_JSON, "[\n{}\n,{\"a\":[1]}]", "{}|{\"a\":[1]}|" },
	{ FRAMING_AUTO, FRAMING_JSON, "{\"a\":", "{\"a\":|" },
	{ FRAMING_AUTO, FRAMING_LINES, "{} {\"a\n", "{} {\"a|" },
	{ FRAMING_AUTO, FRAMING_JSON, "{} {\"a\":\n", "{}|{\"a\":\n|" },
	{ FRAMING_AUTO, FRAMING_SEQ, "\x1e{}\n", "{}|" },
	{ FRAMING_JSON, FRAMING_JSON, "{\"a\":\"}\\\"]\\\\\"}\"x\\\"\"1 true[]null",
	    "{\"a\":\"}\\\"]\\\\\"}|\"x\\\"\"|1|true|null|" },
	{ FRAMING_JSON, FRAMING_JSON, "[1,[2],\n\"a\"]", "1|[2]|\"a\"|" },
	{ FRAMING_JSON, FRAMING_JSON, "[]\n[ ] {}", "{}|" },
	{ FRAMING_JSON, FRAMING_JSON, "[{}\n {}]", "{}|!bad-syntax@2:2|" },
	{ FRAMING_JSON, FRAMING_JSON, "[{},\n,{}]", "{}|!bad-syntax@2:1|" },
	{ FRAMING_JSON, FRAMING_JSON, "[,]", "!bad-syntax@1:2|" },
	{ FRAMING_JSON, FRAMING_JSON, "{}]", "{}|!bad-syntax@1:3|" },
	{ FRAMING_JSON, FRAMING_JSON, "[{}\n", "{}|!truncated@2:1|" },
	{ FRAMING_JSON, FRAMING_JSON, "[\"0123456789012345678901234567890123456789\\\\\",{}]",
	    "!too-long@1:33|{}|" },
	{ FRAMING_JSON, FRAMING_JSON,
	    "{\"a\":\"01234567890123456789\\\"0123456789012345678901234567890123\"}{}",
	    "!too-long@1:33|{}|" },
	{ FRAMING_JSON, FRAMING_JSON, "[{\"a\":\"0123456789012345678901234567890123456789",
	    "!too-long@1:33|!truncated@1:48|" },
	{ FRAMING_SEQ, FRAMING_SEQ, "\x1e{}\n\x1e\x1e \x1e [1] \n\x1e{\"a", "{}|[1]|{\"a|" },
	{ FRAMING_JSON, FRAMING_JSON, "[1234567890123456789012345678901234567890,2]", "!too-long@1:33|2|" },
	{ FRAMING_JSON, FRAMING_JSON, "1234567890123456789012345678901234567890", "!too-long@1:33|" },
	{ FRAMING_SEQ, FRAMING_SEQ, "{}\n\x1e{}", "!bad-syntax@1:1|{}|" },
	{ FRAMING_SEQ, FRAMING_SEQ, "\x1e\"0123456789012345678901234567890123456789\"\n\x1e{}",
	    "!too-long@1:33|{}|" },
	{ FRAMING_SEQ, FRAMING_SEQ, "\n\x1e\n{}", "{}|" },
	{ FRAMING_LINES, FRAMING_LINES, "\x1e{}\n[\n", "\x1e{}|[|" },
};

static void
describe(const struct lines *in, enum lines_outcome outcome, struct bytes record, struct buffer *out)
{
	char word[64];

	if (outcome == LINES_RECORD)
		(void)buffer_append(out, record.at, record.size);
	else
		(void)buffer_append(out, word,
		    (size_t)snprintf(word, sizeof word, "!%s@%zu:%zu", reason_code(in->reason), in->number,
			in->refused_byte));
	(void)buffer_append(out, "|", 1);
}

/* What comes in two pieces, the first SPLIT bytes long, must be framed as what comes at once. */
static bool
frames_as(const struct sample *s, size_t split)
{
	struct json probe;
	struct frames fr;
	struct lines in;
	struct buffer out;
	struct bytes record = { "", 0 };
	enum lines_outcome outcome;
	int pair[2];
	size_t size = strlen(s->text);
	size_t sent = split;

	buffer_init(&out, 4096);
	json_init(&probe, NULL, JSON_MAX_DEPTH);
	frames_init(&fr, s->framing, &probe);
	bool good = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0;

	/* One read returns one packet: the pieces stay apart. */
	good = good && (split == 0 || write(pair[0], s->text, split) == (ssize_t)split);
	good =
	    good && (sent == size || write(pair[0], s->text + sent, size - sent) == (ssize_t)(size - sent));
	(void)close(pair[0]);
	lines_init(&in, pair[1], "test", 32, NULL);
	while ((outcome = frames_next(&fr, &in, &record)) == LINES_RECORD || outcome == LINES_REFUSED)
		describe(&in, outcome, record, &out);
	good = good && outcome == LINES_END && bytes_are(buffer_bytes(&out), s->frames) &&
	       fr.framing == s->found;
	if (!good)
		printf("# %s split at %zu: %.*s\n", s->text, split, (int)out.used, out.at);
	lines_release(&in);
	json_release(&probe);
	buffer_release(&out);
	(void)close(pair[1]);
	return good;
}

int
main(void)
{
	for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
		bool all = true;

		for (size_t split = 0; split <= strlen(samples[i].text); split++)
			all = all && frames_as(&samples[i], split);
		check(all);
	}
	return tap_end();
}
