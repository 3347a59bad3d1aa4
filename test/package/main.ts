/** Builds the package, has lintian judge it, and takes it through its life in a fresh Debian root. Writes TAP. */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { bundle } from '../../scripts/package/bundle.ts';
import { buildDeb, buildTarball } from '../../scripts/package/deb.ts';
import { manifest } from '../../scripts/package/manifest.ts';
import { version } from '../../src/cli/version.ts';
import { ControlApiServer } from '../control-api/server.ts';
import { ederaZone } from '../control-api/zones.ts';
import { debianRoot } from './root.ts';

const repository = join(import.meta.dirname, '../..');
// Short: the control API's socket, below it, has 107 bytes for its path.
const directory = mkdtempSync(join(tmpdir(), 'pn-package-'));
const say = (text: string) => process.stdout.write(`# ${text}\n`);
let passed = 0;
let failed = 0;

try {
  say('making the package');
  const debs = await makePackages();
  await test('the same files give the same bytes', async () => {
    if (!readFileSync(debs.new).equals(readFileSync(debs.again)))
      throw new Error(`${debs.new} and ${debs.again} differ`);
  });
  await test('lintian sees no error', () => lintian(debs.published));
  await test('the tarball runs from wherever it is unpacked', () => tarball(debs.tarball));
  await life(debs);
} finally {
  rmSync(directory, { recursive: true, force: true });
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

async function makePackages() {
  const built = join(directory, 'bundle');
  await bundle(built);
  // Packing fast: what is inside is the same.
  const time = 1_700_000_000;
  const options = {
    entries: manifest(repository, built, time),
    time,
    output: directory,
    compression: ['-Znone'],
  };
  const build = async (name: string, each: string) => {
    const path = join(directory, `${name}.deb`);
    renameSync(await buildDeb({ ...options, version: each }), path);
    return path;
  };
  return {
    old: await build('old', `${version}~before`),
    new: await build('new', version),
    again: await build('again', version),
    // As it is published, which is what lintian judges.
    published: await buildDeb({ ...options, version, compression: ['-Zxz', '-z0'] }),
    tarball: await buildTarball({ ...options, version }),
  };
}

async function lintian(deb: string): Promise<void> {
  const { exitCode, all } = await execa('lintian', ['--fail-on', 'error', '--allow-root', deb], {
    reject: false,
    all: true,
  });
  say(all.replaceAll('\n', '\n# '));
  if (exitCode !== 0) throw new Error('there are errors');
}

async function tarball(path: string): Promise<void> {
  const place = join(directory, 'anywhere');
  mkdirSync(place);
  await execa('tar', ['-xzf', path, '-C', place]);
  const program = join(place, `protect-network-${version}`, 'sbin/protect-network');
  const { stdout } = await execa(program, ['--version'], { cwd: '/', env: {}, extendEnv: false });
  if (stdout !== `protect-network ${version}`) throw new Error(stdout);
}

/** The scenario, in a root that holds the package's dependencies and nothing else. */
async function life(debs: { old: string; new: string }): Promise<void> {
  const root = join(directory, 'root');
  const archive = await debianRoot(await dependenciesOf(debs.new), say);
  mkdirSync(root);
  await execa('tar', ['-xf', archive, '-C', root]);
  const scenario = join(root, 'scenario');
  mkdirSync(scenario);
  for (const name of ['old', 'new'] as const) copyFileSync(debs[name], join(scenario, `${name}.deb`));
  for (const name of ['scenario.sh', 'tap.sh']) copyFileSync(join(import.meta.dirname, name), join(scenario, name));
  mkdirSync(join(root, 'var/lib/edera/protect'), { recursive: true });
  const api = new ControlApiServer(join(root, 'var/lib/edera/protect/daemon.socket'), 'edera');
  api.put(ederaZone('zone-8', 8, ['10.75.0.8']));
  await api.start();
  try {
    count(await inRoot(root));
  } finally {
    api.kill();
  }
}

/** In namespaces of its own: it has no network but what it makes, and nothing of it outlives it. */
async function inRoot(root: string): Promise<string> {
  const mounts = `mount -t proc proc ${root}/proc && mount -t sysfs sys ${root}/sys && mount -t devtmpfs dev ${root}/dev`;
  const inside = `${mounts} && exec chroot ${root} /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin sh /scenario/scenario.sh`;
  const options = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--propagation', 'private'];
  const { stdout } = await execa('unshare', [...options, 'sh', '-c', inside], { reject: false, stderr: 'inherit' });
  return stdout;
}

function count(report: string): void {
  process.stdout.write(`${report}\n`);
  passed += report.match(/^ok /gm)?.length ?? 0;
  failed += report.match(/^not ok /gm)?.length ?? 0;
  if (/^1\.\.[0-9]+$/m.test(report)) return;
  failed += 1;
  say('the scenario did not come to its end');
}

/** The first of each alternative, without its version. */
async function dependenciesOf(deb: string): Promise<string[]> {
  const { stdout } = await execa('dpkg-deb', ['--field', deb, 'Depends']);
  return stdout.split(',').map((part) => /^\s*([a-z0-9.+-]+)/.exec(part)?.[1] ?? '');
}

async function test(name: string, run: () => Promise<void>): Promise<void> {
  try {
    await run();
    passed += 1;
    process.stdout.write(`ok - ${name}\n`);
  } catch (error) {
    failed += 1;
    process.stdout.write(`not ok - ${name}\n${String(error).replaceAll(/^/gm, '# ')}\n`);
  }
}
