# Commands to devices: what each needs besides the layers' permit.
bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/authz

@test "a command id is good for one command, in this run and behind --used" {
	hospital
	cp "$cases/hospital/entities.ndjson" S/
	grep -F -e '"command"' "$cases/hospital/requests.ndjson" | head -n 1 >in
	ehr 0 ehr-authz -P P -S S in in
	[ "$(jq -c '[.decision, .context.reason]' out)" = '[true,"permitted"]
[false,"command-replay"]' ]
	jq -c '{device: .resource.id, id: .action.properties.id, exp: "2026-03-02T09:05:00Z"}' in >used
	ehr 0 ehr-authz -P P -S S --used used in
	[ "$(jq -r .context.reason out)" = command-replay ]
	echo '{"device":"pump-3"}' >used
	ehr 3 ehr-authz -P P -S S --used used in
	has err "ehr-authz: used:1:1: missing member 'id'"
}

@test "a command is refused for six reasons, in this order, and by its own AL" {
	hospital
	cp "$cases/hospital/entities.ndjson" S/
	grep -F '"id": "command"' "$cases/hospital/requests.ndjson" >good
	# refused JQ: the layer command of the request that JQ changes, and what decided.
	refused() {
		jq -c "$1" good >in
		ehr 0 ehr-authz -P P -S S in
		jq -c '[.decision, .context.decided_by, .context.reason, (.context.layers[] | select(.layer == "command")), .context.reason_admin.en]' out
	}
	[ "$(refused .)" = '[true,"consent","permitted",{"layer":"command","result":"Permit","rules":[]},"Nothing in the policy or in the patient'"'"'s consent stands against it."]' ]
	# Each spoils one thing more, from the last that is looked at to the first: the first thing that is wrong is said.
	more=.
	{
		for spoil in '.action.properties.approved_by = []' '.action.properties.id = "hT7uP2w9Qe4rLx5zVb8nM"' \
			'.action.properties.issued = "2026-03-02T08:58:59Z"' '.context.claimed_al = 3' '.action.properties.command = "self-destruct"'; do
			more="$more | $spoil"
			refused "$more"
		done
		jq -c '{device: .resource.id, id: .action.properties.id}' good >S/used
		jq -c '.action.properties.approved_by = []' good >in
		ehr 0 ehr-authz -P P -S S --used S/used in
		jq -c '[.decision, .context.decided_by, .context.reason, (.context.layers[] | select(.layer == "command")), .context.reason_admin.en]' out
	} >got
	same got <<-'END'
		[false,"command","command-approval",{"layer":"command","result":"Deny","rules":[],"reason":"command-approval"},"Too few other people approved the command."]
		[false,"command","command-id",{"layer":"command","result":"Deny","rules":[],"reason":"command-id"},"The command has no id of 128 random bits."]
		[false,"command","command-stale",{"layer":"command","result":"Deny","rules":[],"reason":"command-stale"},"The command is undated, too old, or from the future."]
		[false,"command","command-al",{"layer":"command","result":"Deny","rules":[],"reason":"command-al"},"The authorization level is too low for this command."]
		[false,"command","command-type",{"layer":"command","result":"Deny","rules":[],"reason":"command-type"},"The policy does not know this command."]
		[false,"command","command-replay",{"layer":"command","result":"Deny","rules":[],"reason":"command-replay"},"The command's id was used before."]
	END
	# Each command has an AL of its own: with 3 one reads a pump's status and sets no dose, with 1 neither.
	for al in 4 3 2 1; do
		for command in set-dose read-status; do
			refused ".context.claimed_al = $al | .action.properties.command = \"$command\"" | jq -c "[$al, \"$command\", .[2]]"
		done
	done >got
	same got <<-'END'
		[4,"set-dose","permitted"]
		[4,"read-status","permitted"]
		[3,"set-dose","command-al"]
		[3,"read-status","permitted"]
		[2,"set-dose","command-al"]
		[2,"read-status","permitted"]
		[1,"set-dose","command-al"]
		[1,"read-status","command-al"]
	END
	# Fresh to the second, and no more than five seconds ahead.
	for issued in 2026-03-02T08:59:00Z 2026-03-02T09:00:05Z 2026-03-02T08:58:59Z 2026-03-02T09:00:06Z '' now; do
		refused ".action.properties.issued = \"$issued\"" | jq -r '.[2]'
	done | tr '\n' ' ' >got
	[ "$(cat got)" = 'permitted permitted command-stale command-stale command-stale command-stale ' ]
}

@test "a command is approved by another person whom the register knows with a role" {
	hospital
	cat >S/entities.ndjson <<-'END'
		{"type":"user","id":"dr-lee","properties":{"structural_role":"physician"}}
		{"type":"user","id":"ph-eva","properties":{"structural_role":"pharmacist"}}
		{"type":"user","id":"n-ana","properties":{"functional_role":["charge-nurse"]}}
		{"type":"user","id":"lara","properties":{"ward":"3"}}
		{"type":"user","id":"tmp","properties":{"structural_role":"","functional_role":[]}}
		{"type":"device","id":"pump-4","properties":{"structural_role":"device"}}
	END
	approved() {
		grep -F '"id": "command"' "$cases/hospital/requests.ndjson" | jq -c --argjson by "$1" '.action.properties.approved_by = $by' >in
		ehr 0 ehr-authz -P P -S S in
		[ "$(jq -r .context.reason out)" = "$2" ]
	}
	approved '["ph-eva"]' permitted
	approved '"n-ana"' permitted
	approved '["nobody","ph-eva"]' permitted
	for by in '""' '" "' '"nobody"' '"dr-lee"' '"dr-lee "' '" dr-lee"' '"Dr-Lee"' '"dr-lee\u00a0"' '"lara"' '"tmp"' '"pump-4"' '"pump-3"' \
		'"ann"' '"dr-kim"' null true 7 '[]' '[["ph-eva"]]' '{"id":"ph-eva"}' '["dr-lee","dr-lee"]'; do
		approved "$by" command-approval
	done
	# Nor does another name of hers approve, one for whom she acts, or one of another domain.
	cat >S/entities.ndjson <<-'END'
		{"type":"user","id":"dr-lee","properties":{"structural_role":"physician","ref":["Practitioner/lee","Organization/icu"]}}
		{"type":"user","id":"lee.2","properties":{"structural_role":"physician","ref":"Practitioner/lee"}}
		{"type":"user","id":"lee.3","properties":{"structural_role":"physician","ref":"PractitionerRole/r1"}}
		{"type":"PractitionerRole","id":"r1","properties":{"practitioner":"Practitioner/lee"}}
		{"type":"user","id":"far","properties":{"domain":"clinic","structural_role":"physician"}}
		{"type":"user","id":"ph-eva","properties":{"domain":"hospital","structural_role":"pharmacist","ref":"Organization/icu"}}
	END
	for by in lee.2 lee.3 far; do
		approved "[\"$by\"]" command-approval
		approved "[\"$by\",\"ph-eva\"]" permitted
	done
	jq -c '.subject.id = "assistant" | .subject.properties.on_behalf_of = ["ph-eva"]' in >acts
	sed -i 's/"lee.2"/"assistant"/' S/entities.ndjson
	echo '{"fact":"a","relation":"treating","subject":"assistant","patient":"ann","from":"2026-03-01T00:00:00Z","until":"2026-04-01T00:00:00Z"}' >>S/facts.ndjson
	ehr 0 ehr-authz -P P -S S acts
	[ "$(jq -r .context.reason out)" = command-approval ]
	jq -c '.subject.properties.on_behalf_of = "dr-bob"' acts >in
	ehr 0 ehr-authz -P P -S S in
	[ "$(jq -r .context.reason out)" = permitted ]
	# Two approvals are those of two people.
	sed -i 's/approvals: 1/approvals: 2/' P/authz/clearances.yaml
	cat >>S/entities.ndjson <<-'END'
		{"type":"user","id":"kim.1","properties":{"structural_role":"physician","ref":"Practitioner/kim"}}
		{"type":"user","id":"kim.2","properties":{"structural_role":"physician","ref":"Practitioner/kim"}}
	END
	approved '["kim.1","kim.2"]' command-approval
	approved '["kim.1","kim.2","ph-eva"]' permitted
	sed -i 's/approvals: 2/approvals: 1/' P/authz/clearances.yaml
	# A word of the policy that is no role gives none.
	for role in read hospital TREAT treating Pharmacist pharmacists loa3 N; do
		echo '{"type":"user","id":"ph-eva","properties":{"structural_role":"'"$role"'"}}' >S/entities.ndjson
		approved '["ph-eva"]' command-approval
	done
	echo '{"type":"user","id":"ph-eva","properties":{"structural_role":"licensed-clinician"}}' >S/entities.ndjson
	approved '["ph-eva"]' permitted
	# Without a register nobody is known, whatever the facts tell of relatives, devices and colleagues.
	for how in empty none; do
		: >S/entities.ndjson
		[ "$how" = empty ] || rm S/entities.ndjson
		for by in '""' '" "' '"nobody"' '"dr-lee "' '"ph-eva"' '["dr-kim"]' '["lara"]' '["scale-7"]' '["res-li"]' '["dr-bob","nurse-jo"]'; do
			approved "$by" command-approval
		done
	done
}
