load ../lib/ehr
load ../lib/batch
load ../lib/ca

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
	fault 8:9 "'places' is a file of ehr-batch itself: give it another name" 's,^output: .*,output: places,'
	fault 9:11 "'run' is a file of ehr-batch itself: give it another name" 's,^output: .*,&\nmanifest: run,'
	fault 9:11 "two outputs have the name 'sealed.ndjson'" 's,^output: .*,&\nmanifest: sealed.ndjson,'
	fault 9:11 'no stage is ehr-seal, which would write it' 's/^  - ehr-seal/  - ehr-open/; s,^output: .*,&\nmanifest: list,'
	fault 10:31 "two outputs have the name 'sealed.ndjson'" 's,intents.ndjson,sealed.ndjson,'
	fault 10:54 "no output of that name stands before this command, expected sealed.ndjson or one of \`then\` above" 's|output: intents.ndjson}|output: intents.ndjson, input: other}|'
	fault 10:11 "'ehr-notify': an executable with a sha256 is named by its whole path; a program of the toolkit has none" 's|{run: ehr-notify,|{run: ehr-notify, sha256: ab,|'
	fault 10:30 "expected 64 digits out of 0-9 a-f: what sha256sum prints for /bin/true" 's|{run: ehr-notify,|{run: /bin/true, sha256: ab,|'
	fault 10:5 'expected a command and its output, such as {run: ehr-notify, output: intents.ndjson}' 's/- {run: ehr-notify,.*/- ehr-notify/'
	fault 6:4 "a '-' inside the text that begins above it: begin the line as the '-' above it begins" 's/^  - ehr-redact/   - ehr-redact/'
	fault 2:11 'expected the number 1' 's/^pipeline: 1/pipeline: 2/'
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

