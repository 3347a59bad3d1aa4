/** Forged packets that the kernel told of: the youngest of each link, and which of them are worth a line in the log. */
import type { ForgeryStatus } from '../control/status.ts';
import type { HostEvent } from '../host/port.ts';

type ForgedPacket = Extract<HostEvent, { kind: 'traced' }>;

interface Told {
  readonly forgery: ForgeryStatus;
  /** Unix milliseconds of the last line. */
  readonly loggedAt: number;
  /** Told by the kernel, and kept out of the log since. */
  readonly silenced: number;
}

/** A link's first forgery gets a line, and then one a minute at most. */
const quietMs = 60_000;
/** More links than a host has; a name is the host's own, so nobody from outside can fill this. */
const maxLinks = 20_000;

export class Forgeries {
  readonly #byLink = new Map<number, Told>();

  last(ifindex: number): ForgeryStatus | undefined {
    return this.#byLink.get(ifindex)?.forgery;
  }

  /** Returns what to log, if anything. `ifindex` is the link's that the packet came by. */
  heard(ifindex: number, { link, source, destination }: ForgedPacket, now = Date.now()): string | undefined {
    const before = this.#byLink.get(ifindex);
    const isQuiet = before !== undefined && now - before.loggedAt < quietMs;
    const silenced = isQuiet ? before.silenced + 1 : 0;
    if (before === undefined && this.#byLink.size >= maxLinks) this.#byLink.clear();
    const forgery = { at: now, source, destination };
    this.#byLink.set(ifindex, { forgery, loggedAt: isQuiet ? before.loggedAt : now, silenced });
    if (isQuiet) return undefined;
    return `dropped by ${link}: a packet from ${source} to ${destination}, which is not that link's address; more of the kind are counted, and said once a minute at most`;
  }

  forget(ifindex: number): void {
    this.#byLink.delete(ifindex);
  }
}
