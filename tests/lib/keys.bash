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
#	part LINE MEMBER          a member of a sealed line, decoded to bytes
#	unpadded                  base64url on standard input, decoded

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

part() {
	printf '%s' "$1" | jq -j ".$2" | unpadded
}
