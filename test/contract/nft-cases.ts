import assert from 'node:assert/strict';
import { commandJson } from '../../src/host/nft-command.ts';
import type { Host, HostEvent, NftCommand, NftObject, NftRemoval } from '../../src/host/port.ts';
import type { LinkName } from '../../src/model/link-name.ts';
import * as make from '../../src/nft/commands.ts';
import type { ContractCase } from './case.ts';
import { failure } from './case.ts';
import { collect } from './collect.ts';

const at = { family: 'inet', table: 'edera' } as const;
const zonesAt = { ...at, set: 'zones' } as const;
const chainAt = (chain: string) => ({ ...at, chain });
const element = (link: string, address: string) => ({ concat: [link, address] });
const add = (...keys: string[]): NftCommand => ({ kind: 'add-elements', ...zonesAt, keys, counted: true });
const remove = (...keys: string[]): NftCommand => ({ kind: 'delete-elements', ...zonesAt, keys });
const rule = (chain: string, ...expr: NftObject[]) => make.addRule(chainAt(chain), expr);
const link = (name: string) => name as LinkName;
const three = 'vif7.0 10.75.0.3';
const four = 'vif8.0 10.75.0.4';
const linkIs = (key: string, right: string) => ({ match: { op: '==', left: { meta: { key } }, right } });
const accept = { accept: null };
const drop = { drop: null };
const lookup = {
  match: {
    op: '==',
    left: { concat: [{ meta: { key: 'iifname' } }, { payload: { protocol: 'ip', field: 'saddr' } }] },
    right: '@zones',
  },
};
const layout = { name: 'zones', type: ['ifname', 'ipv4_addr'], counted: true };
const zones = { ...at, name: 'zones', type: layout.type, stmt: [{ counter: null }] };
const base = { type: 'filter', hook: 'forward', prio: -10, policy: 'accept' } as const;
const table = make.addTable('inet', 'edera');
const setUp: readonly NftCommand[] = [
  table,
  make.addSet('inet', 'edera', layout),
  make.addChain(chainAt('guard'), base),
  make.addChain(chainAt('side')),
];
const pairOf = (name: string) => make.acceptLink(chainAt('side'), link(name));
const noCount = { packets: 0, bytes: 0 };

