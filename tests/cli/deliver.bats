bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/deliver

setup_file() { ward; }

grant-revoked() { ehr-keys revoke -S site --grant "$(claim jti)" >/dev/null; }
party-revoked() { ehr-keys revoke -S site --party nurse >/dev/null; }
subscription-gone() { : >site/subscriptions/ward.ndjson; }
subscription-off() { sed -i 's/"purpose"/"status":"off","purpose"/' site/subscriptions/ward.ndjson; }

@test "an intent is on disk when enqueue answers, and a line that comes twice is one intent" {
	spool
	intent a1 nurse-7 >in
	intent a2 nurse-7 >>in
	ehr 0 ehr-deliver enqueue --spool spool <in
	same out <<-'END'
		{"id":"n_a1","durable":true}
		{"id":"n_a2","durable":true}
	END
	ehr 0 ehr-deliver enqueue --spool spool -q -v in
	empty out
	has err '2 read, 0 written, 0 refused, 0 taken, 2 known, 0 unchanged'
	[ "$(ehr-deliver list --spool spool | jq -r .id | tr '\n' ' ')" = 'n_a1 n_a2 ' ]
}

@test "a deadline of 366 days is taken, a longer one is not" {
	spool
	intent a1 nurse-7 | sed 's/PT12H/PT8784H/' >in
	ehr 0 ehr-deliver enqueue --spool spool in
	same out <<<'{"id":"n_a1","durable":true}'
	intent a2 nurse-7 | sed 's/PT12H/PT8784H1S/' >in
	ehr 5 ehr-deliver enqueue --spool spool in
	empty out
}

@test "run sends what is due through the channel of the route, once, with what a receiver needs and no more" {
	spool
	intent a1 nurse-7 | ehr-deliver enqueue --spool spool -q
	run_drain 0
	ehr 0 jq -c 'del(.at, .expires)' spool/out/nurse7
	same out <<-'END'
		{"ehr":{"v":1,"stage":"message","id":"n_a1","subject":"s_a","rl":"N","criticality":"routine"},"kind":"data","ref":"r_a1/N","to":"nurse7","subscription":"nurse-7","number":1,"try":1,"purpose":"TREAT","notices":[]}
	END
	run_drain 0
	[ "$(wc -l <spool/out/nurse7)" -eq 1 ]
	[ "$(state n_a1)" = "done" ]
}

@test "the earliest deadline is sent first, and the most urgent of those that are equal" {
	spool
	{
		intent r1 nurse-7 routine
		intent m1 nurse-7 medium
		intent c1 nurse-7 critical
		intent h1 nurse-7 high
	} | ehr-deliver enqueue --spool spool -q
	run_drain 75
	jq -r .ehr.id spool/out/nurse7 >ids
	same ids <<<$'n_c1\nn_h1\nn_m1\nn_r1'
}

@test "the gate: revoked, ended, lowered, gone between acceptance and attempt is not sent, and why is kept" {
	spool
	for change in grant-revoked party-revoked subscription-gone subscription-off; do
		intent "$change" nurse-7 | ehr-deliver enqueue --spool spool -q
		cp -r site site.good
		"$change"
		run_drain 0
		rm -r site
		mv site.good site
		printf '%s %s\n' "$(state "n_$change")" "$(ehr-deliver list --spool spool | jq -r "select(.id == \"n_$change\").reason")"
	done >"what"
	same what <<-'END'
		stopped revoked
		stopped revoked
		stopped gone
		stopped subscription-off
	END
	[ ! -e spool/out/nurse7 ]
}

@test "the only one who was to be told is not among those who count any more: the case comes to the last resort" {
	local change
	for change in grant-revoked subscription-gone; do
		spool
		intent c1 nurse-7 critical | ehr-deliver enqueue --spool spool -q
		"$change"
		run_drain 0
		[ "$(state n_c1)" = stopped ]
		[ "$(jq -r '[.kind, .why] | join(" ")' spool/out/desk)" = 'last-resort exhausted' ]
		rm -r P site spool
	done
}

@test "who may not read the version any more hears of something critical as a floor notice, without reference or level" {
	spool
	intent c1 nurse-7 critical R 4 | ehr-deliver enqueue --spool spool -q
	run_drain 75
	ehr 0 jq -c '[.kind, .ref, .ehr.rl, .ehr.criticality]' spool/out/nurse7
	same out <<<'["floor",null,null,"critical"]'
	intent h1 nurse-7 high R 4 | ehr-deliver enqueue --spool spool -q
	run_drain 75
	[ "$(state n_h1)" = stopped ]
}

