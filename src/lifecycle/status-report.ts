/** Builds what `GET /v1/status` answers from the loop's state and, for the counters, from the kernel's sets. */

import type { Config } from '../config/config.ts';
import { capacityOf } from '../config/fleet.ts';
import { masqueradeOf } from '../config/masquerade.ts';
import type {
  DirectoryStatus,
  FailureStatus,
  FleetStatus,
  ForwarderStatus,
  LeavingStatus,
  Status,
  UplinkStatus,
  ZoneStatus,
} from '../control/status.ts';
import { isDegraded } from '../control/verdict.ts';
import type { ZoneDirectory } from '../directories/zone-directory.ts';
import { type OutlookFacts, observeOutlook } from '../faults/outlook.ts';
import { policyFaults } from '../faults/policies.ts';
import { outlookFaults } from '../faults/uplinks.ts';
import type { Outlook } from '../host/outlook.ts';
import type { Host, Link } from '../host/port.ts';
import { type Address, contains, type Family, familyOf } from '../model/address.ts';
import { messageOf, ProtectNetworkError } from '../model/errors.ts';
import { type Fault, notice, sentenceOf } from '../model/fault.ts';
import { isZoneLink } from '../model/link-name.ts';
import type { CounterTotals } from '../nft/counters.ts';
import { byKind, noCounters, readCounters } from '../nft/counters.ts';
import { policyStates } from '../policy/model.ts';
import type { Reconciler } from './reconciler.ts';
import type { Reporter } from './reporter.ts';
import { type Retry, remainingMs } from './retry.ts';
import { howToFree } from './taken.ts';
import type { ZoneRecord } from './zone-record.ts';

export interface StatusSources {
  readonly host: Host;
  readonly outlook: Outlook;
  readonly reconciler: Reconciler;
  readonly reporter: Reporter;
  readonly version: string;
  /** Unix milliseconds. */
  readonly startedAt: number;
  readonly forwarder: ForwarderStatus;
  /** Of what the daemon serves to others than zones. */
  readonly serving: readonly Fault[];
}

export async function reportStatus(sources: StatusSources): Promise<Status> {
  const { host, outlook, reconciler, reporter } = sources;
  // A tool in trouble is when people ask: they are told what is known without it.
  const unread: Fault[] = [];
  const records = reconciler.records.values();
  const isAnyTaken = records.some(({ served }) => served?.taken !== undefined);
  const served = records.flatMap(({ ifindex, state, served: zone }) =>
    state === 'ready' && zone !== undefined ? [{ ifindex, addresses: zone.addresses }] : [],
  );
  const [totals, seen] = await Promise.all([
    readOrSay(readCounters(host.nft, isAnyTaken), noCounters, 'counters of zones', unread),
    readOrSay(observeOutlook(outlook, [...reconciler.mirror.links.values()], served), undefined, 'uplinks', unread),
  ]);
  const given = records.flatMap(({ served: zone, refusal }) => (zone ?? refusal)?.addresses ?? []);
  const wanted = new Set(given.map(familyOf));
  const faults = [
    ...(reporter.refusal === undefined ? [] : [notice(reporter.refusal)]),
    ...reporter.faults,
    ...(seen === undefined ? [] : outlookFaults(seen, reconciler.state.config, wanted)),
    ...policyFaultsOf(sources),
    ...sources.serving,
    ...unread,
  ];
  const failures = failuresOf(reconciler, records);
  const zones = records.map((record) => zoneStatus(record, totals, sources)).sort((a, b) => a.ifindex - b.ifindex);
  const state = isDegraded({ zones, faults, failures }) ? 'degraded' : 'ready';
  const { config, desired } = reconciler.state;
  const { subnets } = desired ?? config;
  const { antiSpoof, zoneToZone, metadata, host: toHost } = config.settings.isolation;
  return {
    version: sources.version,
    pid: process.pid,
    startedAt: sources.startedAt,
    state: reporter.lastPass === undefined ? 'starting' : state,
    subnets: { ipv4: subnets.ipv4?.prefix.text ?? null, ipv6: subnets.ipv6?.prefix.text ?? null },
    uplinks: uplinksOf(seen?.ways ?? []),
    isolation: { antiSpoof, zoneToZone, metadata, host: toHost },
    leaving: leavingOf(config, subnets),
    fleet: fleetOf(config, desired?.addresses ?? new Set()),
    directories: reconciler.state.directories.map(directoryStatus),
    zones,
    lastPass: reporter.lastPass ?? null,
    passes: reporter.passes,
    transactions: reporter.transactions,
    repairs: reporter.repairs.rounds,
    putBack: reporter.repairs.putBack,
    lastRepairs: reporter.repairs.last,
    failures,
    forwarder: reconciler.policing.accesses.isPoliced ? sources.forwarder : null,
    warnings: faults.map(sentenceOf),
    faults,
  };
}

function leavingOf({ settings: { uplink } }: Config, subnets: Config['subnets']): LeavingStatus {
  const under = (family: Family) => {
    if (subnets[family] === undefined) return null;
    const masquerade = masqueradeOf(uplink, family);
    return masquerade === 'off' ? 'own' : masquerade === 'kernel' ? 'masquerade' : masquerade;
  };
  return {
    ipv4: under('ipv4'),
    ipv6: under('ipv6'),
    noMasquerade: uplink.noMasquerade.map(({ text }) => text),
  };
}

