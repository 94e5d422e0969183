# The programs of share/jq that write messages in the shapes of others, and make intents of duties.
bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/deliver

setup_file() { ward; }

message() {
	printf '{"ehr":{"v":1,"stage":"message","id":"n_aucs4fn7vkvzuwdalkncaqhsme","subject":"s_9f31"%s,"criticality":"critical"},"kind":"%s"%s,"to":"ehr/p/nurse17","subscription":"nurse-17-vitals","number":118,"try":1,"at":"2026-01-01T00:00:00.100Z"%s,"expires":"2026-01-01T04:00:00.100Z","notices":[]%s}\n' \
		"$2" "$1" "$3" "${4:-}" "${5:-}"
}

shape() {
	local program=$1
	shift
	ehr 0 jq -c "$@" -f "$EHR_ROOT/share/jq/$program.jq" in
}

# What the profiles of the guide and the invariants of Bundle ask for; prints what is missing.
fhir_rules() {
	jq -r '
		def need(name; truth): if truth then empty else "missing: \(name)" end;
		def one(name): [.entry[0].resource.parameter[] | select(.name == name)] | length == 1;
		need("type"; .resourceType == "Bundle" and .type == "history"),
		need("first is Parameters"; .entry[0].resource.resourceType == "Parameters"),
		need("bdl-3"; all(.entry[]; .request.method and .request.url)),
		need("bdl-4"; all(.entry[]; .response.status)),
		need("bdl-7"; [.entry[].fullUrl | values] | length == (unique | length)),
		need("$status"; .entry[0].request | .method == "GET" and (.url | endswith("/$status"))),
		need("subscription"; one("subscription")), need("status"; one("status")), need("type"; one("type")),
		need("codes"; [.entry[0].resource.parameter[] | select(.name == "status" or .name == "type").valueCode]
			| . == ["active", "event-notification"]),
		need("inv-1 of Parameters: a value or parts"; all(.entry[0].resource.parameter[];
			(has("part") != any(keys[]; startswith("value"))))),
		need("events"; all(.entry[0].resource.parameter[] | select(.name == "notification-event").part;
			[.[] | select(.name == "event-number").valueString | test("^[0-9]+$")] == [true])),
		need("instants"; all(.. | .valueInstant? | values; test("^[0-9]{4}(-[0-9]{2}){2}T[0-9:.]+Z$"))),
		need("no empty part (ele-1)"; [.. | select(. == null or . == {} or . == [] or . == "")] == []),
		need("no topic"; [.entry[0].resource.parameter[] | select(.name == "topic")] == [])' "$@"
}

@test "fhir-r4: a message with a reference, byte for byte" {
	message data ',"rl":"N"' ',"ref":"r_k3m1/N"' ',"purpose":"TREAT","case":"c_x","ack":"t_y","ack_by":"2026-01-01T00:01:00.100Z"' >in
	shape fhir-r4
	same out <<'END'
{"resourceType":"Bundle","type":"history","timestamp":"2026-01-01T00:00:00.100Z","entry":[{"fullUrl":"urn:uuid:05052e15-bfaa-8b9a-9860-5a9a2040f261","resource":{"resourceType":"Parameters","meta":{"profile":["http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription-status-r4"]},"parameter":[{"name":"subscription","valueReference":{"reference":"Subscription/nurse-17-vitals"}},{"name":"status","valueCode":"active"},{"name":"type","valueCode":"event-notification"},{"name":"events-since-subscription-start","valueString":"118"},{"name":"notification-event","part":[{"name":"event-number","valueString":"118"},{"name":"timestamp","valueInstant":"2026-01-01T00:00:00.100Z"},{"name":"focus","valueReference":{"reference":"r_k3m1/N"}}]},{"name":"kind","valueCode":"data"},{"name":"criticality","valueCode":"critical"},{"name":"case","valueString":"c_x"},{"name":"ack","valueString":"t_y"},{"name":"ack-by","valueInstant":"2026-01-01T00:01:00.100Z"},{"name":"expires","valueInstant":"2026-01-01T04:00:00.100Z"}]},"request":{"method":"GET","url":"Subscription/nurse-17-vitals/$status"},"response":{"status":"200"}}]}
END
	shape fhir-r4 --arg base https://service.example/fhir
	[ "$(jq -r '.. | .reference? | values' out | tr '\n' ' ')" = \
		'https://service.example/fhir/Subscription/nurse-17-vitals https://service.example/fhir/r_k3m1/N ' ]
}

@test "fhir-r4: each kind and payload keeps the rules of the guide; nothing without a reference has a focus" {
	{
		message data ',"rl":"N"' ',"ref":"r_k3m1/N"'
		message data ',"rl":"N"' ''
		message floor '' ''
		message digest ',"rl":"N"' ',"refs":["r_1/N","r_2/N"]'
		message reminder ',"rl":"N"' ',"ref":"r_k3m1/N"'
		message resolved '' ''
		message data ',"rl":"N"' ',"ref":"r_k3m1/N"' '' ',"sealed":{"ehr":{"v":1},"ciphertext":"x"}'
		message last-resort '' '' | jq -c 'del(.subscription, .number)'
		intent a1 nurse-7 critical
		intent a2 nurse-7 | jq -c '.payload = "empty" | del(.ref)'
	} >in
	shape fhir-r4
	[ "$(wc -l <out)" -eq 10 ]
	[ -z "$(fhir_rules out)" ]
	jq -r '[.entry[0].resource.parameter[] | select(.name == "notification-event")] | [length, ([.[].part[] | select(.name == "focus").valueReference.reference] | join(","))] | @tsv' out >seen
	same seen <<-'END'
		1	r_k3m1/N
		1	
		1	
		2	r_1/N,r_2/N
		1	r_k3m1/N
		1	
		1	r_k3m1/N
		1	
		1	r_a1/N
		1	
	END
	# Neither subject nor person nor address is in any of them.
	run ! grep -qE 's_9f31|ehr/p|"nurse"|party' out
	# What is sealed rides along, as it is.
	[ "$(jq -r '.entry[1].resource | select(.resourceType == "Binary").data | @base64d' out)" = '{"ehr":{"v":1},"ciphertext":"x"}' ]
}