@test "one command: an upload becomes a folder with versions, intents and what was done" {
	prepare
	ehr 0 batch uploads/ward.ndjson store
	grep -qE '^ehr-batch: 1 done, 0 known, 0 failed, 0 left; 75 records, 0 refused; 0\.0 MB in [0-9.]+ s$' out
	[ "$(wc -l <out)" -eq 1 ]
	[ "$(ls store/ward.ndjson | tr '\n' ' ')" = 'intents.ndjson run sealed.ndjson ' ]
	[ "$(wc -l <store/ward.ndjson/sealed.ndjson)" -eq 300 ]
	[ "$(stat -c %a store/ward.ndjson store/ward.ndjson/sealed.ndjson | tr '\n' ' ')" = '700 600 ' ]
	has store/ward.ndjson/run "now	$now"
	has store/ward.ndjson/run "input	$(sha256sum <uploads/ward.ndjson | cut -d' ' -f1)"
	has store/ward.ndjson/run "batch	$(head -n 1 store/ward.ndjson/sealed.ndjson | jq -r .ehr.batch)"
	[ "$(ls -A store)" = ward.ndjson ]
	[ -e uploads/ward.ndjson ]
	sha256sum store/ward.ndjson/* >before
	ehr 0 batch -v uploads/ward.ndjson store
	has err 'ward.ndjson: it was done before'
	has out '0 done, 1 known'
	sha256sum --quiet -c before
}

@test "a folder of uploads: each is done, moved to done or failed with a reason, and the others go on" {
	prepare
	cp "$EHR_ROOT/testdata/ward/bundle.json" uploads/
	printf 'no\nrecord\n' >uploads/bad
	: >uploads/empty
	gzip -c uploads/ward.ndjson >uploads/cut.gz
	truncate -s -20 uploads/cut.gz
	ehr 5 batch uploads store
	has out 'ehr-batch: 2 done, 0 known, 3 failed, 0 left; 78 records, 0 refused'
	[ "$(ls store | tr '\n' ' ')" = 'bundle.json ward.ndjson ' ]
	[ "$(ls uploads uploads/done uploads/failed | tr '\n' ' ')" = 'uploads: done failed  uploads/done: bundle.json ward.ndjson  uploads/failed: bad bad.reason cut.gz cut.gz.reason empty empty.reason ' ]
	has err 'ehr-batch: uploads/bad: begins as no JSON text: unpack or translate it before; nothing is kept'
	has err 'ehr-batch: uploads/empty: holds no record; nothing is kept'
	has uploads/failed/bad.reason 'status	5
reason	begins as no JSON text'
	has uploads/failed/cut.gz.reason 'reason	gzip cannot unpack it to its end (gzip 5, '
	# The same name once more: the same file is known, another one is not done.
	cp uploads/done/ward.ndjson uploads/
	ehr 0 batch uploads store
	has out '0 done, 1 known'
	[ "$(ls uploads/done | tr '\n' ' ')" = 'bundle.json ward.ndjson ward.ndjson.1 ' ]
	head -n 3 uploads/done/ward.ndjson >uploads/ward.ndjson
	ehr 4 batch uploads store
	has uploads/failed/ward.ndjson.reason 'another upload of that name was done before; give it another name'
	ehr 0 batch uploads store
}

@test "what is no upload is passed over and said; copies of editors, and names that OUT needs itself" {
	prepare
	cd uploads
	ln -s ward.ndjson link
	mkfifo pipe
	mkdir folder
	for name in '#ward#' ward.swp WARD.PART ward.temp ward.ndjson~; do cp ward.ndjson "$name"; done
	for name in archive -- $'two\nlines' '#1' ' ' $'\xff'; do cp ward.ndjson "./$name"; done
	cd ..
	: >empty
	mkdir store
	: >store/ward.ndjson
	ehr 4 batch uploads store
	has err 'ehr-batch: uploads/link: no upload but a link, a pipe or a device, and passed over'
	has err 'ehr-batch: uploads/pipe: no upload but a link, a pipe or a device, and passed over'
	lacks err 'folder:'
	has err 'ehr-batch: uploads/archive: its name is that of the folder of archived uploads: give it another name; nothing is kept'
	has err 'ehr-batch: uploads/ward.ndjson: OUT has something else of that name; nothing is kept'
	[ "$(ls -A uploads | tr '\n' ' ')" = '#ward# WARD.PART done failed folder link pipe ward.ndjson~ ward.swp ward.temp ' ]
	[ "$(ls -Aq uploads/done | tr '\n' '|')" = ' |#1|--|two?lines|?|' ]
	[ "$(ls -A uploads/failed | tr '\n' ' ')" = 'archive archive.reason ward.ndjson ward.ndjson.reason ' ]
	[ "$(ls -Aq store | tr '\n' '|')" = ' |#1|--|two?lines|ward.ndjson|?|' ]
	# What is at work on an upload has a dot in front, and would remove the output of this one.
	cp uploads/done/-- .x.work
	ehr 4 batch .x.work store
	has err 'ehr-batch: .x.work: its name has a dot in front, as what ehr-batch is at work on: give it another name; nothing is kept'
	[ ! -e store/.x.work ]
}

@test "the reason of an upload that failed has what the stages said, and nothing that an executable of the site says" {
	prepare
	gzip -c uploads/ward.ndjson | head -c 3000 >uploads/cut
	for i in {1..20}; do echo "{\"id\":\"$i\""; done >uploads/bad
	ehr 5 batch uploads store
	cat >expected <<-'EOF'
		time	2026-11-01T20:30:00+01:00
		status	5
		reason	20 of 20 records refused, limit 50 %
	EOF
	for i in {1..8} {17..20}; do
		printf 'said\tehr-ingest: uploads/bad:%d: truncated: input ends inside a value at byte %d\n' "$i" $((i < 10 ? 10 : 11))
	done >>expected
	same uploads/failed/bad.reason <expected
	has uploads/failed/cut.reason 'reason	gzip cannot unpack it to its end (gzip 5, unpacked 0, '
	has uploads/failed/cut.reason 'said	ehr-ingest: uploads/cut:'
	has err 'ehr-ingest: uploads/cut:'
	printf '#!/bin/sh\necho "ehr-seal: a name" >&2; cat >/dev/null; exit 5\n' >talker
	chmod +x talker
	pipeline "stages: [ehr-ingest, {run: $PWD/talker, sha256: \"$(sha256sum <talker | cut -d' ' -f1)\"}]"
	cp uploads/done/ward.ndjson uploads/other
	ehr 5 batch uploads store
	has err 'ehr-seal: a name'
	lacks uploads/failed/other.reason 'name'
}

@test "an upload that may not be read is left, and those behind it are taken" {
	local as=()
	prepare
	"$EHR_GENERATE" 1 3000 >uploads/a
	chmod 0 uploads/a
	[ "$EUID" -ne 0 ] || as=(setpriv '--bounding-set=-dac_override,-dac_read_search')
	ehr 4 "${as[@]}" "$EHR_BIN/ehr-batch" -P "$P" -S site --now $now uploads store
	has err 'ehr-batch: uploads/a: Permission denied: who runs ehr-batch must be able to read it; the others go on'
	has out '1 done, 0 known, 0 failed, 1 left'
	[ -e uploads/a ]
	[ -e store/ward.ndjson/sealed.ndjson ]
}

@test "an upload with a name as long as names can be is moved, and those behind it are taken" {
	prepare
	local size name
	for size in 240 248 249 250 255; do
		name=$(printf 'a%.0s' $(seq "$size"))
		printf 'no record\n' >"uploads/$name"
	done
	cp uploads/ward.ndjson "uploads/$(printf 'b%.0s' $(seq 249))"
	ehr 4 batch uploads store
	has out 'ehr-batch: 2 done, 0 known, 5 failed, 0 left;'
	[ "$(ls uploads | tr '\n' ' ')" = 'done failed ' ]
	[ "$(ls uploads/failed/*.reason | wc -l)" -eq 5 ]
	for name in uploads/failed/*.reason; do [ -f "${name%.reason}" ]; done
	# The same once more has no longer name either.
	cp uploads/done/ward.ndjson "uploads/$(printf 'b%.0s' $(seq 249))"
	ehr 0 batch uploads store
	[ "$(ls uploads/done | wc -l)" -eq 3 ]
}

@test "a bad record is kept apart, the others go on, and it ends with 1; a share above the limit fails the upload" {
	prepare
	sed -i '3s/$/ and more/' uploads/ward.ndjson
	ehr 1 batch uploads/ward.ndjson store
	[ "$(wc -l <store/ward.ndjson/sealed.ndjson)" -eq 296 ]
	[ "$(jq -c '[.ehr.line, .ehr.reason]' store/ward.ndjson/refused.ingest.ndjson)" = '[3,"trailing-data"]' ]
	has err 'ehr-ingest: ward.ndjson:3: trailing-data: something behind the value at byte 755'
	[ "$(stat -c %a store/ward.ndjson/refused.ingest.ndjson)" = 600 ]
	cp -r "$P" policy
	P=policy
	sed -i 's/^  refused: .*/  refused: 1%/' policy/pipeline.yaml
	ehr 5 batch uploads/ward.ndjson strict
	has err 'ehr-batch: ward.ndjson: 1 of 75 records refused, limit 1 %; nothing is kept'
	[ -z "$(ls -A strict)" ]
	sed -i 's/^  refused: .*/  refused: 2%/; s/^on_error: .*/on_error: skip/' policy/pipeline.yaml
	ehr 1 batch uploads/ward.ndjson strict
	[ "$(ls strict/ward.ndjson | tr '\n' ' ')" = 'intents.ndjson run sealed.ndjson ' ]
	rm -r strict
	sed -i 's/^on_error: .*/on_error: fail/' policy/pipeline.yaml
	ehr 5 batch uploads/ward.ndjson strict
	[ -z "$(ls -A strict)" ]
}

