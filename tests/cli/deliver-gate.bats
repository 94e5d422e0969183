# What was altered on its way to the spool, in the spool, or among the subscriptions meanwhile, tells nobody more than the
# gate of the moment allows.
bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/deliver

setup_file() { ward; }

reason() { ehr-deliver list --spool spool | jq -r "select(.id == \"$1\") | [.state, .reason] | join(\" \")"; }

# Each is a jq program that alters an intent of the kind data.
alterations() {
	cat <<-'END'
		del(.ehr.rl)
		del(.ehr.al)
		del(.ehr.record)
		.ehr.rl = "L"
		.ehr.al = "3"
		.ref = "r_other/N"
		.ref = "r_a1/V"
		.ref = {"reference": "r_a1/N"}
		.kind = "floor"
		.kind = "resolved"
		.kind = "notice"
		.kind = "alarm"
		.kind = "reading"
		.to = {"last_resort": true}
		.to += {"last_resort": true}
		.to = {"class": "care-team"}
		.kind = "last-resort" | .to = {"last_resort": true}
		.kind = "last-resort" | .to = {"last_resort": true} | del(.ref)
		.kind = "notice" | .to = {"class": "care-team"}
		del(.to.party)
		.sealed = {"record": {"resourceType": "Observation"}}
		.sealed = "eyJhbGciOiJBMjU2S1ciLCJlbmMiOiJBMjU2R0NNIn0"
		.why = {"record": "HIV"}
		.about = [1]
		.why = "x" * 300
		.obligations = [{"record": "HIV"}]
		.obligations = {"record": "HIV"}
		.break_glass = {"purpose": "BTG", "for": "PT1H", "record": "HIV"}
		.ehr.subject = {"reference": "Patient/1"}
	END
}

@test "an altered intent is refused by enqueue: for each kind only what it may hold, and one version" {
	local change
	spool
	intent a1 nurse-7 >good
	while read -r change; do
		jq -c "$change" good >bad
		ehr 5 ehr-deliver enqueue --spool spool bad
		empty out
		has err tags-invalid
	done < <(alterations)
	[ "$(ehr-deliver list --spool spool | wc -l)" -eq 0 ]
	ehr 0 ehr-deliver enqueue --spool spool good
}

@test "the same altered in the spool is stopped before each attempt, and nothing of it leaves" {
	local change n=0
	spool
	while read -r change; do
		n=$((n + 1))
		intent "a$n" nurse-7 | ehr-deliver enqueue --spool spool -q
		ehr-deliver show --spool spool "n_a$n" | jq -c ".line | $(echo "$change" | sed "s/r_a1/r_a$n/")" >altered
		sqlite3 spool/spool.db "UPDATE intent SET line = CAST(readfile('altered') AS TEXT) WHERE id = 'n_a$n'"
	done < <(alterations)
	run_drain 0
	[ ! -e spool/out ]
	[ "$(ehr-deliver list --spool spool | jq -r '[.state, .reason] | join(" ")' | sort | uniq -c | sed 's/^ *//')" = "$n stopped altered" ]
}

@test "a row that names another receiver than its line is stopped, and one that names none does not go to the last resort" {
	spool
	intent a1 nurse-7 | ehr-deliver enqueue --spool spool -q
	intent a2 nurse-7 | ehr-deliver enqueue --spool spool -q
	jq -c '.id = "nurse-8" | .route[0].to = "nurse8"' site/subscriptions/ward.ndjson >>site/subscriptions/ward.ndjson
	sqlite3 spool/spool.db "UPDATE intent SET subscription = 'nurse-8' WHERE id = 'n_a1';
		UPDATE intent SET subscription = NULL WHERE id = 'n_a2'"
	run_drain 0
	[ ! -e spool/out ]
	[ "$(reason n_a1), $(reason n_a2)" = 'stopped altered, stopped altered' ]
}

