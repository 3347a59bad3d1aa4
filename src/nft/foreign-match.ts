/**
 * Does a condition of somebody else's rule hold for the packet that any zone opens a connection with? Pure.
 * `unknown` wherever that depends on more than is known of every such packet: its port, one zone's name, a named set.
 */
import { z } from 'zod';
import { type Address, addressAt, hostLength, type Prefix, parseAddress, toBigInt } from '../model/address.ts';

export type Ternary = 'yes' | 'no' | 'unknown';

/** The first packet of a connection from any zone. */
export interface ZonePacket {
  readonly to: 'outside' | 'zone';
  /** Where its source lies; its family is the packet's. */
  readonly subnet: Prefix;
  /** The links to the outside; empty where nobody knows. */
  readonly uplinks: readonly string[];
  /** Our mark, where it is set when the chain is reached; 0 elsewhere. */
  readonly mark: number;
}

const matchSchema = z.object({ op: z.string(), left: z.unknown(), right: z.unknown() });
const metaSchema = z.object({ meta: z.object({ key: z.string() }) });
const ctSchema = z.object({ ct: z.object({ key: z.string() }) });
const payloadSchema = z.object({ payload: z.object({ protocol: z.string(), field: z.string() }) });
const maskSchema = z.object({ '&': z.tuple([z.object({ meta: z.object({ key: z.literal('mark') }) }), z.number()]) });
const setSchema = z.object({ set: z.array(z.unknown()) });
const prefixSchema = z.object({ prefix: z.object({ addr: z.string(), len: z.number().int() }) });
const rangeSchema = z.object({ range: z.tuple([z.string(), z.string()]) });

export function judgeMatch(statement: unknown, packet: ZonePacket): Ternary {
  const match = matchSchema.safeParse(statement);
  if (!match.success) return 'unknown';
  const { op, left, right } = match.data;
  const holds = () => judgeValue(left, right, packet);
  if (op === '==' || op === 'in') return holds();
  return op === '!=' ? not(holds()) : 'unknown';
}

/** Whether `left`, an expression over the packet, is `right`, a value or a list of them. */
export function judgeValue(left: unknown, right: unknown, packet: ZonePacket): Ternary {
  if (typeof right === 'string' && right.startsWith('@')) return 'unknown';
  const values = listed(right);
  if (values !== undefined) return anyOf(values.map((value) => judgeValue(left, value, packet)));
  const meta = metaSchema.safeParse(left);
  if (meta.success) return judgeMeta(meta.data.meta.key, right, packet);
  const ct = ctSchema.safeParse(left);
  if (ct.success) return judgeConnection(ct.data.ct.key, right);
  const payload = payloadSchema.safeParse(left);
  if (payload.success) return judgeAddress(payload.data.payload, right, packet);
  const mask = maskSchema.safeParse(left);
  const isOurMark = mask.success && packet.mark !== 0 && mask.data['&'][1] === packet.mark;
  return isOurMark && typeof right === 'number' ? truth(right === packet.mark) : 'unknown';
}

function judgeMeta(key: string, value: unknown, packet: ZonePacket): Ternary {
  if (typeof value !== 'string') return 'unknown';
  const { subnet } = packet;
  const isIpv4 = subnet.family === 'ipv4';
  if (key === 'nfproto') return truth(value === subnet.family);
  if (key === 'protocol') return truth(value === (isIpv4 ? 'ip' : 'ip6'));
  if (key === 'iifname' || key === 'iif') return judgeZoneLink(value);
  if (key === 'oifname' || key === 'oif')
    return packet.to === 'zone' ? judgeZoneLink(value) : judgeUplink(value, packet);
  if (key === 'l4proto' && isIpv4) return value === 'ipv6-icmp' ? 'no' : 'unknown';
  return 'unknown';
}

