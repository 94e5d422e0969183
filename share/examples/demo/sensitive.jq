# Labelled lines: the categories of sensitivity, the most frequent first.
reduce (inputs.ehr.sensitivity // [] | .[]) as $category ({}; .[$category] += 1)
| to_entries | sort_by(-.value, .key) | map("\(.key) \(.value)") | join(", ") | if . == "" then "nothing" else . end
| "  sensitive for: " + .
