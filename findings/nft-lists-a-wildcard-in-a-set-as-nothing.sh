#!/usr/bin/env bash
# nft 1.0.6 (Debian 12) lists `iifname { "a*", "b" }` in JSON as one range from the empty string to the empty string:
# both names are gone, and nft refuses its own listing. Expected: the two names. The listing for people shows `""-""`.
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo "needs root for a network namespace" >&2; exit 77; }
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
apt-get download -qq nftables=1.0.6-2+deb12u2 libnftables1=1.0.6-2+deb12u2 >/dev/null
for package in ./*.deb; do dpkg-deb -x "$package" .; done
export LD_LIBRARY_PATH="$dir/usr/lib/$(uname -m)-linux-gnu" nft="$dir/usr/sbin/nft"
printf 'table inet t {\n chain c {\n type filter hook forward priority 0\n iifname { "a*", "b" } accept\n }\n}\n' >rules.nft
unshare --net bash -euc '
  "$nft" -f rules.nft; "$nft" list ruleset; "$nft" -j list ruleset >listing.json
  "$nft" flush ruleset; "$nft" -j -f listing.json 2>refusal && exit 1; cat listing.json refusal' >seen
cat seen
grep -qF 'iifname { ""-"" } accept' seen
grep -qF '"right": {"set": [{"range": ["", ""]}]}' seen
grep -qF 'Empty string is not allowed' seen
