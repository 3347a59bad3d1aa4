/** Builders for the few nft expressions we use, in libnftables-json(5)'s shapes as nft 1.0.6 lists them again. */
import type { NftObject } from '../host/port.ts';
import { type Address, type Family, hostLength, type Prefix } from '../model/address.ts';

export type Expression = NftObject;

export const counter: Expression = { counter: null };
export const accept: Expression = { accept: null };
export const drop: Expression = { drop: null };
export const returns: Expression = { return: null };
export const masquerade: Expression = { masquerade: null };

export function jump(target: string): Expression {
  return { jump: { target } };
}

export function interfaceIs(key: 'iifname' | 'oifname', name: string): Expression {
  return match('==', { meta: { key } }, name);
}

export function interfaceIsNot(key: 'iifname' | 'oifname', name: string): Expression {
  return match('!=', { meta: { key } }, name);
}

export function interfaceIn(key: 'iifname' | 'oifname', names: readonly string[]): Expression {
  const [only] = names;
  return match('==', { meta: { key } }, names.length === 1 && only !== undefined ? only : { set: [...names].sort() });
}

/** `iifname . ip saddr @set` and its like. */
export function pairIn(key: 'iifname' | 'oifname', family: Family, field: 'saddr' | 'daddr', set: string): Expression {
  return match('==', { concat: [{ meta: { key } }, addressField(family, field)] }, `@${set}`);
}

export function addressInSet(family: Family, field: 'saddr' | 'daddr', set: string): Expression {
  return match('==', addressField(family, field), `@${set}`);
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

export function payloadIsNot(protocol: string, field: string, value: unknown): Expression {
  return match('!=', { payload: { protocol, field } }, value);
}

export function payloadIs(protocol: string, field: string, value: unknown): Expression {
  return match('==', { payload: { protocol, field } }, value);
}

export function payloadIsBelow(protocol: string, field: string, value: unknown): Expression {
  return match('<', { payload: { protocol, field } }, value);
}

export function protocolIs(family: Family): Expression {
  return match('==', { meta: { key: 'nfproto' } }, family);
}

/** The connection's source in one direction, together with the link the packet came by. */
export function trackedSourceIn(family: Family, direction: 'original' | 'reply', set: string): Expression {
  const key = family === 'ipv4' ? 'ip saddr' : 'ip6 saddr';
  return match('==', { concat: [{ meta: { key: 'iifname' } }, { ct: { key, dir: direction } }] }, `@${set}`);
}

export function trackingStateIn(states: readonly string[]): Expression {
  return match('in', { ct: { key: 'state' } }, [...states]);
}

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

/** True while the link that the packet came by stays below the rate; the kernel keeps one bucket per link in `set`. */
export function linkIsBelow(set: string, rate: { perSecond: number; burst: number }): Expression {
  const limit = { rate: rate.perSecond, burst: rate.burst, per: 'second' };
  return { set: { op: 'update', elem: { meta: { key: 'iifname' } }, set: `@${set}`, stmt: [{ limit }] } };
}

/** Puts the link and the packet's source into `set`; a full set lets the rule fail. */
export function rememberSource(set: string): Expression {
  const elem = { concat: [{ meta: { key: 'iifname' } }, addressField('ipv6', 'saddr')] };
  return { set: { op: 'add', elem, set: `@${set}` } };
}

/** All links together. */
export function isBelow(rate: { perSecond: number; burst: number }): Expression {
  return { limit: { rate: rate.perSecond, burst: rate.burst, per: 'second' } };
}

/** From here on the kernel tells what becomes of the packet; `nft monitor` prints it with its addresses. */
export const trace: Expression = { mangle: { key: { meta: { key: 'nftrace' } }, value: 1 } };

/** True where the host would not send to the packet's source by the link that it came by. */
export const sourceIsElsewhere: Expression = {
  match: { op: '==', left: { fib: { result: 'oif', flags: ['saddr', 'iif'] } }, right: false },
};

function match(op: string, left: NftObject, right: unknown): Expression {
  return { match: { op, left, right } };
}

function addressField(family: Family, field: string): NftObject {
  return { payload: { protocol: family === 'ipv4' ? 'ip' : 'ip6', field } };
}

/** nft lists a prefix of full length as the bare address. */
function addressOrPrefix(value: Address | Prefix): unknown {
  if (typeof value === 'string') return value;
  if (value.length === hostLength(value.family)) return value.address;
  return { prefix: { addr: value.address, len: value.length } };
}

/** A rule's text for comparison: key order and counter values do not matter, everything else does. Called for each of thousands of rules. */
export function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  const keys = Object.keys(value);
  if (keys.length > 1) keys.sort();
  let text = '';
  for (const key of keys) {
    const item = key === 'counter' ? 'null' : canonical((value as Record<string, unknown>)[key]);
    text += text === '' ? `${key}:${item}` : `,${key}:${item}`;
  }
  return `{${text}}`;
}
