bats_require_minimum_version 1.5.0
load ../lib/ehr

@test "a mistyped verb is named, a file of such a name is read" {
	for verb in rendre:render forms:form imprt:import exportt:export; do
		ehr 2 ehr-consent "${verb%:*}" x
		empty out
		same err <<<"ehr-consent: neither a verb nor a file: '${verb%:*}', did you mean '${verb#*:}'? (try ehr-consent --help)"
	done
	ehr 4 ehr-consent ./rendre
	has err 'No such file or directory'
	ehr 4 ehr-consent events.ndjson
	has err 'No such file or directory'
	: >rendre
	ehr 0 ehr-consent rendre
	ln -s nowhere forms
	ehr 4 ehr-consent forms
}

d() { printf 'sha256:%064d' "$1"; }

# event NAME ROLE DAY [MEMBERS]: an event of c-sam on that day of March.
event() {
	printf '{"v":1,"directive":"c-sam","patient":"sam","event":"%s","at":"2026-03-%02dT09:00:00Z","by":{"role":"%s","id":"x"}%s}\n' \
		"$1" "$3" "$2" "${4:+,$4}"
}

proposed() { event proposed patient "$1" "\"directive_sha256\":\"$(d "$2")\""; }
# checked DAY DIRECTIVE POLICY [KIND ...]
checked() {
	local kinds=''
	for kind in "${@:4}"; do kinds+=",{\"kind\":\"$kind\",\"with\":\"B-3\"}"; done
	event checked checker "$1" "\"directive_sha256\":\"$(d "$2")\",\"policy\":\"$(d "$3")\",\"findings\":[${kinds#,}]"
}
shown() { event shown registrar "$1" "\"rules\":[\"B-3\"],\"text_sha256\":\"$(d 99)\",\"language\":\"en\""; }
refusal() {
	proposed 1 1
	checked 1 1 50 conflict
	shown 2
	event refused patient 2
}
# offered DAY OPTION RESULT
offered() { event offered privacy-officer "$1" "\"option\":\"$2\",\"consequence\":\"So it is.\"${3:+,\"result\":{$3\}}"; }
chosen() { event chosen patient "$1" "\"option\":\"$2\""; }
patient() { event agreed patient "$1" "\"directive_sha256\":\"$(d "$2")\""; }
officer() { event agreed privacy-officer "$1" "\"policy\":\"$(d "$2")\""; }
directive() { printf '"directive_sha256":"%s"' "$(d "$1")"; }
by_policy() { printf '"policy":"%s"' "$(d "$1")"; }

# states: of each prefix of the events in the file in.
states() {
	local count
	count=$(wc -l <in)
	for i in $(seq "$count"); do
		head -n "$i" in | ehr-consent | jq -r '.state + (if .in_force then "+" else "" end)'
	done | tr '\n' ' '
}

@test "a refusal reaches the officer, byte for byte" {
	refusal >in
	ehr 0 ehr-consent in
	sed 's/0\{60,\}/0/g' out >got
	same got <<-'END'
		{"v":1,"directive":"c-sam","patient":"sam","state":"officer-notified","since":"2026-03-02T09:00:00Z","directive_sha256":"sha256:01","in_force":null,"policy":"sha256:050","open":["patient-agreement"],"options":["a","b","c","d","e"],"notice":{"to":"privacy-officer","code":"consent-refused"}}
	END
	empty err
	[ "$(states)" = 'draft conflict shown officer-notified ' ]
}

@test "no clash: the patient agrees, and it is in force until she withdraws or another is" {
	{
		proposed 1 1
		checked 1 1 50 settled overridable
		patient 2 1
		proposed 3 2
		checked 3 2 50
		patient 4 2
		event withdrawn patient 5 "$(directive 2)"
	} >in
	[ "$(states)" = 'draft clear active+ draft+ clear+ active+ inactive ' ]
	# Until the new one is agreed on the old one holds.
	head -n 5 in >some
	ehr 0 ehr-consent some
	[ "$(jq -r .in_force out)" = "$(d 1)" ]
	ehr 0 ehr-consent --now 2026-03-04T09:00:00Z in
	[ "$(jq -r '.in_force + .state' out)" = "$(d 2)active" ]
	ehr 0 ehr-consent --now 2026-03-04T08:59:59Z in
	[ "$(jq -r '.in_force + .state' out)" = "$(d 1)clear" ]
	ehr 2 ehr-consent --now yesterday in
}

