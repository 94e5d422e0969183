load ../lib/ehr

# share/examples: what an administrator copies must do what it says.
P=$EHR_ROOT/policies/hospital
replay=$EHR_ROOT/share/examples/replay.sh
now=2026-11-01T20:30:00+01:00

prepare() {
	ehr-keys make -P "$P" -S site --now 2026-11-01T00:00:00Z >/dev/null
	mkdir uploads
	# Without what is critical: that must reach somebody, and here nobody has subscribed.
	grep -v '"LL"' "$EHR_ROOT/testdata/ward/upload.ndjson" >uploads/ward.ndjson
}

# Each upload, one by one: they stay where they are.
batch() {
	local file
	for file in uploads/*; do "$EHR_BIN/ehr-batch" -S site --now $now "$file" store || return; done
}

@test "cron and systemd: the lines that start ehr-batch have options that it knows" {
	for file in "$EHR_ROOT"/share/examples/crontab "$EHR_ROOT"/share/examples/systemd/ehr-batch.service; do
		grep -oE '/usr/local/bin/ehr-batch .*' "$file" | sed 's,/usr/local/bin/,,; s,/srv/,,g; s,/var/lib/ehr/,,g' >>commands
	done
	[ "$(sort -u commands | wc -l)" -eq 1 ]
	prepare
	line 0 "$(sort -u commands)"
	[ -e store/ward.ndjson/sealed.ndjson ]
	has batch.prom 'ehr_batch_uploads{result="done"} 1'
}

@test "systemd: it takes the units, and what they leave to the service is little" {
	command -v systemd-analyze >/dev/null || skip "systemd is not there"
	cp "$EHR_ROOT"/share/examples/systemd/* .
	# A program that is there, and no manual, which systemd would look for.
	sed -i 's,/usr/local/bin/ehr-batch,/bin/true,; /^Documentation=/d' ehr-batch.service
	ehr 0 systemd-analyze verify ./ehr-batch.service ./ehr-batch.path ./ehr-batch.timer
	empty err
	ehr 0 systemd-analyze security --offline=true --threshold=15 ./ehr-batch.service
}

@test "a script for bash that sh runs goes on in bash" {
	for script in $(grep -l '^#!/bin/bash' "$EHR_ROOT"/share/examples/*); do
		EHR_BIN=$PWD ehr 2 sh "$script"
		[ "${script##*/}" = demo.sh ] || has err "usage: ${script##*/} "
		[ "${script##*/}" != demo.sh ] || has err 'make builds them'
	done
	prepare
	ehr 0 batch
	ehr 0 sh "$replay" "$P" site uploads/ward.ndjson store/ward.ndjson
	has out 'replay: intents: the same: sha256:'
}

@test "replay: the same input, policy and time give the same" {
	prepare
	ehr 0 batch
	ehr 0 "$replay" "$P" site uploads/ward.ndjson store/ward.ndjson
	has out 'the same: sha256:'
}

@test "replay: after the keys were rotated, with the epoch of the record" {
	prepare
	printf '{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"DELETE","url":"Observation/o1"}},{"resource":{"resourceType":"Observation","id":"o2"}}]}' >uploads/gone
	ehr 0 batch
	ehr-keys rotate -P "$P" -S site --now $now >/dev/null
	for name in ward.ndjson gone; do
		ehr 0 "$replay" "$P" site uploads/$name store/$name
		has out 'replay: versions: the same: sha256:'
		has out 'replay: intents: the same: sha256:'
	done
	cp uploads/ward.ndjson uploads/later
	ehr 0 batch
	ehr-keys rotate -P "$P" -S site --now $now >/dev/null
	ehr 0 "$replay" "$P" site uploads/later store/later
	ehr 0 "$replay" "$P" site uploads/ward.ndjson store/ward.ndjson
}

@test "replay: another policy, input or store shows" {
	prepare
	ehr 0 batch
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
	ehr 0 batch
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
	batch 2>err || [ $? -eq 1 ]
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
	ehr 0 batch
	sed -i '1s/"ciphertext":"..../"ciphertext":"AAAA/' store/ward.ndjson/sealed.ndjson
	ehr 6 "$replay" "$P" site uploads/ward.ndjson store/ward.ndjson
}


# The demo on the upload $1 ("": the ward's), by the policy $2, leaving the folder $3, under a minute where time means something.
demo() {
	local limit=600
	! native || limit=60
	(cd "$EHR_ROOT" && IN=$1 P=${2:-} DEMO=${3:-} timeout $limit bash share/examples/demo.sh)
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
	cp -r "$EHR_ROOT/policies/meter" broken
	echo 'nonsense: 1' >>broken/classify.yaml
	TMPDIR=$PWD/tmp P=broken ehr 1 bash "$EHR_ROOT/share/examples/demo.sh"
	has err 'demo: stopped: the last command ended with 1'
	[ -z "$(ls -A tmp)" ]
	IN=nowhere ehr 2 bash "$EHR_ROOT/share/examples/demo.sh"
	P=nowhere ehr 2 bash "$EHR_ROOT/share/examples/demo.sh"
	DEMO=. ehr 2 bash "$EHR_ROOT/share/examples/demo.sh"
	has err 'demo: .: holds something that no demo made; it is left alone'
	[ -d broken ]
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
	# What to add where nobody is told, in the words of the pages.
	has out '# Nobody is told, and this is why, with what to add:'
}

@test "demo: a bad line does not end it" {
	{
		head -n 3 "$EHR_ROOT/testdata/ward/upload.ndjson"
		echo '{'
		sed -n 4,6p "$EHR_ROOT/testdata/ward/upload.ndjson"
	} >bad.ndjson
	demo "$PWD/bad.ndjson" >out 2>err
	has out '  1 of the lines are no records: see the file bad'
	has out 'demo: done'
	grep -qE '^  all .* 6$' out
}

@test "demo: by another policy, until its versions are opened" {
	for policy in meter remote-care safe-harbor; do
		in=
		[ $policy != meter ] || in=testdata/meter/readings.ndjson
		demo "$in" policies/$policy >out 2>err
		has out 'demo: done'
		grep -qE '^  ([0-9]+) of \1 versions opened$' out
	done
	demo '' policies/hospital >out 2>err
	has out '  76 of 76 versions of level V'
}

@test "demo: the playground stays, its commands go on there, and the next demo makes it anew" {
	for run in first second; do
		demo '' '' "$PWD/play" >out 2>err
		echo "$run"
		[ -s play/sealed ] && [ -s play/requests ] && [ -s play/decisions ] && [ -d play/site ]
	done
	sed -n '/^# All of it stays/,$s/^#   //p' out >go
	[ "$(wc -l <go)" -eq 4 ]
	line 0 '. ./go'
	grep -q '^permitted, to level' out
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
