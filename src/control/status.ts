/** What `GET /v1/status` answers and `protect-network status` prints. Times are Unix milliseconds, counters 64-bit values as numbers. */

import type { DirectoryState } from '../directories/zone-directory.ts';
import type { Address } from '../model/address.ts';
import type { DirectoryName } from '../model/directory-name.ts';
import type { Fault } from '../model/fault.ts';
import type { Counter } from '../nft/counters.ts';
import type { DropKind } from '../nft/names.ts';

export interface Status {
  readonly version: string;
  readonly pid: number;
  readonly startedAt: number;
  /**
   * `ready`: everything desired is in place, and nothing keeps zones from their network; `degraded`: it is not, see `verdict.ts`;
   * `starting`: before the first pass.
   */
  readonly state: 'starting' | 'ready' | 'degraded';
  readonly subnets: { readonly ipv4: string | null; readonly ipv6: string | null };
  readonly uplinks: readonly UplinkStatus[];
  /** Of the settings: what zones may reach, and whether they are kept to their own addresses. */
  readonly isolation: IsolationStatus;
  readonly leaving: LeavingStatus;
  /** Null where the host is none of several. */
  readonly fleet: FleetStatus | null;
  readonly directories: readonly DirectoryStatus[];
  readonly zones: readonly ZoneStatus[];
  readonly lastPass: PassStatus | null;
  readonly passes: number;
  readonly transactions: number;
  readonly repairs: number;
  /** Things put back so far, by kind: one repair may put back many. */
  readonly putBack: Readonly<Record<RepairKind, number>>;
  /** The last ones, the youngest first. */
  readonly lastRepairs: readonly RepairStatus[];
  readonly failures: readonly FailureStatus[];
  /** Null where no policy says what zones may reach. */
  readonly forwarder: ForwarderStatus | null;
  /** `faults` as one sentence each. */
  readonly warnings: readonly string[];
  /** What is wrong with the host, and no change of ours can fix. */
  readonly faults: readonly Fault[];
}

/** The forwarder of names, a process of its own. */
export interface ForwarderStatus {
  readonly connected: boolean;
  /** Since when it is, or is not; the daemon's start, where it has not been yet. */
  readonly since: number;
  /** False while none of the resolvers that it asks does. */
  readonly resolversAnswer: boolean;
  /** What it answered since its own start; null while it has not told. */
  readonly totals: ForwarderTotals | null;
}

/** Queries, and what became of them: `limited` ones were more than a zone may send, and got no answer. */
export interface ForwarderTotals {
  readonly queries: number;
  readonly answered: number;
  readonly denied: number;
  readonly failed: number;
  readonly limited: number;
}

/** Whether policies say what the zone may reach, and what becomes of the rest: `audit` lets it pass. */
export type PolicyState = 'none' | 'audit' | 'enforced';

export interface IsolationStatus {
  readonly antiSpoof: boolean;
  readonly zoneToZone: 'allow' | 'deny';
  readonly metadata: 'allow' | 'deny';
  readonly host: 'allow' | 'deny';
}

export interface UplinkStatus {
  readonly interface: string;
  readonly families: readonly string[];
}

/**
 * Under which address zones leave by an uplink, per family: `masquerade` for one of this host's, which the kernel chooses, an
 * address, or `own`; null where zones have none of the family. `noMasquerade`: prefixes that see their own all the same.
 */
export interface LeavingStatus {
  readonly ipv4: string | null;
  readonly ipv6: string | null;
  readonly noMasquerade: readonly string[];
}

/** This host's part of a fleet: how many addresses of each block zones are given, and how many there are (rounded beyond 2^53). */
export interface FleetStatus {
  readonly blocks: readonly { readonly block: string; readonly used: number; readonly capacity: number }[];
}

export interface DirectoryStatus {
  readonly name: DirectoryName;
  readonly state: DirectoryState;
  readonly entries: number;
  readonly problems: readonly string[];
  readonly detail: string;
  readonly since: number;
}

/**
 * `ready`: served; `opening`: not yet; `failed`: see `reason`, retried; `unserved`: no directory gives it a usable address;
 * `taken`: its packets go to somebody else's device, see `takenBy`.
 */
export type ZoneState = 'ready' | 'opening' | 'failed' | 'unserved' | 'taken';

/** The bridge, bond or VRF that the link is a member of, or the device on top of it. `kind` as rtnetlink has it. */
export interface TakerStatus {
  readonly device: string;
  readonly kind: string | null;
}

export interface ZoneStatus {
  readonly link: string;
  readonly ifindex: number;
  readonly name: string | null;
  readonly addresses: readonly Address[];
  readonly directory: DirectoryName | null;
  readonly origin: string | null;
  readonly state: ZoneState;
  readonly since: number;
  readonly reason: string | null;
  /** The command after which the reason is gone, where there is one. */
  readonly fix: string | null;
  /** A zone directory gives it an address, or has an entry for it that cannot be used. */
  readonly wanted: boolean;
  /** False: the other end, in the guest, is down. Null where the kernel does not tell. */
  readonly carrier: boolean | null;
  readonly takenBy: TakerStatus | null;
  readonly policy: PolicyState;
  /** Addresses and ports that are open to the zone now, as it asked for their names. */
  readonly leases: number;
  /** From the zone to the host and beyond; null where it could not be read. */
  readonly sent: Counter | null;
  /** Towards the zone. */
  readonly received: Counter | null;
  /** Packets from the zone with a source that is not its own, dropped: `dropped.source` by its older name. */
  readonly spoofed: Counter | null;
  /** Packets from the zone that were dropped, by kind. */
  readonly dropped: Readonly<Record<DropKind, Counter | null>>;
  /** The youngest forgery that was told of; most are only counted. */
  readonly lastForgery: ForgeryStatus | null;
  /** The same for neighbour discovery under an IPv6 address that no zone has. */
  readonly lastUnassigned: ForgeryStatus | null;
}

/** `source` and `destination` as the forged packet had them. */
export interface ForgeryStatus {
  readonly at: number;
  readonly source: string;
  readonly destination: string;
}

export type RepairKind = 'nftables' | 'route' | 'neighbour-proxy' | 'link' | 'sysctl' | 'forwarding' | 'shaper';

export interface RepairStatus {
  readonly at: number;
  /** From the first event to everything back in place. */
  readonly milliseconds: number;
  /** `process (pid)` where the kernel tells, which it does for nftables only. */
  readonly culprits: readonly string[];
  readonly cause: string;
  readonly what: readonly string[];
}

export interface PassStatus {
  readonly at: number;
  readonly milliseconds: number;
  readonly changes: number;
  readonly cause: string;
}

export interface FailureStatus {
  readonly what: string;
  readonly reason: string;
  readonly attempts: number;
  readonly nextTryAt: number;
}
