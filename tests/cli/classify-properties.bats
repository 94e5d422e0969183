# ehr-classify: what holds for any record under any policy, over the ward, the canaries and generated records.
bats_require_minimum_version 1.5.0
load ../lib/ehr

setup_file() {
	export PATH="$EHR_BIN:$PATH"
	cd "$BATS_FILE_TMPDIR" || return 1
	perl "$EHR_ROOT/testdata/canary/make.pl" "$EHR_ROOT/testdata/canary/places.ndjson" || return 1
	"$EHR_BIN/../lib/generate" 3 300000 >generated
	cat "$EHR_ROOT/testdata/ward/upload.ndjson" records.ndjson generated >all
	ehr-classify -P "$EHR_ROOT/policies/hospital" all >labelled 2>/dev/null
}

# Lines of standard input without what only says which policy it was.
undated() {
	sed -E 's/,"policy":"sha256:[0-9a-f]{64}"//'
}

classify() {
	ehr-classify -P "$@" 2>/dev/null | undated
}

# For each record its labels, ids left out, sorted.
as_sets() {
	jq -c '[.ehr.level, .ehr.sensitivity, .ehr.criticality, .ehr.reasons, (.labels | map(tojson) | sort)]'
}

copy_policy() {
	cp -r "$EHR_ROOT/policies/hospital" "$1"
	chmod -R u+w "$1"
}

@test "the records are as they came, every one has a level, every label a rule" {
	cd "$BATS_FILE_TMPDIR"
	[ "$(wc -l <labelled)" -eq "$(wc -l <all)" ]
	cut -c1-40 labelled | grep -c '^{"ehr":{"v":1,"stage":"labelled","id":"' >count
	[ "$(cat count)" -eq "$(wc -l <all)" ]
	perl -ne 'm/^(.*?),"record":(\{.*)\}$/ or die; my $at = index($_, "],\"record\":{"); print substr($_, $at + 11, length($_) - $at - 13), "\n"' labelled >records
	cmp all records
	[ -z "$(jq -c 'select((.ehr.level | test("^[ULMNRV]$") | not) or (.labels[0].at != "") or any(.labels[]; .rule == null))' labelled)" ]
}

@test "labelling again changes no byte" {
	cd "$BATS_FILE_TMPDIR"
	ehr-classify -P "$EHR_ROOT/policies/hospital" labelled 2>/dev/null | cmp - labelled
}

@test "the pieces of a file give the pieces of the output" {
	cd "$BATS_FILE_TMPDIR"
	split -l 7 all piece.
	local piece
	for piece in piece.*; do
		ehr-classify -P "$EHR_ROOT/policies/hospital" "$piece" 2>/dev/null
	done | cmp - labelled
	ehr-classify -P "$EHR_ROOT/policies/hospital" piece.* 2>/dev/null | cmp - labelled
}

