# ehr-policy check: paths of a FHIR policy beside the elements of FHIR R4.
bats_require_minimum_version 1.5.0
load ../lib/ehr

# A first policy for FHIR, with classify.yaml and redact.yaml of the test.
fhir() {
	printf '{"resourceType":"Observation","id":"o1"}\n' >s
	rm -rf p
	ehr 0 ehr-policy new p --from s
	{
		printf 'classify: 1\nsign_off: {by: A, at: 2026-11-01, serial: 1}\ndefault: N\nunknown_type: V\nopaque: R\nbase:\n'
		cat "$1"
		printf 'criticality: {order: [routine], default: routine, unreadable: routine}\n'
	} >p/classify.yaml
	{
		printf 'redact: 1\npresence: hidden\nversions:\n'
		[ ! -s "$2" ] || printf '  - rl: L\n    say: Few.\n'
		[ ! -s "$2" ] || cat "$2"
		printf '  - {rl: V, say: All.}\n'
	} >p/redact.yaml
	rm -rf p/tests
	printf 'notify: 1\ngrants: {max_lifetime: 365d, revocation: optional}\npayload: [empty]\nresponders: {team: [nurse]}\ntiers:\n  routine: {dispatch: 12h, expires: 72h, steps: [{to: [team]}]}\n' >p/notify.yaml
}

@test "unknown-path: a mistyped element fails open, so it is said; near misses are not" {
	cat >c <<'END'
  Observation: {.: N, .vlaueQuantity: R, .category.coding: R, .status.code: R, ".component[].code.coding[].shown": R}
rules:
  - {id: a, say: A., type: [Patient], where: {.birthdate: {present: true}}, at: .gendr, label: {level: R}}
  - {id: b, say: B., where: {any: [{.nowhere: x}, {.status: final}]}, label: {level: R}}
  - {id: c, say: C., type: [Observation], where: {".component[]": {where: {.cod: {present: true}, any: [{.code.txt: x}]}}}, label: {level: R}}
END
	: >r
	fhir c r
	ehr 0 ehr-policy check -P p
	has err 'classify.yaml:7:23: warning: unknown-path: .vlaueQuantity is no element of Observation in FHIR R4'
	has err 'unknown-path: .category is a list in FHIR R4: write .category[] to go on'
	has err 'unknown-path: .status holds no elements in FHIR R4, so there is no .code in it'
	has err 'unknown-path: .component[].code.coding[].shown is no element of Observation'
	has err 'unknown-path: .birthdate is no element of Patient'
	has err 'unknown-path: .gendr is no element of Patient'
	has err 'unknown-path: .nowhere is no element of any type'
	has err 'unknown-path: .component[].cod is no element of Observation'
	has err 'unknown-path: .component[].code.txt is no element of Observation'
	[ "$(grep -c unknown-path err)" -eq 9 ]
	cat >c <<'END'
  Observation: {.: N, ".category[].coding": R, ._status: R, ".extension[].valueString": R, .effectivePeriod.start: R, ".component[0].valueRatio.numerator.value": R, ".contained[].anything": R, .subject.reference: R, "..|.display?": R, ".category[].coding[] | select(.system == \"x\")": R, .resourceType: U}
  Questionnaire: {.: N, ".item[].item[].item[].linkId": R, .meta.profile: U}
rules:
  - {id: a, say: A., where: {.birthDate: {present: true}, ".identifier[].system": x}, label: {level: R}}
  - {id: b, say: B., where: {".identifier[]": {where: {.system: x, .value: {present: true}}}, ".extension[]": {where: {.url: u, .valueBoolean: true}}}, label: {level: R}}
END
	fhir c r
	ehr 0 ehr-policy check -P p
	lacks err unknown-path
	# In extensions, too, of which one value is no gap.
	cat >c <<'END'
  Patient: {.: N, ".extension[].valueStrin": R, ".extension.valueString": R, ".name[].extension[].valueCoding.ssystem": R, "._birthDate.extension[].vlue": R, ".birthDate.extension[].url": R}
rules:
  - {id: a, say: A., where: {".extension[] | select(.url == \"u\") | .value": {present: true}}, label: {level: R}}
END
	fhir c r
	ehr 0 ehr-policy check -P p
	has err 'unknown-path: .extension[].valueStrin is no element of Patient'
	has err 'unknown-path: .extension is a list in FHIR R4: write .extension[] to go on'
	has err 'unknown-path: .name[].extension[].valueCoding.ssystem is no element of Patient'
	has err 'unknown-path: ._birthDate.extension[].vlue is no element of Patient'
	has err 'unknown-path: .birthDate holds no elements in FHIR R4, so there is no .extension in it'
	has err 'unknown-path: .extension[] | select(.url == "u") | .value is no element of any type'
	[ "$(grep -c unknown-path err)" -eq 6 ]
	cat >c <<'END'
  Patient: {.: N, ".extension[].valueString": R, "._birthDate.extension[].valueCode": R, ".name[]._given[].extension[].extension[].url": R}
rules:
  - {id: a, say: A., where: {".extension[] | select(.url == \"u\") | .valueString": {present: true}}, label: {level: R}}
END
	fhir c r
	ehr 0 ehr-policy check -P p
	lacks err unknown-path
	lacks err choice-gap
}

