# ehr-policy check: what an officer should look at in the rules of access, each beside a near miss.
bats_require_minimum_version 1.5.0
load ../lib/ehr

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	export PATH="$EHR_BIN:$PATH"
	mkdir -p p/authz
	printf 'policy: 1\nname: small\nserial: 1\nlevels: [{name: open, al: 0}, {name: shut, al: 7}]\nrecord: {type: {const: R}}\n' >p/policy.yaml
	printf 'ehr_authz: 1\nstructural_roles: [nurse, clerk]\nroles: {staff: [nurse, clerk]}\nrelations: {treating: {object: patient}}\nacr: [weak, strong]\n' >p/authz/roles.yaml
}

# finds CODE RULE..: the findings of CODE about these rules, which stand on line 6 and on.
finds() {
	local code=$1
	shift
	{
		printf 'ehr_authz: 1\nlayer: organization\ndefault: deny\nno_consent: %s\nrules:\n' "${consent:-permit}"
		printf '  - {%s}\n' "$@"
	} >p/authz/organization.yaml
	ehr 3 ehr-policy check -P p
	sed -n "s|^ehr-policy: p/authz/\([a-z.]*:[0-9]*\):[0-9]*: warning: \($code: .*\)|\1 \2|p" err >found
}

permit='effect: permit, say: A., id: '
deny='effect: deny, say: A., id: '

@test "shadowed: a rule that another one stands for" {
	finds shadowed "${permit}a, who: {structural_role: nurse}, does: [read]" "${permit}b, who: {structural_role: staff}"
	same found <<<"organization.yaml:6 shadowed: 'b' holds wherever this rule does: take this rule out, or narrow the other"
	finds shadowed "${permit}a, who: {structural_role: nurse}" "${permit}b, who: {structural_role: nurse}"
	[ "$(wc -l <found)" -eq 1 ]
	finds shadowed "${permit}a, who: {structural_role: nurse}, why: [ETREAT]" "${deny}b, why: [TREAT]"
	same found <<<"organization.yaml:6 shadowed: 'b' denies whatever this rule permits: narrow it, or take this rule out"
	finds shadowed "${permit}a, who: {structural_role: nurse}, where: {acr: {at_least: strong}}" "${permit}b, who: {structural_role: nurse}, where: {acr: {at_least: weak}}"
	[ "$(cut -c 1-28 found)" = 'organization.yaml:6 shadowed' ]
	finds shadowed "${deny}a, where: {route: abroad}, does: [read]" "${deny}b, where: {route: abroad}"
	same found <<<"organization.yaml:6 shadowed: 'b' holds wherever this rule does: take this rule out, or narrow the other"
	# Near misses: an obligation, an exception, a part of the record, another attribute, a deny for a missing one.
	finds shadowed "${permit}a, who: {structural_role: nurse}, obligations: [{do: audit}]" "${permit}b, who: {structural_role: staff}"
	empty found
	finds shadowed "${permit}a, who: {structural_role: nurse}" "${permit}b, who: {structural_role: staff}, except: [{where: {route: far}}]"
	empty found
	finds shadowed "${permit}a, who: {structural_role: nurse}" "${permit}b, who: {structural_role: staff}, what: {label: [shut]}"
	empty found
	finds shadowed "${permit}a, who: {structural_role: nurse}" "${permit}b, who: {structural_role: staff}, where: {acr: {at_least: weak}}"
	empty found
	finds shadowed "${deny}a, where: {route: abroad}" "${deny}b, where: {route: abroad}, if_missing: skip"
	[ "$(wc -l <found)" -eq 1 ]
	has found 'organization.yaml:7 '
	finds shadowed "${permit}a, who: {structural_role: nurse}, why: [TREAT]" "${deny}b, why: [TREAT], except: [{who: {relation: treating}}]"
	empty found
}

