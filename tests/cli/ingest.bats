# ehr-ingest: from any JSON text to one record a line.
bats_require_minimum_version 1.5.0
load ../lib/ehr

# The shell line's output is exactly what stands on standard input.
gives() {
	line "$1" "$2"
	same out
}

@test "lines: what is one compact record a line comes out as it came" {
	printf '{"a":1.00,"b":[1e5,-0,"\\u00e9\\/"]}\n{"a":{}}\n' >in
	ehr 0 ehr-ingest in
	cmp in out
	empty err
}

@test "lines: white space between tokens goes, tokens and strings stay" {
	printf '{ "a" :\t[ 1.10 , "x  y" , { } , [ ] ] , "b  c" : null }\r\n' >in
	ehr 0 ehr-ingest in
	same out <<-'END'
		{"a":[1.10,"x  y",{},[]],"b  c":null}
	END
}

@test "lines: a mark, CR LF, blank lines and a missing last newline are accepted" {
	printf '\xef\xbb\xbf{"a":1}\r\n\r\n \t\n{"b":2}' >in
	ehr 0 ehr-ingest in
	same out <<-'END'
		{"a":1}
		{"b":2}
	END
	ehr 0 ehr-ingest --from lines in
	cmp want out
}

@test "lines: each bad line is refused alone, also the first" {
	printf '{"a":1}\n{"b":01}\n{"c":"\n{"d":1}\n{"e":1,"\\u0065":2}\n{"f":1}x\n7\n{"g":1}\n' >in
	ehr 1 ehr-ingest --on-error skip in
	same out <<-'END'
		{"a":1}
		{"d":1}
		{"g":1}
	END
	same err <<-'END'
		ehr-ingest: in:2: bad-number: not a JSON number at byte 7
		ehr-ingest: in:3: truncated: input ends inside a value at byte 7
		ehr-ingest: in:5: duplicate-key: key seen twice at byte 8
		ehr-ingest: in:6: trailing-data: something behind the value at byte 8
		ehr-ingest: in:7: not-an-object: a record is a JSON object at byte 1
	END
}

@test "auto: a bad first line is refused alone and the good ones come out" {
	for first in '{"b":01}' '{"c":"' '{"e":1,"e":2}' '{"f":1}x' 7 '{"h":1'; do
		printf '%s\n{"a":1}\n{"b":2}\n' "$first" >in
		ehr 1 ehr-ingest --on-error skip in
		same out <<-'END'
			{"a":1}
			{"b":2}
		END
	done
}

@test "an array on a line is unpacked one level, its elements refused one by one" {
	printf '[{"a":1}, [{"b":1}],{"ehr":2},{"c":[1]}]\n[]\n{"d":1}\n' >in
	ehr 1 ehr-ingest --on-error skip -v in
	same out <<-'END'
		{"a":1}
		{"c":[1]}
		{"d":1}
	END
	has err 'in:1: not-an-object: a record is a JSON object at byte 11'
	has err 'in:1: reserved-member: a record may not bring a member ehr at byte 22'
	has err '5 read, 3 written, 2 refused (not-an-object 1, reserved-member 1), '
}

@test "json: texts that are pretty-printed or stand one behind the other" {
	printf ' {\n\t"a" : 1\n}\n{"b":"}{"}{"c":["\\\\"]}\n' >in
	ehr 0 ehr-ingest in
	same out <<-'END'
		{"a":1}
		{"b":"}{"}
		{"c":["\\"]}
	END
	printf '{"a":1} {"b":2}\n' | ehr 0 ehr-ingest
	same out <<-'END'
		{"a":1}
		{"b":2}
	END
}

@test "json: an array is unpacked as it comes" {
	printf '[\n {"a":1} ,\n {"b":[2, 3]}\n]\n[ ]{"c":4}' >in
	ehr 0 ehr-ingest in
	same out <<-'END'
		{"a":1}
		{"b":[2,3]}
		{"c":4}
	END
	# The first element is out before the array goes on.
	mkfifo to from
	ehr-ingest --from json <to >from 3>&- &
	exec 5>to 6<from
	printf '[{"a":1},' >&5
	IFS= read -r -t 10 first <&6
	printf '{"b":1}]' >&5
	exec 5>&-
	IFS= read -r -t 10 second <&6
	exec 6<&-
	wait $!
	[ "$first$second" = '{"a":1}{"b":1}' ]
}

