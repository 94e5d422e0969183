# ehr-classify: what each part of the policy makes of a record (testdata/policies/labels).
bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/labels

@test "a labelled line, byte for byte" {
	policy
	printf '%s\n' '{"resourceType":"Observation","id":"o1", "subject":{"reference":"Patient/p1"},"status":"final","code":{"coding":[{"system":"http://loinc.org","code":"59408-5"}]},"valueQuantity":{"value":91.50,"code":"%"},"component":[{"valueString":"\u00e9"},{"code":{"coding":[{"system":"http://loinc.org","code":"7917-8"}]}}]}' >in
	ehr 0 ehr-classify -P "$P" in
	sed -E 's/sha256:[0-9a-f]{64}/sha256:D/' out >shown
	same shown <<'END'
{"ehr":{"v":1,"stage":"labelled","id":"Observation/o1","subject":"Patient/p1","level":"R","sensitivity":["HIV"],"criticality":"high","reasons":["hiv","spo2"],"policy":"sha256:D"},"labels":[{"at":"","level":"N","rule":"base"},{"at":"","level":"N","criticality":"high","rule":"spo2"},{"at":"/resourceType","level":"U","rule":"base"},{"at":"/id","level":"U","rule":"base"},{"at":"/status","level":"L","rule":"base"},{"at":"/component/1","level":"R","sensitivity":["HIV"],"rule":"hiv"},{"at":"/component/1/code","level":"L","rule":"base"}],"record":{"resourceType":"Observation","id":"o1", "subject":{"reference":"Patient/p1"},"status":"final","code":{"coding":[{"system":"http://loinc.org","code":"59408-5"}]},"valueQuantity":{"value":91.50,"code":"%"},"component":[{"valueString":"\u00e9"},{"code":{"coding":[{"system":"http://loinc.org","code":"7917-8"}]}}]}}
END
}

@test "the digest is the policy's: another byte in any file is another digest" {
	policy
	cp -r "$P" changed
	echo '# ' >>changed/policy.yaml
	printf '{"resourceType":"Basic"}\n' >in
	ehr 0 ehr-classify -P "$P" in
	jq -r .ehr.policy out >one
	ehr 0 ehr-classify -P changed in
	jq -r .ehr.policy out >two
	ehr 1 cmp -s one two
}

@test "base: the nearest place counts, of one place the type's own, else the higher; only changes are labels" {
	policy
	printf '%s\n' '{"resourceType":"Patient","id":"p","meta":{"source":"s","profile":["a"]},"gender":"x","identifier":[{"system":"urn:ssn"},{"system":"urn:a"}]}' >in
	ehr 0 ehr-classify -P "$P" in
	jq -r '.labels[] | [.at, .level, .rule] | join(" ")' out >shown
	same shown <<-'END'
		 N base
		/resourceType U base
		/id L base
		/meta/source R base
		/gender L base
		/identifier/0 R base
	END
	[ "$(jq -r .ehr.level out)" = R ]
}

@test "a type without a base has the default, an unknown or missing one the highest level everywhere" {
	policy
	printf '%s\n' '{"resourceType":"Flag","id":"f"}' '{"resourceType":"flag","id":"f"}' '{"id":"f"}' '{"resourceType":7}' >in
	ehr 0 ehr-classify -P "$P" in
	jq -c '[.ehr.level, .ehr.id[0:6], .labels]' out >shown
	same shown <<-END
		["N","Flag/f",[{"at":"","level":"N","rule":"default"},{"at":"/resourceType","level":"U","rule":"base"},{"at":"/id","level":"U","rule":"base"}]]
		["V","flag/f",[{"at":"","level":"V","rule":"default"}]]
		["V","_/f",[{"at":"","level":"V","rule":"default"}]]
		["V","_/~$(printf '{"resourceType":7}' | sha256sum | cut -c1-3)",[{"at":"","level":"V","rule":"default"}]]
	END
	has err 'ehr-classify: unknown-type: 3 records of a type that nobody knows: they keep the highest level; none of FHIR R4 is called so (for other records, classify.yaml may name their type in base)'
}

@test "codes: a concept, a coding, a reference to a concept; the outermost entry is labelled, else the root" {
	labels '{"resourceType":"Condition","code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"B20"}],"text":"x"},"stage":[{"summary":{"concept":{"coding":[{"system":"http://loinc.org","code":"7917-8"}]}}}]}' <<-'END'
		- R HIV - - hiv -
		/code - HIV - - hiv-match -
		/stage/0/summary - HIV - - hiv-match -
	END
	labels '{"resourceType":"QuestionnaireResponse","item":[{"item":[{"answer":[{"valueCoding":{"system":"http://loinc.org","code":"7917-8"}}]}]},{"linkId":"1"}]}' <<-'END'
		/item/0 R HIV - - hiv -
	END
}

