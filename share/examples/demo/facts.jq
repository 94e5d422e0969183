# Names of patients: who treats each of them, or whom each of them named.
inputs as $patient
| $parties[]
| select(.relation)
| {fact: "\(.relation)-\($patient)", relation, subject: .party, $patient,
	from: "2026-10-30T08:00:00Z", until: "2026-11-30T08:00:00Z", by: "demo", at: "2026-10-30T08:00:00Z"}
