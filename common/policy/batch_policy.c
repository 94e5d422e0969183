/* SPDX-License-Identifier: ISC */
#include "common/policy/batch_policy.h"

#include "common/base/options.h"

#include <string.h>

enum { MAX_NAME = 64, MAX_PERCENT = 100, DIGEST_HEX_SIZE = 64 };

#define DEFAULT_SIZE ((uint64_t)16 << 30)

/* The programs that may stand in a pipeline; of one with verbs, the verb that may. */
static const struct {
	const char *name;
	const char *verb;
	unsigned takes;
} programs[] = {
	{ "ehr-ingest", NULL, BATCH_TAKES_ON_ERROR },
	{ "ehr-classify", NULL, BATCH_TAKES_POLICY | BATCH_TAKES_NOW | BATCH_TAKES_ON_ERROR },
	{ "ehr-redact", NULL,
	    BATCH_TAKES_POLICY | BATCH_TAKES_SITE | BATCH_TAKES_NOW | BATCH_TAKES_BATCH |
		BATCH_TAKES_ON_ERROR },
	{ "ehr-seal", NULL, BATCH_TAKES_POLICY | BATCH_TAKES_SITE | BATCH_TAKES_NOW | BATCH_TAKES_BATCH },
	{ "ehr-select", NULL, BATCH_TAKES_POLICY | BATCH_TAKES_SITE | BATCH_TAKES_NOW },
	{ "ehr-open", NULL, BATCH_TAKES_SITE | BATCH_TAKES_NOW },
	{ "ehr-authz", NULL, BATCH_TAKES_POLICY | BATCH_TAKES_SITE | BATCH_TAKES_NOW },
	{ "ehr-notify", NULL, BATCH_TAKES_POLICY | BATCH_TAKES_SITE | BATCH_TAKES_NOW },
	{ "ehr-deliver", "enqueue", BATCH_TAKES_SITE | BATCH_ACTS },
};

/* Options that ehr-batch gives, or that make a program do something else than its work. */
static const char *const own[] = { "--policy", "--site", "--now", "--batch", "--on-error", "--quarantine",
	"--max-refused", "--seq", "--manifest", "--places", "--trust", "--crl", "--source", "--help",
	"--version" };

struct reader {
	struct batch_policy *b;
	struct policy *p;
	const char *file;
	struct fault *f;
};

static const char *
text_of(struct reader *r, struct bytes text)
{
	return arena_copy(&r->p->arena, text).at;
}

static bool
add_word(struct reader *r, struct batch_command *c, const struct yaml_node *node, struct bytes word)
{
	if (memchr(word.at, '\0', word.size) != NULL || word.size == 0)
		return fault_at(r->f, r->file, node, "expected a command: a program and its options");
	if (c->words == BATCH_MAX_WORDS)
		return fault_at(r->f, r->file, node, "over %d words in a command", BATCH_MAX_WORDS);
	c->word[c->words++] = text_of(r, word);
	return true;
}

/* One string is cut at its blanks: nothing is quoted, so that there is no shell to wonder about. */
static bool
cut_words(struct reader *r, struct batch_command *c, const struct yaml_node *node, struct bytes text)
{
	while (text.size > 0) {
		size_t size = 0;

		while (size < text.size && text.at[size] != ' ')
			size++;
		if (size > 0 && !add_word(r, c, node, (struct bytes){ text.at, size }))
			return false;
		size += size < text.size;
		text.at += size;
		text.size -= size;
	}
	return c->words > 0 || fault_at(r->f, r->file, node, "expected a command: a program and its options");
}

static bool
read_words(struct reader *r, struct batch_command *c, const struct yaml_node *node)
{
	struct bytes word = { 0 };

	if (node->kind == YAML_STRING)
		return cut_words(r, c, node, node->text);
	if (node->kind != YAML_LIST || node->count == 0)
		return fault_at(r->f, r->file, node,
		    "expected a command: \"ehr-classify --fhir-labels\" or a list of its words");
	for (size_t i = 0; i < node->count; i++)
		if (!yaml_string(r->file, node->item[i], &word, r->f) || !add_word(r, c, node->item[i], word))
			return false;
	return true;
}

