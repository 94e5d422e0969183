load ../lib/ehr

# Tokens that occur nowhere else stand at every place where something can hide (testdata/canary).
# find.pl says which of them a version below their level gives away.
canary() {
	perl "$EHR_ROOT/testdata/canary/find.pl" "$@"
}

make_records() {
	perl "$EHR_ROOT/testdata/canary/make.pl" "$EHR_ROOT/testdata/canary/places.ndjson"
}

# The versions of records.ndjson under a policy, in the file versions.
redact_with() {
	rm -rf site
	ehr-keys make -P "$1" -S site >/dev/null &&
		ehr-classify -P "$1" records.ndjson 2>/dev/null >labelled &&
		ehr-redact -P "$1" -S site labelled >versions 2>/dev/null
}

@test "no token above a level is in that level's version: raw, unescaped, base64-decoded or case-folded" {
	make_records
	redact_with "$EHR_ROOT/policies/hospital"
	[ "$(grep -c '"rl":"V"' versions)" -eq "$(wc -l <records.ndjson)" ]
	ehr 0 canary tokens.tsv versions
	empty out
}

@test "what find.pl finds: a token written plainly, escaped, in base64, in capitals, and one that is nowhere" {
	printf 'kEnNwOrT12345678\tR\t1\n' >tokens.tsv
	top='{"ehr":{"rl":"V"},"record":{"a":"kEnNwOrT12345678"}}'
	printf '%s\n' "$top" >versions
	ehr 0 canary tokens.tsv versions
	local hidden
	for hidden in kEnNwOrT12345678 KENNWORT12345678 '\u006bEnNwOrT12345678' "$(printf 'so kEnNwOrT12345678 it is' | base64)"; do
		printf '%s\n{"ehr":{"rl":"N"},"record":{"a":"%s"}}\n' "$top" "$hidden" >versions
		ehr 1 canary tokens.tsv versions
		has out 'of level R, record 1, is in its version N'
	done
	printf '{"ehr":{"rl":"V"},"record":{}}\n' >versions
	ehr 1 canary tokens.tsv versions
	has out 'not even in the highest version'
}

@test "no token is in a sealed line's tags, and a message names none" {
	make_records
	redact_with "$EHR_ROOT/policies/hospital"
	ehr-seal -P "$EHR_ROOT/policies/hospital" -S site versions >sealed 2>err
	sed -E 's/"(protected|encrypted_key|iv|ciphertext|tag)":"[^"]*",?//g' sealed >tags
	sed 's/$/not json/' records.ndjson >broken
	ehr-classify -P "$EHR_ROOT/policies/hospital" --on-error skip broken >/dev/null 2>>err || true
	cut -f1 tokens.tsv >words
	[ -s err ] && [ -s tags ]
	! grep -iFf words tags || return 1
	! grep -iFf words err || return 1
}

@test "no sign leaves the name of a member that FHIR does not have: it tells what its value was" {
	cp -r "$EHR_ROOT/policies/hospital" signs
	chmod -R u+w signs
	ehr-keys make -P signs -S signs-site >/dev/null
	local above
	for above in absent mask; do
		sed "s/^  - rl: N\$/&\n    above: $above/" "$EHR_ROOT/policies/hospital/redact.yaml" >signs/redact.yaml
		echo '{"resourceType":"Observation","id":"o","status":"final","code":{"text":"x"},"hivNote":"zz","hivStatus":true,"valueString":"HIV positive","B20":{"a":1},"list":{"methadone_dose":[3]}}' |
			ehr-classify -P signs 2>/dev/null | ehr-redact -P signs -S signs-site --levels N >out
		[ "$(grep -ciE 'hiv|B20|methadone' out)" -eq 0 ]
		grep -q valueString out
	done
}
