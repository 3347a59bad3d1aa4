/** What rules come to as elements says the same as the rules, flow by flow, and no two intervals of a set overlap. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Address, parseAddress, parsePrefix, toBigInt } from '../../../src/model/address.ts';
import { linkName } from '../../../src/model/link-name.ts';
import { accessOf, accessTemplate } from '../../../src/nft/access.ts';
import { egressSets, policySets } from '../../../src/nft/names.ts';
import { PolicyBook } from '../../../src/policy/book.ts';
import { smallest } from '../../../src/policy/limits.ts';
import type { AllowRule, DenyRule, PolicedZone, Policy, ZoneEgress } from '../../../src/policy/model.ts';
import { parseAllow, parseDeny } from '../../../src/policy/rule.ts';
import { egressOf } from '../../../src/policy/select.ts';
import { denialOf, type Flow, ruleFor } from '../../../src/policy/verdict.ts';

const place = { file: 'policy.toml', line: 1, column: 1 };
const none = smallest([]);
const link = linkName(7, 0) ?? raise('no link');
const addressesOf = (name: string) => (name === 'db' ? [address('10.75.0.9'), address('fdd4:1476:6c7e::9')] : []);

/** Few values, so that rules overlap and flows hit. */
const targets = [
  '10.75.0.7',
  '10.75.0.9',
  '10.75.0.8/30',
  '10.75.0.0/24',
  '0.0.0.0/0',
  '[fdd4:1476:6c7e::9]',
  '[fdd4::/16]',
  'zone:db',
  'host',
];
const ports = ['443', '442-444', '400-450', '1-65535', '443/udp', '440-460/udp'];
const anyAllow = fc
  .tuple(fc.constantFrom(...targets), fc.constantFrom(...ports))
  .map(([target, port]) => rule(parseAllow(`${target}:${port}`, place)));
const anyDeny = fc
  .constantFrom('10.75.0.9', '10.75.0.8/31', '10.75.0.0/28', 'fdd4:1476:6c7e::/64')
  .map((text) => rule(parseDeny(text, place)));
const anyEgress: fc.Arbitrary<ZoneEgress> = fc.record({
  mode: fc.constantFrom('enforce' as const, 'audit' as const),
  allow: fc.array(anyAllow, { maxLength: 8 }),
  deny: fc.array(anyDeny, { maxLength: 3 }),
});
/** No zone has an address of dom0's. */
const others = ['10.75.0.8', '10.75.0.9', '10.75.0.200', 'fdd4:1476:6c7e::9'].map(
  (text) => [address(text), false] as const,
);
const ofHost = ['10.75.0.7', '192.0.2.1', 'fdd4:1::1'].map((text) => [address(text), true] as const);
const anyFlow: fc.Arbitrary<Flow> = fc
  .tuple(
    fc.constantFrom(...others, ...ofHost),
    fc.constantFrom('tcp' as const, 'udp' as const),
    fc.constantFrom(1, 399, 400, 441, 442, 443, 444, 450, 451, 65_535),
  )
  .map(([[to, isHost], transport, port]) => ({ address: to, transport, port, isHost }));

