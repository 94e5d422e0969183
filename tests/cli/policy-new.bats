# ehr-policy new: a first policy from a sample of records.
bats_require_minimum_version 1.5.0
load ../lib/ehr

@test "new: a policy for records that are not FHIR runs at once, with every place at the top" {
	printf '{"id":"m1","time":"2026-11-01T10:00:00Z","meter":{"serial":"S1","unit":"kWh"},"odd key":[1,2],"power":7.40}\n{"id":"m2","time":"2026-11-02","power":1.0}\n' >s.ndjson
	ehr 0 ehr-policy new p --from s.ndjson
	empty err
	has out 'p: 2 records, 1 types; edit classify.yaml and redact.yaml'
	ehr 0 ehr-policy check -P p
	has err no-sign-off
	has p/classify.yaml '    .meter.serial: restricted # text, in 1 of 2'
	has p/classify.yaml '    .power: restricted # a number, in 2 of 2'
	has p/classify.yaml '    ".\"odd key\"[]": restricted # a number, in 1 of 2'
	has p/policy.yaml '  id: .id'
	has p/policy.yaml '  time: [.time]'
	lacks p/classify.yaml m1
	lacks p/classify.yaml S1
	lacks p/classify.yaml 7.40
	ehr 0 ehr-policy explain -P p --level internal s.ndjson
	has out 'Record/m1: level restricted'
	grep '^\.' out >rows
	[ "$(grep -cv withheld rows)" -eq 0 ]
	line 0 'ehr-classify -P p s.ndjson | jq -r .ehr.level'
	same out <<'END'
restricted
restricted
END
	sed -i 's/\.power: restricted/.power: public/' p/classify.yaml
	ehr 0 ehr-policy explain -P p --level internal s.ndjson
	grep '^\.power' out | grep -q shown
}

@test "new: a policy for FHIR records knows their types and what stands in them" {
	printf '{"resourceType":"Observation","id":"o1","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]},"contained":[{"resourceType":"Patient","birthDate":"1956-03-02"}],"valueQuantity":{"value":1.0}}\n' >s.ndjson
	ehr 0 ehr-policy new policies-ward --from - <s.ndjson
	has out '1 records, 2 types'
	ehr 0 ehr-policy check -P policies-ward
	has policies-ward/classify.yaml '    .valueQuantity: V # an object, in 1 of 1'
	has policies-ward/classify.yaml '    .birthDate: V # text, a date, in 1 of 1'
	lacks policies-ward/classify.yaml 1956
	lacks policies-ward/classify.yaml 8867
	line 0 'ehr-classify -P policies-ward s.ndjson | jq -r .ehr.level'
	same out <<'END'
V
END
}

@test "new: a sample whose types are not FHIR's is not taken for FHIR" {
	printf '{"resourceType":"MeterReading","value":1.0}\n' >s.ndjson
	ehr 0 ehr-policy new p --from s.ndjson
	ehr 0 ehr-policy check -P p
	has p/classify.yaml '  Record: # 1 records'
	has p/classify.yaml '    .resourceType: restricted # text'
	printf '{"resourceType":"Patient"}\n{"resourceType":"Patient"}\n{"resourceType":"MeterReading"}\n' >s.ndjson
	ehr 0 ehr-policy new q --from s.ndjson
	ehr 0 ehr-policy check -P q
	has q/classify.yaml '# 1 had types that FHIR R4 does not have'
	lacks q/classify.yaml MeterReading
}

@test "new: the whole pipeline takes the sample to sealed versions and back" {
	for sample in ward/upload.ndjson meter/readings.ndjson; do
		rm -rf p s
		cp "$EHR_ROOT/testdata/$sample" sample
		ehr 0 ehr-policy new p --from sample
		ehr 0 ehr-keys make -P p -S s
		line 0 'ehr-ingest <sample | ehr-classify -P p | ehr-redact -P p -S s | ehr-seal -P p -S s >sealed'
		[ "$(wc -l <sealed)" -eq "$(wc -l <sample)" ]
		line 0 'ehr-open -S s --record sealed | cmp - sample'
		line 0 'ehr-notify -P p -S s <sealed'
	done
}

@test "new writes nothing over what is there, and nothing from what is no record" {
	printf '{"id":1}\n' >s.ndjson
	mkdir there
	ehr 4 ehr-policy new there --from s.ndjson
	empty out
	has err 'there: File exists'
	ehr 4 ehr-policy new p --from nowhere
	empty out
	has err 'nowhere: No such file'
	printf '{"id":SECRET}\n' >bad.ndjson
	ehr 5 ehr-policy new p --from bad.ndjson
	empty out
	has err 'bad.ndjson:1: bad-syntax'
	lacks err SECRET
	printf '\n' >none.ndjson
	ehr 5 ehr-policy new p --from none.ndjson
	has err 'none.ndjson: no record'
	[ ! -e p ]
}

@test "new: the directory names the policy, if its name is a word" {
	printf '{"id":1}\n' >s.ndjson
	mkdir policies
	while read -r directory name; do
		ehr 0 ehr-policy new "$directory" --from s.ndjson
		has "$directory/policy.yaml" "name: $name"
	done <<'END'
policies/ward-2/ ward-2
ward ward
2b:c bc
null policy
example policy
9 policy
END
}
