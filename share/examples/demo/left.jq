# Lines of ehr-deliver list: what became of the intents of the case that $message is of.
[inputs | select(.case == $message[0].case)] | group_by([.state, .reason])[]
| "  \(length) \(.[0].state)\(if .[0].reason then " (\(.[0].reason))" else "" end): \(map(.subscription // "ward-desk") | unique | join(", "))"
