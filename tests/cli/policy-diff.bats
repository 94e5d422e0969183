# ehr-policy diff: which requests two policies decide differently.
bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/authz

# house DIR RULES: a policy of few words, so that all requests are tried.
house() {
	mkdir -p "$1/authz"
	printf 'policy: 1\nname: small\nserial: 1\nlevels: [{name: open, al: 0}, {name: shut, al: 7}]\nrecord: {type: {const: R}}\n' >"$1/policy.yaml"
	printf 'ehr_authz: 1\nstructural_roles: [nurse, clerk]\n' >"$1/authz/roles.yaml"
	printf 'ehr_authz: 1\nlayer: organization\ndomain: house\ndefault: deny\nno_consent: permit\nrules:\n%s\n' "$2" >"$1/authz/organization.yaml"
}

nurses='  - {id: a, effect: permit, say: Nurses may read., who: {structural_role: nurse}, does: [read]}'
clerks='  - {id: b, effect: permit, say: "Clerks may read \"all\".", who: {structural_role: clerk}, does: [read]}'

@test "diff: the same policy, and one of other words that decides alike" {
	house A "$nurses"
	ehr 0 ehr-policy diff A A
	empty out
	empty err
	# The order of rules and keys, and comments.
	house A "$nurses"$'\n'"$clerks"
	house B "$clerks"$'\n  - {who: {structural_role: nurse}, say: Nurses may read., id: a, effect: permit, does: [read]} # first'
	ehr 0 ehr-policy diff A B
	empty out
	# One rule for two that said the same.
	house B '  - {id: c, effect: permit, say: Both., who: {structural_role: [nurse, clerk]}, does: [read]}'
	ehr 0 ehr-policy diff A B
	same out <<'END'
A/authz/organization.yaml:7:5: rule a is gone
A/authz/organization.yaml:8:5: rule b is gone
B/authz/organization.yaml:7:5: rule c is new
END
	empty err
}

@test "diff: an example of each difference, with both answers and the rules' sentences" {
	house A "$nurses"
	house B "${nurses/\[read\]/[search]}"$'\n'"$clerks"
	ehr 1 ehr-policy diff A B
	empty err
	same out <<'END'
B/authz/organization.yaml:7:5: rule a is changed
B/authz/organization.yaml:8:5: rule b is new

1. denied before, permitted now
request: {"subject":{"type":"user","id":"someone","properties":{"domain":"house","structural_role":"nurse"}},"action":{"name":"search"},"resource":{"type":"record","id":"witness","properties":{"domain":"house","patient":"the-patient"}},"context":{"time":"2026-01-01T00:00:00Z"}}
was: denied by organization: No rule permits this, and what no rule permits is denied.
now: permitted
  a: Nurses may read.

2. denied before, permitted now
request: {"subject":{"type":"user","id":"someone","properties":{"domain":"house","structural_role":"clerk"}},"action":{"name":"read"},"resource":{"type":"record","id":"witness","properties":{"domain":"house","patient":"the-patient"}},"context":{"time":"2026-01-01T00:00:00Z"}}
was: denied by organization: No rule permits this, and what no rule permits is denied.
now: permitted
  b: Clerks may read "all".

3. permitted before, denied now
request: {"subject":{"type":"user","id":"someone","properties":{"domain":"house","structural_role":"nurse"}},"action":{"name":"read"},"resource":{"type":"record","id":"witness","properties":{"domain":"house","patient":"the-patient"}},"context":{"time":"2026-01-01T00:00:00Z"}}
was: permitted
  a: Nurses may read.
now: denied by organization: No rule permits this, and what no rule permits is denied.
END
}

@test "diff: what only a request with several values shows, or with an action that no rule names" {
	house A "$nurses"
	house B "${nurses/, does: \[read\]/}"
	ehr 1 ehr-policy diff A B
	has out '"action":{"name":"other"}'
	house A "$nurses"
	house B "$nurses"$'\n  - {id: d, effect: deny, say: No clerks., who: {structural_role: clerk}}'
	ehr 1 ehr-policy diff A B
	has out 'permitted before, denied now'
	has out '"structural_role":["nurse","clerk"]'
}

