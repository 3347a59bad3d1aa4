/** What lets one zone's traffic past a chain of another program, and nothing else: no policy and no rule of theirs is touched. Pure. */
import { neighbourAdvert, neighbourSolicitation, type Packet, type Transport } from '../rules/packet.ts';
import type { ChainRef, Hook, RuleRef } from '../rules/ruleset.ts';

/**
 * Commands for a shell. Ahead of the rule that `at` names, or at the end of the chain, whose policy spoke. In `forward` the
 * answers are let past as well, which the same chain sees.
 */
export function narrowAccept(at: RuleRef | ChainRef, hook: Hook, packet: Packet): string[] {
  const packets = hook === 'forward' && !packet.reply ? [packet, answerTo(packet)] : [packet];
  return packets.map((each) => (at.world === 'nft' ? byNft(at, hook, each) : byIptables(at, hook, each)));
}

function byNft(at: RuleRef | ChainRef, hook: Hook, packet: Packet): string {
  const { input, output } = linksAt(hook, packet);
  const ip = packet.family === 'ipv4' ? 'ip' : 'ip6';
  const place =
    'handle' in at
      ? `insert rule ${at.family} ${at.table} ${at.chain} handle ${at.handle}`
      : `add rule ${at.family} ${at.table} ${at.name}`;
  const port = portOf(packet);
  const links = [
    ...(input === undefined ? [] : [`iifname '"${input}"'`]),
    ...(output === undefined ? [] : [`oifname '"${output}"'`]),
  ];
  const asked = discovery[packet.icmpType ?? 0];
  if (asked !== undefined) return [`nft ${place}`, ...links, `icmpv6 type nd-neighbor-${asked.nft} accept`].join(' ');
  if (packet.arp !== undefined) {
    const between = `arp saddr ip ${packet.source} arp daddr ip ${packet.destination}`;
    return [`nft ${place}`, ...links, `arp operation ${packet.arp} ${between} accept`].join(' ');
  }
  return [
    `nft ${place}`,
    ...links,
    `${ip} saddr ${packet.source} ${ip} daddr ${packet.destination}`,
    port === undefined ? `meta l4proto ${protocolName(packet)}` : `${packet.transport} ${port.side}port ${port.number}`,
    ...(packet.reply ? ['ct state established'] : []),
    'accept',
  ].join(' ');
}

function byIptables(at: RuleRef | ChainRef, hook: Hook, packet: Packet): string {
  const { input, output } = linksAt(hook, packet);
  const place = 'handle' in at ? `-I ${at.chain} ${at.handle}` : `-A ${at.name}`;
  const port = portOf(packet);
  const links = [...(input === undefined ? [] : [`-i ${input}`]), ...(output === undefined ? [] : [`-o ${output}`])];
  const begin = [`${legacyTool(at.family)} -t ${at.table} ${place}`, ...links];
  const asked = discovery[packet.icmpType ?? 0];
  if (asked !== undefined)
    return [...begin, `-p ipv6-icmp --icmpv6-type neighbour-${asked.iptables} -j ACCEPT`].join(' ');
  return [
    ...begin,
    `-s ${packet.source} -d ${packet.destination} -p ${protocolName(packet)}`,
    ...(port === undefined ? [] : [`--${port.side}port ${port.number}`]),
    ...(packet.reply ? ['-m conntrack --ctstate ESTABLISHED'] : []),
    '-j ACCEPT',
  ].join(' ');
}

/** A zone asks from several addresses, and to each neighbour's own group. */
const discovery: Readonly<Record<number, { readonly nft: string; readonly iptables: string }>> = {
  [neighbourSolicitation]: { nft: 'solicit', iptables: 'solicitation' },
  [neighbourAdvert]: { nft: 'advert', iptables: 'advertisement' },
};

/** By the family as nft calls it. */
export function legacyTool(family: string): string {
  return family === 'ip' ? 'iptables-legacy' : 'ip6tables-legacy';
}

/** Only those that the hook knows. */
function linksAt(hook: Hook, { input, output }: Packet): Pick<Packet, 'input' | 'output'> {
  const isBefore = hook === 'ingress' || hook === 'prerouting' || hook === 'input';
  return { input, output: isBefore ? undefined : output };
}

function portOf({ transport, reply, sourcePort, destinationPort }: Packet) {
  const number = reply ? sourcePort : destinationPort;
  return transport === 'icmp' || number === undefined ? undefined : { side: reply ? 's' : 'd', number };
}

function protocolName({
  transport,
  family,
}: {
  readonly transport: Transport;
  readonly family: Packet['family'];
}): string {
  if (transport !== 'icmp') return transport;
  return family === 'ipv4' ? 'icmp' : 'ipv6-icmp';
}

function answerTo(packet: Packet): Packet {
  const { source, destination, sourcePort, destinationPort, input, output } = packet;
  return {
    ...packet,
    source: destination,
    destination: source,
    sourcePort: destinationPort,
    destinationPort: sourcePort,
    input: output,
    output: input,
    reply: true,
  };
}
