# shellcheck shell=bash
# What the tests of ehr-batch share: a site, uploads, pipelines of their own, stages that do something else.

P=$EHR_ROOT/policies/hospital
now=2026-11-01T20:30:00+01:00
programs=$EHR_BIN

# A site, and the ward's records without what is critical: that must reach somebody, and nobody has subscribed.
prepare() {
	ehr-keys make -P "$P" -S site --now 2026-11-01T00:00:00Z >/dev/null
	mkdir uploads
	grep -v '"LL"' "$EHR_ROOT/testdata/ward/upload.ndjson" >uploads/ward.ndjson
}

batch() {
	"$programs/ehr-batch" -P "$P" -S site --now $now "$@"
}

# stub NAME SCRIPT: in a folder of programs of its own, ehr-NAME does this instead.
stub() {
	if [ ! -d bin ]; then
		mkdir bin
		ln -s "$EHR_BIN"/ehr-* bin/
		rm bin/ehr-batch
		cp "$EHR_BIN/ehr-batch" bin/
	fi
	programs=$PWD/bin
	rm -f "bin/ehr-$1"
	printf '#!/bin/sh\n%s\n' "$2" >"bin/ehr-$1"
	chmod +x "bin/ehr-$1"
}

# pipeline TEXT: a policy with this pipeline, whose output is called versions.ndjson.
pipeline() {
	rm -rf policy
	cp -r "$EHR_ROOT/policies/hospital" policy
	P=policy
	printf 'pipeline: 1\noutput: versions.ndjson\n%s\n' "$1" >policy/pipeline.yaml
}
# shellcheck disable=SC2034 # the tests use it
to_versions='stages: [ehr-ingest, ehr-classify, ehr-redact]'

# Records of all kinds: many, bad ones, Bundles, blank lines.
mixed() {
	"$EHR_GENERATE" 1 3000000 >mixed
	cat "$EHR_ROOT"/testdata/records/bad/*.ndjson >>mixed
	printf '\n\n' >>mixed
	jq -c . "$EHR_ROOT/testdata/ward/bundle.json" >>mixed
	cat "$EHR_ROOT"/testdata/records/bad/bad-label.ndjson >>mixed
	"$EHR_GENERATE" 2 1000000 >>mixed
}
