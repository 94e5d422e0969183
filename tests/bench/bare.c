/* SPDX-License-Identifier: ISC */
/*
 * bare: what encryption alone takes for the records of a file of versions: OpenSSL's AES-256-GCM, fetched
 * once, one key, a new IV a record, and base64, all in memory.  What ehr-seal is measured against.  The
 * base64 is the base64url of this project or, with `openssl`, EVP_EncodeBlock, which is slower: against it
 * ehr-seal looks better.
 *
 *	bare FILE [openssl]
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

static void
encode(bool with_openssl, char *to, const void *from, size_t size)
{
	if (with_openssl)
		(void)EVP_EncodeBlock((unsigned char *)to, from, (int)size);
	else
		(void)base64url_encode(to, (struct bytes){ from, size });
}

static void
seal(EVP_CIPHER_CTX *gcm, const char *record, size_t size, unsigned char *room, bool with_openssl)
{
	static unsigned char iv[12], tag[16];
	static char text[128];
	int n, m;

	iv[11] = (unsigned char)(iv[11] + 1);
	must(EVP_EncryptInit_ex2(gcm, NULL, NULL, iv, NULL));
	must(EVP_EncryptUpdate(gcm, room, &n, (const unsigned char *)record, (int)size));
	must(EVP_EncryptFinal_ex(gcm, room + n, &m));
	must(EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_GET_TAG, 16, tag));
	encode(with_openssl, (char *)room + size, room, size);
	encode(with_openssl, text, tag, sizeof tag);
}

int
main(int argc, char *argv[])
{
	static const unsigned char key[32] = { 1 };
	EVP_CIPHER_CTX *gcm = EVP_CIPHER_CTX_new();
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	size_t size;
	char *text, *line;
	unsigned char *room;
	double took;

	bool with_openssl = argc == 3 && strcmp(argv[2], "openssl") == 0;

	if (argc != 2 && !with_openssl)
		return 2;
	text = read_all(argv[1], &size);
	room = malloc(size * 3 + 64);
	if (room == NULL || gcm == NULL || cipher == NULL)
		return 4;
	must(EVP_EncryptInit_ex2(gcm, cipher, key, NULL, NULL));
	took = cpu_milliseconds();
	for (line = text; *line != '\0';) {
		char *record = strstr(line, "\"record\":"), *end = strchr(line, '\n');

		if (record == NULL || end == NULL)
			return 5;
		seal(gcm, record + 9, (size_t)(end - record) - 10, room, with_openssl);
		line = end + 1;
	}
	took = cpu_milliseconds() - took;
	(void)dprintf(3, "%.3f %.3f 0 0\n", took, took);
	return 0;
}
