# Labelled lines: how many are of each level and urgency, as lines of cells.
["routine", "low", "medium", "high", "critical"] as $words
| reduce inputs.ehr as $tags ({}; .[$tags.level][$tags.criticality] += 1 | .all[$tags.criticality] += 1)
| def row($name): . as $n | [$name] + [$words[] | $n[.] // "."] + [[$words[] | $n[.] // 0] | add];
(["level"] + $words + ["records"]),
((["U", "L", "M", "N", "R", "V"] + (keys - ["U", "L", "M", "N", "R", "V", "all"]))[] as $level | .[$level] // empty | row($level)),
(.all // {} | row("all"))
| @tsv
