/** The chains and sets of our own table. Only the table's structure; elements are `plan.ts`'s. */
import type { NftCommand } from '../host/port.ts';
import {
  addChain,
  addRule,
  addSet,
  addTable,
  type ChainRef,
  deleteChain,
  deleteSet,
  deleteTable,
  flushChain,
} from './commands.ts';
import { type ChainLayout, enabledFamilies, type LayoutSettings, ownChains, ownSets } from './layout.ts';
import {
  filterFamilies,
  filterTable,
  forwardHookChain,
  madeForwardMarker,
  madeTableMarker,
  ownTable,
} from './names.ts';
import { type Chain, type Ruleset, ruleText, setText, type Table, tableKey } from './ruleset.ts';

export const emptyTable: Table = { chains: new Map(), sets: new Map() };

export interface StructurePlan {
  readonly commands: NftCommand[];
  /** True where the table is made anew, and its sets are therefore empty afterwards. */
  readonly rebuilt: boolean;
}

export function planOwnStructure(
  settings: LayoutSettings,
  own: Table | undefined,
  observed: Ruleset,
  prune: boolean,
): StructurePlan {
  const markers = neededMarkers(settings, own, observed);
  if (own === undefined || !hasShape(own, settings)) {
    const removal = own === undefined ? [] : [deleteTable(ownTable.family, ownTable.name)];
    return { commands: [...removal, ...build(settings, own, markers)], rebuilt: true };
  }
  const wanted = ownChains(settings);
  const rewritten = wanted.filter((chain) => !holds(own.chains.get(chain.name), chain));
  const commands = [
    // Chains that are new with the settings; `hasShape` has made sure that those that exist have the right hook.
    ...wanted.filter(({ name }) => !own.chains.has(name)).map((chain) => addChain(ref(chain.name), chain.hook)),
    ...markers.filter((name) => !own.chains.has(name)).map((name) => addChain(ref(name))),
    ...rewritten.filter(({ name }) => own.chains.has(name)).map(({ name }) => flushChain(ref(name))),
    ...rewritten.flatMap((chain) => chain.rules.map((expr) => addRule(ref(chain.name), expr))),
    ...(prune ? removeStrangers(settings, own, markers) : []),
  ];
  return { commands, rebuilt: false };
}

function ref(chain: string): ChainRef {
  return { family: ownTable.family, table: ownTable.name, chain };
}

/** Chains without a hook stand first: a jump needs its target. */
function build(settings: LayoutSettings, before: Table | undefined, markers: readonly string[]): NftCommand[] {
  const chains = ownChains(settings);
  return [
    addTable(ownTable.family, ownTable.name),
    ...ownSets(settings).map((set) => addSet(ownTable.family, ownTable.name, set)),
    ...chains.map((chain) => addChain(ref(chain.name), chain.hook)),
    ...markers.map((name) => addChain(ref(name))),
    ...chains.flatMap((chain) => rulesToBuild(chain, before).map((expr) => addRule(ref(chain.name), expr))),
  ];
}

/** The operator's rules live on when the table is made anew. */
function rulesToBuild(chain: ChainLayout, before: Table | undefined): ChainLayout['rules'] {
  if (chain.operators !== true) return chain.rules;
  return (
    before?.chains
      .get(chain.name)
      ?.rules()
      .map((rule) => rule.expr) ?? []
  );
}

/** True where every set of ours is there as it should be, and every chain that is there has the right hook. */
function hasShape(own: Table, settings: LayoutSettings): boolean {
  const setsFit = ownSets(settings).every(
    ({ name, type, counted }) =>
      own.sets.get(name)?.text === setText(type, counted ? [{ counter: null }] : undefined, undefined),
  );
  return (
    setsFit &&
    ownChains(settings).every(({ name, hook }) => {
      const chain = own.chains.get(name);
      if (chain === undefined) return true;
      if (hook === undefined || chain.hook === undefined) return hook === chain.hook;
      const { type, hook: point, prio, policy } = chain.hook;
      return type === hook.type && point === hook.hook && prio === hook.prio && policy === 'accept';
    })
  );
}

function holds(chain: Chain | undefined, layout: ChainLayout): boolean {
  if (chain === undefined) return false;
  if (layout.operators === true) return true;
  const rules = chain.rules();
  return (
    rules.length === layout.rules.length && layout.rules.every((expr, index) => rules[index]?.text === ruleText(expr))
  );
}

/** What is in our table and no longer (or never was) ours: chains of switched-off settings, sets of a family that went. */
function removeStrangers(settings: LayoutSettings, own: Table, markers: readonly string[]): NftCommand[] {
  const known = new Set([...ownChains(settings).map(({ name }) => name), ...markers]);
  const chains = [...own.chains.keys()].filter((name) => !known.has(name));
  const knownSets = new Set(ownSets(settings).map(({ name }) => name));
  const strangeSets = [...own.sets.keys()].filter((name) => !knownSets.has(name));
  return [
    ...chains.map((name) => flushChain(ref(name))),
    ...chains.map((name) => deleteChain(ref(name))),
    ...strangeSets.map((name) => deleteSet(ownTable.family, ownTable.name, name)),
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
