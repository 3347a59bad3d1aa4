/**
 * Numbers of routing, from netlink or as `ip -N` prints them, in words that are the same on every host. Without `-N`,
 * iproute2 prints the names that this host's /etc/iproute2 has for them, and anybody may give any number a name there.
 */
import { routeTypes } from '../netlink/index.ts';

/** RTPROT_*, include/uapi/linux/rtnetlink.h, as iproute2 calls them. */
const protocols: Readonly<Record<string, string>> = {
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

/** RT_TABLE_*, include/uapi/linux/rtnetlink.h. */
const tables: Readonly<Record<string, string>> = { 253: 'default', 254: 'main', 255: 'local' };

/** Of a route, or the action of a policy rule, which has the same numbers. A number or a name, as some releases print the one and some the other. */
export function routeType(text: string): string {
  return routeTypes[Number(text)] ?? text;
}

export function protocolName(text: string | number): string {
  return protocols[text] ?? String(text);
}

export function tableName(text: string | number): string {
  return tables[text] ?? String(text);
}

/** Of a policy rule's `ipproto`, which `ip -N` prints as `ipproto-6`. */
export function transportName(text: string | number): string {
  const number = String(text).replace(/^ipproto-/, '');
  const names: Readonly<Record<string, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'ipv6-icmp' };
  return names[number] ?? number;
}
