# What becomes of intents that are held, gathered, told already, answered, given up, brought back or broken, and of channels
# that rest.
bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/deliver

setup_file() { ward; }

what() { ehr-deliver list --spool spool | jq -r "select(.id == \"$1\") | [.state, .reason // \"-\"] | join(\" \")"; }

@test "enqueue --again and retry bring back a dead letter that wants an acknowledgement, on its first route and with all of its time" {
	local how
	OTHER=$(channel 'jq -r .to >>told; exit 65') ROUTES=',{"channel":"other","to":"second"}' spool "$PWD/channel.sh"
	intent c1 nurse-7 critical | ehr-deliver enqueue --spool spool -q
	run_drain 1
	for how in again retry; do
		[ "$(state n_c1)" = dead ]
		sqlite3 spool/spool.db "UPDATE intent SET accepted = accepted - 1000, dispatch_by = dispatch_by - 1000, expires = expires - 1000 WHERE id = 'n_c1'"
		if [ $how = again ]; then
			ehr-deliver dead --spool spool | jq -c 'select(.ehr.id == "n_c1")' >given-up
			ehr 0 ehr-deliver enqueue --spool spool --again -v given-up
			same out <<<'{"id":"n_c1","durable":true}'
			has err '1 taken, 0 known'
		else
			ehr 0 ehr-deliver retry --spool spool n_c1
		fi
		sqlite3 spool/spool.db "SELECT state, route, tries, due = accepted, dispatch_by - accepted, expires - accepted FROM intent WHERE id = 'n_c1'" >row
		same row <<<'due|0|0|1|5000|86400000'
		run_drain 1
	done
	[ "$(grep -v desk spool/told | tr '\n' ' ')" = 'nurse7 second nurse7 second nurse7 second ' ]
	# A case that nobody could be told of comes to the last resort each time.
	[ "$(grep -c desk spool/told)" -ge 3 ]
}

@test "a later step that an operator holds stops no escalation, keeps its time, and is left alone by retry" {
	spool
	{
		intent c1 nurse-7 critical
		step c2 nurse-7 critical 1 3600
	} | ehr-deliver enqueue --spool spool -q
	ehr-deliver list --spool spool | jq -r .due >before
	ehr 0 ehr-deliver hold --spool spool n_c2
	ehr 0 ehr-deliver hold --spool spool n_c2
	ehr 1 ehr-deliver retry --spool spool --subscription nurse-7
	[ "$(what n_c2)" = 'held operator' ]
	ehr 0 ehr-deliver release --spool spool n_c2
	ehr-deliver list --spool spool | jq -r .due | cmp - before
	ehr 1 ehr-deliver retry --spool spool --subscription nurse-7
	ehr-deliver list --spool spool | jq -r .due | cmp - before
	run_drain 75
	[ "$(state n_c1) $(state n_c2)" = 'sent held' ]
	ehr 0 ehr-deliver hold --spool spool n_c2
	ehr 0 ehr-deliver ack --spool spool n_c1 --by nurse --as rejected
	run_drain 75
	[ "$(what n_c1), $(what n_c2)" = 'stopped rejected, held operator' ]
	[ "$(jq -r .why spool/out/desk)" = exhausted ]
	# A second answer of the same kind changes nothing.
	ehr 0 ehr-deliver release --spool spool n_c2
	ehr 0 ehr-deliver ack --spool spool n_c1 --by nurse --as rejected
	[ "$(state n_c2)" = held ]
}

@test "hold, release, retry, drop: a word that nothing answers to is said, by its id, subscription, case or channel" {
	local verb
	spool
	intent a1 nurse-7 | ehr-deliver enqueue --spool spool -q
	ehr 0 ehr-deliver list --spool spool --case c_none
	empty out
	for verb in hold release retry 'drop --reason r'; do
		ehr 1 ehr-deliver $verb --spool spool --case c_none
		same err <<<"ehr-deliver: c_none: nothing to ${verb% --*}"
		ehr 1 ehr-deliver $verb --spool spool --subscription nurse-8
		same err <<<"ehr-deliver: nurse-8: nothing to ${verb% --*}"
	done
	for verb in hold release retry; do
		ehr 1 ehr-deliver $verb --spool spool --channel files
		same err <<<"ehr-deliver: files: no channel here, did you mean 'file'?"
		# Before its first call.
		ehr 0 ehr-deliver $verb --spool spool --channel file
		empty err
	done
	# What is good beside it holds.
	ehr 1 ehr-deliver hold --spool spool n_a1 --channel pager
	same err <<<"ehr-deliver: pager: no channel here"
	[ "$(state n_a1)" = held ]
	ehr 0 ehr-deliver status --spool spool
	has out '  file                  up                    0'
}

