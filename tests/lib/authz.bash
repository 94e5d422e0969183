# shellcheck shell=bash
# For the tests of decisions: the sets of testdata/authz, and the hospital of one of them.
cases=$BATS_TEST_DIRNAME/../../testdata/authz

# A policy directory around the files of one set.
policy() {
	rm -rf P
	mkdir -p P/authz
	cp "$cases/policy.yaml" P/
	cp "$cases/$1"/policies/*.yaml P/authz/
}

# Decides all requests of one set in one run and compares with the expected decisions.
set_of() {
	local options=() name
	policy "$1"
	[ ! -d "$cases/$1/consents" ] || options+=(--consents "$cases/$1/consents")
	for name in facts entities used; do
		[ ! -e "$cases/$1/$name.ndjson" ] || options+=("--$name" "$cases/$1/$name.ndjson")
	done
	ehr "$2" ehr-authz -P P "${options[@]}" --on-error skip "$cases/$1/requests.ndjson"
	[ "$(wc -l <out)" -eq "$(wc -l <"$cases/$1/requests.ndjson")" ]
	jq -cS -f "$cases/digest.jq" out >got
	jq -cS . "$cases/$1/expected.ndjson" | same got
}

# shellcheck disable=SC2034
request='{"subject":{"type":"user","id":"dr-lee","properties":{"domain":"hospital","structural_role":"physician"}},"action":{"name":"read"},"resource":{"type":"patient","id":"ann","properties":{"domain":"hospital","patient":"ann"}},"context":{"purpose":"TREAT","time":"2026-03-02T09:00:00Z","acr":"loa3","route":"on-site"}}'

hospital() {
	policy hospital
	mkdir -p S
	cp -r "$cases/hospital/consents" S/
	cp "$cases/hospital/facts.ndjson" S/
}

# What the last decisions oblige to, one line each.
obligations() {
	jq -c '[.context.obligations[].properties | del(.vendor)]' out
}

# narrowed MEMBERS: the request with more members among its resource's properties.
narrowed() {
	echo "${request/\"patient\":\"ann\"/\"patient\":\"ann\",$1}"
}
