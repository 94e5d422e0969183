#!/bin/bash
# usage: replay.sh POLICY SITE UPLOAD FOLDER
#
# Does over what nightly.sh did: takes UPLOAD through the policy again, at the time that FOLDER/run names, and
# compares what comes out with what FOLDER/sealed.ndjson holds.  Sealing is random, so both are opened first: tags
# and records must be the same to the byte.  0: the same; 1: not; 2 and above: no answer.
set -euo pipefail
umask 077
[ $# -eq 4 ] || {
	sed -n 's/^# usage/usage/p' "$0" >&2
	exit 2
}
policy=$1 site=$2 upload=$3 folder=$4

noted() {
	awk -F'\t' -v name="$1" '$1 == name { print $2 }' "$folder/run"
}

digest() {
	sha256sum | cut -d' ' -f1
}

# The status of each stage of the pipeline before: 0 or 1, or there is no answer.
good() {
	local one
	for one; do
		[ "$one" -le 1 ] || {
			echo "replay: a stage ended with $one" >&2
			exit "$one"
		}
	done
}

[ "$(digest <"$upload")" = "$(noted input)" ] || {
	echo "replay: $upload is not what was done then" >&2
	exit 1
}
batch=$(head -n 1 "$folder/sealed.ndjson" | sed -E 's/.*"batch":"([^"]*)".*/\1/')
now=$(noted now)
set +e
again=$(
	ehr-ingest --on-error skip "$upload" 2>/dev/null |
		ehr-classify -P "$policy" --now "$now" --on-error skip 2>/dev/null |
		ehr-redact -P "$policy" -S "$site" --now "$now" --on-error skip 2>/dev/null |
		ehr-seal -P "$policy" -S "$site" --batch "$batch" |
		ehr-open -S "$site" | digest
	good "${PIPESTATUS[@]}"
) || exit
then=$(
	ehr-open -S "$site" "$folder/sealed.ndjson" | digest
	good "${PIPESTATUS[@]}"
) || exit
set -e
if [ "$again" = "$then" ]; then
	echo "replay: the same: sha256:$then"
else
	echo "replay: then sha256:$then, now sha256:$again" >&2
	exit 1
fi
