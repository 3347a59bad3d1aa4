/** Takes over what somebody else took away from tables that are known. */
import type { NftRemoval } from '../host/port.ts';
import { pairOf } from './plan-filter.ts';
import type { Ruleset } from './ruleset.ts';

/**
 * Returns the links that all of it is of, by name, or `all` where some of it is of no link. Undefined where one thing was not known:
 * then the tables are to be read, part of it having been taken over or not.
 */
export function takeAway(ruleset: Ruleset, removals: readonly NftRemoval[]): ReadonlySet<string> | 'all' | undefined {
  const links = removals.map((removal) => linkOf(ruleset, removal));
  if (links.includes(undefined)) return undefined;
  const named = links.filter((link) => typeof link === 'string');
  return named.length < links.length ? 'all' : new Set(named);
}

/** The link's name, null for what is of none, undefined for what is not known. */
function linkOf(ruleset: Ruleset, removal: NftRemoval): string | null | undefined {
  const table = ruleset.get(removal.table);
  if (removal.kind === 'rule') {
    const rule = table?.chains.get(removal.chain)?.delete(removal.handle);
    return rule && (pairOf(rule) ?? null);
  }
  const set = table?.sets.get(removal.set);
  const key = set && removal.key(set.type);
  if (key === undefined || set?.elements.delete(key) !== true) return undefined;
  return set.type[0] === 'ifname' ? key.split(' ', 1)[0] : null;
}
