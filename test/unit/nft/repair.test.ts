/** Whatever somebody does to what is ours is put right in one transaction, and what is theirs stays. */

import { describe, expect, it } from 'vitest';
import type { NftJson } from '../../../src/host/nft-command.ts';
import type { NftFamily } from '../../../src/host/port.ts';
import { applyRuleset } from '../../../src/nft/apply.ts';
import type { LayoutSettings } from '../../../src/nft/layout-model.ts';
import { observeRuleset } from '../../../src/nft/observe.ts';
import { planRuleset } from '../../../src/nft/plan.ts';
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
  jumpTo,
  leavingBy,
  pending,
  rulesOf,
  zone,
} from './support.ts';

const own = { family: 'inet', table: 'edera' } as const;
const filter = { family: 'ip', table: 'filter' } as const;
const settings: LayoutSettings = { ...defaults, denyHost: true, denyZoneToZone: true };
const scope = all([zone('vif7.0', '10.75.0.3', 'fdd4:1476:6c7e::3'), zone('vif8.0', '10.75.0.4')]);
const pair = { concat: ['vif7.0', '10.75.0.3'] };
const stray = { concat: ['vif7.0', '10.75.0.99'] };
const theirRules = [
  [from('192.0.2.1'), dropAll],
  [count, acceptAll],
];

type Damage = readonly [string, (host: FakeHost) => Promise<readonly NftJson[]>];

const outputHook = { type: 'filter', hook: 'output', prio: 0, policy: 'accept' } as const;

const damages: readonly Damage[] = [
  ['an element gone', async () => [{ delete: { element: { ...own, name: 'from4', elem: [pair] } } }]],
  ['an element too many', async () => [{ add: { element: { ...own, name: 'from4', elem: [stray] } } }]],
  ['a set flushed', async () => [{ flush: { set: { ...own, name: 'zone6' } } }]],
  ['a rule of the guard gone', async (host) => [await deletion(host, 'inet', 'edera', 'guard', 0)]],
  ['a rule put before the guard', async () => [insertion('inet', 'edera', 'guard')]],
  ['a rule put behind the guard', async () => [addition('inet', 'edera', 'guard')]],
  ['the rules of a chain in another order', async (host) => swap(host)],
  ['a chain of ours flushed', async () => [{ flush: { chain: { ...own, name: 'from-zone' } } }]],
  ['our table gone', async () => [{ delete: { table: { family: 'inet', name: 'edera' } } }]],
  ['our table emptied', async () => [{ flush: { table: { family: 'inet', name: 'edera' } } }]],
  ['a hook elsewhere', async () => rehook({ type: 'filter', hook: 'prerouting', prio: -299, policy: 'accept' })],
  ['a policy of drop', async () => [{ add: { chain: { ...own, name: 'guard', ...guardHook, policy: 'drop' } } }]],
  ['a chain without its hook', async () => rehook({})],
  ['a set of another type', async () => retype({ type: ['ifname', 'ipv6_addr'], stmt: [{ counter: null }] })],
  ['a set that no longer counts', async () => retype({ type: ['ifname', 'ipv4_addr'] })],
  ['a pair gone', async (host) => [await deletion(host, 'ip', 'filter', 'EDERA-FORWARD', -1)]],
  ['the head of EDERA-FORWARD gone', async (host) => [await deletion(host, 'ip', 'filter', 'EDERA-FORWARD', 0)]],
  ['a rule at the head of EDERA-FORWARD', async () => [insertion('ip', 'filter', 'EDERA-FORWARD')]],
  ['a rule at the end of EDERA-FORWARD', async () => [addition('ip', 'filter', 'EDERA-FORWARD')]],
  ['EDERA-FORWARD flushed', async () => [{ flush: { chain: { ...filter, name: 'EDERA-FORWARD' } } }]],
  ['our jump gone', async (host) => [await deletion(host, 'ip', 'filter', 'FORWARD', 2)]],
  ['the jump to the denials gone', async (host) => [await deletion(host, 'ip', 'filter', 'FORWARD', 0)]],
  ['an accept put before the denials', async () => [insertion('ip', 'filter', 'FORWARD', [acceptAll])]],
  ['EDERA-DENY flushed', async () => [{ flush: { chain: { ...filter, name: 'EDERA-DENY' } } }]],
  ['a rule at the end of EDERA-DENY', async () => [addition('ip', 'filter', 'EDERA-DENY')]],
  ['the second layer gone', async () => [{ delete: { table: { family: 'ip6', name: 'edera-reverse-path' } } }]],
  ['the second layer emptied', async () => [{ flush: { table: { family: 'ip6', name: 'edera-reverse-path' } } }]],
  ['a rule before the second layer', async () => [insertion('ip6', 'edera-reverse-path', 'guard')]],
  ['our jump twice', async () => [{ add: { rule: { ...filter, chain: 'FORWARD', expr: [jumpTo('EDERA-FORWARD')] } } }]],
  ['an end put before our jump', async () => [insertion('ip', 'filter', 'FORWARD', [dropAll])]],
  ['ip6 filter gone', async () => [{ delete: { table: { family: 'ip6', name: 'filter' } } }]],
  ['everything gone', async () => [{ flush: { ruleset: null as never } }]],
  ['the guard of output elsewhere', async () => rehook({ ...outputHook, prio: 9 }, 'output-guard')],
];

