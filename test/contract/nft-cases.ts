import assert from 'node:assert/strict';
import type { Host, NewRule, NftCommand, NftObject } from '../../src/host/port.ts';
import type { ContractCase } from './case.ts';
import { eventually, failure } from './case.ts';

const at = { family: 'inet', table: 'edera' } as const;
const element = (link: string, address: string) => ({ concat: [link, address] });
const elements = (...elem: unknown[]) => ({ element: { ...at, name: 'zones', elem } });
const rule = (chain: string, ...expr: unknown[]) => ({ rule: { ...at, chain, expr } });
const accept = { accept: null };
const drop = { drop: null };
const lookup = {
  match: {
    op: '==',
    left: { concat: [{ meta: { key: 'iifname' } }, { payload: { protocol: 'ip', field: 'saddr' } }] },
    right: '@zones',
  },
};
const zones = { ...at, name: 'zones', type: ['ifname', 'ipv4_addr'], stmt: [{ counter: null }] };
const base = { type: 'filter', hook: 'forward', prio: -10, policy: 'accept' };
const setUp: readonly NftCommand[] = [
  { add: { table: { family: 'inet', name: 'edera' } } },
  { add: { set: zones } },
  { add: { chain: { ...at, name: 'guard', ...base } } },
  { add: { chain: { ...at, name: 'side' } } },
];

