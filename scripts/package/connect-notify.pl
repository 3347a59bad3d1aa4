# Gives the program that follows a socket to the service manager (sd_notify(3)), connected, as the descriptor that
# NOTIFY_FD names. Node can write to such a socket and not make one; systemd then hears it from the main process itself,
# and need not listen to its children. Perl is part of every Debian.
use strict;
use warnings;
use Fcntl qw(F_SETFD F_GETFL F_SETFL O_NONBLOCK);
use Socket qw(AF_UNIX SOCK_DGRAM pack_sockaddr_un);

my $path = $ENV{NOTIFY_SOCKET};
$path =~ s/^@/\0/;
socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or die "protect-network: no socket: $!\n";
connect($socket, pack_sockaddr_un($path)) or die "protect-network: $ENV{NOTIFY_SOCKET}: $!\n";
fcntl($socket, F_SETFL, fcntl($socket, F_GETFL, 0) | O_NONBLOCK) or die "protect-network: fcntl: $!\n";
fcntl($socket, F_SETFD, 0) or die "protect-network: fcntl: $!\n";
$ENV{NOTIFY_FD} = fileno($socket);
exec {$ARGV[0]} @ARGV or die "protect-network: $ARGV[0]: $!\n";