@test "choice-gap: what raises one form of a choice is told of the others" {
	cat >c <<'END'
  Observation: {.: N, .valueQuantity: R}
rules:
  - {id: a, say: A., type: [MedicationRequest], at: .medicationCodeableConcept, label: {level: R}}
  - {id: b, say: B., type: [Patient], where: {.deceasedDateTime: {present: true}}, label: {level: R}}
END
	: >r
	fhir c r
	ehr 0 ehr-policy check -P p
	has err 'choice-gap: .valueQuantity is one form of value[x]; this does not reach .valueCodeableConcept, .valueString'
	has err 'choice-gap: .medicationCodeableConcept is one form of medication[x]; this does not reach .medicationReference'
	has err 'choice-gap: .deceasedDateTime is one form of deceased[x]; this does not reach .deceasedBoolean'
	# All forms, a test of the value itself, and a level that lowers leave no gap.
	cat >c <<'END'
  Observation: {.: N, .valueQuantity: L}
rules:
  - {id: a, say: A., type: [MedicationRequest], at: ".medicationCodeableConcept, .medicationReference", label: {level: R}}
  - {id: b, say: B., type: [Observation], where: {.valueQuantity: {above: 5 kg}}, label: {level: R}}
END
	fhir c r
	ehr 0 ehr-policy check -P p
	lacks err choice-gap
}

@test "lowered-by-base: parts below their root are listed for whoever signs" {
	printf '  Observation: {.: N, .status: L, .code: U, .note: R}\n  Patient: {.: L}\n' >c
	: >r
	fhir c r
	ehr 0 ehr-policy check -P p
	has err 'lowered-by-base: 2 parts of Observation stand below N: .status, .code'
	[ "$(grep -c lowered-by-base err)" -eq 1 ]
}

@test "kind: an operation that the element cannot bear is an error" {
	printf '  Observation: {.: L}\n  Patient: {.: L}\n' >c
	cat >r <<'END'
    transforms:
      - {id: a, say: A., type: [Patient], at: .gender, do: {round: {to: 1}}}
      - {id: b, say: B., type: [Observation], at: .issued, do: {truncate: year}}
      - {id: c, say: C., type: [Observation], at: .valueQuantity, do: {band: {width: 5, from: 0, cap: 50}}}
      - {id: d, say: D., type: [Patient], at: ".address[].city", do: {truncate: day}}
END
	fhir c r
	ehr 3 ehr-policy check -P p
	empty out
	has err 'kind: round wants a number, and .gender is of type code in FHIR R4'
	has err 'warning: kind: .issued is an instant in FHIR R4, which has a time of day'
	has err 'kind: band wants a number, and .valueQuantity is of type Quantity'
	has err 'kind: truncate wants a date, and .address[].city is of type string'
	cat >r <<'END'
    transforms:
      - {id: a, say: A., type: [Observation], at: .valueQuantity.value, do: {round: {to: 1}}}
      - {id: b, say: B., type: [Observation], at: .issued, do: {truncate: hour}}
      - {id: c, say: C., type: [Patient], at: .birthDate, do: {truncate: year}}
      - {id: d, say: D., type: [Patient], at: .gender, do: mask}
END
	fhir c r
	ehr 0 ehr-policy check -P p
	lacks err kind:
	# A comma binds more tightly than a pipe.
	cat >r <<'END'
    transforms:
      - {id: a, say: A., at: '.onsetAge, .abatementAge | select(.code == "a") | .value', do: {band: {width: 1, cap: 90}}}
END
	fhir c r
	ehr 0 ehr-policy check -P p
	lacks err kind:
}

