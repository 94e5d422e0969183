# Where a message goes when nobody answers, a channel fails, or its time is over.
bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/deliver

setup_file() { ward; }

# Two channels: `file` runs BODY, `other` notes what it gets in spool/other.
two_channels() {
	printf '#!/bin/sh\ncat >>other\n' >other.sh
	OTHER=$PWD/other.sh ROUTES=",{\"channel\":\"other\",\"to\":\"pager\"${2:-}}" spool "$(channel "$1")"
}

# As if SECONDS had passed for all that waits.
pass() {
	sqlite3 spool/spool.db "UPDATE intent SET due = due - 1000 * $1, dispatch_by = dispatch_by - 1000 * $1, expires = expires - 1000 * $1,
		accepted = accepted - 1000 * $1, first_sent = first_sent - 1000 * $1, last_sent = last_sent - 1000 * $1;
		UPDATE attempt SET started = started - 1000 * $1, finished = finished - 1000 * $1;
		UPDATE trouble SET acked = acked - 1000 * $1; UPDATE channel SET retry_at = retry_at - 1000 * $1"
}

sent() {
	jq -r '[.ehr.id, .to, .try] | join(" ")' spool/other
}

@test "after: what was sent and not acknowledged goes to the next route when the subscription says so" {
	two_channels 'exit 0' ',"after":"30s"'
	intent c1 nurse-7 critical N 3 3600 | ehr-deliver enqueue --spool spool -q
	run_drain 75
	[ ! -e spool/other ]
	pass 29
	run_drain 75
	[ ! -e spool/other ]
	pass 2
	run_drain 75
	[ "$(sent)" = 'n_c1 pager 1' ]
	[ "$(state n_c1)" = sent ]
	pass 3600
	run_drain 75
	[ "$(jq -r .kind spool/other | tr '\n' ' ')" = 'data reminder ' ]
}

@test "after: where no acknowledgement is wanted, what was not taken goes to the next route" {
	two_channels 'exit 75' ',"after":"90s"'
	intent a1 nurse-7 | ehr-deliver enqueue --spool spool -q
	run_drain 75
	pass 70
	run_drain 75
	[ "$(state n_a1)" = held ]
	[ ! -e spool/other ]
	pass 21
	run_drain 0
	[ "$(sent)" = 'n_a1 pager 1' ]
}

@test "a route that is given up hands over to the next one at once" {
	two_channels 'exit 65'
	intent a1 nurse-7 | ehr-deliver enqueue --spool spool -q
	run_drain 0
	[ "$(sent)" = 'n_a1 pager 1' ]
}

@test "a channel that rests, is held or is not the policy's: what is urgent takes the next route" {
	local i
	two_channels 'exit 75'
	for i in 1 2 3 4 5; do intent "a$i" nurse-7; done | ehr-deliver enqueue --spool spool -q
	intent c1 nurse-7 critical | ehr-deliver enqueue --spool spool -q
	run_drain 75
	[ "$(sent)" = 'n_c1 pager 1' ]
	[ "$(state n_a1)" = held ]
	rm spool/other
	intent c2 nurse-7 critical | ehr-deliver enqueue --spool spool -q
	run_drain 75
	[ "$(sent)" = 'n_c2 pager 1' ]
	rm spool/other
	ehr 0 ehr-deliver retry --spool spool --channel file
	ehr 0 ehr-deliver hold --spool spool --channel file
	intent c3 nurse-7 critical | ehr-deliver enqueue --spool spool -q
	run_drain 75
	[ "$(sent)" = 'n_c3 pager 1' ]
	rm spool/other
	ehr 0 ehr-deliver release --spool spool --channel file
	echo '#' >>channel.sh
	intent c4 nurse-7 critical | ehr-deliver enqueue --spool spool -q
	run_drain 75
	[ "$(sent)" = 'n_c4 pager 1' ]
}

@test "no route of a step is up: the next step does not wait for its time" {
	spool "$(channel 'exit 75')"
	{
		intent c1 nurse-7 critical
		step c2 nurse-7 critical 1 3600
	} | ehr-deliver enqueue --spool spool -q
	ehr 0 ehr-deliver hold --spool spool --channel file
	run_drain 75
	[ "$(state n_c1) $(state n_c2)" = 'due due' ]
}

