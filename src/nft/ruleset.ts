/**
 * A ruleset as far as we know it: read once by `observe.ts`, carried forward by our own transactions (`advance`), and
 * read again when somebody else changed it. Lookups by rule text and by set element are constant time, so that a pass
 * over one zone does not grow with the others.
 */
import type { NftCommand, NftObject } from '../host/port.ts';
import { ProtectNetworkError } from '../model/errors.ts';
import { canonical } from './expressions.ts';

export interface Rule {
  readonly handle: number;
  readonly expr: readonly NftObject[];
  readonly comment: string | undefined;
  /** Comparable form of expression and comment; counter values do not matter. */
  readonly text: string;
}

export interface Hook {
  readonly type: string;
  readonly hook: string;
  readonly prio: number;
  readonly policy: string;
}

export class Chain {
  readonly hook: Hook | undefined;
  #rules = new Map<number, Rule>();
  readonly #byText = new Map<string, Set<number>>();

  constructor(hook: Hook | undefined) {
    this.hook = hook;
  }

  /** In the order of evaluation. */
  rules(): Rule[] {
    return [...this.#rules.values()];
  }

  handlesOf(text: string): readonly number[] {
    return [...(this.#byText.get(text) ?? [])];
  }

  get size(): number {
    return this.#rules.size;
  }

  append(rule: Rule): void {
    this.#rules.set(rule.handle, rule);
    this.#index(rule);
  }

  /** Puts the rule before (or after) the one with `handle`; linear, for the few rules whose place matters. */
  place(rule: Rule, where: 'before' | 'after', handle: number): void {
    const ordered = this.rules().flatMap((other) => {
      if (other.handle !== handle) return [other];
      return where === 'before' ? [rule, other] : [other, rule];
    });
    this.#rules = new Map(ordered.map((other) => [other.handle, other]));
    this.#index(rule);
  }

  delete(handle: number): void {
    const rule = this.#rules.get(handle);
    if (rule === undefined) return;
    this.#rules.delete(handle);
    const handles = this.#byText.get(rule.text);
    handles?.delete(handle);
    if (handles?.size === 0) this.#byText.delete(rule.text);
  }

  clear(): void {
    this.#rules.clear();
    this.#byText.clear();
  }

  #index(rule: Rule): void {
    const handles = this.#byText.get(rule.text);
    if (handles === undefined) this.#byText.set(rule.text, new Set([rule.handle]));
    else handles.add(rule.handle);
  }
}

export interface ElementSet {
  /** Comparable form of type and statements. */
  readonly text: string;
  /** Element values as `elementKey` writes them. */
  readonly elements: Set<string>;
}

export interface Table {
  readonly chains: Map<string, Chain>;
  readonly sets: Map<string, ElementSet>;
}

/** Tables by `family name`; a table that is not there is not in the map. */
export type Ruleset = Map<string, Table>;

export function tableKey(family: string, name: string): string {
  return `${family} ${name}`;
}

export function ruleText(expr: readonly unknown[], comment?: string): string {
  return canonical(expr) + (comment === undefined ? '' : ` # ${comment}`);
}

export function setText(type: unknown, stmt: unknown, flags: unknown): string {
  return canonical({ type, stmt: stmt ?? [], flags: flags ?? [] });
}

/** `vif7.0 10.75.0.3` for a concatenation, the value itself otherwise. */
export function elementKey(value: unknown): string {
  if (typeof value === 'string') return value;
  const concat = (value as { concat?: unknown } | null)?.concat;
  return Array.isArray(concat) ? concat.join(' ') : canonical(value);
}

/** Carries the ruleset forward by a transaction of ours that succeeded. `echoed` are nft's answers to adds and inserts. */
export function advance(ruleset: Ruleset, commands: readonly NftCommand[], echoed: readonly NftObject[]): void {
  const answers = echoed[Symbol.iterator]();
  for (const command of commands) {
    const [[verb, object] = ['', {}]] = Object.entries(command);
    const [[kind, value] = ['', {}]] = Object.entries(object) as [string, Record<string, unknown>][];
    const answer = verb === 'add' || verb === 'insert' ? answers.next().value : undefined;
    carry(ruleset, verb, kind, value, answer?.[kind] as Record<string, unknown> | undefined);
  }
}

function carry(
  ruleset: Ruleset,
  verb: string,
  kind: string,
  value: Record<string, unknown>,
  answer: Record<string, unknown> | undefined,
): void {
  const key = tableKey(String(value['family']), String(kind === 'table' ? value['name'] : value['table']));
  if (kind === 'table') {
    if (verb === 'delete') ruleset.delete(key);
    else if (!ruleset.has(key)) ruleset.set(key, { chains: new Map(), sets: new Map() });
    return;
  }
  const table = ruleset.get(key);
  if (table === undefined)
    throw new ProtectNetworkError('unexpected', `a transaction passed that changed ${key}, which is not there`);
  const name = String(value['name']);
  if (kind === 'chain') carryChain(table, verb, name, value);
  else if (kind === 'set') carrySet(table, verb, name, value);
  else if (kind === 'element') carryElements(table, verb, name, value['elem']);
  else if (kind === 'rule') carryRule(table, verb, value, answer);
}

function carryChain(table: Table, verb: string, name: string, value: Record<string, unknown>): void {
  if (verb === 'flush') table.chains.get(name)?.clear();
  else if (verb === 'delete') table.chains.delete(name);
  else if (!table.chains.has(name)) table.chains.set(name, new Chain(hookOf(value)));
}

function carrySet(table: Table, verb: string, name: string, value: Record<string, unknown>): void {
  if (verb === 'flush') table.sets.get(name)?.elements.clear();
  else if (verb === 'delete') table.sets.delete(name);
  else if (!table.sets.has(name)) {
    table.sets.set(name, { text: setText(value['type'], value['stmt'], value['flags']), elements: new Set() });
  }
}

function carryElements(table: Table, verb: string, name: string, elements: unknown): void {
  const known = table.sets.get(name)?.elements;
  for (const element of Array.isArray(elements) ? elements : []) {
    if (verb === 'delete') known?.delete(elementKey(element));
    else known?.add(elementKey(element));
  }
}

function carryRule(
  table: Table,
  verb: string,
  value: Record<string, unknown>,
  answer: Record<string, unknown> | undefined,
): void {
  const chain = table.chains.get(String(value['chain']));
  if (verb === 'delete') {
    chain?.delete(Number(value['handle']));
    return;
  }
  const handle = answer?.['handle'];
  if (typeof handle !== 'number') throw new ProtectNetworkError('garbled', 'nft did not echo the handle of a new rule');
  const rule = toRule(value, handle);
  const place = value['handle'];
  if (typeof place === 'number') chain?.place(rule, verb === 'insert' ? 'before' : 'after', place);
  else if (verb === 'insert') {
    const [first] = chain?.rules() ?? [];
    if (first === undefined) chain?.append(rule);
    else chain?.place(rule, 'before', first.handle);
  } else chain?.append(rule);
}

export function toRule(value: Record<string, unknown>, handle: number): Rule {
  const expr = Array.isArray(value['expr']) ? (value['expr'] as NftObject[]) : [];
  const comment = typeof value['comment'] === 'string' ? value['comment'] : undefined;
  return { handle, expr, comment, text: ruleText(expr, comment) };
}

export function hookOf(value: Record<string, unknown>): Hook | undefined {
  const { type, hook, prio, policy } = value;
  if (typeof type !== 'string' || typeof hook !== 'string' || typeof prio !== 'number') return undefined;
  return { type, hook, prio, policy: typeof policy === 'string' ? policy : 'accept' };
}
