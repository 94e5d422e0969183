# What breaks while ehr-deliver works: nothing that enqueue answered is lost, and what is sent twice has the same id.
bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/deliver

setup_file() { ward; }

# FIRST COUNT: intents n_FIRST and those behind it, of which each record is another.
many_intents() {
	[ -s one ] || intent NUMBER nurse-7 >one
	awk -v first="$1" -v count="$2" '{ for (i = first; i < first + count; i++) { line = $0; gsub(/NUMBER/, i, line); print line } }' one
}

# Notes each id that it is given in spool/log, and takes many messages at a call. While it runs it holds spool/busy.
noting_channel() {
	channel 'exec 9>busy; flock -s 9; jq -r .ehr.id | tee -a log | sed "s/.*/{\"id\":\"&\",\"code\":0}/"'
}

# Until no channel runs any more: one may outlive its dispatcher.
channels_end() {
	[ ! -e spool/busy ] || flock spool/busy true
}

# Every id in the file `durable` was delivered; prints how many came more than once.
all_delivered() {
	jq -r .id durable | sort -u >accepted
	sort -u spool/log >delivered
	comm -23 accepted delivered >lost
	empty lost
	sort spool/log | uniq -d | wc -l
}

is_over() { [[ $(state "$1") =~ ^(done|stopped)$ ]]; }

@test "200 kills at random moments: what enqueue answered is delivered, duplicates have the same id" {
	local kills=200 daemon writer again i
	spool "$(noting_channel)" 'many: 200,'
	RANDOM=7
	: >durable
	for ((i = 0; i < kills; i++)); do
		ehr-deliver run -P P -S site --spool spool 2>/dev/null 3>&- &
		daemon=$!
		many_intents "$((100000 + 20 * i))" 20 >given
		ehr-deliver enqueue --spool spool given >answers 3>&- &
		writer=$!
		sleep "0.$(printf '%03d' $((RANDOM % 60)))"
		kill -9 "$daemon"
		[ $((i % 2)) -eq 0 ] || kill -9 "$writer" 2>/dev/null || :
		wait "$daemon" "$writer" 2>/dev/null || :
		# A line that was cut is no answer.
		grep '}$' answers >>durable || :
	done
	[ "$(wc -l <durable)" -ge $((20 * kills / 2)) ]
	channels_end
	run_drain 0
	again=$(all_delivered)
	echo "# $(wc -l <accepted) answered, none lost, $again came more than once" >&3
	[ "$again" -le $((kills * 200)) ]
	ehr 0 ehr-deliver check -P P --spool spool
}

@test "a kill at the n-th write or sync of enqueue: what was answered is in the spool" {
	command -v strace >/dev/null || skip 'strace is not there'
	local n call
	spool "$(noting_channel)" 'many: 50,'
	for call in pwrite64 fdatasync; do
		for n in 1 2 3 5 8; do
			many_intents "$((n * 100))" 20 >given
			strace -qq -f -o trace -e inject="$call":signal=SIGKILL:when="$n" \
				ehr-deliver enqueue --spool spool given >answers 2>/dev/null || :
			grep '}$' answers >>durable || :
			ehr 0 ehr-deliver enqueue --spool spool given
			cat out >>durable
		done
	done
	run_drain 0
	[ "$(all_delivered)" -eq 0 ]
}

