/* SPDX-License-Identifier: ISC */
/* make: a key directory; for the authority also the other places of a site, with -S. */
#include "cmd/keys/code.h"
#include "cmd/keys/epoch.h"
#include "cmd/keys/message.h"
#include "cmd/keys/store.h"
#include "common/base/file.h"
#include "common/crypto/secret.h"
#include "common/line/tags.h"
#include "common/policy/seal_policy.h"
#include "common/policy/site.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct making {
	const struct verb_settings *settings;
	struct policy policy;
	struct seal_policy sealing;
	const struct yaml_node *names; /* the keys of redact.yaml, NULL if it has none */
	struct store store;
	struct verb_answer *answer;
};

static bool
load_names(struct making *m, struct fault *f)
{
	const char *file;
	const struct yaml_node *redact = policy_yaml(&m->policy, "redact.yaml", &file, f);
	struct bytes name = { 0 };

	if (redact == NULL)
		return false;
	m->names = yaml_find(redact, "keys");
	for (size_t i = 0; m->names != NULL && i < yaml_strings(m->names); i++) {
		if (!yaml_item_string(file, m->names, i, &name, f))
			return false;
		if (!tag_is_word(name) || memchr(name.at, '/', name.size) != NULL || name.size > 100)
			return fault_at(f, file, m->names,
			    "not a name for a key, expected 1 to 100 of A-Z a-z 0-9 . _ : @ + -");
	}
	return true;
}

static enum diag_exit
load_policy(struct making *m)
{
	const struct verb_settings *s = m->settings;
	struct fault f = { 0 };

	if (s->policy == NULL)
		return verb_fault(m->answer, EXIT_USAGE, "for which levels? expected -P DIR");
	if (!trust_load(&m->policy, s->policy, &s->trust, &f) ||
	    !seal_policy_load(&m->sealing, &m->policy, &f) || !load_names(m, &f))
		return verb_policy_fault(m->answer, &f);
	if (!s->allow_test_keys && bytes_are(m->sealing.domain, "example"))
		return verb_fault(m->answer, EXIT_KEYS,
		    "test-key: the domain example is for examples; only with --allow-test-keys");
	return EXIT_DONE;
}

static bool
make_mac(struct making *m, const char *prefix, struct bytes name)
{
	struct mac_key *key = secret_new(sizeof *key);
	bool good;

	secret_random(key->key, sizeof key->key);
	(void)snprintf(key->domain, sizeof key->domain, "%s", m->store.domain);
	(void)snprintf(key->name, sizeof key->name, "%s.%.*s", prefix, (int)name.size, name.at);
	key->number = 1;
	mac_key_name(key);
	good = store_mac(
	    m->store.fd, m->store.sig, keyref_public(m->store.enc), key, m->settings->now, m->answer);
	secret_free(key, sizeof *key);
	return good;
}

static bool
make_macs(struct making *m)
{
	bool good = make_mac(m, "tag", bytes_of("id")) && make_mac(m, "tag", bytes_of("subject"));
	struct bytes name = { 0 };
	struct fault f = { 0 };

	for (size_t i = 0; good && m->names != NULL && i < yaml_strings(m->names); i++)
		good = yaml_item_string("redact.yaml", m->names, i, &name, &f) && make_mac(m, "redact", name);
	return good;
}

static bool
make_epoch(struct making *m)
{
	const struct epoch e = { m->store.fd, m->store.sig, keyref_public(m->store.enc), m->store.domain, 1,
		&m->policy, m->settings->now, NULL };

	return epoch_begin(&e, m->answer);
}