function fleetOf({ settings: { fleet }, subnets }: Config, given: ReadonlySet<Address>): FleetStatus | null {
  if (fleet.block.length === 0) return null;
  const addresses = [...given];
  return {
    blocks: fleet.block.map((block) => ({
      block: block.text,
      used: addresses.filter((address) => contains(block, address)).length,
      capacity: Number(capacityOf(block, subnets[block.family]?.reserved ?? new Set())),
    })),
  };
}

async function readOrSay<T>(reading: Promise<T>, otherwise: T, what: string, unread: Fault[]): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (!(error instanceof ProtectNetworkError)) throw error;
    unread.push({ ...notice(`${what} cannot be read`), why: error.message });
    return otherwise;
  }
}

/** A zone's own link is never one. */
function uplinksOf(ways: OutlookFacts['ways']): UplinkStatus[] {
  const outward = ways.filter(({ device }) => !isZoneLink(device));
  const byDevice = Map.groupBy(outward, ({ device }) => device);
  return [...byDevice].map(([device, all]) => ({
    interface: device,
    families: [...new Set(all.map(({ family }) => family))],
  }));
}

function directoryStatus(directory: ZoneDirectory): DirectoryStatus {
  const snapshot = directory.snapshot();
  const { state, problems, detail, since } = snapshot;
  const { length } = snapshot.table ?? snapshot.entries.filter(({ unusable }) => unusable === undefined);
  return { name: directory.name, state, entries: length, problems, detail, since };
}

function zoneStatus(
  record: ZoneRecord,
  totals: CounterTotals,
  { reconciler, reporter: { forgeries, unassigned } }: StatusSources,
): ZoneStatus {
  const { link, ifindex, served, state, since, reason, refusal } = record;
  const present = reconciler.mirror.links.get(ifindex);
  return {
    link,
    ifindex,
    name: (served ?? refusal)?.name ?? null,
    addresses: served?.addresses ?? [],
    directory: (served ?? refusal)?.directory ?? null,
    origin: (served ?? refusal)?.origin || null,
    state,
    since,
    reason: reason ?? null,
    fix: fixOf(record),
    wanted: refusal?.isWanted ?? served !== undefined,
    carrier: carrierOf(present),
    takenBy: takerOf(served),
    ...policed(reconciler, ifindex),
    sent: totals.sent.get(link) ?? null,
    received: totals.received.get(link) ?? null,
    spoofed: totals.dropped.source.get(link) ?? null,
    dropped: byKind((kind) => totals.dropped[kind].get(link) ?? null),
    lastForgery: forgeries.last(ifindex) ?? null,
    lastUnassigned: unassigned.last(ifindex) ?? null,
  };
}

function policed({ policing, state }: Reconciler, ifindex: number): Pick<ZoneStatus, 'policy' | 'leases'> {
  const zone = state.desired?.zones.get(ifindex);
  const egress = zone && policing.accesses.egressOf(zone);
  if (zone === undefined || egress === undefined) return { policy: 'none', leases: 0 };
  return { policy: policyStates[egress.mode], leases: policing.leases.count(zone.link) };
}

/** Which zones there are is only known once each directory has answered. */
function policyFaultsOf({ reconciler, forwarder }: StatusSources): Fault[] {
  const { desired, accesses } = reconciler.policing;
  const directories = reconciler.state.directories.map((directory) => directory.snapshot().state);
  if (accesses.policies.length === 0 || directories.includes('waiting')) return [];
  const zones = [...(desired()?.byLink.values() ?? [])];
  return policyFaults(accesses.book, zones, forwarder, Date.now(), reconciler.state.config.settings.fleet.zones);
}

function takerOf(served: ZoneRecord['served']): ZoneStatus['takenBy'] {
  const { taken } = served ?? {};
  return taken === undefined ? null : { device: taken.by, kind: taken.kind ?? null };
}

function fixOf({ link, served, refusal }: ZoneRecord): string | null {
  return (served?.taken === undefined ? refusal?.fix : howToFree(link, served.taken)) ?? null;
}

/** A link that is down has none, and its guest may be well. */
function carrierOf(link: Link | undefined): boolean | null {
  return link?.up === true ? (link.carrier ?? null) : null;
}

function failuresOf(reconciler: Reconciler, records: readonly ZoneRecord[]): FailureStatus[] {
  const failed = records.flatMap(({ link, reason, retry }): FailureStatus[] =>
    retry === undefined ? [] : [{ what: link, reason: reason ?? '', ...tryOf(retry) }],
  );
  const { failure, quarrel } = reconciler.state;
  const host: FailureStatus[] = [];
  if (failure !== undefined) host.push({ what: 'host', reason: messageOf(failure.error), ...tryOf(failure.retry) });
  if (quarrel !== undefined) host.push({ what: 'host', ...quarrel });
  return [...host, ...failed];
}

/** For people, by the clock they have now. */
function tryOf(retry: Retry): Pick<FailureStatus, 'attempts' | 'nextTryAt'> {
  return { attempts: retry.attempts, nextTryAt: Date.now() + remainingMs(retry) };
}
