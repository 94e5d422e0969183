bats_require_minimum_version 1.5.0
load ../lib/ehr

# Use case 1.0.7: whoever carries out a decision gives a level exactly where al(level) <= AL.  On ladders of 2, 7 and 16
# levels, whose levels need AL 1, 4, 7 and so on, each AL at a level and just below it is tried with all that act on one.
now=2026-03-02T09:00:00Z

# ladder COUNT: a policy P of that many levels, a site S, and a record of which each level adds a member.
ladder() {
	local i
	mkdir -p P/authz
	{
		printf 'policy: 1\nname: ladder\nserial: 1\nlevels:\n'
		for ((i = 0; i < $1; i++)); do echo "  - {name: L$i, al: $((3 * i + 1))}"; done
		printf 'record: {type: {const: Reading}, id: .id, subject: .patient, subject_type: Patient}\n'
	} >P/policy.yaml
	{
		printf 'classify: 1\nsign_off: {by: , at: , serial: }\ndefault: L0\nunknown_type: L%s\nopaque: L%s\nbase:\n  Reading:\n    .: L0\n' $(($1 - 1)) $(($1 - 1))
		for ((i = 0; i < $1; i++)); do echo "    .k$i: L$i"; done
		printf 'criticality: {order: [low, high], default: low}\n'
	} >P/classify.yaml
	{
		printf 'redact: 1\npresence: shown\nversions:\n'
		for ((i = 0; i < $1; i++)); do echo "  - {rl: L$i}"; done
	} >P/redact.yaml
	printf 'seal: 1\ndomain: house\npadding: none\n' >P/seal.yaml
	printf 'notify: 1\ngrants: {max_lifetime: 365d, revocation: optional}\npayload: [reference]\nresponders: {all: [reader]}\ntiers:\n  low: {dispatch: 1m, expires: 1h, steps: [{to: [all]}]}\n  high: {dispatch: 1m, expires: 1h, steps: [{to: [all]}]}\n' >P/notify.yaml
	printf 'ehr_authz: 1\nstructural_roles: [reader]\nattributes: {subject: [ward]}\n' >P/authz/roles.yaml
	printf 'ehr_authz: 1\nlayer: organization\ndefault: deny\nno_consent: ignore\nno_patient: [level-keys]\nrules:\n  - {id: all, say: All may., effect: permit, does: [read, subscribe, release-keys]}\n' >P/authz/house.yaml
	{
		printf 'ehr_authz: 1\nclearances:\n'
		for ((i = 0; i < 3 * $1 + 2; i++)); do echo "  - {who: {id: u$i}, al: $i}"; done
		printf 'grants: {longest: 30d}\n'
	} >P/authz/clearances.yaml
	ehr-keys make -P P -S S --now $now >/dev/null
	printf '{"type":"patient","id":"p","properties":{"pseudonym":"%s"}}\n' "$(ehr-keys pseudonym -P P -S S Patient/p)" >S/entities.ndjson
	{
		printf '{"id":"r1","patient":"p"'
		for ((i = 0; i < $1; i++)); do printf ',"k%s":%s' $i $i; done
		echo '}'
	} | ehr-classify -P P >labelled
	ehr-redact -P P labelled | ehr-seal -P P -S S >store
}

# asks AL ACTION: the decision of a user of that AL on her device.
asks() {
	printf '{"subject":{"type":"user","id":"u%s","properties":{"device":"%s","structural_role":"reader"}},"action":{"name":"%s"},"resource":{"type":"record","id":"p","properties":{"patient":"p"}},"context":{"purpose":"TREAT","time":"%s"}}\n' \
		"$1" "$(jq -r .id self)" "$2" $now | ehr-authz -P P -S S
}

# tried COUNT: what each AL is given, a line each: AL, and the levels by ehr-select, ehr-redact, release and ehr-notify.
tried() {
	local al release grant
	ehr-keys make --kind reader --keys device --authority S/authority.jwks --now $now >enrol
	ehr-keys list --self --keys device >self
	ehr-keys enrol -S S --expect "$(jq -r .sig.jkt self)" --al-cap 99 --now $now enrol >/dev/null
	: >S/subscriptions/all.ndjson
	for ((al = 0; al < 3 * $1 + 2; al++)); do
		[ $((al % 3)) -ne 2 ] || continue
		asks $al read >decision
		release=(ehr-keys release -P P -S S --offline --device "$(jq -r .id self)" --user "u$al" --now "$now")
		"${release[@]}" --ask | ehr-authz -P P -S S >keys.decision
		rm -rf reader
		cp -r device reader
		"${release[@]}" --decision keys.decision 2>/dev/null | ehr-keys accept --keys reader --now $now >/dev/null 2>&1 || true
		printf '%s %s %s %s\n' $al \
			"$(ehr-select -P P -S S --decision decision --now $now store 2>/dev/null | jq -r .ehr.rl)" \
			"$(ehr-redact -P P -S S --decision decision --now $now labelled 2>/dev/null | jq -r .ehr.rl)" \
			"$(ehr-keys list --keys reader 2>/dev/null | jq -r .rl | paste -sd,)" >>got
		asks $al subscribe >subscribe
		grant=$(ehr-keys grant -P P -S S --decision subscribe --now $now 2>/dev/null) || continue
		echo "$grant" >>S/grants.jwts
		cut -d. -f2 <<<"$grant" | tr '_-' '/+' | jq -cRr '. + "==="[(length + 3) % 4:] | @base64d | fromjson
			| {id: .sub, party: .sub, grant: .jti, responder: "all", select: {subjects}, purpose: "TREAT", payload: "reference"}' >>S/subscriptions/all.ndjson
	done
	ehr-notify -P P -S S --now $now store >intents || true
}

@test "select, redact, release and notify serve a level exactly where its AL suffices" {
	for count in 2 7 16; do
		rm -rf P S device got
		ladder $count
		tried $count
		for ((al = 0; al < 3 * count + 2; al++)); do
			[ $((al % 3)) -ne 2 ] || continue
			if [ "$al" -eq 0 ]; then
				echo '0   '
				continue
			fi
			level=$(((al - 1) / 3 < count ? (al - 1) / 3 : count - 1))
			echo "$al L$level L$level $(for ((i = 0; i <= level; i++)); do echo L$i; done | paste -sd,)"
		done | same got
		sed 1d got | awk '{ print "u" $1, $2 }' >want.told
		jq -r '[.to.party, .ehr.rl] | join(" ")' intents | sort -V | cmp want.told -
	done
}
