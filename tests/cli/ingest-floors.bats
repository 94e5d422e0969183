load ../lib/ehr

# The labels that stand around a record in its Bundle.

@test "a Composition has the labels of the entries that it tells of, each once" {
	printf '%s' '{"resourceType":"Bundle","type":"document","meta":{"security":[{"code":"N"}]},"entry":[' \
		'{"resource":{"resourceType":"Composition","id":"c","meta":{"security":[{"system":"http://hl7.org/fhir/v3/Confidentiality","code":"N"}]}}},' \
		'{"resource":{"resourceType":"Condition","id":"1","meta":{"security":[{"code":"R"},{"code":"HIV"}]}}},' \
		'{"resource":{"resourceType":"Condition","id":"2","meta":{"security":[{"code":"R"}]}}}]}' >in
	ehr 0 ehr-ingest in
	head -1 out >got
	same got <<-'END'
		{"ehr":{"v":1,"stage":"ingested","floor":[{"code":"R"},{"code":"HIV"}]},"record":{"resourceType":"Composition","id":"c","meta":{"security":[{"system":"http://hl7.org/fhir/v3/Confidentiality","code":"N"}]}}}
	END
}

@test "a Bundle's security labels are a floor for records without a confidentiality of their own" {
	v3=http://terminology.hl7.org/CodeSystem/v3-Confidentiality
	printf '%s' '{"resourceType":"Bundle","meta":{"security":[{"system":"'$v3'", "code":"R"},{"code":"HIV"}]},"entry":[' \
		'{"resource":{"id":"1"}},' \
		'{"resource":{"id":"2","meta":{"security":[{"system":"'$v3'","code":"N"}]}}},' \
		'{"resource":{"id":"3","meta":{"security":[{"code":"N"}]}}},' \
		'{"resource":{"resourceType":"Bundle","meta":{"security":[{"code":"ETH"}]},"entry":[{"resource":{"id":"4"}}]}},' \
		'{"resource":{"resourceType":"Bundle","meta":{"security":[{"system":"'$v3'","code":"V"}]},"entry":[{"resource":{"id":"5"}}]}}]}' >in
	ehr 0 ehr-ingest in
	same out <<-END
		{"ehr":{"v":1,"stage":"ingested","floor":[{"system":"$v3","code":"R"},{"code":"HIV"}]},"record":{"id":"1"}}
		{"id":"2","meta":{"security":[{"system":"$v3","code":"N"}]}}
		{"ehr":{"v":1,"stage":"ingested","floor":[{"system":"$v3","code":"R"},{"code":"HIV"}]},"record":{"id":"3","meta":{"security":[{"code":"N"}]}}}
		{"ehr":{"v":1,"stage":"ingested","floor":[{"code":"ETH"},{"system":"$v3","code":"R"},{"code":"HIV"}]},"record":{"id":"4"}}
		{"ehr":{"v":1,"stage":"ingested","floor":[{"system":"$v3","code":"V"}]},"record":{"id":"5"}}
	END
	printf '{"resourceType":"Bundle","meta":{"security":[]},"entry":[{"resource":{"id":"1"}}]}' |
		ehr 0 ehr-ingest
		same out <<-'END'
			{"id":"1"}
		END
}

# The floor of the last record of a Bundle with these members.
floor() {
	printf '{"resourceType":"Bundle",%s}' "$1" | ehr 0 ehr-ingest
	tail -1 out | jq -c .ehr.floor >got
	same got
}

@test "every label around a record in its Bundle is a floor: tags, inline labels, one without a list" {
	r='{"system":"https://terminology.hl7.org/CodeSystem/v3-Confidentiality/","code":"R"}'
	x='{"url":"http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-inline-sec-label","valueCoding":'$r'}'
	e='"entry":[{"resource":{"id":"1"}}]'
	for around in '"meta":{"security":'"$r"'},'"$e" '"meta":{"tag":['"$r"',{"system":"urn:x","code":"V"},{"code":"V"}]},'"$e" \
		'"extension":['"$x"'],'"$e" '"_type":{"extension":['"$x"']},'"$e" '"link":[{"relation":"self","extension":['"$x"']}],'"$e" \
		'"entry":[{"extension":['"$x"'],"resource":{"id":"1"}}]' '"entry":[{"_fullUrl":{"extension":['"$x"']},"resource":{"id":"1"}}]' \
		'"entry":[{"search":{"mode":"match","extension":['"$x"']},"resource":{"id":"1","extension":[{"url":"sec-label"}]}}]' \
		'"entry":[{"request":{"extension":['"$x"']},"resource":{"resourceType":"Bundle","entry":[{"resource":{"id":"1"}}]}}]'; do
		floor "$around" <<<"[$r]"
	done
	# Without a code it is a label that nobody can read; on an entry it counts beside the record's own.
	floor '"entry":[{"extension":[{"url":"sec-label","valueString":"R"}],"resource":{"id":"1","meta":{"security":[{"system":"http://hl7.org/fhir/v3/Confidentiality","code":"N"}]}}}]' \
		<<<'[{"url":"sec-label","valueString":"R"}]'
}

