/** Neighbour proxies and neighbours, addresses of links, and the settings that have messages of their own (netconf). */
import { addressText } from './ip.ts';
import { addressFamily, messageFlag } from './protocol.ts';
import { Attributes, type Message } from './reader.ts';
import { familyOfNumber, type IpFamily } from './route.ts';
import { familyNumber, type Request } from './socket.ts';

const neighbourMessage = { new: 28, delete: 29, get: 30 } as const;
/** RTM_*NEIGHTBL. */
const tableMessage = { get: 66 } as const;
export const addressMessage = { new: 20, delete: 21, get: 22 } as const;
export const netconfMessage = { new: 80, delete: 81, get: 82 } as const;

/** NDA_*. */
const attribute = { address: 1, linkLayer: 2, device: 8, protocol: 12 } as const;
/** struct ndmsg: family, pad (3), ifindex (i32), state (u16), flags, type. */
const headerSize = 12;
/** An entry without it goes with the carrier. */
const nudPermanent = 0x80;
const ntfProxy = 0x08;

export interface NeighbourMessage {
  readonly family: IpFamily;
  readonly ifindex: number;
  readonly address: string | undefined;
  readonly isProxy: boolean;
  /** NUD_*; says nothing for a proxy. */
  readonly state: number;
  readonly protocol: number | undefined;
}

export interface ProxyChange {
  readonly ifindex: number;
  readonly address: string;
  readonly protocol: number;
}

/** The host answers for `address` on that link. One that is there gets our protocol number. */
export function addProxy({ ifindex, address, protocol }: ProxyChange): Request {
  return {
    type: neighbourMessage.new,
    flags: messageFlag.create | messageFlag.replace,
    fill: (writer) => {
      writer.raw(header(address, ifindex)).address(attribute.address, address).u8(attribute.protocol, protocol);
    },
  };
}

export function deleteProxy({ ifindex, address }: Omit<ProxyChange, 'protocol'>): Request {
  return {
    type: neighbourMessage.delete,
    fill: (writer) => writer.raw(header(address, ifindex)).address(attribute.address, address),
  };
}

/** Neighbour proxies, or the neighbours that were resolved. */
export function listNeighbours(family: IpFamily, what: 'proxies' | 'resolved', device?: number): Request {
  return {
    type: neighbourMessage.get,
    fill: (writer) => {
      const bytes = Buffer.alloc(headerSize);
      bytes[0] = familyNumber(family);
      if (what === 'proxies') bytes[10] = ntfProxy;
      writer.raw(bytes);
      if (device !== undefined) writer.u32(attribute.device, device);
    },
  };
}

export function readNeighbour({ payload }: Message): NeighbourMessage | undefined {
  const values = new Attributes(payload, headerSize);
  const family = familyOfNumber(payload[0]);
  const address = values.bytes(attribute.address);
  if (family === undefined) return undefined;
  return {
    family,
    ifindex: payload.readInt32LE(4),
    address: address === undefined ? undefined : addressText(address),
    isProxy: ((payload[10] ?? 0) & ntfProxy) !== 0,
    state: payload.readUInt16LE(8),
    protocol: values.u8(attribute.protocol),
  };
}

/** A link's part of a neighbour table. */
export interface NeighbourSettings {
  readonly family: IpFamily;
  readonly ifindex: number;
  /** Of the sysctl `proxy_delay`, which has hundredths of a second. */
  readonly proxyDelayMs: number;
}

export function listNeighbourSettings(family: IpFamily): Request {
  return { type: tableMessage.get, fill: (writer) => writer.raw(Buffer.from([familyNumber(family), 0, 0, 0])) };
}

/** Undefined for the table itself. NDTA_PARMS is 6; NDTPA_IFINDEX 1, NDTPA_PROXY_DELAY 13. */
export function readNeighbourSettings({ payload }: Message): NeighbourSettings | undefined {
  const family = familyOfNumber(payload[0]);
  const values = new Attributes(payload, 4).nested(6);
  const [ifindex, proxyDelayMs] = [values?.u32(1), values?.u64(13)];
  if (family === undefined || ifindex === undefined || proxyDelayMs === undefined) return undefined;
  return { family, ifindex, proxyDelayMs: Number(proxyDelayMs) };
}

function header(address: string, ifindex: number): Buffer {
  const bytes = Buffer.alloc(headerSize);
  bytes[0] = address.includes(':') ? addressFamily.ipv6 : addressFamily.ipv4;
  bytes.writeInt32LE(ifindex, 4);
  bytes.writeUInt16LE(nudPermanent, 8);
  bytes[10] = ntfProxy;
  return bytes;
}

export interface AddressMessage {
  readonly family: IpFamily;
  readonly ifindex: number;
  readonly address: string | undefined;
  readonly length: number;
  /** RT_SCOPE_*. */
  readonly scope: number;
  /** IFA_F_*. */
  readonly flags: number;
}

export function listAddresses(family: IpFamily): Request {
  return {
    type: addressMessage.get,
    fill: (writer) => writer.raw(Buffer.from([familyNumber(family), ...Array(7).fill(0)])),
  };
}

/** struct ifaddrmsg: family, prefixlen, flags, scope, index (u32). IFA_ADDRESS is 1, IFA_LOCAL 2, IFA_FLAGS 8. */
export function readAddress({ payload }: Message): AddressMessage | undefined {
  const values = new Attributes(payload, 8);
  const family = familyOfNumber(payload[0]);
  const address = values.bytes(2) ?? values.bytes(1);
  if (family === undefined) return undefined;
  return {
    family,
    ifindex: payload.readInt32LE(4),
    address: address === undefined ? undefined : addressText(address),
    length: payload[1] ?? 0,
    scope: payload[3] ?? 0,
    flags: values.u32(8) ?? payload[2] ?? 0,
  };
}

/** Settings of a link, of `all` or of `default`; one that is undefined was not mentioned. */
export interface NetconfMessage {
  readonly family: IpFamily;
  readonly ifindex: number | 'all' | 'default';
  readonly forwarding: number | undefined;
  readonly reversePathFilter: number | undefined;
  readonly proxiesNeighbours: number | undefined;
}

/** struct netconfmsg: family, padded to 4. NETCONFA_*. */
export function readNetconf({ payload }: Message): NetconfMessage | undefined {
  const values = new Attributes(payload, 4);
  const family = familyOfNumber(payload[0]);
  const ifindex = values.i32(1);
  if (family === undefined || ifindex === undefined) return undefined;
  return {
    family,
    ifindex: ifindex === -1 ? 'all' : ifindex === -2 ? 'default' : ifindex,
    forwarding: values.i32(2),
    reversePathFilter: values.i32(3),
    proxiesNeighbours: values.i32(5),
  };
}
