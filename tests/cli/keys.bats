bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/keys

setup_file() {
	site
	tablet
}

header() {
	cut -d. -f1 "$1" | unpadded
}

@test "make -S: a whole site in one line, closed to others" {
	ehr 0 ehr-keys make -P "$P" -S ward
	empty err
	find ward -printf '%m %P\n' | sort -k2 >tree
	same tree <<-'END'
		755 
		644 authority.jwks
		700 consents
		600 entities.ndjson
		600 facts.ndjson
		600 grants.jwts
		700 keys
		644 keys/authority.jwks
		644 keys/current
		600 keys/epochs.jwts
		700 keys/keys
		600 keys/keys/enc.pem
		600 keys/keys/sig.pem
		700 keys/releases
		600 keys/releases/hmac-redact.mark.jwe
		600 keys/releases/hmac-redact.pseudonym.jwe
		600 keys/releases/hmac-tag.id.jwe
		600 keys/releases/hmac-tag.subject.jwe
		600 keys/releases/level-1-L.jwe
		600 keys/releases/level-1-M.jwe
		600 keys/releases/level-1-N.jwe
		600 keys/releases/level-1-R.jwe
		600 keys/releases/level-1-U.jwe
		600 keys/releases/level-1-V.jwe
		600 keys/self.json
		644 policy
		700 subscriptions
	END
	cmp ward/authority.jwks ward/keys/authority.jwks
}

@test "make prints the announcement of the epoch: names of keys, never keys" {
	[ "$(header "$F/epoch" | jq -c 'del(.kid)')" = '{"alg":"ES256","typ":"ehr-epoch+jwt"}' ]
	claims "$F/epoch" >claims
	[ "$(jq -c '[.v, .iss, .domain, .epoch, .retired, (.levels | length)]' claims)" = '[1,"hospital","hospital",1,[],6]' ]
	cmp <(jq -r '.levels[].kid' claims) <(ehr-keys list -S "$F/site" | jq -r .kid)
	[ "$(jq -r .iat claims)" -eq "$(date -d "$NOW" +%s)" ]
}

@test "make never writes over what is there, and leaves nothing behind when it fails" {
	own
	ehr 4 ehr-keys make -P "$P" -S site
	has err 'site/keys: File exists'
	cmp site/keys/self.json "$F/site/keys/self.json"
	ehr 4 ehr-keys make -P "$P" --keys none/keys
	ehr 3 ehr-keys make -P none -S fresh
	[ ! -e fresh ]
	native || return 0
	EHR_FAULT=fsync:9 EHR_FAULT_LOG=$PWD/fired LD_PRELOAD=$EHR_FAULT_SO ehr 4 ehr-keys make -P "$P" --keys half
	[ -e fired ] && [ ! -e half ] && [ ! -e half.new ]
}

@test "keys are independent: no two sites, levels or uses share one" {
	own
	ehr 0 ehr-keys make -P "$P" -S other
	{ ehr-keys list -S site && ehr-keys list -S other; } | jq -r .kid | sed 's/.*\///' | sort | uniq -d >doubles
	empty doubles
}

@test "list shows keys, devices and oneself, and never a secret" {
	own
	ehr 0 ehr-keys list -S site
	[ "$(head -n 1 out | jq -c 'del(.kid)')" = '{"rl":"U","al":0,"epoch":1,"state":"current","nbf":1772442000}' ]
	ehr 0 ehr-keys list --devices -S site
	[ "$(jq -c '[.device, .kind, .env, .al_cap, .sig]' out)" = "[\"$ID\",\"reader\",\"soft\",3,\"$JKT\"]" ]
	ehr 0 ehr-keys list --self --keys tablet
	[ "$(jq -r '.id' out)" = "d_${JKT:0:22}" ]
	ehr 2 ehr-keys list --self --devices -S site
	# Applications and certificates know the keys by their SPKI.
	ehr 0 ehr-keys list --self --keys tablet
	for key in sig enc; do
		jq -r ".$key.spki" out | unpadded | cmp - <(openssl pkey -in tablet/keys/$key.pem -pubout -outform DER)
		openssl req -new -key tablet/keys/$key.pem -subj /CN=tablet -pubkey -noout | openssl pkey -pubin -outform DER | cmp - <(jq -r ".$key.spki" out | unpadded)
	done
	# To whom a key went, under which end.
	decision release-keys 3 >d
	release --decision d >/dev/null
	ehr 0 ehr-keys list -S site --holders "$(ehr-keys list -S site | jq -r 'select(.rl == "N").kid')"
	same out <<-END
		{"device":"$ID","sub":"nina","iat":1772442000,"exp":1773046800}
	END
	ehr 0 ehr-keys list -S site --holders "$(ehr-keys list -S site | jq -r 'select(.rl == "V").kid')"
	empty out err
	ehr 2 ehr-keys list -S site --holders x --self
}