@test "option a, acknowledge the rule: proposed to the end" {
	{
		refusal
		event contacted privacy-officer 3
		offered 3 a "$(directive 2)"
		chosen 4 a
		checked 4 2 50 settled
		patient 5 2
	} >in
	[ "$(states)" = 'draft conflict shown officer-notified negotiating negotiating draft clear active+ ' ]
	ehr 0 ehr-consent in
	[ "$(jq -c '[.in_force, .open, .options]' out)" = "[\"$(d 2)\",[],[]]" ]
}

@test "option b, narrow the directive: proposed to the end" {
	{
		refusal
		event contacted privacy-officer 3
		offered 3 a "$(directive 2)"
		offered 3 b "$(directive 3)"
		chosen 4 b
		checked 4 3 50
		patient 5 3
	} >in
	head -n 7 in | ehr-consent >out
	[ "$(jq -c .options out)" = '["a","b","d","e"]' ]
	[ "$(states)" = 'draft conflict shown officer-notified negotiating negotiating negotiating draft clear active+ ' ]
}

@test "option c, an exception in the house rule: the officer agrees on the policy, the patient on the directive" {
	{
		refusal
		event contacted privacy-officer 3
		offered 3 c "$(by_policy 51)"
		chosen 4 c
		checked 4 1 51
		patient 5 1
		officer 6 51
	} >in
	[ "$(states)" = 'draft conflict shown officer-notified negotiating negotiating draft clear agreed active+ ' ]
	head -n 9 in | ehr-consent >out
	[ "$(jq -c '[.open, .in_force]' out)" = '[["officer-agreement"],null]' ]
	# The officer alone: no effect.
	{
		head -n 8 in
		officer 6 51
	} >alone
	ehr 0 ehr-consent alone
	[ "$(jq -c '[.state, .open, .in_force]' out)" = '["agreed",["patient-agreement"],null]' ]
	# The policy of another option is not what was checked.
	{
		head -n 7 in
		checked 4 1 52
	} >other
	ehr 5 ehr-consent other
	has err 'other:8: digest-mismatch'
}

@test "option d, the patient's own alternative: rejected, then accepted, checked anew, agreed on" {
	{
		refusal
		event contacted privacy-officer 3
		event alternative patient 4 '"words":"Only in the day."'
		event rejected privacy-officer 5 '"why":"Nobody could help you at night."'
		event alternative patient 6 "\"result\":{$(directive 4)}"
		event accepted privacy-officer 7 "\"result\":{$(directive 4)}"
		checked 8 4 50
		patient 9 4
	} >in
	[ "$(states)" = 'draft conflict shown officer-notified negotiating evaluating negotiating evaluating draft clear active+ ' ]
}

@test "option e, no agreement: a state of its own, and nothing changes" {
	{
		refusal
		event contacted privacy-officer 3
		offered 3 e
		event closed patient 4 '"reason":"no-agreement"'
	} >in
	[ "$(states)" = 'draft conflict shown officer-notified negotiating negotiating closed ' ]
	ehr 0 ehr-consent in
	[ "$(jq -c '[.state, .reason, .in_force, .open, .options]' out)" = '["closed","no-agreement",null,[],[]]' ]
	proposed 5 2 >>in
	ehr 5 ehr-consent in
	has err 'in:8: bad-transition: an event that cannot follow in this state'
	empty out
}

# The events of the file in, then this one, which is refused for the reason $1.
refused() {
	local reason=$1
	{
		cat in
		"${@:2}"
	} >"more"
	ehr 5 ehr-consent more
	has err "more:$(($(wc -l <in) + 1)): $reason"
	# What is refused changes nothing.
	ehr 1 ehr-consent --on-error skip more
	mv out without
	ehr 0 ehr-consent in
	cmp out without
}

