#!/usr/bin/perl
# find.pl TOKENS VERSIONS: says which tokens stand in a version below their level, and which are missing where
# they must be: in the highest version.  Ends with 1 if there is anything to say.
#
# Each version line is searched as it is, unescaped, with all base64 in it decoded, and in lower case.
# ehr.id and ehr.subject are left out: they are the application server's own until the line is sealed.
use strict;
use warnings;
use MIME::Base64 qw(decode_base64);

my @ladder = split ' ', $ENV{LADDER} || 'U L M N R V';
my %rank;
@rank{@ladder} = 0 .. $#ladder;
my (%level, %line, %found, $bad);

open my $tokens, '<', $ARGV[0] or die "find.pl: $ARGV[0]: $!\n";
while (<$tokens>) {
	chomp;
	my ($token, $level, $line) = split /\t/;
	$level{ lc $token } = $level;
	$line{ lc $token } = $line;
}
open my $versions, '<', $ARGV[1] or die "find.pl: $ARGV[1]: $!\n";
while (my $text = <$versions>) {
	my ($rl) = $text =~ /"rl":"(\w+)"/ or die "find.pl: a line without rl\n";
	$text =~ s/"stage":"version","id":"(?:[^"\\]|\\.)*"(?:,"subject":"(?:[^"\\]|\\.)*")?//;
	my $unescaped = $text =~ s/\\u([0-9a-fA-F]{4})/chr hex $1/ger =~ s{\\(.)}{$1}gr;
	my $decoded = join ' ', map { decode_base64($_) } $unescaped =~ m{([A-Za-z0-9+/_-]{16,}=*)}g;
	my $all = lc "$text $unescaped $decoded";
	for my $token (keys %level) {
		next if index($all, $token) < 0;
		$found{$token} = 1 if $rl eq $ladder[-1];
		next if $rank{ $level{$token} } <= $rank{$rl};
		print "a token of level $level{$token}, record $line{$token}, is in its version $rl\n";
		$bad = 1;
	}
}
for my $token (sort keys %level) {
	next if $found{$token};
	print "a token of record $line{$token} is not even in the highest version\n";
	$bad = 1;
}
exit($bad ? 1 : 0);