@test "the order of rules, of value sets and of their rows does not matter" {
	cd "$BATS_FILE_TMPDIR"
	copy_policy turned
	perl -e '
		my ($head, @blocks, $in) = ("");
		open(my $f, "<", "turned/classify.yaml") or die;
		my @out;
		while (<$f>) {
			if (/^rules:/) { $in = 1; push @out, $_; next }
			if ($in && /^[a-z]/) { $in = 0; push @out, reverse @blocks }
			if ($in) { if (/^  - /) { push @blocks, $_ } else { $blocks[-1] .= $_ } next }
			push @out, $_;
		}
		open($f, ">", "turned/classify.yaml") or die;
		print $f @out;'
	ehr 1 cmp -s turned/classify.yaml "$EHR_ROOT/policies/hospital/classify.yaml"
	local file
	for file in turned/valuesets/*.tsv; do
		{ head -n 2 "$file" && tail -n +3 "$file" | tac; } >rows
		mv rows "$file"
	done
	classify turned all | as_sets >one
	as_sets <labelled >two
	cmp one two
}

@test "members in another order give the same labels" {
	cd "$BATS_FILE_TMPDIR"
	jq -c 'def turn: if type == "object" then to_entries | reverse | map(.value |= turn) | from_entries
		elif type == "array" then map(turn) else . end; turn' all >reversed
	classify "$EHR_ROOT/policies/hospital" reversed | as_sets >one
	jq -c . all >plain
	classify "$EHR_ROOT/policies/hospital" plain | as_sets >two
	cmp one two
}

@test "keys and codes written with escapes give the same labels" {
	cd "$BATS_FILE_TMPDIR"
	jq -c . all >plain
	perl -pe 's/"(code|system|coding|url|security|data|contentType|resourceType|component|status)":/my $k = $1; $k =~ s|([aeiou])|sprintf("\\u%04x", ord $1)|e; "\"$k\":"/ge;
		s/"code":"([^"\\]{2})/sprintf("\"code\":\"\\u%04x\\u%04x", map { ord } split m{}, $1)/ge;
		s/\\u0063ode|c\\u006fde/c\\u006fde/g' plain >escaped
	ehr 1 cmp -s plain escaped
	# Ids that are digests of the record differ; nothing else does.
	classify "$EHR_ROOT/policies/hospital" escaped | as_sets >one
	classify "$EHR_ROOT/policies/hospital" plain | as_sets >two
	cmp one two
}

@test "a rule, a row or a floor more never takes a label away nor lowers one" {
	cd "$BATS_FILE_TMPDIR"
	copy_policy more
	sed -i 's/^rules:$/&\n  - {id: one-more, say: One more., where: {.status: {present: true}}, label: {level: R}}/' more/classify.yaml
	printf 'http://loinc.org\t8867-4\tHeart rate\tHIV\t\t\n' >>more/valuesets/tests.tsv
	perl -pi -e 's/rows: (\d+)/"rows: " . ($1 + 1)/e if /hiv-test:/' more/classify.yaml
	ehr 0 ehr-classify -P more all
	# Levels by place, before and after; an urgency may only become less widely known.
	local levels='def rank: {U: 0, L: 1, M: 2, N: 3, R: 4, V: 5}[. // "U"];
		[.labels[] | select(.criticality == null and .rule != "base" and .rule != "default") | [.at, (.level | rank), .sensitivity // []]]'
	jq -c "$levels" labelled >before
	jq -c "$levels" out >after
	[ "$(jq -r '[.labels[] | select(.rule == "one-more")] | length' out | sort -n | tail -1)" -gt 0 ]
	paste -d '\n' before after | jq -cn '[inputs] as $all | range(0; $all | length; 2) | . as $i | $all[$i] as $old | $all[$i + 1] as $new |
		$old[] | . as $o | [$new[] | select(.[0] == $o[0] or (.[0] as $at | $o[0] | startswith($at + "/")))] as $around |
		select(($around | map(.[1]) | max) < $o[1] or $o[2] - ($around | map(.[2]) | add) != [])' >lost
	empty lost
	jq -c '.meta.security += [{code: "R"}]' all >floored
	classify "$EHR_ROOT/policies/hospital" floored | jq -r '.ehr.level' | sort -u >levels
	lacks levels N
}

@test "no value of a record is in any message, wherever the record breaks off or goes wrong" {
	cd "$BATS_FILE_TMPDIR"
	cut -f1 tokens.tsv >tokens
	[ -s tokens ]
	# Each record cut at 40 places, and with a byte spoilt at as many.
	perl -ne 'chomp; my $n = length; for my $i (0 .. 39) { my $at = int($n * $i / 40); my $s = $_; substr($s, $at, 1) = ("\x01", "\"", "\\", "}")[$i % 4]; print substr($_, 0, $at), "\n", $s, "\n" }' records.ndjson >broken
	local got=0
	ehr-classify -P "$EHR_ROOT/policies/hospital" --on-error skip -v broken >/dev/null 2>err || got=$?
	[ "$got" -eq 1 ]
	[ -s err ]
	ehr 1 grep -qF -f tokens err
	ehr-classify -P "$EHR_ROOT/policies/hospital" -v records.ndjson >/dev/null 2>err
	ehr 1 grep -qF -f tokens err
}

@test "a version of a record, labelled again, is not above its level" {
	cd "$BATS_FILE_TMPDIR"
	ehr-keys make -P "$EHR_ROOT/policies/hospital" -S site >/dev/null
	ehr-redact -P "$EHR_ROOT/policies/hospital" -S site labelled >versions
	# The lowest version is an allow-list with releases by name in records whose place alone is N.
	jq -c 'select(.ehr.rl != "L" and .record != {})' versions >shown
	jq -c .record shown >again
	ehr-classify -P "$EHR_ROOT/policies/hospital" again 2>/dev/null | jq -r .ehr.level >levels
	[ "$(wc -l <levels)" -gt 500 ]
	jq -r .ehr.rl shown | paste -d ' ' - levels | sort -u >pairs
	ehr 1 grep -E '^(N [RV]|R V)$' pairs
}

@test "a condition whose process is killed by another refuses the record for that reason" {
	native || return 0
	cp -r "$EHR_ROOT/testdata/policies/labels" p
	perl -i -pe "s/when: '[^']*'/when: 'last(range(.n)) > 0'/" p/classify.yaml
	echo 'condition_seconds: 3600' >>p/policy.yaml
	cp "$EHR_ROOT/testdata/records/bad/condition-crash.ndjson" in
	ehr-classify -P p in >out 2>err 3>&- &
	program=$!
	child=
	while [ -z "$child" ]; do
		child=$(pgrep -P "$program") || sleep 0.05
	done
	kill -SEGV "$child"
	status=0
	wait "$program" || status=$?
	[ "$status" -eq 5 ]
	same err <<-'END'
		ehr-classify: in:1: condition-crash: the process that evaluates the policy's conditions crashed at byte 1
	END
}
