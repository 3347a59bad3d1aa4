/** Builders for the few nft expressions we use, in libnftables-json(5)'s shapes as nft 1.0.6 lists them again. */
import type { NftObject } from '../host/port.ts';
import { type Address, type Family, familyOf, hostLength, type Prefix } from '../model/address.ts';
import { lengthOf, type Span, spansOf } from '../model/span.ts';
import { onceAMinute } from './rates.ts';

export type Expression = NftObject;

export const counter: Expression = { counter: null };
export const accept: Expression = { accept: null };
export const drop: Expression = { drop: null };
export const returns: Expression = { return: null };
export const masquerade: Expression = { masquerade: null };

/** For tables of both families. */
export function translateSource(address: Address): Expression {
  return { snat: { family: familyOf(address) === 'ipv4' ? 'ip' : 'ip6', addr: address } };
}

export function goTo(target: string): Expression {
  return { goto: { target } };
}

export function jump(target: string): Expression {
  return { jump: { target } };
}

export function interfaceIs(key: 'iifname' | 'oifname', name: string): Expression {
  return match('==', { meta: { key } }, name);
}

export function interfaceIsNot(key: 'iifname' | 'oifname', name: string): Expression {
  return match('!=', { meta: { key } }, name);
}

/** rtnetlink's word for what the link is; empty for a device of a driver. */
export function interfaceKindIs(side: 'iif' | 'oif', kind: string): Expression {
  return match('==', { meta: { key: `${side}kind` } }, kind);
}

export function interfaceIn(key: 'iifname' | 'oifname', names: readonly string[], op: '==' | '!=' = '=='): Expression {
  const [only] = names;
  return match(op, { meta: { key } }, names.length === 1 && only !== undefined ? only : { set: [...names].sort() });
}

/** `iifname . ip saddr @set` and its like. */
export function pairIn(key: 'iifname' | 'oifname', family: Family, field: 'saddr' | 'daddr', set: string): Expression {
  return match('==', pair(key, addressField(family, field)), `@${set}`);
}

export function pairNotIn(key: 'iifname' | 'oifname', family: Family, field: 'saddr' | 'daddr', set: string) {
  return match('!=', pair(key, addressField(family, field)), `@${set}`);
}

export function addressInSet(family: Family, field: 'saddr' | 'daddr', set: string): Expression {
  return match('==', addressField(family, field), `@${set}`);
}

/** Writes it into the packet, checksum included. */
export function setAddress(family: Family, field: 'saddr' | 'daddr', address: string): Expression {
  return { mangle: { key: addressField(family, field), value: address } };
}

export function addressNotInSet(family: Family, field: 'saddr' | 'daddr', set: string): Expression {
  return match('!=', addressField(family, field), `@${set}`);
}

export function interfaceInSet(key: 'iifname' | 'oifname', set: string): Expression {
  return match('==', { meta: { key } }, `@${set}`);
}

export function addressIs(family: Family, field: 'saddr' | 'daddr', value: Address | Prefix): Expression {
  return match('==', addressField(family, field), addressOrPrefix(value));
}

export function addressIsNot(family: Family, field: 'saddr' | 'daddr', value: Prefix): Expression {
  return match('!=', addressField(family, field), addressOrPrefix(value));
}

/** Any address of prefixes of the family, however many: one lookup. */
export function addressIsAmong(family: Family, field: 'saddr' | 'daddr', prefixes: readonly Prefix[]): Expression {
  const values = spansOf(prefixes).map(spanValue);
  const [only] = values;
  return match('==', addressField(family, field), values.length === 1 ? only : { set: values });
}

/** `iifname . ip daddr . meta l4proto . th dport`: what a packet wants of whom. */
export function flowIn(family: Family, set: string): Expression {
  return match('==', flow(addressField(family, 'daddr')), `@${set}`);
}

/** `iifname . meta l4proto . th dport`: what it wants of dom0. */
export function serviceIn(set: string): Expression {
  return match('==', flow(), `@${set}`);
}

