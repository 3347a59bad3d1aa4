/**
 * The chains and sets of our own table. Only the table's structure; elements are `plan.ts`'s.
 *
 * Chains and sets that we do not know are left alone: the operator's rules in `user-input` may need them.
 */
import type { ChainRef, NftCommand } from '../host/nft-command.ts';
import { addChain, addRule, addSet, addTable, deleteChain, deleteSet, flushChain } from './commands.ts';
import { optionalChains, ownChains, ownSets } from './layout.ts';
import { everyPolicySet } from './layout-egress.ts';
import { type ChainLayout, enabledFamilies, type LayoutSettings } from './layout-model.ts';
import { isLimitSet } from './limits.ts';
import {
  dropCounts,
  filledSets,
  filterFamilies,
  filterTable,
  forwardHookChain,
  limitToldSet,
  madeForwardMarker,
  madeTableMarker,
  ownTable,
  sets,
  shareSets,
} from './names.ts';
import { type Chain, type Ruleset, ruleText, setTextOf, type Table, tableKey } from './ruleset.ts';

export const emptyTable: Table = { chains: new Map(), sets: new Map() };

export interface StructurePlan {
  readonly commands: NftCommand[];
  /** Sets that are empty afterwards, because they are made, or made anew. */
  readonly freshSets: ReadonlySet<string>;
}

export function planOwnStructure(settings: LayoutSettings, own: Table | undefined, observed: Ruleset): StructurePlan {
  const present = own ?? emptyTable;
  const wantedSets = ownSets(settings);
  const wantedChains = ownChains(settings);
  const freshSets = wantedSets.filter((set) => present.sets.get(set.name)?.text !== setTextOf(set));
  const wrongSets = freshSets.filter(({ name }) => present.sets.has(name));
  const wrongChains = wantedChains.filter(
    ({ name, hook }) => present.chains.has(name) && !hangsAt(present.chains.get(name), hook),
  );
  const strangers = removeOutdated(settings, present);
  // What is deleted may be named by any rule of ours: then all of them are written again.
  const rewritesAll = wrongSets.length + wrongChains.length > 0;
  const rewritten = wantedChains.filter(
    (chain) => chain.operators !== true && (rewritesAll || !holds(present.chains.get(chain.name), chain)),
  );
  const missing = wantedChains.filter((chain) => !present.chains.has(chain.name) || wrongChains.includes(chain));
  const markers = neededMarkers(settings, own, observed).filter((name) => !present.chains.has(name));
  const commands = [
    ...(own === undefined || own.isDormant === true ? [addTable(ownTable.family, ownTable.name)] : []),
    ...rewritten.filter(({ name }) => present.chains.has(name)).map(({ name }) => flushChain(ref(name))),
    ...strangers,
    ...wrongChains.map(({ name }) => deleteChain(ref(name))),
    ...wrongSets.map(({ name }) => deleteSet(ownTable.family, ownTable.name, name)),
    ...freshSets.map((set) => addSet(ownTable.family, ownTable.name, set)),
    ...missing.map((chain) => addChain(ref(chain.name), chain.hook && { ...chain.hook, policy: 'accept' })),
    ...markers.map((name) => addChain(ref(name))),
    ...rewritten.flatMap((chain) => chain.rules.map((expr) => addRule(ref(chain.name), expr))),
  ];
  return { commands, freshSets: new Set(freshSets.map(({ name }) => name)) };
}

function ref(chain: string): ChainRef {
  return { family: ownTable.family, table: ownTable.name, chain };
}

function hangsAt(chain: Chain | undefined, hook: ChainLayout['hook']): boolean {
  if (hook === undefined || chain?.hook === undefined) return hook === chain?.hook;
  const { type, hook: point, prio, policy } = chain.hook;
  return type === hook.type && point === hook.hook && prio === hook.prio && policy === 'accept';
}

/** True where the chain hangs at its hook and holds exactly its rules. */
export function holds(chain: Chain | undefined, layout: ChainLayout): boolean {
  const rules = chain?.rules();
  return (
    rules !== undefined &&
    hangsAt(chain, layout.hook) &&
    rules.length === layout.rules.length &&
    layout.rules.every((expr, index) => rules[index]?.text === ruleText(expr))
  );
}

/** Chains of settings that are off now, and sets of a family that is. */
function removeOutdated(settings: LayoutSettings, present: Table): NftCommand[] {
  const wanted = new Set(ownChains(settings).map(({ name }) => name));
  const chains = optionalChains.filter((name) => present.chains.has(name) && !wanted.has(name));
  const wantedSets = new Set(ownSets(settings).map(({ name }) => name));
  const gone = [
    ...Object.values(sets).flatMap((perFamily) => Object.values(perFamily)),
    ...Object.values(filledSets),
    ...Object.values(dropCounts),
    ...everyPolicySet,
    limitToldSet,
    ...Object.values(shareSets),
    ...[...present.sets.keys()].filter(isLimitSet),
  ].filter((name) => present.sets.has(name) && !wantedSets.has(name));
  return [
    ...chains.flatMap((name) => [flushChain(ref(name)), deleteChain(ref(name))]),
    ...gone.map((name) => deleteSet(ownTable.family, ownTable.name, name)),
  ];
}

/** Markers that are there stay; new ones are for what this very transaction makes. */
function neededMarkers(settings: LayoutSettings, own: Table | undefined, observed: Ruleset): string[] {
  const markers = new Set<string>();
  for (const family of Object.values(filterFamilies)) {
    for (const marker of [madeForwardMarker(family), madeTableMarker(family)]) {
      if (own?.chains.has(marker) === true) markers.add(marker);
    }
  }
  for (const family of enabledFamilies(settings).map((name) => filterFamilies[name])) {
    const filter = observed.get(tableKey(family, filterTable));
    if (filter === undefined) markers.add(madeTableMarker(family));
    if (filter?.chains.has(forwardHookChain) !== true) markers.add(madeForwardMarker(family));
  }
  return [...markers];
}
