#!/usr/bin/perl
# disturb.pl values LEVEL SEED < labelled      replaces each scalar above LEVEL by another, of any kind and length
# disturb.pl entries LEVEL SEED < records      inserts entries above LEVEL: elements, components, identifiers,
#                                              contained resources, entries of Bundles
# disturb.pl members - SEED < records          shuffles the members of all objects
#
# The first two must not change a version of LEVEL.  The level of each node is computed here from the labels as
# the manual says, without the programs' own code.
use strict;
use warnings;

my ($mode, $limit, $seed) = @ARGV;
my @ladder = split ' ', $ENV{LADDER} || 'U L M N R V';
my $released = $ENV{RELEASED}; # pointers to what a transform of the policy may show lower than its level
my $ids = $ENV{KEEP_IDS};      # of resources: where a reader may see that something is missing, also which
my %rank;
@rank{@ladder} = 0 .. $#ladder;
srand $seed;

# JSON with positions: a node is {kind, from, to, child}, a child is [key or undef, node, from].
my $text;

sub space { $text =~ /\G[ \t\r\n]*/gc; return }

sub value {
	space();
	my $node = { from => pos $text };
	if ($text =~ /\G\{/gc) { $node->{kind} = 'object'; members($node) }
	elsif ($text =~ /\G\[/gc) { $node->{kind} = 'array'; elements($node) }
	elsif ($text =~ /\G"(?:[^"\\]|\\.)*+"/gc) { $node->{kind} = 'string' }
	elsif ($text =~ /\G[-+.0-9A-Za-z]+/gc) { $node->{kind} = 'word' }
	else { die 'disturb.pl: no JSON in line ' . $. . "\n" }
	$node->{to} = pos $text;
	return $node;
}

sub members {
	my ($node) = @_;
	$node->{child} = [];
	space();
	return if $text =~ /\G\}/gc;
	do {
		space();
		my $from = pos $text;
		$text =~ /\G"((?:[^"\\]|\\.)*+)"/gc or die "disturb.pl: a member without name\n";
		my $key = $1 =~ s/\\u([0-9a-fA-F]{4})/chr hex $1/ger =~ s{\\(.)}{$1}gr;
		space();
		$text =~ /\G:/gc or die "disturb.pl: a name without value\n";
		push @{ $node->{child} }, [ $key, value(), $from ];
		space();
	} while ($text =~ /\G,/gc);
	$text =~ /\G\}/gc or die "disturb.pl: an object without end\n";
	return;
}

sub elements {
	my ($node) = @_;
	$node->{child} = [];
	space();
	return if $text =~ /\G\]/gc;
	do {
		my $element = value();
		push @{ $node->{child} }, [ undef, $element, $element->{from} ];
		space();
	} while ($text =~ /\G,/gc);
	$text =~ /\G\]/gc or die "disturb.pl: an array without end\n";
	return;
}

sub parse { ($text) = @_; pos($text) = 0; return value() }
sub source { my ($node) = @_; return substr $text, $node->{from}, $node->{to} - $node->{from} }

sub member {
	my ($node, $key) = @_;
	return undef if !$node || $node->{kind} ne 'object';
	for my $child (@{ $node->{child} }) { return $child->[1] if $child->[0] eq $key }
	return undef;
}

sub string {
	my ($node) = @_;
	return undef if !$node || $node->{kind} ne 'string';
	my $s = source($node);
	return substr($s, 1, -1) =~ s/\\u([0-9a-fA-F]{4})/chr hex $1/ger =~ s{\\(.)}{$1}gr;
}

my @letters = ('a' .. 'z', 'A' .. 'Z', 0 .. 9, ' ', '/', '#', '-', ':', '\\n', '\\u00e9', '\\"');

