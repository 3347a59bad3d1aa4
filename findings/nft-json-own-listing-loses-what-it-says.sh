#!/usr/bin/env bash
# nft 1.0.6 (Debian 12): `nft -j list ruleset | nft -j -f` succeeds and changes the ruleset without a word.
# Seen: a set's `auto-merge` is gone, a table with `flags dormant` comes
# back awake. Expected: the same ruleset, as with the listing for people, or an error.
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo "needs root for a network namespace" >&2; exit 77; }
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
apt-get download -qq nftables=1.0.6-2+deb12u2 libnftables1=1.0.6-2+deb12u2 >/dev/null
for package in ./*.deb; do dpkg-deb -x "$package" .; done
export LD_LIBRARY_PATH="$dir/usr/lib/$(uname -m)-linux-gnu" nft="$dir/usr/sbin/nft"
cat >rules.nft <<'NFT'
table inet sleeping {
	flags dormant

	set prefixes {
		type ipv4_addr
		flags interval
		auto-merge
		elements = { 10.0.0.0/8 }
	}
}
NFT
unshare --net bash -euc '
  "$nft" -f rules.nft; "$nft" list ruleset >before; "$nft" -j list ruleset >listing.json
  "$nft" flush ruleset; "$nft" -j -f listing.json; "$nft" list ruleset >after'
diff before after || true
grep -q 'flags dormant' before && grep -q auto-merge before
! grep -q 'flags dormant' after && ! grep -q auto-merge after && grep -q '10.0.0.0/8' after
