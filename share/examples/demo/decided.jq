# Decisions on those requests: who may read up to which level, of how many patients, as lines of cells.
["who", "as", "may read up to", "of patients", "because"],
([inputs.context as $c | [($c.id | split(" ") | .[0], .[1]), (if $c.rl then "\($c.rl) (AL \($c.al))" else "nothing" end), $c.reason]]
	| group_by(.)[] | .[0][:3] + [length] + .[0][3:])
| @tsv
