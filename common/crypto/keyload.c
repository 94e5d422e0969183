/* SPDX-License-Identifier: ISC */
/* PKCS#11 is reached through an engine, which OpenSSL 3.0 calls deprecated. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "common/crypto/keyload.h"

#include "common/base/file.h"
#include "common/base/options.h"
#include "common/crypto/library.h"
#include "common/crypto/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <openssl/store.h>
#include <openssl/ui.h>

enum { PEM_MOST = 65536, URI_MOST = 1024 };

static const char tss2[] = "-----BEGIN TSS2 PRIVATE KEY-----";

/* What is needed to open one key. */
struct loading {
	int dirfd;
	const struct keyref_access *access;
	char *pin; /* secret memory */
	const char **why;
};

static EVP_PKEY *
fail(const struct loading *l, const char *why)
{
	*l->why = why;
	return NULL;
}

/* A descriptor that whoever started the program left open, "/dev/fd/3"; -1 for any other path. */
static int
descriptor(const char *file)
{
	static const char prefix[] = "/dev/fd/";
	uint64_t number;

	if (strncmp(file, prefix, sizeof prefix - 1) != 0 ||
	    !options_number(file + sizeof prefix - 1, 65535, &number))
		return -1;
	return (int)number;
}

/* systemd gives a service its credentials by an access list, so they are root's and look open to a group. */
static bool
is_credential(const char *file)
{
	static const char folder[] = "/run/credentials/";

	return strncmp(file, folder, sizeof folder - 1) == 0 && strstr(file, "/..") == NULL;
}

static bool
read_pin(int dirfd, const char *file, struct buffer *text)
{
	int fd = descriptor(file);

	if (fd >= 0)
		return file_read_fd(fd, text);
	return is_credential(file) ? file_read_at(dirfd, file, text)
				   : file_read_private_at(dirfd, file, text);
}

char *
keyload_pin(int dirfd, const char *file, const char **why)
{
	char *pin = secret_new(KEYLOAD_PIN_ROOM);
	struct buffer text;
	bool good = true;

	if (file == NULL)
		return pin;
	/* What a file with a PIN is encrypted by; no other names are entered (library_start). */
	(void)EVP_add_cipher(EVP_aes_256_cbc());
	(void)EVP_add_digest(EVP_sha256());
	buffer_init(&text, KEYLOAD_PIN_ROOM - 1);
	if (!buffer_reserve(&text, KEYLOAD_PIN_ROOM - 1) || !read_pin(dirfd, file, &text)) {
		*why = errno == EPERM
			   ? "its PIN file is open to others, or somebody else's, expected mode 0600"
			   : "its PIN file cannot be read, or is not a PIN";
		good = false;
	} else {
		struct bytes rest = buffer_bytes(&text), line = rest;

		(void)bytes_line(&rest, &line);
		text.used = line.size - (line.size > 0 && line.at[line.size - 1] == '\r');
		good = text.used > 0 && memchr(text.at, '\0', text.used) == NULL;
		if (good)
			memcpy(pin, text.at, text.used);
		else
			*why = "its PIN file is empty, or is not a PIN";
	}
	secret_wipe(text.at, text.room);
	buffer_release(&text);
	if (good)
		return pin;
	secret_free(pin, KEYLOAD_PIN_ROOM);
	return NULL;
}

/* What a TPM or token said, when it gave no key or did nothing with one. */
enum answer { ANSWER_OTHER, ANSWER_REFUSED, ANSWER_LOCKED };

/* The provider tpm2 notes the TPM's answer as a number before its words; the engine's is the reason. */
static enum answer
answer_to(unsigned long code, const char *data)
{
	enum { TPM_RC_LOCKOUT = 0x921, CKR_PIN_INCORRECT = 0xa0, CKR_PIN_LOCKED = 0xa4 };
	int reason = ERR_GET_REASON(code);

	if (reason == CKR_PIN_LOCKED || (data != NULL && strtoul(data, NULL, 10) == TPM_RC_LOCKOUT))
		return ANSWER_LOCKED;
	return reason >= CKR_PIN_INCORRECT && reason < CKR_PIN_LOCKED ? ANSWER_REFUSED : ANSWER_OTHER;
}

