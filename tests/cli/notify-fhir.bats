# Subscriptions of FHIR: three forms that say the same, and what is refused rather than left out.
bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/notify

setup_file() {
	told
	granted nurse 3 nurse
	export BP=http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition
	cp -r "$P" "$F/P"
	echo 'tags: {topic: [vitals, labs]}' >>"$F/P/seal.yaml"
	cat >>"$F/P/notify.yaml" <<-'END'
		fhir:
		  topics:
		    - {topic: "http://h.example/topic/urgent", criteria: "Observation?status=final&category=vital-signs", min_criticality: high}
		    - {topic: "http://h.example/topic/vitals", criteria: Observation, tags: {topic: [vitals]}}
		    - {topic: "http://h.example/topic/all"}
	END
	MORE=',"tags":{"topic":"vitals"}' sealed "$(record A)" 0 L:1:low N:3:high V:5:critical >"$F/sealed"
	MORE=',"tags":{"topic":"labs"}' sealed "$(record B)" 3 L:1:low N:3:low >>"$F/sealed"
	sealed "$(record C)" 5 L:1:low N:3:critical >>"$F/sealed"
}

# The Subscription resource in the three forms; $1 the topic, the criteria of R4 without the patient.
r4() {
	printf '{"resourceType":"Subscription","status":"active","criteria":"%s","channel":{"type":"rest-hook","endpoint":"https://x.example/hook"%s}}' "$1" "${2:-}"
}
backport() {
	printf '{"resourceType":"Subscription","status":"active","criteria":"%s","_criteria":{"extension":[{"url":"%s/backport-filter-criteria","valueString":"%s"}]},"channel":{"extension":[%s],"type":"rest-hook","endpoint":"https://x.example/hook","payload":"application/fhir+json","_payload":{"extension":[{"url":"%s/backport-payload-content","valueCode":"%s"}]}}}' \
		"$1" "$BP" "$2" "${3:-}" "$BP" "${4:-empty}"
}
r5() {
	printf '{"resourceType":"Subscription","status":"active","topic":"%s","filterBy":[%s],"channelType":{"system":"http://terminology.hl7.org/CodeSystem/subscription-channel-type","code":"rest-hook"},"endpoint":"https://x.example/hook","contentType":"application/fhir+json","content":"%s"}' \
		"$1" "$2" "${3:-empty}"
}

fhir() { subscribed nurse care-team ",\"fhir\":$1${3:-}" "${2:-one}"; }

told_of() {
	notify "$1" --subscriptions in "$F/sealed"
	grep '"kind":"data"' out | jq -c '[.ehr.record[2:3], .ehr.rl, .ehr.criticality, .payload, .ref]' >seen || :
}

@test "R4, the backport and R5 say the same, and so does a subscription of this site: the same intents" {
	P=$F/P
	local patient=Patient/$SUBJECT form
	fhir "$(r4 "Observation?category=vital-signs&patient=$patient&status=final")" >r4
	fhir "$(r4 "Observation?subject=$SUBJECT&status=final&category=vital-signs")" >r4-order
	fhir "$(backport http://h.example/topic/urgent "Observation?patient=$patient")" >backport
	fhir "$(backport http://h.example/topic/urgent "Encounter.patient=$patient")" >backport-dot
	fhir "$(backport http://h.example/topic/urgent "patient=$SUBJECT" "{\"url\":\"$BP/backport-timeout\",\"valueUnsignedInt\":60},{\"url\":\"$BP/backport-max-count\",\"valuePositiveInt\":20}")" >backport-more
	fhir "$(r5 http://h.example/topic/urgent "{\"resourceType\":\"Observation\",\"filterParameter\":\"patient\",\"value\":\"$patient\"}")" >r5
	fhir "$(r5 http://h.example/topic/urgent "{\"filterParameter\":\"subject\",\"comparator\":\"eq\",\"value\":\"$SUBJECT\"}")" >r5-eq
	subscribed nurse care-team ",\"select\":{\"subjects\":[\"$SUBJECT\"],\"min_criticality\":\"high\"},\"payload\":\"empty\"" one >own
	told_of_form own
	cp out want
	[ "$(grep -c '"kind":"data"' want)" -eq 2 ]
	for form in r4 r4-order backport backport-dot backport-more r5 r5-eq; do
		told_of_form $form
		cmp want out
	done
}