@test "packed uploads are known by their first bytes, and what is packed in them is bounded" {
	prepare
	gzip -c uploads/ward.ndjson >a.json
	zstd -q -o b.json uploads/ward.ndjson
	{
		gzip -c uploads/ward.ndjson
		head -n 1 uploads/ward.ndjson | gzip -c
	} >c.json
	for file in a b c; do ehr 0 batch $file.json store; done
	[ "$(wc -l store/*/sealed.ndjson | awk '{ printf "%s ", $1 }')" = '300 300 304 904 ' ]
	tar -C uploads -czf d.json ward.ndjson
	ehr 5 batch d.json store
	has err 'ehr-batch: d.json: what is packed in it begins as no JSON text: unpack or translate it before'
	cp -r "$P" policy
	P=policy
	sed -i 's/^  size: .*/  size: 30K/' policy/pipeline.yaml
	ehr 5 batch a.json bounded
	has err 'ehr-batch: a.json: longer when it is unpacked than the limit of pipeline.yaml'
	ehr 5 batch uploads/ward.ndjson bounded
	has err 'ehr-batch: ward.ndjson: longer than the limit of pipeline.yaml; nothing is kept'
	ehr 4 batch - bounded <uploads/ward.ndjson
	[ -z "$(ls -A bounded)" ]
}

