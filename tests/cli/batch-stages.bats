# ehr-batch: stages as processes of their own or in workers give the same, and what may be a stage.
bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/batch
load ../lib/ca

@test "the piped form, one job and several give the same bytes, refused records and messages" {
	prepare
	mixed
	pipeline "$to_versions
on_error: quarantine"
	ehr 1 batch --piped mixed piped
	for jobs in 1 2 5; do
		ehr 1 batch --jobs $jobs mixed $jobs
		# Of two programs the messages may come in any order, of one in that of the upload.
		grep '^ehr-ingest: ' err >$jobs.err
		grep -v '^ehr-ingest: ' err >>$jobs.err
		cmp piped/mixed/versions.ndjson $jobs/mixed/versions.ndjson
		cmp piped/mixed/refused.ingest.ndjson $jobs/mixed/refused.ingest.ndjson
		cmp 1/mixed/refused.classify.ndjson $jobs/mixed/refused.classify.ndjson
		cmp 1.err $jobs.err
		[ ! -e $jobs/mixed/places ]
	done
	for how in piped 1; do
		jq -c 'del(.ehr.source, .ehr.line)' $how/mixed/refused.classify.ndjson >$how.refused
	done
	cmp piped.refused 1.refused
	# The lines are those of the upload.
	jq -r '"\(.ehr.line) \(.record)"' 2/mixed/refused.classify.ndjson | while read -r line record; do
		[ "$(sed -n "${line}p" mixed | jq -c .)" = "$(jq -c . <<<"$record")" ]
		has 2.err "ehr-classify: mixed:$line: "
	done
	[ "$(wc -l <2/mixed/refused.classify.ndjson)" -eq 2 ]
}

@test "notes on what the policy does not cover are those of the piped form, word for word" {
	prepare
	pipeline "$to_versions"
	cp "$EHR_ROOT/testdata/ward/upload.ndjson" up.ndjson
	printf '%s\n' '{"resourceType":"Nonsense","id":"n"}' '{"resourceType":"Basic","id":"b"}' \
		'{"resourceType":"Observation","id":"o","code":{"coding":[{"system":"urn:own","code":"x"}]},"effectiveDateTime":"yesterday"}' \
		'{"resourceType":"Account","id":"a","type":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"?"}]}}' >>up.ndjson
	ehr 0 batch --piped up.ndjson piped
	mv err piped.err
	for kind in unknown-type uncovered-system partly-covered-system no-code; do
		has piped.err "ehr-classify: $kind: "
	done
	for jobs in 1 3; do
		ehr 0 batch --jobs $jobs up.ndjson $jobs
		# Of two programs that run side by side the notes may come in any order.
		diff <(grep '^ehr-classify' piped.err) <(grep '^ehr-classify' err)
		diff <(grep '^ehr-redact' piped.err) <(grep '^ehr-redact' err)
		[ "$(wc -l <err)" -eq "$(wc -l <piped.err)" ]
	done
}

@test "options of ehr-classify and ehr-redact in the pipeline hold with workers, too" {
	prepare
	for options in '[ehr-classify, --fhir-labels], [ehr-redact, --fhir-labels, "--levels=L,V"]' 'ehr-classify, ehr-redact --max-depth=200'; do
		rm -rf piped jobs
		pipeline "stages: [ehr-ingest, $options]"
		ehr 0 batch --piped uploads/ward.ndjson piped
		ehr 0 batch --jobs 2 uploads/ward.ndjson jobs
		cmp {piped,jobs}/ward.ndjson/versions.ndjson
	done
}

# sealed_as NAME: the tags of what NAME/mixed holds sealed, in NAME.tags, and its records, in NAME.opened.
sealed_as() {
	[ "$(jq -r .ehr.batch "$1/mixed/sealed.ndjson" | sort -u | wc -l)" -eq 1 ]
	jq -r .ehr.seq "$1/mixed/sealed.ndjson" | awk '$1 != NR - 1 { exit 1 }'
	jq -c '.ehr | del(.batch)' "$1/mixed/sealed.ndjson" >"$1.tags"
	ehr-open -S site --record "$1/mixed/sealed.ndjson" >"$1.opened"
}

