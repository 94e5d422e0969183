# ehr-classify: labels that came with a record, and parts that nobody can look into.
bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/labels

@test "floors: meta.security of a root labels the root; unknown, retired and other codes" {
	local s='"system":"http://terminology.hl7.org/CodeSystem'
	labels '{"resourceType":"Flag","meta":{"security":[{'"$s"'/v3-Confidentiality","code":"R"},{'"$s"'/v3-ActCode","code":"HIV"},{'"$s"'/v3-ActReason","code":"HTEST"}]}}' <<<'- R HIV - - floor -'
	labels '{"resourceType":"Flag","meta":{"security":[{"system":"urn:oid:2.16.840.1.113883.5.25","code":"HIV"}]}}' <<<'- V - - - floor -'
	labels '{"resourceType":"Flag","meta":{"security":[{'"$s"'/v3-Confidentiality","code":"r"}]}}' <<<'- V - - - floor -'
	labels '{"resourceType":"Flag","meta":{"security":[{"code":"L"},{'"$s"'/v3-ActCode","code":"PSYTHPN"}]}}' <<<'- V PSYTHPN - - floor -'
	labels '{"resourceType":"Flag","contained":[{"resourceType":"Basic","meta":{"security":[{"code":"R"}]}}],"meta":{"security":[]}}' <<<'/contained/0 R - - - floor -'
}

@test "floors: what nobody knows in a security label is at least the level of other categories" {
	local s='"system":"http://terminology.hl7.org/CodeSystem' code
	for code in '"system":"urn:local","code":"RESTRICTED"' '"system":"urn:local","code":"R"' '"system":"urn:local","code":"U"' '"system":"http://hl7.org/fhir/ValueSet/security-labels","code":"r"' '"code":"XYZ"' '"system":"http://loinc.org","code":"8867-4"' "$s"'/v3-ActCode","code":"AMB"' "$s"'/v3-ActCode","code":"NODSCLCD"' '"code":"NOAUTH"'; do
		labels '{"resourceType":"Flag","meta":{"security":[{'"$code"'}]}}' <<<'- R - - - floor -'
	done
	labels '{"resourceType":"Flag","meta":{"security":[{"system":"urn:local","code":"V"}]}}' <<<'- V - - - floor -'
	labels '{"resourceType":"Flag","meta":{"security":[{'"$s"'/v3-ActCode","code":"42CFRPart2"}]}}' <<<'- R - 42CFRPart2 - floor -'
	for code in "$s"'/v3-ActReason","code":"HTEST"' "$s"'/v3-ObservationValue","code":"PATRPT"' "$s"'/v3-ActCode","code":"PROCESSINLINELABEL"' "$s"'/v3-ActCode","code":"ENCRYPT"' '"code":"MASK"' '"code":"TREAT"'; do
		labels '{"resourceType":"Flag","meta":{"security":[{'"$code"'}]}}' </dev/null
	done
}

@test "floors: wherever FHIR lets a label stand, in each of its versions" {
	local s='"system":"http://terminology.hl7.org/CodeSystem' c
	c="{$s"'/v3-Confidentiality","code":"R"}'
	labels '{"resourceType":"Flag","meta":{"security":'"$c"'}}' <<<'- R - - - floor -'
	labels '{"resourceType":"Flag","meta":{"tag":['"$c"',{"system":"urn:local","code":"R"},{"code":"V"},{},7,{'"$s"'/v3-ActCode","code":"AMB"}]}}' <<<'- R - - - floor -'
	labels '{"resourceType":"Flag","meta":{"tag":[{'"$s"'/v3-ActCode","code":"HIV"}]}}' <<<'- R HIV - - floor -'
	labels '{"resourceType":"Flag","meta":{"tag":[{"system":"urn:local","code":"R"},{"code":"V"},{"system":"http://terminology.hl7.org/CodeSystem/common-tags","code":"actionable"}]}}' </dev/null
	labels '{"resourceType":"DocumentReference","securityLabel":[{"coding":['"$c"']}]}' <<<'- R - - - floor -'
	labels '{"resourceType":"DocumentReference","securityLabel":{"coding":'"$c"'}}' <<<'- R - - - floor -'
	labels '{"resourceType":"DocumentReference","securityLabel":[{"text":"secret"}]}' <<<'- R - - - floor -'
	labels '{"resourceType":"DocumentReference","securityLabel":[{"coding":[{"display":"secret"}]}]}' <<<'- R - - - floor -'
	labels '{"resourceType":"DocumentManifest","securityLabel":[{"coding":['"$c"']}]}' <<<'- R - - - floor -'
	labels '{"resourceType":"Composition","confidentiality":"V"}' <<<'- V - - - floor -'
	labels '{"resourceType":"Composition","confidentiality":'"$c"'}' <<<'- R - - - floor -'
	labels '{"resourceType":"AuditEvent","entity":[{"securityLabel":['"$c"']},{"name":"n"}]}' <<<'/entity/0 R - - - floor -'
	labels '{"resourceType":"Consent","provision":{"securityLabel":['"$c"']}}' </dev/null
}

