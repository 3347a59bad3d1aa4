#!/usr/bin/env bash
# Node 26.10.0: `fs.rmSync(file)` on a file system that is mounted read-only throws an error whose `code` is empty and whose
# message begins with ", Unknown error". Expected: EROFS, as `fs.unlinkSync` gives for the same file, so that a caller can
# tell it from other refusals.
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo "needs root for a mount namespace" >&2; exit 77; }
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm install --silent --no-audit --no-fund --prefix "$dir" "node-linux-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')@26.10.0" >/dev/null
node=$(echo "$dir"/node_modules/node-linux-*/bin/node)
mkdir place; touch place/file
cat >remove.cjs <<'JS'
const fs = require('node:fs');
for (const verb of ['rmSync', 'unlinkSync']) {
  try { fs[verb]('place/file'); } catch (error) { console.log(verb, JSON.stringify(error.code ?? null), error.message.split("'")[0].trim()); }
}
JS
unshare --mount bash -euc 'mount -t tmpfs none place; touch place/file; mount -o remount,ro place; "$0" --version; "$0" remove.cjs' "$node" | tee seen
grep -q '^v26.10.0$' seen
grep -qF 'rmSync "" , Unknown error: Read-only file system' seen
grep -qF 'unlinkSync "EROFS" EROFS: read-only file system, unlink' seen
