/* SPDX-License-Identifier: ISC */
#include "common/base/file.h"
#include "common/crypto/jwe_open.h"
#include "common/crypto/jwe_seal.h"
#include "common/crypto/secret.h"
#include "tests/lib/tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* The worked examples, and keys to go with them. */
static struct level_key level;
static struct private_key *recipient;
static struct sealed_line_reader *reader;
static struct jwe_open *opener;
static struct sealed_line s;

static const unsigned char level_cek[32] = { 0x3e, 0x17, 0x58, 0xe0, 0x99, 0xc1, 0x63, 0xbe, 0x8c, 0x3c, 0xb9,
	0x24, 0x28, 0xfa, 0xc8, 0x73, 0xf4, 0x15, 0x02, 0x26, 0xde, 0xde, 0x9f, 0x4c, 0x52, 0xc0, 0xc6, 0x76,
	0x8c, 0x4d, 0x10, 0xdd };
static const unsigned char level_iv[12] = { 0x20, 0x35, 0x5b, 0x18, 0x5d, 0x2e, 0xa5, 0xe9, 0x9b, 0x6a, 0x04,
	0x00 };
static const unsigned char to_cek[32] = { 0x07, 0xa8, 0xcd, 0x51, 0x60, 0xd9, 0x71, 0x60, 0x02, 0x8b, 0x41,
	0x71, 0xdf, 0x0a, 0xd8, 0xcd, 0xd7, 0xdc, 0x08, 0x1c, 0x1a, 0x83, 0x0d, 0xe3, 0xc1, 0x2a, 0xcc, 0xf2,
	0xc5, 0x0d, 0x2f, 0x63 };
static const unsigned char to_iv[12] = { 0x5b, 0x66, 0xbe, 0xa0, 0x32, 0xac, 0xed, 0xef, 0xc7, 0x4f, 0x84,
	0xb3 };

/* A file of testdata, with slack behind it and without a last LF. */
static struct bytes
data(const char *name, struct buffer *text)
{
	const char *root = getenv("EHR_ROOT");
	char path[512];

	buffer_release(text);
	buffer_init(text, 1 << 20);
	(void)snprintf(path, sizeof path, "%s/testdata/%s", root == NULL ? "." : root, name);
	check(file_read(path, text) && buffer_reserve(text, JSON_SLACK));
	memset(text->at + text->used, 0, JSON_SLACK);
	if (text->used > 0 && text->at[text->used - 1] == '\n')
		text->used--;
	return buffer_bytes(text);
}

/* Private keys must be closed to others, which a checkout is not. */
static struct private_key *
key_of(const char *name)
{
	char folder[] = "/tmp/test_seal.XXXXXX";
	struct buffer text = { 0 };
	struct private_key *key;
	const char *why = "";
	int fd;

	check(mkdtemp(folder) != NULL);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(file_replace_at(fd, "key.pem", data(name, &text), 0600));
	key = keyref_open(fd, "key.pem", NULL, &why);
	check(key != NULL);
	check(fchmodat(fd, "key.pem", 0640, 0) == 0 && keyref_open(fd, "key.pem", NULL, &why) == NULL);
	check(keyref_open(fd, "none.pem", NULL, &why) == NULL &&
	      keyref_open(fd, "ftp:object=x", NULL, &why) == NULL);
	check(unlinkat(fd, "key.pem", 0) == 0 && rmdir(folder) == 0);
	(void)close(fd);
	buffer_release(&text);
	return key;
}

static void
read_keys(void)
{
	struct buffer text = { 0 };
	struct json j;
	struct point p;

	json_init(&j, NULL, 4);
	check(json_parse(&j, data("keys/level.jwk", &text)) && level_key_read(&level, &j, 0));
	check(strcmp(level.kid, "example/N/37/3KcmZ5gY") == 0 && level.al == 3 && level.epoch == 37);
	recipient = key_of("keys/recipient.pem");
	check(strcmp(keyref_public(recipient)->jkt, "NB9pmL933d6K6aystdGbZ5MJykVqFCyDNwIeqWy2d-0") == 0);
	check(json_parse(&j, data("keys/recipient.jwk", &text)) && point_read(&p, &j, 0, POINT_BARE));
	check(memcmp(&p, keyref_public(recipient), sizeof p) == 0);
	json_release(&j);
	buffer_release(&text);
}

