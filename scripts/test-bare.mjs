// `npm run test:bare [-- COMMAND…]`: the whole suite, or a command, on a Debian that has nothing but what the set-up
// installs. Ends with the command's exit code. With `--ci`: the demo; and a failure where what installs things has changed
// since the whole suite passed there. `.ci/bare-suite`, which a whole run that passes writes, says when that was.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withBareRoot } from './bare-root.mjs';
import { isRoot, root } from './setup.mjs';

const demo = ['npm', 'start', '--', '--once'];
const suite = ['npm', 'test'];
/** What decides which packages are there. */
const installers = [
  'package-lock.json',
  'scripts/setup.mjs',
  'scripts/bare-root.mjs',
  'test/managers/packages.ts',
  'test/monitoring/promtool.ts',
  'test/releases/releases.ts',
  'test/releases/root.ts',
  'test/xenstored/packages.ts',
];
const record = join(root, '.ci/bare-suite');
const asked = process.argv.slice(2);

try {
  if (!isRoot()) throw new Error('a Debian root can be made by root only');
  process.exitCode = await withBareRoot([], run);
} catch (error) {
  console.log(`test:bare: ${error.message}`);
  process.exitCode = 1;
}

async function run(runThere) {
  if (asked[0] === '--ci') {
    const code = await runThere(demo);
    return isRecorded() ? code : 1;
  }
  if (asked.length > 0) return runThere(asked);
  const digest = digestOfInstallers();
  const code = await runThere(suite);
  if (code === 0) writeFileSync(record, `${digest}\n`);
  return code;
}

function isRecorded() {
  const isSame = existsSync(record) && readFileSync(record, 'utf8').trim() === digestOfInstallers();
  if (!isSame) {
    console.log('test:bare: what installs packages has changed since the whole suite passed on a bare Debian;');
    console.log('run it there and commit what it writes to .ci/bare-suite: sudo npm run test:bare');
  }
  return isSame;
}

function digestOfInstallers() {
  const hash = createHash('sha256');
  for (const file of installers) hash.update(`${file}\n`).update(readFileSync(join(root, file)));
  return hash.digest('hex');
}