static bool
is_own(const char *word)
{
	size_t size = strcspn(word, "=");

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (strlen(own[i]) == size && strncmp(own[i], word, size) == 0)
			return true;
	return false;
}

/* Every word behind the program is one option, so no word is the name of a file to read. */
static bool
check_options(struct reader *r, const struct batch_command *c, unsigned from, const struct yaml_node *node)
{
	for (unsigned i = from; i < c->words; i++) {
		const char *word = c->word[i];

		if (strncmp(word, "--", 2) != 0 || word[2] == '\0' || word[2] == '=')
			return fault_at(r->f, r->file, node,
			    "'%.60s' of %s is not an option, expected --name or --name=value in one word",
			    word, c->word[0]);
		if (is_own(word))
			return fault_at(
			    r->f, r->file, node, "ehr-batch itself gives %s its %.60s", c->word[0], word);
	}
	return true;
}

static bool
unknown_program(struct reader *r, const char *name, const struct yaml_node *node)
{
	struct closest c = closest_to(bytes_of(name));
	char near[CLOSEST_ROOM];

	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		closest_offer(&c, bytes_of(programs[i].name));
	return fault_at(r->f, r->file, node,
	    "'%.60s' is no program that may stand in a pipeline%s; another executable is named by its whole "
	    "path, with its sha256",
	    name, closest_text(&c, "", near));
}

static bool
find_program(struct reader *r, struct batch_command *c, const struct yaml_node *node)
{
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		const char *verb = programs[i].verb;

		if (strcmp(programs[i].name, c->word[0]) != 0)
			continue;
		if (verb != NULL && (c->words < 2 || strcmp(c->word[1], verb) != 0))
			return fault_at(
			    r->f, r->file, node, "of %s only '%s' may stand in a pipeline", c->word[0], verb);
		c->takes = programs[i].takes;
		return check_options(r, c, verb != NULL ? 2 : 1, node);
	}
	return unknown_program(r, c->word[0], node);
}

static bool
is_hex(struct bytes text)
{
	for (size_t i = 0; i < text.size; i++)
		if (!ascii_is_digit(text.at[i]) && (text.at[i] < 'a' || text.at[i] > 'f'))
			return false;
	return text.size == DIGEST_HEX_SIZE;
}

/* An executable of the site's own, which counts only as the file that the policy names by its digest. */
static bool
check_executable(
    struct reader *r, struct batch_command *c, const struct yaml_node *node, const struct yaml_node *digest)
{
	if (c->word[0][0] != '/')
		return fault_at(r->f, r->file, node,
		    "'%.60s': an executable with a sha256 is named by its whole path; a program of the "
		    "toolkit has none",
		    c->word[0]);
	if (digest->kind == YAML_STRING || digest->kind == YAML_NUMBER)
		c->sha256 = digest->text;
	return is_hex(c->sha256) ||
	       fault_at(r->f, r->file, digest,
		   "expected 64 digits out of 0-9 a-f: what sha256sum prints for %.60s", c->word[0]);
}

static bool
read_command(
    struct reader *r, struct batch_command *c, const struct yaml_node *run, const struct yaml_node *digest)
{
	if (!read_words(r, c, run))
		return false;
	return digest != NULL ? check_executable(r, c, run, digest) : find_program(r, c, run);
}

static bool
read_stage(struct reader *r, const struct yaml_node *node)
{
	struct batch_command *c = &r->b->stage[r->b->stages++];
	const struct yaml_node *run = node, *digest = NULL;
	struct yaml_map m;

	if (node->kind == YAML_MAP) {
		if (!yaml_open(&m, r->file, node, r->f))
			return false;
		run = yaml_need(&m, "run");
		digest = yaml_take(&m, "sha256");
		if (!yaml_close(&m))
			return false;
	}
	if (!read_command(r, c, run, digest))
		return false;
	return (c->takes & BATCH_ACTS) == 0 ||
	       fault_at(r->f, r->file, run, "%s stands in `then`: it acts on what is in place", c->word[0]);
}

