bats_require_minimum_version 1.5.0
load ../lib/ehr

# The lines of README.md that begin with a word, from its block number $1.
block() {
	awk -v n="$1" '/^```/ { if (!inside) seen++; inside = !inside; next } inside && seen == n' "$EHR_ROOT/README.md"
}

prepare() {
	block 3 | sed '/^export PATH/d' >lines
	ln -s "$EHR_ROOT/policies" "$EHR_ROOT/testdata" .
}

start='export P=policies/hospital S=site now=2026-11-01T19:30:00Z'

@test "the README's first lines do what it says, as they stand there, and do no harm when they run again" {
	mkdir work
	cd work
	prepare
	has lines 'ehr-batch -S $S --now $now testdata/ward/upload.ndjson out'
	for run in 1 2; do
		bash -c "$start; set -u; . ./lines" >../out 2>../err
		[ $run = 2 ] || has ../err 'uncovered: nobody could be told; sent to the last resort'
		[ $run = 1 ] || has ../out 'ehr-batch: 0 done, 1 known'
		sed 1d ../out >../counts
		same ../counts <<-'END'
			      4 critical
			     15 high
			      4 low
			     16 medium
			    265 routine
		END
		[ "$(jq -r .kind out/upload.ndjson/intents.ndjson)" = last-resort ]
		# 76 records in, four versions of each.
		[ "$(wc -l <testdata/ward/upload.ndjson)" -eq 76 ]
		[ "$(jq -r .ehr.id out/upload.ndjson/sealed.ndjson | sort | uniq -c | awk '{ print $1 }' | uniq -c | awk '{ print $1, $2 }')" = '76 4' ]
		[ -e ../first ] || cp -r site ../first
		diff -r ../first site
	done
	ehr-open -S site out/upload.ndjson/sealed.ndjson >../opened
	[ "$(wc -l <../opened)" -eq 304 ]
}

@test "the README's filters end with 1 as it says, with 3 if a stage in the middle fails, and give what ehr-batch gives" {
	prepare
	rm policies
	cp -r "$EHR_ROOT/policies" .
	grep '^test' lines >first.sh
	block 4 >filters.sh
	line 0 "$start; . ./first.sh"
	line 1 "$start; . ./filters.sh"
	[ "$(wc -l <intents.ndjson)" -eq 1 ]
	ehr 1 ehr-batch -S site --now 2026-11-01T19:30:00Z testdata/ward/upload.ndjson store
	for sealed in sealed.ndjson store/upload.ndjson/sealed.ndjson; do jq -c '.ehr | del(.batch)' $sealed >>tags; done
	[ "$(sort tags | uniq -c | awk '{ print $1 }' | sort -u)" -eq 2 ]
	echo 'nonsense: 1' >>policies/hospital/redact.yaml
	line 3 "$start; . ./filters.sh"
}

@test "the README's lines on a path with blanks, as one who pastes them" {
	local top="$PWD/a check out"
	mkdir -p "$top/build/release"
	cd "$top"
	ln -s "$EHR_BIN" build/release/bin
	ln -s "$EHR_ROOT/policies" "$EHR_ROOT/testdata" .
	block 3 >pasted
	env -i PATH=/usr/bin:/bin LC_ALL=de_DE.UTF-8 bash <pasted >out.text 2>err
	[ "$(sed 1d out.text | awk '{ n += $1 } END { print n }')" -eq 304 ]
}

# The README's record as the policies know it now; after a change of them on purpose, write the picture anew as here.
@test "the README's record, before and after, and its picture are what the programs make of the ward's upload" {
	block 2 >shown
	grep -m1 '"id":"hiv6"' "$EHR_ROOT/testdata/ward/upload.ndjson" >record.json
	head -n 1 shown | cmp - record.json
	ehr-keys make -P "$EHR_ROOT/policies/hospital" -S site >made
	ehr-classify -P "$EHR_ROOT/policies/hospital" record.json 2>notes | ehr-redact -S site >versions
	jq -c 'select(.ehr.rl == "N").record' versions >normal
	sed -n 2p shown | cmp - normal
	ehr-policy explain -P "$EHR_ROOT/policies/hospital" --bars --width 120 record.json | sed 1,2d |
		jq -nRrf "$EHR_ROOT/share/jq/bars-svg.jq" >bars.svg
	cmp bars.svg "$EHR_ROOT/share/examples/bars.svg"
}
