/** Where our jump ends up among the rules of others, shown as the chain reads afterwards. */
import { describe, expect, it } from 'vitest';
import type { NftObject } from '../../../src/host/port.ts';
import { FakeHost } from '../../fake/kernel.ts';
import {
  acceptAll,
  all,
  converge,
  count,
  defaults,
  dropAll,
  foreignFilter,
  from,
  goTo,
  jumpTo,
  leavingBy,
  pending,
  returnAll,
  rulesOf,
  xt,
  zone,
} from './support.ts';

type Rules = NftObject[][];
type Case = readonly [name: string, forward: Rules, position: number, chains?: Record<string, Rules>];

const operators: Rules = [
  [from('10.75.0.3'), dropAll],
  [from('192.0.2.7'), count, acceptAll],
];
const reject: NftObject = { reject: { type: 'icmp', expr: 'port-unreachable' } };
const log: NftObject = { log: { prefix: 'forward ' } };
const ours = [jumpTo('EDERA-FORWARD')];

const cases: readonly Case[] = [
  ['an empty chain', [], 0],
  ["the operator's rules: behind them", operators, 2],
  ['a drop at the end: before it', [...operators, [count, dropAll]], 2],
  ['an accept', [...operators, [acceptAll]], 2],
  ['a reject', [...operators, [count, reject]], 2],
  ['a logged drop', [...operators, [log, count, dropAll]], 2],
  ['a drop at the head', [[dropAll], ...operators], 0],
  ['the first of two that end everything', [...operators, [dropAll], [acceptAll]], 2],
  ['iptables -j REJECT', [...operators, [xt('target', 'REJECT')]], 2],
  ['iptables -m comment -j REJECT', [...operators, [xt('match', 'comment'), count, xt('target', 'REJECT')]], 2],
  ['iptables -m comment -j DROP', [...operators, [xt('match', 'comment'), count, dropAll]], 2],
  [
    'iptables -m conntrack -j REJECT: a condition',
    [...operators, [xt('match', 'conntrack'), xt('target', 'REJECT')]],
    3,
  ],
  ['iptables -j LOG: nothing ends there', [[xt('target', 'LOG')], ...operators], 3],
  ['a rate limit before the drop: a condition', [[{ limit: { rate: 1, per: 'second' } }, dropAll], ...operators], 3],
  ['a statement nobody knows', [[{ moon: null }, dropAll]], 1],
  ['a chain that drops everything', [...operators, [count, jumpTo('DENY')]], 2, { DENY: [[dropAll]] }],
  [
    'a chain two jumps away',
    [...operators, [jumpTo('A')]],
    2,
    { A: [[jumpTo('B')]], B: [[from('192.0.2.1'), acceptAll], [reject]] },
  ],
  ['a conditional jump to such a chain', [[leavingBy('eth0'), jumpTo('DENY')], ...operators], 3, { DENY: [[dropAll]] }],
  ['a chain that only looks', [[jumpTo('LOOK')], ...operators], 3, { LOOK: [[from('192.0.2.1'), dropAll], [count]] }],
  ['an empty chain of theirs', [[jumpTo('EMPTY')], ...operators], 3, { EMPTY: [] }],
  ['a return before the drop', [[jumpTo('A')], ...operators], 3, { A: [[leavingBy('vif*'), returnAll], [dropAll]] }],
  [
    'iptables -j RETURN before the drop',
    [[jumpTo('A')], ...operators],
    3,
    { A: [[xt('target', 'RETURN')], [dropAll]] },
  ],
  ['a return behind the drop', [[jumpTo('A')], ...operators], 0, { A: [[dropAll], [returnAll]] }],
  [
    'a return in a chain called before the drop',
    [[jumpTo('A')], ...operators],
    0,
    { A: [[jumpTo('B')], [dropAll]], B: [[returnAll]] },
  ],
  ['goto: nothing comes back', [...operators, [goTo('LOOK')], [from('192.0.2.9'), acceptAll]], 2, { LOOK: [] }],
  [
    "somebody's conditional jump to our chain",
    [[leavingBy('vif9.9'), jumpTo('EDERA-FORWARD')], ...operators],
    3,
    { 'EDERA-FORWARD': [] },
  ],
  [
    'a commented jump of iptables to our chain',
    [[xt('match', 'comment'), count, jumpTo('EDERA-FORWARD')], ...operators],
    3,
    { 'EDERA-FORWARD': [] },
  ],
  [
    'Docker',
    [
      [count, jumpTo('DOCKER-USER')],
      [count, jumpTo('DOCKER-FORWARD')],
      [leavingBy('docker0'), acceptAll],
    ],
    3,
    { 'DOCKER-USER': [[count, returnAll]], 'DOCKER-FORWARD': [[leavingBy('docker0'), acceptAll]] },
  ],
  [
    'ufw',
    ['before', 'after', 'reject', 'track'].map((name) => [count, jumpTo(`ufw-${name}-forward`)]),
    2,
    {
      'ufw-before-forward': [[xt('match', 'conntrack'), count, acceptAll], [jumpTo('ufw-user-forward')]],
      'ufw-user-forward': [],
      'ufw-after-forward': [],
      'ufw-reject-forward': [[count, xt('target', 'REJECT')]],
      'ufw-track-forward': [],
    },
  ],
];

const whole = cases.map(([name, forward, position, chains = {}]) => [name, forward, position, chains] as const);