@test "json: after a syntax error the run stops with 5 whatever --on-error says" {
	printf '[{"a":1},\n{"b":tru},\n{"c":1}]\n' >in
	for how in fail skip 'quarantine --quarantine q'; do
		# shellcheck disable=SC2086
		ehr 5 ehr-ingest --from json --on-error $how in
		same out <<-'END'
			{"a":1}
		END
		has err 'ehr-ingest: in:2: bad-syntax: not JSON at byte 9'
	done
	printf '[{"a":1}\n  {"b":1}]' >in
	ehr 5 ehr-ingest --from json --on-error skip in
	has err 'ehr-ingest: in:2: bad-syntax: not JSON at byte 3'
	for text in '[{"a":1},]' '[{"a":1},,{"b":1}]' '[,{"a":1}]' '{"a":1}]' '{"a":1},{"b":1}' '[{"a":1}}'; do
		printf '%s' "$text" | ehr 5 ehr-ingest --from json --on-error skip
		has err 'bad-syntax: not JSON at byte'
	done
	for text in '[{"a":1},' '[{"a":1}' '[' '{"a":[' '{"a":"\'; do
		printf '%s' "$text" | ehr 5 ehr-ingest --from json --on-error skip
		has err 'truncated: input ends inside a value at byte'
	done
}

@test "json: what is bad but whole is refused alone" {
	printf '[{"a":"\\ud800"},\n{"b":1,"b":1}, 5 ,{"c":"\xff"},\n[],{"d":1}]{"ehr":1}{"e":1}' >in
	ehr 1 ehr-ingest --from json --on-error skip in
	same out <<-'END'
		{"d":1}
		{"e":1}
	END
	same err <<-'END'
		ehr-ingest: in:1: lone-surrogate: half of a surrogate pair at byte 7
		ehr-ingest: in:2: duplicate-key: key seen twice at byte 8
		ehr-ingest: in:2: not-an-object: a record is a JSON object at byte 1
		ehr-ingest: in:2: bad-utf8: not UTF-8 at byte 7
		ehr-ingest: in:3: not-an-object: a record is a JSON object at byte 1
		ehr-ingest: in:3: reserved-member: a record may not bring a member ehr at byte 2
	END
}

@test "seq: a record behind each separator, a bad one refused alone" {
	printf '\x1e{"a":1}\n\x1e\x1e{"b":\n\x1e[{"c": 3}]\n\x1e {"d":1}{"e":1}\n\x1e{"f":5}' >in
	ehr 1 ehr-ingest --on-error skip in
	same out <<-'END'
		{"a":1}
		{"c":3}
		{"f":5}
	END
	same err <<-'END'
		ehr-ingest: in:2: truncated: input ends inside a value at byte 6
		ehr-ingest: in:4: trailing-data: something behind the value at byte 8
	END
	printf '{"a":1}\n\x1e{"b":2}' >in
	ehr 1 ehr-ingest --from seq --on-error skip in
	same out <<-'END'
		{"b":2}
	END
	same err <<-'END'
		ehr-ingest: in:1: bad-syntax: not JSON at byte 1; no record separator stands before it: leave out --from
	END
}

@test "--max-record refuses a longer record in every framing and goes on behind it" {
	long=$(printf '%100000s' '' | tr ' ' x)
	printf '{"a":1}\n{"b":"%s"}\n{"c":1}\n' "$long" >lines
	printf '[{"a":1},{"b":"%s"},\n{"c":1}]' "$long" >json
	printf '\x1e{"a":1}\x1e{"b":"%s"}\n\x1e{"c":1}' "$long" >seq
	for from in lines json seq; do
		ehr 1 ehr-ingest --from $from --on-error skip --max-record 1K $from
		same out <<-'END'
			{"a":1}
			{"c":1}
		END
		has err 'too-long: limit of --max-record passed at byte 1025'
		[ "$(wc -l <err)" -eq 1 ]
	done
	printf '[{"a":1},{"b":"%s' "$long" | ehr 5 ehr-ingest --from json --on-error skip --max-record 1K
	has err 'truncated: input ends inside a value'
}