@test "agreement on an old digest, an edit after agreement, wrong parties, times and orders are refused" {
	proposed 3 1 >in
	refused bad-transition patient 3 1
	refused digest-mismatch checked 3 2 50
	refused wrong-party event checked patient 3 "$(directive 1),$(by_policy 50),\"findings\":[]"
	checked 3 1 50 >>in
	refused time-backwards patient 2 1
	refused digest-mismatch patient 4 2
	refused digest-mismatch officer 4 51
	refused wrong-party event agreed registrar 4 "$(directive 1)"
	refused wrong-party event proposed privacy-officer 4 "$(directive 2)"
	refused bad-event event agreed patient 4
	refused wrong-party event agreed nobody 4 "$(directive 1)"
	patient 4 1 >>in
	refused bad-transition patient 4 1
	refused bad-transition officer 4 50
	refused digest-mismatch event withdrawn patient 5 "$(directive 2)"
	refused wrong-party event withdrawn privacy-officer 5
	# An edit after agreement is a new proposal: the old bytes stay in force.
	proposed 5 2 >>in
	ehr 0 ehr-consent in
	[ "$(jq -r '.state + .in_force + .directive_sha256' out)" = "draft$(d 1)$(d 2)" ]
	refused bad-transition patient 5 2
	refused wrong-party event withdrawn registrar 5
}

@test "a withdrawal counts in each state, and nothing is in force then" {
	{
		refusal
		event contacted privacy-officer 3
		offered 3 a "$(directive 2)"
		chosen 4 a
		checked 4 2 50
		patient 5 2
		proposed 6 3
		checked 6 3 50
		event closed patient 7 '"reason":"moved"'
	} >all
	for i in $(seq 0 "$(wc -l <all)"); do
		head -n "$i" all >in
		event withdrawn patient 8 >>in
		ehr 0 ehr-consent in
		[ "$(jq -c '[.state, .in_force, .open, .options]' out)" = '["inactive",null,[],[]]' ] || [ "$i" -eq "$(wc -l <all)" ]
	done
	[ "$(jq -c '[.state, .in_force]' out)" = '["closed",null]' ]
	# It names what is in force, what is at hand, or nothing; anything else is a mistake.
	head -n 11 all >in
	refused digest-mismatch event withdrawn patient 8 "$(directive 9)"
	for it in 2 3; do
		head -n 11 all >in
		event withdrawn patient 8 "$(directive $it)" >>in
		ehr 0 ehr-consent in
		[ "$(jq -c '[.state, .in_force]' out)" = '["inactive",null]' ]
	done
	# What was agreed before is void, and she may propose anew.
	refused bad-transition patient 9 3
	event withdrawn patient 9 >>in
	proposed 9 3 >>in
	ehr 0 ehr-consent in
	[ "$(jq -c '[.state, .in_force]' out)" = '["draft",null]' ]
	# One that nobody negotiated.
	event withdrawn patient 8 "$(directive 1)" >in
	ehr 0 ehr-consent in
	[ "$(jq -c '[.state, .in_force, .directive_sha256]' out)" = '["inactive",null,null]' ]
}

@test "an option that was not offered cannot be chosen, nor one that is another event" {
	{
		refusal
		event contacted privacy-officer 3
		offered 3 a "$(directive 2)"
		offered 3 d
	} >in
	refused bad-transition chosen 4 b
	refused bad-transition chosen 4 d
	refused bad-event chosen 4 f
	refused bad-event offered 4 b
	refused bad-event event offered privacy-officer 4 '"option":"d"'
	refused bad-event event alternative patient 4
	refused bad-transition event accepted privacy-officer 4 "\"result\":{$(directive 2)}"
	refused wrong-party event closed registrar 4 '"reason":"moved"'
	refused bad-event event closed patient 4 '"reason":"SECRET"'
	lacks err SECRET
}

@test "each malformed event is refused, and negotiations of others go on" {
	refusal >in
	while read -r change; do
		event contacted privacy-officer 3 | jq -c "$change" >one
		refused bad-event cat one
	done <<-'END'
		.v = 2
		del(.v)
		.event = "SECRET"
		.patient = ""
		del(.directive)
		.at = "yesterday"
		del(.by)
		.by = "privacy-officer"
		del(.by.id)
		del(.by.role)
		.directive_sha256 = "SECRET"
		.policy = 7
	END
	refused not-an-object echo '[]'
	refused truncated echo '{"v":1'
	# The same directive's id of another patient is another negotiation; the order is that of the first events.
	{
		proposed 1 1 | sed 's/"sam"/"ann"/'
		cat in
		proposed 2 3 | sed 's/"sam"/"ann"/'
	} >both
	ehr 0 ehr-consent both
	[ "$(jq -r '.patient + " " + .state' out | tr '\n' ' ')" = 'ann draft sam officer-notified ' ]
}

load ../lib/authz

state() { # IN_FORCE [STATE]
	echo '{"v":1,"directive":"c-1","patient":"ann","state":"'"${2:-active}"'","in_force":'"$([ "$1" = null ] && echo null || echo "\"$1\"")"'}'
}

