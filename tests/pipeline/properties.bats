load ../lib/ehr

# What must hold of any record, tried on the ward's records and on the canaries.  All promises about labels and versions, and
# where they are tried:
#
#	non-interference, hidden presence   tests/property/interference.bats, tests/unit/test_redact_interference.c
#	no leak                             tests/cli/canary.bats, tests/property/facts.bats; tests/property/guards.bats
#	monotone                            here, tests/unit/test_redact_levels.c
#	labelling a version again           here, tests/cli/classify-properties.bats
#	idempotent                          tests/cli/classify-properties.bats, tests/cli/summary.bats
#	what is not redacted is identical   tests/pipeline/data.bats, tests/unit/test_redact_levels.c
#	raising only                        tests/property/order.bats, tests/cli/classify-properties.bats
#	order does not matter               tests/property/order.bats, tests/cli/classify-properties.bats
#	no evasion by another spelling      tests/property/evasion.bats, tests/property/facts.bats
#	messages name nothing of a record   tests/property/messages.bats, tests/cli/canary.bats
#	a run depends on its input alone    here, tests/property/after-refusal.bats
#	referential integrity               here
#	native paths agree with libjq       tests/unit/test_path.c
P=$EHR_ROOT/policies/hospital
places=$EHR_ROOT/testdata/canary/places.ndjson

setup_file() {
	export PATH="$EHR_BIN:$PATH"
	ehr-keys make -P "$EHR_ROOT/policies/hospital" -S "$BATS_FILE_TMPDIR/site" >/dev/null
	ehr-keys make -P "$EHR_ROOT/policies/meter" -S "$BATS_FILE_TMPDIR/meter" >/dev/null
}

classify() {
	ehr-classify -P "$P" "$@" 2>/dev/null
}

versions() {
	classify "$@" | ehr-redact -P "$P" -S "$BATS_FILE_TMPDIR/site"
}

# Without what the application server alone sees of a version: its clear id and subject.  And without what an id above
# the level changes by itself: at L the tokens that stand for ids, and the mark, which is bound to the id.
without_ids() {
	sed -E 's/"stage":"version","id":"([^"\\]|\\.)*"(,"subject":"([^"\\]|\\.)*")?/"stage":"version"/
		/"record":\{\}/ s/"mark":"[^"]*"/"mark"/
		/"rl":"L"/ { s/[a-z2-7]{26}|[0-9a-f]{8}-[0-9a-f-]{27}/TOKEN/g; s/"mark":"[^"]*"/"mark"/ }'
}

@test "what stands above a level leaves no trace in it, not even by its length (non-interference)" {
	local level
	perl "$EHR_ROOT/testdata/canary/make.pl" "$places"
	versions records.ndjson | without_ids >one
	for level in L N R; do
		perl "$EHR_ROOT/testdata/canary/make.pl" "$places" $level
		versions records.ndjson | without_ids >other
		! cmp -s one other || return 1
		grep "\"rl\":\"$level\"" one >want
		grep "\"rl\":\"$level\"" other | cmp want -
	done
}

