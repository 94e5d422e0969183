# ehr-keys give and subscribe: request, decision and its carrying out in one, to bytes that are opened and messages that are sent.
bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/keys
load ../lib/trust

setup_file() {
	people
}

setup() {
	at_home decider.pem deciders.jwks sealed
	echo '{"acr":"loa3","route":"on-site","purpose":"TREAT"}' >context
	for level in N R; do jq -c "select(.ehr.rl == \"$level\")" sealed >level-$level; done
	echo '{"responder":"on-call-physician"}' >wish
	who=dr-lee
}

# The tablet is enrolled for whatever a decision gives.
wider() {
	ehr-keys enrol -S site --expect "$JKT" --al-cap 5 --now "$NOW" "$F/tablet.enrol" >/dev/null
}

# give STATUS ARGS...
give() {
	local want=$1
	shift
	ehr "$want" ehr-keys give -P "$P" -S site --user "$who" --device "$ID" --context context --now "$NOW" "$@"
}

subscribe() {
	local want=$1
	shift
	ehr "$want" ehr-keys subscribe -P "$P" -S site --user "$who" --device "$ID" --context context --now "$NOW" "$@"
}

@test "give: one command, and the device opens what it may and no more" {
	give 0
	ehr-keys accept --keys tablet --now "$NOW" <out
	ehr 0 ehr-open --key tablet --now "$NOW" --record level-N
	[ "$(jq -r .id out | tr '\n' ' ')" = 'o1 o2 ' ]
	ehr 7 ehr-open --key tablet --now "$NOW" --record level-R
}

@test "give does what the long way does" {
	give 0
	ehr-keys accept --keys tablet --now "$NOW" <out
	ehr-keys list --keys tablet --now "$NOW" | jq -r .kid >short
	own
	# A context that stands over several lines, too.
	jq . context >spread
	mv spread context
	ehr-keys release --offline -S site --user dr-lee --device "$ID" --context context --now "$NOW" --ask >request
	[ "$(wc -l <request)" -eq 1 ]
	decide request >decision
	ehr-keys release --offline -S site --user dr-lee --device "$ID" --context context --now "$NOW" --decision decision |
		ehr-keys accept --keys tablet --now "$NOW"
	ehr-keys list --keys tablet --now "$NOW" | jq -r .kid | cmp - short
}

@test "give -v shows the request and the decision, and nothing without it" {
	give 0
	same err <<<'ehr-keys: al-capped: the decision gives AL 4, the device is enrolled for 3 at most; enrol it again with --al-cap 4 if it may have more'
	own
	wider
	give 0
	empty err
	own
	give 0 -v
	sed -n 's/^ehr-keys: request: //p' err >request
	sed -n 's/^ehr-keys: decision: //p' err >decision
	ehr-keys release --offline -S site --user dr-lee --device "$ID" --context context --now "$NOW" --ask | cmp - request
	decide request | cmp - decision
}

@test "give: a decision is taken once, so the same second gives no second message" {
	give 0
	give 7
	same err <<<'ehr-keys: decision-taken: it was carried out before; ask for another one'
	ehr 0 ehr-keys give -P "$P" -S site --user dr-lee --device "$ID" --context context --now 2026-03-02T09:00:01Z
}

@test "give: who is denied gets nothing, and the administrator is told by which layer" {
	echo '{"acr":"loa1","route":"on-site","purpose":"TREAT"}' >context
	give 7
	empty out
	has err 'decision-denied: organization: '
	lacks err 'dr-lee'
	[ ! -s site/keys/issued.log ]
	echo '{"acr":"loa3","route":"on-site","purpose":"TREAT"}' >context
	who=eve
	give 7
	empty out
	who=dr-lee
	ehr 7 ehr-keys give -P "$P" -S site --user dr-lee --device d_AAAAAAAAAAAAAAAAAAAAAA --context context --now "$NOW"
	has err device-unknown
	ehr-keys revoke -S site --party dr-lee --now "$NOW" >/dev/null
	give 7
	has err party-revoked
}

