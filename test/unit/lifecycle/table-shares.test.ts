/** No zone takes the table of tracked connections from all others. */
import { expect, it } from 'vitest';
import { shareOf, TableShares } from '../../../src/lifecycle/table-shares.ts';
import { hasCode, ProtectNetworkError } from '../../../src/model/errors.ts';
import { ownTable, shareSets } from '../../../src/nft/names.ts';
import { FakeHost } from '../../fake/kernel.ts';
import { link } from '../nft/support.ts';
import { MemoryDirectory, startWorld, type World } from './support.ts';

const exceeded = { family: ownTable.family, table: ownTable.name, set: shareSets.exceeded };

async function watched(max: number | undefined) {
  const zones = { 'vif7.0': ['10.75.0.3', 'fdd4:1476:6c7e::3'], 'vif8.0': ['10.75.0.4'] };
  const host = new FakeHost();
  host.conntrack.max = max;
  const world = await startWorld({ host, directories: [new MemoryDirectory('static', zones)] });
  for (const name of Object.keys(zones)) world.addLink(name);
  await world.settle();
  const failures: ProtectNetworkError[] = [];
  let resized = 0;
  const shares = new TableShares({
    host: world.host,
    zones: () => world.reconciler.state.desired?.zones.values() ?? [],
    resized: () => (resized += 1),
    failed: (error) => failures.push(error),
  });
  return { world, shares, failures, resized: () => resized };
}

const begin = ({ host }: World, src: string, count: number) => {
  for (let number = 0; number < count; number += 1)
    host.addFlow({ src, dst: `198.51.100.${number}`, replySrc: `198.51.100.${number}`, replyDst: src });
};
const held = async ({ host }: World) => (await host.nft.leases(exceeded, ['ifname'])).map(({ key }) => key);

it('is a quarter of what can be tracked, and unknown where nothing is or there is no bound', () => {
  expect([shareOf({ count: 0, max: 65_536 }), shareOf({ count: 9, max: 3 })]).toEqual([16_384, 1]);
  expect([shareOf(undefined), shareOf({ count: 5, max: 0 })]).toEqual([undefined, undefined]);
});

it('who has its share, by all of its addresses, is held for a while, and free once it has less', async () => {
  const { world, shares } = await watched(40);
  begin(world, '10.75.0.3', 6);
  begin(world, 'fdd4:1476:6c7e::3', 4);
  begin(world, '10.75.0.4', 9);
  await shares.look();
  expect(await held(world)).toEqual(['vif7.0']);
  const { transactions } = world.host.nft;
  await shares.look();
  expect(world.host.nft.transactions).toBe(transactions);
  await world.host.conntrack.purge([...(world.reconciler.state.desired?.byLink.get(link('vif7.0'))?.addresses ?? [])]);
  await shares.look();
  expect(await held(world)).toEqual([]);
});

it('counts nobody while the whole table has less than one share', async () => {
  const { world, shares } = await watched(40);
  begin(world, '10.75.0.3', 9);
  const gate = new ProtectNetworkError('refused', 'not to be asked');
  world.host.failNext('conntrack.countBySource', gate);
  await shares.look();
  expect(await held(world)).toEqual([]);
  expect(world.host.unmetFailures()).toEqual(['conntrack.countBySource']);
});

it('another size of the table is another layout', async () => {
  const { world, shares, resized } = await watched(40);
  world.host.conntrack.max = 80;
  await shares.look();
  expect([shares.share, resized()]).toEqual([20, 1]);
});

it('a set that is not there yet is no failure, what else the kernel says is', async () => {
  const { world, shares, failures } = await watched(undefined);
  world.host.conntrack.max = 4;
  begin(world, '10.75.0.3', 2);
  await shares.look();
  expect(failures).toEqual([]);
  world.host.failNext('nft.lease', new ProtectNetworkError('refused', 'full'));
  await shares.look();
  expect(failures.map((error) => hasCode(error, 'refused'))).toEqual([true]);
});
