bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/authz

# All decisions of the set $1 with the directives in $2, without the digest of their bytes, into the file $3.
decided() {
	local options=() name
	for name in facts entities used; do
		[ ! -e "$cases/$1/$name.ndjson" ] || options+=("--$name" "$cases/$1/$name.ndjson")
	done
	ehr-authz -P P "${options[@]}" --consents "$2" --on-error skip "$cases/$1/requests.ndjson" 2>/dev/null |
		jq -c 'del(.context.consents)' >"$3"
	[ "$(wc -l <"$3")" -eq "$(wc -l <"$cases/$1/requests.ndjson")" ]
}

# compare SET: what of the set's directives a Consent can say decides alike in both forms, and when it comes back.
compare() {
	local file count=0
	policy "$1"
	mkdir own fhir back
	for file in "$cases/$1"/consents/*; do
		if ehr-consent export -P P "$file" >consent 2>>refused; then
			cp "$file" own/
			cp consent "fhir/c$count.ndjson"
			ehr 0 ehr-consent import -P P "fhir/c$count.ndjson"
			cp out "back/c$count.ndjson"
			# The same Consent comes of it again, and YAML says the same.
			ehr 0 ehr-consent export -P P "back/c$count.ndjson"
			grep -q except "$file" || cmp out "fhir/c$count.ndjson"
			ehr 0 ehr-consent import --yaml -P P "fhir/c$count.ndjson"
			mv out c.yaml
			ehr 0 ehr-consent import -P P c.yaml
			cmp out "back/c$count.ndjson"
			count=$((count + 1))
		else
			[ ! -s consent ]
		fi
	done
	[ "$count" -gt 0 ] || return 0
	echo "$count" >>counted
	decided "$1" own own.decided
	for file in fhir back; do
		decided "$1" $file $file.decided
		# An exception comes back as a nested permit, which the explanation names.
		if grep -q except own/*; then
			for one in own $file; do
				jq -c 'del(.context.reason_admin, .context.layers[]?.rules)' $one.decided >$one.said
			done
			cmp own.said $file.said
		else
			cmp own.decided $file.decided
		fi
	done
}

@test "the cases' directives decide alike as Consents, and are refused where a Consent cannot say them" {
	for set in . hospital traps literal/0{1..9} literal/10; do
		[ -d "$cases/$set/consents" ] || continue
		rm -rf own fhir back
		compare "$set"
	done
	[ "$(paste -sd' ' counted)" = '5 14 1 1' ]
	sed 's/.*: a Consent cannot say this: //' refused | sort | uniq -c | sed 's/^ *//' >got
	same got <<-'END'
		4 an exception to a rule with criteria besides those of data
		19 it names people by who.ref alone, as who: {ref: Practitioner/ID} does
	END
}

