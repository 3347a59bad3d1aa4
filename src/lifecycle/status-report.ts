/** Builds what `GET /v1/status` answers from the loop's state and, for the counters, from the kernel's sets. */

import type { DirectoryStatus, FailureStatus, Status, UplinkStatus, ZoneStatus } from '../control/status.ts';
import type { Host } from '../host/port.ts';
import { messageOf, ProtectNetworkError } from '../model/errors.ts';
import { parseLinkName } from '../model/link-name.ts';
import type { CounterTotals } from '../nft/counters.ts';
import { noCounters, readCounters } from '../nft/counters.ts';
import { type Retry, remainingMs } from './backoff.ts';
import type { Forgeries } from './forgeries.ts';
import type { Reconciler, ReconcilerState } from './reconciler.ts';
import type { Reporter } from './reporter.ts';
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
  const [totals, uplinks] = await Promise.all([
    readOrSay(readCounters(host.nft), noCounters, 'counters of zones', unread),
    readOrSay(readUplinks(host), [], 'uplinks', unread),
  ]);
  const records = reconciler.records.values();
  const failures = failuresOf(reconciler, records);
  const { subnets } = reconciler.state.desired ?? reconciler.state.config;
  return {
    version: sources.version,
    pid: process.pid,
    startedAt: sources.startedAt,
    state: reporter.lastPass === undefined ? 'starting' : failures.length > 0 ? 'degraded' : 'ready',
    subnets: { ipv4: subnets.ipv4?.prefix.text ?? null, ipv6: subnets.ipv6?.prefix.text ?? null },
    uplinks,
    directories: reconciler.state.directories.map(directoryStatus),
    zones: records
      .map((record) => zoneStatus(record, totals, reporter.forgeries))
      .sort((a, b) => a.ifindex - b.ifindex),
    lastPass: reporter.lastPass ?? null,
    passes: reporter.passes,
    transactions: reporter.transactions,
    repairs: reporter.repairs.rounds,
    putBack: reporter.repairs.putBack,
    lastRepairs: reporter.repairs.last,
    failures,
    warnings: [...(reporter.refusal === undefined ? [] : [reporter.refusal]), ...reporter.warnings, ...unread],
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

/** Interfaces of default routes; a zone's own link is never one. */
async function readUplinks(host: Host): Promise<UplinkStatus[]> {
  const families = new Map<string, string[]>();
  for (const { device, family } of await host.rtnetlink.defaultRoutes()) {
    if (parseLinkName(device) !== undefined) continue;
    const known = families.get(device) ?? [];
    if (!known.includes(family)) families.set(device, [...known, family]);
  }
  return [...families].map(([device, known]) => ({ interface: device, families: known }));
}

function directoryStatus(directory: ReconcilerState['directories'][number]): DirectoryStatus {
  const { state, entries, problems, detail, since } = directory.snapshot();
  return { name: directory.name, state, entries: entries.length, problems, detail, since };
}

function zoneStatus(record: ZoneRecord, totals: CounterTotals, forgeries: Forgeries): ZoneStatus {
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
    sent: totals.sent.get(link) ?? null,
    received: totals.received.get(link) ?? null,
    spoofed: totals.dropped.source.get(link) ?? null,
    dropped: {
      source: totals.dropped.source.get(link) ?? null,
      stray: totals.dropped.stray.get(link) ?? null,
      error: totals.dropped.error.get(link) ?? null,
      flood: totals.dropped.flood.get(link) ?? null,
    },
    lastForgery: forgeries.last(ifindex) ?? null,
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
