# What breaks while ehr-deliver works: nothing that enqueue answered is lost, and what is sent twice has the same id.
bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/deliver

setup_file() { ward; }

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
	ids <out >answered
	ehr-deliver list --spool spool | ids | cmp - answered
	ehr 0 ehr-deliver enqueue --spool spool given
	[ "$(wc -l <out)" -eq 4000 ]
	ehr 0 ehr-deliver check -P P --spool spool
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
		grep '}$' "$folder.said" | ids | sort >said
		ehr-deliver list --spool "$folder" 2>/dev/null | ids | sort >there || echo "$folder: unreadable" >>lost
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
		ids <"$folder" | sort | comm -23 - <(sort -u spool/log) >missing
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

@test "an event that was cut off before its intents hides no change from those of the next" {
	spool
	mkfifo feed
	ehr-deliver enqueue --spool spool <feed >answers 3>&- &
	exec 9>feed
	event e1 m_one m_two >&9
	wait_until grep -q e_e1 answers
	kill -9 $!
	wait $! || true
	exec 9>&-
	{
		event e2 m_one m_two
		intent a2 nurse-7 routine N 3 '' e2
		event e3 m_one m_two
		intent a3 nurse-7 routine N 3 '' e3
	} | sed 's/r_a[0-9]/r_x/g' | ehr-deliver enqueue --spool spool -q
	[ "$(state n_a2) $(state n_a3)" = 'due unchanged' ]
	# An event whose input has ended is whole, though nobody was to be told.
	event e4 m_four m_two | ehr-deliver enqueue --spool spool -q
	{
		event e5 m_four m_two
		intent a5 nurse-7 routine N 3 '' e5
	} | sed 's/r_a[0-9]/r_x/g' | ehr-deliver enqueue --spool spool -q
	[ "$(state n_a5)" = unchanged ]
}