@test "codes: dots, blanks and case in ICD, OIDs and old names of systems, escapes: none evades" {
	local code
	for code in '"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"b20"' \
		'"code":"B20.","system":"http://hl7.org/fhir/sid/icd-10-cm"' \
		'"system":"urn:oid:2.16.840.1.113883.6.90","code":"B20"' \
		'"system":"2.16.840.1.113883.6.90","code":"B 20"' \
		'"system":"https://hl7.org/fhir/sid/icd-10-cm/","code":"B20"' \
		'"\u0073ystem":"http:\/\/hl7.org/fhir/sid/icd-10-cm","c\u006fde":"B\u00320"' \
		'"code":"B20"' '"system":null,"code":"B20"'; do
		labels '{"resourceType":"Procedure","x":[{"coding":[{'"$code"'}]}]}' <<-'END'
			- R HIV - - hiv -
		END
	done
}

@test "codes: never under another known system, and H00.34 is not H0034" {
	labels '{"resourceType":"Procedure","code":{"coding":[{"system":"http://unitsofmeasure.org","code":"B20"},{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"H00.34"},{"system":"urn:oid:2.16.840.1.113883.6.238","code":"7917-8"}]}}' </dev/null
	labels '{"resourceType":"Procedure","code":{"coding":[{"system":"https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets","code":"h0034"}]}}' <<-'END'
		- R SUD 42CFRPart2 - substance -
	END
}

@test "codes: a system nobody knows, or that cannot have the code, counts as none for letters, never for numbers" {
	local system
	for system in urn:mine http://loinc.org http://www.cms.gov/Medicare/Coding/ICD10 http://snomed.info/sct; do
		labels '{"resourceType":"Procedure","code":{"coding":[{"system":"'$system'","code":"b20"}]}}' <<-'END'
			- R HIV - - hiv -
		END
	done
	labels '{"resourceType":"Procedure","code":{"coding":[{"system":"urn:mine","code":"7917-8"},{"system":"urn:mine","code":"B20-ward"},{"system":"urn:mine","code":"86406008"}]}}' </dev/null
}

@test "codes: a coding that nobody can read counts as each that a rule asks for" {
	labels '{"resourceType":"Procedure","code":{"coding":[{"system":7,"code":"x"}]}}' <<-'END'
		- R HIV - - hiv -
		- R - 42CFRPart2 - substance -
		- R - - - written-out -
	END
}

@test "codes: categories come from the rows that matched, in the entry they stand in" {
	labels '{"resourceType":"Observation","component":[{"code":{"coding":[{"system":"http://loinc.org","code":"5643-2"}]}},{"code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"F11.20"},{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"F10"}]}}]}' <<-'END'
		/component/0 R ETHUD 42CFRPart2 - substance -
		/component/1 R ETHUD+SUD 42CFRPart2 - substance -
	END
}

@test "codes: a row holds in its time, and for a record without a time" {
	local r='{"resourceType":"Condition","code":{"coding":[{"system":"http://snomed.info/sct","code":"86406008"}]}'
	labels "$r,\"recordedDate\":\"2021\"}" </dev/null
	labels "$r,\"recordedDate\":\"2019-12-31T23:00:00Z\"}" <<-'END'
		- R HIV - - hiv -
		/code - HIV - - hiv-match -
	END
	labels "$r}" <<-'END'
		- R HIV - - hiv -
		/code - HIV - - hiv-match -
	END
}

@test "rules: codes written out, prefixes too" {
	labels '{"resourceType":"Condition","code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"z21.9"}]}}' <<-'END'
		- R - - - written-out -
	END
	labels '{"resourceType":"Condition","bodySite":{"coding":[{"system":"http://loinc.org","code":"1-1"}]}}' </dev/null
}

@test "rules: when is asked of the root, at a place the label goes there, a place that jq fails at labels the root" {
	labels '{"resourceType":"Patient","extension":[{"url":"urn:vip"}]}' <<-'END'
		- V VIP - - vip -
	END
	labels '{"resourceType":"Patient","extension":[{"url":"urn:other"}]}' </dev/null
	labels '{"resourceType":"Patient","extension":7}' <<-'END'
		- V VIP - - vip -
	END
	labels '{"resourceType":"Patient","active":true,"gender":"x","contact":[{"name":{}},{"name":{}}]}' <<-'END'
		/gender R - - - place -
		/contact/0/name R - - - place -
		/contact/1/name R - - - place -
	END
	labels '{"resourceType":"Patient","active":false,"name":[{"use":"old"},{"use":"usual"}]}' <<-'END'
		/name/0 R - - - jq-place -
	END
	labels '{"resourceType":"Patient","active":false,"name":[{"use":"old"},{"use":7}]}' <<-'END'
		- R - - - jq-place -
		/name/0 R - - - jq-place -
	END
}

@test "rules: tests in one where hold at one element; any, none, present" {
	labels '{"resourceType":"Patient","name":[{"use":"nick","text":"Abe"},{"use":"usual","text":"Zoe"}]}' </dev/null
	labels '{"resourceType":"Patient","name":[{"text":"a"},{"use":"nick","text":"Zoe"}]}' <<-'END'
		/name/1 R - - - same-element -
	END
	labels '{"resourceType":"Basic","a":1.0}' <<<'/a R - - - any-of -'
	labels '{"resourceType":"Basic","a":10e-1,"b":{}}' <<-'END'
		/a R - - - any-of -
		/b R - - - any-of -
	END
	labels '{"resourceType":"Basic","a":"1","b":null}' </dev/null
	labels '{"resourceType":"Basic","a":1,"c":true}' </dev/null
}