@test "--max-depth refuses deeper nesting" {
	printf '{"a":{"b":{}}}\n{"a":{"b":1}}\n' >in
	ehr 1 ehr-ingest --max-depth 2 --on-error skip in
	same out <<-'END'
		{"a":{"b":1}}
	END
	same err <<-'END'
		ehr-ingest: in:1: too-deep: limit of --max-depth passed at byte 11
	END
}

# Of arrays: jq's parser counts an object twice, once for its key, but conditions get values that were never parsed.
@test "the default depth is the number of arrays that jq takes within each other" {
	nest() { printf '%s%s\n' "$(printf '[%.0s' $(seq "$1"))" "$(printf ']%.0s' $(seq "$1"))"; }
	nest 256 >in
	ehr 0 jq -c . in
	ehr 5 ehr-ingest in
	has err 'not-an-object'
	nest 257 >in
	ehr 4 jq -c . in
	ehr 5 ehr-ingest in
	has err 'too-deep: limit of --max-depth passed at byte 257'
}

@test "--quarantine keeps what was refused, and it can be sent again" {
	printf '{"a":1}\n{"b":01}\n' >in
	ehr 1 ehr-ingest --on-error quarantine --quarantine q in
	jq -r .record q >again
	printf '{"b":01}\n' | cmp - again
	[ "$(jq -r .ehr.reason q)" = bad-number ]
	ehr 5 ehr-ingest --on-error skip --max-refused 1 <<-'END'
		{"b":01}
		{"b":02}
	END
}

@test "a slow stream passes record by record" {
	mkfifo to from
	ehr-ingest <to >from 3>&- &
	exec 5>to 6<from
	for i in 1 2 3; do
		printf '{"n":%s}\n' $i >&5
		IFS= read -r -t 10 got <&6
		[ "$got" = "{\"n\":$i}" ]
	done
	exec 5>&- 6<&-
	wait $!
}

