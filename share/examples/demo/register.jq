# Names of patients and, behind a tab, their pseudonyms: the lines of the register.
split("\t") as [$id, $pseudonym] | {type: "patient", $id, properties: {$pseudonym}}
