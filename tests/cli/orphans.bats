# ehr-redact: contained roots that nothing refers to any more, and references to what is withheld.
load ../lib/ehr

keys() {
	P=$EHR_ROOT/policies/hospital
	[ -d site ] || ehr-keys make -P "$P" -S site >/dev/null
}

# Version $1 of an Encounter whose restricted diagnosis refers to $2, with the members $3, is on standard input.
version() {
	keys
	printf '{"resourceType":"Encounter","id":"e","status":"finished","diagnosis":[{"condition":{"reference":"%s"},"use":{"coding":[{"system":"http://snomed.info/sct","code":"86406008"}]}}],%s}\n' \
		"$2" "$3" | ehr-classify -P "$P" 2>/dev/null | ehr-redact -P "$P" -S site --levels "$1" | jq -c .record >shown
	same shown
}

@test "a contained root goes with the last reference to it, with all that it alone refers to" {
	version N '#a' '"contained":[{"resourceType":"Practitioner","id":"a"}]' <<<'{"resourceType":"Encounter","id":"e","status":"finished"}'
	version N '#a' '"contained":[{"resourceType":"Practitioner","id":"a","qualification":[{"issuer":{"reference":"#b"}}]},{"resourceType":"Organization","id":"b","partOf":{"reference":"#a"}}]' \
		<<<'{"resourceType":"Encounter","id":"e","status":"finished"}'
}

@test "the same of one that stands without a list, and however the reference to it is written" {
	version N '#a' '"contained":{"resourceType":"Practitioner","id":"a"}' <<<'{"resourceType":"Encounter","id":"e","status":"finished"}'
	version N '#a' '"contained":[{"resourceType":"Practitioner","id":"#a"}]' <<<'{"resourceType":"Encounter","id":"e","status":"finished"}'
	local name
	for name in ' #a' '#a ' '#a|1' 'Encounter/e#a' 'http://h/fhir/Encounter/e#a'; do
		version N "$name" '"contained":[{"resourceType":"Practitioner","id":"a"}]' <<<'{"resourceType":"Encounter","id":"e","status":"finished"}'
		version N "$name" '"contained":[{"resourceType":"Organization","id":"a"}],"serviceProvider":{"reference":"'"$name"'"}' \
			<<<'{"resourceType":"Encounter","id":"e","status":"finished","contained":[{"resourceType":"Organization","id":"a"}],"serviceProvider":{"reference":"'"$name"'"}}'
	done
	# Where the contained resource goes, the reference to it goes along.
	keys
	printf '%s\n' '{"resourceType":"Encounter","id":"e","status":"finished","contained":{"resourceType":"Condition","id":"a","code":{"text":"HIV infection"}},"reasonReference":[{"reference":"Encounter/e#a"}],"diagnosis":[{"condition":{"reference":" #a"}}]}' |
		ehr-classify -P "$P" 2>/dev/null | ehr-redact -P "$P" -S site --levels N | jq -c .record >out
	same out <<<'{"resourceType":"Encounter","id":"e","status":"finished"}'
}

@test "it stays where another reference stays, where it refers to its container, and where it came without a reference" {
	version N '#a' '"contained":[{"resourceType":"Practitioner","id":"a"},{"resourceType":"Organization","id":"free"}],"serviceProvider":{"reference":"#a"}' \
		<<<'{"resourceType":"Encounter","id":"e","status":"finished","contained":[{"resourceType":"Practitioner","id":"a"},{"resourceType":"Organization","id":"free"}],"serviceProvider":{"reference":"#a"}}'
	version N '#a' '"contained":[{"resourceType":"Practitioner","id":"a"},{"resourceType":"Organization","id":"b","partOf":{"reference":"#a"}}],"instantiates":"#b|2"' \
		<<<'{"resourceType":"Encounter","id":"e","status":"finished","contained":[{"resourceType":"Practitioner","id":"a"},{"resourceType":"Organization","id":"b","partOf":{"reference":"#a"}}],"instantiates":"#b|2"}'
	version N '#a' '"contained":[{"resourceType":"Provenance","id":"a","target":[{"reference":"#"}]}]' \
		<<<'{"resourceType":"Encounter","id":"e","status":"finished","contained":[{"resourceType":"Provenance","id":"a","target":[{"reference":"#"}]}]}'
}