@test "standard input and a pipe are taken whole, under the name of their digest" {
	prepare
	name=stdin-$(sha256sum <uploads/ward.ndjson | cut -c1-16)
	ehr 0 batch - store <uploads/ward.ndjson
	[ "$(ls -A store)" = "$name" ]
	mkfifo fifo
	cat uploads/ward.ndjson >fifo &
	ehr 0 batch fifo store
	has out '0 done, 1 known'
	cat uploads/ward.ndjson | ehr 0 batch - store
	[ "$(ls -A store)" = "$name" ]
}

@test "an upload that is still being written is left to the next run" {
	prepare
	cp uploads/ward.ndjson uploads/.hidden
	cp uploads/ward.ndjson uploads/ward.part
	exec 7>>uploads/ward.ndjson
	ehr 75 batch uploads store 7>&-
	has err 'ehr-batch: uploads/ward.ndjson: is still being written; the next run takes it'
	[ -z "$(ls -A store)" ]
	exec 7>&-
	ehr 0 batch uploads store
	[ "$(ls -A uploads | tr '\n' ' ')" = '.hidden done ward.part ' ]
	# A file that is named by itself, too.
	exec 7>>uploads/done/ward.ndjson
	ehr 75 batch uploads/done/ward.ndjson store 7>&-
	exec 7>&-
	# One that changes behind our back.
	mv uploads/done/ward.ndjson uploads/other.ndjson
	stub ingest 'echo "{}" >>uploads/other.ndjson
exec "$EHR_BIN/ehr-ingest" "$@"'
	ehr 75 batch uploads store
	has err 'ehr-batch: uploads/other.ndjson: changed while it was read, nothing is kept; the next run takes it'
	[ "$(ls -A store)" = ward.ndjson ]
}

@test "a stage that fails leaves nothing, and what the machine or site is at fault for leaves the upload where it is" {
	prepare
	"$EHR_GENERATE" 1 3000000 >uploads/much.ndjson
	cp -r "$P" policy
	echo 'nonsense: 1' >>policy/classify.yaml
	for how in '--jobs 2' --piped; do
		P=policy ehr 3 batch $how uploads store
		[ -z "$(ls -A store)" ]
		[ -e uploads/much.ndjson ]
	done
	has err 'ehr-batch: uploads/much.ndjson: ended with 3 (ehr-ingest 141, ehr-classify 3, '
	mv site/keys keys
	for how in '--jobs 2' --piped; do
		ehr 6 batch $how uploads store
		[ -z "$(ls -A store)" ]
	done
	[ "$(ls uploads)" = "$(printf 'much.ndjson\nward.ndjson')" ]
	# What all workers find at their start is said once.
	rm uploads/much.ndjson
	mv keys site/keys
	rm site/keys/releases/hmac-tag.id.jwe
	ehr 6 batch --jobs 3 uploads store
	[ "$(grep -c '^ehr-seal: no-level-key' err)" -eq 1 ]
	echo 'nonsense: 1' >>policy/seal.yaml
	sed -i '$d' policy/classify.yaml
	P=policy ehr 3 batch --jobs 3 uploads store
	[ "$(grep -c "^ehr-seal: policy/seal.yaml:.*unknown key 'nonsense'" err)" -eq 1 ]
}

