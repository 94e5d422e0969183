# shellcheck shell=bash
# For the tests of sealing: a site, versions to seal, and readers.
#
#	site                      $F/site under the hospital's policy, $F/versions (4 of each of 2 records), $F/sealed
#	decision ACTION AL        what ehr-authz answers when it permits $WHO (nina) that; to release keys to $ID for $EPOCH (1),
#	                          each time as asked a second before the last one, so that each is a decision of its own
#	tablet                    $F/tablet, a device enrolled at $F/site, and its $F/tablet.self
#	own                       that site and tablet, fresh in the test's folder, and the device's $ID and $JKT
#	release ARGS...           ehr-keys release for nina on that device
#	reader DIR AL             a device's key directory with the keys up to AL, released to nina
#	subscription AL PATIENT   what ehr-authz answers when it permits nina to subscribe to that patient
#	claims [FILE]             the claims of a signed message
#	part LINE MEMBER          a member of a sealed line, decoded to bytes
#	unpadded                  base64url on standard input, decoded
#	keys VERB ARGS...         ehr-keys at the time $AT, else $NOW
#	another [OPTIONS]         a second device, enrolled in other
#	no REASON command ...     denied with this reason, nothing printed
#	epochs_hold               each line of epochs.jwts is of an epoch of its own, and its kids are those that are there
#	at_each, at_every_step    a command is killed, or finds the disk full, at each step in turn
#	nothing                   what needs no preparation

NOW=2026-03-02T09:00:00Z