static bool
opens(struct bytes line, struct bytes *plain)
{
	if (!sealed_line_read(reader, line, false, &s))
		return false;
	if (s.to_recipient)
		return jwe_open_by_private(opener, &s, sealed_line_header_index(reader), 1, recipient, plain);
	return jwe_open_by_level(opener, &s, 0, &level, plain);
}

static struct jwe_seal *
example_seal(bool to)
{
	struct jwe_seal_fixed fixed = { .cek = to ? to_cek : level_cek, .iv = to ? to_iv : level_iv };

	if (!to)
		return jwe_seal_for_level(&level, 65536, &fixed);
	fixed.ephemeral = key_of("keys/ephemeral.pem");
	return jwe_seal_for_recipient(keyref_public(recipient), bytes_of("example"), JWE_LINE, 65536, &fixed);
}

/* A published line of version 1, which is written no more, opens for ever. */
static void
check_first(const char *name)
{
	struct buffer line = { 0 }, record = { 0 };
	char path[64];
	struct bytes plain;

	(void)snprintf(path, sizeof path, "sealed/v1/%s.record", name);
	(void)data(path, &record);
	(void)snprintf(path, sizeof path, "sealed/v1/%s.ndjson", name);
	check(opens(data(path, &line), &plain) && s.tags_twice && bytes_equal(plain, buffer_bytes(&record)));
	buffer_release(&line);
	buffer_release(&record);
}

/* Each of the two published lines, byte for byte, and back. */
static void
check_example(const char *name, bool to)
{
	struct buffer want = { 0 }, record = { 0 }, out;
	char path[64];
	struct jwe_seal *seal = example_seal(to);
	struct bytes line, plain;

	(void)snprintf(path, sizeof path, "sealed/v2/%s.record", name);
	(void)data(path, &record);
	(void)snprintf(path, sizeof path, "sealed/v2/%s.ndjson", name);
	line = data(path, &want);
	check(seal != NULL && sealed_line_read(reader, line, false, &s));
	buffer_init(&out, 8192);
	check(jwe_seal_message(seal, s.ehr, buffer_bytes(&record), &out));
	check(bytes_equal(line, buffer_bytes(&out)));
	check(opens(line, &plain) && bytes_equal(plain, buffer_bytes(&record)));
	jwe_seal_free(seal);
	buffer_release(&want);
	buffer_release(&record);
	buffer_release(&out);
}

/* Every bit of a line changed, and every character to another of the alphabet: refused, cold and warm. */
static void
check_every_change(const char *path)
{
	struct buffer text = { 0 };
	struct bytes line = data(path, &text), plain;
	size_t opened = 0;

	for (size_t i = 0; i < line.size; i++) {
		char keep = text.at[i];

		for (int bit = 0; bit < 8; bit++) {
			text.at[i] = (char)(keep ^ 1 << bit);
			opened += opens(line, &plain);
		}
		text.at[i] = keep == 'A' ? 'B' : 'A';
		opened += opens(line, &plain);
		text.at[i] = keep;
	}
	check(opened == 0 && opens(line, &plain));
	buffer_release(&text);
}

#define EHR                                                                                                  \
	"{\"v\":2,\"stage\":\"sealed\",\"id\":\"r_BvlmSzyvP1M027IoIBZy4A\",\"rl\":\"N\",\"al\":3,\"n\":1,"   \
	"\"of\":1,"                                                                                          \
	"\"criticality\":\"low\",\"domain\":\"example\",\"epoch\":37,\"batch\":\"b_"                         \
	"iuaay2PAnboKK3LizsigSg\",\"seq\":1,"                                                                \
	"\"policy\":\"sha256:a82c6814cba6a785b51929375d3aa03dedba3030898ad6568600bb266d9f6a08\"}"

/* A line through a sink and a file, as programs write it. */
static struct bytes
written(struct jwe_seal *seal, struct bytes record, size_t padded, struct buffer *text)
{
	char path[] = "/tmp/test_seal.XXXXXX";
	int fd = mkstemp(path);
	struct sink out;
	bool good;

	sink_init_take(&out, fd, "test");
	good = jwe_seal_line(seal, bytes_of(EHR), record, padded, &out);
	good = sink_close(&out) && good;
	buffer_release(text);
	buffer_init(text, 1 << 24);
	good = good && file_read(path, text) && buffer_reserve(text, JSON_SLACK);
	(void)unlink(path);
	if (!good || text->used == 0 || text->at[text->used - 1] != '\n')
		return (struct bytes){ "", 0 };
	memset(text->at + text->used, 0, JSON_SLACK);
	return (struct bytes){ text->at, text->used - 1 };
}

