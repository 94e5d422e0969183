# ehr-authz: what a decision is bound to, whom it is about, and what a narrowed request is given.
bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/authz

@test "a decision is bound to its request, its device and its epoch" {
	hospital
	echo '{"subject":{"type":"user","id":"dr-lee","properties":{"domain":"hospital","structural_role":"physician","device":"ward-tab"}},"action":{"name":"release-keys"},"resource":{"type":"level-keys","id":"hospital/37","properties":{"domain":"hospital","epoch":37}},"context":{"time":"2026-03-02T09:00:00Z","acr":"loa3","route":"on-site"}}' >in
	ehr 0 ehr-authz -P P -S S in
	jq -c .context.about out >got
	same got <<-END
		{"request":"sha256:$(head -c -1 in | sha256sum | cut -d' ' -f1)","subject":"dr-lee","action":"release-keys","resource":{"type":"level-keys","id":"hospital/37"},"device":"ward-tab","epoch":37}
	END
	# Several devices are none: such a decision is bound to no device and releases nothing.
	sed -i 's/"ward-tab"/["ward-tab","other"]/; s/:37}/:[37,38]}/' in
	ehr 0 ehr-authz -P P -S S in
	[ "$(jq -c '.context.about | [.device, .epoch]' out)" = '[null,null]' ]
}

@test "a Permit on a narrowed request says what it is narrowed to, by each data criterion" {
	hospital
	{
		narrowed '"class":"Observation"'
		narrowed '"class":["medication","Claim"]'
		narrowed '"label":["N"]'
		narrowed '"label":["R","PSY"]'
		narrowed '"label":[]'
		narrowed '"instance":["Composition/1","Composition/2"]'
		narrowed '"code":["http://loinc.org|8480-6","http://loinc.org|8462-4"]'
		narrowed '"date":"2020-03"'
		narrowed '"date":["2019","2020-03"],"author":"res-li"'
		narrowed '"related":"Task/inquiry-2026-07","class":"Observation"'
		narrowed '"class":null'
	} >in
	ehr 0 ehr-authz -P P -S S in
	[ "$(jq -r .decision out | sort -u)" = true ]
	obligations >got
	same got <<-'END'
		[{"action":"keep-only","any_of":[{"class":["Observation"]}]}]
		[{"action":"keep-only","any_of":[{"class":["MedicationRequest","MedicationStatement","MedicationDispense","MedicationAdministration","Claim"]}]}]
		[{"action":"keep-only","any_of":[{"label":["N"]}]}]
		[{"action":"keep-only","any_of":[{"label":{"all":["R","PSY"]}}]}]
		[{"action":"keep-only","any_of":[{"label":[]}]}]
		[{"action":"keep-only","any_of":[{"instance":["Composition/1","Composition/2"]}]}]
		[{"action":"keep-only","any_of":[{"code":{"all":["http://loinc.org|8480-6","http://loinc.org|8462-4"]}}]}]
		[{"action":"keep-only","any_of":[{"date":{"from":"2020-03","until":"2020-03"}}]}]
		[{"action":"keep-only","any_of":[{"date":{"from":"2019","until":"2019"},"author":["res-li"]},{"date":{"from":"2020-03","until":"2020-03"},"author":["res-li"]}]}]
		[{"action":"keep-only","any_of":[{"class":["Observation"],"related":["Task/inquiry-2026-07"]}]}]
		[]
	END
}