export const nftCases: readonly ContractCase[] = [
  {
    name: 'a table is listed as itself, its sets, chains and rules, in the kernel’s shape',
    async run(host) {
      await host.nft.transact([
        ...setUp,
        { add: elements(element('vif7.0', '10.75.0.3')) },
        { add: { rule: { ...rule('guard', lookup, { counter: null }, drop).rule, comment: 'why' } } },
      ]);
      const counter = { packets: 0, bytes: 0 };
      assert.deepEqual(byKind(withoutHandles((await host.nft.table('inet', 'edera')) ?? [])), [
        { chain: { ...at, name: 'guard', ...base } },
        { chain: { ...at, name: 'side' } },
        { rule: { ...at, chain: 'guard', comment: 'why', expr: [lookup, { counter }, drop] } },
        { set: { ...zones, elem: [{ elem: { val: element('vif7.0', '10.75.0.3'), counter } }] } },
        { table: { family: 'inet', name: 'edera' } },
      ]);
      assert.deepEqual(await host.nft.tables(), [{ family: 'inet', name: 'edera' }]);
    },
  },
  {
    name: 'a table can be read without the elements of its sets',
    async run(host) {
      await host.nft.transact([
        ...setUp,
        { add: elements(element('vif7.0', '10.75.0.3')) },
        { add: rule('guard', lookup, drop) },
      ]);
      const objects = (await host.nft.rules('inet', 'edera')) ?? [];
      assert.deepEqual(byKind(withoutHandles(objects)), [
        { chain: { ...at, name: 'guard', ...base } },
        { chain: { ...at, name: 'side' } },
        { rule: { ...at, chain: 'guard', expr: [lookup, drop] } },
        { set: zones },
        { table: { family: 'inet', name: 'edera' } },
      ]);
      assert.equal(await host.nft.rules('inet', 'nobodys'), undefined);
    },
  },
  {
    name: 'a base chain without a policy accepts where it is new, and keeps the policy of one that is there',
    async run(host, world) {
      const { policy: _policy, ...hook } = base;
      const add = { add: { chain: { ...at, name: 'guard', ...hook } } };
      const policies = async () => (await host.nft.forwardChains()).map(({ policy }) => policy);
      await host.nft.transact([{ add: { table: { family: 'inet', name: 'edera' } } }, add]);
      assert.deepEqual(await policies(), ['accept']);
      await world.nft([{ add: { chain: { ...at, name: 'guard', ...base, policy: 'drop' } } }]);
      await host.nft.transact([add]);
      assert.deepEqual(await policies(), ['drop']);
    },
  },
  {
    name: 'statements are listed the way they were given, save for what the kernel leaves out or spells otherwise',
    async run(host) {
      const match = (left: unknown, right: unknown, op = '==') => ({ match: { op, left, right } });
      const mark = { meta: { key: 'mark' } };
      const source = { payload: { protocol: 'ip', field: 'saddr' } };
      const source6 = { payload: { protocol: 'ip6', field: 'saddr' } };
      const subnet = { prefix: { addr: '10.75.0.0', len: 16 } };
      await host.nft.transact([
        ...setUp,
        { add: rule('side', match({ meta: { key: 'nfproto' } }, 'ipv4'), match(source, subnet, '!='), accept) },
        { add: rule('side', match(source, { prefix: { addr: '10.75.0.3', len: 32 } })) },
        { add: rule('side', match(source6, 'fd00:0::1')) },
        { add: rule('side', match({ ct: { key: 'state' } }, ['related', 'established'], 'in'), accept) },
        { add: rule('side', { mangle: { key: mark, value: { '|': [mark, 0x10000000] } } }) },
        { add: rule('side', match({ '&': [mark, 0x10000000] }, 0x10000000), { return: null }) },
        { add: rule('side', match({ meta: { key: 'iifname' } }, 'vif*'), { reject: null }) },
      ]);
      assert.deepEqual(expressions(await rulesOf(host, 'side')), [
        [match(source, subnet, '!='), accept],
        [match(source, '10.75.0.3')],
        [match(source6, 'fd00::1')],
        [match({ ct: { key: 'state' } }, ['established', 'related'], 'in'), accept],
        [{ mangle: { key: mark, value: { '|': [mark, 0x10000000] } } }],
        [match({ '&': [mark, 0x10000000] }, 0x10000000), { return: null }],
        [match({ meta: { key: 'iifname' } }, 'vif*'), { reject: { type: 'icmpx', expr: 'port-unreachable' } }],
      ]);
    },
  },
  {
    name: 'the rules of a transaction are told with the handles that the kernel gave them',
    async run(host) {
      const told: NewRule[] = [];
      await host.watch((event) => {
        if (event.kind === 'own-rules') told.push(...event.rules);
      });
      await host.nft.transact(setUp);
      await host.nft.transact([
        { add: rule('guard', { counter: null }, accept) },
        { flush: { chain: { ...at, name: 'side' } } },
        { insert: rule('guard', { counter: null }) },
        { add: elements(element('vif7.0', '10.75.0.3')) },
        { add: rule('side', { counter: null }, drop) },
        { add: rule('side', accept) },
      ]);
      await eventually(
        'the four rules',
        () => (told.length >= 4 ? told : undefined),
        () => told,
      );
      const [first, second] = (await rulesOf(host, 'guard')).map(handleOf);
      const [third, fourth] = (await rulesOf(host, 'side')).map(handleOf);
      const place = { family: 'inet', table: 'edera', chain: 'guard' };
      assert.deepEqual(told, [
        { ...place, text: 'counter accept', handle: second },
        { ...place, text: 'counter', handle: first },
        { ...place, chain: 'side', text: 'counter drop', handle: third },
        { ...place, chain: 'side', text: 'accept', handle: fourth },
      ]);
    },
  },
  {
    name: 'insert with a handle goes before that rule',
    async run(host) {
      await host.nft.transact([...setUp, { add: rule('guard', drop) }]);
      const [anchor] = await rulesOf(host, 'guard');
      await host.nft.transact([{ insert: { rule: { ...rule('guard', accept).rule, handle: handleOf(anchor) } } }]);
      await host.nft.transact([{ insert: rule('guard', { counter: null }) }]);
      const counter = { counter: { packets: 0, bytes: 0 } };
      assert.deepEqual(expressions(await rulesOf(host, 'guard')), [[counter], [accept], [drop]]);
      await failure('refused', () =>
        host.nft.transact([{ insert: { rule: { ...rule('guard', accept).rule, handle: 999 } } }]),
      );
    },
  },
  {
    name: 'a transaction with any failure changes nothing and throws refused',
    async run(host) {
      await host.nft.transact(setUp);
      const before = await host.nft.table('inet', 'edera');
      const broken: readonly NftCommand[][] = [
        [{ delete: { rule: { ...at, chain: 'guard', handle: 999 } } }],
        [{ delete: { chain: { ...at, name: 'nowhere' } } }],
        [{ delete: { set: { ...at, name: 'nowhere' } } }],
        [{ delete: { table: { family: 'inet', name: 'nowhere' } } }],
        [{ delete: elements(element('vif7.0', '10.75.0.9')) }],
        [{ flush: { chain: { ...at, name: 'nowhere' } } }],
        [{ add: rule('nowhere', accept) }],
        [{ add: rule('guard', { jump: { target: 'nowhere' } }) }],
        [{ add: rule('guard', { match: { ...lookup.match, right: '@nowhere' } }) }],
        [{ add: rule('guard', accept, drop) }],
        [{ add: { chain: { family: 'inet', table: 'nowhere', name: 'x' } } }],
        [{ add: { set: { ...zones, type: 'ifname' } } }],
        [{ add: { chain: { ...at, name: 'guard', ...base, prio: 5 } } }],
        [{ add: elements('vif7.0') }],
        [{ add: elements(element('vif7.0', 'fd00::1')) }],
        [{ create: { chain: { ...at, name: 'side' } } }],
        [{ create: { table: { family: 'inet', name: 'edera' } } }],
        [{ frobnicate: { table: { family: 'inet', name: 'edera' } } }],
        [{ add: { gadget: { ...at, name: 'x' } } }],
        [{ add: rule('guard', { frobnicate: null }) }],
      ];
      for (const commands of broken) {
        const good = { add: elements(element('vif7.0', '10.75.0.3')) };
        await failure('refused', () => host.nft.transact([good, ...commands])).catch((error: Error) => {
          throw new Error(`${JSON.stringify(commands)}: ${error.message}`, { cause: error });
        });
        assert.deepEqual(await host.nft.table('inet', 'edera'), before, JSON.stringify(commands));
      }
    },
  },
  {
    name: 'a transaction of any size is applied as a whole or refused',
    async run(host) {
      const many = Array.from({ length: 1000 }, (_, index) => element(`vif${index + 1}.0`, '10.75.0.3'));
      await host.nft.transact([...setUp, { add: elements(...many) }]);
      assert.equal((await valuesOf(host)).length, many.length);
      const refused = [{ delete: elements(...many) }, { delete: { chain: { ...at, name: 'nowhere' } } }];
      await failure('refused', () => host.nft.transact(refused));
      assert.equal((await valuesOf(host)).length, many.length);
      await host.nft.transact([{ delete: elements(...many) }]);
      assert.deepEqual(await valuesOf(host), []);
    },
  },
  {
    name: 'adding what is there is no error and keeps it',
    async run(host) {
      const add = { add: elements(element('vif7.0', '10.75.0.3')) };
      await host.nft.transact([...setUp, add]);
      const before = await host.nft.table('inet', 'edera');
      await host.nft.transact([...setUp, add]);
      assert.deepEqual(await host.nft.table('inet', 'edera'), before);
      await failure('refused', () => host.nft.transact([{ create: elements(element('vif7.0', '10.75.0.3')) }]));
    },
  },
  {
    name: 'chains that are jumped to and sets that are looked up cannot be deleted before their rules',
    async run(host) {
      const jump = rule('guard', { jump: { target: 'side' } });
      await host.nft.transact([...setUp, { add: jump }, { add: rule('guard', lookup, drop) }]);
      const deleteChain = { delete: { chain: { ...at, name: 'side' } } };
      const deleteSet = { delete: { set: { ...at, name: 'zones' } } };
      await failure('refused', () => host.nft.transact([deleteChain]));
      await failure('refused', () => host.nft.transact([deleteSet]));
      const rules = (await rulesOf(host, 'guard')).map((object) => ({
        delete: { rule: { ...at, chain: 'guard', handle: handleOf(object) } },
      }));
      await host.nft.transact([...rules, deleteChain, deleteSet]);
      const left = withoutHandles((await host.nft.table('inet', 'edera')) ?? []);
      assert.deepEqual(left, [
        { table: { family: 'inet', name: 'edera' } },
        { chain: { ...at, name: 'guard', ...base } },
      ]);
    },
  },
  {
    name: 'elements come and go, and a flushed set is empty',
    async run(host) {
      const [three, four] = [element('vif7.0', '10.75.0.3'), element('vif8.0', '10.75.0.4')];
      await host.nft.transact([...setUp, { add: elements(three, four) }]);
      assert.deepEqual(await valuesOf(host), [three, four]);
      await host.nft.transact([{ delete: elements(three) }]);
      assert.deepEqual(await valuesOf(host), [four]);
      await host.nft.transact([{ flush: { set: { ...at, name: 'zones' } } }]);
      assert.deepEqual(await valuesOf(host), []);
    },
  },
  {
    name: 'flushing a table empties its chains and leaves its sets alone',
    async run(host) {
      const three = element('vif7.0', '10.75.0.3');
      await host.nft.transact([...setUp, { add: elements(three) }, { add: rule('guard', lookup, drop) }]);
      await host.nft.transact([{ flush: { table: { family: 'inet', name: 'edera' } } }]);
      assert.deepEqual(await rulesOf(host, 'guard'), []);
      assert.deepEqual(await valuesOf(host), [three]);
    },
  },
  {
    name: 'what does not exist is listed as undefined, and an empty transaction does nothing',
    async run(host) {
      assert.equal(await host.nft.table('inet', 'edera'), undefined);
      assert.deepEqual(await host.nft.tables(), []);
      await host.nft.transact([]);
      await host.nft.transact(setUp.slice(0, 1));
      await host.nft.transact([{ delete: { table: { family: 'inet', name: 'edera' } } }]);
      assert.deepEqual(await host.nft.tables(), []);
    },
  },
  {
    name: 'what others made is listed, too',
    async run(host, world) {
      await world.nft([...setUp, { add: rule('guard', { counter: null }) }]);
      assert.deepEqual(expressions(await rulesOf(host, 'guard')), [[{ counter: { packets: 0, bytes: 0 } }]]);
    },
  },
];