@test "of several failed stages the worst counts by ehr(7); a reader that went away counts if nothing else failed" {
	prepare
	"$EHR_GENERATE" 1 3000000 >uploads/much.ndjson
	rm uploads/ward.ndjson
	# ehr-seal with an option is a process, whatever the number of jobs.
	pipeline 'stages: [ehr-ingest, ehr-classify, ehr-redact, ehr-seal --check]'
	for pair in 75:75 2:2 3:3 6:6 126:126 4:4 0:4 1:4; do
		stub seal "exit ${pair%:*}"
		for how in '--jobs 2' --piped; do
			ehr "${pair#*:}" batch $how uploads store
			[ -z "$(ls -A store)" ]
			[ -e uploads/much.ndjson ]
		done
	done
	stub seal 'cat >/dev/null; kill -KILL $$'
	ehr 4 batch uploads store
	[ -e uploads/much.ndjson ]
	stub redact 'exit 6'
	ehr 4 batch --piped uploads store
	stub seal 'cat >/dev/null; exit 2'
	ehr 6 batch --piped uploads store
	# A crash would come again: the upload is to blame.
	stub seal 'cat >/dev/null; kill -SEGV $$'
	rm bin/ehr-redact
	ln -s "$EHR_BIN/ehr-redact" bin/
	ehr 9 batch uploads store
	[ "$(ls uploads uploads/failed | tr '\n' ' ')" = 'uploads: failed  uploads/failed: much.ndjson much.ndjson.reason ' ]
	[ -z "$(ls -A store)" ]
}

@test "when only ehr-notify fails the versions are kept, and the next run does it alone" {
	prepare
	cp site/authority.jwks authority
	echo '{"keys":[{"kty":"OKP"' >site/authority.jwks
	ehr 6 batch uploads store
	has err 'ehr-batch: uploads/ward.ndjson: sealed.ndjson is in place, but ehr-notify ended with 6; the next run does it alone'
	[ "$(ls -A store/ward.ndjson | tr '\n' ' ')" = 'run sealed.ndjson ' ]
	[ -e uploads/ward.ndjson ]
	sha256sum store/ward.ndjson/sealed.ndjson >before
	ehr 6 batch uploads store
	cp authority site/authority.jwks
	ehr 0 batch uploads store
	[ "$(ls -A store/ward.ndjson | tr '\n' ' ')" = 'intents.ndjson run sealed.ndjson ' ]
	sha256sum --quiet -c before
	[ -e uploads/done/ward.ndjson ]
}

@test "killed at each step and at random, the next run gives the same, nothing twice and nothing lost" {
	prepare
	cp uploads/ward.ndjson whole
	pipeline "$to_versions
then: [{run: ehr-open, output: again.ndjson}]"
	# It stands for any command.
	stub open 'exec cat'
	ehr 0 batch whole once
	for program in ingest classify redact; do
		for where in '' 'cat >/dev/null; '; do
			stub $program "${where}kill -KILL \$PPID; exec sleep 60"
			ehr 137 batch --piped uploads store
			[ ! -e store/ward.ndjson ]
			rm "bin/ehr-$program"
			ln -s "$EHR_BIN/ehr-$program" bin/
		done
	done
	# Between the rename and the command of then.
	stub open 'kill -KILL $PPID; exec sleep 60'
	ehr 137 batch --piped uploads store
	[ -e store/ward.ndjson/versions.ndjson ]
	[ ! -e store/ward.ndjson/again.ndjson ]
	stub open 'exec cat'
	ehr 0 batch uploads store
	[ "$(ls -A store)" = ward.ndjson ]
	for file in versions again; do cmp {once/whole,store/ward.ndjson}/$file.ndjson; done
	for _ in {1..20}; do
		rm -rf store
		mv uploads/done/ward.ndjson uploads/
		batch --jobs 2 uploads store >/dev/null 2>&1 &
		process=$!
		sleep "0.0$((RANDOM % 10))"
		kill -KILL $process 2>/dev/null || true
		wait $process || true
		ehr 0 batch uploads store
		[ "$(ls -A store)" = ward.ndjson ]
		[ "$(ls store/ward.ndjson | tr '\n' ' ')" = 'again.ndjson run versions.ndjson ' ]
		[ "$(ls -A uploads uploads/done | tr '\n' ' ')" = 'uploads: done  uploads/done: ward.ndjson ' ]
		for file in versions again; do cmp {once/whole,store/ward.ndjson}/$file.ndjson; done
	done
}

