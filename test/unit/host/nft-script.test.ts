import { describe, expect, it } from 'vitest';
import { nativeScript } from '../../../src/host/nft-script.ts';
import { addRule, addTable, deleteRule, elements, insertRule } from '../../../src/nft/commands.ts';
import { accept, counter } from '../../../src/nft/expressions.ts';
import { forwardPair } from '../../../src/nft/layout-filter.ts';
import { link } from '../nft/support.ts';

const chain = { family: 'ip6', table: 'filter', chain: 'EDERA-FORWARD' } as const;
const of = (name: string, ...keys: string[]) => elements('add', 'inet', 'edera', name, keys);

describe('in nft’s own language', () => {
  it('is what zones come and go by', () => {
    const [out, into] = forwardPair(link('vif7.0'));
    const commands = [
      ...of('from4', 'vif7.0 10.75.0.3', 'vif8.0 10.75.0.4'),
      ...of('zone6', 'fdd4:1476:6c7e::3'),
      ...elements('delete', 'inet', 'edera', 'foreign-errors', ['vif7.0']),
      addRule(chain, out),
      addRule(chain, into),
      deleteRule(chain, 12),
    ];
    expect(nativeScript(commands)?.split('\n')).toEqual([
      'add element inet edera from4 { vif7.0 . 10.75.0.3, vif8.0 . 10.75.0.4 }',
      'add element inet edera zone6 { fdd4:1476:6c7e::3 }',
      'delete element inet edera foreign-errors { vif7.0 }',
      'add rule ip6 filter EDERA-FORWARD oifname "vif7.0" counter accept',
      'add rule ip6 filter EDERA-FORWARD iifname "vif7.0" counter accept',
      'delete rule ip6 filter EDERA-FORWARD handle 12',
      '',
    ]);
  });

  it.each([
    ['a word of nft’s for a link', of('from4', 'accept 10.75.0.3')],
    ['a name that would end the command', of('from4; flush ruleset', 'vif7.0')],
    ['an element that would end it', of('spoofed', 'vif7.0 }; flush ruleset')],
    ['a rule of another kind', [addRule(chain, [counter, accept])]],
    [
      'a pair for any link',
      [addRule(chain, [{ match: { op: '==', left: { meta: { key: 'iifname' } }, right: 'vif*' } }, counter, accept])],
    ],
    ['a rule with a place', [insertRule(chain, forwardPair(link('vif7.0'))[0], 7)]],
    [
      'an element with a timeout',
      [
        {
          add: {
            element: { family: 'inet', table: 'edera', name: 'x', elem: [{ elem: { val: 'vif7.0', timeout: 3 } }] },
          },
        },
      ],
    ],
    ['a table', [addTable('inet', 'edera')]],
    ['one of them among others', [...of('spoofed', 'vif7.0'), addTable('inet', 'edera')]],
  ])('is not %s', (_, commands) => {
    expect(nativeScript(commands)).toBeUndefined();
  });
});