@test "rules: numbers across units; what cannot be judged counts as true" {
	local value
	for value in '{"value":34.99,"code":"Cel"}' '{"value":94.9,"code":"[degF]"}' '{"value":34,"unit":"C {oral}"}' \
		'{"value":34.99,"code":"Cel","comparator":"<="}' \
		'{"value":50,"code":"Cel","comparator":"<"}' '{"value":36,"code":"kg"}' '{"value":36}' 36 '"36"' '{"value":"36","code":"Cel"}'; do
		labels '{"resourceType":"Basic","temperature":'"$value"'}' <<<'/temperature R - - - cold -'
	done
	for value in '{"value":35,"code":"Cel"}' '{"value":95.0,"code":"[degF]"}' '{"value":35,"code":"Cel","comparator":">"}'; do
		labels '{"resourceType":"Basic","temperature":'"$value"'}' </dev/null
	done
}

@test "rules: dates; a partial one that overlaps counts as true" {
	local date
	for date in 2000-05-31 1999 2000 2000-05-31T23:00:00Z x; do
		labels '{"resourceType":"Basic","date":"'$date'"}' <<<'/date R - - - old -'
	done
	for date in 2000-06 2000-06-01 2001; do
		labels '{"resourceType":"Basic","date":"'$date'"}' </dev/null
	done
}

@test "rules: one without conditions holds for every root of its types, contained ones and Bundle entries too" {
	labels '{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Group"}},{"resource":{"resourceType":"Flag","contained":[{"resourceType":"Group"}]}},{"response":{"outcome":{"resourceType":"Group"}}}]}' <<-'END'
		/entry/0/resource R EMP - - always -
		/entry/1/resource/contained/0 R EMP - - always -
		/entry/2/response/outcome R EMP - - always -
	END
	labels '{"resourceType":"Parameters","parameter":[{"resource":{"resourceType":"Group"}},{"part":[{"part":[{"resource":{"resourceType":"Group"}}]}]}]}' <<-'END'
		/parameter/0/resource R EMP - - always -
		/parameter/1/part/0/part/0/resource R EMP - - always -
	END
}

@test "roots: no path crosses into an inner root, and its base is its own" {
	labels '{"resourceType":"Procedure","contained":[{"resourceType":"Condition","id":"c","code":{"coding":[{"system":"http://loinc.org","code":"7917-8"}]}}],"x":1}' <<-'END'
		/contained/0 R HIV - - hiv -
		/contained/0/code - HIV - - hiv-match -
	END
	policy
	printf '%s\n' '{"resourceType":"Procedure","contained":[{"resourceType":"Organization","name":"n"},{"resourceType":"Flag"},{"name":"no root"},{"resourceType":"Nothing"}]}' >in
	ehr 0 ehr-classify -P "$P" in
	jq -r '.labels[] | select(.at | endswith("resourceType") | not) | [.at, .level, .rule] | join(" ")' out >shown
	same shown <<-'END'
		 N default
		/contained/0 U base
		/contained/3 V default
	END
}

@test "a labelled line gives the same line; a forged label can only raise, and raises once" {
	policy
	printf '%s\n' '{"resourceType":"Observation","id":"o","status":"final","text":{"div":"d"},"subject":{"identifier":{"system":"s","value":"\"v"}},"component":[{"code":{"coding":[{"code":"B20"}]}}],"interpretation":[{"coding":[{"code":"HH"}]}]}' >in
	ehr 0 ehr-classify -P "$P" in
	cp out one
	ehr 0 ehr-classify -P "$P" one
	cmp one out
	jq -c '.labels = [{"at":"","level":"U","rule":"base"},{"at":"/status","level":"R","sensitivity":["SUD"],"rule":"mine"},{"at":"/id","level":"X","rule":"y"}] | .ehr.level = "U"' one >forged
	ehr 0 ehr-classify -P "$P" forged
	cp out two
	jq -c '[.ehr.level, (.labels[] | select(.rule == "floor"))]' out >shown
	same shown <<<'["V",{"at":"/id","level":"V","rule":"floor"},{"at":"/status","level":"R","sensitivity":["SUD"],"rule":"floor"}]'
	ehr 0 ehr-classify -P "$P" two
	cmp two out
	jq -c '.labels[1].at = "/nothing"' one >bad
	ehr 5 ehr-classify -P "$P" bad
	has err 'bad-pointer'
}

@test "narrative: as high as the highest part of its root and of the roots in it" {
	labels '{"resourceType":"Flag","text":{"status":"x","div":"d"},"contained":[{"resourceType":"Group","text":{"div":"e"}}]}' <<-'END'
		/text R EMP - - narrative -
		/contained/0 R EMP - - always -
	END
	labels '{"resourceType":"Flag","text":{"div":"d"}}' </dev/null
	labels '{"resourceType":"Observation","text":{"div":"d"},"code":{"text":"t"}}' <<<'/text R - - - narrative -'
}

# An Observation of the sign $1 with the members $2.
observation() {
	printf '{"resourceType":"Observation","code":{"coding":[{"system":"http://loinc.org","code":"%s"}]}%s}' "$1" "$2"
}

