bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/keys

# ehr-keys when it is killed, or finds the disk full, at any step.

setup_file() {
	site
	tablet
}

release_decision() {
	decision release-keys 3 >good
}

rotates_again() {
	[ "$1" -eq 4 ] || [ "$1" -eq 137 ] || return 1
	ehr 0 ehr-keys rotate -P "$P" -S site --now "$NOW" || return 1
	epochs_hold
}

@test "rotate: killed or out of space at any step, the next one works and each epoch has one set of keys" {
	at_every_step nothing rotates_again ehr-keys rotate -P "$P" -S "$PWD/site" --now "$NOW"
}

enrols_again() {
	[ "$1" -eq 4 ] || [ "$1" -eq 137 ] || return 1
	ehr 0 ehr-keys enrol -S site --expect "$JKT" --now "$NOW" "$F/tablet.enrol" || return 1
	ehr 0 ehr-keys list --devices -S site || return 1
	[ "$(tail -c 1 site/keys/devices.jwts | od -An -tx1)" = ' 0a' ] || return 1
	release_decision
	ehr 0 release --decision good
}

@test "enrol: killed or out of space at any step, and every verb works afterwards" {
	at_every_step nothing enrols_again ehr-keys enrol -S "$PWD/site" --expect "$(jq -r .sig.jkt "$F/tablet.self")" --now "$NOW" "$F/tablet.enrol"
}

makes_again() {
	[ "$1" -eq 4 ] || [ "$1" -eq 137 ] || return 1
	if [ -e fresh/keys ]; then
		# It was whole when the run was killed.
		cmp fresh/authority.jwks fresh/keys/authority.jwks || return 1
	else
		ehr 0 ehr-keys make -P "$P" -S fresh --now "$NOW" || return 1
	fi
	[ ! -e fresh/keys.new ] && [ "$(ehr-keys list -S fresh | wc -l)" -eq 6 ] && ehr 0 ehr-keys rotate -P "$P" -S fresh
}

clean() {
	rm -rf fresh device
}

@test "make: killed or out of space at any step, the next one works" {
	at_every_step clean makes_again ehr-keys make -P "$P" -S fresh --now "$NOW"
}

makes_device_again() {
	[ -e device ] || ehr 0 ehr-keys make --kind reader --keys device --authority site/authority.jwks || return 1
	[ ! -e device.new ] && ehr 0 ehr-keys list --self --keys device
}

@test "make --kind: killed at any step, the next one works" {
	at_every_step clean makes_device_again ehr-keys make --kind reader --keys device --authority "$PWD/site/authority.jwks"
}

revokes_again() {
	[ "$1" -eq 4 ] || [ "$1" -eq 137 ] || return 1
	ehr 0 ehr-keys revoke -S site --party paul --now "$NOW" || return 1
	cmp out site/revoked.jwt && cmp out site/keys/revoked.jwt || return 1
	claims <out | jq -e '.parties | index("paul")' >/dev/null
}

@test "revoke: killed at any step, the next list holds and both copies are one" {
	at_every_step nothing revokes_again ehr-keys revoke -S "$PWD/site" --party nina --now "$NOW"
}

accepts_again() {
	[ "$1" -eq 4 ] || [ "$1" -eq 137 ] || return 1
	# The counter may have risen before the keys were there: then the next release counts.
	ehr 0 ehr-keys accept --keys tablet --now "$NOW" second || return 1
	ehr 0 ehr-keys list --keys tablet || return 1
	[ "$(jq -r .rl out | tr '\n' ' ')" = 'U L M N ' ] || return 1
	[ -z "$(find tablet -name '*.new')" ]
}

two_messages() {
	release_decision
	release --decision good >first
	release_decision
	release --decision good >second
}

@test "accept: killed at any step, the next message is taken" {
	at_every_step two_messages accepts_again ehr-keys accept --keys tablet --now "$NOW" first
}

# Numbers rise, challenges and records are whole, and nothing is half there.
sends_again() {
	[ "$1" -eq 4 ] || [ "$1" -eq 137 ] || return 1
	ehr 0 ehr-keys provision -S site --device "$ID" --now "$NOW" params || return 1
	cp out next
	ehr 0 ehr-keys accept --keys tablet --ack ack --now "$NOW" next || return 1
	cmp params tablet/params.json || return 1
	ehr 0 ehr-keys answers -S site --now "$NOW" ack
}

parameters() {
	printf '{"interval":60}' >params
}

@test "provision: killed or out of space at any step, the next one is taken" {
	own
	parameters
	at_every_step parameters sends_again ehr-keys provision -S "$PWD/site" --device "$ID" --now "$NOW" params
}

parameters_sent() {
	parameters
	ehr-keys provision -S site --device "$ID" --now "$NOW" params >sent
}

