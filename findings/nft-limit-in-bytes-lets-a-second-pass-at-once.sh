#!/usr/bin/env bash
# A rate limit in bytes of nftables (nft 1.0.6, Linux 6.18) lets through at once what the rate has in a second, and `burst` comes on top
# of that: with `100 kbytes/second burst 1 kbytes` some hundred of 200 datagrams of a kilobyte pass within milliseconds. A limit in packets
# does as nft(8) describes both: with `100/second burst 1 packets` one or two pass.
# Expected: one or two datagrams for either, since `burst` is what may exceed the rate.
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo "needs root for network namespaces" >&2; exit 77; }
dir=$(mktemp -d); ns=finding-$$
clean() { ip netns del "$ns" 2>/dev/null || true; rm -rf "$dir"; }
trap clean EXIT; cd "$dir"
apt-get download -qq nftables=1.0.6-2+deb12u2 libnftables1=1.0.6-2+deb12u2 >/dev/null 2>&1
for package in ./*.deb; do dpkg-deb -x "$package" .; done
libraries=$(dirname "$(find "$dir" -name 'libnftables.so.1' | head -n 1)")
nft() { ip netns exec "$ns" env LD_LIBRARY_PATH="$libraries" "$dir/usr/sbin/nft" "$@"; }
ip netns add "$ns"
ip netns exec "$ns" ip link set lo up
nft -f - <<'N'
table inet t {
  counter inbytes { }; counter inpackets { };
  chain c {
    type filter hook output priority 0
    udp dport 2001 limit rate 100 kbytes/second burst 1 kbytes counter name inbytes
    udp dport 2002 limit rate 100/second burst 1 packets counter name inpackets
  }
}
N
# A datagram of 1024 bytes in all; 200 take 2 ms.
flood='use Socket; socket(S,PF_INET,SOCK_DGRAM,0); for (1..200) { send(S,"x"x996,0,sockaddr_in($ARGV[0],inet_aton("127.0.0.1"))) }'
for port in 2001 2002; do ip netns exec "$ns" perl -e "$flood" "$port"; done
passed() { nft list counter inet t "in$1" | grep -oE 'packets [0-9]+' | cut -d' ' -f2; }
{
  for name in bytes packets; do
    count=$(passed "$name")
    echo "limit in $name: $([ "$count" -le 10 ] && echo '10 or fewer' || { [ "$count" -ge 90 ] && echo '90 or more' || echo "$count"; }) of 200 pass at once"
  done
} | tee seen
[ "$(cat seen)" = 'limit in bytes: 90 or more of 200 pass at once
limit in packets: 10 or fewer of 200 pass at once' ]
