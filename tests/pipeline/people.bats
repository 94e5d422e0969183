bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/keys

# People come and go: what a new doctor has to get before she reads, and that all of it ends when she leaves.

setup_file() {
	site
	cd "$F" || return 1
	# The records above are of epoch 1; since then the keys were changed once.
	ehr-keys rotate -P "$P" -S site --now 2026-03-02T09:30:00Z >/dev/null
	printf 'ehr_authz: 1\nconsent: c1\npatient: p1\nstatus: active\ndate: 2026-03-01\nbase: permit\nrules: []\n' >site/consents/p1.yaml
	printf '{"type":"patient","id":"p1","properties":{"pseudonym":"%s"}}\n' "$(ehr-keys pseudonym -S site Patient/p1)" >site/entities.ndjson
	tablet
	ehr-keys enrol -S site --expect "$(jq -r .sig.jkt tablet.self)" --al-cap 5 --now 2026-03-02T09:35:00Z tablet.enrol >tablet.device
}

# at TIME: asks for NAME, who has MEMBERS of properties, to do ACTION at that time; the decision.
asks() {
	printf '{"subject":{"type":"%s","id":"%s","properties":{"domain":"hospital","device":"%s"%s}},"action":{"name":"%s"},"resource":{"type":"patient","id":"p1","properties":{"domain":"hospital","patient":"p1"%s}},"context":{"purpose":"%s","time":"%s","acr":"loa3","route":"on-site"%s}}\n' \
		"${TYPE:-user}" "$1" "$ID" "${WHO:-}" "$2" "${WHAT:-}" "${PURPOSE:-TREAT}" "$at" "${CONTEXT:-}" | ehr-authz -P "$P" -S site
}

# keys_of EPOCH: the level keys of that epoch for dr-new, as the authority decides.
keys_of() {
	echo '{"acr":"loa3","route":"on-site","purpose":"TREAT"}' >context
	local release=(ehr-keys release -P "$P" -S site --device "$ID" --user dr-new --offline --epoch "$1" --now "$at" --context context)
	"${release[@]}" --ask | ehr-authz -P "$P" -S site >keys.decision || return
	"${release[@]}" --decision keys.decision >keys.message || return
	ehr-keys accept --keys tablet --now "$at" keys.message
}

# A new event of the patient, sealed with the keys of the day.
event() {
	sed 's/"o1"/"o3"/; s/91.0/88.0/' records | head -n 1 >new
	ehr-classify -P "$P" <new 2>/dev/null | ehr-redact -P "$P" -S site | ehr-seal -P "$P" -S site >event
}

subscribed() {
	CONTEXT=',"claimed_al":4,"supported_actions":["level","audit","expire"]' asks dr-new subscribe >subscribe || return
	ehr-keys grant -P "$P" -S site --now "$at" --decision subscribe >grant || return
	cat grant >>site/grants.jwts
	cut -d. -f2 grant | tr '_-' '/+' | jq -cRr '. + "==="[(length + 3) % 4:] | @base64d | fromjson
		| {id: "new", party: .sub, grant: .jti, responder: "on-call-physician", select: {subjects}, purpose: "TREAT", payload: "reference"}' >site/subscriptions/new.ndjson
}

# told: to whom ehr-notify sends of the event, and which version.
told() {
	ehr-notify -P "$P" -S site --now "$at" event 2>/dev/null | jq -r '[.to.party, .ehr.rl] | join(" ")' | sort -u
}

@test "a new doctor: role, relation, device, keys of past and present epochs, history, subscription, next event" {
	own
	cp "$F/records" "$F/sealed" .
	at=2026-03-02T10:00:00Z
	event
	# Nobody knows her, and she treats nobody.
	asks dr-new read >decision
	ehr 7 ehr-select -P "$P" -S site --decision decision --now $at sealed
	ehr 7 keys_of 1
	echo '{"type":"user","id":"dr-new","properties":{"domain":"hospital","structural_role":["physician"]}}' >>site/entities.ndjson
	asks dr-new read >decision
	ehr 7 ehr-select -P "$P" -S site --decision decision --now $at sealed
	empty out
	# The hospital says who she is, and that she treats the patient for two weeks.
	echo '{"fact":"t1","relation":"treating","subject":"dr-new","patient":"p1","from":"2026-03-02T09:45:00Z","until":"2026-03-16T08:00:00Z","by":"desk","at":"2026-03-02T09:40:00Z"}' >>site/facts.ndjson
	ehr 0 keys_of 1
	ehr 0 keys_of 2
	# History, with keys that were in use before she came, without any subscription.
	asks dr-new read >decision
	ehr 0 ehr-select -P "$P" -S site --decision decision --level R --now $at sealed
	mv out history
	ehr 0 ehr-open --key tablet --now $at --record history
	cmp out records
	[ "$(jq .ehr.epoch history | sort -u)" = 1 ]
	# She is told of nothing before she subscribes, and of the next event then.
	[ -z "$(told)" ]
	subscribed
	[ "$(told)" = 'dr-new R' ]
	ehr 0 ehr-select -P "$P" -S site --grant grant --now $at event
	mv out heard
	ehr 0 ehr-open --key tablet --now $at --record heard
	cmp out new
	[ "$(jq .ehr.epoch heard)" = 2 ]
}