function judgeUplink(name: string, { uplinks }: ZonePacket): Ternary {
  const isNamed = (link: string) => (name.endsWith('*') ? link.startsWith(name.slice(0, -1)) : link === name);
  const named = uplinks.filter(isNamed).length;
  if (named === 0) return uplinks.length > 0 || name === 'lo' || judgeZoneLink(name) !== 'no' ? 'no' : 'unknown';
  return named === uplinks.length ? 'yes' : 'unknown';
}

/** `yes` for `vif*` and wider, `unknown` for some zones' links only. */
function judgeZoneLink(name: string): Ternary {
  const isWildcard = name.endsWith('*');
  const prefix = isWildcard ? name.slice(0, -1) : name;
  if (isWildcard && 'vif'.startsWith(prefix)) return 'yes';
  return /^vif\d/.test(prefix) ? 'unknown' : 'no';
}

/** A connection that is just opened, and that nobody translates before it is routed. */
function judgeConnection(key: string, value: unknown): Ternary {
  if (key === 'state') return truth(value === 'new');
  if (key === 'status') return value === 'dnat' || value === 'snat' || value === 'seen-reply' ? 'no' : 'unknown';
  return 'unknown';
}

function judgeAddress(what: { protocol: string; field: string }, value: unknown, packet: ZonePacket): Ternary {
  const { subnet, to } = packet;
  const family = { ip: 'ipv4', ip6: 'ipv6' }[what.protocol];
  if (family === undefined) return 'unknown';
  if (family !== subnet.family) return 'no';
  const range = rangeOf(value);
  if (range === undefined) return 'unknown';
  if (what.field === 'saddr' || (what.field === 'daddr' && to === 'zone')) return judgeZoneAddress(range, subnet);
  if (what.field !== 'daddr') return 'unknown';
  const zones = rangeOfPrefix(subnet);
  if (zones.first <= range.first && range.last <= zones.last) return 'no';
  return isEverything(range, subnet) ? 'yes' : 'unknown';
}

function judgeZoneAddress({ first, last }: Range, subnet: Prefix): Ternary {
  const zones = rangeOfPrefix(subnet);
  if (first <= zones.first && zones.last <= last) return 'yes';
  return last < zones.first || zones.last < first ? 'no' : 'unknown';
}

interface Range {
  readonly first: bigint;
  readonly last: bigint;
}

function rangeOf(value: unknown): Range | undefined {
  const prefix = prefixSchema.safeParse(value);
  if (prefix.success) {
    const { addr, len } = prefix.data.prefix;
    const address = parseAddress(addr);
    if (address === undefined || len < 0) return undefined;
    const family = addr.includes(':') ? 'ipv6' : 'ipv4';
    return len > hostLength(family) ? undefined : rangeOfPrefix({ family, address, length: len, text: '' });
  }
  const range = rangeSchema.safeParse(value);
  const [first, last] = range.success ? range.data.range.map(parseAddress) : [parsed(value), parsed(value)];
  return first === undefined || last === undefined ? undefined : { first: toBigInt(first), last: toBigInt(last) };
}

function parsed(value: unknown): Address | undefined {
  return typeof value === 'string' ? parseAddress(value) : undefined;
}

function rangeOfPrefix(prefix: Prefix): Range {
  const size = 1n << BigInt(hostLength(prefix.family) - prefix.length);
  return { first: toBigInt(prefix.address), last: toBigInt(addressAt(prefix, size - 1n)) };
}

function isEverything({ first, last }: Range, { family }: Prefix): boolean {
  return first === 0n && last === (1n << BigInt(hostLength(family))) - 1n;
}

/** nft prints a set as `{"set": […]}` and a list of flags as a bare array. */
function listed(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value;
  const set = setSchema.safeParse(value);
  return set.success ? set.data.set : undefined;
}

function anyOf(each: readonly Ternary[]): Ternary {
  if (each.includes('yes')) return 'yes';
  return each.includes('unknown') ? 'unknown' : 'no';
}

function not(value: Ternary): Ternary {
  return value === 'unknown' ? value : truth(value === 'no');
}

function truth(value: boolean): Ternary {
  return value ? 'yes' : 'no';
}
