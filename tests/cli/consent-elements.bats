# Every element of a Consent's provision with each kind of value: what a deny of it leaves of a chart, from the
# Consent through ehr-authz to the bytes of ehr-redact --decision.  A deny that cannot be carried out makes the
# directive unreadable: then nobody gets anything of this patient.
bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/authz

H=$EHR_ROOT/policies/hospital

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	PATH="$EHR_BIN:$PATH"
	ehr-keys make -P "$H" -S s >/dev/null
	mkdir -p P/authz
	cp "$EHR_ROOT/testdata/authz/policy.yaml" P/
	cat >P/authz/roles.yaml <<-'END'
		ehr_authz: 1
		structural_roles: [physician]
		actions: {access: [read, search], collect: [create]}
	END
	cat >P/authz/organization.yaml <<-'END'
		ehr_authz: 1
		layer: organization
		default: deny
		no_consent: permit
		rules:
		  - {id: B-1, say: Physicians may read., effect: permit, who: {structural_role: physician}, does: [read], why: [TREAT]}
	END
	ehr-ingest <<-'END' | ehr-classify -P "$H" 2>/dev/null >chart
		{"resourceType":"Observation","id":"o1","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]},"subject":{"reference":"Patient/ann"},"encounter":{"reference":"Encounter/e1"},"effectiveDateTime":"2020-05-01","performer":[{"reference":"Practitioner/a"}]}
		{"resourceType":"Condition","id":"c1","subject":{"reference":"Patient/ann"},"code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"B20"}]},"recorder":{"reference":"Practitioner/b"},"encounter":{"reference":"Encounter/e2"},"recordedDate":"2024"}
		{"resourceType":"DocumentReference","id":"d1","status":"current","type":{"coding":[{"system":"http://loinc.org","code":"34133-9"}]},"subject":{"reference":"Patient/ann"},"date":"2026-01-02T10:00:00Z","author":[{"reference":"Practitioner/b"}],"content":[{"attachment":{"contentType":"Application/HL7-CDA+xml; charset=utf-8","url":"Binary/b1"}}],"context":{"encounter":[{"reference":"Encounter/e2"}]}}
		{"resourceType":"DocumentReference","id":"d2","status":"current","type":{"coding":[{"system":"http://loinc.org","code":"11502-2"}]},"subject":{"reference":"Patient/ann"},"date":"2026-01-02T10:00:00Z","author":[{"reference":"Practitioner/b"}],"content":[{"attachment":{"contentType":"application/pdf","url":"Binary/b2"}}],"context":{"encounter":[{"reference":"Encounter/e2"}]}}
		{"resourceType":"DocumentReference","id":"d3","status":"current","type":{"text":"letter"},"subject":{"reference":"Patient/ann"},"date":"2026-01-02T10:00:00Z","author":[{"reference":"Practitioner/b"}],"content":[{"attachment":{"data":"QUJD"}}],"context":{"encounter":[{"reference":"Encounter/e2"}]}}
		{"resourceType":"DocumentReference","id":"d4","status":"current","type":{"coding":[{"system":"http://loinc.org","code":"11502-2"}]},"subject":{"reference":"Patient/ann"},"date":"2026-01-02T10:00:00Z","author":[{"reference":"Practitioner/b"}],"content":[{"attachment":{"contentType":"text/xml","data":"QUJD"}}],"context":{"encounter":[{"reference":"Encounter/e2"}]}}
		{"resourceType":"Media","id":"m1","status":"completed","subject":{"reference":"Patient/ann"},"createdDateTime":"2026-01-02","operator":{"reference":"Practitioner/b"},"encounter":{"reference":"Encounter/e2"},"content":{"contentType":"image/png","url":"http://x.example/1.png","title":"x"}}
	END
	echo '{"ehr":{"v":1,"stage":"ingested","subject":"Patient/ann"},"record":{"resourceType":"Bundle","type":"document","entry":[{"resource":{"resourceType":"Composition","id":"k1","status":"final","type":{"coding":[{"system":"http://loinc.org","code":"34133-9"}]},"subject":{"reference":"Patient/ann"},"date":"2026","author":[{"reference":"Practitioner/b"}],"title":"x","section":[{"code":{"coding":[{"system":"http://loinc.org","code":"8716-3"}]}}]}},{"resource":{"resourceType":"Observation","id":"o9","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]},"subject":{"reference":"Patient/ann"}}}]}}' |
		ehr-classify -P "$H" 2>/dev/null >bundle
	printf '%s\n' '{"ehr":{"v":1,"stage":"ingested","subject":"Patient/ann"},"record":{"resourceType":"Binary","id":"b1","contentType":"application/hl7-cda+xml","data":"QUJD"}}' \
		'{"ehr":{"v":1,"stage":"ingested","subject":"Patient/ann"},"record":{"resourceType":"Binary","id":"b2","contentType":"application/pdf","data":"QUJD"}}' |
		ehr-classify -P "$H" 2>/dev/null >>chart
	[ "$(wc -l <chart)" -eq 9 ]
}

setup() {
	export LC_ALL=C TZ=UTC PATH="$EHR_BIN:$PATH"
	cd "$BATS_TEST_TMPDIR" || return 1
	cp -r "$BATS_FILE_TMPDIR/." .
	echo "$request" | sed 's/"domain":"hospital",/&"ref":["Practitioner\/lee"],/; s/"domain":"hospital",//g' >in
}

# left RECORDS: what the request of dr-lee gets of the file under the Consent c.ndjson: the ids, or why nothing.
left() {
	ehr-authz -P P --consents c.ndjson in >decision 2>err || { echo "$?"; return; }
	[ "$(jq .decision decision)" = true ] || { jq -r .context.reason decision; return; }
	ehr-redact -P "$H" -S s --level V --decision decision --now 2026-03-02T09:00:00Z "$1" 2>err >out || { echo "$?"; return; }
	jq -r .record.id out | paste -sd' '
}

# consent_r4 ELEMENTS, consent_r5 ELEMENTS: everything is permitted but what a provision with these elements denies.
consent_r4() {
	printf '{"resourceType":"Consent","id":"c-1","status":"active","patient":{"reference":"Patient/ann"},"provision":{"type":"permit","provision":[{"type":"deny",%s}]}}\n' "$1" >c.ndjson
}
consent_r5() {
	printf '{"resourceType":"Consent","id":"c-1","status":"active","subject":{"reference":"Patient/ann"},"decision":"permit","provision":[{%s}]}\n' "$1" >c.ndjson
}

# table VERSION RECORDS: lines of elements # what is left.
table() {
	local elements want got
	while IFS='#' read -r elements want; do
		"consent_$1" "$elements"
		got=$(left "$2")
		[ "$got" = "$want" ] || {
			echo "$elements: $got, not $want" >&2
			cat err >&2
			return 1
		}
	done
}

@test "R4: what a deny of each element and each kind of value leaves" {
	table r4 chart <<-'END'
		"class":[{"system":"urn:ietf:bcp:13","code":"application/hl7-cda+xml"}]#o1 c1 d2 m1 b2
		"class":[{"system":"urn:ietf:bcp:13","code":"application/pdf"}]#o1 c1 d1 d4 m1 b1
		"class":[{"system":"urn:ietf:bcp:13","code":"IMAGE/PNG"}]#o1 c1 d1 d2 d4 b1 b2
		"class":[{"system":"urn:ietf:bcp:13","code":"text/xml"}]#o1 c1 d2 m1 b2
		"class":[{"system":"urn:ietf:bcp:13","code":"application/hl7-cda+xml"}],"dataPeriod":{"end":"2019"}#o1 c1 d1 d2 d3 d4 m1 b2
		"class":[{"system":"http://hl7.org/fhir/StructureDefinition","code":"http://hl7.org/fhir/StructureDefinition/lipidprofile"}]#consent-unreadable
		"class":[{"system":"urn:ietf:rfc:3986","code":"http://hl7.org/fhir/StructureDefinition/lipidprofile"}]#consent-unreadable
		"class":[{"system":"https://www.hl7.org/fhir/StructureDefinition","code":"vitalsigns"}]#consent-unreadable
		"class":[{"system":"http://hl7.org/fhir/observation-status","code":"final"}]#consent-unreadable
		"class":[{"system":"http://hl7.org/fhir/ValueSet/consent-content-class","code":"Observation"}]#consent-unreadable
		"class":[{"system":"http://hl7.org/fhir/data-types","code":"Quantity"}]#consent-unreadable
		"class":[{"code":"application/hl7-cda+xml"}]#consent-unreadable
		"class":[{"display":"documents"}]#consent-unreadable
		"class":[{"system":"http://hl7.org/fhir/resource-types","code":"DocumentReference"}]#o1 c1 m1 b1 b2
		"class":[{"code":"Binary"},{"system":"https://hl7.org/fhir/resource-types","code":"Media"}]#o1 c1 d1 d2 d3 d4
		"class":[{"system":"http://loinc.org","code":"34133-9"}]#o1 c1 d2 d4 m1
		"class":[{"system":"http://loinc.org","code":"11502-2"}]#o1 c1 d1 m1
		"code":[{"coding":[{"system":"http://loinc.org","code":"8867-4"}]}]#c1 d1 d2 d4
		"code":[{"text":"HIV"}]#consent-unreadable
		"code":[{"coding":[{"display":"HIV"}]}]#consent-unreadable
		"code":[{"coding":[{"code":"B20"}]}]#consent-unreadable
		"securityLabel":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"R"}]#o1 d1 d2 d3 d4 m1 b1 b2
		"securityLabel":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"HIV"}]#o1 d1 d2 d3 d4 m1 b1 b2
		"securityLabel":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"NODSCLCD"}]#7
		"securityLabel":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"42CFRPart2"}]#o1 c1 d1 d2 d3 d4 m1 b1 b2
		"securityLabel":[{"system":"urn:x","code":"secret"}]#7
		"securityLabel":[{"display":"secret"}]#consent-unreadable
		"dataPeriod":{"start":"2024"}#o1
		"dataPeriod":{"start":"2020","end":"2020-06"}#c1 d1 d2 d3 d4
		"dataPeriod":{"start":"soon"}#consent-unreadable
		"dataPeriod":{}#consent-unreadable
		"data":[{"meaning":"instance","reference":{"reference":"Condition/c1"}}]#o1 d1 d2 d3 d4 m1 b1 b2
		"data":[{"meaning":"instance","reference":{"reference":"https://x.example/Condition/c1/_history/1"}}]#o1 d1 d2 d3 d4 m1 b1 b2
		"data":[{"meaning":"dependents","reference":{"reference":"Encounter/e1"}}]#c1 d1 d2 d3 d4 m1
		"data":[{"meaning":"related","reference":{"reference":"Encounter/e1"}}]#consent-unreadable
		"data":[{"meaning":"authoredby","reference":{"reference":"Practitioner/a"}}]#c1 d1 d2 d3 d4
		"data":[{"meaning":"instance","reference":{"display":"my tests"}}]#consent-unreadable
		"data":[{"meaning":"instance","reference":{"reference":"\u0023x"}}]#consent-unreadable
		"data":[{"meaning":"instance","reference":{"reference":"Condition?code=B20"}}]#consent-unreadable
		"data":[{"meaning":"instance"}]#consent-unreadable
		"data":[{"reference":{"reference":"Condition/c1"}}]#consent-unreadable
		"data":[{"meaning":"other","reference":{"reference":"Condition/c1"}}]#consent-unreadable
		"actor":[{"role":{"text":"reader"},"reference":{"reference":"Practitioner/lee"}}]#consent-deny
		"actor":[{"reference":{"reference":"Practitioner/x"}}]#o1 c1 d1 d2 d3 d4 m1 b1 b2
		"actor":[{"role":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType","code":"PRCP"}]},"reference":{"reference":"Practitioner/lee"}}]#consent-deny
		"actor":[{"role":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType","code":"IRCP"}]},"reference":{"reference":"Practitioner/x"}}]#o1 c1 d1 d2 d3 d4 m1 b1 b2
		"actor":[{"role":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType","code":"AUT"}]},"reference":{"reference":"Practitioner/x"}}]#consent-unreadable
		"actor":[{"role":{"coding":[{"system":"urn:oid:2.16.840.1.113883.5.90","code":"CST"}]},"reference":{"reference":"Organization/x"}}]#consent-unreadable
		"actor":[{"role":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/contractsignertypecodes","code":"SOURCE"}]},"reference":{"reference":"Organization/x"}}]#consent-unreadable
		"actor":[{"role":{"coding":[{"code":"AUT"}]},"reference":{"reference":"Practitioner/x"}}]#consent-unreadable
		"actor":[{"role":{"coding":[{"code":"VERF"}]},"reference":{"reference":"Practitioner/x"}}]#consent-unreadable
		"actor":[{"role":{"coding":[{"code":"REVIEWER"}]},"reference":{"reference":"Practitioner/x"}}]#consent-unreadable
		"actor":[{"role":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-RoleClass","code":"PROV"}]},"reference":{"reference":"Practitioner/lee"}}]#consent-deny
		"actor":[{"role":{"text":"all nurses"}}]#consent-unreadable
		"actor":[{"reference":{"display":"Dr. Lee"}}]#consent-unreadable
		"action":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentaction","code":"access"}]}]#consent-deny
		"action":[{"coding":[{"code":"collect"}]}]#o1 c1 d1 d2 d3 d4 m1 b1 b2
		"action":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentaction","code":"disclose"}]}]#consent-unreadable
		"action":[{"text":"read"}]#consent-unreadable
		"purpose":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"TREAT"}]#consent-deny
		"purpose":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"HRESCH"}]#o1 c1 d1 d2 d3 d4 m1 b1 b2
		"purpose":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"RESEARCH"}]#consent-unreadable
		"purpose":[{"display":"treatment"}]#consent-unreadable
		"period":{"start":"2026-03","end":"2026-03"}#consent-deny
		"period":{"end":"2025"}#o1 c1 d1 d2 d3 d4 m1 b1 b2
		"period":{"start":"spring"}#consent-unreadable
		"expression":{"language":"text/cql","expression":"x"}#consent-unreadable
		"modifierExtension":[{"url":"urn:x","valueBoolean":true}],"class":[{"code":"Binary"}]#consent-unreadable
		"class":[{"code":"Binary"}],"provision":[{"type":"permit","class":[{"system":"http://hl7.org/fhir/StructureDefinition","code":"x"}]}]#consent-unreadable
		"class":[{"code":"DocumentReference"}],"provision":[{"type":"permit","class":[{"system":"urn:ietf:bcp:13","code":"application/pdf"}]}]#o1 c1 d2 m1 b1 b2
	END
}

@test "R5: what a deny of each element and each kind of value leaves" {
	table r5 chart <<-'END'
		"documentType":[{"system":"urn:ietf:bcp:13","code":"application/hl7-cda+xml"}]#o1 c1 d2 m1 b2
		"documentType":[{"system":"http://loinc.org","code":"34133-9"}]#o1 c1 d2 d4 m1
		"documentType":[{"system":"http://hl7.org/fhir/StructureDefinition","code":"http://hl7.org/fhir/StructureDefinition/lipidprofile"}]#consent-unreadable
		"documentType":[{"code":"urn:hl7-org:sdwg:ccda-structuredBody:2.1"}]#consent-unreadable
		"resourceType":[{"system":"http://hl7.org/fhir/fhir-types","code":"DocumentReference"}]#o1 c1 m1 b1 b2
		"resourceType":[{"system":"http://hl7.org/fhir/fhir-types","code":"Quantity"}]#consent-unreadable
		"resourceType":[{"system":"http://hl7.org/fhir/fhir-types","code":"Resource"}]#consent-unreadable
		"resourceType":[{"code":"Binary"}],"documentType":[{"system":"http://loinc.org","code":"11502-2"}]#o1 c1 d1 m1
		"resourceType":"Observation"#consent-unreadable
		"expression":{"language":"text/fhirpath","expression":"true"}#consent-unreadable
		"actor":[{"role":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType","code":"AUT"}]},"reference":{"reference":"Practitioner/x"}}]#consent-unreadable
		"type":"deny","class":[{"code":"Binary"}]#o1 c1 d1 d2 d3 d4 m1
		"type":"permit","class":[{"code":"Binary"}]#consent-unreadable
	END
}

@test "a document that its type or its content type denies goes with all that is in it" {
	table r4 bundle <<-'END'
		"class":[{"system":"http://loinc.org","code":"34133-9"}]#
		"class":[{"system":"http://loinc.org","code":"11502-2"}]#null
		"class":[{"system":"http://loinc.org","code":"8716-3"}]#null
		"class":[{"code":"Observation"}]#null
		"class":[{"code":"Bundle"}]#
	END
}

@test "what stands around the provisions of a Consent and may turn them" {
	local members want got
	while IFS='#' read -r members want; do
		printf '{"resourceType":"Consent","id":"c-1","patient":{"reference":"Patient/ann"},%s}\n' "$members" >c.ndjson
		got=$(left chart)
		[ "$got" = "$want" ] || { echo "$members: $got, not $want" >&2; cat err >&2; return 1; }
	done <<-'END'
		"status":"active","policyRule":{"coding":[{"code":"OPTOUT"}]}#consent-deny
		"status":"active","policyRule":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"EMRGONLY"}]}#consent-deny
		"status":"active","policyRule":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"EMRGONLY"}]},"provision":{"type":"permit"}#consent-unreadable
		"status":"active","policyRule":{"text":"opt out"}#consent-unreadable
		"status":"active","policyRule":{"text":"opt out"},"provision":{"type":"permit"}#o1 c1 d1 d2 d3 d4 m1 b1 b2
		"status":"active","policy":[{"uri":"urn:x"}]#consent-unreadable
		"status":"active","policy":[{"uri":"urn:x"}],"provision":{"type":"permit"}#o1 c1 d1 d2 d3 d4 m1 b1 b2
		"status":"active","provision":{"type":"permit","class":[{"system":"urn:ietf:bcp:13","code":"application/pdf"}]}#d2 b2
		"status":"active","provision":{"type":"permit","class":[{"system":"http://hl7.org/fhir/StructureDefinition","code":"x"}]}#consent-unreadable
		"status":"active","provision":{"type":"permit","securityLabel":[{"code":"NODSCLCD"}]}#7
		"status":"active","provision":{"type":"deny","class":[{"code":"Binary"}]}#consent-deny
		"status":"inactive","provision":{"type":"deny"}#o1 c1 d1 d2 d3 d4 m1 b1 b2
		"status":"unknown","provision":{"type":"permit"}#consent-unreadable
		"provision":{"type":"permit"}#consent-unreadable
		"status":"active","modifierExtension":[{"url":"urn:x","valueCode":"x"}],"provision":{"type":"permit"}#consent-unreadable
		"status":"active","implicitRules":"urn:x","provision":{"type":"permit"}#consent-unreadable
		"status":"active","verification":[{"verified":false}],"provision":{"type":"permit"}#o1 c1 d1 d2 d3 d4 m1 b1 b2
	END
}
