/** The nft side of the port: transactions that apply whole or not at all, and listings. */

import { commandJson, elementJson, isOfZone, type NftJson, type SetRef } from '../../src/host/nft-command.ts';
import type {
  Culprit,
  ElementCounter,
  ForwardChain,
  Lease,
  Nft,
  NftCommand,
  NftFamily,
  NftObject,
} from '../../src/host/port.ts';
import { messageOf, ProtectNetworkError } from '../../src/model/errors.ts';
import { elementKey as keyOf } from '../../src/nft/ruleset.ts';
import type { EventStream } from './events.ts';
import type { Faults } from './faults.ts';
import { applyCommand, removalsIn, touchedTable } from './nft-commands.ts';
import { addElements, elementKey } from './nft-elements.ts';
import { loadObjects } from './nft-load.ts';
import type { FakeElement, Ruleset } from './nft-state.ts';
import { isJson, listTable } from './nft-state.ts';
import { renderRuleset } from './nft-text.ts';

export class FakeNft implements Nft {
  /** Transactions that went through, ours and foreign ones, like the kernel's own generation. */
  transactions = 0;
  #ruleset: Ruleset = { lastTableHandle: 0, tables: new Map() };
  readonly #events: EventStream;
  readonly #faults: Faults;

  constructor(events: EventStream, faults: Faults) {
    this.#events = events;
    this.#faults = faults;
  }

  async transact(commands: readonly NftCommand[]): Promise<readonly number[]> {
    await this.#faults.pass('nft.transact');
    if (commands.length === 0) return [];
    const echoed = this.own(commands.map(commandJson));
    return commands.every(isOfZone) ? echoed.flatMap(handleOf) : [];
  }

  /** A transaction of ours in nft's JSON, judged strictly. */
  own(commands: readonly NftJson[]): NftObject[] {
    return this.#apply(commands, false);
  }

  async refusalOf(commands: readonly NftCommand[]): Promise<string | undefined> {
    await this.#faults.pass('nft.refusalOf');
    try {
      this.#tried(commands.map(commandJson), false);
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  }

  async counters({ family, table, set }: SetRef): Promise<ElementCounter[]> {
    await this.#faults.pass('nft.counters');
    const elements = this.#ruleset.tables.get(`${family} ${table}`)?.sets.get(set)?.elements.values() ?? [];
    return [...elements].flatMap(({ value, counter }) => {
      const parts = isJson(value) ? (value['concat'] as unknown[]) : [value];
      return counter === undefined ? [] : [{ link: String(parts[0]), ...counter }];
    });
  }

  /** The clock of leases stands still here. */
  async lease(set: SetRef, leases: readonly Lease[]): Promise<void> {
    await this.#faults.pass('nft.lease');
    const elem = leases.map(({ key, seconds, comment }) => ({
      elem: { val: elementJson(key), timeout: seconds, comment },
    }));
    await this.#lease(
      set,
      leases.map(({ key }) => key),
      elem,
    );
  }

  async release(set: SetRef, keys: readonly string[]): Promise<void> {
    await this.#faults.pass('nft.release');
    await this.#lease(set, keys, []);
  }

  async leases({ family, table, set }: SetRef, _type: readonly string[]): Promise<Lease[]> {
    await this.#faults.pass('nft.leases');
    const elements = this.#ruleset.tables.get(`${family} ${table}`)?.sets.get(set)?.elements.values() ?? [];
    return [...elements].flatMap(({ value, seconds, comment = '' }) =>
      seconds === undefined ? [] : [{ key: keyOf(value), seconds, comment }],
    );
  }

  async #lease({ family, table, set: name }: SetRef, keys: readonly string[], elem: readonly unknown[]): Promise<void> {
    if (keys.length === 0) return;
    const next = structuredClone(this.#ruleset);
    const set = next.tables.get(`${family} ${table}`)?.sets.get(name);
    if (set === undefined) throw new ProtectNetworkError('vanished', `no set ${name}`);
    for (const key of keys) set.elements.delete(elementKey(set, elementJson(key)));
    if (elem.length > 0) addElements(set, elem, false);
    this.#ruleset = next;
    this.transactions += 1;
  }

  async generation(): Promise<number> {
    await this.#faults.pass('nft.generation');
    return this.transactions;
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
    return table === undefined ? undefined : listTable(table).map(withoutPassing);
  }

  async rules(family: NftFamily, name: string): Promise<NftObject[] | undefined> {
    await this.#faults.pass('nft.rules');
    const table = this.#ruleset.tables.get(`${family} ${name}`);
    return table === undefined ? undefined : listTable(table).map(withoutElements);
  }

  /** Somebody else's transaction. Understands `{"flush":{"ruleset":null}}`, xt statements and `handle` on add, too. */
  foreign(commands: readonly NftJson[], culprit: Culprit | undefined): NftObject[] {
    const before = [...this.#ruleset.tables.keys()];
    const echoed = this.#apply(commands, true);
    const flushesAll = commands.some((command) => command['flush'] !== undefined && 'ruleset' in command['flush']);
    const tables = new Set(flushesAll ? before : commands.map(touchedTable));
    this.#events.emit({ kind: 'nft', tables, culprit, removals: removalsIn(commands) });
    return echoed;
  }

  /** Puts the objects of an `nft -j list ruleset` beside what is there, whatever they hold. No event. */
  load(objects: readonly NftObject[]): void {
    this.#ruleset = loadObjects(structuredClone(this.#ruleset), objects);
    this.transactions += 1;
  }

  /** Makes packets hit an element. Throws where there is no such element with a counter. */
  hit(family: NftFamily, table: string, set: string, value: unknown, packets: number, bytes: number): void {
    const owner = this.#ruleset.tables.get(`${family} ${table}`)?.sets.get(set);
    const element: FakeElement | undefined = owner?.elements.get(owner === undefined ? '' : elementKey(owner, value));
    if (element?.counter === undefined) throw new Error(`no counted element ${JSON.stringify(value)}`);
    element.counter.packets += packets;
    element.counter.bytes += bytes;
  }

  render(): string[] {
    return renderRuleset(this.#ruleset);
  }

  #apply(commands: readonly NftJson[], foreign: boolean): NftObject[] {
    const { next, echoed } = this.#tried(commands, foreign);
    this.#ruleset = next;
    this.transactions += 1;
    return echoed.filter((object) => object !== undefined);
  }

  #tried(commands: readonly NftJson[], foreign: boolean) {
    const next = structuredClone(this.#ruleset);
    return { next, echoed: commands.map((command) => applyCommand(next, structuredClone(command), { foreign })) };
  }
}

function handleOf({ rule }: NftObject): number[] {
  return rule === undefined ? [] : [(rule as { handle: number }).handle];
}

function withoutElements(object: NftObject): NftObject {
  const { set } = object;
  if (!isJson(set)) return object;
  const { elem: _elements, ...rest } = set;
  return { ...object, set: rest };
}

/** What comes and goes by itself is not listed as the table's. */
function withoutPassing(object: NftObject): NftObject {
  const { set } = object;
  return isJson(set) && [set['flags']].flat().includes('timeout') ? withoutElements(object) : object;
}
