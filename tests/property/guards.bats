bats_require_minimum_version 1.5.0
load ../lib/ehr

# Each condition that keeps something from readers is a GUARD of common/label or common/redact.  The programs in $EHR_TAG_BIN
# leave the one out that EHR_WITHOUT names; then the canaries, the facts or the records below must betray something.
setup_file() {
	export P=$EHR_ROOT/policies/hospital PATH="$EHR_TAG_BIN:$EHR_BIN:$PATH"
	cd "$BATS_FILE_TMPDIR" || return 1
	ehr-keys make -P "$P" -S site >/dev/null
	{
		grep -v '^#' "$EHR_ROOT/testdata/canary/places.ndjson"
		more_places
	} >places
	perl "$EHR_ROOT/testdata/canary/make.pl" places
	grep -v '^#' "$EHR_ROOT/testdata/facts/facts.tsv" | tail -n +2 | head -n 2 |
		jq -Rc 'split("\t")' | jq -c -f "$EHR_ROOT/testdata/facts/hide.jq" >ways
	jq -c '.record + {id: "w\(input_line_number)"}' ways >facts
}

setup() {
	cd "$BATS_FILE_TMPDIR" || return 1
}

more_places() {
	cat <<-'END'
		{"resourceType":"Encounter","id":"display","status":"finished","class":{"code":"AMB"},"diagnosis":[{"condition":{"reference":"Condition/c","display":"{{R}}"}}]}
		{"resourceType":"Observation","id":"category","status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"EMP"}]}],"code":{"text":"{{R}}"}}
		{"ehr":{"v":1,"stage":"ingested","floor":["R"]},"record":{"resourceType":"Observation","id":"floor","status":"final","code":{"text":"{{R}}"}}}
		{"resourceType":"Observation","id":"search","status":"final","code":{"text":"{{N}}"},"subject":{"reference":"Patient?identifier=urn:oid:2.16.840.1.113883.4.1|{{R}}"}}
		{"resourceType":"Observation","id":"told","status":"final","code":{"text":"{{N}}"},"valueString":"{{R}} (ICD-10: B20)"}
		{"resourceType":"MedicationRequest","id":"mute","status":"active","medicationCodeableConcept":{"coding":[{"system":"http://fhir.de/CodeSystem/ifa/pzn","code":"{{R}}"}]}}
		{"resourceType":"Basic","id":"name","code":{"text":"{{N}}"},"hivStatus":"{{R}}"}
		{"resourceType":"Encounter","id":"form","status":"finished","class":{"code":"AMB"},"period":{"start":"{{N}}"}}
		{"resourceType":"Observation","id":"inline-label","status":"final","code":{"extension":[{"url":"http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-inline-sec-label","valueCoding":{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"N","display":"{{R}}"}}],"text":"{{N}}"},"component":[{"code":{"coding":[{"system":"http://loinc.org","code":"7917-8"}]},"valueString":"{{R}}"}]}
		{"resourceType":"Observation","id":"label","meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"N","display":"{{R}}"}]},"status":"final","code":{"text":"{{N}}"},"component":[{"code":{"coding":[{"system":"http://loinc.org","code":"7917-8"}]},"valueString":"{{R}}"}]}
		{"resourceType":"Observation","id":"orphan","contained":[{"resourceType":"Device","id":"d","note":[{"text":"{{R}}"}]}],"status":"final","code":{"text":"{{N}}"},"component":[{"code":{"coding":[{"system":"http://loinc.org","code":"7917-8"}]},"extension":[{"url":"http://x.example/e","valueReference":{"reference":"#d"}}]}]}
		{"resourceType":"Observation","id":"sibling","status":"final","code":{"text":"{{N}}"},"valueString":"data:text/plain;base64,QUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJD","_valueString":{"extension":[{"url":"http://x.example/e","valueString":"{{R}}"}]}}
		{"resourceType":"DiagnosticReport","id":"summary","status":"final","code":{"text":"{{N}}"},"conclusion":"{{R}}","conclusionCode":[{"coding":[{"system":"http://loinc.org","code":"7917-8"}]}]}
		{"resourceType":"DocumentReference","id":"raised","status":"current","content":[{"attachment":{"contentType":"application/pdf","data":"QUJD","title":"{{V}}"}}]}
	END
}

# The data of the record "raised" is V by a label of its line.
labelled() {
	ehr-classify -P "$P" "$1" 2>/dev/null | sed '/"id":"[^"]*raised"/s|/data","level":"R"|/data","level":"V"|'
}

versions() {
	labelled "$1" | ehr-redact -P "$P" -S site 2>/dev/null >versions
}

# What a decision that takes out medications leaves of records that tell of one.
permitted() {
	cat >decision <<-'END'
		{"decision":true,"context":{"about":{"subject":"dr-lee","action":"read","resource":{"type":"record","id":"p04"},"patient":"p04"},"al":5,"rl":"V","obligations":[{"type":"custom","properties":{"vendor":"ehr","action":"redact","class":["MedicationRequest"]}}]}}
	END
	labelled - <<-'END' | ehr-redact -P "$P" -S site --decision decision 2>/dev/null
		{"resourceType":"CarePlan","id":"plan","contained":[{"resourceType":"MedicationRequest","id":"x"}],"status":"active","description":"zzgone","subject":{"reference":"Patient/p04"},"activity":[{"reference":{"reference":"#x"}}]}
	END
}

# True if a version below their level holds a token of the canaries, or the version of treating staff a fact.
betrays() {
	versions records.ndjson
	perl "$EHR_ROOT/testdata/canary/find.pl" tokens.tsv versions >found || true
	grep -q 'is in its version' found || {
		versions facts
		jq -r 'select(.ehr.rl == "N").record | .. | strings | ascii_downcase' versions |
			grep -qE 'hiv inf|hiv-inf|^b ?20|^b23|opio' || permitted | grep -q zzgone
	}
}

@test "without any one guard something gets out" {
	grep -rhoE 'GUARD\([a-z_]+\)' "$EHR_ROOT/common/label" "$EHR_ROOT/common/redact" | tr -d '()' | sed s/GUARD// | sort -u >guards
	[ "$(wc -l <guards)" -eq 28 ]
	permitted | grep -q CarePlan/plan
	! betrays || return 1
	empty found
	local guard
	while read -r guard; do
		EHR_WITHOUT=$guard betrays || echo "$guard"
	done <guards >missed
	empty missed
}
