load ../lib/ehr

# Real-looking records, if they are there: FHIR, devices, meters.  They are never committed.
data=${EHR_DATA:-$EHR_ROOT/../shared/data}

setup_file() {
	[ -d "${EHR_DATA:-$EHR_ROOT/../shared/data}" ] || return 0
	export PATH="$EHR_BIN:$PATH"
	local policy
	for policy in hospital meter; do
		ehr-keys make -P "$EHR_ROOT/policies/$policy" -S "$BATS_FILE_TMPDIR/$policy" >/dev/null
	done
}

needs_data() {
	[ -d "$data" ] || skip '../shared/data is not there'
}

# The policy for a file.
policy_for() {
	case $1 in
	*/meter-*) echo meter ;;
	*) echo hospital ;;
	esac
}

# All versions of a file's records, sealed and opened again.
through() {
	local policy
	policy=$(policy_for "$1")
	ehr-ingest --from lines "$1" |
		ehr-classify -P "$EHR_ROOT/policies/$policy" 2>/dev/null |
		ehr-redact -P "$EHR_ROOT/policies/$policy" -S "$BATS_FILE_TMPDIR/$policy" 2>/dev/null |
		ehr-seal -P "$EHR_ROOT/policies/$policy" -S "$BATS_FILE_TMPDIR/$policy" |
		ehr-open -S "$BATS_FILE_TMPDIR/$policy"
}

# Records as they came but for white space between tokens; blank lines and line ends go.
squeeze() {
	perl -ne 's/^\x{ef}\x{bb}\x{bf}// if $. == 1; s/("(?:[^"\\]|\\.)*")|\s+/defined $1 ? $1 : ""/ge; print "$_\n" if length' "$@"
}

# The record of each opened line.
records() {
	perl -ne 's/^.*?\},"record":(?=[\{])// && s/\}$//; print'
}

@test "all records of ../shared/data: the top version is the record, byte for byte but for white space" {
	needs_data
	set -o pipefail
	local file top files=0 total=0
	for file in "$data"/*/*.ndjson; do
		top=V
		[ "$(policy_for "$file")" = hospital ] || top=household
		through "$file" | grep "\"rl\":\"$top\"" | records >got
		squeeze "$file" >want
		cmp want got
		files=$((files + 1)) total=$((total + $(wc -l <want)))
	done
	[ "$files" -gt 50 ] && [ "$total" -gt 10000 ]
}

@test "numbers of ../shared/data are intact: 7.40, 1.0, 1.1E+2, seventeen digits" {
	needs_data
	set -o pipefail
	local file token
	for file in fhir-synthea-ms/Observation fhir-r4-examples/Observation device-loopkit/samples; do
		[ ! -e "$data/$file.ndjson" ] || through "$data/$file.ndjson" | grep '"rl":"V"' >>got
		[ ! -e "$data/$file.ndjson" ] || cat "$data/$file.ndjson" >>want
	done
	for token in '[0-9]\.[0-9]*0[,}]' '[0-9]E+[0-9]' '[0-9]\.[0-9]{15,}'; do
		[ "$(grep -cE "$token" want)" -eq "$(grep -cE "$token" got)" ]
	done
}

@test "over ../shared/data no patient's name, address line, telecom or identifier is in a lowest version" {
	needs_data
	set -o pipefail
	local file
	for file in "$data"/*/*.ndjson; do
		case $file in */fhir-* | */device-phd/* | */security-labels-ds4p/*) through "$file" | grep '"rl":"L"' >>lowest ;; esac
	done
	cat "$data"/*/*.ndjson | grep -a '"resourceType":"Patient"' |
		jq -r '.. | objects | select(.resourceType? == "Patient") |
			(.name[]? | .family?, .text?, (.given[]?)), (.address[]? | .line[]?), (.telecom[]?.value?), (.identifier[]?.value?)
			| strings' | sort -u >needles
	[ "$(wc -l <needles)" -gt 100 ] && [ "$(wc -l <lowest)" -gt 1000 ]
	# Long ones must not occur anywhere, short ones not as a value.
	awk 'length >= 6' needles >long
	awk 'length < 6 { print "\"" $0 "\"" }' needles >short
	! grep -iFf long lowest || return 1
	! grep -Ff short lowest || return 1
}
