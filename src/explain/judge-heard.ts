/** What a zone says of itself in ARP, neighbour discovery and its packets' sources, held against what it was given. Pure. */
import type { Heard } from '../host/hearing.ts';
import { type Address, contains, type Family, parsePrefix } from '../model/address.ts';
import { solicitedNode } from './neighbour-questions.ts';
import { type Step, step } from './step.ts';

export interface Expected {
  readonly link: string;
  readonly family: Family;
  /** The zone's of that family, at least one. */
  readonly addresses: readonly Address[];
  readonly gateway: Address | undefined;
  /** The zones'. */
  readonly subnet: string | undefined;
}

/** More than one says no more. */
const maxTold = 3;
const nobody = new Set(['0.0.0.0', '::']);

/** The table `netdev` of `hearing.ts`: at the link's ingress, ahead of whoever else looks there, and without a verdict. */
export function hearingTable({ link, family, addresses }: Expected): string {
  const type = family === 'ipv4' ? 'ipv4_addr' : 'ipv6_addr';
  const own = `{ ${addresses.join(', ')} }`;
  const set = (name: string, types: string) => ` set ${name} { type ${types}; size 32; flags dynamic; }`;
  const rules =
    family === 'ipv4'
      ? [
          'arp operation request add @asked { arp saddr ip . arp daddr ip }',
          `ip saddr != ${own} ip saddr != 0.0.0.0 add @sources { ip saddr }`,
        ]
      : [
          'icmpv6 type nd-neighbor-solicit add @asked { ip6 saddr . ip6 daddr }',
          `ip6 saddr != ${own} ip6 saddr != { ::, fe80::/10 } add @sources { ip6 saddr }`,
        ];
  return [
    set('protocols', 'ether_type'),
    set('asked', `${type} . ${type}`),
    set('sources', type),
    ` chain heard { type filter hook ingress device "${link}" priority -2000;`,
    ...['add @protocols { ether type }', ...rules].map((rule) => `  ${rule}`),
    ' }',
  ].join('\n');
}

export function judgeHeard(heard: Heard, expected: Expected, seconds: number): Step[] {
  const { link, addresses } = expected;
  if (heard.protocols.length === 0) {
    const text = `nothing at all came from ${link} within ${seconds} s, whatever dom0 asked it: the guest’s interface is down, or the guest hangs`;
    return [step('heard', 'note', text)];
  }
  const asks = heard.asked.filter(({ source, target }) => !addresses.includes(target) && source !== target);
  const foreign = asks.filter(({ source }) => isForeign(source, addresses));
  const strange = foreign.map(({ source, target }) =>
    wrong(expected, `asks for ${named(expected, target)} as ${source}`),
  );
  const senders = heard.sources.filter((source) => foreign.every((ask) => ask.source !== source));
  const sending = senders.map((source) => wrong(expected, `sends packets as ${source}`));
  const right = asks.filter(({ source }) => addresses.includes(source));
  return [...[...strange, ...sending].slice(0, maxTold), ...askedSteps(right, expected).slice(0, maxTold)];
}

/** It may speak under its link-local address, and under none while it looks whether its address is free. */
function isForeign(source: Address, addresses: readonly Address[]): boolean {
  return !addresses.includes(source) && !nobody.has(source) && !source.startsWith('fe80:');
}

function wrong({ link, addresses }: Expected, what: string): Step {
  const own = addresses.join(' and ');
  return step('heard', 'bad', `${link} ${what}, and its address is ${own}`, {
    details: ['correct the address inside the zone, or what the zone directory gives this link'],
  });
}

function askedSteps(asks: Heard['asked'], expected: Expected): Step[] {
  const { link, gateway, subnet } = expected;
  const forGateway = asks.find(({ target }) => isFor(expected, target));
  const good =
    forGateway === undefined
      ? []
      : [step('heard', 'good', `${link} asks for its gateway as ${forGateway.source}, as it should`)];
  const prefix = parsePrefix(subnet ?? '');
  const outside = asks.flatMap(({ target }) => {
    if (prefix === undefined || target.startsWith('ff02:') || contains(prefix, target)) return [];
    const text = `${link} asks for ${target} on its own link: it has no default route by its gateway ${gateway ?? ''}, or too wide a subnet`;
    return [step('heard', 'note', text)];
  });
  return [...good, ...outside];
}

function named(expected: Expected, target: Address): string {
  if (isFor(expected, target)) return 'its gateway';
  return target.startsWith('ff02:') ? 'a neighbour' : target;
}

function isFor({ gateway }: Expected, target: Address): boolean {
  return gateway !== undefined && (target === gateway || target === solicitedNode(gateway));
}
