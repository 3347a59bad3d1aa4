/**
 * The one transaction that makes nftables hold what it should: desired layout and zones against the observed ruleset.
 * Pure and serialisable; an empty list means healthy.
 *
 * Nothing is deleted whose handle or element was not observed: one delete of a missing object fails the whole
 * transaction. Nothing of others is named anywhere but as the neighbour of our jump.
 */
import type { NftCommand } from '../host/port.ts';
import { type Address, type Family, families, familyOf } from '../model/address.ts';
import type { LinkName } from '../model/link-name.ts';
import { elements } from './commands.ts';
import { enabledFamilies, type LayoutSettings, type ZonePair } from './layout.ts';
import { ownTable, sets, spoofedSet } from './names.ts';
import { planFilterFamily, planRemovedFamily } from './plan-filter.ts';
import { emptyTable, planOwnStructure } from './plan-own.ts';
import { type Ruleset, type Table, tableKey } from './ruleset.ts';

/** What one link had before and has now, either possibly nothing. */
export interface ZoneChange {
  readonly link: LinkName;
  readonly had: readonly Address[];
  readonly want: readonly Address[];
}

export interface FullScope {
  readonly kind: 'all';
  readonly zones: readonly ZonePair[];
  /** False until every directory has answered: what is there then stays, known or not. */
  readonly prune: boolean;
}

/** Only these links, the rest being as it should: for passes whose cost must not grow with the number of zones. */
export interface PartialScope {
  readonly kind: 'some';
  readonly changes: readonly ZoneChange[];
}

export type Scope = FullScope | PartialScope;

export function planRuleset(settings: LayoutSettings, observed: Ruleset, scope: Scope): NftCommand[] {
  const wanted =
    scope.kind === 'all' ? scope.zones : scope.changes.map(({ link, want }) => ({ link, addresses: want }));
  const own = observed.get(tableKey(ownTable.family, ownTable.name));
  if (scope.kind === 'some') {
    const had = scope.changes.map((change) => ({ link: change.link, addresses: change.had }));
    return [
      ...planElements(settings, own ?? emptyTable, elementKeys(settings, wanted), elementKeys(settings, had)),
      ...enabledFamilies(settings).flatMap((family) =>
        planFilterFamily(settings, family, observed, { wanted: linksOf(wanted, family), had: linksOf(had, family) }),
      ),
    ];
  }
  const structure = planOwnStructure(settings, own, observed);
  const base: Table = { chains: new Map(), sets: new Map() };
  for (const [name, set] of own?.sets ?? []) if (!structure.freshSets.has(name)) base.sets.set(name, set);
  const keys = elementKeys(settings, wanted);
  const present = scope.prune ? allKeys(base) : new Map<string, Set<string>>();
  return [
    ...structure.commands,
    ...planElements(settings, base, keys, present),
    ...families.flatMap((family) =>
      settings.subnets[family] === undefined
        ? planRemovedFamily(family, observed)
        : planFilterFamily(settings, family, observed, {
            wanted: linksOf(wanted, family),
            had: 'all',
            prune: scope.prune,
          }),
    ),
  ];
}

/** Links with at least one address of the family, in the zones' order. */
function linksOf(zones: readonly ZonePair[], family: Family): LinkName[] {
  return zones
    .filter(({ addresses }) => addresses.some((address) => familyOf(address) === family))
    .map(({ link }) => link);
}

function ownSetNames(settings: LayoutSettings): Set<string> {
  return new Set([spoofedSet, ...enabledFamilies(settings).flatMap((family) => Object.values(sets[family]))]);
}

/** Element keys by set name. */
function elementKeys(settings: LayoutSettings, zones: readonly ZonePair[]): Map<string, Set<string>> {
  const keys = new Map<string, Set<string>>([...ownSetNames(settings)].map((name) => [name, new Set()]));
  for (const { link, addresses } of zones) {
    if (addresses.length === 0) continue;
    keys.get(spoofedSet)?.add(link);
    for (const address of addresses) {
      const { from, to, zone } = sets[familyOf(address)];
      keys.get(from)?.add(`${link} ${address}`);
      keys.get(to)?.add(`${link} ${address}`);
      keys.get(zone)?.add(address);
    }
  }
  return keys;
}

/** Deletes what may go (`candidates`), is there and is not wanted; adds what is wanted and is not there. */
function planElements(
  settings: LayoutSettings,
  own: Table,
  wanted: ReadonlyMap<string, ReadonlySet<string>>,
  candidates: ReadonlyMap<string, ReadonlySet<string>>,
): NftCommand[] {
  return [...ownSetNames(settings)].flatMap((name) => {
    const present = own.sets.get(name)?.elements ?? new Set<string>();
    const want = wanted.get(name) ?? new Set<string>();
    const gone = [...(candidates.get(name) ?? [])].filter((key) => present.has(key) && !want.has(key));
    const fresh = [...want].filter((key) => !present.has(key));
    const { family, name: table } = ownTable;
    return [...elements('delete', family, table, name, gone), ...elements('add', family, table, name, fresh)];
  });
}

function allKeys(table: Table): Map<string, Set<string>> {
  return new Map([...table.sets].map(([name, set]) => [name, set.elements]));
}
