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

# A stage that fails early takes the reader away from those before it, which SIGPIPE ends with 141.
@test "nightly: a stage that fails leaves nothing, and its status is the job's, however much comes in" {
	prepare
	cp -r "$P" policy
	echo 'nonsense: 1' >>policy/classify.yaml
	"$EHR_GENERATE" 1 10000000 >uploads/much.ndjson
	for _ in 1 2 3; do
		ehr 3 "$nightly" policy site uploads store $now
		[ -z "$(ls -A store)" ]
		has err 'nightly: uploads/much.ndjson: ended with 3, nothing kept (ingest 141, classify 3, redact 0, seal 0)'
	done
}

@test "nightly: a later stage that fails early counts, not the ones before it" {
	prepare
	"$EHR_GENERATE" 1 3000000 >uploads/much.ndjson
	rm -r site/keys
	ehr 6 "$nightly" "$P" site uploads store $now
	[ -z "$(ls -A store)" ]
}

# stub NAME SCRIPT: a program ehr-NAME that does this instead.
stub() {
	mkdir -p bin
	printf '#!/bin/sh\n%s\n' "$2" >"bin/ehr-$1"
	chmod +x "bin/ehr-$1"
}

stubbed() {
	local want=$1
	shift
	PATH=$PWD/bin:$PATH ehr "$want" "$nightly" "$P" site uploads store $now
}

@test "nightly: a stage that a signal ends leaves nothing" {
	prepare
	stub redact 'cat >/dev/null
kill -KILL $$'
	stubbed 137
	[ -z "$(ls -A store)" ]
}

@test "nightly: of several failed stages the worst counts by ehr(7); a reader that went away counts if nothing else failed" {
	prepare
	"$EHR_GENERATE" 1 3000000 >uploads/much.ndjson
	rm uploads/ward.ndjson
	for pair in 75:75 7:7 5:5 2:2 3:3 6:6 126:126 4:4 9:9 0:141 1:141; do
		stub redact "exit ${pair%:*}"
		stubbed "${pair#*:}"
		[ -z "$(ls -A store)" ]
	done
	stub seal 'cat >/dev/null; exit 4'
	stub redact 'exit 6'
	stubbed 4
	stub seal 'cat >/dev/null; exit 2'
	stubbed 6
	rm bin/ehr-redact bin/ehr-seal
	stub classify 'exit 5'
	stubbed 5
}