@test "a part of the record that a directive withholds is named, with its rule, and what to do; a directive that cannot be read, too" {
	cat >site/consents/p1.yaml <<-'END'
		ehr_authz: 1
		consent: c-1
		patient: p1
		status: active
		date: 2026-01-01
		base: permit
		rules:
		  - {id: c-1-a, say: No observations., effect: deny, what: {class: [Observation]}}
		  - {id: c-1-b, say: Nobody at night., effect: deny, who: {id: otto}, what: {label: [HIV]}}
	END
	subscribe 7 --patient p1 wish
	empty out
	same err <<-'END'
		ehr-keys: cannot be carried out: redact {"class":["Observation"]} by c-1-a of directive c-1
		ehr-keys: level keys and grants open whole levels: who may see a part of a level gets it sealed to her device, as share/examples/disclose.sh --kept does
		ehr-keys: decision-denied: obligations: unsupported-obligation (-v shows request and decision; ehr-policy explain --request says what is missing)
	END
	subscribe 7 -v --patient p1 wish
	sed -n 's/^ehr-keys: request: //p' err >asked
	ehr 0 ehr-policy explain -P "$P" -S site --request asked
	[ "$(sed -n 2p out)" = '  cannot be carried out: redact {"class":["Observation"]} by c-1-a of directive c-1' ]
	# Nothing but what the directive itself names may be seen.
	sed -i -e '/^rules/,$d' site/consents/p1.yaml
	echo 'what: {class: [Patient]}' >>site/consents/p1.yaml
	subscribe 7 --patient p1 wish
	[ "$(head -n 1 err)" = 'ehr-keys: cannot be carried out: keep-only {"class":["Patient"]} by directive c-1' ]
	# Whole levels are withheld by a lower grant.
	sed -i 's/^what.*/what: {label: [L]}/' site/consents/p1.yaml
	subscribe 0 --patient p1 wish
	sed -i 's/^base/bases/' site/consents/p1.yaml
	subscribe 7 --patient p1 wish
	grep -q "^ehr-keys: site/consents/p1.yaml:1:1: consent-unreadable: 'base' is missing" err
	ehr 0 ehr-policy explain -P "$P" -S site --request asked
	grep -q "^ehr-policy: site/consents/p1.yaml:1:1: consent-unreadable: 'base' is missing" err
}

@test "a grant is no higher than device and keys, and it is said which of them lowers it" {
	subscribe 0 --patient p1 wish
	same err <<<'ehr-keys: al-capped: the decision gives AL 5, the device is enrolled for 3 at most; enrol it again with --al-cap 5 if it may have more'
	give 0
	wider
	twin=$(ls site/subscriptions)
	ehr 0 ehr-keys subscribe -P "$P" -S site --user dr-lee --device "$ID" --context context --now 2026-03-02T09:00:01Z --patient p1 wish
	same err <<-END
		ehr-keys: al-lowered: the grant is for AL 3, as far as the keys that were given to the device for this person reach; ehr-keys give, and subscribe again, if she may have more
		ehr-keys: subscribed-twice: site/subscriptions/$twin is about the same for this person: remove it if she is not to be told by both
	END
	# Enrolled twice, it is listed once, as it counts.
	[ "$(ehr-keys list --devices -S site | jq -c '[.device, .al_cap]')" = "[\"$ID\",5]" ]
}

@test "rotate says how many devices need keys, and ehr-open of which epoch they lack one" {
	give 0
	ehr-keys accept --keys tablet --now "$NOW" <out
	ehr 0 ehr-keys rotate -P "$P" -S site --now "$NOW"
	same err <<<'ehr-keys: 1 device holds keys of epoch 1 and cannot open what is sealed from now on: ehr-keys give for each whose user goes on; ehr-keys list --holders KID names them'
	ehr-seal -P "$P" -S site <"$F/versions" | head -n 2 >later
	ehr 7 ehr-open --key tablet --now "$NOW" later
	same err <<-'END'
		ehr-open: epoch 2: no key of this epoch is here, the newest are of epoch 1; the authority gives them: ehr-keys give --epoch 2
		ehr-open: later:1: no-key: no key of that level and epoch here
	END
	# What is above the reader is of an epoch whose keys she has.
	ehr 7 ehr-open --key tablet --now "$NOW" level-R
	[ "$(cat err)" = 'ehr-open: level-R:1: no-key: no key of that level and epoch here' ]
	# A revoked one, and one who is, need none.
	own
	give 0
	ehr-keys revoke -S site --party dr-lee --now "$NOW" >/dev/null 2>&1
	ehr 0 ehr-keys rotate -P "$P" -S site --now "$NOW"
	empty err
}