@test "a Bundle becomes its entries, nested Bundles too, in order; an entry's outcome is a record" {
	cat >in <<-'END'
		{"resourceType":"Bundle","type":"collection","entry":[
		 {"fullUrl":"http://h/fhir/Patient/p1","resource":{"resourceType":"Patient","id":"p1","contained":[{"resourceType":"Group"}]},"search":{"mode":"match"}},
		 {"resource":{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Basic","id":"b1","x":1.50}}]}},
		 {"link":[]},
		 {"response":{"outcome":{"resourceType":"OperationOutcome","id":"o"}}}
		]}
	END
	ehr 0 ehr-ingest -v in
	same out <<-'END'
		{"resourceType":"Patient","id":"p1","contained":[{"resourceType":"Group"}]}
		{"resourceType":"Basic","id":"b1","x":1.50}
		{"resourceType":"OperationOutcome","id":"o"}
	END
	has err '1 read, 3 written, 0 refused, 3 members around records dropped, 1 entries without a record'
}

@test "nothing that stands around a record in a Bundle travels with it" {
	cat >in <<-'END'
		{"resourceType":"Bundle","id":"CANARY","total":77,"link":[{"url":"CANARY"}],"signature":{"data":"CANARY"},"timestamp":"CANARY",
		"identifier":{"value":"CANARY"},"entry":[{"fullUrl":"urn:uuid:p1","link":[{"url":"CANARY"}],"resource":{"resourceType":"Patient","id":"p1"},
		"search":{"mode":"CANARY"},"request":{"method":"PUT","url":"CANARY","ifNoneExist":"CANARY"},"response":{"status":"CANARY","location":"CANARY"}}]}
	END
	ehr 0 ehr-ingest in
	same out <<-'END'
		{"resourceType":"Patient","id":"p1"}
	END
}

@test "a fullUrl that does not end in the record's own id is kept" {
	printf '%s' '{"resourceType":"Bundle","entry":[' \
		'{"fullUrl":"http:\/\/h\/Patient\/p1","resource":{"resourceType":"Patient","id":"p1"}},' \
		'{"fullUrl":"http://h/Patient/xp1","resource":{"resourceType":"Patient","id":"p1"}},' \
		'{"fullUrl":"http://h/Patient/p2/_history/3","resource":{"resourceType":"Patient","id":"p2"}},' \
		'{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Patient"}},{"fullUrl":"","resource":{"a":1}}]}' >in
	ehr 0 ehr-ingest in
	same out <<-'END'
		{"resourceType":"Patient","id":"p1"}
		{"ehr":{"v":1,"stage":"ingested","url":"http://h/Patient/xp1"},"record":{"resourceType":"Patient","id":"p1"}}
		{"ehr":{"v":1,"stage":"ingested","url":"http://h/Patient/p2/_history/3"},"record":{"resourceType":"Patient","id":"p2"}}
		{"ehr":{"v":1,"stage":"ingested","url":"urn:uuid:1","subject":"Patient/1"},"record":{"resourceType":"Patient"}}
		{"a":1}
	END
}

@test "a urn:uuid: subject becomes the id of the resource that it means in this Bundle" {
	printf '%s' '{"resourceType":"Bundle","entry":[' \
		'{"resource":{"resourceType":"Observation","id":"o1","subject":{"reference":"urn:uuid:aa"}}},' \
		'{"resource":{"resourceType":"Claim","id":"c1","patient":{"reference":"urn:uuid:p2"}}},' \
		'{"resource":{"resourceType":"Claim","id":"c2","patient":{"reference":"urn:uuid:none"}}},' \
		'{"resource":{"resourceType":"Claim","id":"c3","patient":{"reference":"Patient/p1"}}},' \
		'{"fullUrl":"urn:uuid:p2","resource":{"resourceType":"Patient","id":"p2"}},' \
		'{"fullUrl":"urn:uuid:\u0061a","resource":{"resourceType":"Patient","id":"p1"}},' \
		'{"resource":{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Claim","id":"c4","patient":{"reference":"urn:uuid:aa"}}}]}}]}' >in
	ehr 0 ehr-ingest in
	same out <<-'END'
		{"ehr":{"v":1,"stage":"ingested","subject":"Patient/p1"},"record":{"resourceType":"Observation","id":"o1","subject":{"reference":"urn:uuid:aa"}}}
		{"resourceType":"Claim","id":"c1","patient":{"reference":"urn:uuid:p2"}}
		{"resourceType":"Claim","id":"c2","patient":{"reference":"urn:uuid:none"}}
		{"resourceType":"Claim","id":"c3","patient":{"reference":"Patient/p1"}}
		{"resourceType":"Patient","id":"p2"}
		{"ehr":{"v":1,"stage":"ingested","url":"urn:uuid:\u0061a"},"record":{"resourceType":"Patient","id":"p1"}}
		{"resourceType":"Claim","id":"c4","patient":{"reference":"urn:uuid:aa"}}
	END
}

# The ids and subjects of the lines, as ehr-classify finds them.
subjects() {
	ehr 0 ehr-ingest in
	mv out ingested
	ehr 0 ehr-classify -P "$EHR_ROOT/policies/hospital" ingested
	jq -r '.record.resourceType + " " + (.ehr.subject // "-")' out
}

@test "every record of a transaction gets its subject, whatever it is named by" {
	printf '%s' '{"resourceType":"Bundle","type":"transaction","entry":[' \
		'{"fullUrl":"urn:uuid:aa","resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}},' \
		'{"fullUrl":"http://h/fhir/Patient/tmp","resource":{"resourceType":"Patient","id":"p2"}},' \
		'{"fullUrl":"urn:uuid:cc","resource":{"resourceType":"Patient"},"request":{"method":"PUT","url":"Patient/p3"}},' \
		'{"resource":{"resourceType":"Observation","subject":{"reference":"urn:uuid:aa"}}},' \
		'{"resource":{"resourceType":"Observation","subject":{"reference":"http://h/fhir/Patient/tmp"}}},' \
		'{"resource":{"resourceType":"Observation","subject":{"reference":"urn:uuid:cc"}}},' \
		'{"resource":{"resourceType":"Account","subject":[{"reference":"urn:uuid:cc"}]}},' \
		'{"resource":{"resourceType":"Appointment","participant":[{"actor":{"reference":"Practitioner/d"}},{"actor":{"reference":"urn:uuid:cc"}}]}},' \
		'{"resource":{"resourceType":"AuditEvent","entity":[{"what":{"reference":"urn:uuid:cc"}}]}},' \
		'{"resource":{"resourceType":"Provenance","target":[{"reference":"Observation/o"},{"reference":"urn:uuid:cc"}]}},' \
		'{"resource":{"resourceType":"EnrollmentRequest","candidate":{"reference":"urn:uuid:cc"}}},' \
		'{"resource":{"resourceType":"Flag","subject":{"reference":"Patient?identifier=urn:x%7C17"}}},' \
		'{"resource":{"resourceType":"Flag","subject":{"reference":"Patient?identifier=urn:x%7c17"}}},' \
		'{"resource":{"resourceType":"Schedule","actor":[{"reference":"Practitioner/d"}]}}]}' >in
	subjects >got
	same got <<-'END'
		Patient Patient/aa
		Patient Patient/p2
		Patient Patient/p3
		Observation Patient/aa
		Observation Patient/p2
		Observation Patient/p3
		Account Patient/p3
		Appointment Patient/p3
		AuditEvent Patient/p3
		Provenance Patient/p3
		EnrollmentRequest Patient/p3
		Flag Patient?identifier=urn:x|17
		Flag Patient?identifier=urn:x|17
		Schedule -
	END
}

@test "a record in no Bundle names its patient in every path of its compartment" {
	cat >in <<-'END'
		{"resourceType":"Account","subject":[{"reference":"Patient/p1"}]}
		{"resourceType":"Appointment","participant":[{"actor":{"reference":"Practitioner/d"}},{"actor":{"reference":"Patient/p1"}}]}
		{"resourceType":"AppointmentResponse","actor":{"reference":"Patient/p1"}}
		{"resourceType":"AuditEvent","agent":[{"who":{"reference":"Practitioner/d"}},{"who":{"reference":"Patient/p1"}}]}
		{"resourceType":"AuditEvent","entity":[{"what":{"reference":"Patient/p1"}}],"agent":[{"who":{"reference":"Patient/p9"}}]}
		{"resourceType":"Coverage","subscriber":{"reference":"Patient/p1"}}
		{"resourceType":"EnrollmentRequest","candidate":{"reference":"Patient/p1"}}
		{"resourceType":"Provenance","target":[{"reference":"Observation/o"},{"reference":"Patient/p1"}]}
		{"resourceType":"Schedule","actor":[{"reference":"Location/x"},{"reference":"http://h/Patient/p1/_history/3"}]}
		{"resourceType":"Observation","subject":{"reference":"Group/g"}}
		{"resourceType":"Account","subject":[{"reference":"Patient/p1"},{"reference":"Patient/p2"}]}
		{"resourceType":"Appointment","participant":[{"actor":{"reference":"Practitioner/d"}}]}
	END
	subjects >got
	same got <<-'END'
		Account Patient/p1
		Appointment Patient/p1
		AppointmentResponse Patient/p1
		AuditEvent Patient/p1
		AuditEvent Patient/p1
		Coverage Patient/p1
		EnrollmentRequest Patient/p1
		Provenance Patient/p1
		Schedule Patient/p1
		Observation Group/g
		Account -
		Appointment -
	END
}

# The entries of a Bundle of type $1: the rest are Type/id and versionId or, with a T, lastUpdated.
versions() {
	type=$1
	shift
	for e in "$@"; do
		jq -nc --arg id "${e%%@*}" --arg v "${e#*@}" '{resource: {resourceType: "Flag", id: $id, meta:
			(if $v | contains("T") then {lastUpdated: $v} elif $v == "" then {} else {versionId: $v} end)}}'
	done | jq -sc --arg type "$type" '{resourceType: "Bundle", type: $type, entry: .}' >in
	ehr 0 ehr-ingest in
	jq -r '.id + "@" + (.meta.lastUpdated // .meta.versionId // "")' out | tr '\n' ' '
}

