/** Per-link totals from the counters that the kernel keeps with each element of our sets. */
import { z } from 'zod';
import type { ElementCounter, Nft, NftObject } from '../host/port.ts';
import { type DropKind, dropCounts, dropKinds, ingressTable, ownTable, sets } from './names.ts';

export interface Counter {
  readonly packets: number;
  readonly bytes: number;
}

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
  dropped: byKind(() => nothing),
};

export function byKind<Value>(of: (kind: DropKind) => Value): Record<DropKind, Value> {
  return Object.fromEntries(dropKinds.map((kind) => [kind, of(kind)])) as Record<DropKind, Value>;
}

const counterSchema = z.object({ packets: z.number(), bytes: z.number() });
const ruleSchema = z.object({ chain: z.string(), expr: z.array(z.unknown()) });
const countSchema = z.object({ counter: counterSchema });

/**
 * On request only, never on the hot path. `isAnyTaken`: some link has a chain at its ingress, which drops before the guard
 * sees anything.
 */
export async function readCounters(nft: Pick<Nft, 'table' | 'counters'>, isAnyTaken: boolean): Promise<CounterTotals> {
  return { dropped: await readDrops(nft, isAnyTaken), ...(await readTraffic(nft)) };
}

/** From and to each zone. */
export async function readTraffic(nft: Pick<Nft, 'counters'>): Promise<Pick<CounterTotals, 'sent' | 'received'>> {
  return {
    sent: await total(nft, sets.ipv4.from, sets.ipv6.from),
    received: await total(nft, sets.ipv4.to, sets.ipv6.to),
  };
}

/** `isAnyTaken` as of `readCounters`. */
export async function readDrops(
  nft: Pick<Nft, 'table' | 'counters'>,
  isAnyTaken: boolean,
): Promise<CounterTotals['dropped']> {
  const atIngress = isAnyTaken ? ((await nft.table(ingressTable.family, ingressTable.name)) ?? []) : [];
  const kinds = await Promise.all(dropKinds.map(async (kind) => [kind, await total(nft, dropCounts[kind])] as const));
  const { source, ...others } = Object.fromEntries(kinds) as Record<DropKind, Map<string, Counter>>;
  return { source: sumByLink(atIngress.flatMap(ingressDrops), source), ...others };
}

async function total(nft: Pick<Nft, 'counters'>, ...names: readonly string[]): Promise<Map<string, Counter>> {
  const { family, name: table } = ownTable;
  return sumByLink((await Promise.all(names.map((set) => nft.counters({ family, table, set })))).flat());
}

function ingressDrops(object: NftObject): ElementCounter[] {
  const rule = ruleSchema.safeParse(object['rule']).data;
  const counts = rule?.expr.flatMap((part) => countSchema.safeParse(part).data?.counter ?? []) ?? [];
  return counts.map((counter) => ({ link: rule?.chain ?? '', ...counter }));
}

function sumByLink(counters: readonly ElementCounter[], totals = new Map<string, Counter>()): Map<string, Counter> {
  for (const { link, packets, bytes } of counters) {
    const known = totals.get(link) ?? { packets: 0, bytes: 0 };
    totals.set(link, { packets: known.packets + packets, bytes: known.bytes + bytes });
  }
  return totals;
}
