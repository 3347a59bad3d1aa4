/** How a packet goes through chains: verdicts, jumps, maps, doubts, translations. */
import { describe, expect, it } from 'vitest';
import type { Packet } from '../../../src/rules/packet.ts';
import {
  accept,
  address,
  baseChain,
  drop,
  linkWith,
  match,
  meta,
  outgoing,
  pass,
  payload,
  subChain,
} from './support.ts';

const fromZone = match(meta('iifname'), 'vif*');
const elsewhere = match(meta('iifname'), 'eth*');
const jump = (target: string) => ({ jump: { target } });
const goto_ = (target: string) => ({ goto: { target } });
const returns = { return: null };
const limit = { limit: { rate: 5, burst: 5, per: 'second' } };

describe('verdicts', () => {
  it.each([
    ['the first rule that fits decides', [[elsewhere, drop], [fromZone, accept], [drop]], undefined],
    ['a drop ends it', [[fromZone, drop], [accept]], 'base 1'],
    ['a reject by ICMP', [[{ reject: { type: 'icmp', expr: 'port-unreachable' } }]], 'base 1'],
    [
      'a reject by ICMPv6, which ends IPv6 only',
      [[{ reject: { type: 'icmpv6', expr: 'port-unreachable' } }]],
      undefined,
    ],
    ['a reject drops, too', [[{ reject: { type: 'icmpx', expr: 'admin-prohibited' } }]], 'base 1'],
    ['return from a base chain leaves it to the policy', [[returns], [drop]], undefined],
    ['counters and logs decide nothing', [[{ counter: { packets: 1, bytes: 2 } }, { log: null }]], undefined],
  ])('%s', (_name, rules, by) => {
    expect(pass(baseChain(rules)).by).toBe(by);
  });

  it('an accept ends its own base chain only', () => {
    const early = baseChain([[accept]], { table: 'early', priority: -10 });
    const late = baseChain([[drop]], { table: 'late', priority: 10 });
    expect(pass([...late, ...early])).toMatchObject({ dropped: true, by: 'base 1' });
  });

  it('come in the order of priorities, whatever the order of tables', () => {
    const late = baseChain([[match({ '&': [meta('mark'), 4] }, 4), drop]], { table: 'late', priority: 10 });
    const early = baseChain([[{ mangle: { key: meta('mark'), value: 4 } }]], { table: 'early', priority: -10 });
    expect(pass([...late, ...early]).by).toBe('base 1');
    expect(pass(baseChain([[match({ '&': [meta('mark'), 4] }, 4), drop]])).dropped).toBe(false);
  });

  it('of another family or hook are none for it', () => {
    expect(pass(baseChain([[drop]], { family: 'ip6' })).dropped).toBe(false);
    expect(pass(baseChain([[drop]], { hook: 'input' })).dropped).toBe(false);
  });

  it('a policy speaks last', () => {
    expect(pass(baseChain([[elsewhere, accept]], { policy: 'drop' })).by).toBe('policy');
  });
});

describe('jumps', () => {
  const base = (rules: Parameters<typeof baseChain>[0], sub: Parameters<typeof baseChain>[0]) =>
    pass([...baseChain(rules), ...subChain('sub', sub)]).by;

  it('come back after the last rule, and after a return', () => {
    expect(base([[jump('sub')], [drop]], [[elsewhere, accept]])).toBe('base 2');
    expect(base([[jump('sub')], [drop]], [[returns], [accept]])).toBe('base 2');
  });

  it('with goto do not come back', () => {
    expect(base([[goto_('sub')], [drop]], [[elsewhere, drop]])).toBeUndefined();
  });

  it('carry a verdict out', () => {
    expect(base([[jump('sub')], [accept]], [[drop]])).toBe('sub 1');
    expect(base([[jump('sub')], [drop]], [[accept]])).toBeUndefined();
  });

  it('that turn in circles end, although the kernel would refuse them', () => {
    expect(base([[jump('sub')]], [[jump('sub')]])).toBe('sub 1');
  });
});

