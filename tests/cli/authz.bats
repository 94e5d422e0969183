bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/authz

@test "access scenarios 1 to 10 under one policy set, with their counter-probes" {
	set_of . 0
}

@test "access scenarios 1 to 10, each under its own two policies and directive" {
	local number
	for number in 01 02 03 04 05 06 07 08 09 10; do
		set_of "literal/$number" 0
	done
}

@test "what goes wrong in decision engines: 65 traps" {
	set_of traps 1
	has err 'ehr-authz: '
	has err 'requests.ndjson:64: bad-request: malformed access request'
}

@test "a hospital: relations, supervision, delegation, places, levels, commands, subscriptions" {
	set_of hospital 0
}

@test "a decision, byte for byte: the site gives directives and facts" {
	hospital
	echo "$request" | sed 's/^{/{"id":"q-1",/' >in
	ehr 0 ehr-authz -P P -S S in
	policy_digest=$(jq -r .context.policy out)
	sed -e "s/$policy_digest/POLICY/" -e 's/sha256:[0-9a-f]*/DIGEST/g' out >got
	same got <<-'END'
		{"decision":true,"context":{"id":"q-1","request":"DIGEST","about":{"request":"DIGEST","subject":"dr-lee","action":"read","resource":{"type":"patient","id":"ann"},"patient":"ann","purpose":["TREAT"]},"decided_by":"consent","reason":"permitted","layers":[{"layer":"jurisdiction","domain":"hospital","result":"NotApplicable","rules":[],"default":true},{"layer":"organization","domain":"hospital","result":"Permit","rules":["H-1","H-3"]},{"layer":"consent","result":"Permit","rules":["c-ann"]},{"layer":"clearance","result":"Permit","rules":[]}],"al":5,"rl":"V","assessed_al":5,"obligations":[],"valid_until":"2026-03-15T08:00:00Z","reason_user":{"en":"Allowed."},"reason_admin":{"en":"Nothing in the policy or in the patient's consent stands against it."},"time":"2026-03-02T09:00:00Z","policy":"POLICY","consents":"DIGEST","facts":"DIGEST"}}
	END
	[ "$(jq -r .context.request out)" = "sha256:$(head -c -1 in | sha256sum | cut -d' ' -f1)" ]
	[ "$(jq -r .context.facts out)" = "sha256:$(sha256sum <S/facts.ndjson | cut -d' ' -f1)" ]
	empty err
}

@test "the sentence of the rule that decided is the administrator's reason, and the user learns nothing" {
	hospital
	echo "${request/TREAT/HMARKT}" >in
	ehr 0 ehr-authz -P P -S S in
	[ "$(jq -r '.context.reason_admin.en' out)" = 'J-1: Nobody may use patient records for marketing.' ]
	[ "$(jq -c '.context.reason_user' out)" = '{"en":"Not allowed."}' ]
}

@test "--now stands in where a request states no time, and its own time goes before" {
	hospital
	echo "${request/\"time\":\"2026-03-02T09:00:00Z\",/}" >in
	ehr 0 ehr-authz -P P -S S in
	[ "$(jq .decision out)" = false ]
	[ "$(jq .context.time out)" = null ]
	ehr 0 ehr-authz -P P -S S --now 2026-03-02T10:00:00+01:00 in
	[ "$(jq .decision out)" = true ]
	[ "$(jq -r .context.time out)" = 2026-03-02T09:00:00Z ]
	echo "$request" >in
	ehr 0 ehr-authz -P P -S S --now 2027-01-01T00:00:00Z in
	[ "$(jq -r .context.time out)" = 2026-03-02T09:00:00Z ]
	# A time that is none must not help whoever sends it: it is unknown, not absent.
	for time in '"2026-03-02"' '"2026-03-02T09:00:00"' '"yesterday"' '""' null 7 '{}' '[]' '["2026-03-02T09:00:00Z","2026-03-02T09:00:00Z"]'; do
		echo "${request/\"2026-03-02T09:00:00Z\"/$time}" >in
		ehr 0 ehr-authz -P P -S S --now 2026-03-02T09:00:00Z in
		[ "$(jq -c '[.decision, .context.time]' out)" = '[false,null]' ]
	done
	ehr 2 ehr-authz -P P --now yesterday in
	has err "not a time such as 2026-03-02T09:00:00Z: 'yesterday'"
}

