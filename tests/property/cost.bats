load ../lib/ehr

# Names chosen to collide, and one name many times, cost what other names cost.  Instructions are counted: time decides
# nothing.  With 2,000 names a table that is searched from end to end costs a sixth more, with 200,000 twenty times as much.
setup() {
	export LC_ALL=C TZ=UTC PATH="$EHR_BIN:$PATH" P="$EHR_ROOT/policies/hospital"
	cd "$BATS_TEST_TMPDIR" || return 1
	! native || command -v valgrind >tool || skip 'valgrind is not there'
}

# names KIND COUNT WIDTH: ones whose FNV-1a has the same 20 low bits, one many times, or harmless ones.  WIDTH letters each.
# The harmless ones are those that collide with each letter and digit replaced by the next: what looks like a code of some
# system is looked up in more ways, so both have the same form.
names() {
	perl -e '
		use integer;
		my ($kind, $count, $width) = @ARGV;
		my @letters = ("A" .. "Z", "a" .. "z", 0 .. 9);
		sub fnv { my ($h, $text) = @_; $h = ($h ^ ord) * 0x1b3 & 0xfffff for split //, $text; return $h }
		my @pair;
		my $state = 0x222325 & 0xfffff;
		while (2 ** @pair < $count) {
			my %seen;
			TRY: for my $a (@letters) { for my $b (@letters) { for my $c (@letters) {
				my $h = fnv($state, "$a$b$c");
				if ($seen{$h}) { push @pair, [ $seen{$h}, "$a$b$c" ]; $state = $h; last TRY }
				$seen{$h} = "$a$b$c";
			} } }
		}
		for my $i (0 .. $count - 1) {
			my $name = $kind eq "same" ? "same" : join "", map { $pair[$_][$i >> $_ & 1] } 0 .. $#pair;
			$name =~ tr/A-Za-z0-9/B-ZAb-za1-90/ if $kind eq "other";
			print $name . "x" x ($width - length $name), "\n";
		}' "$@"
}

# records KIND: one record on standard output for names on standard input.
record() {
	perl -e '
		chomp(my @name = <STDIN>);
		my $kind = shift;
		sub list { join ",", map { $_[0] =~ s/NAME/$_/gr } @name }
		print q({"resourceType":"Patient","id":"p","contained":[), list(q({"resourceType":"Basic","id":"NAME"})),
			q(],"link":[), list(q({"other":{"reference":"#NAME"}})), "]}\n" if $kind eq "contained";
		my @next = (@name[1 .. $#name], $name[0]);
		my @chain = map { qq({"resourceType":"Basic","id":"$name[$_]","subject":{"reference":"#$next[$_]"}}) } 0 .. $#name;
		@chain = reverse @chain if $kind eq "upwards";
		local $" = ",";
		print qq({"resourceType":"Patient","id":"p","contained":[@chain],"link":[{"other":{"reference":"#$name[0]"}}]}\n) if $kind =~ /wards/;
		print q({"resourceType":"Basic","id":"p",), list(q("NAME":"a","_NAME":{"id":"b"})), "}\n" if $kind eq "siblings";
		print q({"resourceType":"Bundle","id":"b","type":"collection","entry":[),
			list(q({"fullUrl":"urn:uuid:NAME","resource":{"resourceType":"Basic","id":"NAME","subject":{"reference":"urn:uuid:NAME","display":"d"},"author":{"reference":"Basic/NAME","display":"d"}}})),
			"]}\n" if $kind eq "bundle";
		print q({"resourceType":"Basic","id":"p","extension":[),
			list(q({"url":"NAME","valueCoding":{"system":"urn:NAME","code":"NAME"}})), "]}\n" if $kind eq "codes";
	' "$1"
}

cost() {
	valgrind --tool=callgrind --callgrind-out-file=/dev/null "$@" 2>counted >out.counted
	perl -ne 'print $1 if /Collected : (\d+)/' counted
}

# bounded HARMLESS CRAFTED: the costs of what both did.
bounded() {
	[ "$1" -gt 1000000 ]
	[ $((20 * $2)) -lt $((21 * $1)) ] || { printf 'costs %s instead of %s\n' "$2" "$1" >&2 && return 1; }
}

# try KIND NAMES PROGRAM ARGS...: with record of that KIND on standard input, labelled where PROGRAM reads that.
try() {
	local kind=$1 names=$2 program=$3 costs=() of
	shift 3
	for of in other "$names"; do
		names "$of" 2000 36 | record "$kind" >made
		[ "$(wc -c <made)" -gt 80000 ]
		case $program in
		ehr-ingest) ;;
		ehr-classify) mv made raw && ehr-ingest --from lines raw >made ;;
		*) ehr-classify -P "$P" made >labelled 2>err && mv labelled made ;;
		esac
		costs+=("$(cost "$program" "$@" made)")
	done
	bounded "${costs[@]}"
}

@test "ehr-redact: ids of contained resources, entries and members" {
	native || return 0
	ehr-keys make -P "$P" -S site >out
	for names in same collide; do
		try contained $names ehr-redact -P "$P" -S site
		try bundle $names ehr-redact -P "$P" -S site
	done
	try siblings collide ehr-redact -P "$P" -S site
}

@test "ehr-redact: contained resources that refer to the one before them cost what those do that refer to the next" {
	native || return 0
	ehr-keys make -P "$P" -S site >out
	local costs=() kind
	for kind in downwards upwards; do
		names other 2000 36 | record $kind | ehr-ingest | ehr-classify -P "$P" >made
		costs+=("$(cost ehr-redact -P "$P" -S site made)")
	done
	bounded "${costs[@]}"
}

@test "ehr-ingest and ehr-classify: names of entries, systems and codes" {
	native || return 0
	for names in same collide; do
		try bundle $names ehr-ingest --from lines
		try bundle $names ehr-classify -P "$P"
		try codes $names ehr-classify -P "$P"
	done
	try siblings collide ehr-classify -P "$P"
}

@test "the codes, systems and types of a policy" {
	native || return 0
	local costs=() of
	for of in other collide; do
		rm -rf policy
		cp -r "$EHR_ROOT/testdata/policies/labels" policy
		names $of 2000 36 | perl -pe 's/.*/http:\/\/loinc.org\t$&\tx\tHIV\t\t/' >>policy/valuesets/codes.tsv
		names $of 500 36 | perl -ne 'chomp; $all .= "s$_: urn:$_, "; END { print "s/^systems: {/&$all/\n" }' >edit
		sed -i -e 's/rows: 3}/rows: 2003}/' -f edit policy/classify.yaml
		printf '{"resourceType":"Basic","id":"a"}\n' >in
		ehr 0 ehr-classify -P policy in
		costs+=("$(cost ehr-classify -P policy in)")
	done
	bounded "${costs[@]}"
}

@test "ehr-authz: the patients of directives and the subjects of facts" {
	native || return 0
	local costs=() of
	cp -r "$EHR_ROOT/testdata/authz" set
	mkdir -p policy/authz
	cp set/policy.yaml policy/ && cp set/hospital/policies/*.yaml policy/authz/
	for of in other collide; do
		names $of 2000 36 | perl -pe 's/.*/{"fact":"f-$&","relation":"treating","subject":"$&","patient":"$&","from":"2026-03-01T08:00:00Z","until":"2026-03-15T08:00:00Z","by":"$&","at":"2026-03-01T07:58:10Z"}/' >facts
		names $of 2000 36 | perl -pe 's/.*/{"subject":{"type":"user","id":"$&"},"action":{"name":"read"},"resource":{"type":"patient","id":"$&"},"context":{"purpose":"TREAT","time":"2026-03-02T09:00:00Z"}}/' >in
		ehr-authz -P policy --facts facts in >out 2>err || true
		[ "$(wc -l <out)" -eq 2000 ]
		costs+=("$(cost ehr-authz -P policy --facts facts in)")
	done
	bounded "${costs[@]}"
}

@test "ehr-select: the names of records" {
	native || return 0
	local costs=() of
	printf '%s\n' 'policy: 1' 'name: p' 'serial: 1' 'levels: [{name: N, al: 0}]' >policy.yaml && mkdir policy && mv policy.yaml policy/
	printf '{"decision":true,"context":{"request":"sha256:0","about":{"subject":"u","action":"read","resource":{"type":"patient","id":"ann"},"patient":"ann","pseudonym":"s_annannannannannannannA"},"al":5,"rl":"N","obligations":[]}}\n' >decision
	for of in other collide; do
		names $of 128 21 | perl -MMIME::Base64=encode_base64url -ne 'chomp;
			$tags = qq({"v":1,"stage":"sealed","id":"r_${_}A","subject":"s_annannannannannannannA","rl":"N","al":0,"n":1,"of":1,"criticality":"low","domain":"hospital","epoch":37,"batch":"b_AAAAAAAAAAAAAAAAAAAAAA","seq":1,"policy":"sha256:) . "0" x 64 . qq("});
			print qq({"ehr":$tags,"protected":"), encode_base64url(qq({"alg":"A256KW","enc":"A256GCM","typ":"ehr-sealed","cty":"json","kid":"hospital/N/37/abcdefgh","ehr":$tags})),
				qq(","encrypted_key":"), encode_base64url(0 x 40), qq(","iv":"), encode_base64url(0 x 12), qq(","ciphertext":"e30","tag":"), encode_base64url(0 x 16), qq("}\n)' >in
		ehr 0 ehr-select -P policy --decision decision in
		[ "$(wc -l <out)" -eq 128 ]
		costs+=("$(cost ehr-select -P policy --decision decision in)")
	done
	bounded "${costs[@]}"
}