describe('elements', () => {
  it('allow a flow that a rule allows, and no other', () => {
    fc.assert(
      fc.property(anyEgress, anyFlow, (egress, flow) => {
        const isAllowed = ruleFor(egress, flow, addressesOf) !== undefined;
        expect(isIn(egress, flow), JSON.stringify(flow)).toBe(isAllowed);
        expect(isDenied(egress, flow.address)).toBe(denialOf(egress, flow.address) !== undefined);
      }),
      { numRuns: 2000 },
    );
  });

  it('never overlap in a set of intervals', () => {
    fc.assert(
      fc.property(anyEgress, (egress) => {
        const { elements } = accessTemplate({ egress, limits: none }, addressesOf);
        for (const name of [
          ...Object.values(egressSets).flatMap(({ nets, denied }) => [nets, denied]),
          policySets.host,
        ]) {
          const boxes = (elements.get(name) ?? []).map(boxOf);
          for (const [index, box] of boxes.entries())
            for (const other of boxes.slice(index + 1))
              expect(overlap(box, other), `${name}: ${elements.get(name)}`).toBe(false);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('begin with the link, and are equal for equal rules', () => {
    const egress = { mode: 'enforce', allow: [rule(parseAllow('icmp', place))], deny: [] } as const;
    const access = accessOf(link, accessTemplate({ egress, limits: none }, addressesOf));
    expect(access.elements.get(policySets.policed)).toEqual([link]);
    expect(access.elements.get(policySets.icmp)).toEqual([link]);
    expect(accessTemplate({ egress: { ...egress }, limits: none }, addressesOf).text).toBe(access.text);
  });

  it('differ in text where only a name differs, which has no elements of its own', () => {
    const of = (...texts: string[]) => {
      const allow = texts.map((text) => rule(parseAllow(text, place)));
      return accessTemplate({ egress: { mode: 'enforce', allow, deny: [] }, limits: none }, addressesOf).text;
    };
    expect(of('api.example.com:443')).not.toBe(of('api.example.org:443'));
    expect(of('api.example.com:443')).not.toBe(of('api.example.com:444'));
  });
});

describe('a book of policies', () => {
  const names = ['web', 'web-1', 'db', 'agent'];
  const anyPolicy: fc.Arbitrary<Policy> = fc.record({
    place: fc.constant(place),
    selector: fc.record({
      zones: fc.subarray([...names, 'web*', '*-?', '*']),
      links: fc.subarray([link, linkName(8, 0) ?? link]),
      addresses: fc.subarray([parsePrefix('10.75.0.0/30') ?? raise('no prefix')]),
    }),
    egress: fc.option(anyEgress, { nil: undefined }),
    publish: fc.constant([]),
    limits: fc.constant(undefined),
  });
  const anyZone: fc.Arbitrary<PolicedZone> = fc.record({
    link: fc.constantFrom(link, linkName(8, 0) ?? link, linkName(9, 0) ?? link),
    name: fc.option(fc.constantFrom(...names), { nil: undefined }),
    addresses: fc.subarray([address('10.75.0.2'), address('10.75.0.9')]),
  });

  it('finds for each zone what asking every policy finds, also behind another book', () => {
    fc.assert(
      fc.property(
        fc.array(anyPolicy, { maxLength: 6 }),
        fc.array(anyPolicy, { maxLength: 3 }),
        anyZone,
        (some, more, zone) => {
          const first = new PolicyBook(some);
          expect(first.egressOf(zone)).toEqual(egressOf(some, zone));
          const kept = [...more, ...some];
          const second = new PolicyBook(kept, first);
          expect(second.egressOf(zone)).toEqual(egressOf(kept, zone));
          const same = new PolicyBook([...some], first);
          expect(same.egressOf(zone)).toBe(first.egressOf(zone));
        },
      ),
      { numRuns: 1000 },
    );
  });
});

/** As the chains of `layout-egress.ts` look it up. */
function isIn(egress: ZoneEgress, { address: to, transport, port, isHost }: Flow): boolean {
  const { elements } = accessTemplate({ egress, limits: none }, addressesOf);
  const { allowed, nets } = egressSets[to.includes(':') ? 'ipv6' : 'ipv4'];
  const has = (set: string, values: readonly string[]) =>
    (elements.get(set) ?? []).some((key) => key.split(' ').every((part, index) => isWithin(part, values[index] ?? '')));
  const flow = [to, transport, String(port)];
  if (has(allowed, flow)) return true;
  return isHost ? has(policySets.host, [transport, String(port)]) : has(nets, flow);
}

function isDenied(egress: ZoneEgress, to: Address): boolean {
  const keys = accessTemplate({ egress, limits: none }, addressesOf).elements.get(
    egressSets[to.includes(':') ? 'ipv6' : 'ipv4'].denied,
  );
  return (keys ?? []).some((key) => isWithin(key, to));
}

function isWithin(part: string, value: string): boolean {
  const [first = '', last = first] = part.split('-');
  if (/^[a-z]+$/.test(first)) return first === value;
  return (
    first.includes(':') === value.includes(':') &&
    numberOf(first) <= numberOf(value) &&
    numberOf(value) <= numberOf(last)
  );
}

function numberOf(text: string): bigint {
  const parsed = parseAddress(text);
  return parsed === undefined ? BigInt(text) : toBigInt(parsed);
}

type Box = readonly (readonly [string, string])[];

function boxOf(key: string): Box {
  return key.split(' ').map((part) => {
    const [first = '', last = first] = part.split('-');
    return [first, last] as const;
  });
}

function overlap(one: Box, other: Box): boolean {
  return one.every(([first, last], index) => {
    const [otherFirst = '', otherLast = ''] = other[index] ?? [];
    if (/^[a-z]+$/.test(first)) return first === otherFirst;
    return numberOf(first) <= numberOf(otherLast) && numberOf(otherFirst) <= numberOf(last);
  });
}

function rule<Rule extends AllowRule | DenyRule>(parsed: Rule | string): Rule {
  return typeof parsed === 'string' ? raise(parsed) : parsed;
}

function address(text: string): Address {
  return parseAddress(text) ?? raise(text);
}

function raise(what: string): never {
  throw new Error(what);
}
