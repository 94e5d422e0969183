bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/keys

# ehr-keys when two run at once, and when its files are not as it left them.

setup_file() {
	site
	tablet
}

release_decision() {
	decision release-keys 3 >good
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

# at STATUS TIME DECISION: a release at that time of day.
at() {
	ehr "$1" ehr-keys release --offline -S site --device "$ID" --user nina --now "2026-03-02T$2Z" --decision "$3"
}

@test "a torn last line of taken.log is cut off, and whatever it may have said was taken is not taken again" {
	own
	decision release-keys 3 >first
	decision release-keys 3 >second
	at 0 09:00:00 first
	cp site/keys/taken.log whole
	at 0 09:00:00 second
	for cut in 2 9 100; do
		cp whole site/keys/taken.log
		{ jq -nc '{decision: ("sha256:" + "f" * 64), time: 1772442000, end: 1772442900}' | head -c -"$cut"; } >>site/keys/taken.log
		size=$(($(stat -c %s site/keys/taken.log) - $(stat -c %s whole)))
		at 7 09:00:10 first
		same err <<-END
			ehr-keys: taken.log: an unfinished last line of $size bytes is cut off; what was decided up to 2026-03-02T09:01:10Z counts as taken
			ehr-keys: decision-stale: decisions of its time are forgotten, so it may have been taken; ask for another one after 2026-03-02T09:01:10Z
		END
		empty out
		{ cat whole && echo '{"forgotten":1772442070}'; } | cmp - site/keys/taken.log
		# It is said once, and the decision of the half line stays as good as taken.
		at 7 09:00:11 second
		lacks err 'cut off'
		at 7 09:14:00 second
		same err <<<'ehr-keys: decision-stale: decisions of its time are forgotten, so it may have been taken; ask for another one'
	done
	NOW=2026-03-02T09:01:30Z decision release-keys 3 >later
	at 0 09:02:00 later
	at 7 09:02:00 later
	has err decision-taken
	# Bytes of a file system that lost the end of the file are no line either.
	head -c 50 /dev/zero >>site/keys/taken.log
	at 7 09:02:00 later
	has err 'taken.log: an unfinished last line of 50 bytes is cut off'
	# One that was taken by a clock ahead of ours counts, too.
	printf '{"decision":"sha256:0","time":1772449200,"end":1772450100}\n{"deci' >site/keys/taken.log
	at 7 09:02:00 later
	has err 'counts as taken'
	[ "$(tail -n 1 site/keys/taken.log)" = '{"forgotten":1772449200}' ]
}

@test "a damaged line within taken.log stops, and the message says what to put in its place" {
	own
	decision release-keys 3 >first
	decision release-keys 3 >second
	at 0 09:00:00 first
	sed -i '1s/^.*$/{"deci/' site/keys/taken.log
	at 6 09:00:00 second
	same err <<<'ehr-keys: taken.log:1: not a decision that was taken; put {"forgotten":1772442060} in its place, and what was decided up to 2026-03-02T09:01:00Z counts as taken'
	sed -i '1s/^.*$/{"forgotten":1772442060}/' site/keys/taken.log
	at 7 09:00:00 first
	has err decision-stale
}

@test "a torn last line of nonces.log is left out: its challenge was given to nobody" {
	own
	ehr-keys challenge -S site --now "$NOW" >challenge
	cp site/keys/nonces.log whole
	printf '{"nonce":"AAAA","dev' >>site/keys/nonces.log
	ehr 0 ehr-keys challenge -S site --now "$NOW"
	same err <<<'ehr-keys: nonces.log: the last line is unfinished and does not count'
	[ "$(wc -l <site/keys/nonces.log)" -eq 2 ]
	head -n 1 site/keys/nonces.log | cmp - whole
}

@test "a line of issued.log that is no release stops whatever depends on it, and the revocation still counts" {
	local line
	own
	decision release-keys 3 | release --decision - >/dev/null
	for line in '{' '{}' '{"device":"x"}' '{"device":"x","kids":4}' '{"device":4,"kids":[]}' ''; do
		sed -i '2,$d' site/keys/issued.log && echo "$line" >>site/keys/issued.log
		subscription 3 Patient/p1 >good
		ehr 6 ehr-keys grant -P "$P" -S site --decision good --now "$NOW"
		same err <<<'ehr-keys: issued.log:2: not a release of keys; put the line back from a copy, or take it out and rotate the epoch, because nobody knows any more who got keys by it'
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
	free_lock
	waits_for site/keys/lock 'ehr-keys: site/keys/lock: waiting for another ehr-keys' release --decision good
	[ "$(wc -l <err)" -eq 1 ]
	release_decision
	waits_for site/keys/issued.log 'ehr-keys: issued.log: waiting for another program' release --decision good
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