async function rulesOf(host: Host, chain: string): Promise<NftObject[]> {
  const objects = (await host.nft.table('inet', 'edera')) ?? [];
  return objects.filter((object) => bodyOf(object)['chain'] === chain);
}

async function valuesOf(host: Host): Promise<unknown[]> {
  const objects = (await host.nft.table('inet', 'edera')) ?? [];
  const set = bodyOf(objects.find((object) => 'set' in object) ?? {});
  const listed = (set['elem'] ?? []) as { elem: { val: unknown } }[];
  return listed.map(({ elem }) => elem.val).sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
}

function expressions(rules: readonly NftObject[]): unknown[] {
  return rules.map((object) => bodyOf(object)['expr']);
}

function withoutHandles(objects: readonly NftObject[]): NftObject[] {
  return objects.map((object) => {
    const { handle, ...rest } = bodyOf(object);
    assert.equal(typeof handle, 'number');
    return { [Object.keys(object)[0] ?? '']: rest };
  });
}

/** nft 1.0 lists sets ahead of chains, 1.1 behind them; within a kind the order is the kernel's. */
function byKind(objects: readonly NftObject[]): NftObject[] {
  const kindOf = (object: NftObject) => Object.keys(object)[0] ?? '';
  return objects.toSorted((a, b) => kindOf(a).localeCompare(kindOf(b)));
}

function handleOf(object: NftObject | undefined): unknown {
  return bodyOf(object ?? {})['handle'];
}

function bodyOf(object: NftObject): Readonly<Record<string, unknown>> {
  return (Object.values(object)[0] ?? {}) as Readonly<Record<string, unknown>>;
}
