/** Numbers of routing in words that are the same on every host, whatever names its /etc/iproute2 has for them. */
import type { Family } from '../model/address.ts';

/** RTPROT_*, include/uapi/linux/rtnetlink.h, as iproute2 calls them. */
const protocols: Readonly<Record<number, string>> = {
  1: 'redirect',
  2: 'kernel',
  3: 'boot',
  4: 'static',
  9: 'ra',
  16: 'dhcp',
  42: 'babel',
  84: 'ovn',
  186: 'bgp',
  187: 'isis',
  188: 'ospf',
  189: 'rip',
  192: 'eigrp',
};

/**
 * Whose routes nobody on this host has set: the kernel makes one of any length for what a router advertisement calls on-link
 * (addrconf_prefix_rcv, `kernel`), and who answers for DHCP may name any (RFC 3442).
 */
const learnedFromLan: ReadonlySet<string> = new Set(['redirect', 'kernel', 'ra', 'dhcp']);

export function isLearnedFromLan(protocol: string | undefined): boolean {
  return protocol !== undefined && learnedFromLan.has(protocol);
}

/** RT_TABLE_*, include/uapi/linux/rtnetlink.h. */
const tables: Readonly<Record<number, string>> = { 253: 'default', 254: 'main', 255: 'local' };

/** IPPROTO_*. */
const transports: Readonly<Record<number, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'ipv6-icmp' };

/** Of either family's ICMP; undefined for all others. */
export function transportOf(number: number | undefined): 'icmp' | 'tcp' | 'udp' | undefined {
  return number === 1 || number === 58 ? 'icmp' : number === 6 ? 'tcp' : number === 17 ? 'udp' : undefined;
}

/** IPPROTO_*; ICMP has one for each family. */
export function transportNumber(name: 'icmp' | 'tcp' | 'udp', family: Family): number {
  return { icmp: family === 'ipv4' ? 1 : 58, tcp: 6, udp: 17 }[name];
}

export function protocolName(number: number): string {
  return protocols[number] ?? String(number);
}

export function tableName(number: number): string {
  return tables[number] ?? String(number);
}

export function transportName(number: number): string {
  return transports[number] ?? String(number);
}
