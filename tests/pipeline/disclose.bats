bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/keys

# share/examples/disclose.sh: what lies above a device's level keys is sealed to the device.
disclose=$EHR_ROOT/share/examples/disclose.sh

setup_file() {
	site
	cd "$F" || return 1
	ehr-keys make --kind reader --keys tablet --authority site/authority.jwks --now "$NOW" >tablet.enrol
	ehr-keys list --self --keys tablet >tablet.self
	ehr-keys enrol -S site --expect "$(jq -r .sig.jkt tablet.self)" --now "$NOW" --al-cap 4 tablet.enrol >tablet.device
	ID=$(jq -r .id tablet.self)
	cat >site/entities.ndjson <<-'END'
		{"type":"user","id":"dr-lee","properties":{"domain":"hospital","structural_role":["physician"]}}
	END
	printf '{"type":"patient","id":"p1","properties":{"pseudonym":"%s"}}\n' "$(ehr-keys pseudonym -S site Patient/p1)" >>site/entities.ndjson
	cat >site/facts.ndjson <<-'END'
		{"fact":"t1","relation":"treating","subject":"dr-lee","patient":"p1","from":"2026-03-01T08:00:00Z","until":"2026-03-15T08:00:00Z","by":"x","at":"2026-03-01T08:00:00Z"}
	END
	printf 'ehr_authz: 1\nconsent: c1\npatient: p1\nstatus: active\ndate: 2026-03-01\nbase: permit\nrules: []\n' >site/consents/p1.yaml
	cat >request <<-END
		{"subject":{"type":"user","id":"dr-lee","properties":{"domain":"hospital","device":"$ID"}},"action":{"name":"read"},"resource":{"type":"patient","id":"p1","properties":{"domain":"hospital","patient":"p1"}},"context":{"purpose":["TREAT"],"time":"$NOW","acr":"loa3","route":"on-site","supported_actions":["level","audit","expire"]}}
	END
	ehr-authz -P "$P" -S site request >decision
}

own() {
	cp -r "$F/site" "$F/tablet" "$F/decision" .
	ID=$(jq -r .id "$F/tablet.self")
}

@test "the treating physician's tablet has keys up to AL 4 and opens what is disclosed at AL 5" {
	own
	[ "$(jq -c '[.decision, .context.al]' decision)" = '[true,5]' ]
	ehr 0 "$disclose" "$P" site decision "$NOW" "$F/sealed" && mv out message
	empty err
	[ "$(jq -r .ehr.to message | sort -u)" = "$(jq -r .enc.jkt "$F/tablet.self")" ]
	ehr 0 ehr-open --key tablet --record message && mv out opened
	ehr-select -P "$P" -S site --decision decision --now "$NOW" "$F/sealed" | ehr-open -S site --record >want
	cmp opened want
	[ "$(wc -l <opened)" -eq 2 ]
	# By standard input, too; and nobody else opens it.
	ehr 0 "$disclose" "$P" site decision "$NOW" <"$F/sealed" && mv out again
	ehr-open --key tablet --record again | cmp - want
	ehr-keys make --kind reader --keys other --authority site/authority.jwks >/dev/null
	ehr 7 ehr-open --key other --record message
	empty out
}

@test "without a permit, a device or its enrolment nothing is disclosed" {
	own
	sed 's/"decision":true/"decision":false/' decision >denied
	ehr 7 "$disclose" "$P" site denied "$NOW" "$F/sealed"
	empty out
	sed 's/,"device":"[^"]*"//' decision >unbound
	ehr 7 "$disclose" "$P" site unbound "$NOW" "$F/sealed"
	same err <<<'disclose: unbound: the decision names no device'
	sed "s/$ID/d_none/" decision >other
	ehr 7 "$disclose" "$P" site other "$NOW" "$F/sealed"
	same err <<<'disclose: other: the device of the decision is not enrolled, no longer, or revoked'
	ehr 7 "$disclose" "$P" site decision 2028-01-01T00:00:00Z "$F/sealed"
	empty out
	ehr-keys revoke -S site --device "$ID" --now "$NOW" >/dev/null
	ehr 7 "$disclose" "$P" site decision "$NOW" "$F/sealed"
	same err <<<'disclose: decision: the device of the decision is not enrolled, no longer, or revoked'
	empty out
	ehr 2 "$disclose" "$P" site decision
	ehr 2 "$disclose" --deliver
	ehr 2 "$disclose" --nonsense "$P" site decision "$NOW" "$F/sealed"
}