@test "every call that can fail at the end leaves the upload for the next run" {
	prepare
	cp uploads/ward.ndjson in
	for call in fsync rename renameat renameat2; do
		count=0
		while [ $count -lt 100 ]; do
			rm -rf store fired
			got=0
			EHR_FAULT=$call:$((count + 1)) EHR_FAULT_LOG=$PWD/fired LD_PRELOAD=$EHR_FAULT_SO \
				"$EHR_BIN/ehr-batch" -P "$P" -S site --now $now uploads store >out 2>err || got=$?
			[ -e fired ] || break
			count=$((count + 1))
			[ $got -eq 4 ] || [ $got -eq 0 ]
			[ -e uploads/ward.ndjson ] || mv uploads/done/ward.ndjson uploads/
			ehr 0 batch uploads store
			[ "$(ls -A store)" = ward.ndjson ]
			[ "$(ls store/ward.ndjson | tr '\n' ' ')" = 'intents.ndjson run sealed.ndjson ' ]
			mv uploads/done/ward.ndjson uploads/
		done
		[ ! -e uploads/done/ward.ndjson ] || mv uploads/done/ward.ndjson uploads/
	done
}

@test "two runs at once do each upload once and leave nothing behind" {
	prepare
	stub ingest 'echo >>started
while [ ! -e go ]; do sleep 0.1; done
exec "$EHR_BIN/ehr-ingest" "$@"'
	batch uploads store >/dev/null 2>&1 &
	while [ ! -e started ]; do sleep 0.1; done
	ehr 75 batch uploads store
	has err 'ehr-batch: uploads/ward.ndjson: another run is at work on it'
	: >go
	wait $!
	[ "$(wc -l <started)" -eq 1 ]
	[ "$(ls -A store)" = ward.ndjson ]
	[ -e uploads/done/ward.ndjson ]
}

@test "archive: true keeps each upload once, under its digest" {
	prepare
	pipeline "$to_versions
archive: true"
	digest=$(sha256sum <uploads/ward.ndjson | cut -d' ' -f1)
	ehr 0 batch uploads/ward.ndjson store
	cp uploads/ward.ndjson other
	ehr 0 batch other store
	cmp uploads/ward.ndjson "store/archive/sha256/${digest:0:2}/$digest"
	[ "$(stat -c %a "store/archive/sha256/${digest:0:2}/$digest")" = 400 ]
	[ "$(find store/archive -type f | wc -l)" -eq 1 ]
}

@test "--metrics writes what became of the uploads, and progress is shown on a terminal alone" {
	prepare
	printf 'no' >uploads/bad
	ehr 5 batch --metrics batch.prom uploads store
	has batch.prom 'ehr_batch_uploads{result="done"} 1'
	has batch.prom 'ehr_batch_uploads{result="failed"} 1'
	has batch.prom 'ehr_batch_records 75'
	has batch.prom 'ehr_batch_exit_status 5'
	[ "$(grep -c '^# TYPE ehr_batch_' batch.prom)" -eq 7 ]
	lacks err '%,'
	"$EHR_GENERATE" 1 100000 >long
	for jobs in --piped --jobs=2; do
		ehr 0 script -qec "'$EHR_BIN/ehr-batch' -P '$P' -S site --now $now $jobs long as$jobs" /dev/null
		tr '\r' '\n' <out | grep -E '^long: +[0-9]+ %, [0-9]+ records, [0-9]+\.[0-9] MB/s, [0-9]+:[0-9][0-9] left ' >shown
		# What comes next stands on a line that was emptied.
		tr '\r' '\n' <out | tail -n 2 | grep -qE $'^(\e\\[K)?ehr-batch: 1 done'
	done
	# A name that could command the terminal does not.
	cp long $'uploads/\e[31mred\nline\xc2\x9b1mred'
	ehr 0 script -qec "'$EHR_BIN/ehr-batch' -P '$P' -S site --now $now uploads store" /dev/null
	tr '\r' '\n' <out | grep -qE '^uploads/\?\[31mred\?line[?][?]1mred: +[0-9]+ %'
	# What a stage says stands on a line of its own.
	lacks out 'left '$'\e[Kehr-'
	lacks out $'\e[31m'
	ehr 4 batch --metrics nowhere/batch.prom uploads store
	# A device keeps its place: a rename would replace it.
	mkfifo pipe
	ehr 4 batch --metrics pipe uploads store
	has err 'ehr-batch: pipe: Operation not supported'
	[ -p pipe ]
}

state() {
	find uploads store policy site spool -type f -exec sha256sum {} + | sort
}

