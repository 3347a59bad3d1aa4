/** The names that nft and iptables print for numbers (nft's datatype tables; uapi headers of Linux). */

export type Kind =
  | 'ipv4'
  | 'ipv6'
  | 'name'
  | 'number'
  | 'protocol'
  | 'ethertype'
  | 'arp-operation'
  | 'family'
  | 'icmp-type'
  | 'icmpv6-type'
  | 'ct-state'
  | 'ct-status'
  | 'ct-direction'
  | 'tcp-flags'
  | 'fib-type'
  | 'packet-type'
  | 'link-type'
  | 'group'
  | 'boolean';

type Names = Readonly<Record<string, number>>;

/** NFPROTO_* of linux/netfilter.h. */
const family: Names = { ipv4: 2, ipv6: 10 };
const ethertype: Names = {
  ip: 0x0800,
  arp: 0x0806,
  ip6: 0x86dd,
  ipv4: 0x0800,
  ipv6: 0x86dd,
  '8021q': 0x8100,
  vlan: 0x8100,
};
const protocol: Names = {
  icmp: 1,
  igmp: 2,
  tcp: 6,
  udp: 17,
  dccp: 33,
  gre: 47,
  esp: 50,
  ah: 51,
  icmpv6: 58,
  'ipv6-icmp': 58,
  ipcomp: 108,
  comp: 108,
  sctp: 132,
  udplite: 136,
};
const icmpType: Names = {
  'echo-reply': 0,
  'destination-unreachable': 3,
  'source-quench': 4,
  redirect: 5,
  'echo-request': 8,
  'router-advertisement': 9,
  'router-solicitation': 10,
  'time-exceeded': 11,
  'parameter-problem': 12,
  'timestamp-request': 13,
  'timestamp-reply': 14,
  'info-request': 15,
  'info-reply': 16,
  'address-mask-request': 17,
  'address-mask-reply': 18,
};
const icmpv6Type: Names = {
  'destination-unreachable': 1,
  'packet-too-big': 2,
  'time-exceeded': 3,
  'parameter-problem': 4,
  'echo-request': 128,
  'echo-reply': 129,
  'mld-listener-query': 130,
  'mld-listener-report': 131,
  'mld-listener-done': 132,
  'mld-listener-reduction': 132,
  'nd-router-solicit': 133,
  'nd-router-advert': 134,
  'nd-neighbor-solicit': 135,
  'nd-neighbor-advert': 136,
  'nd-redirect': 137,
  'mld2-listener-report': 143,
};
/** NF_CT_STATE_BIT and its two special bits. */
export const connectionStates = { invalid: 1, established: 2, related: 4, new: 8, untracked: 64 } as const;
/** enum ip_conntrack_status. */
export const connectionStatuses = {
  expected: 1,
  'seen-reply': 2,
  assured: 4,
  confirmed: 8,
  snat: 16,
  dnat: 32,
  dying: 512,
} as const;
const tcpFlags: Names = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32, ecn: 64, cwr: 128 };
/** RTN_* of linux/rtnetlink.h. */
export const routeTypes: Names = Object.fromEntries(
  'unspec unicast local broadcast anycast multicast blackhole unreachable prohibit throw nat'
    .split(' ')
    .map((name, number) => [name, number]),
);
const packetType: Names = { host: 0, unicast: 0, broadcast: 1, multicast: 2, other: 3 };
const linkType: Names = { ether: 1, loopback: 772, ppp: 512, ipip: 768, ipip6: 769, sit: 776, ipgre: 778 };

const named: Partial<Record<Kind, Names>> = {
  protocol,
  ethertype,
  'arp-operation': { request: 1, reply: 2 },
  family,
  'icmp-type': icmpType,
  'icmpv6-type': icmpv6Type,
  'ct-state': connectionStates,
  'ct-status': connectionStatuses,
  'ct-direction': { original: 0, reply: 1 },
  'tcp-flags': tcpFlags,
  'fib-type': routeTypes,
  'packet-type': packetType,
  'link-type': linkType,
  group: { default: 0 },
};

/** The number that `word` stands for among values of `kind`; undefined where nobody told us. */
export function numberOf(kind: Kind, word: string): bigint | undefined {
  const value = named[kind]?.[word];
  if (value !== undefined) return BigInt(value);
  return /^(0x[0-9a-f]+|\d+)$/i.test(word) ? BigInt(word) : undefined;
}
