import { spawnSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { setZone } from '../../../src/cli/zone.ts';
import { type Place, place, program, run } from './support.ts';

const zone = (here: Place, ...args: readonly string[]) => run('zone', ...args, ...here.options);

const noLink = 'protect-network: note: this host has no link vif7.0 now; it is served when it appears\n';
const notRunning =
  'protect-network: warning: protect-network is not running, so this is not applied; start it with: systemctl start protect-network\n';

test('set, list and unset are a round trip', async () => {
  const here = place();
  const file = join(here.zones, 'vif7.0.toml');
  const set = await zone(
    here,
    'set',
    'vif7.0',
    '--ipv4',
    '10.75.0.3',
    '--ipv6',
    'FDD4:1476:6C7E:0::3',
    '--name',
    'web "1"',
  );
  const had = '10.75.0.3 and fdd4:1476:6c7e::3 and the name "web \\"1\\""';
  expect(set).toEqual({ code: 0, stdout: `vif7.0 has ${had} (${file})\n`, stderr: `${noLink}${notRunning}` });

  const { stdout } = await zone(here, 'list', '--json');
  const addresses = ['10.75.0.3', 'fdd4:1476:6c7e::3'];
  const zones = [{ link: 'vif7.0', addresses, name: 'web "1"', state: 'no link', file, problem: null }];
  expect(JSON.parse(stdout)).toEqual({ directory: here.zones, zones, problems: [] });

  const again = await zone(here, 'set', 'vif7.0', '--ipv4', '10.75.0.4', '--ipv6', 'none', '--name', 'none');
  expect(again.stdout).toBe(`vif7.0 has 10.75.0.4 (${file}), instead of ${had}\n`);
  expect((await zone(here, 'ls')).stdout).toBe(
    `LINK    NAME  STATE    ADDRESSES  FILE\nvif7.0        no link  10.75.0.4  ${file}\n`,
  );

  expect((await zone(here, 'unset', 'vif7.0')).stdout).toBe(`vif7.0 is no longer in ${here.zones}\n`);
  expect(await zone(here, 'unset', 'vif7.0')).toEqual({
    code: 0,
    stdout: `vif7.0 was not in ${here.zones}\n`,
    stderr: notRunning,
  });
  expect((await zone(here, 'list')).stdout).toBe(`no zone in ${here.zones}\n`);
});

test('what is not given stays, and a zone can be named by its name', async () => {
  const here = place();
  await zone(here, 'set', 'vif7.0', '--ipv4', '10.75.0.3', '--name', 'web');
  expect((await zone(here, 'set', 'web', '--ipv6', 'fdd4:1476:6c7e::3')).code).toBe(0);
  expect((await zone(here, 'set', 'vif7.0', '--name', 'db')).stdout).toContain('and the name "db" (');
  const file = join(here.zones, 'vif7.0.toml');
  expect(readFileSync(file, 'utf8')).toBe('ipv4 = "10.75.0.3"\nipv6 = "fdd4:1476:6c7e::3"\nname = "db"\n');
  expect(await zone(here, 'unset', 'web')).toMatchObject({
    code: 1,
    stderr: `protect-network: no zone in ${here.zones} is named web\n`,
  });
  expect((await zone(here, 'set', 'db', '--ipv4', 'none', '--ipv6', 'none')).stderr).toContain(
    'vif7.0 needs an address',
  );
  await zone(here, 'set', 'vif8.0', '--ipv4', '10.75.0.8', '--name', 'db');
  expect((await zone(here, 'unset', 'db')).stderr).toContain('vif7.0 and vif8.0 are both named db; give the link');
  expect((await zone(here, 'rm', 'vif7.0')).code).toBe(0);
  expect((await zone(here, 'unset', 'db')).stdout).toContain('vif8.0 is no longer in ');
});

test('a zone may have several addresses, and those of a family are set together', async () => {
  const here = place();
  const file = join(here.zones, 'vif7.0.toml');
  const two = ['--ipv4', '10.75.0.3', '--ipv4', '10.75.0.4'];
  const set = await zone(here, 'set', 'vif7.0', ...two, '--ipv6', 'fdd4:1476:6c7e::3');
  expect(set.stdout).toBe(`vif7.0 has 10.75.0.3 and 10.75.0.4 and fdd4:1476:6c7e::3 (${file})\n`);
  expect(readFileSync(file, 'utf8')).toBe('ipv4 = [ "10.75.0.3", "10.75.0.4" ]\nipv6 = "fdd4:1476:6c7e::3"\n');
  expect((await zone(here, 'list')).stdout).toContain('10.75.0.3 10.75.0.4 fdd4:1476:6c7e::3');
  await zone(here, 'set', 'vif7.0', '--name', 'web', '--ipv6', 'none');
  expect(readFileSync(file, 'utf8')).toBe('ipv4 = [ "10.75.0.3", "10.75.0.4" ]\nname = "web"\n');
  const other = await zone(here, 'set', 'vif8.0', '--ipv4', '10.75.0.8', '--ipv4', '10.75.0.4');
  expect(other).toMatchObject({ code: 1, stderr: expect.stringContaining('vif7.0 has 10.75.0.4 already') });
  const twice = await zone(here, 'set', 'vif8.0', '--ipv4', '10.75.0.8', '--ipv4', '10.75.0.8');
  expect(twice).toMatchObject({ code: 2, stderr: expect.stringContaining('--ipv4 10.75.0.8 is given more than once') });
  const none = await zone(here, 'set', 'vif7.0', '--ipv4', '10.75.0.5', '--ipv4', 'none');
  expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining("--ipv4 is 'none'; expected") });
  await zone(here, 'set', 'vif7.0', '--ipv4', '10.75.0.5');
  expect(readFileSync(file, 'utf8')).toBe('ipv4 = "10.75.0.5"\nname = "web"\n');
});