@test "a reference without the # means the contained root of that name" {
	version N a '"contained":[{"resourceType":"Practitioner","id":"a"}]' <<<'{"resourceType":"Encounter","id":"e","status":"finished"}'
	version N a '"contained":[{"resourceType":"Organization","id":"a"}],"serviceProvider":{"reference":"a"}' \
		<<<'{"resourceType":"Encounter","id":"e","status":"finished","contained":[{"resourceType":"Organization","id":"a"}],"serviceProvider":{"reference":"a"}}'
	# A text that is no reference keeps nothing.
	version N '#a' '"contained":[{"resourceType":"Practitioner","id":"a"}],"priority":{"text":"a"}' \
		<<<'{"resourceType":"Encounter","id":"e","status":"finished"}'
	version N 'Condition/1' '"contained":[{"resourceType":"Practitioner","id":"a","qualification":[{"code":{"coding":[{"system":"http://snomed.info/sct","code":"86406008"}]}}],"meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"R"}]}}],"participant":[{"individual":{"reference":"a","display":"Dr Doe"}}]' \
		<<<'{"resourceType":"Encounter","id":"e","status":"finished"}'
}

# The version N of the entries in $1, of which the first is an Encounter or a request.
first_entry() {
	printf '{"resourceType":"Bundle","id":"b","type":"collection","entry":[{"resource":%s},%s]}\n' "$1" \
		'{"resource":{"resourceType":"Condition","id":"h","identifier":[{"system":"urn:x","value":"99"}],"code":{"text":"HIV infection"}}},{"resource":{"resourceType":"Condition","id":"k","identifier":{"system":"urn:x","value":"98"},"code":{"text":"Cough"}}}' |
		ehr-classify -P "$EHR_ROOT/policies/hospital" 2>/dev/null |
		ehr-redact -P "$EHR_ROOT/policies/hospital" -S site --levels N | jq -c '.record.entry[0].resource' >out
}

@test "a search, an identifier and a text in place of a reference go with the entry that they mean" {
	ehr-keys make -P "$EHR_ROOT/policies/hospital" -S site >/dev/null
	local gone kept
	for gone in '"reference":"Condition?identifier=urn:x|99"' '"reference":"http://h/fhir/Condition?identifier=urn:x%7C99"' '"reference":"Condition?identifier=99"' \
		'"reference":"Condition?_sort=date&identifier=urn:x|99"' '"reference":"Condition?_id=h"' '"reference":"Condition?onset=2020"' \
		'"reference":"Condition?identifier=urn:x|"' '"reference":"Condition?identifier=urn:x|98,urn:x|97"' \
		'"type":"Condition","identifier":{"system":"urn:x","value":"99"}' '"identifier":{"value":"99","system":"urn:x"}'; do
		first_entry '{"resourceType":"Encounter","id":"e","status":"finished","reasonReference":[{'"$gone"'}]}'
		same out <<<'{"resourceType":"Encounter","id":"e","status":"finished"}'
	done
	for kept in '"reference":"Condition?identifier=urn:x|98"' '"reference":"Condition?identifier=98"' '"reference":"Condition?_id=k"' \
		'"reference":"Condition?identifier=urn:x|97"' '"reference":"Procedure?date=2020"' '"type":"Condition","identifier":{"system":"urn:x","value":"98"}'; do
		first_entry '{"resourceType":"Encounter","id":"e","status":"finished","reasonReference":[{'"$kept"'}]}'
		same out <<<'{"resourceType":"Encounter","id":"e","status":"finished","reasonReference":[{'"$kept"'}]}'
	done
	# In a CodeableReference of R5 the text alone goes with the reference, a code that is known stays.
	first_entry '{"resourceType":"MedicationRequest","id":"m","reason":[{"concept":{"text":"that illness"},"reference":{"reference":"Condition/h"}},{"reference":{"reference":"Condition?_id=h"},"concept":{"text":"that illness"}},{"concept":{"text":"cold"},"reference":{"reference":"Condition/k"}}]}'
	same out <<<'{"resourceType":"MedicationRequest","id":"m","reason":[{"concept":{"text":"cold"},"reference":{"reference":"Condition/k"}}]}'
	first_entry '{"resourceType":"MedicationRequest","id":"m","reason":[{"concept":{"coding":[{"system":"http://snomed.info/sct","code":"386661006"}],"text":"fever"},"reference":{"reference":"Condition/h"}}]}'
	same out <<<'{"resourceType":"MedicationRequest","id":"m","reason":[{"concept":{"coding":[{"system":"http://snomed.info/sct","code":"386661006"}],"text":"fever"}}]}'
}
