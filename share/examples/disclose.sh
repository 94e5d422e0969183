#!/bin/bash
# usage: disclose.sh [--kept] [--deliver FILE] POLICY SITE DECISION NOW [FILE ...]
#
# Discloses to one device what one decision on reading allows, also what lies above the level keys of that device: the
# application server picks the versions, opens them with the keys of the site, and seals them to the device, which
# opens them with its own key.
#
# With --kept the lines are labelled records that the site has sealed to itself:
#
#	ehr-keys list --self -S SITE | jq -c .enc.jwk >site.jwk
#	ehr-ingest <upload.json | ehr-classify -P POLICY | ehr-seal -P POLICY -S SITE --to site.jwk --keep >>kept.ndjson
#
# Of them ehr-redact makes what the decision leaves: it carries out the obligations redact and keep-only, which no
# version of the store does.  Of each record the newest line counts: the last one, of the last FILE that has any.
#
# DECISION is the answer of ehr-authz to a request that names the device (subject.properties.device).  FILE, or standard
# input, holds sealed lines.  What goes to the device is written to standard output, and nothing if a stage fails.
# With --deliver FILE whom the decision obliges to tell is appended to FILE before, as ehr-select does it: a decision that
# breaks the glass discloses nothing without it.
# Ends with the worst status of a stage, with 1 if no line is about the patient, or with 7 if the device is not enrolled,
# no longer, or revoked.
[ -n "${BASH_VERSION-}" ] || exec bash "$0" "$@"
set -uo pipefail
umask 077
# shellcheck source=share/examples/worst.sh
. "$(dirname "$(readlink -f "$0")")/worst.sh" || exit 4

usage() {
	sed -n 's/^# usage/usage/p' "$0" >&2
	exit 2
}

deliver=() kept=
while [ $# -gt 0 ]; do
	case $1 in
	--kept) kept=1 ;;
	--deliver)
		[ $# -ge 2 ] || usage
		deliver=(--deliver "$2")
		shift
		;;
	--deliver=*) deliver=(--deliver "${1#*=}") ;;
	--)
		shift
		break
		;;
	-?*) usage ;;
	*) break ;;
	esac
	shift
done
[ $# -ge 4 ] || usage
policy=$1 site=$2 decision=$3 now=$4
shift 4
if [ ${#deliver[@]} -gt 0 ] && [ "${deliver[1]}" -ef "$decision" ]; then
	echo "disclose: $decision: input and output are the same file" >&2
	exit 2
fi

denied() {
	echo "disclose: $1" >&2
	exit 7
}

# What the programs said, with the names of the caller's files in the place of copies.
told() {
	local said
	said=$(cat "$work/said" 2>/dev/null) && [ -n "$said" ] || return 0
	said=${said//"$work/decision"/"$decision"}
	printf '%s\n' "${said//"$work/jwk"/"$site: the key of $device"}" >&2
}

work=$(mktemp -d) || exit 4
trap 'told; rm -rf "$work"' EXIT

# The decision is read once, so that what is checked here is what ehr-select carries out.
cat -- "$decision" >"$work/decision" || exit 4
device=$(jq -er '.context.about.device | strings' "$work/decision" 2>/dev/null) || denied "$decision: the decision names no device"
ehr-keys list --devices -S "$site" --now "$now" >"$work/devices" || exit
# The last entry of a device counts.
jq -ce --arg device "$device" --arg now "$now" -n '
	($now | sub("\\.[0-9]+"; "") | capture("^(?<t>.{19})(Z|(?<s>[+-])(?<h>..):(?<m>..))$")
		| ((.t + "Z") | fromdate) - (if .s then (if .s == "+" then 1 else -1 end) * ((.h | tonumber) * 3600 + (.m | tonumber) * 60) else 0 end)) as $now
	| [inputs | select(.device == $device or .sig == $device)] | last
	| select(. and .revoked != true and .exp > $now) | .enc_jwk' "$work/devices" >"$work/jwk" ||
	denied "$decision: the device of the decision is not enrolled, no longer, or revoked"

# Of each record in kept lines the newest, if it is about the patient of the decision.
newest() {
	sed -e "\$a\\" -- "$@" | tac | awk 'match($0, /"id":"[^"]*"/) && !seen[substr($0, RSTART, RLENGTH)]++' | tac >"$work/newest" || return 4
	grep -F "\"subject\":\"$patient\"" "$work/newest" || [ $? -eq 1 ]
}

if [ "$kept" ]; then
	patient=$(jq -er '.context.about.pseudonym | strings' "$work/decision") ||
		denied "$decision: the decision names no pseudonym of its patient"
	handled=audit,expire
	[ ${#deliver[@]} -eq 0 ] || handled=audit
	{
		newest "$@" | ehr-open -S "$site" --record --now "$now" |
			ehr-redact -P "$policy" -S "$site" --decision "$work/decision" --handled "$handled" ${deliver[@]+"${deliver[@]}"} --now "$now" |
			ehr-seal -P "$policy" --to "$work/jwk" >"$work/sealed"
		status=$(worst "${PIPESTATUS[@]}")
	} 2>"$work/said"
	if [ "$status" -le 1 ] && [ ! -s "$work/sealed" ]; then
		records=$(grep -cF "\"subject\":\"$patient\"" "$work/newest") || status=1
		echo "disclose: $decision: of $records records of the patient nothing is left" >&2
	fi
	[ "$status" -gt 1 ] || cat "$work/sealed" || status=4
	exit "$status"
fi

{
	ehr-select -P "$policy" -S "$site" --decision "$work/decision" ${deliver[@]+"${deliver[@]}"} --now "$now" -- "$@" |
		ehr-open -P "$policy" -S "$site" --now "$now" |
		ehr-seal -P "$policy" --to "$work/jwk" >"$work/sealed"
	status=$(worst "${PIPESTATUS[@]}")
} 2>"$work/said"
[ "$status" -gt 1 ] || cat "$work/sealed" || status=4
exit "$status"
