bats_require_minimum_version 1.5.0
load ../lib/ehr

# Domain B sends a record to domain A.  It redacts as its own decision says, labels what is left in the record itself, and
# seals it to A.  A takes the labels as floors, whatever its own rules say, and adds to them: no reader of A sees more
# than B allowed.
now=2026-03-02T09:00:00Z
setup_file() {
	export LC_ALL=C TZ=UTC PATH="$EHR_BIN:$PATH" P="$EHR_ROOT/policies/hospital"
	cd "$BATS_FILE_TMPDIR" || return 1
	ehr-keys make -P "$P" -S A --now $now >/dev/null
	ehr-keys make -P "$P" -S B --now $now >/dev/null
	ehr-keys list --self -S A | jq -c .enc.jwk >a.jwk
	# A's policy has no rule for HIV: B's word must be enough.
	cp -r "$P" laxer
	chmod -R u+w laxer
	awk '/^  - id: hiv$/ { skip = 1; next } /^  - id: / { skip = 0 } !skip' "$P/classify.yaml" >laxer/classify.yaml
	rm -rf laxer/tests
	cat >chart <<-'END'
		{"resourceType":"Patient","id":"p1","active":true}
		{"resourceType":"Observation","id":"pulse","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]},"subject":{"reference":"Patient/p1"},"valueQuantity":{"value":60.0,"unit":"/min"}}
		{"resourceType":"Condition","id":"hiv","subject":{"reference":"Patient/p1"},"code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"B20"}]}}
		{"resourceType":"Condition","id":"opioids","subject":{"reference":"Patient/p1"},"code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"F11.20"}]}}
		{"resourceType":"MedicationRequest","id":"iron","status":"active","intent":"order","subject":{"reference":"Patient/p1"},"medicationCodeableConcept":{"text":"iron"}}
	END
}

setup() {
	export LC_ALL=C TZ=UTC PATH="$EHR_BIN:$PATH" P="$EHR_ROOT/policies/hospital"
	cd "$BATS_TEST_TMPDIR" || return 1
	cp -r "$BATS_FILE_TMPDIR/." .
}

# sent: what B sends: what its decision leaves, each record with its level, and the directive, all sealed to A.
sent() {
	printf '{"decision":true,"context":{"about":{"subject":"dr-out","action":"read","patient":"p1"},"al":4,"rl":"R","time":"%s","obligations":[{"id":"ob-1","type":"custom","properties":{"vendor":"ehr","action":"redact","label":["SUD"]}}]}}\n' "$now" >decision
	ehr-ingest <chart | ehr-classify -P "$P" 2>/dev/null | ehr-redact -P "$P" -S B --decision decision --now $now |
		sed 's/^.*,"record"://; s/}$//' >left
	ehr-ingest <left | ehr-classify -P "$P" 2>/dev/null |
		sed -E 's/^\{"ehr":\{[^}]*"level":"([A-Z])"[^}]*\}.*,"record":(.*)\}$/\1 \2/' |
		sed -E 's|^(.) \{|{"meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"\1"}]},|' >labelled
	echo '{"ehr_authz":1,"consent":"c-p1","patient":"p1","status":"active","base":"permit","rules":[{"id":"c-p1-1","say":"No nurse sees my medication.","effect":"deny","who":{"structural_role":"nurse"},"what":{"class":"medication"}}]}' >directive
	cat labelled directive | ehr-seal -P "$P" --to a.jwk
}

# arrived: A opens what came: the directive goes to its consents, the records through its own policy.
arrived() {
	ehr-open -S A --record sealed >opened
	grep '"consent"' opened >A/consents/p1.json
	grep -v '"consent"' opened | ehr-ingest | ehr-classify -P laxer 2>/dev/null >in
	ehr-redact -P laxer -S A in | ehr-seal -P laxer -S A >store
}

@test "A opens what B left of the record, and every version of A holds B's labels" {
	sent >sealed
	arrived
	lacks opened F11.20
	[ "$(jq -r '.record.id + " " + .ehr.level' in | paste -sd' ')" = 'p1 N pulse N hiv R iron N' ]
	# Under A's policy alone the diagnosis would not be restricted.
	[ "$(sed 's/"meta":{[^}]*}\]},//' in | sed 's/^.*,"record"://; s/}$//' | ehr-ingest | ehr-classify -P laxer 2>/dev/null |
		jq -r 'select(.record.id == "hiv").ehr.level')" = N ]
	for pair in 'N:p1 pulse iron' 'R:p1 pulse hiv iron'; do
		jq -c --arg rl "${pair%%:*}" 'select(.ehr.rl == $rl)' store >lines
		[ "$(ehr-open -S A --record lines | jq -r '.id // empty' | paste -sd' ')" = "${pair#*:}" ]
	done
}

@test "no reader of A sees more than B allowed, and B's directive holds there" {
	sent >sealed
	arrived
	printf '{"type":"patient","id":"p1","properties":{"pseudonym":"%s"}}\n' "$(ehr-keys pseudonym -P laxer -S A Patient/p1)" >A/entities.ndjson
	echo '{"fact":"t1","relation":"treating","subject":"dr-lee","patient":"p1","from":"2026-03-01T08:00:00Z","until":"2026-03-15T08:00:00Z","by":"x","at":"2026-03-01T08:00:00Z"}' >A/facts.ndjson
	context="\"context\":{\"purpose\":\"TREAT\",\"time\":\"$now\",\"acr\":\"loa3\",\"route\":\"on-site\"}"
	echo '{"subject":{"type":"user","id":"dr-lee","properties":{"domain":"hospital","structural_role":"physician"}},"action":{"name":"read"},"resource":{"type":"patient","id":"p1","properties":{"domain":"hospital","patient":"p1"}},'"$context}" |
		ehr-authz -P laxer -S A >decision
	ehr 0 ehr-select -P laxer -S A --decision decision --now $now store
	mv out lines
	# All that the physician who treats her has is what B left, byte for byte.
	ehr-open -S A --record lines | cmp - labelled
	echo '{"subject":{"type":"user","id":"nurse-jo","properties":{"domain":"hospital","structural_role":"nurse","functional_role":"nurse","permissions":["PRD-006"],"ward":"3"}},"action":{"name":"read"},"resource":{"type":"patient","id":"p1","properties":{"domain":"hospital","patient":"p1","ward":"3"}},'"$context}" |
		ehr-authz -P laxer -S A >decision
	ehr 7 ehr-select -P laxer -S A --decision decision --now $now store
	has err 'cannot carry out: redact'
	ehr 0 ehr-redact -P laxer -S A --decision decision --now $now in
	sed 's/^.*,"record"://; s/}$//' out >got
	grep -v -e '"iron"' -e '"hiv"' labelled | cmp - got
}

@test "what was changed on the way, and what was sealed to somebody else, A does not open" {
	sent >sealed
	sed 's/"ciphertext":"..../"ciphertext":"AAAA/' sealed >broken
	ehr 6 ehr-open -S A --record broken
	ehr 7 ehr-open -S B --record sealed
	empty out
}