/* The gravest answer of OpenSSL's queue of errors, which is empty then. */
static enum answer
last_answer(void)
{
	const char *data = NULL;
	unsigned long code;
	enum answer last = ANSWER_OTHER;

	while ((code = ERR_get_error_all(NULL, NULL, NULL, &data, NULL)) != 0) {
		enum answer one = answer_to(code, data);

		last = one > last ? one : last;
	}
	return last;
}

bool
keyload_locked(void)
{
	return last_answer() == ANSWER_LOCKED;
}

/* Waits before try number I + 2, longer each time and a second in all; false if there is no such try. */
static bool
pause_before(size_t i)
{
	static const long pauses[] = { 10, 20, 40, 80, 160, 320, 370 }; /* milliseconds */

	if (i >= sizeof pauses / sizeof pauses[0])
		return false;
	(void)nanosleep(&(struct timespec){ .tv_nsec = pauses[i] * 1000000 }, NULL);
	return true;
}

static const char locked_text[] =
    "token-locked: after wrong PINs; it opens again when its time is over, or its "
    "owner unlocks it";

/* Without this callback OpenSSL would ask for a passphrase on the terminal. */
static int
give_pin(char *to, int size, int writing, void *context)
{
	const struct bytes pin = bytes_of(context);

	(void)writing;
	if (pin.size == 0 || pin.size > (size_t)size)
		return -1;
	memcpy(to, pin.at, pin.size);
	return (int)pin.size;
}

static EVP_PKEY *
first_private(OSSL_STORE_CTX *store)
{
	EVP_PKEY *key = NULL;

	while (key == NULL && OSSL_STORE_eof(store) == 0) {
		OSSL_STORE_INFO *info = OSSL_STORE_load(store);

		if (info == NULL)
			break;
		if (OSSL_STORE_INFO_get_type(info) == OSSL_STORE_INFO_PKEY)
			key = OSSL_STORE_INFO_get1_PKEY(info);
		OSSL_STORE_INFO_free(info);
	}
	return key;
}

/*
 * A key pair on P-256 in PKCS#8 (RFC 5958, RFC 5915), as keyref_make and every OpenSSL write it.  All its
 * bytes are constant but the private number and the two coordinates.
 */
static const unsigned char head[] = { 0x30, 0x81, 0x87, 2, 1, 0, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce,
	0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7, 4, 0x6d, 0x30, 0x6b, 2, 1, 1, 4, KEY_SIZE };
static const unsigned char middle[] = { 0xa1, 0x44, 3, 0x42, 0 };
enum { POINT_SIZE = 1 + 2 * KEY_SIZE, DER_SIZE = sizeof head + KEY_SIZE + sizeof middle + POINT_SIZE };

static EVP_PKEY *
from_pkcs8(unsigned char *der)
{
	unsigned char *number = der + sizeof head;
	unsigned char *point = number + KEY_SIZE + sizeof middle;
	char group[] = "P-256";
	OSSL_PARAM_BLD *parts = OSSL_PARAM_BLD_new();
	BIGNUM *private = BN_secure_new();
	OSSL_PARAM *all = NULL;
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", LIBRARY_PROVIDER);
	EVP_PKEY *key = NULL;

	if (parts != NULL && private != NULL && BN_bin2bn(number, KEY_SIZE, private) != NULL &&
	    OSSL_PARAM_BLD_push_utf8_string(parts, OSSL_PKEY_PARAM_GROUP_NAME, group, 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(parts, OSSL_PKEY_PARAM_PUB_KEY, point, POINT_SIZE) == 1 &&
	    OSSL_PARAM_BLD_push_BN(parts, OSSL_PKEY_PARAM_PRIV_KEY, private) == 1)
		all = OSSL_PARAM_BLD_to_param(parts);
	library_must(all != NULL && context != NULL && EVP_PKEY_fromdata_init(context) == 1, "open a key");
	if (EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, all) != 1)
		key = NULL;
	OSSL_PARAM_free(all);
	OSSL_PARAM_BLD_free(parts);
	BN_clear_free(private);
	EVP_PKEY_CTX_free(context);
	return key;
}

