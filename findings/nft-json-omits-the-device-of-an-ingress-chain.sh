#!/usr/bin/env bash
# nft 1.0.6 (Debian 12) on a newer kernel (seen on 6.18): the JSON of a netdev base chain that has one device does not name
# the device at all, and nft refuses that listing. Expected: `"dev": "lo"`, as it lists on the kernels of its time, and as
# the listing for people has it.
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo "needs root for a network namespace" >&2; exit 77; }
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
apt-get download -qq nftables=1.0.6-2+deb12u2 libnftables1=1.0.6-2+deb12u2 >/dev/null
for package in ./*.deb; do dpkg-deb -x "$package" .; done
export LD_LIBRARY_PATH="$dir/usr/lib/$(uname -m)-linux-gnu" nft="$dir/usr/sbin/nft"
printf 'table netdev t {\n chain c {\n type filter hook ingress device lo priority 0\n }\n}\n' >rules.nft
unshare --net bash -euc '
  "$nft" -f rules.nft; "$nft" list ruleset; "$nft" -j list ruleset >listing.json
  "$nft" flush ruleset; "$nft" -j -f listing.json 2>refusal && exit 1; cat listing.json refusal' >seen
uname -r; cat seen
grep -Eq 'device "?lo"?|devices = \{ "?lo"? \}' seen
grep -qF '"hook": "ingress", "prio": 0, "policy": "accept"}' seen && ! grep -q '"dev"' seen
grep -qF "Missing \`device' in this chain definition" seen
