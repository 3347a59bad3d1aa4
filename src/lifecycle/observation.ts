/**
 * Reads the whole host into the mirror while events go on coming. Those of meanwhile are held back until all is read: what
 * they tell may be in the listings already, or be newer than them.
 */
import type { Host, HostEvent } from '../host/port.ts';
import type { Mirror } from './mirror.ts';

export class Observation {
  readonly #host: Host;
  readonly #mirror: Mirror;
  #held: HostEvent[] | undefined;
  #reading: Promise<void> | undefined;

  constructor(host: Host, mirror: Mirror) {
    this.#host = host;
    this.#mirror = mirror;
  }

  /** True where the event is kept for later. */
  holds(event: HostEvent): boolean {
    return this.#held?.push(event) !== undefined;
  }

  /**
   * Begins ahead of the pass that will need it: the tools work while other things are prepared. Resolves when the host is
   * read, or could not be: whoever calls `finish` is told of that.
   */
  begin(): Promise<void> {
    this.#held ??= [];
    this.#reading ??= this.#mirror.observeAll(this.#host);
    return this.#reading.catch(() => undefined);
  }

  /** Resolves when everything is read, and hands over the events of meanwhile, also where reading failed. */
  async finish(heard: (event: HostEvent) => void): Promise<void> {
    const read = this.begin();
    try {
      await read;
      await this.#reading;
    } finally {
      const held = this.#held ?? [];
      this.#reading = undefined;
      this.#held = undefined;
      for (const event of held) heard(event);
    }
  }
}
