# shellcheck shell=bash
# For the tests of what input costs, tests/property/cost-*.bats.  Instructions are counted: time decides nothing.
# Names chosen to collide, and one name many times, cost what other names cost.  With 2,000 names a table that is searched
# from end to end costs a sixth more, with 200,000 twenty times as much.  Twice the input costs about twice.
#
#	names KIND COUNT WIDTH [PREFIX]   names, one a line
#	cost PROGRAM ...                  the instructions of a run; its output is in out.counted
#	bounded HARMLESS CRAFTED          holds if the second cost is hardly above the first
#	doubled ONCE TWICE                holds if the second cost is about twice the first
#	twice PROGRAM ...                 the same for the files once and twice

setup() {
	export LC_ALL=C TZ=UTC PATH="$EHR_BIN:$PATH" P="$EHR_ROOT/policies/hospital"
	cd "$BATS_TEST_TMPDIR" || return 1
	! native || command -v valgrind >tool || skip 'valgrind is not there'
}

# names KIND COUNT WIDTH [PREFIX]: ones whose FNV-1a has the same 20 low bits, 13 where there is less room, one many times, or harmless
# ones.  WIDTH letters each.  They collide behind PREFIX.
# The harmless ones are those that collide with each letter and digit replaced by the next: what looks like a code of some
# system is looked up in more ways, so both have the same form.
names() {
	perl -e '
		use integer;
		my ($kind, $count, $width, $prefix) = (@ARGV, "");
		my $mask = $width < 33 ? 0x1fff : 0xfffff;
		my @letters = ("A" .. "Z", "a" .. "z", 0 .. 9);
		sub fnv { my ($h, $text) = @_; $h = ($h ^ ord) * 0x1b3 & $mask for split //, $text; return $h }
		my @pair;
		my $state = fnv(0x222325 & $mask, $prefix);
		while (2 ** @pair < $count) {
			my %seen;
			TRY: for my $a (@letters) { for my $b (@letters) { for my $c ($width < 33 ? "" : @letters) {
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

# The processes that the command starts count, too.
cost() {
	valgrind --tool=callgrind --trace-children=yes --callgrind-out-file=/dev/null "$@" 2>counted >out.counted || true
	perl -ne '$all += $1 if /Collected : (\d+)/; END { print $all }' counted
}

# bounded HARMLESS CRAFTED: the costs of what both did.
bounded() {
	[ "$1" -gt 1000000 ]
	[ $((20 * $2)) -lt $((21 * $1)) ] || { printf 'costs %s instead of %s\n' "$2" "$1" >&2 && return 1; }
}

# doubled ONCE TWICE: the costs of some input and of twice as much.
doubled() {
	[ "$1" -gt 1000000 ]
	[ $((10 * $2)) -lt $((23 * $1)) ] || { printf 'twice the input costs %s instead of %s\n' "$2" "$1" >&2 && return 1; }
}

# twice PROGRAM ...: for the file once, and for the file twice, which has twice as much of everything.
twice() {
	doubled "$(cost "$@" once)" "$(cost "$@" twice)"
}
