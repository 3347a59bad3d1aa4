/** What we have in `ip filter` and `ip6 filter`, tables that belong to everybody: our chains and their jumps. */
import { type AcceptLink, acceptedLink, type BaseHook, type ChainRef, type NftCommand } from '../host/nft-command.ts';
import type { Family } from '../model/address.ts';
import { type LinkName, parseLinkName } from '../model/link-name.ts';
import {
  acceptLink,
  addChain,
  addRule,
  addTable,
  deleteChain,
  deleteRule,
  flushChain,
  insertRule,
} from './commands.ts';
import { counter, type Expression, jump } from './expressions.ts';
import { denyRules, forwardHead } from './layout-filter.ts';
import type { LayoutSettings } from './layout-model.ts';
import { denyChain, filterFamilies, filterTable, forwardChain, forwardHookChain, userChain } from './names.ts';
import { isJumpTo, isOurJump, jumpPosition, ourTargets } from './placement.ts';
import { type Chain, type Rule, type Ruleset, ruleText, type Table, tableKey } from './ruleset.ts';

export interface FilterScope {
  readonly wanted: readonly LinkName[];
  /** The links whose pairs may be taken away; `all`: every rule behind the head that is not wanted. */
  readonly had: 'all' | readonly LinkName[];
  readonly prune?: boolean;
}

/** As iptables makes it. The policy is never ours to set: somebody may make the chain and have it drop before we come to it. */
const forwardHook: BaseHook = { type: 'filter', hook: 'forward', prio: 0 };

export function planFilterFamily(
  settings: LayoutSettings,
  family: Family,
  observed: Ruleset,
  scope: FilterScope,
): NftCommand[] {
  const nftFamily = filterFamilies[family];
  const ref = (chain: string): ChainRef => ({ family: nftFamily, table: filterTable, chain });
  const table = observed.get(tableKey(nftFamily, filterTable));
  const pairs = planPairs(ref(forwardChain), forwardHead(settings, family), table?.chains.get(forwardChain), scope);
  if (scope.had !== 'all') return pairs;
  const missing = [forwardHookChain, userChain, forwardChain].filter((name) => table?.chains.has(name) !== true);
  return [
    ...(table === undefined ? [addTable(nftFamily, filterTable)] : []),
    ...missing.map((name) => addChain(ref(name), name === forwardHookChain ? forwardHook : undefined)),
    ...pairs,
    ...planJump(ref(forwardHookChain), table, settings.placement),
    ...planDenials(ref, table, denyRules(settings, family)),
  ];
}

/** A family that was switched off: our jump and chain go, and the operator's chain unless it holds something. */
export function planRemovedFamily(family: Family, observed: Ruleset): NftCommand[] {
  const nftFamily = filterFamilies[family];
  const table = observed.get(tableKey(nftFamily, filterTable));
  if (table === undefined) return [];
  const ref = (chain: string): ChainRef => ({ family: nftFamily, table: filterTable, chain });
  const jumps = table.chains.get(forwardHookChain)?.rules().filter(isOurJump) ?? [];
  const user = table.chains.get(userChain);
  return [
    ...jumps.map(({ handle }) => deleteRule(ref(forwardHookChain), handle)),
    ...ourTargets.flatMap((chain) => removeChain(ref(chain), table)),
    ...(user !== undefined && user.size === 0 && !isReferred(table, userChain) ? [deleteChain(ref(userChain))] : []),
  ];
}

/** A chain that somebody else's rule jumps to can only be emptied: the kernel would refuse the rest. */
function removeChain(ref: ChainRef, table: Table): NftCommand[] {
  const chain = table.chains.get(ref.chain);
  if (chain === undefined) return [];
  const isStuck = isReferred(table, ref.chain);
  return [...(chain.size > 0 ? [flushChain(ref)] : []), ...(isStuck ? [] : [deleteChain(ref)])];
}

/** True where a rule of somebody else's jumps to `target`. */
function isReferred(table: Table, target: string): boolean {
  return [...table.chains].some(
    ([name, chain]) =>
      !ourTargets.includes(name) &&
      chain.rules().some((rule) => !isOurJump(rule) && rule.text.includes(`target:"${target}"`)),
  );
}

function planPairs(
  ref: ChainRef,
  head: readonly (readonly Expression[])[],
  chain: Chain | undefined,
  scope: FilterScope,
): NftCommand[] {
  const wanted = pairsByText(ref, scope.wanted);
  if (scope.had === 'all' && !startsWith(chain, head)) return rewrite(ref, head, chain, wanted, scope.prune === true);
  const surplus =
    scope.had === 'all'
      ? surplusRules(chain, head.length, wanted, scope.prune === true)
      : [...pairsByText(ref, scope.had)]
          .filter(([text]) => !wanted.has(text))
          .flatMap(([text, { link }]) => chain?.rulesOf(text).map(({ handle }) => ({ handle, link })) ?? []);
  const missing = [...wanted].filter(([text]) => chain === undefined || chain.rulesOf(text).length === 0);
  return [...surplus.map(({ handle, link }) => deleteRule(ref, handle, link)), ...missing.map(([, pair]) => pair)];
}