@test "a word that nobody knows is refused with its reason, and the stream goes on" {
	hospital
	{
		narrowed '"label":["r"]'
		narrowed '"label":"SUDD"'
		narrowed '"label":["R",7]'
		narrowed '"label":["http://terminology.hl7.org/CodeSystem/v3-Confidentiality|r"]'
		narrowed '"label":["|R"]'
		narrowed '"class":"observation"'
		echo "${request/TREAT/TREATT}"
		echo "${request/\"TREAT\"/[\"TREAT\",\"treat\"]}"
		echo "${request/\"TREAT\"/\"\"}"
		narrowed '"label":["R","http://acme.example|secret"]'
		narrowed '"label":["http://terminology.hl7.org/CodeSystem/v3-Confidentiality|R"]'
		echo "${request/TREAT/http:\/\/terminology.hl7.org\/CodeSystem\/v3-ActReason|TREAT}"
		echo "${request/TREAT/http:\/\/terminology.hl7.org\/CodeSystem\/v3-ActReason|HMARKT}"
		echo "$request"
	} >in
	ehr 0 ehr-authz -P P -S S in
	empty err
	jq -c '[.decision, .context.decided_by, .context.reason]' out >got
	same got <<-'END'
		[false,"request","unknown-label"]
		[false,"request","unknown-label"]
		[false,"request","unknown-label"]
		[false,"request","unknown-label"]
		[false,"request","unknown-label"]
		[false,"request","unknown-class"]
		[false,"request","unknown-purpose"]
		[false,"request","unknown-purpose"]
		[false,"request","unknown-purpose"]
		[true,"consent","permitted"]
		[true,"consent","permitted"]
		[true,"consent","permitted"]
		[false,"jurisdiction","deny-rule"]
		[true,"consent","permitted"]
	END
	[ "$(head -n 1 out | jq -r .context.reason_admin.en)" = 'The request has a label that neither the ladder nor v3-ActCode has.' ]
	head -n 1 in >one
	ehr 7 ehr-authz -P P -S S --exit-status one
	# To another domain it is a denial like any other.
	ehr 0 ehr-authz -P P -S S --public one
	lacks out unknown
}

@test "a role that nobody knows is refused, for a misspelt one would slip past a deny" {
	hospital
	{
		echo "$request"
		echo "${request/\"physician\"/\"physican\"}"
		echo "${request/\"physician\"/[\"physician\",\"Nurse\"]}"
		echo "${request/\"physician\"/\"\"}"
		echo "${request/\"physician\"/7}"
		echo "${request/\"structural_role\"/\"functional_role\":\"on-kall\",\"structural_role\"}"
		echo "${request/\"structural_role\"/\"functional_role\":[],\"structural_role\"}"
		echo "${request/\"physician\"/\"licensed-clinician\"}"
		# The other domain has names of its own; roles.yaml and trusts say which count.
		echo "${request/\"domain\":\"hospital\"/\"domain\":\"clinic\"}" | sed 's/"physician"/"Facharzt"/'
	} >in
	ehr 0 ehr-authz -P P -S S in
	empty err
	jq -c '[.decision, .context.decided_by, .context.reason]' out >got
	same got <<-'END'
		[true,"consent","permitted"]
		[false,"request","unknown-role"]
		[false,"request","unknown-role"]
		[false,"request","unknown-role"]
		[false,"request","unknown-role"]
		[false,"request","unknown-role"]
		[true,"consent","permitted"]
		[false,"clearance","no-clearance"]
		[false,"organization","default-deny"]
	END
	[ "$(sed -n 2p out | jq -r .context.reason_admin.en)" = 'The request has a role that authz/roles.yaml does not name.' ]
}

@test "a deny that withholds a part of the narrowed data keeps its obligations" {
	hospital
	cat >>P/authz/organization.yaml <<-'END'
		  - {id: H-80, say: No HIV., effect: deny, what: {label: [HIV]}, obligations: [{do: audit, level: hiv}]}
		  - {id: H-81, say: Nothing but results and notes for the desk., effect: deny, what: {class: [Observation, Composition]}, except: [{what: {label: [N]}}], obligations: [{do: audit, level: desk}]}
		  - {id: H-82, say: No claims., effect: deny, what: {class: [Claim]}, obligations: [{do: audit, level: claims}]}
	END
	{
		echo "$request"
		narrowed '"class":["Observation"]'
		narrowed '"class":["Observation"],"label":["N"]'
		narrowed '"class":["Observation"],"label":["N","VIP"]'
		narrowed '"class":["Condition"],"label":["N"]'
	} >in
	ehr 0 ehr-authz -P P -S S in
	jq -c '[.decision, ([.context.obligations[] | select(.properties.action == "audit") | .properties.level])]' out >got
	same got <<-'END'
		[true,["hiv","desk","claims"]]
		[true,["hiv","desk"]]
		[true,["hiv"]]
		[true,["hiv"]]
		[true,["hiv"]]
	END
}

@test "a word under another name of its system is the same word, so no deny is passed by" {
	hospital
	cp "$EHR_ROOT"/policies/hospital/authz/*.yaml P/authz/
	keys='{"subject":{"type":"user","id":"dr-ray","properties":{"domain":"hospital","structural_role":"physician"}},"action":{"name":"release-keys"},"resource":{"type":"level-keys","id":"hospital/1","properties":{"domain":"hospital","epoch":1}},"context":{"purpose":PURPOSE,"time":"2026-03-02T09:00:00Z","acr":"loa3","route":"on-site"}}'
	for system in http://terminology.hl7.org/CodeSystem/v3-ActReason https://terminology.hl7.org/CodeSystem/v3-ActReason/ \
		urn:oid:2.16.840.1.113883.5.8 2.16.840.1.113883.5.8 http://hl7.org/fhir/v3/ActReason 'http://terminology.hl7.org/CodeSystem/v3-ActReason|3.0.0'; do
		for purpose in "\"$system|BTG\"" "[\"TREAT\",\"$system|BTG\"]"; do
			echo "${keys/PURPOSE/$purpose}"
		done
	done >in
	ehr 0 ehr-authz -P P in
	[ "$(jq -c '[.decision, .context.about.purpose[-1]]' out | sort | uniq -c | sed 's/^ *//')" = '12 [false,"BTG"]' ]
	echo "${keys/PURPOSE/\"urn:oid:2.16.840.1.113883.5.8|TREATT\"}" >in
	ehr 0 ehr-authz -P P in
	[ "$(jq -r .context.reason out)" = unknown-purpose ]
}