static bool
read_stages(struct reader *r, const struct yaml_node *node)
{
	if (node->kind != YAML_LIST || node->count == 0 || node->count > BATCH_MAX_STAGES)
		return fault_at(
		    r->f, r->file, node, "expected a list of 1 to %d commands, in order", BATCH_MAX_STAGES);
	for (size_t i = 0; i < node->count; i++)
		if (!read_stage(r, node->item[i]))
			return false;
	return true;
}

/* The name of an output that stands before this command, or NULL. */
static const char *
output_named(const struct batch_policy *b, const char *name)
{
	if (b->output != NULL && strcmp(b->output, name) == 0)
		return b->output;
	if (b->manifest != NULL && strcmp(b->manifest, name) == 0)
		return b->manifest;
	for (unsigned i = 0; i < b->thens; i++)
		if (b->then[i].output != NULL && strcmp(b->then[i].output, name) == 0)
			return b->then[i].output;
	return NULL;
}

static bool
read_output(struct reader *r, const struct yaml_node *node, const char **name)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	struct bytes text = { 0 };
	const char *copy;

	if (!yaml_string(r->file, node, &text, r->f))
		return false;
	copy = text_of(r, text);
	if (text.size == 0 || text.size > MAX_NAME || strspn(copy, allowed) != text.size || copy[0] == '.' ||
	    copy[0] == '-')
		return fault_at(r->f, r->file, node,
		    "not a name for an output, expected 1 to %d of A-Z a-z 0-9 . _ -, no dot or dash in "
		    "front",
		    MAX_NAME);
	if (strcmp(copy, "run") == 0 || strcmp(copy, "places") == 0 || bytes_begin(text, "refused."))
		return fault_at(
		    r->f, r->file, node, "'%s' is a file of ehr-batch itself: give it another name", copy);
	if (output_named(r->b, copy) != NULL)
		return fault_at(r->f, r->file, node, "two outputs have the name '%s'", copy);
	*name = copy;
	return true;
}

static bool
read_manifest(struct reader *r, const struct yaml_node *node)
{
	if (node == NULL)
		return true;
	for (unsigned i = 0; i < r->b->stages; i++)
		if (strcmp(r->b->stage[i].word[0], "ehr-seal") == 0)
			return read_output(r, node, &r->b->manifest);
	return fault_at(r->f, r->file, node, "no stage is ehr-seal, which would write it");
}

static bool
read_input(struct reader *r, const struct yaml_node *node, const char **name)
{
	struct bytes text = { 0 };

	*name = r->b->output;
	if (node == NULL)
		return true;
	if (!yaml_string(r->file, node, &text, r->f))
		return false;
	*name = output_named(r->b, text_of(r, text));
	return *name != NULL ||
	       fault_at(r->f, r->file, node,
		   "no output of that name stands before this command, expected %s or one of "
		   "`then` above",
		   r->b->output);
}

static bool
read_then(struct reader *r, const struct yaml_node *node)
{
	struct batch_command *c = &r->b->then[r->b->thens];
	struct yaml_map m;

	if (node->kind != YAML_MAP)
		return fault_at(r->f, r->file, node,
		    "expected a command and its output, such as {run: ehr-notify, output: intents.ndjson}");
	if (!yaml_open(&m, r->file, node, r->f))
		return false;
	const struct yaml_node *run = yaml_need(&m, "run");
	const struct yaml_node *digest = yaml_take(&m, "sha256");
	const struct yaml_node *input = yaml_take(&m, "input");
	const struct yaml_node *output = yaml_need(&m, "output");
	if (!yaml_close(&m) || !read_command(r, c, run, digest) || !read_input(r, input, &c->input) ||
	    !read_output(r, output, &c->output))
		return false;
	r->b->thens++;
	return true;
}

