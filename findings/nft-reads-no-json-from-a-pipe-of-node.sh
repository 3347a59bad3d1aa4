#!/usr/bin/env bash
# Where Node and nft meet: `nft -j -f -` opens the path /dev/stdin, and what Node gives a child as piped stdin is a socket,
# which cannot be opened by path. Seen with nft 1.0.6 (Debian 12): "No such device or address", exit 1. The same words
# without -j are read, since nft then reads the descriptor. A shell's pipe works for both.
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo "needs root for a network namespace" >&2; exit 77; }
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
apt-get download -qq nftables=1.0.6-2+deb12u2 libnftables1=1.0.6-2+deb12u2 >/dev/null
for package in ./*.deb; do dpkg-deb -x "$package" .; done
export LD_LIBRARY_PATH="$dir/usr/lib/$(uname -m)-linux-gnu" nft="$dir/usr/sbin/nft"
cat >ask.mjs <<'JS'
import { spawnSync } from 'node:child_process';
const json = JSON.stringify({ nftables: [{ add: { table: { family: 'inet', name: 't' } } }] });
for (const [args, input] of [[['-j', '-f', '-'], json], [['-f', '-'], 'add table inet t\n']]) {
  const { status, stderr } = spawnSync(process.env.nft, args, { input, encoding: 'utf8' });
  console.log(args.join(' '), status, /No such device or address/.test(stderr) ? 'ENXIO' : stderr.trim());
}
JS
unshare --net node ask.mjs | tee seen
[ "$(sed 's/ *$//' seen)" = $'-j -f - 1 ENXIO\n-f - 0' ]
echo '{"nftables": [{"add": {"table": {"family": "inet", "name": "t"}}}]}' | unshare --net "$nft" -j -f -
