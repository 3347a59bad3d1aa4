#!/usr/bin/env bash
# nft of nftables 1.0.6 (Debian 12), seen on Linux 6.18: `meta l4proto icmpv6` is understood on any host, and listed as `ipv6-icmp`,
# the name in /etc/protocols, where that file is. The listing, words or JSON, is then refused on a host without the file ("Could not
# resolve protocol name"), and `icmpv6` is not. The file is netbase's, which Debian's nftables recommends and can be without.
# Expected: a listing that the same version of nft reads anywhere, as it reads what it was given.
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo "needs root for network namespaces" >&2; exit 77; }
dir=$(mktemp -d); ns=finding-$$
clean() { ip netns del "$ns" 2>/dev/null || true; rm -rf "$dir"; }
trap clean EXIT; cd "$dir"
apt-get download -qq nftables=1.0.6-2+deb12u2 libnftables1=1.0.6-2+deb12u2 netbase=6.4 >/dev/null 2>&1
for package in ./*.deb; do dpkg-deb -x "$package" .; done
echo '# none' >none
ip netns add "$ns"
libraries=$(dirname "$(find "$dir" -name 'libnftables.so.1' | head -n 1)")
# nft on a host that has this as its /etc/protocols.
nft() {
  ip netns exec "$ns" unshare --mount bash -c 'mount -t tmpfs none /etc; cp "$1" /etc/protocols; shift; exec "$@"' - "$1" \
    env LD_LIBRARY_PATH="$libraries" "$dir/usr/sbin/nft" "${@:2}"
}
echo 'table inet t { chain c { meta l4proto icmpv6 accept; }; }' >given
nft none -f given
nft etc/protocols list ruleset >words
nft etc/protocols --json list ruleset >json
read_by() { if nft none --check "${@:2}" -f "$1" >/dev/null 2>error; then echo read; else echo "refused: $(grep -o 'Could not.*' error)"; fi; }
{
  echo "listed: $(grep l4proto words | xargs)"
  echo "without the file: $(nft none list ruleset | grep l4proto | xargs)"
  echo "given, without the file: $(read_by given)"
  echo "words, without the file: $(read_by words)"
  echo "JSON, without the file: $(read_by json --json)"
  echo "netbase: $(dpkg-deb --field nftables_*.deb Depends Recommends Suggests | grep netbase)"
} | tee seen
[ "$(cat seen)" = 'listed: meta l4proto ipv6-icmp accept
without the file: meta l4proto 58 accept
given, without the file: read
words, without the file: refused: Could not resolve protocol name
JSON, without the file: refused: Could not resolve protocol name
netbase: Recommends: netbase' ]
