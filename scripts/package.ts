/** `npm run package`: a Debian package and a tarball of this machine's architecture, in `dist`. */
import { join } from 'node:path';
import { execaSync } from 'execa';
import { version } from '../src/cli/version.ts';
import { bundle } from './package/bundle.ts';
import { buildDeb, buildTarball } from './package/deb.ts';
import { manifest } from './package/manifest.ts';
import { withProgress } from './progress.ts';

const root = join(import.meta.dirname, '..');
const output = join(root, 'dist');

await withProgress('bundling the program', () => bundle(output));
const time = sourceTime();
const options = { entries: manifest(root, output, time), version, time, output };
for (const [what, build] of [['Debian package', buildDeb] as const, ['tarball', buildTarball] as const]) {
  process.stdout.write(`${await withProgress(`packing the ${what}`, () => build(options))}\n`);
}

/** SOURCE_DATE_EPOCH (reproducible-builds.org), by default the time of the last commit. Seconds. */
function sourceTime(): number {
  const told = process.env['SOURCE_DATE_EPOCH'];
  return Number(told ?? execaSync('git', ['-C', root, 'log', '-1', '--format=%ct']).stdout);
}
