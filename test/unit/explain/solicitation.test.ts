/** A zone's question for its IPv6 gateway passes this host's input like any packet to it. */
import { describe, expect, it } from 'vitest';
import { Facts } from '../../../src/explain/facts.ts';
import { gatewaySteps } from '../../../src/explain/gateway-steps.ts';
import type { NftObject } from '../../../src/host/port.ts';
import { accept, address, baseChain, emptySnapshot, match, meta, outgoing, payload } from './support.ts';

const gateway = address('fdd4:1476:6c7e::1');
const packet = {
  ...outgoing,
  family: 'ipv6',
  source: address('fdd4:1476:6c7e::7'),
  destination: address('2001:db8::10'),
} as const;
const icmp = match(meta('l4proto'), 'ipv6-icmp');
const solicitation = match(payload('icmpv6', 'type'), 'nd-neighbor-solicit');
const untracked = match({ ct: { key: 'state' } }, 'untracked');

function asked(rules: readonly (readonly NftObject[])[]) {
  const subnets = { ipv4: null, ipv6: { prefix: 'fdd4:1476:6c7e::/48', gateway } };
  const proxies = [{ dst: gateway, dev: 'vif7.0' }];
  const sysctls = { 'net/ipv6/conf/vif7.0/forwarding': '1', 'net/ipv6/conf/vif7.0/proxy_ndp': '1' };
  const ruleset = baseChain(rules, { hook: 'input', policy: 'drop' });
  const snapshot = { ...emptySnapshot, subnets, proxies, sysctls, ruleset } as never;
  const [step] = gatewaySteps(new Facts(snapshot), packet);
  return step;
}

describe('a question for the gateway', () => {
  it('that nothing accepts is named with what lets it in, and nothing else', () => {
    const step = asked([[match(meta('iifname'), 'eth0'), icmp, accept]]);
    expect(step).toMatchObject({
      state: 'bad',
      text: "the zone's question for fdd4:1476:6c7e::1 on vif7.0 gets no answer: input: no rule of inet t base accepts it, and its policy is drop",
      fix: [`nft add rule inet t base iifname '"vif7.0"' icmpv6 type nd-neighbor-solicit accept`],
    });
  });

  it.each([
    ['ICMPv6', [icmp, accept]],
    ['its type', [solicitation, accept]],
    ['what is not tracked', [untracked, accept]],
  ])('passes where %s is let in', (_what, rule) => {
    expect(asked([rule])?.text).not.toContain("zone's question");
  });
});