@test "an intent for another person, or of a subject whom the subscription does not select, is stopped" {
	spool
	intent a1 nurse-7 | jq -c '.to.party = "matron"' | ehr-deliver enqueue --spool spool -q
	run_drain 0
	[ "$(reason n_a1)" = 'stopped grant-party' ]
	intent a2 nurse-7 | jq -c '.ehr.subject = "s_b"' | ehr-deliver enqueue --spool spool -q
	intent a3 nurse-7 | jq -c 'del(.ehr.subject)' | ehr-deliver enqueue --spool spool -q
	run_drain 0
	[ "$(reason n_a2), $(reason n_a3)" = 'stopped not-selected, stopped not-selected' ]
	intent a4 nurse-7 | ehr-deliver enqueue --spool spool -q
	intent a5 nurse-7 high | ehr-deliver enqueue --spool spool -q
	sed -i 's/"select":{/&"min_criticality":"high",/' site/subscriptions/ward.ndjson
	run_drain 75
	[ "$(reason n_a4), $(reason n_a5)" = 'stopped not-selected, sent ' ]
	[ "$(jq -r .ehr.id spool/out/nurse7)" = n_a5 ]
}

@test "a notice to a class of which every grant has ended goes to the last resort" {
	native || return 0 # a preloaded clock and a sanitizer exclude each other
	spool
	printf '{"ehr":{"v":1,"stage":"intent","id":"n_1","criticality":"high"},"kind":"notice","to":{"class":"care-team"},"deadline":{"after":"PT0S","dispatch":"PT30S","expires":"PT12H"},"why":"x","about":"y","obligations":[]}\n' >notice
	ehr 0 ehr-deliver enqueue --spool spool -q notice
	echo $((500 * 86400)) >ahead
	ehr 0 "${on_disk[@]}" "CLOCK_SHIFT=$PWD/ahead" ehr-deliver run -P P -S site --spool spool --drain
	[ "$(jq -r .about spool/out/desk)" = y ]
	[ ! -e spool/out/nurse7 ]
}

@test "a subscription that asks for less by now gets less: no reference, no sealed line, its own purpose" {
	spool
	intent a1 nurse-7 | jq -c '.purpose = "HMARKT"' | ehr-deliver enqueue --spool spool -q
	run_drain 0
	[ "$(jq -r '[.ref, .purpose] | join(" ")' spool/out/nurse7)" = 'r_a1/N TREAT' ]
	sed -i 's/"purpose"/"payload":"empty","purpose"/' site/subscriptions/ward.ndjson
	intent a2 nurse-7 | ehr-deliver enqueue --spool spool -q
	run_drain 0
	[ "$(tail -n 1 spool/out/nurse7 | jq -c '[.ehr.id, .ref, .refs, .sealed]')" = '["n_a2",null,null,null]' ]
	sed -i 's/"payload"/"delivery":{"batch":{"max":2,"wait":"1h"}},"payload"/' site/subscriptions/ward.ndjson
	for i in 3 4; do intent "a$i" nurse-7; done | ehr-deliver enqueue --spool spool -q
	run_drain 0
	[ "$(tail -n 1 spool/out/nurse7 | jq -c '[.ehr.id, .kind, .ref, .refs]')" = '["n_a3","data",null,null]' ]
	[ "$(reason n_a4)" = 'done ' ]
}

# The sealed line of a version of Observation/o1 of the patient a, as ehr-notify puts it into an intent.
sealed_version() {
	printf '{"ehr":{"v":1,"stage":"version","id":"Observation/%s","subject":"Patient/a","rl":"%s","al":%s,"n":1,"of":1,"criticality":"routine","policy":"%s"},"record":{"resourceType":"Observation","id":"%s"}}\n' \
		"$1" "$2" "$3" "$(ehr-policy check -P P 2>/dev/null | grep -o 'sha256:[0-9a-f]*')" "$1" | ehr-seal -P P -S site
}

