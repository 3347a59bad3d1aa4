/** Limits of what zones begin and send, as sets of links: one for each number that policies have. Pure. */
import { bandwidthText } from '../policy/limits.ts';
import type { Limits, Rate } from '../policy/model.ts';

/** Links of which no more is let through; `name` is the set's. */
export type LinkLimit =
  | { readonly kind: 'connections'; readonly name: string; readonly most: number }
  | { readonly kind: 'rate'; readonly name: string; readonly rate: Rate }
  | { readonly kind: 'send'; readonly name: string; readonly bitsPerSecond: number };

const prefixes = { connections: 'connections-over-', rate: 'new-over-', send: 'send-over-' } as const;

/** A set of such a limit, whatever its number. */
export function isLimitSet(name: string): boolean {
  return Object.values(prefixes).some((prefix) => name.startsWith(prefix));
}

/** Each once, in an order that does not depend on theirs. */
export function linkLimits(all: readonly Limits[]): LinkLimit[] {
  const byName = new Map(all.flatMap(limitsOf).map((limit) => [limit.name, limit]));
  return [...byName.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
}

function limitsOf({ connections, newConnections: rate, send }: Limits): LinkLimit[] {
  const limits: LinkLimit[] = [];
  if (connections !== undefined)
    limits.push({ kind: 'connections', name: `${prefixes.connections}${connections}`, most: connections });
  if (rate !== undefined) limits.push({ kind: 'rate', name: `${prefixes.rate}${rate.count}-${rate.per}`, rate });
  if (send !== undefined)
    limits.push({ kind: 'send', name: `${prefixes.send}${bandwidthText(send)}`, bitsPerSecond: send });
  return limits;
}
