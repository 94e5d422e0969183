# ehr-classify: what retells other parts of its record (testdata/policies/labels).
bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/labels

@test "summary: the level and the categories of what its root holds, where that may be retold" {
	labels '{"resourceType":"Basic","a":1,"note":[{"text":"t"}],"x":{"remark":"u","name":"n"},"name":"o","list":["p",2],"other":"q"}' <<-'END'
		/a R - - - any-of -
		/note R - - - summary -
		/x/remark R - - - summary -
		/name R - - - summary -
		/list/0 R - - - summary -
		/list/1 R - - - summary -
	END
	labels '{"resourceType":"Basic","quiet":true,"note":"t","text":{"div":"d"}}' <<-'END'
		/quiet R EMP - - quiet -
		/text R EMP - - narrative -
	END
	labels '{"resourceType":"Basic","note":"t","meta":{"source":"s"},"content":{"data":"QQ==","title":"t"}}' <<-'END'
		/content/data R - - - opaque -
		/content/title R - - - opaque -
	END
	labels '{"resourceType":"Patient","name":[{"text":"t"}],"contact":[{"name":{"text":"u"}},{"extension":[{"url":"http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-inline-sec-label","valueCoding":{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"R"}}]}]}' <<<'/contact/1 R - - - floor -'
	labels '{"resourceType":"Observation","note":"t","component":[{"note":"u","code":{"coding":[{"system":"http://loinc.org","code":"7917-8"}]}},{"note":"v"}]}' <<-'END'
		/note R HIV - - summary -
		/component/0 R HIV - - hiv -
		/component/1/note R HIV - - summary -
	END
}

@test "summary: nothing more than the codes beside it" {
	local hidden='"component":[{"code":{"coding":[{"system":"http://loinc.org","code":"7917-8"}]}}]'
	labels '{"resourceType":"Observation","method":{"text":"t","coding":[{"system":"urn:x","code":"x"}]},'"$hidden"'}' <<<'/component/0 R HIV - - hiv -'
	labels '{"resourceType":"Observation","method":{"text":"t","coding":{"code":"x"}},'"$hidden"'}' <<<'/component/0 R HIV - - hiv -'
	labels '{"resourceType":"Observation","method":{"coding":[{"display":"x"},{"code":""},{"code":null}],"text":"t"},'"$hidden"'}' <<-'END'
		/method/coding/0/display R HIV - - summary -
		/method/text R HIV - - summary -
		/component/0 R HIV - - hiv -
	END
	labels '{"resourceType":"Observation","method":{"coding":[{"code":"x","extension":[{"url":"http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-inline-sec-label","valueCoding":{"code":"R"}}]}],"text":"t"}}' <<-'END'
		/method/coding/0 R - - - floor -
		/method/text R - - - summary -
	END
}

@test "summary: the display of a Coding without a code says what a text would" {
	local hidden='"contained":[{"resourceType":"Basic","a":1}]' coding at
	while read -r at coding; do
		labels '{"resourceType":"Observation",'"$hidden,$coding"'}' <<-END
			/contained/0/a R - - - any-of -
			$at R - - - summary -
		END
	done <<-'END'
		/method/coding/0/display "method":{"coding":[{"display":"t"}]}
		/method/coding/0/display "method":{"coding":[{"system":"urn:x","display":"t"}]}
		/method/coding/0/display "method":{"coding":[{"system":"urn:x","code":"","display":"t"}]}
		/method/coding/0/display "method":{"coding":[{"display":"t","code":" "}]}
		/method/coding/0/display "method":{"coding":[{"display":"t","code":null}]}
		/method/coding/display "method":{"coding":{"system":"urn:x","display":"t"}}
		/x/0/y/display "x":[{"y":{"system":"urn:x","display":"t"}}]
		/class/display "class":{"display":"t"}
	END
	labels '{"resourceType":"Observation",'"$hidden"',"method":{"coding":[{"code":"x","display":"t"}]},"class":{"code":"y","display":"t"},"performer":[{"display":"t"}]}' \
		<<<'/contained/0/a R - - - any-of -'
}

@test "summary: of what is contained in its root, not of what is around it" {
	labels '{"resourceType":"Basic","note":"t","contained":[{"resourceType":"Basic","a":1}]}' <<-'END'
		/note R - - - summary -
		/contained/0/a R - - - any-of -
	END
	labels '{"resourceType":"Basic","a":1,"contained":[{"resourceType":"Basic","note":"t"},{"resourceType":"Basic","b":0,"note":"u"}]}' <<-'END'
		/a R - - - any-of -
		/contained/1/b R - - - any-of -
		/contained/1/note R - - - summary -
	END
}

@test "summary: explain names the rules behind it, those of its own root first" {
	policy
	cp -r "$P" p
	printf 'redact: 1\nversions:\n  - {rl: N, say: Part.}\n  - {rl: V, say: All.}\n' >p/redact.yaml
	printf '%s\n' '{"resourceType":"Basic","a":1,"note":"t"}' >in
	ehr 0 ehr-policy explain -P p in
	grep -q '^\.note .*summary: It tells what stands elsewhere in the record\. Behind it: any-of ([^ ]*classify.yaml:[0-9]*)$' out
	printf '%s\n' '{"resourceType":"Composition","text":{"div":"d"},"section":[{"content":{"data":"QQ=="},"text":{"div":"g"}}]}' >in
	ehr 0 ehr-policy explain -P p in
	grep -q '^\.text .*narrative: The narrative repeats .* Behind it: opaque$' out
	printf '%s\n' '{"resourceType":"Basic","note":"t","meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"R"}]}}' >in
	ehr 0 ehr-policy explain -P p in
	lacks out 'summary: '
}

@test "summary: labelling again changes nothing" {
	policy
	printf '%s\n' '{"resourceType":"Basic","a":1,"note":[{"text":"t"}],"text":{"div":"d"}}' >in
	ehr 0 ehr-classify -P "$P" in
	cp out one
	ehr 0 ehr-classify -P "$P" one
	cmp out one
	sed 's/"rule":"any-of"/"rule":"elsewhere"/; s/"a":1/"c":1/; s,"/a","/c",' one >foreign
	ehr 0 ehr-classify -P "$P" foreign
	jq -c '.labels[] | [.at, .level, .rule]' out | grep -v base >shown
	same shown <<-'END'
		["/c","R","floor"]
		["/note","R","summary"]
		["/text","R","narrative"]
	END
}

@test "narrative: a section repeats itself and what its record holds, but for what stands in meta" {
	labels '{"resourceType":"Composition","text":{"div":"d"},"section":[{"text":{"div":"e"}},{"title":"t","text":{"div":"f"},"quiet":"x","section":[{"content":{"data":"QQ=="},"text":{"div":"g"}}]}]}' <<-'END'
		/text R - - - narrative -
		/section/1/text R - - - narrative -
		/section/1/section/0/content/data R - - - opaque -
		/section/1/section/0/text R - - - narrative -
	END
	labels '{"resourceType":"Basic","meta":{"source":"s"},"text":{"div":"d"}}' </dev/null
}