# spared FILE [option ...]: as --metrics, FILE is misuse, whether it is there or not, and all is as before.
spared() {
	local file=$1
	shift
	state >before
	ehr 2 batch --metrics "$file" "$@"
	empty out
	same err <<<"ehr-batch: --metrics: a file that this program reads or keeps, or among such; name one elsewhere: '$file' (try ehr-batch --help)"
	state >after
	diff before after >&2
}

@test "--metrics takes no file that is an upload, nor one among uploads, output, policy, site or spool" {
	prepare
	mkdir -m 700 spool
	pipeline "$to_versions
then: [{run: [ehr-deliver, enqueue, --spool=spool], output: told}]"
	mkdir -p store/old store2
	ln -s uploads linked
	ln -s uploads/ward.ndjson link.prom
	spared uploads/ward.ndjson uploads/ward.ndjson store
	spared ./uploads/../uploads/ward.ndjson uploads/ward.ndjson store
	spared link.prom uploads/ward.ndjson store
	spared uploads/ward.ndjson - store <uploads/ward.ndjson
	spared uploads/ward.ndjson uploads store
	spared uploads/new.prom uploads store
	spared linked/new.prom uploads store
	spared uploads/new.prom linked store
	spared store/new.prom uploads store
	spared store/old/run uploads store
	spared policy/policy.yaml uploads store
	spared policy/tests/new.prom uploads store
	spared site/facts.ndjson uploads store
	spared site/keys/new.prom uploads store
	spared spool/spool.db uploads store
	ca ca
	certificate ca officer codeSigning
	ehr 0 ehr-policy sign --key officer.key --cert officer.pem policy
	cp ca.pem was.pem
	now=$(date -u +%FT%TZ)
	spared ca.pem --trust ca.pem uploads store
	cmp ca.pem was.pem
	# Elsewhere it may be, also beside an upload that is named alone.
	pipeline "$to_versions"
	ehr 0 batch --metrics uploads/batch.prom uploads/ward.ndjson store
	has uploads/batch.prom 'ehr_batch_uploads{result="done"} 1'
	ehr 0 batch --metrics store2/batch.prom uploads/ward.ndjson store
	has store2/batch.prom 'ehr_batch_uploads{result="known"} 1'
}

@test "what is wrong with the command line or the folders is said at once" {
	prepare
	ehr 2 ehr-batch -P "$P" -S site uploads
	has err 'two operands, IN and OUT'
	ehr 2 batch --jobs 0 uploads store
	ehr 2 batch --jobs 65 uploads store
	ehr 2 batch --jobs 2 --piped uploads store
	ehr 4 batch --trust nowhere.pem uploads store
	ehr 2 batch --crl nowhere.pem uploads store
	has err 'only together with --trust CA'
	ehr 2 ehr-batch -P "$P" -S site --now yesterday uploads store
	ehr 2 batch uploads uploads
	has err 'uploads and output are in one folder'
	# What is moved out of a policy or site is missing there, and what comes is read as theirs.
	mkdir kept
	cp -r "$P" policy
	cp -r policy site kept
	ln -s site/consents linked
	for folder in policy policy/authz site site/keys linked; do
		P=policy ehr 2 batch "$folder" store
		has err 'no folder for uploads or output but the policy, the site or a spool, or in one'
		P=policy ehr 2 batch uploads "$folder"
		P=policy ehr 2 batch uploads/ward.ndjson "$folder/new/"
	done
	diff -r policy kept/policy
	diff -r site kept/site
	ehr 4 batch nowhere store
	ehr 4 ehr-batch -P "$P" -S nowhere uploads store
	ehr 4 batch uploads nowhere/store
	: >file
	ehr 4 batch uploads file
	rm -rf policy
	cp -r "$P" policy
	rm policy/pipeline.yaml
	P=policy ehr 3 batch uploads store
	has err 'ehr-batch: policy/pipeline.yaml: this file is missing'
}

