/** Who changed what is ours, and what was put back: a line in the log for each, and the figures behind `status`. */

import type { RepairKind, RepairStatus } from '../control/status.ts';
import { type Culprit, type HostEvent, unnamedTable } from '../host/port.ts';
import { observedKeys } from '../nft/observe.ts';
import { type Log, tell } from '../words/log-messages.ts';
import { firstOf } from '../words/say.ts';
import { nameCulprit } from './describe-event.ts';
import type { Dirty } from './dirty.ts';
import type { Repair, Repairs } from './repairs.ts';

const maxRemembered = 16;
const maxNamed = 12;
/** In the fields of a line; a link takes about thirty bytes of its datagram. */
const maxLinksNamed = 256;

/** Who changed tables that we have something in. */
interface Author {
  readonly culprit: Culprit;
  readonly tables: ReadonlySet<string>;
  /** performance.now() milliseconds. */
  readonly heard: number;
}

/** A pass that may have put something back. */
export interface RepairPass {
  readonly repairs: Repairs;
  readonly dirty: Dirty;
  /** performance.now() milliseconds. */
  readonly begun: number;
  /** Milliseconds since the first event. */
  readonly took: number;
  /** False where the transaction failed. */
  readonly isDone: boolean;
}

export class RepairLog {
  readonly #log: Log;
  rounds = 0;
  readonly putBack: Record<RepairKind, number> = {
    nftables: 0,
    route: 0,
    'neighbour-proxy': 0,
    shaper: 0,
    link: 0,
    sysctl: 0,
    forwarding: 0,
  };
  readonly last: RepairStatus[] = [];
  /** By process id: those whose change no pass has looked at yet. */
  readonly #authors = new Map<number, Author>();

  constructor(log: Log) {
    this.#log = log;
  }

  heard(event: HostEvent): void {
    if (event.kind !== 'nft' || event.culprit === undefined) return;
    const tables = event.tables.has(unnamedTable) ? observedKeys : event.tables.intersection(observedKeys);
    const { pid } = event.culprit;
    const known = this.#authors.get(pid);
    if (tables.size === 0 || (known === undefined && this.#authors.size >= maxNamed)) return;
    const all = known === undefined ? tables : tables.union(known.tables);
    this.#authors.set(pid, { culprit: event.culprit, tables: all, heard: performance.now() });
  }

  /** Returns the culprits of a repair, undefined where there was none. */
  passed(pass: RepairPass): string[] | undefined {
    const { put, movesJump } = pass.repairs;
    const authors = this.#takeAuthors(pass);
    const cause = pass.dirty.causes.join('; ');
    if (movesJump) {
      const whose = authors.join(', ') || 'another program';
      tell(this.#log, 'jumpMoved', { who: whose }, { cause, culprits: authors });
    }
    if (put.length === 0) return undefined;
    this.rounds += 1;
    for (const { kind } of put) this.putBack[kind] += 1;
    // The kernel names the author of a ruleset only: whoever changed a route or a sysctl at the same time is not known.
    const named = authors.length === 0 ? [] : put.filter(({ kind }) => kind === 'nftables');
    this.#tell(
      put.filter((repair) => !named.includes(repair)),
      [],
      pass,
    );
    this.#tell(named, authors, pass);
    return authors;
  }

  /**
   * Those who changed the tables that were mended. Forgets them, and whoever was heard of before a pass that looked at their
   * tables: who comes while a pass is under way belongs to the next.
   */
  #takeAuthors({ repairs: { tables }, begun, isDone }: RepairPass): string[] {
    const named: string[] = [];
    for (const [pid, author] of this.#authors) {
      const isNamed = !author.tables.isDisjointFrom(tables);
      if (isNamed) named.push(nameCulprit(author.culprit));
      if (isNamed || (isDone && author.heard < begun)) this.#authors.delete(pid);
    }
    return named;
  }

  #tell(put: readonly Repair[], culprits: readonly string[], { dirty, took }: RepairPass): void {
    if (put.length === 0) return;
    const what = put.map((each) => each.what);
    const cause = dirty.causes.join('; ');
    const repair = { at: Date.now(), milliseconds: took, culprits, cause, what: what.slice(0, maxNamed) };
    this.last.unshift(repair);
    this.last.length = Math.min(this.last.length, maxRemembered);
    const who = culprits.length === 0 ? 'another program (the kernel does not say which)' : culprits.join(', ');
    const fields = { cause, culprits, milliseconds: took, what: repair.what, ...concernedBy(put) };
    tell(this.#log, 'repair', { who, things: firstOf(what, 4), n: took }, fields);
  }
}

/** For whoever filters the journal: the zones that had lost something. */
function concernedBy(put: readonly Repair[]): Record<'kinds' | 'links' | 'zones', readonly string[]> {
  const each = (values: readonly (string | undefined)[]) => [...new Set(values)].filter((value) => value !== undefined);
  return {
    kinds: each(put.map(({ kind }) => kind)),
    links: each(put.map(({ link }) => link)).slice(0, maxLinksNamed),
    zones: each(put.map(({ zone }) => zone)).slice(0, maxLinksNamed),
  };
}
