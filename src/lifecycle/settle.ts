/** Brings the records of zone links to what a pass reached, and reports each transition once. */
import type { Link } from '../host/port.ts';
import { hasCode, messageOf } from '../model/errors.ts';
import { parseLinkName } from '../model/link-name.ts';
import type { Desired, DesiredZone } from './desired.ts';
import type { PassFailures } from './pass.ts';
import type { Reporter } from './reporter.ts';
import type { ZoneRecords } from './zone-record.ts';

export interface Settlement {
  readonly desired: Desired;
  readonly links: ReadonlyMap<number, Link>;
  /** The links the pass looked at: the others are as they were. */
  readonly scope: 'all' | ReadonlySet<number>;
  readonly failures: PassFailures;
  /** performance.now() milliseconds of the pass's first cause. */
  readonly since: number;
}

export function settle(records: ZoneRecords, reporter: Reporter, settlement: Settlement): void {
  const { desired, links, scope, failures, since } = settlement;
  const isLookedAt = (ifindex: number) => scope === 'all' || scope.has(ifindex);
  forgetGone(records, reporter, links);
  for (const zone of desired.zones.values()) {
    records.see(zone.ifindex, zone.link);
    if (isLookedAt(zone.ifindex)) turnZone(records, reporter, zone, failures, since);
  }
  for (const [ifindex, reason] of desired.unserved) {
    records.see(ifindex, links.get(ifindex)?.name ?? '');
    // Until it has been looked at, what it was given is still there.
    if (!isLookedAt(ifindex) && records.get(ifindex)?.served !== undefined) continue;
    const turned = records.turn(ifindex, 'unserved', reason);
    if (turned?.changed === true) reporter.turned(turned.record, since);
  }
}

function forgetGone(records: ZoneRecords, reporter: Reporter, links: ReadonlyMap<number, Link>): void {
  for (const record of records.values()) {
    const name = links.get(record.ifindex)?.name;
    if (name !== undefined && parseLinkName(name) !== undefined) continue;
    records.forget(record.ifindex);
    reporter.closed(record);
  }
}

function turnZone(
  records: ZoneRecords,
  reporter: Reporter,
  zone: DesiredZone,
  failures: PassFailures,
  since: number,
): void {
  const known = records.get(zone.ifindex);
  const error = failures.nft ?? failures.links.get(zone.ifindex);
  // The link's own end is on its way as an event; until then there is nothing to say.
  if (error !== undefined && hasCode(error, 'vanished') && known?.state !== 'failed') return;
  const turned =
    error === undefined
      ? records.turn(zone.ifindex, 'ready', undefined, zone)
      : records.turn(zone.ifindex, 'failed', messageOf(error), known?.served);
  const isGivenAnew = error === undefined && known?.served?.addresses.join() !== zone.addresses.join();
  if (turned?.changed === true || isGivenAnew) {
    const record = records.get(zone.ifindex);
    if (record !== undefined) reporter.turned(record, since);
  }
}
