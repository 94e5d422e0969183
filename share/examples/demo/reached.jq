# Subscriptions, sealed lines and intents: of how many records somebody is told, and why of the others nobody is.
reduce inputs as $line ({subjects: {}, records: 0, subscribed: 0, told: {}};
	if $line.select then .subjects[$line.select.subjects[]] = true
	elif $line.ehr.stage == "intent" then if $line.kind == "last-resort" then . else .told[$line.ehr.event] = true end
	elif $line.ehr.n == 1 then .records += 1 | if .subjects[$line.ehr.subject // ""] then .subscribed += 1 else . end
	else . end)
| (.told | length) as $told
| "  \(.records) records: of \($told) somebody is told, \(.subscribed - $told) hold nothing that those who subscribed may see, to \(.records - .subscribed) nobody has subscribed"