@test "one run tells of all faults of a file, and of none that follows from another" {
	cat >c <<'END'
  Observation: {.: N, .status: Q}
  Patient: {.: N, .gender: L}
  Encounter: {.: Z}
value_sets:
  hiv: {file: nowhere.tsv, category: [HIV]}
rules:
  - {id: a, say: A., where: {anywhere: {in: hiv}}, label: {level: R}}
  - {id: b, say: B., where: {.x: 1}, mark: {level: R}}
  - id: c
    say: C.
    where: {.weight: {below: 5 smoots}}
    label: {level: R}
  - {id: d, say: D., where: {.x: 1}, label: {level: K}}
END
	: >r
	fhir c r
	sed -i 's/^default: N/default: Y/' p/classify.yaml
	ehr 3 ehr-policy check -P p
	grep -v warning: err >faults
	for text in "unknown level 'Y'" "unknown level 'Q'" "unknown level 'Z'" "nowhere.tsv" "'label' is missing" smoots "unknown level 'K'"; do
		has faults "$text"
	done
	[ "$(wc -l <faults)" -eq 7 ]
}

# faults_of FILE SED: what one run says of the hospital's policy after that edit, a line a fault, with its text up to
# the first comma.
faults_of() {
	rm -rf p
	cp -r "$EHR_ROOT/policies/hospital" p
	sed -i "$2" "p/$1"
	ehr 3 ehr-policy check -P p
	empty out
	grep -v warning: err | sed -E 's/^ehr-policy: p\///; s/:[0-9]+: /: /; s/,.*//'
}

@test "one run tells of all faults of seal.yaml, notify.yaml and policy.yaml" {
	faults_of seal.yaml 's/^domain: .*/domain: a b/; s/^padding: .*/padding: 7/; s/id: stable/id: stabel/; s/^rekey_lines/rekey_line/' >got
	diff got - <<'END'
seal.yaml:6: not a name for a domain
seal.yaml:7: unknown word 'stabel'
seal.yaml:8: expected a whole number from 16 to 65536
seal.yaml:9: unknown key 'rekey_line'
END
	faults_of notify.yaml 's/^payload: .*/payload: [blank, reference]/; s/paramedic/paramedics/; s/dispatch: 30s/dispatch: 30x/
		s/to: .supervisor, family./to: [supervisr, family]/; s/^critical_floor: .*/critical_floor: notify/' >got
	diff got - <<'END'
notify.yaml:8: unknown word 'blank'
notify.yaml:10: unknown role 'paramedics'
notify.yaml:29: expected a duration such as 60s
notify.yaml:35: unknown class 'supervisr'
notify.yaml:74: unknown word 'notify'
END
	faults_of policy.yaml 's/al: 2}/al: 1}/; s/name: R, al/name: R, la/; s/^  id: .*/  id: .a[/; s/^  time:/  tim:/; s/^policy: 1/policy: 2/' >got
	diff got - <<'END'
policy.yaml:5: expected the number 1
policy.yaml:11: ladder-order: al 1
policy.yaml:13: 'al' is missing
policy.yaml:18: bad-path: at byte 4: expected a path of .a "b" [] [3] .. | and select(.a == 1) alone
policy.yaml:38: unknown key 'tim'
END
}

