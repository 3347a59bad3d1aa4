/**
 * The host as the rest of the program sees it: everything that reads or changes the kernel goes through this port.
 * `src/host` implements it on a real kernel, `test/fake` as a strict little kernel; one contract suite holds both.
 *
 * Rules of the port: verbs are idempotent (present-on-add and absent-on-delete succeed and say so), a link that
 * vanished in the middle is an expected outcome with its own code, and nothing here knows what is desired.
 */
import type { Address, Family, Prefix } from '../model/address.ts';
import type { ProtectNetworkError } from '../model/errors.ts';
import type { BegunConnection, Conntrack, Fill } from './conntrack-port.ts';
import type { NftCommand, NftFamily, NftObject, SetRef } from './nft-command.ts';
import type { Shaper } from './shaper-port.ts';
import type { Sysctl, SysctlPath } from './sysctl-port.ts';

export interface Host {
  readonly rtnetlink: Rtnetlink;
  readonly nft: Nft;
  readonly sysctl: Sysctl;
  readonly conntrack: Conntrack;
  /** iptables-legacy's filter table of a family, which nft does not see and which announces no change. */
  legacyFilter(family: Family): Promise<LegacyFilter>;
  /** Starts the event stream. Resolves once the kernel has subscribed us, so that a listing made afterwards misses nothing. */
  watch(listener: (event: HostEvent) => void): Promise<void>;
  /** Ends the event stream and gives back what the kernel lent. The host's state stays as it is. */
  close(): Promise<void>;
}

/** A network link as the kernel describes it. `name` is unparsed: most links are not ours. */
export interface Link extends LinkTies {
  readonly ifindex: number;
  readonly name: string;
  readonly up: boolean;
  /** Of one that is up: whether the other end is up as well. Undefined where the kernel does not tell. */
  readonly carrier?: boolean | undefined;
  /** Of the device that it belongs to, e.g. `pci`, `virtio`, or `xen-backend` for a guest's. Not told before Linux 5.14. */
  readonly bus?: string | undefined;
  /** That device's name, e.g. `vif-7-0`; told where its bus is. */
  readonly device?: string | undefined;
  readonly settings?: LinkSettings;
}

/**
 * A link's sysctls, as they were when the kernel told of the link; undefined for those that it does not tell, as all of
 * `neigh` where the link was not listed with all others.
 */
export type LinkSettings = (place: Pick<SysctlPath, 'family' | 'group' | 'key'>) => string | undefined;

/** What binds a link to others of this network namespace, all by name. */
export interface LinkTies {
  /** The bridge, bond or VRF that it is a member of. */
  readonly master?: string | undefined;
  /** The link that it stands on (`vlan100` on `eth0`), or a veth's peer. */
  readonly lower?: string | undefined;
  /** rtnetlink's word: `bridge`, `vrf`, `macvlan`, `veth` … Undefined where it has none. */
  readonly kind?: string | undefined;
}

export type RouteType = 'unicast' | 'local' | 'unreachable' | 'other';

export interface Route {
  readonly family: Family;
  /** Bare address for a host route, `address/length` or `default` otherwise, in the kernel's spelling. */
  readonly destination: string;
  readonly type: RouteType;
  /** `main`, `local` or a table number. */
  readonly table: string;
  /** Undefined for routes without a device (blackhole) or with several (multipath). */
  readonly device: string | undefined;
  /** Protocol number or name as iproute2 prints it: ours is `75`. */
  readonly protocol: string;
}

/** A default route: how zones' traffic leaves. `protocol` is `ra` where a router advertisement made it. */
export interface DefaultRoute {
  readonly family: Family;
  readonly device: string;
  readonly protocol: string;
}

/** Only ours: the kernel keeps a protocol number with each entry. */
export interface NeighbourProxy {
  readonly address: Address;
  readonly ifindex: number;
}