describe('damage is repaired', () => {
  it.each(damages)('%s', async (name, damage) => {
    const host = await healthyHost();
    const before = host.render();
    const theirs = await foreignRules(host);
    const doneToThem = await damage(host);
    host.foreignNft(doneToThem);
    expect(host.render()).not.toBe(before);
    const generation = host.nft.transactions;
    await converge(host, settings, scope);
    // With our table gone, what dom0 may send to zones is closed first.
    const isMadeAnew = name === 'our table gone' || name === 'everything gone';
    expect(host.nft.transactions).toBe(generation + (isMadeAnew ? 2 : 1));
    expect(await pending(host, settings, scope)).toEqual([]);
    if (name === 'everything gone') return;
    const putBefore = { 'an end put before our jump': dropAll, 'an accept put before the denials': acceptAll }[name];
    const stays = putBefore === undefined ? theirs : [[putBefore], ...theirs];
    expect(await foreignRules(host)).toEqual(stays);
    // With our table goes the memory of which tables we made, and cleaning up leaves them then.
    const memory = name === 'our table gone' ? /^ {2}chain made-.*\n/gm : /$^/;
    // Elements count for themselves, too.
    const counter = name === 'a set that no longer counts' ? /(?<=set from4 .*) counter$/m : /$^/;
    const expected = before.replace(memory, '').replace(counter, '');
    if (stays === theirs) expect(sorted(host.render())).toEqual(sorted(expected));
  });

  it('all of it at once', async () => {
    const host = await healthyHost();
    const before = host.render();
    for (const index of [0, 3, 7, 17, 19, 26, 30]) {
      const [, damage] = damages[index] ?? [];
      host.foreignNft((await damage?.(host)) ?? []);
    }
    await converge(host, settings, scope);
    expect(sorted(host.render())).toEqual(sorted(before));
  });
});

describe("the operator's chains", () => {
  const theirs = [from('198.51.100.1'), count, dropAll];

  it.each(damages.filter(([name]) => !/our table gone|table emptied|everything|ip6 filter/.test(name)))(
    'keep their rules through: %s',
    async (_name, damage) => {
      const host = await healthyHost();
      fill(host, theirs);
      const before = await operatorRules(host);
      host.foreignNft(await damage(host));
      await converge(host, settings, scope);
      expect((await operatorRules(host)).map(withoutCounts)).toEqual(before.map(withoutCounts));
      expect(await pending(host, settings, scope)).toEqual([]);
    },
  );

  it.each<Partial<LayoutSettings>>([{ mark: 0 }, { denyHost: false }, { antiSpoof: false }, { placement: 'first' }])(
    'keep their rules through the change to %j and back',
    async (change) => {
      const host = await healthyHost();
      fill(host, theirs);
      const before = host.render();
      await converge(host, { ...settings, ...change }, scope);
      await converge(host, settings, scope);
      expect(sorted(host.render())).toEqual(sorted(before));
    },
  );

  it('stays when the family is switched off while it holds something, and goes when it is empty', async () => {
    const host = await healthyHost();
    fill(host, theirs);
    await converge(host, ipv6Only(), scope);
    expect(await rulesOf(host, 'ip', 'filter', 'EDERA-USER')).toHaveLength(1);
    expect(await rulesOf(host, 'ip', 'filter', 'FORWARD')).toHaveLength(2);
    host.foreignNft([{ flush: { chain: { ...filter, name: 'EDERA-USER' } } }]);
    await converge(host, ipv6Only(), scope);
    const objects = (await host.nft.table('ip', 'filter')) ?? [];
    expect(objects).not.toContainEqual({ chain: expect.objectContaining({ name: 'EDERA-USER' }) });
  });

  it('keep the comments of their rules when our table is made anew (rulesToBuild passes expr alone)', async () => {
    const host = await healthyHost();
    host.foreignNft([{ add: { rule: { ...own, chain: 'user-input', expr: theirs, comment: 'ticket 4711' } } }]);
    host.foreignNft(rehook({}));
    await converge(host, settings, scope);
    expect(await rulesOf(host, 'inet', 'edera', 'user-input')).toMatchObject([{ comment: 'ticket 4711' }]);
  });

  it('may use a chain of their own in our table (removeStrangers deletes what user-input jumps to: nft refuses)', async () => {
    const host = await healthyHost();
    host.foreignNft([
      { add: { chain: { ...own, name: 'theirs' } } },
      { add: { rule: { ...own, chain: 'user-input', expr: [jumpTo('theirs')] } } },
    ]);
    await converge(host, settings, scope);
    expect(await pending(host, settings, scope)).toEqual([]);
  });

  it('may use a set of their own in our table (removeStrangers deletes a set in use: nft refuses)', async () => {
    const host = await healthyHost();
    host.foreignNft([
      { add: { set: { ...own, name: 'admins', type: 'ipv4_addr' } } },
      { add: { rule: { ...own, chain: 'user-input', expr: [from('@admins'), acceptAll] } } },
    ]);
    await converge(host, settings, scope);
    expect(await pending(host, settings, scope)).toEqual([]);
  });
});

