/** Limits of what zones begin. Pure. */
import type { Limits, Rate } from './model.ts';

/**
 * The kernel walks all that a limit counts, once in each tick (nf_conncount): with 4000 connections a new one costs about twice
 * as much as with none, with 10,000 ten to thirty times (measured, Linux 6.18).
 */
export const maxConnections = 4096;
const maxRate = 1_000_000;
const seconds = { second: 1, minute: 60, hour: 3600 } as const;

/** `100/second`; undefined for what is none. */
export function parseRate(text: string): Rate | undefined {
  const [, digits = '', per = ''] = /^(\d{1,7})\/(second|minute|hour)$/.exec(text) ?? [];
  const count = Number(digits);
  return count < 1 || count > maxRate ? undefined : { count, per: per as Rate['per'] };
}

export function rateText({ count, per }: Rate): string {
  return `${count}/${per}`;
}

/** The smallest of each. */
export function smallest(all: readonly Limits[]): Limits {
  const connections = all.flatMap((limits) => limits.connections ?? []);
  const rates = all.flatMap(({ newConnections }) => newConnections ?? []);
  return {
    connections: connections.length === 0 ? undefined : Math.min(...connections),
    newConnections: rates.sort((one, other) => perSecond(one) - perSecond(other))[0],
  };
}

function perSecond({ count, per }: Rate): number {
  return count / seconds[per];
}
