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
