# Automated policy resolution: a directive blocks a doctor by name and acknowledges a rule of the house; the doctor declares
# that she treats the patient, and reads until the declaration ends.
bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/keys
load ../lib/authz

setup_file() {
	export LC_ALL=C TZ=UTC PATH="$EHR_BIN:$PATH" F="$BATS_FILE_TMPDIR"
	ehr-keys make -P "$EHR_ROOT/policies/hospital" -S "$F/site" --now 2026-02-01T00:00:00Z >/dev/null
}

# A house with B-3 in which licensed clinicians declare for five days at most, and Mr. Jones's directive.
setup() {
	export LC_ALL=C TZ=UTC PATH="$EHR_BIN:$PATH" F="$BATS_FILE_TMPDIR"
	cd "$BATS_TEST_TMPDIR" || return 1
	policy .
	sed -i 's/^  treating: .*/  treating: {object: patient, until: required, longest: 5d}\n  relative: {object: patient}/' P/authz/roles.yaml
	sed -i '/^no_consent:/a no_patient: [relation]' P/authz/b-organization.yaml
	cat >>P/authz/b-organization.yaml <<-'END'
		  - id: B-5
		    say: Licensed clinicians declare whom they treat.
		    effect: permit
		    who: {structural_role: licensed-clinician}
		    does: [declare-relation, end-relation]
		    what: {type: relation}
		    how: {relation: treating}
		    why: [TREAT]
	END
	printf 'ehr_authz: 1\nclearances: [{who: {structural_role: physician}, al: 5}]\n' >P/authz/clearances.yaml
	cp -r "$F/site" .
	mkdir -p site/consents
	cp "$cases/consents/sam.yaml" site/consents/
	at=2026-03-01T08:00:00Z
	until=2026-03-05T18:00:00Z
}

# asks ACTION TYPE [MORE]: Dr. Bob asks at $at; MORE is jq that changes the request.
asks() {
	jq -nc --arg at "$at" --arg action "$1" --arg type "$2" '{subject: {type: "user", id: "dr-bob", properties: {domain: "B", structural_role: "physician"}},
		action: {name: $action}, resource: {$type, id: "sam-jones", properties: {domain: "B", patient: "sam-jones"}},
		context: {purpose: "TREAT", time: $at}} | '"${3:-.}" | ehr-authz -P P -S site
}

# reads: his request to read, as a line of what the decision says.
reads() {
	asks read record >decision
	jq -c '[.decision, .context.decided_by, .context.reason, (.context.layers[] | select(.layer == "consent") | .result, .overridden_by), .context.valid_until]' decision
	jq -r '.context | .policy, .consents' decision >>digests
}

# declares STATUS [ARGS...]: what ehr-keys declare makes of the file `said`.
declares() {
	local want=$1
	shift
	ehr "$want" ehr-keys declare -P P -S site --decision said --now "$at" "$@"
}

says() {
	asks declare-relation relation ".action.properties = {relation: \"treating\", until: \"$until\"}${1:+ | $1}" >said
}

@test "denied before, permitted while he treats, denied at the end to the second; directive and policy stay as they are" {
	at=2026-02-20T09:00:00Z
	[ "$(reads)" = '[false,"consent","consent-deny","Deny",null,null]' ]
	at=2026-03-01T08:00:00Z
	[ "$(reads)" = '[false,"consent","consent-deny","Deny",null,null]' ]
	says
	declares 0
	at=2026-03-02T09:00:00Z
	[ "$(reads)" = '[true,"organization","consent-overridden","Deny",["B-3"],"2026-03-05T18:00:00Z"]' ]
	[ "$(jq -c '[.context.obligations[].properties | del(.vendor)]' decision)" = '[{"action":"audit","rule":"B-3","level":"high"}]' ]
	at=2026-03-05T17:59:59Z
	[ "$(reads)" = '[true,"organization","consent-overridden","Deny",["B-3"],"2026-03-05T18:00:00Z"]' ]
	at=2026-03-05T18:00:00Z
	[ "$(reads)" = '[false,"consent","consent-deny","Deny",null,null]' ]
	[ "$(sort -u digests | wc -l)" -eq 2 ]
	# Before the fact was written nothing was permitted.
	at=2026-03-01T07:59:59Z
	[ "$(reads)" = '[false,"consent","consent-deny","Deny",null,null]' ]
}

@test "a directive that does not acknowledge the rule, or a second one, is not overridden" {
	says
	declares 0
	at=2026-03-02T09:00:00Z
	cp site/consents/sam.yaml sam
	sed -i '/^acknowledges/d' site/consents/sam.yaml
	[ "$(reads)" = '[false,"consent","consent-deny","Deny",null,null]' ]
	cp sam site/consents/sam.yaml
	[ "$(reads)" = '[true,"organization","consent-overridden","Deny",["B-3"],"2026-03-05T18:00:00Z"]' ]
	sed '/^acknowledges/d; s/c-sam/c-sam2/' sam >site/consents/sam2.yaml
	[ "$(reads)" = '[false,"consent","consent-deny","Deny",null,null]' ]
}

