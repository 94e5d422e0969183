bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/authz

# consent MEMBERS: a Consent of ann with these members besides those that each has.
consent() {
	printf '{"resourceType":"Consent","id":"c-1","status":"active","patient":{"reference":"Patient/ann"}%s}\n' "${1:+,$1}"
}

# The result and the reason of dr-lee's request under the directives in the file $1.
asked() {
	ehr 0 ehr-authz -P P --facts S/facts.ndjson --consents "$1" in
	jq -r '[.context.layers[] | select(.layer == "consent").result] + [.context.reason] | join(" ")' out
}

setup_hospital() {
	hospital
	echo "$request" | sed 's/"domain":"hospital",/&"ref":["Practitioner\/lee"],/' >in
}

@test "a Consent says the same however its strings are escaped, and what else stands beside its patient is that patient's alone" {
	setup_hospital
	local act='http:\/\/terminology.hl7.org\/CodeSystem\/v3-ActCode'
	while IFS='|' read -r want members; do
		consent "$members" >c.ndjson
		[ "$(asked c.ndjson | cut -d' ' -f2)" = "$want" ] || { cat c.ndjson err; return 1; }
	done <<-END
		consent-unreadable|"policyRule":{"coding":[{"system":"$act","code":"OPTOUT"}]},"provision":{"type":"permit"}
		consent-unreadable|"policyRule":{"coding":[{"system":"$act","code":"OPT\u0049N"}]},"provision":{"type":"deny"}
		consent-deny|"policyRule":{"coding":[{"system":"$act","code":"OPTOUT"}]}
		permitted|"policyRule":{"coding":[{"system":"$act","code":"OPTIN"}]}
		permitted|"policyRule":{"coding":[{"system":"urn:x\/y","code":"OPTOUT"}]},"provision":{"type":"permit"}
	END
	# The id, by which --consent-state and a decision name it, and a name within a Bundle.
	consent '"provision":{"type":"permit"}' | sed 's/"c-1"/"c\\u002d1"/' >c.ndjson
	[ "$(asked c.ndjson)" = 'Permit permitted' ]
	[ "$(jq -c '.context.layers[] | select(.layer == "consent").rules' out)" = '["c-1"]' ]
	consent '"provision":{"type":"permit"}' | sed 's/Patient.ann/urn:uuid:1/; s/.*/{"resourceType":"Bundle","entry":[{"fullUrl":"urn:uuid:1","resource":{"resourceType":"P\\u0061tient","id":"\\u0061nn"}},{"resource":&}]}/' >c.json
	[ "$(asked c.json)" = 'Permit permitted' ]
	# The patient is plain, what stands beside is not: her consent is unreadable, and nobody else waits.
	for beside in '"modifierExtension":[]' '"unless":"x"' '"_type":{"id":"a"}'; do
		{
			consent '"provision":{"type":"permit"}' | sed "s|Patient.ann\"|&,$beside|"
			consent '"provision":{"type":"permit"}' | sed 's/ann/bea/; s/c-1/c-2/'
		} >c.ndjson
		[ "$(asked c.ndjson)" = 'Indeterminate consent-unreadable' ]
		has err 'c.ndjson:1:'
	done
}

@test "a root with its type, and a root without one under policyRule" {
	setup_hospital
	local policy='"policyRule":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"%s"}]}'
	while read -r want code provision; do
		# shellcheck disable=SC2059
		consent "$([ "$code" = - ] || printf "$policy," "$code")${provision:-\"dateTime\":\"2026\"}" >c.ndjson
		[ "$(asked c.ndjson | cut -d' ' -f2)" = "$want" ] || { cat c.ndjson err; return 1; }
	done <<-'END'
		permitted OPTIN
		permitted OPTINR
		consent-deny OPTOUT
		consent-deny OPTOUTE
		consent-unreadable NOPP
		consent-unreadable -
		permitted - "policyRule":{"coding":[{"system":"urn:oid:2.16.840.1.113883.5.4","code":"OPTIN"}]}
		permitted - "policyRule":{"coding":[{"system":"http://hl7.org/fhir/v3/ActCode","code":"OPTIN"},{"system":"urn:x","code":"OPTOUT"}]}
		consent-unreadable - "policyRule":{"coding":[{"system":"urn:x","code":"OPTIN"}]}
		consent-unreadable - "policyRule":{"coding":[{"system":7,"code":"OPTIN"}]}
		permitted - "provision":{"type":"permit"}
		consent-deny - "provision":{"type":"deny"}
		permitted OPTIN "provision":{"type":"permit"}
		consent-unreadable OPTIN "provision":{"type":"deny"}
		consent-unreadable OPTOUT "provision":{"type":"permit"}
		permitted OPTIN "provision":{"period":{"start":"2026"}}
		no-consent OPTIN "provision":{"period":{"start":"2027"}}
		permitted OPTIN "provision":{"period":{"start":"2025","end":"2026-03-02"}}
		no-consent OPTIN "provision":{"period":{"end":"2026-03-01"}}
		permitted OPTIN "provision":{"period":{"end":"2026-03-02T10:00:00+01:00"}}
		no-consent OPTIN "provision":{"period":{"end":"2026-03-02T09:59:59+01:00"}}
		permitted OPTIN "provision":{"period":{"end":"9999-12-31"}}
		consent-unreadable OPTIN "provision":{"purpose":[{"code":"TREAT"}]}
		consent-unreadable OPTIN "provision":{"resourceType":[{"code":"Observation"}]}
		consent-unreadable OPTIN "provision":{"documentType":[{"code":"Composition"}]}
		permitted - "provision":{"type":"permit","purpose":[{"code":"TREAT"}]}
		no-consent - "provision":{"type":"permit","purpose":[{"code":"HMARKT"}]}
		permitted - "decision":"permit"
		consent-deny - "decision":"deny"
		consent-deny - "decision":"permit","provision":[{"purpose":[{"code":"TREAT"}]}]
		permitted - "decision":"deny","provision":[{"purpose":[{"code":"TREAT"}]}]
		permitted - "decision":"permit","grantee":[{"reference":"Practitioner/lee"}]
		no-consent - "decision":"permit","grantee":[{"reference":"Practitioner/ray"}]
	END
}