@test "paths with blanks and dashes, no standard input, long names" {
	prepare
	mv -- uploads '-up loads'
	mv -- '-up loads/ward.ndjson' '-up loads/-a b *.ndjson'
	ehr 0 batch -- '-up loads' '-sto re' <&-
	[ "$(ls -A ./'-sto re')" = '-a b *.ndjson' ]
	long=$(printf '%0255d' 0)
	cp ./-up\ loads/done/* "./-up loads/$long"
	ehr 4 batch -- '-up loads' '-sto re'
	has err 'its name is too long; nothing is kept'
}

@test "a site remembers its policy, for every program that takes -P and -S" {
	prepare
	cp -r "$P" mine
	rm -r site
	ehr-keys make -P mine -S site --now 2026-11-01T00:00:00Z >/dev/null
	jq -e --arg path "$PWD/mine" --arg digest "$(ehr-policy check -P mine 2>/dev/null | cut -d' ' -f1)" \
		'. == {path: $path, policy: "hospital", serial: .serial, digest: $digest}' site/policy
	ehr 0 ehr-batch -S site --now $now uploads/ward.ndjson store
	ehr 0 ehr-classify -P mine uploads/ward.ndjson && mv out labelled
	ehr 0 ehr-redact -S site labelled && mv out versions
	ehr 0 ehr-seal -S site versions && mv out sealed
	ehr 0 ehr-notify -S site --now $now sealed
	ehr 0 ehr-policy check -S site
	: >requests
	ehr 0 ehr-authz -S site requests
	ehr 0 ehr-keys rotate -S site --now $now
	# Where the site remembers none, it is said.
	mv site/policy policy
	for program in batch redact seal notify select authz; do
		ehr 2 ehr-$program -S site requests requests2
		has err '--policy DIR, which the site does not remember'
	done
	mv policy site/policy
	# -P overrides; another digest is said with -v; a lower serial is refused.
	ehr 0 ehr-seal -P mine -S site -v versions
	lacks err 'not the files'
	echo '# a word more' >>mine/notify.yaml
	ehr 0 ehr-redact -S site -v --other-policy accept labelled
	has err "ehr-redact: $PWD/mine: not the files that the site was made with: they are sha256:"
	ehr 0 ehr-redact -S site --other-policy accept labelled
	empty err
	sed -i 's/^serial: .*/serial: 2020-01-01/' mine/policy.yaml
	for program in batch redact seal notify select authz; do
		operands=labelled
		[ $program != batch ] || operands='uploads store'
		[ $program != select ] || operands='--decision requests labelled'
		ehr 3 ehr-$program -S site $operands
		has err "mine: rolled-back: its serial is 2020-01-01, and the site site was made with 20"
		ehr 3 ehr-$program -P mine -S site $operands
	done
	ehr 3 ehr-keys rotate -S site --now $now
	ehr 0 ehr-redact -P "$P" -S site --other-policy accept labelled
	echo nonsense >site/policy
	ehr 3 ehr-seal -S site versions
	has err 'site/policy: not as ehr-keys make writes it: an object with path, policy, serial and digest'
}

@test "what a command of then says names the file that it reads, beside the stages and after them" {
	prepare
	for how in '--jobs 2' --piped; do
		rm -rf store
		ehr 1 batch $how "$EHR_ROOT/testdata/ward/upload.ndjson" store
		line=$(sed -nE 's,^ehr-notify: store/upload[.]ndjson/sealed[.]ndjson:([0-9]+): uncovered: .*sent to .*,\1,p' err)
		sed -n "$line,$((line + 3))p" store/upload.ndjson/sealed.ndjson | jq -e -s 'any(.ehr.criticality == "critical")'
		lacks err '<stdin>'
	done
}

@test "ehr-deliver enqueue stands behind ehr-notify, and takes its intents once" {
	prepare
	pipeline 'stages: [ehr-ingest, ehr-classify, ehr-redact, ehr-seal]
then:
  - {run: ehr-notify, output: intents.ndjson}
  - {run: ehr-deliver enqueue, input: intents.ndjson, output: queued.ndjson}'
	ehr-deliver init -P policy -S site
	ehr 1 batch "$EHR_ROOT/testdata/ward/upload.ndjson" store
	[ "$(jq -c .durable store/upload.ndjson/queued.ndjson)" = true ]
	rm store/upload.ndjson/queued.ndjson
	ehr 0 batch "$EHR_ROOT/testdata/ward/upload.ndjson" store
	[ "$(jq -c .durable store/upload.ndjson/queued.ndjson)" = true ]
	[ "$(ehr-deliver list -S site | wc -l)" -eq 1 ]
}
