/** A report of a host with a daemon, a zone that works and one that does not: what is in it, what is not, and where it ends up. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { programPath } from '../lab/daemon.ts';
import { openScene, type Scene, untilState } from '../lab/served.ts';

const directory = mkdtempSync(join(tmpdir(), 'protect-network-report-'));
let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
  const { world, daemon } = scene;
  await world.writeZoneFile('vif7.0', { ipv4: '10.75.0.7', name: 'shop' });
  await world.addLink('vif9.0');
  await world.writeZoneFile('vif9.0', { ipv4: '192.0.2.9', name: 'lost' });
  await untilState(daemon, 'vif9.0', 'unserved');
});
afterAll(() => {
  scene.world.destroy();
  rmSync(directory, { recursive: true, force: true });
});

describe('report', () => {
  it('is one file that only root can read, in the current directory, and says what is in it first', async () => {
    const place = made('whole');
    const before = await scene.world.host.snapshot();
    const { exitCode, stdout } = await report(place);
    expect(exitCode).toBe(0);
    const [name, ...others] = readdirSync(place);
    expect(others).toEqual([]);
    expect(name).toMatch(/^protect-network-report-[\w.-]+-\d{8}T\d{6}Z\.tar\.gz$/);
    expect(statSync(join(place, name ?? '')).mode & 0o777).toBe(0o600);
    expect(stdout.trimEnd().split('\n').at(-1)).toBe(`written: ${join(place, name ?? '')}`);

    const files = await unpacked(place, name ?? '');
    expect(stdout).toContain(files.get('CONTENTS.txt') ?? 'CONTENTS.txt is missing');
    for (const file of files.keys())
      if (file !== 'CONTENTS.txt') expect(files.get('CONTENTS.txt')).toContain(`${file} `);
    expect(JSON.parse(files.get('host.json') ?? '')).toMatchObject({
      kernel: { arch: expect.any(String) },
      memory: {},
    });
    expect(JSON.parse(files.get('status.json') ?? '')).toMatchObject({ state: 'degraded' });
    expect(files.get('status.txt')).toMatch(/^vif7\.0 +shop /m);
    expect(files.get('doctor.txt')).toContain('to fix');
    expect(files.get('plan.txt')).toContain('nothing to do');
    expect(files.get('explain/vif9.0.txt')).toContain('192.0.2.9');
    expect(files.has('explain/vif7.0.txt')).toBe(false);
    expect(files.get('nftables.txt')).toContain('table inet edera {');
    expect(files.get('routes-4.txt')).toMatch(/^10\.75\.0\.7 dev vif7\.0 proto 75/m);
    expect(files.get('sysctls.txt')).toMatch(/^net\/ipv4\/conf\/vif7\.0\/rp_filter = 1$/m);
    expect(files.get('sysctls.txt')).not.toMatch(/tcp_fastopen_key|stable_secret/);
    expect(files.get('files/zones.txt')).toContain('name = "shop"');
    // There is no xenstored here: a part that fails is a line.
    expect(files.has('xenstore.txt')).toBe(false);
    expect(files.get('CONTENTS.txt')).toMatch(/^xenstore\.txt +failed +nodes .*: there is no /m);
    // To list a table of iptables-legacy would have made it.
    expect(await scene.world.host.exec('cat', ['/proc/net/ip_tables_names'])).toMatchObject({ stdout: '' });
    expect(await scene.world.host.snapshot()).toBe(before);
  });

  it('--redact leaves no name and no address of anybody, and what is the same stays the same', async () => {
    const place = made('redacted');
    const { exitCode, stdout } = await report(place, '--redact', '--output', 'told.tar.gz');
    expect(exitCode).toBe(0);
    const files = await unpacked(place, 'told.tar.gz');
    const all = [...files.entries()].flat().join('\n');
    expect(files.size).toBeGreaterThan(20);
    for (const secret of ['10.75.', '192.0.2.9', 'fdd4:1476', 'shop', 'lost', hostname()])
      expect(`${stdout}${all}`.includes(secret), secret).toBe(false);
    const address = /^([\d.]+) dev vif7\.0 proto 75/m.exec(files.get('routes-4.txt') ?? '')?.[1];
    expect(address).toMatch(/^10\./);
    expect(files.get('status.txt')).toMatch(new RegExp(`^vif7\\.0 +zone-\\d .*${address}`, 'm'));
    expect(files.get('nftables.txt')).toContain(`"vif7.0" . ${address} `);
  });

  it('replaces no file, and leaves none behind that is not whole', async () => {
    const place = made('taken');
    writeFileSync(join(place, 'there'), 'mine');
    const refused = await report(place, '--output', 'there');
    expect(refused).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining(`protect-network: ${join(place, 'there')} exists; nothing was written\n`),
    });
    const lost = await report(place, '--output', 'no/such/place');
    expect(lost.exitCode).toBe(1);
    expect(lost.stderr).toContain(`nothing was written: there is no ${join(place, 'no/such')}\n`);
    expect(readdirSync(place)).toEqual(['there']);
    expect(readFileSync(join(place, 'there'), 'utf8')).toBe('mine');
  });
});

it('what systeminformation starts does not run as root', async () => {
  const place = made('tools');
  chmodSync(directory, 0o755);
  chmodSync(place, 0o777);
  for (const tool of ['dmidecode', 'dmesg', 'hostname', 'cat', 'lscpu']) {
    writeFileSync(join(place, tool), `#!/bin/sh\n/usr/bin/id -u >> ${place}/users; exec /usr/bin/${tool} "$@"\n`, {
      mode: 0o755,
    });
  }
  const program = join(import.meta.dirname, '../../src/host/facts-program.ts');
  const { stdout } = await execa(process.execPath, [program], {
    env: { PATH: `${place}:/usr/bin:/bin` },
    extendEnv: false,
  });
  expect(JSON.parse(stdout)).toHaveProperty('kernel.distro');
  expect(existsSync(join(place, 'users'))).toBe(true);
  const users = readFileSync(join(place, 'users'), 'utf8').trim().split('\n');
  expect(new Set(users)).toEqual(new Set(['65534']));
});

function report(place: string, ...args: readonly string[]) {
  const { world } = scene;
  const command = [programPath, 'report', ...args, ...world.files.options];
  return world.host.exec('env', ['-C', place, ...command], { timeoutMs: 120_000 });
}

function made(name: string): string {
  const place = join(directory, name);
  mkdirSync(place);
  return place;
}

/** The text of each file in the archive, by its name without the one directory that all are in. */
async function unpacked(place: string, name: string): Promise<Map<string, string>> {
  const { stdout } = await execa('tar', ['-tzf', join(place, name)]);
  const names = stdout.split('\n');
  const [folder = ''] = (names[0] ?? '').split('/');
  expect(names.every((each) => each.startsWith(`${folder}/`))).toBe(true);
  const to = join(directory, `${name}.d`);
  mkdirSync(to);
  await execa('tar', ['-xzf', join(place, name), '-C', to]);
  return new Map(names.map((each) => [each.slice(folder.length + 1), readFileSync(join(to, each), 'utf8')]));
}