@test "the labels of a document are floors of its entries: its Composition's, and those of a DocumentReference or section that names them" {
	r='{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"R"}'
	x='{"url":"http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-inline-sec-label","valueCoding":'$r'}'
	flag='{"fullUrl":"http://h/Flag/f","resource":{"resourceType":"Flag","id":"f"}}'
	floor '"type":"document","entry":[{"resource":{"resourceType":"Composition","confidentiality":"R"}},'"$flag"']' <<<'["R"]'
	floor '"type":"document","entry":[{"resource":{"resourceType":"Composition","meta":{"security":['"$r"']}}},'"$flag"']' <<<"[$r]"
	floor '"type":"document","entry":[{"resource":{"resourceType":"Composition","extension":['"$x"']}},'"$flag"']' <<<"[$r]"
	floor '"type":"collection","entry":[{"resource":{"resourceType":"Composition","confidentiality":"R"}},'"$flag"']' <<<null
	floor '"type":"document","entry":[{"resource":{"resourceType":"Composition","section":[{"section":[{"extension":['"$x"'],"entry":[{"reference":"Flag/f"}]}]}]}},'"$flag"']' <<<"[$r]"
	floor '"type":"document","entry":[{"resource":{"resourceType":"Composition","section":[{"extension":['"$x"'],"entry":[{"reference":"Flag/g"}]}]}},'"$flag"']' <<<null
	for url in Flag/f http://h/Flag/f/_history/1; do
		floor '"entry":[{"resource":{"resourceType":"DocumentReference","securityLabel":[{"coding":['"$r"']}],"content":[{"attachment":{"url":"'$url'"}}]}},'"$flag"']' \
			<<<"[{\"coding\":[$r]}]"
	done
	for named in '"content":[{"attachment":{"url":"Bundle/b"}}]' '"masterIdentifier":{"value":"urn:oid:1.2"}'; do
		floor '"entry":[{"resource":{"resourceType":"DocumentReference","securityLabel":[{"coding":['"$r"']}],'"$named"'}},
			{"resource":{"resourceType":"Bundle","id":"b","identifier":{"value":"1.2"},"type":"document","entry":['"$flag"']}}]' <<<"[{\"coding\":[$r]}]"
	done
}

# A Bundle with so many different labels of 16 bytes where $1 says: on the Bundle, beside a Composition, in documents that name
# one record, or in a section within a section.
labelled_bundle() {
	perl -e '
		my ($where, $count) = @ARGV;
		my @label = map { sprintf q({"code":"%05d"}), $_ } 1 .. $count;
		sub bundle { print qq({"resourceType":"Bundle",$_[0]"entry":[), join(",", map { qq({"resource":$_}) } @_[1 .. $#_]), "]}\n" }
		bundle(q("meta":{"security":[) . join(",", @label) . "]},", q({"id":"1"})) if $where eq "bundle";
		bundle("", q({"resourceType":"Composition"}), map { qq({"meta":{"security":[$_]}}) } @label) if $where eq "beside";
		bundle("", q({"resourceType":"Flag","id":"f"}), map { qq({"resourceType":"DocumentReference","securityLabel":[$_],"content":[{"attachment":{"url":"Flag/f"}}]}) } @label)
			if $where eq "document";
		my @inside = map { qq("extension":[) . join(",", map { qq({"url":"sec-label","valueCoding":$_}) } @$_) . "]" } [ $label[0] ], [ @label[1 .. $#label] ];
		bundle("", qq({"resourceType":"Composition","section":[{$inside[0],"section":[{$inside[1],"entry":[{"reference":"Flag/f"}]}]}]}), q({"resourceType":"Flag","id":"f"}))
			if $where eq "section";
	' "$1" "$2"
}

@test "labels that many records would have are at most 16,384 bytes, and names of records 1,024" {
	for where in bundle beside document section; do
		labelled_bundle $where 1024 >in
		ehr 0 ehr-ingest in
		[ "$(jq -s 'map(.ehr.floor | length) | max' out)" -eq 1024 ]
		labelled_bundle $where 1025 >in
		ehr 5 ehr-ingest in
		empty out
		has err 'in:1: bad-bundle: malformed Bundle at byte'
		ehr 0 ehr-ingest --bundle keep in
		jq -c . in | cmp - out
	done
	for size in 1024 1025; do
		perl -e 'print q({"resourceType":"Bundle","entry":[{"fullUrl":"urn:a","resource":{"resourceType":"Patient","id":"), "p" x shift,
			q("}},{"resource":{"resourceType":"Flag","subject":{"reference":"urn:a"}}}]})' $size >in
		ehr $((size == 1024 ? 0 : 5)) ehr-ingest in
	done
	empty out
	has err 'in:1: bad-bundle: malformed Bundle at byte'
	ehr 0 ehr-ingest --bundle keep in
	[ "$(jq '.entry | length' out)" -eq 2 ]
}