@test "purposes: what a code reaches below it" {
	finds admits-btg "${permit}a, who: {structural_role: nurse}, why: [TREAT]" "${permit}b, who: {structural_role: nurse}, why: [BTG]"
	same found <<<'organization.yaml:6 admits-btg: this permit also admits who asks for BTG, which lies below its purpose: `except: [{why: [BTG]}]` keeps it out'
	finds admits-btg "${permit}a, who: {structural_role: nurse}, why: [TREAT], except: [{why: [BTG]}]" "${permit}b, who: {structural_role: nurse}, why: [BTG]" "${permit}c, who: {structural_role: nurse}, why: [HRESCH]"
	empty found
	# Nothing is there for breaking the glass.
	finds admits-btg "${permit}a, who: {structural_role: nurse}, why: [TREAT]"
	empty found
	finds stops-emergency "${deny}a, why: [TREAT]"
	has found 'organization.yaml:6 stops-emergency: this deny also stops ETREAT and BTG'
	finds stops-emergency "${deny}a, why: [TREAT], except: [{why: [ETREAT]}]" "${deny}b, why: [ETREAT]" "${deny}c, why: [HMARKT]"
	empty found
	finds spares-btg "${deny}a, why: [TREAT], except: [{why: [ETREAT]}]"
	has found 'organization.yaml:6 spares-btg: an exception for ETREAT holds for whoever says BTG, too'
	finds spares-btg "${deny}a, why: [TREAT], except: [{why: [BTG]}]"
	empty found
	finds abstract "${permit}a, who: {structural_role: nurse}, why: [PurposeOfUse]"
	has found 'organization.yaml:6 abstract: PurposeOfUse means every purpose'
	finds abstract "${permit}a, who: {structural_role: nurse}, why: [TREAT]"
	empty found
	consent=break-glass-only
	finds no-break-glass "${permit}a, who: {structural_role: nurse}, why: [TREAT]"
	has found 'organization.yaml:4 no-break-glass: no permit names BTG in its own `why`'
	finds no-break-glass "${permit}a, who: {structural_role: nurse}, why: [BTG]"
	empty found
}

@test "hides-from-patient: a deny that stops the patient herself" {
	finds hides-from-patient "${deny}a, what: {label: [shut]}"
	same found <<<'organization.yaml:6 hides-from-patient: this deny stops the patient herself: `except: [{same: [[subject.patient, resource.patient]]}]` spares her'
	finds hides-from-patient "${deny}a, what: {label: [shut]}, except: [{same: [[subject.patient, resource.patient]]}]" "${deny}b, why: [HMARKT]" "${deny}c, who: {structural_role: nurse}"
	empty found
}

@test "unused: names that no rule and no clearance has" {
	finds unused "${permit}a, who: {structural_role: nurse}"
	same found <<'END'
roles.yaml:2 unused: no rule, no clearance and no responders name these structural_roles: clerk; name them, or take them out
roles.yaml:3 unused: no rule, no clearance and no responders name these roles: staff; name them, or take them out
roles.yaml:4 unused: no rule, no clearance and no responders name these relations: treating; name them, or take them out
END
	# A group names its members, an exception and a clearance count.
	printf 'ehr_authz: 1\nclearances:\n  - {who: {relation: treating}, al: 7}\n' >p/authz/clearances.yaml
	finds unused "${permit}a, who: {structural_role: staff}"
	empty found
	printf 'ehr_authz: 1\nclasses: {few: [x], many: [few, y]}\n' >p/authz/classes.yaml
	finds unused "${permit}a, who: {structural_role: staff}" "${deny}b, why: [HRESCH], except: [{what: {class: few}}]"
	same found <<<'classes.yaml:2 unused: no rule, no clearance and no responders name these classes: many; name them, or take them out'
	# Who is told of something is told by her role.
	cp "$EHR_ROOT/policies/hospital/notify.yaml" p/
	sed -i 's/^  family: .*/  family: [clerk]/' p/notify.yaml
	finds unused "${permit}a, who: {relation: treating}"
	lacks found clerk
}

# rows ROW..: the clearances.
rows() {
	{
		printf 'ehr_authz: 1\nclearances:\n'
		printf '  - {%s}\n' "$@"
	} >p/authz/clearances.yaml
}