@test "ehr-authz --consent-state: only the bytes that are in force count" {
	hospital
	rm -r S/consents
	echo "$request" >in
	own() { echo "{\"ehr_authz\":1,\"consent\":\"c-1\",\"patient\":\"ann\",\"status\":\"active\",\"base\":\"$1\"}"; }
	sum() { printf sha256:; sha256sum | cut -d' ' -f1; }
	decided() {
		ehr 0 ehr-authz -P P --facts S/facts.ndjson --consents "$@" in
		jq -r .context.reason out
	}
	own permit >c.ndjson
	state "$(own permit | head -c -1 | sum)" >states
	[ "$(decided c.ndjson --consent-state states)" = permitted ]
	[ "$(jq -r .context.consent_state out)" = "$(sum <states)" ]
	state "$(own permit | sum)" >states
	[ "$(decided c.ndjson --consent-state states)" = consent-not-settled ]
	[ "$(decided c.ndjson)" = permitted ]
	# A file's bytes are its own, newline and all; a value's in a list are the value's.
	own permit >c.json
	[ "$(decided c.json --consent-state states)" = permitted ]
	own permit | jq -c '[.]' >c.json
	state "$(own permit | head -c -1 | sum)" >states
	[ "$(decided c.json --consent-state states)" = permitted ]
	printf 'ehr_authz: 1\nconsent: c-1\npatient: Patient/ann\nstatus: active\nbase: permit\n' >c.yaml
	state "$(sum <c.yaml)" >states
	[ "$(decided c.yaml --consent-state states)" = permitted ]
	sed 's/^/  /;1s/^ /-/' c.yaml >l.yaml
	[ "$(decided l.yaml)" = permitted ]
	[ "$(decided l.yaml --consent-state states)" = consent-not-settled ]
	# The old bytes and the new side by side: those in force count, in whatever order.
	state "$(own deny | head -c -1 | sum)" negotiating >states
	{ own permit; own deny; } >c.ndjson
	[ "$(decided c.ndjson --consent-state states)" = consent-deny ]
	{ own deny; own permit; } >c.ndjson
	[ "$(decided c.ndjson --consent-state states)" = consent-deny ]
	empty err
	own 'SECRET' >>c.ndjson
	[ "$(decided c.ndjson --consent-state states)" = consent-deny ]
	# Nothing is in force: on its way, or over.
	own permit >c.ndjson
	state null draft >states
	[ "$(decided c.ndjson --consent-state states)" = consent-not-settled ]
	for over in closed inactive; do
		state null $over >states
		[ "$(decided c.ndjson --consent-state states)" = no-consent ]
	done
	# Without a line a directive counts, unless the organization wants all of them negotiated.
	: >states
	[ "$(decided c.ndjson --consent-state states)" = permitted ]
	sed -i 's/^no_consent:/negotiated: true\n&/' P/authz/organization.yaml
	[ "$(decided c.ndjson --consent-state states)" = consent-not-settled ]
	ehr 2 ehr-authz -P P --consents c.ndjson in
	has err 'needs --consent-state FILE, as the policy says negotiated: true'
	state "$(own permit | head -c -1 | sum)" >states
	[ "$(decided c.ndjson --consent-state states)" = permitted ]
	state null >>states
	ehr 3 ehr-authz -P P --consents c.ndjson --consent-state states in
	has err 'states:2:1: a directive that is there twice'
	echo '{"directive":"c-1","patient":"ann","state":"active"}' >states
	ehr 3 ehr-authz -P P --consents c.ndjson --consent-state states in
	has err "states:1:1: missing member 'in_force'"
	# A line that contradicts itself, or is of a state that nobody knows.
	state "$(own permit | head -c -1 | sum)" inactive >states
	ehr 3 ehr-authz -P P --consents c.ndjson --consent-state states in
	has err 'states:1:1: an inactive directive that is in force'
	state "$(own permit | head -c -1 | sum)" SECRET >states
	ehr 3 ehr-authz -P P --consents c.ndjson --consent-state states in
	has err 'states:1:1: an unknown state'
	lacks err SECRET
	ehr 4 ehr-authz -P P --consents c.ndjson --consent-state nowhere in
}