@test "a channel file that is not the one of the policy is never started, and check says so" {
	spool
	sed -i 's/sha256: "....../sha256: "000000/' P/notify.yaml
	intent a1 nurse-7 | ehr-deliver enqueue --spool spool -q
	run_drain 75
	has err 'channel file: channel-digest: '
	[ ! -e spool/out ]
	[ "$(state n_a1)" = due ]
	ehr 1 ehr-deliver check -P P --spool spool
	has err 'channel file: channel-digest: '
}

@test "check --digests: an administrator who means the changed channel says so by one command" {
	spool "$(channel 'exit 0')"
	cp P/notify.yaml before
	ehr 0 ehr-deliver check -P P --digests
	empty err
	cmp before P/notify.yaml
	echo '# changed' >>channel.sh
	intent a1 nurse-7 | ehr-deliver enqueue --spool spool -q
	run_drain 75
	same err <<<"ehr-deliver: channel file: channel-digest: $PWD/channel.sh is not the file that notify.yaml names; if it is meant: ehr-deliver check --digests"
	ehr 3 ehr-policy check -P P
	has err "P/notify.yaml:$(grep -n sha256 P/notify.yaml | cut -d: -f1):"
	has err "channel-digest: $PWD/channel.sh is another file; if it is meant: ehr-deliver check --digests"
	ehr 0 ehr-deliver check -P P --digests
	same err <<<"ehr-deliver: channel file: $PWD/channel.sh: sha256 is now $(sha256sum <channel.sh | cut -d' ' -f1)"
	ehr 0 ehr-policy check -P P
	run_drain 0
	rm channel.sh
	ehr 1 ehr-deliver check -P P --digests
	has err "channel file: channel-missing: $PWD/channel.sh"
	ehr 0 ehr-policy check -P P
	has err "warning: channel-missing: $PWD/channel.sh is not there"
}

@test "the policies that are shipped name the channels that are shipped, and can deliver by themselves" {
	local policy
	for policy in hospital remote-care meter; do
		ehr 0 ehr-policy check -P "$EHR_ROOT/policies/$policy"
		lacks err channel
	done
	cp -r "$F/site" site
	printf '{"id":"nurse-7","party":"%s","grant":"%s","responder":"care-team","select":{"subjects":["%s"]},"purpose":"TREAT","route":[{"channel":"file","to":"nurse7"}]}\n' \
		"$(claim sub)" "$(claim jti)" "$(claim 'subjects[0]')" >site/subscriptions/ward.ndjson
	ehr 0 ehr-deliver init -P "$EHR_ROOT/policies/hospital" -S site
	intent a1 nurse-7 | ehr-deliver enqueue -S site -q
	ehr-deliver run -P "$EHR_ROOT/policies/hospital" -S site --drain 2>/dev/null || [ $? -eq 1 ] # two channels want secrets
	[ "$(jq -r .ehr.id site/spool/out/nurse7)" = n_a1 ]
}

@test "what a channel says by its status is carried out: dead, nobody there, again" {
	local code
	for code in 64 65 67 68 77 78 126 127 69 70 71 74 75 76 1 200; do
		rm -rf spool site P
		spool "$(channel "exit $code")"
		intent a1 nurse-7 | ehr-deliver enqueue --spool spool -q
		status=0
		ehr-deliver run -P P -S site --spool spool --drain 2>/dev/null || status=$?
		printf '%s %s %s\n' "$code" "$status" "$(state n_a1)"
	done >"what"
	same what <<-'END'
		64 1 dead
		65 1 dead
		67 1 dead
		68 1 dead
		77 1 dead
		78 1 dead
		126 1 dead
		127 1 dead
		69 75 held
		70 75 held
		71 75 held
		74 75 held
		75 75 held
		76 75 held
		1 75 held
		200 75 held
	END
}

@test "a call of many: each message has its own answer, in any order; none, foreign, repeated and garbled ones change nothing" {
	spool "$(channel 'jq -r .ehr.id >ids; cat ids >>log
		case $(sort ids | head -n 1) in
		n_a*) sed "s/.*/{\"id\":\"&\",\"code\":0}/" ids ;;
		n_b*) tac ids | sed "s/.*/{\"id\":\"&\",\"code\":0}/" ;;
		*) printf "x\n{\"id\":\"n_foreign\",\"code\":0}\n{\"id\":7}\n[]\n{\"id\":\"n_c1\",\"code\":0}\n{\"id\":\"n_c1\",\"code\":65}\n"
			printf "{\"id\":\"n_c2\",\"code\":64}\n{\"id\":\"n_c3\",\"code\":999}\n{\"id\":\"n_c4\",\"co" ;;
		esac')" 'many: 1000,'
	for name in a b; do
		intent NUMBER nurse-7 | awk -v name=$name '{ for (i = 1; i <= 400; i++) { line = $0; gsub(/NUMBER/, name i, line); print line } }' |
			ehr-deliver enqueue --spool spool -q
		run_drain 0
	done
	[ "$(wc -l <spool/log)" -eq 800 ]
	for i in 1 2 3 4; do intent "c$i" nurse-7; done | ehr-deliver enqueue --spool spool -q
	run_drain 75
	[ "$(state n_c1) $(state n_c2) $(state n_c3) $(state n_c4)" = 'done dead held held' ]
}

