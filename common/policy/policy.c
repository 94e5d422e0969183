/* SPDX-License-Identifier: ISC */
/*
 * The directory is walked once.  Each file is opened without following links and read whole; the digest and
 * all readers use these bytes.  A signature over the digest therefore covers exactly what is used.
 */
#include "common/policy/policy.h"

#include "common/base/diag.h"
#include "common/base/file.h"
#include "common/base/installed.h"
#include "common/base/leftover.h"
#include "common/crypto/digest.h"
#include "common/json/json.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	MAX_FILES = 1000,
	MAX_BYTES = 64 << 20,
	MAX_FOLDERS = 16, /* nested */
	MAX_LEVEL_NAME = 32,
	MAX_CONDITION_SECONDS = 3600,
	MAX_AL = 99, /* tags, clearances and decisions carry no higher one */
};

static const char signature_file[] = "policy.p7s";

struct policy_walk {
	struct policy *policy;
	struct fault *fault;
	struct buffer found; /* struct policy_file */
	size_t bytes;
};

static bool
refuse_file(struct policy_walk *w, const char *shown, const char *what)
{
	return fault_at(w->fault, shown, NULL, "%s", what);
}

/* The errors in `own` are faults of the policy.  Any other error means that it could not be read. */
static bool
refuse_errno(struct policy_walk *w, const char *shown)
{
	static const int own[] = { ENOENT, ENOTDIR, ELOOP, EACCES, EPERM, EINVAL, EISDIR, EFBIG };
	int error = errno;

	if (w->fault->text[0] == '\0')
		w->fault->error = error;
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (error == own[i])
			w->fault->error = 0;
	return refuse_file(w, shown, error == EFBIG ? "it grew while it was read" : file_read_fault(error));
}

static bool
good_name(const char *name)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

	return name[0] != '.' && strspn(name, allowed) == strlen(name);
}

/* The bytes are read where they stay, with room for SIZE of them and one more, by which the end is seen. */
static bool
read_file(struct policy_walk *w, int folder, const char *name, struct policy_file file, size_t size)
{
	struct buffer text = { .room = size + 1, .limit = size + 1 };

	if (size > MAX_BYTES - w->bytes)
		return refuse_file(w, file.shown, "over 64 MiB in this policy");
	if (w->found.used / sizeof(file) == MAX_FILES)
		return refuse_file(w, file.shown, "over 1,000 files in this policy");
	/* A file may be JSON. */
	text.at = arena_take(&w->policy->arena, size + 1 + JSON_SLACK);
	if (!file_read_at(folder, name, &text))
		return refuse_errno(w, file.shown);
	file.text = buffer_bytes(&text);
	w->bytes += text.used;
	buffer_add(&w->found, &file, sizeof(file));
	return true;
}

static bool walk_folder(struct policy_walk *w, int folder, const char *prefix, unsigned depth);

static bool
enter_folder(struct policy_walk *w, int parent, const char *name, const char *relative, const char *shown,
    unsigned depth)
{
	if (depth == MAX_FOLDERS)
		return refuse_file(w, shown, "folders nested over 16 deep");
	int folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder < 0)
		return refuse_errno(w, shown);
	bool good = walk_folder(w, folder, arena_format(&w->policy->arena, "%s/", relative), depth + 1);
	(void)close(folder);
	return good;
}

static bool
take_entry(struct policy_walk *w, int folder, const char *prefix, const char *name, unsigned depth)
{
	struct arena *a = &w->policy->arena;
	const char *relative = arena_format(a, "%s%s", prefix, name);
	const char *shown = arena_format(a, "%s/%s", w->policy->directory, relative);
	const char *leftover = leftover_of(name);
	struct stat st;

	if (leftover != NULL)
		return refuse_file(w, shown, leftover);
	if (!good_name(name))
		return refuse_file(w, shown,
		    "not a name for a file of a policy, expected A-Z a-z 0-9 . _ - "
		    "and no dot in front");
	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return refuse_errno(w, shown);
	if (S_ISDIR(st.st_mode))
		return enter_folder(w, folder, name, relative, shown, depth);
	if (S_ISLNK(st.st_mode))
		return refuse_file(w, shown, "a link, expected a file: a policy holds all that it uses");
	if (!S_ISREG(st.st_mode))
		return refuse_file(w, shown, "neither file nor folder");
	if (strcmp(relative, signature_file) == 0)
		return true;
	if (strcmp(name, signature_file) == 0)
		return refuse_file(w, shown,
		    "a signature in a folder of the policy, of which no digest has it, expected one beside "
		    "policy.yaml");
	struct policy_file file = { .name = bytes_of(relative), .shown = shown };
	return read_file(w, folder, name, file, (size_t)st.st_size);
}