/*
 * Reads the usual form itself.  OSSL_STORE would try every decoder that OpenSSL has, which is a millisecond
 * of each start.  NULL if TEXT begins with anything else.
 */
static EVP_PKEY *
load_usual(struct bytes text)
{
	BIO *from = BIO_new_mem_buf(text.at, (int)text.size);
	char *name = NULL, *header = NULL;
	unsigned char *der = NULL;
	long size = 0;
	EVP_PKEY *key = NULL;

	library_must(from != NULL, "open a key");
	if (PEM_read_bio_ex(from, &name, &header, &der, &size, PEM_FLAG_SECURE) == 1 &&
	    strcmp(name, PEM_STRING_PKCS8INF) == 0 && *header == '\0' && size == DER_SIZE &&
	    memcmp(der, head, sizeof head) == 0 &&
	    memcmp(der + sizeof head + KEY_SIZE, middle, sizeof middle) == 0)
		key = from_pkcs8(der);
	OPENSSL_secure_free(name);
	OPENSSL_secure_free(header);
	OPENSSL_secure_clear_free(der, (size_t)size);
	BIO_free(from);
	return key;
}

/* Reads PEM through OSSL_STORE, by the provider that QUERY prefers. */
static EVP_PKEY *
load_any(const struct loading *l, struct bytes text, const char *query)
{
	UI_METHOD *ask = UI_UTIL_wrap_read_pem_callback(give_pin, 0);
	BIO *from = BIO_new_mem_buf(text.at, (int)text.size);
	OSSL_STORE_CTX *store;
	EVP_PKEY *key = NULL;

	library_must(from != NULL && ask != NULL, "open a key");
	store = OSSL_STORE_attach(from, "file", NULL, query, ask, l->pin, NULL, NULL, NULL);
	if (store != NULL && OSSL_STORE_expect(store, OSSL_STORE_INFO_PKEY) == 1)
		key = first_private(store);
	(void)OSSL_STORE_close(store);
	BIO_free(from);
	UI_destroy_method(ask);
	return key;
}

static OSSL_PROVIDER *tpm;

static void
unload(void)
{
	(void)OSSL_PROVIDER_unload(tpm);
}

#define TPM "?provider=tpm2"

static const char parent_name[] = "TPM2OPENSSL_PARENT_AUTH=";
static char *parent_value; /* the variable while it is set, in secret memory */
enum { PARENT_ROOM = sizeof parent_name + KEYLOAD_PIN_ROOM };

static bool
set_parent(const struct loading *l)
{
	char *pin = keyload_pin(l->dirfd, l->access->parent_pin_file, l->why);

	if (pin == NULL)
		return false;
	parent_value = secret_new(PARENT_ROOM);
	memcpy(parent_value, parent_name, sizeof parent_name - 1);
	struct bytes value = bytes_of(pin);

	memcpy(parent_value + sizeof parent_name - 1, value.at, value.size);
	secret_free(pin, KEYLOAD_PIN_ROOM);
	return putenv(parent_value) == 0;
}

/*
 * Gets the TPM's provider ready.  It takes its way to the TPM and the parent's authorization from the
 * environment alone; the latter stands there only while a key is loaded (end_tpm).
 */
static bool
begin_tpm(const struct loading *l)
{
	const char *tcti = l->access->tcti;

	if (tcti != NULL && setenv("TPM2OPENSSL_TCTI", tcti, 1) != 0)
		return fail(l, "there is no memory") != NULL;
	/* The libraries of the TPM write on standard error, and, if it is asked for, PINs as well. */
	if (setenv("TSS2_LOG", "all+none", 1) != 0)
		return fail(l, "there is no memory") != NULL;
	(void)unsetenv("TSS2_LOGFILE");
	if (tpm == NULL) {
		tpm = OSSL_PROVIDER_load(NULL, "tpm2");
		if (tpm == NULL)
			return fail(l, "in a TPM that cannot be reached, or tpm2-openssl is missing") != NULL;
		library_must(atexit(unload) == 0, "load the provider tpm2");
	}
	return l->access->parent_pin_file == NULL || set_parent(l);
}

