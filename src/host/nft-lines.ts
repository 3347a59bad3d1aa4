/**
 * Reads `nft monitor`: a line per changed object and, at the end of each transaction, its generation and author:
 * `# new generation 4 by process 2139 (nft)`. Only the text mode names the author.
 */
import type { HostEvent } from './port.ts';

const objectLine =
  /^(?:add|insert|delete|replace|update|create|flush|destroy) (\w+) (ip|ip6|inet|arp|bridge|netdev) (\S+)/;
const generationLine = /^# new generation (\d+)(?: by process (\d+) \((.*)\))?/;
const troubleLine = /No buffer space|rror|lost|overrun/;

export class NftTransactions {
  #tables = new Set<string>();

  /** The event a line completes, if any. */
  push(line: string): HostEvent | undefined {
    const object = objectLine.exec(line);
    if (object !== null) {
      this.#tables.add(`${object[2]} ${object[3]}`);
      return undefined;
    }
    const generation = generationLine.exec(line);
    if (generation !== null) return this.#complete(generation[2], generation[3]);
    if (troubleLine.test(line) && !/^\s/.test(line))
      return { kind: 'lost', reason: `nft monitor: ${line.slice(0, 200)}` };
    return undefined;
  }

  #complete(pid: string | undefined, process: string | undefined): HostEvent {
    const tables = this.#tables;
    this.#tables = new Set();
    return {
      kind: 'nft',
      tables,
      culprit: pid === undefined ? undefined : { pid: Number(pid), process: process ?? '?' },
    };
  }
}
