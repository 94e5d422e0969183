# ehr-classify: value sets of terms, and what a term in a string labels (testdata/policies/terms).
bats_require_minimum_version 1.5.0
load ../lib/ehr

# The labels of the record $1 are what stands on standard input: place, level, sensitivity, rule; those of base
# and default are left out.
labels() {
	printf '%s\n' "$1" >in
	ehr 0 ehr-classify -P "${P:-$EHR_ROOT/testdata/policies/terms}" in &&
		jq -r '.labels[] | select(.rule != "base" and .rule != "default") |
			[.at, .level, (.sensitivity // [] | join("+")), .rule] |
			map(. // "-" | if . == "" then "-" else . end) | join(" ")' out >shown &&
		same shown
}

@test "a term labels the concept, the annotation, the identifier or the string that says it" {
	labels '{"resourceType":"Encounter","class":{"display":"HIV ward"},"serviceType":{"coding":[{"code":"1"},{"code":"2","display":"HIV"}],"text":"x"},"note":[{"text":"x"},{"authorString":"a","text":"seen for\nHIV."}],"identifier":[{"system":"urn:hiv:mrn","value":"7"}],"description":"HIV","list":["x","HIV"],"location":[{"location":{"reference":"Location/hiv","display":"HIV ward"}}],"meta":{"tag":[{"code":"hiv-clinic"}],"source":"urn:hiv"}}' <<-'END'
		/class/display R HIV hiv
		/serviceType R HIV hiv
		/note/1 R HIV hiv
		/identifier/0 R HIV hiv
		/description R HIV hiv
		/list/1 R HIV hiv
		/location/0/location/reference R HIV hiv
		/location/0/location/display R HIV hiv
		/meta/tag/0 R HIV hiv
		/meta/source R HIV hiv
	END
}

@test "where the string stands for the entry, the whole entry is labelled: the root, a component, a question" {
	labels '{"resourceType":"Condition","code":{"text":"HIV infection"}}' <<<'- R HIV hiv'
	labels '{"resourceType":"Condition","code":{"coding":[{"extension":[{"valueString":"HIV"}]}]}}' <<<'- R HIV hiv'
	labels '{"resourceType":"MedicationRequest","medicationReference":{"reference":"Medication/1","display":"anti-HIV"}}' <<<'- R HIV hiv'
	labels '{"resourceType":"Observation","code":{"text":"panel"},"component":[{"code":{"text":"x"}},{"code":{"text":"HIV"},"valueString":"7"},{"valueString":"HIV"}]}' <<-'END'
		/component/1 R HIV hiv
		/component/2 R HIV hiv
	END
	labels '{"resourceType":"QuestionnaireResponse","item":[{"linkId":"1","item":[{"text":"x"},{"text":"HIV?","answer":[{"valueBoolean":true}]}]}]}' <<<'/item/0/item/1 R HIV hiv'
	labels '{"resourceType":"Patient","contact":[{"code":{"text":"HIV"}}]}' <<<'/contact/0 R HIV hiv'
	# code of a part that is no entry.
	labels '{"resourceType":"Claim","part":[{"code":{"text":"HIV"}}]}' <<<'/part/0/code R HIV hiv'
}

@test "names, telecoms, ids, displays of references to persons and URIs of HL7 are not searched" {
	labels '{"resourceType":"Patient","id":"HIV","name":[{"family":"HIV","text":"Mr HIV"}],"contact":[{"name":{"family":"HIV"}}],"telecom":[{"value":"HIV","extension":[{"valueString":"HIV"}]}],"generalPractitioner":[{"reference":"https://x.example/Practitioner/1","display":"Dr HIV"},{"type":"Patient","display":"HIV"}],"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/hiv"}]}' </dev/null
	labels '{"resourceType":"Organization","name":"HIV clinic","partOf":{"reference":"Organization/1","display":"HIV centre"}}' <<-'END'
		/name R HIV hiv
		/partOf/display R HIV hiv
	END
}

@test "whole words, capitals, stems, phrases that cancel; accents, hyphens, entities, escapes" {
	labels '{"resourceType":"Basic","a":"hives","b":"lidocaine","c":"hearing AIDS","d":"aids","e":"ST-depression","f":"CHIV"}' </dev/null
	labels '{"resourceType":"Basic","a":"Anti\u2011HIV-1","b":"with AIDS","c":"\u0048IV","d":"Schu\u0308tteltraumas","e":"Schuetteltrauma","g":"CoCa\u00efne"}' <<-'END'
		/a R HIV hiv
		/a R HIV all
		/b R HIV hiv
		/b R HIV all
		/c R HIV hiv
		/c R HIV all
		/d R SDV all
		/e R SDV all
		/g R SUD all
	END
}

@test "a narrative is searched as text and labelled as a whole" {
	labels '{"resourceType":"Basic","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>Sch&uuml;ttel<b>trauma</b></p></div>"}}' <<<'/text R SDV all'
	labels '{"resourceType":"Basic","text":{"status":"generated","div":"<div><p>Co</p><p>caine</p></div>"}}' </dev/null
}

@test "entities and tags are read in every text, not in narratives alone" {
	labels '{"resourceType":"Basic","a":"seen for &#72;IV","b":"Sch&uuml;ttel&shy;trauma","c":"H<b>IV</b>","d":"A&E, CD4 < 5","e":"archive &amp; hives","f":"  <p>Sch&#xfc;tteltrauma"}' <<-'END'
		/a R HIV hiv
		/a R HIV all
		/b R SDV all
		/c R HIV hiv
		/c R HIV all
		/f R SDV all
	END
}

@test "base64 is searched where it decodes to text" {
	local data latin
	data=$(printf 'Known HIV\npositive' | base64)
	latin=$(printf 'Sch\xfctteltrauma' | base64)
	labels '{"resourceType":"Basic","extension":[{"url":"u","valueBase64Binary":"'"$data"'"}],"other":"'"$data"'"}' <<-'END'
		/extension/0 R HIV hiv
		/extension/0 R HIV all
		/extension/0/valueBase64Binary R - opaque
		/other R HIV hiv
		/other R HIV all
	END
	labels '{"resourceType":"Basic","extension":[{"url":"u","valueBase64Binary":"'"$latin"'"}]}' <<-'END'
		/extension/0 R SDV all
		/extension/0/valueBase64Binary R - opaque
	END
	labels '{"resourceType":"Basic","a":{"x":"data:text/plain;base64,'"$data"'"}}' <<-'END'
		/a/x R HIV hiv
		/a/x R HIV all
		/a/x R - opaque
	END
	# A word of base64 in any text, without padding or in other letters; a word that only looks like it.
	labels '{"resourceType":"Basic","a":{"x":"see SElW now","y":"aGFzIEhJVg","z":"see-aGFzIEhJVg==","s":"McDonald StructureDefinition SElX"}}' <<-'END'
		/a/x R HIV hiv
		/a/x R HIV all
		/a/y R HIV hiv
		/a/y R HIV all
	END
	# Each of them, not the first alone.
	labels '{"resourceType":"Basic","a":{"x":"SElW, then U2Now7x0dGVsdHJhdW1h now"}}' <<-'END'
		/a/x R HIV hiv
		/a/x R HIV+SDV all
	END
	labels '{"resourceType":"Basic","a":{"x":"DATA:text/plain;base64,'"$data"'"}}' <<-'END'
		/a/x R HIV hiv
		/a/x R HIV all
		/a/x R - opaque
	END
	# No base64, and bytes that are no text.
	labels '{"resourceType":"Basic","a":{"data":["has HIV"]},"b":{"data":["'"$(printf '\0\1 HIV \2' | base64)"'"]}}' <<-'END'
		/a/data/0 R HIV hiv
		/a/data/0 R HIV all
	END
	# Words with as many letters as base64 has, and what stands before base64.
	labels '{"resourceType":"Basic","a":{"data":["was it HIV"]}}' <<-'END'
		/a/data/0 R HIV hiv
		/a/data/0 R HIV all
	END
	labels '{"resourceType":"Basic","a":{"data":["data:text/x;name=HIV.x;base64,AAAAAAAA"]}}' <<-'END'
		/a/data/0 R HIV hiv
		/a/data/0 R HIV all
		/a/data/0 R - opaque
	END
}

# The other tests of a rule match, too: `.status` stands in no entry.
@test "says: at a path, in an element, negated, beside codes, and in criticality" {
	labels '{"resourceType":"Flag","status":"active","note":[{"text":"cocaine"}],"other":"cocaine"}' <<-'END'
		- V - place
		/note/0 V - place
	END
	labels '{"resourceType":"Flag","status":"inactive","note":[{"text":"cocaine"}]}' </dev/null
	labels '{"resourceType":"Flag","code":{"coding":[{"display":"cocaine"}]}}' <<<'- V - whole'
	labels '{"resourceType":"Flag","part":[{"name":"cocaine","on":true},{"name":"cocaine","on":false}]}' <<<'/part/0 V - item'
	labels '{"resourceType":"Slot","comment":"cocaine"}' </dev/null
	labels '{"resourceType":"Slot","comment":"x"}' <<<'- V - without'
	labels '{"resourceType":"Group","code":{"coding":[{"system":"http://loinc.org","code":"7917-8"}]},"note":"HIV"}' <<-'END'
		- R - both
		/note R HIV hiv
		/note R - both
	END
	labels '{"resourceType":"Communication","payload":[{"contentString":"cocaine"}]}' <<<'/payload/0 N - loud'
}

@test "inner roots are searched as roots of their own" {
	labels '{"resourceType":"Condition","note":[{"text":"x"}],"contained":[{"resourceType":"Basic","code":{"text":"HIV"}},{"resourceType":"Basic","title":"cocaine"}],"title":"HIV"}' <<-'END'
		/contained/0 R HIV hiv
		/contained/0 R HIV all
		/contained/1/title R SUD all
		/title R HIV hiv
	END
}

@test "codes in texts: where rules ask for them, a code alone at places of code, and none at places of no_code" {
	cp -r "$EHR_ROOT/testdata/policies/terms" told
	sed -i 's/says: hiv-words}}, label: {level: R, sens/says: [codes, hiv-words]}}, label: {level: R, sens/; s/^  base64:/  code: [text]\n  no_code: [title]\n  base64:/' told/classify.yaml
	printf '{"resourceType":"Basic","%s":"%s"}\n' text 7917-8 summary 7917-8 title 7917-8 text "LOINC: 7917-8" summary "LOINC: 7917-8" title "LOINC: 7917-8" title "LOINC: 7917-8, HIV" >in
	ehr 0 ehr-classify -P told in
	[ "$(jq -r .ehr.level out | tr '\n' ' ')" = 'R N N R R N R ' ]
	ehr 0 ehr-classify -P "$EHR_ROOT/testdata/policies/terms" in
	[ "$(jq -r .ehr.level out | tr '\n' ' ')" = 'N N N N N N R ' ]
}

# The change of one line of classify.yaml, which must give the message $3.
fault() {
	rm -rf bad
	cp -r "$EHR_ROOT/testdata/policies/terms" bad
	sed -i "s/$1/$2/" bad/classify.yaml
	printf '{}\n' >in
	ehr 3 ehr-classify -P bad in
	has err "$3"
}

@test "what says a term in disguise alone says it each time that it stands there" {
	local text id
	for text in '484956206f207320 ' 'B99 484956206f207320' 'Order number 12345 SElWIHBvc2l0aXY'; do
		for id in 1 2 3; do
			printf '{"resourceType":"Observation","id":"%s","note":[{"text":"%s"}]}\n' $id "$text"
		done >in
		ehr 0 ehr-classify -P "$EHR_ROOT/policies/hospital" in
		jq -r '"\(.ehr.id) \(.ehr.level) \(.ehr.reasons | join(" "))"' out >shown
		same shown <<-'END'
			Observation/1 R hiv
			Observation/2 R hiv
			Observation/3 R hiv
		END
	done
}

@test "faults: sets of the wrong kind, places that are none, says where no terms are known" {
	fault 'terms: words.tsv.*' 'file: codes.tsv}' "texts are searched for the codes of 'hiv-words' only beside terms, and no value set has any"
	fault 'in: codes' 'in: words' "the value set 'words' holds terms, for which one asks with says"
	fault 'says: \[words\]' 'says: [nothing]' "unknown-set: no value set 'nothing'"
	fault 'skip: \[id' 'skip: [.id' 'expected one to 4 member names with dots between them'
	fault 'skip: \[id' 'skip: [a.b.c.d.e' 'expected one to 4 member names with dots between them'
	fault 'around: \[text' 'around: [7' 'a number, expected a string'
	fault 'rows: 5' 'rows: 6' 'row-count: 5 rows'
	fault 'category: \[HIV\]' 'category: [XYZ]' "empty-set: no row of category 'XYZ'"
	fault '^criticality:' 'declassify: [{id: d, say: D., code: R, where: {.a: {says: words}}, to: N}]\ncriticality:' 'says can stand in rules of classify.yaml only'
	fault 'skip_uris' 'skip_urls' 'skip_urls'
}

# References $2 and on, each in a record of its own, under the policy $1; those that a rule speaks of are what stands on
# standard input.
referred() {
	local reference
	for reference in "${@:2}"; do
		printf '{"resourceType":"Observation","encounter":{"reference":"%s"}}\n' "$reference"
	done >in
	ehr 0 ehr-classify -P "$1" in
	jq -r 'select(.ehr.reasons != []) | .record.encounter.reference' out >shown
	same shown
}

@test "a reference that says something is found behind others that differ from it in their UUID alone" {
	local uuid=f81d4fae-7dec-11d0-a765-00a0c91e6bf6
	# Hexadecimal, base64 that goes on in the UUID, a term before it.
	referred "$EHR_ROOT/policies/hospital" Encounter/$uuid Encounter/f81d4fae-7dec-11d0-a765-484956207320 \
		Encounter/$uuid HIV/$uuid hiv/$uuid x/$uuid "SElWIHBvc2l0aXY|$uuid" <<-END
		Encounter/f81d4fae-7dec-11d0-a765-484956207320
		HIV/$uuid
		hiv/$uuid
		SElWIHBvc2l0aXY|$uuid
	END
	# Words of the digits of a UUID.
	cp -r "$EHR_ROOT/testdata/policies/terms" policy
	printf 'fade\ten\tHIV\tword\t\t\n' >>policy/valuesets/words.tsv
	sed -i 's/rows: 2/rows: 3/; s/rows: 5/rows: 6/' policy/classify.yaml
	referred policy Encounter/$uuid Encounter/f81d4fae-fade-11d0-a765-00a0c91e6bf6 Encounter/$uuid <<-'END'
		Encounter/f81d4fae-fade-11d0-a765-00a0c91e6bf6
	END
}

@test "the name of a member that nobody knows says a term of its value, in camel and snake case" {
	labels '{"resourceType":"Observation","hiv_status":true,"x":{"hivTests":[{"a":1}],"Hiv-result":null,"shiver":1,"hive_count":2,"_hivNote":{"id":"1"}},"\u0068\u0069\u0076":{},"code":{"hivCode":1}}' <<-'END'
		- R HIV hiv
		/hiv_status R HIV hiv
		/x/hivTests R HIV hiv
		/x/Hiv-result R HIV hiv
		/x/_hivNote R HIV hiv
		/hiv R HIV hiv
	END
	# What the policy itself names is no exception.
	cp -r "$EHR_ROOT/testdata/policies/terms" named
	chmod -R u+w named
	printf 'summaries: {"*": [hivNote]}\n' >>named/classify.yaml
	P=named labels '{"resourceType":"Observation","hivNote":7}' <<<'/hivNote R HIV hiv'
	# Where names are skipped they stay so.
	labels '{"resourceType":"Patient","telecom":[{"hivPhone":1}]}' </dev/null
}

@test "names of members say codes and identities in the hospital's policy, also where German parts a word" {
	P=$EHR_ROOT/policies/hospital
	labels '{"resourceType":"Observation","status":"final","by_code":{"B20":{"since":2011},"I10":{}},"dx_F20":true,"f20":1,"alkohol_abhaengigkeit":"x","passport_no":"C01X0006H","stDepression":1,"alcohol_swab":2,"subtrace":3}' <<-'END'
		/by_code/B20 R HIV hiv
		/dx_F20 R MH mental-health
		/alkohol_abhaengigkeit R ETHUD substance-use
		/passport_no R IDS identity-documents
	END
	labels '{"resourceType":"FamilyMemberHistory","status":"completed","sex":{"text":"male"}}' </dev/null
}

@test "signs in the place of blanks part the words of a term, in the hospital's policy" {
	P=$EHR_ROOT/policies/hospital
	local text
	for text in sickle+cell sickle/cell sickle.cell '*sickle* *cell*' 'x=sickle&cell=1'; do
		labels '{"resourceType":"Observation","status":"final","code":{"text":"'"$text"'"}}' <<<'- R SCA sickle-cell'
	done
	labels '{"resourceType":"Observation","status":"final","code":{"text":"No alcohol. Dependence on oxygen, 3/4+5"}}' </dev/null
}

@test "in DSTU1 the concept of an Observation is its name; a person's name is no text" {
	P=$EHR_ROOT/policies/hospital
	labels '{"resourceType":"Observation","status":"final","name":{"text":"HIV test"},"valueString":"x"}' <<<'- R HIV hiv'
	labels '{"resourceType":"Patient","name":[{"text":"Tom HIV"}],"contact":[{"name":{"text":"Jane HIV"}}]}' </dev/null
	# A place with a type is that of the record's own members alone.
	labels '{"resourceType":"Patient","x":{"name":{"text":"HIV"}}}' <<<'/x/name R HIV hiv'
}

@test "a bare code names a question as it names a member; letters with numbers do not" {
	P=$EHR_ROOT/policies/hospital
	labels '{"resourceType":"QuestionnaireResponse","status":"completed","item":[{"linkId":"B20"},{"linkId":"F0300"},{"linkId":"1.20"},{"linkId":"b20"}]}' <<<'/item/0 R HIV hiv'
}
