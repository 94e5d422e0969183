load ../lib/ehr

# Real-looking records, if they are there: FHIR, devices, meters.  They are never committed.
setup_file() {
	data=${EHR_DATA:-$EHR_ROOT/../shared/data}
	[ -d "$data" ] || return 0
	export PATH="$EHR_BIN:$PATH" data
	local policy
	cd "$BATS_FILE_TMPDIR" || return 1
	# Lines that hold something else than an object are refused, or unpacked: not what this is about.
	find "$data" -name '*.ndjson' ! -path '*/meter-*' | sort | xargs grep -ah '^{' >hospital.in
	find "$data" -name '*.ndjson' -path '*/meter-*' | sort | xargs grep -ah '^{' >meter.in
	for policy in hospital meter; do
		ehr-keys make -P "$EHR_ROOT/policies/$policy" -S $policy.site >/dev/null
		through $policy >$policy.out
	done
}

# All versions of a policy's records, sealed and opened again.
through() {
	local p=$EHR_ROOT/policies/$1
	set -o pipefail
	ehr-ingest --from lines "$1.in" |
		ehr-classify -P "$p" 2>/dev/null |
		ehr-redact -P "$p" -S "$1.site" 2>/dev/null |
		ehr-seal -P "$p" -S "$1.site" |
		ehr-open -S "$1.site"
}

needs_data() {
	[ -n "$data" ] || skip '../shared/data is not there'
	cd "$BATS_FILE_TMPDIR" || return 1
}

# Records as they came but for white space between tokens; blank lines and line ends go.
squeeze() {
	perl -ne 's/^\x{ef}\x{bb}\x{bf}// if $. == 1; s/("[^"\\]*+(?:\\.[^"\\]*+)*+")|\s+/defined $1 ? $1 : ""/ge; print "$_\n" if length' "$@"
}

# The record of each opened line.
records() {
	perl -ne 's/^.*?\},"record":(?=[\{])// && s/\}$//; print'
}

@test "all records of ../shared/data: the top version is the record, byte for byte but for white space" {
	needs_data
	local policy number
	for policy in hospital:V meter:household; do
		squeeze "${policy%:*}.in" >want
		grep "\"rl\":\"${policy#*:}\"" "${policy%:*}.out" | records | cmp want -
	done
	[ "$(cat hospital.in meter.in | wc -l)" -gt 10000 ]
	# Numbers that other tools write anew are among them: 7.40, 1.1E+2, seventeen digits.
	for number in '[0-9]\.[0-9]*0[,}]' '[0-9]E\+[0-9]' '[0-9]\.[0-9]{15,}'; do
		grep -qE "$number" hospital.in
	done
}

@test "over ../shared/data no patient's name, address line, telecom or identifier is in a lowest version" {
	needs_data
	grep '"rl":"L"' hospital.out >lowest
	jq -r '.. | objects | select(.resourceType? == "Patient") |
		(.name[]? | .family?, .text?, (.given[]?)), (.address[]? | .line[]?), (.telecom[]?.value?), (.identifier[]?.value?)
		| strings' hospital.in | sort -u >needles
	[ "$(wc -l <needles)" -gt 100 ]
	[ "$(wc -l <lowest)" -gt 1000 ]
	# Long ones must not occur anywhere, short ones not as a value.
	awk 'length >= 6' needles >long
	awk 'length < 6 { print "\"" $0 "\"" }' needles >short
	! grep -iFf long lowest || return 1
	! grep -Ff short lowest || return 1
	# The same words do occur above.
	grep '"rl":"V"' hospital.out | grep -qFf long
}
