/** Tables that end ARP, at each of the places where this host and a zone ask each other. */
import { describe, expect, it } from 'vitest';
import { Facts } from '../../../src/explain/facts.ts';
import { hostAsks, zoneAsks } from '../../../src/explain/neighbour-questions.ts';
import type { NftObject } from '../../../src/host/port.ts';
import { address, baseChain, drop, emptySnapshot, linkWith, match, meta, outgoing, payload } from './support.ts';

const gateway = address('10.75.0.1');
const links = [linkWith(2, 'uplink0', '192.0.2.1')];
const isRequest = match(payload('arp', 'operation'), 'request');
const isReply = match(payload('arp', 'operation'), 'reply');

function factsWith(hook: 'input' | 'output', ...rule: NftObject[]): Facts {
  const ruleset = baseChain([rule], { family: 'arp', table: 'guards', hook });
  return new Facts({ ...emptySnapshot, links, ruleset });
}
const zoneIs = (facts: Facts) => zoneAsks(facts, outgoing, 'vif7.0', gateway);
const hostIs = (facts: Facts) => hostAsks(facts, outgoing, 'vif7.0', outgoing.source);

describe('ARP', () => {
  it('passes where nobody has a table for it', () => {
    expect([zoneIs(new Facts({ ...emptySnapshot, links })), hostIs(new Facts({ ...emptySnapshot, links }))]).toEqual([
      undefined,
      undefined,
    ]);
  });

  it.each([
    ['a zone’s question', zoneIs, factsWith('input', isRequest, drop), 'gets no answer'],
    [
      'the answer to it',
      zoneIs,
      factsWith('output', isReply, match(payload('arp', 'daddr ip'), '10.75.0.7'), drop),
      'is not sent',
    ],
    [
      'the host’s question',
      hostIs,
      factsWith('output', match(payload('arp', 'saddr ip'), '192.0.2.1'), drop),
      'is not sent',
    ],
    [
      'the answer to that',
      hostIs,
      factsWith('input', match(meta('iifname'), 'vif7.0'), isReply, drop),
      'does not arrive',
    ],
  ] as const)('%s is dropped', (_what, ask, facts, words) => {
    expect(ask(facts)).toMatchObject({
      state: 'bad',
      text: expect.stringContaining(words),
      rule: { ref: { family: 'arp' } },
    });
  });

  it('is let past for these two, and for nobody else', () => {
    expect(zoneIs(factsWith('input', isRequest, drop))?.fix).toEqual([
      `nft insert rule arp guards base handle 1 iifname '"vif7.0"' arp operation request arp saddr ip 10.75.0.7 arp daddr ip 10.75.0.1 accept`,
    ]);
  });

  it.each([
    ['a condition on IP', match(payload('ip', 'saddr'), '10.75.0.7')],
    ['a condition on a port', match(payload('th', 'dport'), 443)],
    ['another protocol', match(meta('protocol'), 'ip')],
  ])('%s does not fit it', (_what, condition) => expect(zoneIs(factsWith('input', condition, drop))).toBeUndefined());

  it('is undecided where a hardware address decides', () => {
    const facts = factsWith('input', match(payload('arp', 'saddr ether'), '00:16:3e:00:00:01'), drop);
    expect(zoneIs(facts)).toMatchObject({ state: 'unknown', text: expect.stringContaining('its MAC addresses') });
  });
});
