# ehr-policy conflicts: what consent directives say against the rules of the house.
bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/authz

# bare: what was found, without the witnesses.
bare() {
	jq -c '[.directive, .with, .kind]' out
}

@test "the common set: what clashes, what is settled, and what always overrides" {
	policy .
	ehr 1 ehr-policy conflicts -P P --consents "$cases/consents"
	empty err
	jq -c 'del(.witness, .facts)' out >got
	same got <"$cases/conflicts.ndjson"
}

@test "each witness holds when it is decided: the rule permits it, and the directive denies or cuts it" {
	mkdir active
	for set in . hospital; do
		policy "$set"
		rm -f active/*
		for file in "$cases/$set"/consents/*; do sed 's/^status: .*/status: active/' "$file" >"active/${file##*/}"; done
		ehr 1 ehr-policy conflicts -P P --consents active
		mv out found
		[ "$(wc -l <found)" -ge 9 ]
		while read -r line; do
			jq -c .witness <<<"$line" >request
			jq -c '.facts[]' <<<"$line" >facts
			ehr 0 ehr-authz -P P --consents active --facts facts request
			jq -e --argjson found "$line" '([.context.layers[] | {(.layer): .}] | add) as $l
				| ($l.organization.result == "Permit") and ($l.organization.rules | index($found.with))
				and ($l.consent.result == "Deny" or $l.consent.overridden_by
					or any(.context.obligations[].properties.action; . == "redact" or . == "keep-only"))' out >/dev/null
		done <found
	done
}

@test "an exception that lets the rule in is no clash, nor is a directive that permits all" {
	policy .
	ehr 1 ehr-policy conflicts -P P --consents "$cases/consents/p01.yaml"
	bare >got
	same got <<<'["c-01","B-3","conflict"]'
	ehr 0 ehr-policy conflicts -P P --consents "$cases/consents/p08.yaml"
	empty out
	empty err
}

@test "what house and law deny anyway is shadowed, and what no request meets is dead" {
	policy .
	cat >d.yaml <<-'END'
		ehr_authz: 1
		consent: d
		patient: p9
		status: draft
		base: deny
		acknowledges: [B-3]
		rules:
		  - {id: d-1, say: Sell it., effect: permit, why: [HMARKT]}
		  - {id: d-2, say: Clerks may read., effect: permit, who: {structural_role: clerk}, why: [TREAT]}
		  - {id: d-3, say: Physicians may., effect: permit, who: {structural_role: physician}, why: [ETREAT]}
		  - {id: d-4, say: No nurse but nurses., effect: deny, who: {structural_role: nurse}, except: [{who: {structural_role: nurse}}]}
		  - {id: d-5, say: On that day., effect: permit, why: [TREAT], when: {from: 2026-03-01T00:00:00Z, until: 2026-03-02T00:00:00Z}}
		  - {id: d-6, say: Nurses with a permission., effect: permit, who: {structural_role: nurse, permissions: {all: [PRD-006]}}}
		  - {id: d-7, say: Neither physician nor clerk., effect: deny, who: {structural_role: {not: [physician, clerk]}}}
	END
	ehr 1 ehr-policy conflicts -P P --consents d.yaml
	bare >got
	same got <<-'END'
		["d","B-3","settled"]
		["d","B-4","overridable"]
		["d","d-1","shadowed"]
		["d","d-2","shadowed"]
		["d","d-4","dead"]
	END
	[ "$(jq -r .status out | sort -u)" = draft ]
}

@test "the directives of a site; one that cannot be read is said; a limit is said, too" {
	policy hospital
	mkdir -p S/consents
	cp "$cases/hospital/consents/tom.yaml" S/consents/
	ehr 1 ehr-policy conflicts -P P -S S
	bare >got
	same got <<-'END'
		["c-tom","H-3","settled"]
		["c-tom","H-4","overridable"]
		["c-tom","H-5","overridable"]
	END
	ehr 1 ehr-policy conflicts -P P -S S --limit 1
	has err 'a search ended at the limit of 1 requests: there may be more'
	printf 'ehr_authz: 1\nconsent: x\npatient: x\nstatus: active\nbase: maybe\n' >S/consents/x.yaml
	ehr 1 ehr-policy conflicts -P P -S S
	has err 'S/consents/x.yaml:5:7: consent-unreadable: '
	lacks err 'consent-unreadable: consent-unreadable'
	ehr 2 ehr-policy conflicts -P P
	ehr 2 ehr-policy conflicts -P P -S S --limit 0
	ehr 2 ehr-policy conflicts -P P -S S more
	ehr 3 ehr-policy conflicts -P none -S S
	line 4 'ehr-policy conflicts -P P -S S >/dev/full'
}
