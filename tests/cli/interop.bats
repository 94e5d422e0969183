#!/usr/bin/env bats
# Sealed lines and the JOSE libraries of others, both ways: what they open of ours, and what ehr-open opens of theirs.
# EHR_JOSE names a folder in which `npm install --ignore-scripts jose@6 node-jose@2` was run.
load ../lib/ehr
load ../lib/keys

setup_file() {
	site
	tablet
}

setup() {
	export LC_ALL=C TZ=UTC PATH="$EHR_BIN:$PATH" F="$BATS_FILE_TMPDIR"
	cd "$BATS_TEST_TMPDIR" || return 1
}

need_jose() {
	command -v node >/dev/null || skip "node is not there"
	[ -d "${EHR_JOSE:-none}/node_modules/jose" ] && [ -d "$EHR_JOSE/node_modules/node-jose" ] || skip "jose and node-jose (EHR_JOSE) are not there"
	data=$EHR_ROOT/testdata
	install -m 0600 "$data/keys/recipient.pem" key.pem
}

theirs() { node "$EHR_ROOT/tests/lib/jose.mjs" "$EHR_JOSE" "$@"; }

@test "jose and node-jose open the published lines, to a level and to a recipient" {
	need_jose
	for v in v1 v2; do
		theirs open "$data/keys/level.jwk" "$data/sealed/$v/level.ndjson" >out
		[ "$(wc -l <out)" -eq 2 ]
		while read -r record; do printf %s "$record" | cmp - "$data/sealed/$v/level.record"; done <out
		theirs open key.pem "$data/sealed/$v/recipient.ndjson" >out
		[ "$(wc -l <out)" -eq 2 ]
		while read -r record; do printf %s "$record" | cmp - "$data/sealed/$v/recipient.record"; done <out
	done
}

@test "jose and node-jose refuse a line of which a tag was changed, and ehr-open opens what both seal to a level" {
	need_jose
	own
	decision release-keys 3 >d
	release --decision d >message
	theirs open tablet/keys/enc.pem message | head -n 1 >token
	claims token | jq -c '.keys[] | select(.rl == "L")' >level.jwk
	head -n 1 "$F/sealed" >line
	for change in '.ehr.seq = 7' '.ehr.v = 3' '.ehr.criticality = "critical"' 'del(.ehr.subject)' '.ehr.n = 2'; do
		jq -c "$change" line >changed
		[ "$(cat line)" != "$(cat changed)" ]
		ehr 1 theirs open level.jwk changed
		has err 'decryption operation failed'
		empty out
	done
	ehr 0 theirs open level.jwk line
	theirs seal level.jwk line >made
	[ "$(wc -l <made)" -eq 2 ]
	ehr 0 ehr-open -S site --record made
	same out <<'END'
{"a":1.0}
{"a":1.0}
END
}

@test "jose opens what ehr-seal seals now, and ehr-open what jose seals under the same tags" {
	need_jose
	jq -c '. + {domain: "example"}' "$data/keys/recipient.jwk" >to.jwk
	echo '{"reading":91.0}' | ehr-seal --allow-test-keys --to to.jwk >line
	[ "$(theirs open key.pem line | sort -u)" = '{"reading":91.0}' ]
	theirs seal key.pem line >made
	ehr 0 ehr-open --allow-test-keys --key key.pem made
	same out <<<'{"a":1.0}'
	jq -c '.ehr.seq = 7' made >changed
	ehr 6 ehr-open --allow-test-keys --key key.pem changed
	has err not-authentic
	# A line of version 1 of theirs opens, too.
	theirs seal key.pem "$data/sealed/v1/recipient.ndjson" >made
	ehr 0 ehr-open --allow-test-keys --key key.pem made
	same out <<<'{"a":1.0}'
	jq -c '.ehr.seq = 7' made >changed
	ehr 6 ehr-open --allow-test-keys --key key.pem changed
	has err tag-mismatch
}