@test "nightly: an upload of which nothing or most cannot be read is failed, with the reason" {
	prepare
	rm uploads/*
	local ward=$EHR_ROOT/testdata/ward/upload.ndjson name
	gzip -c "$ward" >uploads/a.gz
	printf '<Bundle>\n<entry/>\n</Bundle>\n' >uploads/b.xml
	printf '\377\376{\0}\0\n\0' >uploads/c.utf16
	: >uploads/d.empty
	# Archives of plain lines, of which each line alone is a record.
	mkdir in
	cp "$ward" 'in/{a'
	tar -C in -cf uploads/f.tar '{a'
	cp "$ward" in/a
	tar -C in -cf uploads/g.tar --format=v7 a
	{
		printf '070701%0104d\n' 0
		cat "$ward"
	} >uploads/h.cpio
	{
		printf '!<arch>\n%-58s`\n' a/
		cat "$ward"
	} >uploads/i.ar
	{
		printf 'Content-Type: application/fhir+ndjson\r\n\r\n'
		cat "$ward"
	} >uploads/j.http
	{
		printf -- '--limit\n\n'
		cat "$ward"
		printf -- '--limit--\n'
	} >uploads/k.mime
	{
		head -n 2 "$ward"
		printf 'no\nrecord\nhere\n'
	} >uploads/e.most
	ehr 5 "$nightly" "$P" site uploads store $now
	[ -z "$(ls -A store)" ]
	for name in a.gz b.xml c.utf16; do
		grep -qE "^nightly: uploads/$name: (begins as no JSON text, nothing kept|ended with 5)" err
	done
	for name in f.tar g.tar h.cpio i.ar j.http k.mime; do
		has err "nightly: uploads/$name: begins as no JSON text, nothing kept; unpack or translate it before"
	done
	has err 'uploads/f.tar:1: nul-byte: NUL found at byte 3; this is a tar file: unpack it before'
	has err 'nightly: uploads/d.empty: holds no record, nothing kept'
	has err 'nightly: uploads/e.most: 3 of 5 records refused (bad-syntax: 3), nothing kept'
}

@test "nightly: JSON behind a byte order mark, blanks or a record separator is done, and a record cut off in front is one refused" {
	prepare
	local ward=uploads/ward.ndjson
	{
		printf '\357\273\277\r\n \n'
		cat $ward
	} >uploads/a
	sed 's/^/\x1e/' $ward >uploads/b
	jq -s . $ward >uploads/c
	ehr 0 "$nightly" "$P" site uploads store $now
	rm -r store
	{
		printf '{"resourceType":"Pat\n'
		cat $ward
	} >uploads/d
	ehr 1 "$nightly" "$P" site uploads store $now
	[ "$(ls -A store | tr '\n' ' ')" = 'a b c d ward.ndjson ' ]
}

@test "nightly: half of an upload is enough; a failed one does not stop the others" {
	prepare
	gzip -c uploads/ward.ndjson >uploads/a.gz
	{
		head -n 2 uploads/ward.ndjson
		printf 'no\nrecord\n'
	} >uploads/half
	ehr 5 "$nightly" "$P" site uploads store $now
	[ "$(ls -A store)" = "$(printf 'half\nward.ndjson')" ]
	rm uploads/a.gz
	ehr 0 "$nightly" "$P" site uploads store $now
}

@test "nightly: an upload that says only what is deleted is done" {
	prepare
	rm uploads/*
	printf '{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"DELETE","url":"Observation/o1"}}]}' >uploads/gone
	ehr 0 "$nightly" "$P" site uploads store $now
	[ -s store/gone/sealed.ndjson ]
}

@test "nightly: another file under a name that is done is said, and what is done stays" {
	prepare
	ehr 0 "$nightly" "$P" site uploads store $now
	touch uploads/ward.ndjson
	ehr 0 "$nightly" "$P" site uploads store $now
	sed -i 1d uploads/ward.ndjson
	cp -r store before
	ehr 4 "$nightly" "$P" site uploads store $now
	has err 'nightly: uploads/ward.ndjson: another file of that name was done before; give it another name'
	diff -r before store
}

@test "nightly: a file that is still arriving is left to the next run" {
	prepare
	stub ingest 'echo "{}" >>uploads/ward.ndjson
exec "$EHR_BIN/ehr-ingest" "$@"'
	stubbed 75
	has err 'nightly: uploads/ward.ndjson: changed while it was read, nothing kept; the next run takes it'
	[ -z "$(ls -A store)" ]
}

@test "nightly: when only ehr-notify fails the versions are kept, and the next run does it alone" {
	prepare
	cp -r site/authority.jwks authority
	echo '{"keys":[{"kty":"OKP"' >site/authority.jwks
	ehr 6 "$nightly" "$P" site uploads store $now
	has err 'nightly: store/ward.ndjson: sealed, but ehr-notify ended with 6 and nobody is told; the next run does ehr-notify alone'
	[ -s store/ward.ndjson/sealed.ndjson ]
	[ -z "$(find store/ward.ndjson -name '*intents*')" ]
	sha256sum store/ward.ndjson/sealed.ndjson >before
	ehr 6 "$nightly" "$P" site uploads store $now
	cp authority site/authority.jwks
	# Not even the upload is needed.
	mv uploads/ward.ndjson .
	ehr 0 "$nightly" "$P" site uploads store $now
	[ "$(find store/ward.ndjson -name '*intents*')" = store/ward.ndjson/intents.ndjson ]
	sha256sum --quiet -c before
	ehr 0 "$replay" "$P" site ward.ndjson store/ward.ndjson
}

@test "nightly: a malformed subscription is told of and stops nothing; a policy that cannot notify leaves what is sealed" {
	prepare
	echo '{"id":"typo","party":"nurse-ito","choose":{}}' >site/subscriptions/ward.ndjson
	ehr 1 "$nightly" "$P" site uploads store $now
	has err 'site/subscriptions/ward.ndjson:1'
	[ -s store/ward.ndjson/sealed.ndjson ]
	[ -s store/ward.ndjson/intents.ndjson ]
	ehr 0 "$replay" "$P" site uploads/ward.ndjson store/ward.ndjson
	rm -r store/ward.ndjson
	stub notify 'echo half; exit 3'
	stubbed 3
	[ -s store/ward.ndjson/sealed.ndjson ]
	[ -z "$(find store/ward.ndjson -name '*intents*')" ]
	ehr 1 "$replay" "$P" site uploads/ward.ndjson store/ward.ndjson
	has err 'replay: store/ward.ndjson: no intents: ehr-notify did not end well'
}

@test "nightly: two runs at once do each upload once and leave nothing behind" {
	prepare
	stub ingest 'echo >>started
while [ ! -e go ]; do sleep 0.1; done
exec "$EHR_BIN/ehr-ingest" "$@"'
	for run in one two; do
		(
			status=0
			PATH=$PWD/bin:$PATH "$nightly" "$P" site uploads store $now 2>$run || status=$?
			echo "$status" >$run.status
		) &
		while [ ! -e started ]; do sleep 0.1; done
	done
	while ! grep -q 'store: another run is at work; waiting' two; do sleep 0.1; done
	: >go
	wait
	[ "$(cat one.status two.status)" = "$(printf '0\n0')" ]
	[ "$(wc -l <started)" -eq 1 ]
	[ "$(ls -A store)" = ward.ndjson ]
	ehr 0 "$replay" "$P" site uploads/ward.ndjson store/ward.ndjson
}

@test "nightly: a run that waited for another in vain is to be tried again" {
	prepare
	mkdir bin
	printf '#!/bin/sh\nexit 1\n' >bin/flock
	chmod +x bin/flock
	stubbed 75
	same err <<-'END'
		nightly: store: another run is at work; waiting
		nightly: store: another run is still at work
	END
	[ -z "$(ls -A store)" ]
}

@test "nightly: what a killed run left goes, and a run that is told to end leaves nothing" {
	prepare
	mkdir -p store/.nightly.abcdef
	echo secret >store/.nightly.abcdef/refused.ingest.ndjson
	ehr 0 "$nightly" "$P" site uploads store $now
	[ "$(ls -A store)" = ward.ndjson ]
	rm -r store/ward.ndjson
	stub seal 'kill -TERM $PPID
cat >/dev/null'
	stubbed 143
	[ -z "$(ls -A store)" ]
}

@test "nightly: a folder that is not there, or cannot be written, is no success" {
	prepare
	ehr 2 "$nightly" "$P" site nowhere store $now
	has err 'nightly: nowhere: no such folder'
	ehr 2 "$nightly" "$P" nowhere uploads store $now
	ehr 2 "$nightly" nowhere site uploads store $now
	ehr 2 "$nightly" "$P" site uploads
	ehr 2 "$nightly" "$P" site uploads store 'last Tuesday'
	PATH=/usr/bin:/bin ehr 126 "$nightly" "$P" site uploads store $now
	has err 'nightly: ehr-ingest: not in PATH, which is /usr/bin:/bin'
	: >file
	ehr 4 "$nightly" "$P" site uploads file $now
	ehr 0 "$nightly" "$P" site uploads new/store $now
	[ "$(ls -A new/store)" = ward.ndjson ]
}

@test "nightly: paths with blanks and dashes, another language, no standard input" {
	prepare
	mv -- uploads '-up loads'
	mv -- '-up loads/ward.ndjson' '-up loads/-a b *.ndjson'
	mv site 'the site'
	LC_ALL=de_DE.UTF-8 ehr 0 "$nightly" "$P" 'the site' '-up loads' '-sto re' <&-
	[ "$(ls -A ./'-sto re')" = '-a b *.ndjson' ]
	ehr 0 "$replay" "$P" 'the site' './-up loads/-a b *.ndjson' './-sto re/-a b *.ndjson'
}

@test "replay: the same input, policy and time give the same" {
	prepare
	ehr 0 "$nightly" "$P" site uploads store $now
	ehr 0 "$replay" "$P" site uploads/ward.ndjson store/ward.ndjson
	has out 'the same: sha256:'
}

@test "replay: after the keys were rotated, with the epoch of the record" {
	prepare
	printf '{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"DELETE","url":"Observation/o1"}},{"resource":{"resourceType":"Observation","id":"o2"}}]}' >uploads/gone
	ehr 0 "$nightly" "$P" site uploads store $now
	ehr-keys rotate -P "$P" -S site >/dev/null
	for name in ward.ndjson gone; do
		ehr 0 "$replay" "$P" site uploads/$name store/$name
		has out 'replay: versions: the same: sha256:'
		has out 'replay: intents: the same: sha256:'
	done
	cp uploads/ward.ndjson uploads/later
	ehr 0 "$nightly" "$P" site uploads store $now
	ehr-keys rotate -P "$P" -S site >/dev/null
	ehr 0 "$replay" "$P" site uploads/later store/later
	ehr 0 "$replay" "$P" site uploads/ward.ndjson store/ward.ndjson
}

@test "replay: another policy, input or store shows" {
	prepare
	ehr 0 "$nightly" "$P" site uploads store $now
	cp -r "$P" policy
	sed -i 's/^default: N/default: R/' policy/classify.yaml
	ehr 1 "$replay" policy site uploads/ward.ndjson store/ward.ndjson
	has err 'replay: versions: then sha256:'
	grep -qE '^replay: policy: another policy: then sha256:[0-9a-f]{64}, now sha256:[0-9a-f]{64}; replay with the one of then$' err
	cp -r store/ward.ndjson other
	sed -i 1d other/sealed.ndjson
	ehr 1 "$replay" "$P" site uploads/ward.ndjson other
	sed -i 's/97\.0/97.1/' uploads/ward.ndjson
	ehr 1 "$replay" "$P" site uploads/ward.ndjson store/ward.ndjson
	has err 'not what was done then'
}

@test "replay: other intents show: a subscription that came, one that was written" {
	prepare
	ehr 0 "$nightly" "$P" site uploads store $now
	cp -r store/ward.ndjson other
	echo '{"ehr":{}}' >>other/intents.ndjson
	ehr 1 "$replay" "$P" site uploads/ward.ndjson other
	has out 'replay: versions: the same: sha256:'
	has err 'replay: intents: then sha256:'
	rm other/intents.ndjson
	ehr 1 "$replay" "$P" site uploads/ward.ndjson other
	has err 'replay: other: no intents: ehr-notify did not end well'
}

@test "replay: a stage that fails early is no answer, with its own status, however much comes in" {
	prepare
	"$EHR_GENERATE" 1 3000000 >uploads/ward.ndjson
	"$nightly" "$P" site uploads store $now 2>err || [ $? -eq 1 ]
	cp -r "$P" policy
	echo 'nonsense: 1' >>policy/classify.yaml
	ehr 3 "$replay" policy site uploads/ward.ndjson store/ward.ndjson
	has err 'replay: a stage ended with 3'
	ehr 4 "$replay" "$P" site nowhere store/ward.ndjson
	ehr 4 "$replay" "$P" site uploads/ward.ndjson nowhere
	ehr 2 "$replay" "$P" site uploads/ward.ndjson
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
	has out '█'
	# Three readers, each shut out of the level above hers.
	[ "$(grep -c '^  exit status 7$' out)" -eq 3 ]
	[ "$(grep -c '^  76 of 76 versions of level [LNRV]$' out)" -eq 4 ]
	# Every record that came in is counted at every end.
	[ "$(wc -l <"$EHR_ROOT/testdata/ward/upload.ndjson")" -eq 76 ]
	grep -qE '^  all .* 76$' out
	# The physician is told of what the device opens (R), and gets the rest by disclosure (V).
	grep -qE '^  1 +on-call-physician +R +critical' out
	has out '  19 records of w3 at AL 3'
	has out '  19 records of w3 at AL 5'
	# What is due is delivered, and one who takes charge ends what was to come.
	sed -n '/^  messages  to  *kind /,/^\$ /s/  *[0-9.]* s$//p' out >delivered
	same delivered <<-'END'
		  1         medic-abel  data  critical  5 s
		  1         nurse-ito   data  critical  5 s
		  4         nurse-ito   data  high      30 s
		  3         nurse-ito   data  medium    300 s
		  1         daughter    data  low       14400 s
		  1         nurse-ito   data  low       14400 s
		  25        nurse-ito   data  routine   43200 s
	END
	has out '  2 acked (acked): medic-abel, nurse-ito'
	has out '  3 cancelled (acked): dr-lee, nurse-hill, ward-desk'
	lacks err 'ehr-deliver:'
	# Of those of whom nobody is told each reason is counted.
	sed -n '/^  76 records: of/,/^$/p' out >told
	same told <<-'END'
		  76 records: of 34 somebody is told
		    36 not: less urgent than those who may see it asked for
		    2 not: nothing in it that those who subscribed may see
		    4 not: about a patient to whom nobody has subscribed, or about nobody

	END
}

# Without what is random: names, what is encrypted, and times.
without_random() {
	sed -E 's/"(id|subject|batch|mark|protected|encrypted_key|iv|ciphertext|tag|ref|case|ack|at|ack_by|expires)": ?"[^"]*"/"\1"/g
		s/  [0-9.]+ s$//' "$@" | grep .
}

@test "demo: the commands that it prints give what it printed, pasted into a fresh shell anywhere" {
	demo '' >out 2>err
	sed -n 's/^\$ //p' out >pasted
	[ "$(wc -l <pasted)" -ge 40 ]
	grep -v -e '^\$ ' -e '^# ' -e '^== ' -e '^demo: done' out | without_random >want
	mkdir elsewhere
	for shell in 'bash' 'bash -euo pipefail'; do
		# shellcheck disable=SC2086 # words
		(cd elsewhere && env -i PATH="$PATH" LC_ALL=de_DE.UTF-8 TMPDIR="$PWD" $shell <../pasted >../again 2>../err)
		without_random again | diff want -
	done
	[ -z "$(ls -A elsewhere)" ]
}

@test "demo: a checkout that cannot be written, at a path with blanks and quotes; what it made is gone afterwards" {
	local top="$PWD/it's a \$checkout"
	mkdir -p "$top/testdata" tmp
	cp -r "$EHR_ROOT/policies" "$EHR_ROOT/share" "$top"
	cp -r "$EHR_ROOT/testdata/ward" "$top/testdata"
	find "$top" | sort >before
	chmod -R a-w "$top"
	cp "$EHR_ROOT/testdata/ward/bundle.json" 'an upload'
	TMPDIR=$PWD/tmp IN='an upload' ehr 0 bash "$top/share/examples/demo.sh" <&-
	chmod -R u+w "$top"
	has out 'demo: done'
	find "$top" | sort | diff before -
	[ -z "$(ls -A tmp)" ]
}

@test "demo: what stops it is said, and nothing stays" {
	mkdir tmp
	printf '{"resourceType":"Patient"}\n{' >cut.ndjson
	TMPDIR=$PWD/tmp IN=cut.ndjson ehr 5 bash "$EHR_ROOT/share/examples/demo.sh"
	has err 'demo: stopped: the last command ended with 5'
	[ -z "$(ls -A tmp)" ]
	IN=nowhere ehr 2 bash "$EHR_ROOT/share/examples/demo.sh"
	EHR_BIN=$PWD ehr 2 bash "$EHR_ROOT/share/examples/demo.sh"
	has err 'make builds them'
	mkdir -p installed/share/examples
	cp "$EHR_ROOT/share/examples/demo.sh" installed/share/examples
	ehr 2 bash installed/share/examples/demo.sh
	has err 'the demo runs in the folder of the sources'
}

@test "demo: any other upload" {
	for in in testdata/ward/bundle.json testdata/meter/readings.ndjson /dev/null; do
		demo $in >out 2>err
		has out 'demo: done'
	done
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