@test "a Consent that came from elsewhere, imported and exported, is the same from then on" {
	policy hospital
	jq -c '[.. | .identifier? | objects | .system + "|" + .value] | unique | {type: "patient", id: "f7", properties: {identifier: .}}' \
		"$cases"/../corpus/consent/{bundle,r4}.json | jq -sc '.[0].properties.identifier = (map(.properties.identifier) | add) | .[0]' >entities
	count=0
	for file in "$cases"/../corpus/consent/*.json; do
		ehr-consent import -P P --entities entities --on-error skip "$file" >a.ndjson 2>err || [ $? -eq 1 ]
		[ -s a.ndjson ] || continue
		ehr 0 ehr-consent export -P P a.ndjson
		mv out b.ndjson
		ehr 0 ehr-consent import -P P b.ndjson
		mv out c.ndjson
		ehr 0 ehr-consent export -P P c.ndjson
		cmp out b.ndjson
		for form in a b c; do
			jq -r .patient a.ndjson | sort -u | while read -r patient; do
				for change in '' 's/TREAT/BTG/' 's/physician/nurse/' 's/"domain":"hospital",/&"ref":["Practitioner\/lee"],/'; do
					echo "$request" | sed "s/\"ann\"/\"$patient\"/g;$change"
				done
			done >in
			ehr 0 ehr-authz -P P --consents $form.ndjson in
			jq -c 'del(.context.consents)' out >$form.decided
		done
		cmp a.decided b.decided
		cmp a.decided c.decided
		count=$((count + 1))
	done
	[ $count -ge 4 ]
}

# directive MEMBERS: a directive of ann in the project's own form with these members besides those that each has.
directive() {
	printf '{"ehr_authz":1,"consent":"c-1","patient":"ann","status":"active"%s}\n' "${1:+,$1}"
}

@test "export: each criterion has its element" {
	policy hospital
	directive '"base":"permit"' >c.ndjson
	ehr 0 ehr-consent export -P P c.ndjson
	same out <<-'END'
		{"resourceType":"Consent","id":"c-1","status":"active","scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},"category":[{"coding":[{"system":"http://loinc.org","code":"59284-0"}]}],"patient":{"reference":"Patient/ann"},"policyRule":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"OPTIN"}]},"provision":{"type":"permit"}}
	END
	while read -r criteria want; do
		directive '"base":"permit","rules":[{"id":"r","say":"S.","effect":"deny",'"$criteria"'}]' >c.ndjson
		ehr 0 ehr-consent export -P P c.ndjson
		[ "$(jq -c '.provision.provision[0] | del(.id, .extension, .type)' out)" = "$want" ] || { echo "$criteria"; jq -c .provision out; return 1; }
		mv out back.ndjson
		ehr 0 ehr-consent import -P P back.ndjson
	done <<-'END'
		"who":{"ref":"Practitioner/lee"} {"actor":[{"role":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType","code":"IRCP"}]},"reference":{"reference":"Practitioner/lee"}}]}
		"who":{"ref":["urn:org|9"]} {"actor":[{"role":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType","code":"IRCP"}]},"reference":{"identifier":{"system":"urn:org","value":"9"}}}]}
		"does":["access","read"] {"action":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentaction","code":"access"}]},{"coding":[{"code":"read"}]}]}
		"why":"TREAT" {"purpose":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"TREAT"}]}
		"what":{"label":["R","SUD"]} {"securityLabel":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"R"},{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"SUD"}]}
		"what":{"class":["Observation","urn:ietf:bcp:13|text/xml"]} {"class":[{"system":"http://hl7.org/fhir/resource-types","code":"Observation"},{"system":"urn:ietf:bcp:13","code":"text/xml"}]}
		"what":{"code":"http://loinc.org|8867-4"} {"code":[{"coding":[{"system":"http://loinc.org","code":"8867-4"}]}]}
		"what":{"date":{"from":"2020","until":"2021-03"}} {"dataPeriod":{"start":"2020","end":"2021-03"}}
		"what":{"instance":["Composition/1"]} {"data":[{"meaning":"instance","reference":{"reference":"Composition/1"}}]}
		"what":{"related":["Encounter/1"]} {"data":[{"meaning":"dependents","reference":{"reference":"Encounter/1"}}]}
		"what":{"author":["Practitioner/1"]} {"data":[{"meaning":"authoredby","reference":{"reference":"Practitioner/1"}}]}
		"when":{"from":"2026-03-01T01:00:00+01:00","until":"2026-04-01T00:00:00Z"} {"period":{"start":"2026-03-01T00:00:00Z","end":"2026-03-31T23:59:59Z"}}
		"what":{"label":"SUD"},"except":[{"who":{"ref":"Practitioner/lee"}}] {"securityLabel":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"SUD"}],"provision":[{"type":"permit","actor":[{"role":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType","code":"IRCP"}]},"reference":{"reference":"Practitioner/lee"}}]}]}
	END
}

@test "export: what a Consent cannot say is refused, and where it stands is told" {
	policy hospital
	while read -r want members; do
		directive "$members" >c.ndjson
		ehr 5 ehr-consent export -P P c.ndjson
		[ ! -s out ]
		grep -q "^ehr-consent: c.ndjson:1:[0-9]*: a Consent cannot say this: ${want//_/ }" err || { echo "$members"; cat err; return 1; }
		# Of two the other is written.
		directive '"base":"deny"' | sed 's/c-1/c-2/' >>c.ndjson
		ehr 1 ehr-consent export -P P --on-error skip c.ndjson
		[ "$(jq -r .id out)" = c-2 ]
	done <<-'END'
		it_names_people "base":"deny","who":{"id":"lee"}
		it_names_people "base":"permit","rules":[{"id":"r","say":"S.","effect":"deny","who":{"relation":"treating"}}]
		it_has_no_such "base":"permit","where":{"route":"on-site"}
		it_has_no_such "base":"permit","when":{"from":"2026-03-01T00:00:00Z"}
		it_has_no_such "base":"permit","how":{"approved_by":"y"}
		it_has_no_such "base":"permit","same":[["subject.patient","resource.patient"]]
		it_has_no_such "base":"permit","rules":[{"id":"r","say":"S.","effect":"deny","why":"TREAT","if_missing":"skip"}]
		it_has_no_other "base":"permit","rules":[{"id":"r","say":"S.","effect":"deny","when":{"condition":"x"}}]
		it_has_no_such "base":"permit","rules":[{"id":"r","say":"S.","effect":"deny","what":{"status":"x"}}]
		a_criterion_that_does_not "base":"permit","rules":[{"id":"r","say":"S.","effect":"deny","why":{"not":["TREAT"]}}]
		a_criterion_that_does_not "base":"permit","rules":[{"id":"r","say":"S.","effect":"deny","who":{"ref":{"all":["a","b"]}}}]
		an_exception_to_a_permit "base":"deny","rules":[{"id":"r","say":"S.","effect":"permit","except":[{"why":"TREAT"}]}]
		an_exception_to_a_rule "base":"permit","rules":[{"id":"r","say":"S.","effect":"deny","why":"TREAT","except":[{"why":"BTG"}]}]
		exceptions_beside "base":"permit","rules":[{"id":"r","say":"S.","effect":"deny","except":[{"why":"BTG"}],"rules":[{"id":"q","say":"S.","effect":"permit","why":"ETREAT"}]}]
		instance,_author "base":"permit","rules":[{"id":"r","say":"S.","effect":"deny","what":{"author":"Practitioner/a","related":"Encounter/b"}}]
		a_reference_that "base":"permit","rules":[{"id":"r","say":"S.","effect":"deny","what":{"author":"urn:x|SECRET"}}]
		a_reference_that "base":"permit","rules":[{"id":"r","say":"S.","effect":"deny","what":{"instance":"urn:x|SECRET"}}]
		an_identifier_without "base":"permit","rules":[{"id":"r","say":"S.","effect":"deny","who":{"ref":"|SECRET"}}]
		a_moment_between "base":"permit","rules":[{"id":"r","say":"S.","effect":"deny","when":{"until":"2026-03-01T00:00:00.5Z"}}]
		the_year_9999 "base":"permit","period":{"until":"9999-03-01T00:00:00Z"}
	END
	directive '"base":"permit"' | sed 's/"ann"/"a n"/' >c.ndjson
	ehr 5 ehr-consent export -P P c.ndjson
	has err 'a patient whose id is not'
}

@test "import: what cannot be read is refused, the rest is written; a deny of all is said" {
	policy hospital
	consent='{"resourceType":"Consent","id":"c-1","status":"active","patient":{"reference":"Patient/ann"},"decision":"permit"}'
	{
		echo "$consent"
		echo "${consent/permit/SECRET}" | sed 's/c-1/c-2/'
		echo "${consent/\"decision\":\"permit\"/\"provision\":{\"type\":\"deny\",\"purpose\":[{\"code\":\"SECRET\"\}]\}}" | sed 's/c-1/c-3/'
		echo "${consent/\"decision\":\"permit\"/\"provision\":{\"type\":\"deny\",\"class\":[{\"code\":\"Observation\"\}]\}}" | sed 's/c-1/c-4/'
	} >c.ndjson
	ehr 5 ehr-consent import -P P c.ndjson
	[ ! -s out ]
	lacks err SECRET
	ehr 1 ehr-consent import -P P --on-error skip c.ndjson
	[ "$(jq -r .consent out | paste -sd' ')" = 'c-1 c-4' ]
	grep -q '^ehr-consent: c.ndjson:2:[0-9]*: consent-unreadable: expected deny or permit' err
	grep -q '^ehr-consent: c.ndjson:3:[0-9]*: consent-unreadable: /provision/purpose/0: ' err
	has err 'c.ndjson:4:1: root-data: a root that denies some data denies all of it'
	# Of two of one id neither counts, and neither is written.
	{ echo "$consent"; echo "$consent"; } >c.ndjson
	ehr 1 ehr-consent import -P P --on-error skip c.ndjson
	[ ! -s out ]
	[ "$(grep -c 'there twice' err)" -eq 2 ]
	# The register knows whom an identifier names.
	echo "$consent" | sed 's/"reference":"Patient.ann"/"identifier":{"system":"urn:mrn","value":"7"}/' >c.ndjson
	ehr 3 ehr-consent import -P P c.ndjson
	echo '{"type":"patient","id":"ann","properties":{"identifier":["urn:mrn|7"]}}' >entities
	ehr 0 ehr-consent import -P P --entities entities c.ndjson
	same out <<-'END'
		{"ehr_authz":1,"consent":"c-1","patient":"ann","status":"active","base":"permit"}
	END
	# A Bundle, and Consents of another scope.
	jq -c '{resourceType: "Bundle", entry: [{resource: .}, {resource: (.scope = {coding: [{system: "http://terminology.hl7.org/CodeSystem/consentscope", code: "research"}]})}]}' c.ndjson >c.json
	ehr 0 ehr-consent import -P P --entities entities c.json
	[ "$(wc -l <out)" -eq 1 ]
	has err '1 consents of another scope left out'
	ehr 2 ehr-consent import c.ndjson
	ehr 2 ehr-consent import -P P
	ehr 2 ehr-consent export -P P --on-error quarantine c.ndjson
	ehr 4 ehr-consent export -P P nowhere.ndjson
}

@test "import --yaml: words stand plain, anything else in quotes, rules as lists" {
	policy hospital
	directive '"base":"permit","verified":true,"rules":[{"id":"r","say":"Not: so.","effect":"deny","who":{"ref":["true"]},"rules":[{"id":"null","say":"S.","effect":"permit","why":["TREAT"]}]}]' >c.ndjson
	ehr 0 ehr-consent import --yaml -P P c.ndjson
	same out <<-'END'
		ehr_authz: 1
		consent: c-1
		patient: ann
		status: active
		base: permit
		verified: true
		rules:
		  - id: r
		    say: "Not: so."
		    effect: deny
		    who: {"ref":["true"]}
		    rules:
		      - id: "null"
		        say: "S."
		        effect: permit
		        why: ["TREAT"]
	END
	directive '"base":"deny"' | sed 's/c-1/c-2/' >>c.ndjson
	ehr 0 ehr-consent import --yaml -P P c.ndjson
	mv out c.yaml
	ehr 0 ehr-consent import -P P c.yaml
	cmp out c.ndjson
}
