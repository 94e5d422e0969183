# shellcheck shell=bash
# For the tests of who decides and who asks: the site of keys.bash with people in it.  dr-lee treats p1, whose records are
# $F/sealed and $F/labelled; her tablet is enrolled.  Load keys.bash first.
#
#	people                    fills $F/site, makes $F/decider.pem with its $F/deciders.jwks, and $F/read, a request of hers
#	at_home FILE...           begins a test: a site and tablet of its own, and these files of people()
#	ask ACTION [MORE]         such a request; MORE is jq that changes it
#	decide ARGS...            ehr-authz under this policy and site

people() {
	site
	tablet
	ehr-classify -P "$P" <records >labelled 2>/dev/null
	ehr-keys signer --domain hospital decider.pem >deciders.jwks
	cat >site/entities.ndjson <<-'END'
		{"type":"user","id":"dr-lee","properties":{"domain":"hospital","structural_role":"physician"}}
		{"type":"user","id":"nina","properties":{"domain":"hospital","structural_role":"nurse","functional_role":["nurse"],"permissions":["PRD-006"]}}
	END
	echo p1 | ehr-keys pseudonym -P "$P" -S site --entities >>site/entities.ndjson
	echo '{"fact":"f-1","relation":"treating","subject":"dr-lee","patient":"p1","from":"2026-03-01T00:00:00Z","until":"2026-03-05T18:00:00Z"}' >site/facts.ndjson
	printf 'ehr_authz: 1\nconsent: c-p1\npatient: p1\nstatus: active\nbase: permit\n' >site/consents/p1.yaml
	ask read >./read
}

at_home() {
	local file
	export LC_ALL=C TZ=UTC PATH="$EHR_BIN:$PATH" P="$EHR_ROOT/policies/hospital" F="$BATS_FILE_TMPDIR"
	cd "$BATS_TEST_TMPDIR" || return 1
	own
	for file; do cp "$F/$file" .; done
}

ask() {
	jq -nc --arg now "$NOW" --arg action "$1" --arg device "$(jq -r .id "$F/tablet.self")" '{subject: {type: "user", id: "dr-lee", properties: {domain: "hospital", $device}},
		action: {name: $action}, resource: {type: "patient", id: "p1", properties: {domain: "hospital", patient: "p1"}},
		context: {purpose: "TREAT", time: $now, acr: "loa3", route: "on-site", supported_actions: ["level", "audit", "expire"]}} | '"${2:-.}"
}

decide() {
	ehr-authz -P "$P" -S site "$@"
}