@test "a sealed line in an intent is the version that the intent names, of its record, level and subject" {
	local other
	spool
	sed -i 's/"purpose"/"payload":"sealed","purpose"/' site/subscriptions/ward.ndjson
	sed -i 's/^payload:.*/payload: [empty, reference, sealed]/' P/notify.yaml
	sealed_version o1 N 3 >sealed
	sealed_version o1 R 4 >higher
	sealed_version o2 N 3 >other
	intent a1 nurse-7 | jq -c --slurpfile s sealed '.ehr += {record: $s[0].ehr.id, subject: $s[0].ehr.subject} | .ref = "\($s[0].ehr.id)/N" | .sealed = $s[0] | .payload = "sealed"' >good
	ehr 0 ehr-deliver enqueue --spool spool -q good
	for other in higher other; do
		jq -c --slurpfile s $other '.sealed = $s[0]' good >bad
		ehr 5 ehr-deliver enqueue --spool spool bad
		has err tags-invalid
	done
	for other in '.sealed.ehr.rl = "L"' '.sealed.record = {}' 'del(.sealed.ciphertext)' '.ehr.subject = "s_b"'; do
		jq -c "$other" good >bad
		ehr 5 ehr-deliver enqueue --spool spool bad
	done
}

@test "a message that names no version says nothing of what the disclosure of one demands" {
	spool
	intent c1 nurse-7 critical R 4 | jq -c '.obligations = ["part2-notice"]' | ehr-deliver enqueue --spool spool -q
	run_drain 75
	ehr 0 ehr-deliver resolve --spool spool --by ward "$(sqlite3 spool/spool.db 'SELECT id FROM trouble')"
	run_drain 0
	jq -c '[.kind, .notices]' spool/out/nurse7 >told
	same told <<-'END'
		["floor",[]]
		["resolved",[]]
	END
	intent a1 nurse-7 | jq -c '.obligations = ["part2-notice"]' | ehr-deliver enqueue --spool spool -q
	run_drain 0
	[ "$(tail -n 1 spool/out/nurse7 | jq -c .notices)" = '["part2-notice"]' ]
}

@test "a subscription that ends while the dispatcher runs is told nothing more, though no file has changed" {
	native || return 0 # a preloaded clock and a sanitizer exclude each other
	local daemon
	export CLOCK_SHIFT=$PWD/shift
	echo 0 >"$CLOCK_SHIFT"
	spool
	sed -i "s/\"purpose\"/\"until\":\"$(date -u -d '1 hour' +%FT%TZ)\",\"purpose\"/" site/subscriptions/ward.ndjson
	"${on_disk[@]}" ehr-deliver run -P P -S site --spool spool 2>said 3>&- &
	daemon=$!
	intent a1 nurse-7 | "${on_disk[@]}" ehr-deliver enqueue --spool spool -q
	wait_until is_over n_a1
	echo 7200 >"$CLOCK_SHIFT"
	intent a2 nurse-7 | "${on_disk[@]}" ehr-deliver enqueue --spool spool -q
	wait_until is_over n_a2
	# It had not ended at the time that the clock says now.
	echo 0 >"$CLOCK_SHIFT"
	intent a3 nurse-7 | "${on_disk[@]}" ehr-deliver enqueue --spool spool -q
	wait_until is_over n_a3
	kill "$daemon"
	wait "$daemon"
	[ "$(reason n_a1), $(reason n_a2), $(reason n_a3)" = 'done , stopped subscription-off, done ' ]
	[ "$(jq -r .ehr.id spool/out/nurse7 | tr '\n' ' ')" = 'n_a1 n_a3 ' ]
}

is_over() { [[ $(state "$1") =~ ^(done|stopped)$ ]]; }

