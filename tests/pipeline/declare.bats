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

@test "half a line that a killed run left does not count, and the next declaration or end cuts it off" {
	local line size request told="site/facts.ndjson: the last line is unfinished and does not count"
	says
	declares 0
	cp site/facts.ndjson whole
	at=2026-03-02T09:00:00Z
	asks read record >decisions
	request=$(jq -nc --arg at "$at" '{subject: {type: "user", id: "dr-bob", properties: {domain: "B", structural_role: "physician"}},
		action: {name: "read"}, resource: {type: "record", id: "sam-jones", properties: {domain: "B", patient: "sam-jones"}},
		context: {purpose: "TREAT", time: $at}}')
	echo "$request" >request
	# A further fact, and an end of the one that is there.
	sed 's/^{"fact":"f-./{"fact":"f-x/' whole >further
	jq -c '{end: .fact, at, by, decision}' whole >>further
	while read -r line; do
		for size in 1 9 18 $((${#line} / 2)) $((${#line} - 1)); do
			cp whole site/facts.ndjson
			printf '%s' "${line:0:size}" >>site/facts.ndjson
			ehr 0 ehr-authz -P P -S site request
			same err <<<"ehr-authz: $told"
			jq -c 'del(.context.facts, .context.id)' out >got
			jq -c 'del(.context.facts, .context.id)' decisions | same got
		done
		ehr 0 ehr-policy explain --request request -P P -S site
		has err "$told"
		ehr 0 ehr-policy replay -P P -S site request decisions
		has err "$told"
		ehr 3 ehr-authz -P P --facts site/facts.ndjson request
		has err 'site/facts.ndjson:2:'
		ehr 0 ehr-policy check -P "$EHR_ROOT/policies/hospital" -S site
		has err 'site/facts.ndjson: warning: unfinished-line: the last line'
		# A whole line without its newline may be by hand: an end would be lost.
		cp whole site/facts.ndjson
		printf '%s' "$line" >>site/facts.ndjson
		ehr 3 ehr-authz -P P -S site request
		has err "site/facts.ndjson:2:$((${#line} + 1)): the last line is unfinished: its writer is not done or was killed; finish it with a newline, or cut it off"
	done <further
	cp whole site/facts.ndjson
	printf '{"end":"f-' >>site/facts.ndjson
	asks end-relation relation '.action.properties.relation = "treating"' >said 2>err
	same err <<<"ehr-authz: $told"
	declares 0 --end
	same err <<<'ehr-keys: facts.ndjson: an unfinished last line of 10 bytes is cut off, left by a run that was killed'
	cat whole out | cmp - site/facts.ndjson
	cp site/facts.ndjson whole
	printf '{"fact":"f-' >>site/facts.ndjson
	says 2>err
	same err <<<"ehr-authz: $told"
	declares 0
	same err <<<'ehr-keys: facts.ndjson: an unfinished last line of 11 bytes is cut off, left by a run that was killed'
	cat whole out | cmp - site/facts.ndjson
	ehr 0 ehr-authz -P P -S site request
	empty err
}

@test "the decision and the fact, byte for byte" {
	says
	jq -c '.context | [.about | del(.request)], .al, .obligations, .valid_until, [.layers[].layer]' said >got
	same got <<-'END'
		[{"subject":"dr-bob","action":"declare-relation","resource":{"type":"relation","id":"sam-jones"},"patient":"sam-jones","purpose":["TREAT"],"domain":"B","relation":"treating","until":"2026-03-05T18:00:00Z"}]
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
		{"fact":"ID","relation":"treating","subject":"dr-bob","domain":"B","patient":"sam-jones","from":"2026-03-01T08:10:00Z","until":"2026-03-05T18:00:00Z","by":"dr-bob","at":"2026-03-01T08:10:00Z","decision":"$digest"}
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

@test "what one domain's doctor declares is not believed of another's of the same id, and neither ends what is the other's" {
	local of_a='.subject.properties.domain = "A"'
	sed -i 's/^trusts: .*/trusts: [{domain: A, outbound: elsewhere, structural_role: [physician]}]/' P/authz/b-organization.yaml
	says "$of_a"
	declares 0
	[ "$(jq -r '[.subject, .domain] | join(" ")' out)" = 'dr-bob A' ]
	[ "$(reads)" = '[false,"consent","consent-deny","Deny",null,null]' ]
	asks read record "$of_a" >decision
	[ "$(jq -c '[.decision, .context.layers[1].rules]' decision)" = '[true,["B-1","B-3"]]' ]
	at=2026-03-02T08:00:00Z
	asks end-relation relation '.action.properties.relation = "treating"' >said
	declares 7 --end
	has err 'decision-denied: there is no such relation to end'
	# Of a fact that names no domain, by the house's own alone.
	jq -c 'del(.domain)' site/facts.ndjson >facts
	mv facts site/facts.ndjson
	declares 7 --end
	sed -i 's/"domain":"B"/"domain":"hospital"/' said
	cp said own
	asks end-relation relation '.action.properties.relation = "treating" | '"$of_a" >said
	declares 7 --end
	mv own said
	declares 0 --end
	# A domain that cannot be written as it is names nobody.
	says "$of_a"
	sed -i 's/"domain":"A"/"domain":"\\u0041"/' said
	declares 7
	has err "decision-denied: it names the person's domain by no word"
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

# Begins each of at_each's runs.
own() {
	rm -rf site
	cp -r before site
}

# What failed is declared by the same decision, or by a new one where the first is spent; and once.
declares_again() {
	local got=0 at=$at
	[ "$1" -eq 4 ] || [ "$1" -eq 137 ] || return 1
	ehr-keys declare -P P -S site --decision said --now "$at" >again 2>err || got=$?
	case $got,$1 in
	0,*) ;;
	7,*) has err decision-taken && { [ "$1" -eq 137 ] || [ -s out ]; } || return 1 ;;
	*) return 1 ;;
	esac
	[ "$(grep -c '}$' site/facts.ndjson || true)" -le 1 ] || return 1
	if [ ! -s site/facts.ndjson ] || [ "$(tail -c 1 site/facts.ndjson | wc -l)" -eq 0 ]; then
		ehr-keys declare -P P -S site --decision later --now 2026-03-01T08:00:01Z >again 2>err || return 1
	fi
	at=2026-03-02T09:00:00Z
	[ "$(reads | jq '.[0]')" = true ] || return 1
}

@test "declare: killed or out of space at any step, the fact is there once, by this decision or the next" {
	at=2026-03-01T08:00:01Z
	says
	mv said later
	at=2026-03-01T08:00:00Z
	says
	cp -r site before
	at_every_step nothing declares_again ehr-keys declare -P P -S "$PWD/site" --decision said --now "$at"
}
