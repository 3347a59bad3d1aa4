/** Tools that answer late, or with garbage, and transactions that somebody spoils half-way: on a real kernel, with the real tools in between. */
import { describe, expect, it } from 'vitest';
import { farHost } from '../lab/addresses.ts';
import type { Daemon } from '../lab/daemon.ts';
import { addServedZone, childrenOf, reaches, untilForgotten, untilNothingToDo } from '../lab/served.ts';
import { MoodyTool } from '../lab/stand-in.ts';
import { waitFor } from '../lab/wait-for.ts';
import { type World, withWorld } from '../lab/world.ts';
import type { Zone } from '../lab/zone.ts';

const deadlineMs = 30_000;
const neverResync = { reconcile: { 'resync-seconds': 86_400 } };

interface Moody {
  readonly world: World;
  readonly daemon: Daemon;
  readonly tool: MoodyTool;
  readonly zone: Zone;
}

describe('half a document from', () => {
  it('nft is an error that passes, and no empty host', () =>
    withMoody(async ({ world, daemon, tool, zone }) => {
      const before = await world.host.snapshot();
      await tool.misbehave('garbled', 'list ');
      process.kill(daemon.pid, 'SIGHUP');
      await daemon.waitForLog(({ msg }) => String(msg).startsWith('the host could not be read'), deadlineMs);
      expect(await world.host.snapshot()).toBe(before);
      expect((await daemon.status()).state).toBe('degraded');
      await tool.behave();
      await waitFor(async () => (await daemon.status()).state === 'ready', {
        what: 'it to be ready again',
        deadlineMs,
      });
      expect(await world.host.snapshot()).toBe(before);
      expect(await reaches(zone, farHost.ipv4)).toBe(true);
    }));

  it.each(['inet edera', 'ip filter'])('nft list table %s is asked for in other words', (table) =>
    withMoody(async ({ world, daemon, tool, zone }) => {
      const before = await world.host.snapshot();
      await tool.misbehave('garbled', `list table ${table}`);
      const { passes } = await daemon.status();
      process.kill(daemon.pid, 'SIGHUP');
      await waitFor(async () => (await daemon.status()).passes > passes, { what: 'a pass', deadlineMs });
      await world.host.nft('flush chain ip filter EDERA-FORWARD');
      await waitFor(async () => (await world.host.snapshot()) === before, { what: 'the repair', deadlineMs });
      expect((await daemon.status()).failures).toEqual([]);
      expect(await reaches(zone, farHost.ipv4)).toBe(true);
    }),
  );
});

it('a transaction that somebody spoils between our look and our word is made again at once', () =>
  withMoody(async ({ world, daemon, tool, zone }) => {
    const before = await world.host.snapshot();
    // The other table has been read by the time that this one's listing comes: what was read there is old then.
    await tool.misbehave('held', 'list table inet edera');
    await world.host.nft('add rule ip filter EDERA-FORWARD drop; delete element inet edera zone4 { 10.75.1.7 }');
    await waitFor(() => isAllButHeld(daemon), { what: 'the other tables to be read', deadlineMs });
    const listing = await world.host.mustExec('nft', ['-a', 'list', 'chain', 'ip', 'filter', 'EDERA-FORWARD']);
    const handle = /^\s*drop # handle (\d+)$/m.exec(listing)?.[1];
    await world.host.nft(`delete rule ip filter EDERA-FORWARD handle ${handle}`);
    await tool.behave();
    await untilNothingToDo(world);
    expect(await world.host.snapshot()).toBe(before);
    expect(await reaches(zone, farHost.ipv4)).toBe(true);
    expect(daemon.log.filter(({ level }) => Number(level) >= 50)).toEqual([]);
  }));

it('zones come and go without any tool', () =>
  withMoody(async ({ world, daemon, tool, zone }) => {
    // The first that goes has its rules' handles read, once for all that the start has made.
    await removeServed(world, daemon, 8);
    const before = await tool.calls();
    for (let domid = 20; domid < 40; domid += 1) await removeServed(world, daemon, domid);
    expect(await tool.calls()).toEqual(before);
    expect(before.length).toBeGreaterThan(0);
    expect(await reaches(zone, farHost.ipv4)).toBe(true);
  }));

it('a daemon that is told to end does so within seconds, though a tool hangs', () =>
  withMoody(async ({ daemon, tool }) => {
    await tool.misbehave('held', 'list table inet edera');
    process.kill(daemon.pid, 'SIGHUP');
    const isHeld = async () =>
      [...(await childrenOf(daemon)).values()].some((line) => line.includes('list table inet edera'));
    await waitFor(isHeld, { what: 'the tool to hang', deadlineMs });
    expect(await daemon.stop()).toBe('SIGKILL');
    expect(daemon.log.at(-1)?.['msg']).toBe('not stopped within 5 s: killed');
    await tool.behave();
  }));

async function removeServed(world: World, daemon: Daemon, domid: number): Promise<void> {
  const zone = await addServedZone(world, daemon, { domid });
  await zone.remove();
  await untilForgotten(daemon, zone.link);
}

/** True while one listing is held and none besides is under way. */
async function isAllButHeld(daemon: Daemon): Promise<boolean> {
  const listings = [...(await childrenOf(daemon)).values()].filter((line) => line.includes('list table'));
  return listings.length === 1 && listings[0]?.startsWith('sh ') === true;
}

/** A daemon whose tool has moods, and a zone that it serves. */
async function withMoody(use: (moody: Moody) => Promise<void>): Promise<void> {
  await withWorld({}, async (world) => {
    const tool = await MoodyTool.of(world, 'nft');
    const daemon = await world.startDaemon({ settings: neverResync, through: tool.through });
    const zone = await addServedZone(world, daemon, { domid: 7 });
    // The link's own address comes a moment after the guest has its end up.
    const linkLocal = async () => (await world.host.routes(6, 'local')).some((route) => route.dev === zone.link);
    await waitFor(linkLocal, { what: 'the link-local address', deadlineMs });
    await use({ world, daemon, tool, zone });
  });
}
