/** What is told of other people's firewalls, and when. */
import { describe, expect, it, vi } from 'vitest';
import { FakeHost } from '../../fake/kernel.ts';
import { expectIdle, MemoryDirectory, refusal, startWorld, type World } from './support.ts';

const at = { family: 'inet', table: 'firewalld' } as const;
const table = { family: 'inet', name: 'firewalld' } as const;
const chain = { ...at, name: 'filter_FORWARD', type: 'filter', hook: 'forward', prio: 10, policy: 'accept' };
const reject = { ...at, chain: 'filter_FORWARD', expr: [{ reject: null }] };
const firewalld = [{ add: { table } }, { add: { chain } }, { add: { rule: reject } }];
const loaded = [{ table }, { chain }, { rule: { ...reject, handle: 3 } }];

describe('a firewall that ends zones’ packets', () => {
  it('is told of at the start, once, and with what to type', async () => {
    const world = await startWorldBeside(loaded);
    expect(said(world, /firewalld/)).toEqual([
      expect.stringMatching(
        /^firewalld \(chain filter_FORWARD .* drops zones' packets .*; fix: firewall-cmd --permanent /,
      ),
    ]);
    await expectIdle(world);
    expect(said(world, /firewalld/)).toHaveLength(1);
  });

  it('is told of soon after it comes, and so is its end', async () => {
    const world = await startWorldBeside([]);
    world.host.nft.foreign(firewalld, { pid: 812, process: 'firewalld' });
    await world.settle();
    expect(said(world, /drops zones' packets/)).toEqual([]);
    await world.pass(5_000);
    expect(said(world, /drops zones' packets/)).toHaveLength(1);
    world.host.nft.foreign([{ delete: { table } }], undefined);
    await world.settle();
    await world.pass(5_000);
    expect(said(world, /^resolved: firewalld/)).toHaveLength(1);
  });

  it('and takes long to be listed keeps no zone waiting, neither at the start nor later', async () => {
    const listed = Promise.withResolvers<void>();
    const host = new FakeHost();
    const list = host.nft.forwardChains.bind(host.nft);
    host.nft.forwardChains = () => listed.promise.then(list);
    host.nft.load(loaded);
    host.addLink('vif7.0');
    const directory = new MemoryDirectory('static', { 'vif7.0': ['10.75.0.3'], 'vif8.0': ['10.75.0.4'] });
    const started = startWorld({ host, directories: [directory] });
    const opened = (address: string) => () => expect(host.render()).toContain(`${address} dev vif`);
    await vi.waitFor(opened('10.75.0.3'));
    host.addLink('vif8.0');
    await vi.waitFor(opened('10.75.0.4'));
    listed.resolve();
    const world = await started;
    expect(said(world, /^firewalld .* drops zones' packets/)).toHaveLength(1);
  });

  it('and cannot be read keeps no zone waiting', async () => {
    const world = await startWorldBeside(loaded, (host) => {
      const list = host.nft.rules.bind(host.nft);
      host.nft.rules = (family, name) => (name === 'firewalld' ? Promise.reject(refusal()) : list(family, name));
    });
    expect(world.stateOf('vif7.0')).toBe('ready');
    expect(said(world, /^table inet firewalld may drop zones' packets, and it cannot be read/)).toHaveLength(1);
  });

  it('and cannot even be listed keeps no zone waiting', async () => {
    const world = await startWorldBeside(loaded, (host) => host.failNext('nft.forwardChains', refusal(), 1));
    expect(world.stateOf('vif7.0')).toBe('ready');
    expect(said(world, /^other firewalls cannot be read/)).toHaveLength(1);
  });
});

async function startWorldBeside(objects: typeof loaded | [], order?: (host: FakeHost) => void): Promise<World> {
  const host = new FakeHost();
  host.addLink('vif7.0');
  host.nft.load(objects);
  order?.(host);
  return startWorld({ host, directories: [new MemoryDirectory('static', { 'vif7.0': ['10.75.0.3'] })] });
}

function said(world: World, pattern: RegExp): string[] {
  return world.log.map(({ msg }) => msg).filter((line) => pattern.test(line));
}
