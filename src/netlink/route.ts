/** Routes of every type, and policy rules (RTM_*ROUTE, RTM_*RULE; rtnetlink(7)). */
import { addressText } from './ip.ts';
import { addressFamily, messageFlag } from './protocol.ts';
import { Attributes, type Message, required } from './reader.ts';
import { familyNumber, type Request } from './socket.ts';
import type { Writer } from './writer.ts';

export const routeMessage = { new: 24, delete: 25, get: 26 } as const;
export const ruleMessage = { new: 32, delete: 33, get: 34 } as const;

/** RTN_*, include/uapi/linux/rtnetlink.h, by their numbers. */
export const routeTypes = [
  'unspecified',
  'unicast',
  'local',
  'broadcast',
  'anycast',
  'multicast',
  'blackhole',
  'unreachable',
  'prohibit',
  'throw',
  'nat',
  'xresolve',
] as const;
export type RouteType = (typeof routeTypes)[number];

/** RT_TABLE_*. */
export const routeTable = { main: 254, local: 255 } as const;

/** RTA_*. */
const attribute = {
  destination: 1,
  device: 4,
  gateway: 5,
  priority: 6,
  source: 7,
  multipath: 9,
  table: 15,
  via: 18,
} as const;
/** FRA_*. */
const ruleAttribute = {
  destination: 1,
  source: 2,
  input: 3,
  priority: 6,
  mark: 10,
  table: 15,
  mask: 16,
  output: 17,
} as const;

/** struct rtmsg: family, dst_len, src_len, tos, table, protocol, scope, type (u8 each), flags (u32). */
const headerSize = 12;
/** RTM_F_CLONED: an exception or a cached route, no entry of a table. */
const clonedFlag = 0x200;
/** RT_SCOPE_*. */
const scope = { universe: 0, link: 253, host: 254, nowhere: 255 } as const;

export type IpFamily = 'ipv4' | 'ipv6';

export interface RouteMessage {
  readonly family: IpFamily;
  readonly type: RouteType | `type ${number}`;
  /** A bare address for a host route, `address/length` otherwise, undefined for a default route. */
  readonly destination: string | undefined;
  readonly table: number;
  /** RTPROT_*, or whatever number its maker chose. */
  readonly protocol: number;
  readonly priority: number | undefined;
  readonly gateway: string | undefined;
  readonly preferredSource: string | undefined;
  /** Ifindices: none for a blackhole, several for a multipath route. */
  readonly devices: readonly number[];
  readonly isCached: boolean;
}

export interface RouteChange {
  readonly type: 'unicast' | 'local' | 'blackhole' | 'unreachable' | 'prohibit' | 'throw';
  /** A host route's. */
  readonly destination: string;
  readonly table: number;
  readonly protocol: number;
  readonly device?: number;
  readonly priority?: number;
}

/** `append` stands behind, `prepend` ahead of a route to the same place; `exclusive` is refused beside one (EEXIST). */
export function addRoute(change: RouteChange, how: 'exclusive' | 'append' | 'prepend'): Request {
  const flags = { exclusive: messageFlag.exclusive, append: messageFlag.append, prepend: 0 } as const;
  return {
    type: routeMessage.new,
    flags: messageFlag.create | flags[how],
    fill: (writer) => fillRoute(writer, change, scopeOf(change.type)),
  };
}

/** Refused (ESRCH) where no route has all that `change` says. */
export function deleteRoute(change: RouteChange): Request {
  return { type: routeMessage.delete, fill: (writer) => fillRoute(writer, change, scope.nowhere) };
}

export interface RouteFilter {
  readonly table?: number;
  readonly protocol?: number;
  readonly device?: number;
}

/** Narrowed by the kernel; a device that is gone is refused (ENODEV), a table that is not there too (ENOENT). */
export function listRoutes(family: IpFamily, { table, protocol = 0, device }: RouteFilter): Request {
  return {
    type: routeMessage.get,
    fill: (writer) => {
      const bytes = Buffer.alloc(headerSize);
      bytes[0] = familyNumber(family);
      bytes[5] = protocol;
      writer.raw(bytes);
      if (table !== undefined) writer.u32(attribute.table, table);
      if (device !== undefined) writer.u32(attribute.device, device);
    },
  };
}

/** Where the kernel would send a packet of this host's to `destination`; refused (ENETUNREACH and others) where it would not. */
export function getRoute(destination: string): Request {
  const isIpv6 = destination.includes(':');
  const bytes = Buffer.alloc(headerSize);
  bytes[0] = isIpv6 ? addressFamily.ipv6 : addressFamily.ipv4;
  bytes[1] = isIpv6 ? 128 : 32;
  return {
    type: routeMessage.get,
    fill: (writer) => void writer.raw(bytes).address(attribute.destination, destination),
  };
}

