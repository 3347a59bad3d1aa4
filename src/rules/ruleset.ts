/**
 * Everybody's nftables rules as values: parsed from nft's JSON (libnftables-json(5)), with the text that nft itself prints
 * for each rule. Tolerant: what is not understood stays in a rule as it is and is judged undecidable where it matters.
 */
import type { NftObject } from '../host/port.ts';
import type { Listing } from './listing.ts';

export type Hook = 'ingress' | 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting' | 'egress';

export interface RuleRef {
  /** `nft`, or `legacy` for one that nft cannot see. */
  readonly world: 'nft' | 'legacy';
  readonly family: string;
  readonly table: string;
  readonly chain: string;
  /** nft's handle; for a legacy rule its number in the chain, from 1. */
  readonly handle: number;
}

export interface BareRule {
  readonly expr: readonly NftObject[];
  readonly text: string;
}

/** With its text as the tool that made it prints it. */
export interface Rule extends BareRule {
  readonly ref: RuleRef;
}

export interface BaseHook {
  readonly hook: Hook;
  readonly type: string;
  readonly priority: number;
  readonly policy: 'accept' | 'drop';
  /** Of ingress and egress chains. */
  readonly devices: readonly string[];
}

export interface ChainRef {
  readonly world: 'nft' | 'legacy';
  readonly family: string;
  readonly table: string;
  readonly name: string;
}

export interface Chain extends ChainRef {
  readonly base: BaseHook | undefined;
  readonly rules: readonly Rule[];
}

export interface NamedSet {
  readonly type: unknown;
  readonly elements: readonly unknown[];
  /** True where it holds verdicts or values for its keys. */
  readonly isMap: boolean;
}

export interface Table {
  readonly world: 'nft' | 'legacy';
  readonly family: string;
  readonly name: string;
  readonly chains: ReadonlyMap<string, Chain>;
  readonly sets: ReadonlyMap<string, NamedSet>;
  /** The program that alone may change it. */
  readonly owner?: string | undefined;
}

export type Ruleset = readonly Table[];

interface Draft {
  readonly family: string;
  readonly name: string;
  readonly chains: Map<string, Chain & { readonly rules: Rule[] }>;
  readonly sets: Map<string, NamedSet>;
}

/** Dormant tables have no hooks in the kernel and are left out. */
export function parseRuleset(objects: readonly NftObject[], listing: Listing): Ruleset {
  const drafts = new Map<string, Draft>();
  for (const object of objects) {
    const [[kind, inner] = ['', undefined]] = Object.entries(object);
    if (!isRecord(inner)) continue;
    const family = textOf(inner['family']);
    const table = textOf(kind === 'table' ? inner['name'] : inner['table']);
    const key = `${family} ${table}`;
    if (listing.dormant.has(key)) continue;
    const draft = drafts.get(key) ?? { family, name: table, chains: new Map(), sets: new Map() };
    drafts.set(key, draft);
    if (kind === 'chain') addChain(draft, inner, listing);
    else if (kind === 'set' || kind === 'map') draft.sets.set(textOf(inner['name']), setOf(inner, kind === 'map'));
    else if (kind === 'rule') addRule(draft, inner, listing);
  }
  return [...drafts].map(([key, draft]) => ({ world: 'nft', ...draft, owner: listing.owners.get(key) }));
}

export function refText({ world, family, table, chain, handle }: RuleRef): string {
  return world === 'nft'
    ? `${family} ${table} ${chain} handle ${handle}`
    : `${family === 'ip' ? 'iptables' : 'ip6tables'}-legacy ${table} ${chain} rule ${handle}`;
}

function addChain(draft: Draft, inner: Readonly<Record<string, unknown>>, listing: Listing): void {
  const name = textOf(inner['name']);
  const { family, name: table } = draft;
  draft.chains.set(name, { world: 'nft', family, table, name, base: baseOf(inner, listing, draft), rules: [] });
}

function baseOf(inner: Readonly<Record<string, unknown>>, listing: Listing, draft: Draft): BaseHook | undefined {
  const { hook, type, prio, policy, dev } = inner;
  if (typeof hook !== 'string' || typeof prio !== 'number') return undefined;
  return {
    hook: hook as Hook,
    type: textOf(type),
    priority: prio,
    policy: policy === 'drop' ? 'drop' : 'accept',
    // nft 1.0.6 leaves the devices out of its JSON.
    devices:
      dev === undefined
        ? (listing.devices.get(`${draft.family} ${draft.name} ${textOf(inner['name'])}`) ?? [])
        : [dev].flat().map(textOf),
  };
}

function addRule(draft: Draft, inner: Readonly<Record<string, unknown>>, listing: Listing): void {
  const chain = draft.chains.get(textOf(inner['chain']));
  const { family, name: table } = draft;
  const ref: RuleRef = {
    world: 'nft',
    family,
    table,
    chain: textOf(inner['chain']),
    handle: Number(textOf(inner['handle'])),
  };
  // nft prints a statement that its JSON has no shape for as a string in its own language.
  const list: readonly unknown[] = Array.isArray(inner['expr']) ? inner['expr'] : [];
  const expr = list
    .map((part) => (isRecord(part) ? part : { undecided: textOf(part) }))
    .flatMap((part) => [...impliedBy(part), part]);
  const text = listing.rules.get(refText(ref)) ?? JSON.stringify(expr);
  chain?.rules.push({ ref, expr, text });
}

/** A reject by one family's ICMP ends that family only: nft makes a condition of it, and lists none. */
function impliedBy({ reject }: NftObject): NftObject[] {
  const family = { icmp: 'ipv4', icmpv6: 'ipv6' }[isRecord(reject) ? textOf(reject['type']) : ''];
  return family === undefined ? [] : [{ match: { op: '==', left: { meta: { key: 'nfproto' } }, right: family } }];
}

function setOf(inner: Readonly<Record<string, unknown>>, isMap: boolean): NamedSet {
  return { type: inner['type'], elements: Array.isArray(inner['elem']) ? inner['elem'] : [], isMap };
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `String` throws at an object without a usable `toString`, which any JSON can hold. */
export function textOf(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