@test "a channel that hangs, floods, ignores its time or leaves children behind holds nobody up" {
	local body nap="sleep 1000.$$" # which no other run has
	for body in "$nap" 'yes' 'yes >&2' "trap '' TERM; $nap; $nap" "$nap & exit 75"; do
		rm -rf spool site P
		spool "$(channel "$body")" 'timeout: 1s,'
		intent a1 nurse-7 | ehr-deliver enqueue --spool spool -q
		SECONDS=0
		run_drain 75
		[ "$SECONDS" -lt 500 ]
		[ "$(state n_a1)" = held ]
	done
	ehr 1 pgrep -f "$nap"
}

@test "a channel gets descriptors 0 to 3 and nothing of the environment; its secret stands in neither" {
	spool "$(channel 'env | sort >&2; ls /proc/self/fd >&2; cat <&3 >seen; env >env; ls /proc/$$/fd >fds; tr "\\0" " " </proc/$$/cmdline >cmd')" 'secret: s,'
	mkdir -m 700 secrets
	(umask 077 && echo hidden >secrets/s)
	intent a1 nurse-7 | ehr-deliver enqueue --spool spool -q
	SECRET_IN_ENV=x ehr 0 ehr-deliver run -P P -S site --spool spool --secrets secrets --drain
	[ "$(cat spool/seen)" = hidden ]
	[ "$(grep -vE '^(_|PWD|OLDPWD|SHLVL)=' spool/env | sort | tr '\n' ' ')" = 'HOME=/nonexistent LC_ALL=C PATH=/usr/local/bin:/usr/bin:/bin:'"$(realpath "$EHR_BIN")"'/ TZ=UTC ' ]
	ehr 1 grep -q hidden spool/env spool/cmd
	chmod 644 secrets/s
	ehr 1 ehr-deliver check -P P --spool spool --secrets secrets
	has err 'channel-secret: '
}

@test "who gives no secrets uses no channel that has one; a message that needs it is left and said" {
	spool '' 'secret: s,'
	ehr 0 ehr-deliver run -P P -S site --spool spool --drain
	has err 'channel-secret: it has a secret: give --secrets DIR'
	intent a1 nurse-7 | ehr-deliver enqueue --spool spool -q
	ehr 75 ehr-deliver run -P P -S site --spool spool --drain
	mkdir -m 700 secrets
	ehr 75 ehr-deliver run -P P -S site --spool spool --secrets secrets --drain
	(umask 077 && echo hidden >secrets/s)
	ehr 0 ehr-deliver run -P P -S site --spool spool --secrets secrets --drain
}

@test "an acknowledgement takes the token of its message; it ends later steps for everybody" {
	spool
	{
		intent c1 nurse-7 critical
		step c2 nurse-7 critical 1 60
	} | ehr-deliver enqueue --spool spool -q
	run_drain 75
	token=$(jq -r .ack spool/out/nurse7)
	[ "$(state n_c1) $(state n_c2)" = 'sent held' ]
	ehr 7 ehr-deliver ack --spool spool n_c1 --token t_aaaaaaaaaaaaaaaaaaaaaaaaaa
	same err <<<'ehr-deliver: n_c1: not the token of this message'
	ehr 7 ehr-deliver ack --spool spool n_c2 --token "$token"
	ehr 0 ehr-deliver ack --spool spool n_c1 --token "$token"
	[ "$(state n_c1) $(state n_c2)" = 'acked cancelled' ]
	ehr 1 ehr-deliver ack --spool spool n_none --by ward
	ehr 0 ehr-deliver ack --spool spool n_c1 --by ward --as read
}