describe('placement auto', () => {
  it.each(whole)('%s', async (_name, forward, position, chains) => {
    await expectPlaced('auto', forward, position, chains);
  });

  it('comes behind every rule that is not the end, however many there are', async () => {
    const many = Array.from({ length: 300 }, (_, index) => [from(`192.0.2.${index % 250}`), acceptAll]);
    await expectPlaced('auto', [...many, [dropAll]], 300, {});
  });

  it('sees an end in a return at the top: the policy decides there (endsEveryPacket knows no return)', async () => {
    await expectPlaced('auto', [...operators, [returnAll], [from('192.0.2.9'), acceptAll]], 2, {});
  });

  it('sees no end in a nested goto whose chain lets packets go back (goto counts as an end at any depth)', async () => {
    await expectPlaced('auto', [[jumpTo('A')], ...operators], 3, { A: [[goTo('EMPTY')]], EMPTY: [] });
  });

  it('sees an end behind a statement that only marks (mangle counts as a condition)', async () => {
    const mark = { mangle: { key: { meta: { key: 'mark' } }, value: 1 } };
    await expectPlaced('auto', [...operators, [mark, dropAll]], 2, {});
  });

  const update = (stmt: NftObject[]) => ({
    set: { op: 'update', elem: { payload: { protocol: 'ip', field: 'saddr' } }, set: '@seen', stmt },
  });
  it.each<[string, NftObject, boolean]>([
    ['an update of a set', update([]), true],
    ['an update of a set that counts', update([count]), true],
    ['an update of a set with a limit', update([{ limit: { rate: 1, per: 'second', inv: true } }]), false],
    ['the time of its last packet', { last: null }, true],
    ['a helper of connection tracking', { 'ct helper': 'ftp' }, true],
    ['a flow table, which takes answered connections only', { flow: { op: 'add', flowtable: '@fast' } }, false],
    ['a queue', { queue: { num: 0 } }, true],
  ])('a drop behind %s', async (_name, statement, ends) => {
    await expectPlaced('auto', [[statement, dropAll], ...operators], ends ? 0 : 3, {});
  });
});

describe('placement first', () => {
  it.each(whole)('%s', async (_name, forward, _position, chains) => {
    await expectPlaced('first', forward, 0, chains);
  });
});

describe('a jump that is there', () => {
  it('stays where it is right, with its counter', async () => {
    const host = new FakeHost();
    foreignFilter(host, { FORWARD: [...operators, [count, ...ours], [dropAll]], 'EDERA-FORWARD': [] });
    const [, , before] = await rulesOf(host, 'ip', 'filter', 'FORWARD');
    await converge(host, defaults, all([]));
    const [, , after] = await rulesOf(host, 'ip', 'filter', 'FORWARD');
    expect(after).toEqual(before);
  });

  it.each([
    ['twice', [[count, ...ours], ...operators, [count, ...ours]]],
    ['before the rules', [ours, ...operators]],
    ['behind the end', [...operators, [dropAll], ours]],
  ])('%s is put right', async (_name, forward) => {
    const others = forward.filter((expr) => !expr.some((part) => 'jump' in part));
    const end = others.findIndex((expr) => expr.length === 1);
    await expectPlaced('auto', forward, end < 0 ? others.length : end, { 'EDERA-FORWARD': [] });
  });

  it('moves when the end it stands before goes, and when another comes', async () => {
    const host = new FakeHost();
    foreignFilter(host, { FORWARD: [...operators, [dropAll]] });
    await converge(host, defaults, all([]));
    const at = { family: 'ip', table: 'filter', chain: 'FORWARD' };
    host.foreignNft([{ insert: { rule: { ...at, expr: [acceptAll] } } }]);
    await converge(host, defaults, all([]));
    expect(await jumpPositions(host)).toEqual([0]);
    const [, head] = await rulesOf(host, 'ip', 'filter', 'FORWARD');
    host.foreignNft([{ delete: { rule: { ...at, handle: head?.['handle'] } } }]);
    await converge(host, defaults, all([]));
    expect(await jumpPositions(host)).toEqual([2]);
  });
});

async function expectPlaced(
  placement: 'auto' | 'first',
  forward: readonly NftObject[][],
  position: number,
  chains: Record<string, Rules>,
): Promise<void> {
  const host = new FakeHost();
  foreignFilter(host, { ...chains, FORWARD: forward });
  const theirs = withoutOurs(await rulesOf(host, 'ip', 'filter', 'FORWARD'));
  const settings = { ...defaults, placement };
  const scope = all([zone('vif7.0', '10.75.0.3')]);
  await converge(host, settings, scope);
  expect(await jumpPositions(host)).toEqual([position]);
  expect(withoutOurs(await rulesOf(host, 'ip', 'filter', 'FORWARD'))).toEqual(theirs);
  for (const name of Object.keys(chains)) {
    if (name !== 'EDERA-FORWARD') expect((await rulesOf(host, 'ip', 'filter', name)).map(exprOf)).toEqual(chains[name]);
  }
  expect(await pending(host, settings, scope)).toEqual([]);
}

/** The positions of unconditional jumps to our chain. */
async function jumpPositions(host: FakeHost): Promise<number[]> {
  const rules = await rulesOf(host, 'ip', 'filter', 'FORWARD');
  return rules.flatMap((rule, index) => (isOurs(rule) ? [index] : []));
}

function withoutOurs(rules: readonly NftObject[]): NftObject[] {
  return rules.filter((rule) => !isOurs(rule));
}

function isOurs(rule: NftObject): boolean {
  const bare = exprOf(rule).filter((part) => !('counter' in part));
  return JSON.stringify(bare) === JSON.stringify(ours);
}

function exprOf(rule: NftObject): NftObject[] {
  return rule['expr'] as NftObject[];
}
