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

@test "a write-ahead log that is cut or garbled at any sector: what was synced before is there, and each commit as a whole" {
	local at size count least k sizes=() losses=0
	spool
	mkfifo hold
	# As long as somebody reads, the log is not emptied.
	sqlite3 spool/spool.db <hold >held 3>&- &
	exec 8>hold
	echo 'SELECT count(*) FROM intent;' >&8
	wait_until [ -s held ]
	for k in 1 2 3 4; do
		many_intents "$((100 * k))" 20 | ehr-deliver enqueue --spool spool -q 8>&-
		sizes+=("$(stat -c %s spool/spool.db-wal)")
	done
	size=${sizes[3]}
	for ((at = size; at >= 0 && at > size - 65536; at -= 512)); do
		rm -rf torn
		cp -r spool torn
		rm -f torn/spool.db-shm
		truncate -s "$at" torn/spool.db-wal
		[ $((at % 1024)) -eq 0 ] || head -c 512 /dev/urandom >>torn/spool.db-wal
		ehr 0 ehr-deliver list --spool torn
		count=$(wc -l <out)
		least=0
		for k in "${sizes[@]}"; do [ "$k" -gt "$at" ] || least=$((least + 20)); done
		[ "$count" -eq "$least" ]
		losses=$((losses + (count < 80)))
		[ $((at % 8192)) -ne 0 ] || ehr 0 ehr-deliver check -P P --spool torn
	done
	exec 8>&-
	[ "$losses" -gt 20 ]
	[ "$losses" -lt 128 ]
}

# What the kernel has not written is lost (EXT4_IOC_SHUTDOWN without a flush of the journal).
shut_down() {
	perl -e 'open(my $disk, "<", "disk") or die $!; my $how = pack("L", 2); ioctl($disk, 0x8004587d, $how) or die $!'
}

# on_loop: moves the spool to a file system of its own, disk/, which writes nothing that nobody syncs.
on_loop() {
	[ "$(id -u)" -eq 0 ] || skip 'root is not there'
	command -v mkfs.ext4 >/dev/null || skip 'e2fsprogs is not there'
	truncate -s 64M image
	mkdir -p disk
	mkfs.ext4 -q -F image
	mount -o loop,commit=300 image disk 2>/dev/null || skip 'loop devices are not there'
	shut_down 2>/dev/null || skip 'ext4 is not shut down here'
	umount disk
	mount -o loop,commit=300 image disk
	mv spool disk/spool
	sync -f disk
}

# power_cut [PROCESS ...]: the power is cut and comes back; the processes die with it.
power_cut() {
	shut_down
	[ $# -eq 0 ] || kill -9 "$@" 2>/dev/null || :
	[ $# -eq 0 ] || wait "$@" 2>/dev/null || :
	channels_end
	umount disk
	mount -o loop,commit=300 image disk
}

teardown() { ! mountpoint -q "$BATS_TEST_TMPDIR/disk" || umount -l "$BATS_TEST_TMPDIR/disk"; }

@test "ten power cuts on ext4: what enqueue answered is in the spool and is delivered" {
	native || return 0 # by time
	local i daemon writer
	# What was told is known elsewhere.
	spool "$(channel 'exec 9>>"'"$PWD"'/busy"
flock -s 9
while read -r line; do
	id=${line#*\"id\":\"}
	id=${id%%\"*}
	echo "$id" >>"'"$PWD"'/told"
	echo "{\"id\":\"$id\",\"code\":0}"
done')" 'many: 50,'
	channels_end() { flock busy true; }
	on_loop
	RANDOM=11
	: >durable
	for ((i = 0; i < 10; i++)); do
		ehr-deliver run -P P -S site --spool disk/spool 2>/dev/null 3>&- &
		daemon=$!
		many_intents "$((10000 * (i + 1)))" 2000 >given
		ehr-deliver enqueue --spool disk/spool given >answers 2>/dev/null 3>&- &
		writer=$!
		wait_until [ -s answers ]
		sleep "0.$(printf '%03d' $((RANDOM % 100)))"
		power_cut "$daemon" "$writer"
		grep '}$' answers >>durable || :
		ehr-deliver list --spool disk/spool | ids | sort >there
		ids <durable | sort | comm -23 - there >lost
		empty lost
	done
	[ "$(wc -l <durable)" -ge 1000 ]
	ehr 0 ehr-deliver run -P P -S site --spool disk/spool --drain
	sort -u told >delivered
	ids <durable | sort -u | comm -23 - delivered >lost
	empty lost
	ehr 0 ehr-deliver check -P P --spool disk/spool
}

@test "the same power cut loses something where no sync reaches the disk, on ext4, too" {
	native || return 0 # a preloaded disk or clock and a sanitizer exclude each other
	spool
	on_loop
	many_intents 1 200 >given
	env DISK_NO_SYNC=1 "DISK_FOLDER=$PWD/disk/spool" "LD_PRELOAD=$EHR_DISK_SO" ehr-deliver enqueue --spool disk/spool given >answers
	[ "$(wc -l <answers)" -eq 200 ]
	power_cut
	ehr-deliver list --spool disk/spool | ids | sort >there
	ids <answers | sort | comm -23 - there >lost
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
