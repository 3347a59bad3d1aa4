import { connectionField } from './connection-field.ts';
import { fibResult } from './fib.ts';
import { lookUp } from './lookup.ts';
import { type Glimpse, protocolOf } from './packet.ts';
import { isRecord, textOf } from './ruleset.ts';
import {
  absent,
  addressValue,
  among,
  asValue,
  constantOf,
  ephemeralPort,
  known,
  unknown,
  type Value,
} from './value.ts';
import type { View } from './view.ts';

export function evaluate(expression: unknown, view: View): Value {
  if (!isRecord(expression)) return unknown(`the constant ${JSON.stringify(expression)}`);
  const [[kind, inner] = ['', undefined]] = Object.entries(expression);
  const fields = isRecord(inner) ? inner : {};
  switch (kind) {
    case 'payload':
      return payload(fields, view);
    case 'meta':
      return meta(textOf(fields['key']), view);
    case 'ct':
      return connectionField(textOf(fields['key']), fields['dir'], view);
    case 'fib':
      return fibResult(fields, view);
    case 'concat':
      return concat(Array.isArray(inner) ? inner : [], view);
    case 'map':
      return mapped(fields, view);
    case '&':
    case '|':
    case '^':
    case '<<':
    case '>>':
      return computed(kind, Array.isArray(inner) ? inner : [], view);
    case 'numgen':
    case 'jhash':
    case 'symhash':
      return chosen(fields);
    // Forwarded packets belong to no socket of the host's.
    case 'socket':
      return absent;
    // Whatever is tested here has no extension headers.
    case 'exthdr':
      return 'field' in fields ? absent : known('name', '');
    default:
      return unknown(`what '${kind}' is`);
  }
}

/** By chance or by a hash: one of so many. */
function chosen({ mod, offset = 0 }: Readonly<Record<string, unknown>>): Value {
  if (typeof mod !== 'number' || typeof offset !== 'number') return unknown('a computed number');
  if (mod === 1) return known('number', offset);
  return among('number', [[BigInt(offset), BigInt(offset + mod - 1)]], 'a number that changes from packet to packet');
}

function concat(parts: readonly unknown[], view: View): Value {
  const values = parts.map((part) => evaluate(part, view));
  return values.some(({ state }) => state === 'absent') ? absent : { state: 'concat', parts: values };
}

function mapped({ key, data }: Readonly<Record<string, unknown>>, view: View): Value {
  const found = lookUp(data, evaluate(key, view), view.sets, true);
  if (found.truth === false) return absent;
  const number = constantOf('number', found.data);
  const address = typeof found.data === 'string' ? constantOf('ipv4', found.data) : undefined;
  if (found.truth === undefined || (number === undefined && address === undefined)) return unknown('what a map holds');
  return known('number', number ?? address ?? 0n);
}

function computed(operator: string, [left, right]: readonly unknown[], view: View): Value {
  // Whatever is tested here is whole or a first fragment; whether it may be fragmented is its sender's choice.
  if (operator === '&' && isFragmentOffset(left) && typeof right === 'number' && (right & 0x4000) === 0)
    return known('number', 0);
  const value = evaluate(left, view);
  if (value.state === 'unknown' && operator === '&' && typeof right === 'number' && (right & ~value.ones) === 0)
    return known('number', right);
  if (value.state === 'among') return unknown(value.why);
  if (value.state !== 'known') return value;
  const other = isRecord(right) && !('|' in right) ? evaluate(right, view) : undefined;
  const operand =
    other === undefined ? constantOf(value.kind, right) : other.state === 'known' ? other.value : undefined;
  if (typeof operand !== 'bigint' || typeof value.value !== 'bigint') return unknown('a computed value');
  return known(value.kind, compute(operator, value.value, operand));
}

function compute(operator: string, left: bigint, right: bigint): bigint {
  if (operator === '&') return left & right;
  if (operator === '|') return left | right;
  if (operator === '^') return left ^ right;
  return operator === '<<' ? left << right : left >> right;
}

function isFragmentOffset(expression: unknown): boolean {
  const field = isRecord(expression) ? expression['payload'] : undefined;
  return isRecord(field) && field['protocol'] === 'ip' && field['field'] === 'frag-off';
}

function meta(key: string, view: View): Value {
  const { packet, host } = view;
  const constant = metaConstants(packet)[key];
  if (constant !== undefined) return constant;
  switch (key) {
    case 'mark':
      return packet.mark === undefined ? unknown('the mark that a rule set') : asValue('number', packet.mark);
    case 'iifgroup':
    case 'oifgroup':
      return groupOf(key === 'iifgroup' ? packet.input : packet.output, host);
    case 'iiftype':
    case 'oiftype':
      return typeOf(key === 'iiftype' ? packet.input : packet.output, host);
    case 'iifkind':
    case 'oifkind':
      return kindOf(key === 'iifkind' ? packet.input : packet.output, host);
    case 'skuid':
    case 'skgid':
    case 'cgroup':
      return packet.input === undefined ? unknown(`whose socket it is (${key})`) : absent;
    default:
      return unknown(`the packet's ${key}`);
  }
}

