# Decisions that are signed (ehr-authz --sign), and the programs that take no others (--deciders, site/deciders.jwks).
bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/keys
load ../lib/trust

setup_file() {
	people
}

setup() {
	at_home read decider.pem deciders.jwks sealed labelled
}

# takes STATUS TEXT: both filters end so with the file decision.
takes() {
	ehr "$1" ehr-select -P "$P" -S site --decision decision --now "$NOW" sealed
	[ -z "$2" ] || has err "$2"
	cp out selected
	ehr "$1" ehr-redact -P "$P" -S site --decision decision --now "$NOW" labelled
	[ -z "$2" ] || has err "$2"
	[ "$1" -eq 0 ] || empty out selected
}

@test "a signed decision is the unsigned one with a signature as its last member, still one line of JSON" {
	decide read >plain
	ehr 0 decide --sign decider.pem read
	jq -c 'del(.signature)' out | cmp - plain
	[ "$(jq -r 'keys_unsorted[-1]' out)" = signature ]
	[ "$(wc -l <out)" -eq 1 ]
	jq -r '.signature | split(".")[0]' out | unpadded | cmp - <(jq -cj '{alg: "ES256", typ: "ehr-decision+jws", kid: .keys[0].kid}' deciders.jwks)
	ehr 0 decide --sign file:decider.pem read
}

@test "openssl verifies it over the unsigned bytes" {
	decide --sign decider.pem read >signed
	local header signature
	header=$(jq -r '.signature | split(".")[0]' signed)
	signature=$(jq -r '.signature | split(".")[2]' signed | unpadded | od -An -v -tx1 | tr -d ' \n')
	printf '%s.%s' "$header" "$(jq -cj 'del(.signature)' signed | basenc -w 0 --base64url | tr -d =)" >input
	{
		printf 'asn1=SEQUENCE:s\n[s]\nr=INTEGER:0x%s\ns=INTEGER:0x%s\n' "${signature:0:64}" "${signature:64}"
	} >asn
	openssl asn1parse -genconf asn -out sig.der -noout
	openssl pkey -in decider.pem -pubout -out public.pem
	openssl dgst -sha256 -verify public.pem -signature sig.der input
}

@test "every line is signed: denials, batches, answers to what is ill-formed" {
	{
		cat read
		jq -c '.subject.id = "eve"' read
		echo '{}'
		jq -c '{evaluations: [., .]}' read
	} >in
	ehr 1 decide --sign decider.pem --on-error skip in
	[ "$(jq -r '.signature | length > 100' out | sort -u)" = true ]
	[ "$(wc -l <out)" -eq 4 ]
}

@test "without deciders any decision file counts, signed or not" {
	decide read >decision
	takes 0
	[ "$(wc -l <selected)" -eq 2 ]
	decide --sign decider.pem read >decision
	takes 0
	[ "$(wc -l <selected)" -eq 2 ]
}

@test "a site that states its deciders takes signed decisions, and opens them to bytes" {
	cp deciders.jwks site/
	decide --sign decider.pem read >decision
	takes 0
	ehr 0 ehr-open -S site --record selected
	[ "$(jq -r .id out | sort | tr '\n' ' ')" = 'o1 o2 ' ]
	printf '%s\r\n' "$(cat decision)" >crlf
	mv crlf decision
	takes 0
}

@test "an unsigned decision is denied where deciders are stated, with --deciders too" {
	decide read >decision
	ehr 7 ehr-select -P "$P" -S site --deciders deciders.jwks --decision decision --now "$NOW" sealed
	has err 'decision-unsigned'
	ehr 7 ehr-redact -P "$P" -S site --deciders deciders.jwks --decision decision --now "$NOW" labelled
	has err 'decision-unsigned'
	cp deciders.jwks site/
	takes 7 'decision: denied: decision-unsigned: the site takes signed decisions only: ehr-authz --sign'
}

