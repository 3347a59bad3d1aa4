/** A packet in a chain: rules in order, jumps and gotos, verdicts and maps. What cannot be decided is followed both ways, or as is assumed. */
import type { NftObject } from '../host/port.ts';
import { lookUp } from './lookup.ts';
import { judge } from './match.ts';
import { type BareRule, type Hook, isRecord, type NamedSet, textOf } from './ruleset.ts';
import { anything, isConsequential, next, only, partsOf, type Way, type Ways, waysOf } from './statements.ts';
import type { Value } from './value.ts';

/** Whose packet it is. */
export interface Walker<R extends BareRule> {
  /** What an expression of a rule yields for the packet. */
  ask(expression: unknown, place: Place<R>): Value;
  /** What a statement does that is no condition and no plain verdict. */
  act(rule: R, kind: string, inner: unknown, place: Place<R>): Ways;
  /**
   * Whether a rule is taken to fit that cannot be decided, or one entry of its map. Without it both ways are followed, and nothing
   * may change on the way.
   */
  assume?(rule: R, place: Place<R>, why: string, entry?: string): boolean;
  note?(what: 'accept' | 'drop' | 'reject' | 'jump', rule: R, place: Place<R>): void;
  /** Gives up, which may mean anything. */
  isTired?(): boolean;
}

export interface Place<R extends BareRule = BareRule> {
  readonly walker: Walker<R>;
  readonly hook: Hook;
  readonly priority: number;
  readonly sets: ReadonlyMap<string, NamedSet>;
  readonly rulesOf: (chain: string) => readonly R[] | undefined;
  /** What chains do; undefined for those under way. */
  readonly known: Map<string, Ways | undefined>;
}

/** The place of a packet of which only `ask` knows anything. */
export function everyWay<R extends BareRule>(
  ask: (expression: unknown) => Value,
  rulesOf: Place<R>['rulesOf'],
  maxRules = Number.POSITIVE_INFINITY,
): Place<R> {
  let rules = 0;
  const walker: Walker<R> = { ask, act: (_rule, kind) => waysOf(kind), isTired: () => ++rules > maxRules };
  return { walker, hook: 'forward', priority: 0, sets: new Map(), rulesOf, known: new Map() };
}

export function walkRules<R extends BareRule>(rules: readonly R[], place: Place<R>): Ways {
  return inTurn(rules, (rule) => walkRule(rule, place), 'return');
}

export function walkRule<R extends BareRule>(rule: R, place: Place<R>): Ways {
  const { walker, sets } = place;
  if (walker.isTired?.() === true) return anything;
  // All conditions before any action: a rule that changes a field and then tests it is not written by anybody.
  const judged = rule.expr.flatMap((statement) => judge(statement, (asked) => walker.ask(asked, place), sets) ?? []);
  if (judged.some(({ truth }) => truth === false)) return next;
  const doubt = judged.find(({ truth }) => truth === undefined);
  if (doubt !== undefined && !rule.expr.some(isConsequential)) return next;
  return where(doubt?.why, rule, place, () =>
    inTurn(rule.expr, (statement) => walkStatement(rule, statement, place), 'continue'),
  );
}

/** What becomes of a packet that goes on as long as it can; `end` is behind the last. */
function inTurn<Item>(items: Iterable<Item>, walk: (item: Item) => Ways, end: Way): Ways {
  const possible = new Set<Way>();
  let first: Ways | undefined;
  for (const item of items) {
    const ways = walk(item);
    for (const way of ways.possible) if (way !== 'continue') possible.add(way);
    if (ways.likely !== 'continue') first ??= ways;
    if (!ways.possible.has('continue')) return { ...(first ?? ways), possible };
  }
  return { ...(first ?? { likely: end }), possible: possible.add(end) };
}

/** What happens where `why`, which cannot be decided, holds. */
function where<R extends BareRule>(why: string | undefined, rule: R, place: Place<R>, ways: () => Ways): Ways {
  const holds = why === undefined || place.walker.assume?.(rule, place, why);
  if (holds === false) return next;
  return holds ? ways() : maybe(ways());
}

function maybe({ possible }: Ways): Ways {
  return { likely: 'continue', possible: new Set([...possible, 'continue']) };
}

function walkStatement<R extends BareRule>(rule: R, statement: NftObject, place: Place<R>): Ways {
  const [kind, inner] = partsOf(statement);
  if (kind === 'vmap' && isRecord(inner)) return walkMap(rule, inner, place);
  if (kind === 'jump' || kind === 'goto')
    return follow(rule, kind, isRecord(inner) ? textOf(inner['target']) : '', place);
  if (kind === 'return' || kind === 'continue') return only(kind);
  if (kind !== 'accept' && kind !== 'drop' && kind !== 'reject') return place.walker.act(rule, kind, inner, place);
  place.walker.note?.(kind, rule, place);
  return only(kind === 'accept' ? kind : 'drop', rule);
}

function follow<R extends BareRule>(rule: R, verb: 'jump' | 'goto', target: string, place: Place<R>): Ways {
  const { walker, known } = place;
  const rules = place.rulesOf(target);
  if (rules === undefined) return walker.act(rule, 'undecided-target', target, place);
  walker.note?.('jump', rule, place);
  // The kernel refuses loops; this only keeps a half-read table from hanging us.
  if (known.has(target) && known.get(target) === undefined) return walker.act(rule, 'loop', target, place);
  const before = known.get(target);
  known.set(target, undefined);
  const ways = before ?? walkRules(rules, place);
  if (walker.assume === undefined) known.set(target, ways);
  else known.delete(target);
  // After a goto the packet goes back to where this chain was jumped from.
  if (verb === 'goto') return ways;
  const back = (way: Way) => (way === 'return' ? 'continue' : way);
  return { ...ways, likely: back(ways.likely), possible: new Set([...ways.possible].map(back)) };
}

function walkMap<R extends BareRule>(rule: R, { key, data }: NftObject, place: Place<R>): Ways {
  const { walker, sets } = place;
  const found = lookUp(data, walker.ask(key, place), sets, true);
  const walk = (verdict: unknown) => (isRecord(verdict) ? walkStatement(rule, verdict, place) : anything);
  if (found.truth !== undefined) return found.truth ? walk(found.data) : next;
  const { candidates, isComplete = false } = found;
  if (walker.assume !== undefined && candidates !== undefined) return walkEntries(rule, candidates, isComplete, place);
  return where('it depends on what a verdict map holds for this packet', rule, place, () => {
    // Nobody knows its entries: the assumption is about the worst one.
    if (walker.assume !== undefined) return walkStatement(rule, { drop: null }, place);
    return inTurn(candidates ?? [undefined], (verdict) => maybe(walk(verdict)), 'continue');
  });
}

/** One entry after the other is taken to be the packet's. */
function walkEntries<R extends BareRule>(
  rule: R,
  candidates: readonly unknown[],
  isComplete: boolean,
  place: Place<R>,
): Ways {
  const entries = [...new Map(candidates.map((verdict) => [JSON.stringify(verdict), verdict])).entries()];
  const why = 'it depends on which entry of a verdict map is this packet’s';
  const chosen = entries.find(
    ([entry], index) =>
      (isComplete && index === entries.length - 1) || place.walker.assume?.(rule, place, why, entry) === true,
  );
  if (chosen === undefined) return next;
  return isRecord(chosen[1]) ? walkStatement(rule, chosen[1], place) : anything;
}