takes_parameters_again() {
	[ "$1" -eq 4 ] || [ "$1" -eq 137 ] || return 1
	[ ! -e tablet/params.json ] || cmp params tablet/params.json || return 1
	ehr 0 ehr-keys list --self --keys tablet || return 1
	sends_again "$1"
}

@test "accept of parameters: killed or out of space at any step, they are whole or not there" {
	at_every_step parameters_sent takes_parameters_again ehr-keys accept --keys tablet --ack ack --now "$NOW" sent
}

# nina's token, bound to the tablet
with_token() {
	[ -e issuer.pem ] || ehr-keys signer --domain hospital issuer.pem >issuers.jwks
	jq -nc --arg jkt "$JKT" '{sub: "nina", aud: "hospital", cnf: {$jkt}}' |
		ehr-keys assert --sign issuer.pem --domain hospital --now "$NOW" >token
}

# What a run printed that failed was never given out: it answers no challenge.
challenges_again() {
	[ "$1" -eq 4 ] || [ "$1" -eq 137 ] || return 1
	ehr 0 ehr-keys challenge -S site --now "$NOW" || return 1
	cp out next
	ehr 0 ehr-keys prove --keys tablet --assertion token --now "$NOW" next || return 1
	cp out proof
	ehr 0 ehr-keys release -S site --proof proof --assertions issuers.jwks --ask --now "$NOW"
}

@test "challenge: killed or out of space at any step, the next one is answered" {
	at_every_step with_token challenges_again ehr-keys challenge -S "$PWD/site" --now "$NOW"
}

challenged() {
	with_token
	ehr-keys challenge -S site --now "$NOW" >asked
}

proves_again() {
	[ "$1" -eq 4 ] || [ "$1" -eq 137 ] || return 1
	ehr 0 ehr-keys prove --keys tablet --assertion token --now "$NOW" asked || return 1
	cp out proof
	ehr 0 ehr-keys release -S site --proof proof --assertions issuers.jwks --ask --now "$NOW"
}

@test "prove: killed or out of space at any step, the challenge can still be answered" {
	at_every_step challenged proves_again ehr-keys prove --keys tablet --assertion token --now "$NOW" asked
}

# two_people: two decisions that name the destruction of the key $KID of a past epoch
two_people() {
	local who request
	ehr-keys rotate -P "$P" -S site --now "$NOW" >/dev/null
	KID=$(ehr-keys list -S site | jq -r 'select(.epoch == 1 and .rl == "R").kid')
	echo "$KID" >kid
	for who in kim lea; do
		request=$(ehr-keys destroy -S site --kid "$KID" --user $who --ask --now "$NOW" | head -c -1 | sha256sum | cut -d' ' -f1)
		printf '{"decision":true,"context":{"about":{"request":"sha256:%s","subject":"%s","action":"destroy"},"al":5,"time":"%s","policy":"sha256:%064d","obligations":[]}}\n' \
			"$request" "$who" "$NOW" 0
	done >both
}

# The key goes only when a signed record says so.
destroys_again() {
	local name=site/keys/releases/level-1-R.jwe
	[ "$1" -eq 4 ] || [ "$1" -eq 137 ] || return 1
	ehr 0 ehr-keys list -S site || return 1
	if [ ! -e $name ]; then
		claims <site/keys/destroyed.jwts | jq -e --arg kid "$(cat kid)" '.kids == [$kid]' >/dev/null
		return
	fi
	has out "$(cat kid)"
}

@test "destroy: killed or out of space at any step, no key goes without its record" {
	own
	two_people
	ehr 0 ehr-keys destroy -S site --kid "$KID" --decision both --now "$NOW"
	# A site of the same keys each time: the key is the same one, too.
	at_every_step two_people destroys_again ehr-keys destroy -S "$PWD/site" --kid "$KID" --decision both --now "$NOW"
}

# A pump of the site, and an order to it with the id $1 that kim may send: order and may.
ordered() {
	local request
	[ -e pump.enrol ] || {
		echo '{"set-dose":2}' >commands
		ehr-keys make --kind actuator --keys pump.new --authority "$F/site/authority.jwks" --commands commands --now "$NOW" >pump.enrol
		ehr-keys list --self --keys pump.new >pump.self
	}
	PUMP=$(jq -r .id pump.self)
	[ -d pump ] || {
		cp -r pump.new pump
		ehr-keys enrol -S site --expect "$(jq -r .sig.jkt pump.self)" --now "$NOW" pump.enrol >/dev/null
	}
	jq -nc --arg id "$1" '{$id, name: "set-dose", args: {mg: "5.0"}}' >order
	request=$(ehr-keys command -S site --device "$PUMP" --user kim --ask --now "$NOW" order | head -c -1 | sha256sum | cut -d' ' -f1)
	printf '{"decision":true,"context":{"about":{"request":"sha256:%s","subject":"kim","action":"send-command"},"al":5,"time":"%s","policy":"sha256:%064d","obligations":[]}}\n' \
		"$request" "$NOW" 0 >may
}