@test "a file that may not grow: only what is on disk is answered, and the spool goes on when there is room" {
	spool "$(noting_channel)" 'many: 50,'
	many_intents 1 4000 >given
	line 4 '(trap "" XFSZ; ulimit -f 400; ehr-deliver enqueue --spool spool given)'
	[ "$(wc -l <out)" -lt 4000 ]
	jq -r .id out >answered
	ehr-deliver list --spool spool | jq -r .id | cmp - answered
	ehr 0 ehr-deliver enqueue --spool spool given
	[ "$(wc -l <out)" -eq 4000 ]
	ehr 0 ehr-deliver check -P P --spool spool
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

# What init, enqueue and run do to the files of a spool, in the file `trace`.
traced_delivery() {
	local daemon i
	spool "$(noting_channel)" 'many: 20,'
	rm -r spool
	export DISK_TRACE=$PWD/trace
	"${on_disk[@]}" ehr-deliver init -P P --spool spool
	"${on_disk[@]}" ehr-deliver run -P P -S site --spool spool 2>/dev/null 3>&- &
	daemon=$!
	for i in {1..12}; do
		many_intents "$((100 * i))" 10 >given
		"${on_disk[@]}" ehr-deliver enqueue --spool spool given >>all
	done
	wait_until grep -q 'n_1209' spool/log
	kill "$daemon"
	wait "$daemon"
	unset DISK_TRACE
}

# Of each cut: what was answered and is not in the spool, or cannot be read at all, into the file `lost`.
after_cuts() {
	local folder
	mkdir cuts
	perl "$EHR_ROOT/tests/lib/cut.pl" trace 1 "$1" "$PWD/cuts"
	: >lost
	for folder in cuts/*.said; do
		folder=${folder%.said}
		grep '}$' "$folder.said" | jq -r .id | sort >said
		ehr-deliver list --spool "$folder" 2>/dev/null | jq -r .id | sort >there || echo "$folder: unreadable" >>lost
		comm -23 said there >>lost
		[ ! -s lost ] || continue
		ehr 0 ehr-deliver check -P P --spool "$folder"
	done
}

@test "100 power cuts that drop and reorder what was not synced: what enqueue answered is in the spool" {
	native || return 0 # a preloaded disk or clock and a sanitizer exclude each other
	local folder
	traced_delivery
	after_cuts 100
	[ "$(find cuts -name '*.said' | wc -l)" -eq 100 ]
	empty lost
	# After ten of them the rest is delivered.
	mv spool spool.whole
	for folder in cuts/*5.said; do
		rm -rf spool
		mv "${folder%.said}" spool
		cp spool.whole/log spool/log
		run_drain 0
		jq -r .id "$folder" | sort | comm -23 - <(sort -u spool/log) >missing
		empty missing
		ehr-deliver list --spool spool | jq -r 'select(.state != "done").id' >open
		empty open
	done
}

@test "the same power cuts lose something where no sync reaches the disk" {
	native || return 0 # a preloaded disk or clock and a sanitizer exclude each other
	DISK_NO_SYNC=1 traced_delivery
	after_cuts 20
	[ -s lost ]
}

@test "a full disk: nothing is answered or taken for done, it is said once, and all goes on when there is room" {
	native || return 0 # a preloaded disk or clock and a sanitizer exclude each other
	spool "$(noting_channel)" 'many: 20,'
	many_intents 1 20 >given
	export DISK_FULL=$PWD/full
	: >full
	ehr 4 "${on_disk[@]}" ehr-deliver enqueue --spool spool given
	empty out
	has err 'full'
	rm full
	"${on_disk[@]}" ehr-deliver run -P P -S site --spool spool 2>said 3>&- &
	wait_until [ -e spool/spool.lock ]
	intent a1 nurse-7 | ehr-deliver enqueue --spool spool -q
	wait_until grep -q n_a1 spool/log
	: >full
	ehr 0 ehr-deliver enqueue --spool spool given # where the disk is not full
	mv out durable
	wait_until [ -s said ]
	[ "$(cat spool/log)" = n_a1 ]
	rm full
	wait_until grep -q n_20 spool/log
	kill $!
	wait $!
	[ "$(all_delivered)" -eq 0 ]
	[ "$(wc -l <said)" -eq 1 ]
}

@test "a disk that fails to sync: nothing is answered or sent, and a clean start finds all of it" {
	native || return 0 # a preloaded disk or clock and a sanitizer exclude each other
	spool "$(noting_channel)" 'many: 20,'
	many_intents 1 20 >given
	export DISK_BROKEN=$PWD/broken
	: >broken
	ehr 4 "${on_disk[@]}" ehr-deliver enqueue --spool spool given
	empty out
	ehr 4 "${on_disk[@]}" ehr-deliver run -P P -S site --spool spool --drain
	has err 'spool.db: disk I/O error'
	rm broken
	ehr 0 "${on_disk[@]}" ehr-deliver enqueue --spool spool given
	mv out durable
	"${on_disk[@]}" ehr-deliver run -P P -S site --spool spool 2>said 3>&- &
	wait_until grep -q n_20 spool/log
	: >broken
	intent a1 nurse-7 | ehr-deliver enqueue --spool spool -q
	wait_until [ -s said ]
	ehr 1 grep n_a1 spool/log
	kill $!
	wait $! || [ $? -eq 4 ]
	rm broken
	channels_end
	run_drain 0
	[ "$(all_delivered)" -eq 0 ]
	ehr 0 ehr-deliver check -P P --spool spool
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

@test "two dispatchers at once, and the first is killed: the second takes over, nothing is sent twice by both" {
	local first second
	spool "$(noting_channel)" 'many: 20,'
	many_intents 1 200 >given
	ehr-deliver run -P P -S site --spool spool 2>/dev/null 3>&- &
	first=$!
	wait_until [ -e spool/spool.lock ]
	ehr-deliver run -P P -S site --spool spool 2>/dev/null 3>&- &
	second=$!
	ehr 0 ehr-deliver enqueue --spool spool given
	mv out durable
	wait_until [ -s spool/log ]
	kill -9 "$first"
	wait "$first" || :
	wait_until sh -c 'ehr-deliver list --spool spool | jq -e -s "all(.state == \"done\")" >/dev/null'
	channels_end
	kill "$second"
	wait "$second"
	[ "$(all_delivered)" -le 20 ]
}

@test "a spool of an older schema is migrated once, and the old database is kept beside it" {
	command -v sqlite3 >/dev/null
	spool "$(noting_channel)" 'many: 20,'
	many_intents 1 20 | ehr-deliver enqueue --spool spool -q
	intent c1 nurse-7 critical | ehr-deliver enqueue --spool spool -q
	sqlite3 spool/spool.db 'DROP INDEX intent_order; DROP INDEX intent_expires; DROP INDEX intent_told;
		ALTER TABLE intent DROP COLUMN urgent; ALTER TABLE intent DROP COLUMN resume;
		CREATE INDEX intent_order ON intent (channel, dispatch_by, urgency DESC, seq) WHERE state = "due"; PRAGMA user_version = 1'
	: >spool/spool.db.v1.new # an earlier try was cut off
	for _ in 1 2 3 4; do ehr-deliver list --spool spool >/dev/null 3>&- & done
	wait
	[ "$(sqlite3 spool/spool.db 'PRAGMA user_version')" = 5 ]
	[ "$(sqlite3 spool/spool.db.v1 'PRAGMA user_version; SELECT count(*) FROM intent' | tr '\n' ' ')" = '1 21 ' ]
	[ "$(sqlite3 spool/spool.db 'SELECT group_concat(id) FROM intent WHERE urgent')" = n_c1 ]
	[ "$(stat -c %a spool/spool.db.v1)" = 600 ]
	run_drain 75
	[ "$(wc -l <spool/log)" -eq 21 ]
}

@test "a spool of schema 3 is migrated with all that waits in it, and what it tells that a case is over says so by its kind" {
	command -v sqlite3 >/dev/null
	spool "$(noting_channel)" 'many: 20,'
	intent c1 nurse-7 critical | ehr-deliver enqueue --spool spool -q
	run_drain 75
	ehr 0 ehr-deliver resolve --spool spool --by ward "$(sqlite3 spool/spool.db 'SELECT id FROM trouble')"
	sqlite3 spool/spool.db "DROP INDEX intent_told; ALTER TABLE intent DROP COLUMN resume; PRAGMA user_version = 3;
		UPDATE intent SET line = json_set(line, '$.kind', 'data') WHERE kind = 'resolved'"
	sqlite3 spool/spool.db .dump | grep -v application_id >before
	run_drain 0
	[ "$(tail -n 1 spool/log)" = n_c1.resolved ]
	[ "$(sqlite3 spool/spool.db.v3 .dump | grep -v application_id | cmp - before && sqlite3 spool/spool.db.v3 'PRAGMA user_version')" = 3 ]
	ehr 0 ehr-deliver check -P P --spool spool
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
