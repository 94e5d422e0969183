# ehr-policy explain --request: what each rule of access says of one request.
bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/authz

explain() {
	ehr "$1" ehr-policy explain -P P "${@:3}" --request "$2"
}

# part NAME: the lines of the output behind the one that begins with NAME, up to an empty line.
part() {
	awk -v name="$1" 'index($0, name) == 1 { inside = 1 } /^$/ { inside = 0 } inside' out
}

@test "explain --request: the answer, each rule in its sentence, and what it lacks" {
	policy hospital
	echo "${request/physician/nurse}" >r
	explain 0 r
	empty err
	[ "$(head -n 1 out)" = 'denied by organization: No rule permits this, and what no rule permits is denied.' ]
	part organization >got
	[ "$(head -n 1 got)" = 'organization denies: P/authz/organization.yaml' ]
	grep -A 3 'H-2:' got >h2
	same h2 <<'END'
  missing  permit H-2: Nurses may read on their own ward and from inside the house.
      subject.functional_role must be nurse or charge-nurse; it is missing
      subject.permissions must have PRD-006; it is missing
      subject.ward and resource.ward must have a value in common
END
	has got '  no       permit H-6: Patients may read and follow their own record.'
	has got '      context.purpose must be PATRQT; it is TREAT'
	part jurisdiction >got
	has got '  no       deny J-2:'
	has got '      exception 1 is taken'
	part consent >got
	same got <<<'consent denies: no directive of the patient applies'
}

@test "explain --request: directives and clearances have rows as well" {
	hospital
	echo "$request" >r
	explain 0 r -S S
	head -n 4 out >got
	same got <<'END'
permitted, to level V (AL 5)
  H-1: Clinicians may read and follow the patients they treat.
  H-3: Whoever treats the patient may read even where the patient blocked them by name.
  AL 5 by P/authz/clearances.yaml:4
END
	lacks out 'it would be permitted'
	part consent >got
	same got <<'END'
consent permits
  directive c-ann permits, base permit
    no       deny c-ann-1: Nobody sees my substance use data except those who treat me, and myself.
      exception 1 is taken
      exception 2 may be taken: something that it asks for is missing
    no       deny c-ann-2: My sister Lara sees nothing but three documents, until the end of March.
      subject.id must be lara; it is dr-lee
      holds    permit c-ann-2a: These three documents in March.
END
	part 'clearance: P/authz/clearances.yaml' | head -n 6 >got
	same got <<'END'
clearance: P/authz/clearances.yaml
  holds    AL 4, line 3
  holds    AL 5, line 4
  no       AL 5, line 5
      context.purpose must be BTG; it is TREAT
      context.justification must be stated; it is missing
END
	# What is missing lowers the level.
	sed 's/,"route":"on-site"//' r >r2
	explain 0 r2 -S S
	has out '  lowered to AL 3 by P/authz/clearances.yaml:15'
	has out '  missing  at most AL 3, line 15: what is missing counts against the requester'
	# Without the facts nobody treats the patient.
	explain 0 r
	has out '      a fact must tell of treating to resource.patient'
	explain 0 r --consents "$cases/hospital/consents" --facts "$cases/hospital/facts.ndjson"
	has out 'permitted, to level V'
}

@test "explain --request: what would have to differ" {
	hospital
	echo "${request/physician/nurse}" >r
	explain 0 r
	grep '^it would' out | head -n 1 >got
	same got <<<'it would be permitted if subject.functional_role were nurse, subject.permissions were PRD-006, subject.ward and resource.ward were the same and the patient had a directive that permits it'
	# The directive is there, the facts are not.
	echo "$request" >r
	explain 0 r --consents S/consents
	grep '^it would' out | head -n 1 >got
	same got <<<'it would be permitted if a fact told of treating to resource.patient'
	# A deny, an exception of it, a claim that is too high, a weak login.
	sed 's/"TREAT"/"HMARKT"/' r >r2
	explain 0 r2 -S S
	has out 'it would be permitted if context.purpose were TREAT'
	sed 's/"acr":"loa3"/"acr":"loa1"/; s/"patient":"ann"/&,"label":"R"/' r >r2
	explain 0 r2 -S S
	[ "$(head -n 1 out)" = 'denied by clearance: The authorization level is too low for what was asked for.' ]
	grep '^it would' out | head -n 1 >got
	same got <<<'it would be permitted if context.acr were loa2'
	# What nothing helps against has no such line.
	sed 's/"TREAT"/"nonsense"/' r >r2
	explain 0 r2 -S S
	[ "$(head -n 1 out)" = 'denied by request: The request has a purpose that v3-ActReason does not have.' ]
	lacks out 'it would be'
}

# cures NAME [JQ]: what explain says would have to differ of that case's request, with the site's directives and facts.
cures() {
	grep -F "{\"id\": \"$1\"" "$cases/hospital/requests.ndjson" | head -n 1 | jq -c "${2:-.}" >r
	explain 0 r -S S
	{ grep '^it would be permitted if ' out || true; } | sed 's/^it would be permitted if //' >got
}

