bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/keys

setup_file() {
	site
	tablet
}

@test "that a person or device is revoked is said before all else that is amiss with a decision" {
	own
	subscription 3 Patient/p1 >one
	decision release-keys 3 >good
	ehr 0 release --decision good
	ehr 0 ehr-keys grant -P "$P" -S site --decision one --now "$NOW"
	refuses() {
		for now in "$NOW" 2026-03-02T12:00:00Z; do
			ehr 7 ehr-keys grant -P "$P" -S site --decision one --now "$now"
			same err <<<"ehr-keys: $1: $2 is on the revocation list"
			ehr 7 ehr-keys release --offline -S site --device "$ID" --user nina --decision good --now "$now"
			same err <<<"ehr-keys: $1: $2 is on the revocation list"
		done
	}
	cp -r site kept
	ehr-keys revoke -S site --party nina --now "$NOW" >list
	refuses party-revoked 'this person'
	# The site's list alone has it.
	rm site/keys/revoked.jwt
	refuses party-revoked 'this person'
	rm -r site && mv kept site
	ehr-keys revoke -S site --device "$ID" --now "$NOW" >list
	refuses device-revoked it
}

@test "revoked devices and persons get nothing, and a list replaces only an older one" {
	own
	decision release-keys 3 >good
	KID=$(ehr-keys list -S site | jq -r 'select(.rl == "V").kid')
	ehr 0 ehr-keys revoke -S site --party nina --grant g_1 --kid "$KID" --now "$NOW" && mv out first
	ehr 7 release --decision good
	has err 'party-revoked'
	ehr 0 ehr-keys revoke -S site --device "$ID" --party nina --now "$NOW" && mv out second
	claims second | jq -c 'del(.iat, .next)' >list
	same list <<-END
		{"v":1,"iss":"hospital","serial":2,"grants":["g_1"],"parties":["nina"],"devices":["$JKT"],"kids":["$KID"]}
	END
	cmp second site/revoked.jwt
	cmp second site/keys/revoked.jwt
	ehr 7 release --decision good
	has err 'device-revoked'
	ehr 0 ehr-keys accept --keys tablet --now "$NOW" second
	ehr 6 ehr-keys accept --keys tablet --now "$NOW" first
	has err 'not newer'
	ehr 7 ehr-keys revoke -S site --device d_none
}

@test "revoke: a name that nobody knows is refused, and nothing is revoked" {
	own
	printf '{"type":"user","id":"nina"}\n{"type":"patient","id":"ann"}\n' >site/entities.ndjson
	unknown() {
		ehr 7 ehr-keys revoke -S site --device "$ID" "${@:3}" --now "$NOW"
		empty out
		same err <<<"ehr-keys: $1: $2"
		[ ! -e site/revoked.jwt ] && [ ! -e site/keys/revoked.jwt ]
	}
	person='neither the register nor a grant nor a release names this person'
	unknown party-unknown "ninna: $person" --party nina --party ninna
	unknown party-unknown "ann: $person" --party ann
	unknown key-unknown 'nonsense: no epoch and no device has such a key' --kid nonsense
	unknown key-unknown 'hospital/N/1/x: no epoch and no device has such a key' --kid hospital/N/1/x
	unknown key-unknown 'hospital/hmac/tag.id/1/x: no epoch and no device has such a key' --kid hospital/hmac/tag.id/1/x
	unknown key-unknown 'h/hmac/1: no epoch and no device has such a key' --kid h/hmac/1
	# By a grant, and by a release.
	subscription 3 Patient/p1 | sed 's/nina/grace/' >one
	ehr-keys grant -P "$P" -S site --decision one --now "$NOW" >/dev/null
	unknown grant-unknown 'g_1: the site has no such grant' --grant g_1
	WHO=rita decision release-keys 3 >good
	ehr-keys release --offline -S site --device "$ID" --user rita --decision good --now "$NOW" >/dev/null
	rm site/keys/releases/level-1-N.jwe
	kid=$(claims site/keys/epochs.jwts | jq -r '.levels[] | select(.rl == "N").kid')
	ehr 0 ehr-keys revoke -S site --party nina --party grace --party rita --grant "$(claims site/grants.jwts | jq -r .jti)" \
		--kid "$kid" --kid "$JKT" --kid "$(jq -r .enc.jkt "$F/tablet.self")" --now "$NOW"
	# Rita was given the keys up to AL 3; they ought to be followed by others.
	[ "$(grep -c ': hospital/[ULMN]/1/........ was released to one who is revoked: ehr-keys rotate$' err)" -eq 4 ]
	[ "$(wc -l <err)" -eq 4 ]
	has err "$kid was released to one who is revoked"
	# What is on the list is known.
	rm site/grants.jwts site/keys/issued.log
	ehr 0 ehr-keys revoke -S site --party grace --kid "$kid" --now "$NOW"
	empty err
}

