/** What the service manager hears at a start: READY=1 once everything is in place, and neither earlier nor never. */
import { describe, expect, it } from 'vitest';
import { untilState } from '../lab/served.ts';
import { TestServiceManager } from '../lab/service-manager.ts';
import { MoodyTool } from '../lab/stand-in.ts';
import { waitFor } from '../lab/wait-for.ts';
import { type World, withWorld } from '../lab/world.ts';

const deadlineMs = 30_000;

/** Rewrites a zone's file without a pause, each time with another address. */
const restless = `
  const { writeFileSync, renameSync } = require('node:fs');
  const [, zones] = process.argv;
  for (let count = 0; ; count += 1) {
    writeFileSync(zones + '/../draft-of-another', 'ipv4 = "10.75.9.' + (3 + (count % 200)) + '"\\n');
    renameSync(zones + '/../draft-of-another', zones + '/vif9.0.toml');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  }
`;

describe('the service manager is told that the daemon is ready', () => {
  it('on a host where something is to be done all the time', { timeout: 120_000 }, () =>
    withManager(async (world, manager) => {
      const zone = await world.addZone({ domid: 7 });
      await world.declareZone(zone);
      await world.addLink('vif9.0');
      const writer = world.host.spawn(process.execPath, ['-e', restless, world.files.zones]);
      const daemon = await world.startDaemon({ through: manager.through, wait: 'nothing' });
      await waitFor(() => manager.isReady, { what: 'READY=1', deadlineMs });
      const told = (await daemon.status()).passes;
      // The control: there was no rest before, and there is none after.
      await waitFor(async () => (await daemon.status()).passes > told + 20, { what: 'more passes', deadlineMs });
      expect(writer.running).toBe(true);
      await untilState(daemon, zone.link);
      await writer.stop('SIGKILL');
    }),
  );

  it('not while the first pass fails, and once a later one has succeeded', { timeout: 120_000 }, () =>
    withManager(async (world, manager) => {
      const zone = await world.addZone({ domid: 7 });
      await world.declareZone(zone);
      const tool = await MoodyTool.of(world, 'nft');
      await tool.misbehave('garbled', 'list table');
      const daemon = await world.startDaemon({ through: [...manager.through, ...tool.through], wait: 'nothing' });
      const failed = ({ event }: { event?: unknown }) => event === 'pass-failed';
      await daemon.waitForLog(failed, { deadlineMs });
      // Of the loop, which goes on: what would have been said with it is over.
      await waitFor(() => manager.heard.some((line) => line.startsWith('WATCHDOG=1')), {
        what: 'its word',
        deadlineMs,
      });
      expect(manager.isReady).toBe(false);
      expect(daemon.log.filter(({ event }) => event === 'running')).toEqual([]);
      process.kill(daemon.pid, 'SIGHUP');
      await daemon.waitForLog(({ event }) => event === 'reloaded', { deadlineMs });
      expect(manager.isReady).toBe(false);
      await tool.behave();
      await waitFor(() => manager.isReady, { what: 'READY=1', deadlineMs });
      await untilState(daemon, zone.link);
    }),
  );
});

async function withManager(use: (world: World, manager: TestServiceManager) => Promise<void>): Promise<void> {
  await withWorld({}, async (world) => {
    const manager = await TestServiceManager.start(world.files.directory);
    try {
      await use(world, manager);
    } finally {
      await manager.stop();
    }
  });
}
