#!/usr/bin/env bash
# nft 1.0.6 (Debian 12): `flush ruleset` ends with 0 and leaves a table whose owner (`flags owner`) is another process.
# Expected: an empty ruleset, or an error such as `delete table` gives for the same table (EPERM). Whoever takes exit 0
# for "nothing is left" is wrong; firewalld 2.x owns its table this way.
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo "needs root for a network namespace" >&2; exit 77; }
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
apt-get download -qq nftables=1.0.6-2+deb12u2 libnftables1=1.0.6-2+deb12u2 >/dev/null
for package in ./*.deb; do dpkg-deb -x "$package" .; done
export LD_LIBRARY_PATH="$dir/usr/lib/$(uname -m)-linux-gnu" nft="$dir/usr/sbin/nft" HOME="$dir"
unshare --net bash -euc '
  mkfifo words; "$nft" -i <words >/dev/null 2>&1 & exec 9>words
  echo "add table inet owned { flags owner; }" >&9
  for try in $(seq 100); do "$nft" list tables | grep -q owned && break; sleep 0.05; done
  "$nft" add table inet plain
  "$nft" flush ruleset; echo "flush ruleset: $?"
  "$nft" list tables
  "$nft" delete table inet owned 2>&1 | head -n 1
  exec 9>&-; wait' >seen
cat seen
[ "$(head -n 2 seen)" = $'flush ruleset: 0\ntable inet owned' ]
grep -q 'Operation not permitted' seen
