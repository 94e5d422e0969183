# What a decision on a part of the record gives is a part of what the decision on the whole gives, to the byte.
bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/authz

@test "asking for less gives no more, and no reference tells of what is withheld" {
	hospital
	ehr-keys make -P "$EHR_ROOT/policies/hospital" -S site >/dev/null
	ehr 0 python3 "$EHR_ROOT/tests/property/less.py" "$EHR_ROOT/policies/hospital" P S/facts.ndjson 7 40
	empty out
}