@test "each element of a provision is a criterion; kinds are and, values of a kind or" {
	setup_hospital
	while read -r want criteria; do
		consent '"provision":{"type":"permit","provision":[{"type":"deny",'"$criteria"'}]}' >c.ndjson
		[ "$(asked c.ndjson | cut -d' ' -f1)" = "$want" ] || { cat c.ndjson err; return 1; }
	done <<-'END'
		Deny "actor":[{"role":{"text":"x"},"reference":{"reference":"Practitioner/lee"}}]
		Deny "actor":[{"reference":{"reference":"https://x.example/fhir/Practitioner/lee/_history/2"}}]
		Deny "actor":[{"reference":{"reference":"Practitioner/ray"}},{"reference":{"reference":"Practitioner/lee"}}]
		Permit "actor":[{"reference":{"reference":"Practitioner/ray"}}]
		Deny "action":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentaction","code":"access"}]}]
		Permit "action":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentaction","code":"collect"}]}]
		Deny "purpose":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"TREAT"}]
		Deny "purpose":[{"system":"urn:oid:2.16.840.1.113883.5.8","code":"HMARKT"},{"code":"TREAT"}]
		Permit "purpose":[{"code":"HMARKT"}]
		Permit "purpose":[{"code":"TREAT"}],"actor":[{"reference":{"reference":"Practitioner/ray"}}]
		Deny "period":{"start":"2026-03-02","end":"2026-03-02"}
		Permit "period":{"start":"2026-03-03"}
		Permit "code":[{"coding":[{"system":"http://loinc.org","code":"8867-4"}]}],"provision":[{"type":"permit","actor":[{"reference":{"reference":"Practitioner/ray"}}]}],"purpose":[{"code":"TREAT"}],"securityLabel":[{"code":"U"}]
	END
	# What is about data becomes an obligation.
	while read -r criteria want; do
		consent '"provision":{"type":"permit","provision":[{"type":"deny",'"$criteria"'}]}' >c.ndjson
		asked c.ndjson
		[ "$(jq -c '.context.obligations[] | select(.properties.action == "redact").properties | del(.vendor, .action, .rule)' out)" = "$want" ] || {
			cat c.ndjson out err
			return 1
		}
	done <<-'END'
		"securityLabel":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"SUD"}] {"label":["SUD"]}
		"class":[{"system":"http://hl7.org/fhir/resource-types","code":"Observation"},{"system":"urn:ietf:bcp:13","code":"application/hl7-cda+xml"}] {"class":["Observation","urn:ietf:bcp:13|application/hl7-cda+xml"]}
		"resourceType":[{"system":"http://hl7.org/fhir/fhir-types","code":"Observation"}],"documentType":[{"code":"Composition"}] {"class":["Composition","Observation"]}
		"code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]} {"code":["http://loinc.org|8867-4"]}
		"dataPeriod":{"start":"2020","end":"2021-03"} {"date":{"from":"2020","until":"2021-03"}}
		"data":[{"meaning":"instance","reference":{"reference":"Composition/1"}},{"meaning":"instance","reference":{"reference":"x/Composition/2"}}] {"instance":["Composition/1","Composition/2"]}
		"data":[{"meaning":"dependents","reference":{"reference":"Encounter/1"}},{"meaning":"dependents","reference":{"reference":"Encounter/2"}}] {"related":["Encounter/1","Encounter/2"]}
		"data":[{"meaning":"authoredby","reference":{"reference":"Practitioner/1"}}] {"author":["Practitioner/1"]}
	END
}