@test "each change of a signed decision is refused" {
	cp deciders.jwks site/
	decide --sign decider.pem read >good
	for change in 's/"al":4/"al":5/' 's/"al":5/"al":9/' 's/dr-lee/dr-bob/' 's/^{/{ /' 's/,"signature"/ ,"signature"/' 's/"decision":true/"decision": true/' \
		's/"obligations":\[[^]]*\]/"obligations":[]/' 's/"p1"/"p2"/' 's/\.\./.AA./' 's/"signature":"e/"signature":"f/' 's/"time":"[^"]*"/"time":"2026-03-02T09:00:01Z"/'; do
		sed "$change" good >decision
		cmp -s good decision && continue
		ehr 6 ehr-select -P "$P" -S site --decision decision --now "$NOW" sealed
		has err decision-forged
		empty out
	done
	# The signature itself: any character of it.
	sed -E 's/(.)("\})$/x\2/' good >decision
	cmp -s good decision || takes 6 'decision-forged'
	jq -c '.signature |= sub("^[^.]*"; "")' good >decision
	takes 6 'decision-forged: its signature is malformed'
	jq -c '{signature} + .' good >decision
	takes 7 'decision-unsigned'
	jq -c '.context.signature = .signature | del(.signature)' good >decision
	takes 7 'decision-unsigned'
}

@test "another key, another type, another signer's signature: refused" {
	cp deciders.jwks site/
	ehr-keys signer --domain hospital other.pem >/dev/null
	decide --sign other.pem read >decision
	takes 6 'decision-forged: its signer is no decider of this site'
	# The header of another type, and of other algorithms.
	decide --sign decider.pem read >good
	local wrong
	wrong=$(printf '{"alg":"ES256","typ":"ehr-grant+jwt","kid":%s}' "$(jq .keys[0].kid deciders.jwks)" | basenc -w 0 --base64url | tr -d =)
	jq -c --arg wrong "$wrong" '.signature |= sub("^[^.]*"; $wrong)' good >decision
	takes 6 'decision-forged: it is signed as another type of message'
	for alg in none HS256 RS256; do
		wrong=$(printf '{"alg":"%s","typ":"ehr-decision+jws","kid":%s}' $alg "$(jq .keys[0].kid deciders.jwks)" | basenc -w 0 --base64url | tr -d =)
		jq -c --arg wrong "$wrong" '.signature |= sub("^[^.]*"; $wrong)' good >decision
		takes 6 'decision-forged: the algorithm of its signature is refused'
	done
}

@test "a signature of one decision on another one: refused" {
	cp deciders.jwks site/
	decide --sign decider.pem read >good
	jq -c '.subject.id = "eve"' read >other
	decide other | jq -c --slurpfile good good '.decision = true | .signature = $good[0].signature' >decision
	takes 6 'decision-forged: its signature does not hold'
}

@test "a decision about one resource of the patient gives neither the rest of the record nor a grant" {
	local one='the decision is about one resource, not its patient'
	for resource in '{type: "Observation", id: "o1"}' '{type: "Observation", id: "p1"}' '{type: "Bundle"}'; do
		ask read ".resource |= . + $resource" | decide >decision
		[ "$(jq .decision decision)" = true ]
		ehr 7 ehr-select -P "$P" -S site --decision decision --now "$NOW" sealed
		has err "$one"
		empty out
		ehr 7 ehr-redact -P "$P" -S site --decision decision --now "$NOW" labelled
		has err "$one"
		empty out
		ask subscribe ".resource |= . + $resource" | decide >decision
		ehr 7 ehr-keys grant -P "$P" -S site --now "$NOW" --decision decision
		has err 'it is about one resource'
		[ ! -s site/grants.jwts ]
	done
	for resource in '{type: "record"}' '{type: "record", id: "chart 7"}' '{type: "Patient"}' '{id: "Patient/p1"}'; do
		ask read ".resource |= . + $resource" | decide >decision
		takes 0
		[ "$(wc -l <selected)" -eq 2 ]
	done
	# The one resource, from the whole record, is what keep-only leaves.
	ask read '.resource.properties.instance = ["Observation/o1"] | .context.supported_actions += ["keep-only"]' | decide >decision
	ehr 0 ehr-redact -P "$P" -S site --decision decision --handled audit --now "$NOW" labelled
	[ "$(jq -r .record.id out)" = o1 ]
}

