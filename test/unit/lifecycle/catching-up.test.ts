/** What was missed, lost or could not be done at once is made up for. */
import { describe, expect, it } from 'vitest';
import { acceptedLink } from '../../../src/host/nft-command.ts';
import { Reporter } from '../../../src/lifecycle/reporter.ts';
import type { LinkName } from '../../../src/model/link-name.ts';
import { FakeHost } from '../../fake/kernel.ts';
import { configOf, expectIdle, MemoryDirectory, refusal, startWorld } from './support.ts';

const zones = { 'vif7.0': ['10.75.0.3', 'fdd4:1476:6c7e::3'], 'vif8.0': ['10.75.0.4', 'fdd4:1476:6c7e::4'] };

describe('a gateway the host could not be given', () => {
  it('is tried again (failed local-add sets no retry)', async () => {
    const host = new FakeHost();
    host.failNext('rtnetlink.apply local-add', refusal());
    const world = await startWorld({ host });
    await world.pass(60_000);
    expect(world.has('route local 10.75.0.1')).toBe(true);
  });
});

describe('events', () => {
  it('that were lost are made up for by reading everything', async () => {
    const world = await startWorld({ directories: [new MemoryDirectory('static', zones)] });
    world.addLink('vif7.0');
    await world.settle();
    world.host.silenceEvents();
    world.host.deleteLink('vif7.0');
    world.addLink('vif8.0');
    world.host.foreignNft([{ delete: { table: { family: 'inet', name: 'edera' } } }]);
    await world.settle();
    expect(world.has('table inet edera')).toBe(false);
    world.host.loseEvents('No buffer space available');
    await world.settle();
    expect(world.stateOf('vif8.0')).toBe('ready');
    expect(world.has('vif7.0')).toBe(false);
    await expectIdle(world);
  });

  it.each([
    ['a birth', (host: FakeHost) => host.addLink('vif8.0'), 0],
    ['a death', (host: FakeHost) => host.deleteLink('vif7.0'), 0],
    ['a flush', (host: FakeHost) => host.foreignNft([{ delete: { table: { family: 'inet', name: 'edera' } } }]), 1],
  ])('of %s that were lost accuse nobody of what is nobody’s doing', async (_, act, accused) => {
    const world = await startWorld({ directories: [new MemoryDirectory('static', zones)] });
    world.addLink('vif7.0');
    await world.settle();
    world.host.silenceEvents();
    act(world.host);
    world.host.loseEvents('No buffer space available');
    await world.settle();
    expect(world.log.filter(({ msg }) => msg.includes('put back'))).toHaveLength(accused);
  });

  it('that never came are made up for by the resync', async () => {
    const config = configOf({ resyncSeconds: 60 });
    const world = await startWorld({ config, directories: [new MemoryDirectory('static', zones)] });
    world.addLink('vif7.0');
    await world.settle();
    const path = { family: 'ipv6', group: 'conf', link: 'vif7.0', key: 'accept_ra' } as const;
    world.host.sysctl.write(path, '1');
    await world.pass(70_000);
    expect(world.host.sysctl.read(path)).toBe('0');
  });

  it('that never came of rules are made up for by the resync, which lists no rules where none has changed', async () => {
    const config = configOf({ resyncSeconds: 60 });
    const world = await startWorld({ config, directories: [new MemoryDirectory('static', zones)] });
    world.addLink('vif7.0');
    await world.settle();
    let listings = 0;
    const list = world.host.nft.table.bind(world.host.nft);
    world.host.nft.table = (...which) => {
      listings += 1;
      return list(...which);
    };
    const listedBy = async (milliseconds: number) => {
      const before = listings;
      await world.pass(milliseconds);
      return listings - before;
    };
    // The first reads what our own transactions made.
    expect(await listedBy(70_000)).toBeGreaterThan(0);
    expect(await listedBy(180_000)).toBe(0);
    world.host.silenceEvents();
    world.host.foreignNft([{ delete: { table: { family: 'inet', name: 'edera' } } }]);
    expect(await listedBy(70_000)).toBeGreaterThan(0);
    expect(world.has('table inet edera')).toBe(true);
  });

  it('are not needed where rules were listed wrongly: they are read again once what follows is refused', async () => {
    const host = new FakeHost();
    const before = await startWorld({ host });
    await before.reconciler.stop();
    await host.close();
    const list = host.nft.rules.bind(host.nft);
    const expr = acceptedLink({ key: 'iifname', link: 'vif99.0' as LinkName });
    const phantom = { rule: { family: 'ip', table: 'filter', chain: 'EDERA-FORWARD', handle: 9999, expr } };
    let isWrong = true;
    host.nft.rules = async (family, name) => {
      const objects = await list(family, name);
      return isWrong && family === 'ip' ? objects && [...objects, phantom] : objects;
    };
    const world = await startWorld({ host });
    expect(world.reconciler.state.failure).toBeDefined();
    isWrong = false;
    await world.pass(60_000);
    expect(world.reconciler.state.failure).toBeUndefined();
    await expectIdle(world);
  });

  it('do not make up for a reading that failed before them (a good pass clears the failure and with it the full reading that was due)', async () => {
    const world = await startWorld({ directories: [new MemoryDirectory('static', zones)] });
    world.addLink('vif7.0');
    await world.settle();
    world.host.failNext('rtnetlink.routes', refusal());
    world.host.foreignRouteDelete({ family: 'ipv4', destination: '10.75.0.3', device: 'vif7.0', protocol: '75' });
    await world.settle();
    expect(world.host.unmetFailures()).toEqual([]);
    // Before the retry is due, something else happens, and goes well.
    world.addLink('vif8.0');
    await world.settle();
    await world.pass(60_000);
    expect(world.has('route 10.75.0.3 dev vif7.0')).toBe(true);
  });

  it('that come in the instant the loop ends are not overlooked (Loop.mark between the end of #run and its finally starts nothing)', async () => {
    let atTheEnd: (() => void) | undefined;
    class Late extends Reporter {
      override passed(...report: Parameters<Reporter['passed']>): string[] | undefined {
        const culprits = super.passed(...report);
        // As many steps as it takes from here to the end of the loop, and one at each.
        for (let depth = 1; depth < 8; depth += 1) later(depth, () => atTheEnd?.());
        return culprits;
      }
    }
    const world = await startWorld({ makeReporter: (log) => new Late(log) });
    for (let skip = 0; skip < 8; skip += 1) {
      const name = `vif${skip + 1}.0`;
      world.host.addLink(name);
      await world.settle();
      let calls = 0;
      atTheEnd = () => {
        calls += 1;
        if (calls !== skip) return;
        atTheEnd = undefined;
        world.directory.set(name, `10.75.0.${skip + 3}`);
      };
      world.directory.poke();
      await world.settle();
      atTheEnd = undefined;
      if (calls >= skip && skip > 0) expect([skip, world.stateOf(name)]).toEqual([skip, 'ready']);
    }
  });
});