/* In sorted order, so that every machine finds the same fault first. */
static bool
walk_folder(struct policy_walk *w, int folder, const char *prefix, unsigned depth)
{
	struct buffer names;
	size_t count;
	bool good;

	buffer_init(&names, MAX_BYTES);
	good = file_list_at(folder, ".", &names, &count);
	if (!good)
		(void)refuse_errno(w, w->policy->directory);
	const char *name = names.at;
	for (size_t i = 0; good && i < count; i++) {
		good = take_entry(w, folder, prefix, name, depth);
		name += strlen(name) + 1;
	}
	buffer_release(&names);
	return good;
}

static int
file_order(const void *a, const void *b)
{
	const struct policy_file *left = a;
	const struct policy_file *right = b;

	return bytes_compare(left->name, right->name);
}

static void
keep_files(struct policy_walk *w)
{
	struct policy *p = w->policy;

	p->files = w->found.used / sizeof(struct policy_file);
	p->file = arena_array(&p->arena, p->files + 1, sizeof(struct policy_file));
	if (p->files > 0)
		memcpy(p->file, w->found.at, w->found.used);
	qsort(p->file, p->files, sizeof(struct policy_file), file_order);
}

static void
list_files(struct policy *p)
{
	char hex[DIGEST_HEX];
	struct buffer text;

	buffer_init(&text, BUFFER_UNLIMITED);
	for (size_t i = 0; i < p->files; i++) {
		digest_hex(p->file[i].text, hex);
		buffer_add(&text, hex, DIGEST_HEX - 1);
		buffer_add(&text, "  ", 2);
		buffer_add(&text, p->file[i].name.at, p->file[i].name.size);
		buffer_add(&text, "\n", 1);
	}
	p->listing = arena_copy(&p->arena, buffer_bytes(&text));
	digest_text(p->listing, p->digest);
	buffer_release(&text);
}

