#!/usr/bin/env bash
# conntrack 1.4.7 (Debian 12): `conntrack -F -f ipv6` says that it emptied the table, and it did: IPv4 too.
# Expected: the IPv6 entries only, as `-L -f ipv6` lists those only. The kernel looks at the family of a flush only in
# messages of version 1, and the tool sends version 0 (seen on Linux 6.18).
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo "needs root for a network namespace" >&2; exit 77; }
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
apt-get download -qq conntrack=1:1.4.7-1+b2 libnetfilter-conntrack3 libnfnetlink0 libmnl0 >/dev/null
for package in ./*.deb; do dpkg-deb -x "$package" .; done
export LD_LIBRARY_PATH="$dir/usr/lib/$(uname -m)-linux-gnu" conntrack="$dir/usr/sbin/conntrack"
unshare --net bash -euc '
  "$conntrack" -I -p udp -s 192.0.2.1 -d 192.0.2.2 --sport 5 --dport 6 -t 100 >/dev/null 2>&1
  echo "before: $("$conntrack" -L -f ipv4 2>/dev/null | wc -l)"
  "$conntrack" -L -f ipv6 2>/dev/null | wc -l
  "$conntrack" -F -f ipv6 2>/dev/null
  echo "after: $("$conntrack" -L -f ipv4 2>/dev/null | wc -l)"' | tee seen
[ "$(cat seen)" = $'before: 1\n0\nafter: 0' ]