@test "a history comes out oldest first, by time, else by version, else from behind" {
	[ "$(versions history a@3 a@2 a@1)" = 'a@1 a@2 a@3 ' ]
	[ "$(versions history a@10 a@9 b@x c@ c@ a@1)" = 'a@1 a@9 b@x c@ c@ a@10 ' ]
	[ "$(versions history a@2026-01-02T00:00:00Z a@2026-01-01T23:00:00-02:00 a@2026-01-01T00:00:00Z)" = \
		'a@2026-01-01T00:00:00Z a@2026-01-02T00:00:00Z a@2026-01-01T23:00:00-02:00 ' ]
	[ "$(versions history a@x3 a@x2 a@x1)" = 'a@x1 a@x2 a@x3 ' ]
	empty err
	[ "$(versions collection a@3 b@1 a@2 a@4)" = 'a@3 b@1 a@2 a@4 ' ]
	has err 'older-version: 1 records stand behind a newer version of themselves in one Bundle'
}

@test "a deletion in a history has its place among the versions" {
	printf '%s' '{"resourceType":"Bundle","type":"history","entry":[' \
		'{"request":{"method":"DELETE","url":"Flag\/f"},"response":{"lastModified":"2026-01-03T00:00:00Z","etag":"W/\"3\""}},' \
		'{"resource":{"resourceType":"Flag","id":"f","x":2},"response":{"lastModified":"2026-01-02T00:00:00Z"}},' \
		'{"resource":{"resourceType":"Flag","id":"f","x":1},"response":{"lastModified":"2026-01-01T00:00:00Z"}}]}' >in
	ehr 0 ehr-ingest in
	same out <<-'END'
		{"resourceType":"Flag","id":"f","x":1}
		{"resourceType":"Flag","id":"f","x":2}
		{"ehr":{"v":1,"stage":"deleted","id":"Flag/f"},"record":{}}
	END
}