@test "explain --request: nobody becomes somebody else, and no request is about something else" {
	hospital
	# A directive permits Lara alone: the physician cannot become her.
	cat >S/consents/ann.yaml <<-'END'
		ehr_authz: 1
		consent: c-ann
		patient: ann
		status: active
		base: deny
		rules:
		  - {id: c-ann-1, say: Lara may., effect: permit, who: {ref: Practitioner/lara}}
		  - {id: c-ann-2, say: So may I., effect: permit, same: [[subject.patient, resource.patient]]}
		  - {id: c-ann-3, say: So may another house., effect: permit, who: {domain: clinic, organization: Organization/c}}
	END
	cures 'treating physician, whole record'
	[ "$(grep -c 'ref\|patient were\|domain\|structural_role' got)" -eq 0 ]
	# A profession is none that one takes on, but one that was left out can be stated; a purpose is one.
	hospital
	cures billing '.context.purpose = "TREAT"'
	[ "$(head -n 1 got)" = 'context.purpose were HPAYMT' ]
	cures billing 'del(.subject.properties.structural_role)'
	has got 'subject.structural_role were billing'
	cures 'treating physician, whole record' '.context.purpose = "HMARKT"'
	has got 'context.purpose were TREAT'
	[ "$(grep -c 'purpose were.*purpose were' got)" -eq 0 ]
	# Time does not go back.
	cures 'investigator after the period'
	[ "$(grep -c 'time were' got)" -eq 0 ]
	cures investigator '.context.time = "2026-02-01T00:00:00Z"'
	[ "$(head -n 1 got)" = 'context.time were 2026-03-01T00:00:00Z' ]
	cures 'claimed AL above the assessed one'
	same got <<<'context.claimed_al were 5'
	# Whoever lacks a permission keeps the others.
	cures 'nurse on her ward' '.subject.properties.permissions = ["POE-012"]'
	[ "$(head -n 1 got)" = 'subject.permissions were POE-012 and PRD-006' ]
}

@test "explain --request: what is said to be permitted is permitted" {
	local line change n=0 name value
	policy hospital
	for change in s/physician/nurse/ s/physician/billing/ s/TREAT/BTG/ s/TREAT/PATRQT/ 's/"read"/"send-command"/' s/on-site/vpn/; do
		sed "$change" <<<"$request" >r
		explain 0 r
		grep '^it would' out >claims || true
		while read -r line; do
			cp r changed
			: >facts
			echo '{"ehr_authz":1,"consent":"c","patient":"ann","status":"active","base":"deny","rules":[]}' >d.json
			while IFS= read -r part; do
				name=${part% were *} value=${part##* were }
				case $part in
					'a fact told'*' to resource.patient') printf '{"fact":"f%s","relation":"%s","subject":"dr-lee","patient":"ann","from":"2026-01-01T00:00:00Z","until":"2027-01-01T00:00:00Z","by":"x","at":"2026-01-01T00:00:00Z"}\n' "$((n += 1))" "$(cut -d ' ' -f 5 <<<"$part")" >>facts ;;
					*' the same'*) jq -c '.subject.properties.ward = "w" | .resource.properties.ward = "w"' changed >x && mv x changed ;;
					'the patient had'*) sed -i 's/"deny"/"permit"/' d.json ;;
					context.*) jq -c --arg k "${name#*.}" --arg v "$value" '.context[$k] = $v' changed >x && mv x changed ;;
					subject.*) jq -c --arg k "${name#*.}" --arg v "$value" '.subject.properties[$k] = $v' changed >x && mv x changed ;;
					*) continue 2 ;;
				esac
			done < <(sed 's/^it would be permitted if //; s/, /\n/g; s/ and \(subject\|context\|the patient\|a fact\)/\n\1/g; s/subject.ward\nresource/x/' <<<"$line" | sed 's/^subject.ward and resource.ward were the same/& same/')
			[[ $line = *' a directive '* ]] || rm d.json
			consents=()
			[ ! -e d.json ] || consents=(--consents d.json)
			ehr 0 ehr-authz -P P --facts facts "${consents[@]}" changed
			[ "$(jq .decision out)" = true ]
			n=$((n + 1))
		done <claims
	done
	[ "$n" -ge 8 ]
}

@test "explain --request: no request, a batch, other options" {
	policy hospital
	echo '{"subject":7}' >r
	explain 5 r
	empty out
	echo "${request%\}},\"evaluations\":[{\"action\":{\"name\":\"read\"}}]}" >r
	explain 5 r
	echo "$request" >r
	explain 2 r operand
	explain 2 r --bars
	explain 2 r --now yesterday
	explain 4 missing
	line 4 'ehr-policy explain -P P --request r >/dev/full'
}
