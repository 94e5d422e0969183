#!/usr/bin/perl
# same.pl disturb SEED COUNT FILE ...  COUNT lines of the files, each with one thing changed
# same.pl answer FOLDER OLD NEW I JOBS every command of FOLDER/asked whose number is I modulo JOBS, answered by the
#                                      programs in OLD and in NEW; prints what differs, and three counts
use strict;
use warnings;
use File::Find;
use File::Path qw(make_path remove_tree);
use MIME::Base64 qw(decode_base64url);

$| = 1;

# A generator of our own, so that every machine and every perl disturbs alike.
my $state;

sub below {
	my ($n) = @_;
	$state = ($state * 1103515245 + 12345) % 2147483648;
	return int($state / 65536) % $n;
}

my @tokens = split / /, 'null true 0 -1 1e999 "" "x" {} [] {"a":1} "\ud800" "\u0000" 01 . " , : } ] ehr "ehr":{}, 9999999999999999999 2026-13-01';

# Tokens of JSON, near enough: what a reader tells apart.
sub disturbed {
	my ($line) = @_;
	my @at;
	push @at, [ $-[0], $+[0] ] while $line =~ /"(?:[^"\\]|\\.)*"|[-+.0-9A-Za-z]+|[][{}:,]/g;
	return $line if !@at;
	# Half of the changes fall into the first 40 tokens, which is where the tags are.
	my $some = below(2) && @at > 40 ? 40 : scalar @at;
	my ($from, $to) = @{ $at[ below($some) ] };
	my $how = below(5);
	my $token = substr $line, $from, $to - $from;
	if ($how == 0) { $token = '' }
	elsif ($how == 1) { $token .= $token }
	elsif ($how == 2) { $token = $tokens[ below(scalar @tokens) ] }
	elsif ($how == 3) { substr($token, below(length $token), 1) = chr(33 + below(94)) }
	else { substr($token, below(length $token), 1) = '' }
	substr($line, $from, $to - $from) = $token;
	return $line;
}

sub disturb {
	my ($seed, $count, @files) = @_;
	$state = $seed;
	my @lines;
	for my $file (@files) {
		open my $in, '<', $file or die "same.pl: $file: $!\n";
		push @lines, <$in>;
	}
	chomp @lines;
	return if !@lines;
	print disturbed($lines[ below(scalar @lines) ]), "\n" for 1 .. $count;
	return;
}

# ---- what is random becomes a mark of its form --------------------------------------------------------
sub header_of {
	my ($text) = @_;
	my $json = decode_base64url($text);
	$json =~ s/"batch":"b_[\w-]{22}"/"batch":"b_"/g;
	$json =~ s/"epk":\{[^}]*\}/"epk":{}/g;
	return $json;
}