first_order() {
	rm -rf pump
	ordered AAAAAAAAAAAAAAAAAAAAAA
}

order_sent() {
	first_order
	ehr-keys command -S site --device "$PUMP" --decision may --now "$NOW" order >sent
}

another_order() {
	ordered BBBBBBBBBBBBBBBBBBBBBB
	ehr 0 ehr-keys command -S site --device "$PUMP" --decision may --now "$NOW" order || return 1
	cp out next
	ehr 0 ehr-keys accept --keys pump --now "$NOW" next || return 1
	has out set-dose
}

# An order of which nothing went out can be sent after all.
orders_again() {
	[ "$1" -eq 4 ] || [ "$1" -eq 137 ] || return 1
	if [ "$1" -eq 4 ] && [ ! -s out ]; then
		ehr 0 ehr-keys command -S site --device "$PUMP" --decision may --now "$NOW" order || return 1
		cp out sent
		ehr 0 ehr-keys accept --keys pump --now "$NOW" sent || return 1
	fi
	another_order
}

@test "command: killed or out of space at any step, what did not go out can be sent, and the next one is taken" {
	own
	first_order
	at_every_step first_order orders_again ehr-keys command -S "$PWD/site" --device "$PUMP" --decision may --now "$NOW" order
}

# What was printed is not printed again.
takes_order_again() {
	local printed=0 again=0
	[ "$1" -eq 4 ] || [ "$1" -eq 137 ] || return 1
	printed=$(grep -c 'set-dose.*}}$' out) || true
	ehr-keys accept --keys pump --now "$NOW" sent >out 2>err || again=$?
	[ "$again" -eq 0 ] || [ "$again" -eq 7 ] || return 1
	[ "$again" -eq 7 ] || [ "$printed" -eq 0 ] || return 1
	another_order
}

@test "accept of a command: killed or out of space at any step, it is carried out at most once" {
	at_every_step order_sent takes_order_again ehr-keys accept --keys pump --ack ack --now "$NOW" sent
}

one_release() {
	own
	release_decision
}

# What was not printed can be given by the same decision; one that a kill has spent is asked for anew.
releases_again() {
	local again=0
	[ "$1" -eq 4 ] || [ "$1" -eq 137 ] || return 1
	if [ "$1" -eq 4 ]; then
		ehr 0 release --decision good || return 1
	else
		release --decision good >out 2>err || again=$?
		[ "$again" -eq 0 ] || [ "$again" -eq 7 ] || return 1
		[ "$again" -eq 0 ] || has err 'decision-taken' || return 1
		release_decision
		ehr 0 release --decision good || return 1
	fi
	cp out message
	ehr 0 ehr-keys accept --keys tablet --now "$NOW" message || return 1
	[ -z "$(find site tablet -name '*.new')" ]
}

@test "release: killed or out of space at any step, the next one gives, and what was logged is whole" {
	one_release
	at_every_step release_decision releases_again ehr-keys release --offline -S "$PWD/site" --device "$ID" --user nina --now "$NOW" --decision good
}

may_subscribe() {
	subscription 3 p1 >good
}

# A grant stands whole in the site or not at all, and one that was printed stands there.
grants_again() {
	[ "$1" -eq 4 ] || [ "$1" -eq 137 ] || return 1
	cp out printed
	may_subscribe
	ehr 0 ehr-keys grant -P "$P" -S site --decision good --now "$NOW" || return 1
	has site/grants.jwts "$(cat out)" || return 1
	[ ! -s printed ] || has site/grants.jwts "$(cat printed)" || [ "$1" -eq 4 ] || return 1
	ehr 0 ehr-notify -P "$P" -S site --now "$NOW" /dev/null && empty err
}

@test "grant: killed or out of space at any step, the next one grants, and no half of one stands in the site" {
	own
	at_every_step may_subscribe grants_again ehr-keys grant -P "$P" -S "$PWD/site" --decision good --now "$NOW"
}

no_signer() {
	rm -f decider.pem*
}

signs_again() {
	[ "$1" -eq 4 ] || [ "$1" -eq 137 ] || return 1
	ehr 0 ehr-keys signer --domain hospital decider.pem || return 1
	[ "$(stat -c %a decider.pem)" = 600 ] || return 1
	[ "$(find . -maxdepth 1 -name 'decider.pem*' | wc -l)" -eq 1 ]
}

@test "signer: killed or out of space at any step, the next one makes the key or shows it, and nothing stays beside it" {
	at_every_step no_signer signs_again ehr-keys signer --domain hospital decider.pem
}