@test "entries of DSTU1 are records and tombstones, their labels of Atom floors" {
	scheme='"scheme":"http://hl7.org/fhir/tag/security"'
	printf '%s' '{"resourceType":"Bundle","category":[{'"$scheme"',"term":"R"},{"scheme":"http://hl7.org/fhir/tag","term":"V"}],"entry":[' \
		'{"id":"http://h/Patient/1","title":"t","category":[{'"$scheme"',"term":"HIV","label":"l"},{"scheme":"urn:x","term":"V"},{"term":"V"}],"content":{"resourceType":"Patient"}},' \
		'{"id":"http://h/Flag/2","category":{"scheme":"http:\/\/hl7.org/fhir/v3/Confidentiality","term":"V"},"content":{"resourceType":"Flag","subject":{"reference":"http://h/Patient/1"}}},' \
		'{"id":"http://h/Flag/3","deleted":"2013-01-01T00:00:00Z"},{"fullUrl":"urn:uuid:4","content":{"x":1},"resource":{"resourceType":"Flag","id":"4"}}]}' >in
	ehr 0 ehr-ingest -v in
	same out <<-'END'
		{"ehr":{"v":1,"stage":"ingested","url":"http://h/Patient/1","subject":"Patient/1","floor":[{"scheme":"http://hl7.org/fhir/tag/security","term":"R"},{"scheme":"http://hl7.org/fhir/tag/security","term":"HIV","label":"l"}]},"record":{"resourceType":"Patient"}}
		{"ehr":{"v":1,"stage":"ingested","url":"http://h/Flag/2","floor":[{"scheme":"http://hl7.org/fhir/tag/security","term":"R"},{"scheme":"http:\/\/hl7.org/fhir/v3/Confidentiality","term":"V"}]},"record":{"resourceType":"Flag","subject":{"reference":"http://h/Patient/1"}}}
		{"ehr":{"v":1,"stage":"deleted","id":"Flag/3"},"record":{}}
		{"ehr":{"v":1,"stage":"ingested","floor":[{"scheme":"http://hl7.org/fhir/tag/security","term":"R"}]},"record":{"resourceType":"Flag","id":"4"}}
	END
	mv out ingested
	ehr 0 ehr-classify -P "$EHR_ROOT/policies/hospital" ingested
	jq -c '[.ehr.level,.ehr.sensitivity]' out >levels
	same levels <<<'["R",["HIV"]]
["V",[]]
[null,null]
["R",[]]'
	for entry in '"content":"x"' '"content":{},"deleted":{}' '"deleted":"2013"' '"deleted":"2013","id":"urn:uuid:1"'; do
		printf '{"resourceType":"Bundle","entry":[{%s}]}\n' "$entry" >in
		ehr 1 ehr-ingest --from lines --on-error skip in
		has err bad-bundle
	done
}