told_of_form() {
	cp "$1" in
	# A floor notice of what is critical above her covers it.
	notify 0 --subscriptions in "$F/sealed"
	lacks err refused
}

@test "a topic's tags and the patients of select narrow; a resource without a patient is about those of select" {
	P=$F/P
	fhir "$(backport http://h.example/topic/vitals "patient=$SUBJECT" '' id-only)" >in
	told_of 1
	same seen <<<'["A","N","high","reference","r_AAAAAAAAAAAAAAAAAAAAAA/N"]'
	fhir "$(r4 Observation)" one ",\"select\":{\"subjects\":[\"$SUBJECT\"]}" >in
	told_of 1
	same seen <<<'["A","N","high","empty",null]'
	fhir "$(r5 http://h.example/topic/all '')" one ",\"select\":{\"subjects\":[\"$SUBJECT\"],\"min_criticality\":\"critical\"}" >in
	told_of 0
	same seen <<<'["C","N","critical","empty",null]'
}

@test "status and end: requested, off and error tell nobody, and so does an end that has passed" {
	P=$F/P
	local word
	for word in requested off error; do
		fhir "$(backport http://h.example/topic/all "patient=$SUBJECT" | sed "s/\"active\"/\"$word\"/")" >in
		told_of 1
		empty seen
		lacks err refused
	done
	fhir "$(backport http://h.example/topic/all "patient=$SUBJECT" | sed 's/"active"/"active","end":"2026-11-01T19:30:00Z"/')" >in
	told_of 1
	empty seen
	fhir "$(backport http://h.example/topic/all "patient=$SUBJECT" | sed 's/"active"/"active","end":"2026-11-01T19:30:01Z"/')" >in
	told_of 0
	[ "$(wc -l <seen)" -eq 3 ]
	# Beside the resource, for whoever keeps the site.
	fhir "$(backport http://h.example/topic/all "patient=$SUBJECT")" one ',"status":"off"' >in
	told_of 1
	empty seen
}

# refuse WORD RESOURCE [BESIDE]
refuse() {
	fhir "$2" bad "${3:-}" >>in
	echo "$1" >>words
}

