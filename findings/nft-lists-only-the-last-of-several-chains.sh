#!/usr/bin/env bash
# nft 1.0.6 (Debian 12): of several `list chain` in one run, separated by `;` or on lines of a file, all but the last fail
# with "No such file or directory", also for chains of different tables, and nft prints nothing at all. Each by itself works.
# Expected: as many listings. The filter by which it fetches chains from the kernel is one for the whole run, the last one's.
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo "needs root for a network namespace" >&2; exit 77; }
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
apt-get download -qq nftables=1.0.6-2+deb12u2 libnftables1=1.0.6-2+deb12u2 >/dev/null
for package in ./*.deb; do dpkg-deb -x "$package" .; done
export LD_LIBRARY_PATH="$dir/usr/lib/$(uname -m)-linux-gnu" nft="$dir/usr/sbin/nft" HOME="$dir"
unshare --net bash -uc '
  "$nft" "add table inet t; add chain inet t one; add table ip u; add chain ip u two"
  "$nft" list chain inet t one >/dev/null; echo "one: $?"
  "$nft" list chain ip u two >/dev/null; echo "two: $?"
  "$nft" "list chain inet t one; list chain ip u two" >out 2>err; echo "both: $?, $(wc -c <out) bytes"; head -n 1 err
  printf "list chain ip u two\nlist chain inet t one\n" >file
  "$nft" -f file >out 2>err; echo "file: $?, $(wc -c <out) bytes"; grep -c "No such file" err' >seen
cat seen
[ "$(cat seen)" = $'one: 0\ntwo: 0\nboth: 1, 0 bytes\nError: No such file or directory\nfile: 1, 0 bytes\n1' ]