/** True once a minute for each flow; the kernel keeps a bucket for each in `set`. */
export function flowIsNew(family: Family, set: string): Expression {
  return onceAMinute(set, flow(addressField(family, 'daddr')));
}

/** Of both families' ICMP. */
export const isIcmp: Expression = match('==', { meta: { key: 'l4proto' } }, { set: ['icmp', 'ipv6-icmp'] });
export const hasPorts: Expression = match('==', { meta: { key: 'l4proto' } }, { set: ['tcp', 'udp'] });

/** Broadcast and multicast. */
export const isToMany: Expression = match('==', { meta: { key: 'pkttype' } }, { set: ['broadcast', 'multicast'] });

/**
 * What begins a connection, as far as connection tracking can tell; all others belong to one. `related` is an error about one, or
 * another connection that a helper (FTP, SIP) expects: who is at the other end chooses where that leads.
 */
export const beginsConnection: Expression = trackingStateIn(['invalid', 'related', 'new', 'untracked']);
export const isRelated: Expression = trackingStateIn(['related']);

export const rejectByReset: Expression = { reject: { type: 'tcp reset' } };
/** ICMP's and ICMPv6's "administratively prohibited". */
export const rejectAsProhibited: Expression = { reject: { type: 'icmpx', expr: 'admin-prohibited' } };

export function translateDestination(address: Address, port: number): Expression {
  return { dnat: { family: familyOf(address) === 'ipv4' ? 'ip' : 'ip6', addr: address, port } };
}

export function destinationPortIs(port: number): Expression {
  return match('==', { payload: { protocol: 'th', field: 'dport' } }, port);
}

export function payloadIsAbove(protocol: string, field: string, value: unknown): Expression {
  return match('>', { payload: { protocol, field } }, value);
}

export function payloadIsNot(protocol: string, field: string, value: unknown): Expression {
  return match('!=', { payload: { protocol, field } }, value);
}

export function payloadIs(protocol: string, field: string, value: unknown): Expression {
  return match('==', { payload: { protocol, field } }, value);
}

export function payloadIsBelow(protocol: string, field: string, value: unknown): Expression {
  return match('<', { payload: { protocol, field } }, value);
}

/** Bits of the transport header that nft of some release has no name for, and of another one lists by that name. */
export function bitsAre(offset: number, len: number, value: number, mask?: number): Expression {
  const bits = { payload: { base: 'th', offset, len } };
  return match('==', mask === undefined ? bits : { '&': [bits, mask] }, value);
}

/** Any of these bits of the IPv4 header's flags and fragment offset. */
export function fragmentBits(mask: number): Expression {
  return match('!=', { '&': [{ payload: { protocol: 'ip', field: 'frag-off' } }, mask] }, 0);
}

/** An IPv6 fragment header, wherever in the chain of headers. */
export const hasFragmentHeader: Expression = { match: { op: '==', left: { exthdr: { name: 'frag' } }, right: true } };

export function protocolIs(family: Family): Expression {
  return match('==', { meta: { key: 'nfproto' } }, family);
}

export function layer4Is(protocol: 'tcp' | 'udp'): Expression {
  return match('==', { meta: { key: 'l4proto' } }, protocol);
}

export type Direction = 'original' | 'reply';

/** The connection's source in one direction, together with the link the packet came by. */
export function trackedPairIn(family: Family, direction: Direction, set: string): Expression {
  return match('==', pair('iifname', trackedSource(family, direction)), `@${set}`);
}

/** The same, with the link the packet leaves by. */
export function trackedPairNotIn(family: Family, direction: Direction, set: string): Expression {
  return match('!=', pair('oifname', trackedSource(family, direction)), `@${set}`);
}

export function trackedSourceIn(family: Family, direction: Direction, set: string): Expression {
  return match('==', trackedSource(family, direction), `@${set}`);
}

/** Which way the packet goes in its connection; false for what is not tracked. */
export function directionIs(direction: Direction): Expression {
  return match('==', { ct: { key: 'direction' } }, direction);
}