@test "one run tells of all faults of a file in authz/" {
	faults_of authz/organization.yaml 's/treating}, does: .access., why: .TREAT., except/treeting}, does: [access], why: [TREAT], except/
		s/why: .ETREAT.,$/why: [ETRAET],/; s/does: .create./does: [creat]/; s/functional_role: investigator/functional_role: investigatr/' >got
	diff got - <<'END'
authz/organization.yaml:12: unknown relation 'treeting'
authz/organization.yaml:23: unknown purpose 'ETRAET'
authz/organization.yaml:29: unknown action 'creat'
authz/organization.yaml:35: unknown role 'investigatr'
END
	faults_of authz/clearances.yaml 's/investigator/investigatr/; s/loa2/loa7/; s/al: 2, fresh/al: 200, fresh/; s/longest: 30d/longest: 30/' >got
	diff got - <<'END'
authz/clearances.yaml:16: unknown role 'investigatr'
authz/clearances.yaml:19: unknown acr 'loa7'
authz/clearances.yaml:22: expected a whole number from 0 to 99
authz/clearances.yaml:25: a number
END
	# Roles that go with a fault are not called unknown elsewhere.
	faults_of authz/roles.yaml 's/^structural_roles: .physician/structural_roles: [7, physician/; s/object: subject}/object: subjct}/' >got
	diff got - <<'END'
authz/roles.yaml:2: a number
authz/roles.yaml:17: unknown word 'subjct'
END
}

@test "one run tells of all faults of a value set, of codes and of terms" {
	faults_of valuesets/tests.tsv '4s/\t/ /; 9s/\t$/\t2020/; 12s/^[^\t]*//; 20s/\t[^\t]*/\t/' >got
	diff got - <<'END'
valuesets/tests.tsv:4: expected six columns
valuesets/tests.tsv:9: expected a date YYYY-MM-DD or nothing
valuesets/tests.tsv:12: a row without a system
valuesets/tests.tsv:20: a row without a code
END
	faults_of valuesets/hiv-words.tsv '3s/\t[a-z]*\tHIV/\tger\tHIV/; 5s/\tstem\t/\tstam\t/; 8s/\tcaps\t/\tcpas\t/' >got
	sort -c -t: -k2n got
	[ "$(wc -l <got)" -eq 3 ]
	[ "$(cut -d: -f2 got | tr '\n' ' ')" = '3 5 8 ' ]
}

@test "unknown-path: a name that is nearly one of FHIR R4 is misspelt, that of another version is not" {
	cat >c <<'END'
  Observation: {.: N}
summaries: {"*": [note, commentq, conclusionq, diagnostics, comment, comments], CareTeam: [.nameq, .name]}
references: {Practitioner: [perfromer, requester, verifiedWith]}
codes_in: [linkId, questionnaireq, instantiates]
terms: {skip: [name.famly, line], around: [text, medication], entry: [resonCode], base64: [data, blob]}
END
	: >r
	fhir c r
	ehr 0 ehr-policy check -P p
	grep -o 'unknown-path.*' err | sort >got
	diff got - <<'END'
unknown-path: .nameq is no element of CareTeam in FHIR R4
unknown-path: no element of FHIR R4 has the name conclusionq, did you mean 'conclusion'?
unknown-path: no element of FHIR R4 has the name famly, did you mean 'family'?
unknown-path: no element of FHIR R4 has the name perfromer, did you mean 'performer'?
unknown-path: no element of FHIR R4 has the name questionnaireq, did you mean 'questionnaire'?
unknown-path: no element of FHIR R4 has the name resonCode, did you mean 'reasonCode'?
END
}

@test "free-text-kept: texts that a version shows beside withheld entries and no summary names" {
	cat >c <<'END'
  Condition: {.: N}
  DiagnosticReport: {.: N}
  Invoice: {.: N}
  Questionnaire: {.: U}
summaries: {"*": [conclusion], Invoice: [.note]}
END
	printf '    presence: shown\n' >r
	fhir c r
	ehr 0 ehr-policy check -P p
	[ "$(grep -c free-text-kept err)" -eq 1 ]
	has err 'keeps beside what it withholds: Condition.note, Invoice.paymentTerms'
	# Named, or not kept.
	sed -i 's/^summaries: .*/summaries: {"*": [conclusion, note, paymentTerms]}/' p/classify.yaml
	ehr 0 ehr-policy check -P p
	lacks err free-text-kept
	sed -i 's/^summaries: .*/summaries: {"*": [conclusion], Condition: [], Invoice: []}/' p/classify.yaml
	ehr 0 ehr-policy check -P p
	lacks err free-text-kept
	printf '    keep: {Condition: [.id]}\n' >r
	fhir c r
	ehr 0 ehr-policy check -P p
	lacks err free-text-kept
}

