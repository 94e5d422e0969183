#!/usr/bin/env bats
# What an authority sends its devices beside keys, parameters and commands, and what they answer.
load ../lib/ehr
load ../lib/keys
load ../lib/trust

setup_file() {
	people
}

setup() {
	at_home
	echo '{"acr":"loa3","route":"on-site","purpose":"TREAT"}' >context
}

@test "parameters reach the device, before and after deployment, and nobody else" {
	echo '{"interval":60,"broker":{"user":"cuff-7","secret":"Kqu2fjdkmSUe"}}' >params
	ehr 0 keys provision -S site --device "$ID" params
	cp out provision
	lacks provision Kqu2fjdkmSUe
	lacks provision "$(printf Kqu2fjdkm | base64)"
	another
	ehr 6 keys accept --keys other provision
	[ ! -e other/params.json ]
	AT=2026-05-02T09:00:00Z no command-expired keys accept --keys tablet provision
	ehr 0 keys accept --keys tablet --ack ack provision
	jq -cS . params | cmp - <(jq -cS . tablet/params.json)
	[ "$(stat -c %a tablet/params.json)" = 600 ]
	no command-replay keys accept --keys tablet provision
	ehr 0 keys answers -S site ack
	[ "$(jq -c '[.device, .of, .seq, .state]' out)" = "[\"$ID\",\"provision\",1,\"accepted\"]" ]
	sed 's/"ciphertext":"..../"ciphertext":"AAAA/' provision >altered
	ehr 6 keys accept --keys tablet altered
	has err 'does not authenticate'
}

# A pump of p1's that knows two commands, and an order of a dose.
pump() {
	echo '{"set-dose":4,"read-status":2}' >commands
	keys make --kind actuator --keys pump --authority site/authority.jwks --commands commands >pump.enrol
	PUMP=$(ehr-keys list --self --keys pump | jq -r .id)
	keys enrol -S site --expect "$(ehr-keys list --self --keys pump | jq -r .sig.jkt)" pump.enrol >/dev/null
	cat >>site/entities.ndjson <<-'END'
		{"type":"user","id":"ph-eva","properties":{"domain":"hospital","structural_role":"pharmacist"}}
	END
	jq -c 'if .id == "dr-lee" then .properties.permissions = ["POE-012"] else . end' site/entities.ndjson >e
	mv e site/entities.ndjson
	echo '{"acr":"loa3","route":"on-site","location":"ward-3","purpose":"TREAT"}' >context
}

# order NAME ARGS [MORE...]: sent to the pump by dr-lee
order() {
	jq -nc --arg id "$(head -c 16 /dev/urandom | basenc --base64url | tr -d =)" --arg name "$1" --argjson args "$2" \
		'{$id, $name, $args, approved_by: ["ph-eva"]}' >order
	keys command -S site --device "$PUMP" --patient p1 --user dr-lee --context context --ask order |
		ehr-authz -P "$P" -S site >decision
	keys command -S site --device "$PUMP" --patient p1 --context context --decision decision "${@:3}" order
}

@test "a command goes to one device, once, in time, and is answered" {
	pump
	ehr 0 order set-dose '{"mg":"5.0"}'
	cp out first
	lacks first set-dose
	ehr 0 keys accept --keys pump --ack ack first
	same out <<-'END'
		{"ehr":{"v":1,"stage":"command","domain":"hospital","seq":1,"sub":"dr-lee"},"command":{"name":"set-dose","args":{"mg":"5.0"}}}
	END
	ehr 0 keys answers -S site ack
	[ "$(jq -c '[.device, .of, .seq, .state]' out)" = "[\"$PUMP\",\"command\",1,\"accepted\"]" ]
	# Again, at another device, too late, altered; and each refusal is answered.
	no command-replay keys accept --keys pump --ack ack first
	[ "$(keys answers -S site ack | jq -r .reason)" = command-replay ]
	ehr 0 order set-dose '{"mg":"6.0"}'
	cp out second
	ehr 6 keys accept --keys tablet second
	empty out
	AT=2026-03-02T09:02:01Z no command-expired keys accept --keys pump --ack ack second
	[ "$(AT=2026-03-02T09:02:01Z keys answers -S site ack | jq -r .reason)" = command-expired ]
	for member in protected encrypted_key iv ciphertext tag; do
		jq -c --arg m "$member" '.[$m] |= (if .[4:5] == "A" then .[:4] + "B" + .[5:] else .[:4] + "A" + .[5:] end)' second >altered
		ehr 6 keys accept --keys pump altered
		empty out
	done
	# Gaps are fine, the order is not.
	ehr 0 order read-status '{}'
	cp out third
	ehr 0 keys accept --keys pump third
	no command-replay keys accept --keys pump second
}