/** A change to links, routes, neighbour proxies or shapers. Links are addressed by ifindex: a name may already be somebody else. */
export type RtnetlinkChange =
  | { readonly kind: 'link-up'; readonly ifindex: number }
  | { readonly kind: 'route-del'; readonly ifindex: number; readonly address: Address }
  /** `insist`: a route of somebody else's to the same place stays, and ours stands ahead of it; else it is in the way. */
  | { readonly kind: 'route-add'; readonly ifindex: number; readonly address: Address; readonly insist?: true }
  /** A `local` host route by `lo`: the host answers for `address` without owning it on a link. */
  | { readonly kind: 'local-add' | 'local-del'; readonly address: Address }
  | { readonly kind: 'proxy-add' | 'proxy-del'; readonly ifindex: number; readonly address: Address }
  /** What is sent by the link is shaped to so much, instead of what ours was before. Somebody else's shaper is in the way: `exists`. */
  | { readonly kind: 'shaper-set'; readonly ifindex: number; readonly bitsPerSecond: number }
  | { readonly kind: 'shaper-del'; readonly ifindex: number }
  /** What has no better route within the prefix is unreachable: nothing for it leaves this host by a route that is more general. */
  | { readonly kind: 'block-add' | 'block-del'; readonly prefix: Prefix };

/** What came of one change: done, already so, or an error with code vanished, exists or refused. */
export type RtnetlinkResult = { readonly ok: true } | { readonly ok: false; readonly error: ProtectNetworkError };

export interface Rtnetlink {
  links(): Promise<Link[]>;
  /** Every route of our protocol number; `device` narrows it to one link, whose name is then left out. */
  routes(family: Family, device?: { readonly ifindex: number }): Promise<Route[]>;
  defaultRoutes(): Promise<DefaultRoute[]>;
  /** By which links traffic to the outside leaves, whatever table says so. */
  waysOut(): Promise<Pick<DefaultRoute, 'family' | 'device'>[]>;
  /**
   * Unicast routes of the main table to single addresses within the prefixes, that somebody else has set: not what whoever is on
   * a LAN can have the kernel or a DHCP client set. `devices`: several of a multipath route.
   */
  foreignRoutes(
    within: readonly Prefix[],
  ): Promise<{ readonly address: Address; readonly devices: readonly string[] }[]>;
  /** True where the kernel takes what is sent to `address` as its own: one on a link, or a `local` route of anybody's. */
  isOwn(address: Address): Promise<boolean>;
  proxies(device?: { readonly ifindex: number }): Promise<NeighbourProxy[]>;
  /** Of every link that has one, by ifindex. */
  shapers(): Promise<Map<number, Shaper>>;
  /** Applies in order; a failed change does not stop those after it. Results in the same order. */
  apply(changes: readonly RtnetlinkChange[]): Promise<RtnetlinkResult[]>;
}

export type { BegunConnection, Conntrack, Fill, NftCommand, NftFamily, NftObject, Shaper, Sysctl, SysctlPath };

/** What an element of a set has counted since it was made. */
export interface ElementCounter {
  /** The first part of the element's key. */
  readonly link: string;
  readonly packets: number;
  readonly bytes: number;
}

export interface ForwardChain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly prio: number;
  readonly policy: string;
}

/** An element that lasts for a while; keys as `ElementsCommand` has them. */
export interface Lease {
  readonly key: string;
  /** From now on; in milliseconds at the finest, and the kernel rounds down to 4 of them. */
  readonly seconds: number;
  /** Of at most 253 bytes. */
  readonly comment: string;
}

export interface Nft {
  /**
   * Applies all commands in one transaction or none of them. Throws `refused` where one of them was, and `timeout` or
   * `helper-died` where nobody knows. Resolves to the handles of the links' rules that were added, in their order, where
   * nothing of the layout is in it; to none otherwise: nft would read the whole ruleset to tell them (98 ms instead of 2
   * with 1000 zones).
   */
  transact(commands: readonly NftCommand[]): Promise<readonly number[]>;
  /** Why the commands would be refused, in nft's words; undefined where they would be taken. Changes nothing. */
  refusalOf(commands: readonly NftCommand[]): Promise<string | undefined>;
  /** Of a set whose elements begin with a link; none where there is no such set. */
  counters(set: SetRef): Promise<ElementCounter[]>;
  /** From now on each lasts as it says, whatever was there: all of them or none. Throws `refused`, as where the set is full. */
  lease(set: SetRef, leases: readonly Lease[]): Promise<void>;
  /** None of them is there any more. */
  release(set: SetRef, keys: readonly string[]): Promise<void>;
  /** What is there, of a set whose keys have parts of these types; none where there is no such set. */
  leases(set: SetRef, type: readonly string[]): Promise<Lease[]>;
  /** Another number after each transaction of anybody's that changed something. */
  generation(): Promise<number>;
  tables(): Promise<{ family: string; name: string }[]>;
  /** Every base chain on the forward hook, whoever's it is. */
  forwardChains(): Promise<ForwardChain[]>;
  /** The table's objects with the elements of sets of links and addresses, or undefined where there is no such table. */
  table(family: NftFamily, name: string): Promise<NftObject[] | undefined>;
  /** The same without the elements of named sets, of which others may have many. */
  rules(family: NftFamily, name: string): Promise<NftObject[] | undefined>;
}

