# ehr-select and the views of redact.yaml: redact and keep-only of a decision, carried out on sealed lines.
bats_require_minimum_version 1.5.0
load ../lib/ehr

# A policy whose versions have views, and what is sealed under it of one record of each type.
setup_file() {
	export LC_ALL=C TZ=UTC PATH="$EHR_BIN:$PATH"
	cd "$BATS_FILE_TMPDIR" || return 1
	cp -r "$EHR_ROOT/policies/hospital" P
	chmod -R u+w P
	cat >P/redact.yaml <<-'END'
		redact: 1
		above: remove
		withheld: none
		presence: shown
		versions:
		  - {rl: L, view: v1, types: [Observation, Patient]}
		  - {rl: N, view: v2, types: [AllergyIntolerance, Claim, Condition, Encounter, Observation, Patient], without: [SUD]}
		  - {rl: R, view: v3, without: [PSYTHPN, SUD]}
		  - {rl: V}
	END
	ehr-keys make -P P -S S >/dev/null
	cat >chart <<-'END'
		{"resourceType":"Patient","id":"p","active":true}
		{"resourceType":"Observation","id":"o","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]},"subject":{"reference":"Patient/p"},"valueQuantity":{"value":60.0}}
		{"resourceType":"Condition","id":"hiv","subject":{"reference":"Patient/p"},"code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"B20"}]}}
		{"resourceType":"Condition","id":"opioids","subject":{"reference":"Patient/p"},"code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"F11.20"}]}}
		{"resourceType":"Encounter","id":"e","status":"finished","subject":{"reference":"Patient/p"},"class":{"code":"AMB"}}
		{"resourceType":"MedicationRequest","id":"m","status":"active","intent":"order","subject":{"reference":"Patient/p"},"medicationCodeableConcept":{"text":"iron"}}
	END
	sed -e '/"id":"o"/s/,"code":.*}\]}//' -e '/"id":"o"/s/,"valueQuantity".*/}/' chart >chart.L
	ehr-ingest <chart | ehr-classify -P P 2>/dev/null | ehr-redact -P P -S S | ehr-seal -P P -S S >store
	ehr-keys pseudonym -P P -S S Patient/p >subject
}

setup() {
	export LC_ALL=C TZ=UTC PATH="$EHR_BIN:$PATH"
	cd "$BATS_TEST_TMPDIR" || return 1
	cp -r "$BATS_FILE_TMPDIR/." .
}

# decide AL PROPERTIES ...: a decision with these obligations.
decide() {
	local al=$1 all='' one
	shift
	for one; do all="$all${all:+,}{\"id\":\"ob\",\"type\":\"custom\",\"properties\":{\"vendor\":\"ehr\",$one}}"; done
	printf '{"decision":true,"context":{"about":{"subject":"dr-lee","action":"read","patient":"p","pseudonym":"%s"},"al":%s,"obligations":[%s]}}\n' \
		"$(cat subject)" "$al" "$all" >decision
}

# selected LEVEL RECORDS: of which level the lines are, and that the site's keys open these records of the chart.
selected() {
	ehr 0 ehr-select -P P --decision decision "${@:3}" store
	empty err
	[ "$(jq -r .ehr.rl out | sort -u | paste -sd' ')" = "$1" ]
	mv out lines
	ehr 0 ehr-open -S S --record lines
	local chart=chart
	[ "$1" != L ] || chart=chart.L
	for name in $2; do grep -F "\"id\":\"$name\"" $chart; done | same out
}

refused() {
	ehr 7 ehr-select -P P --decision decision "$@" store
	empty out
	has err "cannot carry out: $ACTION: no view of redact.yaml up to AL "
}

@test "redact by label: the highest version that leaves out each category named, or one above it" {
	for label in SUD ETHUD 'http://terminology.hl7.org/CodeSystem/v3-ActCode|SUD' OPIOIDUD; do
		decide 5 "\"action\":\"redact\",\"label\":[\"$label\"]"
		selected R 'p o hiv e m'
	done
	decide 5 '"action":"redact","label":["SUD","PSYTHPN"]'
	selected R 'p o hiv e m'
	decide 3 '"action":"redact","label":"SUD"'
	selected N 'p o e'
	decide 5 '"action":"redact","label":"SUD"'
	selected N 'p o e' --level N
	for label in '["HIV"]' '["SUD","HIV"]' '["42CFRPart2"]' '["SUD","42CFRPart2"]' '["R"]' '["SUD","R"]' '["ETH"]' '{"not":["SUD"]}'; do
		decide 5 "\"action\":\"redact\",\"label\":$label"
		ACTION=redact refused
	done
}

@test "redact by class: a version none of whose types is named" {
	decide 5 '"action":"redact","class":["MedicationRequest","MedicationStatement"]'
	selected N 'p o e'
	decide 5 '"action":"redact","class":["http://hl7.org/fhir/resource-types|Condition"]'
	selected L 'p o'
	for class in '["Observation"]' '["http://loinc.org|1-1"]' '{"not":["Claim"]}' '["MedicationRequest","http://loinc.org|1-1"]'; do
		decide 5 "\"action\":\"redact\",\"class\":$class"
		ACTION=redact refused
	done
}

@test "one demand that is met is enough, and an exception needs nothing" {
	decide 5 '"action":"redact","class":["MedicationRequest"],"label":["HIV"]'
	selected N 'p o e'
	decide 5 '"action":"redact","class":["Observation"],"label":["SUD"],"date":{"from":"2020"}'
	selected R 'p o hiv e m'
	decide 5 '"action":"redact","label":["SUD"],"except":[{"class":["Condition"]}]'
	selected R 'p o hiv e m'
	decide 5 '"action":"redact","date":{"from":"2020"}'
	ACTION=redact refused
	decide 5 '"action":"redact","instance":["Condition/hiv"],"except":[{"label":["SUD"]}]'
	ACTION=redact refused
}

@test "keep-only: a version all of whose types are kept" {
	decide 5 '"action":"keep-only","any_of":[{"class":["Observation","Patient","Claim"]}]'
	selected L 'p o'
	decide 5 '"action":"keep-only","any_of":[{"class":["Observation"]},{"class":["Patient"]},{"label":["N"]}]'
	selected L 'p o'
	for items in '' '{"class":["Observation"]}' '{"class":["Observation","Patient"],"except":[{"label":["SUD"]}]}' \
		'{"class":["Observation","Patient"],"label":["N"]}' '{"label":["V"]}' '{"class":{"not":["Claim"]}}'; do
		decide 5 "\"action\":\"keep-only\",\"any_of\":[$items]"
		ACTION=keep-only refused
	done
}

@test "several obligations: one view satisfies all of them, or nothing is given" {
	decide 5 '"action":"redact","label":["SUD"]' '"action":"redact","class":["MedicationRequest"]'
	selected N 'p o e'
	decide 5 '"action":"keep-only","any_of":[{"class":["Observation","Patient"]}]' '"action":"redact","class":["MedicationRequest"]'
	selected L 'p o'
	decide 5 '"action":"keep-only","any_of":[{"class":["Observation","Patient"]}]' '"action":"redact","label":["SUD"]'
	ACTION=keep-only refused
	decide 5 '"action":"redact","label":["SUD"]' '"action":"watermark"'
	ehr 7 ehr-select -P P --decision decision store
	has err 'cannot carry out: watermark'
	decide 0 '"action":"redact","label":["SUD"]'
	ACTION=redact refused
	decide 5 '"action":"redact","class":["MedicationRequest"]'
	ACTION=redact refused --al 0
}

@test "--pick all gives the views that satisfy, and no other version" {
	decide 5 '"action":"redact","label":["SUD"]'
	ehr 0 ehr-select -P P --decision decision --pick all store
	[ "$(jq -r .ehr.rl out | sort -u | paste -sd' ')" = 'N R' ]
	[ "$(jq -r .ehr.view out | sort -u | paste -sd' ')" = 'v2 v3' ]
}

@test "a line counts by its own word: one that has lost it, or has that of another level, gives nothing" {
	decide 5 '"action":"redact","label":["SUD"]'
	sed -E 's/view: v3/view: v9/; s/view: v2/view: v3/' P/redact.yaml >r
	mv r P/redact.yaml
	ehr 0 ehr-select -P P --decision decision store
	empty out
	sed -i 's/, view: v[0-9]//' P/redact.yaml
	ACTION=redact refused
	sed -i 's/versions:/versions: 7 #/' P/redact.yaml
	ehr 3 ehr-select -P P --decision decision store
	printf 'redact: 1\nversions:\n  - {rl: N, view: v1, without: [NOTHING]}\n' >P/redact.yaml
	ehr 3 ehr-select -P P --decision decision store
	has err "P/redact.yaml:3:"
	rm P/redact.yaml
	ACTION=redact refused
	# Without such an obligation nobody looks at it.
	decide 5
	ehr 0 ehr-select -P P --decision decision store
	[ "$(jq -r .ehr.rl out | sort -u)" = V ]
}

# What retells or names a record of a type that a view leaves out, in every form; Z is the medication's name.
telling() {
	cat <<-'END'
		{"resourceType":"Encounter","id":"e","text":{"status":"generated","div":"<div>Z</div>"},"status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/p"},"reasonReference":[{"reference":"http://h.example/fhir/MedicationStatement/ms1/_history/2","display":"Z"}],"reasonCode":[{"text":"Z"}]}
		{"resourceType":"CarePlan","id":"c","contained":[{"resourceType":"MedicationRequest","id":"x","status":"active","intent":"plan","medicationCodeableConcept":{"text":"Z"}}],"status":"active","intent":"plan","subject":{"reference":"Patient/p"},"encounter":{"reference":"urn:uuid:9"},"activity":[{"reference":{"reference":"#x"}},{"reference":{"reference":"MedicationRequest/mr1"}},{"reference":{"type":"MedicationRequest","display":"Z"}},{"reference":{"reference":"MedicationRequest?identifier=s|9"}},{"reference":{"reference":"urn:uuid:2","display":"Z"}},{"reference":{"display":"Z"}},{"reference":{"identifier":{"system":"s","value":"Z"}}},{"detail":{"status":"in-progress","description":"Z"}}]}
		{"resourceType":"Observation","id":"o","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8867-4","display":"Heart rate"}]},"subject":{"reference":"Patient/p"},"partOf":[{"reference":"urn:uuid:2"}],"performer":[{"reference":"Patient/p","display":"Herself"}],"valueQuantity":{"value":60.0},"note":[{"text":"after Z"}]}
		{"resourceType":"Condition","id":"k","text":{"status":"generated","div":"<div>Cough</div>"},"subject":{"reference":"Patient/p"},"code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"R05","display":"Cough"}]},"note":[{"text":"at night"}]}
		{"resourceType":"MedicationStatement","id":"ms1","status":"active","subject":{"reference":"Patient/p"},"medicationCodeableConcept":{"text":"Z"}}
	END
}

