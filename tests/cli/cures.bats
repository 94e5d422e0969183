# What messages say to do: about foreign formats, texts on several lines, stages left out, keys that are there twice.
bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/keys

setup_file() {
	export LC_ALL=C TZ=UTC PATH="$EHR_BIN:$PATH" P="$EHR_ROOT/policies/hospital" F="$BATS_FILE_TMPDIR"
	cd "$F" || return 1
	printf '%s\n' '{"resourceType":"Patient","id":"zwaluw"}' '{"resourceType":"Patient","id":"merel"}' >bare
	ehr-keys make -P "$P" -S site --now "$NOW" >/dev/null
	tablet
	ehr-classify -P "$P" bare >labelled 2>/dev/null
	ehr-redact -P "$P" -S site labelled >version
	ehr-seal -P "$P" -S site version >sealed
	printf 'x\n' | ehr-ingest --on-error quarantine --quarantine aside 2>/dev/null || true
}

# cured STATUS TEXT: each reader of records says TEXT at the end of its one message about the file `in`.
cured() {
	ehr "$1" ehr-ingest in
	empty out
	grep -qE "^ehr-ingest: in:[0-9]+: [a-z0-9-]+: [A-Za-z0-9 .-]+; $2\$" err
	[ "$(wc -l <err)" -eq 1 ]
	ehr "$1" ehr-classify -P "$P" in
	empty out
	grep -qE "^ehr-classify: in:[0-9]+: [a-z0-9-]+: [A-Za-z0-9 .-]+; $2\$" err
	ehr "$1" ehr-open -S "$F/site" --now 2026-03-02T09:00:00Z in
	has err "; $2"
	for verb in survey explain; do
		ehr 5 ehr-policy $verb -P "$P" in
		has err "; $2"
	done
}

@test "compressed files and other formats are named, with what to put before" {
	gzip -c "$F/bare" >in
	cured 5 'this is gzip: put zcat before'
	printf '\050\265\057\375\044\000x' >in
	cured 5 'this is zstd: put zstdcat before'
	printf 'BZh91AY' >in
	cured 5 'this is bzip2: put bzcat before'
	printf '\3757zXZ\0' >in
	cured 5 'this is xz: put xzcat before'
	iconv -f UTF-8 -t UTF-16 "$F/bare" >in
	cured 5 'this is UTF-16: put iconv -f UTF-16 -t UTF-8 before'
	iconv -f UTF-8 -t UTF-16LE "$F/bare" >in
	cured 5 'this is UTF-16: put iconv -f UTF-16LE -t UTF-8 before'
	iconv -f UTF-8 -t UTF-16BE "$F/bare" >in
	cured 5 'this is UTF-16: put iconv -f UTF-16BE -t UTF-8 before'
	printf '<?xml version="1.0"?>\n<Patient/>\n' >in
	cured 5 'this is XML: translate it into FHIR JSON before'
	printf '\357\273\277\n  <Patient/>\n' >in
	cured 5 'this is XML: translate it into FHIR JSON before'
	printf 'id,name\n1,zwaluw\n' >in
	cured 5 'this looks like columns: make each row a JSON object before'
	printf '"id";"name"\r\n"1";"zwaluw"\r\n' >in
	cured 5 'this looks like columns: make each row a JSON object before'
	printf 'MSH|^~\\&|zwaluw\rPID|1\r' >in
	cured 5 'this is HL7 v2: translate it into FHIR JSON before'
	printf '\013MSH|^~\\&|zwaluw\rPID|1\r\034\r' >in
	cured 5 'this is HL7 v2: translate it into FHIR JSON before'
	printf '%%PDF-1.7\n' >in
	cured 5 'this is a PDF file: records are JSON'
	printf 'PK\003\004zwaluw' >in
	cured 5 'this is a ZIP file: unpack it before'
	{ head -c 128 /dev/zero && printf 'DICM\002'; } >in
	cured 5 'this is DICOM: records are JSON'
	printf -- '---\nid: zwaluw\n' >in
	cured 5 'this is YAML: translate it into JSON before'
	printf 'resourceType: Patient\nid: zwaluw\n' >in
	cured 5 'this looks like YAML: translate it into JSON before'
	printf 'name:\r\n  - zwaluw\r\n' >in
	cured 5 'this looks like YAML: translate it into JSON before'
	printf -- '- id: zwaluw\n- id: merel\n' >in
	cured 5 'this looks like YAML: translate it into JSON before'
	{ printf '<a>' && head -c 5000 /dev/zero | tr '\0' x; } >in
	ehr 5 ehr-ingest --max-record 1K in
	same err <<<'ehr-ingest: in:1: too-long: limit of --max-record passed at byte 1025; this is XML: translate it into FHIR JSON before'
}

