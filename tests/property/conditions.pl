#!/usr/bin/perl
# conditions.pl SEED COUNT RECORDS DIR: a policy in DIR with COUNT pairs of rules that ask the same, N as a native condition
# (w0, w1, ..) and as an expression of jq (j0, j1, ..), and RECORDS records on standard output.
#
# The expressions carry three values: 2 true, 1 unknown, 0 false; a rule takes unknown as true.
use strict;
use warnings;

my ($seed, $count, $records, $dir) = @ARGV;
srand $seed;

sub one { $_[int rand @_] }

# A path, and the same as nodes that are there.
my %member = map { $_ => "(objects | select(has(\"$_\")) | .$_)" } qw(s t n q d l o code system coding);
my $each = '((arrays, objects) | .[])';
my @paths = (
	(map { [".$_", $member{$_}] } qw(s t n q d l o)),
	(map { [".o.$_", "($member{o} | $member{$_})"] } qw(s t n d)),
	['.l[]', "($member{l} | $each)"],
	(map { [".l[].$_", "($member{l} | $each | $member{$_})"] } qw(s t n d)),
	['.["s"]', $member{s}], ['.s, .t', "($member{s}, $member{t})"], ['.l[1]', '(' . $member{l} . ' | arrays | select(length > 1) | .[1])'],
	['.. | .s?', "(.. | $member{s})"], ['.l[] | select(.s == "final")', "($member{l} | $each | objects | select(.s == \"final\"))"]);
my @strings = ('final', 'FINAL', 'amended', 'fin', "f\xc3\xbcr", '', 'a|b');
my @numbers = (0, 1, 1.5, -2, 91, 92, '92.0', '9.2e1', 1000);
my @dates = qw(2025 2026 2026-03 2026-04 2026-03-31 2026-04-01);

