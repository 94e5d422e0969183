/* SPDX-License-Identifier: ISC */
#include "cmd/keys/announced.h"

#include "cmd/keys/store.h"

enum { TEXT_MOST = 1 << 28 };

bool
announced_each(const struct keys *k, void (*found)(void *context, const struct jws *epoch), void *context,
    struct verb_answer *a)
{
	struct jws_reader *reader = jws_reader_new();
	struct buffer text;
	struct bytes rest, line;
	struct jws jws;
	size_t number = 0;
	bool good;

	buffer_init(&text, TEXT_MOST);
	good = store_lines(keys_directory(k), "epochs.jwts", &text, a);
	rest = buffer_bytes(&text);
	while (good && bytes_line(&rest, &line)) {
		number++;
		good = jws_verify(reader, keys_authority(k), line, "ehr-epoch+jwt", &jws) == JWS_GOOD;
		if (good)
			found(context, &jws);
		else
			(void)verb_fault(a, EXIT_KEYS,
			    "epochs.jwts:%zu: a line that the authority did not sign; put the file back as "
			    "it was",
			    number);
	}
	buffer_release(&text);
	jws_reader_free(reader);
	return good;
}
