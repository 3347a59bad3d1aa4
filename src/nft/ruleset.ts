/**
 * A ruleset as far as we know it: read once by `observe.ts`, carried forward by our own transactions (`advance`), and
 * read again when somebody else changed it. Lookups by rule text and by set element are constant time, so that a pass
 * over one zone does not grow with the others.
 */
import {
  acceptedLink,
  type ChainRef,
  type NftCommand,
  type NftObject,
  type SetLayout,
  type SetRef,
  setFlags,
} from '../host/nft-command.ts';
import { ProtectNetworkError } from '../model/errors.ts';
import { canonical } from './canonical.ts';

export interface Rule {
  /** Undefined for a rule of ours whose handle nobody has told. */
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

  /** In the order of evaluation. */
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

  /** Returns what is gone; undefined where no rule is known by the handle. */
  delete(handle: number): Rule | undefined {
    const rule = this.#byHandle.get(handle);
    if (rule === undefined) return undefined;
    this.#rules.delete(rule);
    this.#byHandle.delete(handle);
    const same = this.#byText.get(rule.text);
    same?.delete(rule);
    if (same?.size === 0) this.#byText.delete(rule.text);
    return rule;
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
  /** Of the parts of its keys, by nft's names. */
  readonly type: readonly string[];
  /** Comparable form of its type and flags. */
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

/** Not by its statements, which nft before 1.0.6 does not list: elements have counters of their own. */
export function setText(type: unknown, flags: unknown): string {
  // nft 1.0.6 neither lists nor takes `dynamic`, later ones do both: it follows from the rules that fill the set.
  const told = [flags ?? []].flat().filter((flag) => flag !== 'dynamic');
  return canonical({ type, flags: told });
}

export function setTextOf(layout: SetLayout): string {
  return setText(layout.type, setFlags(layout));
}

/** As `ElementsCommand` has them: `vif7.0 10.75.0.3` for a concatenation, the value itself otherwise. */
export function elementKey(value: unknown): string {
  if (typeof value === 'string') return value;
  const concat = (value as { concat?: unknown } | null)?.concat;
  return Array.isArray(concat) ? concat.map(partText).join(' ') : canonical(value);
}

function partText(part: unknown): string {
  const range = (part as { range?: unknown } | null)?.range;
  return Array.isArray(range) ? range.join('-') : String(part);
}

/**
 * Carries the ruleset forward by a transaction of ours. `handles` are those of its links' rules, in their order, as far as
 * the kernel told them.
 */
export function advance(ruleset: Ruleset, commands: readonly NftCommand[], handles: readonly number[] = []): void {
  const told = handles.values();
  for (const command of commands) carry(ruleset, command, told);
}

function carry(ruleset: Ruleset, command: NftCommand, handles: Iterator<number, undefined>): void {
  const key = tableKey(command.family, command.table);
  const table = ruleset.get(key);
  if (command.kind === 'add-table' || command.kind === 'delete-table') {
    if (command.kind === 'delete-table') ruleset.delete(key);
    // Adding a table that is there takes its flags away.
    else if (table !== undefined) table.isDormant = false;
    else ruleset.set(key, { chains: new Map(), sets: new Map() });
    return;
  }
  if (table === undefined) throw new ProtectNetworkError('unexpected', `a plan changes ${key}, which is not there`);
  if ('chain' in command) carryChain(table, command, handles);
  else if ('set' in command) carrySet(table, command);
}

function carrySet({ sets }: Table, command: Extract<NftCommand, SetRef>): void {
  const known = sets.get(command.set);
  switch (command.kind) {
    case 'add-set':
      if (known === undefined) {
        const type = [command.layout.type].flat();
        sets.set(command.set, { type, text: setTextOf(command.layout), elements: new Set() });
      }
      return;
    case 'delete-set':
      sets.delete(command.set);
      return;
    case 'add-elements':
      for (const key of command.keys) known?.elements.add(key);
      return;
    case 'delete-elements':
      for (const key of command.keys) known?.elements.delete(key);
  }
}

function carryChain(
  { chains }: Table,
  command: Extract<NftCommand, ChainRef>,
  handles: Iterator<number, undefined>,
): void {
  const chain = chains.get(command.chain);
  switch (command.kind) {
    case 'add-chain':
      if (chain === undefined) chains.set(command.chain, new Chain(command.hook && hookOf(command.hook)));
      return;
    case 'flush-chain':
      chain?.clear();
      return;
    case 'delete-chain':
      chains.delete(command.chain);
      return;
    case 'add-rule':
      chain?.append(newRule(command.expr));
      return;
    case 'insert-rule':
      chain?.insert(newRule(command.expr), command.before);
      return;
    case 'accept-link':
      chain?.append(newRule(acceptedLink(command), handles.next().value));
      return;
    case 'delete-rule':
      chain?.delete(command.handle);
  }
}

function newRule(expr: readonly NftObject[], handle?: number): Rule {
  return { handle, expr, comment: undefined, text: ruleText(expr) };
}

export function toRule(value: NftObject, handle: number): Rule {
  const expr = Array.isArray(value['expr']) ? (value['expr'] as NftObject[]) : [];
  const comment = typeof value['comment'] === 'string' ? value['comment'] : undefined;
  return { handle, expr, comment, text: ruleText(expr, comment) };
}

export function hookOf({ type, hook, prio, policy }: { readonly [Key in keyof Hook]?: unknown }): Hook | undefined {
  if (typeof type !== 'string' || typeof hook !== 'string' || typeof prio !== 'number') return undefined;
  return { type, hook, prio, policy: typeof policy === 'string' ? policy : 'accept' };
}