@test "give: usage, a context that is none, a policy that is none" {
	rm -f site/policy
	ehr 2 ehr-keys give -S site --user dr-lee --device "$ID"
	has err 'expected -P DIR and -S DIR'
	ehr 2 ehr-keys give -P "$P" --user dr-lee --device "$ID"
	ehr 2 ehr-keys give -P "$P" -S site --device "$ID"
	ehr 2 ehr-keys give -P "$P" -S site --user 'dr lee' --device "$ID"
	echo '{"time":"2026-03-02T09:00:00Z"}' >context
	give 5
	echo '[]' >context
	give 5
	rm context
	give 4
	ehr 3 ehr-keys give -P nowhere -S site --user dr-lee --device "$ID" --now "$NOW"
	echo '{"fact":' >>site/facts.ndjson
	echo '{}' >context
	give 3
	has err site/facts.ndjson
}

@test "a site with deciders: give and subscribe decide only with the key of one" {
	cp deciders.jwks site/
	give 7
	has err decision-unsigned
	empty out
	subscribe 7 --patient p1
	has err decision-unsigned
	ehr-keys signer --domain hospital other.pem >/dev/null
	give 6 --sign other.pem
	has err decision-forged
	give 6 --sign nowhere.pem
	has err key-invalid
	give 0 --sign decider.pem
	ehr-keys accept --keys tablet --now "$NOW" <out
	ehr 0 ehr-open --key tablet --now "$NOW" --record level-N
	subscribe 0 --patient p1 --sign decider.pem wish
}

