load ../lib/ehr

# P11: no message holds a value or a key of a record, wherever a line is cut or broken.
@test "lines cut and broken at every byte: no message names a value or a key" {
	local P=$EHR_ROOT/policies/hospital
	printf '%s\n' '{"resourceType":"Observation","id":"zwaluw-1","merel":{"spreeuw":"roodborst text","nr":7733.10},"component":[{"code":{"coding":[{"system":"http://snomed.info/sct","code":"86406008","display":"vink"}]},"valueString":"ijs\u0076ogel"}]}' >record
	ehr-keys make -P "$P" -S site >/dev/null
	ehr-classify -P "$P" record 2>/dev/null >labelled
	ehr-redact -P "$P" -S site labelled >versions
	# shellcheck disable=SC2016
	local broken='chomp; for my $i (1 .. length() - 1) {
		print substr($_, 0, $i), "\n";
		for my $put ("", "\"", "x", "\x01", "\xff") { my $x = $_; substr $x, $i, 1, $put; print "$x\n" }
	}'
	for file in record labelled versions; do
		perl -ne "$broken" $file >$file.broken
	done
	{
		ehr-ingest --from lines --on-error skip record.broken || true
		ehr-ingest record.broken || true
		ehr-classify -v -P "$P" --on-error skip record.broken || true
		ehr-classify -P "$P" --on-error skip labelled.broken || true
		ehr-redact -v -P "$P" -S site --on-error skip labelled.broken || true
		ehr-redact -P "$P" -S site --other-policy accept --on-error skip labelled.broken || true
		ehr-seal -P "$P" -S site --on-error skip versions.broken || true
	} 2>err >/dev/null
	[ "$(wc -l <err)" -gt 300 ]
	! grep -iE 'zwaluw|merel|spreeuw|roodborst|7733|86406008|vink|vogel|ijs' err || return 1
}

# Words of five letters or more, as messages would hold them if they told something.
words() {
	grep -ohaE '[A-Za-z0-9_-]{5,}' "$@" | sort -u
}

@test "bad records and foreign formats: no message holds a word of them, but for the words of all messages" {
	local P=$EHR_ROOT/policies/hospital file
	ehr-keys make -P "$P" -S site >/dev/null
	mkdir bad
	cp "$EHR_ROOT"/testdata/records/bad/*.ndjson bad
	printf '<Patient><name value="zwaluwstaart"/></Patient>\n' >bad/xml
	printf 'zwaluwnaam,merelnaam\nroodborst,spreeuw\n' >bad/csv
	printf '"zwaluwnaam";"merelnaam"\n' >bad/csv2
	printf 'MSH|^~\\&|zwaluwhuis|merelhuis\rPID|1||roodborst\r' >bad/hl7
	printf 'zwaluwnaam: roodborst\n' >bad/yaml
	printf "{'zwaluwnaam': 'roodborst'}\n" >bad/python
	printf '"{\\"zwaluwnaam\\":1}"\n' >bad/string
	printf '{\n  "zwaluwnaam": "roodborst",\n  "merelnaam": 1,\n}\n' >bad/pretty
	printf '{"zwaluwnaam":{"roodborst":1,"roodborst":2}}\n' >bad/twice
	printf '{"ehr":{"v":1,"stage":"zwaluwnaam","roodborst":1},"merelnaam":{}}\n' >bad/stage
	gzip -c bad/pretty >bad/gzip
	iconv -f UTF-8 -t UTF-16 bad/pretty >bad/utf16
	# What messages are made of, and the members that ehr-ingest reads.
	words "$EHR_ROOT/common/base/reasons.def" "$EHR_ROOT/common/line/cure.c" "$EHR_ROOT/cmd/ingest/bundle.c" >own
	for file in bad/*; do
		words "$file" | grep -vxFf own >its || true
		[ -s its ] || continue
		cp "$file" in
		{
			ehr-ingest --on-error skip in || true
			ehr-ingest --from lines --on-error skip in || true
			ehr-ingest --from json in || true
			ehr-ingest --from seq in || true
			ehr-redact -P "$P" -S site --on-error skip in || true
			ehr-seal -P "$P" -S site --on-error skip in || true
			ehr-notify -P "$P" -S site --now 2026-03-02T09:00:00Z --on-error skip in || true
			ehr-open -S site --now 2026-03-02T09:00:00Z --on-error skip in || true
			ehr-authz -P "$P" --on-error skip in || true
		} 2>err >/dev/null
		! grep -wFf its err || return 1
	done
}