@test "a deletion becomes a tombstone" {
	printf '%s' '{"resourceType":"Bundle","entry":[{"request":{"method":"DELETE","url":"Observation/o1"}},' \
		'{"fullUrl":"x","request":{"method":"DELETE","url":"http:\/\/h/fhir/Patient/p.1-a"},"response":{"status":"204"}}]}' >in
	ehr 0 ehr-ingest in
	same out <<-'END'
		{"ehr":{"v":1,"stage":"deleted","id":"Observation/o1"},"record":{}}
		{"ehr":{"v":1,"stage":"deleted","id":"Patient/p.1-a"},"record":{}}
	END
	for url in 'Observation?identifier=s%7Cv' Observation 'Observation/' '/o1' 'Observation/a b' 'Patient/p1/_history/2' \
		'Patient/p1?x=y' 'Patient/"' ''; do
		jq -nc --arg url "$url" '{resourceType:"Bundle",entry:[{resource:{}},{request:{method:"DELETE",url:$url}}]}' >in
		ehr 5 ehr-ingest in
		empty out
		has err 'in:1: bad-bundle: malformed Bundle at byte'
	done
}

@test "--bundle keep leaves a Bundle whole" {
	printf '{"resourceType": "Bundle", "total":1,"entry":[{"resource":{"a":1}}]}\n' >in
	ehr 0 ehr-ingest --bundle keep in
	same out <<-'END'
		{"resourceType":"Bundle","total":1,"entry":[{"resource":{"a":1}}]}
	END
	ehr 0 ehr-ingest --bundle split in
	same out <<-'END'
		{"a":1}
	END
}

@test "a malformed Bundle gives nothing at all, kept or split" {
	while IFS= read -r text; do
		printf '%s\n' "$text" >in
		for how in split keep; do
			ehr 5 ehr-ingest --bundle $how in
			empty out
			has err 'in:1: bad-bundle: malformed Bundle at byte'
		done
	done <<-'END'
		{"resourceType":"Bundle","entry":{}}
		{"resourceType":"Bundle","entry":[{"resource":{"a":1}},{"resource":null}]}
		{"resourceType":"Bundle","entry":[{"resource":{"a":1}},[]]}
		{"resourceType":"Bundle","entry":[{"resource":{"a":1},"fullUrl":7}]}
		{"resourceType":"Bundle","entry":[{"resource":{"a":1},"request":"DELETE"}]}
		{"resourceType":"Bundle","entry":[{"resource":{"a":1}},{"request":{"method":"DELETE"}}]}
		{"resourceType":"Bundle","entry":[{"resource":{"a":1}},{"response":{"outcome":[]}}]}
		{"resourceType":"Bundle","meta":{"security":"R"},"entry":[{"resource":{"a":1}}]}
		{"resourceType":"Bundle","meta":{"security":["R"]},"entry":[{"resource":{"a":1}}]}
		{"resourceType":"Bundle","meta":[],"entry":[{"resource":{"a":1}}]}
	END
	printf '{"resourceType":"Bundle","entry":[{"resource":{"a":1}},{"resource":{"ehr":{}}}]}\n' >in
	ehr 5 ehr-ingest in
	empty out
	has err 'in:1: reserved-member: a record may not bring a member ehr at byte 69'
}

