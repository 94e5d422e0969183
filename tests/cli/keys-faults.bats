bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/keys

# ehr-keys when two run at once, when the disk is full, and when it is killed.

setup_file() {
	site
	tablet
}

release_decision() {
	decision release-keys 3 >good
}

# Each line of epochs.jwts is signed and of an epoch of its own, and its kids are those that are there.
epochs_hold() {
	local line
	: >announced
	while IFS= read -r line; do
		printf '%s\n' "$line" | claims | jq -r '.epoch as $e | .levels[] | "\($e) \(.kid)"' >>announced
	done <site/keys/epochs.jwts
	ehr-keys list -S site | jq -r '"\(.epoch) \(.kid)"' >there
	cmp <(sort announced) <(sort there)
	[ "$(cut -d' ' -f1 there | sort | uniq -c | awk '$1 != 6' | wc -l)" -eq 0 ]
}

@test "rotations at once each begin an epoch of their own, and no key is replaced" {
	own
	for i in 1 2 3 4 5 6 7 8; do
		ehr-keys rotate -P "$P" -S site --now "$NOW" >"epoch.$i" 2>"err.$i" &
	done
	for job in $(jobs -p); do wait "$job"; done
	sed '/lock: waiting for another ehr-keys$/d' err.* >others
	empty others
	[ "$(for i in 1 2 3 4 5 6 7 8; do claims <epoch.$i | jq .epoch; done | sort -n | tr '\n' ' ')" = '2 3 4 5 6 7 8 9 ' ]
	[ "$(cat site/keys/current)" = '{"domain":"hospital","epoch":9}' ]
	epochs_hold
	[ "$(cut -d' ' -f1 there | sort -un | tr '\n' ' ')" = '1 2 3 4 5 6 7 8 9 ' ]
}