@test "subscribe: one command, and the next record of the patient is told" {
	echo '{"responder":"on-call-physician","select":{"min_criticality":"medium"},"payload":"reference"}' >wish
	subscribe 0 --patient p1 wish
	cp out subscription
	[ "$(jq -r .grant subscription)" = "$(cut -d. -f2 site/grants.jwts | unpadded | jq -r .jti)" ]
	[ "$(wc -l <site/grants.jwts)" -eq 1 ]
	cmp subscription "site/subscriptions/$(jq -r .id subscription).json"
	[ "$(jq -c '[.party, .purpose, .responder, .payload, .select.min_criticality, (.select.subjects | length)]' subscription)" = '["dr-lee","TREAT","on-call-physician","reference","medium",1]' ]
	[ "$(jq -r '.select.subjects[0]' subscription)" = "$(jq -r .ehr.subject level-N | sort -u)" ]
	cat >low <<-'END'
		{"resourceType":"Observation","id":"o9","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"59408-5"}]},"subject":{"reference":"Patient/p1"},"effectiveDateTime":"2026-03-02T08:59:00Z","valueQuantity":{"value":80,"unit":"%","system":"http://unitsofmeasure.org","code":"%"}}
	END
	ehr-classify -P "$P" --now "$NOW" low 2>/dev/null | ehr-redact -P "$P" -S site --now "$NOW" | ehr-seal -P "$P" -S site >new
	ehr 0 ehr-notify -P "$P" -S site --now "$NOW" new
	[ "$(jq -r 'select(.kind == "data") | [.to.party, .to.subscription] | join(" ")' out)" = "dr-lee $(jq -r .id subscription)" ]
	give 0
	ehr-keys accept --keys tablet --now "$NOW" <out
	ehr 0 ehr-open --key tablet --now "$NOW" --record <(jq -c 'select(.ehr.rl == "N")' new)
	[ "$(jq -r .id out)" = o9 ]
}

@test "subscribe: a second time is said, with the file to remove; another patient or person is another matter" {
	subscribe 0 --patient p1 wish
	lacks err subscribed-twice
	local first
	first=site/subscriptions/$(jq -r .id out).json
	jq -c '.party = "dr-other"' "$first" >site/subscriptions/sub-other.json
	jq -c '.select.subjects = ["s_x"]' "$first" >site/subscriptions/sub-patient.json
	echo '{' >site/subscriptions/sub-broken.json
	ehr 0 ehr-keys subscribe -P "$P" -S site --user dr-lee --device "$ID" --context context --now 2026-03-02T09:00:01Z --patient p1 wish
	grep subscribed-twice err >said
	same said <<<"ehr-keys: subscribed-twice: $first is about the same for this person: remove it if she is not to be told by both"
	[ -s "site/subscriptions/$(jq -r .id out).json" ]
}

@test "subscribe with a Subscription of FHIR: it is about the patients of the grant, and about no other" {
	local resource='{"resourceType":"Subscription","status":"active","topic":"http://h.example/urgent","channelType":{"code":"rest-hook"},"endpoint":"https://x.hospital.example/","content":"id-only"}'
	cp -r "$P" Q
	printf 'fhir: {topics: [{topic: "http://h.example/urgent", min_criticality: high}]}\n' >>Q/notify.yaml
	jq -c '{responder: "on-call-physician", fhir: (.filterBy = [{filterParameter: "patient", value: "Patient/p2"}])}' <<<"$resource" >wish
	P=Q subscribe 5 --patient p1 wish
	has err 'subscription-refused: fhir-subject'
	[ ! -s site/grants.jwts ]
	jq -c '{responder: "on-call-physician", fhir: .}' <<<"$resource" >wish
	P=Q subscribe 0 --patient p1 wish
	[ "$(jq -c '[.fhir.topic, (.select.subjects | length)]' out)" = '["http://h.example/urgent",1]' ]
	ehr 0 ehr-notify -P Q -S site --now "$NOW" --strict /dev/null
}

@test "subscribe to several patients: the grant ends with the first that ends" {
	subscribe 0 --patient p1 wish
	[ "$(jq -c 'keys' out)" = '["grant","id","party","purpose","responder","select"]' ]
	own
	echo '{"fact":"f-2","relation":"treating","subject":"dr-lee","patient":"p2","from":"2026-03-01T00:00:00Z","until":"2026-03-04T18:00:00Z"}' >>site/facts.ndjson
	printf 'ehr_authz: 1\nconsent: c-p2\npatient: p2\nstatus: active\nbase: permit\n' >site/consents/p2.yaml
	subscribe 0 --patient p1 --patient p2 wish
	[ "$(jq '.select.subjects | length' out)" -eq 2 ]
	[ "$(cut -d. -f2 site/grants.jwts | unpadded | jq -r '.exp | todate')" = 2026-03-04T18:00:00Z ]
	# One of them not permitted: none.
	own
	subscribe 7 --patient p1 --patient p3 wish
	has err 'decision-denied: '
	[ ! -s site/grants.jwts ]
	[ -z "$(ls site/subscriptions)" ]
}

@test "subscribe: what ehr-notify would refuse is refused before anything is kept" {
	for wish in '{"responder":"nobody"}' '{"payload":"all"}' '{"id":"x"}' '{"party":"eve"}' '{"grant":"g_x"}' '{"claims":{"al":9}}' '{"purpose":"HMARKT"}' \
		'{"select":{"subjects":["*"]}}' '{"select":7}' '[]' 'x' '{"unknown":1}' '{"select":{"min_criticality":"huge"}}' '{"p\u0061rty":"eve"}'; do
		echo "$wish" >wish
		subscribe 5 --patient p1 wish
		has err subscription-refused
		empty out
		[ ! -s site/grants.jwts ]
		[ -z "$(ls site/subscriptions)" ]
	done
	subscribe 5 --patient p1
	has err "subscription-refused: 'responder' is missing"
	# Her roles are none of this class of responders.
	echo '{"responder":"first-responder"}' >wish
	subscribe 7 --patient p1 wish
	has err 'subscription-refused: grant-role'
	[ ! -s site/grants.jwts ]
	# The decision was given back.
	echo '{"responder":"on-call-physician"}' >wish
	subscribe 0 --patient p1 wish
}

@test "subscribe -v shows a request and a decision for each patient" {
	subscribe 0 -v --patient p1 wish
	[ "$(grep -c '^ehr-keys: request: ' err)" -eq 1 ]
	sed -n 's/^ehr-keys: request: //p' err >request
	sed -n 's/^ehr-keys: decision: //p' err >decision
	decide request | cmp - decision
	ehr 2 ehr-keys subscribe -P "$P" -S site --user dr-lee --device "$ID" --now "$NOW"
	ehr 2 ehr-keys subscribe -P "$P" --user dr-lee --device "$ID" --patient p1
	ehr 2 ehr-keys subscribe -P "$P" -S site --user 'dr lee' --device "$ID" --patient p1
	ehr 2 ehr-keys subscribe -P "$P" -S site --user dr-lee --device "$ID" --patient p1 wish other
	subscribe 4 --patient p1 nowhere
}

@test "subscribe: a revoked person, and a folder that cannot be written" {
	chmod 500 site/subscriptions
	if [ ! -w site/subscriptions ]; then
		subscribe 4 --patient p1 wish
		has err site/subscriptions
	fi
	chmod 700 site/subscriptions
	ehr-keys revoke -S site --party dr-lee --now "$NOW" >/dev/null
	ehr 7 ehr-keys subscribe -P "$P" -S site --user dr-lee --device "$ID" --context context --now 2026-03-02T09:00:02Z --patient p1
	has err party-revoked
}

@test "subscribe: where directives are negotiated, only those in force count" {
	cp -r "$P" policy
	chmod -R u+w policy
	sed -i 's/^no_consent:/negotiated: true\n&/' policy/authz/organization.yaml
	export P=policy
	subscribe 7 --patient p1 wish
	has err 'decision-denied: consent: consent-not-settled'
	printf '{"patient":"p1","directive":"c-p1","state":"active","in_force":"sha256:%s"}\n' "$(sha256sum <site/consents/p1.yaml | cut -d' ' -f1)" >states
	subscribe 0 --patient p1 --consent-state states wish
	printf '{"patient":"p1","directive":"c-p1","state":"inactive","in_force":null}\n' >states
	ehr 7 ehr-keys subscribe -P "$P" -S site --user dr-lee --device "$ID" --context context --now 2026-03-02T09:00:01Z --patient p1 --consent-state states wish
	subscribe 4 --patient p1 --consent-state nowhere wish
}

# give_now VERB NUMBER ARGS...: what give does, whatever comes of it, into the file VERB.NUMBER.
give_now() {
	ehr-keys "$1" -P "$EHR_ROOT/policies/hospital" -S site --user dr-lee --device "$ID" --context context --now "$NOW" "${@:3}" >"$1.$2" 2>/dev/null
}

@test "give and subscribe at the same time with the same decision: one of them is answered" {
	for i in 1 2 3; do
		give_now give "$i" &
		give_now subscribe "$i" --patient p1 wish &
	done
	wait
	[ "$(cat give.* | wc -l)" -eq 1 ]
	[ "$(cat subscribe.* | wc -l)" -eq 1 ]
	[ "$(wc -l <site/keys/issued.log)" -eq 1 ]
	[ "$(wc -l <site/grants.jwts)" -eq 1 ]
	[ "$(ls site/subscriptions | wc -l)" -eq 1 ]
}

@test "a directive that limits what is permitted limits the grant, or denies what a grant cannot carry" {
	while read -r want body; do
		own
		echo "{\"ehr_authz\":1,\"consent\":\"c-p1\",\"patient\":\"p1\",\"status\":\"active\",$body}" >site/consents/p1.json
		rm site/consents/p1.yaml
		if [ "$want" = none ]; then
			subscribe 7 --patient p1 wish
			[ ! -s site/grants.jwts ]
		else
			subscribe 0 --patient p1 wish
			[ "$(cut -d. -f2 site/grants.jwts | unpadded | jq .al)" -le "$want" ]
		fi
	done <<-'END'
		5 "base":"permit"
		3 "base":"permit","what":{"label":["N"]}
		none "base":"deny"
		none "base":"permit","what":{"class":["Observation"]}
		none "base":"permit","rules":[{"id":"r","say":"S.","effect":"deny","what":{"label":["SUD"]}}]
		none "base":"permit","does":["read"]
		none "base":"SECRET"
		none "base":"permit","period":{"until":"2026-03-02T09:00:00Z"}
	END
}

# The verbs that change a site, each as one of two that run at once; $1 is 1 or 2.
pair_rotate() { ehr-keys rotate -P "$P" -S site --now "$NOW"; }
pair_enrol() { ehr-keys enrol -S site --expect "$JKT" --now "$NOW" "$F/tablet.enrol"; }
pair_revoke() { ehr-keys revoke -S site --kid "$(sed -n "$1p" kids)" --now "$NOW"; }
pair_destroy() { ehr-keys destroy -S site --kid "$(sed -n 3p kids)" --context context --decision both --now "$NOW"; }
pair_give() { ehr-keys give -P "$P" -S site --device "$ID" --user dr-lee --context context --now "2026-03-02T09:00:0$1Z"; }
pair_digests() { ehr-keys give --digests -P "$P" -S site --device "$HOST" --context context --now "2026-03-02T09:00:0$1Z"; }
pair_release() { ehr-keys release --offline -S site --device "$ID" --user dr-lee --epoch 2 --context context --decision decided --now "$NOW"; }
pair_subscribe() {
	ehr-keys subscribe -P "$P" -S site --device "$ID" --user dr-lee --patient p1 --context context --now "2026-03-02T09:00:1$1Z" wish
}
pair_challenge() { ehr-keys challenge -S site --now "$NOW"; }
pair_provision() { ehr-keys provision -S site --device "$ID" --now "$NOW" context; }

# ended VERB N: how that one of the two must have ended; a second one finds a decision taken, or a key destroyed
ended() {
	local status
	status=$(cat "status.$2")
	case $1:$status in
	*:0) [ -s "out.$2" ] && ! grep -v -e '/lock: waiting for another ehr-keys$' -e ': al-capped: ' -e ' of epoch 2 and cannot open ' -e ': subscribed-twice: ' "err.$2" ;;
	release:7) grep -q '^ehr-keys: decision-taken: ' "err.$2" && [ "$verbs" = release+release ] ;;
	destroy:7) grep -q '^ehr-keys: key-unknown: ' "err.$2" && [ "$verbs" = destroy+destroy ] ;;
	*) false ;;
	esac
}

