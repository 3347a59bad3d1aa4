import { expect, it } from 'vitest';
import { narrowAccept } from '../../../src/explain/narrow-accept.ts';
import type { Packet } from '../../../src/rules/packet.ts';
import { address } from './support.ts';

const packet: Packet = {
  family: 'ipv4',
  transport: 'tcp',
  source: address('10.75.0.3'),
  destination: address('198.51.100.10'),
  sourcePort: undefined,
  destinationPort: 443,
  input: 'vif7.0',
  output: 'eth0',
  mark: 0,
  reply: false,
};
const rule = { world: 'nft', family: 'inet', table: 'corp', chain: 'forwarding', handle: 9 } as const;

it('goes ahead of the rule, and lets the answers past, where the hook sees them', () => {
  expect(narrowAccept(rule, 'forward', packet)).toMatchInlineSnapshot(`
    [
      "nft insert rule inet corp forwarding handle 9 iifname '"vif7.0"' oifname '"eth0"' ip saddr 10.75.0.3 ip daddr 198.51.100.10 tcp dport 443 accept",
      "nft insert rule inet corp forwarding handle 9 iifname '"eth0"' oifname '"vif7.0"' ip saddr 198.51.100.10 ip daddr 10.75.0.3 tcp sport 443 ct state established accept",
    ]
  `);
  expect(narrowAccept(rule, 'input', packet)).toMatchInlineSnapshot(`
    [
      "nft insert rule inet corp forwarding handle 9 iifname '"vif7.0"' ip saddr 10.75.0.3 ip daddr 198.51.100.10 tcp dport 443 accept",
    ]
  `);
});

it('goes to the end of a chain whose policy spoke', () => {
  const chain = { world: 'nft', family: 'ip6', table: 'filter', name: 'INPUT' } as const;
  const echo = { source: address('fd00::3'), destination: address('fd00::1'), destinationPort: undefined };
  const solicited: Packet = { ...packet, ...echo, family: 'ipv6', transport: 'icmp', output: undefined };
  expect(narrowAccept(chain, 'input', solicited)).toMatchInlineSnapshot(`
    [
      "nft add rule ip6 filter INPUT iifname '"vif7.0"' ip6 saddr fd00::3 ip6 daddr fd00::1 meta l4proto ipv6-icmp accept",
    ]
  `);
});

it('is said in the words of the tool that made the table', () => {
  expect(
    narrowAccept({ ...rule, world: 'legacy', table: 'filter', family: 'ip' }, 'forward', packet),
  ).toMatchInlineSnapshot(`
    [
      "iptables-legacy -t filter -I forwarding 9 -i vif7.0 -o eth0 -s 10.75.0.3 -d 198.51.100.10 -p tcp --dport 443 -j ACCEPT",
      "iptables-legacy -t filter -I forwarding 9 -i eth0 -o vif7.0 -s 198.51.100.10 -d 10.75.0.3 -p tcp --sport 443 -m conntrack --ctstate ESTABLISHED -j ACCEPT",
    ]
  `);
});
