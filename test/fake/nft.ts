/** The nft side of the port: transactions that apply whole or not at all, and listings. */

import { describeCommand } from '../../src/host/nft-script.ts';
import type { Culprit, ForwardChain, NewRule, Nft, NftCommand, NftFamily, NftObject } from '../../src/host/port.ts';
import type { EventStream } from './events.ts';
import type { Faults } from './faults.ts';
import { applyCommand, touchedTable } from './nft-commands.ts';
import { elementKey } from './nft-elements.ts';
import { loadObjects } from './nft-load.ts';
import type { FakeElement, Ruleset } from './nft-state.ts';
import { isJson, listTable } from './nft-state.ts';
import { renderRuleset } from './nft-text.ts';

export class FakeNft implements Nft {
  /** Transactions that went through, ours and foreign ones, like the kernel's own generation. */
  generation = 0;
  #ruleset: Ruleset = { lastTableHandle: 0, tables: new Map() };
  readonly #events: EventStream;
  readonly #faults: Faults;

  constructor(events: EventStream, faults: Faults) {
    this.#events = events;
    this.#faults = faults;
  }

  async transact(commands: readonly NftCommand[]): Promise<void> {
    await this.#faults.pass('nft.transact');
    if (commands.length === 0) return;
    const rules = this.#apply(commands, false).flatMap(newRule);
    if (rules.length > 0) this.#events.emit({ kind: 'own-rules', rules });
  }

  async tables() {
    await this.#faults.pass('nft.tables');
    return [...this.#ruleset.tables.values()].map(({ family, name }) => ({ family, name }));
  }

  async forwardChains(): Promise<ForwardChain[]> {
    await this.#faults.pass('nft.forwardChains');
    return [...this.#ruleset.tables.values()].flatMap(({ family, name: table, chains }) =>
      [...chains].flatMap(([name, { base }]) =>
        base?.hook === 'forward' ? [{ family, table, name, policy: base.policy, prio: base.prio }] : [],
      ),
    );
  }

  async table(family: NftFamily, name: string): Promise<NftObject[] | undefined> {
    await this.#faults.pass('nft.table');
    const table = this.#ruleset.tables.get(`${family} ${name}`);
    return table === undefined ? undefined : listTable(table);
  }

  async rules(family: NftFamily, name: string): Promise<NftObject[] | undefined> {
    await this.#faults.pass('nft.rules');
    const table = this.#ruleset.tables.get(`${family} ${name}`);
    return table === undefined ? undefined : listTable(table).map(withoutElements);
  }

  /** Somebody else's transaction. Understands `{"flush":{"ruleset":null}}`, xt statements and `handle` on add, too. */
  foreign(commands: readonly NftCommand[], culprit: Culprit | undefined): NftObject[] {
    const before = [...this.#ruleset.tables.keys()];
    const echoed = this.#apply(commands, true);
    const flushesAll = commands.some((command) => command['flush'] !== undefined && 'ruleset' in command['flush']);
    const tables = new Set(flushesAll ? before : commands.map(touchedTable));
    this.#events.emit({ kind: 'nft', tables, culprit });
    return echoed;
  }

  /** Puts the objects of an `nft -j list ruleset` beside what is there, whatever they hold. No event. */
  load(objects: readonly NftObject[]): void {
    this.#ruleset = loadObjects(structuredClone(this.#ruleset), objects);
  }

  /** Makes packets hit an element. Throws where there is no such element with a counter. */
  hit(family: NftFamily, table: string, set: string, value: unknown, packets: number, bytes: number): void {
    const owner = this.#ruleset.tables.get(`${family} ${table}`)?.sets.get(set);
    const element: FakeElement | undefined = owner?.elements.get(owner === undefined ? '' : elementKey(owner, value));
    if (element === undefined || owner?.counted !== true)
      throw new Error(`no counted element ${JSON.stringify(value)}`);
    element.packets += packets;
    element.bytes += bytes;
  }

  render(): string[] {
    return renderRuleset(this.#ruleset);
  }

  #apply(commands: readonly NftCommand[], foreign: boolean): NftObject[] {
    const next = structuredClone(this.#ruleset);
    const echoed = commands.map((command) => applyCommand(next, structuredClone(command), { foreign }));
    this.#ruleset = next;
    this.generation += 1;
    return echoed.filter((object) => object !== undefined);
  }
}

/** As the kernel tells a new rule to whoever listens. */
function newRule(echoed: NftObject): NewRule[] {
  const rule = echoed['rule'] as
    | { family: string; table: string; chain: string; handle: number; expr: unknown }
    | undefined;
  if (rule === undefined) return [];
  const { family, table, chain, handle, expr } = rule;
  const line = describeCommand({ add: { rule: { family, table, chain, expr } } });
  return [{ family, table, chain, handle, text: line.slice(`add rule ${family} ${table} ${chain} `.length) }];
}

function withoutElements(object: NftObject): NftObject {
  const { set } = object;
  if (!isJson(set)) return object;
  const { elem: _elements, ...rest } = set;
  return { ...object, set: rest };
}