@test "a list of revocations that is past its time stops data, and no floor notice" {
	native || return 0 # a preloaded clock and a sanitizer exclude each other
	export CLOCK_SHIFT=$PWD/shift
	echo 0 >"$CLOCK_SHIFT"
	spool
	ehr-keys make --kind reader --keys lost --authority site/authority.jwks >enrol
	ehr-keys enrol -S site --expect "$(ehr-keys list --self --keys lost | jq -r .sig.jkt)" --al-cap 1 enrol >/dev/null
	ehr-keys revoke -S site --ttl 1h --device "$(ehr-keys list --self --keys lost | jq -r .id)" >/dev/null
	{
		intent c1 nurse-7 critical
		intent c2 nurse-7 critical | jq -c '.kind = "floor" | del(.ref, .ehr.rl, .ehr.al, .ehr.record)'
	} | "${on_disk[@]}" ehr-deliver enqueue --spool spool -q
	echo 7200 >"$CLOCK_SHIFT"
	ehr 75 "${on_disk[@]}" ehr-deliver run -P P -S site --spool spool --drain
	[ "$(reason n_c1), $(reason n_c2)" = 'stopped revocation-stale, sent ' ]
}

@test "a list of revocations or grants that is a link to nowhere is there, and stops the dispatcher" {
	local file
	spool
	for file in revoked.jwt:6 grants.jwts:4; do
		rm -f "site/${file%:*}"
		ln -s nowhere "site/${file%:*}"
		ehr "${file#*:}" ehr-deliver run -P P -S site --spool spool --drain
		has err "ehr-deliver: site/${file%:*}: "
		has err 'a symbolic link, not a file'
		rm "site/${file%:*}"
	done
}

@test "the authority's keys that the policy names count in each program, and not those that lie in the site" {
	spool
	sed -i 's/^grants:/authority: authority.jwks\n&/' P/notify.yaml
	mv site/authority.jwks P/authority.jwks
	ehr-keys make -P "$EHR_ROOT/policies/hospital" -S other >made
	cp other/authority.jwks site
	intent a1 nurse-7 | ehr-deliver enqueue --spool spool -q
	run_drain 0
	[ "$(reason n_a1)" = 'done ' ]
	ehr 0 ehr-notify -P P -S site --now "$now" /dev/null
	ehr 1 ehr-select -P P -S site --grant "$F/grant" --now "$now" /dev/null
	has err "there was no line"
	ehr-policy check -P P -S site >out 2>&1 || :
	lacks out grant
	ehr 7 ehr-select -P P -S site --grant "$F/grant" --authority other/authority.jwks --now "$now" /dev/null
	# A list of revocations that the site's keys signed is none.
	ehr-keys revoke -S other --party nurse >list
	printf '{"decision":true,"context":{"request":"sha256:0","about":{"subject":"nurse","action":"read","resource":{"type":"patient","id":"a"},"patient":"a","pseudonym":"s_a"},"al":3,"rl":"N","obligations":[]}}\n' >decision
	ehr 6 ehr-select -P P -S site --revoked list --decision decision /dev/null
	has err 'signer unknown'
	ehr 6 ehr-redact -P P -S site --revoked list --decision decision --level N /dev/null
	has err 'signer unknown'
	# The other way round nothing of the grant's signer counts.
	mv P/authority.jwks site
	cp other/authority.jwks P
	intent a2 nurse-7 | ehr-deliver enqueue --spool spool -q
	run_drain 0
	[ "$(reason n_a2)" = 'stopped grant-bad' ]
	ehr 7 ehr-select -P P -S site --grant "$F/grant" --now "$now" /dev/null
	ehr 1 ehr-notify -P P -S site --now "$now" /dev/null
	has err grant-bad
	ehr-policy check -P P -S site >out 2>&1 || :
	has out grant-bad
	rm P/authority.jwks
	for verb in 'ehr-notify -P P -S site' 'ehr-deliver run -P P -S site --spool spool' 'ehr-policy check -P P'; do
		ehr 3 $verb </dev/null
		has err "P/notify.yaml:$(grep -n ^authority P/notify.yaml | cut -d: -f1):12: "
	done
}

# CLAIMS: a statement of the site's authority, of the type $1.
signed() { python3 "$EHR_ROOT/tests/lib/jws.py" site/keys/keys/sig.pem "{\"typ\":\"$1\"}"; }