# count VERB: how many of the two did it
count() { grep -cx "$1 0" did || true; }

# What both did is there, whole, and nothing else.
both_hold() {
	ended "$a" 1 && ended "$b" 2 || return 1
	printf '%s %s\n' "$a" "$(cat status.1)" "$b" "$(cat status.2)" >did
	[ "$(wc -l <site/keys/epochs.jwts)" -eq $((2 + $(count rotate))) ] || return 1
	[ "$(ehr-keys list -S site | wc -l)" -eq $((12 + 6 * $(count rotate) - $(count destroy))) ] || return 1
	[ "$(wc -l <site/keys/devices.jwts)" -eq $((2 + $(count enrol))) ] && ehr-keys list --devices -S site >/dev/null || return 1
	[ "$(jq -s length site/keys/issued.log)" -eq $(($(count give) + $(count digests) + $(count release) + 1)) ] || return 1
	[ "$(jq -s length site/keys/nonces.log)" -eq $((1 + $(count challenge))) ] || return 1
	[ "$(wc -l <site/grants.jwts)" -eq $((1 + $(count subscribe))) ] || return 1
	[ "$(jq -n '[inputs.grant] | unique | length' site/subscriptions/*)" -eq $((1 + $(count subscribe))) ] || return 1
	[ "$(cut -d. -f2 site/revoked.jwt | unpadded | jq '.serial - (.kids | length)')" -eq 0 ] && cmp site/revoked.jwt site/keys/revoked.jwt || return 1
	[ "$(cut -d. -f2 site/revoked.jwt | unpadded | jq .serial)" -eq $((1 + $(count revoke))) ] || return 1
	[ "$(jq .provision site/keys/counters.json 2>/dev/null | wc -l)" -le 1 ] || return 1
	find site | grep -v '\.jwe$' | sort >names
	cmp <(grep -v 'subscriptions/.\|destroyed.jwts' names) <(grep -v 'subscriptions/.\|destroyed.jwts' whole.names)
}