@test "rotate: an existing key stays whatever current says" {
	own
	ehr-keys rotate -P "$P" -S site --now "$NOW" >/dev/null
	sha256sum site/keys/releases/* >before
	echo '{"domain":"hospital","epoch":1}' >site/keys/current
	ehr 0 ehr-keys rotate -P "$P" -S site --now "$NOW"
	[ "$(claims <out | jq .epoch)" -eq 3 ]
	sha256sum --quiet -c before
	epochs_hold
	# Without the announcements, too.
	rm site/keys/epochs.jwts
	echo '{"domain":"hospital","epoch":1}' >site/keys/current
	ehr 0 ehr-keys rotate -P "$P" -S site --now "$NOW"
	[ "$(claims <out | jq .epoch)" -eq 4 ]
	sha256sum --quiet -c before
}

rotates_again() {
	[ "$1" -eq 4 ] || [ "$1" -eq 137 ] || return 1
	ehr 0 ehr-keys rotate -P "$P" -S site --now "$NOW" || return 1
	epochs_hold
}

@test "rotate: killed or out of space at any step, the next one works and each epoch has one set of keys" {
	at_every_step nothing rotates_again ehr-keys rotate -P "$P" -S "$PWD/site" --now "$NOW"
}

@test "an unfinished epoch is completed with the keys it has; one that does not fit the policy is left out" {
	own
	ehr-keys rotate -P "$P" -S site --now "$NOW" >/dev/null
	rm site/keys/releases/level-2-{L,M,N}.jwe
	head -n 1 site/keys/epochs.jwts >kept && cp kept site/keys/epochs.jwts
	echo '{"domain":"hospital","epoch":1}' >site/keys/current
	sha256sum site/keys/releases/* >before
	cp -r site half
	ehr 0 ehr-keys rotate -P "$P" -S site --now "$NOW"
	same err <<<'ehr-keys: epoch 2 was begun by a run that did not finish; its keys are kept'
	sha256sum --quiet -c before
	epochs_hold
	rm -r site && mv half site
	cp -r "$P" policy && sed -i 's/, al: 5/, al: 6/; s/al: 5/al: 6/' policy/policy.yaml
	if ehr-policy check policy >/dev/null 2>&1; then
		ehr 0 ehr-keys rotate -P policy -S site --now "$NOW"
		same err <<<'ehr-keys: epoch 2 was begun by a run that did not finish; it is left out'
		[ "$(claims <out | jq .epoch)" -eq 3 ]
	fi
}

lines_hold() {
	! grep -q '[^A-Za-z0-9._-]' "$1" && [ "$(wc -l <"$1")" -eq "$2" ]
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

@test "an append that fails takes back what it wrote" {
	native || return 0
	own
	cp site/keys/devices.jwts before
	EHR_FAULT_HALF=1 EHR_FAULT=write:1 EHR_FAULT_LOG=$PWD/fired LD_PRELOAD=$EHR_FAULT_SO \
		ehr 4 ehr-keys enrol -S site --expect "$JKT" --now "$NOW" "$F/tablet.enrol"
	[ -e fired ]
	same err <<<'ehr-keys: devices.jwts: No space left on device'
	empty out
	cmp site/keys/devices.jwts before
}

# torn FILE: its last line, and a half of one.
torn() {
	tail -n 1 "$1" >last
	head -c 40 last >>"$1"
}

@test "a torn last line does not count for readers, and the next writer cuts it off" {
	own
	torn site/keys/devices.jwts
	cp site/keys/devices.jwts before
	ehr 0 ehr-keys list --devices -S site
	same err <<<'ehr-keys: devices.jwts: the last line is unfinished and does not count'
	[ "$(wc -l <out)" -eq 1 ]
	release_decision
	ehr 0 release --decision good
	cmp site/keys/devices.jwts before
	ehr 0 ehr-keys enrol -S site --expect "$JKT" --now "$NOW" "$F/tablet.enrol"
	same err <<<'ehr-keys: devices.jwts: an unfinished last line of 40 bytes is cut off, left by a run that was killed'
	[ "$(wc -l <site/keys/devices.jwts)" -eq 2 ]
	[ "$(head -c -"$(wc -c <out)" site/keys/devices.jwts | sha256sum)" = "$(sha256sum <"$F/site/keys/devices.jwts")" ]
	ehr 0 ehr-keys list --devices -S site
	empty err
}

@test "torn lines of epochs.jwts, issued.log and grants.jwts are cut off, too" {
	own
	torn site/keys/epochs.jwts
	ehr 0 ehr-keys rotate -P "$P" -S site --now "$NOW"
	has err 'epochs.jwts: an unfinished last line of 40 bytes is cut off'
	epochs_hold
	install -m 600 /dev/null site/keys/issued.log
	printf '{"v":1,"ia' >>site/keys/issued.log
	EPOCH=2 release_decision
	ehr 0 release --decision good
	has err 'issued.log: an unfinished last line of 10 bytes is cut off'
	jq -e .kids site/keys/issued.log >/dev/null
	subscription 3 Patient/p1 >good
	ehr 0 ehr-keys grant -P "$P" -S site --decision good --now "$NOW" && cp out first
	torn site/grants.jwts
	subscription 3 Patient/p1 >good
	ehr 0 ehr-keys grant -P "$P" -S site --decision good --now "$NOW"
	has err 'grants.jwts: an unfinished last line of 40 bytes is cut off'
	cat first out | cmp - site/grants.jwts
}

@test "a line of issued.log that is no release stops whatever depends on it, and the revocation still counts" {
	local line
	own
	decision release-keys 3 | release --decision - >/dev/null
	for line in '{' '{}' '{"device":"x"}' '{"device":"x","kids":4}' '{"device":4,"kids":[]}' ''; do
		sed -i '2,$d' site/keys/issued.log && echo "$line" >>site/keys/issued.log
		subscription 3 Patient/p1 >good
		ehr 6 ehr-keys grant -P "$P" -S site --decision good --now "$NOW"
		same err <<<'ehr-keys: issued.log:2: not a release of keys'
		empty out
		ehr 6 ehr-keys list -S site --holders "$(ehr-keys list -S site | jq -r 'select(.rl == "N").kid')"
		has err 'issued.log:2: not a release of keys'
	done
	ehr 6 ehr-keys revoke -S site --party nina
	has err 'issued.log:2: not a release of keys'
	[ "$(claims <site/keys/revoked.jwt | jq -c .parties)" = '["nina"]' ]
}

@test "a line that nobody signed is named, with the cure" {
	own
	sed -i '1s/^/x/' site/keys/devices.jwts
	ehr 6 ehr-keys list --devices -S site
	has err 'devices.jwts:1: a line that the authority did not sign; if a run was killed while it wrote, take the line out'
}

@test "an announcement that was altered stops whatever numbers epochs or looks up keys, and nothing is changed" {
	own
	ehr-keys rotate -P "$P" -S site --now "$NOW" >/dev/null
	kid=$(ehr-keys list -S site --now "$NOW" | jq -r 'select(.rl == "N" and .epoch == 2).kid')
	cp site/keys/epochs.jwts good
	for line in 1 2; do
		# A character of the claims becomes another one.
		sed "$line"'s/\.\(.\{40\}\)A/.\1B/;t;'"$line"'s/\.\(.\{40\}\)./.\1A/' good >site/keys/epochs.jwts
		cp -r site before
		ehr 6 ehr-keys rotate -P "$P" -S site --now "$NOW"
		same err <<<"ehr-keys: epochs.jwts:$line: a line that the authority did not sign; put the file back as it was"
		empty out
		ehr 6 ehr-keys revoke -S site --kid "$kid" --now "$NOW"
		has err "epochs.jwts:$line: a line that the authority did not sign"
		diff -r before site
		rm -r before
	done
	cp good site/keys/epochs.jwts
	ehr 0 ehr-keys revoke -S site --kid "$kid" --now "$NOW"
	ehr 0 ehr-keys rotate -P "$P" -S site --now "$NOW"
}

@test "ehr-notify leaves out a torn last line of the grants and says so" {
	own
	subscription 3 Patient/p1 >good
	ehr-keys grant -P "$P" -S site --decision good --now "$NOW" >/dev/null
	cp -r site whole
	torn site/grants.jwts
	ehr 0 ehr-notify -P "$P" -S site --now "$NOW" "$F/sealed" && mv out got
	has err 'grants.jwts: the last line is unfinished and does not count'
	lacks err 'do not verify'
	ehr 0 ehr-notify -P "$P" -S whole --now "$NOW" "$F/sealed"
	cmp out got
}

@test "use: release --ask | ehr-authz | release --decision - never hangs" {
	own
	printf '{"type":"user","id":"nina","properties":{"domain":"hospital","structural_role":["nurse"],"functional_role":["nurse"]}}\n' >site/entities.ndjson
	printf '{"acr":"loa2","route":"on-site","purpose":["TREAT"]}\n' >context
	export ID P
	for second in 00 01 02 03 04 05 06 07; do
		NOW=2026-03-02T09:00:${second}Z line 0 'timeout 20 ehr-keys release --offline --ask -S site --device $ID --user nina --now $NOW --context context |
			ehr-authz -P $P -S site | timeout 20 ehr-keys release --offline -S site --device $ID --user nina --now $NOW --decision - --context context'
		[ "$(wc -l <out)" -eq 1 ]
		empty err
	done
}

# Another takes the lock of the file, and holds it until free_lock.
hold_lock() {
	rm -f until
	mkfifo until
	flock "$1" cat until >/dev/null 3>&- &
	exec 9>until
	while flock -n "$1" true; do :; done
}

free_lock() { exec 9>&-; }

@test "verbs that read take no lock; those that change wait for it, say so, and end with 75" {
	own
	release_decision
	: >>site/keys/lock
	hold_lock site/keys/lock
	ehr 0 ehr-keys list -S site
	ehr 0 ehr-keys list --self -S site
	ehr 0 ehr-keys list --devices -S site
	ehr 0 ehr-keys pseudonym -S site Patient/p1
	ehr 0 release --ask
	ehr 75 release --decision good --wait 0
	same err <<<'ehr-keys: site/keys/lock: another ehr-keys still holds it after 0 s; try again'
	empty out
	ehr 75 ehr-keys rotate -P "$P" -S site --wait 0
	ehr 75 ehr-keys revoke -S site --party nina --wait 0
	ehr 75 ehr-keys enrol -S site --expect "$JKT" --wait 0 "$F/tablet.enrol"
	ehr 75 ehr-keys grant -P "$P" -S site --decision good --wait 0
	: >err
	release --decision good >out 2>err 3>&- 9>&- &
	while kill -0 $! && ! grep -q . err; do sleep 0.1; done
	free_lock
	wait $!
	same err <<<'ehr-keys: site/keys/lock: waiting for another ehr-keys'
	ehr 2 release --decision good --wait soon
	has err 'not a number that is allowed here'
}

@test "input is read before the lock is taken" {
	own
	mkfifo input
	for verb in 'release --offline --device x --user nina --decision input' "grant -P $P --decision input" 'enrol --expect x input'; do
		# shellcheck disable=SC2086
		ehr-keys ${verb/input/-} -S site --now "$NOW" <input >/dev/null 2>&1 &
		exec 7>input
		sleep 0.1
		flock -n site/keys/lock true
		exec 7>&-
		wait $! || :
	done
	ehr-keys accept --keys tablet --now "$NOW" <input >/dev/null 2>&1 &
	exec 7>input
	sleep 0.1
	: >>tablet/lock
	flock -n tablet/lock true
	exec 7>&-
	wait $! || :
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

@test "make says what it found unfinished, and never removes what it did not make" {
	own
	mkdir -p fresh.new/keys fresh.new/releases
	echo old >fresh.new/keys/sig.pem
	ehr 0 ehr-keys make -P "$P" --keys fresh
	same err <<<'ehr-keys: fresh.new: left by a run that did not finish, and removed'
	[ ! -e fresh.new ]
	mkdir other.new && echo mine >other.new/thesis
	ehr 4 ehr-keys make -P "$P" --keys other
	same err <<<'ehr-keys: other.new: in the way, and not left by make; move it elsewhere'
	[ "$(cat other.new/thesis)" = mine ]
	ln -s fresh link.new
	ehr 4 ehr-keys make -P "$P" --keys link
	[ -e fresh/self.json ]
	echo >file.new
	ehr 4 ehr-keys make -P "$P" --keys file
	[ -e file.new ]
}

@test "of several that make one directory one does, and the others find it there" {
	own
	for i in 1 2 3 4 5 6; do
		{
			status=0
			ehr-keys make -P "$P" --keys fresh >"out.$i" 2>"err.$i" || status=$?
			echo $status >"status.$i"
		} &
	done
	wait
	[ "$(sort status.* | uniq -c | tr -s ' ' | tr '\n' ,)" = ' 1 0, 5 4,' ]
	[ "$(sed '/: waiting for another ehr-keys$/d' err.* | sort -u)" = 'ehr-keys: fresh: File exists' ]
	[ "$(ehr-keys list --keys fresh | wc -l)" -eq 6 ]
	[ ! -e fresh.new ]
	mkdir busy.new
	hold_lock busy.new
	ehr 75 ehr-keys make -P "$P" --keys busy --wait 0
	free_lock
	has err 'busy.new: another ehr-keys still holds it after 0 s; try again'
}

@test "revoke: a device that is revoked already does not keep the person from it" {
	own
	ehr 0 ehr-keys revoke -S site --device "$ID" --now "$NOW"
	ehr 0 ehr-keys revoke -S site --device "$ID" --party nina --now "$NOW"
	[ "$(claims <out | jq -c '[.serial, .parties, .devices]')" = "[2,[\"nina\"],[\"$JKT\"]]" ]
	cmp out site/revoked.jwt
	ehr 0 ehr-keys revoke -S site --device "$ID" --device "$JKT" --party nina --party nina --now 2028-01-01T00:00:00Z
	[ "$(claims <out | jq -c '[.serial, .parties, .devices]')" = "[3,[\"nina\"],[\"$JKT\"]]" ]
	ehr 7 ehr-keys revoke -S site --device d_none --party paul
	cmp site/revoked.jwt site/keys/revoked.jwt
	[ "$(claims <site/revoked.jwt | jq .serial)" -eq 3 ]
}

@test "revoke: twice in one command is once in the list" {
	own
	KID=$(ehr-keys list -S site | jq -r 'select(.rl == "V").kid')
	ehr 0 ehr-keys revoke -S site --device "$ID" --device "$JKT" --party nina --party nina --grant g --grant g --kid "$KID" --kid "$KID" --now "$NOW"
	[ "$(claims <out | jq -c '[.grants, .parties, .devices, .kids]')" = "[[\"g\"],[\"nina\"],[\"$JKT\"],[\"$KID\"]]" ]
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

@test "accept, answers, enrol and decisions: an empty message is an error" {
	own
	: >empty
	printf '\n\r\n' >blank
	for file in empty blank; do
		ehr 6 ehr-keys accept --keys tablet --now "$NOW" $file
		same err <<<"ehr-keys: release-refused: $file: no message in it"
		ehr 6 ehr-keys accept --keys tablet --now "$NOW" <$file
		same err <<<'ehr-keys: release-refused: <stdin>: no message in it'
		ehr 6 ehr-keys answers -S site --now "$NOW" $file
		has err 'ehr-keys: answer-invalid: '
		ehr 6 ehr-keys enrol -S site --expect "$JKT" --now "$NOW" $file
		same err <<<'ehr-keys: not an enrolment: nothing was read'
		ehr 7 release --decision $file
		same err <<<'ehr-keys: decision-denied: there is none'
		ehr 7 ehr-keys grant -P "$P" -S site --decision $file --now "$NOW"
		same err <<<'ehr-keys: decision-denied: there is none'
		ehr 5 release --ask --context $file
		ehr 6 ehr-keys make --kind reader --keys new --authority $file
		[ ! -e new ]
	done
	# One of two is empty: nothing is taken.
	ehr-keys rotate -P "$P" -S site --now "$NOW" >epoch
	ehr 6 ehr-keys accept --keys tablet --now "$NOW" epoch empty
	[ ! -e tablet/current ]
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