@test "a device that trusts no clock takes a command made for its last answer, whatever the time" {
	pump
	clockless() { ehr-keys accept --keys pump --clock none --now 1970-01-01T00:00:00Z "$@"; }
	# Parameters come first; their answer has a nonce.
	echo '{"interval":60}' >params
	keys provision -S site --device "$PUMP" params >provision
	ehr 0 clockless --ack first provision
	ehr 0 order set-dose '{"mg":"5.0"}' --answer first
	cp out dose
	# The same device with a clock of 1970 takes neither.
	ehr 7 ehr-keys accept --keys pump --now 1970-01-01T00:00:00Z dose
	has err 'command-expired: not of now'
	cp -r pump before
	ehr 0 clockless --ack second dose
	has out '"name":"set-dose"'
	no command-replay clockless dose
	# Two for one answer: the second is withheld and comes later, or is made with an older answer, or with none.
	order set-dose '{"mg":"6.0"}' --answer second >sixth
	order set-dose '{"mg":"7.0"}' --answer second >seventh
	ehr 0 clockless sixth
	no command-expired clockless seventh
	has err 'it was not made for the last answer of this device'
	# A refusal is an answer, too.
	ehr 7 clockless --ack third seventh
	[ "$(keys answers -S site third | jq -r .reason)" = command-expired ]
	order set-dose '{"mg":"8.0"}' --answer second >eighth
	no command-expired clockless eighth
	order set-dose '{"mg":"8.0"}' >none
	no command-expired clockless none
	order set-dose '{"mg":"9.0"}' --answer third >ninth
	ehr 0 clockless --ack fourth ninth
	# Another device's answer, one that nobody signed, another message, nothing.
	another
	keys provision -S site --device "$(ehr-keys list --self --keys other | jq -r .id)" params >provision
	ehr 0 keys accept --keys other --ack foreign provision
	sed 's/.\{3\}$/AAA/' fourth >forged
	: >empty
	for answer in foreign forged ninth empty; do
		ehr 6 order set-dose '{"mg":"9.0"}' --answer $answer
		has err "answer-invalid: $answer: not an answer of this device"
		empty out
	done
	ehr 4 order set-dose '{"mg":"9.0"}' --answer nothing
	ehr 2 clockless --clock sun ninth
	# A release wants a clock: its keys end.
	decision release-keys 3 >d
	release --decision d >release
	ehr 6 ehr-keys accept --keys tablet --clock none --now 1970-01-01T00:00:00Z release
}

@test "a message is taken in any spelling that JSON allows" {
	echo '{"interval":60}' >params
	keys provision -S site --device "$ID" params >provision
	jq -c '{tag, ciphertext, iv, encrypted_key, protected, ehr}' provision | sed 's/,"/ , "/' >spelled
	ehr 0 keys accept --keys tablet spelled
	[ "$(jq .interval tablet/params.json)" = 60 ]
}

@test "files of several lines are taken, and what is made of them is one line" {
	pump
	jq . context >spread
	jq -n '{id: "CCCCCCCCCCCCCCCCCCCCCC", name: "set-dose", args: {mg: "5.0", at: [1, 2]}, approved_by: ["ph-eva"]}' >order
	keys command -S site --device "$PUMP" --patient p1 --user dr-lee --context spread --ask order | ehr-authz -P "$P" -S site >decision
	keys command -S site --device "$PUMP" --patient p1 --context spread --decision decision order | keys accept --keys pump >out
	[ "$(wc -l <out) $(jq -c .command.args out)" = '1 {"mg":"5.0","at":[1,2]}' ]
}

