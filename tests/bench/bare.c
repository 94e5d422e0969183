/* SPDX-License-Identifier: ISC */
/*
 * bare: what encryption alone takes for the records of a file of versions: OpenSSL's AES-256-GCM, fetched
 * once, one key, a new IV a record, and base64, all in memory.  What ehr-seal and ehr-open are measured
 * against.  The base64 is the base64url of this project or, with `openssl`, OpenSSL's own, which is slower:
 * against it they look better.  With `open` the records are decoded and decrypted.
 *
 *	bare FILE [open] [openssl]
 *
 * Prints as measure does, on file descriptor 3, the processor time of that work alone.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <openssl/evp.h>

#include "common/base/base64url.h"

static double
cpu_milliseconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static char *
read_all(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	struct stat about;
	char *text;

	if (file == NULL || fstat(fileno(file), &about) != 0 ||
	    (text = malloc((size_t)about.st_size + 1)) == NULL)
		exit(4);
	*size = fread(text, 1, (size_t)about.st_size, file);
	text[*size] = '\0';
	(void)fclose(file);
	return text;
}

static void
must(int result)
{
	if (result != 1)
		exit(6);
}

/* A record, and what it becomes. */
struct piece {
	const char *record;
	size_t size;
	unsigned char *text; /* base64 of the ciphertext */
	size_t text_size;
	unsigned char tag[16];
	unsigned char tag_text[28];
};

static bool with_openssl;
static unsigned char iv[12];

static size_t
encode(unsigned char *to, const void *from, size_t size)
{
	if (with_openssl)
		return (size_t)EVP_EncodeBlock(to, from, (int)size);
	return base64url_encode((char *)to, (struct bytes){ from, size });
}

static void
decode(unsigned char *to, const unsigned char *from, size_t size)
{
	size_t n = 1;

	if (with_openssl)
		must(EVP_DecodeBlock(to, from, (int)size) >= 0);
	else
		must(base64url_decode(to, &n, (struct bytes){ (const char *)from, size }));
}

static void
seal(EVP_CIPHER_CTX *gcm, struct piece *p, unsigned char *room)
{
	int n, m;

	iv[11] = (unsigned char)(iv[11] + 1);
	must(EVP_EncryptInit_ex2(gcm, NULL, NULL, iv, NULL));
	must(EVP_EncryptUpdate(gcm, room, &n, (const unsigned char *)p->record, (int)p->size));
	must(EVP_EncryptFinal_ex(gcm, room + n, &m));
	must(EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_GET_TAG, 16, p->tag));
	p->text_size = encode(p->text, room, p->size);
	(void)encode(p->tag_text, p->tag, sizeof p->tag);
}

static void
open_again(EVP_CIPHER_CTX *gcm, struct piece *p, unsigned char *room)
{
	unsigned char tag[32];
	int n, m;

	iv[11] = (unsigned char)(iv[11] + 1);
	decode(room, p->text, p->text_size);
	decode(tag, p->tag_text, with_openssl ? 24 : 22);
	must(EVP_DecryptInit_ex2(gcm, NULL, NULL, iv, NULL));
	must(EVP_DecryptUpdate(gcm, room, &n, room, (int)p->size));
	must(EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_SET_TAG, 16, tag));
	must(EVP_DecryptFinal_ex(gcm, room + n, &m));
}

static struct piece *
split(char *text, size_t *count)
{
	struct piece *all = NULL;

	*count = 0;
	for (char *line = text; *line != '\0';) {
		char *record = strstr(line, "\"record\":"), *end = strchr(line, '\n');

		if (record == NULL || end == NULL)
			exit(5);
		if (*count % 1024 == 0)
			all = realloc(all, (*count + 1024) * sizeof *all);
		if (all == NULL)
			exit(4);
		all[*count] = (struct piece){ .record = record + 9, .size = (size_t)(end - record) - 10 };
		all[*count].text = malloc(all[*count].size * 3 / 2 + 64);
		if (all[*count].text == NULL)
			exit(4);
		/* no page is found while the clock runs */
		memset(all[*count].text, 1, all[*count].size * 3 / 2 + 64);
		++*count;
		line = end + 1;
	}
	return all;
}

/* Both directions use the same IVs in turn. */
static double
all_of(void (*work)(EVP_CIPHER_CTX *gcm, struct piece *p, unsigned char *room), EVP_CIPHER_CTX *gcm,
    struct piece *p, size_t count, unsigned char *room)
{
	double began = cpu_milliseconds();

	memset(iv, 0, sizeof iv);
	for (size_t i = 0; i < count; i++)
		work(gcm, &p[i], room);
	return cpu_milliseconds() - began;
}

int
main(int argc, char *argv[])
{
	static const unsigned char key[32] = { 1 };
	EVP_CIPHER_CTX *gcm = EVP_CIPHER_CTX_new();
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	bool opening = false;
	static struct piece *p;
	static unsigned char *room;
	size_t size, count;
	char *text;
	double took;

	for (int i = 2; i < argc; i++) {
		opening = opening || strcmp(argv[i], "open") == 0;
		with_openssl = with_openssl || strcmp(argv[i], "openssl") == 0;
	}
	if (argc < 2)
		return 2;
	text = read_all(argv[1], &size);
	p = split(text, &count);
	room = malloc(size + 64);
	if (room == NULL || gcm == NULL || cipher == NULL)
		return 4;
	memset(room, 1, size + 64);
	must(EVP_EncryptInit_ex2(gcm, cipher, key, NULL, NULL));
	took = all_of(seal, gcm, p, count, room);
	if (opening) {
		must(EVP_DecryptInit_ex2(gcm, cipher, key, NULL, NULL));
		took = all_of(open_again, gcm, p, count, room);
	}
	(void)dprintf(3, "%.3f %.3f 0 0\n", took, took);
	return 0;
}
