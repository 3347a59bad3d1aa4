/** What others' chains do to zones, by hand and over what firewalld 1.3.3 really loads. */
import { describe, expect, it } from 'vitest';
import { type Prefix, parsePrefix } from '../../../src/model/address.ts';
import { fateOf, foreignTable, type ZonePacket } from '../../../src/nft/foreign-forward.ts';

const subnets = { ipv4: prefix('10.75.0.0/16'), ipv6: prefix('fdd4:1476:6c7e::/48') };
const packet: ZonePacket = { to: 'outside', subnet: subnets.ipv4, uplinks: ['uplink0'], mark: 0x10000000 };
const toZone: ZonePacket = { ...packet, to: 'zone' };
const ipv6: ZonePacket = { ...packet, subnet: subnets.ipv6 };

const accept = { accept: null };
const drop = { drop: null };
const reject = { reject: null };
const jump = (target: string) => ({ jump: { target } });
const goto = (target: string) => ({ goto: { target } });
const is = (left: unknown, right: unknown, op = '==') => ({ match: { op, left, right } });
const meta = (key: string) => ({ meta: { key } });
const ct = (key: string) => ({ ct: { key } });
const field = (protocol: string, name: string) => ({ payload: { protocol, field: name } });
const net = (addr: string, len: number) => ({ prefix: { addr, len } });
const set = (...members: unknown[]) => ({ set: members });

type Rules = readonly (readonly object[])[];

/** The fate in chain `base`, beside chains of the other names. */
function fate(base: Rules, options: { others?: Record<string, Rules>; policy?: string; of?: ZonePacket } = {}) {
  const { others = {}, policy = 'accept', of = packet } = options;
  const at = { family: 'inet', table: 't' };
  const chains = Object.entries({ base, ...others });
  const objects = chains.map(([name]) => ({ chain: { ...at, name } }));
  const rules = chains.flatMap(([chain, list]) =>
    list.map((expr, handle) => ({ rule: { ...at, chain, handle, expr } })),
  );
  return fateOf(foreignTable([...objects, ...rules]), 'base', policy, of);
}

describe('a chain that looks at nothing', () => {
  it.each([
    ['ends by its policy', [], 'drop', 'end'],
    ['passes by its policy', [], 'accept', 'pass'],
    ['ends at a reject, behind counters', [[{ counter: {} }, reject]], 'accept', 'end'],
    ['passes at an accept', [[accept], [drop]], 'drop', 'pass'],
    ['ends at the end of a goto', [[goto('none')], [accept]], 'drop', 'end'],
    ['goes on behind a jump', [[jump('none')], [accept]], 'drop', 'pass'],
    ['follows a jump to its verdict', [[jump('stop')], [accept]], 'accept', 'end'],
  ])('%s', (_what, rules, policy, expected) => {
    expect(fate(rules as Rules, { policy: policy as string, others: { none: [], stop: [[drop]] } })).toBe(expected);
  });
});

