/** Routes of every type (RTM_*ROUTE, rtnetlink(7)). */
import { addressText } from './ip.ts';
import { addressFamily, messageFlag } from './protocol.ts';
import { Attributes, type Message, required } from './reader.ts';
import { familyNumber, type Request } from './socket.ts';
import type { Writer } from './writer.ts';

export const routeMessage = { new: 24, delete: 25, get: 26 } as const;

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
  source: 2,
  input: 3,
  device: 4,
  gateway: 5,
  priority: 6,
  multipath: 9,
  table: 15,
  mark: 16,
  via: 18,
  transport: 27,
  sourcePort: 28,
  destinationPort: 29,
} as const;
/** struct rtmsg: family, dst_len, src_len, tos, table, protocol, scope, type (u8 each), flags (u32). */
const headerSize = 12;
/** RTM_F_CLONED: an exception or a cached route, no entry of a table. */
const clonedFlag = 0x200;
/** RTNH_F_DEAD. */
const deadFlag = 1;
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
  /** Ifindex: none for a blackhole and a multipath route. */
  readonly device: number | undefined;
  /** Of a multipath route. */
  readonly hops: readonly Hop[] | undefined;
  /** Ifindices: none for a blackhole, several for a multipath route. */
  readonly devices: readonly number[];
  readonly isCached: boolean;
  /** Its link is down. */
  readonly isDead: boolean;
}

interface Hop {
  readonly device: number;
  readonly gateway: string | undefined;
}

export interface RouteChange {
  readonly type: 'unicast' | 'local' | 'blackhole' | 'unreachable' | 'prohibit' | 'throw';
  readonly destination: string;
  /** Of the destination's prefix; a host route's without it. */
  readonly length?: number;
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

export interface RouteQuestion {
  readonly destination: string;
  readonly source?: string | undefined;
  /** Ifindex of the link that the packet came by; without one it is the host's own. */
  readonly input?: number | undefined;
  readonly mark?: number;
  /** IPPROTO_* and ports, for which policy rules may ask. */
  readonly transport?: number | undefined;
  readonly sourcePort?: number | undefined;
  readonly destinationPort?: number | undefined;
}

/** Where the kernel would send a packet; refused (ENETUNREACH and others) where it would not. */
export function getRoute({ destination, source, input, mark = 0, ...flow }: RouteQuestion): Request {
  return {
    type: routeMessage.get,
    fill: (writer) => {
      const bytes = hostHeader(destination);
      if (source !== undefined) bytes[2] = bytes[1] ?? 0;
      writer.raw(bytes).address(attribute.destination, destination);
      if (source !== undefined) writer.address(attribute.source, source);
      if (input !== undefined) writer.u32(attribute.input, input);
      if (mark !== 0) writer.u32(attribute.mark, mark);
      if (flow.transport !== undefined) writer.u8(attribute.transport, flow.transport);
      if (flow.sourcePort !== undefined) writer.u16be(attribute.sourcePort, flow.sourcePort);
      if (flow.destinationPort !== undefined) writer.u16be(attribute.destinationPort, flow.destinationPort);
    },
  };
}

export function readRoute({ payload }: Message): RouteMessage | undefined {
  const values = new Attributes(payload, headerSize);
  const family = familyOfNumber(payload[0]);
  if (family === undefined) return undefined;
  const [length = 0, number = 0] = [payload[1], payload[7]];
  const destination = values.bytes(attribute.destination);
  const device = values.u32(attribute.device);
  const hops = hopsIn(values.bytes(attribute.multipath));
  const flags = payload.readUInt32LE(8);
  return {
    family,
    type: routeTypes[number] ?? `type ${number}`,
    destination: destination === undefined || length === 0 ? undefined : prefixText(destination, length),
    table: values.u32(attribute.table) ?? payload[4] ?? 0,
    protocol: payload[5] ?? 0,
    priority: values.u32(attribute.priority),
    gateway: gatewayOf(values),
    device,
    hops,
    devices: [device ?? [], hops?.map((hop) => hop.device) ?? []].flat(),
    isCached: (flags & clonedFlag) !== 0,
    isDead: (flags & deadFlag) !== 0,
  };
}

function fillRoute(writer: Writer, change: RouteChange, ipv4Scope: number): void {
  const { type, destination, length, table, protocol, device, priority } = change;
  const bytes = hostHeader(destination);
  if (length !== undefined) bytes[1] = length;
  bytes[4] = table < 256 ? table : 0;
  bytes[5] = protocol;
  bytes[6] = bytes[0] === addressFamily.ipv6 ? scope.universe : ipv4Scope;
  bytes[7] = routeTypes.indexOf(type);
  writer.raw(bytes).address(attribute.destination, destination).u32(attribute.table, table);
  if (device !== undefined) writer.u32(attribute.device, device);
  if (priority !== undefined) writer.u32(attribute.priority, priority);
}

/** A struct rtmsg for one address. */
function hostHeader(destination: string): Buffer {
  const bytes = Buffer.alloc(headerSize);
  bytes.set(destination.includes(':') ? [addressFamily.ipv6, 128] : [addressFamily.ipv4, 32]);
  return bytes;
}

function scopeOf(type: RouteChange['type']): number {
  if (type === 'local') return scope.host;
  return type === 'unicast' ? scope.link : scope.universe;
}

/** struct rtnexthop: len (u16), flags, hops (u8 each), ifindex (i32). */
function hopsIn(bytes: Buffer | undefined): Hop[] | undefined {
  if (bytes === undefined) return undefined;
  const found: Hop[] = [];
  for (let at = 0; bytes.length - at >= 8; ) {
    const size = Math.max(8, bytes.readUInt16LE(at));
    const gateway = gatewayOf(new Attributes(bytes.subarray(at, at + size), 8));
    found.push({ device: bytes.readInt32LE(at + 4), gateway });
    at += (size + 3) & ~3;
  }
  return found;
}

/** struct rtvia: family (u16), address. */
function gatewayOf(values: Attributes): string | undefined {
  const bytes = values.bytes(attribute.gateway) ?? values.bytes(attribute.via)?.subarray(2);
  return bytes === undefined ? undefined : addressText(bytes);
}

export function prefixText(bytes: Buffer, length: number): string {
  const text = addressText(bytes);
  return length === bytes.length * 8 ? text : `${text}/${length}`;
}

export function familyOfNumber(number: number | undefined): IpFamily | undefined {
  if (required(number, 'a header') === addressFamily.ipv4) return 'ipv4';
  return number === addressFamily.ipv6 ? 'ipv6' : undefined;
}
