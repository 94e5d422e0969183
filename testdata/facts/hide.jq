# One fact, written in every way in which records write it.  Input: a row of facts.tsv, split at tabs.
. as [$category, $system, $code, $other, $other_code, $english, $german] |
{coding: [{system: $system, code: $code}]} as $coded |
"zzfact" as $mark |
def condition(x): {resourceType: "Condition", id: $mark, subject: {reference: "Patient/p1"}} + x;
def way(name; record): {category: $category, way: name, words: [$code, $other_code, $english, $german], record: record};
[
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
  way("one object where R4 has a list"; condition({code: {coding: {system: $system, code: $code}}}))
][]