@test "keys are released and grants are made on signed decisions alone" {
	local pattern='--offline -S site --user dr-lee'
	cp deciders.jwks site/
	echo '{"acr":"loa3","route":"on-site","purpose":"TREAT"}' >context
	# shellcheck disable=SC2086 # several words
	ehr-keys release $pattern --device "$ID" --now "$NOW" --ask --context context >request
	decide request >plain
	decide --sign decider.pem request >decision
	# shellcheck disable=SC2086
	ehr 7 ehr-keys release $pattern --device "$ID" --now "$NOW" --decision plain --context context
	has err 'decision-unsigned'
	sed 's/"al":./"al":9/' decision >edited
	# shellcheck disable=SC2086
	ehr 6 ehr-keys release $pattern --device "$ID" --now "$NOW" --decision edited --context context
	has err 'decision-forged'
	empty out
	# shellcheck disable=SC2086
	line 0 "ehr-keys release $pattern --device $ID --now $NOW --decision decision --context context | ehr-keys accept --keys tablet --now $NOW"
	ehr 0 ehr-open --key tablet --now "$NOW" --record <(jq -c 'select(.ehr.rl == "N")' sealed)
	[ "$(wc -l <out)" -eq 2 ]
	# shellcheck disable=SC2086
	ehr 7 ehr-keys release $pattern --device "$ID" --now "$NOW" --decision decision --context context
	has err decision-taken

	ask subscribe >request
	decide request >plain
	decide --sign decider.pem request >decision
	ehr 7 ehr-keys grant -P "$P" -S site --now "$NOW" --decision plain
	has err 'decision-unsigned'
	cat decision plain >both
	ehr 7 ehr-keys grant -P "$P" -S site --now "$NOW" --decision both
	sed 's/"dr-lee"/"eve"/' decision >edited
	ehr 6 ehr-keys grant -P "$P" -S site --now "$NOW" --decision edited
	has err 'decision-forged'
	[ ! -s site/grants.jwts ]
	ehr 0 ehr-keys grant -P "$P" -S site --now "$NOW" --decision decision
	[ -s site/grants.jwts ]
}

@test "the second form of an ECDSA signature does not make a second decision of it" {
	cp deciders.jwks site/
	ask subscribe >request
	decide --sign decider.pem request >decision
	decide --sign decider.pem request >again
	cmp -s decision again && return 1
	ehr 0 ehr-keys grant -P "$P" -S site --now "$NOW" --decision decision
	ehr 7 ehr-keys grant -P "$P" -S site --now "$NOW" --decision again
	has err decision-taken
}

@test "deciders that cannot be read stop the program; so does a key that cannot sign" {
	decide --sign decider.pem read >decision
	echo '{"keys":[]}' >site/deciders.jwks
	takes 6 'site/deciders.jwks: no keys of deciders'
	rm site/deciders.jwks
	ehr 4 ehr-select -P "$P" -S site --deciders nowhere --decision decision --now "$NOW" sealed
	mkdir site/deciders.jwks
	takes 4 'site/deciders.jwks'
	rmdir site/deciders.jwks
	ehr 6 decide --sign nowhere.pem read
	has err 'key-invalid: nowhere.pem'
	chmod 644 decider.pem
	ehr 6 decide --sign decider.pem read
	empty out
	ehr 2 ehr-select -P "$P" -S site --deciders deciders.jwks --grant x sealed
	ehr 2 ehr-redact -P "$P" -S site --deciders deciders.jwks labelled
}

@test "ehr-keys signer makes a key once, for its owner alone, and shows its public half" {
	ehr 0 ehr-keys signer --domain hospital new.pem
	cp out first
	[ "$(stat -c %a new.pem)" = 600 ]
	ehr 0 ehr-keys signer --domain hospital new.pem
	cmp out first
	[ "$(jq -r '.keys[0] | [.kty, .crv, .use, .alg, .domain] | join(" ")' out)" = 'EC P-256 sig ES256 hospital' ]
	lacks out '"d"'
	ehr 2 ehr-keys signer new.pem
	ehr 2 ehr-keys signer --domain 'two words' new.pem
	ehr 2 ehr-keys signer --domain hospital
	chmod 640 new.pem
	ehr 6 ehr-keys signer --domain hospital new.pem
	has err 'key-invalid: new.pem'
	ln -s nowhere dangling.pem
	ehr 6 ehr-keys signer --domain hospital dangling.pem
	ehr 4 ehr-keys signer --domain hospital no/such/folder.pem
}