@test "broken glass is disclosed only with a file for whom to tell, and messages name the files of the caller" {
	own
	jq -c '.context.obligations += [{"id":"ob-9","type":"notification","properties":{"vendor":"ehr","action":"notify","rule":"H-4","to":"privacy-officer","topic":"H-4","body":"Glass."}}]' decision >'broken glass'
	ehr 7 "$disclose" "$P" site 'broken glass' "$NOW" "$F/sealed"
	same err <<<'ehr-select: broken glass: denied: /context/obligations/0: the decision obliges to notify somebody: give --deliver FILE'
	empty out
	ehr 0 "$disclose" --deliver told "$P" site 'broken glass' "$NOW" "$F/sealed" && mv out message
	empty err
	ehr 0 ehr-open --key tablet --record message
	[ "$(wc -l <out)" -eq 2 ]
	[ "$(jq -r .obligation.id told)" = ob-9 ]
	ehr 0 "$disclose" --deliver=told -- "$P" site 'broken glass' "$NOW" <"$F/sealed"
	[ "$(wc -l <told)" -eq 2 ]
	# By a pipe the decision comes once.
	ehr 7 "$disclose" "$P" site <(cat 'broken glass') "$NOW" "$F/sealed"
	grep -qE '^ehr-select: /dev/fd/[0-9]+: denied: /context/obligations/[0-9]: the decision obliges' err
	cp 'broken glass' same
	ehr 2 "$disclose" --deliver 'broken glass' "$P" site 'broken glass' "$NOW" "$F/sealed"
	same err <<<'disclose: broken glass: input and output are the same file'
	cmp 'broken glass' same
	echo '{"decision":true,"context":{"about":{"device":"'"$ID"'"}}' >torn
	ehr 7 "$disclose" "$P" site torn "$NOW" "$F/sealed"
	lacks err tmp
}

@test "a line that does not open stops the disclosure" {
	own
	sed '$s/"ciphertext":"..../"ciphertext":"AAAA/' "$F/sealed" >broken
	ehr 6 "$disclose" "$P" site decision "$NOW" broken
	has err not-authentic
	empty out
}

# scenario N SUBJECT: the decision on the whole record in access scenario N, asked on the tablet, and records kept by the site.
scenario() {
	local cases=$EHR_ROOT/testdata/authz
	rm -rf A
	mkdir -p A/authz
	cp "$cases/policy.yaml" A/
	cp "$cases"/policies/*.yaml A/authz/
	printf '{"type":"patient","id":"%s","properties":{"pseudonym":"%s"}}\n' "$2" "$(ehr-keys pseudonym -S site "Patient/$2")" >entities
	grep -F "\"id\": \"S$1 " "$cases/requests.ndjson" | grep 'whole record' | jq -c --arg id "$ID" '.subject.properties.device = $id' |
		ehr-authz -P A --consents "$cases/consents" --facts "$cases/facts.ndjson" --entities entities >decision
	[ "$(jq .decision decision)" = true ]
	jq -c '.context.rl = "V" | .context.al = 5' decision >cleared
	sed "s/PATIENT/$2/" >chart <<-'END'
		{"resourceType":"Patient","id":"PATIENT","active":true}
		{"resourceType":"Observation","id":"o1","status":"final","subject":{"reference":"Patient/PATIENT"},"effectiveDateTime":"2026-01-04","valueQuantity":{"value":6.0E+1,"unit":"\/min"}}
		{"resourceType":"MedicationRequest","id":"mr1","status":"active","intent":"order","subject":{"reference":"Patient/PATIENT"},"medicationCodeableConcept":{"text":"Zolpitrex"}}
		{"resourceType":"MedicationStatement","id":"ms1","status":"active","subject":{"reference":"Patient/PATIENT"},"medicationCodeableConcept":{"text":"Zolpitrex"}}
		{"resourceType":"Condition","id":"h1","subject":{"reference":"Patient/PATIENT"},"code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"B20"}]}}
	END
	ehr-keys list --self -S site | jq -c .enc.jwk >site.jwk
	ehr-ingest <chart | ehr-classify -P "$P" 2>/dev/null | ehr-seal -P "$P" -S site --to site.jwk --keep >kept
}

@test "scenario 4: the physician opens everything but the medications, and in scenario 5 the pharmacist opens all" {
	own
	scenario 4 p04
	ehr 0 "$disclose" --kept "$P" site cleared "$NOW" kept && mv out message
	empty err
	ehr 0 ehr-open --key tablet --record message
	grep -v Zolpitrex chart | cmp - out
	scenario 5 p05
	ehr 0 "$disclose" --kept "$P" site cleared "$NOW" kept && mv out message
	ehr 0 ehr-open --key tablet --record message
	cmp chart out
	# Records of somebody else are not opened; without a level nobody knows how much to give.
	ehr 2 "$disclose" --kept "$P" site decision "$NOW" kept
	empty out
	jq -c '.context.about.pseudonym = "s_AAAAAAAAAAAAAAAAAAAAAA"' cleared >other
	ehr 1 "$disclose" --kept "$P" site other "$NOW" kept
	empty out
	same err <<<'disclose: other: of 0 records of the patient nothing is left'
	jq -c 'del(.context.about.pseudonym)' cleared >other
	ehr 7 "$disclose" --kept "$P" site other "$NOW" kept
	same err <<<'disclose: other: the decision names no pseudonym of its patient'
	ehr 4 "$disclose" --kept "$P" site cleared "$NOW" no-such-file
	empty out
	# A line that was changed stops the run.
	sed 's/"ciphertext":"..../"ciphertext":"AAAA/' kept >broken
	ehr 6 "$disclose" --kept "$P" site cleared "$NOW" broken
	empty out
}