@test "use case 1.0.1: a device's id comes from its key, and the key is the one that self.json names" {
	own
	ehr-keys make --kind reader --keys other --authority site/authority.jwks >/dev/null
	cp other/keys/sig.pem tablet/keys/sig.pem
	ehr 6 ehr-keys list --self --keys tablet
	has err 'key-invalid: keys/sig.pem: not the key that self.json names'
	sed -i 's/"id":"d_...../"id":"d_AAAAA/' other/self.json
	ehr 6 ehr-keys list --self --keys other
	has err 'key-directory: self.json'
}

@test "enrol takes the device whose thumbprint was read off it, and no other" {
	own
	ehr-keys make --kind reader --keys other --authority site/authority.jwks --now "$NOW" >enrol
	ehr 7 ehr-keys enrol -S site --expect "$JKT" --now "$NOW" enrol
	has err 'device-unknown'
	empty out
	ehr 2 ehr-keys enrol -S site enrol
	expect=$(ehr-keys list --self --keys other | jq -r .sig.jkt)
	ehr 6 ehr-keys enrol -S site --expect "$expect" --now 2026-03-02T08:00:00Z enrol
	ehr 6 ehr-keys enrol -S site --expect "$expect" --now "$NOW" <"$F/epoch"
	cut -d. -f1-2 enrol | tr -d '\n' | cat - <(printf '.%086d\n' 0) >forged
	ehr 6 ehr-keys enrol -S site --expect "$expect" --now "$NOW" forged
	ehr 0 ehr-keys enrol -S site --expect "$expect" --now "$NOW" --al-cap 5 --ttl 30d <enrol
	[ "$(claims out | jq -c '[.kind, .al_cap, .exp - .iat]')" = '["reader",5,2592000]' ]
	[ "$(ehr-keys list --devices -S site | wc -l)" -eq 2 ]
}

@test "an enrolment says what a device may say, whoever signed it" {
	own
	ehr-keys make --kind reader --keys new --authority site/authority.jwks --now "$NOW" >new.enrol
	cut -d. -f2 new.enrol | unpadded >claims
	jkt=$(ehr-keys list --self --keys new | jq -r .sig.jkt)
	forged() { jq -c "$1" claims | python3 "$EHR_ROOT/tests/lib/jws.py" new/keys/sig.pem "${2:-{\"typ\":\"ehr-enrol+jwt\",\"jwk\":true\}}" >forged; }
	enrols() { ehr "$1" ehr-keys enrol -S site --expect "$jkt" --now "$NOW" forged; }
	cp site/keys/devices.jwts before
	for claims in '.kind = "authority"' '.kind = "root"' '.kind = ""' 'del(.kind)' '.env = "moon"' '.env = "soft-ware"' 'del(.env)' '.enc.y = .enc.x' \
		'.enc.d = "x"' 'del(.enc)' ".enc = $(ehr-keys list --self --keys new | jq -c .sig.jwk)" '.v = 2' '.iat += 61' '.iat = 0' '.exp = .iat - 60' \
		'.aud = ["hospital"]' '.iss = "hospital"' '.device = "d_AAAAAAAAAAAAAAAAAAAAAA"' '.nbf = 9223372036854775808'; do
		forged "$claims"
		enrols 6
		has err 'not an enrolment'
	done
	for header in '{"typ":"ehr-enrol+jwt"}' '{"typ":"ehr-enrol+jwt","jwk":true,"alg":"none"}' '{"typ":"ehr-enrol+jwt","jwk":true,"alg":"HS256"}' \
		'{"typ":"ehr-enrol+jwt","jwk":true,"crit":["b64"]}' '{"typ":"ehr-enrol+jwt","jwk":true,"b64":false}' '{"typ":"ehr-enrol+jwt","jwk":true,"jku":"x"}' \
		'{"typ":"ehr-enrol+jwt","jwk":true,"kid":null}' '{"typ":"ehr-enrol+jwt","jwk":true,"kid":"x"}' '{"typ":"ehr-device+jwt","jwk":true}' '{"jwk":true}'; do
		forged . "$header"
		enrols 6
		has err 'not an enrolment'
	done
	cmp before site/keys/devices.jwts
	forged '.kind = "sealer"'
	enrols 0
}

@test "an enrolment for another domain is refused" {
	own
	cp -r "$P" policy && sed -i 's/^domain: .*/domain: elsewhere/' policy/seal.yaml
	ehr-keys make -P policy -S elsewhere >/dev/null
	ehr-keys make --kind reader --keys stray --authority elsewhere/authority.jwks --now "$NOW" >enrol
	ehr 6 ehr-keys enrol -S site --expect "$(ehr-keys list --self --keys stray | jq -r .sig.jkt)" --now "$NOW" enrol
	has err 'not an enrolment of a device for this domain'
}

