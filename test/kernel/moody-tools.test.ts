/** Tools that answer late, or with garbage, and transactions that somebody spoils half-way: on a real kernel, with the real tools in between. */
import { describe, expect, it } from 'vitest';
import { farHost } from '../lab/addresses.ts';
import type { Daemon } from '../lab/daemon.ts';
import { addServedZone, childrenOf, reaches, untilForgotten, untilNothingToDo, untilState } from '../lab/served.ts';
import { MoodyTool } from '../lab/stand-in.ts';
import { waitFor } from '../lab/wait-for.ts';
import { type World, withWorld } from '../lab/world.ts';
import type { Zone } from '../lab/zone.ts';

const deadlineMs = 30_000;
const neverResync = { reconcile: { 'resync-seconds': 86_400 } };

/** Lists in processes of its own only, whose arguments can be told from each other. */
const listingNft = { tool: 'nft', lacks: '--interactive' } as const;

interface Moody {
  readonly world: World;
  readonly daemon: Daemon;
  readonly tool: MoodyTool;
  readonly zone: Zone;
}

it('an address whose connections are long in being forgotten is given to nobody, and others are served meanwhile', () =>
  withMoody('conntrack', async ({ world, daemon, tool, zone: old }) => {
    expect(await reaches(old, farHost.ipv4)).toBe(true);
    await tool.misbehave('held', String(old.ipv4));
    await old.remove();
    await untilForgotten(daemon, old.link);
    const heir = await world.addZone({ domid: 9, ipv4: old.ipv4 ?? null, ipv6: old.ipv6 ?? null });
    await world.declareZone(heir);
    await untilState(daemon, heir.link, 'opening');
    await daemon.waitForLog(({ msg }) => String(msg).startsWith(`${heir.link} waits: `), deadlineMs);

    const other = await addServedZone(world, daemon, { domid: 10 });
    expect(await reaches(other, farHost.ipv4)).toBe(true);
    expect(await world.host.mustExec('ip', ['route', 'show', String(old.ipv4)])).toBe('');
    expect((await daemon.status()).zones.find(({ link }) => link === heir.link)?.state).toBe('opening');

    await tool.behave();
    await untilState(daemon, heir.link, 'ready', deadlineMs);
    expect(await reaches(heir, farHost.ipv4)).toBe(true);
    const said = daemon.log.map(({ msg }) => String(msg)).filter((line) => / is ready|waits/.test(line));
    expect(said.map((line) => line.split(':')[0])).toEqual([
      `${old.link} is ready`,
      `${heir.link} waits`,
      `${other.link} is ready`,
      `${heir.link} is ready`,
    ]);
    expect((await daemon.status()).failures).toEqual([]);
    await untilNothingToDo(world);
  }));

describe('half a document from', () => {
  it.each([
    ['ip', 'link show'],
    ['ip', 'route show'],
    ['ip', 'neighbour show'],
    ['nft', 'list '],
  ] as const)('%s %s is an error that passes, and no empty host', (name, words) =>
    withMoody(name === 'nft' ? listingNft : name, async ({ world, daemon, tool, zone }) => {
      const before = await world.host.snapshot();
      await tool.misbehave('garbled', words);
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
    }),
  );

  it.each(['inet edera', 'ip filter'])('nft list table %s is asked for in other words', (table) =>
    withMoody(listingNft, async ({ world, daemon, tool, zone }) => {
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

  it('conntrack keeps an address from its heir until its connections are forgotten', () =>
    withMoody('conntrack', async ({ world, daemon, tool, zone: old }) => {
      expect(await reaches(old, farHost.ipv4)).toBe(true);
      await tool.misbehave('garbled', String(old.ipv4));
      await old.remove();
      const heir = await world.addZone({ domid: 9, ipv4: old.ipv4 ?? null, ipv6: old.ipv6 ?? null });
      await world.declareZone(heir);
      await untilState(daemon, heir.link, 'failed');
      expect(await world.host.mustExec('ip', ['route', 'show', String(old.ipv4)])).toBe('');
      await tool.behave();
      await untilState(daemon, heir.link, 'ready', deadlineMs);
    }));
});

it('a transaction that somebody spoils between our look and our word is made again at once', () =>
  withMoody(listingNft, async ({ world, daemon, tool, zone }) => {
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

/** True while one listing is held and none besides is under way. */
async function isAllButHeld(daemon: Daemon): Promise<boolean> {
  const listings = [...(await childrenOf(daemon)).values()].filter((line) => line.includes('list table'));
  return listings.length === 1 && listings[0]?.startsWith('sh ') === true;
}

/** A daemon whose tool has moods, and a zone that it serves. */
async function withMoody(
  which: 'ip' | 'nft' | 'conntrack' | typeof listingNft,
  use: (moody: Moody) => Promise<void>,
): Promise<void> {
  const { tool: name, lacks } = typeof which === 'string' ? { tool: which, lacks: undefined } : which;
  await withWorld({}, async (world) => {
    const tool = await MoodyTool.of(world, name, lacks);
    const daemon = await world.startDaemon({ settings: neverResync, through: tool.through });
    const zone = await addServedZone(world, daemon, { domid: 7 });
    // The link's own address comes a moment after the guest has its end up.
    const linkLocal = async () => (await world.host.routes(6, 'local')).some((route) => route.dev === zone.link);
    await waitFor(linkLocal, { what: 'the link-local address', deadlineMs });
    await use({ world, daemon, tool, zone });
  });
}