static void
end_tpm(void)
{
	if (parent_value == NULL)
		return;
	(void)unsetenv("TPM2OPENSSL_PARENT_AUTH");
	secret_free(parent_value, PARENT_ROOM);
	parent_value = NULL;
}

/* OSSL_STORE keeps no answer of the TPM, so it is not known which it was; a second try could lock it. */
static const char wrapped_text[] = "of another TPM, or the parent's PIN is another, or the TPM has no room "
				   "left beside other processes' keys, "
				   "which its resource manager (device:/dev/tpmrm0) would make";

static EVP_PKEY *
load_text(const struct loading *l, struct bytes text)
{
	EVP_PKEY *key = NULL;

	if (text.size < sizeof tss2 - 1 || memcmp(text.at, tss2, sizeof tss2 - 1) != 0) {
		key = load_usual(text);
		if (key == NULL)
			key = load_any(l, text, LIBRARY_PROVIDER);
		return key != NULL
			   ? key
			   : fail(l, *l->pin != '\0' ? "not a private key on P-256 in PEM, or its PIN is "
						       "another"
						     : "not a private key on P-256 in PEM");
	}
	if (begin_tpm(l)) {
		key = load_any(l, text, TPM);
		if (key == NULL)
			(void)fail(l, keyload_locked() ? locked_text : wrapped_text);
	}
	end_tpm();
	return key;
}

static EVP_PKEY *
load_file(const struct loading *l, const char *path)
{
	EVP_PKEY *key = NULL;
	struct buffer text;

	buffer_init(&text, PEM_MOST);
	if (!buffer_reserve(&text, PEM_MOST) || !file_read_private_at(l->dirfd, path, &text))
		*l->why = errno == EPERM ? "open to others, or somebody else's, expected mode 0600"
					 : strerror(errno);
	else
		key = load_text(l, buffer_bytes(&text));
	secret_wipe(text.at, text.room);
	buffer_release(&text);
	return key;
}

/* handle:0x81000010?pass */
static EVP_PKEY *
load_handle(const struct loading *l, const char *uri)
{
	UI_METHOD *ask = UI_UTIL_wrap_read_pem_callback(give_pin, 0);
	const char *query = strchr(uri, '?');
	OSSL_STORE_CTX *store = NULL;
	EVP_PKEY *key = NULL;

	library_must(ask != NULL, "open a key");
	if (query != NULL && strcmp(query, "?pass") != 0)
		(void)fail(l, "expected no more than ?pass behind the number, and no PIN");
	else if (begin_tpm(l)) {
		store = OSSL_STORE_open_ex(uri, NULL, TPM, ask, l->pin, NULL, NULL, NULL);
		if (store != NULL && OSSL_STORE_expect(store, OSSL_STORE_INFO_PKEY) == 1)
			key = first_private(store);
		(void)OSSL_STORE_close(store);
		if (key == NULL)
			(void)fail(l, "not in the TPM, or it needs ?pass and a PIN");
	}
	end_tpm();
	UI_destroy_method(ask);
	return key;
}

static int
hex(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = memchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c, sizeof digits - 1);

	return at == NULL ? -1 : (int)(at - digits);
}

/* Copies a value of a PKCS#11 URI, with %XX decoded (RFC 7512 2.3); false if it does not fit or has a NUL. */
static bool
decode(char *to, size_t room, struct bytes value)
{
	size_t used = 0;

	for (size_t i = 0; i < value.size; i++) {
		char c = value.at[i];

		if (c == '%') {
			int high = i + 2 < value.size ? hex(value.at[i + 1]) : -1;
			int low = high < 0 ? -1 : hex(value.at[i + 2]);

			if (low < 0)
				return false;
			c = (char)(high << 4 | low);
			i += 2;
		}
		if (c == '\0' || used + 1 >= room)
			return false;
		to[used++] = c;
	}
	to[used] = '\0';
	return used > 0;
}

/* A PKCS#11 URI taken apart: what names the key, and what says how to reach it. */
struct token_uri {
	char object[URI_MOST];
	char module[URI_MOST]; /* empty: p11-kit's modules */
	char pin[URI_MOST];    /* the file; empty: none */
};

