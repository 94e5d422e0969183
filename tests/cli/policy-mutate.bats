# ehr-policy test --mutate: whether the tests of a policy would miss its rules.
bats_require_minimum_version 1.5.0
load ../lib/ehr

tested() {
	rm -rf p
	mkdir -p p/tests
	printf 'policy: 1\nname: small\nserial: 1\nlevels: [{name: open, al: 0}, {name: shut, al: 7}]\nrecord: {type: {const: R}}\n' >p/policy.yaml
	cat >p/classify.yaml <<'END'
classify: 1
default: open
unknown_type: shut
opaque: shut
base: {R: {.: open}}
rules:
  - id: a
    say: A is shut, even "with }, [ in it".
    where:
      .a: {present: true}
    label: {level: shut}
  - {id: b, say: "B } is shut.", where: {.b: [x, "}"]}, at: match, label: {level: shut}}
  # The next one stands alone.
  - {id: c, say: All is shut., type: [R], where: {.c: 1}, label: {level: shut}}
criticality:
  order: [calm, urgent]
  default: calm
  unreadable: urgent
  rules: [{id: d, say: D., where: {.d: 1}, is: urgent, level: open}, {id: e, say: E., where: {.e: 1}, is: urgent, level: open}]
END
	printf 'redact: 1\nversions:\n  - {rl: open, say: All.}\n  - {rl: shut, say: All.}\n' >p/redact.yaml
	printf 'cases:\n' >p/tests/t.yaml
	for name in a b c; do
		printf '  - {record: {%s: %s}, expect: {level: shut}}\n' "$name" "$([ $name = b ] && echo x || echo 1)"
	done >>p/tests/t.yaml
	printf '  - {record: {z: 1}, expect: {level: open, criticality: calm}}\n  - {record: {d: 1}, expect: {criticality: urgent}}\n  - {record: {e: 1}, expect: {criticality: urgent}}\n' >>p/tests/t.yaml
}

@test "test --mutate: every rule removed and inverted is missed" {
	tested
	ehr 0 ehr-policy test -P p --mutate
	has out '10 of 10 changes are noticed by a test'
	lacks out 'not '
	# Without the option nothing changes.
	ehr 0 ehr-policy test -P p
	lacks out noticed
}

@test "test --mutate: a policy without rules has nothing to try" {
	tested
	sed -i '/^rules:/,/label: {level: shut}}$/d; /^  - {id: c/d; /^  # The/d; /^  rules:/d' p/classify.yaml
	printf 'cases:\n  - {record: {z: 1}, expect: {level: open}}\n' >p/tests/t.yaml
	ehr 0 ehr-policy test -P p --mutate
	has out 'p/classify.yaml has no rules to remove or invert: nothing was tried'
	lacks out ' of '
}

@test "test --mutate: a rule whose change no test notices is named" {
	tested
	sed -i '/{c: 1}/d; /{e: 1}/d' p/tests/t.yaml
	ehr 1 ehr-policy test -P p --mutate
	has out 'not noticed p/classify.yaml:14: c removed'
	has out 'not noticed p/classify.yaml:19: e removed'
	# The near miss notices the inversion.
	lacks out 'c inverted'
	has out '8 of 10 changes are noticed by a test'
	tested
	sed -i '/{z: 1}/d; /{[bcde]: /d' p/tests/t.yaml
	ehr 1 ehr-policy test -P p --mutate
	has out 'not noticed p/classify.yaml:12: b inverted'
}

@test "test --mutate: tests that do not hold are mended first" {
	tested
	sed -i 's/level: open, criticality/level: shut, criticality/' p/tests/t.yaml
	ehr 1 ehr-policy test -P p --mutate
	has out 'not ok 4'
	lacks out missed
	line 4 'ehr-policy test -P p --mutate >/dev/full'
	ehr 2 ehr-policy test -P p --mutate x
}

@test "the tests of the shipped policies notice each change of their rules" {
	for policy in "$EHR_ROOT"/policies/*/; do
		ehr 0 ehr-policy test -P "$policy" --mutate
		lacks out 'not noticed'
		lacks out 'not tried'
	done
}
