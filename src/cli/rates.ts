/** How fast counters grow between two answers of the daemon, and how fast they grew before. Pure. */
import type { Status, ZoneStatus } from '../control/status.ts';

export interface Snapshot {
  readonly status: Status;
  /** Monotonic milliseconds. */
  readonly at: number;
}

/** Bytes per second, packets per second of `dropped`; null where there is nothing to compare with, as after a restart of a counter. */
export interface Rate {
  readonly sent: number | null;
  readonly received: number | null;
  readonly dropped: number | null;
}

/** By the link's index: a name may have passed to another zone in between. */
export type Rates = ReadonlyMap<number, Rate>;

/** The youngest rates of each link that is there, the oldest first. */
export type History = ReadonlyMap<number, readonly Rate[]>;

/** As many as the widest bar shows: two minutes, at one a second. */
const maxSamples = 120;

export function ratesBetween(before: Snapshot, after: Snapshot): Rates {
  const seconds = (after.at - before.at) / 1000;
  const known = new Map(before.status.zones.map((zone) => [zone.ifindex, zone]));
  return new Map(after.status.zones.map((zone) => [zone.ifindex, rateOf(known.get(zone.ifindex), zone, seconds)]));
}

export function withRates(history: History, rates: Rates): History {
  return new Map(
    [...rates].map(([ifindex, rate]) => [ifindex, [...(history.get(ifindex) ?? []), rate].slice(-maxSamples)]),
  );
}

/** Packets of every kind; null where none could be read. */
export function droppedPackets({ dropped }: ZoneStatus): number | null {
  const known = Object.values(dropped).filter((counter) => counter !== null);
  return known.length === 0 ? null : known.reduce((sum, { packets }) => sum + packets, 0);
}

function rateOf(before: ZoneStatus | undefined, after: ZoneStatus, seconds: number): Rate {
  return {
    sent: growth(before?.sent?.bytes, after.sent?.bytes, seconds),
    received: growth(before?.received?.bytes, after.received?.bytes, seconds),
    dropped: growth(before && droppedPackets(before), droppedPackets(after), seconds),
  };
}

function growth(before: number | null | undefined, after: number | null | undefined, seconds: number): number | null {
  if (before === undefined || before === null || after === undefined || after === null || seconds <= 0) return null;
  return after < before ? null : (after - before) / seconds;
}