@test "any two verbs at once on one site: each does its work, and nothing of either is lost" {
	local verb all='challenge destroy digests enrol give provision release revoke rotate subscribe'
	ehr-keys rotate -P "$P" -S site --now "$NOW" >/dev/null
	ehr-keys list -S site | jq -r 'select(.epoch == 1).kid' >kids
	ehr-keys make --kind sealer --keys host --authority site/authority.jwks --now "$NOW" >enrol
	HOST=$(ehr-keys list --self --keys host | jq -r .id)
	ehr-keys enrol -S site --expect "$(ehr-keys list --self --keys host | jq -r .sig.jkt)" --al-cap 5 --now "$NOW" enrol >/dev/null
	ehr-keys revoke -S site --kid "$(sed -n 4p kids)" --now "$NOW" >/dev/null
	for verb in challenge provision; do pair_$verb 3 >/dev/null; done
	for who in kim lea; do
		echo "{\"type\":\"user\",\"id\":\"$who\",\"properties\":{\"domain\":\"hospital\",\"structural_role\":\"administrator\",\"functional_role\":[\"key-custodian\"]}}"
	done >>site/entities.ndjson
	for who in kim lea; do
		ehr-keys destroy -S site --kid "$(sed -n 3p kids)" --user $who --context context --ask --now "$NOW"
	done | ehr-authz -P "$P" -S site >both
	ehr-keys release --offline --ask -S site --device "$ID" --user dr-lee --epoch 2 --context context --now "$NOW" | ehr-authz -P "$P" -S site >decided
	pair_give 3 >/dev/null
	pair_subscribe 3 >/dev/null
	find site | grep -v '\.jwe$' | sort >whole.names
	mv site whole
	for a in $all; do
		for b in $all; do
			[[ $a > $b ]] && continue
			verbs=$a+$b
			rm -rf site
			cp -r whole site
			for n in 1 2; do
				{
					status=0
					"pair_$([ $n = 1 ] && echo "$a" || echo "$b")" $n >out.$n 2>err.$n || status=$?
					echo $status >status.$n
				} 3>&- &
			done
			wait
			both_hold || {
				echo "$verbs: $(cat status.1 status.2 err.1 err.2)" >&2
				return 1
			}
		done
	done
}