# Sealed lines: tags and header stay, without the batch; of the rest the lengths.
sub sealed_form {
	my $text = exact_form($_[0]);
	$text =~ s/"batch":"b_[\w-]{22}"/"batch":"b_"/g;
	$text =~ s/("protected":")([\w-]+)"/$1 . header_of($2) . '"'/ge;
	$text =~ s/("(?:encrypted_key|iv|ciphertext|tag)":")([\w-]*)"/$1 . length($2) . '"'/ge;
	return $text;
}

# Keys and what is signed or sealed with them: headers and claims stay, random values become ~.
sub key_form {
	my ($text) = @_;
	my $unpack = sub { my $json = decode_base64url($_[0]); return $json =~ /^[{][ -~]*[}]$/ ? $json : '~' };
	$text =~ s/\b(eyJ[\w-]{8,})/$unpack->($1)/ge;
	$text =~ s/-----BEGIN ([A-Z ]+)-----.*?-----END/-----BEGIN $1-----END/gs;
	$text = sealed_form($text);
	$text =~ s/("(?:ciphertext)":")\d+"/$1~"/g;
	$text =~ s{(/\d+/)[\w-]{8}(?![\w-])}{$1~}g;
	$text =~ s/[\w-]{20,}/length($&) > 60 ? '~' : '~' . length $&/ge if $text =~ /[\w-]{20}/;
	return $text;
}

# The time that a run took, in the summary of -v.
sub exact_form {
	my ($text) = @_;
	$text =~ s/, \d+\.\d s$/, ~ s/mg;
	return $text;
}

my %form = (exact => \&exact_form, sealed => \&sealed_form, keys => \&key_form);

# ---- comparing -------------------------------------------------------------------------------------------
sub content {
	my ($path) = @_;
	return "-> " . readlink $path if -l $path;
	open my $in, '<:raw', $path or return "unreadable: $!";
	local $/;
	my $text = <$in>;
	return defined $text ? $text : '';
}

# Name and content of all that one side's command printed and left, and each file's mode.
sub answers {
	my ($dir, $mode, $status) = @_;
	my %found = (status => [$status], map { ($_ => [content("$dir/$_")]) } qw(out err));
	find({ no_chdir => 1, wanted => sub {
		return if -d $_ && !-l $_;
		my $name = substr $_, 2 + length $dir;
		my $form = $mode eq 'keys' ? key_form($name) : $name;
		push @{ $found{$form} }, sprintf("%o\n", (lstat $_)[2]) . content($_);
	} }, "$dir/d");
	return \%found;
}

# The first line that differs, of either, cut.
sub first {
	my ($old, $new) = @_;
	my @old = split /\n/, $old, -1;
	my @new = split /\n/, $new, -1;
	my $at = 0;
	$at++ while $at < @old && $at < @new && $old[$at] eq $new[$at];
	my @two = map { defined $_ ? $_ : '(no such line)' } $old[$at], $new[$at];
	# Long lines from shortly before the place where they part.
	my $same = 0;
	$same++ while $same < length $two[0] && $same < length $two[1] && substr($two[0], $same, 1) eq substr $two[1], $same, 1;
	my $from = $same > 80 ? $same - 80 : 0;
	return sprintf "    line %d, byte %d\n    old: %s\n    new: %s\n", $at + 1, $same, map { substr $_, $from, 240 } @two;
}

sub differ {
	my ($old, $new, $mode) = @_;
	my ($text, $count) = ('', 0);
	my %names = (%$old, %$new);
	for my $name (sort keys %names) {
		my @old = @{ $old->{$name} || [] };
		my @new = @{ $new->{$name} || [] };
		$count += @old > @new ? @old : @new;
		next if "@old" eq "@new";
		my ($one, $other) = map { join '', sort map { $form{$mode}->($_) } @$_ } \@old, \@new;
		$text .= "  $name\n" . first($one, $other) if $one ne $other;
	}
	return ($text, $count);
}

# Runs a command by itself in an empty folder; what it printed and left.
sub run {
	my ($work, $programs, $command, $mode) = @_;
	my $pid = fork;
	die "same.pl: no process: $!\n" if !defined $pid;
	if (!$pid) {
		$ENV{PATH} = "$programs:$ENV{PATH}";
		$ENV{EHR_BIN} = $programs;
		open STDIN, '<', '/dev/null' or die;
		open STDOUT, '>', "$work/out" or die;
		open STDERR, '>', "$work/err" or die;
		chdir "$work/d" or die;
		exec 'sh', '-c', $command or die;
	}
	waitpid $pid, 0;
	my $found = answers($work, $mode, $? & 127 ? 128 + ($? & 127) : $? >> 8);
	remove_tree("$work/d", { keep_root => 1 });
	return $found;
}

sub answer {
	my ($work, $old, $new, $own, $jobs) = @_;
	my ($number, $commands, $compared, $differences) = (0, 0, 0, 0);
	make_path("$work/worker.$own/d");
	open my $asked, '<', "$work/asked" or die "same.pl: $work/asked: $!\n";
	while (my $line = <$asked>) {
		next if $number++ % $jobs != $own;
		chomp $line;
		my ($mode, $command) = split /\t/, $line, 2;
		my ($text, $count) = differ((map { run("$work/worker.$own", $_, $command, $mode) } $old, $new), $mode);
		$commands++;
		$compared += $count;
		next if $text eq '';
		$differences++;
		print "$command\n$text";
	}
	print "count: $commands $compared $differences\n";
	return;
}

my ($verb, @rest) = @ARGV;
if ($verb eq 'disturb') { disturb(@rest) }
elsif ($verb eq 'answer') { answer(@rest) }
else { die "same.pl: no verb $verb\n" }