@test "release --ask is a request that ehr-authz answers, and its answer releases" {
	own
	printf '{"type":"user","id":"nina","properties":{"domain":"hospital","structural_role":["nurse"],"functional_role":["nurse"]}}\n' >site/entities.ndjson
	printf '{"acr":"loa2","route":"on-site","purpose":["TREAT"]}\n' >context
	ehr 0 release --ask --context context
	jq -c '[.subject.id, .subject.properties.device, .action.name, .resource.id, .context.time, .context.acr]' out >asked
	[ "$(cat asked)" = "[\"nina\",\"$ID\",\"release-keys\",\"hospital/1\",\"2026-03-02T09:00:00Z\",\"loa2\"]" ]
	mv out request
	ehr 0 ehr-authz -P "$P" -S site request && mv out answer
	[ "$(jq -c '[.decision, .context.al]' answer)" = '[true,3]' ]
	ehr 0 release --decision answer --context context && mv out message
	ehr 0 ehr-keys accept --keys tablet --now "$NOW" message
	[ "$(ehr-keys list --keys tablet | jq -r .rl | tr '\n' ' ')" = 'U L M N ' ]
	echo '{"time":"2020-01-01T00:00:00Z"}' >context
	ehr 5 release --ask --context context
}

@test "--epoch: the keys of a past epoch, by a decision that names it" {
	own
	ehr-keys rotate -P "$P" -S site --now 2026-03-02T09:00:00Z >/dev/null
	printf '{"type":"user","id":"nina","properties":{"domain":"hospital","structural_role":["nurse"],"functional_role":["nurse"]}}\n' >site/entities.ndjson
	printf '{"acr":"loa2","route":"on-site","purpose":["TREAT"]}\n' >context
	ehr 0 release --ask --context context --epoch 1
	[ "$(jq -c '[.resource.id, .resource.properties.epoch]' out)" = '["hospital/1",1]' ]
	mv out request
	ehr-authz -P "$P" -S site request >past
	release --ask --context context | ehr-authz -P "$P" -S site >present
	ehr 7 release --decision past --context context
	has err 'decision-mismatch: it is about another epoch, or none'
	ehr 7 release --decision present --context context --epoch 1
	ehr 0 release --decision past --context context --epoch 1
	mv out message
	ehr 0 ehr-keys accept --keys tablet --now "$NOW" message
	ehr 1 ehr-open --key tablet --now "$NOW" --record --on-error skip "$F/sealed"
	[ -s out ]
	[ "$(ehr-keys list --keys tablet | jq -r .epoch | sort -u)" = 1 ]
	release --ask --context context --epoch 9 | ehr-authz -P "$P" -S site >none
	ehr 7 release --decision none --context context --epoch 9
	has err 'al-too-low: no level of epoch 9 is open to AL 3'
	ehr 2 release --ask --epoch 0
}

@test "normal flow: the AL comes from the decision, and is no higher than the device's cap" {
	own
	decision release-keys 5 >five
	ehr 0 release --decision five && mv out message
	ehr-keys accept --keys tablet --now "$NOW" message
	[ "$(ehr-keys list --keys tablet | jq -r .al | tail -n 1)" -eq 3 ]
	[ "$(jq -c '[.device, .sub, (.kids | length)]' site/keys/issued.log)" = "[\"$ID\",\"nina\",4]" ]
	for kid in $(ehr-keys list --keys tablet | jq -r .kid); do has site/keys/issued.log "$kid"; done
}

@test "a release is refused unless a decision permits just this" {
	own
	decision release-keys 3 | sed 's/"decision":true/"decision":false/' >denied
	decision read 3 >reading
	decision release-keys 3 | sed 's/nina/paul/' >paul
	decision release-keys 3 | sed 's/"al":3,//' >no-al
	decision release-keys 3 | sed 's/"obligations":\[\]/"obligations":[{"properties":{"action":"redact"}}]/' >redact
	decision release-keys 3 | sed 's/"obligations"/"valid_until":"2026-03-02T08:59:59Z","obligations"/' >past
	: >empty
	for case in denied:decision-denied reading:decision-denied paul:decision-mismatch no-al:decision-denied \
		redact:decision-denied past:decision-denied empty:decision-denied; do
		ehr 7 release --decision "${case%:*}"
		has err "ehr-keys: ${case#*:}: "
		empty out
	done
	echo '[' >broken
	ehr 5 release --decision broken
	ehr 4 release --decision none
	decision release-keys 3 >good
	ehr 7 ehr-keys release --offline -S site --device d_none --user nina --decision good --now "$NOW"
	has err 'device-unknown'
	ehr 7 ehr-keys release --offline -S site --device "$ID" --user nina --decision good --now 2028-01-01T00:00:00Z
	has err 'device-unknown'
	[ ! -e site/keys/issued.log ]
}

