/** No moment without a layer: a zone forges all the time, through whatever may happen to it, to us and to our rules. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Family } from '../../src/model/address.ts';
import { ownTable, reversePathTable } from '../../src/nft/names.ts';
import { type Arena, openArena } from '../attacks/arena.ts';
import { type Forger, startForger } from '../attacks/forger.ts';
import type { Daemon } from '../lab/daemon.ts';
import { untilForgotten, untilNothingToDo, untilState } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';
import type { World } from '../lab/world.ts';
import type { Zone } from '../lab/zone.ts';

let arena: Arena;
let forger: Forger;
let world: World;
let zone: Zone;
let daemon: Daemon;
const before = { ipv4: 0, ipv6: 0 };

beforeAll(async () => {
  arena = await openArena('ours');
  forger = await startForger(arena);
  const { parts } = arena;
  if (parts.daemon === undefined) throw new Error('ours has a daemon');
  ({ world, daemon } = parts);
  [zone] = parts.zones;
});
afterAll(() => arena.destroy());
beforeEach(async () => {
  await flows();
  for (const family of ['ipv4', 'ipv6'] as const) before[family] = forger.seen(family).length;
});

describe('while a zone forges, nothing of it is seen', () => {
  it('when its link closes and opens, and goes down', async () => {
    for (let round = 0; round < 2; round += 1) {
      await world.removeZoneFile(zone.link);
      await untilState(daemon, zone.link, 'unserved');
      await world.declareZone(zone);
      await untilState(daemon, zone.link);
      await flows();
    }
    await world.host.ip(`link set ${zone.link} down`);
    await expectSilence('ipv4', 'ipv6');
  });

  it('when settings are reloaded that change our table', async () => {
    for (const mode of ['deny', 'allow']) {
      await world.files.writeSettings({ isolation: { 'zone-to-zone': mode, host: mode } });
      await waitFor(async () => (await listing()).includes('chain input-guard') === (mode === 'deny'), {
        what: `host = ${mode}`,
        deadlineMs: 20_000,
      });
    }
    await expectSilence('ipv4', 'ipv6');
  });

  it('when another zone comes and goes', async () => {
    const another = await world.addZone({ domid: 9 });
    await world.declareZone(another);
    await untilState(daemon, another.link);
    await another.remove();
    await world.removeZoneFile(another.link);
    await untilForgotten(daemon, another.link);
    await expectSilence('ipv4', 'ipv6');
  });

  it.each(['SIGTERM', 'SIGKILL'] as const)('when the daemon ends by %s and comes back', async (signal) => {
    await daemon.stop(signal);
    await flows();
    daemon = await world.startDaemon();
    await untilState(daemon, zone.link);
    await expectSilence('ipv4', 'ipv6');
  });

  it('when the daemon starts on a host that has nothing of it yet', async () => {
    await daemon.stop();
    // As netback leaves a link, which nobody else sets up.
    await world.host.ip(`link set ${zone.link} down`);
    expect(await world.cli(['cleanup'])).toMatchObject({ exitCode: 0 });
    daemon = await world.startDaemon();
    await untilState(daemon, zone.link);
    await expectSilence('ipv4', 'ipv6');
  });

  it('when somebody switches rp_filter off and it is repaired', async () => {
    const key = `net/ipv4/conf/${zone.link}/rp_filter`;
    await world.host.setSysctls({ [key]: 0 });
    await waitFor(async () => (await world.host.sysctl(key)) === '1', { what: 'rp_filter', deadlineMs: 20_000 });
    await expectSilence('ipv4', 'ipv6');
  });

  it.each([
    ['our main table', `delete table ${ownTable.family} ${ownTable.name}`],
    ['the guard', `flush chain ${ownTable.family} ${ownTable.name} guard`],
    ['the pairs that zones may use', 'flush set inet edera from4; flush set inet edera from6'],
    ['the second layer of IPv6', `delete table ${reversePathTable.family} ${reversePathTable.name}`],
  ])('when somebody takes %s away and it is repaired', async (_what, command) => {
    await world.host.nft(command);
    await untilNothingToDo(world);
    await expectSilence('ipv4', 'ipv6');
  });

  // IPv6 has nothing that such a flush leaves: how much gets out until the repair is measured in bench/flush.ts.
  it('of its IPv4, when somebody flushes the whole ruleset and it is repaired', async () => {
    await world.host.nft('flush ruleset');
    await untilNothingToDo(world);
    await expectSilence('ipv4');
  });

  it('but would be: the control, with both layers gone and nobody to repair them', async () => {
    process.kill(daemon.pid, 'SIGSTOP');
    await world.host.setSysctls({ [`net/ipv4/conf/${zone.link}/rp_filter`]: 0 });
    await world.host.nft('flush ruleset');
    await waitFor(() => (['ipv4', 'ipv6'] as const).every((family) => forger.seen(family).length > before[family]), {
      what: 'forgeries to be seen',
      deadlineMs: 20_000,
    });
  });
});

/** Behind honest packets that were sent after what the test did. */
async function expectSilence(...families: readonly Family[]): Promise<void> {
  await flows();
  for (const family of families) expect(forger.seen(family).length - before[family], family).toBe(0);
}

/** Waits until honest packets, which are sent in between the forged ones, have come through again. */
async function flows(): Promise<void> {
  const count = forger.seen('honest').length;
  await waitFor(() => forger.seen('honest').length > count + 20, {
    what: 'the zone’s honest packets',
    deadlineMs: 20_000,
    everyMs: 50,
  });
}

function listing(): Promise<string> {
  return world.host.mustExec('nft', ['list', 'table', 'inet', 'edera']);
}