@test "authz/: no clearances, a permit for anybody, a rule that no request meets, a deny that fails open" {
	cp -r "$EHR_ROOT/policies/hospital" authz-check
	chmod -R u+w authz-check
	ehr 0 ehr-policy check -P authz-check
	[ "$(grep authz/ err | grep -cv 'admits-btg\|unused')" -eq 0 ]
	rm authz-check/authz/clearances.yaml
	cat >>authz-check/authz/organization.yaml <<-'END'
		  - {id: X-1, say: All may., effect: permit, does: [read], why: [TREAT]}
		  - {id: X-2, say: Never., effect: permit, who: {structural_role: nurse}, does: [read], except: [{does: [read]}]}
		  - {id: X-3, say: Open., effect: deny, who: {structural_role: nurse, ward: "9"}, does: [read], if_missing: skip}
		  - {id: X-4, say: Of a ward., effect: permit, who: {ward: "9"}, does: [read]}
		  - {id: X-5, say: Of their own ward., effect: permit, same: [[subject.ward, resource.ward]], does: [read]}
		  - {id: X-6, say: By a way that is left out., effect: permit, who: {structural_role: nurse}, except: [{where: {route: [vpn]}}, {where: {route: {not: [vpn]}}}], where: {route: [vpn]}}
	END
	ehr 0 ehr-policy check -P authz-check
	grep -e authz/ -e clearances err | grep -v -e admits-btg -e unused -e shadowed >got
	same got <<-'END'
		ehr-policy: authz-check: warning: no-clearances: without authz/clearances.yaml decisions name no level, and no program gives anything by them unless it is told one
		ehr-policy: authz-check/authz/organization.yaml:54:5: warning: permits-anybody: this permit does not say who
		ehr-policy: authz-check/authz/organization.yaml:55:5: warning: never: no request meets this rule
		ehr-policy: authz-check/authz/organization.yaml:56:5: warning: fails-open: with if_missing: skip, a request that leaves an attribute out escapes this deny
		ehr-policy: authz-check/authz/organization.yaml:59:5: warning: never: no request meets this rule
	END
}

@test "check: notify.yaml promises what it cannot keep" {
	cp -r "$EHR_ROOT/policies/hospital" P
	sed -i 's/^    ack: 60s/    ack: 2m/' P/notify.yaml
	echo 'drain_every: 60s' >>P/notify.yaml
	ehr 0 ehr-policy check -P P
	grep -oE "(ack|drain)-late: .*" err >got
	same got <<-'END'
		ack-late: step 2 of 'critical' is told before the one before it had its time to answer
		drain-late: 'critical' is to be sent sooner than a job looks (drain_every)
		drain-late: 'high' is to be sent sooner than a job looks (drain_every)
	END
	sed -i 's/timeout: 60s/timeout: long/' P/notify.yaml
	ehr 3 ehr-policy check -P P
	has err "P/notify.yaml:$(grep -n 'timeout: long' P/notify.yaml | cut -d: -f1):14: "
}

@test "a value that no other one can stand in for is said, whatever stands behind it" {
	cp -r "$EHR_ROOT/policies/hospital" p
	for change in 's/^pseudonyms:.*/pseudonyms: 7/' 's/^padding:.*/padding: {}/' '$a tags: 7'; do
		cp "$EHR_ROOT/policies/hospital/seal.yaml" p/
		sed -i "/^tags:/d; $change" p/seal.yaml
		ehr 3 ehr-policy check -P p
		has err 'p/seal.yaml:'
	done
}
