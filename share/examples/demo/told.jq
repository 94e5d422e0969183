# Intents: how many messages of each kind, the most urgent first, as lines of cells.
def span: if . == null then "-" else capture("(?<n>[0-9]+)(?<u>.)$") | if .n == "0" then "at once" else "\(.n) \({S: "s", M: "min", H: "h", D: "d"}[.u])" end end;
["messages", "to", "version", "urgency", "first sent", "within", "answer within"],
([inputs | select(.ehr.stage == "intent") | [
	({critical: 1, high: 2, medium: 3, low: 4}[.ehr.criticality] // 5), (.to.step // 9), (.to.class // .kind), (.ehr.rl // "-"), .ehr.criticality,
	(.deadline.after | span | if . == "at once" then . else "after " + . end), (.deadline.dispatch | span), (.deadline.ack | span)]]
	| group_by(.)[] | [length] + .[0][2:])
| @tsv
