load ../lib/ehr

# P8: with another rule or floor a version shows the same or less.  P9: order changes nothing but order.
setup_file() {
	export PATH="$EHR_BIN:$PATH"
	cd "$BATS_FILE_TMPDIR" || return 1
	cp -r "$EHR_ROOT/policies/hospital" shown
	cp -r shown hidden && cp "$EHR_ROOT/testdata/policies/hidden.yaml" hidden/redact.yaml
	ehr-keys make -P shown -S site >/dev/null
	perl "$EHR_ROOT/testdata/canary/make.pl" "$EHR_ROOT/testdata/canary/places.ndjson"
	cat records.ndjson "$EHR_ROOT/testdata/ward/upload.ndjson" | grep '"id":' >in
}

setup() {
	cd "$BATS_FILE_TMPDIR" || return 1
}

# Prints the versions of the records in file $2 by policy $1: a line "id level path=value" for each leaf, sorted.
leaves() {
	ehr-classify -P "$1" "$2" 2>/dev/null | ehr-redact -P "$1" -S site | perl -MJSON::PP -ne '
	BEGIN { $json = JSON::PP->new->canonical->allow_nonref }
	sub leaves { my ($x, $at) = @_;
		if (ref $x eq "HASH") { leaves($x->{$_}, "$at.$_") for keys %$x }
		elsif (ref $x eq "ARRAY") { leaves($_, "$at\[]") for @$x }
		else { print "$tags $at=", $json->encode($x), "\n" } }
	my $line = $json->decode($_);
	$tags = "$line->{ehr}{id} $line->{ehr}{rl}";
	leaves($line->{record}, "")' | grep -v '/~' | LC_ALL=C sort
}

@test "P8: another rule never lets a leaf of any version out" {
	local policy rule
	for policy in shown hidden; do
		leaves $policy in >before
		while read -r rule; do
			rm -rf other && cp -r $policy other
			sed -i "s~^rules:~rules:\n  - $rule~" other/classify.yaml
			leaves other in >after
			[ "$(wc -l <after)" -gt 2000 ]
			! cmp -s before after || return 1
			LC_ALL=C comm -13 before after >news
			empty news
		done <<-'END'
			{id: extra, say: X., type: [Observation], where: {.status: final}, at: resource, label: {level: M}}
			{id: extra, say: X., where: {anywhere: {codes: ["loinc|*"]}}, label: {level: R, sensitivity: [HIV]}}
			{id: extra, say: X., at: "..|.display?", label: {level: V}}
			{id: extra, say: X., at: ".subject, .contained[0], .entry[0]", label: {level: R}}
			{id: extra, say: X., at: ".meta, .status, .period.start, .name[0].given[1]", label: {level: V}}
		END
	done
}

@test "P8: another floor never lets a leaf of any version out" {
	local code
	for code in M R V; do
		leaves shown in | grep -v '\.meta\.security\[\]' >before
		sed -E "s|^\{|{\"meta\":{\"security\":[{\"code\":\"$code\"}]},|" in | grep -v '"meta":.*"meta":' >floors
		[ "$(wc -l <floors)" -gt 60 ]
		leaves shown floors | grep -v '\.meta\.security\[\]' >after
		LC_ALL=C comm -13 before after >news
		empty news
	done
}

@test "P9: the order of a record's members and of a policy's rules changes nothing but order" {
	local policy seed
	for policy in shown hidden; do
		leaves $policy in >before
		for seed in 1 2; do
			perl "$EHR_ROOT/tests/property/disturb.pl" members - $seed <in >turned
			! cmp -s in turned || return 1
			leaves $policy turned | cmp before -
		done
		# The value sets and the rules in reverse order, each with the lines that are indented under it.
		rm -rf other && cp -r $policy other
		perl -0pe 's{^(value_sets|rules):\n((?:  .*\n)+)}{"$1:\n" . join "", reverse split /^(?=  \S)/m, $2}gme' \
			$policy/classify.yaml >other/classify.yaml
		! cmp -s $policy/classify.yaml other/classify.yaml || return 1
		cmp <(LC_ALL=C sort $policy/classify.yaml) <(LC_ALL=C sort other/classify.yaml)
		leaves other in | cmp before -
	done
}
