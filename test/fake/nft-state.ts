/** The ruleset as data, and its shape in nft's listings (libnftables-json(5), as nft 1.0.6 prints them). */
import type { NftObject } from '../../src/host/port.ts';

export type Json = Readonly<Record<string, unknown>>;

export interface FakeRule {
  readonly handle: number;
  readonly comment?: string;
  readonly expr: readonly unknown[];
}

export interface BaseChain {
  readonly type: string;
  readonly hook: string;
  readonly prio: number;
  policy: string;
}

export interface FakeChain {
  readonly handle: number;
  readonly base: BaseChain | undefined;
  /** Further keys of a preloaded chain, e.g. `dev` or `comment`. */
  readonly rest: Json;
  rules: FakeRule[];
}

export interface FakeElement {
  readonly value: unknown;
  readonly comment: string | undefined;
  /** Undefined where it counts nothing. */
  readonly counter: { packets: number; bytes: number } | undefined;
  /** How long it lasts; undefined where it stays. */
  readonly seconds?: number | undefined;
}

export interface FakeSet {
  readonly handle: number;
  readonly type: string | readonly string[];
  /** True where `stmt` holds a counter: every element then has one. */
  readonly counted: boolean;
  /** The remaining keys as given: stmt, flags, comment, size. */
  readonly rest: Json;
  elements: Map<string, FakeElement>;
}

export interface FakeTable {
  readonly family: string;
  readonly name: string;
  readonly handle: number;
  lastHandle: number;
  readonly sets: Map<string, FakeSet>;
  readonly chains: Map<string, FakeChain>;
  /** Preloaded objects of other kinds (maps, named counters, …), kept as they are. */
  readonly others: NftObject[];
}

export interface Ruleset {
  lastTableHandle: number;
  /** Keyed by `family name`, in the order of creation. */
  readonly tables: Map<string, FakeTable>;
}

/** The table, its sets, its chains, then the rules of each chain: the order of nft 1.0.6. */
export function listTable(table: FakeTable): NftObject[] {
  const { family, name, handle } = table;
  const chains = [...table.chains];
  return structuredClone([
    { table: { family, name, handle } },
    ...[...table.sets].map(([set, value]) => listSet(table, set, value)),
    ...table.others,
    ...chains.map(([chain, { handle, base, rest }]) => ({
      chain: { family, table: name, name: chain, handle, ...base, ...rest },
    })),
    ...chains.flatMap(([chain, { rules }]) => rules.map((rule) => ({ rule: listRule(table, chain, rule) }))),
  ]);
}

function listSet(table: FakeTable, name: string, set: FakeSet): NftObject {
  const elements = [...set.elements.values()].map(listElement);
  const { handle, type, rest } = set;
  const listed = { family: table.family, name, table: table.name, type, handle, ...rest };
  return structuredClone({ set: elements.length === 0 ? listed : { ...listed, elem: elements } });
}

function listElement({ value, comment, counter }: FakeElement): unknown {
  if (counter === undefined && comment === undefined) return value;
  return { elem: { val: value, ...(comment !== undefined && { comment }), ...(counter !== undefined && { counter }) } };
}

function listRule(table: FakeTable, chain: string, { handle, comment, expr }: FakeRule): Json {
  const { family, name } = table;
  const listed = { family, table: name, chain, handle, ...(comment === undefined ? {} : { comment }) };
  return expr.length === 0 ? listed : { ...listed, expr };
}

/** True where `wanted` says yes to the value or to anything inside it. */
export function holds(value: unknown, wanted: (part: unknown) => boolean): boolean {
  if (wanted(value)) return true;
  return typeof value === 'object' && value !== null && Object.values(value).some((part) => holds(part, wanted));
}

/** True where a rule or a map of the table jumps or goes to the chain. */
export function isJumpedTo(table: FakeTable, chain: string): boolean {
  const jumps = (part: unknown) =>
    isJson(part) && [part['jump'], part['goto']].some((verdict) => isJson(verdict) && verdict['target'] === chain);
  return [...table.chains.values()].some(({ rules }) => holds(rules, jumps)) || holds(table.others, jumps);
}

export function isLookedUp(table: FakeTable, set: string): boolean {
  return [...table.chains.values()].some(({ rules }) => holds(rules, (part) => part === `@${set}`));
}

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
