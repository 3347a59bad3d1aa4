/** Per-link totals from the counters that the kernel keeps with each element of our sets. */
import { z } from 'zod';
import type { Counter } from '../control/status.ts';
import type { Nft } from '../host/port.ts';
import { type DropKind, dropCounts, dropKinds, ownTable, sets } from './names.ts';

export interface CounterTotals {
  /** From the zone, under its own address. */
  readonly sent: ReadonlyMap<string, Counter>;
  readonly received: ReadonlyMap<string, Counter>;
  /** What the zone sent and was not let through, by kind. */
  readonly dropped: Readonly<Record<DropKind, ReadonlyMap<string, Counter>>>;
}

const counterSchema = z.object({ packets: z.number(), bytes: z.number() });
const elementSchema = z.object({
  elem: z.object({
    val: z.union([z.string(), z.object({ concat: z.array(z.string()) })]),
    counter: counterSchema,
  }),
});

/** One listing for all links: a few milliseconds for hundreds of zones, on request only, never on the hot path. */
export async function readCounters(nft: Nft): Promise<CounterTotals> {
  const total = async (names: readonly string[]): Promise<ReadonlyMap<string, Counter>> => {
    const found = await Promise.all(names.map((name) => nft.set(ownTable.family, ownTable.name, name)));
    return sumByLink(found.flatMap((object) => elementsOf(object)));
  };
  const [sent, received, ...drops] = await Promise.all([
    total([sets.ipv4.from, sets.ipv6.from]),
    total([sets.ipv4.to, sets.ipv6.to]),
    ...dropKinds.map((kind) => total([dropCounts[kind]])),
  ]);
  const dropped = Object.fromEntries(dropKinds.map((kind, index) => [kind, drops[index] ?? new Map()]));
  return { sent, received, dropped: dropped as CounterTotals['dropped'] };
}

function elementsOf(object: Readonly<Record<string, unknown>> | undefined): unknown[] {
  const set = object?.['set'] as { elem?: unknown } | undefined;
  return Array.isArray(set?.elem) ? set.elem : [];
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
