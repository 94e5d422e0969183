#!/bin/bash
# usage: replay.sh POLICY SITE UPLOAD FOLDER
#
# Does over what ehr-batch did: takes UPLOAD through the policy again, at the time that FOLDER/run names, and
# compares what comes out with what FOLDER/sealed.ndjson holds.  Sealing is random, so both are opened first: tags
# and records must be the same to the byte.  Then ehr-notify looks at FOLDER/sealed.ndjson again, at the time it did, and
# must write FOLDER/intents.ndjson; subscriptions, grants and revocations that changed since show there.  The keys are those
# of the epoch in which FOLDER was sealed: `ehr-keys rotate` changes nothing.  Another policy is named where it differs.
# 0: the same; 1: not; 2 and above: no answer.
[ -n "${BASH_VERSION-}" ] || exec bash "$0" "$@"
set -uo pipefail
umask 077
# shellcheck source=share/examples/worst.sh
. "$(dirname "$(readlink -f "$0")")/worst.sh" || exit 4

say() {
	echo "replay: $*" >&2
}

[ $# -eq 4 ] || {
	sed -n 's/^# usage/usage/p' "$0" >&2
	exit 2
}
policy=$1 site=$2 upload=$3 folder=$4
for file in "$upload" "$folder/run" "$folder/sealed.ndjson"; do
	[ -r "$file" ] || {
		say "$file: cannot be read"
		exit 4
	}
done

# The last line of that name counts: ehr-notify may have been tried more than once.
noted() {
	awk -F'\t' -v name="$1" '$1 == name { value = $2 } END { print value }' "$folder/run"
}

# A tag of what was sealed, of the first line that has it.
tag() {
	sed -nE '/^\{"ehr":\{[^}]*"'"$1"'":"?([^",}]*).*/{s//\1/p;q}' "$folder/sealed.ndjson"
}

digest() {
	sha256sum | cut -d' ' -f1
}

# There is no answer if the worst of these statuses is above 1.
good() {
	local worst
	worst=$(worst "$@")
	[ "$worst" -le 1 ] || {
		say "a stage ended with $worst"
		exit "$worst"
	}
}

# The policy's digest as tags have it.
policy_digest() {
	echo '{}' | ehr-classify -P "$policy" | sed -nE '1s/.*"policy":"([^"]*)".*/\1/p'
}

# compare WHAT THEN AGAIN
compare() {
	[ "$2" = "$3" ] || {
		say "$1: then sha256:$2, now sha256:$3"
		[ "$(noted policy)" = "$(policy_digest)" ] ||
			say "$policy: another policy: then $(noted policy), now $(policy_digest); replay with the one of then"
		exit 1
	}
	echo "replay: $1: the same: sha256:$2"
}

[ "$(digest <"$upload")" = "$(noted input)" ] || {
	say "$upload is not what was done then"
	exit 1
}
batch=$(tag batch) epoch=$(tag epoch)
now=$(noted now)
again=$(
	ehr-ingest --on-error skip "$upload" |
		ehr-classify -P "$policy" --now "$now" --on-error skip |
		ehr-redact -P "$policy" -S "$site" --now "$now" --on-error skip |
		ehr-seal -P "$policy" -S "$site" ${batch:+--batch "$batch"} ${epoch:+--epoch "$epoch"} |
		ehr-open -S "$site" | digest
	good "${PIPESTATUS[@]}"
) || exit
then=$(
	ehr-open -S "$site" "$folder/sealed.ndjson" | digest
	good "${PIPESTATUS[@]}"
) || exit
compare versions "$then" "$again"

if [ ! -e "$folder/intents.ndjson" ]; then
	say "$folder: no intents: ehr-notify did not end well"
	exit 1
fi
again=$(
	ehr-notify -P "$policy" -S "$site" --now "$(noted then:intents.ndjson)" "$folder/sealed.ndjson" | digest
	good "${PIPESTATUS[@]}"
) || exit
then=$(digest <"$folder/intents.ndjson")
compare intents "$then" "$again"