@test "list --case: what belongs to the case, and nothing else" {
	spool
	{
		intent a1 nurse-7
		intent c1 nurse-7 critical
	} | ehr-deliver enqueue --spool spool -q
	ehr 0 ehr-deliver list --spool spool --case "$(ehr-deliver list --spool spool | jq -r 'select(.id == "n_c1").case')"
	[ "$(jq -r .id out)" = n_c1 ]
}

@test "the last step that is not held is missed: holding the others does not silence the case" {
	spool
	{
		intent c1 nurse-7 critical
		step c2 nurse-7 critical 1 3600
	} | ehr-deliver enqueue --spool spool -q
	run_drain 75
	sqlite3 spool/spool.db "UPDATE intent SET due = NULL, reason = 'missed' WHERE id = 'n_c1'"
	ehr 0 ehr-deliver hold --spool spool --subscription nurse-7
	run_drain 75
	[ "$(jq -r .why spool/out/desk)" = exhausted ]
}

@test "an acknowledgement that comes while an attempt hangs counts, whatever becomes of the attempt" {
	local end daemon
	for end in 0 75; do
		rm -rf spool site P hanging
		spool "$(channel "jq -r .ehr.id >>log; [ ! -e slow ] || { : >hanging; while [ -e slow ]; do sleep 0.05; done; exit $end; }")"
		sed -i 's/ack: 60s/ack: 1s/; s/remind: 2/remind: 5/' P/notify.yaml
		intent c1 nurse-7 critical N 3 1 | ehr-deliver enqueue --spool spool -q
		run_drain 75
		: >spool/slow
		ehr-deliver run -P P -S site --spool spool 2>err 3>&- &
		daemon=$!
		wait_until [ -e spool/hanging ]
		[ "$(state n_c1)" = sending ]
		ehr 0 ehr-deliver ack --spool spool n_c1 --by nurse
		[ "$(what n_c1)" = 'acked acked' ]
		rm spool/slow
		wait_until sh -c '[ "$(sqlite3 spool/spool.db "SELECT count(*) FROM attempt WHERE finished IS NULL")" = 0 ]'
		kill "$daemon"
		wait "$daemon" || :
		run_drain 0
		[ "$(what n_c1)" = 'acked acked' ]
		[ "$(wc -l <spool/log)" -eq 2 ]
	done
}

@test "somebody has taken charge: what is still on its way to others is told, and asks nobody any more" {
	spool
	intent c1 nurse-7 critical | ehr-deliver enqueue --spool spool -q
	run_drain 75
	ehr 0 ehr-deliver ack --spool spool n_c1 --by nurse
	intent c2 nurse-7 critical | ehr-deliver enqueue --spool spool -q
	run_drain 0
	[ "$(state n_c2)" = acked ]
	[ "$(jq -r .ehr.id spool/out/nurse7 | tr '\n' ' ')" = 'n_c1 n_c2 ' ]
}

