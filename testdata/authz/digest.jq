# A decision as expected.ndjson tells it: what must be there, and nothing else that could be.
.context as $c
| if $c.error then {id: ($c.id // null), decision, error: $c.error}
  else
    {id: $c.id, decision, decided_by: $c.decided_by, reason: $c.reason}
    + (if $c.denied_by then {denied_by: $c.denied_by} else {} end)
    + {layers: ($c.layers | map({key: .layer, value: .result}) | from_entries)}
    + {rules: ($c.layers | map(select(.rules != []) | {key: .layer, value: .rules}) | from_entries)}
    + ([$c.layers[] | select(.near_miss) | {key: .layer, value: .near_miss}] | if . == [] then {} else {near_miss: from_entries} end)
    + ([$c.layers[] | select(.unknown) | {key: .layer, value: .unknown}] | if . == [] then {} else {unknown: from_entries} end)
    + ([$c.layers[] | .overridden_by // empty] | if . == [] then {} else {overridden_by: .[0]} end)
    + ($c | with_entries(select(.key == "al" or .key == "rl" or .key == "assessed_al" or .key == "valid_until")))
    + {obligations: [$c.obligations[] | {type} + (.properties | del(.vendor))]}
  end