@test "ack reads lines: each is confirmed when it is on disk, a bad one stops no other, and a second answer changes nothing" {
	local token
	spool
	for i in 1 2 3; do intent "c$i" nurse-7 critical; done | ehr-deliver enqueue --spool spool -q
	run_drain 75
	token() { jq -r "select(.ehr.id == \"n_c$1\").ack" spool/out/nurse7; }
	cat >answers <<-END
		{"id":"n_c1","token":"$(token 1)","as":"read"}

		{"id":"n_c2","token":"$(token 1)"}
		{"id":"n_none","token":"$(token 1)"}
		{"id":"n_c2","token":"$(token 2)","as":"perhaps"}
		{"id":"n_c2","token":"$(token 2)","at":"now"}
		{"id":"n_c2"}
		{"id":7,"token":"$(token 2)"}
		["n_c2"]
		n_c2
		{"id":"n_c3","token":"$(token 3)"}
		{"id":"n_c3","token":"$(token 3)","as":"accepted"}
	END
	ehr 7 ehr-deliver ack --spool spool <answers
	same out <<-'END'
		{"id":"n_c1","durable":true}
		{"id":"n_c3","durable":true}
		{"id":"n_c3","durable":true}
	END
	sed 's/malformed: .*/malformed/' err >said
	same said <<-'END'
		ehr-deliver: <stdin>:3: not the token of this message
		ehr-deliver: <stdin>:4: not the token of this message
		ehr-deliver: <stdin>:5: malformed
		ehr-deliver: <stdin>:6: malformed
		ehr-deliver: <stdin>:7: malformed
		ehr-deliver: <stdin>:8: malformed
		ehr-deliver: <stdin>:9: malformed
		ehr-deliver: <stdin>:10: malformed
	END
	[ "$(sqlite3 spool/spool.db "SELECT account, verb, what, reason FROM act" | tr '\n' ' ')" = 'token|ack|n_c1|read token|ack|n_c3|accepted token|ack|n_c3|accepted ' ]
	# An operator's account: the lines have no tokens, and who took charge first stays.
	sqlite3 spool/spool.db 'SELECT state, acked, acked_by FROM trouble' >before
	ehr 0 ehr-deliver ack --spool spool --by ward <<<'{"id":"n_c2"}'
	sqlite3 spool/spool.db 'SELECT state, acked, acked_by FROM trouble' | cmp - before
	ehr 1 ehr-deliver ack --spool spool --by ward <<<'{"id":"n_none"}'
	same err <<<'ehr-deliver: <stdin>:1: no such intent here'
	ehr 1 ehr-deliver ack --spool spool --by ward <<<"{\"id\":\"n_c2\",\"token\":\"$(token 1)\"}"
	ehr 0 ehr-deliver ack --spool spool </dev/null
	ehr 2 ehr-deliver ack --spool spool --token "$(token 1)" </dev/null
}

@test "ack: a line is confirmed before the next one comes, and a spool that is in the way of nobody meanwhile" {
	local answers
	spool
	intent c1 nurse-7 critical | ehr-deliver enqueue --spool spool -q
	mkfifo lines
	ehr-deliver ack --spool spool --by ward <lines >told 2>err 3>&- &
	exec {answers}>lines
	echo '{"id":"n_c1","as":"read"}' >&"$answers"
	wait_until [ -s told ]
	same told <<<'{"id":"n_c1","durable":true}'
	intent c2 nurse-7 critical | ehr 0 ehr-deliver enqueue --spool spool -q
	exec {answers}>&-
	wait $!
	empty err
}

@test "rejected: the next step is due at once" {
	spool
	{
		intent c1 nurse-7 critical
		step c2 nurse-7 critical 1 3600
	} | ehr-deliver enqueue --spool spool -q
	run_drain 75
	ehr 0 ehr-deliver ack --spool spool n_c1 --by nurse --as rejected
	run_drain 75
	[ "$(state n_c1) $(state n_c2)" = 'stopped sent' ]
}

@test "no answer: reminders, then the next step, then the last resort; all of it once" {
	spool
	{
		intent c1 nurse-7 critical N 3 1
		step c2 nurse-7 critical 1 2 1
	} | ehr-deliver enqueue --spool spool -q
	ehr-deliver run -P P -S site --spool spool 2>err 3>&- &
	for _ in {1..200}; do
		[ ! -s spool/out/desk ] || break
		sleep 0.1
	done
	kill $!
	wait $! || :
	jq -r '[.kind, .ehr.id] | join(" ")' spool/out/nurse7 | sort | uniq -c | awk '{ print $1, $2, $3 }' >told
	same told <<-'END'
		1 data n_c1
		1 data n_c2
		2 reminder n_c1
		2 reminder n_c2
	END
	[ "$(jq -r '[.kind, .why] | join(" ")' spool/out/desk)" = 'last-resort exhausted' ]
	ehr 0 ehr-deliver status --spool spool
	has out exhausted
}

