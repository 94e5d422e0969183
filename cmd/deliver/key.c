/* SPDX-License-Identifier: ISC */
#include "cmd/deliver/key.h"

#include "common/base/file.h"
#include "common/crypto/digest.h"
#include "common/crypto/secret.h"

#include <errno.h>
#include <stdio.h>

#define NAME "ack.key"
enum { KEY_SIZE = 32 };

bool
key_make(const struct spool *s, struct spool_fault *f)
{
	unsigned char key[KEY_SIZE];
	bool made;

	secret_random(key, sizeof key);
	made =
	    file_replace_at(spool_directory(s), NAME, (struct bytes){ (const char *)key, sizeof key }, 0600);
	explicit_bzero(key, sizeof key);
	if (made)
		return true;
	f->status = EXIT_IO;
	(void)snprintf(f->text, sizeof f->text, NAME ": %s", file_read_fault(errno));
	return false;
}

struct mac *
key_read(const struct spool *s, struct spool_fault *f)
{
	struct buffer text;
	struct mac *key = NULL;

	buffer_init(&text, KEY_SIZE + 1);
	f->status = EXIT_KEYS;
	if (!file_read_private_at(spool_directory(s), NAME, &text))
		(void)snprintf(f->text, sizeof f->text, NAME ": %s",
		    errno == EPERM ? "open to others, or somebody else's: chmod 600"
				   : file_read_fault(errno));
	else if (text.used != KEY_SIZE)
		(void)snprintf(f->text, sizeof f->text, NAME ": not 32 bytes");
	else
		key = mac_new(buffer_bytes(&text));
	if (text.room > 0)
		explicit_bzero(text.at, text.room);
	buffer_release(&text);
	return key;
}
