#!/usr/bin/env bats
# What passes between an authority and its enrolled devices until they have keys: challenge, proof, release; and which verbs
# obey a decision.
load ../lib/ehr
load ../lib/keys
load ../lib/trust
load ../lib/ca

setup_file() {
	people
	ehr-keys signer --domain hospital issuer.pem >issuers.jwks
	jq -c .enc.jwk tablet.self >tablet.jwk
	cat >>site/entities.ndjson <<-'END'
		{"type":"user","id":"kim","properties":{"domain":"hospital","structural_role":"administrator","functional_role":["key-custodian"]}}
		{"type":"user","id":"lea","properties":{"domain":"hospital","structural_role":"administrator","functional_role":["key-custodian"]}}
		{"type":"user","id":"bill","properties":{"domain":"hospital","structural_role":"billing"}}
	END
}

setup() {
	at_home issuer.pem issuers.jwks sealed
	echo '{"acr":"loa3","route":"on-site","purpose":"TREAT"}' >context
	LATER=2026-03-02T09:01:00Z
}

# token [JQ]: the token of nina, bound to the tablet; JQ changes its claims.
token() {
	jq -nc --arg jkt "$JKT" '{sub: "nina", aud: "hospital", cnf: {$jkt}} | '"${1:-.}" |
		keys assert --sign "${ISSUER:-issuer.pem}" --domain "${BY:-hospital}"
}

# proof: a challenge and the tablet's answer, with the user's token in the file token
proof() {
	keys challenge -S site >challenge
	keys prove --keys tablet --assertion token challenge >proof
}

released() { keys release -S site --proof proof --assertions issuers.jwks --context context "$@"; }

teardown() {
	[ -z "${device:-}" ] || kill "$device" 2>/dev/null || true
}

@test "the whole ceremony is a pipe: challenge, proof, request, decision, release, and the device opens" {
	token >token
	keys challenge -S site | keys prove --keys tablet --assertion token | tee proof |
		keys release -S site --proof - --assertions issuers.jwks --context context --ask |
		ehr-authz -P "$P" -S site |
		keys release -S site --proof proof --assertions issuers.jwks --context context --decision - |
		keys accept --keys tablet
	ehr 1 ehr-open --key tablet --now "$NOW" --on-error skip sealed
	[ "$(jq -r .ehr.rl out | sort -u | tr '\n' ' ')" = 'L M N ' ] || [ -s out ]
	[ "$(jq -s 'map(.ehr.al) | max' out)" -le 3 ]
	# The request is about the person of the token, on the device of the proof.
	token >token
	proof
	ehr 0 released --ask
	[ "$(jq -c '[.subject.id, .subject.properties.device, (.context.assertion == $t)]' --arg t "$(cat token)" out)" = "[\"nina\",\"$ID\",true]" ]
}

# The two ends of an exchange; each reads what the other writes, and leaves a copy in the file recording.
at_authority() {
	keys challenge -S site | tee -a recording
	head -n 1 >proof
	released --ask | ehr-authz -P "$P" -S site >decision
	released --decision decision | tee -a recording
	cat >/dev/null
}

at_device() {
	head -n 1 | keys prove --keys tablet --assertion token | tee -a recording
	head -n 1 | keys accept --keys tablet
}

by_fifos() {
	mkfifo -m 600 up down
	at_device <down >up 3>&- &
	device=$!
	at_authority >down <up
}

# put FOLDER, get FOLDER: each line is a file there, which gets its name when it is whole.
put() {
	local n=0 text
	while read -r text; do
		echo "$text" >"$1/part"
		mv "$1/part" "$1/$((n += 1))"
	done
	: >"$1/end"
}

get() {
	local n=1
	until [ -e "$1/end" ] && [ ! -e "$1/$n" ]; do
		if [ -e "$1/$n" ]; then cat "$1/$((n++))"; else sleep 0.02; fi
	done
}

by_files() {
	mkdir up down
	get down | at_device 3>&- | put up 3>&- &
	device=$!
	get up | at_authority | put down
}

