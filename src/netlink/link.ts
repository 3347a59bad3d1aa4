/** Network links, and the settings of theirs that the kernel tells with them (RTM_*LINK, rtnetlink(7)). */

import { addressFamily } from './protocol.ts';
import { Attributes, type Message, required } from './reader.ts';
import type { Request } from './socket.ts';

export const linkType = { new: 16, delete: 17, get: 18 } as const;

/** IFLA_*, include/uapi/linux/if_link.h. */
const attribute = {
  name: 3,
  mtu: 4,
  lower: 5,
  master: 10,
  info: 18,
  families: 26,
  group: 27,
  extendedMask: 29,
  lowerNamespace: 37,
  xdp: 43,
  properties: 52,
  parentDevice: 56,
  parentBus: 57,
} as const;
/** IFLA_INFO_KIND, IFLA_INET_CONF, IFLA_INET6_CONF, IFLA_XDP_PROG_ID, IFLA_ALT_IFNAME. */
const nested = { kind: 1, ipv4Settings: 1, ipv6Settings: 2, program: 4, alternative: 53 } as const;
/** IFF_UP; IFF_RUNNING and IFF_LOWER_UP, which are the kernel's to set. */
const iffUp = 1;
const carrier = 0x10040;
/** RTEXT_FILTER_SKIP_STATS. */
const skipStatistics = 8;

/** struct ifinfomsg: family, pad, type (u16), index (i32), flags (u32), change (u32). */
const headerSize = 16;

export interface LinkMessage {
  readonly ifindex: number;
  readonly name: string;
  /** Set by whoever manages the link (IFF_UP). */
  readonly isUp: boolean;
  readonly hasCarrier: boolean;
  /** ARPHRD_*: 1 is Ethernet. */
  readonly hardware: number;
  readonly group: number;
  readonly mtu: number;
  /** Ifindex of the bridge, bond or VRF that the link is a port of. */
  readonly master: number | undefined;
  /** Ifindex of the link below (a VLAN's or macvlan's) or of the other end (a veth's), in `lowerNamespace` where that is told. */
  readonly lower: number | undefined;
  /** An id of another network namespace, as ours names it (RTM_GETNSID). */
  readonly lowerNamespace: number | undefined;
  /** `veth`, `bridge`, `vlan` …; undefined for a device of a driver. */
  readonly kind: string | undefined;
  /** The device it belongs to, e.g. `vif-7-0`, and its bus, e.g. `xen-backend`. */
  readonly device: string | undefined;
  readonly bus: string | undefined;
  /** The number of the XDP program at the link. */
  readonly xdp: number | undefined;
  /** Further names, as udev gives them. */
  readonly alternatives: readonly string[];
  /** By the name of the sysctl under net/ipv4/conf/LINK; undefined where the kernel did not tell. */
  readonly ipv4: LinkSettings | undefined;
  readonly ipv6: LinkSettings | undefined;
}

export type LinkSettings = (sysctl: string) => number | undefined;

/** Places in the arrays of settings: IPV4_DEVCONF_* − 1 of include/uapi/linux/ip.h, DEVCONF_* of ipv6.h. */
const ipv4Places: Readonly<Record<string, number>> = {
  forwarding: 0,
  proxy_arp: 2,
  accept_redirects: 3,
  secure_redirects: 4,
  send_redirects: 5,
  rp_filter: 7,
  accept_source_route: 8,
  arp_ignore: 18,
  route_localnet: 25,
};
const ipv6Places: Readonly<Record<string, number>> = {
  forwarding: 0,
  accept_ra: 3,
  accept_redirects: 4,
  autoconf: 5,
  proxy_ndp: 22,
  accept_source_route: 24,
  disable_ipv6: 26,
  accept_dad: 27,
};

/** `ifindex` and `up` change a link; both are names for the same RTM_NEWLINK. */
export function setLinkUp(ifindex: number): Request {
  return { type: linkType.new, fill: (writer) => writer.raw(header(ifindex, iffUp, iffUp)) };
}

export function listLinks(): Request {
  return getLink(0);
}

export function getLink(ifindex: number): Request {
  return {
    type: linkType.get,
    fill: (writer) => writer.raw(header(ifindex, 0, 0)).u32(attribute.extendedMask, skipStatistics),
  };
}

/**
 * Undefined for what another family tells of a link: a port that leaves its bridge is "deleted" in the bridge's, and there all the
 * same. Throws `GarbledMessage`.
 */
export function readLink({ payload }: Message): LinkMessage | undefined {
  const values = new Attributes(payload, headerSize);
  if (payload[0] !== addressFamily.unspecified) return undefined;
  const families = values.nested(attribute.families);
  const flags = payload.readUInt32LE(8);
  return {
    ifindex: payload.readInt32LE(4),
    name: required(values.text(attribute.name), 'a name of its link'),
    isUp: (flags & iffUp) !== 0,
    hasCarrier: (flags & carrier) === carrier,
    hardware: payload.readUInt16LE(2),
    group: values.u32(attribute.group) ?? 0,
    mtu: values.u32(attribute.mtu) ?? 0,
    master: values.u32(attribute.master),
    lower: values.u32(attribute.lower),
    lowerNamespace: values.i32(attribute.lowerNamespace),
    kind: values.nested(attribute.info)?.text(nested.kind),
    device: values.text(attribute.parentDevice),
    bus: values.text(attribute.parentBus),
    xdp: values.nested(attribute.xdp)?.u32(nested.program),
    alternatives: values.nested(attribute.properties)?.texts(nested.alternative) ?? [],
    ipv4: settings(families?.nested(addressFamily.ipv4)?.bytes(nested.ipv4Settings), ipv4Places),
    ipv6: settings(families?.nested(addressFamily.ipv6)?.bytes(nested.ipv6Settings), ipv6Places),
  };
}

function settings(array: Buffer | undefined, places: Readonly<Record<string, number>>): LinkSettings | undefined {
  if (array === undefined) return undefined;
  // The message stands in a buffer that is used again.
  const values = Buffer.from(array);
  return (sysctl) => {
    const at = (places[sysctl] ?? Number.POSITIVE_INFINITY) * 4;
    return at + 4 <= values.length ? values.readInt32LE(at) : undefined;
  };
}

function header(ifindex: number, flags: number, change: number): Buffer {
  const bytes = Buffer.alloc(headerSize);
  bytes.writeInt32LE(ifindex, 4);
  bytes.writeUInt32LE(flags, 8);
  bytes.writeUInt32LE(change, 12);
  return bytes;
}