# A decision of its own second; what a run before left is swept away, and an ended run has given its decision back.
gives_again() {
	[ "$1" -eq 4 ] || [ "$1" -eq 137 ] || return 1
	[ "$1" -eq 137 ] || give 0 || return 1
	ehr 0 ehr-keys give -P "$P" -S site --user dr-lee --device "$ID" --context context --now 2026-03-02T09:00:01Z || return 1
	cp out message
	ehr 0 ehr-keys accept --keys tablet --now 2026-03-02T09:00:01Z message || return 1
	[ -z "$(find site tablet -name '*.new')" ]
}

@test "give: killed or out of space at any step, the next one gives, and a decision of a run that failed counts again" {
	at_every_step wider gives_again ehr-keys give -P "$P" -S "$PWD/site" --user dr-lee --device "$ID" --context context --now "$NOW"
}

subscribes_again() {
	[ "$1" -eq 4 ] || [ "$1" -eq 137 ] || return 1
	ehr 0 ehr-keys subscribe -P "$P" -S site --user dr-lee --device "$ID" --patient p1 --context context --now 2026-03-02T09:00:01Z wish || return 1
	[ -z "$(find site -name '*.new')" ] || return 1
	ehr 0 ehr-notify -P "$P" -S site --now 2026-03-02T09:00:01Z sealed && empty err
}

@test "subscribe: killed or out of space at any step, the next one subscribes, and nothing is left half done" {
	at_every_step wider subscribes_again ehr-keys subscribe -P "$P" -S "$PWD/site" --user dr-lee --device "$ID" --patient p1 --context context --now "$NOW" wish
}
