/** A packet in one base chain: rules in order, jumps and gotos, verdicts, and what rules do to the packet besides. Pure but for the traveller. */
import { act } from './action.ts';
import { evaluate, type View } from './expression.ts';
import { lookUp } from './lookup.ts';
import { judge } from './match.ts';
import { type Chain, type Hook, isRecord, type Rule, type Table, textOf } from './ruleset.ts';
import type { Traveller } from './traveller.ts';

/** `accept` ends this base chain only; `drop` ends the packet. */
export type Verdict = 'accept' | 'drop';
type Outcome = Verdict | 'continue' | 'return';

export interface Place {
  readonly traveller: Traveller;
  readonly table: Table;
  readonly chain: Chain;
  readonly hook: Hook;
  readonly priority: number;
}

/** The kernel allows 16 jumps deep (NFT_JUMP_STACK_SIZE). */
const maxDepth = 16;

export function runBaseChain(traveller: Traveller, table: Table, chain: Chain, hook: Hook): Verdict {
  const place: Place = { traveller, table, chain, hook, priority: chain.base?.priority ?? 0 };
  const outcome = runRules(chain, place, 0);
  if (outcome === 'accept' || outcome === 'drop') return outcome;
  const policy = chain.base?.policy ?? 'accept';
  traveller.note({ hook, chain, rule: undefined, what: policy, text: `policy ${policy}` });
  return policy;
}

function runRules(chain: Chain, place: Place, depth: number): Outcome {
  if (depth > maxDepth) return 'drop';
  for (const rule of chain.rules) {
    const outcome = runRule(rule, { ...place, chain }, depth);
    if (outcome !== 'continue') return outcome;
  }
  return 'continue';
}

function runRule(rule: Rule, place: Place, depth: number): Outcome {
  if (!applies(rule, place)) return 'continue';
  for (const statement of rule.expressions) {
    const outcome = runStatement(rule, statement, place, depth);
    if (outcome !== 'continue') return outcome;
  }
  return 'continue';
}

/** All conditions before any action: a rule that changes a field and then tests it is not written by anybody. */
function applies(rule: Rule, { traveller, hook, table }: Place): boolean {
  const view = traveller.view(hook, table.sets);
  const judged = rule.expressions.flatMap((statement) => judge(statement, view) ?? []);
  if (judged.some(({ truth }) => truth === false)) return false;
  const doubt = judged.find(({ truth }) => truth === undefined);
  if (doubt === undefined) return true;
  return rule.expressions.some(isConsequential) && traveller.assume(rule, hook, doubt.why);
}

/** Statements that change neither the packet nor its way. */
const idle = new Set([
  'match',
  'counter',
  'log',
  'limit',
  'quota',
  'last',
  'set',
  'ct count',
  'meter',
  'undecided',
  'comment',
]);

function isConsequential(statement: Readonly<Record<string, unknown>>): boolean {
  const changed = isRecord(statement['mangle']) ? statement['mangle']['key'] : undefined;
  // Of what a rule can write, only marks and addresses decide anything later; `meta nftrace`, for one, does not.
  if (isRecord(changed)) return 'payload' in changed || JSON.stringify(changed).includes('"mark"');
  return Object.keys(statement).some((kind) => !idle.has(kind));
}

function runStatement(rule: Rule, statement: Readonly<Record<string, unknown>>, place: Place, depth: number): Outcome {
  const [[kind, inner] = ['', undefined]] = Object.entries(statement);
  if (kind === 'vmap' && isRecord(inner)) return runMap(rule, inner, place, depth);
  if (kind === 'jump' || kind === 'goto') return follow(rule, kind, targetOf(inner), place, depth);
  if (kind === 'return') return 'return';
  if (kind === 'accept' || kind === 'drop' || kind === 'reject') {
    place.traveller.note({ hook: place.hook, chain: place.chain, rule, what: kind, text: rule.text });
    return kind === 'accept' ? 'accept' : 'drop';
  }
  return act(rule, kind, inner, place);
}

function follow(rule: Rule, verb: 'jump' | 'goto', target: string, place: Place, depth: number): Outcome {
  const chain = place.table.chains.get(target);
  if (chain === undefined) return act(rule, 'undecided-target', target, place);
  place.traveller.note({ hook: place.hook, chain: place.chain, rule, what: 'jump', text: rule.text });
  const outcome = runRules(chain, place, depth + 1);
  if (outcome === 'accept' || outcome === 'drop') return outcome;
  // After a goto the packet goes back to where this chain was jumped from.
  return verb === 'jump' ? 'continue' : 'return';
}

function runMap(rule: Rule, { key, data }: Readonly<Record<string, unknown>>, place: Place, depth: number): Outcome {
  const { traveller, hook, table } = place;
  const view: View = traveller.view(hook, table.sets);
  const found = lookUp(data, evaluate(key, view), table.sets, true);
  if (found.truth === true && isRecord(found.data)) return runStatement(rule, found.data, place, depth);
  if (found.truth !== undefined) return 'continue';
  // Which of its verdicts is unknown: the worst one is what the assumption is about.
  if (!traveller.assume(rule, hook, 'it depends on what a verdict map holds for this packet')) return 'continue';
  traveller.note({ hook, chain: place.chain, rule, what: 'drop', text: rule.text });
  return 'drop';
}

function targetOf(inner: unknown): string {
  return isRecord(inner) ? textOf(inner['target']) : '';
}
