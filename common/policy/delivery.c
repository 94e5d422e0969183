/* SPDX-License-Identifier: ISC */
#include "common/policy/delivery.h"

#include "common/base/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	SLOTS = 16,
	RESERVED = 1,
	CHANNEL_SLOTS = 4,
	CHANNEL_TIMEOUT = 30,
	MANY_MOST = 1000,
	ADDRESS_MOST = 2048,
	DAY = 86400,
	KEEP = 7 * DAY,
	MARK_MOST = 1000000,
};

/* Where `retry` says nothing of a criticality. */
static const struct delivery_tries usual = {
	.wait = { 0, 5, 60, 300, 1800, 7200, 18000 },
	.count = 7,
};

struct delivery_reader {
	struct delivery_policy *delivery;
	const struct notify_policy *notify;
	struct policy *policy;
	const char *file;
	struct fault *fault;
};

static bool
read_count(const struct delivery_reader *r, const struct yaml_node *node, unsigned most, unsigned *count)
{
	uint64_t number = *count;

	if (!yaml_integer(r->file, node, 1, most, &number, r->fault))
		return false;
	*count = (unsigned)number;
	return true;
}

static bool
read_command(const struct delivery_reader *r, const struct yaml_node *node, struct delivery_channel *c)
{
	struct bytes text;

	if (yaml_strings(node) == 0 || yaml_strings(node) > DELIVERY_MAX_ARGUMENTS)
		return fault_at(r->fault, r->file, node, "expected a program and at most %d arguments",
		    DELIVERY_MAX_ARGUMENTS - 1);
	for (size_t i = 0; i < yaml_strings(node); i++) {
		if (!yaml_item_string(r->file, node, i, &text, r->fault))
			return false;
		c->argument[i] = arena_copy(&r->policy->arena, text).at;
	}
	return (c->argument[0] != NULL && c->argument[0][0] != '\0') ||
	       fault_at(r->fault, r->file, node, "expected a program");
}

static bool
read_digest(const struct delivery_reader *r, const struct yaml_node *node, struct delivery_channel *c)
{
	struct bytes hex;

	c->sha256 = node;
	if (!yaml_string(r->file, node, &hex, r->fault))
		return false;
	for (size_t i = 0; i < hex.size; i++)
		if (hex.size != DELIVERY_DIGEST || strchr("0123456789abcdef", hex.at[i]) == NULL)
			break;
		else if (i + 1 == DELIVERY_DIGEST)
			return true;
	return fault_at(r->fault, r->file, node,
	    "expected the SHA-256 of the program: 64 hex digits, as sha256sum prints them");
}

/* A pattern with a host ends behind it; else it would also be the beginning of other hosts. */
static bool
ends_host(struct bytes pattern)
{
	const char *host = memmem(pattern.at, pattern.size, "://", 3);

	return host == NULL || memchr(host + 3, '/', pattern.size - (size_t)(host + 3 - pattern.at)) != NULL;
}

static bool
read_allow(const struct delivery_reader *r, const struct yaml_node *node, struct delivery_channel *c)
{
	struct bytes *allow;

	if (node == NULL)
		return true;
	if (yaml_strings(node) == 0)
		return fault_at(r->fault, r->file, node, "expected what addresses may begin with");
	c->allow = allow = arena_array(&r->policy->arena, yaml_strings(node), sizeof *allow);
	for (; c->allowed < yaml_strings(node); c->allowed++) {
		if (!yaml_item_string(r->file, node, c->allowed, &allow[c->allowed], r->fault))
			return false;
		if (!ends_host(allow[c->allowed]))
			return fault_at(r->fault, r->file, node,
			    "expected a '/' behind the host: without it other hosts begin alike");
	}
	return true;
}

static bool
read_channel(const struct delivery_reader *r, const struct yaml_node *node, struct delivery_channel *c)
{
	static const char *const modes[] = { "exec", NULL };
	struct yaml_map m;
	unsigned mode = 0;

	if (!yaml_open(&m, r->file, node, r->fault))
		return false;
	const struct yaml_node *command = yaml_need(&m, "command");
	const struct yaml_node *digest = yaml_need(&m, "sha256");
	const struct yaml_node *how = yaml_take(&m, "mode");
	const struct yaml_node *timeout = yaml_take(&m, "timeout");
	const struct yaml_node *slots = yaml_take(&m, "slots");
	const struct yaml_node *many = yaml_take(&m, "many");
	const struct yaml_node *secret = yaml_take(&m, "secret");
	const struct yaml_node *allow = yaml_take(&m, "allow");
	*c = (struct delivery_channel){ .name = c->name,
		.timeout = CHANNEL_TIMEOUT,
		.slots = CHANNEL_SLOTS,
		.many = 1,
		.secret = { "", 0 } };
	return yaml_close(&m) && read_command(r, command, c) && read_digest(r, digest, c) &&
	       (how == NULL || yaml_word(r->file, how, modes, &mode, r->fault)) &&
	       yaml_duration(r->file, timeout, &c->timeout, r->fault) &&
	       read_count(r, slots, 1000, &c->slots) && read_count(r, many, MANY_MOST, &c->many) &&
	       yaml_string(r->file, secret, &c->secret, r->fault) && read_allow(r, allow, c);
}

