load ../lib/ehr

# Who asks, what is decided, and what of the sealed lines goes out: the ward's requests, facts and directives.
P=$EHR_ROOT/policies/hospital
ward=$EHR_ROOT/testdata/ward

prepare() {
	ehr-keys make -P "$P" -S site >/dev/null
	cp "$ward/facts.ndjson" site/
	cp "$ward"/consents/* site/consents/
	# The register knows under which name the service layer knows the patient.
	subject=$(ehr-keys pseudonym -P "$P" -S site --kind subject Patient/w2)
	printf '{"type":"patient","id":"w2","properties":{"pseudonym":"%s"}}\n' "$subject" >site/entities.ndjson
	ehr-authz -P "$P" -S site "$ward/requests.ndjson" >decisions
	ehr-classify -P "$P" "$ward/upload.ndjson" 2>/dev/null | ehr-redact -P "$P" -S site | ehr-seal -P "$P" -S site >sealed
}

# The decision on request number $1, in the file decision.
decided() {
	sed -n "$1p" decisions >decision
}

select_by() {
	ehr-select -P "$P" -S site --decision decision --now 2026-11-01T19:30:00Z "$@"
}

@test "the ward's requests: who treats may read, whom the patient shut out may not, nobody else has a rule" {
	prepare
	jq -r '[.context.id, .decision, .context.decided_by, (.context.al // "-")] | @tsv' decisions >out
	same out <<'END'
the physician who treats Björn	true	consent	5
a nurse of the ward	true	consent	3
the nurse whom Björn shut out	false	consent	-
billing, who has no rule here	false	organization	-
END
}

@test "a permit selects the highest version that its AL allows, of that patient alone" {
	prepare
	for pair in 1:V 2:N; do
		decided "${pair%:*}"
		ehr 0 select_by sealed
		[ "$(jq -r '.ehr.rl + " " + .ehr.subject' out | sort -u)" = "${pair#*:} $subject" ]
		[ "$(wc -l <out)" -eq "$(grep "\"subject\":\"$subject\"" sealed | grep -c "\"rl\":\"${pair#*:}\"")" ]
	done
}

@test "a denial selects nothing" {
	prepare
	for request in 3 4; do
		decided $request
		ehr 7 select_by sealed
		empty out
	done
}

@test "a record raised from N to R leaves nothing to a reader of N: the newest version counts" {
	prepare
	local before after
	decided 2
	select_by sealed >first
	# The clinic labels a pulse of Björn's afterwards.
	grep '"id":"o4"' "$ward/upload.ndjson" |
		sed 's/"meta":{/"meta":{"security":[{"system":"http:\/\/terminology.hl7.org\/CodeSystem\/v3-Confidentiality","code":"R"}],/' >raised
	ehr-classify -P "$P" raised 2>/dev/null | ehr-redact -P "$P" -S site | ehr-seal -P "$P" -S site >>sealed
	select_by sealed >second
	before=$(ehr-open -S site first | jq -c '.record | select(.id == "o4")')
	after=$(ehr-open -S site second | jq -c '.record | select(.id == "o4")')
	[ -n "$before" ] && [ -z "$after" ]
}