@test "asking for less gives no more: what the whole record withholds of the part is withheld" {
	hospital
	cat >S/consents/ann.yaml <<-'END'
		ehr_authz: 1
		consent: c-ann
		patient: ann
		status: active
		base: permit
		rules:
		  - {id: c-ann-1, say: Nobody sees my medication., effect: deny, what: {class: medication}}
		  - {id: c-ann-2, say: Nobody sees what concerns substance use., effect: deny, what: {label: [SUD]}}
		  - {id: c-ann-3, say: Nobody sees what is restricted., effect: deny, what: {label: [R]}}
	END
	{
		narrowed '"class":"Observation"'
		narrowed '"class":"MedicationRequest"'
		narrowed '"label":["N"]'
		narrowed '"class":["Observation","MedicationRequest"]'
	} >in
	ehr 0 ehr-authz -P P -S S in
	jq -c '[.decision, .context.rl]' out >got
	same got <<-'END'
		[true,"N"]
		[false,null]
		[true,"N"]
		[false,null]
	END
	obligations >got
	same got <<-'END'
		[{"action":"level","rl":"N","al":3},{"action":"redact","rule":"c-ann-2","label":["SUD"]},{"action":"keep-only","any_of":[{"class":["Observation"]}]}]
		[]
		[{"action":"level","rl":"N","al":3},{"action":"redact","rule":"c-ann-1","class":["MedicationRequest","MedicationStatement","MedicationDispense","MedicationAdministration"]},{"action":"keep-only","any_of":[{"label":["N"],"except":[{"label":["SUD"]}]}]}]
		[]
	END
	# Something missing that a deny on a second label needs leaves it undecided, as it leaves the whole record.
	sed -i 's/what: {label: \[SUD\]}/what: {label: [SUD]}, who: {ward: 3}/' S/consents/ann.yaml
	ehr 0 ehr-authz -P P -S S in
	[ "$(jq -r '.context.reason' out | sed -n 3p)" = missing-attribute ]
	# An enforcement point that names what it can do and cannot narrow gets nothing.
	sed -i 's/, who: {ward: 3}//' S/consents/ann.yaml
	narrowed '"class":"Observation"' | sed 's/"context":{/&"supported_actions":["level","redact"],/' >in
	ehr 0 ehr-authz -P P -S S in
	[ "$(jq -r .context.reason out)" = unsupported-obligation ]
}

@test "a patient is the same with Patient/ in front: in requests, facts and the register" {
	local name from="$cases/hospital"
	set_of hospital 0
	cp got plain
	jq -c 'def named: if type == "string" and . != "" then "Patient/" + . else . end;
		if .resource.properties.patient? then .resource.properties.patient |= named else . end |
		if .subject.properties.patient? then .subject.properties.patient |= named else . end' "$from/requests.ndjson" >named
	[ "$(grep -c '"Patient/' named)" -ge 40 ]
	sed 's|"patient":"|&Patient/Patient/|' "$from/facts.ndjson" >facts
	sed 's|"type":"patient","id":"|&Patient/|' "$from/entities.ndjson" >entities
	cmp -s facts "$from/facts.ndjson" && return 1
	for name in "$from/facts.ndjson $from/entities.ndjson" "facts entities"; do
		ehr 0 ehr-authz -P P --consents "$from/consents" --used "$from/used.ndjson" --facts "${name% *}" --entities "${name#* }" named
		jq -cS -f "$cases/digest.jq" out | same plain
	done
}

@test "a patient is the same by the pseudonym or an identifier that the register states, unless it is another patient's id" {
	local from="$cases/hospital" names
	set_of hospital 0
	cp got plain
	{
		cat "$from/entities.ndjson"
		for id in ann eve tom; do
			echo "{\"type\":\"patient\",\"id\":\"$id\",\"properties\":{\"pseudonym\":\"s_$id\",\"identifier\":\"urn:oid:1.2|$id\"}}"
		done
	} >entities
	for names in s_ 'urn:oid:1.2|'; do
		jq -c --arg names "$names" 'if .resource.properties.patient then .resource.properties.patient |= $names + . else . end |
			if .subject.properties.patient then .subject.properties.patient |= $names + . else . end' "$from/requests.ndjson" >named
		ehr 0 ehr-authz -P P --consents "$from/consents" --used "$from/used.ndjson" --facts "$from/facts.ndjson" --entities entities named
		jq -cS -f "$cases/digest.jq" out | same plain
	done
	sed -i 's/"urn:oid:1.2|ann"/"tom"/' entities
	ehr 0 ehr-authz -P P --consents "$from/consents" --used "$from/used.ndjson" --facts "$from/facts.ndjson" --entities entities "$from/requests.ndjson"
	jq -cS -f "$cases/digest.jq" out | same plain
}