@test "the answer to many dates beside other criteria is bounded" {
	hospital
	dates=$(seq 1000 2023 | sed 's/.*/"&"/' | paste -sd,)
	{
		narrowed "\"date\":[$dates],\"class\":[\"Observation\",\"Claim\",\"Basic\"]"
		narrowed "\"date\":[$dates],\"class\":[\"Observation\",\"Claim\",\"Basic\"],\"author\":\"x\""
		narrowed "\"date\":\"2020\",\"code\":[$dates]"
		narrowed "\"date\":[\"2020\",\"2021\",\"2022\",\"2023\",\"2024\"],\"code\":[$dates]"
	} >in
	ehr 1 ehr-authz -P P -S S --on-error skip in
	[ "$(jq -c '[.decision, .context.error.message]' out | paste -sd' ')" = '[true,null] [false,"too many dates beside the other data criteria"] [true,null] [false,"too many dates beside the other data criteria"]' ]
}

@test "the answer to a batch is bounded: the items behind are denied" {
	native || return 0
	hospital
	codes=$(seq 1 4000 | sed 's/.*/"code-&"/' | paste -sd,)
	items=$(yes '{}' | head -n 4000 | paste -sd,)
	narrowed "\"code\":[$codes]" | sed "s/}\$/,\"evaluations\":[$items]}/" >in
	ehr 0 ehr-authz -P P -S S in
	[ "$(wc -c <out)" -lt 80000000 ]
	[ "$(jq -c '.evaluations | length' out)" -eq 4000 ]
	[ "$(jq -c '.evaluations | [.[0, -1] | [.decision, .context.error.message]]' out)" = '[[true,null],[false,"the answers before take 64 MB: ask in smaller batches"]]' ]
}

@test "a data criterion that is none keeps nothing, not everything" {
	hospital
	for wrong in '{}' '{"system":"a","code":"b"}' '[{}]' '[null]' '["x",null]' '[["x"]]'; do
		for name in class code label date author related instance; do
			narrowed "\"$name\":$wrong"
		done
	done >in
	ehr 0 ehr-authz -P P -S S in
	[ "$(jq -r .decision out | sort | uniq -c | sed 's/^ *//')" = '42 true' ]
	# Dates make the items, and there is none.
	obligations | grep -cE '"any_of":(\[\{"[a-z]*":\[\]|\[\])' >kept
	[ "$(cat kept)" -eq 42 ]
	narrowed '"code":null' >in
	ehr 0 ehr-authz -P P -S S in
	[ "$(obligations)" = '[]' ]
}

@test "blanks and signs justify nothing, nor does the word that there is nothing" {
	hospital
	cp "$EHR_ROOT"/policies/hospital/authz/*.yaml P/authz/
	for why in '""' '" "' '"\t\n"' '["", " "]' '[]' null '{}' false '[false, ""]' \
		'"\u00a0\u3000"' '"\u200b\ufeff\u00ad"' '"\u2800\u1680\u3164"' '"-"' '"..."' '" x"' '"\u3000\u6025"'; do
		echo "${request/\"TREAT\"/\"BTG\",\"justification\":$why}" | sed 's/"ann"/"nobody"/g'
	done >in
	ehr 0 ehr-authz -P P -S S in
	[ "$(jq -r .decision out | paste -sd' ')" = "$(printf 'false %.0s' {1..14})true true" ]
}

@test "a misspelt purpose, label, class or action in a directive leaves its patient undecided" {
	for slip in 'why: [TREATT]' 'why: {not: [treat]}' 'what: {label: [r]}' 'what: {class: observation}' 'does: [raed]' 'except: [{why: [BTGG]}]'; do
		hospital
		printf 'ehr_authz: 1\nconsent: c-ann\npatient: ann\nstatus: active\nbase: permit\nrules:\n  - {id: c-1, say: No., effect: deny, %s}\n' "$slip" >S/consents/ann.yaml
		echo "$request" >in
		ehr 0 ehr-authz -P P -S S in
		has err 'ehr-authz: S/consents/ann.yaml:7:'
		has err 'consent-unreadable: unknown '
		[ "$(jq -r .context.reason out)" = consent-unreadable ]
	done
}

@test "--exit-status ends with 7 if a decision is false" {
	hospital
	echo "$request" >in
	ehr 0 ehr-authz -P P -S S --exit-status in
	echo "${request/TREAT/HMARKT}" >>in
	ehr 7 ehr-authz -P P -S S --exit-status in
	[ "$(jq -s 'map(.decision) == [true, false]' out)" = true ]
	ehr 0 ehr-authz -P P -S S in
}

@test "--public leaves out layers, rules and what the decision rests on" {
	hospital
	echo "${request/dr-lee/nobody}" >in
	ehr 0 ehr-authz -P P -S S --public in
	sed 's/sha256:[0-9a-f]*/DIGEST/g' out >got
	same got <<-'END'
		{"decision":false,"context":{"request":"DIGEST","about":{"request":"DIGEST","subject":"nobody","action":"read","resource":{"type":"patient","id":"ann"},"patient":"ann","purpose":["TREAT"]},"obligations":[],"reason_user":{"en":"Not allowed."},"time":"2026-03-02T09:00:00Z"}}
	END
	cp "$cases/hospital/requests.ndjson" in
	ehr 0 ehr-authz -P P -S S --public in
	lacks out '"rule"'
	lacks out 'c-ann'
	# Denials do not tell why: without what was asked, all of them are the same.
	jq -c 'select(.decision | not) | del(.context.id, .context.request, .context.about, .context.time)' \
		out | sort -u >got
	same got <<-'END'
		{"decision":false,"context":{"obligations":[],"reason_user":{"en":"Not allowed."}}}
	END
}

