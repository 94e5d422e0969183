# Names of patients: who treats each of them, or whom each of them named.
inputs as $patient
| $parties[]
| select(.relation)
| {fact: "\(.relation)-\($patient)", relation, subject: .party, $patient,
	from: $now, until: ($now | fromdate + 30 * 86400 | todate), by: "demo", at: $now}