@test "require_verified: one that nobody verified stops its patient" {
	hospital
	sed -i 's/^no_consent:/require_verified: true\n&/' P/authz/organization.yaml
	echo "$request" >in
	for with in '"verified":true' '"verified":false' ''; do
		echo "{\"ehr_authz\":1,\"consent\":\"c-1\",\"patient\":\"ann\",\"status\":\"active\",\"base\":\"permit\"${with:+,$with}}" >c.ndjson
		ehr 0 ehr-authz -P P --facts S/facts.ndjson --consents c.ndjson in
		jq -r .context.reason out
	done >got
	for with in '[{"verified":true},{"verified":true}]' '[{"verified":false}]' '[{"verified":true},{"verified":false}]' \
		'[{"verified":false,"verificationDate":"2025"},{"verified":true,"verificationDate":"2026-01-01"}]' \
		'[{"verified":true,"verificationDate":"2026-01-01"},{"verified":false,"verificationDate":"2026-01-01"}]' \
		'[{"verified":true,"verificationDate":"2026-01-01"},{"verified":false,"verificationDate":"2026-02"},{"verified":true,"verificationDate":"2025"}]' \
		'[{"verified":false},{"verified":true,"verificationDate":"2026-01-01"}]' '[{"verified":true,"verificationDate":"2026-01-01"},7]' \
		'[{"verified":false,"verificationDate":"2025"},{"verified":true}]' '[{"verified":true},{}]' '[]' '{"verified":true}'; do
		echo '{"resourceType":"Consent","id":"c-1","status":"active","patient":{"reference":"Patient/ann"},"decision":"permit","verification":'"$with}" >c.ndjson
		ehr 0 ehr-authz -P P --facts S/facts.ndjson --consents c.ndjson in
		jq -r .context.reason out
	done >>got
	same got <<-'END'
		permitted
		consent-unverified
		consent-unverified
		permitted
		consent-unverified
		consent-unverified
		permitted
		consent-unverified
		consent-unverified
		consent-unverified
		consent-unverified
		consent-unverified
		consent-unverified
		consent-unverified
		permitted
	END
}

@test "each refusal has its line in testdata/records/bad" {
	local code
	for code in bad-event bad-transition time-backwards wrong-party digest-mismatch; do
		ehr 5 ehr-consent "$EHR_ROOT/testdata/records/bad/$code.ndjson"
		has err ": $code: "
		empty out
	done
}

@test "render: a directive in sentences of its criteria, in two languages" {
	hospital
	ehr 0 ehr-consent render -P P S/consents/ann.yaml
	same out <<-'END'
		Directive c-ann of ann.
		In general permitted, as far as the house's own rules permit it.
		- Forbidden: data labelled SUD (substance use disorder information sensitivity). Not so: by people in the relation treating. Not so: where subject.patient equals resource.patient.
		- Forbidden: by lara.
		   But: Permitted: the entries Composition/1 or Composition/2 or DiagnosticReport/9; from 2026-03-01T00:00:00Z until 2026-04-01T00:00:00Z.
	END
	ehr 0 ehr-consent render -P P --language de S/consents/tom.yaml
	same out <<-'END'
		Verfügung c-tom von tom.
		Allgemein verboten.
		- Erlaubt: durch Personen der Rolle physician; zum Zweck TREAT (treatment, Notfälle eingeschlossen, Durchbrechen der Sperre eingeschlossen).
		   Aber: Verboten: durch dr-bob.
		- Erlaubt: zum Zweck HPAYMT (healthcare payment).
		Regeln des Hauses, die dem vorgehen: H-3.
	END
	# What `say` claims is not what is said.
	sed 's/say: .*/say: Everything is fine./' S/consents/ann.yaml >c.yaml
	ehr 0 ehr-consent render -P P c.yaml
	lacks out fine
	echo x >bad.yaml
	ehr 3 ehr-consent render -P P bad.yaml
	echo '{"resourceType":"Consent","id":"c","status":"active","patient":{"reference":"Patient/a"},"decision":"SECRET"}' >c.json
	ehr 3 ehr-consent render -P P c.json
	has err consent-unreadable
	empty out
	ehr 2 ehr-consent render c.json
	ehr 2 ehr-consent render -P P --language fr c.json
	ehr 2 ehr-consent render -P P
	ehr 4 ehr-consent render -P P nowhere.json
}

