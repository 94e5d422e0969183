/* SPDX-License-Identifier: ISC */
#include "common/access/sources.h"

#include "common/access/put.h"
#include "common/base/file.h"
#include "common/crypto/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

enum { MAX_SOURCE = 1 << 30 };

struct loading {
	struct engine *e;
	const struct access_sources *s;
	struct arena *arena;
	struct buffer *basis;
	struct fault *fault;
	struct reader reader;
};

/* The whole file with JSON_SLACK zero bytes behind it, in the arena A. */
static enum access_outcome
read_source(struct loading *l, struct arena *a, const char *path, struct bytes *text)
{
	struct buffer room;
	char *copy;

	buffer_init(&room, MAX_SOURCE);
	if (!file_read(path, &room)) {
		l->fault->file = path;
		buffer_release(&room);
		return ACCESS_UNREADABLE;
	}
	copy = arena_take(a, room.used + JSON_SLACK);
	if (room.used > 0)
		memcpy(copy, room.at, room.used);
	*text = (struct bytes){ copy, room.used };
	buffer_release(&room);
	l->reader.file = path;
	return ACCESS_LOADED;
}

static void
put_digest(struct loading *l, const char *name, const char *digest)
{
	put(l->basis, ",\"");
	put(l->basis, name);
	put(l->basis, "\":\"");
	put(l->basis, digest);
	put(l->basis, "\"");
}

static void
put_digest_of(struct loading *l, const char *name, struct bytes text)
{
	char digest[DIGEST_TEXT];

	digest_text(text, digest);
	put_digest(l, name, digest);
}

static enum access_outcome
outcome_of(const struct loading *l, bool good)
{
	return good && !l->fault->text[0] ? ACCESS_LOADED : ACCESS_FAULT;
}

static enum access_outcome
read_policy(struct loading *l)
{
	struct engine *e = l->e;
	struct reader *r = &l->reader;

	/* The names of levels are words 1 and on: a label's rank is its word. */
	for (unsigned i = 0; i < e->policy->levels; i++)
		(void)intern_add(&e->words, e->policy->level[i].name);
	if (!roles_read(&e->names, r) || !layers_read(&e->layers, r) || !clearances_read(&e->clearances, r))
		return ACCESS_FAULT;
	if (!e->layers.any[LAYER_ORGANIZATION]) {
		(void)fault_at(l->fault, arena_format(&e->policy->arena, "%s/authz", e->policy->directory),
		    NULL, "no file with layer: organization, so nothing could be permitted");
		return ACCESS_FAULT;
	}
	moments_sort(&e->moments);
	attributes_ready(&e->attributes, l->arena);
	put_digest(l, "policy", e->policy->digest);
	return ACCESS_LOADED;
}

static enum access_outcome
read_directive_file(struct loading *l, const char *path, struct digest *digest)
{
	struct moments own = { 0 };
	struct arena file = { 0 };
	struct bytes text;
	enum access_outcome outcome = read_source(l, &file, path, &text);

	if (outcome != ACCESS_LOADED)
		return outcome;
	digest_add(digest, text);
	l->reader.moments = &own;
	outcome = outcome_of(l, directives_read(&l->e->directives, &l->reader, path, text));
	l->reader.moments = &l->e->moments;
	moments_release(&own);
	arena_release(&file);
	return outcome;
}

static enum access_outcome
read_directive_folder(struct loading *l, const char *path, struct digest *digest)
{
	struct buffer names;
	size_t count = 0;
	enum access_outcome outcome = ACCESS_LOADED;
	const char *name;

	buffer_init(&names, MAX_SOURCE);
	if (!file_list_at(AT_FDCWD, path, &names, &count)) {
		l->fault->file = path;
		outcome = ACCESS_UNREADABLE;
	}
	name = names.at;
	for (size_t i = 0; i < count && outcome == ACCESS_LOADED; i++) {
		/* A fault names the file when everything else of a failed load is gone: the policy still is
		 * there. */
		outcome =
		    read_directive_file(l, arena_format(&l->e->policy->arena, "%s/%s", path, name), digest);
		name += strlen(name) + 1;
	}
	buffer_release(&names);
	return outcome;
}

