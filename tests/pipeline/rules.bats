bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/keys

# Each rule of policies/hospital/authz: what it permits comes out as bytes on the asker's device, what it does not is
# refused in words.  The records are kept by the site itself (share/examples/disclose.sh --kept).
cases=$EHR_ROOT/testdata/authz/hospital

# kept PATIENT: labelled records on standard input, as the site keeps them.
kept() {
	sed "s/PATIENT/$1/g" | ehr-ingest | ehr-classify -P "$P" 2>/dev/null | ehr-seal -P "$P" -S site --to site.jwk --keep
}

setup_file() {
	local who
	site
	cd "$F" || return 1
	ehr-keys list --self -S site | jq -c .enc.jwk >site.jwk
	ehr-keys make --kind reader --keys tablet --authority site/authority.jwks --now "$NOW" >tablet.enrol
	ehr-keys list --self --keys tablet >tablet.self
	ehr-keys enrol -S site --expect "$(jq -r .sig.jkt tablet.self)" --now "$NOW" --al-cap 5 tablet.enrol >tablet.device
	cp "$cases/facts.ndjson" site/
	cat >>site/facts.ndjson <<-'END'
		{"fact":"g-1","relation":"on-call","subject":"er-1","patient":"ann","from":"2026-03-02T06:00:00Z","until":"2026-03-02T18:00:00Z","by":"desk","at":"2026-03-02T05:00:00Z"}
		{"fact":"g-2","relation":"guardian","subject":"mum","patient":"ann","from":"2026-01-01T00:00:00Z","until":"2027-01-01T00:00:00Z","by":"court","at":"2026-01-01T00:00:00Z"}
		{"fact":"g-3","relation":"treating","subject":"diet-1","patient":"ann","from":"2026-03-01T08:00:00Z","until":"2026-03-15T08:00:00Z","by":"dr-lee","at":"2026-03-01T08:00:00Z"}
	END
	cp "$cases"/consents/* site/consents/
	for who in ann tom eve; do
		printf '{"type":"patient","id":"%s","properties":{"pseudonym":"%s"}}\n' "$who" "$(ehr-keys pseudonym -S site "Patient/$who")"
	done >site/entities.ndjson
	for who in ann tom eve; do
		sed "s/PATIENT/$who/g" >"$who.chart" <<-'END'
			{"resourceType":"Patient","id":"PATIENT","active":true,"gender":"female"}
			{"resourceType":"Observation","id":"PATIENT-pulse","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]},"subject":{"reference":"Patient/PATIENT"},"effectiveDateTime":"2026-03-01","valueQuantity":{"value":60.0,"unit":"\/min"}}
			{"resourceType":"Condition","id":"PATIENT-hiv","subject":{"reference":"Patient/PATIENT"},"code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"B20"}]},"onsetDateTime":"2024"}
			{"resourceType":"Condition","id":"PATIENT-opioids","subject":{"reference":"Patient/PATIENT"},"code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"F11.20"}]},"onsetDateTime":"2023"}
			{"resourceType":"AllergyIntolerance","id":"PATIENT-nuts","patient":{"reference":"Patient/PATIENT"},"code":{"coding":[{"system":"http://snomed.info/sct","code":"91934008"}]}}
			{"resourceType":"MedicationRequest","id":"PATIENT-iron","status":"active","intent":"order","subject":{"reference":"Patient/PATIENT"},"medicationCodeableConcept":{"text":"iron"},"authoredOn":"2026-01-02"}
			{"resourceType":"Observation","id":"PATIENT-fall","status":"final","basedOn":[{"reference":"Task/inquiry-2026-07"}],"code":{"coding":[{"system":"http://loinc.org","code":"52552-7"}]},"subject":{"reference":"Patient/PATIENT"},"effectiveDateTime":"2026-02-01"}
			{"resourceType":"Account","id":"PATIENT-bill","status":"active","subject":[{"reference":"Patient/PATIENT"}],"servicePeriod":{"start":"2026-01-01"}}
		END
		ehr-ingest <"$who.chart" | ehr-classify -P "$P" >>labelled 2>/dev/null
	done
	ehr-seal -P "$P" -S site --to site.jwk --keep labelled >kept.ndjson
	ehr-redact -P "$P" -S site labelled | ehr-seal -P "$P" -S site >store.ndjson
}

setup() {
	export LC_ALL=C TZ=UTC PATH="$EHR_BIN:$PATH"
	cd "$BATS_TEST_TMPDIR" || return 1
	cp -r "$BATS_FILE_TMPDIR/." .
	ID=$(jq -r .id tablet.self)
}

# asked NAME [JQ]: the decision on that case's request, asked on the tablet.
asked() {
	grep -F "{\"id\": \"$1\"" "$cases/requests.ndjson" | head -n 1 |
		jq -c --arg device "$ID" ".subject.properties.device = \$device | ${2:-.}" >request
	ehr-authz -P "$P" -S site request >decision
}

disclose() {
	"$EHR_ROOT/share/examples/disclose.sh" --kept "$@" "$P" site decision "${AT:-$NOW}" kept.ndjson
}

# given PATIENT NAME ...: what the tablet opens are these records of the chart, byte for byte as they came.
given() {
	local patient=$1 name
	shift
	# shellcheck disable=SC2086
	ehr 0 disclose ${DELIVER-}
	empty err
	mv out message
	ehr 0 ehr-open --key tablet --record message
	for name; do grep -F "\"id\":\"${patient}${name#patient}\"" "$patient.chart"; done | same out
}

# refused NAME [WHY]: to that case's request nothing is disclosed, and standard error says why.
refused() {
	asked "$1"
	ehr 7 disclose
	empty out
	same err <<<"${2:-ehr-redact: decision: denied: the decision is not true}"
}

plain='patient -pulse -nuts -iron -fall -bill'
whole='patient -pulse -hiv -opioids -nuts -iron -fall -bill'

@test "H-1: who treats her has the whole record; from outside the house, or asking for less, less" {
	asked 'treating physician, whole record'
	given ann $whole
	asked 'treating physician from outside the house'
	given ann $plain
	asked 'claimed AL below the assessed one'
	given ann $plain
	refused 'physician who does not treat'
	refused 'claimed AL above the assessed one'
}

@test "H-2: a nurse on her ward has what is not restricted, but no substance use data" {
	asked 'nurse on her ward'
	[ "$(jq -c '[.context.obligations[].properties.action]' decision)" = '["level","redact"]' ]
	given ann $plain
	refused 'nurse on another ward'
	refused 'nurse from the internet'
	refused 'nurse, an entry above her level'
}

@test "H-3: a physician whom he blocked reads while he treats him, as he acknowledged" {
	asked 'blocked by name, treating, acknowledged'
	given tom $whole
	AT=2026-03-05T18:00:00Z
	ehr 7 disclose
	same err <<<'ehr-redact: decision: denied: the decision has ended'
	empty out
	refused 'blocked by name, no longer treating'
}

@test "H-4: broken glass opens the record once it is written whom to tell and when it ends" {
	asked 'break-glass against the directive'
	ehr 7 disclose
	same err <<<'ehr-redact: decision: denied: /context/obligations/0: the decision obliges to notify somebody: give --deliver FILE'
	empty out
	DELIVER='--deliver told' given tom $whole
	jq -c '[.obligation.type, .obligation.properties.action, .obligation.properties.to, .obligation.properties.at, .about.subject]' told >got
	same got <<-'END'
		["notification","notify","privacy-officer",null,"dr-kim"]
		["custom","expire",null,"2026-03-02T13:00:00Z","dr-kim"]
	END
	AT=2026-03-02T13:00:00Z
	ehr 7 disclose --deliver told
	same err <<<'ehr-redact: decision: denied: /context/obligations/2: the decision has ended'
	[ "$(wc -l <told)" -eq 2 ]
	AT=$NOW
	refused 'break-glass without justification'
	# So does a record whose patient has not settled a consent.
	asked 'service without a settled consent'
	DELIVER='--deliver told' given eve $whole
	refused 'ordinary care without a settled consent'
}

@test "H-5: emergency responders have what saves a life, whatever he said" {
	asked 'emergency responder, life-threatening'
	given tom -hiv -opioids -nuts -iron
	refused 'emergency responder, condition not stated'
}

@test "H-6: she reads her own record, also what she hides from others" {
	asked 'patient reads the own record'
	given ann $plain
	asked 'patient reads the own record' '.context.route = "on-site"'
	given ann $whole
}

@test "H-7: a guardian has the version of the family; of what lies above it nothing is left to the sister" {
	asked 'sister named by the patient' '.subject.id = "mum"'
	ehr 0 disclose
	empty err
	mv out message
	ehr 0 ehr-open --key tablet --record message
	sed -E 's/[a-z0-9]{26}/TOKEN/g' out >got
	same got <<-'END'
		{"resourceType":"Patient","id":"TOKEN","active":true,"gender":"female"}
		{"resourceType":"Observation","id":"TOKEN","status":"final","subject":{"reference":"Patient/TOKEN"},"effectiveDateTime":"2026-03-01"}
		{}
		{}
		{}
		{"resourceType":"Observation","id":"TOKEN","status":"final","subject":{"reference":"Patient/TOKEN"},"effectiveDateTime":"2026-02-01"}
		{}
	END
	asked 'sister named by the patient'
	ehr 0 disclose
	empty out
	same err <<<'disclose: decision: of 8 records of the patient nothing is left'
	refused 'sister after March'
}

@test "H-8: a device adds observations, and is shown nothing" {
	refused 'device adds an observation' 'ehr-redact: decision: denied: the decision is about an action that shows no record'
	[ "$(jq .decision decision)" = true ]
	refused 'device reads'
	refused 'device adds for another patient'
}

@test "H-9: a supervisor attests what those under her proposed, which shows nothing" {
	refused 'supervisor attests' 'ehr-redact: decision: denied: the decision is about an action that shows no record'
	[ "$(jq .decision decision)" = true ]
	refused 'supervisor of somebody else attests'
}

@test "H-10: a nurse has results for the physician who asked her to, until noon" {
	asked 'delegated nurse'
	sed -i 's/"basedOn":[^]]*],//' ann.chart
	given ann -pulse -fall
	AT=2026-03-02T12:00:00Z
	ehr 7 disclose
	same err <<<'ehr-redact: decision: denied: the decision has ended'
	AT=$NOW
	refused 'delegation over'
	refused 'nurse says on behalf of, nobody asked her'
}

@test "H-11: investigators have what belongs to their inquiry, until the end of June" {
	asked investigator
	given ann -fall
	refused 'investigator after the period'
}

@test "H-12: billing has what billing needs" {
	asked billing
	given tom -bill
}

@test "H-13: a command needs its level, an approval and an id of its own, and shows nothing" {
	echo '{"type":"user","id":"ph-eva","properties":{"structural_role":"pharmacist"}}' >>site/entities.ndjson
	refused command 'ehr-redact: decision: denied: the decision is about an action that shows no record'
	[ "$(jq -c '[.decision, .context.about.command]' decision)" = '[true,"set-dose"]' ]
	for name in 'command too old' 'command from the future' 'command of unknown type' 'command, AL too low' \
		'command approved only by the one who asks' 'command without the permission'; do
		refused "$name"
	done
}

@test "H-14: staff do not look at relatives, not even by breaking the glass" {
	refused relative
}

@test "H-15: level keys are released, and open the versions of their levels and nothing above" {
	echo '{"type":"user","id":"dr-lee","properties":{"domain":"hospital","structural_role":["physician"]}}' >>site/entities.ndjson
	echo '{"acr":"loa3","route":"on-site","purpose":"TREAT"}' >context
	give() {
		ehr-keys release -P "$P" -S site --device "$ID" --user "$1" --offline --now "$NOW" --context context "${@:2}"
	}
	give dr-lee --ask | ehr-authz -P "$P" -S site >decision
	give dr-lee --decision decision | ehr-keys accept --keys tablet --now "$NOW"
	asked 'treating physician, whole record'
	ehr 0 ehr-select -P "$P" -S site --decision decision --level R --now "$NOW" store.ndjson
	mv out selected
	ehr 0 ehr-open --key tablet --now "$NOW" --record selected
	cmp out ann.chart
	ehr-select -P "$P" -S site --decision decision --now "$NOW" store.ndjson >selected
	ehr 7 ehr-open --key tablet --now "$NOW" --record selected
	has err no-key
	# Nobody knows nina.
	give nina --ask | ehr-authz -P "$P" -S site >decision
	ehr 7 give nina --decision decision
	empty out
}

@test "H-16: the emergency team on call follows her by a grant, and nobody else's record" {
	asked 'emergency responder, life-threatening' '.action.name = "subscribe" | .context.supported_actions = ["level","audit","expire"] |
		.resource.id = "ann" | .resource.properties.patient = "ann"'
	[ "$(jq .decision decision)" = false ]
	rm site/consents/ann.yaml
	printf 'ehr_authz: 1\nconsent: c-ann\npatient: ann\nstatus: active\nbase: permit\nrules: []\n' >site/consents/ann.yaml
	ehr-authz -P "$P" -S site request >decision
	[ "$(jq -c '[.decision, [.context.layers[] | select(.layer == "organization").rules]]' decision)" = '[true,[["H-16","H-5"]]]' ]
	echo '{"acr":"loa3","route":"on-site","purpose":"ETREAT"}' >context
	echo '{"type":"user","id":"er-1","properties":{"domain":"hospital","structural_role":["paramedic"],"functional_role":["emergency-responder"]}}' >>site/entities.ndjson
	release() {
		ehr-keys release -P "$P" -S site --device "$ID" --user er-1 --offline --now "$NOW" --context context "$@"
	}
	release --ask | ehr-authz -P "$P" -S site >keys.decision
	release --decision keys.decision | ehr-keys accept --keys tablet --now "$NOW"
	ehr-keys grant -P "$P" -S site --now "$NOW" --decision decision >grant
	ehr 0 ehr-select -P "$P" -S site --grant grant --now "$NOW" store.ndjson
	mv out selected
	ehr 0 ehr-open --key tablet --now "$NOW" --record selected
	cmp out ann.chart
	# He is not on call for tom.
	jq -c '.resource.id = "tom" | .resource.properties.patient = "tom"' request | ehr-authz -P "$P" -S site >decision
	ehr 7 ehr-keys grant -P "$P" -S site --now "$NOW" --decision decision
}

# says NAME [JQ]: what that case's asker says of the patient, until the fifth at nine; the fact, or a refusal.
says() {
	asked "$1" '.action = {name: "declare-relation", properties: {relation: "treating", until: "2026-03-05T09:00:00Z"}} |
		.resource.type = "relation"'" | ${2:-.}"
}

@test "H-17: a clinician says that she treats him, has the whole record until that ends, and nothing before" {
	refused 'physician who does not treat'
	says 'physician who does not treat'
	[ "$(jq -c '[.context.obligations[].properties | del(.vendor)]' decision)" = '[{"action":"audit","rule":"H-17","level":"high"}]' ]
	ehr 0 ehr-keys declare -P "$P" -S site --decision decision --now "$NOW"
	[ "$(jq -r '[.relation, .patient, .from, .until] | join(" ")' out)" = "treating tom $NOW 2026-03-05T09:00:00Z" ]
	asked 'physician who does not treat'
	[ "$(jq -r .context.valid_until decision)" = 2026-03-05T09:00:00Z ]
	given tom $whole
	AT=2026-03-05T09:00:00Z
	ehr 7 disclose
	same err <<<'ehr-redact: decision: denied: the decision has ended'
	asked 'physician who does not treat' '.context.time = "2026-03-05T09:00:00Z"'
	[ "$(jq -r .context.reason decision)" = default-deny ]
	# She no longer does.
	AT=$NOW
	says 'physician who does not treat' '.action = {name: "end-relation", properties: {relation: "treating"}} | .context.time = "2026-03-03T09:00:00Z"'
	ehr 0 ehr-keys declare -P "$P" -S site --end --decision decision --now 2026-03-03T09:00:00Z
	asked 'physician who does not treat' '.context.time = "2026-03-03T09:00:00Z"'
	[ "$(jq -r .context.reason decision)" = default-deny ]
}

@test "H-17: not for more than a week, of a relative, from outside, by a nurse, nor of anything else than treating" {
	while IFS='|' read -r reason change; do
		says 'physician who does not treat' "$change"
		[ "$(jq -r .context.reason decision)" = "$reason" ]
		ehr 7 ehr-keys declare -P "$P" -S site --decision decision --now "$NOW"
		empty out
	done <<-'END'
		relation-until|.action.properties.until = "2026-03-09T09:00:01Z"
		relation-until|del(.action.properties.until)
		default-deny|.resource.id = "ann" | .resource.properties.patient = "ann"
		default-deny|.context.route = "vpn"
		default-deny|.context.acr = "loa2"
		default-deny|.subject.properties.structural_role = "nurse"
		unknown-relation|.action.properties.relation = "guardian"
		unknown-relation|.action.properties.relation = "authorized"
		deny-rule|.context.purpose = "HMARKT"
	END
	refused 'physician who does not treat'
}

@test "the law: nothing for marketing, and substance use data for treatment alone" {
	refused marketing
	asked investigator '.resource.properties.patient = "tom" | .resource.id = "tom"'
	[ "$(jq -c .decision decision)" = false ]
	asked investigator
	[ "$(jq -c '[.context.obligations[].properties.rule]' decision)" = '[null,"J-2","c-ann-1",null]' ]
}

@test "another domain: its physician has what its trust allows; roles that nobody agreed on, and strangers, nothing" {
	asked 'clinic asks, its physician treats'
	given ann $whole
	refused 'clinic asks, a role not agreed'
	refused 'another domain asks'
}

@test "of a record the newest kept line counts, and a tombstone leaves nothing" {
	asked 'treating physician, whole record'
	head -n 2 ann.chart | sed 's/60.0/61.0/; s/"female"/"male"/' >newer
	ehr-ingest <newer | ehr-classify -P "$P" 2>/dev/null | ehr-seal -P "$P" -S site --to site.jwk --keep >>kept.ndjson
	{ sed 1,2d ann.chart && cat newer; } >want
	mv want ann.chart
	ehr 0 disclose
	mv out message
	ehr-open --key tablet --record message | cmp - ann.chart
	# A deletion, as ehr-ingest writes it.
	printf '{"ehr":{"v":1,"stage":"deleted","id":"Observation/ann-pulse"},"record":{}}\n' | ehr-classify -P "$P" |
		ehr-seal -P "$P" -S site --to site.jwk --keep >>kept.ndjson
	ehr 0 disclose
	mv out message
	ehr-open --key tablet --record message | cmp - <(grep -v '"ann-pulse"' ann.chart)
}

@test "of several files of kept lines the later ones are newer, also where a file ends without a newline" {
	local file
	asked 'treating physician, whole record'
	head -n 2 ann.chart | sed 's/60.0/61.0/; s/"female"/"male"/' >newer
	ehr-ingest <newer | ehr-classify -P "$P" 2>/dev/null | ehr-seal -P "$P" -S site --to site.jwk --keep >1.ndjson
	printf '{"ehr":{"v":1,"stage":"deleted","id":"Observation/ann-pulse"},"record":{}}\n' | ehr-classify -P "$P" |
		ehr-seal -P "$P" -S site --to site.jwk --keep >2.ndjson
	{ sed 1,2d ann.chart && head -n 1 newer; } >want
	cat kept.ndjson 1.ndjson 2.ndjson >all.ndjson
	ehr 0 "$EHR_ROOT/share/examples/disclose.sh" --kept "$P" site decision "$NOW" all.ndjson
	mv out message
	ehr-open --key tablet --record message | cmp - want
	for file in kept 1 2; do
		ehr 0 "$EHR_ROOT/share/examples/disclose.sh" --kept "$P" site decision "$NOW" kept.ndjson 1.ndjson 2.ndjson
		mv out message
		ehr-open --key tablet --record message | cmp - want
		truncate -s -1 "$file.ndjson"
	done
	cat kept.ndjson >all.ndjson
	ehr 0 "$EHR_ROOT/share/examples/disclose.sh" --kept "$P" site decision "$NOW" all.ndjson
	mv out message
	ehr-open --key tablet --record message | cmp - ann.chart
}
