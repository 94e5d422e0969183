load ../lib/ehr

# P10: a rule applies however the record spells what the rule is about.  Each line of the input must get a level of R
# or more, or be refused.
P=$EHR_ROOT/policies/hospital

# Prints the records of the file `in` that came out below R.  The level is in the tags.
low() {
	ehr-classify -P "$P" --on-error skip --max-refused 1000 in 2>err | sed -n '/^{"ehr":{[^}]*"level":"[RV]"/! s/.*"record"://p'
}

caught() {
	[ "$(wc -l <in)" -ge "$1" ]
	low >missed
	empty missed
}

condition() {
	printf '{"resourceType":"Condition","id":"c","code":{"coding":[{"system":%s,"code":%s}]}}\n' "$1" "$2"
}

@test "a code system may be named in many ways, or not at all" {
	local name
	for name in http://snomed.info/sct https://snomed.info/sct http://snomed.info/sct/ HTTP://SNOMED.info/SCT snomed.info/sct \
		urn:oid:2.16.840.1.113883.6.96 URN:OID:2.16.840.1.113883.6.96 2.16.840.1.113883.6.96 ' http://snomed.info/sct ' \
		'http://snomed.info/sct|20260301' 'http://snomed.info/sct#' 'http://snomed.info/sct?fhir_vs=ecl/1' \
		http://snomed.info/sct/731000124108 http://snomed.info/sct/731000124108/version/20260301 \
		'http:\/\/snomed.info\/sct' '\u0068ttp://snomed.info/sct' '' ' '; do
		condition "\"$name\"" '"86406008"'
	done >in
	for name in null 5 '["http://snomed.info/sct"]' '{}'; do
		condition "$name" '"86406008"'
	done >>in
	printf '{"resourceType":"Condition","id":"c","code":{"coding":[{"code":"86406008"}]}}\n' >>in
	for name in http://hl7.org/fhir/sid/icd-10-cm urn:oid:2.16.840.1.113883.6.90 http://hl7.org/fhir/sid/icd-10 'http://hl7.org/fhir/sid/icd-10-cm|2026'; do
		condition "\"$name\"" '"B20"'
	done >>in
	caught 26
}

@test "a code may be written in many ways" {
	local code
	for code in '"86406008 "' '" 86406008"' '"86406008\u00a0"' '"86406008\t"' '"\u0038640600\u0038"' 86406008 8.6406008e7 '["86406008"]' '{"x":1}'; do
		condition '"http://snomed.info/sct"' "$code"
	done >in
	for code in B20 b20 B20.0 b20.9 'B 20' B20. B20- ' B20 ' 'B20\u002e'; do
		condition '"http://hl7.org/fhir/sid/icd-10-cm"' "\"$code\""
	done >>in
	for code in '86406008|HIV infection|' '86406008:246112005=24484000' '284196006+86406008' '64572001:246075003=86406008'; do
		condition '"http://snomed.info/sct"' "\"$code\""
	done >>in
	# A system that cannot have the code was named by mistake.
	for code in http://loinc.org http://snomed.info/sct http://www.cms.gov/Medicare/Coding/ICD10 urn:local; do
		condition "\"$code\"" '"B20"'
	done >>in
	caught 26
	# The same code of another system that can have it means something else.
	{
		condition '"http://unitsofmeasure.org"' '"B20"'
		condition '"http://hl7.org/fhir/sid/icd-10-cm"' '"H00.34"'
		condition '"urn:local"' '"86406008"'
	} >in
	[ "$(low | wc -l)" -eq 3 ]
}

