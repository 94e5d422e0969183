# ehr-redact --decision: what a decision of ehr-authz takes out of records, and what it leaves as it is.
bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/authz

H=$EHR_ROOT/policies/hospital

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	PATH="$EHR_BIN:$PATH"
	ehr-keys make -P "$H" -S s >/dev/null
	sed 's/PATIENT/p04/g' >chart.ndjson <<-'END'
		{"resourceType":"Patient","id":"PATIENT","active":true,"gender":"female"}
		{"resourceType":"MedicationRequest","id":"mr1","status":"active","intent":"order","subject":{"reference":"Patient/PATIENT"},"contained":[{"resourceType":"Medication","id":"m","code":{"text":"Zolpitrex 10"}}],"medicationReference":{"reference":"#m"},"authoredOn":"2026-01-02"}
		{"resourceType":"MedicationStatement","id":"ms1","status":"active","subject":{"reference":"Patient/PATIENT"},"medicationCodeableConcept":{"text":"Zolpitrex"},"effectiveDateTime":"2026-01-03"}
		{"resourceType":"MedicationDispense","id":"md1","status":"completed","subject":{"reference":"Patient/PATIENT"},"medicationCodeableConcept":{"text":"Zolpitrex"},"authorizingPrescription":[{"reference":"MedicationRequest/mr1"}]}
		{"resourceType":"MedicationAdministration","id":"ma1","status":"completed","subject":{"reference":"Patient/PATIENT"},"medicationCodeableConcept":{"text":"Zolpitrex"},"effectiveDateTime":"2026-01-04"}
		{"resourceType":"Encounter","id":"e1","text":{"status":"generated","div":"<div>Given Zolpitrex</div>"},"status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/PATIENT"},"reasonReference":[{"reference":"http://h.example/fhir/MedicationStatement/ms1/_history/2","display":"Zolpitrex"}],"period":{"start":"2026-01-02","end":"2026-01-03"}}
		{"resourceType":"CarePlan","id":"c1","text":{"status":"generated","div":"<div>Zolpitrex daily</div>"},"contained":[{"resourceType":"MedicationRequest","id":"x","status":"active","intent":"plan","subject":{"reference":"Patient/PATIENT"},"medicationCodeableConcept":{"text":"Zolpitrex"}}],"status":"active","intent":"plan","subject":{"reference":"Patient/PATIENT"},"activity":[{"reference":{"reference":"MedicationRequest/mr1"}},{"reference":{"reference":"#x"}},{"reference":{"type":"MedicationRequest","display":"Zolpitrex"}},{"reference":{"reference":"MedicationRequest?identifier=s|9"}},{"detail":{"status":"in-progress","description":"walk"}}],"created":"2026-01-02"}
		{"resourceType":"CarePlan","id":"c2","text":{"status":"generated","div":"<div>Walk</div>"},"status":"active","intent":"plan","subject":{"reference":"Patient/PATIENT"},"created":"2026-01-02","activity":[{"detail":{"status":"in-progress","description":"walk"}}]}
		{"resourceType":"Observation", "id":"o1","text":{"status":"generated","div":"<div>Pulse 60</div>"},"status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]},"subject":{"reference":"Patient/PATIENT"},"effectiveDateTime":"2026-01-04","valueQuantity":{"value":60.0,"unit":"\/min","system":"http://unitsofmeasure.org","code":"/min"},"note":[{"text":"fine"}]}
		{"resourceType":"Condition","id":"h1","subject":{"reference":"Patient/PATIENT"},"code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"B20"}]},"onsetDateTime":"2024"}
	END
	labelled chart.ndjson >labelled
	sed 's/PATIENT/p04/g' >parts.ndjson <<-'END'
		{"resourceType":"Observation","id":"o1","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"85354-9"}]},"subject":{"reference":"Patient/PATIENT"},"effectiveDateTime":"2026-01-04","performer":[{"reference":"Practitioner/a"}],"component":[{"code":{"coding":[{"system":"http://loinc.org","code":"8480-6"}]},"valueQuantity":{"value":1}},{"code":{"coding":[{"system":"http://loinc.org","code":"8462-4"}]},"valueQuantity":{"value":2}}]}
		{"resourceType":"Observation","id":"o2","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"1-1"}]},"subject":{"reference":"Patient/PATIENT"},"effectivePeriod":{"start":"2025-12-30","end":"2026-01-02"},"encounter":{"reference":"Encounter/e1"},"performer":[{"reference":"Practitioner/b"}]}
		{"resourceType":"Condition","id":"c1","subject":{"reference":"Patient/PATIENT"},"code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"B20"}]},"recorder":{"reference":"Practitioner/a"},"onsetDateTime":"2024"}
		{"resourceType":"Encounter","id":"e1","status":"finished","class":{"system":"x","code":"AMB"},"subject":{"reference":"Patient/PATIENT"},"diagnosis":[{"condition":{"reference":"Condition/c1"}}],"reasonCode":[{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"B20"}]},{"text":"cough"}],"period":{"start":"2026-01-02"}}
	END
	labelled parts.ndjson >parts
}

setup() {
	export LC_ALL=C TZ=UTC PATH="$EHR_BIN:$PATH"
	cd "$BATS_TEST_TMPDIR" || return 1
	cp -r "$BATS_FILE_TMPDIR/." .
}

labelled() {
	ehr-ingest <"$1" | ehr-classify -P "$H" 2>/dev/null
}

# decide PROPERTIES ...: a decision with these obligations, each without its vendor.
decide() {
	local all='' one
	for one; do
		all="$all${all:+,}{\"id\":\"ob\",\"type\":\"custom\",\"properties\":{\"vendor\":\"ehr\",$one}}"
	done
	printf '{"decision":true,"context":{"about":{"subject":"dr-lee","action":"read","resource":{"type":"record","id":"p04"},"patient":"p04","pseudonym":"s_x"},"al":5,"rl":"V","obligations":[%s]%s}}\n' "$all" "${MORE-}" >decision
}

redact() {
	ehr "${STATUS-0}" ehr-redact -P "$H" -S s --decision decision ${NOW:+--now "$NOW"} "$@"
}

# What is given of the records in parts: their ids.
given() {
	redact parts
	empty err
	jq -r .record.id out | paste -sd' '
}

# scenario N: the decision on a whole record in access scenario N.
scenario() {
	local cases=$EHR_ROOT/testdata/authz
	mkdir -p A/authz
	cp "$cases/policy.yaml" A/
	cp "$cases"/policies/*.yaml A/authz/
	grep -F "\"id\": \"S$1 " "$cases/requests.ndjson" | grep 'whole record' | head -n 1 |
		ehr-authz -P A --consents "$cases/consents" --facts "$cases/facts.ndjson" >decision
	[ "$(jq .decision decision)" = true ]
	NOW=$(jq -r .context.time decision)
}

@test "scenario 4: everything but the medication history, of which there is no trace" {
	scenario 4
	for level in L N R V; do
		redact --level $level labelled
		empty err
		lacks out Zolpitrex
		lacks out Medication
		lacks out mr1
		lacks out ms1
		[ "$(jq -c '[.ehr.n, .ehr.of, .ehr.rl]' out | sort -u)" = "[1,1,\"$level\"]" ]
		# Encounter and CarePlan tell of it; every other record is what its level makes of it, byte for byte.
		grep -v -e '"Encounter/e1"' -e '"CarePlan/c1"' out | sed 's/^.*,"record"://' >got
		grep -v -e 'Medication' -e '"Encounter/e1"' -e '"CarePlan/c1"' labelled | ehr-redact -P "$H" -S s --levels $level |
			sed 's/^.*,"record"://' | cmp - got
		[ -s got ]
	done
	redact --level V labelled
	sed -n 's/^.*,"record"://; /"id":"e1"/p; /"id":"c1"/p' out >got
	same got <<-'END'
		{"resourceType":"Encounter","id":"e1","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/p04"},"period":{"start":"2026-01-02","end":"2026-01-03"}}}
		{"resourceType":"CarePlan","id":"c1","status":"active","intent":"plan","subject":{"reference":"Patient/p04"},"activity":[{"detail":{"status":"in-progress"}}],"created":"2026-01-02"}}
	END
}

@test "scenario 5: the pharmacist's decision changes nothing" {
	scenario 5
	sed 's/p04/p05/g' labelled >in
	for level in L N R V; do
		redact --level $level in
		cp out got
		ehr-redact -P "$H" -S s --levels $level in | cmp - got
	done
	cmp <(sed 's/^.*,"record"://' in) <(sed 's/^.*,"record"://' got)
}

@test "in a Bundle, too: entries go without a trace, and so do narratives that tell of them" {
	printf '%s' '{"resourceType":"Bundle","type":"document","total":3,"entry":[{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Composition","status":"final","subject":{"reference":"Patient/p04"},"text":{"div":"<div>Zolpitrex</div>"},"section":[{"title":"a","text":{"div":"<div>Zolpitrex</div>"},"entry":[{"reference":"urn:uuid:2"}]}]}},{"fullUrl":"urn:uuid:2","resource":{"resourceType":"MedicationRequest","medicationCodeableConcept":{"text":"Zolpitrex"}}},{"fullUrl":"urn:uuid:3","resource":{"resourceType":"Observation","text":{"div":"<div>60</div>"},"status":"final"}}]}' >bundle
	printf '{"ehr":{"v":1,"stage":"ingested","subject":"Patient/p04"},"record":%s}\n' "$(cat bundle)" |
		ehr-classify -P "$H" 2>/dev/null >in
	decide '"action":"redact","class":["MedicationRequest"]'
	redact in
	sed 's/^.*,"record"://' out >got
	same got <<-'END'
		{"resourceType":"Bundle","type":"document","entry":[{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Composition","status":"final","subject":{"reference":"Patient/p04"}}},{"fullUrl":"urn:uuid:3","resource":{"resourceType":"Observation","text":{"div":"<div>60</div>"},"status":"final"}}]}}
	END
	# Nothing to take out: nothing changes.
	decide '"action":"redact","class":["Claim"]'
	redact in
	[ "$(sed 's/^.*,"record"://' out)" = "$(cat bundle)}" ]
	# The last entry takes the Bundle along.
	decide '"action":"keep-only","any_of":[{"class":["Claim"]}]'
	redact in
	empty out
	decide '"action":"redact","class":["Bundle"]'
	redact in
	empty out
}

@test "what retells what is gone goes, and stays where nothing is" {
	sed 's/PATIENT/p04/g' >raw <<-'END'
		{"resourceType":"Encounter","id":"e1","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/PATIENT"},"reasonReference":[{"reference":"MedicationStatement/ms1"}],"reasonCode":[{"text":"Zolpitrex"},{"coding":[{"system":"http://snomed.info/sct","code":"49727002"}],"text":"Cough"}],"type":[{"coding":[{"system":"http://snomed.info/sct","code":"185349003"}]}]}
		{"resourceType":"Observation","id":"o1","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]},"subject":{"reference":"Patient/PATIENT"},"partOf":[{"reference":"MedicationAdministration/ma1"}],"valueQuantity":{"value":60},"note":[{"text":"after Zolpitrex"}]}
		{"resourceType":"Observation","id":"o2","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]},"subject":{"reference":"Patient/PATIENT"},"valueQuantity":{"value":60},"note":[{"text":"at rest"}]}
	END
	labelled raw >in
	scenario 4
	for level in N R V; do
		redact --level $level in
		lacks out Zolpitrex
		lacks out Medication
		has out '"text":"Cough"'
		[ "$(tail -n 1 out | sed 's/^.*,"record"://')" = "$(tail -n 1 raw)}" ]
		[ "$(jq -c 'select(.record.id == "o1").record | keys_unsorted' out)" = '["resourceType","id","status","code","subject","valueQuantity"]' ]
	done
}

# The obligation, and the ids of the records that are left.
@test "each demand of redact takes out what meets it, and what does not say" {
	while IFS='#' read -r obligation want; do
		decide "\"action\":\"redact\",$obligation"
		[ "$(given)" = "$want" ] || {
			echo "$obligation: $(given), not $want" >&2
			return 1
		}
	done <<-'END'
		"class":["Observation"]#c1 e1
		"class":["Observation","Condition"]#e1
		"class":"Condition"#o1 o2 e1
		"class":{"not":["Condition"]}#c1
		"class":["http://hl7.org/fhir/resource-types|Condition"]#o1 o2 e1
		"class":["http://loinc.org|1-1"]#o1 c1 e1
		"date":{"from":"2026"}#c1
		"date":{"until":"2025"}#o1 e1
		"date":{"from":"2024-03","until":"2024-03"}#o1 o2 e1
		"author":["Practitioner/a"]#o2
		"author":["a"]#o2
		"author":["Practitioner/c"]#o1 o2 c1
		"related":["Condition/c1"]#o1 o2
		"related":["Encounter/e1"]#o1 c1
		"instance":["Condition/c1","Observation/o2"]#o1 e1
		"instance":["http://h.example/fhir/Condition/c1"]#o1 o2 e1
		"code":["http://loinc.org|1-1"]#o1 c1 e1
		"code":["http://hl7.org/fhir/sid/icd-10-cm|b20"]#o1 o2 e1
		"label":["HIV"]#o1 o2 e1
		"label":["R"]#o1 o2 e1
		"label":["L"]#
		"label":{"not":["HIV"]}#c1
		"class":["Observation"],"code":["http://loinc.org|1-1"]#o1 c1 e1
		"class":["Observation"],"except":[{"code":["http://loinc.org|1-1"]}]#o2 c1 e1
		"class":["Observation"],"except":[{"author":["Practitioner/b"]}]#o2 c1 e1
		"class":["Encounter"],"except":[{"author":["Practitioner/b"]}]#o1 o2 c1
	END
}

@test "a law among the labels takes out what rests on it, by the policy's rules or the record's own word; what no label says gives nothing" {
	local act=http://terminology.hl7.org/CodeSystem/v3-ActCode
	sed "s|PATIENT|p04|g; s|ACT|$act|" >raw <<-'END'
		{"resourceType":"Observation","id":"o1","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]},"subject":{"reference":"Patient/PATIENT"}}
		{"resourceType":"Observation","id":"o2","meta":{"security":[{"system":"ACT","code":"42CFRPart2"}]},"status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]},"subject":{"reference":"Patient/PATIENT"}}
		{"resourceType":"Encounter","id":"e1","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/PATIENT"},"reasonCode":[{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"F11.20"}]},{"coding":[{"system":"http://snomed.info/sct","code":"49727002"}]}]}
		{"resourceType":"Condition","id":"h1","subject":{"reference":"Patient/PATIENT"},"code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"B20"}]}}
	END
	labelled raw >in
	law() {
		decide "$1"
		redact --level V in
		jq -r '.record | .id + (if .id == "e1" then "/\(.reasonCode | length)" else "" end)' out | paste -sd' ' >got
		same got <<<"$2"
	}
	law '"action":"redact","label":["42CFRPart2"]' 'o1 e1/1 h1'
	law "\"action\":\"redact\",\"label\":[\"$act|42CFRPart2\"]" 'o1 e1/1 h1'
	law '"action":"redact","label":["_ActUSPrivacyLaw"]' 'o1 e1/1 h1'
	law '"action":"redact","label":["HIPAAPsyNotes"]' 'o1 o2 e1/2 h1'
	law '"action":"redact","label":["42CFRPart2","HIV"]' 'o1 e1/1'
	law '"action":"keep-only","any_of":[{"label":["42CFRPart2"]}]' 'o2 e1/1'
	law '"action":"redact","class":["Observation"],"except":[{"label":["42CFRPart2"]}]' 'o2 e1/2 h1'
	for label in NORDSCLCD REDACT ObligationPolicy "http://loinc.org|42CFRPart2" "http://terminology.hl7.org/CodeSystem/v3-Confidentiality|42CFRPart2"; do
		decide "\"action\":\"redact\",\"label\":[\"$label\"]"
		STATUS=7 redact --level V in
		has err 'an obligation names a label that is no level, no category and no law'
		empty out
	done
}

@test "keep-only takes out what matches no item, and what does not say" {
	while IFS='#' read -r items want; do
		decide "\"action\":\"keep-only\",\"any_of\":[$items]"
		[ "$(given)" = "$want" ] || {
			echo "$items: $(given), not $want" >&2
			return 1
		}
	done <<-'END'
		#
		{"class":["Observation"]}#o1 o2
		{"class":["Observation"]},{"label":["HIV"]}#o1 o2 c1 e1
		{"class":["Condition"]},{"class":["Encounter"]}#c1 e1
		{"date":{"from":"2026"}}#o1 e1
		{"date":{"from":"2026","until":"2026"}}#o1
		{"date":{"from":"2024-03"}}#o1 o2 e1
		{"author":["Practitioner/a"]}#o1 c1
		{"author":{"not":["Practitioner/a"]}}#o2
		{"related":["Encounter/e1"]}#o2
		{"instance":["Condition/c1"]}#c1
		{"instance":["c1"]}#
		{"code":["http://loinc.org|1-1"]}#o2
		{"code":["http://loinc.org|8480-6"]}#o1
		{"code":["http://hl7.org/fhir/sid/icd-10-cm|b20"]}#
		{"label":["N"]}#o1 o2 e1
		{"label":["R"]}#o1 o2 c1 e1
		{"class":["Observation"],"except":[{"code":["http://loinc.org|1-1"]}]}#o1
		{"class":["Condition","Encounter"],"except":[{"author":["Practitioner/b"]}]}#c1
	END
	# Several must all hold.
	decide '"action":"keep-only","any_of":[{"class":["Observation"]}]' '"action":"keep-only","any_of":[{"date":{"from":"2026"}}]'
	[ "$(given)" = o1 ]
	decide '"action":"keep-only","any_of":[{"class":["Observation"]}]' '"action":"redact","instance":["Observation/o1"]'
	[ "$(given)" = o2 ]
}

@test "a kept entry stays with type and id of its root alone; a kept root is what its level makes of it" {
	decide '"action":"keep-only","any_of":[{"code":["http://loinc.org|8480-6"]}]'
	redact parts
	[ "$(jq -c .record out)" = '{"resourceType":"Observation","id":"o1","component":[{"code":{"coding":[{"system":"http://loinc.org","code":"8480-6"}]},"valueQuantity":{"value":1}}]}' ]
	decide '"action":"redact","code":["http://loinc.org|8480-6"]'
	redact parts
	[ "$(head -n 1 out | jq -c '.record.component | map(.valueQuantity.value)')" = '[2]' ]
	decide '"action":"keep-only","any_of":[{"class":["Observation"]}]'
	redact parts
	cmp <(sed 's/^.*,"record"://' out) <(grep '"id":"Observation' parts | sed 's/^.*,"record"://; s/"encounter":{[^}]*},//')
}

@test "the narrowed Permit of ehr-authz leads to bytes" {
	hospital
	narrowed '"class":"Observation"' >in
	ehr-authz -P P -S S in >decision
	[ "$(jq -c '[.decision, (.context.obligations[] | .properties.action)]' decision)" = '[true,"keep-only"]' ]
	patient=$(jq -r .context.about.patient decision)
	sed "s/p04/$patient/g" parts >in
	ehr 0 ehr-redact -P "$H" -S s --decision decision --handled audit,expire,notify --now 2026-03-02T09:00:01Z in
	[ "$(jq -r .record.id out | paste -sd' ')" = 'o1 o2' ]
}

@test "what is missing, what has ended, what is not understood, and what nobody carries out gives nothing" {
	cp parts in
	decide
	sed -i 's/"decision":true/"decision":false/' decision
	STATUS=7 redact in
	has err 'ehr-redact: decision: denied: the decision is not true'
	empty out
	for bad in '"action":"redact"' '"action":"redact","colour":["red"]' '"action":"redact","class":["Medicine"]' '"action":"redact","class":{"most":["Claim"]}' \
		'"action":"redact","class":[7]' '"action":"redact","label":["XYZ"]' '"action":"redact","date":"2026"' '"action":"redact","date":{"from":"soon"}' \
		'"action":"keep-only"' '"action":"keep-only","any_of":{}' '"action":"keep-only","any_of":[{"who":"me"}]' '"action":"redact","class":["Claim"],"except":[{}]' \
		'"action":"redact","class":["Claim"],"except":{}' '"action":"level"' '"action":"level","al":3,"rl":"Q"' '"action":"shred"' '"action":"audit"' \
		'"action":"expire","at":"2026-03-02T13:00:00Z"'; do
		decide "$bad"
		STATUS=7 redact in
		empty out
		has err 'ehr-redact: decision: denied: '
	done
	# The message names the place of the obligation, and nothing of what it holds.
	decide '"action":"redact","class":["Claim"]' '"action":"redact","colour":["red"]'
	STATUS=7 redact in
	same err <<<'ehr-redact: decision: denied: /context/obligations/1: an obligation has a member that is not understood'
	# So with each word that FHIR or the policy lack, a period that ends before it begins, and an obligation nobody knows.
	while IFS='#' read -r bad why; do
		decide "$bad"
		STATUS=7 redact in
		empty out
		same err <<<"ehr-redact: decision: denied: /context/obligations/0: $why"
	done <<-'END'
		"action":"redact","class":["Resource"]#an obligation names a class that FHIR does not have
		"action":"redact","class":["http://hl7.org/fhir/resource-types|DomainResource"]#an obligation names a class that FHIR does not have
		"action":"keep-only","any_of":[{"class":["DomainResource"]}]#an obligation names a class that FHIR does not have
		"action":"redact","class":["http://loinc.org|"]#an obligation names a class that has no code
		"action":"redact","class":["urn:ietf:bcp:13|"]#an obligation names a class that has no code
		"action":"redact","class":["http://hl7.org/fhir/StructureDefinition|vitalsigns"]#an obligation names a class that no record shows
		"action":"redact","class":[""]#an obligation names an empty value
		"action":"redact","code":["http://loinc.org|"]#an obligation names a code that is empty
		"action":"redact","code":[7]#an obligation names a value that is no text
		"action":"redact","label":["XYZ"]#an obligation names a label that is no level, no category and no law
		"action":"redact","date":{"from":"2026-02","until":"2026-01"}#an obligation names a date that is no period
		"action":"redact","date":{"until":"2025","from":"2026"}#an obligation names a date that is no period
		"action":"redact","date":{}#an obligation names a date that is no period
		"action":"redact","date":{"since":"2026"}#an obligation names a date that is no period
		"action":"redact","class":{"most":["Claim"]}#an obligation has a demand that is not understood
		"action":"redact","class":{"not":["Claim"],"all":["Claim"]}#an obligation has a demand that is not understood
		"action":"redact"#an obligation to redact does not say what
		"action":"redact","class":["Claim"],"except":{}#an obligation has exceptions that are no list
		"action":"redact","class":["Claim"],"except":[{}]#an obligation has an exception that does not say what
		"action":"redact","class":["Claim"],"except":["x"]#an obligation has an item that is not understood
		"action":"keep-only"#an obligation to keep-only does not say what
		"action":"keep-only","any_of":[{"who":"me"}]#an obligation has a member that is not understood
		"action":"shred"#the decision has an obligation that ehr-redact cannot carry out: shred
		"class":["Claim"]#the decision has an obligation that ehr-redact cannot carry out
	END
	# The caller may carry out what asks nothing of the data; an end holds all the same.
	decide '"action":"audit","level":"high"' '"action":"expire","at":"2026-03-02T13:00:00Z"'
	STATUS=2 redact --handled audit,expire in
	has err 'needs --now TIME'
	redact --handled audit,expire --now 2026-03-02T12:59:59Z in
	[ "$(wc -l <out)" -eq 4 ]
	STATUS=7 redact --handled audit,expire --now 2026-03-02T13:00:00Z in
	STATUS=7 redact --handled audit --now 2026-03-02T12:59:59Z in
	STATUS=7 redact --handled redact,aud --now 2026-03-02T12:59:59Z in
	MORE=',"valid_until":"2026-03-02T10:00:00Z","time":"2026-03-02T09:50:00Z"' decide
	STATUS=2 redact in
	STATUS=7 redact --now 2026-03-02T10:00:00Z in
	redact --now 2026-03-02T09:59:59Z in
	for more in ',"time":"2026-03-02T09:50:00Z"' ',"time":7'; do
		MORE=$more decide
		STATUS=2 redact parts
		has err 'needs --now TIME, for it holds for some time only'
		empty out
	done
	MORE=',"valid_until":"2026-06-02T10:00:00Z","time":"2026-03-02T09:50:00Z"' decide
	redact --now 2026-03-02T10:05:00Z in
	STATUS=7 redact --now 2026-03-02T10:05:01Z in
	has err 'decision-stale: it is older than the policy allows'
	# A notification is the caller's.
	decide
	sed -i 's/"obligations":\[\]/"obligations":[{"type":"notification","properties":{"vendor":"ehr","action":"notify","to":"po"}}]/' decision
	STATUS=7 redact in
	redact --handled notify in
	sed -i 's/"vendor":"ehr"/"vendor":"other"/' decision
	STATUS=7 redact --handled notify in
}

@test "--deliver: whom to tell and when it ends are written before anything is given" {
	decide '"action":"redact","class":["Observation"]' '"action":"expire","at":"2026-03-02T13:00:00Z"'
	sed -i 's/"obligations":\[/&{"id":"ob-0","type":"notification","properties":{"vendor":"ehr","action":"notify","to":"po"}},/' decision
	STATUS=7 redact --now 2026-03-02T12:00:00Z parts
	same err <<<'ehr-redact: decision: denied: /context/obligations/0: the decision obliges to notify somebody: give --deliver FILE'
	redact --now 2026-03-02T12:00:00Z --deliver told parts
	[ "$(wc -l <out)" -eq 2 ]
	jq -c '[.v, .decision, .about.patient, .obligation.properties.action]' told >got
	same got <<-END
		[1,"sha256:$(head -c -1 decision | sha256sum | cut -d' ' -f1)","p04","notify"]
		[1,"sha256:$(head -c -1 decision | sha256sum | cut -d' ' -f1)","p04","expire"]
	END
	[ "$(stat -c %a told)" = 600 ]
	STATUS=7 redact --now 2026-03-02T13:00:00Z --deliver told parts
	STATUS=7 redact --now 2026-03-02T12:00:00Z --deliver told --level U parts
	[ "$(wc -l <told)" -eq 2 ]
	STATUS=4 redact --now 2026-03-02T12:00:00Z --deliver /dev/full parts
	empty out
	chmod 640 told
	STATUS=4 redact --now 2026-03-02T12:00:00Z --deliver told parts
	same err <<<"ehr-redact: told: open to others, or somebody else's: chmod 600, or name another file"
	empty out
	[ "$(wc -l <told)" -eq 2 ]
	chmod 600 told
	STATUS=2 redact --now 2026-03-02T12:00:00Z --deliver decision parts
	STATUS=2 redact --now 2026-03-02T12:00:00Z --deliver parts parts
	ehr 2 ehr-redact -P "$H" -S s --deliver told parts
}

@test "one version, the highest that decision, obligation and caller allow" {
	decide
	for level in N R V; do
		sed "s/\"rl\":\"V\"/\"rl\":\"$level\"/" decision >d
		ehr 0 ehr-redact -P "$H" -S s --decision d parts
		[ "$(jq -r .ehr.rl out | sort -u)" = $level ]
	done
	sed -i 's/"rl":"V"/"rl":"N"/' decision
	redact --level L parts
	[ "$(jq -r .ehr.rl out | sort -u)" = L ]
	STATUS=7 redact --level R parts
	has err 'ehr-redact: decision: denied: it allows no more than level N'
	STATUS=2 redact --level Q parts
	STATUS=2 redact --levels N parts
	# M has no version of its own.
	sed -i 's/"rl":"N"/"rl":"M"/' decision
	redact parts
	[ "$(jq -r .ehr.rl out | sort -u)" = L ]
	sed -i 's/"rl":"M"/"rl":"U"/' decision
	STATUS=7 redact parts
	has err 'no version is so low'
	decide '"action":"level","al":3,"rl":"N"'
	redact parts
	[ "$(jq -r .ehr.rl out | sort -u)" = N ]
	decide '"action":"level","al":4,"rl":"N"'
	redact parts
	[ "$(jq -r .ehr.rl out | sort -u)" = N ]
	sed -i 's/"al":5,"rl":"V",//; s/"obligations":\[.*\]/"obligations":[]/' decision
	STATUS=2 redact parts
	has err 'needs --level L'
	redact --level R parts
	[ "$(jq -r .ehr.rl out | sort -u)" = R ]
	ehr 2 ehr-redact -P "$H" -S s --level N parts
	ehr 2 ehr-redact -P "$H" -S s --handled audit parts
}

@test "records of others and of nobody are refused, tombstones are passed over" {
	decide
	sed 's/p04/p044/g' parts >in
	STATUS=1 redact --on-error skip in
	[ "$(grep -c not-decided err)" -eq 4 ]
	empty out
	for subject in other Person/p04 Patient/p0 p04; do
		sed "s|\"subject\":\"Patient/p04\"|\"subject\":\"$subject\"|" parts >in
		case $subject in p04) redact in ;; *) STATUS=5 redact in ;; esac
	done
	sed 's|"subject":"Patient/p04",||' parts >in
	STATUS=5 redact in
	has err 'not-decided'
	sed -i 's|"patient":"p04"|"patient":"Patient/p04"|' decision
	redact parts
	echo '{"ehr":{"v":1,"stage":"deleted","id":"Observation/o9"},"record":{}}' >in
	redact in
	empty out err
}

@test "what is gone takes along urgency, labels and the reasons to think of it" {
	echo '{"resourceType":"Observation","id":"o1","meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"HIV"}]},"status":"final","code":{"coding":[{"system":"http://loinc.org","code":"85354-9"}]},"subject":{"reference":"Patient/p04"},"component":[{"code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]},"valueQuantity":{"value":20,"unit":"/min","system":"http://unitsofmeasure.org","code":"/min"}},{"code":{"coding":[{"system":"http://loinc.org","code":"2708-6"}]},"valueQuantity":{"value":98,"unit":"%","system":"http://unitsofmeasure.org","code":"%"}}]}' >raw
	labelled raw >in
	decide
	redact in
	[ "$(jq -r .ehr.criticality out)" = critical ]
	decide '"action":"redact","code":["http://loinc.org|8867-4"]'
	redact in
	[ "$(jq -r .ehr.criticality out)" = routine ]
	lacks out HIV
	lacks out '8867'
	has out '2708-6'
}

@test "a decision gives nothing to a person or a device that was revoked since" {
	decide
	ehr-keys revoke -S s --party dr-lee-2 --now 2026-03-02T09:00:00Z >/dev/null
	redact parts
	[ "$(wc -l <out)" -eq 4 ]
	ehr-keys revoke -S s --party dr-lee --now 2026-03-02T09:00:00Z >/dev/null
	STATUS=7 redact parts
	same err <<<'ehr-redact: decision: denied: revoked'
	empty out
	cp s/revoked.jwt list
	mv s/revoked.jwt s/elsewhere
	redact parts
	STATUS=7 redact --revoked list --authority s/authority.jwks parts
	ehr 2 ehr-redact -P "$H" --keys s/keys --revoked list --decision decision parts
	has err 'needs --site DIR or --authority JWKS'
	echo x >list
	STATUS=6 redact --revoked list parts
}

@test "asking for less gives no more: a reference to what is withheld does not come back" {
	local what narrower
	hospital
	echo '{"resourceType":"Observation","id":"o1","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]},"subject":{"reference":"Patient/ann"},"effectiveDateTime":"2026-01-04","hasMember":[{"reference":"Observation/o2"}]}' >chart.ndjson
	labelled chart.ndjson >members
	for what in '{class: Observation, code: "http://loinc.org|8480-6"}' '{class: {not: [Patient]}, code: "http://loinc.org|8480-6"}' \
		'{class: [Observation, Condition], label: [SUD]}'; do
		printf 'ehr_authz: 1\nconsent: c-ann\npatient: ann\nstatus: active\nbase: permit\nrules:\n  - {id: c-ann-1, say: Not these., effect: deny, what: %s}\n' \
			"$what" >S/consents/ann.yaml
		for narrower in '"ward":"w3"' '"class":"Observation"' '"class":["Observation"],"date":"2026"' '"class":"Observation","instance":["Observation/o1","Observation/o2"]'; do
			narrowed "$narrower" | ehr-authz -P P -S S >decision
			NOW=$(jq -r .context.time decision)
			[ "$(jq .decision decision)" = true ]
			redact --handled audit members
			jq -c .record out >got
			same got <<-'END'
				{"resourceType":"Observation","id":"o1","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]},"subject":{"reference":"Patient/ann"},"effectiveDateTime":"2026-01-04"}
			END
		done
	done
	# What is asked for is not what is forbidden, but refers to it.
	printf 'ehr_authz: 1\nconsent: c-ann\npatient: ann\nstatus: active\nbase: permit\nrules:\n  - {id: c-ann-1, say: No medication., effect: deny, what: {class: medication}}\n' >S/consents/ann.yaml
	echo '{"resourceType":"Encounter","id":"e1","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/ann"},"reasonReference":[{"reference":"MedicationStatement/ms1","display":"Zolpitrex"}],"period":{"start":"2026-01-02","end":"2026-01-03"}}' >chart.ndjson
	labelled chart.ndjson >members
	for narrower in '"ward":"w3"' '"class":"Encounter"' '"class":["Encounter","Observation"],"date":"2026"' '"instance":"Encounter/e1"' '"class":"Encounter","instance":"Encounter/e1"'; do
		narrowed "$narrower" | ehr-authz -P P -S S >decision
		NOW=$(jq -r .context.time decision)
		redact --handled audit members
		jq -c .record out >got
		same got <<-'END'
			{"resourceType":"Encounter","id":"e1","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/ann"},"period":{"start":"2026-01-02","end":"2026-01-03"}}
		END
	done
}

# What is withheld of the whole record for its date, label or author is not told by what lies outside of these.
@test "asking for another date, label or class brings no reference back that the whole record withholds" {
	local rule narrower
	hospital
	echo '{"resourceType":"Observation","id":"o1","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]},"subject":{"reference":"Patient/ann"},"effectiveDateTime":"2026-01-04","performer":[{"reference":"Practitioner/x","display":"Dr. Xu"}],"hasMember":[{"reference":"Observation/o2","display":"Zolpitrex"}]}' >chart.ndjson
	labelled chart.ndjson >members
	while read -r rule; do
		printf 'ehr_authz: 1\nconsent: c-ann\npatient: ann\nstatus: active\nbase: permit\nrules:\n  - %s\n' "$rule" >S/consents/ann.yaml
		for narrower in '"ward":"w3"' '"date":"2026"' '"date":["2025","2026"]' '"class":"Observation","date":"2026-01"' '"date":"2026","label":"N"'; do
			narrowed "$narrower" | ehr-authz -P P -S S >decision
			NOW=$(jq -r .context.time decision)
			[ "$(jq .decision decision)" = true ]
			redact --handled audit members
			jq -c .record out >got
			[ "$(jq -c '[.hasMember, .performer[0].display]' got)" = '[null,"Dr. Xu"]' ] || { echo "$rule, $narrower: $(cat got)" >&2; return 1; }
		done
	done <<-'END'
		{id: c-ann-1, say: Not this one., effect: deny, what: {class: Observation, instance: Observation/o2, date: {from: "2027"}}}
		{id: c-ann-1, say: Not this one., effect: deny, what: {instance: "http://h.example/fhir/Observation/o2", date: {from: "2027"}}}
		{id: c-ann-1, say: Not the old ones., effect: deny, what: {class: [Observation, Condition], date: {until: "2024"}}}
		{id: c-ann-1, say: Not these., effect: deny, what: {class: {not: [Practitioner]}, date: {from: "2027"}}}
		{id: c-ann-1, say: Not what is restricted., effect: deny, what: {class: Observation, label: [SUD], date: {from: "2027"}}}
		{id: c-ann-1, say: Not when it was new., effect: deny, what: {class: Observation, date: {from: "2027"}}, except: [{what: {label: [L]}}]}
	END
}

# A reference that says no type may name what is withheld; its place tells where it cannot.
@test "a reference by urn:uuid, identifier or display alone does not tell of what a redaction names" {
	echo '{"resourceType":"Observation","id":"o1","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8867-4","display":"Heart rate"}]},"subject":{"reference":"Patient/p04"},"encounter":{"reference":"urn:uuid:3","display":"Ward"},"performer":[{"reference":"urn:uuid:4","display":"Dr. Xu"},{"display":"Dr. Yi"}],"derivedFrom":[{"reference":"urn:uuid:2","display":"Z"},{"reference":"urn:uuid:2","type":"Observation","display":"Z"},{"reference":"http://h.example/blob/7","display":"Z"},{"display":"Z"},{"identifier":{"system":"s","value":"Z"}},{"type":"Observation","display":"Z"},{"reference":"Observation?identifier=s|Z"},{"reference":"Observation/o3"}],"extension":[{"url":"x","valueReference":{"display":"Z"}},{"url":"x","valueCoding":{"system":"s","code":"c","display":"C"}}]}' >raw
	labelled raw >in
	while IFS='#' read -r obligation derived performer; do
		decide "$obligation"
		redact in
		jq -c '.record | [.derivedFrom, [.performer[]?.display], .encounter.display, [.extension[].valueCoding.display // empty]]' out >got
		same got <<<"[$derived,[$performer],\"Ward\",[\"C\"]]"
	done <<-'END'
		"action":"redact","instance":["Observation/o2"]#[{"reference":"Observation/o3"}]#"Dr. Xu","Dr. Yi"
		"action":"redact","class":["MedicationRequest"]#[{"reference":"urn:uuid:2","type":"Observation","display":"Z"},{"type":"Observation","display":"Z"},{"reference":"Observation?identifier=s|Z"},{"reference":"Observation/o3"}]#"Dr. Xu","Dr. Yi"
		"action":"redact","class":["Practitioner"]#[{"reference":"urn:uuid:2","type":"Observation","display":"Z"},{"type":"Observation","display":"Z"},{"reference":"Observation?identifier=s|Z"},{"reference":"Observation/o3"}]#
		"action":"redact","instance":["Practitioner/x"],"date":{"from":"2030"}#[{"reference":"urn:uuid:2","type":"Observation","display":"Z"},{"type":"Observation","display":"Z"},{"reference":"Observation?identifier=s|Z"},{"reference":"Observation/o3"}]#
	END
	# An address of an entry of the same Bundle is known.
	printf '{"ehr":{"v":1,"stage":"ingested","subject":"Patient/p04"},"record":{"resourceType":"Bundle","type":"document","entry":[{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Composition","status":"final","section":[{"title":"a","entry":[{"reference":"urn:uuid:3"},{"reference":"urn:uuid:9"}]}]}},{"fullUrl":"urn:uuid:3","resource":{"resourceType":"Observation","status":"final"}}]}}\n' |
		ehr-classify -P "$H" 2>/dev/null >in
	decide '"action":"redact","class":["MedicationRequest"]'
	redact in
	[ "$(jq -c '.record.entry[0].resource.section[0].entry' out)" = '[{"reference":"urn:uuid:3"}]' ]
}
