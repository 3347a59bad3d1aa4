#!/usr/bin/env bash
# nft of nftables 1.0.6 (Debian 12), seen on Linux 6.18: in a table of the family inet, `reject with icmp port-unreachable` ends IPv4
# packets only, by a condition that nft puts in front of it (meta nfproto ipv4, as --debug=netlink shows). Neither the listing nor the
# JSON has that condition, or any other: the rule reads as one that ends every packet.
# Expected: the condition in the listing, as with `meta nfproto ipv4 reject`.
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo "needs root for network namespaces" >&2; exit 77; }
dir=$(mktemp -d); ns=finding-$$
clean() { ip netns del "$ns" 2>/dev/null || true; rm -rf "$dir"; }
trap clean EXIT; cd "$dir"
apt-get download -qq nftables=1.0.6-2+deb12u2 libnftables1=1.0.6-2+deb12u2 >/dev/null 2>&1
for package in ./*.deb; do dpkg-deb -x "$package" .; done
ip netns add "$ns"
nft() { ip netns exec "$ns" env LD_LIBRARY_PATH="$(dirname "$(find "$dir" -name 'libnftables.so.1' | head -n 1)")" "$dir/usr/sbin/nft" "$@"; }
nft 'add table inet t; add chain inet t c; add rule inet t c reject with icmp port-unreachable'
{
  echo "in words: $(nft list chain inet t c | grep reject | xargs)"
  echo "JSON: $(nft --json list chain inet t c | grep -o '"expr": \[.*\]}}' | sed 's/}}$//')"
  echo "in the kernel: $(nft --debug=netlink list chain inet t c | grep -c 'meta load nfproto')"
} | tee seen
[ "$(cat seen)" = 'in words: reject with icmp port-unreachable
JSON: "expr": [{"reject": {"type": "icmp", "expr": "port-unreachable"}}]
in the kernel: 1' ]