@test "a decision for one device, person and epoch counts for no other" {
	own
	ehr-keys make --kind reader --keys other --authority site/authority.jwks --now "$NOW" >other.enrol
	ehr-keys list --self --keys other >other.self
	ehr-keys enrol -S site --expect "$(jq -r .sig.jkt other.self)" --now "$NOW" other.enrol >/dev/null
	decision release-keys 3 >good
	ehr 7 ehr-keys release --offline -S site --device "$(jq -r .id other.self)" --user nina --decision good --now "$NOW"
	same err <<<'ehr-keys: decision-mismatch: it is about another device, or none'
	empty out
	sed 's/"device":"[^"]*",//' good >none
	ehr 7 release --decision none
	same err <<<'ehr-keys: decision-mismatch: it is about another device, or none'
	sed 's/"request":"[^"]*",//' good >unasked
	ehr 7 release --decision unasked
	same err <<<'ehr-keys: decision-mismatch: it does not say which request it answers'
	for epoch in '"epoch":2' '"epoch":"1"' '"epoch":0' '"x":1'; do
		sed "s/\"epoch\":1/$epoch/" good >bad
		ehr 7 release --decision bad
		same err <<<'ehr-keys: decision-mismatch: it is about another epoch, or none'
	done
	[ ! -e site/keys/taken.log ]
	ehr 0 release --decision good
	ehr-keys rotate -P "$P" -S site --now "$NOW" >/dev/null
	decision release-keys 3 >old
	ehr 7 release --decision old
	same err <<<'ehr-keys: decision-mismatch: it is about another epoch, or none'
	# By its thumbprint a device is the same one.
	EPOCH=2 decision release-keys 3 | sed "s/$ID/$JKT/" >good
	ehr 0 ehr-keys release --offline -S site --device "$JKT" --user nina --decision good --now "$NOW"
}

@test "a decision is taken once, also with blanks in it and when the same question is asked again" {
	own
	decision release-keys 3 >good
	jq . good | tr '\n' ' ' >spread
	ehr 0 release --decision good
	jq -c 'del(.decision)' site/keys/taken.log >log
	same log <<<'{"time":1772442000,"end":1772442900}'
	[ "$(stat -c %a site/keys/taken.log)" = 600 ]
	for again in good spread; do
		ehr 7 release --decision $again
		same err <<<'ehr-keys: decision-taken: it was carried out before; ask for another one'
		empty out
	done
	[ "$(wc -l <site/keys/issued.log)" -eq 1 ]
	printf '{"type":"user","id":"nina","properties":{"domain":"hospital","structural_role":["nurse"],"functional_role":["nurse"]}}\n' >site/entities.ndjson
	echo '{"acr":"loa2","route":"on-site","purpose":["TREAT"]}' >context
	release --ask --context context | ehr-authz -P "$P" -S site >answer
	release --ask --context context | ehr-authz -P "$P" -S site >same
	ehr 0 release --decision answer --context context
	ehr 7 release --decision same --context context
	has err decision-taken
	cp context better && sed -i 's/loa2/loa3/' context
	release --ask --context context | ehr-authz -P "$P" -S site >answer
	ehr 7 release --decision answer --context better
	same err <<<'ehr-keys: decision-mismatch: it answers another request; give the --context of --ask'
	ehr 7 release --decision answer
	has err 'it answers another request'
	ehr 0 release --decision answer --context context
	echo '{' >site/keys/taken.log
	decision release-keys 3 >good
	ehr 6 release --decision good
	has err 'ehr-keys: taken.log:1: not a decision that was taken'
}

@test "a decision is taken once, also if the log has lost its last newline or its time is written otherwise" {
	own
	decision release-keys 3 >first
	decision release-keys 3 >good
	ehr 0 release --decision first
	ehr 0 release --decision good
	cp site/keys/taken.log log
	truncate -s -1 site/keys/taken.log
	for again in first good; do
		ehr 7 release --decision $again
		same err <<<'ehr-keys: decision-taken: it was carried out before; ask for another one'
	done
	decision release-keys 3 >other
	ehr 0 release --decision other
	head -n 2 site/keys/taken.log | cmp - log
	[ "$(wc -l <site/keys/taken.log)" -eq 3 ]
	for time in 2026-03-02T08:59:59.0Z 2026-03-02T09:59:59+01:00; do
		sed 's/"time":"[^"]*"/"time":"'$time'"/' good >respelled
		ehr 7 release --decision respelled
		has err decision-taken
	done
	rm site/keys/taken.log
	subscription 3 Patient/p1 >one
	ehr 0 ehr-keys grant -P "$P" -S site --decision one --now "$NOW"
	truncate -s -1 site/keys/taken.log
	ehr 7 ehr-keys grant -P "$P" -S site --decision one --now "$NOW"
	has err decision-taken
}

