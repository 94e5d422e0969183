# ehr-policy check --site: the files of a site are linted like those of a policy.
bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/keys
load ../lib/trust

setup_file() {
	people
}

setup() {
	at_home
}

# finds STATUS LINES: what check says of the site, without what it says of the policy.
finds() {
	ehr "$1" ehr-policy check -P "$P" -S site
	sed -n 's|^ehr-policy: \(site.*\)|\1|p' err >found
	same found
}

@test "a site without faults has no findings, and the digest is printed" {
	finds 0 </dev/null
	[ "$(cut -c 1-7 out)" = sha256: ]
}

@test "the register: who has no role or domain, which patient no pseudonym" {
	cat >>site/entities.ndjson <<-'END'
		{"type":"user","id":"nora","properties":{"domain":"hospital"}}
		{"type":"user","id":"paul","properties":{"structural_role":[],"functional_role":"","domain":null}}
		{"type":"patient","id":"p9","properties":{}}
		{"type":"device","id":"pump","properties":{}}
	END
	finds 0 <<-'END'
		site/entities.ndjson:4:1: warning: no-role: this user has no role, so rules for roles are not for her: give her structural_role
		site/entities.ndjson:5:1: warning: no-domain: this user has no domain, so the person with this id in another domain counts as her
		site/entities.ndjson:5:1: warning: no-role: this user has no role, so rules for roles are not for her: give her structural_role
		site/entities.ndjson:6:1: warning: no-pseudonym: this patient has no pseudonym, so no decision finds sealed lines: ehr-keys pseudonym --entities
	END
	lacks err nora
	lacks err p9
}

@test "facts: of somebody or a patient nobody knows, and without end" {
	cat >>site/facts.ndjson <<-'END'
		{"fact":"f-2","relation":"treating","subject":"ghost","patient":"p1","from":"2026-03-01T00:00:00Z","until":"2026-03-05T18:00:00Z"}
		{"fact":"f-3","relation":"treating","subject":"nina","patient":"p7","from":"2026-03-01T00:00:00Z","until":"2026-03-05T18:00:00Z"}
		{"fact":"f-4","relation":"supervises","subject":"dr-lee","object":"nina"}
		{"fact":"f-5","relation":"supervises","subject":"dr-lee","object":"nina"}
		{"end":"f-5","at":"2026-03-02T00:00:00Z"}
	END
	finds 0 <<-'END'
		site/facts.ndjson:2:1: warning: unknown-person: this fact is about somebody whom the register does not know: register her, or end it
		site/facts.ndjson:3:1: warning: unknown-patient: this fact is about a patient whom the register does not know: ehr-keys pseudonym --entities
		site/facts.ndjson:4:1: warning: open-ended: this fact has no end: state `until`, or end it by a line
	END
}

@test "a directive of a patient whom nobody knows, in each form" {
	printf 'ehr_authz: 1\nconsent: c-x\npatient: p8\nstatus: active\nbase: permit\n' >site/consents/x.yaml
	echo '{"ehr_authz":1,"consent":"c-y","patient":"p8","status":"active","base":"permit"}' >site/consents/y.json
	{
		echo '{"ehr_authz":1,"consent":"c-z","patient":"p1","status":"active","base":"permit"}'
		echo '{"ehr_authz":1,"consent":"c-w","patient":"p8","status":"active","base":"permit"}'
		echo '{"resourceType":"Consent","id":"c-v","status":"active","scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},"patient":{"reference":"Patient/p8"},"provision":{"type":"permit"}}'
	} >site/consents/z.ndjson
	finds 0 <<-'END'
		site/consents/x.yaml:3:10: warning: unknown-patient: this directive is of a patient whom neither the register nor a fact knows
		site/consents/y.json:1:42: warning: unknown-patient: this directive is of a patient whom neither the register nor a fact knows
		site/consents/z.ndjson:2:42: warning: unknown-patient: this directive is of a patient whom neither the register nor a fact knows
		site/consents/z.ndjson:3:189: warning: unknown-patient: this directive is of a patient whom neither the register nor a fact knows
	END
}