describe('a condition', () => {
  const conditions: [string, object, ZonePacket, 'yes' | 'no' | 'unknown'][] = [
    ['every zone’s link', is(meta('iifname'), 'vif*'), packet, 'yes'],
    ['a wider name', is(meta('iifname'), 'v*'), packet, 'yes'],
    ['one zone’s link', is(meta('iifname'), 'vif7.0'), packet, 'unknown'],
    ['another link', is(meta('iifname'), 'eth0'), packet, 'no'],
    ['no other link', is(meta('iifname'), 'eth0', '!='), packet, 'yes'],
    ['a set with every zone’s link', is(meta('iifname'), set('lan*', 'vif*')), packet, 'yes'],
    ['a named set', is(meta('iifname'), '@links'), packet, 'unknown'],
    ['the only uplink', is(meta('oifname'), 'uplink0'), packet, 'yes'],
    ['one of two uplinks', is(meta('oifname'), 'uplink0'), { ...packet, uplinks: ['uplink0', 'b'] }, 'unknown'],
    ['a link nobody leaves by', is(meta('oifname'), 'docker0'), packet, 'no'],
    ['a link where uplinks are unknown', is(meta('oifname'), 'eth0'), { ...packet, uplinks: [] }, 'unknown'],
    ['a zone’s link on the way out', is(meta('oifname'), 'vif*'), packet, 'no'],
    ['a zone’s link on the way to a zone', is(meta('oifname'), 'vif*'), toZone, 'yes'],
    ['the uplink on the way to a zone', is(meta('oifname'), 'uplink0'), toZone, 'no'],
    ['the subnet as source', is(field('ip', 'saddr'), net('10.75.0.0', 16)), packet, 'yes'],
    ['a wider source', is(field('ip', 'saddr'), net('10.0.0.0', 8)), packet, 'yes'],
    ['part of the subnet', is(field('ip', 'saddr'), net('10.75.1.0', 24)), packet, 'unknown'],
    ['a range around it', is(field('ip', 'saddr'), { range: ['10.74.0.0', '10.76.0.0'] }), packet, 'yes'],
    ['another source', is(field('ip', 'saddr'), '192.0.2.1'), packet, 'no'],
    ['another family’s source', is(field('ip6', 'saddr'), net('fdd4:1476:6c7e::', 48)), packet, 'no'],
    ['its own family’s source', is(field('ip6', 'saddr'), net('fdd4:1476:6c7e::', 48)), ipv6, 'yes'],
    ['the subnet as destination', is(field('ip', 'daddr'), net('10.75.0.0', 16)), packet, 'no'],
    ['the subnet as destination of a zone', is(field('ip', 'daddr'), net('10.75.0.0', 16)), toZone, 'yes'],
    ['some destination', is(field('ip', 'daddr'), '8.8.8.8'), packet, 'unknown'],
    ['any destination', is(field('ip', 'daddr'), net('0.0.0.0', 0)), packet, 'yes'],
    ['a family', is(meta('nfproto'), 'ipv6'), packet, 'no'],
    ['established', is(ct('state'), ['established', 'related'], 'in'), packet, 'no'],
    ['new', is(ct('state'), ['new', 'related'], 'in'), packet, 'yes'],
    ['translated', is(ct('status'), 'dnat', 'in'), packet, 'no'],
    ['a port', is(field('tcp', 'dport'), 22), packet, 'unknown'],
    ['our mark', is({ '&': [meta('mark'), 0x10000000] }, 0x10000000), packet, 'yes'],
    [
      'our mark where it is gone',
      is({ '&': [meta('mark'), 0x10000000] }, 0x10000000),
      { ...packet, mark: 0 },
      'unknown',
    ],
    ['a rate', { limit: { rate: 5, per: 'second' } }, packet, 'unknown'],
    [
      'a rate of each source',
      {
        set: { op: 'update', elem: field('ip', 'saddr'), set: '@seen', stmt: [{ limit: { rate: 5, per: 'second' } }] },
      },
      packet,
      'unknown',
    ],
    ['an addition to a set', { set: { op: 'add', elem: field('ip', 'saddr'), set: '@seen' } }, packet, 'yes'],
    ['a masked source', is({ '&': [field('ip', 'saddr'), '255.255.0.0'] }, '10.75.0.0'), packet, 'unknown'],
    ['what nobody has heard of', { wormhole: 7 }, packet, 'unknown'],
    ['an address that is none', is(field('ip', 'saddr'), net('10.75.0.0', 99)), packet, 'unknown'],
  ];
  it.each(conditions)('%s', (_what, condition, of, holds) => {
    const saved = fate([[condition, accept]], { policy: 'drop', of });
    expect(saved).toBe({ yes: 'pass', no: 'end', unknown: 'may-end' }[holds]);
    // What only some packets meet is somebody's filter, and no end of zones' network.
    expect(fate([[condition, drop]], { of })).toBe(holds === 'yes' ? 'end' : 'pass');
  });
});

describe('a verdict map', () => {
  const map = (...entries: unknown[]) => [{ vmap: { key: meta('iifname'), data: set(...entries) } }];

  it('sends zones where their name is', () => {
    expect(fate([map(['eth0', accept], ['vif*', drop])])).toBe('end');
    expect(fate([map(['eth0', drop], ['vif*', jump('side')])], { policy: 'drop', others: { side: [[accept]] } })).toBe(
      'pass',
    );
  });

  it('with nothing about zones lets them go on', () => {
    expect(fate([map(['eth0', drop])])).toBe('pass');
  });

  it('of which nobody knows the entries may save them', () => {
    expect(fate([[{ vmap: { key: meta('iifname'), data: '@verdicts' } }]], { policy: 'drop' })).toBe('may-end');
  });
});

it('chains that jump to each other, which no kernel loads, hang nobody', () => {
  expect(fate([[jump('a')]], { others: { a: [[jump('b')]], b: [[jump('a')]] }, policy: 'drop' })).toBe('may-end');
});

it('a chain of very many rules is given up: only its policy counts', () => {
  const many = Array.from({ length: 5_001 }, () => [is(meta('iifname'), 'eth0'), accept]);
  expect(fate([...many, [reject]])).toBe('pass');
  expect(fate(many, { policy: 'drop' })).toBe('may-end');
});

function prefix(text: string): Prefix {
  const parsed = parsePrefix(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
}
