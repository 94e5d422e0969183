# What changes while ehr-deliver works: its clock, its channel, its grants, its database and the schema of it.
bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/deliver

setup_file() { ward; }

is_over() { [[ $(state "$1") =~ ^(done|stopped)$ ]]; }

@test "a channel that is dead for the whole run: nothing is lost, and all of it goes when it is back" {
	spool "$(channel '[ -e up ] || exit 75; jq -r .ehr.id | tee -a log | sed "s/.*/{\"id\":\"&\",\"code\":0}/"')" 'many: 50,'
	many_intents 1 300 >given
	ehr 0 ehr-deliver enqueue --spool spool given
	mv out durable
	run_drain 75
	ehr 0 ehr-deliver status --spool spool
	has out resting
	touch spool/up
	ehr 0 ehr-deliver retry --spool spool --channel file --subscription nurse-7
	run_drain 0
	[ "$(all_delivered)" -eq 0 ]
}

@test "a clock that is put forward, back, or into 2038 makes nothing early or late" {
	native || return 0 # a preloaded disk or clock and a sanitizer exclude each other
	local shift left
	export CLOCK_SHIFT=$PWD/shift
	for shift in 3600 -3600 400000000 -400000000; do
		rm -rf spool site P
		echo 0 >"$CLOCK_SHIFT"
		spool
		{
			step c2 nurse-7 critical 1 1800
			step r2 nurse-7 routine 1 1800
		} | "${on_disk[@]}" ehr-deliver enqueue --spool spool -q
		ehr 75 "${on_disk[@]}" ehr-deliver run -P P -S site --spool spool --drain
		echo "$shift" >"$CLOCK_SHIFT"
		ehr 75 "${on_disk[@]}" ehr-deliver run -P P -S site --spool spool --drain
		has err "the clock was put $([ "$shift" -gt 0 ] && echo forward || echo back) by "
		[ "$(state n_c2) $(state n_r2)" = 'held held' ]
		left=$(sqlite3 spool/spool.db "SELECT due / 1000 - unixepoch() - ($shift) FROM intent WHERE id = 'n_c2'")
		[ "$left" -gt 1700 ]
		[ "$left" -le 1800 ]
		# And once more, to the right time, while enqueue is the first to see it.
		echo 0 >"$CLOCK_SHIFT"
		intent a1 nurse-7 | "${on_disk[@]}" ehr-deliver enqueue --spool spool -q
		ehr 75 "${on_disk[@]}" ehr-deliver run -P P -S site --spool spool --drain
		lacks err clock
		[ "$(state n_c2) $(state n_r2) $(state n_a1)" = 'held held done' ]
	done
}

@test "a clock that is put while the dispatcher runs makes nothing early or late" {
	native || return 0 # a preloaded disk or clock and a sanitizer exclude each other
	local shift n=0 daemon
	export CLOCK_SHIFT=$PWD/shift
	echo 0 >"$CLOCK_SHIFT"
	spool
	step c2 nurse-7 critical 1 1800 | "${on_disk[@]}" ehr-deliver enqueue --spool spool -q
	"${on_disk[@]}" ehr-deliver run -P P -S site --spool spool 2>said 3>&- &
	daemon=$!
	for shift in 7200 -7200 400000000; do
		# The dispatcher is the first to see it, when the wait of this intent is over.  The gate goes by the time of
		# day, by which the grant is too early or has expired.
		n=$((n + 1))
		step "t$n" nurse-7 routine 1 1 | "${on_disk[@]}" ehr-deliver enqueue --spool spool -q
		echo "$shift" >"$CLOCK_SHIFT"
		wait_until is_over "n_t$n"
		[ "$(state n_c2)" = held ]
		# Enqueue is the first to see that it is right again.
		echo 0 >"$CLOCK_SHIFT"
		intent "a$n" nurse-7 | "${on_disk[@]}" ehr-deliver enqueue --spool spool -q
		wait_until is_over "n_a$n"
		[ "$(state n_c2)" = held ]
	done
	kill "$daemon"
	wait "$daemon"
	[ "$(grep -c 'the clock was put' said)" -ge 3 ]
	left=$(sqlite3 spool/spool.db "SELECT due / 1000 - unixepoch() FROM intent WHERE id = 'n_c2'")
	[ "$left" -gt 1700 ]
	[ "$left" -le 1801 ]
}

@test "a clock that is put moves what was sent, too: nothing is told twice, and prune takes out nothing early" {
	native || return 0 # a preloaded disk or clock and a sanitizer exclude each other
	export CLOCK_SHIFT=$PWD/shift
	echo 0 >"$CLOCK_SHIFT"
	spool '' '' ',"delivery":{"dedupe":"1h"}'
	intent a1 nurse-7 | "${on_disk[@]}" ehr-deliver enqueue --spool spool -q
	ehr 0 "${on_disk[@]}" ehr-deliver run -P P -S site --spool spool --drain
	echo 7200 >"$CLOCK_SHIFT"
	intent a2 nurse-7 | sed 's/r_a2/r_a1/g' | "${on_disk[@]}" ehr-deliver enqueue --spool spool -q
	ehr 0 "${on_disk[@]}" ehr-deliver run -P P -S site --spool spool --drain
	[ "$(ehr-deliver list --spool spool | jq -r 'select(.id == "n_a2").reason')" = dedupe ]
	[ "$(sqlite3 spool/spool.db "SELECT first_sent >= started AND finished >= started AND started >= accepted FROM attempt JOIN intent ON seq = intent WHERE id = 'n_a1'")" = 1 ]
	echo 400000000 >"$CLOCK_SHIFT"
	ehr 0 "${on_disk[@]}" ehr-deliver prune -P P --spool spool
	[ "$(ehr-deliver list --spool spool | wc -l)" -eq 2 ]
}

@test "a grant that is revoked while the dispatcher waits stops the very next message" {
	local status=0
	spool
	ehr-deliver run -P P -S site --spool spool 2>said 3>&- &
	intent a1 nurse-7 | ehr-deliver enqueue --spool spool -q
	wait_until grep -q n_a1 spool/out/nurse7
	ehr-keys revoke -S site --grant "$(claim jti)" >/dev/null
	intent b1 nurse-7 | ehr-deliver enqueue --spool spool -q
	ended() { [ "$(state n_b1)" = stopped ]; }
	wait_until ended
	ehr 1 grep -q n_b spool/out/nurse7
	# Without the list the revoked would be told again.
	rm site/revoked.jwt
	wait $! || status=$?
	[ "$status" -ne 0 ]
	has said revoked.jwt
}

@test "another database in the place of the open one ends the dispatcher with 4" {
	local status=0
	spool
	ehr-deliver backup --spool spool copy.db
	ehr-deliver run -P P -S site --spool spool 2>said 3>&- &
	wait_until [ -e spool/spool.lock ]
	intent a1 nurse-7 | ehr-deliver enqueue --spool spool -q
	wait_until grep -q n_a1 spool/out/nurse7
	mv copy.db spool/spool.db
	wait $! || status=$?
	[ "$status" -eq 4 ]
	has said 'spool.db was replaced or taken away while it was in use'
}

@test "a copy of the spool made while it is in use is whole" {
	spool "$(noting_channel)" 'many: 50,'
	ehr-deliver run -P P -S site --spool spool 2>/dev/null 3>&- &
	local daemon=$!
	many_intents 1 500 | ehr-deliver enqueue --spool spool -q
	ehr 0 ehr-deliver backup --spool spool copy.db
	kill "$daemon"
	wait "$daemon"
	mkdir -m 700 copy
	mv copy.db copy/spool.db
	cp spool/ack.key copy
	ehr 0 ehr-deliver check -P P --spool copy
	[ "$(ehr-deliver list --spool copy | wc -l)" -eq 500 ]
}

@test "a spool of each older schema is migrated once, with all that waits in it, and the old database is kept beside it" {
	command -v sqlite3 >/dev/null
	local version newest
	spool "$(noting_channel)" 'many: 20,'
	newest=$(sqlite3 spool/spool.db 'PRAGMA user_version')
	[ "$newest" -eq $(($(grep -c 'PRAGMA user_version' "$EHR_ROOT/testdata/spool/schemas.sql") + 1)) ]
	for ((version = 1; version < newest; version++)); do
		rm -f spool/spool.db* spool/log
		sed "/user_version = $version;/q" "$EHR_ROOT/testdata/spool/schemas.sql" | sqlite3 spool/spool.db
		chmod 600 spool/spool.db
		sqlite3 spool/spool.db .dump >before
		: >"spool/spool.db.v$version.new" # an earlier try was cut off
		for _ in 1 2 3; do ehr-deliver list --spool spool >/dev/null 3>&- & done
		wait
		[ "$(sqlite3 spool/spool.db 'PRAGMA user_version')" = "$newest" ]
		[ "$(sqlite3 "spool/spool.db.v$version" 'PRAGMA user_version')" = "$version" ]
		sqlite3 "spool/spool.db.v$version" .dump | cmp - before
		[ "$(stat -c %a "spool/spool.db.v$version")" = 600 ]
		[ "$(ls spool/spool.db.v*)" = "spool/spool.db.v$version" ]
		[ "$(sqlite3 spool/spool.db 'SELECT group_concat(id) FROM (SELECT id FROM intent WHERE urgent ORDER BY id)')" = n_b1.resolved,n_c1 ]
		run_drain 75
		sort spool/log >told
		same told <<<$'n_a1\nn_b1.resolved\nn_c1'
		[ "$(state n_c1)" = sent ]
		# What was told before is known: the same version of the record in another event tells nobody.
		{
			event e3 m_N m_R | sed 's/r_x/r_a2/'
			intent a3 nurse-7 routine N 3 '' e3 | sed 's/r_a3/r_a2/g'
		} | ehr-deliver enqueue --spool spool -q
		[ "$(state n_a3)" = unchanged ]
		ehr 0 ehr-deliver check -P P --spool spool
	done
}
