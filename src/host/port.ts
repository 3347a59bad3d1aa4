/**
 * The host as the rest of the program sees it: everything that reads or changes the kernel goes through this port.
 * `src/host` implements it on a real kernel, `test/fake` as a strict little kernel; one contract suite holds both.
 *
 * Rules of the port: verbs are idempotent (present-on-add and absent-on-delete succeed and say so), a link that
 * vanished in the middle is an expected outcome with its own code, and nothing here knows what is desired.
 */
import type { Address, Family } from '../model/address.ts';
import type { ProtectNetworkError } from '../model/errors.ts';
import type { LinkName } from '../model/link-name.ts';

export interface Host {
  readonly rtnetlink: Rtnetlink;
  readonly nft: Nft;
  readonly sysctl: Sysctl;
  readonly conntrack: Conntrack;
  /** iptables-legacy's filter table of a family, which nft does not see and which announces no change. */
  legacyFilter(family: Family): Promise<LegacyFilter>;
  /** Starts the event stream. Resolves once the kernel has subscribed us, so that a listing made afterwards misses nothing. */
  watch(listener: (event: HostEvent) => void): Promise<void>;
  /** Ends every helper process. The host's state stays as it is. */
  close(): Promise<void>;
}

/** A network link as the kernel describes it. `name` is unparsed: most links are not ours. */
export interface Link {
  readonly ifindex: number;
  readonly name: string;
  readonly up: boolean;
}

export type RouteType = 'unicast' | 'local' | 'other';

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

/** Only ours: the kernel keeps a protocol number with each entry. `device` is empty where the listing was narrowed to one. */
export interface NeighbourProxy {
  readonly address: Address;
  readonly device: string;
}

/** A change to links, routes or neighbour proxies. Links are addressed by ifindex: a name may already be somebody else. */
export type RtnetlinkChange =
  | { readonly kind: 'link-up'; readonly ifindex: number }
  | { readonly kind: 'route-del'; readonly ifindex: number; readonly address: Address }
  /** `insist`: a route of somebody else's to the same place stays, and ours stands ahead of it; else it is in the way. */
  | { readonly kind: 'route-add'; readonly ifindex: number; readonly address: Address; readonly insist?: true }
  /** A `local` host route by `lo`: the host answers for `address` without owning it on a link. */
  | { readonly kind: 'local-add' | 'local-del'; readonly address: Address }
  | { readonly kind: 'proxy-add' | 'proxy-del'; readonly ifindex: number; readonly address: Address };

/** What came of one change: done, already so, or an error with code vanished, exists or refused. */
export type RtnetlinkResult = { readonly ok: true } | { readonly ok: false; readonly error: ProtectNetworkError };

export interface Rtnetlink {
  links(): Promise<Link[]>;
  /** Every route of our protocol number; `device` narrows it to one link, whose name is then left out. */
  routes(family: Family, device?: { readonly ifindex: number }): Promise<Route[]>;
  defaultRoutes(): Promise<DefaultRoute[]>;
  proxies(device?: { readonly ifindex: number }): Promise<NeighbourProxy[]>;
  /** Applies in order; a failed change does not stop those after it. Results in the same order. */
  apply(changes: readonly RtnetlinkChange[]): Promise<RtnetlinkResult[]>;
}

export type NftFamily = 'ip' | 'ip6' | 'inet';

/** One object of nft's JSON (libnftables-json(5)), e.g. `{"rule": {...}}`. Foreign ones may hold anything. */
export type NftObject = Readonly<Record<string, unknown>>;

/** One command of nft's JSON, e.g. `{"add": {"rule": {...}}}`. */
export type NftCommand = Readonly<Record<string, NftObject>>;

export interface ForwardChain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly prio: number;
  readonly policy: string;
}

export interface Nft {
  /**
   * Applies all commands in one transaction or none of them. Throws `refused` with nft's words. The handles of new rules
   * are told by an `own-rules` event: asking nft to echo them makes it read the whole ruleset for every transaction
   * (98 ms instead of 2 with 1000 zones).
   */
  transact(commands: readonly NftCommand[]): Promise<void>;
  tables(): Promise<{ family: string; name: string }[]>;
  /** Every base chain on the forward hook, whoever's it is. */
  forwardChains(): Promise<ForwardChain[]>;
  /** The table's objects, or undefined where there is no such table. */
  table(family: NftFamily, name: string): Promise<NftObject[] | undefined>;
  /** The same without the elements of named sets, of which others may have many. */
  rules(family: NftFamily, name: string): Promise<NftObject[] | undefined>;
}