@test "criticality: the bands of a sign, in all units, in components" {
	local value
	labels "$(observation 59408-5 ',"valueQuantity":{"value":91.9,"unit":"%"}')" <<<'- N - - high spo2 -'
	labels "$(observation 59408-5 ',"valueQuantity":{"value":92.0,"code":"%"}')" <<<'- N - - medium spo2 -'
	labels "$(observation 59408-5 ',"valueQuantity":{"value":0.95,"code":"1"}')" <<<'- N - - low spo2 -'
	labels "$(observation 59408-5 ',"valueQuantity":{"value":96,"code":"%"}')" </dev/null
	labels "$(observation 59408-5 ',"valueInteger":91')" <<<'- N - - high spo2 -'
	labels "$(observation 59408-5 ',"valueRange":{"low":{"value":93,"code":"%"},"high":{"value":99,"code":"%"}}')" <<<'- N - - medium spo2 -'
	labels "$(observation 8310-5 ',"valueQuantity":{"value":100.4,"code":"[degF]"}')" </dev/null
	labels "$(observation 8310-5 ',"valueQuantity":{"value":100.5,"code":"[degF]"}')" <<<'- L - - high heat -'
	labels "$(observation x ',"component":['"$(observation 59408-5 ',"valueQuantity":{"value":91,"code":"%"}')"']')" <<<'/component/0 N - - high spo2 -'
}

@test "criticality: a code is read in each form that one is written in" {
	local code value=',"valueQuantity":{"value":50,"code":" % "}'
	for code in '{"coding":{"system":"http://loinc.org","code":"59408-5"}}' '[{"coding":[{"system":"http://loinc.org","code":"59408-5"}]}]' \
		'[{"text":"x"},{"coding":{"code":" 59408-5 "}}]' '{"system":"http://loinc.org","code":"59408-5"}' \
		'{"coding":[{"system":"urn:x","code":"x"},{"system":"http://loinc.org","code":"59408‑5"}]}'; do
		labels '{"resourceType":"Observation","code":'"$code$value"'}' <<<'- N - - high spo2 -'
		labels '{"resourceType":"Observation","component":{"code":'"$code$value"'}}' <<<'/component N - - high spo2 -'
	done
	labels '{"resourceType":"Observation","interpretation":{"coding":{"code":" HH "}}}' <<<'- N - - critical evidence -'
}

@test "criticality: what should have been judged and could not is said to be so" {
	labels "$(observation 59408-5 ',"valueQuantity":{"value":99,"code":"kg"}')" <<<'- N - - medium unit -'
	labels "$(observation 59408-5 ',"valueQuantity":{"value":99}')" <<<'- N - - medium unit -'
	labels "$(observation 59408-5 ',"valueQuantity":{"value":"99","code":"%"}')" <<<'- N - - medium value -'
	labels "$(observation 59408-5 ',"valueString":"99"')" <<<'- N - - medium value -'
	labels "$(observation 59408-5 ',"dataAbsentReason":{}')" <<<'- N - - medium value -'
	labels "$(observation 59408-5 ',"valueQuantity":{"value":95,"code":"%","comparator":"<"}')" <<<'- N - - medium comparator -'
	labels "$(observation 59408-5 ',"valueQuantity":{"value":92,"code":"%","comparator":"<"}')" <<<'- N - - high spo2 -'
	labels "$(observation 59408-5 ',"valueQuantity":{"value":1e999999,"code":"%"}')" </dev/null
	labels '{"resourceType":"Flag","loudness":"x"}' <<<'- N - - medium value -'
}

@test "criticality: of a sign's rules one that can read the unit is enough" {
	labels "$(observation 2339-0 ',"valueQuantity":{"value":53,"code":"mg/dL"}')" <<<'- N - - high sugar -'
	labels "$(observation 15074-8 ',"valueQuantity":{"value":2.9,"code":"mmol/L"}')" <<<'- N - - high sugar-molar -'
	labels "$(observation 15074-8 ',"valueQuantity":{"value":5,"code":"mmol/L"}')" </dev/null
	labels "$(observation 15074-8 ',"valueQuantity":{"value":5,"code":"kg"}')" <<<'- N - - medium unit -'
}

@test "criticality: the sender's word, a rule's, and the highest of all; a code in an order is no sign" {
	labels '{"resourceType":"ServiceRequest","priority":"stat","code":{"coding":[{"system":"http://loinc.org","code":"59408-5"}]}}' <<<'- N - - critical evidence -'
	labels "$(observation 59408-5 ',"interpretation":[{"coding":[{"code":"H"},{"code":"HH"}]}],"valueQuantity":{"value":93,"code":"%"}')" <<-'END'
		- N - - critical evidence -
		- N - - medium spo2 -
	END
	labels '{"resourceType":"Flag","code":{"coding":[{"system":"urn:local","code":"SEPSIS"}]},"loudness":81}' <<-'END'
		- N - - critical sepsis -
		- N - - high loud -
	END
	tags '{"resourceType":"Flag","loudness":81}' '[.criticality, .reasons]' '["high",["loud"]]'
}

@test "criticality: known from the level on of what it was read from" {
	labels "$(observation 59408-5 ',"valueQuantity":{"value":91,"code":"%","extension":[{"url":"http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-inline-sec-label","valueCoding":{"code":"V"}}]}')" <<-'END'
		- V - - high spo2 -
		/valueQuantity V - - - floor -
	END
}

