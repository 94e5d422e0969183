load ../lib/ehr

# share/examples: what an administrator copies must do what it says.
P=$EHR_ROOT/policies/hospital
nightly=$EHR_ROOT/share/examples/nightly.sh
replay=$EHR_ROOT/share/examples/replay.sh
now=2026-11-01T20:30:00+01:00

prepare() {
	ehr-keys make -P "$P" -S site >/dev/null
	mkdir -p site/subscriptions uploads store
	: >>site/grants.jwts
	# Without what is critical: that must reach somebody, and here nobody has subscribed.
	grep -v '"LL"' "$EHR_ROOT/testdata/ward/upload.ndjson" >uploads/ward.ndjson
}

@test "nightly: each upload becomes a folder with versions, intents and what was done" {
	prepare
	cp "$EHR_ROOT/testdata/ward/bundle.json" uploads/
	ehr 0 "$nightly" "$P" site uploads store $now
	[ "$(ls store)" = "$(printf 'bundle.json\nward.ndjson')" ]
	[ "$(grep -c '"rl":"V"' store/ward.ndjson/sealed.ndjson)" -eq "$(wc -l <uploads/ward.ndjson)" ]
	[ "$(grep -c '"rl":"V"' store/bundle.json/sealed.ndjson)" -eq 3 ]
	[ -e store/ward.ndjson/intents.ndjson ]
	has store/ward.ndjson/run "now	$now"
	[ -z "$(find store -name '.*' -mindepth 1)" ]
}

@test "nightly: what is done is not done again" {
	prepare
	ehr 0 "$nightly" "$P" site uploads store $now
	sha256sum store/ward.ndjson/sealed.ndjson >before
	ehr 0 "$nightly" "$P" site uploads store $now
	sha256sum --quiet -c before
}

@test "nightly: a bad record is kept apart, the others go on, and it ends with 1" {
	prepare
	sed -i '3s/$/ and more/' uploads/ward.ndjson
	ehr 1 "$nightly" "$P" site uploads store $now
	[ "$(grep -c '"rl":"V"' store/ward.ndjson/sealed.ndjson)" -eq "$(($(wc -l <uploads/ward.ndjson) - 1))" ]
	[ "$(wc -l <store/ward.ndjson/refused.ingest.ndjson)" -eq 1 ]
	[ "$(stat -c %a store/ward.ndjson/refused.ingest.ndjson)" = 600 ]
}

@test "nightly: a stage that fails leaves nothing, and its status is the job's" {
	prepare
	cp -r "$P" policy
	echo 'nonsense: 1' >>policy/classify.yaml
	ehr 3 "$nightly" policy site uploads store $now
	[ -z "$(ls -A store)" ]
	has err 'ended with 3, nothing kept'
}

@test "nightly: a stage that a signal ends leaves nothing" {
	prepare
	mkdir bin
	printf '#!/bin/sh\ncat >/dev/null\nkill -KILL $$\n' >bin/ehr-redact
	chmod +x bin/ehr-redact
	PATH=$PWD/bin:$PATH ehr 137 "$nightly" "$P" site uploads store $now
	[ -z "$(ls -A store)" ]
}

@test "replay: the same input, policy and time give the same" {
	prepare
	ehr 0 "$nightly" "$P" site uploads store $now
	ehr 0 "$replay" "$P" site uploads/ward.ndjson store/ward.ndjson
	has out 'the same: sha256:'
}

@test "replay: another policy, input or store shows" {
	prepare
	ehr 0 "$nightly" "$P" site uploads store $now
	cp -r "$P" policy
	sed -i 's/^default: N/default: R/' policy/classify.yaml
	ehr 1 "$replay" policy site uploads/ward.ndjson store/ward.ndjson
	has err 'then sha256:'
	cp -r store/ward.ndjson other
	sed -i 1d other/sealed.ndjson
	ehr 1 "$replay" "$P" site uploads/ward.ndjson other
	sed -i 's/97\.0/97.1/' uploads/ward.ndjson
	ehr 1 "$replay" "$P" site uploads/ward.ndjson store/ward.ndjson
	has err 'not what was done then'
}

@test "replay: a store that does not open is no answer" {
	prepare
	ehr 0 "$nightly" "$P" site uploads store $now
	sed -i '1s/"ciphertext":"..../"ciphertext":"AAAA/' store/ward.ndjson/sealed.ndjson
	ehr 6 "$replay" "$P" site uploads/ward.ndjson store/ward.ndjson
}


# The demo on the upload $1 ("": the ward's), under a minute where time means something.
demo() {
	local limit=600
	! native || limit=60
	(cd "$EHR_ROOT" && IN=$1 timeout $limit bash share/examples/demo.sh)
}

@test "demo: the ward, from upload to those who are told; ends by itself in under a minute" {
	demo '' >out 2>err
	has out 'demo: done'
	has out 'exit status 7'
	has out '█'
}

@test "demo: any other upload" {
	demo testdata/ward/bundle.json >out 2>err
	has out 'demo: done'
}

@test "demo: changing one vital sign in the input changes who is told" {
	head -n 12 "$EHR_ROOT/testdata/ward/upload.ndjson" >calm.ndjson
	sed '12s/97\.0/84.0/' calm.ndjson >low.ndjson
	! cmp -s calm.ndjson low.ndjson || return 1
	for name in calm low; do
		demo "$BATS_TEST_TMPDIR/$name.ndjson" >$name.out
		sed -n '/Who is told/,/^== /p' $name.out >$name
	done
	[ -s calm ] && ! cmp -s calm low || return 1
	grep -q 'on-call-physician' low
}
