# ehr-policy explain --request: what each rule of access says of one request.
bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/authz

explain() {
	ehr "$1" ehr-policy explain -P P "${@:3}" --request "$2"
}

@test "explain --request: each rule, what it lacks, and the decision" {
	policy hospital
	echo "${request/physician/nurse}" >r
	explain 0 r
	empty err
	[ "$(jq -r 'select(.rule) | .layer' out | sort -u)" = "$(printf 'jurisdiction\norganization')" ]
	jq -c 'select(.rule == "H-2") | [.effect, .is, .lacks]' out >got
	same got <<'END'
["permit","missing",[{"attribute":"subject.functional_role","any":["nurse","charge-nurse"],"is":"missing"},{"attribute":"subject.permissions","all":["PRD-006"],"is":"missing"},{"same":["subject.ward","resource.ward"],"is":"missing"}]]
END
	tail -n 1 out | jq -c '[.decision, .decided_by, .reason, has("reason_admin")]' >got
	same got <<'END'
[false,"organization","default-deny",true]
END
}

@test "explain --request: what lacks nothing holds, and the site tells facts" {
	hospital
	echo "$request" >r
	explain 0 r -S S
	jq -c 'select(.rule == "H-1") | [.is, .lacks]' out >got
	same got <<<'["true",[]]'
	tail -n 1 out >got
	has got '"decision":true'
	# Without the facts nobody treats the patient.
	explain 0 r
	jq -c 'select(.rule == "H-1") | [.is, .lacks]' out >got
	same got <<'END'
["false",[{"relation":["treating"],"to":"resource.patient","is":"false"}]]
END
	explain 0 r --consents "$cases/hospital/consents" --facts "$cases/hospital/facts.ndjson"
	tail -n 1 out >got
	has got '"decision":true'
}

@test "explain --request: no request, a batch, other options" {
	policy hospital
	echo '{"subject":7}' >r
	explain 5 r
	empty out
	echo "${request%\}},\"evaluations\":[{\"action\":{\"name\":\"read\"}}]}" >r
	explain 5 r
	echo "$request" >r
	explain 2 r operand
	explain 2 r --bars
	explain 2 r --now yesterday
	explain 4 missing
	line 4 'ehr-policy explain -P P --request r >/dev/full'
}