@test "a batch: defaults, an item's own object, and where it ends" {
	hospital
	deny='{"context":{"purpose":"HMARKT","time":"2026-03-02T09:00:00Z"}}'
	echo "${request%\}},\"evaluations\":[{},$deny,{\"id\":\"third\"},{\"subject\":7},\"x\"]}" >in
	ehr 0 ehr-authz -P P -S S in
	[ "$(jq -c '[.evaluations[].decision]' out)" = '[true,false,true,false,false]' ]
	[ "$(jq -c '[.evaluations[].context | .item]' out)" = '[0,1,2,null,null]' ]
	[ "$(jq -c '[.evaluations[].context | .error.message]' out)" = '[null,null,null,"subject is not an object","an item of evaluations is not an object"]' ]
	[ "$(jq -r '.evaluations[2].context.id' out)" = third ]
	for semantic in deny_on_first_deny:2 permit_on_first_permit:1 execute_all:3; do
		echo "${request%\}},\"options\":{\"evaluations_semantic\":\"${semantic%:*}\"},\"evaluations\":[{},$deny,{}]}" >in
		ehr 0 ehr-authz -P P -S S in
		[ "$(jq '.evaluations | length' out)" -eq "${semantic#*:}" ]
	done
	echo "${request%\}},\"options\":{\"evaluations_semantic\":\"some\"},\"evaluations\":[{}]}" >in
	ehr 5 ehr-authz -P P -S S in
	[ "$(jq -r .context.error.message out)" = 'unknown options.evaluations_semantic' ]
	echo "${request%\}},\"evaluations\":[]}" >in
	ehr 0 ehr-authz -P P -S S in
	[ "$(jq .decision out)" = true ]
}