static enum access_outcome
read_directives(struct loading *l)
{
	struct digest *digest = digest_new();
	unsigned char sum[DIGEST_SIZE];
	enum access_outcome outcome = ACCESS_LOADED;

	for (size_t i = 0; i < l->s->consents_count && outcome == ACCESS_LOADED; i++) {
		const char *path = l->s->consents[i];
		struct stat st;

		if (stat(path, &st) != 0) {
			l->fault->file = path;
			outcome = ACCESS_UNREADABLE;
		} else if (S_ISDIR(st.st_mode)) {
			outcome = read_directive_folder(l, path, digest);
		} else {
			outcome = read_directive_file(l, path, digest);
		}
	}
	digest_end(digest, sum);
	if (l->s->consents_count > 0) {
		static const char hex[] = "0123456789abcdef";
		char text[DIGEST_TEXT] = "sha256:";

		for (size_t i = 0; i < DIGEST_SIZE; i++) {
			text[7 + 2 * i] = hex[sum[i] >> 4];
			text[8 + 2 * i] = hex[sum[i] & 15];
		}
		text[DIGEST_TEXT - 1] = '\0';
		put_digest(l, "consents", text);
	}
	digest_free(digest);
	return outcome;
}

static bool
take_facts(struct loading *l, struct bytes text)
{
	l->e->facts = facts_read(&l->reader, text);
	return l->e->facts != NULL;
}

static bool
take_entities(struct loading *l, struct bytes text)
{
	l->e->entities = entities_read(&l->reader, text);
	return l->e->entities != NULL;
}

static bool
take_used(struct loading *l, struct bytes text)
{
	return used_read(&l->e->used, &l->reader, text);
}

static enum access_outcome
read_lines(struct loading *l)
{
	const struct {
		const char *name, *path;
		bool (*take)(struct loading *l, struct bytes text);
	} files[] = { { "facts", l->s->facts, take_facts }, { "entities", l->s->entities, take_entities },
		{ "used", l->s->used, take_used } };

	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		struct bytes text;
		enum access_outcome outcome;

		if (!files[i].path)
			continue;
		outcome = read_source(l, l->arena, files[i].path, &text);
		if (outcome != ACCESS_LOADED)
			return outcome;
		put_digest_of(l, files[i].name, text);
		outcome = outcome_of(l, files[i].take(l, text));
		if (outcome != ACCESS_LOADED)
			return outcome;
	}
	return ACCESS_LOADED;
}

enum access_outcome
sources_read(struct engine *e, const struct access_sources *s, struct arena *arena, struct json_keys *keys,
    struct buffer *basis, struct fault *f)
{
	struct loading l = { .e = e, .s = s, .arena = arena, .basis = basis, .fault = f };
	enum access_outcome outcome;

	l.reader = (struct reader){ .arena = arena,
		.words = &e->words,
		.attributes = &e->attributes,
		.names = &e->names,
		.policy = e->policy,
		.moments = &e->moments,
		.fault = f };
	intern_init(&e->words, arena);
	attributes_init(&e->attributes, keys);
	used_init(&e->used, arena);
	outcome = read_policy(&l);
	if (outcome == ACCESS_LOADED)
		outcome = read_directives(&l);
	if (outcome == ACCESS_LOADED)
		outcome = read_lines(&l);
	return outcome;
}

void
sources_release(struct engine *e)
{
	intern_release(&e->words);
	directives_release(&e->directives);
	facts_free(e->facts);
	entities_free(e->entities);
	used_release(&e->used);
	moments_release(&e->moments);
	scratch_release(&e->scratch);
}