/** nft lists a single one without its brackets. */
export function trackingStateIn(states: readonly string[]): Expression {
  const [only] = states;
  return match('in', { ct: { key: 'state' } }, states.length === 1 ? only : [...states]);
}

/** The destination that the connection's first packet had when it came, whatever was translated since. */
export function originalDestinationIs(family: Family, value: Address | Prefix): Expression {
  const key = family === 'ipv4' ? 'ip daddr' : 'ip6 daddr';
  return match('==', { ct: { key, dir: 'original' } }, addressOrPrefix(value));
}

/** A segment in the middle of a connection: all but its first have the ACK bit (RFC 9293 3.5). */
export const tcpAcknowledges: Expression = match('in', { payload: { protocol: 'tcp', field: 'flags' } }, 'ack');

/** A TCP connection that tracking has not seen begin; whoever is heard first then counts as the one who has opened it. */
export const takesUpConnection: readonly Expression[] = [trackingStateIn(['new']), tcpAcknowledges];

export function markHas(bit: number): Expression {
  return match('==', { '&': [{ meta: { key: 'mark' } }, bit] }, bit);
}

export function setMarkBit(bit: number): Expression {
  return { mangle: { key: { meta: { key: 'mark' } }, value: { '|': [{ meta: { key: 'mark' } }, bit] } } };
}

export function clearMarkBit(bit: number): Expression {
  const others = (0xffffffff & ~bit) >>> 0;
  return { mangle: { key: { meta: { key: 'mark' } }, value: { '&': [{ meta: { key: 'mark' } }, others] } } };
}

/** Puts the link and the packet's source into `set`; a full set lets the rule fail. */
export function rememberSource(set: string): Expression {
  const elem = { concat: [{ meta: { key: 'iifname' } }, addressField('ipv6', 'saddr')] };
  return { set: { op: 'add', elem, set: `@${set}` } };
}

/** From here on the kernel tells what becomes of the packet; `nft monitor` prints it with its addresses. */
export const trace: Expression = { mangle: { key: { meta: { key: 'nftrace' } }, value: 1 } };

/** The packet's destination is no address of this host. */
export const destinationIsNotLocal: Expression = match('!=', { fib: { result: 'type', flags: ['daddr'] } }, 'local');

/** Of a connection that an earlier packet has begun. */
export const isConfirmed: Expression = match('in', { ct: { key: 'status' } }, 'confirmed');

/** Of a connection whose destination was translated. */
export const isTranslatedTo: Expression = match('in', { ct: { key: 'status' } }, 'dnat');

/** True where the host would not send to the packet's source by the link that it came by. */
export const sourceIsElsewhere: Expression = {
  match: { op: '==', left: { fib: { result: 'oif', flags: ['saddr', 'iif'] } }, right: false },
};

function match(op: string, left: NftObject, right: unknown): Expression {
  return { match: { op, left, right } };
}

function pair(key: 'iifname' | 'oifname', address: NftObject): NftObject {
  return { concat: [{ meta: { key } }, address] };
}

function flow(...address: readonly NftObject[]): NftObject {
  const port = { payload: { protocol: 'th', field: 'dport' } };
  return { concat: [{ meta: { key: 'iifname' } }, ...address, { meta: { key: 'l4proto' } }, port] };
}

function trackedSource(family: Family, direction: Direction): NftObject {
  return { ct: { key: family === 'ipv4' ? 'ip saddr' : 'ip6 saddr', dir: direction } };
}

function addressField(family: Family, field: string): NftObject {
  return { payload: { protocol: family === 'ipv4' ? 'ip' : 'ip6', field } };
}

function spanValue(span: Span): unknown {
  const [{ first, last }, len] = [span, lengthOf(span)];
  if (len === undefined) return { range: [first, last] };
  return first === last ? first : { prefix: { addr: first, len } };
}

/** nft lists a prefix of full length as the bare address. */
function addressOrPrefix(value: Address | Prefix): unknown {
  if (typeof value === 'string') return value;
  if (value.length === hostLength(value.family)) return value.address;
  return { prefix: { addr: value.address, len: value.length } };
}