@test "each file of several is named, and each reason once" {
	gzip -c "$F/bare" >a
	printf '<a/>\n<b/>\n' >b
	ehr 1 ehr-classify -P "$P" --on-error skip b a b "$F/bare"
	[ "$(grep -c 'this is XML' err)" -eq 2 ]
	[ "$(grep -c 'this is gzip' err)" -eq 1 ]
	printf '[1]\n[2]\n[3]\n' >arrays
	ehr 1 ehr-classify -P "$P" --on-error skip arrays
	same err <<-'END'
		ehr-classify: arrays:1: not-an-object: a record is a JSON object at byte 1; an array: put ehr-ingest before
		ehr-classify: arrays:2: not-an-object: a record is a JSON object at byte 1
		ehr-classify: arrays:3: not-an-object: a record is a JSON object at byte 1
	END
}

@test "a text of several lines, and several texts on a line" {
	jq . "$F/bare" >in
	ehr 5 ehr-classify -P "$P" in
	same err <<<'ehr-classify: in:1: truncated: input ends inside a value at byte 2; a text of several lines: put ehr-ingest before'
	jq . "$F/labelled" >in
	ehr 5 ehr-redact -P "$P" -S "$F/site" in
	same err <<<'ehr-redact: in:1: truncated: input ends inside a value at byte 2; a text of several lines: put each on one line, as jq -c does'
	tr -d '\n' <"$F/bare" >in
	ehr 5 ehr-classify -P "$P" in
	same err <<<'ehr-classify: in:1: trailing-data: something behind the value at byte 41; several texts on a line: put ehr-ingest before'
	jq -Rc . "$F/bare" >in
	ehr 5 ehr-ingest in
	same err <<<'ehr-ingest: in:1: not-an-object: a record is a JSON object at byte 1; JSON inside a string: put jq -r . before'
	printf "{'id':'zwaluw'}\n" >in
	ehr 5 ehr-ingest in
	same err <<<'ehr-ingest: in:1: bad-syntax: not JSON at byte 2; strings stand in double quotes'
}

@test "records are told apart in another way than --from says" {
	local two="$F/bare"
	jq . "$two" >in
	ehr 5 ehr-ingest --from lines in
	same err <<<'ehr-ingest: in:1: truncated: input ends inside a value at byte 2; a text of several lines: leave out --from'
	sed 's/^/\x1e/' "$two" >in
	for from in lines json; do
		ehr 5 ehr-ingest --from $from in
		same err <<<'ehr-ingest: in:1: bad-syntax: not JSON at byte 1; this is a JSON text sequence: leave out --from'
	done
	tr -d '\n' <"$two" >in
	ehr 5 ehr-ingest --from lines in
	same err <<<'ehr-ingest: in:1: trailing-data: something behind the value at byte 41; several texts: leave out --from'
	ehr 5 ehr-ingest --from seq "$two"
	has err ': bad-syntax: not JSON at byte 1; no record separator stands before it: leave out --from'
	# Where nothing is said, or it is not the cure, there is none.
	printf '{"resourceType":"Patient",' >in
	ehr 5 ehr-ingest in
	lacks err 'leave out'
	printf '[{}{}]' >in
	ehr 5 ehr-ingest --from json in
	lacks err 'leave out'
}