/* A place that exists already stays as it is. */
static bool
make_place(struct making *m, struct arena *arena, enum site_place place, bool folder)
{
	const char *path = site_path(arena, m->settings->site, place, NULL);
	int fd;

	if (folder)
		return mkdir(path, 0700) == 0 || errno == EEXIST || verb_io_fault(m->answer, path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return (fd >= 0 && close(fd) == 0) || verb_io_fault(m->answer, path);
}

/* Other users may enter the directory: those of the service layer have files of their own in it. */
static bool
make_site(struct making *m, struct arena *arena)
{
	const char *path = m->settings->site;

	if (mkdir(path, 0755) == 0) {
		if (chmod(path, 0755) != 0)
			return verb_io_fault(m->answer, path);
	} else if (errno != EEXIST) {
		return verb_io_fault(m->answer, path);
	}
	return make_place(m, arena, SITE_CONSENTS, true) && make_place(m, arena, SITE_SUBSCRIPTIONS, true) &&
	       make_place(m, arena, SITE_FACTS, false) && make_place(m, arena, SITE_ENTITIES, false) &&
	       make_place(m, arena, SITE_GRANTS, false);
}

/*
 * The site gets its copy of the public keys before the key directory has its name: after that no other run
 * would make it.
 */
static bool
make_authority_keys(struct making *m, const char *path, const char *copy, enum diag_exit *status)
{
	struct buffer jwks;
	struct bytes text;
	bool good;

	*status = store_begin(&m->store, m->settings, path, "authority", m->sealing.domain, m->answer);
	if (*status != EXIT_DONE)
		return false;
	buffer_init(&jwks, 4096);
	store_jwks(&jwks, keyref_public(m->store.sig), m->store.domain);
	text = buffer_bytes(&jwks);
	good =
	    store_put(&m->store, "authority.jwks", text, 0644, m->answer) && make_epoch(m) && make_macs(m) &&
	    (copy == NULL || file_replace_at(AT_FDCWD, copy, text, 0644) || verb_io_fault(m->answer, copy)) &&
	    store_commit(&m->store, m->answer);
	*status = good ? EXIT_DONE : EXIT_IO;
	buffer_release(&jwks);
	return good;
}

static enum diag_exit
make_authority(const struct verb_settings *s, struct verb_answer *a)
{
	struct making m = { .settings = s, .answer = a, .store.fd = -1 };
	struct arena arena = { 0 };
	enum diag_exit status = load_policy(&m);

	if (status == EXIT_DONE && s->site != NULL && !make_site(&m, &arena))
		status = EXIT_IO;
	if (status == EXIT_DONE)
		(void)make_authority_keys(&m, store_path(s, &arena),
		    s->site == NULL ? NULL : site_path(&arena, s->site, SITE_AUTHORITY, NULL), &status);
	if (status == EXIT_DONE && s->site != NULL && !trust_note(&m.policy, s->site)) {
		(void)verb_io_fault(a, s->site);
		status = EXIT_IO;
	}
	store_end(&m.store);
	arena_release(&arena);
	policy_release(&m.policy);
	return status;
}

/* The member `domain` of the first key. */
static bool
read_domain(struct bytes text, char domain[129])
{
	struct json j;
	uint32_t keys, name = 0;
	bool good = false;

	json_init(&j, NULL, 8);
	if (json_parse(&j, text)) {
		keys = json_member(&j, 0, (struct bytes)BYTES("keys"));
		if (keys != 0 && json_kind(&j, keys) == JSON_ARRAY && j.nodes[keys].next > keys + 1)
			name = json_member(&j, keys + 1, (struct bytes)BYTES("domain"));
		good = name != 0 && json_kind(&j, name) == JSON_STRING &&
		       tag_is_word(json_inside(&j, name)) && bytes_string(json_inside(&j, name), domain, 129);
	}
	json_release(&j);
	return good;
}

/* The device signs its own enrolment, which proves only that the sender holds the key. */
static bool
enrol(const struct store *n, const struct verb_settings *s, struct verb_answer *a, enum diag_exit *status)
{
	struct message m;
	bool good;

	message_begin(&m, n->id, s->now);
	json_write_member(&m.claims, "aud", bytes_of(n->domain));
	json_write_member(&m.claims, "device", bytes_of(n->id));
	json_write_member(&m.claims, "env", bytes_of(store_env(n)));
	json_write_member(&m.claims, "kind", bytes_of(n->kind));
	json_write_name(&m.claims, "enc");
	point_write(&m.claims, keyref_public(n->enc));
	good = (s->code == NULL ||
		   code_write(&m.claims, s->code, keyref_public(n->sig), keyref_public(n->enc), a, status)) &&
	       (s->certificate == NULL || code_write_certificates(&m.claims, s->certificate, a, status));
	if (good)
		message_sign(&m, &a->out, n->sig, "ehr-enrol+jwt", true);
	message_end(&m);
	return good;
}

static enum diag_exit
make_device_keys(const struct verb_settings *s, struct bytes jwks, struct bytes commands, const char *domain,
    struct verb_answer *a)
{
	struct store n;
	enum diag_exit status = store_begin(&n, s, s->keys, s->kind, bytes_of(domain), a);

	if (status == EXIT_DONE) {
		n.commands = commands;
		if (enrol(&n, s, a, &status) &&
		    (!store_put(&n, "authority.jwks", jwks, 0644, a) || !store_commit(&n, a)))
			status = EXIT_IO;
	}
	store_end(&n);
	return status;
}

/* {"set-dose":4,"read-status":2}: the least AL for each command. */
static bool
read_commands(
    const struct verb_settings *s, struct buffer *text, struct verb_answer *a, enum diag_exit *status)
{
	struct json j;
	uint64_t al;
	bool good;

	*status = EXIT_IO;
	if (s->commands == NULL)
		return true;
	if (!store_read(s->commands, text, a))
		return false;
	json_init(&j, NULL, 4);
	good = json_parse(&j, buffer_bytes(text)) && json_kind(&j, 0) == JSON_OBJECT;
	for (uint32_t m = 1; good && m < j.nodes[0].next; m = j.nodes[m].next)
		good = tag_is_word(json_inside(&j, m)) && json_integer(&j, m + 1, &al) && al <= 99;
	if (!good)
		*status = verb_fault(a, EXIT_BAD_RECORD,
		    "%s: not an object of commands, each with the least AL for it", s->commands);
	if (good) {
		struct bytes object = json_span(&j, 0);

		memmove(text->at, object.at, object.size);
		text->used = object.size;
	}
	json_release(&j);
	return good;
}

static enum diag_exit
make_device(const struct verb_settings *s, struct verb_answer *a)
{
	struct buffer jwks, commands;
	struct signers *signers = NULL;
	char domain[129];
	enum diag_exit status = EXIT_IO;

	if (s->keys == NULL || s->authority == NULL || s->policy != NULL || s->site != NULL)
		return verb_fault(a, EXIT_USAGE,
		    "a device has keys of its own and an authority: expected --keys DIR --authority JWKS "
		    "alone");
	buffer_init(&jwks, 1 << 20);
	buffer_init(&commands, 1 << 16);
	if (read_commands(s, &commands, a, &status) && store_read(s->authority, &jwks, a)) {
		signers = signers_read(buffer_bytes(&jwks));
		if (signers == NULL || !read_domain(buffer_bytes(&jwks), domain))
			status = verb_fault(
			    a, EXIT_KEYS, "%s: not the keys of an authority and its domain", s->authority);
		else if (!s->allow_test_keys &&
			 (signers_have_test_key(signers) || jwk_is_test_domain(domain)))
			status = verb_fault(
			    a, EXIT_KEYS, "%s: test-key: its private half is public", s->authority);
		else
			status = make_device_keys(s, buffer_bytes(&jwks), buffer_bytes(&commands), domain, a);
	}
	signers_free(signers);
	buffer_release(&commands);
	buffer_release(&jwks);
	return status;
}

enum diag_exit
verb_make(const struct verb_settings *s, struct verb_answer *a)
{
	if (s->keys == NULL && s->site == NULL)
		return verb_fault(a, EXIT_USAGE, "where to? expected -S DIR or --keys DIR");
	if (s->kind == NULL || strcmp(s->kind, "authority") == 0)
		return s->code != NULL || s->commands != NULL || s->certificate != NULL
			   ? verb_fault(a, EXIT_USAGE, "--code, --cert and --commands are for devices")
			   : make_authority(s, a);
	if (s->decided)
		return verb_fault(a, EXIT_USAGE, "--decided is for the authority");
	return make_device(s, a);
}