@test "the decision and the fact, byte for byte" {
	says
	jq -c '.context | [.about | del(.request)], .al, .obligations, .valid_until, [.layers[].layer]' said >got
	same got <<-'END'
		[{"subject":"dr-bob","action":"declare-relation","resource":{"type":"relation","id":"sam-jones"},"patient":"sam-jones","purpose":["TREAT"],"relation":"treating","until":"2026-03-05T18:00:00Z"}]
		5
		[]
		"2026-03-05T18:00:00Z"
		["jurisdiction","organization","clearance"]
	END
	at=2026-03-01T08:10:00Z
	declares 0
	empty err
	cmp out site/facts.ndjson
	digest=sha256:$(head -c -1 said | sha256sum | cut -d' ' -f1)
	sed -E 's/"f-[0-9a-f]{22}"/"ID"/' out >got
	same got <<-END
		{"fact":"ID","relation":"treating","subject":"dr-bob","patient":"sam-jones","from":"2026-03-01T08:10:00Z","until":"2026-03-05T18:00:00Z","by":"dr-bob","at":"2026-03-01T08:10:00Z","decision":"$digest"}
	END
	# The same decision makes no second fact.
	declares 7
	has err decision-taken
	[ "$(wc -l <site/facts.ndjson)" -eq 1 ]
}

@test "a declaration that the policy does not allow is denied, each for its reason" {
	reason() { jq -r '[.decision, .context.decided_by, .context.reason] | join(" ")' said; }
	says
	[ "$(reason)" = 'true organization permitted' ]
	# To the second: five days and no more, and not over already.
	until=2026-03-06T08:00:00Z
	says
	[ "$(reason)" = 'true organization permitted' ]
	for until in 2026-03-06T08:00:01Z 2026-03-01T08:00:00Z 2026-02-28T08:00:00Z 2027-03-01T08:00:00Z 2026-03-05 '' soon; do
		says
		[ "$(reason)" = 'false request relation-until' ]
		declares 7
	done
	[ "$(jq -r .context.reason_admin.en said)" = 'The relation has no end, or one that is over or later than authz/roles.yaml allows.' ]
	until=2026-03-05T18:00:00Z
	for more in 'del(.action.properties.until)' '.action.properties.until = [.action.properties.until, .action.properties.until]' \
		'.action.properties.until = 1772733600' '.action.properties.until = null' 'del(.context.time)'; do
		says "$more"
		[ "$(reason)" = 'false request relation-until' ]
	done
	for name in '"relative"' '"Treating"' '"nobody"' '""' null '["treating","relative"]' 7; do
		says ".action.properties.relation = $name"
		[ "$(reason)" = 'false request unknown-relation' ]
	done
	says 'del(.resource.properties.patient)'
	[ "$(reason)" = 'false request relation-patient' ]
	says '.subject.properties.structural_role = "nurse"'
	[ "$(reason)" = 'false organization default-deny' ]
	says '.context.purpose = "HOPERAT"'
	[ "$(reason)" = 'false organization default-deny' ]
	declares 7
	[ ! -s site/facts.ndjson ]
}

@test "he ends it earlier, and only what is his own" {
	echo '{"fact":"t-1","relation":"treating","subject":"dr-kim","patient":"sam-jones","from":"2026-03-01T00:00:00Z","until":"2026-03-09T00:00:00Z"}' >site/facts.ndjson
	says
	declares 0
	id=$(jq -c .fact out)
	at=2026-03-03T12:00:00Z
	asks end-relation relation '.action.properties.relation = "treating"' >said
	# A decision to end one is none to declare it.
	declares 7
	has err 'decision-denied: it is about another action'
	declares 0 --end
	empty err
	digest=sha256:$(head -c -1 said | sha256sum | cut -d' ' -f1)
	echo "{\"end\":$id,\"at\":\"2026-03-03T12:00:00Z\",\"by\":\"dr-bob\",\"decision\":\"$digest\"}" | cmp - out
	tail -n 1 site/facts.ndjson | cmp - out
	at=2026-03-03T11:59:59Z
	[ "$(reads)" = '[true,"organization","consent-overridden","Deny",["B-3"],"2026-03-03T12:00:00Z"]' ]
	at=2026-03-03T12:00:00Z
	[ "$(reads)" = '[false,"consent","consent-deny","Deny",null,null]' ]
	# Nothing is left to end of somebody who declared nothing.
	asks end-relation relation '.action.properties.relation = "treating" | .subject.id = "dr-eva"' >said
	declares 7 --end
	has err 'decision-denied: there is no such relation to end'
}

@test "declare carries out no other decision: stale, of another policy, of somebody revoked, unsigned, about something else" {
	says
	at=2026-03-01T08:15:01Z
	declares 7
	has err decision-stale
	at=2026-03-01T08:00:00Z
	cp -r P P2
	echo >>P/authz/roles.yaml
	declares 7
	has err 'decision-denied: it was made under another policy'
	rm -r P && mv P2 P
	asks read record '.subject.id = "dr-eva"' >said2
	mv said good
	mv said2 said
	declares 7
	has err 'decision-denied: it is about another action'
	mv good said
	cp -r site clean
	ehr-keys signer --domain B key.pem >site/deciders.jwks
	declares 7
	has err decision-unsigned
	rm site/deciders.jwks
	ehr-keys revoke -S site --party dr-bob --now "$at" >/dev/null
	declares 7
	has err party-revoked
	[ ! -s site/facts.ndjson ]
	rm -r site && mv clean site
	# What a run that was killed left is cut off, and said.
	printf '{"fact":"t-1","rel' >site/facts.ndjson
	declares 0
	has err 'facts.ndjson: an unfinished last line of 18 bytes is cut off, left by a run that was killed'
	cmp out site/facts.ndjson
	ehr 2 ehr-keys declare -P P -S site --now "$at"
	ehr 2 ehr-keys declare -P P --decision said --now "$at"
}