export const nftCases: readonly ContractCase[] = [
  {
    name: 'a table is listed as itself, its sets, chains and rules, in the kernel’s shape',
    async run(host) {
      await host.nft.transact([...setUp, add(three), rule('guard', lookup, { counter: null }, drop)]);
      const counter = noCount;
      assert.deepEqual(byKind(withoutHandles((await host.nft.table('inet', 'edera')) ?? [])), [
        { chain: { ...at, name: 'guard', ...base } },
        { chain: { ...at, name: 'side' } },
        { rule: { ...at, chain: 'guard', expr: [lookup, { counter }, drop] } },
        { set: { ...zones, elem: [{ elem: { val: element('vif7.0', '10.75.0.3'), counter } }] } },
        { table: { family: 'inet', name: 'edera' } },
      ]);
      assert.deepEqual(await host.nft.tables(), [{ family: 'inet', name: 'edera' }]);
    },
  },
  {
    name: 'a chain at a link’s ingress is listed, and goes in one transaction, with its link or without',
    async run(host, world) {
      await world.addLink('vif7.0');
      const chain = { family: 'netdev', table: 'edera', chain: 'vif7.0' } as const;
      const ingress = { type: 'filter', hook: 'ingress', dev: link('vif7.0'), prio: -450 } as const;
      const mine = { payload: { protocol: 'arp', field: 'saddr ip' } };
      const bits = { '&': [{ payload: { base: 'th', offset: 64, len: 16 } }, 0xffc0] };
      const expr = [{ match: { op: '==', left: mine, right: '10.75.0.3' } }, { accept: null }];
      const target = [{ match: { op: '==', left: bits, right: 0xfe80 } }, { counter: null }, drop];
      const whole = [
        make.addTable('netdev', 'edera'),
        make.addChain(chain),
        make.deleteChain(chain),
        make.addChain(chain, ingress),
        ...[expr, target].map((each) => make.addRule(chain, each)),
      ];
      for (let time = 0; time < 2; time += 1) {
        await host.nft.transact(whole);
        const listed = await host.nft.table('netdev', 'edera');
        const hooks = listed?.flatMap(({ chain: each }) =>
          each === undefined ? [] : [(each as { hook?: unknown }).hook],
        );
        assert.deepEqual(hooks, ['ingress']);
        const rules = listed?.flatMap(({ rule: each }) =>
          each === undefined ? [] : [(each as { expr: unknown }).expr],
        );
        assert.deepEqual(rules, [expr, [target[0], { counter: { packets: 0, bytes: 0 } }, drop]]);
      }
      await world.deleteLink('vif7.0');
      for (let time = 0; time < 2; time += 1) await host.nft.transact([make.addChain(chain), make.deleteChain(chain)]);
      await host.nft.transact([make.addTable('netdev', 'edera'), make.deleteTable('netdev', 'edera')]);
      assert.deepEqual(await host.nft.tables(), []);
    },
  },
  {
    name: 'a table can be read without the elements of its sets',
    async run(host) {
      await host.nft.transact([...setUp, add(three), rule('guard', lookup, drop)]);
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
      const chain = make.addChain(chainAt('guard'), hook);
      const policies = async () => (await host.nft.forwardChains()).map(({ policy }) => policy);
      await host.nft.transact([table, chain]);
      assert.deepEqual(await policies(), ['accept']);
      await world.nft([{ add: { chain: { ...at, name: 'guard', ...base, policy: 'drop' } } }]);
      await host.nft.transact([chain]);
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
        rule('side', match({ meta: { key: 'nfproto' } }, 'ipv4'), match(source, subnet, '!='), accept),
        rule('side', match(source, { prefix: { addr: '10.75.0.3', len: 32 } })),
        rule('side', match(source6, 'fd00:0::1')),
        rule('side', match({ ct: { key: 'state' } }, ['related', 'established'], 'in'), accept),
        rule('side', { mangle: { key: mark, value: { '|': [mark, 0x10000000] } } }),
        rule('side', match({ '&': [mark, 0x10000000] }, 0x10000000), { return: null }),
        rule('side', match({ meta: { key: 'iifname' } }, 'vif*'), { reject: null }),
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
    name: 'links’ rules come with their handles, in the documented shape, and go by them',
    async run(host) {
      await host.nft.transact(setUp);
      const [seven, eight] = [pairOf('vif7.0'), pairOf('vif8.0')];
      const handles = [...(await host.nft.transact([...seven, add(three)])), ...(await host.nft.transact(eight))];
      const listed = await rulesOf(host, 'side');
      assert.deepEqual(listed.map(handleOf), handles);
      const shape = (key: string, name: string) => [linkIs(key, name), { counter: noCount }, accept];
      const shapes = ['vif7.0', 'vif8.0'].flatMap((name) => [shape('oifname', name), shape('iifname', name)]);
      assert.deepEqual(expressions(listed), shapes);
      const gone = handles.slice(0, 2).map((handle) => make.deleteRule(chainAt('side'), handle));
      assert.deepEqual(await host.nft.transact([...gone, remove(three)]), []);
      assert.deepEqual((await rulesOf(host, 'side')).map(handleOf), handles.slice(2));
    },
  },
  {
    name: 'a foreign transaction that only takes away elements and rules is told in full',
    async run(host, world) {
      const events = await collect(host);
      await host.nft.transact([...setUp, add(three, four)]);
      const [handle, kept] = await host.nft.transact(pairOf('vif7.0'));
      const gone = { delete: { element: { ...at, name: 'zones', elem: [element('vif7.0', '10.75.0.3')] } } };
      const ruleGone = (number: number | undefined) => ({ delete: { rule: { ...chainAt('side'), handle: number } } });
      await world.nft([gone, ruleGone(handle)]);
      const told = await events.find('removals', (event) => removalsOf(event) !== undefined);
      const [one, two] = removalsOf(told) ?? [];
      assert.ok(one?.kind === 'element' && two?.kind === 'rule');
      assert.deepEqual([one.table, one.set, one.key(layout.type)], ['inet edera', 'zones', three]);
      assert.deepEqual([two.table, two.chain, two.handle], ['inet edera', 'side', handle]);
      await world.nft([ruleGone(kept), { add: { chain: { ...at, name: 'intruder' } } }]);
      const isOther = (event: HostEvent) => event.kind === 'nft' && event !== told;
      assert.equal(removalsOf(await events.find('a transaction that also adds', isOther)), undefined);
    },
  },
  {
    name: 'links’ rules that go along with the layout stand where they were put, and their handles are not told',
    async run(host) {
      await host.nft.transact(setUp);
      const [out, into] = pairOf('vif7.0');
      const commands = [make.flushChain(chainAt('side')), rule('side', drop), add(three), out, into];
      assert.deepEqual(await host.nft.transact(commands.filter((command) => command !== undefined)), []);
      const counter = { counter: noCount };
      assert.deepEqual(expressions(await rulesOf(host, 'side')), [
        [drop],
        [linkIs('oifname', 'vif7.0'), counter, accept],
        [linkIs('iifname', 'vif7.0'), counter, accept],
      ]);
      assert.deepEqual(await countersOf(host), [{ link: 'vif7.0', ...noCount }]);
    },
  },
  {
    name: 'each element counts, by whichever way it came, and a set that is not there has none',
    async run(host) {
      await host.nft.transact([...setUp, add(three)]);
      await host.nft.transact([add(four, 'vif8.0 10.75.0.5')]);
      const counted = await countersOf(host);
      assert.deepEqual(
        counted.toSorted((a, b) => a.link.localeCompare(b.link)),
        ['vif7.0', 'vif8.0', 'vif8.0'].map((name) => ({ link: name, ...noCount })),
      );
      assert.deepEqual(await host.nft.counters({ ...at, set: 'nobodys' }), []);
      assert.deepEqual(await host.nft.counters({ family: 'ip', table: 'nobodys', set: 'zones' }), []);
    },
  },
  {
    name: 'elements of addresses alone, of links alone, and of either family are listed as they were given',
    async run(host) {
      const sets: readonly (readonly [string, string | string[], string, unknown])[] = [
        ['zone4', 'ipv4_addr', '10.75.0.3', '10.75.0.3'],
        ['zone6', 'ipv6_addr', 'fdd4:1476:6c7e::3', 'fdd4:1476:6c7e::3'],
        ['drops', 'ifname', 'vif1339.2', 'vif1339.2'],
        ['from6', ['ifname', 'ipv6_addr'], 'vif7.0 fdd4:1476:6c7e::3', element('vif7.0', 'fdd4:1476:6c7e::3')],
      ];
      await host.nft.transact([table, ...sets.map(([name, type]) => make.addSet('inet', 'edera', { name, type }))]);
      await host.nft.transact(sets.flatMap(([name, , key]) => make.elements('add', 'inet', 'edera', name, [key])));
      const objects = (await host.nft.table('inet', 'edera')) ?? [];
      const listed = objects.flatMap((object) => ('set' in object ? [bodyOf(object)] : []));
      const elemOf = (name: string) => listed.find((set) => set['name'] === name)?.['elem'];
      for (const [name, , , value] of sets) assert.deepEqual(elemOf(name), [value], name);
      await host.nft.transact(sets.flatMap(([name, , key]) => make.elements('delete', 'inet', 'edera', name, [key])));
    },
  },
  {
    name: 'what zones come and go by is refused as a whole where its table vanished',
    async run(host, world) {
      await host.nft.transact(setUp);
      const handles = await host.nft.transact(pairOf('vif7.0'));
      await world.nft([{ delete: { table: { family: 'inet', name: 'edera' } } }]);
      await failure('refused', () => host.nft.transact([add(three)]));
      await failure('refused', () => host.nft.transact(pairOf('vif8.0')));
      const [handle] = handles;
      await failure('refused', () => host.nft.transact([make.deleteRule(chainAt('side'), handle)]));
      assert.deepEqual(await host.nft.tables(), []);
    },
  },
  {
    name: 'a dry run says why not, or nothing, and changes nothing',
    async run(host) {
      assert.equal(await host.nft.refusalOf([...setUp, rule('guard', lookup, drop)]), undefined);
      assert.match((await host.nft.refusalOf([rule('guard', drop)])) ?? '', /No such file or directory/);
      assert.deepEqual(await host.nft.tables(), []);
    },
  },
  {
    name: 'insert with a handle goes before that rule',
    async run(host) {
      await host.nft.transact([...setUp, rule('guard', drop)]);
      const [anchor] = (await rulesOf(host, 'guard')).map(handleOf);
      await host.nft.transact([make.insertRule(chainAt('guard'), [accept], anchor)]);
      await host.nft.transact([make.insertRule(chainAt('guard'), [{ counter: null }], undefined)]);
      const counter = { counter: { packets: 0, bytes: 0 } };
      assert.deepEqual(expressions(await rulesOf(host, 'guard')), [[counter], [accept], [drop]]);
      await failure('refused', () => host.nft.transact([make.insertRule(chainAt('guard'), [accept], 999)]));
    },
  },
  {
    name: 'a transaction with any failure changes nothing and throws refused',
    async run(host) {
      await host.nft.transact(setUp);
      const before = await host.nft.table('inet', 'edera');
      const broken: readonly NftCommand[][] = [
        [make.deleteRule(chainAt('guard'), 999)],
        [make.deleteChain(chainAt('nowhere'))],
        [make.deleteSet('inet', 'edera', 'nowhere')],
        [make.deleteTable('inet', 'nowhere')],
        [remove('vif7.0 10.75.0.9')],
        [make.flushChain(chainAt('nowhere'))],
        [rule('nowhere', accept)],
        make.acceptLink(chainAt('nowhere'), link('vif7.0')),
        [rule('guard', { jump: { target: 'nowhere' } })],
        [rule('guard', { match: { ...lookup.match, right: '@nowhere' } })],
        [rule('guard', accept, drop)],
        [make.addChain({ family: 'inet', table: 'nowhere', chain: 'x' })],
        [make.addSet('inet', 'edera', { name: 'zones', type: 'ifname' })],
        [make.addChain(chainAt('guard'), { ...base, prio: 5 })],
        [add('vif7.0')],
        [add('vif7.0 fd00::1')],
        [rule('guard', { frobnicate: null })],
      ];
      for (const commands of broken) {
        await failure('refused', () => host.nft.transact([add(three), ...commands])).catch((error: Error) => {
          throw new Error(`${JSON.stringify(commands)}: ${error.message}`, { cause: error });
        });
        assert.deepEqual(await host.nft.table('inet', 'edera'), before, JSON.stringify(commands));
      }
    },
  },
  {
    name: 'a transaction of any size is applied as a whole or refused',
    async run(host) {
      const many = Array.from({ length: 3000 }, (_, index) => `vif${index + 1}.0 10.75.0.3`);
      await host.nft.transact([...setUp, add(...many.slice(0, 1000))]);
      await host.nft.transact([add(...many.slice(1000))]);
      assert.equal((await valuesOf(host)).length, many.length);
      for (const wrong of [make.deleteChain(chainAt('nowhere')), remove('vif4000.0 10.75.0.3')]) {
        await failure('refused', () => host.nft.transact([remove(...many), wrong]));
        assert.equal((await valuesOf(host)).length, many.length);
      }
      const links = many.map((key) => link(key.split(' ')[0] ?? ''));
      const handles = await host.nft.transact(links.flatMap((name) => make.acceptLink(chainAt('side'), name)));
      assert.equal(new Set(handles).size, 2 * many.length);
      await host.nft.transact([remove(...many), ...handles.map((handle) => make.deleteRule(chainAt('side'), handle))]);
      assert.deepEqual(await valuesOf(host), []);
    },
  },
  {
    name: 'adding what is there is no error and keeps it',
    async run(host) {
      await host.nft.transact([...setUp, add(three)]);
      const before = await host.nft.table('inet', 'edera');
      await host.nft.transact([...setUp, add(three)]);
      await host.nft.transact([add(three)]);
      assert.deepEqual(await host.nft.table('inet', 'edera'), before);
    },
  },
  {
    name: 'chains that are jumped to and sets that are looked up cannot be deleted before their rules',
    async run(host) {
      const jump = rule('guard', { jump: { target: 'side' } });
      await host.nft.transact([...setUp, jump, rule('guard', lookup, drop)]);
      const deleteChain = make.deleteChain(chainAt('side'));
      const deleteSet = make.deleteSet('inet', 'edera', 'zones');
      await failure('refused', () => host.nft.transact([deleteChain]));
      await failure('refused', () => host.nft.transact([deleteSet]));
      const rules = (await rulesOf(host, 'guard')).map((object) => make.deleteRule(chainAt('guard'), handleOf(object)));
      await host.nft.transact([...rules, deleteChain, deleteSet]);
      const left = withoutHandles((await host.nft.table('inet', 'edera')) ?? []);
      assert.deepEqual(left, [
        { table: { family: 'inet', name: 'edera' } },
        { chain: { ...at, name: 'guard', ...base } },
      ]);
    },
  },
  {
    name: 'elements come and go',
    async run(host) {
      await host.nft.transact([...setUp, add(three, four)]);
      assert.deepEqual(await valuesOf(host), [element('vif7.0', '10.75.0.3'), element('vif8.0', '10.75.0.4')]);
      await host.nft.transact([remove(three)]);
      assert.deepEqual(await valuesOf(host), [element('vif8.0', '10.75.0.4')]);
    },
  },
  {
    name: 'what does not exist is listed as undefined, and an empty transaction does nothing',
    async run(host) {
      assert.equal(await host.nft.table('inet', 'edera'), undefined);
      assert.deepEqual(await host.nft.tables(), []);
      await host.nft.transact([]);
      await host.nft.transact(setUp.slice(0, 1));
      await host.nft.transact([make.deleteTable('inet', 'edera')]);
      assert.deepEqual(await host.nft.tables(), []);
    },
  },
  {
    name: 'the generation changes with each transaction of anybody’s, and with nothing else',
    async run(host, world) {
      const steps = [
        () => host.nft.transact(setUp),
        () => host.nft.transact([add(three)]),
        () => world.nft([{ delete: { element: { ...at, name: 'zones', elem: [element('vif7.0', '10.75.0.3')] } } }]),
        () => host.nft.transact(pairOf('vif7.0')),
      ];
      for (const step of steps) {
        const before = await host.nft.generation();
        await step();
        const after = await host.nft.generation();
        assert.notEqual(after, before);
        await host.nft.table('inet', 'edera');
        await failure('refused', () => host.nft.transact([remove('vif7.0 10.75.0.9')]));
        assert.equal(await host.nft.generation(), after);
      }
    },
  },
  {
    name: 'what others made is listed, too',
    async run(host, world) {
      await world.nft([...setUp, rule('guard', { counter: null })].map(commandJson));
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

function removalsOf(event: HostEvent): readonly NftRemoval[] | undefined {
  return event.kind === 'nft' ? event.removals : undefined;
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

function handleOf(object: NftObject): number {
  return bodyOf(object)['handle'] as number;
}

async function countersOf(host: Host) {
  return host.nft.counters(zonesAt);
}

function bodyOf(object: NftObject): Readonly<Record<string, unknown>> {
  return (Object.values(object)[0] ?? {}) as Readonly<Record<string, unknown>>;
}