@test "criticality: entered in error alarms nobody; old values and values from the future are stale" {
	local low=',"valueQuantity":{"value":80,"code":"%"}'
	labels "$(observation 59408-5 ',"status":"cancelled"'"$low")" </dev/null
	labels "$(observation 59408-5 ',"effectiveDateTime":"2026-11-20T09:00:00Z"'"$low")" --now 2026-11-21T09:00:01Z <<<'- N - - low stale -'
	labels "$(observation 59408-5 ',"effectiveDateTime":"2026-11-20T09:00:01Z"'"$low")" --now 2026-11-21T09:00:00Z <<<'- N - - high spo2 -'
	labels "$(observation 59408-5 ',"effectiveDateTime":"2026-11-22"'"$low")" --now 2026-11-21T09:00:00Z <<<'- N - - low stale -'
	labels "$(observation 59408-5 ',"effectiveDateTime":"2026-11-22"'"$low")" <<<'- N - - high spo2 -'
}

@test "id and subject, in one form however they are written" {
	tags '{"resourceType":"Flag","id":"f","subject":{"reference":"http://h/fhir/Patient/p1/_history/2"}}' '[.id, .subject]' '["Flag/f","Patient/p1"]'
	tags '{"resourceType":"Flag","id":"f","subject":{"reference":"urn:uuid:p1"}}' .subject '"Patient/p1"'
	tags '{"resourceType":"Flag","id":"f","patient":{"type":"Person","reference":"p1"}}' .subject '"Person/p1"'
	tags '{"resourceType":"Flag","id":"f","subject":{"reference":"Patient?identifier=s|v"}}' .subject '"Patient?identifier=s|v"'
	tags '{"resourceType":"Flag","id":"f","subject":{"reference":"Patient?name=x"}}' .subject null
	tags '{"resourceType":"Flag","id":"f","subject":{"identifier":{"system":"s","value":"v"}}}' .subject '"Patient?identifier=s|v"'
	tags '{"resourceType":"Flag","contained":[{"resourceType":"Patient","id":"x","identifier":[{"system":"s","value":"v"}]}],"subject":{"reference":"#x"}}' .subject '"Patient?identifier=s|v"'
	tags '{"resourceType":"Patient","id":"p"}' .subject '"Patient/p"'
	tags '{"resourceType":"Flag"}' '.id' '"Flag/~'"$(printf '{"resourceType":"Flag"}' | sha256sum | cut -c1-32)"'"'
	tags '{"resourceType":"Flag","id":"a b"}' '.id[0:6]' '"Flag/~"'
}

@test "coverage: systems are named if a table knows them, others only counted" {
	policy
	printf '%s\n' '{"resourceType":"Flag","code":{"coding":[{"system":"http://snomed.info/sct","code":"1"},{"system":"urn:secret","code":"1"},{"system":"http://hl7.org/fhir/sid/cvx","code":"1"},{"system":"http://unitsofmeasure.org","code":"1"}]}}' >in
	cat in in >two
	ehr 0 ehr-classify -P "$P" two
	same err <<-'END'
		ehr-classify: no-base: default level for Flag: 2: give each a line of base in classify.yaml
		ehr-classify: uncovered-system: http://hl7.org/fhir/sid/cvx: 2 records, 0 rows: put its sensitive codes into a value set, or set uncovered in classify.yaml; ehr-policy survey lists what occurs
		ehr-classify: uncovered-system: another system: 2 records, 0 rows
		ehr-classify: no-such-code: 2 records with a code that its system cannot have: tell the sender, or set uncovered in classify.yaml
	END
	cp -r "$P" strict
	echo 'uncovered: R' >>strict/classify.yaml
	ehr 0 ehr-classify -P strict in
	[ "$(jq -c '[.ehr.level, .ehr.reasons]' out)" = '["R",["uncovered"]]' ]
}

@test "coverage: uncovered: reaches systems without rows, whatever they are called" {
	local system
	policy
	cp -r "$P" strict
	echo 'uncovered: R' >>strict/classify.yaml
	for system in http://id.nlm.nih.gov/mesh MSH http://www.nlm.nih.gov/research/umls http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl https://www.meddra.org \
		http://fdasis.nlm.nih.gov http://fhir.de/CodeSystem/ifa/pzn http://hl7.org/fhir/sid/ndc urn:oid:2.16.840.1.113883.6.69 http://hl7.org/fhir/sid/cvx urn:local; do
		printf '{"resourceType":"Flag","code":{"coding":[{"system":"%s","code":"D015658"}]}}\n' "$system"
	done >in
	ehr 0 ehr-classify -P strict in
	[ "$(jq -c '[.ehr.level, .ehr.reasons]' out | sort | uniq -c | sed 's/^ *//')" = '11 ["R",["uncovered"]]' ]
}

