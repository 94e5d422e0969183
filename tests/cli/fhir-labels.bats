# --fhir-labels of ehr-classify and ehr-redact.
bats_require_minimum_version 1.5.0
load ../lib/ehr

H() {
	P=$EHR_ROOT/policies/hospital
	ehr-keys make -P "$P" -S s >/dev/null
}

security() {
	jq -c '[.ehr.rl // .ehr.level, [.record.meta.security[]?.code]] | flatten | join(" ")' "${1:-out}"
}

hiv='{"coding":[{"system":"http://snomed.info/sct","code":"86406008"}]}'
alcohol='{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"F10.20"}]}'

@test "ehr-classify writes labels into the record, byte for byte; without the option nothing changes" {
	H
	printf '%s\n' '{"resourceType":"Observation","id":"o1", "status":"final","component":[{"valueInteger":1.0},{"code":'"$hiv"'}]}' >in
	ehr 0 ehr-classify -P "$P" in
	mv out plain
	ehr 0 ehr-classify -P "$P" --fhir-labels in
	mv out labelled
	ehr 0 cmp <(sed 's/"record":.*//' plain) <(sed 's/"record":.*//' labelled)
	sed 's/.*"record":/"record":/' plain >shown
	same shown <<<'"record":'"$(cat in)}"
	sed 's/.*"record":/"record":/' labelled >shown
	same shown <<'END'
"record":{"resourceType":"Observation","id":"o1","meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"R","display":"restricted"},{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"HIV","display":"HIV/AIDS information sensitivity"},{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"PROCESSINLINELABEL","display":"process inline security label"}]}, "status":"final","component":[{"valueInteger":1.0},{"code":{"coding":[{"system":"http://snomed.info/sct","code":"86406008"}]},"extension":[{"url":"http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-inline-sec-label","valueCoding":{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"R"}},{"url":"http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-inline-sec-label","valueCoding":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"HIV"}}]}]}}
END
}

@test "the mark of a record is its level; brought labels are kept and not doubled; a law is the basis" {
	H
	local s='http://terminology.hl7.org/CodeSystem'
	cat >in <<-END
		{"resourceType":"Condition","code":{"text":"cold"}}
		{"resourceType":"Condition","meta":{"security":[{"system":"$s/v3-ActCode","code":"HIV"},{"system":"$s/v3-Confidentiality","code":"N"},{"system":"$s/v3-ActReason","code":"TREAT"}]}}
		{"resourceType":"Condition","meta":{"security":[{"system":"$s/v3-Confidentiality","code":"R"},{"system":"$s/v3-Confidentiality","code":"V"}]}}
		{"resourceType":"Condition","code":$alcohol}
		{"resourceType":"Condition","meta":{},"code":$hiv}
		{"resourceType":"Condition","meta":null,"code":$hiv}
		{"resourceType":"Condition","meta":[],"code":$hiv}
	END
	ehr 0 ehr-classify -P "$P" --fhir-labels in
	head -n 6 out | security - >shown
	same shown <<-'END'
		"N N"
		"R HIV R TREAT"
		"V V"
		"R R ETHUD SUD"
		"R R HIV"
		"R R HIV"
	END
	tail -n 1 out | jq -c '.record.meta | if type == "array" then .[0] else . end | [.security[].code]' >shown
	same shown <<-'END'
		["R","HIV"]
	END
	sed -n 4p out | jq -c '.record.meta.security[0].extension[] | [.url, .valueCoding.code]' >shown
	same shown <<<'["http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-sec-label-basis","42CFRPart2"]'
}

@test "a Bundle has no category, a contained resource no meta" {
	H
	printf '%s\n' '{"resourceType":"Bundle","type":"document","entry":[{"resource":{"resourceType":"Patient","id":"p","contained":[{"resourceType":"Condition","id":"c","code":'"$hiv"'}]}}]}' >in
	ehr 0 ehr-classify -P "$P" --fhir-labels in
	jq -c '.record | [.meta, .entry[0].resource.meta, .entry[0].resource.contained[0].meta] | map([.security[]?.code])' out >shown
	same shown <<<'[["R"],["R","HIV","PROCESSINLINELABEL"],[]]'
}

@test "without FHIR's levels and records the option is refused" {
	cp -r "$EHR_ROOT/policies/meter" "$EHR_ROOT/policies/hospital" .
	sed -i '/^code_system:/d' hospital/policy.yaml
	ehr-keys make -P meter -S s >/dev/null
	local policy
	for policy in meter hospital; do
		ehr 2 ehr-classify -P $policy --fhir-labels </dev/null
		empty out
		has err '--fhir-labels'
		ehr 2 ehr-redact -P $policy -S s --fhir-labels </dev/null
		empty out
		has err '--fhir-labels'
	done
}

@test "ehr-redact writes the labels of what a version holds, and none of what is above it" {
	H
	printf '%s\n' '{"resourceType":"Observation","id":"o1","status":"final","component":[{"valueInteger":1},{"code":'"$hiv"'}]}' \
		'{"resourceType":"Condition","id":"c","code":{"text":"cold"}}' '{"resourceType":"Condition","id":"c","code":'"$hiv"'}' |
		ehr-classify -P "$P" 2>/dev/null >labelled
	ehr 0 ehr-redact -P "$P" -S s --fhir-labels labelled
	security >shown
	same shown <<-'END'
		"L L REDACTED MASKED PSEUDED ABSTRED"
		"N N REDACTED"
		"R R HIV"
		"V R HIV"
		"L"
		"N N"
		"R N"
		"V N"
		"L"
		"N"
		"R R HIV"
		"V R HIV"
	END
	ehr 0 ehr-redact -P "$P" -S s --fhir-labels --levels N labelled
	sed -n '1s/.*"record":/"record":/p' out >shown
	same shown <<'END'
"record":{"resourceType":"Observation","id":"o1","meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"N","display":"normal"},{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"REDACTED","display":"redacted"}]},"status":"final","component":[{"valueInteger":1}]}}
END
}

@test "what a decision takes out leaves no category in the labels" {
	H
	printf '%s\n' '{"resourceType":"Observation","id":"o1","subject":{"reference":"Patient/p1"},"component":[{"code":'"$hiv"'},{"code":'"$alcohol"'}]}' |
		ehr-classify -P "$P" 2>/dev/null >labelled
	printf '%s\n' '{"decision":true,"context":{"about":{"subject":"d","action":"read","patient":"p1"},"rl":"R","al":4,"obligations":[{"type":"custom","properties":{"vendor":"ehr","action":"redact","label":["HIV"]}}]}}' >decision
	ehr 0 ehr-redact -P "$P" -S s --fhir-labels --decision decision labelled
	security >shown
	same shown <<<'"R R ETHUD SUD REDACTED"'
}

@test "records that go round: what came back has the level it went with; the second time nothing changes" {
	H
	cat "$EHR_ROOT/testdata/ward/upload.ndjson" >in
	"$EHR_GENERATE" 7 60000 >>in
	printf '%s\n' '{"resourceType":"Condition","code":'"$hiv"',"note":[{"text":"depression"}]}' >>in
	ehr-classify -P "$P" --on-error skip in 2>/dev/null >plain || true
	ehr-classify -P "$P" --on-error skip --fhir-labels in 2>/dev/null >first || true
	[ -s first ]
	# The labels are those without the option, and the mark is the level.
	ehr 0 cmp <(jq -c '.labels, .ehr' plain) <(jq -c '.labels, .ehr' first)
	jq -c '.record.meta | if type == "array" then .[0] else . end | .security[] | select(.system | endswith("v3-Confidentiality"))? | .code' first >marks
	ehr 0 cmp <(jq -c .ehr.level first) marks
	# Labelled again, and as a record that comes from outside.
	ehr-classify -P "$P" --fhir-labels first 2>/dev/null >second
	ehr-classify -P "$P" --fhir-labels second 2>/dev/null >third
	ehr 0 cmp <(jq -c '.record, .ehr.level' first) <(jq -c '.record, .ehr.level' second)
	ehr 0 cmp <(sed 's/"id":"[^"]*~[^"]*"//' second) <(sed 's/"id":"[^"]*~[^"]*"//' third)
	jq -c .record first | ehr-ingest | ehr-classify -P "$P" --fhir-labels 2>/dev/null >again
	ehr 0 cmp <(jq -c '.record, .ehr.level' first) <(jq -c '.record, .ehr.level' again)
	# Each version that comes back has the level that it names; L is lower than what its type has by place.
	ehr-redact -P "$P" -S s --fhir-labels first | grep -v '"record":{}' >versions
	local level
	for level in N R V; do
		grep "\"rl\":\"$level\"" versions >went
		jq -c .record went | ehr-ingest | ehr-classify -P "$P" 2>/dev/null >back
		jq -c '[.record.meta.security[] | select(.system | endswith("v3-Confidentiality")) | .code][0]' went >marks
		[ -s marks ]
		ehr 0 cmp marks <(jq -c .ehr.level back)
	done
}

@test "a label on an element of a list stands at its index of _x, whatever is there" {
	P=$EHR_ROOT/policies/hospital
	while read -r there shown; do
		echo '{"resourceType":"CarePlan","instantiatesUri":["a","http://x/hiv-positive","b","http://y/hiv-positive"]'"${there/-/}"'}' >in
		ehr 0 ehr-classify -P "$P" --fhir-labels in
		jq -c '.record._instantiatesUri | map(if .extension then .extension |= map(.valueCoding.code // .url) else . end)' out >got
		same got <<<"$shown"
		jq -c .record out >in
		ehr 0 ehr-classify -P "$P" --fhir-labels in
		jq -c .record out >again
		same again <in
	done <<-'END'
		- [null,{"extension":["R","HIV"]},null,{"extension":["R","HIV"]}]
		,"_instantiatesUri":[] [null,{"extension":["R","HIV"]},null,{"extension":["R","HIV"]}]
		,"_instantiatesUri":[{"id":"q"}] [{"id":"q"},{"extension":["R","HIV"]},null,{"extension":["R","HIV"]}]
		,"_instantiatesUri":[null,{"id":"q"},null,null] [null,{"id":"q","extension":["R","HIV"]},null,{"extension":["R","HIV"]}]
		,"_instantiatesUri":[null,{"extension":[{"url":"u"}]}] [null,{"extension":["u","R","HIV"]},null,{"extension":["R","HIV"]}]
	END
}
