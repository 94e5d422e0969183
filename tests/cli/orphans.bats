# ehr-redact: contained roots that nothing refers to any more.
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

@test "it stays where another reference stays, where it refers to its container, and where it came without a reference" {
	version N '#a' '"contained":[{"resourceType":"Practitioner","id":"a"},{"resourceType":"Organization","id":"free"}],"serviceProvider":{"reference":"#a"}' \
		<<<'{"resourceType":"Encounter","id":"e","status":"finished","contained":[{"resourceType":"Practitioner","id":"a"},{"resourceType":"Organization","id":"free"}],"serviceProvider":{"reference":"#a"}}'
	version N '#a' '"contained":[{"resourceType":"Practitioner","id":"a"},{"resourceType":"Organization","id":"b","partOf":{"reference":"#a"}}],"instantiates":"#b|2"' \
		<<<'{"resourceType":"Encounter","id":"e","status":"finished","contained":[{"resourceType":"Practitioner","id":"a"},{"resourceType":"Organization","id":"b","partOf":{"reference":"#a"}}],"instantiates":"#b|2"}'
	version N '#a' '"contained":[{"resourceType":"Provenance","id":"a","target":[{"reference":"#"}]}]' \
		<<<'{"resourceType":"Encounter","id":"e","status":"finished","contained":[{"resourceType":"Provenance","id":"a","target":[{"reference":"#"}]}]}'
}
