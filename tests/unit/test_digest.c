/* SPDX-License-Identifier: ISC */
#include "common/crypto/digest.h"
#include "common/crypto/secret.h"
#include "tests/lib/tap.h"

#include <stdlib.h>
#include <sys/resource.h>

static bool
is(const unsigned char digest[DIGEST_SIZE], const char *hex)
{
	char text[DIGEST_HEX];

	for (size_t i = 0; i < DIGEST_SIZE; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", digest[i]);
	return strcmp(text, hex) == 0;
}

static bool
mac_is(struct mac *m, struct bytes text, const char *hex)
{
	unsigned char digest[DIGEST_SIZE];

	mac_add(m, text);
	mac_end(m, digest);
	return is(digest, hex);
}

/* FIPS 180-4's examples. */
static void
check_sha256(void)
{
	static const char *const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
	unsigned char digest[DIGEST_SIZE];
	char text[DIGEST_TEXT];
	struct digest *d = digest_new();

	digest_sha256((struct bytes)BYTES("abc"), digest);
	check(is(digest, abc));
	digest_text((struct bytes){ 0 }, text);
	check(strcmp(text, "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855") == 0);
	for (int twice = 0; twice < 2; twice++) {
		digest_add(d, (struct bytes)BYTES("a"));
		digest_add(d, (struct bytes)BYTES("bc"));
		digest_end(d, digest);
		check(is(digest, abc));
	}
	digest_free(d);
	digest_free(NULL);
}

/* RFC 4231, test cases 2 and 6. */
static void
check_mac(void)
{
	char long_key[131];
	struct bytes what = BYTES("what do ya want for nothing?");
	struct bytes larger = BYTES("Test Using Larger Than Block-Size Key - Hash Key First");
	struct mac *m = mac_new((struct bytes)BYTES("Jefe"));

	for (int twice = 0; twice < 2; twice++)
		check(mac_is(m, what, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"));
	mac_free(m);
	memset(long_key, 0xaa, sizeof long_key);
	m = mac_new((struct bytes){ long_key, sizeof long_key });
	check(mac_is(m, larger, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"));
	mac_free(m);
	mac_free(NULL);
}

/* However a text comes, and whatever was digested before, its digest is the same. */
static void
check_mac_pieces(void)
{
	static char text[10000];
	const size_t size[] = { 0, 7, 8, 128, 129, 4096, 4097, sizeof text };
	unsigned char whole[DIGEST_SIZE], again[DIGEST_SIZE];

	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (char)('a' + i % 26);
	for (size_t i = 0; i < sizeof size / sizeof size[0]; i++) {
		struct mac *m = mac_new((struct bytes)BYTES("Jefe"));

		mac_add(m, (struct bytes){ text, size[i] });
		mac_end(m, whole);
		for (size_t piece = 1; piece < 6000; piece = 3 * piece + 1) {
			for (size_t at = 0; at < size[i]; at += piece)
				mac_add(m,
				    (struct bytes){ text + at, size[i] - at < piece ? size[i] - at : piece });
			mac_end(m, again);
			check(memcmp(whole, again, DIGEST_SIZE) == 0);
		}
		mac_free(m);
	}
}

/* Texts that end alike are told apart. */
static void
check_mac_ends(void)
{
	const struct bytes text[] = { BYTES("Patient/1, as everybody"), BYTES("Patient/2, as everybody"),
		BYTES("as everybody"), BYTES("s everybody") };
	enum { TEXTS = sizeof text / sizeof text[0] };
	unsigned char digest[TEXTS][DIGEST_SIZE], fresh[DIGEST_SIZE];
	struct mac *m = mac_new((struct bytes)BYTES("Jefe"));

	for (int i = 0; i < 3 * TEXTS; i++) {
		mac_add(m, text[i % TEXTS]);
		mac_end(m, digest[i % TEXTS]);
	}
	mac_free(m);
	for (int i = 0; i < TEXTS; i++) {
		m = mac_new((struct bytes)BYTES("Jefe"));
		mac_add(m, text[i]);
		mac_end(m, fresh);
		check(memcmp(fresh, digest[i], DIGEST_SIZE) == 0);
		mac_free(m);
	}
}

/* The buffers of messages of 64 KB and more fit beside keys, where the system allows so much. */
static void
check_locked_size(void)
{
	struct rlimit most;
	bool roomy = getrlimit(RLIMIT_MEMLOCK, &most) == 0 && most.rlim_cur >= 1 << 20;
	void *at[4];

	for (size_t i = 0; i < 4; i++)
		at[i] = secret_new(65536);
	check(secret_fell_short() == !roomy || !secret_is_locked());
	for (size_t i = 0; i < 4; i++)
		secret_free(at[i], 65536);
	at[0] = secret_new(64 << 20);
	check(secret_fell_short());
	secret_free(at[0], 64 << 20);
}

static void
check_secrets(void)
{
	char *small = secret_new(32), *large = secret_new(1 << 20), zero[32] = { 0 };

	check(memcmp(small, zero, 32) == 0 && large[(1 << 20) - 1] == 0);
	secret_random(small, 32);
	public_random(large, 32);
	check(memcmp(small, zero, 32) != 0 && memcmp(large, zero, 32) != 0 && memcmp(small, large, 32) != 0);
	check(secret_equal((struct bytes){ small, 32 }, (struct bytes){ small, 32 }));
	check(!secret_equal((struct bytes){ small, 32 }, (struct bytes){ large, 32 }));
	check(!secret_equal((struct bytes){ small, 32 }, (struct bytes){ small, 31 }));
	secret_wipe(small, 32);
	check(memcmp(small, zero, 32) == 0);
	secret_free(small, 32);
	secret_free(large, 1 << 20);
	secret_free(NULL, 0);
}

int
main(void)
{
	check_sha256();
	check_mac();
	check_mac_pieces();
	check_mac_ends();
	check_locked_size();
	check_secrets();
	return tap_end();
}