@test "she leaves: decision, keys, subscription and grant end, each for itself" {
	own
	cp "$F/records" "$F/sealed" .
	at=2026-03-02T10:00:00Z
	event
	echo '{"type":"user","id":"dr-new","properties":{"domain":"hospital","structural_role":["physician"]}}' >>site/entities.ndjson
	echo '{"fact":"t1","relation":"treating","subject":"dr-new","patient":"p1","from":"2026-03-02T09:45:00Z","until":"2026-03-16T08:00:00Z","by":"desk","at":"2026-03-02T09:40:00Z"}' >>site/facts.ndjson
	keys_of 1
	keys_of 2
	subscribed
	asks dr-new read >before
	[ "$(told)" = 'dr-new R' ]
	# The end of the relation ends what was granted under it, to the second.
	at=2026-03-16T08:00:00Z
	[ -z "$(told)" ]
	ehr 7 ehr-select -P "$P" -S site --grant grant --now $at event
	ehr 7 ehr-select -P "$P" -S site --decision before --now $at sealed
	has err 'the decision has ended'
	asks dr-new read >decision
	[ "$(jq .decision decision)" = false ]
	# She leaves earlier: one line ends the relation, and the next request is decided with it.
	at=2026-03-02T12:00:00Z
	echo '{"end":"t1","at":"2026-03-02T11:00:00Z","by":"desk"}' >>site/facts.ndjson
	asks dr-new read >decision
	[ "$(jq .decision decision)" = false ]
	ehr 7 ehr-select -P "$P" -S site --decision decision --now $at sealed
	empty out
	# What was decided before she left is too old by now, and in its first quarter of an hour ends with her revocation.
	ehr 7 ehr-select -P "$P" -S site --decision before --level R --now $at sealed
	has err 'decision-stale'
	ehr 0 ehr-select -P "$P" -S site --decision before --level R --now 2026-03-02T10:15:00Z sealed
	ehr-keys revoke -S site --party dr-new --now $at >/dev/null
	ehr-keys revoke -S site --device "$ID" --now $at >/dev/null
	ehr 7 ehr-select -P "$P" -S site --decision before --level R --now 2026-03-02T10:15:00Z sealed
	has err revoked
	empty out
	ehr 7 ehr-select -P "$P" -S site --grant grant --now $at event
	[ -z "$(told)" ]
	ehr 7 keys_of 2
	# What is sealed from now on her keys do not open.
	ehr-keys rotate -P "$P" -S site --now $at >/dev/null
	event
	ehr 7 ehr-open --key tablet --now $at --record event
}

@test "a dietician and a resident under supervision: one rule and one row more, and each has what it says" {
	own
	at=2026-03-02T10:00:00Z
	cp -r "$P" policy
	chmod -R u+w policy
	P=policy
	cat >>policy/authz/organization.yaml <<-'END'
		  - {id: H-20, say: Dieticians see results and allergies of those they treat., effect: permit,
		     who: {structural_role: dietician, relation: treating}, does: [read], what: {class: [Observation, AllergyIntolerance]}, why: [TREAT]}
		  - {id: H-21, say: A resident reads what a supervisor of the house answers for., effect: permit,
		     who: {functional_role: resident, relation: {supervised-by: subject.on_behalf_of}}, does: [read], what: {class: results}, why: [TREAT]}
	END
	sed -i '/^clearances:/a \  - {who: {structural_role: dietician}, al: 3}\n  - {who: {functional_role: resident}, al: 3}' policy/authz/clearances.yaml
	sed -i 's/^functional_roles: \[/&resident, /; s/^  supervises: .*/&\n  supervised-by: {object: subject, until: required}/' policy/authz/roles.yaml
	{
		cat "$F/records"
		echo '{"resourceType":"AllergyIntolerance","id":"nuts","patient":{"reference":"Patient/p1"},"code":{"coding":[{"system":"http://snomed.info/sct","code":"91934008"}]}}'
		echo '{"resourceType":"Encounter","id":"e1","status":"finished","subject":{"reference":"Patient/p1"},"class":{"code":"AMB"}}'
	} >chart
	ehr-ingest <chart | ehr-classify -P policy 2>/dev/null >labelled
	WHO=',"structural_role":"dietician"' asks diet-1 read >decision
	ehr 7 ehr-redact -P policy -S site --decision decision --now $at labelled
	cat >>site/facts.ndjson <<-'END'
		{"fact":"d1","relation":"treating","subject":"diet-1","patient":"p1","from":"2026-03-02T08:00:00Z","until":"2026-03-03T08:00:00Z","by":"dr-lee","at":"2026-03-02T08:00:00Z"}
		{"fact":"d2","relation":"supervised-by","subject":"res-li","object":"dr-lee","from":"2026-03-02T08:00:00Z","until":"2026-03-03T08:00:00Z","by":"hr","at":"2026-03-02T08:00:00Z"}
	END
	# opens LINES: these of the chart, byte for byte.
	opens() {
		ehr 0 ehr-redact -P policy -S site --decision decision --now $at labelled
		mv out versions
		ehr-seal -P policy --to device.jwk versions >message
		ehr 0 ehr-open --key tablet --record message
		sed -n "$1" chart | cmp - out
	}
	jq -c .enc.jwk "$F/tablet.self" >device.jwk
	WHO=',"structural_role":"dietician"' asks diet-1 read >decision
	opens 1,3p
	WHO=',"structural_role":"nurse","functional_role":"resident","on_behalf_of":"dr-lee"' asks res-li read >decision
	opens 1,2p
	# Whoever names a supervisor who does not answer for him, or one day later, has nothing.
	WHO=',"functional_role":"resident","on_behalf_of":"dr-kim"' asks res-li read >decision
	ehr 7 ehr-redact -P policy -S site --decision decision --now $at labelled
	at=2026-03-03T08:00:00Z
	WHO=',"functional_role":"resident","on_behalf_of":"dr-lee"' asks res-li read >decision
	ehr 7 ehr-redact -P policy -S site --decision decision --now $at labelled
	empty out
}