@test "floors: a category of HL7's is one wherever it stands, by its system" {
	local s='"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode"'
	labels '{"resourceType":"Flag","category":[{"coding":[{'"$s"',"code":"HIV"}]}]}' <<<'- R HIV - - floor -'
	labels '{"resourceType":"Flag","code":{"coding":[{"system":"urn:oid:2.16.840.1.113883.5.4","code":"psythpn"}]}}' <<<'- V PSYTHPN - - floor -'
	labels '{"resourceType":"Consent","provision":{"securityLabel":[{'"$s"',"code":"SUD"}]}}' <<<'- R SUD - - floor -'
	labels '{"resourceType":"Flag","category":[{"coding":[{"code":"B"},{'"$s"',"code":"AMB"},{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation","code":"B"}]}]}' </dev/null
	labels '{"resourceType":"Patient","contact":[{"extension":[{"valueCodeableConcept":{"coding":[{'"$s"',"code":"HIV"}]},"url":"http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-inline-sec-label"}]}]}' <<<'/contact/0 R HIV - - floor -'
}

@test "floors: a label without a code is one that nobody knows" {
	labels '{"resourceType":"Flag","meta":{"security":{}}}' <<<'- R - - - floor -'
	labels '{"resourceType":"Flag","meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","display":"restricted"}]}}' <<<'- R - - - floor -'
	labels '{"resourceType":"Composition","confidentiality":{"coding":[{"display":"restricted"}]}}' <<<'- R - - - floor -'
}

@test "floors: categories of Atom, as in DSTU1, are labels if their scheme says so" {
	local scheme='"scheme":"http://hl7.org/fhir/tag/security"'
	labels '{"resourceType":"Flag","category":[{"scheme":"http://hl7.org/fhir/v3/Confidentiality","term":"R"}]}' <<<'- R - - - floor -'
	labels '{"resourceType":"Flag","category":[{'"$scheme"',"term":"http://hl7.org/fhir/v3/Confidentiality#V"}]}' <<<'- V - - - floor -'
	labels '{"resourceType":"Flag","tag":[{'"$scheme"',"term":"HIV"}]}' <<<'- R HIV - - floor -'
	labels '{"resourceType":"Flag","meta":{"tag":[{'"$scheme"',"term":"local"}]}}' <<<'- R - - - floor -'
	labels '{"resourceType":"Flag","category":[{"scheme":"http://hl7.org/fhir/tag","term":"R"},{"term":"R"},{"coding":[{"code":"R"}]}]}' </dev/null
	labels '{"resourceType":"Bundle","type":"collection","entry":[{"category":[{'"$scheme"',"term":"R"}]},{"title":"x"}]}' <<<'/entry/0 R - - - floor -'
}

@test "floors: a label of a Contract's term is one of the term" {
	local c='"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality"' s='"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode"'
	labels '{"resourceType":"Contract","term":[{"securityLabel":[{"number":[1],"classification":{'"$c"',"code":"R"},"category":[{'"$s"',"code":"HIV"}]}]},{"group":[{"securityLabel":[{"number":[1]}]}]}]}' <<-'END'
		/term/0 R HIV - - floor -
		/term/1/group/0 R - - - floor -
	END
	labels '{"resourceType":"Flag","securityLabel":[{"classification":{'"$c"',"code":"R"}}]}' </dev/null
}

