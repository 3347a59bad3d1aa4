/** What the commands say beside a running daemon: about zones that are and are not there, mistakes, and to whom may not ask. */
import { chmod } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { programPath } from '../lab/daemon.ts';
import { openScene, type Scene } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene.world.destroy());

describe('the static directory', () => {
  it('is listed with what became of each link, and a link that is not there is said to be missing', async () => {
    const { world } = scene;
    const set = await world.cli(['zone', 'set', 'vif70.0', '--ipv4', '10.75.0.70']);
    expect(set).toMatchObject({
      exitCode: 0,
      stderr:
        'protect-network: note: this host has no link vif70.0 now (its zone links: vif7.0, vif8.0); it is served when it appears\n',
    });
    const { stdout, stderr } = await world.cli(['zone', 'list']);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^LINK +NAME +STATE +ADDRESSES +FILE$/m);
    expect(stdout).toMatch(/^vif7\.0 +ready +10\.75/m);
    expect(stdout).toMatch(/^vif70\.0 +no link +10\.75\.0\.70 /m);
    const unset = await world.cli(['zone', 'unset', 'vif70.0']);
    expect(unset).toMatchObject({ exitCode: 0, stderr: '' });
  });
});

it('status and doctor tell where zones are not kept to their addresses, and what they may reach', async () => {
  const { world, daemon } = scene;
  await world.files.writeSettings({ isolation: { 'anti-spoof': false, host: 'deny' } });
  const { isolation } = await waitFor(
    async () => {
      const status = await daemon.status();
      return !status.isolation.antiSpoof && status;
    },
    { what: 'the settings to be in force' },
  );
  expect(isolation).toEqual({ antiSpoof: false, zoneToZone: 'allow', metadata: 'allow', host: 'deny' });
  const [status, doctor] = [await world.cli(['status']), await world.cli(['doctor'])];
  await world.files.writeDefaults();
  expect(status.stdout).toMatch(/^Isolation +zone-to-zone allow, metadata allow, host deny, anti-spoof false$/m);
  for (const { stdout } of [status, doctor])
    expect(stdout).toContain('isolation.anti-spoof is false: a zone can send from any address');
});

describe('a caret', () => {
  it.each(['status', 'doctor', 'check'])(
    'of a mistake in a settings file stands below its place in %s',
    async (command) => {
      const { world, daemon } = scene;
      const mistake = 'subnet = "10.75.0.0/33"';
      await world.files.writeConfig(`[network.ipv4]\n${mistake}\n`);
      await waitFor(async () => (await daemon.status()).warnings.some((text) => text.includes(mistake)) || undefined, {
        what: 'the daemon to have read it',
      });
      const { stdout, stderr } = await world.cli([command]);
      await world.files.writeDefaults();
      const lines = `${stdout}${stderr}`.split('\n');
      const place = lines.findIndex((line) => line.trim() === mistake);
      expect(lines[place + 1]?.indexOf('^'), lines.join('\n')).toBe((lines[place] ?? '').indexOf('"'));
    },
  );
});

describe('somebody who is not root', () => {
  it.each([
    [['status'], 'cannot query the daemon at SOCKET: not permitted'],
    [['explain', 'vif7.0'], 'nft -a -s -t list ruleset: not permitted'],
    [['plan'], 'this needs root, or CAP_NET_ADMIN: the kernel refuses to show its rules'],
    [['cleanup', '--dry-run'], 'this needs root, or CAP_NET_ADMIN: the kernel refuses to show its rules'],
    [['zone', 'unset', 'vif7.0'], 'nothing changed: not permitted'],
    [['zone', 'set', 'vif7.0', '--ipv4', '10.75.0.9'], 'nothing changed: not permitted'],
  ])('is told so in one sentence, and how to go on: %j', async (args, sentence) => {
    const { world } = scene;
    await chmod(world.files.directory, 0o755);
    const user = ['--reuid=65534', '--regid=65534', '--clear-groups'];
    const command = [...args, ...world.files.options];
    const { exitCode, stderr } = await world.host.exec('setpriv', [...user, programPath, ...command]);
    const [said, then, ...more] = stderr.trimEnd().split('\n');
    expect(said?.replace(/\/\S+\.sock(?=:)/, 'SOCKET'), stderr).toContain(sentence);
    expect([exitCode, said?.includes('EACCES'), more]).toEqual([77, false, []]);
    expect(then).toBe(`protect-network: run it as root: sudo protect-network ${command.join(' ')}`);
  });
});
