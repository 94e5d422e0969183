load ../lib/ehr

# What must hold of any record, tried on the ward's records and on the canaries.
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
