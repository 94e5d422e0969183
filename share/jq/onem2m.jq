# Writes a message of ehr-deliver as a notification of oneM2M (TS-0001 10.2.10.5, TS-0004 7.5.1). For the channel:
# [channels/webhook, onem2m]
#
#	jq -c -f share/jq/onem2m.jq messages.ndjson
#
# A line of ehr-notify is taken, too. What is told is the reference, as m2m:uri; an empty message and a floor notice have
# none. A message with several references is an aggregated notification (m2m:agn).
# --arg as request writes the whole request primitive, as it goes over MQTT (TS-0010): with the receiver, the id, and the
# event category, which is 2 (immediate) for critical and high and 3 (best effort) else. --arg from NAME is the sender.
(if (.ehr.stage == "message" or .ehr.stage == "intent") and (.ehr.id | type) == "string" and (.kind | type) == "string" then .
	else error("not a line of stage message or intent") end)
| (if (.to | type) == "object" then .to.subscription else .subscription end // "last-resort") as $subscription
| def notification($ref): {nev: ({net: 1} + if $ref == null then {} else {rep: {"m2m:uri": $ref}} end), sur: $subscription};
(if .refs != null then {"m2m:agn": {"m2m:sgn": [.refs[] as $ref | notification($ref)]}} else {"m2m:sgn": notification(.ref)} end) as $content
| if $ARGS.named.as == "request" then {"m2m:rqp": {
	op: 5,
	to: (if (.to | type) == "string" then .to else $subscription end),
	fr: ($ARGS.named.from // "ehr-deliver"),
	rqi: .ehr.id,
	ec: (if .ehr.criticality == "critical" or .ehr.criticality == "high" then 2 else 3 end),
	pc: $content
}} else $content end