static bool
read_channels(const struct delivery_reader *r, const struct yaml_node *node)
{
	struct delivery_policy *d = r->delivery;

	if (node == NULL)
		return true;
	if (node->count > DELIVERY_MAX_CHANNELS)
		return fault_at(r->fault, r->file, node, "more than %d channels", DELIVERY_MAX_CHANNELS);
	for (size_t i = 0; i < node->count; i++) {
		d->channel[i].name = node->key[i]->text;
		if (!read_channel(r, node->item[i], &d->channel[i]))
			return false;
		d->channels++;
	}
	return true;
}

static bool
read_tries(const struct delivery_reader *r, const struct yaml_node *node, struct delivery_tries *t)
{
	if (yaml_strings(node) == 0 || yaml_strings(node) > DELIVERY_MAX_TRIES)
		return fault_at(r->fault, r->file, node, "expected 1 to %d durations", DELIVERY_MAX_TRIES);
	for (t->count = 0; t->count < yaml_strings(node); t->count++)
		if (!yaml_duration(r->file, node->kind == YAML_LIST ? node->item[t->count] : node,
			&t->wait[t->count], r->fault))
			return false;
	return true;
}

/* A list for each criticality; `default` is for the others. */
static bool
read_retry(const struct delivery_reader *r, const struct yaml_node *node)
{
	const struct yaml_node *other = node != NULL ? yaml_find(node, "default") : NULL;
	struct delivery_tries tries = usual;

	if (other != NULL && !read_tries(r, other, &tries))
		return false;
	for (unsigned i = 0; i < NOTIFY_MAX_WORDS; i++)
		r->delivery->retry[i] = tries;
	for (size_t i = 0; node != NULL && i < node->count; i++) {
		int word = notify_policy_word(r->notify, node->key[i]->text);

		if (node->item[i] == other)
			continue;
		if (word < 0)
			return fault_at(r->fault, r->file, node->key[i],
			    "expected a criticality of classify.yaml, or default");
		if (!read_tries(r, node->item[i], &r->delivery->retry[word]))
			return false;
	}
	return true;
}

static bool
read_order(const struct delivery_reader *r, const struct yaml_node *node)
{
	uint64_t reserved = RESERVED;

	if (node == NULL)
		return true;
	if (!read_count(r, yaml_find(node, "slots"), 1000, &r->delivery->slots) ||
	    !yaml_integer(r->file, yaml_find(node, "reserved"), 0, 999, &reserved, r->fault))
		return false;
	r->delivery->reserved = (unsigned)reserved;
	return true;
}

int
delivery_channel_find(const struct delivery_policy *d, struct bytes name)
{
	for (unsigned i = 0; i < d->channels; i++)
		if (bytes_equal(d->channel[i].name, name))
			return (int)i;
	return -1;
}

static bool
is_host(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '.';
}

/* Whether TO begins with PATTERN; a '*' stands for at least one character of a host's name. */
static bool
begins(struct bytes pattern, struct bytes to)
{
	while (pattern.size > 0 && *pattern.at != '*') {
		if (to.size == 0 || *to.at != *pattern.at)
			return false;
		pattern = bytes_behind(pattern, 1);
		to = bytes_behind(to, 1);
	}
	if (pattern.size == 0)
		return true;
	pattern = bytes_behind(pattern, 1);
	while (to.size > 0 && is_host(*to.at)) {
		to = bytes_behind(to, 1);
		if (begins(pattern, to))
			return true;
	}
	return false;
}

static bool
is_control(const unsigned char *at, size_t left)
{
	return at[0] < ' ' || at[0] == 0x7f || (left > 1 && at[0] == 0xc2 && at[1] < 0xa0) ||
	       (left > 2 && at[0] == 0xe2 && at[1] == 0x80 && (at[2] == 0xa8 || at[2] == 0xa9));
}