@test "both verify what ehr-keys signs, name keys as it does, and sign what it takes" {
	need_jose
	own
	ehr-keys list --self -S site | jq -c .sig.jwk >authority.jwk
	ehr-keys challenge -S site --now "$NOW" >challenge
	theirs verify authority.jwk challenge >out
	[ "$(sed -n 1p out)" = "$(claims challenge)" ]
	[ "$(sed -n 2p out)" = "$(sed -n 1p out)" ]
	jkt=$(ehr-keys list --self -S site | jq -r .sig.jkt)
	[ "$(sed -n 3p out)" = "$jkt" ]
	[ "$(sed -n 4p out)" = "$jkt" ]
	# A challenge that each of them signs with the authority's key is answered by the device.
	claims challenge >claims
	jq -nc --arg kid "$jkt" '{alg: "ES256", typ: "ehr-challenge+jwt", $kid}' >claims.header
	theirs sign site/keys/keys/sig.pem claims >signed
	echo none >token
	while read -r line; do
		echo "$line" >one
		ehr 0 ehr-keys prove --keys tablet --assertion token --now "$NOW" one
	done <signed
	[ "$(wc -l <signed)" -eq 2 ]
}

@test "a release, a signature inside a sealed message, opens and verifies in both" {
	need_jose
	own
	decision release-keys 3 >d
	release --decision d >message
	theirs open tablet/keys/enc.pem message >opened
	ehr-keys list --self -S site | jq -c .sig.jwk >authority.jwk
	[ "$(sed -n 1p opened)" = "$(sed -n 2p opened)" ]
	head -n 1 opened >token
	theirs verify authority.jwk token >out
	[ "$(sed -n 1p out | jq -c '[.device, .sub, (.keys | length)]')" = "[\"$ID\",\"nina\",4]" ]
	[ "$(sed -n 2p out)" = "$(sed -n 1p out)" ]
}

@test "parameters open and verify in both, what jose seals to a device needs the authority's signature, and a user's token of theirs counts" {
	need_jose
	own
	echo '{"interval":60}' >params
	ehr-keys provision -S site --device "$ID" --now "$NOW" params >message
	theirs open tablet/keys/enc.pem message >opened
	[ "$(sed -n 1p opened)" = "$(sed -n 2p opened)" ]
	ehr-keys list --self -S site | jq -c .sig.jwk >authority.jwk
	head -n 1 opened >token
	theirs verify authority.jwk token >out
	[ "$(sed -n 1p out | jq -c '[.device, .seq, .params]')" = "[\"$ID\",1,{\"interval\":60}]" ]
	theirs seal tablet/keys/enc.pem message >made
	[ -s made ]
	ehr 6 ehr-keys accept --keys tablet --now "$NOW" made
	has err 'release-refused: not signed by the authority'
	[ ! -e tablet/params.json ]
	ehr 0 ehr-keys accept --keys tablet --now "$NOW" message
	ehr-keys signer --domain hospital issuer.pem >issuers.jwks
	jq -nc --arg jkt "$JKT" --argjson now "$(date -u -d "$NOW" +%s)" '{v: 1, iss: "hospital", iat: $now, exp: ($now + 300), sub: "nina", aud: "hospital", cnf: {$jkt}}' >claims
	jq -c '{alg: "ES256", typ: "ehr-assertion+jwt", kid: .keys[0].kid}' issuers.jwks >claims.header
	theirs sign issuer.pem claims >signed
	[ "$(wc -l <signed)" -eq 2 ]
	while read -r line; do
		echo "$line" >token
		ehr-keys challenge -S site --now "$NOW" | ehr-keys prove --keys tablet --assertion token --now "$NOW" >proof
		ehr 0 ehr-keys release -S site --proof proof --assertions issuers.jwks --ask --now "$NOW"
		[ "$(jq -r .subject.id out)" = nina ]
	done <signed
}