site() {
	export LC_ALL=C TZ=UTC PATH="$EHR_BIN:$PATH" P="$EHR_ROOT/policies/hospital" F="$BATS_FILE_TMPDIR"
	cd "$F" || return 1
	ehr-keys make -P "$P" -S site --now "$NOW" >epoch
	cat >records <<-'END'
		{"resourceType":"Observation","id":"o1","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"59408-5"}]},"subject":{"reference":"Patient/p1"},"valueQuantity":{"value":91.0,"unit":"%"}}
		{"resourceType":"Observation","id":"o2","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]},"subject":{"reference":"Patient/p1"},"valueQuantity":{"value":1.1E+2,"unit":"/min"}}
	END
	ehr-classify -P "$P" <records 2>/dev/null | ehr-redact -P "$P" -S site >versions
	ehr-seal -P "$P" -S site <versions >sealed
}

tablet() {
	ehr-keys make --kind reader --keys tablet --authority site/authority.jwks --now "$NOW" >tablet.enrol
	ehr-keys list --self --keys tablet >tablet.self
	ehr-keys enrol -S site --expect "$(jq -r .sig.jkt tablet.self)" --now "$NOW" tablet.enrol >tablet.device
}

own() {
	rm -rf site tablet
	cp -r "$F/site" "$F/tablet" .
	ID=$(jq -r .id "$F/tablet.self")
	# shellcheck disable=SC2034 # the tests read it
	JKT=$(jq -r .sig.jkt "$F/tablet.self")
}

release() {
	ehr-keys release --offline -S site --device "$ID" --user nina --now "$NOW" "$@"
}

decision() {
	local bound='' request at=$NOW who=${WHO:-nina} asked=${BATS_TEST_TMPDIR:-$F}/asked
	request=$(printf %064d "$RANDOM$RANDOM")
	if [ "$1" = release-keys ]; then
		bound=",\"device\":\"$ID\",\"epoch\":${EPOCH:-1}"
		echo >>"$asked"
		at=$(date -u -d "@$(($(date -u -d "$NOW" +%s) + 1 - $(wc -l <"$asked")))" +%FT%TZ)
		request=$(ehr-keys release --offline --ask -S "$([ -d site ] && echo site || echo "$F/site")" --device "$ID" --user "$who" --now "$at" |
			head -c -1 | sha256sum | cut -d' ' -f1)
	fi
	printf '{"decision":true,"context":{"about":{"request":"sha256:%s","subject":"%s","action":"%s"%s},"al":%s,"time":"%s","policy":"sha256:%064d","obligations":[]}}\n' \
		"$request" "$who" "$1" "$bound${3:-}" "$2" "$at" 0
}

subscription() {
	decision subscribe "$1" ",\"patient\":\"$2\",\"purpose\":[\"TREAT\"],\"roles\":[\"nurse\"],\"device\":\"$JKT\""
}

reader() {
	local jkt ID
	ehr-keys make --kind reader --keys "$1" --authority "$F/site/authority.jwks" --now "$NOW" >"$1.enrol"
	jkt=$(ehr-keys list --self --keys "$1" | jq -r .sig.jkt)
	ID=$(ehr-keys list --self --keys "$1" | jq -r .id)
	ehr-keys enrol -S "$F/site" --expect "$jkt" --al-cap 9 --now "$NOW" "$1.enrol" >/dev/null
	decision release-keys "$2" >"$1.decision"
	ehr-keys release --offline -S "$F/site" --device "$ID" --user nina --decision "$1.decision" --now "$NOW" |
		ehr-keys accept --keys "$1" --now "$NOW"
}

unpadded() {
	local text
	text=$(cat)
	while [ $((${#text} % 4)) -ne 0 ]; do text+='='; done
	printf '%s' "$text" | basenc -d --base64url
}

claims() {
	cut -d. -f2 "${1:--}" | unpadded
}

part() {
	printf '%s' "$1" | jq -j ".$2" | unpadded
}

keys() {
	ehr-keys "$@" --now "${AT:-$NOW}"
}

another() {
	keys make --kind reader --keys other --authority site/authority.jwks >other.enrol
	keys enrol -S site --expect "$(ehr-keys list --self --keys other | jq -r .sig.jkt)" "$@" other.enrol >/dev/null
}

no() {
	local reason=$1
	shift
	ehr 7 "$@"
	has err "ehr-keys: $reason: "
	empty out
}

# at_each CALL AFTER command ...: kills the command at each CALL in turn, where at_every_step began each time, then runs AFTER.
# Sets faults to how many calls there were.
at_each() {
	local call=$1 after=$2 got
	shift 2
	faults=0
	while [ "$faults" -lt 200 ]; do
		find . -mindepth 1 -delete
		cp -r "$BATS_TEST_TMPDIR.begin/." .
		got=0
		EHR_FAULT=$call:$((faults + 1)) EHR_FAULT_LOG=$PWD/fired LD_PRELOAD=$EHR_FAULT_SO "$@" >out 2>err </dev/null || got=$?
		[ -e fired ] || return 0
		faults=$((faults + 1))
		"$after" "$got" || {
			echo "after $call number $faults, which ended with $got" >&2
			return 1
		}
	done
	return 1
}

# at_every_step PREPARE AFTER command ...: the same for all ways in which a step can fail or be killed.  PREPARE runs once, in a
# folder with a site and a tablet; each run begins with what it left there.
at_every_step() {
	local call total=0
	native || return 0
	own
	"$1"
	shift
	cp -r . "$BATS_TEST_TMPDIR.begin"
	for call in fsync renameat renameat2 mkdir mkdirat; do
		EHR_FAULT_KILL=1 at_each $call "$@"
		total=$((total + faults))
	done
	EHR_FAULT_HALF=1 EHR_FAULT_KILL=1 at_each write "$@"
	EHR_FAULT_HALF=1 at_each write "$@"
	at_each fsync "$@"
	[ "$total" -ge 1 ]
}

epochs_hold() {
	jq -Rr 'split(".")[1] | gsub("-"; "+") | gsub("_"; "/") | @base64d | fromjson | .epoch as $e | .levels[] | "\($e) \(.kid)"' site/keys/epochs.jwts |
		sort >announced
	ehr-keys list -S site | jq -r '"\(.epoch) \(.kid)"' | sort >there
	cmp announced there && [ "$(cut -d' ' -f1 there | uniq -c | awk '$1 != 6' | wc -l)" -eq 0 ]
}

nothing() {
	:
}
