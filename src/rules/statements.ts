/** The one list of what each statement of a rule does to a packet (libnftables-json(5)). Pure. */
import type { NftObject } from '../host/port.ts';
import { bareTarget } from './iptables-target.ts';
import { type BareRule, isRecord, textOf } from './ruleset.ts';

/** Where a packet goes; `return` is back to the chain that jumped here, or to the policy. */
export type Way = 'accept' | 'drop' | 'return' | 'continue';

export interface Ways {
  /** The way of a packet that fits no condition that cannot be decided. */
  readonly likely: Way;
  readonly possible: ReadonlySet<Way>;
  /** What sends it the likely way. */
  readonly by?: BareRule;
}

export function only(likely: Way, by?: BareRule): Ways {
  return { likely, possible: new Set([likely]), ...(by && { by }) };
}

export const next = only('continue');
export const anything: Ways = { likely: 'continue', possible: new Set(['accept', 'drop', 'return', 'continue']) };

/** They look at nothing that decides, and send a packet nowhere. An addition to a set may have conditions of its own. */
const idle = ['counter', 'log', 'last', 'comment', 'dup', 'secmark', 'ct helper', 'ct timeout', 'ct expectation'];
const additions = ['set', 'map'];
/** What later rules see is another packet. */
const changes = ['mangle', 'notrack'];
/** A rule ends there for a packet that does not fit. */
const conditions: Readonly<Record<string, string>> = {
  match: 'it has a condition that cannot be read',
  undecided: 'it has a condition that cannot be judged from here',
  limit: 'it limits a rate',
  quota: 'it counts a quota',
  'ct count': 'it counts connections',
  meter: 'it meters',
  // Only packets of connections that have been answered fit (NFT_BREAK in nft_flow_offload_eval).
  flow: 'it takes connections that are under way',
};
const verdicts = ['accept', 'drop', 'reject', 'return', 'continue', 'jump', 'goto', 'vmap', 'fwd', 'queue'];
const translations = ['snat', 'dnat', 'masquerade', 'redirect'];
/** Somebody else decides. */
const unclear = ['synproxy', 'tproxy', 'undecided-target'];

const passing: ReadonlySet<string> = new Set([...idle, ...additions, ...changes, ...Object.keys(conditions)]);
const unconditional = new Set([...idle, ...changes, ...verdicts, ...translations, ...unclear]);

/** What a statement is, and what it says. `xt`, an extension of iptables, is known by its name only. */
export function partsOf(statement: NftObject): readonly [kind: string, inner: unknown] {
  const [[kind, inner] = ['', undefined]] = Object.entries(statement);
  if (kind !== 'xt') return [kind, inner];
  const { type, name } = isRecord(inner) ? inner : {};
  if (type === 'target') return partsOf(bareTarget(textOf(name)));
  return name === 'comment'
    ? ['comment', null]
    : ['undecided', `the match ${name} of iptables, which nft does not show`];
}

/** Why a packet may not fit the statement; undefined where it is no condition. What is in none of the lists may be one. */
export function conditionOf(kind: string, inner: unknown): string | undefined {
  if (kind === 'undecided') return `it depends on ${textOf(inner)}`;
  if (additions.includes(kind)) return isConditional(inner) ? 'it updates a set under a condition' : undefined;
  if (unconditional.has(kind)) return undefined;
  return conditions[kind] ?? `it has a statement that is not known here (${kind})`;
}

/** An addition fails only where the set is full; with a condition of its own it may end the rule. */
function isConditional(inner: unknown): boolean {
  const statements = isRecord(inner) ? [inner['stmt'] ?? []].flat() : [];
  return statements.some((each) => !isRecord(each) || conditionOf(...partsOf(each)) !== undefined);
}

/** True for a statement that changes the packet or its way. */
export function isConsequential(statement: NftObject): boolean {
  const [kind, inner] = partsOf(statement);
  const changed = kind === 'mangle' && isRecord(inner) ? inner['key'] : undefined;
  // Of what a rule can write, only marks, zones and addresses decide anything later; `meta nftrace`, for one, does not.
  if (isRecord(changed)) return 'payload' in changed || /"(mark|zone)"/.test(JSON.stringify(changed));
  return changes.includes(kind) || !passing.has(kind);
}

/** The ways of a packet behind a statement, for all packets: where none of them is in sight, any. */
export function waysOf(kind: string): Ways {
  if (passing.has(kind)) return next;
  if (kind === 'fwd') return only('drop');
  // Whoever takes it from the queue lets it pass or not; it never comes to the next rule.
  return kind === 'queue' ? { likely: 'accept', possible: new Set(['accept', 'drop']) } : anything;
}