@test "grant: what decisions do not share is named" {
	own
	subscription 3 Patient/p1 >one
	differs() {
		{ cat one && sed "$1" one; } >two
		ehr 7 ehr-keys grant -P "$P" -S site --decision two --now "$NOW"
		same err <<<"ehr-keys: decision-denied: $2"
		empty site/grants.jwts
	}
	differs 's/nina/paul/' 'it is about another person than the one before'
	differs "s/$JKT/$ID/" 'it names no device, or another than the one before'
	differs 's/\["nurse"\]/["cook"]/' 'its roles are no words, or others than those of the one before'
	differs 's/"TREAT"/"ETREAT"/' 'its purposes are no words, or others than those of the one before'
	differs 's/"policy":"sha256:0/"policy":"sha256:1/' 'it names no policy, or another than the one before'
}

@test "a decision is fresh for a quarter of an hour, or as long as the policy says, and is then forgotten" {
	own
	decision release-keys 3 >good
	at() { ehr "$1" ehr-keys release --offline -S site --device "$ID" --user nina --decision good --now "2026-03-02T$2Z" "${@:3}"; }
	at 7 09:15:01
	same err <<<'ehr-keys: decision-stale: it is older than the policy allows; ask for another one'
	at 7 08:58:59
	same err <<<'ehr-keys: decision-stale: it is of a time to come; ask for another one'
	ehr 7 ehr-keys release --offline -S site --device "$ID" --user nina --decision good --now 2026-07-02T09:00:00Z
	has err decision-stale
	cp -r "$P" policy && echo 'decision_max_age: 5m' >>policy/authz/clearances.yaml
	ehr 0 ehr-policy check -P policy
	at 7 09:05:01 -P policy
	at 0 09:05:00 -P policy
	[ "$(wc -l <site/keys/taken.log)" -eq 1 ]
	NOW=2026-03-02T09:20:00Z decision release-keys 3 >good
	at 0 09:20:00
	jq -c 'del(.decision)' site/keys/taken.log >log
	same log <<-'END'
		{"forgotten":1772442000}
		{"time":1772443199,"end":1772444099}
	END
	sed 's/"time":"[^"]*",//' good >untimed && mv untimed good
	at 7 09:20:00
	same err <<<'ehr-keys: decision-stale: it does not say of when it is; ask for another one'
	echo 'decision_max_age: soon' >>policy/authz/clearances.yaml && sed -i '/5m/d' policy/authz/clearances.yaml
	at 3 09:20:00 -P policy
	has err 'authz/clearances.yaml'
}

@test "a decision that was taken under a shorter age is not taken again under a longer one, nor when the clock is set back" {
	own
	cp -r "$P" policy && echo 'decision_max_age: 5m' >>policy/authz/clearances.yaml
	at() { ehr "$1" ehr-keys release --offline -S site --device "$ID" --user nina --decision "$3" --now "2026-03-02T$2Z" "${@:4}"; }
	decision release-keys 3 >first
	decision release-keys 3 >second
	at 0 09:00:00 first -P policy
	NOW=2026-03-02T09:06:00Z decision release-keys 3 >later
	at 0 09:06:00 later -P policy
	for time in 09:06:00 09:00:00; do
		for again in first second; do
			at 7 $time $again
			has err 'ehr-keys: decision-stale: decisions of its time are forgotten, so it may have been taken; ask for another one'
			empty out
		done
	done
	at 7 09:06:01 later
	has err decision-taken
	NOW=2026-03-02T09:04:00Z decision release-keys 3 >between
	at 0 09:08:00 between
	jq -c 'del(.decision)' site/keys/taken.log >log
	same log <<-'END'
		{"time":1772442358,"end":1772442658}
		{"forgotten":1772442000}
		{"time":1772442237,"end":1772443137}
	END
	# A line of an older program says no time: all before its end may have been taken.
	echo '{"decision":"sha256:00","end":1772442300}' >site/keys/taken.log
	at 7 09:05:01 second
	has err 'decisions of its time are forgotten'
	echo '{"forgotten":"soon"}' >site/keys/taken.log
	at 6 09:05:01 second
	has err 'ehr-keys: taken.log:1: not a decision that was taken'
}

@test "a release that fails gives its decision back" {
	own
	decision release-keys 3 >good
	ehr 4 bash -c 'ehr-keys release --offline -S site --device "$1" --user nina --now "$2" --decision good >/dev/full' - "$ID" "$NOW"
	empty site/keys/taken.log
	mv site/keys/issued.log kept
	mkdir site/keys/issued.log
	ehr 4 release --decision good
	rmdir site/keys/issued.log
	decision release-keys 0 | sed 's/"al":0/"al":-1/' >low
	ehr 7 release --decision low
	ehr 0 release --decision good
	ehr 7 release --decision good
	has err decision-taken
}