@test "a command needs a decision on it, and the AL of the device's own list" {
	pump
	order set-dose '{"mg":"5.0"}' >/dev/null
	no decision-taken keys command -S site --device "$PUMP" --patient p1 --context context --decision decision order
	ehr 7 keys command -S site --device "$PUMP" --patient p1 --context context order
	has err 'decision-missing: '
	jq -c '.id = "AAAAAAAAAAAAAAAAAAAAAA"' order >other
	ehr 7 keys command -S site --device "$PUMP" --patient p1 --context context --decision decision other
	has err 'decision-mismatch: '
	jq -c '.name = "reset"' order >other
	ehr 7 keys command -S site --device "$PUMP" --patient p1 --context context --decision decision other
	# The device has its own list: a name that it does not know, an AL that is too low.
	jq -c '.commands = {"set-dose": 5}' pump/self.json >self
	cp self pump/self.json
	ehr 0 order set-dose '{"mg":"5.0"}'
	cp out high
	[ "$(jq .context.al decision)" -ge 4 ]
	jq -c '.commands = {"set-dose": 9}' pump/self.json >self
	cp self pump/self.json
	no command-al keys accept --keys pump high
	jq -c '.commands = {"read-status": 2}' pump/self.json >self
	cp self pump/self.json
	no command-type keys accept --keys pump high
	ehr 5 keys command -S site --device "$PUMP" --ask --user dr-lee <<<'{"name":"set-dose"}'
	has err 'not a command: '
}

# Somebody else's authority of the same domain, which has taken in the pump from what it sent.
stranger() {
	ehr-keys make -P "$P" -S stranger --now "$NOW" >/dev/null
	keys enrol -S stranger --expect "$(ehr-keys list --self --keys pump | jq -r .sig.jkt)" pump.enrol >/dev/null
	cp site/entities.ndjson stranger
	cp site/facts.ndjson stranger
	cp -r site/consents stranger
}

@test "a command or parameters of another authority, for another device, or turned into each other, are refused" {
	pump
	stranger
	echo '{"interval":60}' >params
	keys provision -S stranger --device "$PUMP" params >foreign
	ehr 6 keys accept --keys pump --ack ack foreign
	has err 'not signed by the authority'
	[ ! -e pump/params.json ]
	jq -nc '{id: "AAAAAAAAAAAAAAAAAAAAAA", name: "set-dose", args: {mg: "50"}, approved_by: ["ph-eva"]}' >order
	keys command -S stranger --device "$PUMP" --patient p1 --user dr-lee --context context --ask order | ehr-authz -P "$P" -S stranger >decision
	keys command -S stranger --device "$PUMP" --patient p1 --context context --decision decision order >foreign
	ehr 6 keys accept --keys pump foreign
	has err 'not signed by the authority'
	empty out
	# The tags name another device, another domain, another kind of message.
	order set-dose '{"mg":"5.0"}' >mine
	other=$(jq -r .enc.jkt "$F/tablet.self")
	for change in ".ehr.to = \"$other\"" '.ehr.domain = "clinic"' '.ehr.stage = "provision"' '.ehr.stage = "release"' '.ehr.stage = "sealed"' '.ehr.v = 1' \
		'.ehr.seq = 2' '.header = {alg: "dir"}' '.unprotected = {}' 'del(.tag)' '.recipients = []'; do
		jq -c "$change" mine >changed
		ehr 6 keys accept --keys pump changed
		empty out
	done
	jq -c ".ehr.to = \"$other\"" mine >changed
	ehr 6 keys accept --keys tablet changed
	# Parts of two commands; one cut, and two on one line.
	order set-dose '{"mg":"6.0"}' >second
	for part in protected encrypted_key iv ciphertext tag; do
		jq -c --slurpfile two second ".$part = \$two[0].$part" mine >changed
		ehr 6 keys accept --keys pump changed
		empty out
	done
	head -c -20 mine >changed
	ehr 6 keys accept --keys pump changed
	empty out
	tr -d '\n' <mine | cat - second >changed
	ehr 6 keys accept --keys pump changed
	empty out
	# In order, both are carried out.
	ehr 0 keys accept --keys pump mine second
	[ "$(jq -c .command.args.mg out | tr '\n' ' ')" = '"5.0" "6.0" ' ]
}