bool
delivery_is_address(struct bytes to)
{
	if (to.size == 0 || to.size > ADDRESS_MOST || *to.at == '-')
		return false;
	for (size_t i = 0; i < to.size; i++)
		if (is_control((const unsigned char *)to.at + i, to.size - i))
			return false;
	return true;
}

bool
delivery_allows(const struct delivery_channel *c, struct bytes to)
{
	if (!delivery_is_address(to))
		return false;
	if (c->allow == NULL)
		return !bytes_begin(to, "http:");
	for (size_t i = 0; i < c->allowed; i++)
		if (begins(c->allow[i], to))
			return true;
	return false;
}

static bool
find_program(const char *name, char path[DELIVERY_PATH])
{
	if (name[0] != '/' && installed_find(name, path))
		return true;
	return (size_t)snprintf(path, DELIVERY_PATH, "%s", name) < DELIVERY_PATH && name[0] == '/';
}

enum delivery_program
delivery_program_read(
    const struct delivery_channel *c, char path[DELIVERY_PATH], struct buffer *text, char hex[DIGEST_HEX])
{
	if (!find_program(c->argument[0], path)) {
		errno = 0;
		return DELIVERY_PROGRAM_MISSING;
	}
	if (!file_read(path, text))
		return DELIVERY_PROGRAM_MISSING;
	digest_hex(buffer_bytes(text), hex);
	return bytes_are(c->sha256->text, hex) ? DELIVERY_PROGRAM_GOOD : DELIVERY_PROGRAM_OTHER;
}

static bool
read_last_resort(const struct delivery_reader *r, const struct yaml_node *node)
{
	struct bytes channel = { "", 0 };

	if (node == NULL)
		return true;
	if (!yaml_string(r->file, yaml_find(node, "channel"), &channel, r->fault) ||
	    !yaml_string(r->file, yaml_find(node, "to"), &r->delivery->last_to, r->fault))
		return false;
	if (!delivery_is_address(r->delivery->last_to))
		return fault_at(r->fault, r->file, yaml_find(node, "to"), DELIVERY_ADDRESS);
	r->delivery->last_channel = delivery_channel_find(r->delivery, channel);
	return true;
}

static bool
read_kept(const struct delivery_reader *r, const struct yaml_node *spool, const struct yaml_node *marks)
{
	struct delivery_policy *d = r->delivery;

	d->mark_keep = marks != NULL ? 90 * DAY : 0;
	return (spool == NULL || yaml_duration(r->file, yaml_find(spool, "keep"), &d->keep, r->fault)) &&
	       (marks == NULL || (yaml_duration(r->file, yaml_find(marks, "keep"), &d->mark_keep, r->fault) &&
				     yaml_integer(r->file, yaml_find(marks, "max"), 1, UINT64_C(1) << 40,
					 &d->mark_most, r->fault)));
}

static bool
read_tiers(const struct delivery_reader *r, const struct yaml_node *tiers)
{
	for (size_t i = 0; tiers != NULL && i < tiers->count; i++) {
		int word = notify_policy_word(r->notify, tiers->key[i]->text);

		if (word < 0 ||
		    !yaml_integer(r->file, yaml_find(tiers->item[i], "remind"), 0, 100,
			&r->delivery->remind[word], r->fault) ||
		    !yaml_duration(
			r->file, yaml_find(tiers->item[i], "reack"), &r->delivery->reack[word], r->fault))
			return false;
	}
	return true;
}

bool
delivery_policy_load(
    struct delivery_policy *d, const struct notify_policy *notify, struct policy *p, struct fault *f)
{
	struct delivery_reader r = { .delivery = d, .notify = notify, .policy = p, .fault = f };
	const struct yaml_node *root = policy_yaml(p, "notify.yaml", &r.file, f);

	*d = (struct delivery_policy){
		.slots = SLOTS, .reserved = RESERVED, .keep = KEEP, .mark_most = MARK_MOST, .last_channel = -1
	};
	return root != NULL && read_channels(&r, yaml_find(root, "channels")) &&
	       read_retry(&r, yaml_find(root, "retry")) && read_order(&r, yaml_find(root, "order")) &&
	       read_last_resort(&r, yaml_find(root, "last_resort")) &&
	       read_tiers(&r, yaml_find(root, "tiers")) &&
	       yaml_duration(r.file, yaml_find(root, "drain_every"), &d->drain_every, f) &&
	       read_kept(&r, yaml_find(root, "spool"), yaml_find(root, "visible_change"));
}