sub other {
	my $die = int rand 12;
	return 'true' if $die == 0;
	return 'false' if $die == 1;
	return 'null' if $die == 2;
	return int(rand 1e6) if $die == 3;
	return '-0.' . int(rand 1e9) . 'E+' . int rand 9 if $die == 4;
	return '"#' . int(rand 3) . '"' if $die == 5;
	return '"2026-0' . (1 + int rand 9) . '-11"' if $die == 6;
	return '"Patient/p' . int(rand 9) . '"' if $die == 7;
	return '"' . join('', map { $letters[ rand @letters ] } 1 .. ($die == 8 ? 400 : rand 30)) . '"';
}

my (%base, %raise, @cuts);

# Labels on x hold for _x and the other way round, element by element.
sub join_labels {
	my ($x, $sibling) = @_;
	for my $of (\%base, \%raise) {
		my ($most) = sort { $b <=> $a } map { exists $of->{$_} ? $of->{$_} : () } $x, $sibling;
		$of->{$x} = $of->{$sibling} = $most if defined $most;
	}
	return;
}

sub join_siblings {
	my ($node, $at) = @_;
	for my $child (@{ $node->{child} }) {
		my ($key) = $child->[0] =~ /^_(.+)$/s or next;
		my $x = member($node, $key) or next;
		my @pair = map { "$at/" . ($_ =~ s/~/~0/gr =~ s{/}{~1}gr) } $key, "_$key";
		join_labels(@pair);
		next if $x->{kind} ne 'array' || $child->[1]{kind} ne 'array';
		join_labels("$pair[0]/$_", "$pair[1]/$_") for 0 .. $#{ $child->[1]{child} };
	}
	return;
}

sub disturb {
	my ($node, $at, $base, $raise) = @_;
	$base = $base{$at} if exists $base{$at};
	$raise = $raise{$at} if exists $raise{$at} && $raise{$at} > $raise;
	return if $released && $at =~ /$released/;
	if (!$node->{child}) {
		push @cuts, [ $node->{from}, $node->{to}, other() ] if ($base > $raise ? $base : $raise) > $rank{$limit};
		return;
	}
	join_siblings($node, $at) if $node->{kind} eq 'object';
	my $index = 0;
	for my $child (@{ $node->{child} }) {
		next if $ids && defined $child->[0] && $child->[0] eq 'id' && member($node, 'resourceType');
		my $name = defined $child->[0] ? $child->[0] =~ s/~/~0/gr =~ s{/}{~1}gr : $index++;
		disturb($child->[1], "$at/$name", $base, $raise);
	}
	return;
}

sub values_of {
	my ($line) = @_;
	my $top = parse($line);
	%base = %raise = ();
	@cuts = ();
	for my $label (map { $_->[1] } @{ member($top, 'labels')->{child} }) {
		next if member($label, 'criticality') || !member($label, 'level');
		my $at = string(member($label, 'at'));
		my $level = $rank{ string(member($label, 'level')) };
		my $from = string(member($label, 'rule')) =~ /^(?:base|default)$/ ? \%base : \%raise;
		$from->{$at} = $level if !exists $from->{$at} || $from->{$at} < $level;
	}
	disturb(member($top, 'record'), '', 0, 0);
	return cut($line);
}

sub cut {
	my ($line) = @_;
	for my $cut (sort { $b->[0] <=> $a->[0] } @cuts) {
		substr $line, $cut->[0], $cut->[1] - $cut->[0], $cut->[2];
	}
	return $line;
}

my $number = 0;

sub word { $number++; return "hidden-$seed-$number" }

sub inline_label {
	return '{"url":"http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-inline-sec-label",'
	  . '"valueCoding":{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"V"}}';
}

sub labelled_object {
	return '{"extension":[' . inline_label() . '],"valueCode":"' . word() . '","text":"' . word() . '"}';
}