@test "nobody of any step can be reached: the last resort is told at once" {
	spool "$(channel 'read -r m; case $m in *\"to\":\"desk\"*) echo "$m" >desk ;; *) exit 67 ;; esac')"
	{
		intent c1 nurse-7 critical
		step c2 nurse-7 critical 1 3600
	} | ehr-deliver enqueue --spool spool -q
	run_drain 1
	[ "$(state n_c1) $(state n_c2)" = 'dead dead' ]
	[ "$(jq -r '[.kind, .why, .ehr.criticality] | join(" ")' spool/desk)" = 'last-resort exhausted critical' ]
	run_drain 0
}

@test "a later reading of the same trouble does not escalate a second time" {
	spool
	{
		intent c1 nurse-7 critical
		step c2 nurse-7 critical 1 3600
		intent d1 nurse-7 critical
		step d2 nurse-7 critical 1 3600
	} | ehr-deliver enqueue --spool spool -q
	[ "$(state n_c1) $(state n_c2) $(state n_d1) $(state n_d2)" = 'due held due cancelled' ]
}

@test "a change that is not visible at a level tells nobody of that level" {
	spool
	{
		event e1 m_one m_two
		intent a1 nurse-7 routine N 3 '' e1
		event e2 m_one m_three
		intent a2 nurse-7 routine N 3 '' e2
		intent a3 nurse-7 routine R 3 '' e2
		event e3 m_four m_three
		intent a4 nurse-7 routine N 3 '' e3
	} | sed 's/r_a[0-9]/r_x/g' | ehr-deliver enqueue --spool spool -q
	[ "$(state n_a1) $(state n_a2) $(state n_a3) $(state n_a4)" = 'due unchanged due due' ]
}

@test "an event that comes again after a newer one hides no change, and ends no case that was opened since" {
	spool
	{
		event e1 m_one m_two
		intent a1 nurse-7 routine N 3 '' e1
	} | sed 's/r_a[0-9]/r_x/g' >first
	{
		event e2 m_other m_two | sed 's/routine/critical/'
		intent a2 nurse-7 critical N 3 '' e2
	} | sed 's/r_a[0-9]/r_x/g' >second
	# What gives each file of a folder to enqueue, every time.
	ehr 0 ehr-deliver enqueue --spool spool -q first second
	ehr 0 ehr-deliver enqueue --spool spool -q second first
	[ "$(sqlite3 spool/spool.db 'SELECT state FROM trouble')" = open ]
	{
		event e3 m_one m_two | sed 's/routine/critical/'
		intent a3 nurse-7 critical N 3 '' e3
	} | sed 's/r_a[0-9]/r_x/g' >third
	ehr 0 ehr-deliver enqueue --spool spool -q third
	[ "$(state n_a3)" = due ]
}

@test "a batch gathers what is not urgent into one message, each part through the gate" {
	spool '' '' ',"delivery":{"batch":{"max":3,"wait":"1h"}}'
	for i in 1 2 3; do intent "b$i" nurse-7; done | ehr-deliver enqueue --spool spool -q
	intent c1 nurse-7 critical | ehr-deliver enqueue --spool spool -q
	run_drain 75
	jq -c '[.kind, .ehr.id, .ref, .refs]' spool/out/nurse7 | sort >told
	same told <<-'END'
		["data","n_c1","r_c1/N",null]
		["digest","n_b1",null,["r_b1/N","r_b2/N","r_b3/N"]]
	END
	[ "$(state n_b1) $(state n_b2) $(state n_b3)" = 'done done done' ]
}

@test "of a batch that the gate stops but for one part, that part is told, and nothing of the others" {
	spool '' '' ',"delivery":{"batch":{"max":3,"wait":"1h"}}'
	for i in 2 3; do intent "b$i" nurse-7 routine N 5; done >others
	{ intent b1 nurse-7 && cat others; } | ehr-deliver enqueue --spool spool -q
	run_drain 0
	jq -c '[.kind, .ehr.id, .ref, .refs]' spool/out/nurse7 >told
	same told <<<'["data","n_b1","r_b1/N",null]'
	[ "$(state n_b1) $(state n_b2) $(state n_b3)" = 'done stopped stopped' ]
}