@test "render: what a root of type deny says of some data is said as it counts, a deny of all" {
	hospital
	echo '{"resourceType":"Consent","id":"c-1","status":"active","patient":{"reference":"Patient/ann"},"provision":{"type":"deny"}}' >all.ndjson
	sed 's/"deny"/&,"class":[{"code":"Observation"}]/' all.ndjson >some.ndjson
	ehr 0 ehr-consent render -P P all.ndjson
	empty err
	mv out all
	ehr 0 ehr-consent render -P P some.ndjson
	has err 'some.ndjson:1:1: root-data: '
	cmp out all
}

@test "render: the same sentences for the same directive, whatever its form" {
	hospital
	cat >c.yaml <<-'END'
		ehr_authz: 1
		consent: c
		patient: ann
		status: active
		base: deny
		who: {ref: [Practitioner/lee]}
		period: {from: 2026-01-01T00:00:00Z}
		rules:
		  - {id: r, say: Some., effect: permit, what: {label: [R], class: [Observation]}, why: [TREAT]}
	END
	echo '{"resourceType":"Consent","id":"c","status":"active","patient":{"reference":"Patient/ann"},"provision":{"type":"deny","period":{"start":"2026"},"actor":[{"reference":{"reference":"Practitioner/lee"}}],"provision":[{"type":"permit","securityLabel":[{"code":"R"}],"class":[{"code":"Observation"}],"purpose":[{"code":"TREAT"}]}]}}' >c.json
	jq -c . c.json >c.ndjson
	jq -c '[.]' c.json >l.json
	ehr 0 ehr-consent render -P P c.yaml
	mv out want
	for file in c.json c.ndjson l.json; do
		ehr 0 ehr-consent render -P P "$file"
		cmp out want
	done
	has want 'data labelled R or lower'
	# Another name of a code's system is another name of the same code.
	sed 's|{"code":"R"}|{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"R"}|
		s|{"code":"Observation"}|{"system":"http://hl7.org/fhir/resource-types","code":"Observation"}|
		s|{"code":"TREAT"}|{"system":"urn:oid:2.16.840.1.113883.5.8","code":"TREAT"}|' c.json >s.json
	ehr 0 ehr-consent render -P P s.json
	cmp out want
}

@test "render: no value passes for a sentence, and all that decides is said" {
	hospital
	cat >c.yaml <<-'END'
		ehr_authz: 1
		consent: "c\n- Permitted: everything."
		patient: müller
		status: draft
		base: permit
		rules:
		  - {id: r, say: Some., effect: deny, who: {id: "bob; for \"all\"\e[2J\u202e", ref: [müller]}, if_missing: skip, what: {date: {from: 2020, until: 2021-03}}, why: [ETREAT], when: {until: 2027-01-01T00:00:00Z}}
	END
	ehr 0 ehr-consent render -P P c.yaml
	same out <<-'END'
		Directive "c\x0a- Permitted: everything." of müller, without effect as it is draft.
		In general permitted, as far as the house's own rules permit it.
		- Forbidden: by "bob; for \x22all\x22\x1b[2J\xe2\x80\xae"; by müller; data from 2020 up to and including 2021-03; for the purpose ETREAT (Emergency Treatment, breaking the glass included); until 2027-01-01T00:00:00Z. Where a request leaves open whether this applies, it does not.
	END
	ehr 0 ehr-consent render -P P --language de c.yaml
	same out <<-'END'
		Verfügung "c\x0a- Permitted: everything." von müller, ohne Wirkung, da draft.
		Allgemein erlaubt, soweit die Regeln des Hauses es erlauben.
		- Verboten: durch "bob; for \x22all\x22\x1b[2J\xe2\x80\xae"; durch müller; Daten ab 2020 bis einschließlich 2021-03; zum Zweck ETREAT (Emergency Treatment, Durchbrechen der Sperre eingeschlossen); bis 2027-01-01T00:00:00Z. Wo eine Anfrage offen lässt, ob das zutrifft, gilt es nicht.
	END
}

@test "form: every rule of law and house, under what the patient can do about it" {
	hospital
	ehr 0 ehr-consent form -P P
	[ "$(grep -cE '^- J-|^(- |\[ \] )H-' out)" -eq "$(cat P/authz/{organization,jurisdiction}.yaml | grep -c '  - {id: \|  - id: ')" ]
	has out '[ ] H-3: '
	has out '- H-4: '
	has out '[ ] e: not agree; then nothing changes'
	ehr 0 ehr-consent form -P P --language de
	has out 'Stimmen Sie zu?'
	ehr 2 ehr-consent form -P P file
	ehr 2 ehr-consent form
}
