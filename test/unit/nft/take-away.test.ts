import { describe, expect, it } from 'vitest';
import { acceptedLink } from '../../../src/host/nft-command.ts';
import type { NftRemoval } from '../../../src/host/port.ts';
import type { LinkName } from '../../../src/model/link-name.ts';
import { Chain, type Ruleset, ruleText } from '../../../src/nft/ruleset.ts';
import { takeAway } from '../../../src/nft/take-away.ts';

const pair = acceptedLink({ key: 'oifname', link: 'vif7.0' as LinkName });
const others = [{ counter: null }, { drop: null }];

function known(): Ruleset {
  const chain = new Chain(undefined);
  for (const [handle, expr] of [pair, others].entries())
    chain.append({ handle: handle + 1, expr, comment: undefined, text: ruleText(expr) });
  const set = (type: string[], ...keys: string[]) => ({ type, text: '', elements: new Set(keys) });
  const sets = new Map([
    ['from4', set(['ifname', 'ipv4_addr'], 'vif7.0 10.75.0.3', 'vif8.0 10.75.0.4')],
    ['zone4', set(['ipv4_addr'], '10.75.0.3')],
  ]);
  return new Map([['inet edera', { chains: new Map([['forward', chain]]), sets }]]);
}

const element = (set: string, key: string | undefined): NftRemoval => ({
  kind: 'element',
  table: 'inet edera',
  set,
  key: () => key,
});
const rule = (handle: number, table = 'inet edera'): NftRemoval => ({ kind: 'rule', table, chain: 'forward', handle });

describe('what somebody took away', () => {
  it('from links is gone from what is known, and of those links', () => {
    const ruleset = known();
    const removals = [element('from4', 'vif7.0 10.75.0.3'), rule(1), element('from4', 'vif8.0 10.75.0.4')];
    expect(takeAway(ruleset, removals)).toEqual(new Set(['vif7.0', 'vif8.0']));
    expect(ruleset.get('inet edera')?.sets.get('from4')?.elements.size).toBe(0);
    expect(ruleset.get('inet edera')?.chains.get('forward')?.rules()).toMatchObject([{ handle: 2 }]);
  });

  it.each([
    ['an address that is in no link’s set', element('zone4', '10.75.0.3')],
    ['a rule that is of no link', rule(2)],
  ])('concerns all where it is %s', (_, removal) => {
    expect(takeAway(known(), [element('from4', 'vif7.0 10.75.0.3'), removal])).toBe('all');
  });

  it.each([
    ['an element', element('from4', 'vif9.0 10.75.0.9')],
    ['an element whose key cannot be read', element('from4', undefined)],
    ['a set', element('nobodys', 'vif7.0 10.75.0.3')],
    ['a rule', rule(3)],
    ['a table', rule(1, 'ip filter')],
  ])('is to be read where it is %s that was not known', (_, removal) => {
    expect(takeAway(known(), [rule(1), removal])).toBeUndefined();
  });
});
