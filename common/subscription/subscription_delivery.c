/* SPDX-License-Identifier: ISC */
#include "common/subscription/subscription_delivery.h"

#include "common/base/clock.h"
#include "common/policy/delivery.h"

static bool
is_channel(const struct notify_policy *plan, struct bytes name)
{
	const struct yaml_node *channels = plan->channels;

	/* A policy that names no channels leaves them to the site. */
	for (size_t i = 0; channels != NULL && i < channels->count; i++)
		if (bytes_equal(channels->key[i]->text, name))
			return true;
	return channels == NULL;
}

static bool
read_route(
    const struct subscription_source *r, const struct yaml_node *node, struct subscription_route *route)
{
	const struct yaml_node *to;
	struct yaml_map m;

	if (!yaml_open(&m, r->file, node, r->fault) ||
	    !yaml_string(r->file, yaml_need(&m, "channel"), &route->channel, r->fault) ||
	    !yaml_string(r->file, to = yaml_need(&m, "to"), &route->to, r->fault) ||
	    !yaml_duration(r->file, yaml_take(&m, "after"), &route->after, r->fault))
		return false;
	return yaml_close(&m) &&
	       (delivery_is_address(route->to) || fault_at(r->fault, r->file, to, DELIVERY_ADDRESS));
}

static bool
read_routes(const struct subscription_source *r, const struct yaml_node *node,
    struct subscription_delivery *d, const char **why)
{
	struct subscription_route *route;

	if (node == NULL)
		return true;
	if (node->kind != YAML_LIST)
		return fault_at(r->fault, r->file, node, "expected a list of routes");
	d->route = route = arena_array(r->arena, node->count + 1, sizeof *route);
	for (d->routes = 0; d->routes < node->count; d->routes++, route++) {
		if (!read_route(r, node->item[d->routes], route))
			return false;
		if (!is_channel(r->plan, route->channel))
			*why = "channel";
	}
	return true;
}

/* {max: N, KEY: DURATION} */
static bool
read_limit(const struct subscription_source *r, const struct yaml_node *node, const char *key, uint64_t *most,
    int64_t *seconds)
{
	struct yaml_map m;

	if (node == NULL)
		return true;
	return yaml_open(&m, r->file, node, r->fault) &&
	       yaml_integer(r->file, yaml_need(&m, "max"), 1, 1000, most, r->fault) &&
	       yaml_duration(r->file, yaml_need(&m, key), seconds, r->fault) && yaml_close(&m);
}

/* "22:00", in minutes. */
static bool
read_minute(const struct subscription_source *r, const struct yaml_node *node, uint64_t *minute)
{
	struct bytes text = { "", 0 };
	uint64_t part[2] = { 0, 0 };

	if (!yaml_string(r->file, node, &text, r->fault))
		return false;
	for (size_t i = 0; i < text.size; i++)
		if (i != 2 && ascii_is_digit(text.at[i]))
			part[i > 2] = 10 * part[i > 2] + (uint64_t)(text.at[i] - '0');
		else if (i != 2 || text.at[i] != ':')
			text.size = 0;
	*minute = 60 * part[0] + part[1];
	return (text.size == 5 && part[0] < 24 && part[1] < 60) ||
	       fault_at(r->fault, r->file, node, "expected a time of the day such as \"22:00\"");
}

static bool
read_zone(const struct subscription_source *r, const struct yaml_node *node, const char **zone)
{
	struct bytes name;

	if (node == NULL)
		return true;
	if (!yaml_string(r->file, node, &name, r->fault))
		return false;
	*zone = name.at;
	return clock_has_zone(name) ||
	       fault_at(r->fault, r->file, node, "this machine has no time zone of that name");
}

/* Of the two highest criticalities nothing waits, whatever stands here. */
static bool
read_below(const struct subscription_source *r, const struct yaml_node *node, int *below)
{
	int highest = (int)r->plan->words - 2;
	struct bytes word;

	*below = highest;
	if (node == NULL)
		return true;
	if (!yaml_string(r->file, node, &word, r->fault))
		return false;
	*below = notify_policy_word(r->plan, word);
	return (*below >= 0 && *below <= highest) ||
	       fault_at(r->fault, r->file, node,
		   "expected a criticality of the policy below the highest: that is always told");
}