@test "coverage: concepts without a code and codes that cannot be are counted, and uncovered: reaches them" {
	local code
	policy
	cp -r "$P" strict
	echo 'uncovered: R' >>strict/classify.yaml
	for code in '{"text":"secret"}' '{"coding":[{"display":"secret"}]}' '{"coding":[],"text":"secret"}' \
		'{"coding":[{"system":"http://snomed.info/sct"}]}'; do
		printf '%s\n' '{"resourceType":"Procedure","code":'"$code"'}' >in
		ehr 0 ehr-classify -P "$P" in
		has err 'ehr-classify: no-code: 1 records with a concept that has a text alone'
		ehr 0 ehr-classify -P strict in
		[ "$(jq -c '[.ehr.level, .ehr.reasons]' out)" = '["R",["uncovered"]]' ]
	done
	for code in '{"system":"http://snomed.info/sct","code":"86406009"}' '{"system":"http://loinc.org","code":"7917-7"}'; do
		printf '%s\n' '{"resourceType":"Procedure","code":{"coding":['"$code"']}}' >in
		ehr 0 ehr-classify -P "$P" in
		has err 'ehr-classify: no-such-code: 1 records with a code that its system cannot have'
		ehr 0 ehr-classify -P strict in
		[ "$(jq -c '[.ehr.level, .ehr.reasons]' out)" = '["R",["uncovered"]]' ]
	done
	printf '%s\n' '{"resourceType":"Procedure","note":[{"text":"x"}],"text":{"div":"x"},"code":{"text":"x","coding":[{"code":"1"}]}}' >in
	ehr 0 ehr-classify -P strict in
	[ "$(jq -c '[.ehr.level, .ehr.reasons]' out)" = '["N",[]]' ]
}

@test "codes_in: what holds codes without being one" {
	local text
	for text in '"linkId":"7917-8"' '"linkId":"/55399-0/7917-8/LA6568-5"' '"linkId":"q-7917-8"' '"linkId":"q7917-8_1"' \
		'"questionnaire":"http://loinc.org/q/7917-8|2.1"' '"questionnaire":"http:\/\/x\/Questionnaire\/7917-8#1"' \
		'"criteria":"Observation?code=http://loinc.org|7917-8"' '"criteria":"Condition?code=B20"' '"criteria":"Condition?code=ICD10CM|B20,x"' \
		'"criteria":"Condition?code=http%3A%2F%2Fhl7.org%2Ffhir%2Fsid%2Ficd-10%7CB20&a=b"' \
		'"linkId":"1.B20"' '"linkId":"/4/B20"' '"linkId":"q_B20_a"' '"linkId":"ICD-10-CM.B20"' '"linkId":"B20.item1"' '"linkId":"dx-B20-since"' \
		'"questionnaire":"http://hl7.org/fhir/sid/icd-10-cm#B20"' '"listed":["1","urn:icd:B20:2019"]' \
		'"listed":["x","http://snomed.info/sct?fhir_vs=ecl/<<86406008"]'; do
		labels '{"resourceType":"Procedure","x":{'"$text"'}}' <<-'END'
			- R HIV - - hiv -
		END
	done
	for text in '"linkId":"17917-8"' '"linkId":"7917-7"' '"linkId":"7917-88"' '"linkId":"7917"' '"other":"7917-8"' \
		'"criteria":"B20"' '"criteria":"Condition?name=B20"' '"criteria":"Condition?code=urn:mine|7917"' \
		'"linkId":"1.B2"' '"linkId":"1.B201"' '"linkId":"1.b20"' '"linkId":"1.B29"' '"linkId":"AB20.1"' '"linkId":"1.B20a"' '"linkId":"B20=1"' \
		'"linkId":"D5E0B20C-B20F-4B20-AB20-0123456789AB"' \
		'"listed":["1","2024-01-05","186406008",7917]' '"linkId":"%zz%"'; do
		labels '{"resourceType":"Procedure","x":{'"$text"'}}' </dev/null
	done
	labels '{"resourceType":"QuestionnaireResponse","item":[{"linkId":"1"},{"linkId":"7917-8"}]}' <<-'END'
		/item/1 R HIV - - hiv -
	END
	cp -r "$P" bad
	sed -i 's/^codes_in: .*/codes_in: {linkId: x}/' bad/classify.yaml
	ehr 3 ehr-classify -P bad
	has err 'a map, expected a string'
	sed -i 's/^codes_in: .*/codes_in: []/' bad/classify.yaml
	ehr 3 ehr-classify -P bad
	has err 'expected names of members'
}

