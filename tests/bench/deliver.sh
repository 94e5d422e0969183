# shellcheck shell=bash disable=SC2154 # sourced by run.sh, which sets the variables
# Intents that are on disk when they are answered, and beside it what SQLite alone does with the same rows: as many to
# a transaction, synced in the same way, without reading, checking or answering a line.
deliver() {
	local count=100000 spool=$work/spool
	ehr-deliver init -P $P --spool "$spool"
	cp -r "$spool" "$work/spool.empty"
	seq "$count" | awk '{ printf "{\"ehr\":{\"v\":1,\"stage\":\"intent\",\"id\":\"n_%s\",\"event\":\"e_%s\",\"record\":\"r_%s\",\"subject\":\"s_a\",\"rl\":\"N\",\"al\":3,\"criticality\":\"routine\",\"policy\":\"sha256:0\"},\"kind\":\"data\",\"to\":{\"subscription\":\"nurse-7\",\"party\":\"nurse\",\"class\":\"care-team\",\"step\":0},\"deadline\":{\"after\":\"PT0S\",\"dispatch\":\"PT12H\",\"expires\":\"PT24H\"},\"ref\":\"r_%s/N\",\"payload\":\"reference\",\"purpose\":\"TREAT\",\"grant\":\"g\",\"obligations\":[]}\n", $1, $1, $1, $1 }' >"$work/intents"
	ehr-deliver enqueue --spool "$spool" -q "$work/intents"
	{
		echo 'PRAGMA synchronous = FULL; BEGIN;'
		sqlite3 "$spool/spool.db" '.mode insert intent' 'SELECT * FROM intent' |
			awk '{ print } NR % 4096 == 0 { print "COMMIT; BEGIN;" }'
		echo 'COMMIT;'
	} >"$work/rows.sql"
	local anew="rm -rf $spool && cp -r $work/spool.empty $spool"
	pair 1 "$anew && ehr-deliver enqueue --spool $spool $work/intents" "$anew && sqlite3 $spool/spool.db <$work/rows.sql"
	say "deliver, durable" "$(awk "BEGIN { printf \"%d\", 1000 * $count / $ours }")" "1/s" least 30000 \
		"intents; sqlite3 with the same rows: $(awk "BEGIN { printf \"%d\", 1000 * $count / $theirs }")"
	rm -rf "$spool" "$work/spool.empty" "$work/intents" "$work/rows.sql"
}

# A site with a channel that takes about a millisecond: it notes when each id came to it.
deliver_ward() {
	export EHR_ROOT=$PWD EHR_BIN=${PATH%%:*} BATS_FILE_TMPDIR=$work/ward
	mkdir "$work/ward" "$work/deliver"
	# shellcheck source=tests/lib/deliver.bash
	. tests/lib/deliver.bash
	ward
	cd "$work/deliver" || return
	channel 'read -r line; id=${line#*\"id\":\"}; id=${id%%\"*}; date "+%s%3N $id" >>log; echo "{\"id\":\"$id\",\"code\":0}"' >program
	spool "$(cat program)" 'many: 1,'
	sed -i 's/slots: 1, many/slots: 4, many/; s/^order:.*/order: {slots: 8, reserved: 1}/' P/notify.yaml
	intent NUMBER nurse-7 >one
}

# COUNT: so many routine intents into the spool.
deliver_routine() {
	yes "$(cat one)" | head -n "$1" | awk '{ gsub(/NUMBER/, NR); print }' | ehr-deliver enqueue --spool spool -q
}

deliver_urgent() (
	deliver_ward
	deliver_routine 4000
	ehr-deliver run -P P -S site --spool spool &
	wait_until test -s spool/log
	for i in {1..11}; do
		intent "c$i" nurse-7 critical | ehr-deliver enqueue --spool spool -q
		asked=$(date +%s%3N)
		wait_until grep -q "n_c$i\$" spool/log
		awk -v asked="$asked" -v id="n_c$i" '$2 == id { print $1 - asked }' spool/log >>waited
	done
	kill "$!"
	wait "$!"
	sort -n waited >sorted
	say "critical behind 4,000" "$(sed -n 6p sorted)" ms most 25 "from its answer to its channel, middle of 11; most: $(tail -n 1 sorted) ms"
	rm -rf "$work/ward" "$work/deliver"
	exit "$missed"
)

deliver_start() (
	deliver_ward
	deliver_routine 100000
	asked=$(date +%s%3N)
	ehr-deliver run -P P -S site --spool spool &
	wait_until test -s spool/log
	kill "$!"
	wait "$!"
	say "start, 100,000 open" "$(($(head -n 1 spool/log | cut -d' ' -f1) - asked))" ms most 1000 "ehr-deliver run, to the first message"
	rm -rf "$work/ward" "$work/deliver"
	exit "$missed"
)

# One reading from its line to its message, by all programs one behind the other, while the dispatcher runs.
deliver_reading() (
	export EHR_ROOT=$PWD EHR_BIN=${PATH%%:*} BATS_FILE_TMPDIR=$work/ward
	local i asked came=site/spool/out/nurse
	mkdir "$work/ward"
	# shellcheck source=tests/lib/notify.bash
	. tests/lib/notify.bash
	# shellcheck source=tests/lib/deliver.bash
	. tests/lib/deliver.bash
	told && SUBJECT=$(ehr-keys pseudonym -P "$P" -S site --kind subject Patient/w2) && granted nurse 3 nurse
	subscribed nurse care-team ',"route":[{"channel":"file","to":"nurse"}]' >site/subscriptions/nurse.ndjson
	ehr-deliver init -P "$P" -S site
	ehr-deliver run -P "$P" -S site &
	for i in 1 2 3; do
		asked=$(date +%s%3N)
		printf '{"resourceType":"Observation","id":"o%s","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]},"subject":{"reference":"Patient/w2"},"effectiveDateTime":"%s","valueQuantity":{"value":150,"unit":"/min","system":"http://unitsofmeasure.org","code":"/min"}}\n' "$i" "$now" |
			ehr-ingest --from lines | ehr-classify -P "$P" --now "$now" | ehr-redact -P "$P" -S site | ehr-seal -P "$P" -S site |
			ehr-notify -P "$P" -S site --now "$now" | ehr-deliver enqueue -S site -q
		wait_until test -s "$came"
		mv "$came" came
		echo "$(($(date -d "$(jq -r .at came)" +%s%3N) - asked))" >>waited
	done
	kill "$!"
	wait "$!"
	say "reading to channel" "$(sort -n waited | sed -n 2p)" ms most 250 "middle of 3; most: $(sort -n waited | tail -n 1) ms"
	rm -rf "$work/ward"
	exit "$missed"
)
