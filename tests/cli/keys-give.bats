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
	ehr-keys release --offline -S site --user dr-lee --device "$ID" --context context --now "$NOW" --ask >request
	decide request >decision
	ehr-keys release --offline -S site --user dr-lee --device "$ID" --context context --now "$NOW" --decision decision |
		ehr-keys accept --keys tablet --now "$NOW"
	ehr-keys list --keys tablet --now "$NOW" | jq -r .kid | cmp - short
}

@test "give -v shows the request and the decision, and nothing without it" {
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
	has err decision-taken
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