@test "a key of classify.yaml behind which nothing stands is refused: it would label nothing, or raise no alarm" {
	local key empty at H="$EHR_ROOT/policies/hospital/classify.yaml"
	cp -r "$EHR_ROOT/policies/hospital" p
	for key in summaries terms rules declassify criticality opaque categories '  skip' '  entry' '  evidence' '  rules' '  scores'; do
		for empty in '' ' []' ' {}'; do
			# The key without what stood behind it, at its place or at the end of the file.
			awk -v key="$key:" -v empty="$empty" '
				substr($0, 1, length(key)) == key { print key empty; gone = was = 1; next }
				{ match($0, /^ */); if (RLENGTH < match(key, /[^ ]/) && $0 !~ /^ *(#|- |$)/) gone = 0 }
				!gone
				END { if (!was) print key empty }' "$H" >p/classify.yaml
			at=$(grep -nxF "$key:$empty" p/classify.yaml | cut -d: -f1)
			ehr 3 ehr-classify -P p
			empty out
			grep -qF "ehr-classify: p/classify.yaml:$at:" err || { echo "$key:$empty"; cat err; false; }
		done
		[ "$empty" = ' {}' ]
	done
	cp "$H" p/
	sed -i 's/^declassify: .*//; $a declassify:' p/classify.yaml
	ehr 3 ehr-classify -P p
	has err "nothing stands behind 'declassify': give it a value, or take the key out"
	for empty in 'anywhere: ' '.code: ' '.code: {is: }' '.code: {not: }'; do
		sed "0,/^rules:/s//rules:\n  - {id: z, say: z., label: {level: R}, where: {$empty}}/" "$H" >p/classify.yaml
		ehr 3 ehr-classify -P p
		has err "p/classify.yaml:$(grep -n '^  - {id: z,' p/classify.yaml | cut -d: -f1):"
		has err "no value; write null where null is meant"
	done
}

@test "input: stages, tombstones, what is no record" {
	policy
	printf '%s\n' '{"ehr":{"v":1,"stage":"deleted","id":"Flag/f"},"record":{}}' >in
	ehr 0 ehr-classify -P "$P" in
	cmp in out
	printf '%s\n' '{"ehr":{"v":1,"stage":"opened"},"record":{}}' '{"ehr":{"v":2},"record":{}}' '[]' '{"ehr":{"v":1,"stage":"ingested"},"record":[]}' >in
	ehr 1 ehr-classify -P "$P" --on-error skip in
	empty out
	[ "$(wc -l <err)" -eq 4 ]
}

@test "input: a record may be as long and as deep in its envelope as without" {
	policy
	printf '{"resourceType":"Flag","x":"%0100d"}\n' 0 >in
	ehr 0 ehr-classify -P "$P" --max-record 200 in
	cp out labelled
	ehr 0 ehr-classify -P "$P" --max-record 200 labelled
	ehr 5 ehr-classify -P "$P" --max-record 100 labelled
	has err too-long
	printf '{"resourceType":"Flag","x":[[[[]]]]}\n' >in
	ehr 0 ehr-classify -P "$P" --max-depth 5 in
	cp out labelled
	ehr 0 ehr-classify -P "$P" --max-depth 5 labelled
	cmp out labelled
	ehr 5 ehr-classify -P "$P" --max-depth 4 in
}

@test "options: refused records, quarantine, summary" {
	policy
	printf '%s\n' '{"resourceType":"Flag","id":"f"}' '{"a":1,"a":2}' 'x' >in
	ehr 1 ehr-classify -P "$P" --on-error quarantine --quarantine q -v in
	[ "$(wc -l <out)" -eq 1 ]
	[ "$(wc -l <q)" -eq 2 ]
	has err '3 read, 1 written, 2 refused'
	ehr 5 ehr-classify -P "$P" --on-error skip --max-refused 1 in
	ehr 0 ehr-classify --progress --policy "$P" </dev/null
	ehr 2 ehr-classify in
	ehr 2 ehr-classify -P "$P" --now yesterday in
	has err 'yesterday'
}

# The policy with line $1 of classify.yaml changed by sed gives the message $2.
faulty() {
	policy
	rm -rf bad
	cp -r "$P" bad
	sed -i -E "$1" bad/classify.yaml
	ehr 3 ehr-classify -P bad </dev/null
	empty out
	has err "$2"
}

@test "a bad policy does not start, and says where" {
	faulty 's/^default: N/default: Q/' "bad/classify.yaml:2:10: unknown level 'Q'"
	faulty '/^default/d' 'default'
	faulty 's/^unknown_type: V/unknown_type: R/' 'unknown-type-not-highest: unknown_type must be the highest level, V'
	faulty 's/id: hiv,/id: base,/' "the id 'base' is reserved"
	faulty 's/id: hiv,/id: vip,/' "duplicate-id: 'vip' is taken by line 24"
	faulty 's/id: hiv, say: HIV.,/id: hiv,/' 'say'
	faulty 's/in: hiv\}/in: hvi}/' "unknown-set: no value set 'hvi'"
	faulty 's/\[EMP\]/[EMPX]/' "unknown code 'EMPX'"
	faulty 's/\[EMP\]/[SICKLE]/' "retired code 'SICKLE'"
	faulty 's/below: 35 Cel/under: 35 Cel/' "unknown test 'under'"
	faulty 's/at: match, label/at: string, label/' 'expected entry, resource, match or a path'
	faulty 's/35 Cel/35 parsec/' 'bad-unit: a unit that is not known'
	faulty 's/type: \[Group\]/type: [Gang]/' "unknown type 'Gang'"
	faulty 's/^  Basic:/  Basics:/' "unknown type 'Basics'"
	faulty 's/\{\.: L\}/{".a[": L}/' 'bad-path: at byte'
	faulty 's/\.gender: L/".gender[-1]": L/' 'bad-path: at byte'
	faulty 's/any\(\.url/any(input.url/' 'bad-jq: at byte'
	faulty 's/rows: 3/rows: 4/' 'rows'
	faulty 's/"< 94", low/"< 90", low/' 'criticality-gap'
	faulty 's/sign: spo2/sign: spo3/' "unknown sign 'spo3'"
	faulty 's/HH: critical/HH: fatal/' "unknown criticality 'fatal'"
	faulty 's/in: \[substance\]/in: [signs]/' 'spo2'
	faulty 's/^opaque: R/opaqe: R/' 'opaqe'
}

@test "a release is judged on the record, not on the last resource in it" {
	policy
	cp -r "$P" released
	sed -i "s/^declassify:/&\n  - {id: own, say: Own., code: V, where: {'select(\$type == \"Patient\" and \$id == \"p\" and \$subject == \"Patient\/p\") | .active': true}, to: N}/" released/classify.yaml
	one='{"resourceType":"Patient","id":"p","active":true,"contained":[{"resourceType":"Basic","id":"c"}]}'
	other='{"resourceType":"Basic","id":"c","active":true,"contained":[{"resourceType":"Patient","id":"p"}]}'
	printf '{"ehr":{"v":1,"stage":"ingested","floor":["V"]},"record":%s}\n' "$one" "$other" >in
	ehr 0 ehr-classify -P released in
	printf '%s\n' '["N",["own"]]' '["V",["floor"]]' | same <(jq -c '.ehr | [.level, .reasons]' out)
}

# A policy whose condition is $1, with a second for each record.
endless() {
	policy
	rm -rf p
	cp -r "$P" p
	WHEN=$1 perl -i -pe "s/when: '[^']*'/\"when: '\$ENV{WHEN}'\"/e" p/classify.yaml
	echo "condition_seconds: ${2:-1}" >>p/policy.yaml
}

@test "a condition without end refuses the record, its neighbours come out" {
	printf '%s\n' '{"resourceType":"Patient","id":"a","n":1}' '{"resourceType":"Patient","id":"b","n":1000000000000}' \
		'{"resourceType":"Patient","id":"c","n":2}' >in
	for when in 'last(range(.n)) > 0' '[range(.n)] | length > 1'; do
		endless "$when"
		ehr 5 ehr-classify -P p in
		same err <<-'END'
			ehr-classify: in:2: condition-timeout: the policy's conditions took too much time or memory at byte 1
		END
		[ "$(jq -r .ehr.id out)" = Patient/a ]
		ehr 1 ehr-classify -P p --on-error quarantine --quarantine q in
		[ "$(jq -r .ehr.id out | paste -sd' ')" = 'Patient/a Patient/c' ]
		[ "$(jq -r .ehr.reason q)" = condition-timeout ]
		rm q
	done
	endless 'last(range(.n)) > 0'
	cp "$EHR_ROOT/testdata/records/bad/condition-timeout.ndjson" bad
	ehr 5 ehr-classify -P p bad
	has err 'bad:1: condition-timeout'
}

@test "a place without end refuses the record, and a place behind an inner root is found" {
	printf '%s\n' '{"resourceType":"Patient","id":"a","contained":[{"resourceType":"Group"},{"x":1}],"z":[5]}' >in
	endless true
	sed -i "s/when: 'true', at: resource/at: '.z[.contained | length - 2]'/" p/classify.yaml
	ehr 0 ehr-classify -P p in
	jq -r '.labels[] | select(.rule == "vip") | .at' out >places
	same places <<<'/z/0'
	sed -i "s/at: '.z.*2]'/at: '.z[last(range(1e12))]'/" p/classify.yaml
	ehr 5 ehr-classify -P p in
	has err 'in:1: condition-timeout'
}

@test "a condition of urgency without end refuses the record, its neighbours come out" {
	printf '%s\n' '{"resourceType":"Flag","id":"a","n":1}' '{"resourceType":"Flag","id":"b","n":1000000000000}' \
		'{"resourceType":"Flag","id":"c","n":2}' >in
	endless true
	sed -i "s/where: {.loudness: {above: 80}}/when: 'last(range(.n)) > 0'/" p/classify.yaml
	ehr 1 ehr-classify -P p --on-error skip in
	has err 'in:2: condition-timeout: '
	printf '%s\n' 'Flag/a routine' 'Flag/c high' | same <(jq -r '.ehr | "\(.id) \(.criticality)"' out)
}

@test "memory is bounded however much time the policy gives" {
	native || return 0
	endless '[range(.n)] | length > 1' 3600
	echo '{"resourceType":"Patient","id":"b","n":1000000000000}' >in
	ehr 5 ehr-classify -P p in
	has err 'in:1: condition-timeout'
}

@test "condition_seconds is a number from 1 to 3600" {
	for seconds in 0 3601 1.5 '"1"' x -1 '[1]'; do
		endless true "$seconds"
		ehr 3 ehr-classify -P p </dev/null
		grep -q '^ehr-classify: p/policy.yaml:[0-9]*:20: ' err || { cat err && false; }
	done
}

@test "a child that evaluates ends with the program, and holds nothing open" {
	native || return 0
	endless 'last(range(.n)) > 0' 3600
	echo '{"resourceType":"Patient","id":"b","n":1000000000000}' >in
	mkfifo pipe
	ehr-classify -P p in >pipe 2>/dev/null 3>&- &
	exec 4<pipe
	sleep 0.3
	kill -9 $!
	wait $! || true
	cat <&4 >rest
	empty rest
	exec 4<&-
}
