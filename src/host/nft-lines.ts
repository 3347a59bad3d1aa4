/**
 * Reads `nft -a monitor`: a line per changed object and, at the end of each transaction, its generation and author:
 * `# new generation 4 by process 2139 (nft)`. Only the text mode names the author.
 */
import { type Culprit, type NewRule, unnamedTable } from './port.ts';

export interface NftTransaction {
  readonly kind: 'transaction';
  /** `family name` of the tables it touched; `unnamedTable` where nft could not tell. */
  readonly tables: ReadonlySet<string>;
  readonly rules: readonly NewRule[];
  readonly culprit: Culprit | undefined;
}

/** A packet that some rule set `nftrace` on. */
export interface NftTrace {
  readonly kind: 'trace';
  readonly table: string;
  readonly chain: string;
  readonly link: string;
  readonly source: string;
  readonly destination: string;
}

/** Events may be missing. */
export interface NftTrouble {
  readonly kind: 'trouble';
  readonly words: string;
}

const objectLine =
  /^(?:add|insert|delete|replace|update|create|flush|destroy) (\w+) (ip|ip6|inet|arp|bridge|netdev) (\S+)/;
/** A rule that is not its chain's last is printed behind the handle of the one before it: `… handle 7 oifname … # handle 9`. */
const ruleLine = /^(?:add|insert) rule (\S+) (\S+) (\S+) (?:handle \d+ )?(.*) # handle (\d+)$/;
const generationLine = /^# new generation (\d+)(?: by process (\d+) \((.*)\))?/;
const traceLine = /^trace id \S+ (\S+ \S+) (\S+) packet: iif "([^"]{1,15})" .*? ip6? saddr (\S+) ip6? daddr (\S+)/;
/**
 * nft monitor forgets a set once a rule that looks into it was reported ("Received event for an unknown set"), and then
 * says of its elements no more than that there was something.
 */
const vagueLine = /^[WE]: /;
const troubleLine = /No buffer space|rror|lost|overrun/;
/** More rules than this in one transaction are read from a listing instead. */
const maxRules = 50_000;

export class NftTransactions {
  #tables = new Set<string>();
  #rules: NewRule[] = [];

  /** What a line completes, if anything. */
  push(line: string): NftTransaction | NftTrace | NftTrouble | undefined {
    if (line.startsWith('trace id ')) return readTrace(line);
    const object = objectLine.exec(line);
    if (object !== null) {
      this.#tables.add(`${object[2]} ${object[3]}`);
      if (object[1] === 'rule') this.#take(line);
      return undefined;
    }
    const generation = generationLine.exec(line);
    if (generation !== null) return this.#complete(generation[2], generation[3]);
    if (vagueLine.test(line)) {
      this.#tables.add(unnamedTable);
      return undefined;
    }
    if (troubleLine.test(line) && !/^\s/.test(line)) return { kind: 'trouble', words: line.slice(0, 200) };
    return undefined;
  }

  #take(line: string): void {
    const match = ruleLine.exec(line);
    if (match === null || this.#rules.length >= maxRules) return;
    const [, family = '', table = '', chain = '', text = '', handle] = match;
    this.#rules.push({ family, table, chain, text: withoutCounts(text), handle: Number(handle) });
  }

  #complete(pid: string | undefined, process: string | undefined): NftTransaction {
    const tables = this.#tables.size > 0 ? this.#tables : new Set([unnamedTable]);
    const rules = this.#rules;
    this.#tables = new Set();
    this.#rules = [];
    const culprit = pid === undefined ? undefined : { pid: Number(pid), process: process ?? '?' };
    return { kind: 'transaction', tables, rules, culprit };
  }
}

function readTrace(line: string): NftTrace | undefined {
  const match = traceLine.exec(line);
  if (match === null) return undefined;
  const [, table = '', chain = '', link = '', source = '', destination = ''] = match;
  return { kind: 'trace', table, chain, link, source, destination };
}

function withoutCounts(text: string): string {
  return text.replaceAll(/counter packets \d+ bytes \d+/g, 'counter');
}