@test "what is past its time ends, also on a channel that rests; the case comes to the last resort" {
	spool "$(channel 'exit 75')"
	intent a1 nurse-7 | ehr-deliver enqueue --spool spool -q
	intent c1 nurse-7 critical | ehr-deliver enqueue --spool spool -q
	ehr 0 ehr-deliver hold --spool spool --channel file
	run_drain 75
	pass 90000
	run_drain 75
	[ "$(state n_a1) $(state n_c1)" = 'expired expired' ]
	[ "$(ehr-deliver list --spool spool | jq -r 'select(.kind == "last-resort").state')" = due ]
}

@test "a message that was sent and not acknowledged ends as missed when its time is over" {
	spool
	intent c1 nurse-7 critical | ehr-deliver enqueue --spool spool -q
	run_drain 75
	sed -i 's/remind: 2/remind: 0/' P/notify.yaml
	pass 61
	run_drain 0
	[ "$(state n_c1)" = sent ]
	pass 90000
	run_drain 0
	ehr-deliver list --spool spool | jq -r 'select(.id == "n_c1") | [.state, .reason] | join(" ")' >ended
	same ended <<<'expired missed'
}

@test "reack: a case that was acknowledged and not resolved asks again, though nothing else happens" {
	spool
	sed -i 's/reack: 30m/reack: 1s/' P/notify.yaml
	intent c1 nurse-7 critical | ehr-deliver enqueue --spool spool -q
	run_drain 75
	ehr 0 ehr-deliver ack --spool spool n_c1 --by nurse
	ehr-deliver run -P P -S site --spool spool 2>err 3>&- &
	wait_until grep -q reminder spool/out/nurse7
	kill $!
	wait $! || :
}

@test "an exhausted case that gets worse news comes to the last resort once more" {
	spool
	sed -i 's/remind: 2/remind: 0/' P/notify.yaml
	local i
	for i in 1 2; do
		intent "c$i" nurse-7 critical | ehr-deliver enqueue --spool spool -q
		run_drain 75
		pass 61
		run_drain 0
		[ "$(wc -l <spool/out/desk)" -eq "$i" ]
	done
	[ "$(jq -r .ehr.id spool/out/desk | sort -u | wc -l)" -eq 2 ]
}

# Whatever waits behind it.
drain() { ehr-deliver run -P P -S site --spool spool --drain || [ $? -eq 75 ]; }

@test "a step that nobody answered is told anew with the next reading; one that is still waited for is not" {
	spool
	sed -i 's/remind: 2/remind: 0/' P/notify.yaml
	local i
	for i in 1 2 3; do
		{
			intent "c$i" nurse-7 critical N 3 600
			step "d$i" nurse-7 critical 1 60
		} | ehr-deliver enqueue --spool spool -q
		drain
		[ "$i" -ne 1 ] || pass 61
		drain
		[ "$i" -ne 2 ] || pass 601
		drain
	done
	ehr-deliver list --spool spool | jq -r 'select(.kind == "data" and .step == 1) | [.id, .state, .reason // "-"] | join(" ")' >steps
	same steps <<-'END'
		n_d1 sent missed
		n_d2 cancelled merged
		n_d3 held -
	END
}

@test "an acknowledgement counts as long as a message of its tier: what comes later is a case of its own, with its steps" {
	spool
	local i
	for i in 1 2 3; do
		{
			intent "h$i" nurse-7 high
			step "k$i" nurse-7 high 1 300
		} | ehr-deliver enqueue --spool spool -q
		drain
		[ "$i" -ne 1 ] || ehr 0 ehr-deliver ack --spool spool n_h1 --by nurse
		[ "$i" -ne 2 ] || pass 86400
	done
	[ "$(for i in 1 2 3; do echo "$(state "n_h$i") $(state "n_k$i")"; done | tr '\n' ',')" = 'acked cancelled,acked cancelled,sent held,' ]
	[ "$(sqlite3 spool/spool.db 'SELECT group_concat(state || (closed IS NOT NULL)) FROM (SELECT * FROM trouble ORDER BY opened)')" = 'acked1,open0' ]
}