sub labelled_resource {
	my $type = ('Observation', 'Condition', 'Bundle', 'Nonsense')[ rand 4 ];
	return qq({"resourceType":"$type","id":") . word()
	  . '","meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"V"}]},'
	  . '"interpretation":[{"coding":[{"code":"HH"}]}],"text":{"div":"<div>' . word() . '</div>"}}';
}

sub component {
	return '{"extension":[' . inline_label() . '],"code":{"coding":[{"system":"http://loinc.org","code":"' . word()
	  . '"}]},"interpretation":[{"coding":[{"code":"HH"}]}],"valueString":"' . word() . '"}';
}

# Inserts an element into the array KEY of NODE, before or behind the others.  A missing array is made.
sub insert {
	my ($node, $key, $element) = @_;
	my $array = member($node, $key);
	my $front = rand() < 0.5;
	if (!$array) {
		my @child = @{ $node->{child} };
		my $in = qq("$key":[$element]);
		if (!@child) { push @cuts, [ $node->{to} - 1, $node->{to} - 1, $in ] }
		elsif ($front) { push @cuts, [ $child[0][2], $child[0][2], "$in," ] }
		else { push @cuts, [ $child[-1][1]{to}, $child[-1][1]{to}, ",$in" ] }
		return;
	}
	return if $array->{kind} ne 'array';
	my @child = @{ $array->{child} };
	if (!@child) { push @cuts, [ $array->{to} - 1, $array->{to} - 1, $element ] }
	elsif ($front) { push @cuts, [ $child[0][1]{from}, $child[0][1]{from}, "$element," ] }
	else { push @cuts, [ $child[-1][1]{to}, $child[-1][1]{to}, ",$element" ] }
	return;
}

sub insert_into {
	my ($node, $depth) = @_;
	my $type = string(member($node, 'resourceType'));
	if (defined $type) {
		insert($node, 'contained', labelled_resource()) if rand() < 0.4 && $depth < 3 && !member($node, 'entry');
		insert($node, 'entry', '{"fullUrl":"urn:uuid:' . word() . '","resource":' . labelled_resource() . '}')
		  if $type eq 'Bundle' && rand() < 0.8;
		insert($node, 'component', component()) if $type eq 'Observation' && rand() < 0.5;
		insert($node, 'identifier', '{"extension":[' . inline_label() . '],"value":"' . word() . '"}')
		  if $type eq 'Patient' && $depth == 0 && rand() < 0.5;
		insert($node, 'note', labelled_object()) if rand() < 0.3 && !member($node, 'note');
	}
	elsif ($node->{kind} eq 'object' && rand() < 0.1 && !member($node, 'url')) {
		insert($node, ('modifierExtension', 'part', 'odd key', '_odd')[ rand 4 ], labelled_object());
	}
	return if !$node->{child};
	for my $child (@{ $node->{child} }) {
		next if defined $child->[0] && $child->[0] =~ /^(?:meta|_.*|extension|modifierExtension|part|note)$/;
		insert_into($child->[1], $depth + 1) if $child->[1]{child};
	}
	return;
}

sub entries_of {
	my ($line) = @_;
	my $top = parse($line);
	@cuts = ();
	insert_into($top, 0);
	return cut($line);
}

sub shuffled {
	my ($node) = @_;
	return source($node) if !$node->{child};
	my @parts = map {
		my $name = defined $_->[0] ? substr($text, $_->[2], index($text, ':', $_->[2] + 1 + keylength($_)) - $_->[2]) . ':' : '';
		$name . shuffled($_->[1])
	} @{ $node->{child} };
	if ($node->{kind} eq 'object') {
		for my $i (reverse 1 .. $#parts) { my $j = int rand $i + 1; @parts[ $i, $j ] = @parts[ $j, $i ] }
		return '{' . join(',', @parts) . '}';
	}
	return '[' . join(',', @parts) . ']';
}

sub keylength {
	my ($child) = @_;
	substr($text, $child->[2]) =~ /^"(?:[^"\\]|\\.)*+"/;
	return $+[0] - 1;
}

while (my $line = <STDIN>) {
	print values_of($line) if $mode eq 'values';
	print entries_of($line) if $mode eq 'entries';
	print shuffled(parse($line)), "\n" if $mode eq 'members';
}