@test "what a level sees of a record, each higher one sees at least as well (monotone)" {
	{
		cat "$EHR_ROOT/testdata/ward/upload.ndjson"
		perl "$EHR_ROOT/testdata/canary/make.pl" "$places" && cat records.ndjson
	} >all
	# Leaves with their place; what L sees are tokens, masks and cuts, so it begins with N.
	versions all | perl -MJSON::PP -e '
	my (%below, $bad, $lines);
	sub leaves { my ($x, $path, $to) = @_;
		if (ref $x eq "HASH") { leaves($x->{$_}, "$path.$_", $to) for keys %$x }
		elsif (ref $x eq "ARRAY") { leaves($_, "$path\[]", $to) for @$x }
		else { $to->{"$path=" . ($x // "null")} = 1 } }
	while (<STDIN>) {
		my $line = JSON::PP->new->decode($_);
		my ($rl, %here) = $line->{ehr}{rl};
		leaves($line->{record}, "", \%here);
		%below = () if $rl eq "L" or $rl eq "N";
		$lines++;
		for (keys %below) { $bad = print "$rl hides $_\n" unless $here{$_} }
		%below = %here unless $rl eq "L";
	}
	exit($bad || !$lines ? 1 : 0)'
}

@test "labels do not change when a record is labelled again, and a version is never above its level" {
	classify "$EHR_ROOT/testdata/ward/upload.ndjson" >once
	classify once >twice
	cmp once twice
	# (A record whose parts alone are L has a root that is N.)
	versions "$EHR_ROOT/testdata/ward/upload.ndjson" | grep -v -e '"record":{}' -e '"rl":"L"' >all
	jq -r .ehr.rl all >have
	jq -c .record all | classify | jq -r .ehr.level >got
	paste have got | awk 'BEGIN { split("U L M N R V", word, " "); for (i in word) rank[word[i]] = i } rank[$2] > rank[$1] { print; bad = 1 } END { exit bad || NR < 100 }'
}

@test "the pieces of a file give the pieces of its output; the same twice is the same" {
	versions "$EHR_ROOT/testdata/ward/upload.ndjson" >whole
	versions "$EHR_ROOT/testdata/ward/upload.ndjson" | cmp whole -
	split -l 7 "$EHR_ROOT/testdata/ward/upload.ndjson" piece.
	for piece in piece.*; do
		versions "$piece"
	done | cmp whole -
}

@test "the order of members changes no label" {
	jq -c 'def turn: if type == "object" then to_entries | reverse | map(.value |= turn) | from_entries elif type == "array" then map(turn) else . end; turn' \
		"$EHR_ROOT/testdata/ward/upload.ndjson" >turned
	classify "$EHR_ROOT/testdata/ward/upload.ndjson" | jq -c '[.ehr.level, .ehr.sensitivity, .ehr.criticality, .ehr.reasons]' >want
	classify turned | jq -c '[.ehr.level, .ehr.sensitivity, .ehr.criticality, .ehr.reasons]' | cmp want -
}

@test "meters: no identity is in what network or public see; a token lasts a month" {
	local M=$EHR_ROOT/policies/meter
	ehr-classify -P "$M" "$EHR_ROOT/testdata/meter/readings.ndjson" 2>/dev/null | ehr-redact -P "$M" -S "$BATS_FILE_TMPDIR/meter" >all
	jq -r '.meterId?, .unique_id?, .gas_unique_id?, .serial?, .wifi_ssid?, .external[]?.unique_id? | strings' \
		"$EHR_ROOT/testdata/meter/readings.ndjson" | sort -u >needles
	[ "$(wc -l <needles)" -ge 7 ]
	grep -E '"rl":"(open|network)"' all >public
	[ "$(wc -l <public)" -ge 14 ]
	! grep -Ff needles public || return 1
	token() {
		jq -r --arg rl "$1" --arg id "MeterReading/$2" 'select(.ehr.rl == $rl and .ehr.id == $id) | .record.meterId' all
	}
	[ -n "$(token network r-1)" ] && [ "$(token network r-1)" != "$(token network r-3)" ]
	[ "$(token network r-3)" = "$(token network r-4)" ]
	[ "$(token supplier r-1)" = "$(token supplier r-3)" ]
	# The household sees its readings as they came.
	grep '"rl":"household"' all | sed -E 's/.*"record":(\{.*)\}$/\1/' | cmp "$EHR_ROOT/testdata/meter/readings.ndjson" -
}

@test "equal ids have equal tokens over records and shapes of reference, other ids and sites others (referential integrity)" {
	local n shape
	for n in 1 2 3 4 5 6 7 8; do
		printf '{"resourceType":"Patient","id":"p%s","gender":"female"}\n' "$n"
		for shape in Patient/p https://h.example/fhir/Patient/p 'http:\/\/x\/Patient\/p'; do
			printf '{"resourceType":"Observation","id":"%s","status":"final","subject":{"reference":"%s%s"}}\n' "o$n" "$shape" "$n"
			printf '{"resourceType":"Encounter","id":"%s","status":"planned","class":{"code":"AMB"},"subject":{"reference":"%s%s/_history/2"}}\n' "e$n" "$shape" "$n"
		done
	done >in
	cat "$EHR_ROOT/testdata/ward/upload.ndjson" >>in
	# A line per id or reference: what it was, what it is at L.
	pairs() {
		classify in | ehr-redact -P "$P" -S "$1" --levels L | jq -c '.record | [.id, .subject.reference]' >l
		jq -c '[.id, .subject.reference]' in | paste - l |
			jq -rn '[inputs] | _nwise(2) | transpose[] | select(all(type == "string")) | map(split("/_history/")[0] | split("/")[-1]) | @tsv' >"$2"
		[ "$(wc -l <"$2")" -ge 150 ]
	}
	pairs "$BATS_FILE_TMPDIR/site" here
	[ "$(grep -c '^p[1-8]	' here)" -ge 56 ]
	sort -u here >both
	[ "$(wc -l <both)" -ge 45 ]
	cut -f 1 both | uniq -d >many
	empty many
	cut -f 2 both | sort | uniq -d >many
	empty many
	! awk -F '\t' '$1 == $2' both | grep . || return 1
	ehr-keys make -P "$P" -S other >/dev/null
	pairs other there
	[ "$(cat here there | sort -u | wc -l)" -eq $((2 * $(wc -l <both))) ]
}
