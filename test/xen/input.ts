/** What dom0 gets: the package in two versions, the scenario as it is bundled, and what of it is read from files. */
import { chmodSync, copyFileSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { rolldown } from 'rolldown';
import { bundle } from '../../scripts/package/bundle.ts';
import { buildDeb } from '../../scripts/package/deb.ts';
import { manifest } from '../../scripts/package/manifest.ts';
import { version } from '../../src/cli/version.ts';
import { documented } from '../lab/documentation.ts';
import { packTree } from '../machine/initrd.ts';
import { documentedFile, documentedTitles } from './scenario/documented-file.ts';

const root = join(import.meta.dirname, '../..');

/** Returns the directory's path. `zone` is the image's. */
export async function makeInput(directory: string, zone: string): Promise<string> {
  const [built, input] = [join(directory, 'bundle'), join(directory, 'input')];
  mkdirSync(input);
  const texts = Object.values(documentedTitles).map((title) => [title, documented(title)]);
  writeFileSync(join(input, basename(documentedFile)), JSON.stringify(Object.fromEntries(texts)));
  await Promise.all([makePackages(built, input), bundleScenario(join(input, 'scenario')), makeZoneInitrd(zone, input)]);
  install('dom0-init.sh', join(input, 'dom0-init.sh'));
  return input;
}

function install(name: string, path: string): void {
  copyFileSync(join(import.meta.dirname, name), path);
  chmodSync(path, 0o755);
}

async function makeZoneInitrd(zone: string, input: string): Promise<void> {
  const tree = join(input, 'zone-tree');
  cpSync(zone, tree, { recursive: true, verbatimSymlinks: true });
  install('zone-init.sh', join(tree, 'init'));
  await packTree(tree, join(input, 'zone.initrd'));
}

/** What the package holds, unpacked as in `/usr`, twice: something to upgrade to. Installing it is tested elsewhere. */
async function makePackages(built: string, input: string): Promise<void> {
  await bundle(built);
  const deb = await buildDeb({
    entries: manifest(root, built, 0),
    version,
    time: 0,
    output: built,
    compression: ['-Znone'],
  });
  for (const name of ['old', 'new']) await execa('dpkg-deb', ['-x', deb, join(input, name)]);
}

async function bundleScenario(directory: string): Promise<void> {
  const scenario = join(import.meta.dirname, 'scenario');
  const programs = ['main', 'internet-server'];
  const input = Object.fromEntries(programs.map((name) => [name, join(scenario, `${name}.ts`)]));
  const build = await rolldown({ cwd: root, input, platform: 'node' });
  await build.write({ dir: directory, format: 'esm', entryFileNames: '[name].mjs', chunkFileNames: '[name].mjs' });
  await build.close();
  for (const proto of ['edera.proto', 'krata.proto'])
    copyFileSync(join(root, 'test/control-api', proto), join(directory, proto));
}
