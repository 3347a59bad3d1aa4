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
import { dropSets, enabledFamilies, type LayoutSettings, type ZonePair } from './layout-model.ts';
import { countedSets, dropCounts, egressSets, ownTable, policySets, sets } from './names.ts';
import { planFilterFamily, planRemovedFamily } from './plan-filter.ts';
import { emptyTable, planOwnStructure } from './plan-own.ts';
import { planReversePath } from './plan-reverse-path.ts';
import { type Ruleset, type Table, tableKey } from './ruleset.ts';

/** What one link had before and has now, either possibly nothing. */
export interface ZoneChange {
  readonly had: readonly ZonePair[];
  readonly want: readonly ZonePair[];
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
  /** True for an address that some zone should have: it stays a zone's address, whoever had it. */
  readonly isInUse: (address: Address) => boolean;
}

export type Scope = FullScope | PartialScope;

export function planRuleset(settings: LayoutSettings, observed: Ruleset, scope: Scope): NftCommand[] {
  const own = observed.get(tableKey(ownTable.family, ownTable.name));
  return scope.kind === 'all' ? planAll(settings, observed, own, scope) : planSome(settings, observed, own, scope);
}

function planSome(
  settings: LayoutSettings,
  observed: Ruleset,
  own: Table | undefined,
  { changes, isInUse }: PartialScope,
): NftCommand[] {
  const wanted = changes.flatMap(({ want }) => want);
  const had = changes.flatMap((change) => change.had);
  const candidates = elementKeys(settings, had);
  for (const { zone } of Object.values(sets)) {
    const free = [...(candidates.get(zone) ?? [])].filter((key) => !isInUse(key as Address));
    candidates.set(zone, new Set(free));
  }
  return [
    ...planElements(settings, own ?? emptyTable, elementKeys(settings, wanted), candidates),
    ...enabledFamilies(settings).flatMap((family) =>
      planFilterFamily(settings, family, observed, { wanted: linksOf(wanted, family), had: linksOf(had, family) }),
    ),
  ];
}

function planAll(
  settings: LayoutSettings,
  observed: Ruleset,
  own: Table | undefined,
  { zones, prune }: FullScope,
): NftCommand[] {
  const structure = planOwnStructure(settings, own, observed);
  const base: Table = { chains: new Map(), sets: new Map() };
  for (const [name, set] of own?.sets ?? []) if (!structure.freshSets.has(name)) base.sets.set(name, set);
  const present = prune ? allKeys(base) : new Map<string, Set<string>>();
  const filter = (family: Family) =>
    settings.subnets[family] === undefined
      ? planRemovedFamily(family, observed)
      : planFilterFamily(settings, family, observed, { wanted: linksOf(zones, family), had: 'all', prune });
  return [
    ...planReversePath(settings, observed),
    ...structure.commands,
    ...planElements(settings, base, elementKeys(settings, zones), present),
    ...families.flatMap(filter),
  ];
}

/** Links with at least one address of the family, in the zones' order. */
function linksOf(zones: readonly ZonePair[], family: Family): LinkName[] {
  return zones
    .filter(({ addresses }) => addresses.some((address) => familyOf(address) === family))
    .map(({ link }) => link);
}

function ownSetNames(settings: LayoutSettings): Set<string> {
  return new Set([
    ...dropSets(settings),
    ...enabledFamilies(settings).flatMap((family) => Object.values(sets[family])),
    ...(settings.egress === undefined ? [] : accessSets(settings)),
    ...settings.limits.map(({ name }) => name),
  ]);
}

/** Those that a zone's policies have elements in. */
function accessSets(settings: LayoutSettings): string[] {
  const { policed, audited, icmp, host } = policySets;
  const perFamily = enabledFamilies(settings).flatMap((family) => {
    const { allowed, nets, denied } = egressSets[family];
    return [allowed, nets, denied];
  });
  return [policed, audited, icmp, host, ...perFamily];
}

const ofPolicies: ReadonlySet<string> = new Set([dropCounts.denied, dropCounts.bandwidth]);
/** Every zone's link is in them. */
const linkSets = Object.values(dropCounts).filter((name) => !ofPolicies.has(name));

/** Element keys by set name. */
function elementKeys(settings: LayoutSettings, zones: readonly ZonePair[]): Map<string, Set<string>> {
  const keys = new Map<string, Set<string>>([...ownSetNames(settings)].map((name) => [name, new Set()]));
  for (const zone of zones) eachElement(zone, (set, key) => keys.get(set)?.add(key));
  return keys;
}

/** What a zone has, by set and key; whether there is such a set is for the settings to say. */
export function eachElement({ link, addresses, access }: ZonePair, put: (set: string, key: string) => void): void {
  if (addresses.length === 0) return;
  for (const name of linkSets) put(name, link);
  for (const address of addresses) {
    const { from, to, own, zone } = sets[familyOf(address)];
    for (const name of [from, to, own]) put(name, `${link} ${address}`);
    put(zone, address);
  }
  for (const [name, keys] of access?.elements ?? []) for (const key of keys) put(name, key);
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
    return [
      ...elements('delete', family, table, name, gone),
      ...elements('add', family, table, name, fresh, countedSets.has(name)),
    ];
  });
}

function allKeys(table: Table): Map<string, Set<string>> {
  return new Map([...table.sets].map(([name, set]) => [name, set.elements]));
}
