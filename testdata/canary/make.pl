#!/usr/bin/perl
# Makes records of places.ndjson: every {{LEVEL}} becomes a token of 16 characters that occurs nowhere else.
# Writes records.ndjson and tokens.tsv (token, level below which it must not be seen, line) into the folder
# it runs in.  {{R:base64}} is a text with the token, in base64; {{R:escaped}} the token as \u escapes;
# {{R=name}} the same token wherever the name stands again in the record.
#
# make.pl PLACES LEVEL: the same records, but every token above LEVEL is another one, of another length.
use strict;
use warnings;
use Digest::SHA qw(sha256_base64);
use MIME::Base64 qw(encode_base64);

my ($tokens, $line, %named) = (0, 0);
my @ladder = qw(U L M N R V);
my %rank;
@rank{@ladder} = 0 .. $#ladder;

sub token {
	my ($level, $form) = @_;
	my $other = defined $ARGV[1] && $rank{$level} > $rank{ $ARGV[1] };
	my $digest = sha256_base64(($other ? 'another ' : 'canary ') . $tokens++) =~ tr{+/}{}dr;
	my $token = substr $digest, 0, $other ? 17 + $tokens % 20 : 16;
	print {*TOKENS} join("\t", $token, $level, $line), "\n";
	return encode_base64("what $token said, and more than that", '') if $form eq 'base64';
	return join '', map { sprintf '\u%04x', ord } split //, $token if $form eq 'escaped';
	return $token;
}

open my $places, '<', $ARGV[0] or die "make.pl: $ARGV[0]: $!\n";
open RECORDS, '>', 'records.ndjson' or die "make.pl: records.ndjson: $!\n";
open TOKENS, '>', 'tokens.tsv' or die "make.pl: tokens.tsv: $!\n";
while (<$places>) {
	next if /^#/ || /^$/;
	$line++;
	%named = ();
	s/\{\{(\w+)=(\w+)\}\}/$named{$2} \/\/= token($1, 'plain')/ge;
	s/\{\{(\w+)(?::(\w+))?\}\}/token($1, $2 || 'plain')/ge;
	print {*RECORDS} $_;
}
close RECORDS or die "make.pl: records.ndjson: $!\n";
close TOKENS or die "make.pl: tokens.tsv: $!\n";
