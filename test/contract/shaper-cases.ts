import assert from 'node:assert/strict';
import { type ContractCase, neverAnIfindex } from './case.ts';
import { collect } from './collect.ts';
import { outcome } from './rtnetlink-cases.ts';

const [some, more] = [8_000_000, 40_000_000_000];

export const shaperCases: readonly ContractCase[] = [
  {
    name: 'a link is shaped, also while it is down, to another rate, and not any more, each as often as one likes',
    async run(host, world) {
      const ifindex = await world.addLink('vif7.0');
      const shape = (bitsPerSecond: number) => ({ kind: 'shaper-set', ifindex, bitsPerSecond }) as const;
      assert.deepEqual(await host.rtnetlink.shapers(), new Map());
      for (const bitsPerSecond of [some, more]) {
        assert.deepEqual(await outcome(host, shape(bitsPerSecond), shape(bitsPerSecond)), ['ok', 'ok']);
        assert.deepEqual(await host.rtnetlink.shapers(), new Map([[ifindex, { kind: 'ours', bitsPerSecond }]]));
        await world.setLink('vif7.0', 'up');
      }
      const remove = { kind: 'shaper-del', ifindex } as const;
      assert.deepEqual(await outcome(host, remove, remove), ['ok', 'ok']);
      assert.deepEqual(await host.rtnetlink.shapers(), new Map());
    },
  },
  {
    name: 'somebody else’s qdisc is in the way, stays, and is not deleted as ours',
    async run(host, world) {
      const ifindex = await world.addLink('vif7.0');
      await world.setQdisc('vif7.0', 'htb');
      const theirs = new Map([[ifindex, { kind: 'other', qdisc: 'htb 1:' }]]);
      assert.deepEqual(await host.rtnetlink.shapers(), theirs);
      const changes = [
        { kind: 'shaper-set', ifindex, bitsPerSecond: some },
        { kind: 'shaper-del', ifindex },
      ] as const;
      assert.deepEqual(await outcome(host, ...changes), ['exists', 'ok']);
      assert.deepEqual(await host.rtnetlink.shapers(), theirs);
    },
  },
  {
    name: 'a link that is gone is not shaped',
    async run(host) {
      const ifindex = neverAnIfindex;
      const changes = [
        { kind: 'shaper-set', ifindex, bitsPerSecond: some },
        { kind: 'shaper-del', ifindex },
      ] as const;
      assert.deepEqual(await outcome(host, ...changes), ['vanished', 'ok']);
    },
  },
  {
    name: 'what is put at the root of a link is announced, and that nothing is there any more',
    async run(host, world) {
      const ifindex = await world.addLink('vif7.0');
      const events = await collect(host);
      const shown = (what: string, kind: 'ours' | 'other' | undefined) =>
        events.find(
          what,
          (event) => event.kind === 'shaper' && event.ifindex === ifindex && event.shaper?.kind === kind,
        );
      await outcome(host, { kind: 'shaper-set', ifindex, bitsPerSecond: some });
      assert.deepEqual(await shown('ours', 'ours'), {
        kind: 'shaper',
        ifindex,
        shaper: { kind: 'ours', bitsPerSecond: some },
      });
      await world.setQdisc('vif7.0', 'htb');
      assert.deepEqual(await shown('theirs', 'other'), {
        kind: 'shaper',
        ifindex,
        shaper: { kind: 'other', qdisc: 'htb 1:' },
      });
      await world.setQdisc('vif7.0', 'none');
      await shown('nothing', undefined);
      assert.deepEqual(await host.rtnetlink.shapers(), new Map());
    },
  },
];
