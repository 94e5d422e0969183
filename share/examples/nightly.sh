#!/bin/bash
# usage: nightly.sh POLICY SITE UPLOADS STORE [NOW]
#
# Takes each file of the folder UPLOADS through the pipeline, for cron, whose PATH must name the folder of the programs:
#
#	PATH=/usr/local/bin:/usr/bin:/bin
#	30 2 * * * /usr/local/share/ehr/examples/nightly.sh /etc/ehr/policy /var/lib/ehr/site /srv/uploads /var/lib/ehr/store
#
# A file gets its name in UPLOADS when it is whole: it is written under another name, with a dot in front, and renamed.
# A file is NDJSON or other JSON text as ehr-ingest reads it.  An archive, a compressed file or another format is refused as
# a whole, also where some of its lines are records: the records that its frame hides would be lost.
# What became of FILE stands in STORE/FILE/:
#
#	sealed.ndjson      the versions
#	intents.ndjson     who is to be told
#	refused.*.ndjson   records that a stage refused; as sensitive as the upload
#	run                the times, and the digests of input and policy: what replay.sh wants; size and time of the upload
#
# That folder is there only if every stage up to ehr-seal ended well, the file begins as JSON text does, and most of the records could be read: it is written
# under another name and renamed last.  A file whose folder is there is not sealed again.  intents.ndjson is there only
# if ehr-notify ended well too; where it is missing, the next run does ehr-notify alone.
#
# Ends with 0; with 1 if records were refused or something critical reaches nobody; with 75 if another run is still at
# work after 30 seconds, or a file was still arriving; else with the worst status of a stage (see worst.sh).  If one file
# fails, the others are done all the same.
set -uo pipefail
umask 077
# shellcheck source=share/examples/worst.sh
. "$(dirname "$(readlink -f "$0")")/worst.sh" || exit 4

say() {
	echo "nightly: $*" >&2
}

[ $# -eq 4 ] || [ $# -eq 5 ] || {
	sed -n 's/^# usage/usage/p' "$0" >&2
	exit 2
}
policy=$1 site=$2 uploads=$3 store=$4
now=${5:-$(date -u +%Y-%m-%dT%H:%M:%SZ)}
# A path that begins with a dash would be an option to the programs.
case $uploads in -*) uploads=./$uploads ;; esac
case $store in -*) store=./$store ;; esac
for folder in "$policy" "$site" "$uploads"; do
	[ -d "$folder" ] || {
		say "$folder: no such folder"
		exit 2
	}
done
for program in ingest classify redact seal notify; do
	command -v "ehr-$program" >/dev/null || {
		say "ehr-$program: not in PATH, which is $PATH"
		exit 126
	}
done
mkdir -p "$store" || exit 4

# One run at a time.  The lock is on the folder itself and ends with the run and its stages, however they end.
exec 9<"$store" || exit 4
flock -n 9 || {
	say "$store: another run is at work; waiting"
	flock -w 30 9 || {
		say "$store: another run is still at work"
		exit 75
	}
}
# What a run left that was killed.
rm -rf "$store"/.nightly.* || exit 4
work='' look='' input=''
trap '[ -z "$work" ] || rm -rf "$work"' EXIT
trap 'exit 143' TERM
trap 'exit 130' INT
trap 'exit 129' HUP
all=0

count() {
	cat -- "$@" 2>/dev/null | wc -l
}

digest() {
	sha256sum <"$1" | cut -d' ' -f1
}

# Size and time of a file: who sees them changed looks at the digest.
looks() {
	stat -L -c '%s %y' -- "$1"
}

# Whether the file $1 begins as JSON text does.  Archives have a name, a number or a NUL there, others a header.
begins_as_json() {
	local nuls first
	nuls=$(head -c 512 -- "$1" | tr -dc '\0' | wc -c)
	first=$(head -c 512 -- "$1" | LC_ALL=C tr -d ' \t\r\n\357\273\277\0' | LC_ALL=C head -c 1)
	case $first in
	'' | '{' | '[' | $'\x1e') [ "$nuls" -eq 0 ] ;;
	*) false ;;
	esac
}

# Whether the folder $2 was made from the file $1 as it is now.
same() {
	grep -qxF "look	$(looks "$1")" "$2/run" || grep -qxF "input	$(digest "$1")" "$2/run"
}