function startsWith(chain: Chain | undefined, head: readonly (readonly Expression[])[]): boolean {
  if (chain === undefined) return false;
  const rules = chain.rules();
  return head.every((expr, index) => rules[index]?.text === ruleText(expr));
}

function rewrite(
  ref: ChainRef,
  head: readonly (readonly Expression[])[],
  chain: Chain | undefined,
  wanted: ReadonlyMap<string, AcceptLink>,
  prune: boolean,
): NftCommand[] {
  const kept = prune
    ? []
    : (chain?.rules() ?? []).filter((rule) => pairOf(rule) !== undefined && !wanted.has(rule.text));
  return [
    ...(chain === undefined || chain.size === 0 ? [] : [flushChain(ref)]),
    ...head.map((expr) => addRule(ref, expr)),
    ...wanted.values(),
    ...kept.map((rule) => addRule(ref, rule.expr)),
  ];
}

/** Behind the head, rules that are not wanted, with their link where they are of a pair, or are there a second time. */
function surplusRules(
  chain: Chain | undefined,
  headLength: number,
  wanted: ReadonlyMap<string, unknown>,
  prune: boolean,
): { readonly handle: number | undefined; readonly link?: LinkName | undefined }[] {
  const seen = new Set<string>();
  return (chain?.rules() ?? []).slice(headLength).flatMap((rule) => {
    const link = wanted.has(rule.text) ? undefined : pairOf(rule);
    const isSurplus = seen.has(rule.text) || (!wanted.has(rule.text) && (prune || link === undefined));
    seen.add(rule.text);
    return isSurplus ? [{ handle: rule.handle, link }] : [];
  });
}

function pairsByText(ref: ChainRef, links: readonly LinkName[]): Map<string, AcceptLink> {
  return new Map(links.flatMap((link) => acceptLink(ref, link)).map((each) => [ruleText(acceptedLink(each)), each]));
}

const keys = ['oifname', 'iifname'] as const;

/** The link of a rule of the documented shape, known or not. */
export function pairOf(rule: Rule): LinkName | undefined {
  const name = (rule.expr[0]?.['match'] as { right?: unknown } | undefined)?.right;
  const link = typeof name === 'string' ? parseLinkName(name) : undefined;
  return link !== undefined && keys.some((key) => ruleText(acceptedLink({ key, link })) === rule.text)
    ? link
    : undefined;
}

/** The chain and its jump, first of all in `FORWARD`; or neither, where nothing is denied. */
function planDenials(
  ref: (chain: string) => ChainRef,
  table: Table | undefined,
  wanted: readonly (readonly Expression[])[] | undefined,
): NftCommand[] {
  const chain = table?.chains.get(denyChain);
  const rules = table?.chains.get(forwardHookChain)?.rules() ?? [];
  const jumps = rules.filter((rule) => isJumpTo(rule, denyChain));
  const withdrawal = jumps.map(({ handle }) => deleteRule(ref(forwardHookChain), handle));
  if (wanted === undefined) return table === undefined ? [] : [...withdrawal, ...removeChain(ref(denyChain), table)];
  const isRight = chain !== undefined && chain.size === wanted.length && startsWith(chain, wanted);
  const isFirst = jumps.length === 1 && rules[0] === jumps[0];
  return [
    ...(chain === undefined ? [addChain(ref(denyChain))] : []),
    ...(isRight || chain === undefined || chain.size === 0 ? [] : [flushChain(ref(denyChain))]),
    ...(isRight ? [] : wanted.map((expr) => addRule(ref(denyChain), expr))),
    ...(isFirst ? [] : [...withdrawal, insertRule(ref(forwardHookChain), [counter, jump(denyChain)], undefined)]),
  ];
}

/** Exactly one jump, at its place. A jump that is already there is never moved without need: moving counts as a change. */
function planJump(ref: ChainRef, table: Table | undefined, placement: 'auto' | 'first'): NftCommand[] {
  const expr = [counter, jump(forwardChain)];
  const rules = (table?.chains.get(forwardHookChain)?.rules() ?? []).filter((rule) => !isJumpTo(rule, denyChain));
  const ours = rules.filter(isOurJump);
  const others = rules.filter((rule) => !isOurJump(rule));
  const position = jumpPosition(table ?? { chains: new Map(), sets: new Map() }, others, placement);
  const [first, ...surplus] = ours;
  const isPlaced = first !== undefined && rules.indexOf(first) === position && surplus.length === 0;
  if (isPlaced) return [];
  const before = others[position]?.handle;
  return [
    ...ours.map(({ handle }) => deleteRule(ref, handle)),
    before === undefined ? addRule(ref, expr) : insertRule(ref, expr, before),
  ];
}