@test "what a register and facts say is compared without escapes, and a patient by id or reference" {
	sed -i 's/"dr-lee"/"dr-le\\u0065"/; s/"user"/"us\\u0065r"/; s/"id":"nina",/&"x":1,/; s/"nina"/"\\u006eina"/' site/entities.ndjson
	sed -i 's/"x":1,//; s/"p1"/"\\u00701"/' site/entities.ndjson
	cat >>site/entities.ndjson <<-'END'
		{"type":"Practitioner","id":"9","properties":{"identifier":["urn:npi\/\u0039"],"ref":"Practitioner\/x9"}}
		{"type":"us\u0065r","id":"norma","properties":{"domain":"hospital"}}
		{"type":"patient","id":"Patient\/p2","properties":{"pseudonym":"x"}}
	END
	cat >>site/facts.ndjson <<-'END'
		{"fact":"f-2","relation":"treating","subject":"dr-l\u0065e","patient":"Patient\/p1","from":"2026-03-01T00:00:00Z","until":"2026-03-05T18:00:00Z"}
		{"fact":"f-\u0033","relation":"supervises","subject":"dr-lee","object":"nina"}
		{"end":"f\u002d3","at":"2026-03-02T00:00:00Z"}
		{"fact":"f-4","relation":"treating","subject":"dr-lee","patient":"p2","from":"2026-03-01T00:00:00Z","until":"2026-03-05T18:00:00Z"}
	END
	cat >site/consents/r5.ndjson <<-'END'
		{"resourceType":"Consent","id":"c-6","status":"active","subject":{"reference":"Patient\/p2"},"decision":"permit","provision":[{"actor":[{"reference":{"identifier":{"value":"urn:npi\/9"}}},{"reference":{"reference":"Practitioner\/x9"}}]}]}
	END
	finds 0 <<-'END'
		site/entities.ndjson:5:1: warning: no-role: this user has no role, so rules for roles are not for her: give her structural_role
	END
}

@test "a file that its loader refuses is an error" {
	echo '{"fact":"f-9","relation":"friend","subject":"nina","patient":"p1"}' >>site/facts.ndjson
	ehr 3 ehr-policy check -P "$P" -S site
	has err 'site/facts.ndjson:2:'
	empty out
	own
	echo '{"type":"user","id":"x"' >>site/entities.ndjson
	ehr 3 ehr-policy check -P "$P" -S site
	has err 'site/entities.ndjson:4:'
	ehr 4 ehr-policy check -P "$P" -S nowhere
}

@test "subscriptions: what ehr-notify would refuse" {
	echo '{"responder":"on-call-physician"}' >wish
	echo '{"acr":"loa3","route":"on-site","purpose":"TREAT"}' >context
	ehr-keys subscribe -P "$P" -S site --user dr-lee --device "$ID" --context context --now "$NOW" --patient p1 wish >good
	finds 0 </dev/null
	jq -c '.id = "other" | .grant = "g_none"' good >site/subscriptions/other.json
	jq -c '.id = "third" | .extra = 1' good >site/subscriptions/third.json
	ehr 0 ehr-policy check -P "$P" -S site
	has err 'site/subscriptions/other.json:1:1: warning: subscription-refused: grant-missing'
	has err 'site/subscriptions/third.json:1:'
	# What concerns the site stands before what concerns the policy.
	sed -nE 's/^ehr-policy: (site)?.*/\1/p' err | uniq >order
	same order < <(printf 'site\n\n')
	lacks err g_none
}

@test "a site without a register, and one mistake many times" {
	rm site/entities.ndjson
	finds 0 <<-'END'
		site: warning: no-register: nobody is registered, so requests are believed: write entities.ndjson
	END
	seq 300 | sed 's/.*/{"type":"user","id":"u&","properties":{"domain":"hospital"}}/' >site/entities.ndjson
	ehr 0 ehr-policy check -P "$P" -S site
	[ "$(grep -c 'no-role' err)" -eq 99 ]
	has err 'site/entities.ndjson: warning: more: this file has more findings'
}

@test "hides-from-patient: a directive that stops the patient herself" {
	mkdir -p site/consents
	printf 'ehr_authz: 1\nconsent: c-h\npatient: p1\nstatus: active\nbase: permit\nrules:\n  - {id: c-h-1, say: Nobody sees it., effect: deny, what: {label: [SUD]}}\n' >site/consents/h.yaml
	ehr 0 ehr-policy check -P "$P" -S site
	has err 'site/consents/h.yaml:2:10: warning: hides-from-patient: this directive stops the patient herself'
	sed -i 's/\[SUD\]}/&, except: [{same: [[subject.patient, resource.patient]]}]/' site/consents/h.yaml
	ehr 0 ehr-policy check -P "$P" -S site
	lacks err hides-from-patient
	# So does one that is about other purposes or people.
	sed -i 's/what: .*/who: {structural_role: nurse}}/' site/consents/h.yaml
	ehr 0 ehr-policy check -P "$P" -S site
	lacks err hides-from-patient
}