by_tls() {
	ca maker
	certificate maker server serverAuth
	mkfifo -m 600 up down
	(
		while [ ! -S socket ]; do sleep 0.02; done
		at_device <down | openssl s_client -quiet -no_ign_eof -unix socket -CAfile maker.pem -verify_return_error >down 2>client.err
	) 3>&- &
	device=$!
	at_authority <up | openssl s_server -quiet -naccept 1 -unix socket -key server.key -cert server.pem >up 2>server.err
}

@test "the same exchange by FIFOs, by files and inside a TLS tunnel, and nothing in it tells a key, a record or the user" {
	sed -n 's/"id":"nina"/"id":"nina-okonkwo"/p' site/entities.ndjson >user
	cat user >>site/entities.ndjson
	cp -r site site.begin
	cp -r tablet tablet.begin
	token '.sub = "nina-okonkwo"' >token
	for carrier in by_fifos by_files by_tls; do
		rm -rf site tablet up down recording
		cp -r site.begin site
		cp -r tablet.begin tablet
		$carrier
		wait "$device"
		device=
		ehr 1 ehr-open --key tablet --now "$NOW" --on-error skip --record sealed
		has out o1
		[ "$carrier" = by_fifos ] || cmp out opened
		cp out opened
		[ "$(wc -l <recording)" -eq 3 ]
		# Who carries it saw this: each message answers one exchange, and again it answers none.
		no nonce-spent released --ask
		tail -n 1 recording >message
		ehr 6 keys accept --keys tablet message
		has err release-refused
		{
			echo nina-okonkwo
			cat "$F/records" "$F/versions" | jq -r '.record // . | .. | strings | select(utf8bytelength >= 8)'
			for key in site/keys/keys/*.pem tablet/keys/*.pem; do
				openssl pkey -in "$key" -noout -text | sed -n '/^priv:/,/^pub:/s/^ *\(..:.*\)/\1/p' | tr -d ' :\n' | sed 's/^\(00\)\{0,1\}/hex:/'
				echo
			done
		} | sort -u >secrets
		cat sealed recording >carried
		ehr 0 python3 "$EHR_ROOT/tests/lib/pieces.py" carried <secrets
	done
	# The search finds what is there.
	ehr 1 python3 "$EHR_ROOT/tests/lib/pieces.py" token <secrets
	same out <<<nina-okonkwo
}

@test "a proof counts once, in time, from its device, for its user" {
	token >token
	proof
	released --ask | ehr-authz -P "$P" -S site >decision
	ehr 0 released --decision decision
	cp out first
	no nonce-spent released --decision decision
	no nonce-spent released --ask
	ehr 0 keys accept --keys tablet first
	ehr 6 keys accept --keys tablet first
	has err 'it answers a challenge that is not pending'
	# Too late, and never given.
	proof
	AT=2026-03-02T09:06:01Z no proof-invalid released --ask
	cp proof old
	: >site/keys/nonces.log
	no nonce-unknown released --ask
	echo >site/keys/nonces.log
	ehr 6 released --ask
	same err <<<'ehr-keys: nonces.log:1: not a challenge'
	: >site/keys/nonces.log
	keys challenge -S site --ttl 1s >challenge
	keys prove --keys tablet --assertion token challenge >proof
	AT=2026-03-02T09:00:30Z no challenge-expired released --ask
	# A challenge that is another device's.
	another
	keys challenge -S site --device "$(ehr-keys list --self --keys other | jq -r .id)" >challenge
	ehr 6 keys prove --keys tablet --assertion token challenge
	has err 'challenge-invalid: for another device'
	# One that no authority signed.
	ehr 6 keys prove --keys tablet --assertion token token
	has err 'challenge-invalid: not a challenge of the authority'
	sed 's/./x/200' challenge >altered
	ehr 6 keys prove --keys tablet --assertion token altered
	# Altered on the way.
	proof
	sed 's/"tag":"...\(.*\)/"tag":"AAA\1/' proof >altered
	mv altered proof
	no proof-invalid released --ask
}

# proofs: a challenge each for the tablet and for other, and their answers, with a line between them that is no proof
proofs() {
	another --al-cap 5
	jq -nc --arg jkt "$(ehr-keys list --self --keys other | jq -r .sig.jkt)" '{sub: "dr-lee", aud: "hospital", cnf: {$jkt}}' |
		keys assert --sign issuer.pem --domain hospital >lee
	token >token
	proof
	keys challenge -S site | keys prove --keys other --assertion lee >second
	{ cat proof && echo garbage && echo && cat second; } >several
	mv several proof
}

@test "several proofs are answered in one run, each for itself, and what each spends is spent" {
	proofs
	ehr 1 released --ask
	same err <<<'ehr-keys: proof 2: proof-invalid: not a proof for this domain and of now'
	[ "$(jq -r .subject.id out | tr '\n' ' ')" = 'nina dr-lee ' ]
	ehr-authz -P "$P" -S site out >decision
	cp -r site before
	ehr 1 released --decision decision
	same err <<<'ehr-keys: proof 2: proof-invalid: not a proof for this domain and of now'
	[ "$(wc -l <site/keys/issued.log) $(wc -l <site/keys/taken.log)" = '2 2' ]
	head -n 1 out >first
	tail -n 1 out >second
	ehr 6 keys accept --keys other first
	ehr 0 keys accept --keys tablet first
	ehr 0 keys accept --keys other second
	ehr 7 released --decision decision
	empty out
	has err 'ehr-keys: proof 1: nonce-spent: '
	has err 'ehr-keys: proof 3: nonce-spent: '
	# The same proof twice: the first of them counts, in one run as in two.
	rm -r site && cp -r before site
	head -n 1 proof >one
	{ cat one one && tail -n 1 proof; } >twice
	mv twice proof
	ehr 1 released --decision decision
	[ "$(wc -l <out)" -eq 2 ]
	same err <<<'ehr-keys: proof 2: nonce-spent: the challenge was answered before; ask for another one'
	# A decision that denies, is missing, or is about a proof that is refused now, is no fault of the others.
	rm -r site && cp -r before site
	{ cat one && tail -n 1 proof; } >both
	mv both proof
	{ head -n 1 decision | jq -c '.decision = false' && tail -n 1 decision; } >denied
	ehr 1 released --decision denied
	same err <<<'ehr-keys: proof 1: decision-denied: it does not permit'
	mv out second
	[ "$(wc -l <second)" -eq 1 ]
	ehr 6 keys accept --keys tablet second
	has err 'sealed to another key'
	rm -r site && cp -r before site
	tail -n 1 decision >lees
	ehr 1 released --decision lees
	same err <<<'ehr-keys: proof 1: decision-mismatch: it is about another person'
	[ "$(jq -r .ehr.to out)" = "$(ehr-keys list --self --keys other | jq -r .enc.jkt)" ]
	rm -r site && cp -r before site
	tail -n 1 proof >second && mv second proof
	ehr 0 released --decision decision
	empty err
	[ "$(jq -r .ehr.to out)" = "$(ehr-keys list --self --keys other | jq -r .enc.jkt)" ]
	# Of one person on one device, with another token.
	rm -r site && cp -r before site
	proof && mv proof first
	token '.acr = "loa4"' >token
	proof
	cat first proof >both
	keys release -S site --proof both --assertions issuers.jwks --context context --ask | ehr-authz -P "$P" -S site >decision
	[ "$(jq -r .context.about.request decision | sort -u | wc -l)" -eq 2 ]
	cp -r site before.two
	ehr 0 released --decision decision
	# What cannot be printed has not left: the decisions count again, the challenges do not.
	rm -r site && mv before.two site
	line 4 'ehr-keys release -S site --proof proof --assertions issuers.jwks --context context --now 2026-03-02T09:00:00Z --decision decision >/dev/full'
	[ ! -s site/keys/taken.log ]
	no nonce-spent released --decision decision
}

# forged KEY.pem TYPE JQ FILE: the claims of the token in FILE, changed and signed anew
forged() { cut -d. -f2 "$4" | unpadded | jq -c "$3" | python3 "$EHR_ROOT/tests/lib/jws.py" "$1" "{\"typ\":\"$2\"}"; }

# A proof as prove makes it, before it is sealed.
signed_proof() {
	keys challenge -S site >challenge
	claims challenge | jq -c --arg d "$ID" --rawfile user token '{v, iss: $d, iat, aud: "hospital", device: $d, nonce, jti: "p_1", exp, user: ($user | rtrimstr("\n"))}' |
		python3 "$EHR_ROOT/tests/lib/jws.py" tablet/keys/sig.pem '{"typ":"ehr-proof+jwt"}'
}

@test "what a device signs says what it must, and nothing else counts" {
	token >token
	signed_proof >good
	for claims in '.aud = "clinic"' 'del(.exp)' '.exp = 0' '.iat += 61' '.nonce = "x"' 'del(.user)' '.v = 2' '.device = "d_AAAAAAAAAAAAAAAAAAAAAA"' \
		'del(.device)' 'del(.jti)' '.user = ["x"]'; do
		forged tablet/keys/sig.pem ehr-proof+jwt "$claims" good >proof
		no proof-invalid released --ask
	done
	# A token that the device signs for its user itself; a proof by the key that opens.
	own=$(forged tablet/keys/sig.pem ehr-assertion+jwt . token)
	forged tablet/keys/sig.pem ehr-proof+jwt ".user = \"$own\"" good >proof
	no user-invalid released --ask
	forged tablet/keys/enc.pem ehr-proof+jwt . good >proof
	no device-unknown released --ask
	forged tablet/keys/sig.pem ehr-proof+jwt . good >proof
	ehr 0 released --ask
	echo '{"interval":60}' >params
	keys provision -S site --device "$ID" params >provision
	keys accept --keys tablet --ack ack provision >/dev/null
	for claims in '.of = "dose"' '.state = "done"' '.device = "d_AAAAAAAAAAAAAAAAAAAAAA"' '.seq = -1' '.seq = "1"' '.aud = "clinic"'; do
		forged tablet/keys/sig.pem ehr-accepted+jwt "$claims" ack >forged
		ehr 6 keys answers -S site forged
		empty out
	done
	# An authority's challenge without an end, or for nobody.
	keys challenge -S site >challenge
	for claims in 'del(.exp)' '.exp = 0' 'del(.aud)' '.aud = ["*"]' '.nonce = 5' '.iss = "clinic"' '.purpose = "login"' 'del(.purpose)' '.iat += 61' \
		'del(.seal_to)' '.seal_to = 1' '.seal_to.d = "AA"' '.seal_to.x = .seal_to.y'; do
		forged site/keys/keys/sig.pem ehr-challenge+jwt "$claims" challenge >forged
		ehr "$(case $claims in *exp* | *iat*) echo 7 ;; *) echo 6 ;; esac)" keys prove --keys tablet --assertion token forged
		empty out
	done
}

@test "a revocation list that no program could read does not take the place of one that is read" {
	keys revoke -S site --party nina >revoked
	ehr 0 keys accept --keys tablet revoked
	cp tablet/revoked.jwt before
	for claims in '.serial = 2 | del(.next)' '.serial = 2 | .devices = "x"' 'del(.serial)' '.serial = 0' '.serial = "2"'; do
		forged site/keys/keys/sig.pem ehr-revoked+jwt "$claims" revoked >forged
		ehr 6 keys accept --keys tablet forged
		has err release-refused
		cmp before tablet/revoked.jwt
	done
	forged site/keys/keys/sig.pem ehr-revoked+jwt '.serial = 2' revoked >forged
	ehr 0 keys accept --keys tablet forged
}

@test "who the user is, is the word of an issuer, bound to this device" {
	for case in 'user-not-bound|del(.cnf)' 'user-not-bound|.cnf.jkt = "NB9pmL933d6K6aystdGbZ5MJykVqFCyDNwIeqWy2d-0"' \
		'user-invalid|.aud = "clinic"' 'user-invalid|.exp = 1' 'user-invalid|.exp = 9007199254740991' 'user-invalid|.sub = "a b"' 'user-not-bound|.nonce = "x"'; do
		token "${case#*|}" >token
		proof
		no "${case%%|*}" released --ask
	done
	# An hour at most, or what the policy says.
	cp -r "$P" longer
	sed -i '$a assertions: {longest: 2h}' longer/authz/clearances.yaml
	token ".exp = $(date -u -d "$NOW" +%s) + 7200" >token
	proof
	no user-invalid released --ask
	has err 'assertions.longest'
	ehr 0 released --ask -P longer
	ehr-keys signer --domain hospital stranger.pem >stranger.jwks
	ISSUER=stranger.pem token >token
	proof
	no user-invalid released --ask
	BY=clinic token >token
	proof
	no user-invalid released --ask
	token >token
	proof
	ehr 0 keys revoke -S site --party nina
	no party-revoked released --ask
	own
	proof
	ehr 0 keys revoke -S site --device "$ID"
	no device-revoked released --ask
	own
	proof
	: >site/keys/devices.jwts
	no device-unknown released --ask
}

@test "a release with a proof wants another proof than the one before, and another device opens nothing" {
	token >token
	proof
	released --ask | ehr-authz -P "$P" -S site >decision
	released --decision decision >release
	another
	ehr 6 keys accept --keys other release
	has err 'sealed to another key'
	cp -r tablet before
	proof
	ehr 6 keys accept --keys tablet release
	has err 'it answers a challenge that is not pending'
	ehr 0 keys accept --keys before release
}

# A host that seals, enrolled, in sealer; and $HOST, its id.
sealer() {
	keys make --kind sealer --keys sealer --authority site/authority.jwks >sealer.enrol
	HOST=$(ehr-keys list --self --keys sealer | jq -r .id)
	keys enrol -S site --expect "$(ehr-keys list --self --keys sealer | jq -r .sig.jkt)" --al-cap 5 sealer.enrol >/dev/null
}

@test "a host that seals gets level keys and keys of pseudonyms for itself, and seals without the authority's directory" {
	sealer
	keys challenge -S site --device "$HOST" | keys prove --keys sealer >proof
	ehr 0 keys release -S site --proof proof --context context --ask
	[ "$(jq -c '[.subject.type, .subject.id == $h, .subject.properties.kind, .resource.id, .context.assertion]' --arg h "$HOST" out)" = '["device",true,"sealer","hospital/1",null]' ]
	ehr-authz -P "$P" -S site out >decision
	keys release -S site --proof proof --context context --decision decision >levels
	ehr 0 keys accept --keys sealer levels
	# What was decided on level keys gives no others.
	keys challenge -S site | keys prove --keys sealer >again
	AT=$LATER keys release -S site --proof again --context context --ask | ehr-authz -P "$P" -S site >decision
	AT=$LATER no decision-mismatch keys release --digests -S site --proof again --context context --decision decision
	ehr 0 keys give --digests -P "$P" -S site --device "$HOST" --context context
	mv out digests
	[ "$(jq -sc --arg h "$HOST" '.[1] | [.device == $h, .sub == $h, (.kids | map(split("/")[2]))]' site/keys/issued.log)" = '[true,true,["redact.mark","redact.pseudonym","tag.id","tag.subject"]]' ]
	ehr 0 keys accept --keys sealer "$F/epoch" digests
	ehr 6 keys accept --keys sealer digests
	ehr-keys list --digests -S site >theirs
	ehr 0 ehr-keys list --digests --keys sealer
	cmp out theirs
	ehr-keys pseudonym -S site Patient/p1 >name
	ehr 0 keys pseudonym --keys sealer Patient/p1
	cmp out name
	# The site's line and the sealer's have the same tags, and the site opens both.
	ehr 0 ehr-redact -P "$P" --keys sealer --now "$NOW" <"$F/labelled"
	cmp out "$F/versions"
	ehr 0 ehr-seal -P "$P" --keys sealer --now "$NOW" "$F/versions"
	cmp <(jq -c '.ehr | del(.batch)' out) <(jq -c '.ehr | del(.batch)' sealed)
	mv out host.sealed
	ehr 0 ehr-open -S site --record host.sealed
	[ "$(wc -l <out)" -eq 8 ]
}

@test "keys of pseudonyms end as level keys do, and again as long as the next release says" {
	sealer
	keys give --digests -P "$P" -S site --device "$HOST" --context context | keys accept --keys sealer
	ehr 2 ehr-redact -P "$P" --keys sealer "$F/labelled"
	same err <<<'ehr-redact: now-missing: the key redact.pseudonym was released for a time: needs --now TIME'
	ehr 2 ehr-seal --to "$F/tablet.jwk" --keys sealer "$F/versions"
	has err 'ehr-seal: now-missing: the key tag.id was released for a time'
	END=2026-03-09T09:00:01Z
	ehr 6 ehr-redact -P "$P" --keys sealer --now "$END" "$F/labelled"
	same err <<<'ehr-redact: key-not-valid: the key redact.pseudonym is for another time: give such a --now, or ask for a new key'
	ehr 6 ehr-seal --to "$F/tablet.jwk" --keys sealer --now "$END" "$F/versions"
	has err 'ehr-seal: key-not-valid: the key tag.id is for another time: give such a --now, or ask for a new key'
	AT=$END ehr 6 keys pseudonym --keys sealer Patient/p1
	has err 'ehr-keys: key-not-valid: the key tag.subject was released for another time'
	empty out
	# Both releases lie there, in whichever order they are read.
	for _ in 1 2 3 4; do
		LATER=$(date -u -d "$LATER + 1 day" +%FT%TZ)
		AT=$LATER keys give --digests -P "$P" -S site --device "$HOST" --context context >digests
		AT=$LATER ehr 0 keys accept --keys sealer digests
	done
	AT=$END ehr 0 keys pseudonym --keys sealer Patient/p1
	cmp out <(ehr-keys pseudonym -S site Patient/p1)
	AT=2026-03-13T09:01:00Z ehr 6 keys pseudonym --keys sealer Patient/p1
	# What a host that is revoked can do with them has no end, and no cure by rotate; that is said.
	cp -r site kept
	keys rotate -P "$P" -S site >/dev/null
	ehr 0 keys revoke -S site --device "$HOST"
	[ "$(wc -l <err)" -eq 4 ]
	has err 'ehr-keys: hospital/hmac/tag.subject/1/'
	has err ' was released to one who is revoked, and can try names on lines of all epochs; there is no other such key'
	lacks err rotate
	rm -r site
	mv kept site
	# One that is revoked is given to nobody.
	keys revoke -S site --kid "$(ehr-keys list --digests -S site | jq -r 'select(.name == "tag.id").kid')" >/dev/null
	AT=$END ehr 6 keys give --digests -P "$P" -S site --device "$HOST" --context context
	has err 'ehr-keys: key-revoked: hospital/hmac/tag.id/1/'
	empty out
}

@test "keys of pseudonyms go to no reader, and no device but a host that seals asks for itself" {
	no device-kind keys give --digests -P "$P" -S site --device "$ID" --user nina --context context
	token >token
	proof
	no device-kind keys release --digests -S site --proof proof --assertions issuers.jwks --context context --ask
	for verb in 'give' 'release --offline --ask'; do
		# shellcheck disable=SC2086
		ehr 2 keys $verb -P "$P" -S site --device "$ID" --context context
		has err 'for whom? expected --user ID: only a host that seals asks for itself'
	done
	keys challenge -S site >challenge
	ehr 2 keys prove --keys tablet challenge
	has err 'only a host that seals has none'
	signed_proof >proof
	forged tablet/keys/sig.pem ehr-proof+jwt 'del(.user)' proof >bare
	no proof-invalid keys release -S site --proof bare --context context --ask
	# A person on a host that seals is a person.
	sealer
	no device-kind keys give --digests -P "$P" -S site --device "$HOST" --user nina --context context
	ehr 2 keys give --digests --epoch 1 -P "$P" -S site --device "$HOST" --context context
	# The device refuses them, too, if it is a reader, whatever an authority was made to send.
	keys give --digests -P "$P" -S site --device "$HOST" --context context >digests
	sed 's/"kind":"sealer"/"kind":"reader"/' sealer/self.json >self
	cat self >sealer/self.json
	ehr 6 keys accept --keys sealer digests
	has err 'release-refused: '
	empty out
	# The policy decides: breaking the glass gives none.
	sed 's/"kind":"reader"/"kind":"sealer"/' self >sealer/self.json
	echo '{"acr":"loa3","route":"on-site","purpose":"BTG"}' >context
	no decision-denied keys give --digests -P "$P" -S site --device "$HOST" --context context
}

# decided USER FILE ARGS...: the decision on `ehr-keys ARGS... --ask` by USER, appended to FILE
decided() {
	local user=$1 file=$2
	shift 2
	keys "$@" --user "$user" --context context --ask | ehr-authz -P "$P" -S site >>"$file"
}

@test "destroy takes two people, and what was sealed with the keys is unreadable" {
	EPOCH=1 decision release-keys 9 >d
	keys rotate -P "$P" -S site >/dev/null
	AT=$LATER
	kid=$(ehr-keys list -S site | jq -r 'select(.epoch == 1 and .rl == "R").kid')
	now=$(ehr-keys list -S site | jq -r 'select(.epoch == 2 and .rl == "R").kid')
	jq -c 'select(.ehr.rl == "R")' sealed >r
	ehr 0 ehr-open -S site --now "$LATER" r
	no decision-missing keys destroy -S site --kid "$kid"
	no key-current keys destroy -S site --kid "$now"
	no key-unknown keys destroy -S site --kid "$(printf %s "$kid" | tr A-Za-z N-ZA-Mn-za-m)"
	decided kim one destroy -S site --kid "$kid"
	[ "$(jq .decision one)" = true ]
	no decision-missing keys destroy -S site --kid "$kid" --context context --decision one
	cat one one >twice
	ehr 7 keys destroy -S site --kid "$kid" --context context --decision twice
	decided bill bills destroy -S site --kid "$kid"
	cat one bills >denied
	no decision-denied keys destroy -S site --kid "$kid" --context context --decision denied
	decided lea one destroy -S site --kid "$kid"
	other=$(ehr-keys list -S site | jq -r 'select(.epoch == 1 and .rl == "N").kid')
	no decision-mismatch keys destroy -S site --kid "$other" --context context --decision one
	cp -r site copied
	cp copied/keys/releases/level-1-R.jwe copied/keys/releases/level-1-old.jwe
	ehr 6 keys destroy -S copied --kid "$kid" --context context --decision one
	has err "key-left: $kid is still in releases/, in a file of another name: remove it"
	ehr 0 keys destroy -S site --kid "$kid" --context context --decision one
	[ "$(claims out | jq -c '[.kids, .by, .holders]')" = "[[\"$kid\"],[\"kim\",\"lea\"],[]]" ]
	cmp out site/keys/destroyed.jwts
	[ ! -e site/keys/releases/level-1-R.jwe ]
	ehr 7 ehr-open -S site --now "$LATER" r
	has err no-key
	no key-unknown keys destroy -S site --kid "$kid" --context context --decision one
}

@test "an authority that wants decisions enrols, rotates and revokes by them alone" {
	jq -c '.decided = true' site/keys/self.json >self
	cp self site/keys/self.json
	keys make --kind reader --keys new --authority site/authority.jwks >new.enrol
	jkt=$(ehr-keys list --self --keys new | jq -r .sig.jkt)
	# run ARGS...: refused without a decision, and with one for something else; done with its own, once
	run_one() {
		no decision-missing keys "$@"
		rm -f d other
		decided bill d "$@"
		no decision-denied keys "$@" --context context --decision d
		rm d
		decided kim d "$@"
		[ "$(jq .decision d)" = true ]
		echo '{"acr":"loa4","route":"on-site","purpose":"TREAT"}' >loa4
		no decision-mismatch keys "$@" --context loa4 --decision d
		AT=2026-03-02T09:20:00Z no decision-stale keys "$@" --context context --decision d
		jq -c '.context.obligations += [{id: "ob-2", type: "custom", properties: {vendor: "ehr", action: "keep-only", any_of: []}}]' d >other
		no decision-denied keys "$@" --context context --decision other
		ehr 0 keys "$@" --context context --decision d
	}
	run_one enrol -S site --expect "$jkt" new.enrol
	ehr 7 keys enrol -S site --expect "$jkt" new.enrol --context context --decision d
	has err 'decision-taken'
	run_one rotate -P "$P" -S site
	AT=$LATER
	run_one revoke -S site --party nina
	# shellcheck disable=SC2034 # keys reads it
	AT=2026-03-02T09:02:00Z
	decided kim d2 revoke -S site --party bill
	no decision-mismatch keys revoke -S site --party dr-lee --context context --decision d2
	ehr 0 ehr-keys make -P "$P" -S fresh --decided --now "$NOW"
	[ "$(jq .decided fresh/keys/self.json)" = true ]
	no decision-missing keys rotate -P "$P" -S fresh
}

# gives_nothing COMMAND ...: what stands for a decision is none (5), or does not permit (7)
gives_nothing() {
	local got=0
	"$@" >out 2>err || got=$?
	[ "$got" -eq 5 ] || [ "$got" -eq 7 ]
	empty out
}

@test "each type of message is refused where another is expected" {
	token >token
	proof
	keys list --self --keys tablet >self
	echo '{"interval":60}' >params
	cp "$F/tablet.enrol" enrol
	cp "$F/tablet.device" device
	keys rotate -P "$P" -S site >epoch
	keys provision -S site --device "$ID" params >provision
	keys accept --keys tablet --ack ack provision >/dev/null
	EPOCH=2 decision release-keys 3 >good
	release --decision good >release
	subscription 3 Patient/p1 >one
	keys grant -P "$P" -S site --decision one >grant
	kid=$(ehr-keys list -S site | jq -r 'select(.epoch == 1 and .rl == "R").kid')
	for who in kim lea; do AT=$LATER decided $who both destroy -S site --kid "$kid"; done
	AT=$LATER keys destroy -S site --kid "$kid" --context context --decision both >destroyed
	head -n 1 both >permit
	kid=$(ehr-keys list -S site | jq -r 'select(.epoch == 1 and .rl == "N").kid')
	keys revoke -S site >revoked
	for type in enrol device challenge proof token epoch provision ack revoked params release grant destroyed permit; do
		[ -s $type ]
		[ $type = enrol ] || ehr 6 keys enrol -S site --expect "$JKT" $type
		[ $type = challenge ] || ehr 6 keys prove --keys tablet --assertion token $type
		if [ $type != proof ]; then
			no proof-invalid keys release -S site --proof $type --assertions issuers.jwks --ask
			empty out
		fi
		[ $type = ack ] || ehr 6 keys answers -S site $type
		# None of them is a permit to release keys or to destroy one.
		if [ $type != permit ]; then
			gives_nothing release --decision $type
			gives_nothing keys destroy -S site --kid "$kid" --context context --decision $type
		fi
		case $type in
		epoch | provision | revoked | release) ;;
		*) ehr 6 keys accept --keys tablet $type ;;
		esac
		empty out
	done
}
