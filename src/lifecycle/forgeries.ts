/** Dropped packets that the kernel told of: the youngest of each link, and which of them are worth a line in the log. */
import type { ForgeryStatus } from '../control/status.ts';
import type { HostEvent } from '../host/port.ts';
import { type Address, familyOf } from '../model/address.ts';
import { logMessages } from '../words/log-messages.ts';
import { say } from '../words/say.ts';

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

/** What the log says of a packet; `addresses` are those of the zone. */
type Sentence = (packet: ForgedPacket, addresses: readonly Address[]) => string;

export const spoofed: Sentence = ({ link, source, destination }) =>
  say(logMessages.spoofed.words, { link, source, destination });

/** Neighbour discovery under an address that is nobody's: a guest that was given one more by its own administrator. */
export const unassigned: Sentence = ({ link, source }, addresses) => {
  const given = addresses.filter((address) => familyOf(address) === 'ipv6');
  const { unassigned, otherAddress } = logMessages;
  if (given.length === 0) return say(unassigned.words, { link, source });
  return say(otherAddress.words, { link, source, addresses: given.join(', ') });
};

/** Of one kind. */
export class Forgeries {
  readonly #sentence: Sentence;
  readonly #byLink = new Map<number, Told>();

  constructor(sentence: Sentence) {
    this.#sentence = sentence;
  }

  last(ifindex: number): ForgeryStatus | undefined {
    return this.#byLink.get(ifindex)?.forgery;
  }

  /** Returns what to log, if anything. `ifindex` is the link's that the packet came by. */
  heard(
    ifindex: number,
    packet: ForgedPacket,
    addresses: readonly Address[] = [],
    now = Date.now(),
  ): string | undefined {
    const { source, destination } = packet;
    const before = this.#byLink.get(ifindex);
    const isQuiet = before !== undefined && now - before.loggedAt < quietMs;
    const silenced = isQuiet ? before.silenced + 1 : 0;
    if (before === undefined && this.#byLink.size >= maxLinks) this.#byLink.clear();
    const forgery = { at: now, source, destination };
    this.#byLink.set(ifindex, { forgery, loggedAt: isQuiet ? before.loggedAt : now, silenced });
    return isQuiet ? undefined : this.#sentence(packet, addresses);
  }

  forget(ifindex: number): void {
    this.#byLink.delete(ifindex);
  }
}
