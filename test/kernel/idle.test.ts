/** A host that is as it should be is left in peace. */
import { describe, expect, it } from 'vitest';
import { untilPasses, withScene } from '../lab/served.ts';

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
