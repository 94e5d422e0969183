# One fact, written in every way in which records write it.  Input: a row of facts.tsv, split at tabs.  Of descent and faith
# the words are names of the question, and what must not be told is the answer.
. as [$category, $system, $code, $other, $other_code, $english, $german] |
{coding: [{system: $system, code: $code}]} as $coded |
"zzfact" as $mark |
def condition(x): {resourceType: "Condition", id: $mark, subject: {reference: "Patient/p1"}} + x;
def named: $code | test("^[A-Z]"); # a number alone is a code where its system is named
def observation(x): {resourceType: "Observation", id: "o", status: "final", valueString: "zzanswer"} + x;
def answered(name; record): {category: $category, way: name, words: [$code, $other_code, "zzanswer"], record: record};
def way(name; record): {category: $category, way: name, words: [$code, $other_code, $english, $german], record: record};
if $category == "RACE" or $category == "REL" then
  answered("question in English"; observation({code: {text: $english}})),
  answered("question in German"; observation({code: {text: $german}})),
  answered("code of the answer"; observation({code: {text: "background"}, valueCodeableConcept: $coded}) | del(.valueString)),
  answered("code of another system"; {resourceType: "Patient", id: "p1", communication: [{language: {coding: [{system: $other, code: $other_code}]}}]}),
  answered("extension"; {resourceType: "Patient", id: "p1", extension: [{url: "http://example.org/fhir/patient-\($english | ascii_downcase)", valueString: "zzanswer"}]}),
  answered("extension with parts"; {resourceType: "Patient", id: "p1", extension: [{url: "http://example.org/fhir/us-core-\($english | ascii_downcase)", extension: [{url: "text", valueString: "zzanswer"}, {url: "detailed", valueCoding: {system: $system, code: $code}}]}]}),
  answered("name of a member"; {resourceType: "Patient", id: "p1", ($english | ascii_downcase): "zzanswer"}),
  answered("German name of a member"; {resourceType: "Basic", id: "b", code: {text: "x"}, data: {($german | gsub("[- ]"; "_")): "zzanswer"}})
else
  way("code"; condition({code: $coded})),
  way("code in another case, without its dot"; condition({code: {coding: [{system: $system, code: ($code | gsub("\\."; "") | ascii_downcase)}]}})),
  way("code of another system"; condition({code: {coding: [{system: $other, code: $other_code}]}})),
  way("code without a system"; condition({code: {coding: [{code: $code}]}})),
  way("text"; condition({code: {text: $english}})),
  way("German text"; condition({code: {text: $german}})),
  way("capitals"; condition({code: {text: ($english | ascii_upcase)}})),
  way("display of a harmless code"; condition({code: {coding: [{system: $system, code: "R69", display: $english}]}})),
  way("note"; {resourceType: "Observation", id: "o", status: "final", code: {coding: [{system: "http://loinc.org", code: "8867-4"}]}, note: [{text: "Known \($english), stable."}]}),
  way("conclusion beside a coded conclusion"; {resourceType: "DiagnosticReport", id: "r", status: "final", code: {text: "laboratory"}, conclusion: "Consistent with what is known: \($english).", conclusionCode: [$coded]}),
  way("attachment"; {resourceType: "DocumentReference", id: "d", status: "current", content: [{attachment: {contentType: "text/plain", data: ("Dear colleague, \($english) is confirmed." | @base64)}}]}),
  way("title of an attachment"; {resourceType: "DocumentReference", id: "d", status: "current", content: [{attachment: {contentType: "application/pdf", url: "Binary/b", title: $english}}]}),
  way("contained root"; {resourceType: "Encounter", id: "e", status: "finished", class: {code: "AMB"}, contained: [{resourceType: "Condition", id: "c", code: $coded}], diagnosis: [{condition: {reference: "#c"}}]}),
  way("display of a reference"; {resourceType: "Encounter", id: "e", status: "finished", class: {code: "AMB"}, diagnosis: [{condition: {reference: "Condition/c", display: $english}}]}),
  way("narrative"; condition({code: $coded, text: {status: "generated", div: "<div>\($english)</div>"}})),
  way("section"; {resourceType: "Composition", id: "k", status: "final", section: [{title: "Problems", text: {status: "generated", div: "<div>\($english)</div>"}}]}),
  way("questionnaire, coded"; {resourceType: "QuestionnaireResponse", id: "q", status: "completed", item: [{linkId: "1", answer: [{valueCoding: {system: $system, code: $code}}]}]}),
  way("questionnaire, as text"; {resourceType: "QuestionnaireResponse", id: "q", status: "completed", item: [{linkId: "1", text: "Illness", answer: [{valueString: $english}]}]}),
  way("extension"; {resourceType: "Patient", id: "p1", extension: [{url: "http://example.org/history", valueString: $english}]}),
  way("STU3 reason"; {resourceType: "Encounter", id: "e", status: "finished", class: {code: "AMB"}, reason: [$coded]}),
  way("DSTU2 order"; {resourceType: "MedicationOrder", id: "m", status: "active", reasonCodeableConcept: $coded}),
  way("one object where R4 has a list"; condition({code: {coding: {system: $system, code: $code}}})),
  way("word with signs for blanks"; condition({code: {text: ($english | gsub(" "; "+"))}})),
  way("name of a member"; {resourceType: "Basic", id: "b", code: {text: "x"}, ($english | gsub(" "; "_")): true}),
  way("German name of a member"; {resourceType: "Basic", id: "b", code: {text: "x"}, data: {($german | gsub("[- ]"; "_")): [1]}}),
  (if named then way("code as the name of a member"; {resourceType: "Basic", id: "b", code: {text: "x"}, diagnoses: {($code): {since: 2011}}}) else empty end),
  (if named then way("code as a question"; {resourceType: "QuestionnaireResponse", id: "q", status: "completed", item: [{linkId: $code, answer: [{valueBoolean: true}]}]}) else empty end),
  way("DSTU1 concept"; {resourceType: "Observation", id: "o", status: "final", name: $coded, valueString: "high"}),
  way("DSTU1 text"; {resourceType: "DiagnosticReport", id: "r", status: "final", name: {text: $english}}),
  way("contained root without #"; {resourceType: "Encounter", id: "e", status: "finished", class: {code: "AMB"}, contained: [{resourceType: "Condition", id: "c", code: $coded}], diagnosis: [{condition: {reference: "c"}}]}),
  way("beside a display"; {resourceType: "Encounter", id: "e", status: "finished", class: {code: "AMB"}, diagnosis: [{condition: {reference: "Condition/c", _display: {extension: [{url: "http://hl7.org/fhir/StructureDefinition/translation", extension: [{url: "content", valueString: $german}]}]}}}]}),
  way("parameter"; {resourceType: "Parameters", id: "p", parameter: [{name: "reason", valueString: $english}]}),
  way("profile"; {resourceType: "Observation", id: "o", meta: {profile: ["http://example.org/StructureDefinition/\($english | gsub(" "; "-"))"]}, status: "final"}),
  way("R5 reason"; {resourceType: "Encounter", id: "e", status: "completed", reason: [{value: [{concept: {text: $english}}]}]}),
  way("R5 medication"; {resourceType: "MedicationRequest", id: "m", status: "active", medication: {concept: {text: $english}}})
end