@test "no-row: a role that a permit lists and no clearance is for" {
	rows 'who: {structural_role: nurse}, al: 7'
	finds no-row "${permit}a, who: {structural_role: staff}" "${deny}b, who: {structural_role: clerk}, why: [HMARKT]"
	same found <<<'organization.yaml:6 no-row: this permits clerk, for whom p/authz/clearances.yaml has no row that gives an AL, so it comes to nothing: add a row'
	finds no-row "${permit}a, who: {structural_role: nurse}, does: [read]" "${permit}b, who: {type: device}, does: [create]"
	same found <<<'organization.yaml:7 no-row: this permits device, for whom p/authz/clearances.yaml has no row that gives an AL, so it comes to nothing: add a row'
	# A role may have the name of a class.
	printf 'ehr_authz: 1\nclasses: {clerk: [Account]}\n' >p/authz/classes.yaml
	finds no-row "${permit}a, who: {structural_role: clerk}, what: {class: clerk}"
	[ "$(cut -c 1-48 found)" = 'organization.yaml:6 no-row: this permits clerk, ' ]
	rm p/authz/classes.yaml
	# A row for another purpose than the rule's does not help, nor one for whom the clerk may be besides.
	rows 'who: {structural_role: nurse}, al: 7' 'who: {structural_role: clerk}, why: [HPAYMT], al: 7' 'who: {relation: treating}, al: 7'
	finds no-row "${permit}a, who: {structural_role: staff}, why: [TREAT]" "${permit}b, who: {structural_role: clerk}, why: [HPAYMT]"
	[ "$(cut -c 1-48 found)" = 'organization.yaml:6 no-row: this permits clerk, ' ]
	# Near misses: the relation is the rule's own, a row for all, a rule that lists nobody, no clearances at all.
	finds no-row "${permit}a, who: {structural_role: clerk, relation: treating}" "${permit}b, who: {relation: treating}" "${permit}c, who: {type: user}"
	empty found
	rows 'where: {route: house}, al: 0'
	finds no-row "${permit}a, who: {structural_role: staff}" "${permit}b, who: {type: device}"
	empty found
	rm p/authz/clearances.yaml
	finds no-row "${permit}a, who: {structural_role: staff}"
	empty found
	has err 'no-clearances'
	# A relation alone: of several one; not where a rule or a row has it together with a role.
	sed -i 's/^relations: .*/relations: {treating: {object: patient}, guardian: {object: patient}, supervises: {object: subject}}/' p/authz/roles.yaml
	rows 'who: {structural_role: nurse}, al: 7' 'who: {relation: treating}, al: 7'
	finds no-row "${permit}a, who: {relation: guardian}" "${permit}b, who: {type: user, relation: [treating, guardian]}" "${permit}c, who: {relation: treating}" \
		"${permit}d, who: {relation: {supervises: resource.author}}" "${permit}e, who: {structural_role: nurse, relation: {supervises: resource.author}}"
	[ "$(cut -d, -f1 found)" = 'organization.yaml:6 no-row: this permits guardian
organization.yaml:7 no-row: this permits guardian' ]
	rows 'who: {structural_role: nurse}, al: 7' 'who: {relation: [treating, guardian], type: user}, al: 1'
	finds no-row "${permit}a, who: {relation: guardian}" "${permit}b, who: {relation: guardian}, does: [read], why: [PATRQT]"
	empty found
	rows 'who: {structural_role: nurse}, al: 7' 'who: {relation: guardian}, why: [TREAT], al: 1'
	finds no-row "${permit}a, who: {relation: guardian}" "${permit}b, who: {relation: guardian}, does: [read], why: [PATRQT]"
	[ "$(cut -d, -f1 found)" = 'organization.yaml:7 no-row: this permits guardian' ]
	rm p/authz/clearances.yaml
	# The policies that ship have none.
	for p in "$EHR_ROOT"/policies/*; do
		ehr 0 ehr-policy check -P "$p"
		lacks err ' no-row: '
		lacks err ' not-carried-out: '
	done
}

@test "not-carried-out: an obligation that no program knows, or not as it stands" {
	finds not-carried-out "${permit}a, who: {structural_role: nurse}, obligations: [{do: audit, level: high}, {do: notify, to: officer}, {do: expire, after: 4h},
    {do: level, al: 7, rl: shut}, {do: redact, label: shut}, {do: redact, class: R},
    {do: watermark, colour: red},
    {do: keep-only, label: open},
    {do: redact, shade: dark},
    {do: redact, label: nowhere},
    {do: level, rl: shut},
    {do: level, al: 7, rl: none}, {do: step-up, acr_value: strong}]"
	sed 's/ not-carried-out: / /; s/so ehr-select and.*/../; s/, so no program.*//' found >short
	same short <<-'END'
		organization.yaml:8 no program knows the obligation 'watermark', ..
		organization.yaml:9 an obligation has a member that is not understood
		organization.yaml:10 an obligation has a member that is not understood
		organization.yaml:11 an obligation names a label that is no level, no category and no law
		organization.yaml:12 an obligation level names no authorization level that opens one
		organization.yaml:13 an obligation level names a level that the policy does not have
		organization.yaml:13 no program knows the obligation 'step-up', ..
	END
}
