# Makes an intent of each duty to tell somebody: of decisions of ehr-authz with a `notify` obligation, as breaking the glass
# has one, and of states of ehr-consent with a `notice`. Other lines give nothing.
#
#	ehr-authz -P P -S S requests | jq -c -f share/jq/obligations.jq | ehr-deliver enqueue -S S
#	ehr-consent events | jq -c -f share/jq/obligations.jq | ehr-deliver enqueue -S S
#
# The intent is for a class of notify.yaml (privacy-officer) and tells a code and an id, no patient and no person: `about`
# is the digest of the request, under which the decision is found, or the id of the directive. The same duty has the same
# id at each run. --arg criticality WORD (high), --arg dispatch and --arg expires DURATION (PT30S, PT12H).
def intent($id; $class; $topic; $about): {
	ehr: {v: 1, stage: "intent", id: $id, criticality: ($ARGS.named.criticality // "high")},
	kind: "notice",
	why: $topic,
	to: {class: $class},
	deadline: {after: "PT0S", dispatch: ($ARGS.named.dispatch // "PT30S"), expires: ($ARGS.named.expires // "PT12H")},
	about: $about,
	obligations: []
};
def digest: capture("^sha256:(?<hex>[0-9a-f]{64})$").hex // error("a decision without the digest of its request");
if (.context | type) == "object" then
	.context as $context
	| ($context.obligations // [])[] | .id as $id | .properties | select(.action == "notify")
	| intent("n_\($context.request | digest | .[:32]).\($id)"; .to; .topic // .rule; $context.request)
elif (.notice | type) == "object" then
	intent("n_\(.directive_sha256 // error("a state without the digest of its directive") | ltrimstr("sha256:") | .[:32]).\(.notice.code).\(.since | gsub("[^0-9]"; ""))";
		.notice.to; .notice.code; .directive)
else empty end
