# Labelled lines: the number of one that shows redaction well.  Of those that are restricted in part the longest that
# fits a screen; best one of which the lowest level sees something.  Where none is, the first.
[foreach inputs as $line (0; . + 1; [., $line])
	| .[0] as $number | .[1]
	| select(.labels | any(.at != "" and .sensitivity))
	| {kind: ({Encounter: 0, Observation: 0, Patient: 2}[.record.resourceType] // 1), size: (.record | tostring | length), $number}]
| sort_by(.kind, .size, .number)
| .[0].kind as $kind
| ([.[] | select(.kind == $kind and .size < 900)] | last) // .[0]
| .number // 1
