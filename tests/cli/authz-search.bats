bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/authz

# The hospital with a register.  `asked`: the request of dr-lee, whose attributes the register knows.
registered() {
	hospital
	cat >S/entities.ndjson <<-'END'
		{"type":"user","id":"ph-eva","properties":{"domain":"hospital","structural_role":"pharmacist"}}
		{"type":"user","id":"dr-lee","properties":{"domain":"hospital","structural_role":"physician"}}
		{"type":"user","id":"nurse-kim","properties":{"domain":"hospital","structural_role":"nurse","functional_role":"nurse","permissions":["PRD-006"],"ward":"3"}}
		{"type":"device","id":"pump-3","properties":{"domain":"hospital"}}
		{"type":"patient","id":"ann","properties":{"domain":"hospital","patient":"ann","ward":"3"}}
		{"type":"patient","id":"eve","properties":{"domain":"hospital","patient":"eve","ward":"3"}}
	END
	asked='{"id":"q","subject":{"type":"user","id":"dr-lee"},"action":{"name":"read"},"resource":{"type":"patient","id":"ann"},"context":{"purpose":"TREAT","time":"2026-03-02T09:00:00Z","acr":"loa3","route":"on-site","location":"ward-3"}}'
}

found() {
	sed -e 's/"sha256:[0-9a-f]*"/"DIGEST"/g' out
}

@test "--search subject: whoever of the register would be permitted, in the order of ids, and how far" {
	registered
	echo "$asked" >in
	ehr 0 ehr-authz -P P -S S --search subject in
	found >got
	same got <<-'END'
		{"results":[{"type":"user","id":"dr-lee","context":{"al":5,"rl":"V","assessed_al":5,"obligations":[],"valid_until":"2026-03-15T08:00:00Z"}},{"type":"user","id":"nurse-kim","context":{"al":3,"rl":"N","assessed_al":3,"obligations":[{"id":"ob-1","type":"custom","properties":{"vendor":"ehr","action":"level","rl":"N","al":3}},{"id":"ob-2","type":"custom","properties":{"vendor":"ehr","action":"redact","rule":"c-ann-1","label":["SUD"]}}],"valid_until":"2026-04-01T00:00:00Z"}}],"context":{"id":"q","request":"DIGEST","time":"2026-03-02T09:00:00Z","policy":"DIGEST","consents":"DIGEST","facts":"DIGEST","entities":"DIGEST"}}
	END
	ehr 0 ehr-authz -P P -S S --search subject --public in
	found >got
	same got <<-'END'
		{"results":[{"type":"user","id":"dr-lee","context":{"al":5,"rl":"V","obligations":[],"valid_until":"2026-03-15T08:00:00Z"}},{"type":"user","id":"nurse-kim","context":{"al":3,"rl":"N","obligations":[{"id":"ob-1","type":"custom","properties":{"vendor":"ehr","action":"level","rl":"N","al":3}},{"id":"ob-2","type":"custom","properties":{"vendor":"ehr","action":"redact","label":["SUD"]}}],"valid_until":"2026-04-01T00:00:00Z"}}],"context":{"id":"q","request":"DIGEST","time":"2026-03-02T09:00:00Z"}}
	END
	empty err
}

@test "--search resource and action: a given id is ignored, and an action need not be there" {
	registered
	echo "$asked" | sed 's/"ann"/7/' >in
	ehr 0 ehr-authz -P P -S S --search resource in
	[ "$(jq -c '[.results[] | [.type, .id]]' out)" = '[["patient","ann"]]' ]
	echo "$asked" | sed 's/"action":{"name":"read"},//' >in
	ehr 0 ehr-authz -P P -S S --search action in
	jq -c '[.results[].name]' out >got
	same got <<-'END'
		["access","notify","read","search","subscribe"]
	END
}