@test "the lower of a decision's AL and of its obligation counts" {
	own
	decision release-keys 3 | sed 's/"obligations":\[\]/"obligations":[{"properties":{"action":"level","al":1,"rl":"L"}}]/' >low
	ehr 0 release --decision low
	[ "$(jq '.kids | length' site/keys/issued.log)" -eq 2 ]
	decision release-keys 3 | sed 's/"obligations":\[\]/"obligations":[{"properties":{"action":"level"}}]/' >none
	ehr 7 release --decision none
	has err 'it asks for what cannot be carried out here'
}

@test "an obligation that cannot be carried out is named, for releases and grants, and nothing is given" {
	own
	for case in 'keep-only:"type":"custom","properties":{"vendor":"ehr","action":"keep-only","any_of":[{"class":["Observation"]}]}' \
		'redact:"type":"custom","properties":{"vendor":"ehr","action":"redact","label":["R"]}' \
		'notify:"type":"notification","properties":{"vendor":"ehr","action":"notify","to":"privacy-officer"}' \
		'audit:"type":"notification","properties":{"vendor":"ehr","action":"audit"}' \
		'audit:"type":"custom","properties":{"vendor":"acme","action":"audit"}' \
		'expire:"type":"custom","properties":{"vendor":"ehr","action":"expire","after":"4h"}' \
		'watermark:"type":"custom","properties":{"vendor":"ehr","action":"watermark"}'; do
		for action in release-keys subscribe; do
			decision "$action" 3 | sed "s/\"obligations\":\\[\\]/\"obligations\":[{${case#*:}}]/" >owes
			[ "$(jq '.context.obligations | length' owes)" -eq 1 ]
			if [ "$action" = subscribe ]; then
				ehr 7 ehr-keys grant -P "$P" -S site --decision owes --now "$NOW"
			else
				ehr 7 release --decision owes
			fi
			empty out
			same err <<-END
				ehr-keys: decision-denied: it asks for what cannot be carried out here: ${case%%:*}
			END
		done
	done
	decision release-keys 3 | sed 's/,"obligations":\[\]//' >owes
	ehr 7 release --decision owes
	has err 'it asks for what cannot be carried out here'
	[ ! -e site/keys/issued.log ]
}