@test "a broken row is a dead letter, with a reason; the daemon, list, show, events and resolve go on" {
	local n=0 broken
	spool
	while read -r broken; do
		n=$((n + 1))
		intent "p$n" nurse-7 | ehr-deliver enqueue --spool spool -q
		sqlite3 spool/spool.db "UPDATE intent SET $broken WHERE id = 'n_p$n'"
	done <<-'END'
		line = 'no JSON'
		line = ''
		line = '{"ehr":'
		line = CAST(x'ff00fe' AS TEXT)
		line = hex(zeroblob(700000))
		subscription = substr(hex(zeroblob(200)), 1, 200)
		kind = substr(hex(zeroblob(200)), 1, 200)
		kind = 'da"ta'
		trouble = substr(hex(zeroblob(200)), 1, 200)
		urgency = -5
		route = -1
		line = '[1]'
		line = '{"ehr":1,"to":2,"kind":3}'
	END
	sqlite3 spool/spool.db "INSERT INTO intent SELECT 1000, replace(hex(zeroblob(200)), '00', '\"<'), kind, state, reason, subscription, record, level, subject, event, urgency, step,
		accepted, dispatch_by, expires, ack, due, route, channel, tries, reminders, number, first_sent, last_sent, ended, trouble, line, urgent, resume FROM intent WHERE seq = 1"
	{
		intent a1 nurse-7
		intent c1 nurse-7 critical
	} | ehr-deliver enqueue --spool spool -q
	ehr 0 ehr-deliver list --spool spool
	[ "$(wc -l <out)" -eq $((n + 3)) ]
	run_drain 75
	[ "$(jq -r .ehr.id spool/out/* | tr '\n' ' ')" = 'n_c1 n_a1 ' ]
	ehr-deliver list --spool spool | jq -r 'select(.id | test("^n_[ac]") | not) | [.state, .reason] | join(" ")' | sort | uniq -c | sed 's/^ *//' >ends
	same ends <<-'END'
		11 dead malformed
		1 dead no-route
		2 stopped altered
	END
	sqlite3 spool/spool.db "UPDATE intent SET line = 'no JSON' WHERE id IN ('n_c1', 'n_a1')"
	ehr 0 ehr-deliver show --spool spool n_c1
	[ "$(jq -r .line out)" = 'no JSON' ]
	ehr 1 ehr-deliver events -P P -S site --spool spool --subscription nurse-7
	ehr 0 ehr-deliver resolve --spool spool --by ward "$(sqlite3 spool/spool.db 'SELECT id FROM trouble')"
	run_drain 0
}

@test "a row that holds a BLOB is shown, and is sent or a dead letter; the case that it is in ends" {
	local n=0 broken
	spool
	while read -r broken; do
		n=$((n + 1))
		intent "p$n" nurse-7 critical | ehr-deliver enqueue --spool spool -q
		sqlite3 spool/spool.db "UPDATE intent SET $broken WHERE id = 'n_p$n'"
	done <<-'END'
		line = x'ff00fe'
		line = CAST(line AS BLOB), subject = CAST(subject AS BLOB)
		trouble = x'ff'
		kind = CAST(kind AS BLOB)
		subscription = CAST(subscription AS BLOB)
		step = x'01', tries = x'ff', number = x'ff', record = x'ff', reason = x'ff', due = x'ff'
	END
	run_drain 75
	ehr 0 ehr-deliver list --spool spool
	jq -r '[.id, .state] | join(" ")' out >states
	same states <<-'END'
		n_p1 dead
		n_p2 sent
		n_p3 dead
		n_p4 sent
		n_p5 sent
		n_p6 sent
	END
	for broken in 1 2 3 4 5 6; do
		ehr 0 ehr-deliver show --spool spool "n_p$broken"
		[ "$(jq -r .state.id out)" = "n_p$broken" ]
	done
	ehr 0 ehr-deliver events -P P -S site --spool spool --subscription nurse-7
	# Nobody answers until all have missed it: the last resort is told.
	sqlite3 spool/spool.db "UPDATE intent SET due = NULL, reason = 'missed' WHERE state = 'sent'; UPDATE intent SET state = 'sent', due = 1, reminders = 9 WHERE id = 'n_p2'"
	run_drain 0
	[ "$(jq -r .why spool/out/desk)" = exhausted ]
	ehr 0 ehr-deliver resolve --spool spool --by ward "$(sqlite3 spool/spool.db 'SELECT id FROM trouble')"
	run_drain 0
}

@test "a class of a long id and a class of a broken line come to an end" {
	spool
	printf '{"ehr":{"v":1,"stage":"intent","id":"n_%0120d","criticality":"high"},"kind":"notice","to":{"class":"care-team"},"deadline":{"after":"PT0S","dispatch":"PT30S","expires":"PT12H"},"why":"x","about":"y","obligations":[]}\n' 7 >notice
	ehr 0 ehr-deliver enqueue --spool spool -q notice
	run_drain 0
	[ "$(jq -r .kind spool/out/nurse7)" = notice ]
	sed 's/n_0/n_1/' notice | ehr-deliver enqueue --spool spool -q
	sqlite3 spool/spool.db "UPDATE intent SET line = '{' WHERE state = 'due'"
	run_drain 1
}

@test "enqueue refuses a line that no message could hold" {
	spool
	intent a1 nurse-7 | jq -c '.pad = ("y" * 1100000)' >long
	ehr 5 ehr-deliver enqueue --spool spool long
	has err 'too-long'
}

