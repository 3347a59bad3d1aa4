/** Hundreds of zones at once: all served, in a handful of transactions. */
import { describe, expect, it } from 'vitest';
import type { Status } from '../../src/control/status.ts';
import { defaultAddresses, farHost } from '../lab/addresses.ts';
import type { Daemon } from '../lab/daemon.ts';
import { addServedZone, reaches } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';
import { type World, withWorld } from '../lab/world.ts';

const many = 300;
/** Far from one a zone; one or a few are usual. */
const handful = 20;

describe('many zones', () => {
  it('that are there at the start are all served, in one transaction', () =>
    withWorld({}, async (world) => {
      await declare(world, 1000);
      const links = await world.addManyLinks(many, 1000);
      const daemon = await world.startDaemon({ deadlineMs: 30_000 });
      const status = await untilAllReady(daemon, many);
      expect(status.transactions).toBe(1);
      await expectWired(world, links.names);
    }));

  it('that come in one burst are all served, in a handful of transactions, and go again', () =>
    withWorld({}, async (world) => {
      await declare(world, 1000);
      const daemon = await world.startDaemon();
      const zone = await addServedZone(world, daemon, { domid: 7 });
      const bare = await world.host.snapshot();
      const { transactions } = await daemon.status();
      const links = await world.addManyLinks(many, 1000);
      const opened = await untilAllReady(daemon, many + 1);
      expect(opened.transactions - transactions).toBeLessThanOrEqual(handful);
      await expectWired(world, links.names);
      expect(await reaches(zone, farHost.ipv4)).toBe(true);
      await links.remove();
      const closed = await untilAllReady(daemon, 1);
      expect(closed.transactions - opened.transactions).toBeLessThanOrEqual(handful);
      const nothingIsLeft = async () => {
        // As lines: 300 zones make no readable difference otherwise.
        expect(linesBeyond(bare, await world.host.snapshot())).toEqual([]);
        return true;
      };
      // The neighbour proxies for siblings that went follow in a pass of their own.
      await waitFor(nothingIsLeft, { what: 'nothing of the burst to be left', everyMs: 100 });
    }));

  it('whose links vanished before their events came are closed', () =>
    withWorld({}, async (world) => {
      await declare(world, 1000);
      const links = await world.addManyLinks(many, 1000);
      const daemon = await world.startDaemon({ deadlineMs: 30_000 });
      await untilAllReady(daemon, many);
      process.kill(daemon.pid, 'SIGSTOP');
      await links.remove();
      await Promise.all(links.names.map((link) => world.removeZoneFile(link)));
      process.kill(daemon.pid, 'SIGCONT');
      await untilAllReady(daemon, 0);
    }));
});

async function declare(world: World, firstDomid: number): Promise<void> {
  const domids = Array.from({ length: many }, (_, index) => firstDomid + index);
  await Promise.all(domids.map((domid) => world.writeZoneFile(`vif${domid}.0`, defaultAddresses(domid, 0))));
}

function untilAllReady(daemon: Daemon, count: number, deadlineMs = 30_000): Promise<Status> {
  return waitFor(
    async () => {
      const status = await daemon.status();
      return status.zones.length === count && status.zones.every(({ state }) => state === 'ready') && status;
    },
    { what: `${count} zones to be ready`, deadlineMs, everyMs: 50 },
  );
}

/** Every link has its routes and its pairs, and every set that knows one of them knows all. As counts: 300 tables make no readable message. */
async function expectWired({ host }: World, links: readonly string[]): Promise<void> {
  const [routes4, routes6, filter, filter6] = await Promise.all([
    host.mustExec('ip', ['-4', 'route', 'show', 'proto', '75']),
    host.mustExec('ip', ['-6', 'route', 'show', 'proto', '75']),
    host.mustExec('nft', ['list', 'chain', 'ip', 'filter', 'EDERA-FORWARD']),
    host.mustExec('nft', ['list', 'chain', 'ip6', 'filter', 'EDERA-FORWARD']),
  ]);
  for (const [where, text, perLink] of [
    ['IPv4 routes', routes4, 1],
    ['IPv6 routes', routes6, 1],
    ['ip filter', filter, 2],
    ['ip6 filter', filter6, 2],
  ] as const) {
    const named = Map.groupBy(namedIn(text, links), (name) => name);
    const wrong = links.filter((link) => named.get(link)?.length !== perLink);
    expect(wrong, where).toEqual([]);
  }
  const objects = await host.nftJson(['table', 'inet', 'edera']);
  const known = objects.flatMap(({ set }) => {
    const { name, timeout } = (set ?? {}) as { name?: string; timeout?: number };
    // What packets fill is none of ours.
    const count = timeout === undefined ? new Set(namedIn(JSON.stringify(set ?? {}), links)).size : 0;
    return count === 0 ? [] : [[name, count] as const];
  });
  expect(known.map(([name]) => name)).toEqual(expect.arrayContaining(['from4', 'to4', 'from6', 'to6']));
  expect(known.filter(([, count]) => count !== links.length)).toEqual([]);
}

/** Each as often as the text has it. */
function namedIn(text: string, links: readonly string[]): string[] {
  const asked = new Set(links);
  return [...text.matchAll(/vif\d+\.\d+/g)].map(([name]) => name).filter((name) => asked.has(name));
}

function linesBeyond(before: string, after: string): string[] {
  const known = new Set(before.split('\n'));
  return after.split('\n').flatMap((line) => (known.has(line) ? [] : [line.slice(0, 200)]));
}
