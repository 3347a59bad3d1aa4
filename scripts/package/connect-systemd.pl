# Gives the program that follows its sockets to systemd, connected, as the descriptors that NOTIFY_FD (sd_notify(3)) and
# JOURNAL_FD (the journal's native protocol) name. Node can write to such a socket and not make one; systemd then hears it
# from the main process itself, and need not listen to its children. Perl is part of every Debian.
# First argument: the journal's socket. It is used only where standard output is the journal's, too (systemd.exec(5)).
use strict;
use warnings;
use Fcntl qw(F_SETFD F_GETFL F_SETFL O_NONBLOCK);
use Socket qw(AF_UNIX SOCK_DGRAM pack_sockaddr_un);

# Returns undef, with the reason in $!, where nobody listens. Neither a write nor its reader may hold the program up.
sub connected {
  my ($path) = @_;
  $path =~ s/^@/\0/;
  socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or return undef;
  connect($socket, pack_sockaddr_un($path)) or return undef;
  fcntl($socket, F_SETFL, fcntl($socket, F_GETFL, 0) | O_NONBLOCK) or return undef;
  fcntl($socket, F_SETFD, 0) or return undef;
  return $socket;
}

my ($journal_path, @program) = @ARGV;
my $notify = connected($ENV{NOTIFY_SOCKET}) or die "protect-network: $ENV{NOTIFY_SOCKET}: $!\n";
$ENV{NOTIFY_FD} = fileno($notify);

my $journal;
my ($device, $inode) = stat(STDOUT);
if ((delete $ENV{JOURNAL_STREAM} // '') eq "$device:$inode") {
  # Lines then go by standard output, without fields.
  $journal = connected($journal_path) or warn "protect-network: $journal_path: $!\n";
  $ENV{JOURNAL_FD} = fileno($journal) if $journal;
}
exec {$program[0]} @program or die "protect-network: $program[0]: $!\n";
