load ../lib/ehr

P=$EHR_ROOT/policies/hospital

# fault PLACE TEXT SCRIPT: with pipeline.yaml changed by SCRIPT, ehr-policy check finds TEXT at PLACE, and nothing else.
fault() {
	rm -rf policy
	cp -r "$P" policy
	sed -i "$3" policy/pipeline.yaml
	ehr 3 ehr-policy check -P policy
	grep -v warning: err >faults
	[ "$(wc -l <faults)" -eq 1 ]
	has faults "ehr-policy: policy/pipeline.yaml:$1: $2"
}

@test "pipeline.yaml: each fault is found with its place and what was expected" {
	fault 4:5 "'ehr-ingst' is no program that may stand in a pipeline, did you mean 'ehr-ingest'?; another executable is named by its whole path, with its sha256" 's/ehr-ingest/ehr-ingst/'
	fault 5:5 "'/bin/sh' is no program that may stand in a pipeline; another" 's,ehr-classify,/bin/sh -c true,'
	fault 5:5 "'ehr-keys' is no program" 's,ehr-classify,ehr-keys list,'
	fault 5:5 "'x' of ehr-classify is not an option, expected --name or --name=value in one word" 's/ehr-classify/ehr-classify x/'
	fault 5:5 "'-P' of ehr-classify is not an option" 's/ehr-classify/ehr-classify -P/'
	fault 5:5 "'--' of ehr-classify is not an option" 's/ehr-classify/ehr-classify -- x/'
	fault 5:5 "ehr-batch itself gives ehr-classify its --now=2026-11-01T00:00:00Z" 's/ehr-classify/ehr-classify --now=2026-11-01T00:00:00Z/'
	fault 7:5 "ehr-batch itself gives ehr-seal its --batch" 's/ehr-seal/ehr-seal --batch/'
	fault 5:5 "expected a command: a program and its options" 's/ehr-classify/" "/'
	fault 5:5 "expected a command: \"ehr-classify --fhir-labels\" or a list of its words" 's/ehr-classify/7/'
	fault 5:5 "ehr-deliver stands in \`then\`: it acts on what is in place" 's/ehr-classify/ehr-deliver enqueue/'
	fault 10:11 "of ehr-deliver only 'enqueue' may stand in a pipeline" 's/ehr-notify/ehr-deliver run/'
	fault 8:9 "not a name for an output, expected 1 to 64 of A-Z a-z 0-9 . _ -, no dot or dash in front" 's,^output: .*,output: ../sealed,'
	fault 8:9 "'run' is a file of ehr-batch itself: give it another name" 's,^output: .*,output: run,'
	fault 10:31 "two outputs have the name 'sealed.ndjson'" 's,intents.ndjson,sealed.ndjson,'
	fault 10:54 "no output of that name stands before this command, expected sealed.ndjson or one of \`then\` above" 's|output: intents.ndjson}|output: intents.ndjson, input: other}|'
	fault 10:11 "'ehr-notify': an executable with a sha256 is named by its whole path; a program of the toolkit has none" 's|{run: ehr-notify,|{run: ehr-notify, sha256: ab,|'
	fault 10:30 "expected 64 digits out of 0-9 a-f: what sha256sum prints for /bin/true" 's|{run: ehr-notify,|{run: /bin/true, sha256: ab,|'
	fault 11:11 "unknown word 'quarantaine', expected one of fail skip quarantine, did you mean 'quarantine'" 's/^on_error: quarantine/on_error: quarantaine/'
	fault 13:12 "expected a share of the records from 0% to 100%, as 50%" 's/50%/0.5/'
	fault 13:12 "expected a share of the records from 0% to 100%, as 50%" 's/50%/101%/'
	fault 14:9 "expected a size above 0, such as 500M or 16G" 's/16G/much/'
	fault 15:1 "unknown key 'archives'" 's/^archive:/archives:/'
	fault 2:11 "expected" 's/^pipeline: 1/pipeline: 2/'
}

@test "every policy that is shipped, and what ehr-policy new writes, has a pipeline" {
	for policy in "$EHR_ROOT"/policies/*; do
		[ -e "$policy/pipeline.yaml" ]
		ehr 0 ehr-policy check -P "$policy"
	done
	ehr 0 ehr-policy new --from "$EHR_ROOT/testdata/ward/upload.ndjson" mine
	[ -e mine/pipeline.yaml ]
	ehr 0 ehr-policy check -P mine
}
