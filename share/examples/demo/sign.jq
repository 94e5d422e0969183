# Labelled lines: the first vital sign, as its line, its value, and the value that it would have if all were not well
# (or if all were well again).  Nothing where there is none.
first(foreach inputs as $line (0; . + 1; [., $line])
	| .[0] as $number | .[1]
	| select(.record.resourceType == "Observation" and .record.valueQuantity.value and (.ehr.subject // "" | test("^Patient/")))
	| {"59408-5": [84, 98], "2708-6": [84, 98], "8867-4": [150, 70], "9279-1": [30, 16], "8310-5": [39.5, 37]}[.record.code.coding[0].code // ""] as $to
	| select($to)
	| "\($number) \(.record.valueQuantity.value) \($to[if .ehr.criticality == "routine" then 0 else 1 end])")