@test "onem2m: a notification, an aggregated one, a request with its category" {
	{
		message data ',"rl":"N"' ',"ref":"r_k3m1/N"'
		message floor '' ''
		message digest ',"rl":"N"' ',"refs":["r_1/N","r_2/N"]'
	} >in
	shape onem2m
	same out <<'END'
{"m2m:sgn":{"nev":{"net":1,"rep":{"m2m:uri":"r_k3m1/N"}},"sur":"nurse-17-vitals"}}
{"m2m:sgn":{"nev":{"net":1},"sur":"nurse-17-vitals"}}
{"m2m:agn":{"m2m:sgn":[{"nev":{"net":1,"rep":{"m2m:uri":"r_1/N"}},"sur":"nurse-17-vitals"},{"nev":{"net":1,"rep":{"m2m:uri":"r_2/N"}},"sur":"nurse-17-vitals"}]}}
END
	for word in critical high medium low routine; do
		intent a1 nurse-7 "$word"
	done >in
	shape onem2m --arg as request
	[ "$(jq -r '.["m2m:rqp"].ec' out | tr '\n' ' ')" = '2 2 3 3 3 ' ]
	sed -n 1p out >first
	same first <<'END'
{"m2m:rqp":{"op":5,"to":"nurse-7","fr":"ehr-deliver","rqi":"n_a1","ec":2,"pc":{"m2m:sgn":{"nev":{"net":1,"rep":{"m2m:uri":"r_a1/N"}},"sur":"nurse-7"}}}}
END
}

@test "a line of another stage is no message: the shapes end with 5 and write nothing" {
	local line program
	for line in '{"ehr":{"v":1,"stage":"event","id":"e_1"}}' '{"ehr":{"v":1,"stage":"suppressed","id":"n_1"},"kind":"data"}' '{}' '[1]' '"x"' \
		'{"ehr":{"v":1,"stage":"message"},"kind":"data"}'; do
		for program in fhir-r4 onem2m; do
			printf '%s\n' "$line" >in
			ehr 5 jq -c -f "$EHR_ROOT/share/jq/$program.jq" in
			empty out
		done
	done
}

@test "obligations: breaking the glass and a refused directive reach the privacy officer, by code and id alone" {
	local Z=$EHR_ROOT/testdata/authz/hospital
	cp -r "$EHR_ROOT/policies/hospital" Q
	cp "$Z"/policies/* Q/authz/
	grep -e '"break-glass against the directive"' -e '"service without a settled consent"' "$Z/requests.ndjson" >requests
	ehr-authz -P Q --consents "$Z/consents" --facts "$Z/facts.ndjson" --entities "$Z/entities.ndjson" requests >in
	echo '{"v":1,"directive":"c-sam","patient":"sam","state":"officer-notified","since":"2026-03-02T09:00:00Z","directive_sha256":"sha256:01","in_force":null,"policy":"sha256:050","open":["patient-agreement"],"options":["a"],"notice":{"to":"privacy-officer","code":"consent-refused"}}' >>in
	echo '{"v":1,"directive":"c-bea","patient":"bea","state":"active","since":"2026-03-02T09:00:00Z","directive_sha256":"sha256:02","in_force":null,"policy":null,"open":[]}' >>in
	sed 's/sha256:[0-9a-f]*/sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef/; 2d' in >some
	cp in all
	cp some in
	shape obligations
	same out <<'END'
{"ehr":{"v":1,"stage":"intent","id":"n_0123456789abcdef0123456789abcdef.ob-1","criticality":"high"},"kind":"notice","why":"H-4","to":{"class":"privacy-officer"},"deadline":{"after":"PT0S","dispatch":"PT30S","expires":"PT12H"},"about":"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef","obligations":[]}
{"ehr":{"v":1,"stage":"intent","id":"n_0123456789abcdef0123456789abcdef.consent-refused.20260302090000","criticality":"high"},"kind":"notice","why":"consent-refused","to":{"class":"privacy-officer"},"deadline":{"after":"PT0S","dispatch":"PT30S","expires":"PT12H"},"about":"c-sam","obligations":[]}
END
	cp all in
	shape obligations
	cp out intents
	run ! grep -qE 'tom|dr-kim|"sam"|unconscious' intents
	spool
	sed -i 's/"nurse-7"/"officer"/; s/"care-team"/"privacy-officer"/' site/subscriptions/ward.ndjson
	sed -i 's/  privacy-officer: .*/  privacy-officer: [nurse]/' P/notify.yaml
	ehr 0 ehr-deliver enqueue --spool spool -q intents
	ehr 0 ehr-deliver enqueue --spool spool -q intents
	run_drain 0
	jq -c '[.kind, .why, .about[:13], .subscription]' spool/out/nurse7 >told
	same told <<-'END'
		["notice","H-4","sha256:6c8e45","officer"]
		["notice","H-4","sha256:9d97ac","officer"]
		["notice","consent-refused","c-sam","officer"]
	END
}