@test "what cannot be said alike is refused alone, by name; the others run, and the run ends with 1" {
	P=$F/P
	local all=http://h.example/topic/all mine=patient=$SUBJECT good
	good=$(backport $all "$mine")
	refuse fhir-topic "$(backport http://h.example/topic/other "$mine")"
	refuse fhir-topic "$(backport "$all|2" "$mine")"
	refuse fhir-topic "$(r4 "Observation?$mine&status=final")"
	refuse fhir-topic "$(r4 "Observation?$mine&category=vital-signs&status=final&code=1")"
	refuse fhir-topic "$(r4 "Condition?$mine")"
	refuse fhir-topic "$(sed 's/"criteria":"[^"]*",//' <<<"$good")"
	refuse fhir-topic "$(r5 http://h.example/topic/other '')"
	refuse fhir-filter "$(backport $all "$mine&status=final")"
	refuse fhir-filter "$(backport $all "Observation?code=1")"
	refuse fhir-filter "$(backport $all "subject:Patient=$SUBJECT")"
	refuse fhir-filter "$(backport $all "subject.name=x")"
	refuse fhir-filter "$(backport $all "patient=Patient%2F$SUBJECT")"
	refuse fhir-filter "$(backport $all "")"
	refuse fhir-filter "$(backport $all "patient")"
	refuse fhir-filter "$(backport $all "$mine&")"
	refuse fhir-filter "$(r4 "Observation?$mine&status:not=final")"
	refuse fhir-filter "$(r5 $all "{\"filterParameter\":\"patient\",\"comparator\":\"ne\",\"value\":\"$SUBJECT\"}")"
	refuse fhir-filter "$(r5 $all "{\"filterParameter\":\"patient\",\"modifier\":\"not\",\"value\":\"$SUBJECT\"}")"
	refuse fhir-filter "$(r5 $all "{\"filterParameter\":\"code\",\"value\":\"1\"}")"
	refuse fhir-filter "$(r5 $all "{\"filterParameter\":\"patient\",\"value\":\"$SUBJECT\\u0000\"}")"
	refuse fhir-filter "$(r5 $all '"patient"')"
	refuse fhir-subject "$(backport $all "patient=Group/1")"
	refuse fhir-subject "$(backport $all "patient=@panel-cardiology")"
	refuse fhir-subject "$(backport $all "patient=$SUBJECT,")"
	refuse fhir-subject "$(backport $all "$mine&subject=s_BBBBBBBBBBBBBBBBBBBBBB")"
	refuse fhir-subject "$(r5 $all '')"
	refuse fhir-subject "$good" ',"select":{"subjects":["s_BBBBBBBBBBBBBBBBBBBBBB"]}'
	refuse fhir-status "$(sed 's/"active"/"running"/' <<<"$good")"
	refuse fhir-status "$(sed 's/"status":"active",//' <<<"$good")"
	refuse fhir-channel "$(sed 's/rest-hook/websocket/' <<<"$good")"
	refuse fhir-channel "$(sed 's/,"endpoint":"[^"]*"//' <<<"$good")"
	refuse fhir-channel "$(sed 's/"channel":{.*$/"channel":[]}/' <<<"$good")"
	refuse fhir-payload "$(sed 's/fhir+json/fhir+xml/' <<<"$good")"
	refuse fhir-payload "$(sed 's/,"_payload":{.*$/}}/' <<<"$good")"
	refuse fhir-payload "$(sed 's/,"content":"empty"//' <<<"$(r5 $all '')")"
	refuse fhir-header "$(sed 's/"type":/"header":["Authorization: Bearer x"],"type":/' <<<"$good")"
	refuse fhir-header "$(sed 's/"content":/"parameter":[{"name":"Authorization","value":"x"}],"content":/' <<<"$(r5 $all '')")"
	refuse fhir-heartbeat "$(backport $all "$mine" "{\"url\":\"$BP/backport-heartbeat-period\",\"valueUnsignedInt\":60}")"
	refuse fhir-timeout "$(backport $all "$mine" "{\"url\":\"$BP/backport-timeout\",\"valueUnsignedInt\":29}")"
	refuse fhir-max-count "$(backport $all "$mine" "{\"url\":\"$BP/backport-max-count\",\"valuePositiveInt\":2}")" ',"delivery":{"batch":{"max":3,"wait":"1m"}}'
	refuse fhir-max-count "$(backport $all "$mine" "{\"url\":\"$BP/backport-max-count\",\"valuePositiveInt\":2}")" ',"delivery":{"rate":{"max":3,"per":"1m"}}'
	refuse fhir-member "$(sed 's/"status"/"modifierExtension":[],"status"/' <<<"$good")"
	refuse fhir-member "$(sed 's/"status"/"filterBy":[],"status"/' <<<"$good")"
	refuse fhir-member "$(sed 's/"status"/"criteria":"x","status"/' <<<"$(r5 $all '')")"
	refuse fhir-member "$(backport $all "$mine" '{"url":"http://other.example/x","valueString":"x"}')"
	refuse fhir-member "$(sed 's/backport-filter-criteria/other/' <<<"$good")"
	refuse fhir-member "$(sed 's/"type":/"_endpoint":{},"type":/' <<<"$good")"
	refuse "'payload' stands in fhir" "$good" ',"payload":"sealed"'
	refuse "'route' stands in fhir" "$good" ',"route":[]'
	refuse 'a resource of type Subscription' "$(sed 's/"resourceType":"Subscription"/"resourceType":"Basic"/' <<<"$good")"
	refuse 'expected a Subscription of FHIR' '[]'
	refuse 'expected one of empty id-only full-resource' "$(backport $all "$mine" '' partial)"
	fhir "$good" good >>in
	told_of 1
	[ "$(wc -l <seen)" -eq 3 ]
	[ "$(grep -c ' subscription bad refused: ' err)" -eq "$(wc -l <words)" ]
	grep ' subscription bad refused: ' err | sed 's/^ehr-notify: in:\([0-9]*\):.* refused: /\1 /' >said
	awk 'NR == FNR { word[NR] = $0; next } $1 != FNR || index($0, word[FNR]) == 0 { print word[FNR] ": " $0; bad = 1 } END { exit bad }' words said
	# Each that gives an alarm gives one; no text of a resource is said.
	[ "$(grep -c '"kind":"alarm"' out)" -eq 20 ]
	lacks err Bearer
}

@test "a payload that the policy does not allow, a channel that it lacks, a grant that does not carry it" {
	P=$F/P
	{
		fhir "$(backport http://h.example/topic/all "patient=$SUBJECT" '' full-resource)" sealed
		fhir "$(r4 "Observation?patient=$SUBJECT" ',"payload":"application/fhir+json"')" whole
		fhir "$(backport http://h.example/topic/all patient=s_BBBBBBBBBBBBBBBBBBBBBB)" other
	} >in
	told_of 1
	empty seen
	grep -o 'subscription .*' err | head -n 3 >said
	same said <<-'END'
		subscription sealed refused: payload
		subscription whole refused: payload
		subscription other refused: grant-subject
	END
	cp -r "$F/P" Q
	sed -i 's/^  webhook:/  hook:/' Q/notify.yaml
	P=Q
	fhir "$(backport http://h.example/topic/all "patient=$SUBJECT")" one >in
	notify 1 --subscriptions in "$F/sealed"
	has err 'subscription one refused: channel'
}

@test "fhir of notify.yaml: what is malformed stops the start, with its place" {
	local text
	while IFS='|' read -r text want; do
		rm -rf Q
		cp -r "$EHR_ROOT/policies/hospital" Q
		printf 'fhir: %s\n' "$text" >>Q/notify.yaml
		echo 'tags: {topic: [vitals, labs]}' >>Q/seal.yaml
		P=Q
		: >in
		notify 3 --subscriptions in "$F/sealed"
		grep -qE "Q/notify.yaml:[0-9]+:[0-9]+: (a list, )?$want" err || { cat err; echo "$text"; return 1; }
	done <<-'END'
		[]|expected a map
		{topic: []}|unknown key 'topic'
		{topics: {}}|expected a list
		{topics: [{}]}|expected topic, criteria or both
		{topics: [{criteria: "Observation?patient=x"}]}|expected a search
		{topics: [{criteria: "Observation?code:not=x"}]}|expected a search
		{topics: [{topic: a, tags: []}]}|expected a map
		{topics: [{topic: a, tags: {topic: []}}]}|expected a list of words
		{topics: [{topic: a, tags: {topics: [vitals]}}]}|no line has this tag
		{topics: [{topic: a, tags: {topic: [vitals, vital]}}]}|no line has this tag
		{topics: [{topic: a, min_criticality: huge}]}|unknown criticality 'huge'
		{topics: [{topic: a}, {topic: a}]}|a row before
		{topics: [{criteria: "A?x=1&y=2"}, {criteria: "A?y=2&x=1"}]}|a row before
		{channels: [a]}|expected a map
	END
}

@test "page: the examples of ehr-subscription(5) are read, and the three forms tell the same" {
	local name
	block() { awk -v file="$1" -f "$EHR_ROOT/tests/lib/page.awk" "$EHR_ROOT/share/man/man5/ehr-subscription.5"; }
	cp -r "$EHR_ROOT/policies/hospital" Q
	block notify.yaml >>Q/notify.yaml
	block seal.yaml >>Q/seal.yaml
	P=Q
	for name in r4 backport r5 ward; do
		block $name.yaml | sed "s/u_17/nurse/; s/g_2026-000123/$(granted_claim nurse jti)/; s/s_9f31/$SUBJECT/g" >$name.yaml
		[ -s $name.yaml ]
		notify 1 --subscriptions $name.yaml "$F/sealed"
		lacks err refused
		grep '"kind":"data"' out | jq -c '[.ehr.record[2:3], .ehr.rl, .payload]' >seen.$name
	done
	cmp seen.r4 seen.backport
	cmp seen.r4 seen.r5
	same seen.r5 <<<'["A","N","empty"]'
	same seen.ward <<-'END'
		["A","N","reference"]
		["B","N","reference"]
	END
}
