# usage: cut.pl TRACE SEED CUTS FOLDER
# What a power cut leaves of a folder, from a trace of tests/lib/disk.c. For each of CUTS moments it makes FOLDER/N with
# the files as they may be then, and FOLDER/N.said with what was said on standard output before. A sector (512 bytes)
# that was written after the last sync of its file holds, at random, what it held before or any of the later writes; so
# the disk drops some and reorders the others. A name that was made or taken away after the last sync of the folder is
# there or is not.
use strict;
use warnings;

my ($trace, $seed, $cuts, $to) = @ARGV;
use constant SECTOR => 512;
srand $seed;

open my $in, '<:raw', $trace or die "$trace: $!\n";
my @record;
# A number of an inode is used again for a new file, so files are counted here.
my (%is, %named);
my $files = 0;
while (my $head = <$in>) {
	chomp $head;
	my @word = split / /, $head, 4;
	my $size = $word[0] eq 'W' ? $word[3] : $word[0] eq 'A' ? $word[1] : 0;
	my $data = '';
	$size == 0 or read($in, $data, $size) == $size or die "$trace: cut\n";
	if ($word[0] eq 'N') {
		next if defined $named{ $word[2] };
		$is{ $word[1] } = ++$files;
		$named{ $word[2] } = 1;
	} elsif ($word[0] eq 'U') {
		delete $named{ $word[1] };
	} elsif ($word[0] eq 'R') {
		delete $named{ $word[1] };
		$named{ $word[2] } = 1;
	}
	$word[1] = $is{ $word[1] } // die "$trace: a file without a name\n" if $word[0] =~ /^[WTSN]$/;
	push @record, [ $data, @word ];
}
my ($first) = grep { $record[$_][1] eq 'A' } 0 .. $#record;
defined $first or die "nothing was said\n";

my %moment;
my $room = @record - $first;
$moment{ $first + 1 + int rand $room }++ while keys %moment < ($cuts < $room ? $cuts : $room);

my %file;     # INODE => what is on the disk for sure
my %pending;  # INODE => [records since its last sync]
my (%name, @names);  # the folder on the disk; changes since its last sync
my $said = '';

sub put {
	my ($bytes, $at, $data) = @_;
	$$bytes .= "\0" x ($at - length $$bytes) if $at > length $$bytes;
	substr($$bytes, $at, length $data) = $data;
}

sub resize {
	my ($bytes, $size) = @_;
	$$bytes = length $$bytes > $size ? substr($$bytes, 0, $size) : $$bytes . "\0" x ($size - length $$bytes);
}

# The file when all its records are done.
sub settle {
	my ($inode) = @_;
	my $bytes = $file{$inode} // '';
	for my $r (@{ $pending{$inode} // [] }) {
		$r->[1] eq 'T' ? resize(\$bytes, $r->[3]) : put(\$bytes, $r->[3], $r->[0]);
	}
	return $bytes;
}

sub shuffle {
	my @of = @_;
	for (my $i = @of; --$i > 0;) {
		my $j = int rand($i + 1);
		@of[ $i, $j ] = @of[ $j, $i ];
	}
	return @of;
}

# The file as a cut may leave it; KEPT is how likely a sector is written.
sub tear {
	my ($inode, $kept) = @_;
	my $bytes = $file{$inode} // '';
	my @piece;
	for my $r (@{ $pending{$inode} // [] }) {
		if ($r->[1] eq 'T') {
			push @piece, $r;
			next;
		}
		my ($data, $at) = ($r->[0], $r->[3]);
		while (length $data > 0) {
			my $size = SECTOR - $at % SECTOR;
			push @piece, [ substr($data, 0, $size), 'W', $inode, $at ];
			$data = length $data > $size ? substr($data, $size) : '';
			$at += $size;
		}
	}
	for my $r (shuffle(grep { rand() < $kept } @piece)) {
		$r->[1] eq 'T' ? resize(\$bytes, $r->[3]) : put(\$bytes, $r->[3], $r->[0]);
	}
	return $bytes;
}

sub apply_name {
	my ($names, $r) = @_;
	if ($r->[1] eq 'N') { $names->{ $r->[3] } = $r->[2] }
	elsif ($r->[1] eq 'U') { delete $names->{ $r->[2] } }
	else { $names->{ $r->[3] } = delete $names->{ $r->[2] } }
}

my $made = 0;
sub leave {
	my %now = %name;
	my $kept = (0, 0.5, 0.9, 1)[ $made % 4 ];
	# A folder's changes come in order, as file systems with a journal have it; how many of them is open.
	apply_name(\%now, $_) for @names[ 0 .. int(rand(@names + 1)) - 1 ];
	my $folder = "$to/" . ++$made;
	mkdir $folder, 0700 or die "$folder: $!\n";
	for my $file (keys %now) {
		open my $out, '>:raw', "$folder/$file" or die "$folder/$file: $!\n";
		print $out tear($now{$file}, $kept);
		close $out or die;
		chmod 0600, "$folder/$file";
	}
	open my $out, '>:raw', "$folder.said" or die;
	print $out $said;
	close $out or die;
}

for my $i (0 .. $#record) {
	my $r = $record[$i];
	my $what = $r->[1];
	if ($what eq 'W' || $what eq 'T') { push @{ $pending{ $r->[2] } }, $r }
	elsif ($what eq 'S') {
		$file{ $r->[2] } = settle($r->[2]);
		$pending{ $r->[2] } = [];
	}
	elsif ($what eq 'D') {
		apply_name(\%name, $_) for @names;
		@names = ();
	}
	elsif ($what =~ /[NUR]/) { push @names, $r }
	elsif ($what eq 'A') { $said .= $r->[0] }
	leave() if $moment{ $i + 1 };
}