static bool
read_quiet(const struct subscription_source *r, const struct yaml_node *node, struct subscription_delivery *d)
{
	struct yaml_map m;

	if (node == NULL)
		return true;
	return yaml_open(&m, r->file, node, r->fault) &&
	       read_minute(r, yaml_need(&m, "from"), &d->quiet_from) &&
	       read_minute(r, yaml_need(&m, "to"), &d->quiet_until) &&
	       read_zone(r, yaml_take(&m, "zone"), &d->quiet_zone) &&
	       read_below(r, yaml_take(&m, "below"), &d->quiet_below) && yaml_close(&m) &&
	       (d->quiet_from != d->quiet_until ||
		   fault_at(r->fault, r->file, node, "from and to are the same time: give hours that end"));
}

static bool
read_rules(const struct subscription_source *r, const struct yaml_node *node, struct subscription_delivery *d)
{
	struct yaml_map m;

	if (node == NULL)
		return true;
	return yaml_open(&m, r->file, node, r->fault) &&
	       read_limit(r, yaml_take(&m, "batch"), "wait", &d->batch_most, &d->batch_wait) &&
	       read_limit(r, yaml_take(&m, "rate"), "per", &d->rate_most, &d->rate_per) &&
	       yaml_duration(r->file, yaml_take(&m, "dedupe"), &d->dedupe, r->fault) &&
	       read_quiet(r, yaml_take(&m, "quiet"), d) && yaml_close(&m);
}

static bool
take_fhir(const struct subscription_source *r, const struct fhir_wish *w, struct subscription_delivery *d,
    const char **why)
{
	struct subscription_route *route = arena_take(r->arena, sizeof *route);

	*route = (struct subscription_route){ .channel = w->channel, .to = w->to };
	d->route = route;
	d->routes = 1;
	if (!delivery_is_address(w->to))
		return fault_at(r->fault, r->file, w->resource, "fhir-channel: " DELIVERY_ADDRESS);
	if (!is_channel(r->plan, w->channel))
		*why = "channel";
	/* What a rate or quiet hours hold back is gathered into one message. */
	return w->most == 0 ||
	       (d->batch_most <= w->most && d->rate_most == 0 && d->quiet_from == d->quiet_until) ||
	       fault_at(
		   r->fault, r->file, w->resource, "fhir-max-count: `delivery` may gather more in a message");
}

bool
subscription_delivery_read(const struct subscription_source *r, struct yaml_map *m, const struct fhir_wish *w,
    struct subscription *sub, const char **why)
{
	struct subscription_delivery *d = arena_take(r->arena, sizeof *d);
	const struct yaml_node *route = yaml_take(m, "route");
	const struct yaml_node *delivery = yaml_take(m, "delivery");

	sub->delivery = r->keeps_delivery ? d : NULL;
	return read_routes(r, route, d, why) && read_rules(r, delivery, d) &&
	       (w == NULL || take_fhir(r, w, d, why));
}

void
subscription_delivery_keep(const struct subscription_source *r, struct subscription *sub)
{
	struct subscription_delivery d;
	struct subscription_route *route;

	if (sub->delivery == NULL)
		return;
	d = *sub->delivery;
	route = arena_array(r->arena, d.routes + 1, sizeof *route);
	for (size_t i = 0; i < d.routes; i++)
		route[i] = (struct subscription_route){ .channel = pool_text(r->pool, d.route[i].channel),
			.to = pool_text(r->pool, d.route[i].to),
			.after = d.route[i].after };
	d.route =
	    (const void *)pool_own(r->pool, (struct bytes){ (const char *)route, d.routes * sizeof *route })
		.at;
	if (d.quiet_zone != NULL)
		d.quiet_zone = pool_text(r->pool, bytes_of(d.quiet_zone)).at;
	sub->delivery = (const void *)pool_own(r->pool, (struct bytes){ (const char *)&d, sizeof d }).at;
}