@test "what a search finds is what is permitted one by one" {
	registered
	for id in dr-lee nurse-kim ph-eva; do
		echo "$asked" | sed "s/dr-lee/$id/"
	done >in
	ehr 0 ehr-authz -P P -S S in
	jq -r 'select(.decision) | .context.about.subject' out >one
	echo "$asked" >in
	ehr 0 ehr-authz -P P -S S --search subject in
	jq -r '.results[].id' out | same one
	echo "$asked" >in
	ehr 0 ehr-authz -P P -S S --search action in
	jq -r '.results[].name' out >names
	while read -r name; do echo "${asked/\"read\"/\"$name\"}"; done <names >in
	ehr 0 ehr-authz -P P -S S in
	[ "$(jq .decision out | sort -u)" = true ]
}

@test "a search in pages: each result once, and the last page has an empty token" {
	registered
	echo "$asked" >in
	ehr 0 ehr-authz -P P -S S --search action in
	jq -c '.results[]' out >whole
	: >paged
	token=
	for page in 1 2 3 4 5; do
		echo "${asked%\}},\"page\":{\"limit\":2,\"token\":\"$token\"}}" | sed 's/,"token":""//' >in
		ehr 0 ehr-authz -P P -S S --search action in
		jq -c '.results[]' out >>paged
		token=$(jq -r .page.next_token out)
		[ -n "$token" ] || break
	done
	[ "$page" -eq 3 ]
	same paged <whole
	[ "$(jq -c .page out)" = '{"next_token":"","count":1}' ]
}

@test "a search for a type that the register does not have, or without a register, finds nothing" {
	registered
	echo "${asked/\"user\"/\"robot\"}" >in
	ehr 0 ehr-authz -P P -S S --search subject in
	[ "$(jq -c .results out)" = '[]' ]
	echo "${asked/\"user\"/\"\"}" >in
	ehr 0 ehr-authz -P P -S S --search subject in
	[ "$(jq -c .results out)" = '[]' ]
	rm S/entities.ndjson
	echo "$asked" >in
	ehr 7 ehr-authz -P P -S S --search subject --exit-status in
	[ "$(jq -c .results out)" = '[]' ]
}

@test "an ill-formed search has its answer, and the next line its own" {
	registered
	{
		echo "${asked/\"type\":\"user\",/}"
		echo "${asked/\"resource\"/\"source\"}"
		echo "${asked%\}},\"page\":[]}"
		echo "${asked%\}},\"page\":{\"limit\":0}}"
		echo "${asked%\}},\"page\":{\"limit\":1.5}}"
		echo "${asked%\}},\"page\":{\"token\":\"=\"}}"
		echo "$asked"
	} >in
	ehr 1 ehr-authz -P P -S S --search subject --on-error skip in
	jq -c '[.decision, .context.id, .context.error.message, (.results | length)]' out >got
	same got <<-'END'
		[false,"q","missing subject.type",0]
		[false,"q","missing resource",0]
		[false,"q","page is not an object",0]
		[false,"q","page.limit is not a number from 1 to 999999999",0]
		[false,"q","page.limit is not a number from 1 to 999999999",0]
		[false,"q","page.token is not from an answer",0]
		[null,"q",null,2]
	END
	ehr 2 ehr-authz -P P --search subjects in
	has err 'ehr-authz: --search: '
}