@test "a coding may stand anywhere" {
	local coding='{"system":"http://snomed.info/sct","code":"86406008"}' number='{"system":"http://snomed.info/sct","code":86406008}'
	local concept="{\"coding\":[$coding]}" condition
	condition="{\"resourceType\":\"Condition\",\"id\":\"i\",\"code\":$concept}"
	{
		local members
		for members in "\"valueCodeableConcept\":$concept" "\"reason\":[{\"concept\":$concept}]" "\"code\":{\"coding\":$coding}" \
			"\"code\":{\"coding\":[[$coding]]}" "\"extension\":[{\"url\":\"u\",\"extension\":[{\"url\":\"v\",\"valueCoding\":$coding}]}]" \
			"\"extension\":[{\"url\":\"u\",\"valueCoding\":$number}]" "\"modifierExtension\":[{\"url\":\"u\",\"valueCodeableConcept\":$concept}]" \
			"\"_status\":{\"extension\":[{\"url\":\"u\",\"valueCoding\":$coding}]}" "\"meta\":{\"tag\":[$coding]}" \
			"\"code\":{\"coding\":[{\"_code\":{\"extension\":[{\"url\":\"u\",\"valueCoding\":$coding}]}}]}" \
			"\"\\u0063ode\":{\"\\u0063oding\":[{\"s\\u0079s\\u0074em\":\"http://snomed.info/sct\",\"c\\u006fde\":\"86406008\"}]}" \
			"\"contained\":[$condition]" "\"contained\":$condition" "\"nobody\":{\"expects\":[{\"it\":$coding}]}" \
			"\"valueQuantity\":{\"value\":1,\"system\":\"http://snomed.info/sct\",\"code\":\"86406008\"}"; do
			printf '{"resourceType":"Observation","id":"o",%s}\n' "$members"
		done
		printf '{"resourceType":"Bundle","id":"b","entry":[{"resource":%s}]}\n' "$condition" "{\"resourceType\":\"List\",\"contained\":[$condition]}" \
			"{\"resourceType\":\"Bundle\",\"entry\":[{\"resource\":$condition}]}"
		printf '{"resourceType":"Parameters","id":"p","parameter":[{"name":"a","part":[{"name":"b","resource":%s}]}]}\n' "$condition"
	} >in
	caught 19
}

@test "a label that came along counts however it is written, and so does a type that nobody knows" {
	local conf=http://terminology.hl7.org/CodeSystem/v3-Confidentiality act=http://terminology.hl7.org/CodeSystem/v3-ActCode
	local inline=hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-inline-sec-label coding url
	{
		for coding in '"code":"R"' '"code":"r"' '"system":"","code":"R"' "\"system\":\"$conf\",\"code\":\"R\"" "\"system\":\"$conf\",\"code\":\"r\"" \
			"\"system\":\"$conf\",\"code\":\" R\"" "\"system\":\"$conf/\",\"code\":\"R\"" "\"system\":\"$conf|9\",\"code\":\"R\"" \
			'"system":"urn:oid:2.16.840.1.113883.5.25","code":"R"' '"system":"http://hl7.org/fhir/v3/Confidentiality","code":"R"' \
			"\"system\":\"$conf\",\"code\":\"VR\"" "\"system\":\"$act\",\"code\":\"HIV\"" "\"system\":\"$act\",\"code\":\"hiv\"" '"code":"HIV"' \
			'"\u0073ystem":"urn:oid:2.16.840.1.113883.5.25","cod\u0065":"\u0052"'; do
			printf '{"resourceType":"Condition","id":"c","meta":{"security":[{%s}]}}\n' "$coding"
		done
		printf '{"resourceType":"Condition","id":"c","meta":%s}\n' '[{"security":[{"code":"R"}]}]' '{"security":{"code":"R"}}' '{"security":"R"}'
		for url in "http://$inline" "https://$inline" "http://$inline/" "http://$inline|1.0.0"; do
			printf '{"resourceType":"Condition","id":"c","note":[{"text":"x","%s":[{"url":"%s","valueCoding":{"code":"R"}}]}]}\n' \
				extension "$url" modifierExtension "$url"
		done
		printf '{"resourceType":%s,"id":"c"}\n' '"patient"' '"Patient "' '["Patient"]' null '{}' '""'
		echo '{"id":"c"}'
	} >in
	caught 33
}

@test "what nobody can look into is opaque whatever stands beside it" {
	{
		printf '{"resourceType":"DocumentReference","id":"d","content":[{"attachment":{%s}}]}\n' '"contentType":"text/plain","data":"SElW"' '"data":"SElW"' \
			'"_contentType":{"id":"a"},"data":"SElW"' '"contentType":"text/plain","url":"data:text/plain;base64,SElW"'
		printf '{"resourceType":"Binary","id":"b","data":"SElW"}\n'
		printf '{"resourceType":"Patient","id":"p","identifier":[{"system":"%s","value":"1"}]}\n' http://hl7.org/fhir/sid/us-ssn \
			https://hl7.org/fhir/sid/us-ssn http://hl7.org/fhir/sid/us-ssn/ urn:oid:2.16.840.1.113883.4.1 2.16.840.1.113883.4.1
	} >in
	caught 10
	# Sampled data are no attachment.
	echo '{"resourceType":"Observation","id":"o","valueSampledData":{"origin":{"value":0},"period":10,"dimensions":1,"data":"2 3 5 7"}}' >in
	[ "$(low | wc -l)" -eq 1 ]
}

