bats_require_minimum_version 1.5.0
load ../lib/ehr

# The lines of README.md that begin with a word, from its block number $1.
block() {
	awk -v n="$1" '/^```/ { if (!inside) seen++; inside = !inside; next } inside && seen == n' "$EHR_ROOT/README.md"
}

prepare() {
	block 2 | sed '/^export PATH/d' >lines
	ln -s "$EHR_ROOT/policies" "$EHR_ROOT/testdata" .
}

@test "the README's first lines do what it says, as they stand there, and do no harm when they run again" {
	prepare
	has lines 'ehr-ingest < testdata/ward/upload.ndjson | ehr-classify -P $P | ehr-redact -P $P -S $S | ehr-seal -P $P -S $S > sealed.ndjson && ehr-notify'
	for _ in 1 2; do
		line 0 'export P=policies/hospital S=site; set -u; . ./lines'
		has err 'uncovered: nobody could be told; sent to the last resort'
		same out <<-'END'
			      4 critical
			     15 high
			      4 low
			     16 medium
			    265 routine
		END
		[ "$(wc -l <intents.ndjson)" -eq 1 ]
		[ "$(jq -r .kind intents.ndjson)" = last-resort ]
		# 76 records in, four versions of each.
		[ "$(wc -l <testdata/ward/upload.ndjson)" -eq 76 ]
		[ "$(jq -r .ehr.id sealed.ndjson | sort | uniq -c | awk '{ print $1 }' | uniq -c | awk '{ print $1, $2 }')" = '76 4' ]
		[ -e first ] || cp -r site first
		diff -r first site
	done
	ehr-open -S site sealed.ndjson >opened
	[ "$(wc -l <opened)" -eq 304 ]
}

@test "the README's pipeline ends with 1 as it says, with 3 if a stage in the middle fails" {
	prepare
	grep '^test' lines >first.sh
	grep '^ehr-ingest' lines >third.sh
	line 0 'export P=policies/hospital S=site; . ./first.sh'
	line 1 'export P=policies/hospital S=site; . ./third.sh'
	rm policies
	cp -r "$EHR_ROOT/policies" .
	echo 'nonsense: 1' >>policies/hospital/redact.yaml
	line 3 'export P=policies/hospital S=site; . ./third.sh'
}

@test "the README's lines on a path with blanks, as one who pastes them" {
	local top="$PWD/a check out"
	mkdir -p "$top/build/release"
	cd "$top"
	ln -s "$EHR_BIN" build/release/bin
	ln -s "$EHR_ROOT/policies" "$EHR_ROOT/testdata" .
	block 2 >pasted
	env -i PATH=/usr/bin:/bin LC_ALL=de_DE.UTF-8 bash <pasted >out 2>err
	[ "$(awk '{ n += $1 } END { print n }' out)" -eq 304 ]
}
