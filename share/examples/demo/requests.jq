# Names of patients: may each party subscribe to each of them?
inputs as $patient
| $parties[] as $party
| {id: "\($party.party) \($party.class) \($party.min_criticality)",
	subject: {type: "user", id: $party.party, properties: {domain: "hospital", device: ($devices[] | select(.party == $party.party) | .device)}},
	action: {name: "subscribe"},
	resource: {type: "patient", id: $patient, properties: {domain: "hospital", $patient, ward: "7"}},
	context: {purpose: $party.purpose, condition: "life-threatening", time: $now, acr: "loa3", route: "on-site",
		supported_actions: ["level", "audit", "expire"]}}