@test "diff: settings, groups, levels and rows of clearances" {
	house A "$nurses"
	local change
	for change in 's/no_consent: permit/no_consent: deny/' 's/default: deny/default: permit/' \
		's/domain: house/trusts: [{domain: other, outbound: elsewhere}]\n&/' 's/no_consent: permit/&\nservice_requires_consent: true/'; do
		rm -rf B
		cp -r A B
		sed -i "$change" B/authz/organization.yaml
		ehr 1 ehr-policy diff A B
		ehr 1 ehr-policy diff B A
	done
	# A house that is given another domain keeps its rules.
	cp A/authz/organization.yaml B/authz/
	sed -i '/domain: house/d' B/authz/organization.yaml
	ehr 1 ehr-policy diff A B
	head -n 1 out >got
	same got <<<'A/authz/organization.yaml:3:1: domain is gone'
	lacks out 'rule a'
	cat >>A/authz/roles.yaml <<<'roles: {staff: [nurse]}'
	sed -i 's/structural_role: nurse/structural_role: staff/' A/authz/organization.yaml
	rm -r B
	cp -r A B
	sed -i 's/staff: \[nurse\]/staff: [nurse, clerk]/' B/authz/roles.yaml
	ehr 1 ehr-policy diff A B
	has out 'B/authz/roles.yaml:3:1: roles is changed'
	has out 'denied before, permitted now'
	printf 'ehr_authz: 1\nclearances:\n  - {who: {structural_role: nurse}, al: 7}\n' | tee A/authz/clearances.yaml B/authz/clearances.yaml >/dev/null
	cp A/authz/roles.yaml B/authz/roles.yaml
	ehr 0 ehr-policy diff A B
	sed -i 's/al: 7/al: 1/' B/authz/clearances.yaml
	ehr 1 ehr-policy diff A B
	has out 'permitted to another level'
	has out '  AL 7 by A/authz/clearances.yaml:3'
	has out '  AL 1 by B/authz/clearances.yaml:3'
	sed -i 's/name: shut, al: 7/name: shut, al: 8/' B/policy.yaml
	cp A/authz/clearances.yaml B/authz/clearances.yaml
	ehr 1 ehr-policy diff A B
	has out 'levels is changed'
	rm B/authz/clearances.yaml
	ehr 1 ehr-policy diff A B
	has out 'A/authz/clearances.yaml: authz/clearances.yaml is gone'
}

# decided POLICY: the answer to the request of the difference at hand.
decided() {
	ehr 0 ehr-authz -P "$1" "${with[@]}" request
	jq -r 'if .decision then "permitted" else "denied by \(.context.decided_by)" end' out
}

@test "diff: each example is decided as told, by both policies" {
	local change line n=0
	policy hospital
	for change in 's/route: \[on-site, ward-network\]}, same/route: [on-site]}, same/' 's/loa3}, just/loa4}, just/' \
		's/relation: relative, structural_role/structural_role/' 's/who: {type: user}, does/who: {type: device}, does/' 's/until: 2026-07-01/until: 2026-08-01/' \
		's/except: \[{who: {relation: treating}}\],//' 's/overrides_consent: always, obligations: \[{do: audit/obligations: [{do: audit/' \
		's/, relation: {supervises: resource.author}//' 's/class: results/class: medication/' 's/does: \[create\]/does: [create, read]/'; do
		rm -rf B
		cp -r P B
		sed -i "$change" B/authz/organization.yaml
		[ "$(cat P/authz/organization.yaml)" != "$(cat B/authz/organization.yaml)" ]
		ehr 1 ehr-policy diff --limit 3000 P B
		cp out told
		with=()
		while IFS= read -r line; do
			case $line in
				[1-9]*) with=() ;;
				'request: '*) echo "${line#request: }" >request ;;
				'facts: '*) jq -c '.[]' <<<"${line#facts: }" >facts && with+=(--facts facts) ;;
				'directive: '*) echo "${line#directive: }" >d.json && with+=(--consents d.json) ;;
				'was: '*) [[ ${line#was: } = "$(decided P)"* ]] && n=$((n + 1)) ;;
				'now: '*) [[ ${line#now: } = "$(decided B)"* ]] ;;
			esac
		done <told
	done
	[ "$n" -ge 12 ]
}

@test "diff: a search that ends at its limit says so" {
	policy hospital
	cp -r P B
	sed -i 's/Nurses may read on/Nurses read on/' B/authz/organization.yaml
	ehr 0 ehr-policy diff --limit 3000 P B
	has out 'rule H-2 is changed'
	has err '3000 requests were tried, and there are more: other differences may be left'
	# The same bytes in every run.
	sed -i 's/no_consent: deny/no_consent: permit/' B/authz/organization.yaml
	ehr 1 ehr-policy diff --limit 3000 P B
	cp out first
	ehr 1 ehr-policy diff --limit 3000 P B
	same first <out
}

@test "diff: misuse, faults and a full output" {
	house A "$nurses"
	house B "$clerks"
	ehr 2 ehr-policy diff A
	ehr 2 ehr-policy diff A B C
	ehr 2 ehr-policy diff A B --limit 0
	ehr 2 ehr-policy diff A B --limit many
	ehr 3 ehr-policy diff A missing
	rm -r B/authz
	ehr 3 ehr-policy diff A B
	house B "${nurses/effect: permit/effect: perhaps}"
	ehr 3 ehr-policy diff A B
	has err 'B/authz/organization.yaml:7:'
	house B "$clerks"
	line 4 'ehr-policy diff A B >/dev/full'
}