@test "what is sealed by any number of jobs is one batch: its numbers go on, and tags and records are those of the piped form" {
	prepare
	mixed
	ehr 1 batch --piped mixed piped
	sealed_as piped
	[ "$(wc -l <piped.opened)" -gt 3000 ]
	for jobs in 1 2 5; do
		ehr 1 batch --jobs $jobs mixed $jobs
		sealed_as $jobs
		cmp piped.tags $jobs.tags
		cmp piped.opened $jobs.opened
		cmp {piped,$jobs}/mixed/intents.ndjson
		# Each worker draws keys of its own, and no key has one nonce twice.
		jq -r '"\(.encrypted_key) \(.iv)"' $jobs/mixed/sealed.ndjson | sort | uniq -d >twice
		empty twice
	done
}

@test "ehr-seal with options, or behind another stage, is a process of its own, and its numbers go on" {
	prepare
	mixed
	cat >mark <<-'END'
		#!/bin/sh
		exec cat
	END
	chmod +x mark
	for stages in 'ehr-ingest, ehr-classify, ehr-redact, ehr-seal --check' \
		"ehr-ingest, ehr-classify, ehr-redact, {run: [$PWD/mark], sha256: $(sha256sum mark | cut -c1-64)}, ehr-seal"; do
		rm -rf own
		pipeline "stages: [$stages]
on_error: quarantine"
		sed -i s/versions.ndjson/sealed.ndjson/ policy/pipeline.yaml
		ehr 1 batch --jobs 2 mixed own
		sealed_as own
	done
}

@test "a site without the keys that the stages need stops them with the message and status of ehr-seal" {
	prepare
	pipeline 'stages: [ehr-ingest, ehr-classify, ehr-redact, ehr-seal]'
	sed -i 's/^domain: .*/domain: elsewhere/' policy/seal.yaml
	for how in --piped "--jobs 1"; do
		# shellcheck disable=SC2086
		ehr 6 batch $how uploads/ward.ndjson "out$how"
		has err "ehr-seal: site/keys: no-level-key: these are keys of another domain than the policy's"
		has err "nothing is kept, and the next run takes it"
		rm -rf "out$how"
	done
	export P=$EHR_ROOT/policies/hospital
	rm site/keys/releases/level-*
	for how in --piped "--jobs 1"; do
		# shellcheck disable=SC2086
		ehr 6 batch $how uploads/ward.ndjson "out$how"
		has err "ehr-seal: no-level-key: there is no key of level U, al 0, epoch 1"
		[ ! -e "out$how/ward.ndjson" ]
	done
}

@test "an executable that ends with 0 before it has read all its input fails the upload, in the middle and as the first stage" {
	prepare
	mkdir own
	# One line of many, in a pipe that holds the rest; and all of it.
	for script in 'IFS= read -r line; printf "%s\n" "$line"' 'exec cat'; do
		printf '#!/bin/sh\n%s\n' "$script" >own/some
		chmod +x own/some
		stage="{run: [$PWD/own/some], sha256: \"$(sha256sum <own/some | cut -d' ' -f1)\"}"
		for stages in "ehr-ingest, $stage, ehr-classify, ehr-redact" "$stage, ehr-ingest, ehr-classify, ehr-redact"; do
			pipeline "stages: [$stages]"
			rm -rf store
			if [ "$script" = 'exec cat' ]; then
				ehr 0 batch uploads/ward.ndjson store
				continue
			fi
			ehr 5 batch uploads/ward.ndjson store
			has err 'some: ended with 0 and left a part of its input unread'
			[ -z "$(ls -A store)" ]
		done
	done
	rm -rf store
	printf '#!/bin/sh\nexit 3\n' >own/some
	pipeline "stages: [ehr-ingest, {run: [$PWD/own/some], sha256: \"$(sha256sum <own/some | cut -d' ' -f1)\"}]"
	ehr 3 batch uploads/ward.ndjson store
	lacks err 'left a part'
}

