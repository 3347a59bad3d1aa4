/** Brings the records of zone links to what a pass reached, and reports each transition once. */
import type { Link } from '../host/port.ts';
import { hasCode, messageOf } from '../model/errors.ts';
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
  const { desired, links, failures, since } = settlement;
  for (const zone of desired.zones.values()) {
    records.see(zone.ifindex, zone.link);
    if (isLookedAt(settlement, zone.ifindex)) turnZone(records, reporter, zone, failures, since);
    else records.relabel(zone);
  }
  for (const [ifindex, reason] of desired.unserved) {
    records.see(ifindex, links.get(ifindex)?.name ?? '');
    if (isLookedAt(settlement, ifindex) || records.get(ifindex)?.served === undefined) {
      turnUnserved(records, reporter, ifindex, reason, failures, since);
    }
  }
  for (const record of records.values()) {
    const { ifindex } = record;
    // A link that ended after this pass was planned was given what it should have: the next pass takes it back.
    if (desired.zones.has(ifindex) || desired.unserved.has(ifindex) || !isLookedAt(settlement, ifindex)) continue;
    if (failures.nft !== undefined) continue;
    records.forget(ifindex);
    reporter.closed(record);
  }
}

/** A link of which only the neighbour proxies were looked at counts where they failed. */
function isLookedAt({ scope, failures }: Settlement, ifindex: number): boolean {
  return scope === 'all' || scope.has(ifindex) || failures.links.has(ifindex);
}

function turnZone(
  records: ZoneRecords,
  reporter: Reporter,
  zone: DesiredZone,
  failures: PassFailures,
  since: number,
): void {
  const before = records.get(zone.ifindex);
  const error = failures.nft ?? failures.links.get(zone.ifindex);
  const isVanished = error !== undefined && hasCode(error, 'vanished') && before?.state !== 'failed';
  const turn = () => {
    // The link's own end is on its way as an event; until then there is nothing to say.
    if (isVanished) return records.turn(zone.ifindex, before?.state ?? 'opening', before?.reason, zone);
    if (error === undefined) return records.turn(zone.ifindex, 'ready', undefined, zone);
    // Whatever keeps it busy calls for the next pass.
    return records.turn(zone.ifindex, hasCode(error, 'busy') ? 'opening' : 'failed', messageOf(error), zone);
  };
  const turned = turn();
  const isGivenAnew = error === undefined && before?.served?.addresses.join() !== zone.addresses.join();
  if (turned !== undefined && (turned.changed || isGivenAnew)) reporter.turned(turned.record, since);
}

/** What could not be taken back is tried again, and the link counts as failed until it is. */
function turnUnserved(
  records: ZoneRecords,
  reporter: Reporter,
  ifindex: number,
  reason: string,
  failures: PassFailures,
  since: number,
): void {
  const served = records.get(ifindex)?.served;
  const error = failures.nft ?? failures.links.get(ifindex);
  const isStuck = served !== undefined && error !== undefined && !hasCode(error, 'vanished');
  const turned = isStuck
    ? records.turn(ifindex, 'failed', `${reason}, and what it had could not be taken back: ${messageOf(error)}`, served)
    : records.turn(ifindex, 'unserved', reason);
  if (turned?.changed === true) reporter.turned(turned.record, since);
}
