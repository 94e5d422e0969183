# shellcheck shell=bash
# For the tests of ehr-deliver: a site at which a nurse has AL 3 for the subject s_a, and a policy with one channel.
#
#	ward                      $F/site and $F/grant, for all tests of a file
#	spool [FILE [MORE [SUB]]] in the test's folder: site, policy P and an empty spool. The channel `file` runs FILE (the one
#	                          that is shipped); MORE is put into its row, SUB into the row of the nurse's subscription;
#	                          $COMMAND is the command as YAML, $ADDRESS the nurse's address, $OTHER the program of the
#	                          channel `other`, $ROUTES what follows the nurse's first route
#	channel BODY              writes a channel of its own, and prints its name
#	intent NAME SUBSCRIPTION [CRITICALITY [LEVEL [AL [ACK [EVENT]]]]]
#	step NAME SUBSCRIPTION CRITICALITY STEP AFTER [ACK]
#	event NAME MARK-OF-N MARK-OF-R
#	run_drain STATUS          ehr-deliver run --drain
#	state ID                  of an intent
#	"${on_disk[@]}" COMMAND   with a disk and a clock that disk.c makes worse, by its variables
#	wait_until COMMAND        until it succeeds, for as long as a test may take
#	many_intents FIRST COUNT  intents n_FIRST and those behind it, of which each record is another
#	noting_channel            a channel that notes each id that it is given in spool/log, and takes many messages at a call
#	channels_end              until none of these runs any more: one may outlive its dispatcher
#	all_delivered             every id in the file `durable` was delivered; prints how many came more than once
#	ids                       of JSON lines, without the time that jq takes to start

ward() {
	export LC_ALL=C TZ=UTC PATH="$EHR_BIN:$PATH" F="$BATS_FILE_TMPDIR" now
	local P="$EHR_ROOT/policies/hospital" jkt
	now=$(date -u +%FT%TZ)
	cd "$F" || return 1
	ehr-keys make -P "$P" -S site >made
	ehr-keys make --kind reader --keys device --authority site/authority.jwks >enrol
	jkt=$(ehr-keys list --self --keys device | jq -r .sig.jkt)
	ehr-keys enrol -S site --expect "$jkt" --al-cap 5 enrol >/dev/null
	printf '{"decision":true,"context":{"id":"d1","request":"sha256:%064d","about":{"subject":"nurse","action":"subscribe","resource":{"type":"patient","id":"a"},"patient":"a","pseudonym":"s_a","purpose":["TREAT"],"roles":["nurse"],"device":"%s"},"decided_by":"organization","reason":"permitted","al":3,"rl":"N","obligations":[],"time":"%s","policy":"%s"}}\n' \
		0 "$(ehr-keys list --self --keys device | jq -r .id)" "$now" "$(ehr-policy check -P "$P" 2>/dev/null | grep -o 'sha256:[0-9a-f]*')" >decision
	ehr-keys grant -P "$P" -S site --decision decision >grant
	cp grant site/grants.jwts
}

claim() {
	cut -d. -f2 "$F/grant" | tr '_-' '/+' | jq -Rr '. + "==="[(length + 3) % 4:] | @base64d | fromjson | .'"$1"
}

