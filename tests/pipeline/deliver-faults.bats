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
	flock spool/busy true
}

# Every id in the file `durable` was delivered; prints how many came more than once.
all_delivered() {
	jq -r .id durable | sort -u >accepted
	sort -u spool/log >delivered
	comm -23 accepted delivered >lost
	empty lost
	sort spool/log | uniq -d | wc -l
}

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
	DISK_NO_SYNC=1 traced_delivery
	after_cuts 20
	[ -s lost ]
}
