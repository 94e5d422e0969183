#!/usr/bin/env bats
# Sealed lines and the JOSE libraries of others, both ways: what they open of ours, and what ehr-open opens of theirs.
# EHR_JOSE names a folder in which `npm install --ignore-scripts jose@6 node-jose@2` was run.
load ../lib/ehr

need_jose() {
	command -v node >/dev/null || skip "node is not there"
	[ -d "${EHR_JOSE:-none}/node_modules/jose" ] && [ -d "$EHR_JOSE/node_modules/node-jose" ] || skip "jose and node-jose (EHR_JOSE) are not there"
	data=$EHR_ROOT/testdata
	install -m 0600 "$data/keys/recipient.pem" key.pem
}

theirs() { node "$EHR_ROOT/tests/lib/jose.mjs" "$EHR_JOSE" "$@"; }

@test "jose and node-jose open the published lines, to a level and to a recipient" {
	need_jose
	theirs open "$data/keys/level.jwk" "$data/sealed/v1/level.ndjson" >out
	[ "$(wc -l <out)" -eq 2 ]
	while read -r record; do printf %s "$record" | cmp - "$data/sealed/v1/level.record"; done <out
	theirs open key.pem "$data/sealed/v1/recipient.ndjson" >out
	[ "$(wc -l <out)" -eq 2 ]
	while read -r record; do printf %s "$record" | cmp - "$data/sealed/v1/recipient.record"; done <out
}

@test "jose opens what ehr-seal seals now, and ehr-open what jose seals under the same tags" {
	need_jose
	jq -c '. + {domain: "example"}' "$data/keys/recipient.jwk" >to.jwk
	echo '{"reading":91.0}' | ehr-seal --allow-test-keys --to to.jwk >line
	[ "$(theirs open key.pem line | sort -u)" = '{"reading":91.0}' ]
	theirs seal key.pem line >made
	ehr 0 ehr-open --allow-test-keys --key key.pem made
	same out <<<'{"a":1.0}'
	# Other tags than it was sealed with are refused here, though a library that looks at the header alone would not see it.
	jq -c '.ehr.seq = 7' made >changed
	ehr 6 ehr-open --allow-test-keys --key key.pem changed
	has err tag-mismatch
}