@test "revoke: where nothing can be compared the name is revoked as it stands, and said to be" {
	own
	thumb=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
	ehr 0 ehr-keys revoke -S site --party paul --grant g_1 --kid $thumb --now "$NOW"
	same err <<-END
		ehr-keys: paul: revoked as it stands: nothing here says whether there is such a one
		ehr-keys: g_1: revoked as it stands: nothing here says whether there is such a one
		ehr-keys: $thumb: revoked as it stands: nothing here says whether there is such a one
	END
	claims out | jq -c '[.grants, .parties, .devices, .kids]' >list
	same list <<<"[[\"g_1\"],[\"paul\"],[],[\"$thumb\"]]"
	echo '{"type":"user","id":"nina"}' >site/entities.ndjson
	ehr 7 ehr-keys revoke -S site --party otto --now "$NOW"
	ehr 0 ehr-keys revoke --keys site/keys --party otto --now "$NOW"
	has err 'otto: revoked as it stands'
	[ "$(claims out | jq -c '[.serial, .parties]')" = '[2,["paul","otto"]]' ]
	# It is not said of what was not done.
	ehr 5 ehr-keys revoke --keys site/keys --party olga --now "$NOW" --decision - <<<nonsense
	lacks err 'revoked as it stands'
	rm site/entities.ndjson && mkdir site/entities.ndjson
	ehr 4 ehr-keys revoke -S site --party otto --party nina --now "$NOW"
	empty out
}