@test "what a channel says may be any bytes" {
	spool "$(channel 'printf "\\377\\376 <b> caf\\303\\251\\001\\n" >&2; head -c 100000 /dev/urandom; exit 75')"
	intent a1 nurse-7 | ehr-deliver enqueue --spool spool -q
	run_drain 75
	[ "$(sqlite3 spool/spool.db 'SELECT error FROM channel')" = '?? <b> caf??' ]
	ehr 0 ehr-deliver status --spool spool --html
	ehr 0 iconv -f UTF-8 out
}

@test "a channel that says by its answers that nothing went, and ends with 0, rests; one message asks whether it is back" {
	local i
	spool "$(channel 'jq -r .ehr.id >>log; [ -e up ] || { : >hanging; while [ -e slow ]; do sleep 0.05; done; exit 75; }; tail -n 1 log | sed "s/.*/{\"id\":\"&\",\"code\":0}/"')" 'many: 5,'
	sed -i 's/slots: 1,/slots: 4,/; s/^order:.*/order: {slots: 8, reserved: 0}/' P/notify.yaml
	cat >answering <<-'END'
		#!/bin/sh
		jq -r .ehr.id | sed 's/.*/{"id":"&","code":75}/'
	END
	cp channel.sh probe
	cp answering channel.sh
	ehr-deliver check -P P --digests 2>/dev/null
	for i in {1..40}; do intent "a$i" nurse-7; done | ehr-deliver enqueue --spool spool -q
	run_drain 75
	ehr 0 ehr-deliver status --spool spool
	has out resting
	[ "$(sqlite3 spool/spool.db 'SELECT failures >= 5 FROM channel')" = 1 ]
	# Half a minute later, with all of them due.
	sqlite3 spool/spool.db "UPDATE channel SET retry_at = 1; UPDATE intent SET state = 'due', due = 1"
	cp probe channel.sh
	ehr-deliver check -P P --digests 2>/dev/null
	: >spool/slow
	ehr-deliver run -P P -S site --spool spool 2>err 3>&- &
	wait_until [ -e spool/hanging ]
	wait_until [ "$(wc -l <spool/log)" -ge 1 ]
	[ "$(sqlite3 spool/spool.db "SELECT count(*) FROM intent WHERE state = 'sending'")" = 1 ]
	[ "$(wc -l <spool/log)" -eq 1 ]
	rm spool/slow
	kill $!
	wait $! || :
}

@test "what was told of a record is looked up by an index" {
	spool
	sqlite3 spool/spool.db "EXPLAIN QUERY PLAN SELECT 1 FROM intent AS a JOIN intent AS b ON b.record = a.record AND b.level = a.level AND
		b.subscription = a.subscription WHERE a.seq = 1 AND b.seq <> a.seq AND b.last_sent > 0 AND b.urgency >= a.urgency" >plan
	has plan 'intent_told'
	lacks plan SCAN
}

@test "the policy's words in another order, or one less: what waits keeps its criticality" {
	local word
	spool
	for word in routine low medium high critical; do intent "$word" nurse-7 "$word"; done | ehr-deliver enqueue --spool spool -q
	# As a policy left it that had the words the other way round, and one more.
	sqlite3 spool/spool.db "UPDATE criticality SET urgency = 5 - urgency; INSERT INTO criticality VALUES ('grave', 0);
		UPDATE intent SET urgency = 5 - urgency, urgent = urgency > 3; UPDATE trouble SET urgency = 5 - urgency;
		INSERT INTO trouble VALUES ('c_grave', 's_a', 0, 'open', 1, NULL, NULL, NULL, NULL)"
	ehr 0 ehr-deliver hold --spool spool --subscription nurse-7
	run_drain 75
	sqlite3 spool/spool.db "SELECT substr(i.id, 3), c.word, i.urgent, t.urgency = i.urgency FROM intent AS i JOIN criticality AS c
		USING (urgency) LEFT JOIN trouble AS t ON t.id = i.trouble WHERE i.kind = 'data' ORDER BY i.seq" >words
	same words <<-'END'
		routine|routine|0|
		low|low|0|
		medium|medium|0|
		high|high|1|1
		critical|critical|1|1
	END
	[ "$(sqlite3 spool/spool.db "SELECT group_concat(word) FROM (SELECT word FROM criticality ORDER BY urgency); SELECT urgency FROM trouble WHERE id = 'c_grave'" | tr '\n' ' ')" = 'routine,low,medium,high,critical,grave 5 ' ]
	intent new nurse-7 high | ehr-deliver enqueue --spool spool -q
	[ "$(sqlite3 spool/spool.db "SELECT urgency, urgent FROM intent WHERE id = 'n_new'")" = '3|1' ]
}

@test "status says whether a dispatcher is at work" {
	local daemon
	spool
	ehr 0 ehr-deliver status --spool spool
	has out 'No ehr-deliver run is at work'
	ehr-deliver run -P P -S site --spool spool 2>err 3>&- &
	daemon=$!
	intent a1 nurse-7 | ehr-deliver enqueue --spool spool -q
	wait_until [ -s spool/out/nurse7 ]
	ehr 0 ehr-deliver status --spool spool
	has out 'ehr-deliver run is at work'
	ehr 0 ehr-deliver status --spool spool --html
	has out '<p>ehr-deliver run is at work'
	ehr 0 ehr-deliver status --spool spool --prometheus
	has out 'ehr_deliver_up 1'
	kill "$daemon"
	wait "$daemon"
	ehr 0 ehr-deliver status --spool spool --prometheus
	has out 'ehr_deliver_up 0'
}

@test "a file of the site that is written anew with its old size and time is read again" {
	local daemon
	spool
	ehr-deliver run -P P -S site --spool spool 2>err 3>&- &
	daemon=$!
	intent a1 nurse-7 | ehr-deliver enqueue --spool spool -q
	wait_until [ -s spool/out/nurse7 ]
	cp -p site/subscriptions/ward.ndjson kept
	kill -STOP "$daemon"
	sed 's/nurse7/nurse8/' kept >site/subscriptions/ward.ndjson
	touch -r kept site/subscriptions/ward.ndjson
	kill -CONT "$daemon"
	intent a2 nurse-7 | ehr-deliver enqueue --spool spool -q
	wait_until is_done n_a2
	kill "$daemon"
	wait "$daemon"
	[ "$(jq -r .ehr.id spool/out/nurse8)" = n_a2 ]
}

is_done() { [ "$(state "$1")" = "done" ]; }

@test "a notice to a class goes to the last resort when it reached nobody of the class, and not when it reached one" {
	COMMAND="[\"$(channel 'line=$(cat)
case $line in *\"to\":\"desk\"*) echo "$line" >>desk ;; *\"to\":\"second\"*) exit "$(cat answer)" ;; *) exit 65 ;; esac')\"]" spool "$PWD/channel.sh"
	sed 's/nurse-7/nurse-8/; s/"nurse7"/"second"/' site/subscriptions/ward.ndjson >>site/subscriptions/ward.ndjson
	printf '{"ehr":{"v":1,"stage":"intent","id":"n_1","criticality":"high"},"kind":"notice","to":{"class":"care-team"},"deadline":{"after":"PT0S","dispatch":"PT30S","expires":"PT12H"},"why":"x","about":"y","obligations":[]}\n' >notice
	echo 0 >spool/answer
	ehr 0 ehr-deliver enqueue --spool spool -q notice
	run_drain 1
	[ "$(what n_1), $(what n_1.nurse-7), $(what n_1.nurse-8)" = 'done class, dead code-65, done -' ]
	[ ! -e spool/desk ]
	echo 65 >spool/answer
	sed 's/n_1/n_2/' notice | ehr 0 ehr-deliver enqueue --spool spool -q
	run_drain 1
	[ "$(what n_2)" = 'done -' ]
	jq -r '[.ehr.id, .kind, .why, .about] | join(" ")' spool/desk >row
	same row <<<'n_2 last-resort x y'
	# One of them is brought back, and dies again: the last resort knows already.
	ehr 0 ehr-deliver retry --spool spool n_2.nurse-8
	run_drain 1
	[ "$(wc -l <spool/desk)" = 1 ]
}

@test "a notice that has a case escalates like any other message" {
	COMMAND="[\"$(channel 'line=$(cat)
case $line in *\"to\":\"desk\"*) echo "$line" >>desk ;; *) exit 65 ;; esac')\"]" spool "$PWD/channel.sh"
	printf '{"ehr":{"v":1,"stage":"intent","id":"n_1","subject":"s_a","criticality":"high"},"kind":"notice","to":{"class":"care-team"},"deadline":{"after":"PT0S","dispatch":"PT30S","ack":"PT1M","expires":"PT12H"},"why":"x","about":"y","obligations":[]}\n' |
		ehr-deliver enqueue --spool spool -q
	run_drain 1
	[ "$(what n_1), $(what n_1.nurse-7)" = 'done class, dead code-65' ]
	[ "$(jq -r .why spool/desk)" = exhausted ]
}

@test "what is about nobody and is not acknowledged comes to the last resort, for each event once" {
	local id
	spool
	for id in 1 2; do
		printf '{"ehr":{"v":1,"stage":"intent","id":"n_%s","event":"e_%s","criticality":"high"},"kind":"notice","to":{"class":"care-team"},"deadline":{"after":"PT0S","dispatch":"PT30S","ack":"PT1M","expires":"PT12H"},"why":"x","about":"y","obligations":[]}\n' $id $id
	done | ehr-deliver enqueue --spool spool -q
	run_drain 75
	[ "$(what n_1.nurse-7), $(what n_2.nurse-7)" = 'sent -, sent -' ]
	ehr 0 ehr-deliver ack --spool spool n_1.nurse-7 --by nurse
	sqlite3 spool/spool.db "UPDATE intent SET due = 1, reminders = 9 WHERE state = 'sent'"
	run_drain 0
	[ "$(jq -r .why spool/out/desk)" = exhausted ]
	[ "$(jq 'has("subject") or (.ehr | has("subject"))' spool/out/desk)" = false ]
	[ "$(what n_1.nurse-7), $(what n_2.nurse-7)" = 'acked acked, sent missed' ]
	[ "$(sqlite3 spool/spool.db 'SELECT group_concat(state) FROM (SELECT state FROM trouble ORDER BY state)')" = acked,exhausted ]
}

@test "resolve tells the last resort, too, if it was called" {
	COMMAND="[\"$(channel 'line=$(cat)
case $line in *\"to\":\"desk\"*) echo "$line" >>desk ;; *) exit 65 ;; esac')\"]" spool "$PWD/channel.sh"
	intent c1 nurse-7 critical | ehr-deliver enqueue --spool spool -q
	run_drain 1
	ehr 0 ehr-deliver resolve --spool spool "$(jq -r .case spool/desk)" --by ward
	run_drain 0
	[ "$(jq -r .kind spool/desk | paste -sd ' ')" = 'last-resort resolved' ]
	[ "$(jq -s -r '.[0].case == .[1].case' spool/desk)" = true ]
}

@test "a rate counts across runs: a job of each minute sends no more than one run that stays" {
	local i
	spool '' '' ',"delivery":{"rate":{"max":2,"per":"1h"}}'
	for i in 1 2 3 4; do
		intent "a$i" nurse-7 | ehr-deliver enqueue --spool spool -q
		ehr $((i > 2 ? 75 : 0)) ehr-deliver run -P P -S site --spool spool --drain
	done
	intent b1 nurse-7 high | ehr-deliver enqueue --spool spool -q
	run_drain 75
	[ "$(jq -r .ehr.id spool/out/nurse7 | paste -sd ' ')" = 'n_a1 n_a2 n_b1' ]
	sqlite3 spool/spool.db "UPDATE subscription SET rate_since = rate_since - 3600000; UPDATE intent SET due = 1 WHERE state = 'gathering'"
	run_drain 75
	[ "$(tail -n 1 spool/out/nurse7 | jq -c '[.kind, .refs]')" = '["digest",["r_a3/N","r_a4/N"]]' ]
}

@test "dedupe: of those that wait together one is sent; the others end when it is taken, and go if it is given up" {
	local many
	for many in '' 'many: 20,'; do
		rm -rf P site spool log
		spool "$(channel 'while read -r line; do
	id=${line#*\"id\":\"}
	id=${id%%\"*}
	echo "$id" >>log
	[ $id = n_a1 ] && code=65 || code=0
	echo "{\"id\":\"$id\",\"code\":$code}"
done')" "$many" ',"delivery":{"dedupe":"1h"}'
		for i in 1 2 3 4; do intent "a$i" nurse-7 | sed 's/r_a[0-9]/r_x/g'; done | ehr-deliver enqueue --spool spool -q
		intent b1 nurse-7 | ehr-deliver enqueue --spool spool -q
		run_drain 1
		[ "$(what n_a1), $(what n_a2), $(what n_a3), $(what n_a4), $(what n_b1)" = 'dead code-65, done -, stopped dedupe, stopped dedupe, done -' ]
	done
}

@test "dedupe: an exhausted case that the same version opens again comes to the last resort, though nobody else is told" {
	spool '' '' ',"delivery":{"dedupe":"20h"}'
	step m1 nurse-7 medium 0 0 | jq -c '.deadline.ack = "PT60S"' | ehr-deliver enqueue --spool spool -q
	run_drain 75
	sqlite3 spool/spool.db 'UPDATE intent SET due = 1, reminders = 9'
	run_drain 0
	[ "$(wc -l <spool/out/desk)" = 1 ]
	step m2 nurse-7 medium 0 0 | jq -c '.deadline.ack = "PT60S"' | sed 's/r_m2/r_m1/g' | ehr-deliver enqueue --spool spool -q
	run_drain 0
	[ "$(what n_m2)" = 'stopped dedupe' ]
	[ "$(wc -l <spool/out/desk) $(wc -l <spool/out/nurse7)" = '2 1' ]
}

@test "the same upload again: what names no version is unchanged as well, unless something changed at any level" {
	spool
	event e1 m_N m_R | sed 's/r_x/r_c1/; s/routine/critical/' >first
	intent c1 nurse-7 critical N 3 60 e1 | jq -c 'del(.ref, .payload, .ehr.record, .ehr.rl, .ehr.al) | .kind = "floor"' >>first
	printf '{"ehr":{"v":1,"stage":"intent","id":"n_c2","event":"e_e1","subject":"s_a","criticality":"critical"},"kind":"last-resort","why":"step","to":{"last_resort":true,"step":3},"deadline":{"after":"PT0S","dispatch":"PT5S","expires":"PT4H"},"obligations":[]}\n' >>first
	ehr 0 ehr-deliver enqueue --spool spool -q first
	run_drain 75
	[ "$(state n_c1) $(state n_c2)" = 'sent done' ]
	sed 's/e_e1/e_e2/; s/n_c/n_d/' first | ehr 0 ehr-deliver enqueue --spool spool -q
	run_drain 75
	[ "$(what n_d1), $(what n_d2)" = 'unchanged unchanged, unchanged unchanged' ]
	sed 's/e_e1/e_e3/; s/n_c/n_f/; s/m_R/m_R2/' first | ehr 0 ehr-deliver enqueue --spool spool -q
	run_drain 75
	[ "$(state n_f1) $(state n_f2)" = 'sent done' ]
}

@test "quiet hours hold back what is not urgent, by the local time; at their end it is one message" {
	local from to
	# At the minute in which the hours begin or end nothing is tried.
	from=$(date -u -d '-2 hours' +%H:%M) to=$(date -u -d '+2 hours' +%H:%M)
	spool '' '' ",\"delivery\":{\"quiet\":{\"from\":\"$from\",\"to\":\"$to\"}}"
	for i in 1 2; do intent "a$i" nurse-7 low; done | ehr-deliver enqueue --spool spool -q
	intent c1 nurse-7 critical | ehr-deliver enqueue --spool spool -q
	intent h1 nurse-7 high | ehr-deliver enqueue --spool spool -q
	# What is of no use at their end does not wait.
	intent s1 nurse-7 routine | jq -c '.deadline.expires = "PT1H"' | ehr-deliver enqueue --spool spool -q
	run_drain 75
	[ "$(state n_a1) $(state n_a2)" = 'gathering gathering' ]
	[ "$(jq -r .ehr.id spool/out/nurse7 | sort | paste -sd ' ')" = 'n_c1 n_h1 n_s1' ]
	[ "$(sqlite3 spool/spool.db "SELECT DISTINCT strftime('%H:%M:%S', due / 1000, 'unixepoch') FROM intent WHERE state = 'gathering'")" = "$to:00" ]
	# Elsewhere it is six hours later, and day.
	sqlite3 spool/spool.db "UPDATE intent SET due = 1 WHERE state = 'gathering'"
	run_drain 75
	[ "$(state n_a1) $(state n_a2)" = 'gathering gathering' ]
	sqlite3 spool/spool.db "UPDATE intent SET due = 1 WHERE state = 'gathering'"
	ehr 75 env TZ=XXX-6 ehr-deliver run -P P -S site --spool spool --drain
	[ "$(tail -n 1 spool/out/nurse7 | jq -c '[.kind, .refs]')" = '["digest",["r_a1/N","r_a2/N"]]' ]
}

@test "quiet hours by the zone of the subscription, and below a criticality that it names" {
	[ -e /usr/share/zoneinfo/Etc/GMT-6 ] || skip 'tzdata is not there'
	local from to
	from=$(TZ=Etc/GMT-6 date -d '-2 hours' +%H:%M) to=$(TZ=Etc/GMT-6 date -d '+2 hours' +%H:%M)
	spool '' '' ",\"delivery\":{\"quiet\":{\"from\":\"$from\",\"to\":\"$to\",\"zone\":\"Etc/GMT-6\",\"below\":\"medium\"}}"
	for i in routine low medium high; do intent "$i" nurse-7 "$i"; done | ehr-deliver enqueue --spool spool -q
	run_drain 75
	[ "$(state n_routine) $(state n_low)" = 'gathering gathering' ]
	[ "$(jq -r .ehr.id spool/out/nurse7 | sort | paste -sd ' ')" = 'n_high n_medium' ]
}

@test "quiet hours that are none are a mistake in the subscription" {
	local quiet
	for quiet in '"22:00"' '{}' '{"from":"22:00"}' '{"from":"22:00","to":"22:00"}' '{"from":"24:00","to":"06:00"}' '{"from":"22:60","to":"06:00"}' \
		'{"from":"9:00","to":"06:00"}' '{"from":"22-00","to":"06:00"}' '{"from":"22:00","to":"06:00:00"}' '{"from":"22:00","to":"06:00","zone":"X"}' \
		'{"from":"22:00","to":"06:00","zone":"../zoneinfo/UTC"}' '{"from":"22:00","to":"06:00","below":"critical"}' '{"from":"22:00","to":"06:00","below":"x"}'; do
		rm -rf P site spool
		spool '' '' ",\"delivery\":{\"quiet\":$quiet}"
		ehr 0 ehr-deliver run -P P -S site --spool spool --drain
		has err '1 subscriptions do not count'
	done
}

@test "status for Prometheus tells how long messages waited, and how long nobody had taken charge" {
	spool
	intent a1 nurse-7 | ehr-deliver enqueue --spool spool -q
	intent c1 nurse-7 critical | ehr-deliver enqueue --spool spool -q
	run_drain 75
	ehr-deliver ack --spool spool --by nurse n_c1
	sqlite3 spool/spool.db "UPDATE intent SET accepted = first_sent - CASE id WHEN 'n_a1' THEN 2500 ELSE 250 END;
		UPDATE trouble SET acked = opened + 45000"
	ehr-deliver status --spool spool --prometheus | grep -E '_(dispatch|ack)_seconds' >seen
	same seen <<-'END'
		# TYPE ehr_deliver_dispatch_seconds histogram
		ehr_deliver_dispatch_seconds_bucket{le="0.25"} 1
		ehr_deliver_dispatch_seconds_bucket{le="1"} 1
		ehr_deliver_dispatch_seconds_bucket{le="5"} 2
		ehr_deliver_dispatch_seconds_bucket{le="30"} 2
		ehr_deliver_dispatch_seconds_bucket{le="60"} 2
		ehr_deliver_dispatch_seconds_bucket{le="300"} 2
		ehr_deliver_dispatch_seconds_bucket{le="900"} 2
		ehr_deliver_dispatch_seconds_bucket{le="3600"} 2
		ehr_deliver_dispatch_seconds_bucket{le="+Inf"} 2
		ehr_deliver_dispatch_seconds_sum 2.75
		ehr_deliver_dispatch_seconds_count 2
		# TYPE ehr_deliver_ack_seconds histogram
		ehr_deliver_ack_seconds_bucket{le="0.25"} 0
		ehr_deliver_ack_seconds_bucket{le="1"} 0
		ehr_deliver_ack_seconds_bucket{le="5"} 0
		ehr_deliver_ack_seconds_bucket{le="30"} 0
		ehr_deliver_ack_seconds_bucket{le="60"} 1
		ehr_deliver_ack_seconds_bucket{le="300"} 1
		ehr_deliver_ack_seconds_bucket{le="900"} 1
		ehr_deliver_ack_seconds_bucket{le="3600"} 1
		ehr_deliver_ack_seconds_bucket{le="+Inf"} 1
		ehr_deliver_ack_seconds_sum 45.0
		ehr_deliver_ack_seconds_count 1
	END
}
