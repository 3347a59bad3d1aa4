/** One daemon for each network namespace, whatever its settings say; and what asks whether one runs. */

import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startDaemon } from '../lab/daemon.ts';
import { untilState, withScene } from '../lab/served.ts';
import { type World, withWorld } from '../lab/world.ts';
import { WorldFiles } from '../lab/world-files.ts';

/** Where nothing can be made, as on a read-only /run, for whoever is started `inReadOnly`. */
const nowhere = '/mnt/protect-network/control.sock';
const inReadOnly = ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs -o ro none /mnt && exec "$@"', 'sh'];

const squatter = `
  use Socket qw(AF_UNIX SOCK_STREAM pack_sockaddr_un);
  socket(S, AF_UNIX, SOCK_STREAM, 0) or die $!;
  bind(S, pack_sockaddr_un("\\0protect-network-daemon")) or die $!; listen(S, 9) or die $!;
  $| = 1; print "holds it\\n"; sleep 300;
`;

describe('a second daemon in a network namespace', () => {
  it('is refused with another control socket too, and is told who runs', () =>
    withScene({}, async ({ world, daemon }) => {
      const second = await runBeside(world, { control: { socket: join(world.files.directory, 'other.sock') } });
      expect(second).toEqual({
        exitCode: 1,
        stderr: expect.stringContaining(
          `another protect-network is running: process ${daemon.pid}, which answers at ${world.files.socket}`,
        ),
      });
      expect((await daemon.status()).pid).toBe(daemon.pid);
    }));

  it('is refused where the first could make no control socket, and so is cleanup', () =>
    withWorld({}, async (world) => {
      const settings = { control: { socket: nowhere } };
      const first = await world.startDaemon({ settings, through: inReadOnly, wait: 'nothing' });
      await first.waitForLog(({ msg }) => String(msg).startsWith('no control socket: '), { deadlineMs: 30_000 });
      await first.waitForLog(({ event }) => event === 'running', { deadlineMs: 30_000 });
      const refusal = `process ${first.pid}, without a control socket`;
      expect(await runBeside(world, {})).toEqual({ exitCode: 1, stderr: expect.stringContaining(refusal) });
      const { exitCode, stderr } = await world.cli(['cleanup']);
      expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringContaining(refusal) });
      expect((await world.cli(['doctor'])).stdout.replaceAll(/\s+/g, ' ')).toContain(refusal);
      expect(await first.stop()).toBe(0);
    }));

  it('is none in another namespace', () =>
    withScene({}, ({ world }) =>
      withWorld({}, async (other) => {
        const daemon = await other.startDaemon();
        expect((await daemon.status()).pid).toBe(daemon.pid);
        expect(await daemon.stop()).toBe(0);
        expect((await world.cli(['status'])).exitCode).toBe(0);
      }),
    ));

  it('is no user without rights who holds the name: the daemon starts, and says so', () =>
    withWorld({}, async (world) => {
      const identity = ['--reuid', '65534', '--regid', '65534', '--clear-groups'];
      const holder = world.host.spawn('setpriv', [...identity, 'perl', '-e', squatter]);
      await holder.waitForLine((line) => line === 'holds it');
      const zone = await world.addZone({ domid: 7 });
      await world.declareZone(zone);
      const daemon = await world.startDaemon();
      const line = await daemon.waitForLog(({ event }) => event === 'lock');
      expect(line['msg']).toContain(`process ${holder.pid} of user 65534 holds the name of the lock`);
      await untilState(daemon, zone.link);
      expect(await daemon.stop()).toBe(0);
      expect(await world.cli(['cleanup'])).toMatchObject({ exitCode: 0 });
      await holder.stop('SIGKILL');
    }));
});

describe('cleanup', () => {
  it.each([
    ['a daemon.toml that is broken', '[network.ipv4\n'],
    ['no daemon.toml', undefined],
  ])('needs no settings: %s', (_what, text) =>
    withScene({}, async ({ world, daemon, zones }) => {
      if (text === undefined) await rm(world.files.config);
      else await world.files.writeConfig(text);
      // The control: while the daemon runs, it is refused.
      expect(await world.cli(['cleanup'])).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/is running/) });
      await daemon.stop();
      expect(await world.cli(['cleanup'])).toMatchObject({ exitCode: 0, stderr: '' });
      const left = await world.host.snapshot();
      for (const trace of ['edera', 'EDERA', String(zones[0].ipv4)]) expect(left).not.toContain(trace);
    }),
  );
});

/** A daemon with settings of its own on the same host, which is expected to end. */
async function runBeside({ host, files }: World, settings: Parameters<WorldFiles['writeSettings']>[0]) {
  const directory = await mkdtemp(join(files.directory, 'second-'));
  const others = new WorldFiles(directory);
  await others.writeDefaults();
  const second = await startDaemon(host, others, { settings, wait: 'nothing' });
  return { exitCode: await second.process.ended, stderr: second.output };
}