@test "an offline release holds for seven days at most, and no longer than its decision" {
	own
	for case in '--ttl 1h:3600' '--ttl 90d:604800'; do
		decision release-keys 3 >good
		# shellcheck disable=SC2086
		ehr 0 release --decision good ${case%:*} && mv out message
		ehr-keys accept --keys tablet --now "$NOW" message
		[ "$(ehr-keys list --keys tablet | jq '.exp - .nbf' | tail -n 1)" -eq "${case#*:}" ]
		rm tablet/releases/*
	done
	decision release-keys 3 | sed 's/"obligations"/"valid_until":"2026-03-02T09:30:00Z","obligations"/' >short
	ehr 0 release --decision short && mv out message
	ehr-keys accept --keys tablet --now "$NOW" message
	[ "$(ehr-keys list --keys tablet | jq '.exp - .nbf' | tail -n 1)" -eq 1800 ]
}

@test "a release is taken once, in order, by its device alone" {
	own
	decision release-keys 3 | release --decision - >first
	decision release-keys 3 | release --decision - >second
	ehr-keys make --kind reader --keys other --authority site/authority.jwks >/dev/null
	ehr 6 ehr-keys accept --keys other --now "$NOW" first
	has err 'release-refused: sealed to another key'
	ehr 0 ehr-keys accept --keys tablet --now "$NOW" second
	ehr 6 ehr-keys accept --keys tablet --now "$NOW" second
	has err 'release-refused: taken before'
	ehr 6 ehr-keys accept --keys tablet --now "$NOW" first
	decision release-keys 3 | release --decision - >third
	ehr 6 ehr-keys accept --keys tablet --now 2026-03-10T09:00:00Z third
	has err 'release-refused: not of now'
	[ "$(ls tablet/releases | wc -l)" -eq 1 ]
}

@test "a changed release is refused wherever it was changed" {
	own
	decision release-keys 3 | release --decision - >message
	for i in 30 200 600 900 1500 2500; do
		cut -c"$i" message | grep -q A && by=B || by=A
		sed "s/./$by/$i" message >forged
		ehr 6 ehr-keys accept --keys tablet --now "$NOW" forged
		has err 'release-refused'
	done
	ehr 6 ehr-keys accept --keys tablet --now "$NOW" "$F/sealed"
	ehr 6 ehr-keys accept --keys tablet --now "$NOW" "$F/tablet.device"
	[ "$(ls tablet/releases | wc -l)" -eq 0 ]
	ehr 0 ehr-keys accept --keys tablet --now "$NOW" <message
}

@test "a message signed by another authority is refused" {
	own
	ehr-keys make -P "$P" -S rival --now "$NOW" >epoch
	ehr 6 ehr-keys accept --keys tablet --now "$NOW" epoch
	cp tablet/authority.jwks kept && cp rival/authority.jwks tablet/
	decision release-keys 3 | release --decision - >message
	ehr 6 ehr-keys accept --keys tablet --now "$NOW" message
	has err 'not signed by the authority'
	cp kept tablet/authority.jwks
	ehr 6 ehr-keys accept -S site --keys site/keys --now "$NOW" message || ehr 2 ehr-keys accept -S site
	ehr 6 ehr-keys accept --keys site/keys --now "$NOW" message
	has err 'an authority takes no messages'
}

@test "level keys begin with their epoch and have no end; a released key carries its beginning" {
	own
	[ "$(ehr-keys list -S site | jq -c '[.nbf, .exp]' | sort -u)" = '[1772442000,null]' ]
	# the release is from before the epoch: the keys in it still begin when their epoch does
	NOW=2026-03-02T08:00:00Z decision release-keys 3 >good
	ehr 0 ehr-keys release --offline -S site --device "$ID" --user nina --decision good --now 2026-03-02T08:00:00Z
	mv out message
	ehr 0 ehr-keys accept --keys tablet --now 2026-03-02T08:00:00Z message
	[ "$(ehr-keys list --keys tablet | jq .nbf | sort -u)" = 1772442000 ]
	ehr-keys rotate -P "$P" -S site --now 2026-04-01T00:00:00Z >/dev/null
	[ "$(ehr-keys list -S site | jq -c '[.epoch, .nbf, .exp]' | sort -u | tr '\n' ' ')" = '[1,1772442000,null] [2,1775001600,null] ' ]
}

@test "rotate begins a new epoch with new keys, and devices take the newest" {
	own
	ehr 0 ehr-keys rotate -P "$P" -S site --now "$NOW" && mv out epoch
	[ "$(claims epoch | jq -c '[.epoch, .retired]')" = '[2,[1]]' ]
	[ "$(ehr-keys list -S site | jq -r '[.epoch, .state] | @tsv' | sort | uniq -c | tr -s ' \t' ' ' | tr '\n' ,)" = ' 6 1 retired, 6 2 current,' ]
	ehr 0 ehr-keys accept --keys tablet --now "$NOW" epoch
	[ "$(cat tablet/current)" = '{"domain":"hospital","epoch":2}' ]
	ehr 6 ehr-keys accept --keys tablet --now "$NOW" "$F/epoch"
	EPOCH=2 decision release-keys 3 | release --decision - | ehr-keys accept --keys tablet --now "$NOW"
	[ "$(ehr-keys list --keys tablet | jq .epoch | sort -u)" = 2 ]
	rm -f site/policy
	ehr 2 ehr-keys rotate -S site
	ehr 6 ehr-keys rotate -P "$P" --keys tablet
	has err "not the authority's keys"
}

@test "grant: a decision becomes what a subscriber is notified by" {
	own
	subscription 5 Patient/p1 >one
	ehr 0 ehr-keys grant -P "$P" -S site --decision one --now "$NOW"
	cmp out site/grants.jwts
	[ "$(header out | jq -r .typ)" = ehr-grant+jwt ]
	subject=$(ehr-keys pseudonym -S site Patient/p1)
	claims out | jq -c 'del(.iat, .jti, .basis)' >claims
	same claims <<-END
		{"v":1,"iss":"hospital","sub":"nina","roles":["nurse"],"al":3,"subjects":["$subject"],"purposes":["TREAT"],"domain":"hospital","cnf":{"jkt":"$JKT"},"nbf":1772442000,"exp":1775034000}
	END
	[ "$(claims out | jq -r .basis.decision)" = "sha256:$(head -c -1 one | sha256sum | cut -d' ' -f1)" ]
}

@test "grant: the AL is no higher than what the device can open" {
	own
	ehr-keys enrol -S site --expect "$JKT" --al-cap 5 --now "$NOW" "$F/tablet.enrol" >/dev/null
	granted() {
		subscription 5 Patient/p1 >one
		ehr 0 ehr-keys grant -P "$P" -S site --decision one --now "$NOW"
		[ "$(claims out | jq .al)" -eq "$1" ]
	}
	granted 5
	WHO=paul decision release-keys 5 >paul
	ehr 0 ehr-keys release --offline -S site --device "$ID" --user paul --decision paul --now "$NOW"
	granted 5
	decision release-keys 1 | release --decision - >/dev/null
	granted 1
	decision release-keys 4 | release --decision - >/dev/null
	granted 4
	decision release-keys 5 | release --decision - --ttl 1s >/dev/null
	granted 5
	printf '{"v":1,"ia' >>site/keys/issued.log
	granted 5
	has err 'issued.log: the last line is unfinished and does not count'
}

@test "grant: a decision is taken once, and only while it is fresh" {
	own
	subscription 5 Patient/p1 >one
	ehr 7 ehr-keys grant -P "$P" -S site --decision one --now 2026-03-02T09:15:01Z
	has err 'decision-stale: it is older than the policy allows'
	cat one one >twice
	ehr 7 ehr-keys grant -P "$P" -S site --decision twice --now "$NOW"
	has err 'decision-taken'
	empty site/grants.jwts
	ehr 0 ehr-keys grant -P "$P" -S site --decision one --now "$NOW"
	ehr 7 ehr-keys grant -P "$P" -S site --decision one --now "$NOW"
	same err <<<'ehr-keys: decision-taken: it was carried out before; ask for another one'
	[ "$(wc -l <site/grants.jwts)" -eq 1 ]
}

@test "several decisions about one person make one grant, with the least AL and the earliest end" {
	own
	{
		subscription 3 Patient/p1
		subscription 2 p2 | sed 's/"obligations"/"valid_until":"2026-03-05T00:00:00Z","obligations"/'
	} >two
	ehr 0 ehr-keys grant -P "$P" -S site --decision two --now "$NOW"
	subjects=$(ehr-keys pseudonym -S site Patient/p1 Patient/p2 | jq -Rc . | tr '\n' , | sed 's/,$//')
	[ "$(claims out | jq -c '[.al, .subjects, (.exp | todate)]')" = "[2,[$subjects],\"2026-03-05T00:00:00Z\"]" ]
	sed '2s/nina/paul/' two >mixed
	ehr 7 ehr-keys grant -P "$P" -S site --decision mixed --now "$NOW"
	[ "$(wc -l <site/grants.jwts)" -eq 1 ]
}

@test "a grant needs a permit to subscribe, a patient and an enrolled device" {
	own
	subscription 3 Patient/p1 >good
	for change in 's/"decision":true/"decision":false/' 's/subscribe/read/' 's/"patient":"Patient.p1",//' 's/,"device":"[^"]*"//' 's/"al":3,//' 's/"patient":/"domain":"clinic",&/' 's/"patient":/"domain":["hospital"],&/'; do
		sed "$change" good >bad
		ehr 7 ehr-keys grant -P "$P" -S site --decision bad --now "$NOW"
		has err 'decision-denied'
	done
	sed "s/$JKT/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/" good >bad
	ehr 7 ehr-keys grant -P "$P" -S site --decision bad --now "$NOW"
	has err 'device-unknown'
	empty site/grants.jwts
	sed 's/"patient":/"domain":"hospital",&/' good >own
	ehr 0 ehr-keys grant -P "$P" -S site --decision own --now "$NOW"
	rm -f site/policy
	ehr 2 ehr-keys grant -S site --decision good
}

@test "pseudonym: the tags that ehr-seal writes" {
	own
	ehr 0 ehr-keys pseudonym -S site Patient/p1 Patient/p2 && mv out both
	printf 'Patient/p1\nPatient/p2\n' >in
	ehr 0 ehr-keys pseudonym -S site <in
	cmp both out
	[ "$(head -n 1 out)" = "$(jq -r .ehr.subject "$F/sealed" | head -n 1)" ]
	ehr 0 ehr-keys pseudonym -S site --kind id Observation/o1
	[ "$(cat out)" = "$(jq -r .ehr.id "$F/sealed" | head -n 1)" ]
	ehr 0 ehr-keys pseudonym -S site --scope 37 Patient/p1
	lacks both "$(cat out)"
	ehr 2 ehr-keys pseudonym -S site --scope x Patient/p1
	ehr 6 ehr-keys pseudonym --keys tablet Patient/p1
}

@test "the keys and the domain of the examples are refused unless that is said" {
	cp -r "$P" policy && sed -i 's/^domain: .*/domain: example/' policy/seal.yaml
	ehr 6 ehr-keys make -P policy -S example
	has err 'test-key'
	[ ! -e example/keys ]
	ehr 0 ehr-keys make -P policy -S example --allow-test-keys
	ehr 6 ehr-keys list -S example
	has err 'test-key'
	ehr 0 ehr-keys list -S example --allow-test-keys
}

@test "misuse names what is missing" {
	ehr 2 ehr-keys
	has err 'no verb given'
	ehr 2 ehr-keys mak
	has err "not a verb: 'mak'"
	ehr 2 ehr-keys make
	ehr 2 ehr-keys make -S site
	has err 'expected -P DIR'
	ehr 2 ehr-keys make --kind reader --keys x
	has err 'expected --keys DIR --authority JWKS'
	ehr 2 ehr-keys make --kind person --keys x
	ehr 2 ehr-keys list
	ehr 2 ehr-keys release -S site --device x --user y --ask
	has err 'expected --proof FILE or --offline'
	ehr 2 ehr-keys list -S site surplus
	ehr 0 ehr-keys release --help
	has out 'usage: ehr-keys release'
	lacks out '--kind'
}