@test "nothing runs but programs of the toolkit beside ehr-batch and executables with their digest" {
	prepare
	mkdir other
	printf '#!/bin/sh\ntouch "$0.ran"\n' >other/ehr-seal
	chmod +x other/ehr-seal
	PATH=$PWD/other:$PATH ehr 0 batch uploads/ward.ndjson store
	[ "$(ls other)" = ehr-seal ]
	printf '#!/bin/sh -e\nexec tr a-z "$1"\n' >other/upper
	chmod +x other/upper
	digest=$(sha256sum <other/upper | cut -d' ' -f1)
	pipeline "$to_versions
then: [{run: [$PWD/other/upper, A-Z], sha256: \"$digest\", output: upper}]"
	ehr 0 batch uploads/ward.ndjson upper
	tr a-z A-Z <upper/ward.ndjson/versions.ndjson | cmp - upper/ward.ndjson/upper
	echo '# changed' >>other/upper
	ehr 126 batch uploads/ward.ndjson upper
	has err "other/upper is not the file that pipeline.yaml names; if it is meant, its sha256 is $(sha256sum <other/upper | cut -d' ' -f1)"
	stub seal true
	rm bin/ehr-seal
	P=$EHR_ROOT/policies/hospital ehr 126 batch uploads/ward.ndjson none
	has err 'bin/ehr-seal: No such file or directory: the programs lie in one folder'
}

# Tokens are longer than what they stand for, so a version may be longer than its record.
@test "a version that ehr-seal refuses fails the upload, in a worker as in a process of its own" {
	P=$EHR_ROOT/policies/meter
	ehr-keys make -P "$P" -S site --now 2026-11-01T00:00:00Z >/dev/null
	record='{"id":"r-1","fuel":"gas","start":"2026-10-31T23:00:00+01:00","meterId":"m","unique_id":"u","gas_unique_id":"g","unit":""}'
	{
		printf '%s' "${record%??}"
		head -c $((64 * 1024 * 1024 - ${#record})) /dev/zero | tr '\0' ' '
		printf '"}\n'
	} >long.json
	for how in --piped '--jobs 1'; do
		# shellcheck disable=SC2086
		ehr 5 batch $how long.json store
		has err too-long
		has err 'long.json: ended with 5'
		[ -z "$(ls -A store)" ]
	done
	has err 'ehr-seal: long.json: a version is refused: too-long'
}

# listed FOLDER: its manifest has one head, each line of what was sealed, in order, and one end.
listed() {
	local sealed=$1/mixed/sealed.ndjson manifest=$1/mixed/lines.manifest line
	head -n 1 "$manifest" | jq -e --arg batch "$(jq -rn 'input.ehr.batch' "$sealed")" '.ehr.stage == "manifest" and .ehr.batch == $batch' >/dev/null
	jq -j '"\(.ehr.seq) \(.ehr.rl) "' "$sealed" | tr ' ' '\n' | paste - - >numbers
	while read -r line; do sha256sum <<<"$line"; done <"$sealed" | cut -c1-64 | paste numbers - >want
	sed '1d;$d' "$manifest" | jq -r '[.seq, .rl, .sha256] | @tsv' | diff want - || return
	tail -n 1 "$manifest" | jq -e --slurpfile all <(jq .ehr.rl "$sealed") \
		'.end == {lines: ($all | length), versions: ($all | group_by(.) | map({(.[0]): length}) | add)}' >/dev/null
}

@test "one manifest lists what all jobs sealed, and what is missing shows once it is signed" {
	prepare
	"$EHR_GENERATE" 1 300000 >mixed
	head -n 1 "$EHR_ROOT/testdata/records/bad/bad-label.ndjson" | cat - mixed >worse
	mv worse mixed
	pipeline 'stages: [ehr-ingest, ehr-classify, ehr-redact, ehr-seal]
manifest: lines.manifest
on_error: quarantine'
	sed -i s/versions.ndjson/sealed.ndjson/ policy/pipeline.yaml
	for how in --jobs=1 --jobs=3 --piped; do
		ehr 1 batch "$how" mixed "as$how"
		listed "as$how"
		[ "$(stat -c %a "as$how/mixed/lines.manifest")" = 600 ]
	done

	ca ca
	certificate ca host emailProtection
	cd as--jobs=3/mixed
	ehr 0 ehr-policy sign --key ../../host.key --cert ../../host.pem lines.manifest
	open() { ehr "$1" ehr-open -S ../../site --now "$(date -u +%FT%TZ)" --trust ../../ca.pem --manifest lines.manifest "$2"; }
	open 0 sealed.ndjson
	sed 400d sealed.ndjson >fewer
	open 6 fewer
	has err 'manifest-differs: 1 of the '
}