# RECORD EVENT CRITICALITY: an event of it, and, if it is urgent, what the nurse is told.
reading() {
	event "$2" "m_$2" m_r | sed "s/r_x/r_$1/; s/routine/$3/"
	[ "$3" = routine ] || intent "$2" nurse-7 "$3" N 3 600 "$2" | sed "s/r_$2/r_$1/g"
}

@test "a record that is less urgent by now ends its case, and not one in which another record is still so urgent" {
	spool
	{
		reading a 1 critical
		reading b 2 critical
		step k2 nurse-7 critical 1 3600 | sed 's/r_k2/r_b/g'
		reading a 3 high
	} | ehr-deliver enqueue --spool spool -q
	[ "$(sqlite3 spool/spool.db "SELECT state FROM trouble WHERE urgency = 4")" = open ]
	[ "$(state n_k2)" = held ]
	# It is worse once more, and better, and then so is the other one.
	reading a 4 critical | ehr-deliver enqueue --spool spool -q
	reading b 5 routine | ehr-deliver enqueue --spool spool -q
	[ "$(sqlite3 spool/spool.db "SELECT state FROM trouble WHERE urgency = 4")" = open ]
	reading a 6 routine | ehr-deliver enqueue --spool spool -q
	[ "$(sqlite3 spool/spool.db "SELECT group_concat(DISTINCT state) FROM trouble")" = resolved ]
	[ "$(state n_k2)" = cancelled ]
}

@test "a floor notice of another record, of which nothing more is known, keeps its case open" {
	spool
	{
		reading a 1 critical
		intent f1 nurse-7 critical | jq -c '.kind = "floor" | del(.ref, .ehr.rl, .ehr.al, .ehr.record)'
		reading a 2 routine
	} | ehr-deliver enqueue --spool spool -q
	[ "$(sqlite3 spool/spool.db "SELECT state FROM trouble")" = open ]
	rm -r spool
	ehr-deliver init -P P --spool spool
	{
		reading a 1 critical
		intent f1 nurse-7 critical N 3 600 1 | jq -c '.kind = "floor" | del(.ref, .ehr.rl, .ehr.al, .ehr.record)'
		reading a 2 routine
	} | ehr-deliver enqueue --spool spool -q
	[ "$(sqlite3 spool/spool.db "SELECT state FROM trouble")" = resolved ]
}

@test "what is urgent goes first, also before what is overdue; else the earliest deadline" {
	spool
	{
		intent r1 nurse-7 routine
		intent l1 nurse-7 low
	} | ehr-deliver enqueue --spool spool -q
	pass 50000
	intent c1 nurse-7 critical | ehr-deliver enqueue --spool spool -q
	run_drain 75
	jq -r .ehr.id spool/out/nurse7 >ids
	same ids <<<$'n_c1\nn_l1\nn_r1'
}

# How many calls of the channel hang; what is urgent passes.
hanging() { [ "$(cat spool/hangs 2>/dev/null | wc -l)" -eq "$1" ]; }

@test "slots: what hangs fills all but those kept for what is urgent, of its channel and of all, and something urgent passes" {
	local daemon
	spool "$(channel 'read -r line
		case $line in *\"criticality\":\"critical\"*) echo "$line" >>urgent; exit 0 ;; esac
		echo x >>hangs
		until [ -e go ]; do sleep 0.05; done')" 'timeout: 600s,'
	for row in '4 16 3' '16 3 3'; do
		read -r slots all most <<<"$row"
		rm -f spool/hangs spool/urgent spool/go
		sed -i "s/file: {\(.*\)slots: [0-9]*/file: {\1slots: $slots/; s/^order:.*/order: {slots: $all, reserved: 1}/" P/notify.yaml
		for i in {1..30}; do intent "r$slots.$i" nurse-7; done | ehr-deliver enqueue --spool spool -q
		ehr-deliver run -P P -S site --spool spool 2>/dev/null 3>&- &
		daemon=$!
		wait_until hanging "$most"
		for i in 1 2 3; do
			intent "c$slots.$i" nurse-7 critical | ehr-deliver enqueue --spool spool -q
			wait_until grep -q "n_c$slots.$i" spool/urgent
		done
		hanging "$most"
		touch spool/go
		kill "$daemon"
		wait "$daemon"
		sqlite3 spool/spool.db "DELETE FROM intent"
	done
}
