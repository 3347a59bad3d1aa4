/** What is believed of the shapers of links, and how a link gets the one that it should have. Somebody else's stays. */
import type { RtnetlinkChange, Shaper } from '../host/port.ts';

/** `refused`: the kernel would not have ours, and is asked again with the next resync. */
export type ObservedShaper =
  | Shaper
  | { readonly kind: 'refused'; readonly bitsPerSecond: number; readonly reason: string };

type ShaperChange = Extract<RtnetlinkChange, { kind: 'shaper-set' | 'shaper-del' }>;

export class Shapers {
  #byLink = new Map<number, ObservedShaper>();

  /** By ifindex. */
  get all(): ReadonlyMap<number, ObservedShaper> {
    return this.#byLink;
  }

  reset(shapers: ReadonlyMap<number, Shaper>): void {
    this.#byLink = new Map(shapers);
  }

  forget(ifindex: number): void {
    this.#byLink.delete(ifindex);
  }

  /** The change as if it had succeeded. */
  expect(change: ShaperChange): void {
    if (change.kind === 'shaper-del') this.forget(change.ifindex);
    else this.#byLink.set(change.ifindex, { kind: 'ours', bitsPerSecond: change.bitsPerSecond });
  }

  revoke(change: ShaperChange, reason: string): void {
    if (change.kind === 'shaper-set') this.#byLink.set(change.ifindex, { ...change, kind: 'refused', reason });
  }

  /** What an event tells, which is all there is to know. Returns whether it contradicts what was believed. */
  learn(ifindex: number, shaper: Shaper | undefined): boolean {
    const before = this.#byLink.get(ifindex);
    if (isSame(before, shaper)) return false;
    if (shaper === undefined) this.forget(ifindex);
    else this.#byLink.set(ifindex, shaper);
    return before !== undefined;
  }
}

/** `wanted`: bits a second; undefined for no shaper of ours. */
export function planShaper(
  ifindex: number,
  wanted: number | undefined,
  present: ObservedShaper | undefined,
): ShaperChange | undefined {
  if (wanted === undefined) return present?.kind === 'ours' ? { kind: 'shaper-del', ifindex } : undefined;
  const mayTry = present?.kind !== 'other' && !(present?.kind === 'refused' && present.bitsPerSecond === wanted);
  const isRight = isSame(present, { kind: 'ours', bitsPerSecond: wanted });
  return mayTry && !isRight ? { kind: 'shaper-set', ifindex, bitsPerSecond: wanted } : undefined;
}

/** The kernel counts bytes. */
function isSame(one: ObservedShaper | undefined, other: ObservedShaper | undefined): boolean {
  if (one?.kind === 'ours' && other?.kind === 'ours')
    return Math.floor(one.bitsPerSecond / 8) === Math.floor(other.bitsPerSecond / 8);
  if (one?.kind === 'other' && other?.kind === 'other') return one.qdisc === other.qdisc;
  return one === other;
}