sub quoted { my $s = shift; $s =~ s/(["\\])/\\$1/g; "\"$s\"" }

# In jq: the truth of a yes or no; the truth of a test that some node passes; the first day of a date and the one behind it.
sub bit { "(if $_[0] then 2 else 0 end)" }
sub some { "([0, ($_[0] | $_[1])] | max)" }
my $span = '(if type == "string" and test("^[0-9]{4}(-[0-9]{2}){0,2}$") then split("-") | map(tonumber) | ' .
	'(.[0] * 372 + ((.[1] // 1) - 1) * 31 + (.[2] // 1) - 1) as $from | ' .
	'[$from, $from + if length == 3 then 1 elif length == 2 then 31 else 372 end] else [null, null] end)';

sub scalar_value { my $r = rand; $r < .5 ? quoted(one @strings) : $r < .8 ? one(@numbers) : one(qw(true false)) }

# The first day of a date and of the time behind it, in months of 31 days.
sub span {
	my ($y, $m, $d) = split /-/, shift;
	my $from = $y * 372 + (($m // 1) - 1) * 31 + ($d // 1) - 1;
	($from, $from + (defined $d ? 1 : defined $m ? 31 : 372));
}

# A test of a node: native and in jq.
sub test {
	my $r = int rand 8;
	if ($r == 0) { my $v = scalar_value; return ("{is: $v}", bit(". == $v")) }
	if ($r == 1) {
		my @v = map { scalar_value } 0 .. rand 3;
		return ('[' . join(', ', @v) . ']', bit(join(' or ', map { ". == $_" } @v)));
	}
	if ($r == 2) {
		my @v = map { quoted(one(grep { $_ ne '' } @strings)) } 0 .. rand 2;
		return ('{prefix: [' . join(', ', @v) . ']}', bit('type == "string" and (' . join(' or ', map { "startswith($_)" } @v) . ')'));
	}
	if ($r < 5) {
		my ($name, $sign) = @{one(['below', '<'], ['at_most', '<='], ['above', '>'], ['at_least', '>='])};
		my $n = one(@numbers);
		return ("{$name: $n}", "(if type == \"number\" then " . bit(". $sign $n") . " else 1 end)");
	}
	if ($r == 5) {
		my ($a, $b) = sort { $a <=> $b } one(@numbers), one(@numbers);
		return ("{between: [$a, $b]}", "(if type == \"number\" then " . bit(". >= $a and . <= $b") . " else 1 end)");
	}
	if ($r == 6) {
		my $date = one(@dates);
		my ($from, $until) = span($date);
		return ("{after: $date}", "($span as [\$a, \$b] | if \$a == null then 1 elif \$a >= $until then 2 elif \$b <= $until then 0 else 1 end)")
			if rand() < .5;
		return ("{before: $date}", "($span as [\$a, \$b] | if \$a == null then 1 elif \$b <= $from then 2 elif \$a >= $from then 0 else 1 end)");
	}
	my ($native, $jq) = condition(1);
	return ("{where: $native}", $jq);
}

sub condition {
	my ($depth) = @_;
	my $r = rand;
	if ($r < .25 && $depth < 3) {
		my @of = map { [condition($depth + 1)] } 0 .. rand 3;
		my $list = '[' . join(', ', map { $_->[0] } @of) . ']';
		my $all = '[' . join(', ', map { $_->[1] } @of) . ']';
		return @{one(["{any: $list}", "($all | max)"], ["{all: $list}", "($all | min)"], ["{none: $list}", "(2 - ($all | max))"], [$list, "($all | min)"])};
	}
	if ($r < .35) {
		my $v = scalar_value;
		return ("{anywhere: $v}", some("..", bit(". == $v"))) if rand() < .5;
		my $code = one(qw(1-1 2-2));
		return ("{anywhere: {codes: [\"urn:x|$code\"]}}", some("..", bit("type == \"object\" and .system == \"urn:x\" and .code == \"$code\"")));
	}
	my ($path, $nodes) = @{one(@paths)};
	my $key = "'$path'";
	if ($r < .45) {
		return ("{$key: {present: true}}", some($nodes, bit(". != null"))) if rand() < .5;
		return ("{$key: {present: false}}", "(2 - " . some($nodes, bit(". != null")) . ")");
	}
	my ($native, $jq) = test();
	return ("{$key: {not: $native}}", "(2 - " . some($nodes, $jq) . ")") if $r < .6;
	return ("{$key: $native}", some($nodes, $jq));
}

sub write_file { my ($name, $text) = @_; open my $f, '>', "$dir/$name" or die; print $f $text or die; close $f or die }

write_file('policy.yaml', <<'YAML');
policy: 1
name: pairs
serial: 1
levels: [{name: L, al: 0}, {name: R, al: 1}]
record: {type: {const: Reading}, id: .id}
YAML
my $rules = '';
for my $i (0 .. $count - 1) {
	my ($native, $jq) = condition(0);
	my $when = "$jq > 0";
	$when =~ s/'/''/g;
	$rules .= "  - {id: w$i, say: W., where: $native, at: resource, label: {level: R}}\n";
	$rules .= "  - {id: j$i, say: J., when: '$when', at: resource, label: {level: R}}\n";
}
write_file('classify.yaml', "classify: 1\nsign_off: {by: , at: , serial: }\ndefault: L\nunknown_type: R\nbase: {Reading: {.: L}}\nrules:\n$rules");

sub value {
	my ($depth) = @_;
	my $r = rand;
	return quoted(one(@strings)) if $r < .35;
	return one(@numbers) if $r < .6;
	return quoted(one(@dates, '1', 'soon')) if $r < .75;
	return one('true', 'false', 'null') if $r < .82 || $depth > 2;
	return '[' . join(',', map { value($depth + 1) } 1 .. rand 4) . ']' if $r < .9;
	return '{"system":"urn:x","code":"' . one(qw(1-1 2-2 3-3)) . '"}' if $r < .93;
	return object($depth + 1);
}

sub object {
	my ($depth) = @_;
	my %seen;
	'{' . join(',', map { "\"$_\":" . ($_ eq 'l' && rand() < .8 ? '[' . join(',', map { rand() < .6 ? object($depth + 1) : value($depth + 1) } 1 .. rand 4) . ']'
		: $_ eq 'o' && rand() < .8 && $depth < 3 ? object($depth + 1) : value($depth + 1)) } grep { !$seen{$_}++ } map { one(qw(s t n d q l o)) } 1 .. 5) . '}';
}

print "{\"id\":\"r$_\"," . substr(object(0), 1) . "\n" for 1 .. $records;
