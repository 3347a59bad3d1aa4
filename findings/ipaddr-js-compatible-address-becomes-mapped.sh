#!/usr/bin/env bash
# ipaddr.js 2.5.0: `::1.2.3.4` and `::102:304` are two spellings of one IPv6 address (RFC 4291 2.2, 2.5.5.1).
# Expected: the same bytes from both. Seen: the dotted one becomes ::ffff:1.2.3.4, another address, in another range.
# Behind any other prefix (64:ff9b::, 2001:db8::) the dotted form is read as it stands.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm install --silent --no-audit --no-fund --prefix "$dir" ipaddr.js@2.5.0 >/dev/null
cat >read.mjs <<'JS'
import ipaddr from 'ipaddr.js';
for (const text of ['::1.2.3.4', '::102:304', '64:ff9b::1.2.3.4']) console.log(text, ipaddr.parse(text).toString());
JS
seen=$(node read.mjs)
echo "$seen"
[ "$seen" = $'::1.2.3.4 ::ffff:102:304\n::102:304 ::102:304\n64:ff9b::1.2.3.4 64:ff9b::102:304' ]