/* Takes what stands before the next MARK out of REST. */
static struct bytes
next_part(struct bytes *rest, char mark)
{
	const char *end = memchr(rest->at, mark, rest->size);
	struct bytes part = { rest->at, end == NULL ? rest->size : (size_t)(end - rest->at) };

	*rest = bytes_behind(*rest, end == NULL ? rest->size : part.size + 1);
	return part;
}

/*
 * The part before "?" (RFC 7512 2.3) names the key.  The engine would take a PIN there, too, or read one from
 * a file that is open to others.
 */
static bool
names_key(struct bytes object, const struct loading *l)
{
	static const char *const known[] = { "token=", "manufacturer=", "serial=", "model=", "object=", "id=",
		"type=", "slot-id=", "slot-description=", "slot-manufacturer=", "library-manufacturer=",
		"library-description=", "library-version=" };

	object = bytes_behind(object, sizeof "pkcs11:" - 1);
	while (object.size > 0) {
		struct bytes part = next_part(&object, ';');
		bool good = false;

		for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
			good = good || bytes_begin(part, known[i]);
		if (!good)
			return fail(l, "expected token=, object=, id= and the like before the ?, and no "
				       "PIN") != NULL;
	}
	return true;
}

/* The part behind "?" (RFC 7512 2.4).  A PIN in a URI would stand in argv and in messages. */
static bool
read_query(struct token_uri *t, struct bytes query, const struct loading *l)
{
	static const char module[] = "module-path=", pin[] = "pin-source=", file[] = "file:";

	while (query.size > 0) {
		struct bytes part = next_part(&query, '&');
		bool good = false;

		if (bytes_begin(part, module)) {
			good = decode(t->module, sizeof t->module, bytes_behind(part, sizeof module - 1));
		} else if (bytes_begin(part, pin)) {
			part = bytes_behind(part, sizeof pin - 1);
			if (bytes_begin(part, file))
				part = bytes_behind(part, sizeof file - 1);
			good = decode(t->pin, sizeof t->pin, part);
		}
		if (!good)
			return fail(l,
				   "expected module-path=FILE or pin-source=FILE behind the ?, and no PIN") !=
			       NULL;
	}
	return true;
}

static bool
split_token_uri(struct token_uri *t, const char *uri, const struct loading *l)
{
	const char *query = strchr(uri, '?');
	size_t size = query == NULL ? strlen(uri) : (size_t)(query - uri);

	*t = (struct token_uri){ .pin = "" };
	if (size >= sizeof t->object)
		return fail(l, "longer than a URI may be") != NULL;
	memcpy(t->object, uri, size);
	return names_key((struct bytes){ uri, size }, l) &&
	       (query == NULL || read_query(t, bytes_of(query + 1), l));
}

static ENGINE *engine;
static bool engine_used; /* it has given a key, which needs it */

static void
end_engine(void)
{
	if (engine == NULL)
		return;
	(void)ENGINE_finish(engine);
	(void)ENGINE_free(engine);
	engine = NULL;
}

/*
 * The engine ends before its module does, which has said at its own start what is to be done at exit.  The
 * module starts when the first key is loaded.
 */
static void
register_end(void)
{
	static bool registered;

	if (!registered)
		library_must(atexit(end_engine) == 0, "load the engine pkcs11");
	registered = true;
}

/* The first URI says which module is used; PKCS11_MODULE_PATH does not. */
static bool
begin_engine(const char *module, const struct loading *l)
{
	static char used[URI_MOST];

	if (engine != NULL)
		return strcmp(used, module) == 0 ||
		       fail(l, "behind another PKCS#11 module than the key before it") != NULL;
	(void)unsetenv("PKCS11_MODULE_PATH");
	(void)OPENSSL_init_crypto(OPENSSL_INIT_ENGINE_DYNAMIC, NULL);
	engine = ENGINE_by_id("pkcs11");
	if (engine != NULL &&
	    (*module == '\0' || ENGINE_ctrl_cmd_string(engine, "MODULE_PATH", module, 0) == 1) &&
	    ENGINE_ctrl_cmd_string(engine, "QUIET", NULL, 0) == 1 && ENGINE_init(engine) == 1) {
		memcpy(used, module, strlen(module) + 1);
		return true;
	}
	(void)ENGINE_free(engine);
	engine = NULL;
	return fail(l, "behind PKCS#11, which does not start; libengine-pkcs11-openssl or the module is "
		       "missing") != NULL;
}