@test "a narrative has the highest level of its root however it is written" {
	ehr-keys make -P "$P" -S site >/dev/null
	printf '{"resourceType":"Condition","id":"c","text":%s,"severity":{"coding":[{"code":"plain"}]},"contained":[{"resourceType":"Basic","id":"i","meta":{"security":[{"code":"R"}]}}]}\n' \
		'{"status":"generated","div":"<div>roodborst</div>"}' '{"div":"roodborst"}' '{"d\u0069v":"roodborst"}' '"roodborst"' '[{"div":"roodborst"}]' \
		'{"status":"generated","_div":{"id":"roodborst"}}' '{"status":"generated","content":"roodborst"}' '{"div":{"p":["roodborst"]}}' >in
	ehr-classify -P "$P" in 2>/dev/null | ehr-redact -P "$P" -S site --levels N,R >versions
	[ "$(grep -c '"rl":"N".*plain' versions)" -eq 8 ]
	[ "$(grep -c '"rl":"R".*roodborst' versions)" -eq 8 ]
	! grep '"rl":"N".*roodborst' versions || return 1
}

# A code of a label that stays in a version tells that something is withheld.
@test "no code of a label is left in a version below it, wherever it stood" {
	local hiv='{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"%s"}' spelled
	local inline=hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-inline-sec-label
	ehr-keys make -P "$P" -S site >/dev/null
	for spelled in HIV hiv '\u0048IV'; do
		# shellcheck disable=SC2059
		coding=$(printf "$hiv" "$spelled")
		printf '{"resourceType":"Bundle","id":"b","type":"collection","entry":[{"resource":{"resourceType":"Observation","id":"o","status":"final","method":{"coding":[{"code":"plain"}]}%s}}]}\n' \
			",\"component\":[{\"extension\":[{\"url\":\"http://$inline\",\"valueCoding\":$coding}],\"valueString\":\"x\"}]" \
			",\"component\":[{\"extension\":[{\"url\":\"https://$inline|1\",\"valueCoding\":$coding}],\"valueString\":\"x\"}]" \
			",\"contained\":[{\"resourceType\":\"Basic\",\"id\":\"i\",\"meta\":{\"security\":[$coding]}}]" \
			",\"contained\":[{\"resourceType\":\"Basic\",\"id\":\"i\",\"meta\":[{\"security\":[$coding]}]}]"
	done >in
	ehr-classify -P "$P" in 2>/dev/null | ehr-redact -P "$P" -S site --levels L,N >versions
	[ "$(grep -c '"rl":"N".*plain' versions)" -eq 12 ]
	! grep -i -e '"hiv"' -e '0048IV' -e inline-sec versions || return 1
}

# Each character of each name is written as an escape.  Then a version has the same values.
@test "a record whose names are written with escapes gets the same versions" {
	local x sibling
	local inline='{"url":"http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-inline-sec-label","valueCoding":{
"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"R"}}'
	ehr-keys make -P "$P" -S site >/dev/null
	{
		grep -hv '^#' "$EHR_ROOT"/testdata/canary/places.ndjson
		for x in ab '\u0061b'; do
			for sibling in _ab '\u005fab' '_\u0061b'; do
				printf '{"resourceType":"Basic","id":"e","code":{"text":"pulse"},"%s":"w","%s":{"extension":[%s]}}\n' \
					"$x" "$sibling" "${inline//$'\n'/}"
			done
		done
		printf '{"resourceType":"Patient","id":"e","photo":[{"url":"https://h.example/p/2"}]}\n'
		printf '{"resourceType":"Encounter","id":"e","class":{"code":"AMB"},"period":{"start":"2017-02-01"},%s}\n' \
			'"subject":{"reference":"Patient/p"},"reasonCode":[{"text":"pulse"}]'
	} >plain
	perl -pe 's/"([^"\\]+)":/"\"" . join("", map { sprintf "\\u%04x", ord } split "", $1) . "\":"/ge' plain >escaped
	cmp -s plain escaped && false
	for i in plain escaped; do
		ehr-classify -P "$P" "$i" >labelled 2>err
		ehr-redact -P "$P" -S site labelled 2>err | jq -cS . | sed "s,/~[0-9a-f]*,/DIGEST,g" >"$i.out"
	done
	[ "$(wc -l <plain.out)" -eq 228 ]
	same escaped.out <plain.out
}
