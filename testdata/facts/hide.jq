# One fact, written in every way in which records write it.  Input: a row of facts.tsv, split at tabs.  Of descent and faith
# the words are names of the question, and what must not be told is the answer.
. as [$category, $system, $code, $other, $other_code, $english, $german] |
{coding: [{system: $system, code: $code}]} as $coded |
"zzfact" as $mark |
def condition(x): {resourceType: "Condition", id: $mark, subject: {reference: "Patient/p1"}} + x;
def named: $code | test("^[A-Z]"); # a number alone is a code where its system is named
def observation(x): {resourceType: "Observation", id: "o", status: "final", valueString: "zzanswer"} + x;
def answered(name; record): {category: $category, way: name, words: [$code, $other_code, "zzanswer"], record: record};
# $string as a whole must be gone.
def whole(name; $string; record): {category: $category, way: name, words: [$string, $string], record: record};
def packed(name; bytes): (bytes | @base64) as $data |
  whole(name; $data; {resourceType: "DocumentReference", id: "d", status: "current", content: [{attachment: {contentType: name, data: $data}}]});
def audited(x): {resourceType: "AuditEvent", id: "a", type: {code: "rest"}, recorded: "2020-01-01T00:00:00Z", agent: [{requestor: true}], source: {observer: {display: "x"}}} + x;
def way(name; record): {category: $category, way: name, words: [$code, $other_code, $english, $german], record: record};
if $category == "RACE" or $category == "REL" then
  answered("question in English"; observation({code: {text: $english}})),
  answered("question in German"; observation({code: {text: $german}})),
  answered("code of the answer"; observation({code: {text: "background"}, valueCodeableConcept: $coded}) | del(.valueString)),
  answered("code of another system"; {resourceType: "Patient", id: "p1", communication: [{language: {coding: [{system: $other, code: $other_code}]}}]}),
  answered("extension"; {resourceType: "Patient", id: "p1", extension: [{url: "http://example.org/fhir/patient-\($english | ascii_downcase)", valueString: "zzanswer"}]}),
  answered("extension with parts"; {resourceType: "Patient", id: "p1", extension: [{url: "http://example.org/fhir/us-core-\($english | ascii_downcase)", extension: [{url: "text", valueString: "zzanswer"}, {url: "detailed", valueCoding: {system: $system, code: $code}}]}]}),
  answered("question of a component"; observation({code: {text: "background"}, component: [{code: {text: $english}, valueString: "zzanswer"}]}) | del(.valueString)),
  answered("question by its display"; observation({code: {coding: [{system: "http://example.org", code: "7", display: $english}]}})),
  answered("question of a form"; {resourceType: "QuestionnaireResponse", id: "q", status: "completed", item: [{linkId: "1", text: $german, answer: [{valueString: "zzanswer"}]}]}),
  answered("question by its linkId"; {resourceType: "QuestionnaireResponse", id: "q", status: "completed", item: [{linkId: "intake.\($english | ascii_downcase)", answer: [{valueString: "zzanswer"}]}]}),
  answered("question of DSTU2"; {resourceType: "QuestionnaireResponse", id: "q", status: "completed", group: {question: [{text: $english, answer: [{valueString: "zzanswer"}]}]}}),
  answered("question of DSTU1"; {resourceType: "Observation", id: "o", status: "final", name: {text: $english}, valueString: "zzanswer"}),
  answered("parameter"; {resourceType: "Parameters", id: "p", parameter: [{name: ($english | ascii_downcase), valueString: "zzanswer"}]}),
  answered("input of a task"; {resourceType: "Task", id: "t", status: "requested", intent: "order", input: [{type: {text: $english}, valueString: "zzanswer"}]}),
  answered("characteristic of a group"; {resourceType: "Group", id: "g", type: "person", actual: true, characteristic: [{code: {text: $english}, valueCodeableConcept: {coding: [{system: "http://example.org", code: "zzanswer"}]}, exclude: false}]}),
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
  way("sampled data"; observation({code: {coding: [{system: "http://loinc.org", code: "8867-4"}]}, valueSampledData: {origin: {value: 0}, period: 10, dimensions: 1, data: $english}}) | del(.valueString)),
  way("sampled data among numbers"; observation({code: {coding: [{system: "http://loinc.org", code: "8867-4"}]}, valueSampledData: {origin: {value: 0}, period: 10, dimensions: 1, data: "2 3 E \($german)"}}) | del(.valueString)),
  packed("application/pdf"; "%PDF-1.4\n(\($english)) Tj"),
  packed("image/png"; "\u0089PNG\r\n\u001a\n tEXt \($english)"),
  packed("application/x-unheard-of"; "\u0000\u0001\($english)"),
  way("clinical document"; {resourceType: "Binary", id: "y", contentType: "application/xml", data: ("<ClinicalDocument><title>\($english)</title></ClinicalDocument>" | @base64)}),
  way("message of HL7 v2"; {resourceType: "Binary", id: "y", contentType: "x-application/hl7-v2+er7", data: ("MSH|^~\\&|A\rDG1|1||\($code)^\($english)^I10|||F\r" | @base64)}),
  way("name of a file"; {resourceType: "DocumentReference", id: "d", status: "current", content: [{attachment: {contentType: "application/pdf", url: "http://example.org/\($english | gsub(" "; "_")).pdf"}}]}),
  way("parameter of a data URL"; {resourceType: "Basic", id: "b", code: {text: "x"}, extension: [{url: "http://example.org/e", valueString: "data:text/plain;name=\($english | gsub(" "; "+"));base64,bm90aGluZyBhdCBhbGw="}]}),
  way("AuditEvent"; audited({entity: [{name: $english, description: $german}], outcomeDesc: "denied: \($english)"})),
  way("AuditEvent, detail"; audited({entity: [{detail: [{type: "q", valueString: $english}, {type: "b", valueBase64Binary: ($german | @base64)}]}]})),
  (("Condition?code=\($system)|\($code)" | @base64) as $query | whole("AuditEvent, search"; $query; audited({entity: [{query: $query}]}))),
  way("AuditEvent of DSTU2"; {resourceType: "AuditEvent", id: "a", event: {type: {code: "rest"}}, object: [{name: $english, description: $german}]}),
  (if named then ("2/\($code[:3]).\($code[3:] | ltrimstr("."))" | rtrimstr(".")) as $link |
    whole("code as a question, behind a prefix"; $link; {resourceType: "QuestionnaireResponse", id: "q", status: "completed", item: [{linkId: $link, answer: [{valueBoolean: true}]}]}) else empty end),
  way("R5 medication"; {resourceType: "MedicationRequest", id: "m", status: "active", medication: {concept: {text: $english}}})
end
