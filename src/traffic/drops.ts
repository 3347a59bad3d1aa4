/** What was dropped, and by which promise: exact counts, and the samples that the kernel's trace tells of. Pure. */

import { traceTable } from '../host/trace-table.ts';
import type { TracedPacket } from '../host/traffic.ts';
import type { Address } from '../model/address.ts';
import type { Counter, CounterTotals } from '../nft/counters.ts';
import { outputGuardName } from '../nft/layout-deny.ts';
import { discoveryChain } from '../nft/layout-guard.ts';
import { uplinkLeakChain } from '../nft/layout-leaving.ts';
import {
  type DropKind,
  deniedChain,
  denyChain,
  dropKinds,
  filterTable,
  forgedChain,
  hostDeniedChain,
  overBandwidthChain,
  overLimitChain,
  ownTable,
  strayChain,
  unassignedChain,
  zoneErrorsChain,
} from '../nft/names.ts';

/** `isolation`: what the settings of that name deny, which is not counted by zone. */
export type DropPromise = DropKind | 'isolation';

export interface DropSample {
  readonly kind: DropPromise;
  /** Of the link that it came by; undefined where the kernel does not tell. */
  readonly ifindex: number | undefined;
  readonly source: Address;
  readonly destination: Address;
  /** IPPROTO_*. */
  readonly protocol: number;
  readonly port: number | undefined;
}

/** Our rules tell of some of what they drop; the first that is told of such a packet is where it is dropped. */
const told: Readonly<Record<string, DropKind>> = {
  [forgedChain]: 'source',
  [unassignedChain]: 'unassigned',
  [deniedChain]: 'denied',
  [overLimitChain]: 'limit',
};
const byChain: Readonly<Record<string, DropPromise>> = {
  ...told,
  [strayChain]: 'stray',
  [zoneErrorsChain]: 'error',
  [discoveryChain]: 'flood',
  [uplinkLeakChain]: 'untranslated',
  [overBandwidthChain]: 'bandwidth',
  [hostDeniedChain]: 'isolation',
  [outputGuardName]: 'isolation',
};
/** Suspects of which nothing more was told: they have passed. */
const maxSuspects = 4096;

export class DropSampler {
  readonly #suspects = new Map<number, Omit<DropSample, 'kind'>>();

  /** Returns a sample where the event says that a packet was dropped by one of our promises. */
  heard(event: TracedPacket): DropSample | undefined {
    const { id, family, table, chain, verdict, packet, input: ifindex } = event;
    if (packet !== undefined) {
      const suspect = {
        ...packet,
        source: packet.source as Address,
        destination: packet.destination as Address,
        ifindex,
      };
      const kind = isOwn(event) ? told[chain] : undefined;
      if (kind !== undefined) return { ...suspect, kind };
      if (`${family} ${table}` === `inet ${traceTable}`) this.#suspect(id, suspect);
    }
    return verdict === 'drop' ? this.#dropped(event) : undefined;
  }

  #suspect(id: number, suspect: Omit<DropSample, 'kind'>): void {
    if (this.#suspects.size >= maxSuspects) this.#suspects.clear();
    this.#suspects.set(id, suspect);
  }

  #dropped(event: TracedPacket): DropSample | undefined {
    const suspect = this.#suspects.get(event.id);
    this.#suspects.delete(event.id);
    const isDenial = event.table === filterTable && event.chain === denyChain;
    const kind = isOwn(event) ? byChain[event.chain] : isDenial ? 'isolation' : undefined;
    return kind === undefined || suspect === undefined ? undefined : { ...suspect, kind };
  }
}

function isOwn({ family, table }: TracedPacket): boolean {
  return family === ownTable.family && table === ownTable.name;
}

/** Of one kind and link. */
export interface DropCount {
  readonly kind: DropKind;
  readonly link: string;
  readonly counter: Counter;
}

/** Where there were any. */
export function dropCountsIn(totals: CounterTotals['dropped']): DropCount[] {
  return dropKinds.flatMap((kind) =>
    [...totals[kind]].flatMap(([link, counter]) => (counter.packets === 0 ? [] : [{ kind, link, counter }])),
  );
}

/** What counts grew by, beside what was shown of it. */
export class DropTally {
  readonly #counted = new Map<string, Counter>();
  /** Shown, and not counted yet: a sample is heard of a moment ahead of, or behind, the counters' reading. */
  readonly #shown = new Map<string, number>();

  constructor(counts: readonly DropCount[]) {
    for (const { kind, link, counter } of counts) this.#counted.set(`${kind} ${link}`, counter);
  }

  shown(kind: DropPromise, link: string): void {
    const key = `${kind} ${link}`;
    this.#shown.set(key, (this.#shown.get(key) ?? 0) + 1);
  }

  /** What has grown since the last time. A counter that is less than it was began anew. */
  grown(counts: readonly DropCount[]): (DropCount & { readonly shown: number })[] {
    return counts.flatMap(({ kind, link, counter }) => {
      const key = `${kind} ${link}`;
      const { packets, bytes } = this.#counted.get(key) ?? { packets: 0, bytes: 0 };
      const isSame = counter.packets >= packets && counter.bytes >= bytes;
      const grown = isSame ? { packets: counter.packets - packets, bytes: counter.bytes - bytes } : counter;
      this.#counted.set(key, counter);
      if (grown.packets === 0) return [];
      const shown = Math.min(grown.packets, this.#shown.get(key) ?? 0);
      this.#shown.delete(key);
      return [{ kind, link, counter: grown, shown }];
    });
  }
}