describe('a family that is switched off', () => {
  it('leaves the rules of others, and nothing of ours', async () => {
    const host = await healthyHost();
    const theirs = await foreignRules(host);
    await converge(host, ipv6Only(), scope);
    expect(await foreignRules(host)).toEqual(theirs);
    expect(host.render()).not.toMatch(/from4|zone4|10\.75\./);
    expect(await pending(host, ipv6Only(), scope)).toEqual([]);
  });

  it('leaves its chain where somebody else jumps to it (planRemovedFamily deletes it: nft refuses for good)', async () => {
    const host = await healthyHost();
    const expr = [leavingBy('eth0'), jumpTo('EDERA-FORWARD')];
    host.foreignNft([{ add: { rule: { ...filter, chain: 'FORWARD', expr } } }]);
    await converge(host, ipv6Only(), scope);
    expect(await pending(host, ipv6Only(), scope)).toEqual([]);
  });
});

const guardHook = { type: 'filter', hook: 'prerouting', prio: -399 };

async function healthyHost(): Promise<FakeHost> {
  const host = new FakeHost();
  foreignFilter(host, { FORWARD: theirRules });
  await converge(host, settings, scope);
  expect(await pending(host, settings, scope)).toEqual([]);
  return host;
}

function ipv6Only(): LayoutSettings {
  return { ...settings, subnets: { ...settings.subnets, ipv4: undefined } };
}

function fill(host: FakeHost, expr: readonly object[]): void {
  for (const chain of [
    { ...own, chain: 'user-input' },
    { ...filter, chain: 'EDERA-USER' },
  ]) {
    host.foreignNft([{ add: { rule: { ...chain, expr } } }]);
  }
}

async function operatorRules(host: FakeHost) {
  const rules = [
    ...(await rulesOf(host, 'inet', 'edera', 'user-input')),
    ...(await rulesOf(host, 'ip', 'filter', 'EDERA-USER')),
  ];
  expect(rules).toHaveLength(2);
  return rules;
}

async function foreignRules(host: FakeHost): Promise<unknown[]> {
  const rules = (await rulesOf(host, 'ip', 'filter', 'FORWARD')).map((rule) => rule['expr'] as object[]);
  return rules.filter((expr) => !expr.some((part) => 'jump' in part));
}

function withoutCounts(rule: object): unknown {
  const { handle: _handle, ...rest } = rule as { handle?: number };
  return JSON.parse(JSON.stringify(rest).replace(/"(packets|bytes)":\d+/g, '"$1":0'));
}

describe('a FORWARD that somebody makes between our reading and our transaction', () => {
  it('keeps the policy that they gave it', async () => {
    const host = new FakeHost();
    const seen = await observeRuleset(host.nft);
    const chain = { ...filter, name: 'FORWARD', type: 'filter', hook: 'forward', prio: 0, policy: 'drop' };
    host.foreignNft([{ add: { table: { family: 'ip', name: 'filter' } } }, { add: { chain } }]);
    await applyRuleset(host.nft, seen, planRuleset(settings, seen, scope));
    const forward = (await host.nft.forwardChains()).find(({ family, table }) => family === 'ip' && table === 'filter');
    expect(forward?.policy).toBe('drop');
  });
});

async function deletion(host: FakeHost, family: NftFamily, table: string, chain: string, index: number) {
  const handle = (await rulesOf(host, family, table, chain)).at(index)?.['handle'];
  return { delete: { rule: { family, table, chain, handle } } };
}

function insertion(family: NftFamily, table: string, chain: string, expr: object[] = [count]): NftJson {
  return { insert: { rule: { family, table, chain, expr } } };
}

function addition(family: NftFamily, table: string, chain: string): NftJson {
  return { add: { rule: { family, table, chain, expr: [count] } } };
}

async function swap(host: FakeHost): Promise<NftJson[]> {
  const [first] = await rulesOf(host, 'inet', 'edera', 'from-zone');
  return [
    { delete: { rule: { ...own, chain: 'from-zone', handle: first?.['handle'] } } },
    { add: { rule: { ...own, chain: 'from-zone', expr: first?.['expr'] } } },
  ];
}

/** A chain can only be hooked elsewhere by making it anew. */
function rehook(hook: object, name = 'guard'): NftJson[] {
  const chain = { ...own, name };
  return [{ flush: { chain } }, { delete: { chain } }, { add: { chain: { ...chain, ...hook } } }];
}

/** A set in use can only be replaced once nothing looks into it. */
function retype(rest: object): NftJson[] {
  const set = { ...own, name: 'from4' };
  return [
    { flush: { chain: { ...own, name: 'from-zone' } } },
    { flush: { chain: { ...own, name: 'zone-errors' } } },
    { delete: { set } },
    { add: { set: { ...set, ...rest } } },
  ];
}

function sorted(text: string): string[] {
  return text.split('\n').sort();
}
