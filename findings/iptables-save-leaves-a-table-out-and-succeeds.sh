#!/usr/bin/env bash
# iptables 1.8.9 (nf_tables, Debian 12): one rule that nft made with a match of its own (`ct state`) in a table of iptables',
# and `iptables-save` prints not one rule of that table: a comment on standard output, nothing on standard error, exit code 0.
# A backup made by it is empty and looks like a success. `iptables -S` of the same table fails with 1. Expected: both fail, or
# save prints what it can.
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo "needs root for network namespaces" >&2; exit 77; }
dir=$(mktemp -d); ns=finding-$$
clean() { ip netns del "$ns" 2>/dev/null || true; rm -rf "$dir"; }
trap clean EXIT; cd "$dir"
apt-get download -qq nftables=1.0.6-2+deb12u2 libnftables1=1.0.6-2+deb12u2 iptables=1.8.9-2 libxtables12=1.8.9-2 >/dev/null 2>&1
for package in ./*.deb; do dpkg-deb -x "$package" .; done
lib="$dir/usr/lib/$(uname -m)-linux-gnu"
export LD_LIBRARY_PATH="$lib" XTABLES_LIBDIR="$lib/xtables"
ip netns add "$ns"
run() { local program=$1; shift; ip netns exec "$ns" "$dir/usr/sbin/$program" "$@"; }
run xtables-nft-multi iptables -A FORWARD -s 192.0.2.7 -j DROP
{
  echo "before: $(run xtables-nft-multi iptables-save 2>save.err | grep -c '^-A')"
  run nft add rule ip filter FORWARD ct state established accept
  code=0; run xtables-nft-multi iptables-save >save.out 2>save.err || code=$?
  echo "after: $(grep -c '^-A' save.out || true), errors $(wc -l <save.err), exit code $code"
  code=0; run xtables-nft-multi iptables -S FORWARD >/dev/null 2>&1 || code=$?
  echo "iptables -S: exit code $code"
} | tee seen
[ "$(cat seen)" = $'before: 1\nafter: 0, errors 0, exit code 0\niptables -S: exit code 1' ]
