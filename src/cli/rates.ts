/** How fast counters grow between two answers of the daemon. Pure. */
import type { Status, ZoneStatus } from '../control/status.ts';
import type { Counter } from '../nft/counters.ts';

export interface Snapshot {
  readonly status: Status;
  /** Monotonic milliseconds. */
  readonly at: number;
}

/** Per second; null where there is nothing to compare with, as after a restart of a counter. */
export interface Rate {
  readonly sent: number | null;
  readonly received: number | null;
}

/** Bytes per second by the link's index: a name may have passed to another zone in between. */
export function ratesBetween(before: Snapshot, after: Snapshot): ReadonlyMap<number, Rate> {
  const seconds = (after.at - before.at) / 1000;
  const known = new Map(before.status.zones.map((zone) => [zone.ifindex, zone]));
  return new Map(after.status.zones.map((zone) => [zone.ifindex, rateOf(known.get(zone.ifindex), zone, seconds)]));
}

function rateOf(before: ZoneStatus | undefined, after: ZoneStatus, seconds: number): Rate {
  return {
    sent: growth(before?.sent, after.sent, seconds),
    received: growth(before?.received, after.received, seconds),
  };
}

function growth(before: Counter | null | undefined, after: Counter | null, seconds: number): number | null {
  if (before === undefined || before === null || after === null || seconds <= 0) return null;
  const difference = after.bytes - before.bytes;
  return difference < 0 ? null : difference / seconds;
}
