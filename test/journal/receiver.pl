# Stands for systemd-journald: takes datagrams of its native protocol at the socket that is its argument, and prints the
# fields of each as a line of JSON. Strict: what journald would throw away ends it.
use strict;
use warnings;
use JSON::PP;
use Socket qw(AF_UNIX SOCK_DGRAM pack_sockaddr_un);

my ($path) = @ARGV;
my $json = JSON::PP->new->canonical->latin1;
socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or die "socket: $!";
bind($socket, pack_sockaddr_un($path)) or die "bind: $!";
$| = 1;
print "listening\n";
alarm 120;
while (defined recv($socket, my $datagram, 1 << 20, 0)) {
  my %fields;
  while (length $datagram) {
    if ($datagram =~ s/\A([A-Z][A-Z0-9_]{0,63})=([^\n]*)\n//) {
      push @{$fields{$1}}, $2;
    } elsif ($datagram =~ s/\A([A-Z][A-Z0-9_]{0,63})\n(.{8})//s) {
      my ($name, $length) = ($1, unpack('Q<', $2));
      die "the value of $name is shorter than its length" if length $datagram <= $length;
      push @{$fields{$name}}, substr($datagram, 0, $length);
      $datagram = substr($datagram, $length);
      $datagram =~ s/\A\n// or die "no line end after $name";
    } else {
      die "no field: $datagram";
    }
  }
  print $json->encode(\%fields), "\n";
}