@test "a digest is of one level, one criticality and one case; of several subjects it names none" {
	jq -c --arg now "$(date -u +%FT%TZ)" '("a", "b") as $p | .context.id = "d-\($p)" | .context.request = "sha256:" + ($p * 64)
		| .context.time = $now | .context.about |= (.patient = $p | .resource.id = $p | .pseudonym = "s_\($p)")' "$F/decision" >decisions
	ehr-keys grant -P "$EHR_ROOT/policies/hospital" -S "$F/site" --decision decisions >two
	spool '' '' ',"delivery":{"batch":{"max":50,"wait":"1h"}}'
	cp two site/grants.jwts
	jq -c --arg grant "$(cut -d. -f2 two | tr '_-' '/+' | jq -Rr '. + "==="[(length + 3) % 4:] | @base64d | fromjson.jti')" \
		'.grant = $grant | .select.subjects = ["s_a", "s_b"]' site/subscriptions/ward.ndjson >new
	mv new site/subscriptions/ward.ndjson
	about() { jq -c ".ehr.subject = \"$1\" | if .ehr.criticality == \"medium\" then .deadline.ack = \"PT1H\" else . end"; }
	{
		for i in 1 2; do
			intent "a$i" nurse-7 | about s_a
			intent "l$i" nurse-7 routine L 1 | about s_a
			intent "m$i" nurse-7 medium | about s_a
			intent "n$i" nurse-7 medium | about s_b
		done
		intent b1 nurse-7 | about s_b
		intent c1 nurse-7 low | about s_b
	} | ehr-deliver enqueue --spool spool -q
	run_drain 75
	[ ! -e spool/out/nurse7 ]
	sqlite3 spool/spool.db "UPDATE intent SET accepted = accepted - 3600000, due = due - 3600000 WHERE state = 'gathering'"
	run_drain 75
	jq -c '[.kind, .ehr.subject, .ehr.rl, .ehr.criticality, .refs // .ref, .case != null]' spool/out/nurse7 | sort >told
	same told <<-'END'
		["data","s_b","N","low","r_c1/N",false]
		["digest","s_a","L","routine",["r_l1/L","r_l2/L"],false]
		["digest","s_a","N","medium",["r_m1/N","r_m2/N"],true]
		["digest","s_b","N","medium",["r_n1/N","r_n2/N"],true]
		["digest",null,"N","routine",["r_a1/N","r_a2/N","r_b1/N"],false]
	END
	ehr 0 ehr-deliver ack --spool spool n_m1 --token "$(jq -r 'select(.ehr.id == "n_m1").ack' spool/out/nurse7)"
	[ "$(for i in m1 m2 n1 n2; do state "n_$i"; done | tr '\n' ' ')" = 'acked acked sent sent ' ]
}

@test "a rate holds back what is above it, and nothing urgent" {
	spool '' '' ',"delivery":{"rate":{"max":2,"per":"1h"}}'
	for i in 1 2 3 4; do intent "b$i" nurse-7; done | ehr-deliver enqueue --spool spool -q
	for i in 1 2 3; do intent "c$i" nurse-7 critical; done | ehr-deliver enqueue --spool spool -q
	run_drain 75
	[ "$(jq -r .ehr.id spool/out/nurse7 | sort | tr '\n' ' ')" = 'n_b1 n_b2 n_c1 n_c2 n_c3 ' ]
	[ "$(state n_b3) $(state n_b4)" = 'gathering gathering' ]
}

@test "init ends what an earlier init left that was cut off: an empty file, a database without key or words" {
	spool
	mv spool whole
	mkdir -m 700 spool
	: >spool/spool.db
	ehr 0 ehr-deliver init -P P --spool spool
	intent a1 nurse-7 | ehr-deliver enqueue --spool spool -q
	run_drain 0
	[ "$(state n_a1)" = "done" ]
	rm -r spool
	mv whole spool
	sqlite3 spool/spool.db 'DELETE FROM criticality'
	for cut in 'rm spool/ack.key' 'truncate -s 5 spool/ack.key'; do
		$cut
		ehr 0 ehr-deliver init -P P --spool spool
		[ "$(stat -c '%s %a' spool/ack.key)" = '32 600' ]
		ehr 4 ehr-deliver init -P P --spool spool
		sqlite3 spool/spool.db 'DELETE FROM criticality'
	done
}

@test "dedupe: the same version of a record is not told again in its time" {
	spool '' '' ',"delivery":{"dedupe":"1h"}'
	intent a1 nurse-7 | ehr-deliver enqueue --spool spool -q
	run_drain 0
	intent a2 nurse-7 | sed 's/r_a2/r_a1/g' | ehr-deliver enqueue --spool spool -q
	run_drain 0
	[ "$(state n_a1) $(state n_a2)" = 'done stopped' ]
}