@test "directives in a Bundle, of R5, and people in them whom nobody knows" {
	echo '{"type":"Practitioner","id":"9","properties":{"identifier":["urn:npi|9"]}}' >>site/entities.ndjson
	echo '{"type":"user","id":"nora","properties":{"domain":"hospital","structural_role":"nurse","ref":["Practitioner/n"]}}' >>site/entities.ndjson
	cat >site/consents/b.json <<-'END'
		{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","id":"x"}},
		{"resource":{"resourceType":"Consent","id":"c-1","status":"active","patient":{"reference":"https://x.example/Patient/p8/_history/2"},"provision":{"type":"permit","provision":[{"type":"deny","actor":[{"reference":{"reference":"Practitioner/ghost"}},{"reference":{"reference":"https://x.example/Practitioner/n"}}]}]}}},
		{"resource":{"resourceType":"Consent","id":"c-2","status":"active","subject":{"reference":"Patient/p8"},"decision":"permit","provision":[{"actor":[{"reference":{"reference":"Practitioner/9"}}]}]}}]}
	END
	cat >site/consents/c.yaml <<-'END'
		ehr_authz: 1
		consent: c-3
		patient: p1
		status: active
		base: permit
		rules:
		  - {id: r1, say: Not them., effect: deny, who: {id: [nora, lara]}, rules: [{id: r2, say: But., effect: permit, who: {ref: Practitioner/x}}]}
		  - {id: r3, say: Not it., effect: deny, who: {id: nora}, except: [{who: {id: {not: [gil]}}}]}
	END
	finds 0 <<-'END'
		site/consents/b.json:2:91: warning: unknown-patient: this directive is of a patient whom neither the register nor a fact knows
		site/consents/b.json:2:226: warning: unknown-person: this directive names somebody whom the register does not know, so a deny of her withholds nothing: name her as the register does, or register her
		site/consents/b.json:3:91: warning: unknown-patient: this directive is of a patient whom neither the register nor a fact knows
		site/consents/c.yaml:7:61: warning: unknown-person: this directive names somebody whom the register does not know, so a deny of her withholds nothing: name her as the register does, or register her
		site/consents/c.yaml:7:124: warning: unknown-person: this directive names somebody whom the register does not know, so a deny of her withholds nothing: name her as the register does, or register her
		site/consents/c.yaml:8:86: warning: unknown-person: this directive names somebody whom the register does not know, so a deny of her withholds nothing: name her as the register does, or register her
	END
	lacks err ghost
}

@test "a deny for somebody whom nobody knows is said of the last of many rules, of grantees and of identifiers" {
	{
		printf 'ehr_authz: 1\nconsent: c-many\npatient: p1\nstatus: active\nbase: permit\nrules:\n'
		for i in $(seq 80); do echo "  - {id: r$i, say: Not her., effect: deny, who: {id: nina}}"; done
		echo '  - {id: last, say: Not her., effect: deny, who: {id: ghost}}'
	} >site/consents/many.yaml
	echo '{"type":"Practitioner","id":"9","properties":{"identifier":["urn:npi|9"]}}' >>site/entities.ndjson
	cat >site/consents/r5.ndjson <<-'END'
		{"resourceType":"Consent","id":"c-5","status":"active","subject":{"reference":"Patient/p1"},"decision":"deny","grantee":[{"reference":"Practitioner/9"},{"reference":"Practitioner/ghost"}]}
		{"resourceType":"Consent","id":"c-6","status":"active","subject":{"reference":"Patient/p1"},"decision":"permit","provision":[{"actor":[{"reference":{"identifier":{"system":"urn:npi","value":"9"}}},{"reference":{"identifier":{"system":"urn:npi","value":"8"}}}]}]}
	END
	ehr 0 ehr-policy check -P "$P" -S site
	grep -o 'consents/.*unknown-person' err >found
	same found <<-'END'
		consents/many.yaml:87:55: warning: unknown-person
		consents/r5.ndjson:1:166: warning: unknown-person
		consents/r5.ndjson:2:253: warning: unknown-person
	END
	lacks err ghost
}

@test "directives in a long list in YAML are looked at to its end" {
	local i pad
	pad=$(printf '#%.0s' $(seq 100000))
	for i in $(seq 34); do
		printf -- '- {ehr_authz: 1, consent: c%d, patient: p1, status: active, base: permit}\n' "$i"
		printf '%s\n' "$pad" "$pad" "$pad" "$pad" "$pad"
	done >site/consents/long.yaml
	echo '- {ehr_authz: 1, consent: last, patient: p8, status: active, base: permit}' >>site/consents/long.yaml
	finds 0 <<-'END'
		site/consents/long.yaml:205:42: warning: unknown-patient: this directive is of a patient whom neither the register nor a fact knows
	END
}

@test "directives in JSON of more than 16 MiB are looked at to their end" {
	{
		echo '['
		awk 'BEGIN { say = sprintf("%1000s", ""); gsub(" ", "x", say)
			for (i = 0; i < 17000; i++) printf "{\"ehr_authz\":1,\"consent\":\"c-%d\",\"patient\":\"p1\",\"status\":\"inactive\",\"base\":\"permit\",\"rules\":[{\"id\":\"r\",\"say\":\"%s\",\"effect\":\"deny\",\"who\":{\"id\":\"nina\"}}]},\n", i, say }'
		echo '{"ehr_authz":1,"consent":"last","patient":"p8","status":"active","base":"permit"}]'
	} >site/consents/long.json
	[ "$(stat -c %s site/consents/long.json)" -gt 16777216 ]
	finds 0 <<-'END'
		site/consents/long.json:17002:43: warning: unknown-patient: this directive is of a patient whom neither the register nor a fact knows
	END
}
