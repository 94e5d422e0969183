/* SPDX-License-Identifier: ISC */
#include "common/access/parts.h"

enum {
	MAX_AL = 99,
	MIN_COMMAND_ID = 22, /* characters of base64url: 128 bits */
	MAX_AHEAD = 5,       /* seconds that a command may be issued in the future, for clocks that differ */
};

static bool
read_al(struct access_reader *r, struct yaml_map *m, unsigned *al)
{
	const struct yaml_node *node = yaml_need(m, "al");
	uint64_t number = 0;

	if (!node || !yaml_integer(r->file, node, 0, MAX_AL, &number, r->fault))
		return false;
	*al = (unsigned)number;
	return true;
}

static bool
read_rows(struct access_reader *r, const struct yaml_node *node, enum criteria_side side,
    struct clearance_row **rows, uint32_t *count)
{
	if (!node)
		return true;
	if (node->kind != YAML_LIST)
		return fault_at(r->fault, r->file, node, "expected a list of rows");
	*rows = arena_array(r->arena, node->count, sizeof **rows);
	for (size_t i = 0; i < node->count; i++) {
		struct clearance_row *row = &(*rows)[(*count)++];
		struct yaml_map m;

		row->node = node->item[i];
		if (!yaml_open(&m, r->file, node->item[i], r->fault) || !read_al(r, &m, &row->al) ||
		    !criteria_read(r, &m, side, CRITERIA_REQUEST | CRITERIA_WHAT, &row->criteria) ||
		    !yaml_close(&m))
			return false;
	}
	return true;
}

static bool
read_commands(struct clearances *c, struct access_reader *r, const struct yaml_node *node)
{
	if (!node)
		return true;
	if (node->kind != YAML_MAP)
		return fault_at(r->fault, r->file, node, "expected a map of commands");
	c->command = arena_array(r->arena, node->count, sizeof *c->command);
	for (size_t i = 0; i < node->count; i++) {
		struct command *command = &c->command[c->commands++];
		uint64_t approvals = 0;
		struct yaml_map m;

		command->word = intern_add(r->words, node->key[i]->text);
		if (!yaml_open(&m, r->file, node->item[i], r->fault) || !read_al(r, &m, &command->al) ||
		    !reader_duration(r, yaml_need(&m, "fresh"), &command->fresh) ||
		    !yaml_integer(r->file, yaml_take(&m, "approvals"), 0, MAX_AL, &approvals, r->fault) ||
		    !yaml_close(&m))
			return false;
		command->approvals = (unsigned)approvals;
	}
	return true;
}

/* How long a decision is fresh is for other programs; here it is only checked. */
static bool
check_age(struct access_reader *r, const struct yaml_node *node)
{
	int64_t age;

	return !node || reader_duration(r, node, &age);
}

/* The longest grant and assertion are read by permission_longest(); here they are only checked. */
static bool
check_longest(struct access_reader *r, const struct yaml_node *node)
{
	struct yaml_map m;
	int64_t longest;

	return !node || (yaml_open(&m, r->file, node, r->fault) &&
			    reader_duration(r, yaml_need(&m, "longest"), &longest) && yaml_close(&m));
}

bool
clearances_read(struct clearances *c, struct access_reader *r)
{
	const struct yaml_node *root;
	struct yaml_map m;

	*c = (struct clearances){ 0 };
	if (!policy_file(r->policy, "authz/clearances.yaml"))
		return true;
	root = policy_yaml(r->policy, "authz/clearances.yaml", &r->file, r->fault);
	if (!root || !reader_open(r, root, &m))
		return false;
	c->there = true;
	c->file = r->file;
	return read_rows(r, yaml_need(&m, "clearances"), SIDE_PERMIT, &c->row, &c->rows) &&
	       !r->fault->text[0] && read_rows(r, yaml_take(&m, "caps"), SIDE_DENY, &c->cap, &c->caps) &&
	       read_commands(c, r, yaml_take(&m, "commands")) && check_longest(r, yaml_take(&m, "grants")) &&
	       check_longest(r, yaml_take(&m, "assertions")) &&
	       check_age(r, yaml_take(&m, "decision_max_age")) && yaml_close(&m);
}

static enum truth
row_holds(const struct clearance_row *row, struct situation *s)
{
	struct attribute_set missing = { 0 };
	unsigned data = 0;

	return criteria_judge(&row->criteria, s, &data, &missing);
}

