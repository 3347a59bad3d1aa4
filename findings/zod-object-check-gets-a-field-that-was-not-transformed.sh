#!/usr/bin/env bash
# zod 4.6.7: where a bound of a field (`min`) fails, its `.transform` is left out and the check of the object around it runs all the
# same, with the field as it came in. Types say that it has been transformed; a `.refine` that takes it so throws a TypeError
# out of `safeParse`. Where the field is of the wrong type altogether the check is not run.
# Expected: the outer check runs for what its types describe, or not at all.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm install --silent --no-audit --no-fund --prefix "$dir" zod@4.6.7 >/dev/null
cat >ask.mjs <<'JS'
import { z } from 'zod';
const length = z.array(z.string()).min(1).transform((list) => list.length);
for (const a of [['x'], [], 3]) {
  let seen = 'not run';
  const { success } = z.object({ a: length }).check(({ value }) => { seen = `run with ${JSON.stringify(value.a)}`; }).safeParse({ a });
  console.log(`${JSON.stringify(a)}: ${success ? 'valid' : 'invalid'}, check ${seen}`);
}
const named = z.string().min(2).transform((text) => ({ text }));
try {
  z.object({ a: named }).refine(({ a }) => a.text.length < 9).safeParse({ a: 'x' });
} catch (error) {
  console.log(`safeParse throws a ${error.name}`);
}
JS
seen=$(node ask.mjs)
echo "$seen"
[ "$seen" = $'["x"]: valid, check run with 1\n[]: invalid, check run with []\n3: invalid, check not run\nsafeParse throws a TypeError' ]
