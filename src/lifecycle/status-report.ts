/** Builds what `GET /v1/status` answers from the loop's state and, for the counters, from the kernel's sets. */

import type { DirectoryStatus, FailureStatus, Status, UplinkStatus, ZoneStatus } from '../control/status.ts';
import type { ZoneDirectory } from '../directories/zone-directory.ts';
import type { Host } from '../host/port.ts';
import { messageOf, ProtectNetworkError } from '../model/errors.ts';
import { parseLinkName } from '../model/link-name.ts';
import type { CounterTotals } from '../nft/counters.ts';
import { byKind, noCounters, readCounters } from '../nft/counters.ts';
import type { Reconciler } from './reconciler.ts';
import type { Reporter } from './reporter.ts';
import { type Retry, remainingMs } from './retry.ts';
import { howToFree } from './taken.ts';
import type { ZoneRecord } from './zone-record.ts';

export interface StatusSources {
  readonly host: Host;
  readonly reconciler: Reconciler;
  readonly reporter: Reporter;
  readonly version: string;
  /** Unix milliseconds. */
  readonly startedAt: number;
}

export async function reportStatus(sources: StatusSources): Promise<Status> {
  const { host, reconciler, reporter } = sources;
  // A tool in trouble is when people ask: they are told what is known without it.
  const unread: string[] = [];
  const isAnyTaken = reconciler.records.values().some(({ served }) => served?.taken !== undefined);
  const [totals, uplinks] = await Promise.all([
    readOrSay(readCounters(host.nft, isAnyTaken), noCounters, 'counters of zones', unread),
    readOrSay(readUplinks(host), [], 'uplinks', unread),
  ]);
  const records = reconciler.records.values();
  const failures = failuresOf(reconciler, records);
  const taken = records.filter(({ state }) => state === 'taken');
  const isDegraded = failures.length > 0 || taken.length > 0;
  const { subnets } = reconciler.state.desired ?? reconciler.state.config;
  const { antiSpoof, zoneToZone, metadata, host: toHost } = reconciler.state.config.settings.isolation;
  return {
    version: sources.version,
    pid: process.pid,
    startedAt: sources.startedAt,
    state: reporter.lastPass === undefined ? 'starting' : isDegraded ? 'degraded' : 'ready',
    subnets: { ipv4: subnets.ipv4?.prefix.text ?? null, ipv6: subnets.ipv6?.prefix.text ?? null },
    uplinks,
    isolation: { antiSpoof, zoneToZone, metadata, host: toHost },
    directories: reconciler.state.directories.map(directoryStatus),
    zones: records.map((record) => zoneStatus(record, totals, reporter)).sort((a, b) => a.ifindex - b.ifindex),
    lastPass: reporter.lastPass ?? null,
    passes: reporter.passes,
    transactions: reporter.transactions,
    repairs: reporter.repairs.rounds,
    putBack: reporter.repairs.putBack,
    lastRepairs: reporter.repairs.last,
    failures,
    warnings: [
      ...(reporter.refusal === undefined ? [] : [reporter.refusal]),
      ...taken.flatMap(takenWarning),
      ...reporter.warnings,
      ...unread,
    ],
  };
}

async function readOrSay<T>(reading: Promise<T>, otherwise: T, what: string, unread: string[]): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (!(error instanceof ProtectNetworkError)) throw error;
    unread.push(`${what} cannot be read: ${error.message}`);
    return otherwise;
  }
}

function takenWarning({ link, reason, served }: ZoneRecord): string[] {
  return served?.taken === undefined ? [] : [`${reason}; to free it: ${howToFree(link, served.taken)}`];
}

/** A zone's own link is never one. */
async function readUplinks(host: Host): Promise<UplinkStatus[]> {
  const families = new Map<string, string[]>();
  for (const { device, family } of await host.rtnetlink.waysOut()) {
    if (parseLinkName(device) !== undefined) continue;
    const known = families.get(device) ?? [];
    if (!known.includes(family)) families.set(device, [...known, family]);
  }
  return [...families].map(([device, known]) => ({ interface: device, families: known }));
}

function directoryStatus(directory: ZoneDirectory): DirectoryStatus {
  const snapshot = directory.snapshot();
  const { state, problems, detail, since } = snapshot;
  const { length } = snapshot.table ?? snapshot.entries;
  return { name: directory.name, state, entries: length, problems, detail, since };
}

function zoneStatus(record: ZoneRecord, totals: CounterTotals, { forgeries, unassigned }: Reporter): ZoneStatus {
  const { link, ifindex, served, state, since, reason } = record;
  return {
    link,
    ifindex,
    name: served?.name ?? null,
    addresses: served?.addresses ?? [],
    directory: served?.directory ?? null,
    origin: served?.origin ?? null,
    state,
    since,
    reason: reason ?? null,
    takenBy: served?.taken === undefined ? null : { device: served.taken.by, kind: served.taken.kind ?? null },
    sent: totals.sent.get(link) ?? null,
    received: totals.received.get(link) ?? null,
    spoofed: totals.dropped.source.get(link) ?? null,
    dropped: byKind((kind) => totals.dropped[kind].get(link) ?? null),
    lastForgery: forgeries.last(ifindex) ?? null,
    lastUnassigned: unassigned.last(ifindex) ?? null,
  };
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
