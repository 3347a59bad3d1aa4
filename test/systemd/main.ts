/** Boots an image with the package in two versions and the scenario, and counts its TAP. */
import { copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundle } from '../../scripts/package/bundle.ts';
import { buildDeb } from '../../scripts/package/deb.ts';
import { manifest } from '../../scripts/package/manifest.ts';
import { version } from '../../src/cli/version.ts';
import { systemdImage } from './image.ts';
import { bootImage } from './qemu.ts';

const root = join(import.meta.dirname, '../..');
const directory = mkdtempSync(join(tmpdir(), 'protect-network-scenario-'));
const say = (text: string) => process.stdout.write(`# ${text}\n`);
try {
  const image = await systemdImage(say);
  say('making the package');
  await makeInput();
  say('booting; several minutes, all of them emulated');
  const started = performance.now();
  const { report, console: messages } = await bootImage(image, join(directory, 'input'), (text) =>
    process.stdout.write(text),
  );
  say(`the machine ran for ${Math.round((performance.now() - started) / 1000)} s`);
  const passed = report.match(/^ok /gm)?.length ?? 0;
  const failed = report.match(/^not ok /gm)?.length ?? 0;
  const isWhole = new RegExp(`^1\\.\\.${passed + failed}\\r?$`, 'm').test(report);
  if (!isWhole)
    process.stdout.write(`the scenario did not come to its end; the console's last lines:\n${messages.slice(-4000)}\n`);
  const failures = failed + (isWhole ? 0 : 1);
  process.stdout.write(`${passed} passed, ${failures} failed\n`);
  process.exitCode = failures === 0 && passed > 0 ? 0 : 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}

/** The program twice, as two versions, so that there is something to upgrade to. */
async function makeInput(): Promise<void> {
  const [built, input] = [join(directory, 'bundle'), join(directory, 'input')];
  await bundle(built);
  mkdirSync(input);
  const entries = manifest(root, built, 0);
  for (const [name, each] of [
    ['old', `${version}~before`],
    ['new', version],
  ] as const) {
    const deb = await buildDeb({ entries, version: each, time: 0, output: directory, compression: ['-Znone'] });
    renameSync(deb, join(input, `${name}.deb`));
  }
  copyFileSync(join(import.meta.dirname, 'scenario.sh'), join(input, 'scenario.sh'));
  copyFileSync(join(root, 'test/package/tap.sh'), join(input, 'tap.sh'));
}
