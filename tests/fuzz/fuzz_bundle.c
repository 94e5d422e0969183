/* SPDX-License-Identifier: ISC */
#include "cmd/ingest/bundle.h"
#include "cmd/ingest/members.h"
#include "tests/lib/fuzz.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ROOM = 1 << 20 };

/* A line written is JSON: a record as it stands in the Bundle, bare or as the last member of an envelope. */
static void
hold_line(struct json *line, struct bytes text, const char *written, size_t size)
{
	static char copy[ROOM];

	hold(size > 1 && written[size - 1] == '\n' && memchr(written, '\n', size - 1) == NULL);
	memcpy(copy, written, size);
	memset(copy + size, 0, JSON_SLACK);
	hold(json_parse(line, (struct bytes){ copy, size - 1 }) && json_kind(line, 0) == JSON_OBJECT &&
	     !line->spaced);
	uint32_t ehr = json_member_key(line, 0, KEY_EHR);
	uint32_t record = ehr == 0 ? 0 : json_member(line, 0, (struct bytes)BYTES("record"));

	hold((ehr == 0) == (record == 0) && line->nodes[record].kind == JSON_OBJECT);
	hold(record == 0 || json_member_key(line, record, KEY_EHR) == 0);
	struct bytes span = json_span(line, record);

	hold(span.size == 2 || memchr(text.at, '\n', text.size) != NULL ||
	     memchr(text.at, ' ', text.size) != NULL || memchr(text.at, '\t', text.size) != NULL ||
	     memchr(text.at, '\r', text.size) != NULL ||
	     memmem(text.at, text.size, span.at, span.size) != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct json j, line;
	static struct bundle b;
	static char text[ROOM], written[ROOM];
	static int fd = -1;

	if (fd < 0) {
		struct json_keys *keys = members_keys();

		fd = memfd_create("out", MFD_CLOEXEC);
		json_init(&j, keys, 64);
		json_init(&line, keys, 64);
		bundle_init(&b);
	}
	if (size > ROOM / 4)
		return 0;
	memcpy(text, data, size);
	memset(text + size, 0, JSON_SLACK);
	if (!json_parse(&j, (struct bytes){ text, size }) || !bundle_is(&j, 0))
		return 0;
	if (!bundle_read(&b, &j, 0)) {
		hold(b.reason != REASON_NONE && b.byte > 0 && b.byte <= size && b.records == 0);
		return 0;
	}
	for (size_t i = 0; i < b.records; i++) {
		struct sink out;

		hold(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
		sink_init_take(&out, fcntl(fd, F_DUPFD_CLOEXEC, 3), "out");
		hold(bundle_write(&b, i, &out) && sink_close(&out));
		ssize_t got = pread(fd, written, sizeof written - JSON_SLACK, 0);

		hold(got > 0);
		hold_line(&line, (struct bytes){ text, size }, written, (size_t)got);
	}
	return 0;
}
