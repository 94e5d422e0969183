/* SPDX-License-Identifier: ISC */
#include "common/crypto/enrolled.h"

#include "common/line/tags.h"

enum { SET_MOST = 1 << 28 };

/* Of two enrolments of a device both count: they have one signing key, which is its id. */
static void
add(struct json_write *w, const struct point *sig, struct bytes device)
{
	point_write(w, sig);
	w->out->used--; /* the brace of the point: one member follows */
	json_write_member(w, "domain", device);
	json_write_close(w, '}');
}

static bool
read_line(const struct jws *jws, struct point *sig)
{
	uint32_t node = json_member(jws->claims, 0, (struct bytes)BYTES("sig"));

	return node != 0 && point_read(sig, jws->claims, node, POINT_BARE) &&
	       tag_is_word(jws_text(jws, "device"));
}

static bool
sends_readings(const struct jws *jws)
{
	return bytes_are(jws_text(jws, "kind"), "sensor") || bytes_are(jws_text(jws, "kind"), "actuator");
}

struct signers *
enrolled_read(const struct signers *authority, struct bytes text, bool readings, const struct instant *now,
    unsigned *line)
{
	struct jws_reader *reader = jws_reader_new();
	struct signers *all = NULL;
	struct buffer set;
	struct json_write w = json_write_to(&set);
	struct bytes token;
	struct point sig;
	struct jws jws;
	bool good = true;

	buffer_init(&set, SET_MOST);
	json_write_open(&w, '{');
	json_write_name(&w, "keys");
	json_write_open(&w, '[');
	for (*line = 1; good && bytes_line(&text, &token); *line += good) {
		if (token.size == 0)
			continue;
		good = jws_verify(reader, authority, token, "ehr-device+jwt", &jws) == JWS_GOOD &&
		       read_line(&jws, &sig);
		if (good && (!readings || sends_readings(&jws)) &&
		    (jws.exp == 0 || (now != NULL && jws_in_time(&jws, *now))))
			add(&w, &sig, jws_text(&jws, "device"));
	}
	json_write_close(&w, ']');
	json_write_close(&w, '}');
	if (good && json_write_whole(&w)) {
		*line = 0;
		all = signers_read(buffer_bytes(&set));
	}
	buffer_release(&set);
	jws_reader_free(reader);
	return all;
}