static bool
comes_back(struct jwe_seal *seal, struct bytes record, size_t padded)
{
	struct buffer text = { 0 };
	struct bytes line = written(seal, record, padded, &text), plain;
	bool good = opens(line, &plain) && plain.size == padded && jwe_open_unpad(&plain) &&
		    bytes_equal(plain, record);

	buffer_release(&text);
	return good;
}

static void
check_padding(struct jwe_seal *seal)
{
	static const size_t sizes[] = { 2, 3, 15, 16, 17, 511, 512, 2000, 4095, 4096, 4097, 8192, 9000, 49151,
		49152, 49153, 53248, 65536, 98304, 300000, 1048577 };
	char *record = malloc(1048577);
	bool good = true;

	memset(record, '1', 1048577);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct bytes text = { record, sizes[i] };

		good = good && comes_back(seal, text, text.size) &&
		       comes_back(seal, text, jwe_seal_pad_block(text.size, 16)) &&
		       comes_back(seal, text, jwe_seal_pad_block(text.size, 4096)) &&
		       comes_back(seal, text, jwe_seal_pad_padme(text.size));
	}
	check(good);
	check(jwe_seal_pad_padme(2000) == 2048 && jwe_seal_pad_padme(9) == 10 && jwe_seal_pad_padme(1) == 1 &&
	      jwe_seal_pad_padme(8) == 8);
	for (size_t n = 2; n < 9000; n++)
		good = good && jwe_seal_pad_padme(n) >= n && jwe_seal_pad_padme(n) - n <= n / 8 + 1 &&
		       jwe_seal_pad_block(n, 4096) % 4096 == 0;
	check(good);
	free(record);
}

static void
check_unpad(void)
{
	struct bytes good = BYTES("{}\n   "), bare = BYTES("{}"), tab = BYTES("{} \n \t "),
		     twice = BYTES("{}\n\n"), just = BYTES("{}\n");

	check(jwe_open_unpad(&good) && bytes_are(good, "{}"));
	check(jwe_open_unpad(&bare) && bytes_are(bare, "{}"));
	check(jwe_open_unpad(&just) && bytes_are(just, "{}"));
	check(!jwe_open_unpad(&tab) && !jwe_open_unpad(&twice));
}

/* Content keys change when they must, IVs always, and two seals share nothing. */
static void
check_renewal(void)
{
	struct jwe_seal *one = jwe_seal_for_level(&level, 2, NULL),
			*other = jwe_seal_for_level(&level, 2, NULL);
	struct buffer text = { 0 };
	char keys[6][54], ivs[6][16];
	bool good = true;

	for (int i = 0; i < 6; i++) {
		struct bytes line = written(i < 5 ? one : other, bytes_of("{\"a\":1}"), 7, &text), plain;

		good = good && opens(line, &plain) && bytes_are(plain, "{\"a\":1}");
		memcpy(keys[i], s.encrypted_key.at, 54);
		memcpy(ivs[i], s.iv.at, 16);
	}
	check(good);
	for (int i = 0; i < 6; i++)
		for (int k = 0; k < i; k++) {
			bool same = memcmp(keys[i], keys[k], 54) == 0;

			good = good && same == (i < 5 && i / 2 == k / 2) && memcmp(ivs[i], ivs[k], 16) != 0;
		}
	check(good);
	buffer_release(&text);
	jwe_seal_free(one);
	jwe_seal_free(other);
	jwe_seal_free(NULL);
}

/*
 * A reader of L uses her own wrapped key in a line that names R: by R's key it does not open, also after the
 * same wrapped key was opened as L's.
 */