/* A claim lowers the level.  False if it is no number or above what was assessed. */
static bool
take_claim(const struct situation *s, unsigned *al)
{
	const struct values *claim = situation_values(s, ATTRIBUTE_CLAIMED_AL);
	unsigned number = 0;

	if (!claim->present)
		return true;
	if (claim->count != 1 || claim->at[0].kind != VALUE_NUMBER || claim->at[0].text.size > 2)
		return false;
	for (size_t i = 0; i < claim->at[0].text.size; i++) {
		char digit = claim->at[0].text.at[i];

		if (!ascii_is_digit(digit))
			return false;
		number = 10 * number + (unsigned)(digit - '0');
	}
	if (number > *al)
		return false;
	*al = number;
	return true;
}

struct clearance
clearance_assess(const struct clearances *c, struct situation *s)
{
	struct clearance a = { .reason = "no-clearance" };

	for (uint32_t i = 0; i < c->rows; i++) {
		if (a.reason == NULL && c->row[i].al <= a.assessed)
			continue;
		if (row_holds(&c->row[i], s) != TRUTH_TRUE)
			continue;
		a.assessed = c->row[i].al;
		a.row = &c->row[i];
		a.reason = NULL;
	}
	if (a.reason)
		return a;
	for (uint32_t i = 0; i < c->caps; i++)
		if (c->cap[i].al < a.assessed && row_holds(&c->cap[i], s) != TRUTH_FALSE) {
			a.assessed = c->cap[i].al;
			a.cap = &c->cap[i];
		}
	a.al = a.assessed;
	if (!take_claim(s, &a.al))
		a.reason = "claimed-al";
	return a;
}

static bool
is_fresh(const struct command *command, const struct situation *s)
{
	struct instant issued;
	const struct instant *now = &s->request->time;

	return s->request->timed &&
	       clock_parse_instant(request_string(s->request, ATTRIBUTE_ISSUED), &issued) &&
	       instant_compare(*now, instant_add(issued, command->fresh)) <= 0 &&
	       instant_compare(issued, instant_add(*now, MAX_AHEAD)) <= 0;
}

void
used_init(struct used_commands *u, struct arena *arena)
{
	intern_init(&u->pairs, arena);
}

void
used_release(struct used_commands *u)
{
	intern_release(&u->pairs);
}

bool
used_read(struct used_commands *u, struct access_reader *r, struct bytes text)
{
	struct scratch scratch = { 0 };
	struct bytes device, id;
	struct ndjson n;

	ndjson_init(&n, r, NULL, text);
	while (ndjson_next(&n)) {
		if (!ndjson_string(&n, "device", &device) || !ndjson_string(&n, "id", &id))
			break;
		used_add(u, &scratch, device, id);
		scratch_reset(&scratch);
	}
	ndjson_release(&n);
	scratch_release(&scratch);
	return !r->fault->text[0];
}

void
used_add(struct used_commands *u, struct scratch *scratch, struct bytes device, struct bytes id)
{
	(void)intern_add(&u->pairs, intern_pair(scratch, device, id));
}

static bool
is_used(const struct used_commands *u, struct scratch *scratch, struct bytes device, struct bytes id)
{
	return intern_find(&u->pairs, intern_pair(scratch, device, id)) != 0;
}

/* At least 128 random bits in base64url. */
static bool
is_random_id(struct bytes id)
{
	bool good = id.size >= MIN_COMMAND_ID;

	for (size_t i = 0; good && i < id.size; i++)
		good = ascii_is_alnum(id.at[i]) || id.at[i] == '-' || id.at[i] == '_';
	return good;
}

const char *
clearance_command(const struct clearances *c, const struct situation *s, bool cleared, unsigned al,
    const struct used_commands *used, struct scratch *scratch)
{
	const struct values *name = situation_values(s, ATTRIBUTE_COMMAND);
	struct bytes id = request_string(s->request, ATTRIBUTE_COMMAND_ID);
	const struct command *command = NULL;

	for (uint32_t i = 0; i < c->commands && name->count == 1 && name->at[0].word != 0; i++)
		if (c->command[i].word == name->at[0].word)
			command = &c->command[i];
	if (!command)
		return "command-type";
	if (!cleared || al < command->al)
		return "command-al";
	if (!is_fresh(command, s))
		return "command-stale";
	if (!is_random_id(id))
		return "command-id";
	if (is_used(used, scratch, request_string(s->request, ATTRIBUTE_RESOURCE_ID), id))
		return "command-replay";
	return approvals_count(s, command->approvals, scratch) < command->approvals ? "command-approval"
										    : NULL;
}