@test "what is not understood stops the patient and not the run, and says where" {
	setup_hospital
	mkdir C
	while read -r place members; do
		{
			consent "$members"
			consent '"provision":{"type":"permit"}' | sed 's/Patient.ann/Patient\/bea/'
		} >C/c.ndjson
		[ "$(asked C)" = 'Indeterminate consent-unreadable' ] || { cat C/c.ndjson err; return 1; }
		grep -qE "^ehr-authz: C/c.ndjson:1:[0-9]+: consent-unreadable: ${place#-}" err || { echo "$place"; cat err; return 1; }
		lacks err SECRET
	done <<-'END'
		- "implicitRules":"http://SECRET"
		- "decision":"permit","modifierExtension":[{"url":"SECRET"}]
		/provision "provision":{"type":"permit","modifierExtension":[{"url":"SECRET"}]}
		/provision/provision/0/actor/0 "provision":{"type":"permit","provision":[{"type":"deny","actor":[{"modifierExtension":[],"reference":{"reference":"Practitioner/1"}}]}]}
		/provision "provision":{"type":"SECRET"}
		/provision/provision/0 "provision":{"type":"permit","provision":[{"purpose":[{"code":"TREAT"}]}]}
		/provision/provision/0 "provision":{"type":"permit","provision":[{"type":"deny","except":[{"code":"SECRET"}]}]}
		/provision/provision/0/purpose "provision":{"type":"permit","provision":[{"type":"deny","purpose":[]}]}
		/provision/provision/0/purpose/0 "provision":{"type":"permit","provision":[{"type":"deny","purpose":[{"display":"SECRET"}]}]}
		/provision/provision/0/purpose/0 "provision":{"type":"permit","provision":[{"type":"deny","purpose":[{"code":"SECRET"}]}]}
		/provision/provision/0/action/0 "provision":{"type":"permit","provision":[{"type":"deny","action":[{"text":"SECRET"}]}]}
		/provision/provision/0/securityLabel/0 "provision":{"type":"permit","provision":[{"type":"deny","securityLabel":[{"code":"SECRET"}]}]}
		/provision/provision/0/class/0 "provision":{"type":"permit","provision":[{"type":"deny","class":[{"code":"SECRET"}]}]}
		/provision/provision/0/code/0/coding/0 "provision":{"type":"permit","provision":[{"type":"deny","code":[{"coding":[{"code":"SECRET"}]}]}]}
		/provision/provision/0/actor "provision":{"type":"permit","provision":[{"type":"deny","actor":[]}]}
		/provision/provision/0/actor/0 "provision":{"type":"permit","provision":[{"type":"deny","actor":[{"role":{"text":"SECRET"}}]}]}
		/provision/provision/0/actor/0/reference "provision":{"type":"permit","provision":[{"type":"deny","actor":[{"reference":{"reference":"#SECRET"}}]}]}
		/provision/provision/0/actor/0/reference "provision":{"type":"permit","provision":[{"type":"deny","actor":[{"reference":{"display":"SECRET"}}]}]}
		/provision/provision/0/period "provision":{"type":"permit","provision":[{"type":"deny","period":{}}]}
		/provision/provision/0/period "provision":{"type":"permit","provision":[{"type":"deny","period":{"start":"SECRET"}}]}
		/provision/provision/0/dataPeriod "provision":{"type":"permit","provision":[{"type":"deny","dataPeriod":{"start":"SECRET"}}]}
		/provision/provision/0/data/1 "provision":{"type":"permit","provision":[{"type":"deny","data":[{"meaning":"instance","reference":{"reference":"Composition/1"}},{"meaning":"dependents","reference":{"reference":"Encounter/1"}}]}]}
		/provision/provision/0/provision/0/provision/0 "provision":{"type":"permit","provision":[{"type":"deny","provision":[{"type":"permit","provision":[{"type":"deny"}]}]}]}
		/provision "decision":"permit","provision":[]
		/provision/0 "decision":"permit","provision":[{"expression":{"language":"text/cql","expression":"SECRET"}}]
		- "decision":"permit","status_":"SECRET"
		- "SECRET":1,"decision":"permit"
		/provision "decision":"deny","provision":{"type":"permit"}
		/provision "decision":"permit","provision":{"purpose":[{"code":"TREAT"}]}
		/provision "policyRule":{"coding":[{"code":"OPTOUT"}]},"provision":[{"type":"permit"}]
		/provision/0 "decision":"permit","provision":[{"type":"permit","provision":[{"purpose":[{"code":"TREAT"}]}]}]
		/policyRule "policyRule":[{"coding":[{"code":"OPTOUT"}]}],"provision":{"type":"permit"}
		/policyRule/coding/0 "policyRule":{"coding":[[{"code":"OPTOUT"}]]},"provision":{"type":"permit"}
		- "policyRule":"SECRET","provision":{"type":"permit"}
		/period "decision":"permit","period":{"start":"2026-03-05","end":"2026-02-01"}
		/period "decision":"permit","period":{"start":"2026-01-05","End":"2026-02-01"}
		/period "decision":"permit","period":{"start":"2026-01-05","_end":{"extension":[{"url":"x","valueCode":"unknown"}]}}
		/provision/provision/0/period "provision":{"type":"permit","provision":[{"type":"deny","period":{"start":"2026-09-01","end":"2026-01-01"}}]}
		/provision/provision/0/dataPeriod "provision":{"type":"permit","provision":[{"type":"deny","dataPeriod":{"start":"2026-09-01","end":"2026-01-01"}}]}
		/provision/provision/0 "provision":{"type":"permit","provision":[{"type":"deny","_id":{"extension":[{"url":"SECRET"}]}}]}
		/provision/provision/0/class/0 "provision":{"type":"permit","provision":[{"type":"deny","class":[{"system":"http://hl7.org/fhir/resource-types","code":"Resource"}]}]}
		/provision/provision/0/class/0 "provision":{"type":"permit","provision":[{"type":"deny","class":[{"code":"DomainResource"}]}]}
		/provision/provision/0/purpose/0 "provision":{"type":"permit","provision":[{"type":"deny","purpose":[{"code":"HMARKT","SECRET":1}]}]}
		/provision/provision/0/data/0/reference "provision":{"type":"permit","provision":[{"type":"deny","data":[{"meaning":"instance","reference":{"identifier":{"value":"SECRET"}}}]}]}
		/provision/provision/0/data/0/reference "provision":{"type":"permit","provision":[{"type":"deny","data":[{"meaning":"dependents","reference":{"identifier":{"system":"urn:x","value":"SECRET"}}}]}]}
		/provision/provision/0/data/0/reference "provision":{"type":"permit","provision":[{"type":"deny","data":[{"meaning":"dependents","reference":{"identifier":{"value":"SECRET"}}}]}]}
		/provision/provision/0/data/1/reference "provision":{"type":"permit","provision":[{"type":"deny","data":[{"meaning":"authoredby","reference":{"reference":"Practitioner/1"}},{"meaning":"authoredby","reference":{"identifier":{"system":"urn:x","value":"SECRET"}}}]}]}
		/provision/provision/0/action/0 "provision":{"type":"permit","provision":[{"type":"deny","action":[{"coding":[{"code":"collect"}],"SECRET":1}]}]}
		/provision/provision/0/actor/0/reference "provision":{"type":"permit","provision":[{"type":"deny","actor":[{"reference":{"reference":"Practitioner/ray","SECRET":1}}]}]}
	END
	# The order of a faulty Consent and its status: one that is not active has no effect.
	consent '"provision":{"type":"SECRET"}' | sed 's/active/inactive/' >C/c.ndjson
	[ "$(asked C)" = 'Deny no-consent' ]
	consent '"decision":"permit"' | sed 's/"active"/"unknown"/' >C/c.ndjson
	[ "$(asked C)" = 'Indeterminate consent-unreadable' ]
}

