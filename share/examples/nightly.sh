#!/bin/bash
# usage: nightly.sh POLICY SITE UPLOADS STORE [NOW]
#
# Takes each file of the folder UPLOADS through the pipeline, for cron.  What became of FILE stands in STORE/FILE/:
#
#	sealed.ndjson      the versions
#	intents.ndjson     who is to be told
#	refused.*.ndjson   records that a stage refused; as sensitive as the upload
#	run                the time, and the digests of input and policy: what replay.sh wants
#
# That folder is there only if every stage ended well: it is written under another name and renamed last.  A file
# whose folder is there is not done again.  Ends with 1 if records were refused or something critical reaches nobody,
# with the worst status from 2 on if a file could not be done; the others are done all the same.
set -euo pipefail
umask 077
[ $# -ge 4 ] || {
	sed -n 's/^# usage/usage/p' "$0" >&2
	exit 2
}
policy=$1 site=$2 uploads=$3 store=$4
now=${5:-$(date -u +%Y-%m-%dT%H:%M:%SZ)}
worst=0

# How bad a status is: its place in the list of ehr(7).  What is not in it (a signal, a missing program) is worst.
badness() {
	local place=0 status
	for status in 0 1 7 75 5 2 3 6 126 4 9; do
		[ "$1" -ne "$status" ] || break
		place=$((place + 1))
	done
	echo "$place"
}

worse() {
	[ "$(badness "$1")" -ge "$(badness "$2")" ] && echo "$1" || echo "$2"
}

# One upload into the folder $work; its status in $status.  A stage that died looks to the next like the end of its
# input: so all statuses are looked at, and only then is the output worth anything.
take() {
	local keep=(--on-error quarantine --quarantine) stages one
	status=0
	set +e
	ehr-ingest "${keep[@]}" "$work/refused.ingest.ndjson" "$1" |
		ehr-classify -P "$policy" --now "$now" "${keep[@]}" "$work/refused.classify.ndjson" |
		ehr-redact -P "$policy" -S "$site" --now "$now" "${keep[@]}" "$work/refused.redact.ndjson" |
		ehr-seal -P "$policy" -S "$site" >"$work/sealed.ndjson"
	stages=("${PIPESTATUS[@]}")
	ehr-notify -P "$policy" -S "$site" --now "$now" "$work/sealed.ndjson" >"$work/intents.ndjson"
	stages+=($?)
	set -e
	for one in "${stages[@]}"; do
		status=$(worse "$status" "$one")
	done
}

digest() {
	sha256sum <"$1" | cut -d' ' -f1
}

for file in "$uploads"/*; do
	name=${file##*/}
	[ -f "$file" ] && [ ! -e "$store/$name" ] || continue
	work=$(mktemp -d "$store/.$name.XXXXXX")
	take "$file"
	worst=$(worse "$worst" "$status")
	if [ "$status" -gt 1 ]; then
		rm -rf "$work"
		echo "nightly: $file: ended with $status, nothing kept" >&2
		continue
	fi
	printf 'now\t%s\ninput\t%s\npolicy\t%s\n' "$now" "$(digest "$file")" \
		"$(head -n 1 "$work/sealed.ndjson" | sed -E 's/.*"policy":"([^"]*)".*/\1/')" >"$work/run"
	sync -f "$work/run"
	mv -T "$work" "$store/$name"
done
exit "$worst"