@test "a panel that ends, and one that loses a subject, while the dispatcher runs: the next message of its subject is stopped" {
	native || return 0 # a preloaded clock and a sanitizer exclude each other
	command -v python3 >/dev/null || skip 'Python 3 is not there'
	local daemon end
	export CLOCK_SHIFT=$PWD/shift
	echo 0 >"$CLOCK_SHIFT"
	spool
	end=$(($(date +%s) + 3600))
	panel() { printf '{"v":1,"iss":"hospital","panel":"@ward","serial":%s,"subjects":[%s],"iat":1700000000,"exp":%s}' "$1" "$2" "$end" | signed ehr-panel+jwt >>site/grants.jwts; }
	cut -d. -f2 "$F/grant" | tr '_-' '/+' | jq -Rrcj '. + "==="[(length + 3) % 4:] | @base64d | fromjson | .jti = "g_panel" | .subjects = ["@ward"]' |
		signed ehr-grant+jwt >site/grants.jwts
	panel 1 '"s_a","s_b"'
	jq -c '.grant = "g_panel" | .select.subjects = ["@ward"]' site/subscriptions/ward.ndjson >ward && mv ward site/subscriptions/ward.ndjson
	"${on_disk[@]}" ehr-deliver run -P P -S site --spool spool 2>said 3>&- &
	daemon=$!
	tell() { intent "$1" nurse-7 | jq -c ".ehr.subject = \"$2\"" | "${on_disk[@]}" ehr-deliver enqueue --spool spool -q && wait_until is_over "n_$1"; }
	tell a1 s_a
	tell b1 s_b
	tell c1 s_c
	# The newest serial counts, and an older one does not come back.
	panel 3 '"s_b"'
	panel 2 '"s_a","s_b"'
	tell a2 s_a
	tell b2 s_b
	echo 7200 >"$CLOCK_SHIFT"
	tell b3 s_b
	kill "$daemon"
	wait "$daemon"
	[ "$(jq -r .ehr.id spool/out/nurse7 | tr '\n' ' ')" = 'n_a1 n_b1 n_b2 ' ]
	[ "$(for id in n_c1 n_a2 n_b3; do reason $id; done | sort -u)" = 'stopped not-selected' ]
}

@test "malformed grants, subscriptions and directives beside a critical message do not silence it" {
	spool
	printf 'garbage\n{"v":1}\n\377\376\n' >grants
	head -c 300 "$F/grant" >>grants
	printf '\n%s.x\n' "$(cut -d. -f1,2 "$F/grant")" >>grants
	cat "$F/grant" >>grants
	printf 'unfinished' >>grants
	cp grants site/grants.jwts
	printf '{"id":"nurse-8"\n{"id":"nurse-7","party":7}\n[]\n' >site/subscriptions/a.ndjson
	printf 'id: [\n' >site/subscriptions/b.yaml
	printf '\0\377' >site/subscriptions/c.json
	mkdir site/subscriptions/d.ndjson
	mkdir -p site/consents
	echo 'consent: {' >site/consents/broken.yaml
	intent c1 nurse-7 critical | ehr-deliver enqueue --spool spool -q
	run_drain 75
	[ "$(jq -r '[.ehr.id, .kind, .ref] | join(" ")' spool/out/nurse7)" = 'n_c1 data r_c1/N' ]
	# The filter tells them, too, and of each mistake an alarm.
	sealed_version o1 N 3 | sed 's/"routine"/"routine"/' >sealed
	ehr 1 ehr-notify -P P -S site --now "$now" sealed
	[ "$(jq -r 'select(.kind == "alarm").why' out | sort | uniq -c | wc -l)" -ge 1 ]
	# While it runs, a file that becomes unreadable ends it, and nothing is taken for sent.
	ehr 0 ehr-deliver ack --spool spool n_c1 --by nurse
	rm -r site/subscriptions
	intent c2 nurse-7 critical | ehr-deliver enqueue --spool spool -q
	ehr 4 ehr-deliver run -P P -S site --spool spool --drain
	[ "$(state n_c2)" = due ]
}