@test "whose Consent it is must be readable, else the run ends with 3" {
	setup_hospital
	while read -r place patient; do
		printf '\n{"resourceType":"Consent","id":"c","status":"active","decision":"permit"%s}\n' "${patient:+,$patient}" >c.ndjson
		ehr 3 ehr-authz -P P --consents c.ndjson in
		has err "c.ndjson:2:$place: "
		lacks err SECRET
	done <<-'END'
		1
		84 "patient":"SECRET"
		84 "patient":{"reference":"#SECRET"}
		84 "patient":{"reference":"urn:uuid:SECRET"}
		84 "patient":{"reference":"Group/SECRET"}
		84 "patient":{}
		1 "patient":{"identifier":{"system":"urn:x","value":"SECRET"}}
		1 "patient":{"reference":"Patient/a"},"subject":{"reference":"Patient/b"}
	END
	echo '{"resourceType":"Patient","id":"SECRET"}' >c.ndjson
	ehr 3 ehr-authz -P P --consents c.ndjson in
	has err 'c.ndjson:1:1: expected a Consent'
	# The register knows the patient by the identifier, unless two have it.
	consent '"decision":"deny"' | sed 's/"reference":"Patient.ann"/"identifier":{"system":"urn:mrn","value":"7"}/' >c.ndjson
	echo '{"type":"patient","id":"ann","properties":{"identifier":["urn:mrn|7"]}}' >entities
	ehr 0 ehr-authz -P P --facts S/facts.ndjson --consents c.ndjson --entities entities in
	[ "$(jq -r .context.reason out)" = consent-deny ]
	echo '{"type":"patient","id":"bea","properties":{"identifier":"urn:mrn|7"}}' >>entities
	ehr 3 ehr-authz -P P --consents c.ndjson --entities entities in
	has err 'c.ndjson:1:1: the register has no patient, or two, of the identifier in patient'
}

