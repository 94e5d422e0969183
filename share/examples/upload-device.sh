#!/bin/bash
# usage: upload-device.sh DEVICE SERVER [FILE ...]
#
# The device's side of an encrypted upload: seals readings to the application server, so that nobody in between reads or
# alters them, and signs them with the device's key, which may be in a TPM or HSM.  upload-server.sh is the other side.
#
# DEVICE is the device's key directory, SERVER the server's public key, made once on the server and brought to the device
# with its parameters:
#
#	ehr-keys list --self -S SITE | jq -c '.enc.jwk + {domain}' >server.jwk
#
# FILE, or standard input, has readings, one JSON object a line.  Up to 20 of them share a line ($GATHER), a signature and
# a seal.  The upload is written to standard output; any way may carry it.  Ends with the status of ehr-seal.
[ -n "${BASH_VERSION-}" ] || exec bash "$0" "$@"
set -euo pipefail
umask 077
[ $# -ge 2 ] || {
	sed -n 's/^# usage/usage/p' "$0" >&2
	exit 2
}
device=$1 server=$2
shift 2

exec ehr-seal --to "$server" --sign "$device" --gather "${GATHER:-20}" -- "$@"