describe('sets and maps', () => {
  const daddr = payload('ip', 'daddr');
  it.each([
    ['an address', { set: ['198.51.100.10'] }, true],
    ['another', { set: ['198.51.100.11'] }, false],
    ['a prefix', { set: [{ prefix: { addr: '198.51.100.0', len: 24 } }] }, true],
    ['a range', { set: [{ range: ['198.51.100.9', '198.51.100.11'] }] }, true],
    ['a range that ends with it', { set: [{ range: ['198.51.100.9', '198.51.100.10'] }] }, true],
    ['a range that begins with it', { set: [{ range: ['198.51.100.10', '198.51.100.11'] }] }, true],
    ['a range that ends before', { set: [{ range: ['198.51.100.1', '198.51.100.9'] }] }, false],
    [
      'an element with a counter',
      { set: [{ elem: { val: '198.51.100.10', counter: { packets: 0, bytes: 0 } } }] },
      true,
    ],
    ['an element with a timeout', { set: [{ elem: { val: '198.51.100.10', timeout: 60, expires: 59 } }] }, true],
    ['the catch-all', { set: ['*'] }, true],
  ])('%s', (_name, right, fits) => {
    expect(pass(baseChain([[match(daddr, right), drop]])).dropped).toBe(fits);
    expect(pass(baseChain([[match(daddr, right, '!='), drop]])).dropped).toBe(!fits);
  });

  it('by name, with concatenated keys', () => {
    const named = {
      set: {
        family: 'inet',
        table: 't',
        name: 'pairs',
        type: ['ifname', 'ipv4_addr'],
        elem: [{ concat: ['vif7.0', '198.51.100.10'] }],
      },
    };
    const rule = match({ concat: [meta('iifname'), daddr] }, '@pairs');
    expect(pass([...baseChain([[rule, drop]]), named]).dropped).toBe(true);
    expect(pass([...baseChain([[rule, drop]]), named], { ...outgoing, input: 'vif8.0' }).dropped).toBe(false);
  });

  it('as verdict maps', () => {
    const vmap = (data: unknown) => [{ vmap: { key: meta('iifname'), data } }];
    expect(
      pass(
        baseChain([
          vmap({
            set: [
              ['vif8.0', accept],
              ['vif7.0', drop],
            ],
          }),
        ]),
      ).by,
    ).toBe('base 1');
    expect(
      pass(
        baseChain([
          vmap({
            set: [
              ['eth0', drop],
              ['*', accept],
            ],
          }),
          [drop],
        ]),
      ).dropped,
    ).toBe(false);
    expect(pass(baseChain([vmap({ set: [['eth0', accept]] }), [drop]])).by).toBe('base 2');
  });

  it('that are not there are a doubt', () => {
    expect(pass(baseChain([[match(daddr, '@nowhere'), drop]])).doubts).toHaveLength(1);
  });
});

describe('doubts', () => {
  it('are told with the rule, which is taken not to fit', () => {
    expect(pass(baseChain([[limit, drop]]))).toMatchObject({ dropped: false, doubts: ['it limits a rate'] });
  });

  it('are settled by an assumption', () => {
    const assumptions = new Map([['request forward inet t base handle 1', true]]);
    expect(pass(baseChain([[limit, drop]]), outgoing, { assumptions })).toMatchObject({ by: 'base 1', doubts: [] });
  });

  it('are none where another condition of the rule says no, or the rule does nothing', () => {
    expect(
      pass(
        baseChain([
          [limit, elsewhere, drop],
          [limit, { log: null }],
        ]),
      ).doubts,
    ).toEqual([]);
  });

  it.each([
    ['a quota', { quota: { val: 1, val_unit: 'mbytes' } }],
    ['a number of connections', { 'ct count': { val: 5 } }],
    ['the time of day', match(meta('hour'), { range: ['17:00', '19:00'] })],
    ['the length', match(meta('length'), 100, '>')],
    ['the TTL', match(payload('ip', 'ttl'), 1)],
    ['a statement of a later nft', { somethingNew: { x: 1 } }],
  ])('%s', (_name, condition) => {
    expect(pass(baseChain([[condition, drop]])).doubts).toHaveLength(1);
  });
});