@test "a search uses no command id up" {
	registered
	echo '{"subject":{"type":"user","id":"dr-lee","properties":{"permissions":["POE-012"]}},"action":{"name":"send-command","properties":{"command":"set-dose","id":"hT7uP2w9Qe4rLx5zVb8nMk","issued":"2026-03-02T08:59:30Z","approved_by":["ph-eva"]}},"resource":{"type":"device","id":"pump-3","properties":{"patient":"ann"}},"context":{"purpose":"TREAT","time":"2026-03-02T09:00:00Z","acr":"loa3","route":"on-site","location":"ward-3"}}' >in
	cat in in >twice
	ehr 0 ehr-authz -P P -S S --search subject twice
	[ "$(jq -c '[.results[].id]' out)" = '["dr-lee"]
["dr-lee"]' ]
	ehr 0 ehr-authz -P P -S S twice
	[ "$(jq -c '[.decision, .context.reason]' out)" = '[true,"permitted"]
[false,"command-replay"]' ]
}

@test "--explain: the permits that lack one criterion, else those that lack the fewest" {
	registered
	echo "$asked" | sed 's/dr-lee/nurse-kim/; s/on-site/home/' >in
	ehr 0 ehr-authz -P P -S S --explain in
	jq -c '.context.layers[1]' out >got
	same got <<-'END'
		{"layer":"organization","domain":"hospital","result":"Deny","rules":[],"default":true,"reason":"default-deny","near_miss":[{"rule":"H-10","missing":["subject.on_behalf_of"]}],"would_permit":[{"rule":"H-10","lacks":[{"relation":["delegate-of"],"to":"subject.on_behalf_of","is":"missing"}]},{"rule":"H-2","lacks":[{"attribute":"context.route","any":["on-site","ward-network"],"is":"false"}]}]}
	END
	ehr 0 ehr-authz -P P -S S in
	[ "$(jq -c '.context.layers[1] | has("would_permit")' out)" = false ]
	mkdir -p Q/authz
	cp P/policy.yaml Q
	printf '%s\n' 'ehr_authz: 1' 'structural_roles: [nurse]' 'acr: [loa1, loa2]' 'relations: {treating: {object: patient}}' >Q/authz/roles.yaml
	cat >Q/authz/house.yaml <<-'END'
		ehr_authz: 1
		layer: organization
		default: deny
		no_consent: permit
		rules:
		  - {id: a, say: A., effect: permit, who: {relation: treating}, where: {acr: {at_least: loa2}, route: {not: [home]}}}
		  - {id: b, say: B., effect: permit, why: [TREAT], where: {justification: {present: true}}, when: {from: 2027-01-01T00:00:00Z}, except: [{who: {structural_role: nurse}}, {why: [BTG]}]}
		  - {id: c, say: C., effect: permit, who: {structural_role: {all: [nurse]}}, same: [[subject.patient, resource.patient]], what: {class: Claim}}
		  - {id: d, say: D., effect: deny, who: {id: nobody}}
	END
	echo '{"subject":{"type":"user","id":"x","properties":{"structural_role":"nurse"}},"action":{"name":"read"},"resource":{"type":"patient","id":"p","properties":{"patient":"p","class":"Observation"}},"context":{"purpose":"TREAT","acr":"loa1","route":"home","time":"2026-03-02T09:00:00Z"}}' >in
	ehr 0 ehr-authz -P Q --explain in
	jq -c '.context.layers[0]' out >got
	same got <<-'END'
		{"layer":"organization","result":"Deny","rules":[],"default":true,"reason":"default-deny","nearest":[{"rule":"c","lacks":[{"class":["Claim"],"is":"false"},{"same":["subject.patient","resource.patient"],"is":"missing"}]}]}
	END
	sed -i '/id: c/d' Q/authz/house.yaml
	ehr 0 ehr-authz -P Q --explain in
	jq -c '.context.layers[0].nearest' out >got
	same got <<-'END'
		[{"rule":"a","lacks":[{"attribute":"context.route","not":["home"],"is":"false"},{"relation":["treating"],"to":"resource.patient","is":"false"},{"attribute":"context.acr","at_least":"loa2","is":"false"}]},{"rule":"b","lacks":[{"attribute":"context.time","from":"2027-01-01T00:00:00Z","is":"false"},{"attribute":"context.justification","present":true,"is":"false"},{"except":1,"is":"true"}]}]
	END
	ehr 2 ehr-authz -P Q --explain --public in
	has err "ehr-authz: not together with --public: '--explain'"
}

@test "--explain: what a directive that denies by its base would permit" {
	hospital
	cat >S/consents/ann.yaml <<-'END'
		ehr_authz: 1
		consent: c-ann
		patient: ann
		status: active
		base: deny
		rules:
		  - {id: c-ann-1, say: Dr. Kim may read it., effect: permit, who: {id: dr-kim}}
		  - {id: c-ann-2, say: Not Nurse Berg., effect: deny, who: {id: nurse-berg}}
	END
	echo "$request" >in
	ehr 0 ehr-authz -P P -S S --explain in
	jq -c '.context.layers[2]' out >got
	same got <<-'END'
		{"layer":"consent","result":"Deny","rules":["c-ann"],"reason":"consent-deny","would_permit":[{"rule":"c-ann-1","lacks":[{"attribute":"subject.id","any":["dr-kim"],"is":"false"}]}]}
	END
	echo "${request/dr-lee/nurse-berg}" >in
	ehr 0 ehr-authz -P P -S S --explain in
	[ "$(jq -c '.context.layers[2] | has("would_permit")' out)" = false ]
}

@test "--only outbound: the requester's own gateway asks for its own policy alone" {
	mkdir -p P/authz
	cp "$cases/policy.yaml" P
	cp "$cases/literal/01/policies/roles.yaml" P/authz
	cp "$cases/literal/01/policies/"a-*.yaml P/authz
	head -1 "$cases/literal/01/requests.ndjson" >in
	ehr 3 ehr-authz -P P in
	has err 'P/authz: no file with layer: organization, so nothing could be permitted'
	ehr 0 ehr-authz -P P --only outbound in
	found >got
	same got <<-'END'
		{"decision":true,"context":{"id":"emergency treatment","request":"DIGEST","about":{"request":"DIGEST","subject":"u1","action":"read","resource":{"type":"record","id":"p1"},"patient":"p1","purpose":["ETREAT"],"only":"outbound"},"decided_by":"outbound","reason":"permitted","layers":[{"layer":"outbound","domain":"A","result":"Permit","rules":["A-1"]}],"obligations":[],"reason_user":{"en":"Allowed."},"reason_admin":{"en":"A-1: Radiologists may ask Domain B."},"time":"2026-03-02T09:00:00Z","policy":"DIGEST"}}
	END
	cp out decision
	echo '{"v":1,"ehr":{"stage":"labelled"}}' >nothing
	ehr 7 ehr-redact -P "$EHR_ROOT/policies/hospital" --level V --decision decision --now 2026-03-02T09:00:00Z nothing
	has err "the decision is that of the requester's own domain alone"
	empty out
	ehr 7 ehr-select -P "$EHR_ROOT/policies/hospital" --decision decision --now 2026-03-02T09:00:00Z nothing
	has err "the decision is that of the requester's own domain alone"
	sed 's/radiologist/nurse/g' in >other
	ehr 7 ehr-authz -P P --only outbound --exit-status other
	sed 's/"domain":"B"/"domain":"A"/; s/"domain": "B"/"domain": "A"/' in >other
	ehr 0 ehr-authz -P P --only outbound other
	[ "$(jq -c '[.decision, .context.decided_by, .context.reason]' out)" = '[false,"outbound","not-outbound"]' ]
	sed 's/"domain": *"A",*//' in >other
	ehr 0 ehr-authz -P P --only outbound other
	[ "$(jq -c '[.decision, .context.decided_by, .context.reason]' out)" = '[false,"outbound","missing-attribute"]' ]
	rm P/authz/a-*
	ehr 3 ehr-authz -P P --only outbound in
	has err 'P/authz: no file with layer: outbound, so nothing could be permitted'
	ehr 2 ehr-authz -P P --only consent in
}

@test "--metadata writes what a service in front of the program says of itself" {
	ehr 0 ehr-authz --metadata https://pdp.example.org/ehr
	same out <<-'END'
		{"policy_decision_point":"https://pdp.example.org/ehr","access_evaluation_endpoint":"https://pdp.example.org/ehr/access/v1/evaluation","access_evaluations_endpoint":"https://pdp.example.org/ehr/access/v1/evaluations","search_subject_endpoint":"https://pdp.example.org/ehr/access/v1/search/subject","search_resource_endpoint":"https://pdp.example.org/ehr/access/v1/search/resource","search_action_endpoint":"https://pdp.example.org/ehr/access/v1/search/action"}
	END
	for bad in http://pdp.example.org https:// https://pdp.example.org/ 'https://pdp.example.org?x' 'https://pdp.example.org#x' \
		https:///ehr https://eve@pdp.example.org $'https://pdp.example.org\n/ehr' 'https://pdp.example.org/"' https://pdp.exämple.org; do
		ehr 2 ehr-authz --metadata "$bad"
		empty out
	done
	ehr 2 ehr-authz --metadata https://pdp.example.org in
	run -4 --separate-stderr bash -c 'ehr-authz --metadata https://pdp.example.org >/dev/full'
}