/** `lines` as iptables-save writes them; `unreadable`: the table is there, and `reason` says why nobody knows what is in it. */
export type LegacyFilter =
  | { readonly kind: 'none' }
  | { readonly kind: 'rules'; readonly lines: readonly string[] }
  | { readonly kind: 'unreadable'; readonly reason: string };

/** Who made a change, where the kernel says so. */
export interface Culprit {
  readonly pid: number;
  readonly process: string;
  /** Who started it, where that could still be seen: `nft` and `iptables` are somebody's hands. */
  readonly parent?: { readonly pid: number; readonly process: string } | undefined;
}

/** Stands for a table that was changed without its name being told: it may be any. */
export const unnamedTable = '?';

/** `table`: `family name`. */
export type NftRemoval = { readonly table: string } & (
  | { readonly kind: 'rule'; readonly chain: string; readonly handle: number }
  | {
      readonly kind: 'element';
      readonly set: string;
      /** As `ElementsCommand` has keys, by nft's names for the types of its parts; undefined for one that we could not have written. */
      readonly key: (types: readonly string[]) => string | undefined;
    }
);

export type HostEvent =
  | { readonly kind: 'link'; readonly link: Link; readonly deleted: boolean }
  | {
      readonly kind: 'route';
      readonly family: Family;
      readonly destination: string;
      readonly device: string | undefined;
      readonly protocol: string | undefined;
      readonly deleted: boolean;
    }
  /** `shaper`: what is at the root of the link now, undefined where nobody has put anything there. */
  | { readonly kind: 'shaper'; readonly ifindex: number; readonly shaper: Shaper | undefined }
  /** An address on a link: with the last one the kernel takes the link's IPv4 routes without a word. */
  | { readonly kind: 'address'; readonly ifindex: number; readonly deleted: boolean }
  /** Settings of a link, or of `all`. A field the kernel did not mention is undefined. */
  | {
      readonly kind: 'netconf';
      readonly family: Family;
      readonly link: string;
      readonly forwarding: boolean | undefined;
      readonly strictReversePath: boolean | undefined;
      readonly proxiesNeighbours: boolean | undefined;
    }
  /**
   * Somebody else's nft transaction; `tables` holds `family name` of the tables it touched, and perhaps `unnamedTable`. `removals`: all
   * that it did, where it only took rules and elements away, and not too many.
   */
  | {
      readonly kind: 'nft';
      readonly tables: ReadonlySet<string>;
      readonly culprit: Culprit | undefined;
      readonly removals?: readonly NftRemoval[] | undefined;
    }
  /** A sysctl of a followed link was written by somebody else. */
  | { readonly kind: 'sysctl'; readonly link: string; readonly name: string }
  /** A packet that a rule in `table` (`family name`) chose to be told of; the addresses as the packet has them. */
  | {
      readonly kind: 'traced';
      readonly table: string;
      readonly chain: string;
      readonly link: string;
      readonly source: string;
      readonly destination: string;
      /** Undefined of others, and behind IPv6's extension headers. */
      readonly transport?: 'tcp' | 'udp' | 'icmp' | undefined;
      readonly port?: number | undefined;
    }
  /** Events may be missing from here on: re-read everything. */
  | { readonly kind: 'lost'; readonly reason: string };

export interface JournalQuery {
  readonly units: readonly string[];
  /** `FIELD=value`, one of which an entry has to have. */
  readonly anyOf?: readonly string[] | undefined;
  /** As journalctl(1) understands it: `-1h`, `today`, `2026-03-01 12:00`. */
  readonly since?: string | undefined;
  /** At most so many of the youngest. */
  readonly lines?: number | undefined;
  /** Only what came after that entry. */
  readonly after?: string | undefined;
  /** Goes on with what comes, until the reader stops. */
  readonly follow?: boolean | undefined;
}

export interface Journal {
  /** False where there is no journalctl, or it has nothing to read: the host logs elsewhere. */
  readonly isKept: boolean;
  /** Entries in the order of time, each a line of JSON. Throws `refused` with journalctl's words. */
  read(query: JournalQuery): AsyncIterable<string>;
}