@test "floors: a malformed label refuses the record" {
	local bad
	policy
	for bad in '{"security":[7]}' '{"security":[{"code":7}]}' '{"security":[{"code":"R","system":7}]}' '{"security":null}'; do
		printf '{"resourceType":"Flag","meta":%s}\n' "$bad" >in
		ehr 5 ehr-classify -P "$P" in
		has err 'in:1: bad-label: malformed security label at byte'
	done
}

@test "floors: inline labels by all names that say so; with another value, one that nobody knows" {
	local url value='"valueCoding":{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"V"}'
	for url in http://hl7.org/fhir/StructureDefinition/inline-sec-label urn:oid:1.2:sec-label inline-security-label \
		'http:\/\/x.example\/Security-L\u0061bel' 'http://x.example/securityLabel/|1.0' 'https://x.example/d#EXTENSION-INLINE-SEC-LABEL'; do
		labels '{"resourceType":"Flag","x":{"extension":[{"url":"'"$url"'",'"$value"'}]}}' <<<'/x V - - - floor -'
	done
	labels '{"resourceType":"Flag","x":{"extension":[{"url":"http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-inline-sec-label","valueString":"R"}]}}' <<<'/x R - - - floor -'
	for url in http://x.example/label http://x.example/security-label/owner http://x.example/xsecurity-label; do
		labels '{"resourceType":"Flag","x":{"extension":[{"url":"'"$url"'",'"$value"'}]}}' </dev/null
	done
}

@test "floors: inline labels, on an element, on a primitive's twin, and on one of an array" {
	local e='"extension":[{"url":"http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-inline-sec-label","valueCoding":{"code":"R"}}]'
	labels '{"resourceType":"Patient","contact":[{'"$e"'}],"birthDate":"2000","_birthDate":{'"$e"'},"_deceasedDateTime":{'"$e"'},"name":[{"given":["a","b"],"_given":[null,{'"$e"'}]}]}' <<-'END'
		/contact/0 R - - - floor -
		/birthDate R - - - floor -
		/_deceasedDateTime R - - - floor -
		/name/0/given/1 R - - - floor -
	END
	labels '{"resourceType":"Patient",'"$e"'}' <<<'- R - - - floor -'
}

@test "floors: a release by name is the only way down, for its code alone" {
	local lab='"meta":{"source":"urn:lab:7","security":[{"code":"R"}'
	labels '{"resourceType":"Flag",'"$lab"']}}' <<<'- N - - - lab-reviewed R'
	labels '{"resourceType":"Flag",'"$lab"',{"code":"V"}]}}' <<-'END'
		- V - - - floor -
		- N - - - lab-reviewed R
	END
	labels '{"resourceType":"Flag","meta":{"source":"urn:lab:8","security":[{"code":"R"}]}}' <<<'- R - - - floor -'
}

@test "floors: those that an ingested line brings, for a record without a level of its own" {
	local head='{"ehr":{"v":1,"stage":"ingested","subject":"Patient/p9","floor":[{"code":"R"},{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"HIV"}]},"record":'
	labels "$head"'{"resourceType":"Basic"}}' <<<'- R HIV - - floor -'
	labels "$head"'{"resourceType":"Basic","meta":{"security":[{"code":"L"}]}}}' <<<'- R HIV - - floor -'
	tags "$head"'{"resourceType":"Basic","id":"b"}}' '[.id, .subject]' '["Basic/b","Patient/p9"]'
}