export function readRoute({ payload }: Message): RouteMessage | undefined {
  const values = new Attributes(payload, headerSize);
  const family = familyOfNumber(payload[0]);
  if (family === undefined) return undefined;
  const [length = 0, number = 0] = [payload[1], payload[7]];
  const destination = values.bytes(attribute.destination);
  const device = values.u32(attribute.device);
  return {
    family,
    type: routeTypes[number] ?? `type ${number}`,
    destination: destination === undefined || length === 0 ? undefined : prefixText(destination, length),
    table: values.u32(attribute.table) ?? payload[4] ?? 0,
    protocol: payload[5] ?? 0,
    priority: values.u32(attribute.priority),
    gateway: optionalAddress(values.bytes(attribute.gateway)),
    preferredSource: optionalAddress(values.bytes(attribute.source)),
    devices: [...(device === undefined ? [] : [device]), ...hops(values.bytes(attribute.multipath))],
    isCached: (payload.readUInt32LE(8) & clonedFlag) !== 0,
  };
}

export interface RuleMessage {
  readonly family: IpFamily;
  readonly priority: number;
  readonly table: number;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly input: string | undefined;
  readonly output: string | undefined;
  readonly mark: { readonly value: number; readonly mask: number } | undefined;
  /** FR_ACT_*: 1 looks the table up, 7 is unreachable, 8 prohibit, 6 blackhole. */
  readonly action: number;
  readonly isInverted: boolean;
}

export function listRules(family: IpFamily): Request {
  const bytes = Buffer.alloc(headerSize);
  bytes[0] = familyNumber(family);
  return { type: ruleMessage.get, fill: (writer) => writer.raw(bytes) };
}

export function readRule({ payload }: Message): RuleMessage | undefined {
  const values = new Attributes(payload, headerSize);
  const family = familyOfNumber(payload[0]);
  if (family === undefined) return undefined;
  const side = (type: number, length = 0) => {
    const bytes = values.bytes(type);
    return bytes === undefined ? undefined : prefixText(bytes, length);
  };
  const mark = values.u32(ruleAttribute.mark);
  return {
    family,
    priority: values.u32(ruleAttribute.priority) ?? 0,
    table: values.u32(ruleAttribute.table) ?? payload[4] ?? 0,
    from: side(ruleAttribute.source, payload[2]),
    to: side(ruleAttribute.destination, payload[1]),
    input: values.text(ruleAttribute.input),
    output: values.text(ruleAttribute.output),
    mark: mark === undefined ? undefined : { value: mark, mask: values.u32(ruleAttribute.mask) ?? 0xffffffff },
    action: payload[7] ?? 0,
    // FIB_RULE_INVERT.
    isInverted: (payload.readUInt32LE(8) & 2) !== 0,
  };
}

function fillRoute(writer: Writer, change: RouteChange, ipv4Scope: number): void {
  const { type, destination, table, protocol, device, priority } = change;
  const isIpv6 = destination.includes(':');
  const bytes = Buffer.alloc(headerSize);
  bytes[0] = isIpv6 ? addressFamily.ipv6 : addressFamily.ipv4;
  bytes[1] = isIpv6 ? 128 : 32;
  bytes[4] = table < 256 ? table : 0;
  bytes[5] = protocol;
  bytes[6] = isIpv6 ? scope.universe : ipv4Scope;
  bytes[7] = routeTypes.indexOf(type);
  writer.raw(bytes).address(attribute.destination, destination).u32(attribute.table, table);
  if (device !== undefined) writer.u32(attribute.device, device);
  if (priority !== undefined) writer.u32(attribute.priority, priority);
}

function scopeOf(type: RouteChange['type']): number {
  if (type === 'local') return scope.host;
  return type === 'unicast' ? scope.link : scope.universe;
}

/** struct rtnexthop: len (u16), flags, hops (u8 each), ifindex (i32). */
function hops(bytes: Buffer | undefined): number[] {
  const found: number[] = [];
  for (let at = 0; bytes !== undefined && bytes.length - at >= 8; ) {
    const size = bytes.readUInt16LE(at);
    found.push(bytes.readInt32LE(at + 4));
    if (size < 8) break;
    at += (size + 3) & ~3;
  }
  return found;
}

function prefixText(bytes: Buffer, length: number): string {
  const text = addressText(bytes);
  return length === bytes.length * 8 ? text : `${text}/${length}`;
}

function optionalAddress(bytes: Buffer | undefined): string | undefined {
  return bytes === undefined ? undefined : addressText(bytes);
}

export function familyOfNumber(number: number | undefined): IpFamily | undefined {
  if (required(number, 'a header') === addressFamily.ipv4) return 'ipv4';
  return number === addressFamily.ipv6 ? 'ipv6' : undefined;
}
