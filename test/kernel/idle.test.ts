/** A host that is as it should be is left in peace. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { defaultAddresses } from '../lab/addresses.ts';
import type { Daemon } from '../lab/daemon.ts';
import { addServedZone, untilPasses, withScene } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';
import { type World, withWorld } from '../lab/world.ts';

const resyncEverySecond = { reconcile: { 'resync-seconds': 1 } };

describe('passes over an unchanged host', () => {
  it('make no change: not one line of nft monitor, not one of ip monitor', () =>
    withScene({ settings: resyncEverySecond }, async ({ world: { host }, daemon }) => {
      const [nft, ip] = await Promise.all([
        host.eventLog('nft', ['monitor']),
        host.eventLog('ip', ['-o', 'monitor', 'link', 'address', 'route', 'rule', 'netconf', 'nexthop']),
      ]);
      const before = await daemon.status();
      const after = await untilPasses(daemon, 3);
      expect(await nft.settled(() => host.nft('add table inet marker'), 'marker')).toEqual([]);
      expect(await ip.settled(() => host.ip('route add 10.98.0.0/16 dev uplink0'), '10.98.0.0/16')).toEqual([]);
      expect(after).toMatchObject({
        transactions: before.transactions,
        repairs: 0,
        lastPass: { changes: 0, cause: 'resync' },
      });
    }));

  it('see no work in a change that concerns others', () =>
    withScene({}, async ({ world: { host }, daemon }) => {
      const { transactions } = await daemon.status();
      await host.nft('add table inet other; add chain inet other c; add rule inet other c counter');
      await host.nft('add chain ip filter OTHER; add rule ip filter OTHER counter drop');
      await host.ip(
        'route add 10.98.0.0/16 dev uplink0',
        'link add other0 type veth peer name other1',
        'link del other0',
      );
      const before = await host.snapshot();
      // A change of ours, seen after the others and answered by a pass, proves that they have been judged by then.
      await host.ip('route del 10.75.1.7/32 dev vif7.0');
      await daemon.waitForLog(({ msg }) => /route 10\.75\.1\.7(\/32)? was deleted/.test(String(msg)));
      expect((await daemon.status()).transactions).toBe(transactions);
      expect(await host.snapshot()).toContain('10.75.1.7 dev vif7.0');
      expect((await host.snapshot()).split('\n').sort()).toEqual([...before.split('\n')].sort());
    }));

  it('repair within a resync what no event tells', () =>
    withScene({ settings: resyncEverySecond }, async ({ world: { host }, daemon }) => {
      // By a mount of /proc that the daemon does not see.
      const write = 'mount -t proc proc /mnt && echo 80 > /mnt/sys/net/ipv4/neigh/vif7.0/proxy_delay';
      await host.mustExec('unshare', ['--mount', 'sh', '-c', write]);
      expect(await host.sysctl('net/ipv4/neigh/vif7.0/proxy_delay')).toBe('80');
      await untilPasses(daemon, 2);
      expect(await host.sysctl('net/ipv4/neigh/vif7.0/proxy_delay')).toBe('0');
    }));
});

describe('no process is started', () => {
  it('by passes over an unchanged host', () =>
    withScene({ settings: resyncEverySecond }, async ({ world, daemon }) => {
      await untilLooked(world, daemon);
      // The first reads what has changed.
      await untilPasses(daemon, 2);
      const before = endedChildrenOf(daemon);
      await untilPasses(daemon, 3);
      expect(endedChildrenOf(daemon)).toBe(before);
    }));

  it('by the repair of an element and a link’s rule that somebody deleted', () =>
    withScene({}, async ({ world, daemon }) => {
      const { host } = world;
      // Born now: the rules of those that came with the layout are known by their handles once they have been listed.
      const zone = await addServedZone(world, daemon, { domid: 9 });
      await untilLooked(world, daemon);
      const chain = () => host.mustExec('nft', ['--handle', 'list', 'chain', 'ip', 'filter', 'EDERA-FORWARD']);
      const ruleOf = async () => /oifname "vif9.0" .*# handle (\d+)/.exec(await chain())?.[1];
      const set = () => host.mustExec('nft', ['list', 'set', 'inet', 'edera', 'from4']);
      const handle = await ruleOf();
      const before = endedChildrenOf(daemon);
      await host.nft(`delete element inet edera from4 { "vif9.0" . ${zone.ipv4} }`);
      await waitFor(async () => (await set()).includes(String(zone.ipv4)), { what: 'the element' });
      await host.nft(`delete rule ip filter EDERA-FORWARD handle ${handle}`);
      await waitFor(async () => ![undefined, handle].includes(await ruleOf()), { what: 'the rule' });
      expect(endedChildrenOf(daemon)).toBe(before);
      expect((await daemon.status()).repairs).toBe(2);
    }));

  it('by the birth and the end of a hundred zones', () =>
    withWorld({}, async (world) => {
      const daemon = await world.startDaemon();
      await untilLooked(world, daemon);
      const domids = Array.from({ length: 100 }, (_, index) => 1000 + index);
      await Promise.all(domids.map((domid) => world.writeZoneFile(`vif${domid}.0`, defaultAddresses(domid, 0))));
      const before = endedChildrenOf(daemon);
      const links = await world.addManyLinks(domids.length, 1000);
      await untilServed(daemon, domids.length);
      await links.remove();
      await untilServed(daemon, 0);
      expect(endedChildrenOf(daemon)).toBe(before);
      // The control: what belongs to the layout goes through nft.
      await world.host.nft('delete table inet edera');
      await waitFor(() => endedChildrenOf(daemon) > before, { what: 'a process', deadlineMs: 20_000 });
    }));
});

/** Resolves once the daemon has looked at others' firewalls, which it does beside its passes, and has no reason to look again. */
async function untilLooked({ host }: World, daemon: Daemon): Promise<void> {
  const isWarned = (expected: boolean) => async () =>
    (await daemon.status()).warnings.some((text) => text.includes('inet theirs')) === expected;
  const limits = { deadlineMs: 20_000 };
  await host.nft('table inet theirs { chain forward { type filter hook forward priority 0; policy drop; }; }');
  await waitFor(isWarned(true), { what: 'a warning of the chain', ...limits });
  await host.nft('delete table inet theirs');
  await waitFor(isWarned(false), { what: 'the end of the warning', ...limits });
}

function untilServed(daemon: Daemon, count: number): Promise<unknown> {
  const isSo = async () => (await daemon.status()).zones.filter(({ state }) => state === 'ready').length === count;
  return waitFor(isSo, { what: `${count} zones`, deadlineMs: 30_000 });
}

/** The page faults of children that have ended and were waited for (proc_pid_stat(5), `cminflt`): more with each of them. */
function endedChildrenOf({ pid }: Daemon): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[8]);
}