@test "hold, release, retry, drop, dead, enqueue --again, reactivate" {
	spool "$(channel 'exit 67')"
	for i in 1 2 3; do intent "a$i" nurse-7; done | ehr-deliver enqueue --spool spool -q
	ehr 0 ehr-deliver hold --spool spool n_a2
	ehr 0 ehr-deliver drop --spool spool n_a3 --reason mistake
	ehr 2 ehr-deliver drop --spool spool n_a3
	run_drain 75 # something waits, which weighs more than that something died
	[ "$(state n_a1) $(state n_a2) $(state n_a3)" = 'dead held dropped' ]
	ehr 0 ehr-deliver dead --spool spool
	intent a1 nurse-7 | cmp - out
	mv out given-up
	ehr 0 ehr-deliver enqueue --spool spool --again -q given-up
	[ "$(state n_a1)" = due ]
	ehr 0 ehr-deliver release --spool spool --subscription nurse-7
	ehr 0 ehr-deliver status --spool spool
	has out 'Subscriptions in error'
	ehr 0 ehr-deliver reactivate --spool spool nurse-7
	ehr 1 ehr-deliver reactivate --spool spool nurse-7
	ehr 0 ehr-deliver hold --spool spool --channel file
	run_drain 75
	[ "$(state n_a1)" = due ]
	ehr 0 ehr-deliver release --spool spool --channel file
	run_drain 1
	[ "$(state n_a1)" = dead ]
	ehr 0 ehr-deliver retry --spool spool n_a1
	[ "$(state n_a1)" = due ]
	ehr 1 ehr-deliver hold --spool spool n_none
}

@test "show, events, list by state and subscription" {
	spool
	intent a1 nurse-7 | ehr-deliver enqueue --spool spool -q
	run_drain 0
	ehr 0 ehr-deliver show --spool spool n_a1
	[ "$(jq -c '[.attempts[0].channel, .attempts[0].result, .line.ehr.id]' out)" = '["file","0","n_a1"]' ]
	ehr 0 ehr-deliver events -P P -S site --spool spool --subscription nurse-7 --since 0
	[ "$(jq -c '[.number, .id]' out)" = '[1,"n_a1"]' ]
	ehr 0 ehr-deliver events -P P -S site --spool spool --subscription nurse-7 --since 1
	empty out
	ehr 0 ehr-deliver list --spool spool --state "done" --subscription nurse-7
	[ "$(wc -l <out)" -eq 1 ]
	ehr 1 ehr-deliver show --spool spool n_none
	ehr 2 ehr-deliver list --spool spool --state deed
	has err "no state of ehr-spool(5): 'deed'"
	has err dead
}

@test "events: each message through the gate once more, as far as the subscription asks for it now" {
	spool
	{
		intent a1 nurse-7
		intent a2 nurse-7
	} | ehr-deliver enqueue --spool spool -q
	run_drain 0
	sed -i 's/"purpose"/"payload":"empty","purpose"/' site/subscriptions/ward.ndjson
	ehr 0 ehr-deliver events -P P -S site --spool spool --subscription nurse-7
	[ "$(jq -c '[.number, .ref]' out | tr '\n' ' ')" = '[1,null] [2,null] ' ]
	grant-revoked
	ehr 1 ehr-deliver events -P P -S site --spool spool --subscription nurse-7
	empty out
	same err <<<'ehr-deliver: nurse-7: 2 messages are not shown, because the gate would stop them now: revoked'
}

@test "two dispatchers at once: the second ends with 75" {
	spool
	exec 9>>spool/spool.lock
	flock -n 9
	ehr 75 ehr-deliver run -P P -S site --spool spool --drain
	has err 'another ehr-deliver run is at work here'
	exec 9>&-
}

@test "a spool that is there is not made again; one that is none, newer or open to others is refused" {
	spool
	ehr 4 ehr-deliver init -P P --spool spool
	same err <<<'ehr-deliver: spool: spool.db: there is a spool already'
	ehr 4 ehr-deliver list --spool nowhere
	mkdir -m 700 empty
	ehr 4 ehr-deliver list --spool empty
	same err <<<'ehr-deliver: empty: no spool here: make one with ehr-deliver init'
	chmod 755 spool
	ehr 4 ehr-deliver list --spool spool
	same err <<<"ehr-deliver: spool: open to others, or somebody else's: chmod 700"
	chmod 700 spool
	if command -v sqlite3 >/dev/null; then
		sqlite3 spool/spool.db 'PRAGMA user_version = 99'
		ehr 4 ehr-deliver list --spool spool
		same err <<<'ehr-deliver: spool: spool.db: of a newer ehr-deliver: install that one'
	fi
	ehr 2 ehr-deliver list
}

