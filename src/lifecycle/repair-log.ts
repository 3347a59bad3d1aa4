/** Who changed what is ours, and what was put back: a line in the log for each, and the figures behind `status`. */
import type { Logger } from 'pino';
import type { RepairKind, RepairStatus } from '../control/status.ts';
import type { Culprit, HostEvent } from '../host/port.ts';
import { nameCulprit } from './describe-event.ts';
import type { Dirty } from './dirty.ts';
import type { Repair, Repairs } from './repairs.ts';

const maxRemembered = 16;
const maxNamed = 12;
/** In the fields of a line; a link takes about thirty bytes of its datagram. */
const maxLinksNamed = 256;

export class RepairLog {
  readonly #log: Logger;
  rounds = 0;
  readonly putBack: Record<RepairKind, number> = {
    nftables: 0,
    route: 0,
    'neighbour-proxy': 0,
    link: 0,
    sysctl: 0,
    forwarding: 0,
  };
  readonly last: RepairStatus[] = [];
  /** Authors of foreign transactions since the last pass, by process id. */
  readonly #culprits = new Map<number, Culprit>();

  constructor(log: Logger) {
    this.#log = log;
  }

  heard(event: HostEvent): void {
    if (event.kind === 'nft' && event.culprit !== undefined && this.#culprits.size < maxNamed) {
      this.#culprits.set(event.culprit.pid, event.culprit);
    }
  }

  /** Returns the culprits of a repair, undefined where there was none. `took`: milliseconds since the first event. */
  passed({ put, movesJump }: Repairs, dirty: Dirty, took: number): string[] | undefined {
    const authors = [...this.#culprits.values()].map(nameCulprit);
    this.#culprits.clear();
    const cause = dirty.causes.join('; ');
    if (put.length === 0) {
      if (movesJump) {
        const whose = authors.join(', ') || 'another program';
        this.#log.info(
          { event: 'jump-moved', cause, culprits: authors },
          `our jump in FORWARD moved back to its place next to the rules of ${whose}`,
        );
      }
      return undefined;
    }
    this.rounds += 1;
    for (const { kind } of put) this.putBack[kind] += 1;
    const what = put.map((each) => each.what);
    // The kernel names the author of a ruleset only: whoever changed a route or a sysctl at the same time is not known.
    const culprits = put.some(({ kind }) => kind === 'nftables') ? authors : [];
    const repair = { at: Date.now(), milliseconds: took, culprits, cause, what: what.slice(0, maxNamed) };
    this.last.unshift(repair);
    this.last.length = Math.min(this.last.length, maxRemembered);
    const who = culprits.length === 0 ? 'another program (the kernel does not say which)' : culprits.join(', ');
    this.#log.warn(
      { event: 'repair', cause, culprits, milliseconds: took, what: repair.what, ...concernedBy(put) },
      `${who} changed ${listed(what)}; put back after ${took} ms`,
    );
    return culprits;
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

/** The first few, and how many more. */
function listed(things: readonly string[]): string {
  const shown = things.slice(0, 4).join(', ');
  return things.length > 4 ? `${shown} and ${things.length - 4} more` : shown;
}
