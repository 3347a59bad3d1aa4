import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nativeScript } from '../../../src/host/nft-script.ts';
import { addChain, addRule, addTable, deleteRule, deleteTable, elements } from '../../../src/nft/commands.ts';
import { accept, counter, interfaceInSet, interfaceIs, jump, payloadIs } from '../../../src/nft/expressions.ts';
import { forwardPair } from '../../../src/nft/layout-filter.ts';
import { planRuleset } from '../../../src/nft/plan.ts';
import { anySettings, anyZones, link } from '../nft/support.ts';

const chain = { family: 'ip6', table: 'filter', chain: 'EDERA-FORWARD' } as const;
const of = (name: string, ...keys: string[]) => elements('add', 'inet', 'edera', name, keys);

describe('in nft’s own language', () => {
  it('is all of a ruleset, whatever the settings and the zones', () => {
    fc.assert(
      fc.property(anySettings, anyZones, (settings, zones) => {
        const commands = planRuleset(settings, new Map(), { kind: 'all', zones, prune: true });
        expect(nativeScript(commands)).toBeDefined();
      }),
      { numRuns: 200 },
    );
  });

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
    ['a statement of another kind', [addRule(chain, [{ reject: null }])]],
    ['a statement with something in it', [addRule(chain, [{ accept: { comment: 'x' } }])]],
    ['two statements in one', [addRule(chain, [{ ...counter, ...accept }])]],
    ['no statement', [addRule(chain, [])]],
    ['a link’s name that would end the rule', [addRule(chain, [interfaceIs('oifname', 'eth0" accept; "')])]],
    ['an address with words behind it', [addRule(chain, [payloadIs('ip', 'daddr', '1.1.1.1 accept')])]],
    [
      'a network with words behind it',
      [addRule(chain, [payloadIs('ip', 'daddr', { prefix: { addr: '::', len: '0 accept' } })])],
    ],
    ['a field with words behind it', [addRule(chain, [payloadIs('ip', 'daddr != 1.1.1.1', 2)])]],
    ['a set with words behind it', [addRule(chain, [interfaceInSet('iifname', 'x accept')])]],
    ['a jump with words behind it', [addRule(chain, [jump('x; flush ruleset')])]],
    ['a comment', [{ add: { rule: { ...chain, expr: [accept], comment: 'x' } } }]],
    ['a place in words', [{ insert: { rule: { ...chain, handle: '7 accept', expr: [accept] } } }]],
    ['two commands in one', [{ ...addTable('ip', 'x'), ...deleteTable('ip', 'y') }]],
    ['a table’s flags', [{ add: { table: { family: 'ip', name: 'x', flags: ['dormant'] } } }]],
    ['a chain’s type with words behind it', [addChain(chain, { type: 'nat; }' as 'nat', hook: 'forward', prio: 0 })]],
    ['half a hook', [{ add: { chain: { family: 'ip', table: 'x', name: 'y', policy: 'drop' } } }]],
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
    ['all of that, where one is not', [...of('spoofed', 'vif7.0'), { flush: { ruleset: null } }]],
  ])('is not %s', (_, commands) => {
    expect(nativeScript(commands)).toBeUndefined();
  });
});
