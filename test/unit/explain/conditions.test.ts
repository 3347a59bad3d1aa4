/** Conditions of nft, and of iptables out of what iptables-save prints, for one packet. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { translateRule } from '../../../src/rules/iptables-rule.ts';
import type { Packet } from '../../../src/rules/packet.ts';
import { baseChain, drop, match, meta, outgoing, pass, payload } from './support.ts';

const ping: Packet = { ...outgoing, transport: 'icmp', destinationPort: undefined };
const state = { ct: { key: 'state' } };

describe.each<[string, Packet, Parameters<typeof match>, boolean | undefined]>([
  ['a name', outgoing, [meta('iifname'), 'vif7.0'], true],
  ['a name with a wildcard', outgoing, [meta('oifname'), 'up*'], true],
  ['not a name', outgoing, [meta('iifname'), 'vif7.0', '!='], false],
  ['the protocol', outgoing, [meta('l4proto'), 'tcp'], true],
  ['one of several', outgoing, [meta('l4proto'), { set: ['udp', 'tcp'] }], true],
  ['the protocol’s number', ping, [payload('ip', 'protocol'), 1], true],
  ['a port', outgoing, [payload('tcp', 'dport'), 443], true],
  ['a range of ports', outgoing, [payload('th', 'dport'), { range: [400, 500] }], true],
  ['a port of another protocol', outgoing, [payload('udp', 'dport'), 443], false],
  [
    'not a port of another protocol: the rule ends there all the same',
    outgoing,
    [payload('udp', 'dport'), 53, '!='],
    false,
  ],
  ['a field of the other family', outgoing, [payload('ip6', 'saddr'), '::1', '!='], false],
  ['a low source port', outgoing, [payload('tcp', 'sport'), { range: [1, 1023] }], false],
  ['any source port', outgoing, [payload('tcp', 'sport'), 1024, '>='], true],
  ['some source ports', outgoing, [payload('tcp', 'sport'), { range: [40_000, 41_000] }], undefined],
  ['an echo request', ping, [payload('icmp', 'type'), 'echo-request'], true],
  ['an echo reply', { ...ping, reply: true }, [payload('icmp', 'type'), 'echo-reply'], true],
  ['TCP’s first flag', outgoing, [{ '&': [payload('tcp', 'flags'), ['fin', 'syn', 'rst', 'ack']] }, 'syn'], true],
  ['a mark', { ...outgoing, mark: 0x25 }, [{ '&': [meta('mark'), 0xf] }, 5], true],
  ['a mark that a rule set to something unknown', { ...outgoing, mark: undefined }, [meta('mark'), 5], undefined],
  ['a state', outgoing, [state, ['new', 'related'], 'in'], true],
  ['not in a state', outgoing, [state, 'new', '!'], false],
  ['a combination of states, which none is', outgoing, [state, { '|': ['established', 'related'] }, '!='], true],
  ['an uncommon comparison', outgoing, [payload('tcp', 'dport'), 443, '<='], true],
  ['whether it is a fragment', outgoing, [{ '&': [payload('ip', 'frag-off'), 0x1fff] }, 0, '!='], false],
  ['whose socket it is: nobody’s', outgoing, [meta('skuid'), 0], false],
])('%s', (_name, packet, condition, expected) => {
  it(expected === undefined ? 'cannot be decided' : expected ? 'fits' : 'does not fit', () => {
    const { dropped, doubts } = pass(baseChain([[match(...condition), drop]]), packet);
    expect(doubts.length > 0 ? undefined : dropped).toBe(expected);
  });
});

describe('a prefix or range of addresses', () => {
  it('covers what lies between its first and its last', () => {
    fc.assert(
      fc.property(fc.nat(0xffffffff), fc.integer({ min: 0, max: 32 }), (value, len) => {
        const text = (number: number) => [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.');
        const mask = len === 0 ? 0 : (0xffffffff << (32 - len)) >>> 0;
        const [first, last] = [(value & mask) >>> 0, (value | ~mask) >>> 0];
        const inside = 0xc633640a >= first && 0xc633640a <= last;
        const daddr = payload('ip', 'daddr');
        expect(pass(baseChain([[match(daddr, { prefix: { addr: text(first), len } }), drop]])).dropped).toBe(inside);
        expect(pass(baseChain([[match(daddr, { range: [text(first), text(last)] }), drop]])).dropped).toBe(inside);
      }),
    );
  });
});

describe('iptables', () => {
  it.each<[string, boolean | undefined, Packet?]>([
    ['-A FORWARD -j DROP', true],
    ['-A FORWARD -s 10.75.0.0/16 -i vif+ -o uplink0 -p tcp -m tcp --dport 443 -j DROP', true],
    ['-A FORWARD ! -s 10.75.0.0/16 -j DROP', false],
    ['-A FORWARD ! -i vif+ -j DROP', false],
    ['-A FORWARD -p udp -m udp --dport 443 -j DROP', false],
    ['-A FORWARD -p tcp -m multiport --dports 80,400:500 -j REJECT --reject-with icmp-port-unreachable', true],
    ['-A FORWARD -p tcp -m multiport ! --dports 80,443 -j DROP', false],
    ['-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j DROP', false],
    ['-A FORWARD -m conntrack ! --ctstate RELATED,ESTABLISHED -j DROP', true],
    ['-A FORWARD -m conntrack --ctstate DNAT -j DROP', undefined],
    ['-A FORWARD -m state --state NEW -m comment --comment "it said \\"-j ACCEPT\\" here" -j DROP', true],
    ['-A FORWARD -p icmp -m icmp --icmp-type 8 -j DROP', true, ping],
    ['-A FORWARD -p icmp -m icmp --icmp-type 3/4 -j DROP', false, ping],
    ['-A FORWARD -m mark --mark 0x5/0xff -j DROP', true, { ...outgoing, mark: 0x105 }],
    ['-A FORWARD -m mark ! --mark 0x5/0xff -j DROP', false, { ...outgoing, mark: 0x105 }],
    ['-A FORWARD -m physdev --physdev-is-bridged -j DROP', false],
    ['-A FORWARD -m physdev ! --physdev-is-bridged -j DROP', true],
    ['-A FORWARD -m iprange --dst-range 198.51.100.1-198.51.100.20 -j DROP', true],
    ['-A FORWARD -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j DROP', true],
    ['-A FORWARD -f -j DROP', false],
    ['-A FORWARD -m string --string "x" --algo bm -j DROP', undefined],
    ['-A FORWARD -m set --match-set blocked src -j DROP', undefined],
    ['-A FORWARD -m limit --limit 5/sec -j DROP', undefined],
    ['-A FORWARD -i vif+ -j LOG --log-prefix "-j DROP "', false],
    ['-A FORWARD -j somewhere-unknown', undefined],
  ])('%s', (line, expected, packet = outgoing) => {
    const { dropped, doubts } = pass(baseChain([translateRule(line, 'ipv4')], { family: 'ip' }), packet);
    expect(doubts.length > 0 ? undefined : dropped).toBe(expected);
  });

  it.each([
    ['-A PREROUTING -j MARK --set-xmark 0x5/0xff', 0x305],
    ['-A PREROUTING -j MARK --set-xmark 0x0/0xf00', 0x0aa],
  ])('%s', (line, mark) => {
    const packet = { ...outgoing, mark: 0x3aa };
    expect(pass(baseChain([translateRule(line, 'ipv4')], { family: 'ip' }), packet).traveller.packet.mark).toBe(mark);
  });

  it.each([
    ['-A PREROUTING -j DNAT --to-destination 10.75.0.8:80', '10.75.0.8', 80],
    ['-A PREROUTING -j DNAT --to-destination 10.75.0.8-10.75.0.9', '10.75.0.8', 443],
    ['-A PREROUTING -j DNAT --to-destination :8443', '198.51.100.10', 8443],
  ])('%s', (line, destination, port) => {
    const chain = baseChain([translateRule(line, 'ipv4')], {
      family: 'ip',
      type: 'nat',
      hook: 'prerouting',
      priority: -100,
    });
    const { packet } = pass(chain, outgoing, { hook: 'prerouting' }).traveller;
    expect([packet.destination, packet.destinationPort]).toEqual([destination, port]);
  });
});
