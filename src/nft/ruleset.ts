/**
 * A ruleset as far as we know it: read once by `observe.ts`, carried forward by our own transactions (`advance`), and
 * read again when somebody else changed it. Lookups by rule text and by set element are constant time, so that a pass
 * over one zone does not grow with the others.
 */
import type { NftCommand, NftObject } from '../host/port.ts';
import { ProtectNetworkError } from '../model/errors.ts';
import { canonical } from './expressions.ts';

export interface Rule {
  /** Undefined for a rule of ours whose handle the kernel has not told yet. */
  readonly handle: number | undefined;
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
  #rules = new Set<Rule>();
  readonly #byText = new Map<string, Set<Rule>>();
  readonly #byHandle = new Map<number, Rule>();

  constructor(hook: Hook | undefined) {
    this.hook = hook;
  }

  /** In the order of evaluation, but for rules that were named since: those stand last. */
  rules(): Rule[] {
    return [...this.#rules];
  }

  rulesOf(text: string): readonly Rule[] {
    return [...(this.#byText.get(text) ?? [])];
  }

  get size(): number {
    return this.#rules.size;
  }

  append(rule: Rule): void {
    this.#rules.add(rule);
    this.#index(rule);
  }

  /** Puts the rule before the one with `handle`; linear, for the few rules whose place matters. */
  insert(rule: Rule, handle: number | undefined): void {
    const place = handle === undefined ? undefined : this.#byHandle.get(handle);
    const ordered = this.rules();
    ordered.splice(place === undefined ? 0 : ordered.indexOf(place), 0, rule);
    this.#rules = new Set(ordered);
    this.#index(rule);
  }

  delete(handle: number): void {
    const rule = this.#byHandle.get(handle);
    if (rule === undefined) return;
    this.#rules.delete(rule);
    this.#byHandle.delete(handle);
    const same = this.#byText.get(rule.text);
    same?.delete(rule);
    if (same?.size === 0) this.#byText.delete(rule.text);
  }

  /** Gives the first rule of that text that has no handle yet the one that the kernel told. */
  name(text: string, handle: number): void {
    const unnamed = this.rulesOf(text).find((rule) => rule.handle === undefined);
    if (unnamed === undefined) return;
    this.#rules.delete(unnamed);
    this.#byText.get(text)?.delete(unnamed);
    this.append({ ...unnamed, handle });
  }

  clear(): void {
    this.#rules.clear();
    this.#byText.clear();
    this.#byHandle.clear();
  }

  #index(rule: Rule): void {
    if (rule.handle !== undefined) this.#byHandle.set(rule.handle, rule);
    const same = this.#byText.get(rule.text);
    if (same === undefined) this.#byText.set(rule.text, new Set([rule]));
    else same.add(rule);
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
  /** The kernel evaluates nothing of it. */
  isDormant?: boolean;
}

/** Tables by `family name`; a table that is not there is not in the map. */
export type Ruleset = Map<string, Table>;

export function tableKey(family: string, name: string): string {
  return `${family} ${name}`;
}

export function ruleText(expr: readonly unknown[], comment?: string): string {
  return canonical(expr) + (comment === undefined ? '' : ` # ${comment}`);
}

/** nft 1.0.6 neither lists nor takes the flag `dynamic`, later ones do both: it follows from the rules that fill the set. */
export function setText(type: unknown, stmt: unknown, flags: unknown): string {
  const told = [flags ?? []].flat().filter((flag) => flag !== 'dynamic');
  return canonical({ type, stmt: stmt ?? [], flags: told });
}

/** `vif7.0 10.75.0.3` for a concatenation, the value itself otherwise. */
export function elementKey(value: unknown): string {
  if (typeof value === 'string') return value;
  const concat = (value as { concat?: unknown } | null)?.concat;
  return Array.isArray(concat) ? concat.join(' ') : canonical(value);
}

/** Carries the ruleset forward by a transaction of ours. Where it fails, the ruleset must be observed again. */
export function advance(ruleset: Ruleset, commands: readonly NftCommand[]): void {
  for (const command of commands) {
    const [[verb, object] = ['', {}]] = Object.entries(command);
    const [[kind, value] = ['', {}]] = Object.entries(object) as [string, Record<string, unknown>][];
    carry(ruleset, verb, kind, value);
  }
}

function carry(ruleset: Ruleset, verb: string, kind: string, value: Record<string, unknown>): void {
  const key = tableKey(String(value['family']), String(kind === 'table' ? value['name'] : value['table']));
  if (kind === 'table') {
    if (verb === 'delete') ruleset.delete(key);
    else {
      // Adding a table that is there takes its flags away.
      const known = ruleset.get(key);
      if (known !== undefined) known.isDormant = false;
      else ruleset.set(key, { chains: new Map(), sets: new Map() });
    }
    return;
  }
  const table = ruleset.get(key);
  if (table === undefined) throw new ProtectNetworkError('unexpected', `a plan changes ${key}, which is not there`);
  const name = String(value['name']);
  if (kind === 'chain') carryChain(table, verb, name, value);
  else if (kind === 'set') carrySet(table, verb, name, value);
  else if (kind === 'element') carryElements(table, verb, name, value['elem']);
  else if (kind === 'rule') carryRule(table, verb, value);
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

function carryRule(table: Table, verb: string, value: Record<string, unknown>): void {
  const chain = table.chains.get(String(value['chain']));
  const handle = typeof value['handle'] === 'number' ? value['handle'] : undefined;
  if (verb === 'delete' && handle !== undefined) chain?.delete(handle);
  else if (verb === 'insert') chain?.insert(toRule(value, undefined), handle);
  else chain?.append(toRule(value, undefined));
}

export function toRule(value: Record<string, unknown>, handle: number | undefined): Rule {
  const expr = Array.isArray(value['expr']) ? (value['expr'] as NftObject[]) : [];
  const comment = typeof value['comment'] === 'string' ? value['comment'] : undefined;
  return { handle, expr, comment, text: ruleText(expr, comment) };
}

export function hookOf(value: Record<string, unknown>): Hook | undefined {
  const { type, hook, prio, policy } = value;
  if (typeof type !== 'string' || typeof hook !== 'string' || typeof prio !== 'number') return undefined;
  return { type, hook, prio, policy: typeof policy === 'string' ? policy : 'accept' };
}