@test "floors: the Composition of a kept document labels the document; a Meta in Parameters labels them" {
	local r='{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"R"}' type
	labels '{"resourceType":"Bundle","type":"document","entry":[{"resource":{"resourceType":"Composition","confidentiality":"R"}}]}' <<<'- R - - - floor -'
	labels '{"resourceType":"Bundle","type":"document","entry":[{"resource":{"resourceType":"Composition","meta":{"security":['"$r"']}}}]}' <<<'- R - - - floor -'
	for type in '"type":"collection",' ''; do
		labels '{"resourceType":"Bundle",'"$type"'"entry":[{"resource":{"resourceType":"Composition","confidentiality":"R"}}]}' <<<'/entry/0/resource R - - - floor -'
	done
	labels '{"resourceType":"Parameters","parameter":[{"name":"meta","valueMeta":{"security":['"$r"']}},{"name":"x","part":[{"valueMeta":{"tag":['"$r"']}}]}]}' <<<'- R - - - floor -'
}

@test "opaque: attachments with what tells their length, and long base64 wherever it hides" {
	local long
	long=$(printf 'QUJD%.0s' {1..64})
	labels '{"resourceType":"DocumentReference","content":[{"attachment":{"contentType":"a/b","data":"QQ==","url":"u","title":"t","size":3,"hash":"h","language":"en"}}]}' <<-'END'
		/content/0/attachment/data R - - - opaque -
		/content/0/attachment/url R - - - opaque -
		/content/0/attachment/title R - - - opaque -
		/content/0/attachment/size R - - - opaque -
		/content/0/attachment/hash R - - - opaque -
	END
	labels '{"resourceType":"Basic","x":"'"$long"'","y":"'"${long#Q}"'"}' <<<'/x R - - - opaque -'
	labels '{"resourceType":"Basic","x":"data:a/b;base64,'"$long"'!","y":["'"${long:0:100}\\n${long:100}"'"]}' <<-'END'
		/x R - - - opaque -
		/y/0 R - - - opaque -
	END
	labels '{"resourceType":"Basic","x":"'"${long:0:128}\\u0051\\/${long:130}"'","y":"'"${long:0:200} ${long}"'"}' <<-'END'
		/x R - - - opaque -
		/y R - - - opaque -
	END
	labels '{"resourceType":"Basic","x":"'"${long:0:200} ${long:0:200}"'"}' </dev/null
}

@test "opaque: what extends the data of an attachment, and what is packed" {
	local packed
	packed=$(gzip -n <<<HIV | base64 -w0)
	labels '{"resourceType":"Basic","x":{"contentType":"a/b","_data":{"id":"d"},"_title":{"id":"t"}},"y":"'"$packed"'","z":"H4sI"}' <<-'END'
		/x/_data R - - - opaque -
		/x/_title R - - - opaque -
		/y R - - - opaque -
	END
}

@test "opaque: attachments that are elsewhere, and the forms of other versions" {
	labels '{"resourceType":"DocumentReference","content":[{"attachment":{"contentType":"a/b","url":"u","title":"t"}}]}' <<-'END'
		/content/0/attachment/url R - - - opaque -
		/content/0/attachment/title R - - - opaque -
	END
	labels '{"resourceType":"Flag","image":[{"url":"u"}],"contentAttachment":{"url":"v"},"x":{"url":"w","hash":"h"}}' <<-'END'
		/image/0/url R - - - opaque -
		/contentAttachment/url R - - - opaque -
		/x/url R - - - opaque -
		/x/hash R - - - opaque -
	END
	labels '{"resourceType":"Binary","contentType":"a/b","content":"QQ=="}' <<<'/content R - - - opaque -'
	labels '{"resourceType":"Flag","signature":{"contentType":"a/b","blob":"QQ=="},"extension":[{"url":"u","valueBase64Binary":"QQ=="}]}' <<-'END'
		/signature/blob R - - - opaque -
		/extension/0/valueBase64Binary R - - - opaque -
	END
	# What has an address and is no attachment, and what is for everybody.
	labels '{"resourceType":"Flag","url":"u","title":"t","extension":[{"url":"u","valueString":"s"}],"relatedArtifact":[{"type":"citation","url":"w"}],"x":{"contentType":"a/b","title":"t","content":[7]}}' </dev/null
	labels '{"resourceType":"Organization","photo":[{"contentType":"a/b","url":"u"}]}' </dev/null
}