# The versions of the upload $1, in the folder $work.  Ends with the worst status of a stage, having said why if it is
# above 1.  A stage that died looks to the next like the end of its input: so all statuses are looked at first.
seal() {
	local aside=(--on-error quarantine --quarantine) stages worst whole refused
	look=$(looks "$1") || return 4
	ehr-ingest "${aside[@]}" "$work/refused.ingest.ndjson" "$1" |
		ehr-classify -P "$policy" --now "$now" "${aside[@]}" "$work/refused.classify.ndjson" |
		ehr-redact -P "$policy" -S "$site" --now "$now" "${aside[@]}" "$work/refused.redact.ndjson" |
		ehr-seal -P "$policy" -S "$site" >"$work/sealed.ndjson"
	stages=("${PIPESTATUS[@]}")
	worst=$(worst "${stages[@]}")
	if [ "$worst" -gt 1 ]; then
		say "$1: ended with $worst, nothing kept (ingest ${stages[0]}, classify ${stages[1]}, redact ${stages[2]}, seal ${stages[3]})"
		return "$worst"
	fi
	input=$(digest "$1") || return 4
	if [ "$(looks "$1")" != "$look" ]; then
		say "$1: changed while it was read, nothing kept; the next run takes it"
		return 75
	fi
	if ! begins_as_json "$1"; then
		say "$1: begins as no JSON text, nothing kept; unpack or translate it before"
		return 5
	fi
	whole=$(grep -c -e '^{"ehr":{[^}]*"n":1,"of":' -e '^{"ehr":{[^}]*"stage":"deleted"' "$work/sealed.ndjson")
	refused=$(count "$work"/refused.*.ndjson)
	if [ "$whole" -eq 0 ] && [ "$refused" -eq 0 ]; then
		say "$1: holds no record, nothing kept"
		return 5
	fi
	if [ "$refused" -gt "$whole" ]; then
		say "$1: $refused of $((whole + refused)) records refused ($(reasons)), nothing kept"
		return 5
	fi
	return "$worst"
}

# Why records were refused, the most frequent reasons first.
reasons() {
	cat "$work"/refused.*.ndjson | sed -nE 's/^\{"ehr":\{.*"reason":"([^"]*)".*/\1/p' | sort | uniq -c | sort -rn |
		awk '{ printf "%s%s: %d", (NR > 1 ? ", " : ""), $2, $1 }'
}

# Puts $work in the store as the folder of the upload $1.
keep() {
	printf 'now\t%s\ninput\t%s\nlook\t%s\npolicy\t%s\n' "$now" "$input" "$look" \
		"$(sed -nE '1s/.*"policy":"([^"]*)".*/\1/p' "$work/sealed.ndjson")" >"$work/run" &&
		sync -f "$work/run" && mv -T "$work" "$store/${1##*/}" || {
		say "$1: could not be stored in $store"
		return 4
	}
	work=
}

# The intents of the versions in the folder $1.
notify() {
	local status=0
	ehr-notify -P "$policy" -S "$site" --now "$now" "$1/sealed.ndjson" >"$1/.intents" || status=$?
	if [ "$status" -gt 1 ]; then
		rm -f "$1/.intents"
		say "$1: sealed, but ehr-notify ended with $status and nobody is told; the next run does ehr-notify alone"
	elif ! printf 'notified\t%s\n' "$now" >>"$1/run" || ! sync -f "$1/run" || ! mv -T "$1/.intents" "$1/intents.ndjson"; then
		say "$1: sealed, but the intents could not be stored and nobody is told"
		status=4
	fi
	all=$(worst "$all" "$status")
}

for folder in "$store"/*/; do
	[ ! -e "$folder/sealed.ndjson" ] || [ -e "$folder/intents.ndjson" ] || notify "${folder%/}"
done
for file in "$uploads"/*; do
	[ -f "$file" ] || continue
	kept=$store/${file##*/}
	if [ -e "$kept/sealed.ndjson" ]; then
		same "$file" "$kept" || {
			say "$file: another file of that name was done before; give it another name"
			all=$(worst "$all" 4)
		}
		continue
	fi
	work=$(mktemp -d "$store/.nightly.XXXXXX") || exit 4
	seal "$file"
	status=$?
	[ "$status" -gt 1 ] || keep "$file" || status=$?
	all=$(worst "$all" "$status")
	if [ "$status" -gt 1 ]; then
		rm -rf "$work"
		work=
	else
		notify "$kept"
	fi
done
exit "$all"