@test "a view tells nothing of the types that it leaves out: no reference, display or narrative" {
	cat >P/redact.yaml <<-'END'
		redact: 1
		presence: shown
		versions:
		  - {rl: R, view: care, types: [CarePlan, Condition, Encounter, Observation, Patient]}
		  - {rl: V}
	END
	telling | ehr-ingest | ehr-classify -P P 2>/dev/null >labelled
	ehr-redact -P P -S S labelled | ehr-seal -P P -S S >store
	decide 5 '"action":"redact","class":["MedicationRequest","MedicationStatement","MedicationDispense","MedicationAdministration"]'
	ehr 0 ehr-select -P P --decision decision store
	mv out lines
	ehr 0 ehr-open -S S --record lines
	same out <<-'END'
		{"resourceType":"Encounter","id":"e","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/p"}}
		{"resourceType":"CarePlan","id":"c","status":"active","intent":"plan","subject":{"reference":"Patient/p"},"encounter":{"reference":"urn:uuid:9"},"activity":[{"detail":{"status":"in-progress"}}]}
		{"resourceType":"Observation","id":"o","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8867-4","display":"Heart rate"}]},"subject":{"reference":"Patient/p"},"performer":[{"reference":"Patient/p","display":"Herself"}],"valueQuantity":{"value":60.0}}
		{"resourceType":"Condition","id":"k","text":{"status":"generated","div":"<div>Cough</div>"},"subject":{"reference":"Patient/p"},"code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"R05","display":"Cough"}]},"note":[{"text":"at night"}]}
	END
	# The decision carried out on the records themselves leaves the same bytes.
	mv out view
	sed -i '/view: care/d' P/redact.yaml
	telling | ehr-ingest | ehr-classify -P P 2>/dev/null >labelled
	ehr 0 ehr-redact -P P -S S --decision decision --level V labelled
	sed 's/^.*,"record"://; s/}$//' out | cmp - view
	# What it drops it may not be told to keep.
	printf 'redact: 1\nversions:\n  - {rl: V, view: care, types: [Patient], references: keep}\n' >P/redact.yaml
	ehr 3 ehr-redact -P P -S S labelled
	has err 'P/redact.yaml:3:55: view-tells: a version with `view` and `types` drops references to other types'
}