@test "a key that stands twice stops the patient and not the run, unless it is the one that says whose it is" {
	setup_hospital
	mkdir C
	while read -r column members; do
		{
			consent "$members"
			consent '"provision":{"type":"permit"}' | sed 's/Patient.ann/Patient\/bea/'
		} >C/c.ndjson
		[ "$(asked C)" = 'Indeterminate consent-unreadable' ] || { cat C/c.ndjson err; return 1; }
		same err <<<"ehr-authz: C/c.ndjson:1:$column: consent-unreadable: key seen twice"
		sed 's/"ann"/"bea"/g' in >other
		ehr 0 ehr-authz -P P --facts S/facts.ndjson --consents C other
		[ "$(jq -r '.context.layers[] | select(.layer == "consent").result' out)" = Permit ]
	done <<-'END'
		94 "status":"inactive","decision":"deny"
		114 "decision":"permit","decision":"deny"
		123 "provision":{"type":"permit","type":"deny"}
		108 "category":[],"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"research"}]}],"decision":"deny"
		94 "id":"c-2","id":"c-3","decision":"permit"
	END
	# In a Bundle, too, where the others count as they stand; and of the own form.
	{
		printf '{"resourceType":"Bundle","entry":[{"resource":'
		consent '"decision":"permit","decision":"deny"'
		printf '},{"resource":'
		consent '"decision":"permit"' | sed 's/Patient.ann/Patient\/bea/'
		printf '}]}'
	} | tr -d '\n' >C/c.json
	rm C/c.ndjson
	[ "$(asked C)" = 'Indeterminate consent-unreadable' ]
	ehr 0 ehr-authz -P P --facts S/facts.ndjson --consents C other
	[ "$(jq -r '.context.layers[] | select(.layer == "consent").result' out)" = Permit ]
	rm C/c.json
	echo '{"ehr_authz":1,"consent":"c","patient":"ann","status":"inactive","base":"permit","status":"active"}' >C/c.ndjson
	[ "$(asked C)" = 'Indeterminate consent-unreadable' ]
	# Nobody knows whose consent to stop, or the Bundle itself is in doubt.
	while read -r text; do
		echo "$text" >C/c.ndjson
		ehr 3 ehr-authz -P P --consents C in
		has err 'key seen twice'
	done <<-'END'
		{"resourceType":"Consent","id":"c","status":"active","patient":{"reference":"Patient/ann"},"decision":"deny","patient":{"reference":"Patient/bea"}}
		{"resourceType":"Consent","id":"c","status":"active","patient":{"reference":"Patient/ann","reference":"Patient/bea"},"decision":"deny"}
		{"resourceType":"Consent","id":"c","status":"active","patient":{"reference":"Patient/ann"},"decision":"deny","p\u0061tient":{"reference":"Patient/bea"}}
		{"resourceType":"Patient","id":"c","status":"active","patient":{"reference":"Patient/ann"},"decision":"deny","resourceType":"Consent"}
		{"ehr_authz":1,"consent":"c","patient":"ann","patient":"bea","status":"active","base":"deny"}
	END
	rm C/c.ndjson
	while read -r text; do
		echo "$text" >C/c.json
		ehr 3 ehr-authz -P P --consents C in
		has err 'key seen twice'
	done <<-'END'
		{"resourceType":"Bundle","entry":[],"entry":[]}
		{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","id":"a","id":"b"}}]}
		{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","resourceType":"Consent"}}]}
	END
}

@test "Consents of another scope are no directives, and are counted" {
	setup_hospital
	local scope='{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"%s"}]}'
	# shellcheck disable=SC2059
	{
		consent "\"scope\":$(printf "$scope" research),\"decision\":\"deny\""
		consent "\"category\":[$(printf "$scope" treatment)],\"decision\":\"deny\""
		consent "\"scope\":$(printf "$scope" patient-privacy),\"category\":[$(printf "$scope" adr)],\"decision\":\"permit\""
	} >c.ndjson
	ehr 0 ehr-authz -P P --facts S/facts.ndjson -v --consents c.ndjson in
	[ "$(jq .decision out)" = true ]
	has err '2 consents of another scope left out'
	# Of a scope that nobody knows a deny may be about privacy.
	# shellcheck disable=SC2059
	consent "\"scope\":$(printf "$scope" Patient-Privacy),\"decision\":\"deny\"" >c.ndjson
	[ "$(asked c.ndjson)" = 'Deny consent-deny' ]
	# What an extension says is no scope.
	consent '"scope":{"extension":[{"url":"x","valueCoding":{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"research"}}]},"decision":"deny"' >c.ndjson
	[ "$(asked c.ndjson)" = 'Deny consent-deny' ]
}

@test "files: a Consent, a list, a Bundle, a list in YAML, both forms side by side" {
	setup_hospital
	consent '"decision":"deny"' | jq . >c.json
	[ "$(asked c.json)" = 'Deny consent-deny' ]
	consent '"decision":"deny"' | jq '[., (.id = "c-2" | .decision = "permit")]' >c.json
	[ "$(asked c.json)" = 'Deny consent-deny' ]
	consent '"decision":"deny"' | jq '{resourceType: "Bundle", entry: [{resource: {resourceType: "Patient"}}, {resource: .}]}' >c.json
	[ "$(asked c.json)" = 'Deny consent-deny' ]
	printf -- '- {ehr_authz: 1, consent: %s, patient: %s, status: active, base: %s}\n' a ann permit b ann deny c Patient/ann permit >c.yaml
	[ "$(asked c.yaml)" = 'Deny consent-deny' ]
	{
		consent '"decision":"permit"'
		echo '{"ehr_authz":1,"consent":"c-2","patient":"ann","status":"active","base":"deny"}'
	} >c.ndjson
	[ "$(asked c.ndjson)" = 'Deny consent-deny' ]
	echo '{"resourceType":"Bundle"}' >c.json
	ehr 3 ehr-authz -P P --consents c.json in
	has err 'a Bundle without entries'
	# A Consent that nobody would find could be a deny.
	for entry in '{"resourceType":"Bundle","entry":[]}' '{"id":"c-1"}' null '[]'; do
		printf '{"resourceType":"Bundle","entry":[{"response":{"status":"200"}},{"resource":%s}]}\n' "$entry" >c.json
		ehr 3 ehr-authz -P P --consents c.json in
		has err 'c.json:1:77: an entry whose Consents nobody would find'
	done
	echo 7 >c.json
	ehr 3 ehr-authz -P P --consents c.json in
	# A request that writes the patient as a reference finds the same directives.
	sed -i 's/"patient":"ann"/"patient":"Patient\/ann"/' in
	[ "$(asked c.ndjson)" = 'Deny consent-deny' ]
}

@test "a root that denies some data denies all, and says so" {
	setup_hospital
	consent '"provision":{"type":"deny","class":[{"code":"Observation"}]}' >c.ndjson
	[ "$(asked c.ndjson)" = 'Deny consent-deny' ]
	has err 'c.ndjson:1:1: root-data: a root that denies some data denies all of it'
	# Which data it is must be readable nonetheless, also where the deny is not of who asks.
	local actor='"actor":[{"reference":{"reference":"Practitioner/ray"}}]'
	while read -r element; do
		consent "\"provision\":{\"type\":\"deny\",$actor,$element}" >c.ndjson
		[ "$(asked c.ndjson)" = 'Indeterminate consent-unreadable' ] || { cat c.ndjson err; return 1; }
		has err 'c.ndjson:1:'
	done <<-'END'
		"dataPeriod":{"start":"soon"}
		"dataPeriod":{"start":"2026-09-01","end":"2026-01-01"}
		"class":[{"code":"SECRET"}]
		"securityLabel":[{"code":"SECRET"}]
		"data":[{"meaning":"instance","reference":{"reference":"x y"}}]
	END
	consent "\"provision\":{\"type\":\"deny\",$actor,\"dataPeriod\":{\"start\":\"2026\"}}" >c.ndjson
	[[ "$(asked c.ndjson)" = *' no-consent' ]] || { cat out; return 1; }
}

@test "a key that stands twice in YAML stops its patient alone, where the patient is plain" {
	setup_hospital
	cat >c.yaml <<-'END'
		- {ehr_authz: 1, consent: c-1, patient: ann, status: active, base: permit, rules: [{id: r, say: s, effect: deny, effect: permit}]}
		- ehr_authz: 1
		  consent: c-2
		  patient: bea
		  status: active
		  base: deny
		  base: permit
		- {ehr_authz: 1, consent: c-3, patient: cyd, status: active, base: permit}
	END
	[ "$(asked c.yaml)" = 'Indeterminate consent-unreadable' ]
	same err <<-'END'
		ehr-authz: c.yaml:1:114: consent-unreadable: key 'effect' seen twice, first in line 1
		ehr-authz: c.yaml:7:3: consent-unreadable: key 'base' seen twice, first in line 6
	END
	sed 's/patient: ann/patient: dan/; s/patient: cyd/patient: ann/' c.yaml >d.yaml
	[ "$(asked d.yaml)" = 'Permit permitted' ]
	ehr 1 ehr-consent import -P P --on-error skip c.yaml
	[ "$(jq -r .consent out)" = c-3 ]
	has err 'c.yaml:7:3: consent-unreadable: key'
	for again in 'patient: bea' 'consent: x'; do
		sed "s/cyd, status: active, base: permit}$/cyd, $again}/" c.yaml >d.yaml
		ehr 3 ehr-authz -P P --consents d.yaml in
		has err 'd.yaml:8:'
	done
}

@test "an anchor, alias, tag, merge key or NUL in YAML stops its patient alone, where the patient is plain" {
	setup_hospital
	local head='ehr_authz: 1, consent: c, status: active, base: permit' form who
	while IFS= read -r form; do
		for who in ann dan; do
			printf '%s\n' "- ${form/HEAD/$head, patient: $who}" "- {$head, patient: ${who/dan/ann}}" >c.yaml
			[ $who = dan ] || sed -i 2s/ann/dan/ c.yaml
			asked c.yaml >got
			grep -q 'c.yaml:1:[0-9]*: consent-unreadable: ' err || { cat c.yaml err; return 1; }
			[ "$(cat got)" = "$([ $who = dan ] && echo Permit permitted || echo Indeterminate consent-unreadable)" ] || { cat c.yaml got; return 1; }
		done
	done <<-'END'
		{HEAD, rules: &a []}
		{HEAD, verified: !!bool true}
		{HEAD, rules: *a}
		{HEAD, <<: {base: deny, patient: bea}}
		{HEAD, rules: [{id: r, say: "\0", effect: deny}]}
		&a {HEAD}
		{HEAD, date: &d 2026-02-11, date: *d}
	END
	ehr 1 ehr-consent import -P P --on-error skip c.yaml
	[ "$(jq -rs 'map(.patient) | join(" ")' out)" = ann ] || { cat out; return 1; }
	# Not so where it might be another patient's.
	while IFS= read -r form; do
		printf '%s\n' "- {$head, patient: ann}" "- ${form/HEAD/$head}" >c.yaml
		ehr 3 ehr-authz -P P --consents c.yaml in
		has err 'c.yaml:2:'
	done <<-'END'
		{HEAD, patient: &p dan}
		{HEAD, patient: !!str dan}
		{HEAD, !!str patient: dan}
		{HEAD, patient: dan, *p : ann}
		{HEAD, patient: dan, !!str patient: ann}
		{HEAD, <<: {patient: dan}}
		{HEAD, patient: "da\0n"}
		*dan
		&a dan
		{HEAD, patient: dan, rules: [}
	END
}

@test "a criterion that names nothing, or what nothing is called, makes a directive unreadable" {
	setup_hospital
	local n=0 criterion
	while read -r criterion; do
		n=$((n + 1))
		echo "- {ehr_authz: 1, consent: c, patient: p$n, status: active, base: permit, rules: [{id: r, say: s, effect: deny, $criterion}]}"
	done >c.yaml <<-'END'
		who: {id: []}
		who: {id: {not: []}}
		who: {id: {all: []}}
		who: {id: ""}
		who: {id: true}
		who: {id: {present: false}}
		who: {type: {present: false}}
		who: {id: [lara, false]}
		who: {relation: []}
		who: {relation: {}}
		who: {ward: []}
		does: []
		why: []
		where: {route: []}
		what: {class: []}
		what: {label: []}
		what: {author: []}
		what: {author: ""}
		what: {code: []}
		what: {code: "8867-4"}
		what: {code: "|8867-4"}
		what: {instance: []}
		what: {instance: composition/1}
		what: {instance: Composition}
		what: {instance: Composition/}
		what: {instance: Composition/1/_history/1}
		what: {instance: Resource/1}
		what: {related: [Encounter/1, Task inquiry]}
	END
	echo "- {ehr_authz: 1, consent: c, patient: p$((++n)), status: active, base: permit, period: {}}" >>c.yaml
	ehr 0 ehr-authz -P P --consents c.yaml </dev/null
	[ "$(grep -o 'c.yaml:[0-9]*:.*consent-unreadable' err | cut -d: -f 2 | uniq)" = "$(seq "$n")" ] || { cat err; return 1; }
	# What names somebody or something does not.
	sed 's/period: {}/period: {from: 2026-03-01T00:00:00Z}/; s/effect: deny.*/effect: deny, who: {id: [7, "true"]}, what: {code: "urn:x|1", instance: [Composition\/1, "urn:uuid:7"]}}]}/' c.yaml >d.yaml
	ehr 0 ehr-authz -P P --consents d.yaml </dev/null
	lacks err unreadable
}

@test "a user's references lead through the register to roles, organizations, groups and teams" {
	setup_hospital
	cat >entities <<-'END'
		{"type":"user","id":"dr-lee","properties":{"ref":"Practitioner/lee"}}
		{"type":"PractitionerRole","id":"r1","properties":{"practitioner":"Practitioner/lee","organization":"Organization/icu"}}
		{"type":"Organization","id":"icu","properties":{"identifier":["urn:org|9"]}}
		{"type":"Group","id":"g","properties":{"member":["Practitioner/x","PractitionerRole/r1"]}}
		{"type":"CareTeam","id":"t","properties":{"member":["Group/g"]}}
		{"type":"Group","id":"other","properties":{"member":["Practitioner/x"]}}
	END
	echo "$request" >in
	while read -r want actor; do
		consent '"provision":{"type":"permit","provision":[{"type":"deny","actor":[{"reference":'"$actor"'}]}]}' >c.ndjson
		ehr 0 ehr-authz -P P --facts S/facts.ndjson --consents c.ndjson --entities entities in
		[ "$(jq -r '.context.reason' out)" = "$want" ] || { echo "$actor"; jq . out; return 1; }
	done <<-'END'
		consent-deny {"reference":"Practitioner/lee"}
		consent-deny {"reference":"PractitionerRole/r1"}
		consent-deny {"reference":"Organization/icu"}
		consent-deny {"identifier":{"system":"urn:org","value":"9"}}
		consent-deny {"reference":"Group/g"}
		consent-deny {"reference":"CareTeam/t"}
		permitted {"reference":"Group/other"}
	END
	# Nobody knows who a user without references is.
	[ "$(asked c.ndjson)" = 'Indeterminate missing-attribute' ]
	echo '{"type":"Group","id":"g","properties":{"member":[7]}}' >entities
	ehr 3 ehr-authz -P P --entities entities in
	has err 'entities:1:50: expected a name, such as Practitioner/7'
}

@test "in a Bundle urn:uuid names the entry beside it" {
	setup_hospital
	local bundle='{"resourceType":"Bundle","type":"collection","entry":[%s{"fullUrl":"urn:uuid:9","resource":{"resourceType":"Consent","id":"c-1","status":"active","patient":{"reference":"urn:uuid:1"},"provision":{"type":"permit","provision":[{"type":"deny",%s}]}}}]}\n'
	while IFS='#' read -r want entries deny; do
		# shellcheck disable=SC2059
		printf "$bundle" '{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Patient","id":"ann"}},'"$entries${entries:+,}" "$deny" >c.json
		[ "$(asked c.json)" = "$want" ] || { cat c.json out err; return 1; }
	done <<-'END'
		Deny consent-deny#{"fullUrl":"urn:uuid:2","resource":{"resourceType":"Practitioner","id":"lee"}}#"actor":[{"reference":{"reference":"urn:uuid:2"}}]
		Permit permitted#{"fullUrl":"urn:uuid:2","resource":{"resourceType":"Practitioner","id":"ray"}}#"actor":[{"reference":{"reference":"urn:uuid:2"}}]
		Indeterminate consent-unreadable##"actor":[{"reference":{"reference":"urn:uuid:2"}}]
		Indeterminate consent-unreadable#{"fullUrl":"urn:uuid:2","resource":{"resourceType":"Practitioner"}}#"actor":[{"reference":{"reference":"urn:uuid:2"}}]
		Indeterminate consent-unreadable#{"fullUrl":"urn:uuid:2","resource":{"resourceType":"Practitioner","id":"ray"}},{"fullUrl":"urn:uuid:2","resource":{"resourceType":"Practitioner","id":"lee"}}#"actor":[{"reference":{"reference":"urn:uuid:2"}}]
	END
	# What is denied by the name is named in the obligation as records name it.
	# shellcheck disable=SC2059
	printf "$bundle" '{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Patient","id":"ann"}},{"fullUrl":"urn:uuid:2","resource":{"resourceType":"Composition","id":"k"}},' \
		'"data":[{"meaning":"instance","reference":{"reference":"urn:uuid:2"}}]' >c.json
	asked c.json
	[ "$(jq -c '.context.obligations[].properties.instance | values' out)" = '["Composition/k"]' ]
	# Of a patient whom the Bundle does not name nobody knows who she is.
	# shellcheck disable=SC2059
	printf "$bundle" '' '"class":[{"code":"Observation"}]' >c.json
	ehr 3 ehr-authz -P P --consents c.json in
	has err 'c.json:1:'
}

@test "two Consents of one id: nobody knows which counts" {
	setup_hospital
	{
		consent '"decision":"permit"'
		consent '"decision":"permit"' | sed 's/active/inactive/'
	} >c.ndjson
	[ "$(asked c.ndjson)" = 'Indeterminate consent-unreadable' ]
	has err 'c.ndjson:2:1: consent-unreadable: a directive that is there twice for its patient'
}

@test "HL7's own examples: two opt in for a time, four leave open what their root means" {
	setup_hospital
	mkdir C
	cp "$BATS_TEST_DIRNAME"/../../testdata/corpus/consent/consent-example-*.json C/
	ehr 0 ehr-authz -P P --consents C in
	[ "$(grep -c 'consent-unreadable: /provision: a root with criteria and without type' err)" -eq 4 ]
	[ "$(wc -l <err)" -eq 4 ]
	while read -r file day want; do
		sed "s/\"ann\"/\"f001\"/g;s/2026-03-02/$day/" in >"at"
		ehr 0 ehr-authz -P P --consents "C/consent-example-$file.json" at
		[ "$(jq -r '.context.layers[] | select(.layer == "consent") | "\(.result) \(.rules)"' out)" = "$want" ] || { cat out err; return 1; }
	done <<-'END'
		basic 2014-01-01 Permit ["consent-example-basic"]
		basic 2016-01-01 Permit ["consent-example-basic"]
		basic 2016-01-02 Deny []
		notTime 2015-02-01 Permit ["consent-example-notTime"]
		notTime 2015-02-02 Deny []
	END
}

@test "a list in YAML is read in parts, so it may be long, and faults name the line of the file" {
	# 17 MiB: 34 items of half a MiB each, in comments.
	local i pad
	setup_hospital
	pad=$(printf '#%.0s' $(seq 100000))
	for i in $(seq 34); do
		printf -- '- ehr_authz: 1\n  consent: c%d\n  patient: p%d\n  status: active\n  base: permit\n' "$i" "$i"
		printf '%s\n' "$pad" "$pad" "$pad" "$pad" "$pad"
	done >long.yaml
	[ "$(stat -c %s long.yaml)" -gt 16777216 ]
	echo '- {ehr_authz: 1, consent: a, patient: ann, status: active, base: deny}' >>long.yaml
	[ "$(asked long.yaml)" = 'Deny consent-deny' ]
	sed -i '$s/deny/maybe/' long.yaml
	asked long.yaml >got || true
	has err 'long.yaml:341:'
	echo '- {ehr_authz: 1' >>long.yaml
	ehr 3 ehr-authz -P P --consents long.yaml </dev/null
	has err 'long.yaml:34'
	# A line that is no item ends the list: what stands behind it is not left out.
	sed -i '341,$d' long.yaml
	printf '...\n- {ehr_authz: 1, consent: a, patient: ann, status: active, base: deny}\n' >>long.yaml
	ehr 3 ehr-authz -P P --consents long.yaml </dev/null
}

@test "the same directive as YAML and as a Consent: the same decisions" {
	setup_hospital
	cat >c.yaml <<-'END'
		ehr_authz: 1
		consent: c-1
		patient: ann
		status: active
		base: permit
		rules:
		  - {id: c-1-1, say: A provision of the Consent., effect: deny, who: {ref: [Practitioner/lee]}, why: [TREAT], what: {label: [R]}, rules: [{id: c-1-1-1, say: A nested provision of the Consent., effect: permit, what: {class: [Observation]}}]}
	END
	consent '"provision":{"type":"permit","provision":[{"type":"deny","actor":[{"reference":{"reference":"Practitioner/lee"}}],"purpose":[{"code":"TREAT"}],"securityLabel":[{"code":"R"}],"provision":[{"type":"permit","class":[{"code":"Observation"}]}]}]}' >c.json
	for change in '' 's/TREAT/ETREAT/' 's/Practitioner.lee/Practitioner\/ray/' 's/"ref":[^]]*],//' 's/"patient":"ann"/&,"label":"V"/' 's/"patient":"ann"/&,"class":"Observation"/'; do
		sed "$change" in >>all
	done
	for file in c.yaml c.json; do
		ehr 0 ehr-authz -P P --facts S/facts.ndjson --consents "$file" all
		empty err
		jq -c 'del(.context.consents)' out >"$file.out"
	done
	cmp c.yaml.out c.json.out
	[ "$(jq .decision c.yaml.out | sort -u | wc -l)" -eq 2 ]
}

@test "directives that say the same, of many patients in one file, decide as each does alone" {
	setup_hospital
	local body who
	narrowed '"label":["N"]' | sed 's/"domain":"hospital",/&"ref":["Practitioner\/lee"],/' >in
	while read -r body; do
		for who in ann bo; do
			printf '{"ehr_authz":1,"consent":"c-%s","patient":"%s","status":"active",%s}\n' "$who" "$who" "$body"
		done >both.ndjson
		grep '"ann"' both.ndjson >alone.ndjson
		ehr 0 ehr-authz -P P --facts S/facts.ndjson --consents alone.ndjson in
		jq -c '[.decision, .context.reason, .context.valid_until, .context.obligations]' out >want
		# As the second that says it, and behind one that says it with the other effect.
		sed 's/"ann"/"cy"/; s/"effect":"deny"/"effect":"-"/g; s/"effect":"permit"/"effect":"deny"/g
			s/"effect":"-"/"effect":"permit"/g' alone.ndjson >turned.ndjson
		tac both.ndjson >>turned.ndjson
		ehr 0 ehr-authz -P P --facts S/facts.ndjson --consents turned.ndjson in
		jq -c '[.decision, .context.reason, .context.valid_until, .context.obligations]' out >got
		diff want got || { cat both.ndjson; return 1; }
	done <<-'END'
		"base":"permit"
		"base":"deny"
		"base":"permit","when":{"from":"2026-01-01T00:00:00Z","until":"2026-03-02T09:01:00Z"}
		"base":"permit","rules":[{"id":"r","say":"Not Lee.","effect":"deny","who":{"ref":["Practitioner/lee"]}}]
		"base":"deny","rules":[{"id":"r","say":"Lee.","effect":"permit","who":{"ref":["Practitioner/lee"]},"when":{"until":"2026-03-02T09:02:00Z"}}]
		"base":"permit","rules":[{"id":"r","say":"No.","effect":"deny","what":{"label":["R"]}}]
	END
}
