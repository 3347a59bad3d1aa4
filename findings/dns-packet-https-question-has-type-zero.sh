#!/usr/bin/env bash
# dns-packet 5.6.1 does not know the record type HTTPS (65). Expected: an error, or the number 65 on the wire.
# Seen: the question is encoded without a word as type 0, so the resolver is asked for something else.
# An answer of type SVCB (64) ends with an error about a size instead of one about the type.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm install --silent --no-audit --no-fund --prefix "$dir" dns-packet@5.6.1 >/dev/null
cat >ask.mjs <<'JS'
import dns from 'dns-packet';
const wire = dns.encode({ type: 'query', id: 1, questions: [{ type: 'HTTPS', name: 'a.example' }] });
console.log('type on the wire:', wire.readUInt16BE(wire.length - 4));
console.log('read back as:', dns.decode(wire).questions[0].type);
JS
seen=$(node ask.mjs)
echo "$seen"
[ "$seen" = $'type on the wire: 0\nread back as: UNKNOWN_0' ]
