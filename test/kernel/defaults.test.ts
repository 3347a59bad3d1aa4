/**
 * Somebody's later write to `conf/default` also changes the links on which that value was never written, without an event
 * for them. It does not change what a zone's link was given.
 */
import { describe, expect, it } from 'vitest';
import type { Daemon } from '../lab/daemon.ts';
import { untilState } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';
import { createWorld, type World } from '../lab/world.ts';

const link = 'vif7.0';
/** What a link is to have, and each the other way round. */
const values: readonly (readonly [key: string, right: number, wrong: number])[] = [
  ['accept_redirects', 0, 1],
  ['secure_redirects', 0, 1],
  ['send_redirects', 0, 1],
  ['accept_source_route', 0, 1],
];
const neverResync = 86_400;

describe('a later write to conf/default', () => {
  it('changes nothing on a link that the daemon has opened, though its values were right before', () =>
    withFollower(async (world) => {
      const daemon = await started(world, neverResync);
      await world.host.setSysctls(defaults('wrong'));
      await expectOfLink(world, 'right');
      expect((await daemon.status()).repairs).toBe(0);
    }));

  it('on a link that was served before, and follows it, is put right when any default is told of', () =>
    withFollower(async (world) => {
      await serveByHand(world);
      await started(world, neverResync);
      await world.host.setSysctls(defaults('wrong'));
      await expectOfLink(world, 'wrong');
      await world.host.setSysctls({ 'net/ipv4/conf/default/rp_filter': 2 });
      await untilRight(world);
    }));

  it('on such a link is put right by the resync at the latest', () =>
    withFollower(async (world) => {
      await serveByHand(world);
      await started(world, 1);
      await world.host.setSysctls(defaults('wrong'));
      await untilRight(world);
    }));
});

/** With a zone's link that has the right values because it follows `default`, on which they were written after its birth. */
async function withFollower(use: (world: World) => Promise<void>): Promise<void> {
  const world = await createWorld({ untouchedDefaults: true });
  try {
    await world.declareZone(await world.addZone({ domid: 7, ipv6: null }));
    await world.host.setSysctls(defaults('right'));
    await expectOfLink(world, 'right');
    await use(world);
  } finally {
    world.destroy();
  }
}

/** As an older daemon left it, which wrote only what was not right. */
function serveByHand({ host }: World): Promise<void> {
  return host.ip(`link set ${link} up`, `route add 10.75.1.7 dev ${link} proto 75`);
}

async function started(world: World, resyncSeconds: number): Promise<Daemon> {
  const daemon = await world.startDaemon({ settings: { reconcile: { 'resync-seconds': resyncSeconds } } });
  await untilState(daemon, link);
  return daemon;
}

function defaults(which: 'right' | 'wrong'): Record<string, number> {
  const pairs = values.map(([key, right, wrong]) => [`net/ipv4/conf/default/${key}`, { right, wrong }[which]]);
  return Object.fromEntries(pairs);
}

async function expectOfLink(world: World, which: 'right' | 'wrong'): Promise<void> {
  const wanted = values.map(([key, right, wrong]) => [key, String({ right, wrong }[which])]);
  expect(await ofLink(world)).toEqual(wanted);
}

async function untilRight(world: World): Promise<void> {
  const wanted = values.map(([key, right]) => [key, String(right)]).join();
  await waitFor(async () => (await ofLink(world)).join() === wanted, {
    what: 'the values of the link as before',
    deadlineMs: 20_000,
  });
}

function ofLink({ host }: World): Promise<(string | undefined)[][]> {
  return Promise.all(values.map(async ([key]) => [key, await host.sysctl(`net/ipv4/conf/${link}/${key}`)]));
}
