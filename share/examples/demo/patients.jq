# Labelled lines: the eight patients with the most records.
reduce (inputs.ehr.subject // empty | select(test("^Patient/[A-Za-z0-9.-]+$"))) as $patient ({}; .[$patient] += 1)
| to_entries | sort_by(-.value, .key) | .[:8][].key | ltrimstr("Patient/")
