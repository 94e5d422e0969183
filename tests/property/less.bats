# What a decision on a part of the record gives is a part of what the decision on the whole gives, to the byte.
bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/authz
load ../lib/keys
load ../lib/trust

@test "asking for less gives no more, and no reference tells of what is withheld" {
	hospital
	ehr-keys make -P "$EHR_ROOT/policies/hospital" -S site >/dev/null
	ehr 0 python3 "$EHR_ROOT/tests/property/less.py" "$EHR_ROOT/policies/hospital" P S/facts.ndjson 7 40
	empty out
}

@test "asking for less gives no more by a grant or from sealed lines" {
	export F=$BATS_TEST_TMPDIR
	people
	for type in Observation Condition Encounter MedicationRequest; do
		for code in I10 F11.20 B20; do
			echo "{\"resourceType\":\"$type\",\"id\":\"$code\",\"subject\":{\"reference\":\"Patient/p1\"},\"reasonCode\":[{\"coding\":[{\"system\":\"http://hl7.org/fhir/sid/icd-10-cm\",\"code\":\"$code\"}]}]}"
		done
	done | ehr-classify -P "$P" 2>/dev/null | ehr-redact -P "$P" -S site | ehr-seal -P "$P" -S site >sealed
	rm site/consents/p1.yaml
	ehr 0 python3 "$EHR_ROOT/tests/property/granted.py" "$P" "$(ask read)" "$NOW" 7 12
	empty out
}