describe('router advertisements', () => {
  const acceptRa = { family: 'ipv6', group: 'conf', link: 'eth0', key: 'accept_ra' } as const;
  const forwarding = { family: 'ipv6', group: 'conf', link: 'all', key: 'forwarding' } as const;

  it('are still accepted by the uplink when forwarding goes on', async () => {
    const world = await startWorld({ host: uplinkHost() });
    expect(world.trace.filter((step) => /accept_ra=2|forwarding=1/.test(step))).toEqual([
      'net/ipv6/conf/eth0/accept_ra=2',
      'net/ipv6/conf/all/forwarding=1',
    ]);
  });

  it('forwarding stays off while that cannot be assured (applySysctls goes on after accept_ra=2 failed)', async () => {
    const host = uplinkHost();
    host.sysctl.write({ family: 'ipv4', group: 'top', link: 'all', key: 'ip_forward' }, '1');
    host.failNext('sysctl.write', refusal());
    const world = await startWorld({ host });
    expect([host.sysctl.read(acceptRa), host.sysctl.read(forwarding)]).toEqual(['1', '0']);
    await world.pass(1000);
    expect([host.sysctl.read(acceptRa), host.sysctl.read(forwarding)]).toEqual(['2', '1']);
  });

  function uplinkHost(): FakeHost {
    const host = new FakeHost();
    host.addLink('eth0');
    host.setLink('eth0', { up: true });
    host.foreignRoute({ family: 'ipv6', destination: 'default', device: 'eth0', protocol: 'ra' });
    return host;
  }
});

function later(depth: number, action: () => void): void {
  if (depth === 0) action();
  else queueMicrotask(() => later(depth - 1, action));
}