@test "ill-formed requests: exactly one answer a line, and each says what is wrong" {
	hospital
	cat >in <<-'END'
		{"subject":{"type":"user","id":7},"action":{"name":"read"},"resource":{"type":"t","id":"i"}}
		{"id":"x","subject":{"type":"user"}}
		{"subject":{"type":"user","id":"a"},"resource":{"type":"t","id":"i"}}
		{"subject":{"type":"user","id":"a"},"action":{"name":"read"},"resource":[]}
		{"subject":{"type":"user","id":"a"},"action":{"name":"read"},"resource":{"type":"t","id":"i"},"context":1}
		{"subject":{"type":"user","id":"a","id":"b"}}
		[]
		{"subject":
		{"evaluations":{}}
	END
	ehr 1 ehr-authz -P P -S S --on-error skip in
	jq -c '[.decision, .context.id, .context.error.status, .context.error.message]' out >got
	same got <<-'END'
		[false,null,400,"subject.id is not a string"]
		[false,"x",400,"missing subject.id"]
		[false,null,400,"missing action"]
		[false,null,400,"resource is not an object"]
		[false,null,400,"context is not an object"]
		[false,null,400,"key seen twice"]
		[false,null,400,"a request is a JSON object"]
		[false,null,400,"input ends inside a value"]
		[false,null,400,"evaluations is not an array"]
	END
	[ "$(grep -c '' err)" -eq 9 ]
	ehr 5 ehr-authz -P P -S S in
	[ "$(wc -l <out)" -eq 1 ]
	has err 'in:1: bad-request: malformed access request'
}

@test "lines that no parser sees get their answer, too" {
	hospital
	{ printf '{"a":"\0"}\n' && head -c 3000 /dev/zero | tr '\0' x && printf '\n%s\n' "$request"; } >in
	ehr 1 ehr-authz -P P -S S --on-error skip --max-record 2000 in
	[ "$(jq -c '[.decision, .context.error.message]' out | sed 3d)" = '[false,"NUL found"]
[false,"limit of --max-record passed"]' ]
	[ "$(wc -l <out)" -eq 3 ]
}

@test "a rule with a slip of the pen refuses to start: file, line and column" {
	fault() {
		policy hospital
		sed -i "$2" "P/authz/$1"
		ehr 3 ehr-authz -P P </dev/null
		empty out
		has err "ehr-authz: P/authz/$1:"
		has err "$3"
	}
	fault organization.yaml 's/structural_role: billing}/structural_role: biling}/' "unknown role 'biling'"
	fault organization.yaml 's/relation: treating/relation: treats/' "unknown relation 'treats'"
	fault organization.yaml 's/what: {class: emergency}/what: {class: emergencies}/' "unknown class 'emergencies'"
	fault jurisdiction.yaml 's/label: \[SUD\]/label: [SUDD]/' "unknown label 'SUDD'"
	fault organization.yaml 's/\[PRD-006\]}},/[PRD-007]}},/' "unknown permission 'PRD-007'"
	fault organization.yaml 's/subject.ward/subject.wart/' "unknown attribute 'subject.wart'"
	fault organization.yaml 's/why: \[TREAT\]/why: [TREATT]/' "unknown purpose 'TREATT'"
	fault outbound.yaml 's/why: \[TREAT\]/why: [treat]/' "unknown purpose 'treat'"
	fault clearances.yaml 's/why: \[BTG\]/why: [BTGG]/' "unknown purpose 'BTGG'"
	fault organization.yaml 's/does: \[access\]/does: [acess]/' "unknown action 'acess'"
	fault organization.yaml 's/at_least: loa3/at_least: loa9/' "unknown acr 'loa9'"
	fault organization.yaml 's/^default: deny//' "default"
	fault organization.yaml 's/^no_consent: deny//' "no_consent"
	fault organization.yaml 's/id: H-2,/id: H-1,/' "id 'H-1' is there twice"
	fault organization.yaml 's/id: H-2,/id: J-1,/' "id 'J-1' is in"
	fault organization.yaml 's/justification: {present: true}/justification: {present: false}/' "only true may stand here"
	fault organization.yaml 's/, overrides_consent: always, obligations: \[{do: audit/, overrides: always, obligations: [{do: audit/' "overrides"
	fault organization.yaml 's/why: \[ETREAT\],/why: [TREAT],/' "override-too-wide"
	fault jurisdiction.yaml 's/effect: deny, why/effect: permit, why/' "no permit here"
	fault clearances.yaml 's/al: 5}/what: {label: [R]}, al: 5}/' "no data criterion may stand here"
	fault roles.yaml 's/bedside: .*/bedside: [bedside]/' "a group that holds itself"
	fault roles.yaml 's/^ehr_authz: 1/ehr_authz: 2/' "expected the number 1"
	fault roles.yaml 's/bedside: .*/bedside: []/' "a group of nothing"
	fault roles.yaml 's/access: .*/access: []/' "a group of nothing"
	fault classes.yaml 's/billing: .*/billing: []/' "a group of nothing"
}

@test "a policy without an organization file refuses to start" {
	policy hospital
	rm P/authz/organization.yaml
	ehr 3 ehr-authz -P P </dev/null
	has err 'no file with layer: organization'
}

@test "a directive that cannot be understood leaves its patient undecided, with a warning" {
	hospital
	sed -i 's/effect: deny/effect: forbid/' S/consents/ann.yaml
	printf '%s\n%s\n' "$request" "${request//ann/tom}" >in
	ehr 0 ehr-authz -P P -S S in
	has err 'ehr-authz: S/consents/ann.yaml:10:'
	has err 'consent-unreadable'
	[ "$(jq -r '.context | .decided_by + " " + .reason' out | head -n 1)" = 'consent consent-unreadable' ]
	sed -i 's/^patient: ann/patient: [ann]/' S/consents/ann.yaml
	ehr 3 ehr-authz -P P -S S in
	empty out
}

@test "directives as JSON and NDJSON decide as the same in YAML do" {
	hospital
	cp "$cases/hospital/requests.ndjson" in
	ehr 0 ehr-authz -P P --consents S/consents --facts S/facts.ndjson in
	jq -c 'del(.context.consents)' out >yaml
	cat >ann.json <<-'END'
		{"ehr_authz": 1, "consent": "c-ann", "patient": "ann", "status": "active", "date": "2026-02-11", "base": "permit",
		 "rules": [
		  {"id": "c-ann-1", "say": "Nobody sees my substance use data except those who treat me, and myself.", "effect": "deny",
		   "what": {"label": ["SUD"]}, "except": [{"who": {"relation": "treating"}}, {"same": [["subject.patient", "resource.patient"]]}]},
		  {"id": "c-ann-2", "say": "My sister Lara sees nothing but three documents, until the end of March.", "effect": "deny", "who": {"id": "lara"},
		   "rules": [{"id": "c-ann-2a", "say": "These three documents in March.", "effect": "permit",
		    "what": {"instance": ["Composition/1", "Composition/2", "DiagnosticReport/9"]},
		    "when": {"from": "2026-03-01T00:00:00Z", "until": "2026-04-01T00:00:00Z"}}]}]}
	END
	jq -c . ann.json >some.ndjson
	ehr 0 ehr-authz -P P --consents ann.json --consents S/consents/tom.yaml --consents S/consents/eve.yaml --facts S/facts.ndjson in
	jq -c 'del(.context.consents)' out | cmp - yaml
	ehr 0 ehr-authz -P P --consents some.ndjson --consents S/consents/tom.yaml --consents S/consents/eve.yaml --facts S/facts.ndjson in
	jq -c 'del(.context.consents)' out | cmp - yaml
	echo x >S/consents/readme.txt
	ehr 3 ehr-authz -P P -S S in
	has err 'S/consents/readme.txt'
}

@test "facts: what is wrong is named by line and byte, and no value of it" {
	hospital
	fault() {
		echo "$1" >facts.ndjson
		ehr 3 ehr-authz -P P --facts facts.ndjson </dev/null
		same err <<-END
			ehr-authz: facts.ndjson:1:$2
		END
	}
	fault '{"fact":"f","relation":"loves","subject":"a","patient":"b"}' '24: unknown relation'
	fault '{"fact":"f","relation":"treating","subject":"a","patient":"b"}' "1: missing member 'until', which this relation requires"
	fault '{"fact":"f","relation":"relative","subject":"a","object":"b"}' "1: missing member 'patient'"
	fault '{"fact":"f","relation":"relative","subject":"a","patient":"b","from":"2026"}' '70: expected a date-time with offset, such as 2026-03-01T00:00:00Z'
	known='expected fact, relation, subject, domain, patient, object, from, until, by, at or decision'
	fault '{"fact":"f","relation":"relative","subject":"a","patient":"b","Until":"2026-03-01T00:00:00Z"}' "63: unknown member, $known"
	fault '{"fact":"f","relation":"relative","subject":"a","patient":"b","until ":"2026-03-01T00:00:00Z"}' "63: unknown member, $known"
	fault '{"end":"f","at":"2026-03-01T00:00:00Z","until":"2026-02-01T00:00:00Z"}' '40: unknown member, expected end, at, by or decision'
	fault '{"end":"f","at":"2026-03-01T00:00:00Z"}' '8: the end of a fact that is not there'
	fault '{"fact":"f"' '12: input ends inside a value'
}

@test "the order of rules, directives and facts changes no byte of any decision" {
	hospital
	cp "$cases/hospital/requests.ndjson" in
	ehr 0 ehr-authz -P P -S S in
	jq -c 'del(.context.policy, .context.consents, .context.facts)' out >first
	tac S/facts.ndjson >facts.ndjson
	awk '/^rules:/ { print; rules = 1; next } rules && /^  - / { n++ } rules { r[n] = r[n] $0 "\n"; next } { print }
		END { for (i = n; i > 0; i--) printf "%s", r[i] }' P/authz/organization.yaml >organization.yaml
	[ "$(wc -l <organization.yaml)" -eq "$(wc -l <P/authz/organization.yaml)" ]
	mv organization.yaml P/authz/house.yaml
	rm P/authz/organization.yaml
	ehr 0 ehr-authz -P P --consents S/consents/tom.yaml --consents S/consents/eve.yaml --consents S/consents/ann.yaml --facts facts.ndjson in
	jq -c 'del(.context.policy, .context.consents, .context.facts)' out | cmp - first
}

@test "use case 1.0.7: for ladders of 2, 7 and 16 levels a level is given exactly where its AL suffices" {
	for count in 2 7 16; do
		rm -rf P
		mkdir -p P/authz
		{
			printf 'policy: 1\nname: ladder\nserial: 1\nlevels:\n'
			for ((i = 0; i < count; i++)); do echo "  - {name: L$i, al: $((3 * i + 1))}"; done
		} >P/policy.yaml
		cat >P/authz/house.yaml <<-'END'
			ehr_authz: 1
			layer: organization
			default: deny
			no_consent: ignore
			rules:
			  - {id: all, say: All may read., effect: permit, does: [read]}
		END
		{
			printf 'ehr_authz: 1\nclearances:\n'
			for ((al = 0; al < 50; al++)); do echo "  - {who: {id: u$al}, al: $al}"; done
		} >P/authz/clearances.yaml
		for ((al = 0; al < 50; al++)); do
			echo "{\"subject\":{\"type\":\"user\",\"id\":\"u$al\"},\"action\":{\"name\":\"read\"},\"resource\":{\"type\":\"t\",\"id\":\"i\"}}"
		done >in
		ehr 0 ehr-authz -P P in
		jq -r '[.decision, .context.rl // "-"] | join(" ")' out >got
		for ((al = 0; al < 50; al++)); do
			level=$((al < 1 ? -1 : (al - 1) / 3))
			[ "$level" -lt "$count" ] || level=$((count - 1))
			[ "$level" -lt 0 ] && echo 'false -' || echo "true L$level"
		done | same got
	done
}

@test "an unfinished last line of facts, register, used commands or directives is refused" {
	hospital
	head -n 1 "$cases/hospital/requests.ndjson" >in
	cp S/facts.ndjson facts
	cp "$cases/hospital/entities.ndjson" entities
	jq -c '{device: .resource.id, id: "AAAAAAAAAAAAAAAAAAAAAA"}' in >used
	jq -nc '{ehr_authz: 1, consent: "c-zoe", patient: "zoe", status: "active", base: "permit"}' >consents.ndjson
	for file in facts entities used consents.ndjson; do
		option="--${file%.ndjson}"
		size=$(wc -c <"$file")
		last=$(tail -n 1 "$file" | wc -c)
		ehr 0 ehr-authz -P P "$option" "$file" in
		# Without its newline the line may be whole; its writer does not say so.
		for cut in 1 2 $((last / 2)) $((last - 1)); do
			head -c $((size - cut)) "$file" >part.ndjson
			ehr 3 ehr-authz -P P "$option" part.ndjson in
			empty out
			has err "part.ndjson:$(wc -l <"$file"):$((last - cut + 1)): the last line is unfinished"
		done
		head -c $((size - last)) "$file" >part.ndjson
		ehr 0 ehr-authz -P P "$option" part.ndjson in
		printf '\n  ' >>part.ndjson
		ehr 0 ehr-authz -P P "$option" part.ndjson in
	done
}

@test "whoever breaks the glass is known: obligations also where the patient had consented" {
	hospital
	glass='[{"action":"notify","rule":"H-4","to":"privacy-officer","topic":"H-4","body":"Breaking the glass opens a record against the patient'"'"'s wishes for four hours."},{"action":"audit","rule":"H-4","level":"high"},{"action":"expire","rule":"H-4","after":"4h","at":"2026-03-02T13:00:00Z"}]'
	printf 'ehr_authz: 1\nconsent: c-ann\npatient: ann\nstatus: active\nbase: permit\n' >S/consents/ann.yaml
	echo "${request/TREAT\",/BTG\",\"justification\":\"unconscious\",}" | sed 's/dr-lee/dr-eva/' >in
	for P in P "$EHR_ROOT/policies/hospital"; do
		ehr 0 ehr-authz -P "$P" -S S in
		[ "$(jq -c '[.decision, .context.decided_by, .context.reason, .context.al, .context.valid_until]' out)" = '[true,"consent","permitted",5,"2026-03-02T13:00:00Z"]' ]
		[ "$(obligations)" = "$glass" ]
	done
	# The same purpose beside another: the glass is broken, too.
	sed 's/"purpose":"BTG"/"purpose":["TREAT","BTG"]/' in >two
	ehr 0 ehr-authz -P P -S S two
	[ "$(obligations)" = "$glass" ]
	# Without the purpose nothing is broken, and a denial obliges to nothing of it.
	sed 's/"BTG"/"ETREAT"/' in >two
	ehr 0 ehr-authz -P P -S S two
	[ "$(jq -c '[.decision, .context.obligations]' out)" = '[false,[]]' ]
}

@test "breaking the glass releases no keys, subscribes to nothing and sends no command" {
	hospital
	jq -c '.subject = {type: "user", id: "dr-eva", properties: {domain: "hospital", structural_role: "radiologist"}} |
		.context += {purpose: "BTG", justification: "unconscious"}' <(grep -F '"id": "release of level keys"' "$cases/hospital/requests.ndjson") >in
	jq -c '.context.purpose = ["TREAT", "BTG"]' in >>in2
	jq -c 'del(.context.purpose)' in >>in2
	jq -c '.context.purpose = "TREAT" | .subject.properties.structural_role = "physician"' in >>in2
	cat in2 >>in
	for P in P "$EHR_ROOT/policies/hospital"; do
		ehr 0 ehr-authz -P "$P" -S S in
		jq -c '[.decision, .context.reason, .context.al]' out >got
		same got <<-'END'
			[false,"default-deny",null]
			[false,"default-deny",null]
			[false,"missing-attribute",null]
			[true,"permitted",4]
		END
	done
	# What a rule for treatment gives to BTG, it gives at the level that treatment has.
	echo "${request/TREAT\",/BTG\",\"justification\":\"x\",}" | sed 's/"name":"read"/"name":"subscribe"/' >in
	ehr 0 ehr-authz -P P -S S in
	[ "$(jq .decision out)" = false ]
}

@test "many directives of one patient: linear in them, to read and to decide" {
	hospital
	rm -r S/consents
	# Every kind: an unlimited one, a keep-only each, a redaction each, out of order.
	awk 'BEGIN { for (i = 4000; i > 0; i--) {
		more = i % 3 == 0 ? "" : i % 3 == 1 ? sprintf(",\"what\":{\"instance\":[\"Media/1\",\"Media/%d\"]}", i) : sprintf(",\"rules\":[{\"id\":\"r-%d\",\"say\":\"No.\",\"effect\":\"deny\",\"what\":{\"code\":[\"urn:x|c%d\"]}}]", i, i)
		printf "{\"ehr_authz\":1,\"consent\":\"c-%d\",\"patient\":\"ann\",\"status\":\"active\",\"base\":\"permit\"%s}\n", i, more } }' >many.ndjson
	narrowed '"class":"Observation"' >in
	for _ in $(seq 99); do echo "$request"; done >>in
	# A quadratic look at 4,000 directives takes a minute; this takes a second.
	timeout 30 ehr-authz -P P --facts S/facts.ndjson --consents many.ndjson in >out
	[ "$(jq -c '[.decision, (.context.layers[] | select(.layer == "consent") | .rules | length, (. == sort)), (.context.obligations | length)]' out | uniq -c | awk '{ print $1, $2 }')" = '1 [true,5333,true,2668]
99 [true,5333,true,2667]' ]
	head -n 1 many.ndjson >>many.ndjson
	ehr 0 ehr-authz -P P --facts S/facts.ndjson --consents many.ndjson in
	[ "$(jq -r .context.reason out | sort -u)" = consent-unreadable ]
	has err 'many.ndjson:4001:'
	has err 'a directive that is there twice for its patient'
}

@test "-v counts decisions" {
	hospital
	printf '%s\n%s\n' "$request" "${request/TREAT/HMARKT}" >in
	ehr 0 ehr-authz -P P -S S -v in
	has err '2 read, 2 written, 0 refused, 1 permitted, 1 denied'
}

@test "what cannot be read ends with 4" {
	hospital
	ehr 4 ehr-authz -P P --facts nowhere </dev/null
	has err 'ehr-authz: nowhere: No such file or directory'
	ehr 4 ehr-authz -P P --consents nowhere </dev/null
	has err 'ehr-authz: nowhere: No such file or directory'
	ehr 2 ehr-authz </dev/null
	has err "needs --policy DIR (try ehr-authz --help)"
}

@test "a site that is not there or no directory ends with 4" {
	hospital
	echo "$request" >in
	: >file
	for site in sitte S/sitte S/consents/ann.yaml file; do
		ehr 4 ehr-authz -P P -S "$site" in
		has err "ehr-authz: $site: No"
		empty out
		ehr 4 ehr-authz -P P -S "$site" --consents S/consents --facts S/facts.ndjson in
		empty out
	done
}

@test "a FIFO or device in place of a file is said" {
	hospital
	mkfifo pipe
	for option in --facts --entities --used --consents; do
		for path in pipe /dev/null; do
			ehr 4 ehr-authz -P P "$option" "$path" </dev/null
			same err <<<"ehr-authz: $path: not a regular file"
		done
	done
}

@test "a refused request can go to quarantine, with the policy's digest" {
	hospital
	echo '{"subject":7}' >in
	ehr 1 ehr-authz -P P -S S --on-error quarantine --quarantine q --max-refused 5 --max-record 1M --max-depth 9 --progress in
	[ "$(jq -r .ehr.reason q)" = bad-request ]
}

@test "whichever read or write fails, it ends with 4 and says so" {
	# LD_PRELOAD and sanitizers do not go together: this is the matter of the plain run.
	native || return 0
	hospital
	head -n 3 "$cases/hospital/requests.ndjson" >in
	for call in read write; do
		torture "$call" ehr-authz -P P -S S
		[ "$faults" -ge 1 ]
	done
	line 4 'ehr-authz -P P -S S in >/dev/full'
}

@test "scope of practice: what the law of the place denies a profession, no breaking of the glass and no consent gives it" {
	hospital
	printf 'ehr_authz: 1\nconsent: c-ann\npatient: ann\nstatus: active\nbase: permit\nacknowledges: [H-3]\n' >S/consents/ann.yaml
	cat >>P/authz/jurisdiction.yaml <<-'END'
		  - {id: J-9, say: Only physicians and pharmacists handle prescriptions here., effect: deny,
		     who: {structural_role: {not: [physician, pharmacist]}}, what: {class: [MedicationRequest]}}
	END
	for role in physician radiologist; do
		for purpose in TREAT 'BTG","justification":"unconscious'; do
			narrowed '"class":"MedicationRequest"' | sed "s/\"structural_role\":\"physician\"/\"structural_role\":\"$role\"/; s/\"TREAT\"/\"$purpose\"/"
		done
	done >in
	ehr 0 ehr-authz -P P -S S in
	jq -c '[.decision, .context.decided_by, .context.reason]' out >got
	same got <<-'END'
		[true,"consent","permitted"]
		[true,"consent","permitted"]
		[false,"jurisdiction","deny-rule"]
		[false,"jurisdiction","deny-rule"]
	END
}

@test "each line has an answer, an empty one, too: whoever counts lines does not give one the answer of another" {
	hospital
	printf '\n%s\r\n \t\n\r\n{}\n%s\n\n' "$request" "$request" >in
	ehr 1 ehr-authz -P P -S S --on-error skip in
	digest=sha256:$(printf %s "$request" | sha256sum | cut -d' ' -f1)
	[ "$(jq -r '.context.error.status // .context.request' out | tr '\n' ' ')" = "400 $digest 400 400 400 $digest 400 " ]
	has err 'in:5: '
	# One that stops stops here, and what was never sent has no answer.
	printf '\n%s\n' "$request" >in
	ehr 5 ehr-authz -P P -S S in
	[ "$(jq -c '[.decision, .context.error.status]' out)" = '[false,400]' ]
	has err 'in:1: '
	ehr 0 ehr-authz -P P -S S /dev/null
	empty out
	# The mark at the beginning is part of no line; with it alone there is still a line.
	printf '\357\273\277\n%s' "$request" >in
	ehr 1 ehr-authz -P P -S S --on-error skip in
	[ "$(jq -r '.context.error.status // .context.request' out | tr '\n' ' ')" = "400 $digest " ]
}
