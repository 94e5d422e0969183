# Writes a message of ehr-deliver as the Bundle by which FHIR R4 servers notify a subscriber (HL7 Subscriptions R5
# Backport 1.1.0, backport-subscription-notification-r4). For the channel: [channels/webhook, fhir-r4]
#
#	jq -c -f share/jq/fhir-r4.jq messages.ndjson
#
# A line of ehr-notify is taken, too: it has no number yet, so it is event 1, and no time. --arg base URL makes the
# references absolute; without it they are relative. Only a message with a reference has a focus: an empty one and a
# floor notice have none. A sealed line rides along as a Binary, which only its reader can open. Nothing names a topic.
# What the guide has no parameter for (kind, criticality, case, acknowledgement) follows in parameters of those names.
($ARGS.named.base // "" | if . == "" or endswith("/") then . else . + "/" end) as $base
# The 16 bytes of an id (base32) as a UUID of version 8, RFC 9562.
| def uuid:
	def bits: explode | map(if . >= 97 then . - 97 else . - 24 end
		| [(. / 16 | floor), (. / 8 | floor), (. / 4 | floor), (. / 2 | floor), .] | map(. % 2)) | add;
	(capture("^[nec]_(?<at>[a-z2-7]{26})(\\.|$)").at
		| bits as $bits
		| [range(0; 128; 4) as $i | $bits[$i] * 8 + $bits[$i + 1] * 4 + $bits[$i + 2] * 2 + $bits[$i + 3]]
		| .[12] = 8 | .[16] = 8 + .[16] % 4
		| map("0123456789abcdef"[.:. + 1]) | add
		| "urn:uuid:\(.[:8])-\(.[8:12])-\(.[12:16])-\(.[16:20])-\(.[20:])") // null;
def parameter($name; $type; $value): if $value == null then empty else {name: $name, "value\($type)": $value} end;
(if (.ehr.stage == "message" or .ehr.stage == "intent") and (.ehr.id | type) == "string" and (.kind | type) == "string" then .
	else error("not a line of stage message or intent") end)
| . as $message
| "Subscription/\(if (.to | type) == "object" then .to.subscription else .subscription end // "last-resort")" as $subscription
| (.number // 1) as $number
| (.refs // [.ref]) as $refs
| {
	resourceType: "Bundle",
	type: "history",
	timestamp: .at,
	entry: [
		{
			fullUrl: (.ehr.id | uuid),
			resource: {
				resourceType: "Parameters",
				meta: {profile: ["http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription-status-r4"]},
				parameter: [
					{name: "subscription", valueReference: {reference: "\($base)\($subscription)"}},
					{name: "status", valueCode: "active"},
					{name: "type", valueCode: "event-notification"},
					{name: "events-since-subscription-start", valueString: "\($number)"},
					($refs[] as $ref | {
						name: "notification-event",
						part: [
							{name: "event-number", valueString: "\($number)"},
							parameter("timestamp"; "Instant"; $message.at),
							(if $ref == null then empty else {name: "focus", valueReference: {reference: "\($base)\($ref)"}} end)
						]
					}),
					parameter("kind"; "Code"; .kind),
					parameter("criticality"; "Code"; .ehr.criticality),
					parameter("case"; "String"; .case),
					parameter("ack"; "String"; .ack),
					parameter("ack-by"; "Instant"; .ack_by),
					parameter("expires"; "Instant"; .expires)
				]
			},
			request: {method: "GET", url: "\($base)\($subscription)/$status"},
			response: {status: "200"}
		},
		(if .sealed == null then empty else {
			fullUrl: (if $base == "" then null else "\($base)\(.ref)" end),
			resource: {resourceType: "Binary", contentType: "application/json", data: (.sealed | tojson | @base64)},
			request: {method: "GET", url: "\($base)\(.ref)"},
			response: {status: "200"}
		} end)
	]
}
| del(.. | nulls)