@test "Bundles may be nested 8 deep" {
	nest() {
		jq -nc --argjson n "$1" 'reduce range($n) as $i ({a:1}; {resourceType:"Bundle",entry:[{resource:.}]})'
	}
	nest 8 >in
	ehr 0 ehr-ingest in
	same out <<-'END'
		{"a":1}
	END
	nest 9 >in
	ehr 5 ehr-ingest in
	empty out
	has err 'in:1: too-nested: Bundles nested too deep at byte'
}

@test "every bad record of the index and of ingest is refused with the code of its file's name" {
	for code in bad-syntax bad-number bad-string bad-utf8 lone-surrogate nul-byte bom-inside duplicate-key too-deep too-long \
		truncated trailing-data not-an-object reserved-member bad-bundle too-nested; do
		ehr 5 ehr-ingest --from lines --max-record 1000 "$EHR_ROOT/testdata/records/bad/$code.ndjson"
		empty out
		has err ".ndjson:1: $code: "
		[ "$(wc -l <err)" -eq 1 ]
	done
}

@test "every reason has a bad record" {
	sed -nE 's/^REASON\([A-Z0-9_]+, "([a-z0-9-]+)".*/\1/p' "$EHR_ROOT/common/base/reasons.def" | while read -r code; do
		[ -s "$EHR_ROOT/testdata/records/bad/$code.ndjson" ] || exit 1
	done
}

@test "no value of a record is in any message" {
	printf '{"CANARY":"CANARY\n{"CANARY":CANARY}\n{"CANARY":1,"CANARY":2}\n{"ehr":"CANARY"}\n{"resourceType":"Bundle","entry":"CANARY"}\n' >in
	ehr 1 ehr-ingest --on-error skip -v in
	empty out
	lacks err CANARY
}

@test "the options that all filters have are there" {
	printf '{"a":1}\n' >in
	ehr 0 ehr-ingest --progress --verbose in
	has err '1 read, 1 written, 0 refused, '
	ehr 2 ehr-ingest --from xml in
	has err "neither auto, lines, json nor seq: 'xml'"
	ehr 2 ehr-ingest --bundle merge in
	has err "neither split nor keep: 'merge'"
}

@test "SIGUSR1 in the middle of a text prints the summary and loses nothing" {
	mkfifo to err
	ehr-ingest --from json <to >out 2>err 3>&- &
	exec 5>to 7<err
	printf '[{"a":1},{"b":"x' >&5
	until IFS= read -r -t 1 summary <&7; do kill -USR1 $!; done
	printf '"}]' >&5
	exec 5>&- 7<&-
	wait $!
	[[ $summary == 'ehr-ingest: 1 read, 1 written, 0 refused, '* ]]
	same out <<-'END'
		{"a":1}
		{"b":"x"}
	END
}

@test "what cannot be read or written ends with 4" {
	ehr 4 ehr-ingest no-such-file
	has err 'no-such-file: No such file or directory'
	ehr 4 ehr-ingest .
	has err 'Is a directory'
	printf '{"a":1}\n' >in
	line 4 'ehr-ingest in >/dev/full'
	has err 'No space left on device'
	line 4 'ehr-ingest in >&-'
	# A preloaded fault and a sanitizer's own functions exclude each other.
	native || return 0
	printf '[{"a":1},\n{"b":2}]\n' >in
	for call in read write malloc calloc realloc; do
		torture $call ehr-ingest --from json
		torture $call ehr-ingest
	done
}

@test "--places notes from which line each line comes, --source how messages call standard input" {
	printf '%s\n' '{"id":"a"}' '' '{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","id":"b"}},{"resource":{"resourceType":"Patient","id":"c"}},{"resource":{"resourceType":"Patient","id":"d"}}]}' bad '{"id":"e"}' '{"id":"f"}' >in
	ehr 1 ehr-ingest --places places --source upload --on-error skip <in
	printf '%s\n' '1 1 1' '2 3 1' '3 3 0' '5 5 1' | cmp - places
	[ "$(wc -l <out)" -eq 6 ]
	has err 'ehr-ingest: upload:4: bad-syntax'
	ehr 4 ehr-ingest --places nowhere/places in
	ehr 2 ehr-ingest --places in in
}
