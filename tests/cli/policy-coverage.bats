# ehr-policy test --coverage: which rules of access some test makes decide.
bats_require_minimum_version 1.5.0
load ../lib/ehr

covered() {
	rm -rf p
	mkdir -p p/tests p/authz
	printf 'policy: 1\nname: small\nserial: 1\nlevels: [{name: open, al: 0}, {name: shut, al: 7}]\nrecord: {type: {const: R}}\n' >p/policy.yaml
	printf 'classify: 1\ndefault: shut\nunknown_type: shut\nopaque: shut\nbase: {R: {.: open}}\n' >p/classify.yaml
	printf 'redact: 1\nversions:\n  - {rl: open, say: All.}\n  - {rl: shut, say: All.}\n' >p/redact.yaml
	printf 'ehr_authz: 1\nstructural_roles: [nurse, clerk, guest]\n' >p/authz/roles.yaml
	cat >p/authz/organization.yaml <<'END'
ehr_authz: 1
layer: organization
domain: house
default: deny
no_consent: permit
rules:
  - {id: a, effect: permit, say: Nurses may., who: {structural_role: nurse}, except: [{where: {route: [far]}}]}
  - {id: b, effect: permit, say: Clerks may., who: {structural_role: clerk}}
  - {id: c, effect: deny, say: Nobody may from abroad., where: {route: abroad}}
  - {id: d, effect: permit, say: Guests may., who: {structural_role: guest}}
END
	printf 'cases:\n' >p/tests/t.yaml
	for case in nurse:near:true nurse:far:false clerk:abroad:false; do
		IFS=: read -r role route decision <<<"$case"
		printf '  - {request: {subject: {type: user, id: x, properties: {domain: house, structural_role: %s}}, action: {name: read}, resource: {type: record, id: y, properties: {domain: house, patient: z}}, context: {purpose: TREAT, time: "2026-03-02T09:00:00Z", route: %s}}, expect: {decision: %s}}\n' "$role" "$route" "$decision"
	done >>p/tests/t.yaml
}

@test "test --coverage: what becomes of each rule and exception" {
	covered
	ehr 0 ehr-policy test -P p --coverage
	same out <<'END'
ok 1 - p/tests/t.yaml:2
ok 2 - p/tests/t.yaml:3
ok 3 - p/tests/t.yaml:4
1..3
# p/authz/organization.yaml:7: a: decided
# p/authz/organization.yaml:7: a, exception 1: taken
# p/authz/organization.yaml:8: b: held without deciding
# p/authz/organization.yaml:9: c: decided
# p/authz/organization.yaml:10: d: never held
# coverage: 3 of 5 rules and exceptions
END
	empty err
	# Without the option nothing is said of rules.
	ehr 0 ehr-policy test -P p
	lacks out '#'
}

@test "test --coverage=PCT: fewer are a failure" {
	covered
	ehr 0 ehr-policy test -P p --coverage=60
	ehr 1 ehr-policy test -P p --coverage=61
	has out 'coverage: 3 of 5'
	ehr 2 ehr-policy test -P p --coverage=101
	has err 'not a number from 0 to 100'
	ehr 2 ehr-policy test -P p --coverage=
	ehr 2 ehr-policy test -P p --coverage 60
	# Each file has facts of its own, and all files count together.
	sed -n '1p; 3p' p/tests/t.yaml >p/tests/u.yaml
	sed -i 3d p/tests/t.yaml
	ehr 0 ehr-policy test -P p --coverage=60
	# Tests that ask no request leave all rules out.
	rm p/tests/*
	ehr 1 ehr-policy test -P p --coverage=1
	has out 'd: never held'
	has out 'coverage: 0 of 5'
	# Without rules nothing is left out.
	rm -r p/authz
	ehr 0 ehr-policy test -P p --coverage=100
	has out 'coverage: 0 of 0'
	line 4 'ehr-policy test -P p --coverage >/dev/full'
}

@test "test --coverage: the shipped policies leave few rules out" {
	ehr 0 ehr-policy test -P "$EHR_ROOT/policies/hospital" --coverage=80
}

@test "test --coverage: rows of clearances, and the rules of directives that the tests bring" {
	covered
	printf 'ehr_authz: 1\nclearances:\n  - {who: {structural_role: [nurse, clerk]}, al: 7}\n  - {who: {structural_role: guest}, al: 7}\ncaps:\n  - {where: {route: near}, al: 0}\n  - {where: {route: moon}, al: 0}\n' >p/authz/clearances.yaml
	printf 'ehr_authz: 1\nconsent: c-z\npatient: z\nstatus: active\nbase: permit\nrules:\n  - {id: z-1, say: No clerks., effect: deny, who: {structural_role: clerk}}\n  - {id: z-2, say: No guests., effect: deny, who: {structural_role: guest}}\n' >p/tests/z.yaml
	mkdir p/tests/c
	mv p/tests/z.yaml p/tests/c/
	sed -i '1i consents: [c/z.yaml]' p/tests/t.yaml
	ehr 0 ehr-policy test -P p --coverage
	grep -e clearances -e directive -e coverage out >got
	same got <<'END'
# p/authz/clearances.yaml:3: AL 7: decided
# p/authz/clearances.yaml:4: AL 7: never held
# p/authz/clearances.yaml:6: at most AL 0: decided
# p/authz/clearances.yaml:7: at most AL 0: never held
# directive c-z: z-1: decided
# directive c-z: z-2: never held
# coverage: 6 of 11 rules and exceptions
END
}
