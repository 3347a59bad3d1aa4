/** What the log says was put back, thing by thing. */

import { expect, it } from 'vitest';
import type { NftJson } from '../../../src/host/nft-command.ts';
import { observeRuleset } from '../../../src/nft/observe.ts';
import { planRuleset } from '../../../src/nft/plan.ts';
import { summarise } from '../../../src/nft/summary.ts';
import { FakeHost } from '../../fake/kernel.ts';
import { all, converge, defaults, dropAll, zone } from './support.ts';

const scope = all([zone('vif7.0', '10.75.0.3', 'fdd4:1476:6c7e::3')]);
const filter = { family: 'ip', table: 'filter' } as const;

async function putBackAfter(...damage: NftJson[]): Promise<string[]> {
  const host = new FakeHost();
  await converge(host, defaults, scope);
  host.foreignNft(damage);
  return summarise(planRuleset(defaults, await observeRuleset(host.nft), scope));
}

it('a whole ruleset, by its tables', async () => {
  expect(await putBackAfter({ flush: { ruleset: null as never } })).toEqual([
    'the table ip6 edera-reverse-path',
    'the table inet edera',
    'the table ip filter',
    'the table ip6 filter',
  ]);
});

it('our jump', async () => {
  expect(await putBackAfter({ flush: { chain: { ...filter, name: 'FORWARD' } } })).toEqual([
    'our jump in ip filter FORWARD',
  ]);
});

it('a chain of ours and what it held', async () => {
  expect(await putBackAfter({ flush: { chain: { ...filter, name: 'EDERA-FORWARD' } } })).toEqual([
    '5 rules of ip filter EDERA-FORWARD',
  ]);
});

it('elements of a set', async () => {
  const pair = { concat: ['vif7.0', '10.75.0.3'] };
  const damage = { delete: { element: { family: 'inet', table: 'edera', name: 'from4', elem: [pair] } } };
  expect(await putBackAfter(damage)).toEqual(['1 elements of inet edera from4']);
});

it('what somebody added to ours', async () => {
  const damage = { add: { rule: { ...filter, chain: 'EDERA-FORWARD', expr: [dropAll] } } };
  expect(await putBackAfter(damage)).toEqual(['1 superfluous rules of ip filter EDERA-FORWARD']);
});
