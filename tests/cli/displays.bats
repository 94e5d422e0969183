# ehr-classify: displays of references, by the types that they refer to (testdata/policies/labels).
bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/labels

# The display of the member $1 whose other members are $2 is labelled.
told() {
	labels '{"resourceType":"Task","'"$1"'":{"display":"d"'"${2:+,$2}"'},"note":"n"}' <<<"/$1/display R EMP - - told -"
}

untold() {
	labels '{"resourceType":"Task","'"$1"'":{"display":"d"'"${2:+,$2}"'},"note":"n"}' </dev/null
}

@test "a display is labelled by the type of its reference, however that is written" {
	told focus '"reference":"Condition/1"'
	told focus '"reference":"http://h/fhir/Observation/1/_history/2"'
	told focus '"reference":"Condition?identifier=http://x/Patient/1|2"'
	told focus '"type":"Condition","identifier":{"value":"1"}'
	told performer '"reference":"Condition/1"'
	told performer '"type":"Observation"'
	told performer '"type":"http://hl7.org/fhir/StructureDefinition/Observation"'
	told focus '"type":"http://hl7.org/fhir/StructureDefinition/Zz"'
	untold focus '"type":"http://hl7.org/fhir/StructureDefinition/Patient"'
	untold focus '"reference":"Practitioner/1"'
	untold focus '"reference":"http://h/Condition/Patient/1"'
	untold focus '"type":"Patient","reference":"urn:uuid:1"'
}

@test "without a type the member counts; what nobody knows counts as told" {
	told focus
	told focus '"reference":"urn:uuid:1"'
	told focus '"reference":"Zz/1"'
	told focus '"type":"Zz"'
	told problem '"reference":"urn:uuid:1"'
	untold performer
	untold owner '"reference":"urn:uuid:1"'
	labels '{"resourceType":"Task","performer":[{"display":"d"}],"focus":[{"display":"d"}]}' <<<'/focus/0/display R EMP - - told -'
}

@test "what is no reference, stands in another type or refers into the record is left alone" {
	untold class
	untold class '"system":"urn:x"'
	untold focus '"code":"c"'
	labels '{"resourceType":"Task","code":{"coding":[{"display":"d"}]}}' </dev/null
	untold focus '"reference":"#c"'
	labels '{"resourceType":"Basic","focus":{"display":"d","reference":"Condition/1"}}' </dev/null
}

# The display of `focus` in a Task beside the entries $1; $3: its reference; its labels are on standard input.
beside() {
	labels '{"resourceType":"Bundle","entry":['"$1"',{'"$2"'"resource":{"resourceType":"Task","focus":{"display":"d","reference":"'"$3"'"}}}]}'
}

plain='{"fullUrl":"http://h/Condition/1","resource":{"resourceType":"Condition","id":"1","meta":{"versionId":"2"}}}'
secret='{"fullUrl":"urn:uuid:s","resource":{"resourceType":"Condition","id":"s","meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"HIV"}]}}}'
floor='/entry/0/resource R HIV - - floor -'
told='/entry/1/resource/focus/display R EMP - - told -'

