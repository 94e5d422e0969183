#!/bin/bash
# usage: upload-server.sh POLICY SITE NOW [FILE ...]
#
# The application server's side of an encrypted upload: opens what upload-device.sh sent, takes the readings that an
# enrolled sensor has signed and no others, and seals their versions to the site's levels.
#
# FILE, or standard input, has the upload.  Sealed versions are written to standard output; a line that is refused is
# named on standard error, and the others go on.  Ends with the worst status of a stage: 1 if a line was refused.
[ -n "${BASH_VERSION-}" ] || exec bash "$0" "$@"
set -uo pipefail
umask 077
# shellcheck source=share/examples/worst.sh
. "$(dirname "$(readlink -f "$0")")/worst.sh" || exit 4
[ $# -ge 3 ] || {
	sed -n 's/^# usage/usage/p' "$0" >&2
	exit 2
}
policy=$1 site=$2 now=$3
shift 3

ehr-open -S "$site" --now "$now" --require-signed "$site/keys/devices.jwts" --record --on-error skip -- "$@" |
	ehr-ingest --on-error skip |
	ehr-classify -P "$policy" --now "$now" --on-error skip |
	ehr-redact -P "$policy" -S "$site" --now "$now" --on-error skip |
	ehr-seal -P "$policy" -S "$site" --now "$now" --on-error skip
exit "$(worst "${PIPESTATUS[@]}")"