@test "each program says which stages are left out, or who reads the line" {
	local classify=(ehr-classify -P "$P") redact=(ehr-redact -P "$P" -S "$F/site") seal=(ehr-seal -P "$P" -S "$F/site")
	local notify=(ehr-notify -P "$P" -S "$F/site" --now 2026-03-02T09:00:00Z)
	ehr 5 "${redact[@]}" "$F/bare"
	has err '; a bare record: put ehr-classify before'
	ehr 5 "${seal[@]}" "$F/bare"
	has err '; a bare record: put ehr-classify and ehr-redact before'
	ehr 5 "${notify[@]}" "$F/bare"
	has err '; a bare record: put ehr-classify, ehr-redact and ehr-seal before'
	ehr 5 "${seal[@]}" "$F/labelled"
	has err '; a labelled line: put ehr-redact before'
	ehr 5 "${notify[@]}" "$F/labelled"
	has err '; a labelled line: put ehr-redact and ehr-seal before'
	ehr 5 "${notify[@]}" "$F/version"
	has err '; a version: put ehr-seal before'
	ehr 5 ehr-ingest "$F/labelled"
	has err '; a labelled line, which ehr-redact reads'
	ehr 5 "${classify[@]}" "$F/version"
	has err '; a version, which ehr-seal reads'
	ehr 5 "${redact[@]}" "$F/version"
	has err '; a version, which ehr-seal reads'
	for program in 'ehr-ingest' "${classify[*]}" "${redact[*]}" "${seal[*]}"; do
		line 5 "$program $F/sealed"
		has err '; a sealed line, which ehr-notify, ehr-select and ehr-open read'
		line 5 "$program $F/aside"
		lacks err zwaluw
	done
	ehr 5 "${classify[@]}" "$F/aside"
	has err '; a line of a quarantine: jq -r .record gives the record'
	ehr 5 ehr-authz -P "$P" "$F/bare"
	has err '; a record: requests for access are read'
	ehr 5 ehr-consent "$F/bare"
	has err '; a record: events of negotiations are read'
	ehr-deliver init -P "$P" --spool spool
	for file in bare labelled version sealed; do
		ehr 5 ehr-deliver enqueue --spool spool "$F/$file"
		has err '; a record: intents of ehr-notify are read'
	done
	printf '[{"id":"zwaluw"}]\n' >in
	ehr 5 ehr-authz -P "$P" in
	has err '; an array: put jq -c .[] before'
}

@test "a key seen twice is placed by array elements and by names that the program or its policy spells" {
	printf '%s\n' '{"resourceType":"Bundle","entry":[{"resource":{"a":1}},{"resource":{"zwaluw":{"merel":1,"merel":2}}}]}' >in
	ehr 5 ehr-ingest in
	same err <<<'ehr-ingest: in:1: duplicate-key: key seen twice at byte 89 in the object at /entry/1/resource/*'
	printf '{"zwaluw":1,"zwaluw":2}\n' >in
	ehr 5 ehr-ingest in
	same err <<<'ehr-ingest: in:1: duplicate-key: key seen twice at byte 13'
	printf '{"component":[{},{"code":{"zwaluw":[{"x":1,"x":2}]}}]}\n' >in
	ehr 5 ehr-classify -P "$P" in
	same err <<<'ehr-classify: in:1: duplicate-key: key seen twice at byte 44 in the object at /component/1/code/*/0'
}

# decisions: of these verbs of ehr-keys each says of the file `in` that it holds no decision on a line, and why.
decisions() {
	local verb
	for verb in "release --offline --device $ID --user nina" "grant -P $P" "declare -P $P" "rotate -P $P" 'revoke --party nina' "enrol --expect $JKT $F/tablet.enrol"; do
		# shellcheck disable=SC2086 # words of a command
		ehr 5 ehr-keys $verb -S site --decision in --now "$NOW"
		same err <<<"ehr-keys: in:1: not a decision; $1"
		empty out
	done
	for program in ehr-select 'ehr-redact --level N'; do
		[ -n "$2" ] || continue
		# shellcheck disable=SC2086
		ehr 7 $program -P "$P" -S site --decision in --now "$NOW" /dev/null
		same err <<<"${program%% *}: in: denied: it is not one decision; $2"
	done
}

@test "a file that holds decisions in another way than one a line" {
	local good='{"decision":true,"context":{"al":3}}' line
	own
	printf '[%s,%s]\n' "$good" "$good" >in
	decisions 'an array: put jq -c .[] before' 'an array: put jq -c .[] before'
	gzip -c <<<"$good" >in
	decisions 'this is gzip: put zcat before' 'this is gzip: put zcat before'
	printf '%s%s\n' "$good" "$good" >in
	decisions 'several texts on a line: put each on one line, as jq -c does' 'give one alone'
	jq . <<<"$good" >in
	line='a text of several lines: put each on one line, as jq -c does'
	decisions "$line" ''
	ehr 5 ehr-keys grant -P "$P" -S site --decision - <in
	same err <<<"ehr-keys: <stdin>:1: not a decision; $line"
	# It is named by its number.
	{ printf '\n' && cat in; } >late
	ehr 5 release --decision late
	same err <<<"ehr-keys: late:2: not a decision; $line"
	echo '{"subject":{},"action":{}}' >in
	ehr 7 ehr-keys grant -P "$P" -S site --decision in
	same err <<<'ehr-keys: decision-denied: it is no decision: put the request through ehr-authz'
}