@test "revoke goes on from the newest list of both places, and never begins anew" {
	own
	ehr 0 ehr-keys revoke -S site --party a --now "$NOW" && cp out first
	ehr 0 ehr-keys revoke -S site --party b --now "$NOW" && cp out second
	next() {
		ehr 0 ehr-keys revoke -S site --party c --now "$NOW"
		[ "$(claims out | jq -c '[.serial, .parties]')" = '[3,["a","b","c"]]' ]
		cmp out site/revoked.jwt
		cmp out site/keys/revoked.jwt
	}
	cp -r site kept
	rm site/keys/revoked.jwt && next
	rm -r site && cp -r kept site && rm site/revoked.jwt && next
	rm -r site && cp -r kept site && cp first site/keys/revoked.jwt && next
	rm -r site && cp -r kept site && cp first site/revoked.jwt && next
	# The counter alone is lost.
	rm -r site && cp -r kept site && rm site/keys/counters.json site/keys/revoked.jwt && next
	rm -r site && cp -r kept site
	rm site/keys/revoked.jwt site/revoked.jwt
	ehr 6 ehr-keys revoke -S site --party c --now "$NOW"
	has err 'revocation-invalid: one was accepted, and it is gone'
	cp first site/revoked.jwt
	ehr 6 ehr-keys revoke -S site --party c --now "$NOW"
	has err 'revocation-invalid: older than one that was accepted'
	empty out
	cp second site/revoked.jwt && next
	rm -r site && cp -r kept site && rm site/keys/revoked.jwt
	sed -i -E 's/.{20}$/AAAAAAAAAAAAAAAAAAAA/' site/revoked.jwt
	for verb in 'revoke --party c' 'list' "rotate -P $P" 'pseudonym Patient/p1' "enrol --expect $JKT tablet.enrol"; do
		cp "$F/tablet.enrol" .
		ehr 6 ehr-keys ${verb%% *} -S site --now "$NOW" ${verb#"${verb%% *}"}
		has err revocation-invalid
		empty out
	done
}

@test "a device that was revoked is not taken in again, by the list of either place" {
	own
	ehr-keys revoke -S site --device "$ID" --now "$NOW" >list
	for gone in site/revoked.jwt site/keys/revoked.jwt none; do
		cp -r site kept && rm -f $gone
		cp site/keys/devices.jwts before
		ehr 7 ehr-keys enrol -S site --expect "$JKT" --now "$NOW" "$F/tablet.enrol"
		empty out
		same err <<<'ehr-keys: device-revoked: it is on the revocation list; it needs new keys: ehr-keys make --kind'
		cmp before site/keys/devices.jwts
		for name in "$ID" "$JKT"; do
			ehr 7 ehr-keys release --ask --offline -S site --device "$name" --user nina --now "$NOW"
			same err <<<'ehr-keys: device-revoked: it is on the revocation list'
		done
		rm -r site && mv kept site
	done
	# Its public keys alone count, too.
	for key in sig enc; do
		own
		ehr 0 ehr-keys revoke -S site --kid "$(jq -r .$key.jkt "$F/tablet.self")" --now "$NOW"
		ehr 7 ehr-keys enrol -S site --expect "$JKT" --now "$NOW" "$F/tablet.enrol"
		has err device-revoked
		ehr 7 release --ask
		has err device-revoked
		[ "$(ehr-keys list --devices -S site | jq .revoked)" = true ]
	done
}

@test "list marks what is revoked: keys, devices and oneself" {
	own
	KID=$(ehr-keys list -S site | jq -r 'select(.rl == "V").kid')
	ehr 0 ehr-keys list -S site && mv out before
	ehr-keys revoke -S site --kid "$KID" --device "$ID" --now "$NOW" >list
	ehr-keys list -S site | jq -r 'select(.revoked).kid' >marked
	same marked <<<"$KID"
	ehr-keys list -S site | jq -c 'del(.revoked)' | cmp - before
	[ "$(ehr-keys list --devices -S site | jq .revoked)" = true ]
	[ "$(ehr-keys list --self --keys tablet | jq .revoked)" = null ]
	ehr-keys accept --keys tablet --now "$NOW" list
	[ "$(ehr-keys list --self --keys tablet | jq .revoked)" = true ]
	[ "$(ehr-keys list --self -S site | jq .revoked)" = null ]
}

@test "rotate does not go on with a key that was revoked" {
	own
	cp -r site whole
	ehr-keys rotate -P "$P" -S whole --now "$NOW" >/dev/null
	kid=$(ehr-keys list -S whole | jq -r 'select(.rl == "N" and .epoch == 2).kid')
	# Epoch 2 was begun and never announced.
	cp whole/keys/releases/level-2-* site/keys/releases/
	cp -r site begun
	ehr 0 ehr-keys rotate -P "$P" -S begun --now "$NOW"
	[ "$(claims out | jq .epoch)" -eq 2 ]
	ehr 0 ehr-keys revoke -S site --kid "$kid" --now "$NOW"
	empty err
	ehr 0 ehr-keys rotate -P "$P" -S site --now "$NOW"
	same err <<<'ehr-keys: epoch 2 was begun by a run that did not finish; it is left out'
	[ "$(claims out | jq .epoch)" -eq 3 ]
}

@test "nothing is named, marked or granted with a revoked key of pseudonyms, tokens or marks" {
	own
	for name in tag.subject redact.pseudonym; do
		rm -rf site && cp -r "$F/site" site
		kid=$(ehr-keys list --digests -S site | jq -r --arg name $name 'select(.name == $name).kid')
		[[ $kid == hospital/hmac/$name/1/* ]]
		ehr 0 ehr-keys revoke -S site --kid "$kid" --now "$NOW"
		empty err
		[ "$(ehr-keys list --digests -S site | jq -r 'select(.revoked).kid')" = "$kid" ]
		case $name in
		tag.subject)
			ehr 6 ehr-keys pseudonym -S site --now "$NOW" Patient/p1
			same err <<<'ehr-keys: key-revoked: the key tag.subject is on the revocation list'
			ehr 0 ehr-keys pseudonym -S site --now "$NOW" --kind id Patient/p1
			subscription 3 Patient/p1 >one
			ehr 6 ehr-keys grant -P "$P" -S site --decision one --now "$NOW"
			has err 'key-revoked: the key tag.subject'
			empty site/grants.jwts
			;;
		redact.pseudonym)
			ehr-classify -P "$P" "$F/records" >labelled 2>/dev/null
			ehr 0 ehr-redact -P "$P" -S "$F/site" labelled
			for where in '-S site' '--keys site/keys'; do
				ehr 6 ehr-redact -P "$P" $where labelled
				same err <<<'ehr-redact: key-revoked: the key redact.pseudonym is on the revocation list'
				empty out
			done
			;;
		esac
	done
	sed -i -E 's/.{20}$/AAAAAAAAAAAAAAAAAAAA/' site/revoked.jwt
	ehr 6 ehr-redact -P "$P" -S site labelled
	has err revocation-invalid
}

@test "a revoked level key is released to nobody, until the next epoch" {
	own
	kid=$(ehr-keys list -S site | jq -r 'select(.rl == "N").kid')
	ehr 0 ehr-keys revoke -S site --kid "$kid" --now "$NOW"
	decision release-keys 2 >low
	ehr 0 release --decision low
	decision release-keys 3 >good
	ehr 6 release --decision good
	empty out
	same err <<-END
		ehr-keys: key-revoked: $kid is on the revocation list: ehr-keys rotate
	END
	ehr 0 ehr-keys rotate -P "$P" -S site --now "$NOW"
	EPOCH=2 decision release-keys 3 >good
	ehr 0 release --decision good
}

@test "past its end a revocation list is believed by no verb, and revoke makes the next" {
	own
	decision release-keys 3 >good
	subscription 3 Patient/p1 >one
	ehr-keys make --kind reader --keys new --authority site/authority.jwks --now "$NOW" >new.enrol
	ehr 0 ehr-keys revoke -S site --ttl 1h --now "$NOW"
	cp out ended
	echo '{}' >params
	echo '{"id":"AAAAAAAAAAAAAAAAAAAAAA","name":"read-status"}' >order
	# stale ARGS...: the last second of the list, and the first one without a list
	stale() {
		local found=0
		ehr 6 "$@" --now 2026-03-02T10:00:00Z </dev/null
		same err <<<"ehr-keys: site/keys: revocation-stale: at this time the list has ended, expected the authority's newest one (ehr-keys revoke makes the next)"
		empty out
		"$@" --now 2026-03-02T09:59:59Z >/dev/null 2>err </dev/null || found=$?
		[ "$found" -ne 6 ] || grep -vq revocation-stale err
	}
	all() {
		stale ehr-keys enrol -S site --expect "$(ehr-keys list --self --keys new | jq -r .sig.jkt)" new.enrol
		stale ehr-keys release --offline -S site --device "$ID" --user nina --decision good
		stale ehr-keys release --offline -S site --device "$ID" --user nina --ask
		stale ehr-keys give -P "$P" -S site --device "$ID" --user nina
		stale ehr-keys subscribe -P "$P" -S site --device "$ID" --user nina --patient p1
		stale ehr-keys grant -P "$P" -S site --decision one
		stale ehr-keys challenge -S site --device "$ID"
		stale ehr-keys provision -S site --device "$ID" params
		stale ehr-keys command -S site --device "$ID" --user nina --ask order
		stale ehr-keys pseudonym -P "$P" -S site Patient/p1
		stale ehr-keys rotate -P "$P" -S site
	}
	all
	# The site's list alone, and the directory's alone.
	rm site/keys/revoked.jwt
	all
	cp ended site/keys/revoked.jwt && rm site/revoked.jwt
	all
	cmp ended site/keys/revoked.jwt
	ehr 0 ehr-keys list -S site --now 2026-03-02T10:00:00Z
	ehr 0 ehr-keys revoke -S site --now 2026-03-02T10:00:00Z
	ehr 0 ehr-keys challenge -S site --device "$ID" --now 2026-03-02T10:00:00Z
}
