/** Per-link totals from the counters that the kernel keeps with each element of our sets. */
import { z } from 'zod';
import type { Counter } from '../control/status.ts';
import type { Nft, NftObject } from '../host/port.ts';
import { type DropKind, dropCounts, ownTable, sets } from './names.ts';

export interface CounterTotals {
  /** From the zone, under its own address. */
  readonly sent: ReadonlyMap<string, Counter>;
  readonly received: ReadonlyMap<string, Counter>;
  /** What the zone sent and was not let through, by kind. */
  readonly dropped: Readonly<Record<DropKind, ReadonlyMap<string, Counter>>>;
}

const nothing: ReadonlyMap<string, Counter> = new Map();
/** Where they cannot be read. */
export const noCounters: CounterTotals = {
  sent: nothing,
  received: nothing,
  dropped: { source: nothing, stray: nothing, error: nothing, flood: nothing },
};

const counterSchema = z.object({ packets: z.number(), bytes: z.number() });
const elementSchema = z.object({
  elem: z.object({
    val: z.union([z.string(), z.object({ concat: z.array(z.string()) })]),
    counter: counterSchema,
  }),
});

/** One listing for all links and sets: a process for each would cost ten times that. On request only, never on the hot path. */
export async function readCounters(nft: Pick<Nft, 'table'>): Promise<CounterTotals> {
  const objects = (await nft.table(ownTable.family, ownTable.name)) ?? [];
  const elements = new Map(objects.flatMap(namedElements));
  const total = (names: readonly string[]) => sumByLink(names.flatMap((name) => elements.get(name) ?? []));
  return {
    sent: total([sets.ipv4.from, sets.ipv6.from]),
    received: total([sets.ipv4.to, sets.ipv6.to]),
    dropped: {
      source: total([dropCounts.source]),
      stray: total([dropCounts.stray]),
      error: total([dropCounts.error]),
      flood: total([dropCounts.flood]),
    },
  };
}

function namedElements(object: NftObject): [name: string, elements: unknown[]][] {
  const set = object['set'] as { name?: unknown; elem?: unknown } | undefined;
  return Array.isArray(set?.elem) ? [[String(set.name), set.elem]] : [];
}

function sumByLink(elements: readonly unknown[]): Map<string, Counter> {
  const totals = new Map<string, Counter>();
  for (const element of elements) {
    const parsed = elementSchema.safeParse(element);
    if (!parsed.success) continue;
    const { val, counter } = parsed.data.elem;
    const link = typeof val === 'string' ? val : (val.concat[0] ?? '');
    const known = totals.get(link) ?? { packets: 0, bytes: 0 };
    totals.set(link, { packets: known.packets + counter.packets, bytes: known.bytes + counter.bytes });
  }
  return totals;
}