@test "backup copies a spool that is in use; prune takes out what ended long ago" {
	spool
	intent a1 nurse-7 | ehr-deliver enqueue --spool spool -q
	run_drain 0
	mkdir -m 700 copy
	ehr 0 ehr-deliver backup --spool spool copy/spool.db
	[ "$(ehr-deliver list --spool copy | jq -r .id)" = n_a1 ]
	ehr 4 ehr-deliver backup --spool spool copy/spool.db
	sed -i 's/^spool:.*/spool: {keep: 1s}/' P/notify.yaml
	sqlite3 spool/spool.db 'UPDATE intent SET ended = ended - 2000'
	ehr 0 ehr-deliver prune -P P --spool spool
	[ "$(ehr-deliver list --spool spool | wc -l)" -eq 0 ]
}

@test "refused lines: no intent, an unknown word, a malformed deadline; the good ones before it hold" {
	spool
	intent a1 nurse-7 >good
	intent a2 nurse-7 | sed 's/routine/loud/' >loud
	intent a3 nurse-7 | sed 's/PT12H/PT12X/' >odd
	echo '{"ehr":{"v":1,"stage":"sealed"}}' >sealed
	for bad in loud odd sealed; do
		ehr 5 ehr-deliver enqueue --spool spool good $bad
		has out n_a1
	done
	ehr 1 ehr-deliver enqueue --spool spool --on-error quarantine --quarantine bad good loud odd sealed
	[ "$(jq -r .ehr.reason bad | tr '\n' ' ')" = 'unknown-criticality tags-invalid wrong-stage ' ]
	[ "$(ehr-deliver list --spool spool | jq -r .id)" = n_a1 ]
	ehr 5 ehr-deliver enqueue --spool spool --max-record 10 good
	ehr 5 ehr-deliver enqueue --spool spool --max-depth 1 good
	ehr 5 ehr-deliver enqueue --spool spool --on-error skip --max-refused 1 --progress loud odd
}

@test "status for Prometheus names no subject, person or id; the page escapes what it shows" {
	spool "$(channel 'echo "<b>&" >&2; exit 75')"
	intent a1 nurse-7 | ehr-deliver enqueue --spool spool -q
	run_drain 75
	ehr 0 ehr-deliver status --spool spool --prometheus
	has out 'ehr_deliver_open{criticality="routine"} 1'
	has out 'ehr_deliver_attempts_total{channel="file",code="75"} 1'
	lacks out s_a
	lacks out nurse
	ehr 0 ehr-deliver status --spool spool --html
	has out '&lt;b&gt;&amp;'
	lacks out '<b>'
}

@test "a browser draws the page" {
	local browser
	browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || skip 'Chromium is not there'
	spool "$(channel 'exit 67')"
	for i in 1 2; do intent "a$i" nurse-7; done | ehr-deliver enqueue --spool spool -q
	intent c1 nurse-7 critical | ehr-deliver enqueue --spool spool -q
	run_drain 1
	ehr-deliver status --spool spool --html >page.html
	lacks page.html '<script'
	lacks page.html 'http'
	timeout 30 "$browser" --headless --no-sandbox --disable-gpu --user-data-dir="$PWD/profile" --dump-dom \
		"file://$PWD/page.html" >dom 2>/dev/null 3>&-
	[ "$(grep -o '<h2>' dom | wc -l)" -eq 7 ]
	has dom '<td>n_c1</td><td>critical</td>'
	has dom '<td>code-67</td>'
}

@test "a new list of revocations that does not verify stops the run with 6" {
	spool
	echo x.y.z >site/revoked.jwt
	ehr 6 ehr-deliver run -P P -S site --spool spool --drain
}

@test "subscriptions, grants, revocations and authority may lie elsewhere" {
	spool
	local elsewhere=(--subscriptions site/subscriptions --grants site/grants.jwts --authority site/authority.jwks)
	intent a1 nurse-7 | ehr-deliver enqueue --spool spool -q
	ehr 0 ehr-deliver run -P P --spool spool --drain "${elsewhere[@]}" -v
	has err '1 sent, 0 stopped by the gate, 0 given up, 0 open'
	grant-revoked
	mv site/revoked.jwt revoked
	intent a2 nurse-7 | ehr-deliver enqueue --spool spool -q
	ehr 0 ehr-deliver run -P P --spool spool --drain "${elsewhere[@]}" --revoked revoked -v
	[ "$(state n_a2)" = stopped ]
}
