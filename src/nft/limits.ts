/** Limits of what zones begin, as sets of links: one for each number that policies have. Pure. */
import type { Limits, Rate } from '../policy/model.ts';

/** Links of which no more is let through; `name` is the set's. */
export type LinkLimit =
  | { readonly kind: 'connections'; readonly name: string; readonly most: number }
  | { readonly kind: 'rate'; readonly name: string; readonly rate: Rate };

const prefixes = ['connections-over-', 'new-over-'] as const;

/** A set of such a limit, whatever its number. */
export function isLimitSet(name: string): boolean {
  return prefixes.some((prefix) => name.startsWith(prefix));
}

/** Each once, in an order that does not depend on theirs. */
export function linkLimits(all: readonly Limits[]): LinkLimit[] {
  const byName = new Map(all.flatMap(limitsOf).map((limit) => [limit.name, limit]));
  return [...byName.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
}

function limitsOf({ connections, newConnections: rate }: Limits): LinkLimit[] {
  const [ofConnections, ofRate] = prefixes;
  return [
    ...(connections === undefined
      ? []
      : [{ kind: 'connections', name: `${ofConnections}${connections}`, most: connections } as const]),
    ...(rate === undefined ? [] : [{ kind: 'rate', name: `${ofRate}${rate.count}-${rate.per}`, rate } as const]),
  ];
}
