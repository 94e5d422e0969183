/* SPDX-License-Identifier: ISC */
#include "common/crypto/jwk.h"
#include "tests/lib/fuzz.h"

static struct json first, second;
static struct buffer out;

/* What was written is read again. */
static bool
parse_out(void)
{
	hold(buffer_reserve(&out, JSON_SLACK));
	memset(out.at + out.used, 0, JSON_SLACK);
	return json_parse(&second, buffer_bytes(&out));
}

static void
try_level(void)
{
	struct level_key k, back;
	struct json_write w = json_write_to(&out);

	if (!level_key_read(&k, &first, 0))
		return;
	out.used = 0;
	level_key_write(&w, &k);
	hold(json_write_whole(&w) && parse_out() && level_key_read(&back, &second, 0));
	hold(memcmp(&k, &back, sizeof k) == 0);
}

static void
try_mac(void)
{
	struct mac_key k, back;
	struct json_write w = json_write_to(&out);

	if (!mac_key_read(&k, &first, 0))
		return;
	out.used = 0;
	mac_key_write(&w, &k);
	hold(json_write_whole(&w) && parse_out() && mac_key_read(&back, &second, 0));
	hold(memcmp(&k, &back, sizeof k) == 0);
}

static void
try_point(enum point_form form)
{
	struct point p, back;
	struct json_write w = json_write_to(&out);

	if (!point_read(&p, &first, 0, form))
		return;
	out.used = 0;
	point_write(&w, &p);
	hold(json_write_whole(&w) && parse_out() && point_read(&back, &second, 0, POINT_BARE));
	hold(memcmp(&p, &back, sizeof p) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + JSON_SLACK);

	if (out.limit == 0) {
		json_init(&first, NULL, 8);
		json_init(&second, NULL, 8);
		buffer_init(&out, 65536);
	}
	hold(text != NULL);
	memcpy(text, data, size);
	memset(text + size, 0, JSON_SLACK);
	if (json_parse(&first, (struct bytes){ text, size })) {
		try_level();
		try_mac();
		try_point(POINT_BARE);
		try_point(POINT_VERIFIES);
		try_point(POINT_RECEIVES);
	}
	free(text);
	return 0;
}
