/* SPDX-License-Identifier: ISC */
#include "cmd/ingest/frames.h"
#include "tests/lib/fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

/* The first byte chooses the framing and the limit; the rest is the stream. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	static struct json probe;
	struct frames fr;
	struct lines in;
	struct bytes record;
	enum lines_outcome outcome;

	if (size == 0)
		return 0;
	if (fd < 0) {
		fd = memfd_create("stream", MFD_CLOEXEC);
		json_init(&probe, NULL, 32);
	}
	hold(fd >= 0 && ftruncate(fd, 0) == 0);
	enum framing framing = (enum framing)(*data % 4);
	size_t limit = *data / 4 + 1;

	data++;
	size--;
	hold(pwrite(fd, data, size, 0) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0);
	lines_init(&in, fd, "stream", limit, NULL);
	frames_init(&fr, framing, &probe);
	uint64_t reached = 0;
	size_t number = 0;

	/* Frames follow each other, are spans of the stream, and begin in the line that is said. */
	while ((outcome = frames_next(&fr, &in, &record)) != LINES_END) {
		hold(outcome == LINES_RECORD || outcome == LINES_REFUSED);
		hold(in.offset >= reached && in.offset <= size && in.number >= number && in.number > 0);
		number = in.number;
		if (outcome == LINES_REFUSED) {
			hold(in.reason != REASON_NONE && in.refused_byte > 0);
			continue;
		}
		hold(record.size > 0 && record.size <= limit && in.offset + record.size <= size);
		hold(memcmp(record.at, data + in.offset, record.size) == 0);
		reached = in.offset + record.size;
		size_t lines = 1;

		for (size_t i = 0; i < in.offset; i++)
			lines += data[i] == '\n';
		hold(lines == in.number);
	}
	lines_release(&in);
	return 0;
}
