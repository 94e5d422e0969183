/* SPDX-License-Identifier: ISC */
#include "common/subscription/subscription.h"
#include "tests/lib/fuzz.h"

static struct policy policy;
static struct notify_policy plan;
static struct grants grants;
static const struct grant *grant;

/* The hospital's policy, and one grant: party p, AL 3, a nurse, for the subjects s_a and s_b. */
static void
begin(void)
{
	static struct bytes roles[] = { BYTES("nurse"), BYTES("physician") };
	static struct bytes subjects[] = { BYTES("s_a"), BYTES("s_b") };
	static struct bytes purposes[] = { BYTES("TREAT") };
	static struct grant one = { .jti = BYTES("g"),
		.sub = BYTES("p"),
		.roles = { roles, 2 },
		.subjects = { subjects, 2 },
		.purposes = { purposes, 1 },
		.al = 3,
		.exp = 1 };
	struct fault fault = { 0 };

	hold(policy_load(&policy, "policies/hospital", &fault) && notify_policy_load(&plan, &policy, &fault));
	grants_init(&grants);
	grants.grant = &one;
	grants.count = 1;
	grant = &one;
}

/* A subscription that counts asks for no more than its grant gives. */
static void
check_good(const struct subscription *s)
{
	hold(s->grant == grant && s->al <= grant->al && s->id.size > 0);
	hold(s->class >= 0 && s->min_criticality < plan.words && plan.payload[s->payload]);
	hold(!s->everyone && s->subjects.count > 0);
	for (size_t i = 0; i < s->subjects.count; i++)
		hold(grants_cover(&grants, grant, s->subjects.at[i]));
	hold(grants_purpose(grant, s->purpose));
}

static void
read_one(const struct subscription_source *from, const struct yaml_node *node)
{
	struct subscription s;
	const char *why = NULL;

	*from->fault = (struct fault){ 0 };
	switch (subscription_read(from, node, &s, &why)) {
	case SUBSCRIPTION_GOOD:
		hold(why == NULL);
		check_good(&s);
		subscription_keep(from, &s);
		check_good(&s);
		break;
	case SUBSCRIPTION_DROPPED:
		break;
	case SUBSCRIPTION_REFUSED:
		hold(why != NULL && s.id.size > 0);
		break;
	case SUBSCRIPTION_FAULT:
		hold(from->fault->text[0] != '\0');
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { 0 };
	struct pool pool = { 0 };
	struct conditions conditions = { 0 };
	struct fault fault = { 0 };
	const struct subscription_source from = { .plan = &plan,
		.grants = &grants,
		.arena = &arena,
		.pool = &pool,
		.conditions = &conditions,
		.file = "f",
		.fault = &fault };
	const struct yaml_node *root;

	if (grant == NULL)
		begin();
	root = yaml_read(&arena, "f", (struct bytes){ (const char *)data, size }, &fault);
	hold(root != NULL || fault.text[0] != '\0');
	if (root != NULL)
		read_one(&from, root);
	for (size_t i = 0; root != NULL && root->kind == YAML_LIST && i < root->count; i++)
		read_one(&from, root->item[i]);
	conditions_release(&conditions);
	pool_release(&pool);
	arena_release(&arena);
	return 0;
}
