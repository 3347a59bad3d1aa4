/** Limits of what zones begin, and of how fast they send and receive. Pure. */
import type { Limits, Rate } from './model.ts';

/**
 * The kernel walks all that a limit counts, once in each tick (nf_conncount): with 4000 connections a new one costs about twice
 * as much as with none, with 10,000 ten to thirty times (measured, Linux 6.18).
 */
export const maxConnections = 4096;
const maxRate = 1_000_000;
/** Bits a second; as tc(8) has them, by thousands. */
const units = { kbit: 1e3, mbit: 1e6, gbit: 1e9 } as const;
/** Below, one packet of 1500 bytes fills more than a tenth of a second; above, no link of a zone gets. */
export const [leastBandwidth, mostBandwidth] = [100 * units.kbit, 100 * units.gbit];
const seconds = { second: 1, minute: 60, hour: 3600 } as const;

/** `100/second`; undefined for what is none. */
export function parseRate(text: string): Rate | undefined {
  const [, digits = '', per = ''] = /^(\d{1,7})\/(second|minute|hour)$/.exec(text) ?? [];
  const count = Number(digits);
  return count < 1 || count > maxRate ? undefined : { count, per: per as Rate['per'] };
}

/** `200mbit` as bits a second; undefined for what is none. */
export function parseBandwidth(text: string): number | undefined {
  const [, digits = '', unit = ''] = /^(\d{1,9})(kbit|mbit|gbit)$/.exec(text) ?? [];
  const bits = Number(digits) * (units[unit as keyof typeof units] ?? 0);
  return bits < leastBandwidth || bits > mostBandwidth ? undefined : bits;
}

/** In the largest unit that needs no fraction. */
export function bandwidthText(bits: number): string {
  const [unit, size] = Object.entries(units).findLast(([, each]) => bits % each === 0) ?? ['bit', 1];
  return `${bits / size}${unit}`;
}

export function rateText({ count, per }: Rate): string {
  return `${count}/${per}`;
}

/** The smallest of each. */
export function smallest(all: readonly Limits[]): Limits {
  const least = (key: 'connections' | 'send' | 'receive') => {
    const values = all.flatMap((limits) => limits[key] ?? []);
    return values.length === 0 ? undefined : Math.min(...values);
  };
  const rates = all.flatMap(({ newConnections }) => newConnections ?? []);
  return {
    connections: least('connections'),
    newConnections: rates.sort((one, other) => perSecond(one) - perSecond(other))[0],
    send: least('send'),
    receive: least('receive'),
  };
}

/** What a zone may, one sentence each. */
export function limitTexts({ connections, newConnections, send, receive }: Limits): string[] {
  return [
    ...(connections === undefined ? [] : [`at most ${connections} connections at once`]),
    ...(newConnections === undefined ? [] : [`at most ${rateText(newConnections)} new connections`]),
    ...(send === undefined ? [] : [`sends at most ${bandwidthText(send)}`]),
    ...(receive === undefined ? [] : [`receives at most ${bandwidthText(receive)}`]),
  ];
}

function perSecond({ count, per }: Rate): number {
  return count / seconds[per];
}
