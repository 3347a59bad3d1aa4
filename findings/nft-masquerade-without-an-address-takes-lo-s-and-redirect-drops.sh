#!/usr/bin/env bash
# nftables 1.0.6 (Debian 12), seen on Linux 6.18: `masquerade` out of a link that has no IPv4 address does not drop the packet: it
# leaves under an address of another link, here the global one of lo (inet_select_addr of Linux). `redirect` on a link
# without an address drops. Expected: both do the same.
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo "needs root for network namespaces" >&2; exit 77; }
dir=$(mktemp -d); host=finding-$$-host zone=finding-$$-zone far=finding-$$-far
clean() { for ns in "$host" "$zone" "$far"; do ip netns del "$ns" 2>/dev/null || true; done; rm -rf "$dir"; }
trap clean EXIT; cd "$dir"
apt-get download -qq nftables=1.0.6-2+deb12u2 libnftables1=1.0.6-2+deb12u2 >/dev/null 2>&1
for package in ./*.deb; do dpkg-deb -x "$package" .; done
export LD_LIBRARY_PATH="$dir/usr/lib/$(uname -m)-linux-gnu"
nft() { ip netns exec "$host" "$dir/usr/sbin/nft" "$@"; }
for ns in "$host" "$zone" "$far"; do ip netns add "$ns"; ip -n "$ns" link set lo up; done
ip -n "$host" link add in0 type veth peer name eth0 netns "$zone"; ip -n "$host" link add out0 type veth peer name eth0 netns "$far"
for link in in0 out0; do ip -n "$host" link set $link up; done; for ns in "$zone" "$far"; do ip -n "$ns" link set eth0 up; done
ip netns exec "$host" sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.in0.proxy_arp=1 net.ipv4.neigh.in0.proxy_delay=0
ip -n "$host" address add 203.0.113.5/32 dev lo; ip -n "$host" route add 10.0.0.7/32 dev in0; ip -n "$host" route add 198.51.100.10/32 dev out0
ip -n "$zone" address add 10.0.0.7/8 dev eth0; ip -n "$zone" route add default via 10.0.0.1
ip -n "$host" address add 10.0.0.1/32 dev lo scope host
ip -n "$far" address add 198.51.100.10/32 dev eth0; ip -n "$far" route add 203.0.113.5/32 dev eth0
nft 'table ip t { chain post { type nat hook postrouting priority 100; oifname "out0" masquerade; }; chain pre { type nat hook prerouting priority -100; iifname "in0" tcp dport 80 redirect to :8080; }; chain in { type filter hook input priority 0; tcp dport 8080 counter; }; }'
ask() { # port
  local answer
  answer=$(ip netns exec "$zone" timeout 2 bash -c "exec 3<>/dev/tcp/198.51.100.10/$1" 2>&1 || true)
  case $answer in *refused*) echo refused ;; *) echo silence ;; esac
}
ip netns exec "$far" "$dir/usr/sbin/nft" 'table ip t { set seen { type ipv4_addr; flags dynamic; size 9; }; chain c { type filter hook prerouting priority 0; tcp dport 443 add @seen { ip saddr }; }; }'
{
  echo "masquerade: $(ask 443), seen from $(ip netns exec "$far" "$dir/usr/sbin/nft" list set ip t seen | grep -oE '[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+')"
  echo "redirect: $(ask 80), taken by input: $(nft list chain ip t in | grep -oE 'packets [0-9]+')"
} | tee seen
[ "$(cat seen)" = $'masquerade: refused, seen from 203.0.113.5\nredirect: silence, taken by input: packets 0' ]
