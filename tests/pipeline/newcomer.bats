bats_require_minimum_version 1.5.0
load ../lib/ehr

# A new user's way with an upload of her own, by the steps that the manual pages give, and by no others.

# A Bundle of now about the patient Mia, with a potassium value that the laboratory calls critically high.
own_upload() {
	cat >upload.json <<END
{"resourceType": "Bundle", "type": "collection", "entry": [
  {"resource": {"resourceType": "Patient", "id": "mia", "name": [{"family": "Brandt"}], "birthDate": "1961-04-02"}},
  {"resource": {"resourceType": "Observation", "id": "k1", "status": "final", "subject": {"reference": "Patient/mia"},
    "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3"}]}, "effectiveDateTime": "$(date -u +%FT%TZ)",
    "valueQuantity": {"value": 7.1, "system": "http://unitsofmeasure.org", "code": "mmol/L"},
    "interpretation": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", "code": "HH"}]}]}}]}
END
}

# enrolled NAME: a device of that name, which the authority takes in; its id stands in ID.
enrolled() {
	ehr-keys make --kind reader --keys "$1" --authority site/authority.jwks >"$1.enrol" || return
	ehr-keys list --self --keys "$1" >"$1.self" || return
	ehr-keys enrol -S site --expect "$(jq -r .sig.jkt "$1.self")" "$1.enrol" >/dev/null || return
	ID=$(jq -r .id "$1.self")
}

# What EXAMPLES of ehr-keys(1) do for nina, with Mia in the place of Ann.
hospital_site() {
	ehr-keys make -P "$EHR_ROOT/policies/hospital" -S site >announcement || return
	echo '{"acr":"loa2","route":"on-site","purpose":["TREAT"]}' >context.json
	echo '{"type":"user","id":"nina","properties":{"domain":"hospital","ward":"7","structural_role":"nurse","functional_role":["nurse"],"permissions":["PRD-006"]}}' >>site/entities.ndjson
	enrolled tablet || return
	echo '{"responder":"care-team","select":{"min_criticality":"high"},"route":[{"channel":"file","to":"nina"}]}' >wish.json
}

subscribe() {
	ehr-keys subscribe "$@" -S site --device "$ID" --user nina --patient mia --context context.json wish.json
}

@test "newcomer: from an upload of her own to the version that a reader opens, and nothing for others" {
	hospital_site
	own_upload
	ehr 7 subscribe -v
	has err 'ehr-policy explain --request says what is missing'
	sed -n 's/^ehr-keys: request: //p' err >asked.json
	ehr 0 ehr-policy explain -S site --request asked.json
	has out 'it would be permitted if resource.ward were 7 and the patient had a directive that permits it'
	lacks out ' were release-keys'
	ehr-keys pseudonym -S site --entities mia | jq -c '.properties.ward = "7"' >>site/entities.ndjson
	printf '%s\n' 'ehr_authz: 1' 'consent: c-mia' 'patient: mia' 'status: active' 'date: 2026-11-01' 'base: permit' 'rules: []' >site/consents/mia.yaml
	ehr 0 subscribe
	ehr-keys give -S site --device "$ID" --user nina --context context.json >nina.jwe
	ehr-keys accept --keys tablet nina.jwe

	ehr 0 ehr-batch -S site upload.json store
	[ "$(ehr-keys pseudonym -S site Patient/mia)" = "$(jq -r .ehr.subject store/upload.json/sealed.ndjson | sort -u)" ]
	ehr 4 ehr-deliver enqueue -S site -q store/upload.json/intents.ndjson
	has err 'site/spool: no spool is there yet: ehr-deliver init makes it'
	ehr-deliver init -P "$EHR_ROOT/policies/hospital" -S site
	ehr 0 ehr-deliver enqueue -S site -q store/upload.json/intents.ndjson
	# The last resort waits for its time.
	ehr 75 ehr-deliver run -S site --drain
	[ "$(jq -r '[.kind, .ehr.rl] | join(" ")' site/spool/out/nina)" = 'data N' ]
	ref=$(jq -r .ref site/spool/out/nina)
	jq -c --arg ref "$ref" 'select("\(.ehr.id)/\(.ehr.rl)" == $ref)' store/upload.json/sealed.ndjson >told
	ehr 0 ehr-open --key tablet --now "$(date -u +%FT%TZ)" --record told
	[ "$(jq -c '[.id, .valueQuantity.value]' out)" = '["k1",7.1]' ]

	# What lies above her level stays shut, and a person whom the register does not have gets no keys.
	jq -c 'select(.ehr.rl == "R")' store/upload.json/sealed.ndjson >above
	ehr 7 ehr-open --key tablet --now "$(date -u +%FT%TZ)" above
	empty out
	enrolled other
	ehr 7 ehr-keys give -S site --device "$ID" --user otto --context context.json
	empty out
	has err decision-denied
	has err 'site/entities.ndjson: no user otto, and no rule permits anything to somebody of whom nothing is known'
}

@test "newcomer: the same upload as lines and packed; what is broken is left behind with a reason" {
	hospital_site
	own_upload
	mkdir uploads
	jq -c '.entry[].resource' upload.json >uploads/lines.ndjson
	gzip -c uploads/lines.ndjson >uploads/packed.ndjson.gz
	head -c 300 upload.json >uploads/cut.json
	# 5 of the broken one is worse than 1 of those of which nobody could be told.
	ehr 5 ehr-batch -S site uploads store
	has out '2 done, 0 known, 1 failed, 0 left'
	has err 'cut.json:1: truncated'
	has uploads/failed/cut.json.reason 'ehr-ingest 5'
	[ "$(wc -l <store/packed.ndjson.gz/sealed.ndjson)" -eq 8 ]
	ehr 0 ehr-batch -S site uploads store
}

# own_site POLICY ROLE: a site of that policy with a user sue of that role and a device of hers.
own_site() {
	ehr-keys make -P "$1" -S site >announcement || return
	printf '{"type":"user","id":"sue","properties":{"domain":"%s","structural_role":"%s"}}\n' "$1" "$2" >>site/entities.ndjson
	enrolled pad
}

@test "newcomer: readings of her own and a policy of ehr-policy new, up to staff who open what was lowered" {
	printf 'meter,at,value\nm-17,2026-11-28T10:00:00Z,1204.50\nm-17,2026-11-28T10:15:00Z,1204.75\nm-18,2026-11-28T10:00:00Z,88.10\n' >readings.csv
	jq -cRn '[inputs][1:][] | split(",") | {type: "reading", meter: .[0], at: .[1], value: (.[2] | tonumber)}' readings.csv >readings.ndjson
	ehr 5 ehr-policy new street --from readings.csv
	ehr 0 ehr-policy new street --from readings.ndjson
	has street/policy.yaml 'subject: [.meter]'
	sed -i 's/^    \.\(type\|at\|value\): restricted/    .\1: internal/' street/classify.yaml
	ehr 0 ehr-policy check -P street
	own_site street staff
	ehr 0 ehr-batch -S site readings.ndjson store
	echo '{"acr":"loa2","purpose":"HOPERAT"}' >context.json
	ehr 0 ehr-keys give -S site --device "$ID" --user sue --context context.json
	ehr-keys accept --keys pad <out
	jq -c 'select(.ehr.rl == "internal")' store/readings.ndjson/sealed.ndjson >internal
	ehr 0 ehr-open --key pad --now "$(date -u +%FT%TZ)" --record internal
	[ "$(head -n 1 out)" = '{"type":"reading","at":"2026-11-28T10:00:00Z","value":1204.5}' ] || {
		cat out
		return 1
	}
	jq -c 'select(.ehr.rl == "restricted")' store/readings.ndjson/sealed.ndjson >restricted
	ehr 7 ehr-open --key pad --now "$(date -u +%FT%TZ)" restricted
	# A weaker authentication gets none.
	echo '{"acr":"loa1","purpose":"HOPERAT"}' >context.json
	ehr 7 ehr-keys give -S site --device "$ID" --user sue --context context.json
}

@test "newcomer: a first policy of FHIR records gives a nurse her keys, and nobody else" {
	own_upload
	ehr 0 ehr-policy new ward --from upload.json
	own_site ward nurse
	echo '{"acr":"loa2","purpose":"TREAT"}' >context.json
	ehr 0 ehr-keys give -S site --device "$ID" --user sue --context context.json
	ehr 7 ehr-keys give -S site --device "$ID" --user otto --context context.json
}