static bool
read_thens(struct reader *r, const struct yaml_node *node)
{
	if (node == NULL)
		return true;
	if (node->kind != YAML_LIST || node->count > BATCH_MAX_THEN)
		return fault_at(r->f, r->file, node,
		    "expected a list of at most %d commands with `run` and "
		    "`output`",
		    BATCH_MAX_THEN);
	for (size_t i = 0; i < node->count; i++)
		if (!read_then(r, node->item[i]))
			return false;
	return true;
}

/* "50%" */
static bool
read_percent(struct reader *r, const struct yaml_node *node, unsigned *percent)
{
	struct bytes text = { 0 };
	uint64_t value = 0;
	char digits[8];

	if (node == NULL)
		return true;
	if (node->kind == YAML_STRING)
		text = node->text;
	if (!bytes_end(text, "%") ||
	    !bytes_string((struct bytes){ text.at, text.size - 1 }, digits, sizeof digits) ||
	    !options_number(digits, MAX_PERCENT, &value))
		return fault_at(
		    r->f, r->file, node, "expected a share of the records from 0%% to 100%%, as 50%%");
	*percent = (unsigned)value;
	return true;
}

static bool
read_size(struct reader *r, const struct yaml_node *node, uint64_t *size)
{
	char text[24];
	size_t value = 0;

	if (node == NULL)
		return true;
	if ((node->kind != YAML_STRING && node->kind != YAML_NUMBER) ||
	    !bytes_string(node->text, text, sizeof text) || !options_size(text, &value))
		return fault_at(r->f, r->file, node, "expected a size above 0, such as 500M or 16G");
	*size = value;
	return true;
}

static bool
read_limits(struct reader *r, const struct yaml_node *node)
{
	struct yaml_map m;

	if (node == NULL)
		return true;
	if (!yaml_open(&m, r->file, node, r->f))
		return false;
	const struct yaml_node *refused = yaml_take(&m, "refused");
	const struct yaml_node *size = yaml_take(&m, "size");
	return yaml_close(&m) && read_percent(r, refused, &r->b->refused) && read_size(r, size, &r->b->size);
}

bool
batch_policy_load(struct batch_policy *b, struct policy *p, struct fault *f)
{
	static const char *const errors[] = { "fail", "skip", "quarantine", NULL };
	struct reader r = { .b = b, .p = p, .f = f };
	struct yaml_map m;
	uint64_t version = 0;

	*b = (struct batch_policy){ .refused = MAX_PERCENT / 2, .size = DEFAULT_SIZE };
	const struct yaml_node *root = policy_yaml(p, "pipeline.yaml", &r.file, f);
	if (root == NULL || !yaml_open(&m, r.file, root, f))
		return false;
	const struct yaml_node *form = yaml_need(&m, "pipeline");
	const struct yaml_node *stages = yaml_need(&m, "stages");
	const struct yaml_node *output = yaml_need(&m, "output");
	const struct yaml_node *manifest = yaml_take(&m, "manifest");
	const struct yaml_node *thens = yaml_take(&m, "then");
	const struct yaml_node *on_error = yaml_take(&m, "on_error");
	const struct yaml_node *limits = yaml_take(&m, "limits");
	const struct yaml_node *archive = yaml_take(&m, "archive");
	return yaml_close(&m) && yaml_integer(r.file, form, 1, 1, &version, f) && read_stages(&r, stages) &&
	       read_output(&r, output, &b->output) && read_manifest(&r, manifest) && read_thens(&r, thens) &&
	       yaml_word(r.file, on_error, errors, &b->on_error, f) && read_limits(&r, limits) &&
	       (archive == NULL || yaml_boolean(r.file, archive, &b->archive, f));
}
