# ehr-policy survey: what stands in records, and which rule speaks of it.
bats_require_minimum_version 1.5.0
load ../lib/ehr

@test "survey: with a policy the level and its rules stand in columns of their own" {
	echo '{"resourceType":"Patient","id":"p1"}' >s
	ehr 0 ehr-policy survey -P "$EHR_ROOT/policies/hospital" --now 2026-03-02T09:00:00Z s
	sed -n '3,6p' out >got
	same got <<'END'
Patient: 1 records
  path           records kind               level  because
  .resourceType  1       text               U      base
  .id            1       text               U      base
END
	ehr 0 ehr-policy survey --risk -P "$EHR_ROOT/policies/hospital" --now 2026-03-02T09:00:00Z s
	sed -n '4,5p' out >got
	same got <<'END'
  path           records kind               values  once    level  because
  .resourceType  1       text               1       1       U      base
END
}

@test "survey: paths, kinds, systems and units, and no value" {
	printf '{"resourceType":"Observation","id":"o1","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8867-4"},{"system":"urn:of:nobody","code":"Zzcode"}],"text":"Zztext"},"valueQuantity":{"value":72,"unit":"/min","system":"http://unitsofmeasure.org","code":"/min"},"contained":[{"resourceType":"Patient","birthDate":"1956-03-02"}]}\n{"resourceType":"Observation","valueQuantity":{"value":1,"unit":"smoots"}}\n' >s
	ehr 0 ehr-policy survey s
	empty err
	same out <<'END'
2 records, 2 types

Observation: 2 records
  path                   records kind
  .resourceType          2       text
  .id                    1       text
  .status                1       text
  .code.coding[].system  1       text
  .code.coding[].code    1       text
  .code.text             1       text
  .valueQuantity.value   2       a number
  .valueQuantity.unit    2       text
  .valueQuantity.system  1       text
  .valueQuantity.code    1       text
  .contained[]           1       an object

Patient: 1 records
  path           records kind
  .resourceType  1       text
  .birthDate     1       text, a date

 records    codes  in sets  no form  known      system
       1        1        0        0  no rows    http://loinc.org
       1        1        0        0  plain      http://unitsofmeasure.org
       1        1        0        0  unknown    urn:of:nobody

units
  /min    1       rate
  smoots  1       unknown: no rule can convert it
END
}

@test "survey: the level of each place, and the rules that gave it" {
	printf '{"resourceType":"Condition","id":"c1","code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"B20"}]}}\n{"resourceType":"Condition","id":"c2","code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"J00"}]}}\n' >s
	ehr 0 ehr-policy survey -P "$EHR_ROOT/policies/hospital" s
	grep -qE '^  \.code\.coding\[\]\.code +2 +text +N-R +.*hiv' out
	grep -qE '^ +2 +2 +1 +0 .* http://hl7.org/fhir/sid/icd-10-cm$' out
	lacks out B20
	lacks out J00
	# A line of ehr-ingest is the record behind its tags; a Bundle is its records.
	printf '{"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Condition","code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"B20"}]}}}]}\n' >b
	line 0 'ehr-ingest b | ehr-policy survey -P "$EHR_ROOT/policies/hospital" -'
	grep -qE '^Condition: 1 records' out
	lacks out .ehr
	ehr 0 ehr-policy survey b
	grep -qE '^Condition: 1 records' out
}

@test "survey --risk: values that occur once, and records that a version singles out" {
	for i in 1 2 3 4; do
		printf '{"id":"r-%s","meterId":"m","fuel":"gas","start":"2026-11-0%sT10:00:00Z","unit":"kWh","value":%s}\n' $i $((i / 4 + 1)) $((i / 4))
	done >s
	ehr 0 ehr-policy survey --risk -P "$EHR_ROOT/policies/meter" s
	grep -qE '^  \.id +4 +text +4 +4 ' out
	grep -qE '^  \.value +4 +a number +2 +1 ' out
	grep -qE '^  MeterReading +household +4 +0 +1 +1$' out
	grep -qE '^  MeterReading +open +4 +0 +0 +4$' out
	# Without a policy the values alone are counted.
	ehr 0 ehr-policy survey --risk s
	grep -qE '^  \.id +4 +text +4 +4 *$' out
	lacks out 'risk:'
}

@test "survey: bad records are said and left out, and names cannot move the cursor" {
	printf '{"a":1}\nSECRET\n' >s
	ehr 1 ehr-policy survey s
	has out '1 records, 1 types'
	has err 's:2: bad-syntax'
	lacks err SECRET
	printf 'SECRET\n' >s
	ehr 5 ehr-policy survey s
	empty out
	ehr 4 ehr-policy survey nowhere
	printf '{"code":{"coding":[{"system":"a\\u001bb\xe2\x80\xae","code":"x"}]},"k\xe2\x80\xaey":1}\n' >s
	ehr 0 ehr-policy survey s
	lacks out $'\xe2\x80\xae'
	lacks out $'\e'
	line 4 'ehr-policy survey s >/dev/full'
	ehr 2 ehr-policy survey a b
	has err "more than one file: 'b'"
}

@test "survey: code systems by the names in the records, what the policy knows of each, and nothing on stderr" {
	printf '%s\n' '{"resourceType":"Flag","code":{"coding":[{"system":"http://snomed.info/sct","code":"86406008"},{"system":"SCT","code":"86406009"},{"system":"urn:secret\u0007","code":"B20"},{"system":"urn:secret\u0007","code":"7"},{"code":"x"},{"system":"http://unitsofmeasure.org","code":"g"},{"system":"http://hl7.org/fhir/sid/cvx","code":"140"}]}}' \
		'{"resourceType":"Flag","code":{"coding":[{"system":"SCT","code":"1"},{"system":7,"code":"1"},{"system":"SCT","code":7}]}}' >in
	ehr 0 ehr-policy survey -P "$EHR_ROOT/policies/hospital" in
	empty err
	sed -n '/^ records/,/^$/p' out >systems
	same systems <<-'END'
		 records    codes  in sets  no form  known      system
		       2        2        0        2  in part    SCT
		       1        1        0        0  no system
		       1        1        0        0  no rows    http://hl7.org/fhir/sid/cvx
		       1        1        1        0  in part    http://snomed.info/sct
		       1        1        0        0  plain      http://unitsofmeasure.org
		       1        2        1        0  unknown    urn:secret?
	END
	cp out first
	ehr 0 ehr-policy survey -P "$EHR_ROOT/policies/hospital" <in
	cmp first out
	printf '{"a":}\n' >>in
	ehr 1 ehr-policy survey -P "$EHR_ROOT/policies/hospital" in
	has err 'in:3: bad-syntax'
	cmp first out
	ehr 4 ehr-policy survey -P "$EHR_ROOT/policies/hospital" missing
}