static void
check_cache_attack(void)
{
	struct level_key forged = level, high = level;
	struct jwe_seal *seal;
	struct buffer text = { 0 };
	struct bytes line, plain;

	secret_random(high.key, sizeof high.key);
	level_key_name(&high);
	memcpy(forged.kid, high.kid, sizeof forged.kid); /* her key under another's name */
	seal = jwe_seal_for_level(&forged, 100, NULL);
	line = written(seal, bytes_of("{}"), 2, &text);
	check(sealed_line_read(reader, line, false, &s));
	check(!jwe_open_by_level(opener, &s, 2, &high, &plain));
	check(jwe_open_by_level(opener, &s, 3, &level, &plain));
	check(!jwe_open_by_level(opener, &s, 2, &high, &plain));
	check(jwe_open_by_level(opener, &s, 3, &level, &plain));
	jwe_seal_free(seal);
	buffer_release(&text);
}

/* More content keys than the cache holds, and the first one again. */
static void
check_full_cache(void)
{
	struct buffer text = { 0 };
	struct jwe_seal *seal = jwe_seal_for_level(&level, 1, NULL);
	struct bytes plain;
	size_t opened = 0;

	for (int i = 0; i < 200; i++)
		opened += opens(written(seal, bytes_of("{}"), 2, &text), &plain);
	check(opened == 200);
	check_example("level", false);
	jwe_seal_free(seal);
	buffer_release(&text);
}

static void
check_recipients(void)
{
	struct point off = *keyref_public(recipient);
	struct jwe_seal *seal =
	    jwe_seal_for_recipient(keyref_public(recipient), bytes_of("hospital"), JWE_MESSAGE, 1, NULL);
	struct private_key *stranger = keyref_draw();
	struct buffer out;
	struct bytes plain;
	const char *ehr = "{\"v\":2,\"stage\":\"release\",\"domain\":\"hospital\",\"to\":"
			  "\"NB9pmL933d6K6aystdGbZ5MJykVqFCyDNwIeqWy2d-0\"}";

	off.y[31] ^= 1;
	check(jwe_seal_for_recipient(&off, bytes_of("hospital"), JWE_LINE, 1, NULL) == NULL);
	buffer_init(&out, 8192);
	check(jwe_seal_message(seal, bytes_of(ehr), bytes_of("a.b.c"), &out) &&
	      buffer_reserve(&out, JSON_SLACK));
	check(sealed_line_read_message(reader, buffer_bytes(&out), &s));
	check(jwe_open_by_private(opener, &s, sealed_line_header_index(reader), 4, recipient, &plain) &&
	      bytes_are(plain, "a.b.c"));
	check(!jwe_open_by_private(opener, &s, sealed_line_header_index(reader), 5, stranger, &plain));
	keyref_free(stranger);
	jwe_seal_free(seal);
	buffer_release(&out);
}

/* A key of a sender that is no point of the curve would give away the recipient's, little by little. */
static void
check_ephemeral(void)
{
	const struct bytes apu = BYTES("example"), apv = bytes_of(keyref_public(recipient)->jkt);
	struct private_key *sender = keyref_draw();
	const struct point good = *keyref_public(sender);
	struct point bad[6] = { good, good, good, good, good, good };
	unsigned char kek[32];

	bad[0].y[31] ^= 1;
	bad[1].x[0] ^= 0x80;
	memset(bad[2].x, 0, sizeof bad[2].x);
	memset(bad[2].y, 0, sizeof bad[2].y);
	memset(bad[3].x, 0xff, sizeof bad[3].x); /* beyond the field */
	memset(bad[4].y, 0xff, sizeof bad[4].y);
	memcpy(bad[5].y, good.x, sizeof good.x);
	check(keyref_agree(recipient, &good, apu, apv, kek));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		check(!keyref_agree(recipient, &bad[i], apu, apv, kek));
	keyref_free(sender);
}

int
main(void)
{
	struct jwe_seal *seal;

	reader = sealed_line_reader_new(16);
	opener = jwe_open_new();
	read_keys();
	check_example("level", false);
	check_example("recipient", true);
	check_first("level");
	check_first("recipient");
	check_every_change("sealed/v1/level.ndjson");
	check_every_change("sealed/v1/recipient.ndjson");
	check_every_change("sealed/v2/level.ndjson");
	check_every_change("sealed/v2/recipient.ndjson");
	seal = jwe_seal_for_level(&level, 65536, NULL);
	check_padding(seal);
	jwe_seal_free(seal);
	check_unpad();
	check_renewal();
	check_cache_attack();
	check_full_cache();
	check_recipients();
	check_ephemeral();
	jwe_open_free(opener);
	jwe_open_free(NULL);
	sealed_line_reader_free(reader);
	keyref_free(recipient);
	return tap_end();
}
