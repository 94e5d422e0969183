load ../lib/ehr

# P6: labels and versions do not change when a program reads what it wrote.

setup_file() {
	export PATH="$EHR_BIN:$PATH"
	cd "$BATS_FILE_TMPDIR" || return 1
	ehr-keys make -P "$EHR_ROOT/policies/hospital" -S site >/dev/null
	grep -v '^#' "$EHR_ROOT/testdata/facts/facts.tsv" | tail -n +2 |
		jq -Rc 'split("\t")' | jq -c -f "$EHR_ROOT/testdata/facts/hide.jq" | jq -c '.record + {id: "w\(input_line_number)"}' >facts
	perl "$EHR_ROOT/testdata/canary/make.pl" "$EHR_ROOT/testdata/canary/places.ndjson" >/dev/null
	cat "$EHR_ROOT/testdata/ward/upload.ndjson" >ward
	"$EHR_GENERATE" 11 200000 >generated
	# A record without an id has its digest for one, which --fhir-labels changes.
	cat records.ndjson ward generated facts | grep '^{' | grep '"id":' >in
}

setup() {
	cd "$BATS_FILE_TMPDIR" || return 1
}

classify() {
	ehr-classify -P "$EHR_ROOT/policies/hospital" --on-error skip "$@" 2>/dev/null || [ $? -eq 1 ]
}

# Counts the labels of each kind of place in file $1; none may be zero.
count() {
	local kind
	for kind in '"at":""' '/contained/' '/entry/' '/component/' '/note' '/text' '/extension' '"sensitivity":' '"criticality":'; do
		grep -qF "$kind" "$1" || {
			echo "no label: $kind" >&2
			return 1
		}
	done
}

@test "P6: labels of labelled records are the same, byte for byte" {
	classify in >first
	jq -c .labels first >labels
	count labels
	[ "$(wc -l <first)" -gt 400 ]
	classify first | cmp - first
}

@test "P6: labels that stand in the records as FHIR's give the same labels again, and again" {
	classify --fhir-labels in >first
	[ "$(grep -c '"security":' first)" -gt 400 ]
	[ "$(grep -c 'inline-sec-label' first)" -gt 40 ]
	classify --fhir-labels first >second
	classify --fhir-labels second >third
	cmp <(jq -c '[.record, .ehr.level, .ehr.sensitivity]' second) <(jq -c '[.record, .ehr.level, .ehr.sensitivity]' third)
	jq -c .ehr.level first | cmp - <(jq -c .ehr.level third)
	# The entries of a Bundle that carries a level are marked with it the second time.
	local file
	for file in first second third; do
		jq -c 'select(.record.resourceType != "Bundle")' $file >$file.single
	done
	[ "$(cat first second third | grep -c '"resourceType":"Bundle"')" -ge 3 ]
	jq -c .record first.single | cmp - <(jq -c .record second.single)
	jq -c .labels second.single | cmp - <(jq -c .labels third.single)
}