describe('connections', () => {
  const state = (...states: string[]) => match({ ct: { key: 'state' } }, states, 'in');
  it('are new for the first packet, established for its answer', () => {
    expect(pass(baseChain([[state('new'), drop]])).dropped).toBe(true);
    expect(pass(baseChain([[state('established', 'related'), drop]])).dropped).toBe(false);
    const answer: Packet = { ...outgoing, reply: true };
    const before = (traveller: { connection: unknown }) => {
      const { source, destination, sourcePort, destinationPort } = outgoing;
      traveller.connection = {
        mark: 0,
        original: { source, destination, sourcePort, destinationPort },
        zones: { original: 0, reply: 0 },
        destinationNat: undefined,
        sourceNat: undefined,
        orphan: false,
      };
    };
    expect(pass(baseChain([[state('established'), drop]]), answer, { before }).dropped).toBe(true);
  });

  it('have no state ahead of tracking, and none after notrack', () => {
    const raw = (rules: Parameters<typeof baseChain>[0], priority = -300) =>
      baseChain(rules, { hook: 'prerouting', priority, table: `at${priority}` });
    expect(pass(raw([[state('new'), drop]]), outgoing, { hook: 'prerouting' }).dropped).toBe(false);
    const both = [...raw([[{ notrack: null }]]), ...raw([[state('untracked'), drop]], -150)];
    expect(pass(both, outgoing, { hook: 'prerouting' }).dropped).toBe(true);
  });
});

describe('translations', () => {
  const nat = (rules: Parameters<typeof baseChain>[0], hook: 'prerouting' | 'postrouting', table = 't') =>
    baseChain(rules, { type: 'nat', hook, table, priority: hook === 'prerouting' ? -100 : 100 });

  it('of the destination hold for what follows', () => {
    const rules = nat(
      [[match(payload('tcp', 'dport'), 443), { dnat: { family: 'ip', addr: '10.75.0.8', port: 8443 } }]],
      'prerouting',
    );
    const later = baseChain(
      [[match(payload('ip', 'daddr'), '10.75.0.8'), match(payload('tcp', 'dport'), 8443), drop]],
      { hook: 'prerouting', table: 'later', priority: 0 },
    );
    expect(pass([...rules, ...later], outgoing, { hook: 'prerouting' }).by).toBe('base 1');
  });

  it('of another family are none', () => {
    const { traveller } = pass(nat([[{ dnat: { family: 'ip6', addr: 'fd00::1' } }]], 'prerouting'), outgoing, {
      hook: 'prerouting',
    });
    expect(traveller.packet.destination).toBe(outgoing.destination);
  });

  it('happen once: the first chain that translates', () => {
    const first = nat([[{ snat: { addr: '192.0.2.1' } }]], 'postrouting', 'a');
    const second = nat([[{ snat: { addr: '192.0.2.2' } }]], 'postrouting', 'b');
    expect(pass([...first, ...second], outgoing, { hook: 'postrouting' }).traveller.packet.source).toBe('192.0.2.1');
  });

  it('to the link’s own address take the first global one; a link without any drops', () => {
    const link = (local: string[]) => [linkWith(2, 'uplink0', ...local)];
    const rules = nat([[{ masquerade: null }]], 'postrouting');
    const masqueraded = pass(rules, outgoing, {
      hook: 'postrouting',
      snapshot: { links: link(['192.0.2.1', '192.0.2.9']) },
    });
    expect(masqueraded.traveller.packet.source).toBe('192.0.2.1');
    expect(pass(rules, outgoing, { hook: 'postrouting', snapshot: { links: link([]) } }).dropped).toBe(true);
  });

  it('by a map', () => {
    const map = { map: { key: payload('tcp', 'dport'), data: { set: [[443, '10.75.0.9']] } } };
    const { traveller } = pass(
      nat([[{ dnat: { family: 'ip', addr: map } }]], 'prerouting'),
      { ...outgoing, source: address('10.75.0.7') },
      { hook: 'prerouting' },
    );
    expect(traveller.packet.destination).toBe('10.75.0.9');
  });
});
