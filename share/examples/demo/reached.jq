# Sealed lines and intents: how many records there are, and of how many somebody is told.
reduce inputs as $line ({records: 0, told: {}};
	if $line.ehr.stage != "intent" then .records += (if $line.ehr.n == 1 then 1 else 0 end)
	elif $line.kind == "last-resort" then .
	else .told[$line.ehr.event] = 1 end)
| (.told | length) as $told
| "  \(.records) records: \($told) reach somebody, \(.records - $told) nobody (no subscription selects them)"
