import { expect, it } from 'vitest';
import { acceptLink, deleteRule, elements } from '../../../src/nft/commands.ts';
import { describeCommand } from '../../../src/nft/words.ts';
import { link } from './support.ts';

const chain = { family: 'ip6', table: 'filter', chain: 'EDERA-FORWARD' } as const;
const of = (name: string, ...keys: string[]) => elements('add', 'inet', 'edera', name, keys);

it('says what zones come and go by in nft’s own language', () => {
  const commands = [
    ...of('from4', 'vif7.0 10.75.0.3', 'vif8.0 10.75.0.4'),
    ...of('zone6', 'fdd4:1476:6c7e::3'),
    ...elements('delete', 'inet', 'edera', 'foreign-errors', ['vif7.0']),
    ...acceptLink(chain, link('vif7.0')),
    deleteRule(chain, 12),
  ];
  expect(commands.map(describeCommand)).toEqual([
    'add element inet edera from4 { vif7.0 . 10.75.0.3, vif8.0 . 10.75.0.4 }',
    'add element inet edera zone6 { fdd4:1476:6c7e::3 }',
    'delete element inet edera foreign-errors { vif7.0 }',
    'add rule ip6 filter EDERA-FORWARD oifname "vif7.0" counter accept',
    'add rule ip6 filter EDERA-FORWARD iifname "vif7.0" counter accept',
    'delete rule ip6 filter EDERA-FORWARD handle 12',
  ]);
});
