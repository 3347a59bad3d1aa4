#!/usr/bin/env bash
# nft 1.0.6 (Debian 12): a chain called `limits` is made, shown by `list ruleset`, read back from there, jumped to and
# deleted by that name; only `list chain` answers with a syntax error, for the plain form and for JSON output alike.
# Expected: a name that is accepted everywhere else is accepted there. Its scanner knows the plural names of objects
# (`limits`, `sets`, `maps`, `quotas` ...) behind the word `list` alone, so no other command warns whoever picks the name.
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo "needs root for a network namespace" >&2; exit 77; }
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
apt-get download -qq nftables=1.0.6-2+deb12u2 libnftables1=1.0.6-2+deb12u2 >/dev/null
for package in ./*.deb; do dpkg-deb -x "$package" .; done
export LD_LIBRARY_PATH="$dir/usr/lib/$(uname -m)-linux-gnu" nft="$dir/usr/sbin/nft" HOME="$dir"
unshare --net bash -uc '
  "$nft" add table inet t; echo "table: $?"
  "$nft" add chain inet t limits; echo "add: $?"
  "$nft" list ruleset | tee saved | grep -o "chain limits"
  "$nft" flush ruleset; "$nft" -f saved; echo "read back: $?"
  "$nft" list chain inet t limits 2>&1 | head -n 1
  "$nft" -j list chain inet t limits 2>&1 | head -n 1
  "$nft" delete chain inet t limits; echo "delete: $?"' >seen
cat seen
[ "$(grep -c 'syntax error, unexpected limits' seen)" = 2 ]
[ "$(grep -v Error seen)" = $'table: 0\nadd: 0\nchain limits\nread back: 0\ndelete: 0' ]