function metaConstants(packet: Glimpse): Readonly<Record<string, Value>> {
  const isIpv4 = packet.family === 'ipv4';
  return {
    // The kernel gives an empty name where there is no link yet.
    iifname: asValue('name', packet.input ?? ''),
    iif: asValue('name', packet.input ?? ''),
    oifname: asValue('name', packet.output ?? ''),
    oif: asValue('name', packet.output ?? ''),
    l4proto: packet.arp === undefined ? protocolOf(packet) : absent,
    nfproto: known('family', packet.arp !== undefined ? 3 : isIpv4 ? 2 : 10),
    protocol: known('ethertype', packet.arp !== undefined ? 0x0806 : isIpv4 ? 0x0800 : 0x86dd),
    pkttype: known('packet-type', 0),
  };
}

function typeOf(link: Glimpse['input'], host: View['host']): Value {
  return typeof link === 'string' && host?.links.get(link)?.isEthernet === true
    ? known('link-type', 1)
    : unknown('the kind of link');
}

/** The kernel gives an empty one for a device of a driver. */
function kindOf(link: Glimpse['input'], host: View['host']): Value {
  if (host === undefined || typeof link === 'object') return unknown('the kind of link');
  return link === undefined ? absent : asValue('name', host.links.get(link)?.kind ?? '');
}

function groupOf(link: Glimpse['input'], host: View['host']): Value {
  if (host === undefined || typeof link === 'object') return unknown('the group of the link');
  const group = link === undefined ? undefined : host.links.get(link)?.group;
  return group === undefined ? absent : known('group', group);
}

function payload(fields: Readonly<Record<string, unknown>>, view: View): Value {
  const { protocol, field } = fields;
  if (typeof protocol !== 'string') return unknown('bytes of the packet');
  const { packet } = view;
  if (protocol === 'arp') return packet.arp === undefined ? absent : arp(textOf(field), packet);
  if (protocol === 'ether' || protocol === 'vlan') {
    return protocol === 'ether' && field === 'type'
      ? meta('protocol', view)
      : protocol === 'ether'
        ? unknown('its MAC addresses')
        : absent;
  }
  if (packet.arp !== undefined) return absent;
  if (protocol === 'ip' || protocol === 'ip6') return network(protocol, textOf(field), packet);
  return transport(protocol, textOf(field), packet);
}

/** Of Ethernet and IPv4 (RFC 826), as this host's links have it. */
function arp(field: string, packet: Glimpse): Value {
  switch (field) {
    case 'operation':
      return known('arp-operation', packet.arp === 'request' ? 1 : 2);
    case 'saddr ip':
      return addressValue('ipv4', packet.source);
    case 'daddr ip':
      return addressValue('ipv4', packet.destination);
    case 'htype':
      return known('number', 1);
    case 'ptype':
      return known('ethertype', 0x0800);
    case 'hlen':
      return known('number', 6);
    case 'plen':
      return known('number', 4);
    default:
      return unknown('its MAC addresses');
  }
}

function network(protocol: 'ip' | 'ip6', field: string, packet: Glimpse): Value {
  if ((protocol === 'ip') !== (packet.family === 'ipv4')) return absent;
  if (field === 'saddr' || field === 'daddr') {
    return addressValue(packet.family, field === 'saddr' ? packet.source : packet.destination);
  }
  if (field === 'protocol' || field === 'nexthdr') return protocolOf(packet);
  if (field === 'version') return known('number', protocol === 'ip' ? 4 : 6);
  return unknown(`the packet's ${protocol} ${field}`);
}

function transport(protocol: string, field: string, packet: Glimpse): Value {
  const [icmp, other] = packet.family === 'ipv4' ? (['icmp', 'icmpv6'] as const) : (['icmpv6', 'icmp'] as const);
  if (packet.transport === undefined) return protocol === other ? absent : unknown(`the packet's ${protocol} ${field}`);
  if (packet.transport === 'icmp') return protocol === icmp ? echo(icmp, field, packet) : absent;
  if (protocol !== packet.transport && protocol !== 'th') return absent;
  if (field === 'sport') return port(packet.sourcePort, 'source port');
  if (field === 'dport') return port(packet.destinationPort, 'destination port');
  // The first two steps of TCP's handshake.
  if (field === 'flags' && packet.transport === 'tcp') return known('tcp-flags', packet.reply ? 0x12 : 0x02);
  return unknown(`the packet's ${protocol} ${field}`);
}

function echo(protocol: 'icmp' | 'icmpv6', field: string, { reply, icmpType }: Glimpse): Value {
  const [request, answer] = protocol === 'icmp' ? [8, 0] : [128, 129];
  if (field === 'type') return known(`${protocol}-type`, icmpType ?? (reply ? answer : request));
  return field === 'code' ? known('number', 0) : unknown(`the packet's ${protocol} ${field}`);
}

function port(number: number | undefined, what: string): Value {
  return number === undefined ? ephemeralPort(what) : known('number', number);
}
