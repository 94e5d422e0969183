# Lines of ehr-deliver list: the messages that went out, the most urgent first, as lines of cells.
def milliseconds: (.[:19] + "Z" | fromdate) * 1000 + (.[20:23] | tonumber);
["messages", "to", "kind", "urgency", "within", "the slowest took"],
([inputs | select(.first_sent) | {
		urgency: .criticality, rank: ({critical: 1, high: 2, medium: 3, low: 4}[.criticality] // 5),
		to: (.subscription // "ward-desk"), kind, took: ((.first_sent | milliseconds) - (.accepted | milliseconds)),
		within: ((.dispatch_by | milliseconds) - (.accepted | milliseconds))}]
	| group_by([.rank, .to, .kind])[]
	| [length, .[0].to, .[0].kind, .[0].urgency, "\(.[0].within / 1000) s", "\(map(.took) | max / 1000) s"])
| @tsv
