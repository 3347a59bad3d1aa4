/** A zone directory in memory, which says what it is told to say. */
import type { DirectorySnapshot, DirectoryState, ZoneDirectory } from '../../src/directories/zone-directory.ts';
import type { ZoneEntry } from '../../src/directories/zone-entry.ts';
import type { DirectoryName } from '../../src/model/directory-name.ts';
import { address, link } from '../unit/nft/support.ts';

export class MemoryDirectory implements ZoneDirectory {
  readonly name: DirectoryName;
  readonly #entries = new Map<string, ZoneEntry>();
  #snapshot: DirectorySnapshot;
  #changed: (() => void) | undefined;

  constructor(name: DirectoryName = 'static', entries: Readonly<Record<string, readonly string[]>> = {}) {
    this.name = name;
    this.#snapshot = { state: 'answered', entries: [], problems: [], detail: '', since: 0 };
    for (const [zone, addresses] of Object.entries(entries)) this.set(zone, ...addresses);
  }

  async start(changed: () => void): Promise<void> {
    this.#changed = changed;
  }

  async stop(): Promise<void> {
    this.#changed = undefined;
  }

  snapshot(): DirectorySnapshot {
    return this.#snapshot;
  }

  set(zone: string, ...addresses: string[]): void {
    const entry = { link: link(zone), addresses: addresses.map(address), name: undefined, origin: `memory/${zone}` };
    this.#entries.set(zone, entry);
    this.#answer({});
  }

  /** Gives a zone that is there another name. */
  call(zone: string, name: string): void {
    const entry = this.#entries.get(zone);
    if (entry === undefined) throw new Error(`${zone} is not there`);
    this.#entries.set(zone, { ...entry, name });
    this.#answer({});
  }

  unset(zone: string): void {
    this.#entries.delete(zone);
    this.#answer({});
  }

  turn(state: DirectoryState): void {
    this.#answer({ state });
  }

  /** Says "look again", whether or not there is anything new. */
  poke(): void {
    this.#changed?.();
  }

  #answer(change: Partial<DirectorySnapshot>): void {
    this.#snapshot = { ...this.#snapshot, ...change };
    const isSilent = this.#snapshot.state === 'waiting' || this.#snapshot.state === 'absent';
    this.#snapshot = { ...this.#snapshot, entries: isSilent ? [] : [...this.#entries.values()] };
    this.#changed?.();
  }
}