/** The place of a sysctl under /proc/sys/net. `link` is a link name, `all`, `default`, or undefined for `key` at the top. */
export interface SysctlPath {
  readonly family: Family;
  readonly group: 'conf' | 'neigh' | 'top';
  readonly link: string;
  readonly key: string;
}

/** Synchronous on purpose: a /proc access takes microseconds, a trip through the thread pool ten times that. */
export interface Sysctl {
  /** The value without its newline; undefined where there is no such sysctl (the link vanished, or IPv6 is off). */
  read(path: SysctlPath): string | undefined;
  /** Throws `vanished` where there is no such sysctl, `permission` or `refused` where the kernel does not take the value. */
  write(path: SysctlPath, value: string): void;
  /**
   * From now on a foreign write to the link's sysctls becomes an event; following a link again looks at its files anew
   * (they are others once the link had no IPv6 for a while). The kernel's own notices leave out `accept_ra`, redirects and
   * `proxy_delay`. Best effort: writes by way of another mount of /proc are not seen, nor is anything once the system's
   * bound on watches is reached.
   */
  follow(link: LinkName): void;
  unfollow(link: LinkName): void;
  /** Why some link could not be followed, if so. */
  readonly followProblem: string | undefined;
}

export interface Conntrack {
  /** Deletes every entry that names one of `addresses` as source or destination in either direction. Returns how many. */
  purge(addresses: readonly Address[]): Promise<number>;
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

export interface NewRule {
  readonly family: string;
  readonly table: string;
  readonly chain: string;
  /** In nft's language, counters without their values. */
  readonly text: string;
  readonly handle: number;
}

/** Stands for a table that was changed without its name being told: it may be any. */
export const unnamedTable = '?';

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
  /** Somebody else's nft transaction; `tables` holds `family name` of the tables it touched, and perhaps `unnamedTable`. */
  | { readonly kind: 'nft'; readonly tables: ReadonlySet<string>; readonly culprit: Culprit | undefined }
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
    }
  /** Rules that a transaction of ours made. */
  | { readonly kind: 'own-rules'; readonly rules: readonly NewRule[] }
  /** Events may be missing from here on: re-read everything. */
  | { readonly kind: 'lost'; readonly reason: string };

/**
 * A look at what the daemon does not live on, for commands of people. Read-only, unhurried, each call by itself, so that
 * one tool that is missing leaves the rest to be seen.
 */
export interface Survey {
  /** As uname(2) has it, e.g. `6.1.0-13-amd64`. */
  readonly kernelRelease: string;
  /** The tool's path and the first line it prints about its version; undefined where it is not installed. */
  tool(name: SurveyedTool): Promise<FoundTool | undefined>;
  links(): Promise<SurveyedLink[]>;
  /** Every table's. */
  routes(): Promise<SurveyedRoute[]>;
  /** What the kernel would refuse of a transaction, in nft's words; undefined where it would take it. Changes nothing. */
  refusalOf(commands: readonly NftCommand[]): Promise<string | undefined>;
  /** What iptables says about tables that nft holds, whose extensions nft does not print; undefined without the tool. */
  savedRules(family: Family): Promise<string | undefined>;
  /** Connections tracked now, and how many can be; undefined where nothing is tracked. */
  connections(): Fill | undefined;
  /** Neighbours of all links, and how many the kernel holds at most; undefined outside the initial network namespace. */
  neighbours(family: Family): Fill | undefined;
  /** The names, of at most 15 bytes, of the processes that share our network namespace. */
  processes(): ReadonlySet<string>;
}

export type SurveyedTool = 'ip' | 'nft' | 'conntrack' | 'setpriv' | 'iptables';

export interface FoundTool {
  readonly path: string;
  readonly version: string;
}

export interface SurveyedLink {
  readonly name: string;
  readonly mtu: number;
  readonly addresses: readonly Address[];
}

export interface SurveyedRoute extends Pick<Route, 'family' | 'destination' | 'table' | 'protocol'> {
  /** As iproute2 names it: `unicast`, `local`, `blackhole` … */
  readonly type: string;
  /** None for a blackhole, several for a multipath route. */
  readonly devices: readonly string[];
}

export interface Fill {
  readonly count: number;
  readonly max: number;
}

export interface JournalQuery {
  readonly units: readonly string[];
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
