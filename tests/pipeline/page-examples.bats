bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/ca

# The examples of the programs' pages, each as it is printed, in a folder that has the files that the page speaks of.
cases=$EHR_ROOT/testdata/authz/hospital
now=2026-03-02T09:00:00Z

# What most pages name: a site of the hospital, records of Ann's, and what the stages make of them.
setup_file() {
	export LC_ALL=C TZ=UTC PATH="$EHR_BIN:$PATH"
	cd "$BATS_FILE_TMPDIR" || return 1
	ehr-keys make -P hospital -S site --now 2026-03-01T00:00:00Z >announcement
	cp "$cases"/consents/*.yaml site/consents/
	cp "$cases/facts.ndjson" site/
	for n in 1 2 3; do
		jq -nc --arg id "o$n" '{resourceType: "Observation", $id, status: "final", subject: {reference: "Patient/ann"},
			effectiveDateTime: "2026-03-02T08:00:00Z", code: {coding: [{system: "http://loinc.org", code: "59408-5"}]},
			valueQuantity: {value: 80, unit: "%", system: "http://unitsofmeasure.org", code: "%"}}'
	done >records.ndjson
	ehr-classify -P hospital --now $now records.ndjson >labelled.ndjson
	ehr-redact -S site --now $now labelled.ndjson >versions.ndjson
	ehr-seal -S site versions.ndjson >sealed.ndjson
	grep -F '"treating physician, whole record"' "$cases/requests.ndjson" >request.json
}

setup() {
	export LC_ALL=C TZ=UTC PATH="$EHR_BIN:$PATH"
	cd "$BATS_TEST_TMPDIR" || return 1
	cp -r "$BATS_FILE_TMPDIR"/{site,*.ndjson,request.json} .
	cp records.ndjson upload.ndjson
	ln -s "$EHR_ROOT/share" share
}

# examples PAGE STATUS ...: runs all examples of the page, in its order; each ends with its status.  What others do between
# two of them is in the function after_N.
examples() {
	local page=$EHR_ROOT/share/man/man1/ehr-$1.1 n=1
	shift
	for status; do
		awk -v example=$n -f "$EHR_ROOT/tests/lib/page.awk" "$page" >$n.example
		ehr "$status" bash -eo pipefail $n.example || {
			cat $n.example
			return 1
		}
		mv out $n.out
		mv err $n.err
		! declare -F "after_$n" >/dev/null || "after_$n"
		n=$((n + 1))
	done
	awk -v example=$n -f "$EHR_ROOT/tests/lib/page.awk" "$page" >$n.example
	empty $n.example
}

# A device of that name, which the authority takes in.
enrolled() {
	ehr-keys make --kind reader --keys "$1" --authority site/authority.jwks >"$1.enrol"
	ehr-keys list --self --keys "$1" >"$1.self"
	ehr-keys enrol -S site --expect "$(jq -r .sig.jkt "$1.self")" --al-cap 5 "$1.enrol" >/dev/null
}

@test "examples: ehr-ingest(1)" {
	cp "$EHR_ROOT/testdata/ward/bundle.json" upload.json
	mkdir uploads
	cp upload.json uploads/a.json
	printf '{"id":1,"id":2}\n{"id":3}\n' >uploads/b.json
	examples ingest 0 1 5
	[ "$(wc -l <records.ndjson)" -eq 4 ]
	has 3.err '<stdin>:1: duplicate-key'
}

@test "examples: ehr-classify(1)" {
	cp "$EHR_ROOT/testdata/ward/bundle.json" upload.json
	grep '"hiv' "$EHR_ROOT/testdata/ward/upload.ndjson" >records.ndjson
	examples classify 0 0
	has 1.out 'routine'
	grep -qE '^ +[0-9]+ hiv' 2.out
}

@test "examples: ehr-redact(1)" {
	sed -n '/^{"decision":true/,/^\.Ed/p' "$EHR_ROOT/share/man/man1/ehr-redact.1" | sed '/^\.Ed/d; s/"p1"/"ann"/' | jq -c . >decision.json
	examples redact 0 0 0 0
	[ "$(wc -l <versions.ndjson)" -eq 12 ]
	[ "$(jq -r .id 2.out)" = o1 ]
	[ "$(wc -l <3.out)" -eq 3 ]
	[ "$(wc -l <4.out)" -eq 3 ]
	lacks 4.out ann
}

@test "examples: ehr-seal(1)" {
	head -n 1 sealed.ndjson >one.ndjson
	cp records.ndjson readings.ndjson
	enrolled tablet
	jq -c .enc.jwk tablet.self >reader.jwk
	ehr-keys list --self -S site | jq -c '.enc.jwk + {domain}' >app.jwk
	ca ca
	certificate ca host emailProtection
	ehr-keys make --kind sensor --keys sensor --authority site/authority.jwks >sensor.enrol
	examples seal 0 0 0 0 0 0 0
	[ "$(wc -l <sealed.ndjson)" -eq 12 ]
	[ "$(wc -l <3.out)" -eq 3 ]
	[ -s batch.manifest.p7s ]
	[ "$(wc -l <kept.ndjson)" -eq 3 ]
}

@test "examples: ehr-open(1)" {
	enrolled tablet
	echo '{"type":"user","id":"nina","properties":{"domain":"hospital","structural_role":"nurse","ward":"7","functional_role":["nurse"],"permissions":["PRD-006"]}}' >>site/entities.ndjson
	echo '{"acr":"loa2","route":"on-site","purpose":["TREAT"]}' >context
	ehr-keys give -S site --device "$(jq -r .id tablet.self)" --user nina --context context | ehr-keys accept --keys tablet
	cp site/keys/keys/enc.pem app.pem
	ehr-keys list --self -S site | jq -c '.enc.jwk + {domain}' >app.jwk
	ehr-seal --to app.jwk records.ndjson >readings.ndjson
	cp sealed.ndjson old.ndjson
	ehr-keys rotate -S site >/dev/null 2>&1
	ca ca
	certificate ca host emailProtection
	ehr-seal -S site --manifest batch.manifest versions.ndjson >other
	ehr-policy sign --key host.key --cert host.pem batch.manifest
	after_3() { mv other sealed.ndjson; }
	examples open 1 0 0 0
	[ "$(jq -r .ehr.rl 1.out | sort | uniq -c | awk '{ print $1 $2 }' | tr '\n' ' ')" = '3L 3N ' ]
	[ "$(wc -l <2.out)" -eq 3 ]
	[ "$(jq -r .ehr.epoch new.ndjson | sort -u)" = 2 ]
	[ "$(wc -l <4.out)" -eq 12 ]
}

# The steps of ehr-keys(1) for nina up to her subscription, with sealed.ndjson of now.
subscribed() {
	enrolled tablet
	echo '{"type":"user","id":"nina","properties":{"domain":"hospital","structural_role":"nurse","ward":"7","functional_role":["nurse"],"permissions":["PRD-006"]}}' >>site/entities.ndjson
	echo '{"acr":"loa2","route":"on-site","purpose":["TREAT"]}' >context
	ehr-keys pseudonym -S site --entities ann | jq -c '.properties.ward = "7"' >>site/entities.ndjson
	printf '%s\n' 'ehr_authz: 1' 'consent: c-w2' 'patient: ann' 'status: active' 'date: 2026-11-01' 'base: permit' 'rules: []' >site/consents/ann.yaml
	echo '{"responder":"care-team","route":[{"channel":"file","to":"nina"}]}' >wish.json
	ehr-keys subscribe -S site --device "$(jq -r .id tablet.self)" --user nina --patient ann --context context wish.json >subscription
	sed "s/2026-03-02T08:00:00Z/$(date -u +%FT%TZ)/" records.ndjson | head -n 1 | ehr-classify -P hospital | ehr-redact -S site |
		ehr-seal -S site >sealed.ndjson
}

@test "examples: ehr-notify(1)" {
	subscribed
	after_1() { has intents.ndjson '"party":"nina"'; }
	examples notify 0 1 1 0
	grep -qE '^ +[0-9]+ critical$' 2.out
	[ -e held.ndjson ]
	ehr 1 ehr-notify -S site --now "$(date -u +%FT%TZ)" sealed.ndjson
	has err revoked
}

@test "examples: ehr-deliver(1)" {
	subscribed
	grep -F '"BTG"' "$cases/requests.ndjson" >requests
	# What somebody answers to the letter of share/channels/mail.
	after_3() { jq -r 'select(.ack) | "Yes.\nack \(.ehr.id) \(.ack)"' site/spool/out/nina >answers; }
	examples deliver 0 75 0 0 0 0
	[ "$(cat 3.out)" = "$(jq -r .id subscription)" ]
	[ "$(jq -c .durable 4.out)" = true ]
	[ "$(ehr-deliver status -S site | grep -c ' open ')" -eq 0 ]
	ehr-deliver list -S site >all
	[ "$(grep -c .kind.:.notice. all)" -eq 2 ]
}

@test "examples: ehr-policy(1)" {
	head -n 1 records.ndjson >record.json
	examples policy 0 0 0 0
	[ -e ward/policy.yaml ]
	empty 4.out
}

@test "examples: ehr-authz(1)" {
	grep -F '"subject"' "$cases/requests.ndjson" | head -n 20 >requests.ndjson
	examples authz 0 0
	[ "$(jq -r .ehr.rl 1.out | sort | uniq -c | awk '{ print $1 $2 }')" = 3V ]
	grep -qE '^ +1 H-' 2.out
}

@test "examples: ehr-select(1)" {
	enrolled device
	echo '{"type":"user","id":"nina","properties":{"domain":"hospital","structural_role":"nurse","ward":"7","functional_role":["nurse"],"permissions":["PRD-006"]}}' >>site/entities.ndjson
	ehr-keys pseudonym -S site --entities ann | jq -c '.properties.ward = "7"' >>site/entities.ndjson
	printf '%s\n' 'ehr_authz: 1' 'consent: c-ann' 'patient: ann' 'status: active' 'date: 2026-03-01' 'base: permit' 'rules: []' >site/consents/ann.yaml
	echo '{"acr":"loa3","route":"on-site","purpose":["TREAT"]}' >context
	ehr-keys give -S site --device "$(jq -r .id device.self)" --user nina --context context --now $now | ehr-keys accept --keys device --now $now
	jq -c --arg device "$(jq -r .id device.self)" '.subject = {type: "user", id: "nina", properties: {domain: "hospital", $device}}' request.json |
		ehr-authz -S site >decision.json
	mv sealed.ndjson store.ndjson
	examples select 0 0 0
	[ "$(jq -r .ehr.rl 1.out | uniq -c | awk '{ print $1 $2 }')" = 3N ]
	[ "$(jq -r .ehr.rl 2.out | uniq -c | awk '{ print $1 $2 }')" = 3N ]
	ehr 0 ehr-open --key device --now $now --record disclosed.ndjson
	[ "$(wc -l <out)" -eq 3 ]
}

@test "examples: ehr-consent(1)" {
	awk -v file=events.ndjson -f "$EHR_ROOT/tests/lib/page.awk" "$EHR_ROOT/share/man/man5/ehr-consent.5" >events.ndjson
	cp "$cases/consents/ann.yaml" consents.yaml
	cp request.json requests.ndjson
	examples consent 0 1 0
	has 2.err 'consents.yaml:12:21: a Consent cannot say this'
	[ "$(jq -r .consent_state <(jq -c .context 3.out))" = "sha256:$(sha256sum <states.ndjson | cut -d' ' -f1)" ]
}

@test "examples: ehr-batch(1)" {
	examples batch 0 127
	[ "$(wc -l <store/upload.ndjson/sealed.ndjson)" -eq 12 ]
	# The line of crontab(5), which takes no line that goes on.
	[ "$(wc -l <2.example)" -eq 1 ]
	sed 's,^30 2 [*] [*] [*] /usr/local/bin/,,; s,/srv/,,g' 2.example >cron
	mkdir uploads
	cp upload.ndjson uploads/other
	line 0 '. ./cron'
	[ -e uploads/done/other ]
}

@test "examples: ehr-keys(1)" {
	mv site facts
	after_1() {
		cp site/authority.jwks .
		mv facts/facts.ndjson site/
		printf '%s\n' '{"type":"user","id":"dr-lee","properties":{"domain":"hospital","structural_role":"physician","permissions":["POE-012"]}}' \
			'{"type":"user","id":"otto","properties":{"domain":"hospital","structural_role":"nurse"}}' \
			'{"type":"user","id":"ph-eva","properties":{"domain":"hospital","structural_role":"pharmacist"}}' >>site/entities.ndjson
		ehr-redact -S site labelled.ndjson --other-policy accept | ehr-seal -S site >sealed.ndjson
	}
	# Requests of one second are one request.
	after_4() { sleep 1; }
	after_8() {
		sleep 1
		ehr-keys signer --domain hospital issuer.pem >issuers.jwks
		jq -c '{sub: "nina", aud: "hospital", cnf: {jkt: .sig.jkt}}' tablet.self | ehr-keys assert --sign issuer.pem --domain hospital >nina.token
	}
	after_9() {
		echo '{"set-dose":4}' >commands
		ehr-keys make --kind actuator --keys pump --authority authority.jwks --commands commands >pump.enrol
		ehr-keys list --self --keys pump >pump.self
		ehr-keys enrol -S site --expect "$(jq -r .sig.jkt pump.self)" pump.enrol >/dev/null
		echo "{\"fact\":\"f-9\",\"relation\":\"treating\",\"subject\":\"dr-lee\",\"patient\":\"p1\",\"from\":\"$now\",\"until\":\"2099-01-01T00:00:00Z\"}" >>site/facts.ndjson
		printf 'ehr_authz: 1\nconsent: c-p1\npatient: p1\nstatus: active\nbase: permit\n' >site/consents/p1.yaml
		jq -nc --arg id "$(head -c 16 /dev/urandom | basenc --base64url | tr -d =)" '{$id, name: "set-dose", args: {mg: "5.0"}, approved_by: ["ph-eva"]}' >order.json
		echo '{"acr":"loa3","route":"on-site","location":"ward-3","purpose":"TREAT"}' >context
	}
	after_10() {
		jq -c 'walk(if . == "ben" then "ann" else . end) | .resource.properties.ward = "7" | .context.time = $now' --arg now "$(date -u +%FT%TZ)" asked.json |
			ehr-authz -S site >decisions.ndjson
		jq -nc '{subject: {type: "user", id: "dr-lee"}, action: {name: "declare-relation", properties: {relation: "treating", until: $until}},
			resource: {type: "relation", id: "cem", properties: {domain: "hospital", patient: "cem"}},
			context: {purpose: "TREAT", acr: "loa3", route: "on-site", time: (now | todate)}}' --arg until "$(date -u -d tomorrow +%FT%TZ)" >request.json
	}
	examples keys 0 0 0 0 1 0 0 0 0 0 0 0 0 0 0 0
	[ "$(jq -r .ehr.rl 5.out | sort | uniq -c | awk '{ print $1 $2 }' | tr '\n' ' ')" = '3L 3N ' ]
	[ "$(wc -l <site/grants.jwts)" -eq 2 ]
	has 8.out 'the patient had a directive that permits it'
	[ "$(jq -r .command.name 10.out | head -n 1)" = set-dose ]
	has site/facts.ndjson '"patient":"cem"'
	ehr 0 ehr-keys list -S site
	grep '"epoch":1,' out >first
	lacks first '"rl":"N"'
	has first '"rl":"R"'
}

@test "examples: every page of a program that has some is here" {
	for page in "$EHR_ROOT"/share/man/man1/*.1; do
		name=${page##*/ehr-}
		grep -qE "^	examples ${name%.1} " "$BATS_TEST_FILENAME" || echo "$name"
	done >missing
	same missing <<<'launch.1'
}
