/** Three-valued values: what an expression of a rule yields for one packet, and whether a constant fits it. Pure. */
import { hostLength, parseAddress, toBigInt } from '../model/address.ts';
import { isRecord } from './ruleset.ts';
import { type Kind, numberOf } from './symbols.ts';

export type Value =
  | { readonly state: 'known'; readonly kind: Kind; readonly value: bigint | string }
  | { readonly state: 'concat'; readonly parts: readonly Value[] }
  /** The packet has no such field: the kernel ends the rule there, whatever is compared (NFT_BREAK). */
  | { readonly state: 'absent' }
  /** One of these numbers, ends included. */
  | { readonly state: 'between'; readonly low: bigint; readonly high: bigint; readonly why: string }
  | { readonly state: 'unknown'; readonly why: string };

/** Undefined: cannot be decided. */
export type Truth = boolean | undefined;

export const absent: Value = { state: 'absent' };

export function known(kind: Kind, value: bigint | number | string): Value {
  return { state: 'known', kind, value: typeof value === 'number' ? BigInt(value) : value };
}

/** What clients choose from: Linux's 32768 to 60999 (ip_local_port_range) and IANA's 49152 to 65535. */
export function ephemeralPort(what: string): Value {
  return { state: 'between', low: 32_768n, high: 65_535n, why: `the ${what}, which the sender chooses` };
}

export function unknown(why: string): Value {
  return { state: 'unknown', why };
}

/** A constant of a rule as a value of the kind it is compared with; undefined where it is not understood. */
export function constantOf(kind: Kind, constant: unknown): bigint | string | undefined {
  if (typeof constant === 'number') return BigInt(constant);
  if (typeof constant === 'boolean') return constant ? 1n : 0n;
  if (Array.isArray(constant)) return union(kind, constant);
  if (isRecord(constant)) {
    const list = constant['|'];
    return Array.isArray(list) ? union(kind, list) : undefined;
  }
  if (typeof constant !== 'string') return undefined;
  if (kind === 'name') return constant;
  if (kind === 'ipv4' || kind === 'ipv6') {
    const address = parseAddress(constant);
    return address === undefined ? undefined : toBigInt(address);
  }
  return numberOf(kind, constant);
}

/** Flags joined by `|` or by a list, as nft prints them. */
function union(kind: Kind, parts: readonly unknown[]): bigint | undefined {
  let bits = 0n;
  for (const part of parts) {
    const value = constantOf(kind, part);
    if (typeof value !== 'bigint') return undefined;
    bits |= value;
  }
  return bits;
}

/** Whether a constant, prefix, range or interface wildcard of a rule or a set covers the value. */
export function fits(pattern: unknown, value: Value): Truth {
  if (value.state === 'absent') return false;
  if (value.state === 'concat') return fitsAll(pattern, value.parts);
  if (pattern === '*') return true;
  if (value.state === 'unknown') return undefined;
  if (value.state === 'between') return fitsBetween(pattern, value.low, value.high);
  const { kind } = value;
  if (isRecord(pattern) && isRecord(pattern['prefix'])) return fitsPrefix(pattern['prefix'], kind, value.value);
  if (isRecord(pattern) && Array.isArray(pattern['range'])) return fitsRange(pattern['range'], kind, value.value);
  const constant = constantOf(kind, pattern);
  if (constant === undefined) return undefined;
  if (typeof constant === 'string') return fitsName(constant, value.value);
  return typeof value.value === 'bigint' ? constant === value.value : undefined;
}

function fitsAll(pattern: unknown, parts: readonly Value[]): Truth {
  const patterns = isRecord(pattern) ? pattern['concat'] : undefined;
  if (!Array.isArray(patterns) || patterns.length !== parts.length) return undefined;
  return all(parts.map((part, index) => fits(patterns[index], part)));
}

/** A trailing `*` is nft's wildcard for names of interfaces; `\*` is the character itself. */
function fitsName(pattern: string, value: bigint | string): Truth {
  if (typeof value !== 'string') return undefined;
  return pattern.endsWith('*') && !pattern.endsWith('\\*')
    ? value.startsWith(pattern.slice(0, -1))
    : value === pattern.replace('\\*', '*');
}

function fitsPrefix({ addr, len }: Readonly<Record<string, unknown>>, kind: Kind, value: bigint | string): Truth {
  const base = constantOf(kind, addr);
  if (typeof base !== 'bigint' || typeof value !== 'bigint' || typeof len !== 'number') return undefined;
  const bits = kind === 'ipv6' ? hostLength('ipv6') : hostLength('ipv4');
  const shift = BigInt(bits - len);
  return value >> shift === base >> shift;
}

function fitsRange([low, high]: readonly unknown[], kind: Kind, value: bigint | string): Truth {
  const from = constantOf(kind, low);
  const to = constantOf(kind, high);
  if (typeof from !== 'bigint' || typeof to !== 'bigint' || typeof value !== 'bigint') return undefined;
  return from <= value && value <= to;
}

function fitsBetween(pattern: unknown, low: bigint, high: bigint): Truth {
  const range = isRecord(pattern) && Array.isArray(pattern['range']) ? pattern['range'] : [pattern, pattern];
  const [from, to] = range.map((end) => constantOf('number', end));
  if (typeof from !== 'bigint' || typeof to !== 'bigint') return undefined;
  if (to < low || from > high) return false;
  return from <= low && high <= to ? true : undefined;
}

/** One certain no decides; else one doubt makes it doubtful. */
export function all(truths: readonly Truth[]): Truth {
  if (truths.includes(false)) return false;
  return truths.includes(undefined) ? undefined : true;
}

export function not(truth: Truth): Truth {
  return truth === undefined ? undefined : !truth;
}
