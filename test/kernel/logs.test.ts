/** `logs` over a real journal, read by the real journalctl. */
import { describe, expect, it } from 'vitest';
import { openScene, type Scene } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';
import { withWorld } from '../lab/world.ts';
import { type Logged, makeJournal } from '../managers/journal.ts';

const start = Date.parse('2026-03-01T12:00:00');
const entries: readonly Logged[] = [
  { at: start, unit: 'protect-daemon', message: 'zone shop created' },
  { at: start + 1, unit: 'sshd', message: 'nobody asked about vif7.0' },
  { at: start + 2, unit: 'protect-network', message: 'vif7.0 is open: 10.75.1.7' },
  { at: start + 3, unit: 'protect-network', message: 'vif8.0 is open: 10.75.1.8', priority: 4 },
  { at: start + 4, unit: 'protect-daemon', message: 'from 10.75.1.7: \x1b[2J\x1b]0;owned\x07', priority: 3 },
];
const shown = [
  '2026-03-01 12:00:00.000 protect-daemon  info    zone shop created',
  '2026-03-01 12:00:00.002 protect-network info    vif7.0 is open: 10.75.1.7',
  '2026-03-01 12:00:00.003 protect-network warning vif8.0 is open: 10.75.1.8',
  '2026-03-01 12:00:00.004 protect-daemon  error   from 10.75.1.7:',
];

describe('logs', () => {
  it('shows both units in the order of time, by zone, and goes on with what comes', { timeout: 120_000 }, async () => {
    const scene = await openScene();
    try {
      const journal = await makeJournal(scene.world);
      await nameZone(scene, 'shop');
      await journal.append(...entries);
      expect(await journal.read([])).toEqual({ exitCode: 0, stderr: '', stdout: shown.join('\n') });
      expect((await journal.read(['-n', '2'])).stdout).toBe(shown.slice(2).join('\n'));
      expect((await journal.read(['--since', '2026-03-01 12:00:01'])).stderr).toMatch(/nothing is logged$/);
      for (const zone of ['vif7.0', 'shop']) {
        expect((await journal.read(['--zone', zone])).stdout).toBe([shown[0], shown[1], shown[3]].join('\n'));
        expect((await journal.read(['--zone', zone, '-n', '1'])).stdout).toBe(shown[3]);
      }
      expect(await journal.read(['--zone', 'nobody'])).toMatchObject({
        exitCode: 1,
        stderr: expect.stringMatching(/no zone is named 'nobody'/),
      });
      expect(await journal.read(['--since', 'gibberish'])).toMatchObject({
        exitCode: 1,
        stderr: expect.stringMatching(/Failed to parse timestamp/),
      });

      const following = journal.follow(['-f', '--zone', 'shop', '-n', '1']);
      await waitFor(() => following.stdout.includes(String(shown[3])), { what: 'the last line', deadlineMs: 30_000 });
      await journal.append(
        { at: start + 5, unit: 'protect-network', message: 'vif8.0 is gone' },
        { at: start + 6, unit: 'protect-network', message: 'vif7.0 is gone' },
      );
      await waitFor(() => following.stdout.length > 1, { what: 'a new line', deadlineMs: 30_000 });
      expect(following.stdout.slice(1)).toEqual(['2026-03-01 12:00:00.006 protect-network info    vif7.0 is gone']);
      await following.stop();

      await scene.daemon.stop();
      expect(await journal.read(['--zone', 'vif7.0'])).toMatchObject({
        stdout: [shown[1], '2026-03-01 12:00:00.006 protect-network info    vif7.0 is gone'].join('\n'),
        stderr: expect.stringMatching(/only lines that contain vif7\.0 are/),
      });
      await journal.append({ at: start + 7, unit: 'protect-network', message: 'a route was put back', zone: 'shop' });
      expect(await journal.read(['--zone', 'shop'])).toMatchObject({
        exitCode: 0,
        stdout: [shown[0], '2026-03-01 12:00:00.007 protect-network info    a route was put back'].join('\n'),
        stderr: expect.stringMatching(/only lines that contain shop are/),
      });
    } finally {
      scene.world.destroy();
    }
  });

  it('says so where the host keeps no journal', () =>
    withWorld({}, async (world) => {
      const journal = await makeJournal(world);
      expect(await journal.read([])).toMatchObject({
        exitCode: 1,
        stdout: '',
        stderr: expect.stringMatching(/keeps no journal .*protect-network run/),
      });
    }));
});

async function nameZone({ world, daemon, zones: [one] }: Scene, name: string): Promise<void> {
  await world.writeZoneFile(one.link, { ipv4: one.ipv4, ipv6: one.ipv6, name });
  await waitFor(async () => (await daemon.status()).zones.some((zone) => zone.name === name), {
    what: `a zone called ${name}`,
    deadlineMs: 30_000,
  });
}
