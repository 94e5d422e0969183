load ../lib/ehr
load ../lib/cost

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

# bundle KIND COUNT: a Bundle with so many records, and so much of what they have from it.
bundle() {
	perl -e '
		my ($kind, $count) = @ARGV;
		my @each = 1 .. $count;
		my $basic = q({"resourceType":"Basic","id":"NAME"});
		my $record = $basic;
		my $around = "";
		sub list { join ",", map { $_[0] =~ s/NAME/$_/gr } @each }
		$record = q({"resourceType":"Composition","id":"NAME"}) if $kind eq "compositions";
		$record = q({"id":"x"}},{"resource":{"resourceType":"DocumentReference","securityLabel":[{"text":"r"}],"content":[{"attachment":{"url":"Basic/x"}}]})
			if $kind eq "documents";
		$around = q("extension":[) . list(q({"url":"xNAME"})) . "]," if $kind eq "extensions";
		$around = list(q("mNAME":1)) . "," if $kind eq "members";
		$around = q("meta":{"security":[) . list(q({"code":"R"})) . "]}," if $kind eq "labels";
		if ($kind eq "sections") {
			$around = q("type":"document",);
			$basic = q({"resourceType":"Composition","section":[) . list(q({"extension":[{"url":"sec-label","valueCoding":{"code":"R"}}],"entry":[{"reference":"Basic/x"}]})) . "]";
			print qq({"resourceType":"Bundle",$around"entry":[{"resource":$basic}}), map({ q(,{"resource":{"id":"x"}}) } @each), "]}\n";
		} else {
			print qq({"resourceType":"Bundle",$around"entry":[), list(qq({"resource":$record})), "]}\n";
		}
	' "$1" "$2"
}

@test "ehr-ingest: what the records of a Bundle have from it and from each other" {
	native || return 0
	local kind
	for kind in compositions documents extensions members labels sections; do
		bundle $kind 400 >once
		bundle $kind 800 >twice
		twice ehr-ingest || { echo $kind && return 1; }
	done
}

@test "ehr-policy: the labels of one record, of its parts and of what tells of them" {
	native || return 0
	local file
	for file in once twice; do
		perl -e '
			my @each = 1 .. shift;
			print q({"resourceType":"Composition","id":"p","section":[), join(",", map { qq({"title":"a","text":{"status":"generated","div":"<div>a</div>"},"entry":[{"reference":"#c$_"}]}) } @each),
				q(],"contained":[), join(",", map { qq({"resourceType":"Condition","id":"c$_","code":{"coding":[{"system":"http://snomed.info/sct","code":"86406008"}]}}) } @each), "]}\n"
		' "$([ $file = once ] && echo 800 || echo 1600)" >$file
	done
	twice ehr-policy explain -P "$P"
	twice ehr-policy explain --html -P "$P"
	twice ehr-policy survey --risk -P "$P"
}

@test "ehr-classify: contained resources, each named by a list" {
	native || return 0
	local file
	for file in once twice; do
		perl -e '
			my @each = 1 .. shift;
			print q({"resourceType":"Provenance","id":"p","target":[), join(",", map { qq({"reference":"#c$_"}) } @each),
				q(],"contained":[), join(",", map { qq({"resourceType":"Basic","id":"c$_"}) } @each), "]}\n"
		' "$([ $file = once ] && echo 4000 || echo 8000)" >$file
	done
	twice ehr-classify -P "$P"
}

@test "ehr-classify: long texts of one sign over and over" {
	native || return 0
	local file
	for file in once twice; do
		perl -e '
			my $size = shift;
			my @signs = (q{=4 }, q{=}, q{%}, q{%2}, q{%48}, q{\\\\}, q{\\\\u00}, q{\\\\x4}, q{\\u0041}, q{&}, q{&#}, q{&amp;}, q{&lt;}, q{<}, q{<a }, q{<!--}, q{>}, q{-}, q{- },
				q{H . }, q{H.}, q{a }, q{A}, q{4}, q{48 }, q{4 8}, q{1-}, q{1.}, q{B2}, q{B20, }, q{(}, q{[B}, q{Dx }, q{ICD-10 }, q{no }, q{:}, q{/}, q{#}, q{+}, q{|});
			print q({"resourceType":"Condition","id":"c","note":[), join(",", map { qq({"text":"a ) . $_ x ($size / length) . q( z"}) } @signs), "]}\n";
		' "$([ $file = once ] && echo 40000 || echo 80000)" >$file
		jq -e '.note | length == 40' $file >shown
	done
	twice ehr-classify -P "$P"
}

@test "ehr-classify: one object with many members, each of which says something" {
	native || return 0
	local file member
	for member in 'qq("hiv_status_$_":true)' 'qq("k$_":"HIV positive")' 'qq("k$_":{"code":"HIV positive"})' \
		'qq("k$_":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"HIV"})'; do
		for file in once twice; do
			perl -e 'print q({"resourceType":"Observation","id":"o","x":{), join(",", map { '"$member"' } 1 .. shift), "}}\n"' \
				"$([ $file = once ] && echo 4000 || echo 8000)" >$file
		done
		twice ehr-classify -P "$P"
	done
}

@test "ehr-classify: values of one object and of one list, each with a label beside it in its _x" {
	native || return 0
	local file form
	local label='{"extension":[{"url":"http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-inline-sec-label",
		"valueCoding":{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"R"}}]}'
	for form in 'map { ("\"k$_\":\"v\"", "\"_k$_\":$l") } @n' \
		'"\"k\":[" . join(",", ("\"v\"") x @n) . "],\"_k\":[" . join(",", ($l) x @n) . "]"'; do
		for file in once twice; do
			LABEL=$label perl -e '($l = $ENV{LABEL}) =~ s/\s+//g; @n = (1 .. shift);
				print q({"resourceType":"Basic","id":"b","x":{), join(",", '"$form"'), "}}\n"' \
				"$([ $file = once ] && echo 3000 || echo 6000)" >$file
		done
		twice ehr-classify -P "$P"
	done
}