/* The engine would ask for the PIN on the terminal if it had none. */
static EVP_PKEY *
ask_token(const struct token_uri *t, char *pin)
{
	UI_METHOD *ask = UI_UTIL_wrap_read_pem_callback(give_pin, 0);
	EVP_PKEY *key;

	library_must(ask != NULL, "open a key");
	ERR_clear_error();
	if (*pin != '\0')
		(void)ENGINE_ctrl_cmd_string(engine, "PIN", pin, 0);
	key = ENGINE_load_private_key(engine, t->object, ask, pin);
	register_end();
	UI_destroy_method(ask);
	return key;
}

/*
 * SoftHSM writes the file of a token anew at each login.  A process that reads it meanwhile finds no token,
 * or one whose login fails.  So a token that says nothing of the PIN is asked again, with a module that is
 * started anew.  A PIN that it refuses is not tried twice.
 */
static EVP_PKEY *
ask_token_again(const struct token_uri *t, char *pin, const struct loading *l)
{
	enum answer answer = ANSWER_OTHER;
	EVP_PKEY *key = NULL;

	for (size_t i = 0; (key = ask_token(t, pin)) == NULL; i++) {
		answer = last_answer();
		if (answer >= ANSWER_REFUSED || *pin == '\0' || !pause_before(i))
			break;
		if (!engine_used)
			end_engine();
		if (!begin_engine(t->module, l))
			return NULL;
	}
	engine_used = engine_used || key != NULL;
	if (key == NULL)
		(void)fail(l, answer == ANSWER_LOCKED
				  ? locked_text
				  : "not behind PKCS#11, or the PIN is missing or another");
	return key;
}

static EVP_PKEY *
load_token(const struct loading *l, const char *uri)
{
	struct token_uri t;
	EVP_PKEY *key = NULL;
	char *own = NULL, *pin = l->pin;

	if (split_token_uri(&t, uri, l) && begin_engine(t.module, l)) {
		if (t.pin[0] != '\0')
			pin = own = keyload_pin(l->dirfd, t.pin, l->why);
		if (pin != NULL)
			key = ask_token_again(&t, pin, l);
	}
	secret_free(own, KEYLOAD_PIN_ROOM);
	return key;
}

static const struct {
	const char *scheme;
	EVP_PKEY *(*load)(const struct loading *l, const char *uri);
	bool whole; /* the scheme is part of what LOAD gets */
} schemes[] = {
	{ "file:", load_file, false },
	{ "handle:0x", load_handle, true },
	{ "pkcs11:", load_token, true },
};

static EVP_PKEY *
load(const struct loading *l, const char *uri)
{
	for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
		if (strncmp(uri, schemes[i].scheme, strlen(schemes[i].scheme)) == 0)
			return schemes[i].load(l, schemes[i].whole ? uri : uri + strlen(schemes[i].scheme));
	if (strchr(uri, ':') != NULL)
		return fail(l, "not a key that can be opened here, expected a file, handle: or pkcs11:");
	return load_file(l, uri);
}

EVP_PKEY *
keyload_open(int dirfd, const char *uri, const struct keyref_access *access, const char **why)
{
	static const struct keyref_access nothing = { NULL, NULL, NULL };
	struct loading l = { dirfd, access != NULL ? access : &nothing, NULL, why };
	EVP_PKEY *key = NULL;

	library_start();
	l.pin = keyload_pin(dirfd, l.access->pin_file, why);
	if (l.pin != NULL)
		key = load(&l, uri);
	secret_free(l.pin, KEYLOAD_PIN_ROOM);
	return key;
}

const char *
keyload_query(const EVP_PKEY *key)
{
	const OSSL_PROVIDER *of = EVP_PKEY_get0_provider(key);

	if (of == NULL)
		return NULL;
	/* The provider tpm2 would hash in the TPM, too, which takes long and is limited in size. */
	return strcmp(OSSL_PROVIDER_get0_name(of), "default") == 0 ? LIBRARY_PROVIDER
								   : "?provider=tpm2,tpm2.digest!=yes";
}