test.each([
  ['10.76.0.3', '10.76.0.3 is outside the zone subnet 10.75.0.0/16'],
  ['10.75.0.0', '10.75.0.0 is the network address of 10.75.0.0/16'],
  ['10.75.0.1', '10.75.0.1 is the gateway of 10.75.0.0/16'],
  ['10.75.255.255', '10.75.255.255 is the broadcast address of 10.75.0.0/16'],
])('%s is refused before anything is written', async (address, reason) => {
  const here = place();
  const refused = setZone(here, 'vif7.0', only(address));
  await expect(refused).rejects.toMatchObject({ code: 'refused', message: `nothing written: ${reason}` });
  expect(readdirSync(here.zones)).toEqual([]);
});

test("another zone's address is refused, one's own is not", async () => {
  const here = place();
  await zone(here, 'set', 'vif7.0', '--ipv4', '10.75.0.3');
  await expect(setZone(here, 'vif8.0', only('10.75.0.3'))).rejects.toMatchObject({
    code: 'conflict',
    message: `nothing written: vif7.0 has 10.75.0.3 already (${here.zones}/vif7.0.toml)`,
  });
  expect((await zone(here, 'set', 'vif7.0', '--ipv4', '10.75.0.3')).stdout).toContain(', as before\n');
  expect(readdirSync(here.zones)).toEqual(['vif7.0.toml']);
});

test("no zone is named as another's link", async () => {
  const here = place();
  const { code, stderr } = await zone(here, 'set', 'vif8.0', '--ipv4', '10.75.0.8', '--name', 'vif7.0');
  expect([code, stderr]).toEqual([
    2,
    expect.stringContaining("--name is 'vif7.0', which is how a zone's link is named"),
  ]);
  expect(readdirSync(here.zones)).toEqual([]);
});

test('a file that is not read because of its name is listed as such', async () => {
  const here = place();
  for (const name of ['vif7.0', 'vif8.0.toml.bak', 'README']) writeFileSync(join(here.zones, name), '');
  const { stdout, stderr } = await zone(here, 'list');
  expect(stdout).toBe(`no zone in ${here.zones}\n`);
  expect(stderr).toBe(
    ['vif7.0', 'vif8.0.toml.bak']
      .map((name) => `protect-network: ${here.zones}/${name} is not read: expected LINK.toml\n`)
      .join(''),
  );
});

function only(ipv4: string) {
  return { ipv4: [ipv4], ipv6: undefined, name: undefined };
}

test('a directory that the daemon would not trust is not written to', async () => {
  const here = place();
  chmodSync(here.zones, 0o777);
  const { code, stderr } = await zone(here, 'set', 'vif7.0', '--ipv4', '10.75.0.3');
  expect([code, stderr]).toEqual([1, expect.stringContaining('nothing written: ')]);
  expect(readdirSync(here.zones)).toEqual([]);
});

test('a broken file is listed with its reason and can be replaced', async () => {
  const here = place();
  writeFileSync(join(here.zones, 'vif7.0.toml'), 'ipv4 = 3\n', { mode: 0o644 });
  const { code, stderr } = await zone(here, 'list');
  expect([code, stderr]).toEqual([0, expect.stringContaining('vif7.0.toml:1:8: ipv4 is 3; expected')]);
  expect((await zone(here, 'set', 'vif7.0', '--ipv4', '10.75.0.3')).code).toBe(0);
  expect(readFileSync(join(here.zones, 'vif7.0.toml'), 'utf8')).toBe('ipv4 = "10.75.0.3"\n');
});

test('a broken daemon.toml keeps nobody from taking a zone out', async () => {
  const here = place({ config: 'broken' });
  expect((await zone(here, 'set', 'vif7.0', '--ipv4', '10.75.0.3')).code).toBe(78);
  expect((await zone(here, 'unset', 'vif7.0')).code).toBe(0);
});

test.runIf(process.getuid?.() === 0)('a read-only file system is named, and nothing is changed', async () => {
  const here = place();
  await zone(here, 'set', 'vif7.0', '--ipv4', '10.75.0.3');
  const file = join(here.zones, 'vif7.0.toml');
  const readOnly = ['--mount', 'sh', '-c', 'mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"; shift; "$@"', 'sh'];
  const refused = (...args: readonly string[]) =>
    spawnSync('unshare', [...readOnly, here.zones, program, 'zone', ...args, ...here.options], { encoding: 'utf8' });
  const words = `protect-network: ${file}: nothing changed: the file system is mounted read-only\n`;
  expect(refused('unset', 'vif7.0').stderr).toBe(words);
  expect(refused('set', 'vif7.0', '--ipv4', '10.75.0.4').stderr).toBe(words);
  expect(readFileSync(file, 'utf8')).toBe('ipv4 = "10.75.0.3"\n');
});
