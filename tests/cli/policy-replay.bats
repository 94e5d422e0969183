# ehr-policy replay: which answers to old requests another policy changes.
bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/authz

old() {
	policy hospital
	options=(--consents "$cases/hospital/consents" --facts "$cases/hospital/facts.ndjson" --entities "$cases/hospital/entities.ndjson" --used "$cases/hospital/used.ndjson")
	cp "$cases/hospital/requests.ndjson" requests
	ehr 0 ehr-authz -P P "${options[@]}" requests
	mv out decisions
}

replay() {
	ehr "$1" ehr-policy replay -P P "${options[@]}" requests decisions
}

@test "the same policy changes nothing, and a changed sentence neither" {
	old
	replay 0
	empty out
	empty err
	sed -i 's/Nurses may read/Nurses can read/' P/authz/organization.yaml
	replay 0
	empty out
}

@test "what another policy decides otherwise stands there with what it was, what it is, and the rules that make it so" {
	old
	sed -i '/id: H-2,/,/same:/d' P/authz/organization.yaml
	sed -i '/structural_role: billing}, al: 3/s/al: 3/al: 1/' P/authz/clearances.yaml
	replay 1
	empty err
	jq -c '[.id, .line, .was.decision, .now.decision, .now.decided_by, .was.rl, .now.rl, .because]' out >got
	same got <<-'END'
		["nurse on her ward",7,true,false,"organization","N",null,["H-2"]]
		["billing",30,true,true,"consent","N","L",[]]
	END
	jq -c 'select(.line == 30) | [.was.al, .now.al, .now.obligations[0].properties]' out >got
	same got <<<'[3,1,{"vendor":"ehr","action":"level","rl":"L","al":1}]'
	# A changed directive changes answers, too.
	old
	mkdir consents
	sed 's/structural_role: physician}, why: \[TREAT\],/structural_role: nurse}, why: [TREAT],/' "$cases/hospital/consents/tom.yaml" >consents/tom.yaml
	cp "$cases/hospital/consents/ann.yaml" "$cases/hospital/consents/eve.yaml" consents/
	sed -i 's/why: \[HPAYMT\]/why: [HRESCH]/' consents/tom.yaml
	options[1]=consents
	replay 1
	[ "$(jq -r .id out)" = billing ]
	[ "$(jq -c .because out)" = '["c-tom-2"]' ]
}

@test "items of a batch, and requests that were refused" {
	policy hospital
	hospital
	options=(-S S)
	{
		echo "${request%\}},\"evaluations\":[{\"action\":{\"name\":\"read\"}},{\"action\":{\"name\":\"update\"}}]}"
		echo
		echo '{"subject":7}'
		printf '%s\r\n' "$request"
	} >requests
	ehr 1 ehr-authz -P P -S S --on-error skip requests
	mv out decisions
	replay 0
	sed -i 's/does: \[access\], why: \[TREAT\], except: \[{why: \[BTG\]}\]}$/does: [update], why: [TREAT], except: [{why: [BTG]}]}/' P/authz/organization.yaml
	sed -i '/id: H-3,/,/overrides/d' P/authz/organization.yaml
	replay 1
	jq -c '[.line, .item, .was.decision, .now.decision, .because]' out >got
	same got <<-'END'
		[1,0,true,false,["H-1","H-3"]]
		[1,1,false,true,["H-1"]]
		[4,null,true,false,["H-1","H-3"]]
	END
}

@test "lines that do not belong together are refused" {
	old
	sed 1d decisions >short
	mv short decisions
	replay 5
	has err 'decisions:1: the decision is about another request'
	old
	sed -i '$d' decisions
	replay 5
	has err 'requests:51: there is no decision for it'
	old
	sed -i '$d' requests
	replay 5
	has err 'decisions:51: there is no request for it'
	old
	sed -i '1s/.*/nonsense/' decisions
	replay 5
	has err 'decisions:1: it is no decision'
	ehr 2 ehr-policy replay -P P requests
	ehr 2 ehr-policy replay -P P requests decisions more
	ehr 2 ehr-policy replay -P P --now soon requests decisions
	ehr 4 ehr-policy replay -P P none decisions
	ehr 3 ehr-policy replay -P none requests decisions
}