@test "the display of a reference to another entry has the level of that entry" {
	for name in http://h/Condition/1 Condition/1 Condition/1/_history/2 http://h/Condition/1/_history/2; do
		beside "$plain" '' "$name" </dev/null
	done
	for name in urn:uuid:s Condition/s; do
		printf '%s\n' "$floor" '/entry/1/resource/focus/display R HIV - - summary -' | beside "$secret" '' "$name"
	done
	# In DSTU1 an entry has its address as id, and the resource as content.
	old=${secret//fullUrl/id}
	printf '%s\n' '/entry/0/content R HIV - - floor -' '/entry/1/resource/focus/display R HIV - - summary -' |
		beside "${old/resource/content}" '' urn:uuid:s
	# A list may be missing around the only entry, and an address may be escaped.
	labels '{"resourceType":"Bundle","entry":'"${secret/urn/\\u0075rn}"',"signature":{"who":{"display":"d","reference":"urn:uuid:\u0073"}}}' <<-EOF
		/entry/resource R HIV - - floor -
		/signature/who/display R HIV - - summary -
	EOF
}

@test "a reference to a record that may be another than the entry counts as told, and as the entry" {
	beside "$plain" '' Condition/2 <<<"$told"
	beside "$plain" '' Observation/1 <<<"$told"
	beside "$plain" '' http://g/Condition/1 <<<"$told"
	beside "$plain" '' Condition/1/_history/1 <<<"$told"
	beside "$plain" '"fullUrl":"http://g/Task/1",' Condition/1 <<<"$told"
	beside "$plain" '"fullUrl":"http://h/Task/1",' Condition/1 </dev/null
	printf '%s\n' "$floor" "$told" '/entry/1/resource/focus/display R HIV - - summary -' | beside "$secret" '' http://h/Condition/s
}

@test "the name of a person has the level of the entry, and tells of no part of it" {
	part='"extension":[{"url":"http://x","extension":[{"url":"http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-inline-sec-label","valueCoding":{"code":"HIV"}}]}]'
	ann='{"fullUrl":"urn:uuid:p","resource":{"resourceType":"Patient","id":"p",'$part'}}'
	beside "$ann" '' urn:uuid:p <<<'/entry/0/resource/extension/0 R HIV - - floor -'
	report=${ann/Patient/Observation}
	printf '%s\n' '/entry/0/resource/extension/0 R HIV - - floor -' '/entry/1/resource/focus/display R HIV - - summary -' |
		beside "$report" '' urn:uuid:p
}

@test "the hospital keeps the names of those who treat, and of places and drugs" {
	P=$EHR_ROOT/policies/hospital
	printf '{"resourceType":"%s","id":"x","%s":{"reference":"%s","display":"Zz"}}\n' Procedure recorder Practitioner/1 Encounter serviceProvider urn:uuid:1 \
		MedicationRequest medicationReference Medication/1 Observation device Device/1 Observation specimen urn:uuid:1 NutritionOrder allergyIntolerance urn:uuid:1 \
		Procedure focus Binary/1 Procedure focus NutritionOrder/1 Procedure focus Claim/1 Procedure focus ResearchSubject/1 \
		Observation subject urn:uuid:1 Observation encounter Encounter/1 Observation focus urn:uuid:1 Procedure report DiagnosticReport/1 >in
	ehr-keys make -P "$P" -S site >/dev/null
	ehr-classify -P "$P" in 2>/dev/null | ehr-redact -P "$P" -S site --levels N >out
	[ "$(grep -c Zz out)" -eq 7 ]
	ehr-classify -P "$P" in 2>/dev/null | ehr-redact -P "$P" -S site --levels R >out
	[ "$(grep -c Zz out)" -eq 14 ]
}

@test "a rule has a condition or refers_to" {
	cp -R "$EHR_ROOT/testdata/policies/labels" bad
	sed -i 's/refers_to: \[Condition, Observation\]/&, where: {.a: 1}/' bad/classify.yaml
	ehr 3 ehr-classify -P bad /dev/null
	has err 'refers_to stands without where, when and at'
	sed -i 's/, where: {.a: 1}, retold/, retold/; s/refers_to: \[Condition,/refers_to: [Conditoin,/' bad/classify.yaml
	ehr 3 ehr-classify -P bad /dev/null
	has err "unknown type 'Conditoin'"
	sed -i 's/Conditoin/Condition/; s/^references:.*/references: [performer]/' bad/classify.yaml
	ehr 3 ehr-classify -P bad /dev/null
	has err 'expected a map from types to names of members'
}

@test "what stands beside a display that is not there tells as much" {
	labels '{"resourceType":"Task","focus":{"reference":"Condition/1","_display":{"extension":[{"url":"u","valueCode":"d"}]}},"performer":{"_display":{"id":"d"}},"note":"n"}' \
		<<<'/focus/_display R EMP - - told -'
	labels '{"resourceType":"Task","focus":{"_display":{"id":"d"},"display":"d"},"note":"n"}' <<<'/focus/display R EMP - - told -'
}
