import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Address, parseAddress, parsePrefix } from '../../../src/model/address.ts';
import { type LinkName, parseLinkName } from '../../../src/model/link-name.ts';
import type { Mode, PolicedZone, Policy, Selector } from '../../../src/policy/model.ts';
import { parseAllow, parseDeny } from '../../../src/policy/rule.ts';
import { egressOf, matchesGlob, policiesOf } from '../../../src/policy/select.ts';

const place = { file: 'a.toml', line: 1, column: 1 };

function valid<T>(value: T | string | undefined): Exclude<T, string> {
  if (value === undefined || (typeof value === 'string' && value.startsWith('"'))) throw new Error(String(value));
  return value as Exclude<T, string>;
}
const link = (text: string) => valid(parseLinkName(text)) as LinkName;
const address = (text: string) => valid(parseAddress(text)) as Address;

function policy(selector: Partial<Selector>, says?: { mode?: Mode; allow?: string[]; deny?: string[] }): Policy {
  const egress = says && {
    mode: says.mode ?? 'enforce',
    allow: (says.allow ?? []).map((text) => valid(parseAllow(text, place))),
    deny: (says.deny ?? []).map((text) => valid(parseDeny(text, place))),
  };
  return {
    place,
    selector: { zones: [], links: [], addresses: [], ...selector },
    egress,
    publish: [],
    limits: undefined,
  };
}

const zone: PolicedZone = {
  link: link('vif7.0'),
  name: 'agent-7',
  addresses: [address('10.75.0.3'), address('fdd4:1476:6c7e::3')],
};

describe('a policy is about a zone', () => {
  it.each<[string, Partial<Selector>, boolean]>([
    ['by name', { zones: ['agent-7'] }, true],
    ['by a pattern', { zones: ['web', 'agent-*'] }, true],
    ['not by another name', { zones: ['agent'] }, false],
    ['not by a name in another case', { zones: ['Agent-7'] }, false],
    ['by link', { links: [link('vif7.0')] }, true],
    ['not by another link', { links: [link('vif7.1')] }, false],
    ['by an address of either family', { addresses: [parsePrefix('fdd4:1476:6c7e::/64') as never] }, true],
    ['not by another address', { addresses: [parsePrefix('10.75.1.0/24') as never] }, false],
    [
      'by any of them',
      { zones: ['x'], links: [link('vif9.0')], addresses: [parsePrefix('10.75.0.0/24') as never] },
      true,
    ],
  ])('%s', (_what, selector, isAbout) => {
    expect(policiesOf([policy(selector)], zone)).toHaveLength(isAbout ? 1 : 0);
  });

  it('without a name only by *', () => {
    const nameless = { ...zone, name: undefined };
    const about = (glob: string) => policiesOf([policy({ zones: [glob] })], nameless).length;
    expect([about('*'), about('?*'), about('undefined')]).toEqual([1, 0, 0]);
  });
});

describe('what holds for a zone', () => {
  const texts = (rules: readonly { text: string }[] | undefined) => rules?.map(({ text }) => text);

  it('is nothing where no policy with egress is about it', () => {
    expect(egressOf([], zone)).toBeUndefined();
    expect(egressOf([policy({ zones: ['web'] }, {}), policy({ zones: ['agent-7'] })], zone)).toBeUndefined();
  });

  it('is what all say together, and to enforce wins', () => {
    const policies = [
      policy({ zones: ['agent-*'] }, { mode: 'audit', allow: ['a.example.com:443'], deny: ['203.0.113.0/24'] }),
      policy({ zones: ['web'] }, { allow: ['c.example.com:443'] }),
      policy({ links: [link('vif7.0')] }, { mode: 'enforce', allow: ['b.example.com:443'] }),
    ];
    for (const some of [policies, policies.toReversed()]) {
      const egress = egressOf(some, zone);
      expect(egress?.mode).toBe('enforce');
      expect(texts(egress?.allow)?.sort()).toEqual(['a.example.com:443', 'b.example.com:443']);
      expect(texts(egress?.deny)).toEqual(['203.0.113.0/24']);
    }
    expect(egressOf(policies.slice(0, 2), zone)?.mode).toBe('audit');
  });

  it('is policed where its policy allows nothing', () => {
    expect(egressOf([policy({ zones: ['*'] }, {})], zone)).toEqual({ mode: 'enforce', allow: [], deny: [] });
  });
});

describe('a pattern of zones', () => {
  it('means what the same pattern means as a regular expression, for any text', () => {
    const sign = fc.constantFrom('a', 'b', '*', '?', '.', '😀', '[');
    const name = fc.string({ unit: fc.constantFrom('a', 'b', '.', '😀', '[', '*'), maxLength: 10 });
    fc.assert(
      fc.property(fc.string({ unit: sign, maxLength: 8 }), name, (glob, text) => {
        const source = [...glob].map((each) => ({ '*': '.*', '?': '.' })[each] ?? RegExp.escape(each)).join('');
        expect(matchesGlob(glob, text)).toBe(new RegExp(`^${source}$`, 'su').test(text));
      }),
      { numRuns: 3000 },
    );
  });

  it('takes no longer for stars without end', () => {
    const [glob, name] = ['*a'.repeat(31), `${'a'.repeat(62)}b`];
    expect(matchesGlob(`${glob}c`, name)).toBe(false);
  });
});