static bool
read_files(struct policy *p, struct fault *f)
{
	struct policy_walk w = { .policy = p, .fault = f };
	int folder = open(p->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (folder < 0)
		return refuse_errno(&w, p->directory);
	buffer_init(&w.found, BUFFER_UNLIMITED);
	bool good = walk_folder(&w, folder, "", 0);
	(void)close(folder);
	if (good) {
		keep_files(&w);
		list_files(p);
	}
	buffer_release(&w.found);
	return good;
}

/* Names of levels become file names of keys and words of tags. */
static bool
is_level_name(struct bytes t)
{
	for (size_t i = 0; i < t.size; i++) {
		if (!ascii_is_alnum(t.at[i]) && (i == 0 || (t.at[i] != '-' && t.at[i] != '_')))
			return false;
	}
	return t.size > 0 && t.size <= MAX_LEVEL_NAME;
}

static bool
read_level(struct policy *p, const char *file, const struct yaml_node *node, struct fault *f)
{
	struct yaml_map m;
	struct policy_level level = { 0 };
	uint64_t al = 0;

	if (!yaml_open(&m, file, node, f))
		return false;
	const struct yaml_node *name = yaml_need(&m, "name");
	const struct yaml_node *rank = yaml_need(&m, "al");
	if (!yaml_close(&m) || !yaml_string(file, name, &level.name, f) ||
	    !yaml_integer(file, rank, 0, MAX_AL, &al, f))
		return false;
	if (!is_level_name(level.name))
		return fault_at(f, file, name, "not a name for a level, expected 1 to 32 of A-Z a-z 0-9 _ -");
	if (policy_level(p, level.name) >= 0)
		return fault_at(f, file, name, "duplicate-id: level '%.*s' stands twice in the ladder",
		    (int)level.name.size, level.name.at);
	level.al = (unsigned)al;
	if (p->levels > 0 && level.al <= p->level[p->levels - 1].al)
		return fault_at(f, file, rank,
		    "ladder-order: al %u, expected more than %u: levels stand lowest "
		    "first and al rises",
		    level.al, p->level[p->levels - 1].al);
	p->level[p->levels++] = level;
	return true;
}

static bool
read_levels(struct policy *p, const char *file, const struct yaml_node *node, struct fault *f)
{
	if (node->kind != YAML_LIST || node->count == 0 || node->count > POLICY_MAX_LEVELS)
		return fault_at(
		    f, file, node, "expected a list of 1 to %d levels, lowest first", POLICY_MAX_LEVELS);
	for (size_t i = 0; i < node->count; i++)
		if (!read_level(p, file, node->item[i], f))
			return false;
	return true;
}

/* Serials are compared by bytes, so a number is allowed too. */
static bool
read_serial(struct policy *p, const char *file, const struct yaml_node *node, struct fault *f)
{
	if (node->kind != YAML_STRING && node->kind != YAML_NUMBER)
		return fault_at(
		    f, file, node, "expected a word that rises from version to version, as 2026-11-01");
	p->serial = node->text;
	return true;
}

bool
policy_read(struct policy *p, struct fault *f)
{
	const char *file;
	struct yaml_map m;
	uint64_t version;

	p->levels = 0;
	p->root = policy_yaml(p, "policy.yaml", &file, f);
	if (p->root == NULL || !yaml_open(&m, file, p->root, f))
		return false;
	const struct yaml_node *form = yaml_need(&m, "policy");
	const struct yaml_node *name = yaml_need(&m, "name");
	const struct yaml_node *serial = yaml_need(&m, "serial");
	const struct yaml_node *levels = yaml_need(&m, "levels");
	const struct yaml_node *code_system = yaml_take(&m, "code_system");
	const struct yaml_node *seconds = yaml_take(&m, "condition_seconds");
	p->record = yaml_take(&m, "record");
	return yaml_close(&m) && yaml_integer(file, form, 1, 1, &version, f) &&
	       yaml_string(file, name, &p->name, f) && read_serial(p, file, serial, f) &&
	       read_levels(p, file, levels, f) && yaml_string(file, code_system, &p->code_system, f) &&
	       yaml_integer(file, seconds, 1, MAX_CONDITION_SECONDS, &p->condition_seconds, f);
}

/* A name without a slash that is nothing here may be that of a policy that came with the program. */
static bool
find_installed(const char *directory, char path[INSTALLED_PATH])
{
	char name[NAME_MAX];

	return strchr(directory, '/') == NULL && directory[0] != '.' && access(directory, F_OK) != 0 &&
	       (size_t)snprintf(name, sizeof name, "policies/%s", directory) < sizeof name &&
	       installed_find(name, path);
}

bool
policy_gather(struct policy *p, const char *directory, struct fault *f)
{
	struct bytes shown = bytes_of(directory);
	char path[INSTALLED_PATH];

	*p = (struct policy){ 0 };
	if (find_installed(directory, path))
		shown = bytes_of(path);
	while (shown.size > 1 && shown.at[shown.size - 1] == '/')
		shown.size--;
	p->directory = arena_copy(&p->arena, shown).at;
	return read_files(p, f);
}

bool
policy_load(struct policy *p, const char *directory, struct fault *f)
{
	return policy_gather(p, directory, f) && policy_read(p, f);
}

void
policy_release(struct policy *p)
{
	arena_release(&p->arena);
	*p = (struct policy){ 0 };
}

const struct policy_file *
policy_file(const struct policy *p, const char *name)
{
	struct policy_file wanted = { .name = bytes_of(name) };

	if (p->files == 0)
		return NULL;
	return bsearch(&wanted, p->file, p->files, sizeof(wanted), file_order);
}

const struct yaml_node *
policy_yaml(struct policy *p, const char *name, const char **shown, struct fault *f)
{
	const struct policy_file *found = policy_file(p, name);
	struct policy_file *file = found == NULL ? NULL : &p->file[found - p->file];

	*shown = file != NULL ? file->shown : arena_format(&p->arena, "%s/%s", p->directory, name);
	if (file == NULL) {
		(void)fault_at(f, *shown, NULL, "this file is missing");
		return NULL;
	}
	if (file->tree == NULL || file->tree_of != file->text.at) {
		file->tree = yaml_read(&p->arena, file->shown, file->text, f);
		file->tree_of = file->text.at;
	}
	return file->tree;
}

int
policy_level(const struct policy *p, struct bytes name)
{
	for (unsigned i = 0; i < p->levels; i++)
		if (bytes_equal(p->level[i].name, name))
			return (int)i;
	return -1;
}

struct closest
policy_level_near(const struct policy *p, struct bytes name)
{
	struct closest c = closest_to(name);

	for (unsigned i = 0; i < p->levels; i++)
		closest_offer(&c, p->level[i].name);
	return c;
}

static const char *
ladder(const struct policy *p, char text[300])
{
	size_t used = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < p->levels && used + p->level[i].name.size + 2 <= 300; i++) {
		text[used++] = ' ';
		memcpy(text + used, p->level[i].name.at, p->level[i].name.size);
		used += p->level[i].name.size;
		text[used] = '\0';
	}
	return text;
}

bool
policy_level_node(
    const struct policy *p, const char *file, const struct yaml_node *node, unsigned *level, struct fault *f)
{
	char names[300], near[CLOSEST_ROOM];
	struct bytes name = { 0 };

	if (node != NULL && (node->kind == YAML_NUMBER || node->kind == YAML_BOOLEAN))
		name = node->text; /* a site may number its levels */
	else if (node == NULL || !yaml_string(file, node, &name, f))
		return fault_at(f, file, node, "a level is missing, expected one of%s", ladder(p, names));
	int found = policy_level(p, name);
	struct closest c = policy_level_near(p, name);
	if (found < 0)
		return fault_at(f, file, node, "unknown level '%.*s', expected one of%s%s",
		    (int)(name.size < 80 ? name.size : 80), name.at, ladder(p, names),
		    closest_text(&c, "", near));
	*level = (unsigned)found;
	return true;
}

int
policy_level_for(const struct policy *p, unsigned al)
{
	int found = -1;

	for (unsigned i = 0; i < p->levels && p->level[i].al <= al; i++)
		found = (int)i;
	return found;
}
