/* SPDX-License-Identifier: ISC */
#include "common/policy/seal_policy.h"

#include "common/line/tags.h"

#include <string.h>

enum { MAX_TAGS = 16, MIN_BLOCK = 16, MAX_BLOCK = 65536, MAX_REKEY = 65536 };

static const char *const lives[] = { "stable", "epoch", NULL };
static const char *const paddings[] = { "none", "padme", NULL };

static bool
read_domain(struct seal_policy *s, const char *file, const struct yaml_node *node, struct fault *f)
{
	if (!yaml_string(file, node, &s->domain, f))
		return false;
	if (!tag_is_word(s->domain) || memchr(s->domain.at, '/', s->domain.size) != NULL)
		return fault_at(
		    f, file, node, "not a name for a domain, expected 1 to 128 of A-Z a-z 0-9 . _ : @ + -");
	return true;
}

static bool
read_pseudonyms(struct seal_policy *s, const char *file, const struct yaml_node *node, struct fault *f)
{
	struct yaml_map m;
	unsigned id = 0;
	unsigned subject = 0;

	if (node == NULL)
		return true;
	if (!yaml_open(&m, file, node, f))
		return false;
	const struct yaml_node *of_id = yaml_take(&m, "id");
	const struct yaml_node *of_subject = yaml_take(&m, "subject");
	if (!yaml_close(&m) || !yaml_word(file, of_id, lives, &id, f) ||
	    !yaml_word(file, of_subject, lives, &subject, f))
		return false;
	s->id_per_epoch = id == 1;
	s->subject_per_epoch = subject == 1;
	return true;
}

/* Sizes that a version grows to, each larger than the one before. */
static bool
read_steps(struct seal_policy *s, const char *file, const struct yaml_node *node, struct fault *f)
{
	uint64_t size = 0;

	if (node->count == 0 || node->count > SEAL_STEPS_MOST)
		return fault_at(f, file, node, "expected 1 to %d sizes", SEAL_STEPS_MOST);
	for (size_t i = 0; i < node->count; i++) {
		if (!yaml_integer(file, node->item[i], MIN_BLOCK, MAX_BLOCK, &size, f))
			return false;
		if (size <= s->block)
			return fault_at(f, file, node->item[i], "expected a size above the one before it");
		s->block = s->step[s->steps++] = (unsigned)size;
	}
	s->padding = PADDING_BLOCK;
	return true;
}

static bool
read_padding(struct seal_policy *s, const char *file, const struct yaml_node *node, struct fault *f)
{
	uint64_t block = 0;
	unsigned word = 0;

	if (node->kind == YAML_LIST)
		return read_steps(s, file, node, f);
	if (node->kind == YAML_NUMBER) {
		s->padding = PADDING_BLOCK;
		if (!yaml_integer(file, node, MIN_BLOCK, MAX_BLOCK, &block, f))
			return false;
		s->block = (unsigned)block;
		return true;
	}
	if (!yaml_word(file, node, paddings, &word, f))
		return false;
	s->padding = word == 0 ? PADDING_NONE : PADDING_PADME;
	return true;
}

static bool
read_tag(const char *file, const struct yaml_node *name, const struct yaml_node *values, struct fault *f)
{
	struct bytes value = { 0 };

	if (!tag_is_word(name->text))
		return fault_at(
		    f, file, name, "not a name for a tag, expected 1 to 128 of A-Z a-z 0-9 . _ : / @ + -");
	/* JavaScript puts members of such names first, so what it writes of a line's tags has other bytes. */
	if (bytes_digits(name->text, 0) == name->text.size)
		return fault_at(f, file, name,
		    "a name of digits alone, which JavaScript would move in the line; put a letter before "
		    "it");
	if (values->kind != YAML_LIST || values->count == 0)
		return fault_at(f, file, values, "expected a list of the values that this tag may have");
	for (size_t i = 0; i < values->count; i++) {
		if (!yaml_string(file, values->item[i], &value, f))
			return false;
		if (!tag_is_word(value))
			return fault_at(f, file, values->item[i],
			    "not a value for a tag, expected 1 to 128 of A-Z a-z 0-9 . _ : / @ + -");
	}
	return true;
}

static bool
read_tags(struct seal_policy *s, const char *file, const struct yaml_node *node, struct fault *f)
{
	if (node == NULL)
		return true;
	if (node->kind != YAML_MAP || node->count > MAX_TAGS)
		return fault_at(f, file, node, "expected a map of at most %d tags", MAX_TAGS);
	for (size_t i = 0; i < node->count; i++)
		if (!read_tag(file, node->key[i], node->item[i], f))
			return false;
	s->tags = node;
	return true;
}

bool
seal_policy_load(struct seal_policy *s, struct policy *p, struct fault *f)
{
	const char *file;
	struct yaml_map m;
	uint64_t version = 0;
	uint64_t rekey = MAX_REKEY;
	bool tells_empty = true;

	*s = (struct seal_policy){ 0 };
	const struct yaml_node *root = policy_yaml(p, "seal.yaml", &file, f);
	if (root == NULL || !yaml_open(&m, file, root, f))
		return false;
	const struct yaml_node *form = yaml_need(&m, "seal");
	const struct yaml_node *domain = yaml_need(&m, "domain");
	const struct yaml_node *pseudonyms = yaml_take(&m, "pseudonyms");
	const struct yaml_node *padding = yaml_need(&m, "padding");
	const struct yaml_node *lines = yaml_take(&m, "rekey_lines");
	const struct yaml_node *empty = yaml_take(&m, "empty_tag");
	const struct yaml_node *tags = yaml_take(&m, "tags");
	if (!yaml_close(&m) || !yaml_integer(file, form, 1, 1, &version, f) ||
	    !read_domain(s, file, domain, f) || !read_pseudonyms(s, file, pseudonyms, f) ||
	    !read_padding(s, file, padding, f) || !yaml_integer(file, lines, 1, MAX_REKEY, &rekey, f) ||
	    (empty != NULL && !yaml_boolean(file, empty, &tells_empty, f)) || !read_tags(s, file, tags, f))
		return false;
	s->hides_empty = !tells_empty;
	s->rekey_lines = (unsigned)rekey;
	return true;
}

bool
seal_policy_allows(const struct seal_policy *s, struct bytes name, struct bytes value)
{
	for (size_t i = 0; s->tags != NULL && i < s->tags->count; i++) {
		if (!bytes_equal(s->tags->key[i]->text, name))
			continue;
		const struct yaml_node *values = s->tags->item[i];
		for (size_t k = 0; k < values->count; k++)
			if (bytes_equal(values->item[k]->text, value))
				return true;
	}
	return false;
}

bool
seal_policy_choice(
    const struct seal_policy *s, const char *file, const struct yaml_node *node, struct fault *f)
{
	struct bytes word;

	if (node->kind != YAML_MAP)
		return fault_at(f, file, node, "expected a map from tag to words");
	for (size_t i = 0; i < node->count; i++) {
		if (yaml_strings(node->item[i]) == 0)
			return fault_at(f, file, node->item[i], "expected a list of words");
		for (size_t k = 0; k < yaml_strings(node->item[i]); k++)
			if (!yaml_item_string(file, node->item[i], k, &word, f))
				return false;
			else if (!seal_policy_allows(s, node->key[i]->text, word))
				return fault_at(f, file, node->key[i],
				    "no line has this tag with such a word: `tags` of seal.yaml does not "
				    "list it");
	}
	return true;
}