spool() {
	local file=${1:-$EHR_ROOT/share/channels/file} command
	command="[\"$file\"]"
	[ -n "${1:-}" ] || command='[channels/file, out]'
	command=${COMMAND:-$command}
	cp -r "$EHR_ROOT/policies/hospital" P
	cp -r "$F/site" site
	perl -0pi -e 's/^(channels|last_resort|order|retry):.*\n( .*\n)*//mg' P/notify.yaml
	cat >>P/notify.yaml <<-END
		channels:
		  file: {command: $command, slots: 1, ${2:-} sha256: "$(sha256sum <"$file" | cut -d' ' -f1)"}
		last_resort: {channel: file, to: desk}
		order: {slots: 1, reserved: 0}
		retry: {default: [0s, 60s]}
	END
	[ -z "${OTHER:-}" ] || sed -i "/^  file:/{p;s|^  file: {command: [^]]*\]|  other: {command: [\"$OTHER\"]|;s|sha256: .*|sha256: \"$(sha256sum <"$OTHER" | cut -d' ' -f1)\"}|}" P/notify.yaml
	printf '{"id":"nurse-7","party":"%s","grant":"%s","responder":"care-team","select":{"subjects":["%s"]},"purpose":"TREAT","route":[{"channel":"file","to":"%s"}%s]%s}\n' \
		"$(claim sub)" "$(claim jti)" "$(claim 'subjects[0]')" "${ADDRESS:-nurse7}" "${ROUTES:-}" "${3:-}" >site/subscriptions/ward.ndjson
	ehr-deliver init -P P --spool spool
	# shellcheck disable=SC2034
	on_disk=(env "DISK_FOLDER=$PWD/spool" "LD_PRELOAD=${EHR_DISK_SO:-}")
}

channel() {
	printf '#!/bin/sh\n%s\n' "$1" >"$PWD/channel.sh"
	echo "$PWD/channel.sh"
}

intent() {
	STEP=0 AFTER=0 write_intent "$@"
}

step() {
	STEP=$4 AFTER=$5 write_intent "$1" "$2" "$3" N 3 "${6:-}"
}

write_intent() {
	local criticality=${3:-routine} ack=''
	case $criticality in
	critical) ack=${6:-60} ;;
	high) ack=${6:-300} ;;
	esac
	declare -A dispatch=([critical]=PT5S [high]=PT30S [medium]=PT5M [low]=PT4H [routine]=PT12H)
	printf '{"ehr":{"v":1,"stage":"intent","id":"n_%s","event":"e_%s","record":"r_%s","subject":"%s","rl":"%s","al":%s,"criticality":"%s","policy":"sha256:0"},"kind":"data","to":{"subscription":"%s","party":"nurse","class":"care-team","step":%s},"deadline":{"after":"PT%sS","dispatch":"%s"%s,"expires":"PT24H"},"ref":"r_%s/%s","payload":"reference","purpose":"TREAT","grant":"g","obligations":[]}\n' \
		"$1" "${7:-$1}" "$1" "$(claim 'subjects[0]')" "${4:-N}" "${5:-3}" "$criticality" "$2" "$STEP" "$AFTER" \
		"${dispatch[$criticality]}" "${ack:+,\"ack\":\"PT${ack}S\"}" "$1" "${4:-N}"
}

event() {
	printf '{"ehr":{"v":1,"stage":"event","id":"e_%s","record":"r_x","criticality":"routine","domain":"hospital","batch":"b","seq":1,"policy":"sha256:0"},"marks":{"N":"%s","R":"%s"}}\n' \
		"$1" "$2" "$3"
}

run_drain() {
	ehr "$1" ehr-deliver run -P P -S site --spool spool --drain
}

state() {
	ehr-deliver list --spool spool | jq -r "select(.id == \"$1\").state"
}

wait_until() {
	local i
	for ((i = 0; i < 3000; i++)); do
		! "$@" || return 0
		sleep 0.02
	done
	printf 'never: %s\n' "$*" >&2
	return 1
}

many_intents() {
	[ -s one ] || intent NUMBER nurse-7 >one
	awk -v first="$1" -v count="$2" '{ for (i = first; i < first + count; i++) { line = $0; gsub(/NUMBER/, i, line); print line } }' one
}

# While it runs it holds spool/busy.
noting_channel() {
	channel 'exec 9>busy
flock -s 9
while read -r line; do
	id=${line#*\"id\":\"}
	id=${id%%\"*}
	echo "$id" >>log
	echo "{\"id\":\"$id\",\"code\":0}"
done'
}

channels_end() {
	[ ! -e spool/busy ] || flock spool/busy true
}

all_delivered() {
	ids <durable | sort -u >accepted
	sort -u spool/log >delivered
	comm -23 accepted delivered >lost
	empty lost || return
	sort spool/log | uniq -d | wc -l
}

ids() { sed 's/^[^}]*"id":"\([^"]*\)".*/\1/'; }
