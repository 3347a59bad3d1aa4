/** Brings the records of zone links to what a pass reached, and reports each transition once. */
import type { Link } from '../host/port.ts';
import { hasCode, messageOf } from '../model/errors.ts';
import type { Refusal } from './claims.ts';
import type { Desired, DesiredZone } from './desired.ts';
import type { PassFailures } from './pass.ts';
import type { Reporter } from './reporter.ts';
import { whyTaken } from './taken.ts';
import type { ZoneRecords } from './zone-record.ts';

export interface Settlement {
  readonly desired: Desired;
  readonly links: ReadonlyMap<number, Link>;
  /** The links the pass looked at: the others are as they were. */
  readonly scope: 'all' | ReadonlySet<number>;
  /** The links for which something else is desired than before. */
  readonly changed: 'all' | ReadonlySet<number>;
  readonly failures: PassFailures;
  /** performance.now() milliseconds of the pass's first cause. */
  readonly since: number;
}

export function settle(records: ZoneRecords, reporter: Reporter, settlement: Settlement): void {
  const concerned = concernedBy(settlement, records);
  for (const ifindex of concerned) settleZone(records, reporter, settlement, ifindex);
  for (const ifindex of concerned) settleUnserved(records, reporter, settlement, ifindex);
  for (const ifindex of concerned) settleGone(records, reporter, settlement, ifindex);
}

function settleZone(records: ZoneRecords, reporter: Reporter, settlement: Settlement, ifindex: number): void {
  const zone = settlement.desired.zones.get(ifindex);
  if (zone === undefined) return;
  records.see(ifindex, zone.link);
  if (isLookedAt(settlement, ifindex)) turnZone(records, reporter, zone, settlement.failures, settlement.since);
  else records.relabel(zone);
}

function settleUnserved(records: ZoneRecords, reporter: Reporter, settlement: Settlement, ifindex: number): void {
  const { desired, links, failures, since } = settlement;
  const refusal = desired.unserved.get(ifindex);
  if (refusal === undefined) return;
  records.see(ifindex, links.get(ifindex)?.name ?? '');
  if (isLookedAt(settlement, ifindex) || records.get(ifindex)?.served === undefined) {
    turnUnserved(records, reporter, ifindex, refusal, failures, since);
  }
}

function settleGone(records: ZoneRecords, reporter: Reporter, settlement: Settlement, ifindex: number): void {
  const { desired, failures } = settlement;
  const record = records.get(ifindex);
  // A link that ended after this pass was planned was given what it should have: the next pass takes it back.
  if (record === undefined || desired.zones.has(ifindex) || desired.unserved.has(ifindex)) return;
  if (failures.nft !== undefined || !isLookedAt(settlement, ifindex)) return;
  records.forget(ifindex);
  reporter.closed(record);
}

/** The links of which something new can be said; all others are on record as they are. */
function concernedBy({ desired, scope, changed, failures }: Settlement, records: ZoneRecords): Set<number> {
  if (scope !== 'all' && changed !== 'all') return new Set([...scope, ...changed, ...failures.links.keys()]);
  const recorded = records.values().map(({ ifindex }) => ifindex);
  return new Set([...desired.zones.keys(), ...desired.unserved.keys(), ...recorded]);
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
    if (error === undefined) {
      const { link, ifindex, taken } = zone;
      if (taken === undefined) return records.turn(ifindex, 'ready', undefined, zone);
      return records.turn(ifindex, 'taken', whyTaken(link, taken), zone);
    }
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
  refusal: Refusal,
  failures: PassFailures,
  since: number,
): void {
  const { reason } = refusal;
  const served = records.get(ifindex)?.served;
  const error = failures.nft ?? failures.links.get(ifindex);
  const isStuck = served !== undefined && error !== undefined && !hasCode(error, 'vanished');
  const turned = isStuck
    ? records.turn(ifindex, 'failed', `${reason}, and removing what it had failed: ${messageOf(error)}`, served)
    : records.turn(ifindex, 'unserved', reason, undefined, refusal);
  if (turned?.changed === true) reporter.turned(turned.record, since);
}
