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
