/** Three-valued values: what an expression of a rule yields for one packet, and whether a constant fits it. Pure. */
import { type Address, type Family, hostLength, parseAddress, toBigInt } from '../model/address.ts';
import { isRecord } from './ruleset.ts';
import { type Kind, numberOf } from './symbols.ts';

export type Value =
  | { readonly state: 'known'; readonly kind: Kind; readonly value: bigint | string }
  | { readonly state: 'concat'; readonly parts: readonly Value[] }
  /** The packet has no such field: the kernel ends the rule there, whatever is compared (NFT_BREAK). */
  | { readonly state: 'absent' }
  /** Within one of these spans. */
  | { readonly state: 'among'; readonly kind: Kind; readonly spans: readonly Span[]; readonly why: string }
  /** `ones` are bits that are set all the same. */
  | { readonly state: 'unknown'; readonly why: string; readonly ones: number };

/** Ends included. */
export type Span = readonly [low: bigint | string, high: bigint | string];

/** Undefined: cannot be decided. */
export type Truth = boolean | undefined;

export const absent: Value = { state: 'absent' };

export function known(kind: Kind, value: bigint | number | string): Value {
  return { state: 'known', kind, value: typeof value === 'number' ? BigInt(value) : value };
}

/** What clients choose from: Linux's 32768 to 60999 (ip_local_port_range) and IANA's 49152 to 65535. */
export function ephemeralPort(what: string): Value {
  return among('number', [[32_768n, 65_535n]], `the ${what}, which the sender chooses`);
}

export function among(kind: Kind, spans: readonly Span[], why: string): Value {
  return { state: 'among', kind, spans, why };
}

export function unknown(why: string, ones = 0): Value {
  return { state: 'unknown', why, ones };
}

/** What is a value already stays one. */
export function asValue(kind: Kind, it: bigint | number | string | Value): Value {
  return typeof it === 'object' ? it : known(kind, it);
}

export function addressValue(family: Family, it: Address | Value): Value {
  return typeof it === 'object' ? it : known(family, toBigInt(it));
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
  const span = spanOf(pattern, value.kind);
  if (span === undefined) return undefined;
  const spans: readonly Span[] = value.state === 'known' ? [[value.value, value.value]] : value.spans;
  return agreed(spans.map((each) => isWithin(each, span)));
}

function isWithin([low, high]: Span, [from, to]: Span): Truth {
  if (typeof low !== typeof from) return undefined;
  if (high < from || low > to) return false;
  return from <= low && high <= to ? true : undefined;
}

/** Decided where all say the same. */
export function agreed([first, ...others]: readonly Truth[]): Truth {
  return others.every((truth) => truth === first) ? first : undefined;
}

/** What a prefix, range, constant or name with a wildcard covers. */
function spanOf(pattern: unknown, kind: Kind): Span | undefined {
  const { prefix, range } = isRecord(pattern) ? pattern : {};
  if (isRecord(prefix)) return prefixSpan(prefix, kind);
  const [from, to] = (Array.isArray(range) ? range : [pattern, pattern]).map((end) => constantOf(kind, end));
  if (typeof from === 'string') return nameSpan(from);
  return typeof from === 'bigint' && typeof to === 'bigint' ? [from, to] : undefined;
}

/** A trailing `*` is nft's wildcard for names of interfaces; `\*` is the character itself. */
function nameSpan(pattern: string): Span {
  const isWildcard = pattern.endsWith('*') && !pattern.endsWith('\\*');
  const name = isWildcard ? pattern.slice(0, -1) : pattern.replace('\\*', '*');
  return [name, isWildcard ? `${name}\uffff` : name];
}

function prefixSpan({ addr, len }: Readonly<Record<string, unknown>>, kind: Kind): Span | undefined {
  const base = constantOf(kind, addr);
  const bits = hostLength(kind === 'ipv6' ? 'ipv6' : 'ipv4');
  if (typeof base !== 'bigint' || typeof len !== 'number' || len < 0 || len > bits) return undefined;
  const size = 1n << BigInt(bits - len);
  return [base - (base % size), base - (base % size) + size - 1n];
}

function fitsAll(pattern: unknown, parts: readonly Value[]): Truth {
  const patterns = isRecord(pattern) ? pattern['concat'] : undefined;
  if (!Array.isArray(patterns) || patterns.length !== parts.length) return undefined;
  return all(parts.map((part, index) => fits(patterns[index], part)));
}

/** One certain no decides; else one doubt makes it doubtful. */
export function all(truths: readonly Truth[]): Truth {
  if (truths.includes(false)) return false;
  return truths.includes(undefined) ? undefined : true;
}

export function not(truth: Truth): Truth {
  return truth === undefined ? undefined : !truth;
}
