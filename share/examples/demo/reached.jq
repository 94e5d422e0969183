# Subscriptions, sealed lines and intents: of how many records somebody is told, and why of the others nobody is.  What
# stops a subscription is asked in the order of ehr-notify; of several the one that came nearest to being told counts.
def urgency: {routine: 0, low: 1, medium: 2, high: 3, critical: 4}[.];
def above: 1; def empty_for_them: 2; def calm: 3; def no_step: 4; def told: 5;
def stopped($versions):
	.claims.al as $al | .select.min_criticality as $least
	| [$versions[] | select(.al <= $al)] | max_by(.al)
	| if . == null then above elif .empty then empty_for_them elif (.criticality | urgency) < ($least | urgency) then calm else no_step end;
reduce inputs as $line ({subscriptions: {}, records: {}, told: {}};
	if $line.select then .subscriptions[$line.select.subjects[]] += [$line]
	elif $line.kind == "last-resort" then .
	elif $line.ehr.stage == "intent" then .told[$line.ehr.record][$line.ehr.event] = true
	elif $line.ehr.n == 1 then .records[$line.ehr.id] += [[$line.ehr]]
	elif $line.ehr.n then .records[$line.ehr.id][-1] += [$line.ehr]
	else . end)
| .subscriptions as $subscriptions | .told as $told
# A record that came in several times was told as often as it has events.
| [.records | to_entries[] | (($told[.key] // {}) | length) as $events
	| [.value[] | . as $versions | [$subscriptions[$versions[0].subject // ""][]? | stopped($versions)] | max // 0]
	| sort | (.[:length - $events][], (.[length - $events:][] | told))] as $reasons
| def count(reason): [$reasons[] | select(. == reason)] | length;
"  \($reasons | length) records: of \(count(told)) somebody is told",
([count(calm), "less urgent than those who may see it asked for"],
	[count(no_step), "of an urgency that is not for their class"],
	[count(empty_for_them), "nothing in it that those who subscribed may see"],
	[count(above), "above the AL of those who subscribed"],
	[count(0), "about a patient to whom nobody has subscribed, or about nobody"]
	| select(.[0] > 0) | "    \(.[0]) not: \(.[1])")
